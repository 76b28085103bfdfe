/* SPDX-License-Identifier: MIT */
/* chat_priv.h — parts of reading and writing messages. */
#pragma once

#include <xfed/interwork/chat.h>

/* composing.c: a body of application/im-iscomposing+xml. False: it is none. */
bool xf_im_read_composing(struct xf_span body, struct xf_im *out);
void xf_im_write_composing(struct xf_draft *draft, bool is_typing);

/*
 * html.c: append the text of an HTML document in UTF-8. Never longer than the document. Takes
 * linear time.
 */
void xf_im_html_text(struct xf_draft *draft, struct xf_span html);

/* multipart.c: a part of a body that can be shown, and its type. */
struct xf_im_part {
    struct xf_span content; /* absent: none was found */
    struct xf_span charset; /* absent: none is named */
    bool is_html;
};

/*
 * Find the best part of a multipart body: the first text/plain, else the first text/html, also in
 * parts that are multipart themselves, down to XF_IM_DEPTH_MAX, among XF_IM_PARTS_MAX.
 * XF_ERR_BAD_VALUE: there is no boundary, or no part.
 *
 * scratch   holds what out_part->charset points to, and is cleared first
 */
#define XF_IM_DEPTH_MAX  4
#define XF_IM_PARTS_MAX  32
#define XF_IM_HEADER_MAX 1024 /* bytes of one header of a part; a longer one is passed over */

XF_MUST_USE enum xf_err xf_im_find_part(const struct xf_sip_media *media, struct xf_span body,
                                        struct xf_buf *scratch, struct xf_im_part *out_part);

/* Is it this type, in any case? */
bool xf_im_media_is(const struct xf_sip_media *media, const char *type, const char *subtype);
