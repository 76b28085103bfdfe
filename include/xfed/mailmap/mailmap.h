/* SPDX-License-Identifier: MIT */
/*
 * mailmap.h — which e-mail address a user of ours has, and whose an address is (Cisco's "e-mail
 * address for interdomain federation").
 *
 * Sources: a file (JID, address), read anew when it is replaced, and an LDAP directory, read whole
 * in pages or asked user by user; the file is stronger. Both directions are unique: an address that
 * two users have, and a second address of a user, are named in the log and by xfedd -t, and count
 * for nobody. JIDs are prepared; addresses are compared without regard to case and are JIDs too (a
 * bare one). All that waits for a disk or a server runs on the thread pool: an answer is there, or
 * comes LATER.
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
};

/* NULL: the configuration names no source. Reading begins at once, on the pool. */
struct xf_mailmap *xf_mailmap_new(const struct xf_mailmap_opts *opts);
/*
 * The end: stop, then free once nothing of it runs on the pool (a question to a directory that is
 * silent ends with its timeout). Nobody may wait any more.
 */
void xf_mailmap_stop(struct xf_mailmap *mailmap);
bool xf_mailmap_is_busy(const struct xf_mailmap *mailmap); /* false for NULL */
void xf_mailmap_free(struct xf_mailmap **mailmap);

/*
 * Other settings, and read everything again; what was there stays until the new is whole, and for
 * good when that cannot be read. A source that is no longer named is forgotten at once.
 */
void xf_mailmap_reload(struct xf_mailmap *mailmap, const struct xf_mailmap_settings *settings);

enum xf_mailmap_answer {
    XF_MAILMAP_NONE, /* no such user, or one without an address */
    XF_MAILMAP_FOUND,
    XF_MAILMAP_LATER, /* is being asked: xf_mailmap_wait */
};

/* Both are bare, prepared JIDs; *out borrows until the next turn of the loop. */
enum xf_mailmap_answer xf_mailmap_mail_of(struct xf_mailmap *mailmap, struct xf_span jid,
                                          struct xf_span *out_mail);
enum xf_mailmap_answer xf_mailmap_jid_of(struct xf_mailmap *mailmap, struct xf_span mail,
                                         struct xf_span *out_jid);

/*
 * After LATER: `done` is called once, never from within, when the answer for that address (of
 * either kind) is there or will not come in time (directory { timeout }); then ask again: NONE or
 * FOUND. A directory that is away answers with what it said last, else NONE.
 */
struct xf_mailmap_wait {
    struct xf_node node;
    void (*done)(void *owner);
    void *owner;
};
void xf_mailmap_wait(struct xf_mailmap *mailmap, struct xf_span address,
                     struct xf_mailmap_wait *wait);
void xf_mailmap_forget(struct xf_mailmap_wait *wait); /* also when it is not waiting */

/* Is the user in that group of directory { groups }? From what was read last. */
bool xf_mailmap_is_member(struct xf_mailmap *mailmap, const char *group, struct xf_span jid);

struct xf_mailmap_origin { /* the line of the configuration that names a source; NULL: none does */
    const char *file;
    int line;
};

/*
 * For -t: read the sources now, blocking, and report duplicates and what cannot be read, one
 * message a line; XF_ERR_CONFIG for errors.
 */
XF_MUST_USE enum xf_err xf_mailmap_check(const struct xf_mailmap_settings *settings,
                                         const struct xf_mailmap_origin *of_file,
                                         const struct xf_mailmap_origin *of_directory,
                                         char **out_messages);
