/* SPDX-License-Identifier: MIT */
/* test_write.c — messages as they are sent, what cannot be smuggled into them, and answers. */
#include <xfed/sip/write.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "samples.h"

static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
static struct xf_sip_message message, again;
static struct xf_sip_error error;

#define BEFORE "what was there"

static void begin(struct xf_buf *out, size_t max)
{
    xf_buf_init(out, max);
    xf_buf_append_str(out, BEFORE);
}

/* What was written, behind BEFORE. */
static struct xf_span written(const struct xf_buf *out)
{
    struct xf_span all = xf_buf_span(out);

    ck_assert_uint_ge(all.len, strlen(BEFORE));
    return (struct xf_span){all.ptr + strlen(BEFORE), all.len - strlen(BEFORE)};
}

#define SPAN_IS(span, text) ck_assert_msg(xf_span_is(span, text), "%.*s", XF_SPAN_ARGS(span))

static void write_message(struct xf_sip_writer *writer, struct xf_buf *out)
{
    xf_sip_write_request(writer, out, XF_SPAN("MESSAGE"), XF_SPAN("sip:v@b.example"));
    xf_sip_write_headerf(writer, XF_SIP_H_VIA, "SIP/2.0/TLS %s:%u;branch=z9hG4bK%u;alias",
                         "a.example", 5061u, 7u);
    xf_sip_write_header(writer, XF_SIP_H_SUBJECT, XF_SPAN("a\tb"));
    xf_sip_write_header(writer, XF_SIP_H_EXPIRES, XF_SPAN_NONE);
    xf_sip_write_other(writer, "X-Note", XF_SPAN(""));
}

#define MESSAGE_TEXT                                            \
    "MESSAGE sip:v@b.example SIP/2.0\r\n"                       \
    "Via: SIP/2.0/TLS a.example:5061;branch=z9hG4bK7;alias\r\n" \
    "Subject: a\tb\r\n"                                         \
    "X-Note: \r\n"                                              \
    "Content-Length: 5\r\n\r\nhello"

START_TEST(writes_a_request)
{
    struct xf_sip_writer writer;
    struct xf_buf out;

    begin(&out, 1000);
    write_message(&writer, &out);
    ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN("hello")), XF_ERR_OK);
    SPAN_IS(written(&out), MESSAGE_TEXT);
    xf_buf_release(&out);
}
END_TEST

/* With room for any number of bytes but all, nothing is written. */
START_TEST(writes_whole_or_not_at_all)
{
    size_t whole = strlen(BEFORE MESSAGE_TEXT);

    for (size_t max = strlen(BEFORE); max <= whole; max++) {
        struct xf_sip_writer writer;
        struct xf_buf out;

        begin(&out, max);
        write_message(&writer, &out);
        ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN("hello")),
                         max < whole ? XF_ERR_LIMIT : XF_ERR_OK);
        SPAN_IS(xf_buf_span(&out), max < whole ? BEFORE : BEFORE MESSAGE_TEXT);
        xf_buf_release(&out);
    }
}
END_TEST

/* What is put where: m method, u URI, v value, f formatted, n name, r reason, t tag. */
/* clang-format off */
static const struct {
    const char *label;
    char where;
    struct xf_span text;
    bool is_good;
} smuggled[] = {
    {"a value", 'v', XF_SPAN_INIT("a; b=\"c\""), true},
    {"UTF-8", 'v', XF_SPAN_INIT("\xc3\xbc"), true},
    {"CR LF", 'v', XF_SPAN_INIT("a\r\nX: y"), false},
    {"CR LF and a space", 'v', XF_SPAN_INIT("a\r\n y"), false},
    {"LF", 'v', XF_SPAN_INIT("a\nX: y"), false},
    {"CR", 'v', XF_SPAN_INIT("a\r"), false},
    {"NUL", 'v', XF_SPAN_INIT("a\0"), false},
    {"DEL", 'v', XF_SPAN_INIT("\x7f"), false},
    {"CR LF, formatted", 'f', XF_SPAN_INIT("a\r\nX: y"), false},
    {"formatted", 'f', XF_SPAN_INIT("a"), true},
    {"a method", 'm', XF_SPAN_INIT("NEW-METHOD"), true},
    {"a method with a space", 'm', XF_SPAN_INIT("A B"), false},
    {"a method with CR LF", 'm', XF_SPAN_INIT("A\r\n"), false},
    {"no method", 'm', XF_SPAN_INIT(""), false},
    {"a URI", 'u', XF_SPAN_INIT("sips:[2001:db8::1]:5061;lr"), true},
    {"a URI with a space", 'u', XF_SPAN_INIT("sip:a b@c.example"), false},
    {"a URI with CR LF", 'u', XF_SPAN_INIT("sip:a@b.example\r\nX: y"), false},
    {"a URI with escaped CR LF", 'u', XF_SPAN_INIT("sip:a%0d%0a@b.example"), true},
    {"no URI", 'u', XF_SPAN_INIT(""), false},
    {"a name with a colon", 'n', XF_SPAN_INIT("X: y\r\nZ"), false},
    {"an empty name", 'n', XF_SPAN_INIT(""), false},
    {"a name", 'n', XF_SPAN_INIT("X"), true},
    {"a reason", 'r', XF_SPAN_INIT("Gone, \xc3\xbc"), true},
    {"an empty reason", 'r', XF_SPAN_INIT(""), true},
    {"a reason with CR LF", 'r', XF_SPAN_INIT("OK\r\nX: y"), false},
    {"a tag", 't', XF_SPAN_INIT("a1"), true},
    {"a tag with a parameter", 't', XF_SPAN_INIT("a;b=c"), false},
    {"an empty tag", 't', XF_SPAN_INIT(""), false},
};
/* clang-format on */

#define REQUEST_LINES                                                                  \
    "Via: SIP/2.0/TLS a.example:5061;branch=z9hG4bK1\nFrom: <sip:u@a.example>;tag=1\n" \
    "To: <sip:v@b.example>\nCall-ID: c1\nCSeq: 1 OPTIONS\n"

static char *parse_text(const char *text)
{
    size_t len;
    char *bytes = sip_bytes(text, &len);

    ck_assert_msg(xf_sip_parse(bytes, len, &limits, &message, &error) == XF_ERR_OK, "%s: %s", text,
                  error.text);
    return bytes;
}

START_TEST(refuses_what_would_be_smuggled)
{
    struct xf_span text = smuggled[_i].text;
    char where = smuggled[_i].where;
    char *bytes = parse_text("OPTIONS sip:v@b.example SIP/2.0\n" REQUEST_LINES "\n");
    struct xf_sip_writer writer;
    struct xf_buf out;

    begin(&out, 1000);
    if (where == 'r' || where == 't')
        xf_sip_write_answer_as(&writer, &out, &message, 200, where == 'r' ? text : XF_SPAN("OK"),
                               where == 't' ? text : XF_SPAN("t"), NULL);
    else
        xf_sip_write_request(&writer, &out, where == 'm' ? text : XF_SPAN("OPTIONS"),
                             where == 'u' ? text : XF_SPAN("sip:v@b.example"));
    if (where == 'v')
        xf_sip_write_header(&writer, XF_SIP_H_SUBJECT, text);
    if (where == 'f')
        xf_sip_write_headerf(&writer, XF_SIP_H_SUBJECT, "x%.*s", XF_SPAN_ARGS(text));
    if (where == 'n')
        xf_sip_write_other(&writer, text.ptr, XF_SPAN("y"));
    ck_assert_msg(xf_sip_write_end(&writer, XF_SPAN_NONE) ==
                      (smuggled[_i].is_good ? XF_ERR_OK : XF_ERR_BAD_VALUE),
                  "%s", smuggled[_i].label);
    if (!smuggled[_i].is_good)
        SPAN_IS(xf_buf_span(&out), BEFORE);
    xf_buf_release(&out);
    xf_free(bytes);
}
END_TEST

/* ---- Answers ---- */

/* clang-format off */
static const struct {
    const char *label, *via, *to;
    const char *source; /* NULL: not known */
    const char *want_via, *want_to;
} answers[] = {
    {"as it came", "SIP/2.0/TLS a.example:5061;branch=z9hG4bK1 ;x", "<sip:v@b.example>", NULL,
     "SIP/2.0/TLS a.example:5061;branch=z9hG4bK1 ;x", "<sip:v@b.example>;tag=new"},
    {"a name, so where from is added", "SIP/2.0/TLS a.example:5061;branch=z9hG4bK1", "<sip:v@b.example>", "192.0.2.1",
     "SIP/2.0/TLS a.example:5061;branch=z9hG4bK1;received=192.0.2.1", "<sip:v@b.example>;tag=new"},
    {"the address itself", "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1", "sip:v@b.example", "192.0.2.1",
     "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1", "sip:v@b.example;tag=new"},
    {"another address", "SIP/2.0/TCP 192.0.2.9:5060", "<sip:v@b.example>", "192.0.2.1",
     "SIP/2.0/TCP 192.0.2.9:5060;received=192.0.2.1", "<sip:v@b.example>;tag=new"},
    {"rport", "SIP/2.0/TCP 192.0.2.1;rport;branch=z9hG4bK1", "<sip:v@b.example>", "192.0.2.1",
     "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1;received=192.0.2.1;rport=4711", "<sip:v@b.example>;tag=new"},
    {"values of the peer are dropped", "SIP/2.0/TLS a.example;received=203.0.113.1;rport=1;branch=z9hG4bK1;alias",
     "<sip:v@b.example>", "192.0.2.1", "SIP/2.0/TLS a.example;branch=z9hG4bK1;alias;received=192.0.2.1;rport=4711",
     "<sip:v@b.example>;tag=new"},
    {"IPv6", "SIP/2.0/TLS [2001:db8::1]:5061;rport", "<sip:v@b.example>", "2001:db8::1",
     "SIP/2.0/TLS [2001:db8::1]:5061;received=2001:db8::1;rport=4711", "<sip:v@b.example>;tag=new"},
    {"other parameters as they came", "SIP / 2.0 / TLS a.example ; branch = z9hG4bK1 ; ms-x=\"a;b\"", "<sip:v@b.example>", "192.0.2.1",
     "SIP/2.0/TLS a.example;branch = z9hG4bK1 ;ms-x=\"a;b\";received=192.0.2.1", "<sip:v@b.example>;tag=new"},
    {"a tag that is there stays", "SIP/2.0/TLS a.example", "\"V\"<sip:v@b.example>;epid=01;tag=old", NULL,
     "SIP/2.0/TLS a.example", "\"V\"<sip:v@b.example>;epid=01;tag=old"},
};
/* clang-format on */

START_TEST(answers_requests)
{
    char *text = xf_asprintf("OPTIONS sip:v@b.example SIP/2.0\nVia: %s\nv: SIP/2.0/TCP c.example, "
                             "SIP/2.0/TCP d.example\nf: <sip:u@a.example>;tag=1\nt: %s\n"
                             "i: c1\nCSeq: 01 OPTIONS\nX: not repeated\n\n",
                             answers[_i].via, answers[_i].to);
    char *want = xf_asprintf("SIP/2.0 404 Not Found\r\nVia: %s\r\nVia: SIP/2.0/TCP c.example\r\n"
                             "Via: SIP/2.0/TCP d.example\r\nFrom: <sip:u@a.example>;tag=1\r\n"
                             "To: %s\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\n"
                             "Content-Length: 0\r\n\r\n",
                             answers[_i].want_via, answers[_i].want_to);
    char *bytes = parse_text(text);
    struct xf_sip_source source = {xf_span_of(answers[_i].source), 4711};
    struct xf_sip_writer writer;
    struct xf_buf out;

    begin(&out, 1000);
    xf_sip_write_answer(&writer, &out, &message, 404, XF_SPAN("new"),
                        answers[_i].source ? &source : NULL);
    ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN_NONE), XF_ERR_OK);
    ck_assert_msg(xf_span_is(written(&out), want), "%s: %.*s", answers[_i].label,
                  XF_SPAN_ARGS(written(&out)));
    xf_buf_release(&out);
    xf_free(bytes);
    xf_free(want);
    xf_free(text);
}
END_TEST

START_TEST(adds_no_tag_to_100)
{
    char *bytes = parse_text("OPTIONS sip:v@b.example SIP/2.0\n" REQUEST_LINES "\n");
    struct xf_sip_writer writer;
    struct xf_buf out;

    begin(&out, 1000);
    xf_sip_write_answer(&writer, &out, &message, 100, XF_SPAN_NONE, NULL);
    ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN_NONE), XF_ERR_OK);
    ck_assert(memmem(xf_buf_ptr(&out), out.len, "100 Trying\r\n", 12));
    ck_assert(memmem(xf_buf_ptr(&out), out.len, "To: <sip:v@b.example>\r\n", 23));
    xf_buf_release(&out);
    xf_free(bytes);
}
END_TEST

START_TEST(bounds_the_status)
{
    static const unsigned statuses[] = {0, 99, 100, 699, 700, 4294967295u};
    char *bytes = parse_text("OPTIONS sip:v@b.example SIP/2.0\n" REQUEST_LINES "\n");

    for (size_t i = 0; i < XF_ARRAY_LEN(statuses); i++) {
        bool is_good = statuses[i] >= 100 && statuses[i] <= 699;
        struct xf_sip_writer writer;
        struct xf_buf out;

        begin(&out, 1000);
        xf_sip_write_answer(&writer, &out, &message, statuses[i], XF_SPAN("t"), NULL);
        ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN_NONE),
                         is_good ? XF_ERR_OK : XF_ERR_BAD_VALUE);
        xf_buf_release(&out);
    }
    xf_free(bytes);
}
END_TEST

/* Folds, compact forms and quoted control bytes of a request do no harm to its answer. */
START_TEST(answers_odd_requests)
{
    char *bytes = parse_text("OPTIONS sip:v@b.example SIP/2.0\nv: SIP/2.0/TLS\n a.example\n"
                             "f:\n \"u\\\x01\"\n <sip:u@a.example>\n ;tag=1\n"
                             "t: <sip:v@b.example>\ni: c1\nCSeq: 1\n OPTIONS\n\n");
    struct xf_sip_writer writer;
    struct xf_buf out;

    begin(&out, 1000);
    xf_sip_write_answer(&writer, &out, &message, 200, XF_SPAN("t"), NULL);
    ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN_NONE), XF_ERR_OK);

    struct xf_span answer = written(&out);
    char *copy = xf_span_dup(answer);
    ck_assert_int_eq(xf_sip_parse(copy, answer.len, &limits, &again, &error), XF_ERR_OK);
    ck_assert(xf_span_eq(again.from.display, message.from.display));
    SPAN_IS(again.to.tag, "t");
    ck_assert_int_eq(again.method, XF_SIP_OPTIONS);
    xf_free(copy);
    xf_buf_release(&out);
    xf_free(bytes);
}
END_TEST

#define ANSWER_TOP "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TLS a.example\r\n"
#define ASK_TOP    "OPTIONS sip:v@b.example SIP/2.0\nVia: SIP/2.0/TLS a.example\n"

static const struct {
    const char *label, *request, *answer;
} damaged[] = {
    {"nothing but Via", ASK_TOP "\n", ANSWER_TOP "Content-Length: 0\r\n\r\n"},
    {"what cannot be read comes back as it is",
     ASK_TOP "To: \"v <sip:v@b.example>\nCall-ID: a b\nCSeq: x\n\n",
     ANSWER_TOP
     "To: \"v <sip:v@b.example>;tag=t\r\nCall-ID: a b\r\nCSeq: x\r\nContent-Length: 0\r\n\r\n"},
    {"a Via up to its first mistake, and without those that are none",
     "OPTIONS sip:v@b.example SIP/2.0\n"
     "Via: SIP/2.0/TLS a.example;branch=1;;x,,SIP/2.0/TLS b.example\n"
     "Via: SIP/2.0/TLS c.example;x=\"\x01\"\nVia: nonsense\nVia: SIP/2.0/TCP d.example\n\n",
     "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TLS a.example;branch=1\r\n"
     "Via: SIP/2.0/TLS b.example\r\nVia: SIP/2.0/TCP d.example\r\nContent-Length: 0\r\n\r\n"},
    {"but for control bytes", ASK_TOP "From: <sip:u@a.example>;tag=\x01\nCall-ID: a\x7f\n\n",
     ANSWER_TOP "Content-Length: 0\r\n\r\n"},
};

/* A request that could be read no further than its Via is told so (RFC 4475 section 3.3.1). */
START_TEST(answers_damaged_requests)
{
    size_t len;
    char *bytes = sip_bytes(damaged[_i].request, &len);
    const struct xf_sip_source source = {XF_SPAN("a.example"), 4711};
    struct xf_sip_writer writer;
    struct xf_buf out;

    ck_assert_int_ne(xf_sip_parse(bytes, len, &limits, &message, &error), XF_ERR_OK);
    ck_assert_msg(error.can_answer, "%s", damaged[_i].label);
    begin(&out, 1000);
    xf_sip_write_answer(&writer, &out, &message, error.status, XF_SPAN("t"), &source);
    ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN_NONE), XF_ERR_OK);
    struct xf_span answer = written(&out);
    ck_assert_msg(xf_span_is(answer, damaged[_i].answer), "%s: %.*s", damaged[_i].label,
                  XF_SPAN_ARGS(answer));
    xf_buf_release(&out);
    xf_free(bytes);
}
END_TEST

START_TEST(copies_routes_verbatim)
{
    char *bytes = parse_text(sip_sample("INVITE, 4 KB"));
    struct xf_sip_values left, right;
    struct xf_span one, other;
    struct xf_sip_writer writer;
    struct xf_buf out;

    begin(&out, 8192);
    xf_sip_write_answer(&writer, &out, &message, 200, XF_SPAN("t"), NULL);
    xf_sip_write_copy(&writer, &message, XF_SIP_H_RECORD_ROUTE);
    xf_sip_write_copy(&writer, &message, XF_SIP_H_EVENT); /* there is none */
    ck_assert_int_eq(xf_sip_write_end(&writer, XF_SPAN_NONE), XF_ERR_OK);

    struct xf_span answer = written(&out);
    char *copy = xf_span_dup(answer);
    ck_assert_int_eq(xf_sip_parse(copy, answer.len, &limits, &again, &error), XF_ERR_OK);
    ck_assert_uint_eq(again.value_counts[XF_SIP_H_RECORD_ROUTE], 2);
    left = xf_sip_values_begin(&message, XF_SIP_H_RECORD_ROUTE);
    right = xf_sip_values_begin(&again, XF_SIP_H_RECORD_ROUTE);
    while (xf_sip_values_next(&left, &one)) {
        ck_assert(xf_sip_values_next(&right, &other));
        ck_assert(xf_span_eq(one, other));
    }
    xf_free(copy);
    xf_buf_release(&out);
    xf_free(bytes);
}
END_TEST

START_TEST(knows_reasons)
{
    ck_assert_str_eq(xf_sip_status_text(481), "Call/Transaction Does Not Exist");
    ck_assert_str_eq(xf_sip_status_text(299), "Unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sip/write");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tc, writes_a_request);
    tcase_add_test(tc, writes_whole_or_not_at_all);
    tcase_add_loop_test(tc, refuses_what_would_be_smuggled, 0, (int)XF_ARRAY_LEN(smuggled));
    tcase_add_loop_test(tc, answers_requests, 0, (int)XF_ARRAY_LEN(answers));
    tcase_add_test(tc, adds_no_tag_to_100);
    tcase_add_test(tc, bounds_the_status);
    tcase_add_test(tc, answers_odd_requests);
    tcase_add_loop_test(tc, answers_damaged_requests, 0, XF_ARRAY_LEN(damaged));
    tcase_add_test(tc, copies_routes_verbatim);
    tcase_add_test(tc, knows_reasons);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
