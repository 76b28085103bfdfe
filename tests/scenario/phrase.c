/* SPDX-License-Identifier: MIT */
/*
 * phrase.c — the phrases of transcripts, as two tables: whole elements, and the words of
 * <stream:features/>.
 *
 * The namespaces are written out here instead of taken from xmpp/ns.h, so that a mistake there does
 * not hide itself.
 */
#include "phrase.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>

#define NS_TLS           "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL          "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_STREAM_ERROR  "urn:ietf:params:xml:ns:xmpp-streams"
#define PHRASE_MAX_BYTES (64u << 10)

struct row {
    const char *word, *xml; /* %s: the rest of the phrase */
};

/* clang-format off */
static const struct row elements[] = {
    {"footer",         "</stream:stream>"},
    {"starttls",       "<starttls xmlns='" NS_TLS "'/>"},
    {"proceed",        "<proceed xmlns='" NS_TLS "'/>"},
    {"tls-failure",    "<failure xmlns='" NS_TLS "'/>"},
    {"external",       "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>"},
    {"success",        "<success xmlns='" NS_SASL "'/>"},
    {"failure",        "<failure xmlns='" NS_SASL "'><%s/></failure>"},
    {"stream-error",   "<stream:error><%s xmlns='" NS_STREAM_ERROR "'/></stream:error>"},
};

#define MECHANISM(name) \
    "<mechanisms xmlns='" NS_SASL "'><mechanism>" name "</mechanism></mechanisms>"
#define LIMITS "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%s</max-bytes></limits>"

static const struct row features[] = {
    {"starttls",          "<starttls xmlns='" NS_TLS "'/>"},
    {"starttls-required", "<starttls xmlns='" NS_TLS "'><required/></starttls>"},
    {"external",          MECHANISM("EXTERNAL")},
    {"plain",             MECHANISM("PLAIN")},
    {"dialback",          "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"},
    {"dialback-bare",     "<dialback xmlns='urn:xmpp:features:dialback'/>"},
    {"bidi",              "<bidi xmlns='urn:xmpp:features:bidi'/>"},
    {"sm",                "<sm xmlns='urn:xmpp:sm:3'/>"},
    {"no-bidi",           "<no-bidi/>"},
    {"unknown",           "<fly xmlns='urn:example:fly'><required/></fly>"},
    {"limit",             LIMITS},
};

static const struct row error_types[] = {
    {"remote-server-not-found", "cancel"},
    {"remote-server-timeout",   "wait"},
    {"not-allowed",             "cancel"},
    {"resource-constraint",     "wait"},
    {"not-acceptable",          "modify"},
    {"jid-malformed",           "modify"},
    {"service-unavailable",     "cancel"},
    {"item-not-found",          "cancel"},
    {"bad-request",             "modify"},
    {"feature-not-implemented", "cancel"},
    {"forbidden",               "auth"},
    {"internal-server-error",   "cancel"},
    {"policy-violation",        "modify"},
    {"recipient-unavailable",   "wait"},
    {"redirect",                "modify"},
    {"registration-required",   "auth"},
};
/* clang-format on */

const char *phrase_error_type(const char *condition)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(error_types); i++) {
        if (strcmp(error_types[i].word, condition) == 0)
            return error_types[i].xml;
    }
    return NULL;
}

/* Append `xml` with its %s replaced. */
static void fill(struct xf_buf *out, const char *xml, struct xf_span rest)
{
    const char *hole = strstr(xml, "%s");
    if (!hole) {
        xf_buf_append_str(out, xml);
        return;
    }
    xf_buf_append(out, xml, (size_t)(hole - xml));
    xf_buf_append_span(out, rest);
    xf_buf_append_str(out, hole + 2);
}

static struct xf_span next_word(const char **text)
{
    *text += strspn(*text, " ");
    struct xf_span word = {*text, strcspn(*text, " ")};
    *text += word.len;
    return word;
}

static bool write_features(struct xf_buf *out, const char *text)
{
    xf_buf_append_str(out, "<stream:features>");
    for (struct xf_span word = next_word(&text); word.len; word = next_word(&text)) {
        const char *equals = memchr(word.ptr, '=', word.len);
        struct xf_span name = {word.ptr, equals ? (size_t)(equals - word.ptr) : word.len};
        struct xf_span rest = {equals ? equals + 1 : "", equals ? word.len - name.len - 1 : 0};
        size_t i = 0;
        while (i < XF_ARRAY_LEN(features) && !xf_span_is(name, features[i].word))
            i++;
        if (i == XF_ARRAY_LEN(features))
            return false;
        fill(out, features[i].xml, rest);
    }
    xf_buf_append_str(out, "</stream:features>");
    return true;
}

/*
 * The words from= to= id= lang= set these attributes. version=none leaves the version out
 * (pre-1.0), db=no does not declare the dialback prefix, content= and streams= set other
 * namespaces.
 */
static bool write_header(struct xf_buf *out, const char *text)
{
    struct xf_span content = XF_SPAN("jabber:server"),
                   streams = XF_SPAN("http://etherx.jabber.org/streams");
    struct xf_span version = XF_SPAN("1.0"), db = XF_SPAN("yes");
    struct xf_buf attrs;
    xf_buf_init(&attrs, PHRASE_MAX_BYTES);
    bool is_good = true;
    for (struct xf_span word = next_word(&text); word.len; word = next_word(&text)) {
        const char *equals = memchr(word.ptr, '=', word.len);
        if (!equals) {
            is_good = false;
            break;
        }
        struct xf_span name = {word.ptr, (size_t)(equals - word.ptr)};
        struct xf_span value = {equals + 1, word.len - name.len - 1};
        if (xf_span_is(name, "content"))
            content = value;
        else if (xf_span_is(name, "streams"))
            streams = value;
        else if (xf_span_is(name, "version"))
            version = value;
        else if (xf_span_is(name, "db"))
            db = value;
        else
            xf_buf_appendf(&attrs, " %s%.*s='%.*s'", xf_span_is(name, "lang") ? "xml:" : "",
                           XF_SPAN_ARGS(name), XF_SPAN_ARGS(value));
    }
    xf_buf_appendf(out, "<?xml version='1.0'?><stream:stream xmlns='%.*s' xmlns:stream='%.*s'",
                   XF_SPAN_ARGS(content), XF_SPAN_ARGS(streams));
    if (!xf_span_is(db, "no"))
        xf_buf_append_str(out, " xmlns:db='jabber:server:dialback'");
    if (!xf_span_is(version, "none"))
        xf_buf_appendf(out, " version='%.*s'", XF_SPAN_ARGS(version));
    xf_buf_append_span(out, xf_buf_span(&attrs));
    xf_buf_append_str(out, ">");
    xf_buf_release(&attrs);
    return is_good;
}

static bool write_element(struct xf_buf *out, struct xf_span word, const char *rest)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(elements); i++) {
        if (xf_span_is(word, elements[i].word)) {
            fill(out, elements[i].xml, xf_span_of(rest + strspn(rest, " ")));
            return true;
        }
    }
    return false;
}

char *phrase_xml(const char *text)
{
    struct xf_buf out;
    xf_buf_init(&out, PHRASE_MAX_BYTES);
    const char *rest = text;
    struct xf_span word = next_word(&rest);
    bool is_good = false;
    if (xf_span_is(word, "header"))
        is_good = write_header(&out, rest);
    else if (xf_span_is(word, "features"))
        is_good = write_features(&out, rest);
    else
        is_good = write_element(&out, word, rest);
    char *xml = is_good ? xf_span_dup(xf_buf_span(&out)) : NULL;
    xf_buf_release(&out);
    return xml;
}
