/* SPDX-License-Identifier: MIT */
/*
 * leg_ping.c — proves by pings what went out on a leg (xfed/stream/proof.h).
 *
 * No driver's protocol has acknowledgements. But a server handles the stanzas of a stream in order,
 * so the answer to a ping (XEP-0199), result or error, proves what went before it. The ping goes to
 * the domain of the stanza that was sent last, so that it takes the same way through the server. It
 * comes from the component's own name, to which the server may send the answer over any leg of the
 * link.
 *
 * Only a part of the server may be silent, such as a chat service that hangs, and the stream is
 * that of all users. So after DOUBT_MS the ping is repeated to our own name: a server that works
 * brings it back to us, and so proves that it has read what went before. If that is not answered
 * either, the stream ends. From then on the server must answer a ping before its silence counts
 * again: else one that has stopped answering would lose each new stream and get the same stanzas,
 * without end.
 */
#include "leg_priv.h"

#include <xfed/base/help.h>
#include <xfed/base/map.h>
#include <xfed/stream/ping_id.h>
#include <xfed/xmpp/ns.h>

#define PREFIX       "xfedd-link-"
#define DOUBT_MS     8000        /* leaves time for an answer before HUNG_MS (choose_leg.c) */
#define PART_LEAST   (64u << 10) /* of hold-bytes, for a leg that is one of few */
#define CROWD_PARTS  8           /* of what may wait, for a leg that is one of many */
#define CROWDED_SIZE (4u << 10)  /* ... when all of them together have used up theirs */

static struct xf_leg *leg_of(const struct xf_proof *proof)
{
    return XF_CONTAINER((struct xf_proof *)(uintptr_t)proof, struct xf_leg, proof);
}

size_t xf_leg_window(const struct xf_leg *leg)
{
    size_t half = leg->settings->hold_bytes / 2;
    if (leg->settings->per_peer && leg->common->unproved->bytes > half)
        return CROWDED_SIZE;
    size_t part = half / (leg->settings->per_peer ? CROWD_PARTS : leg->parts);
    return part > PART_LEAST ? part : PART_LEAST;
}

/* ------------------------------------------------------------------ questions */

static struct xf_span own_name(const struct xf_leg *leg)
{
    return xf_span_of(leg->driver->ping_name ? leg->driver->ping_name(leg) : leg->name);
}

static bool ping(struct xf_leg *leg, struct xf_span to, unsigned number)
{
    char id[XF_PING_ID_BYTES];
    struct xf_span name = own_name(leg);
    const char *key = xf_ping_key(leg->env, leg->common->pinged, leg->ping_key, leg);
    xf_ping_id_write(id, PREFIX, key, number);
    const struct xf_stanza stanza = {
        .kind = XF_STANZA_IQ,
        .from = {.full = name, .domain = name},
        .to = {.full = to, .domain = to},
        .type = XF_SPAN("get"),
        .id = xf_span_of(id),
        .payload = XF_SPAN("<ping xmlns='" XF_NS_PING "'/>"),
    };
    return leg->driver->send(leg, &stanza) == XF_ERR_OK;
}

static void doubt_later(struct xf_leg *leg, uint64_t silence_ms)
{
    if (leg->is_sure && !xf_timer_is_running(&leg->doubt))
        xf_timer_start(leg->env->timers, &leg->doubt, DOUBT_MS - silence_ms);
}

/* Repeat the last question to our own name. */
static void on_doubt(void *owner)
{
    struct xf_leg *leg = owner;
    uint64_t silence_ms = xf_proof_silence_ms(&leg->proof);
    if (leg->proof.ask_count == 0)
        return;
    if (silence_ms < DOUBT_MS)
        doubt_later(leg, silence_ms);
    else
        (void)ping(leg, own_name(leg), leg->proof.last_number);
}

static bool ask(struct xf_proof *proof, unsigned number)
{
    struct xf_leg *leg = leg_of(proof);
    struct xf_stanza last;
    if (leg->state != XF_LEG_UP)
        return false;
    xf_stanza_copy_read(xf_stanza_queue_back(&proof->sent), &last);
    if (!ping(leg, last.to.domain, number))
        return false;
    doubt_later(leg, 0);
    return true;
}

/* The answer may wait on another leg of the component, but these are paused together. */
static bool is_held_up(const struct xf_proof *proof)
{
    return xf_stream_is_stopped(proof->stream);
}

static void on_unanswered(struct xf_proof *proof)
{
    struct xf_leg *leg = leg_of(proof);
    char node[XF_ADDR_TEXT_BYTES];
    xf_addr_text(&leg->addrs[leg->addr_at], node);
    leg->is_sure = false;
    xf_log(XF_LOG_INFO, "link.ping.unanswered", XF_STR("link", leg->settings->title),
           XF_STR("node", node), XF_STR("name", leg->name), XF_HELP(XF_HELP_LINK_NO_PONG));
}

static bool on_dead(struct xf_proof *proof)
{
    xf_leg_give_up_silent(leg_of(proof));
    return true;
}

static void on_relieved(struct xf_proof *proof)
{
    struct xf_leg *leg = leg_of(proof);
    leg->is_full = false;
    if (leg->state == XF_LEG_UP)
        xf_leg_drained(leg);
}

static const struct xf_proof_ops ops = {
    .ask = ask,
    .is_held_up = is_held_up,
    .unanswered = on_unanswered,
    .dead = on_dead,
    .relieved = on_relieved,
};

/* ------------------------------------------------------------------ answers */

static void note_pace(struct xf_leg *leg)
{
    bool is_new = leg->proof.proved_count >= leg->stop_number;
    if (is_new && leg->proof.took_ms > leg->slowest_ms)
        leg->slowest_ms = leg->proof.took_ms;
}

/* The link's name, or one below it: that of a default route, of this stream or an earlier one. */
static bool is_ping_name(const struct xf_leg *leg, struct xf_span name)
{
    struct xf_span own = xf_span_of(leg->name);
    return xf_span_eq(name, own) ||
           (xf_span_ends_with(name, own) && name.ptr[name.len - own.len - 1] == '.');
}

bool xf_leg_answered(struct xf_leg *leg, struct xf_span asker_name, struct xf_span id_text)
{
    struct xf_ping_id id;
    if (!xf_ping_id_read(id_text, PREFIX, &id))
        return false;
    struct xf_leg *asker = xf_map_find(leg->common->pinged, id.key);
    if (!asker) /* too late: its stream has ended. Or a peer's request has an id of this form */
        return is_ping_name(leg, asker_name);
    asker->is_sure = true;
    if (xf_proof_answered(&asker->proof, id.number))
        note_pace(asker);
    xf_leg_look_at_drain(asker);
    return true;
}

/*
 * A ping to our own name comes to us itself, or to another gateway that shares the name: one more
 * answer would need a ping again.
 */
static bool is_own_ping(const struct xf_leg *leg, const struct xf_stanza *stanza)
{
    return xf_span_is(stanza->type, "get") && xf_span_eq(stanza->raw_from, stanza->raw_to) &&
           is_ping_name(leg, stanza->raw_to);
}

bool xf_leg_takes_answer(struct xf_leg *leg, const struct xf_stanza *stanza)
{
    return stanza->kind == XF_STANZA_IQ &&
           (xf_span_is(stanza->type, "result") || xf_span_is(stanza->type, "error") ||
            is_own_ping(leg, stanza)) &&
           xf_leg_answered(leg, stanza->raw_to, stanza->id);
}

/* ------------------------------------------------------------------ life */

void xf_leg_init_ping(struct xf_leg *leg)
{
    xf_timer_init(&leg->doubt, on_doubt, leg);
}

void xf_leg_give_up_silent(struct xf_leg *leg)
{
    leg->is_sure = false;
    xf_leg_give_up(leg, "unanswered", XF_HELP_LINK_STUCK, "the server does not answer pings");
}

void xf_leg_begin_proof(struct xf_leg *leg)
{
    bool pings = leg->settings->ack != XF_ACK_NONE;
    leg->ping_key[0] = '\0';
    leg->stop_number = leg->slowest_ms = 0;
    /* without pings only what is unsent is kept, which the output of the conn bounds */
    xf_proof_init(&leg->proof, &leg->stream, &ops, pings ? leg->common->unproved : NULL);
    xf_proof_by(&leg->proof, pings ? XF_PROOF_PING : XF_PROOF_NONE, leg->is_sure);
}

/*
 * A server that ended the stream may have had no time for what it read last. One that answered our
 * own end has read all of it.
 */
void xf_leg_end_proof(struct xf_leg *leg)
{
    xf_ping_key_forget(leg->common->pinged, leg->ping_key);
    xf_proof_closed(&leg->proof, !leg->is_wanted && xf_stream_ended_cleanly(&leg->stream));
    xf_proof_fini(&leg->proof);
}
