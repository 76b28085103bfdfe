/* SPDX-License-Identifier: MIT */
/*
 * wait.c — addresses that are being asked about, and who waits for them.
 *
 * An address is asked about once, however many wait. When the directory's time is over they are woken and make do with what is known; the question stays, so
 * that its answer is there for the next one, and nobody waits for it a second time.
 */
#include "identity_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

#define FILE_ONLY_MS 5000 /* without a directory there is no setting: so long for the first reading of the file */

static void wake(struct xf_node *waits)
{
    while (!xf_list_is_empty(waits)) {
        struct xf_identity_wait *wait = XF_CONTAINER(waits->next, struct xf_identity_wait, node);
        xf_list_remove(&wait->node);
        wait->done(wait->owner);
    }
}

static void on_late(void *owner)
{
    struct xf_ask *ask = owner;
    ask->is_late = true;
    wake(&ask->waits);
}

static struct xf_ask *make(struct xf_identity *identity, struct xf_span address)
{
    struct xf_ask *ask = xf_alloc(sizeof(*ask) + address.len);
    char *text = (char *)(ask + 1);
    memcpy(text, address.ptr, address.len);
    ask->address = (struct xf_span){text, address.len};
    ask->identity = identity;
    xf_list_init(&ask->waits);
    xf_timer_init(&ask->timer, on_late, ask);
    xf_timer_start(identity->opts.timers, &ask->timer, identity->directory ? identity->directory->timeout_ms : FILE_ONLY_MS);
    xf_list_push(&identity->queue, &ask->node);
    (void)xf_map_set(identity->asks, ask->address, ask);
    return ask;
}

enum xf_identity_answer xf_ask_begin(struct xf_identity *identity, struct xf_span address, unsigned kind)
{
    struct xf_ask *ask = xf_map_find(identity->asks, address);
    bool can_ask = !identity->file_job.is_known || (identity->directory && !identity->is_away);
    if (ask && ask->is_late)
        return XF_IDENTITY_NONE;
    if (!ask && (!can_ask || xf_map_count(identity->asks) >= XF_ASKS_MAX))
        return XF_IDENTITY_NONE;
    if (!ask)
        ask = make(identity, address);
    ask->wants |= kind;
    xf_jobs_ask(identity);
    return XF_IDENTITY_LATER;
}

/* Whom it wakes may ask again, so it is gone before. */
void xf_ask_end(struct xf_ask *ask)
{
    struct xf_node waits;
    xf_list_init(&waits);
    while (!xf_list_is_empty(&ask->waits)) {
        struct xf_node *node = ask->waits.next;
        xf_list_remove(node);
        xf_list_push(&waits, node);
    }
    (void)xf_map_remove(ask->identity->asks, ask->address);
    xf_timer_stop(&ask->timer);
    xf_list_remove(&ask->node);
    xf_free(ask);
    wake(&waits);
}

void xf_asks_end(struct xf_identity *identity)
{
    while (!xf_list_is_empty(&identity->queue))
        xf_ask_end(XF_CONTAINER(identity->queue.next, struct xf_ask, node));
}

void xf_identity_wait(struct xf_identity *identity, struct xf_span address, struct xf_identity_wait *wait)
{
    struct xf_ask *ask = xf_map_find(identity->asks, address);
    xf_require(ask && !ask->is_late && !xf_list_is_linked(&wait->node)); /* only after LATER */
    xf_list_push(&ask->waits, &wait->node);
}

void xf_identity_forget(struct xf_identity_wait *wait)
{
    xf_list_remove(&wait->node);
}
