/* SPDX-License-Identifier: MIT */
/*
 * carrier.c — a stream that our stanzas go out on, and the pairs that sit on it. This file knows
 * neither what kind of stream it is nor what its passengers are (carrier_priv.h).
 */
#include "carrier_priv.h"

#include "engine_priv.h"

void xf_carrier_init(struct xf_carrier *carrier, struct xf_s2s *s2s, struct xf_stream *stream,
                     const struct xf_carrier_ops *ops)
{
    *carrier = (struct xf_carrier){.ops = ops, .s2s = s2s, .stream = stream};
    xf_list_init(&carrier->passengers);
    xf_proof_init(&carrier->proof, stream, ops->proof, s2s->waiting);
}

void xf_carrier_fini(struct xf_carrier *carrier)
{
    xf_proof_fini(&carrier->proof);
}

enum xf_err xf_carrier_send(struct xf_carrier *carrier, struct xf_sender *sender,
                            const struct xf_stanza *stanza, struct xf_stanza_copy *copy)
{
    enum xf_err err = xf_stream_send_stanza(carrier->stream, stanza);
    if (err != XF_ERR_OK)
        return err;
    uint64_t now_ms = carrier->stream->env->clock->now_ms;
    carrier->used_ms = carrier->spoke_ms = now_ms;
    xf_proof_sent(&carrier->proof, sender, stanza, copy);
    return XF_ERR_OK;
}

void xf_carrier_sit(struct xf_carrier *carrier, struct xf_passenger *passenger)
{
    passenger->on = carrier;
    xf_list_push(&carrier->passengers, &passenger->node);
}

void xf_carrier_leave(struct xf_passenger *passenger)
{
    xf_list_remove(&passenger->node);
    passenger->on = NULL;
}

static struct xf_passenger *passenger_of(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_passenger, node);
}

/* The first passenger moves to the end. */
static struct xf_passenger *rotate(struct xf_carrier *carrier)
{
    struct xf_node *first = carrier->passengers.next;
    xf_list_remove(first);
    xf_list_push(&carrier->passengers, first);
    return passenger_of(first);
}

/* What a passenger does may end the stream, and then all leave. */
static void tell_all(struct xf_carrier *carrier, void (*tell)(struct xf_passenger *passenger))
{
    size_t count = 0;
    XF_LIST_EACH (node, &carrier->passengers)
        count++;
    while (count-- > 0 && !xf_list_is_empty(&carrier->passengers))
        tell(rotate(carrier));
}

static void tell_drained(struct xf_passenger *passenger)
{
    passenger->ops->drained(passenger);
}

/* One passenger more than are told moves to the end, so that each is told first in turn. */
void xf_carrier_drained(struct xf_carrier *carrier)
{
    tell_all(carrier, tell_drained);
    if (!xf_list_is_empty(&carrier->passengers))
        (void)rotate(carrier);
}

static void tell_judged(struct xf_passenger *passenger)
{
    passenger->ops->judged(passenger);
}

void xf_carrier_judged(struct xf_carrier *carrier)
{
    if (!carrier->ops->judged || carrier->ops->judged(carrier))
        tell_all(carrier, tell_judged);
}

void xf_carrier_ended(struct xf_carrier *carrier, enum xf_cause cause, const char *text)
{
    XF_LIST_EACH_SAFE (node, &carrier->passengers) {
        struct xf_passenger *passenger = passenger_of(node);
        passenger->ops->ended(passenger, cause, text);
    }
}

/* ------------------------------------------------------------------ keep-alive */

/* A third of its idle limit: two keep-alives may be lost before the peer ends the stream. */
static uint64_t peer_patience_ms(const struct xf_carrier *carrier)
{
    return carrier->limits.idle_ms / 3;
}

void xf_carrier_keep_alive(struct xf_carrier *carrier, uint64_t ping_ms)
{
    uint64_t now_ms = carrier->stream->env->clock->now_ms, patience_ms = peer_patience_ms(carrier);
    if (patience_ms && (!ping_ms || patience_ms < ping_ms))
        ping_ms = patience_ms;
    if (!ping_ms || now_ms - carrier->spoke_ms < ping_ms)
        return;
    xf_stream_send(carrier->stream, " "); /* RFC 6120 §4.6.1; if the peer is dead, TCP gives up */
    carrier->spoke_ms = now_ms;
}

uint64_t xf_carrier_tick_ms(const struct xf_carrier *carrier, uint64_t usual_ms)
{
    uint64_t patience_ms = peer_patience_ms(carrier);
    return patience_ms && patience_ms < usual_ms ? patience_ms : usual_ms;
}

/* ------------------------------------------------------------------ pairs of a peer */

void xf_carrier_offer_pair(struct xf_map *pairs, struct xf_span key, struct xf_carried_pair *pair)
{
    xf_map_set(pairs, key, pair);
}

bool xf_carrier_forget_pair(struct xf_map *pairs, struct xf_span key,
                            const struct xf_carried_pair *pair)
{
    bool was_offered = xf_map_find(pairs, key) == pair;
    if (was_offered)
        xf_map_remove(pairs, key);
    return was_offered;
}
