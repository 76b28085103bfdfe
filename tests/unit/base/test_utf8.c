/* SPDX-License-Identifier: MIT */
/*
 * test_utf8.c — RFC 3629, whole and cut at every place; all code points against a second encoder.
 */
#include <xfed/base/utf8.h>

#include <check.h>
#include <string.h>

#include <xfed/base/err.h>

/* clang-format off */
static const struct {
    const char *label, *text;
    bool valid;
} cases[] = {
    {"nothing",                              "", true},
    {"ASCII",                                "hello", true},
    {"48 bytes of ASCII",                    "0123456789abcdef0123456789abcdef0123456789abcdef", true},
    {"DEL",                                  "\x7f", true},
    {"first of 2 bytes",                     "\xc2\x80", true},
    {"last of 2 bytes",                      "\xdf\xbf", true},
    {"first of 3 bytes",                     "\xe0\xa0\x80", true},
    {"before the surrogates",                "\xed\x9f\xbf", true},
    {"after the surrogates",                 "\xee\x80\x80", true},
    {"last of 3 bytes (noncharacter)",       "\xef\xbf\xbf", true},
    {"first of 4 bytes",                     "\xf0\x90\x80\x80", true},
    {"last code point",                      "\xf4\x8f\xbf\xbf", true},
    {"a character after 15 bytes of ASCII",  "0123456789abcde\xc3\xa4", true},
    {"a bad byte after 16 bytes of ASCII",   "0123456789abcdef\xff", false},
    {"a bad byte in the second 8 of 16",     "01234567890\xff""bcdef0123456789", false},
    {"a lone continuation byte",             "\x80", false},
    {"a continuation byte too many",         "\xc2\x80\x80", false},
    {"overlong slash in 2 bytes",            "\xc0\xaf", false},
    {"overlong slash in 3 bytes",            "\xe0\x80\xaf", false},
    {"overlong slash in 4 bytes",            "\xf0\x80\x80\xaf", false},
    {"overlong, the largest of 2 bytes",     "\xc1\xbf", false},
    {"overlong, the largest of 3 bytes",     "\xe0\x9f\xbf", false},
    {"overlong, the largest of 4 bytes",     "\xf0\x8f\xbf\xbf", false},
    {"first surrogate",                      "\xed\xa0\x80", false},
    {"last surrogate",                       "\xed\xbf\xbf", false},
    {"above the last code point",            "\xf4\x90\x80\x80", false},
    {"lead byte F5",                         "\xf5\x80\x80\x80", false},
    {"lead byte FE",                         "\xfe", false},
    {"cut after 1 of 2",                     "\xc3", false},
    {"cut after 2 of 3",                     "\xe2\x82", false},
    {"cut after 3 of 4",                     "\xf0\x9f\x98", false},
    {"ASCII within a sequence",              "\xe2\x82" "a", false},
    {"a new lead within a sequence (CVE-2022-25235)", "\xe2\xc3\xa4", false},
    {"two in a row",                         "\xf0\x9f\x98\x80\xe2\x82\xac", true},
};
/* clang-format on */

START_TEST(judges_whole_texts)
{
    ck_assert_msg(xf_utf8_valid(cases[_i].text, strlen(cases[_i].text)) == cases[_i].valid, "%s",
                  cases[_i].label);
}
END_TEST

/* Fed in pieces of each size the answer is the same. */
START_TEST(judges_pieces_alike)
{
    const char *text = cases[_i].text;
    size_t len = strlen(text);

    for (size_t piece = 1; piece <= len; piece++) {
        struct xf_utf8 state = {0};
        bool valid = true;

        for (size_t at = 0; at < len && valid; at += piece)
            valid = xf_utf8_feed(&state, text + at, len - at < piece ? len - at : piece);
        ck_assert_msg((valid && !xf_utf8_is_partial(&state)) == cases[_i].valid,
                      "%s, pieces of %zu", cases[_i].label, piece);
    }
}
END_TEST

START_TEST(cuts_one_mark_at_the_start)
{
    ck_assert(xf_span_is(xf_utf8_without_mark(XF_SPAN("\xEF\xBB\xBF# a")), "# a"));
    ck_assert(xf_span_is(xf_utf8_without_mark(XF_SPAN("\xEF\xBB\xBF")), ""));
    ck_assert(xf_span_is(xf_utf8_without_mark(XF_SPAN("a\xEF\xBB\xBF")), "a\xEF\xBB\xBF"));
    ck_assert(xf_span_is(xf_utf8_without_mark(XF_SPAN("\xEF\xBB")), "\xEF\xBB"));
    ck_assert(xf_span_is(xf_utf8_without_mark(XF_SPAN("")), ""));
}
END_TEST

START_TEST(a_nul_is_a_character)
{
    ck_assert(xf_utf8_valid("a\0b", 3));
}
END_TEST

START_TEST(says_when_a_sequence_is_incomplete)
{
    struct xf_utf8 state = {0};

    ck_assert(xf_utf8_feed(&state, "a\xe2", 2));
    ck_assert(xf_utf8_is_partial(&state));
    ck_assert(xf_utf8_feed(&state, NULL, 0));
    ck_assert(xf_utf8_is_partial(&state));
    ck_assert(xf_utf8_feed(&state, "\x82", 1));
    ck_assert(xf_utf8_feed(&state, "\xac", 1));
    ck_assert(!xf_utf8_is_partial(&state));
}
END_TEST

/* Plain decoding of a sequence, written from the table of RFC 3629 section 3: the value, or -1. */
static long decode(const unsigned char *p, size_t len)
{
    static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
    long value = len == 1 ? p[0] : p[0] & (0xff >> (len + 1));

    if (len == 1 ? p[0] > 0x7f : (p[0] & (0xff << (7 - len) & 0xff)) != (0xff << (8 - len) & 0xff))
        return -1;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        value = value << 6 | (p[i] & 0x3f);
    }
    if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return -1;
    return value;
}

static bool agrees(const unsigned char *p, size_t len)
{
    return xf_utf8_valid((const char *)p, len) == (decode(p, len) >= 0);
}

/* Does the check agree for these two bytes, and those with the ends of further ones? */
static bool pair_agrees(unsigned char lead, unsigned char second)
{
    static const unsigned char ends[] = {0x00, 0x7f, 0x80, 0x8f, 0xbf, 0xc0, 0xff};
    unsigned char p[4] = {lead, second};
    bool good = agrees(p, 2);

    for (size_t a = 0; a < sizeof(ends) && lead >= 0xe0; a++) {
        p[2] = ends[a];
        good = good && agrees(p, 3);
        for (size_t b = 0; b < sizeof(ends) && lead >= 0xf0; b++) {
            p[3] = ends[b];
            good = good && agrees(p, 4);
        }
    }
    return good;
}

START_TEST(agrees_with_plain_decoding)
{
    for (unsigned lead = 0x80; lead <= 0xff; lead++) {
        for (unsigned second = 0; second <= 0xff; second++) {
            if (!pair_agrees((unsigned char)lead, (unsigned char)second))
                ck_abort_msg("%02x %02x", lead, second);
        }
    }
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *cut, *whole;
} cuts[] = {
    {"nothing",                    "",                     ""},
    {"ASCII",                      "ab",                   "ab"},
    {"a character of 2 bytes",     "a\xc3\xbc",            "a\xc3\xbc"},
    {"... cut",                    "a\xc3",                "a"},
    {"a character of 3 bytes",     "\xe4\xbe\x8b",         "\xe4\xbe\x8b"},
    {"... cut by 1",               "a\xe4\xbe",            "a"},
    {"... cut by 2",               "\xe4",                 ""},
    {"a character of 4 bytes",     "a\xf0\x9f\x98\x80",    "a\xf0\x9f\x98\x80"},
    {"... cut by 1",               "\xf0\x9f\x98",         ""},
    {"... cut by 2",               "\xc3\xbc\xf0\x9f",     "\xc3\xbc"},
    {"... cut by 3",               "a\xf0",                "a"},
};
/* clang-format on */

START_TEST(drops_half_a_character)
{
    struct xf_span whole = xf_utf8_whole(xf_span_of(cuts[_i].cut));

    ck_assert_msg(xf_span_is(whole, cuts[_i].whole), "%s: %zu bytes", cuts[_i].label, whole.len);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *text;
    size_t shown, unshown;
} shown_rows[] = {
    {"ASCII",                 "a",                1, 0},
    {"a blank",               " ",                1, 0},
    {"C0",                    "\t",               0, 1},
    {"DEL",                   "\x7f",             0, 1},
    {"C1",                    "\xc2\x85",         0, 2},
    {"behind C1",             "\xc2\xa0",         2, 0},
    {"a separator",           "\xe2\x80\xa8",     0, 3},
    {"an override",           "\xe2\x80\xae",     0, 3},
    {"an isolate",            "\xe2\x81\xa6",     0, 3},
    {"the replacement",       "\xef\xbf\xbd",     3, 0},
    {"U+FFFE",                "\xef\xbf\xbe",     0, 3},
    {"U+FFFF",                "\xef\xbf\xbf",     0, 3},
    {"U+1F600",               "\xf0\x9f\x98\x80", 4, 0},
    {"half a character",      "\xef\xbf",         0, 1},
    {"no UTF-8",              "\xff",             0, 1},
};
/* clang-format on */

START_TEST(says_what_may_be_shown)
{
    const unsigned char *p = (const unsigned char *)shown_rows[_i].text;
    size_t len = strlen(shown_rows[_i].text);

    ck_assert_msg(xf_utf8_shown(p, len) == shown_rows[_i].shown, "%s", shown_rows[_i].label);
    if (shown_rows[_i].shown == 0)
        ck_assert_msg(xf_utf8_unshown(p, len) == shown_rows[_i].unshown, "%s",
                      shown_rows[_i].label);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tcase = tcase_create("utf8");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, judges_whole_texts, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, judges_pieces_alike, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, drops_half_a_character, 0, XF_ARRAY_LEN(cuts));
    tcase_add_loop_test(tcase, says_what_may_be_shown, 0, XF_ARRAY_LEN(shown_rows));
    tcase_add_test(tcase, cuts_one_mark_at_the_start);
    tcase_add_test(tcase, a_nul_is_a_character);
    tcase_add_test(tcase, says_when_a_sequence_is_incomplete);
    tcase_add_test(tcase, agrees_with_plain_decoding);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
