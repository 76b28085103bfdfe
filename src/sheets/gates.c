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

bool xf_firewall_pass_is_moved(const struct xf_firewall_gate *gate,
                               const struct xf_firewall_pass *pass)
{
    return gate->real != gate->public || pass->real != pass->public;
}

void xf_firewall_rules_passes(const struct xf_firewall_rules *rules,
                              const struct xf_node_settings *node, struct xf_firewall_pass out[2])
{
    out[0] = (struct xf_firewall_pass){node->port, rules->real_ports[0]};
    out[1] = (struct xf_firewall_pass){node->direct_port, rules->real_ports[1]};
}
