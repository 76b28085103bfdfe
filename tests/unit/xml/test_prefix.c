/* SPDX-License-Identifier: MIT */
/*
 * test_prefix.c — what prefixes stand for, and what is not namespace-well-formed (XML-NS 1.0).
 *
 * Each row is a whole document. expat with namespaces is asked too, and must say the same.
 */
#include "expanded.h"

#include <check.h>
#include <expat.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "prefix_priv.h"

#define LINES_MAX (4u << 20)

/* clang-format off */
static const struct {
    const char *label, *in;
    const char *want; /* NULL: refused */
} cases[] = {
    {"no namespace at all", "<a b='1'/>", "{}a {}b=1\n"},
    {"the default namespace", "<a xmlns='u' b='1'/>", "{u}a {}b=1\n"},
    {"it is in force within", "<a xmlns='u'><b/><c><d/></c></a>", "{u}a\n{u}b\n{u}c\n{u}d\n"},
    {"until the end of its element", "<a xmlns='u'><b xmlns='v'><c/></b><d/></a>", "{u}a\n{v}b\n{v}c\n{u}d\n"},
    {"an empty element's too", "<a><b xmlns='v'/><c/></a>", "{}a\n{v}b\n{}c\n"},
    {"it can be taken back", "<a xmlns='u'><b xmlns=''><c/></b><d/></a>", "{u}a\n{}b\n{}c\n{u}d\n"},
    {"a prefix", "<p:a xmlns:p='u'><p:b/><c/></p:a>", "{u}a\n{u}b\n{}c\n"},
    {"declared behind its use", "<p:a p:b='1' xmlns:p='u'/>", "{u}a {u}b=1\n"},
    {"an inner one hides the outer one", "<p:a xmlns:p='u'><p:b xmlns:p='v'><p:c/></p:b><p:d/></p:a>", "{u}a\n{v}b\n{v}c\n{u}d\n"},
    {"declared again in siblings", "<a><p:b xmlns:p='u'/><p:c xmlns:p='v'/></a>", "{}a\n{u}b\n{v}c\n"},
    {"two prefixes for one namespace", "<p:a xmlns:p='u' xmlns:q='u'><q:b/></p:a>", "{u}a\n{u}b\n"},
    {"an attribute without prefix has no namespace", "<p:a xmlns:p='u' xmlns='v' b='1' p:b='2'/>", "{u}a {}b=1 {u}b=2\n"},
    {"prefixes that begin alike", "<a xmlns:p='1' xmlns:pp='2' xmlns:ppp='3' pp:b='' ppp:b='' p:b=''/>", "{}a {2}b= {3}b= {1}b=\n"},
    {"xml is always bound", "<a xml:lang='en'><xml:b/></a>", "{}a {" XF_NS_XML "}lang=en\n{" XF_NS_XML "}b\n"},
    {"xml bound to its own namespace", "<a xmlns:xml='" XF_NS_XML "' xml:b='1'/>", "{}a {" XF_NS_XML "}b=1\n"},
    {"names that begin like xmlns", "<a xmlnsx='1' xmln='2' xml='3' xmlns='u'/>", "{u}a {}xmlnsx=1 {}xmln=2 {}xml=3\n"},
    {"a value is normalised before", "<a xmlns=' u&#10;v&amp;'/>", "{ u\nv&}a\n"},
    {"beyond ASCII", "<\xC3\xA9:\xC3\xBC xmlns:\xC3\xA9='\xE2\x82\xAC'/>", "{\xE2\x82\xAC}\xC3\xBC\n"},

    {"an unbound prefix", "<p:a/>", NULL},
    {"of an attribute", "<a p:b='1'/>", NULL},
    {"behind the end of its element", "<a><b xmlns:p='u'/><p:c/></a>", NULL},
    {"in the tag of another element", "<a><b xmlns:p='u'><p:c/></b><d p:e='1'/></a>", NULL},
    {"the prefix xmlns of an element", "<xmlns:a/>", NULL},
    {"a prefix taken back", "<a xmlns:p='u'><b xmlns:p=''/></a>", NULL},
    {"a prefix bound to nothing", "<a xmlns:p=''/>", NULL},
    {"xml bound elsewhere", "<a xmlns:xml='u'/>", NULL},
    {"xml bound to nothing", "<a xmlns:xml=''/>", NULL},
    {"xmlns bound", "<a xmlns:xmlns='u'/>", NULL},
    {"xmlns bound to its own namespace", "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", NULL},
    {"another prefix for the namespace of xml", "<a xmlns:p='" XF_NS_XML "'/>", NULL},
    {"the namespace of xml as default", "<a xmlns='" XF_NS_XML "'/>", NULL},
    {"another prefix for the namespace of xmlns", "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", NULL},
    {"the namespace of xmlns as default", "<a xmlns='http://www.w3.org/2000/xmlns/'/>", NULL},
    {"an attribute twice", "<a b='1' b='2'/>", NULL},
    {"twice with a prefix", "<a xmlns:p='u' p:b='1' p:b='2'/>", NULL},
    {"twice by namespace", "<a xmlns:p='u' xmlns:q='u' p:b='1' c='3' q:b='2'/>", NULL},
    {"twice by a namespace from outside", "<a xmlns:p='u'><b xmlns:q='u' p:b='1' q:b='2'/></a>", NULL},
    {"a declaration twice", "<a xmlns:p='u' xmlns:p='u'/>", NULL},
    {"the default namespace twice", "<a xmlns='u' xmlns='v'/>", NULL},
    {"a colon in front", "<:a/>", NULL},
    {"a colon in front of an attribute", "<a :b='1'/>", NULL},
    {"a colon at the end", "<a xmlns:p='u'><p:/></a>", NULL},
    {"a colon at the end of an attribute", "<a xmlns:p='u' p:='1'/>", NULL},
    {"a colon at the end of a declaration", "<a xmlns:='u'/>", NULL},
    {"a colon alone", "<:/>", NULL},
    {"two colons", "<a xmlns:p='u'><p:b:c/></a>", NULL},
    {"two colons together", "<a xmlns:p='u'><p::b/></a>", NULL},
    {"two colons in an attribute", "<a xmlns:p='u' p:b:c='1'/>", NULL},
    {"two colons in a declaration", "<a xmlns:p:q='u'/>", NULL},
    {"two colons behind xml", "<a xml:b:c='1'/>", NULL},
    {"a digit behind the colon", "<a xmlns:p='u'><p:1/></a>", NULL},
    {"a hyphen behind the colon", "<a xmlns:p='u' p:-b='1'/>", NULL},
    {"a dot behind the colon", "<a xmlns:p='u'><p:.b/></a>", NULL},
    {"a digit as prefix", "<a xmlns:1='u'/>", NULL},
    {"a combining character behind the colon", "<a xmlns:p='u'><p:\xCC\x80" "b/></a>", NULL},
    {"end tag of another prefix", "<p:a xmlns:p='u' xmlns:q='u'></q:a>", NULL},
};
/* clang-format on */

static void assert_like_expat(const char *label, const char *in, const char *want)
{
    struct xf_buf ours, theirs;

    xf_buf_init(&ours, LINES_MAX);
    xf_buf_init(&theirs, LINES_MAX);
    bool is_good = expanded_by_us(in, strlen(in), &ours);
    ck_assert_msg(expanded_by_expat(in, strlen(in), &theirs) == is_good, "%s: expat differs",
                  label);
    ck_assert_msg(xf_span_eq(xf_buf_span(&ours), xf_buf_span(&theirs)), "%s: names differ", label);
    if (want)
        ck_assert_msg(is_good && xf_span_eq(xf_buf_span(&ours), xf_span_of(want)), "%s: %.*s",
                      label, (int)ours.len, xf_buf_ptr(&ours));
    else
        ck_assert_msg(!is_good, "%s: taken", label);
    xf_buf_release(&ours);
    xf_buf_release(&theirs);
}

START_TEST(names_are_expanded)
{
    assert_like_expat(cases[_i].label, cases[_i].in, cases[_i].want);
}
END_TEST

/* ------------------------------------------------------------------ characters */

static size_t put_utf8(char *out, unsigned c)
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;

    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(len == 1 ? c : len == 2 ? 0xC0 | c : 0xE0 | c);
    return len;
}

/* May it begin a name? expat knows. */
static bool begins_name(const char *text, size_t len)
{
    char *in = xf_asprintf("<%.*s/>", (int)len, text);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    bool is_good = XML_Parse(parser, in, (int)strlen(in), XML_TRUE) == XML_STATUS_OK;

    XML_ParserFree(parser);
    xf_free(in);
    return is_good;
}

/* Asked only about what may stand within a name: expat refuses all else itself. */
static bool continues_name(const char *text, size_t len)
{
    char name[8] = "a";

    memcpy(name + 1, text, len);
    return begins_name(name, len + 1);
}

START_TEST(a_local_part_begins_as_expat_says)
{
    for (unsigned c = (unsigned)_i << 8; c < (unsigned)(_i + 1) << 8; c++) {
        char text[4] = "";
        size_t len = put_utf8(text, c);

        if (c == 0 || c == '/' || c == ':' || c == '>' || !continues_name(text, len))
            continue;
        ck_assert_msg(xf_ncname_is_valid(text) == begins_name(text, len), "U+%04X", c);
    }
}
END_TEST

/* ------------------------------------------------------------------ many */

/* More than there are buckets, on elements within each other, each hiding some of the others. */
START_TEST(many_prefixes_are_told_apart)
{
    struct xf_buf in;

    xf_buf_init(&in, LINES_MAX);
    for (unsigned depth = 0; depth < 40; depth++) {
        xf_buf_append_str(&in, "<a");
        for (unsigned i = 0; i < 60; i++)
            xf_buf_appendf(&in, " xmlns:p%u='%u/%u'", i + depth * 7, depth, i);
        for (unsigned i = 0; i < 60 + depth * 7; i += 13)
            xf_buf_appendf(&in, " p%u:b='1'", i);
        xf_buf_append_str(&in, ">");
    }
    for (unsigned depth = 40; depth-- > 0;)
        xf_buf_appendf(&in, "<p%u:c/></a>", depth * 7);
    xf_buf_append(&in, "", 1);

    struct xf_buf ours, theirs;
    xf_buf_init(&ours, LINES_MAX);
    xf_buf_init(&theirs, LINES_MAX);
    ck_assert(expanded_by_us(in.data, in.len - 1, &ours));
    ck_assert(expanded_by_expat(in.data, in.len - 1, &theirs));
    ck_assert(xf_span_eq(xf_buf_span(&ours), xf_buf_span(&theirs)));
    xf_buf_release(&ours);
    xf_buf_release(&theirs);
    xf_buf_release(&in);
}
END_TEST

/* What one stanza declared does not stay. */
START_TEST(memory_goes_back_between_stanzas)
{
    struct xf_prefixes prefixes;
    struct xf_qname name;
    const char *none[] = {NULL}, *root[] = {"xmlns", "jabber:server", NULL};
    char *far = xf_asprintf("%020000d", 1);
    const char *long_one[] = {"xmlns:p", far, NULL};

    xf_prefixes_init(&prefixes, 1 << 20);
    ck_assert_int_eq(xf_prefixes_enter(&prefixes, "s", root, &name), XF_ERR_OK);
    ck_assert_int_eq(xf_prefixes_enter(&prefixes, "iq", long_one, &name), XF_ERR_OK);
    xf_prefixes_leave(&prefixes);
    ck_assert_uint_lt(prefixes.text.cap, 4096);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(xf_prefixes_enter(&prefixes, "x", root, &name), XF_ERR_OK);
    for (unsigned i = 0; i < 1000; i++)
        xf_prefixes_leave(&prefixes);
    ck_assert_uint_lt(prefixes.cap, 64);
    ck_assert_int_eq(xf_prefixes_enter(&prefixes, "iq", none, &name), XF_ERR_OK);
    ck_assert(xf_span_eq(xf_prefixes_ns(&prefixes, &name), XF_SPAN("jabber:server")));
    xf_prefixes_release(&prefixes);
    xf_free(far);
}
END_TEST

/* The text of all that is in force has a ceiling. */
START_TEST(texts_have_a_ceiling)
{
    struct xf_prefixes prefixes;
    struct xf_qname name;
    const char *attrs[] = {"xmlns:p", "0123456789", NULL};

    xf_prefixes_init(&prefixes, 30);
    ck_assert_int_eq(xf_prefixes_enter(&prefixes, "a", attrs, &name), XF_ERR_OK);
    ck_assert_int_eq(xf_prefixes_enter(&prefixes, "a", attrs, &name), XF_ERR_OK);
    ck_assert_int_eq(xf_prefixes_enter(&prefixes, "a", attrs, &name), XF_ERR_LIMIT);
    xf_prefixes_release(&prefixes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml/prefix");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, names_are_expanded, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, a_local_part_begins_as_expat_says, 0, 256);
    tcase_add_test(tc, many_prefixes_are_told_apart);
    tcase_add_test(tc, memory_goes_back_between_stanzas);
    tcase_add_test(tc, texts_have_a_ceiling);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
