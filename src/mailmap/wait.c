/* SPDX-License-Identifier: MIT */
/*
 * wait.c — lookups under way, and who waits for them.
 *
 * An address is looked up once, however many wait for it. When the directory's timeout ends, the
 * waiters are woken and use what is known. The lookup continues, so that its answer is there for
 * the next query, which does not wait for it.
 *
 * With unknown = hold an address about which nothing is known waits while the directory is away,
 * for hold-time at most. Then its query is late, and stays until the directory is back: what comes
 * for the same address meanwhile does not wait again.
 *
 * Stanzas of our users need the address of a JID; stanzas of peers need the JID of an address, and
 * peers can make addresses up. So lookups for peers come after the ones for our users, and may take
 * half of the room at most: a flood of made-up addresses must not prevent the lookup for a user,
 * whose JID would then be shown.
 */
#include "mailmap_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

/* Time limit for the first reading of the file, if there is no directory with a setting for it. */
#define FILE_ONLY_MS 5000

static void wake(struct xf_node *waits)
{
    while (!xf_list_is_empty(waits)) {
        struct xf_mailmap_wait *wait = XF_CONTAINER(waits->next, struct xf_mailmap_wait, node);
        xf_list_remove(&wait->node);
        wait->done(wait->owner);
    }
}

static void on_late(void *owner)
{
    struct xf_mailmap_query *ask = owner;
    ask->is_late = true;
    wake(&ask->waits);
}

void xf_mailmap_query_queue(struct xf_mailmap_query *ask)
{
    xf_list_push(ask->is_of_stranger ? &ask->mailmap->strangers : &ask->mailmap->queue, &ask->node);
}

static uint64_t patience_ms(const struct xf_mailmap *mailmap, bool is_known)
{
    if (!mailmap->directory)
        return FILE_ONLY_MS;
    return !is_known && xf_jobs_hold(mailmap) ? mailmap->directory->hold_ms
                                              : mailmap->directory->timeout_ms;
}

static struct xf_mailmap_query *make(struct xf_mailmap *mailmap, struct xf_span address,
                                     bool is_of_stranger, bool is_known)
{
    struct xf_mailmap_query *ask = xf_alloc(sizeof(*ask) + address.len);
    char *text = (char *)(ask + 1);
    memcpy(text, address.ptr, address.len);
    ask->address = (struct xf_span){text, address.len};
    ask->mailmap = mailmap;
    ask->is_of_stranger = is_of_stranger;
    ask->is_unknown = !is_known;
    mailmap->stranger_count += is_of_stranger;
    xf_list_init(&ask->waits);
    xf_timer_init(&ask->timer, on_late, ask);
    xf_timer_start(mailmap->opts.timers, &ask->timer, patience_ms(mailmap, is_known));
    xf_mailmap_query_queue(ask);
    (void)xf_map_set(mailmap->asks, ask->address, ask);
    return ask;
}

/* One of our users waits for it now. */
static void move_up(struct xf_mailmap_query *ask)
{
    ask->is_of_stranger = false;
    ask->mailmap->stranger_count--;
    if (!xf_list_is_linked(&ask->node))
        return;
    xf_list_remove(&ask->node);
    xf_mailmap_query_queue(ask);
}

static bool has_room(const struct xf_mailmap *mailmap, bool is_of_stranger)
{
    return xf_map_count(mailmap->asks) < XF_ASKS_MAX &&
           (!is_of_stranger || mailmap->stranger_count < XF_ASKS_STRANGERS_MAX);
}

enum xf_mailmap_answer xf_mailmap_query_begin(struct xf_mailmap *mailmap, struct xf_span address,
                                              unsigned kind, bool is_known)
{
    struct xf_mailmap_query *ask = xf_map_find(mailmap->asks, address);
    bool is_of_stranger = kind & XF_ASK_JID;
    bool can_ask = !mailmap->file_job.is_known || (mailmap->directory && !mailmap->is_away) ||
                   (!is_known && xf_jobs_hold(mailmap));
    if (ask && ask->is_late)
        return XF_MAILMAP_NONE;
    if (!ask && (!can_ask || !has_room(mailmap, is_of_stranger)))
        return XF_MAILMAP_NONE;
    if (!ask)
        ask = make(mailmap, address, is_of_stranger, is_known);
    else if (ask->is_of_stranger && !is_of_stranger)
        move_up(ask);
    ask->wants |= kind;
    return XF_MAILMAP_LATER;
}

/* A woken waiter may ask again, so the query is removed first. */
void xf_mailmap_query_end(struct xf_mailmap_query *ask)
{
    struct xf_node waits;
    xf_list_init(&waits);
    while (!xf_list_is_empty(&ask->waits)) {
        struct xf_node *node = ask->waits.next;
        xf_list_remove(node);
        xf_list_push(&waits, node);
    }
    (void)xf_map_remove(ask->mailmap->asks, ask->address);
    ask->mailmap->stranger_count -= ask->is_of_stranger;
    xf_timer_stop(&ask->timer);
    xf_list_remove(&ask->node);
    xf_free(ask);
    wake(&waits);
}

struct xf_mailmap_query *xf_mailmap_query_next(const struct xf_mailmap *mailmap)
{
    const struct xf_node *from =
        xf_list_is_empty(&mailmap->queue) ? &mailmap->strangers : &mailmap->queue;
    return xf_list_is_empty(from) ? NULL : XF_CONTAINER(from->next, struct xf_mailmap_query, node);
}

void xf_asks_end(struct xf_mailmap *mailmap)
{
    struct xf_mailmap_query *ask;
    struct xf_node held;
    xf_list_init(&held);
    while ((ask = xf_mailmap_query_next(mailmap))) {
        if (ask->is_unknown && xf_jobs_hold(mailmap)) {
            xf_list_remove(&ask->node);
            xf_list_push(&held, &ask->node);
        } else {
            xf_mailmap_query_end(ask);
        }
    }
    while (!xf_list_is_empty(&held)) {
        ask = XF_CONTAINER(held.next, struct xf_mailmap_query, node);
        xf_list_remove(&ask->node);
        xf_mailmap_query_queue(ask);
    }
}

void xf_mailmap_wait(struct xf_mailmap *mailmap, struct xf_span address,
                     struct xf_mailmap_wait *wait)
{
    struct xf_mailmap_query *ask = xf_map_find(mailmap->asks, address);
    xf_require(ask && !ask->is_late && !xf_list_is_linked(&wait->node)); /* only after LATER */
    xf_list_push(&ask->waits, &wait->node);
}

void xf_mailmap_forget(struct xf_mailmap_wait *wait)
{
    xf_list_remove(&wait->node);
}
