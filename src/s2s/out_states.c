/* SPDX-License-Identifier: MIT */
/*
 * out_states.c — the states of an outgoing stream, as a table to be read aloud.
 *
 *   IDLE -> RESOLVING -> DIALING -> PLAIN_HEADER -> PLAIN_FEATURES -> PLAIN_PROCEED -> HANDSHAKE
 *        -> TLS_HEADER -> TLS_FEATURES -> TLS_SASL -> AUTH_HEADER -> AUTH_FEATURES -> READY
 *                                      -> TLS_DIALBACK ------------------------------> READY
 *   IDLE -> BOARDING -> READY            a rider on a stream that proved the pair already
 *                                        (carrier.c)
 *   IDLE -> ASKING   -> READY            a rider that asks by db:result on a stream of ours
 *
 * A state's name carries the pass it is in (plain, TLS, authenticated). PLAIN_DIALBACK is reached
 * only by OFFER_DIALBACK, which is given only where the settings of the peer allow a stream in
 * clear, and xf_out_become_ready asks again (xf_auth_refusal). Verify streams take the same way up
 * to the features and leave it by OFFER_VERIFY: they need no authentication, but the same TLS.
 * NEXT: the conn came to nothing, another candidate is left. CLEAR: TLS came to nothing with all of
 * them, once more without (tls = optional). END: from everywhere, for good.
 */
#include "s2s_priv.h"

struct edge {
    enum xf_out_state in;
    enum xf_out_event on;
    enum xf_out_state to;
    void (*action)(struct xf_out *out);
};

/* clang-format off */
#define EDGE(in, on, to, action) {XF_OUT_##in, XF_OUT_ON_##on, XF_OUT_##to, xf_out_##action}
/* clang-format on */

/* clang-format off */
static const struct edge edges[] = {
    /*   in state        on event        go to           and do           */
    EDGE(IDLE,           OPEN,           RESOLVING,      resolve),
    EDGE(IDLE,           CARRIED,        BOARDING,       board),           /* XEP-0288                  */
    EDGE(BOARDING,       BOARDED,        READY,          become_rider),
    EDGE(BOARDING,       OPEN,           RESOLVING,      resolve),         /* the carrier ended         */
    EDGE(IDLE,           OFFER_SHARE,    ASKING,         ask_carrier),     /* XEP-0220 §2.6.1           */
    EDGE(ASKING,         DIALBACK_OK,    READY,          become_rider),
    EDGE(ASKING,         OPEN,           RESOLVING,      resolve),         /* refused: alone            */
    EDGE(RESOLVING,      FOUND,          DIALING,        dial),
    EDGE(DIALING,        TCP_UP,         PLAIN_HEADER,   send_header),
    EDGE(DIALING,        DIRECT_UP,      HANDSHAKE,      direct_tls),      /* XEP-0368                  */
    EDGE(PLAIN_HEADER,   HEADER,         PLAIN_FEATURES, no_action),
    EDGE(PLAIN_HEADER,   OFFER_DIALBACK, PLAIN_DIALBACK, send_dialback),   /* pre-1.0: no features      */
    EDGE(PLAIN_HEADER,   OFFER_VERIFY,   READY,          become_ready),
    EDGE(PLAIN_FEATURES, OFFER_TLS,      PLAIN_PROCEED,  send_starttls),
    EDGE(PLAIN_FEATURES, OFFER_DIALBACK, PLAIN_DIALBACK, send_dialback),
    EDGE(PLAIN_FEATURES, OFFER_VERIFY,   READY,          become_ready),
    EDGE(PLAIN_PROCEED,  PROCEED,        HANDSHAKE,      start_tls),
    EDGE(PLAIN_DIALBACK, DIALBACK_OK,    READY,          become_ready),
    EDGE(HANDSHAKE,      TLS_UP,         TLS_HEADER,     send_header),     /* RFC 6120 §5.4.3.3         */
    EDGE(TLS_HEADER,     HEADER,         TLS_FEATURES,   no_action),
    EDGE(TLS_HEADER,     OFFER_DIALBACK, TLS_DIALBACK,   send_dialback),
    EDGE(TLS_HEADER,     OFFER_VERIFY,   READY,          become_ready),
    EDGE(TLS_FEATURES,   OFFER_SASL,     TLS_SASL,       send_external),   /* XEP-0178                  */
    EDGE(TLS_FEATURES,   OFFER_DIALBACK, TLS_DIALBACK,   send_dialback),   /* XEP-0220 §2.1             */
    EDGE(TLS_FEATURES,   OFFER_VERIFY,   READY,          become_ready),
    EDGE(TLS_SASL,       SASL_OK,        AUTH_HEADER,    restart),         /* RFC 6120 §6.4.6           */
    EDGE(TLS_SASL,       OFFER_DIALBACK, TLS_DIALBACK,   send_dialback),   /* EXTERNAL was refused      */
    EDGE(TLS_DIALBACK,   DIALBACK_OK,    READY,          become_ready),
    EDGE(AUTH_HEADER,    HEADER,         AUTH_FEATURES,  no_action),
    EDGE(AUTH_FEATURES,  FEATURES,       READY,          become_ready),
};
/* clang-format on */

static const char *const state_names[] = {
#define X(name) #name,
    XF_OUT_STATE_MAP(X)
#undef X
};

static const char *const event_names[] = {
#define X(name) #name,
    XF_OUT_EVENT_MAP(X)
#undef X
};

const char *xf_out_state_name(enum xf_out_state state)
{
    return state_names[state];
}

static const struct edge *find_edge(enum xf_out_state state, enum xf_out_event event)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(edges); i++)
        if (edges[i].in == state && edges[i].on == event)
            return &edges[i];
    return NULL;
}

enum xf_out_state xf_out_next_state(enum xf_out_state state, enum xf_out_event event)
{
    const struct edge *edge = find_edge(state, event);
    return edge ? edge->to : XF_OUT_STATE_COUNT;
}

/* The only writer of out->state. */
static void move(struct xf_out *out, enum xf_out_event event, enum xf_out_state to)
{
    xf_log(XF_LOG_DEBUG, "s2s.state.moved", XF_STR("local", out->local), XF_STR("peer", out->peer),
           XF_WORD("for", out->verify ? "verify" : "delivery"),
           XF_WORD("from", state_names[out->state]), XF_WORD("on", event_names[event]),
           XF_WORD("to", state_names[to]));
    out->state = to;
}

void xf_out_fire(struct xf_out *out, enum xf_out_event event)
{
    if (out->state == XF_OUT_ENDED)
        return;
    if (event == XF_OUT_ON_END) {
        move(out, event, XF_OUT_ENDED);
        xf_out_say_ended(out);
        return;
    }
    if (event == XF_OUT_ON_NEXT) {
        move(out, event, XF_OUT_DIALING);
        xf_out_try_next(out);
        return;
    }
    if (event == XF_OUT_ON_CLEAR) {
        move(out, event, XF_OUT_RESOLVING);
        xf_out_resolve(out);
        return;
    }
    const struct edge *edge = find_edge(out->state, event);
    if (!edge) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_BAD_FORMAT,
                       "the peer's answer is out of order");
        return;
    }
    move(out, event, edge->to);
    edge->action(out);
}
