/* SPDX-License-Identifier: MIT */
/*
 * proof.h — keeps each stanza that goes out on a stream until it is proved that the other side has
 * it. Sans I/O.
 *
 * TCP tells what was taken by the system, not what was read by a server. Two things prove more: an
 * acknowledgement (XEP-0198), and the answer to a ping (XEP-0199), because a server handles the
 * stanzas of a stream in order. Whatever is not proved when the stream ends goes back to its
 * sender, which sends it again or returns it.
 *
 * A proof is embedded in the owner of a stream. It asks by itself: ASK_MS after a stanza, or sooner
 * where many bytes went out; how the question looks is up to the owner (xf_proof_ops.ask).
 */
#pragma once

#include <xfed/stream/stream.h>
#include <xfed/xmpp/stanza_arena.h>
#include <xfed/xmpp/stanza_queue.h>

enum xf_proof_by {
    /* Nothing else tells. A stanza counts as delivered once the other side's TCP has its bytes. */
    XF_PROOF_NONE,
    XF_PROOF_PING, /* XEP-0199: the answer to a ping, result or error */
    XF_PROOF_SM,   /* XEP-0198: <a h='...'/> */
};

/* What is known of a stanza whose stream has ended. */
enum xf_fate {
    XF_FATE_UNSENT,   /* the other side cannot have it whole */
    XF_FATE_UNPROVED, /* it left us, and nobody can say whether it arrived */
};

struct xf_proof;

/* Whose stanzas they are: a pair, or a link. Embedded in its owner, and outlives its stanzas. */
struct xf_sender {
    struct xf_stanza_sum unproved; /* its stanzas in a proof */
    bool has_proved;               /* a stanza of it was proved */
    /* Takes over a stanza. Called for the newest one first. */
    void (*back)(struct xf_sender *sender, struct xf_stanza_copy *copy, enum xf_fate fate);
    /* A stanza that is in the journal was proved: it leaves it. May be NULL. */
    void (*proved)(struct xf_sender *sender, struct xf_stanza_copy *copy);
    void (*settled)(struct xf_sender *sender); /* none of its stanzas is left in a proof */
};

struct xf_proof_ops {
    /* Ask: write <r/>, or a ping that holds the number. False: this cannot be written now. */
    bool (*ask)(struct xf_proof *proof, unsigned number);
    /* May the answer be waiting for us to read it? Then silence says nothing. */
    bool (*is_held_up)(const struct xf_proof *proof);
    /*
     * No answer came in time, and none ever: after this call nothing proves anything (NONE), and no
     * stanza is kept for an answer.
     */
    void (*unanswered)(struct xf_proof *proof);
    /*
     * No answer came in time, although there were some before. True: the other side is dead, and
     * its stream ends; false: the answers may go elsewhere now, so `unanswered` follows.
     */
    bool (*dead)(struct xf_proof *proof);
    void (*relieved)(struct xf_proof *proof); /* stanzas were proved after xf_proof_is_full */
};

/* How far a stream has come, kept for the time when it is resumed (XEP-0198 §5). */
struct xf_proof_mark {
    uint64_t serial;       /* of the proof; 0: none */
    uint64_t proved, sent; /* numbers of the last stanzas that were proved, and sent */
    uint32_t handled;      /* the other side's count of the proved ones */
    /*
     * Of a stream that resumed another one: up to this number they went out before, and no count
     * tells whether the other side has them. 0: there are none.
     */
    uint64_t untold;
};

#define XF_PROOF_ASKS 8 /* questions at the same time */

struct xf_proof {
    const struct xf_proof_ops *ops;
    struct xf_stream *stream;
    enum xf_proof_by by;
    bool is_sure; /* the other side has answered before, here or on another stream */
    bool is_full; /* somebody was told so, and waits for `relieved` */
    struct xf_stanza_arena arena; /* of the copies made here */
    struct xf_stanza_queue sent;  /* not proved, the oldest first */
    uint64_t sent_count;          /* of stanzas in all */
    uint64_t proved_count;        /* of these, the first ones */
    uint64_t counted_from;        /* XEP-0198: how many went out before counting began */
    uint32_t counted_first;       /* ... and with which count it began */
    bool has_gone_on;             /* that count is of a stream that was resumed */
    struct {
        unsigned number;
        uint64_t covers; /* sent_count at that time */
        uint64_t at_ms;
    } asks[XF_PROOF_ASKS]; /* not answered yet, the oldest first */
    unsigned ask_count, last_number;
    size_t unasked_bytes;  /* sent since the last question */
    size_t unlooked_bytes; /* ... and since the last look at TCP, where a proof is not certain */
    uint64_t answered_ms;
    uint64_t took_ms;    /* for the answer that came last, from its question on */
    size_t unsure_bytes; /* as much is kept while not is_sure; the owner may change it */
    uint64_t serial;     /* tells streams apart: written into each copy */
    struct xf_timer timer;
};

/* `shared` is a sum that the stanzas count in too; borrowed, or NULL. */
void xf_proof_init(struct xf_proof *proof, struct xf_stream *stream, const struct xf_proof_ops *ops,
                   struct xf_stanza_sum *shared);
/* After xf_proof_closed, or when nothing was sent. */
void xf_proof_fini(struct xf_proof *proof);

/*
 * What proves from now on. `is_sure`: the other side is known to answer. With XF_PROOF_SM the count
 * of XEP-0198 begins here: call it right before or after <enable/> or <enabled/> is written.
 */
void xf_proof_by(struct xf_proof *proof, enum xf_proof_by by, bool is_sure);

/* For the mark of a stream whose proof lived in an earlier process. */
uint64_t xf_proof_new_serial(void);

/* As xf_proof_by with XF_PROOF_SM, on a resumed stream: the other side's count is `handled`. */
void xf_proof_go_on(struct xf_proof *proof, uint32_t handled);
struct xf_proof_mark xf_proof_mark(const struct xf_proof *proof);
/*
 * Which stanza was the last that the other side handled, when it says that it handled so many?
 * False: it cannot be.
 */
bool xf_proof_mark_number(const struct xf_proof_mark *mark, uint32_t handled, uint64_t *out_number);

/* The stanza was written to the stream. `copy` is taken over; NULL: one is made. */
void xf_proof_sent(struct xf_proof *proof, struct xf_sender *sender, const struct xf_stanza *stanza,
                   struct xf_stanza_copy *copy);

/* Ask at once about what was sent. */
void xf_proof_ask(struct xf_proof *proof);

/* The ping with this number was answered. False: it was not asked, or answered before. */
bool xf_proof_answered(struct xf_proof *proof, unsigned number);
/* Does <a h='...'/> prove a stanza, or answer a question? */
bool xf_proof_is_news(const struct xf_proof *proof, uint32_t handled);
/* <a h='...'/> (XEP-0198 §4). XF_ERR_LIMIT: it acknowledges more than was sent. */
XF_MUST_USE enum xf_err xf_proof_acked(struct xf_proof *proof, uint32_t handled);

/* Is a question open, or due? */
static inline bool xf_proof_is_pending(const struct xf_proof *proof)
{
    return !xf_stanza_queue_is_empty(&proof->sent);
}

/*
 * Do so many stanzas wait for their proof that no more should be sent? `unproved` says how many: of
 * one sender, or of the whole proof (`sent.held`). Answers yes only where a proof can be expected;
 * `relieved` follows.
 */
static inline bool xf_proof_is_full(struct xf_proof *proof, const struct xf_stanza_sum *unproved,
                                    size_t max_bytes, size_t max_count)
{
    bool is_full = (unproved->bytes > max_bytes || unproved->count > max_count) &&
                   proof->by != XF_PROOF_NONE && proof->is_sure;
    proof->is_full |= is_full;
    return is_full;
}

/*
 * How long the oldest open question has waited since it was asked, or since another one was
 * answered; 0: none is open.
 */
uint64_t xf_proof_silence_ms(const struct xf_proof *proof);

/*
 * The conn has closed: all that is not proved goes back. `is_clean`: both sides ended the stream in
 * order, and then the connection, so the other side has read what its TCP has acknowledged (RFC
 * 6120 §4.4). The rest it has not: its footer and FIN may have waited for a network that was away,
 * in which it gave the connection up. Still, with XEP-0198 only what was acknowledged there counts.
 * Where no answer is known to come, what TCP has acknowledged counts too, unless the connection was
 * reset or the other side sent a stream error.
 */
void xf_proof_closed(struct xf_proof *proof, bool is_clean);
