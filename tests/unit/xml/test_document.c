/* SPDX-License-Identifier: MIT */
/*
 * test_document.c — whole documents: the trees that they become, what is refused, and every limit
 * on both sides of it.
 */
#include <xfed/xml/document.h>

#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#define TEXT_MAX (4u << 20)

static const struct xf_document_limits ample = {.bytes = 65536,
                                                .depth = 16,
                                                .elements = 2000,
                                                .attributes = 64};

/* ------------------------------------------------------------------ trees as text */

static void put_name(struct xf_buf *out, struct xf_span ns, struct xf_span name)
{
    if (ns.ptr)
        xf_buf_appendf(out, "{%.*s}", XF_SPAN_ARGS(ns));
    xf_buf_append_span(out, name);
}

/* ns-name[attr=value,...]"text"(children) */
static void put_elem(struct xf_buf *out, const struct xf_elem *elem)
{
    put_name(out, elem->ns, elem->name);
    for (unsigned i = 0; i < elem->attr_count; i++) {
        xf_buf_append_str(out, i == 0 ? "[" : ",");
        put_name(out, elem->attrs[i].ns, elem->attrs[i].name);
        xf_buf_appendf(out, "=%.*s", XF_SPAN_ARGS(elem->attrs[i].value));
    }
    xf_buf_append_str(out, elem->attr_count > 0 ? "]" : "");
    if (elem->text.len > 0)
        xf_buf_appendf(out, "\"%.*s\"", XF_SPAN_ARGS(elem->text));
    if (!elem->first_child)
        return;
    xf_buf_append_str(out, "(");
    for (const struct xf_elem *child = elem->first_child; child; child = child->next) {
        put_elem(out, child);
        xf_buf_append_str(out, child->next ? " " : ")");
    }
}

/* clang-format off */
static const struct {
    const char *label, *in;
    enum xf_err err;
    const char *want;
} cases[] = {
    {"one element",                  "<a/>",                                    XF_ERR_OK, "a"},
    {"attributes and text",          "<a b='1' c='&lt;'>x&amp;y</a>",           XF_ERR_OK, "a[b=1,c=<]\"x&y\""},
    {"children in order",            "<a><b/><c><d/></c><b/></a>",              XF_ERR_OK, "a(b c(d) b)"},
    {"the default namespace",        "<a xmlns='u' b='1'><c/></a>",             XF_ERR_OK, "{u}a[b=1]({u}c)"},
    {"prefixes",                     "<p:a xmlns:p='u' p:b='1'><c/></p:a>",     XF_ERR_OK, "{u}a[{u}b=1](c)"},
    {"xml:lang",                     "<a xml:lang='de'/>",                      XF_ERR_OK, "a[{http://www.w3.org/XML/1998/namespace}lang=de]"},
    {"text around children",         "<a>x<b/>y</a>",                           XF_ERR_OK, "a\"xy\"(b)"},
    {"text in pieces",               "<a>x<!-- - -->y<?p q?>z<![CDATA[<]]></a>", XF_ERR_OK, "a\"xyz<\""},
    {"references to characters",     "<a>&#233;&#x20AC;</a>",                   XF_ERR_OK, "a\"\xC3\xA9\xE2\x82\xAC\""},
    {"lines end with LF",            "<a>x\r\ny</a>",                           XF_ERR_OK, "a\"x\ny\""},
    {"a declaration",                "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a/>\n", XF_ERR_OK, "a"},
    {"a declaration without encoding", "<?xml version=\"1.0\"?><a/>",           XF_ERR_OK, "a"},
    {"a byte order mark",            "\xEF\xBB\xBF<?xml version='1.0'?><a/>",   XF_ERR_OK, "a"},
    {"space in front",               " \n<a/>",                                 XF_ERR_OK, "a"},
    {"comments around the root",     "<!-- a --><a/><!-- b -->",                XF_ERR_OK, "a"},

    {"nothing",                      "",                                        XF_ERR_BAD_XML, NULL},
    {"a byte order mark alone",      "\xEF\xBB\xBF",                            XF_ERR_BAD_XML, NULL},
    {"two byte order marks",         "\xEF\xBB\xBF\xEF\xBB\xBF<a/>",            XF_ERR_BAD_XML, NULL},
    {"space alone",                  "  ",                                      XF_ERR_BAD_XML, NULL},
    {"text alone",                   "a",                                       XF_ERR_BAD_XML, NULL},
    {"no end",                       "<a><b/>",                                 XF_ERR_BAD_XML, NULL},
    {"half a tag",                   "<a",                                      XF_ERR_BAD_XML, NULL},
    {"two roots",                    "<a/><b/>",                                XF_ERR_BAD_XML, NULL},
    {"text behind the root",         "<a/>x",                                   XF_ERR_BAD_XML, NULL},
    {"crossing tags",                "<a><b></a></b>",                          XF_ERR_BAD_XML, NULL},
    {"an unbound prefix",            "<p:a/>",                                  XF_ERR_BAD_XML, NULL},
    {"an unbound prefix inside",     "<a><p:b/></a>",                           XF_ERR_BAD_XML, NULL},
    {"an attribute twice",           "<a b='' b=''/>",                          XF_ERR_BAD_XML, NULL},
    {"an attribute twice by namespace", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", XF_ERR_BAD_XML, NULL},
    {"a DOCTYPE",                    "<!DOCTYPE a><a/>",                        XF_ERR_BAD_XML, NULL},
    {"a DOCTYPE elsewhere",          "<!DOCTYPE a SYSTEM 'http://a.example/a.dtd'><a/>", XF_ERR_BAD_XML, NULL},
    {"an entity",                    "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", XF_ERR_BAD_XML, NULL},
    {"an entity in an attribute",    "<!DOCTYPE a [<!ENTITY b 'c'>]><a d='&b;'/>", XF_ERR_BAD_XML, NULL},
    {"an undefined entity",          "<a>&nbsp;</a>",                           XF_ERR_BAD_XML, NULL},
    {"XML 1.1",                      "<?xml version='1.1'?><a/>",               XF_ERR_BAD_XML, NULL},
    {"another encoding",             "<?xml version='1.0' encoding='iso-8859-1'?><a/>", XF_ERR_BAD_XML, NULL},
    {"UTF-16 that says so",          "<?xml version='1.0' encoding='utf-16'?><a/>", XF_ERR_BAD_XML, NULL},
    {"the byte order mark of UTF-16", "\xFF\xFE<",                              XF_ERR_BAD_XML, NULL},
    {"not UTF-8",                    "<a>\xE9</a>",                             XF_ERR_BAD_XML, NULL},
    {"an overlong form",             "<a>\xC0\x80</a>",                         XF_ERR_BAD_XML, NULL},
    {"a surrogate",                  "<a>\xED\xA0\x80</a>",                     XF_ERR_BAD_XML, NULL},
    {"half a character at the end",  "<a/>\xE2\x82",                            XF_ERR_BAD_XML, NULL},
    {"a control character",          "<a>\x01</a>",                             XF_ERR_BAD_XML, NULL},
    {"a reference to one",           "<a>&#1;</a>",                             XF_ERR_BAD_XML, NULL},
    {"a reference to NUL",           "<a>&#0;</a>",                             XF_ERR_BAD_XML, NULL},
    {"U+FFFE",                       "<a>\xEF\xBF\xBE</a>",                     XF_ERR_BAD_XML, NULL},
    {"a reference to U+FFFF",        "<a>&#xFFFF;</a>",                         XF_ERR_BAD_XML, NULL},
};
/* clang-format on */

START_TEST(becomes_a_tree_or_is_refused)
{
    struct xf_document *document = NULL;
    struct xf_buf out;

    xf_buf_init(&out, TEXT_MAX);
    enum xf_err err = xf_document_parse(xf_span_of(cases[_i].in), &ample, &document);
    ck_assert_msg(err == cases[_i].err, "%s: %s", cases[_i].label, xf_err_text(err));
    ck_assert_msg((document != NULL) == (err == XF_ERR_OK), "%s", cases[_i].label);
    if (document) {
        put_elem(&out, xf_document_root(document));
        ck_assert_msg(xf_span_is(xf_buf_span(&out), cases[_i].want), "%s: %.*s", cases[_i].label,
                      XF_SPAN_ARGS(xf_buf_span(&out)));
    }
    xf_document_free(&document);
    ck_assert_ptr_null(document);
    xf_buf_release(&out);
}
END_TEST

START_TEST(refuses_a_nul)
{
    struct xf_document *document;
    struct xf_span utf16 = XF_SPAN("<\0a\0/\0>\0"), inside = XF_SPAN("<a>\0</a>"),
                   behind = XF_SPAN("<a/>\0");

    ck_assert_int_eq(xf_document_parse(utf16, &ample, &document), XF_ERR_BAD_XML);
    ck_assert_int_eq(xf_document_parse(inside, &ample, &document), XF_ERR_BAD_XML);
    ck_assert_int_eq(xf_document_parse(behind, &ample, &document), XF_ERR_BAD_XML);
}
END_TEST

/* ------------------------------------------------------------------ limits */

/* `count` times `filler` between `head` and `tail` is just allowed. */
/* clang-format off */
static const struct {
    const char *label, *head, *filler, *tail;
    size_t count;
} limits[] = {
    {"bytes",      "<a>",        "x",                       "</a>",     65536 - 7},
    {"bytes with a byte order mark", "\xEF\xBB\xBF<a>", "x", "</a>",    65536 - 10},
    {"depth",      "",           "<a>",                     NULL,       16},
    {"elements",   "<a>",        "<a/>",                    "</a>",     1999},
    {"elements of a namespace", "<a xmlns='u'>", "<a/>",    "</a>",     1999},
    {"attributes", "<a",         " a%zu=''",                "/>",       64},
    {"declarations", "<a",       " xmlns:a%zu='u'",         "/>",       64},
};
/* clang-format on */

static char *limit_input(int i, size_t count)
{
    struct xf_buf in;

    xf_buf_init(&in, TEXT_MAX);
    xf_buf_append_str(&in, limits[i].head);
    for (size_t n = 0; n < count; n++) {
        const char *number = strstr(limits[i].filler, "%zu");
        xf_buf_append(&in, limits[i].filler,
                      number ? (size_t)(number - limits[i].filler) : strlen(limits[i].filler));
        if (number)
            xf_buf_appendf(&in, "%zu%s", n, number + 3);
    }
    for (size_t n = 0; !limits[i].tail && n < count; n++)
        xf_buf_append_str(&in, "</a>");
    xf_buf_append(&in, limits[i].tail ? limits[i].tail : "",
                  limits[i].tail ? strlen(limits[i].tail) + 1 : 1);
    return in.data; /* start is 0: nothing was consumed */
}

START_TEST(each_limit_holds_exactly)
{
    struct xf_document *document = NULL;
    char *good = limit_input(_i, limits[_i].count), *bad = limit_input(_i, limits[_i].count + 1);

    ck_assert_msg(xf_document_parse(xf_span_of(good), &ample, &document) == XF_ERR_OK, "%s",
                  limits[_i].label);
    xf_document_free(&document);
    ck_assert_msg(xf_document_parse(xf_span_of(bad), &ample, &document) == XF_ERR_LIMIT, "%s",
                  limits[_i].label);
    ck_assert_ptr_null(document);
    xf_free(good);
    xf_free(bad);
}
END_TEST

/* Two long namespaces in turn are copied for each name: the memory has a ceiling of its own. */
START_TEST(memory_has_a_ceiling)
{
    struct xf_document *document = NULL;
    struct xf_buf in;

    xf_buf_init(&in, TEXT_MAX);
    xf_buf_append_str(&in, "<a xmlns:p='");
    for (size_t i = 0; i < 20000; i++)
        xf_buf_append_str(&in, "u");
    xf_buf_append_str(&in, "' xmlns:q='v'>");
    for (size_t i = 0; i < 900; i++)
        xf_buf_append_str(&in, "<p:a/><q:a/>");
    xf_buf_append_str(&in, "</a>");
    ck_assert_int_eq(xf_document_parse(xf_buf_span(&in), &ample, &document), XF_ERR_LIMIT);
    xf_buf_release(&in);
}
END_TEST

/* The fault comes behind a limit, or the other way round: the first one counts. */
START_TEST(the_first_fault_counts)
{
    static const struct xf_document_limits two = {
        .bytes = 100, .depth = 2, .elements = 2, .attributes = 2};
    struct xf_document *document;

    ck_assert_int_eq(xf_document_parse(XF_SPAN("<a><b/><c/></b>"), &two, &document), XF_ERR_LIMIT);
    ck_assert_int_eq(xf_document_parse(XF_SPAN("<a></b><b/><c/></a>"), &two, &document),
                     XF_ERR_BAD_XML);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("document");
    TCase *tcase = tcase_create("document");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, becomes_a_tree_or_is_refused, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, refuses_a_nul);
    tcase_add_loop_test(tcase, each_limit_holds_exactly, 0, XF_ARRAY_LEN(limits));
    tcase_add_test(tcase, memory_has_a_ceiling);
    tcase_add_test(tcase, the_first_fault_counts);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
