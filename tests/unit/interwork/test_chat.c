/* SPDX-License-Identifier: MIT */
/*
 * test_chat.c — messages of XMPP and MESSAGE requests as values, both ways: every row of RFC 7572
 * tables 1 and 2 with its examples, bodies of all types, and bodies that mean no good.
 */
#include <xfed/interwork/chat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#define TEXTS_MAX (256u << 10)

/* `text "..." subject "..." ...`, with line ends as \r and \n */
static void describe_text(struct xf_buf *out, const char *name, struct xf_span text)
{
    if (!text.ptr)
        return;
    xf_buf_appendf(out, "%s%s=", out->len > 0 ? " " : "", name);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' || text.ptr[i] == '\r')
            xf_buf_append_str(out, text.ptr[i] == '\n' ? "\\n" : "\\r");
        else
            xf_buf_append(out, text.ptr + i, 1);
    }
}

static void describe(struct xf_buf *out, const struct xf_im *chat)
{
    if (chat->kind == XF_IM_NOTHING)
        xf_buf_append_str(out, "nothing");
    if (chat->kind == XF_IM_TYPING)
        xf_buf_appendf(out, chat->is_typing ? "typing %u" : "idle", chat->refresh_s);
    if (chat->kind != XF_IM_TEXT)
        return;
    describe_text(out, "text", chat->text);
    describe_text(out, "subject", chat->subject);
    describe_text(out, "thread", chat->thread);
    describe_text(out, "lang", chat->lang);
}

static void assert_chat(const char *label, const struct xf_im *chat, const char *want)
{
    struct xf_buf out;

    xf_buf_init(&out, TEXTS_MAX);
    describe(&out, chat);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), want), "%s: %.*s", label,
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    xf_buf_release(&out);
}

/* ------------------------------------------------------------------ XMPP to SIP */

#define STATE(name)        "<" name " xmlns=\"http://jabber.org/protocol/chatstates\"/>"
#define REFUSED(condition) "refused: " condition

/* clang-format off */
static const struct {
    const char *label, *type, *lang, *payload, *want;
} outward[] = {
    {"RFC 7572 example 1",      NULL, NULL, "<body>Art thou not Romeo, and a Montague?</body>", "text=Art thou not Romeo, and a Montague?"},
    {"subject, thread, language", NULL, "en", "<subject>Imploring</subject><body>Wherefore?</body><thread>e0ffe42b28561960c6b12b944a092794b9683a38</thread>",
     "text=Wherefore? subject=Imploring thread=e0ffe42b28561960c6b12b944a092794b9683a38 lang=en"},
    {"type normal",             "normal", NULL, "<body>a</body>", "text=a"},
    {"type chat",               "chat", NULL, "<body>a</body>", "text=a"},
    {"type headline",           "headline", NULL, "<body>a</body>", "text=a"},
    {"a type that nobody knows", "x", NULL, "<body>a</body>", "text=a"},
    {"type groupchat",          "groupchat", NULL, "<body>a</body>", REFUSED("not-acceptable")},
    {"a subject of a room",     "groupchat", NULL, "<subject>a</subject>", REFUSED("not-acceptable")},
    {"type error",              "error", NULL, "<body>a</body><error type=\"cancel\"/>", "nothing"},
    {"a body with a state",     "chat", NULL, STATE("active") "<body>a</body>", "text=a"},

    /* Bodies. */
    {"references",              NULL, NULL, "<body>&lt;a&gt; &amp; \"b\"</body>", "text=<a> & \"b\""},
    {"lines",                   NULL, NULL, "<body>a\nb\n\nc\n</body>", "text=a\\r\\nb\\r\\n\\r\\nc\\r\\n"},
    {"lines that end with CRLF", NULL, NULL, "<body>a&#13;\nb&#13;</body>", "text=a\\r\\nb\\r"},
    {"beyond ASCII",            NULL, NULL, "<body>\xF0\x9F\x98\x80</body>", "text=\xF0\x9F\x98\x80"},
    {"space alone",             NULL, NULL, "<body> </body>", "text= "},
    {"the language of the stanza", NULL, "de", "<body xml:lang=\"en\">a</body><body xml:lang=\"de\">b</body>", "text=b lang=de"},
    {"in no language before another one", NULL, "de", "<body xml:lang=\"en\">a</body><body>b</body>", "text=b lang=de"},
    {"the first one else",      NULL, "de", "<body xml:lang=\"en\">a</body><body xml:lang=\"fr\">b</body>", "text=a lang=en"},
    {"the first in the language", NULL, NULL, "<body>a</body><body>b</body>", "text=a"},
    {"an empty one is none",    NULL, NULL, "<body/><body xml:lang=\"fr\">b</body>", "text=b lang=fr"},
    {"a language that is none", NULL, "a b", "<body>a</body>", "text=a"},
    {"of another namespace",    NULL, NULL, "<body xmlns=\"urn:x\">a</body>", "nothing"},
    {"XHTML beside it",         NULL, NULL, "<html xmlns=\"http://jabber.org/protocol/xhtml-im\"><body xmlns=\"http://www.w3.org/1999/xhtml\"><b>a</b></body></html><body>a</body>", "text=a"},

    /* Subject and thread as headers. */
    {"a subject of several lines", NULL, NULL, "<subject> a\nb&#13;\nEvil: c </subject><body>d</body>", "text=d subject=a b  Evil: c"},
    {"an empty subject",        NULL, NULL, "<subject> </subject><body>d</body>", "text=d"},
    {"a subject alone",         NULL, NULL, "<subject>a</subject>", "nothing"},
    {"the first subject",       NULL, NULL, "<subject>a</subject><subject xml:lang=\"de\">b</subject><body>d</body>", "text=d subject=a"},
    {"a thread with an at sign", NULL, NULL, "<body>d</body><thread>a@b</thread>", "text=d thread=a@b"},
    {"with two",                NULL, NULL, "<body>d</body><thread>a@b@c</thread>", "text=d"},
    {"with one at an end",      NULL, NULL, "<body>d</body><thread>a@</thread>", "text=d"},
    {"a thread that is no Call-ID", NULL, NULL, "<body>d</body><thread>a b</thread>", "text=d"},
    {"a thread with a line end", NULL, NULL, "<body>d</body><thread>a\nb</thread>", "text=d"},
    {"a thread beyond ASCII",   NULL, NULL, "<body>d</body><thread>\xC3\xBC</thread>", "text=d"},

    /* Typing: RFC 7573 section 6. */
    {"composing",               "chat", NULL, STATE("composing"), "typing 120"},
    {"active",                  "chat", NULL, STATE("active"), "idle"},
    {"paused",                  "chat", NULL, STATE("paused"), "idle"},
    {"inactive",                "chat", NULL, STATE("inactive"), "idle"},
    {"gone",                    "chat", NULL, STATE("gone"), "idle"},
    {"a state that nobody knows", "chat", NULL, STATE("dancing"), "nothing"},
    {"a receipt",               "chat", NULL, "<received xmlns=\"urn:xmpp:receipts\" id=\"1\"/>", "nothing"},
    {"no payload",              "chat", NULL, "", "nothing"},
    {"a body that cannot be read", NULL, NULL, "<body>\x01</body>", "nothing"},
};
/* clang-format on */

static void assert_outward(int i)
{
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE,
                               .type = xf_span_of(outward[i].type),
                               .lang = xf_span_of(outward[i].lang),
                               .payload = xf_span_of(outward[i].payload)};
    enum xf_stanza_error error;
    struct xf_im chat;
    struct xf_buf texts;
    char words[100];

    xf_buf_init(&texts, TEXTS_MAX);
    if (xf_im_read_stanza(&stanza, &texts, &chat, &error) == XF_ERR_OK) {
        assert_chat(outward[i].label, &chat, outward[i].want);
    } else {
        (void)snprintf(words, sizeof(words), "refused: %s", xf_stanza_error_name(error));
        ck_assert_msg(strcmp(words, outward[i].want) == 0, "%s: %s", outward[i].label, words);
    }
    xf_buf_release(&texts);
}

START_TEST(messages_become_values)
{
    assert_outward(_i);
}
END_TEST

/* A message whose text has `count` times `piece`, with room for `max` bytes. */
static enum xf_err read_long(const char *piece, size_t count, size_t max,
                             enum xf_stanza_error *out_error)
{
    struct xf_buf payload, texts;
    struct xf_im chat;

    xf_buf_init(&payload, TEXTS_MAX);
    xf_buf_init(&texts, max);
    xf_buf_append_str(&payload, "<body>");
    for (size_t i = 0; i < count; i++)
        xf_buf_append_str(&payload, piece);
    xf_buf_append_str(&payload, "</body>");
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE, .payload = xf_buf_span(&payload)};
    *out_error = XF_STANZA_ERROR_BAD_REQUEST;
    enum xf_err err = xf_im_read_stanza(&stanza, &texts, &chat, out_error);
    xf_buf_release(&payload);
    xf_buf_release(&texts);
    return err;
}

START_TEST(a_long_text_is_refused)
{
    enum xf_stanza_error error;

    ck_assert_int_eq(read_long("x", 65536 - 13, TEXTS_MAX, &error), XF_ERR_OK);
    ck_assert_int_eq(read_long("x", 65536 - 12, TEXTS_MAX, &error), XF_ERR_REFUSED);
    ck_assert_int_eq(error, XF_STANZA_ERROR_POLICY_VIOLATION);
    ck_assert_int_eq(read_long("\n", 32768, TEXTS_MAX, &error), XF_ERR_OK);
    ck_assert_int_eq(read_long("\n", 32769, TEXTS_MAX, &error), XF_ERR_REFUSED);
    ck_assert_int_eq(read_long("x", 1300, 1300, &error), XF_ERR_OK);
    ck_assert_int_eq(read_long("x", 1301, 1300, &error), XF_ERR_REFUSED);
    ck_assert_int_eq(error, XF_STANZA_ERROR_POLICY_VIOLATION);
}
END_TEST

START_TEST(values_become_bodies)
{
    struct xf_im text = {.kind = XF_IM_TEXT, .text = XF_SPAN("a\r\nb<&")},
                 typing = {.kind = XF_IM_TYPING, .is_typing = true}, idle = {.kind = XF_IM_TYPING};
    struct xf_buf out;
    struct xf_draft draft;

    xf_buf_init(&out, TEXTS_MAX);
    draft = xf_draft_begin(&out);
    ck_assert_str_eq(xf_im_write_body(&draft, &text), "text/plain;charset=UTF-8");
    ck_assert(xf_span_is(xf_buf_span(&out), "a\r\nb<&"));
    xf_buf_clear(&out);
    draft = xf_draft_begin(&out);
    ck_assert_str_eq(xf_im_write_body(&draft, &typing), "application/im-iscomposing+xml");
    ck_assert(xf_span_is(xf_buf_span(&out),
                         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">"
                         "<state>active</state><contenttype>text/plain</contenttype>"
                         "<refresh>120</refresh></isComposing>\n"));
    xf_buf_clear(&out);
    draft = xf_draft_begin(&out);
    ck_assert_str_eq(xf_im_write_body(&draft, &idle), "application/im-iscomposing+xml");
    ck_assert(xf_span_is(xf_buf_span(&out),
                         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">"
                         "<state>idle</state><contenttype>text/plain</contenttype>"
                         "</isComposing>\n"));
    xf_buf_release(&out);
}
END_TEST

/* ------------------------------------------------------------------ SIP to XMPP */

static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;

/* Parse a MESSAGE with these headers and this body; free *out_bytes with xf_free. */
static void make_request(const char *headers, struct xf_span body, char **out_bytes,
                         struct xf_sip_message *out_message)
{
    struct xf_sip_error error;
    struct xf_buf text;

    xf_buf_init(&text, TEXTS_MAX);
    xf_buf_appendf(&text,
                   "MESSAGE sip:juliet@a.example SIP/2.0\r\n"
                   "Via: SIP/2.0/TLS b.example;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                   "From: <sip:romeo@b.example>;tag=1\r\nTo: <sip:juliet@a.example>\r\n"
                   "Call-ID: call1\r\nCSeq: 1 MESSAGE\r\n%sContent-Length: %zu\r\n\r\n",
                   headers, body.len);
    xf_buf_append_span(&text, body);
    *out_bytes = xf_span_dup(xf_buf_span(&text));
    memcpy(*out_bytes, xf_buf_ptr(&text), text.len);
    size_t len = text.len;
    xf_buf_release(&text);
    enum xf_err err = xf_sip_parse(*out_bytes, len, &limits, out_message, &error);
    ck_assert_msg(err == XF_ERR_OK, "%s: %s", headers, error.text);
}

#define PLAIN            "Content-Type: text/plain\r\n"
#define HTML             "Content-Type: text/html\r\n"
#define COMPOSING        "Content-Type: application/im-iscomposing+xml\r\n"
#define MIXED            "Content-Type: multipart/alternative;boundary=b\r\n"
#define PART(type, text) "--b\r\nContent-Type: " type "\r\n\r\n" text "\r\n"
#define END              "--b--\r\n"
#define IS               "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>"

/* clang-format off */
static const struct {
    const char *label, *headers, *body;
    unsigned status;
    const char *want;
} inward[] = {
    {"RFC 7572 example 4",      PLAIN, "Neither, fair saint, if either thee dislike.", 0, "text=Neither, fair saint, if either thee dislike. thread=call1"},
    {"subject and language",    PLAIN "Subject: Imploring\r\nContent-Language: en, de\r\n", "a", 0, "text=a subject=Imploring thread=call1 lang=en"},
    {"... that XML cannot hold", PLAIN "Subject: a\xEF\xBF\xBF" "b\xEF\xBF\xBE\r\n", "a", 0, "text=a subject=a b thread=call1"},
    {"a language that is none", PLAIN "Content-Language: not_one\r\n", "a", 0, "text=a thread=call1"},
    {"without a type",          "", "a", 0, "text=a thread=call1"},
    {"the type in other case",  "Content-Type: TEXT/Plain; Charset=\"UTF-8\"\r\n", "a", 0, "text=a thread=call1"},
    {"with Microsoft's format", "Content-Type: text/plain; charset=UTF-8;msgr=WAAtAE0ATQBTAC0A\r\n", "a", 0, "text=a thread=call1"},
    {"no body",                 "", "", 0, "nothing"},
    {"no body, but a type",     PLAIN, "", 0, "nothing"},

    /* Characters. */
    {"UTF-8",                   "Content-Type: text/plain;charset=utf-8\r\n", "\xE2\x82\xAC", 0, "text=\xE2\x82\xAC thread=call1"},
    {"UTF-8 without saying so", PLAIN, "\xE2\x82\xAC", 0, "text=\xE2\x82\xAC thread=call1"},
    {"UTF-8 as US-ASCII",       "Content-Type: text/plain;charset=us-ascii\r\n", "\xE2\x82\xAC", 0, "text=\xE2\x82\xAC thread=call1"},
    {"ISO-8859-1",              "Content-Type: text/plain;charset=ISO-8859-1\r\n", "a\xFC\xFF", 0, "text=a\xC3\xBC\xC3\xBF thread=call1"},
    {"UTF-16",                  "Content-Type: text/plain;charset=utf-16\r\n", "a", 415, NULL},
    {"not UTF-8",               PLAIN, "a\xFC", 400, NULL},
    {"half a character",        PLAIN, "a\xE2\x82", 400, NULL},
    {"a surrogate",             PLAIN, "\xED\xA0\x80", 400, NULL},
    {"what XML cannot hold",    PLAIN, "a\x01\x0B\x1F\x7F" "b\xEF\xBF\xBE\xEF\xBF\xBF", 0, "text=a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x7F" "b\xEF\xBF\xBD\xEF\xBF\xBD thread=call1"},
    {"lines",                   PLAIN, "a\r\nb\rc\nd\r\n", 0, "text=a\\nb\\nc\\nd\\n thread=call1"},
    {"a tab",                   PLAIN, "a\tb", 0, "text=a\tb thread=call1"},
    {"markup",                  PLAIN, "<b>&amp;</b>", 0, "text=<b>&amp;</b> thread=call1"},

    /* Types that nobody takes. */
    {"rtf",                     "Content-Type: text/rtf\r\n", "{\\rtf1 a}", 415, NULL},
    {"an image",                "Content-Type: image/gif\r\n", "GIF89a", 415, NULL},
    {"ink",                     "Content-Type: application/x-ms-ink\r\n", "a", 415, NULL},
    {"CPIM",                    "Content-Type: message/cpim\r\n", "a", 415, NULL},
    {"a report",                "Content-Type: message/imdn+xml\r\n", "<imdn/>", 415, NULL},
    {"text/plain, but not quite", "Content-Type: text/plainer\r\n", "a", 415, NULL},
    {"an encoded body",         PLAIN "Content-Encoding: gzip\r\n", "a", 415, NULL},
    {"a body encoded as itself", PLAIN "Content-Encoding: identity\r\n", "a", 0, "text=a thread=call1"},

    /* HTML. */
    {"html",                    HTML, "<html><head><title>t</title><style>p{}</style></head><body><p>a <b>bold</b> word</p><p>and &lt;more&gt;</p></body></html>", 0,
     "text=a bold word\\nand <more> thread=call1"},
    {"html in latin",           "Content-Type: text/html;charset=iso-8859-1\r\n", "<b>\xFC</b>", 0, "text=\xC3\xBC thread=call1"},
    {"html that is not UTF-8",  HTML, "<b>\xFC</b>", 400, NULL},
    {"scripts",                 HTML, "a<script>alert('<b>')</script>b<SCRIPT src=x>y</ScRiPt>c", 0, "text=abc thread=call1"},
    {"a script without an end", HTML, "a<script>alert('b')", 0, "text=a thread=call1"},
    {"nothing but markup",      HTML, "<p></p>", 0, "nothing"},

    /* Multipart. */
    {"alternatives",            MIXED, PART("text/html", "<b>h</b>") PART("text/plain;charset=UTF-8", "p") END, 0, "text=p thread=call1"},
    {"the first plain one",     MIXED, PART("text/plain", "1") PART("text/plain", "2") END, 0, "text=1 thread=call1"},
    {"html alone",              MIXED, PART("text/rtf", "{}") PART("text/html", "<b>h</b>") END, 0, "text=h thread=call1"},
    {"the first html",          MIXED, PART("text/html", "1") PART("text/html", "2") END, 0, "text=1 thread=call1"},
    {"a part in latin",         MIXED, PART("text/plain;charset=ISO-8859-1", "\xFC") END, 0, "text=\xC3\xBC thread=call1"},
    {"a part without a type",   MIXED, "--b\r\n\r\np\r\n" END, 0, "text=p thread=call1"},
    {"with a preamble",         MIXED, "Hello\r\n" PART("text/plain", "p") END "bye", 0, "text=p thread=call1"},
    {"lines of a part",         MIXED, PART("text/plain", "p\r\n\r\nq\r\n") END, 0, "text=p\\n\\nq\\n thread=call1"},
    {"bare LF",                 MIXED, "--b\nContent-Type: text/plain\n\np\n--b--\n", 0, "text=p thread=call1"},
    {"space behind the boundary", MIXED, "--b \t\r\n\r\np\r\n--b-- ", 0, "text=p thread=call1"},
    {"what only looks like one", MIXED, PART("text/plain", "--bb\r\n-- b\r\n--b-") END, 0, "text=--bb\\n-- b\\n--b- thread=call1"},
    {"no last boundary",        MIXED, PART("text/plain", "p"), 0, "text=p thread=call1"},
    {"a quoted boundary",       "Content-Type: multipart/mixed; boundary=\"a b:c\"\r\n", "--a b:c\r\n\r\np\r\n--a b:c--", 0, "text=p thread=call1"},
    {"a folded header",         MIXED, "--b\r\nContent-Type: text/plain;\r\n charset=ISO-8859-1\r\n\r\n\xFC\r\n" END, 0, "text=\xC3\xBC thread=call1"},
    {"8bit",                    MIXED, "--b\r\nContent-Transfer-Encoding: 8Bit\r\n\r\np\r\n" END, 0, "text=p thread=call1"},
    {"base64",                  MIXED, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\ncA==\r\n" END, 415, NULL},
    {"base64 beside html",      MIXED, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\ncA==\r\n" PART("text/html", "h") END, 0, "text=h thread=call1"},
    {"gzip",                    MIXED, "--b\r\nContent-Encoding: gzip\r\n\r\np\r\n" END, 415, NULL},
    {"nested",                  MIXED, PART("multipart/related;boundary=c", "--c\r\nContent-Type: text/plain\r\n\r\np\r\n--c--") END, 0, "text=p thread=call1"},
    {"a plain one beside nested html", MIXED, PART("multipart/related;boundary=c", "--c\r\nContent-Type: text/html\r\n\r\nh\r\n--c--") PART("text/plain", "p") END, 0, "text=p thread=call1"},
    {"a nested one that is none", MIXED, PART("multipart/related", "x") PART("text/plain", "p") END, 0, "text=p thread=call1"},
    {"nothing for us",          MIXED, PART("application/sdp", "v=0") END, 415, NULL},
    {"a media type that is none", MIXED, PART("x", "v=0") END, 415, NULL},
    {"no boundary",             "Content-Type: multipart/mixed\r\n", "--b\r\n\r\np\r\n--b--", 400, NULL},
    {"an empty boundary",       "Content-Type: multipart/mixed;boundary=\"\"\r\n", "--\r\n\r\np\r\n----", 400, NULL},
    {"another boundary",        MIXED, "--c\r\n\r\np\r\n--c--", 400, NULL},
    {"only the last boundary",  MIXED, END, 400, NULL},
    {"an empty part",           MIXED, "--b\r\n\r\n\r\n" END, 0, "nothing"},
    {"a part that is not UTF-8", MIXED, PART("text/plain", "\xFC") END, 400, NULL},
    {"a part in UTF-7",         MIXED, PART("text/plain;charset=utf-7", "p") END, 415, NULL},

    /* Typing: RFC 3994. */
    {"active",                  COMPOSING, "<?xml version='1.0'?>" IS "<state>active</state></isComposing>", 0, "typing 120"},
    {"with a refresh",          COMPOSING, IS "<state> active </state><contenttype>text/html</contenttype><refresh>90</refresh></isComposing>", 0, "typing 90"},
    {"with a long refresh",     COMPOSING, IS "<state>active</state><refresh>99999</refresh></isComposing>", 0, "typing 3600"},
    {"with a refresh that is none", COMPOSING, IS "<state>active</state><refresh>-1</refresh></isComposing>", 0, "typing 120"},
    {"with a refresh of 0",     COMPOSING, IS "<state>active</state><refresh>0</refresh></isComposing>", 0, "typing 120"},
    {"idle",                    COMPOSING, IS "<state>idle</state><lastactive>2003-01-27T10:43:00Z</lastactive></isComposing>", 0, "idle"},
    {"another state is idle",   COMPOSING, IS "<state>pausing</state></isComposing>", 0, "idle"},
    {"any prefix",              COMPOSING, "<a:isComposing xmlns:a='urn:ietf:params:xml:ns:im-iscomposing'><a:state>active</a:state></a:isComposing>", 0, "typing 120"},
    {"no state",                COMPOSING, IS "</isComposing>", 400, NULL},
    {"another root",            COMPOSING, "<state xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>active</state></state>", 400, NULL},
    {"another namespace",       COMPOSING, "<isComposing><state>active</state></isComposing>", 400, NULL},
    {"not XML",                 COMPOSING, "active", 400, NULL},
    {"a DOCTYPE",               COMPOSING, "<!DOCTYPE isComposing>" IS "<state>active</state></isComposing>", 400, NULL},
};
/* clang-format on */

static void assert_request(const char *label, const char *headers, struct xf_span body,
                           unsigned status, const char *want)
{
    static struct xf_sip_message message;
    struct xf_im chat = {.refresh_s = 77};
    struct xf_buf texts;
    char *bytes;

    make_request(headers, body, &bytes, &message);
    xf_buf_init(&texts, TEXTS_MAX);
    unsigned got = xf_im_read_request(&message, &texts, &chat);
    ck_assert_msg(got == status, "%s: %u", label, got);
    if (want)
        assert_chat(label, &chat, want);
    else
        ck_assert_uint_eq(chat.refresh_s, 77);
    xf_buf_release(&texts);
    xf_free(bytes);
}

START_TEST(requests_become_values)
{
    assert_request(inward[_i].label, inward[_i].headers, xf_span_of(inward[_i].body),
                   inward[_i].status, inward[_i].want);
}
END_TEST

START_TEST(a_nul_is_text_that_xml_cannot_hold)
{
    assert_request("NUL", PLAIN, XF_SPAN("a\0b"), 0,
                   "text=a\xEF\xBF\xBD"
                   "b thread=call1");
    assert_request("NUL in HTML", HTML, XF_SPAN("a\0<b\0>b"), 0,
                   "text=a\xEF\xBF\xBD"
                   "b thread=call1");
    assert_request("NUL in a boundary", MIXED, XF_SPAN("--b\0\r\n\r\np\r\n--b--"), 400, NULL);
}
END_TEST

/* ------------------------------------------------------------------ what is large or deep */

/* A multipart body, `depth` deep, with a text in the innermost part. */
static void assert_depth(unsigned depth, unsigned status, const char *want)
{
    struct xf_buf body;

    xf_buf_init(&body, TEXTS_MAX);
    for (unsigned i = 2; i <= depth; i++)
        xf_buf_appendf(&body, "--b%u\r\nContent-Type: multipart/mixed;boundary=b%u\r\n\r\n", i - 1,
                       i);
    xf_buf_appendf(&body, "--b%u\r\n\r\np\r\n", depth);
    assert_request("depth", "Content-Type: multipart/mixed;boundary=b1\r\n", xf_buf_span(&body),
                   status, want);
    xf_buf_release(&body);
}

START_TEST(parts_are_read_four_deep)
{
    assert_depth(1, 0, "text=p thread=call1");
    assert_depth(4, 0, "text=p thread=call1");
    assert_depth(5, 415, NULL);
    assert_depth(500, 415, NULL);
}
END_TEST

/* RFC 2046 section 5.1.1 */
START_TEST(a_boundary_has_seventy_bytes)
{
    char headers[200], body[200], boundary[72];

    for (int len = 70; len <= 71; len++) {
        memset(boundary, 'b', sizeof(boundary));
        (void)snprintf(headers, sizeof(headers), "Content-Type: multipart/mixed;boundary=%.*s\r\n",
                       len, boundary);
        (void)snprintf(body, sizeof(body), "--%.*s\r\n\r\np\r\n", len, boundary);
        assert_request("boundary", headers, xf_span_of(body), len == 70 ? 0 : 400,
                       len == 70 ? "text=p thread=call1" : NULL);
    }
}
END_TEST

static void assert_parts(unsigned count, unsigned status, const char *want)
{
    struct xf_buf body;

    xf_buf_init(&body, TEXTS_MAX);
    for (unsigned i = 1; i < count; i++)
        xf_buf_append_str(&body, PART("image/gif", "x"));
    xf_buf_append_str(&body, PART("text/plain", "p") END);
    assert_request("parts", MIXED, xf_buf_span(&body), status, want);
    xf_buf_release(&body);
}

START_TEST(thirty_two_parts_are_read)
{
    assert_parts(32, 0, "text=p thread=call1");
    assert_parts(33, 415, NULL);
    assert_parts(1000, 415, NULL);
}
END_TEST

START_TEST(a_long_header_of_a_part_is_passed_over)
{
    struct xf_buf body;

    xf_buf_init(&body, TEXTS_MAX);
    xf_buf_append_str(&body, "--b\r\nContent-Type: text/plain;a=");
    for (unsigned i = 0; i < 2000; i++)
        xf_buf_append_str(&body, "x");
    xf_buf_append_str(&body, "\r\n\r\np\r\n" PART("text/html", "h") END);
    assert_request("long header", MIXED, xf_buf_span(&body), 0, "text=h thread=call1");
    xf_buf_release(&body);
}
END_TEST

/* What a body of `count` times `piece` is answered, with room for `max` bytes of text. */
static unsigned status_of_long(const char *headers, const char *piece, size_t count, size_t max)
{
    static struct xf_sip_message message;
    struct xf_im chat;
    struct xf_buf body, texts;
    char *bytes;

    xf_buf_init(&body, TEXTS_MAX);
    xf_buf_init(&texts, max);
    for (size_t i = 0; i < count; i++)
        xf_buf_append_str(&body, piece);
    make_request(headers, xf_buf_span(&body), &bytes, &message);
    unsigned status = xf_im_read_request(&message, &texts, &chat);
    xf_buf_release(&body);
    xf_buf_release(&texts);
    xf_free(bytes);
    return status;
}

START_TEST(a_long_body_is_refused)
{
    ck_assert_uint_eq(status_of_long(PLAIN, "x", 1000, 1005), 0); /* and "call1" */
    ck_assert_uint_eq(status_of_long(PLAIN, "x", 1001, 1005), 413);
    ck_assert_uint_eq(status_of_long(PLAIN, "\x01", 335, 1005), 413);
    ck_assert_uint_eq(status_of_long(HTML, "x", 1001, 1005), 413);
    ck_assert_uint_eq(
        status_of_long("Content-Type: text/plain;charset=latin1\r\n", "\xFC", 501, 1005), 413);
}
END_TEST

/* The limits of the conn are below XF_IM_TEXT_MAX by default; they need not be. */
START_TEST(a_body_above_the_ceiling_is_refused)
{
    static struct xf_sip_message message;
    struct xf_im chat;
    struct xf_buf texts;
    char *bytes;

    xf_buf_init(&texts, TEXTS_MAX);
    make_request(PLAIN, XF_SPAN("x"), &bytes, &message);
    char *body = xf_alloc(XF_IM_TEXT_MAX + 1);
    memset(body, 'x', XF_IM_TEXT_MAX + 1);
    message.body = (struct xf_span){body, XF_IM_TEXT_MAX};
    ck_assert_uint_eq(xf_im_read_request(&message, &texts, &chat), 0);
    message.body.len++;
    ck_assert_uint_eq(xf_im_read_request(&message, &texts, &chat), 413);
    xf_free(body);
    xf_free(bytes);
    xf_buf_release(&texts);
}
END_TEST

START_TEST(a_long_call_id_is_no_thread)
{
    static struct xf_sip_message message;
    struct xf_im chat;
    struct xf_buf texts;
    char *bytes, *call_id = xf_alloc(XF_IM_THREAD_MAX + 1);

    memset(call_id, 'x', XF_IM_THREAD_MAX + 1);
    xf_buf_init(&texts, TEXTS_MAX);
    make_request(PLAIN, XF_SPAN("x"), &bytes, &message);
    message.call_id = (struct xf_span){call_id, XF_IM_THREAD_MAX};
    ck_assert_uint_eq(xf_im_read_request(&message, &texts, &chat), 0);
    ck_assert_uint_eq(chat.thread.len, XF_IM_THREAD_MAX);
    message.call_id.len++;
    ck_assert_uint_eq(xf_im_read_request(&message, &texts, &chat), 0);
    ck_assert_ptr_null(chat.thread.ptr);
    xf_free(call_id);
    xf_free(bytes);
    xf_buf_release(&texts);
}
END_TEST

START_TEST(long_subjects_are_cut)
{
    static struct xf_sip_message message;
    struct xf_im chat;
    struct xf_buf headers, texts;
    char *bytes;

    xf_buf_init(&headers, TEXTS_MAX);
    xf_buf_init(&texts, TEXTS_MAX);
    xf_buf_append_str(&headers, PLAIN "Subject: ");
    for (unsigned i = 0; i < 600; i++)
        xf_buf_append_str(&headers, "\xE2\x82\xAC");
    xf_buf_append(&headers, "\r\n", 3);
    make_request(xf_buf_ptr(&headers), XF_SPAN("x"), &bytes, &message);
    ck_assert_uint_eq(xf_im_read_request(&message, &texts, &chat), 0);
    ck_assert_uint_eq(chat.subject.len, 510);
    xf_free(bytes);
    xf_buf_release(&headers);
    xf_buf_release(&texts);
}
END_TEST

/* Bodies of 48 KiB that make a careless reader look at everything again and again. */
/* clang-format off */
static const struct {
    const char *headers, *piece;
} slow[] = {
    {HTML, "<"}, {HTML, "<a "}, {HTML, "<a '"}, {HTML, "<!--"}, {HTML, "&"}, {HTML, "&#"}, {HTML, "<script>"},
    {HTML, "<a c='>"}, {HTML, "<a c=\" "}, {HTML, "<style></styl"}, {HTML, "</"}, {HTML, "<br>"}, {HTML, "<p>"}, {HTML, "<!"},
    {MIXED, "--b"}, {MIXED, "--b\r\n"}, {MIXED, "\r\n"}, {MIXED, "--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n"},
    {MIXED, "--b\r\nContent-Type: multipart/mixed;boundary=\"\r\n\"\r\n\r\n"}, {MIXED, "--b\r\nA: b\r\n c\r\n"},
};
/* clang-format on */

START_TEST(no_body_takes_long)
{
    size_t count = 49152 / strlen(slow[_i].piece);
    clock_t begin = clock();

    for (unsigned i = 0; i < 20; i++)
        (void)status_of_long(slow[_i].headers, slow[_i].piece, count, TEXTS_MAX);
    ck_assert_msg(clock() - begin < 5 * CLOCKS_PER_SEC, "%s", slow[_i].piece);
}
END_TEST

/* ------------------------------------------------------------------ HTML */

/* clang-format off */
static const struct {
    const char *label, *html, *want;
} pages[] = {
    {"text",                    "a", "a"},
    {"white space",             " a \t b\r\n\nc ", "a b c"},
    {"elements within a word",  "a<b>b</b>c", "abc"},
    {"white space around them", "a <b> b </b> c", "a b c"},
    {"paragraphs",              "<p>a</p><p>b</p>", "a\\nb"},
    {"divisions in divisions",  "<div><div>a</div></div><div>b</div>", "a\\nb"},
    {"white space between them", "<div>a</div>\r\n<div> b </div>\r\n", "a\\nb"},
    {"a line break",            "a<br>b<br/>c<BR />d", "a\\nb\\nc\\nd"},
    {"two line breaks",         "a<br><br>b", "a\\n\\nb"},
    {"a line break at an end",  "<p>a<br></p><p>b</p>", "a\\nb"},
    {"line breaks around all",  "<br>a<br>", "a"},
    {"a list",                  "<ul><li>a</li><li>b</li></ul>c", "a\\nb\\nc"},
    {"a table",                 "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\\nc"},
    {"references",              "&lt;&gt;&amp;&quot;&apos;", "<>&\"'"},
    {"numbers",                 "&#65;&#x42;&#X43;&#x20AC;&#128512;", "ABC\xE2\x82\xAC\xF0\x9F\x98\x80"},
    {"spaces that do not break", "a&nbsp;&#160;b", "a b"},
    {"what is no character",    "&#0;&#1;&#xD800;&#xFFFE;&#x110000;&#xFFFFFFFF;&#999999999;&#9999999999;", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD&#9999999999;"},
    {"references that are none", "&; &x &unknown; &#; &#x; &#xg; &#1a; a&b", "&; &x &unknown; &#; &#x; &#xg; &#1a; a&b"},
    {"a reference at the end",  "&am", "&am"},
    {"not escaped twice",       "&amp;lt;", "&lt;"},
    {"a smaller sign",          "1 < 2 <3 <", "1 < 2 <3 <"},
    {"a closing tag alone",     "a</b>c</", "ac</"},
    {"attributes",              "<a href='x>y' title=\"<b>\">z</a>", "z"},
    {"a tag without an end",    "a<b c", "a<b c"},
    {"a sign as in a formula",  "<b>x</b> &lt; y, y<z and z</w", "x < y, y<z and z</w"},
    {"markup without an end",   "a>b<!c d <?e <!-- f", "a>b<!c d <?e <!-- f"},
    {"a quote without an end",  "a<b c='>d", "ad"},
    {"an end in quotes only",   "a<b c='>d' e <f g='>'h", "ad' e 'h"},
    {"quotes as in a text",     "<p a=\"x>b \"c\" d", "b \"c\" d"},
    {"a quote in a value without quotes", "<p title=it's>a</p>", "a"},
    {"a quote in a name",       "<p it's>a</p><p \">b</p>", "a\\nb"},
    {"white space before a quote", "<p c = '>' d=\">\">a</p>", "a"},
    {"comments",                "a<!-- <b> -- > -->b<!---->c<!-- d>", "abc"},
    {"declarations",            "<!DOCTYPE html><?xml version='1.0'?>a<![CDATA[b]]>c", "ac"},
    {"hidden elements",         "<head><title>t</title></head>a<style>b</style><script>c</script>", "a"},
    {"names that begin alike",  "<header>a</header><titles>b</titles>", "ab"},
    {"case",                    "<STYLE>x</sTyle>a<P>b</P>", "a\\nb"},
    {"beyond ASCII",            "<p>\xC3\xBC</p>", "\xC3\xBC"},
};
/* clang-format on */

START_TEST(html_becomes_text)
{
    struct xf_buf want;

    xf_buf_init(&want, TEXTS_MAX);
    xf_buf_appendf(&want, "text=%s thread=call1", pages[_i].want);
    xf_buf_append(&want, "", 1);
    assert_request(pages[_i].label, HTML, xf_span_of(pages[_i].html), 0, xf_buf_ptr(&want));
    xf_buf_release(&want);
}
END_TEST

/* ------------------------------------------------------------------ writing stanzas */

/* clang-format off */
static const struct {
    struct xf_im chat;
    const char *want;
} stanzas[] = {
    {{.kind = XF_IM_TEXT, .text = XF_SPAN_INIT("a<b\nc")}, "<body>a&lt;b\nc</body>"},
    {{.kind = XF_IM_TEXT, .text = XF_SPAN_INIT("a"), .subject = XF_SPAN_INIT("&"), .thread = XF_SPAN_INIT("<t>")},
     "<subject>&amp;</subject><body>a</body><thread>&lt;t&gt;</thread>"},
    {{.kind = XF_IM_TYPING, .is_typing = true}, "<composing xmlns=\"http://jabber.org/protocol/chatstates\"/>"},
    {{.kind = XF_IM_TYPING}, "<active xmlns=\"http://jabber.org/protocol/chatstates\"/>"},
};
/* clang-format on */

START_TEST(values_become_messages)
{
    struct xf_buf out;

    xf_buf_init(&out, TEXTS_MAX);
    struct xf_draft draft = xf_draft_begin(&out);
    xf_im_write_stanza(&draft, &stanzas[_i].chat);
    ck_assert_int_eq(xf_draft_end(&draft), XF_ERR_OK);
    ck_assert_msg(xf_span_is(xf_buf_span(&out), stanzas[_i].want), "%.*s",
                  XF_SPAN_ARGS(xf_buf_span(&out)));
    xf_buf_release(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chat");
    TCase *tcase = tcase_create("chat");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, messages_become_values, 0, XF_ARRAY_LEN(outward));
    tcase_add_test(tcase, a_long_text_is_refused);
    tcase_add_test(tcase, values_become_bodies);
    tcase_add_loop_test(tcase, requests_become_values, 0, XF_ARRAY_LEN(inward));
    tcase_add_test(tcase, a_nul_is_text_that_xml_cannot_hold);
    tcase_add_test(tcase, parts_are_read_four_deep);
    tcase_add_test(tcase, a_boundary_has_seventy_bytes);
    tcase_add_test(tcase, thirty_two_parts_are_read);
    tcase_add_test(tcase, a_long_header_of_a_part_is_passed_over);
    tcase_add_test(tcase, a_long_body_is_refused);
    tcase_add_test(tcase, a_body_above_the_ceiling_is_refused);
    tcase_add_test(tcase, a_long_call_id_is_no_thread);
    tcase_add_test(tcase, long_subjects_are_cut);
    tcase_add_loop_test(tcase, no_body_takes_long, 0, XF_ARRAY_LEN(slow));
    tcase_add_loop_test(tcase, html_becomes_text, 0, XF_ARRAY_LEN(pages));
    tcase_add_loop_test(tcase, values_become_messages, 0, XF_ARRAY_LEN(stanzas));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
