/* SPDX-License-Identifier: MIT */
/*
 * checks.c — checks that somebody asked for in the form, and what came of the last ones. Only who
 * has the token may: a check connects to hosts that its domain names.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#include "page_priv.h"

static void hear(void *owner, const json_t *line)
{
    struct xf_page_check *check = owner;
    xf_page_answer_hear(&check->answer, line);
    if (check->answer.last)
        check->question = NULL;
}

static void forget(struct xf_page_check *check)
{
    if (check->question)
        xf_control_unask(check->question);
    xf_page_answer_fini(&check->answer);
    xf_free(check);
}

bool xf_page_checks_busy(const struct xf_page_checks *checks)
{
    for (size_t i = 0; i < XF_CHECKS_KEPT; i++)
        if (checks->of[i] && checks->of[i]->question)
            return true;
    return false;
}

static void begin(struct xf_page_checks *checks, const char *peer, const char *token)
{
    struct xf_page_check *check = xf_new(struct xf_page_check);
    json_t *request = json_object();
    if (checks->of[XF_CHECKS_KEPT - 1])
        forget(checks->of[XF_CHECKS_KEPT - 1]);
    memmove(&checks->of[1], &checks->of[0], (XF_CHECKS_KEPT - 1) * sizeof(checks->of[0]));
    checks->of[0] = check;
    snprintf(check->peer, sizeof(check->peer), "%s", peer);
    check->began_s = xf_unix_s();
    xf_json_put(request, "verb", "check");
    xf_json_put(request, "peer", peer);
    check->question = xf_control_ask(checks->page->opts.control, request, token, hear, check);
}

const char *xf_page_checks_begin(struct xf_page_checks *checks, struct xf_span form,
                                 unsigned *out_status)
{
    char token[XF_ID_CHARS + 1], name[XF_DOMAIN_MAX + 1], peer[XF_DOMAIN_MAX + 1];
    uint64_t now_ms = checks->page->clock->now_ms;
    (void)xf_query_get(form, "token", token, sizeof(token));
    (void)xf_query_get(form, "peer", name, sizeof(name));
    *out_status = 403;
    if (!xf_control_admits(checks->page->opts.control, token))
        return "This token is not good, or no longer. Run “xfedctl page” for another one.";
    *out_status = 400;
    if (xf_domain_prepare(xf_span_of(name), peer) != XF_ERR_OK)
        return "This is not a domain. Write one as in partner.example.";
    *out_status = 429;
    if (now_ms < checks->next_ms)
        return "A check began a moment ago. Try again in a few seconds.";
    checks->next_ms = now_ms + XF_CHECK_EVERY_MS;
    begin(checks, peer, token);
    return NULL;
}

void xf_page_checks_fini(struct xf_page_checks *checks)
{
    for (size_t i = 0; i < XF_CHECKS_KEPT; i++)
        if (checks->of[i])
            forget(checks->of[i]);
}
