/* SPDX-License-Identifier: MIT */
/*
 * database.h — an SQLite file of ours: opened with care, and its prepared statements.
 *
 * A file is ours if it is empty or has no tables yet, or has our application_id and the format
 * that we know (user_version); it is made for its owner only. Any other file is refused and stays
 * as it is. A schema that somebody else wrote cannot make us run its functions or triggers. All
 * calls block: at the start of a program, or on a thread of the pool, one at a time.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>

struct xf_database;

struct xf_database_form {
    const char *what;              /* "journal", for messages */
    const char *remedy;            /* what to do about a damaged file, for messages */
    int application_id, format;    /* not 0 */
    const char *schema;            /* makes the tables of an empty file */
    const char *additions;         /* tables that an older file may lack: IF NOT EXISTS; or NULL */
    const char *pragmas;           /* further ones, run at each opening */
    const char *const *statements; /* their indices are the `which` below */
    size_t statement_count;
};

/*
 * `form` is borrowed for as long as the database lives. XF_ERR_DAMAGED: it is ours, and its content
 * is broken. XF_ERR_IO: it cannot be used, is somebody else's or in use. Both with the path and
 * words.
 */
XF_MUST_USE enum xf_err xf_database_open(const char *path, const struct xf_database_form *form,
                                         struct xf_database **out_database, struct xf_error *err);
/* NULL is allowed. */
void xf_database_close(struct xf_database **database);

/*
 * Rename a file that is closed, and what SQLite may have left beside it, so that a new one can be
 * made: PATH.unusable. One of an earlier time is overwritten. False: it cannot be renamed.
 */
bool xf_database_set_aside(const char *path, char *out_aside, size_t room);

/*
 * Parameters count from 1 and stay until they are set again. A text is borrowed until the statement
 * has run.
 */
void xf_database_set_number(struct xf_database *database, size_t which, int at, int64_t value);
void xf_database_set_text(struct xf_database *database, size_t which, int at, struct xf_span value);
/* The same for any bytes. */
void xf_database_set_bytes(struct xf_database *database, size_t which, int at,
                           struct xf_span value);

/* Run a statement that gives no rows. False: xf_database_fail knows why. */
XF_MUST_USE bool xf_database_run(struct xf_database *database, size_t which);
/* How many rows the last statement that ran has added, changed or deleted. */
size_t xf_database_changes(const struct xf_database *database);

/* The next row of a statement; false: there are no more, or reading failed. */
XF_MUST_USE bool xf_database_next(struct xf_database *database, size_t which);
/* End reading rows. False: they ended because reading failed. */
XF_MUST_USE bool xf_database_end(struct xf_database *database, size_t which);

/* Columns of the row count from 0; valid until the next call for the statement. */
int64_t xf_database_number(struct xf_database *database, size_t which, int column);
struct xf_span xf_database_text(struct xf_database *database, size_t which, int column);
/* Absent: the column holds no bytes, but something else. */
struct xf_span xf_database_bytes(struct xf_database *database, size_t which, int column);

/* A transaction: all that runs in between, or nothing. */
XF_MUST_USE bool xf_database_begin(struct xf_database *database);
XF_MUST_USE bool xf_database_commit(struct xf_database *database);
void xf_database_roll_back(struct xf_database *database);

/* XF_ERR_IO: the path, `what`, and SQLite's words for what failed last. */
enum xf_err xf_database_fail(const struct xf_database *database, const char *what,
                             struct xf_error *err);
