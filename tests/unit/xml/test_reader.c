/* SPDX-License-Identifier: MIT */
/* test_reader.c — header, control elements, footer, stopping, restarting and parking. */
#include "record.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/xmpp/ns.h>

#define STREAMS   "xmlns:stream='" XF_NS_STREAM "'"
#define ROOT      "<stream:stream xmlns='jabber:server' " STREAMS ">"
#define ROOT_LINE "H stream ns=[" XF_NS_STREAM "] content=[jabber:server]\n"
#define SPLITS    20

/* clang-format off */
static const struct {
    const char *label, *in, *want;
} cases[] = {
    {"header of a server",
     "<?xml version='1.0'?><stream:stream xmlns='jabber:server' " STREAMS " xmlns:db='jabber:server:dialback' "
     "from='a' to='b' id='&lt;1' version='1.0' xml:lang='en'>",
     "H stream ns=[" XF_NS_STREAM "] content=[jabber:server] from=[a] to=[b] id=[<1] version=[1.0] lang=[en] db\n"},
    {"header without anything", "<stream>", "H stream\n"},
    {"root in its own default namespace", "<stream xmlns='" XF_NS_STREAM "' from=''>",
     "H stream ns=[" XF_NS_STREAM "] content=[" XF_NS_STREAM "] from=[]\n"},
    {"another prefix, wrong namespace", "<s:x xmlns:s='urn:s' xmlns='jabber:client'>",
     "H x ns=[urn:s] content=[jabber:client]\n"},
    {"attributes of the header in namespaces do not count", "<s:stream xmlns:s='" XF_NS_STREAM "' s:from='evil' to='b'>",
     "H stream ns=[" XF_NS_STREAM "] to=[b]\n"},
    {"dialback as default namespace is not bound to a prefix", "<stream xmlns='jabber:server:dialback'>",
     "H stream ns=[jabber:server:dialback] content=[jabber:server:dialback]\n"},
    {"no default namespace", "<s:stream xmlns:s='" XF_NS_STREAM "' xmlns=''>", "H stream ns=[" XF_NS_STREAM "]\n"},
    {"header and footer", ROOT "</stream:stream>", ROOT_LINE "F\n"},
    {"empty root", "<stream/>", "H stream\nF\n"},
    {"features",
     ROOT "<stream:features><starttls xmlns='urn:tls'><required/></starttls><a xmlns='u' b='1' p:c='&amp;' xmlns:p='urn:p'/></stream:features>",
     ROOT_LINE "E <{" XF_NS_STREAM "}features><{urn:tls}starttls><{urn:tls}required></></>"
     "<{u}a b=[1] {urn:p}c=[&]></></>\n"},
    {"text of control elements",
     ROOT "<x xmlns='u'>a&amp;<y>1</y><![CDATA[<b>]]>c\r\nd<z>2</z>e</x>",
     ROOT_LINE "E <{u}x>a&<b>c\nde<{u}y>1</><{u}z>2</></>\n"},
    {"dialback", "<stream:stream xmlns='jabber:server' " STREAMS " xmlns:db='jabber:server:dialback'>"
     "<db:result from='a' to='b'>key</db:result>",
     "H stream ns=[" XF_NS_STREAM "] content=[jabber:server] db\n"
     "E <{jabber:server:dialback}result from=[a] to=[b]>key</>\n"},
    {"an element in no namespace", ROOT "<x xmlns='' a='1'><y/></x>", ROOT_LINE "E <x a=[1]><y></></>\n"},
    {"other elements of the content namespace", ROOT "<messages/><ir/><message1/>",
     ROOT_LINE "E <{jabber:server}messages></>\nE <{jabber:server}ir></>\nE <{jabber:server}message1></>\n"},
    {"a message of another namespace is no stanza", ROOT "<message xmlns='jabber:client'/><message xmlns='jabber:serverx'/>",
     ROOT_LINE "E <{jabber:client}message></>\nE <{jabber:serverx}message></>\n"},
    {"another element named stream is an element", ROOT "<stream xmlns='u'><message/></stream><iq/>",
     ROOT_LINE "E <{u}stream><{u}message></></>\nS iq 0: \n"},
    {"white space around everything", ROOT "\n<iq/> \t<x xmlns='u'> </x>\r\n</stream:stream>\n",
     ROOT_LINE "S iq 0: \nE <{u}x> </>\nF\n"},
    {"content namespace of the root is another", "<stream xmlns='jabber:client'><iq/><iq xmlns='jabber:server'/>",
     "H stream ns=[jabber:client] content=[jabber:client]\nE <{jabber:client}iq></>\nS iq 0: \n"},
};
/* clang-format on */

START_TEST(says_the_same_in_any_pieces)
{
    for (unsigned seed = 0; seed < 2 * (SPLITS + 2); seed++) {
        struct record record;

        record_init(&record, XF_NS_SERVER);
        record.cut = seed / 2 == 0 ? RECORD_WHOLE : seed / 2 == 1 ? RECORD_BYTES : RECORD_RANDOM;
        record.seed = seed;
        record.parks = seed % 2;
        record_run(&record, cases[_i].in, strlen(cases[_i].in));
        ck_assert_msg(record.err == XF_ERR_OK, "%s (seed %u)", cases[_i].label, seed);
        ck_assert_msg(strcmp(record_lines(&record), cases[_i].want) == 0,
                      "%s (seed %u):\n%swanted:\n%s", cases[_i].label, seed, record_lines(&record),
                      cases[_i].want);
        ck_assert_uint_eq(record.used, strlen(cases[_i].in));
        record_fini(&record);
    }
}
END_TEST

/* ------------------------------------------------------------------ wrappers */

/* clang-format off */
static const struct xf_wrapper wrapper = {"urn:r", "r"};

static const struct {
    const char *label, *in, *want;
} wrapped[] = {
    {"a stanza in its wrapper", "<r xmlns='urn:r' a='1'><iq xmlns='jabber:server' id='i'><q xmlns='u'>x</q></iq></r>",
     "E <{urn:r}r a=[1]></>\nS iq id=[i] 1: {u}q <q xmlns=\"u\">x</q>\n"},
    {"a prefix for the wrapper, two stanzas", "<p:r xmlns:p='urn:r'><iq/><message><body/></message></p:r>",
     "E <{urn:r}r></>\nS iq 0: \nS message 1: body <body/>\n"},
    {"an empty one, and one with other elements", "<r xmlns='urn:r'/><r xmlns='urn:r'><x><iq xmlns='jabber:server'/></x></r>",
     "E <{urn:r}r></>\nE <{urn:r}r></>\nE <{urn:r}x><{jabber:server}iq></></>\n"},
    {"text in it is skipped", "<r xmlns='urn:r'>a<iq xmlns='jabber:server'/><![CDATA[b]]> </r>", "E <{urn:r}r></>\nS iq 0: \n"},
    {"a wrapper in a wrapper is an element", "<r xmlns='urn:r'><r><iq xmlns='jabber:server'/></r></r>",
     "E <{urn:r}r></>\nE <{urn:r}r><{jabber:server}iq></></>\n"},
    {"another namespace is no wrapper", "<r xmlns='urn:s'><iq xmlns='jabber:server'/></r>", "E <{urn:s}r><{jabber:server}iq></></>\n"},
    {"outside a wrapper there are no stanzas", "<iq/><r xmlns='urn:r'/> <message/>",
     "E <{jabber:server}iq></>\nE <{urn:r}r></>\nE <{jabber:server}message></>\n"},
};
/* clang-format on */

static void assert_unwraps(int i, unsigned seed, struct xf_parsers *parsers)
{
    struct record record;
    char *in = xf_asprintf(ROOT "%s</stream:stream>", wrapped[i].in);
    char *want = xf_asprintf(ROOT_LINE "%sF\n", wrapped[i].want);

    record_init(&record, XF_NS_SERVER);
    record.wrapper = &wrapper;
    record.cut = seed == 0 ? RECORD_WHOLE : seed == 1 ? RECORD_BYTES : RECORD_RANDOM;
    record.seed = seed;
    record.parks = seed % 2;
    record.parsers = parsers;
    record_run(&record, in, strlen(in));
    ck_assert_msg(record.err == XF_ERR_OK, "%s (seed %u)", wrapped[i].label, seed);
    ck_assert_msg(strcmp(record_lines(&record), want) == 0, "%s (seed %u):\n%swanted:\n%s",
                  wrapped[i].label, seed, record_lines(&record), want);
    record_fini(&record);
    xf_free(in);
    xf_free(want);
}

START_TEST(unwraps_in_any_pieces)
{
    struct xf_parsers *parsers = xf_parsers_new();

    for (unsigned seed = 0; seed < SPLITS; seed++)
        assert_unwraps(_i, seed, seed % 3 ? parsers : NULL);
    xf_parsers_free(&parsers);
}
END_TEST

/* A new parser takes over behind a wrapper, not in it. */
START_TEST(renews_the_parser_behind_a_wrapper)
{
    struct record record;
    char *large = xf_alloc(100001);

    memset(large, 'x', 100000);
    char *in = xf_asprintf(ROOT "<r xmlns='urn:r'><iq xmlns='jabber:server'>%s</iq>"
                                "<iq xmlns='jabber:server'/></r><r xmlns='urn:r'/>"
                                "</stream:stream>",
                           large);
    record_init(&record, XF_NS_SERVER);
    record.wrapper = &wrapper;
    record_run(&record, in, strlen(in));
    ck_assert_int_eq(record.err, XF_ERR_OK);
    ck_assert_uint_eq(record.events, 6); /* header, wrapper, two stanzas, wrapper, footer */
    record_fini(&record);
    xf_free(in);
    xf_free(large);
}
END_TEST

/* ------------------------------------------------------------------ stopping */

/* clang-format off */
static const struct {
    const char *label, *before, *after; /* the reader stops exactly between */
    unsigned stop_at;
} stops[] = {
    {"header",                  "<?xml version='1.0'?>" ROOT,       "<iq/>", 1},
    {"empty header",            "<stream/>",                        "<iq/>", 1},
    {"control element",         ROOT "<x xmlns='u'>text</x>",       "<iq/>", 2},
    {"empty control element",   ROOT "<x xmlns='u' a='>'/>",        "\x16\x03\x01 binary", 2},
    {"with space in the end tag", ROOT "<x xmlns='u'></x  >",       " ", 2},
    {"stanza",                  ROOT "<iq/><iq>\xC3\xA9</iq>",      "<iq/></stream:stream>", 3},
    {"empty stanza",            ROOT "<iq/>",                       "<!-- -->", 2},
    {"footer",                  ROOT "</stream:stream>",            "<iq/>", 2},
    {"footer of an empty root", "<stream/>",                        "\n", 2},
};
/* clang-format on */

static void assert_stops(int i, enum record_cut cut, unsigned seed)
{
    char *in = xf_asprintf("%s%s", stops[i].before, stops[i].after);
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record.cut = cut;
    record.seed = seed;
    record.stop_at = stops[i].stop_at;
    record_run(&record, in, strlen(in));
    ck_assert_msg(record.err == XF_ERR_CLOSED, "%s (seed %u): %s", stops[i].label, seed,
                  xf_err_text(record.err));
    ck_assert_msg(record.used == strlen(stops[i].before), "%s (seed %u): used %zu", stops[i].label,
                  seed, record.used);
    ck_assert_msg(record.events == stops[i].stop_at, "%s (seed %u): %s", stops[i].label, seed,
                  record_lines(&record));

    size_t used = 1;
    ck_assert_int_eq(xf_reader_feed(record.reader, "<iq/>", 5, &used), XF_ERR_CLOSED);
    ck_assert_uint_eq(used, 0);
    record_fini(&record);
    xf_free(in);
}

START_TEST(stops_behind_the_current_element)
{
    assert_stops(_i, RECORD_WHOLE, 0);
    assert_stops(_i, RECORD_BYTES, 0);
    for (unsigned seed = 1; seed <= SPLITS; seed++)
        assert_stops(_i, RECORD_RANDOM, seed);
}
END_TEST

START_TEST(reads_the_next_stream_after_a_restart)
{
    const char first[] = "<stream xmlns='urn:1' xmlns:db='jabber:server:dialback'><x>\xC3";
    const char second[] = "<?xml version='1.0'?>" ROOT "<iq/>";
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record_run(&record, first, strlen(first));
    ck_assert_int_eq(record.err, XF_ERR_OK);
    xf_reader_restart(record.reader);
    xf_buf_clear(&record.lines);
    record_run(&record, second, strlen(second));
    ck_assert_int_eq(record.err, XF_ERR_OK);
    ck_assert_str_eq(record_lines(&record), ROOT_LINE "S iq 0: \n");
    record_fini(&record);
}
END_TEST

START_TEST(restarts_after_stop_and_after_an_error)
{
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record.stop_at = 1;
    record_run(&record, ROOT "<iq/>", strlen(ROOT "<iq/>"));
    ck_assert_int_eq(record.err, XF_ERR_CLOSED);
    for (int i = 0; i < 2; i++) {
        xf_reader_restart(record.reader);
        xf_buf_clear(&record.lines);
        record.err = XF_ERR_OK;
        record_run(&record, ROOT "<iq/></iq>", strlen(ROOT "<iq/></iq>"));
        ck_assert_int_eq(record.err, XF_ERR_BAD_XML);
        ck_assert_str_eq(record_lines(&record), ROOT_LINE "S iq 0: \n");
    }
    record_fini(&record);
}
END_TEST

/* ------------------------------------------------------------------ parking */

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

/* The prefixes, the default namespace and the name of the root, and its limits, are those of
 * before. */
START_TEST(goes_on_after_parking)
{
    const char head[] = "<?xml version='1.0'?><a:stream xmlns:a='" XF_NS_STREAM
                        "' xmlns='jabber:server' xmlns:p='urn:p' a:k='&lt;'>";
    const char rest[] = "<p:x/><iq><p:y/></iq></a:stream>";
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record_run(&record, head, strlen(head));
    xf_reader_park(record.reader);
    xf_reader_park(record.reader);
    record_run(&record, rest, strlen(rest));
    ck_assert_int_eq(record.err, XF_ERR_OK);
    ck_assert_str_eq(record_lines(&record),
                     ROOT_LINE "E <{urn:p}x></>\nS iq 1: {urn:p}y <y xmlns=\"urn:p\"/>\nF\n");
    record_fini(&record);
}
END_TEST

/* Nothing is lost where parking is not possible. */
START_TEST(does_not_park_within_anything)
{
    const char in[] = "<?xml version='1.0'?>" ROOT
                      "<iq id='1'><x>\xC3\xA9</x></iq> <x xmlns='u'>t</x></stream:stream>";
    struct record record;

    record_init(&record, XF_NS_SERVER);
    record.cut = RECORD_BYTES;
    record.parks = true;
    record_run(&record, in, strlen(in));
    ck_assert_int_eq(record.err, XF_ERR_OK);
    ck_assert_str_eq(record_lines(&record),
                     ROOT_LINE "S iq id=[1] 1: x <x>\xC3\xA9</x>\nE <{u}x>t</>\nF\n");
    record_fini(&record);
}
END_TEST

#define READERS    100
#define PARKED_MAX 1536 /* bytes a reader */
#define ACTIVE_MAX 16384
#define SHARED_MAX 4096

/* Memory that OpenSSL takes once in a program's life. */
static void warm_up(void)
{
    uint64_t number;

    xf_rand_bytes(&number, sizeof(number));
}

static void feed_all(struct record *records, const char *in)
{
    for (int i = 0; i < READERS; i++) {
        record_run(&records[i], in, strlen(in));
        ck_assert_int_eq(records[i].err, XF_ERR_OK);
        xf_buf_release(&records[i].lines);
    }
}

START_TEST(takes_little_memory)
{
    static struct record records[READERS];

    warm_up();
    for (int i = 0; i < READERS; i++)
        record_init(&records[i], XF_NS_SERVER);
    size_t before = heap_bytes();
    feed_all(records, ROOT "<iq id='1'><x xmlns='u'>text</x></iq>");
    size_t active = heap_bytes() - before;
    for (int i = 0; i < READERS; i++)
        xf_reader_park(records[i].reader);
    size_t parked = heap_bytes() - before;
    ck_assert_uint_lt(active, READERS * ACTIVE_MAX);
    ck_assert_uint_lt(parked, READERS * PARKED_MAX);
    if (before) /* ASan's allocator keeps no such account */
        ck_assert_uint_gt(active, 2 * parked);
    feed_all(records, "<iq/>");
    for (int i = 0; i < READERS; i++)
        record_fini(&records[i]);
}
END_TEST

/* ------------------------------------------------------------------ shared parsers */

#define SHARED_ROOT(name, ns)                                                                   \
    "<?xml version='1.0'?><" name ":stream xmlns='jabber:server' xmlns:" name "='" XF_NS_STREAM \
    "' xmlns:p='" ns "'>"

static void start_shared(struct record *record, struct xf_parsers *parsers, const char *root)
{
    record_init(record, XF_NS_SERVER);
    record->parsers = parsers;
    record->only_stanzas = true;
    record_run(record, root, strlen(root));
}

static void feed_shared(struct record *record, const char *in, const char *want)
{
    record_run(record, in, strlen(in));
    ck_assert_int_eq(record->err, XF_ERR_OK);
    ck_assert_str_eq(record_lines(record), want);
    xf_buf_clear(&record->lines);
}

/* Streams take turns, also in the middle of an element; each knows its own prefixes and end tag. */
START_TEST(a_lent_parser_knows_nothing_of_the_stream_before)
{
    struct xf_parsers *parsers = xf_parsers_new();
    struct record a, b, other;

    start_shared(&a, parsers, SHARED_ROOT("stream", "urn:a"));
    start_shared(&b, parsers, SHARED_ROOT("stream", "urn:b"));
    start_shared(&other, parsers, SHARED_ROOT("s", "urn:o"));
    for (int i = 0; i < 3; i++) {
        feed_shared(&a, "<iq xmlns:q='urn:q'><p:x/></iq>",
                    "S iq 1: {urn:a}x <x xmlns=\"urn:a\"/>\n");
        feed_shared(&b, "<iq><p:x", "");
        feed_shared(&a, " \n", "");
        feed_shared(&other, "<iq><p:x/></iq>", "S iq 1: {urn:o}x <x xmlns=\"urn:o\"/>\n");
        feed_shared(&a, "<iq>", "");
        feed_shared(&b, "/></iq>", "S iq 1: {urn:b}x <x xmlns=\"urn:b\"/>\n");
        feed_shared(&a, "</iq>", "S iq 0: \n");
    }
    record_run(&b, "<iq><q:x/></iq>", 15);
    ck_assert_int_eq(b.err, XF_ERR_BAD_XML); /* q was another stream's */
    feed_shared(&a, "<iq/>", "S iq 0: \n");
    record_run(&other, "</stream:stream>", 16);
    ck_assert_int_eq(other.err, XF_ERR_BAD_XML);
    feed_shared(&a, "</stream:stream>", "");
    record_fini(&a);
    record_fini(&b);
    record_fini(&other);
    xf_parsers_free(&parsers);
}
END_TEST

START_TEST(readers_that_share_hold_no_parser_between_elements)
{
    static struct record records[READERS];
    struct xf_parsers *parsers = xf_parsers_new();
    const char chat[] = "<iq id='1'><x xmlns='u'>text</x></iq>";

    warm_up();
    for (int i = 0; i < READERS; i++) {
        record_init(&records[i], XF_NS_SERVER);
        records[i].parsers = parsers;
    }
    size_t before = heap_bytes();
    feed_all(records, SHARED_ROOT("stream", "urn:a"));
    feed_all(records, chat);
    ck_assert_uint_lt(heap_bytes() - before, READERS * SHARED_MAX);
    for (int i = 0; i < READERS; i++)
        record_fini(&records[i]);
    xf_parsers_free(&parsers);
}
END_TEST

/* ------------------------------------------------------------------ a new parser now and then */

/* So many names that the parser is renewed several times, mostly in the middle of the input. */
START_TEST(loses_nothing_when_the_parser_is_renewed)
{
    struct record record;
    struct xf_buf in, want;

    xf_buf_init(&in, 16 << 20);
    xf_buf_init(&want, 16 << 20);
    xf_buf_append_str(&in, "<stream xmlns='jabber:server' xmlns:p='urn:p'>");
    xf_buf_append_str(&want, "H stream ns=[jabber:server] content=[jabber:server]\n");
    for (int i = 0; i < 10000; i++) {
        xf_buf_appendf(&in, "<iq><p:x%d a%d=''/></iq>", i, i);
        xf_buf_appendf(&want, "S iq 1: {urn:p}x%d <x%d xmlns=\"urn:p\" a%d=\"\"/>\n", i, i, i);
    }
    xf_buf_append(&want, "", 1);
    for (unsigned seed = 0; seed < 3; seed++) {
        record_init(&record, XF_NS_SERVER);
        record.cut = seed ? RECORD_RANDOM : RECORD_WHOLE;
        record.seed = seed;
        record_run(&record, xf_buf_ptr(&in), in.len);
        ck_assert_int_eq(record.err, XF_ERR_OK);
        ck_assert(strcmp(record_lines(&record), xf_buf_ptr(&want)) == 0);
        record_fini(&record);
    }
    xf_buf_release(&in);
    xf_buf_release(&want);
}
END_TEST

/* expat never forgets a name (handlers.c), and keeps buffers of the largest token that it saw. */
START_TEST(gives_memory_back_after_many_names_and_large_tokens)
{
    struct record record;
    struct xf_buf in;

    xf_buf_init(&in, 32 << 20);
    record_init(&record, XF_NS_SERVER);
    record_run(&record, ROOT, strlen(ROOT));
    size_t before = heap_bytes();
    for (int i = 0; i < 100000; i++) {
        xf_buf_clear(&in);
        xf_buf_appendf(&in, "<iq><name-of-an-element-that-is-long-%d/></iq>", i);
        record_run(&record, xf_buf_ptr(&in), in.len);
        xf_buf_clear(&record.lines);
    }
    ck_assert_int_eq(record.err, XF_ERR_OK);
    ck_assert_uint_lt(heap_bytes(), before + (2 << 20));

    xf_buf_clear(&in);
    xf_buf_appendf(&in, "<iq a='%060000d'/>", 1);
    record_run(&record, xf_buf_ptr(&in), in.len);
    ck_assert_int_eq(record.err, XF_ERR_OK);
    xf_buf_release(&record.lines);
    xf_buf_release(&in);
    record_run(&record, "<iq/>", 5);
    ck_assert_int_eq(record.err, XF_ERR_OK);
    ck_assert_uint_lt(heap_bytes(), before + (32 << 10));
    record_fini(&record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml/reader");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, says_the_same_in_any_pieces, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, unwraps_in_any_pieces, 0, (int)XF_ARRAY_LEN(wrapped));
    tcase_add_test(tc, renews_the_parser_behind_a_wrapper);
    tcase_add_loop_test(tc, stops_behind_the_current_element, 0, (int)XF_ARRAY_LEN(stops));
    tcase_add_test(tc, reads_the_next_stream_after_a_restart);
    tcase_add_test(tc, restarts_after_stop_and_after_an_error);
    tcase_add_test(tc, goes_on_after_parking);
    tcase_add_test(tc, does_not_park_within_anything);
    tcase_add_test(tc, a_lent_parser_knows_nothing_of_the_stream_before);
    tcase_add_test(tc, readers_that_share_hold_no_parser_between_elements);
    tcase_add_test(tc, takes_little_memory);
    tcase_add_test(tc, loses_nothing_when_the_parser_is_renewed);
    tcase_add_test(tc, gives_memory_back_after_many_names_and_large_tokens);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
