/* SPDX-License-Identifier: MIT */
/*
 * ctl_priv.h — what the files of xfedctl share.
 *
 *   main.c     the command line and the exit codes
 *   client.c   a request, and the lines of its answer
 *   verbs.c    the verbs, as a table: arguments, and who shows the answer
 *   table.c    rows as a table for people
 *   text.c     times, sizes and texts of strangers, for people
 *   show.c     answers that are no table
 *   show_self.c  ... that of check --self
 *   top.c      who sends how much, again and again
 *
 * To add a verb: a row in verbs.c, and its columns there or a function in show.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define XF_CTL_SOCKET "/run/xfedd/control.sock" /* without -s and XFEDD_CONTROL */

/* 64 as <sysexits.h> */
enum xf_ctl_exit {
    XF_CTL_OK = 0,
    XF_CTL_FAILED = 1,
    XF_CTL_NO_ANSWER = 2,
    XF_CTL_WARNED = 3,
    XF_CTL_USAGE = 64
};

/* ------------------------------------------------------------------ client.c */

struct xf_ctl {
    const char *path;
    bool is_json; /* pass the lines of the answer on */
    int fd;
    char *in; /* what came of the next line */
    size_t in_len, in_room;
};

/* False: explained on standard error. */
bool xf_ctl_connect(struct xf_ctl *ctl);
void xf_ctl_close(struct xf_ctl *ctl);

/* One row; borrowed. False: stop here. */
typedef bool (*xf_ctl_row_fn)(void *owner, const json_t *row);
/*
 * Ask, show each row as it comes, and hand the result to the caller, who decrefs it. NULL: it
 * failed, as explained on standard error, and *out_exit says how. With is_json all lines are
 * printed instead, and the rows are not shown.
 */
json_t *xf_ctl_ask(struct xf_ctl *ctl, const json_t *request, xf_ctl_row_fn row, void *owner,
                   enum xf_ctl_exit *out_exit);

/* ------------------------------------------------------------------ text.c */

/* Print a text that may come from a stranger: nothing in it moves the cursor or turns the line. */
void xf_ctl_print_text(const char *text, FILE *out);
size_t xf_ctl_width(const char *text); /* characters of that */
/* "12 ms", "3.4 s", "5 min", "2 h 10 min", "3 d 4 h" */
const char *xf_ctl_duration(uint64_t ms, char out[32]);
const char *xf_ctl_bytes(uint64_t bytes, char out[32]); /* "0", "812 B", "3.1 KiB" */
const char *xf_ctl_time(int64_t unix_s, char out[32]);  /* local time */

/* ------------------------------------------------------------------ table.c */

enum xf_ctl_kind {
    XF_CTL_TEXT,
    XF_CTL_COUNT,    /* 0 is "-" */
    XF_CTL_DURATION, /* ms; 0 is "-" */
    XF_CTL_BYTES,    /* 0 is "-" */
    XF_CTL_YES       /* "yes" or nothing */
};

struct xf_ctl_column {
    const char *title;
    const char *key; /* in the row; "queued.bytes" is a key in an object there */
    enum xf_ctl_kind kind;
};

/* Print what is in the array, columns as wide as they need to be. */
void xf_ctl_table(const struct xf_ctl_column *columns, size_t count, const json_t *rows);
const json_t *xf_ctl_get(const json_t *object, const char *path);   /* NULL: there is none */
const char *xf_ctl_text_of(const json_t *object, const char *path); /* "": there is none */
uint64_t xf_ctl_number_of(const json_t *object, const char *path);

/* ------------------------------------------------------------------ verbs.c */

struct xf_ctl_verb {
    const char *name, *args, *help;
    /* Fill the request from the arguments; false: they are wrong. */
    bool (*request)(int argc, char **argv, json_t *request);
    const struct xf_ctl_column *columns; /* NULL: `show` shows rows and result */
    size_t column_count;
    const char *none; /* instead of an empty table */
    void (*show)(const json_t *rows, const json_t *result);
    xf_ctl_row_fn row; /* shows each row as it comes; NULL: they are gathered */
};
extern const struct xf_ctl_verb xf_ctl_verbs[];
extern const size_t xf_ctl_verb_count;

/* ------------------------------------------------------------------ show.c */

void xf_ctl_show_status(const json_t *rows, const json_t *result);
void xf_ctl_show_peer(const json_t *rows, const json_t *result);
void xf_ctl_show_explain(const json_t *rows, const json_t *result);
void xf_ctl_show_check(const json_t *rows, const json_t *result);
void xf_ctl_show_closed(const json_t *rows, const json_t *result);
void xf_ctl_show_retry(const json_t *rows, const json_t *result);
void xf_ctl_show_flush(const json_t *rows, const json_t *result);
void xf_ctl_show_federation(const json_t *rows, const json_t *result);
void xf_ctl_show_reload(const json_t *rows, const json_t *result);
void xf_ctl_show_drain(const json_t *rows, const json_t *result);
void xf_ctl_show_log(const json_t *rows, const json_t *result);
bool xf_ctl_show_trace_row(void *owner, const json_t *row);

/* ------------------------------------------------------------------ show_self.c */

void xf_ctl_show_self(const json_t *rows, const json_t *result);

/* ------------------------------------------------------------------ top.c */

enum xf_ctl_exit xf_ctl_top(struct xf_ctl *ctl); /* until it is interrupted */
