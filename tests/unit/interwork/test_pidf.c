/* SPDX-License-Identifier: MIT */
/*
 * test_pidf.c — presence of XMPP and PIDF documents as values, both ways: every row of RFC 8048
 * tables 1 and 2, the forms in which others write, and documents that mean no good.
 */
#include <xfed/interwork/presence.h>

#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xml/document.h>

#define TEXT_MAX (4u << 20)

static const char *const show_names[] = {
#define X(name, text) [XF_SHOW_##name] = #name,
    XF_SHOW_MAP(X)
#undef X
};

/* "open AWAY 5 [en]Busy []x" */
static void describe(struct xf_buf *out, const struct xf_availability *availability)
{
    xf_buf_append_str(out, availability->is_open ? "open" : "closed");
    if (availability->show != XF_SHOW_NONE)
        xf_buf_appendf(out, " %s", show_names[availability->show]);
    if (availability->priority != 0)
        xf_buf_appendf(out, " %d", availability->priority);
    for (unsigned i = 0; i < availability->note_count; i++)
        xf_buf_appendf(out, " [%.*s]%.*s", XF_SPAN_ARGS(availability->notes[i].lang),
                       XF_SPAN_ARGS(availability->notes[i].text));
}

static void assert_availability(const char *label, const struct xf_availability *availability,
                                const char *want)
{
    struct xf_buf out;

    xf_buf_init(&out, TEXT_MAX);
    describe(&out, availability);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), want), "%s: %.*s", label,
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    xf_buf_release(&out);
}

/* ------------------------------------------------------------------ reading PIDF */

#define P(content)                                                                          \
    "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:u@a.example'>" content "</" \
    "presence>"
#define T(content) "<tuple id='t'>" content "</tuple>"
#define OPEN       "<basic>open</basic>"
#define RPID       "urn:ietf:params:xml:ns:pidf:rpid"
#define PERSON(content) \
    "<dm:person xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' id='p'>" content "</dm:person>"
#define DOING(name) "<r:activities xmlns:r='" RPID "'><r:" name "/></r:activities>"
#define DRAFT(name)                                                                               \
    "<ep:activities xmlns:ep='urn:ietf:params:xml:ns:pidf:status:rpid-status'><ep:activity>" name \
    "</ep:activity></ep:activities>"
#define SHOW(name) "<show xmlns='jabber:client'>" name "</show>"

/* clang-format off */
static const struct {
    const char *label, *lang, *in;
    const char *want; /* with activities shown as away */
    const char *dnd;  /* with activities shown as dnd; NULL: the same */
} reads[] = {
    /* RFC 8048 table 2. */
    {"open is available",           NULL, P(T("<status>" OPEN "</status>")), "open", NULL},
    {"closed is unavailable",       NULL, P(T("<status><basic>closed</basic></status>")), "closed", NULL},
    {"show",                        NULL, P(T("<status>" OPEN SHOW("away") "</status>")), "open AWAY", NULL},
    {"show: dnd",                   NULL, P(T("<status>" OPEN SHOW("dnd") "</status>")), "open DND", NULL},
    {"show: xa",                    NULL, P(T("<status>" OPEN SHOW("xa") "</status>")), "open XA", NULL},
    {"show: chat",                  NULL, P(T("<status>" OPEN SHOW(" chat\n") "</status>")), "open CHAT", NULL},
    {"show: something else",        NULL, P(T("<status>" OPEN SHOW("Away") "</status>")), "open", NULL},
    {"show of another namespace",   NULL, P(T("<status>" OPEN "<show>away</show></status>")), "open", NULL},
    {"show while closed",           NULL, P(T("<status><basic>closed</basic>" SHOW("away") "</status>")), "closed", NULL},
    {"a note is a status text",     NULL, P(T("<status>" OPEN "</status><note>in Mantua</note>")), "open []in Mantua", NULL},
    {"a note of a closed tuple",    NULL, P(T("<status><basic>closed</basic></status><note>gone</note>")), "closed []gone", NULL},
    {"Content-Language",            "it", P(T("<status>" OPEN "</status><note>a Mantova</note>")), "open [it]a Mantova", NULL},
    {"a language of the note",      "it", P(T("<status>" OPEN "</status><note xml:lang='en'>away</note>")), "open [en]away", NULL},
    {"a language of the document",  "it", "<presence xmlns='urn:ietf:params:xml:ns:pidf' xml:lang='fr'>" T("<status>" OPEN "</status><note>x</note>") "</presence>", "open [fr]x", NULL},
    {"a priority",                  NULL, P(T("<status>" OPEN "</status><contact priority='0.007'>im:u@a.example</contact>")), "open 1", NULL},
    {"the priority in between",     NULL, P(T("<status>" OPEN "</status><contact priority='0.5'>im:u@a.example</contact>")), "open 64", NULL},
    {"the highest priority",        NULL, P(T("<status>" OPEN "</status><contact priority='1.000'>im:u@a.example</contact>")), "open 127", NULL},
    {"the lowest priority",         NULL, P(T("<status>" OPEN "</status><contact priority='0'>im:u@a.example</contact>")), "open", NULL},

    /* Priorities that are none (RFC 3863 section 4.1.5): as if there were none. */
    {"a priority above 1",          NULL, P(T("<status>" OPEN "</status><contact priority='1.001'/>")), "open", NULL},
    {"of four places",              NULL, P(T("<status>" OPEN "</status><contact priority='0.5000'/>")), "open", NULL},
    {"of four places that are small", NULL, P(T("<status>" OPEN "</status><contact priority='0.0001'/>")), "open", NULL},
    {"below 0",                     NULL, P(T("<status>" OPEN "</status><contact priority='-1'/>")), "open", NULL},
    {"of two digits",               NULL, P(T("<status>" OPEN "</status><contact priority='10'/>")), "open", NULL},
    {"with a comma",                NULL, P(T("<status>" OPEN "</status><contact priority='0,5'/>")), "open", NULL},
    {"with an exponent",            NULL, P(T("<status>" OPEN "</status><contact priority='0.e1'/>")), "open", NULL},
    {"a dot without places",        NULL, P(T("<status>" OPEN "</status><contact priority='1.'/>")), "open 127", NULL},

    /* Notes. */
    {"several languages",           NULL, P(T("<status>" OPEN "</status><note xml:lang='en'>a</note><note xml:lang='fr'>b</note>")), "open [en]a [fr]b", NULL},
    {"one language twice",          NULL, P(T("<status>" OPEN "</status><note xml:lang='en'>a</note><note xml:lang='EN'>b</note>")), "open [en]a", NULL},
    {"more than four",              NULL, P(T("<status>" OPEN "</status><note xml:lang='a'>1</note><note xml:lang='b'>2</note><note xml:lang='c'>3</note>"
                                             "<note xml:lang='d'>4</note><note xml:lang='e'>5</note>")), "open [a]1 [b]2 [c]3 [d]4", NULL},
    {"a language that is none",     "not a language", P(T("<status>" OPEN "</status><note xml:lang='a b'>x</note>")), "open []x", NULL},
    {"a language that begins with a hyphen", NULL, P(T("<status>" OPEN "</status><note xml:lang='-a'>x</note>")), "open []x", NULL},
    {"an empty one",                NULL, P(T("<status>" OPEN "</status><note> \n</note>")), "open", NULL},
    {"space around it",             NULL, P(T("<status>" OPEN "</status><note>\n a  b\n</note>")), "open []a  b", NULL},
    {"of the document",             NULL, P(T("<status>" OPEN "</status>") "<note>x</note>"), "open []x", NULL},
    {"of the tuple before that of the document", NULL, P(T("<status>" OPEN "</status><note>t</note>") "<note>x</note>"), "open []t", NULL},
    {"of the person before that of the document", NULL, P(T("<status>" OPEN "</status>") "<note>x</note>" PERSON("<dm:note>p</dm:note>")), "open []p", NULL},
    {"without any tuple",           NULL, P("<note>x</note>"), "closed []x", NULL},
    {"in a language, without any tuple", NULL, P("<note xml:lang='en'>x</note><note xml:lang='fr'>y</note>"), "closed [en]x [fr]y", NULL},

    /* Activities, in all forms. */
    {"RPID of the person",          NULL, P(T("<status>" OPEN "</status>") PERSON(DOING("busy"))), "open AWAY [en]Busy", "open DND"},
    {"person first",                NULL, P(PERSON(DOING("busy")) T("<status>" OPEN "</status>")), "open AWAY [en]Busy", "open DND"},
    {"RPID of the tuple",           NULL, P(T("<status>" OPEN "</status>" DOING("on-the-phone"))), "open AWAY [en]Busy", "open DND"},
    {"RPID in the status",          NULL, P(T("<status>" OPEN DOING("meeting") "</status>")), "open AWAY [en]Busy", "open DND"},
    {"the drafts' form",            NULL, P(T("<status>" OPEN DRAFT("busy") "</status>")), "open AWAY [en]Busy", "open DND"},
    {"the drafts' form: away",      NULL, P(T("<status>" OPEN DRAFT("away") "</status>")), "open AWAY", NULL},
    {"the drafts' form of the person", NULL, P(T("<status>" OPEN "</status>") PERSON(DRAFT(" Away "))), "open AWAY", NULL},
    {"the drafts' form with an element", NULL, P(T("<status>" OPEN "<e:activities xmlns:e='urn:ietf:params:xml:ns:pidf:rpid-person'><e:activity><e:away/></e:activity></e:activities></status>")), "open AWAY", NULL},
    {"busy with a status text",     NULL, P(T("<status>" OPEN "</status><note>in court</note>") PERSON(DOING("busy"))), "open AWAY []in court", "open DND []in court"},
    {"appointment",                 NULL, P(T("<status>" OPEN "</status>" DOING("appointment"))), "open AWAY [en]Busy", "open DND"},
    {"presentation",                NULL, P(T("<status>" OPEN "</status>" DOING("presentation"))), "open AWAY [en]Busy", "open DND"},
    {"away",                        NULL, P(T("<status>" OPEN "</status>" DOING("away"))), "open AWAY", NULL},
    {"breakfast",                   NULL, P(T("<status>" OPEN "</status>" DOING("breakfast"))), "open AWAY", NULL},
    {"lunch",                       NULL, P(T("<status>" OPEN "</status>" DOING("lunch"))), "open AWAY", NULL},
    {"dinner",                      NULL, P(T("<status>" OPEN "</status>" DOING("dinner"))), "open AWAY", NULL},
    {"meal",                        NULL, P(T("<status>" OPEN "</status>" DOING("meal"))), "open AWAY", NULL},
    {"travel",                      NULL, P(T("<status>" OPEN "</status>" DOING("travel"))), "open AWAY", NULL},
    {"in-transit",                  NULL, P(T("<status>" OPEN "</status>" DOING("in-transit"))), "open AWAY", NULL},
    {"vacation",                    NULL, P(T("<status>" OPEN "</status>" DOING("vacation"))), "open AWAY", NULL},
    {"holiday",                     NULL, P(T("<status>" OPEN "</status>" DOING("holiday"))), "open AWAY", NULL},
    {"permanent-absence",           NULL, P(T("<status>" OPEN "</status>" DOING("permanent-absence"))), "open XA", NULL},
    {"sleeping",                    NULL, P(T("<status>" OPEN "</status>" DOING("sleeping"))), "open XA", NULL},
    {"working",                     NULL, P(T("<status>" OPEN "</status>" DOING("working"))), "open", NULL},
    {"unknown",                     NULL, P(T("<status>" OPEN "</status>" DOING("unknown"))), "open", NULL},
    {"one that RPID does not have", NULL, P(T("<status>" OPEN "</status>" DOING("juggling"))), "open", NULL},
    {"several: the first that says something", NULL, P(T("<status>" OPEN "</status><r:activities xmlns:r='" RPID "'><r:working/><r:sleeping/><r:busy/></r:activities>")), "open XA", NULL},
    {"the tuple's before the person's", NULL, P(T("<status>" OPEN "</status>" DOING("sleeping")) PERSON(DOING("away"))), "open XA", NULL},
    {"show before activities",      NULL, P(T("<status>" OPEN SHOW("chat") "</status>") PERSON(DOING("away"))), "open CHAT", NULL},
    {"activities while closed",     NULL, P(T("<status><basic>closed</basic></status>") PERSON(DOING("busy"))), "closed", NULL},
    {"of another namespace",        NULL, P(T("<status>" OPEN "</status><activities xmlns='urn:x'><busy/></activities>")), "open", NULL},

    /* mustUnderstand (RFC 3863 section 4.2.3). */
    {"an extension that must be understood", NULL, P(T("<status>" OPEN "<x:y xmlns:x='urn:x' xmlns:p='urn:ietf:params:xml:ns:pidf' p:mustUnderstand='1'/></status>")), "open", NULL},
    {"within activities",           NULL, P(T("<status>" OPEN "<r:activities xmlns:r='" RPID "'><r:away/><x:y xmlns:x='urn:x' xmlns:p='urn:ietf:params:xml:ns:pidf' p:mustUnderstand='true'/></r:activities></status>")), "open", NULL},
    {"within activities, but need not", NULL, P(T("<status>" OPEN "<r:activities xmlns:r='" RPID "'><x:y xmlns:x='urn:x' xmlns:p='urn:ietf:params:xml:ns:pidf' p:mustUnderstand='0'/><r:away/></r:activities></status>")), "open AWAY", NULL},
    {"known elements in unknown ones", NULL, P("<x:y xmlns:x='urn:x'>" T("<status>" OPEN "</status>") "</x:y>"), "closed", NULL},

    /* Several tuples. */
    {"an open one counts",          NULL, P(T("<status><basic>closed</basic></status><note>a</note>") T("<status>" OPEN "</status><note>b</note>")), "open []b", NULL},
    {"the higher priority counts",  NULL, P(T("<status>" OPEN "</status><contact priority='0.1'>im:a@a.example</contact><note>a</note>")
                                            T("<status>" OPEN SHOW("xa") "</status><contact priority='0.2'>im:a@a.example</contact><note>b</note>")), "open XA 26 []b", NULL},
    {"the more available one counts", NULL, P(T("<status>" OPEN SHOW("xa") "</status>") T("<status>" OPEN SHOW("away") "</status>") T("<status>" OPEN "</status>") T("<status>" OPEN SHOW("dnd") "</status>")), "open", NULL},
    {"chat is more available",      NULL, P(T("<status>" OPEN "</status>") T("<status>" OPEN SHOW("chat") "</status>")), "open CHAT", NULL},
    {"the first of equals counts",  NULL, P(T("<status>" OPEN "</status><note>a</note>") T("<status>" OPEN "</status><note>b</note>")), "open []a", NULL},
    {"a telephone takes no messages", NULL, P(T("<status>" OPEN "</status><contact>tel:+4930</contact>") T("<status><basic>closed</basic></status><contact>im:a@a.example</contact>")), "closed", NULL},
    {"only a telephone",            NULL, P(T("<status>" OPEN "</status><contact>tel:+4930</contact>")), "open", NULL},
    {"mail is no message",          NULL, P(T("<status>" OPEN "</status><contact priority='1.0'>mailto:a@a.example</contact>") T("<status>" OPEN SHOW("dnd") "</status><contact priority='0.8'> SIP:a@a.example</contact>")), "open DND 102", NULL},

    /* Forms that are not quite right. */
    {"no basic",                    NULL, P(T("<status/>")), "closed", NULL},
    {"no status",                   NULL, P(T("")), "closed", NULL},
    {"no tuple",                    NULL, P(""), "closed", NULL},
    {"a basic of neither",          NULL, P(T("<status><basic>maybe</basic></status>")), "closed", NULL},
    {"space around basic",          NULL, P(T("<status><basic> open\n</basic></status>")), "open", NULL},
    {"any prefix",                  NULL, "<a:presence xmlns:a='urn:ietf:params:xml:ns:pidf'><a:tuple><a:status><a:basic>open</a:basic></a:status></a:tuple></a:presence>", "open", NULL},
    {"a tuple without namespace",   NULL, "<a:presence xmlns:a='urn:ietf:params:xml:ns:pidf'><tuple><status><basic>open</basic></status></tuple></a:presence>", "closed", NULL},
    {"RFC 3863 section 4.3.1",      NULL,
     "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:im=\"urn:ietf:params:xml:ns:pidf:im\" "
     "xmlns:myex=\"http://id.example.com/presence/\" entity=\"pres:someone@example.com\"><tuple id=\"bs35r9\"><status><basic>open</basic>"
     "<im:im>busy</im:im><myex:location>home</myex:location></status><contact priority=\"0.8\">im:someone@mobilecarrier.net</contact>"
     "<note xml:lang=\"en\">Don't Disturb Please!</note><note xml:lang=\"fr\">Ne derangez pas, s'il vous plait</note>"
     "<timestamp>2001-10-27T16:49:29Z</timestamp></tuple><tuple id=\"eg92n8\"><status><basic>open</basic></status>"
     "<contact priority=\"1.0\">mailto:someone@example.com</contact></tuple><note>I'll be in Tokyo next week</note></presence>",
     "open 102 [en]Don't Disturb Please! [fr]Ne derangez pas, s'il vous plait", NULL},
};
/* clang-format on */

static void assert_read(int i, enum xf_pidf_busy busy, const char *want)
{
    struct xf_pidf pidf;
    enum xf_err err = xf_pidf_read(xf_span_of(reads[i].in), xf_span_of(reads[i].lang), busy, &pidf);

    ck_assert_msg(err == XF_ERR_OK, "%s: %s", reads[i].label, xf_err_text(err));
    assert_availability(reads[i].label, &pidf.availability, want);
    xf_pidf_release(&pidf);
    ck_assert_ptr_null(pidf.document);
}

START_TEST(documents_become_values)
{
    assert_read(_i, XF_PIDF_BUSY_AWAY, reads[_i].want);
    assert_read(_i, XF_PIDF_BUSY_DND, reads[_i].dnd ? reads[_i].dnd : reads[_i].want);
}
END_TEST

#define NAME(text) \
    "<c:display-name xmlns:c='urn:ietf:params:xml:ns:pidf:cipid'>" text "</c:display-name>"

/* clang-format off */
static const struct {
    const char *label, *in, *entity, *name;
} heads[] = {
    {"an entity",            P(""), "pres:u@a.example", NULL},
    {"without a scheme",     "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity=' u@a.example '/>", "u@a.example", NULL},
    {"no entity",            "<presence xmlns='urn:ietf:params:xml:ns:pidf'/>", "", NULL},
    {"a name of the document", P(NAME(" Juliet\n")), "pres:u@a.example", "Juliet"},
    {"a name of the person", P(PERSON(NAME("Juliet"))), "pres:u@a.example", "Juliet"},
    {"a name of a tuple",    P(T(NAME("Juliet"))), "pres:u@a.example", "Juliet"},
    {"the document's first", P(T(NAME("J")) NAME("Juliet")), "pres:u@a.example", "Juliet"},
    {"an empty name",        P(NAME(" ")), "pres:u@a.example", NULL},
    {"of another namespace", P("<display-name>J</display-name>"), "pres:u@a.example", NULL},
};
/* clang-format on */

START_TEST(documents_name_their_user)
{
    struct xf_pidf pidf;

    ck_assert_int_eq(xf_pidf_read(xf_span_of(heads[_i].in), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, &pidf),
                     XF_ERR_OK);
    ck_assert_msg(xf_span_is(pidf.entity, heads[_i].entity), "%s: %.*s", heads[_i].label,
                  XF_SPAN_ARGS(pidf.entity));
    ck_assert_msg(xf_span_is(pidf.display_name, heads[_i].name), "%s: %.*s", heads[_i].label,
                  XF_SPAN_ARGS(pidf.display_name));
    ck_assert_int_eq(pidf.display_name.ptr != NULL, heads[_i].name != NULL);
    xf_pidf_release(&pidf);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *in;
    enum xf_err err;
} refused[] = {
    {"nothing",                "", XF_ERR_BAD_XML},
    {"text",                   "open", XF_ERR_BAD_XML},
    {"half a document",        "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple>", XF_ERR_BAD_XML},
    {"a DOCTYPE",              "<!DOCTYPE presence PUBLIC '-//IETF//DTD RFCxxxx XPIDF 1.0//EN' 'xpidf.dtd'>" P(""), XF_ERR_BAD_XML},
    {"an entity",              "<!DOCTYPE p [<!ENTITY a 'b'>]>" P("<note>&a;</note>"), XF_ERR_BAD_XML},
    {"an illegal character",   P("<note>\x01</note>"), XF_ERR_BAD_XML},
    {"an illegal reference",   P("<note>&#xB;</note>"), XF_ERR_BAD_XML},
    {"no namespace",           "<presence/>", XF_ERR_BAD_VALUE},
    {"another namespace",      "<presence xmlns='jabber:client'/>", XF_ERR_BAD_VALUE},
    {"another element",        "<tuple xmlns='urn:ietf:params:xml:ns:pidf'/>", XF_ERR_BAD_VALUE},
    {"sixteen levels",         P("<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"), XF_ERR_LIMIT},
};
/* clang-format on */

START_TEST(other_documents_are_refused)
{
    struct xf_pidf pidf = {.entity = XF_SPAN("untouched")};

    ck_assert_msg(xf_pidf_read(xf_span_of(refused[_i].in), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY,
                               &pidf) == refused[_i].err,
                  "%s", refused[_i].label);
    ck_assert(xf_span_is(pidf.entity, "untouched"));
}
END_TEST

/* `count` times `filler` in a document. */
static enum xf_err read_many(const char *filler, size_t count, struct xf_pidf *out_pidf)
{
    struct xf_buf in;

    xf_buf_init(&in, TEXT_MAX);
    xf_buf_append_str(&in, "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple>");
    for (size_t i = 0; i < count; i++)
        xf_buf_append_str(&in, filler);
    xf_buf_append_str(&in, "</tuple></presence>");
    enum xf_err err = xf_pidf_read(xf_buf_span(&in), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, out_pidf);
    xf_buf_release(&in);
    return err;
}

START_TEST(large_documents_are_refused)
{
    struct xf_pidf pidf;

    ck_assert_int_eq(read_many("<a/>", 1998, &pidf), XF_ERR_OK);
    xf_pidf_release(&pidf);
    ck_assert_int_eq(read_many("<a/>", 1999, &pidf), XF_ERR_LIMIT);
    ck_assert_int_eq(read_many("</tuple><tuple>", 10000, &pidf), XF_ERR_LIMIT);
    ck_assert_int_eq(read_many("x", 65000, &pidf), XF_ERR_OK);
    xf_pidf_release(&pidf);
    ck_assert_int_eq(read_many("x", 1 << 20, &pidf), XF_ERR_LIMIT);
}
END_TEST

/* Cut at a character: 341 times three bytes are 1023. */
START_TEST(long_texts_are_cut)
{
    struct xf_pidf pidf;
    struct xf_buf in;

    xf_buf_init(&in, TEXT_MAX);
    xf_buf_append_str(&in, "<presence xmlns='urn:ietf:params:xml:ns:pidf' "
                           "xmlns:c='urn:ietf:params:xml:ns:pidf:cipid'><note>");
    for (size_t i = 0; i < 20000; i++)
        xf_buf_append_str(&in, "\xE2\x82\xAC");
    xf_buf_append_str(&in, "</note><c:display-name>");
    for (size_t i = 0; i < 300; i++)
        xf_buf_append_str(&in, "\xE2\x82\xAC");
    xf_buf_append_str(&in, "</c:display-name></presence>");
    ck_assert_int_eq(xf_pidf_read(xf_buf_span(&in), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, &pidf),
                     XF_ERR_OK);
    ck_assert_uint_eq(pidf.availability.notes[0].text.len, 1023);
    ck_assert_uint_eq(pidf.display_name.len, 255);
    xf_pidf_release(&pidf);
    xf_buf_release(&in);
}
END_TEST

/* ------------------------------------------------------------------ presence of XMPP */

/* clang-format off */
static const struct {
    const char *label, *type, *lang, *payload;
    const char *want;    /* NULL: refused */
    const char *written; /* as the content of presence again */
} presences[] = {
    {"available",              NULL, NULL, "", "open", ""},
    {"unavailable",            "unavailable", NULL, "", "closed", ""},
    {"show",                   NULL, NULL, "<show>away</show>", "open AWAY", "<show>away</show>"},
    {"all three",              NULL, NULL, "<show>dnd</show><status>a&amp;b</status><priority>5</priority>", "open DND 5 []a&b",
                               "<show>dnd</show><status>a&amp;b</status><priority>5</priority>"},
    {"in another order",       NULL, NULL, "<priority>-128</priority><status>x</status><show>xa</show>", "open XA -128 []x",
                               "<show>xa</show><status>x</status><priority>-128</priority>"},
    {"of no effect",           NULL, NULL, "<show>busy</show><priority>128</priority>", "open", ""},
    {"a priority that is none", NULL, NULL, "<priority>1a</priority>", "open", ""},
    {"a priority with a sign", NULL, NULL, "<priority> +127 </priority>", "open 127", "<priority>127</priority>"},
    {"languages",              NULL, "de", "<status>da</status><status xml:lang=\"en\">here</status>", "open [de]da [en]here",
                               "<status xml:lang=\"de\">da</status><status xml:lang=\"en\">here</status>"},
    {"a language twice",       NULL, "de", "<status>a</status><status xml:lang=\"de\">b</status>", "open [de]a", "<status xml:lang=\"de\">a</status>"},
    {"a status of unavailable", "unavailable", NULL, "<show>away</show><status>bye</status><priority>1</priority>", "closed 1 []bye", "<status>bye</status>"},
    {"elements of others",     NULL, NULL, "<c xmlns=\"http://jabber.org/protocol/caps\" node=\"n\"/><show>chat</show><show xmlns=\"urn:x\">dnd</show>", "open CHAT", "<show>chat</show>"},
    {"an element that cannot be read", NULL, NULL, "<status>\x01</status><show>xa</show>", "open XA", "<show>xa</show>"},
    {"subscribe",              "subscribe", NULL, "", NULL, NULL},
    {"probe",                  "probe", NULL, "", NULL, NULL},
    {"error",                  "error", NULL, "", NULL, NULL},
    {"an empty type",          "", NULL, "", NULL, NULL},
};
/* clang-format on */

START_TEST(presence_becomes_a_value_and_back)
{
    char texts[XF_AVAILABILITY_TEXT_BYTES];
    struct xf_availability availability = {.priority = 99};
    struct xf_stanza stanza = {.kind = XF_STANZA_PRESENCE,
                               .type = xf_span_of(presences[_i].type),
                               .lang = xf_span_of(presences[_i].lang),
                               .payload = xf_span_of(presences[_i].payload)};
    enum xf_err err = xf_availability_read(&stanza, texts, &availability);
    struct xf_buf out;

    if (!presences[_i].want) {
        ck_assert_msg(err == XF_ERR_BAD_VALUE, "%s", presences[_i].label);
        ck_assert_int_eq(availability.priority, 99);
        return;
    }
    ck_assert_msg(err == XF_ERR_OK, "%s", presences[_i].label);
    assert_availability(presences[_i].label, &availability, presences[_i].want);
    xf_buf_init(&out, TEXT_MAX);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_availability_write(&draft, &availability);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), presences[_i].written), "%s: %.*s",
                  presences[_i].label, XF_SPAN_ARGS(xf_buf_span(&out)));
    xf_buf_release(&out);
}
END_TEST

START_TEST(only_presence_is_read)
{
    char texts[XF_AVAILABILITY_TEXT_BYTES];
    struct xf_availability availability;
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE};

    ck_assert_int_eq(xf_availability_read(&stanza, texts, &availability), XF_ERR_BAD_VALUE);
}
END_TEST

/* Four notes of the longest kind fill the room for texts, and no more. */
START_TEST(long_status_texts_fit_their_room)
{
    struct xf_availability availability;
    char *texts = xf_alloc(XF_AVAILABILITY_TEXT_BYTES);
    struct xf_buf payload;

    xf_buf_init(&payload, TEXT_MAX);
    for (unsigned n = 0; n < 6; n++) {
        xf_buf_appendf(&payload, "<status xml:lang=\"%u-5678901-34567890123456789012345\">", n);
        for (unsigned i = 0; i < 2000; i++)
            xf_buf_append_str(&payload, "&lt;");
        xf_buf_append_str(&payload, "</status>");
    }
    struct xf_stanza stanza = {.kind = XF_STANZA_PRESENCE, .payload = xf_buf_span(&payload)};
    ck_assert_int_eq(xf_availability_read(&stanza, texts, &availability), XF_ERR_OK);
    ck_assert_uint_eq(availability.note_count, 4);
    ck_assert_uint_eq(availability.notes[3].text.len, 1024);
    xf_buf_release(&payload);
    xf_free(texts);
}
END_TEST

/* ------------------------------------------------------------------ writing PIDF */

#define HEAD                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" " \
    "entity=\"pres:juliet@a.example\">"
#define STAMP "<timestamp>2026-11-29T23:00:00.007Z</timestamp></tuple>"
#define DOES(activity)                                                        \
    "<person xmlns=\"urn:ietf:params:xml:ns:pidf:data-model\" id=\"person\">" \
    "<activities xmlns=\"urn:ietf:params:xml:ns:pidf:rpid\"><" activity "/></activities></person>"
#define TAIL  "</presence>\n"
#define AT_MS 1795993200007

/* clang-format off */
static const struct {
    const char *label;
    struct xf_pidf_resource resources[3];
    size_t count;
    const char *want;
} writes[] = {
    {"nobody is there", {{.name = {0}}}, 0,
     HEAD "<tuple id=\"ID-\"><status><basic>closed</basic></status><contact>sip:juliet@a.example</contact>" STAMP TAIL},
    {"RFC 8048 example 19, with the activity", {{.name = XF_SPAN_INIT("yn0cl4bnw0yr3vym"), .availability = {.is_open = true, .show = XF_SHOW_AWAY}}}, 1,
     HEAD "<tuple id=\"ID-yn0cl4bnw0yr3vym\"><status><basic>open</basic><show xmlns=\"jabber:client\">away</show></status>"
     "<contact>sip:juliet@a.example;gr=yn0cl4bnw0yr3vym</contact>" STAMP DOES("away") TAIL},
    {"notes and priorities",
     {{.name = XF_SPAN_INIT("a"), .availability = {.is_open = true, .priority = 1, .note_count = 2,
       .notes = {{.text = XF_SPAN_INIT("<&>")}, {.lang = XF_SPAN_INIT("it"), .text = XF_SPAN_INIT("qui")}}}},
      {.name = XF_SPAN_INIT("b"), .availability = {.is_open = true, .show = XF_SHOW_DND, .priority = 127}},
      {.name = XF_SPAN_INIT("c"), .availability = {.is_open = true, .priority = -1}}}, 3,
     HEAD "<tuple id=\"ID-a\"><status><basic>open</basic></status><contact priority=\"0.007\">sip:juliet@a.example;gr=a</contact>"
     "<note>&lt;&amp;&gt;</note><note xml:lang=\"it\">qui</note>" STAMP
     "<tuple id=\"ID-b\"><status><basic>open</basic><show xmlns=\"jabber:client\">dnd</show></status><contact priority=\"1.000\">sip:juliet@a.example;gr=b</contact>" STAMP
     "<tuple id=\"ID-c\"><status><basic>open</basic></status><contact>sip:juliet@a.example;gr=c</contact>" STAMP TAIL},
    {"busy at one, away from another",
     {{.name = XF_SPAN_INIT("a"), .availability = {.is_open = true, .show = XF_SHOW_XA}},
      {.name = XF_SPAN_INIT("b"), .availability = {.is_open = true, .show = XF_SHOW_DND}},
      {.name = XF_SPAN_INIT("c")}}, 3,
     HEAD "<tuple id=\"ID-a\"><status><basic>open</basic><show xmlns=\"jabber:client\">xa</show></status><contact>sip:juliet@a.example;gr=a</contact>" STAMP
     "<tuple id=\"ID-b\"><status><basic>open</basic><show xmlns=\"jabber:client\">dnd</show></status><contact>sip:juliet@a.example;gr=b</contact>" STAMP
     "<tuple id=\"ID-c\"><status><basic>closed</basic></status><contact>sip:juliet@a.example;gr=c</contact>" STAMP DOES("busy") TAIL},
    {"away for long", {{.name = XF_SPAN_INIT("a"), .availability = {.is_open = true, .show = XF_SHOW_XA}}}, 1,
     HEAD "<tuple id=\"ID-a\"><status><basic>open</basic><show xmlns=\"jabber:client\">xa</show></status><contact>sip:juliet@a.example;gr=a</contact>" STAMP DOES("away") TAIL},
    {"willing to chat at one, away from another",
     {{.name = XF_SPAN_INIT("a"), .availability = {.is_open = true, .show = XF_SHOW_AWAY}}, {.name = XF_SPAN_INIT("b"), .availability = {.is_open = true, .show = XF_SHOW_CHAT}}}, 2,
     HEAD "<tuple id=\"ID-a\"><status><basic>open</basic><show xmlns=\"jabber:client\">away</show></status><contact>sip:juliet@a.example;gr=a</contact>" STAMP
     "<tuple id=\"ID-b\"><status><basic>open</basic><show xmlns=\"jabber:client\">chat</show></status><contact>sip:juliet@a.example;gr=b</contact>" STAMP TAIL},
    {"a closed one with a note", {{.name = XF_SPAN_INIT("r"), .availability = {.show = XF_SHOW_AWAY, .note_count = 1, .notes = {{.text = XF_SPAN_INIT("bye")}}}}}, 1,
     HEAD "<tuple id=\"ID-r\"><status><basic>closed</basic></status><contact>sip:juliet@a.example;gr=r</contact><note>bye</note>" STAMP TAIL},
    {"a resource of all kinds", {{.name = XF_SPAN_INIT("1_a B.c-d/\xC3\xBC\"&"), .availability = {.is_open = true}}}, 1,
     HEAD "<tuple id=\"ID-1_5fa_20B.c-d_2f_c3_bc_22_26\"><status><basic>open</basic></status>"
     "<contact>sip:juliet@a.example;gr=1_a%20B.c-d/%C3%BC%22&amp;</contact>" STAMP TAIL},
};
/* clang-format on */

static struct xf_jid juliet(char scratch[XF_JID_MAX + 1])
{
    struct xf_jid jid;

    ck_assert_int_eq(xf_jid_prepare(XF_SPAN("juliet@a.example/balcony"), scratch, &jid), XF_ERR_OK);
    return jid;
}

START_TEST(values_become_documents)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = juliet(scratch);
    struct xf_document *document;
    struct xf_buf out;
    static const struct xf_document_limits ample = {TEXT_MAX, 16, 2000, 64};

    xf_buf_init(&out, TEXT_MAX);
    ck_assert_int_eq(xf_pidf_write(&out, &user, writes[_i].resources, writes[_i].count, AT_MS),
                     XF_ERR_OK);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), writes[_i].want), "%s: %.*s", writes[_i].label,
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    ck_assert_int_eq(xf_document_parse(xf_buf_span(&out), &ample, &document), XF_ERR_OK);
    xf_document_free(&document);
    xf_buf_release(&out);
}
END_TEST

/* From the form of others to ours: what is said stays the same. */
START_TEST(what_was_read_is_written)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = juliet(scratch);
    struct xf_pidf pidf, again;
    struct xf_buf out;

    ck_assert_int_eq(
        xf_pidf_read(xf_span_of(reads[_i].in), xf_span_of(reads[_i].lang), XF_PIDF_BUSY_DND, &pidf),
        XF_ERR_OK);
    struct xf_pidf_resource resource = {.name = XF_SPAN("r"), .availability = pidf.availability};
    xf_buf_init(&out, TEXT_MAX);
    ck_assert_int_eq(xf_pidf_write(&out, &user, &resource, 1, AT_MS), XF_ERR_OK);
    ck_assert_int_eq(xf_pidf_read(xf_buf_span(&out), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, &again),
                     XF_ERR_OK);
    assert_availability(reads[_i].label, &again.availability,
                        reads[_i].dnd ? reads[_i].dnd : reads[_i].want);
    xf_pidf_release(&pidf);
    xf_pidf_release(&again);
    xf_buf_release(&out);
}
END_TEST

START_TEST(an_entity_is_escaped_for_sip_and_xml)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user;
    struct xf_buf out;

    ck_assert_int_eq(xf_jid_prepare(XF_SPAN("o\\27m\\26m@b\xC3\xBC"
                                            "cher.example"),
                                    scratch, &user),
                     XF_ERR_OK);
    xf_buf_init(&out, TEXT_MAX);
    ck_assert_int_eq(xf_pidf_write(&out, &user, NULL, 0, AT_MS), XF_ERR_OK);
    ck_assert_ptr_nonnull(memmem(xf_buf_ptr(&out), out.len,
                                 "entity=\"pres:o&apos;m&amp;m@xn--bcher-kva.example\"", 48));
    xf_buf_release(&out);
}
END_TEST

START_TEST(no_room_leaves_the_buffer_as_it_was)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = juliet(scratch);
    struct xf_buf out;

    for (size_t max = 1; max < strlen(writes[2].want); max += 7) {
        xf_buf_init(&out, max);
        ck_assert_int_eq(xf_pidf_write(&out, &user, writes[2].resources, 3, AT_MS), XF_ERR_LIMIT);
        ck_assert_uint_eq(out.len, 0);
        xf_buf_release(&out);
    }
}
END_TEST

START_TEST(years_have_four_digits)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = juliet(scratch);
    struct xf_buf out;

    xf_buf_init(&out, TEXT_MAX);
    ck_assert_int_eq(xf_pidf_write(&out, &user, NULL, 0, 253402300799999), XF_ERR_OK);
    ck_assert_ptr_nonnull(memmem(xf_buf_ptr(&out), out.len, ">9999-12-31T23:59:59.999Z<", 26));
    ck_assert_int_eq(xf_pidf_write(&out, &user, NULL, 0, 253402300800000), XF_ERR_LIMIT);
    ck_assert_int_eq(xf_pidf_write(&out, &user, NULL, 0, -1), XF_ERR_LIMIT);
    xf_buf_release(&out);
}
END_TEST

START_TEST(no_time_comes_twice)
{
    int64_t last_ms = 0;

    ck_assert_int_eq(xf_pidf_next_time(&last_ms, 1000), 1000);
    ck_assert_int_eq(xf_pidf_next_time(&last_ms, 1000), 1001);
    ck_assert_int_eq(xf_pidf_next_time(&last_ms, 1001), 1002);
    ck_assert_int_eq(xf_pidf_next_time(&last_ms, 500), 1003); /* the clock was set */
    ck_assert_int_eq(xf_pidf_next_time(&last_ms, 2000), 2000);
}
END_TEST

/* Each priority of XMPP that is sent comes back the same (RFC 8048 section 6.2, note 6). */
START_TEST(priorities_come_back)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = juliet(scratch);
    struct xf_pidf_resource resource = {.availability = {.is_open = true, .priority = _i}};
    struct xf_pidf pidf;
    struct xf_buf out;

    xf_buf_init(&out, TEXT_MAX);
    ck_assert_int_eq(xf_pidf_write(&out, &user, &resource, 1, AT_MS), XF_ERR_OK);
    ck_assert_int_eq(xf_pidf_read(xf_buf_span(&out), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, &pidf),
                     XF_ERR_OK);
    ck_assert_int_eq(pidf.availability.priority, _i > 0 ? _i : 0);
    xf_pidf_release(&pidf);
    xf_buf_release(&out);
}
END_TEST

/* Two resources have two ids, whatever they are made of. */
START_TEST(ids_differ)
{
    static const struct xf_pidf_resource pairs[][2] = {
        {{.name = XF_SPAN_INIT("a b")}, {.name = XF_SPAN_INIT("a_20b")}},
        {{.name = XF_SPAN_INIT("_")}, {.name = XF_SPAN_INIT("_5f")}},
        {{.name = XF_SPAN_INIT("A")}, {.name = XF_SPAN_INIT("a")}},
    };
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user = juliet(scratch);

    for (size_t i = 0; i < XF_ARRAY_LEN(pairs); i++) {
        struct xf_pidf pidf;
        struct xf_buf out;

        xf_buf_init(&out, TEXT_MAX);
        ck_assert_int_eq(xf_pidf_write(&out, &user, pairs[i], 2, AT_MS), XF_ERR_OK);
        ck_assert_int_eq(xf_pidf_read(xf_buf_span(&out), XF_SPAN_NONE, XF_PIDF_BUSY_AWAY, &pidf),
                         XF_ERR_OK);
        const struct xf_elem *first = xf_document_root(pidf.document)->first_child;
        ck_assert(!xf_span_eq(xf_elem_attr(first, "id"), xf_elem_attr(first->next, "id")));
        xf_pidf_release(&pidf);
        xf_buf_release(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pidf");
    TCase *tcase = tcase_create("pidf");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, documents_become_values, 0, XF_ARRAY_LEN(reads));
    tcase_add_loop_test(tcase, documents_name_their_user, 0, XF_ARRAY_LEN(heads));
    tcase_add_loop_test(tcase, other_documents_are_refused, 0, XF_ARRAY_LEN(refused));
    tcase_add_test(tcase, large_documents_are_refused);
    tcase_add_test(tcase, long_texts_are_cut);
    tcase_add_loop_test(tcase, presence_becomes_a_value_and_back, 0, XF_ARRAY_LEN(presences));
    tcase_add_test(tcase, only_presence_is_read);
    tcase_add_test(tcase, long_status_texts_fit_their_room);
    tcase_add_loop_test(tcase, values_become_documents, 0, XF_ARRAY_LEN(writes));
    tcase_add_loop_test(tcase, what_was_read_is_written, 0, XF_ARRAY_LEN(reads));
    tcase_add_test(tcase, an_entity_is_escaped_for_sip_and_xml);
    tcase_add_test(tcase, no_room_leaves_the_buffer_as_it_was);
    tcase_add_test(tcase, years_have_four_digits);
    tcase_add_test(tcase, no_time_comes_twice);
    tcase_add_loop_test(tcase, priorities_come_back, -128, 128);
    tcase_add_test(tcase, ids_differ);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
