/* SPDX-License-Identifier: MIT */
/* composing.c — documents that say whether somebody is typing (RFC 3994). */
#include "chat_priv.h"

#include <xfed/xmpp/ns.h>

#include "document_priv.h"
#include "text_priv.h"

static unsigned refresh_of(const struct xf_elem *root)
{
    const struct xf_elem *refresh = xf_elem_child(root, XF_NS_COMPOSING, "refresh");
    uint64_t seconds;

    if (!refresh || !xf_span_number(xf_span_trim(refresh->text), UINT32_MAX, &seconds) ||
        seconds == 0)
        return XF_IM_REFRESH_S;
    return seconds < XF_IM_REFRESH_MAX_S ? (unsigned)seconds : XF_IM_REFRESH_MAX_S;
}

/* A state that we do not know is idle (RFC 3994 section 3.5). */
bool xf_im_read_composing(struct xf_span body, struct xf_im *out)
{
    struct xf_document *document;

    if (xf_interwork_parse(body, &document) != XF_ERR_OK)
        return false;
    const struct xf_elem *root = xf_document_root(document),
                         *state = xf_elem_child(root, XF_NS_COMPOSING, "state");
    bool is_good = xf_elem_is(root, XF_NS_COMPOSING, "isComposing") && state;
    if (is_good) {
        out->kind = XF_IM_TYPING;
        out->is_typing = xf_span_is(xf_span_trim(state->text), "active");
        out->refresh_s = out->is_typing ? refresh_of(root) : 0;
    }
    xf_document_free(&document);
    return is_good;
}

void xf_im_write_composing(struct xf_draft *draft, bool is_typing)
{
    xf_draft_printf(draft,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                    "<isComposing xmlns=\"" XF_NS_COMPOSING "\"><state>%s</state>"
                    "<contenttype>text/plain</contenttype>",
                    is_typing ? "active" : "idle");
    if (is_typing)
        xf_draft_printf(draft, "<refresh>%u</refresh>", XF_IM_REFRESH_S);
    xf_draft_str(draft, "</isComposing>\n");
}
