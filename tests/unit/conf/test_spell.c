/* SPDX-License-Identifier: MIT */
/* The nearest spelling: near enough to help, not so far that it misleads. */
#include <check.h>
#include <stdlib.h>

#include "conf_priv.h"

static const struct {
    const char *label, *a, *b;
    unsigned want;
} distances[] = {
    {"equal", "tls", "tls", 0},
    {"a letter too many", "tlss", "tls", 1},
    {"a letter missing", "tl", "tls", 1},
    {"another letter", "tks", "tls", 1},
    {"two letters swapped", "lts", "tls", 1},
    {"swapped in the middle", "dailback", "dialback", 1},
    {"swapped and one more", "dailbakc", "dialback", 2},
    {"to nothing", "", "tls", 3},
    {"nothing in common", "abc", "xyz", 3},
    {"other separator", "max_stanza", "max-stanza", 1},
};

static const struct {
    const char *word, *want;
} nearest[] = {
    {"tlss", "tls"},
    {"max_stanza", "max-stanza"},
    {"queuetime", "queue-time"},
    {"queue", NULL},
    {"xx", NULL},
    {"dail-back", "dialback"},
    {"tls", "tls"},
    {"", NULL},
    {"quue-bytes", "queue-bytes"},
};

START_TEST(distance_counts_edits)
{
    unsigned got = xf_spell_distance(distances[_i].a, distances[_i].b, 9);
    ck_assert_msg(got == distances[_i].want, "%s: %u", distances[_i].label, got);
    got = xf_spell_distance(distances[_i].b, distances[_i].a, 9);
    ck_assert_msg(got == distances[_i].want, "%s, the other way: %u", distances[_i].label, got);
}
END_TEST

START_TEST(nearest_is_what_was_meant)
{
    static const char *const words[] = {"tls",         "dialback",   "max-stanza",
                                        "max-streams", "queue-time", "queue-bytes"};
    ck_assert_pstr_eq(xf_spell_nearest(nearest[_i].word, words, XF_ARRAY_LEN(words)),
                      nearest[_i].want);
}
END_TEST

START_TEST(long_words_are_never_near)
{
    char word[300];
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    static const char *const words[] = {"tls"};
    ck_assert_ptr_null(xf_spell_nearest(word, words, 1));
    ck_assert_uint_gt(xf_spell_distance(word, word, 3), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/spell");
    TCase *tc = tcase_create("spell");
    tcase_add_loop_test(tc, distance_counts_edits, 0, XF_ARRAY_LEN(distances));
    tcase_add_loop_test(tc, nearest_is_what_was_meant, 0, XF_ARRAY_LEN(nearest));
    tcase_add_test(tc, long_words_are_never_near);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
