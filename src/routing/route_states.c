/* SPDX-License-Identifier: MIT */
/*
 * route_states.c — the states of a route, as a table to be read aloud.
 *
 *   IDLE -> QUEUE <-> SEND      a stream is made, takes the queue, and then each stanza at once
 *   QUEUE, SEND -> IDLE         the stream ended, and the next stanza may open another
 *   QUEUE, SEND -> BOUNCE       the peer failed: back-off
 *   BOUNCE <-> PROBE -> QUEUE   a stream is tried during back-off, and may become ready
 *   BOUNCE -> IDLE, QUEUE       the back-off is over
 *
 * Events come from s2s and from route.c, never directly from a peer. So an event without a row is a
 * bug of ours.
 */
#include "route_priv.h"

#include "probe_priv.h"
#include "route_limits_priv.h"
#include "routing_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) {XF_ROUTE_##in, XF_ROUTE_ON_##on, XF_ROUTE_##to, XF_MACHINE_ACTION(struct xf_route, action)}

static const struct xf_machine_row rows[] = {
    /*  in state on event  go to    and do */
    ROW(IDLE,    STANZA,   QUEUE,   xf_route_open_stream),
    ROW(QUEUE,   FLUSHED,  SEND,    NULL),
    ROW(SEND,    BLOCKED,  QUEUE,   NULL),
    ROW(QUEUE,   LOST,     QUEUE,   xf_route_open_stream),
    ROW(QUEUE,   SEEN,     QUEUE,   xf_route_open_stream),     /* the peer's stream carries the pair, ours was given up */
    ROW(QUEUE,   GONE,     IDLE,    xf_route_rest),
    ROW(SEND,    GONE,     IDLE,    xf_route_rest),
    ROW(QUEUE,   FAILED,   BOUNCE,  xf_route_back_off),
    ROW(SEND,    FAILED,   BOUNCE,  xf_route_back_off),
    ROW(QUEUE,   REFUSED,  IDLE,    xf_route_refuse),
    ROW(SEND,    REFUSED,  IDLE,    xf_route_refuse),
    ROW(BOUNCE,  OVER,     IDLE,    xf_route_rest),
    ROW(BOUNCE,  SEEN,     IDLE,    xf_route_rest),
    ROW(BOUNCE,  WAITED,   QUEUE,   xf_route_open_stream),
    ROW(BOUNCE,  DUE,      PROBE,   xf_route_start_probe),
    ROW(PROBE,   WELL,     QUEUE,   NULL),
    ROW(PROBE,   FAILED,   BOUNCE,  xf_route_go_on_backing_off),
    ROW(PROBE,   REFUSED,  IDLE,    xf_route_refuse),
    ROW(PROBE,   SEEN,     IDLE,    xf_route_rest),            /* its probe was given up */
    ROW(PROBE,   WAITED,   QUEUE,   xf_route_open_stream),     /* so was it here */
};
/* clang-format on */

static const char *const state_names[] = {XF_ROUTE_STATE_MAP(XF_MACHINE_WORD)};
static const char *const event_names[] = {XF_ROUTE_EVENT_MAP(XF_MACHINE_WORD)};

XF_MACHINE_RUN(struct xf_route)

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_route *route = self;
    xf_log(XF_LOG_DEBUG, "routing.route.moved", XF_SPN("local", route->local),
           XF_SPN("peer", route->peer), XF_WORD("from", from), XF_WORD("on", on),
           XF_WORD("to", to));
}

/* The timer, the place of a stream and the turns of a probe belong to a state and end with it. */
static void enter_state(void *self)
{
    struct xf_route *route = self;
    route->routing->route_counts[route->counted_as]--;
    route->routing->route_counts[route->state]++;
    route->counted_as = route->state;
    xf_timer_stop(&route->timer);
    if (route->state == XF_ROUTE_IDLE || route->state == XF_ROUTE_BOUNCE)
        xf_route_limits_stream_ended(route);
    if (route->state != XF_ROUTE_BOUNCE && route->state != XF_ROUTE_PROBE)
        xf_probe_end(route);
}

static void check(const void *self, bool has_acted)
{
    const struct xf_route *route = self;
    bool is_empty = xf_stanza_queue_is_empty(&route->queue);
    bool is_timed = xf_timer_is_running(&route->timer);
    switch (route->state) {
    case XF_ROUTE_IDLE: /* the timer frees it */
        xf_require(!route->out && !route->failed_peer && (!has_acted || (is_empty && is_timed)));
        return;
    case XF_ROUTE_QUEUE:
        xf_require(!route->failed_peer && (!has_acted || route->out));
        return;
    case XF_ROUTE_SEND:
        xf_require(!route->failed_peer && route->out && is_empty);
        return;
    case XF_ROUTE_BOUNCE: /* the timer ends the back-off */
        xf_require(!route->out && route->cause != XF_CAUSE_NONE);
        xf_require(!has_acted || is_timed);
        return;
    case XF_ROUTE_PROBE:
        xf_require(route->failed_peer && (route->out != NULL) == has_acted);
        return;
    }
}

const struct xf_machine xf_route_machine = {
    XF_MACHINE_TABLE,       .name = "route",          .state_at = offsetof(struct xf_route, state),
    .first = XF_ROUTE_IDLE, .final = XF_MACHINE_NONE, .parting = XF_MACHINE_NONE,
    .log = log_move,        .moved = enter_state,     .missing = NULL,
    .check = check,
};

void xf_route_fire(struct xf_route *route, enum xf_route_event event)
{
    xf_machine_fire(&xf_route_machine, route, event);
}
