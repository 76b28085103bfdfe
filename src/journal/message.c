/* SPDX-License-Identifier: MIT */
/*
 * message.c — which messages the journal keeps, and a message as XML and back.
 *
 * Kept are messages of all types but error and groupchat:
 *   - nobody waits for an error that comes an hour late
 *   - after a restart our user may not be in the room any more, whose history has the message
 * and of these not the ones that no server may store (XEP-0334 no-store, no-permanent-store), and
 * those that say only that somebody is typing (XEP-0085), which XEP-0160 does not store either.
 * Presence and iq are of the moment: who sent an iq gets its error, or asks again.
 *
 * A message in the file is read back by the same parser as one of the cluster, so whatever a
 * damaged file contains, nothing but well-formed XML within limits comes out of it.
 */
#include "journal_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xml/reader.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

#define XML_BYTES (256u << 20) /* above every stanza */
#define NS_HINTS  "urn:xmpp:hints"
#define NS_STATES "http://jabber.org/protocol/chatstates"

static bool forbids_storing(const struct xf_stanza_child *child)
{
    return xf_span_is(child->ns, NS_HINTS) &&
           (xf_span_is(child->name, "no-store") || xf_span_is(child->name, "no-permanent-store"));
}

bool xf_journal_wants(const struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    bool says_something = false;
    if (stanza->kind != XF_STANZA_MESSAGE || xf_span_is(stanza->type, "error") ||
        xf_span_is(stanza->type, "groupchat"))
        return false;
    while (xf_stanza_next_child(&rest, &child)) {
        if (forbids_storing(&child))
            return false;
        says_something |= !xf_span_is(child.ns, NS_STATES) && !xf_span_is(child.ns, NS_HINTS);
    }
    return says_something;
}

char *xf_journal_xml(const struct xf_stanza *stanza, size_t *out_bytes)
{
    struct xf_stanza plain = *stanza;
    struct xf_buf xml;
    plain.shown_from = plain.shown_to = XF_SPAN_NONE;
    xf_buf_init(&xml, XML_BYTES);
    bool is_written = xf_xml_stanza(&xml, &plain, XF_NS_SERVER, XF_SPAN_NONE) == XF_ERR_OK;
    char *copy = is_written ? xf_strndup(xf_buf_ptr(&xml), xml.len) : NULL;
    *out_bytes = xml.len;
    xf_buf_release(&xml);
    return copy;
}

/* ------------------------------------------------------------------ and back */

struct xf_journal_parser {
    struct xf_reader *reader; /* NULL: the next message makes one */
    xf_journal_parsed_fn parsed;
    void *owner;
    bool any_kind;
    unsigned count; /* stanzas in the text */
};

static void on_stanza(void *owner, struct xf_stanza *stanza)
{
    struct xf_journal_parser *parser = owner;
    if ((stanza->kind != XF_STANZA_MESSAGE && !parser->any_kind) || parser->count > 0)
        return;
    parser->count++;
    parser->parsed(parser->owner, stanza);
}

static void on_header(void *owner, const struct xf_header *header)
{
    (void)owner;
    (void)header;
}

static void on_element(void *owner, const struct xf_elem *elem)
{
    (void)owner;
    (void)elem;
}

static void on_footer(void *owner)
{
    (void)owner;
}

static const struct xf_reader_events events = {.header = on_header,
                                               .stanza = on_stanza,
                                               .element = on_element,
                                               .footer = on_footer};

static bool feed(struct xf_reader *reader, struct xf_span text)
{
    size_t used;
    return xf_reader_feed(reader, text.ptr, text.len, &used) == XF_ERR_OK;
}

/* The root declares what that of a stream between servers does. */
static struct xf_reader *make_reader(struct xf_journal_parser *parser)
{
    static const struct xf_reader_limits limits = {.stanza_bytes = XML_BYTES,
                                                   .control_bytes = XML_BYTES,
                                                   .start_tag_bytes = XML_BYTES,
                                                   .attributes = 10000,
                                                   .depth = 10000};
    struct xf_reader *reader = xf_reader_new(XF_NS_SERVER, &limits, &events, parser);
    xf_require(feed(reader, XF_SPAN("<stream:stream xmlns='" XF_NS_SERVER
                                    "' xmlns:stream='" XF_NS_STREAM "'>")));
    return reader;
}

struct xf_journal_parser *xf_journal_parser_new(bool any_kind, xf_journal_parsed_fn parsed,
                                                void *owner)
{
    struct xf_journal_parser *parser = xf_new(struct xf_journal_parser);
    parser->any_kind = any_kind;
    parser->parsed = parsed;
    parser->owner = owner;
    return parser;
}

void xf_journal_parser_free(struct xf_journal_parser **parser)
{
    if (!*parser)
        return;
    xf_reader_free(&(*parser)->reader);
    xf_free(*parser);
    *parser = NULL;
}

bool xf_journal_parse(struct xf_journal_parser *parser, struct xf_span xml)
{
    parser->count = 0;
    if (!parser->reader)
        parser->reader = make_reader(parser);
    if (!feed(parser->reader, xml) || !xf_reader_is_quiet(parser->reader))
        xf_reader_free(&parser->reader);
    return parser->count == 1;
}
