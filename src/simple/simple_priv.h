/* SPDX-License-Identifier: MIT */
/* simple_priv.h — what the files of simple share. */
#pragma once

#include <xfed/interwork/chat.h>
#include <xfed/limits/quota.h>
#include <xfed/limits/turns.h>
#include <xfed/simple/simple.h>

/* Messages to a pair of domains: all, and of these the ones that are under way. */
struct xf_pair_load {
    struct xf_stanza_sum held, sent;
    struct xf_place place; /* among those of the peer's owner: weighs what is held */
};

/* round.c: a walk over a map in steps. */
struct xf_round {
    struct xf_timer timer; /* while it goes on */
    struct xf_timers *timers;
    const struct xf_map *map;
    bool (*look_at)(void *value); /* false: there was nothing to do. May remove it from the map */
    size_t at;                    /* of xf_map_next */
    bool goes_again;              /* another round has to follow */
};

void xf_round_init(struct xf_round *round, struct xf_timers *timers, const struct xf_map *map,
                   bool (*look_at)(void *value)); /* all borrowed */
/* All that are in the map now are looked at: the first ones when the caller has returned. */
void xf_round_begin(struct xf_round *round);
void xf_round_stop(struct xf_round *round);

/* subscriber.c: subscriptions of our users to users of peers. */
struct xf_subscriber {
    struct xf_map *by_pair; /* "USER CONTACT" -> struct xf_subscription */
    struct xf_map *by_tag;  /* our tag in its dialog, or in the SUBSCRIBE that makes one */
    struct xf_map *users;   /* bare JID -> how many it has */
    struct xf_quota quota;
    struct xf_node untold; /* those of which somebody has to be told */
    struct xf_timer tell;  /* of the next of them */
    size_t tell_left;      /* so many are still to be looked at */
    struct xf_timer again; /* when all are looked at again, since something was lost */
    /* Whose SUBSCRIBE may be sent: of peers with a section, and of all others. */
    struct xf_turns turns, strangers;
    struct xf_round round; /* subscriber_bar.c */
    struct xf_buf key, payload, packed, record;
};

#define XF_PIDF_TYPE "application/pidf+xml"

struct xf_simple {
    struct xf_env *env;
    struct xf_policy *policy;
    struct xf_peer_index *peers; /* of `policy` */
    struct xf_simple_settings settings;
    const struct xf_simple_events *events;
    void *owner;
    struct xf_dialogs *dialogs; /* NULL: subscriptions end with the process */
    char *host;                 /* settings->host: whose certificate we show */
    unsigned port, tcp_port;
    struct xf_ua *ua;
    struct xf_simple_counts counts; /* without `ua` */
    size_t subscriptions;           /* in all, of both directions */
    bool is_finished;

    struct xf_notifier *notifier; /* notifier_priv.h */

    /* pager.c */
    struct xf_map *pagers; /* bare JID of a recipient -> struct xf_pager */
    struct xf_map *pairs;  /* -> struct xf_pair_load */
    struct xf_quota pair_places;
    struct xf_stanza_sum *waiting;
    struct xf_buf texts, body; /* of the message being made */

    /* addresses.c: of the request being made */
    struct xf_buf uri, from, to, contact, moved;
    char tag[XF_ID_CHARS + 1]; /* in `from` */

    /* arrivals.c */
    struct xf_node arrivals; /* struct xf_arrival, in the order in which they came */
    struct xf_map *by_id;
    struct xf_stanza_scratch scratch;
    struct xf_buf payload;

    /* typing.c */
    struct xf_map *typing; /* sender and recipient -> struct xf_typing */
    struct xf_quota typing_places;
    struct xf_buf typing_key;

    struct xf_subscriber subscriber;
    bool is_full;    /* tell.c: the cluster has enough for now, since the caller cleared it */
    bool has_paused; /* conns may be unread, since the cluster had enough */
};

/* ---- peers.c: as the functions of struct xf_ua_events; `owner` is the struct xf_simple */
void xf_peers_basis(void *owner, const struct xf_ua_party *party, struct xf_tls_basis *out_basis);
bool xf_peers_admit(void *owner, const struct xf_ua_party *party, struct xf_refusal *out_refusal);
bool xf_peers_call(void *owner, const struct xf_ua_party *party, struct xf_span domain,
                   struct xf_ua_caller *out_caller);
bool xf_peers_hop(void *owner, struct xf_span local, struct xf_span peer,
                  struct xf_ua_hop *out_hop);
void xf_peers_answered(void *owner, const struct xf_ua_party *party, struct xf_span local,
                       struct xf_span peer);
/* A request that passed all checks. */
void xf_peers_called(struct xf_simple *simple, const struct xf_ua_server *server);

/*
 * ---- peer_index.c: sections that a party may be of, by what it shows: the hosts in its
 * certificate and its key, or in clear its address.
 */
struct xf_peer_index *xf_peer_index_new(const struct xf_policy *policy); /* borrowed */
void xf_peer_index_free(struct xf_peer_index **index);                   /* NULL is allowed */
/* As xf_policy_any_sip, but for these sections only. */
bool xf_peer_index_any(const struct xf_peer_index *index, const struct xf_ua_party *party,
                       xf_policy_sip_fn each, void *owner);

/*
 * How many subscriptions there may be in all when the peer gets one more: names of domains cost
 * little, so those without a section leave half to the others.
 */
static inline size_t xf_simple_subscriptions_max(const struct xf_simple *simple,
                                                 struct xf_span peer)
{
    size_t most = simple->settings.subscriptions;
    return xf_policy_names(simple->policy, peer) ? most : most / 2;
}

/* Of a bare JID. */
static inline struct xf_span xf_simple_domain_of(struct xf_span bare)
{
    const char *at = memchr(bare.ptr, '@', bare.len);
    size_t skip = at ? (size_t)(at + 1 - bare.ptr) : 0;
    return (struct xf_span){bare.ptr + skip, bare.len - skip};
}

/* ---- allowed.c: of a subscription between a user of ours (bare JID) and one of the peer's. */
/* Does the pair of domains pass, by SIP? A reload may turn SIP off, or forbid it. */
bool xf_simple_reaches(const struct xf_simple *simple, struct xf_span user, struct xf_span peer,
                       enum xf_direction direction);
/*
 * Does policy let stanzas of this kind (XF_KINDS_*) pass? Of a user with an e-mail address we do
 * not know the JID here: the next stanza shows what policy says. `at_any_hour`: hours pass by
 * themselves.
 */
bool xf_simple_passes(const struct xf_simple *simple, struct xf_span user, struct xf_span peer,
                      enum xf_direction direction, unsigned kind, bool at_any_hour);

/* ---- addresses.c */
void xf_addresses_init(struct xf_simple *simple);
void xf_addresses_fini(struct xf_simple *simple);
/*
 * The JID of our user, of the Request-URI or of To where that names only our host; and the peer's,
 * of From. Both are in simple->scratch. Returns 0, or the status to answer with.
 */
unsigned xf_addresses_read_to(struct xf_simple *simple, struct xf_ua_server *server,
                              const struct xf_sip_message *request, struct xf_jid *out_to);
unsigned xf_addresses_read_from(struct xf_simple *simple, struct xf_ua_server *server,
                                const struct xf_sip_message *request, struct xf_jid *out_from);
/* Of a stanza of ours, the sender that the peer sees: an e-mail address, or the JID. */
struct xf_jid xf_addresses_shown(const struct xf_stanza *stanza, char scratch[XF_JID_MAX + 1]);
/*
 * simple->uri, ->from and ->to of a request outside a dialog, with a new tag. The resource of `to`
 * is in the URI alone.
 */
XF_MUST_USE enum xf_err xf_addresses_write(struct xf_simple *simple, const struct xf_jid *from,
                                           const struct xf_jid *to);
/* simple->contact: where the peer reaches our user within a dialog (RFC 3261 section 8.1.1.8). */
XF_MUST_USE enum xf_err xf_addresses_write_contact(struct xf_simple *simple,
                                                   const struct xf_jid *user, struct xf_span peer);
/*
 * The XMPP URI of where the peer's user is now, in simple->moved; absent: the answer does not say
 * it.
 */
struct xf_span xf_addresses_read_moved(struct xf_simple *simple, struct xf_span peer,
                                       const struct xf_sip_message *answer);
/* simple->contact: where somebody is who has moved. */
XF_MUST_USE enum xf_err xf_addresses_write_moved(struct xf_simple *simple,
                                                 const struct xf_jid *jid);

/* ---- pager.c: messages of ours. */
void xf_pager_init(struct xf_simple *simple, struct xf_stanza_sum *waiting);
void xf_pager_fini(struct xf_simple *simple);
bool xf_pager_take(struct xf_simple *simple, const struct xf_stanza *stanza,
                   enum xf_stanza_error *out_error, const char **out_text);
void xf_pager_finish(struct xf_simple *simple);
bool xf_pager_is_idle(const struct xf_simple *simple);
/* NULL: none. */
const struct xf_pair_load *xf_pager_load(const struct xf_simple *simple, struct xf_span local,
                                         struct xf_span peer);
/* Bounce what waits for its turn to a recipient there. Returns how many there were. */
size_t xf_pager_flush(struct xf_simple *simple, struct xf_span peer);

/* ---- tell.c: presence of a peer's user for one of ours. Both are prepared JIDs. */
struct xf_tidings {
    struct xf_span from, to;
    const char *type;       /* NULL: available */
    struct xf_span payload; /* or absent */
    struct xf_span lang;    /* of the payload, or absent */
    struct xf_span id;      /* by which xf_simple_refused speaks of it, or absent */
    bool is_last;           /* `unavailable`, which our user gets whatever policy says now */
};
/*
 * False: the cluster takes nothing now. xf_simple_resume says when to try again. Otherwise it was
 * taken, or policy refused it.
 */
XF_MUST_USE bool xf_tell(struct xf_simple *simple, const struct xf_tidings *tidings);
/*
 * It did not come as far as our server: the link went down, nobody could tell whose address it is,
 * or too many wait. A later one may.
 */
#define XF_TELL_AGAIN_MS 30000 /* ... behind this time, where nothing says that there is room */
static inline bool xf_simple_is_for_now(enum xf_stanza_error error)
{
    return error == XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT ||
           error == XF_STANZA_ERROR_RESOURCE_CONSTRAINT;
}

/* ---- notifier.c and its like: users of peers who watch ours (notifier_priv.h). */
void xf_notifier_init(struct xf_simple *simple);
void xf_notifier_fini(struct xf_simple *simple);
/* A SUBSCRIBE that passed the checks of ua; as xf_ua_events.request. */
enum xf_ua_taken xf_notifier_subscribe(struct xf_simple *simple, struct xf_ua_server *server,
                                       const struct xf_sip_message *request);
/* Presence of a user of ours, or what that user has decided. */
void xf_notifier_take(struct xf_simple *simple, const struct xf_stanza *stanza);
/* What became of the stanza with this id. False: it is none of these. */
bool xf_notifier_delivered(const struct xf_simple *simple, struct xf_span id);
bool xf_notifier_refused(struct xf_simple *simple, struct xf_span id, enum xf_stanza_error error);
/*
 * Our server was not asked (xf_simple_is_for_now) about a user of whom a watcher was told: that
 * watcher keeps what it has until it is.
 */
void xf_notifier_lost(struct xf_simple *simple, const struct xf_stanza *probe);
/* What a process before left, as dialogs.h gives it. False: it is good for nothing. */
bool xf_notifier_restore(struct xf_simple *simple, struct xf_span key, struct xf_span record,
                         int64_t expires_s, uint32_t starts);
void xf_notifier_resume(struct xf_simple *simple);
void xf_notifier_truth_init(struct xf_simple *simple); /* after xf_notifier_init */
void xf_notifier_reload(struct xf_simple *simple);
void xf_notifier_limits_miss(struct xf_simple *simple, struct xf_span peer); /* xf_simple_missed */
/* As xf_simple_link_state. */
void xf_notifier_link_state(struct xf_simple *simple, struct xf_span title, struct xf_span peer,
                            bool is_up);
void xf_notifier_finish(struct xf_simple *simple);

/* ---- subscriber.c: our users subscribe to users of peers. */
void xf_subscriber_init(struct xf_simple *simple);
void xf_subscriber_fini(struct xf_simple *simple);
/* Presence of type subscribe, unsubscribe or probe; as xf_simple_take. */
bool xf_subscriber_take(struct xf_simple *simple, const struct xf_stanza *stanza,
                        enum xf_stanza_error *out_error, const char **out_text);
/* Our user did something, and so is there: its subscription to that contact is kept up. */
void xf_subscriber_seen(struct xf_simple *simple, const struct xf_stanza *stanza);
/* A NOTIFY that passed the checks of ua; as xf_ua_events.request. */
enum xf_ua_taken xf_subscriber_notify(struct xf_simple *simple, struct xf_ua_server *server,
                                      const struct xf_sip_message *request);
/* What a process before left, as dialogs.h gives it. False: it is good for nothing. */
XF_MUST_USE bool xf_subscriber_restore(struct xf_simple *simple, struct xf_span key,
                                       struct xf_span record, uint32_t starts);
/*
 * Our user was told that the contact, who watched it, is unavailable (RFC 8048 section 5.3.3): tell
 * it what is known of that contact, if that is more.
 */
void xf_subscriber_tell_again(struct xf_simple *simple, struct xf_span user,
                              struct xf_span contact);
/* The cluster has not got this presence (xf_simple_is_for_now): again later. */
void xf_subscriber_lost(struct xf_simple *simple, const struct xf_stanza *stanza);
/* Policy has refused this presence: `subscribed` is told when that changes. */
void xf_subscriber_withheld(struct xf_simple *simple, const struct xf_stanza *stanza);
void xf_subscriber_reload(struct xf_simple *simple);
void xf_subscriber_resume(struct xf_simple *simple);

/* ---- arrivals.c: messages of peers. */
void xf_arrivals_init(struct xf_simple *simple);
void xf_arrivals_fini(struct xf_simple *simple);
/* A MESSAGE that passed the checks of ua; as xf_ua_events.request. */
enum xf_ua_taken xf_arrivals_take(struct xf_simple *simple, struct xf_ua_server *server,
                                  const struct xf_sip_message *request);
/* An error stanza of the cluster. */
void xf_arrivals_failed(struct xf_simple *simple, const struct xf_stanza *stanza);
void xf_arrivals_resume(struct xf_simple *simple);
void xf_arrivals_finish(struct xf_simple *simple);

/* ---- typing.c: users of peers who are typing. */
void xf_typing_init(struct xf_simple *simple);
void xf_typing_fini(struct xf_simple *simple);
/* Tell our user of a chat state of the peer's; as xf_simple_events.stanza. */
enum xf_simple_taken xf_typing_tell(struct xf_simple *simple, struct xf_stanza *stanza,
                                    const struct xf_im *im);
/* A message says so, too. */
void xf_typing_over(struct xf_simple *simple, const struct xf_stanza *stanza);
void xf_typing_finish(struct xf_simple *simple);
