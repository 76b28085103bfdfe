/* SPDX-License-Identifier: MIT */
/*
 * jid.h — JIDs in their prepared form (RFC 7622; local parts by stringprep, RFC 6122, as deployed
 * servers).
 *
 * local@domain/resource, split at the first '/' and then at the first '@' before it. Local parts go
 * through nodeprep, resources through OpaqueString (RFC 8265), domains through IDNA2008 (UTS 46
 * mapping; emoji pass) to U-labels (RFC 7622 section 3.2.1): NFC, lower case, one trailing dot
 * dropped, each label 1-63 bytes of LDH or "_" as an A-label, 253 in all; also `[v6]` and dotted
 * IPv4 literals. Each prepared part has 1 to 1023 bytes. Our own table handles ASCII; libraries
 * handle everything else, and A-labels.
 *
 * The prepared form is used on the wire, in the configuration and in the log. DNS, TLS and what
 * xfedd prints for them use A-labels: xf_domain_to_ascii converts to them, xf_domain_prepare back.
 */
#pragma once

#include <xfed/base/err.h>
#include <xfed/base/span.h>

#define XF_JID_PART_MAX     1023
#define XF_JID_MAX          (3 * XF_JID_PART_MAX + 2)
#define XF_DOMAIN_MAX       XF_JID_PART_MAX /* bytes of a prepared domain, without the NUL */
#define XF_DOMAIN_ASCII_MAX 253             /* ... with A-labels (RFC 1035 section 2.3.4) */

struct xf_jid {
    struct xf_span full;  /* prepared, as it is written on the wire */
    struct xf_span local; /* absent when there is none; these three point into full */
    struct xf_span domain;
    struct xf_span resource; /* absent when there is none */
};

/* Without the resource; borrowed. */
static inline struct xf_span xf_jid_bare(const struct xf_jid *jid)
{
    return (struct xf_span){jid->full.ptr,
                            jid->full.len - (jid->resource.ptr ? jid->resource.len + 1 : 0)};
}

/*
 * Prepare `text`. If it is already in prepared form (the usual case), the spans point into `text`
 * and nothing is copied; otherwise they point into `scratch`, which must live as long as *out_jid.
 * XF_ERR_BAD_JID: the text is not a JID, and *out_jid is unchanged. `text` must be valid UTF-8
 * without NUL.
 */
XF_MUST_USE enum xf_err xf_jid_prepare(struct xf_span text, char scratch[XF_JID_MAX + 1],
                                       struct xf_jid *out_jid);

/*
 * Prepare a bare domain name, in U-labels or A-labels, into `out` (NUL-terminated U-labels).
 * XF_ERR_BAD_JID as above.
 */
XF_MUST_USE enum xf_err xf_domain_prepare(struct xf_span text, char out[XF_DOMAIN_MAX + 1]);

/*
 * Prepare only the domain of an address, which may otherwise be malformed: for an answer about it.
 * XF_ERR_BAD_JID: it names no domain either, and `out` is unchanged.
 */
XF_MUST_USE enum xf_err xf_jid_named_domain(struct xf_span text, char out[XF_DOMAIN_MAX + 1]);

/*
 * The same name in A-labels, NUL-terminated. XF_ERR_BAD_JID: it is not a domain, and `out` is
 * unchanged; this cannot happen for a prepared domain.
 */
XF_MUST_USE enum xf_err xf_domain_to_ascii(struct xf_span domain,
                                           char out[XF_DOMAIN_ASCII_MAX + 1]);

/* Is this prepared domain an IP literal? */
bool xf_domain_is_address(struct xf_span domain);
