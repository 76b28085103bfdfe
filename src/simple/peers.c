/* SPDX-License-Identifier: MIT */
/*
 * peers.c — which peer is at the other side of a conn, and how peers are reached, by the sections
 * with protocol = sip.
 *
 *   conn -> sections whose names or addresses fit -> the domain in From
 *
 * A conn is admitted when one section fits, whichever; each request then needs a section that fits
 * and speaks for the domain in From: that domain's own, or the one whose sip-domains name it. What
 * fits:
 *
 *   - over TLS, a certificate that authenticates the peer by the settings of the section
 *     (auth/verdict.h);
 *   - in clear, an address in sip-from. A conn of ours in clear is the peer's, whoever answers at
 *     the address of its route.
 *
 * Names in a certificate lead to sections by themselves (the domain that it shows); hosts in
 * sip-names and routes, pinned keys and addresses by an index (peer_index.c). The authorities to
 * judge by are those of the first section that is found so and whose names fit.
 *
 * A domain with protocol = auto may call while it is not known to belong to XMPP. What a party
 * proves of one name counts for that name alone: a carrier (sip-domains) or an open route, which we
 * trust with requests, does not teach to whom a domain belongs.
 */
#include "simple_priv.h"

#include <string.h>
#include <xfed/auth/verdict.h>

#define SIP_PREFIX "sip:"

/* ------------------------------------------------------------------ one section */

static bool is_listed(const struct xf_texts *list, const struct xf_addr *addr)
{
    char text[XF_ADDR_TEXT_BYTES], item[XF_ADDR_TEXT_BYTES];
    struct xf_addr wanted;
    xf_addr_host_text(addr, text);
    for (size_t i = 0; i < list->count; i++) {
        if (xf_addr_parse(xf_span_of(list->item[i]), 1, &wanted) != XF_ERR_OK)
            continue;
        xf_addr_host_text(&wanted, item);
        if (strcmp(item, text) == 0)
            return true;
    }
    return false;
}

static bool may_call(const struct xf_peer_settings *settings)
{
    return settings->protocol != XF_PROTOCOL_XMPP && (settings->direction & XF_DIRECTION_IN);
}

/* Is the party the peer `domain` of this section? *out_verdict: over TLS, why or why not. */
static bool fits(const struct xf_ua_party *party, const struct xf_peer_settings *settings,
                 const char *domain, struct xf_verdict *out_verdict)
{
    *out_verdict = (struct xf_verdict){0};
    if ((settings->sip_transport == XF_SIP_TCP) != !party->tls)
        return false;
    if (!party->tls)
        return party->peer || is_listed(&settings->sip_from, party->addr);
    *out_verdict = xf_verdict_of_sip(party->tls, settings, domain, party->target);
    return xf_verdict_is_good(out_verdict) && !out_verdict->is_old;
}

/* ------------------------------------------------------------------ all sections */

/* Looks for a section that fits, and remembers the best reason why none does. */
struct search {
    struct xf_simple *simple;
    const struct xf_ua_party *party;
    bool by_name_alone; /* the certificate is not judged yet */
    const struct xf_peer_settings *found;
    enum xf_help help; /* of a section whose names fit; NONE: there is none */
};

static bool try_section(struct search *search, const struct xf_peer_settings *settings,
                        const char *domain)
{
    struct xf_verdict verdict;
    bool is_it = may_call(settings) && fits(search->party, settings, domain, &verdict);
    if (!may_call(settings))
        return false;
    if (verdict.name_matches || verdict.pin == XF_PIN_MATCH) {
        is_it = is_it || search->by_name_alone;
        search->help = is_it ? XF_HELP_NONE : xf_verdict_help(&verdict);
    }
    if (is_it)
        search->found = settings;
    return is_it;
}

/*
 * A pattern stands for domains that nobody has said yet: no certificate names it, but what else the
 * verdict looks at (authorities, pins, revocation) counts as for each of them.
 */
static bool try_each(void *owner, const char *pattern, const struct xf_peer_settings *settings)
{
    return try_section(owner, settings, pattern ? pattern : "*");
}

/* A domain that the certificate shows has a section that need not name it, as a pattern's. */
static bool try_name(struct search *search, const char *name)
{
    char domain[XF_DOMAIN_MAX + 1];
    if (xf_domain_prepare(xf_span_of(name), domain) != XF_ERR_OK)
        return false;
    return try_section(search, xf_policy_peer(search->simple->policy, xf_span_of(domain)), domain);
}

static bool try_names(struct search *search)
{
    const struct xf_tls_facts *facts = search->party->tls;
    for (size_t i = 0; i < facts->name_count; i++) {
        const struct xf_cert_name *name = &facts->names[i];
        if (name->kind == XF_CERT_SIP && try_name(search, name->text + sizeof(SIP_PREFIX) - 1))
            return true;
        if (name->kind == XF_CERT_DNS && try_name(search, name->text))
            return true;
    }
    return facts->common_name && try_name(search, facts->common_name);
}

static bool is_any(struct search *search)
{
    return (search->party->tls && try_names(search)) ||
           xf_peer_index_any(search->simple->peers, search->party, try_each, search);
}

/* ------------------------------------------------------------------ conns */

void xf_peers_basis(void *owner, const struct xf_ua_party *party, struct xf_tls_basis *out_basis)
{
    struct search search = {.simple = owner, .party = party, .by_name_alone = true};
    if (party->peer)
        out_basis->ca_file =
            xf_policy_peer(search.simple->policy, xf_span_of(party->peer))->ca_file;
    else if (is_any(&search))
        out_basis->ca_file = search.found->ca_file;
}

/* A server of the open route, by its own name. */
static bool is_open_route(struct xf_simple *simple, const struct xf_ua_party *party,
                          const struct xf_peer_settings *settings)
{
    struct xf_verdict verdict;
    struct xf_peer_settings by_route = *settings;
    by_route.route = *xf_policy_open_route(simple->policy);
    by_route.sip_name_check = XF_SIP_NAMES_TARGET;
    return settings->protocol == XF_PROTOCOL_AUTO && by_route.route.count > 0 &&
           fits(party, &by_route, party->peer, &verdict);
}

/* A conn of ours is for one peer. */
static struct xf_refusal refusal_of_ours(struct xf_simple *simple, const struct xf_ua_party *party)
{
    struct xf_verdict verdict;
    const struct xf_peer_settings *settings =
        xf_policy_peer(simple->policy, xf_span_of(party->peer));
    if (xf_policy_protocol(simple->policy, xf_span_of(party->peer)) == XF_PROTOCOL_XMPP)
        return (struct xf_refusal){"the domain does not belong to SIP", XF_HELP_SIP_STRANGER};
    if (fits(party, settings, party->peer, &verdict) || is_open_route(simple, party, settings))
        return (struct xf_refusal){0};
    return (struct xf_refusal){"the certificate does not authenticate the peer",
                               xf_verdict_help(&verdict)};
}

static struct xf_refusal refusal_of_accepted(struct xf_simple *simple,
                                             const struct xf_ua_party *party)
{
    struct search search = {.simple = simple, .party = party};
    if (is_any(&search))
        return (struct xf_refusal){0};
    if (!party->tls)
        return (struct xf_refusal){"no peer may connect in clear from this address",
                                   XF_HELP_SIP_ADDRESS};
    if (party->tls->chain == XF_CERT_NONE)
        return (struct xf_refusal){"it shows no certificate", XF_HELP_CERT_NONE};
    if (search.help != XF_HELP_NONE)
        return (struct xf_refusal){"the certificate does not authenticate the peer that it names",
                                   search.help};
    return (struct xf_refusal){"the certificate names no peer that belongs to SIP",
                               XF_HELP_SIP_STRANGER};
}

bool xf_peers_admit(void *owner, const struct xf_ua_party *party, struct xf_refusal *out_refusal)
{
    *out_refusal = party->peer ? refusal_of_ours(owner, party) : refusal_of_accepted(owner, party);
    return !out_refusal->text;
}

/* ------------------------------------------------------------------ requests */

static bool speaks(const struct xf_ua_party *party, const struct xf_peer_settings *settings,
                   struct xf_span peer)
{
    struct xf_verdict verdict;
    char domain[XF_DOMAIN_MAX + 1];
    if (!may_call(settings) || peer.len > XF_DOMAIN_MAX)
        return false;
    memcpy(domain, peer.ptr, peer.len);
    domain[peer.len] = '\0';
    return fits(party, settings, domain, &verdict);
}

bool xf_peers_call(void *owner, const struct xf_ua_party *party, struct xf_span domain,
                   struct xf_ua_caller *out_caller)
{
    struct xf_simple *simple = owner;
    const struct xf_peer_settings *own = xf_policy_peer(simple->policy, domain);
    struct xf_span peer;
    const struct xf_peer_settings *carrier = xf_policy_sip_carrier(simple->policy, domain, &peer);
    if (xf_policy_protocol(simple->policy, domain) == XF_PROTOCOL_XMPP)
        return false;
    if (carrier && speaks(party, carrier, peer))
        *out_caller = (struct xf_ua_caller){.peer = peer, .accepts_sips = carrier->sip_sips};
    else if (speaks(party, own, domain))
        *out_caller = (struct xf_ua_caller){.peer = domain, .accepts_sips = own->sip_sips};
    else
        return false;
    return true;
}

/* Microsoft's servers publish one record, others those of RFC 3263. */
static unsigned services_of(const struct xf_peer_settings *settings)
{
    if (settings->sip_transport == XF_SIP_TCP)
        return XF_SERVICE_SIP_TCP;
    return settings->sip_name_check == XF_SIP_NAMES_DOMAIN ? XF_SERVICE_SIPS
                                                           : XF_SERVICE_SIP_FEDERATION;
}

bool xf_peers_hop(void *owner, struct xf_span local, struct xf_span peer, struct xf_ua_hop *out_hop)
{
    struct xf_simple *simple = owner;
    const struct xf_peer_settings *settings = xf_policy_peer(simple->policy, peer);
    if (!*simple->host || /* we have no name to show */
        !xf_policy_may_by_sip(simple->policy, local, peer, XF_DIRECTION_OUT))
        return false;
    *out_hop = (struct xf_ua_hop){
        .name = peer,
        .identity = xf_span_of(simple->host),
        .settings = settings,
        .open_route =
            settings->protocol == XF_PROTOCOL_AUTO ? xf_policy_open_route(simple->policy) : NULL,
        .services = services_of(settings),
        .source = xf_source_of(&settings->source, settings->source_ports),
        .is_clear = settings->sip_transport == XF_SIP_TCP,
        .rate = settings->sip_rate,
    };
    return true;
}

/* ------------------------------------------------------------------ what is proved */

void xf_peers_answered(void *owner, const struct xf_ua_party *party, struct xf_span local,
                       struct xf_span peer)
{
    struct xf_simple *simple = owner;
    struct xf_verdict verdict;
    char domain[XF_DOMAIN_MAX + 1];
    if (!xf_policy_learns(simple->policy, peer) || peer.len > XF_DOMAIN_MAX)
        return;
    memcpy(domain, peer.ptr, peer.len);
    domain[peer.len] = '\0';
    if (fits(party, xf_policy_peer(simple->policy, peer), domain, &verdict))
        simple->events->peer_seen(simple->owner, local, peer);
}

void xf_peers_called(struct xf_simple *simple, const struct xf_ua_server *server)
{
    struct xf_span peer = xf_ua_server_peer(server);
    if (xf_policy_learns(simple->policy, peer) && xf_span_eq(peer, xf_ua_server_from(server)))
        simple->events->peer_seen(simple->owner, xf_ua_server_local(server), peer);
}
