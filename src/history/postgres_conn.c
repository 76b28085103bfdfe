/* SPDX-License-Identifier: MIT */
/*
 * postgres_conn.c — one connection to PostgreSQL on the loop, by libpq's calls that do not wait. It
 * is made again and again, and runs one group of statements at a time.
 *
 *   WAITING -> CONNECTING -> IDLE <-> BUSY
 *      ^-----------------------------------   lost, or no answer in time
 *
 * A group goes out at once in pipeline mode, so that it costs one round trip; the server runs it as
 * one transaction, and after an error none of it counts. While nothing is asked, the connection is
 * watched only for its end and for notifications.
 *
 * A server that is stopped or cut off may leave everything hanging: an attempt to connect and a
 * group each have PATIENCE_MS, then the connection is dropped. Attempts follow each other at twice
 * the distance each time; servers of the URI take turns. The descriptor of a connection may be
 * another one after each step of connecting, so it is watched anew each time.
 *
 * Test: tests/unit/history/test_store.c, against a server that the test starts and stops.
 */
#include "postgres_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/log.h>
#include <xfed/base/machine.h>
#include <xfed/net/loop.h>

#define PATIENCE_MS  10000
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 15000
#define WHY_BYTES    240

/* clang-format off */
#define STATE_MAP(X)                                                  \
    X(WAITING)    /* there is no connection; the timer brings the next attempt */ \
    X(CONNECTING) /* libpq is connecting */                           \
    X(IDLE)       /* statements may be run */                         \
    X(BUSY)       /* statements are being sent or run */

#define EVENT_MAP(X)                                                  \
    X(TRY)        /* it is time for an attempt */                     \
    X(CONNECTED)                                                      \
    X(RUN)        /* the store has statements */                      \
    X(DONE)       /* the last of them has been answered */            \
    X(LOSE)       /* the connection is no use any more; s->why says why */
/* clang-format on */

enum state {
#define X(name) name,
    STATE_MAP(X)
#undef X
        STATE_COUNT
};

enum event {
#define X(name) ON_##name,
    EVENT_MAP(X)
#undef X
        EVENT_COUNT
};

struct xf_pg_conn {
    enum state state;
    struct xf_loop *loop;
    struct xf_pg_uri uri;
    char *password; /* NULL: none */
    char *application_name;
    const struct xf_pg_events *events;
    void *owner;
    PGconn *pg;                  /* NULL: none */
    struct xf_loop_watch *watch; /* of its descriptor; NULL: none */
    bool is_watched_for_writing;
    struct xf_timer timer;   /* of the next attempt, or of the patience */
    unsigned failures;       /* since it was of use */
    size_t server;           /* of the URI, for the next attempt */
    size_t answered;         /* statements of the group that runs */
    bool was_null;           /* the last thing libpq returned was the end of a statement */
    char refusal[WHY_BYTES]; /* the first error of the group; "": none */
    char why[WHY_BYTES];
};

static void fire(struct xf_pg_conn *s, enum event event);

/* ------------------------------------------------------------------ losing it */

static void stop_watching(struct xf_pg_conn *s)
{
    xf_loop_watch_close(&s->watch);
}

/* The first line of what libpq or the server says. */
static void take_words(char out[WHY_BYTES], const char *words)
{
    size_t len = words ? strcspn(words, "\n") : 0;
    snprintf(out, WHY_BYTES, "%.*s", (int)(len < WHY_BYTES ? len : WHY_BYTES - 1),
             words ? words : "");
}

static void lose(struct xf_pg_conn *s, const char *words)
{
    take_words(s->why, words && *words ? words : "the connection was closed");
    fire(s, ON_LOSE);
}

/* An attempt at each server, then a pause. */
static uint64_t pause_ms(const struct xf_pg_conn *s)
{
    unsigned rounds = s->failures / (unsigned)s->uri.server_count;
    uint64_t ms = RETRY_MAX_MS;
    if (s->failures % s->uri.server_count != 0)
        return 0;
    if (rounds < 6)
        ms = (uint64_t)RETRY_MIN_MS << (rounds ? rounds - 1 : 0);
    return xf_rand_jitter_ms(ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS);
}

static void wait_for_next(struct xf_pg_conn *s)
{
    stop_watching(s);
    PQfinish(s->pg);
    s->pg = NULL;
    s->failures++;
    s->server = (s->server + 1) % s->uri.server_count;
    xf_timer_start(xf_loop_timers(s->loop), &s->timer, pause_ms(s));
    s->events->down(s->owner, s->why);
}

/* ------------------------------------------------------------------ connecting */

static void on_descriptor(void *owner);

static bool watch(struct xf_pg_conn *s, bool for_writing)
{
    s->is_watched_for_writing = for_writing;
    return xf_loop_watch_open(s->loop, PQsocket(s->pg), for_writing, on_descriptor, s, &s->watch) ==
           XF_ERR_OK;
}

static void be_patient(struct xf_pg_conn *s)
{
    xf_timer_start(xf_loop_timers(s->loop), &s->timer, PATIENCE_MS);
}

static void connect_now(struct xf_pg_conn *s)
{
    struct xf_pg_params params;
    xf_pg_uri_params(&s->uri, s->server, s->password, s->application_name, &params);
    be_patient(s);
    s->pg = PQconnectStartParams(params.keywords, params.values, 0);
    if (!s->pg || PQstatus(s->pg) == CONNECTION_BAD)
        lose(s, s->pg ? PQerrorMessage(s->pg) : "out of memory");
    else if (!watch(s, true))
        lose(s, "its socket cannot be watched");
}

/* What the server and the library say into our log otherwise. */
static void ignore_notice(void *owner, const PGresult *result)
{
    (void)owner;
    (void)result;
}

static bool set_up(struct xf_pg_conn *s)
{
    PQsetNoticeReceiver(s->pg, ignore_notice, NULL);
    return PQsetnonblocking(s->pg, 1) == 0 && PQenterPipelineMode(s->pg) == 1 && watch(s, false);
}

static void go_on_connecting(struct xf_pg_conn *s)
{
    stop_watching(s);
    PostgresPollingStatusType next = PQconnectPoll(s->pg);
    if (next == PGRES_POLLING_FAILED)
        lose(s, PQerrorMessage(s->pg));
    else if (next != PGRES_POLLING_OK && !watch(s, next == PGRES_POLLING_WRITING))
        lose(s, "its socket cannot be watched");
    else if (next == PGRES_POLLING_OK && !set_up(s))
        lose(s, PQerrorMessage(s->pg));
    else if (next == PGRES_POLLING_OK)
        fire(s, ON_CONNECTED);
}

static void come_up(struct xf_pg_conn *s)
{
    xf_timer_stop(&s->timer);
    s->events->up(s->owner);
}

/* ------------------------------------------------------------------ a group of statements */

/* Send what libpq holds back, and be called again if the socket takes no more now. */
static bool flush(struct xf_pg_conn *s)
{
    int left = PQflush(s->pg);
    if (left < 0)
        return false;
    if ((left > 0) == s->is_watched_for_writing)
        return true;
    stop_watching(s);
    return watch(s, left > 0);
}

static void refuse(struct xf_pg_conn *s, const PGresult *result)
{
    if (!s->refusal[0])
        take_words(s->refusal, PQresultErrorMessage(result));
}

/* Returns whether the group is over. */
static bool take(struct xf_pg_conn *s, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        return true;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (!s->refusal[0])
            s->events->result(s->owner, s->answered, result);
        return false;
    case PGRES_PIPELINE_ABORTED: /* an error came before */
        return false;
    default:
        refuse(s, result);
        return false;
    }
}

/*
 * The results of a statement end with NULL, the group with PGRES_PIPELINE_SYNC. Two NULLs: libpq
 * has nothing more, and the connection has failed.
 */
static void take_results(struct xf_pg_conn *s)
{
    while (s->state == BUSY && !PQisBusy(s->pg)) {
        PGresult *result = PQgetResult(s->pg);
        bool is_over = result && take(s, result);
        if (!result && s->was_null) {
            lose(s, PQerrorMessage(s->pg));
            return;
        }
        s->answered += !result;
        s->was_null = !result;
        PQclear(result);
        if (is_over)
            fire(s, ON_DONE);
    }
}

static void take_notifications(struct xf_pg_conn *s)
{
    bool is_notified = false;
    PGnotify *notify;
    while (s->pg && (notify = PQnotifies(s->pg))) {
        is_notified = is_notified || notify->be_pid != PQbackendPID(s->pg);
        PQfreemem(notify);
    }
    if (is_notified)
        s->events->notified(s->owner);
}

static void exchange(struct xf_pg_conn *s)
{
    if (!PQconsumeInput(s->pg) || !flush(s)) {
        lose(s, PQerrorMessage(s->pg));
        return;
    }
    take_results(s);
    take_notifications(s);
}

static void settle(struct xf_pg_conn *s)
{
    char why[WHY_BYTES];
    xf_timer_stop(&s->timer);
    memcpy(why, s->refusal, sizeof(why)); /* the next group may begin at once */
    s->events->done(s->owner, why[0] ? why : NULL);
}

/* ------------------------------------------------------------------ the machine */

/* clang-format off */
#define ROW(in, on, to, action) {in, ON_##on, to, XF_MACHINE_ACTION(struct xf_pg_conn, action)}
static const struct xf_machine_row rows[] = {
    /*  in state    on event   go to       and do */
    ROW(WAITING,    TRY,       CONNECTING, connect_now),
    ROW(CONNECTING, CONNECTED, IDLE,       come_up),
    ROW(CONNECTING, LOSE,      WAITING,    wait_for_next),
    ROW(IDLE,       RUN,       BUSY,       be_patient),
    ROW(IDLE,       LOSE,      WAITING,    wait_for_next),
    ROW(BUSY,       DONE,      IDLE,       settle),
    ROW(BUSY,       LOSE,      WAITING,    wait_for_next),
};
/* clang-format on */

static const char *const state_names[] = {
#define X(name) #name,
    STATE_MAP(X)
#undef X
};

static const char *const event_names[] = {
#define X(name) #name,
    EVENT_MAP(X)
#undef X
};

static void run_action(void *self, xf_machine_action action)
{
    ((void (*)(struct xf_pg_conn *))action)(self);
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    (void)self;
    xf_log(XF_LOG_DEBUG, "memory.store.moved", XF_WORD("from", from), XF_WORD("on", on),
           XF_WORD("to", to));
}

static void check(const void *self, bool has_acted)
{
    const struct xf_pg_conn *s = self;
    if (has_acted && s->state == WAITING)
        xf_require(!s->pg && !s->watch && xf_timer_is_running(&s->timer));
    if (s->state == IDLE || s->state == BUSY)
        xf_require(s->pg && s->watch);
}

static const struct xf_machine machine = {.name = "postgres",
                                          .states = state_names,
                                          .events = event_names,
                                          .state_count = STATE_COUNT,
                                          .event_count = EVENT_COUNT,
                                          .rows = rows,
                                          .row_count = XF_ARRAY_LEN(rows),
                                          .state_at = offsetof(struct xf_pg_conn, state),
                                          .first = WAITING,
                                          .final = XF_MACHINE_NONE,
                                          .parting = XF_MACHINE_NONE,
                                          .run = run_action,
                                          .log = log_move,
                                          .check = check};

static void fire(struct xf_pg_conn *s, enum event event)
{
    xf_machine_fire(&machine, s, event);
}

static void on_descriptor(void *owner)
{
    struct xf_pg_conn *s = owner;
    if (s->state == CONNECTING)
        go_on_connecting(s);
    else
        exchange(s);
}

static void on_time(void *owner)
{
    struct xf_pg_conn *s = owner;
    if (s->state == WAITING)
        fire(s, ON_TRY);
    else if (PQstatus(s->pg) == CONNECTION_BAD) /* found while sending */
        lose(s, PQerrorMessage(s->pg));
    else
        lose(s, s->state == CONNECTING ? "it did not let us in within 10 s"
                                       : "it did not answer within 10 s");
}

/* ------------------------------------------------------------------ for the store */

struct xf_pg_conn *xf_pg_conn_new(struct xf_loop *loop, struct xf_pg_uri *uri, const char *password,
                                  const char *application_name, const struct xf_pg_events *events,
                                  void *owner)
{
    struct xf_pg_conn *s = xf_new(struct xf_pg_conn);
    s->loop = loop;
    s->uri = *uri;
    *uri = (struct xf_pg_uri){0};
    s->password = xf_strdup(password);
    s->application_name = xf_strdup(application_name);
    s->events = events;
    s->owner = owner;
    xf_timer_init(&s->timer, on_time, s);
    xf_timer_start(xf_loop_timers(loop), &s->timer, 0);
    return s;
}

void xf_pg_conn_free(struct xf_pg_conn **conn)
{
    struct xf_pg_conn *s = *conn;
    if (!s)
        return;
    *conn = NULL;
    xf_timer_stop(&s->timer);
    stop_watching(s);
    PQfinish(s->pg);
    xf_pg_uri_release(&s->uri);
    if (s->password)
        xf_wipe(s->password, strlen(s->password));
    xf_free(s->password);
    xf_free(s->application_name);
    xf_free(s);
}

bool xf_pg_conn_is_idle(const struct xf_pg_conn *conn)
{
    return conn->state == IDLE;
}

static bool send_one(struct xf_pg_conn *s, const struct xf_pg_statement *statement)
{
    return PQsendQueryParams(s->pg, statement->sql, statement->count, NULL, statement->values, NULL,
                             NULL, 0) == 1;
}

/* If it fails, the connection is given up after this call has returned. */
void xf_pg_conn_run(struct xf_pg_conn *s, const struct xf_pg_statement *statements, size_t count)
{
    bool is_sent = true;
    s->answered = 0;
    s->was_null = false;
    s->refusal[0] = '\0';
    fire(s, ON_RUN);
    for (size_t i = 0; i < count && is_sent; i++)
        is_sent = send_one(s, &statements[i]);
    if (!is_sent || PQpipelineSync(s->pg) != 1 || !flush(s))
        xf_timer_start(xf_loop_timers(s->loop), &s->timer, 0);
}

void xf_pg_conn_fail(struct xf_pg_conn *s, const char *why)
{
    lose(s, why);
}

void xf_pg_conn_succeed(struct xf_pg_conn *s)
{
    s->failures = 0;
}
