/* SPDX-License-Identifier: MIT */
/* test_map.c — find, replace, remove and walk, also against a plain model and under long churn. */
#include <xfed/base/map.h>

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/err.h>

#define MODEL_NAMES 3000

static struct xf_span name_of(unsigned number, char out[32])
{
    return (struct xf_span){out, (size_t)snprintf(out, 32, "host-%u.example", number)};
}

START_TEST(finds_what_was_set)
{
    struct xf_map *map = xf_map_new();
    int a, b;

    ck_assert_ptr_null(xf_map_find(map, XF_SPAN("a")));
    ck_assert_ptr_null(xf_map_set(map, XF_SPAN("a"), &a));
    ck_assert_ptr_null(xf_map_set(map, XF_SPAN("b"), &b));
    ck_assert_ptr_eq(xf_map_find(map, XF_SPAN("a")), &a);
    ck_assert_ptr_eq(xf_map_find(map, XF_SPAN("b")), &b);
    ck_assert_uint_eq(xf_map_count(map), 2);
    ck_assert_ptr_eq(xf_map_set(map, XF_SPAN("a"), &b), &a);
    ck_assert_ptr_eq(xf_map_find(map, XF_SPAN("a")), &b);
    ck_assert_uint_eq(xf_map_count(map), 2);
    ck_assert_ptr_eq(xf_map_remove(map, XF_SPAN("a")), &b);
    ck_assert_ptr_null(xf_map_remove(map, XF_SPAN("a")));
    ck_assert_uint_eq(xf_map_count(map), 1);
    xf_map_free(&map);
    ck_assert_ptr_null(map);
    xf_map_free(&map);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    struct xf_span a, b;
} pairs[] = {
    {"other case",              XF_SPAN_INIT("a.example"), XF_SPAN_INIT("A.example")},
    {"prefix",                  XF_SPAN_INIT("a.example"), XF_SPAN_INIT("a.exampl")},
    {"empty and something",     XF_SPAN_INIT(""),          XF_SPAN_INIT("a")},
    {"a NUL at the end",        XF_SPAN_INIT("a"),         XF_SPAN_INIT("a\0")},
    {"bytes behind a NUL",      XF_SPAN_INIT("a\0b"),      XF_SPAN_INIT("a\0c")},
};
/* clang-format on */

START_TEST(tells_keys_apart)
{
    struct xf_map *map = xf_map_new();
    int a, b;

    xf_map_set(map, pairs[_i].a, &a);
    ck_assert_msg(!xf_map_find(map, pairs[_i].b), "%s", pairs[_i].label);
    xf_map_set(map, pairs[_i].b, &b);
    ck_assert_msg(xf_map_find(map, pairs[_i].a) == &a, "%s", pairs[_i].label);
    ck_assert_msg(xf_map_find(map, pairs[_i].b) == &b, "%s", pairs[_i].label);
    xf_map_free(&map);
}
END_TEST

START_TEST(copies_keys)
{
    struct xf_map *map = xf_map_new();
    char key[] = "abc";
    int value;

    xf_map_set(map, xf_span_of(key), &value);
    key[0] = 'x';
    ck_assert_ptr_eq(xf_map_find(map, XF_SPAN("abc")), &value);
    xf_map_free(&map);
}
END_TEST

/* A model of plain flags says what must be in the map after each step. */
START_TEST(agrees_with_a_model)
{
    static int values[MODEL_NAMES];
    bool there[MODEL_NAMES] = {false};
    struct xf_map *map = xf_map_new();
    unsigned seed = (unsigned)_i + 1;
    size_t count = 0;
    char key[32];

    for (int step = 0; step < 60000; step++) {
        /* Phases of growth and decline, so that the table is resized both ways. */
        unsigned n = (unsigned)rand_r(&seed) % MODEL_NAMES;
        bool grow = (unsigned)rand_r(&seed) % 10 < (step / 10000 % 2 ? 1 : 8);
        struct xf_span name = name_of(n, key);
        void *old = grow ? xf_map_set(map, name, &values[n]) : xf_map_remove(map, name);

        if (old != (there[n] ? &values[n] : NULL))
            ck_abort_msg("step %d", step);
        count += (size_t)grow - (size_t)there[n];
        there[n] = grow;
        if (xf_map_count(map) != count)
            ck_abort_msg("step %d", step);
    }
    for (unsigned n = 0; n < MODEL_NAMES; n++)
        ck_assert_ptr_eq(xf_map_find(map, name_of(n, key)), there[n] ? &values[n] : NULL);
    xf_map_free(&map);
}
END_TEST

static const unsigned walked_counts[] = {0, 1, 2, 8, 9, 100, 1000};

/* A walk sees each entry once, whichever of them are removed on the way: 0 to 4 of each 4. */
START_TEST(a_walk_sees_each_entry_once)
{
    static int values[1000];
    unsigned seen[1000] = {0}, removed = 0;
    unsigned entries = walked_counts[(size_t)_i / 5], remove_of_4 = (unsigned)_i % 5;
    struct xf_map *map = xf_map_new();
    size_t cursor = 0;
    struct xf_span key;
    void *value;
    char name[32];

    for (unsigned n = 0; n < entries; n++)
        xf_map_set(map, name_of(n, name), &values[n]);
    while (xf_map_next(map, &cursor, &key, &value)) {
        unsigned n = (unsigned)((int *)value - values);

        ck_assert(xf_span_eq(key, name_of(n, name)));
        seen[n]++;
        if (n % 4 < remove_of_4) {
            ck_assert_ptr_eq(xf_map_remove(map, key), value);
            removed++;
        }
    }
    for (unsigned n = 0; n < entries; n++)
        ck_assert_uint_eq(seen[n], 1);
    ck_assert_uint_eq(xf_map_count(map), entries - removed);
    ck_assert(!xf_map_next(map, &cursor, NULL, NULL));
    xf_map_free(&map);
}
END_TEST

/* A walk that takes long: others add and remove meanwhile. */
START_TEST(walk_with_changes_meets_all_that_stay)
{
    static int values[200];
    unsigned seen[200] = {0};
    struct xf_map *map = xf_map_new();
    size_t cursor = 0;
    void *value;
    char name[32];

    for (unsigned n = 0; n < 100; n++)
        xf_map_set(map, name_of(n, name), &values[n]);
    for (unsigned step = 0; xf_map_next(map, &cursor, NULL, &value); step++) {
        seen[(int *)value - values]++;
        if (step < 100)
            xf_map_set(map, name_of(100 + step, name), &values[100 + step]);
        for (unsigned n = step; step % 7 == 0 && n < 200; n += 3)
            if (n % 2)
                (void)xf_map_remove(map, name_of(n, name));
    }
    for (unsigned n = 0; n < 100; n += 2)
        ck_assert_uint_ge(seen[n], 1);
    xf_map_free(&map);
}
END_TEST

/* With tombstones a search for a name that is not there would end up reading the whole table. */
START_TEST(churn_leaves_no_trace)
{
    struct xf_map *map = xf_map_new();
    char key[32];
    int value;

    for (unsigned n = 0; n < 500; n++)
        xf_map_set(map, name_of(n, key), &value);
    for (unsigned n = 500; n < 300000; n++) {
        xf_map_set(map, name_of(n, key), &value);
        if (xf_map_remove(map, name_of(n - 500, key)) != &value ||
            xf_map_find(map, name_of(n + 1, key)))
            ck_abort_msg("name %u", n);
    }
    ck_assert_uint_eq(xf_map_count(map), 500);
    xf_map_free(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, finds_what_was_set);
    tcase_add_loop_test(tcase, tells_keys_apart, 0, XF_ARRAY_LEN(pairs));
    tcase_add_test(tcase, copies_keys);
    tcase_add_loop_test(tcase, agrees_with_a_model, 0, 3);
    tcase_add_loop_test(tcase, a_walk_sees_each_entry_once, 0, 5 * XF_ARRAY_LEN(walked_counts));
    tcase_add_test(tcase, walk_with_changes_meets_all_that_stay);
    tcase_add_test(tcase, churn_leaves_no_trace);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
