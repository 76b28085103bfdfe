/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c — every size a peer chooses has a ceiling, which holds to the byte, and costs no
 * more than linear time.
 */
#include "record.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define ROOT "<stream xmlns='jabber:server'>"

/* Small, so that the tables can be; in the order of the struct. */
static const struct xf_reader_limits small_limits = {.stanza_bytes = 6000,
                                                     .control_bytes = 3000,
                                                     .start_tag_bytes = 2500,
                                                     .attributes = 8,
                                                     .depth = 6};

static const struct xf_reader_limits usual_limits = {.stanza_bytes = 262144,
                                                     .control_bytes = 10240,
                                                     .start_tag_bytes = 65536,
                                                     .attributes = 64,
                                                     .depth = 64};

/* ------------------------------------------------------------------ to the byte */

/* Behind `prefix`: `head`, fillers, `tail`. */
/* clang-format off */
static const struct {
    const char *label, *prefix, *head, *filler, *tail;
    size_t size;     /* of head, fillers and tail: just allowed */
    const char *text; /* of the refusal of one filler more */
} exact[] = {
    {"text of a stanza",        ROOT, "<message><body>",      "x",     "</body></message>",     6000, "stanza too large"},
    {"newlines of a stanza",    ROOT, "<message><body>",      "\n",    "</body></message>",     6000, "stanza too large"},
    {"children of a stanza",    ROOT, "<message>",            "<a/>",  "</message >",           6000, "stanza too large"},
    {"CDATA of a stanza",       ROOT, "<iq><![CDATA[",        "x",     "]]></iq>",              6000, "stanza too large"},
    {"text of an element",      ROOT, "<x xmlns='u'>",        "x",     "</x>",                  3000, "element too large"},
    {"children of an element",  ROOT, "<x xmlns='u'>",        "<a/>",  "</x   >",               3000, "element too large"},
    {"start tag of a stanza",   ROOT, "<message a='",         "x",     "'/>",                   2500, "start tag too large"},
    {"start tag of an element", ROOT, "<x a='",               "x",     "'/>",                   2500, "start tag too large"},
    {"start tag of a child",    ROOT "<message>", "<x a=\"",  ">",     "\">",                   2500, "start tag too large"},
    {"name of a child",         ROOT "<message>", "<x",       "x",     "/>",                    2500, "start tag too large"},
    {"space in a start tag",    ROOT "<message>", "<x",       " ",     ">",                     2500, "start tag too large"},
    {"the header",              "",   "<stream xmlns='jabber:server' a='", "x", "'>",           2500, "start tag too large"},
};
/* clang-format on */

static char *exact_input(int i, size_t fillers)
{
    struct xf_buf in;

    xf_buf_init(&in, 1 << 20);
    xf_buf_append_str(&in, exact[i].prefix);
    xf_buf_append_str(&in, exact[i].head);
    for (size_t n = 0; n < fillers; n++)
        xf_buf_append_str(&in, exact[i].filler);
    xf_buf_append_str(&in, exact[i].tail);
    xf_buf_append(&in, "", 1);
    return in.data; /* start is 0: nothing was consumed */
}

static void assert_exact(int i, size_t fillers, enum record_cut cut, unsigned seed, bool is_good)
{
    char *in = exact_input(i, fillers);
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record.limits = small_limits;
    record.cut = cut;
    record.seed = seed;
    record_run(&record, in, strlen(in));
    if (is_good) {
        ck_assert_msg(record.err == XF_ERR_OK, "%s (seed %u): %s", exact[i].label, seed,
                      record.problem_text);
    } else {
        ck_assert_msg(record.err == XF_ERR_LIMIT, "%s (seed %u): taken", exact[i].label, seed);
        ck_assert_int_eq(record.problem, XF_STREAM_ERROR_POLICY_VIOLATION);
        ck_assert_str_eq(record.problem_text, exact[i].text);
    }
    record_fini(&record);
    xf_free(in);
}

START_TEST(holds_to_the_byte)
{
    size_t room = exact[_i].size - strlen(exact[_i].head) - strlen(exact[_i].tail);
    size_t fillers = room / strlen(exact[_i].filler);

    ck_assert_uint_eq(room % strlen(exact[_i].filler), 0);
    for (unsigned seed = 0; seed < 12; seed++) {
        enum record_cut cut = seed == 0 ? RECORD_WHOLE : seed == 1 ? RECORD_BYTES : RECORD_RANDOM;

        assert_exact(_i, fillers, cut, seed, true);
        assert_exact(_i, fillers + 1, cut, seed, false);
        assert_exact(_i, fillers + 5000, cut, seed, false);
    }
}
END_TEST

/* ------------------------------------------------------------------ counts */

static void assert_run(const struct xf_reader_limits *limits, const char *in, enum xf_err want,
                       const char *text)
{
    for (unsigned seed = 0; seed < 6; seed++) {
        struct record record;

        record_init(&record, XF_NS_SERVER);
        record.limits = *limits;
        record.cut = seed == 0 ? RECORD_WHOLE : seed == 1 ? RECORD_BYTES : RECORD_RANDOM;
        record.seed = seed;
        record_run(&record, in, strlen(in));
        ck_assert_msg(record.err == want, "%s: %s", in, xf_err_text(record.err));
        if (text)
            ck_assert_str_eq(record.problem_text, text);
        record_fini(&record);
    }
}

START_TEST(counts_attributes_with_declarations)
{
    const char many[] = "too many attributes";

    assert_run(&small_limits, ROOT "<iq a='' b='' c='' d='' e='' f='' g='' h=''/>", XF_ERR_OK,
               NULL);
    assert_run(&small_limits, ROOT "<iq a='' b='' c='' d='' e='' f='' g='' h='' i=''/>",
               XF_ERR_LIMIT, many);
    assert_run(&small_limits,
               ROOT "<iq><x xmlns='u' xmlns:p='p' p:a='' b='' c='' d='' e='' f=''/></iq>",
               XF_ERR_OK, NULL);
    assert_run(&small_limits,
               ROOT "<iq><x xmlns='u' xmlns:p='p' p:a='' b='' c='' d='' e='' f='' g=''/></iq>",
               XF_ERR_LIMIT, many);
    assert_run(&small_limits, ROOT "<x xmlns='u' xmlns:p='p' a='' b='' c='' d='' e='' f='' g=''/>",
               XF_ERR_LIMIT, many);
    assert_run(&small_limits, "<stream xmlns='u' xmlns:p='p' a='' b='' c='' d='' e='' f='' g=''>",
               XF_ERR_LIMIT, many);
    assert_run(&small_limits,
               ROOT "<iq xmlns:a='1' xmlns:b='1'/><iq a='' b='' c='' d='' e='' f='' g='' h=''/>",
               XF_ERR_OK, NULL);
}
END_TEST

START_TEST(counts_depth_from_the_root)
{
    const char deep[] = "elements nested too deeply";

    assert_run(&small_limits, ROOT "<iq><a><b><c><d/></c></b></a></iq>", XF_ERR_OK, NULL);
    assert_run(&small_limits, ROOT "<iq><a><b><c><d><e/></d></c></b></a></iq>", XF_ERR_LIMIT, deep);
    assert_run(&small_limits, ROOT "<x xmlns='u'><a><b><c><d/></c></b></a></x>", XF_ERR_OK, NULL);
    assert_run(&small_limits, ROOT "<x xmlns='u'><a><b><c><d><e/></d></c></b></a></x>",
               XF_ERR_LIMIT, deep);
}
END_TEST

START_TEST(refuses_a_long_way_to_the_header)
{
    struct xf_buf in;

    xf_buf_init(&in, 100000);
    xf_buf_appendf(&in, "<?xml version='1.0'?>%5000s", "");
    xf_buf_append(&in, "", 1);
    assert_run(&small_limits, in.data, XF_ERR_LIMIT, "stream header too large");
    xf_buf_clear(&in);
    xf_buf_appendf(&in, "<?xml version='1.0'?>%1500s<stream a='%02400d'>", "", 1);
    xf_buf_append(&in, "", 1);
    assert_run(&small_limits, in.data, XF_ERR_LIMIT, "stream header too large");
    xf_buf_release(&in);
}
END_TEST

/* Other limits count from the next check on. */
START_TEST(takes_new_limits)
{
    struct record record;
    char *in = xf_asprintf("<iq><a>%05000d</a></iq>", 1);
    struct xf_reader_limits lower = small_limits;

    record_init(&record, XF_NS_SERVER);
    record.limits = small_limits;
    record_run(&record, ROOT, strlen(ROOT));
    record_run(&record, in, strlen(in));
    ck_assert_int_eq(record.err, XF_ERR_OK);
    record_run(&record, in, 4000);
    lower.stanza_bytes = 3000;
    xf_reader_set_limits(record.reader, &lower);
    record_run(&record, in + 4000, 1);
    ck_assert_int_eq(record.err, XF_ERR_LIMIT);
    record_fini(&record);
    xf_free(in);
}
END_TEST

/* ------------------------------------------------------------------ what grows as it is read */

/*
 * A namespace is declared once and used often, '>' becomes "&gt;", a child of a few bytes is a
 * node: so what is kept of an element can be more than what came, and has a ceiling of its own. It
 * is met behind every byte of each construct: padding moves them there.
 */
/* clang-format off */
static const struct {
    const char *label, *head, *filler, *text;
} growing[] = {
    {"children in a far namespace", "<iq><a>",    "<p:a/>",                                  "stanza too large"},
    {"with attributes",             "<iq><a>",    "<p:a c='1' xml:lang='e' p:b='2'/>",       "stanza too large"},
    {"whose attributes are far",    "<iq><a>",    "<b p:b='2' q:b='3'/>",                    "stanza too large"},
    {"with texts",                  "<iq><a>",    "<p:a>t</p:a>",                            "stanza too large"},
    {"children within children",    "<iq><a>",    "<p:a><b xmlns='u'><p:c/></b></p:a>",      "stanza too large"},
    {"back in the near namespace",  "<iq><p:a>",  "<b xmlns='jabber:server'/><c/>",          "stanza too large"},
    {"a text to be escaped",        "<iq><a>",    "&gt;x&gt;<p:b/>",                         "stanza too large"},
    {"attributes to be escaped",    "<iq><a>",    "<b c='&gt;&gt;' p:d='&gt;'/>",            "stanza too large"},
    {"children of an element",      "<x xmlns='u'><a>", "<b/>",                              "element too large"},
    {"their attributes",            "<x xmlns='u'><a>", "<b c='1' d='2' e='3' f='4'/>",      "element too large"},
    {"their names",                 "<x xmlns='u'><a>", "<p:b/><q:c/>",                      "element too large"},
    {"their texts",                 "<x xmlns='u'><a>", "<b>t</b>",                          "element too large"},
};
/* clang-format on */

#define FAR_BYTES 700

static void run_growing(int i, unsigned padding)
{
    struct xf_buf in;
    struct record record;

    xf_buf_init(&in, 1 << 20);
    xf_buf_appendf(&in, "<stream xmlns='jabber:server' xmlns:p='p%0*d' xmlns:q='q%0*d'>", FAR_BYTES,
                   1, FAR_BYTES, 2);
    xf_buf_append_str(&in, growing[i].head);
    xf_buf_appendf(&in, "%0*d", (int)padding + 1, 1);
    for (size_t n = 0; n < 6000; n += strlen(growing[i].filler))
        xf_buf_append_str(&in, growing[i].filler);
    record_init(&record, XF_NS_SERVER);
    record.limits = small_limits;
    record_run(&record, xf_buf_ptr(&in), in.len);
    ck_assert_msg(record.err == XF_ERR_LIMIT, "%s, padding %u: %s", growing[i].label, padding,
                  xf_err_text(record.err));
    ck_assert_msg(strcmp(record.problem_text, growing[i].text) == 0, "%s, padding %u: %s",
                  growing[i].label, padding, record.problem_text);
    record_fini(&record);
    xf_buf_release(&in);
}

START_TEST(what_grows_has_a_ceiling_too)
{
    for (unsigned padding = 0; padding <= FAR_BYTES + 100; padding++)
        run_growing(_i, padding);
}
END_TEST

/* ------------------------------------------------------------------ floods */

/* clang-format off */
static const struct {
    const char *label, *head, *filler;
    size_t fillers, piece; /* bytes fed at once */
    enum xf_err want;
    size_t used_max;       /* refused within so many bytes */
} floods[] = {
    {"a million opened elements",     ROOT "<iq>", "<a b='c'>", 1000000, 65536, XF_ERR_LIMIT, 2048},
    {"a million empty children",      ROOT "<iq>", "<a/>", 1000000, 65536, XF_ERR_LIMIT, 270000},
    {"children in a far namespace",   "<stream xmlns='jabber:server' xmlns:p='" "0123456789012345678901234567890123456789" "0123456789012345678901234567890123456789" "'><iq><a>",
                                      "<p:a/>", 1000000, 65536, XF_ERR_LIMIT, 270000},
    {"a hundred thousand attributes", ROOT "<iq", " a=''", 100000, 65536, XF_ERR_LIMIT, 131072},
    {"an endless start tag",          ROOT "<iq a='", "x", 10000000, 65536, XF_ERR_LIMIT, 131072},
    {"an endless start tag in pieces", ROOT "<iq a='", "x", 400000, 100, XF_ERR_LIMIT, 66000},
    {"the same, of '>'",              ROOT "<iq a='", ">", 400000, 100, XF_ERR_LIMIT, 66000},
    {"the same, of quotes",           ROOT "<iq a='", "\"", 400000, 100, XF_ERR_LIMIT, 66000},
    {"the same, byte by byte",        ROOT "<iq a='", "x", 400000, 1, XF_ERR_LIMIT, 66000},
    {"an endless end tag",            ROOT "<iq></iq", " ", 400000, 100, XF_ERR_LIMIT, 66000},
    {"an endless name",               ROOT "<", "x", 400000, 100, XF_ERR_LIMIT, 66000},
    {"an endless reference",          ROOT "<iq>&", "x", 400000, 100, XF_ERR_BAD_XML, 2000},
    {"an endless character reference", ROOT "<iq>&#", "0", 400000, 100, XF_ERR_BAD_XML, 2000},
    {"an endless comment",            ROOT "<iq><!--", "x", 400000, 100, XF_ERR_BAD_XML, 2000},
    {"an endless instruction",        ROOT "<?x ", "'", 400000, 100, XF_ERR_BAD_XML, 2000},
    {"an endless declaration",        "<?xml ", " ", 400000, 100, XF_ERR_BAD_XML, 2000},
    {"an endless DOCTYPE",            "<!DOCTYPE ", "x", 400000, 100, XF_ERR_BAD_XML, 2000},
    {"an endless text",               ROOT "<iq>", "x", 1000000, 100, XF_ERR_LIMIT, 270000},
    {"an endless text of references", ROOT "<iq>", "&gt;", 1000000, 4096, XF_ERR_LIMIT, 270000},
    {"an endless CDATA",              ROOT "<iq><![CDATA[", "]", 1000000, 100, XF_ERR_LIMIT, 270000},
    {"endless white space between",   ROOT, "\n", 4000000, 65536, XF_ERR_OK, 5000000},
    {"an endless control element",    ROOT "<x xmlns='u'>", "x", 1000000, 65536, XF_ERR_LIMIT, 131072},
    {"children of a control element", ROOT "<x xmlns='u'>", "<a/>", 1000000, 65536, XF_ERR_LIMIT, 131072},
};
/* clang-format on */

#define CPU_MAX_MS \
    2000 /* quadratic time would take minutes; valgrind and a busy machine must not matter */

static uint64_t cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void flood(int i, struct record *record)
{
    size_t head_len = strlen(floods[i].head), filler_len = strlen(floods[i].filler);
    size_t total = head_len + floods[i].fillers * filler_len;
    char *in = xf_alloc(total);

    memcpy(in, floods[i].head, head_len);
    for (size_t n = 0; n < floods[i].fillers; n++)
        memcpy(in + head_len + n * filler_len, floods[i].filler, filler_len);
    for (size_t done = 0; done < total && record->err == XF_ERR_OK; done += floods[i].piece) {
        size_t left = total - done;

        record_run(record, in + done, left < floods[i].piece ? left : floods[i].piece);
    }
    xf_free(in);
}

START_TEST(survives_the_flood)
{
    struct record record;
    uint64_t start = cpu_ms();

    record_init(&record, XF_NS_SERVER);
    record.limits = usual_limits;
    flood(_i, &record);
    ck_assert_msg(record.err == floods[_i].want, "%s: %s", floods[_i].label,
                  xf_err_text(record.err));
    ck_assert_msg(record.used <= floods[_i].used_max, "%s: read %zu", floods[_i].label,
                  record.used);
    ck_assert_uint_le(record.events, 1);
    ck_assert_uint_lt(cpu_ms() - start, CPU_MAX_MS);
    record_fini(&record);
}
END_TEST

/*
 * A tag with 64 attributes, each with a prefix of its own, repeated below `levels` elements that
 * declare 64 other prefixes each.
 */
static uint64_t cpu_ms_of_prefixes(unsigned levels)
{
    struct record record;
    struct xf_buf in;

    xf_buf_init(&in, 4u << 20);
    xf_buf_append_str(&in, ROOT "<message>");
    for (unsigned level = 0; level < levels; level++) {
        xf_buf_append_str(&in, "<x");
        for (unsigned i = 0; i < 64; i++)
            xf_buf_appendf(&in, " xmlns:%s%u_%u='u%u'", level == 0 ? "a" : "q", i, level, i);
        xf_buf_append_str(&in, ">");
    }
    for (unsigned n = 0; n < 300; n++) {
        xf_buf_append_str(&in, "<x");
        for (unsigned i = 0; i < 64; i++)
            xf_buf_appendf(&in, " a%u_0:b=''", i);
        xf_buf_append_str(&in, "/>");
    }
    record_init(&record, XF_NS_SERVER);
    record.limits = usual_limits;
    record.limits.stanza_bytes = 4u << 20;
    uint64_t start = cpu_ms();
    record_run(&record, xf_buf_ptr(&in), in.len);
    ck_assert_int_eq(record.err, XF_ERR_OK);
    record_fini(&record);
    xf_buf_release(&in);
    return cpu_ms() - start;
}

START_TEST(declarations_do_not_make_attributes_expensive)
{
    uint64_t flat_ms = cpu_ms_of_prefixes(1), deep_ms = cpu_ms_of_prefixes(60);

    ck_assert_msg(deep_ms < 6 * (flat_ms + 5), "%llu ms below 3840 declarations, %llu below 64",
                  (unsigned long long)deep_ms, (unsigned long long)flat_ms);
    ck_assert_uint_lt(flat_ms, CPU_MAX_MS / 4);
}
END_TEST

/* ------------------------------------------------------------------ what must pass */

/* clang-format off */
static const struct {
    const char *label, *head, *filler, *tail;
    size_t fillers;
} large[] = {
    {"an attribute of 60 KB",  "<iq a='", "A", "'/>", 60000},
    {"the same, of '>'",       "<iq a=\"'", ">", "\"/>", 60000},
    {"a text of 250 KB",       "<iq><a>", "t", "</a></iq>", 250000},
    {"a text of '>'",          "<iq><a>", ">", "</a></iq>", 100000},
    {"300 children",           "<iq><x xmlns='u'>", "<i n='1'>v</i>", "</x></iq>", 300},
    {"a text of newlines",     "<iq><a>", "\n", "</a></iq>", 200000},
};
/* clang-format on */

START_TEST(delivers_what_is_within_the_limits_at_once)
{
    struct xf_buf in;

    xf_buf_init(&in, 1 << 20);
    xf_buf_append_str(&in, ROOT);
    xf_buf_append_str(&in, large[_i].head);
    for (size_t n = 0; n < large[_i].fillers; n++)
        xf_buf_append_str(&in, large[_i].filler);
    xf_buf_append_str(&in, large[_i].tail);
    for (unsigned seed = 0; seed < 6; seed++) {
        struct record record;
        uint64_t start = cpu_ms();

        record_init(&record, XF_NS_SERVER);
        record.limits = usual_limits;
        record.cut = seed == 0 ? RECORD_WHOLE : seed == 1 ? RECORD_BYTES : RECORD_RANDOM;
        record.seed = seed;
        record_run(&record, xf_buf_ptr(&in), in.len);
        ck_assert_msg(record.err == XF_ERR_OK, "%s: %s", large[_i].label, record.problem_text);
        ck_assert_uint_eq(record.events, 2);
        ck_assert_uint_lt(cpu_ms() - start, CPU_MAX_MS);
        record_fini(&record);
    }
    xf_buf_release(&in);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml/limits");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, holds_to_the_byte, 0, (int)XF_ARRAY_LEN(exact));
    tcase_add_test(tc, counts_attributes_with_declarations);
    tcase_add_test(tc, counts_depth_from_the_root);
    tcase_add_test(tc, refuses_a_long_way_to_the_header);
    tcase_add_test(tc, takes_new_limits);
    tcase_add_loop_test(tc, what_grows_has_a_ceiling_too, 0, XF_ARRAY_LEN(growing));
    tcase_add_loop_test(tc, survives_the_flood, 0, (int)XF_ARRAY_LEN(floods));
    tcase_add_test(tc, declarations_do_not_make_attributes_expensive);
    tcase_add_loop_test(tc, delivers_what_is_within_the_limits_at_once, 0,
                        (int)XF_ARRAY_LEN(large));
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
