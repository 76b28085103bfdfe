/* SPDX-License-Identifier: MIT */
/*
 * test_space.c — behind a stanza with a long tag there is enough white space for a reader that
 * defers, whatever pieces it comes in, and not more than that. The reader is expat's rule in a few
 * lines, and expat itself where the library that the test runs with defers.
 */
#include <xfed/xml/writer.h>

#include <check.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>

XMLPARSEAPI(XML_Bool)
XML_SetReparseDeferralEnabled(XML_Parser parser, XML_Bool enabled) __attribute__((weak));

/* clang-format off */
static const struct {
    const char *label, *front; /* of the long tag */
    size_t value_bytes;        /* of its one attribute */
    const char *behind;
    size_t text_bytes;         /* behind that */
    size_t want;               /* white space */
} rows[] = {
    {"a short tag",                    "<message a='",     100,   "'/>", 0,     0},
    {"no tag is long",                 "<message a='",     1000,  "'/>", 0,     0},
    {"alone",                          "<message a='",     60000, "'/>", 0,     60015},
    {"text behind it counts",          "<message a='",     60000, "'>",  20000, 40014},
    {"as much text behind it",         "<message a='",     60000, "'>",  60014, 0},
    {"inside a stanza, its end behind", "<message><x a='", 9000,  "'/></message>", 0, 8999},
    {"a little above",                 "<message a='",     1020,  "'/>", 0,     1035},
};
/* clang-format on */

static const size_t pieces[] = {536, 1448, 4096, 8192, 16384, 65536};

static void write_row(size_t row, struct xf_buf *out)
{
    xf_buf_init(out, 1 << 20);
    xf_buf_append_str(out, rows[row].front);
    for (size_t i = 0; i < rows[row].value_bytes; i++)
        xf_buf_append(out, "v", 1);
    xf_buf_append_str(out, rows[row].behind);
    for (size_t i = 0; i < rows[row].text_bytes; i++)
        xf_buf_append(out, "t", 1);
}

/* The end of the last token of `bytes` that is complete. */
static size_t tokens(const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        const char *next = memchr(bytes + done, bytes[done] == '<' ? '>' : '<', len - done);
        if (!next && bytes[done] == '<')
            break;
        done = !next ? len : (size_t)(next - bytes) + (bytes[done] == '<');
    }
    return done;
}

/* XML_ParseBuffer with deferral (xmlparse.c, callProcessor): has it seen all tags? */
static bool is_seen(const struct xf_buf *text, size_t piece, size_t stanza_bytes)
{
    size_t seen = 0, fed = 0, looked_at = 0;
    while (fed < text->len) {
        fed = fed + piece < text->len ? fed + piece : text->len;
        if (fed - seen < 2 * looked_at)
            continue;
        size_t done = tokens(xf_buf_ptr(text) + seen, fed - seen);
        looked_at = done ? 0 : fed - seen;
        seen += done;
    }
    return seen >= stanza_bytes;
}

static void on_tag(void *count, const XML_Char *name, const XML_Char **attributes)
{
    (void)name;
    (void)attributes;
    ++*(unsigned *)count;
}

static unsigned seen_by_expat(const struct xf_buf *text, size_t piece)
{
    unsigned count = 0;
    XML_Parser parser = XML_ParserCreate("UTF-8");
    XML_SetUserData(parser, &count);
    XML_SetStartElementHandler(parser, on_tag);
    ck_assert_int_eq(XML_Parse(parser, "<stream>", 8, 0), XML_STATUS_OK);
    for (size_t at = 0; at < text->len; at += piece) {
        size_t len = text->len - at < piece ? text->len - at : piece;
        ck_assert_int_eq(XML_Parse(parser, xf_buf_ptr(text) + at, (int)len, 0), XML_STATUS_OK);
    }
    XML_ParserFree(parser);
    return count - 1;
}

static void append_spaces(struct xf_buf *out, size_t count)
{
    while (count-- > 0)
        xf_buf_append(out, " ", 1);
}

START_TEST(is_as_much_as_needed)
{
    struct xf_buf out;
    write_row((size_t)_i, &out);
    size_t got = xf_xml_space_behind(xf_buf_span(&out)), stanza_bytes = out.len;
    ck_assert_msg(got == rows[_i].want, "%s: %zu, not %zu", rows[_i].label, got, rows[_i].want);
    append_spaces(&out, got);
    for (size_t i = 0; i < XF_ARRAY_LEN(pieces) && rows[_i].value_bytes > XF_XML_LONG_TAG_BYTES;
         i++)
        ck_assert_msg(is_seen(&out, pieces[i], stanza_bytes), "%s: not seen in pieces of %zu",
                      rows[_i].label, pieces[i]);
    xf_buf_release(&out);
}
END_TEST

START_TEST(expat_sees_it)
{
    struct xf_buf out;
    write_row((size_t)_i, &out);
    append_spaces(&out, xf_xml_space_behind(xf_buf_span(&out)));
    unsigned want = strstr(rows[_i].front, "<x") ? 2 : 1;
    for (size_t i = 0; i < XF_ARRAY_LEN(pieces) && rows[_i].value_bytes > XF_XML_LONG_TAG_BYTES;
         i++)
        ck_assert_msg(seen_by_expat(&out, pieces[i]) == want, "%s: not seen in pieces of %zu",
                      rows[_i].label, pieces[i]);
    xf_buf_release(&out);
}
END_TEST

/* Without any it lies there: the rule above and the library have what the white space is for. */
START_TEST(is_not_seen_without)
{
    struct xf_buf out;
    write_row(2, &out);
    ck_assert(!is_seen(&out, 8192, out.len));
    if (XML_SetReparseDeferralEnabled)
        ck_assert_uint_eq(seen_by_expat(&out, 8192), 0);
    else
        fprintf(stderr, "left out: a reader that defers: libexpat %s does not\n",
                XML_ExpatVersion());
    xf_buf_release(&out);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("space");
    tcase_add_loop_test(tcase, is_as_much_as_needed, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_loop_test(tcase, expat_sees_it, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tcase, is_not_seen_without);
    Suite *suite = suite_create("space");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
