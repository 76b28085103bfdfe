/* SPDX-License-Identifier: MIT */
/*
 * notifier_priv.h — users of peers who watch users of ours (RFC 3856, RFC 6665, RFC 8048 section
 * 5.3).
 *
 * A watch is what one user of a peer may know of one of ours: what our user has decided, what is
 * known of our user's presence, and a dialog for each device that wants to be told.
 *
 *     notifier.c            the watches; what our user decides, and what the watcher sees of that
 *     notifier_inputs.c     stanzas of our users; policy; start and end
 *     notifier_subscribe.c  SUBSCRIBE of peers
 *     notifier_notify.c     dialogs and NOTIFY
 *     notifier_cluster.c    what our users are told
 *     notifier_truth.c      whether it still holds: after a reload, and when a link is up again
 *     notifier_ways.c       the links, and when each was up
 *     notifier_resources.c  presence of our user, by resource
 *     notifier_limits.c     how many there may be
 *     notifier_dialog.c     dialogs as bytes, also in the store
 *     notifier_store.c      ... and from it, after a restart
 *     notifier_states.c     the states of watches and of dialogs
 */
#pragma once

#include "simple_priv.h"

#include <xfed/base/list.h>
#include <xfed/base/machine.h>
#include <xfed/base/map.h>
#include <xfed/interwork/presence.h>
#include <xfed/ua/dialog.h>

/* Of one watch: devices; as many again may be ending. */
#define XF_NOTIFIER_DIALOGS_MAX   8
#define XF_NOTIFIER_RESOURCES_MAX 16      /* of one user; further ones are not shown */
#define XF_NOTIFIER_NOTES_MAX     1024    /* bytes of all status texts of one resource */
#define XF_NOTIFIER_EVENT_ID_MAX  128     /* bytes of the id of Event */
#define XF_NOTIFIER_ASK_MS        3600000 /* a user is asked about one watcher once in this time */
/* Who has not come online so long after we asked is offline. */
#define XF_NOTIFIER_ABSENT_MS 2000
/* ... where watchers see what they saw last, and all are asked: a link is up, or the process is. */
#define XF_NOTIFIER_ANSWER_MS 30000
/* Seconds; more is cut: so long a device that has gone is kept at most. */
#define XF_NOTIFIER_EXPIRES_MAX_S 7200
#define XF_NOTIFIER_RETRY_AFTER_S 60 /* where a limit refuses a SUBSCRIBE */

/* clang-format off */
#define XF_NOTIFIER_STATE_MAP(X)                                                         \
    X(NEW)      /* our user was not asked, or said yes to a watch that has ended */   \
    X(ASKED)    /* our user was asked, and has not decided: pending */                \
    X(APPROVED) /* our user said yes: presence is told */                             \
    X(BLOCKED)  /* our user said no, which is not shown: as APPROVED, but never online */ \
    X(DENIED)   /* our user said no, which is shown */
#define XF_NOTIFIER_EVENT_MAP(X)                                                         \
    X(ASK)     /* a watcher wants to know more than it may */                         \
    X(APPROVE) /* `subscribed` */                                                     \
    X(HIDE)    /* `unsubscribed`, with sip-block = polite */                          \
    X(DENY)    /* `unsubscribed`, with sip-block = reject */                          \
    X(REFUSE)  /* our user may not be asked: policy */                                \
    X(LEAVE)   /* the last device has gone */                                         \
    X(FORGET)  /* nobody came back in XF_NOTIFIER_ASK_MS */                              \
    X(WAS_ASKED) X(WAS_APPROVED) X(WAS_BLOCKED) /* in the process before */

#define XF_NOTIFIER_DIALOG_STATE_MAP(X)                                                  \
    X(QUIET)   /* the device knows all that there is to tell */                       \
    X(TELLING) /* a NOTIFY is under way */                                            \
    X(OWING)   /* the same, and another one has to follow */                          \
    X(LAST)    /* the same, and the last one has to follow */                         \
    X(ENDING)  /* the last one is under way */                                        \
    X(GONE)
#define XF_NOTIFIER_DIALOG_EVENT_MAP(X)                                                  \
    X(TELL)   /* there is something to tell */                                        \
    X(END)    /* ... for the last time */                                             \
    X(DONE)   /* the NOTIFY under way has ended, and the dialog goes on */            \
    X(LOSE)   /* ... or the device is not there any more */
/* clang-format on */

enum xf_notifier_state {
#define X(name) XF_NOTIFIER_##name,
    XF_NOTIFIER_STATE_MAP(X)
#undef X
        XF_NOTIFIER_STATE_COUNT
};

enum xf_notifier_event {
#define X(name) XF_NOTIFIER_ON_##name,
    XF_NOTIFIER_EVENT_MAP(X)
#undef X
        XF_NOTIFIER_EVENT_COUNT
};

enum xf_notifier_dialog_state {
#define X(name) XF_NOTIFIER_DIALOG_##name,
    XF_NOTIFIER_DIALOG_STATE_MAP(X)
#undef X
        XF_NOTIFIER_DIALOG_STATE_COUNT
};

enum xf_notifier_dialog_event {
#define X(name) XF_NOTIFIER_DIALOG_ON_##name,
    XF_NOTIFIER_DIALOG_EVENT_MAP(X)
#undef X
        XF_NOTIFIER_DIALOG_EVENT_COUNT
};

/* What the last NOTIFY says. */
enum xf_notifier_end {
    XF_NOTIFIER_END_TIMEOUT,  /* it is over */
    XF_NOTIFIER_END_CLOSED,   /* the same, and our user is offline from there on (RFC 8048 5.3.3) */
    XF_NOTIFIER_END_POLL,     /* the state; nothing was to follow (RFC 6665 section 4.4.3) */
    XF_NOTIFIER_END_REJECTED, /* our user, or policy, does not want it */
};

/* What the cluster is to be told about a watch, bits; in this order. */
#define XF_NOTIFIER_OWES_UNAVAILABLE 1u
#define XF_NOTIFIER_OWES_SUBSCRIBE   2u
#define XF_NOTIFIER_OWES_PROBE       4u

struct xf_notifier_resource;

/* What is known of a link, or of the part of a link that is for one peer (names = per-peer). */
struct xf_notifier_way {
    uint64_t up_ms; /* what our users did before may never have come; 0: it was not up yet */
    bool is_down;
    const struct xf_notifier_way *link; /* of a part: whose */
    struct xf_notifier_way *next;       /* of a part: that of another link for the same peer */
};

struct xf_notifier_watch {
    struct xf_simple *simple;
    enum xf_notifier_state state;
    unsigned char owes;
    bool is_pending;            /* counted as such */
    bool is_changed;            /* the next NOTIFY waits for the interval */
    bool is_held;               /* xf_notifier_settle does nothing */
    bool is_active;             /* devices are told `active`, no longer `pending` */
    unsigned char dialog_count; /* of them live: */
    unsigned char live_count;   /* ... SUBSCRIBE may refresh it */
    struct xf_node dialogs;     /* struct xf_notifier_dialog */
    struct xf_node owing;       /* in xf_notifier.owing, or .lost, while it owes something */
    struct xf_timer timer;      /* for the next of all that happens in time */
    uint64_t next_ms;           /* no NOTIFY with a document about a change before */
    uint64_t asked_ms;          /* when our user was asked */
    uint64_t absent_ms; /* who has not come online by then is offline; 0: no question is open */
    int64_t written_ms; /* time stamp of the last document */
    struct xf_notifier_resource *resources;
    unsigned char resource_count;
    char *ask_id; /* of a question whose fate is not known yet; or NULL */
    /* When the last probe went out, and by which link; NULL: there was none yet. */
    uint64_t probed_ms;
    const struct xf_notifier_way *probed_by;
    struct xf_span user, watcher; /* bare JIDs, behind the struct; together its key */
};

struct xf_notifier_dialog {
    struct xf_node node;
    struct xf_notifier_watch *watch;
    enum xf_notifier_dialog_state state;
    enum xf_notifier_end end;
    uint64_t expires_ms;
    uint64_t retry_ms;      /* when a NOTIFY that did not tell the device comes again; 0: never */
    uint64_t failing_ms;    /* since when none reached anybody; 0: the last one did */
    unsigned char refusals; /* NOTIFYs in a row whose answer said not now */
    struct xf_ua_client *client;
    uint32_t kept_cseq; /* what the store has is good up to this CSeq of ours */
    uint32_t packed_len;
    char *packed; /* the dialog (xf_dialog_pack), and behind it the id of Event, with a NUL */
    char tag[XF_ID_CHARS + 1]; /* ours: by which it is found */
};

struct xf_notifier {
    struct xf_map *watches; /* user NUL watcher -> struct xf_notifier_watch */
    struct xf_map *by_tag;  /* -> struct xf_notifier_dialog */
    struct xf_map *asks;    /* id of a question -> struct xf_notifier_watch */
    struct xf_node owing;
    struct xf_timer pace;  /* of what is owed */
    struct xf_node lost;   /* owed too, but did not get through: not before something has changed */
    struct xf_timer again; /* ... or this time has come */
    uint64_t again_ms;     /* not before, since they were looked at */
    struct xf_round round; /* notifier_truth.c */
    struct xf_map *links;  /* title -> struct xf_notifier_way */
    struct xf_map *peers;  /* domain -> struct xf_notifier_tally */
    struct xf_map *owners; /* owner of domains -> the same */
    struct xf_buf document, packed, record;
};

extern const struct xf_machine xf_notifier_machine,
    xf_notifier_dialog_machine; /* notifier_states.c */

static inline bool xf_notifier_dialog_is_live(const struct xf_notifier_dialog *dialog)
{
    return dialog->state <= XF_NOTIFIER_DIALOG_OWING;
}

/* Has our user decided, one way or the other? Watchers must not be able to tell which. */
static inline bool xf_notifier_is_decided(const struct xf_notifier_watch *watch)
{
    return watch->state == XF_NOTIFIER_APPROVED || watch->state == XF_NOTIFIER_BLOCKED;
}

/* The domain of the watcher. */
static inline struct xf_span xf_notifier_peer(const struct xf_notifier_watch *watch)
{
    const char *at = memchr(watch->watcher.ptr, '@', watch->watcher.len);
    size_t before = at ? (size_t)(at + 1 - watch->watcher.ptr) : 0;
    return (struct xf_span){watch->watcher.ptr + before, watch->watcher.len - before};
}

/* ---- notifier.c */
struct xf_notifier_watch *xf_notifier_find(const struct xf_simple *simple, struct xf_span user,
                                           struct xf_span watcher);
struct xf_notifier_watch *xf_notifier_new(struct xf_simple *simple, struct xf_span user,
                                          struct xf_span watcher);
void xf_notifier_free(struct xf_notifier_watch *watch);
void xf_notifier_fire(struct xf_notifier_watch *watch, enum xf_notifier_event event);
/* What our user shows is told, from now on. The watch is held. */
void xf_notifier_show(struct xf_notifier_watch *watch);
/* All devices: now, or as soon as the interval lets us. */
void xf_notifier_tell(struct xf_notifier_watch *watch);
/*
 * To be called when something has happened to a watch that is not held: starts its timer, or frees
 * it when nobody needs it any more.
 */
void xf_notifier_settle(struct xf_notifier_watch *watch);
struct xf_jid xf_notifier_user(const struct xf_notifier_watch *watch); /* borrowed from it */

/* Actions of the table. */
void xf_notifier_ask(struct xf_notifier_watch *watch);
void xf_notifier_ask_for_show(struct xf_notifier_watch *watch);
void xf_notifier_begin(struct xf_notifier_watch *watch);
void xf_notifier_hide(struct xf_notifier_watch *watch);
void xf_notifier_reject(struct xf_notifier_watch *watch);
void xf_notifier_expel(struct xf_notifier_watch *watch);
void xf_notifier_leave(struct xf_notifier_watch *watch);
void xf_notifier_part(struct xf_notifier_watch *watch);
void xf_notifier_return(struct xf_notifier_watch *watch);

/* ---- notifier_inputs.c */
/* May the watcher still see what it sees? Policy may have changed; the watch is held. */
void xf_notifier_judge(struct xf_notifier_watch *watch);
/* All devices, without a word to them: the peer is not reached any more. */
void xf_notifier_lose_all(struct xf_notifier_watch *watch);

/* ---- notifier_cluster.c: tell our user, now or when the cluster takes it. */
void xf_notifier_owe(struct xf_notifier_watch *watch, unsigned what);
bool xf_notifier_pay(struct xf_notifier_watch *watch); /* all that it owes; false: not now */
/* The watch of the question with this id, whose fate is known now; NULL: there is none. */
struct xf_notifier_watch *xf_notifier_asked_by(struct xf_simple *simple, struct xf_span id);
void xf_notifier_disown_ask(struct xf_notifier_watch *watch);
void xf_notifier_pay_later(struct xf_notifier_watch *watch, unsigned what); /* in its turn */

/* ---- notifier_ways.c */
void xf_notifier_ways_init(struct xf_simple *simple);
void xf_notifier_ways_fini(struct xf_simple *simple);
/* A probe went out. */
void xf_notifier_await(struct xf_notifier_watch *watch);
/* Nobody was asked since the link came up by which our user is reached now. */
bool xf_notifier_is_stale(const struct xf_notifier_watch *watch);
bool xf_notifier_is_cut_off(const struct xf_notifier_watch *watch); /* that link is down */
/* Does policy let the question to our server pass now, and the answer? */
bool xf_notifier_may_know(const struct xf_notifier_watch *watch);
/* As xf_simple_link_state. False: nobody need be asked. */
bool xf_notifier_way_is(struct xf_simple *simple, struct xf_span title, struct xf_span peer,
                        bool is_up);

/* ---- notifier_notify.c */
/* `value` is packed; `event_id` may be absent. */
struct xf_notifier_dialog *xf_notifier_dialog_new(struct xf_notifier_watch *watch,
                                                  const struct xf_dialog *value,
                                                  struct xf_span event_id);
void xf_notifier_dialog_free(struct xf_notifier_dialog *dialog); /* without a word */
void xf_notifier_dialog_tell(struct xf_notifier_dialog *dialog);
/* The last NOTIFY follows; the watch may lose its last device by it. */
void xf_notifier_dialog_end(struct xf_notifier_dialog *dialog, enum xf_notifier_end end);
/* The device is not there any more: the dialog is freed. */
void xf_notifier_dialog_lose(struct xf_notifier_dialog *dialog);
/* It is time to try again what reached nobody. May free the dialog. */
void xf_notifier_dialog_retry(struct xf_notifier_dialog *dialog);
/* Its last NOTIFY could not be sent: the dialog is freed. */
void xf_notifier_dialog_part_unsent(struct xf_notifier_dialog *dialog);

/* Actions of the table. */
void xf_notifier_dialog_send(struct xf_notifier_dialog *dialog);
void xf_notifier_dialog_send_last(struct xf_notifier_dialog *dialog);
void xf_notifier_dialog_part(struct xf_notifier_dialog *dialog);

/* ---- notifier_resources.c */
/* Presence of our user, available or unavailable. False: nothing has changed. */
bool xf_notifier_resources_take(struct xf_notifier_watch *watch, const struct xf_stanza *stanza);
void xf_notifier_resources_clear(struct xf_notifier_watch *watch); /* nothing is known */
/* Those that are online are in doubt, each until presence of it comes. */
void xf_notifier_resources_doubt(struct xf_notifier_watch *watch);
/*
 * Those in doubt are offline, and so is a user of whom nothing is known. False: nothing has
 * changed.
 */
bool xf_notifier_resources_conclude(struct xf_notifier_watch *watch);
/* Our user is offline, as if its newest resource, if there is one, had been the last to leave. */
void xf_notifier_resources_close(struct xf_notifier_watch *watch);
bool xf_notifier_resources_are_open(const struct xf_notifier_watch *watch); /* ... is online */
/* The most available one first. Spans point into the watch. */
size_t xf_notifier_resources_list(const struct xf_notifier_watch *watch,
                                  struct xf_pidf_resource out[XF_NOTIFIER_RESOURCES_MAX]);

/* ---- notifier_limits.c */
void xf_notifier_limits_count(struct xf_simple *simple, struct xf_span peer, int held, int pending);
/*
 * The parts of links that are for the peer, kept as long as its users watch ours; NULL: none does.
 */
struct xf_notifier_way **xf_notifier_limits_parts(const struct xf_simple *simple,
                                                  struct xf_span peer);
/*
 * Presence of one of our users for this peer, perhaps of this one, did not come to us since we
 * asked last.
 */
bool xf_notifier_is_behind(const struct xf_notifier_watch *watch);
/* NULL: there is room for one more, which also asks our user; or whose limit says no. */
const char *xf_notifier_limits_full(const struct xf_simple *simple, struct xf_span peer, bool asks);

/* Bytes of presence that the watch keeps: so many more, so many less. */
void xf_notifier_limits_weigh(const struct xf_notifier_watch *watch, size_t more, size_t less);
bool xf_notifier_limits_takes(const struct xf_notifier_watch *watch, size_t bytes);

/* ---- notifier_dialog.c */
#define XF_NOTIFIER_RECORD_VERSION 1

/* `event_id`: "" for none. */
void xf_notifier_dialog_put(struct xf_notifier_dialog *dialog, const struct xf_dialog *value,
                            const char *event_id);
/* Keep a changed value. */
void xf_notifier_dialog_pack(struct xf_notifier_dialog *dialog, const struct xf_dialog *value);
void xf_notifier_dialog_unpack(const struct xf_notifier_dialog *dialog,
                               struct xf_dialog *out_value);
const char *xf_notifier_dialog_event_id(const struct xf_notifier_dialog *dialog); /* "": none */
/* In the store, too. */
void xf_notifier_keep(struct xf_notifier_watch *watch); /* all of its dialogs */
void xf_notifier_dialog_keep(struct xf_notifier_dialog *dialog);
void xf_notifier_dialog_drop(const struct xf_notifier_dialog *dialog);
