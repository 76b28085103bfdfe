/* SPDX-License-Identifier: MIT */
/*
 * test_presences.c — the table of presences: what it finds, its bounds, and that it charges for no
 * less than it uses; and the table of states of a repair.
 */
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "repair_priv.h"
#include "tables.h"

#define LOCAL "a.example"

static struct xf_presence_table table;

static void begin(void)
{
    xf_presence_table_init(&table);
    table.max_bytes = 1u << 20;
}

static void end(void)
{
    size_t cursor = 0;
    void *pair = NULL;
    while (xf_map_next(table.pairs, &cursor, NULL, &pair)) {
        xf_presences_leave(pair);
        xf_free(pair);
    }
    ck_assert_uint_eq(table.bytes, 0);
    xf_presence_table_fini(&table);
}

/* NULL: there was no room. */
static struct xf_presences *enter(const char *peer, bool is_stranger)
{
    struct xf_presences *pair = xf_new(struct xf_presences);
    if (xf_presences_enter(&table, pair, xf_span_of(LOCAL), xf_span_of(peer), is_stranger, 1))
        return pair;
    xf_free(pair);
    return NULL;
}

static struct xf_presence *add(struct xf_presences *pair, const char *from, const char *to)
{
    return xf_presence_add(pair, XF_PRESENCE_SEEN, XF_PRESENCE_CONTACT, xf_span_of(from),
                           xf_span_of(to));
}

static struct xf_presence *find(const char *from, const char *to)
{
    return xf_presence_find(&table, xf_span_of(from), xf_span_of(to));
}

START_TEST(finds_what_was_added)
{
    struct xf_presences *pair = enter("b.example", false);
    struct xf_presence *presence = add(pair, "v@b.example/x", "u@a.example");
    ck_assert_ptr_eq(find("v@b.example/x", "u@a.example"), presence);
    ck_assert_ptr_null(find("v@b.example/y", "u@a.example"));
    ck_assert_ptr_null(find("u@a.example", "v@b.example/x"));
    ck_assert(xf_span_is(xf_presence_from(presence), "v@b.example/x"));
    ck_assert(xf_span_is(xf_presence_to(presence), "u@a.example"));
    ck_assert_ptr_eq(xf_presences_find(&table, xf_span_of(LOCAL), xf_span_of("b.example")), pair);
    ck_assert_ptr_null(xf_presences_find(&table, xf_span_of(LOCAL), xf_span_of("c.example")));
}
END_TEST

START_TEST(lists_keep_their_order)
{
    struct xf_presences *pair = enter("b.example", false);
    struct xf_presence *one = add(pair, "one@b.example/x", "u@a.example"),
                       *two = add(pair, "two@b.example/x", "u@a.example");
    ck_assert_ptr_eq(xf_presence_first(pair, XF_PRESENCE_SEEN), one);
    xf_presence_move(one, XF_PRESENCE_GONE);
    ck_assert_ptr_eq(xf_presence_first(pair, XF_PRESENCE_SEEN), two);
    ck_assert_ptr_eq(xf_presence_first(pair, XF_PRESENCE_GONE), one);
    ck_assert(!xf_presences_is_empty(pair));
    xf_presence_drop(one);
    xf_presence_drop(two);
    ck_assert(xf_presences_is_empty(pair));
    ck_assert_ptr_null(find("one@b.example/x", "u@a.example"));
}
END_TEST

/* How many fit; each is of the same size. */
static unsigned fill(struct xf_presences *pair)
{
    char from[64];
    unsigned count = 0;
    do
        snprintf(from, sizeof(from), "v%06u@%.20s/x", count, pair->peer.ptr);
    while (add(pair, from, "u@a.example") && ++count);
    return count;
}

/* clang-format off */
static const struct {
    const char *label;
    bool is_stranger;
    size_t part; /* of max_bytes */
} shares[] = {
    {"a peer with a section has all", false, 1},
    {"an owner without one has an eighth", true, 8},
};
/* clang-format on */

START_TEST(is_bounded)
{
    struct xf_presences *pair = enter("b.example", shares[_i].is_stranger);
    (void)fill(pair);
    size_t bound = table.max_bytes / shares[_i].part;
    ck_assert_msg(pair->bytes <= bound && pair->bytes > bound - 256, "%s: %zu of %zu",
                  shares[_i].label, pair->bytes, bound);
}
END_TEST

/* Names below a domain cost nothing, so they share what their owner has. */
START_TEST(an_owner_gains_nothing_by_further_names)
{
    unsigned first = fill(enter("b.example", true));
    struct xf_presences *further = enter("x.b.example", true);
    ck_assert_uint_gt(first, 100);
    ck_assert(!further || fill(further) <= 4);
}
END_TEST

START_TEST(strangers_leave_half_for_the_named)
{
    char peer[32];
    for (int i = 0; i < 16; i++) {
        snprintf(peer, sizeof(peer), "p%02d.example", i);
        struct xf_presences *pair = enter(peer, true);
        if (pair)
            (void)fill(pair);
    }
    ck_assert_uint_le(table.bytes, table.max_bytes / 2);
    ck_assert_uint_gt(table.bytes, table.max_bytes / 2 - 4096);
    (void)fill(enter("named.example", false));
    ck_assert_uint_gt(table.bytes, table.max_bytes - 256);
}
END_TEST

START_TEST(nothing_fits_into_nothing)
{
    table.max_bytes = 0;
    ck_assert_ptr_null(enter("b.example", false));
    ck_assert_ptr_null(enter("c.example", true));
    ck_assert_uint_eq(table.bytes, 0);
}
END_TEST

static size_t in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* clang-format off */
static const struct {
    const char *label;
    int pairs, each;
} loads[] = {
    {"many presences of one pair", 1, 20000},
    {"many pairs of one presence", 5000, 1},
    {"some of each", 500, 20},
};
/* clang-format on */

START_TEST(charges_for_what_it_uses)
{
    char peer[64], from[128];
    size_t before = in_use();
    table.max_bytes = 64u << 20;
    for (int i = 0; i < loads[_i].pairs; i++) {
        snprintf(peer, sizeof(peer), "p%d.owner%d.example", i, i);
        /* as repair.c makes it: its own fields are charged with the pair */
        struct xf_repair *repair = xf_new(struct xf_repair);
        ck_assert(xf_presences_enter(&table, &repair->presences, xf_span_of(LOCAL),
                                     xf_span_of(peer), true, 1));
        for (int k = 0; k < loads[_i].each; k++) {
            snprintf(from, sizeof(from), "v%d@%s/x", k, peer);
            (void)add(&repair->presences, from, "u@a.example");
        }
    }
    size_t used = in_use() - before;
    ck_assert_msg(used <= table.bytes, "%s: uses %zu, charges %zu", loads[_i].label, used,
                  table.bytes);
}
END_TEST

/* ------------------------------------------------------------------ states */

/* clang-format off */
/* All moves, written apart from the table. */
static const struct table_move moves[] = {
    {XF_REPAIR_WELL,      XF_REPAIR_ON_FAILED, XF_REPAIR_LOST},
    {XF_REPAIR_WELL,      XF_REPAIR_ON_MISSED, XF_REPAIR_OWING},
    {XF_REPAIR_OWING,     XF_REPAIR_ON_FAILED, XF_REPAIR_LOST},
    {XF_REPAIR_OWING,     XF_REPAIR_ON_BACK,   XF_REPAIR_RETURNING},
    {XF_REPAIR_OWING,     XF_REPAIR_ON_DUE,    XF_REPAIR_WELL},
    {XF_REPAIR_LOST,      XF_REPAIR_ON_DUE,    XF_REPAIR_TELLING},
    {XF_REPAIR_LOST,      XF_REPAIR_ON_BACK,   XF_REPAIR_RETURNING},
    {XF_REPAIR_TELLING,   XF_REPAIR_ON_DONE,   XF_REPAIR_AWAY},
    {XF_REPAIR_TELLING,   XF_REPAIR_ON_BACK,   XF_REPAIR_RETURNING},
    {XF_REPAIR_AWAY,      XF_REPAIR_ON_BACK,   XF_REPAIR_RETURNING},
    {XF_REPAIR_RETURNING, XF_REPAIR_ON_FAILED, XF_REPAIR_LOST},
    {XF_REPAIR_RETURNING, XF_REPAIR_ON_MISSED, XF_REPAIR_OWING},
    {XF_REPAIR_RETURNING, XF_REPAIR_ON_DONE,   XF_REPAIR_WELL},
};
/* clang-format on */

START_TEST(states_are_as_expected)
{
    table_must_be(&xf_repair_machine, XF_REPAIR_RETURNING + 1, XF_REPAIR_ON_DONE + 1, moves,
                  XF_ARRAY_LEN(moves));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presences");
    TCase *tc = tcase_create("table");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, finds_what_was_added);
    tcase_add_test(tc, lists_keep_their_order);
    tcase_add_loop_test(tc, is_bounded, 0, XF_ARRAY_LEN(shares));
    tcase_add_test(tc, an_owner_gains_nothing_by_further_names);
    tcase_add_test(tc, strangers_leave_half_for_the_named);
    tcase_add_test(tc, nothing_fits_into_nothing);
    tcase_add_loop_test(tc, charges_for_what_it_uses, 0, XF_ARRAY_LEN(loads));
    tcase_add_test(tc, states_are_as_expected);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
