/* SPDX-License-Identifier: MIT */
/*
 * mailmap.h — maps our users' JIDs to e-mail addresses and back (Cisco's "e-mail address for
 * interdomain federation").
 *
 * Sources: a file (JID, address), which is read again when it is replaced, and an LDAP directory,
 * which is read whole in pages or asked for single users. The file takes precedence. The map is
 * unique in both directions: the log and xfedd -t name an address that two users have and a second
 * address of a user, and neither is used. JIDs are prepared. Addresses are compared without case,
 * and are bare JIDs themselves. Whatever waits for a disk or a server runs on the thread pool: an
 * answer is either known at once, or LATER. What the directory said is kept in a file, so that
 * users are known after a restart while the directory cannot be reached.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/pool.h>
#include <xfed/base/span.h>
#include <xfed/mailmap/settings.h>
#include <xfed/net/timer.h>

struct xf_mailmap;

struct xf_mailmap_opts {
    const struct xf_clock *clock;
    struct xf_timers *timers;
    struct xf_pool *pool;                       /* borrowed */
    const struct xf_mailmap_settings *settings; /* copied as far as needed */
    const char *keep_file; /* SQLite file of what the directory said; "" for none; copied */
    int64_t (*unix_s)(void);
};

/*
 * Reads the kept answers, which blocks, and starts to read the sources, on the pool. A kept file
 * that cannot be used is logged and moved away. NULL: the configuration names no source.
 */
struct xf_mailmap *xf_mailmap_new(const struct xf_mailmap_opts *opts);
/*
 * To end: stop, then free once none of its jobs runs on the pool (a lookup in a silent directory
 * ends with its timeout). No xf_mailmap_wait may be pending.
 */
void xf_mailmap_stop(struct xf_mailmap *mailmap);
bool xf_mailmap_is_busy(const struct xf_mailmap *mailmap); /* false for NULL */
void xf_mailmap_free(struct xf_mailmap **mailmap);

/*
 * Apply other settings and read everything again. The old map stays in use until the new one is
 * complete, and for good if the new one cannot be read. A source that is no longer configured is
 * dropped at once.
 */
void xf_mailmap_reload(struct xf_mailmap *mailmap, const struct xf_mailmap_settings *settings);

enum xf_mailmap_answer {
    XF_MAILMAP_NONE, /* no such user, or one without an address */
    XF_MAILMAP_FOUND,
    XF_MAILMAP_LATER,   /* a lookup is running: see xf_mailmap_wait */
    XF_MAILMAP_UNKNOWN, /* nobody can say now: the stanza must not go on, since it may show a JID */
};

/*
 * Address of a JID, and JID of an address; both are bare, prepared JIDs. *out is valid until the
 * next turn of the loop.
 */
enum xf_mailmap_answer xf_mailmap_mail_of(struct xf_mailmap *mailmap, struct xf_span jid,
                                          struct xf_span *out_mail);
enum xf_mailmap_answer xf_mailmap_jid_of(struct xf_mailmap *mailmap, struct xf_span mail,
                                         struct xf_span *out_jid);

/*
 * After LATER: `done` is called once, after this function has returned, when the answer for that
 * JID or address is known or did not come in time: directory { timeout }, or hold-time with unknown
 * = hold. Then ask again: the answer is not LATER. While the directory cannot be reached, its last
 * answer counts for keep-time; else the answer is UNKNOWN, or NONE with unknown = jid.
 */
struct xf_mailmap_wait {
    struct xf_node node;
    void (*done)(void *owner);
    void *owner;
};
void xf_mailmap_wait(struct xf_mailmap *mailmap, struct xf_span address,
                     struct xf_mailmap_wait *wait);
void xf_mailmap_forget(struct xf_mailmap_wait *wait); /* also allowed when it is not waiting */

/* Is the user in that group of directory { groups }, as last read? */
bool xf_mailmap_is_member(struct xf_mailmap *mailmap, const char *group, struct xf_span jid);

struct xf_mailmap_origin { /* the line of the configuration that names a source; NULL: none does */
    const char *file;
    int line;
};

struct xf_mailmap_served { /* which domains are ours */
    bool (*serves)(void *owner, struct xf_span domain);
    void *owner;
};

/*
 * For -t: read the sources now, blocking, and report duplicates, unreadable entries, and those of
 * the file for domains that are not ours, one message on each line. XF_ERR_CONFIG for errors.
 */
XF_MUST_USE enum xf_err xf_mailmap_check(const struct xf_mailmap_settings *settings,
                                         const struct xf_mailmap_origin *of_file,
                                         const struct xf_mailmap_origin *of_directory,
                                         const struct xf_mailmap_served *served,
                                         char **out_messages);
