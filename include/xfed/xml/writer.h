/* SPDX-License-Identifier: MIT */
/*
 * writer.h — XML text into a buffer. What is written is legal XML 1.0: the caller's texts come from our reader
 * (legal by construction) or are our own. All functions append to `out`, whose ceiling the caller has checked.
 */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/xmpp/stanza.h>

/* Character data: & < > and CR are escaped. */
void xf_xml_text(struct xf_buf *out, struct xf_span text);

/* An attribute value (between either quotes): also quotes, tab, LF and CR, so that they survive normalisation. */
void xf_xml_value(struct xf_buf *out, struct xf_span text);

/* ` name="value"`, or nothing when the value is absent. */
void xf_xml_attr(struct xf_buf *out, const char *name, struct xf_span value);

/* Upper bound of what xf_xml_stanza appends, with a stream_lang of up to 64 bytes. */
size_t xf_xml_stanza_bound(const struct xf_stanza *stanza, const char *content_ns);

/*
 * One stanza for a stream whose default namespace is `content_ns`: prepared from and to, then type, id, xml:lang
 * (stanza->lang, else `stream_lang` when that is not absent), the other attributes, the payload.
 */
void xf_xml_stanza(struct xf_buf *out, const struct xf_stanza *stanza, const char *content_ns,
                   struct xf_span stream_lang);

/* Upper bound of what xf_xml_bounce appends. */
size_t xf_xml_bounce_bound(const struct xf_stanza *stanza, struct xf_span text);

/*
 * The error answer to `stanza` (RFC 6120 §8.3): addresses swapped, same kind and id, type='error', the condition
 * and `text` (absent: none). The payload is not sent back. Call only when xf_stanza_may_bounce.
 */
void xf_xml_bounce(struct xf_buf *out, const struct xf_stanza *stanza, enum xf_stanza_error error, struct xf_span text);

/* A shorter tag comes in one piece: no packet carries less (IPv6, 1,280 bytes with all headers). */
#define XF_XML_LONG_TAG_BYTES 1024u

/* How much white space `written`, a stanza of this writer, needs behind it for a reader with expat's deferral to act on it at once (space.c). */
size_t xf_xml_space_behind(struct xf_span written);
