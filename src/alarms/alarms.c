/* SPDX-License-Identifier: MIT */
/* alarms.c — keeps the alarms, and tells those who follow; see alarms.h. */
#include "alarms_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#define REMEMBER_MS 3600000 /* how long an alarm that is over is remembered: does it flap? */
#define CALM_MAX_MS 3600000 /* how long a cause must be away at most */

struct xf_alarms {
    struct xf_log_watcher watcher;
    struct xf_alarms_opts opts;
    struct xf_map *rows;           /* event -> first row */
    struct xf_map *by_key;         /* -> struct xf_alarm */
    struct xf_node all;            /* in the order in which they were seen */
    size_t counts[XF_ALARM_ROOMS]; /* how many of them */
    struct xf_node followers;
};

static struct xf_alarm *alarm_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_alarm, node);
}

static bool stands(const struct xf_alarm *alarm)
{
    return alarm->state == XF_ALARM_IS_STANDS || alarm->state == XF_ALARM_IS_CALMS;
}

static bool has_cause(const struct xf_alarm *alarm)
{
    return alarm->state == XF_ALARM_IS_WAITS || alarm->state == XF_ALARM_IS_STANDS;
}

/* ------------------------------------------------------------------ telling */

static void view_of(const struct xf_alarm *alarm, struct xf_alarm_view *out)
{
    *out = (struct xf_alarm_view){.name = alarm->kind->name,
                                  .subject = alarm->subject,
                                  .text = alarm->text,
                                  .detail = alarm->detail,
                                  .help = xf_help_code(alarm->kind->help),
                                  .advice = xf_help_advice(alarm->kind->help),
                                  .since_s = alarm->since_s};
}

static void tell(const struct xf_alarm *alarm, enum xf_alarm_change change)
{
    struct xf_alarm_view view;
    view_of(alarm, &view);
    XF_LIST_EACH_SAFE (node, &alarm->alarms->followers) {
        struct xf_alarm_follower *follower = XF_CONTAINER(node, struct xf_alarm_follower, node);
        follower->changed(follower, change, &view);
    }
}

const char *xf_alarm_change_word(enum xf_alarm_change change)
{
    static const char *const words[] = {
        [XF_ALARM_RAISED] = "raised", [XF_ALARM_ENDED] = "ended", [XF_ALARM_LAPSED] = "lapsed"};
    return words[change];
}

/* ------------------------------------------------------------------ actions of states.c */

static void start(struct xf_alarm *alarm, uint64_t delay_ms)
{
    xf_timer_start(alarm->alarms->opts.timers, &alarm->timer, delay_ms);
}

/* Also what need not last is told by the timer: a watcher of the log is not the place. */
void xf_alarm_wait(struct xf_alarm *alarm)
{
    alarm->since_s = xf_unix_s();
    start(alarm, alarm->kind->waits ? alarm->alarms->opts.after_ms : 0);
}

void xf_alarm_rest(struct xf_alarm *alarm)
{
    start(alarm, REMEMBER_MS);
}

void xf_alarm_renew(struct xf_alarm *alarm)
{
    if (alarm->kind->lapse_ms > 0)
        start(alarm, alarm->kind->lapse_ms);
}

void xf_alarm_raise(struct xf_alarm *alarm)
{
    alarm->times++;
    xf_alarm_renew(alarm);
    tell(alarm, XF_ALARM_RAISED);
}

void xf_alarm_calm(struct xf_alarm *alarm)
{
    uint64_t calm_ms = alarm->kind->waits ? alarm->alarms->opts.after_ms : 0;
    if (alarm->times > 1 && calm_ms == 0)
        calm_ms = alarm->alarms->opts.after_ms;
    for (unsigned i = 1; i < alarm->times && calm_ms < CALM_MAX_MS; i++)
        calm_ms *= 2;
    start(alarm, calm_ms < CALM_MAX_MS ? calm_ms : CALM_MAX_MS);
}

void xf_alarm_end(struct xf_alarm *alarm)
{
    xf_alarm_rest(alarm);
    tell(alarm, XF_ALARM_ENDED);
}

void xf_alarm_lapse(struct xf_alarm *alarm)
{
    xf_alarm_rest(alarm);
    tell(alarm, XF_ALARM_LAPSED);
}

void xf_alarm_forget(struct xf_alarm *alarm)
{
    struct xf_alarms *alarms = alarm->alarms;
    xf_timer_stop(&alarm->timer);
    xf_list_remove(&alarm->node);
    (void)xf_map_remove(alarms->by_key, alarm->key);
    alarms->counts[alarm->room]--;
    xf_free(alarm);
}

static void on_due(void *owner)
{
    xf_alarm_fire(owner, XF_ALARM_ON_DUE);
}

/* ------------------------------------------------------------------ what the log says */

static struct xf_span cut(struct xf_span text)
{
    if (text.len < XF_ALARM_TEXT_BYTES)
        return text;
    return xf_utf8_whole((struct xf_span){text.ptr, XF_ALARM_TEXT_BYTES - 1});
}

static void note_detail(struct xf_alarm *alarm, const struct xf_log_event *event)
{
    const struct xf_kv *days = xf_log_find(event, "days");
    struct xf_span detail = xf_log_text(event, "detail");
    if (!detail.ptr)
        detail = xf_log_text(event, "reason");
    if (days)
        snprintf(alarm->detail, sizeof(alarm->detail), "%" PRId64 " days", days->number);
    else
        snprintf(alarm->detail, sizeof(alarm->detail), "%.*s", XF_SPAN_ARGS(cut(detail)));
}

/* One that stands or is about to is kept; of the others the one that was seen first may go. */
static bool make_room(struct xf_alarms *alarms, enum xf_alarm_room room)
{
    static const size_t most[] = {XF_ALARMS_OURS, XF_ALARMS_NAMED, XF_ALARMS_STRANGERS};
    if (alarms->counts[room] < most[room])
        return true;
    XF_LIST_EACH (node, &alarms->all) {
        struct xf_alarm *alarm = alarm_of(node);
        if (alarm->room == room && alarm->state == XF_ALARM_IS_QUIET) {
            xf_alarm_fire(alarm, XF_ALARM_ON_DUE);
            return true;
        }
    }
    return false;
}

static struct xf_alarm *new_alarm(struct xf_alarms *alarms, const struct xf_alarm_kind *kind,
                                  struct xf_span key, enum xf_alarm_room room)
{
    if (!make_room(alarms, room))
        return NULL;
    struct xf_alarm *alarm = xf_alloc(sizeof(*alarm) + key.len + 1);
    char *text = (char *)(alarm + 1);
    memcpy(text, key.ptr, key.len);
    text[key.len] = '\0';
    *alarm = (struct xf_alarm){.alarms = alarms,
                               .kind = kind,
                               .key = {text, key.len},
                               .subject = text + strlen(kind->name) + 1,
                               .room = room};
    xf_timer_init(&alarm->timer, on_due, alarm);
    alarms->counts[room]++;
    (void)xf_map_set(alarms->by_key, alarm->key, alarm);
    xf_list_push(&alarms->all, &alarm->node);
    return alarm;
}

static enum xf_alarm_room room_of(const struct xf_alarms *alarms, const struct xf_alarm_kind *kind,
                                  struct xf_span subject)
{
    const struct xf_alarms_opts *opts = &alarms->opts;
    if (kind->about == XF_ALARM_OF_OURS)
        return XF_ALARM_ROOM_OURS;
    return opts->is_named && opts->is_named(opts->owner, subject) ? XF_ALARM_ROOM_NAMED
                                                                  : XF_ALARM_ROOM_STRANGERS;
}

/* False: there is no room for the alarm. */
static bool raise(struct xf_alarms *alarms, const struct xf_alarm_row *row,
                  const struct xf_log_event *event, struct xf_span subject, struct xf_span key)
{
    enum xf_alarm_room room = room_of(alarms, row->kind, subject);
    if (room == XF_ALARM_ROOM_STRANGERS && row->kind->about == XF_ALARM_OF_NAMED_PEERS)
        return true;
    struct xf_alarm *alarm = xf_map_find(alarms->by_key, key);
    if (!alarm)
        alarm = new_alarm(alarms, row->kind, key, room);
    if (!alarm)
        return false;
    alarm->text = row->text;
    note_detail(alarm, event);
    xf_alarm_fire(alarm, XF_ALARM_ON_SEEN);
    return true;
}

static void end(struct xf_alarms *alarms, struct xf_span key)
{
    struct xf_alarm *alarm = xf_map_find(alarms->by_key, key);
    if (alarm)
        xf_alarm_fire(alarm, XF_ALARM_ON_GONE);
}

static bool apply(struct xf_alarms *alarms, const struct xf_alarm_row *row,
                  const struct xf_log_event *event)
{
    const struct xf_alarm_kind *kind = row->kind;
    struct xf_span subject = kind->subject ? cut(xf_log_text(event, kind->subject)) : XF_SPAN("");
    char text[2 * XF_ALARM_TEXT_BYTES];
    int len = snprintf(text, sizeof(text), "%s %.*s", kind->name, XF_SPAN_ARGS(subject));
    struct xf_span key = {text, (size_t)len};
    if (row->text)
        return raise(alarms, row, event, subject, key);
    end(alarms, key);
    return true;
}

static void see(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_alarms *alarms = XF_CONTAINER(watcher, struct xf_alarms, watcher);
    const struct xf_alarm_row *row = xf_map_find(alarms->rows, xf_span_of(event->name));
    for (; row && row < xf_alarm_rows + xf_alarm_row_count && strcmp(row->event, event->name) == 0;
         row++)
        if (!apply(alarms, row, event))
            (void)apply(alarms, &xf_alarm_more, event);
}

/* ------------------------------------------------------------------ for the owner */

struct xf_alarms *xf_alarms_new(const struct xf_alarms_opts *opts)
{
    struct xf_alarms *alarms = xf_new(struct xf_alarms);
    alarms->opts = *opts;
    alarms->rows = xf_map_new();
    alarms->by_key = xf_map_new();
    xf_list_init(&alarms->all);
    xf_list_init(&alarms->followers);
    for (size_t i = xf_alarm_row_count; i > 0; i--)
        (void)xf_map_set(alarms->rows, xf_span_of(xf_alarm_rows[i - 1].event),
                         (void *)&xf_alarm_rows[i - 1]);
    alarms->watcher.see = see;
    xf_log_watch(&alarms->watcher);
    return alarms;
}

void xf_alarms_free(struct xf_alarms **alarms)
{
    struct xf_alarms *s = *alarms;
    if (!s)
        return;
    *alarms = NULL;
    xf_log_unwatch(&s->watcher);
    XF_LIST_EACH_SAFE (node, &s->all)
        xf_alarm_forget(alarm_of(node));
    xf_map_free(&s->rows);
    xf_map_free(&s->by_key);
    xf_free(s);
}

void xf_alarms_set_after(struct xf_alarms *alarms, uint64_t after_ms)
{
    alarms->opts.after_ms = after_ms;
}

static void show_those(const struct xf_alarms *alarms, bool (*is_shown)(const struct xf_alarm *),
                       xf_alarm_fn show, void *owner)
{
    struct xf_alarm_view view;
    XF_LIST_EACH (node, &alarms->all) {
        if (!is_shown(alarm_of(node)))
            continue;
        view_of(alarm_of(node), &view);
        show(owner, &view);
    }
}

void xf_alarms_each(const struct xf_alarms *alarms, xf_alarm_fn show, void *owner)
{
    show_those(alarms, stands, show, owner);
}

void xf_alarms_each_cause(const struct xf_alarms *alarms, xf_alarm_fn show, void *owner)
{
    show_those(alarms, has_cause, show, owner);
}

size_t xf_alarms_count(const struct xf_alarms *alarms)
{
    size_t count = 0;
    XF_LIST_EACH (node, &alarms->all)
        count += stands(alarm_of(node));
    return count;
}

void xf_alarms_follow(struct xf_alarms *alarms, struct xf_alarm_follower *follower)
{
    xf_list_push(&alarms->followers, &follower->node);
}

void xf_alarms_unfollow(struct xf_alarm_follower *follower)
{
    xf_list_remove(&follower->node);
}
