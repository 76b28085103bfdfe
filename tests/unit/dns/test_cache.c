/* SPDX-License-Identifier: MIT */
/* test_cache.c — answers live exactly as long as their TTL, and memory is bounded. */
#include "cache_priv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct xf_clock test_clock;
static struct xf_dns_cache *cache;

static void set_up(void)
{
    test_clock.now_ms = 1000;
    cache = xf_dns_cache_new(&test_clock, 10);
}

static void tear_down(void)
{
    xf_dns_cache_free(&cache);
}

static void put(const char *name, enum xf_dns_type type, size_t records, uint32_t ttl_s)
{
    struct xf_dns_record list[XF_DNS_RECORDS_MAX] = {0};
    struct xf_dns_answer answer = {.status = records ? XF_DNS_FOUND : XF_DNS_NXDOMAIN,
                                   .is_secure = true,
                                   .records = list,
                                   .count = records,
                                   .detail = "words"};

    for (size_t i = 0; i < records; i++) {
        list[i].port = (uint16_t)(i + 1);
        snprintf(list[i].target, sizeof(list[i].target), "%s-%zu", name, i);
    }
    xf_dns_cache_put(cache, name, type, &answer, ttl_s);
}

static bool has(const char *name, enum xf_dns_type type)
{
    return xf_dns_cache_find(cache, name, type) != NULL;
}

static const struct {
    const char *label;
    size_t records;
    uint32_t ttl_s;
    uint64_t after_ms;
    bool is_there;
} lives[] = {
    {"at once", 1, 5, 0, true},
    {"a millisecond before the end", 1, 5, 4999, true},
    {"at the end", 1, 5, 5000, false},
    {"long after", 1, 5, 1u << 30, false},
    {"TTL 0 is not kept", 1, 0, 0, false},
    {"TTL 1", 1, 1, 999, true},
    {"a day", 1, 86400, 86399999, true},
    {"negative before the end", 0, 60, 59999, true},
    {"negative at the end", 0, 60, 60000, false},
    {"negative without SOA (TTL 0)", 0, 0, 0, false},
};

START_TEST(entry_lives)
{
    put("b.example", XF_DNS_A, lives[_i].records, lives[_i].ttl_s);
    test_clock.now_ms += lives[_i].after_ms;
    ck_assert_msg(has("b.example", XF_DNS_A) == lives[_i].is_there, "%s", lives[_i].label);
    ck_assert_msg(xf_dns_cache_count(cache) == lives[_i].is_there, "%s: the dead stay",
                  lives[_i].label);
}
END_TEST

START_TEST(answer_comes_back_whole)
{
    put("b.example", XF_DNS_SRV, 3, 5);
    const struct xf_dns_answer *answer = xf_dns_cache_find(cache, "b.example", XF_DNS_SRV);

    ck_assert_ptr_nonnull(answer);
    ck_assert_int_eq(answer->status, XF_DNS_FOUND);
    ck_assert(answer->is_secure);
    ck_assert_uint_eq(answer->count, 3);
    ck_assert_uint_eq(answer->records[2].port, 3);
    ck_assert_str_eq(answer->records[2].target, "b.example-2");
    ck_assert_str_eq(answer->detail, "words");
}
END_TEST

START_TEST(types_and_names_are_apart)
{
    put("b.example", XF_DNS_A, 1, 5);
    ck_assert(!has("b.example", XF_DNS_AAAA));
    ck_assert(!has("b.example", XF_DNS_SRV));
    ck_assert(!has("b.exampl", XF_DNS_A));
    ck_assert(!has("xb.example", XF_DNS_A));
}
END_TEST

START_TEST(newer_answer_replaces)
{
    put("b.example", XF_DNS_A, 1, 5);
    put("b.example", XF_DNS_A, 2, 500);
    ck_assert_uint_eq(xf_dns_cache_count(cache), 1);
    test_clock.now_ms += 6000;
    ck_assert_uint_eq(xf_dns_cache_find(cache, "b.example", XF_DNS_A)->count, 2);
    put("b.example", XF_DNS_A, 1,
        0); /* may not be kept: then the old one is not true any more either */
    ck_assert(!has("b.example", XF_DNS_A));
}
END_TEST

START_TEST(failure_is_not_kept)
{
    struct xf_dns_answer answer = {.status = XF_DNS_FAILED, .detail = "SERVFAIL"};

    xf_dns_cache_put(cache, "b.example", XF_DNS_A, &answer, 60);
    ck_assert_uint_eq(xf_dns_cache_count(cache), 0);
}
END_TEST

START_TEST(flood_does_not_push_out_what_is_used)
{
    put("used.example", XF_DNS_A, 1, 500);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "x%d.example", i);
        put(name, XF_DNS_A, 1, 500);
        ck_assert(has("used.example", XF_DNS_A));
        ck_assert_uint_le(xf_dns_cache_count(cache), 10);
    }
    ck_assert(has("x999.example", XF_DNS_A));
    ck_assert(!has("x900.example", XF_DNS_A));
}
END_TEST

START_TEST(large_answers_are_bounded_together)
{
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "x%d.example", i);
        put(name, XF_DNS_A, XF_DNS_RECORDS_MAX, 500);
        ck_assert(has(name, XF_DNS_A));
    }
    ck_assert_uint_le(xf_dns_cache_bytes(cache), xf_dns_cache_bytes_max(10));
    ck_assert_uint_lt(xf_dns_cache_count(cache), 100);
}
END_TEST

/* 64 records of 4 KiB each, more than a message can bring: one such answer is kept, not ten. */
START_TEST(tlsa_data_is_bounded_together)
{
    static uint8_t data[XF_TLSA_DATA_MAX];
    struct xf_dns_record list[XF_DNS_RECORDS_MAX] = {0};
    struct xf_dns_answer answer = {
        .status = XF_DNS_FOUND, .records = list, .count = XF_DNS_RECORDS_MAX, .detail = "words"};

    for (size_t i = 0; i < XF_DNS_RECORDS_MAX; i++)
        list[i].tlsa = (struct xf_tlsa){3, 1, 0, data, sizeof(data)};
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof(name), "x%d.example", i);
        xf_dns_cache_put(cache, name, XF_DNS_TLSA, &answer, 500);
        ck_assert(has(name, XF_DNS_TLSA));
        ck_assert_uint_le(xf_dns_cache_bytes(cache), xf_dns_cache_bytes_max(10));
    }
    ck_assert_uint_eq(xf_dns_cache_count(cache), 1);
    test_clock.now_ms += 500000;
    ck_assert(!has("x99.example", XF_DNS_TLSA));
    ck_assert_uint_eq(xf_dns_cache_bytes(cache), 0);
}
END_TEST

START_TEST(tlsa_data_is_the_entrys_own)
{
    uint8_t first[] = {1, 2, 3}, second[] = {4};
    struct xf_dns_record list[2] = {{.tlsa = {3, 1, 1, first, sizeof(first)}},
                                    {.tlsa = {2, 0, 2, second, sizeof(second)}}};
    struct xf_dns_answer answer = {
        .status = XF_DNS_FOUND, .records = list, .count = 2, .detail = "words"};

    xf_dns_cache_put(cache, "b.example", XF_DNS_TLSA, &answer, 5);
    memset(first, 0, sizeof(first));
    memset(list, 0, sizeof(list));
    const struct xf_dns_answer *kept = xf_dns_cache_find(cache, "b.example", XF_DNS_TLSA);
    ck_assert_uint_eq(kept->count, 2);
    ck_assert_uint_eq(kept->records[0].tlsa.usage, 3);
    ck_assert_mem_eq(kept->records[0].tlsa.data, ((uint8_t[]){1, 2, 3}), 3);
    ck_assert_uint_eq(kept->records[1].tlsa.data_bytes, 1);
    ck_assert_uint_eq(kept->records[1].tlsa.data[0], 4);
    ck_assert_str_eq(kept->detail, "words");
}
END_TEST

START_TEST(cache_of_no_entries_keeps_nothing)
{
    xf_dns_cache_free(&cache);
    cache = xf_dns_cache_new(&test_clock, 0);
    put("b.example", XF_DNS_A, 1, 500);
    ck_assert_uint_eq(xf_dns_cache_count(cache), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns/cache");
    TCase *tc = tcase_create("cache");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, entry_lives, 0, (int)(sizeof(lives) / sizeof(lives[0])));
    tcase_add_test(tc, answer_comes_back_whole);
    tcase_add_test(tc, types_and_names_are_apart);
    tcase_add_test(tc, newer_answer_replaces);
    tcase_add_test(tc, failure_is_not_kept);
    tcase_add_test(tc, flood_does_not_push_out_what_is_used);
    tcase_add_test(tc, large_answers_are_bounded_together);
    tcase_add_test(tc, tlsa_data_is_bounded_together);
    tcase_add_test(tc, tlsa_data_is_the_entrys_own);
    tcase_add_test(tc, cache_of_no_entries_keeps_nothing);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
