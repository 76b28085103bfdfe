/* SPDX-License-Identifier: MIT */
/*
 * file.c — the SQLite file of the journal.
 *
 *   messages(id, queued_s, xml)    a row for each message that waits, in the order in which they
 *                                  came
 *
 * In WAL mode, so that a crash of ours loses nothing that was committed; a crash of the machine may
 * lose the last seconds (synchronous = NORMAL). One process has the file at a time (locking_mode =
 * EXCLUSIVE), since two would both deliver what is in it. What is deleted is overwritten with zeros
 * (secure_delete).
 */
#include "journal_priv.h"

#include <xfed/database/database.h>

enum statement { ADD, REMOVE, LAST_ID, READ, STATEMENT_COUNT };

static const char *const statements[STATEMENT_COUNT] = {
    [ADD] = "INSERT INTO messages (id, queued_s, xml) VALUES (?1, ?2, ?3)",
    [REMOVE] = "DELETE FROM messages WHERE id = ?1",
    [LAST_ID] = "SELECT max(id) FROM messages",
    [READ] = "SELECT id, queued_s, xml FROM messages ORDER BY id",
};

static const struct xf_database_form form = {
    .what = "journal",
    .remedy = "move it away, and a new one is made",
    .application_id = 0x78666a6e, /* "xfjn" */
    .format = 1,
    .schema = "CREATE TABLE messages (id INTEGER PRIMARY KEY, queued_s INTEGER NOT NULL,"
              " xml TEXT NOT NULL);",
    .pragmas = "PRAGMA locking_mode = EXCLUSIVE;"
               "PRAGMA journal_mode = WAL;"
               "PRAGMA synchronous = NORMAL;"
               "PRAGMA secure_delete = ON;"
               "PRAGMA journal_size_limit = 4194304;",
    .statements = statements,
    .statement_count = STATEMENT_COUNT,
};

enum xf_err xf_journal_file_open(const char *path, struct xf_database **out_file,
                                 struct xf_error *err)
{
    return xf_database_open(path, &form, out_file, err);
}

enum xf_err xf_journal_file_last_id(struct xf_database *file, int64_t *out_id, struct xf_error *err)
{
    bool has_row = xf_database_next(file, LAST_ID);
    if (has_row)
        *out_id = xf_database_number(file, LAST_ID, 0);
    return xf_database_end(file, LAST_ID) && has_row
               ? XF_ERR_OK
               : xf_database_fail(file, "cannot be read", err);
}

enum xf_err xf_journal_file_read(struct xf_database *file, xf_journal_row_fn read, void *owner,
                                 struct xf_error *err)
{
    while (xf_database_next(file, READ))
        read(owner, xf_database_number(file, READ, 0), xf_database_number(file, READ, 1),
             xf_database_text(file, READ, 2));
    return xf_database_end(file, READ) ? XF_ERR_OK : xf_database_fail(file, "cannot be read", err);
}

static bool add(struct xf_database *file, const struct xf_journal_entry *entry)
{
    xf_database_set_number(file, ADD, 1, entry->id);
    xf_database_set_number(file, ADD, 2, entry->queued_s);
    xf_database_set_text(file, ADD, 3, (struct xf_span){entry->xml, entry->xml_bytes});
    return xf_database_run(file, ADD);
}

static bool apply(struct xf_database *file, const struct xf_journal_batch *batch)
{
    for (size_t i = 0; i < batch->removed_count; i++) {
        xf_database_set_number(file, REMOVE, 1, batch->removed[i]);
        if (!xf_database_run(file, REMOVE))
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
