/* SPDX-License-Identifier: MIT */
/*
 * bench_xml.c — CPU time of the reader and the writer for one chat message, and the memory of a
 * reader.
 *
 * Each figure is the least of many short rounds on the thread's CPU clock, which is what the code
 * costs when nobody disturbs it. Beside the reader stands the bare parser, with handlers that do
 * nothing: the floor.
 *
 *     bench_xml [ROUNDS]
 */
#include <expat.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/xml/reader.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

#define BATCH 200 /* stanzas in one round */

#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' " \
    "xmlns:stream='http://etherx.jabber.org/streams' from='a.example' to='b.example' id='s1' "     \
    "version='1.0'>"

/* 316 bytes */
#define CHAT                                                                                   \
    "<message from='alice@a.example/phone' to='bob@b.example/desk' type='chat' id='c0ffee01'>" \
    "<body>Shall we meet at the station at noon, or is that early?</body>"                     \
    "<request xmlns='urn:xmpp:receipts'/>"                                                     \
    "<active xmlns='http://jabber.org/protocol/chatstates'/>"                                  \
    "<origin-id xmlns='urn:xmpp:sid:0' id='c0ffee01-77aa'/></message>"

static const struct xf_reader_limits limits = {262144, 10240, 65536, 64, 64};

static uint64_t sink; /* keeps results alive */

static uint64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------ the bare parser */

static void XMLCALL no_start(void *user, const XML_Char *name, const XML_Char **attrs)
{
    (void)user;
    (void)attrs;
    sink += (unsigned char)name[0];
}

static void XMLCALL no_end(void *user, const XML_Char *name)
{
    (void)user;
    sink += (unsigned char)name[0];
}

static void XMLCALL no_text(void *user, const XML_Char *text, int len)
{
    (void)user;
    (void)text;
    sink += (unsigned)len;
}

struct input {
    char *bytes;
    size_t len, chunk;
};

static void parse_bare(XML_Parser parser, const struct input *input)
{
    for (size_t done = 0; done < input->len;) {
        size_t n = input->len - done < input->chunk ? input->len - done : input->chunk;

        if (XML_Parse(parser, input->bytes + done, (int)n, XML_FALSE) != XML_STATUS_OK)
            abort();
        done += n;
    }
}

static double bench_bare(const struct input *input, bool has_text, int rounds)
{
    uint64_t best = UINT64_MAX;
    XML_Parser parser = XML_ParserCreateNS("UTF-8", '\x1F');

    XML_SetElementHandler(parser, no_start, no_end);
    if (has_text)
        XML_SetCharacterDataHandler(parser, no_text);
    (void)XML_Parse(parser, HEADER, sizeof(HEADER) - 1, XML_FALSE);
    for (int i = 0; i < rounds; i++) {
        uint64_t start = cpu_ns();
        parse_bare(parser, input);
        uint64_t took = cpu_ns() - start;
        best = took < best ? took : best;
    }
    XML_ParserFree(parser);
    return (double)best / BATCH;
}

/* ------------------------------------------------------------------ reader and writer */

struct owner {
    struct xf_buf out;
    struct xf_stanza_scratch scratch;
    bool writes;
};

static void on_header(void *owner, const struct xf_header *header)
{
    (void)owner;
    sink += header->from.len;
}

static void on_stanza(void *user, struct xf_stanza *stanza)
{
    struct owner *owner = user;

    sink += stanza->payload.len;
    if (!owner->writes)
        return;
    stanza->from.full = stanza->raw_from;
    stanza->to.full = stanza->raw_to;
    xf_require(xf_xml_stanza(&owner->out, stanza, XF_NS_COMPONENT, XF_SPAN_NONE) == XF_ERR_OK);
    sink += owner->out.len;
    xf_buf_clear(&owner->out);
}

static void on_element(void *owner, const struct xf_elem *elem)
{
    (void)owner;
    sink += elem->attr_count;
}

static void on_footer(void *owner)
{
    (void)owner;
}

static const struct xf_reader_events events = {on_header, on_stanza, on_element, on_footer};

static void feed(struct xf_reader *reader, const char *bytes, size_t len)
{
    size_t used;

    if (xf_reader_feed(reader, bytes, len, &used) != XF_ERR_OK)
        abort();
}

static double bench_reader(const struct input *input, bool writes, int rounds)
{
    uint64_t best = UINT64_MAX;
    struct owner owner = {.writes = writes};
    struct xf_reader *reader = xf_reader_new(XF_NS_SERVER, &limits, &events, &owner);

    xf_buf_init(&owner.out, 1 << 20);
    feed(reader, HEADER, sizeof(HEADER) - 1);
    for (int i = 0; i < rounds; i++) {
        uint64_t start = cpu_ns();
        for (size_t done = 0; done < input->len; done += input->chunk)
            feed(reader, input->bytes + done,
                 input->len - done < input->chunk ? input->len - done : input->chunk);
        uint64_t took = cpu_ns() - start;
        best = took < best ? took : best;
    }
    xf_reader_free(&reader);
    xf_buf_release(&owner.out);
    return (double)best / BATCH;
}

/* ------------------------------------------------------------------ memory */

#define READERS 200

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

static void show_memory(void)
{
    struct owner owner = {0};
    struct xf_reader *readers[READERS];
    size_t before = heap_bytes();

    for (int i = 0; i < READERS; i++) {
        readers[i] = xf_reader_new(XF_NS_SERVER, &limits, &events, &owner);
        feed(readers[i], HEADER, sizeof(HEADER) - 1);
        for (int n = 0; n < 4; n++)
            feed(readers[i], CHAT, sizeof(CHAT) - 1);
    }
    size_t active = heap_bytes() - before;
    for (int i = 0; i < READERS; i++)
        xf_reader_park(readers[i]);
    size_t parked = heap_bytes() - before;
    printf("memory of a reader: active %zu bytes, parked %zu bytes\n", active / READERS,
           parked / READERS);
    for (int i = 0; i < READERS; i++)
        xf_reader_free(&readers[i]);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    const size_t chunks[] = {316, 1400, 4096, 16384, 65536};
    struct input input = {.len = BATCH * (sizeof(CHAT) - 1)};

    input.bytes = xf_alloc(input.len);
    for (size_t i = 0; i < BATCH; i++)
        memcpy(input.bytes + i * (sizeof(CHAT) - 1), CHAT, sizeof(CHAT) - 1);
    printf("one chat message of %zu bytes, ns of CPU\n", sizeof(CHAT) - 1);
    printf("%8s %10s %10s %10s %14s\n", "chunk", "bare", "bare+text", "reader", "reader+writer");
    for (size_t i = 0; i < XF_ARRAY_LEN(chunks); i++) {
        input.chunk = chunks[i];
        printf("%8zu %10.0f %10.0f %10.0f %14.0f\n", input.chunk, bench_bare(&input, false, rounds),
               bench_bare(&input, true, rounds), bench_reader(&input, false, rounds),
               bench_reader(&input, true, rounds));
    }
    show_memory();
    xf_free(input.bytes);
    return sink == 0;
}
