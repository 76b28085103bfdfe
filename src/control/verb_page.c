/* SPDX-License-Identifier: MIT */
/* verb_page.c — page: where the status page is, and a token for what one may do there. */
#include "control_priv.h"

void xf_verb_page(struct xf_client *client, const json_t *request)
{
    struct xf_control *control = client->control;
    char url[XF_CONTROL_URL_BYTES];
    (void)request;
    if (!control->opts.ops->page(control->opts.owner, url)) {
        xf_client_fail(client, "no-page", "there is no status page: see listen { http http-page }");
        return;
    }
    xf_control_token_make(&control->token, control->clock->now_ms, client->uid, client->pid);
    json_t *result = json_object();
    xf_json_put(result, "url", url);
    xf_json_put(result, "token", control->token.text);
    xf_json_put_int(result, "valid_ms", XF_CONTROL_TOKEN_MS);
    xf_client_done(client, result);
}
