/* SPDX-License-Identifier: MIT */
/*
 * client.c — whoever asks: the verb under way, and its answer: rows, then one line with "ok". Where
 * the lines go is the outlet's affair (line_client.c, ask.c).
 */
#include "control_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>

/* An act is logged when its answer is known, with what was asked for. */
static void log_act(const struct xf_client *s, const char *result)
{
    const json_t *stream = json_object_get(s->request, "stream");
    const json_t *minutes = json_object_get(s->request, "minutes");
    const char *const keys[] = {"peer", "turn", "level"};
    const char *texts[XF_ARRAY_LEN(keys)];
    for (size_t i = 0; i < XF_ARRAY_LEN(keys); i++)
        texts[i] = json_string_value(json_object_get(s->request, keys[i]));
    char number[32] = "", time[32] = "";
    if (json_is_integer(stream))
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(stream));
    if (json_is_integer(minutes))
        snprintf(time, sizeof(time), "%lld", (long long)json_integer_value(minutes));
    xf_log(XF_LOG_INFO, "control.verb.done", XF_WORD("verb", s->verb->name),
           XF_WORD("result", result), XF_INT("uid", s->uid), XF_INT("pid", s->pid),
           XF_STR("peer", texts[0]), XF_STR("turn", texts[1]), XF_STR("level", texts[2]),
           XF_STR("number", *number ? number : NULL), XF_STR("minutes", *time ? time : NULL),
           XF_WORD("via", s->outlet->via));
}

/* `result`: "ok", a code, or "gone". */
void xf_client_end_verb(struct xf_client *s, const char *result)
{
    if (s->verb && s->verb->right == XF_RIGHT_ACT && s->is_permitted)
        log_act(s, result);
    xf_log_unwatch(&s->watcher);
    xf_alarms_unfollow(&s->follower);
    xf_timer_stop(&s->timer);
    if (s->free_job)
        s->free_job(s->job);
    s->verb = NULL;
    s->go_on = NULL;
    s->job = NULL;
    s->free_job = NULL;
    s->renewed = NULL;
    json_decref(s->request);
    s->request = NULL;
    s->is_permitted = false;
    s->rows_lost = 0;
}

/* ------------------------------------------------------------------ answers */

void xf_client_row(struct xf_client *s, json_t *row)
{
    json_t *line = json_object();
    if (s->rows_lost)
        xf_json_put_int(line, "lost", s->rows_lost);
    xf_json_put_new(line, "row", row);
    if (s->outlet->write(s, line))
        s->rows_lost = 0;
    else
        s->rows_lost++;
    json_decref(line);
}

static void finish(struct xf_client *s, json_t *line, const char *result)
{
    if (s->rows_lost)
        xf_json_put_int(line, "lost", s->rows_lost);
    bool is_written = s->outlet->write(s, line);
    json_decref(line);
    xf_client_end_verb(s, result);
    s->outlet->answered(s, is_written);
}

void xf_client_done(struct xf_client *s, json_t *result)
{
    json_t *line = json_object();
    xf_json_put_bool(line, "ok", true);
    xf_json_put_new(line, "result", result ? result : json_object());
    finish(s, line, "ok");
}

void xf_client_done_with(struct xf_client *client, const char *key, uint64_t number)
{
    json_t *result = json_object();
    xf_json_put_int(result, key, number);
    xf_client_done(client, result);
}

void xf_client_fail(struct xf_client *s, const char *code, const char *fmt, ...)
{
    char words[1024];
    json_t *line = json_object();
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    xf_json_put_bool(line, "ok", false);
    xf_json_put(line, "error", code);
    xf_json_put(line, "message", words);
    finish(s, line, code);
}

/* ------------------------------------------------------------------ requests */

static void log_refused(const struct xf_client *s)
{
    unsigned suppressed;
    if (xf_control_may_log_refusal(&s->control->refusals, s->control->timers, &suppressed))
        xf_log(XF_LOG_WARN, "control.verb.refused", XF_WORD("verb", s->verb->name),
               XF_INT("uid", s->uid), XF_INT("pid", s->pid), XF_INT("suppressed", suppressed));
}

void xf_client_run(struct xf_client *s, json_t *request)
{
    s->request = request;
    const char *name = json_string_value(json_object_get(s->request, "verb"));
    s->verb = name ? s->control->find_verb(name) : NULL;
    if (!name) {
        xf_client_fail(s, "bad-request", "expected an object with \"verb\"");
    } else if (!s->verb) {
        xf_client_fail(s, "unknown-verb", "xfedd %s has no verb \"%s\"", s->control->opts.version,
                       name);
    } else if (s->verb->right > s->right) {
        log_refused(s);
        xf_client_fail(s, "not-permitted",
                       "%s changes something: you are in no group of listen { control-admins }",
                       name);
    } else {
        s->is_permitted = true;
        s->verb->run(s, s->request);
    }
}
