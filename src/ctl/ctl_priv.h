/* SPDX-License-Identifier: MIT */
/*
 * ctl_priv.h — what the files of xfedctl share.
 *
 *   main.c     the command line and the exit codes
 *   client.c   a request, and the lines of its answer
 *   tools.c    the verbs that need no running xfedd
 *   verbs.c    the verbs, as a table: arguments, and who shows the answer
 *   table.c    rows as a table for people
 *   text.c     texts of strangers, for people
 *   show.c     answers that are no table
 *   show_self.c  ... that of check --self
 *   show_alarms.c
 *   top.c      who sends how much, again and again
 *
 * To add a verb: a row in verbs.c, and its columns there or a function in show.c.
 */
#pragma once

#include <stdio.h>
#include <xfed/ask/ask.h>
#include <xfed/base/readable.h>
#include <xfed/setup/setup.h>

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
    struct xf_ask ask;
};

/* False: explained on standard error. */
bool xf_ctl_connect(struct xf_ctl *ctl);

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

/* ------------------------------------------------------------------ tools.c */

struct xf_ctl_tool {
    const char *name, *args, *help;
    enum xf_setup_exit (*run)(int argc, char **argv);
};
extern const struct xf_ctl_tool xf_ctl_tools[]; /* ends with a row without a name */
/* NULL: there is none of this name. */
const struct xf_ctl_tool *xf_ctl_tool_find(const char *name);

/* ------------------------------------------------------------------ show.c */

void xf_ctl_show_status(const json_t *rows, const json_t *result);
void xf_ctl_show_peer(const json_t *rows, const json_t *result);
void xf_ctl_show_explain(const json_t *rows, const json_t *result);
void xf_ctl_show_check(const json_t *rows, const json_t *result);
void xf_ctl_show_closed(const json_t *rows, const json_t *result);
void xf_ctl_show_forget(const json_t *rows, const json_t *result);
void xf_ctl_show_retry(const json_t *rows, const json_t *result);
void xf_ctl_show_flush(const json_t *rows, const json_t *result);
void xf_ctl_show_federation(const json_t *rows, const json_t *result);
void xf_ctl_show_reload(const json_t *rows, const json_t *result);
void xf_ctl_show_drain(const json_t *rows, const json_t *result);
void xf_ctl_show_page(const json_t *rows, const json_t *result);
void xf_ctl_show_log(const json_t *rows, const json_t *result);
bool xf_ctl_show_trace_row(void *owner, const json_t *row);

/* ------------------------------------------------------------------ show_self.c */

void xf_ctl_show_self(const json_t *rows, const json_t *result);

/* ------------------------------------------------------------------ show_alarms.c */

void xf_ctl_show_alarms(const json_t *rows, const json_t *result);
bool xf_ctl_show_alarm_row(void *owner, const json_t *row);

/* ------------------------------------------------------------------ top.c */

enum xf_ctl_exit xf_ctl_top(struct xf_ctl *ctl); /* until it is interrupted */
