/* SPDX-License-Identifier: MIT */
/*
 * hand_over.c — streams that go on in the next process (XEP-0198 §5; xfed/journal/sessions.h).
 *
 * A stream that was closed in order cannot be resumed. So at the end, one that can be is suspended:
 * a last <a/>, no footer, and then the connection ends. Before that the peer is asked what it has,
 * so that little is left unproved. The state is that of any broken stream (resume.c), and the next
 * process puts it back there: whoever resumes it authenticates anew, for the same pair.
 */
#include <xfed/base/alloc.h>
#include <xfed/journal/sessions.h>

#include "in_priv.h"
#include "out_priv.h"

#define ASK_MS  1000 /* for the peer to say what it has */
#define LOOK_MS 20

/* ------------------------------------------------------------------ suspend */

/* Must the stream wait for its peer? */
static bool waits(const struct xf_carrier *carrier, bool is_late)
{
    return !is_late && xf_proof_is_pending(&carrier->proof);
}

static bool suspend_ins(struct xf_s2s *s2s, bool is_late)
{
    bool is_waiting = false;
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (!xf_in_may_suspend(in))
            continue;
        if (waits(&in->carrier, is_late))
            is_waiting = true;
        else
            (void)xf_in_suspend(in);
    }
    return is_waiting;
}

static bool suspend_outs(struct xf_s2s *s2s, bool is_late)
{
    bool is_waiting = false;
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (!xf_out_may_suspend(out))
            continue;
        if (waits(&out->carrier, is_late))
            is_waiting = true;
        else
            xf_out_suspend(out);
    }
    return is_waiting;
}

static void on_look(void *owner)
{
    struct xf_s2s *s2s = owner;
    bool is_late = s2s->env->clock->now_ms - s2s->asked_ms >= ASK_MS;
    bool ins_wait = suspend_ins(s2s, is_late), outs_wait = suspend_outs(s2s, is_late);
    if (ins_wait || outs_wait)
        xf_timer_start(s2s->env->timers, &s2s->asked, LOOK_MS);
}

void xf_s2s_hand_over_init(struct xf_s2s *s2s)
{
    xf_timer_init(&s2s->asked, on_look, s2s);
}

void xf_s2s_suspend_all(struct xf_s2s *s2s)
{
    XF_LIST_EACH_SAFE (node, &s2s->ins) {
        struct xf_in *in = XF_CONTAINER(node, struct xf_in, node);
        if (xf_in_may_suspend(in))
            xf_proof_ask(&in->carrier.proof);
    }
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (xf_out_may_suspend(out))
            xf_proof_ask(&out->carrier.proof);
    }
    s2s->asked_ms = s2s->env->clock->now_ms;
    on_look(s2s);
}

/* ------------------------------------------------------------------ to the next process */

void xf_s2s_hand_over(struct xf_s2s *s2s)
{
    s2s->hands_over = true;
}

/* A session has no room for stanzas that were not counted. */
static bool tells(const struct xf_proof_mark *mark, uint64_t serial)
{
    return mark->serial == serial && mark->untold == 0;
}

bool xf_s2s_hands_over(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                       uint64_t serial)
{
    const struct xf_resumption *ours = xf_resumption_find(s2s, local, peer);
    const struct xf_resumable *theirs = xf_resumable_broken(s2s, local, peer);
    return s2s->hands_over && serial &&
           ((ours && tells(&ours->mark, serial)) ||
            (theirs && theirs->has_mark && tells(&theirs->mark, serial)));
}

static void add_mark(struct xf_session *session, const struct xf_proof_mark *mark)
{
    session->serial = mark->serial;
    session->proved = mark->proved;
    session->sent = mark->sent;
    session->counted = mark->handled;
}

static struct xf_session session_of_peer(const struct xf_resumable *resumable, uint64_t now_ms)
{
    struct xf_session session = {.both_ways = resumable->has_mark,
                                 .local = xf_span_of(resumable->local),
                                 .peer = xf_span_of(resumable->peer),
                                 .id = xf_span_of(resumable->id),
                                 .left_ms = resumable->until_ms - now_ms,
                                 .max_ms = 1000 * XF_RESUME_MAX_S,
                                 .handled = resumable->handled};
    if (resumable->has_mark)
        add_mark(&session, &resumable->mark);
    return session;
}

static struct xf_session session_of_ours(const struct xf_resumption *resumption, uint64_t now_ms)
{
    struct xf_session session = {.is_ours = true,
                                 .both_ways = resumption->is_bidi,
                                 .local = xf_span_of(resumption->local),
                                 .peer = xf_span_of(resumption->peer),
                                 .id = xf_span_of(resumption->id),
                                 .left_ms = resumption->until_ms - now_ms,
                                 .max_ms = resumption->max_ms,
                                 .handled = resumption->handled};
    add_mark(&session, &resumption->mark);
    return session;
}

void xf_s2s_each_session(struct xf_s2s *s2s, xf_s2s_session_fn each, void *owner)
{
    uint64_t now_ms = s2s->env->clock->now_ms;
    XF_LIST_EACH (node, &s2s->resuming.broken.oldest_first) {
        struct xf_memo *memo = XF_CONTAINER(node, struct xf_memo, node);
        const struct xf_resumable *resumable = XF_CONTAINER(memo, struct xf_resumable, memo);
        struct xf_session session = session_of_peer(resumable, now_ms);
        if (now_ms < resumable->until_ms)
            each(owner, &session);
    }
    XF_LIST_EACH (node, &s2s->resuming.ours.oldest_first) {
        struct xf_memo *memo = XF_CONTAINER(node, struct xf_memo, node);
        const struct xf_resumption *resumption = XF_CONTAINER(memo, struct xf_resumption, memo);
        struct xf_session session = session_of_ours(resumption, now_ms);
        if (now_ms < resumption->until_ms)
            each(owner, &session);
    }
}

/* ------------------------------------------------------------------ from an earlier one */

static struct xf_proof_mark make_mark(const struct xf_session *session)
{
    return (struct xf_proof_mark){.serial = session->serial ? xf_proof_new_serial() : 0,
                                  .proved = session->proved,
                                  .sent = session->sent,
                                  .handled = session->counted};
}

static uint64_t restore_ours(struct xf_s2s *s2s, const struct xf_session *session)
{
    struct xf_resumption state = {.local = xf_span_dup(session->local),
                                  .peer = xf_span_dup(session->peer),
                                  .id = xf_span_dup(session->id),
                                  .until_ms = s2s->env->clock->now_ms + session->left_ms,
                                  .max_ms = session->max_ms,
                                  .handled = session->handled,
                                  .is_bidi = session->both_ways,
                                  .mark = make_mark(session)};
    xf_resumption_keep(s2s, &state);
    xf_free(state.local);
    xf_free(state.peer);
    xf_free(state.id);
    return state.mark.serial;
}

static uint64_t restore_theirs(struct xf_s2s *s2s, const struct xf_session *session)
{
    struct xf_proof_mark mark = make_mark(session);
    xf_resumable_restore(s2s, session->id, session->local, session->peer,
                         &(struct xf_broken){.left_ms = session->left_ms,
                                             .handled = session->handled,
                                             .mark = session->both_ways ? &mark : NULL});
    return mark.serial;
}

uint64_t xf_s2s_restore(struct xf_s2s *s2s, const struct xf_session *session)
{
    enum xf_direction direction = session->is_ours ? XF_DIRECTION_OUT : XF_DIRECTION_IN;
    if (session->left_ms == 0 ||
        !xf_policy_may(s2s->policy, session->local, session->peer, direction))
        return 0;
    return session->is_ours ? restore_ours(s2s, session) : restore_theirs(s2s, session);
}
