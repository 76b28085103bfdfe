/* SPDX-License-Identifier: MIT */
/*
 * file.c — the SQLite file of the records.
 *
 *   dialogs(key, expires_s, record, start)    a row for each, and the start in which it was written
 *   starts(number)                            one row: how often the file was opened
 *
 * In WAL mode, so that a crash of ours loses nothing that was committed; a crash of the machine may
 * lose the last seconds (synchronous = NORMAL). One process has the file at a time (locking_mode =
 * EXCLUSIVE), since two would both speak in its dialogs. What is deleted is overwritten with zeros
 * (secure_delete): a row says who watches whom.
 *
 * The number of rows is counted along, as counting them in the file would read all of it.
 */
#include "dialogs_priv.h"

#include <xfed/database/database.h>

enum statement {
    COUNT,
    READ,
    CHANGE_RECORD,
    CHANGE,
    ADD,
    REMOVE,
    REMOVE_EXPIRED,
    REMOVE_ALL,
    BEGIN_START,
    START,
    STATEMENT_COUNT
};

static const char *const statements[STATEMENT_COUNT] = {
    [COUNT] = "SELECT count(*) FROM dialogs",
    [READ] = "SELECT key, record, expires_s, start FROM dialogs",
    [CHANGE_RECORD] =
        "UPDATE dialogs SET record = ?3, start = ?4 WHERE key = ?1 AND expires_s = ?2",
    [CHANGE] = "UPDATE dialogs SET expires_s = ?2, record = ?3, start = ?4 WHERE key = ?1",
    [ADD] = "INSERT INTO dialogs (key, expires_s, record, start) VALUES (?1, ?2, ?3, ?4)",
    [REMOVE] = "DELETE FROM dialogs WHERE key = ?1",
    [REMOVE_EXPIRED] = "DELETE FROM dialogs WHERE expires_s <= ?1",
    [REMOVE_ALL] = "DELETE FROM dialogs",
    [BEGIN_START] = "UPDATE starts SET number = number + 1",
    [START] = "SELECT number FROM starts",
};

static const struct xf_database_form form = {
    .what = "store of dialogs",
    .remedy = "a new one is made, and subscriptions begin anew",
    .application_id = 0x78666469, /* "xfdi" */
    .format = 1,
    .schema = "CREATE TABLE dialogs (key BLOB PRIMARY KEY NOT NULL, expires_s INTEGER NOT NULL,"
              " record BLOB NOT NULL, start INTEGER NOT NULL);"
              "CREATE TABLE starts (number INTEGER NOT NULL);"
              "INSERT INTO starts VALUES (0);"
              "CREATE INDEX dialogs_expire ON dialogs (expires_s);",
    .pragmas = "PRAGMA locking_mode = EXCLUSIVE;"
               "PRAGMA journal_mode = WAL;"
               "PRAGMA synchronous = NORMAL;"
               "PRAGMA secure_delete = ON;"
               "PRAGMA journal_size_limit = 4194304;",
    .statements = statements,
    .statement_count = STATEMENT_COUNT,
};

static enum xf_err read_number(struct xf_dialogs_file *file, enum statement which, int64_t *out,
                               struct xf_error *err)
{
    bool has_row = xf_database_next(file->database, which);
    if (has_row)
        *out = xf_database_number(file->database, which, 0);
    return xf_database_end(file->database, which) && has_row
               ? XF_ERR_OK
               : xf_database_fail(file->database, "cannot be read", err);
}

/* On a full disk the number stays as it was, and what is there is read all the same. */
static enum xf_err begin_start(struct xf_dialogs_file *file, struct xf_error *err)
{
    bool is_kept = xf_database_run(file->database, BEGIN_START);
    enum xf_err result = read_number(file, START, &file->start, err);
    file->start += !is_kept;
    return result;
}

enum xf_err xf_dialogs_file_open(const char *path, struct xf_dialogs_file *out_file,
                                 struct xf_error *err)
{
    struct xf_dialogs_file file = {0};
    enum xf_err result = xf_database_open(path, &form, &file.database, err);
    if (result == XF_ERR_OK)
        result = begin_start(&file, err);
    if (result == XF_ERR_OK)
        result = read_number(&file, COUNT, &file.count, err);
    if (result == XF_ERR_OK)
        *out_file = file;
    else
        xf_database_close(&file.database);
    return result;
}

void xf_dialogs_file_close(struct xf_dialogs_file *file)
{
    xf_database_close(&file->database);
}

/* ------------------------------------------------------------------ read */

/* A row that is not as we write them is counted, and stays until it expires. */
static void read_row(const struct xf_dialogs_file *file, int64_t now_s, xf_dialogs_read_fn read,
                     void *owner, struct xf_dialogs_read *out)
{
    struct xf_database *database = file->database;
    struct xf_span key = xf_database_bytes(database, READ, 0),
                   record = xf_database_bytes(database, READ, 1);
    int64_t expires_s = xf_database_number(database, READ, 2),
            start = xf_database_number(database, READ, 3);
    if (expires_s <= now_s) {
        out->expired++;
    } else if (key.len == 0 || key.len > XF_DIALOGS_KEY_MAX || !record.ptr ||
               record.len > XF_DIALOGS_RECORD_MAX || start < 0 || start > file->start) {
        out->damaged++;
    } else {
        out->records++;
        read(owner, key, record, expires_s, (uint32_t)(file->start - start));
    }
}

enum xf_err xf_dialogs_file_read(struct xf_dialogs_file *file, int64_t now_s,
                                 xf_dialogs_read_fn read, void *owner, struct xf_dialogs_read *out,
                                 struct xf_error *err)
{
    *out = (struct xf_dialogs_read){0};
    while (xf_database_next(file->database, READ))
        read_row(file, now_s, read, owner, out);
    return xf_database_end(file->database, READ)
               ? XF_ERR_OK
               : xf_database_fail(file->database, "cannot be read", err);
}

/* ------------------------------------------------------------------ write */

static bool run(struct xf_dialogs_file *file, enum statement which)
{
    if (!xf_database_run(file->database, which))
        return false;
    size_t changes = xf_database_changes(file->database);
    file->count += which == ADD ? (int64_t)changes : 0;
    if (which == REMOVE || which == REMOVE_EXPIRED || which == REMOVE_ALL)
        file->count -= (int64_t)changes;
    return true;
}

static void bind(const struct xf_dialogs_file *file, enum statement which, struct xf_span key,
                 const struct xf_dialogs_change *change)
{
    struct xf_database *database = file->database;
    xf_database_set_bytes(database, which, 1, key);
    xf_database_set_number(database, which, 2, change->expires_s);
    xf_database_set_bytes(database, which, 3, (struct xf_span){change->record, change->len});
    xf_database_set_number(database, which, 4, file->start);
}

/*
 * True: it is done, or there is none to change: *out_is_done. A statement that sets expires_s, be
 * it to what it was, writes two pages of its index anew, besides the one with the row.
 */
static bool change_one(struct xf_dialogs_file *file, struct xf_span key,
                       const struct xf_dialogs_change *change, bool *out_is_done)
{
    static const enum statement ways[] = {CHANGE_RECORD, CHANGE};
    *out_is_done = false;
    for (size_t i = 0; i < XF_ARRAY_LEN(ways) && !*out_is_done; i++) {
        bind(file, ways[i], key, change);
        if (!run(file, ways[i]))
            return false;
        *out_is_done = xf_database_changes(file->database) > 0;
    }
    return true;
}

static bool apply_one(struct xf_dialogs_file *file, struct xf_dialogs_batch *batch,
                      struct xf_span key, const struct xf_dialogs_change *change)
{
    struct xf_database *database = file->database;
    if (change->is_removed) {
        xf_database_set_bytes(database, REMOVE, 1, key);
        return run(file, REMOVE);
    }
    bool is_done;
    if (!change_one(file, key, change, &is_done))
        return false;
    if (is_done)
        return true;
    if (file->count >= (int64_t)batch->records) {
        batch->out_dropped++;
        return true;
    }
    bind(file, ADD, key, change);
    return run(file, ADD);
}

/* What goes makes room for what comes. */
static bool apply_all(struct xf_dialogs_file *file, struct xf_dialogs_batch *batch, bool removes)
{
    struct xf_span key;
    void *value;
    for (size_t cursor = 0; xf_map_next(batch->changes, &cursor, &key, &value);) {
        const struct xf_dialogs_change *change = value;
        if (change->is_removed == removes && !apply_one(file, batch, key, change))
            return false;
    }
    return true;
}

static bool remove_expired(struct xf_dialogs_file *file, int64_t now_s)
{
    xf_database_set_number(file->database, REMOVE_EXPIRED, 1, now_s);
    return run(file, REMOVE_EXPIRED);
}

static bool apply(struct xf_dialogs_file *file, struct xf_dialogs_batch *batch)
{
    return (!batch->clears || run(file, REMOVE_ALL)) && remove_expired(file, batch->now_s) &&
           apply_all(file, batch, true) && apply_all(file, batch, false);
}

enum xf_err xf_dialogs_file_write(struct xf_dialogs_file *file, struct xf_dialogs_batch *batch,
                                  struct xf_error *err)
{
    struct xf_database *database = file->database;
    int64_t before = file->count;
    batch->out_dropped = 0;
    if (xf_database_begin(database) && apply(file, batch) && xf_database_commit(database))
        return XF_ERR_OK;
    enum xf_err result = xf_database_fail(database, "cannot be written", err);
    xf_database_roll_back(database);
    file->count = before;
    return result;
}
