/* SPDX-License-Identifier: MIT */
/*
 * repair.c — notes available presence in both directions, and when a peer is lost and back.
 *
 * Contacts are noted from full JID to bare JID: a server sends presence to a bare JID, answers a
 * probe to the full JID that asked, and says later to the bare JID that it is over. Occupants of
 * chat rooms are noted from and to full JIDs, which name the room and the nick (XEP-0045 §7.2): a
 * peer's user in a room of ours, who joins with a child in the namespace muc, and our user in a
 * room of the peer, whose own presence has the status 110. What a room says of its other occupants
 * is not noted: a client forgets them when it has to leave.
 */
#include "repair_priv.h"

#include "rare_priv.h"
#include "routing_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

/* ------------------------------------------------------------------ what a presence is */

static bool is_join(const struct xf_stanza *stanza)
{
    struct xf_stanza_child child;
    return stanza->to.resource.ptr && xf_stanza_child_in(stanza, XF_NS_MUC, &child);
}

static bool is_of_room(const struct xf_stanza *stanza)
{
    struct xf_stanza_child child;
    return xf_stanza_child_in(stanza, XF_NS_MUC_USER, &child);
}

static bool holds(struct xf_span text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* Of a room, about the user to whom it is sent (XEP-0045 §7.2.2). */
static bool is_self_presence(const struct xf_stanza *stanza)
{
    struct xf_stanza_child child;
    return xf_stanza_child_in(stanza, XF_NS_MUC_USER, &child) &&
           (holds(child.whole, "code=\"110\"") || holds(child.whole, "code='110'"));
}

/* ------------------------------------------------------------------ notes */

static struct xf_repair *repair_of(struct xf_presences *presences)
{
    return presences ? XF_CONTAINER(presences, struct xf_repair, presences) : NULL;
}

static struct xf_repair *find(const struct xf_routing *routing, struct xf_span local,
                              struct xf_span peer)
{
    return repair_of(xf_presences_find(&routing->presences, local, peer));
}

/* Presence between these two, whether it was noted for the full JID or for the bare one. */
static struct xf_presence *find_between(const struct xf_routing *routing, const struct xf_jid *from,
                                        const struct xf_jid *to)
{
    struct xf_presence *presence = NULL;
    if (to->resource.ptr)
        presence = xf_presence_find(&routing->presences, from->full, to->full);
    return presence ? presence : xf_presence_find(&routing->presences, from->full, xf_jid_bare(to));
}

static void log_full(struct xf_routing *routing, struct xf_span local, struct xf_span peer)
{
    unsigned suppressed = 0;
    if (xf_rare_is_due(&routing->repair_full, xf_routing_now(routing), &suppressed))
        /* bounded: xf_rare */
        xf_log(XF_LOG_INFO, "routing.repair.full", XF_SPN("local", local), XF_SPN("peer", peer),
               XF_INT("bytes", routing->presences.bytes),
               XF_INT("max_bytes", routing->presences.max_bytes), XF_INT("suppressed", suppressed));
}

/* NULL: there is no room. */
static struct xf_repair *repair_for(struct xf_routing *routing, struct xf_span local,
                                    struct xf_span peer)
{
    struct xf_repair *repair = find(routing, local, peer);
    if (repair)
        return repair;
    repair = xf_new(struct xf_repair);
    if (!xf_presences_enter(&routing->presences, &repair->presences, local, peer,
                            !xf_policy_names(routing->policy, peer), xf_routing_now(routing))) {
        xf_free(repair);
        return NULL;
    }
    repair->routing = routing;
    xf_timer_init(&repair->timer, xf_repair_on_timer, repair);
    return repair;
}

/* `presence` is the one that was noted before; NULL: none was. */
static void note(struct xf_repair *repair, struct xf_presence *presence, enum xf_presence_list list,
                 enum xf_presence_kind kind, const struct xf_stanza *stanza)
{
    struct xf_span to = kind == XF_PRESENCE_CONTACT ? xf_jid_bare(&stanza->to) : stanza->to.full;
    if (presence)
        xf_presence_move(presence, list);
    else if (!xf_presence_add(&repair->presences, list, kind, stanza->from.full, to))
        log_full(repair->routing, repair->presences.local, repair->presences.peer);
}

/* Frees the pair if nothing is left to know or to say. */
static void drop(struct xf_presence *presence)
{
    struct xf_repair *repair = repair_of(presence->pair);
    xf_presence_drop(presence);
    if (repair->state == XF_REPAIR_WELL && xf_presences_is_empty(&repair->presences))
        xf_repair_free(repair);
}

/* An error for presence means that it did not arrive, or that its sender is not welcome there. */
static void drop_refused(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    struct xf_presence *presence = find_between(routing, &stanza->to, &stanza->from);
    if (presence)
        drop(presence);
}

/*
 * A room tells its guest the own place. One who changes the nick leaves a place without saying so,
 * and takes another without a join, which was noted as for a contact (XEP-0045 §7.6).
 */
static void follow_guest(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    const struct xf_presence_table *table = &routing->presences;
    struct xf_span user = stanza->to.full, place = stanza->from.full;
    struct xf_presence *guest = xf_presence_find(table, user, place),
                       *contact = xf_presence_find(table, user, xf_jid_bare(&stanza->from));
    if (guest && xf_span_is(stanza->type, "unavailable"))
        drop(guest);
    else if (!guest && contact && !stanza->type.ptr &&
             xf_presence_add(contact->pair, contact->list, XF_PRESENCE_GUEST, user, place))
        drop(contact);
}

/* ------------------------------------------------------------------ stanzas */

static bool is_lost(const struct xf_repair *repair)
{
    return repair->state == XF_REPAIR_LOST || repair->state == XF_REPAIR_TELLING ||
           repair->state == XF_REPAIR_AWAY;
}

/* The peer writes to us, so it is back. `local`: the domain to which it writes. */
static void see_available(struct xf_routing *routing, struct xf_span local,
                          const struct xf_stanza *stanza)
{
    struct xf_presence *presence = find_between(routing, &stanza->from, &stanza->to);
    struct xf_repair *repair =
        presence ? repair_of(presence->pair) : repair_for(routing, local, stanza->from.domain);
    if (!repair) {
        log_full(routing, local, stanza->from.domain);
        return;
    }
    if (is_lost(repair)) {
        xf_repair_fire(repair, XF_REPAIR_ON_BACK);
        presence = find_between(routing, &stanza->from, &stanza->to); /* those gone are dropped */
    }
    if (is_self_presence(stanza))
        note(repair, presence, XF_PRESENCE_SEEN, XF_PRESENCE_SELF, stanza);
    else if (!is_of_room(stanza))
        note(repair, presence, XF_PRESENCE_SEEN,
             is_join(stanza) ? XF_PRESENCE_GUEST : XF_PRESENCE_CONTACT, stanza);
}

static void see(struct xf_routing *routing, struct xf_span local, const struct xf_stanza *stanza)
{
    struct xf_presence *presence;
    if (!stanza->type.ptr)
        see_available(routing, local, stanza);
    else if (xf_span_is(stanza->type, "error"))
        drop_refused(routing, stanza);
    else if (xf_span_is(stanza->type, "unavailable") &&
             (presence = find_between(routing, &stanza->from, &stanza->to)))
        drop(presence);
    if (is_self_presence(stanza))
        follow_guest(routing, stanza);
}

void xf_repair_saw(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    char scratch[XF_JID_MAX + 1];
    if (!stanza->shown_to.ptr) {
        see(routing, stanza->to.domain, stanza);
        return;
    }
    struct xf_stanza mapped = *stanza; /* an e-mail address: the cluster knows the user by JID */
    if (xf_jid_prepare(stanza->shown_to, scratch, &mapped.to) == XF_ERR_OK)
        see(routing, stanza->to.domain, &mapped);
}

static bool is_guest_who_left(const struct xf_presence *presence)
{
    return presence && presence->kind == XF_PRESENCE_GUEST && presence->list == XF_PRESENCE_LEFT;
}

/* A room knows its occupants by their full JIDs: a new place there takes the old one's. */
static bool forget_other_places(struct xf_repair *repair, const struct xf_stanza *stanza)
{
    struct xf_span room = xf_jid_bare(&stanza->to);
    bool had_some = false;
    XF_LIST_EACH_SAFE (node, &repair->presences.lists[XF_PRESENCE_LEFT]) {
        struct xf_presence *left = XF_CONTAINER(node, struct xf_presence, node);
        struct xf_span to = xf_presence_to(left);
        if (!xf_span_eq(xf_presence_from(left), stanza->from.full) || to.len <= room.len ||
            to.ptr[room.len] != '/' || memcmp(to.ptr, room.ptr, room.len) != 0 ||
            xf_span_eq(to, stanza->to.full))
            continue;
        xf_presence_drop(left);
        had_some = true;
    }
    return had_some;
}

/*
 * While the peer is lost, a join is only noted if the room may still have to hear that the user has
 * left: whoever joins anew is there again, by whatever nick, unless the join comes back
 * (xf_repair_returned). A mere change of the status is no join.
 */
static void send_available(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    bool is_guest = is_join(stanza);
    struct xf_presence *presence =
        is_guest ? xf_presence_find(&routing->presences, stanza->from.full, stanza->to.full)
                 : find_between(routing, &stanza->from, &stanza->to);
    struct xf_repair *repair = presence
                                   ? repair_of(presence->pair)
                                   : repair_for(routing, stanza->from.domain, stanza->to.domain);
    if (presence && is_guest)
        presence->kind = XF_PRESENCE_GUEST; /* return_unavailable does not know that */
    if (!repair) {
        log_full(routing, stanza->from.domain, stanza->to.domain);
        return;
    }
    bool had_place = is_guest && (forget_other_places(repair, stanza) || presence);
    if (is_guest ? had_place || !is_lost(repair) : !is_guest_who_left(presence))
        note(repair, presence, XF_PRESENCE_SENT, is_guest ? XF_PRESENCE_GUEST : XF_PRESENCE_CONTACT,
             stanza);
}

/* Our user has left. The peer has to hear that later if it cannot hear it now. */
static void send_unavailable(struct xf_presence *presence)
{
    if (is_lost(repair_of(presence->pair)))
        xf_presence_move(presence, XF_PRESENCE_LEFT);
    else
        drop(presence);
}

void xf_repair_sent(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    struct xf_presence *presence;
    if (!stanza->type.ptr && !is_of_room(stanza))
        send_available(routing, stanza);
    else if (xf_span_is(stanza->type, "error"))
        drop_refused(routing, stanza);
    else if (xf_span_is(stanza->type, "unavailable") &&
             (presence = find_between(routing, &stanza->from, &stanza->to)))
        send_unavailable(presence);
    if (is_self_presence(stanza))
        follow_guest(routing, stanza);
}

static void return_available(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    struct xf_presence *presence;
    if (!is_join(stanza))
        return;
    presence = xf_presence_find(&routing->presences, stanza->from.full, stanza->to.full);
    if (presence && presence->kind == XF_PRESENCE_GUEST && presence->list == XF_PRESENCE_SENT &&
        repair_of(presence->pair)->state != XF_REPAIR_WELL)
        xf_presence_move(presence, XF_PRESENCE_LEFT);
}

/* One that the peer did not get, by which presence `from` and `to` is to be noted in `list`. */
static void note_missed(struct xf_routing *routing, const struct xf_stanza *stanza,
                        enum xf_presence_list list, const struct xf_jid *from,
                        const struct xf_jid *to)
{
    struct xf_repair *repair;
    if (routing->is_draining)
        return;
    repair = repair_for(routing, stanza->from.domain, stanza->to.domain);
    if (!repair ||
        !xf_presence_add(&repair->presences, list, XF_PRESENCE_CONTACT, from->full, to->full))
        log_full(routing, stanza->from.domain, stanza->to.domain);
    if (repair)
        xf_repair_fire(repair, XF_REPAIR_ON_MISSED);
}

/*
 * The peer still takes our user for available, unless the user has come again meanwhile. What was
 * noted about that is gone since the stanza was sent (send_unavailable). A bare JID has no presence
 * of its own: it is in answers to probes only, which the peer asks again.
 */
static void return_unavailable(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    if (stanza->from.resource.ptr && !find_between(routing, &stanza->from, &stanza->to))
        note_missed(routing, stanza, XF_PRESENCE_LEFT, &stanza->from, &stanza->to);
}

/* The contact is still gone for the cluster, and is asked again. */
static void return_probe(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    if (!xf_presence_find(&routing->presences, stanza->to.full, stanza->from.full))
        note_missed(routing, stanza, XF_PRESENCE_GONE, &stanza->to, &stanza->from);
}

bool xf_repair_is_ours(const struct xf_stanza *stanza)
{
    return stanza->kind == XF_STANZA_PRESENCE && xf_span_is(stanza->type, "probe") &&
           xf_span_is(stanza->id, XF_REPAIR_PROBE_ID);
}

void xf_repair_returned(struct xf_routing *routing, const struct xf_stanza *stanza)
{
    if (!stanza->type.ptr)
        return_available(routing, stanza);
    else if (xf_repair_is_ours(stanza))
        return_probe(routing, stanza);
    else
        return_unavailable(routing, stanza);
}

/* ------------------------------------------------------------------ peers */

void xf_repair_failed(struct xf_routing *routing, struct xf_span local, struct xf_span peer)
{
    struct xf_repair *repair = find(routing, local, peer);
    if (repair)
        xf_repair_fire(repair, XF_REPAIR_ON_FAILED);
}

void xf_repair_back(struct xf_routing *routing, struct xf_span local, struct xf_span peer)
{
    struct xf_repair *repair = find(routing, local, peer);
    if (repair)
        xf_repair_fire(repair, XF_REPAIR_ON_BACK);
}

void xf_repair_free_all(struct xf_routing *routing)
{
    size_t cursor = 0;
    void *presences = NULL;
    while (xf_map_next(routing->presences.pairs, &cursor, NULL, &presences))
        xf_repair_free(repair_of(presences));
    xf_presence_table_fini(&routing->presences);
}
