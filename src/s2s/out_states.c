/* SPDX-License-Identifier: MIT */
/*
 * out_states.c — the states of an outgoing stream, as a table to be read aloud.
 *
 *   IDLE -> RESOLVING -> DIALING -> PLAIN_HEADER -> PLAIN_FEATURES -> PLAIN_PROCEED -> HANDSHAKE
 *        -> TLS_HEADER -> TLS_FEATURES -> TLS_SASL -> AUTH_HEADER -> AUTH_FEATURES -> READY
 *                                      -> TLS_DIALBACK ------------------------------> READY
 *   IDLE -> BOARDING -> READY            a rider on a stream that proved the pair already
 *                                        (out_rider.c)
 *   IDLE -> ASKING   -> READY            a rider that asks by db:result on a stream of ours
 *   AUTH_FEATURES -> RESUMING -> READY   the stream resumes a broken one (XEP-0198)
 *   IDLE -> AWAITING -> BOARDING         the peer may resume its broken stream, and carry the pair;
 *                                        if not, an older one of it may
 *
 * The name of a state says which pass it is in (plain, TLS, authenticated). Only OFFER_DIALBACK
 * leads to PLAIN_DIALBACK; it is fired only where the peer's settings allow a stream in clear, and
 * xf_out_become_ready checks that again (xf_auth_refusal). A verify stream goes the same way as far
 * as the features and leaves it by OFFER_VERIFY: it needs no authentication, but the same TLS. From
 * any state: NEXT (the conn failed, another candidate is left), CLEAR (TLS failed with all
 * candidates, once more without it where tls = optional) and END.
 */
#include "out_priv.h"

/* clang-format off */
#define ROW(in, on, to, action) {XF_OUT_##in, XF_OUT_ON_##on, XF_OUT_##to, XF_MACHINE_ACTION(struct xf_out, action)}
#define ANY(on, to, action) {XF_MACHINE_ANY, XF_OUT_ON_##on, XF_OUT_##to, XF_MACHINE_ACTION(struct xf_out, action)}

static const struct xf_machine_row rows[] = {
    /*  in state        on event        go to           and do */
    ROW(IDLE,           OPEN,           RESOLVING,      xf_out_resolve),
    ROW(IDLE,           CARRIED,        BOARDING,       xf_out_board),           /* XEP-0288 */
    ROW(BOARDING,       BOARDED,        READY,          xf_out_become_rider),
    ROW(BOARDING,       OPEN,           RESOLVING,      xf_out_resolve),         /* the carrier ended */
    ROW(IDLE,           AWAIT,          AWAITING,       xf_out_await),           /* XEP-0198 §5 */
    ROW(AWAITING,       CARRIED,        BOARDING,       xf_out_board),           /* it did not; another one carries it */
    ROW(AWAITING,       OPEN,           RESOLVING,      xf_out_resolve),         /* the peer did not resume it */
    ROW(IDLE,           OFFER_SHARE,    ASKING,         xf_out_ask_carrier),     /* XEP-0220 §2.6.1 */
    ROW(ASKING,         DIALBACK_OK,    READY,          xf_out_become_rider),
    ROW(ASKING,         OPEN,           RESOLVING,      xf_out_resolve),         /* refused: own stream */
    ROW(RESOLVING,      FOUND,          DIALING,        NULL),                   /* the dial has begun */
    ROW(DIALING,        TCP_UP,         PLAIN_HEADER,   xf_out_send_header),
    ROW(DIALING,        DIRECT_UP,      HANDSHAKE,      xf_out_start_tls),       /* XEP-0368 */
    ROW(PLAIN_HEADER,   HEADER,         PLAIN_FEATURES, NULL),
    ROW(PLAIN_HEADER,   OFFER_DIALBACK, PLAIN_DIALBACK, xf_out_send_dialback),   /* pre-1.0: no features */
    ROW(PLAIN_HEADER,   OFFER_VERIFY,   READY,          xf_out_become_ready),
    ROW(PLAIN_FEATURES, OFFER_TLS,      PLAIN_PROCEED,  xf_out_send_starttls),
    ROW(PLAIN_FEATURES, OFFER_DIALBACK, PLAIN_DIALBACK, xf_out_send_dialback),
    ROW(PLAIN_FEATURES, OFFER_VERIFY,   READY,          xf_out_become_ready),
    ROW(PLAIN_PROCEED,  PROCEED,        HANDSHAKE,      xf_out_start_tls),
    ROW(PLAIN_DIALBACK, DIALBACK_OK,    READY,          xf_out_become_ready),
    ROW(HANDSHAKE,      TLS_UP,         TLS_HEADER,     xf_out_send_header),     /* RFC 6120 §5.4.3.3 */
    ROW(TLS_HEADER,     HEADER,         TLS_FEATURES,   NULL),
    ROW(TLS_HEADER,     OFFER_DIALBACK, TLS_DIALBACK,   xf_out_send_dialback),
    ROW(TLS_HEADER,     OFFER_VERIFY,   READY,          xf_out_become_ready),
    ROW(TLS_FEATURES,   OFFER_SASL,     TLS_SASL,       xf_out_send_external),   /* XEP-0178 */
    ROW(TLS_FEATURES,   OFFER_DIALBACK, TLS_DIALBACK,   xf_out_send_dialback),   /* XEP-0220 §2.1 */
    ROW(TLS_FEATURES,   OFFER_VERIFY,   READY,          xf_out_become_ready),
    ROW(TLS_SASL,       SASL_OK,        AUTH_HEADER,    xf_out_restart),         /* RFC 6120 §6.4.6 */
    ROW(TLS_SASL,       OFFER_DIALBACK, TLS_DIALBACK,   xf_out_send_dialback),   /* EXTERNAL was refused */
    ROW(TLS_DIALBACK,   DIALBACK_OK,    READY,          xf_out_become_ready),
    ROW(AUTH_HEADER,    HEADER,         AUTH_FEATURES,  NULL),
    ROW(AUTH_FEATURES,  FEATURES,       READY,          xf_out_become_ready),
    ROW(AUTH_FEATURES,  OFFER_RESUME,   RESUMING,       xf_out_send_resume),     /* XEP-0198 §5 */
    ROW(RESUMING,       RESUME_OVER,    READY,          xf_out_become_ready),
    ANY(                NEXT,           DIALING,        xf_out_try_next),        /* another candidate */
    ANY(                CLEAR,          RESOLVING,      xf_out_resolve),         /* tls = optional */
    ANY(                END,            ENDED,          xf_out_say_ended),       /* for good */
};
/* clang-format on */

static const char *const state_names[] = {XF_OUT_STATE_MAP(XF_MACHINE_TITLE)};
static const char *const event_names[] = {XF_OUT_EVENT_MAP(XF_MACHINE_TITLE)};

/* ------------------------------------------------------------------ invariants */

/* There is a conn to one of the addresses, with TLS exactly where the name of the state says so. */
static void check_negotiating(const struct xf_out *out)
{
    xf_require(out->has_stream && out->stream.conn && out->dial);
    xf_require(!out->seat.on && !out->discovery && !out->was_ready);
    if (out->state >= XF_OUT_TLS_HEADER && out->state <= XF_OUT_RESUMING)
        xf_require(out->stream.conn->tls);
    if (out->state < XF_OUT_HANDSHAKE)
        xf_require(!out->stream.conn->tls);
    if (out->state == XF_OUT_AUTH_HEADER || out->state == XF_OUT_AUTH_FEATURES)
        xf_require(out->method == XF_AUTH_EXTERNAL);
}

static void check_rider(const struct xf_out *out)
{
    xf_require(xf_out_is_rider(out) && out->purpose != XF_OUT_VERIFY);
    xf_require(!out->has_stream && !out->discovery && !out->dial);
}

static void check_ready(const struct xf_out *out, bool has_acted)
{
    bool rides = xf_out_is_rider(out);
    xf_require(rides != (out->has_stream && out->stream.conn));
    xf_require(xf_out_authenticates(out) == (out->method != XF_AUTH_NONE));
    xf_require(!has_acted || (out->was_ready && out->seat.on));
}

static void check(const void *self, bool has_acted)
{
    const struct xf_out *out = self;
    switch (out->state) {
    case XF_OUT_IDLE:
        return;
    case XF_OUT_AWAITING:
        xf_require(!out->has_stream && !out->seat.on && !out->discovery && !out->dial);
        return;
    case XF_OUT_BOARDING:
    case XF_OUT_ASKING:
        check_rider(out);
        return;
    case XF_OUT_RESOLVING:
        xf_require(!out->seat.on && !out->dial && (out->discovery != NULL) == has_acted);
        return;
    case XF_OUT_DIALING:
        xf_require(!out->seat.on && !out->discovery && out->dial);
        return;
    case XF_OUT_READY:
        check_ready(out, has_acted);
        return;
    case XF_OUT_ENDED:
        xf_require(out->cause != XF_CAUSE_NONE);
        xf_require(!has_acted || (!out->seat.on && !out->discovery && !out->dial));
        return;
    default:
        check_negotiating(out);
    }
}

/* ------------------------------------------------------------------ the machine */

XF_MACHINE_RUN(struct xf_out)

static const char *purpose_word(const struct xf_out *out)
{
    if (out->purpose == XF_OUT_VERIFY)
        return "verify";
    if (out->purpose == XF_OUT_LOOK)
        return "look";
    return out->purpose == XF_OUT_CHECK ? "check" : "delivery";
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_out *out = self;
    xf_log(XF_LOG_DEBUG, "s2s.state.moved", XF_STR("local", out->local), XF_STR("peer", out->peer),
           XF_WORD("for", purpose_word(out)), XF_WORD("from", from), XF_WORD("on", on),
           XF_WORD("to", to), XF_INT("stream", out->number));
}

static void give_up(void *self, unsigned event)
{
    (void)event;
    xf_out_give_up(self, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR, XF_STREAM_ERROR_BAD_FORMAT,
                   "the peer's answer is out of order");
}

const struct xf_machine xf_out_machine = {
    XF_MACHINE_TABLE,     .name = "outgoing stream", .state_at = offsetof(struct xf_out, state),
    .first = XF_OUT_IDLE, .final = XF_OUT_ENDED,     .parting = XF_MACHINE_NONE,
    .log = log_move,      .missing = give_up,        .check = check,
};
