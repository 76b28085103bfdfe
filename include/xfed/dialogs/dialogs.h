/* SPDX-License-Identifier: MIT */
/*
 * dialogs.h — records about the SIP dialogs of subscriptions, kept in an SQLite file, so that the
 * next process goes on with them (RFC 6665: a dialog outlives its connections). The owner says what
 * is in a record; here it is bytes under a key, with a time at which it expires.
 *
 *     at the start   xf_dialogs_each gives what the process before left
 *     then           put and remove change records; they are written behind, half a second later,
 *                    in one transaction, and of several changes of one record the last one counts
 *     at the end     xf_dialogs_free writes what is left
 *
 * A crash loses the changes of the last second; the file has each batch as a whole or not at all.
 * Losing a record costs a new subscription, so nothing here fails for the owner: a file that cannot
 * be used, a full disk and records that find no room are logged, and the service goes on.
 *
 * All functions but xf_dialogs_open take NULL for a store that keeps nothing.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/clock.h>
#include <xfed/base/err.h>
#include <xfed/base/pool.h>
#include <xfed/base/span.h>
#include <xfed/net/timer.h>

struct xf_dialogs;

#define XF_DIALOGS_KEY_MAX    3072 /* bytes; at least one */
#define XF_DIALOGS_RECORD_MAX 4096 /* bytes */

struct xf_dialogs_opts {
    const char *file;             /* copied; not "" */
    size_t records;               /* at most in the file */
    size_t waiting_bytes;         /* at most of keys and records that are not written yet */
    struct xf_pool *pool;         /* borrowed */
    struct xf_timers *timers;     /* borrowed; of the pool's loop */
    const struct xf_clock *clock; /* borrowed; of the timers */
    int64_t (*unix_s)(void);
};

/*
 * Open the file; it is made, for its owner only, when it does not exist. Blocks: for the start of a
 * program. A file of ours whose content is broken is renamed to FILE.unusable, which is logged, and
 * a new one is made. XF_ERR_IO with words: the file cannot be written, is not ours, or another
 * process has it; then it stays as it is.
 */
XF_MUST_USE enum xf_err xf_dialogs_open(const struct xf_dialogs_opts *opts,
                                        struct xf_dialogs **out_store, struct xf_error *err);
/* Writes what is left, and blocks meanwhile. Not while xf_dialogs_is_writing. */
void xf_dialogs_free(struct xf_dialogs **store);

/*
 * Give all records that have not expired. For the start, before anything is put; `read` may put and
 * remove, and borrows the spans. `starts`: how often the file was opened since the record was
 * written; each of these processes may have gone on from it, and crashed before it wrote what it
 * changed. Blocks: 260,000 records take half a second. What has expired is deleted later.
 */
typedef void (*xf_dialogs_read_fn)(void *owner, struct xf_span key, struct xf_span record,
                                   int64_t expires_s, uint32_t starts);
void xf_dialogs_each(struct xf_dialogs *store, xf_dialogs_read_fn read, void *owner);

/*
 * Keep this record, in place of an earlier one with the key, until `expires_s` (Unix time). False:
 * it is not kept, and the earlier one is removed: the key or record is too long, or too much waits
 * to be written. In the second case the next write also removes what the file has of all others, as
 * some of it would be wrong: they are kept again from their next put on. So put what changes, and
 * not all records at once. A record beyond `records` is only dropped when it is written.
 */
bool xf_dialogs_put(struct xf_dialogs *store, struct xf_span key, struct xf_span record,
                    int64_t expires_s);
/* Not kept any more; nothing if there is none. */
void xf_dialogs_remove(struct xf_dialogs *store, struct xf_span key);

/* After a reload: how many records there may be. Those that are there stay. */
void xf_dialogs_set_limit(struct xf_dialogs *store, size_t records);

/* The process is about to end: nothing is written in the background any more. */
void xf_dialogs_finish(struct xf_dialogs *store);
/* Does the pool use the store? */
bool xf_dialogs_is_writing(const struct xf_dialogs *store);
