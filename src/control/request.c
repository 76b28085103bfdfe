/* SPDX-License-Identifier: MIT */
/* request.c — what verbs need of a request. */
#include "control_priv.h"

#include <string.h>

#include <xfed/xmpp/jid.h>

#define CHECKS_MAX    4 /* at a time, of all clients */
#define CHECKS_TO_SEE 2 /* of these, so many begun by those who may only look */

const char *xf_verb_need(struct xf_client *client, const json_t *request, const char *key)
{
    const char *text = json_string_value(json_object_get(request, key));
    if (!text)
        xf_client_fail(client, "bad-request", "expected \"%s\" with a text", key);
    return text;
}

bool xf_verb_need_running(struct xf_client *client)
{
    const struct xf_control_opts *opts = &client->control->opts;
    if (strcmp(opts->ops->state(opts->owner), "running") == 0)
        return true;
    xf_client_fail(client, "draining", "xfedd is about to stop");
    return false;
}

bool xf_verb_need_check(struct xf_client *client)
{
    size_t most = client->right == XF_RIGHT_ACT ? CHECKS_MAX : CHECKS_TO_SEE;
    if (client->control->check_count < most)
        return true;
    xf_client_fail(client, "busy", "%zu checks are under way: try again", most);
    return false;
}

bool xf_verb_need_domain(struct xf_client *client, const json_t *request, const char *key,
                         char out[])
{
    const char *text = xf_verb_need(client, request, key);
    if (text && xf_domain_prepare(xf_span_of(text), out) == XF_ERR_OK)
        return true;
    if (text)
        xf_client_fail(client, "bad-domain", "\"%s\" is not a domain", text);
    return false;
}
