/* SPDX-License-Identifier: MIT */
/* fake_s2s.c — see fake_s2s.h. The linker takes these instead of src/s2s. */
#include "fake_s2s.h"

#include <stdio.h>

#include <xfed/base/alloc.h>

void fake_s2s_init(struct xf_s2s *s2s)
{
    *s2s = (struct xf_s2s){0};
    xf_list_init(&s2s->outs);
}

void fake_s2s_fini(struct xf_s2s *s2s)
{
    XF_LIST_EACH_SAFE (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        xf_free(out->local);
        xf_free(out->peer);
        xf_free(out);
    }
}

struct xf_out *fake_out_next(struct xf_s2s *s2s)
{
    XF_LIST_EACH (node, &s2s->outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (out->is_taken)
            continue;
        out->is_taken = true;
        return out;
    }
    return NULL;
}

void fake_out_ready(struct xf_out *out)
{
    out->is_ready = true;
    out->events->ready(out->owner);
}

void fake_out_drained(struct xf_out *out)
{
    out->is_congested = false;
    out->events->drained(out->owner);
}

void fake_out_ended(struct xf_out *out, enum xf_cause cause, const char *text)
{
    const struct xf_out_events *events = out->events;
    bool was_ready = out->is_ready || out->sent_count > 0;
    out->events = NULL;
    out->is_ready = false;
    events->ended(out->owner, was_ready, cause, text);
}

void fake_out_closing(struct xf_out *out)
{
    out->is_ready = false;
    out->sent_count++; /* it was ready, whatever it took */
}

void xf_s2s_turn_away(struct xf_s2s *s2s)
{
    (void)s2s;
}

void xf_s2s_resume_inbound(struct xf_s2s *s2s)
{
    s2s->resumed++;
}

struct xf_out *xf_out_open(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           bool for_stranger, const struct xf_out_events *events, void *owner)
{
    (void)for_stranger;
    struct xf_out *out = xf_new(struct xf_out);
    out->local = xf_span_dup(local);
    out->peer = xf_span_dup(peer);
    out->events = events;
    out->owner = owner;
    xf_list_push(&s2s->outs, &out->node);
    return out;
}

struct xf_out *xf_out_probe(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = xf_out_open(s2s, local, peer, false, events, owner);
    out->is_probe = true;
    return out;
}

bool xf_s2s_may_resume(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    (void)s2s;
    (void)local;
    (void)peer;
    return false;
}

bool xf_s2s_carries(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    (void)local;
    (void)peer;
    return s2s->carries;
}

/* `ended` follows, when the test says so. */
void xf_out_close(struct xf_out *out)
{
    out->is_ready = false;
}

bool xf_out_abandon(struct xf_out *out)
{
    if (out->is_committed || out->is_ready)
        return false;
    out->events = NULL;
    return true;
}

bool xf_out_found_nobody(const struct xf_out *out)
{
    (void)out;
    return false;
}

uint64_t xf_out_used_ms(const struct xf_out *out)
{
    (void)out;
    return 0;
}

bool xf_s2s_hears(const struct xf_s2s *s2s, struct xf_span peer)
{
    (void)s2s;
    (void)peer;
    return false;
}

bool xf_out_is_ready(const struct xf_out *out)
{
    return out->is_ready;
}

bool xf_out_rides_with_peer(const struct xf_out *out)
{
    (void)out;
    return false;
}

const struct xf_addr *xf_out_addr(const struct xf_out *out)
{
    return &out->addr;
}

bool xf_out_is_congested(struct xf_out *out)
{
    return out->is_congested;
}

/* Its streams prove nothing. */
bool xf_out_has_proved(const struct xf_out *out)
{
    (void)out;
    return false;
}

const struct xf_stanza_sum *xf_out_unproved(const struct xf_out *out)
{
    return &out->unproved;
}

enum xf_err xf_out_send(struct xf_out *out, const struct xf_stanza *stanza,
                        struct xf_stanza_copy *copy)
{
    xf_require(out->events != NULL);
    if (!out->is_ready)
        return XF_ERR_CLOSED;
    if (out->max_bytes && stanza->payload.len > out->max_bytes)
        return XF_ERR_LIMIT;
    size_t len = strlen(out->sent);
    bool is_error = xf_span_is(stanza->type, "error");
    snprintf(out->sent + len, sizeof(out->sent) - len, "%s%s%.*s", len ? " " : "",
             is_error ? "!" : "", XF_SPAN_ARGS(stanza->id));
    out->sent_count++;
    if (out->takes && --out->takes == 0)
        out->is_congested = true;
    xf_free(copy);
    return XF_ERR_OK;
}

void xf_s2s_hand_over(struct xf_s2s *s2s)
{
    (void)s2s;
}

bool xf_s2s_hands_over(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                       uint64_t serial)
{
    (void)s2s;
    (void)local;
    (void)peer;
    (void)serial;
    return false;
}

void xf_s2s_each_session(struct xf_s2s *s2s, xf_s2s_session_fn each, void *owner)
{
    (void)s2s;
    (void)each;
    (void)owner;
}

uint64_t xf_s2s_restore(struct xf_s2s *s2s, const struct xf_session *session)
{
    (void)s2s;
    (void)session;
    return 0;
}
