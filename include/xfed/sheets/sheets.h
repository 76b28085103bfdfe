/* SPDX-License-Identifier: MIT */
/*
 * sheets.h — texts for those who run DNS, sign certificates and run firewalls: records to publish,
 * names that certificates must have, and rules, all derived from a configuration.
 *
 * Pure functions: a configuration in, text to `out`. Lines that a program reads hold only plain
 * values of the configuration (prepared domains, addresses, numbers, names of interfaces), so that
 * no value can start a line of its own. Hints for the operator are comments in the same syntax.
 * doc/operators/SHEETS.md explains the output.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <xfed/conf/conf.h>
#include <xfed/xmpp/jid.h>

struct xf_our_name { /* a domain that we serve, or an alias of one */
    const char *name;
    char ascii[XF_DOMAIN_ASCII_MAX + 1]; /* the name as in DNS and certificates */
    size_t served;                       /* in conf->served */
    bool is_alias;
};

/*
 * The i-th of all our domains and aliases, with each domain before its aliases; false: there are no
 * more.
 */
bool xf_our_name_at(const struct xf_conf *conf, size_t i, struct xf_our_name *out);
/* Is this name, as conf prepared it, one of our domains or aliases? */
bool xf_name_is_ours(const struct xf_conf *conf, const char *name);
/* Is this name `zone` or below it? */
bool xf_name_is_in(const char *name, const char *zone);
/* Does a peer, or do all without a section, belong to SIP? */
bool xf_some_peer_is_sip(const struct xf_conf *conf);

/* One of our certificates, as peers see it. */
struct xf_sheet_cert {
    size_t served;    /* in conf->served */
    const char *name; /* the domain or alias for which it was loaded */
    uint8_t spki_sha256[32];
};

/*
 * The records of every served domain and alias, in the syntax of zone files (RFC 1035 section 5)
 * with absolute names: SRV for each node, and for SIP where peers belong to it, addresses of the
 * nodes' hosts, TLSA 3 1 1 (RFC 7673, RFC 7671 section 5.1) of each certificate at each port.
 * `zone`: only names in this zone, for an $INCLUDE in its file; NULL: all. XF_ERR_BAD_VALUE: the
 * configuration has no nodes. XF_ERR_NOT_FOUND: no name is in the zone.
 */
XF_MUST_USE enum xf_err xf_sheet_dns(const struct xf_conf *conf, const struct xf_sheet_cert *certs,
                                     size_t count, const char *zone, FILE *out,
                                     struct xf_error *err);

/*
 * A configuration file of `openssl req` for a certificate. `name`: a served domain, for the names
 * of its section, an alias, for this one alone, or the host of sip { }, for the certificate there;
 * NULL: all our names, that host among them. XF_ERR_NOT_FOUND: the name is not ours.
 */
XF_MUST_USE enum xf_err xf_sheet_csr(const struct xf_conf *conf, const char *name, FILE *out,
                                     struct xf_error *err);

/*
 * The page to send to the operator of this peer (prepared): our domains, servers and keys, what
 * applies to the peer, what we need of it. Markdown. `certs`: for a peer with protocol = sip those
 * of sip { }, each named after the host. XF_ERR_BAD_VALUE: we serve no domain, or the peer belongs
 * to SIP and SIP is off.
 */
XF_MUST_USE enum xf_err xf_sheet_partner(const struct xf_conf *conf,
                                         const struct xf_sheet_cert *certs, size_t count,
                                         const char *partner, FILE *out, struct xf_error *err);

/*
 * Rules for a firewall in front of the nodes, or on a node. `syntax`: "nftables" or "asa", else
 * XF_ERR_NOT_FOUND; XF_ERR_BAD_VALUE without nodes.
 */
XF_MUST_USE enum xf_err xf_sheet_firewall(const struct xf_conf *conf, const char *syntax, FILE *out,
                                          struct xf_error *err);
