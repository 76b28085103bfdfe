/* SPDX-License-Identifier: MIT */
/*
 * test_siphash.c — SipHash-1-3 against OpenSSL's (EVP_MAC "SIPHASH", c-rounds 1, d-rounds 3).
 *
 * The input of n bytes is 00 01 02 ..., the key 00 01 ... 0f, as in the appendix of the paper.
 */
#include <xfed/base/siphash.h>

#include <check.h>

#include <xfed/base/err.h>

/* clang-format off */
static const struct {
    size_t len;
    uint64_t want;
} vectors[] = {
    {0,  0xabac0158050fc4dc},
    {1,  0xc9f49bf37d57ca93},
    {7,  0xd3927d989bb11140},
    {8,  0x369095118d299a8e},
    {9,  0x25a48eb36c063de4},
    {15, 0xd320d86d2a519956},
    {16, 0xcc4fdd1a7d908b66},
    {63, 0x9d199062b7bbb3a8},
    {64, 0xf17997ec4b4a6065},
};
/* clang-format on */

START_TEST(matches_openssl)
{
    static const struct xf_siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    char bytes[65], *unaligned = bytes + 1;
    uint64_t hash;

    for (size_t i = 0; i < 64; i++)
        unaligned[i] = (char)i;
    hash = xf_siphash13(&key, (struct xf_span){unaligned, vectors[_i].len});
    ck_assert_msg(hash == vectors[_i].want, "%zu bytes: %016lx", vectors[_i].len,
                  (unsigned long)hash);
}
END_TEST

START_TEST(depends_on_the_key)
{
    static const struct xf_siphash_key keys[] = {{0, 0}, {1, 0}, {0, 1}};

    for (size_t i = 1; i < XF_ARRAY_LEN(keys); i++)
        ck_assert_uint_ne(xf_siphash13(&keys[0], XF_SPAN("b.example")),
                          xf_siphash13(&keys[i], XF_SPAN("b.example")));
}
END_TEST

START_TEST(absent_and_empty_are_one)
{
    static const struct xf_siphash_key key = {1, 2};

    ck_assert_uint_eq(xf_siphash13(&key, XF_SPAN_NONE), xf_siphash13(&key, XF_SPAN("")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("siphash");
    TCase *tcase = tcase_create("siphash");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, matches_openssl, 0, XF_ARRAY_LEN(vectors));
    tcase_add_test(tcase, depends_on_the_key);
    tcase_add_test(tcase, absent_and_empty_are_one);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
