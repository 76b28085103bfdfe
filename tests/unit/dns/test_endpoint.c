/* SPDX-License-Identifier: MIT */
/* test_endpoint.c — the order of SRV records is that of RFC 2782. */
#include "endpoint_priv.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/err.h>

#define DRAWS 20000

static void set(struct xf_endpoint *endpoint, uint16_t priority, uint16_t weight,
                const char *target)
{
    *endpoint = (struct xf_endpoint){.priority = priority, .weight = weight, .port = 5269};
    snprintf(endpoint->target, sizeof(endpoint->target), "%s", target);
}

START_TEST(lower_priority_comes_first)
{
    struct xf_endpoint endpoints[4];

    for (int i = 0; i < 200; i++) {
        set(&endpoints[0], 30, 65535, "c");
        set(&endpoints[1], 10, 0, "a");
        set(&endpoints[2], 20, 1, "b");
        set(&endpoints[3], 65535, 9, "d");
        xf_endpoints_order(endpoints, 4);
        ck_assert_str_eq(endpoints[0].target, "a");
        ck_assert_str_eq(endpoints[1].target, "b");
        ck_assert_str_eq(endpoints[2].target, "c");
        ck_assert_str_eq(endpoints[3].target, "d");
    }
}
END_TEST

/*
 * Chance to be first. RFC 2782 draws from 0 to the sum, both included: of weights 0 and w the zero
 * is first once in w + 1, and without zeros a drawn 0 goes to whoever stands in front. The bounds
 * are five standard deviations wide: one run in some millions fails by chance.
 */
static const struct {
    const char *label;
    uint16_t weights[4];
    size_t count;
    double first[4];
} shares[] = {
    {"one", {7}, 1, {1.0}},
    {"all zero are equal", {0, 0, 0, 0}, 4, {0.25, 0.25, 0.25, 0.25}},
    {"in proportion",
     {60, 20, 20},
     3,
     {(60 + 1.0 / 3) / 101, (20 + 1.0 / 3) / 101, (20 + 1.0 / 3) / 101}},
    {"zero beside one", {0, 1}, 2, {0.5, 0.5}},
    {"zero beside nine", {0, 9}, 2, {0.1, 0.9}},
    {"two zeros beside 98", {0, 98, 0}, 3, {0.5 / 99, 98.0 / 99, 0.5 / 99}},
    {"largest weights", {65535, 65535}, 2, {0.5, 0.5}},
};

static void count_firsts(const uint16_t *weights, size_t count, unsigned firsts[4])
{
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        struct xf_endpoint endpoints[4];

        for (size_t i = 0; i < count; i++)
            set(&endpoints[i], 5, weights[i], (const char *[]){"0", "1", "2", "3"}[i]);
        xf_endpoints_order(endpoints, count);
        firsts[endpoints[0].target[0] - '0']++;
    }
}

START_TEST(first_is_drawn_by_weight)
{
    unsigned firsts[4] = {0};

    count_firsts(shares[_i].weights, shares[_i].count, firsts);
    for (size_t i = 0; i < shares[_i].count; i++) {
        double want = shares[_i].first[i], got = (double)firsts[i] / DRAWS;
        double bound = 5 * sqrt(want * (1 - want) / DRAWS) + 1e-9;

        ck_assert_msg(got >= want - bound && got <= want + bound,
                      "%s: %zu is first in %.4f, not in %.4f", shares[_i].label, i, got, want);
    }
}
END_TEST

/* After the first, the rest is drawn in the same way: with 50 in front, 10 and 30 are second by (30
 * + 1/2) / 41. */
START_TEST(second_is_drawn_by_weight)
{
    unsigned seen = 0, second_is_two = 0;

    for (unsigned draw = 0; draw < DRAWS; draw++) {
        struct xf_endpoint endpoints[3];

        set(&endpoints[0], 5, 50, "0");
        set(&endpoints[1], 5, 10, "1");
        set(&endpoints[2], 5, 30, "2");
        xf_endpoints_order(endpoints, 3);
        if (endpoints[0].target[0] != '0')
            continue;
        seen++;
        second_is_two += endpoints[1].target[0] == '2';
    }
    double got = (double)second_is_two / seen;
    ck_assert_msg(got > 0.70 && got < 0.78, "2 is second in %.3f, not in 0.744",
                  got); /* 30.5 / 41 */
}
END_TEST

START_TEST(nothing_is_lost_or_doubled)
{
    struct xf_endpoint endpoints[128];

    for (size_t i = 0; i < 128; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%zu", i);
        set(&endpoints[i], (uint16_t)(i % 3), (uint16_t)(i % 5 * 16000), name);
    }
    xf_endpoints_order(endpoints, 128);

    bool seen[128] = {false};
    for (size_t i = 0; i < 128; i++) {
        size_t id = strtoul(endpoints[i].target, NULL, 10);
        ck_assert_msg(!seen[id], "%zu twice", id);
        seen[id] = true;
        ck_assert(i == 0 || endpoints[i - 1].priority <= endpoints[i].priority);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns/endpoint");
    TCase *order = tcase_create("order");

    tcase_add_test(order, lower_priority_comes_first);
    tcase_add_loop_test(order, first_is_drawn_by_weight, 0, XF_ARRAY_LEN(shares));
    tcase_add_test(order, second_is_drawn_by_weight);
    tcase_add_test(order, nothing_is_lost_or_doubled);
    suite_add_tcase(suite, order);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
