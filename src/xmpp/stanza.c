/* SPDX-License-Identifier: MIT */
/* stanza.c — questions about a stanza that its envelope answers. */
#include <xfed/xmpp/stanza.h>

static enum xf_err prepare_if_there(struct xf_span raw, char *scratch, struct xf_jid *out_jid)
{
    if (!raw.ptr) {
        *out_jid = (struct xf_jid){0};
        return XF_ERR_OK;
    }
    return xf_jid_prepare(raw, scratch, out_jid);
}

enum xf_err xf_stanza_address(struct xf_stanza *stanza, struct xf_stanza_scratch *scratch,
                              bool *out_is_from)
{
    if (prepare_if_there(stanza->raw_from, scratch->from, &stanza->from) != XF_ERR_OK) {
        *out_is_from = true;
        return XF_ERR_BAD_JID;
    }
    if (prepare_if_there(stanza->raw_to, scratch->to, &stanza->to) != XF_ERR_OK) {
        *out_is_from = false;
        return XF_ERR_BAD_JID;
    }
    return XF_ERR_OK;
}

const char *xf_stanza_kind_name(enum xf_stanza_kind kind)
{
    static const char *const names[] = {
        [XF_STANZA_MESSAGE] = "message",
        [XF_STANZA_PRESENCE] = "presence",
        [XF_STANZA_IQ] = "iq",
    };

    xf_require((size_t)kind < XF_ARRAY_LEN(names));
    return names[kind];
}

/* Answers to answers could go on for ever, so errors and results get none. */
bool xf_stanza_may_bounce(const struct xf_stanza *stanza)
{
    switch (stanza->kind) {
    case XF_STANZA_MESSAGE:
        return !xf_span_is(stanza->type, "error");
    case XF_STANZA_PRESENCE:
        return !stanza->type.ptr || xf_span_is(stanza->type, "subscribe") ||
               xf_span_is(stanza->type, "probe");
    case XF_STANZA_IQ:
        return !xf_span_is(stanza->type, "error") && !xf_span_is(stanza->type, "result");
    }
    return false;
}
