/* SPDX-License-Identifier: MIT */
/*
 * flow_states.c — the states of a conn, as a table to be read aloud.
 *
 *   accepted   BEGUN -> SECURING -> JUDGING -> OPEN      in clear: BEGUN -> OPEN
 *   ours       BEGUN -> CONNECTING -> SECURING -> OPEN   in clear: ... CONNECTING -> OPEN
 *
 * ADMIT is fired only where xf_flow_is_admitted said yes: there is no other way to OPEN, and only
 * in OPEN is anything read. A conn of ours is judged with the handshake, since we know who it is
 * for, and in JUDGING once more if there was a reload meanwhile; of an accepted one the certificate
 * must be seen first.
 */
#include "flow_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) {XF_FLOW_##in, XF_FLOW_ON_##on, XF_FLOW_##to, XF_MACHINE_ACTION(struct xf_flow, action)}
#define ANY(on, to, action) {XF_MACHINE_ANY, XF_FLOW_ON_##on, XF_FLOW_##to, XF_MACHINE_ACTION(struct xf_flow, action)}

static const struct xf_machine_row rows[] = {
    /*  in state    on event   go to       and do */
    ROW(BEGUN,      CONNECT,   CONNECTING, NULL),
    ROW(BEGUN,      SECURE,    SECURING,   xf_flow_start_tls),
    ROW(BEGUN,      ADMIT,     OPEN,       xf_flow_become_open),
    ROW(CONNECTING, SECURE,    SECURING,   xf_flow_start_tls),
    ROW(CONNECTING, ADMIT,     OPEN,       xf_flow_become_open),
    ROW(SECURING,   JUDGE,     JUDGING,    xf_flow_judge),
    ROW(SECURING,   ADMIT,     OPEN,       xf_flow_become_open),
    ROW(JUDGING,    ADMIT,     OPEN,       xf_flow_become_open),
    ANY(            END,       ENDING,     xf_flow_leave),
};
/* clang-format on */

static const char *const state_names[] = {XF_FLOW_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const event_names[] = {XF_FLOW_EVENT_MAP(XF_MACHINE_TITLE)};

static void check(const void *self, bool has_acted)
{
    const struct xf_flow *flow = self;
    if (flow->state == XF_FLOW_ENDING) {
        xf_require(!has_acted || !flow->hop);
        return;
    }
    xf_require(flow->conn);
    xf_require((flow->state != XF_FLOW_SECURING && flow->state != XF_FLOW_JUDGING) ||
               !flow->is_clear);
    xf_require(flow->state != XF_FLOW_JUDGING || flow->conn->tls);
    xf_require(flow->state != XF_FLOW_OPEN || flow->is_clear || flow->conn->tls);
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_flow *flow = self;
    xf_log(XF_LOG_DEBUG, "sip.conn.moved", XF_INT("conn", flow->number), XF_WORD("from", from),
           XF_WORD("on", on), XF_WORD("to", to));
}

XF_MACHINE_RUN(struct xf_flow)

const struct xf_machine xf_flow_machine = {
    XF_MACHINE_TABLE,       .name = "SIP conn",      .state_at = offsetof(struct xf_flow, state),
    .first = XF_FLOW_BEGUN, .final = XF_FLOW_ENDING, .parting = XF_MACHINE_NONE,
    .log = log_move,        .check = check,
};
