/* SPDX-License-Identifier: MIT */
/*
 * page_priv.h — what the files of page share.
 *
 *   page.c         the paths, and what is answered there
 *   html.c         writes HTML: the one place that escapes
 *   query.c        what is behind a question mark, or in a form
 *   snapshot.c     status and peers, gathered when somebody looks
 *   answers.c      what is known of single peers, the same
 *   checks.c       checks that somebody asked for
 *   list.c         which peers are shown, in which order
 *   spark.c        samples of the traffic, as a line
 *   frame.c        what all pages have around them
 *   view_*.c       the pages
 *   page.css, page.js, icon.svg   as they are sent; embed.py puts them into the program
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/base/list.h>
#include <xfed/base/readable.h>
#include <xfed/control/control.h>
#include <xfed/http/http.h>
#include <xfed/json/json.h>
#include <xfed/net/timer.h>
#include <xfed/page/page.h>
#include <xfed/xmpp/jid.h>

#define XF_PAGE_FRESH_MS 2000 /* answers are asked for at most so often */

/* ------------------------------------------------------------------ html.c */

/*
 * Append `markup`, a literal of ours, with these put in: %s is a text, escaped for text and for an
 * attribute in double quotes; %u %zu %llu and the like are numbers; %% is a per cent sign.
 */
void xf_html(struct xf_draft *out, const char *markup, ...) XF_PRINTF(2, 3);
void xf_html_text(struct xf_draft *out, struct xf_span text);
/* A value of a query: what is no letter or digit is escaped for an address. */
void xf_html_value(struct xf_draft *out, const char *text);

/* ------------------------------------------------------------------ query.c */

/*
 * Decode the value of `name` in "a=b&c=d" into `out`, NUL-terminated. False: it is not there, or
 * too long, or not UTF-8, or has a NUL; then `out` is "".
 */
bool xf_query_get(struct xf_span query, const char *name, char *out, size_t out_bytes);

/* ------------------------------------------------------------------ list.c */

/* In the order in which they are shown: what needs somebody comes first. */
enum xf_peer_state {
    XF_PEER_FAILING,
    XF_PEER_FAILED, /* idle, and our last try to reach it failed */
    XF_PEER_CONNECTING,
    XF_PEER_OFF,
    XF_PEER_SIP_OFF, /* a domain of SIP, which is off */
    XF_PEER_UP,
    XF_PEER_IDLE,
    XF_PEER_STATES
};
/* As in doc/operators/CONTROL.md, and "failed". */
const char *xf_peer_state_word(enum xf_peer_state state);

struct xf_page_peer {
    char *name, *error, *advice, *help; /* "" for none */
    char *auth, *cert;                  /* words, as in s2s.stream.up; "": not known */
    enum xf_peer_state state;
    bool lacks_certificate; /* `certificate = required` would refuse it */
    bool was_heard;
    uint64_t heard_ms; /* ago */
    uint64_t in, out, queued, retry_ms, stanzas;
    int64_t cert_until_s; /* Unix time; 0: not known */
};

enum xf_page_list_order {
    XF_ORDER_STATE,
    XF_ORDER_NAME,
    XF_ORDER_HEARD,
    XF_ORDER_QUEUED,
    XF_ORDER_EXPIRY,
    XF_ORDER_TRAFFIC,
    XF_PAGE_LIST_ORDERS
};

#define XF_PAGE_LIST_ROWS       50 /* peers on a page */
#define XF_PAGE_LIST_TEXT_BYTES 128

/* What a query string asks for; what makes no sense in it is left out. */
struct xf_page_list_query {
    const char *show; /* "", a state, or "no-certificate" */
    enum xf_page_list_order order;
    char text[XF_PAGE_LIST_TEXT_BYTES]; /* names contain it; "": all */
    size_t page;                        /* from 0 */
};
void xf_page_list_query_parse(struct xf_span query, struct xf_page_list_query *out);
/* "?show=…" with another page or order: an address for the same list. */
void xf_page_list_link(struct xf_draft *out, const struct xf_page_list_query *query);
const char *xf_page_list_order_word(enum xf_page_list_order order);

bool xf_page_list_shows(const char *show, const struct xf_page_peer *peer);
/*
 * The peers that are asked for, in their order; returns how many, in all. `out` has room for all.
 * query->page is set to the last page if it is behind that.
 */
size_t xf_page_list_choose(const struct xf_page_peer *peers, size_t count,
                           struct xf_page_list_query *query, const struct xf_page_peer **out);

/* ------------------------------------------------------------------ spark.c */

#define XF_SPARK_SAMPLES  120
#define XF_SPARK_EVERY_MS 5000

struct xf_spark {
    uint32_t passed[XF_SPARK_SAMPLES]; /* between two samples, a ring */
    size_t next, count;
    uint64_t total; /* at the last sample */
    bool has_begun;
};
void xf_spark_add(struct xf_spark *spark, uint64_t total);
uint32_t xf_spark_last(const struct xf_spark *spark);
uint32_t xf_spark_most(const struct xf_spark *spark);
/* `most`: of the scale; `name` says what the line is of. */
void xf_spark_write(struct xf_draft *out, const struct xf_spark *spark, uint32_t most,
                    const char *name);

/* ------------------------------------------------------------------ snapshot.c */

#define XF_SNAPSHOT_PEERS_MAX 20000
#define XF_SNAPSHOT_KEEP_MS   60000 /* unused for so long, it is forgotten */

struct xf_snapshot {
    json_t *status; /* the result of `status`; NULL: there is none */
    struct xf_page_peer *peers;
    size_t count, room, left_out;
    size_t by_state[XF_PEER_STATES], lacking;
    uint64_t made_ms, took_ms;
    int64_t made_s;
};

/* Peers that cannot be reached, or could not when we tried last. */
size_t xf_snapshot_failing(const struct xf_snapshot *snapshot);

struct xf_snapshots {
    struct xf_page *page;
    struct xf_snapshot now, next;
    struct xf_own_question *question; /* NULL: none is under way */
    uint64_t began_ms;
    bool is_made;
};
/* NULL: it is being gathered, and xf_http_again follows. */
const struct xf_snapshot *xf_snapshots_get(struct xf_snapshots *snapshots);
void xf_snapshots_tidy(struct xf_snapshots *snapshots); /* now and then */
void xf_snapshots_fini(struct xf_snapshots *snapshots);
/* Of a row of `peers`; for tests too. */
void xf_page_peer_init(struct xf_page_peer *peer, const json_t *row);
void xf_page_peer_fini(struct xf_page_peer *peer);

/* ------------------------------------------------------------------ answers.c */

#define XF_ANSWERS_MAX     32  /* as many as connections */
#define XF_ANSWER_ROWS_MAX 300 /* of one answer */

/* The lines of one verb's answer. */
struct xf_page_answer {
    json_t *rows, *last; /* `last` NULL: it is not complete yet */
    size_t left_out;
};
void xf_page_answer_hear(struct xf_page_answer *answer, const json_t *line);
void xf_page_answer_fini(struct xf_page_answer *answer);

struct xf_page_answers {
    struct xf_page *page;
    struct xf_page_place {
        struct xf_page_answers *answers;
        char peer[XF_DOMAIN_MAX + 1]; /* "": free */
        struct xf_page_answer answer;
        struct xf_own_question *question;
        uint64_t made_ms;
    } of[XF_ANSWERS_MAX];
};
/* NULL: as xf_snapshots_get. `peer` is a prepared domain. */
const struct xf_page_answer *xf_page_answers_get(struct xf_page_answers *answers, const char *peer);
void xf_page_answers_tidy(struct xf_page_answers *answers);
void xf_page_answers_fini(struct xf_page_answers *answers);

/* ------------------------------------------------------------------ checks.c */

#define XF_CHECKS_KEPT    4
#define XF_CHECK_EVERY_MS 3000

struct xf_page_check {
    char peer[XF_DOMAIN_MAX + 1];
    struct xf_page_answer answer;
    struct xf_own_question *question; /* NULL: it is over */
    int64_t began_s;
};

struct xf_page_checks {
    struct xf_page *page;
    struct xf_page_check *of[XF_CHECKS_KEPT]; /* the newest first; NULL: none */
    uint64_t next_ms;                         /* earlier, none may begin */
};
/* NULL: it has begun. Else why not. */
const char *xf_page_checks_begin(struct xf_page_checks *checks, struct xf_span form,
                                 unsigned *out_status);
bool xf_page_checks_busy(const struct xf_page_checks *checks);
void xf_page_checks_fini(struct xf_page_checks *checks);

/* ------------------------------------------------------------------ page.c */

struct xf_page {
    struct xf_page_opts opts;
    const struct xf_clock *clock;
    struct xf_snapshots snapshots;
    struct xf_page_answers answers;
    struct xf_page_checks checks;
    struct xf_spark in, out;
    struct xf_timer sample;
    struct xf_timer rest; /* while it runs, no list is made; then those who wait are asked again */
};

/* ------------------------------------------------------------------ frame.c, view_*.c */

/* Each writes one page. */
struct xf_frame {
    const char *title;
    const struct xf_snapshot *snapshot; /* NULL: the page does not need one */
    bool is_busy;                       /* something will change soon */
};
void xf_frame_begin(struct xf_draft *out, const struct xf_frame *frame);
void xf_frame_end(struct xf_draft *out, const struct xf_frame *frame);

void xf_view_peer_link(struct xf_draft *out, const char *peer);
void xf_view_state(struct xf_draft *out, const char *state); /* a word, as a badge */
/* "TROUBLESHOOTING.md, dns-no-server", if there is a code. */
void xf_view_help(struct xf_draft *out, const char *advice, const char *help);
void xf_view_check_form(struct xf_draft *out, const char *peer, const char *problem);
void xf_view_steps(struct xf_draft *out, const json_t *attempt);

void xf_view_status(struct xf_draft *out, const struct xf_page *page,
                    const struct xf_snapshot *snapshot, struct xf_page_list_query *query);
void xf_view_peers(struct xf_draft *out, const struct xf_snapshot *snapshot,
                   struct xf_page_list_query *query);
void xf_view_links(struct xf_draft *out, const json_t *status);
void xf_view_certificates(struct xf_draft *out, const struct xf_snapshot *snapshot);
void xf_view_peer(struct xf_draft *out, const char *peer, const struct xf_page_answer *answer);
void xf_view_checks(struct xf_draft *out, const struct xf_page_checks *checks, const char *problem);
