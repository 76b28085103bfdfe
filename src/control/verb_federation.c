/* SPDX-License-Identifier: MIT */
/*
 * verb_federation.c — federation: switch one peer or all off at once, and on again as far as the
 * configuration allows. A switch holds over reloads, until the process ends.
 */
#include "control_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/xmpp/jid.h>

#define PEERS_MAX 256 /* each stanza's pair is compared with all of them */

static void remove_peer(struct xf_texts *peers, const char *peer)
{
    struct xf_texts rest = {0};
    for (size_t i = 0; i < peers->count; i++)
        if (strcmp(peers->item[i], peer) != 0)
            xf_texts_add_new(&rest, peers->item[i]);
    xf_texts_release(peers);
    *peers = rest;
}

/* False: the verb has failed. */
static bool turn(struct xf_client *client, const json_t *request, bool is_on)
{
    struct xf_policy_switches *switches = client->control->opts.switches;
    char peer[XF_DOMAIN_MAX + 1];
    if (!json_object_get(request, "peer")) {
        switches->is_off = !is_on;
        return true;
    }
    if (!xf_verb_need_domain(client, request, "peer", peer))
        return false;
    if (is_on) {
        remove_peer(&switches->peers, peer);
    } else if (switches->peers.count >= PEERS_MAX) {
        xf_client_fail(client, "full", "%d peers are switched off: use a blocklist", PEERS_MAX);
        return false;
    } else {
        xf_texts_add_new(&switches->peers, peer);
    }
    return true;
}

void xf_verb_federation(struct xf_client *client, const json_t *request)
{
    const struct xf_control *control = client->control;
    const char *word = xf_verb_need(client, request, "turn");
    if (!word)
        return;
    bool is_on = strcmp(word, "on") == 0;
    if (!is_on && strcmp(word, "off") != 0) {
        xf_client_fail(client, "bad-request", "\"%s\": expected on or off", word);
        return;
    }
    if (!turn(client, request, is_on))
        return;
    control->opts.ops->switched(control->opts.owner);
    json_t *result = json_object();
    xf_json_put(result, "turned", word);
    xf_json_put_bool(result, "all_off", control->opts.switches->is_off);
    xf_json_put_bool(result, "off_by_configuration", !control->parts.conf->policy.federation);
    xf_client_done(client, result);
}
