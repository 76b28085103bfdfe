/* SPDX-License-Identifier: MIT */
/*
 * lines.c — see lines.h. The limits on lines also limit the memory: an owner about whom no line was
 * written has no entry.
 */
#include <xfed/stream/lines.h>

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/stream/env.h>

#define LINES_MS               60000
#define STRANGER_LINES         200
#define STRANGER_NETWORK_LINES 50
#define QUESTION_LINES         100
#define QUESTION_PEER_LINES    10
#define PEER_LINES             600
#define PEER_OWNER_LINES       100
#define ALARM_LINES            200
#define ALARM_OWNER_LINES      20

static const struct {
    unsigned total, of_owner;
} most[XF_LINES_KINDS] = {
    [XF_LINES_STRANGERS] = {STRANGER_LINES, STRANGER_NETWORK_LINES},
    [XF_LINES_QUESTIONS] = {QUESTION_LINES, QUESTION_PEER_LINES},
    [XF_LINES_PEERS] = {PEER_LINES, PEER_OWNER_LINES},
    [XF_LINES_NAMED] = {PEER_LINES, PEER_OWNER_LINES},
    [XF_LINES_ALARMS] = {ALARM_LINES, ALARM_OWNER_LINES},
};

static void forget_owners(struct xf_map **owners)
{
    size_t cursor = 0;
    void *count;
    while (*owners && xf_map_next(*owners, &cursor, NULL, &count))
        xf_free(count);
    xf_map_free(owners);
}

static void say_hidden(const struct xf_lines *lines)
{
    char text[1024] = "";
    for (size_t i = 0, len = 0;
         i < XF_LINES_EVENTS_MAX && lines->events[i].event && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %u", i ? ", " : "",
                                lines->events[i].event, lines->events[i].count);
    xf_log(XF_LOG_WARN, "s2s.lines.suppressed", XF_INT("suppressed", lines->hidden),
           XF_STR("events", text));
}

static void end_minute(void *owner)
{
    struct xf_lines *lines = owner;
    if (lines->hidden)
        say_hidden(lines);
    xf_lines_fini(lines);
}

static void begin_minute(struct xf_lines *lines, uint64_t now_ms)
{
    end_minute(lines);
    lines->until_ms = now_ms + LINES_MS;
    xf_timer_init(&lines->timer, end_minute, lines);
    for (size_t i = 0; i < XF_LINES_KINDS; i++)
        lines->of_owner[i] = xf_map_new();
}

static bool take(struct xf_lines *lines, enum xf_lines_kind kind, struct xf_span owner)
{
    unsigned *written = xf_map_find(lines->of_owner[kind], owner);
    if (lines->written[kind] >= most[kind].total || (written && *written >= most[kind].of_owner))
        return false;
    if (!written) {
        written = xf_new(unsigned);
        (void)xf_map_set(lines->of_owner[kind], owner, written);
    }
    lines->written[kind]++;
    return ++*written > 0;
}

static void hide(struct xf_lines *lines, const char *event)
{
    size_t i = 0;
    while (i < XF_LINES_EVENTS_MAX - 1 && lines->events[i].event &&
           strcmp(lines->events[i].event, event) != 0)
        i++;
    lines->events[i].event = event;
    lines->events[i].count++;
    lines->hidden++;
}

enum xf_log_level xf_lines_level(struct xf_env *env, enum xf_lines_kind kind, struct xf_span owner,
                                 enum xf_log_level level, const char *event)
{
    struct xf_lines *lines = &env->lines;
    uint64_t now_ms = env->clock->now_ms;
    if (level > xf_log_wanted || level == XF_LOG_DEBUG)
        return level;
    if (now_ms >= lines->until_ms)
        begin_minute(lines, now_ms);
    if (take(lines, kind, owner))
        return level;
    if (!lines->hidden)
        xf_timer_start(env->timers, &lines->timer, lines->until_ms - now_ms);
    hide(lines, event);
    return XF_LOG_DEBUG;
}

void xf_lines_fini(struct xf_lines *lines)
{
    if (lines->until_ms)
        xf_timer_stop(&lines->timer);
    for (size_t i = 0; i < XF_LINES_KINDS; i++)
        forget_owners(&lines->of_owner[i]);
    *lines = (struct xf_lines){0};
}
