/* SPDX-License-Identifier: MIT */
/*
 * in_bidi.c — an accepted stream that goes both ways (XEP-0288).
 *
 * The feature is <bidi xmlns='urn:xmpp:features:bidi'/>, the request <bidi xmlns='urn:xmpp:bidi'/>.
 * A request is not answered, so both sides must come to the same conclusion by themselves. It
 * counts when it comes before the first pair is authenticated; STARTTLS after it cancels it (TLS
 * comes first). After authentication, or in clear where TLS is required, a request ends the stream:
 * otherwise the peer would wait for stanzas that never come. A request that we did not offer (bidi
 * = no), or that has the feature's namespace, is an unknown element and is ignored. out_rider.c
 * sends our stanzas back over the stream.
 */
#include <xfed/xmpp/ns.h>

#include "in_priv.h"
#include "stream_log_priv.h"

/* Where TLS is required, no other feature is offered before it (RFC 6120 §5.3.1). */
bool xf_in_offers_bidi(const struct xf_in *in)
{
    bool is_too_early = in->pass == XF_PASS_PLAIN && in->settings->tls == XF_TLS_REQUIRED;
    return in->pass != XF_PASS_AUTH && !is_too_early && in->settings->bidi;
}

static void log_ignored(struct xf_in *in, const char *reason)
{
    xf_log(XF_LOG_DEBUG, "s2s.bidi.ignored", XF_STR("local", in->local), XF_STR("peer", in->peer),
           XF_INT("stream", in->number), XF_STR("addr", in->host), XF_WORD("reason", reason));
}

static void take_request(struct xf_in *in, const struct xf_elem *elem)
{
    in->is_bidi = true;
    in->carrier.limits = xf_limits_read(elem); /* XEP-0478 §3.2 */
}

void xf_in_bidi_early(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    log_ignored(in, "not-offered");
}

void xf_in_bidi_late(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    if (in->settings->bidi)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_PROTOCOL_ERROR,
                   "bidi must be asked for before authentication");
    else
        log_ignored(in, "not-offered");
}

void xf_in_bidi(struct xf_in *in, const struct xf_elem *elem)
{
    if (!in->settings->bidi)
        log_ignored(in, "not-offered");
    else if (in->pass == XF_PASS_PLAIN && in->settings->tls == XF_TLS_REQUIRED)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_PROTOCOL_ERROR,
                   "TLS must come before bidi");
    else if (in->is_bidi)
        log_ignored(in, "repeated");
    else
        take_request(in, elem);
}

/*
 * After SASL, the pair was authenticated before the stream that may carry its stanzas was open.
 * Only now may its route use the stream.
 */
void xf_in_bidi_open(struct xf_in *in)
{
    if (!in->is_bidi)
        return;
    XF_LIST_EACH_SAFE (node, &in->pairs) {
        struct xf_pair *pair = xf_pair_of_node(node);
        if (pair->method != XF_AUTH_NONE)
            in->s2s->events->peer_seen(in->s2s->owner, xf_span_of(pair->local),
                                       xf_span_of(pair->peer));
    }
}
