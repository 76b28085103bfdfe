/* SPDX-License-Identifier: MIT */
/* Blocklists: forms of lines, expiry, suffixes, refusals with file and line, 100,000 entries. */
#include <xfed/policy/policy.h>

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <xfed/base/alloc.h>

#define DAY(n)      ((int64_t)(n)*86400)
#define D2026_12_01 20788 /* days since 1970, as `date -u -d 2026-12-01 +%s` / 86400 */

/* clang-format off */
static const char list_text[] =
    "\xEF\xBB\xBF# of partners that left, saved on Windows\n"          /* 1 */
    "spam.example\n"                                                  /* 2 */
    "\n"                                                              /* 3 */
    "*.below.example  from the abuse desk # ticket 12\r\n"            /* 4 */
    "  soon.example\tuntil=2026-12-01  until  December\n"             /* 5 */
    "both.example until=2026-12-01 itself\n"                          /* 6 */
    "*.both.example\n"                                                /* 7 */
    "B\xc3\xbc" "cher.EXAMPLE idn\n"                                  /* 8 */
    "twice.example until=2026-12-01 first\n"                          /* 9 */
    "twice.example second\n"                                          /* 10 */
    "twice.example until=2026-11-01 third\n"                          /* 11 */
    "shown.example caf\xc3\xa9 caf\xe9 \xc2\x9b" "2J \xe2\x80\xae\x1b[";     /* 12 */

static const struct {
    const char *label, *domain;
    int64_t now_s;
    int line; /* 0: not blocked */
    const char *reason;
} cases[] = {
    {"a name",                          "spam.example",            0, 2, ""},
    {"below a name",                    "x.spam.example",          0, 0, ""},
    {"a suffix, itself",                "below.example",           0, 4, "from the abuse desk"},
    {"a suffix, below",                 "x.y.below.example",       0, 4, "from the abuse desk"},
    {"a suffix ends at a label",        "notbelow.example",        0, 0, ""},
    {"until: the day before",           "soon.example", DAY(D2026_12_01) - 1, 5, "until December"},
    {"until: the day",                  "soon.example",     DAY(D2026_12_01), 0, ""},
    {"both: the name holds",            "both.example", DAY(D2026_12_01) - 1, 6, "itself"},
    {"both: the name ended, the suffix holds", "both.example", DAY(D2026_12_01), 7, ""},
    {"both: below",                     "x.both.example",          0, 7, ""},
    {"a name beyond ASCII",             "b\xc3\xbc" "cher.example",  0, 8, "idn"},
    {"the one that holds longer stays", "twice.example", DAY(D2026_12_01), 10, "second"},
    {"a reason that is not to be shown as it is", "shown.example", 0, 12, "caf\xc3\xa9 caf? ?2J ??["},
    {"another name",                    "ham.example",             0, 0, ""},
    {"a top level",                     "example",                 0, 0, ""},
    {"no name",                         "",                        0, 0, ""},
    {"a dot",                           ".",                       0, 0, ""},
};

static const struct {
    const char *label, *text, *message;
} refusals[] = {
    {"no domain",         "a.example\n@\n",                        "f:2: @: expected a domain or *.domain"},
    {"* alone",           "*\n",                                   "f:1: *: expected a domain or *.domain"},
    {"* in the middle",   "a.*.example\n",                         "f:1: a.*.example: expected a domain or *.domain"},
    {"*. alone",          "*.\n",                                  "f:1: *.: expected a domain or *.domain"},
    {"no day",            "a.example until=soon\n",                "f:1: until=soon: expected one until=YYYY-MM-DD"},
    {"until without",     "a.example until=\n",                    "f:1: until=: expected one until=YYYY-MM-DD"},
    {"no such day",       "a.example until=2026-02-29\n",          "f:1: until=2026-02-29: expected one until=YYYY-MM-DD"},
    {"until twice",       "a.example until=2026-02-28 until=2026-03-01\n", "f:1: until=2026-03-01: expected one until=YYYY-MM-DD"},
    {"a name too long",   "a.example\n\n0123456789012345678901234567890123456789012345678901234567890123456789.example\n",
                          "f:3: 012345678901234567890123456789012345678901234567890123456789: expected a domain or *.domain"},
    {"bytes",             "\xff.example\n",                        "f:1: ?.example: expected a domain or *.domain"},
    {"what moves the cursor", "\x1b]0;a\x07\xc2\x9b@\n",            "f:1: ?]0;a??@: expected a domain or *.domain"},
};
/* clang-format on */

START_TEST(finds)
{
    struct xf_blocklist *list = xf_blocklist_new();
    struct xf_blocked blocked = {0};
    struct xf_error err = {0};
    ck_assert_msg(xf_blocklist_add(list, "the.list", xf_span_of(list_text), &err) == XF_ERR_OK,
                  "%s", err.detail);
    ck_assert_uint_eq(xf_blocklist_count(list), 8);
    bool is_blocked =
        xf_blocklist_find(list, xf_span_of(cases[_i].domain), cases[_i].now_s, &blocked);
    ck_assert_msg(is_blocked == (cases[_i].line > 0), "%s: %d", cases[_i].label, is_blocked);
    ck_assert_msg(blocked.line == cases[_i].line, "%s: line %d", cases[_i].label, blocked.line);
    if (is_blocked) {
        ck_assert_msg(strcmp(blocked.reason, cases[_i].reason) == 0, "%s: %s", cases[_i].label,
                      blocked.reason);
        ck_assert_str_eq(blocked.file, "the.list");
    }
    xf_blocklist_free(&list);
}
END_TEST

START_TEST(says_what_is_wrong)
{
    struct xf_blocklist *list = xf_blocklist_new();
    struct xf_error err = {0};
    ck_assert_msg(xf_blocklist_add(list, "f", xf_span_of(refusals[_i].text), &err) ==
                      XF_ERR_BAD_VALUE,
                  "%s", refusals[_i].label);
    ck_assert_msg(strcmp(err.detail, refusals[_i].message) == 0, "%s: %s", refusals[_i].label,
                  err.detail);
    xf_blocklist_free(&list);
}
END_TEST

START_TEST(takes_nothing)
{
    struct xf_blocklist *list = xf_blocklist_new();
    struct xf_blocked blocked;
    ck_assert(!xf_blocklist_find(list, XF_SPAN("a.example"), 0, &blocked));
    ck_assert_int_eq(xf_blocklist_add(list, "f", XF_SPAN(""), NULL), XF_ERR_OK);
    ck_assert_int_eq(xf_blocklist_add(list, "f", XF_SPAN("\n# only\n\r\n"), NULL), XF_ERR_OK);
    ck_assert_uint_eq(xf_blocklist_count(list), 0);
    xf_blocklist_free(&list);
    xf_blocklist_free(&list);
}
END_TEST

static double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

#define MANY 100000

static char *many_lines(void)
{
    char *text = xf_alloc(MANY * 64), *end = text;
    for (int i = 0; i < MANY; i++)
        end += snprintf(end, 64, "%shost-%d.spam-%d.example until=2031-01-01 from a feed\n",
                        i % 3 ? "" : "*.", i, i % 977);
    return text;
}

START_TEST(holds_a_hundred_thousand)
{
    char *text = many_lines(), name[64];
    struct xf_blocklist *list = xf_blocklist_new();
    struct xf_blocked blocked;
    int right = 0;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    double began = now_ns();
    ck_assert_int_eq(xf_blocklist_add(list, "many", xf_span_of(text), NULL), XF_ERR_OK);
    double took_ms = (now_ns() - began) / 1e6;
    size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    ck_assert_uint_eq(xf_blocklist_count(list), MANY);
    began = now_ns();
    for (int i = 0; i < MANY; i++) {
        size_t len = (size_t)snprintf(name, sizeof(name), "host-%d.spam-%d.example", i, i % 977);
        right += xf_blocklist_find(list, (struct xf_span){name, len}, 0, &blocked) &&
                 blocked.line == i + 1;
        name[0] = 'g';
        right += !xf_blocklist_find(list, (struct xf_span){name, len}, 0, &blocked);
    }
    ck_assert_int_eq(right, 2 * MANY);
    printf("blocklist of %d: read in %.1f ms, %.1f MB, %zu bytes an entry, two lookups %.0f ns\n",
           MANY, took_ms, (double)bytes / 1e6, bytes / MANY, (now_ns() - began) / MANY);
    ck_assert_uint_lt(bytes, MANY * 100);
    xf_free(text);
    xf_blocklist_free(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("blocklist");
    TCase *tc = tcase_create("blocklist");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, finds, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, says_what_is_wrong, 0, XF_ARRAY_LEN(refusals));
    tcase_add_test(tc, takes_nothing);
    tcase_add_test(tc, holds_a_hundred_thousand);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
