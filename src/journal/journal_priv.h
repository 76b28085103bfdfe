/* SPDX-License-Identifier: MIT */
/*
 * journal_priv.h — what the files of the journal share.
 *
 *   message.c   which messages the journal keeps, and a message as XML and back
 *   file.c      the SQLite file
 *   journal.c   which messages wait, and which of them are in the file; written in the background
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/journal/journal.h>

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
struct xf_journal_parser *xf_journal_parser_new(xf_journal_parsed_fn parsed, void *owner);
void xf_journal_parser_free(struct xf_journal_parser **parser);
/* Calls `parsed` for the message. False: the text is not one message, and nothing was called. */
bool xf_journal_parse(struct xf_journal_parser *parser, struct xf_span xml);

/* ---- file.c */
struct xf_database;

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
