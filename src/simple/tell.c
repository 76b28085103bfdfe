/* SPDX-License-Identifier: MIT */
/* tell.c — presence that subscriptions make, on its way to the cluster. */
#include "simple_priv.h"

/* Would policy refuse it? */
static bool is_barred(const struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_span user = xf_jid_bare(&stanza->to), peer = stanza->from.domain;
    return !xf_simple_reaches(simple, user, peer, XF_DIRECTION_IN) ||
           !xf_simple_passes(simple, user, peer, XF_DIRECTION_IN, XF_KINDS_PRESENCE, false);
}

bool xf_tell(struct xf_simple *simple, const struct xf_tidings *tidings)
{
    struct xf_stanza_scratch scratch;
    uint64_t wait_ms;
    struct xf_stanza stanza = {
        .kind = XF_STANZA_PRESENCE,
        .raw_from = tidings->from,
        .raw_to = tidings->to,
        .type = tidings->type ? xf_span_of(tidings->type) : XF_SPAN_NONE,
        .id = tidings->id,
        .lang = tidings->lang,
        .payload = tidings->payload,
    };
    xf_require(xf_jid_prepare(tidings->from, scratch.from, &stanza.from) == XF_ERR_OK &&
               xf_jid_prepare(tidings->to, scratch.to, &stanza.to) == XF_ERR_OK);
    stanza.wire_bytes = tidings->from.len + tidings->to.len + tidings->payload.len;
    xf_stanza_find_children(&stanza);
    if (tidings->is_last && is_barred(simple, &stanza))
        return simple->events->parted(simple->owner, &stanza);
    enum xf_simple_taken taken = simple->events->stanza(simple->owner, &stanza, &wait_ms);
    simple->is_full |= taken == XF_SIMPLE_FULL;
    return taken != XF_SIMPLE_LATER;
}
