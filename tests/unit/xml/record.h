/* SPDX-License-Identifier: MIT */
/*
 * record.h — run a reader over an input, cut in some way, and write down all that it says. For
 * tests and fuzzing.
 *
 * One line an event: H header, S stanza, E element, F footer. XF_CONTENT_NS_MARK is shown as '$'.
 */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/xml/reader.h>

enum record_cut { RECORD_WHOLE, RECORD_BYTES, RECORD_RANDOM };

struct record {
    /* What to do; set before record_run. */
    const char *content_ns;
    const struct xf_wrapper *wrapper; /* NULL: none */
    struct xf_reader_limits limits;
    enum record_cut cut;
    unsigned seed;    /* of the random cuts */
    unsigned stop_at; /* call xf_reader_stop in the event of this number, from 1; 0: never */
    bool parks;       /* park after each piece */
    struct xf_parsers *parsers; /* shared with other records; NULL: a parser of its own */
    bool only_stanzas;          /* no lines for the others */
    const char
        *write_ns; /* write stanzas into `written`, for this content namespace; NULL: do not */

    /* What came of it. */
    struct xf_buf lines, written;
    unsigned events;
    struct xf_reader *reader;
    enum xf_err err;
    enum xf_stream_error problem;
    const char *problem_text;
    size_t used; /* of all input, when the reader stopped */
};

/* A record with ample limits. */
void record_init(struct record *record, const char *content_ns);
void record_fini(struct record *record);

/* Feed all of `input` (the reader is made by the first call); more calls go on with the same
 * reader. */
void record_run(struct record *record, const char *input, size_t len);

/* The events, NUL-terminated. */
const char *record_lines(struct record *record);

/* What was written, as a stream of write_ns; free with xf_free. */
char *record_stream(const struct record *record);
