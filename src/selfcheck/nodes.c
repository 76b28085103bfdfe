/* SPDX-License-Identifier: MIT */
/* nodes.c — the nodes that share the database with us: does each have what all must have alike? */
#include "selfcheck_priv.h"

static void show_node(void *owner, const struct xf_history_node_view *node)
{
    struct xf_selfcheck *check = owner;
    struct xf_spot spot = {"node", node->name};
    if (!node->is_here)
        return; /* lost: an alarm; left: on purpose */
    if (node->secret_differs)
        xf_selfcheck_wrong(check, spot, XF_HELP_NODE_SECRET,
                           "its dialback secret is not ours: peers that ask the one about a key of "
                           "the other are told that it is invalid");
    if (node->config_differs)
        xf_selfcheck_warn(check, spot, XF_HELP_CONFIG_DIFFERS, "its configuration is not ours");
    if (node->version_differs)
        xf_selfcheck_warn(check, spot, XF_HELP_NODE_VERSION, "it is xfedd %s, we are %s",
                          node->version, XFED_VERSION);
    if (!node->secret_differs && !node->config_differs && !node->version_differs)
        xf_selfcheck_ok(check, spot, "version, configuration and dialback secret are the same");
}

void xf_selfcheck_nodes(struct xf_selfcheck *check)
{
    (void)xf_selfcheck_alarms(check, "node");
    xf_history_nodes(check->parts.history, show_node, check);
}
