/* SPDX-License-Identifier: MIT */
/*
 * writer.h — writes XML text into a buffer. The output is legal XML 1.0, because the caller's texts
 * are our own or come from our reader, which delivers only legal text. Texts may have any length:
 * small pieces go into a draft (base/draft.h), and a stanza is written whole or not at all.
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/xmpp/stanza.h>

/* Write character data; & < > and CR are escaped. */
void xf_xml_text(struct xf_draft *draft, struct xf_span text);

/*
 * Write an attribute value, to stand between quotes of either kind. Both kinds of quotes, tab and
 * LF are escaped too, so that they survive normalisation.
 */
void xf_xml_value(struct xf_draft *draft, struct xf_span text);

/* ` name="value"`, or nothing when the value is absent. */
void xf_xml_attr(struct xf_draft *draft, const char *name, struct xf_span value);

/*
 * Write the <error/> of a stanza (RFC 6120 §8.3.2) or of a dialback element (XEP-0220 §2.4).
 * `address`: the content of <gone/> and <redirect/>, a URI; absent for none. `text`: English words
 * for people; NULL or empty for none.
 */
void xf_xml_stanza_error(struct xf_draft *draft, enum xf_stanza_error error, struct xf_span address,
                         const char *text);

/*
 * Does xf_xml_stanza write at most `max_bytes` for this stanza? Exact to the byte; bytes are
 * counted only if the upper bound is above `max_bytes`.
 */
bool xf_xml_stanza_fits(const struct xf_stanza *stanza, const char *content_ns, size_t max_bytes);

/*
 * Write one stanza for a stream whose default namespace is `content_ns`: the prepared from and to,
 * then type, id, xml:lang (stanza->lang, else `stream_lang` unless absent), the other attributes,
 * and the payload. XF_ERR_LIMIT: the stanza's upper bound exceeds the room in `out`; nothing is
 * written.
 */
XF_MUST_USE enum xf_err xf_xml_stanza(struct xf_buf *out, const struct xf_stanza *stanza,
                                      const char *content_ns, struct xf_span stream_lang);

/*
 * We assume that a shorter tag arrives in one piece: every path carries packets of 1,280 bytes
 * (IPv6).
 */
#define XF_XML_LONG_TAG_BYTES 1024u

/*
 * How many bytes of white space must follow `written`, a stanza from this writer, so that a
 * receiver whose expat defers long tags handles it at once (space.c).
 */
size_t xf_xml_space_behind(struct xf_span written);
