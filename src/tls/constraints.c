/* SPDX-License-Identifier: MIT */
/*
 * constraints.c — applies name constraints of authorities (RFC 5280 section 4.2.1.10) to the names
 * that OpenSSL does not check against them.
 *
 * A CA that may issue for some domains only says so with dNSName subtrees. By the letter they apply
 * to dNSNames only; an xmppAddr, SRVName or sip: URI of any domain would pass below such a CA. We
 * apply them to the domain in these names as well: a CA that must not vouch for a domain by one
 * kind of name does not vouch for it by another. A certificate that violates them is bad, as
 * OpenSSL decides for dNSNames.
 */
#include "judge_priv.h"

#include <strings.h>

#include <openssl/x509v3.h>

#define SRV_PREFIX "_xmpp-server."
#define SIP_PREFIX "sip:"

/* Zero or more labels before the base; with a leading dot, at least one. */
static bool is_below(const ASN1_IA5STRING *base, struct xf_span domain)
{
    const char *text = (const char *)ASN1_STRING_get0_data(base);
    size_t len = (size_t)ASN1_STRING_length(base);

    if (len == 0)
        return true;
    if (len > domain.len || strncasecmp(domain.ptr + domain.len - len, text, len) != 0)
        return false;
    return len == domain.len || text[0] == '.' || domain.ptr[domain.len - len - 1] == '.';
}

/* RFC 5280: minimum is 0 and maximum is absent; other values are not supported. */
static bool is_understood(const GENERAL_SUBTREE *tree)
{
    return !tree->maximum && (!tree->minimum || ASN1_INTEGER_get(tree->minimum) == 0);
}

/* X509_V_OK, or why `nc` does not allow the domain. */
static int check_domain(const NAME_CONSTRAINTS *nc, struct xf_span domain)
{
    bool is_bound = false, is_permitted = false;

    for (int i = 0; i < sk_GENERAL_SUBTREE_num(nc->permittedSubtrees); i++) {
        const GENERAL_SUBTREE *tree = sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, i);
        if (tree->base->type != GEN_DNS)
            continue;
        is_bound = true;
        is_permitted |= is_understood(tree) && is_below(tree->base->d.dNSName, domain);
    }
    if (is_bound && !is_permitted)
        return X509_V_ERR_PERMITTED_VIOLATION;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(nc->excludedSubtrees); i++) {
        const GENERAL_SUBTREE *tree = sk_GENERAL_SUBTREE_value(nc->excludedSubtrees, i);
        if (tree->base->type == GEN_DNS &&
            (!is_understood(tree) || is_below(tree->base->d.dNSName, domain)))
            return X509_V_ERR_EXCLUDED_VIOLATION;
    }
    return X509_V_OK;
}

/*
 * The domain of a name that OpenSSL does not check; absent for a dNSName, and for names that
 * names.c never matches.
 */
static struct xf_span domain_of(const struct xf_cert_name *name)
{
    struct xf_span text = xf_span_of(name->text);
    size_t prefix = sizeof(SRV_PREFIX) - 1;

    if (name->kind == XF_CERT_XMPP)
        return text;
    if (name->kind == XF_CERT_SIP)
        return (struct xf_span){text.ptr + sizeof(SIP_PREFIX) - 1,
                                text.len - (sizeof(SIP_PREFIX) - 1)};
    if (name->kind == XF_CERT_SRV && text.len > prefix && memcmp(text.ptr, SRV_PREFIX, prefix) == 0)
        return (struct xf_span){text.ptr + prefix, text.len - prefix};
    return XF_SPAN_NONE;
}

static int check_names(const NAME_CONSTRAINTS *nc, const struct xf_tls_facts *facts)
{
    int result = X509_V_OK;

    for (size_t i = 0; i < facts->name_count && result == X509_V_OK; i++) {
        struct xf_span domain = domain_of(&facts->names[i]);
        if (domain.ptr)
            result = check_domain(nc, domain);
    }
    return result;
}

int xf_tls_check_constraints(STACK_OF(X509) * chain)
{
    struct xf_tls_facts *facts = NULL; /* of the leaf, once a CA has constraints: few have */
    int result = X509_V_OK;

    for (int i = 1; i < sk_X509_num(chain) && result == X509_V_OK; i++) {
        NAME_CONSTRAINTS *nc =
            X509_get_ext_d2i(sk_X509_value(chain, i), NID_name_constraints, NULL, NULL);
        if (!nc)
            continue;
        if (!facts) {
            facts = xf_tls_facts_new();
            xf_tls_facts_of_cert(facts, sk_X509_value(chain, 0));
        }
        result = check_names(nc, facts);
        NAME_CONSTRAINTS_free(nc);
    }
    xf_tls_facts_free(&facts);
    return result;
}
