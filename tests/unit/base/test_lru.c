/* SPDX-License-Identifier: MIT */
/* test_lru.c — which value goes first, and that nothing else does. */
#include <xfed/base/lru.h>

#include <check.h>
#include <stdlib.h>
#include <xfed/base/err.h>

static struct xf_lru lru;
static struct xf_lru_entry entries[5]; /* of the names "a" to "e" */

static struct xf_lru_entry *entry_of(char name)
{
    return &entries[name - 'a'];
}

/* One step a letter: capitals are held, small ones rest, `-a` removes. A new one is put in. */
static void play(const char *steps)
{
    for (; *steps; steps++) {
        bool removes = *steps == '-', holds = *steps >= 'A' && *steps <= 'E';
        char name = removes ? *++steps : holds ? (char)(*steps - 'A' + 'a') : *steps;
        struct xf_lru_entry *entry = entry_of(name);
        struct xf_span key = {&name, 1};
        if (!xf_lru_find(&lru, key))
            xf_lru_add(&lru, key, entry);
        if (removes)
            xf_lru_remove(&lru, entry);
        else if (holds)
            xf_lru_hold(&lru, entry);
        else
            xf_lru_rest(&lru, entry);
    }
}

/* clang-format off */
static const struct {
    const char *label, *steps, *order; /* of those that rest, oldest first */
    size_t count;                      /* held ones too */
} cases[] = {
    {"nothing",                        "",         "",     0},
    {"as they came",                   "abc",      "abc",  3},
    {"a new one is held",              "Aab",      "ab",   2},
    {"use makes the newest",           "abca",     "bca",  3},
    {"use of the newest",              "abcc",     "abc",  3},
    {"held ones are not in the order", "abcB",     "ac",   3},
    {"held twice",                     "abcBB",    "ac",   3},
    {"held, then at rest again",       "abcAa",    "bca",  3},
    {"the oldest removed",             "abc-a",    "bc",   2},
    {"one in the middle removed",      "abc-b",    "ac",   2},
    {"a held one removed",             "abcB-b",   "ac",   2},
    {"removed and put in again",       "abc-aa",   "bca",  3},
    {"all held",                       "abAB",     "",     2},
    {"five",                           "abcdeCda", "beda", 5},
};
/* clang-format on */

START_TEST(the_least_recently_used_goes_first)
{
    const char *label = cases[_i].label, *order = cases[_i].order;
    struct xf_lru_entry *entry;
    memset(entries, 0, sizeof(entries));
    xf_lru_init(&lru);
    play(cases[_i].steps);
    ck_assert_msg(xf_lru_count(&lru) == cases[_i].count, "%s", label);
    ck_assert_msg(lru.resting_count == strlen(order), "%s", label);
    for (; (entry = xf_lru_oldest(&lru)); order++) {
        ck_assert_msg(entry == entry_of(*order), "%s: not %c", label, *order);
        ck_assert_msg(entry->key.len == 1 && *entry->key.ptr == *order, "%s", label);
        xf_lru_remove(&lru, entry);
    }
    ck_assert_msg(!*order && lru.resting_count == 0, "%s", label);
    for (size_t cursor = 0; xf_lru_next(&lru, &cursor, &entry);)
        xf_lru_remove(&lru, entry);
    ck_assert_msg(xf_lru_count(&lru) == 0, "%s", label);
    xf_lru_fini(&lru);
}
END_TEST

START_TEST(a_key_outlives_what_it_was_made_from)
{
    char name[] = "peer.example";
    xf_lru_init(&lru);
    xf_lru_add(&lru, xf_span_of(name), &entries[0]);
    name[0] = 'x';
    ck_assert(xf_span_is(entries[0].key, "peer.example"));
    ck_assert(xf_lru_find(&lru, XF_SPAN("peer.example")) == &entries[0]);
    ck_assert_ptr_null(xf_lru_find(&lru, XF_SPAN("xeer.example")));
    xf_lru_remove(&lru, &entries[0]);
    xf_lru_fini(&lru);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/lru");
    TCase *tc = tcase_create("lru");
    tcase_add_loop_test(tc, the_least_recently_used_goes_first, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, a_key_outlives_what_it_was_made_from);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
