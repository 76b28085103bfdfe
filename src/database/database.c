/* SPDX-License-Identifier: MIT */
/*
 * database.c — SQLite behind a few calls. It alone decides how a file is opened:
 *
 *   - by our own open(2) first, since SQLite would make the file readable for others, and would
 *     silently accept one that is read-only
 *   - application_id and user_version say whose it is, before anything is written; then
 *     quick_check says whether it is damaged
 *   - DEFENSIVE and trusted_schema = OFF, so that a schema written by somebody else cannot act
 */
#include <xfed/database/database.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <xfed/base/alloc.h>

#define BUSY_MS 2000 /* somebody may be reading it with the sqlite3 tool */

struct xf_database {
    sqlite3 *db;
    char *path;
    const struct xf_database_form *form;
    sqlite3_stmt **statements;
    int last; /* SQLite's code of the last row that was read */
};

/* The cache is small, since a batch touches few pages. */
static const char pragmas[] = "PRAGMA trusted_schema = OFF;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA cache_size = -256;";

/* ------------------------------------------------------------------ open */

enum xf_err xf_database_fail(const struct xf_database *database, const char *what,
                             struct xf_error *err)
{
    return xf_fail(err, XF_ERR_IO, "%s: %s: %s", database->path, what,
                   database->db ? sqlite3_errmsg(database->db) : "out of memory");
}

static enum xf_err make_file(const char *path, bool *out_is_empty, struct xf_error *err)
{
    char words[128];
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0)
        return xf_fail(err, XF_ERR_IO, "%s: cannot be opened for writing: %s", path,
                       strerror_r(errno, words, sizeof(words)));
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    close(fd);
    if (!is_file)
        return xf_fail(err, XF_ERR_IO, "%s: is not a regular file", path);
    *out_is_empty = status.st_size == 0;
    return XF_ERR_OK;
}

/* A pragma's number, and whether its text is "ok", which quick_check says of a sound file. */
static bool query(struct xf_database *database, const char *pragma, int64_t *out_number,
                  bool *out_is_ok)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->db, pragma, -1, &statement, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        *out_number = sqlite3_column_int64(statement, 0);
        *out_is_ok = text && strcmp((const char *)text, "ok") == 0;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_ROW;
}

static const char *why(const struct xf_database *database, const char *words)
{
    return sqlite3_errcode(database->db) == SQLITE_BUSY ? "is in use by another process" : words;
}

/*
 * Whoever began to make the file was killed: it has SQLite's header alone, or nothing once that is
 * rolled back. SQLite also takes a file of one byte for an empty one; it is somebody's.
 */
static bool has_no_tables(struct xf_database *database)
{
    int64_t count = 0;
    bool is_ok = false;
    struct stat status;
    return query(database, "SELECT count(*) FROM sqlite_master", &count, &is_ok) && count == 0 &&
           stat(database->path, &status) == 0 && status.st_size % 512 == 0;
}

static enum xf_err check_owner(struct xf_database *database, bool *out_is_empty,
                               struct xf_error *err)
{
    const struct xf_database_form *form = database->form;
    char words[80];
    int64_t id = 0, format = 0;
    bool is_ok = false;
    snprintf(words, sizeof(words), "is not a %s of xfedd, and is left unchanged", form->what);
    if (!query(database, "PRAGMA application_id", &id, &is_ok))
        return xf_database_fail(database, why(database, words), err);
    if (!query(database, "PRAGMA user_version", &format, &is_ok))
        return xf_database_fail(database, "cannot be read", err);
    *out_is_empty = id == 0 && format == 0 && has_no_tables(database);
    if (*out_is_empty)
        return XF_ERR_OK;
    if (id != form->application_id)
        return xf_fail(err, XF_ERR_IO,
                       "%s: is a database of another program, and is left unchanged",
                       database->path);
    if (format != form->format)
        return xf_fail(err, XF_ERR_IO, "%s: has format %lld, and this xfedd reads %d",
                       database->path, (long long)format, form->format);
    return XF_ERR_OK;
}

/* All else, as another process, a disk that is broken or full, says nothing about what is in it. */
static bool is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static enum xf_err check_damage(struct xf_database *database, struct xf_error *err)
{
    int64_t ignored = 0;
    bool is_sound = false;
    bool is_read = query(database, "PRAGMA quick_check(1)", &ignored, &is_sound);
    if (is_read && is_sound)
        return XF_ERR_OK;
    if (!is_read && !is_damage(sqlite3_errcode(database->db)))
        return xf_database_fail(database, why(database, "cannot be read"), err);
    return xf_fail(err, XF_ERR_DAMAGED, "%s: is damaged; %s", database->path,
                   database->form->remedy);
}

static enum xf_err check_file(struct xf_database *database, bool *out_is_empty,
                              struct xf_error *err)
{
    enum xf_err result = check_owner(database, out_is_empty, err);
    return result == XF_ERR_OK && !*out_is_empty ? check_damage(database, err) : result;
}

static enum xf_err prepare_failed(const struct xf_database *database, struct xf_error *err)
{
    int code = sqlite3_errcode(database->db); /* ERROR: there is no such table or column */
    (void)xf_database_fail(database, "has not the tables of xfedd", err);
    return code == SQLITE_ERROR || is_damage(code) ? XF_ERR_DAMAGED : XF_ERR_IO;
}

static enum xf_err prepare_all(struct xf_database *database, struct xf_error *err)
{
    const struct xf_database_form *form = database->form;
    database->statements = xf_alloc((form->statement_count + 1) * sizeof(sqlite3_stmt *));
    for (size_t i = 0; i < form->statement_count; i++)
        if (sqlite3_prepare_v3(database->db, form->statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &database->statements[i], NULL) != SQLITE_OK)
            return prepare_failed(database, err);
    return XF_ERR_OK;
}

static bool execute(struct xf_database *database, const char *sql)
{
    return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The file says from now on whose it is. */
static bool make_tables(struct xf_database *database)
{
    const struct xf_database_form *form = database->form;
    char *sql = xf_asprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d;"
                            "PRAGMA user_version = %d; COMMIT;",
                            form->schema, form->application_id, form->format);
    bool is_done = execute(database, sql);
    xf_free(sql);
    return is_done;
}

/* Writes the number that is there, to find out whether the file and its folder can be written. */
static bool touch(struct xf_database *database)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d;", database->form->format);
    return execute(database, sql);
}

static bool add_tables(struct xf_database *database)
{
    return !database->form->additions || execute(database, database->form->additions);
}

static enum xf_err open_database(struct xf_database *database, bool is_empty, struct xf_error *err)
{
    if (sqlite3_open_v2(database->path, &database->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return xf_database_fail(database, "cannot be opened", err);
    sqlite3_busy_timeout(database->db, BUSY_MS);
    sqlite3_db_config(database->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    enum xf_err result = is_empty ? XF_ERR_OK : check_file(database, &is_empty, err);
    if (result != XF_ERR_OK)
        return result;
    if (!execute(database, pragmas) || !execute(database, database->form->pragmas))
        return xf_database_fail(database, "cannot be opened", err);
    if ((is_empty ? !make_tables(database) : !touch(database)) || !add_tables(database))
        return xf_database_fail(database, "cannot be written, or not its folder", err);
    return prepare_all(database, err);
}

enum xf_err xf_database_open(const char *path, const struct xf_database_form *form,
                             struct xf_database **out_database, struct xf_error *err)
{
    bool is_empty = false;
    enum xf_err result = make_file(path, &is_empty, err);
    if (result != XF_ERR_OK)
        return result;
    struct xf_database *database = xf_new(struct xf_database);
    database->path = xf_strdup(path);
    database->form = form;
    result = open_database(database, is_empty, err);
    if (result == XF_ERR_OK)
        *out_database = database;
    else
        xf_database_close(&database);
    return result;
}

void xf_database_close(struct xf_database **database)
{
    struct xf_database *d = *database;
    if (!d)
        return;
    *database = NULL;
    for (size_t i = 0; d->statements && i < d->form->statement_count; i++)
        sqlite3_finalize(d->statements[i]);
    sqlite3_close(d->db);
    xf_free(d->statements);
    xf_free(d->path);
    xf_free(d);
}

/* The file itself goes last: a log of it that stayed would be taken for that of the new file. */
bool xf_database_set_aside(const char *path, char *out_aside, size_t room)
{
    static const char *const beside[] = {"-wal", "-shm", "-journal"};
    (void)snprintf(out_aside, room, "%s.unusable", path);
    for (size_t i = 0; i < XF_ARRAY_LEN(beside); i++) {
        char *from = xf_asprintf("%s%s", path, beside[i]);
        char *to = xf_asprintf("%s%s", out_aside, beside[i]);
        bool is_gone = rename(from, to) == 0 || errno == ENOENT;
        xf_free(from);
        xf_free(to);
        if (!is_gone)
            return false;
    }
    return rename(path, out_aside) == 0;
}

/* ------------------------------------------------------------------ statements */

void xf_database_set_number(struct xf_database *database, size_t which, int at, int64_t value)
{
    sqlite3_bind_int64(database->statements[which], at, value);
}

void xf_database_set_text(struct xf_database *database, size_t which, int at, struct xf_span value)
{
    sqlite3_bind_text64(database->statements[which], at, value.ptr, value.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

void xf_database_set_bytes(struct xf_database *database, size_t which, int at, struct xf_span value)
{
    sqlite3_bind_blob64(database->statements[which], at, value.ptr, value.len, SQLITE_STATIC);
}

bool xf_database_run(struct xf_database *database, size_t which)
{
    int code = sqlite3_step(database->statements[which]);
    sqlite3_reset(database->statements[which]);
    return code == SQLITE_DONE;
}

size_t xf_database_changes(const struct xf_database *database)
{
    return (size_t)sqlite3_changes(database->db);
}

bool xf_database_next(struct xf_database *database, size_t which)
{
    database->last = sqlite3_step(database->statements[which]);
    return database->last == SQLITE_ROW;
}

bool xf_database_end(struct xf_database *database, size_t which)
{
    sqlite3_reset(database->statements[which]);
    return database->last == SQLITE_DONE || database->last == SQLITE_ROW;
}

int64_t xf_database_number(struct xf_database *database, size_t which, int column)
{
    return sqlite3_column_int64(database->statements[which], column);
}

struct xf_span xf_database_text(struct xf_database *database, size_t which, int column)
{
    const char *text = (const char *)sqlite3_column_text(database->statements[which], column);
    return (struct xf_span){
        text, text ? (size_t)sqlite3_column_bytes(database->statements[which], column) : 0};
}

struct xf_span xf_database_bytes(struct xf_database *database, size_t which, int column)
{
    sqlite3_stmt *statement = database->statements[which];
    if (sqlite3_column_type(statement, column) != SQLITE_BLOB)
        return XF_SPAN_NONE;
    const char *bytes = sqlite3_column_blob(statement, column); /* NULL: there are none */
    return bytes ? (struct xf_span){bytes, (size_t)sqlite3_column_bytes(statement, column)}
                 : XF_SPAN("");
}

bool xf_database_begin(struct xf_database *database)
{
    return execute(database, "BEGIN IMMEDIATE");
}

bool xf_database_commit(struct xf_database *database)
{
    return execute(database, "COMMIT");
}

void xf_database_roll_back(struct xf_database *database)
{
    if (!sqlite3_get_autocommit(database->db))
        (void)execute(database, "ROLLBACK"); /* if it fails, so does the next transaction */
}
