/* SPDX-License-Identifier: MIT */
/*
 * test_hostile.c — what is refused, with which stream error, and that nothing behind it is
 * delivered.
 *
 * Each row is a whole stream. It is read whole, a byte at a time and in random pieces; what came
 * before the fault is delivered in each of them, the fault is the same.
 */
#include "record.h"

#include <check.h>
#include <stdlib.h>

#include <expat.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define ROOT       "<stream:stream xmlns='jabber:server' xmlns:stream='" XF_NS_STREAM "'>"
#define OK         "<iq id='1'/>"
#define SPLITS     20
#define SPAN(text) (text), sizeof(text) - 1

/* clang-format off */
#define IN(label, text, error) {label, SPAN(ROOT OK text "<iq id='2'/>"), XF_STREAM_ERROR_##error, "HS"}
#define START(label, text, error) {label, SPAN(text), XF_STREAM_ERROR_##error, ""}

static const struct {
    const char *label, *in;
    size_t len;
    enum xf_stream_error want;
    const char *events; /* first letters of those before the fault */
} cases[] = {
    START("UTF-8 byte order mark", "\xEF\xBB\xBF" ROOT, BAD_FORMAT),
    START("UTF-16 byte order mark, big", "\xFE\xFF\0<\0a\0>", BAD_FORMAT),
    START("UTF-16 byte order mark, little", "\xFF\xFE<\0a\0>\0", BAD_FORMAT),
    START("UTF-16 without mark", "<\0s\0>\0", BAD_FORMAT),
    START("UTF-16 without mark, big", "\0<\0s\0>", BAD_FORMAT),
    START("text in front", "x" ROOT, BAD_FORMAT),
    START("white space in front of the declaration", "\n<?xml version='1.0'?>" ROOT, NOT_WELL_FORMED),
    START("XML 1.1", "<?xml version='1.1'?>" ROOT, BAD_FORMAT),
    START("XML 2.0", "<?xml version='2.0' encoding='UTF-8'?>" ROOT, BAD_FORMAT),
    START("another encoding", "<?xml version='1.0' encoding='ISO-8859-1'?>" ROOT, UNSUPPORTED_ENCODING),
    START("UTF-16 declared", "<?xml version='1.0' encoding='UTF-16'?>" ROOT, UNSUPPORTED_ENCODING),
    START("an encoding that there is not", "<?xml version='1.0' encoding='utf8'?>" ROOT, UNSUPPORTED_ENCODING),
    START("a declaration without version", "<?xml encoding='UTF-8'?>" ROOT, NOT_WELL_FORMED),
    START("two declarations", "<?xml version='1.0'?><?xml version='1.0'?>" ROOT, NOT_WELL_FORMED),
    START("DOCTYPE", "<?xml version='1.0'?><!DOCTYPE stream>" ROOT, RESTRICTED_XML),
    START("DOCTYPE with entities", "<!DOCTYPE x [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><stream to='&b;'>", RESTRICTED_XML),
    START("DOCTYPE with an external subset", "<!DOCTYPE x SYSTEM 'http://127.0.0.1/x'>" ROOT, RESTRICTED_XML),
    START("comment in front", "<!-- x -->" ROOT, RESTRICTED_XML),
    START("instruction in front", "<?x y?>" ROOT, RESTRICTED_XML),
    START("unbound prefix of the root", "<stream:stream xmlns='jabber:server'>", NOT_WELL_FORMED),
    START("attribute of the root twice", "<stream a='1' a='2'>", NOT_WELL_FORMED),
    START("entity in the header", "<stream to='&a10;'>", RESTRICTED_XML),

    IN("text between stanzas", "garbage", BAD_FORMAT),
    IN("text behind white space", " \n\t x", BAD_FORMAT),
    IN("reference between stanzas", "&lt;", BAD_FORMAT),
    IN("byte order mark between stanzas", "\xEF\xBB\xBF", BAD_FORMAT),
    IN("CDATA between stanzas", "<![CDATA[x]]>", BAD_FORMAT),
    IN("empty CDATA between stanzas", "<![CDATA[]]>", BAD_FORMAT),
    IN("comment between stanzas", "<!-- x -->", RESTRICTED_XML),
    IN("instruction between stanzas", "<?xml-stylesheet href='x'?>", RESTRICTED_XML),
    IN("declaration between stanzas", "<?xml version='1.0'?>", NOT_WELL_FORMED),
    IN("DOCTYPE between stanzas", "<!DOCTYPE x [<!ENTITY a 'b'>]>", NOT_WELL_FORMED),
    IN("a second header", ROOT, UNSUPPORTED_STANZA_TYPE),
    IN("a second header, ended", ROOT "</stream:stream>", UNSUPPORTED_STANZA_TYPE),
    IN("a stream under another prefix", "<x:stream xmlns:x='" XF_NS_STREAM "'>", UNSUPPORTED_STANZA_TYPE),
    IN("comment in a stanza", "<iq><!-- x --></iq>", RESTRICTED_XML),
    IN("comment in a control element", "<x xmlns='u'><!-- x --></x>", RESTRICTED_XML),
    IN("instruction in a stanza", "<iq><?php x?></iq>", RESTRICTED_XML),
    IN("undefined entity", "<iq><a>&foo;</a></iq>", RESTRICTED_XML),
    IN("undefined entity in a value", "<iq a='&foo;'/>", RESTRICTED_XML),
    IN("undefined entity with a colon", "<iq><a>&p:foo;</a></iq>", RESTRICTED_XML),
    IN("instruction with a colon", "<?p:x?>", RESTRICTED_XML),
    IN("unfinished reference", "<iq><a>&amp </a></iq>", NOT_WELL_FORMED),
    {"a closing tag too much", SPAN(ROOT OK "<iq></iq></iq>" OK), XF_STREAM_ERROR_NOT_WELL_FORMED, "HSS"},
    IN("tags that do not match", "<iq><a></b></iq>", NOT_WELL_FORMED),
    IN("tags that match by namespace only", "<iq><a xmlns='u' xmlns:p='u'></p:a></iq>", NOT_WELL_FORMED),
    IN("'<' in a value", "<iq a='<'/>", NOT_WELL_FORMED),
    IN("attribute twice", "<iq a='1' a='2'/>", NOT_WELL_FORMED),
    IN("attribute twice by namespace", "<iq><a xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/></iq>", NOT_WELL_FORMED),
    IN("unbound prefix", "<iq><p:a/></iq>", NOT_WELL_FORMED),
    IN("unbound prefix of an attribute", "<iq><a p:a='1'/></iq>", NOT_WELL_FORMED),
    IN("a prefix unbound again", "<iq><a xmlns:p='u'><b xmlns:p=''/></a></iq>", NOT_WELL_FORMED),
    IN("prefix xmlns bound", "<iq><a xmlns:xmlns='u'/></iq>", NOT_WELL_FORMED),
    IN("prefix xml bound elsewhere", "<iq><a xmlns:xml='u'/></iq>", NOT_WELL_FORMED),
    IN("the namespace of xml as default", "<iq><a xmlns='http://www.w3.org/XML/1998/namespace'/></iq>", NOT_WELL_FORMED),
    IN("two colons", "<iq><a xmlns:p='u'><p:a:b/></a></iq>", NOT_WELL_FORMED),
    IN("]]> in text", "<iq>]]></iq>", NOT_WELL_FORMED),
    IN("NUL", "<iq>\0</iq>", NOT_WELL_FORMED),
    IN("NUL in a value", "<iq a='\0'/>", NOT_WELL_FORMED),
    IN("control character", "<iq>\x01</iq>", NOT_WELL_FORMED),
    IN("the separator of our parser", "<iq xmlns:p='u\x1F'/>", NOT_WELL_FORMED),
    IN("reference to NUL", "<iq>&#0;</iq>", NOT_WELL_FORMED),
    IN("reference to a control character", "<iq a='&#x1F;'/>", NOT_WELL_FORMED),
    IN("reference to a surrogate", "<iq>&#xD800;</iq>", NOT_WELL_FORMED),
    IN("reference to U+FFFE", "<iq>&#xFFFE;</iq>", NOT_WELL_FORMED),
    IN("reference above U+10FFFF", "<iq>&#x110000;</iq>", NOT_WELL_FORMED),
    IN("U+FFFF", "<iq>\xEF\xBF\xBF</iq>", NOT_WELL_FORMED),
    IN("overlong NUL", "<iq>\xC0\x80</iq>", NOT_WELL_FORMED),
    IN("overlong '<'", "<iq>\xC0\xBCx/></iq>", NOT_WELL_FORMED),
    IN("overlong in four", "<iq>\xF0\x80\x80\xBC</iq>", NOT_WELL_FORMED),
    IN("surrogates", "<iq>\xED\xA0\x80\xED\xB0\x80</iq>", NOT_WELL_FORMED),
    IN("five bytes", "<iq>\xF8\x88\x80\x80\x80</iq>", NOT_WELL_FORMED),
    IN("above U+10FFFF", "<iq>\xF4\x90\x80\x80</iq>", NOT_WELL_FORMED),
    IN("cut by a tag", "<iq>\xE2\x82</iq>", NOT_WELL_FORMED),
    IN("cut by an element", "<iq>\xEB<x/></iq>", NOT_WELL_FORMED),
    IN("cut by a quote", "<iq a='\xF0\x9F\x98'/>", NOT_WELL_FORMED),
    IN("bad byte in a name", "<i\xC3q/>", NOT_WELL_FORMED),
    IN("bad byte in a namespace", "<iq><x xmlns='u\xEB'/></iq>", NOT_WELL_FORMED),
    IN("bad byte between stanzas", "\xFF", NOT_WELL_FORMED),

    {"stanza behind the end", SPAN(ROOT OK "</stream:stream><iq/>"), XF_STREAM_ERROR_NOT_WELL_FORMED, "HSF"},
    {"text behind the end", SPAN(ROOT OK "</stream:stream> \n x"), XF_STREAM_ERROR_NOT_WELL_FORMED, "HSF"},
    {"comment behind the end", SPAN(ROOT OK "</stream:stream><!-- -->"), XF_STREAM_ERROR_NOT_WELL_FORMED, "HSF"},
    {"another stream behind the end", SPAN(ROOT "</stream:stream>" ROOT), XF_STREAM_ERROR_NOT_WELL_FORMED, "HF"},
    {"behind an empty root", SPAN("<stream/><iq/>"), XF_STREAM_ERROR_NOT_WELL_FORMED, "HF"},
    {"end tag of another prefix", SPAN(ROOT "</stream>"), XF_STREAM_ERROR_NOT_WELL_FORMED, "H"},
};
/* clang-format on */

static char *initials(struct record *record)
{
    struct xf_buf out;

    xf_buf_init(&out, 1000);
    for (const char *line = record_lines(record); *line; line = strchr(line, '\n') + 1)
        xf_buf_append(&out, line, 1);
    char *text = xf_span_dup(xf_buf_span(&out));
    xf_buf_release(&out);
    return text;
}

/* A declaration that expat refuses by its grammar does not get to us; which ones, it decides. */
static enum xf_stream_error wanted(int i)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    (void)XML_Parse(parser, cases[i].in, (int)cases[i].len, 0);
    enum XML_Error error = XML_GetErrorCode(parser);
    XML_ParserFree(parser);
    return error == XML_ERROR_XML_DECL ? XF_STREAM_ERROR_NOT_WELL_FORMED : cases[i].want;
}

static void assert_refused(int i, enum record_cut cut, unsigned seed)
{
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record.cut = cut;
    record.seed = seed;
    record_run(&record, cases[i].in, cases[i].len);
    ck_assert_msg(record.err == XF_ERR_BAD_XML, "%s (seed %u): %s", cases[i].label, seed,
                  xf_err_text(record.err));
    ck_assert_msg(record.problem == wanted(i), "%s (seed %u): %s", cases[i].label, seed,
                  xf_stream_error_name(record.problem));
    char *events = initials(&record);
    ck_assert_msg(strcmp(events, cases[i].events) == 0, "%s (seed %u): events %s", cases[i].label,
                  seed, events);
    xf_free(events);

    size_t used = 1;
    ck_assert_msg(xf_reader_feed(record.reader, "<iq/>", 5, &used) == XF_ERR_BAD_XML, "%s: alive",
                  cases[i].label);
    ck_assert_uint_eq(used, 0);
    record_fini(&record);
}

START_TEST(is_refused_in_any_pieces)
{
    assert_refused(_i, RECORD_WHOLE, 0);
    assert_refused(_i, RECORD_BYTES, 0);
    for (unsigned seed = 1; seed <= SPLITS; seed++)
        assert_refused(_i, RECORD_RANDOM, seed);
}
END_TEST

/* The same, but seen from the other side: each of them is legal. */
/* clang-format off */
static const struct {
    const char *label, *in;
} legal[] = {
    {"declaration", "<?xml version='1.0'?>" ROOT},
    {"declaration in double quotes", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>" ROOT},
    {"encoding in lower case", "<?xml version='1.0' encoding='utf-8'?>" ROOT},
    {"standalone", "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>" ROOT},
    {"newlines in and behind the declaration", "<?xml\nversion = '1.0'\r\nencoding='utf-8' ?>\r\n\r\n" ROOT},
    {"no declaration", ROOT},
    {"white space in front, no declaration", " \r\n\t" ROOT},
    {"white space between stanzas", ROOT " \r\n\t" OK "\n\n"},
    {"white space behind the end", ROOT "</stream:stream> \r\n\t"},
};
/* clang-format on */

START_TEST(accepts_what_is_legal)
{
    for (unsigned seed = 0; seed <= SPLITS; seed++) {
        struct record record;

        record_init(&record, XF_NS_SERVER);
        record.cut = seed ? RECORD_RANDOM : RECORD_BYTES;
        record.seed = seed;
        record_run(&record, legal[_i].in, strlen(legal[_i].in));
        ck_assert_msg(record.err == XF_ERR_OK && record.events > 0, "%s", legal[_i].label);
        record_fini(&record);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml/hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, is_refused_in_any_pieces, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, accepts_what_is_legal, 0, (int)XF_ARRAY_LEN(legal));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
