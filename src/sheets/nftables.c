/* SPDX-License-Identifier: MIT */
/*
 * nftables.c — prints the rules as a file for `nft -f`.
 *
 * The file defines one table, which is replaced as a whole: so it can be loaded repeatedly, and
 * does not affect other tables. Its chains let everything pass that does not go to or come from a
 * node over the interface `outside`. On a router, packets of nodes are forwarded, so the rules
 * filter both directions and translate addresses; on a node, they filter input (SSH stays open),
 * and ignore what the node sends.
 */
#include "sheets_priv.h"

#include <string.h>

static const char *family(bool is_v6)
{
    return is_v6 ? "ip6" : "ip";
}

/* ---- the addresses of the nodes */

static void put_nodes(const struct xf_firewall_rules *rules, bool is_v6, FILE *out)
{
    size_t count = 0;
    for (size_t i = 0; i < rules->gate_count; i++)
        if (rules->gates[i].is_v6 == is_v6 && xf_firewall_gate_is_first(rules, i))
            fprintf(out, "%s%s", count++ ? ", " : "", rules->gates[i].real);
    for (size_t i = 0; i < rules->source_addresses.count; i++)
        if (xf_address_is_v6(rules->source_addresses.item[i]) == is_v6)
            fprintf(out, "%s%s", count++ ? ", " : "", rules->source_addresses.item[i]);
}

static bool has_family(const struct xf_firewall_rules *rules, bool is_v6)
{
    for (size_t i = 0; i < rules->gate_count; i++)
        if (rules->gates[i].is_v6 == is_v6)
            return true;
    for (size_t i = 0; i < rules->source_addresses.count; i++)
        if (xf_address_is_v6(rules->source_addresses.item[i]) == is_v6)
            return true;
    return false;
}

static void put_sets(const struct xf_firewall_rules *rules, FILE *out)
{
    for (int v6 = 0; v6 < 2; v6++) {
        if (!has_family(rules, v6))
            continue;
        fprintf(out, "    set nodes%c {\n        type %s\n        elements = { ", v6 ? '6' : '4',
                v6 ? "ipv6_addr" : "ipv4_addr");
        put_nodes(rules, v6, out);
        fputs(" }\n    }\n\n", out);
    }
}

/* ---- in and out */

static void put_ports(const unsigned *ports, unsigned count, FILE *out)
{
    fputs("tcp dport { ", out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%u", i ? ", " : "", ports[i]);
    fputs(" }", out);
}

/* Two services may have one port, at different addresses. */
static unsigned add_port(unsigned *ports, unsigned count, unsigned port)
{
    for (unsigned i = 0; i < count; i++)
        if (ports[i] == port)
            return count;
    ports[count] = port;
    return count + 1;
}

/* What anybody may use, and what only some addresses may. */
static void put_services(const struct xf_firewall_rules *rules, FILE *out)
{
    unsigned ports[XF_NODE_COUNT], count = 0, clear = 0;
    for (unsigned k = 0; k < rules->service_count; k++) {
        if (rules->services[k].which == XF_NODE_SIP_TCP)
            clear = rules->services[k].port;
        else
            count = add_port(ports, count, rules->services[k].port);
    }
    fputs("        ", out);
    put_ports(ports, count, out);
    fputs(" counter accept comment \"servers of peers\"\n", out);
    for (size_t i = 0; i < rules->callers.count; i++)
        fprintf(out, "        %s saddr %s tcp dport %u counter accept comment \"SIP in clear\"\n",
                family(xf_address_is_v6(rules->callers.item[i])), rules->callers.item[i], clear);
}

static void put_common(FILE *out)
{
    fputs("        ct state established,related accept\n"
          "        ct state invalid counter drop\n"
          "        meta l4proto { icmp, ipv6-icmp } accept comment \"path MTU and neighbours\"\n",
          out);
}

static void put_sources(const struct xf_firewall_rules *rules, FILE *out)
{
    if (rules->source_count == 0)
        return;
    fputs("tcp sport { ", out);
    for (size_t i = 0; i < rules->source_count; i++)
        fprintf(out, "%s%u-%u", i ? ", " : "", rules->sources[i].first, rules->sources[i].last);
    fputs(" } ", out);
}

static void put_to(const struct xf_exit_to *to, const char *protocol, const char *comment,
                   FILE *out)
{
    if (to->address)
        fprintf(out, "%s daddr %s ", family(to->is_v6), to->address);
    fprintf(out, "%s dport %u counter accept comment \"%s\"\n", protocol, to->port, comment);
}

static void put_resolvers(const struct xf_firewall_rules *rules, FILE *out)
{
    static const struct xf_exit_to any = {NULL, false, 53};
    const struct xf_exit_to *to = rules->resolver_count ? rules->resolvers : &any;
    for (size_t i = 0; i < (rules->resolver_count ? rules->resolver_count : 1); i++) {
        fputs("        ", out);
        put_to(&to[i], "udp", "DNS", out);
        fputs("        ", out);
        put_to(&to[i], "tcp", "DNS, long answers", out);
    }
}

static void put_route(const struct xf_firewall_rules *rules, const struct xf_exit_to *to, FILE *out)
{
    fputs("        ", out);
    put_sources(rules, out);
    put_to(to, "tcp", "static route", out);
}

static void put_directions(const struct xf_firewall_rules *rules, FILE *out)
{
    fputs("    chain to_nodes {\n", out);
    put_common(out);
    put_services(rules, out);
    fputs("    }\n\n    chain from_nodes {\n", out);
    put_common(out);
    put_resolvers(rules, out);
    fputs("        ", out);
    put_sources(rules, out);
    put_ports(rules->peer_ports, rules->peer_count, out);
    fputs(" counter accept comment \"to servers of peers\"\n", out);
    for (size_t i = 0; i < rules->route_count; i++)
        put_route(rules, &rules->routes[i], out);
    fputs("    }\n\n", out);
}

/* ---- hooks */

static void put_guard(const char *match, const char *chain, FILE *out)
{
    fprintf(out, "        %s jump %s\n        %s counter drop\n", match, chain, match);
}

static void put_hooks(const struct xf_firewall_rules *rules, FILE *out)
{
    fputs("    chain forward {\n        type filter hook forward priority filter; policy accept;\n",
          out);
    for (int v6 = 0; v6 < 2; v6++) {
        if (!has_family(rules, v6))
            continue;
        put_guard(v6 ? "iifname $outside ip6 daddr @nodes6" : "iifname $outside ip daddr @nodes4",
                  "to_nodes", out);
        put_guard(v6 ? "oifname $outside ip6 saddr @nodes6" : "oifname $outside ip saddr @nodes4",
                  "from_nodes", out);
    }
    fputs(
        "    }\n\n    chain input {\n        type filter hook input priority filter; policy "
        "accept;\n"
        "        iifname $outside tcp dport 22 accept comment \"SSH to this machine: narrow it\"\n",
        out);
    for (int v6 = 0; v6 < 2; v6++)
        if (has_family(rules, v6))
            put_guard(v6 ? "iifname $outside ip6 daddr @nodes6"
                         : "iifname $outside ip daddr @nodes4",
                      "to_nodes", out);
    fputs("    }\n", out);
}

/* ---- translation */

static bool is_translated(const struct xf_firewall_rules *rules)
{
    struct xf_firewall_pass pass;
    for (size_t i = 0; i < rules->gate_count; i++)
        for (unsigned k = 0; k < rules->service_count; k++)
            if (xf_firewall_moves(rules, i, k, &pass))
                return true;
    return false;
}

static void put_inward(const struct xf_firewall_rules *rules, size_t i, FILE *out)
{
    const struct xf_firewall_gate *gate = &rules->gates[i];
    struct xf_firewall_pass pass;
    for (unsigned k = 0; k < rules->service_count; k++)
        if (xf_firewall_moves(rules, i, k, &pass))
            fprintf(out,
                    "        iifname $outside %s daddr %s tcp dport %u dnat %s to %s%s%s:%u "
                    "comment \"%s\"\n",
                    family(gate->is_v6), gate->public, pass.public, family(gate->is_v6),
                    gate->is_v6 ? "[" : "", gate->real, gate->is_v6 ? "]" : "", pass.real,
                    gate->node->title);
}

static void put_translation(const struct xf_firewall_rules *rules, FILE *out)
{
    fputs(
        "\n    chain inward {\n        type nat hook prerouting priority dstnat; policy accept;\n",
        out);
    for (size_t i = 0; i < rules->gate_count; i++)
        put_inward(rules, i, out);
    fputs("    }\n\n    chain outward {\n        type nat hook postrouting priority srcnat; policy "
          "accept;\n",
          out);
    for (size_t i = 0; i < rules->gate_count; i++) {
        const struct xf_firewall_gate *gate = &rules->gates[i];
        if (gate->real != gate->public && xf_firewall_gate_is_first(rules, i))
            fprintf(out, "        oifname $outside %s saddr %s snat %s to %s comment \"%s\"\n",
                    family(gate->is_v6), gate->real, family(gate->is_v6), gate->public,
                    gate->node->title);
    }
    fputs("    }\n", out);
}

void xf_nftables_write(const struct xf_firewall_rules *rules, FILE *out)
{
    fprintf(out,
            "#!/usr/sbin/nft -f\n"
            "# Rules for %s, made by xfedd --firewall nftables: for the router before "
            "the nodes, or for a node itself.\n"
            "# They guard what comes to and from the nodes over this interface and nothing else; "
            "loading them again replaces them.\n"
            "# A peer whose SRV records name another port than those below needs a line in "
            "from_nodes.\n",
            xf_firewall_subject(rules));
    xf_firewall_put_note(rules, "#", out);
    fprintf(out,
            "define outside = \"%s\"\n\n"
            "table inet xfedd\ndelete table inet xfedd\n\ntable inet xfedd {\n",
            rules->conf->publish.interface);
    put_sets(rules, out);
    put_directions(rules, out);
    put_hooks(rules, out);
    if (is_translated(rules))
        put_translation(rules, out);
    fputs("}\n", out);
}
