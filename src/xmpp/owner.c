/* SPDX-License-Identifier: MIT */
/*
 * owner.c — the registered domain that a domain belongs to, by the public suffix list built into
 * libpsl; of an IP literal, its network.
 */
#include <xfed/xmpp/owner.h>

#include <libpsl.h>
#include <string.h>

#include <xfed/base/err.h>
#include <xfed/xmpp/jid.h>

static bool is_ip_literal(struct xf_span domain)
{
    size_t at = domain.len;
    if (domain.len && domain.ptr[0] == '[')
        return true;
    while (at > 0 && domain.ptr[at - 1] >= '0' && domain.ptr[at - 1] <= '9')
        at--;
    /* no top-level domain is a number */
    return at < domain.len && (at == 0 || domain.ptr[at - 1] == '.');
}

/* "192.0.2." of an IPv4 address. */
static struct xf_span network_of_v4(struct xf_span address)
{
    const char *dot = memrchr(address.ptr, '.', address.len);
    return (struct xf_span){address.ptr, dot ? (size_t)(dot - address.ptr) + 1 : address.len};
}

/* Of a prepared one, "[2001:db8:1:", or "[2001:db8::" where the rest of the /48 is zeros. */
static struct xf_span network_of_v6(struct xf_span address)
{
    size_t len = 1;
    for (unsigned colons = 0; len < address.len && colons < 3; len++) {
        bool is_colon = address.ptr[len] == ':';
        if (is_colon && address.ptr[len - 1] == ':')
            colons = 3;
        else
            colons += is_colon;
    }
    return (struct xf_span){address.ptr, len};
}

/* Who has one address has those beside it: IPv4 /24, IPv6 /48, as of connections (net/addr.h). */
static struct xf_span network_of(struct xf_span address)
{
    return address.ptr[0] == '[' ? network_of_v6(address) : network_of_v4(address);
}

/* False: the name is longer than a domain can be. */
static bool copy(struct xf_span domain, char out[XF_DOMAIN_MAX + 1])
{
    if (domain.len == 0 || domain.len > XF_DOMAIN_MAX)
        return false;
    memcpy(out, domain.ptr, domain.len);
    out[domain.len] = '\0';
    return true;
}

/* Limits ask for the owner of a peer again and again for one stanza or request. */
static _Thread_local struct {
    char name[XF_DOMAIN_MAX + 1];
    size_t len;  /* 0: nobody has asked yet */
    size_t skip; /* what of the name is before its owner's */
} last;

static void look_up(const char *name, size_t len)
{
    const char *owner = psl_registrable_domain(psl_builtin(), name);
    memcpy(last.name, name, len);
    last.len = len;
    last.skip = owner ? (size_t)(owner - name) : 0;
}

struct xf_span xf_domain_owner(struct xf_span domain)
{
    char name[XF_DOMAIN_MAX + 1];
    if (is_ip_literal(domain))
        return network_of(domain);
    if (!copy(domain, name))
        return domain;
    if (!xf_span_eq(domain, (struct xf_span){last.name, last.len}))
        look_up(name, domain.len);
    return (struct xf_span){domain.ptr + last.skip, domain.len - last.skip};
}

bool xf_domain_is_public_suffix(struct xf_span domain)
{
    char name[XF_DOMAIN_MAX + 1];
    return !is_ip_literal(domain) && copy(domain, name) &&
           psl_is_public_suffix(psl_builtin(), name);
}
