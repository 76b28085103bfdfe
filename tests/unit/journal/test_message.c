/* SPDX-License-Identifier: MIT */
/* test_message.c — which messages the journal keeps, and that each comes back as it was. */
#include "journal_priv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>

#define TO    "from='u@a.example/r' to='v@b.example' "
#define BODY  "<body>hi</body>"
#define STATE "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
#define HINT  "xmlns='urn:xmpp:hints'/>"

struct seen {
    bool is_wanted;
    char *xml;
};

static void on_parsed(void *owner, struct xf_stanza *stanza)
{
    static struct xf_stanza_scratch scratch;
    struct seen *seen = owner;
    bool is_from;
    size_t bytes;
    ck_assert_int_eq(xf_stanza_address(stanza, &scratch, &is_from), XF_ERR_OK);
    seen->is_wanted = xf_journal_wants(stanza);
    stanza->shown_from = XF_SPAN("user@mail.example");
    xf_free(seen->xml);
    seen->xml = xf_journal_xml(stanza, &bytes);
    ck_assert_uint_eq(strlen(seen->xml), bytes);
}

/* clang-format off */
static const struct {
    const char *label, *xml;
    bool want;
} kept[] = {
    {"chat",                        "<message " TO "type='chat'>" BODY "</message>", true},
    {"without a type",              "<message " TO ">" BODY "</message>", true},
    {"normal",                      "<message " TO "type='normal'>" BODY "</message>", true},
    {"headline",                    "<message " TO "type='headline'>" BODY "</message>", true},
    {"a type that nobody knows",    "<message " TO "type='urgent'>" BODY "</message>", true},
    {"error",                       "<message " TO "type='error'>" BODY "</message>", false},
    {"groupchat",                   "<message " TO "type='groupchat'>" BODY "</message>", false},
    {"a receipt",                   "<message " TO "><received xmlns='urn:xmpp:receipts' id='1'/></message>", true},
    {"somebody types",              "<message " TO "type='chat'>" STATE "</message>", false},
    {"typed, and said something",   "<message " TO "type='chat'>" STATE BODY "</message>", true},
    {"nothing",                     "<message " TO "type='chat'/>", false},
    {"may not be stored",           "<message " TO ">" BODY "<no-store " HINT "</message>", false},
    {"... permanently",             "<message " TO ">" BODY "<no-permanent-store " HINT "</message>", false},
    {"may not be copied",           "<message " TO ">" BODY "<no-copy " HINT "</message>", true},
    {"hints alone",                 "<message " TO "><store " HINT "</message>", false},
    {"a child of that name only",   "<message " TO ">" BODY "<no-store xmlns='urn:x'/></message>", true},
};
/* clang-format on */

START_TEST(keeps_what_somebody_said)
{
    struct seen seen = {0};
    struct xf_journal_parser *parser = xf_journal_parser_new(false, on_parsed, &seen);
    ck_assert_msg(xf_journal_parse(parser, xf_span_of(kept[_i].xml)), "%s", kept[_i].label);
    ck_assert_msg(seen.is_wanted == kept[_i].want, "%s", kept[_i].label);
    xf_journal_parser_free(&parser);
    xf_free(seen.xml);
}
END_TEST

/* clang-format off */
/* As the journal writes them: each comes back to the byte. */
static const char *const texts[] = {
    "<message from=\"u@a.example/r\" to=\"v@b.example\" type=\"chat\" id=\"1\" xml:lang=\"de\"><body>hi</body></message>",
    "<message from=\"u@a.example/&apos;&lt;&quot;\" to=\"v@b.example/&#9731;\"><body>&amp;&lt;&gt; \xe2\x98\x83\r\n</body></message>",
    "<message from=\"u@a.example\" to=\"v@b.example\" xmlns:n1=\"urn:n\" n1:x=\"1\"><x xmlns=\"urn:x\"><message xmlns=\"jabber:server\"/></x></message>",
};
/* clang-format on */

START_TEST(comes_back_as_it_was)
{
    struct seen seen = {0}, again = {0};
    struct xf_journal_parser *parser = xf_journal_parser_new(false, on_parsed, &seen),
                             *second = xf_journal_parser_new(false, on_parsed, &again);
    ck_assert(xf_journal_parse(parser, xf_span_of(texts[_i])));
    ck_assert_msg(!strstr(seen.xml, "mail.example"), "%s", seen.xml);
    ck_assert(xf_journal_parse(second, xf_span_of(seen.xml)));
    ck_assert_str_eq(seen.xml, again.xml);
    if (_i == 0)
        ck_assert_str_eq(seen.xml, texts[0]);
    xf_journal_parser_free(&parser);
    xf_journal_parser_free(&second);
    xf_free(seen.xml);
    xf_free(again.xml);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *text;
    bool want;
} damaged[] = {
    {"empty",                    "", false},
    {"no XML",                   "\x01\x02", false},
    {"cut off",                  "<message " TO "><body>h", false},
    {"not UTF-8",                "<message " TO "><body>\xff</body></message>", false},
    {"an entity",                "<message " TO "><body>&x;</body></message>", false},
    {"a document type",          "<!DOCTYPE x><message " TO "/>", false},
    {"another kind",             "<iq type='get' " TO "/>", false},
    {"the end of the stream",    "</stream:stream>", false},
    {"a message behind the end", "</stream:stream><message " TO "/>", false},
    {"a message",                "<message " TO "/>", true},
    {"two of them",              "<message " TO "/><message " TO "/>", true},
    {"something behind it",      "<message " TO "/>\x01", true},
};
/* clang-format on */

/* Whatever a text did to the parser, the next one is read. */
START_TEST(survives_damage)
{
    struct seen seen = {0};
    struct xf_journal_parser *parser = xf_journal_parser_new(false, on_parsed, &seen);
    ck_assert_msg(xf_journal_parse(parser, xf_span_of(damaged[_i].text)) == damaged[_i].want, "%s",
                  damaged[_i].label);
    ck_assert_msg((seen.xml != NULL) == damaged[_i].want, "%s", damaged[_i].label);
    ck_assert_msg(xf_journal_parse(parser, xf_span_of(kept[0].xml)), "%s", damaged[_i].label);
    xf_journal_parser_free(&parser);
    xf_free(seen.xml);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal/message");
    TCase *tcase = tcase_create("message");
    tcase_add_loop_test(tcase, keeps_what_somebody_said, 0, XF_ARRAY_LEN(kept));
    tcase_add_loop_test(tcase, comes_back_as_it_was, 0, XF_ARRAY_LEN(texts));
    tcase_add_loop_test(tcase, survives_damage, 0, XF_ARRAY_LEN(damaged));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
