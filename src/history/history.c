/* SPDX-License-Identifier: MIT */
/*
 * history.c — the table of peers and its store: read at the start, written in the background.
 *
 *   note -> the table, at once -> dirty -> (2 s) -> a batch of copies -> the store
 *
 * Only one batch is being written at a time. If writing fails, the batch is retried every minute,
 * before any other, and the failure is logged once. A change that only says that a peer was seen
 * again is written at most once an hour. An alarm is written at once where other nodes should know
 * of it.
 *
 * A shared store may be away for hours. The backlog is the list of dirty peers, whose entries stay
 * in the table: it has each peer once, with what is known of it now, and at most as many as the
 * table holds. What other nodes wrote is merged into the table when the store tells of it; an entry
 * that then has more than the store is dirty again.
 */
#include "history_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/xmpp/jid.h>

#define WRITE_MS     2000
#define MORE_MS      100 /* when the last batch was full */
#define RETRY_MS     60000
#define PARTING_MS   2000 /* what a shared store is given at the end */
#define SEEN_AGAIN_S 3600
#define ALARM_MS     (3600u * 1000)

struct xf_history {
    struct xf_pool *pool; /* NULL: the file is written in xf_history_free */
    struct xf_timers *timers;
    struct xf_history_table table;
    struct xf_store *store;       /* NULL: none */
    struct xf_registry *registry; /* NULL: the store has none */
    struct xf_timer timer;        /* of the next write; at the end, of the patience */
    /* The batch that is being written or waits for a retry; NULL: none. */
    struct xf_history_row *rows;
    size_t row_count;
    bool is_writing, has_failed;
    bool was_read;     /* what the store had is in the table */
    bool is_away;      /* logged */
    bool is_finishing; /* xf_history_finish */
    bool has_given_up; /* PARTING_MS have passed */
};

/* ------------------------------------------------------------------ writing behind */

static void add_row(struct xf_history *history, struct xf_span name, struct xf_history_peer *peer)
{
    struct xf_history_row *row = &history->rows[history->row_count++];
    row->name = xf_span_dup(name);
    for (size_t i = 0; peer && i < XF_HISTORY_WAY_COUNT; i++) {
        struct xf_history_record *record = peer->way[i];
        row->has_way[i] = record != NULL;
        if (!record)
            continue;
        row->way[i] = record->entry;
        memcpy(row->raised_ms[i], record->raised_ms, sizeof(row->raised_ms[i]));
        memset(record->raised_ms, 0, sizeof(record->raised_ms));
    }
}

static void fill_batch(struct xf_history *history)
{
    struct xf_history_table *table = &history->table;
    size_t cursor = 0, room = history->store->ops->batch_rows;
    struct xf_span name;
    history->rows = xf_alloc(room * sizeof(*history->rows));
    while (history->row_count < room && xf_map_next(table->gone, &cursor, &name, NULL)) {
        add_row(history, name, NULL);
        xf_map_remove(table->gone, name);
    }
    while (history->row_count < room && !xf_list_is_empty(&table->dirty)) {
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

/* A store that is away has logged that already; what it refused before is not over. */
static void settle_batch(struct xf_history *history, enum xf_err result, const struct xf_error *err)
{
    bool failed = result != XF_ERR_OK, is_there = history->store->ops->is_ready(history->store);
    if (failed && is_there && !history->has_failed)
        xf_log(
            XF_LOG_ERROR, "memory.write.failed", XF_STR("file", history->store->place),
            XF_STR("detail", err->detail),
            XF_HELP(history->store->ops->is_shared ? XF_HELP_STORE_LOST : XF_HELP_FILE_UNWRITABLE));
    else if (!failed && history->has_failed)
        xf_log(XF_LOG_INFO, "memory.write.recovered", XF_STR("file", history->store->place));
    history->has_failed = failed && (is_there || history->has_failed);
    if (!failed)
        drop_batch(history);
}

static bool has_work(const struct xf_history *history)
{
    return history->rows || !xf_history_table_is_clean(&history->table);
}

static bool may_write(const struct xf_history *history)
{
    return history->store && (history->pool || history->store->ops->is_shared) &&
           history->store->ops->is_ready(history->store) && !history->is_writing &&
           !history->has_given_up;
}

static void write_batch(struct xf_history *history)
{
    if (!history->rows)
        fill_batch(history);
    history->is_writing = true;
    history->store->ops->write(history->store, history->rows, history->row_count);
}

/* At the end the timer has another task. */
static void write_after(struct xf_history *history, uint64_t delay_ms)
{
    if (!may_write(history) || !has_work(history))
        return;
    if (history->is_finishing)
        write_batch(history);
    else if (delay_ms == 0 || !xf_timer_is_running(&history->timer))
        xf_timer_start(history->timers, &history->timer, delay_ms);
}

static void schedule(struct xf_history *history)
{
    write_after(history, history->has_failed ? RETRY_MS : WRITE_MS);
}

static void on_time(void *owner)
{
    struct xf_history *history = owner;
    history->has_given_up = history->is_finishing;
    if (may_write(history) && has_work(history))
        write_batch(history);
}

static void write_the_rest(struct xf_history *history)
{
    struct xf_error err = {0};
    struct xf_store *store = history->store;
    while (store && store->ops->write_here && has_work(history)) {
        if (!history->rows)
            fill_batch(history);
        settle_batch(history,
                     store->ops->write_here(store, history->rows, history->row_count, &err), &err);
        if (history->has_failed)
            return;
    }
}

/* What could not be written is lost with the process. */
static void count_the_rest(const struct xf_history *history)
{
    size_t count = history->row_count;
    XF_LIST_EACH (node, &history->table.dirty)
        count++;
    if (history->store && history->store->ops->is_shared && count > 0)
        xf_log(XF_LOG_WARN, "memory.store.unsaved", XF_STR("store", history->store->place),
               XF_INT("peers", count));
}

/* ------------------------------------------------------------------ what the store says */

static void on_written(void *owner, enum xf_err result, const struct xf_error *err)
{
    struct xf_history *history = owner;
    bool was_full = history->row_count == history->store->ops->batch_rows;
    history->is_writing = false;
    settle_batch(history, result, err);
    if (was_full && result == XF_ERR_OK)
        write_after(history, MORE_MS);
    else
        schedule(history);
}

/*
 * While the store could not be read, we took the peer for a new one: compare now what we saw then.
 */
static void check_late(struct xf_span name, enum xf_history_way way,
                       struct xf_history_record *record, const struct xf_history_entry *known)
{
    const struct xf_history_entry *mine = &record->entry;
    struct xf_history_sight sight = {.auth = mine->auth, .has_key = mine->key_count > 0};
    if (sight.has_key) {
        sight.ground = mine->keys[0].ground;
        memcpy(sight.spki_sha256, mine->keys[0].spki_sha256, XF_HISTORY_SPKI_BYTES);
    }
    enum xf_history_change change = xf_history_compare(known, &sight);
    if (xf_history_is_alarm(change))
        xf_log(XF_LOG_WARN, "memory.alarm.late", XF_SPN("peer", name),
               XF_WORD("dir", xf_history_way_word(way)),
               XF_WORD("change", xf_history_change_word(change)),
               XF_WORD("was", xf_history_auth_word(known->auth)),
               XF_WORD("is", xf_history_auth_word(sight.auth)));
    record->is_unchecked = false;
}

static struct xf_history_peer *see_other(struct xf_history_table *table, struct xf_span name,
                                         const struct xf_history_entry *entry)
{
    struct xf_history_peer *peer = xf_history_table_find(table, name);
    if (peer && entry->last_s <= peer->last_s && entry->first_s >= peer->first_s)
        return peer;
    int64_t last_s = peer && peer->last_s > entry->last_s ? peer->last_s : entry->last_s;
    return xf_history_table_see(table, name, entry->first_s, last_s);
}

static void on_entry(void *owner, struct xf_span name, enum xf_history_way way,
                     const struct xf_history_entry *entry)
{
    struct xf_history *history = owner;
    struct xf_history_peer *peer = see_other(&history->table, name, entry);
    bool is_new = !peer->way[way];
    struct xf_history_record *record = xf_history_peer_record(peer, way, entry->first_s);
    if (record->is_unchecked)
        check_late(name, way, record, entry);
    if (is_new)
        record->entry = *entry;
    else
        xf_history_entry_merge(&record->entry, entry);
    if (way == XF_HISTORY_AUTO)
        xf_history_owned_see(&history->table, peer);
    peer->stored_s = entry->last_s > peer->stored_s ? entry->last_s : peer->stored_s;
    peer->is_stored = true;
    if (xf_history_entry_eq(&record->entry, entry))
        return;
    xf_history_table_soil(&history->table, peer);
    schedule(history);
}

static void on_alarm(void *owner, const struct xf_store_alarm *alarm)
{
    struct xf_history *history = owner;
    const struct xf_history_peer *peer = xf_history_table_find(&history->table, alarm->peer);
    struct xf_history_record *record = peer ? peer->way[alarm->way] : NULL;
    if (!record || record->alarmed_ms[alarm->change] >= alarm->at_ms)
        return;
    record->alarmed_ms[alarm->change] = alarm->at_ms;
    xf_log(XF_LOG_DEBUG, "memory.alarm.shared", XF_SPN("peer", alarm->peer),
           XF_WORD("dir", xf_history_way_word(alarm->way)),
           XF_WORD("change", xf_history_change_word(alarm->change)), XF_STR("node", alarm->node));
}

static void on_node(void *owner, const struct xf_store_node *node)
{
    struct xf_history *history = owner;
    if (history->registry)
        xf_registry_see(history->registry, node);
}

static void on_nodes_told(void *owner)
{
    struct xf_history *history = owner;
    if (history->registry)
        xf_registry_told(history->registry);
}

static void on_ready(void *owner)
{
    struct xf_history *history = owner;
    xf_log(XF_LOG_INFO, "memory.store.found", XF_STR("store", history->store->place),
           XF_INT("peers", xf_history_count(history)));
    history->was_read = true;
    history->is_away = false;
    if (history->registry)
        xf_registry_begin(history->registry);
    schedule(history);
}

static void on_away(void *owner, const char *why)
{
    struct xf_history *history = owner;
    if (!history->is_away)
        xf_log(XF_LOG_WARN, "memory.store.lost", XF_STR("store", history->store->place),
               XF_STR("detail", why), XF_HELP(XF_HELP_STORE_LOST));
    history->is_away = true;
    if (history->registry)
        xf_registry_pause(history->registry);
}

static const struct xf_store_events store_events = {.entry = on_entry,
                                                    .alarm = on_alarm,
                                                    .node = on_node,
                                                    .nodes_told = on_nodes_told,
                                                    .ready = on_ready,
                                                    .away = on_away,
                                                    .written = on_written};

/* ------------------------------------------------------------------ open and free */

static enum xf_err open_store(struct xf_history *history, const struct xf_history_opts *opts,
                              struct xf_error *err)
{
    history->table.has_store = opts->node || *opts->file;
    history->table.has_own_store = history->table.has_store && !opts->node;
    if (opts->node)
        history->store = xf_store_open_shared(opts->node, opts->max_peers, &store_events, history);
    else if (*opts->file)
        return xf_store_open_file(opts->file, opts->pool, &store_events, history, &history->store,
                                  err);
    if (opts->node)
        history->registry = xf_registry_new(opts->node, opts->timers, history->store);
    return XF_ERR_OK;
}

static void release(struct xf_history *history)
{
    xf_timer_stop(&history->timer);
    xf_registry_free(&history->registry);
    if (history->store)
        history->store->ops->close(history->store);
    drop_batch(history);
    xf_history_table_fini(&history->table);
    xf_free(history);
}

enum xf_err xf_history_open(const struct xf_history_opts *opts, struct xf_history **out_history,
                            struct xf_error *err)
{
    struct xf_history *history = xf_new(struct xf_history);
    xf_require(opts->max_peers > 0);
    history->pool = opts->pool;
    history->timers = opts->timers;
    history->was_read = !opts->node;
    xf_history_table_init(&history->table, opts->max_peers, opts->max_auto_per_owner);
    xf_timer_init(&history->timer, on_time, history);
    enum xf_err result = open_store(history, opts, err);
    if (result != XF_ERR_OK) {
        release(history);
        return result;
    }
    schedule(history); /* what was too much */
    *out_history = history;
    return XF_ERR_OK;
}

void xf_history_set_digest(struct xf_history *history, const char *digest)
{
    if (history && history->registry)
        xf_registry_set_digest(history->registry, digest);
}

size_t xf_history_nodes_lost(const struct xf_history *history)
{
    return history && history->registry ? xf_registry_lost(history->registry) : 0;
}

void xf_history_nodes(const struct xf_history *history, xf_history_node_fn show, void *owner)
{
    if (history && history->registry)
        xf_registry_show(history->registry, show, owner);
}

void xf_history_leave(struct xf_history *history)
{
    if (history && history->registry)
        xf_registry_leave(history->registry);
}

void xf_history_finish(struct xf_history *history)
{
    if (!history || !history->registry)
        return; /* a file is written in xf_history_free */
    history->is_finishing = true;
    xf_timer_start(history->timers, &history->timer, PARTING_MS);
    write_after(history, 0);
}

bool xf_history_is_writing(const struct xf_history *history)
{
    if (!history || !history->store)
        return false;
    return history->is_writing && !(history->store->ops->is_shared && history->has_given_up);
}

void xf_history_free(struct xf_history **history)
{
    struct xf_history *m = *history;
    if (!m)
        return;
    *history = NULL;
    write_the_rest(m);
    count_the_rest(m);
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
    record->is_unchecked = (record->is_unchecked || (is_new && !history->was_read)) && !accepts;
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
    if (history->store && history->store->ops->is_shared) {
        record->raised_ms[alarm] = now_ms;
        xf_history_table_soil(&history->table, xf_history_table_find(&history->table, peer));
        write_after(history, 0);
    }
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

/* ------------------------------------------------------------------ protocol = auto */

/* In the order of the words, so that of two nodes with one answer each SIP counts for both. */
static const enum xf_history_auth words_for[] = {
    [XF_HISTORY_OWNER_NONE] = XF_HISTORY_DIALBACK_CLEAR,
    [XF_HISTORY_OWNER_XMPP] = XF_HISTORY_DIALBACK_TLS,
    [XF_HISTORY_OWNER_SIP] = XF_HISTORY_EXTERNAL,
};

enum xf_history_owner xf_history_owner(const struct xf_history *history, struct xf_span peer,
                                       int64_t now_s, int64_t max_age_s, int64_t *out_last_s)
{
    const struct xf_history_peer *known = xf_history_table_find(&history->table, peer);
    const struct xf_history_record *record = known ? known->way[XF_HISTORY_AUTO] : NULL;
    if (!record || now_s - record->entry.last_s > max_age_s)
        return XF_HISTORY_OWNER_NONE;
    if (out_last_s)
        *out_last_s = record->entry.last_s;
    for (size_t i = 0; i < XF_ARRAY_LEN(words_for); i++)
        if (words_for[i] == record->entry.auth)
            return (enum xf_history_owner)i;
    return XF_HISTORY_OWNER_NONE;
}

void xf_history_own(struct xf_history *history, struct xf_span name, enum xf_history_owner owner,
                    int64_t now_s)
{
    const struct xf_history_sight now = {.auth = words_for[owner]};
    struct xf_history_peer *peer = xf_history_table_find(&history->table, name);
    bool is_new = !peer || !peer->way[XF_HISTORY_AUTO];
    if (name.len == 0 || name.len > XF_DOMAIN_MAX || (is_new && owner == XF_HISTORY_OWNER_NONE))
        return;
    peer = xf_history_table_see(&history->table, name, now_s, now_s);
    bool is_changed = xf_history_entry_take(
        &xf_history_peer_record(peer, XF_HISTORY_AUTO, now_s)->entry, &now, true, now_s);
    xf_history_owned_see(&history->table, peer);
    if (is_new || is_changed || now_s - peer->stored_s >= SEEN_AGAIN_S)
        xf_history_table_soil(&history->table, peer);
    schedule(history);
}

size_t xf_history_count(const struct xf_history *history)
{
    return xf_map_count(history->table.peers);
}
