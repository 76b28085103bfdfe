/* SPDX-License-Identifier: MIT */
/*
 * sheets_priv.h — what the files of sheets share.
 *
 *   names.c      which names are ours
 *   dns.c        records
 *   csr.c        names of certificates
 *   firewall.c   what must pass, for any kind of firewall
 *   gates.c      which service comes to which address of a node
 *   partner.c, partner_sip.c   the page for a partner's operator
 *   nftables.c, asa.c   ... in their syntax
 */
#pragma once

#include <stdbool.h>
#include <xfed/sheets/sheets.h>
#include <xfed/xmpp/jid.h>

/* ---- names.c */
/* Convert a prepared domain to its form in DNS; returns `out`. */
const char *xf_ascii_of(const char *domain, char out[XF_DOMAIN_ASCII_MAX + 1]);
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

enum xf_node_service { XF_NODE_S2S, XF_NODE_S2S_DIRECT, XF_NODE_SIP, XF_NODE_SIP_TCP };
#define XF_NODE_COUNT 4

struct xf_firewall_service { /* that the nodes listen for */
    enum xf_node_service which;
    unsigned port; /* of the node itself */
};

struct xf_firewall_pass {  /* a service that is translated */
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
    struct xf_firewall_service services[XF_NODE_COUNT];
    unsigned service_count;
    bool has_sip;                       /* it is on */
    struct xf_texts callers;            /* addresses that may use the service SIP_TCP */
    unsigned peer_ports[3], peer_count; /* that peers are assumed to listen on */
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
/* Is this the first gate of its real address? A node may have several public ones. */
bool xf_firewall_gate_is_first(const struct xf_firewall_rules *rules, size_t gate);
/*
 * Is the service translated, by its address or its port, on its way to this gate? SIP comes to the
 * node of its host alone.
 */
bool xf_firewall_moves(const struct xf_firewall_rules *rules, size_t gate, unsigned service,
                       struct xf_firewall_pass *out);
/* What the rules cannot know about the host for SIP, as a comment; `sign` begins one. */
void xf_firewall_put_note(const struct xf_firewall_rules *rules, const char *sign, FILE *out);
/* "XMPP federation", or "federation by XMPP and SIP" */
const char *xf_firewall_subject(const struct xf_firewall_rules *rules);

void xf_nftables_write(const struct xf_firewall_rules *rules, FILE *out);
void xf_asa_write(const struct xf_firewall_rules *rules, FILE *out);

/* ---- partner.c */
struct xf_partner_page {
    const struct xf_conf *conf;
    const struct xf_sheet_cert *certs; /* of the protocol of the partner */
    size_t cert_count;
    const char *partner; /* prepared */
    struct xf_peer_settings settings;
    FILE *out;
};

void xf_partner_put_domains(const struct xf_partner_page *page);
/* "a, b" */
void xf_partner_put_list(const struct xf_texts *list, FILE *out);
void xf_partner_put_hex(const uint8_t bytes[32], FILE *out);
/* `column`: what the certificates are of. */
void xf_partner_put_keys(const struct xf_partner_page *page, const char *column);
void xf_partner_put_contacts(const struct xf_partner_page *page);

/* ---- partner_sip.c */
/* The whole page for a peer with protocol = sip, while SIP is on. */
void xf_partner_put_sip(const struct xf_partner_page *page);
