/* SPDX-License-Identifier: MIT */
/* test_base64.c — the vectors of RFC 4648 section 10, and what a strict decoder refuses. */
#include <xfed/base/crypto.h>

#include <check.h>
#include <stdlib.h>

/* clang-format off */
static const struct {
    const char *label, *plain, *encoded;
} good[] = {
    {"nothing",            "",        ""},
    {"one byte",           "f",       "Zg=="},
    {"two bytes",          "fo",      "Zm8="},
    {"three bytes",        "foo",     "Zm9v"},
    {"four bytes",         "foob",    "Zm9vYg=="},
    {"six bytes",          "foobar",  "Zm9vYmFy"},
    {"plus and slash",     "\xfb\xff\xbf", "+/+/"},
    {"all bits set",       "\xff\xff", "//8="},
    {"a domain (XEP-0178)", "b.example", "Yi5leGFtcGxl"},
};

static const struct {
    const char *label, *text;
} bad[] = {
    {"a length that is no multiple of 4",   "Zg="},
    {"one character",                       "Z"},
    {"padding alone",                       "===="},
    {"three of padding",                    "Z==="},
    {"two of padding alone",                "=="},
    {"padding in the middle",               "Zg==Zg=="},
    {"a digit behind padding",              "Zg=a"},
    {"white space",                         "Zm9v\nZm9v"},
    {"a space for a digit",                 "Zm 9"},
    {"the URL alphabet",                    "-_-_"},
    {"a high byte",                         "Zm9\xc3"},
    {"bits that no byte uses, of 1 byte",   "Zh=="},
    {"bits that no byte uses, of 2 bytes",  "Zm9="},
};
/* clang-format on */

START_TEST(encodes)
{
    char out[64];

    xf_base64_encode(xf_span_of(good[_i].plain), out);
    ck_assert_msg(strcmp(out, good[_i].encoded) == 0, "%s: %s", good[_i].label, out);
}
END_TEST

START_TEST(decodes)
{
    char out[64];
    size_t len = 99;

    ck_assert_msg(xf_base64_decode(xf_span_of(good[_i].encoded), out, &len) == XF_ERR_OK, "%s",
                  good[_i].label);
    ck_assert_msg(len == strlen(good[_i].plain) && strcmp(out, good[_i].plain) == 0, "%s: %s",
                  good[_i].label, out);
}
END_TEST

START_TEST(refuses_and_leaves_the_output)
{
    char out[64] = "untouched";
    size_t len = 99;

    ck_assert_msg(xf_base64_decode(xf_span_of(bad[_i].text), out, &len) == XF_ERR_BAD_VALUE, "%s",
                  bad[_i].label);
    ck_assert_msg(len == 99 && strcmp(out, "untouched") == 0, "%s", bad[_i].label);
}
END_TEST

START_TEST(refuses_a_nul_within)
{
    char out[64];
    size_t len;

    ck_assert_int_eq(xf_base64_decode((struct xf_span){"Zm\0v", 4}, out, &len), XF_ERR_BAD_VALUE);
}
END_TEST

/* Exactly sized heap memory, so that AddressSanitizer sees a byte too many. */
START_TEST(keeps_to_the_promised_room)
{
    for (size_t len = 0; len < 70; len++) {
        unsigned char bytes[70];
        char encoded[4 * 24 + 1], *decoded = malloc(4 * ((len + 2) / 3) / 4 * 3 + 1);
        size_t decoded_len;

        ck_assert_ptr_nonnull(decoded);
        xf_rand_bytes(bytes, sizeof(bytes));
        xf_base64_encode((struct xf_span){(char *)bytes, len}, encoded);
        ck_assert_uint_eq(strlen(encoded), 4 * ((len + 2) / 3));
        ck_assert_int_eq(xf_base64_decode(xf_span_of(encoded), decoded, &decoded_len), XF_ERR_OK);
        ck_assert_uint_eq(decoded_len, len);
        ck_assert_int_eq(memcmp(decoded, bytes, len), 0);
        free(decoded);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64");
    TCase *tcase = tcase_create("base64");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, encodes, 0, XF_ARRAY_LEN(good));
    tcase_add_loop_test(tcase, decodes, 0, XF_ARRAY_LEN(good));
    tcase_add_loop_test(tcase, refuses_and_leaves_the_output, 0, XF_ARRAY_LEN(bad));
    tcase_add_test(tcase, refuses_a_nul_within);
    tcase_add_test(tcase, keeps_to_the_promised_room);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
