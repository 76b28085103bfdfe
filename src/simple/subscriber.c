/* SPDX-License-Identifier: MIT */
/*
 * subscriber.c — our users subscribe to users of peers (RFC 3856, RFC 8048 section 5.2): the
 * subscriptions, and what our users send about them.
 *
 * A `subscribe` or `probe` of our user makes a subscription; a second one makes no second
 * SUBSCRIBE. From then on it is ours to keep up a dialog for it, as long as the user gives a sign
 * of life now and then: a stanza to the contact within away-after. What ends it for good is
 * `unsubscribe`, or the contact.
 */
#include "subscriber_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/xmpp/owner.h>

#define RETRY_MIN_MS 30000 /* when our user asks again for a contact that the peer does not know */
#define TURN_MS      5     /* 200 SUBSCRIBEs a second to peers with a section, 100 to others */
#define SAVED_MS     (19 * TURN_MS) /* ... and 20, or 10, at once */
#define TELL_MS      50 /* in this time, and at once, users are told of at most so many: */
#define TELL_COUNT   500

static uint64_t now_ms(const struct xf_subscription *sub)
{
    return sub->simple->env->clock->now_ms;
}

/* ------------------------------------------------------------------ the subscriptions */

static struct xf_span key_of(struct xf_simple *simple, struct xf_span user, struct xf_span contact)
{
    struct xf_buf *key = &simple->subscriber.key;
    xf_buf_clear(key);
    struct xf_draft draft = xf_draft_begin(key);
    xf_draft_span(&draft, user);
    xf_draft_str(&draft, " ");
    xf_draft_span(&draft, contact);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK); /* there is room for two JIDs */
    return xf_buf_span(key);
}

static struct xf_subscription *find(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = xf_addresses_shown(stanza, scratch);
    return xf_map_find(simple->subscriber.by_pair,
                       key_of(simple, xf_jid_bare(&user), xf_jid_bare(&stanza->to)));
}

static uint64_t last_seen(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct xf_subscription, place)->seen_ms;
}

static void log_full(struct xf_simple *simple, struct xf_span user, struct xf_span domain)
{
    xf_log(xf_lines_level(simple->env, XF_LINES_PEERS, xf_domain_owner(domain), XF_LOG_WARN,
                          "sip.subscriptions.full"),
           "sip.subscriptions.full", XF_SPN("local", xf_simple_domain_of(user)),
           XF_SPN("peer", domain),
           XF_INT("limit", xf_subscriber_count(simple, user) >= XF_SUBSCRIBER_USER_MAX
                               ? XF_SUBSCRIBER_USER_MAX
                               : xf_policy_peer(simple->policy, domain)->sip_subscriptions));
}

/* Of users of ours; those of peers' users count against the total too. */
static unsigned room_in_all(const struct xf_simple *simple, struct xf_span domain)
{
    size_t theirs = simple->subscriptions - xf_quota_count(&simple->subscriber.quota);
    size_t most = xf_simple_subscriptions_max(simple, domain);
    return most > theirs ? (unsigned)(most - theirs) : 0;
}

/* Only one whose user is away gives way: to one of a domain, or in all of an owner, with fewer. */
static bool take_place(struct xf_subscription *sub)
{
    struct xf_simple *simple = sub->simple;
    struct xf_quota *quota = &simple->subscriber.quota;
    struct xf_span domain = xf_simple_domain_of(xf_subscription_contact(sub));
    const struct xf_quota_keys keys = {.group = xf_domain_owner(domain), .member = domain};
    unsigned most = xf_policy_peer(simple->policy, domain)->sip_subscriptions;
    const struct xf_quota_limits limits = {.per_member = most,
                                           .per_group = most,
                                           .total = room_in_all(simple, domain),
                                           .unused_ms = 1};
    struct xf_place *victim = NULL;
    if (xf_subscriber_count(simple, xf_subscription_user(sub)) >= XF_SUBSCRIBER_USER_MAX ||
        xf_quota_look(quota, &keys, &limits, now_ms(sub), &victim) != XF_QUOTA_ROOM)
        return false;
    struct xf_subscription *other =
        victim ? XF_CONTAINER(victim, struct xf_subscription, place) : NULL;
    if (other && other->state != XF_SUBSCRIPTION_AWAY)
        return false;
    if (other)
        xf_subscription_fire(other, XF_SUBSCRIPTION_ON_DROP);
    xf_subscription_count(sub, 1);
    xf_quota_enter(quota, &sub->place, &keys, now_ms(sub));
    return true;
}

static void on_timer(void *owner)
{
    xf_subscription_run(owner);
}

/* NULL: there are too many. */
static struct xf_subscription *make(struct xf_simple *simple, struct xf_span user,
                                    struct xf_span contact)
{
    struct xf_map *by_pair = simple->subscriber.by_pair;
    struct xf_subscription *sub = xf_new(struct xf_subscription);
    struct xf_span key = key_of(simple, user, contact);
    (void)xf_map_set(by_pair, key, sub);
    sub->simple = simple;
    sub->key = xf_map_key(by_pair, key); /* what gives way has a key of its own made */
    sub->user_len = (uint16_t)user.len;
    sub->due_ms = sub->expires_ms = sub->notify_by_ms = UINT64_MAX;
    sub->seen_ms = simple->env->clock->now_ms;
    xf_timer_init(&sub->timer, on_timer, sub);
    if (!take_place(sub)) {
        log_full(simple, user, xf_simple_domain_of(contact));
        xf_subscription_release(sub);
        return NULL;
    }
    return sub;
}

/* ------------------------------------------------------------------ stanzas of our users */

static void see(struct xf_subscription *sub)
{
    sub->seen_ms = now_ms(sub);
    if (sub->state == XF_SUBSCRIPTION_AWAY)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_WAKE);
    else if (sub->is_barred && sub->state == XF_SUBSCRIPTION_RESTING)
        sub->due_ms = now_ms(sub); /* policy let the user's stanza pass */
    else if (xf_subscription_has_dialog(sub) && sub->due_ms == UINT64_MAX && !sub->client)
        sub->due_ms = now_ms(sub); /* it was left to run out */
}

void xf_subscriber_seen(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_subscription *sub =
        xf_map_count(simple->subscriber.by_pair) ? find(simple, stanza) : NULL;
    if (!sub)
        return;
    see(sub);
    xf_subscription_run(sub);
}

static void subscribe(struct xf_subscription *sub)
{
    bool waits = sub->state != XF_SUBSCRIPTION_ACTIVE;
    sub->is_changed |= sub->is_missing || (waits && !sub->wants_answer);
    sub->wants_answer |= waits;
    switch (sub->state) {
    case XF_SUBSCRIPTION_NEW:
    case XF_SUBSCRIPTION_ENDING:
    case XF_SUBSCRIPTION_ENDED:
        sub->tell = 0;
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_START);
        break;
    case XF_SUBSCRIPTION_ACTIVE:
        xf_subscription_tell(sub, XF_TELL_SUBSCRIBED | (sub->has_state ? XF_TELL_STATE : 0));
        break;
    case XF_SUBSCRIPTION_RESTING:
        if (sub->is_missing)
            sub->due_ms = sub->asked_ms + RETRY_MIN_MS;
        sub->is_missing = false;
        break;
    default:
        break;
    }
}

/* The server of our user asks for it when the user comes (RFC 6121 section 4.3). */
static void probe(struct xf_subscription *sub)
{
    bool is_wanted = sub->state == XF_SUBSCRIPTION_ENDED && sub->is_barred;
    if (sub->state == XF_SUBSCRIPTION_NEW || is_wanted)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_START);
    else if (sub->state == XF_SUBSCRIPTION_ACTIVE && sub->has_state)
        xf_subscription_tell(sub, XF_TELL_STATE);
}

/* Also when we know of none: the user shall not have one that we do not know. */
static void unsubscribe(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = xf_addresses_shown(stanza, scratch);
    struct xf_subscription *sub = find(simple, stanza);
    if (!sub) {
        (void)!xf_tell(simple, &(struct xf_tidings){.from = xf_jid_bare(&stanza->to),
                                                    .to = xf_jid_bare(&user),
                                                    .type = "unsubscribed"});
        return;
    }
    sub->wants_answer = false;
    if (sub->state != XF_SUBSCRIPTION_ENDING && sub->state != XF_SUBSCRIPTION_ENDED)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_LEAVE);
    xf_subscription_settle(sub);
}

static struct xf_subscription *find_or_make(struct xf_simple *simple,
                                            const struct xf_stanza *stanza)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_subscription *sub = find(simple, stanza);
    struct xf_jid user = xf_addresses_shown(stanza, scratch);
    if (sub)
        return sub;
    sub = make(simple, xf_jid_bare(&user), xf_jid_bare(&stanza->to));
    if (sub)
        (void)xf_subscription_hide(sub); /* a later look tells what has changed since */
    return sub;
}

bool xf_subscriber_take(struct xf_simple *simple, const struct xf_stanza *stanza,
                        enum xf_stanza_error *out_error, const char **out_text)
{
    if (xf_span_is(stanza->type, "unsubscribe")) {
        unsubscribe(simple, stanza);
        return true;
    }
    *out_error = XF_STANZA_ERROR_ITEM_NOT_FOUND;
    *out_text = "by SIP only a user can subscribe to a user";
    if (!stanza->to.local.ptr || !stanza->from.local.ptr)
        return false;
    *out_error = XF_STANZA_ERROR_RESOURCE_CONSTRAINT;
    *out_text = "there are too many subscriptions of this user, or to this domain";
    struct xf_subscription *sub = find_or_make(simple, stanza);
    if (!sub)
        return false;
    see(sub);
    if (xf_span_is(stanza->type, "subscribe"))
        subscribe(sub);
    else
        probe(sub);
    xf_subscription_run(sub);
    return true;
}

/* ------------------------------------------------------------------ for simple */

void xf_subscriber_tell_again(struct xf_simple *simple, struct xf_span user, struct xf_span contact)
{
    struct xf_subscription *sub =
        xf_map_find(simple->subscriber.by_pair, key_of(simple, user, contact));
    if (!sub || !sub->is_open)
        return;
    xf_subscription_tell(sub, XF_TELL_STATE);
    xf_subscription_settle(sub);
}

static unsigned tidings_of(const struct xf_stanza *stanza)
{
    return xf_span_is(stanza->type, "subscribed")     ? XF_TELL_SUBSCRIBED
           : xf_span_is(stanza->type, "unsubscribed") ? XF_TELL_UNSUBSCRIBED
           : xf_span_is(stanza->type, "error")        ? XF_TELL_MISSING
                                                      : XF_TELL_STATE;
}

/* What ended it was told already: it is there again until our user knows. */
static void end_again(struct xf_simple *simple, const struct xf_stanza *stanza, unsigned tidings)
{
    struct xf_subscription *sub = NULL;
    bool is_end = tidings == XF_TELL_UNSUBSCRIBED || xf_span_is(stanza->type, "unavailable");
    if (is_end && stanza->to.local.ptr && stanza->from.local.ptr && !simple->is_finished)
        sub = make(simple, xf_jid_bare(&stanza->to), xf_jid_bare(&stanza->from));
    if (!sub)
        return;
    sub->is_barred = true; /* no more is told than this */
    xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_BAR);
    sub->is_barred = false;
    xf_subscription_tell(sub, tidings == XF_TELL_STATE ? XF_TELL_GONE : tidings);
    xf_subscription_save(sub);
}

/* The call may come from within xf_subscription_tell_noted: so it is told later. */
static void tell_later(struct xf_subscriber *subscriber, struct xf_timers *timers)
{
    if (!xf_timer_is_running(&subscriber->again))
        xf_timer_start(timers, &subscriber->again, XF_TELL_AGAIN_MS);
}

/* The one that this stanza was to tell our user about. NULL: it is gone. */
static struct xf_subscription *find_told(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    return xf_map_find(simple->subscriber.by_pair,
                       key_of(simple, xf_jid_bare(&stanza->to), xf_jid_bare(&stanza->from)));
}

void xf_subscriber_lost(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_subscription *sub = find_told(simple, stanza);
    unsigned tidings = tidings_of(stanza);
    tell_later(&simple->subscriber, simple->env->timers);
    if (!sub) {
        end_again(simple, stanza, tidings);
        return;
    }
    if (tidings == XF_TELL_SUBSCRIBED && sub->state != XF_SUBSCRIPTION_ACTIVE)
        sub->wants_answer = true; /* it is told with the next NOTIFY that says so */
    else if (tidings == XF_TELL_UNSUBSCRIBED ? sub->state == XF_SUBSCRIPTION_ENDED
             : tidings == XF_TELL_MISSING    ? sub->is_missing
                                             : tidings == XF_TELL_SUBSCRIBED || sub->has_state)
        xf_subscription_tell(sub, tidings);
    else
        return;
    sub->is_changed = true;
    xf_subscription_save(sub);
}

/* The call may come from within xf_subscription_tell_noted. */
void xf_subscriber_withheld(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_subscription *sub = find_told(simple, stanza);
    if (!sub || tidings_of(stanza) != XF_TELL_SUBSCRIBED)
        return;
    sub->wants_answer = sub->is_changed = true;
    xf_subscription_save(sub);
}

static void tell_some(void *owner)
{
    struct xf_simple *simple = owner;
    struct xf_subscriber *subscriber = &simple->subscriber;
    for (unsigned i = 0; i < TELL_COUNT && !xf_list_is_empty(&subscriber->untold); i++) {
        struct xf_node *node = subscriber->untold.next;
        if (subscriber->tell_left == 0)
            return;
        subscriber->tell_left--;
        xf_list_remove(node);
        xf_list_push(&subscriber->untold, node);
        xf_subscription_settle(XF_CONTAINER(node, struct xf_subscription, untold));
    }
    if (!xf_list_is_empty(&subscriber->untold) && subscriber->tell_left > 0)
        xf_timer_start(simple->env->timers, &subscriber->tell, TELL_MS);
}

/*
 * It is called whenever something somewhere has room again. All are looked at once: behind those
 * whose link is down there may be others.
 */
void xf_subscriber_resume(struct xf_simple *simple)
{
    struct xf_subscriber *subscriber = &simple->subscriber;
    subscriber->tell_left = xf_map_count(subscriber->by_pair);
    if (!xf_timer_is_running(&subscriber->tell))
        tell_some(simple);
}

static void on_again(void *owner)
{
    xf_subscriber_resume(owner);
}

/* "oUSER CONTACT", two prepared bare JIDs with a user in each. */
static bool read_key(struct xf_span key, struct xf_span *out_user, struct xf_span *out_contact)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    const char *space = memchr(key.ptr, ' ', key.len);
    if (!space || key.ptr[0] != 'o')
        return false;
    *out_user = (struct xf_span){key.ptr + 1, (size_t)(space - key.ptr) - 1};
    *out_contact = (struct xf_span){space + 1, key.len - out_user->len - 2};
    const struct xf_span both[] = {*out_user, *out_contact};
    for (size_t i = 0; i < XF_ARRAY_LEN(both); i++)
        if (xf_jid_prepare(both[i], scratch, &jid) != XF_ERR_OK || !jid.local.ptr ||
            jid.resource.ptr || !xf_span_eq(jid.full, both[i]))
            return false;
    return true;
}

/* What our user has to be told it is told when the link is up, and the timer runs from then on. */
static void settle_later(struct xf_subscription *sub)
{
    if (!sub->tell)
        xf_subscription_settle(sub);
}

/* False: it is over, but for that, and has no record. */
static bool restore_barred(struct xf_subscription *sub)
{
    bool belongs = xf_subscription_belongs(sub);
    if (belongs)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_START);
    xf_subscription_bar(sub);
    if (belongs)
        settle_later(sub);
    else if (!sub->tell)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DROP);
    return belongs;
}

/* It only waits for our user to be told. */
static bool restore_over(struct xf_subscription *sub)
{
    sub->is_barred = true; /* no more is told than that */
    xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_BAR);
    sub->is_barred = !(sub->tell & XF_TELL_UNSUBSCRIBED);
    sub->is_changed = false;
    if (!sub->tell)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DROP);
    else if (sub->tell & XF_TELL_STATE)
        sub->tell ^= XF_TELL_STATE | XF_TELL_GONE;
    return true;
}

/* What came while nobody was here is lost: so each dialog is refreshed, which brings the state. */
bool xf_subscriber_restore(struct xf_simple *simple, struct xf_span key, struct xf_span record,
                           uint32_t starts)
{
    struct xf_span user, contact;
    enum xf_subscription_event event;
    struct xf_subscription *sub = NULL;
    if (read_key(key, &user, &contact) &&
        xf_policy_served(simple->policy, xf_simple_domain_of(user)) &&
        !xf_map_find(simple->subscriber.by_pair, key_of(simple, user, contact)))
        sub = make(simple, user, contact);
    if (!sub)
        return false;
    if (!xf_subscription_read(sub, record, starts, &event)) {
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DROP);
        return false;
    }
    if (event == XF_SUBSCRIPTION_ON_BAR)
        return restore_over(sub);
    if (!xf_subscription_is_allowed(sub))
        return restore_barred(sub);
    uint64_t due_ms = sub->due_ms;
    if (sub->expires_ms <= now_ms(sub) && event != XF_SUBSCRIPTION_ON_START) {
        event = XF_SUBSCRIPTION_ON_START; /* the dialog has run out meanwhile */
        due_ms = now_ms(sub);
    }
    xf_subscription_fire(sub, event);
    /* The record is good until the next request; all of them at once would not fit (dialogs.h). */
    sub->is_changed = false;
    sub->due_ms = sub->state == XF_SUBSCRIPTION_RESTING ? due_ms : now_ms(sub);
    if (sub->due_ms == UINT64_MAX) /* a SUBSCRIBE was under way */
        sub->due_ms = now_ms(sub);
    (void)xf_subscription_hide(sub);
    settle_later(sub);
    return true;
}

void xf_subscriber_init(struct xf_simple *simple)
{
    struct xf_subscriber *subscriber = &simple->subscriber;
    subscriber->by_pair = xf_map_new();
    subscriber->by_tag = xf_map_new();
    subscriber->users = xf_map_new();
    xf_quota_init(&subscriber->quota, last_seen);
    xf_turns_init(&subscriber->turns, simple->env->clock, simple->env->timers, TURN_MS, SAVED_MS,
                  xf_subscription_come);
    xf_turns_init(&subscriber->strangers, simple->env->clock, simple->env->timers, 2 * TURN_MS,
                  SAVED_MS, xf_subscription_come);
    xf_list_init(&subscriber->untold);
    xf_timer_init(&subscriber->tell, tell_some, simple);
    xf_timer_init(&subscriber->again, on_again, simple);
    xf_subscriber_bar_init(simple);
    xf_buf_init(&subscriber->key, 2 * XF_JID_MAX + 2);
    xf_buf_init(&subscriber->payload, 8 * XF_AVAILABILITY_TEXT_BYTES);
    xf_buf_init(&subscriber->packed, XF_DIALOG_BYTES_MAX);
    xf_buf_init(&subscriber->record, 2 * XF_DIALOG_BYTES_MAX);
}

void xf_subscriber_fini(struct xf_simple *simple)
{
    struct xf_subscriber *subscriber = &simple->subscriber;
    size_t cursor = 0;
    void *value = NULL;
    xf_round_stop(&subscriber->round);
    xf_timer_stop(&subscriber->tell);
    xf_timer_stop(&subscriber->again);
    while (xf_map_next(subscriber->by_pair, &cursor, NULL, &value))
        xf_subscription_release(value);
    xf_map_free(&subscriber->by_pair);
    xf_map_free(&subscriber->by_tag);
    xf_map_free(&subscriber->users);
    xf_quota_fini(&subscriber->quota);
    xf_turns_fini(&subscriber->turns);
    xf_turns_fini(&subscriber->strangers);
    xf_buf_release(&subscriber->key);
    xf_buf_release(&subscriber->payload);
    xf_buf_release(&subscriber->packed);
    xf_buf_release(&subscriber->record);
}
