/* SPDX-License-Identifier: MIT */
/*
 * test_writer.c — text, values, attributes and stanzas as they are written, and how long they are.
 */
#include <xfed/xml/writer.h>

#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "record.h"

#define SPAN(text)                \
    {                             \
        "" text, sizeof(text) - 1 \
    } /* for static tables */

static void assert_written(const char *label, struct xf_buf *out, const char *want)
{
    xf_buf_append(out, "", 1);
    ck_assert_msg(strcmp(xf_buf_ptr(out), want) == 0, "%s: %s", label, xf_buf_ptr(out));
    xf_buf_release(out);
}

/* clang-format off */
static const struct {
    const char *label;
    struct xf_span in;
    const char *text, *value;
} escapes[] = {
    {"nothing", SPAN(""), "", ""},
    {"plain", SPAN("plain"), "plain", "plain"},
    {"markup", SPAN("<a&b>"), "&lt;a&amp;b&gt;", "&lt;a&amp;b&gt;"},
    {"quotes", SPAN("'\""), "'\"", "&apos;&quot;"},
    {"white space", SPAN("\t\n\r "), "\t\n&#13; ", "&#9;&#10;&#13; "},
    {"special ones at every place of a word", SPAN("<234567812345678>123456&81234567'"),
     "&lt;234567812345678&gt;123456&amp;81234567'", "&lt;234567812345678&gt;123456&amp;81234567&apos;"},
    {"sixteen clean bytes", SPAN("0123456789abcdef"), "0123456789abcdef", "0123456789abcdef"},
    {"beyond ASCII", SPAN("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\xC2\x80"),
     "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\xC2\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F\xC2\x80"},
    {"what XML cannot hold", SPAN("a\0b\x01\x1F"), "a\xEF\xBF\xBD" "b\xEF\xBF\xBD\xEF\xBF\xBD",
     "a\xEF\xBF\xBD" "b\xEF\xBF\xBD\xEF\xBF\xBD"},
};
/* clang-format on */

static void put_value(struct xf_buf *out, struct xf_span text)
{
    struct xf_draft draft = xf_draft_begin(out);

    xf_xml_value(&draft, text);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
}

START_TEST(escapes_text_and_values)
{
    struct xf_buf out;

    xf_buf_init(&out, 1000);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_xml_text(&draft, escapes[_i].in);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    assert_written(escapes[_i].label, &out, escapes[_i].text);
    put_value(&out, escapes[_i].in);
    assert_written(escapes[_i].label, &out, escapes[_i].value);
}
END_TEST

/* What does not fit takes what came before it along. */
START_TEST(text_that_does_not_fit_leaves_nothing)
{
    for (size_t max = 1; max < 60; max++) {
        struct xf_buf out;

        xf_buf_init(&out, max);
        struct xf_draft draft = xf_draft_begin(&out);
        xf_xml_text(&draft, XF_SPAN("<a>"));
        xf_xml_attr(&draft, "id", XF_SPAN("''"));
        xf_xml_value(&draft, XF_SPAN("b<c"));
        bool fits = max >= 9 + 18 + 6;
        ck_assert_int_eq(xf_draft_end(&draft), fits ? XF_ERR_OK : XF_ERR_LIMIT);
        ck_assert_uint_eq(out.len, fits ? 9 + 18 + 6 : 0);
        xf_buf_release(&out);
    }
}
END_TEST

/* Each byte at each place of a word: the fast way and the table agree. */
START_TEST(escapes_each_byte_wherever_it_stands)
{
    for (int byte = 0; byte < 256; byte++) {
        struct xf_buf alone, within;
        char c = (char)byte;

        xf_buf_init(&alone, 100);
        xf_buf_init(&within, 100);
        put_value(&alone, (struct xf_span){&c, 1});
        for (size_t at = 0; at < 20; at++) {
            char text[21] = "aaaaaaaaaaaaaaaaaaaaa";

            text[at] = c;
            xf_buf_clear(&within);
            put_value(&within, (struct xf_span){text, sizeof(text)});
            ck_assert_uint_eq(within.len, sizeof(text) - 1 + alone.len);
            ck_assert_mem_eq(xf_buf_ptr(&within) + at, xf_buf_ptr(&alone), alone.len);
        }
        xf_buf_release(&alone);
        xf_buf_release(&within);
    }
}
END_TEST

START_TEST(leaves_out_absent_attributes)
{
    struct xf_buf out;

    xf_buf_init(&out, 1000);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_xml_attr(&draft, "a", XF_SPAN_NONE);
    xf_xml_attr(&draft, "b", XF_SPAN(""));
    xf_xml_attr(&draft, "c", XF_SPAN("'1'"));
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    assert_written("attributes", &out, " b=\"\" c=\"&apos;1&apos;\"");
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *text, *want;
} errors[] = {
    {"no words", NULL, "<error type=\"wait\"><resource-constraint xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error>"},
    {"empty words", "", "<error type=\"wait\"><resource-constraint xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/></error>"},
    {"words", "full & <old>", "<error type=\"wait\"><resource-constraint xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
        "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">full &amp; &lt;old&gt;</text></error>"},
    {"words cut within a character", "b\xc3", "<error type=\"wait\"><resource-constraint xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
        "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">b</text></error>"},
};
/* clang-format on */

START_TEST(writes_the_error_of_a_stanza)
{
    struct xf_buf out;

    xf_buf_init(&out, 1000);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_xml_stanza_error(&draft, XF_STANZA_ERROR_RESOURCE_CONSTRAINT, XF_SPAN_NONE, errors[_i].text);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    assert_written(errors[_i].label, &out, errors[_i].want);
}
END_TEST

START_TEST(writes_the_new_address_of_an_error)
{
    struct xf_buf out;

    xf_buf_init(&out, 1000);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_xml_stanza_error(&draft, XF_STANZA_ERROR_GONE, XF_SPAN("xmpp:a@b/<&>"), NULL);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    assert_written("an address", &out,
                   "<error type=\"cancel\"><gone xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\">"
                   "xmpp:a@b/&lt;&amp;&gt;</gone></error>");
}
END_TEST

/* ------------------------------------------------------------------ stanzas */

static const struct xf_stanza chat = {
    .kind = XF_STANZA_MESSAGE,
    .from = {.full = {"u@a/'r'", 7}},
    .to = {.full = {"v@b", 3}},
    .type = {"chat", 4},
    .id = {"<1>", 3},
    .extra = {" k=\"&lt;\"", 9},
    .payload = {"<body>a</body>", 14},
};

#define HEAD "<message from=\"u@a/&apos;r&apos;\" to=\"v@b\" type=\"chat\" id=\"&lt;1&gt;\""

static void write_stanza(struct xf_buf *out, const struct xf_stanza *stanza, const char *ns,
                         struct xf_span lang)
{
    xf_buf_init(out, 1u << 20);
    ck_assert_int_eq(xf_xml_stanza(out, stanza, ns, lang), XF_ERR_OK);
    if (lang.ptr)
        return;
    ck_assert(xf_xml_stanza_fits(stanza, ns, out->len));
    ck_assert(!xf_xml_stanza_fits(stanza, ns, out->len - 1));
}

START_TEST(writes_prepared_addresses_then_the_rest)
{
    struct xf_stanza stanza = chat;
    struct xf_buf out;

    stanza.raw_from = XF_SPAN("U@A/'r'"); /* not written */
    write_stanza(&out, &stanza, XF_NS_SERVER, XF_SPAN_NONE);
    assert_written("chat", &out, HEAD " k=\"&lt;\"><body>a</body></message>");
    stanza.payload = XF_SPAN("");
    stanza.extra = XF_SPAN_NONE;
    stanza.kind = XF_STANZA_IQ;
    stanza.from.full = stanza.type = stanza.id = XF_SPAN_NONE;
    write_stanza(&out, &stanza, XF_NS_SERVER, XF_SPAN_NONE);
    assert_written("empty", &out, "<iq to=\"v@b\"/>");
}
END_TEST

/* RFC 6120 section 8.1.5: that of the stanza, else that of the stream it came on. */
START_TEST(keeps_the_language)
{
    struct xf_stanza stanza = chat;
    struct xf_buf out;

    stanza.extra = stanza.payload = XF_SPAN("");
    write_stanza(&out, &stanza, XF_NS_SERVER, XF_SPAN("de"));
    assert_written("stream's", &out, HEAD " xml:lang=\"de\"/>");
    stanza.lang = XF_SPAN("fr");
    write_stanza(&out, &stanza, XF_NS_SERVER, XF_SPAN("de"));
    assert_written("own", &out, HEAD " xml:lang=\"fr\"/>");
    stanza.lang = XF_SPAN("");
    write_stanza(&out, &stanza, XF_NS_SERVER, XF_SPAN("de"));
    assert_written("own, empty", &out, HEAD " xml:lang=\"\"/>");
}
END_TEST

START_TEST(puts_the_content_namespace_where_it_is_marked)
{
    struct xf_stanza stanza = {
        .payload = XF_SPAN("<f xmlns=\"u\"><a xmlns=\"\x01\"/><b xmlns=\"\x01\"/></f>"),
        .has_ns_mark = true,
    };
    struct xf_buf out;

    write_stanza(&out, &stanza, XF_NS_SERVER, XF_SPAN_NONE);
    assert_written("server", &out,
                   "<message><f xmlns=\"u\"><a xmlns=\"jabber:server\"/><b "
                   "xmlns=\"jabber:server\"/></f></message>");
    write_stanza(&out, &stanza, XF_NS_COMPONENT, XF_SPAN_NONE);
    assert_written("component", &out,
                   "<message><f xmlns=\"u\"><a xmlns=\"jabber:component:accept\"/>"
                   "<b xmlns=\"jabber:component:accept\"/></f></message>");
}
END_TEST

/* The worst of each: all is escaped at full length, and a mark in every byte. */
START_TEST(is_written_whole_or_not)
{
    static char quotes[3000], marks[3000];
    memset(quotes, '"', sizeof(quotes));
    memset(marks, XF_CONTENT_NS_MARK, sizeof(marks));
    struct xf_span worst = {quotes, sizeof(quotes)};
    struct xf_stanza stanza = {
        .kind = XF_STANZA_PRESENCE,
        .from.full = worst,
        .to.full = worst,
        .type = worst,
        .id = worst,
        .lang = worst,
        .extra = worst,
        .payload = {marks, sizeof(marks)},
        .has_ns_mark = true,
    };
    struct xf_buf out;

    write_stanza(&out, &stanza, XF_NS_COMPONENT, XF_SPAN_NONE);
    size_t bytes = out.len;
    ck_assert_uint_gt(bytes, 6 * 5 * sizeof(quotes) + strlen(XF_NS_COMPONENT) * sizeof(marks));
    xf_buf_release(&out);
    for (size_t room = 1; room < 2 * bytes; room += 997) {
        xf_buf_init(&out, room);
        enum xf_err err = xf_xml_stanza(&out, &stanza, XF_NS_COMPONENT, XF_SPAN_NONE);
        ck_assert_uint_eq(out.len, err == XF_ERR_OK ? bytes : 0);
        ck_assert(err == XF_ERR_LIMIT || room >= bytes);
        xf_buf_release(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml/writer");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, escapes_text_and_values, 0, (int)XF_ARRAY_LEN(escapes));
    tcase_add_test(tc, escapes_each_byte_wherever_it_stands);
    tcase_add_test(tc, text_that_does_not_fit_leaves_nothing);
    tcase_add_test(tc, leaves_out_absent_attributes);
    tcase_add_loop_test(tc, writes_the_error_of_a_stanza, 0, (int)XF_ARRAY_LEN(errors));
    tcase_add_test(tc, writes_the_new_address_of_an_error);
    tcase_add_test(tc, writes_prepared_addresses_then_the_rest);
    tcase_add_test(tc, keeps_the_language);
    tcase_add_test(tc, puts_the_content_namespace_where_it_is_marked);
    tcase_add_test(tc, is_written_whole_or_not);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
