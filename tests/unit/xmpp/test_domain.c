/* SPDX-License-Identifier: MIT */
/* test_domain.c — domains: names, IDNA, addresses, and what is none of them. */
#include <xfed/xmpp/jid.h>

#include <check.h>
#include <stdio.h>

/* clang-format off */
static const struct {
    const char *label, *text;
    const char *want; /* NULL: refused */
    bool is_address;
} cases[] = {
    {"a name",                              "b.example",              "b.example", false},
    {"upper case",                          "B.EXAMPLE",              "b.example", false},
    {"one label",                           "localhost",              "localhost", false},
    {"a trailing dot",                      "b.example.",             "b.example", false},
    {"digits within labels",                "1b.2c3",                 "1b.2c3", false},
    {"a label of digits, not the last",     "123.example",            "123.example", false},
    {"hyphens at the 3rd and 4th place",    "ab--c.example",          "ab--c.example", false},
    {"nothing",                             "",                       NULL, false},
    {"a dot",                               ".",                      NULL, false},
    {"two trailing dots",                   "b..",                    NULL, false},
    {"an empty label",                      "b..example",             NULL, false},
    {"a leading dot",                       ".example",               NULL, false},
    {"a leading hyphen",                    "-b.example",             NULL, false},
    {"a trailing hyphen",                   "b-.example",             NULL, false},
    {"a hyphen alone",                      "b.-",                    NULL, false},
    {"an underscore",                       "_xmpp.example",          "_xmpp.example", false},
    {"a space",                             "b example",              NULL, false},
    {"an at sign (STD3 rules of libidn2 would delete it)", "a@b",     NULL, false},
    {"a slash",                             "b/r",                    NULL, false},
    {"a colon and a port",                  "b:5269",                 NULL, false},
    {"an asterisk",                         "*.example",              NULL, false},
    {"a percent sign",                      "b%00.example",           NULL, false},
    {"a control byte",                      "b\n.example",            NULL, false},

    {"IPv4",                                "192.0.2.1",              "192.0.2.1", true},
    {"IPv4 with a trailing dot",            "192.0.2.1.",             "192.0.2.1", true},
    {"IPv4 with a leading zero",            "192.0.2.01",             NULL, false},
    {"IPv4 beyond 255",                     "192.0.2.256",            NULL, false},
    {"IPv4 of 3 parts",                     "192.0.2",                NULL, false},
    {"IPv4 of 5 parts",                     "192.0.2.1.1",            NULL, false},
    {"a number",                            "3221225985",             NULL, false},
    {"a name that ends in a number",        "b.example.1",            NULL, false},
    {"IPv4 in wide digits",  "\xef\xbc\x91.2.3.4",                    NULL, false},
    {"hexadecimal is a name, not an address", "0x7f.0.0.0x1",         "0x7f.0.0.0x1", false},
    {"IPv6",                                "[2001:db8::1]",          "[2001:db8::1]", true},
    {"IPv6 in upper case",                  "[2001:DB8::A]",          "[2001:db8::a]", true},
    {"IPv6 written long",                   "[0:0:0:0:0:0:0:1]",      "[::1]", true},
    {"IPv6 with IPv4 in it",                "[::ffff:192.0.2.1]",     "[::ffff:192.0.2.1]", true},
    {"the longest IPv6", "[ABCD:ABCD:ABCD:ABCD:ABCD:ABCD:192.168.158.190]",
     "[abcd:abcd:abcd:abcd:abcd:abcd:c0a8:9ebe]", true},
    {"a longer IPv6",    "[0ABCD:ABCD:ABCD:ABCD:ABCD:ABCD:192.168.158.190]", NULL, false},
    {"IPv6 without brackets",               "2001:db8::1",            NULL, false},
    {"IPv6 with a zone",                    "[fe80::1%eth0]",         NULL, false},
    {"IPv6 and more",                       "[::1].example",          NULL, false},
    {"IPv6 and a dot",                      "[::1].",                 NULL, false},
    {"IPv4 in brackets",                    "[192.0.2.1]",            NULL, false},
    {"empty brackets",                      "[]",                     NULL, false},
    {"an opening bracket",                  "[",                      NULL, false},
    {"a closing bracket",                   "]",                      NULL, false},

    {"a U-label",            "b\xc3\xbc" "cher.example",     "b\xc3\xbc" "cher.example", false},
    {"a U-label in upper case", "B\xc3\x9c" "CHER.EXAMPLE",  "b\xc3\xbc" "cher.example", false},
    {"a U-label decomposed", "bu\xcc\x88" "cher.example",    "b\xc3\xbc" "cher.example", false},
    {"sharp s is a letter (IDNA2008)", "fa\xc3\x9f.de",      "fa\xc3\x9f.de", false},
    {"final sigma is a letter (IDNA2008)", "\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com",
     "\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com", false},
    {"Chinese",              "\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95", "\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95", false},
    {"Hebrew",               "\xd7\x93\xd7\x95\xd7\x92\xd7\x9e\xd7\x94.\xd7\x98\xd7\xa2\xd7\xa1\xd7\x98",
     "\xd7\x93\xd7\x95\xd7\x92\xd7\x9e\xd7\x94.\xd7\x98\xd7\xa2\xd7\xa1\xd7\x98", false},
    {"a joiner where Hindi needs it", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7.in", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7.in", false},
    {"a joiner where it hides", "b\xe2\x80\x8d.example",     NULL, false},
    {"an ideographic full stop", "b\xe3\x80\x82" "example",  "b.example", false},
    {"an ideographic full stop at the end", "b\xe3\x80\x82", "b", false},
    {"wide letters",         "\xef\xbd\x82.example",         "b.example", false},
    {"a wide slash",         "b\xef\xbc\x8f" "c",            NULL, false},
    {"a wide at sign",       "a\xef\xbc\xa0" "b",            NULL, false},
    {"wide brackets",        "\xef\xbc\xbb::1\xef\xbc\xbd",  NULL, false},
    {"an underscore beside a U-label", "_x.b\xc3\xbc.example", "_x.b\xc3\xbc.example", false},
    {"a space beside a U-label", "b \xc3\xbc.example",       NULL, false},
    {"an emoji of old",      "\xe2\x98\x83.net",             "\xe2\x98\x83.net", false},
    {"an emoji since Unicode 6", "\xf0\x9f\x92\xa9.la",      "\xf0\x9f\x92\xa9.la", false},
    {"an emoji beside letters", "I\xe2\x9d\xa4.ws",          "i\xe2\x9d\xa4.ws", false},
    {"an emoji with what varies it", "\xe2\x9d\xa4\xef\xb8\x8f.ws", "\xe2\x9d\xa4.ws", false},
    {"emoji that are joined", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9.ws", "\xf0\x9f\x91\xa8\xf0\x9f\x91\xa9.ws", false},
    {"a label beside one of emoji", "\xf0\x9f\x92\xa9.b\xc3\xbc\xe3\x80\x82" "de", "\xf0\x9f\x92\xa9.b\xc3\xbc.de", false},
    {"a symbol",             "a\xe2\x88\x95" "b.example",     NULL, false},
    {"a symbol beside an emoji", "\xe2\x98\x83\xe2\x88\x95.example", NULL, false},
    {"a symbol of boxes",    "\xe2\x95\xb1.example",         NULL, false},
    {"an account sign beside an emoji", "\xe2\x84\x80\xe2\x98\x83.example", NULL, false},
    {"an at sign beside an emoji", "a@\xe2\x98\x83.example", NULL, false},
    {"a code point that is none", "\xcd\xb8.example",         NULL, false},
    {"... beside an emoji",  "\xe2\x98\x83\xcd\xb8.example", NULL, false},
    {"a combining mark in front", "\xcc\x88" "a.example",    NULL, false},
    {"both directions in a label", "a\xd7\x90.example",      NULL, false},
    {"an empty label beside a U-label", "\xc3\xbc..example", NULL, false},
    {"a hyphen before a U-label", "-\xc3\xbc.example",       NULL, false},
    {"bytes that are not UTF-8", "b\xc3.example",            NULL, false},
    {"overlong dot",         "b\xc0\xae" "example",          NULL, false},

    {"an A-label",           "xn--bcher-kva.example",        "b\xc3\xbc" "cher.example", false},
    {"an A-label in upper case", "XN--BCHER-KVA.Example",    "b\xc3\xbc" "cher.example", false},
    {"an A-label beside a U-label", "xn--mnchen-3ya.b\xc3\xbc.de", "m\xc3\xbcnchen.b\xc3\xbc.de", false},
    {"xn-- alone",           "xn--.example",                 NULL, false},
    {"an A-label that does not decode", "xn--a.example",     NULL, false},
    {"an A-label that decodes to ASCII", "xn--abc-.example", NULL, false},
    {"an A-label of an upper case letter", "xn--Bcher-Kva-.example", NULL, false},
    {"an A-label of an emoji", "xn--n3h.net",                "\xe2\x98\x83.net", false},
    {"an A-label of an emoji that is varied", "xn--qei9934e.ws", NULL, false},
    {"an A-label of a symbol", "xn--w9g.net",                NULL, false},
    {"an A-label that overflows", "xn--99999999.example",    NULL, false},
    {"an A-label with a letter beyond ASCII", "xn--b\xc3\xbc.example", NULL, false},
    {"a bad A-label beside a U-label", "xn--a.b\xc3\xbc.de", NULL, false},
    {"an A-label of an A-label", "xn--xn---epa.example",     NULL, false},
};
/* clang-format on */

START_TEST(prepares_or_refuses)
{
    char out[XF_DOMAIN_MAX + 1] = "untouched";
    enum xf_err err = xf_domain_prepare(xf_span_of(cases[_i].text), out);
    const char *want = cases[_i].want;

    ck_assert_msg(err == (want ? XF_ERR_OK : XF_ERR_BAD_JID), "%s: %s", cases[_i].label, out);
    ck_assert_msg(strcmp(out, want ? want : "untouched") == 0, "%s: %s", cases[_i].label, out);
    if (want)
        ck_assert_msg(xf_domain_is_address(xf_span_of(out)) == cases[_i].is_address, "%s",
                      cases[_i].label);
}
END_TEST

/* A JID of that domain alone is judged alike, and so is one with all parts. */
START_TEST(jids_agree)
{
    static char scratch[XF_JID_MAX + 1];
    char text[200];
    const char *want = cases[_i].want;
    struct xf_jid jid;

    if (strpbrk(cases[_i].text, "@/"))
        return;
    ck_assert_msg(xf_jid_prepare(xf_span_of(cases[_i].text), scratch, &jid) ==
                      (want ? XF_ERR_OK : XF_ERR_BAD_JID),
                  "%s", cases[_i].label);
    ck_assert_msg(!want || xf_span_is(jid.domain, want), "%s", cases[_i].label);

    snprintf(text, sizeof(text), "l@%s/r", cases[_i].text);
    ck_assert_msg(xf_jid_prepare(xf_span_of(text), scratch, &jid) ==
                      (want ? XF_ERR_OK : XF_ERR_BAD_JID),
                  "%s", cases[_i].label);
    ck_assert_msg(!want || xf_span_is(jid.domain, want), "%s", cases[_i].label);
}
END_TEST

#define A59 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEN                                                                            \
    "\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88" \
    "\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88"
#define SIX                                                                                        \
    "\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d\x88\xf0\x90\x8d" \
    "\x88"
#define LONG_U TEN TEN TEN TEN TEN SIX
#define LONG_A "xn--2c8caaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* clang-format off */
static const struct {
    const char *label, *unicode, *ascii; /* ascii NULL: no domain */
} forms[] = {
    {"a name",                     "b.example",               "b.example"},
    {"a U-label",                  "b\xc3\xbc" "cher.example", "xn--bcher-kva.example"},
    {"all labels",                 "\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95", "xn--fsqu00a.xn--0zwm56d"},
    {"right to left",              "\xd7\x93\xd7\x95\xd7\x92\xd7\x9e\xd7\x94.\xd7\x98\xd7\xa2\xd7\xa1\xd7\x98", "xn--6dbbec0c.xn--deba0ad"},
    {"sharp s",                    "fa\xc3\x9f.de",           "xn--fa-hia.de"},
    {"final sigma",                "\xce\xb2\xcf\x8c\xce\xbb\xce\xbf\xcf\x82.com", "xn--nxasmm1c.com"},
    {"an emoji",                   "\xf0\x9f\x92\xa9.la",     "xn--ls8h.la"},
    {"an underscore",              "_x.b\xc3\xbc.example",    "_x.xn--b-eha.example"},
    {"an IPv4 address",            "192.0.2.1",               "192.0.2.1"},
    {"an IPv6 address",            "[2001:db8::1]",           "[2001:db8::1]"},
    {"63 bytes in A-labels",       LONG_U ".example",         LONG_A ".example"},
    {"253 bytes in A-labels",      LONG_U "." LONG_U "." LONG_U "." A59 "aa", LONG_A "." LONG_A "." LONG_A "." A59 "aa"},
    {"64 bytes in A-labels",       LONG_U "\xf0\x90\x8d\x88.example", NULL},
    {"254 bytes in A-labels",      LONG_U "." LONG_U "." LONG_U "." A59 "aaa", NULL},
    {"nothing",                    "",                        NULL},
    {"an address without its end", "[::1",                    NULL},
    {"a user",                     "a@b\xc3\xbc.example",     NULL},
};
/* clang-format on */

START_TEST(goes_to_a_labels_and_back)
{
    const char *label = forms[_i].label, *want = forms[_i].ascii;
    char ascii[XF_DOMAIN_ASCII_MAX + 1] = "untouched", back[XF_DOMAIN_MAX + 1];

    ck_assert_msg(xf_domain_to_ascii(xf_span_of(forms[_i].unicode), ascii) ==
                      (want ? XF_ERR_OK : XF_ERR_BAD_JID),
                  "%s: %s", label, ascii);
    ck_assert_msg(strcmp(ascii, want ? want : "untouched") == 0, "%s: %s", label, ascii);
    if (!want) {
        ck_assert_msg(xf_domain_prepare(xf_span_of(forms[_i].unicode), back) == XF_ERR_BAD_JID,
                      "%s", label);
        return;
    }
    ck_assert_msg(xf_domain_prepare(xf_span_of(want), back) == XF_ERR_OK, "%s", label);
    ck_assert_msg(strcmp(back, forms[_i].unicode) == 0, "%s: %s", label, back);
}
END_TEST

START_TEST(nothing_is_no_address)
{
    ck_assert(!xf_domain_is_address(XF_SPAN("")));
    ck_assert(!xf_domain_is_address(XF_SPAN_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("domain");
    TCase *tcase = tcase_create("domain");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, prepares_or_refuses, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, jids_agree, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, goes_to_a_labels_and_back, 0, XF_ARRAY_LEN(forms));
    tcase_add_test(tcase, nothing_is_no_address);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
