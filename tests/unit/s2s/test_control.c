/* SPDX-License-Identifier: MIT */
/*
 * test_control.c — every writer of control elements with the longest texts that can come to it, all
 * of them escaped, into an output with any room: the element leaves whole or the stream ends, and a
 * peer that reads nothing does not make the output grow for ever.
 */
#include <check.h>
#include <stdlib.h>

#include "fake_conn.h"
#include "in_priv.h"
#include "out_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define TEXT_MAX 9000 /* longer than any setting that is told to a peer */

struct fixture {
    struct fake_env world;
    struct fake_conn *peer;
    struct xf_stream stream;
    bool is_closed;
};

static void on_header(struct xf_stream *stream, const struct xf_header *header)
{
    (void)stream;
    (void)header;
}

static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    (void)stream;
    (void)stanza;
}

static void on_element(struct xf_stream *stream, const struct xf_elem *elem)
{
    (void)stream;
    (void)elem;
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    (void)end;
    (void)detail;
    XF_CONTAINER(stream, struct fixture, stream)->is_closed = true;
}

static const struct xf_stream_events events = {.header = on_header,
                                               .stanza = on_stanza,
                                               .element = on_element,
                                               .closed = on_closed};

static void setup(struct fixture *f)
{
    static const struct xf_reader_limits limits = {.stanza_bytes = 10000,
                                                   .control_bytes = 10000,
                                                   .start_tag_bytes = 10000,
                                                   .attributes = 32,
                                                   .depth = 8};
    *f = (struct fixture){0};
    fake_env_init(&f->world);
    f->peer = fake_conn_accepted(&f->world, "192.0.2.1:40000");
    fake_conn_block(f->peer, true);
    xf_stream_init(&f->stream, &f->world.env, XF_NS_SERVER, &limits, 32, &events);
    xf_stream_attach(&f->stream, f->peer->conn);
    f->stream.header_sent = true;
}

static void teardown(struct fixture *f)
{
    xf_stream_abort(&f->stream);
    fake_env_run(&f->world);
    ck_assert(f->is_closed);
    xf_stream_fini(&f->stream);
    fake_env_fini(&f->world);
}

static char apostrophes[TEXT_MAX + 1];

static struct xf_span text_of(size_t len)
{
    memset(apostrophes, '\'', TEXT_MAX);
    return (struct xf_span){apostrophes, len};
}

/* ------------------------------------------------------------------ the writers */

static void write_header(struct xf_stream *stream)
{
    struct xf_span domain = text_of(XF_DOMAIN_MAX);
    xf_stream_send_header(stream, &(struct xf_stream_header){.from = domain,
                                                             .to = domain,
                                                             .id = text_of(XF_DIALBACK_ID_MAX),
                                                             .has_version = true,
                                                             .has_dialback = true});
}

static void write_features(struct xf_stream *stream)
{
    xf_features_write(stream, &(struct xf_features_offer){
                                  .tls = true,
                                  .tls_required = true,
                                  .external = true,
                                  .dialback = true,
                                  .bidi = true,
                                  .limits = {.max_bytes = UINT32_MAX, .idle_ms = UINT64_MAX}});
}

static void write_question(struct xf_stream *stream)
{
    struct xf_span domain = text_of(XF_DOMAIN_MAX);
    xf_dialback_write(stream, &(struct xf_dialback_elem){.name = "verify",
                                                         .from = domain,
                                                         .to = domain,
                                                         .id = text_of(XF_DIALBACK_ID_MAX),
                                                         .key = text_of(XF_DIALBACK_KEY_MAX)});
}

static void write_answer(struct xf_stream *stream)
{
    struct xf_span domain = text_of(XF_DOMAIN_MAX);
    xf_dialback_write(stream,
                      &(struct xf_dialback_elem){.name = "verify",
                                                 .from = domain,
                                                 .to = domain,
                                                 /* no id is let so far: it would do no harm */
                                                 .id = text_of(TEXT_MAX),
                                                 .type = "error",
                                                 .error = XF_STANZA_ERROR_FEATURE_NOT_IMPLEMENTED});
}

static void write_words(struct xf_stream *stream)
{
    xf_stream_send(stream, "<failure xmlns='" XF_NS_SASL "'><not-authorized/></failure>");
}

static void write_error(struct xf_stream *stream)
{
    xf_stream_fail(stream, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_NONE, text_of(TEXT_MAX).ptr);
}

static const struct {
    const char *label;
    void (*write)(struct xf_stream *stream);
} writers[] = {
    {"header", write_header},      {"features", write_features},
    {"db:verify", write_question}, {"answer", write_answer},
    {"words", write_words},        {"stream error", write_error}, /* the last one */
};

/* How long the element is when there is room for it. */
static size_t length_of(void (*write)(struct xf_stream *stream))
{
    struct fixture f;
    setup(&f);
    write(&f.stream);
    size_t len = f.peer->conn->out.len;
    teardown(&f);
    return len;
}

static void fill(struct xf_buf *out, size_t room)
{
    size_t len = xf_buf_room(out) - room;
    memset(xf_buf_reserve(out, len), ' ', len);
    xf_buf_commit(out, len);
}

/* What an ending stream added is nothing, or whole elements. */
static void assert_no_half(const struct xf_buf *out, size_t before)
{
    const char *added = xf_buf_ptr(out) + before;
    if (out->len > before)
        ck_assert_msg(*added == '<' && xf_buf_ptr(out)[out->len - 1] == '>', "%.*s",
                      (int)(out->len - before), added);
}

START_TEST(leaves_whole_or_the_stream_ends)
{
    size_t len = length_of(writers[_i].write),
           rooms[] = {0, 1, 15, 16, 100, 1023, 1024, 16383, 16384, len / 2, len - 1, len};
    bool is_error = writers[_i].write == write_error;
    ck_assert_uint_gt(len, 50);
    for (size_t i = 0; i < XF_ARRAY_LEN(rooms); i++) {
        struct fixture f;
        setup(&f);
        struct xf_buf *out = &f.peer->conn->out;
        fill(out, rooms[i]);
        size_t before = out->len;
        writers[_i].write(&f.stream);
        ck_assert_msg(f.stream.is_ending == (is_error || rooms[i] < len), "%s, room for %zu",
                      writers[_i].label, rooms[i]);
        if (f.stream.is_ending)
            assert_no_half(out, before);
        else
            ck_assert_uint_eq(out->len, before + len);
        teardown(&f);
    }
}
END_TEST

/* The longest answer, over and over. */
START_TEST(a_peer_that_never_reads_is_left)
{
    struct fixture f;
    setup(&f);
    for (unsigned count = 0; !f.stream.is_ending && count < 100000; count++)
        writers[_i].write(&f.stream);
    ck_assert_msg(f.stream.our_error == XF_STREAM_ERROR_POLICY_VIOLATION, "%s", writers[_i].label);
    ck_assert_str_eq(f.stream.our_text, "our answers are not read");
    ck_assert_uint_lt(f.peer->conn->out.len,
                      2 * XF_CONN_HIGH_WATER + XF_CONN_LOW_WATER + 6 * 2 * TEXT_MAX);
    teardown(&f);
}
END_TEST

/* However much it asks: what was read does not count. */
START_TEST(a_peer_that_reads_is_answered)
{
    struct fixture f;
    setup(&f);
    fake_conn_block(f.peer, false);
    for (unsigned i = 0; i < 5000; i++) {
        write_question(&f.stream);
        if (i % 16 == 0)
            fake_env_run(&f.world);
        (void)fake_conn_take(f.peer);
    }
    ck_assert(!f.stream.is_ending);
    teardown(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/control");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    tcase_add_loop_test(tc, leaves_whole_or_the_stream_ends, 0, (int)XF_ARRAY_LEN(writers));
    tcase_add_loop_test(tc, a_peer_that_never_reads_is_left, 0, (int)XF_ARRAY_LEN(writers) - 1);
    tcase_add_test(tc, a_peer_that_reads_is_answered);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
