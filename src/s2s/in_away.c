/* SPDX-License-Identifier: MIT */
/*
 * in_away.c — accepted streams to a served domain that this node cannot reach
 * (xf_s2s_events.is_away): the peer should open a stream to another node.
 *
 * A new stream ends with remote-connection-failed (RFC 6120 §4.9.3.15) behind the header. jabberd2
 * and xfedd try the next SRV target then. Prosody and ejabberd do so only when TCP fails: they get
 * there because the listeners refuse them, as long as no link is up. Streams with authenticated
 * pairs are closed without an error, since some servers answer an error with bounces.
 */
#include "in_priv.h"

#define TEXT "the domain cannot be reached from this server now"

void xf_in_turn_away(struct xf_in *in)
{
    xf_in_fail(in, XF_STREAM_ERROR_REMOTE_CONNECTION_FAILED, XF_HELP_LINK_DOWN, TEXT);
}

static bool has_away_pair(const struct xf_in *in)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        if (pair->method != XF_AUTH_NONE && xf_s2s_is_away(in->s2s, xf_span_of(pair->local)))
            return true;
    }
    return false;
}

void xf_in_look_away(struct xf_in *in)
{
    if (has_away_pair(in))
        xf_in_close(in);
    else if (in->valid_pairs == 0 && xf_s2s_is_away(in->s2s, xf_span_of(in->local)))
        xf_in_turn_away(in);
}
