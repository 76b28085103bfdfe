/* SPDX-License-Identifier: MIT */
/*
 * proof.c — stanzas that went out on a stream, until they are proved.
 *
 * Questions are rare: one for a burst. The first stanza without one starts a timer of ASK_MS; a
 * sender of many bytes asks every ASK_BYTES as well, so that its stanzas do not pile up for a whole
 * round trip. An answer proves all stanzas that went out before its question.
 *
 * While it is not known whether the other side answers at all (is_sure), stanzas are kept in vain
 * perhaps. So they do not stop the sender, and they are kept for UNSURE_MS and up to UNSURE_BYTES
 * only, or as long as TCP has no acknowledgement for them. After ANSWER_MS without any answer only
 * TCP tells. A burst of many bytes looks at TCP every LOOK_BYTES: a copy that is forgotten while it
 * is in the processor's cache costs nothing there.
 */
#include <xfed/stream/proof.h>

#define ASK_MS        250
#define ASK_BYTES     (64u << 10)
#define ANSWER_MS     30000
#define LOOK_BYTES    (32u << 10)
#define UNSURE_BYTES  (128u << 10) /* kept without knowing whether an answer will come */
#define AGE_MS        120000       /* for how long a stanza is kept at most where answers come */
#define LOOK_AGAIN_MS 5000
#define STALL_MS      1000 /* a timer that is later tells that we stood still ourselves */
#define END_BYTES     100  /* at least as many as our footer and close_notify, as TLS sends them */
#define UNSURE_MS     2000 /* longer than a server that lives takes to read what it has */

static uint64_t now_ms(const struct xf_proof *proof)
{
    return proof->stream->env->clock->now_ms;
}

/* ------------------------------------------------------------------ what leaves the queue */

static struct xf_stanza_copy *take_out(struct xf_proof *proof, struct xf_stanza_copy *copy)
{
    struct xf_sender *sender = copy->sender;
    xf_stanza_queue_remove(&proof->sent, copy);
    sender->unproved.bytes -= copy->bytes;
    sender->unproved.count--;
    return copy;
}

static void tell_settled(struct xf_sender *sender)
{
    if (sender->unproved.count == 0)
        sender->settled(sender);
}

static void let_go(struct xf_proof *proof, struct xf_stanza_copy *copy)
{
    if (copy->journal_entry && copy->sender->proved)
        copy->sender->proved(copy->sender, copy);
    xf_stanza_arena_free(&proof->arena, copy);
}

static void forget_oldest(struct xf_proof *proof)
{
    struct xf_stanza_copy *copy = take_out(proof, xf_stanza_queue_front(&proof->sent));
    struct xf_sender *sender = copy->sender;
    proof->proved_count++;
    sender->has_proved = true;
    let_go(proof, copy);
    tell_settled(sender);
}

static void prove(struct xf_proof *proof, uint64_t count)
{
    while (proof->proved_count < count && !xf_stanza_queue_is_empty(&proof->sent))
        forget_oldest(proof);
}

/*
 * Nothing proves more than TCP: let go what the other side's TCP has acknowledged. It may not have
 * been read yet; what is younger than `age_ms` is kept therefore.
 */
static void forget_arrived(struct xf_proof *proof, uint64_t age_ms)
{
    uint64_t arrived = xf_stream_arrived(proof->stream), now = now_ms(proof);
    const struct xf_stanza_copy *oldest;
    while ((oldest = xf_stanza_queue_front(&proof->sent)) && oldest->end <= arrived &&
           now - oldest->sent_ms >= age_ms)
        forget_oldest(proof);
}

/* Let go the oldest ones up to that place in the stream, but as many as `bytes` are kept. */
static void forget_to(struct xf_proof *proof, uint64_t end, size_t bytes)
{
    const struct xf_stanza_copy *oldest;
    while (proof->sent.held.bytes > bytes && (oldest = xf_stanza_queue_front(&proof->sent)) &&
           oldest->end <= end)
        forget_oldest(proof);
}

/* As many as may be kept where a proof is not certain. */
static void forget_surplus(struct xf_proof *proof)
{
    if (proof->sent.held.bytes > proof->unsure_bytes)
        forget_to(proof, xf_stream_left(proof->stream), proof->unsure_bytes);
    if (proof->unlooked_bytes < LOOK_BYTES)
        return;
    proof->unlooked_bytes = 0;
    forget_to(proof, xf_stream_arrived(proof->stream),
              proof->by == XF_PROOF_NONE ? 0 : UNSURE_BYTES);
}

/* ------------------------------------------------------------------ questions */

static uint64_t asked_for(const struct xf_proof *proof)
{
    return proof->ask_count ? proof->asks[proof->ask_count - 1].covers : proof->proved_count;
}

static bool has_unasked(const struct xf_proof *proof)
{
    return !xf_stanza_queue_is_empty(&proof->sent) && asked_for(proof) < proof->sent_count;
}

static void ask(struct xf_proof *proof)
{
    if (proof->ask_count == XF_PROOF_ASKS || !proof->ops->ask(proof, proof->last_number + 1))
        return;
    proof->asks[proof->ask_count].number = ++proof->last_number;
    proof->asks[proof->ask_count].covers = proof->sent_count;
    proof->asks[proof->ask_count].at_ms = now_ms(proof);
    proof->ask_count++;
    proof->unasked_bytes = 0;
}

/* Each answer gives the other questions their full time again. */
static uint64_t waits_since_ms(const struct xf_proof *proof)
{
    uint64_t at_ms = proof->asks[0].at_ms;
    return at_ms > proof->answered_ms ? at_ms : proof->answered_ms;
}

/* When silence becomes too long. */
static uint64_t overdue_ms(const struct xf_proof *proof)
{
    return waits_since_ms(proof) + ANSWER_MS;
}

/* Is a proof of every stanza certain to come, or its loss to be noticed? */
static bool keeps_all(const struct xf_proof *proof)
{
    return proof->by != XF_PROOF_NONE && proof->is_sure;
}

static void arm(struct xf_proof *proof)
{
    uint64_t wait_ms = ASK_MS;
    bool is_empty = xf_stanza_queue_is_empty(&proof->sent);
    if (is_empty && !proof->ask_count) {
        xf_timer_stop(&proof->timer);
        return;
    }
    if ((keeps_all(proof) && !has_unasked(proof) && proof->ask_count) || is_empty) {
        uint64_t due_ms = overdue_ms(proof), now = now_ms(proof);
        wait_ms = due_ms > now ? due_ms - now : 0;
    }
    xf_timer_start(proof->stream->env->timers, &proof->timer, wait_ms);
}

static void drop_questions(struct xf_proof *proof, unsigned count)
{
    proof->ask_count -= count;
    memmove(proof->asks, proof->asks + count, proof->ask_count * sizeof(proof->asks[0]));
}

static void tell_relieved(struct xf_proof *proof)
{
    if (!proof->is_full)
        return;
    proof->is_full = false;
    proof->ops->relieved(proof);
}

/* An answer that proves nothing gives nobody more time. */
static void on_answer(struct xf_proof *proof, uint64_t proved)
{
    if (proved > proof->proved_count)
        proof->answered_ms = now_ms(proof);
    proof->is_sure = true;
    prove(proof, proved);
    if (xf_stanza_queue_is_empty(&proof->sent))
        proof->ask_count = 0;
    arm(proof);
    tell_relieved(proof);
}

/*
 * Has a stanza waited for so long that no answer counts any more? Otherwise somebody who proves one
 * stanza at a time could make us keep many.
 */
static bool is_stale(const struct xf_proof *proof)
{
    const struct xf_stanza_copy *oldest = xf_stanza_queue_front(&proof->sent);
    return keeps_all(proof) && oldest && now_ms(proof) - oldest->sent_ms >= AGE_MS;
}

/*
 * Did this process stand still (stopped, or its machine suspended) when the timer was due? Then the
 * answer may wait behind more than a conn reads in one turn of the loop.
 */
static bool has_stalled(const struct xf_proof *proof)
{
    return now_ms(proof) - proof->timer.at_ms >= STALL_MS;
}

/* True: the proof has ended, or knows now that nothing will be proved. */
static bool gives_up(struct xf_proof *proof)
{
    bool is_late = is_stale(proof);
    if (!is_late && (!proof->ask_count || now_ms(proof) < overdue_ms(proof)))
        return false;
    if (has_stalled(proof) || (!is_late && proof->ops->is_held_up(proof))) {
        proof->answered_ms = now_ms(proof) - ANSWER_MS + LOOK_AGAIN_MS;
        return false;
    }
    if (proof->is_sure && proof->ops->dead(proof))
        return true;
    proof->ops->unanswered(proof);
    xf_proof_by(proof, XF_PROOF_NONE, false);
    return true;
}

static void on_timer(void *owner)
{
    struct xf_proof *proof = owner;
    if (proof->by == XF_PROOF_NONE)
        forget_arrived(proof, 0);
    else if (gives_up(proof))
        return;
    else if (has_unasked(proof))
        ask(proof);
    if (proof->by != XF_PROOF_NONE && !proof->is_sure)
        forget_arrived(proof, UNSURE_MS);
    arm(proof);
}

/* ------------------------------------------------------------------ for the stream's owner */

uint64_t xf_proof_new_serial(void)
{
    static uint64_t last;
    return ++last;
}

void xf_proof_init(struct xf_proof *proof, struct xf_stream *stream, const struct xf_proof_ops *ops,
                   struct xf_stanza_sum *shared)
{
    *proof = (struct xf_proof){.ops = ops,
                               .stream = stream,
                               .unsure_bytes = UNSURE_BYTES,
                               .serial = xf_proof_new_serial()};
    xf_stanza_queue_init(&proof->sent, shared);
    xf_timer_init(&proof->timer, on_timer, proof);
}

void xf_proof_fini(struct xf_proof *proof)
{
    xf_timer_stop(&proof->timer);
    xf_require(xf_stanza_queue_is_empty(&proof->sent));
}

void xf_proof_by(struct xf_proof *proof, enum xf_proof_by by, bool is_sure)
{
    proof->by = by;
    proof->is_sure = is_sure;
    proof->ask_count = 0;
    if (by == XF_PROOF_SM) {
        proof->counted_from = proof->sent_count;
        proof->counted_first = 0;
    }
    if (by == XF_PROOF_NONE)
        forget_arrived(proof, 0);
    arm(proof);
    if (!keeps_all(proof)) /* nobody need wait for a proof any more */
        tell_relieved(proof);
}

void xf_proof_sent(struct xf_proof *proof, struct xf_sender *sender, const struct xf_stanza *stanza,
                   struct xf_stanza_copy *copy)
{
    if (!copy)
        copy = xf_stanza_arena_copy(&proof->arena, stanza, now_ms(proof));
    bool is_first = !has_unasked(proof);
    copy->sender = sender;
    copy->end = xf_stream_written(proof->stream);
    copy->serial = proof->serial;
    copy->sent_ms = now_ms(proof);
    copy->number = ++proof->sent_count;
    sender->unproved.bytes += copy->bytes;
    sender->unproved.count++;
    proof->unasked_bytes += copy->bytes;
    xf_stanza_queue_append(&proof->sent, copy);
    proof->unlooked_bytes += copy->bytes;
    if (!keeps_all(proof))
        forget_surplus(proof);
    if (proof->by != XF_PROOF_NONE && proof->unasked_bytes >= ASK_BYTES)
        ask(proof);
    if (is_first)
        arm(proof);
}

void xf_proof_ask(struct xf_proof *proof)
{
    if (proof->by == XF_PROOF_NONE || !has_unasked(proof))
        return;
    ask(proof);
    arm(proof);
}

bool xf_proof_answered(struct xf_proof *proof, unsigned number)
{
    for (unsigned i = proof->ask_count; i-- > 0;) {
        if (proof->asks[i].number != number)
            continue;
        uint64_t covers = proof->asks[i].covers;
        proof->took_ms = now_ms(proof) - proof->asks[i].at_ms;
        drop_questions(proof, i + 1);
        on_answer(proof, covers);
        return true;
    }
    return false;
}

void xf_proof_go_on(struct xf_proof *proof, uint32_t handled)
{
    xf_proof_by(proof, XF_PROOF_SM, true);
    proof->counted_first = handled;
    proof->has_gone_on = true;
}

struct xf_proof_mark xf_proof_mark(const struct xf_proof *proof)
{
    bool has_counted = proof->proved_count > proof->counted_from;
    struct xf_proof_mark mark = {
        .serial = proof->serial,
        .proved = has_counted ? proof->proved_count : proof->counted_from,
        .sent = proof->sent_count,
    };
    /* Who can resume a stream has read <enabled/>, and what went out before; not so <resumed/>. */
    if (proof->has_gone_on && proof->proved_count < proof->counted_from)
        mark.untold = proof->counted_from;
    mark.handled = proof->counted_first + (uint32_t)(mark.proved - proof->counted_from);
    return mark;
}

/* The counter wraps (XEP-0198 §4): what counts is how far it has moved since the last time. */
bool xf_proof_mark_number(const struct xf_proof_mark *mark, uint32_t handled, uint64_t *out_number)
{
    uint32_t more = handled - mark->handled;
    *out_number = mark->proved + more;
    return more <= mark->sent - mark->proved;
}

bool xf_proof_is_news(const struct xf_proof *proof, uint32_t handled)
{
    struct xf_proof_mark mark = xf_proof_mark(proof);
    bool answers = proof->ask_count > 0 && proof->asks[0].covers <= mark.proved;
    return answers || mark.handled != handled;
}

enum xf_err xf_proof_acked(struct xf_proof *proof, uint32_t handled)
{
    struct xf_proof_mark mark = xf_proof_mark(proof);
    uint64_t number;
    if (!xf_proof_mark_number(&mark, handled, &number))
        return XF_ERR_LIMIT;
    unsigned answered = 0;
    while (answered < proof->ask_count && proof->asks[answered].covers <= number)
        answered++;
    drop_questions(proof, answered);
    on_answer(proof, number);
    return XF_ERR_OK;
}

uint64_t xf_proof_silence_ms(const struct xf_proof *proof)
{
    return proof->ask_count ? now_ms(proof) - waits_since_ms(proof) : 0;
}

/*
 * A system resets a connection that is closed while something is unread. Who sends a stream error
 * has read more than it handled.
 */
static bool was_closed(const struct xf_stream *stream)
{
    if (stream->end == XF_STREAM_END_PEER_ERROR)
        return false;
    return stream->conn_end == XF_CONN_END_EOF || stream->conn_end == XF_CONN_END_LOCAL;
}

/*
 * What the other side has read of a stream that ended in order. It may have closed before its TCP
 * acknowledged our footer and the end of TLS; if more than these is missing, it did not read on to
 * our footer.
 */
static uint64_t was_read(const struct xf_stream *stream)
{
    uint64_t left = xf_stream_left_at_most(stream), arrived = xf_stream_arrived(stream);
    return left - arrived <= END_BYTES ? left : arrived;
}

void xf_proof_closed(struct xf_proof *proof, bool is_clean)
{
    uint64_t left_at_most = xf_stream_left_at_most(proof->stream);
    bool is_proof = is_clean && proof->by != XF_PROOF_SM;
    bool tcp_tells =
        is_proof || proof->by == XF_PROOF_NONE || (!proof->is_sure && was_closed(proof->stream));
    uint64_t arrived = is_proof ? was_read(proof->stream) : xf_stream_arrived(proof->stream);
    struct xf_stanza_copy *copy;
    xf_timer_stop(&proof->timer);
    proof->ask_count = 0;
    while ((copy = xf_stanza_queue_back(&proof->sent))) {
        struct xf_sender *sender = copy->sender;
        enum xf_fate fate = copy->end > left_at_most ? XF_FATE_UNSENT : XF_FATE_UNPROVED;
        (void)take_out(proof, copy);
        if (!tcp_tells || copy->end > arrived)
            sender->back(sender, xf_stanza_arena_take(&proof->arena, copy), fate);
        else
            let_go(proof, copy);
        tell_settled(sender);
    }
}
