/* SPDX-License-Identifier: MIT */
/*
 * writer.h — XML text into a buffer. What is written is legal XML 1.0: the caller's texts come from
 * our reader (legal by construction) or are our own. No text is too long: small pieces go into a
 * draft (base/draft.h), a stanza is written whole or not at all.
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/xmpp/stanza.h>

/* Character data: & < > and CR are escaped. */
void xf_xml_text(struct xf_draft *draft, struct xf_span text);

/*
 * An attribute value (between either quotes): also quotes, tab, LF and CR, so that they survive
 * normalisation.
 */
void xf_xml_value(struct xf_draft *draft, struct xf_span text);

/* ` name="value"`, or nothing when the value is absent. */
void xf_xml_attr(struct xf_draft *draft, const char *name, struct xf_span value);

/*
 * The <error/> of a stanza (RFC 6120 §8.3.2), also of a dialback element (XEP-0220 §2.4). `text`:
 * words in English; NULL or empty: none.
 */
void xf_xml_stanza_error(struct xf_draft *draft, enum xf_stanza_error error, const char *text);

/*
 * Is it at most `max_bytes` long as xf_xml_stanza writes it? Exact to the byte; counted only when
 * an upper bound does not settle it.
 */
bool xf_xml_stanza_fits(const struct xf_stanza *stanza, const char *content_ns, size_t max_bytes);

/*
 * One stanza for a stream whose default namespace is `content_ns`: prepared from and to, then type,
 * id, xml:lang (stanza->lang, else `stream_lang` when that is not absent), the other attributes,
 * the payload. XF_ERR_LIMIT, and nothing is written, when its upper bound is more than `out` has
 * room for.
 */
XF_MUST_USE enum xf_err xf_xml_stanza(struct xf_buf *out, const struct xf_stanza *stanza,
                                      const char *content_ns, struct xf_span stream_lang);

/* A shorter tag comes in one piece: every path carries packets of 1,280 bytes (IPv6). */
#define XF_XML_LONG_TAG_BYTES 1024u

/*
 * How much white space must follow `written`, a stanza of this writer, so that a reader whose expat
 * defers long tags acts on it at once (space.c).
 */
size_t xf_xml_space_behind(struct xf_span written);
