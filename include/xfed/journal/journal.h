/* SPDX-License-Identifier: MIT */
/*
 * journal.h — messages that wait for a stream, in a file, so that they survive a crash.
 *
 * The owner of a queue adds each copy that it puts there, and removes it when the copy was
 * delivered or returned. What is in the file when a process starts is delivered (replayed) as if
 * the cluster had just sent it. The journal keeps messages only, and not all of them
 * (src/journal/message.c). Writing is in the background: what was added during the last WRITE_MS
 * (50 ms) may be lost in a crash. What was delivered and not yet removed, or removed during that
 * time, may be delivered twice.
 *
 * A journal that cannot be written stops taking messages, and says so; the queues work without it.
 */
#pragma once

#include <xfed/base/pool.h>
#include <xfed/journal/settings.h>
#include <xfed/net/timer.h>
#include <xfed/xmpp/stanza_copy.h>

struct xf_journal;

struct xf_journal_opts {
    const struct xf_journal_settings *settings; /* copied, but for the texts, which are borrowed */
    struct xf_pool *pool;                       /* borrowed; NULL: written in xf_journal_free */
    struct xf_timers *timers;                   /* borrowed; of the pool's loop */
    const struct xf_clock *clock;               /* borrowed */
    int64_t (*unix_s)(void);
};

/*
 * Open the file, which is made, for its owner only, when it does not exist. XF_ERR_IO with words:
 * it is not a journal, or another process has it open. XF_ERR_DAMAGED with words. Either way it
 * stays as it is. Blocks: for the start of a program.
 */
XF_MUST_USE enum xf_err xf_journal_open(const struct xf_journal_opts *opts,
                                        struct xf_journal **out_journal, struct xf_error *err);

/* Is the thread pool writing? Do not call xf_journal_free then. NULL: no. */
bool xf_journal_is_writing(const struct xf_journal *journal);

/* Begin no further write but in xf_journal_free: the loop is about to end. NULL is allowed. */
void xf_journal_finish(struct xf_journal *journal);

/* Writes what is pending, and blocks meanwhile. NULL is allowed. */
void xf_journal_free(struct xf_journal **journal);

/* ------------------------------------------------------------------ what waits */

/* In all of these, NULL is a journal that takes nothing. */

/*
 * `copy`, made from `stanza`, waits from now on. If the stanza comes from another copy in the
 * journal, or from a replay, both stand for the same message.
 */
void xf_journal_add(struct xf_journal *journal, struct xf_stanza_copy *copy,
                    const struct xf_stanza *stanza);

/*
 * `copy` was delivered or returned, and is about to be freed. When no other copy stands for its
 * message, the message leaves the journal. Does nothing for a copy that was not added.
 */
void xf_journal_remove(struct xf_journal *journal, struct xf_stanza_copy *copy);

/*
 * Is the message of `copy` in the file, to be kept there when xfedd stops? Then `copy` may be freed
 * without xf_journal_remove: the next process delivers the message.
 */
bool xf_journal_keeps(const struct xf_journal *journal, const struct xf_stanza_copy *copy);

/*
 * When xfedd stops: leave a message that would have to wait to the next process. False: the journal
 * does not take it, and its sender has to be told.
 */
XF_MUST_USE bool xf_journal_keep(struct xf_journal *journal, const struct xf_stanza *stanza);

/* ------------------------------------------------------------------ replay */

/*
 * Call `deliver` for each message of the file, oldest first. It must add (xf_journal_add) what it
 * does not deliver or return at once; the rest leaves the journal. `queued_s`: when the message was
 * added, in Unix time. `is_late`: longer ago than the settings allow. Once, before the loop runs.
 */
typedef void (*xf_journal_deliver_fn)(void *owner, struct xf_stanza *stanza, int64_t queued_s,
                                      bool is_late);
void xf_journal_replay(struct xf_journal *journal, xf_journal_deliver_fn deliver, void *owner);
