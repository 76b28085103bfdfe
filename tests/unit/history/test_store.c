/* SPDX-License-Identifier: MIT */
/*
 * test_store.c — what both stores promise (store_priv.h), the same tests over a
 * file and over a PostgreSQL server; then what only a shared one has: merging,
 * alarms, the registry.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/net/loop.h>

#include "postgres_priv.h"
#include "server.h"

#define NOW_S       1700000000
#define PATIENCE_MS 20000
#define SEEN_MAX    64

static struct server server;
static bool has_server;
static char file[] = "/tmp/xfed-store-XXXXXX";

enum kind { IN_FILE, SHARED, KIND_COUNT };
static const char *const kinds[] = {"file", "PostgreSQL"};

struct seen { /* an entry that the store had */
    char name[64];
    enum xf_history_way way;
    struct xf_history_entry entry;
};

struct world { /* a process with a store */
    struct xf_loop *loop;
    struct xf_store *store;
    struct xf_timer timer;
    struct seen seen[SEEN_MAX];
    size_t seen_count, alarm_count;
    enum xf_history_change alarm;
    uint64_t alarm_age_ms;
    char alarm_node[32], nodes[256];
    unsigned ready, away, written, told;
    enum xf_err result;
    char why[256];
    bool is_late;
};

/* ------------------------------------------------------------------ the world
 */

static void on_entry(void *owner, struct xf_span name, enum xf_history_way way,
                     const struct xf_history_entry *entry)
{
    struct world *world = owner;
    struct seen *seen = NULL;
    for (size_t i = 0; i < world->seen_count && !seen; i++)
        if (xf_span_is(name, world->seen[i].name) && world->seen[i].way == way)
            seen = &world->seen[i];
    if (!seen) {
        ck_assert_uint_lt(world->seen_count, SEEN_MAX);
        seen = &world->seen[world->seen_count++];
    }
    snprintf(seen->name, sizeof(seen->name), "%.*s", XF_SPAN_ARGS(name));
    seen->way = way;
    seen->entry = *entry;
}

static void on_alarm(void *owner, const struct xf_store_alarm *alarm)
{
    struct world *world = owner;
    world->alarm_count++;
    world->alarm = alarm->change;
    world->alarm_age_ms = xf_loop_clock(world->loop)->now_ms - alarm->at_ms;
    snprintf(world->alarm_node, sizeof(world->alarm_node), "%s", alarm->node);
}

static void on_node(void *owner, const struct xf_store_node *node)
{
    struct world *world = owner;
    size_t len = strlen(world->nodes);
    snprintf(world->nodes + len, sizeof(world->nodes) - len, "%s/%s/%s ", node->name, node->digest,
             node->is_leaving ? "leaving" : node->links);
}

static void on_nodes_told(void *owner)
{
    ((struct world *)owner)->told++;
}

static void on_ready(void *owner)
{
    ((struct world *)owner)->ready++;
}

static void on_away(void *owner, const char *why)
{
    struct world *world = owner;
    world->away++;
    snprintf(world->why, sizeof(world->why), "%s", why);
}

static void on_written(void *owner, enum xf_err result, const struct xf_error *err)
{
    struct world *world = owner;
    world->written++;
    world->result = result;
    if (result != XF_ERR_OK)
        snprintf(world->why, sizeof(world->why), "%s", err->detail);
}

static const struct xf_store_events events = {.entry = on_entry,
                                              .alarm = on_alarm,
                                              .node = on_node,
                                              .nodes_told = on_nodes_told,
                                              .ready = on_ready,
                                              .away = on_away,
                                              .written = on_written};

static void on_late(void *owner)
{
    struct world *world = owner;
    world->is_late = true;
}

static void tick(void *owner)
{
    struct world *world = owner;
    xf_loop_stop(world->loop);
}

/* Let the loop run until the counter has this value. */
static void run_until(struct world *world, const unsigned *counter, unsigned wanted)
{
    struct xf_timer late;
    xf_timer_init(&late, on_late, world);
    xf_timer_start(xf_loop_timers(world->loop), &late, PATIENCE_MS);
    while (*counter < wanted && !world->is_late) {
        xf_timer_init(&world->timer, tick, world);
        xf_timer_start(xf_loop_timers(world->loop), &world->timer, 5);
        xf_loop_run(world->loop);
        xf_timer_stop(&world->timer);
    }
    xf_timer_stop(&late);
    ck_assert_msg(!world->is_late, "nothing happened: away %u times, %s", world->away, world->why);
}

static void run_for(struct world *world, unsigned ms)
{
    xf_timer_init(&world->timer, tick, world);
    xf_timer_start(xf_loop_timers(world->loop), &world->timer, ms);
    xf_loop_run(world->loop);
    xf_timer_stop(&world->timer);
}

static void no_links(void *owner, char *out, size_t room)
{
    (void)owner;
    snprintf(out, room, "presence=up");
}

static void open_world(struct world *world, enum kind kind, const char *node)
{
    *world = (struct world){.loop = xf_loop_new()};
    struct xf_error err = {0};
    const struct xf_history_node shared = {.loop = world->loop,
                                           .uri = server_uri(&server),
                                           .name = node,
                                           .version = "1",
                                           .digest = "",
                                           .heartbeat_ms = 1000,
                                           .links = no_links};
    if (kind == SHARED)
        world->store = xf_store_open_shared(&shared, 100, &events, world);
    else
        ck_assert_msg(xf_store_open_file(file, xf_loop_pool(world->loop), &events, world,
                                         &world->store, &err) == XF_ERR_OK,
                      "%s", err.detail);
    if (kind == SHARED)
        run_until(world, &world->ready, 1);
    ck_assert(world->store->ops->is_ready(world->store));
}

static void close_world(struct world *world)
{
    world->store->ops->close(world->store);
    xf_loop_free(&world->loop);
}

/* Also after a test that failed half-way. */
static void revive(void)
{
    if (server.pid)
        server_freeze(&server, false);
    else
        server_start(&server);
}

static void begin(enum kind kind)
{
    if (kind == SHARED)
        revive();
    if (kind == SHARED)
        server_ask(&server, "DROP SCHEMA IF EXISTS xfedd CASCADE");
    else
        (void)unlink(file);
}

static bool may_run(enum kind kind)
{
    return kind != SHARED || has_server;
}

/* ------------------------------------------------------------------ rows */

static struct xf_history_key key_of(int byte, enum xf_history_ground ground, int64_t first_s,
                                    int64_t last_s)
{
    struct xf_history_key key = {.ground = ground, .first_s = first_s, .last_s = last_s};
    memset(key.spki_sha256, byte, sizeof(key.spki_sha256));
    return key;
}

static struct xf_history_entry entry_of(enum xf_history_auth auth, int64_t first_s, int64_t last_s)
{
    return (struct xf_history_entry){.auth = auth, .first_s = first_s, .last_s = last_s};
}

static struct xf_history_row row_of(const char *name, enum xf_history_way way,
                                    const struct xf_history_entry *entry)
{
    struct xf_history_row row = {.name = (char *)(uintptr_t)name};
    row.has_way[way] = true;
    row.way[way] = *entry;
    return row;
}

static void write_rows(struct world *world, const struct xf_history_row *rows, size_t count)
{
    world->store->ops->write(world->store, rows, count);
    run_until(world, &world->written, world->written + 1);
    ck_assert_msg(world->result == XF_ERR_OK, "%s", world->why);
}

static const struct xf_history_entry *seen(const struct world *world, const char *name,
                                           enum xf_history_way way)
{
    for (size_t i = 0; i < world->seen_count; i++)
        if (strcmp(world->seen[i].name, name) == 0 && world->seen[i].way == way)
            return &world->seen[i].entry;
    return NULL;
}

static void must_be(const char *label, const struct xf_history_entry *is,
                    const struct xf_history_entry *wanted)
{
    ck_assert_msg(is != NULL, "%s: it is not there", label);
    ck_assert_msg(is->auth == wanted->auth, "%s: auth %d, not %d", label, is->auth, wanted->auth);
    ck_assert_msg(is->first_s == wanted->first_s && is->last_s == wanted->last_s, "%s: times",
                  label);
    ck_assert_msg(is->key_count == wanted->key_count, "%s: %zu keys, not %zu", label, is->key_count,
                  wanted->key_count);
    for (size_t i = 0; i < is->key_count; i++)
        ck_assert_msg(memcmp(&is->keys[i].spki_sha256, &wanted->keys[i].spki_sha256, 32) == 0 &&
                          is->keys[i].ground == wanted->keys[i].ground &&
                          is->keys[i].first_s == wanted->keys[i].first_s &&
                          is->keys[i].last_s == wanted->keys[i].last_s,
                      "%s: key %zu", label, i);
}

/* ------------------------------------------------------------------ both
 * stores */

START_TEST(what_is_written_is_read)
{
    enum kind kind = (enum kind)_i;
    struct world world;
    if (!may_run(kind))
        return;
    begin(kind);
    struct xf_history_entry out = entry_of(XF_HISTORY_EXTERNAL, NOW_S, NOW_S + 9),
                            in = entry_of(XF_HISTORY_DIALBACK_CLEAR, NOW_S + 1, NOW_S + 8);
    out.keys[0] = key_of(1, XF_HISTORY_GROUND_PIN, NOW_S, NOW_S + 9);
    out.keys[1] = key_of(2, XF_HISTORY_GROUND_NONE, NOW_S, NOW_S + 5);
    out.key_count = 2;
    struct xf_history_row rows[] = {row_of("b.example", XF_HISTORY_OUT, &out),
                                    row_of("stra\xc3\x9f"
                                           "e.example",
                                           XF_HISTORY_IN, &in)};
    rows[0].has_way[XF_HISTORY_IN] = true;
    rows[0].way[XF_HISTORY_IN] = in;
    open_world(&world, kind, "a");
    ck_assert_uint_eq(world.seen_count, 0);
    write_rows(&world, rows, 2);
    close_world(&world);

    open_world(&world, kind, "a");
    ck_assert_uint_eq(world.seen_count, 3);
    must_be(kinds[kind], seen(&world, "b.example", XF_HISTORY_OUT), &out);
    must_be(kinds[kind], seen(&world, "b.example", XF_HISTORY_IN), &in);
    must_be(kinds[kind],
            seen(&world,
                 "stra\xc3\x9f"
                 "e.example",
                 XF_HISTORY_IN),
            &in);
    close_world(&world);
}
END_TEST

/* More than a page and a batch. */
START_TEST(many_rows_are_read)
{
    enum kind kind = (enum kind)_i;
    struct world world;
    if (!may_run(kind))
        return;
    begin(kind);
    open_world(&world, kind, "a");
    struct xf_history_entry entry = entry_of(XF_HISTORY_EXTERNAL, NOW_S, NOW_S);
    struct xf_history_row rows[250];
    char names[250][40];
    for (int batch = 0; batch < 3; batch++) {
        for (int i = 0; i < 250; i++) {
            snprintf(names[i], sizeof(names[i]), "p%d-%d.example", batch, i);
            rows[i] = row_of(names[i], XF_HISTORY_IN, &entry);
        }
        write_rows(&world, rows, 250);
    }
    close_world(&world);
    if (kind == SHARED) /* the store reads them page by page */
        ck_assert_str_eq(server_ask(&server, "SELECT count(*) FROM xfedd.peers"), "750");
}
END_TEST

START_TEST(a_later_batch_counts)
{
    enum kind kind = (enum kind)_i;
    struct world world;
    if (!may_run(kind))
        return;
    begin(kind);
    struct xf_history_entry first = entry_of(XF_HISTORY_DIALBACK_TLS, NOW_S, NOW_S), second = first;
    second.auth = XF_HISTORY_EXTERNAL;
    second.last_s = NOW_S + 50;
    second.keys[0] = key_of(3, XF_HISTORY_GROUND_CA, NOW_S + 50, NOW_S + 50);
    second.key_count = 1;
    struct xf_history_row rows[] = {row_of("b.example", XF_HISTORY_IN, &first),
                                    row_of("b.example", XF_HISTORY_IN, &second)};
    open_world(&world, kind, "a");
    write_rows(&world, &rows[0], 1);
    write_rows(&world, &rows[1], 1);
    close_world(&world);
    open_world(&world, kind, "a");
    ck_assert_uint_eq(world.seen_count, 1);
    must_be(kinds[kind], seen(&world, "b.example", XF_HISTORY_IN), &second);
    close_world(&world);
}
END_TEST

/* ------------------------------------------------------------------ merging */

/* A few values, so that ties are common. */
static struct xf_history_entry random_entry(void)
{
    struct xf_history_entry entry =
        entry_of((enum xf_history_auth)xf_rand_below(3), NOW_S + xf_rand_below(4),
                 NOW_S + 10 + xf_rand_below(4));
    entry.lowered_s = xf_rand_below(3) ? 0 : NOW_S + xf_rand_below(2);
    entry.key_count = xf_rand_below(XF_HISTORY_KEYS + 1);
    for (size_t i = 0; i < entry.key_count; i++)
        entry.keys[i] =
            key_of((int)(i * 2 + xf_rand_below(2)), (enum xf_history_ground)xf_rand_below(4),
                   NOW_S + xf_rand_below(3), NOW_S + 10 + xf_rand_below(3));
    struct xf_history_entry sorted = entry; /* the one seen last comes first */
    xf_history_entry_merge(&sorted, &entry);
    return sorted;
}

/* The order in which nodes write, and how often, makes no difference; SQL and C
 * agree. */
START_TEST(sql_merges_as_we_do)
{
    struct world a, b;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    open_world(&b, SHARED, "b");
    for (int round = 0; round < 40; round++) {
        char name[32];
        struct xf_history_entry wanted = {0}, entry;
        snprintf(name, sizeof(name), "p%d.example", round);
        for (int i = 0; i < 4; i++) {
            entry = random_entry();
            struct xf_history_row row = row_of(name, XF_HISTORY_OUT, &entry);
            write_rows(i % 2 ? &b : &a, &row, 1);
            if (i == 0)
                wanted = entry;
            xf_history_entry_merge(&wanted, &entry);
        }
        struct xf_history_row again = row_of(name, XF_HISTORY_OUT, &entry);
        write_rows(&a, &again, 1);
        struct world reader;
        open_world(&reader, SHARED, "c");
        const struct xf_history_entry *is = seen(&reader, name, XF_HISTORY_OUT);
        must_be(name, is, &wanted);
        ck_assert_int_eq(is->lowered_s, wanted.lowered_s);
        close_world(&reader);
    }
    close_world(&a);
    close_world(&b);
}
END_TEST

/* ------------------------------------------------------------------ several
 * nodes */

START_TEST(another_node_is_told_at_once)
{
    struct world a, b;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    open_world(&b, SHARED, "b");
    struct xf_history_entry entry = entry_of(XF_HISTORY_EXTERNAL, NOW_S, NOW_S);
    struct xf_history_row row = row_of("b.example", XF_HISTORY_IN, &entry);
    row.raised_ms[XF_HISTORY_IN][XF_HISTORY_WEAKER] = xf_loop_clock(a.loop)->now_ms - 60000;
    write_rows(&a, &row, 1);
    for (int i = 0; i < 200 && b.alarm_count == 0; i++)
        run_for(&b, 10);
    must_be("told", seen(&b, "b.example", XF_HISTORY_IN), &entry);
    ck_assert_uint_ge(b.alarm_count, 1);
    ck_assert_int_eq(b.alarm, XF_HISTORY_WEAKER);
    ck_assert_str_eq(b.alarm_node, "a");
    ck_assert_uint_ge(b.alarm_age_ms, 59000);
    ck_assert_uint_le(b.alarm_age_ms, 70000);
    close_world(&a);
    close_world(&b);
}
END_TEST

static void beat(struct world *world, const char *name, const char *digest, bool is_leaving)
{
    world->nodes[0] = '\0';
    world->store->ops->beat(world->store, &(struct xf_store_node){.name = name,
                                                                  .version = "1",
                                                                  .digest = digest,
                                                                  .links = "presence=up",
                                                                  .instance = "i",
                                                                  .is_leaving = is_leaving,
                                                                  .heartbeat_ms = 1000});
    run_until(world, &world->told, world->told + 1);
}

START_TEST(nodes_see_each_other)
{
    struct world a, b;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    open_world(&b, SHARED, "b");
    beat(&a, "a", "d1", false);
    ck_assert_str_eq(a.nodes, ""); /* the registry is read before our row is in it */
    beat(&b, "b", "d2", false);
    ck_assert_str_eq(b.nodes, "a/d1/presence=up ");
    beat(&a, "a", "d1", true);
    ck_assert_str_eq(a.nodes, "b/d2/presence=up a/d1/presence=up ");
    beat(&b, "b", "d2", false);
    ck_assert_str_eq(b.nodes, "a/d1/leaving b/d2/presence=up ");
    ck_assert_uint_eq(b.told, 2);
    close_world(&a);
    close_world(&b);
}
END_TEST

/* The largest memory { peers } of all nodes bounds the tables; here it is 100,
 * by open_world. */
START_TEST(surplus_peers_are_forgotten)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    beat(&a, "a", "d1", false);
    server_ask(&server, "INSERT INTO xfedd.peers SELECT 'old' || i, 'in', "
                        "'external', 0, 86400 + i "
                        "FROM generate_series(1, 90) i");
    server_ask(&server, "INSERT INTO xfedd.peers SELECT 'young' || i, 'in', "
                        "'external', i, i FROM "
                        "generate_series(1, 50) i");
    server_ask(&server, xf_pg_sql_trim);
    ck_assert_str_eq(server_ask(&server, "SELECT count(*) FROM xfedd.peers WHERE peer LIKE 'old%'"),
                     "75");
    ck_assert_str_eq(
        server_ask(&server, "SELECT count(*) FROM xfedd.peers WHERE peer LIKE 'young%'"), "25");
    ck_assert_str_eq(
        server_ask(&server, "SELECT min(last_s) FROM xfedd.peers WHERE peer LIKE 'young%'"), "26");
    server_ask(&server, "DELETE FROM xfedd.peers WHERE peer LIKE 'old%' AND last_s > 86400 + 30");
    server_ask(&server, "INSERT INTO xfedd.peers SELECT 'new' || i, 'in', 'external', i, i FROM "
                        "generate_series(100, 200) i");
    server_ask(&server, xf_pg_sql_trim);
    ck_assert_str_eq(server_ask(&server, "SELECT count(*) FROM xfedd.peers"),
                     "100"); /* all the room is used */
    close_world(&a);
}
END_TEST

/* ------------------------------------------------------------------ when it
 * fails */

START_TEST(a_stopped_server_comes_back)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    struct xf_history_entry entry = entry_of(XF_HISTORY_EXTERNAL, NOW_S, NOW_S);
    struct xf_history_row row = row_of("b.example", XF_HISTORY_IN, &entry);
    server_stop(&server);
    run_until(&a, &a.away, 1);
    ck_assert(!a.store->ops->is_ready(a.store));
    run_until(&a, &a.away, 2); /* an attempt in vain */
    server_start(&server);
    run_until(&a, &a.ready, 2);
    write_rows(&a, &row, 1);
    close_world(&a);
    ck_assert_str_eq(server_ask(&server, "SELECT peer FROM xfedd.peers"), "b.example");
}
END_TEST

/* A server that hangs is given up after ten seconds; the loop goes on meanwhile. A machine that is
 * busy may stop us for a second, a call that waits for the server would take the ten. */
START_TEST(a_frozen_server_holds_nothing_up)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    struct xf_history_entry entry = entry_of(XF_HISTORY_EXTERNAL, NOW_S, NOW_S);
    struct xf_history_row row = row_of("b.example", XF_HISTORY_IN, &entry);
    server_freeze(&server, true);
    a.store->ops->write(a.store, &row, 1);
    uint64_t start_ms = xf_monotonic_ms(), longest_ms = 0, before_ms = start_ms;
    while (a.written == 0 && before_ms - start_ms < PATIENCE_MS) {
        run_for(&a, 10);
        uint64_t now_ms = xf_monotonic_ms();
        longest_ms = now_ms - before_ms > longest_ms ? now_ms - before_ms : longest_ms;
        before_ms = now_ms;
    }
    ck_assert_uint_eq(a.written, 1);
    ck_assert_int_eq(a.result, XF_ERR_IO);
    ck_assert_msg(strstr(a.why, "did not answer"), "%s", a.why);
    ck_assert_uint_lt(longest_ms, 3000);
    server_freeze(&server, false);
    run_until(&a, &a.ready, 2);
    close_world(&a);
}
END_TEST

static void must_stay_away(const char *words)
{
    struct world a = {.loop = xf_loop_new()};
    const struct xf_history_node node = {.loop = a.loop,
                                         .uri = server_uri(&server),
                                         .name = "a",
                                         .version = "1",
                                         .digest = "",
                                         .heartbeat_ms = 1000,
                                         .links = no_links};
    a.store = xf_store_open_shared(&node, 100, &events, &a);
    run_until(&a, &a.away, 1);
    ck_assert_msg(strstr(a.why, words), "%s", a.why);
    ck_assert_uint_eq(a.ready, 0);
    close_world(&a);
}

START_TEST(a_newer_schema_is_left_alone)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    close_world(&a);
    server_ask(&server, "UPDATE xfedd.format SET number = 2");
    must_stay_away("format 2, and this xfedd reads 1");
    server_ask(&server, "DROP SCHEMA xfedd CASCADE; CREATE SCHEMA xfedd; CREATE VIEW "
                        "xfedd.format AS SELECT "
                        "1 AS number; DROP VIEW xfedd.format; CREATE TABLE xfedd.peers (x int)");
    must_stay_away("already exists");
}
END_TEST

START_TEST(a_database_that_is_only_read_is_no_use)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    close_world(&a);
    server_ask(&server, "ALTER ROLE xfedd SET default_transaction_read_only = on");
    must_stay_away("read-only");
    server_ask(&server, "BEGIN READ WRITE; "
                        "ALTER ROLE xfedd RESET default_transaction_read_only; COMMIT");
}
END_TEST

/* ... is asked less and less often: the second attempt comes after half a second, the fourth after
 * three and a half. */
START_TEST(a_database_that_refuses_heartbeats_is_asked_less_often)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    server_ask(&server, "ALTER TABLE xfedd.nodes ADD CHECK (name <> 'a')");
    uint64_t start_ms = xf_monotonic_ms();
    for (unsigned i = 1; i <= 4; i++) {
        run_until(&a, &a.ready, i);
        beat(&a, "a", "d1", false);
        run_until(&a, &a.away, i);
    }
    ck_assert_msg(strstr(a.why, "check constraint"), "%s", a.why);
    ck_assert_uint_ge(xf_monotonic_ms() - start_ms, 2500);
    close_world(&a);
}
END_TEST

/* A row that somebody edited is skipped, the others are read. */
START_TEST(rows_of_nonsense_are_skipped)
{
    struct world a;
    if (!has_server)
        return;
    begin(SHARED);
    open_world(&a, SHARED, "a");
    close_world(&a);
    server_ask(&server, "INSERT INTO xfedd.peers VALUES ('b.example', 'in', 'external', 1, 2), "
                        "('c.example', 'sideways', 'external', 1, 2), "
                        "(E'not a\\x01 domain', 'in', 'external', 1, 2), ('', 'in', 'external', "
                        "1, 2)");
    server_ask(&server, "INSERT INTO xfedd.keys VALUES ('b.example', 'in', 'xyz', 'ca', 1, 2), "
                        "('b.example', 'in', repeat('ab', 32), 'ca', 1, 2)");
    server_ask(&server, "INSERT INTO xfedd.alarms VALUES ('b.example', 'in', 'nonsense', 'x', "
                        "now()), ('c.example', 'sideways', 'clear', 'x', now())");
    open_world(&a, SHARED, "a");
    ck_assert_uint_eq(a.seen_count, 1);
    ck_assert_uint_eq(a.seen[0].entry.key_count, 1);
    ck_assert_uint_eq(a.alarm_count, 0);
    close_world(&a);
}
END_TEST

int main(void)
{
    int fd = mkstemp(file);
    close(fd);
    has_server = server_make(&server);
    if (has_server)
        server_start(&server);
    Suite *suite = suite_create("history/store");
    TCase *both = tcase_create("both"), *shared = tcase_create("shared");
    tcase_set_timeout(shared, 120);
    tcase_add_loop_test(both, what_is_written_is_read, 0, KIND_COUNT);
    tcase_add_loop_test(both, many_rows_are_read, 0, KIND_COUNT);
    tcase_add_loop_test(both, a_later_batch_counts, 0, KIND_COUNT);
    tcase_add_test(shared, sql_merges_as_we_do);
    tcase_add_test(shared, another_node_is_told_at_once);
    tcase_add_test(shared, nodes_see_each_other);
    tcase_add_test(shared, surplus_peers_are_forgotten);
    tcase_add_test(shared, rows_of_nonsense_are_skipped);
    tcase_add_test(shared, a_database_that_is_only_read_is_no_use);
    tcase_add_test(shared, a_database_that_refuses_heartbeats_is_asked_less_often);
    tcase_add_test(shared, a_newer_schema_is_left_alone);
    tcase_add_test(shared, a_frozen_server_holds_nothing_up);
    tcase_add_test(shared, a_stopped_server_comes_back);
    suite_add_tcase(suite, both);
    suite_add_tcase(suite, shared);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* one server for all */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (has_server)
        server_remove(&server);
    (void)unlink(file);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
