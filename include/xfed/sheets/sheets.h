/* SPDX-License-Identifier: MIT */
/*
 * sheets.h — what a configuration asks of others, as texts to hand over: records to publish in DNS,
 * names that certificates must carry, rules for firewalls.
 *
 * Pure: a configuration in, text out; no file but `out` is touched. Only plain values of the
 * configuration (prepared domains, addresses, numbers, names of interfaces) go into lines that a
 * program reads, so that nothing of it can begin a line of its own. What an operator should know
 * beside them is a comment of that syntax. doc/SHEETS.md is for people.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <xfed/conf/conf.h>

/* A certificate of ours as it is shown to peers. */
struct xf_sheet_cert {
    size_t served;    /* in conf->served */
    const char *name; /* the domain or alias that it was loaded for */
    uint8_t spki_sha256[32];
};

/*
 * The records of every served domain and alias, in the syntax of zone files (RFC 1035 section 5)
 * with absolute names: SRV for each node, addresses of their hosts, TLSA 3 1 1 (RFC 7673, RFC 7671
 * section 5.1) of each certificate at each port. `zone`: only names in it, for an $INCLUDE in that
 * zone's file; NULL: all. XF_ERR_BAD_VALUE when the configuration has no nodes, XF_ERR_NOT_FOUND
 * when nothing is in it.
 */
XF_MUST_USE enum xf_err xf_sheet_dns(const struct xf_conf *conf, const struct xf_sheet_cert *certs,
                                     size_t count, const char *zone, FILE *out,
                                     struct xf_error *err);

/*
 * A configuration of `openssl req` for a certificate with all of our names; `name`: those of the
 * served section of this domain, or this alias alone; NULL: all. XF_ERR_NOT_FOUND when it is none
 * of ours.
 */
XF_MUST_USE enum xf_err xf_sheet_csr(const struct xf_conf *conf, const char *name, FILE *out,
                                     struct xf_error *err);

/*
 * Rules for a firewall before the nodes, or on one. `syntax`: "nftables" or "asa", else
 * XF_ERR_NOT_FOUND; XF_ERR_BAD_VALUE without nodes.
 */
XF_MUST_USE enum xf_err xf_sheet_firewall(const struct xf_conf *conf, const char *syntax, FILE *out,
                                          struct xf_error *err);
