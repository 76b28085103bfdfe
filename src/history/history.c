/* SPDX-License-Identifier: MIT */
/*
 * history.c — the table of peers and its file: read at the start, written in the background.
 *
 *   note -> the table, at once -> dirty -> (2 s) -> a batch of copies -> the thread pool -> the
 *   file
 *
 * Only one batch is being written at a time. If writing fails, the batch is retried every minute,
 * before any other, and the failure is logged once. A change that only says that a peer was seen
 * again is written at most once an hour.
 */
#include "history_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/xmpp/jid.h>

#define WRITE_MS     2000
#define RETRY_MS     60000
#define BATCH_ROWS   1000
#define SEEN_AGAIN_S 3600
#define ALARM_MS     (3600u * 1000)

struct xf_history {
    struct xf_pool *pool; /* NULL: none */
    struct xf_timers *timers;
    struct xf_history_table table;
    char *path;
    struct xf_history_file *file; /* NULL: none */
    struct xf_timer timer;        /* of the next write */
    /* The batch that is being written or waits for a retry; NULL: none. */
    struct xf_history_row *rows;
    size_t row_count;
    bool is_writing, has_failed;
    enum xf_err result;
    struct xf_error error;
};

/* ------------------------------------------------------------------ writing behind */

static void add_row(struct xf_history *history, struct xf_span name,
                    const struct xf_history_peer *peer)
{
    struct xf_history_row *row = &history->rows[history->row_count++];
    row->name = xf_span_dup(name);
    for (size_t i = 0; peer && i < XF_HISTORY_WAY_COUNT; i++) {
        row->has_way[i] = peer->way[i] != NULL;
        if (peer->way[i])
            row->way[i] = peer->way[i]->entry;
    }
}

static void fill_batch(struct xf_history *history)
{
    struct xf_history_table *table = &history->table;
    struct xf_span name;
    size_t cursor = 0;
    history->rows = xf_alloc(BATCH_ROWS * sizeof(*history->rows));
    while (history->row_count < BATCH_ROWS && xf_map_next(table->gone, &cursor, &name, NULL)) {
        add_row(history, name, NULL);
        xf_map_remove(table->gone, name);
    }
    while (history->row_count < BATCH_ROWS && !xf_list_is_empty(&table->dirty)) {
        struct xf_history_peer *peer =
            XF_CONTAINER(table->dirty.next, struct xf_history_peer, dirty);
        add_row(history, xf_span_of(peer->name), peer);
        xf_list_remove(&peer->dirty);
        peer->is_stored = true;
    }
}

static void drop_batch(struct xf_history *history)
{
    for (size_t i = 0; i < history->row_count; i++)
        xf_free(history->rows[i].name);
    xf_free(history->rows);
    history->rows = NULL;
    history->row_count = 0;
}

/* Runs on the thread pool; the loop does not touch rows and file meanwhile. */
static void write_batch(void *owner)
{
    struct xf_history *history = owner;
    history->result =
        xf_history_file_write(history->file, history->rows, history->row_count, &history->error);
}

static void settle_batch(struct xf_history *history)
{
    bool failed = history->result != XF_ERR_OK;
    if (failed && !history->has_failed)
        xf_log(XF_LOG_ERROR, "memory.write.failed", XF_STR("file", history->path),
               XF_STR("detail", history->error.detail));
    else if (!failed && history->has_failed)
        xf_log(XF_LOG_INFO, "memory.write.recovered", XF_STR("file", history->path));
    history->has_failed = failed;
    if (!failed)
        drop_batch(history);
}

static void schedule(struct xf_history *history)
{
    bool has_work = history->rows || !xf_history_table_is_clean(&history->table);
    if (history->pool && has_work && !history->is_writing && !xf_timer_is_running(&history->timer))
        xf_timer_start(history->timers, &history->timer, history->has_failed ? RETRY_MS : WRITE_MS);
}

static void on_written(void *owner)
{
    struct xf_history *history = owner;
    history->is_writing = false;
    settle_batch(history);
    schedule(history);
}

static void on_time(void *owner)
{
    struct xf_history *history = owner;
    if (!history->rows)
        fill_batch(history);
    history->is_writing = true;
    xf_pool_run(history->pool, write_batch, on_written, history);
}

static void write_the_rest(struct xf_history *history)
{
    while (history->file && (history->rows || !xf_history_table_is_clean(&history->table))) {
        if (!history->rows)
            fill_batch(history);
        write_batch(history);
        settle_batch(history);
        if (history->has_failed)
            return;
    }
}

/* ------------------------------------------------------------------ open and free */

static void on_read(void *owner, struct xf_span name, enum xf_history_way way,
                    const struct xf_history_entry *entry)
{
    struct xf_history *history = owner;
    struct xf_history_peer *peer =
        xf_history_table_see(&history->table, name, entry->first_s, entry->last_s);
    xf_history_peer_record(peer, way, entry->first_s)->entry = *entry;
    peer->stored_s = entry->last_s;
    peer->is_stored = true;
}

static enum xf_err open_file(struct xf_history *history, struct xf_error *err)
{
    enum xf_err result = xf_history_file_open(history->path, &history->file, err);
    return result == XF_ERR_OK ? xf_history_file_read(history->file, on_read, history, err)
                               : result;
}

static void release(struct xf_history *history)
{
    xf_timer_stop(&history->timer);
    drop_batch(history);
    xf_history_file_close(&history->file);
    xf_history_table_fini(&history->table);
    xf_free(history->path);
    xf_free(history);
}

enum xf_err xf_history_open(const struct xf_history_opts *opts, struct xf_history **out_history,
                            struct xf_error *err)
{
    struct xf_history *history = xf_new(struct xf_history);
    bool has_file = *opts->file != '\0';
    xf_require(opts->max_peers > 0);
    history->pool = opts->pool;
    history->timers = opts->timers;
    history->path = xf_strdup(opts->file);
    xf_history_table_init(&history->table, opts->max_peers, has_file);
    xf_timer_init(&history->timer, on_time, history);
    enum xf_err result = has_file ? open_file(history, err) : XF_ERR_OK;
    if (result != XF_ERR_OK) {
        release(history);
        return result;
    }
    schedule(history); /* what was too much */
    *out_history = history;
    return XF_ERR_OK;
}

bool xf_history_is_writing(const struct xf_history *history)
{
    return history && history->is_writing;
}

void xf_history_free(struct xf_history **history)
{
    struct xf_history *m = *history;
    if (!m)
        return;
    xf_require(!m->is_writing);
    *history = NULL;
    write_the_rest(m);
    release(m);
}

/* ------------------------------------------------------------------ peers */

static enum xf_history_way way_of(bool is_inbound)
{
    return is_inbound ? XF_HISTORY_IN : XF_HISTORY_OUT;
}

static struct xf_history_record *find(const struct xf_history *history, struct xf_span peer,
                                      bool is_inbound)
{
    const struct xf_history_peer *known = xf_history_table_find(&history->table, peer);
    return known ? known->way[way_of(is_inbound)] : NULL;
}

const struct xf_history_entry *xf_history_find(const struct xf_history *history,
                                               struct xf_span peer, bool is_inbound)
{
    const struct xf_history_record *record = find(history, peer, is_inbound);
    return record ? &record->entry : NULL;
}

static void take(struct xf_history *history, struct xf_span name, bool is_inbound,
                 const struct xf_history_sight *now, bool accepts, int64_t now_s)
{
    if (name.len == 0 || name.len > XF_DOMAIN_MAX)
        return;
    struct xf_history_peer *peer = xf_history_table_see(&history->table, name, now_s, now_s);
    bool is_new = !peer->way[way_of(is_inbound)];
    struct xf_history_record *record = xf_history_peer_record(peer, way_of(is_inbound), now_s);
    bool is_changed = xf_history_entry_take(&record->entry, now, accepts, now_s);
    if (is_new || is_changed || now_s - peer->stored_s >= SEEN_AGAIN_S)
        xf_history_table_soil(&history->table, peer);
    schedule(history);
}

void xf_history_note(struct xf_history *history, struct xf_span peer, bool is_inbound,
                     const struct xf_history_sight *now, int64_t now_s)
{
    take(history, peer, is_inbound, now, false, now_s);
}

void xf_history_accept(struct xf_history *history, struct xf_span peer, bool is_inbound,
                       const struct xf_history_sight *now, int64_t now_s)
{
    take(history, peer, is_inbound, now, true, now_s);
}

bool xf_history_alarm_is_due(struct xf_history *history, struct xf_span peer, bool is_inbound,
                             enum xf_history_change alarm, uint64_t now_ms)
{
    struct xf_history_record *record = find(history, peer, is_inbound);
    if (!record || (record->alarmed_ms[alarm] && now_ms - record->alarmed_ms[alarm] < ALARM_MS))
        return false;
    record->alarmed_ms[alarm] = now_ms;
    return true;
}

void xf_history_forget(struct xf_history *history, struct xf_span peer)
{
    struct xf_history_peer *known = xf_history_table_find(&history->table, peer);
    if (!known)
        return;
    xf_history_table_remove(&history->table, known);
    schedule(history);
}

size_t xf_history_count(const struct xf_history *history)
{
    return xf_map_count(history->table.peers);
}
