/* SPDX-License-Identifier: MIT */
/*
 * inquiry.c — asks xfedd what operators want to know: one question at a time, each over a
 * connection of its own, so that an answer which never ends does not hold up the alarms.
 */
#include "notify_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

#define PATIENCE_MS 90000 /* longer than a check takes */
#define ROWS_MAX    100   /* rows beyond that are dropped: the answer is a few lines */

static struct xf_inquiry *first(const struct xf_inquiries *inquiries)
{
    return xf_list_is_empty(&inquiries->waiting)
               ? NULL
               : XF_CONTAINER(inquiries->waiting.next, struct xf_inquiry, node);
}

void xf_inquiries_init(struct xf_inquiries *inquiries, const char *path, xf_answer_fn answer,
                       void *owner)
{
    *inquiries =
        (struct xf_inquiries){.path = path, .answer = answer, .owner = owner, .ask = {.fd = -1}};
    xf_list_init(&inquiries->waiting);
}

/* The first one is over. */
static void drop_first(struct xf_inquiries *inquiries)
{
    struct xf_inquiry *inquiry = first(inquiries);
    xf_ask_close(&inquiries->ask);
    json_decref(inquiries->rows);
    inquiries->rows = NULL;
    xf_list_remove(&inquiry->node);
    inquiries->count--;
    json_decref(inquiry->request);
    xf_free(inquiry->to);
    xf_free(inquiry);
}

void xf_inquiries_release(struct xf_inquiries *inquiries)
{
    while (first(inquiries))
        drop_first(inquiries);
}

bool xf_inquiries_add(struct xf_inquiries *inquiries, const struct xf_question *question,
                      json_t *request, const char *to)
{
    if (inquiries->count >= XF_INQUIRIES_MAX) {
        json_decref(request);
        return false;
    }
    struct xf_inquiry *inquiry = xf_new(struct xf_inquiry);
    *inquiry = (struct xf_inquiry){.question = question, .request = request, .to = xf_strdup(to)};
    xf_list_push(&inquiries->waiting, &inquiry->node);
    inquiries->count++;
    return true;
}

static void answer(struct xf_inquiries *inquiries, struct xf_buf *text, const char *result)
{
    const struct xf_inquiry *inquiry = first(inquiries);
    char *words = xf_strndup(xf_buf_ptr(text), text->len);
    xf_log(XF_LOG_INFO, "notify.question.answered", XF_WORD("verb", inquiry->question->name),
           XF_WORD("result", result), XF_STR("from", inquiry->to));
    inquiries->answer(inquiries->owner, inquiry->to, words);
    xf_free(words);
    xf_buf_release(text);
    drop_first(inquiries);
}

static void fail(struct xf_inquiries *inquiries, const char *result, const char *why)
{
    struct xf_buf text;
    xf_notice_text_init(&text);
    xf_notice_put(&text, "No answer: ");
    xf_notice_put_shown(&text, why);
    answer(inquiries, &text, result);
}

static void start(struct xf_inquiries *inquiries, uint64_t now_ms)
{
    char why[XF_ASK_WHY_BYTES];
    if (!xf_ask_connect(&inquiries->ask, inquiries->path, why)) {
        fail(inquiries, "unreachable", why);
        return;
    }
    inquiries->rows = json_array();
    inquiries->due_ms = now_ms + PATIENCE_MS;
    xf_ask_send(&inquiries->ask, first(inquiries)->request);
}

/* True: the answer is complete. */
static bool take_line(struct xf_inquiries *inquiries, const json_t *line)
{
    const json_t *row = json_object_get(line, "row");
    struct xf_buf text;
    if (row) {
        if (json_array_size(inquiries->rows) < ROWS_MAX)
            json_array_append(inquiries->rows, (json_t *)(uintptr_t)row);
        return false;
    }
    if (!xf_json_is(line, "ok")) {
        const char *code = xf_json_text(line, "error");
        fail(inquiries, strcmp(code, "not-permitted") == 0 ? "not-permitted" : "refused",
             xf_json_text(line, "message"));
        return true;
    }
    xf_notice_text_init(&text);
    first(inquiries)->question->answer(&text, inquiries->rows, json_object_get(line, "result"));
    answer(inquiries, &text, "ok");
    return true;
}

static void read_now(struct xf_inquiries *inquiries)
{
    bool is_open = xf_ask_read(&inquiries->ask), is_over = false;
    ptrdiff_t len;
    while (!is_over && (len = xf_ask_line(&inquiries->ask)) >= 0) {
        json_t *line = json_loadb(inquiries->ask.in, (size_t)len, 0, NULL);
        xf_ask_drop(&inquiries->ask, (size_t)len);
        is_over = take_line(inquiries, line);
        json_decref(line);
    }
    if (!is_over && !is_open)
        fail(inquiries, "cut", "xfedd closed the connection");
}

uint64_t xf_inquiries_turn(struct xf_inquiries *inquiries, bool is_readable, uint64_t now_ms)
{
    if (inquiries->ask.fd >= 0 && is_readable)
        read_now(inquiries);
    else if (inquiries->ask.fd >= 0 && now_ms >= inquiries->due_ms)
        fail(inquiries, "timeout", "it takes too long");
    if (inquiries->ask.fd < 0 && first(inquiries))
        start(inquiries, now_ms);
    if (inquiries->ask.fd >= 0)
        return inquiries->due_ms;
    return first(inquiries) ? now_ms : UINT64_MAX;
}
