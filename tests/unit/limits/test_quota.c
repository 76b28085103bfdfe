/* SPDX-License-Identifier: MIT */
/* test_quota.c — who gets a place, and whose it is when all are taken. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xfed/base/alloc.h>
#include <xfed/base/err.h>
#include <xfed/limits/quota.h>

#define PLACES_MAX 4096

static struct xf_quota quota;
static struct holder {
    struct xf_place place;
    uint64_t used_ms;
    char name[32];
} holders[PLACES_MAX];
static size_t holder_count;

static uint64_t used(const struct xf_place *place)
{
    return XF_CONTAINER(place, struct holder, place)->used_ms;
}

static void open_quota(void)
{
    xf_quota_init(&quota, used);
    holder_count = 0;
    memset(holders, 0, sizeof(holders));
}

static void close_quota(void)
{
    for (size_t i = 0; i < holder_count; i++)
        xf_quota_give(&quota, &holders[i].place);
    xf_quota_fini(&quota);
}

/*
 * "x1" is of the group x, "10.0.7.9" of 10.0.7: all but the last character, or what stands before
 * the last dot.
 */
static struct xf_quota_keys keys_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t len = dot ? (size_t)(dot - name) : strlen(name) - 1;
    return (struct xf_quota_keys){.group = {name, len}, .member = xf_span_of(name)};
}

/* "ok", what is full, or the name whose place was taken. */
static const char *come(const char *name, const struct xf_quota_limits *limits, uint64_t now_ms)
{
    static const char *const words[] = {[XF_QUOTA_MEMBER_FULL] = "member",
                                        [XF_QUOTA_GROUP_FULL] = "group",
                                        [XF_QUOTA_ALL_FULL] = "all"};
    struct xf_quota_keys keys = keys_of(name);
    struct xf_place *evicted = NULL;
    ck_assert_uint_lt(holder_count, PLACES_MAX);
    struct holder *holder = &holders[holder_count];
    snprintf(holder->name, sizeof(holder->name), "%s", name);
    enum xf_quota_answer answer =
        xf_quota_take(&quota, &holder->place, &keys, limits, now_ms, &evicted);
    if (answer != XF_QUOTA_ROOM) {
        ck_assert_ptr_null(evicted);
        return words[answer];
    }
    holder_count++;
    return evicted ? XF_CONTAINER(evicted, struct holder, place)->name : "ok";
}

static void use(const char *name, uint64_t now_ms)
{
    for (size_t i = 0; i < holder_count; i++)
        if (xf_place_is_held(&holders[i].place) && strcmp(holders[i].name, name) == 0)
            holders[i].used_ms = now_ms;
}

/* clang-format off */
/* Who comes, and the result; "+5000" lets time pass, "!x1" uses the places of x1. */
static const struct {
    const char *label;
    struct xf_quota_limits limits;
    const char *come[24];
} cases[] = {
    {"a member has its own number", {2, 10, 10, 5000, false},
     {"x1", "ok", "x1", "ok", "x1", "member", "+9000", "x1", "member", "x2", "ok"}},
    {"... and may have an unused place of its own, if that is wanted", {2, 10, 10, 5000, true},
     {"x1", "ok", "x1", "ok", "+4000", "x1", "member", "+1000", "x1", "x1", "!x1", "x1", "member"}},
    {"a full group: the member that has most gives way, its longest unused first", {3, 4, 10, 5000, false},
     {"x1", "ok", "x2", "ok", "x2", "ok", "x2", "ok", "x9", "x2"}},
    {"... not one that has as many", {3, 4, 10, 5000, false},
     {"x1", "ok", "x2", "ok", "x3", "ok", "x4", "ok", "x9", "group"}},
    {"... unless it is not used", {3, 4, 10, 5000, false},
     {"x1", "ok", "x2", "ok", "+4000", "x3", "ok", "x4", "ok", "x9", "group", "+1000", "x9", "x1", "x8", "x2", "x7", "group"}},
    {"... and never for one that has more already", {3, 3, 10, 5000, false},
     {"x1", "ok", "x2", "ok", "x2", "ok", "+9000", "x2", "group"}},
    {"all full: the fullest group gives way, its fullest member, its longest unused", {9, 9, 6, 5000, false},
     {"x1", "ok", "x2", "ok", "x2", "ok", "y1", "ok", "y1", "ok", "z1", "ok", "z9", "x2", "y2", "all"}},
    {"all full of single ones: an unused one gives way", {9, 9, 2, 5000, false},
     {"x1", "ok", "y1", "ok", "z1", "all", "+5000", "z1", "x1", "x1", "y1", "y1", "all"}},
    {"all full of unused ones: not for a group that has as many", {9, 9, 2, 5000, false},
     {"x1", "ok", "y1", "ok", "+9000", "x2", "all"}},
    {"use is asked about: the one that was used stays", {9, 9, 2, 5000, false},
     {"x1", "ok", "y1", "ok", "+5000", "!x1", "z1", "y1"}},
    {"... also within the fullest group", {9, 9, 3, 5000, false},
     {"x1", "ok", "x2", "ok", "x3", "ok", "+10", "!x1", "!x2", "y1", "x1"}}, /* x1 and x2 are members of equal size: the first of them */
    {"... and when all are used nobody gives way", {9, 9, 2, 5000, false},
     {"x1", "ok", "y1", "ok", "+5000", "!x1", "!y1", "z1", "all"}},
    {"a limit of none", {9, 9, 0, 5000, true},
     {"x1", "all"}},
};
/* clang-format on */

START_TEST(a_place_is_found_or_not)
{
    uint64_t now_ms = 1000;
    open_quota();
    for (const char *const *step = cases[_i].come; *step; step++) {
        if (**step == '+') {
            now_ms += strtoul(*step, NULL, 10);
            continue;
        }
        if (**step == '!') {
            use(*step + 1, now_ms);
            continue;
        }
        const char *got = come(step[0], &cases[_i].limits, now_ms);
        ck_assert_msg(strcmp(got, step[1]) == 0, "%s: %s (step %d): %s, not %s", cases[_i].label,
                      step[0], (int)(step - cases[_i].come), got, step[1]);
        step++;
    }
    close_quota();
}
END_TEST

/* A look takes nothing. */
START_TEST(a_look_changes_nothing)
{
    static const struct xf_quota_limits limits = {9, 9, 2, 5000, false};
    struct xf_quota_keys keys = keys_of("y1");
    struct xf_place *victim;
    open_quota();
    (void)come("x1", &limits, 0);
    (void)come("x1", &limits, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(xf_quota_look(&quota, &keys, &limits, 1, &victim), XF_QUOTA_ROOM);
        ck_assert_ptr_eq(victim, &holders[0].place);
        ck_assert_uint_eq(xf_quota_count(&quota), 2);
    }
    close_quota();
}
END_TEST

START_TEST(crowds_have_size_and_weight)
{
    static const struct xf_quota_limits limits = {9, 9, 9, 5000, false};
    const struct xf_quota_keys first = keys_of("x1"), absent = keys_of("z1");
    open_quota();
    (void)come("x1", &limits, 0);
    (void)come("x2", &limits, 0);
    (void)come("y1", &limits, 0);
    xf_place_weigh(&holders[0].place, 100);
    xf_place_weigh(&holders[1].place, 20);
    xf_place_weigh(&holders[2].place, 3);
    xf_place_weigh(&holders[0].place, 50);
    ck_assert_uint_eq(xf_place_weight(&holders[1].place, XF_CROWD_MEMBER), 20);
    ck_assert_uint_eq(xf_place_weight(&holders[1].place, XF_CROWD_GROUP), 70);
    ck_assert_uint_eq(xf_place_weight(&holders[1].place, XF_CROWD_ALL), 73);
    for (enum xf_crowd_kind kind = 0; kind < XF_CROWD_KINDS; kind++)
        ck_assert_uint_eq(xf_quota_weight(&quota, &first, kind),
                          xf_place_weight(&holders[0].place, kind));
    ck_assert_uint_eq(xf_quota_weight(&quota, &absent, XF_CROWD_MEMBER), 0);
    ck_assert_uint_eq(xf_quota_weight(&quota, &absent, XF_CROWD_GROUP), 0);
    ck_assert_uint_eq(xf_quota_weight(&quota, &absent, XF_CROWD_ALL), 73);
    ck_assert_uint_eq(xf_place_crowd_size(&holders[1].place, XF_CROWD_MEMBER), 1);
    ck_assert_uint_eq(xf_place_crowd_size(&holders[1].place, XF_CROWD_GROUP), 2);
    ck_assert_uint_eq(xf_place_crowd_size(&holders[1].place, XF_CROWD_ALL), 3);
    xf_quota_give(&quota, &holders[0].place);
    ck_assert_uint_eq(xf_place_weight(&holders[1].place, XF_CROWD_GROUP), 20);
    ck_assert_uint_eq(xf_place_crowd_size(&holders[1].place, XF_CROWD_GROUP), 1);
    close_quota();
}
END_TEST

/*
 * A flood from 20 networks, each up to its number, holds all places; 300 good peers, one after the
 * other, get in all the same.
 */
START_TEST(a_flood_does_not_keep_good_peers_out)
{
    static const struct xf_quota_limits limits = {20, 100, 2000, 5000, false};
    char host[32];
    open_quota();
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(host, sizeof(host), "10.0.%u.%u", i % 20, i / 20 % 250);
        (void)come(host, &limits, 0);
    }
    ck_assert_uint_eq(xf_quota_count(&quota), 2000);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(host, sizeof(host), "172.16.%u.1", i % 250);
        const char *got = come(host, &limits, 1);
        ck_assert_msg(strncmp(got, "10.0.", 5) == 0, "good peer %u: %s", i, got);
    }
    ck_assert_uint_eq(xf_quota_count(&quota), 2000);
    close_quota();
}
END_TEST

/*
 * At the limit every newcomer costs the same few look-ups: 200,000 of them in well under a second
 * of processor time.
 */
START_TEST(refusals_are_cheap)
{
    static const struct xf_quota_limits limits = {20, 100, 2000, 5000, false};
    char host[32];
    open_quota();
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(host, sizeof(host), "10.%u.%u.1", i / 250, i % 250);
        ck_assert_str_eq(come(host, &limits, 0), "ok");
    }
    clock_t began = clock(); /* others may have the processor meanwhile */
    for (unsigned i = 0; i < 200000; i++)
        ck_assert_str_eq(come("10.0.7.9", &limits, 9000), "all");
    ck_assert_int_lt((clock() - began) / CLOCKS_PER_SEC, 5);
    close_quota();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits/quota");
    TCase *tc = tcase_create("quota");
    tcase_add_loop_test(tc, a_place_is_found_or_not, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, a_look_changes_nothing);
    tcase_add_test(tc, crowds_have_size_and_weight);
    tcase_add_test(tc, a_flood_does_not_keep_good_peers_out);
    tcase_add_test(tc, refusals_are_cheap);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
