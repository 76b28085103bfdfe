/* SPDX-License-Identifier: MIT */
/*
 * router_states.c — the states of a leg to jabberd2's router, as a table (xfed/base/machine.h).
 *
 * They refine two states of the leg: up to BIND it negotiates, from ASKING on it is up.
 */
#include "router_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) {XF_ROUTER_##in, XF_ROUTER_ON_##on, XF_ROUTER_##to, XF_MACHINE_ACTION(struct xf_router, action)}
#define ANY(on, to, action) {XF_MACHINE_ANY, XF_ROUTER_ON_##on, XF_ROUTER_##to, XF_MACHINE_ACTION(struct xf_router, action)}

static const struct xf_machine_row rows[] = {
    /*  in state   on event    go to      and do */
    ROW(APART,     CONNECTED,  FEATURES,  xf_router_send_header),
    ROW(FEATURES,  OFFER_TLS,  PROCEED,   xf_router_send_starttls),
    ROW(PROCEED,   GO,         HANDSHAKE, xf_router_start_tls),
    ROW(HANDSHAKE, SECURED,    SECURE,    xf_router_send_header),
    ROW(FEATURES,  OFFER,      CHALLENGE, xf_router_send_auth),
    ROW(SECURE,    OFFER,      CHALLENGE, xf_router_send_auth),
    ROW(CHALLENGE, CHALLENGED, PROOF,     NULL),
    ROW(PROOF,     PROVED,     RESTART,   xf_router_restart),
    ROW(RESTART,   RESTARTED,  BIND,      xf_router_bind_name),
    ROW(BIND,      BOUND,      ASKING,    xf_router_come_up),
    ROW(ASKING,    TAKEN,      HOLDER,    xf_router_hold),
    ROW(ASKING,    HELD,       STANDBY,   xf_router_stand_by),
    ROW(ASKING,    AGAIN,      ASKING,    xf_router_wait_on),
    ROW(STANDBY,   AGAIN,      ASKING,    xf_router_ask_default),
    ROW(HOLDER,    LEAVE,      LEAVING,   xf_router_give_up_default),
    ROW(ASKING,    LEAVE,      LEAVING,   xf_router_give_up_default), /* the answer is on its way */
    ROW(STANDBY,   LEAVE,      LEAVING,   NULL),
    ANY(           ENDS,       APART,     xf_router_part),
};
/* clang-format on */

static const char *const state_names[] = {XF_ROUTER_STATE_MAP(XF_MACHINE_WORD)};
static const char *const event_names[] = {XF_ROUTER_EVENT_MAP(XF_MACHINE_WORD)};

XF_MACHINE_RUN(struct xf_router)

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_router *router = self;
    xf_log(XF_LOG_DEBUG, "link.state.changed", XF_STR("link", router->leg.settings->title),
           XF_STR("name", router->leg.name), XF_WORD("from", from), XF_WORD("on", on),
           XF_WORD("to", to));
}

/* What the router says out of turn changes nothing and is only logged. */
static void stay(void *self, unsigned event)
{
    const struct xf_router *router = self;
    log_move(self, state_names[router->state], event_names[event], "same");
}

static void stop_retry(void *self)
{
    struct xf_router *router = self;
    xf_timer_stop(&router->retry);
}

static void check(const void *self, bool has_acted)
{
    const struct xf_router *router = self;
    bool is_up = router->state >= XF_ROUTER_ASKING;
    bool waits = router->state == XF_ROUTER_ASKING || router->state == XF_ROUTER_STANDBY;
    xf_require(xf_timer_is_running(&router->retry) == (has_acted && waits));
    if (has_acted && is_up)
        xf_require(router->leg.was_up && router->default_name);
}

const struct xf_machine xf_router_machine = {
    XF_MACHINE_TABLE,
    .name = "router leg",
    .state_at = offsetof(struct xf_router, state),
    .first = XF_ROUTER_APART,
    .final = XF_MACHINE_NONE,
    .parting = XF_ROUTER_APART,
    .log = log_move,
    .moved = stop_retry,
    .missing = stay,
    .check = check,
};

void xf_router_fire(struct xf_router *router, enum xf_router_event event)
{
    xf_machine_fire(&xf_router_machine, router, event);
}
