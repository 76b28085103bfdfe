/* SPDX-License-Identifier: MIT */
/*
 * kept_file.c — the SQLite file of what the directory said, for a restart while it is away.
 *
 *   users(jid, mail, seen_s, source)    one row for each user; mail is NULL for a user who has no
 *                                       address; seen_s is when the directory said so
 *
 * `source` identifies what was asked for (base, filter, attributes): rows of another source are
 * neither read nor left there. What is deleted is overwritten with zeros (secure_delete).
 */
#include "mailmap_priv.h"

#include <xfed/database/database.h>

enum statement {
    READ,
    ADD,
    FORGET_ADDRESSES,
    FORGET_SOURCES,
    FORGET_OLD,
    FORGET_EXCESS,
    STATEMENT_COUNT
};

static const char *const statements[STATEMENT_COUNT] = {
    [READ] = "SELECT jid, mail, seen_s FROM (SELECT jid, mail, seen_s FROM users"
             " WHERE source = ?1 AND seen_s > ?2 ORDER BY seen_s DESC LIMIT ?3) ORDER BY seen_s",
    [ADD] = "INSERT OR REPLACE INTO users (jid, mail, seen_s, source) VALUES (?1, ?2, ?3, ?4)",
    [FORGET_ADDRESSES] = "DELETE FROM users WHERE mail IS NOT NULL",
    [FORGET_SOURCES] = "DELETE FROM users WHERE source <> ?1",
    [FORGET_OLD] = "DELETE FROM users WHERE seen_s <= ?1",
    [FORGET_EXCESS] =
        "DELETE FROM users WHERE (SELECT count(*) FROM users) > ?1 AND jid IN"
        " (SELECT jid FROM users ORDER BY mail IS NULL, seen_s DESC LIMIT -1 OFFSET ?1)",
};

static const struct xf_database_form form = {
    .what = "file of kept addresses",
    .remedy = "move it away, and a new one is made",
    .application_id = 0x78666d6b, /* "xfmk" */
    .format = 1,
    .schema = "CREATE TABLE users (jid TEXT PRIMARY KEY NOT NULL, mail TEXT UNIQUE,"
              " seen_s INTEGER NOT NULL, source TEXT NOT NULL) WITHOUT ROWID;",
    .pragmas = "PRAGMA secure_delete = ON;"
               "PRAGMA max_page_count = " XF_KEPT_PAGES_MAX ";",
    .statements = statements,
    .statement_count = STATEMENT_COUNT,
};

enum xf_err xf_kept_file_open(const char *path, struct xf_database **out_file, struct xf_error *err)
{
    return xf_database_open(path, &form, out_file, err);
}

/* ------------------------------------------------------------------ read */

/* A row that is not as we write them is skipped. */
static void read_row(struct xf_database *file, xf_kept_read_fn read, void *owner)
{
    struct xf_bare jid, mail = {.text = XF_SPAN_NONE};
    struct xf_span jid_text = xf_database_text(file, READ, 0),
                   mail_text = xf_database_text(file, READ, 1);
    if (!jid_text.ptr || !xf_bare_make(jid_text, XF_SPAN_NONE, &jid) ||
        !xf_span_eq(jid.text, jid_text))
        return;
    if (mail_text.ptr &&
        (!xf_bare_make(mail_text, XF_SPAN_NONE, &mail) || !xf_span_eq(mail.text, mail_text)))
        return;
    read(owner, jid.text, mail.text, xf_database_number(file, READ, 2));
}

enum xf_err xf_kept_file_read(struct xf_database *file, const struct xf_kept_bounds *bounds,
                              xf_kept_read_fn read, void *owner, struct xf_error *err)
{
    xf_database_set_text(file, READ, 1, xf_span_of(bounds->source));
    xf_database_set_number(file, READ, 2, bounds->oldest_s);
    xf_database_set_number(file, READ, 3, bounds->users_max);
    while (xf_database_next(file, READ))
        read_row(file, read, owner);
    return xf_database_end(file, READ) ? XF_ERR_OK : xf_database_fail(file, "cannot be read", err);
}

/* ------------------------------------------------------------------ rows */

bool xf_kept_rows_add(struct xf_buf *rows, struct xf_span jid, struct xf_span mail)
{
    struct xf_draft row = xf_draft_begin(rows);
    xf_draft_span(&row, jid);
    xf_draft_append(&row, "", 1);
    xf_draft_span(&row, mail);
    xf_draft_append(&row, "", 1);
    return xf_draft_end(&row) == XF_ERR_OK;
}

bool xf_kept_rows_add_table(struct xf_buf *rows, const struct xf_table *table)
{
    struct xf_user user;
    struct xf_span mail;
    for (size_t i = 0; i < xf_table_count(table); i++) {
        xf_table_user(table, i, &user);
        if (xf_table_mail(table, user.jid, &mail) == XF_MAILMAP_FOUND &&
            !xf_kept_rows_add(rows, user.jid, mail))
            return false;
    }
    return true;
}

static struct xf_span take_text(struct xf_span *rest)
{
    struct xf_span text = {rest->ptr, strnlen(rest->ptr, rest->len)};
    rest->ptr += text.len + 1;
    rest->len -= text.len + 1;
    return text;
}

/* ------------------------------------------------------------------ write */

static bool add_rows(struct xf_database *file, struct xf_span rest)
{
    while (rest.len) {
        struct xf_span jid = take_text(&rest), mail = take_text(&rest);
        xf_database_set_text(file, ADD, 1, jid);
        xf_database_set_text(file, ADD, 2, mail.len ? mail : XF_SPAN_NONE);
        if (!xf_database_run(file, ADD))
            return false;
    }
    return true;
}

static bool forget(struct xf_database *file, enum statement which, int64_t bound)
{
    xf_database_set_number(file, which, 1, bound);
    return xf_database_run(file, which);
}

static bool apply(struct xf_database *file, const struct xf_kept_bounds *bounds, bool is_whole,
                  struct xf_span rows)
{
    xf_database_set_text(file, FORGET_SOURCES, 1, xf_span_of(bounds->source));
    xf_database_set_number(file, ADD, 3, bounds->now_s);
    xf_database_set_text(file, ADD, 4, xf_span_of(bounds->source));
    return xf_database_run(file, FORGET_SOURCES) &&
           (!is_whole || xf_database_run(file, FORGET_ADDRESSES)) && add_rows(file, rows) &&
           forget(file, FORGET_OLD, bounds->oldest_s) &&
           forget(file, FORGET_EXCESS, bounds->users_max);
}

enum xf_err xf_kept_file_write(struct xf_database *file, const struct xf_kept_bounds *bounds,
                               bool is_whole, struct xf_span rows, struct xf_error *err)
{
    if (xf_database_begin(file) && apply(file, bounds, is_whole, rows) && xf_database_commit(file))
        return XF_ERR_OK;
    enum xf_err result = xf_database_fail(file, "cannot be written", err);
    xf_database_roll_back(file);
    return result;
}
