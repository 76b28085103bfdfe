/* SPDX-License-Identifier: MIT */
/* Durations, sizes and times for people. */
#include <xfed/base/readable.h>

#include <check.h>
#include <stdlib.h>

#include <xfed/base/err.h>

static const struct {
    uint64_t ms;
    const char *want;
} durations[] = {
    {0, "0 ms"},           {999, "999 ms"},     {1000, "1.0 s"},        {59999, "59.9 s"},
    {60000, "1 min"},      {3599999, "59 min"}, {3600000, "1 h 0 min"}, {86399999, "23 h 59 min"},
    {90000000, "1 d 1 h"},
};

START_TEST(durations_have_one_or_two_units)
{
    char text[XF_READABLE_BYTES];
    ck_assert_str_eq(xf_readable_duration(durations[_i].ms, text), durations[_i].want);
}
END_TEST

static const struct {
    uint64_t bytes;
    const char *want;
} sizes[] = {
    {0, "0 B"},        {1023, "1023 B"},      {1024, "1.0 KiB"},
    {1536, "1.5 KiB"}, {5u << 20, "5.0 MiB"}, {3ull << 40, "3.0 TiB"},
};

START_TEST(sizes_have_a_unit)
{
    char text[XF_READABLE_BYTES];
    ck_assert_str_eq(xf_readable_bytes(sizes[_i].bytes, text), sizes[_i].want);
}
END_TEST

START_TEST(times_are_of_the_zone)
{
    char text[XF_READABLE_BYTES];
    setenv("TZ", "UTC-2", 1);
    ck_assert_str_eq(xf_readable_local_time(1795971900, text), "2026-11-29 19:05:00");
    ck_assert_str_eq(xf_readable_utc_time(1795971900, text), "2026-11-29 17:05:00");
    ck_assert_str_eq(xf_readable_utc_date(1795971900, text), "2026-11-29");
    ck_assert_str_eq(xf_readable_utc_date(INT64_MAX, text), "?");
}
END_TEST

static const struct {
    int64_t left_s;
    const char *want;
} lefts[] = {
    {-1, "EXPIRED"},       {0, "less than a day left"},  {86399, "less than a day left"},
    {86400, "1 day left"}, {30 * 86400, "30 days left"},
};

START_TEST(what_is_left_is_in_days)
{
    char text[XF_READABLE_BYTES];
    ck_assert_str_eq(xf_readable_left(1000000 + lefts[_i].left_s, 1000000, text), lefts[_i].want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("readable");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, durations_have_one_or_two_units, 0, XF_ARRAY_LEN(durations));
    tcase_add_loop_test(tcase, sizes_have_a_unit, 0, XF_ARRAY_LEN(sizes));
    tcase_add_test(tcase, times_are_of_the_zone);
    tcase_add_loop_test(tcase, what_is_left_is_in_days, 0, XF_ARRAY_LEN(lefts));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
