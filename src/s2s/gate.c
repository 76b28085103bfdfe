/* SPDX-License-Identifier: MIT */
/*
 * gate.c — checks a stanza that a peer sent, on a stream that the peer opened or on one of ours
 * that goes both ways (RFC 6120 §8.1, XEP-0288).
 *
 * The rules are the same whoever opened the stream: the pair must be authenticated on this very
 * stream, both addresses must be there and be valid, and a full link stops the reading. What
 * differs between the two kinds of streams is in the gate's ops.
 *
 * An invalid address is the fault of one user, or a matter of what one server takes for valid; it
 * says nothing about the stream. The stanza is answered with jid-malformed where that does no harm
 * (routing/answer_peer.c), and the stream goes on, as long as the domain in `from` is authenticated
 * on it.
 *
 * A stream waits for two reasons, each by itself: the link has no room, or the peer has sent as
 * much as it may (limits/rate.h), stanzas or other elements. Either way it is held behind this very
 * stanza: with many peers, what was read of each at once would be more than a link can hold. On a
 * stream that is ending all that was read passes, for its peer waits for our footer; it only reads
 * no more while the link has no room.
 */
#include "engine_priv.h"
#include "gate_priv.h"

static const struct xf_gate_refusal not_authenticated = {
    XF_STREAM_ERROR_NOT_AUTHORIZED, XF_HELP_PROTOCOL_ERROR, "not-authenticated", NULL};
static const struct xf_gate_refusal from_not_authenticated = {
    XF_STREAM_ERROR_INVALID_FROM, XF_HELP_PROTOCOL_ERROR, "from-not-authenticated",
    "from is not a domain that this stream authenticated"};
static const struct xf_gate_refusal pair_not_authenticated = {
    XF_STREAM_ERROR_NOT_AUTHORIZED, XF_HELP_PROTOCOL_ERROR, "pair-not-authenticated",
    "this stream is not authenticated for the domain in to"};
static const struct xf_gate_refusal to_not_served = {XF_STREAM_ERROR_HOST_UNKNOWN,
                                                     XF_HELP_HOST_UNKNOWN, "to-not-served",
                                                     "to is not a domain that is served here"};
static const struct xf_gate_refusal no_address = {XF_STREAM_ERROR_IMPROPER_ADDRESSING,
                                                  XF_HELP_PROTOCOL_ERROR, "no-address",
                                                  "stanzas between servers need from and to"};
static const struct xf_gate_refusal from_malformed = {
    XF_STREAM_ERROR_INVALID_FROM, XF_HELP_PROTOCOL_ERROR, "jid-malformed", NULL};
/* It is answered, and the stream goes on. */
static const struct xf_gate_refusal jid_malformed = {XF_STREAM_ERROR_NONE, XF_HELP_NONE,
                                                     "jid-malformed", NULL};

static void refuse_pair(struct xf_gate *gate, struct xf_s2s *s2s, const struct xf_stanza *stanza)
{
    if (!gate->ops->local_of(gate, stanza->from.domain).ptr)
        gate->ops->refuse(gate, stanza, &from_not_authenticated);
    else if (!xf_policy_served(s2s->policy, stanza->to.domain))
        gate->ops->refuse(gate, stanza, &to_not_served);
    else
        gate->ops->refuse(gate, stanza, &pair_not_authenticated);
}

/* The peer may send again, or its stream is ending. */
static void on_rate(struct xf_rate_waiter *waiter)
{
    struct xf_gate *gate = XF_CONTAINER(waiter, struct xf_gate, rate);
    bool waits_for_link = xf_list_is_linked(&gate->paused_node);
    xf_list_remove(&gate->held_node);
    if (waits_for_link && !gate->stream->is_ending) {
        xf_stream_delay(gate->stream);
        return;
    }
    if (waits_for_link)
        xf_stream_pause(gate->stream, true);
    xf_stream_release(gate->stream);
}

void xf_gate_init(struct xf_gate *gate, const struct xf_gate_ops *ops, struct xf_stream *stream)
{
    *gate = (struct xf_gate){.ops = ops, .stream = stream, .rate = {.go_on = on_rate}};
}

/*
 * A stream that is ending does not wait for its rate: its peer waits for our footer, and what it
 * sent before still counts. The peer's next streams pay for it.
 */
static void take_rate(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_span peer, size_t bytes)
{
    bool may_wait = !gate->stream->is_ending && !xf_list_is_linked(&gate->held_node);
    if (!s2s->rates.is_on || xf_rates_take(&s2s->rates, peer, bytes, may_wait ? &gate->rate : NULL))
        return;
    s2s->counting.totals.rate_pauses++;
    xf_list_push(&s2s->held, &gate->held_node);
    xf_stream_hold(gate->stream);
}

static void count_rate(struct xf_gate *gate, struct xf_s2s *s2s, const struct xf_stanza *stanza)
{
    take_rate(gate, s2s, stanza->from.domain, stanza->wire_bytes);
}

/* A stream that is held already, such as for claims (in_dialback.c), has its own time to wait. */
void xf_gate_element(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_span peer, size_t bytes)
{
    if (gate->stream->next == XF_STREAM_NEXT_ELEMENT)
        take_rate(gate, s2s, peer, bytes);
}

static void wait_for_link(struct xf_gate *gate, struct xf_s2s *s2s)
{
    s2s->counting.totals.link_pauses++;
    xf_list_push(&s2s->paused, &gate->paused_node);
    if (gate->stream->is_ending)
        xf_stream_pause(gate->stream, true);
    else
        xf_stream_delay(gate->stream);
}

static struct xf_jid bare(struct xf_span domain)
{
    return (struct xf_jid){.full = domain, .domain = domain};
}

/*
 * RFC 6120 §8.3.3.8. `scratch` NULL: `from` is prepared, and `to` is invalid. Otherwise `from` is
 * invalid, and `scratch` is room to prepare `to`. False: as xf_gate_stanza.
 */
static bool malformed(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_stanza *stanza,
                      bool goes_on, char *scratch)
{
    char from[XF_DOMAIN_MAX + 1], to[XF_DOMAIN_MAX + 1];
    if (scratch) {
        stanza->from = xf_jid_named_domain(stanza->raw_from, from) == XF_ERR_OK
                           ? bare(xf_span_of(from))
                           : (struct xf_jid){0};
        stanza->shown_from = stanza->raw_from;
    }
    struct xf_span local =
        stanza->from.domain.len ? gate->ops->local_of(gate, stanza->from.domain) : XF_SPAN_NONE;
    if (!local.ptr) {
        gate->ops->refuse(gate, stanza, &from_malformed);
        return true;
    }
    if (!scratch || xf_jid_prepare(stanza->raw_to, scratch, &stanza->to) != XF_ERR_OK) {
        bool is_ours = xf_jid_named_domain(stanza->raw_to, to) == XF_ERR_OK &&
                       gate->ops->has_pair(gate, xf_span_of(to), stanza->from.domain);
        stanza->to = bare(is_ours ? xf_span_of(to) : local);
        stanza->shown_to = is_ours ? stanza->raw_to : XF_SPAN_NONE;
    }
    if (!gate->ops->has_pair(gate, stanza->to.domain, stanza->from.domain)) {
        refuse_pair(gate, s2s, stanza);
        return true;
    }
    gate->ops->refuse(gate, stanza, &jid_malformed);
    if (s2s->events->malformed(s2s->owner, stanza, goes_on) == XF_S2S_LEFT)
        return false;
    count_rate(gate, s2s, stanza);
    return true;
}

/*
 * What a lost connection had brought for a link without room passes before the stream is gone. If
 * the peer's rate was the reason to wait, it does not: a reset must not be worth a burst.
 */
void xf_gate_ending(struct xf_gate *gate, struct xf_s2s *s2s)
{
    bool is_held = xf_list_is_linked(&gate->held_node);
    if (!is_held && !xf_list_is_linked(&gate->paused_node))
        return;
    if (gate->stream->conn)
        xf_rates_hurry(&s2s->rates, &gate->rate);
    else if (!is_held)
        xf_stream_release(gate->stream);
}

bool xf_gate_stanza(struct xf_gate *gate, struct xf_s2s *s2s, struct xf_stanza *stanza,
                    bool goes_on)
{
    XF_UNINITIALIZED struct xf_stanza_scratch scratch;
    bool from_is_bad = false, is_due;
    if (!gate->ops->is_open(gate)) {
        gate->ops->refuse(gate, stanza, &not_authenticated);
        return true;
    }
    if (!stanza->raw_from.len || !stanza->raw_to.len) {
        gate->ops->refuse(gate, stanza, &no_address);
        return true;
    }
    if (__builtin_expect(xf_stanza_address(stanza, &scratch, &from_is_bad) != XF_ERR_OK, 0))
        return malformed(gate, s2s, stanza, goes_on, from_is_bad ? scratch.to : NULL);
    if (!gate->ops->has_pair(gate, stanza->to.domain, stanza->from.domain)) {
        refuse_pair(gate, s2s, stanza);
        return true;
    }
    if (__builtin_expect(stanza->kind == XF_STANZA_IQ, 0) &&
        xf_proving_takes(s2s, stanza, &is_due)) {
        if (!is_due) /* of those that we ask for there are few */
            count_rate(gate, s2s, stanza);
        return true;
    }
    xf_traffic_add(&gate->ops->counted(gate)->counts.in, stanza->kind, stanza->wire_bytes);
    const char *text = NULL;
    enum xf_s2s_taken taken = s2s->events->stanza(s2s->owner, stanza, goes_on, &text);
    if (__builtin_expect(taken == XF_S2S_LEFT, 0))
        return false;
    if (__builtin_expect(taken == XF_S2S_REFUSED, 0)) {
        gate->ops->refuse(gate, stanza,
                          &(struct xf_gate_refusal){XF_STREAM_ERROR_POLICY_VIOLATION,
                                                    XF_HELP_POLICY_DENIED, "policy", text});
    } else if (taken == XF_S2S_FULL && !xf_list_is_linked(&gate->paused_node)) {
        wait_for_link(gate, s2s);
    }
    count_rate(gate, s2s, stanza);
    return true;
}

void xf_gate_resume_all(struct xf_s2s *s2s)
{
    struct xf_node now;
    xf_list_take_all(&now, &s2s->paused);
    /* A stream that fills the link again waits again, until the next call. */
    while (!xf_list_is_empty(&now)) {
        struct xf_gate *gate = XF_CONTAINER(now.next, struct xf_gate, paused_node);
        xf_list_remove(&gate->paused_node);
        xf_stream_pause(gate->stream, false);
        if (!xf_list_is_linked(&gate->held_node))
            xf_stream_release(gate->stream);
    }
}

void xf_gate_fini(struct xf_gate *gate)
{
    xf_list_remove(&gate->paused_node);
    xf_list_remove(&gate->held_node);
    xf_rates_leave(&gate->rate);
}
