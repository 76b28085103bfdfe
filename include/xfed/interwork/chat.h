/* SPDX-License-Identifier: MIT */
/*
 * chat.h — messages of XMPP as bodies of SIP requests and back: texts (RFC 7572, RFC 3428), and
 * that somebody is typing (XEP-0085 and RFC 3994, after RFC 7573 section 6).
 *
 *     xf_im_read_stanza    message -> what a MESSAGE carries
 *     xf_im_write_body     its body and content type
 *     xf_im_read_request   MESSAGE -> what a message carries
 *     xf_im_write_stanza   content of a <message/>
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/sip/message.h>
#include <xfed/xmpp/stanza.h>

/* All that xf_im_read_request takes: for Accept of a 415. */
#define XF_IM_ACCEPT "text/plain, text/html, multipart/alternative, application/im-iscomposing+xml"

#define XF_IM_TEXT_MAX    (64u << 10) /* bytes of one body, and of its text; more is refused */
#define XF_IM_SUBJECT_MAX 512         /* bytes of a subject; longer ones are cut */
#define XF_IM_THREAD_MAX  255         /* bytes of a Call-ID that is a thread; longer: dropped */

/* Seconds without news of it after which nobody is typing any more (RFC 3994 section 3.3). */
#define XF_IM_REFRESH_S     120u
#define XF_IM_REFRESH_MAX_S 3600u /* what a peer may ask for */

enum xf_im_kind {
    XF_IM_NOTHING, /* nothing for the other side: it is taken, and no more is done */
    XF_IM_TEXT,
    XF_IM_TYPING, /* is_typing has begun, or has ended */
};

/* Texts are absent where there are none; what is not of its kind is unset. */
struct xf_im {
    enum xf_im_kind kind;
    struct xf_span text;    /* not empty; see the functions for its ends of lines */
    struct xf_span subject; /* one line, without control characters */
    struct xf_span thread;  /* XMPP's thread and SIP's Call-ID */
    struct xf_span lang;    /* a language tag */
    bool is_typing;
    unsigned refresh_s; /* is_typing: until it ends by itself */
};

/*
 * What a message of our user carries. Lines of its text end with CRLF. The thread is left out where
 * it would be no Call-ID (RFC 3261 section 25.1).
 *
 * normal, chat, headline   text, if there is a body (the one in the language of the stanza, else
 *                          the first one); else typing, if there is a chat state; else nothing
 * error                    nothing: an error makes no SIP
 * groupchat                XF_ERR_REFUSED, not-acceptable
 * a text of more than XF_IM_TEXT_MAX, or more than `texts` takes   XF_ERR_REFUSED,
 *                          policy-violation (RFC 7572 section 6)
 *
 * texts       holds what `out` points to; cleared first
 * out_error   when refused: what the sender gets
 */
XF_MUST_USE enum xf_err xf_im_read_stanza(const struct xf_stanza *stanza, struct xf_buf *texts,
                                          struct xf_im *out, enum xf_stanza_error *out_error);

/*
 * Append the body of a request, for a chat of kind TEXT or TYPING. Returns its content type, a
 * literal.
 */
const char *xf_im_write_body(struct xf_draft *draft, const struct xf_im *chat);

/*
 * What a MESSAGE of the peer carries, by the content type of its body:
 *
 *     text/plain                        UTF-8, US-ASCII or ISO-8859-1; also without a type
 *     text/html                         the same without markup
 *     multipart/...                     its text/plain part, else its text/html part
 *     application/im-iscomposing+xml    typing
 *     no body at all                    nothing
 *
 * Lines of the text end with LF; U+FFFD stands in place of a character that XML cannot hold.
 *
 * Returns 0, or the status with which the request is refused, and *out is unchanged: 415 for
 * another type, character set or encoding (with Accept: XF_IM_ACCEPT); 400 for what is not what
 * its type says; 413 for more than XF_IM_TEXT_MAX or than `texts` takes.
 *
 * texts   holds what `out` points to; cleared first
 */
XF_MUST_USE unsigned xf_im_read_request(const struct xf_sip_message *message, struct xf_buf *texts,
                                        struct xf_im *out);

/*
 * Write the children of a <message/>, for a chat of kind TEXT or TYPING. The caller sets its
 * xml:lang, and its type: none for a text (RFC 7572 section 5), chat for typing (XEP-0085).
 */
void xf_im_write_stanza(struct xf_draft *draft, const struct xf_im *chat);
