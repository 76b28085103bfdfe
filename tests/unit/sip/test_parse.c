/* SPDX-License-Identifier: MIT */
/* test_parse.c — what messages say, and what is refused, with which status and for which header. */
#include <xfed/sip/message.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

#include "rows.h"
#include "samples.h"

#define START    SIP_ROW_START
#define FIVE     SIP_ROW_FIVE
#define R(lines) START FIVE lines "\n"

static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
static struct xf_sip_message message;
static struct xf_sip_error error;

START_TEST(refuses_and_reads)
{
    size_t len;
    char *bytes = sip_bytes(sip_rows[_i].text, &len);
    enum xf_err code = xf_sip_parse(bytes, len, &limits, &message, &error);

    ck_assert_msg((code == XF_ERR_OK) == (sip_rows[_i].status == 0) &&
                      error.status == sip_rows[_i].status && error.header == sip_rows[_i].header &&
                      error.can_answer == sip_rows[_i].can_answer,
                  "%s: status %u, can answer: %d, header \"%s\": %s", sip_rows[_i].label,
                  error.status, error.can_answer, xf_sip_header_text(error.header), error.text);
    ck_assert_msg((code == XF_ERR_OK) == (*error.text == '\0'), "%s", sip_rows[_i].label);
    xf_free(bytes);
}
END_TEST

/* NUL and LF cannot stand in the rows. */
START_TEST(refuses_bytes_that_are_no_text)
{
    static const struct {
        const char *label, *line;
        size_t len;
        bool is_good;
    } rows[] = {
        {"NUL", "X: a\0b\r\n", 8, false},
        {"NUL in quotes", "X: \"\0\"\r\n", 8, false},
        {"NUL escaped", "X: \"\\\0\"\r\n", 9, true},
        {"LF alone", "X: a\nY: b\r\n", 11, false},
        {"LF escaped", "X: \"\\\n\"\r\n", 9, false},
    };

    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        size_t len;
        char *bytes = sip_bytes(START FIVE, &len);
        char *all = xf_alloc(len + rows[i].len + 2);

        memcpy(all, bytes, len);
        memcpy(all + len, rows[i].line, rows[i].len);
        memcpy(all + len + rows[i].len, "\r\n", 2);
        enum xf_err code = xf_sip_parse(all, len + rows[i].len + 2, &limits, &message, &error);
        ck_assert_msg((code == XF_ERR_OK) == rows[i].is_good, "%s: %s", rows[i].label, error.text);
        xf_free(all);
        xf_free(bytes);
    }
}
END_TEST

/* ---- Limits: one less passes ---- */

static const struct {
    const char *label, *start, *unit;
    unsigned most; /* of `unit`, with `tight` below */
    unsigned status;
} bounds[] = {
    {"lines", FIVE, "X: y\n", 5, 400},
    {"vias", FIVE, "v: SIP/2.0/TLS b.example\n", 2, 400},
    {"routes", FIVE, "Route: <sip:a.example;lr>,<sip:b.example;lr>\n", 1, 400},
    {"record routes", FIVE, "Record-Route: <sip:a.example;lr>,<sip:b.example;lr>\n", 1, 400},
    {"contacts", FIVE, "m: <sip:a.example>\n", 4, 400},
    {"extensions", FIVE, "Supported: a, b, c, d\n", 1, 400},
};

static const struct xf_sip_limits tight = {.message_bytes = 65536,
                                           .head_bytes = 65536,
                                           .body_bytes = 65536,
                                           .uri_bytes = 20,
                                           .headers = 10,
                                           .vias = 3,
                                           .routes = 3,
                                           .contacts = 4};

static enum xf_err parse_text(const char *text, const struct xf_sip_limits *with)
{
    size_t len;
    char *bytes = sip_bytes(text, &len);
    enum xf_err code = xf_sip_parse(bytes, len, with, &message, &error);

    xf_free(bytes);
    return code;
}

START_TEST(bounds_counts)
{
    for (unsigned count = bounds[_i].most; count <= bounds[_i].most + 1; count++) {
        struct xf_buf text;

        xf_buf_init(&text, 4096);
        xf_buf_append_str(&text, START);
        xf_buf_append_str(&text, bounds[_i].start);
        for (unsigned i = 0; i < count; i++)
            xf_buf_append_str(&text, bounds[_i].unit);
        xf_buf_append(&text, "\n", 2);
        enum xf_err code = parse_text(xf_buf_ptr(&text), &tight);
        ck_assert_msg(code == (count > bounds[_i].most ? XF_ERR_LIMIT : XF_ERR_OK), "%s: %u: %s",
                      bounds[_i].label, count, error.text);
        if (count > bounds[_i].most)
            ck_assert_uint_eq(error.status, bounds[_i].status);
        xf_buf_release(&text);
    }
}
END_TEST

START_TEST(bounds_uris)
{
    ck_assert_int_eq(parse_text("OPTIONS sip:12345678@example SIP/2.0\n" FIVE "\n", &tight),
                     XF_ERR_OK);
    ck_assert_int_eq(parse_text("OPTIONS sip:123456789@example SIP/2.0\n" FIVE "\n", &tight),
                     XF_ERR_LIMIT);
    ck_assert_uint_eq(error.status, 414);
    ck_assert(error.can_answer);
    ck_assert_int_eq(parse_text(R("m: <sip:12345678@example>\n"), &tight), XF_ERR_OK);
    ck_assert_int_eq(parse_text(R("m: <sip:123456789@example>\n"), &tight), XF_ERR_LIMIT);
    ck_assert_uint_eq(error.status, 400);
    ck_assert_int_eq(error.header, XF_SIP_H_CONTACT);
}
END_TEST

/* A setting above the ceiling is the ceiling. */
START_TEST(bounds_lines_whatever_the_setting)
{
    struct xf_sip_limits wide = tight;
    struct xf_buf text;

    wide.headers = 100000;
    xf_buf_init(&text, 65536);
    xf_buf_append_str(&text, START FIVE);
    for (unsigned i = 5; i < XF_SIP_HEADERS_MAX; i++)
        xf_buf_append_str(&text, "X: y\n");
    size_t len = text.len;
    xf_buf_append(&text, "\n", 2);
    ck_assert_int_eq(parse_text(xf_buf_ptr(&text), &wide), XF_ERR_OK);
    ck_assert_uint_eq(message.header_count, XF_SIP_HEADERS_MAX);
    xf_buf_truncate(&text, len);
    xf_buf_append(&text, "X: y\n\n", 7);
    ck_assert_int_eq(parse_text(xf_buf_ptr(&text), &wide), XF_ERR_LIMIT);
    xf_buf_release(&text);
}
END_TEST

/* ---- What is read ---- */

#define SPAN_IS(span, text) ck_assert_msg(xf_span_is(span, text), "%.*s", XF_SPAN_ARGS(span))
#define ABSENT(span)        ck_assert(!(span).ptr)

static char *read_sample(const char *text)
{
    size_t len;
    char *bytes = sip_bytes(text, &len);

    ck_assert_msg(xf_sip_parse(bytes, len, &limits, &message, &error) == XF_ERR_OK, "%s: %s",
                  xf_sip_header_text(error.header), error.text);
    return bytes;
}

START_TEST(reads_a_message)
{
    char *bytes = read_sample(sip_sample("MESSAGE, 600 bytes"));

    ck_assert(message.is_request);
    ck_assert_int_eq(message.method, XF_SIP_MESSAGE);
    SPAN_IS(message.request_uri, "sip:juliet@capulet.example");
    SPAN_IS(message.via.transport, "TLS");
    SPAN_IS(message.via.host, "edge.montague.example");
    ck_assert_uint_eq(message.via.port, 5061);
    SPAN_IS(message.via.branch, "z9hG4bK-524287-1---7c1f2d8be0a94b03");
    ck_assert(message.via.has_rport && message.via.rport == 0 && !message.via.has_alias);
    ABSENT(message.via.received);
    SPAN_IS(message.from.display, "\"Romeo Montague\"");
    SPAN_IS(message.from.uri, "sip:romeo@montague.example");
    SPAN_IS(message.from.tag, "5d1c8f0a");
    ABSENT(message.to.display);
    ABSENT(message.to.tag);
    SPAN_IS(message.call_id, "97c4f2e1b03d4d5f8a6e@edge.montague.example");
    ck_assert_uint_eq(message.cseq.number, 1);
    ck_assert_int_eq(message.max_forwards, 70);
    SPAN_IS(message.content_type.type, "text");
    SPAN_IS(message.content_type.subtype, "plain");
    SPAN_IS(message.content_type.charset, "UTF-8");
    ck_assert_int_eq(message.content_length, (int64_t)message.body.len);
    ck_assert_int_eq(message.expires_s, XF_SIP_ABSENT);
    ck_assert_int_eq(message.retry_after_s, XF_SIP_ABSENT);
    ABSENT(message.contact.uri);
    ABSENT(message.event.package);
    ABSENT(message.subscription_state.state_text);
    SPAN_IS(xf_sip_value(&message, XF_SIP_H_USER_AGENT), "Example SIMPLE 4.2");
    ABSENT(xf_sip_value(&message, XF_SIP_H_SERVER));
    xf_free(bytes);
}
END_TEST

START_TEST(reads_an_invite_of_skype)
{
    static const char *const routes[] = {"sip:pool1.contoso.example:5061;transport=tls;ms-fe=",
                                         "sip:fe02.contoso.example:5061;transport=tls;opaque="};
    struct xf_sip_values values;
    struct xf_sip_address address;
    struct xf_span value;
    char *bytes = read_sample(sip_sample("INVITE, 4 KB"));

    ck_assert_uint_eq(message.value_counts[XF_SIP_H_RECORD_ROUTE], 2);
    values = xf_sip_values_begin(&message, XF_SIP_H_RECORD_ROUTE);
    for (size_t i = 0; i < 2; i++) { /* interleaved with Via, in order, verbatim */
        ck_assert(xf_sip_values_next(&values, &value));
        ck_assert_int_eq(xf_sip_address_read(value, &address), XF_ERR_OK);
        ck_assert(strncmp(address.uri.ptr, routes[i], strlen(routes[i])) == 0);
        SPAN_IS(address.tag, "0F6B7D1E8D1B0F6F8F2A1D0A0F5C7E3B");
    }
    ck_assert(!xf_sip_values_next(&values, &value) && !value.ptr);

    ck_assert_uint_eq(message.value_counts[XF_SIP_H_VIA], 2);
    SPAN_IS(message.via.host, "198.51.100.7");
    SPAN_IS(message.from.display, "\"Romeo Montague\"");
    SPAN_IS(message.from.tag, "9d5b1c07ae");
    ck_assert(xf_sip_param(message.from.params, "epid", &value));
    SPAN_IS(value, "4f7c0e2a91");
    SPAN_IS(message.contact.uri,
            "sip:romeo@contoso.example;opaque=user:epid:3Yx0bQm1nVq8dD5sGf7hJwAA;gruu");
    ck_assert(xf_sip_has_value(&message, XF_SIP_H_SUPPORTED, "ms-Delayed-Accept"));
    ck_assert(!xf_sip_has_value(&message, XF_SIP_H_SUPPORTED, "ms-text-format"));
    ck_assert(xf_sip_has_value(&message, XF_SIP_H_ALLOW, "BENOTIFY"));
    ck_assert_uint_eq(message.value_counts[XF_SIP_H_P_ASSERTED_IDENTITY], 2);
    values = xf_sip_values_begin(&message, XF_SIP_H_P_ASSERTED_IDENTITY);
    ck_assert(xf_sip_values_next(&values, &value) && xf_sip_values_next(&values, &value));
    ck_assert_int_eq(xf_sip_address_read(value, &address), XF_ERR_OK);
    SPAN_IS(address.uri, "tel:+15550100;ext=7");
    SPAN_IS(xf_sip_other_value(&message, "MS-Conversation-Id"), "AdEx2kQ7yqQbVw5kTs6dY8hG4mJ6pQ==");
    ABSENT(xf_sip_other_value(&message, "From"));
    xf_free(bytes);
}
END_TEST

START_TEST(reads_notifies)
{
    struct xf_span value;
    char *bytes = read_sample(sip_sample("NOTIFY with PIDF"));

    SPAN_IS(message.event.package, "presence");
    ABSENT(message.event.id);
    ck_assert_int_eq(message.subscription_state.state, XF_SIP_SUB_ACTIVE);
    ck_assert_int_eq(message.subscription_state.expires_s, 6300);
    ABSENT(message.subscription_state.reason);
    SPAN_IS(message.content_type.subtype, "pidf+xml");
    ABSENT(message.content_type.charset);
    xf_free(bytes);

    bytes = read_sample(sip_sample("NOTIFY that ends a subscription"));
    SPAN_IS(message.event.id, "7");
    ck_assert_int_eq(message.subscription_state.state, XF_SIP_SUB_TERMINATED);
    ck_assert_int_eq(message.subscription_state.expires_s, 0);
    ck_assert_int_eq(message.subscription_state.retry_after_s, 30);
    SPAN_IS(message.subscription_state.reason, "deactivated");
    value = xf_sip_value(&message, XF_SIP_H_MS_DIAGNOSTICS_PUBLIC);
    ck_assert(value.len > 5 && memcmp(value.ptr, "2139;", 5) == 0);
    xf_free(bytes);
}
END_TEST

START_TEST(reads_states)
{
    static const struct {
        const char *text;
        enum xf_sip_substate state;
        const char *reason;
        int64_t expires_s;
    } states[] = {
        {R("Subscription-State: pending\n"), XF_SIP_SUB_PENDING, NULL, XF_SIP_ABSENT},
        {R("Subscription-State: Active ; Expires = 007\n"), XF_SIP_SUB_ACTIVE, NULL, 7},
        {R("Subscription-State: waiting;reason=x;reason=y\n"), XF_SIP_SUB_OTHER, "x",
         XF_SIP_ABSENT},
    };

    for (size_t i = 0; i < XF_ARRAY_LEN(states); i++) {
        char *bytes = read_sample(states[i].text);

        ck_assert_int_eq(message.subscription_state.state, states[i].state);
        SPAN_IS(message.subscription_state.reason, states[i].reason);
        ck_assert_int_eq(message.subscription_state.expires_s, states[i].expires_s);
        xf_free(bytes);
    }
}
END_TEST

START_TEST(reads_responses)
{
    char *bytes = read_sample(sip_sample("101 with diagnostics"));

    ck_assert(!message.is_request);
    ck_assert_uint_eq(message.status, 101);
    SPAN_IS(message.reason, "Progress Report");
    ck_assert_int_eq(message.method, XF_SIP_INVITE); /* of CSeq */
    ABSENT(message.request_uri);
    xf_free(bytes);

    bytes = read_sample(sip_sample("200 to INVITE, old style tags and epid"));
    SPAN_IS(message.to.tag, "9d5b1c07ae");
    ck_assert(message.via.has_alias);
    SPAN_IS(message.via.received, "203.0.113.9");
    xf_free(bytes);
}
END_TEST

START_TEST(reads_a_watcher_of_microsoft)
{
    struct xf_sip_values values;
    struct xf_sip_media media;
    struct xf_span value;
    char *bytes = read_sample(sip_sample("SUBSCRIBE of a Microsoft watcher"));

    SPAN_IS(message.via.transport, "tcp");
    ABSENT(message.via.branch);
    ck_assert_int_eq(message.expires_s, 0);
    ck_assert_uint_eq(message.value_counts[XF_SIP_H_ACCEPT], 6);
    values = xf_sip_values_begin(&message, XF_SIP_H_ACCEPT);
    ck_assert(xf_sip_values_next(&values, &value) && xf_sip_values_next(&values, &value));
    ck_assert_int_eq(xf_sip_media_read(value, &media), XF_ERR_OK);
    SPAN_IS(media.subtype, "xml+msrtc.pidf");
    ck_assert_uint_eq(message.value_counts[XF_SIP_H_SUPPORTED], 3);
    ck_assert(xf_sip_has_value(&message, XF_SIP_H_PROXY_REQUIRE, "ms-benotify"));
    ck_assert(xf_sip_param(message.contact.params, "+sip.instance", &value));
    SPAN_IS(value, "<urn:uuid:1f0c>");
    ck_assert(!xf_sip_param(message.contact.params, "expires", &value) && !value.ptr);
    xf_free(bytes);
}
END_TEST

START_TEST(takes_lists_apart)
{
    static const char *const wanted[] = {"<sip:a,b@c.example;x>;y=\"d,\\\"e\"",
                                         "\"f,<\"<sip:g,h@c.example>", "i j\t<sip:k>", "sip:l"};
    struct xf_sip_values values;
    struct xf_sip_address address;
    struct xf_span value;
    char *bytes =
        read_sample(R("Contact: <sip:a,b@c.example;x>;y=\"d,\\\"e\" ,\"f,<\"<sip:g,h@c.example>\n"
                      "m:\ti j\t<sip:k>,\n sip:l\n"));

    values = xf_sip_values_begin(&message, XF_SIP_H_CONTACT);
    for (size_t i = 0; i < XF_ARRAY_LEN(wanted); i++) {
        ck_assert(xf_sip_values_next(&values, &value));
        SPAN_IS(value, wanted[i]);
        ck_assert_int_eq(xf_sip_address_read(value, &address), XF_ERR_OK);
        if (i == 2)
            SPAN_IS(address.display, "i j");
    }
    ck_assert(!xf_sip_values_next(&values, &value));
    xf_free(bytes);
}
END_TEST

START_TEST(reads_the_rest)
{
    struct xf_sip_warning warning;
    struct xf_sip_values values;
    struct xf_span value;
    char *bytes =
        read_sample(R("Warning: 399 x \"a, b\" , 309 b.example:5061 \"not \\\"here\\\"\"\n"
                      "Min-Expires: 60\nRetry-After: 30 (later);duration=1\n"
                      "Content-Disposition: session; Handling=OPTIONAL;x=y\nContact: *\n"
                      "Content-Type: text/plain; charset=\"utf-8\";msgr=WAAtAA==\n"
                      "Subject:\n folded\n \ttext \nUnsupported: a\nUnsupported: b,c\n"));

    values = xf_sip_values_begin(&message, XF_SIP_H_WARNING);
    ck_assert(xf_sip_values_next(&values, &value));
    SPAN_IS(value, "399 x \"a, b\"");
    ck_assert(xf_sip_values_next(&values, &value));
    ck_assert_int_eq(xf_sip_warning_read(value, &warning), XF_ERR_OK);
    ck_assert_uint_eq(warning.code, 309);
    SPAN_IS(warning.agent, "b.example:5061");
    SPAN_IS(warning.text, "not \\\"here\\\"");
    ck_assert_int_eq(message.min_expires_s, 60);
    ck_assert_int_eq(message.retry_after_s, 30);
    SPAN_IS(message.disposition.type, "session");
    ck_assert(message.disposition.is_optional);
    ck_assert(message.contact_is_star);
    SPAN_IS(message.content_type.charset, "utf-8");
    SPAN_IS(xf_sip_value(&message, XF_SIP_H_SUBJECT), "folded   \ttext");
    ck_assert_uint_eq(message.value_counts[XF_SIP_H_UNSUPPORTED], 3);
    xf_free(bytes);
}
END_TEST

START_TEST(knows_names)
{
    static const struct {
        const char *name;
        enum xf_sip_header_id id;
    } names[] = {
#define X(id, text, compact, form) {text, XF_SIP_H_##id},
        XF_SIP_HEADER_MAP(X)
#undef X
            {"Date", XF_SIP_H_OTHER},
        {"x", XF_SIP_H_OTHER},
        {"Fron", XF_SIP_H_OTHER},
        {"vIA", XF_SIP_H_VIA},
        {"K", XF_SIP_H_SUPPORTED},
        {"ms-diagnostics-publi~", XF_SIP_H_OTHER},
        {"a-name-that-is-longer-than-all-of-ours", XF_SIP_H_OTHER},
    };
    static const struct {
        char name;
        enum xf_sip_header_id id;
    } compact[] = {
#define X(id, text, compact, form) {compact, XF_SIP_H_##id},
        XF_SIP_HEADER_MAP(X)
#undef X
    };

    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++)
        ck_assert_msg(xf_sip_header_of(xf_span_of(names[i].name)) == names[i].id, "%s",
                      names[i].name);
    for (size_t i = 0; i < XF_ARRAY_LEN(compact); i++) {
        if (compact[i].name)
            ck_assert_int_eq(xf_sip_header_of((struct xf_span){&compact[i].name, 1}),
                             compact[i].id);
    }
    for (int method = 1; method < XF_SIP_METHOD_COUNT; method++)
        ck_assert_int_eq(
            xf_sip_method_of(xf_span_of(xf_sip_method_text((enum xf_sip_method)method))), method);
    ck_assert_int_eq(xf_sip_method_of(XF_SPAN("invite")), XF_SIP_METHOD_OTHER);
    ck_assert_int_eq(xf_sip_method_of(XF_SPAN("")), XF_SIP_METHOD_OTHER);
}
END_TEST

START_TEST(refuses_single_values)
{
    struct xf_sip_address address = {.tag = XF_SPAN("kept")};
    struct xf_sip_via via;
    struct xf_sip_media media;
    struct xf_sip_warning warning;

    ck_assert_int_eq(xf_sip_address_read(XF_SPAN("<sip:a>, <sip:b>"), &address), XF_ERR_BAD_VALUE);
    SPAN_IS(address.tag, "kept");
    ck_assert_int_eq(xf_sip_via_read(XF_SPAN(""), &via), XF_ERR_BAD_VALUE);
    ck_assert_int_eq(xf_sip_media_read(XF_SPAN("text"), &media), XF_ERR_BAD_VALUE);
    ck_assert_int_eq(xf_sip_warning_read(XF_SPAN("399 x"), &warning), XF_ERR_BAD_VALUE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sip/parse");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, refuses_and_reads, 0, (int)sip_row_count);
    tcase_add_test(tc, refuses_bytes_that_are_no_text);
    tcase_add_loop_test(tc, bounds_counts, 0, (int)XF_ARRAY_LEN(bounds));
    tcase_add_test(tc, bounds_uris);
    tcase_add_test(tc, bounds_lines_whatever_the_setting);
    tcase_add_test(tc, reads_a_message);
    tcase_add_test(tc, reads_an_invite_of_skype);
    tcase_add_test(tc, reads_notifies);
    tcase_add_test(tc, reads_states);
    tcase_add_test(tc, reads_responses);
    tcase_add_test(tc, reads_a_watcher_of_microsoft);
    tcase_add_test(tc, takes_lists_apart);
    tcase_add_test(tc, reads_the_rest);
    tcase_add_test(tc, knows_names);
    tcase_add_test(tc, refuses_single_values);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
