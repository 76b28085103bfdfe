/* SPDX-License-Identifier: MIT */
/*
 * typing.c — users of peers who are typing: our user was told so, and is told when it is over.
 *
 * A client may fall silent or be gone, and XMPP knows no time after which a chat state ends. So
 * each pair of sender and recipient is remembered until there is news: another state, a message, or
 * nothing for as long as the sender has said (RFC 3994 section 3.3). Who finds no place is not seen
 * typing at all.
 */
#include "simple_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

#define AGAIN_MS (1000u * XF_IM_REFRESH_S) /* our user could not be told that it is over */

struct xf_typing {
    struct xf_simple *simple;
    struct xf_span key;          /* in the map */
    struct xf_stanza_copy *copy; /* what our user was told */
    struct xf_place place;
    struct xf_timer timer;
};

/* "FROM\0TO": neither holds NUL. */
static struct xf_span key_of(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_buf *key = &simple->typing_key;
    xf_buf_clear(key);
    struct xf_draft draft = xf_draft_begin(key);
    xf_draft_span(&draft, stanza->from.full);
    xf_draft_append(&draft, "", 1);
    xf_draft_span(&draft, stanza->to.full);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK); /* there is room for two JIDs */
    return xf_buf_span(key);
}

static void free_typing(struct xf_typing *typing)
{
    struct xf_simple *simple = typing->simple;
    (void)xf_map_remove(simple->typing, typing->key);
    xf_quota_give(&simple->typing_places, &typing->place);
    xf_timer_stop(&typing->timer);
    xf_free(typing->copy);
    xf_free(typing);
}

/* Tell our user that it is over. False: the cluster cannot be reached now. */
static bool tell_end(struct xf_typing *typing)
{
    struct xf_simple *simple = typing->simple;
    struct xf_stanza stanza;
    uint64_t wait_ms;
    struct xf_buf payload;
    xf_buf_init(&payload, XF_JID_MAX);
    struct xf_draft draft = xf_draft_begin(&payload);
    xf_im_write_stanza(&draft, &(struct xf_im){.kind = XF_IM_TYPING});
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    xf_stanza_copy_read(typing->copy, &stanza);
    stanza.payload = xf_buf_span(&payload);
    xf_stanza_find_children(&stanza);
    enum xf_simple_taken taken = simple->events->stanza(simple->owner, &stanza, &wait_ms);
    xf_buf_release(&payload);
    return taken != XF_SIMPLE_LATER;
}

static void end(struct xf_typing *typing)
{
    (void)tell_end(typing);
    free_typing(typing);
}

static void on_timer(void *owner)
{
    struct xf_typing *typing = owner;
    if (tell_end(typing))
        free_typing(typing);
    else
        xf_timer_start(typing->simple->env->timers, &typing->timer, AGAIN_MS);
}

/* NULL: too many are typing. */
static struct xf_typing *begin(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_span peer = stanza->from.domain;
    const struct xf_quota_keys keys = {.group = xf_domain_owner(peer), .member = peer};
    const struct xf_quota_limits limits = {.per_member = simple->settings.typing_per_owner,
                                           .per_group = simple->settings.typing_per_owner,
                                           .total = simple->settings.typing,
                                           .unused_ms = AGAIN_MS};
    uint64_t now_ms = simple->env->clock->now_ms;
    struct xf_place *evicted = NULL;
    struct xf_typing *typing = xf_new(struct xf_typing);
    if (xf_quota_take(&simple->typing_places, &typing->place, &keys, &limits, now_ms, &evicted) !=
        XF_QUOTA_ROOM) {
        xf_free(typing);
        return NULL;
    }
    if (evicted)
        end(XF_CONTAINER(evicted, struct xf_typing, place));
    typing->simple = simple;
    typing->copy = xf_stanza_copy_new(stanza, now_ms);
    xf_timer_init(&typing->timer, on_timer, typing);
    (void)xf_map_set(simple->typing, key_of(simple, stanza), typing);
    typing->key = xf_map_key(simple->typing, key_of(simple, stanza));
    return typing;
}

void xf_typing_over(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_typing *typing = xf_map_find(simple->typing, key_of(simple, stanza));
    if (typing)
        free_typing(typing);
}

enum xf_simple_taken xf_typing_tell(struct xf_simple *simple, struct xf_stanza *stanza,
                                    const struct xf_im *im)
{
    uint64_t wait_ms;
    if (im->is_typing) {
        struct xf_typing *typing = xf_map_find(simple->typing, key_of(simple, stanza));
        if (!typing && !(typing = begin(simple, stanza)))
            return XF_SIMPLE_TAKEN;
        xf_timer_start(simple->env->timers, &typing->timer, 1000ull * im->refresh_s);
    } else {
        xf_typing_over(simple, stanza);
    }
    return simple->events->stanza(simple->owner, stanza, &wait_ms);
}

void xf_typing_finish(struct xf_simple *simple)
{
    size_t cursor = 0;
    void *typing;
    while (xf_map_next(simple->typing, &cursor, NULL, &typing))
        end(typing);
}

void xf_typing_init(struct xf_simple *simple)
{
    simple->typing = xf_map_new();
    xf_buf_init(&simple->typing_key, 2 * XF_JID_MAX + 1);
    xf_quota_init(&simple->typing_places, NULL);
}

void xf_typing_fini(struct xf_simple *simple)
{
    size_t cursor = 0;
    void *typing;
    while (xf_map_next(simple->typing, &cursor, NULL, &typing))
        free_typing(typing);
    xf_map_free(&simple->typing);
    xf_buf_release(&simple->typing_key);
    xf_quota_fini(&simple->typing_places);
}
