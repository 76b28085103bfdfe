/* SPDX-License-Identifier: MIT */
/* dialback.c — keys of XEP-0185 and the elements of XEP-0220 §2. */
#include "dialback_priv.h"

#include <stdio.h>

#include <xfed/xmpp/ns.h>

void xf_dialback_secret_prepare(struct xf_span configured, struct xf_dialback_secret *out)
{
    xf_sha256_hex(&configured, 1, out->hex);
}

struct xf_dialback_key xf_dialback_key_of(const struct xf_dialback_secret *secret,
                                          struct xf_span receiving, struct xf_span originating,
                                          struct xf_span stream_id)
{
    struct xf_dialback_key key;
    char text[2 * XF_DOMAIN_MAX + XF_DIALBACK_ID_MAX + 3];
    size_t id_len = stream_id.len < XF_DIALBACK_ID_MAX ? stream_id.len : XF_DIALBACK_ID_MAX;
    int len = snprintf(text, sizeof(text), "%.*s %.*s %.*s", XF_SPAN_ARGS(receiving),
                       XF_SPAN_ARGS(originating), (int)id_len, stream_id.ptr ? stream_id.ptr : "");
    xf_require(len > 0 && (size_t)len < sizeof(text));
    xf_hmac_sha256_hex(xf_span_of(secret->hex), (struct xf_span){text, (size_t)len}, key.hex);
    return key;
}

bool xf_dialback_key_is_ours(const struct xf_dialback_secret *secret, struct xf_span receiving,
                             struct xf_span originating, struct xf_span stream_id,
                             struct xf_span key)
{
    if (stream_id.len == 0 || stream_id.len > XF_DIALBACK_ID_MAX)
        return false;
    struct xf_dialback_key made = xf_dialback_key_of(secret, receiving, originating, stream_id);
    return xf_secret_eq(xf_span_of(made.hex), key);
}

enum xf_err xf_dialback_read_names(const struct xf_elem *elem, struct xf_dialback_names *out)
{
    struct xf_dialback_names names;
    if (xf_elem_attr(elem, "id").len > XF_DIALBACK_ID_MAX)
        return XF_ERR_LIMIT;
    if (xf_domain_prepare(xf_elem_attr(elem, "from"), names.from) != XF_ERR_OK ||
        xf_domain_prepare(xf_elem_attr(elem, "to"), names.to) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    *out = names;
    return XF_ERR_OK;
}

void xf_dialback_write(struct xf_stream *stream, const struct xf_dialback_elem *elem)
{
    struct xf_draft draft = xf_stream_draft(stream);
    xf_draft_printf(&draft, "<db:%s", elem->name);
    xf_xml_attr(&draft, "from", elem->from);
    xf_xml_attr(&draft, "to", elem->to);
    xf_xml_attr(&draft, "id", elem->id);
    xf_xml_attr(&draft, "type", xf_span_of(elem->type));
    if (elem->error) {
        xf_draft_printf(&draft,
                        "><error type='%s'><%s xmlns='" XF_NS_STANZA_ERROR "'/></error></db:%s>",
                        elem->error_type, elem->error, elem->name);
    } else if (elem->key.len) {
        xf_draft_str(&draft, ">");
        xf_xml_text(&draft, elem->key);
        xf_draft_printf(&draft, "</db:%s>", elem->name);
    } else {
        xf_draft_str(&draft, "/>");
    }
    xf_stream_send_draft(stream, &draft);
}
