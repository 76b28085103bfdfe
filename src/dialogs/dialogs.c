/* SPDX-License-Identifier: MIT */
/*
 * dialogs.c — which changes wait to be written, and when they are.
 *
 *   put, remove -> fresh -> (500 ms) -> a batch -> the thread pool -> the file
 *
 * `fresh` has one change for each key, the last one. Only one batch is written at a time. If
 * writing fails, the same batch is tried again every few seconds, and `fresh` fills up meanwhile;
 * the two together take waiting_bytes. A change that finds no room is lost, and what the file says
 * of its key is wrong from then on. So the next batch begins by deleting all that the file has: a
 * dialog that is not resumed costs a new subscription, but one that has ended and is resumed tells
 * a watcher what they may not know any more.
 */
#include "dialogs_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/base/log.h>
#include <xfed/database/database.h>

#define WRITE_MS     500
#define RETRY_MS     5000
#define DROPPED_MS   60000 /* one line in the log about records that are not kept */
#define CHANGE_BYTES 128   /* what a change costs besides key and record */

struct xf_dialogs {
    char *file_name;
    size_t records, waiting_max;
    struct xf_pool *pool; /* NULL: xf_dialogs_finish was called */
    struct xf_timers *timers;
    const struct xf_clock *clock;
    int64_t (*unix_s)(void);
    struct xf_dialogs_file file;
    struct xf_timer timer; /* of the next write */
    struct xf_map *fresh;  /* key -> struct xf_dialogs_change */
    size_t fresh_bytes, batch_bytes;
    bool is_behind;   /* a change was lost: the next batch clears the file */
    bool has_expired; /* the file has rows to delete */
    bool is_writing, has_failed;
    struct xf_dialogs_batch batch; /* being written, or waits for a retry; without changes: none */
    enum xf_err result;
    struct xf_error error;
    uint64_t dropped_ms; /* when a line about it was logged; 0: never */
    size_t dropped;      /* since then */
};

/* ------------------------------------------------------------------ records that are not kept */

static void log_dropped(struct xf_dialogs *store, const char *reason, size_t count)
{
    uint64_t now_ms = store->clock->now_ms;
    store->dropped += count;
    if (store->dropped_ms && now_ms - store->dropped_ms < DROPPED_MS)
        return;
    store->dropped_ms = now_ms;
    /* bounded: DROPPED_MS */
    xf_log(XF_LOG_WARN, "dialogs.record.dropped", XF_STR("file", store->file_name),
           XF_WORD("reason", reason), XF_INT("records", store->dropped));
    store->dropped = 0;
}

/* ------------------------------------------------------------------ writing behind */

static void free_changes(struct xf_map **changes)
{
    void *value;
    for (size_t cursor = 0; *changes && xf_map_next(*changes, &cursor, NULL, &value);)
        xf_free(value);
    xf_map_free(changes);
}

static bool has_work(const struct xf_dialogs *store)
{
    return store->batch.changes || xf_map_count(store->fresh) > 0 || store->is_behind ||
           store->has_expired;
}

static void fill_batch(struct xf_dialogs *store)
{
    store->batch = (struct xf_dialogs_batch){.changes = store->fresh, .clears = store->is_behind};
    store->batch_bytes = store->fresh_bytes;
    store->fresh = xf_map_new();
    store->fresh_bytes = 0;
    store->is_behind = store->has_expired = false;
}

/* Runs on the thread pool; the loop does not touch the batch and the file meanwhile. */
static void write_batch(void *owner)
{
    struct xf_dialogs *store = owner;
    store->result = xf_dialogs_file_write(&store->file, &store->batch, &store->error);
}

static void log_result(struct xf_dialogs *store, bool failed)
{
    if (failed && !store->has_failed)
        xf_log(XF_LOG_ERROR, "dialogs.write.failed", XF_STR("file", store->file_name),
               XF_STR("detail", store->error.detail), XF_HELP(XF_HELP_FILE_UNWRITABLE));
    else if (!failed && store->has_failed)
        xf_log(XF_LOG_INFO, "dialogs.write.recovered", XF_STR("file", store->file_name));
}

static void settle_batch(struct xf_dialogs *store)
{
    bool failed = store->result != XF_ERR_OK;
    log_result(store, failed);
    store->has_failed = failed;
    if (failed)
        return;
    if (store->batch.out_dropped)
        log_dropped(store, "records", store->batch.out_dropped);
    free_changes(&store->batch.changes);
    store->batch_bytes = 0;
}

static void schedule(struct xf_dialogs *store)
{
    if (store->pool && has_work(store) && !store->is_writing && !xf_timer_is_running(&store->timer))
        xf_timer_start(store->timers, &store->timer, store->has_failed ? RETRY_MS : WRITE_MS);
}

static void on_written(void *owner)
{
    struct xf_dialogs *store = owner;
    store->is_writing = false;
    settle_batch(store);
    schedule(store);
}

static void prepare_batch(struct xf_dialogs *store)
{
    if (!store->batch.changes)
        fill_batch(store);
    store->batch.now_s = store->unix_s();
    store->batch.records = store->records;
}

static void on_time(void *owner)
{
    struct xf_dialogs *store = owner;
    prepare_batch(store);
    store->is_writing = true;
    xf_pool_run(store->pool, write_batch, on_written, store);
}

static void write_the_rest(struct xf_dialogs *store)
{
    while (has_work(store)) {
        prepare_batch(store);
        write_batch(store);
        settle_batch(store);
        if (store->has_failed)
            return;
    }
}

/* ------------------------------------------------------------------ changes */

static void forget(struct xf_dialogs *store, struct xf_span key)
{
    struct xf_dialogs_change *change = xf_map_remove(store->fresh, key);
    if (change)
        store->fresh_bytes -= key.len + change->len + CHANGE_BYTES;
    xf_free(change);
}

static struct xf_dialogs_change *make_change(struct xf_span record, int64_t expires_s)
{
    struct xf_dialogs_change *change = xf_alloc(sizeof(*change) + record.len);
    change->is_removed = !record.ptr;
    change->expires_s = expires_s;
    change->len = record.len;
    if (record.len)
        memcpy(change->record, record.ptr, record.len);
    return change;
}

/* An absent record removes. False: there is no room for the change. */
static bool note(struct xf_dialogs *store, struct xf_span key, struct xf_span record,
                 int64_t expires_s)
{
    size_t bytes = key.len + record.len + CHANGE_BYTES;
    forget(store, key);
    bool fits = store->fresh_bytes + store->batch_bytes + bytes <= store->waiting_max;
    if (fits) {
        (void)xf_map_set(store->fresh, key, make_change(record, expires_s)); /* there is none */
        store->fresh_bytes += bytes;
    }
    store->is_behind |= !fits;
    schedule(store);
    return fits;
}

static bool may_be_key(struct xf_span key)
{
    return key.len > 0 && key.len <= XF_DIALOGS_KEY_MAX;
}

bool xf_dialogs_put(struct xf_dialogs *store, struct xf_span key, struct xf_span record,
                    int64_t expires_s)
{
    if (!store)
        return false;
    bool fits = may_be_key(key) && record.ptr && record.len <= XF_DIALOGS_RECORD_MAX;
    if (!fits)
        xf_dialogs_remove(store, key); /* what was there is out of date */
    bool is_kept = fits && note(store, key, record, expires_s);
    if (!is_kept)
        log_dropped(store, fits ? "waiting" : "size", 1);
    return is_kept;
}

void xf_dialogs_remove(struct xf_dialogs *store, struct xf_span key)
{
    if (store && may_be_key(key))
        (void)note(store, key, XF_SPAN_NONE, 0); /* no room: the file will be cleared */
}

void xf_dialogs_set_limit(struct xf_dialogs *store, size_t records)
{
    if (store)
        store->records = records;
}

/* ------------------------------------------------------------------ what the file has */

static void log_read(const struct xf_dialogs *store, const struct xf_dialogs_read *read)
{
    if (read->records + read->expired + read->damaged == 0)
        return;
    xf_log(read->damaged ? XF_LOG_ERROR : XF_LOG_INFO, "dialogs.file.read",
           XF_STR("file", store->file_name), XF_INT("records", read->records),
           XF_INT("expired", read->expired), XF_INT("damaged", read->damaged));
}

void xf_dialogs_each(struct xf_dialogs *store, xf_dialogs_read_fn read, void *owner)
{
    struct xf_dialogs_read counts;
    struct xf_error err = {0};
    if (!store)
        return;
    xf_require(!store->is_writing);
    enum xf_err result =
        xf_dialogs_file_read(&store->file, store->unix_s(), read, owner, &counts, &err);
    if (result != XF_ERR_OK)
        xf_log(XF_LOG_ERROR, "dialogs.read.failed", XF_STR("file", store->file_name),
               XF_STR("detail", err.detail), XF_HELP(XF_HELP_FILE_UNWRITABLE));
    log_read(store, &counts);
    store->has_expired = counts.expired > 0;
    schedule(store);
}

/* ------------------------------------------------------------------ open and free */

static enum xf_err renew(struct xf_dialogs *store, struct xf_error *err)
{
    char aside[4096 + 16] = "";
    if (!xf_database_set_aside(store->file_name, aside, sizeof(aside)))
        return xf_fail(err, XF_ERR_IO, "%s: is damaged, and cannot be renamed: move it away",
                       store->file_name);
    xf_log(XF_LOG_ERROR, "dialogs.file.renewed", XF_STR("file", store->file_name),
           XF_STR("aside", aside), XF_STR("detail", err->detail), XF_HELP(XF_HELP_FILE_REFUSED));
    return xf_dialogs_file_open(store->file_name, &store->file, err);
}

static void release(struct xf_dialogs *store)
{
    xf_timer_stop(&store->timer);
    free_changes(&store->fresh);
    free_changes(&store->batch.changes);
    xf_dialogs_file_close(&store->file);
    xf_free(store->file_name);
    xf_free(store);
}

enum xf_err xf_dialogs_open(const struct xf_dialogs_opts *opts, struct xf_dialogs **out_store,
                            struct xf_error *err)
{
    struct xf_error words = {0};
    struct xf_dialogs *store = xf_new(struct xf_dialogs);
    store->file_name = xf_strdup(opts->file);
    store->records = opts->records;
    store->waiting_max = opts->waiting_bytes;
    store->pool = opts->pool;
    store->timers = opts->timers;
    store->clock = opts->clock;
    store->unix_s = opts->unix_s;
    store->fresh = xf_map_new();
    xf_timer_init(&store->timer, on_time, store);
    enum xf_err result = xf_dialogs_file_open(store->file_name, &store->file, &words);
    if (result == XF_ERR_DAMAGED)
        result = renew(store, &words);
    if (result == XF_ERR_OK) {
        *out_store = store;
        return result;
    }
    release(store);
    return xf_fail(err, XF_ERR_IO, "%s", words.detail);
}

bool xf_dialogs_is_writing(const struct xf_dialogs *store)
{
    return store && store->is_writing;
}

void xf_dialogs_finish(struct xf_dialogs *store)
{
    if (!store)
        return;
    store->pool = NULL;
    xf_timer_stop(&store->timer);
}

void xf_dialogs_free(struct xf_dialogs **store_at)
{
    struct xf_dialogs *store = *store_at;
    if (!store)
        return;
    xf_require(!store->is_writing);
    *store_at = NULL;
    write_the_rest(store);
    release(store);
}
