/* SPDX-License-Identifier: MIT */
/* states.c — what becomes of one alarm. The actions are in alarms.c. */
#include "alarms_priv.h"

/* clang-format off */
#define ROW(in_, on_, to_, action) \
    {XF_ALARM_IS_##in_, XF_ALARM_ON_##on_, XF_ALARM_IS_##to_, XF_MACHINE_ACTION(struct xf_alarm, action)}

static const struct xf_machine_row rows[] = {
    /*  in state on event  go to      and do */
    ROW(QUIET,   SEEN,     WAITS,     xf_alarm_wait),
    ROW(QUIET,   DUE,      FORGOTTEN, xf_alarm_forget),
    ROW(WAITS,   GONE,     QUIET,     xf_alarm_rest),
    ROW(WAITS,   DUE,      STANDS,    xf_alarm_raise),
    ROW(STANDS,  SEEN,     STANDS,    xf_alarm_renew),
    ROW(STANDS,  GONE,     CALMS,     xf_alarm_calm),
    ROW(STANDS,  DUE,      QUIET,     xf_alarm_lapse),
    ROW(CALMS,   SEEN,     STANDS,    xf_alarm_renew),
    ROW(CALMS,   DUE,      QUIET,     xf_alarm_end),
};
/* clang-format on */

static const char *const state_names[] = {XF_ALARM_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const event_names[] = {XF_ALARM_EVENT_MAP(XF_MACHINE_TITLE)};

XF_MACHINE_RUN(struct xf_alarm)

/* A watcher of the log must not log. */
static void log_nothing(const void *self, const char *from, const char *on, const char *to)
{
    (void)self, (void)from, (void)on, (void)to;
}

/* The timer belongs to a state and ends with it. */
static void enter_state(void *self)
{
    struct xf_alarm *alarm = self;
    xf_timer_stop(&alarm->timer);
}

static void ignore(void *self, unsigned event)
{
    (void)self, (void)event;
}

static void check(const void *self, bool has_acted)
{
    const struct xf_alarm *alarm = self;
    bool needs_timer = alarm->state != XF_ALARM_IS_STANDS || alarm->kind->lapse_ms > 0;
    xf_require(!has_acted || xf_timer_is_running(&alarm->timer) == needs_timer);
}

const struct xf_machine xf_alarm_machine = {
    XF_MACHINE_TABLE,
    .name = "alarm",
    .state_at = offsetof(struct xf_alarm, state),
    .first = XF_ALARM_IS_QUIET,
    .final = XF_ALARM_IS_FORGOTTEN,
    .parting = XF_ALARM_IS_FORGOTTEN,
    .log = log_nothing,
    .moved = enter_state,
    .missing = ignore,
    .check = check,
};

void xf_alarm_fire(struct xf_alarm *alarm, enum xf_alarm_event event)
{
    xf_machine_fire(&xf_alarm_machine, alarm, event);
}
