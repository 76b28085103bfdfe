/* SPDX-License-Identifier: MIT */
/*
 * file.c — the SQLite file of the journal.
 *
 *   messages(id, queued_s, xml)    a row for each message that waits, in the order in which they
 *                                  came
 *   sessions(serial, ...)          streams that can be resumed; written at a stop, and removed by
 *                                  the next start
 *   unproved(serial, number, ...)  their stanzas that are not proved
 *
 * In WAL mode, so that a crash of ours loses nothing that was committed; a crash of the machine may
 * lose the last seconds (synchronous = NORMAL). One process has the file at a time (locking_mode =
 * EXCLUSIVE), since two would both deliver what is in it. What is deleted is overwritten with zeros
 * (secure_delete).
 */
#include "journal_priv.h"

#include <xfed/database/database.h>

static const char *const statements[XF_JOURNAL_STATEMENT_COUNT] = {
    [XF_JOURNAL_ADD] = "INSERT INTO messages (id, queued_s, xml) VALUES (?1, ?2, ?3)",
    [XF_JOURNAL_REMOVE] = "DELETE FROM messages WHERE id = ?1",
    [XF_JOURNAL_LAST_ID] = "SELECT max(id) FROM messages",
    [XF_JOURNAL_READ] = "SELECT id, queued_s, xml FROM messages ORDER BY id",
    [XF_JOURNAL_ADD_SESSION] =
        "INSERT INTO sessions (serial, saved_s, is_ours, both_ways, local, peer, name, left_ms,"
        " max_ms, handled, proved, sent, counted)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [XF_JOURNAL_ADD_STANZA] =
        "INSERT INTO unproved (serial, number, came_s, is_unproved, shown_from, shown_to, xml)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [XF_JOURNAL_READ_SESSIONS] =
        "SELECT serial, saved_s, is_ours, both_ways, local, peer, name, left_ms, max_ms, handled,"
        " proved, sent, counted FROM sessions ORDER BY serial, rowid",
    [XF_JOURNAL_READ_STANZAS] =
        "SELECT serial, number, came_s, is_unproved, shown_from, shown_to, xml FROM unproved"
        " ORDER BY serial, number",
    [XF_JOURNAL_LAST_SERIAL] =
        "SELECT max(serial) FROM"
        " (SELECT serial FROM sessions UNION ALL SELECT serial FROM unproved)",
    [XF_JOURNAL_REMOVE_SESSIONS] = "DELETE FROM sessions",
    [XF_JOURNAL_REMOVE_STANZAS] = "DELETE FROM unproved",
};

static const struct xf_database_form form = {
    .what = "journal",
    .remedy = "move it away, and a new one is made",
    .application_id = 0x78666a6e, /* "xfjn" */
    .format = 1,
    .schema = "CREATE TABLE messages (id INTEGER PRIMARY KEY, queued_s INTEGER NOT NULL,"
              " xml TEXT NOT NULL);",
    .additions = "CREATE TABLE IF NOT EXISTS sessions (serial INTEGER NOT NULL,"
                 " saved_s INTEGER NOT NULL, is_ours INTEGER NOT NULL, both_ways INTEGER NOT NULL,"
                 " local TEXT NOT NULL, peer TEXT NOT NULL, name TEXT NOT NULL,"
                 " left_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL, handled INTEGER NOT NULL,"
                 " proved INTEGER NOT NULL, sent INTEGER NOT NULL, counted INTEGER NOT NULL);"
                 "CREATE TABLE IF NOT EXISTS unproved (serial INTEGER NOT NULL,"
                 " number INTEGER NOT NULL, came_s INTEGER NOT NULL, is_unproved INTEGER NOT NULL,"
                 " shown_from TEXT, shown_to TEXT, xml TEXT NOT NULL);",
    .pragmas = "PRAGMA locking_mode = EXCLUSIVE;"
               "PRAGMA journal_mode = WAL;"
               "PRAGMA synchronous = NORMAL;"
               "PRAGMA secure_delete = ON;"
               "PRAGMA journal_size_limit = 4194304;",
    .statements = statements,
    .statement_count = XF_JOURNAL_STATEMENT_COUNT,
};

enum xf_err xf_journal_file_open(const char *path, struct xf_database **out_file,
                                 struct xf_error *err)
{
    return xf_database_open(path, &form, out_file, err);
}

enum xf_err xf_journal_file_last_id(struct xf_database *file, int64_t *out_id, struct xf_error *err)
{
    bool has_row = xf_database_next(file, XF_JOURNAL_LAST_ID);
    if (has_row)
        *out_id = xf_database_number(file, XF_JOURNAL_LAST_ID, 0);
    return xf_database_end(file, XF_JOURNAL_LAST_ID) && has_row
               ? XF_ERR_OK
               : xf_database_fail(file, "cannot be read", err);
}

enum xf_err xf_journal_file_read(struct xf_database *file, xf_journal_row_fn read, void *owner,
                                 struct xf_error *err)
{
    while (xf_database_next(file, XF_JOURNAL_READ))
        read(owner, xf_database_number(file, XF_JOURNAL_READ, 0),
             xf_database_number(file, XF_JOURNAL_READ, 1),
             xf_database_text(file, XF_JOURNAL_READ, 2));
    return xf_database_end(file, XF_JOURNAL_READ) ? XF_ERR_OK
                                                  : xf_database_fail(file, "cannot be read", err);
}

static bool add(struct xf_database *file, const struct xf_journal_entry *entry)
{
    xf_database_set_number(file, XF_JOURNAL_ADD, 1, entry->id);
    xf_database_set_number(file, XF_JOURNAL_ADD, 2, entry->queued_s);
    xf_database_set_text(file, XF_JOURNAL_ADD, 3, (struct xf_span){entry->xml, entry->xml_bytes});
    return xf_database_run(file, XF_JOURNAL_ADD);
}

static bool apply(struct xf_database *file, const struct xf_journal_batch *batch)
{
    for (size_t i = 0; i < batch->removed_count; i++) {
        xf_database_set_number(file, XF_JOURNAL_REMOVE, 1, batch->removed[i]);
        if (!xf_database_run(file, XF_JOURNAL_REMOVE))
            return false;
    }
    XF_LIST_EACH (node, &batch->added)
        if (!add(file, XF_CONTAINER(node, struct xf_journal_entry, node)))
            return false;
    return true;
}

enum xf_err xf_journal_file_write(struct xf_database *file, const struct xf_journal_batch *batch,
                                  struct xf_error *err)
{
    if (xf_database_begin(file) && apply(file, batch) && xf_database_commit(file))
        return XF_ERR_OK;
    enum xf_err result = xf_database_fail(file, "cannot be written", err);
    xf_database_roll_back(file);
    return result;
}
