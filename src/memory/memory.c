/* SPDX-License-Identifier: MIT */
/*
 * memory.c — the table of peers and its file together: read at the start, written behind.
 *
 *   note -> the table, at once -> dirty -> (2 s) -> a batch of copies -> the thread pool -> the file
 *
 * One batch is out at a time. One that could not be written is tried again every minute until it can, before all others, and says so
 * once. That a peer was seen again, and nothing else, is written once an hour.
 */
#include "memory_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/xmpp/jid.h>

#define WRITE_MS 2000
#define RETRY_MS 60000
#define BATCH_ROWS 1000
#define SEEN_AGAIN_S 3600
#define ALARM_MS (3600u * 1000)

struct xf_memory {
    struct xf_loop *loop; /* NULL: no thread pool */
    struct xf_memory_table table;
    char *path;
    struct xf_memory_file *file; /* NULL: none */
    struct xf_timer timer;       /* of the next write */
    struct xf_memory_row *rows;  /* the batch: is out, or waits for another try; NULL: none */
    size_t row_count;
    bool is_writing, has_failed;
    enum xf_err result;
    struct xf_error error;
};

/* ------------------------------------------------------------------ writing behind */

static void add_row(struct xf_memory *memory, struct xf_span name, const struct xf_memory_peer *peer)
{
    struct xf_memory_row *row = &memory->rows[memory->row_count++];
    row->name = xf_span_dup(name);
    for (size_t i = 0; peer && i < XF_MEMORY_WAY_COUNT; i++) {
        row->has_way[i] = peer->way[i] != NULL;
        if (peer->way[i])
            row->way[i] = peer->way[i]->entry;
    }
}

static void fill_batch(struct xf_memory *memory)
{
    struct xf_memory_table *table = &memory->table;
    struct xf_span name;
    size_t cursor = 0;
    memory->rows = xf_alloc(BATCH_ROWS * sizeof(*memory->rows));
    while (memory->row_count < BATCH_ROWS && xf_map_next(table->gone, &cursor, &name, NULL)) {
        add_row(memory, name, NULL);
        xf_map_remove(table->gone, name);
    }
    while (memory->row_count < BATCH_ROWS && !xf_list_is_empty(&table->dirty)) {
        struct xf_memory_peer *peer = XF_CONTAINER(table->dirty.next, struct xf_memory_peer, dirty);
        add_row(memory, xf_span_of(peer->name), peer);
        xf_list_remove(&peer->dirty);
        peer->is_stored = true;
    }
}

static void drop_batch(struct xf_memory *memory)
{
    for (size_t i = 0; i < memory->row_count; i++)
        xf_free(memory->rows[i].name);
    xf_free(memory->rows);
    memory->rows = NULL;
    memory->row_count = 0;
}

/* On the thread pool; the loop leaves rows and file alone meanwhile. */
static void write_batch(void *owner)
{
    struct xf_memory *memory = owner;
    memory->result = xf_memory_file_write(memory->file, memory->rows, memory->row_count, &memory->error);
}

static void settle_batch(struct xf_memory *memory)
{
    bool failed = memory->result != XF_ERR_OK;
    if (failed && !memory->has_failed)
        xf_log(XF_LOG_ERROR, "memory.write.failed", XF_STR("file", memory->path), XF_STR("detail", memory->error.detail));
    else if (!failed && memory->has_failed)
        xf_log(XF_LOG_INFO, "memory.write.recovered", XF_STR("file", memory->path));
    memory->has_failed = failed;
    if (!failed)
        drop_batch(memory);
}

static void schedule(struct xf_memory *memory)
{
    bool has_work = memory->rows || !xf_memory_table_is_clean(&memory->table);
    if (memory->loop && has_work && !memory->is_writing && !xf_timer_is_running(&memory->timer))
        xf_timer_start(xf_loop_timers(memory->loop), &memory->timer, memory->has_failed ? RETRY_MS : WRITE_MS);
}

static void on_written(void *owner)
{
    struct xf_memory *memory = owner;
    memory->is_writing = false;
    settle_batch(memory);
    schedule(memory);
}

static void on_time(void *owner)
{
    struct xf_memory *memory = owner;
    if (!memory->rows)
        fill_batch(memory);
    memory->is_writing = true;
    xf_loop_work(memory->loop, write_batch, on_written, memory);
}

static void write_the_rest(struct xf_memory *memory)
{
    while (memory->file && (memory->rows || !xf_memory_table_is_clean(&memory->table))) {
        if (!memory->rows)
            fill_batch(memory);
        write_batch(memory);
        settle_batch(memory);
        if (memory->has_failed)
            return;
    }
}

/* ------------------------------------------------------------------ open and free */

static void on_read(void *owner, struct xf_span name, enum xf_memory_way way, const struct xf_memory_entry *entry)
{
    struct xf_memory *memory = owner;
    struct xf_memory_peer *peer = xf_memory_table_see(&memory->table, name, entry->first_s, entry->last_s);
    xf_memory_peer_record(peer, way, entry->first_s)->entry = *entry;
    peer->stored_s = entry->last_s;
    peer->is_stored = true;
}

static enum xf_err open_file(struct xf_memory *memory, struct xf_error *err)
{
    enum xf_err result = xf_memory_file_open(memory->path, &memory->file, err);
    return result == XF_ERR_OK ? xf_memory_file_read(memory->file, on_read, memory, err) : result;
}

static void release(struct xf_memory *memory)
{
    xf_timer_stop(&memory->timer);
    drop_batch(memory);
    xf_memory_file_close(&memory->file);
    xf_memory_table_fini(&memory->table);
    xf_free(memory->path);
    xf_free(memory);
}

enum xf_err xf_memory_open(struct xf_loop *loop, const char *file, size_t max_peers, struct xf_memory **out_memory,
                           struct xf_error *err)
{
    struct xf_memory *memory = xf_new(struct xf_memory);
    xf_require(max_peers > 0);
    memory->loop = loop;
    memory->path = xf_strdup(file);
    xf_memory_table_init(&memory->table, max_peers, *file != '\0');
    xf_timer_init(&memory->timer, on_time, memory);
    enum xf_err result = *file ? open_file(memory, err) : XF_ERR_OK;
    if (result != XF_ERR_OK) {
        release(memory);
        return result;
    }
    schedule(memory); /* what was too much */
    *out_memory = memory;
    return XF_ERR_OK;
}

bool xf_memory_is_writing(const struct xf_memory *memory)
{
    return memory && memory->is_writing;
}

void xf_memory_free(struct xf_memory **memory)
{
    struct xf_memory *m = *memory;
    if (!m)
        return;
    xf_require(!m->is_writing);
    *memory = NULL;
    write_the_rest(m);
    release(m);
}

/* ------------------------------------------------------------------ peers */

static enum xf_memory_way way_of(bool is_inbound)
{
    return is_inbound ? XF_MEMORY_IN : XF_MEMORY_OUT;
}

static struct xf_memory_record *find(const struct xf_memory *memory, struct xf_span peer, bool is_inbound)
{
    const struct xf_memory_peer *known = xf_memory_table_find(&memory->table, peer);
    return known ? known->way[way_of(is_inbound)] : NULL;
}

const struct xf_memory_entry *xf_memory_find(const struct xf_memory *memory, struct xf_span peer, bool is_inbound)
{
    const struct xf_memory_record *record = find(memory, peer, is_inbound);
    return record ? &record->entry : NULL;
}

static void take(struct xf_memory *memory, struct xf_span name, bool is_inbound, const struct xf_memory_sight *now, bool accepts,
                 int64_t now_s)
{
    if (name.len == 0 || name.len > XF_DOMAIN_MAX)
        return;
    struct xf_memory_peer *peer = xf_memory_table_see(&memory->table, name, now_s, now_s);
    bool is_new = !peer->way[way_of(is_inbound)];
    struct xf_memory_record *record = xf_memory_peer_record(peer, way_of(is_inbound), now_s);
    bool is_changed = xf_memory_entry_take(&record->entry, now, accepts, now_s);
    if (is_new || is_changed || now_s - peer->stored_s >= SEEN_AGAIN_S)
        xf_memory_table_soil(&memory->table, peer);
    schedule(memory);
}

void xf_memory_note(struct xf_memory *memory, struct xf_span peer, bool is_inbound, const struct xf_memory_sight *now, int64_t now_s)
{
    take(memory, peer, is_inbound, now, false, now_s);
}

void xf_memory_accept(struct xf_memory *memory, struct xf_span peer, bool is_inbound, const struct xf_memory_sight *now, int64_t now_s)
{
    take(memory, peer, is_inbound, now, true, now_s);
}

bool xf_memory_alarm_is_due(struct xf_memory *memory, struct xf_span peer, bool is_inbound, enum xf_memory_change alarm,
                            uint64_t now_ms)
{
    struct xf_memory_record *record = find(memory, peer, is_inbound);
    if (!record || (record->alarmed_ms[alarm] && now_ms - record->alarmed_ms[alarm] < ALARM_MS))
        return false;
    record->alarmed_ms[alarm] = now_ms;
    return true;
}

void xf_memory_forget(struct xf_memory *memory, struct xf_span peer)
{
    struct xf_memory_peer *known = xf_memory_table_find(&memory->table, peer);
    if (!known)
        return;
    xf_memory_table_remove(&memory->table, known);
    schedule(memory);
}

size_t xf_memory_count(const struct xf_memory *memory)
{
    return xf_map_count(memory->table.peers);
}
