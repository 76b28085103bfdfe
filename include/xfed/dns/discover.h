/* SPDX-License-Identifier: MIT */
/*
 * discover.h — turns a peer's domain into candidates to connect to (RFC 6120 §3.2, RFC 2782,
 * XEP-0368, RFC 3263, RFC 8305).
 *
 * The SRV records of several services are asked at the same time and merged by priority and weight;
 * without SRV the domain's A/AAAA with the port of the protocol. Addresses of a target are
 * interleaved v6, v4. SRV target "." means that there is no service; SERVFAIL and silence do not
 * mean that a record is absent. Sans I/O over struct xf_dns.
 */
#pragma once

#include <xfed/base/err.h>
#include <xfed/dns/dns.h>
#include <xfed/net/addr.h>

struct xf_candidate {
    struct xf_addr addr;
    bool is_direct; /* TLS at once (XEP-0368, SIP over TLS) */
    /*
     * The answers with SRV (or its absence) and the address were secure; never for static routes.
     */
    bool is_secure;
    /*
     * Records of _PORT._tcp.TARGET if is_secure; NULL: none. Lives as long as the result; ref it to
     * keep it.
     */
    struct xf_tlsa_set *tlsa;
    char target[XF_DNS_NAME_MAX + 1]; /* SRV target, or the domain */
};

enum xf_discovery_outcome {
    XF_DISCOVERY_FOUND,      /* count > 0 */
    XF_DISCOVERY_NO_SERVICE, /* SRV "." */
    XF_DISCOVERY_NOT_FOUND,  /* NXDOMAIN, or no address anywhere */
    XF_DISCOVERY_FAILED,     /* SERVFAIL, timeout, malformed answer: the domain may well exist */
};

struct xf_discovery_result {
    enum xf_discovery_outcome outcome;
    /* In the order in which to try them, at most XF_CANDIDATES_MAX; borrowed. */
    const struct xf_candidate *candidates;
    size_t count;
    /*
     * With dane: a query failed that might have led to TLSA records of the domain, whatever else
     * was found.
     */
    bool tlsa_is_open;
    const char *detail; /* text for log and bounce, never NULL */
    const char *cause;  /* FAILED: what which resolver said, for the log alone; else "" */
    enum xf_help help;  /* unless FOUND: why */
};

#define XF_CANDIDATES_MAX 32

struct xf_discovery;
typedef void (*xf_discovered_fn)(void *owner, const struct xf_discovery_result *result);

/*
 * What to look for. A domain that is an IP literal, and without SRV records the A/AAAA of a service
 * that falls back, get the port of the protocol: 5269, SIP 5061, in clear 5060.
 */
enum xf_service {
    XF_SERVICE_XMPPS = 1 << 0, /* SRV _xmpps-server */
    XF_SERVICE_XMPP = 1 << 1,  /* SRV _xmpp-server; falls back */
    /*
     * SIP over TLS: the domain's NAPTR rules for SIPS+D2T first, which name the SRV records to ask
     * for; without rules SRV _sips (RFC 3263 §4); falls back.
     */
    XF_SERVICE_SIPS = 1 << 2,
    /* SRV _sipfederationtls: Microsoft's servers look for nothing else, so it does not fall back */
    XF_SERVICE_SIP_FEDERATION = 1 << 3,
    XF_SERVICE_SIP_TCP = 1 << 4, /* SIP in clear: SRV _sip; falls back */
};

/*
 * How many NAPTR rules of the most preferred order are followed, one after the other until one
 * leads to an SRV record; further ones are ignored.
 */
#define XF_NAPTR_RULES_MAX 4

struct xf_discovery_opts {
    unsigned services; /* enum xf_service, of one protocol */
    /*
     * Ask for TLSA records of secure targets too (RFC 7673; not where dns->may_be_secure is false).
     * A target whose TLSA query fails (SERVFAIL, bogus, silence) is omitted, since an attacker may
     * be hiding its records. Insecure records, and sets without a usable record, count as none (RFC
     * 6698 §4.1).
     */
    bool dane;
    /* No service falls back: without SRV records nothing is found. */
    bool srv_only;
};

/*
 * Queries of one discovery: at most XF_SERVICE_QUESTIONS_MAX for NAPTR and SRV (2 for XMPP); then,
 * for the first XF_CANDIDATES_MAX endpoints, A and AAAA of each distinct target and TLSA of each
 * distinct target and port.
 */
#define XF_SERVICE_QUESTIONS_MAX   (2 + XF_NAPTR_RULES_MAX)
#define XF_DISCOVERY_QUESTIONS_MAX (XF_SERVICE_QUESTIONS_MAX + 3 * XF_CANDIDATES_MAX)

/*
 * Start. `done` is called exactly once, after this function has returned; not at all if cancelled.
 * The discovery frees itself after `done`. A domain that is an IP literal needs no query.
 */
struct xf_discovery *xf_discover(struct xf_dns *dns, struct xf_span domain,
                                 const struct xf_discovery_opts *opts, xf_discovered_fn done,
                                 void *owner);

/*
 * The same for static routes "host:port" (host a name or literal): A/AAAA only, no SRV, no
 * fallback. `service` gives the port of a route without one, and is_direct. Candidates come in the
 * order of the routes; with `are_equal` in a random order, drawn anew each time.
 */
struct xf_discovery *xf_discover_static(struct xf_dns *dns, enum xf_service service,
                                        const char *const *routes, size_t count, bool are_equal,
                                        xf_discovered_fn done, void *owner);

/*
 * What the domain's servers may authenticate with when they connect to us: the TLSA records of all
 * candidates, each once (RFC 7673; the first XF_TLSA_MAX), and the distinct names of secure
 * targets, borrowed from the result. The caller owns the returned set; NULL: none.
 */
struct xf_tlsa_set *xf_discovery_tlsa(const struct xf_discovery_result *result);
size_t xf_discovery_secure_targets(const struct xf_discovery_result *result,
                                   const char *out_names[XF_CANDIDATES_MAX]);

void xf_discovery_cancel(struct xf_discovery **discovery); /* NULL is fine */
