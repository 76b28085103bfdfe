/* SPDX-License-Identifier: MIT */
/*
 * test_jid.c — JIDs: what is taken as it is, what is prepared, what is refused; lengths; and
 * properties that hold for any bytes.
 */
#include <xfed/xmpp/jid.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#define SAME "=" /* taken as it is: the spans point into the text */

/* clang-format off */
static const struct {
    const char *label, *text;
    const char *full;                     /* NULL: refused */
    const char *local, *domain, *resource;
} cases[] = {
    /* Taken as they are. */
    {"bare domain",                    "b.example",            SAME, NULL, "b.example", NULL},
    {"local part and domain",          "a@b.example",          SAME, "a", "b.example", NULL},
    {"all three parts",                "a@b.example/r",        SAME, "a", "b.example", "r"},
    {"domain and resource",            "b.example/r",          SAME, NULL, "b.example", "r"},
    {"one label",                      "localhost",            SAME, NULL, "localhost", NULL},
    {"one letter",                     "b",                    SAME, NULL, "b", NULL},
    {"split at the first slash",       "a@b/r/s",              SAME, "a", "b", "r/s"},
    {"an at sign in the resource",     "a@b/c@d",              SAME, "a", "b", "c@d"},
    {"an at sign in the resource of a domain", "b/c@d",        SAME, NULL, "b", "c@d"},
    {"a resource of spaces",           "a@b/ ",                SAME, "a", "b", " "},
    {"a resource in upper case",       "a@b/Home",             SAME, "a", "b", "Home"},
    {"all else that local parts may hold", "!#$%()*+,-.=?[\\]^_`{|}~9@b", SAME,
     "!#$%()*+,-.=?[\\]^_`{|}~9", "b", NULL},
    {"an escaped local part (XEP-0106)", "d\\27artagnan@b",    SAME, "d\\27artagnan", "b", NULL},
    {"digits in the last label",       "a@b.e2e",              SAME, "a", "b.e2e", NULL},
    {"a digit first in the last label", "a@b.3com",            SAME, "a", "b.3com", NULL},
    {"hyphens within labels",          "a@b-c.d--e.ab--c",     SAME, "a", "b-c.d--e.ab--c", NULL},
    {"an IPv4 address",                "a@192.0.2.1/r",        SAME, "a", "192.0.2.1", "r"},
    {"an IPv6 address",                "a@[2001:db8::1]/r",    SAME, "a", "[2001:db8::1]", "r"},
    {"a U-label",                      "a@b\xc3\xbc" "cher.example/r", SAME, "a", "b\xc3\xbc" "cher.example", "r"},
    {"an underscore in the domain",    "a@b_c.example",        SAME, "a", "b_c.example", NULL},
    {"a prepared local part beyond ASCII", "b\xc3\xbc" "b@b",  SAME, "b\xc3\xbc" "b", "b", NULL},
    {"a prepared resource beyond ASCII", "b/b\xc3\xbc" "b",    SAME, NULL, "b", "b\xc3\xbc" "b"},
    {"a resource of emoji",            "a@b/\xf0\x9f\x98\x80", SAME, "a", "b", "\xf0\x9f\x98\x80"},
    {"a local part of emoji",          "\xf0\x9f\x98\x80@b",   SAME, "\xf0\x9f\x98\x80", "b", NULL},

    /* Prepared. */
    {"upper case",                     "A@B.Example/R",        "a@b.example/R", "a", "b.example", "R"},
    {"upper case in the local part",   "aBc@b",                "abc@b", "abc", "b", NULL},
    {"upper case in the domain",       "a@B",                  "a@b", "a", "b", NULL},
    {"a trailing dot",                 "a@b.example.",         "a@b.example", "a", "b.example", NULL},
    {"a trailing dot before a resource", "a@b.example./r",     "a@b.example/r", "a", "b.example", "r"},
    {"an A-label",                     "a@xn--bcher-kva.example/r", "a@b\xc3\xbc" "cher.example/r",
     "a", "b\xc3\xbc" "cher.example", "r"},
    {"an A-label in upper case",       "XN--BCHER-KVA.example", "b\xc3\xbc" "cher.example",
     NULL, "b\xc3\xbc" "cher.example", NULL},
    {"an ideographic full stop",       "a@b\xc3\xbc" "cher\xe3\x80\x82" "example/r", "a@b\xc3\xbc" "cher.example/r",
     "a", "b\xc3\xbc" "cher.example", "r"},
    {"case folding beyond ASCII",      "\xc3\x9c@b",           "\xc3\xbc@b", "\xc3\xbc", "b", NULL},
    {"sharp s folds in local parts",   "stra\xc3\x9f" "e@b",   "strasse@b", "strasse", "b", NULL},
    {"composition in local parts",     "u\xcc\x88@b",          "\xc3\xbc@b", "\xc3\xbc", "b", NULL},
    {"composition in resources",       "b/u\xcc\x88",          "b/\xc3\xbc", NULL, "b", "\xc3\xbc"},
    {"fullwidth letters",              "\xef\xbc\xa1@b",       "a@b", "a", "b", NULL},
    {"resources keep their case",      "b/\xc3\x9c",           SAME, NULL, "b", "\xc3\x9c"},
    {"soft hyphen is dropped",         "a\xc2\xad" "b@c",      "ab@c", "ab", "c", NULL},
    {"an IPv6 address written long",   "[2001:DB8:0:0::1]",    "[2001:db8::1]", NULL, "[2001:db8::1]", NULL},

    /* Refused. */
    {"nothing",                        "",                     NULL, NULL, NULL, NULL},
    {"at sign alone",                  "@",                    NULL, NULL, NULL, NULL},
    {"slash alone",                    "/",                    NULL, NULL, NULL, NULL},
    {"empty local part",               "@b",                   NULL, NULL, NULL, NULL},
    {"empty domain",                   "a@",                   NULL, NULL, NULL, NULL},
    {"empty domain before a resource", "a@/r",                 NULL, NULL, NULL, NULL},
    {"resource alone",                 "/r",                   NULL, NULL, NULL, NULL},
    {"empty resource",                 "a@b/",                 NULL, NULL, NULL, NULL},
    {"empty resource of a domain",     "b/",                   NULL, NULL, NULL, NULL},
    {"two at signs",                   "a@b@c",                NULL, NULL, NULL, NULL},
    {"at sign at once again",          "a@@b",                 NULL, NULL, NULL, NULL},
    {"a space in the local part",      "a b@c",                NULL, NULL, NULL, NULL},
    {"a space in front",               " a@c",                 NULL, NULL, NULL, NULL},
    {"a quote in the local part",      "a\"b@c",               NULL, NULL, NULL, NULL},
    {"an ampersand in the local part", "a&b@c",                NULL, NULL, NULL, NULL},
    {"an apostrophe in the local part", "a'b@c",               NULL, NULL, NULL, NULL},
    {"a colon in the local part",      "a:b@c",                NULL, NULL, NULL, NULL},
    {"less-than in the local part",    "a<b@c",                NULL, NULL, NULL, NULL},
    {"greater-than in the local part", "a>b@c",                NULL, NULL, NULL, NULL},
    {"a control byte in the local part", "a\x01@c",            NULL, NULL, NULL, NULL},
    {"DEL in the local part",          "a\x7f@c",              NULL, NULL, NULL, NULL},
    {"a newline in the resource",      "a@b/r\n",              NULL, NULL, NULL, NULL},
    {"a tab in the resource",          "a@b/r\ts",             NULL, NULL, NULL, NULL},
    {"DEL in the resource",            "a@b/\x7f",             NULL, NULL, NULL, NULL},
    {"forbidden ASCII beside others",  "\xc3\xbc:@b",          NULL, NULL, NULL, NULL},
    {"a control beside others",        "b/\xc3\xbc\x1f",       NULL, NULL, NULL, NULL},
    {"a C1 control in the resource",   "b/\xc2\x85",           NULL, NULL, NULL, NULL},
    {"nothing left of the local part", "\xc2\xad@b",           NULL, NULL, NULL, NULL},
    {"nothing left of the resource",   "b/\xc2\xad",           NULL, NULL, NULL, NULL},
    {"a wide at sign in the local part (U+FF20)", "a\xef\xbc\xa0" "c@b", NULL, NULL, NULL, NULL},
    {"a wide slash in the local part (U+FF0F)", "a\xef\xbc\x8f" "c@b", NULL, NULL, NULL, NULL},
    {"a slash from U+2100 in the local part", "\xe2\x84\x80@b", NULL, NULL, NULL, NULL},
    {"a wide at sign in the domain",   "a\xef\xbc\xa0" "b.c",  NULL, NULL, NULL, NULL},
    {"a no-break space in the local part", "a\xc2\xa0@b",      NULL, NULL, NULL, NULL},
    {"both directions in a local part", "\xd7\x90" "a@b",      NULL, NULL, NULL, NULL},
    {"private use in the local part",  "\xee\x80\x80@b",       NULL, NULL, NULL, NULL},
    {"a noncharacter in the resource", "b/\xef\xbf\xbe",       NULL, NULL, NULL, NULL},
    {"bytes that are not UTF-8, local part", "\xff@b",         NULL, NULL, NULL, NULL},
    {"bytes that are not UTF-8, domain", "a@\xc3",             NULL, NULL, NULL, NULL},
    {"bytes that are not UTF-8, resource", "a@b/\xe2\x82",     NULL, NULL, NULL, NULL},
    {"an A-label that is none",        "a@xn--zzzzzz/r",       NULL, NULL, NULL, NULL},
    {"numbers that are no address",    "a@1.2.3",              NULL, NULL, NULL, NULL},
    {"an IPv6 address without its end", "a@[::1/r",            NULL, NULL, NULL, NULL},

    /* RFC 7622 section 3.5; local parts as nodeprep has them. */
    {"example 1", "juliet@example.com", SAME, "juliet", "example.com", NULL},
    {"example 2", "juliet@example.com/foo", SAME, "juliet", "example.com", "foo"},
    {"example 3", "juliet@example.com/foo bar", SAME, "juliet", "example.com", "foo bar"},
    {"example 4", "juliet@example.com/foo@bar", SAME, "juliet", "example.com", "foo@bar"},
    {"example 5", "foo\\20bar@example.com", SAME, "foo\\20bar", "example.com", NULL},
    {"example 6", "fussball@example.com", SAME, "fussball", "example.com", NULL},
    {"example 7: nodeprep folds", "fu\xc3\x9f" "ball@example.com", "fussball@example.com", "fussball", "example.com", NULL},
    {"example 8", "\xcf\x80@example.com", SAME, "\xcf\x80", "example.com", NULL},
    {"example 9", "\xce\xa3@example.com/foo", "\xcf\x83@example.com/foo", "\xcf\x83", "example.com", "foo"},
    {"example 10", "\xcf\x83@example.com/foo", SAME, "\xcf\x83", "example.com", "foo"},
    {"example 11: nodeprep folds", "\xcf\x82@example.com/foo", "\xcf\x83@example.com/foo", "\xcf\x83", "example.com", "foo"},
    {"example 12", "king@example.com/\xe2\x99\x9a", SAME, "king", "example.com", "\xe2\x99\x9a"},
    {"example 13", "example.com", SAME, NULL, "example.com", NULL},
    {"example 14", "example.com/foobar", SAME, NULL, "example.com", "foobar"},
    {"example 15", "a.example.com/b@example.net", SAME, NULL, "a.example.com", "b@example.net"},
    {"example 16", "\"juliet\"@example.com", NULL, NULL, NULL, NULL},
    {"example 17", "foo bar@example.com", NULL, NULL, NULL, NULL},
    {"example 18: OpaqueString has no rule against it", "juliet@example.com/ foo", SAME, "juliet", "example.com", " foo"},
    {"example 19", "@example.com/", NULL, NULL, NULL, NULL},
    {"example 20: nodeprep maps", "henry\xe2\x85\xa3@example.com", "henryiv@example.com", "henryiv", "example.com", NULL},
    {"example 21: nodeprep takes symbols", "\xe2\x99\x9a@example.com", SAME, "\xe2\x99\x9a", "example.com", NULL},
    {"example 22", "juliet@", NULL, NULL, NULL, NULL},
    {"example 23", "/foobar", NULL, NULL, NULL, NULL},

    /* RFC 8265 section 4.3 as resources. */
    {"ASCII", "b/correct horse battery staple", SAME, NULL, "b", "correct horse battery staple"},
    {"case stays", "b/Correct Horse Battery Staple", SAME, NULL, "b", "Correct Horse Battery Staple"},
    {"letters", "b/\xcf\x80\xc3\x9f\xc3\xa5", SAME, NULL, "b", "\xcf\x80\xc3\x9f\xc3\xa5"},
    {"a symbol", "b/Jack of \xe2\x99\xa6s", SAME, NULL, "b", "Jack of \xe2\x99\xa6s"},
    {"an Ogham space", "b/foo\xe1\x9a\x80" "bar", "b/foo bar", NULL, "b", "foo bar"},
    {"nothing", "b/", NULL, NULL, NULL, NULL},
    {"a control", "b/my cat is a 	by", NULL, NULL, NULL, NULL},

    /* Resources beyond them. */
    {"Hebrew", "b/\xd7\x93\xd7\x95\xd7\x93", SAME, NULL, "b", "\xd7\x93\xd7\x95\xd7\x93"},
    {"Arabic and digits", "b/\xd9\x85\xd8\xad\xd9\x85\xd8\xaf 7", SAME, NULL, "b", "\xd9\x85\xd8\xad\xd9\x85\xd8\xaf 7"},
    {"Hebrew and Latin", "b/\xd7\x90" "a\xd7\x90 b", SAME, NULL, "b", "\xd7\x90" "a\xd7\x90 b"},
    {"a Persian joiner", "b/\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85", SAME, NULL, "b", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85"},
    {"a tatweel", "b/\xd9\x85\xd8\xad\xd9\x80\xd9\x85\xd8\xaf", SAME, NULL, "b", "\xd9\x85\xd8\xad\xd9\x80\xd9\x85\xd8\xaf"},
    {"a middle dot", "b/a\xc2\xb7" "b", SAME, NULL, "b", "a\xc2\xb7" "b"},
    {"a no-break space", "b/a\xc2\xa0" "b", "b/a b", NULL, "b", "a b"},
    {"an ideographic space", "b/a\xe3\x80\x80" "b", "b/a b", NULL, "b", "a b"},
    {"a ligature stays (NFC)", "b/\xef\xac\x81", SAME, NULL, "b", "\xef\xac\x81"},
    {"wide letters stay", "b/\xef\xbc\xa1", SAME, NULL, "b", "\xef\xbc\xa1"},
    {"a wide at sign and slash stay", "b/\xef\xbc\xa0\xef\xbc\x8f", SAME, NULL, "b", "\xef\xbc\xa0\xef\xbc\x8f"},
    {"Hangul, decomposed", "b/\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "b/\xed\x95\x9c", NULL, "b", "\xed\x95\x9c"},
    {"the ohm sign", "b/\xe2\x84\xa6", "b/\xce\xa9", NULL, "b", "\xce\xa9"},
    {"an emoji that is varied", "b/\xe2\x9d\xa4\xef\xb8\x8f", "b/\xe2\x9d\xa4", NULL, "b", "\xe2\x9d\xa4"},
    {"a soft hyphen that hides a composition", "b/u\xc2\xad\xcc\x88", "b/\xc3\xbc", NULL, "b", "\xc3\xbc"},
    {"an override of direction", "b/a\xe2\x80\xae" "b", NULL, NULL, NULL, NULL},
    {"a line separator", "b/a\xe2\x80\xa8" "b", NULL, NULL, NULL, NULL},
    {"private use", "b/\xee\x80\x80", NULL, NULL, NULL, NULL},
    {"a code point that is none yet (U+0378)", "b/\xcd\xb8", SAME, NULL, "b", "\xcd\xb8"},
    {"an emoji of Unicode 15 (U+1FAE8)", "b/\xf0\x9f\xab\xa8", SAME, NULL, "b", "\xf0\x9f\xab\xa8"},
    {"... beside what NFC composes", "b/u\xcc\x88\xf0\x9f\xab\xa8", "b/\xc3\xbc\xf0\x9f\xab\xa8", NULL, "b", "\xc3\xbc\xf0\x9f\xab\xa8"},
    {"an invisible filler (U+115F)", "b/\xe1\x85\x9f", SAME, NULL, "b", "\xe1\x85\x9f"},
    {"an invisible filler (U+1160)", "b/\xe1\x85\xa0", SAME, NULL, "b", "\xe1\x85\xa0"},
    {"an invisible filler (U+3164)", "b/\xe3\x85\xa4", SAME, NULL, "b", "\xe3\x85\xa4"},
    {"an invisible filler (U+FFA0)", "b/\xef\xbe\xa0", SAME, NULL, "b", "\xef\xbe\xa0"},
    {"an invisible vowel of Khmer (U+17B4)", "b/\xe1\x9e\xb4", SAME, NULL, "b", "\xe1\x9e\xb4"},
    {"an invisible vowel of Khmer (U+17B5)", "b/\xe1\x9e\xb5", SAME, NULL, "b", "\xe1\x9e\xb5"},
    {"a noncharacter within (U+FDD0)", "b/\xef\xb7\x90", NULL, NULL, NULL, NULL},
    {"a noncharacter at the end of a plane (U+1FFFE)", "b/\xf0\x9f\xbf\xbe", NULL, NULL, NULL, NULL},
    {"a tag", "b/\xf3\xa0\x81\x81", NULL, NULL, NULL, NULL},
    {"an annotation", "b/\xef\xbf\xb9", NULL, NULL, NULL, NULL},

    /* Local parts and domains that never were. */
    {"a code point that is none, local part", "\xcd\xb8@b", NULL, NULL, NULL, NULL},
    {"... beside others", "a\xcd\xb8\xc3\xbc@b", NULL, NULL, NULL, NULL},
    {"a code point that is none, domain", "a@\xcd\xb8", NULL, NULL, NULL, NULL},
    {"a letter since Unicode 5", "\xea\x9c\xab@b", SAME, "\xea\x9c\xab", "b", NULL},
};
/* clang-format on */

/* A copy of exactly that size, so that AddressSanitizer sees a byte read behind it. */
static struct xf_span exact(const char *text, size_t len)
{
    char *copy = xf_alloc(len);

    memcpy(copy, text, len);
    return (struct xf_span){copy, len};
}

static bool is_part(struct xf_span part, const char *want)
{
    return want ? part.ptr && xf_span_is(part, want) : !part.ptr;
}

static bool lies_in(struct xf_span part, struct xf_span whole)
{
    return !part.ptr || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

START_TEST(prepares_or_refuses)
{
    static char scratch[XF_JID_MAX + 1];
    struct xf_span text = exact(cases[_i].text, strlen(cases[_i].text));
    const char *label = cases[_i].label, *full = cases[_i].full;
    struct xf_jid jid = {.full = XF_SPAN("untouched")};
    enum xf_err err = xf_jid_prepare(text, scratch, &jid);

    if (!full) {
        ck_assert_msg(err == XF_ERR_BAD_JID, "%s: %.*s", label, XF_SPAN_ARGS(jid.full));
        ck_assert_msg(xf_span_is(jid.full, "untouched"), "%s", label);
    } else {
        bool same = strcmp(full, SAME) == 0;

        ck_assert_msg(err == XF_ERR_OK, "%s: refused", label);
        ck_assert_msg(jid.full.ptr == (same ? text.ptr : scratch), "%s", label);
        ck_assert_msg(xf_span_is(jid.full, same ? cases[_i].text : full), "%s: %.*s", label,
                      XF_SPAN_ARGS(jid.full));
        ck_assert_msg(is_part(jid.local, cases[_i].local), "%s", label);
        ck_assert_msg(is_part(jid.domain, cases[_i].domain), "%s", label);
        ck_assert_msg(is_part(jid.resource, cases[_i].resource), "%s", label);
        ck_assert_msg(lies_in(jid.local, jid.full) && lies_in(jid.domain, jid.full) &&
                          lies_in(jid.resource, jid.full),
                      "%s", label);
    }
    xf_free((char *)text.ptr);
}
END_TEST

START_TEST(refuses_a_nul_in_each_part)
{
    /* clang-format off */
    static const struct xf_span texts[] = {
        XF_SPAN_INIT("a\0@b"),        XF_SPAN_INIT("a@b\0"),      XF_SPAN_INIT("a@b/r\0"),
        XF_SPAN_INIT("\xc3\xbc\0@b"), XF_SPAN_INIT("\xc3\xbc\0"), XF_SPAN_INIT("b/\xc3\xbc\0"),
        XF_SPAN_INIT("[::1\0]"),
    };
    static char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;

    for (size_t i = 0; i < XF_ARRAY_LEN(texts); i++)
        ck_assert_int_eq(xf_jid_prepare(texts[i], scratch, &jid), XF_ERR_BAD_JID);
}
END_TEST

static const struct {
    const char *label;
    const char *before, *unit, *after;
    size_t units;
    bool fits;
} lengths[] = {
    {"local part of 1023 bytes",              "", "a", "@b",          1023, true},
    {"local part of 1024 bytes",              "", "a", "@b",          1024, false},
    {"local part of 1023 bytes to fold",      "", "A", "@b",          1023, true},
    {"local part of 1024 bytes to fold",      "", "A", "@b",          1024, false},
    {"resource of 1023 bytes",                "b/", "r", "",          1023, true},
    {"resource of 1024 bytes",                "b/", "r", "",          1024, false},
    {"resource of 1023 bytes after upper case", "B/", "r", "",        1023, true},
    {"resource of 1024 bytes after upper case", "B/", "r", "",        1024, false},
    {"local part of 1022 bytes beyond ASCII", "", "\xc3\xbc", "@b",   511,  true},
    {"local part of 1024 bytes beyond ASCII", "", "\xc3\xbc", "@b",   512,  false},
    {"1023 wide letters shrink to fit",       "", "\xef\xbc\xa1", "@b", 1023, true},
    {"1024 wide letters do not",              "", "\xef\xbc\xa1", "@b", 1024, false},
    {"letters that NFC takes apart",          "b/", "\xef\xac\xac", "", 170, true},
    {"letters that NFC takes apart, beyond",  "b/", "\xef\xac\xac", "", 171, false},
    {"... beyond all three parts",            "b/", "\xef\xac\xac", "", 1024, false},
    {"a text beyond all three parts",         "", "\xc2\xad", "a@b",  2000, false},
    {"label of 63 bytes",                     "a@", "b", "",          63,   true},
    {"label of 64 bytes",                     "a@", "b", "",          64,   false},
    {"domain of 253 bytes",                   "a@", "b.", "c",        126,  true},
    {"domain of 254 bytes",                   "a@c", "b.", "c",       126,  false},
    {"domain of 253 bytes and a dot",         "a@", "b.", "c.",       126,  true},
    {"domain of 255 bytes",                   "a@", "b.", "c",        127,  false},
    {"domain of 1000 bytes",                  "a@", "b.", "c",        500,  false},
    {"domain of 1000 bytes beyond ASCII",     "a@", "\xc3\xbc.", "c", 333,  false},
    {"domain of 4000 bytes beyond ASCII",     "a@", "\xc3\xbc.", "c", 1333, false},
    {"U-label whose A-label is too long",     "a@", "\xc3\xbc", "",   63,   false},
};
/* clang-format on */

static struct xf_span build(const char *before, const char *unit, size_t units, const char *after)
{
    size_t head = strlen(before), body = strlen(unit) * units, tail = strlen(after);
    char *text = xf_alloc(head + body + tail);

    memcpy(text, before, head);
    for (size_t at = 0; at < body; at += strlen(unit))
        memcpy(text + head + at, unit, strlen(unit));
    memcpy(text + head + body, after, tail);
    return (struct xf_span){text, head + body + tail};
}

START_TEST(holds_the_lengths)
{
    static char scratch[XF_JID_MAX + 1];
    struct xf_span text =
        build(lengths[_i].before, lengths[_i].unit, lengths[_i].units, lengths[_i].after);
    struct xf_jid jid;
    enum xf_err err = xf_jid_prepare(text, scratch, &jid);

    ck_assert_msg((err == XF_ERR_OK) == lengths[_i].fits, "%s", lengths[_i].label);
    xf_free((char *)text.ptr);
}
END_TEST

/* The longest JID there is fills the scratch: upper case in front makes it go there. */
START_TEST(the_longest_jid_fits_the_scratch)
{
    char *scratch = xf_alloc(XF_JID_MAX + 1);
    struct xf_span local = build("A", "a", XF_JID_PART_MAX - 1, "@"), all;
    struct xf_span tail = build("", "r", XF_JID_PART_MAX, ""), domain = build("", "b.", 126, "c/");
    char *text = xf_alloc(local.len + domain.len + tail.len);
    struct xf_jid jid;

    memcpy(text, local.ptr, local.len);
    memcpy(text + local.len, domain.ptr, domain.len);
    memcpy(text + local.len + domain.len, tail.ptr, tail.len);
    all = (struct xf_span){text, local.len + domain.len + tail.len};
    ck_assert_int_eq(xf_jid_prepare(all, scratch, &jid), XF_ERR_OK);
    ck_assert_uint_eq(jid.full.len, all.len);
    ck_assert_int_eq(jid.full.ptr[0], 'a');
    xf_free((char *)local.ptr);
    xf_free((char *)domain.ptr);
    xf_free((char *)tail.ptr);
    xf_free(text);
    xf_free(scratch);
}
END_TEST

static bool fits(struct xf_span part, size_t most)
{
    return !part.ptr || (part.len >= 1 && part.len <= most);
}

/* What must hold of any JID that is let in, whatever the bytes were. */
static bool is_sound(const struct xf_jid *jid)
{
    static char scratch[XF_JID_MAX + 1];
    struct xf_jid again;
    size_t len = jid->domain.len + (jid->local.ptr ? jid->local.len + 1 : 0) +
                 (jid->resource.ptr ? jid->resource.len + 1 : 0);

    if (jid->full.len != len || !jid->domain.ptr || !fits(jid->domain, 253) ||
        !fits(jid->local, XF_JID_PART_MAX) || !fits(jid->resource, XF_JID_PART_MAX))
        return false;
    /* Preparing again changes nothing, or one user would have two names. */
    return xf_jid_prepare(jid->full, scratch, &again) == XF_ERR_OK &&
           again.full.ptr == jid->full.ptr && again.full.len == jid->full.len &&
           again.local.ptr == jid->local.ptr && again.domain.ptr == jid->domain.ptr &&
           again.domain.len == jid->domain.len && again.resource.ptr == jid->resource.ptr;
}

START_TEST(any_bytes_give_a_sound_jid_or_none)
{
    static const char *const units[] = {
        "a",
        "b",
        "1",
        "-",
        ".",
        ".",
        "@",
        "/",
        "A",
        "Z",
        "xn--",
        "[",
        "]",
        ":",
        " ",
        "\x7f",
        "\x01",
        "_",
        "\xc3\xbc",
        "\xc3\x9f",
        "\xcc\x88",
        "\xe3\x80\x82",
        "\xef\xbc\xa0",
        "\xef\xbc\x8f",
        "\xc2\xad",
        "\xf0\x9f\x98\x80",
        "\xf0\x9f\xab\xa8",
        "\xe1\x85\xa0",
        "\xd7\x90",
        "\xe2\x80\x8d",
        "\xff",
        "\xc3",
        "kva",
        "bcher-kva",
        "example",
    };
    static char scratch[XF_JID_MAX + 1];
    unsigned seed = (unsigned)_i + 1, accepted = 0;

    for (int round = 0; round < 20000; round++) {
        char text[128];
        size_t len = 0, parts = (size_t)rand_r(&seed) % 10;
        struct xf_jid jid;

        for (size_t i = 0; i < parts; i++) {
            const char *unit = units[(size_t)rand_r(&seed) % XF_ARRAY_LEN(units)];

            memcpy(text + len, unit, strlen(unit));
            len += strlen(unit);
        }
        struct xf_span input = exact(text, len);
        if (xf_jid_prepare(input, scratch, &jid) == XF_ERR_OK) {
            if (!is_sound(&jid))
                ck_abort_msg("%.*s", XF_SPAN_ARGS(input));
            accepted++;
        }
        xf_free((char *)input.ptr);
    }
    ck_assert_uint_gt(accepted, 500);
}
END_TEST

static size_t encode(unsigned c, char out[4])
{
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* All code points where scripts, symbols and compatibility forms are (the rest is ideographs). */
START_TEST(each_code_point_is_stable_in_each_part)
{
    static const char *const before[] = {"a", "b/a", "a"}, *const after[] = {"b@c", "b", "b.c"};
    static const unsigned ranges[][2] = {
        {0x80, 0x3400}, {0xa000, 0xac00}, {0xd7a0, 0xd800}, {0xf900, 0x12000}, {0x1d000, 0x20000},
    };
    static char scratch[XF_JID_MAX + 1];
    char text[16], sequence[5];
    struct xf_jid jid;

    for (unsigned c = ranges[_i][0]; c < ranges[_i][1]; c++) {
        sequence[encode(c, sequence)] = '\0';
        for (size_t i = 0; i < XF_ARRAY_LEN(before); i++) {
            int len = snprintf(text, sizeof(text), "%s%s%s", before[i], sequence, after[i]);
            struct xf_span input = {text, (size_t)len};

            if (xf_jid_prepare(input, scratch, &jid) == XF_ERR_OK && !is_sound(&jid))
                ck_abort_msg("%s", text);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jid");
    TCase *tcase = tcase_create("jid");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, prepares_or_refuses, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, refuses_a_nul_in_each_part);
    tcase_add_loop_test(tcase, holds_the_lengths, 0, XF_ARRAY_LEN(lengths));
    tcase_add_test(tcase, the_longest_jid_fits_the_scratch);
    tcase_add_loop_test(tcase, any_bytes_give_a_sound_jid_or_none, 0, 5);
    tcase_add_loop_test(tcase, each_code_point_is_stable_in_each_part, 0, 5);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
