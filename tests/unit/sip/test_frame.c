/* SPDX-License-Identifier: MIT */
/* test_frame.c — where messages end on a conn, however the bytes arrive. */
#include <xfed/sip/message.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

#include "samples.h"

#define HEAD "OPTIONS sip:b.example SIP/2.0\r\nTo: <sip:b.example>\r\n"

static const struct xf_sip_limits limits = {.message_bytes = 400,
                                            .head_bytes = 200,
                                            .body_bytes = 250,
                                            .uri_bytes = 100,
                                            .headers = 10};

/*
 * `frames`: one word for each: m12 a message of 12 bytes, c2 two CRLFs, "?" more, e an error
 * without an answer, e400 one with.
 */
/* clang-format off */
static const struct {
    const char *label, *bytes, *frames;
} cases[] = {
    {"nothing", "", "?"},
    {"a message without body", HEAD "Content-Length: 0\r\n\r\n", "m73"},
    {"a body", HEAD "Content-Length: 3\r\n\r\nabc", "m76"},
    {"two messages", HEAD "l:0\r\n\r\n" HEAD "l:1\r\n\r\nx", "m59 m60"},
    {"a body that is cut", HEAD "Content-Length: 4\r\n\r\nabc", "?"},
    {"a body with what looks like a message", HEAD "l: 20\r\n\r\nOPTIONS a SIP/2.0\r\n\r", "m81"},
    {"headers without end", HEAD "Content-Length: 0\r\n", "?"},
    {"compact form, in capitals, with spaces", HEAD "L \t:\t 3 \r\n\r\nabc", "m67"},
    {"a folded length", HEAD "Content-Length:\r\n  3\r\n\r\nabc", "m79"},
    {"a length folded in two", HEAD "Content-Length: 1\r\n 2\r\n\r\nabc", "e400"},
    {"leading zeros", HEAD "Content-Length: 0003\r\n\r\nabc", "m79"},

    {"CRLF: a pong, or half a ping", "\r\n", "c1"},
    {"double CRLF: a ping", "\r\n\r\n", "c2"},
    {"a ping before a message", "\r\n\r\n" HEAD "l:0\r\n\r\n", "c2 m59"},
    {"a message, two pings, a message", HEAD "l:0\r\n\r\n\r\n\r\n\r\n\r\n" HEAD "l:0\r\n\r\n", "m59 c4 m59"},
    {"half a CRLF", "\r", "?"},
    {"half a CRLF behind others", "\r\n\r", "c1 ?"},
    {"CR without LF", "\rx", "e"},
    {"LF alone", "\n", "e"},
    {"NUL", "NUL", "e"}, /* see bytes_of */
    {"TLS on a clear port", "\x16\x03\x01\x02", "e"},
    {"a space first", " OPTIONS", "e"},

    {"no length", HEAD "\r\n", "e400"},
    {"two lengths", HEAD "Content-Length: 0\r\nl: 0\r\n\r\n", "e400"},
    {"two lengths, one folded", HEAD "Content-Length:\r\n 0\r\nContent-Length: 0\r\n\r\n", "e400"},
    {"a negative length", HEAD "Content-Length: -1\r\n\r\n", "e400"},
    {"a signed length", HEAD "Content-Length: +1\r\n\r\n", "e400"},
    {"no number", HEAD "Content-Length: \r\n\r\n", "e400"},
    {"hexadecimal", HEAD "Content-Length: 0x1\r\n\r\n", "e400"},
    {"two numbers", HEAD "Content-Length: 1, 1\r\n\r\n", "e400"},
    {"a length above 2^64", HEAD "Content-Length: 18446744073709551617\r\n\r\n", "e400"},
    {"a length above the limit of bodies", HEAD "Content-Length: 251\r\n\r\n", "e413"},
    {"a length within it", HEAD "Content-Length: 250\r\n\r\n", "?"},
    {"a message as long as the limit", HEAD "X: 123456789012345678901234567890123456789012345678901234567890123456789012345678901234\r\nl:250\r\n\r\n", "?"},
    {"a message above the limit", HEAD "X: 1234567890123456789012345678901234567890123456789012345678901234567890123456789012345\r\nl:250\r\n\r\n", "e513"},
    {"Content-Length-2 is another header", HEAD "Content-Length-2: 1\r\nl:0\r\n\r\n", "m80"},
    {"a fold is not a header", HEAD "X: y\r\n Content-Length: 1\r\nl:0\r\n\r\n", "m85"},
    {"Content-Length without colon is none", HEAD "Content-Length 1\r\nl:0\r\n\r\n", "m77"},

    {"a line with LF alone", "OPTIONS sip:b.example SIP/2.0\nl: 0\r\n\r\n", "e"},
    {"the empty line with LF alone", HEAD "l: 0\r\n\n", "e"},
    {"headers with LF alone", "OPTIONS sip:b.example SIP/2.0\nl: 0\n\n", "e"},
    {"HTTP", "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "e400"}, /* the parser has nothing that could be answered */
    {"only a start line", "OPTIONS sip:b.example SIP/2.0\r\n\r\n", "e400"},
};
/* clang-format on */

static struct xf_span bytes_of(size_t row)
{
    return strcmp(cases[row].bytes, "NUL") == 0 ? (struct xf_span){"\0", 1}
                                                : xf_span_of(cases[row].bytes);
}

static void describe(const struct xf_sip_frame *frame, struct xf_buf *out)
{
    if (out->len > 0)
        xf_buf_append_str(out, " ");
    if (frame->kind == XF_SIP_FRAME_MORE)
        xf_buf_append_str(out, "?");
    else if (frame->kind == XF_SIP_FRAME_MESSAGE)
        xf_buf_appendf(out, "m%zu", frame->len);
    else if (frame->kind == XF_SIP_FRAME_CRLF)
        xf_buf_appendf(out, "c%zu", frame->crlf_count);
    else if (frame->status > 0)
        xf_buf_appendf(out, "e%u", frame->status);
    else
        xf_buf_append_str(out, "e");
}

/*
 * Feed the bytes so that each call sees `step` more of them than the one before. Memory of exactly
 * the size that is due, so that a sanitizer sees a step too far. Runs of CRLFs are put together.
 */
static void frame_all(struct xf_span bytes, size_t step, struct xf_buf *out)
{
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame = {.kind = XF_SIP_FRAME_MORE}, crlfs = {.kind = XF_SIP_FRAME_CRLF};
    size_t at = 0, seen = 0;

    do {
        seen = bytes.len - seen > step ? seen + step : bytes.len;
        while (at < seen || bytes.len == 0) {
            char *copy = xf_alloc(seen - at > 0 ? seen - at : 1);
            memcpy(copy, bytes.ptr + at, seen - at);
            xf_sip_frame(&framer, copy, seen - at, &limits, &frame);
            xf_free(copy);
            if (frame.kind != XF_SIP_FRAME_CRLF && frame.kind != XF_SIP_FRAME_MORE &&
                crlfs.crlf_count > 0) {
                describe(&crlfs, out);
                crlfs.crlf_count = 0;
            }
            if (frame.kind == XF_SIP_FRAME_MORE)
                break;
            at += frame.len;
            if (frame.kind == XF_SIP_FRAME_CRLF)
                crlfs.crlf_count += frame.crlf_count;
            else
                describe(&frame, out);
            if (frame.kind == XF_SIP_FRAME_ERROR)
                return;
        }
    } while (seen < bytes.len);
    if (crlfs.crlf_count > 0)
        describe(&crlfs, out);
    if (frame.kind == XF_SIP_FRAME_MORE)
        describe(&frame, out);
}

START_TEST(does_not_depend_on_splits)
{
    for (size_t step = 1; step <= bytes_of((size_t)_i).len + 1; step++) {
        struct xf_buf out;

        xf_buf_init(&out, 1024);
        frame_all(bytes_of((size_t)_i), step, &out);
        ck_assert_msg(xf_span_is(xf_buf_span(&out), cases[_i].frames),
                      "%s, %zu bytes a time: %.*s, not %s", cases[_i].label, step,
                      XF_SPAN_ARGS(xf_buf_span(&out)), cases[_i].frames);
        xf_buf_release(&out);
    }
}
END_TEST

START_TEST(frames_samples)
{
    static const struct xf_sip_limits wide = XF_SIP_LIMITS_DEFAULT;
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    size_t len;
    char *bytes = sip_bytes(sip_samples[_i].text, &len);

    for (size_t seen = 0; seen < len; seen++) {
        xf_sip_frame(&framer, bytes, seen, &wide, &frame);
        ck_assert_msg(frame.kind == XF_SIP_FRAME_MORE, "%s: %zu", sip_samples[_i].label, seen);
    }
    xf_sip_frame(&framer, bytes, len, &wide, &frame);
    ck_assert_int_eq(frame.kind, XF_SIP_FRAME_MESSAGE);
    ck_assert_uint_eq(frame.len, len);
    xf_free(bytes);
}
END_TEST

/* A head as long as the limit passes, one more byte does not. */
START_TEST(bounds_the_head)
{
    for (size_t more = 0; more < 2; more++) {
        struct xf_sip_framer framer = {0};
        struct xf_sip_frame frame;
        struct xf_buf buf;

        xf_buf_init(&buf, 1000);
        xf_buf_append_str(&buf, HEAD "l:0\r\nX: ");
        while (buf.len < limits.head_bytes - 4 + more)
            xf_buf_append_str(&buf, "x");
        xf_sip_frame(&framer, xf_buf_ptr(&buf), buf.len, &limits, &frame);
        ck_assert_int_eq(frame.kind, XF_SIP_FRAME_MORE);
        xf_buf_append_str(&buf, "\r\n\r\n");
        xf_sip_frame(&framer, xf_buf_ptr(&buf), buf.len, &limits, &frame);
        ck_assert_int_eq(frame.kind, more ? XF_SIP_FRAME_ERROR : XF_SIP_FRAME_MESSAGE);
        ck_assert_uint_eq(frame.status, 0);
        xf_buf_release(&buf);
    }
}
END_TEST

/* The head of what is refused with a status can be parsed, so that it can be answered. */
START_TEST(leaves_a_head_that_can_be_answered)
{
    static const char text[] =
        "OPTIONS sip:b.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example\r\n"
        "From: <sip:a>;tag=1\r\nTo: <sip:b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 251\r\n\r\nthe body";
    static const struct xf_sip_limits small = {.message_bytes = 400,
                                               .head_bytes = 200,
                                               .body_bytes = 250,
                                               .uri_bytes = 99,
                                               .headers = 9,
                                               .vias = 1};
    static struct xf_sip_message message;
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    struct xf_sip_error error;
    char bytes[sizeof(text)];

    memcpy(bytes, text, sizeof(text));
    xf_sip_frame(&framer, bytes, strlen(bytes), &small, &frame);
    ck_assert_uint_eq(frame.status, 413);
    ck_assert_uint_eq(frame.head_len, strlen(bytes) - 8);
    ck_assert_int_eq(xf_sip_parse(bytes, frame.head_len, &small, &message, &error),
                     XF_ERR_BAD_VALUE);
    ck_assert(error.can_answer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sip/frame");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, does_not_depend_on_splits, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, frames_samples, 0, (int)sip_sample_count);
    tcase_add_test(tc, bounds_the_head);
    tcase_add_test(tc, leaves_a_head_that_can_be_answered);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
