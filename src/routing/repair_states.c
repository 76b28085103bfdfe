/* SPDX-License-Identifier: MIT */
/*
 * repair_states.c — what is said about presence when, as a table to be read aloud.
 *
 *   WELL -> LOST -> TELLING -> AWAY    the peer failed, and stays away: its contacts are
 *                                      unavailable
 *   ... -> RETURNING -> WELL           it is back: what changed meanwhile is said and asked
 *   ... -> OWING -> RETURNING          the peer is not lost, and yet did not get what was said
 *
 * A failure that a state does not list changes nothing: several routes may fail in a row.
 */
#include "repair_priv.h"

#include <xfed/base/log.h>

/* clang-format off */
#define ROW(in, on, to, action) {XF_REPAIR_##in, XF_REPAIR_ON_##on, XF_REPAIR_##to, XF_MACHINE_ACTION(struct xf_repair, action)}

static const struct xf_machine_row rows[] = {
    /*  in state   on event go to      and do */
    ROW(WELL,      FAILED,  LOST,      xf_repair_wait),
    ROW(WELL,      MISSED,  OWING,     xf_repair_owe),
    ROW(OWING,     FAILED,  LOST,      xf_repair_wait),
    ROW(OWING,     BACK,    RETURNING, xf_repair_return),
    ROW(OWING,     DUE,     WELL,      xf_repair_be_well),        /* it is not used any more */
    ROW(LOST,      DUE,     TELLING,   xf_repair_tell),
    ROW(LOST,      BACK,    RETURNING, xf_repair_return),         /* not for long: only what was not delivered */
    ROW(TELLING,   DONE,    AWAY,      xf_repair_rest),
    ROW(TELLING,   BACK,    RETURNING, xf_repair_return_and_ask),
    ROW(AWAY,      BACK,    RETURNING, xf_repair_return_and_ask),
    ROW(RETURNING, FAILED,  LOST,      xf_repair_wait),           /* the rest waits for the next return */
    ROW(RETURNING, MISSED,  OWING,     xf_repair_owe),            /* not again on the same stream */
    ROW(RETURNING, DONE,    WELL,      xf_repair_be_well),
};
/* clang-format on */

static const char *const state_names[] = {XF_REPAIR_STATE_MAP(XF_MACHINE_WORD)};
static const char *const event_names[] = {XF_REPAIR_EVENT_MAP(XF_MACHINE_WORD)};

XF_MACHINE_RUN(struct xf_repair)

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_repair *repair = self;
    xf_log(XF_LOG_DEBUG, "routing.repair.moved", XF_SPN("local", repair->presences.local),
           XF_SPN("peer", repair->presences.peer), XF_WORD("from", from), XF_WORD("on", on),
           XF_WORD("to", to));
}

static void stop_timer(void *self)
{
    struct xf_repair *repair = self;
    xf_timer_stop(&repair->timer);
}

static void stay(void *self, unsigned event)
{
    (void)self;
    (void)event;
}

static void check(const void *self, bool has_acted)
{
    const struct xf_repair *repair = self;
    bool is_well = repair->state == XF_REPAIR_WELL;
    xf_require(!has_acted || xf_timer_is_running(&repair->timer) == !is_well);
}

const struct xf_machine xf_repair_machine = {
    XF_MACHINE_TABLE,
    .name = "repair",
    .state_at = offsetof(struct xf_repair, state),
    .first = XF_REPAIR_WELL,
    .final = XF_MACHINE_NONE,
    .parting = XF_REPAIR_WELL,
    .log = log_move,
    .moved = stop_timer,
    .missing = stay,
    .check = check,
};

void xf_repair_fire(struct xf_repair *repair, enum xf_repair_event event)
{
    xf_machine_fire(&xf_repair_machine, repair, event);
}
