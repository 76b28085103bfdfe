/* SPDX-License-Identifier: MIT */
/*
 * uri.h — SIP and SIPS URIs (RFC 3261 section 19.1): parsed without decoding, compared, and their
 * user part decoded and encoded.
 */
#pragma once

#include <xfed/base/buf.h>

/* clang-format off */
#define XF_SIP_SCHEME_MAP(X) \
    X(SIP, "sip") X(SIPS, "sips") X(TEL, "tel") X(IM, "im") X(PRES, "pres") X(MAILTO, "mailto")
/* clang-format on */

enum xf_sip_scheme {
    XF_SIP_SCHEME_OTHER,
#define X(name, text) XF_SIP_SCHEME_##name,
    XF_SIP_SCHEME_MAP(X)
#undef X
};

#define XF_SIP_HOST_MAX      255 /* bytes; a longer host is refused */
#define XF_SIP_URI_PARTS_MAX 64  /* parameters, and headers; a URI with more is refused */

struct xf_sip_uri {
    struct xf_span text; /* all of it */
    enum xf_sip_scheme scheme;
    struct xf_span scheme_name;
    struct xf_span opaque; /* behind the first ":" */

    /* SIP and SIPS only, else absent. All raw: %-escapes are well formed, and not decoded. */
    struct xf_span user;     /* absent: no "@" */
    struct xf_span password; /* absent: none */
    /*
     * LDH labels ("_" is let pass), as written; an IPv4 address; or an IPv6 address without
     * brackets, is_ipv6. At most XF_SIP_HOST_MAX bytes. Never UTF-8.
     */
    struct xf_span host;
    bool is_ipv6;
    uint16_t port;          /* 0: none */
    struct xf_span params;  /* raw, ";name=value;..."; empty without any */
    struct xf_span headers; /* raw, "name=value&..." behind the "?"; absent without any */
};

/*
 * Parse an absolute URI. Of schemes other than SIP and SIPS only the characters are checked.
 * XF_ERR_BAD_VALUE: it is none, and *out_uri is unchanged.
 */
XF_MUST_USE enum xf_err xf_sip_uri_parse(struct xf_span text, struct xf_sip_uri *out_uri);

static inline bool xf_sip_uri_is_sip(const struct xf_sip_uri *uri)
{
    return uri->scheme == XF_SIP_SCHEME_SIP || uri->scheme == XF_SIP_SCHEME_SIPS;
}

/*
 * Find a URI parameter by its name, in any case. False: there is none. *out_value is raw; absent
 * for a parameter without a value ("lr").
 */
bool xf_sip_uri_param(const struct xf_sip_uri *uri, const char *name, struct xf_span *out_value);

/*
 * The same by RFC 3261 section 19.1.4: user and password with case, the rest without; an escape
 * equals its character unless that is reserved; maddr, method, transport, ttl and user must be in
 * both or in none, other parameters equal where both have them; all headers in any order. Of other
 * schemes: the same scheme, and the same bytes behind it.
 */
bool xf_sip_uri_equal(const struct xf_sip_uri *a, const struct xf_sip_uri *b);

/*
 * Append the decoded user part. XF_ERR_BAD_VALUE: it is empty, or what it stands for is not UTF-8
 * or holds a control character (%00). XF_ERR_LIMIT: no room for user.len bytes. Either way `out` is
 * unchanged.
 */
XF_MUST_USE enum xf_err xf_sip_user_decode(struct xf_span user, struct xf_buf *out);

/*
 * Append `text` as a user part: what RFC 3261 does not allow in one is escaped, with upper-case
 * digits. XF_ERR_LIMIT: no room, and `out` is unchanged. Decoding gives `text` again.
 */
XF_MUST_USE enum xf_err xf_sip_user_encode(struct xf_span text, struct xf_buf *out);

/* The same for the value of a URI parameter, which takes other characters. */
XF_MUST_USE enum xf_err xf_sip_param_decode(struct xf_span value, struct xf_buf *out);
XF_MUST_USE enum xf_err xf_sip_param_encode(struct xf_span text, struct xf_buf *out);
