/* SPDX-License-Identifier: MIT */
/*
 * alarms.h — what an operator should know now: a peer that cannot be reached, a link that is down,
 * a certificate that ends. doc/operators/ALARMS.md lists them.
 *
 * It watches the log (log.h): a table says which events raise an alarm and which end it, so alarms
 * never disagree with the log. An alarm has a name and a subject, such as peer.unreachable and
 * partner.example; each is told once when it is raised and once when it is over. Some have to last
 * for a while first. An alarm is over when its cause has been away for as long, and for twice as
 * long with each time it came back within an hour: so what flaps is not told again and again.
 *
 * Names of peers cost others nothing, so each kind of subject has room of its own, and one alarm
 * says that there are more.
 */
#pragma once

#include <xfed/base/log.h>
#include <xfed/net/timer.h>

#define XF_ALARMS_OURS      1024 /* about links, certificates, files and nodes of ours */
#define XF_ALARMS_NAMED     256  /* about peers with a section */
#define XF_ALARMS_STRANGERS 16   /* about other peers */
#define XF_ALARM_TEXT_BYTES 256  /* of a subject or a detail; longer ones are cut */

struct xf_alarms;

struct xf_alarms_opts {
    struct xf_timers *timers; /* borrowed */
    uint64_t after_ms;        /* how long a cause must last, where the table says so */
    /* Does the configuration name the peer? NULL: none. */
    bool (*is_named)(void *owner, struct xf_span peer);
    void *owner;
};

/* Watches the log from now on, until it is freed. */
struct xf_alarms *xf_alarms_new(const struct xf_alarms_opts *opts);
void xf_alarms_free(struct xf_alarms **alarms);
void xf_alarms_set_after(struct xf_alarms *alarms, uint64_t after_ms);

struct xf_alarm_view {
    const char *name, *subject; /* subject: "" where there is only one */
    const char *text, *detail;  /* what happened, for people; detail: "" for none */
    const char *help, *advice;  /* as in the log; NULL: none */
    int64_t since_s;            /* Unix time at which the cause was seen first */
};

/* Shows every alarm that stands, in the order in which they were seen. The view is borrowed. */
typedef void (*xf_alarm_fn)(void *owner, const struct xf_alarm_view *view);
void xf_alarms_each(const struct xf_alarms *alarms, xf_alarm_fn show, void *owner);
/* Every alarm whose cause is there now: also before it has lasted, and not while it calms down. */
void xf_alarms_each_cause(const struct xf_alarms *alarms, xf_alarm_fn show, void *owner);
size_t xf_alarms_count(const struct xf_alarms *alarms); /* of those that stand */

enum xf_alarm_change {
    XF_ALARM_RAISED,
    XF_ALARM_ENDED,  /* the cause is gone */
    XF_ALARM_LAPSED, /* nothing more was heard of it for as long as the table says */
};
const char *xf_alarm_change_word(enum xf_alarm_change change);

/* A follower is told of each change, from a timer. It may leave meanwhile, but no other one. */
struct xf_alarm_follower {
    struct xf_node node;
    void (*changed)(struct xf_alarm_follower *follower, enum xf_alarm_change change,
                    const struct xf_alarm_view *view);
};
void xf_alarms_follow(struct xf_alarms *alarms, struct xf_alarm_follower *follower);
void xf_alarms_unfollow(struct xf_alarm_follower *follower); /* nothing if it does not follow */
