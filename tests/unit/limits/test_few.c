/* SPDX-License-Identifier: MIT */
/* test_few.c — whose work is begun, and when. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/limits/few.h>

#define MOST  2
#define NAMES 6

static struct xf_few few;
static struct xf_few_entry entries[NAMES];
static char begun[64];
static int leaves; /* who leaves when the next work begins; -1: nobody */

/*
 * "+a": a waits; "a": its work is done, and the next ones begin; "-a": it leaves; "!a": it leaves
 * when the next work begins. Begun is whose work was, and "?a" work that is done though a has left.
 */
static const struct {
    const char *label, *script, *begun;
} cases[] = {
    {"there is room", "+a +b", "ab"},
    {"the others wait", "+a +b +c +d", "ab"},
    {"in the order in which they came", "+a +b +c +d b a c", "abcd"},
    {"one that is done waits again, behind the others", "+a +b +c a +a b c", "abca"},
    {"one leaves that waits", "+a +b +c +d -c a b", "abd"},
    {"one leaves whose work is out: its turn is free", "+a +b +c -a", "abc"},
    {"... and what it asked for is of no use", "+a +b +c -a a", "abc?a"},
    {"... and it may wait again", "+a +b +c -a +a b", "abca"},
    {"leaving twice, or without having come, is nothing", "-a +a +b -a -a +c +d b", "abcd"},
    {"one that waits leaves while another begins", "+a +b +c +d !d a b", "abc"},
    {"one that is out leaves while another begins", "+a +b +c +d +e !b a", "abcd"},
};

static void begin(struct xf_few_entry *entry)
{
    size_t len = strlen(begun);
    int leaver = leaves;
    leaves = -1;
    begun[len] = (char)('a' + (entry - entries));
    if (leaver >= 0)
        xf_few_leave(&few, &entries[leaver]);
}

static void done(struct xf_few_entry *entry)
{
    if (!xf_few_done(&few, entry)) {
        size_t len = strlen(begun);
        snprintf(begun + len, sizeof(begun) - len, "?%c", (char)('a' + (entry - entries)));
    }
    xf_few_go_on(&few);
}

static void play(const char *script)
{
    for (const char *at = script; *at; at += strspn(at, " ")) {
        char verb = *at;
        const char *name = at + (strchr("+-!", verb) != NULL);
        struct xf_few_entry *entry = &entries[*name - 'a'];
        if (verb == '+')
            xf_few_wait(&few, entry);
        else if (verb == '-')
            xf_few_leave(&few, entry);
        else if (verb == '!')
            leaves = *name - 'a';
        else
            done(entry);
        ck_assert_uint_le(few.out, MOST);
        at = name + 1;
    }
}

START_TEST(turns)
{
    memset(entries, 0, sizeof(entries));
    memset(begun, 0, sizeof(begun));
    leaves = -1;
    xf_few_init(&few, MOST, begin);
    play(cases[_i].script);
    ck_assert_msg(strcmp(begun, cases[_i].begun) == 0, "%s: %s, not %s", cases[_i].label, begun,
                  cases[_i].begun);
    for (size_t i = 0; i < NAMES; i++)
        xf_few_leave(&few, &entries[i]);
    ck_assert_uint_eq(few.out, 0);
    ck_assert(xf_list_is_empty(&few.waiting));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("few");
    TCase *tc = tcase_create("few");
    tcase_add_loop_test(tc, turns, 0, sizeof(cases) / sizeof(cases[0]));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
