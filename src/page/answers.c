/* SPDX-License-Identifier: MIT */
/*
 * answers.c — what is known of single peers, asked when somebody looks, and shared as the snapshot
 * is. There are as many places as connections: nobody takes one that is waited for.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>

#include "page_priv.h"

#define KEEP_MS 10000

/* ------------------------------------------------------------------ lines */

void xf_page_answer_hear(struct xf_page_answer *answer, const json_t *line)
{
    json_t *row = json_object_get(line, "row");
    if (!answer->rows)
        answer->rows = json_array();
    if (!row)
        answer->last = json_incref((json_t *)(uintptr_t)line);
    else if (json_array_size(answer->rows) < XF_ANSWER_ROWS_MAX)
        json_array_append(answer->rows, row);
    else
        answer->left_out++;
}

void xf_page_answer_fini(struct xf_page_answer *answer)
{
    json_decref(answer->rows);
    json_decref(answer->last);
    *answer = (struct xf_page_answer){0};
}

/* ------------------------------------------------------------------ places */

static void forget(struct xf_page_place *answer)
{
    if (answer->question)
        xf_control_unask(answer->question);
    xf_page_answer_fini(&answer->answer);
    *answer = (struct xf_page_place){.answers = answer->answers};
}

static void hear(void *owner, const json_t *line)
{
    struct xf_page_place *answer = owner;
    struct xf_page *page = answer->answers->page;
    xf_page_answer_hear(&answer->answer, line);
    if (!answer->answer.last)
        return;
    answer->question = NULL;
    answer->made_ms = page->clock->now_ms;
    xf_http_again(page->opts.http);
}

static struct xf_page_place *find(struct xf_page_answers *answers, const char *peer)
{
    for (size_t i = 0; i < XF_ANSWERS_MAX; i++)
        if (strcmp(answers->of[i].peer, peer) == 0)
            return &answers->of[i];
    return NULL;
}

/* Free, or else the oldest that is not being asked for. */
static struct xf_page_place *take_place(struct xf_page_answers *answers)
{
    struct xf_page_place *best = NULL;
    for (size_t i = 0; i < XF_ANSWERS_MAX; i++) {
        struct xf_page_place *answer = &answers->of[i];
        if (!answer->question && (!best || answer->made_ms < best->made_ms))
            best = answer;
    }
    return best;
}

static void ask(struct xf_page_answers *answers, struct xf_page_place *answer, const char *peer)
{
    json_t *request = json_object();
    forget(answer);
    answer->answers = answers;
    snprintf(answer->peer, sizeof(answer->peer), "%s", peer);
    xf_json_put(request, "verb", "peer");
    xf_json_put(request, "peer", peer);
    answer->question = xf_control_ask(answers->page->opts.control, request, NULL, hear, answer);
}

const struct xf_page_answer *xf_page_answers_get(struct xf_page_answers *answers, const char *peer)
{
    struct xf_page_place *answer = find(answers, peer);
    uint64_t now_ms = answers->page->clock->now_ms;
    if (answer && answer->question)
        return NULL;
    if (answer && now_ms - answer->made_ms < XF_PAGE_FRESH_MS)
        return &answer->answer;
    if (!answer)
        answer = take_place(answers);
    if (answer) /* else all are being asked for, and one will be free */
        ask(answers, answer, peer);
    return NULL;
}

void xf_page_answers_tidy(struct xf_page_answers *answers)
{
    uint64_t now_ms = answers->page->clock->now_ms;
    for (size_t i = 0; i < XF_ANSWERS_MAX; i++)
        if (*answers->of[i].peer && !answers->of[i].question &&
            now_ms - answers->of[i].made_ms > KEEP_MS)
            forget(&answers->of[i]);
}

void xf_page_answers_fini(struct xf_page_answers *answers)
{
    for (size_t i = 0; i < XF_ANSWERS_MAX; i++)
        forget(&answers->of[i]);
}
