/* SPDX-License-Identifier: MIT */
/*
 * control_priv.h — what the files of control share.
 *
 *   control.c       listens, and keeps the clients
 *   client.c        whoever asks: the verb under way, its answer
 *   line_client.c   a program at the socket
 *   ask.c           xfedd itself, for its page
 *   token.c         by which a browser shows that its user may act
 *   rights.c        who may do what
 *   refusals.c      lines about those who may not
 *   verbs.c         the verbs, as a table
 *   request.c       what verbs need of a request
 *   verb_status.c   status
 *   verb_check.c    check, check-inbound
 *   verb_check_sip.c  ... of a peer that belongs to SIP
 *   verb_self.c     check-self
 *   verb_peers.c    peers
 *   verb_peer.c     peer, explain
 *   verb_streams.c  streams, close
 *   verb_queues.c   queue, retry, flush
 *   verb_federation.c
 *   verb_process.c  reload, drain, log
 *   verb_trace.c    trace
 *   verb_alarms.c   alarms
 *   verb_page.c     page
 *
 * To add a verb: write its function, give it a row in verbs.c, a row in src/ctl/verbs.c that shows
 * its answer, and a section in doc/operators/CONTROL.md.
 */
#pragma once

#include <xfed/base/crypto.h>
#include <xfed/base/list.h>
#include <xfed/base/log.h>
#include <xfed/control/control.h>
#include <xfed/json/json.h>
#include <xfed/net/pipe.h>
#include <xfed/net/timer.h>

#define XF_CONTROL_PAGE 200 /* rows that are made in one turn of the loop */

struct xf_client;
struct xf_verb;

struct xf_control_refusals {
    struct xf_timer quiet; /* while it runs, no line is written */
    unsigned suppressed;   /* lines that were not */
};

/* ------------------------------------------------------------------ token.c */

#define XF_CONTROL_TOKEN_MS 3600000

/* Who has it may act through the page: as the operator who got it with `xfedctl page`. */
struct xf_control_token {
    char text[XF_ID_CHARS + 1]; /* "": nobody has one */
    uint64_t until_ms;
    uid_t uid;
    pid_t pid;
};

/* A new one; the one before is good for nothing from now on. */
void xf_control_token_make(struct xf_control_token *token, uint64_t now_ms, uid_t uid, pid_t pid);
bool xf_control_token_is(const struct xf_control_token *token, uint64_t now_ms, const char *text);

struct xf_control {
    struct xf_control_opts opts;
    gid_t *readers, *admins;
    struct xf_control_parts parts;
    /* xf_verb_find, as a pointer: so client.c does not depend on the verbs. NULL: no such verb. */
    const struct xf_verb *(*find_verb)(const char *name);
    const struct xf_clock *clock;
    struct xf_timers *timers;
    struct xf_pipe_listener *listener;
    struct xf_node clients;
    size_t client_count;
    struct xf_node tries; /* connections of checks (verb_check.c) */
    size_t check_count;
    uint64_t started_ms;
    struct xf_log_watcher watcher; /* notes what came of the last reload */
    int64_t reloaded_s;            /* Unix time; 0: never */
    bool reload_refused;
    struct xf_timer level_timer; /* ends a log level that was set for a time */
    struct xf_control_refusals refusals;
    bool is_stopped;
    struct xf_control_token token;
};

/* ------------------------------------------------------------------ refusals.c */

/* False: another line was written a moment ago, and this one is counted. */
bool xf_control_may_log_refusal(struct xf_control_refusals *refusals, struct xf_timers *timers,
                                unsigned *out_suppressed);
void xf_control_refusals_init(struct xf_control_refusals *refusals);

/* ------------------------------------------------------------------ rights.c */

enum xf_right { XF_RIGHT_NONE, XF_RIGHT_SEE, XF_RIGHT_ACT };
enum xf_right xf_control_right_of(const struct xf_control *control,
                                  const struct xf_pipe_peer *peer);

/* ------------------------------------------------------------------ client.c */

/* Where a client's answers go. */
struct xf_client_outlet {
    const char *via; /* how the client asks, for the log; NULL: at the socket */
    /* One line of an answer, borrowed. False: it does not fit. */
    bool (*write)(struct xf_client *client, const json_t *line);
    /* Is there something that the client has not taken? Then go_on is called when it has. */
    bool (*is_busy)(const struct xf_client *client);
    /* The verb is over. False: the end of its answer did not fit. */
    void (*answered)(struct xf_client *client, bool is_written);
    void (*end)(struct xf_client *client); /* cuts what is under way */
};

/* What is waited for; decides for how long. */
enum xf_client_wait { XF_WAIT_VERB, XF_WAIT_OUTPUT, XF_WAIT_LINE, XF_WAIT_REQUEST };

struct xf_client {
    struct xf_node node;
    struct xf_control *control;
    const struct xf_client_outlet *outlet;
    struct xf_pipe *pipe; /* of line_client.c */
    enum xf_right right;
    uid_t uid;
    pid_t pid;
    struct xf_buf in;
    bool has_ended; /* it sends nothing more */
    bool is_over;   /* the pipe is being closed */
    enum xf_client_wait wait;
    struct xf_timer turn;       /* for the next request */
    struct xf_timer patience;   /* ends a client that makes us wait */
    const struct xf_verb *verb; /* under way; NULL: none */
    json_t *request;            /* ditto */
    bool is_permitted;          /* the client has the right that the verb needs */
    /* The rest of an answer: called each time the client has taken what there was. NULL: none. */
    void (*go_on)(struct xf_client *client);
    void *job; /* of the verb under way */
    void (*free_job)(void *job);
    /* A reload is about to free what xf_control_parts had. NULL: the verb keeps nothing of it. */
    void (*renewed)(struct xf_client *client);
    struct xf_log_watcher watcher;     /* of the verb under way */
    struct xf_alarm_follower follower; /* ditto */
    struct xf_timer timer;             /* ditto */
    size_t rows_lost;                  /* since the last row that fitted */
};

void xf_client_new(struct xf_control *control, struct xf_pipe *pipe,
                   const struct xf_pipe_peer *peer, enum xf_right right);
/* Run the verb that the request names; it is taken over. */
void xf_client_run(struct xf_client *client, json_t *request);
/* `result`: "ok", a code, or "gone". */
void xf_client_end_verb(struct xf_client *client, const char *result);

/* One more row of the answer, which is taken over. A client that takes none loses some. */
void xf_client_row(struct xf_client *client, json_t *row);
/* The answer is complete; `result` is taken over, NULL: an empty one. Ends the verb. */
void xf_client_done(struct xf_client *client, json_t *result);
/* With one number as the result. */
void xf_client_done_with(struct xf_client *client, const char *key, uint64_t number);
/* It cannot be answered: `code` for programs, the rest for people. Ends the verb. */
void xf_client_fail(struct xf_client *client, const char *code, const char *fmt, ...)
    XF_PRINTF(3, 4);

/* ------------------------------------------------------------------ verbs.c */

struct xf_verb {
    const char *name;
    enum xf_right right; /* that it needs */
    /*
     * Ends with xf_client_done or xf_client_fail, at once or after go_on. `request` is borrowed
     * for the call.
     */
    void (*run)(struct xf_client *client, const json_t *request);
    bool ends_with_client; /* when the client ends its side, although it could still read */
};

const struct xf_verb *xf_verb_find(const char *name); /* NULL: there is none */

/* ------------------------------------------------------------------ request.c */

/* The text of a key of the request. NULL: it has none, and the verb has failed with words. */
const char *xf_verb_need(struct xf_client *client, const json_t *request, const char *key);
/* False: xfedd is about to stop, and the verb has failed. */
bool xf_verb_need_running(struct xf_client *client);
/* As xf_control_sip.conns; a build without SIP has none. */
bool xf_control_conns(const struct xf_control *control, uint64_t *at, xf_control_sip_conn_fn show,
                      void *owner);
/* May one more check begin, of check and check-self? False: the verb has failed. */
bool xf_verb_need_check(struct xf_client *client);
/* A domain, prepared, in `out`; false as above. */
bool xf_verb_need_domain(struct xf_client *client, const json_t *request, const char *key,
                         char out[]);

void xf_verb_status(struct xf_client *client, const json_t *request);
void xf_verb_peers(struct xf_client *client, const json_t *request);
void xf_verb_peer(struct xf_client *client, const json_t *request);
void xf_verb_streams(struct xf_client *client, const json_t *request);
void xf_verb_check(struct xf_client *client, const json_t *request);
void xf_verb_check_inbound(struct xf_client *client, const json_t *request);
/* The rest of check for a peer that belongs to SIP; the client has no job yet. */
void xf_verb_check_sip(struct xf_client *client, struct xf_span local, struct xf_span peer);
void xf_verb_check_self(struct xf_client *client, const json_t *request);
void xf_verb_close(struct xf_client *client, const json_t *request);
void xf_verb_queue(struct xf_client *client, const json_t *request);
void xf_verb_forget(struct xf_client *client, const json_t *request);
void xf_verb_retry(struct xf_client *client, const json_t *request);
void xf_verb_flush(struct xf_client *client, const json_t *request);
void xf_verb_explain(struct xf_client *client, const json_t *request);
void xf_verb_federation(struct xf_client *client, const json_t *request);
void xf_verb_reload(struct xf_client *client, const json_t *request);
void xf_verb_drain(struct xf_client *client, const json_t *request);
void xf_verb_log(struct xf_client *client, const json_t *request);
void xf_verb_trace(struct xf_client *client, const json_t *request);
void xf_verb_alarms(struct xf_client *client, const json_t *request);
void xf_verb_page(struct xf_client *client, const json_t *request);
void xf_control_reset_level(void *control); /* of level_timer (verb_process.c) */

/* Objects that several verbs show. */
struct xf_stream_view;
struct xf_route_view;
json_t *xf_control_stream(const struct xf_stream_view *view); /* verb_streams.c */
json_t *xf_control_conn(const struct xf_control_sip_conn *conn);
json_t *xf_control_route(const struct xf_route_view *view);   /* verb_queues.c */
json_t *xf_control_attempt(const struct xf_attempt *attempt); /* verb_peer.c */
/* The link of a domain of ours as `links` in `result`, if it is down (verb_status.c). */
void xf_control_put_down(const struct xf_control *control, const char *local, json_t *result);
