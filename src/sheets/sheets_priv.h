/* SPDX-License-Identifier: MIT */
/*
 * sheets_priv.h — what the files of sheets share.
 *
 *   names.c      which names are ours
 *   dns.c        records
 *   csr.c        names of certificates
 *   firewall.c   what must pass, for any kind of firewall
 *   partner.c    the page for a partner's operator
 *   nftables.c, asa.c   ... in their syntax
 */
#pragma once

#include <stdbool.h>
#include <xfed/sheets/sheets.h>
#include <xfed/xmpp/jid.h>

/* ---- names.c */
/* Convert a prepared domain to its form in DNS; returns `out`. */
const char *xf_ascii_of(const char *domain, char out[XF_DOMAIN_ASCII_MAX + 1]);
/* Is this name `zone` or below it? */
bool xf_name_is_in(const char *name, const char *zone);
/* XF_ERR_BAD_VALUE with text if the configuration has no nodes. */
XF_MUST_USE enum xf_err xf_need_nodes(const struct xf_conf *conf, const char *sheet,
                                      struct xf_error *err);
static inline bool xf_address_is_v6(const char *address)
{
    for (; *address; address++)
        if (*address == ':')
            return true;
    return false;
}

/* The port of "192.0.2.1:5269", "[::]:5269" or "host:5269"; 0: there is none. */
unsigned xf_port_of(const char *host_port);

/* ---- firewall.c */
struct xf_firewall_gate { /* an address of a node that peers come to */
    const struct xf_node_settings *node;
    const char *public, *real; /* without translation both are the same pointer */
    bool is_v6;
};

struct xf_firewall_pass {  /* a service of the nodes */
    unsigned public, real; /* ports */
};

struct xf_exit_to { /* a static route, or a resolver */
    char *address;  /* NULL: any */
    bool is_v6;
    unsigned port;
};

struct xf_port_range {
    uint16_t first, last;
};

struct xf_firewall_rules {
    const struct xf_conf *conf;
    struct xf_firewall_gate *gates;
    size_t gate_count;
    unsigned real_ports[2], real_count; /* that the nodes listen on */
    unsigned peer_ports[2], peer_count; /* that peers are assumed to listen on */
    struct xf_exit_to *routes;          /* with other ports than peer_ports */
    size_t route_count;
    struct xf_exit_to *resolvers; /* none: any */
    size_t resolver_count;
    /* local ports that we connect from, without overlap; none: any */
    struct xf_port_range *sources;
    size_t source_count;
    /* addresses that we connect from and that belong to no gate */
    struct xf_texts source_addresses;
};

void xf_firewall_rules_make(const struct xf_conf *conf, struct xf_firewall_rules *out);
void xf_firewall_rules_release(struct xf_firewall_rules *rules);

/* ---- gates.c */
/* The services of a node, as many as rules->real_count. */
void xf_firewall_rules_passes(const struct xf_firewall_rules *rules,
                              const struct xf_node_settings *node, struct xf_firewall_pass out[2]);

/* Is this the first gate of its real address? A node may have several public ones. */
bool xf_firewall_gate_is_first(const struct xf_firewall_rules *rules, size_t gate);
/* Is the address or the port translated? */
bool xf_firewall_pass_is_moved(const struct xf_firewall_gate *gate,
                               const struct xf_firewall_pass *pass);

void xf_nftables_write(const struct xf_firewall_rules *rules, FILE *out);
void xf_asa_write(const struct xf_firewall_rules *rules, FILE *out);
