/* SPDX-License-Identifier: MIT */
/*
 * journal_priv.h — what the files of the journal share.
 *
 *   message.c   which messages the journal keeps, and a message as XML and back
 *   file.c      the SQLite file
 *   journal.c   which messages wait, and which of them are in the file; written in the background
 *
 *   sessions.c      what one process leaves to the next of streams that can be resumed
 *   session_rows.c  the same in the file
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/journal/journal.h>
#include <xfed/journal/sessions.h>

enum xf_journal_stage {
    XF_JOURNAL_FRESH,   /* not in the file yet */
    XF_JOURNAL_WRITING, /* in the batch that the pool writes */
    XF_JOURNAL_STORED   /* in the file */
};

struct xf_journal_entry { /* a message */
    struct xf_node node;  /* in the journal's list of its stage */
    enum xf_journal_stage stage;
    unsigned copies; /* that stand for it; the replay counts as one */
    int64_t id;      /* in the file; later messages have higher ones */
    int64_t queued_s;
    char *xml; /* NULL: STORED */
    size_t xml_bytes;
};

/* ---- message.c */
bool xf_journal_wants(const struct xf_stanza *stanza);
/* As the cluster sent it: with the JIDs, whatever addresses the peer knows. Free with xf_free. */
char *xf_journal_xml(const struct xf_stanza *stanza, size_t *out_bytes);

struct xf_journal_parser;
typedef void (*xf_journal_parsed_fn)(void *owner, struct xf_stanza *stanza);
/* `any_kind`: presence and iq too. */
struct xf_journal_parser *xf_journal_parser_new(bool any_kind, xf_journal_parsed_fn parsed,
                                                void *owner);
void xf_journal_parser_free(struct xf_journal_parser **parser);
/* Calls `parsed` for the stanza. False: the text is not one such stanza, and nothing was called. */
bool xf_journal_parse(struct xf_journal_parser *parser, struct xf_span xml);

/* ---- file.c */
struct xf_database;

enum xf_journal_statement {
    XF_JOURNAL_ADD,
    XF_JOURNAL_REMOVE,
    XF_JOURNAL_LAST_ID,
    XF_JOURNAL_READ,
    XF_JOURNAL_ADD_SESSION,
    XF_JOURNAL_ADD_STANZA,
    XF_JOURNAL_READ_SESSIONS,
    XF_JOURNAL_READ_STANZAS,
    XF_JOURNAL_LAST_SERIAL,
    XF_JOURNAL_REMOVE_SESSIONS,
    XF_JOURNAL_REMOVE_STANZAS,
    XF_JOURNAL_STATEMENT_COUNT
};

XF_MUST_USE enum xf_err xf_journal_file_open(const char *path, struct xf_database **out_file,
                                             struct xf_error *err);

/* The highest number that is in use; 0: none. */
XF_MUST_USE enum xf_err xf_journal_file_last_id(struct xf_database *file, int64_t *out_id,
                                                struct xf_error *err);

/* Called for each message, oldest first. */
typedef void (*xf_journal_row_fn)(void *owner, int64_t id, int64_t queued_s, struct xf_span xml);
XF_MUST_USE enum xf_err xf_journal_file_read(struct xf_database *file, xf_journal_row_fn read,
                                             void *owner, struct xf_error *err);

struct xf_journal_batch {
    struct xf_node added; /* struct xf_journal_entry */
    int64_t *removed;
    size_t removed_count;
};

/* All of the batch or nothing. From any thread, one at a time. */
XF_MUST_USE enum xf_err xf_journal_file_write(struct xf_database *file,
                                              const struct xf_journal_batch *batch,
                                              struct xf_error *err);

/* ---- journal.c, for sessions.c */

/* What is left of the limits, and the file. False: the file is being written, or cannot be. */
struct xf_journal_room {
    struct xf_database *file;
    const struct xf_journal_settings *settings;
    int64_t now_s;
    size_t bytes, stanzas;
};
XF_MUST_USE bool xf_journal_room(struct xf_journal *journal, struct xf_journal_room *out);

/* ---- session_rows.c: within a transaction. False: xf_database_fail knows why. */
struct xf_session_row {
    struct xf_session session;
    int64_t saved_s;
};
struct xf_session_stanza_row {
    struct xf_session_stanza stanza;
    uint64_t serial; /* of its session */
    struct xf_span xml;
    int64_t message_id; /* its row among the messages, which is removed; 0: none */
};
bool xf_session_row_add(struct xf_database *file, const struct xf_session_row *row);
bool xf_session_stanza_row_add(struct xf_database *file, const struct xf_session_stanza_row *row);
/* The next one, by serial; and of a session by number. False: there are no more. */
bool xf_session_row_next(struct xf_database *file, struct xf_session_row *out);
bool xf_session_stanza_row_next(struct xf_database *file, struct xf_session_stanza_row *out);
/* The highest serial in the file, where a start could not remove them; 0: none. */
XF_MUST_USE bool xf_session_rows_last_serial(struct xf_database *file, uint64_t *out_serial);
/* Remove them all. */
bool xf_session_rows_remove(struct xf_database *file);
