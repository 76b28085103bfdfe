/* SPDX-License-Identifier: MIT */
/* features.c — stream features, read and written (RFC 6120 §4.3.2; XEP-0220 §2.3, XEP-0288 §2.1, XEP-0478). */
#include "s2s_priv.h"

#include <xfed/xmpp/ns.h>

static bool has_external(const struct xf_elem *mechanisms)
{
    for (const struct xf_elem *child = mechanisms->first_child; child; child = child->next)
        if (xf_elem_is(child, XF_NS_SASL, "mechanism") && xf_span_is(child->text, "EXTERNAL"))
            return true;
    return false;
}

static size_t read_max_bytes(const struct xf_elem *limits)
{
    const struct xf_elem *elem = xf_elem_child(limits, XF_NS_STREAM_LIMITS, "max-bytes");
    size_t value = 0;
    if (!elem)
        return 0;
    for (size_t i = 0; i < elem->text.len; i++) {
        char c = elem->text.ptr[i];
        if (c < '0' || c > '9' || value > (SIZE_MAX >> 8))
            return 0;
        value = value * 10 + (size_t)(c - '0');
    }
    return value < 10000 ? 0 : value; /* RFC 6120 §13.12: no server may take less */
}

struct xf_features xf_features_read(const struct xf_elem *elem)
{
    struct xf_features features = {0};
    for (const struct xf_elem *child = elem->first_child; child; child = child->next) {
        if (xf_elem_is(child, XF_NS_TLS, "starttls")) {
            features.tls = true;
            features.tls_required = xf_elem_child(child, XF_NS_TLS, "required") != NULL;
        } else if (xf_elem_is(child, XF_NS_SASL, "mechanisms")) {
            features.external = features.external || has_external(child);
        } else if (xf_elem_is(child, XF_NS_DIALBACK_FEATURE, "dialback")) {
            features.dialback = true;
            features.dialback_errors = xf_elem_child(child, XF_NS_DIALBACK_FEATURE, "errors") != NULL;
        } else if (xf_elem_is(child, XF_NS_BIDI_FEATURE, "bidi")) {
            features.bidi = true;
        } else if (xf_elem_is(child, XF_NS_STREAM_LIMITS, "limits")) {
            features.max_bytes = read_max_bytes(child);
        }
    }
    return features;
}

void xf_features_write(struct xf_stream *stream, const struct xf_features_offer *offer)
{
    struct xf_buf *out = xf_stream_out(stream);
    if (!out)
        return;
    xf_buf_append_str(out, "<stream:features>");
    if (offer->tls)
        xf_buf_append_str(out, offer->tls_required ? "<starttls xmlns='" XF_NS_TLS "'><required/></starttls>"
                                                   : "<starttls xmlns='" XF_NS_TLS "'/>");
    if (offer->external)
        xf_buf_append_str(out, "<mechanisms xmlns='" XF_NS_SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>");
    if (offer->dialback)
        xf_buf_append_str(out, "<dialback xmlns='" XF_NS_DIALBACK_FEATURE "'><errors/></dialback>");
    if (offer->bidi)
        xf_buf_append_str(out, "<bidi xmlns='" XF_NS_BIDI_FEATURE "'/>");
    if (offer->max_bytes)
        xf_buf_appendf(out,
                       "<limits xmlns='" XF_NS_STREAM_LIMITS "'><max-bytes>%zu</max-bytes>"
                       "<idle-seconds>%llu</idle-seconds></limits>",
                       offer->max_bytes, (unsigned long long)(offer->idle_ms / 1000));
    xf_buf_append_str(out, "</stream:features>");
    xf_stream_flush(stream);
}
