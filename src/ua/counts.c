/* SPDX-License-Identifier: MIT */
/* counts.c — what the layer counts. */
#include "flow_priv.h"

void xf_ua_count_ended(struct xf_ua *ua, enum xf_ua_dir dir, enum xf_sip_method method,
                       unsigned status)
{
    bool is_ours = ua->methods & 1u << method;
    ua->counts.ended[dir][is_ours ? method : XF_SIP_METHOD_OTHER][status / 100]++;
}

void xf_ua_count_handshake(struct xf_flow *flow, bool is_good)
{
    const struct xf_tls_facts *tls = flow->conn ? flow->conn->tls : NULL;
    enum xf_ua_dir dir = flow->is_outgoing ? XF_UA_OUT : XF_UA_IN;
    struct xf_ua_counts *counts = &flow->ua->counts;
    if (!is_good)
        counts->by[dir].tls_bad++;
    else if (tls && strcmp(tls->version, "TLSv1.3") == 0)
        counts->by[dir].tls_1_3++;
    else
        counts->by[dir].tls_1_2++;
}

static void count_flow(const struct xf_flow *flow, struct xf_ua_counts *counts)
{
    enum xf_ua_dir dir = flow->is_outgoing ? XF_UA_OUT : XF_UA_IN;
    counts->conns += xf_flow_is_open(flow);
    counts->by[dir].open += xf_flow_is_open(flow);
    counts->by[dir].opening += flow->state < XF_FLOW_OPEN;
}

void xf_ua_count(const struct xf_ua *ua, struct xf_ua_counts *out_counts)
{
    *out_counts = ua->counts;
    XF_LIST_EACH (node, &ua->flows)
        count_flow(XF_CONTAINER(node, struct xf_flow, node), out_counts);
    out_counts->half_open = xf_quota_count(&ua->half_open);
    out_counts->clients = xf_map_count(ua->clients);
    out_counts->servers = xf_map_count(ua->servers);
    out_counts->methods = ua->methods;
}
