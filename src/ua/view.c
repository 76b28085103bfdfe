/* SPDX-License-Identifier: MIT */
/* view.c — what an operator may see of conns and next hops, and do to them. */
#include <xfed/ua/view.h>

#include <xfed/base/alloc.h>

#include "flow_priv.h"
#include "hop_priv.h"

static const char *const states[] = {
    [XF_FLOW_BEGUN] = "begun",       [XF_FLOW_CONNECTING] = "connecting",
    [XF_FLOW_SECURING] = "securing", [XF_FLOW_JUDGING] = "judging",
    [XF_FLOW_OPEN] = "open",         [XF_FLOW_ENDING] = "ending",
};

/* Whose conn it is; NULL: of nobody yet. */
static const char *peer_of(const struct xf_flow *flow)
{
    return flow->is_outgoing ? flow->peer : flow->caller;
}

static void show_flow(const struct xf_flow *flow, xf_ua_conn_view_fn show, void *owner)
{
    char addr[XF_ADDR_TEXT_BYTES];
    uint64_t now_ms = flow->ua->env->clock->now_ms;
    const struct xf_tls_facts *tls = flow->conn ? flow->conn->tls : NULL;
    xf_addr_text(&flow->addr, addr);
    show(owner, &(struct xf_ua_conn_view){
                    .number = flow->number,
                    .dir = flow->is_outgoing ? XF_UA_OUT : XF_UA_IN,
                    .peer = peer_of(flow),
                    .server = flow->target,
                    .addr = addr,
                    .state = states[flow->state],
                    .tls = tls ? tls->version : NULL,
                    .cipher = tls ? tls->cipher : NULL,
                    .is_open = xf_flow_is_open(flow),
                    .is_paused = xf_flow_is_paused(flow),
                    .age_ms = flow->open_ms ? now_ms - flow->open_ms : 0,
                    .idle_ms = flow->used_ms ? now_ms - flow->used_ms : 0,
                    .asked = flow->client_count,
                    .open = flow->server_count,
                });
}

bool xf_ua_view_conns(const struct xf_ua *ua, uint64_t *at, size_t most, xf_ua_conn_view_fn show,
                      void *owner)
{
    size_t shown = 0;
    XF_LIST_EACH (node, &ua->flows) {
        const struct xf_flow *flow = XF_CONTAINER(node, struct xf_flow, node);
        if (flow->number <= *at || flow->state == XF_FLOW_ENDING)
            continue;
        if (shown++ == most)
            return true;
        show_flow(flow, show, owner);
        *at = flow->number;
    }
    return false;
}

static void view_conns(const struct xf_hop *hop, struct xf_ua_hop_view *out)
{
    out->asked = hop->client_count;
    XF_LIST_EACH (node, &hop->waiting)
        out->waiting++;
    XF_LIST_EACH (node, &hop->flows)
        out->conns += xf_flow_is_open(XF_CONTAINER(node, struct xf_flow, hop_node));
}

void xf_ua_view_hop(const struct xf_ua *ua, struct xf_span name, struct xf_ua_hop_view *out)
{
    struct xf_ua_key key;
    int cause = XF_UA_CAUSE_NONE;
    char *text = xf_span_dup(name);
    *out = (struct xf_ua_hop_view){.text = ""};
    xf_ua_key_of_hop(&key, name, xf_span_of(ua->settings.host));
    const struct xf_hop *hop = xf_map_find(ua->hops, xf_ua_key_span(&key));
    if (hop)
        view_conns(hop, out);
    if (out->conns == 0 && xf_backoff_is_waiting(&ua->backoff, text, &cause, &out->text))
        out->retry_ms = xf_backoff_left_ms(&ua->backoff, text);
    out->cause = (enum xf_ua_cause)cause;
    xf_free(text);
}

/* ------------------------------------------------------------------ acts */

static size_t close_flow(struct xf_flow *flow)
{
    static const struct xf_ua_fault closed = {"closed-here", "an operator closed it", XF_HELP_NONE};
    if (flow->state == XF_FLOW_ENDING)
        return 0;
    if (!flow->open_ms)
        flow->ua->flow_events->failed(flow, XF_UA_CAUSE_CONNECT, closed.text);
    xf_flow_end(flow, &closed, XF_UA_CAUSE_LOST, XF_FLOW_LINGER_MS);
    return 1;
}

size_t xf_ua_close_peer(struct xf_ua *ua, struct xf_span peer)
{
    size_t closed = 0;
    XF_LIST_EACH_SAFE (node, &ua->flows) {
        struct xf_flow *flow = XF_CONTAINER(node, struct xf_flow, node);
        const char *whose = peer_of(flow);
        if (whose && xf_span_is(peer, whose))
            closed += close_flow(flow);
    }
    return closed;
}

size_t xf_ua_close_conn(struct xf_ua *ua, uint64_t number)
{
    XF_LIST_EACH_SAFE (node, &ua->flows) {
        struct xf_flow *flow = XF_CONTAINER(node, struct xf_flow, node);
        if (flow->number == number)
            return close_flow(flow);
    }
    return 0;
}
