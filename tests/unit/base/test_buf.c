/* SPDX-License-Identifier: MIT */
/* test_buf.c — content, ceiling and memory of struct xf_buf. */
#include <xfed/base/buf.h>

#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

START_TEST(takes_no_memory_before_the_first_byte)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 100);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(xf_buf_room(&buf), 100);
    ck_assert(xf_span_is(xf_buf_span(&buf), ""));
    ck_assert_ptr_nonnull(xf_buf_span(&buf).ptr);
    xf_buf_append(&buf, NULL, 0);
    xf_buf_append_span(&buf, XF_SPAN_NONE);
    ck_assert_ptr_null(buf.data);
}
END_TEST

START_TEST(keeps_what_is_appended_in_order)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 100);
    xf_buf_append(&buf, "a\0b", 3);
    xf_buf_append_str(&buf, "cd");
    xf_buf_append_span(&buf, XF_SPAN("ef"));
    xf_buf_appendf(&buf, "%s-%d", "g", 7);
    ck_assert(xf_span_eq(xf_buf_span(&buf), XF_SPAN("a\0bcdefg-7")));
    xf_buf_release(&buf);
    ck_assert_uint_eq(buf.len, 0);
    xf_buf_append_str(&buf, "again");
    ck_assert(xf_span_is(xf_buf_span(&buf), "again"));
    xf_buf_release(&buf);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    size_t max, have, consumed, more;
    enum xf_err want;
} ceilings[] = {
    {"up to the ceiling",                  10, 4, 0, 6,        XF_ERR_OK},
    {"one beyond",                         10, 4, 0, 7,        XF_ERR_LIMIT},
    {"a first append of the ceiling",      10, 0, 0, 10,       XF_ERR_OK},
    {"a first append beyond",              10, 0, 0, 11,       XF_ERR_LIMIT},
    {"nothing into a full one",            10, 10, 0, 0,       XF_ERR_OK},
    {"consumed bytes do not count",        10, 10, 4, 4,       XF_ERR_OK},
    {"one beyond, after consuming",        10, 10, 4, 5,       XF_ERR_LIMIT},
    {"the largest length there is",        10, 10, 4, SIZE_MAX, XF_ERR_LIMIT},
    {"a length that overflows to fit",     10, 10, 4, SIZE_MAX - 5, XF_ERR_LIMIT},
    {"far below memory but above max",     300, 200, 0, 101,   XF_ERR_LIMIT},
};
/* clang-format on */

START_TEST(holds_the_ceiling)
{
    static const char bytes[300];
    struct xf_buf buf;

    xf_buf_init(&buf, ceilings[_i].max);
    xf_buf_append(&buf, bytes, ceilings[_i].have);
    xf_buf_consume(&buf, ceilings[_i].consumed);

    size_t before = buf.len;
    bool fits = ceilings[_i].want == XF_ERR_OK;
    ck_assert_msg(xf_buf_try_append(&buf, bytes, ceilings[_i].more) == ceilings[_i].want, "%s",
                  ceilings[_i].label);
    ck_assert_msg(buf.len == before + (fits ? ceilings[_i].more : 0), "%s", ceilings[_i].label);
    if (!fits)
        ck_assert_msg(!xf_buf_reserve(&buf, ceilings[_i].more), "%s", ceilings[_i].label);
    xf_buf_release(&buf);
}
END_TEST

START_TEST(reserved_bytes_count_once_committed)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 1000);
    xf_buf_append_str(&buf, "ab");
    char *room = xf_buf_reserve(&buf, 900);
    ck_assert_ptr_nonnull(room);
    memset(room, 'x', 900); /* AddressSanitizer says whether they are there */
    ck_assert_uint_eq(buf.len, 2);
    xf_buf_commit(&buf, 1);
    ck_assert(xf_span_is(xf_buf_span(&buf), "abx"));
    xf_buf_release(&buf);
}
END_TEST

START_TEST(consumes_at_most_all)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 100);
    xf_buf_append_str(&buf, "abc");
    xf_buf_consume(&buf, 1);
    ck_assert(xf_span_is(xf_buf_span(&buf), "bc"));
    xf_buf_consume(&buf, 99);
    ck_assert_uint_eq(buf.len, 0);
    xf_buf_consume(&buf, 1);
    ck_assert_uint_eq(buf.len, 0);
    xf_buf_release(&buf);
}
END_TEST

START_TEST(gives_memory_back_when_emptied)
{
    static const char bytes[XF_BUF_KEEP_BYTES + 1];
    struct xf_buf buf;

    xf_buf_init(&buf, 100000);
    xf_buf_append(&buf, bytes, 10);
    xf_buf_consume(&buf, 10);
    ck_assert_uint_gt(buf.cap, 0); /* small: kept for the next one */
    xf_buf_append(&buf, bytes, sizeof(bytes));
    xf_buf_consume(&buf, sizeof(bytes) - 1);
    ck_assert_uint_gt(buf.cap, XF_BUF_KEEP_BYTES); /* not empty */
    xf_buf_consume(&buf, 1);
    ck_assert_uint_le(buf.cap, XF_BUF_KEEP_BYTES);
    xf_buf_append(&buf, bytes, sizeof(bytes));
    xf_buf_clear(&buf);
    ck_assert_uint_gt(buf.cap, XF_BUF_KEEP_BYTES); /* clear keeps it */
    xf_buf_release(&buf);
}
END_TEST

/* Random appends and consumes against a plain model: every byte is its running number. */
START_TEST(is_a_queue_of_bytes)
{
    struct xf_buf buf;
    size_t in = 0, out = 0;
    unsigned seed = (unsigned)_i + 1;

    xf_buf_init(&buf, 5000);
    for (int turn = 0; turn < 5000; turn++) {
        unsigned char bytes[700];
        size_t len = (size_t)rand_r(&seed) % sizeof(bytes);

        if (len > xf_buf_room(&buf))
            len = xf_buf_room(&buf);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)(in++ % 251);
        xf_buf_append(&buf, bytes, len);

        len = (size_t)rand_r(&seed) % sizeof(bytes);
        if (len > buf.len)
            len = buf.len;
        size_t same = 0;
        while (same < len && (unsigned char)xf_buf_ptr(&buf)[same] == out % 251) {
            same++;
            out++;
        }
        ck_assert_uint_eq(same, len);
        xf_buf_consume(&buf, len);
        ck_assert_uint_eq(buf.len, in - out);
        ck_assert_uint_le(buf.cap, 2 * buf.max);
    }
    xf_buf_release(&buf);
}
END_TEST

/*
 * A queue that stays near its ceiling, a little in and a little out: the content may not move at
 * each append. A million rounds move each byte once at most; moving all each time would be 60 GB,
 * minutes.
 */
START_TEST(stays_cheap_near_the_ceiling)
{
    static const char bytes[65536];
    struct xf_buf buf;
    size_t moves = 0;

    xf_buf_init(&buf, sizeof(bytes));
    xf_buf_append(&buf, bytes, sizeof(bytes));
    for (int i = 0; i < 1000000; i++) {
        size_t start;

        xf_buf_consume(&buf, 16);
        start = buf.start;
        xf_buf_append(&buf, bytes, 16);
        moves += buf.start != start;
    }
    /* 16 MB went through, at least 64 kB between two moves. */
    ck_assert_uint_le(moves, 16000000 / 65536 + 2);
    ck_assert_uint_eq(buf.len, sizeof(bytes));
    xf_buf_release(&buf);
}
END_TEST

START_TEST(appending_beyond_the_ceiling_is_a_bug)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 3);
    xf_buf_append_str(&buf, "four");
}
END_TEST

START_TEST(printing_beyond_the_ceiling_is_a_bug)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 3);
    xf_buf_appendf(&buf, "%d", 1234);
}
END_TEST

START_TEST(a_ceiling_of_zero_is_a_bug)
{
    struct xf_buf buf;

    xf_buf_init(&buf, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, takes_no_memory_before_the_first_byte);
    tcase_add_test(tcase, keeps_what_is_appended_in_order);
    tcase_add_loop_test(tcase, holds_the_ceiling, 0, XF_ARRAY_LEN(ceilings));
    tcase_add_test(tcase, reserved_bytes_count_once_committed);
    tcase_add_test(tcase, consumes_at_most_all);
    tcase_add_test(tcase, gives_memory_back_when_emptied);
    tcase_add_loop_test(tcase, is_a_queue_of_bytes, 0, 5);
    tcase_add_test(tcase, stays_cheap_near_the_ceiling);
    if (srunner_fork_status(runner) == CK_FORK) {
        tcase_add_test_raise_signal(tcase, appending_beyond_the_ceiling_is_a_bug, SIGABRT);
        tcase_add_test_raise_signal(tcase, printing_beyond_the_ceiling_is_a_bug, SIGABRT);
        tcase_add_test_raise_signal(tcase, a_ceiling_of_zero_is_a_bug, SIGABRT);
    }
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
