/* SPDX-License-Identifier: MIT */
/* test_quota.c — who gets a place among the unauthenticated conns, and whose it is when all are taken. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xfed/base/alloc.h>

#include "quota_priv.h"

#define PLACES_MAX 4096

static struct xf_quota quota;
static struct {
    struct xf_place place;
    char host[XF_ADDR_TEXT_BYTES];
} holders[PLACES_MAX];
static size_t holder_count;

static void open_quota(void)
{
    xf_quota_init(&quota);
    holder_count = 0;
    memset(holders, 0, sizeof(holders));
}

static void close_quota(void)
{
    for (size_t i = 0; i < holder_count; i++)
        xf_quota_give(&quota, &holders[i].place);
    xf_quota_fini(&quota);
}

/* "ok", the word of the refusal, or the host whose place was taken. */
static const char *come(const char *host, const struct xf_quota_limits *limits, uint64_t now_ms)
{
    struct xf_addr addr;
    struct xf_place *evicted = NULL;
    ck_assert_uint_lt(holder_count, PLACES_MAX);
    ck_assert_int_eq(xf_addr_parse(xf_span_of(host), 1, &addr), XF_ERR_OK);
    snprintf(holders[holder_count].host, XF_ADDR_TEXT_BYTES, "%s", host);
    const char *full = xf_quota_take(&quota, &holders[holder_count].place, &addr, limits, now_ms, &evicted);
    if (full) {
        ck_assert_ptr_null(evicted);
        return full;
    }
    holder_count++;
    if (!evicted)
        return "ok";
    for (size_t i = 0; i < holder_count; i++)
        if (&holders[i].place == evicted)
            return holders[i].host;
    ck_abort_msg("a place of nobody");
}

/* Conns in the order in which they come: host, its result; "+5000" lets time pass. */
static const struct {
    const char *label;
    struct xf_quota_limits limits;
    const char *come[24];
} cases[] = {
    {"an address has its own number", {2, 10, 10},
     {"192.0.2.1", "ok", "192.0.2.1", "ok", "192.0.2.1", "address", "+9000", "192.0.2.1", "address", "192.0.2.2", "ok"}},
    {"IPv4 over an IPv6 socket is the same address", {2, 10, 10},
     {"192.0.2.1", "ok", "[::ffff:192.0.2.1]", "ok", "192.0.2.1", "address"}},
    {"a full network: the address that has most gives way, its oldest first", {3, 4, 10},
     {"192.0.2.1", "ok", "192.0.2.2", "ok", "192.0.2.2", "ok", "192.0.2.2", "ok", "192.0.2.9", "192.0.2.2"}},
    {"... not one that has as many", {3, 4, 10},
     {"192.0.2.1", "ok", "192.0.2.2", "ok", "192.0.2.3", "ok", "192.0.2.4", "ok", "192.0.2.9", "network"}},
    {"... unless it is slow", {3, 4, 10},
     {"192.0.2.1", "ok", "192.0.2.2", "ok", "+4000", "192.0.2.3", "ok", "192.0.2.4", "ok", "192.0.2.9", "network", "+1000",
      "192.0.2.9", "192.0.2.1", "192.0.2.8", "192.0.2.2", "192.0.2.7", "network"}},
    {"... and never for one that has more already", {3, 3, 10},
     {"192.0.2.1", "ok", "192.0.2.2", "ok", "192.0.2.2", "ok", "+9000", "192.0.2.2", "network"}},
    {"an IPv6 network is a /48", {3, 2, 10},
     {"[2001:db8:1::1]", "ok", "[2001:db8:1:ffff::1]", "ok", "[2001:db8:1:2::1]", "network", "[2001:db8:2::1]", "ok"}},
    {"all full: the fullest network gives way, its fullest address, its oldest", {9, 9, 6},
     {"192.0.2.1", "ok", "192.0.2.2", "ok", "192.0.2.2", "ok", "198.51.100.1", "ok", "198.51.100.1", "ok", "203.0.113.1", "ok",
      "203.0.113.9", "192.0.2.2", "198.51.100.2", "total"}},
    {"all full of single ones: a slow one gives way", {9, 9, 2},
     {"192.0.2.1", "ok", "198.51.100.1", "ok", "203.0.113.1", "total", "+5000", "203.0.113.1", "192.0.2.1", "192.0.2.1",
      "198.51.100.1", "198.51.100.1", "total"}},
    {"all full of slow ones: not for a network that has as many", {9, 9, 2},
     {"192.0.2.1", "ok", "198.51.100.1", "ok", "+9000", "192.0.2.2", "total"}},
};

START_TEST(a_place_is_found_or_not)
{
    uint64_t now_ms = 1000;
    open_quota();
    for (const char *const *step = cases[_i].come; *step; step++) {
        if (**step == '+') {
            now_ms += strtoul(*step, NULL, 10);
            continue;
        }
        const char *got = come(step[0], &cases[_i].limits, now_ms);
        ck_assert_msg(strcmp(got, step[1]) == 0, "%s: %s (step %d): %s, not %s", cases[_i].label, step[0],
                      (int)(step - cases[_i].come), got, step[1]);
        step++;
    }
    close_quota();
}
END_TEST

/* A flood from 20 networks, each up to its number, holds all places; 300 good peers, one after the other, get in all the same. */
START_TEST(a_flood_does_not_keep_good_peers_out)
{
    static const struct xf_quota_limits limits = {20, 100, 2000};
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

/* At the limit every newcomer costs the same few look-ups: 200,000 of them in well under a second of processor time. */
START_TEST(refusals_are_cheap)
{
    static const struct xf_quota_limits limits = {20, 100, 2000};
    char host[32];
    open_quota();
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(host, sizeof(host), "10.%u.%u.1", i / 250, i % 250);
        ck_assert_str_eq(come(host, &limits, 0), "ok");
    }
    clock_t began = clock(); /* others may have the processor meanwhile */
    for (unsigned i = 0; i < 200000; i++)
        ck_assert_str_eq(come("10.0.7.9", &limits, 9000), "total");
    ck_assert_int_lt((clock() - began) / CLOCKS_PER_SEC, 5);
    close_quota();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/quota");
    TCase *tc = tcase_create("quota");
    tcase_add_loop_test(tc, a_place_is_found_or_not, 0, XF_ARRAY_LEN(cases));
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
