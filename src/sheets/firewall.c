/* SPDX-License-Identifier: MIT */
/*
 * firewall.c — finds out what must pass between the Internet and the nodes, for any kind of
 * firewall.
 *
 * Inbound: to each address of a node, the ports of listen { s2s }, { s2s-direct } and { sip }, to
 * which a router may translate other ports. Peers may connect from anywhere, even those with a
 * static route; to listen { sip-tcp } only from the addresses in `sip-from`, since nothing else
 * guards it. Outbound: to port 5269, to 5270 where direct TLS is used (XEP-0368), to 5061 where SIP
 * peers are found by DNS, to the ports of static routes, and to resolvers. A peer may name any
 * other port in its SRV records; the operator has to add these.
 *
 * `source-ports` narrows the outbound rules only if it is set for every peer.
 */
#include "sheets_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/forms.h>

#define S2S_PORT    5269
#define DIRECT_PORT 5270
#define SIPS_PORT   5061
#define SIP_PORT    5060
#define DNS_PORT    53

/* ---- the nodes */

static const char *translated(const struct xf_node_settings *node, bool is_v6, const char *public)
{
    for (size_t i = 0; i < node->nat.count; i++)
        if (xf_address_is_v6(node->nat.item[i]) == is_v6 && strcmp(node->nat.item[i], public) != 0)
            return node->nat.item[i];
    return public;
}

static void add_gates(struct xf_firewall_rules *rules, const struct xf_node_settings *node)
{
    for (size_t i = 0; i < node->addresses.count; i++) {
        const char *public = node->addresses.item[i];
        bool is_v6 = xf_address_is_v6(public);
        rules->gates = xf_realloc(rules->gates, (rules->gate_count + 1) * sizeof(*rules->gates));
        rules->gates[rules->gate_count++] =
            (struct xf_firewall_gate){node, public, translated(node, is_v6, public), is_v6};
    }
}

static void add_service(struct xf_firewall_rules *rules, enum xf_node_service which,
                        const struct xf_texts *listeners, unsigned otherwise)
{
    unsigned port = listeners->count > 0 ? xf_port_of(listeners->item[0]) : 0;
    rules->services[rules->service_count++] =
        (struct xf_firewall_service){which, port ? port : otherwise};
}

static void add_services(struct xf_firewall_rules *rules)
{
    const struct xf_listen_settings *listen = &rules->conf->listen;
    add_service(rules, XF_NODE_S2S, &listen->s2s, S2S_PORT);
    if (listen->s2s_direct.count > 0)
        add_service(rules, XF_NODE_S2S_DIRECT, &listen->s2s_direct, DIRECT_PORT);
    if (rules->has_sip && listen->sip.count > 0)
        add_service(rules, XF_NODE_SIP, &listen->sip, SIPS_PORT);
    if (rules->has_sip && listen->sip_tcp.count > 0)
        add_service(rules, XF_NODE_SIP_TCP, &listen->sip_tcp, SIP_PORT);
}

/* ---- the way out */

/*
 * "192.0.2.1", "192.0.2.1:53", "2001:db8::1" or "[2001:db8::1]:53"; NULL: it is a name. The caller
 * frees it.
 */
static char *address_in(const char *text)
{
    if (text[0] == '[')
        return xf_strndup(text + 1, strcspn(text + 1, "]"));
    bool is_bare_v6 = xf_address_is_v6(text) && strchr(text, ':') != strrchr(text, ':');
    size_t len = is_bare_v6 ? strlen(text) : strcspn(text, ":");
    return is_bare_v6 || strspn(text, "0123456789.") == len ? xf_strndup(text, len) : NULL;
}

static void add_exit(struct xf_exit_to **list, size_t *count, const char *text, unsigned otherwise)
{
    unsigned port = xf_port_of(text);
    char *address = address_in(text);
    struct xf_exit_to exit_to = {address, address && xf_address_is_v6(address),
                                 port ? port : otherwise};
    for (size_t i = 0; i < *count; i++) {
        const char *other = (*list)[i].address;
        if ((*list)[i].port == exit_to.port &&
            (other && address ? strcmp(other, address) == 0 : other == address)) {
            xf_free(address);
            return;
        }
    }
    *list = xf_realloc(*list, (*count + 1) * sizeof(**list));
    (*list)[(*count)++] = exit_to;
}

static bool is_peer_port(const struct xf_firewall_rules *rules, unsigned port)
{
    for (unsigned i = 0; i < rules->peer_count; i++)
        if (rules->peer_ports[i] == port)
            return true;
    return false;
}

static bool is_loopback(const char *server)
{
    return strncmp(server, "127.", 4) == 0 || strcmp(server, "::1") == 0 ||
           strncmp(server, "[::1]", 5) == 0;
}

/* Merge the range with the ones that it overlaps: nft refuses sets with duplicate elements. */
static void add_range(struct xf_firewall_rules *rules, struct xf_port_range range)
{
    size_t kept = 0;
    for (size_t i = 0; i < rules->source_count; i++) {
        struct xf_port_range other = rules->sources[i];
        if (other.last < range.first || range.last < other.first) {
            rules->sources[kept++] = other;
            continue;
        }
        range.first = other.first < range.first ? other.first : range.first;
        range.last = other.last > range.last ? other.last : range.last;
    }
    rules->sources = xf_realloc(rules->sources, (kept + 1) * sizeof(*rules->sources));
    rules->sources[kept++] = range;
    rules->source_count = kept;
}

static bool is_real_address(const struct xf_firewall_rules *rules, const char *address)
{
    for (size_t i = 0; i < rules->gate_count; i++)
        if (strcmp(rules->gates[i].real, address) == 0)
            return true;
    return false;
}

static void add_way_of(struct xf_firewall_rules *rules, const struct xf_peer_settings *settings,
                       bool *is_narrow)
{
    struct xf_port_range ports;
    for (size_t i = 0; i < settings->route.count; i++)
        if (!is_peer_port(rules, xf_port_of(settings->route.item[i])))
            add_exit(&rules->routes, &rules->route_count, settings->route.item[i], 0);
    for (size_t i = 0; i < settings->dns_servers.count; i++)
        if (!is_loopback(settings->dns_servers.item[i]))
            add_exit(&rules->resolvers, &rules->resolver_count, settings->dns_servers.item[i],
                     DNS_PORT);
    for (size_t i = 0; i < settings->source.count; i++)
        if (!is_real_address(rules, settings->source.item[i]))
            xf_texts_add_new(&rules->source_addresses, settings->source.item[i]);
    if (settings->protocol == XF_PROTOCOL_SIP && rules->conf->listen.sip_tcp.count > 0)
        for (size_t i = 0; i < settings->sip_from.count; i++)
            xf_texts_add_new(&rules->callers, settings->sip_from.item[i]);
    if (xf_ports_parse(settings->source_ports, &ports.first, &ports.last))
        add_range(rules, ports);
    else
        *is_narrow = false;
}

/* The settings of the defaults (0) and of each section; false: no stream goes there. */
static bool settings_at(const struct xf_conf *conf, size_t i, struct xf_peer_settings *out)
{
    if (i == 0)
        *out = conf->defaults;
    else
        xf_conf_section_settings(conf, &conf->peers[i - 1], out);
    bool is_reached = out->protocol != XF_PROTOCOL_SIP || xf_conf_sip_is_on(conf);
    return is_reached && (i == 0 || out->direction != XF_DIRECTION_NONE);
}

static bool looks_for_direct(const struct xf_conf *conf)
{
    struct xf_peer_settings settings;
    for (size_t i = 0; i <= conf->peer_count; i++)
        if (settings_at(conf, i, &settings) && settings.protocol != XF_PROTOCOL_SIP &&
            settings.direct_tls && settings.tls != XF_TLS_NONE)
            return true;
    return false;
}

/* Are there SIP peers whose servers DNS names? Over TCP there is always a route. */
static bool looks_for_sip(const struct xf_conf *conf)
{
    struct xf_peer_settings settings;
    for (size_t i = 0; xf_conf_sip_is_on(conf) && i <= conf->peer_count; i++)
        if (settings_at(conf, i, &settings) && settings.protocol != XF_PROTOCOL_XMPP &&
            settings.sip_transport == XF_SIP_TLS && settings.route.count == 0)
            return true;
    return false;
}

static bool some_peer_is_auto(const struct xf_conf *conf)
{
    struct xf_peer_settings settings;
    for (size_t i = 0; i <= conf->peer_count; i++)
        if (settings_at(conf, i, &settings) && settings.protocol == XF_PROTOCOL_AUTO)
            return true;
    return false;
}

/* Servers for peers with protocol = auto that DNS does not know. */
static void add_open_route(struct xf_firewall_rules *rules)
{
    const struct xf_texts *route = &rules->conf->simple.open_route;
    if (!rules->has_sip || !some_peer_is_auto(rules->conf))
        return;
    for (size_t i = 0; i < route->count; i++)
        if (!is_peer_port(rules, xf_port_of(route->item[i])))
            add_exit(&rules->routes, &rules->route_count, route->item[i], 0);
}

/*
 * With a resolver on the node, or with resolv.conf, which only the node knows, queries may go to
 * any server.
 */
static bool knows_resolvers(const struct xf_conf *conf)
{
    for (size_t i = 0; i < conf->dns.servers.count; i++)
        if (is_loopback(conf->dns.servers.item[i]))
            return false;
    return conf->dns.servers.count > 0;
}

static void release_exits(struct xf_exit_to **list, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        xf_free((*list)[i].address);
    xf_free(*list);
    *list = NULL;
    *count = 0;
}

static void add_ways(struct xf_firewall_rules *rules)
{
    const struct xf_texts *servers = &rules->conf->dns.servers;
    struct xf_peer_settings settings;
    bool is_narrow = true;
    for (size_t i = 0; i < servers->count; i++)
        add_exit(&rules->resolvers, &rules->resolver_count, servers->item[i], DNS_PORT);
    for (size_t i = 0; i <= rules->conf->peer_count; i++)
        if (settings_at(rules->conf, i, &settings))
            add_way_of(rules, &settings, &is_narrow);
    add_open_route(rules);
    if (!is_narrow)
        rules->source_count = 0;
    if (!knows_resolvers(rules->conf))
        release_exits(&rules->resolvers, &rules->resolver_count);
}

void xf_firewall_rules_make(const struct xf_conf *conf, struct xf_firewall_rules *out)
{
    *out = (struct xf_firewall_rules){.conf = conf, .has_sip = xf_conf_sip_is_on(conf)};
    for (size_t i = 0; i < conf->node_count; i++)
        add_gates(out, &conf->nodes[i].settings);
    add_services(out);
    out->peer_ports[out->peer_count++] = S2S_PORT;
    if (looks_for_direct(conf))
        out->peer_ports[out->peer_count++] = DIRECT_PORT;
    if (looks_for_sip(conf))
        out->peer_ports[out->peer_count++] = SIPS_PORT;
    add_ways(out);
}

void xf_firewall_rules_release(struct xf_firewall_rules *rules)
{
    xf_free(rules->gates);
    release_exits(&rules->routes, &rules->route_count);
    release_exits(&rules->resolvers, &rules->resolver_count);
    xf_free(rules->sources);
    xf_texts_release(&rules->source_addresses);
    xf_texts_release(&rules->callers);
}

enum xf_err xf_sheet_firewall(const struct xf_conf *conf, const char *syntax, FILE *out,
                              struct xf_error *err)
{
    static const struct {
        const char *syntax;
        void (*write)(const struct xf_firewall_rules *rules, FILE *out);
    } writers[] = {{"nftables", xf_nftables_write}, {"asa", xf_asa_write}};
    struct xf_firewall_rules rules;
    if (xf_need_nodes(conf, "--firewall", err) != XF_ERR_OK)
        return XF_ERR_BAD_VALUE;
    for (size_t i = 0; i < XF_ARRAY_LEN(writers); i++) {
        if (strcmp(writers[i].syntax, syntax) != 0)
            continue;
        xf_firewall_rules_make(conf, &rules);
        writers[i].write(&rules, out);
        xf_firewall_rules_release(&rules);
        return XF_ERR_OK;
    }
    return xf_fail(err, XF_ERR_NOT_FOUND, "--firewall %s: expected nftables or asa", syntax);
}
