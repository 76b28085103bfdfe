/* SPDX-License-Identifier: MIT */
/* session_rows.c — sessions and their stanzas as rows of the journal's file. */
#include "journal_priv.h"

#include <xfed/database/database.h>

/* Numbers of 64 bits go through SQLite's signed ones and back unchanged. */
static void set(struct xf_database *file, size_t which, int at, uint64_t value)
{
    xf_database_set_number(file, which, at, (int64_t)value);
}

static uint64_t get(struct xf_database *file, size_t which, int column)
{
    return (uint64_t)xf_database_number(file, which, column);
}

bool xf_session_row_add(struct xf_database *file, const struct xf_session_row *row)
{
    const struct xf_session *session = &row->session;
    size_t which = XF_JOURNAL_ADD_SESSION;
    set(file, which, 1, session->serial);
    xf_database_set_number(file, which, 2, row->saved_s);
    set(file, which, 3, session->is_ours);
    set(file, which, 4, session->both_ways);
    xf_database_set_text(file, which, 5, session->local);
    xf_database_set_text(file, which, 6, session->peer);
    xf_database_set_text(file, which, 7, session->id);
    set(file, which, 8, session->left_ms);
    set(file, which, 9, session->max_ms);
    set(file, which, 10, session->handled);
    set(file, which, 11, session->proved);
    set(file, which, 12, session->sent);
    set(file, which, 13, session->counted);
    return xf_database_run(file, which);
}

bool xf_session_stanza_row_add(struct xf_database *file, const struct xf_session_stanza_row *row)
{
    size_t which = XF_JOURNAL_ADD_STANZA;
    set(file, which, 1, row->serial);
    set(file, which, 2, row->stanza.number);
    xf_database_set_number(file, which, 3, row->stanza.came_s);
    set(file, which, 4, row->stanza.is_unproved);
    xf_database_set_text(file, which, 5, row->stanza.shown_from);
    xf_database_set_text(file, which, 6, row->stanza.shown_to);
    xf_database_set_text(file, which, 7, row->xml);
    if (!xf_database_run(file, which))
        return false;
    xf_database_set_number(file, XF_JOURNAL_REMOVE, 1, row->message_id);
    return !row->message_id || xf_database_run(file, XF_JOURNAL_REMOVE);
}

/* A number that does not fit becomes one that no check lets pass. */
static uint32_t get_count(struct xf_database *file, int column, bool *is_good)
{
    uint64_t value = get(file, XF_JOURNAL_READ_SESSIONS, column);
    *is_good &= value <= UINT32_MAX;
    return (uint32_t)value;
}

bool xf_session_row_next(struct xf_database *file, struct xf_session_row *out)
{
    size_t which = XF_JOURNAL_READ_SESSIONS;
    bool is_good = true;
    if (!xf_database_next(file, which))
        return false;
    *out = (struct xf_session_row){.saved_s = xf_database_number(file, which, 1)};
    out->session = (struct xf_session){
        .serial = get(file, which, 0),
        .is_ours = get(file, which, 2) != 0,
        .both_ways = get(file, which, 3) != 0,
        .local = xf_database_text(file, which, 4),
        .peer = xf_database_text(file, which, 5),
        .id = xf_database_text(file, which, 6),
        .left_ms = get(file, which, 7),
        .max_ms = get(file, which, 8),
        .handled = get_count(file, 9, &is_good),
        .proved = get(file, which, 10),
        .sent = get(file, which, 11),
        .counted = get_count(file, 12, &is_good),
    };
    if (!is_good)
        out->session.id = XF_SPAN_NONE;
    return true;
}

bool xf_session_stanza_row_next(struct xf_database *file, struct xf_session_stanza_row *out)
{
    size_t which = XF_JOURNAL_READ_STANZAS;
    if (!xf_database_next(file, which))
        return false;
    *out = (struct xf_session_stanza_row){
        .serial = get(file, which, 0),
        .stanza = {.number = get(file, which, 1),
                   .came_s = xf_database_number(file, which, 2),
                   .is_unproved = get(file, which, 3) != 0,
                   .shown_from = xf_database_text(file, which, 4),
                   .shown_to = xf_database_text(file, which, 5)},
        .xml = xf_database_text(file, which, 6),
    };
    return true;
}

bool xf_session_rows_last_serial(struct xf_database *file, uint64_t *out_serial)
{
    bool has_row = xf_database_next(file, XF_JOURNAL_LAST_SERIAL);
    int64_t last = has_row ? xf_database_number(file, XF_JOURNAL_LAST_SERIAL, 0) : 0;
    *out_serial = last > 0 ? (uint64_t)last : 0;
    return xf_database_end(file, XF_JOURNAL_LAST_SERIAL) && has_row;
}

bool xf_session_rows_remove(struct xf_database *file)
{
    return xf_database_run(file, XF_JOURNAL_REMOVE_SESSIONS) &&
           xf_database_run(file, XF_JOURNAL_REMOVE_STANZAS);
}
