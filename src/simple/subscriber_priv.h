/* SPDX-License-Identifier: MIT */
/*
 * subscriber_priv.h — a subscription of one of our users to a user of a peer (subscriber.c; states:
 * subscriber_states.c; RFC 3856, RFC 6665, RFC 8048 section 5.2).
 *
 * There is one for each user and contact, never shared: what a contact shows to one of our users
 * is not for another (RFC 8048 section 8.2). It outlives its dialogs: when one is lost, the next
 * one is asked for, until the user or the contact ends the authorization.
 */
#pragma once

#include "simple_priv.h"

#include <xfed/base/machine.h>
#include <xfed/interwork/presence.h>
#include <xfed/limits/quota.h>
#include <xfed/ua/dialog.h>

/* clang-format off */
#define XF_SUBSCRIPTION_STATE_MAP(X)                                                     \
    X(NEW)                                                                               \
    X(RESTING)  /* no dialog; the next SUBSCRIBE is due at due_ms */                     \
    X(ASKED)    /* a SUBSCRIBE that shall make a dialog was sent */                      \
    X(WAITING)  /* ... and accepted; the NOTIFY that makes the dialog has not come */    \
    X(PENDING)  /* a dialog, and the contact has not decided */                          \
    X(ACTIVE)   /* a dialog, and the contact lets our user see its presence */           \
    X(ENDING)   /* a SUBSCRIBE that ends the dialog was sent, since the user wants it */ \
    X(AWAY)     /* no dialog, until our user gives a sign of life */                     \
    X(ENDED)    /* it is over; our user has to be told, and the link is down */          \
    X(OVER)
#define XF_SUBSCRIPTION_EVENT_MAP(X)                                                \
    X(START)    /* our user wants it */                                             \
    X(DUE)      /* the time for the next SUBSCRIBE has come */                      \
    X(ACCEPTED) /* 2xx to the SUBSCRIBE that shall make a dialog */                 \
    X(PENDING)  /* NOTIFY pending */                                                \
    X(ACTIVE)   /* NOTIFY active */                                                 \
    X(LOST)     /* no dialog any more, or none came; the next one after delay_ms */ \
    X(SLEEP)    /* the same, while our user gives no sign of life */                \
    X(WAKE)     /* our user gave one */                                             \
    X(REFUSED)  /* the contact ended the authorization */                           \
    X(LEAVE)    /* our user ends it */                                              \
    X(LEFT)     /* the dialog has ended as our user wanted */                       \
    X(SUSPEND)  /* policy does not allow it now */                                  \
    X(BAR)      /* ... nor ever: one of both domains is no longer for it */         \
    X(TOLD)     /* our user knows that it has ended */                              \
    X(DROP)     /* it is none of ours any more */
/* clang-format on */

enum xf_subscription_state {
#define X(name) XF_SUBSCRIPTION_##name,
    XF_SUBSCRIPTION_STATE_MAP(X)
#undef X
        XF_SUBSCRIPTION_STATE_COUNT
};

enum xf_subscription_event {
#define X(name) XF_SUBSCRIPTION_ON_##name,
    XF_SUBSCRIPTION_EVENT_MAP(X)
#undef X
        XF_SUBSCRIPTION_EVENT_COUNT
};

/* What our user has to be told, in this order. */
enum xf_subscription_tidings {
    XF_TELL_GONE = 1u << 0, /* `unavailable`, whatever policy says now */
    XF_TELL_SUBSCRIBED = 1u << 1,
    XF_TELL_STATE = 1u << 2, /* the presence that is kept */
    XF_TELL_MISSING = 1u << 3,
    XF_TELL_UNSUBSCRIBED = 1u << 4,
};

/* 50,000 of them shall need no more than 60 MB, with all that belongs to them. */
struct xf_subscription {
    struct xf_simple *simple;
    enum xf_subscription_state state;
    struct xf_span key;          /* "USER CONTACT", bare prepared JIDs; the map's */
    uint16_t user_len;           /* of the first one */
    struct xf_timer timer;       /* due_ms, expires_ms or notify_by_ms, whichever is first */
    struct xf_place place;       /* among all subscriptions */
    struct xf_turn turn;         /* among all SUBSCRIBEs; while it waits, nothing else is due */
    struct xf_node untold;       /* in xf_simple.untold while there is something to tell */
    unsigned tell;               /* enum xf_subscription_tidings */
    uint64_t due_ms;             /* the next SUBSCRIBE, or end of waiting; UINT64_MAX: none */
    uint64_t expires_ms;         /* until then what our user was told holds; UINT64_MAX: always */
    uint64_t notify_by_ms;       /* a refresh makes a NOTIFY come until then; UINT64_MAX: none */
    uint64_t asked_ms;           /* when the dialog was asked for */
    uint64_t seen_ms;            /* the last sign of life of our user */
    uint64_t delay_ms;           /* of LOST */
    uint32_t expires_s;          /* that a peer wanted at least (423); 0: as set */
    uint32_t requested_s;        /* of the last SUBSCRIBE */
    uint8_t failures;            /* in a row */
    bool wants_answer;           /* our user waits for `subscribed` */
    bool has_state;              /* the contact's presence is known ... */
    bool is_open;                /* ... and it is available */
    bool is_missing;             /* the peer knows no such user, and ours was told */
    bool is_refreshing;          /* the request under way is in the dialog */
    bool is_raised;              /* a 423 was followed */
    bool has_expiry;             /* the present dialog has one, by its NOTIFY */
    bool is_changed;             /* since its record was written ... */
    bool is_owing;               /* ... which says that our user has to be told */
    bool is_barred, is_hidden;   /* as it was looked at last (subscriber_bar.c) */
    struct xf_ua_client *client; /* under way, or NULL */
    char tag[XF_ID_CHARS + 1], call_id[XF_ID_CHARS + 1]; /* ours; "": none */
    char *dialog, *payload; /* packed (dialog.h); of the kept presence */
    uint32_t dialog_len, payload_len;
};

extern const struct xf_machine xf_subscription_machine; /* subscriber_states.c */

static inline void xf_subscription_fire(struct xf_subscription *sub,
                                        enum xf_subscription_event event)
{
    xf_machine_fire(&xf_subscription_machine, sub, event);
}

static inline bool xf_subscription_has_dialog(const struct xf_subscription *sub)
{
    return sub->state == XF_SUBSCRIPTION_PENDING || sub->state == XF_SUBSCRIPTION_ACTIVE;
}

static inline struct xf_span xf_subscription_user(const struct xf_subscription *sub)
{
    return (struct xf_span){sub->key.ptr, sub->user_len};
}

static inline struct xf_span xf_subscription_contact(const struct xf_subscription *sub)
{
    return (struct xf_span){sub->key.ptr + sub->user_len + 1, sub->key.len - sub->user_len - 1};
}

/* ---- subscriber_limits.c */
#define XF_SUBSCRIBER_USER_MAX 2000 /* subscriptions of one user of ours */
unsigned xf_subscriber_count(const struct xf_simple *simple, struct xf_span user); /* bare JID */
/* One more, or less, of its user and in all. */
void xf_subscription_count(struct xf_subscription *sub, int by);

/* ---- subscriber_wait.c: what is due, and how long until the next SUBSCRIBE. */
/*
 * The last thing that each way in does with a subscription: our user is told, and the timer is set.
 * May free it.
 */
void xf_subscription_settle(struct xf_subscription *sub);
/* Do what is due now; then settle. */
void xf_subscription_run(struct xf_subscription *sub);
/*
 * The dialog, or the attempt to get one, has come to nothing: LOST, and a new one after a time that
 * doubles with each failure in a row, but not before least_ms. `is_gentle`: the peer has asked for
 * it: after least_ms alone, unless there was a failure before.
 */
void xf_subscription_lose(struct xf_subscription *sub, uint64_t least_ms, bool is_gentle);
/* The peer knows no such user, and will not soon. */
void xf_subscription_miss(struct xf_subscription *sub);
/* A request within the dialog failed: again later, for as long as the dialog lasts. */
void xf_subscription_retry(struct xf_subscription *sub, uint64_t least_ms);
/* Retry-After and the like, within reason; 0: absent. */
uint64_t xf_subscription_wait_ms(int64_t seconds);
/* A 2xx: it lasts for so many seconds from now on; XF_SIP_ABSENT: as requested. */
void xf_subscription_grant(struct xf_subscription *sub, int64_t seconds);
/* A NOTIFY says how long it still lasts. Who waits for a turn goes on waiting for it. */
void xf_subscription_shorten(struct xf_subscription *sub, int64_t seconds);
/* A refresh was sent, and a NOTIFY has to follow soon. */
void xf_subscription_expect_notify(struct xf_subscription *sub);
/* The next refresh is soon: does the notifier still have the dialog as we do? */
void xf_subscription_hasten(struct xf_subscription *sub);
/*
 * Our user sees the contact leave, when the subscription is settled. The subscription rests until
 * policy allows it, or ends. Not for a NEW one, unless it belongs nowhere.
 */
void xf_subscription_bar(struct xf_subscription *sub);
/* The turn of one that waits for it: struct xf_turns. */
void xf_subscription_come(struct xf_turn *turn);

/* ---- subscriber_bar.c */
void xf_subscriber_bar_init(struct xf_simple *simple);

/* ---- allowed.c */
/* Do both domains belong to it: is one ours, the other one maybe SIP's? */
bool xf_subscription_belongs(const struct xf_subscription *sub);
bool xf_subscription_is_allowed(const struct xf_subscription *sub); /* ... and does policy agree? */

/* ---- subscriber_requests.c */
/* Forget dialog, tag and the request under way. */
void xf_subscription_forget(struct xf_subscription *sub);
void xf_subscription_release(struct xf_subscription *sub); /* its memory, and its place */

/* ---- subscriber_tell.c: noted here, told when the subscription is settled. */
void xf_subscription_tell(struct xf_subscription *sub, unsigned tidings);
/* Keep this presence, and tell it. */
void xf_subscription_show(struct xf_subscription *sub, const struct xf_availability *availability);
/* It lets our user see it: `subscribed`, once policy lets that pass. False: nothing to tell. */
bool xf_subscription_answer(struct xf_subscription *sub);
/* The contact is not available, as far as we know. */
void xf_subscription_fade(struct xf_subscription *sub);
/* Does presence of the contact pass, as before? If not, our user is told. False: as before. */
bool xf_subscription_hide(struct xf_subscription *sub);
/* Tell what was noted. False: the cluster takes nothing now. */
bool xf_subscription_tell_noted(struct xf_subscription *sub);

/* ---- subscriber_record.c */
XF_MUST_USE bool xf_subscription_open(const struct xf_subscription *sub,
                                      struct xf_dialog *out_dialog);
/* Keep the dialog as it is now, packed. */
void xf_subscription_close(struct xf_subscription *sub, struct xf_dialog *dialog);
/* Put these bytes in the place of those kept; none: NULL. */
void xf_subscription_replace(char **bytes, uint32_t *len, struct xf_span with);
/* Keep a record of it, if it has changed. */
void xf_subscription_save(struct xf_subscription *sub);
void xf_subscription_unsave(const struct xf_subscription *sub);
/*
 * Fill a new subscription from its record. `starts`: dialogs.h. True: *out_event is what leads to
 * its state. False: it is no record of ours.
 */
XF_MUST_USE bool xf_subscription_read(struct xf_subscription *sub, struct xf_span record,
                                      uint32_t starts, enum xf_subscription_event *out_event);

/* ---- Actions of the table. */
void xf_subscription_ask(struct xf_subscription *sub);
void xf_subscription_await(struct xf_subscription *sub);
void xf_subscription_refresh(struct xf_subscription *sub);
void xf_subscription_rest(struct xf_subscription *sub);
void xf_subscription_begin(struct xf_subscription *sub);
void xf_subscription_sleep(struct xf_subscription *sub);
void xf_subscription_leave(struct xf_subscription *sub);
void xf_subscription_suspend(struct xf_subscription *sub);
void xf_subscription_end(struct xf_subscription *sub);
void xf_subscription_free(struct xf_subscription *sub);
