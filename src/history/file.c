/* SPDX-License-Identifier: MIT */
/*
 * file.c — the SQLite file of the history. It stores words instead of numbers, so that people can
 * read it with the sqlite3 tool.
 *
 *   peers(peer, direction, auth, first_s, last_s)                     a row for a peer and
 *                                                                     direction
 *   keys(peer, direction, spki_sha256, ground, first_s, last_s)       its keys, in hex
 *
 * Names of peers are in A-labels, as in DNS, so that they are unambiguous on a terminal.
 *
 * A file is ours if it is empty, or has our application_id and a format that we know
 * (user_version). We do not touch any other file. A schema that somebody else wrote cannot make us
 * run its functions or triggers (DEFENSIVE, trusted_schema), and we check the rows before we use
 * them. All values are bound parameters.
 */
#include "history_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/jid.h>

#define APPLICATION_ID   0x78666564 /* "xfed" */
#define FORMAT           1
#define BUSY_MS          2000 /* somebody may be reading it with the sqlite3 tool */
#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    FORGET_PEER,
    FORGET_KEYS,
    ADD_PEER,
    ADD_KEY,
    READ_PEERS,
    READ_KEYS,
    STATEMENT_COUNT
};

static const char *const sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [FORGET_PEER] = "DELETE FROM peers WHERE peer = ?1",
    [FORGET_KEYS] = "DELETE FROM keys WHERE peer = ?1",
    [ADD_PEER] =
        "INSERT INTO peers (peer, direction, auth, first_s, last_s) VALUES (?1, ?2, ?3, ?4, ?5)",
    [ADD_KEY] = "INSERT INTO keys (peer, direction, spki_sha256, ground, first_s, last_s) VALUES "
                "(?1, ?2, ?3, ?4, ?5, ?6)",
    [READ_PEERS] = "SELECT peer, direction, auth, first_s, last_s FROM peers ORDER BY last_s",
    [READ_KEYS] =
        "SELECT spki_sha256, ground, first_s, last_s FROM keys WHERE peer = ?1 AND direction = ?2 "
        "ORDER BY last_s DESC LIMIT " TEXT_OF(XF_HISTORY_KEYS),
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE peers (peer TEXT NOT NULL, direction TEXT NOT NULL, auth TEXT NOT NULL,"
    " first_s INTEGER NOT NULL, last_s INTEGER NOT NULL, PRIMARY KEY (peer, direction)) WITHOUT "
    "ROWID;"
    "CREATE TABLE keys (peer TEXT NOT NULL, direction TEXT NOT NULL, spki_sha256 TEXT NOT NULL, "
    "ground TEXT NOT NULL,"
    " first_s INTEGER NOT NULL, last_s INTEGER NOT NULL, PRIMARY KEY (peer, direction, "
    "spki_sha256)) WITHOUT ROWID;"
    "PRAGMA application_id = " TEXT_OF(APPLICATION_ID) ";"
                                                       "PRAGMA user_version = " TEXT_OF(
                                                           FORMAT) ";"
                                                                   "COMMIT;";

/*
 * The cache is small, since a batch touches few pages. The last pragma rewrites the existing
 * number, to find out whether the file and its folder are writable.
 */
static const char settings[] = "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA cache_size = -256;";
static const char touch[] = "PRAGMA user_version = " TEXT_OF(FORMAT) ";";

struct xf_history_file {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* ------------------------------------------------------------------ open */

static enum xf_err fail(const struct xf_history_file *file, const char *what, struct xf_error *err)
{
    return xf_fail(err, XF_ERR_IO, "%s: %s: %s", file->path, what,
                   file->db ? sqlite3_errmsg(file->db) : "out of memory");
}

/* SQLite would make the file readable for others, and would silently accept a read-only one. */
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

/* A pragma's number or first letter: quick_check returns "ok" for an undamaged file. */
static int query(struct xf_history_file *file, const char *pragma, int64_t *out_number,
                 bool *out_is_ok)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(file->db, pragma, -1, &statement, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        *out_number = sqlite3_column_int64(statement, 0);
        *out_is_ok = text && strcmp((const char *)text, "ok") == 0;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static enum xf_err check_format(struct xf_history_file *file, struct xf_error *err)
{
    int64_t id = 0, format = 0, ignored = 0;
    bool is_sound = false;
    if (query(file, "PRAGMA application_id", &id, &is_sound) != SQLITE_OK)
        return fail(file, "is not a history of xfedd, and is left unchanged", err);
    if (id != APPLICATION_ID)
        return xf_fail(err, XF_ERR_IO, "%s: is a database of another program, and is left as it is",
                       file->path);
    if (query(file, "PRAGMA user_version", &format, &is_sound) != SQLITE_OK)
        return fail(file, "cannot be read", err);
    if (format != FORMAT)
        return xf_fail(err, XF_ERR_IO, "%s: has format %lld, and this xfedd reads %d", file->path,
                       (long long)format, FORMAT);
    if (query(file, "PRAGMA quick_check(1)", &ignored, &is_sound) != SQLITE_OK)
        return fail(file, "is damaged; move it away, and peers are learnt anew", err);
    if (!is_sound)
        return xf_fail(err, XF_ERR_IO, "%s: is damaged; move it away, and peers are learnt anew",
                       file->path);
    return XF_ERR_OK;
}

static enum xf_err prepare_all(struct xf_history_file *file, struct xf_error *err)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(file->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &file->statements[i], NULL) != SQLITE_OK)
            return fail(file, "has not the tables of xfedd", err);
    return XF_ERR_OK;
}

static enum xf_err open_database(struct xf_history_file *file, bool is_empty, struct xf_error *err)
{
    if (sqlite3_open_v2(file->path, &file->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return fail(file, "cannot be opened", err);
    sqlite3_busy_timeout(file->db, BUSY_MS);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    enum xf_err result = is_empty ? XF_ERR_OK : check_format(file, err);
    if (result != XF_ERR_OK)
        return result;
    if (sqlite3_exec(file->db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return fail(file, "cannot be opened", err);
    if (sqlite3_exec(file->db, is_empty ? schema : touch, NULL, NULL, NULL) != SQLITE_OK)
        return fail(file, "cannot be written, or not its folder", err);
    return prepare_all(file, err);
}

enum xf_err xf_history_file_open(const char *path, struct xf_history_file **out_file,
                                 struct xf_error *err)
{
    bool is_empty = false;
    enum xf_err result = make_file(path, &is_empty, err);
    if (result != XF_ERR_OK)
        return result;
    struct xf_history_file *file = xf_new(struct xf_history_file);
    file->path = xf_strdup(path);
    result = open_database(file, is_empty, err);
    if (result == XF_ERR_OK)
        *out_file = file;
    else
        xf_history_file_close(&file);
    return result;
}

void xf_history_file_close(struct xf_history_file **file)
{
    struct xf_history_file *f = *file;
    if (!f)
        return;
    *file = NULL;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(f->statements[i]);
    sqlite3_close(f->db);
    xf_free(f->path);
    xf_free(f);
}

/* ------------------------------------------------------------------ read */

static const char *text_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

static bool read_key(sqlite3_stmt *row, struct xf_history_key *out)
{
    if (!xf_history_spki_parse(text_of(row, 0), out->spki_sha256) ||
        !xf_history_ground_parse(text_of(row, 1), &out->ground))
        return false;
    out->first_s = sqlite3_column_int64(row, 2);
    out->last_s = sqlite3_column_int64(row, 3);
    return true;
}

static int read_keys(struct xf_history_file *file, struct xf_span name, const char *way,
                     struct xf_history_entry *entry)
{
    sqlite3_stmt *keys = file->statements[READ_KEYS];
    int code;
    sqlite3_reset(keys);
    sqlite3_bind_text(keys, 1, name.ptr, (int)name.len, SQLITE_TRANSIENT);
    sqlite3_bind_text(keys, 2, way, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(keys)) == SQLITE_ROW && entry->key_count < XF_HISTORY_KEYS)
        entry->key_count += read_key(keys, &entry->keys[entry->key_count]);
    sqlite3_reset(keys);
    return code;
}

static int read_peer(struct xf_history_file *file, sqlite3_stmt *row, xf_history_read_fn read,
                     void *owner)
{
    struct xf_span name = {text_of(row, 0), (size_t)sqlite3_column_bytes(row, 0)};
    struct xf_history_entry entry = {0};
    char peer[XF_DOMAIN_MAX + 1];
    enum xf_history_way way;
    if (xf_domain_prepare(name, peer) != XF_ERR_OK ||
        !xf_history_way_parse(text_of(row, 1), &way) ||
        !xf_history_auth_parse(text_of(row, 2), &entry.auth))
        return SQLITE_DONE;
    entry.first_s = sqlite3_column_int64(row, 3);
    entry.last_s = sqlite3_column_int64(row, 4);
    int code = read_keys(file, name, xf_history_way_word(way), &entry);
    if (code == SQLITE_DONE || code == SQLITE_ROW)
        read(owner, xf_span_of(peer), way, &entry);
    return code == SQLITE_ROW ? SQLITE_DONE : code;
}

enum xf_err xf_history_file_read(struct xf_history_file *file, xf_history_read_fn read, void *owner,
                                 struct xf_error *err)
{
    sqlite3_stmt *peers = file->statements[READ_PEERS];
    int code = SQLITE_DONE, row_code = SQLITE_DONE;
    while (row_code == SQLITE_DONE && (code = sqlite3_step(peers)) == SQLITE_ROW)
        row_code = read_peer(file, peers, read, owner);
    sqlite3_reset(peers);
    return code == SQLITE_DONE && row_code == SQLITE_DONE ? XF_ERR_OK
                                                          : fail(file, "cannot be read", err);
}

/* ------------------------------------------------------------------ write */

static bool run(struct xf_history_file *file, enum statement which)
{
    int code = sqlite3_step(file->statements[which]);
    sqlite3_reset(file->statements[which]);
    return code == SQLITE_DONE;
}

/* Texts live until the statement has run. */
static bool run_for(struct xf_history_file *file, enum statement which, const char *name)
{
    sqlite3_bind_text(file->statements[which], 1, name, -1, SQLITE_STATIC);
    return run(file, which);
}

static bool add_key(struct xf_history_file *file, const char *name, const char *way,
                    const struct xf_history_key *key)
{
    char hex[XF_HISTORY_SPKI_HEX_CHARS + 1];
    sqlite3_stmt *statement = file->statements[ADD_KEY];
    xf_history_spki_hex(key->spki_sha256, hex);
    sqlite3_bind_text(statement, 2, way, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, hex, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 4, xf_history_ground_word(key->ground), -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, key->first_s);
    sqlite3_bind_int64(statement, 6, key->last_s);
    return run_for(file, ADD_KEY, name);
}

static bool add_entry(struct xf_history_file *file, const char *name, const char *way,
                      const struct xf_history_entry *entry)
{
    sqlite3_stmt *statement = file->statements[ADD_PEER];
    sqlite3_bind_text(statement, 2, way, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, xf_history_auth_word(entry->auth), -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, entry->first_s);
    sqlite3_bind_int64(statement, 5, entry->last_s);
    if (!run_for(file, ADD_PEER, name))
        return false;
    for (size_t i = entry->key_count; i-- > 0;) /* the one seen last is written last */
        if (!add_key(file, name, way, &entry->keys[i]))
            return false;
    return true;
}

static bool write_row(struct xf_history_file *file, const struct xf_history_row *row)
{
    char name[XF_DOMAIN_ASCII_MAX + 1];
    if (xf_domain_to_ascii(xf_span_of(row->name), name) != XF_ERR_OK)
        return true; /* not a domain: it could not be read back */
    if (!run_for(file, FORGET_PEER, name) || !run_for(file, FORGET_KEYS, name))
        return false;
    for (size_t i = 0; i < XF_HISTORY_WAY_COUNT; i++)
        if (row->has_way[i] &&
            !add_entry(file, name, xf_history_way_word((enum xf_history_way)i), &row->way[i]))
            return false;
    return true;
}

enum xf_err xf_history_file_write(struct xf_history_file *file, const struct xf_history_row *rows,
                                  size_t count, struct xf_error *err)
{
    bool is_good = run(file, BEGIN);
    for (size_t i = 0; i < count && is_good; i++)
        is_good = write_row(file, &rows[i]);
    if (is_good && run(file, COMMIT))
        return XF_ERR_OK;
    enum xf_err result = fail(file, "cannot be written", err);
    if (!sqlite3_get_autocommit(file->db))
        (void)run(file, ROLLBACK); /* nothing more can be done here; the next BEGIN fails */
    return result;
}
