/* SPDX-License-Identifier: MIT */
/*
 * features.c — reads and writes stream features (RFC 6120 §4.3.2; XEP-0220 §2.3, XEP-0288 §2.1,
 * XEP-0198 §3, XEP-0478).
 */
#include <xfed/xmpp/ns.h>

#include "features_priv.h"

#define IDLE_MIN_S 10 /* a shorter idle limit of a peer counts as this */

static bool has_external(const struct xf_elem *mechanisms)
{
    for (const struct xf_elem *child = mechanisms->first_child; child; child = child->next)
        if (xf_elem_is(child, XF_NS_SASL, "mechanism") &&
            xf_span_is(xf_span_trim(child->text), "EXTERNAL"))
            return true;
    return false;
}

/* An xs:unsignedInt. 0: nothing usable. */
static uint32_t read_number(const struct xf_elem *limits, const char *name)
{
    const struct xf_elem *elem = xf_elem_child(limits, XF_NS_STREAM_LIMITS, name);
    uint64_t value = 0;
    if (elem)
        (void)xf_span_number(xf_span_trim(elem->text), UINT32_MAX, &value);
    return (uint32_t)value;
}

struct xf_said_limits xf_limits_read(const struct xf_elem *parent)
{
    const struct xf_elem *elem = xf_elem_child(parent, XF_NS_STREAM_LIMITS, "limits");
    if (!elem)
        return (struct xf_said_limits){0};
    uint32_t max_bytes = read_number(elem, "max-bytes"), idle_s = read_number(elem, "idle-seconds");
    if (max_bytes < 10000) /* RFC 6120 §13.12: a server must not set less */
        max_bytes = 0;
    if (idle_s && idle_s < IDLE_MIN_S)
        idle_s = IDLE_MIN_S;
    return (struct xf_said_limits){.max_bytes = max_bytes, .idle_ms = 1000ull * idle_s};
}

void xf_limits_write(struct xf_draft *draft, const struct xf_said_limits *limits)
{
    xf_draft_printf(draft,
                    "<limits xmlns='" XF_NS_STREAM_LIMITS "'><max-bytes>%zu</max-bytes>"
                    "<idle-seconds>%llu</idle-seconds></limits>",
                    limits->max_bytes, (unsigned long long)(limits->idle_ms / 1000));
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
            features.dialback_errors =
                xf_elem_child(child, XF_NS_DIALBACK_FEATURE, "errors") != NULL;
        } else if (xf_elem_is(child, XF_NS_BIDI_FEATURE, "bidi")) {
            features.bidi = true;
        } else if (xf_elem_is(child, XF_NS_SM, "sm")) {
            features.sm = true;
        }
    }
    features.limits = xf_limits_read(elem);
    return features;
}

void xf_features_write(struct xf_stream *stream, const struct xf_features_offer *offer)
{
    struct xf_draft draft = xf_stream_draft(stream);
    xf_draft_str(&draft, "<stream:features>");
    if (offer->tls)
        xf_draft_str(&draft, offer->tls_required ? "<starttls xmlns='" XF_NS_TLS
                                                   "'><required/></starttls>"
                                                 : "<starttls xmlns='" XF_NS_TLS "'/>");
    if (offer->external)
        xf_draft_str(&draft, "<mechanisms xmlns='" XF_NS_SASL
                             "'><mechanism>EXTERNAL</mechanism></mechanisms>");
    if (offer->dialback)
        xf_draft_str(&draft, "<dialback xmlns='" XF_NS_DIALBACK_FEATURE "'><errors/></dialback>");
    if (offer->bidi)
        xf_draft_str(&draft, "<bidi xmlns='" XF_NS_BIDI_FEATURE "'/>");
    if (offer->sm)
        xf_draft_str(&draft, "<sm xmlns='" XF_NS_SM "'/>");
    if (offer->limits.max_bytes)
        xf_limits_write(&draft, &offer->limits);
    xf_draft_str(&draft, "</stream:features>");
    xf_stream_send_draft(stream, &draft);
}
