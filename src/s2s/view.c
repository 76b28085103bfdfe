/* SPDX-License-Identifier: MIT */
/*
 * view.c — what an operator may see of the streams, and do to them. Both lists are in the order of
 * the streams' numbers, as each new stream goes to the end.
 */
#include <xfed/s2s/view.h>

#include <xfed/base/alloc.h>

#include "in_priv.h"
#include "out_priv.h"

static const char *const phases[XF_IN_PHASE_COUNT] = {
    [XF_IN_HEADER_DUE] = "HEADER_DUE",     [XF_IN_PLAIN] = "PLAIN",
    [XF_IN_PLAIN_PAIRED] = "PLAIN_PAIRED", [XF_IN_TLS] = "TLS",
    [XF_IN_TLS_PAIRED] = "TLS_PAIRED",     [XF_IN_AUTH] = "AUTH",
};

static struct xf_out *out_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_out, node);
}

static struct xf_in *in_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_in, node);
}

/* What can be said of the stream that carries the pair. */
static void view_stream(struct xf_stream_view *view, const struct xf_s2s *s2s,
                        const struct xf_stream *stream)
{
    const struct xf_conn *conn = stream->conn;
    if (!conn)
        return;
    xf_addr_text(&conn->addr, view->addr);
    view->tls = conn->tls ? conn->tls->version : "none";
    view->cipher = conn->tls ? conn->tls->cipher : NULL;
    view->stanzas_in = stream->stanzas_in;
    if (!conn->tls || !view->peer)
        return;
    struct xf_span peer = xf_span_of(view->peer);
    struct xf_verdict verdict = xf_verdict_of(conn->tls, xf_policy_peer(s2s->policy, peer), peer);
    view->cert = xf_verdict_word(&verdict);
}

static uint64_t idle_ms(const struct xf_s2s *s2s, const struct xf_carrier *carrier)
{
    return carrier->used_ms ? s2s->env->clock->now_ms - carrier->used_ms : 0;
}

static bool is_paused(const struct xf_gate *gate)
{
    return gate->paused_node.next || gate->held_node.next;
}

/* ------------------------------------------------------------------ our streams */

static void view_out(const struct xf_out *out, struct xf_stream_view *view)
{
    const struct xf_carrier *on = out->seat.on;
    *view = (struct xf_stream_view){
        .number = out->number,
        .dir = out->purpose == XF_OUT_VERIFY ? "verify" : "out",
        .local = out->local,
        .peer = out->peer,
        .state = out->machine->states[out->state],
        .is_ready = out->state == XF_OUT_READY,
        .auth = out->state == XF_OUT_READY ? xf_auth_method_word(out->method) : NULL,
        .via = xf_out_is_rider(out) ? on->ops->word : NULL,
        .is_bidi = out->is_bidi,
        .is_paused = is_paused(&out->gate),
        .age_ms = out->s2s->env->clock->now_ms - out->opened_ms,
        .idle_ms = on ? idle_ms(out->s2s, on) : 0,
        .stanzas_out = out->stanzas,
        .unproved = out->seat.sender.unproved,
    };
    if (on)
        view_stream(view, out->s2s, on->stream);
    else if (out->has_stream)
        view_stream(view, out->s2s, &out->stream);
}

/* ------------------------------------------------------------------ accepted streams */

static void view_in(const struct xf_in *in, const struct xf_pair *pair, struct xf_stream_view *view)
{
    *view = (struct xf_stream_view){
        .number = in->number,
        .dir = "in",
        .local = pair ? pair->local : in->local,
        .peer = pair ? pair->peer : in->peer,
        .state = phases[xf_in_phase_of(in)],
        .is_ready = pair && pair->method != XF_AUTH_NONE,
        .auth = pair && pair->method != XF_AUTH_NONE ? xf_auth_method_word(pair->method) : NULL,
        .is_bidi = in->is_bidi,
        .is_paused = is_paused(&in->gate),
        .age_ms = in->s2s->env->clock->now_ms - in->accepted_ms,
        .idle_ms = idle_ms(in->s2s, &in->carrier),
    };
    view_stream(view, in->s2s, &in->stream);
}

/* ------------------------------------------------------------------ all of them */

static size_t show_outs(struct xf_s2s *s2s, struct xf_s2s_view_at *at, size_t most,
                        xf_stream_view_fn show, void *owner)
{
    size_t shown = 0;
    XF_LIST_EACH (node, &s2s->outs) {
        const struct xf_out *out = out_of(node);
        struct xf_stream_view view;
        if (out->number <= at->number)
            continue;
        if (shown++ == most)
            break;
        view_out(out, &view);
        show(owner, &view);
        at->number = out->number;
    }
    return shown;
}

/* The pairs of a stream from at->pairs on, at most `most`. Returns how many were shown. */
static size_t show_in(const struct xf_in *in, struct xf_s2s_view_at *at, size_t most,
                      xf_stream_view_fn show, void *owner)
{
    struct xf_stream_view view;
    size_t place = 0, shown = 0;
    if (xf_list_is_empty(&in->pairs)) {
        view_in(in, NULL, &view);
        show(owner, &view);
        return 1;
    }
    XF_LIST_EACH (node, &in->pairs) {
        if (place++ < at->pairs)
            continue;
        if (shown == most) /* the next look goes on with this pair */
            return shown;
        view_in(in, xf_pair_of_node(node), &view);
        show(owner, &view);
        at->pairs++;
        shown++;
    }
    at->pairs = 0;
    return shown;
}

static bool show_ins(struct xf_s2s *s2s, struct xf_s2s_view_at *at, size_t most,
                     xf_stream_view_fn show, void *owner)
{
    size_t shown = 0;
    XF_LIST_EACH (node, &s2s->ins) {
        const struct xf_in *in = in_of(node);
        if (in->number < at->number || (in->number == at->number && at->pairs == 0))
            continue;
        if (shown == most)
            return true;
        if (in->number != at->number)
            at->pairs = 0; /* the one with pairs left has ended */
        at->number = in->number;
        shown += show_in(in, at, most - shown, show, owner);
        if (at->pairs > 0)
            return true;
    }
    return false;
}

bool xf_s2s_view(struct xf_s2s *s2s, struct xf_s2s_view_at *at, size_t most, xf_stream_view_fn show,
                 void *owner)
{
    if (at->is_in)
        return show_ins(s2s, at, most, show, owner);
    if (show_outs(s2s, at, most, show, owner) <= most)
        *at = (struct xf_s2s_view_at){.is_in = true};
    return true;
}

/* ------------------------------------------------------------------ acts */

/* A probe carries nothing yet. */
static bool close_out(struct xf_out *out)
{
    if (out->state == XF_OUT_ENDED || xf_out_is_probing(out))
        return false;
    xf_out_renew(out, "an operator closed the stream");
    return true;
}

size_t xf_s2s_close_peer(struct xf_s2s *s2s, struct xf_span peer)
{
    size_t closed = 0;
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = out_of(node);
        if (xf_span_eq(xf_span_of(out->peer), peer))
            closed += close_out(out);
    }
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = in_of(node);
        if (!xf_in_find_peer(in, peer))
            continue;
        xf_in_close(in);
        closed++;
    }
    return closed;
}

bool xf_s2s_close_stream(struct xf_s2s *s2s, uint64_t number)
{
    XF_LIST_EACH (node, &s2s->outs) {
        struct xf_out *out = out_of(node);
        if (out->number == number)
            return close_out(out);
    }
    XF_LIST_EACH (node, &s2s->ins) {
        struct xf_in *in = in_of(node);
        if (in->number != number)
            continue;
        xf_in_close(in);
        return true;
    }
    return false;
}

void xf_s2s_forgive(struct xf_s2s *s2s, struct xf_span peer)
{
    char *name = xf_span_dup(peer);
    xf_s2s_peer_reached(s2s, name);
    xf_free(name);
}
