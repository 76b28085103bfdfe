/* SPDX-License-Identifier: MIT */
/* gates.c — what the writers of every syntax ask about addresses and services of the nodes. */
#include "sheets_priv.h"

#include <string.h>

bool xf_firewall_gate_is_first(const struct xf_firewall_rules *rules, size_t gate)
{
    for (size_t i = 0; i < gate; i++)
        if (strcmp(rules->gates[i].real, rules->gates[gate].real) == 0)
            return false;
    return true;
}

/* ---- the host for SIP */

static bool is_sip(enum xf_node_service which)
{
    return which == XF_NODE_SIP || which == XF_NODE_SIP_TCP;
}

static bool some_node_has_sip(const struct xf_conf *conf)
{
    for (size_t i = 0; i < conf->node_count; i++)
        if (strcmp(conf->nodes[i].settings.host, conf->ua.host) == 0)
            return true;
    return false;
}

/* The host for SIP may be a further name of the only node. */
static bool has_sip(const struct xf_conf *conf, const struct xf_node_settings *node)
{
    return strcmp(node->host, conf->ua.host) == 0 ||
           (conf->node_count == 1 && !some_node_has_sip(conf));
}

/* A public address and port lead to one node only: to the first that has SIP. */
static bool sip_comes_to(const struct xf_firewall_rules *rules, size_t gate)
{
    if (!has_sip(rules->conf, rules->gates[gate].node))
        return false;
    for (size_t i = 0; i < gate; i++)
        if (strcmp(rules->gates[i].public, rules->gates[gate].public) == 0 &&
            has_sip(rules->conf, rules->gates[i].node))
            return false;
    return true;
}

void xf_firewall_put_note(const struct xf_firewall_rules *rules, const char *sign, FILE *out)
{
    const struct xf_conf *conf = rules->conf;
    if (!rules->has_sip || some_node_has_sip(conf))
        return;
    fprintf(out, "%s %s, the host for SIP, is not the host of a node: ", sign, conf->ua.host);
    if (conf->node_count == 1)
        fprintf(out, "if it has another address than node \"%s\", add that with port %u\n",
                conf->nodes[0].settings.title, conf->ua.port);
    else
        fprintf(out, "add its address with port %u, and its translation, yourself\n",
                conf->ua.port);
}

const char *xf_firewall_subject(const struct xf_firewall_rules *rules)
{
    return rules->has_sip ? "federation by XMPP and SIP" : "XMPP federation";
}

/* ---- all services */

/* The port at which peers find the service. */
static unsigned public_port(const struct xf_firewall_rules *rules,
                            const struct xf_node_settings *node,
                            const struct xf_firewall_service *service)
{
    switch (service->which) {
    case XF_NODE_S2S:
        return node->port;
    case XF_NODE_S2S_DIRECT:
        return node->direct_port;
    case XF_NODE_SIP:
        return rules->conf->ua.port;
    case XF_NODE_SIP_TCP:
        break;
    }
    return service->port; /* peers in clear are near: there is no other port for them */
}

bool xf_firewall_moves(const struct xf_firewall_rules *rules, size_t gate, unsigned service,
                       struct xf_firewall_pass *out)
{
    const struct xf_firewall_gate *at = &rules->gates[gate];
    const struct xf_firewall_service *of = &rules->services[service];
    *out = (struct xf_firewall_pass){public_port(rules, at->node, of), of->port};
    if (is_sip(of->which) && !sip_comes_to(rules, gate))
        return false;
    return at->real != at->public || out->real != out->public;
}
