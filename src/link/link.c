/* SPDX-License-Identifier: MIT */
/*
 * link.c — the link as its users see it: one component of the cluster, or one for each peer.
 *
 * Before it writes a byte, xf_link_send checks what would make an XEP-0114 server end the stream:
 * the addresses and the size. The XML reader ensures that the text is legal XML. The numbers of
 * components that are up or congested are updated at each change, so that a query costs the same
 * for one component as for a thousand.
 *
 * Failures:
 *   - no component is up: stanzas are held; after hold_ms they expire (events->expired) and new
 *     ones are refused;
 *   - the server does not know the name of a peer (names = per-peer): the component of that peer
 *     stays down, the others go on;
 *   - strangers choose how many names they have, and each name costs the cluster a connection
 *     (names = per-peer): when there are too many, the owner (xmpp/owner.h) with the most
 *     components loses the longest unused one to another owner.
 */
#include <xfed/link/link.h>

#include "component_priv.h"
#include "outage_priv.h"
#include "question_priv.h"
#include "view_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/forms.h>
#include <xfed/base/help.h>
#include <xfed/base/map.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>
#include <xfed/xmpp/owner.h>

/* A peer's component that was unused for this long may end to make room for another owner's. */
#define UNUSED_MS       60000
#define SILENT_REQUESTS 20
#define SILENT_MS       60000
#define PEERS_PART      8 /* peers' components use at most 1/8 of the descriptors */

struct xf_link {
    struct xf_env *env;
    const struct xf_link_settings *settings;
    struct xf_leg_common common;
    struct xf_buf rewritten;
    const struct xf_link_events *events;
    void *owner;
    struct xf_addr *addrs;
    unsigned *weights; /* of the nodes at addrs */
    size_t addr_count;
    struct xf_hold_budget budget;
    struct xf_component *component; /* the only one; NULL with names = per-peer */
    struct xf_map *peers;           /* peer -> component; NULL without names = per-peer */
    struct xf_quota quota;          /* components of peers that are not kept */
    size_t component_count, up_count, congested_count;
    bool is_stopping, was_congested, was_up;
    bool has_module; /* xf_link_has_module */
    bool in_send;    /* xf_link_send is running and delivers no events */
    bool is_full_logged;
    struct xf_timer refuse; /* while the link is down, until hold_ms have passed */
    bool refuses;
    struct xf_outage outage; /* not with names = per-peer */
    struct xf_questions questions;
    struct silence {
        unsigned asked; /* requests of peers that the server took, while it said nothing */
        uint64_t since_ms;
        bool is_over, is_told; /* the server has sent something; and the silence was logged */
    } silence;
};

/* ------------------------------------------------------------------ counts and their events */

bool xf_link_is_up(const struct xf_link *link)
{
    return link->up_count > 0 || (link->peers && link->component_count == 0);
}

/*
 * While nothing is up, how much is held before S2S should stop reading peers? What is read is sure
 * to be delivered or returned; what is left unread is lost when the peer's connection breaks. But
 * there must be room for those that are not stopped at once, and with names = per-peer this is long
 * before an owner's share (hold_priv.h) is used up. What a lost stream has not proved is as good as
 * held: it comes back when the connection has closed.
 */
static bool is_tight(const struct xf_link *link)
{
    size_t bytes = link->budget.held.bytes;
    if (link->component && link->up_count == 0)
        bytes += link->budget.unproved.bytes;
    return bytes > link->budget.max_bytes / 4;
}

bool xf_link_is_congested(const struct xf_link *link)
{
    return link->congested_count > 0 || is_tight(link);
}

bool xf_link_is_full(const struct xf_link *link, struct xf_span peer)
{
    if (!xf_link_is_congested(link))
        return false;
    if (link->component)
        return link->up_count > 0 ? xf_component_is_full(link->component) : is_tight(link);
    const struct xf_component *component = xf_map_find(link->peers, peer);
    return component && (xf_component_is_congested(component) ||
                         (is_tight(link) && !xf_hold_is_empty(&component->hold)));
}

bool xf_link_takes(const struct xf_link *link, struct xf_span peer)
{
    const struct xf_component *component =
        link->peers ? xf_map_find(link->peers, peer) : link->component;
    if (link->is_stopping || !component || component->up_count == 0)
        return link->peers != NULL;
    return !xf_component_is_congested(component);
}

uint64_t xf_link_wait_ms(const struct xf_link *link, struct xf_span peer)
{
    const struct xf_component *component =
        link->peers ? xf_map_find(link->peers, peer) : link->component;
    uint64_t hold_ms = link->settings->hold_ms, lasted_ms;
    if (link->is_stopping || link->budget.is_closed)
        return 0;
    if (!component || component->hold.is_up)
        return hold_ms;
    lasted_ms = link->env->clock->now_ms - component->hold.down_since_ms;
    return lasted_ms < hold_ms && !link->budget.is_over ? hold_ms - lasted_ms : 0;
}

static void count(bool *counted, bool is, size_t *sum)
{
    if (*counted == is)
        return;
    *counted = is;
    if (is)
        (*sum)++;
    else
        (*sum)--;
}

static void set_refuses(struct xf_link *link, bool refuses)
{
    if (link->refuses == refuses)
        return;
    link->refuses = refuses;
    if (link->events->refuses)
        link->events->refuses(link->owner, link, refuses);
}

static void on_refuse(void *owner)
{
    set_refuses(owner, true);
}

static void refuse_later(struct xf_link *link)
{
    if (link->settings->refuse_peers && !link->peers && !link->is_stopping)
        xf_timer_start(link->env->timers, &link->refuse, link->settings->hold_ms);
}

static void refuse_no_longer(struct xf_link *link)
{
    xf_timer_stop(&link->refuse);
    set_refuses(link, false);
}

bool xf_link_refuses(const struct xf_link *link)
{
    return link->refuses;
}

static void begin_outage(struct xf_link *link)
{
    if (!link->peers && !link->is_stopping)
        xf_outage_begin(&link->outage);
}

static void tell_state(struct xf_link *link)
{
    bool is_up = link->up_count > 0;
    if (is_up == link->was_up)
        return;
    link->was_up = is_up;
    if (!is_up) {
        if (!link->silence.is_told) /* the server may come back with another configuration */
            link->silence = (struct silence){0};
        refuse_later(link);
        begin_outage(link);
        return;
    }
    xf_outage_end(&link->outage);
    refuse_no_longer(link);
    /* tell `drained` also after an outage during which nothing was held */
    link->was_congested = true;
}

/* With one component, not before all that was held has gone out: whoever is told sends more. */
static bool has_room(const struct xf_link *link)
{
    if (!link->component)
        return true;
    return link->up_count > 0 ? !xf_component_holds(link->component) : !is_tight(link);
}

/*
 * One component or stream may have room again while others are still congested. Everybody who waits
 * is told; whoever needs a congested one waits again.
 */
static void tell_drained(struct xf_link *link)
{
    bool tells = link->was_congested && has_room(link);
    link->was_congested = xf_link_is_congested(link) || (link->was_congested && !tells);
    if (tells)
        link->events->drained(link->owner, link);
}

static void log_hold(struct xf_link *link)
{
    size_t bytes = link->budget.held.bytes + link->budget.unproved.bytes;
    bool is_full = bytes > link->budget.max_bytes - link->budget.max_bytes / 8;
    if (is_full == link->is_full_logged)
        return;
    link->is_full_logged = is_full;
    if (is_full)
        xf_log(XF_LOG_WARN, "link.hold.full", XF_STR("link", link->settings->title),
               XF_INT("bytes", bytes), XF_INT("max_bytes", link->budget.max_bytes));
    else
        xf_log(XF_LOG_INFO, "link.hold.relieved", XF_STR("link", link->settings->title),
               XF_INT("bytes", bytes));
}

static void on_changed(void *owner, struct xf_component *component)
{
    struct xf_link *link = owner;
    count(&component->counts_as_up, component->up_count > 0, &link->up_count);
    count(&component->counts_as_congested, xf_component_is_congested(component),
          &link->congested_count);
    xf_component_watch(component);
    log_hold(link);
    if (link->in_send) {
        link->was_congested |= xf_link_is_congested(link);
        return;
    }
    tell_state(link);
    tell_drained(link);
}

/* ------------------------------------------------------------------ a server that never answers */

/*
 * Each request of a peer gets an answer (RFC 6120 §8.2.3). A server that takes many and sends
 * nothing whatever does not hand foreign domains to us.
 */
static void count_request(struct xf_link *link, const struct xf_stanza *stanza)
{
    struct silence *silence = &link->silence;
    bool is_request = stanza->kind == XF_STANZA_IQ &&
                      (xf_span_is(stanza->type, "get") || xf_span_is(stanza->type, "set"));
    uint64_t now_ms = link->env->clock->now_ms;
    if (silence->is_over || silence->is_told || !is_request || link->up_count == 0 ||
        xf_questions_are_ours(stanza, link->settings->name))
        return;
    if (silence->asked++ == 0)
        silence->since_ms = now_ms;
    if (silence->asked < SILENT_REQUESTS || now_ms - silence->since_ms < SILENT_MS)
        return;
    silence->is_told = true;
    /* bounded: once until it is over */
    xf_log(XF_LOG_WARN, "link.answers.missing", XF_STR("link", link->settings->title),
           XF_INT("requests", silence->asked), XF_HELP(XF_HELP_MODULE_MISSING));
}

static void end_silence(struct xf_link *link)
{
    link->silence.is_over = true;
    if (link->silence.is_told)
        xf_log(XF_LOG_INFO, "link.answers.seen", XF_STR("link", link->settings->title));
    link->silence.is_told = false;
}

/* ------------------------------------------------------------------ events of the components */

static void on_stanza(void *owner, struct xf_stanza *stanza)
{
    struct xf_link *link = owner;
    bool is_answer = xf_questions_take(&link->questions, stanza);
    /* Presence comes the way of what is for peers, also as an answer to our question. */
    if (__builtin_expect(!link->silence.is_over, 0) &&
        (!is_answer || stanza->kind == XF_STANZA_PRESENCE))
        end_silence(link);
    if (is_answer)
        return;
    link->events->stanza(link->owner, link, stanza);
}

static void on_expired(void *owner, struct xf_stanza *stanza)
{
    struct xf_link *link = owner;
    if (xf_questions_are_ours(stanza, link->settings->name))
        return;
    xf_outage_cost(&link->outage);
    xf_log(XF_LOG_DEBUG, "link.stanza.expired", XF_STR("link", link->settings->title),
           XF_SPN("from", stanza->from.domain), XF_SPN("to", stanza->to.domain));
    link->events->expired(link->owner, link, stanza);
}

static void on_returned(void *owner, struct xf_stanza *stanza, enum xf_stanza_error error)
{
    struct xf_link *link = owner;
    if (!xf_questions_are_ours(stanza, link->settings->name))
        link->events->returned(link->owner, link, stanza, error);
}

static void on_gone(void *owner, struct xf_component *component)
{
    struct xf_link *link = owner;
    link->component_count--;
    xf_timer_stop(&component->idle);
    xf_quota_give(&link->quota, &component->place);
    if (component == link->component)
        link->component = NULL;
    else
        (void)xf_map_remove(link->peers, xf_span_of(component->legs[0]->name));
    xf_component_free(&component);
}

static void on_state(void *owner, struct xf_component *component, bool is_up)
{
    struct xf_link *link = owner;
    struct xf_span peer = link->peers ? xf_span_of(component->legs[0]->name) : XF_SPAN_NONE;
    if (link->events->state)
        link->events->state(link->owner, link, peer, is_up);
}

static const struct xf_component_events component_events = {
    .stanza = on_stanza,
    .expired = on_expired,
    .returned = on_returned,
    .changed = on_changed,
    .state = on_state,
    .gone = on_gone,
};

/* ------------------------------------------------------------------ components of peers */

static void on_component_idle(void *owner)
{
    struct xf_component *component = owner;
    struct xf_link *link = component->owner;
    uint64_t silent_ms = component->env->clock->now_ms - component->used_ms;
    if (component->is_kept)
        return;
    if (!xf_place_is_held(&component->place)) {
        xf_hold_expire_all(&component->hold);
        xf_component_stop(component, "displaced");
        return;
    }
    if (silent_ms >= XF_LINK_PEER_IDLE_MS && xf_hold_is_empty(&component->hold)) {
        xf_quota_give(&link->quota, &component->place);
        xf_component_stop(component, "idle");
        return;
    }
    uint64_t wait_ms =
        silent_ms < XF_LINK_PEER_IDLE_MS ? XF_LINK_PEER_IDLE_MS - silent_ms : XF_LINK_PEER_IDLE_MS;
    xf_timer_start(component->env->timers, &component->idle, wait_ms);
}

static struct xf_component *add_component(struct xf_link *link, struct xf_span name)
{
    struct xf_component *component =
        xf_component_new(&link->common, name, link->addrs, link->weights, link->addr_count,
                         &link->budget, &component_events, link);
    link->component_count++;
    component->hold.place = &component->place;
    xf_timer_init(&component->idle, on_component_idle, component);
    return component;
}

static struct xf_component *component_of(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_component, place);
}

static uint64_t used_ms(const struct xf_place *place)
{
    return component_of(place)->used_ms;
}

/*
 * False: there are too many components. One that has to make room ends when its timer fires, after
 * this call.
 */
static bool make_room(struct xf_link *link, struct xf_span peer, const struct xf_quota_keys *keys)
{
    const struct xf_quota_limits limits = {
        .per_member = 1,
        .per_group = link->settings->peers_per_owner,
        .total = xf_env_share(link->env, link->settings->peers, PEERS_PART),
        .unused_ms = UNUSED_MS,
    };
    struct xf_place *victim = NULL;
    if (xf_quota_look(&link->quota, keys, &limits, link->env->clock->now_ms, &victim) !=
        XF_QUOTA_ROOM) {
        xf_log(XF_LOG_DEBUG, "link.peer.refused", XF_STR("link", link->settings->title),
               XF_SPN("name", peer), XF_INT("max", limits.total));
        return false;
    }
    if (victim) {
        xf_quota_give(&link->quota, victim);
        xf_timer_start(link->env->timers, &component_of(victim)->idle, 0);
    }
    return true;
}

static struct xf_component *add_peer(struct xf_link *link, struct xf_span peer)
{
    struct xf_component *component = add_component(link, peer);
    (void)xf_map_set(link->peers, peer, component); /* the peer had none */
    return component;
}

static void take_place(struct xf_link *link, struct xf_component *component,
                       const struct xf_quota_keys *keys)
{
    xf_quota_enter(&link->quota, &component->place, keys, link->env->clock->now_ms);
    xf_hold_weigh(&component->hold);
    xf_timer_start(link->env->timers, &component->idle, XF_LINK_PEER_IDLE_MS);
}

/* NULL: there are too many components. One that is not kept and holds no place is about to end. */
static struct xf_component *component_for(struct xf_link *link, struct xf_span peer)
{
    struct xf_component *component = xf_map_find(link->peers, peer);
    if (component && (component->is_kept || xf_place_is_held(&component->place)))
        return component;
    const struct xf_quota_keys keys = {.group = xf_domain_owner(peer), .member = peer};
    if (!make_room(link, peer, &keys))
        return NULL;
    if (component)
        xf_component_start(component);
    else
        component = add_peer(link, peer);
    take_place(link, component, &keys);
    return component;
}

/* ------------------------------------------------------------------ public */

static void read_nodes(struct xf_link *link)
{
    link->weights = xf_alloc((link->settings->nodes.count + 1) * sizeof(*link->weights));
    link->addrs = xf_alloc((link->settings->nodes.count + 1) * sizeof(*link->addrs));
    for (size_t i = 0; i < link->settings->nodes.count; i++) {
        const char *node = link->settings->nodes.item[i];
        size_t at = link->addr_count;
        struct xf_span addr;
        if (xf_weighted_parse(node, &addr, &link->weights[at]) &&
            xf_addr_parse(addr, 5347, &link->addrs[at]) == XF_ERR_OK)
            link->addr_count++;
        else
            xf_log(XF_LOG_ERROR, "link.node.refused", XF_STR("link", link->settings->title),
                   XF_STR("node", node));
    }
}

struct xf_link *xf_link_new(struct xf_env *env, const struct xf_link_settings *settings,
                            const struct xf_link_events *events, void *owner)
{
    struct xf_link *link = xf_new(struct xf_link);
    link->env = env;
    link->settings = settings;
    xf_buf_init(&link->rewritten, settings->max_stanza_bytes);
    link->common = (struct xf_leg_common){
        env, settings, xf_map_new(), xf_map_new(), &link->budget.unproved, &link->rewritten};
    link->events = events;
    link->owner = owner;
    link->budget =
        (struct xf_hold_budget){.max_bytes = settings->hold_bytes, .hold_ms = settings->hold_ms};
    xf_quota_init(&link->quota, used_ms);
    xf_questions_init(&link->questions);
    read_nodes(link);
    xf_require(link->addr_count > 0); /* conf accepts no link without nodes */
    xf_timer_init(&link->refuse, on_refuse, link);
    if (settings->per_peer)
        link->peers = xf_map_new();
    else
        link->component = add_component(link, xf_span_of(settings->name));
    refuse_later(link);
    xf_outage_init(&link->outage, settings->title, env->clock, env->timers);
    begin_outage(link);
    return link;
}

const char *xf_link_name(const struct xf_link *link)
{
    return link->settings->name;
}

bool xf_link_has_name(const struct xf_link *link, struct xf_span domain)
{
    struct xf_span name = xf_span_of(link->settings->name);
    if (xf_span_eq(domain, name))
        return true;
    if (link->settings->driver != XF_LINK_ROUTER || domain.len <= name.len + 1)
        return false;
    const char *tail = domain.ptr + domain.len - name.len;
    return tail[-1] == '.' && xf_span_eq((struct xf_span){tail, name.len}, name);
}

void xf_link_has_module(struct xf_link *link)
{
    link->has_module = true;
}

static unsigned weight_in(const struct xf_texts *nodes, const struct xf_addr *wanted)
{
    for (size_t i = 0; i < nodes->count; i++) {
        struct xf_span text;
        struct xf_addr addr;
        unsigned weight;
        if (xf_weighted_parse(nodes->item[i], &text, &weight) &&
            xf_addr_parse(text, 5347, &addr) == XF_ERR_OK && xf_addr_eq(&addr, wanted))
            return weight;
    }
    return 0;
}

static bool tells_leave(const struct xf_link *link)
{
    return link->has_module || link->settings->driver == XF_LINK_ROUTER;
}

void xf_link_set_nodes(struct xf_link *link, const struct xf_texts *nodes, uint64_t drain_ms)
{
    unsigned *weights = xf_alloc(link->addr_count * sizeof(*weights)), sum = 0;
    for (size_t i = 0; i < link->addr_count; i++)
        sum += weights[i] = weight_in(nodes, &link->addrs[i]);
    if (link->component && !link->is_stopping && sum > 0)
        xf_component_weigh(link->component, weights, drain_ms, tells_leave(link));
    xf_free(weights);
}

void xf_link_leave(struct xf_link *link)
{
    if (link->component && tells_leave(link))
        xf_component_leave(link->component);
}

void xf_link_prove(struct xf_link *link)
{
    if (link->component)
        xf_component_prove(link->component);
}

bool xf_link_is_unsure(const struct xf_link *link)
{
    return link->component && xf_component_is_unsure(link->component);
}

bool xf_link_holds(const struct xf_link *link)
{
    return link->budget.held.count > 0;
}

static void each_hold(struct xf_link *link, void (*act)(struct xf_hold *hold))
{
    size_t cursor = 0;
    void *value = NULL;
    if (link->component)
        act(&link->component->hold);
    while (link->peers && xf_map_next(link->peers, &cursor, NULL, &value))
        act(&((struct xf_component *)value)->hold);
}

void xf_link_hold_no_more(struct xf_link *link)
{
    link->budget.is_over = true;
    each_hold(link, xf_hold_over);
}

void xf_link_return_held(struct xf_link *link)
{
    link->budget.is_closed = true;
    each_hold(link, xf_hold_return);
}

static void stop_component(struct xf_component *component)
{
    xf_timer_stop(&component->idle);
    xf_hold_expire_all(&component->hold);
    xf_component_stop(component, "stopped");
}

void xf_link_stop(struct xf_link *link)
{
    link->is_stopping = true;
    xf_timer_stop(&link->refuse);
    xf_outage_end(&link->outage);
    if (link->component)
        stop_component(link->component);
    size_t cursor = 0;
    void *component = NULL;
    while (link->peers && xf_map_next(link->peers, &cursor, NULL, &component))
        stop_component(component);
}

bool xf_link_is_gone(const struct xf_link *link)
{
    return link->component_count == 0;
}

void xf_link_free(struct xf_link **link)
{
    if (!*link)
        return;
    xf_require(xf_link_is_gone(*link));
    xf_map_free(&(*link)->peers);
    xf_map_free(&(*link)->common.served);
    xf_map_free(&(*link)->common.pinged);
    xf_buf_release(&(*link)->rewritten);
    xf_quota_fini(&(*link)->quota);
    xf_questions_fini(&(*link)->questions);
    xf_free((*link)->addrs);
    xf_free((*link)->weights);
    xf_free(*link);
    *link = NULL;
}

void xf_link_keep_peer(struct xf_link *link, struct xf_span peer)
{
    if (!link->peers || link->is_stopping)
        return;
    struct xf_component *component = xf_map_find(link->peers, peer);
    if (!component)
        component = add_peer(link, peer);
    else if (!component->is_kept && !xf_place_is_held(&component->place)) /* it was about to end */
        xf_component_start(component);
    component->is_kept = true;
    xf_quota_give(&link->quota, &component->place);
    xf_timer_stop(&component->idle);
}

static void let_go(struct xf_link *link, struct xf_component *component)
{
    struct xf_span name = xf_span_of(component->legs[0]->name);
    const struct xf_quota_keys keys = {.group = xf_domain_owner(name), .member = name};
    component->is_kept = false;
    take_place(link, component, &keys);
}

void xf_link_keep_none(struct xf_link *link)
{
    size_t cursor = 0;
    void *value = NULL;
    while (link->peers && !link->is_stopping && xf_map_next(link->peers, &cursor, NULL, &value)) {
        struct xf_component *component = value;
        if (component->is_kept)
            let_go(link, component);
    }
}

void xf_link_expect(struct xf_link *link, struct xf_span domain)
{
    (void)xf_map_set(link->common.served, domain, link);
}

void xf_link_expect_none(struct xf_link *link)
{
    xf_map_free(&link->common.served);
    link->common.served = xf_map_new();
}

static enum xf_err send_on_component(struct xf_link *link, const struct xf_stanza *stanza)
{
    struct xf_component *component =
        link->peers ? component_for(link, stanza->from.domain) : link->component;
    return component ? xf_component_send(component, stanza) : XF_ERR_CLOSED;
}

enum xf_err xf_link_send(struct xf_link *link, const struct xf_stanza *stanza)
{
    if (link->is_stopping)
        return XF_ERR_CLOSED;
    if (!stanza->from.full.ptr || !stanza->to.full.ptr)
        return XF_ERR_BAD_VALUE;
    if (!xf_xml_stanza_fits(stanza, XF_NS_COMPONENT, link->settings->max_stanza_bytes))
        return XF_ERR_LIMIT;
    bool was_in_send = link->in_send;
    link->in_send = true;
    enum xf_err err = send_on_component(link, stanza);
    link->in_send = was_in_send;
    if (err == XF_ERR_CLOSED)
        xf_outage_cost(&link->outage);
    else
        count_request(link, stanza);
    return err;
}

enum xf_err xf_link_ask(struct xf_link *link, struct xf_link_question *question,
                        const struct xf_link_asking *asking)
{
    char from[XF_PING_ID_BYTES + sizeof("@" XF_LINK_FAR_DOMAIN)];
    xf_questions_add(&link->questions, link->env, question);
    snprintf(from, sizeof(from), "%s@" XF_LINK_FAR_DOMAIN, question->id);
    struct xf_span name = xf_span_of(link->settings->name);
    struct xf_stanza stanza = {
        .kind = asking->payload ? XF_STANZA_IQ : XF_STANZA_PRESENCE,
        .from = {.full = name, .domain = name},
        .to = {.full = xf_span_of(asking->to), .domain = asking->domain},
        .type = asking->payload ? XF_SPAN("get") : XF_SPAN("probe"),
        .id = xf_span_of(question->id),
        .payload = xf_span_of(asking->payload),
    };
    if (asking->is_from_far)
        stanza.from = (struct xf_jid){.full = xf_span_of(from),
                                      .local = xf_span_of(question->id),
                                      .domain = XF_SPAN(XF_LINK_FAR_DOMAIN)};
    enum xf_err err = xf_link_send(link, &stanza);
    if (err != XF_ERR_OK)
        xf_link_forget(question);
    return err;
}

bool xf_link_is_per_peer(const struct xf_link *link)
{
    return link->peers != NULL;
}

void xf_link_pause(struct xf_link *link, struct xf_span peer, bool paused)
{
    struct xf_component *component = link->peers ? xf_map_find(link->peers, peer) : link->component;
    if (component)
        xf_component_pause(component, paused);
}

/* ------------------------------------------------------------------ for operators */

static void count_legs(const struct xf_component *component, struct xf_link_view *out)
{
    out->legs += component->leg_count;
    out->legs_up += component->up_count;
}

void xf_link_view(const struct xf_link *link, struct xf_link_view *out)
{
    size_t cursor = 0;
    void *component = NULL;
    *out = (struct xf_link_view){
        .title = link->settings->title,
        .name = link->settings->name,
        .driver = link->settings->driver == XF_LINK_ROUTER ? "router" : "component",
        .is_up = xf_link_is_up(link),
        .refuses_peers = link->refuses,
        .is_congested = xf_link_is_congested(link),
        .is_per_peer = link->peers != NULL,
        .down_ms = xf_outage_lasted_ms(&link->outage),
        .held = link->budget.held,
        .max_bytes = link->budget.max_bytes,
        .unproved = link->budget.unproved,
        .components = link->component_count,
    };
    if (link->component)
        count_legs(link->component, out);
    while (link->peers && xf_map_next(link->peers, &cursor, NULL, &component))
        count_legs(component, out);
}

void xf_link_view_legs(const struct xf_link *link, size_t most, xf_leg_view_fn show, void *owner)
{
    size_t cursor = 0;
    void *component = NULL;
    if (link->component)
        xf_component_view(link->component, most, show, owner);
    while (most > 0 && link->peers && xf_map_next(link->peers, &cursor, NULL, &component))
        most -= xf_component_view(component, most, show, owner);
}
