/* SPDX-License-Identifier: MIT */
/*
 * repair_actions.c — says what must be said about presence, a few stanzas at a time.
 *
 * A peer that is lost for repair-after, and that does not write to us either: the cluster gets
 * unavailable presence from each contact that it takes for available, and from each occupant of our
 * rooms, who so leaves them. Our user in a room of the peer gets unavailable presence from the own
 * nick with the status 333, which says that a link between servers failed (XEP-0045, registry of
 * status codes): clients then join again when they can. While the peer is lost, a ping to the own
 * nick (XEP-0410) gets remote-server-timeout like any stanza; clients take that for "unknown".
 *
 * When the peer is back, it gets the unavailable presence that our users sent in vain. If the
 * cluster was told, each of our users who had presence with it asks its contact by a probe (RFC
 * 6121 §4.3), and a probe in the contact's name asks our user: so each side has the present state
 * from whoever knows it. Presence is not kept and replayed.
 */
#include "repair_priv.h"

#include "links_priv.h"
#include "routing_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>
#include <xfed/xmpp/owner.h>

#define TICK_MS   100
#define BATCH     50       /* presences said in a tick */
#define WAIT_MS   1000     /* while its route has no stream */
#define FORGET_MS 86400000 /* a peer that is away for so long is not asked any more */

/* What the room would say to a user who is removed by a failure between servers. */
static const char removed[] = "<x xmlns='" XF_NS_MUC_USER "'><item affiliation='none' role='none'/>"
                              "<status code='110'/><status code='333'/></x>";

static void start_timer(struct xf_repair *repair, uint64_t wait_ms)
{
    xf_timer_start(repair->routing->env->timers, &repair->timer, wait_ms);
}

static void log_repair(const struct xf_repair *repair, const char *what)
{
    const struct xf_presences *presences = &repair->presences;
    /* bounded: xf_lines */
    xf_log(xf_lines_level(repair->routing->env, XF_LINES_PEERS, xf_domain_owner(presences->peer),
                          XF_LOG_INFO, "routing.presence.repaired"),
           "routing.presence.repaired", XF_SPN("local", presences->local),
           XF_SPN("peer", presences->peer), XF_WORD("step", what),
           XF_INT("bytes", presences->bytes));
}

/* ------------------------------------------------------------------ single stanzas */

struct addresses {
    char from[XF_JID_MAX + 1], to[XF_JID_MAX + 1];
};

/* Both were prepared when they were noted, so this succeeds. */
static bool address(struct xf_span from, struct xf_span to, struct addresses *room,
                    struct xf_stanza *out)
{
    return xf_jid_prepare(from, room->from, &out->from) == XF_ERR_OK &&
           xf_jid_prepare(to, room->to, &out->to) == XF_ERR_OK;
}

static struct xf_stanza presence_of(const char *type, const char *payload)
{
    return (struct xf_stanza){
        .kind = XF_STANZA_PRESENCE, .type = xf_span_of(type), .payload = xf_span_of(payload)};
}

static void send_to_cluster(struct xf_routing_link *link, const struct xf_stanza *stanza)
{
    /* What the link does not take now, it has no room for; the next probe may do better. */
    (void)!xf_link_send(link->link, stanza);
}

static void tell_unavailable(struct xf_routing_link *link, const struct xf_presence *presence)
{
    struct addresses room;
    struct xf_span to = xf_presence_to(presence);
    struct xf_stanza stanza = presence_of("unavailable", "");
    if (!address(xf_presence_from(presence), to, &room, &stanza))
        return;
    if (presence->kind == XF_PRESENCE_SELF)
        stanza.payload = xf_span_of(removed);
    send_to_cluster(link, &stanza);
}

static bool may(const struct xf_repair *repair, enum xf_direction direction)
{
    return xf_policy_may(repair->routing->policy, repair->presences.local, repair->presences.peer,
                         direction);
}

static void send_to_peer(struct xf_repair *repair, struct xf_routing_link *link, const char *type,
                         struct xf_span id, struct xf_span from, struct xf_span to)
{
    struct addresses room;
    struct xf_stanza stanza = presence_of(type, "");
    stanza.id = id;
    if (may(repair, XF_DIRECTION_OUT) && address(from, to, &room, &stanza))
        repair->routing->repair_ops->carry(repair->routing, link, &stanza);
}

/* ------------------------------------------------------------------ lost */

void xf_repair_wait(struct xf_repair *repair)
{
    start_timer(repair, repair->routing->settings.repair_after_ms);
}

/* It cannot be reached, but it may reach us: then its presence comes as before. */
static void look_whether_lost(struct xf_repair *repair)
{
    if (xf_s2s_hears(repair->routing->s2s, repair->presences.peer))
        xf_repair_wait(repair);
    else
        xf_repair_fire(repair, XF_REPAIR_ON_DUE);
}

void xf_repair_tell(struct xf_repair *repair)
{
    log_repair(repair, "telling");
    start_timer(repair, 0);
}

static void tell_some(struct xf_repair *repair, struct xf_routing_link *link)
{
    struct xf_presence *presence = NULL;
    for (int i = 0; i < BATCH && xf_link_takes(link->link, repair->presences.peer) &&
                    (presence = xf_presence_first(&repair->presences, XF_PRESENCE_SEEN));
         i++) {
        tell_unavailable(link, presence);
        if (presence->kind == XF_PRESENCE_CONTACT)
            xf_presence_move(presence, XF_PRESENCE_GONE);
        else
            xf_presence_drop(presence);
    }
    if (xf_presence_first(&repair->presences, XF_PRESENCE_SEEN))
        start_timer(repair, TICK_MS);
    else
        xf_repair_fire(repair, XF_REPAIR_ON_DONE);
}

void xf_repair_owe(struct xf_repair *repair)
{
    start_timer(repair, FORGET_MS);
}

/* Our users were told that they are in the peer's rooms no more: the rooms have to hear it too. */
void xf_repair_rest(struct xf_repair *repair)
{
    XF_LIST_EACH_SAFE (node, &repair->presences.lists[XF_PRESENCE_SENT]) {
        struct xf_presence *presence = XF_CONTAINER(node, struct xf_presence, node);
        if (presence->kind == XF_PRESENCE_GUEST)
            xf_presence_move(presence, XF_PRESENCE_LEFT);
    }
    start_timer(repair, FORGET_MS);
}

/* ------------------------------------------------------------------ back */

static struct xf_span bare(struct xf_span full)
{
    const char *slash = memchr(full.ptr, '/', full.len);
    return (struct xf_span){full.ptr, slash ? (size_t)(slash - full.ptr) : full.len};
}

static void plan_probe(struct xf_repair *repair, struct xf_span local, struct xf_span remote)
{
    char text[XF_PRESENCE_KEY_BYTES];
    memcpy(text, local.ptr, local.len);
    text[local.len] = '\0';
    memcpy(text + local.len + 1, remote.ptr, remote.len);
    if (!repair->to_probe)
        repair->to_probe = xf_map_new();
    (void)xf_map_set(repair->to_probe, (struct xf_span){text, local.len + 1 + remote.len}, repair);
}

static void plan_list(struct xf_repair *repair, enum xf_presence_list list)
{
    bool is_ours = list == XF_PRESENCE_SENT;
    XF_LIST_EACH (node, &repair->presences.lists[list]) {
        const struct xf_presence *presence = XF_CONTAINER(node, struct xf_presence, node);
        struct xf_span from = bare(xf_presence_from(presence)), to = bare(xf_presence_to(presence));
        if (presence->kind == XF_PRESENCE_CONTACT)
            plan_probe(repair, is_ours ? from : to, is_ours ? to : from);
    }
}

static void drop_list(struct xf_repair *repair, enum xf_presence_list list)
{
    struct xf_presence *presence;
    while ((presence = xf_presence_first(&repair->presences, list)))
        xf_presence_drop(presence);
}

static void plan_those_gone(struct xf_repair *repair)
{
    plan_list(repair, XF_PRESENCE_GONE);
    drop_list(repair, XF_PRESENCE_GONE);
}

void xf_repair_return(struct xf_repair *repair)
{
    plan_those_gone(repair); /* by probes that were not delivered before */
    start_timer(repair, 0);
}

void xf_repair_return_and_ask(struct xf_repair *repair)
{
    log_repair(repair, "asking");
    plan_list(repair, XF_PRESENCE_SEEN);
    plan_list(repair, XF_PRESENCE_SENT);
    plan_those_gone(repair);
    start_timer(repair, 0);
}

static bool say_one_left(struct xf_repair *repair, struct xf_routing_link *link)
{
    struct addresses text;
    struct xf_presence *presence = xf_presence_first(&repair->presences, XF_PRESENCE_LEFT);
    if (!presence)
        return false;
    struct xf_span from = xf_presence_from(presence), to = xf_presence_to(presence);
    memcpy(text.from, from.ptr, from.len);
    memcpy(text.to, to.ptr, to.len);
    from.ptr = text.from;
    to.ptr = text.to;
    xf_presence_drop(presence); /* or its own stanza would be noted */
    send_to_peer(repair, link, "unavailable", XF_SPAN_NONE, from, to);
    return true;
}

static bool ask_one(struct xf_repair *repair, struct xf_routing_link *link)
{
    struct addresses room;
    size_t cursor = 0;
    struct xf_span key;
    struct xf_stanza stanza = presence_of("probe", "");
    if (!repair->to_probe || !xf_map_next(repair->to_probe, &cursor, &key, NULL))
        return false;
    struct xf_span local = {key.ptr, strlen(key.ptr)};
    struct xf_span remote = {key.ptr + local.len + 1, key.len - local.len - 1};
    send_to_peer(repair, link, "probe", XF_SPAN(XF_REPAIR_PROBE_ID), local, remote);
    if (may(repair, XF_DIRECTION_IN) && address(remote, local, &room, &stanza))
        send_to_cluster(link, &stanza);
    (void)xf_map_remove(repair->to_probe, key);
    return true;
}

static bool is_all_said(const struct xf_repair *repair)
{
    return !xf_presence_first(&repair->presences, XF_PRESENCE_LEFT) &&
           (!repair->to_probe || xf_map_count(repair->to_probe) == 0);
}

/* How many stanzas the peer takes now: the first one may have to open a stream. */
static int room_to_speak(const struct xf_repair *repair)
{
    static const int room[] = {
        [XF_REPAIR_OPEN] = BATCH, [XF_REPAIR_CLOSED] = 1, [XF_REPAIR_BUSY] = 0};
    return room[repair->routing->repair_ops->way(repair->routing, repair->presences.local,
                                                 repair->presences.peer)];
}

static void return_some(struct xf_repair *repair, struct xf_routing_link *link)
{
    int room = room_to_speak(repair);
    for (int i = 0; i < room && repair->state == XF_REPAIR_RETURNING &&
                    xf_link_takes(link->link, repair->presences.peer);
         i++)
        if (!say_one_left(repair, link) && !ask_one(repair, link))
            break;
    if (repair->state != XF_REPAIR_RETURNING)
        return; /* it failed while we spoke */
    if (is_all_said(repair))
        xf_repair_fire(repair, XF_REPAIR_ON_DONE);
    else
        start_timer(repair, room > 0 ? TICK_MS : WAIT_MS);
}

void xf_repair_be_well(struct xf_repair *repair)
{
    xf_map_free(&repair->to_probe);
    drop_list(repair, XF_PRESENCE_LEFT);
    drop_list(repair, XF_PRESENCE_GONE);
    if (xf_presences_is_empty(&repair->presences))
        xf_repair_free(repair);
}

/* ------------------------------------------------------------------ time */

void xf_repair_on_timer(void *owner)
{
    struct xf_repair *repair = owner;
    struct xf_routing *routing = repair->routing;
    struct xf_routing_link *link = xf_routing_link_serving(routing, repair->presences.local);
    bool is_wanted = link && !routing->is_draining &&
                     xf_policy_peer(routing->policy, repair->presences.peer)->repair_presence;
    if (!is_wanted || repair->state == XF_REPAIR_AWAY)
        xf_repair_free(repair);
    else if (repair->state == XF_REPAIR_LOST)
        look_whether_lost(repair);
    else if (repair->state == XF_REPAIR_OWING)
        xf_repair_fire(repair, XF_REPAIR_ON_DUE);
    else if (repair->state == XF_REPAIR_TELLING)
        tell_some(repair, link);
    else if (repair->state == XF_REPAIR_RETURNING)
        return_some(repair, link);
}

void xf_repair_free(struct xf_repair *repair)
{
    xf_timer_stop(&repair->timer);
    xf_map_free(&repair->to_probe);
    xf_presences_leave(&repair->presences);
    xf_free(repair);
}
