/* SPDX-License-Identifier: MIT */
/* test_guard.c — whose messages count, and how many. */
#include <check.h>
#include <stdlib.h>

#include "notify_priv.h"

#include <xfed/base/alloc.h>

static struct xf_texts operators;
static struct xf_guard guard;

static void setup(void)
{
    xf_texts_add(&operators, xf_strdup("alice@a.example"));
    xf_texts_add(&operators, xf_strdup("carol@b\xc3\xbc"
                                       "cher.example"));
    xf_guard_init(&guard, &operators);
}

static void teardown(void)
{
    xf_guard_release(&guard);
    xf_texts_release(&operators);
}

/* clang-format off */
static const struct {
    const char *label, *from, *type, *body;
    bool is_copy;
    const char *want; /* NULL: it passes; else why it is ignored */
} cases[] = {
    {"an operator",                      "alice@a.example/phone", "chat",      "x", false, NULL},
    {"without a type",                   "alice@a.example/phone", NULL,        "x", false, NULL},
    {"bare",                             "alice@a.example",       "normal",    "x", false, NULL},
    {"in another case",                  "Alice@A.Example/x",     "chat",      "x", false, NULL},
    {"in fullwidth letters, which are the same", "\xef\xbd\x81lice@a.example/x", "chat", "x", false, NULL},
    {"an IDN in A-labels",               "carol@xn--bcher-kva.example/x", "chat", "x", false, NULL},
    {"a resource that has a JID in it",  "mallory@m.example/alice@a.example", "chat", "x", false, "not-an-operator"},
    {"another user",                     "bob@a.example/x",       "chat",      "x", false, "not-an-operator"},
    {"the same user elsewhere",          "alice@b.example/x",     "chat",      "x", false, "not-an-operator"},
    {"a domain below",                   "alice@x.a.example/x",   "chat",      "x", false, "not-an-operator"},
    {"a Cyrillic a",                     "\xd0\xb0lice@a.example/x", "chat",   "x", false, "not-an-operator"},
    {"a domain with a Cyrillic a",       "alice@\xd0\xb0.example/x", "chat",   "x", false, "not-an-operator"},
    {"the domain alone",                 "a.example",             "chat",      "x", false, "not-an-operator"},
    {"no JID",                           "@",                     "chat",      "x", false, "not-an-operator"},
    {"not UTF-8",                        "alice\xff@a.example",   "chat",      "x", false, "not-an-operator"},
    {"nobody",                           NULL,                    "chat",      "x", false, "not-an-operator"},
    {"an error",                         "alice@a.example/x",     "error",     "x", false, "type"},
    {"a room",                           "alice@a.example/x",     "groupchat", "x", false, "type"},
    {"a headline",                       "alice@a.example/x",     "headline",  "x", false, "type"},
    {"no type that there is",            "alice@a.example/x",     "CHAT",      "x", false, "type"},
    {"a copy",                           "alice@a.example/x",     "chat",      "x", true,  "copy"},
    {"no text",                          "alice@a.example/x",     "chat",      NULL, false, "no-body"},
};
/* clang-format on */

START_TEST(only_operators_pass)
{
    const char *reason = NULL;
    const struct xf_notice_message message = {cases[_i].from, cases[_i].type, cases[_i].body,
                                              cases[_i].is_copy};
    enum xf_guard_ruling ruling = xf_guard_judge(&guard, &message, 1000, &reason);
    ck_assert_msg((ruling == XF_GUARD_PASS) == (cases[_i].want == NULL), "%s: %d", cases[_i].label,
                  ruling);
    if (cases[_i].want)
        ck_assert_msg(strcmp(reason, cases[_i].want) == 0, "%s: %s", cases[_i].label, reason);
}
END_TEST

/* So many messages pass of 200 that come in a time, and `slow` answers say that they are many. */
static const struct {
    const char *label;
    uint64_t every_ms;
    unsigned want, want_slow;
} paces[] = {
    {"at once", 0, XF_GUARD_BURST, 1},
    {"ten a second", 100, XF_GUARD_BURST + 3, 1},
    {"as many as may", XF_GUARD_EVERY_MS, 200, 0},
};

START_TEST(an_operator_has_an_allowance)
{
    const struct xf_notice_message alice = {"alice@a.example/x", "chat", "x", false},
                                   carol = {"carol@xn--bcher-kva.example", "chat", "x", false};
    unsigned passed = 0, slow = 0;
    const char *reason;
    for (uint64_t i = 0; i < 200; i++)
        switch (xf_guard_judge(&guard, &alice, 1000 + i * paces[_i].every_ms, &reason)) {
        case XF_GUARD_PASS:
            passed++;
            break;
        case XF_GUARD_SLOW:
            slow++;
            break;
        case XF_GUARD_IGNORE:
            ck_assert_str_eq(reason, "too-many");
            break;
        }
    ck_assert_msg(passed == paces[_i].want, "%s: %u pass", paces[_i].label, passed);
    ck_assert_msg(slow == paces[_i].want_slow, "%s: %u are told", paces[_i].label, slow);
    ck_assert_int_eq(xf_guard_judge(&guard, &carol, 1000, &reason), XF_GUARD_PASS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("notify/guard");
    TCase *tc = tcase_create("guard");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, only_operators_pass, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, an_operator_has_an_allowance, 0, XF_ARRAY_LEN(paces));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
