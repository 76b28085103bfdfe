/* SPDX-License-Identifier: MIT */
/* test_dialog.c — what makes a dialog, what is sent and taken in it, and its packed form. */
#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "dialog_priv.h"

#define SERVED XF_SPAN("a.example")
#define PEER   XF_SPAN("b.example")

static struct xf_sip_message message;
static char *bytes;

static const struct xf_sip_message *parse(const char *head)
{
    static const struct xf_sip_limits limits = {.message_bytes = 65536,
                                                .head_bytes = 65536,
                                                .body_bytes = 65536,
                                                .uri_bytes = 16384,
                                                .headers = 256,
                                                .vias = 70,
                                                .routes = 100,
                                                .contacts = 70};
    struct xf_sip_error error = {0};
    xf_free(bytes);
    bytes = xf_asprintf("%sVia: SIP/2.0/TLS h.example;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n",
                        head);
    ck_assert_msg(xf_sip_parse(bytes, strlen(bytes), &limits, &message, &error) == XF_ERR_OK,
                  "%s: %s", head, error.text);
    return &message;
}

static void forget_message(void)
{
    xf_free(bytes);
    bytes = NULL;
}

#define ROUTES                                                                          \
    "Record-Route: <sip:one.b.example:5061;lr;ms-route-sig=a%2Bb>;ms-rrsig=x;tag=1\r\n" \
    "X-Between: y\r\nRecord-Route: \"n\" <sip:two.b.example;lr>, <sip:three.b.example;lr>\r\n"
#define IN_ORDER \
    "sip:one.b.example:5061;lr;ms-route-sig=a%2Bb\nsip:two.b.example;lr\nsip:three.b.example;lr\n"
#define REVERSED \
    "sip:three.b.example;lr\nsip:two.b.example;lr\nsip:one.b.example:5061;lr;ms-route-sig=a%2Bb\n"

#define ANSWER                                                                      \
    "SIP/2.0 200 OK\r\nFrom: \"U\" <sip:u@a.example>;tag=ours\r\n"                  \
    "To: <sip:v@b.example>;epid=1;tag=theirs\r\nCall-ID: c@x\r\nCSeq: 7 INVITE\r\n" \
    "Contact: <sip:v@192.0.2.3:5061;transport=tls>\r\n" ROUTES
#define REQUEST(method, number)                                                                \
    method " sip:u@a.example SIP/2.0\r\nFrom: <sip:v@b.example>;tag=theirs\r\n"                \
           "To: <sip:u@a.example>;tag=ours\r\nCall-ID: c@x\r\nCSeq: " number " " method "\r\n" \
           "Max-Forwards: 70\r\n"

static void must_say(const struct xf_ua_request *request, const char *uri, const char *route,
                     uint32_t cseq)
{
    ck_assert_msg(xf_span_is(request->uri, uri), "%.*s", XF_SPAN_ARGS(request->uri));
    ck_assert_msg(xf_span_is(request->route, route), "%.*s", XF_SPAN_ARGS(request->route));
    ck_assert_msg(xf_span_is(request->from, "<sip:u@a.example>;tag=ours"), "%.*s",
                  XF_SPAN_ARGS(request->from));
    ck_assert_msg(xf_span_is(request->to, "<sip:v@b.example>;tag=theirs"), "%.*s",
                  XF_SPAN_ARGS(request->to));
    ck_assert(xf_span_is(request->call_id, "c@x"));
    ck_assert(xf_span_is(request->local, "a.example") && xf_span_is(request->peer, "b.example"));
    ck_assert_uint_eq(request->cseq, cseq);
}

START_TEST(an_answer_makes_one_with_the_route_reversed)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    xf_dialog_ack(&dialog, 7, &request);
    must_say(&request, "sip:v@192.0.2.3:5061;transport=tls", REVERSED, 7);
    ck_assert_int_eq(request.method, XF_SIP_ACK);
    ck_assert(xf_dialog_request(&dialog, XF_SIP_BYE, &request));
    must_say(&request, "sip:v@192.0.2.3:5061;transport=tls", REVERSED, 8);
    ck_assert(xf_dialog_has(&dialog, &message));
    xf_dialog_fini(&dialog);
}
END_TEST

START_TEST(a_request_makes_one_with_the_route_in_order)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    const struct xf_sip_message *subscribe =
        parse("SUBSCRIBE sip:u@a.example SIP/2.0\r\nFrom: <sip:v@b.example>;tag=theirs\r\n"
              "To: <sip:u@a.example>\r\nCall-ID: c@x\r\nCSeq: 40 SUBSCRIBE\r\nMax-Forwards: 70\r\n"
              "Contact: <sip:edge.b.example;transport=tls>\r\n" ROUTES);
    ck_assert_int_eq(xf_dialog_from_request(&dialog, SERVED, PEER, subscribe, XF_SPAN("ours")),
                     XF_ERR_OK);
    ck_assert(xf_dialog_request(&dialog, XF_SIP_NOTIFY, &request));
    must_say(&request, "sip:edge.b.example;transport=tls", IN_ORDER, 1);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("SUBSCRIBE", "40"))), 500);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("SUBSCRIBE", "41"))), 0);
    xf_dialog_fini(&dialog);
}
END_TEST

/* RFC 6665 section 4.4.1: the NOTIFY decides the route, and may come first. */
START_TEST(a_notify_makes_one)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    const struct xf_sip_message *notify =
        parse(REQUEST("NOTIFY", "1") "Contact: <sip:v@pool.b.example>\r\n" ROUTES);
    ck_assert_int_eq(xf_dialog_from_notify(&dialog, SERVED, PEER, notify, 5), XF_ERR_OK);
    ck_assert(xf_dialog_request(&dialog, XF_SIP_SUBSCRIBE, &request));
    must_say(&request, "sip:v@pool.b.example", IN_ORDER, 6);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("NOTIFY", "1"))), 500);
    xf_dialog_fini(&dialog);
}
END_TEST

/* RFC 3261 sections 8.1.1.8 and 19.1.1. */
START_TEST(the_target_is_a_sip_uri_without_headers)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    struct xf_buf packed;
    bool is_same = false;
    const struct xf_sip_message *subscribe =
        parse(REQUEST("SUBSCRIBE", "1") "Contact: <sip:v?@pc.b.example;x?Subject=a&b=c>\r\n");
    ck_assert_int_eq(xf_dialog_from_request(&dialog, SERVED, PEER, subscribe, XF_SPAN("ours")),
                     XF_ERR_OK);
    ck_assert(xf_dialog_request(&dialog, XF_SIP_NOTIFY, &request));
    must_say(&request, "sip:v?@pc.b.example;x", "", 1);
    ck_assert_int_eq(
        xf_dialog_refresh(&dialog, parse(REQUEST("SUBSCRIBE", "2") "Contact: <tel:+420123>\r\n")),
        XF_ERR_BAD_VALUE);
    xf_buf_init(&packed, XF_DIALOG_BYTES_MAX);
    ck_assert_int_eq(xf_dialog_pack(&dialog, &packed), XF_ERR_OK);
    subscribe = parse(REQUEST("SUBSCRIBE", "2") "Contact: <sip:v?@pc.b.example;x?Subject=d>\r\n");
    ck_assert_uint_eq(xf_dialog_look(xf_buf_span(&packed), subscribe, &is_same), 0);
    ck_assert(is_same);
    xf_buf_release(&packed);
    xf_dialog_fini(&dialog);
    ck_assert_int_eq(
        xf_dialog_from_request(&dialog, SERVED, PEER,
                               parse(REQUEST("SUBSCRIBE", "1") "Contact: <mailto:v@b.example>\r\n"),
                               XF_SPAN("ours")),
        XF_ERR_BAD_VALUE);
}
END_TEST

/* RFC 3261 section 12.2.1.1. */
START_TEST(a_strict_router_comes_first)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    const struct xf_sip_message *invite = parse(
        REQUEST("INVITE", "1") "Contact: <sip:v@192.0.2.3>\r\n"
                               "Record-Route: <sip:old.b.example>, <sip:new.b.example;lr>\r\n");
    ck_assert_int_eq(xf_dialog_from_request(&dialog, SERVED, PEER, invite, XF_SPAN("ours")),
                     XF_ERR_OK);
    ck_assert(xf_dialog_request(&dialog, XF_SIP_BYE, &request));
    must_say(&request, "sip:old.b.example", "sip:new.b.example;lr\nsip:v@192.0.2.3\n", 1);
    ck_assert_int_eq(
        xf_dialog_refresh(&dialog, parse(REQUEST("INVITE", "2") "Contact: <sip:w@192.0.2.4>\r\n")),
        XF_ERR_OK);
    ck_assert(xf_dialog_request(&dialog, XF_SIP_BYE, &request));
    must_say(&request, "sip:old.b.example", "sip:new.b.example;lr\nsip:w@192.0.2.4\n", 2);
    xf_dialog_fini(&dialog);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *head;
    enum xf_err err;
} answers[] = {
    {"no Contact", "SIP/2.0 200 OK\r\nFrom: <sip:u@a.example>;tag=o\r\nTo: <sip:v@b.example>;tag=t\r\n"
                   "Call-ID: c\r\nCSeq: 1 INVITE\r\n", XF_ERR_BAD_VALUE},
    {"no tag of ours", "SIP/2.0 200 OK\r\nFrom: <sip:u@a.example>\r\nTo: <sip:v@b.example>;tag=t\r\n"
                       "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:x>\r\n", XF_ERR_BAD_VALUE},
    {"provisional without a tag", "SIP/2.0 180 R\r\nFrom: <sip:u@a.example>;tag=o\r\nTo: <sip:v@b.example>\r\n"
                                  "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:x>\r\n", XF_ERR_BAD_VALUE},
    {"RFC 2543: final without a tag", "SIP/2.0 200 OK\r\nFrom: <sip:u@a.example>;tag=o\r\nTo: <sip:v@b.example>\r\n"
                                      "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:x>\r\n", XF_ERR_OK},
};

/* A BYE in the dialog of ANSWER, but ... */
static const struct {
    const char *label, *head;
    unsigned status;
} requests[] = {
    {"good",         REQUEST("BYE", "1"), 0},
    {"tags swapped", "BYE sip:u@a.example SIP/2.0\r\nFrom: <sip:v@b.example>;tag=ours\r\nMax-Forwards: 70\r\n"
                     "To: <sip:u@a.example>;tag=theirs\r\nCall-ID: c@x\r\nCSeq: 1 BYE\r\n", 481},
    {"another call", "BYE sip:u@a.example SIP/2.0\r\nFrom: <sip:v@b.example>;tag=theirs\r\nMax-Forwards: 70\r\n"
                     "To: <sip:u@a.example>;tag=ours\r\nCall-ID: d@x\r\nCSeq: 1 BYE\r\n", 481},
    {"no tag",       "BYE sip:u@a.example SIP/2.0\r\nFrom: <sip:v@b.example>;tag=theirs\r\nMax-Forwards: 70\r\n"
                     "To: <sip:u@a.example>\r\nCall-ID: c@x\r\nCSeq: 1 BYE\r\n", 481},
};
/* clang-format on */

START_TEST(refuses_what_makes_none)
{
    struct xf_dialog dialog = {0};
    enum xf_err err = xf_dialog_from_answer(&dialog, SERVED, PEER, parse(answers[_i].head));
    ck_assert_msg(err == answers[_i].err, "%s", answers[_i].label);
    ck_assert_msg((dialog.call_id != NULL) == (err == XF_ERR_OK), "%s", answers[_i].label);
    xf_dialog_fini(&dialog);
}
END_TEST

START_TEST(takes_requests_of_its_own)
{
    struct xf_dialog dialog;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    ck_assert_msg(xf_dialog_take(&dialog, parse(requests[_i].head)) == requests[_i].status, "%s",
                  requests[_i].label);
    ck_assert_msg(dialog.remote_cseq == (requests[_i].status ? XF_SIP_ABSENT : 1), "%s",
                  requests[_i].label);
    xf_dialog_fini(&dialog);
}
END_TEST

START_TEST(numbers_go_up_and_end)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("MESSAGE", "9"))), 0);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("MESSAGE", "8"))), 500);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("MESSAGE", "9"))), 500);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("ACK", "9"))), 0);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("MESSAGE", "2147483647"))), 0);
    dialog.local_cseq = XF_SIP_CSEQ_MAX - 1;
    ck_assert(xf_dialog_request(&dialog, XF_SIP_BYE, &request));
    ck_assert(!xf_dialog_request(&dialog, XF_SIP_BYE, &request));
    xf_dialog_fini(&dialog);
}
END_TEST

START_TEST(numbers_of_processes_before_are_skipped)
{
    struct xf_dialog dialog;
    struct xf_ua_request request;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    uint32_t before = dialog.local_cseq;
    xf_dialog_skip(&dialog, 3);
    ck_assert_uint_eq(dialog.local_cseq, before + 3 * XF_DIALOG_UNKEPT);
    xf_dialog_skip(&dialog, UINT32_MAX);
    ck_assert(!xf_dialog_request(&dialog, XF_SIP_BYE, &request));
    xf_dialog_fini(&dialog);
}
END_TEST

static struct xf_span packed(const struct xf_dialog *dialog, struct xf_buf *out)
{
    xf_buf_init(out, XF_DIALOG_BYTES_MAX);
    ck_assert_int_eq(xf_dialog_pack(dialog, out), XF_ERR_OK);
    ck_assert_uint_eq(out->len, xf_dialog_packed_bytes(dialog));
    return xf_buf_span(out);
}

START_TEST(unpacks_what_it_packs)
{
    struct xf_dialog dialog, again;
    struct xf_ua_request request;
    struct xf_buf out;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    if (_i) /* with a number of theirs, too */
        ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("MESSAGE", "3"))), 0);
    ck_assert_int_eq(xf_dialog_unpack(packed(&dialog, &out), &again), XF_ERR_OK);
    ck_assert_int_eq(again.remote_cseq, dialog.remote_cseq);
    ck_assert(xf_dialog_request(&again, XF_SIP_BYE, &request));
    must_say(&request, "sip:v@192.0.2.3:5061;transport=tls", REVERSED, 8);
    ck_assert(xf_dialog_has(&again, parse(ANSWER)));
    xf_buf_release(&out);
    xf_dialog_fini(&dialog);
    xf_dialog_fini(&again);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *head;
    bool is_same;
} packed_requests[] = {
    {"no target",       REQUEST("NOTIFY", "4"), true},
    {"the same target", REQUEST("NOTIFY", "4") "Contact: <sip:v@192.0.2.3:5061;transport=tls>\r\n", true},
    {"another target",  REQUEST("NOTIFY", "4") "Contact: <sip:v@192.0.2.4:5061;transport=tls>\r\n", false},
    {"a part of it",    REQUEST("NOTIFY", "4") "Contact: <sip:v@192.0.2.3:5061>\r\n", false},
    {"an old number",   REQUEST("NOTIFY", "3"), false},
    {"a large number",  REQUEST("NOTIFY", "2147483647"), true},
    {"another tag",     "NOTIFY sip:u@a.example SIP/2.0\r\nFrom: <sip:v@b.example>;tag=their\r\nMax-Forwards: 70\r\n"
                        "To: <sip:u@a.example>;tag=ours\r\nCall-ID: c@x\r\nCSeq: 4 NOTIFY\r\n", false},
};
/* clang-format on */

/* What is done with the bytes is what is done with the value. */
static void must_look_as_it_takes(const char *label, const char *head, bool is_same)
{
    struct xf_dialog dialog;
    struct xf_buf before, after;
    bool is_found_same = false;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    ck_assert_uint_eq(xf_dialog_take(&dialog, parse(REQUEST("NOTIFY", "3"))), 0);
    struct xf_span whole = packed(&dialog, &before);
    const struct xf_sip_message *request = parse(head);
    unsigned status = xf_dialog_look(whole, request, &is_found_same);
    ck_assert_msg(status == xf_dialog_take(&dialog, request), "%s: %u", label, status);
    ck_assert_msg(is_found_same == is_same, "%s", label);
    if (!status && is_same) {
        char *noted = xf_span_dup(whole);
        xf_dialog_note(noted, request->cseq.number);
        ck_assert_int_eq(xf_dialog_refresh(&dialog, request), XF_ERR_OK);
        struct xf_span taken = packed(&dialog, &after);
        ck_assert_msg(memcmp(noted, taken.ptr, taken.len) == 0, "%s", label);
        xf_buf_release(&after);
        xf_free(noted);
    }
    xf_buf_release(&before);
    xf_dialog_fini(&dialog);
}

START_TEST(a_packed_one_is_looked_at)
{
    must_look_as_it_takes(packed_requests[_i].label, packed_requests[_i].head,
                          packed_requests[_i].is_same);
}
END_TEST

START_TEST(a_packed_one_takes_requests_of_its_own)
{
    struct xf_dialog dialog;
    struct xf_buf out;
    bool is_same;
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    struct xf_span whole = packed(&dialog, &out); /* no request came */
    ck_assert_msg(xf_dialog_look(whole, parse(requests[_i].head), &is_same) == requests[_i].status,
                  "%s", requests[_i].label);
    xf_buf_release(&out);
    xf_dialog_fini(&dialog);
}
END_TEST

/* Every cut, and every byte changed, is refused or leads to a dialog that can be packed. */
START_TEST(damage_does_no_harm)
{
    struct xf_dialog dialog, other;
    struct xf_buf out, again;
    char damaged[XF_DIALOG_BYTES_MAX + 1];
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    struct xf_span whole = packed(&dialog, &out);
    for (size_t len = 0; len < whole.len; len++)
        ck_assert_int_eq(xf_dialog_unpack((struct xf_span){whole.ptr, len}, &other),
                         XF_ERR_BAD_VALUE);
    memcpy(damaged, whole.ptr, whole.len);
    damaged[whole.len] = 'x';
    ck_assert_int_eq(xf_dialog_unpack((struct xf_span){damaged, whole.len + 1}, &other),
                     XF_ERR_BAD_VALUE);
    for (size_t i = 0; i < whole.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            damaged[i] = (char)(whole.ptr[i] ^ (1 << bit));
            if (xf_dialog_unpack((struct xf_span){damaged, whole.len}, &other) == XF_ERR_OK) {
                (void)packed(&other, &again);
                xf_buf_release(&again);
                xf_dialog_fini(&other);
            }
        }
        damaged[i] = whole.ptr[i];
    }
    xf_buf_release(&out);
    xf_dialog_fini(&dialog);
}
END_TEST

START_TEST(a_route_of_a_hundred_is_too_long)
{
    struct xf_dialog dialog = {0};
    char *text = xf_strdup(REQUEST("INVITE", "1") "Contact: <sip:x>\r\n");
    for (int i = 0; i < 100; i++) {
        char *more = xf_asprintf("%sRecord-Route: <sip:%040d.example;lr>\r\n", text, i);
        xf_free(text);
        text = more;
    }
    ck_assert_int_eq(xf_dialog_from_request(&dialog, SERVED, PEER, parse(text), XF_SPAN("ours")),
                     XF_ERR_LIMIT);
    ck_assert_ptr_null(dialog.call_id);
    xf_free(text);
    text = xf_asprintf("%sContact: <sip:%05000d@x>\r\n", REQUEST("INVITE", "2"), 0);
    ck_assert_int_eq(xf_dialog_from_answer(&dialog, SERVED, PEER, parse(ANSWER)), XF_ERR_OK);
    ck_assert_int_eq(xf_dialog_refresh(&dialog, parse(text)), XF_ERR_LIMIT);
    ck_assert_str_eq(dialog.target, "sip:v@192.0.2.3:5061;transport=tls");
    xf_free(text);
    xf_dialog_fini(&dialog);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ua/dialog");
    TCase *tc = tcase_create("dialogs");
    tcase_add_checked_fixture(tc, NULL, forget_message);
    tcase_add_test(tc, an_answer_makes_one_with_the_route_reversed);
    tcase_add_test(tc, a_request_makes_one_with_the_route_in_order);
    tcase_add_test(tc, a_notify_makes_one);
    tcase_add_test(tc, the_target_is_a_sip_uri_without_headers);
    tcase_add_test(tc, a_strict_router_comes_first);
    tcase_add_loop_test(tc, refuses_what_makes_none, 0, XF_ARRAY_LEN(answers));
    tcase_add_loop_test(tc, takes_requests_of_its_own, 0, XF_ARRAY_LEN(requests));
    tcase_add_test(tc, numbers_go_up_and_end);
    tcase_add_test(tc, numbers_of_processes_before_are_skipped);
    tcase_add_loop_test(tc, unpacks_what_it_packs, 0, 2);
    tcase_add_loop_test(tc, a_packed_one_is_looked_at, 0, XF_ARRAY_LEN(packed_requests));
    tcase_add_loop_test(tc, a_packed_one_takes_requests_of_its_own, 0, XF_ARRAY_LEN(requests));
    tcase_add_test(tc, damage_does_no_harm);
    tcase_add_test(tc, a_route_of_a_hundred_is_too_long);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
