/* SPDX-License-Identifier: MIT */
/*
 * subscriber_states.c — the states of a subscription of ours, as a table to be read aloud.
 *
 *   NEW -> RESTING -> ASKED -> WAITING -> PENDING -> ACTIVE    WAITING, PENDING may be left out
 *          RESTING <- whatever ends a dialog but not the authorization; AWAY, if our user is
 *          RESTING <- also while policy does not allow it (SUSPEND)
 *   ENDING -> ENDED -> OVER     our user ends it; without a dialog, or when the contact ends it,
 *                               ENDED at once
 *
 * A NOTIFY makes the dialog, also before the 2xx (RFC 6665 section 4.4.1).
 */
#include "subscriber_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) \
    {XF_SUBSCRIPTION_##in, XF_SUBSCRIPTION_ON_##on, XF_SUBSCRIPTION_##to, XF_MACHINE_ACTION(struct xf_subscription, action)}
#define ANY(on, to, action) \
    {XF_MACHINE_ANY, XF_SUBSCRIPTION_ON_##on, XF_SUBSCRIPTION_##to, XF_MACHINE_ACTION(struct xf_subscription, action)}

static const struct xf_machine_row rows[] = {
    /*  in state on event  go to    and do */
    ROW(NEW,     START,    RESTING, xf_subscription_begin),
    ROW(NEW,     PENDING,  PENDING, NULL),                   /* the process before had it */
    ROW(NEW,     ACTIVE,   ACTIVE,  NULL),
    ROW(RESTING, DUE,      ASKED,   xf_subscription_ask),
    ROW(RESTING, SLEEP,    AWAY,    xf_subscription_sleep),
    ROW(RESTING, LEAVE,    ENDED,   xf_subscription_end),
    ROW(ASKED,   ACCEPTED, WAITING, xf_subscription_await),
    ROW(ASKED,   PENDING,  PENDING, NULL),
    ROW(ASKED,   ACTIVE,   ACTIVE,  NULL),
    ROW(ASKED,   LOST,     RESTING, xf_subscription_rest),
    ROW(ASKED,   REFUSED,  ENDED,   xf_subscription_end),
    ROW(ASKED,   LEAVE,    ENDED,   xf_subscription_end),    /* its NOTIFY gets 481, which ends it */
    ROW(WAITING, PENDING,  PENDING, NULL),
    ROW(WAITING, ACTIVE,   ACTIVE,  NULL),
    ROW(WAITING, LOST,     RESTING, xf_subscription_rest),
    ROW(WAITING, REFUSED,  ENDED,   xf_subscription_end),
    ROW(WAITING, LEAVE,    ENDED,   xf_subscription_end),
    ROW(PENDING, ACTIVE,   ACTIVE,  NULL),
    ROW(PENDING, DUE,      PENDING, xf_subscription_refresh),
    ROW(PENDING, LOST,     RESTING, xf_subscription_rest),
    ROW(PENDING, SLEEP,    AWAY,    xf_subscription_sleep),
    ROW(PENDING, REFUSED,  ENDED,   xf_subscription_end),
    ROW(PENDING, LEAVE,    ENDING,  xf_subscription_leave),
    ROW(ACTIVE,  PENDING,  PENDING, NULL),
    ROW(ACTIVE,  DUE,      ACTIVE,  xf_subscription_refresh),
    ROW(ACTIVE,  LOST,     RESTING, xf_subscription_rest),
    ROW(ACTIVE,  SLEEP,    AWAY,    xf_subscription_sleep),
    ROW(ACTIVE,  REFUSED,  ENDED,   xf_subscription_end),
    ROW(ACTIVE,  LEAVE,    ENDING,  xf_subscription_leave),
    ROW(ENDING,  LEFT,     ENDED,   xf_subscription_end),
    ROW(ENDING,  START,    RESTING, xf_subscription_begin),  /* another dialog */
    ROW(AWAY,    WAKE,     RESTING, xf_subscription_begin),
    ROW(AWAY,    LEAVE,    ENDED,   xf_subscription_end),
    ROW(ENDED,   START,    RESTING, xf_subscription_begin),
    ROW(ENDED,   TOLD,     OVER,    xf_subscription_free),
    ROW(RESTING, SUSPEND,  RESTING, xf_subscription_suspend),
    ROW(ASKED,   SUSPEND,  RESTING, xf_subscription_suspend),
    ROW(WAITING, SUSPEND,  RESTING, xf_subscription_suspend),
    ROW(PENDING, SUSPEND,  RESTING, xf_subscription_suspend),
    ROW(ACTIVE,  SUSPEND,  RESTING, xf_subscription_suspend),
    ANY(         BAR,      ENDED,   xf_subscription_end),
    ANY(         DROP,     OVER,    xf_subscription_free),
};
/* clang-format on */

static const char *const state_names[] = {XF_SUBSCRIPTION_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const event_names[] = {XF_SUBSCRIPTION_EVENT_MAP(XF_MACHINE_TITLE)};

static void check(const void *self, bool has_acted)
{
    const struct xf_subscription *sub = self;
    switch (sub->state) {
    case XF_SUBSCRIPTION_NEW:
    case XF_SUBSCRIPTION_OVER:
    case XF_SUBSCRIPTION_STATE_COUNT:
        return;
    case XF_SUBSCRIPTION_RESTING:
    case XF_SUBSCRIPTION_AWAY:
    case XF_SUBSCRIPTION_ENDED:
        xf_require(!has_acted ||
                   (!sub->client && !sub->dialog && !sub->tag[0] && !xf_turn_waits(&sub->turn)));
        return;
    case XF_SUBSCRIPTION_ASKED:
        xf_require(!sub->dialog && (!has_acted || (sub->client && sub->tag[0])));
        return;
    case XF_SUBSCRIPTION_WAITING:
        xf_require(!sub->dialog && !sub->client && sub->tag[0]);
        return;
    case XF_SUBSCRIPTION_PENDING:
    case XF_SUBSCRIPTION_ACTIVE:
        xf_require(sub->dialog && sub->tag[0]);
        return;
    case XF_SUBSCRIPTION_ENDING:
        xf_require(!has_acted || (sub->client && sub->dialog && !xf_turn_waits(&sub->turn)));
        return;
    }
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_subscription *sub = self;
    xf_log(XF_LOG_DEBUG, "sip.subscription.moved",
           XF_SPN("local", xf_simple_domain_of(xf_subscription_user(sub))),
           XF_SPN("peer", xf_simple_domain_of(xf_subscription_contact(sub))), XF_WORD("dir", "out"),
           XF_STR("from", from), XF_STR("on", on), XF_STR("to", to));
}

static void moved(void *self)
{
    struct xf_subscription *sub = self;
    sub->is_changed = true;
}

XF_MACHINE_RUN(struct xf_subscription)

const struct xf_machine xf_subscription_machine = {
    XF_MACHINE_TABLE,
    .name = "subscription of ours",
    .state_at = offsetof(struct xf_subscription, state),
    .first = XF_SUBSCRIPTION_NEW,
    .final = XF_SUBSCRIPTION_OVER,
    .parting = XF_SUBSCRIPTION_OVER,
    .log = log_move,
    .moved = moved,
    .check = check,
};
