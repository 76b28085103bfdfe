/* SPDX-License-Identifier: MIT */
/*
 * fuzz_xml.c — any bytes as a stream for the reader, and what it delivers for the writer.
 *
 * The first byte chooses the content namespace, the limits and whether a stream header goes before
 * the rest. What must hold for every input:
 * - the same events and the same end, whether it comes whole, a byte at a time, or in random pieces
 *   with parking, and with parsers that another stream had before;
 * - a stanza that is written is read again as the same stanza, and written again as the same bytes;
 * - names stand for the namespaces that expat, with its own namespace processing, says.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "expanded.h"
#include "record.h"

#define ROOT                                                           \
    "<stream:stream xmlns='jabber:server' xmlns:stream='" XF_NS_STREAM \
    "' xmlns:db='jabber:server:dialback' xmlns:p='urn:p'>"

#define NAMES_MAX (64u << 20)

/* From here on the reader may hold a token back, and with it the fault that is in it
 * (src/xml/token.c). */
#define HOLD_BYTES 1024

static const struct xf_reader_limits usual = {262144, 65536, 65536, 64, 64};
static const struct xf_reader_limits small = {400, 200, 100, 4, 5};
static const struct xf_reader_limits ample = {64 << 20, 64 << 20, 64 << 20, 100000, 1000};

struct input {
    const char *content_ns;
    struct xf_reader_limits limits;
    bool has_root;
    const char *bytes;
    size_t len;
};

static void run(const struct input *input, struct record *record)
{
    record->limits = input->limits;
    if (input->has_root)
        record_run(record, ROOT, strlen(ROOT));
    record_run(record, input->bytes, input->len);
}

/* "x]]>" between stanzas is text where it must not be, and not well-formed: expat says which one it
 * saw first. */
static enum xf_stream_error like(enum xf_stream_error error)
{
    return error == XF_STREAM_ERROR_BAD_FORMAT ? XF_STREAM_ERROR_NOT_WELL_FORMED : error;
}

/*
 * The fault of a limit may be seen before or after another in the same piece. A comment is refused
 * once HOLD_BYTES of it are there, and need not be well-formed behind them.
 */
static bool is_same_end(const struct input *input, const struct record *a, const struct record *b)
{
    if (a->err == XF_ERR_LIMIT || b->err == XF_ERR_LIMIT)
        return true;
    if (input->len >= HOLD_BYTES &&
        (a->err == XF_ERR_OK || b->err == XF_ERR_OK || a->err == b->err))
        return true;
    return a->err == b->err && like(a->problem) == like(b->problem);
}

static void compare_cuts(const struct input *input, struct record *whole)
{
    struct xf_parsers *parsers = xf_parsers_new();

    for (unsigned seed = 1; seed < 5; seed++) {
        struct record cut;

        record_init(&cut, input->content_ns);
        cut.cut = seed == 1 ? RECORD_BYTES : RECORD_RANDOM;
        cut.seed = seed;
        cut.parks = seed % 2;
        cut.parsers = seed > 1 ? parsers : NULL;
        run(input, &cut);
        xf_require(is_same_end(input, whole, &cut));
        if (whole->err == cut.err)
            xf_require(xf_span_eq(xf_buf_span(&whole->lines), xf_buf_span(&cut.lines)));
        record_fini(&cut);
    }
    xf_parsers_free(&parsers);
}

static void reread(struct record *first, struct record *out_second)
{
    char *stream = record_stream(first);

    record_init(out_second, first->write_ns);
    out_second->limits = ample;
    out_second->only_stanzas = true;
    out_second->write_ns = first->write_ns;
    record_run(out_second, stream, strlen(stream));
    xf_require(out_second->err == XF_ERR_OK);
    xf_free(stream);
}

static void write_and_reread(const struct input *input)
{
    struct record first, second;

    record_init(&first, input->content_ns);
    first.only_stanzas = true;
    first.write_ns = input->content_ns;
    run(input, &first);
    reread(&first, &second);
    xf_require(xf_span_eq(xf_buf_span(&first.lines), xf_buf_span(&second.lines)));
    xf_require(xf_span_eq(xf_buf_span(&first.written), xf_buf_span(&second.written)));
    record_fini(&second);
    record_fini(&first);
}

/* The rest as a document, as it is and within an element that declares something. */
static void compare_names(const char *in, size_t len)
{
    struct xf_buf ours, theirs;

    xf_buf_init(&ours, NAMES_MAX);
    xf_buf_init(&theirs, NAMES_MAX);
    xf_require(expanded_by_us(in, len, &ours) == expanded_by_expat(in, len, &theirs));
    xf_require(xf_span_eq(xf_buf_span(&ours), xf_buf_span(&theirs)));
    xf_buf_release(&ours);
    xf_buf_release(&theirs);
}

static void expand(const struct input *input)
{
    char *in = xf_asprintf(ROOT "%.*s</stream:stream>", (int)input->len, input->bytes);

    compare_names(input->bytes, input->len);
    compare_names(in, strlen(in));
    xf_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;

    struct record whole;
    struct input input = {
        .content_ns = bytes[0] & 1 ? XF_NS_COMPONENT : XF_NS_SERVER,
        .limits = bytes[0] & 2 ? small : usual,
        .has_root = !(bytes[0] & 4),
        .bytes = (const char *)bytes + 1,
        .len = len - 1,
    };

    record_init(&whole, input.content_ns);
    run(&input, &whole);
    compare_cuts(&input, &whole);
    record_fini(&whole);
    write_and_reread(&input);
    expand(&input);
    return 0;
}
