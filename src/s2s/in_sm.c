/* SPDX-License-Identifier: MIT */
/*
 * in_sm.c — stream management on an accepted stream (XEP-0198 §3).
 *
 * It is offered after SASL only, but taken after dialback too. A stanza is handled once it passed
 * the gate: from then on we answer for it. Where the stream goes both ways (XEP-0288), the peer
 * acknowledges our stanzas as well.
 */
#include <xfed/xmpp/ns.h>

#include "in_priv.h"

void xf_in_sm_early(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_sm_refuse(&in->stream, XF_STANZA_ERROR_UNEXPECTED_REQUEST);
}

void xf_in_sm_enable(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    struct xf_carrier *carrier = &in->carrier;
    if (in->settings->ack != XF_ACK_SM || carrier->sm.counts) {
        xf_sm_refuse(&in->stream, XF_STANZA_ERROR_UNEXPECTED_REQUEST);
        return;
    }
    xf_stream_send(&in->stream, "<enabled xmlns='" XF_NS_SM "'/>");
    carrier->sm.counts = true;
    carrier->is_proving = true;
    if (in->is_bidi)
        xf_proof_by(&carrier->proof, XF_PROOF_SM, true);
}

void xf_in_sm(struct xf_in *in, const struct xf_elem *elem)
{
    (void)xf_sm_element(&in->carrier, elem);
}
