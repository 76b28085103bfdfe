/* SPDX-License-Identifier: MIT */
/*
 * postgres_priv.h — what the files of the shared store have in common.
 *
 *   postgres_uri.c    the URI: what is accepted, and one set of parameters for each server in it
 *   postgres_conn.c   one connection, made again and again; runs statements and never waits
 *   postgres_sql.c    the schema and the statements, and lists as PostgreSQL's arrays
 *   postgres.c        the store: what is asked of the database, and in which order
 */
#pragma once

#include <libpq-fe.h>

#include <xfed/base/buf.h>

#include "history_priv.h"

/* ---- postgres_uri.c */
#define XF_PG_SERVERS_MAX 8

struct xf_pg_server { /* NULL: not written */
    char *host, *address, *port;
};

struct xf_pg_uri {
    PQconninfoOption *options; /* of all servers */
    struct xf_pg_server servers[XF_PG_SERVERS_MAX];
    size_t server_count;
};

/* XF_ERR_CONFIG with words. Release `out_uri` only after success. */
XF_MUST_USE enum xf_err xf_pg_uri_parse(const char *uri, struct xf_pg_uri *out_uri,
                                        struct xf_error *err);
void xf_pg_uri_release(struct xf_pg_uri *uri);
const char *xf_pg_uri_value(const struct xf_pg_uri *uri, const char *keyword); /* NULL: none */

/*
 * Parameters of PQconnectStartParams, ended by NULL. Texts are borrowed from what they came from.
 */
#define XF_PG_PARAMS_MAX 80
struct xf_pg_params {
    const char *keywords[XF_PG_PARAMS_MAX], *values[XF_PG_PARAMS_MAX];
    size_t count;
};
void xf_pg_uri_params(const struct xf_pg_uri *uri, size_t server, const char *password,
                      const char *application_name, struct xf_pg_params *out_params);

/* ---- postgres_conn.c */
#define XF_PG_VALUES_MAX 9

struct xf_pg_statement {
    const char *sql;
    int count; /* of values */
    const char *values[XF_PG_VALUES_MAX];
};

struct xf_pg_events {
    void (*up)(void *owner); /* statements may be run */
    /*
     * The connection was lost, or an attempt failed; also while statements run, whose `done` does
     * not come. The next attempt follows by itself.
     */
    void (*down)(void *owner, const char *why);
    /* Of one of the statements; result is borrowed. Do not run others from here. */
    void (*result)(void *owner, size_t statement, const PGresult *result);
    /* All have run, in one transaction. NULL: it is committed; otherwise why it is not. */
    void (*done)(void *owner, const char *why);
    void (*notified)(void *owner); /* another connection has written */
};

struct xf_pg_conn;

/* `uri` is taken over, texts are copied. Connects at once; no event comes before it returns. */
struct xf_pg_conn *xf_pg_conn_new(struct xf_loop *loop, struct xf_pg_uri *uri, const char *password,
                                  const char *application_name, const struct xf_pg_events *events,
                                  void *owner);
void xf_pg_conn_free(struct xf_pg_conn **conn); /* no event follows */
bool xf_pg_conn_is_idle(const struct xf_pg_conn *conn);
/* Run on an idle connection, as one transaction. Values are copied. */
void xf_pg_conn_run(struct xf_pg_conn *conn, const struct xf_pg_statement *statements,
                    size_t count);
/* Give the connection up, as if it had been lost: it is no use, for that reason. */
void xf_pg_conn_fail(struct xf_pg_conn *conn, const char *why);
/* It is of use: the next attempt, if there is one, need not wait long. */
void xf_pg_conn_succeed(struct xf_pg_conn *conn);

/* ---- postgres_sql.c */
#define XF_PG_FORMAT    1
#define XF_PG_PAGE_ROWS 200 /* peers read at a time, so that the loop is not held up */
#define XF_PG_ALARMS    1000

struct xf_pg_array { /* a list as PostgreSQL writes it: {"a","b"} */
    struct xf_buf text;
};
void xf_pg_array_init(struct xf_pg_array *array);
void xf_pg_array_add(struct xf_pg_array *array, const char *item);
void xf_pg_array_add_number(struct xf_pg_array *array, int64_t number);
const char *xf_pg_array_text(struct xf_pg_array *array); /* complete; add nothing afterwards */
void xf_pg_array_release(struct xf_pg_array *array);

/* Rows of a batch, as the columns of three tables. */
struct xf_pg_batch {
    struct xf_pg_array names; /* of all peers */
    struct xf_pg_array peers[6], keys[6], alarms[4];
    size_t alarm_count;
};
void xf_pg_batch_init(struct xf_pg_batch *batch, const struct xf_history_row *rows, size_t count,
                      uint64_t now_ms);
void xf_pg_batch_release(struct xf_pg_batch *batch);
#define XF_PG_BATCH_STATEMENTS 5
size_t xf_pg_batch_statements(struct xf_pg_batch *batch, const char *node,
                              struct xf_pg_statement out[XF_PG_BATCH_STATEMENTS]);

/*
 * Makes the schema where it is missing, and fails where nothing may be written. The result of the
 * statement FORMAT has its number.
 */
enum xf_pg_prepare {
    XF_PG_PREPARE_SESSION,
    XF_PG_PREPARE_LOCK,
    XF_PG_PREPARE_SCHEMA,
    XF_PG_PREPARE_WRITABLE,
    XF_PG_PREPARE_FORMAT,
    XF_PG_PREPARE_LISTEN,
    XF_PG_PREPARE_COUNT
};
extern const struct xf_pg_statement xf_pg_prepare[XF_PG_PREPARE_COUNT];

extern const char xf_pg_sql_horizon[]; /* () -> the oldest transaction that may still be open */
/* (changed from, cursor: changed, peer, direction) -> peers with their keys, a page of peers */
extern const char xf_pg_sql_page[];
enum xf_pg_page_column {
    XF_PG_PAGE_PEER,
    XF_PG_PAGE_DIRECTION,
    XF_PG_PAGE_AUTH,
    XF_PG_PAGE_FIRST,
    XF_PG_PAGE_LAST,
    XF_PG_PAGE_LOWERED,
    XF_PG_PAGE_CHANGED,
    XF_PG_PAGE_SPKI,
    XF_PG_PAGE_GROUND,
    XF_PG_PAGE_KEY_FIRST,
    XF_PG_PAGE_KEY_LAST
};
/* (changed from) -> peer, direction, change, node, age in ms */
extern const char xf_pg_sql_alarms[];
extern const char xf_pg_sql_nodes[]; /* () -> the columns of struct xf_store_node, in order */
/* (name, version, digest, links, instance, leaving, heartbeat ms, peers, secret) */
extern const char xf_pg_sql_beat[];
extern const char xf_pg_sql_old_nodes[]; /* () */
extern const char xf_pg_sql_trim[]; /* () deletes the peers beyond the largest memory { peers } */
