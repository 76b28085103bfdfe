/* SPDX-License-Identifier: MIT */
/*
 * test_table.c — a bounded number of peers: who is forgotten when there are too many, and how often
 * an alarm comes.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/history/history.h>

#define DAY_S     (24 * 3600)
#define PEERS_MAX 8

static struct xf_history *history;

static void open_memory(void)
{
    ck_assert_int_eq(xf_history_open(&(struct xf_history_opts){.file = "", .max_peers = PEERS_MAX},
                                     &history, NULL),
                     XF_ERR_OK);
}

static void close_memory(void)
{
    xf_history_free(&history);
    ck_assert_ptr_null(history);
    xf_history_free(&history);
}

static void see(const char *peer, int64_t now_s)
{
    xf_history_note(history, xf_span_of(peer), true,
                    &(struct xf_history_sight){.auth = XF_HISTORY_DIALBACK_TLS}, now_s);
}

static bool knows(const char *peer)
{
    return xf_history_find(history, xf_span_of(peer), true) != NULL;
}

/* clang-format off */
/* "a b c": one after the other, a second apart; "+1d" lets a day pass. Then the names that are known, in the order of the alphabet. */
static const struct {
    const char *label, *seen, *known;
} rows[] = {
    {"room for all", "a b c", "abc"},
    {"as many as there is room for", "a b c d e f g h", "abcdefgh"},
    {"the one that was silent longest goes", "a b c d e f g h i", "bcdefghi"},
    {"who was seen again stays", "a b c d e f g h a i j", "adefghij"},
    {"the young give way to the young", "a b c d +1d a b c d e f g h i j k l", "abcdijkl"},
    {"a flood of new names costs none of the old", "a b c d e f +1d a b c d e f g h i j k l m n o p q r s t", "abcdefst"},
    {"the old let the young have a quarter", "a b c d e f g h +1d a b c d e f g h i j k l m n", "cdefghmn"},
};
/* clang-format on */

static int64_t play(const char *seen)
{
    int64_t now_s = 1000000;
    char name[2] = "";
    for (const char *c = seen; *c; c++) {
        if (*c == '+') {
            now_s += DAY_S;
            c += 2;
        } else if (*c != ' ') {
            name[0] = *c;
            see(name, now_s++);
        }
    }
    return now_s;
}

START_TEST(forgets)
{
    char known[32] = "", name[2] = "";
    size_t count = 0;
    play(rows[_i].seen);
    for (name[0] = 'a'; name[0] <= 'z'; name[0]++)
        if (knows(name))
            known[count++] = name[0];
    ck_assert_msg(strcmp(known, rows[_i].known) == 0, "%s: %s, wanted %s", rows[_i].label, known,
                  rows[_i].known);
    ck_assert_uint_eq(xf_history_count(history), count);
}
END_TEST

START_TEST(has_one_place_for_both_directions)
{
    see("a", 1);
    struct xf_history_sight sight = {.auth = XF_HISTORY_EXTERNAL, .has_key = true};
    xf_history_note(history, XF_SPAN("a"), false, &sight, 2);
    ck_assert_uint_eq(xf_history_count(history), 1);
    ck_assert_int_eq(xf_history_find(history, XF_SPAN("a"), true)->auth, XF_HISTORY_DIALBACK_TLS);
    ck_assert_int_eq(xf_history_find(history, XF_SPAN("a"), false)->auth, XF_HISTORY_EXTERNAL);
    xf_history_forget(history, XF_SPAN("a"));
    xf_history_forget(history, XF_SPAN("a"));
    ck_assert_ptr_null(xf_history_find(history, XF_SPAN("a"), false));
    ck_assert_uint_eq(xf_history_count(history), 0);
}
END_TEST

START_TEST(takes_no_name_that_is_none)
{
    char longest[1024];
    memset(longest, 'a', sizeof(longest));
    struct xf_history_sight sight = {.auth = XF_HISTORY_EXTERNAL};
    xf_history_note(history, XF_SPAN(""), true, &sight, 1);
    xf_history_note(history, XF_SPAN_NONE, true, &sight, 1);
    xf_history_note(history, (struct xf_span){longest, 1024}, true, &sight, 1);
    ck_assert_uint_eq(xf_history_count(history), 0);
    xf_history_note(history, (struct xf_span){longest, 1023}, true, &sight, 1);
    ck_assert_uint_eq(xf_history_count(history), 1);
}
END_TEST

/* Steps of the clock, and whether the alarm is due then. */
static const struct {
    const char *label;
    uint64_t at_ms;
    bool is_inbound;
    enum xf_history_change alarm;
    bool want;
} alarms[] = {
    {"the first", 1000, true, XF_HISTORY_WEAKER, true},
    {"at once again", 1000, true, XF_HISTORY_WEAKER, false},
    {"of another kind", 2000, true, XF_HISTORY_KEY_CHANGED, true},
    {"of the direction that is not known", 2000, false, XF_HISTORY_WEAKER, false},
    {"a moment before the hour is over", 3600999, true, XF_HISTORY_WEAKER, false},
    {"after the hour", 3601000, true, XF_HISTORY_WEAKER, true},
    {"and again not", 3601001, true, XF_HISTORY_WEAKER, false},
};

START_TEST(alarms_once_an_hour)
{
    see("a", 1);
    for (size_t i = 0; i < XF_ARRAY_LEN(alarms); i++)
        ck_assert_msg(xf_history_alarm_is_due(history, XF_SPAN("a"), alarms[i].is_inbound,
                                              alarms[i].alarm, alarms[i].at_ms) == alarms[i].want,
                      "%s", alarms[i].label);
    ck_assert(!xf_history_alarm_is_due(history, XF_SPAN("b"), true, XF_HISTORY_CLEAR, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history/table");
    TCase *tcase = tcase_create("table");
    tcase_add_checked_fixture(tcase, open_memory, close_memory);
    tcase_add_loop_test(tcase, forgets, 0, XF_ARRAY_LEN(rows));
    tcase_add_test(tcase, has_one_place_for_both_directions);
    tcase_add_test(tcase, takes_no_name_that_is_none);
    tcase_add_test(tcase, alarms_once_an_hour);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
