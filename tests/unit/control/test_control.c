/* SPDX-License-Identifier: MIT */
/* test_control.c — who may do what. */
#include "../../../src/control/control_priv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xfed/base/err.h>

#define READERS 71
#define ADMINS  72
#define NOBODY  65534

/* clang-format off */
static const struct {
    const char *label;
    uid_t uid;
    gid_t gid;
    gid_t groups[3];
    size_t group_count;
    enum xf_right want;
} users[] = {
    {"root",                          0,      0,       {0},              0, XF_RIGHT_ACT},
    {"nobody of ours",                NOBODY, NOBODY,  {0},              0, XF_RIGHT_NONE},
    {"another group",                 NOBODY, 70,      {69, 73},         2, XF_RIGHT_NONE},
    {"a reader by the first group",   NOBODY, READERS, {0},              0, XF_RIGHT_SEE},
    {"a reader by a further group",   NOBODY, NOBODY,  {1, 2, READERS},  3, XF_RIGHT_SEE},
    {"an admin by the first group",   NOBODY, ADMINS,  {0},              0, XF_RIGHT_ACT},
    {"both",                          NOBODY, NOBODY,  {READERS, ADMINS}, 2, XF_RIGHT_ACT},
    {"a group behind those that count", NOBODY, NOBODY, {1, ADMINS},     1, XF_RIGHT_NONE},
};
/* clang-format on */

static const gid_t readers[] = {READERS}, admins[] = {1000, ADMINS};

START_TEST(rights_follow_the_groups)
{
    struct xf_control control = {
        .opts = {.reader_count = XF_ARRAY_LEN(readers), .admin_count = XF_ARRAY_LEN(admins)},
        .readers = (gid_t *)readers,
        .admins = (gid_t *)admins,
    };
    struct xf_pipe_peer peer = {
        .uid = users[_i].uid, .gid = users[_i].gid, .group_count = users[_i].group_count};
    for (size_t i = 0; i < users[_i].group_count; i++)
        peer.groups[i] = users[_i].groups[i];
    ck_assert_msg(xf_control_right_of(&control, &peer) == users[_i].want, "%s", users[_i].label);
}
END_TEST

START_TEST(our_own_user_may_act)
{
    struct xf_control control = {0};
    struct xf_pipe_peer peer = {.uid = geteuid(), .gid = NOBODY};
    ck_assert_int_eq(xf_control_right_of(&control, &peer), XF_RIGHT_ACT);
}
END_TEST

START_TEST(verbs_that_change_something_need_the_right)
{
    static const char *const acts[] = {"close",  "retry", "flush", "federation", "log",
                                       "reload", "drain", "page",  "check",      "forget"};
    static const char *const looks[] = {"status", "peers",   "peer",  "streams",
                                        "queue",  "explain", "trace", "alarms"};
    for (size_t i = 0; i < XF_ARRAY_LEN(acts); i++)
        ck_assert_int_eq(xf_verb_find(acts[i])->right, XF_RIGHT_ACT);
    for (size_t i = 0; i < XF_ARRAY_LEN(looks); i++)
        ck_assert_int_eq(xf_verb_find(looks[i])->right, XF_RIGHT_SEE);
    ck_assert_ptr_null(xf_verb_find("statu"));
    ck_assert_ptr_null(xf_verb_find(""));
}
END_TEST

START_TEST(a_token_is_good_for_an_hour)
{
    struct xf_control_token token = {0};
    char first[XF_ID_CHARS + 1];
    ck_assert(!xf_control_token_is(&token, 1, "")); /* nobody has one yet */
    xf_control_token_make(&token, 1000, 7, 8);
    snprintf(first, sizeof(first), "%s", token.text);
    ck_assert(xf_control_token_is(&token, 1000, first));
    ck_assert(xf_control_token_is(&token, 1000 + XF_CONTROL_TOKEN_MS - 1, first));
    ck_assert(!xf_control_token_is(&token, 1000 + XF_CONTROL_TOKEN_MS, first));
    ck_assert(!xf_control_token_is(&token, 1000, ""));
    ck_assert(!xf_control_token_is(&token, 1000, "A"));
    ck_assert_int_eq(token.uid, 7);
}
END_TEST

START_TEST(a_new_token_ends_the_one_before)
{
    struct xf_control_token token = {0};
    char first[XF_ID_CHARS + 1];
    xf_control_token_make(&token, 1, 0, 1);
    snprintf(first, sizeof(first), "%s", token.text);
    xf_control_token_make(&token, 1, 0, 1);
    ck_assert(!xf_control_token_is(&token, 1, first));
    ck_assert(xf_control_token_is(&token, 1, token.text));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    tcase_add_loop_test(tcase, rights_follow_the_groups, 0, XF_ARRAY_LEN(users));
    tcase_add_test(tcase, a_token_is_good_for_an_hour);
    tcase_add_test(tcase, a_new_token_ends_the_one_before);
    tcase_add_test(tcase, our_own_user_may_act);
    tcase_add_test(tcase, verbs_that_change_something_need_the_right);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
