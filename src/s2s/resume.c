/* SPDX-License-Identifier: MIT */
/* resume.c — what can be resumed, shared out by owner (memory_priv.h). */
#include "resume_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/pair.h>

#include "engine_priv.h"

static uint64_t now_ms(const struct xf_s2s *s2s)
{
    return s2s->env->clock->now_ms;
}

static struct xf_memory_limits limits(const struct xf_s2s *s2s, uint64_t max_age_ms)
{
    const struct xf_s2s_settings *settings = &s2s->settings;
    return (struct xf_memory_limits){.per_network = settings->strangers.broken_streams_per_network,
                                     .per_owner = settings->strangers.broken_streams_per_owner,
                                     .total = settings->strangers.broken_streams,
                                     .max_age_ms = max_age_ms};
}

/* ------------------------------------------------------------------ streams of peers */

static struct xf_resumable *resumable_of(struct xf_memo *memo)
{
    return memo ? XF_CONTAINER(memo, struct xf_resumable, memo) : NULL;
}

static void free_resumable(void *resuming, struct xf_memo *memo)
{
    struct xf_resumable *resumable = resumable_of(memo);
    (void)xf_map_remove(((struct xf_resuming *)resuming)->of_peers, xf_span_of(resumable->id));
    xf_free(resumable->local);
    xf_free(resumable->peer);
    xf_free(resumable);
}

void xf_resumable_free(struct xf_s2s *s2s, struct xf_resumable *resumable)
{
    if (!resumable->in)
        xf_memory_remove(&s2s->resuming.broken, &resumable->memo);
    free_resumable(&s2s->resuming, &resumable->memo);
}

struct xf_resumable *xf_resumable_new(struct xf_s2s *s2s, struct xf_in *in, const char *local,
                                      const char *peer)
{
    struct xf_resumable *resumable = xf_new(struct xf_resumable);
    s2s->env->make_id(s2s->env, resumable->id);
    resumable->local = xf_strdup(local);
    resumable->peer = xf_strdup(peer);
    resumable->in = in;
    resumable->begun_ms = now_ms(s2s);
    (void)xf_map_set(s2s->resuming.of_peers, xf_span_of(resumable->id), resumable);
    return resumable;
}

static struct xf_resumable *find_broken(const struct xf_s2s *s2s, struct xf_span local,
                                        struct xf_span peer)
{
    struct xf_pair_key text;
    return resumable_of(xf_memory_find(&s2s->resuming.broken, xf_pair_key(local, peer, &text)));
}

void xf_resumable_broke(struct xf_s2s *s2s, struct xf_resumable *resumable,
                        const struct xf_broken *broken)
{
    struct xf_pair_key text;
    struct xf_span local = xf_span_of(resumable->local), peer = xf_span_of(resumable->peer);
    struct xf_resumable *older = find_broken(s2s, local, peer);
    struct xf_memory_limits bounds = limits(s2s, 1000 * XF_RESUME_MAX_S);
    struct xf_memo_keys keys = {.key = xf_pair_key(local, peer, &text),
                                .peer = peer,
                                .network = xf_span_of(broken->network)};
    if (older)
        xf_resumable_free(s2s, older);
    resumable->until_ms = now_ms(s2s) + broken->left_ms;
    resumable->handled = broken->handled;
    resumable->has_mark = broken->mark != NULL;
    if (broken->mark)
        resumable->mark = *broken->mark;
    if (xf_memory_add(s2s, &s2s->resuming.broken, &resumable->memo, &keys, &bounds))
        resumable->in = NULL;
    else
        free_resumable(&s2s->resuming, &resumable->memo);
}

struct xf_resumable *xf_resumable_find(struct xf_s2s *s2s, struct xf_span id, const char *local,
                                       const char *peer)
{
    struct xf_resumable *resumable = xf_map_find(s2s->resuming.of_peers, id);
    if (!resumable || strcmp(resumable->local, local) != 0 || strcmp(resumable->peer, peer) != 0)
        return NULL;
    bool is_old = !resumable->in && now_ms(s2s) > resumable->until_ms;
    return is_old ? NULL : resumable;
}

const struct xf_resumable *xf_resumable_broken(const struct xf_s2s *s2s, struct xf_span local,
                                               struct xf_span peer)
{
    const struct xf_resumable *resumable = find_broken(s2s, local, peer);
    return resumable && now_ms(s2s) < resumable->until_ms ? resumable : NULL;
}

void xf_resumable_restore(struct xf_s2s *s2s, struct xf_span id, struct xf_span local,
                          struct xf_span peer, const struct xf_broken *broken)
{
    if (id.len != XF_ID_CHARS || xf_map_find(s2s->resuming.of_peers, id))
        return;
    struct xf_resumable *resumable = xf_new(struct xf_resumable);
    memcpy(resumable->id, id.ptr, id.len);
    resumable->local = xf_span_dup(local);
    resumable->peer = xf_span_dup(peer);
    (void)xf_map_set(s2s->resuming.of_peers, id, resumable);
    xf_resumable_broke(s2s, resumable, broken);
}

void xf_resumable_take(struct xf_s2s *s2s, struct xf_resumable *resumable, struct xf_in *in)
{
    xf_memory_remove(&s2s->resuming.broken, &resumable->memo);
    resumable->in = in;
    resumable->begun_ms = now_ms(s2s);
}

static bool broke_within(const struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                         uint64_t ms)
{
    const struct xf_resumable *resumable = find_broken(s2s, local, peer);
    return resumable && resumable->has_mark && now_ms(s2s) - resumable->memo.since_ms < ms &&
           !s2s->is_draining;
}

bool xf_resumable_is_awaited(const struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    return broke_within(s2s, local, peer, XF_RESUME_AWAITED_MS);
}

bool xf_resumable_may_come(const struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           uint64_t since_ms)
{
    return broke_within(s2s, local, peer, 1000 * XF_RESUME_MAX_S) &&
           find_broken(s2s, local, peer)->begun_ms <= since_ms;
}

/* ------------------------------------------------------------------ streams of ours */

static struct xf_resumption *resumption_of(struct xf_memo *memo)
{
    return memo ? XF_CONTAINER(memo, struct xf_resumption, memo) : NULL;
}

static void free_resumption(void *resuming, struct xf_memo *memo)
{
    struct xf_resumption *resumption = resumption_of(memo);
    (void)resuming;
    xf_free(resumption->local);
    xf_free(resumption->peer);
    xf_free(resumption->id);
    xf_free(resumption);
}

static struct xf_resumption *find_ours(struct xf_s2s *s2s, struct xf_span local,
                                       struct xf_span peer)
{
    struct xf_pair_key text;
    return resumption_of(xf_memory_find(&s2s->resuming.ours, xf_pair_key(local, peer, &text)));
}

static void remove_resumption(struct xf_s2s *s2s, struct xf_resumption *resumption)
{
    xf_memory_remove(&s2s->resuming.ours, &resumption->memo);
    free_resumption(&s2s->resuming, &resumption->memo);
}

void xf_resumption_drop(struct xf_s2s *s2s, const char *local, const char *peer)
{
    struct xf_resumption *resumption = find_ours(s2s, xf_span_of(local), xf_span_of(peer));
    if (resumption)
        remove_resumption(s2s, resumption);
}

void xf_resumption_unanswered(struct xf_s2s *s2s, const char *local, const char *peer)
{
    struct xf_resumption *resumption = find_ours(s2s, xf_span_of(local), xf_span_of(peer));
    if (resumption && resumption->was_asked)
        remove_resumption(s2s, resumption);
    else if (resumption)
        resumption->was_asked = true;
}

void xf_resumption_keep(struct xf_s2s *s2s, const struct xf_resumption *state)
{
    struct xf_pair_key text;
    struct xf_span local = xf_span_of(state->local), peer = xf_span_of(state->peer);
    struct xf_memory_limits bounds = limits(s2s, XF_RESUME_OURS_MAX_MS);
    struct xf_memo_keys keys = {.key = xf_pair_key(local, peer, &text), .peer = peer};
    struct xf_resumption *resumption = xf_new(struct xf_resumption);
    xf_resumption_drop(s2s, state->local, state->peer);
    *resumption = *state;
    resumption->local = xf_strdup(state->local);
    resumption->peer = xf_strdup(state->peer);
    resumption->id = xf_strdup(state->id);
    if (!xf_memory_add(s2s, &s2s->resuming.ours, &resumption->memo, &keys, &bounds))
        free_resumption(&s2s->resuming, &resumption->memo);
}

const struct xf_resumption *xf_resumption_find(struct xf_s2s *s2s, struct xf_span local,
                                               struct xf_span peer)
{
    struct xf_resumption *resumption = find_ours(s2s, local, peer);
    if (!resumption || now_ms(s2s) < resumption->until_ms)
        return resumption;
    remove_resumption(s2s, resumption);
    return NULL;
}

/* ------------------------------------------------------------------ made and freed */

void xf_resuming_init(struct xf_resuming *resuming)
{
    resuming->of_peers = xf_map_new();
    xf_memory_init(&resuming->broken, free_resumable, resuming);
    xf_memory_init(&resuming->ours, free_resumption, resuming);
}

void xf_resuming_fini(struct xf_resuming *resuming)
{
    xf_memory_fini(&resuming->broken);
    xf_memory_fini(&resuming->ours);
    xf_map_free(&resuming->of_peers);
}
