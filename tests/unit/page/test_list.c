/* SPDX-License-Identifier: MIT */
/* test_list.c — which peers are shown, in which order, on which page; and what is read of a row. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "page_priv.h"

/* clang-format off */
static const struct xf_page_peer peers[] = {
    {.name = (char[]){"d.example"}, .state = XF_PEER_UP,      .queued = 1, .stanzas = 9, .was_heard = true, .heard_ms = 5, .cert_until_s = 200},
    {.name = (char[]){"b.example"}, .state = XF_PEER_FAILING, .queued = 7},
    {.name = (char[]){"a.example"}, .state = XF_PEER_UP,      .lacks_certificate = true, .was_heard = true, .heard_ms = 9, .cert_until_s = 100},
    {.name = (char[]){"c.example"}, .state = XF_PEER_IDLE},
    {.name = (char[]){"e.example"}, .state = XF_PEER_FAILED},
};

static const struct {
    const char *label, *query, *want; /* first letters */
} cases[] = {
    {"failing ones first",       "",                        "beadc"},
    {"by name",                  "sort=name",               "abcde"},
    {"by queue",                 "sort=queued",             "bdace"},
    {"by traffic",               "sort=traffic",            "dabce"},
    {"heard of lately",          "sort=heard",              "dabce"},
    {"whose certificate ends",   "sort=expiry",             "adbce"},
    {"no such order",            "sort=colour",             "beadc"},
    {"those that are up",        "show=up",                 "ad"},
    {"those that fail",          "show=failing",            "b"},
    {"without good certificate", "show=no-certificate",     "a"},
    {"no such state",            "show=%3Cb%3E",            "beadc"},
    {"by part of the name",      "q=D.EX",                  "d"},
    {"by no name",               "q=nobody",                ""},
    {"both",                     "show=up&q=a",             "ad"},
    {"a page behind the last",   "page=9&sort=name",        "abcde"},
    {"a page that is none",      "page=-1&sort=name",       "abcde"},
};
/* clang-format on */

START_TEST(chooses)
{
    const struct xf_page_peer *chosen[XF_ARRAY_LEN(peers)];
    struct xf_page_list_query query;
    char got[XF_ARRAY_LEN(peers) + 1] = "";
    xf_page_list_query_parse(xf_span_of(cases[_i].query), &query);
    size_t count = xf_page_list_choose(peers, XF_ARRAY_LEN(peers), &query, chosen);
    for (size_t i = 0; i < count; i++)
        got[i] = *chosen[i]->name;
    ck_assert_msg(strcmp(got, cases[_i].want) == 0, "%s: %s", cases[_i].label, got);
    ck_assert_uint_eq(query.page, 0);
}
END_TEST

/* clang-format off */
static const struct {
    size_t peers;
    const char *query;
    size_t page;
} pages[] = {
    {0, "", 0}, {0, "page=2", 0}, {50, "page=2", 0}, {51, "page=2", 1}, {51, "page=1", 0}, {51, "page=0", 0},
    {3000, "page=60", 59}, {3000, "page=61", 59}, {3000, "page=20000", 59}, {3000, "page=99999999999999999999", 0},
};
/* clang-format on */

START_TEST(stays_within_the_pages)
{
    static char name[] = "x";
    struct xf_page_peer *many = xf_alloc((pages[_i].peers + 1) * sizeof(*many));
    const struct xf_page_peer **chosen = xf_alloc((pages[_i].peers + 1) * sizeof(*chosen));
    struct xf_page_list_query query;
    for (size_t i = 0; i < pages[_i].peers; i++)
        many[i].name = name;
    xf_page_list_query_parse(xf_span_of(pages[_i].query), &query);
    ck_assert_uint_eq(xf_page_list_choose(many, pages[_i].peers, &query, chosen), pages[_i].peers);
    ck_assert_uint_eq(query.page, pages[_i].page);
    xf_free(chosen);
    xf_free(many);
}
END_TEST

static json_t *row_of(const char *text)
{
    json_t *row = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(row);
    return row;
}

START_TEST(reads_a_row)
{
    struct xf_page_peer peer;
    json_t *row =
        row_of("{\"peer\":\"b.example\",\"state\":\"failing\",\"queued\":{\"stanzas\":3},\"text\":"
               "\"t\",\"last_failure\":{\"detail\":\"d\",\"help\":\"h\"},\"in\":-1}");
    xf_page_peer_init(&peer, row);
    ck_assert_str_eq(peer.name, "b.example");
    ck_assert_str_eq(peer.error, "d");
    ck_assert_str_eq(peer.help, "h");
    ck_assert_str_eq(peer.auth, "");
    ck_assert_int_eq(peer.state, XF_PEER_FAILING);
    ck_assert_uint_eq(peer.queued, 3);
    ck_assert_uint_eq(peer.in, 0);
    xf_page_peer_fini(&peer);
    json_decref(row);
}
END_TEST

/* clang-format off */
static const struct {
    const char *row;
    enum xf_peer_state want;
} states[] = {
    {"{\"state\":\"idle\"}", XF_PEER_IDLE},
    {"{\"state\":\"idle\",\"reached\":true}", XF_PEER_IDLE},
    {"{\"state\":\"idle\",\"reached\":false}", XF_PEER_FAILED},
    {"{\"state\":\"up\",\"reached\":false}", XF_PEER_UP},
    {"{\"state\":\"switched-off\",\"reached\":false}", XF_PEER_OFF},
    {"{\"state\":\"sip-off\"}", XF_PEER_SIP_OFF},
    {"{}", XF_PEER_IDLE},
};
/* clang-format on */

START_TEST(knows_the_state)
{
    struct xf_page_peer peer;
    json_t *row = row_of(states[_i].row);
    xf_page_peer_init(&peer, row);
    ck_assert_msg(peer.state == states[_i].want, "%s: %d", states[_i].row, (int)peer.state);
    xf_page_peer_fini(&peer);
    json_decref(row);
}
END_TEST

START_TEST(samples_are_a_ring)
{
    struct xf_spark spark = {0};
    for (uint64_t i = 0; i < 2 * XF_SPARK_SAMPLES; i++)
        xf_spark_add(&spark, 10 * i);
    ck_assert_uint_eq(spark.count, XF_SPARK_SAMPLES);
    ck_assert_uint_eq(xf_spark_last(&spark), 10);
    xf_spark_add(&spark, 5); /* counters began anew */
    ck_assert_uint_eq(xf_spark_last(&spark), 0);
    xf_spark_add(&spark, 5 + ((uint64_t)1 << 40));
    ck_assert_uint_eq(xf_spark_last(&spark), UINT32_MAX);
    ck_assert_uint_eq(xf_spark_most(&spark), UINT32_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page/list");
    TCase *tcase = tcase_create("page/list");
    tcase_add_loop_test(tcase, chooses, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, stays_within_the_pages, 0, XF_ARRAY_LEN(pages));
    tcase_add_test(tcase, reads_a_row);
    tcase_add_loop_test(tcase, knows_the_state, 0, XF_ARRAY_LEN(states));
    tcase_add_test(tcase, samples_are_a_ring);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
