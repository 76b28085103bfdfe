/* SPDX-License-Identifier: MIT */
/* view.c — what an operator may see of SIP peers, and do to them. */
#include "simple_priv.h"

#include <xfed/base/alloc.h>

static const char *state_of(const struct xf_ua_hop_view *hop)
{
    if (hop->cause != XF_UA_CAUSE_NONE)
        return "sip-failing";
    if (hop->waiting)
        return "sip-connecting";
    if (hop->asked)
        return "sip-asking";
    return hop->conns ? "sip-open" : "sip-idle";
}

void xf_simple_view(const struct xf_simple *simple, struct xf_span local, struct xf_span peer,
                    struct xf_simple_view *out)
{
    struct xf_ua_hop_view hop;
    const struct xf_pair_load *load = xf_pager_load(simple, local, peer);
    xf_ua_view_hop(simple->ua, peer, &hop);
    bool is_failing = hop.cause != XF_UA_CAUSE_NONE;
    *out = (struct xf_simple_view){
        .state = state_of(&hop),
        .cause = is_failing ? xf_ua_cause_word(hop.cause) : NULL,
        .text = is_failing ? hop.text : NULL,
        .retry_ms = hop.retry_ms,
    };
    if (!load)
        return;
    out->sent = load->sent;
    out->queued.count = load->held.count - load->sent.count;
    out->queued.bytes = load->held.bytes - load->sent.bytes;
}

size_t xf_simple_flush(struct xf_simple *simple, struct xf_span peer)
{
    return xf_pager_flush(simple, peer);
}

bool xf_simple_retry(struct xf_simple *simple, struct xf_span peer)
{
    struct xf_ua_hop_view hop;
    char *name = xf_span_dup(peer);
    xf_ua_view_hop(simple->ua, peer, &hop);
    xf_ua_retry(simple->ua, name);
    xf_free(name);
    return hop.cause != XF_UA_CAUSE_NONE;
}

bool xf_simple_view_conns(const struct xf_simple *simple, uint64_t *at, size_t most,
                          xf_ua_conn_view_fn show, void *owner)
{
    return xf_ua_view_conns(simple->ua, at, most, show, owner);
}

size_t xf_simple_close_peer(struct xf_simple *simple, struct xf_span peer)
{
    return xf_ua_close_peer(simple->ua, peer);
}

size_t xf_simple_close_conn(struct xf_simple *simple, uint64_t number)
{
    return xf_ua_close_conn(simple->ua, number);
}
