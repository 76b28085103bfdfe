/* SPDX-License-Identifier: MIT */
/* test_resend.c — which stanzas are sent again, what they say then, and the ids of pings. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <xfed/stream/delay.h>
#include <xfed/stream/ping_id.h>
#include <xfed/stream/resend.h>

/* clang-format off */
static const struct {
    const char *label;
    enum xf_stanza_kind kind;
    const char *type;
    bool none, messages, all; /* may it be sent again with this setting? */
} rules[] = {
    {"a message",            XF_STANZA_MESSAGE,  NULL,          false, true,  true},
    {"an error",             XF_STANZA_MESSAGE,  "error",       true,  true,  true},
    {"presence",             XF_STANZA_PRESENCE, NULL,          false, true,  true},
    {"unavailable presence", XF_STANZA_PRESENCE, "unavailable", true,  true,  true},
    {"a request",            XF_STANZA_IQ,       "get",         false, false, true},
    {"a result",             XF_STANZA_IQ,       "result",      true,  true,  true},
    {"an error of a request", XF_STANZA_IQ,      "error",       true,  true,  true},
};

#define BODY "<body>hi</body>"
#define FROM_A "<delay xmlns=\"urn:xmpp:delay\" from=\"a.example\""
static const struct {
    const char *label;
    enum xf_stanza_kind kind;
    const char *payload, *want, *type;
} stamps[] = {
    {"a message",                   XF_STANZA_MESSAGE,  BODY, FROM_A " stamp=\"2023-11-14T22:13:10Z\"/>" BODY, NULL},
    {"one without payload",         XF_STANZA_MESSAGE,  "",   FROM_A " stamp=\"2023-11-14T22:13:10Z\"/>", NULL},
    {"one that was stamped before", XF_STANZA_MESSAGE,  BODY FROM_A " stamp=\"x\"/>", BODY FROM_A " stamp=\"x\"/>", NULL},
    {"one stamped by another",      XF_STANZA_MESSAGE,  "<delay xmlns=\"urn:xmpp:delay\" from=\"b.example\" stamp=\"x\"/>",
     "<delay xmlns=\"urn:xmpp:delay\" from=\"b.example\" stamp=\"x\"/>", NULL},
    {"an error",                    XF_STANZA_MESSAGE,  "",   "", "error"},
    {"presence",                    XF_STANZA_PRESENCE, "",   "", NULL},
};

#define KEY "0123456789abcdefghijkl"
static const struct {
    const char *label, *id;
    bool is_one;
    unsigned number;
} ids[] = {
    {"one of ours",          "xfedd-x-" KEY "-7",          true, 7},
    {"another prefix",       "xfedd-y-" KEY "-7",          false, 0},
    {"no number",            "xfedd-x-" KEY "-",           false, 0},
    {"no separator",         "xfedd-x-" KEY "77",          false, 0},
    {"a number with a tail", "xfedd-x-" KEY "-7a",         false, 0},
    {"too large a number",   "xfedd-x-" KEY "-4294967296", false, 0},
    {"only the prefix",      "xfedd-x-",                   false, 0},
};
/* clang-format on */

START_TEST(may_resend)
{
    struct xf_stanza stanza = {.kind = rules[_i].kind};
    if (rules[_i].type)
        stanza.type = xf_span_of(rules[_i].type);
    ck_assert_msg(xf_resend_may(XF_RESEND_NONE, &stanza) == rules[_i].none &&
                      xf_resend_may(XF_RESEND_MESSAGES, &stanza) == rules[_i].messages &&
                      xf_resend_may(XF_RESEND_ALL, &stanza) == rules[_i].all,
                  "%s", rules[_i].label);
}
END_TEST

static int64_t unix_s(struct xf_env *env)
{
    (void)env;
    return 1700000000; /* 2023-11-14T22:13:20Z */
}

START_TEST(stamps_messages_once)
{
    static struct xf_clock ten_seconds = {.now_ms = 15000};
    struct xf_env env = {.clock = &ten_seconds, .unix_s = unix_s};
    struct xf_stanza stanza = {.kind = stamps[_i].kind, .payload = xf_span_of(stamps[_i].payload)};
    struct xf_buf room;
    if (stamps[_i].type)
        stanza.type = xf_span_of(stamps[_i].type);
    xf_buf_init(&room, 1000);
    xf_delay_stamp(&stanza, XF_SPAN("a.example"), xf_resend_came_s(&env, 5000), &room);
    ck_assert_msg(xf_span_is(stanza.payload, stamps[_i].want), "%s: %.*s", stamps[_i].label,
                  XF_SPAN_ARGS(stanza.payload));
    xf_buf_release(&room);
}
END_TEST

START_TEST(reads_ids)
{
    struct xf_ping_id id = {0};
    bool is_one = xf_ping_id_read(xf_span_of(ids[_i].id), "xfedd-x-", &id);
    ck_assert_msg(is_one == ids[_i].is_one && id.number == ids[_i].number, "%s", ids[_i].label);
    if (is_one)
        ck_assert_msg(xf_span_is(id.key, KEY), "%s", ids[_i].label);
}
END_TEST

START_TEST(reads_what_it_wrote)
{
    char text[XF_PING_ID_BYTES], key[XF_ID_CHARS + 1];
    struct xf_ping_id id;
    memset(key, 'k', XF_ID_CHARS);
    key[XF_ID_CHARS] = '\0';
    xf_ping_id_write(text, "xfedd-x-", key, 4294967295u);
    ck_assert(xf_ping_id_read(xf_span_of(text), "xfedd-x-", &id));
    ck_assert(xf_span_is(id.key, key));
    ck_assert_uint_eq(id.number, 4294967295u);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resend");
    TCase *tcase = tcase_create("resend");
    tcase_add_loop_test(tcase, may_resend, 0, XF_ARRAY_LEN(rules));
    tcase_add_loop_test(tcase, stamps_messages_once, 0, XF_ARRAY_LEN(stamps));
    tcase_add_loop_test(tcase, reads_ids, 0, XF_ARRAY_LEN(ids));
    tcase_add_test(tcase, reads_what_it_wrote);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
