/* SPDX-License-Identifier: MIT */
/*
 * postgres_sql.c — the schema `xfedd` in the shared database, and the statements. It has words
 * instead of numbers, so that people can read it with psql; the types auth and ground are enums of
 * PostgreSQL, which compare in the order of strength.
 *
 *   format(number)
 *   peers(peer, direction, auth, first_s, last_s, lowered_s, changed)   a row for a peer and
 *                                                                       direction
 *   keys(peer, direction, spki_sha256, ground, first_s, last_s)         its keys, in hex
 *   alarms(peer, direction, change, node, at, changed)                  the last one of each kind
 *   nodes(name, version, digest, links, instance, leaving, heartbeat_ms, peers, started_at,
 *   beat_at, secret)
 *
 * Direction is out, in, or auto (store_priv.h); nodes of before skip rows of the last kind.
 *
 * Names of peers are in A-labels. Rows are never replaced, but merged (see merge.c for the rules),
 * so it does not matter in which order nodes write. A batch locks its rows in the order of their
 * names, so that two nodes cannot wait for each other.
 *
 * What is new is found by `changed`, the transaction that last wrote the row. A transaction that is
 * still open while we read is not visible to us, so the next reading begins at the oldest one that
 * was open then: nothing is missed, and some rows are read twice, which merging does not mind.
 */
#include "postgres_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xfed/base/draft.h>
#include <xfed/xmpp/jid.h>

#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define ARRAY_MAX_BYTES  (16u << 20)
#define ALARM_S          3600

/* clang-format off */
static const char schema[] =
    "DO $$ BEGIN IF to_regclass('xfedd.format') IS NULL THEN "
    "CREATE SCHEMA IF NOT EXISTS xfedd; "
    "CREATE TYPE xfedd.auth AS ENUM ('dialback-clear', 'dialback-tls', 'external'); "
    "CREATE TYPE xfedd.ground AS ENUM ('none', 'ca', 'dane', 'pin'); "
    "CREATE TABLE xfedd.peers (peer text COLLATE \"C\" NOT NULL, direction text COLLATE \"C\" NOT NULL, auth xfedd.auth NOT NULL, "
    "first_s bigint NOT NULL, last_s bigint NOT NULL, lowered_s bigint NOT NULL DEFAULT 0, "
    "changed xid8 NOT NULL DEFAULT pg_current_xact_id(), PRIMARY KEY (peer, direction)); "
    "CREATE INDEX peers_changed ON xfedd.peers (changed, peer, direction); "
    "CREATE TABLE xfedd.keys (peer text COLLATE \"C\" NOT NULL, direction text COLLATE \"C\" NOT NULL, "
    "spki_sha256 text COLLATE \"C\" NOT NULL, ground xfedd.ground NOT NULL, first_s bigint NOT NULL, last_s bigint NOT NULL, "
    "PRIMARY KEY (peer, direction, spki_sha256), FOREIGN KEY (peer, direction) REFERENCES xfedd.peers ON DELETE CASCADE); "
    "CREATE TABLE xfedd.alarms (peer text COLLATE \"C\" NOT NULL, direction text COLLATE \"C\" NOT NULL, change text NOT NULL, "
    "node text NOT NULL, at timestamptz NOT NULL, changed xid8 NOT NULL DEFAULT pg_current_xact_id(), "
    "PRIMARY KEY (peer, direction, change), FOREIGN KEY (peer, direction) REFERENCES xfedd.peers ON DELETE CASCADE); "
    "CREATE INDEX alarms_changed ON xfedd.alarms (changed); "
    "CREATE TABLE xfedd.nodes (name text PRIMARY KEY, version text NOT NULL, digest text NOT NULL, links text NOT NULL, "
    "instance text NOT NULL, leaving boolean NOT NULL, heartbeat_ms integer NOT NULL, peers integer NOT NULL, "
    "started_at timestamptz NOT NULL DEFAULT now(), beat_at timestamptz NOT NULL DEFAULT now()); "
    "CREATE TABLE xfedd.format (number integer NOT NULL); "
    "INSERT INTO xfedd.format VALUES (" TEXT_OF(XF_PG_FORMAT) "); "
    "END IF; "
    /* Came later: nodes of before neither read nor write it. */
    "IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'xfedd.nodes'::regclass AND attname = 'secret') THEN "
    "ALTER TABLE xfedd.nodes ADD COLUMN secret text NOT NULL DEFAULT ''; END IF; "
    "END $$";

/* Two nodes that start together must not both make it: the lock lasts until the transaction ends. */
const struct xf_pg_statement xf_pg_prepare[XF_PG_PREPARE_COUNT] = {
    [XF_PG_PREPARE_SESSION] = {.sql = "SELECT set_config('statement_timeout', '8s', false), set_config('lock_timeout', '5s', false)"},
    [XF_PG_PREPARE_LOCK] = {.sql = "SELECT pg_advisory_xact_lock(x'78666564'::integer)"}, /* "xfed" */
    [XF_PG_PREPARE_SCHEMA] = {.sql = schema},
    [XF_PG_PREPARE_WRITABLE] = {.sql = "UPDATE xfedd.nodes SET links = links WHERE false"}, /* refused in a transaction that may only read */
    [XF_PG_PREPARE_FORMAT] = {.sql = "SELECT number FROM xfedd.format"},
    [XF_PG_PREPARE_LISTEN] = {.sql = "LISTEN xfedd"},
};

static const char sql_peers[] =
    "INSERT INTO xfedd.peers AS p (peer, direction, auth, first_s, last_s, lowered_s) "
    "SELECT * FROM unnest($1::text[], $2::text[], $3::xfedd.auth[], $4::bigint[], $5::bigint[], $6::bigint[]) ORDER BY 1, 2 "
    "ON CONFLICT (peer, direction) DO UPDATE SET "
    "auth = CASE WHEN excluded.lowered_s > p.lowered_s THEN excluded.auth WHEN excluded.lowered_s < p.lowered_s THEN p.auth "
    "ELSE greatest(p.auth, excluded.auth) END, "
    "first_s = least(p.first_s, excluded.first_s), last_s = greatest(p.last_s, excluded.last_s), "
    "lowered_s = greatest(p.lowered_s, excluded.lowered_s), changed = pg_current_xact_id()";

static const char sql_keys[] =
    "INSERT INTO xfedd.keys AS k (peer, direction, spki_sha256, ground, first_s, last_s) "
    "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::xfedd.ground[], $5::bigint[], $6::bigint[]) ORDER BY 1, 2, 3 "
    "ON CONFLICT (peer, direction, spki_sha256) DO UPDATE SET ground = greatest(k.ground, excluded.ground), "
    "first_s = least(k.first_s, excluded.first_s), last_s = greatest(k.last_s, excluded.last_s)";

static const char sql_surplus_keys[] =
    "DELETE FROM xfedd.keys k USING (SELECT peer, direction, spki_sha256, row_number() OVER "
    "(PARTITION BY peer, direction ORDER BY last_s DESC, spki_sha256) AS place FROM xfedd.keys WHERE peer = ANY ($1::text[])) s "
    "WHERE s.place > " TEXT_OF(XF_HISTORY_KEYS) " AND (k.peer, k.direction, k.spki_sha256) = (s.peer, s.direction, s.spki_sha256)";

static const char sql_new_alarms[] =
    "INSERT INTO xfedd.alarms AS a (peer, direction, change, node, at) "
    "SELECT peer, direction, change, $5, now() - make_interval(secs => age_ms / 1000.0) "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS n (peer, direction, change, age_ms) ORDER BY 1, 2, 3 "
    "ON CONFLICT (peer, direction, change) DO UPDATE SET node = excluded.node, at = excluded.at, changed = pg_current_xact_id() "
    "WHERE excluded.at > a.at";

static const char sql_notify[] = "SELECT pg_notify('xfedd', '')";

const char xf_pg_sql_horizon[] = "SELECT pg_snapshot_xmin(pg_current_snapshot())";

/* In the order of enum xf_pg_page_column. */
const char xf_pg_sql_page[] =
    "SELECT p.peer, p.direction, p.auth, p.first_s, p.last_s, p.lowered_s, p.changed, k.spki_sha256, k.ground, k.first_s, k.last_s "
    "FROM (SELECT * FROM xfedd.peers WHERE changed >= $1::xid8 AND (changed, peer, direction) > ($2::xid8, $3, $4) "
    "ORDER BY changed, peer, direction LIMIT " TEXT_OF(XF_PG_PAGE_ROWS) ") p "
    "LEFT JOIN xfedd.keys k USING (peer, direction) ORDER BY p.changed, p.peer, p.direction, k.last_s DESC, k.spki_sha256";

const char xf_pg_sql_alarms[] =
    "SELECT peer, direction, change, node, greatest(0, extract(epoch FROM now() - at) * 1000)::bigint FROM xfedd.alarms "
    "WHERE changed >= $1::xid8 AND at > now() - interval '" TEXT_OF(ALARM_S) " s' ORDER BY at DESC LIMIT " TEXT_OF(XF_PG_ALARMS);

const char xf_pg_sql_nodes[] =
    "SELECT name, version, digest, links, instance, leaving, heartbeat_ms, "
    "greatest(0, extract(epoch FROM clock_timestamp() - beat_at) * 1000)::bigint, secret FROM xfedd.nodes ORDER BY beat_at DESC LIMIT 64";

const char xf_pg_sql_beat[] =
    "INSERT INTO xfedd.nodes AS n (name, version, digest, links, instance, leaving, heartbeat_ms, peers, secret) "
    "VALUES ($1, $2, $3, $4, $5, $6::boolean, $7::integer, $8::integer, $9) ON CONFLICT (name) DO UPDATE SET "
    "version = excluded.version, digest = excluded.digest, links = excluded.links, leaving = excluded.leaving, "
    "heartbeat_ms = excluded.heartbeat_ms, peers = excluded.peers, secret = excluded.secret, beat_at = now(), instance = excluded.instance, "
    "started_at = CASE WHEN n.instance = excluded.instance THEN n.started_at ELSE now() END";

const char xf_pg_sql_old_nodes[] = "DELETE FROM xfedd.nodes WHERE beat_at < now() - interval '30 days'";

/*
 * As table.c does: peers known for less than a day have a quarter of the room at least, the others
 * the rest; of each kind those seen last stay.
 */
const char xf_pg_sql_trim[] =
    "WITH room AS (SELECT max(peers) AS n FROM xfedd.nodes), "
    "seen AS (SELECT peer, max(last_s) AS last_s, max(last_s) - min(first_s) >= 86400 AS is_old FROM xfedd.peers GROUP BY peer), "
    "placed AS (SELECT peer, is_old, row_number() OVER (PARTITION BY is_old ORDER BY last_s DESC, peer) AS place, "
    "count(*) FILTER (WHERE NOT is_old) OVER () AS young FROM seen), "
    "kept AS (SELECT placed.*, n - least(young, n / 4) AS for_old, n, "
    "count(*) FILTER (WHERE is_old) OVER () AS old FROM placed, room) "
    "DELETE FROM xfedd.peers p USING kept k WHERE p.peer = k.peer AND "
    "k.place > CASE WHEN k.is_old THEN k.for_old ELSE k.n - least(k.old, k.for_old) END";
/* clang-format on */

/* ------------------------------------------------------------------ arrays */

/* Names, words, hex and numbers of ours: at most 4 MB for the largest batch. */
static void append(struct xf_pg_array *array, const char *text, size_t len)
{
    struct xf_draft draft = xf_draft_begin(&array->text);
    xf_draft_append(&draft, text, len);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
}

static void begin_item(struct xf_pg_array *array)
{
    append(array, array->text.len > 1 ? "," : "", array->text.len > 1);
}

void xf_pg_array_init(struct xf_pg_array *array)
{
    xf_buf_init(&array->text, ARRAY_MAX_BYTES);
    append(array, "{", 1);
}

void xf_pg_array_add(struct xf_pg_array *array, const char *item)
{
    begin_item(array);
    append(array, "\"", 1);
    for (; *item; item++) {
        append(array, "\\", *item == '"' || *item == '\\');
        append(array, item, 1);
    }
    append(array, "\"", 1);
}

void xf_pg_array_add_number(struct xf_pg_array *array, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, number);
    begin_item(array);
    append(array, text, (size_t)len);
}

const char *xf_pg_array_text(struct xf_pg_array *array)
{
    append(array, "}", 2); /* with the NUL */
    return xf_buf_ptr(&array->text);
}

void xf_pg_array_release(struct xf_pg_array *array)
{
    xf_buf_release(&array->text);
}

/* ------------------------------------------------------------------ a batch */

static void add_key(struct xf_pg_batch *batch, const char *name, const char *way,
                    const struct xf_history_key *key)
{
    char hex[XF_HISTORY_SPKI_HEX_CHARS + 1];
    xf_history_spki_hex(key->spki_sha256, hex);
    xf_pg_array_add(&batch->keys[0], name);
    xf_pg_array_add(&batch->keys[1], way);
    xf_pg_array_add(&batch->keys[2], hex);
    xf_pg_array_add(&batch->keys[3], xf_history_ground_word(key->ground));
    xf_pg_array_add_number(&batch->keys[4], key->first_s);
    xf_pg_array_add_number(&batch->keys[5], key->last_s);
}

static void add_entry(struct xf_pg_batch *batch, const char *name, const char *way,
                      const struct xf_history_entry *entry)
{
    xf_pg_array_add(&batch->peers[0], name);
    xf_pg_array_add(&batch->peers[1], way);
    xf_pg_array_add(&batch->peers[2], xf_history_auth_word(entry->auth));
    xf_pg_array_add_number(&batch->peers[3], entry->first_s);
    xf_pg_array_add_number(&batch->peers[4], entry->last_s);
    xf_pg_array_add_number(&batch->peers[5], entry->lowered_s);
    for (size_t i = 0; i < entry->key_count; i++)
        add_key(batch, name, way, &entry->keys[i]);
}

static void add_alarms(struct xf_pg_batch *batch, const char *name, const char *way,
                       const uint64_t raised_ms[XF_HISTORY_CHANGE_COUNT], uint64_t now_ms)
{
    for (size_t i = 0; i < XF_HISTORY_CHANGE_COUNT; i++) {
        if (!raised_ms[i])
            continue;
        xf_pg_array_add(&batch->alarms[0], name);
        xf_pg_array_add(&batch->alarms[1], way);
        xf_pg_array_add(&batch->alarms[2], xf_history_change_word((enum xf_history_change)i));
        xf_pg_array_add_number(&batch->alarms[3], (int64_t)(now_ms - raised_ms[i]));
        batch->alarm_count++;
    }
}

static void add_row(struct xf_pg_batch *batch, const struct xf_history_row *row, uint64_t now_ms)
{
    char name[XF_DOMAIN_ASCII_MAX + 1];
    if (xf_domain_to_ascii(xf_span_of(row->name), name) != XF_ERR_OK)
        return; /* not a domain: it could not be read back */
    xf_pg_array_add(&batch->names, name);
    for (size_t i = 0; i < XF_HISTORY_WAY_COUNT; i++) {
        const char *way = xf_history_way_word((enum xf_history_way)i);
        if (!row->has_way[i])
            continue;
        add_entry(batch, name, way, &row->way[i]);
        add_alarms(batch, name, way, row->raised_ms[i], now_ms);
    }
}

/* Calls `each` for every array of the batch. */
static void each_array(struct xf_pg_batch *batch, void (*each)(struct xf_pg_array *array))
{
    each(&batch->names);
    for (size_t i = 0; i < XF_ARRAY_LEN(batch->peers); i++)
        each(&batch->peers[i]);
    for (size_t i = 0; i < XF_ARRAY_LEN(batch->keys); i++)
        each(&batch->keys[i]);
    for (size_t i = 0; i < XF_ARRAY_LEN(batch->alarms); i++)
        each(&batch->alarms[i]);
}

void xf_pg_batch_init(struct xf_pg_batch *batch, const struct xf_history_row *rows, size_t count,
                      uint64_t now_ms)
{
    *batch = (struct xf_pg_batch){.alarm_count = 0};
    each_array(batch, xf_pg_array_init);
    for (size_t i = 0; i < count; i++)
        add_row(batch, &rows[i], now_ms);
}

void xf_pg_batch_release(struct xf_pg_batch *batch)
{
    each_array(batch, xf_pg_array_release);
}

static struct xf_pg_statement statement_of(const char *sql, struct xf_pg_array *arrays, int count)
{
    struct xf_pg_statement statement = {.sql = sql, .count = count};
    for (int i = 0; i < count; i++)
        statement.values[i] = xf_pg_array_text(&arrays[i]);
    return statement;
}

size_t xf_pg_batch_statements(struct xf_pg_batch *batch, const char *node,
                              struct xf_pg_statement out[XF_PG_BATCH_STATEMENTS])
{
    size_t count = 0;
    out[count++] = statement_of(sql_peers, batch->peers, (int)XF_ARRAY_LEN(batch->peers));
    out[count++] = statement_of(sql_keys, batch->keys, (int)XF_ARRAY_LEN(batch->keys));
    out[count++] = statement_of(sql_surplus_keys, &batch->names, 1);
    if (batch->alarm_count > 0) {
        out[count] = statement_of(sql_new_alarms, batch->alarms, (int)XF_ARRAY_LEN(batch->alarms));
        out[count].values[out[count].count++] = node;
        count++;
    }
    out[count++] = (struct xf_pg_statement){.sql = sql_notify};
    return count;
}
