/* SPDX-License-Identifier: MIT */
/*
 * discover.h — turns a peer's domain into candidates to connect to (RFC 6120 §3.2, RFC 2782,
 * XEP-0368, RFC 8305).
 *
 * SRV _xmpps-server and _xmpp-server are asked at the same time and merged by priority and weight;
 * without SRV the domain's A/AAAA with port 5269. Addresses of a target are interleaved v6, v4. SRV
 * target "." means that there is no service; SERVFAIL and silence do not mean that a record is
 * absent. Sans I/O over struct xf_dns.
 */
#pragma once

#include <xfed/base/err.h>
#include <xfed/dns/dns.h>
#include <xfed/net/addr.h>

struct xf_candidate {
    struct xf_addr addr;
    bool is_direct; /* TLS at once (XEP-0368) */
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

struct xf_discovery_opts {
    bool direct_tls; /* ask for _xmpps-server */
    bool starttls;   /* ask for _xmpp-server and fall back to A/AAAA:5269 */
    /*
     * Ask for TLSA records of secure targets too (RFC 7673; not where dns->may_be_secure is false).
     * A target whose TLSA query fails (SERVFAIL, bogus, silence) is omitted, since an attacker may
     * be hiding its records. Insecure records, and sets without a usable record, count as none (RFC
     * 6698 §4.1).
     */
    bool dane;
};

/*
 * Queries of one discovery: 2 for SRV; then, for the first XF_CANDIDATES_MAX endpoints, A and AAAA
 * of each distinct target and TLSA of each distinct target and port.
 */
#define XF_DISCOVERY_QUESTIONS_MAX (2 + 3 * XF_CANDIDATES_MAX)

/*
 * Start. `done` is called exactly once, after this function has returned; not at all if cancelled.
 * The discovery frees itself after `done`. A domain that is an IP literal needs no query and gives
 * port 5269.
 */
struct xf_discovery *xf_discover(struct xf_dns *dns, struct xf_span domain,
                                 const struct xf_discovery_opts *opts, xf_discovered_fn done,
                                 void *owner);

/*
 * The same for static routes "host:port" (host a name or literal): A/AAAA only, no SRV, no
 * fallback. Candidates come in the order of the routes; with `are_equal` in a random order, drawn
 * anew each time.
 */
struct xf_discovery *xf_discover_static(struct xf_dns *dns, const char *const *routes, size_t count,
                                        bool are_equal, xf_discovered_fn done, void *owner);

/*
 * What the domain's servers may authenticate with when they connect to us: the TLSA records of all
 * candidates, each once (RFC 7673; the first XF_TLSA_MAX), and the distinct names of secure
 * targets, borrowed from the result. The caller owns the returned set; NULL: none.
 */
struct xf_tlsa_set *xf_discovery_tlsa(const struct xf_discovery_result *result);
size_t xf_discovery_secure_targets(const struct xf_discovery_result *result,
                                   const char *out_names[XF_CANDIDATES_MAX]);

void xf_discovery_cancel(struct xf_discovery **discovery); /* NULL is fine */
