/* SPDX-License-Identifier: MIT */
/*
 * test_merge.c — what nodes know of a peer becomes the same entry, in whatever order they learn it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/crypto.h>

#include "history_priv.h"

/* ------------------------------------------------------------------ single values */

static const struct auth_row {
    const char *label;
    enum xf_history_auth a;
    int64_t a_lowered_s;
    enum xf_history_auth b;
    int64_t b_lowered_s;
    enum xf_history_auth merged;
} auth_rows[] = {
    {"the strongest", XF_HISTORY_DIALBACK_TLS, 0, XF_HISTORY_EXTERNAL, 0, XF_HISTORY_EXTERNAL},
    {"the same", XF_HISTORY_DIALBACK_TLS, 0, XF_HISTORY_DIALBACK_TLS, 0, XF_HISTORY_DIALBACK_TLS},
    {"a weaker one was accepted", XF_HISTORY_DIALBACK_TLS, 5, XF_HISTORY_EXTERNAL, 0,
     XF_HISTORY_DIALBACK_TLS},
    {"the later acceptance", XF_HISTORY_DIALBACK_CLEAR, 6, XF_HISTORY_DIALBACK_TLS, 5,
     XF_HISTORY_DIALBACK_CLEAR},
    {"accepted at the same time", XF_HISTORY_DIALBACK_CLEAR, 5, XF_HISTORY_DIALBACK_TLS, 5,
     XF_HISTORY_DIALBACK_TLS},
    {"stronger again since then", XF_HISTORY_DIALBACK_CLEAR, 5, XF_HISTORY_EXTERNAL, 5,
     XF_HISTORY_EXTERNAL},
};

START_TEST(auth)
{
    const struct auth_row *row = &auth_rows[_i];
    struct xf_history_entry a = {.auth = row->a, .lowered_s = row->a_lowered_s},
                            b = {.auth = row->b, .lowered_s = row->b_lowered_s}, other = b;
    xf_history_entry_merge(&other, &a);
    xf_history_entry_merge(&a, &b);
    ck_assert_msg(a.auth == row->merged, "%s: %d", row->label, a.auth);
    ck_assert_msg(other.auth == row->merged, "%s, the other way round: %d", row->label, other.auth);
}
END_TEST

static struct xf_history_key key_of(int byte, enum xf_history_ground ground, int64_t first_s,
                                    int64_t last_s)
{
    struct xf_history_key key = {.ground = ground, .first_s = first_s, .last_s = last_s};
    memset(key.spki_sha256, byte, sizeof(key.spki_sha256));
    return key;
}

START_TEST(times_and_keys)
{
    struct xf_history_entry a = {.first_s = 10, .last_s = 90, .key_count = 2},
                            b = {.first_s = 20, .last_s = 99, .key_count = 4};
    a.keys[0] = key_of(1, XF_HISTORY_GROUND_CA, 10, 90);
    a.keys[1] = key_of(2, XF_HISTORY_GROUND_NONE, 10, 50);
    b.keys[0] = key_of(3, XF_HISTORY_GROUND_NONE, 20, 99);
    b.keys[1] = key_of(2, XF_HISTORY_GROUND_PIN, 5, 40);
    b.keys[2] = key_of(5, XF_HISTORY_GROUND_NONE, 20, 30);
    b.keys[3] = key_of(4, XF_HISTORY_GROUND_NONE, 20, 30);
    xf_history_entry_merge(&a, &b);
    ck_assert_int_eq(a.first_s, 10);
    ck_assert_int_eq(a.last_s, 99);
    ck_assert_uint_eq(a.key_count, XF_HISTORY_KEYS);
    static const int order[] = {3, 1, 2, 4}; /* 4 and 5 were seen at once: by their bytes */
    for (size_t i = 0; i < XF_ARRAY_LEN(order); i++)
        ck_assert_int_eq(a.keys[i].spki_sha256[0], order[i]);
    ck_assert_int_eq(a.keys[2].ground, XF_HISTORY_GROUND_PIN);
    ck_assert_int_eq(a.keys[2].first_s, 5);
    ck_assert_int_eq(a.keys[2].last_s, 50);
}
END_TEST

/* ------------------------------------------------------------------ laws */

static struct xf_history_entry random_entry(void)
{
    struct xf_history_entry entry = {.auth = (enum xf_history_auth)xf_rand_below(3),
                                     .first_s = xf_rand_below(4),
                                     .last_s = 4 + xf_rand_below(4),
                                     .lowered_s = xf_rand_below(3)};
    entry.key_count = xf_rand_below(XF_HISTORY_KEYS + 1);
    for (size_t i = 0; i < entry.key_count; i++)
        entry.keys[i] =
            key_of((int)(2 * i + xf_rand_below(2)), (enum xf_history_ground)xf_rand_below(4),
                   xf_rand_below(3), 3 + xf_rand_below(3));
    struct xf_history_entry sorted = entry;
    xf_history_entry_merge(&sorted, &entry);
    return sorted;
}

static struct xf_history_entry merged(struct xf_history_entry a, const struct xf_history_entry *b)
{
    xf_history_entry_merge(&a, b);
    return a;
}

static bool has_same_keys(const struct xf_history_entry *a, const struct xf_history_entry *b)
{
    bool is_same = a->key_count == b->key_count;
    for (size_t i = 0; i < a->key_count && is_same; i++)
        is_same = a->keys[i].last_s == b->keys[i].last_s &&
                  memcmp(a->keys[i].spki_sha256, b->keys[i].spki_sha256, 32) == 0;
    return is_same;
}

static void must_be(const char *law, const struct xf_history_entry *a,
                    const struct xf_history_entry *b)
{
    ck_assert_msg(a->auth == b->auth && a->lowered_s == b->lowered_s, "%s: auth", law);
    ck_assert_msg(a->first_s == b->first_s && a->last_s == b->last_s, "%s: times", law);
    ck_assert_msg(has_same_keys(a, b), "%s: keys", law);
    /* A key that was pushed out may have come back without its first time and ground. */
    ck_assert_msg(a->key_count == XF_HISTORY_KEYS || xf_history_entry_eq(a, b), "%s", law);
}

START_TEST(order_and_number_make_no_difference)
{
    for (int i = 0; i < 20000; i++) {
        struct xf_history_entry a = random_entry(), b = random_entry(), c = random_entry();
        struct xf_history_entry ab = merged(a, &b), ba = merged(b, &a), bc = merged(b, &c);
        struct xf_history_entry ab_c = merged(ab, &c), a_bc = merged(a, &bc), aba = merged(ab, &a);
        must_be("a + b = b + a", &ab, &ba);
        must_be("(a + b) + c = a + (b + c)", &ab_c, &a_bc);
        must_be("(a + b) + a = a + b", &aba, &ab);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history/merge");
    TCase *tcase = tcase_create("merge");
    tcase_add_loop_test(tcase, auth, 0, (int)XF_ARRAY_LEN(auth_rows));
    tcase_add_test(tcase, times_and_keys);
    tcase_add_test(tcase, order_and_number_make_no_difference);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
