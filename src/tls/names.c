/* SPDX-License-Identifier: MIT */
/*
 * names.c — does a certificate name a domain? Compares text only: facts.c has checked the names and
 * converted them to lower case and A-labels; the domain is converted to A-labels here.
 *
 * RFC 6125 §6.4, RFC 9525 §6.3: a dNSName is equal, or its whole left-most label is "*" and stands
 * for exactly one label; "f*o", "a.*.example", "*" and "*.tld" match nothing. SRVName (RFC 4985)
 * and xmppAddr are equal or not. An IP literal is never matched by a wildcard.
 *
 * For SIP everything is equal or not, and which names are looked at depends on what else the
 * certificate has (RFC 5922 §7.1). Test: tests/unit/tls/test_names.c.
 */
#include <xfed/tls/facts.h>
#include <xfed/xmpp/jid.h>

#define SRV_PREFIX "_xmpp-server."
#define SIP_PREFIX "sip:"

static bool is_v4_literal(struct xf_span domain)
{
    for (size_t i = 0; i < domain.len; i++) {
        if (domain.ptr[i] != '.' && (domain.ptr[i] < '0' || domain.ptr[i] > '9'))
            return false;
    }
    return true;
}

static bool wildcard_matches(struct xf_span pattern, struct xf_span domain)
{
    const char *dot = memchr(domain.ptr, '.', domain.len);

    if (pattern.len < 3 || pattern.ptr[0] != '*' || pattern.ptr[1] != '.' || !dot ||
        dot == domain.ptr)
        return false;
    struct xf_span rest = {pattern.ptr + 1, pattern.len - 1}; /* ".example.org" */
    struct xf_span domain_rest = {dot, domain.len - (size_t)(dot - domain.ptr)};
    if (!memchr(rest.ptr + 1, '.', rest.len - 1) || memchr(rest.ptr, '*', rest.len))
        return false;
    return xf_span_eq(rest, domain_rest) && !is_v4_literal(domain);
}

static bool name_matches(const struct xf_cert_name *name, struct xf_span domain)
{
    struct xf_span text = xf_span_of(name->text);

    switch (name->kind) {
    case XF_CERT_DNS:
        return xf_span_eq(text, domain) || wildcard_matches(text, domain);
    case XF_CERT_SRV:
        return text.len == domain.len + sizeof(SRV_PREFIX) - 1 &&
               memcmp(text.ptr, SRV_PREFIX, sizeof(SRV_PREFIX) - 1) == 0 &&
               xf_span_ends_with(text, domain);
    case XF_CERT_XMPP:
        return xf_span_eq(text, domain);
    case XF_CERT_SIP:
        break; /* says nothing about XMPP */
    }
    return false;
}

bool xf_tls_facts_name(const struct xf_tls_facts *facts, struct xf_span domain)
{
    char ascii[XF_DOMAIN_ASCII_MAX + 1];

    if (xf_domain_to_ascii(domain, ascii) != XF_ERR_OK)
        return false;
    for (size_t i = 0; i < facts->name_count; i++) {
        if (name_matches(&facts->names[i], xf_span_of(ascii)))
            return true;
    }
    return false;
}

static bool has_kind(const struct xf_tls_facts *facts, enum xf_cert_name_kind kind)
{
    for (size_t i = 0; i < facts->name_count; i++)
        if (facts->names[i].kind == kind)
            return true;
    return false;
}

/* Is this name, behind `prefix`, one of that kind? */
static bool has_name(const struct xf_tls_facts *facts, enum xf_cert_name_kind kind, size_t prefix,
                     const char *ascii)
{
    for (size_t i = 0; i < facts->name_count; i++)
        if (facts->names[i].kind == kind && strcmp(facts->names[i].text + prefix, ascii) == 0)
            return true;
    return false;
}

static bool shows(const struct xf_tls_facts *facts, enum xf_cert_sip how, const char *ascii)
{
    if (how == XF_CERT_SIP_DOMAIN && has_kind(facts, XF_CERT_SIP))
        return has_name(facts, XF_CERT_SIP, sizeof(SIP_PREFIX) - 1, ascii);
    if (has_kind(facts, XF_CERT_DNS))
        return has_name(facts, XF_CERT_DNS, 0, ascii);
    return facts->common_name && (how == XF_CERT_SIP_HOST || !facts->has_alt_names) &&
           strcmp(facts->common_name, ascii) == 0;
}

bool xf_tls_facts_sip(const struct xf_tls_facts *facts, enum xf_cert_sip how,
                      const char *const *names, size_t count)
{
    char ascii[XF_DOMAIN_ASCII_MAX + 1];

    for (size_t i = 0; i < count; i++)
        if (xf_domain_to_ascii(xf_span_of(names[i]), ascii) == XF_ERR_OK && !strchr(ascii, '*') &&
            shows(facts, how, ascii))
            return true;
    return false;
}
