/* SPDX-License-Identifier: MIT */
/*
 * test_compare.c — what is seen of a peer against what is known of it, and what is remembered of
 * the two.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "history_priv.h"

#define FALL_S 5000

static struct xf_history_sight sight_of(enum xf_history_auth auth, int key,
                                        enum xf_history_ground ground)
{
    struct xf_history_sight sight = {.auth = auth, .ground = ground, .has_key = key != 0};
    memset(sight.spki_sha256, key, sizeof(sight.spki_sha256));
    return sight;
}

#define CLEAR    XF_HISTORY_DIALBACK_CLEAR
#define TLS      XF_HISTORY_DIALBACK_TLS
#define EXTERNAL XF_HISTORY_EXTERNAL
#define NONE     XF_HISTORY_GROUND_NONE
#define CA       XF_HISTORY_GROUND_CA
#define DANE     XF_HISTORY_GROUND_DANE
#define PIN      XF_HISTORY_GROUND_PIN

/* `before` and `now` are seen one after the other; a key of 0 is no certificate. */
static const struct {
    const char *label;
    struct {
        enum xf_history_auth auth;
        int key;
    } before;
    struct {
        enum xf_history_auth auth;
        int key;
        enum xf_history_ground ground;
    } now;
    const char *want;
} rows[] = {
    {"the same by EXTERNAL", {EXTERNAL, 1}, {EXTERNAL, 1, CA}, "same"},
    {"the same by dialback", {TLS, 1}, {TLS, 1, NONE}, "same"},
    {"the same in clear", {CLEAR, 0}, {CLEAR, 0, NONE}, "same"},
    {"stronger: clear to TLS", {CLEAR, 0}, {TLS, 1, NONE}, "same"},
    {"stronger: clear to EXTERNAL", {CLEAR, 0}, {EXTERNAL, 1, CA}, "same"},
    {"stronger: dialback to EXTERNAL", {TLS, 1}, {EXTERNAL, 1, CA}, "same"},
    {"a key where there was none", {TLS, 0}, {TLS, 1, NONE}, "same"},
    {"no key where there was one, by dialback", {TLS, 1}, {TLS, 0, NONE}, "same"},
    {"another key of a CA", {EXTERNAL, 1}, {EXTERNAL, 2, CA}, "key-explained"},
    {"another key in TLSA records", {EXTERNAL, 1}, {EXTERNAL, 2, DANE}, "key-explained"},
    {"another key with a pin", {TLS, 1}, {TLS, 2, PIN}, "key-explained"},
    {"another key, stronger, of a CA", {TLS, 1}, {EXTERNAL, 2, CA}, "key-explained"},
    {"another key of nobody", {TLS, 1}, {TLS, 2, NONE}, "key-changed"},
    {"another key of nobody, weaker", {EXTERNAL, 1}, {TLS, 2, NONE}, "key-changed"},
    {"another key of nobody, by EXTERNAL", {EXTERNAL, 1}, {EXTERNAL, 2, NONE}, "key-changed"},
    {"weaker with the same key", {EXTERNAL, 1}, {TLS, 1, NONE}, "weaker"},
    {"weaker with the same good key", {EXTERNAL, 1}, {TLS, 1, CA}, "weaker"},
    {"weaker without a key", {EXTERNAL, 1}, {TLS, 0, NONE}, "weaker"},
    {"weaker with another key of a CA", {EXTERNAL, 1}, {TLS, 2, CA}, "weaker"},
    {"EXTERNAL to clear", {EXTERNAL, 1}, {CLEAR, 0, NONE}, "clear"},
    {"TLS to clear", {TLS, 1}, {CLEAR, 0, NONE}, "clear"},
    {"TLS without a key to clear", {TLS, 0}, {CLEAR, 0, NONE}, "clear"},
};

START_TEST(compares)
{
    struct xf_history_entry known = {0};
    struct xf_history_sight before = sight_of(rows[_i].before.auth, rows[_i].before.key, NONE);
    struct xf_history_sight now =
        sight_of(rows[_i].now.auth, rows[_i].now.key, rows[_i].now.ground);
    xf_history_entry_take(&known, &before, false, 1);
    const char *got = xf_history_change_word(xf_history_compare(&known, &now));
    ck_assert_msg(strcmp(got, rows[_i].want) == 0, "%s: %s, wanted %s", rows[_i].label, got,
                  rows[_i].want);
}
END_TEST

START_TEST(knows_nobody_at_first)
{
    struct xf_history_sight now = sight_of(CLEAR, 0, NONE);
    ck_assert_int_eq(xf_history_compare(NULL, &now), XF_HISTORY_NEW);
}
END_TEST

START_TEST(only_falls_are_alarms)
{
    static const bool want[XF_HISTORY_CHANGE_COUNT] = {
        [XF_HISTORY_WEAKER] = true, [XF_HISTORY_KEY_CHANGED] = true, [XF_HISTORY_CLEAR] = true};
    for (int i = 0; i < XF_HISTORY_CHANGE_COUNT; i++)
        ck_assert_msg(xf_history_is_alarm((enum xf_history_change)i) == want[i], "%s",
                      xf_history_change_word((enum xf_history_change)i));
}
END_TEST

START_TEST(keeps_the_stronger)
{
    struct xf_history_entry known = {0};
    struct xf_history_sight strong = sight_of(EXTERNAL, 1, CA), weak = sight_of(TLS, 1, NONE),
                            clear = sight_of(CLEAR, 0, NONE);
    ck_assert(xf_history_entry_take(&known, &strong, false, 1));
    ck_assert(!xf_history_entry_take(&known, &weak, false, 2));
    ck_assert(!xf_history_entry_take(&known, &clear, false, 3));
    ck_assert_int_eq(known.auth, EXTERNAL);
    ck_assert_int_eq(known.keys[0].ground, CA);
    ck_assert_int_eq(known.keys[0].first_s, 1);
    ck_assert_int_eq(known.keys[0].last_s, 2);
    ck_assert_int_eq(known.last_s, 3);
    ck_assert(xf_history_entry_take(&known, &clear, true, FALL_S));
    ck_assert_int_eq(known.auth, CLEAR);
    ck_assert_uint_eq(known.key_count, 1);
}
END_TEST

START_TEST(keeps_four_keys)
{
    struct xf_history_entry known = {0};
    struct xf_history_sight sight;
    for (int key = 1; key <= 4; key++) {
        sight = sight_of(EXTERNAL, key, CA);
        xf_history_entry_take(&known, &sight, false, key);
    }
    sight = sight_of(EXTERNAL, 1, CA); /* again: 2 is now the one that was not seen for longest */
    ck_assert_int_eq(xf_history_compare(&known, &sight), XF_HISTORY_SAME);
    xf_history_entry_take(&known, &sight, false, 5);
    sight = sight_of(EXTERNAL, 9, CA);
    xf_history_entry_take(&known, &sight, false, 6);
    static const int want[] = {9, 1, 4, 3};
    ck_assert_uint_eq(known.key_count, 4);
    for (size_t i = 0; i < XF_ARRAY_LEN(want); i++)
        ck_assert_int_eq(known.keys[i].spki_sha256[0], want[i]);
    ck_assert_int_eq(known.keys[1].first_s, 1);
    sight = sight_of(EXTERNAL, 2, NONE);
    ck_assert_int_eq(xf_history_compare(&known, &sight), XF_HISTORY_KEY_CHANGED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history/compare");
    TCase *tcase = tcase_create("compare");
    tcase_add_loop_test(tcase, compares, 0, XF_ARRAY_LEN(rows));
    tcase_add_test(tcase, knows_nobody_at_first);
    tcase_add_test(tcase, only_falls_are_alarms);
    tcase_add_test(tcase, keeps_the_stronger);
    tcase_add_test(tcase, keeps_four_keys);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
