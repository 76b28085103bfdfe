/* SPDX-License-Identifier: MIT */
/*
 * in_gate.c — the operations of the gate (gate.c) for an accepted stream: which of its pairs are
 * authenticated.
 */
#include "in_priv.h"
#include "stream_log_priv.h"

static struct xf_in *in_of(struct xf_gate *gate)
{
    return XF_CONTAINER(gate, struct xf_in, gate);
}

static void refuse_stanza(struct xf_gate *gate, const struct xf_stanza *stanza,
                          const struct xf_gate_refusal *refusal)
{
    struct xf_in *in = in_of(gate);
    xf_in_log(in, XF_LOG_WARN, "s2s.stanza.refused", XF_STR("local", in->local),
              XF_STR("peer", in->peer), XF_STR("addr", in->host),
              XF_WORD("kind", xf_stanza_kind_name(stanza->kind)), XF_SPN("from", stanza->raw_from),
              XF_SPN("to", stanza->raw_to), XF_WORD("reason", refusal->reason),
              XF_HELP(refusal->help));
    if (refusal->error != XF_STREAM_ERROR_NONE)
        xf_in_fail(in, refusal->error, refusal->help, refusal->text);
}

static bool is_last(const struct xf_pair *last, struct xf_span local, struct xf_span peer)
{
    return last && xf_span_eq(xf_span_of(last->peer), peer) &&
           xf_span_eq(xf_span_of(last->local), local);
}

static struct xf_pair *find_valid(struct xf_in *in, struct xf_span local, struct xf_span peer)
{
    if (is_last(in->last_pair, local, peer))
        return in->last_pair;
    struct xf_pair *pair = xf_in_find_pair(in, local, peer);
    return pair && pair->method != XF_AUTH_NONE ? pair : NULL;
}

static bool is_open(struct xf_gate *gate)
{
    return in_of(gate)->valid_pairs > 0 && in_of(gate)->is_open;
}

static bool has_pair(struct xf_gate *gate, struct xf_span local, struct xf_span peer)
{
    struct xf_pair *pair = find_valid(in_of(gate), local, peer);
    if (pair)
        in_of(gate)->last_pair = pair;
    return pair != NULL;
}

static struct xf_span local_of(struct xf_gate *gate, struct xf_span peer)
{
    const struct xf_pair *pair = xf_in_find_peer(in_of(gate), peer);
    return xf_span_of(pair ? pair->local : NULL);
}

static struct xf_counted *counted(struct xf_gate *gate)
{
    return in_of(gate)->last_pair->counted;
}

const struct xf_gate_ops xf_in_gate_ops = {
    .is_open = is_open,
    .has_pair = has_pair,
    .local_of = local_of,
    .counted = counted,
    .refuse = refuse_stanza,
};
