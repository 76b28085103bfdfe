/* SPDX-License-Identifier: MIT */
/*
 * test_fidelity.c — what a stanza means survives: read in any pieces, written for either content
 * namespace, read again.
 *
 * Rows are the insides of a jabber:server stream. Each is read whole, a byte at a time and in
 * random pieces.
 */
#include "record.h"

#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define ROOT(ns, more) "<stream:stream xmlns='" ns "' xmlns:stream='" XF_NS_STREAM "'" more ">"
#define SPLITS         20

/* clang-format off */
static const struct {
    const char *label;
    const char *root; /* further attributes of the root */
    const char *in, *want;
} cases[] = {
    {"envelope attributes", "",
     "<message from='a@x/r' to='b@y' type='chat' id='i1' xml:lang='de'/>",
     "S message from=[a@x/r] to=[b@y] type=[chat] id=[i1] lang=[de] 0: \n"},
    {"kinds", "", "<message/><presence/><iq/>", "S message 0: \nS presence 0: \nS iq 0: \n"},
    {"values are unescaped in the envelope", "", "<iq from='a&amp;b' to=\"it's\" id='&#60;&quot;'/>",
     "S iq from=[a&b] to=[it's] id=[<\"] 0: \n"},
    {"an empty value is not an absent one", "", "<iq id='' type=''/>", "S iq type=[] id=[] 0: \n"},
    {"chat message", "",
     "<message><body>hi</body><request xmlns='urn:xmpp:receipts'/></message>",
     "S message 2: body {urn:xmpp:receipts}request <body>hi</body><request xmlns=\"urn:xmpp:receipts\"/>\n"},
    {"empty elements", "", "<message><body></body><body/><x xmlns='u'></x></message>",
     "S message 3: body body {u}x <body/><body/><x xmlns=\"u\"/>\n"},
    {"own prefix for the content namespace", "",
     "<s:message xmlns:s='jabber:server' from='a'><s:body>x</s:body></s:message>",
     "S message from=[a] 1: body <body>x</body>\n"},
    {"root prefix for the content namespace", " xmlns:s='jabber:server'",
     "<s:message><s:body>x</s:body><body>y</body></s:message>",
     "S message 2: body body <body>x</body><body>y</body>\n"},
    {"prefix of the root in a child", " xmlns:p='urn:p'", "<iq><p:q a='1'><p:r/></p:q></iq>",
     "S iq 1: {urn:p}q <q xmlns=\"urn:p\" a=\"1\"><r/></q>\n"},
    {"dialback prefix of the root in a child", " xmlns:db='jabber:server:dialback'",
     "<message><db:x><db:y/></db:x></message>",
     "S message 1: {jabber:server:dialback}x <x xmlns=\"jabber:server:dialback\"><y/></x>\n"},
    {"inner declaration of a prefix counts", " xmlns:p='urn:outer'",
     "<iq><p:a/><p:b xmlns:p='urn:inner'><p:c/></p:b><p:d/></iq>",
     "S iq 3: {urn:outer}a {urn:inner}b {urn:outer}d "
     "<a xmlns=\"urn:outer\"/><b xmlns=\"urn:inner\"><c/></b><d xmlns=\"urn:outer\"/>\n"},
    {"declared on the stanza", "", "<iq xmlns:p='urn:p'><p:q><p:r/></p:q></iq>",
     "S iq 1: {urn:p}q <q xmlns=\"urn:p\"><r/></q>\n"},
    {"foreign default namespaces", "",
     "<message><x xmlns='urn:a'><y xmlns='urn:b'><z xmlns='urn:a'/><w/></y><v/></x></message>",
     "S message 1: {urn:a}x "
     "<x xmlns=\"urn:a\"><y xmlns=\"urn:b\"><z xmlns=\"urn:a\"/><w/></y><v/></x>\n"},
    {"content namespace in a foreign one", "",
     "<message><forwarded xmlns='urn:f'><message xmlns='jabber:server' to='a'><body>in</body></message><d/></forwarded><body/></message>",
     "S message mark 2: {urn:f}forwarded body "
     "<forwarded xmlns=\"urn:f\"><message xmlns=\"$\" to=\"a\"><body>in</body></message><d/></forwarded><body/>\n"},
    {"the other side's content namespace is a foreign one", "",
     "<message><f xmlns='urn:f'><message xmlns='jabber:client'><body/></message></f></message>",
     "S message 1: {urn:f}f <f xmlns=\"urn:f\"><message xmlns=\"jabber:client\"><body/></message></f>\n"},
    {"no namespace", "", "<message><x xmlns=''><y/><z xmlns='u'><w xmlns=''/></z></x><body/></message>",
     "S message 2: {}x body <x xmlns=\"\"><y/><z xmlns=\"u\"><w xmlns=\"\"/></z></x><body/>\n"},
    {"no namespace in a foreign one, content in none", "",
     "<message><x xmlns='u'><y xmlns=''><body xmlns='jabber:server'/></y><y xmlns=''/></x></message>",
     "S message mark 1: {u}x <x xmlns=\"u\"><y xmlns=\"\"><body xmlns=\"$\"/></y><y xmlns=\"\"/></x>\n"},
    {"attributes in namespaces", "", "<message><x xmlns='urn:a' xmlns:b='urn:b' b:at='1' at='2'/></message>",
     "S message 1: {urn:a}x <x xmlns=\"urn:a\" xmlns:n1=\"urn:b\" n1:at=\"1\" at=\"2\"/>\n"},
    {"several of them", "",
     "<message><x xmlns:b='urn:b' xmlns:c='urn:c' b:k='1' c:k='2' k='3' b:l='4' xml:space='preserve'/></message>",
     "S message 1: x <x xmlns:n1=\"urn:b\" n1:k=\"1\" xmlns:n2=\"urn:c\" n2:k=\"2\" k=\"3\" n1:l=\"4\" "
     "xml:space=\"preserve\"/>\n"},
    {"an attribute in the content namespace", "", "<message><x xmlns:s='jabber:server' s:k='1'/></message>",
     "S message 1: x <x xmlns:n1=\"jabber:server\" n1:k=\"1\"/>\n"},
    {"other attributes of the stanza", "",
     "<message a='1' to='t' xmlns:e='urn:e' e:b='&lt;' e:to='2' xml:space='preserve'/>",
     "S message to=[t] extra=[ a=\"1\" xmlns:n1=\"urn:e\" n1:b=\"&lt;\" n1:to=\"2\" xml:space=\"preserve\"] 0: \n"},
    {"attributes that begin like known ones", "", "<message fro='1' toto='2' typ='3' ids='4' f='5' t='6' i='7'/>",
     "S message extra=[ fro=\"1\" toto=\"2\" typ=\"3\" ids=\"4\" f=\"5\" t=\"6\" i=\"7\"] 0: \n"},
    {"xml:lang of a child stays there", "", "<message xml:lang='en'><body xml:lang='de'>a</body></message>",
     "S message lang=[en] 1: body <body xml:lang=\"de\">a</body>\n"},
    {"an element in the namespace of xml:", "", "<message><x xmlns='u'><xml:y><z/></xml:y></x></message>",
     "S message 1: {u}x <x xmlns=\"u\"><xml:y><z/></xml:y></x>\n"},
    {"CDATA", "", "<message><body><![CDATA[<b>&amp;</b> ]] > ]]></body></message>",
     "S message 1: body <body>&lt;b&gt;&amp;amp;&lt;/b&gt; ]] &gt; </body>\n"},
    {"CDATA with ]]>", "", "<message><body>a<![CDATA[]]]]><![CDATA[>]]>b</body></message>",
     "S message 1: body <body>a]]&gt;b</body>\n"},
    {"CDATA that looks like the end of the stanza", "",
     "<message><body><![CDATA[</body></message><message>]]></body></message>",
     "S message 1: body <body>&lt;/body&gt;&lt;/message&gt;&lt;message&gt;</body>\n"},
    {"references", "", "<message><body>&lt;&gt;&amp;&apos;&quot;&#65;&#x42; &amp;lt;</body></message>",
     "S message 1: body <body>&lt;&gt;&amp;'\"AB &amp;lt;</body>\n"},
    {"both quotes", "", "<message><x a=\"it's\" b='say \"hi\"' c='&apos;&quot;'/></message>",
     "S message 1: x <x a=\"it&apos;s\" b=\"say &quot;hi&quot;\" c=\"&apos;&quot;\"/>\n"},
    {"'>' in a value", "", "<message><x a='1 > 0 />'>y</x></message>",
     "S message 1: x <x a=\"1 &gt; 0 /&gt;\">y</x>\n"},
    {"white space references in a value", "", "<message><x a='&#13;&#10;&#9;&#32;'/></message>",
     "S message 1: x <x a=\"&#13;&#10;&#9; \"/>\n"},
    {"literal white space in a value becomes spaces", "", "<message><x a='a\nb\tc\r\nd'/></message>",
     "S message 1: x <x a=\"a b c d\"/>\n"},
    {"white space in the envelope and in extra", "", "<message id='a&#10;b' k='&#13;'/>",
     "S message id=[a\nb] extra=[ k=\"&#13;\"] 0: \n"},
    {"white space in text", "", "<message><body>\n\t a&#13;b&#13;\n\r\nc\rd </body></message>",
     "S message 1: body <body>\n\t a&#13;b&#13;\n\nc\nd </body>\n"},
    {"mixed content of the stanza", "", "<message>pre<body>b</body> mid <x xmlns='u'/>post</message>",
     "S message 2: body {u}x pre<body>b</body> mid <x xmlns=\"u\"/>post\n"},
    {"no text but white space", "", "<message>\n  <body> </body>\n</message>",
     "S message 1: body \n  <body> </body>\n\n"},
    {"the highest characters", "", "<message><x a='&#x10FFFF;\xF4\x8F\xBF\xBF'>\xF0\x9F\x98\x80&#x10FFFF;\xF4\x8F\xBF\xBF</x></message>",
     "S message 1: x <x a=\"\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF\">\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF</x>\n"},
    {"C1 controls and separators", "", "<message><body>\x7F\xC2\x85\xE2\x80\xA8\xEF\xBF\xBD</body></message>",
     "S message 1: body <body>\x7F\xC2\x85\xE2\x80\xA8\xEF\xBF\xBD</body>\n"},
    {"names beyond ASCII", "", "<message><\xC3\xA9lan \xC3\xBC='1'>\xC3\x9F</\xC3\xA9lan></message>",
     "S message 1: \xC3\xA9lan <\xC3\xA9lan \xC3\xBC=\"1\">\xC3\x9F</\xC3\xA9lan>\n"},
    {"special characters in a namespace", "",
     "<message><x xmlns='urn:a?b&amp;c=&quot;d&apos;&lt;&#10;'><y/></x><z xmlns:p='&amp;&quot;' p:a='1'/></message>",
     "S message 2: {urn:a?b&amp;c=&quot;d&apos;&lt;&#10;}x z "
     "<x xmlns=\"urn:a?b&amp;c=&quot;d&apos;&lt;&#10;\"><y/></x><z xmlns:n1=\"&amp;&quot;\" n1:a=\"1\"/>\n"},
    {"a namespace that looks like a stanza", "", "<message><x xmlns='jabber:server&#10;message'><body xmlns='jabber:server'/></x></message>",
     "S message mark 1: {jabber:server&#10;message}x <x xmlns=\"jabber:server&#10;message\"><body xmlns=\"$\"/></x>\n"},
    {"a namespace that begins like the content's", "", "<message><x xmlns='jabber:serve'/><x xmlns='jabber:server2'/></message>",
     "S message 2: {jabber:serve}x {jabber:server2}x <x xmlns=\"jabber:serve\"/><x xmlns=\"jabber:server2\"/>\n"},
    {"stanza names inside a stanza", "", "<message><message from='evil'><iq/></message></message>",
     "S message 1: message <message from=\"evil\"><iq/></message>\n"},
    {"a stream inside a stanza", "", "<message><stream:stream from='evil'><message/></stream:stream></message>",
     "S message mark 1: {http://etherx.jabber.org/streams}stream "
     "<stream xmlns=\"http://etherx.jabber.org/streams\" from=\"evil\"><message xmlns=\"$\"/></stream>\n"},
    {"more children than are named", "", "<iq><a/><b/><c/><d/><e/><f/><g/><h/><i/><j/></iq>",
     "S iq 10: a b c d e f g h <a/><b/><c/><d/><e/><f/><g/><h/><i/><j/>\n"},
    {"deep, with text around", "", "<iq>1<a>2<b>3<c>4</c>5</b>6</a>7</iq>", "S iq 1: a 1<a>2<b>3<c>4</c>5</b>6</a>7\n"},
};
/* clang-format on */

static char *stream_of(int i)
{
    return xf_asprintf("<?xml version='1.0'?>" ROOT("jabber:server", "%s") "%s</stream:stream>",
                       cases[i].root, cases[i].in);
}

/* The stanzas' lines: between those of header and footer. */
static char *stanza_lines(struct record *record)
{
    const char *lines = record_lines(record), *first = strchr(lines, '\n');

    ck_assert(lines[0] == 'H' && first && strlen(first) >= 3);
    ck_assert_str_eq(first + strlen(first) - 2, "F\n");
    return xf_strndup(first + 1, strlen(first + 1) - 2);
}

static void assert_reads(int i, const char *stream, struct record *record)
{
    record_run(record, stream, strlen(stream));
    ck_assert_msg(record->err == XF_ERR_OK, "%s: %s", cases[i].label, xf_err_text(record->err));
    char *lines = stanza_lines(record);
    ck_assert_msg(strcmp(lines, cases[i].want) == 0, "%s (seed %u):\n%swanted:\n%s", cases[i].label,
                  record->seed, lines, cases[i].want);
    xf_free(lines);
}

START_TEST(is_the_same_in_any_pieces)
{
    char *stream = stream_of(_i);

    for (unsigned seed = 0; seed < SPLITS + 2; seed++) {
        struct record record;

        record_init(&record, XF_NS_SERVER);
        record.cut = seed == 0 ? RECORD_WHOLE : seed == 1 ? RECORD_BYTES : RECORD_RANDOM;
        record.seed = seed;
        assert_reads(_i, stream, &record);
        record_fini(&record);
    }
    xf_free(stream);
}
END_TEST

/* Read a stream of `from`, write it for `to`; returns that stream. */
static char *pass_on(int i, char *stream, const char *from, const char *to)
{
    struct record record;

    record_init(&record, from);
    record.write_ns = to;
    assert_reads(i, stream, &record);
    char *next = record_stream(&record);
    record_fini(&record);
    xf_free(stream);
    return next;
}

START_TEST(survives_the_way_to_the_cluster_and_back)
{
    char *out = pass_on(_i, stream_of(_i), XF_NS_SERVER, XF_NS_SERVER);
    char *again = pass_on(_i, xf_strdup(out), XF_NS_SERVER, XF_NS_COMPONENT);

    again = pass_on(_i, again, XF_NS_COMPONENT, XF_NS_COMPONENT);
    again = pass_on(_i, again, XF_NS_COMPONENT, XF_NS_SERVER);
    ck_assert_str_eq(out, again);
    again = pass_on(_i, again, XF_NS_SERVER, XF_NS_SERVER);
    ck_assert_str_eq(out, again);
    xf_free(again);
    xf_free(out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xml/fidelity");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, is_the_same_in_any_pieces, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, survives_the_way_to_the_cluster_and_back, 0, (int)XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
