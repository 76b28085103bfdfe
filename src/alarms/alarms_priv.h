/* SPDX-License-Identifier: MIT */
/*
 * alarms_priv.h — what the files of alarms share.
 *
 *   table.c    the alarms, and the events that raise and end them
 *   states.c   what becomes of one alarm, as a table
 *   alarms.c   keeps them, and tells
 *
 * To add an alarm: a row for it in table.c, rows for its events, a row in doc/operators/ALARMS.md.
 */
#pragma once

#include <xfed/alarms/alarms.h>
#include <xfed/base/help.h>
#include <xfed/base/machine.h>
#include <xfed/base/map.h>

/* ------------------------------------------------------------------ table.c */

enum xf_alarm_about {
    XF_ALARM_OF_OURS,        /* names of the configuration, or of our own nodes */
    XF_ALARM_OF_NAMED_PEERS, /* other peers have none: users mistype domains every day */
    XF_ALARM_OF_PEERS,
};

struct xf_alarm_kind {
    const char *name;
    const char *subject; /* key of the events that has it; NULL: there is only one */
    enum xf_alarm_about about;
    bool waits;        /* until the cause has lasted for opts.after_ms */
    uint64_t lapse_ms; /* it is over when its cause is not seen again for so long; 0: never */
    enum xf_help help;
};

struct xf_alarm_row {
    const char *event;
    const struct xf_alarm_kind *kind;
    const char *text; /* the event raises the alarm, with this text; NULL: it ends it */
};

extern const struct xf_alarm_row xf_alarm_rows[]; /* rows of one event stand together */
extern const size_t xf_alarm_row_count;
extern const struct xf_alarm_row xf_alarm_more; /* the alarm about alarms without room */

/* ------------------------------------------------------------------ states.c */

#define XF_ALARM_STATE_MAP(X)                                                  \
    X(QUIET)  /* remembered: it comes back sooner or later, or is forgotten */ \
    X(WAITS)  /* the cause is there, but must last */                          \
    X(STANDS) /* told */                                                       \
    X(CALMS)  /* told; the cause is gone, and must stay away */                \
    X(FORGOTTEN)

#define XF_ALARM_EVENT_MAP(X)                    \
    X(SEEN) /* an event that raises the alarm */ \
    X(GONE) /* one that ends it */               \
    X(DUE)  /* the time of the state is over */

#define X(name) XF_ALARM_IS_##name,
enum xf_alarm_state { XF_ALARM_STATE_MAP(X) };
#undef X
#define X(name) XF_ALARM_ON_##name,
enum xf_alarm_event { XF_ALARM_EVENT_MAP(X) };
#undef X

enum xf_alarm_room {
    XF_ALARM_ROOM_OURS,
    XF_ALARM_ROOM_NAMED,
    XF_ALARM_ROOM_STRANGERS,
    XF_ALARM_ROOMS
};

struct xf_alarm {
    enum xf_alarm_state state;
    struct xf_node node; /* in alarms->all */
    struct xf_alarms *alarms;
    const struct xf_alarm_kind *kind;
    struct xf_span key;  /* in alarms->by_key: name, space, subject */
    const char *subject; /* behind the struct */
    const char *text;
    char detail[XF_ALARM_TEXT_BYTES];
    enum xf_alarm_room room;
    unsigned times; /* that it was raised, since it was forgotten last */
    int64_t since_s;
    struct xf_timer timer;
};

extern const struct xf_machine xf_alarm_machine;
void xf_alarm_fire(struct xf_alarm *alarm, enum xf_alarm_event event);

/* Actions of the table. */
void xf_alarm_wait(struct xf_alarm *alarm);
void xf_alarm_rest(struct xf_alarm *alarm);
void xf_alarm_raise(struct xf_alarm *alarm);
void xf_alarm_renew(struct xf_alarm *alarm);
void xf_alarm_calm(struct xf_alarm *alarm);
void xf_alarm_end(struct xf_alarm *alarm);
void xf_alarm_lapse(struct xf_alarm *alarm);
void xf_alarm_forget(struct xf_alarm *alarm);
