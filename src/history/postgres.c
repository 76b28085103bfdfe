/* SPDX-License-Identifier: MIT */
/*
 * postgres.c — the store that nodes share: what is asked of the database, and in which order. The
 * connection (postgres_conn.c) runs one job at a time:
 *
 *   PREPARE   make the schema where it is missing, check its format, listen for notifications
 *   READ      a page of the peers that changed since the last reading, with alarms on the first
 *   WRITE     a batch of the history
 *   BEAT      our row of the registry, and all rows of it
 *   TRIM      forget what is more than memory { peers }, now and then
 *
 * After each connection all is read once, from the beginning, since the database may be another one
 * than before; then the store is ready. From then on it reads what changed when another node
 * notifies us (LISTEN), and in any case after each heartbeat: a proxy between us and the database
 * may swallow notifications, so they only make it quicker, and nothing depends on them.
 *
 * The first failure of a connection that does not end it (a missing right, a format of a newer
 * xfedd) gives it up too, so that it is tried again after a pause.
 */
#include "postgres_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/net/loop.h>
#include <xfed/xmpp/jid.h>

#define BATCH_ROWS   250 /* the loop builds its text at one go */
#define TRIM_MS      (10u * 60 * 1000)
#define TRIM_ROWS    5000
#define VERSION_MIN  130000 /* pg_current_xact_id */
#define NUMBER_BYTES 24

enum job { NONE, PREPARE, READ, WRITE, BEAT, TRIM };
enum { READ_HORIZON, READ_PAGE, READ_ALARMS, READ_COUNT };
enum { BEAT_NODES, BEAT_SELF, BEAT_OLD, BEAT_COUNT };

struct postgres {
    struct xf_store store;
    struct xf_loop *loop;
    struct xf_pg_conn *conn;
    char *node;
    size_t max_peers;
    enum job job;
    bool is_prepared;
    bool is_ready; /* all has been read since the connection was made */
    /* READ: what is read now begins at `since`, and the next reading at `horizon`. */
    bool wants_read, is_reading;
    char since[NUMBER_BYTES], horizon[NUMBER_BYTES];
    char cursor[NUMBER_BYTES], cursor_peer[XF_DOMAIN_ASCII_MAX + 1], cursor_way[8];
    size_t page_count;
    /* WRITE: borrowed from the history until it is written; NULL: none. */
    const struct xf_history_row *rows;
    size_t row_count;
    /* BEAT: texts in new memory; name NULL: no heartbeat waits. */
    struct xf_store_node beat;
    uint64_t trim_at_ms;
    size_t written;   /* rows since the last TRIM */
    char refusal[96]; /* of PREPARE; "": none */
};

static struct postgres *of(struct xf_store *store)
{
    return XF_CONTAINER(store, struct postgres, store);
}

static uint64_t now_ms(const struct postgres *s)
{
    return xf_loop_clock(s->loop)->now_ms;
}

/* ------------------------------------------------------------------ values of a result */

static const char *text_at(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column); /* "" for NULL, and never NULL */
}

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(text_at(result, row, column), NULL, 10);
}

/* Names are checked as those of a stranger: somebody may have edited the table. */
static bool peer_at(const PGresult *result, int row, int column, char out[XF_DOMAIN_MAX + 1])
{
    return xf_domain_prepare(xf_span_of(text_at(result, row, column)), out) == XF_ERR_OK;
}

/* ------------------------------------------------------------------ PREPARE */

static void take_prepared(struct postgres *s, size_t statement, const PGresult *result)
{
    if (statement != XF_PG_PREPARE_FORMAT)
        return;
    int64_t format = PQntuples(result) == 1 ? number_at(result, 0, 0) : 0;
    if (format != XF_PG_FORMAT)
        snprintf(s->refusal, sizeof(s->refusal),
                 "its schema xfedd has format %" PRId64 ", and this xfedd reads %d", format,
                 XF_PG_FORMAT);
}

static void end_prepare(struct postgres *s)
{
    if (s->refusal[0]) {
        xf_pg_conn_fail(s->conn, s->refusal);
        return;
    }
    s->is_prepared = true;
    s->wants_read = true;
}

/* ------------------------------------------------------------------ READ */

static void begin_reading(struct postgres *s)
{
    s->wants_read = false;
    s->is_reading = true;
    snprintf(s->cursor, sizeof(s->cursor), "0");
    s->cursor_peer[0] = s->cursor_way[0] = '\0';
}

static bool is_first_page(const struct postgres *s)
{
    return s->cursor_way[0] == '\0';
}

static void run_read(struct postgres *s)
{
    if (!s->is_reading)
        begin_reading(s);
    const struct xf_pg_statement statements[READ_COUNT] = {
        [READ_HORIZON] = {.sql = xf_pg_sql_horizon},
        [READ_PAGE] = {.sql = xf_pg_sql_page,
                       .count = 4,
                       .values = {s->since, s->cursor, s->cursor_peer, s->cursor_way}},
        [READ_ALARMS] = {.sql = xf_pg_sql_alarms, .count = 1, .values = {s->since}},
    };
    s->page_count = 0;
    xf_pg_conn_run(s->conn, statements, READ_COUNT);
}

static bool entry_at(const PGresult *page, int row, struct xf_history_entry *out,
                     enum xf_history_way *out_way)
{
    *out = (struct xf_history_entry){.first_s = number_at(page, row, XF_PG_PAGE_FIRST),
                                     .last_s = number_at(page, row, XF_PG_PAGE_LAST),
                                     .lowered_s = number_at(page, row, XF_PG_PAGE_LOWERED)};
    return xf_history_way_parse(text_at(page, row, XF_PG_PAGE_DIRECTION), out_way) &&
           xf_history_auth_parse(text_at(page, row, XF_PG_PAGE_AUTH), &out->auth);
}

static void add_key_at(const PGresult *page, int row, struct xf_history_entry *entry)
{
    struct xf_history_key key = {.first_s = number_at(page, row, XF_PG_PAGE_KEY_FIRST),
                                 .last_s = number_at(page, row, XF_PG_PAGE_KEY_LAST)};
    if (entry->key_count < XF_HISTORY_KEYS &&
        xf_history_spki_parse(text_at(page, row, XF_PG_PAGE_SPKI), key.spki_sha256) &&
        xf_history_ground_parse(text_at(page, row, XF_PG_PAGE_GROUND), &key.ground))
        entry->keys[entry->key_count++] = key;
}

static bool is_same_entry(const PGresult *page, int a, int b)
{
    return strcmp(text_at(page, a, XF_PG_PAGE_PEER), text_at(page, b, XF_PG_PAGE_PEER)) == 0 &&
           strcmp(text_at(page, a, XF_PG_PAGE_DIRECTION), text_at(page, b, XF_PG_PAGE_DIRECTION)) ==
               0;
}

/* A row for each key of an entry. Returns the first row of the next entry. */
static int take_entry(struct postgres *s, const PGresult *page, int row)
{
    struct xf_history_entry entry;
    enum xf_history_way way;
    char peer[XF_DOMAIN_MAX + 1];
    int first = row;
    bool is_sound = peer_at(page, row, XF_PG_PAGE_PEER, peer) && entry_at(page, row, &entry, &way);
    do
        add_key_at(page, row++, &entry);
    while (row < PQntuples(page) && is_same_entry(page, first, row));
    if (is_sound)
        s->store.events->entry(s->store.owner, xf_span_of(peer), way, &entry);
    s->page_count++;
    return row;
}

static void take_page(struct postgres *s, const PGresult *page)
{
    int count = PQntuples(page);
    for (int row = 0; row < count;)
        row = take_entry(s, page, row);
    if (count == 0)
        return;
    snprintf(s->cursor, sizeof(s->cursor), "%s", text_at(page, count - 1, XF_PG_PAGE_CHANGED));
    snprintf(s->cursor_peer, sizeof(s->cursor_peer), "%s",
             text_at(page, count - 1, XF_PG_PAGE_PEER));
    snprintf(s->cursor_way, sizeof(s->cursor_way), "%s",
             text_at(page, count - 1, XF_PG_PAGE_DIRECTION));
}

static void take_alarms(struct postgres *s, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++) {
        char peer[XF_DOMAIN_MAX + 1];
        uint64_t age_ms = (uint64_t)number_at(result, row, 4);
        struct xf_store_alarm alarm = {.node = text_at(result, row, 3)};
        if (!peer_at(result, row, 0, peer) ||
            !xf_history_way_parse(text_at(result, row, 1), &alarm.way) ||
            !xf_history_change_parse(text_at(result, row, 2), &alarm.change))
            continue;
        alarm.peer = xf_span_of(peer);
        alarm.at_ms = age_ms < now_ms(s) ? now_ms(s) - age_ms : 1;
        s->store.events->alarm(s->store.owner, &alarm);
    }
}

/*
 * The horizon is taken before the first page, and the alarms after the last one, when all peers are
 * known.
 */
static void take_read(struct postgres *s, size_t statement, const PGresult *result)
{
    if (statement == READ_PAGE)
        take_page(s, result);
    else if (statement == READ_ALARMS && s->page_count < XF_PG_PAGE_ROWS)
        take_alarms(s, result);
    else if (statement == READ_HORIZON && is_first_page(s) && PQntuples(result) == 1)
        snprintf(s->horizon, sizeof(s->horizon), "%s", text_at(result, 0, 0));
}

static void end_read(struct postgres *s)
{
    if (s->page_count == XF_PG_PAGE_ROWS)
        return; /* the next page follows */
    s->is_reading = false;
    memcpy(s->since, s->horizon, sizeof(s->since));
    if (s->is_ready)
        return;
    s->is_ready = true;
    s->store.events->ready(s->store.owner);
}

/* ------------------------------------------------------------------ WRITE */

static void run_write(struct postgres *s)
{
    struct xf_pg_batch batch;
    struct xf_pg_statement statements[XF_PG_BATCH_STATEMENTS];
    xf_pg_batch_init(&batch, s->rows, s->row_count, now_ms(s));
    size_t count = xf_pg_batch_statements(&batch, s->node, statements);
    xf_pg_conn_run(s->conn, statements, count);
    xf_pg_batch_release(&batch);
}

static void end_write(struct postgres *s, enum xf_err result, const char *why)
{
    struct xf_error err = {0};
    if (!s->rows)
        return;
    if (result != XF_ERR_OK)
        (void)xf_fail(&err, result, "%s", why);
    else
        s->written += s->row_count;
    s->rows = NULL;
    s->store.events->written(s->store.owner, result, &err);
}

/* ------------------------------------------------------------------ BEAT */

/* The database is of use: it could be read, and now it was written. */
static void end_beat(struct postgres *s)
{
    xf_pg_conn_succeed(s->conn);
    s->wants_read = true;
}

static void drop_beat(struct postgres *s)
{
    xf_free((char *)(uintptr_t)s->beat.version); /* ours, see keep_beat */
    xf_free((char *)(uintptr_t)s->beat.digest);
    xf_free((char *)(uintptr_t)s->beat.secret);
    xf_free((char *)(uintptr_t)s->beat.links);
    xf_free((char *)(uintptr_t)s->beat.instance);
    s->beat = (struct xf_store_node){.name = NULL};
}

static void keep_beat(struct postgres *s, const struct xf_store_node *self)
{
    drop_beat(s);
    s->beat = *self;
    s->beat.name = s->node;
    s->beat.version = xf_strdup(self->version);
    s->beat.digest = xf_strdup(self->digest);
    s->beat.secret = xf_strdup(self->secret ? self->secret : "");
    s->beat.links = xf_strdup(self->links);
    s->beat.instance = xf_strdup(self->instance);
}

static void run_beat(struct postgres *s)
{
    char heartbeat_ms[NUMBER_BYTES], peers[NUMBER_BYTES];
    const struct xf_store_node *n = &s->beat;
    snprintf(heartbeat_ms, sizeof(heartbeat_ms), "%u", n->heartbeat_ms);
    snprintf(peers, sizeof(peers), "%zu", s->max_peers);
    const struct xf_pg_statement statements[BEAT_COUNT] = {
        [BEAT_NODES] = {.sql = xf_pg_sql_nodes},
        [BEAT_SELF] = {.sql = xf_pg_sql_beat,
                       .count = 9,
                       .values = {n->name, n->version, n->digest, n->links, n->instance,
                                  n->is_leaving ? "true" : "false", heartbeat_ms, peers,
                                  n->secret}},
        [BEAT_OLD] = {.sql = xf_pg_sql_old_nodes},
    };
    xf_pg_conn_run(s->conn, statements, BEAT_COUNT);
    drop_beat(s);
}

static void take_nodes(struct postgres *s, size_t statement, const PGresult *result)
{
    if (statement != BEAT_NODES)
        return;
    for (int row = 0; row < PQntuples(result); row++) {
        const struct xf_store_node node = {.name = text_at(result, row, 0),
                                           .version = text_at(result, row, 1),
                                           .digest = text_at(result, row, 2),
                                           .links = text_at(result, row, 3),
                                           .instance = text_at(result, row, 4),
                                           .is_leaving = text_at(result, row, 5)[0] == 't',
                                           .heartbeat_ms = (unsigned)number_at(result, row, 6),
                                           .silent_ms = (uint64_t)number_at(result, row, 7),
                                           .secret = text_at(result, row, 8)};
        s->store.events->node(s->store.owner, &node);
    }
    s->store.events->nodes_told(s->store.owner);
}

/* ------------------------------------------------------------------ TRIM */

static bool is_trim_due(const struct postgres *s)
{
    return s->written >= TRIM_ROWS || (s->written > 0 && now_ms(s) >= s->trim_at_ms);
}

static void run_trim(struct postgres *s)
{
    const struct xf_pg_statement statement = {.sql = xf_pg_sql_trim};
    s->written = 0;
    s->trim_at_ms = now_ms(s) + TRIM_MS;
    xf_pg_conn_run(s->conn, &statement, 1);
}

/* ------------------------------------------------------------------ one job after the other */

static void run_prepare(struct postgres *s)
{
    s->refusal[0] = '\0';
    xf_pg_conn_run(s->conn, xf_pg_prepare, XF_PG_PREPARE_COUNT);
}

static enum job next_job(const struct postgres *s)
{
    if (!s->is_prepared)
        return PREPARE;
    if (s->rows)
        return WRITE;
    if (s->beat.name)
        return BEAT;
    if (s->wants_read || s->is_reading)
        return READ;
    return is_trim_due(s) ? TRIM : NONE;
}

static void work(struct postgres *s)
{
    static void (*const run[])(struct postgres * s) = {[PREPARE] = run_prepare,
                                                       [READ] = run_read,
                                                       [WRITE] = run_write,
                                                       [BEAT] = run_beat,
                                                       [TRIM] = run_trim};
    if (!xf_pg_conn_is_idle(s->conn))
        return;
    s->job = next_job(s);
    if (s->job != NONE)
        run[s->job](s);
}

static void on_up(void *owner)
{
    work(owner);
}

/* Whatever was being done has not happened; all of it is done again. */
static void on_down(void *owner, const char *why)
{
    struct postgres *s = owner;
    s->is_prepared = s->is_ready = s->is_reading = s->wants_read = false;
    s->job = NONE;
    snprintf(s->since, sizeof(s->since), "0");
    drop_beat(s);
    s->store.events->away(s->store.owner, why);
    end_write(s, XF_ERR_IO, why);
}

static void on_result(void *owner, size_t statement, const PGresult *result)
{
    struct postgres *s = owner;
    if (s->job == PREPARE)
        take_prepared(s, statement, result);
    else if (s->job == READ)
        take_read(s, statement, result);
    else if (s->job == BEAT)
        take_nodes(s, statement, result);
}

/* A batch that is refused may be at fault itself; every other job is the same each time. */
static void on_refused(struct postgres *s, const char *why)
{
    if (s->job == WRITE)
        end_write(s, XF_ERR_REFUSED, why);
    else
        xf_pg_conn_fail(s->conn, why);
}

static void on_done(void *owner, const char *why)
{
    struct postgres *s = owner;
    if (why)
        on_refused(s, why);
    else if (s->job == PREPARE)
        end_prepare(s);
    else if (s->job == READ)
        end_read(s);
    else if (s->job == WRITE)
        end_write(s, XF_ERR_OK, NULL);
    else if (s->job == BEAT)
        end_beat(s);
    work(s);
}

static void on_notified(void *owner)
{
    struct postgres *s = owner;
    s->wants_read = true;
    work(s);
}

static const struct xf_pg_events conn_events = {.up = on_up,
                                                .down = on_down,
                                                .result = on_result,
                                                .done = on_done,
                                                .notified = on_notified};

/* ------------------------------------------------------------------ for the history */

static bool is_ready(const struct xf_store *store)
{
    return XF_CONTAINER(store, const struct postgres, store)->is_ready;
}

static void write_rows(struct xf_store *store, const struct xf_history_row *rows, size_t count)
{
    struct postgres *s = of(store);
    s->rows = rows;
    s->row_count = count;
    work(s);
}

static void beat(struct xf_store *store, const struct xf_store_node *self)
{
    struct postgres *s = of(store);
    keep_beat(s, self);
    work(s);
}

static void close_store(struct xf_store *store)
{
    struct postgres *s = of(store);
    xf_pg_conn_free(&s->conn);
    drop_beat(s);
    xf_free(s->node);
    xf_free(s->store.place);
    xf_free(s);
}

static const struct xf_store_ops ops = {.is_shared = true,
                                        .batch_rows = BATCH_ROWS,
                                        .is_ready = is_ready,
                                        .write = write_rows,
                                        .beat = beat,
                                        .close = close_store};

static char *place_of(const struct xf_pg_uri *uri)
{
    const struct xf_pg_server *first = &uri->servers[0];
    const char *database = xf_pg_uri_value(uri, "dbname");
    return xf_asprintf("%s/%s", first->host ? first->host : first->address,
                       database ? database : "xfedd");
}

struct xf_store *xf_store_open_shared(const struct xf_history_node *node, size_t max_peers,
                                      const struct xf_store_events *events, void *owner)
{
    struct xf_pg_uri uri;
    struct postgres *s = xf_new(struct postgres);
    xf_require(xf_pg_uri_parse(node->uri, &uri, NULL) == XF_ERR_OK); /* the daemon has checked it */
    s->store =
        (struct xf_store){.ops = &ops, .events = events, .owner = owner, .place = place_of(&uri)};
    s->loop = node->loop;
    s->node = xf_strdup(node->name);
    s->max_peers = max_peers;
    snprintf(s->since, sizeof(s->since), "0");
    char *name = xf_asprintf("xfedd %s", node->name);
    s->conn = xf_pg_conn_new(node->loop, &uri, node->password, name, &conn_events, s);
    xf_free(name);
    return &s->store;
}
