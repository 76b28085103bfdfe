/* SPDX-License-Identifier: MIT */
/* Times for programs. */
#include <xfed/base/timestamp.h>

#include <check.h>
#include <stdlib.h>

#include <xfed/base/err.h>

static const struct {
    int64_t unix_ms;
    const char *seconds, *milliseconds;
} stamps[] = {
    {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
    {1795971900007, "2026-11-29T17:05:00Z", "2026-11-29T17:05:00.007Z"},
    {1795971900999, "2026-11-29T17:05:00Z", "2026-11-29T17:05:00.999Z"},
    {253402300799999, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"},
    {253402300800000, "", ""},
    {-1000, "", ""},
    {INT64_MAX, "", ""},
};

START_TEST(timestamps_are_in_utc)
{
    char text[XF_TIMESTAMP_BYTES];
    ck_assert_str_eq(xf_timestamp_s(stamps[_i].unix_ms / 1000, text), stamps[_i].seconds);
    ck_assert_str_eq(xf_timestamp_ms(stamps[_i].unix_ms, text), stamps[_i].milliseconds);
}
END_TEST

int main(void)
{
    setenv("TZ", "UTC-2", 1);
    Suite *suite = suite_create("timestamp");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, timestamps_are_in_utc, 0, XF_ARRAY_LEN(stamps));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
