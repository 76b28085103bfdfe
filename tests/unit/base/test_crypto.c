/* SPDX-License-Identifier: MIT */
/* test_crypto.c — digests against published vectors, and what random values promise. */
#include <xfed/base/crypto.h>

#include <check.h>
#include <ctype.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
static const struct {
    const char *label, *parts[3];
    const char *sha1, *sha256;
} digests[] = {
    {"nothing", {NULL},
     "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"one part (FIPS 180 example)", {"abc"},
     "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"three parts are one text", {"a", "", "bc"},
     "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"the secret of XEP-0185 section 3", {"s3cr3tf0rd14lb4ck"},
     NULL,
     "a7136eb1f46c9ef18c5e78c36ca257067c69b3d518285f0b18a96c33beae9acc"},
};

static const struct {
    const char *label, *key, *text, *want;
} macs[] = {
    {"RFC 4231 test case 2", "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 test case 1", "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
     "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"an empty key and text", "", "",
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};
/* clang-format on */

START_TEST(digests_match)
{
    struct xf_span parts[3];
    char sha1[XF_SHA1_HEX_BYTES + 1], sha256[XF_SHA256_HEX_BYTES + 1];
    size_t count = 0;

    while (count < 3 && digests[_i].parts[count]) {
        parts[count] = xf_span_of(digests[_i].parts[count]);
        count++;
    }
    xf_sha1_hex(parts, count, sha1);
    xf_sha256_hex(parts, count, sha256);
    if (digests[_i].sha1)
        ck_assert_msg(strcmp(sha1, digests[_i].sha1) == 0, "%s: %s", digests[_i].label, sha1);
    ck_assert_msg(strcmp(sha256, digests[_i].sha256) == 0, "%s: %s", digests[_i].label, sha256);
}
END_TEST

/* RFC 1321 A.5. */
START_TEST(md5_matches)
{
    const struct xf_span parts[] = {XF_SPAN("message "), XF_SPAN_NONE, XF_SPAN("digest")};
    char hex[XF_MD5_HEX_BYTES + 1];
    unsigned char raw[XF_MD5_BYTES];

    xf_md5_hex(parts, 3, hex);
    ck_assert_str_eq(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    xf_md5(parts, 3, raw);
    ck_assert_uint_eq(raw[0], 0xf9);
    ck_assert_uint_eq(raw[XF_MD5_BYTES - 1], 0xd0);
}
END_TEST

START_TEST(macs_match)
{
    char mac[XF_SHA256_HEX_BYTES + 1];

    xf_hmac_sha256_hex(xf_span_of(macs[_i].key), xf_span_of(macs[_i].text), mac);
    ck_assert_msg(strcmp(mac, macs[_i].want) == 0, "%s: %s", macs[_i].label, mac);
}
END_TEST

/* XEP-0185 section 3: the key is an HMAC under the hex digest of the secret. */
START_TEST(makes_the_dialback_key_of_xep_0185)
{
    struct xf_span secret = XF_SPAN("s3cr3tf0rd14lb4ck");
    char key[XF_SHA256_HEX_BYTES + 1], mac[XF_SHA256_HEX_BYTES + 1];

    xf_sha256_hex(&secret, 1, key);
    xf_hmac_sha256_hex(xf_span_of(key), XF_SPAN("xmpp.example.com example.org D60000229F"), mac);
    ck_assert_str_eq(mac, "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643");
}
END_TEST

START_TEST(absent_spans_are_empty_texts)
{
    char mac[XF_SHA256_HEX_BYTES + 1];

    xf_hmac_sha256_hex(XF_SPAN_NONE, XF_SPAN_NONE, mac);
    ck_assert_str_eq(mac, macs[2].want);
}
END_TEST

START_TEST(compares_secrets)
{
    ck_assert(xf_secret_eq(XF_SPAN("abc"), XF_SPAN("abc")));
    ck_assert(!xf_secret_eq(XF_SPAN("abc"), XF_SPAN("abd")));
    ck_assert(!xf_secret_eq(XF_SPAN("abc"), XF_SPAN("abcd")));
    ck_assert(!xf_secret_eq(XF_SPAN("abc"), XF_SPAN_NONE));
    ck_assert(xf_secret_eq(XF_SPAN(""), XF_SPAN_NONE));
}
END_TEST

START_TEST(wipes)
{
    char secret[] = "abc";

    xf_wipe(secret, sizeof(secret));
    ck_assert_int_eq(memcmp(secret, "\0\0\0", sizeof(secret)), 0);
}
END_TEST

START_TEST(ids_have_their_shape_and_differ)
{
    static char ids[200][XF_ID_CHARS + 1];

    for (size_t i = 0; i < XF_ARRAY_LEN(ids); i++) {
        xf_rand_id(ids[i]);
        ck_assert_uint_eq(strlen(ids[i]), XF_ID_CHARS);
        ck_assert_msg(isalpha((unsigned char)ids[i][0]), "%s", ids[i]);
        for (size_t c = 0; c < XF_ID_CHARS; c++)
            ck_assert_msg(isalnum((unsigned char)ids[i][c]) || strchr("-_", ids[i][c]), "%s",
                          ids[i]);
        for (size_t before = 0; before < i; before++)
            ck_assert_str_ne(ids[i], ids[before]);
    }
}
END_TEST

static const uint32_t belows[] = {1, 2, 3, 10, 1000, 0x80000000, 0x80000001, UINT32_MAX};

START_TEST(draws_stay_below)
{
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(xf_rand_below(belows[_i]), belows[_i]);
}
END_TEST

/*
 * 30000 draws, by thirds of the range: each 10000 +- 8 standard deviations. Of 0xc0000000 numbers
 * the first third would come twice as often as the others if draws were not thrown away.
 */
static const uint32_t thirds[] = {1, 0x40000000};

START_TEST(draws_are_even)
{
    unsigned seen[3] = {0};

    for (int i = 0; i < 30000; i++)
        seen[xf_rand_below(3 * thirds[_i]) / thirds[_i]]++;
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_gt(seen[i], 9340);
        ck_assert_uint_lt(seen[i], 10660);
    }
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    uint64_t ms, least, most;
} jitters[] = {
    {"zero stays",             0,          0,          0},
    {"too short for a quarter", 3,         3,          3},
    {"a second",               1000,       750,        1250},
    {"an hour",                3600000,    2700000,    4500000},
    {"beyond 32 bits",         (uint64_t)1 << 40, 3 * ((uint64_t)1 << 38), 5 * ((uint64_t)1 << 38)},
};
/* clang-format on */

START_TEST(jitter_stays_within_a_quarter)
{
    bool differs = jitters[_i].least == jitters[_i].most;
    uint64_t first = xf_rand_jitter_ms(jitters[_i].ms);

    for (int i = 0; i < 1000; i++) {
        uint64_t ms = xf_rand_jitter_ms(jitters[_i].ms);

        ck_assert_msg(ms >= jitters[_i].least && ms <= jitters[_i].most, "%s", jitters[_i].label);
        differs |= ms != first;
    }
    ck_assert_msg(differs, "%s: always the same", jitters[_i].label);
}
END_TEST

START_TEST(fills_all_bytes)
{
    unsigned char seen[16] = {0};

    for (int round = 0; round < 20; round++) {
        unsigned char bytes[16] = {0};

        xf_rand_bytes(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof(seen); i++)
        ck_assert_uint_ne(seen[i], 0);
    xf_rand_bytes(NULL, 0);
}
END_TEST

/* Bytes are drawn in advance, and none of them twice. */
START_TEST(a_child_process_draws_its_own)
{
    char here[XF_ID_CHARS + 1], there[XF_ID_CHARS + 1];
    int ends[2];

    xf_rand_id(here);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    xf_rand_id(child ? here : there);
    if (!child)
        _exit(write(ends[1], there, sizeof(there)) != sizeof(there));
    ck_assert_int_eq(read(ends[0], there, sizeof(there)), sizeof(there));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_str_ne(here, there);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crypto");
    TCase *tcase = tcase_create("crypto");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tcase, md5_matches);
    tcase_add_loop_test(tcase, digests_match, 0, XF_ARRAY_LEN(digests));
    tcase_add_loop_test(tcase, macs_match, 0, XF_ARRAY_LEN(macs));
    tcase_add_test(tcase, makes_the_dialback_key_of_xep_0185);
    tcase_add_test(tcase, absent_spans_are_empty_texts);
    tcase_add_test(tcase, compares_secrets);
    tcase_add_test(tcase, wipes);
    tcase_add_test(tcase, ids_have_their_shape_and_differ);
    tcase_add_loop_test(tcase, draws_stay_below, 0, XF_ARRAY_LEN(belows));
    tcase_add_loop_test(tcase, draws_are_even, 0, XF_ARRAY_LEN(thirds));
    tcase_add_loop_test(tcase, jitter_stays_within_a_quarter, 0, XF_ARRAY_LEN(jitters));
    tcase_add_test(tcase, fills_all_bytes);
    tcase_add_test(tcase, a_child_process_draws_its_own);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
