/* SPDX-License-Identifier: MIT */
/*
 * log.c — the lines of this layer: one for each failure, at the place that gives up. Decides
 * against whose limit a line counts (xfed/stream/lines.h): of conns that are not admitted by their
 * network, of others too, of next hops by the owner of the peer's domain.
 */
#include <xfed/xmpp/owner.h>

#include "core_priv.h"
#include "hop_priv.h"

#define SUMMARY_MS 60000

enum xf_log_level xf_flow_level(struct xf_flow *flow, enum xf_log_level level, const char *event)
{
    if (flow->peer)
        return xf_lines_level(flow->ua->env, XF_LINES_PEERS,
                              xf_domain_owner(xf_span_of(flow->peer)), level, event);
    return xf_lines_level(flow->ua->env, flow->open_ms ? XF_LINES_PEERS : XF_LINES_STRANGERS,
                          xf_span_of(flow->network), level, event);
}

static const char *direction(const struct xf_flow *flow)
{
    return flow->is_outgoing ? "out" : "in";
}

static const char *names_of(const struct xf_flow *flow, char *out, size_t size)
{
    if (!flow->conn || !flow->conn->tls)
        return NULL;
    xf_tls_facts_names_text(flow->conn->tls, out, size);
    return out;
}

void xf_flow_log_up(struct xf_flow *flow)
{
    char names[256], addr[XF_ADDR_TEXT_BYTES];
    const struct xf_tls_facts *tls = flow->conn->tls;
    xf_addr_text(&flow->addr, addr);
    xf_flow_log(flow, XF_LOG_INFO, "sip.conn.up", XF_INT("conn", flow->number),
                XF_WORD("dir", direction(flow)), XF_STR("peer", flow->peer), XF_STR("addr", addr),
                XF_STR("server", flow->target), XF_STR("tls", tls ? tls->version : NULL),
                XF_STR("cipher", tls ? tls->cipher : NULL),
                XF_STR("names", names_of(flow, names, sizeof(names))));
}

void xf_flow_log_refused(struct xf_flow *flow)
{
    char names[256], addr[XF_ADDR_TEXT_BYTES];
    const struct xf_tls_facts *tls = flow->conn->tls;
    if (flow->is_told)
        return;
    flow->is_told = true;
    xf_addr_text(&flow->addr, addr);
    xf_flow_log(flow, XF_LOG_WARN, "sip.conn.refused", XF_INT("conn", flow->number),
                XF_WORD("dir", direction(flow)), XF_STR("peer", flow->peer), XF_STR("addr", addr),
                XF_STR("server", flow->target), XF_WORD("reason", flow->fault.reason),
                XF_STR("detail", flow->fault.text),
                XF_STR("names", names_of(flow, names, sizeof(names))),
                XF_STR("chain", tls && *tls->chain_text ? tls->chain_text : NULL),
                XF_HELP(flow->fault.help));
}

static enum xf_log_level end_level(const struct xf_flow *flow)
{
    /* One of ours that never was up is a candidate: the line of its hop tells of the last one. */
    return flow->is_told || (!flow->open_ms && flow->is_outgoing) ? XF_LOG_DEBUG : XF_LOG_INFO;
}

static const char *end_word(const struct xf_flow *flow, enum xf_conn_end end)
{
    if (flow->fault.reason)
        return flow->fault.reason;
    return xf_conn_end_is_tls(end) ? "tls" : end == XF_CONN_END_EOF ? "closed" : "lost";
}

void xf_flow_log_end(struct xf_flow *flow, enum xf_conn_end end, const char *detail)
{
    char addr[XF_ADDR_TEXT_BYTES];
    uint64_t now_ms = flow->ua->env->clock->now_ms;
    xf_addr_text(&flow->addr, addr);
    xf_flow_log(flow, end_level(flow), "sip.conn.down", XF_INT("conn", flow->number),
                XF_WORD("dir", direction(flow)), XF_STR("peer", flow->peer), XF_STR("addr", addr),
                XF_STR("server", flow->target), XF_WORD("reason", end_word(flow, end)),
                XF_STR("detail", flow->fault.text ? flow->fault.text : detail),
                XF_INT("ms", flow->open_ms ? now_ms - flow->open_ms : 0),
                XF_HELP(flow->fault.help));
}

void xf_flow_log_malformed(struct xf_flow *flow, unsigned status, const char *text)
{
    char addr[XF_ADDR_TEXT_BYTES];
    xf_addr_text(&flow->addr, addr);
    xf_flow_log(flow, XF_LOG_WARN, "sip.message.malformed", XF_INT("conn", flow->number),
                XF_STR("peer", flow->peer), XF_STR("addr", addr), XF_INT("status", status),
                XF_STR("detail", text), XF_HELP(XF_HELP_SIP_GARBAGE));
}

void xf_core_log_refused(struct xf_core_call *call, unsigned status)
{
    struct xf_flow *flow = call->flow;
    char addr[XF_ADDR_TEXT_BYTES], names[256];
    enum xf_log_level level = call->fault.help == XF_HELP_NONE ? XF_LOG_INFO : XF_LOG_WARN;
    xf_addr_text(&flow->addr, addr);
    xf_flow_log(flow, level, "sip.request.refused", XF_INT("conn", flow->number),
                XF_SPN("peer", call->caller.peer), XF_STR("addr", addr),
                XF_SPN("method", call->request->method_name), XF_INT("status", status),
                XF_WORD("reason", call->fault.reason), XF_STR("detail", call->fault.text),
                XF_STR("of", *call->detail ? call->detail : NULL),
                XF_STR("names", names_of(flow, names, sizeof(names))), XF_HELP(call->fault.help));
}

void xf_hop_log_found(const struct xf_hop *hop)
{
    for (size_t i = 0; i < hop->candidate_count; i++) {
        char addr[XF_ADDR_TEXT_BYTES];
        xf_addr_text(&hop->candidates[i].addr, addr);
        xf_log(XF_LOG_DEBUG, "sip.address.found", XF_STR("peer", hop->name), XF_STR("addr", addr),
               XF_STR("server", hop->candidates[i].target),
               XF_WORD("secure", hop->candidates[i].is_secure ? "yes" : "no"));
    }
}

void xf_hop_log_failed(struct xf_hop *hop)
{
    struct xf_env *env = hop->ua->env;
    struct xf_span owner = xf_domain_owner(xf_span_of(hop->name));
    xf_log(xf_lines_level(env, XF_LINES_PEERS, owner, XF_LOG_WARN, "sip.hop.failed"),
           "sip.hop.failed", XF_STR("peer", hop->name),
           XF_WORD("reason", xf_ua_cause_word(hop->cause)), XF_STR("detail", hop->text),
           XF_INT("waiting", hop->client_count), XF_HELP(hop->help));
}

void xf_ua_log_slowed(struct xf_ua *ua, struct xf_span peer, const struct xf_rate_limits *limits)
{
    struct xf_span owner = xf_domain_owner(peer);
    xf_log(xf_lines_level(ua->env, XF_LINES_PEERS, owner, XF_LOG_INFO, "sip.peer.slowed"),
           "sip.peer.slowed", XF_SPN("peer", peer), XF_INT("stanza_rate", limits->stanzas),
           XF_INT("byte_rate", limits->bytes));
}

void xf_ua_log_nameless(struct xf_ua *ua, struct xf_span network,
                        const struct xf_rate_limits *limits)
{
    xf_log(xf_lines_level(ua->env, XF_LINES_STRANGERS, network, XF_LOG_WARN, "sip.network.slowed"),
           "sip.network.slowed", XF_SPN("network", network), XF_INT("rate", limits->stanzas));
}

void xf_ua_log_moved(const char *kind, const char *method, const char *from, const char *on,
                     const char *to)
{
    xf_log(XF_LOG_DEBUG, "sip.transaction.moved", XF_WORD("kind", kind), XF_WORD("method", method),
           XF_WORD("from", from), XF_WORD("on", on), XF_WORD("to", to));
}

/* ------------------------------------------------------------------ conns without a place */

static void log_crush(struct xf_ua_crush *crush)
{
    /* bounded: one a minute */
    xf_log(XF_LOG_WARN, "sip.conn.crowded", XF_STR("addr", crush->addr),
           XF_WORD("reason", crush->reason), XF_INT("suppressed", crush->refused),
           XF_HELP(XF_HELP_NO_PLACE));
    crush->refused = 0;
}

static void on_summary(void *owner)
{
    struct xf_ua *ua = owner;
    if (!ua->crush.refused)
        return;
    log_crush(&ua->crush);
    xf_timer_start(ua->env->timers, &ua->crush.timer, SUMMARY_MS);
}

void xf_ua_crush_init(struct xf_ua *ua)
{
    xf_timer_init(&ua->crush.timer, on_summary, ua);
}

void xf_ua_crush_fini(struct xf_ua *ua)
{
    xf_timer_stop(&ua->crush.timer);
}

void xf_ua_crush_note(struct xf_ua *ua, const struct xf_addr *addr, const char *reason)
{
    ua->counts.no_place++;
    xf_addr_host_text(addr, ua->crush.addr);
    ua->crush.reason = reason;
    if (xf_timer_is_running(&ua->crush.timer)) {
        ua->crush.refused++;
        return;
    }
    log_crush(&ua->crush);
    xf_timer_start(ua->env->timers, &ua->crush.timer, SUMMARY_MS);
}
