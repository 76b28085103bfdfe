/* SPDX-License-Identifier: MIT */
/*
 * test_rfc4475.c — the 49 torture messages of RFC 4475, bit for bit from its appendix A
 * (tests/unit/sip/rfc4475): what is made of each.
 *
 * 13 are valid: all are read. 19 are invalid: 18 are refused, and one is read (baddate: Date is
 * none of our headers, and the RFC advises to ignore it then). 17 test what is not the parser's, or
 * are refused for what they mean. On a conn the framer comes first: `framed` says what it makes of
 * them.
 */
#include <xfed/sip/message.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#define FILE_MAX_BYTES 8192

enum group { VALID, INVALID, OTHER };

#define WHOLE  XF_SIP_FRAME_MESSAGE
#define MORE   XF_SIP_FRAME_MORE
#define BROKEN XF_SIP_FRAME_ERROR

/* clang-format off */
static const struct {
    const char *name;
    enum group group;
    unsigned status; /* 0: read */
    bool can_answer;
    enum xf_sip_header_id header; /* that the error names */
    enum xf_sip_frame_kind framed;
} cases[] = {
    {"wsinv",      VALID,   0,   true,  0, WHOLE},
    {"intmeth",    VALID,   0,   true,  0, WHOLE},
    {"esc01",      VALID,   0,   true,  0, WHOLE},
    {"escnull",    VALID,   0,   true,  0, WHOLE},
    {"esc02",      VALID,   0,   true,  0, WHOLE},
    {"lwsdisp",    VALID,   0,   true,  0, WHOLE},
    {"longreq",    VALID,   0,   true,  0, WHOLE},
    {"dblreq",     VALID,   0,   true,  0, WHOLE}, /* two messages */
    {"semiuri",    VALID,   0,   true,  0, WHOLE},
    {"transports", VALID,   0,   true,  0, WHOLE},
    {"mpart01",    VALID,   0,   true,  0, WHOLE},
    {"unreason",   VALID,   0,   false, 0, WHOLE},
    {"noreason",   VALID,   0,   false, 0, WHOLE},

    {"badinv01",   INVALID, 400, true,  XF_SIP_H_VIA, WHOLE},
    {"clerr",      INVALID, 400, true,  XF_SIP_H_CONTENT_LENGTH, MORE},
    {"ncl",        INVALID, 400, true,  XF_SIP_H_CONTENT_LENGTH, BROKEN},
    {"scalar02",   INVALID, 400, true, XF_SIP_H_CSEQ, WHOLE},
    {"scalarlg",   INVALID, 400, false, XF_SIP_H_CSEQ, WHOLE},
    {"quotbal",    INVALID, 400, true, XF_SIP_H_TO, WHOLE},
    {"ltgtruri",   INVALID, 400, true,  0, WHOLE},
    {"lwsruri",    INVALID, 400, true,  0, WHOLE},
    {"lwsstart",   INVALID, 400, true,  0, WHOLE},
    {"trws",       INVALID, 400, true,  0, WHOLE},
    {"escruri",    INVALID, 400, true,  0, WHOLE},
    {"baddate",    INVALID, 0,   true,  0, WHOLE},
    {"regbadct",   INVALID, 400, true,  XF_SIP_H_CONTACT, WHOLE},
    {"badaspec",   INVALID, 400, true, XF_SIP_H_TO, WHOLE},
    {"baddn",      INVALID, 400, true, XF_SIP_H_FROM, MORE}, /* the archive has it without the empty line */
    {"badvers",    INVALID, 505, true,  0, WHOLE},
    {"mismatch01", INVALID, 400, true,  XF_SIP_H_CSEQ, WHOLE},
    {"mismatch02", INVALID, 400, true,  XF_SIP_H_CSEQ, WHOLE},
    {"bigcode",    INVALID, 400, false, 0, WHOLE},

    {"badbranch",  OTHER,   0,   true,  0, WHOLE}, /* the branch is for transactions */
    {"insuf",      OTHER,   400, true, XF_SIP_H_FROM, WHOLE},
    {"unkscm",     OTHER,   416, true,  0, WHOLE},
    {"novelsc",    OTHER,   416, true,  0, WHOLE},
    {"unksm2",     OTHER,   0,   true,  0, WHOLE},
    {"bext01",     OTHER,   0,   true,  0, WHOLE}, /* 420 is for the UAS */
    {"invut",      OTHER,   0,   true,  0, WHOLE}, /* so is 415 */
    {"regaut01",   OTHER,   0,   true,  0, WHOLE},
    {"multi01",    OTHER,   400, true,  XF_SIP_H_CSEQ, WHOLE},
    {"mcl01",      OTHER,   400, true,  XF_SIP_H_CONTENT_LENGTH, BROKEN},
    {"bcast",      OTHER,   0,   false, 0, WHOLE}, /* the lower Via is for proxies */
    {"zeromf",     OTHER,   0,   true,  0, WHOLE}, /* an endpoint processes it */
    {"cparam01",   OTHER,   0,   true,  0, WHOLE},
    {"cparam02",   OTHER,   0,   true,  0, WHOLE},
    {"regescrt",   OTHER,   0,   true,  0, WHOLE},
    {"sdp01",      OTHER,   0,   true,  0, WHOLE},
    {"inv2543",    OTHER,   0,   true,  0, BROKEN}, /* no Content-Length, which only datagrams may omit */
};
/* clang-format on */

static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
static struct xf_sip_message message;

/* The bytes, in memory of exactly their size. */
static char *load(const char *name, size_t *out_len)
{
    char *path = xf_asprintf("%s/%s.dat", XF_RFC4475, name);
    char bytes[FILE_MAX_BYTES];
    FILE *file = fopen(path, "re");

    ck_assert_msg(file, "%s is missing", path);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_lt(len, sizeof(bytes));
    xf_free(path);

    char *copy = xf_alloc(len);
    memcpy(copy, bytes, len);
    *out_len = len;
    return copy;
}

START_TEST(parses)
{
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    struct xf_sip_error error;
    size_t len;
    char *bytes = load(cases[_i].name, &len);

    xf_sip_frame(&framer, bytes, len, &limits, &frame);
    ck_assert_msg(frame.kind == cases[_i].framed, "%s: frame %d, %s", cases[_i].name,
                  (int)frame.kind, frame.text);
    if (frame.kind == XF_SIP_FRAME_MESSAGE)
        len = frame.len;
    enum xf_err code = xf_sip_parse(bytes, len, &limits, &message, &error);

    ck_assert_msg((code == XF_ERR_OK) == (cases[_i].status == 0) &&
                      error.status == cases[_i].status &&
                      error.can_answer == cases[_i].can_answer && error.header == cases[_i].header,
                  "%s: status %u, can answer: %d, header \"%s\": %s", cases[_i].name, error.status,
                  error.can_answer, xf_sip_header_text(error.header), error.text);
    xf_free(bytes);
}
END_TEST

START_TEST(counts)
{
    unsigned all[3] = {0}, refused[3] = {0};

    for (size_t i = 0; i < XF_ARRAY_LEN(cases); i++) {
        all[cases[i].group]++;
        refused[cases[i].group] += cases[i].status != 0;
    }
    ck_assert_uint_eq(all[VALID], 13);
    ck_assert_uint_eq(refused[VALID], 0);
    ck_assert_uint_eq(all[INVALID], 19);
    ck_assert_uint_ge(refused[INVALID], 18);
    ck_assert_uint_eq(all[OTHER], 17);
}
END_TEST

static void read_file(const char *name, char **out_bytes)
{
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    struct xf_sip_error error;
    size_t len;

    *out_bytes = load(name, &len);
    xf_sip_frame(&framer, *out_bytes, len, &limits, &frame);
    ck_assert_int_eq(frame.kind, XF_SIP_FRAME_MESSAGE);
    ck_assert_int_eq(xf_sip_parse(*out_bytes, frame.len, &limits, &message, &error), XF_ERR_OK);
}

#define SPAN_IS(span, text) ck_assert_msg(xf_span_is(span, text), "%.*s", XF_SPAN_ARGS(span))

START_TEST(reads_wsinv)
{
    struct xf_sip_values values;
    struct xf_span value;
    struct xf_sip_via via;
    char *bytes;

    read_file("wsinv", &bytes);
    SPAN_IS(message.request_uri, "sip:vivekg@chair-dnrc.example.com;unknownparam");
    SPAN_IS(message.to.uri, "sip:vivekg@chair-dnrc.example.com");
    SPAN_IS(message.to.tag, "1918181833n");
    SPAN_IS(message.from.display, "\"J Rosenberg \\\\\\\"\"");
    SPAN_IS(message.from.tag, "98asjd8");
    ck_assert_int_eq(message.max_forwards, 68);
    ck_assert_uint_eq(message.cseq.number, 9);
    ck_assert_int_eq(message.cseq.method, XF_SIP_INVITE);
    SPAN_IS(message.via.transport, "UDP");
    SPAN_IS(message.via.host, "192.0.2.2");
    SPAN_IS(message.via.branch, "390skdjuw");
    ck_assert_uint_eq(message.value_counts[XF_SIP_H_VIA], 3);

    values = xf_sip_values_begin(&message, XF_SIP_H_VIA);
    ck_assert(xf_sip_values_next(&values, &value) && xf_sip_values_next(&values, &value));
    ck_assert_int_eq(xf_sip_via_read(value, &via), XF_ERR_OK);
    SPAN_IS(via.host, "spindle.example.com");
    SPAN_IS(via.branch, "z9hG4bK9ikj8");
    ck_assert(xf_sip_values_next(&values, &value));
    ck_assert_int_eq(xf_sip_via_read(value, &via), XF_ERR_OK);
    SPAN_IS(via.host, "192.168.255.111");
    SPAN_IS(via.branch, "z9hG4bK30239");
    ck_assert(!xf_sip_values_next(&values, &value));

    SPAN_IS(xf_sip_value(&message, XF_SIP_H_SUBJECT), "");
    ck_assert(xf_sip_value(&message, XF_SIP_H_SUBJECT).ptr);
    SPAN_IS(xf_sip_other_value(&message, "unknownheaderwithunusualvalue"), ";;,,;;,;");
    SPAN_IS(xf_sip_other_value(&message, "NewFangledHeader"),
            "newfangled value   continued newfangled value");
    SPAN_IS(message.contact.uri, "sip:jdrosen@example.com");
    ck_assert(xf_sip_param(message.contact.params, "newparam", &value));
    SPAN_IS(value, "newvalue");
    ck_assert(xf_sip_param(message.contact.params, "secondparam", &value));
    ck_assert(!value.ptr);
    ck_assert(xf_sip_param(message.contact.params, "Q", &value));
    SPAN_IS(value, "0.33");
    ck_assert_uint_eq(message.body.len, 150);
    xf_free(bytes);
}
END_TEST

START_TEST(reads_intmeth)
{
    char *bytes;

    read_file("intmeth", &bytes);
    ck_assert_int_eq(message.method, XF_SIP_METHOD_OTHER);
    SPAN_IS(message.method_name, "!interesting-Method0123456789_*+`.%indeed'~");
    ck_assert(xf_span_eq(message.to.display,
                         XF_SPAN("\"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\""))); /* quoted pairs */
    SPAN_IS(message.from.display, "token1~` token2'+_ token3*%!.-");
    SPAN_IS(message.from.tag, "_token~1'+`*%!-.");
    SPAN_IS(message.call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    xf_free(bytes);
}
END_TEST

START_TEST(keeps_escapes)
{
    char *bytes;

    read_file("esc01", &bytes);
    SPAN_IS(message.request_uri, "sip:sips%3Auser%40example.com@example.net");
    SPAN_IS(message.contact.uri, "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    xf_free(bytes);
    read_file("esc02", &bytes);
    SPAN_IS(message.method_name, "RE%47IST%45R"); /* an escape of nothing */
    ck_assert_int_eq(message.method, XF_SIP_METHOD_OTHER);
    xf_free(bytes);
}
END_TEST

START_TEST(reads_reasons)
{
    char *bytes;

    read_file("unreason", &bytes);
    ck_assert_uint_eq(message.status, 200);
    ck_assert_int_eq(message.method, XF_SIP_INVITE);
    ck_assert(xf_span_ends_with(message.reason, XF_SPAN("\xd0\xbf\xd1\x80\xd0\xbe\xd1\x81\xd1\x82"
                                                        "\xd0\xbe\xd0\xb5")));
    xf_free(bytes);
    read_file("noreason", &bytes);
    ck_assert_uint_eq(message.status, 100);
    ck_assert(message.reason.ptr && message.reason.len == 0);
    xf_free(bytes);
}
END_TEST

START_TEST(tells_parameters_of_uri_and_header_apart)
{
    char *bytes;

    read_file("cparam01", &bytes);
    SPAN_IS(message.contact.uri, "sip:+19725552222@gw1.example.net");
    SPAN_IS(message.contact.params, ";unknownparam");
    xf_free(bytes);
    read_file("cparam02", &bytes);
    SPAN_IS(message.contact.uri, "sip:+19725552222@gw1.example.net;unknownparam");
    SPAN_IS(message.contact.params, "");
    xf_free(bytes);
}
END_TEST

START_TEST(frames_two_messages)
{
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    size_t len, at = 0;
    char *bytes = load("dblreq", &len);
    enum xf_sip_frame_kind want[] = {XF_SIP_FRAME_MESSAGE, XF_SIP_FRAME_CRLF, XF_SIP_FRAME_MESSAGE};

    for (size_t i = 0; i < XF_ARRAY_LEN(want); i++) {
        xf_sip_frame(&framer, bytes + at, len - at, &limits, &frame);
        ck_assert_int_eq(frame.kind, want[i]);
        at += frame.len;
    }
    ck_assert_uint_eq(len - at, 5); /* the RFC counts too few bytes for its second body */
    xf_free(bytes);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("torture");

    tcase_add_loop_test(tc, parses, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, counts);
    tcase_add_test(tc, reads_wsinv);
    tcase_add_test(tc, reads_intmeth);
    tcase_add_test(tc, keeps_escapes);
    tcase_add_test(tc, reads_reasons);
    tcase_add_test(tc, tells_parameters_of_uri_and_header_apart);
    tcase_add_test(tc, frames_two_messages);

    Suite *suite = suite_create("sip/rfc4475");
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
