/* SPDX-License-Identifier: MIT */
/*
 * file.c — the SQLite file of the history. It stores words instead of numbers, so that people can
 * read it with the sqlite3 tool.
 *
 *   peers(peer, direction, auth, first_s, last_s)                     a row for a peer and
 *                                                                     direction
 *   keys(peer, direction, spki_sha256, ground, first_s, last_s)       its keys, in hex
 *
 * Direction is out, in, or auto; what auth means there, store_priv.h says (XF_HISTORY_AUTO).
 *
 * Names of peers are in A-labels, as in DNS, so that they are unambiguous on a terminal. We check
 * the rows before we use them; database.h says which files are ours.
 */
#include "history_priv.h"

#include <string.h>

#include <xfed/database/database.h>
#include <xfed/xmpp/jid.h>

#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number

enum statement {
    FORGET_PEER,
    FORGET_KEYS,
    ADD_PEER,
    ADD_KEY,
    READ_PEERS,
    READ_KEYS,
    STATEMENT_COUNT
};

static const char *const statements[STATEMENT_COUNT] = {
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

static const struct xf_database_form form = {
    .what = "history",
    .remedy = "move it away, and peers are learnt anew",
    .application_id = 0x78666564, /* "xfed" */
    .format = 1,
    .schema =
        "CREATE TABLE peers (peer TEXT NOT NULL, direction TEXT NOT NULL, auth TEXT NOT NULL,"
        " first_s INTEGER NOT NULL, last_s INTEGER NOT NULL, PRIMARY KEY (peer, direction))"
        " WITHOUT ROWID;"
        "CREATE TABLE keys (peer TEXT NOT NULL, direction TEXT NOT NULL, spki_sha256 TEXT NOT NULL,"
        " ground TEXT NOT NULL, first_s INTEGER NOT NULL, last_s INTEGER NOT NULL,"
        " PRIMARY KEY (peer, direction, spki_sha256)) WITHOUT ROWID;",
    .pragmas = "",
    .statements = statements,
    .statement_count = STATEMENT_COUNT,
};

enum xf_err xf_history_file_open(const char *path, struct xf_database **out_file,
                                 struct xf_error *err)
{
    return xf_database_open(path, &form, out_file, err);
}

/* ------------------------------------------------------------------ read */

static const char *text_of(struct xf_database *file, enum statement which, int column)
{
    struct xf_span text = xf_database_text(file, which, column);
    return text.ptr ? text.ptr : "";
}

static bool read_key(struct xf_database *file, struct xf_history_key *out)
{
    if (!xf_history_spki_parse(text_of(file, READ_KEYS, 0), out->spki_sha256) ||
        !xf_history_ground_parse(text_of(file, READ_KEYS, 1), &out->ground))
        return false;
    out->first_s = xf_database_number(file, READ_KEYS, 2);
    out->last_s = xf_database_number(file, READ_KEYS, 3);
    return true;
}

static bool read_keys(struct xf_database *file, struct xf_span name, const char *way,
                      struct xf_history_entry *entry)
{
    xf_database_set_text(file, READ_KEYS, 1, name);
    xf_database_set_text(file, READ_KEYS, 2, xf_span_of(way));
    while (entry->key_count < XF_HISTORY_KEYS && xf_database_next(file, READ_KEYS))
        entry->key_count += read_key(file, &entry->keys[entry->key_count]);
    return xf_database_end(file, READ_KEYS);
}

/* False: the file cannot be read. A row that makes no sense is skipped. */
static bool read_peer(struct xf_database *file, xf_history_read_fn read, void *owner)
{
    struct xf_span name = xf_database_text(file, READ_PEERS, 0);
    struct xf_history_entry entry = {0};
    char peer[XF_DOMAIN_MAX + 1];
    enum xf_history_way way;
    if (!name.ptr || xf_domain_prepare(name, peer) != XF_ERR_OK ||
        !xf_history_way_parse(text_of(file, READ_PEERS, 1), &way) ||
        !xf_history_auth_parse(text_of(file, READ_PEERS, 2), &entry.auth))
        return true;
    entry.first_s = xf_database_number(file, READ_PEERS, 3);
    entry.last_s = xf_database_number(file, READ_PEERS, 4);
    if (!read_keys(file, name, xf_history_way_word(way), &entry))
        return false;
    read(owner, xf_span_of(peer), way, &entry);
    return true;
}

enum xf_err xf_history_file_read(struct xf_database *file, xf_history_read_fn read, void *owner,
                                 struct xf_error *err)
{
    bool is_good = true;
    while (is_good && xf_database_next(file, READ_PEERS))
        is_good = read_peer(file, read, owner);
    return xf_database_end(file, READ_PEERS) && is_good
               ? XF_ERR_OK
               : xf_database_fail(file, "cannot be read", err);
}

/* ------------------------------------------------------------------ write */

static bool run_for(struct xf_database *file, enum statement which, const char *name)
{
    xf_database_set_text(file, which, 1, xf_span_of(name));
    return xf_database_run(file, which);
}

static bool add_key(struct xf_database *file, const char *name, const char *way,
                    const struct xf_history_key *key)
{
    char hex[XF_HISTORY_SPKI_HEX_CHARS + 1];
    xf_history_spki_hex(key->spki_sha256, hex);
    xf_database_set_text(file, ADD_KEY, 2, xf_span_of(way));
    xf_database_set_text(file, ADD_KEY, 3, xf_span_of(hex));
    xf_database_set_text(file, ADD_KEY, 4, xf_span_of(xf_history_ground_word(key->ground)));
    xf_database_set_number(file, ADD_KEY, 5, key->first_s);
    xf_database_set_number(file, ADD_KEY, 6, key->last_s);
    return run_for(file, ADD_KEY, name);
}

static bool add_entry(struct xf_database *file, const char *name, const char *way,
                      const struct xf_history_entry *entry)
{
    xf_database_set_text(file, ADD_PEER, 2, xf_span_of(way));
    xf_database_set_text(file, ADD_PEER, 3, xf_span_of(xf_history_auth_word(entry->auth)));
    xf_database_set_number(file, ADD_PEER, 4, entry->first_s);
    xf_database_set_number(file, ADD_PEER, 5, entry->last_s);
    if (!run_for(file, ADD_PEER, name))
        return false;
    for (size_t i = entry->key_count; i-- > 0;) /* the one seen last is written last */
        if (!add_key(file, name, way, &entry->keys[i]))
            return false;
    return true;
}

static bool write_row(struct xf_database *file, const struct xf_history_row *row)
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

static bool write_rows(struct xf_database *file, const struct xf_history_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!write_row(file, &rows[i]))
            return false;
    return true;
}

enum xf_err xf_history_file_write(struct xf_database *file, const struct xf_history_row *rows,
                                  size_t count, struct xf_error *err)
{
    if (xf_database_begin(file) && write_rows(file, rows, count) && xf_database_commit(file))
        return XF_ERR_OK;
    enum xf_err result = xf_database_fail(file, "cannot be written", err);
    xf_database_roll_back(file);
    return result;
}
