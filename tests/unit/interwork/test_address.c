/* SPDX-License-Identifier: MIT */
/*
 * test_address.c — JIDs and SIP addresses (RFC 7247 section 6, its examples among them), what is
 * refused with which status, and that the way there and back gives the same JID.
 */
#include <xfed/interwork/address.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>

#include "jid_escape_priv.h"

#define URI_BYTES (4 * XF_JID_MAX)

static struct xf_jid jid_of(const char *text, char scratch[XF_JID_MAX + 1])
{
    struct xf_jid jid;

    ck_assert_msg(xf_jid_prepare(xf_span_of(text), scratch, &jid) == XF_ERR_OK, "%s", text);
    return jid;
}

/* ------------------------------------------------------------------ both ways */

/* clang-format off */
static const struct {
    const char *label, *jid, *uri;
} both[] = {
    {"a user",                        "juliet@a.example",            "sip:juliet@a.example"},
    {"with a resource",               "baz@xmpp.example/qux",        "sip:baz@xmpp.example;gr=qux"},
    {"a domain",                      "a.example",                   "sip:a.example"},
    {"a domain with a resource",      "a.example/r",                 "sip:a.example;gr=r"},
    {"an ampersand",                  "m\\26m@xmpp.example",         "sip:m&m@xmpp.example"},
    {"an apostrophe",                 "o\\27malley@sip.example",     "sip:o'malley@sip.example"},
    {"a slash",                       "a\\2fb@a.example",            "sip:a/b@a.example"},
    {"a space",                       "a\\20b@a.example",            "sip:a%20b@a.example"},
    {"quotes",                        "\\22a\\22@a.example",         "sip:%22a%22@a.example"},
    {"a colon",                       "a\\3ab@a.example",            "sip:a%3Ab@a.example"},
    {"angle brackets",                "\\3ca\\3e@a.example",         "sip:%3Ca%3E@a.example"},
    {"an at sign",                    "a\\40b@a.example",            "sip:a%40b@a.example"},
    {"spaces at the ends",            "\\20a\\20@a.example",         "sip:%20a%20@a.example"},
    {"beyond ASCII",                  "tsch\xC3\xBCss@xmpp.example", "sip:tsch%C3%BCss@xmpp.example"},
    {"all that only JIDs may hold",   "#%[\\]^`{|}@a.example",       "sip:%23%25%5B%5C%5D%5E%60%7B%7C%7D@a.example"},
    {"all that both may hold",        "-_.!~*()=+$,;?09az@a.example", "sip:-_.!~*()=+$,;?09az@a.example"},
    {"a number",                      "+4930123456@a.example",       "sip:+4930123456@a.example"},
    {"a backslash",                   "a\\b@a.example",              "sip:a%5Cb@a.example"},
    {"an escaped escape",             "a\\5c27@a.example",           "sip:a%5C27@a.example"},
    {"escaped twice",                 "a\\5c5c27@a.example",         "sip:a%5C5c27@a.example"},
    {"an escaped backslash alone",    "a\\5c@a.example",             "sip:a%5C5c@a.example"},
    {"an escaped backslash before text", "\\5cfoo@a.example",        "sip:%5C5cfoo@a.example"},
    {"an escaped backslash before an escape", "\\5c\\27@a.example",  "sip:%5C5c'@a.example"},
    {"no escape",                     "a\\21\\2g@a.example",         "sip:a%5C21%5C2g@a.example"},
    {"a backslash at the end",        "a\\2@a.example",              "sip:a%5C2@a.example"},
    {"percent and digits",            "a%27@a.example",              "sip:a%2527@a.example"},
    {"a resource with all kinds",     "a@a.example/B c;d=e?f,g&h/i:j@k'l", "sip:a@a.example;gr=B%20c%3Bd%3De%3Ff%2Cg&h/i:j%40k'l"},
    {"a resource beyond ASCII",       "a@a.example/\xE2\x82\xAC",    "sip:a@a.example;gr=%E2%82%AC"},
    {"a domain beyond ASCII",         "a@b\xC3\xBC" "cher.example",  "sip:a@xn--bcher-kva.example"},
    {"an IPv4 address",               "a@192.0.2.1",                 "sip:a@192.0.2.1"},
    {"an IPv6 address",               "a@[2001:db8::1]/r",           "sip:a@[2001:db8::1];gr=r"},
};

/* Further SIP addresses, with the JID that they have, or the status. */
static const struct {
    const char *label, *uri;
    bool accepts_sips;
    unsigned status;
    const char *jid;
} inward[] = {
    {"escaped UTF-8",                 "sip:f%C3%BC@sip.example",          false, 0, "f\xC3\xBC@sip.example"},
    {"a GRUU",                        "sip:foo@sip.example;gr=bar",       false, 0, "foo@sip.example/bar"},
    {"escapes that need not be",      "sip:%61%62@a.example",             false, 0, "ab@a.example"},
    {"lower-case escapes",            "sip:f%c3%bc@a.example",            false, 0, "f\xC3\xBC@a.example"},
    {"upper case becomes lower case", "sip:Juliet.Capulet@A.Example",     false, 0, "juliet.capulet@a.example"},
    {"upper case beyond ASCII",       "sip:%C3%9C@a.example",             false, 0, "\xC3\xBC@a.example"},
    {"an escape in upper case is one", "sip:a%5C2Fb@a.example",           false, 0, "a\\5c2fb@a.example"},
    {"a port, a transport, lr",       "sip:a@a.example:5061;transport=tls;lr", false, 0, "a@a.example"},
    {"a number",                      "sip:+49-30@a.example;user=phone",  false, 0, "+49-30@a.example"},
    {"a temporary GRUU",              "sip:a@a.example;gr",               false, 0, "a@a.example"},
    {"Microsoft's GRUU",              "sip:a@a.example;opaque=user:epid:qIL9A0;gruu", false, 0, "a@a.example"},
    {"parameters within the user",    "sip:a;b=c@a.example",              false, 0, "a;b=c@a.example"},
    {"the scheme in upper case",      "SIP:a@a.example",                  false, 0, "a@a.example"},
    {"sips",                          "sips:a@a.example",                 false, 480, NULL},
    {"sips by agreement",             "sips:a@a.example",                 true,  0, "a@a.example"},
    {"tel",                           "tel:+4930123456",                  false, 416, NULL},
    {"pres",                          "pres:a@a.example",                 true,  416, NULL},
    {"im",                            "im:a@a.example",                   false, 416, NULL},
    {"http",                          "http://a.example/",                false, 416, NULL},
    {"a password",                    "sip:a:b@a.example",                false, 400, NULL},
    {"an empty password",             "sip:a:@a.example",                 false, 400, NULL},
    {"headers",                       "sip:a@a.example?subject=x",        false, 400, NULL},
    {"NUL",                           "sip:a%00b@a.example",              false, 400, NULL},
    {"a line feed",                   "sip:a%0Ab@a.example",              false, 400, NULL},
    {"DEL",                           "sip:a%7Fb@a.example",              false, 400, NULL},
    {"a byte that is not UTF-8",      "sip:a%FF@a.example",               false, 400, NULL},
    {"an overlong form",              "sip:a%C0%AFb@a.example",           false, 400, NULL},
    {"a code point that nobody has",  "sip:a%CD%B8@a.example",            false, 400, NULL},
    {"a private character",           "sip:a%EE%80%80@a.example",         false, 400, NULL},
    {"a wide at sign",                "sip:a%EF%BC%A0b@a.example",        false, 400, NULL},
    {"a wide slash",                  "sip:a%EF%BC%8Fb@a.example",        false, 400, NULL},
    {"NUL in gr",                     "sip:a@a.example;gr=b%00",          false, 400, NULL},
    {"gr that is not UTF-8",          "sip:a@a.example;gr=%FF",           false, 400, NULL},
    {"an empty label of the host",    "sip:a@a..example",                 false, 400, NULL},
};
/* clang-format on */

START_TEST(jids_become_uris)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid = jid_of(both[_i].jid, scratch);
    struct xf_buf out;

    xf_buf_init(&out, URI_BYTES);
    ck_assert_int_eq(xf_interwork_write_uri(&out, &jid), XF_ERR_OK);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), both[_i].uri), "%s: %.*s", both[_i].label,
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    xf_buf_release(&out);
}
END_TEST

static void assert_read(const char *label, const char *text, bool accepts_sips, unsigned status,
                        const char *want)
{
    char storage[XF_JID_MAX + 1];
    struct xf_sip_uri uri;
    struct xf_jid jid = {0};

    if (xf_sip_uri_parse(xf_span_of(text), &uri) != XF_ERR_OK) {
        ck_assert_msg(status == 400, "%s: no URI", label); /* refused even earlier */
        return;
    }
    unsigned got = xf_interwork_read_uri(&uri, accepts_sips, storage, &jid);
    ck_assert_msg(got == status, "%s: %u", label, got);
    if (!want) {
        ck_assert_ptr_null(jid.full.ptr);
        return;
    }
    ck_assert_msg(xf_span_is(jid.full, want), "%s: %.*s", label, XF_SPAN_ARGS(jid.full));
    ck_assert_ptr_eq(jid.full.ptr, storage);
}

START_TEST(uris_become_jids)
{
    assert_read(both[_i].label, both[_i].uri, false, 0, both[_i].jid);
}
END_TEST

START_TEST(further_uris_become_jids_or_are_refused)
{
    assert_read(inward[_i].label, inward[_i].uri, inward[_i].accepts_sips, inward[_i].status,
                inward[_i].jid);
}
END_TEST

/* `count` times `piece` as a user. */
static unsigned status_of_long(const char *piece, size_t count)
{
    char storage[XF_JID_MAX + 1];
    struct xf_sip_uri uri;
    struct xf_jid jid;
    struct xf_buf text;

    xf_buf_init(&text, 1 << 20);
    xf_buf_append_str(&text, "sip:");
    for (size_t i = 0; i < count; i++)
        xf_buf_append_str(&text, piece);
    xf_buf_append_str(&text, "@a.example");
    ck_assert_int_eq(xf_sip_uri_parse(xf_buf_span(&text), &uri), XF_ERR_OK);
    unsigned status = xf_interwork_read_uri(&uri, false, storage, &jid);
    xf_buf_release(&text);
    return status;
}

START_TEST(a_user_has_the_length_of_a_local_part)
{
    ck_assert_uint_eq(status_of_long("a", 1023), 0);
    ck_assert_uint_eq(status_of_long("a", 1024), 400);
    ck_assert_uint_eq(status_of_long("%61", 1023), 0);
    ck_assert_uint_eq(status_of_long("/", 341), 0); /* \2f */
    ck_assert_uint_eq(status_of_long("/", 342), 400);
    ck_assert_uint_eq(status_of_long("%C3%BC", 511), 0);
    ck_assert_uint_eq(status_of_long("%C3%BC", 512), 400);
    ck_assert_uint_eq(status_of_long("a", 8192), 400);
    ck_assert_uint_eq(status_of_long("/", 100000), 400);
}
END_TEST

START_TEST(no_room_leaves_the_buffer_as_it_was)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid = jid_of("\xC3\xBC\xC3\xBC@a.example/\xC3\xBC", scratch);
    struct xf_buf out;

    for (size_t max = 1; max < sizeof("sip:%C3%BC%C3%BC@a.example;gr=%C3%BC") - 1; max++) {
        xf_buf_init(&out, max);
        ck_assert_int_eq(xf_interwork_write_uri(&out, &jid), XF_ERR_LIMIT);
        ck_assert_uint_eq(out.len, 0);
        xf_buf_release(&out);
    }
}
END_TEST

/* ------------------------------------------------------------------ entities */

/* clang-format off */
static const struct {
    const char *entity, *jid;
} entities[] = {
    {"pres:a@a.example",            "a@a.example"},
    {"PRES:A@A.Example",            "a@a.example"},
    {"im:a@a.example",              "a@a.example"},
    {"sip:a@a.example",             "a@a.example"},
    {"sips:a@a.example",            "a@a.example"},
    {"a@a.example",                 "a@a.example"}, /* AOL */
    {"pres:o'malley@a.example",     "o\\27malley@a.example"},
    {"pres:f%C3%BC@a.example",      "f\xC3\xBC@a.example"},
    {"sip:a@a.example;gr=b",        "a@a.example"},
    {"",                            NULL},
    {"pres:",                       NULL},
    {"mailto:a@a.example",          NULL},
    {"tel:+4930",                   NULL},
    {"pres:pres:a@a.example",       NULL},
    {"pres:a@a.example?b=c",        NULL},
    {"a b@a.example",               NULL},
    {"pres:a%00@a.example",         NULL},
};
/* clang-format on */

START_TEST(entities_name_their_user)
{
    char storage[XF_JID_MAX + 1];
    struct xf_jid jid = {0};
    bool is_good = xf_interwork_read_entity(xf_span_of(entities[_i].entity), storage, &jid);

    ck_assert_msg(is_good == (entities[_i].jid != NULL), "%s", entities[_i].entity);
    ck_assert_msg(xf_span_is(jid.full, entities[_i].jid), "%s: %.*s", entities[_i].entity,
                  XF_SPAN_ARGS(jid.full));
}
END_TEST

/* ------------------------------------------------------------------ there and back */

static uint32_t state;

static uint32_t next_random(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

/* Pieces that meet in all orders: escapes and what looks like them, characters of all classes. */
static const char *const pieces[] = {"\\",
                                     "5c",
                                     "\\5c",
                                     "\\20",
                                     "\\22",
                                     "\\26",
                                     "\\27",
                                     "\\2f",
                                     "\\3a",
                                     "\\3c",
                                     "\\3e",
                                     "\\40",
                                     "20",
                                     "27",
                                     "2",
                                     "7",
                                     "a",
                                     "b",
                                     "c",
                                     "%",
                                     "%2",
                                     "%27",
                                     "#",
                                     "[",
                                     "]",
                                     "^",
                                     "`",
                                     "{",
                                     "|",
                                     "}",
                                     ";",
                                     "=",
                                     "?",
                                     ",",
                                     "+",
                                     "$",
                                     "!",
                                     "~",
                                     "*",
                                     "(",
                                     ")",
                                     "-",
                                     "_",
                                     ".",
                                     "\xC3\xBC",
                                     "\xE2\x82\xAC",
                                     "\xF0\x9F\x98\x80",
                                     "\xCC\x88",
                                     "\xCC\x8A",
                                     "\xD7\x90",
                                     "\xD8\xA7",
                                     "\xEF\xBC\xBC",
                                     "\xEF\xBC\x92"};

static const char *const resource_pieces[] = {"a",
                                              "B",
                                              " ",
                                              "/",
                                              "@",
                                              ";",
                                              "=",
                                              "?",
                                              "&",
                                              "%",
                                              "%41",
                                              "\\27",
                                              "'",
                                              "\"",
                                              "<",
                                              ">",
                                              ":",
                                              ",",
                                              "\xC3\xBC",
                                              "\xE2\x82\xAC",
                                              "\xF0\x9F\x98\x80",
                                              "\xCC\x88",
                                              "+",
                                              "[",
                                              "]"};

static void put_random(struct xf_buf *out, const char *const *from, size_t count)
{
    for (size_t i = 0, most = 1 + next_random(12); i < most; i++)
        xf_buf_append_str(out, from[next_random((uint32_t)count)]);
}

static bool make_jid(struct xf_buf *text, char scratch[XF_JID_MAX + 1], struct xf_jid *out_jid)
{
    static const char *const domains[] = {"a.example",
                                          ("b\xC3\xBC"
                                           "cher.example"),
                                          "[2001:db8::1]", "192.0.2.1"};

    xf_buf_clear(text);
    put_random(text, pieces, XF_ARRAY_LEN(pieces));
    xf_buf_append_str(text, "@");
    xf_buf_append_str(text, domains[next_random(XF_ARRAY_LEN(domains))]);
    if (next_random(2)) {
        xf_buf_append_str(text, "/");
        put_random(text, resource_pieces, XF_ARRAY_LEN(resource_pieces));
    }
    return xf_jid_prepare(xf_buf_span(text), scratch, out_jid) == XF_ERR_OK;
}

static void assert_round_trip(const struct xf_jid *jid)
{
    char storage[XF_JID_MAX + 1];
    struct xf_sip_uri uri;
    struct xf_jid back;
    struct xf_buf out;

    xf_buf_init(&out, URI_BYTES);
    ck_assert_int_eq(xf_interwork_write_uri(&out, jid), XF_ERR_OK);
    ck_assert_msg(xf_sip_uri_parse(xf_buf_span(&out), &uri) == XF_ERR_OK, "%.*s",
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    unsigned status = xf_interwork_read_uri(&uri, false, storage, &back);
    ck_assert_msg(status == 0 && xf_span_eq(back.full, jid->full), "%.*s: %.*s: %u",
                  XF_SPAN_ARGS(jid->full), XF_SPAN_ARGS(xf_buf_span(&out)), status);
    xf_buf_release(&out);
}

START_TEST(every_jid_comes_back)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    struct xf_buf text;
    unsigned legal = 0;

    state = 88172645u + (uint32_t)_i;
    xf_buf_init(&text, 1 << 16);
    for (unsigned i = 0; i < 20000; i++) {
        if (!make_jid(&text, scratch, &jid))
            continue;
        legal++;
        assert_round_trip(&jid);
    }
    ck_assert_uint_gt(legal, 5000);
    xf_buf_release(&text);
}
END_TEST

START_TEST(the_longest_jid_comes_back)
{
    char text[XF_JID_MAX + 1], scratch[XF_JID_MAX + 1];
    size_t len = 0;

    memset(text, '#', XF_JID_PART_MAX);
    len = XF_JID_PART_MAX;
    len += (size_t)snprintf(text + len, sizeof(text) - len, "@a.example/");
    memset(text + len, ';', XF_JID_PART_MAX);
    text[len + XF_JID_PART_MAX] = '\0';

    struct xf_jid jid = jid_of(text, scratch);
    assert_round_trip(&jid);
}
END_TEST

static const char *find_forbidden(struct xf_span local)
{
    for (size_t i = 0; i < local.len; i++) {
        if (strchr(" \"&'/:<>@", local.ptr[i]))
            return local.ptr + i;
    }
    return NULL;
}

/* Any text, escaped, is undone to the same text: the JID side of two users never meets. */
START_TEST(every_user_has_a_local_part_of_its_own)
{
    struct xf_buf text, escaped, undone;

    state = 12345u + (uint32_t)_i;
    xf_buf_init(&text, 1 << 16);
    xf_buf_init(&escaped, 1 << 16);
    xf_buf_init(&undone, 1 << 16);
    for (unsigned i = 0; i < 20000; i++) {
        xf_buf_clear(&text);
        xf_buf_clear(&escaped);
        xf_buf_clear(&undone);
        put_random(&text, pieces, XF_ARRAY_LEN(pieces));
        put_random(&text, resource_pieces, XF_ARRAY_LEN(resource_pieces));
        struct xf_draft there = xf_draft_begin(&escaped);
        xf_interwork_escape(&there, xf_buf_span(&text));
        struct xf_draft back = xf_draft_begin(&undone);
        xf_interwork_unescape(&back, xf_buf_span(&escaped));
        ck_assert(!there.is_short && !back.is_short);
        ck_assert_uint_le(escaped.len, 3 * text.len);
        ck_assert_msg(xf_span_eq(xf_buf_span(&text), xf_buf_span(&undone)), "%.*s: %.*s",
                      XF_SPAN_ARGS(xf_buf_span(&text)), XF_SPAN_ARGS(xf_buf_span(&escaped)));
        ck_assert_ptr_null(find_forbidden(xf_buf_span(&escaped)));
    }
    xf_buf_release(&text);
    xf_buf_release(&escaped);
    xf_buf_release(&undone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, jids_become_uris, 0, XF_ARRAY_LEN(both));
    tcase_add_loop_test(tcase, uris_become_jids, 0, XF_ARRAY_LEN(both));
    tcase_add_loop_test(tcase, further_uris_become_jids_or_are_refused, 0, XF_ARRAY_LEN(inward));
    tcase_add_test(tcase, a_user_has_the_length_of_a_local_part);
    tcase_add_test(tcase, no_room_leaves_the_buffer_as_it_was);
    tcase_add_loop_test(tcase, entities_name_their_user, 0, XF_ARRAY_LEN(entities));
    tcase_add_loop_test(tcase, every_jid_comes_back, 0, 5);
    tcase_add_test(tcase, the_longest_jid_comes_back);
    tcase_add_loop_test(tcase, every_user_has_a_local_part_of_its_own, 0, 5);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
