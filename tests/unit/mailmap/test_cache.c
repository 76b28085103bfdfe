/* SPDX-License-Identifier: MIT */
/*
 * test_cache.c — answers about single users: pairs, absences, their times, and who goes when there
 * are too many.
 */
#include <check.h>
#include <string.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>

#define ENTRIES_MAX 3

/* clang-format off */
/* "jid=mail@until ...", _ for absent, one character each. Then at the time `now` "key:value", - for none, ? for not known, and ! when it is stale. */
static const struct {
    const char *label, *puts, *mail_of, *jid_of;
    size_t count;
} rows[] = {
    {"a pair is known from both ends", "a=x@9", "a:x", "x:a", 1},
    {"a user without address", "a=_@9", "a:-", "x:?", 1},
    {"an address that is nobody's", "_=x@9", "a:?", "x:-", 1},
    {"a stale answer stays", "a=x@4", "a:x!", "x:a!", 1},
    {"an answer that is too old is none", "a=x@2", "a:?!", "x:?!", 1},
    {"a newer answer replaces", "a=x@4 a=y@9", "a:y", "x:? y:a", 1},
    {"... from the other end too", "a=x@9 b=x@9", "a:? b:x", "x:b", 1},
    {"... and two at once", "a=x@9 b=y@9 a=y@9", "a:y b:?", "x:? y:a", 1},
    {"an absence ends a pair", "a=x@9 a=_@9", "a:-", "x:?", 1},
    {"the oldest goes", "a=x@9 b=y@9 c=z@9 d=w@9", "a:? b:y d:w", "x:? w:d", 3},
    {"an answer that was renewed is young", "a=x@9 b=y@9 c=z@9 a=x@9 d=w@9", "a:x b:? c:z d:w", "y:?", 3},
};
/* clang-format on */

static struct xf_span letter(const char *c)
{
    return *c == '_' ? XF_SPAN_NONE : (struct xf_span){c, 1};
}

static void look(const char *label, struct xf_cache *cache, const char *want, bool of_mail)
{
    for (const char *c = want; *c; c += strcspn(c, " "), c += *c == ' ') {
        struct xf_span out = XF_SPAN("");
        bool is_fresh = true;
        enum xf_mailmap_answer answer =
            (of_mail ? xf_cache_jid : xf_cache_mail)(cache, letter(c), 5, &out, &is_fresh);
        char got = answer == XF_MAILMAP_FOUND ? out.ptr[0] : answer == XF_MAILMAP_NONE ? '-' : '?';
        ck_assert_msg(got == c[2], "%s: %c is %c, wanted %c", label, c[0], got, c[2]);
        ck_assert_msg(is_fresh == (c[3] != '!'), "%s: %c is %s", label, c[0],
                      is_fresh ? "fresh" : "stale");
    }
}

START_TEST(answers)
{
    struct xf_cache *cache = xf_cache_new(ENTRIES_MAX);
    for (const char *c = rows[_i].puts; *c; c += c[5] ? 6 : 5)
        xf_cache_put(cache, letter(c), letter(c + 2),
                     &(struct xf_cache_times){.fresh_until_ms = (uint64_t)(c[4] - '0'),
                                              .known_until_ms = (uint64_t)(c[4] - '0') + 3});
    look(rows[_i].label, cache, rows[_i].mail_of, false);
    look(rows[_i].label, cache, rows[_i].jid_of, true);
    ck_assert_uint_eq(xf_cache_count(cache), rows[_i].count);
    xf_cache_clear(cache);
    ck_assert_uint_eq(xf_cache_count(cache), 0);
    xf_cache_free(&cache);
    xf_cache_free(&cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mailmap/cache");
    TCase *tests = tcase_create("cache");
    tcase_add_loop_test(tests, answers, 0, (int)XF_ARRAY_LEN(rows));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
