/* SPDX-License-Identifier: MIT */
/*
 * asa.c — prints the rules for a Cisco ASA of version 8.3 or later, in the style of Cisco's
 * interdomain federation guide: objects named for the address, a static translation of each port,
 * access lists. From 8.3 on access lists name the real addresses, behind the translation; IPv6 in
 * them needs 9.0. XMPP and SIP pass as plain TCP: no inspection and no TLS proxy.
 */
#include "sheets_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

/* The name of an address; the caller frees it. */
static char *host_object(const char *address)
{
    char *name = xf_asprintf("obj_host_%s", address);
    for (char *p = name; *p; p++)
        if (*p == ':')
            *p = '-';
    return name;
}

/* ---- objects */

static bool was_named(const struct xf_firewall_rules *rules, size_t gate, const char *address)
{
    for (size_t i = 0; i < gate; i++)
        if (strcmp(rules->gates[i].real, address) == 0 ||
            strcmp(rules->gates[i].public, address) == 0)
            return true;
    return false;
}

static void put_host(const char *address, FILE *out)
{
    char *name = host_object(address);
    fprintf(out, "object network %s\n host %s\n", name, address);
    xf_free(name);
}

static void put_hosts(const struct xf_firewall_rules *rules, FILE *out)
{
    for (size_t i = 0; i < rules->gate_count; i++) {
        const struct xf_firewall_gate *gate = &rules->gates[i];
        if (!was_named(rules, i, gate->real))
            put_host(gate->real, out);
        if (gate->public != gate->real && !was_named(rules, i, gate->public))
            put_host(gate->public, out);
    }
    for (size_t i = 0; i < rules->source_addresses.count; i++)
        put_host(rules->source_addresses.item[i], out);
}

/* Services are named by port; printing one twice defines the same object again. */
static void put_service(unsigned port, FILE *out)
{
    fprintf(out, "object service obj_tcp_source_eq_%u\n service tcp source eq %u\n", port, port);
}

static bool had_port(const struct xf_firewall_rules *rules, size_t gate, unsigned k, unsigned port)
{
    struct xf_firewall_pass pass;
    for (size_t i = 0; i <= gate; i++)
        for (unsigned m = 0; m < (i == gate ? k : rules->service_count); m++)
            if (xf_firewall_moves(rules, i, m, &pass) && (pass.real == port || pass.public == port))
                return true;
    return false;
}

static void put_services(const struct xf_firewall_rules *rules, FILE *out)
{
    struct xf_firewall_pass pass;
    for (size_t i = 0; i < rules->gate_count; i++)
        for (unsigned k = 0; k < rules->service_count; k++) {
            if (!xf_firewall_moves(rules, i, k, &pass))
                continue;
            if (!had_port(rules, i, k, pass.real))
                put_service(pass.real, out);
            if (pass.public != pass.real && !had_port(rules, i, k, pass.public))
                put_service(pass.public, out);
        }
}

/* ---- translation */

static void put_nat(const struct xf_firewall_rules *rules, FILE *out)
{
    struct xf_firewall_pass pass;
    for (size_t i = 0; i < rules->gate_count; i++) {
        const struct xf_firewall_gate *gate = &rules->gates[i];
        char *real = host_object(gate->real), *public = host_object(gate->public);
        for (unsigned k = 0; k < rules->service_count; k++)
            if (xf_firewall_moves(rules, i, k, &pass))
                fprintf(out,
                        "nat (inside,outside) source static %s %s service obj_tcp_source_eq_%u "
                        "obj_tcp_source_eq_%u\n",
                        real, public, pass.real, pass.public);
        if (gate->real != gate->public && xf_firewall_gate_is_first(rules, i))
            fprintf(out, "nat (inside,outside) after-auto source dynamic %s %s\n", real, public);
        xf_free(real);
        xf_free(public);
    }
}

/* ---- access lists */

static void put_callers(const struct xf_firewall_rules *rules, const char *real, bool is_v6,
                        unsigned port, FILE *out)
{
    for (size_t i = 0; i < rules->callers.count; i++)
        if (xf_address_is_v6(rules->callers.item[i]) == is_v6)
            fprintf(out, "access-list xfedd_in extended permit tcp host %s object %s eq %u\n",
                    rules->callers.item[i], real, port);
}

static void put_inward(const struct xf_firewall_rules *rules, const char *real, bool is_v6,
                       FILE *out)
{
    for (unsigned k = 0; k < rules->service_count; k++) {
        unsigned port = rules->services[k].port;
        if (rules->services[k].which == XF_NODE_SIP_TCP)
            put_callers(rules, real, is_v6, port, out);
        else
            fprintf(out, "access-list xfedd_in extended permit tcp any object %s eq %u\n", real,
                    port);
    }
}

static void put_to(const struct xf_exit_to *to, FILE *out)
{
    if (to->address)
        fprintf(out, "host %s eq %u\n", to->address, to->port);
    else
        fprintf(out, "any eq %u\n", to->port);
}

static void put_exit(const struct xf_firewall_rules *rules, const char *real,
                     const struct xf_exit_to *to, FILE *out)
{
    for (size_t i = 0; i < (rules->source_count ? rules->source_count : 1); i++) {
        fprintf(out, "access-list xfedd_out extended permit tcp object %s ", real);
        if (rules->source_count)
            fprintf(out, "range %u %u ", rules->sources[i].first, rules->sources[i].last);
        put_to(to, out);
    }
}

static bool can_reach(const struct xf_exit_to *to, bool is_v6)
{
    return !to->address || to->is_v6 == is_v6;
}

static void put_outward(const struct xf_firewall_rules *rules, const char *real, bool is_v6,
                        FILE *out)
{
    static const struct xf_exit_to any = {NULL, false, 53};
    const struct xf_exit_to *resolvers = rules->resolver_count ? rules->resolvers : &any;
    for (size_t i = 0; i < (rules->resolver_count ? rules->resolver_count : 1); i++) {
        if (!can_reach(&resolvers[i], is_v6))
            continue;
        fprintf(out, "access-list xfedd_out extended permit udp object %s ", real);
        put_to(&resolvers[i], out);
        fprintf(out, "access-list xfedd_out extended permit tcp object %s ", real);
        put_to(&resolvers[i], out);
    }
    for (unsigned i = 0; i < rules->peer_count; i++)
        put_exit(rules, real, &(struct xf_exit_to){NULL, false, rules->peer_ports[i]}, out);
    for (size_t i = 0; i < rules->route_count; i++)
        if (can_reach(&rules->routes[i], is_v6))
            put_exit(rules, real, &rules->routes[i], out);
}

static void put_lists(const struct xf_firewall_rules *rules, FILE *out)
{
    for (size_t i = 0; i < rules->gate_count; i++) {
        char *real = host_object(rules->gates[i].real);
        if (xf_firewall_gate_is_first(rules, i))
            put_inward(rules, real, rules->gates[i].is_v6, out);
        xf_free(real);
    }
    fputs("!\n! Out: DNS, servers of peers, static routes. A peer whose SRV records name another "
          "port needs a line.\n",
          out);
    for (size_t i = 0; i < rules->gate_count; i++) {
        char *real = host_object(rules->gates[i].real);
        if (xf_firewall_gate_is_first(rules, i))
            put_outward(rules, real, rules->gates[i].is_v6, out);
        xf_free(real);
    }
    for (size_t i = 0; i < rules->source_addresses.count; i++) {
        char *real = host_object(rules->source_addresses.item[i]);
        put_outward(rules, real, xf_address_is_v6(rules->source_addresses.item[i]), out);
        xf_free(real);
    }
}

void xf_asa_write(const struct xf_firewall_rules *rules, FILE *out)
{
    fprintf(
        out,
        "! Rules for %s, made by xfedd --firewall asa, for ASA 8.3 and later; "
        "interfaces are named inside and outside.\n"
        "! Access lists name the real addresses of the nodes. XMPP is plain TCP here: no inspect "
        "and no TLS proxy.\n",
        xf_firewall_subject(rules));
    if (rules->has_sip)
        fputs("! So is SIP: no `inspect sip` for its ports, which is on by default for 5060.\n",
              out);
    xf_firewall_put_note(rules, "!", out);
    put_hosts(rules, out);
    put_services(rules, out);
    put_nat(rules, out);
    fputs("!\n! In: servers of peers, from anywhere. For a single partner write `host ADDRESS` in "
          "place of any.\n",
          out);
    put_lists(rules, out);
    fputs("!\n! An interface has one access list a direction: add these lines to those in use, or "
          "bind them where there are none.\n"
          "! access-group xfedd_in in interface outside\n! access-group xfedd_out in interface "
          "inside\n",
          out);
}
