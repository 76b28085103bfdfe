/* SPDX-License-Identifier: MIT */
/* resume.c — tables of what can be resumed; bounded, the oldest gives way. */
#include "resume_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/pair.h>

#include "engine_priv.h"

#define RESUMABLES_MAX 4096 /* broken streams of peers; and as many of ours */

static uint64_t now_ms(const struct xf_s2s *s2s)
{
    return s2s->env->clock->now_ms;
}

static struct xf_span pair_key(const char *local, const char *peer, struct xf_pair_key *text)
{
    return xf_pair_key(xf_span_of(local), xf_span_of(peer), text);
}

/* ------------------------------------------------------------------ streams of peers */

static struct xf_resumable *resumable_of(struct xf_lru_entry *entry)
{
    return entry ? XF_CONTAINER(entry, struct xf_resumable, entry) : NULL;
}

static void remove_resumable(struct xf_resuming *resuming, struct xf_resumable *resumable)
{
    struct xf_pair_key text;
    struct xf_span key = pair_key(resumable->local, resumable->peer, &text);
    if (xf_map_find(resuming->broken, key) == resumable)
        (void)xf_map_remove(resuming->broken, key);
    xf_lru_remove(&resuming->of_peers, &resumable->entry);
    xf_free(resumable->local);
    xf_free(resumable->peer);
    xf_free(resumable);
}

struct xf_resumable *xf_resumable_new(struct xf_s2s *s2s, struct xf_in *in, const char *local,
                                      const char *peer)
{
    struct xf_resumable *resumable = xf_new(struct xf_resumable);
    s2s->env->make_id(s2s->env, resumable->id);
    resumable->local = xf_strdup(local);
    resumable->peer = xf_strdup(peer);
    resumable->in = in;
    xf_lru_add(&s2s->resuming.of_peers, xf_span_of(resumable->id), &resumable->entry);
    return resumable;
}

void xf_resumable_broke(struct xf_s2s *s2s, struct xf_resumable *resumable, uint32_t handled,
                        const struct xf_proof_mark *mark)
{
    struct xf_resuming *resuming = &s2s->resuming;
    struct xf_pair_key text;
    struct xf_span key = pair_key(resumable->local, resumable->peer, &text);
    struct xf_resumable *older = xf_map_find(resuming->broken, key);
    resumable->in = NULL;
    resumable->broke_ms = now_ms(s2s);
    resumable->handled = handled;
    resumable->has_mark = mark != NULL;
    if (mark)
        resumable->mark = *mark;
    if (older)
        remove_resumable(resuming, older);
    else if (xf_map_count(resuming->broken) >= RESUMABLES_MAX)
        remove_resumable(resuming, resumable_of(xf_lru_oldest(&resuming->of_peers)));
    (void)xf_map_set(resuming->broken, key, resumable);
    xf_lru_rest(&resuming->of_peers, &resumable->entry);
}

void xf_resumable_free(struct xf_s2s *s2s, struct xf_resumable *resumable)
{
    remove_resumable(&s2s->resuming, resumable);
}

struct xf_resumable *xf_resumable_find(struct xf_s2s *s2s, struct xf_span id, const char *local,
                                       const char *peer)
{
    struct xf_resumable *resumable = resumable_of(xf_lru_find(&s2s->resuming.of_peers, id));
    if (!resumable || strcmp(resumable->local, local) != 0 || strcmp(resumable->peer, peer) != 0)
        return NULL;
    bool is_old = !resumable->in && now_ms(s2s) - resumable->broke_ms > 1000 * XF_RESUME_MAX_S;
    return is_old ? NULL : resumable;
}

void xf_resumable_take(struct xf_s2s *s2s, struct xf_resumable *resumable, struct xf_in *in)
{
    struct xf_pair_key text;
    struct xf_span key = pair_key(resumable->local, resumable->peer, &text);
    if (xf_map_find(s2s->resuming.broken, key) == resumable)
        (void)xf_map_remove(s2s->resuming.broken, key);
    xf_lru_hold(&s2s->resuming.of_peers, &resumable->entry);
    resumable->in = in;
}

bool xf_resumable_is_awaited(const struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    struct xf_pair_key text;
    const struct xf_resumable *resumable =
        xf_map_find(s2s->resuming.broken, xf_pair_key(local, peer, &text));
    return resumable && resumable->has_mark &&
           now_ms(s2s) - resumable->broke_ms < XF_RESUME_AWAITED_MS && !s2s->is_draining;
}

/* ------------------------------------------------------------------ streams of ours */

static struct xf_resumption *resumption_of(struct xf_lru_entry *entry)
{
    return entry ? XF_CONTAINER(entry, struct xf_resumption, entry) : NULL;
}

static void remove_resumption(struct xf_resuming *resuming, struct xf_resumption *resumption)
{
    if (!resumption)
        return;
    xf_lru_remove(&resuming->ours, &resumption->entry);
    xf_free(resumption->id);
    xf_free(resumption);
}

static struct xf_resumption *find_ours(struct xf_s2s *s2s, struct xf_span local,
                                       struct xf_span peer)
{
    struct xf_pair_key text;
    return resumption_of(xf_lru_find(&s2s->resuming.ours, xf_pair_key(local, peer, &text)));
}

void xf_resumption_drop(struct xf_s2s *s2s, const char *local, const char *peer)
{
    remove_resumption(&s2s->resuming, find_ours(s2s, xf_span_of(local), xf_span_of(peer)));
}

void xf_resumption_keep(struct xf_s2s *s2s, const char *local, const char *peer, const char *id,
                        uint64_t max_ms, uint32_t handled, const struct xf_proof_mark *mark)
{
    struct xf_resuming *resuming = &s2s->resuming;
    struct xf_pair_key text;
    struct xf_resumption *resumption = xf_new(struct xf_resumption);
    xf_resumption_drop(s2s, local, peer);
    if (xf_lru_count(&resuming->ours) >= RESUMABLES_MAX)
        remove_resumption(resuming, resumption_of(xf_lru_oldest(&resuming->ours)));
    resumption->id = xf_strdup(id);
    resumption->until_ms = now_ms(s2s) + max_ms;
    resumption->max_ms = max_ms;
    resumption->handled = handled;
    resumption->mark = *mark;
    xf_lru_add(&resuming->ours, pair_key(local, peer, &text), &resumption->entry);
    xf_lru_rest(&resuming->ours, &resumption->entry);
}

const struct xf_resumption *xf_resumption_find(struct xf_s2s *s2s, struct xf_span local,
                                               struct xf_span peer)
{
    struct xf_resumption *resumption = find_ours(s2s, local, peer);
    if (!resumption || now_ms(s2s) < resumption->until_ms)
        return resumption;
    remove_resumption(&s2s->resuming, resumption);
    return NULL;
}

/* ------------------------------------------------------------------ made and freed */

void xf_resuming_init(struct xf_resuming *resuming)
{
    xf_lru_init(&resuming->of_peers);
    xf_lru_init(&resuming->ours);
    resuming->broken = xf_map_new();
}

void xf_resuming_fini(struct xf_resuming *resuming)
{
    struct xf_lru_entry *entry;
    while ((entry = xf_lru_oldest(&resuming->of_peers)))
        remove_resumable(resuming, resumable_of(entry));
    while ((entry = xf_lru_oldest(&resuming->ours)))
        remove_resumption(resuming, resumption_of(entry));
    xf_lru_fini(&resuming->of_peers);
    xf_lru_fini(&resuming->ours);
    xf_map_free(&resuming->broken);
}
