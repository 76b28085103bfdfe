/* SPDX-License-Identifier: MIT */
/*
 * server_states.c — the states of a request of a peer, as a table to be read aloud.
 *
 *   ASKED -> OVER                  a final answer, or none in time (other than INVITE)
 *   ASKED -> ACCEPTED -> OVER      INVITE and 2xx, until the ACK or for 32 s (timer L)
 *   ASKED -> REFUSED -> OVER       INVITE and 300 or above (timer H)
 *
 * As all transports are reliable, COMPLETED of other requests and CONFIRMED last no time (timers I
 * and J), and only the 2xx to INVITE is repeated (RFC 3261 section 13.3.1.4).
 */
#include "server_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) {XF_UA_SERVER_##in, XF_UA_SERVER_ON_##on, XF_UA_SERVER_##to, XF_MACHINE_ACTION(struct xf_ua_server, action)}
#define ANY(on, to, action) {XF_MACHINE_ANY, XF_UA_SERVER_ON_##on, XF_UA_SERVER_##to, XF_MACHINE_ACTION(struct xf_ua_server, action)}

static const struct xf_machine_row rows[] = {
    /*  in state  on event to        and do */
    ROW(ASKED,    FINAL,   OVER,     xf_ua_server_over),
    ROW(ASKED,    ACCEPT,  ACCEPTED, xf_ua_server_accepted),
    ROW(ASKED,    REFUSE,  REFUSED,  xf_ua_server_refused),
    ROW(ASKED,    TIME,    OVER,     xf_ua_server_over_late),   /* no 408: RFC 4320 section 4.2 */
    ROW(ACCEPTED, REPEAT,  ACCEPTED, xf_ua_server_repeat),
    ROW(ACCEPTED, ACK,     OVER,     xf_ua_server_over_acked),
    ROW(ACCEPTED, TIME,    OVER,     xf_ua_server_over_unacked),
    ROW(REFUSED,  ACK,     OVER,     xf_ua_server_over_acked),
    ROW(REFUSED,  TIME,    OVER,     xf_ua_server_over_unacked),
    ANY(          CUT,     OVER,     xf_ua_server_over_cut),
};
/* clang-format on */

static const char *const state_names[] = {XF_UA_SERVER_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const event_names[] = {XF_UA_SERVER_EVENT_MAP(XF_MACHINE_TITLE)};

static void check(const void *self, bool has_acted)
{
    const struct xf_ua_server *server = self;
    bool awaits_ack =
        server->state == XF_UA_SERVER_ACCEPTED || server->state == XF_UA_SERVER_REFUSED;
    xf_require(!awaits_ack || server->method == XF_SIP_INVITE);
    xf_require(!awaits_ack || !has_acted || xf_timer_is_running(&server->end));
    xf_require(server->state != XF_UA_SERVER_ACCEPTED || server->answer.len);
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_ua_server *server = self;
    xf_ua_log_moved("server", xf_sip_method_text(server->method), from, on, to);
}

static void miss(void *self, unsigned event)
{
    struct xf_ua_server *server = self;
    (void)event;
    server->ua->counts.strays++; /* an ACK before our answer */
}

XF_MACHINE_RUN(struct xf_ua_server)

const struct xf_machine xf_ua_server_machine = {
    XF_MACHINE_TABLE,
    .name = "request of a peer",
    .state_at = offsetof(struct xf_ua_server, state),
    .first = XF_UA_SERVER_ASKED,
    .final = XF_UA_SERVER_OVER,
    .parting = XF_UA_SERVER_OVER,
    .log = log_move,
    .missing = miss,
    .check = check,
};
