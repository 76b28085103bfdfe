/* SPDX-License-Identifier: MIT */
/* sm.c — answers to <r/>, and what an <a/> of the peer proves (XEP-0198 §4). */
#include <xfed/xmpp/ns.h>

#include "carrier_priv.h"
#include "sm_priv.h"

#define DUE_BYTES 128 /* of an <r/> or <a/>, whose namespace may be declared */

static void acknowledge(struct xf_carrier *carrier)
{
    struct xf_draft draft = xf_stream_draft(carrier->stream);
    xf_draft_printf(&draft, "<a xmlns='" XF_NS_SM "' h='%u'/>", carrier->sm.handled);
    xf_stream_send_draft(carrier->stream, &draft);
    carrier->sm.said = carrier->sm.handled;
}

static bool read_handled(const struct xf_elem *elem, uint32_t *out)
{
    uint64_t value;
    bool is_number = xf_span_number(xf_elem_token(elem, "h"), UINT32_MAX, &value);
    *out = is_number ? (uint32_t)value : 0;
    return is_number;
}

static void take_acknowledgement(struct xf_carrier *carrier, const struct xf_elem *elem)
{
    uint32_t handled;
    if (!read_handled(elem, &handled))
        xf_stream_fail(carrier->stream, XF_STREAM_ERROR_BAD_FORMAT, XF_HELP_PROTOCOL_ERROR,
                       "an <a/> needs a number h");
    else if (xf_proof_acked(&carrier->proof, handled) != XF_ERR_OK)
        xf_stream_fail(carrier->stream, XF_STREAM_ERROR_UNDEFINED_CONDITION, XF_HELP_PROTOCOL_ERROR,
                       "you acknowledged more stanzas than we sent");
}

bool xf_sm_element(struct xf_carrier *carrier, const struct xf_elem *elem)
{
    if (carrier->sm.counts && xf_elem_is(elem, XF_NS_SM, "r"))
        acknowledge(carrier);
    else if (carrier->proof.by == XF_PROOF_SM && xf_elem_is(elem, XF_NS_SM, "a"))
        take_acknowledgement(carrier, elem);
    else
        return false;
    return true;
}

bool xf_sm_is_due(const struct xf_carrier *carrier, const struct xf_elem *elem)
{
    uint32_t handled;
    if (elem->wire_bytes > DUE_BYTES)
        return false;
    if (xf_elem_is(elem, XF_NS_SM, "r"))
        return carrier->sm.counts && carrier->sm.said != carrier->sm.handled;
    return carrier->proof.by == XF_PROOF_SM && xf_elem_is(elem, XF_NS_SM, "a") &&
           read_handled(elem, &handled) && xf_proof_is_news(&carrier->proof, handled);
}

void xf_sm_part(struct xf_carrier *carrier)
{
    if (carrier->proof.by == XF_PROOF_SM && xf_proof_is_pending(&carrier->proof) &&
        !carrier->stream->footer_seen && !carrier->stream->is_suspended)
        xf_stream_send(carrier->stream, "<r xmlns='" XF_NS_SM "'/>");
    if (carrier->sm.counts && carrier->sm.said != carrier->sm.handled)
        acknowledge(carrier);
}

bool xf_sm_learn(struct xf_carrier *carrier, const struct xf_proof_mark *mark, uint32_t handled)
{
    if (!xf_proof_mark_number(mark, handled, &carrier->resumed_number))
        return false;
    carrier->resumed_serial = mark->serial;
    carrier->resumed_untold = mark->untold;
    return true;
}

void xf_sm_refuse(struct xf_stream *stream, enum xf_stanza_error error)
{
    struct xf_draft draft = xf_stream_draft(stream);
    xf_draft_printf(&draft,
                    "<failed xmlns='" XF_NS_SM "'><%s xmlns='" XF_NS_STANZA_ERROR "'/></failed>",
                    xf_stanza_error_name(error));
    xf_stream_send_draft(stream, &draft);
}
