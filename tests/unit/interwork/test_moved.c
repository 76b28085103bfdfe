/* SPDX-License-Identifier: MIT */
/* test_moved.c — new addresses in error stanzas (RFC 6120 section 8.3.3.5), and XMPP URIs. */
#include <xfed/interwork/moved.h>

#include <check.h>
#include <stdio.h>

#include <xfed/xmpp/ns.h>

/* ------------------------------------------------------------------ read */

/* clang-format off */
#define GONE(text) "<error type=\"cancel\"><gone xmlns=\"" XF_NS_STANZA_ERROR "\">" text "</gone></error>"

static const struct {
    const char *label, *payload, *jid; /* NULL: none */
} stanzas[] = {
    {"a user",                   GONE("xmpp:v@c.example"), "v@c.example"},
    {"a resource",               GONE("xmpp:v@c.example/home"), "v@c.example/home"},
    {"a domain",                 GONE("xmpp:c.example"), "c.example"},
    {"prepared",                 GONE("XMPP:V@C.Example"), "v@c.example"},
    {"white space",              GONE("\n  xmpp:v@c.example\n"), "v@c.example"},
    {"a query",                  GONE("xmpp:v@c.example?message;body=x"), "v@c.example"},
    {"a fragment",               GONE("xmpp:v@c.example#x?y"), "v@c.example"},
    {"an authority",             GONE("xmpp://u@a.example/v@c.example"), "v@c.example"},
    {"an authority alone",       GONE("xmpp://u@a.example"), NULL},
    {"escapes",                  GONE("xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~n@c.example"), "nasty!#$%()*+,-.;=?[\\]^_`{|}~n@c.example"},
    {"UTF-8",                    GONE("xmpp:ji\xC5\x99i@c.example/%C4%8Cech"), "ji\xC5\x99i@c.example/\xC4\x8C" "ech"},
    {"entities of XML",          GONE("xmpp:v@c.example/a&#38;b&amp;c"), "v@c.example/a&b&c"},
    {"a slash in a resource",    GONE("xmpp:v@c.example/a/b%2Fc%40d"), "v@c.example/a/b/c@d"},
    {"an escaped @",             GONE("xmpp:v%40x@c.example"), NULL},
    {"an escaped slash",         GONE("xmpp:v%2Fx@c.example"), NULL},
    {"no escape",                GONE("xmpp:v%4x@c.example"), NULL},
    {"an escape cut",            GONE("xmpp:v@c.example/a%4"), NULL},
    {"a NUL",                    GONE("xmpp:v@c.example/a%00"), NULL},
    {"a line end",               GONE("xmpp:v@c.example/a%0D%0Ab"), NULL},
    {"a byte that is not UTF-8", GONE("xmpp:v@c.example/%FF"), NULL},
    {"no legal JID",             GONE("xmpp:@c.example"), NULL},
    {"another scheme",           GONE("sip:v@c.example"), NULL},
    {"no scheme",                GONE("v@c.example"), NULL},
    {"nothing behind the scheme", GONE("xmpp:"), NULL},
    {"less than a scheme",       GONE("xm"), NULL},
    {"nothing",                  GONE(""), NULL},
    {"no condition",             "<error/>", NULL},
    {"no error",                 "<body>xmpp:v@c.example</body>", NULL},
};
/* clang-format on */

START_TEST(new_addresses_are_read)
{
    char storage[XF_JID_MAX + 1];
    struct xf_stanza stanza = {.payload = xf_span_of(stanzas[_i].payload)};
    struct xf_jid jid = {0};
    bool is_read = xf_interwork_moved_read(&stanza, storage, &jid);

    ck_assert_msg(is_read == (stanzas[_i].jid != NULL), "%s: %.*s", stanzas[_i].label,
                  XF_SPAN_ARGS(jid.full));
    ck_assert_msg(!is_read || xf_span_is(jid.full, stanzas[_i].jid), "%s: %.*s", stanzas[_i].label,
                  XF_SPAN_ARGS(jid.full));
    ck_assert_msg(!is_read || jid.full.ptr == storage, "%s: elsewhere", stanzas[_i].label);
}
END_TEST

START_TEST(a_long_one_is_none)
{
    char payload[2 * XF_JID_MAX], storage[XF_JID_MAX + 1], path[XF_JID_MAX + 2];
    struct xf_stanza stanza;
    struct xf_jid jid;

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    (void)snprintf(payload, sizeof(payload), GONE("xmpp:%s"), path);
    stanza = (struct xf_stanza){.payload = xf_span_of(payload)};
    ck_assert(!xf_interwork_moved_read(&stanza, storage, &jid));
}
END_TEST

/* ------------------------------------------------------------------ written */

/* clang-format off */
static const struct {
    const char *jid, *uri;
} jids[] = {
    {"v@c.example", "xmpp:v@c.example"},
    {"c.example", "xmpp:c.example"},
    {"v@c.example/home", "xmpp:v@c.example/home"},
    {"a#b%c?[\\]`@c.example", "xmpp:a%23b%25c%3F%5B%5C%5D%60@c.example"},
    {"ji\xC5\x99i@b\xC3\xBC.example/a b/c@d&<>", "xmpp:ji\xC5\x99i@b\xC3\xBC.example/a%20b%2Fc%40d%26%3C%3E"},
};
/* clang-format on */

START_TEST(uris_are_written)
{
    char scratch[XF_JID_MAX + 1], storage[XF_JID_MAX + 1], payload[1000];
    struct xf_jid jid, again;
    struct xf_buf out;

    ck_assert_int_eq(xf_jid_prepare(xf_span_of(jids[_i].jid), scratch, &jid), XF_ERR_OK);
    xf_buf_init(&out, strlen(jids[_i].uri));
    ck_assert_int_eq(xf_interwork_moved_write(&out, &jid), XF_ERR_OK);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), jids[_i].uri), "%.*s",
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    (void)snprintf(payload, sizeof(payload), GONE("%.*s"), XF_SPAN_ARGS(xf_buf_span(&out)));
    struct xf_stanza stanza = {.payload = xf_span_of(payload)};
    ck_assert(xf_interwork_moved_read(&stanza, storage, &again));
    ck_assert(xf_span_eq(again.full, jid.full));
    xf_buf_release(&out);
    xf_buf_init(&out, strlen(jids[_i].uri) - 1);
    ck_assert_int_eq(xf_interwork_moved_write(&out, &jid), XF_ERR_LIMIT);
    xf_buf_release(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moved");
    TCase *tcase = tcase_create("moved");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, new_addresses_are_read, 0, XF_ARRAY_LEN(stanzas));
    tcase_add_test(tcase, a_long_one_is_none);
    tcase_add_loop_test(tcase, uris_are_written, 0, XF_ARRAY_LEN(jids));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
