/* SPDX-License-Identifier: MIT */
/*
 * token.c — by which a browser shows that its user may act. The page has no users and no cookies:
 * what it may do by itself is to look. Whoever may act at the socket gets a token there, and pastes
 * it into the form; no other site can know it, so it is also what keeps their forms away.
 * Test: tests/unit/control/test_control.c.
 */
#include "control_priv.h"

#include <string.h>

void xf_control_token_make(struct xf_control_token *token, uint64_t now_ms, uid_t uid, pid_t pid)
{
    *token =
        (struct xf_control_token){.until_ms = now_ms + XF_CONTROL_TOKEN_MS, .uid = uid, .pid = pid};
    xf_rand_id(token->text);
}

bool xf_control_token_is(const struct xf_control_token *token, uint64_t now_ms, const char *text)
{
    return *token->text && now_ms < token->until_ms &&
           xf_secret_eq(xf_span_of(token->text), xf_span_of(text));
}
