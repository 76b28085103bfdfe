/* SPDX-License-Identifier: MIT */
/*
 * client_states.c — the states of a request of ours, as a table to be read aloud.
 *
 *   WAITING -> CALLING -> PROCEEDING -> OVER       any method; PROCEEDING may be left out
 *              CALLING, PROCEEDING -> ACCEPTED     INVITE and 2xx (RFC 6026), for 32 s
 *
 * As all transports are reliable, nothing is sent again, and COMPLETED of RFC 3261 lasts no time:
 * timers A, D, E and K are 0 or not used. An answer for which the state has no row is dropped.
 */
#include "client_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) {XF_UA_CLIENT_##in, XF_UA_CLIENT_ON_##on, XF_UA_CLIENT_##to, XF_MACHINE_ACTION(struct xf_ua_client, action)}
#define ANY(on, to, action) {XF_MACHINE_ANY, XF_UA_CLIENT_ON_##on, XF_UA_CLIENT_##to, XF_MACHINE_ACTION(struct xf_ua_client, action)}

static const struct xf_machine_row rows[] = {
    /*  in state    on event     go to       and do */
    ROW(WAITING,    SENT,        CALLING,    NULL),
    ROW(CALLING,    PROVISIONAL, PROCEEDING, xf_ua_client_proceed),
    ROW(CALLING,    ACCEPT,      ACCEPTED,   xf_ua_client_accept),
    ROW(CALLING,    FINAL,       OVER,       xf_ua_client_finish),
    ROW(PROCEEDING, PROVISIONAL, PROCEEDING, xf_ua_client_tell_progress), /* any number: no timer begins again */
    ROW(PROCEEDING, ACCEPT,      ACCEPTED,   xf_ua_client_accept),
    ROW(PROCEEDING, FINAL,       OVER,       xf_ua_client_finish),
    ROW(ACCEPTED,   ACCEPT,      ACCEPTED,   xf_ua_client_again),         /* repeated, or of another branch */
    ANY(            NO_ANSWER,   OVER,       xf_ua_client_give_up),
};
/* clang-format on */

static const char *const state_names[] = {XF_UA_CLIENT_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const event_names[] = {XF_UA_CLIENT_EVENT_MAP(XF_MACHINE_TITLE)};

static void check(const void *self, bool has_acted)
{
    const struct xf_ua_client *client = self;
    switch (client->state) {
    case XF_UA_CLIENT_WAITING:
        xf_require(!client->flow);
        return;
    case XF_UA_CLIENT_CALLING:
    case XF_UA_CLIENT_PROCEEDING:
        xf_require(client->flow && client->hop);
        return;
    case XF_UA_CLIENT_ACCEPTED:
        xf_require(client->method == XF_SIP_INVITE);
        xf_require(!has_acted || (client->is_told && !client->hop));
        return;
    case XF_UA_CLIENT_OVER:
    case XF_UA_CLIENT_STATE_COUNT:
        return;
    }
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_ua_client *client = self;
    xf_ua_log_moved("client", xf_sip_method_text(client->method), from, on, to);
}

static void miss(void *self, unsigned event)
{
    struct xf_ua_client *client = self;
    (void)event;
    client->ua->counts.strays++;
}

XF_MACHINE_RUN(struct xf_ua_client)

const struct xf_machine xf_ua_client_machine = {
    XF_MACHINE_TABLE,
    .name = "request of ours",
    .state_at = offsetof(struct xf_ua_client, state),
    .first = XF_UA_CLIENT_WAITING,
    .final = XF_UA_CLIENT_OVER,
    .parting = XF_UA_CLIENT_OVER,
    .log = log_move,
    .missing = miss,
    .check = check,
};
