/* SPDX-License-Identifier: MIT */
/*
 * in_policy.c — accepted streams of peers from which policy lets nothing pass. We refuse such a
 * peer at the first header that names it, before TLS and before any DNS question; and again when it
 * tries to authenticate (db:result, SASL), since a header in clear is only a hint.
 *
 * The setting denied-peer says what the peer is told: an error, policy-violation at once, or
 * nothing. A stream with authenticated pairs does not end because another pair on it is refused.
 */
#include <stdio.h>

#include "in_priv.h"
#include "stream_log_priv.h"

bool xf_in_is_denied(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                     struct xf_ruling *out)
{
    xf_policy_judge_pair(in->s2s->policy, local, peer, XF_DIRECTION_IN, out);
    return !out->passes;
}

/* A peer to which we only send still has to ask us about our keys (db:verify). */
bool xf_in_is_shut_out(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                       struct xf_ruling *out)
{
    return local.len > 0 && peer.len > 0 && xf_in_is_denied(in, local, peer, out) &&
           !xf_policy_may(in->s2s->policy, local, peer, XF_DIRECTION_OUT);
}

void xf_in_log_denied(struct xf_in *in, struct xf_span local, struct xf_span peer,
                      const struct xf_ruling *ruling)
{
    char place[300] = "";
    if (ruling->file)
        snprintf(place, sizeof(place), "%s:%d", ruling->file, ruling->line);
    xf_in_log(in, XF_LOG_INFO, "policy.peer.refused", XF_SPN("local", local), XF_SPN("peer", peer),
              XF_STR("addr", in->host), XF_WORD("rule", xf_rule_word(ruling->rule)),
              XF_STR("key", ruling->key), XF_STR("place", *place ? place : NULL),
              XF_STR("detail", *ruling->note ? ruling->note : ruling->text), XF_HELP(ruling->help));
}

void xf_in_deny(struct xf_in *in, const struct xf_ruling *ruling)
{
    if (ruling->answer == XF_DENIAL_SILENT)
        xf_stream_abort(&in->stream);
    else
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, ruling->help, ruling->text);
}
