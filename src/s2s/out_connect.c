/* SPDX-License-Identifier: MIT */
/*
 * out_connect.c — takes an outgoing stream from the peer's domain to a conn: discovery (RFC 6120
 * §3.2), the race of the candidates, and TLS on the one that won.
 */
#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "out_priv.h"
#include "stream_log_priv.h"

#define PROBE_CONNECT_MS 3000
#define PROBE_PER_HOST   4

static void on_discovered(void *owner, const struct xf_discovery_result *result);
static void on_dial_connected(void *owner, struct xf_conn *conn,
                              const struct xf_candidate *candidate);
static void on_dial_failed(void *owner, const struct xf_dial_failure *failure);

static void on_dial_tried(void *owner, const struct xf_candidate *candidate, const char *detail,
                          uint64_t ms);

static const struct xf_dial_events dial_events = {.connected = on_dial_connected,
                                                  .failed = on_dial_failed,
                                                  .tried = on_dial_tried};

/* ------------------------------------------------------------------ discovery */

void xf_out_resolve(struct xf_out *out)
{
    const struct xf_peer_settings *settings = out->settings;
    struct xf_dns *dns = xf_s2s_dns(out->s2s, settings);
    bool direct = settings->direct_tls && settings->tls != XF_TLS_NONE && !out->in_clear;
    if (!out->in_clear)
        out->s2s->counting.totals.by[xf_out_dir(out)].opened++;
    if (!dns) {
        xf_out_give_up(out, XF_CAUSE_DNS_FAILED, XF_HELP_DNS_BUSY, XF_STREAM_ERROR_NONE,
                       "too many different resolvers are being asked");
        return;
    }
    if (settings->route.count) {
        out->discovery = xf_discover_static(
            dns, XF_SERVICE_XMPP, (const char *const *)settings->route.item, settings->route.count,
            settings->route_order == XF_ROUTE_EQUAL, on_discovered, out);
        return;
    }
    struct xf_discovery_opts opts = {.services = XF_SERVICE_XMPP | (direct ? XF_SERVICE_XMPPS : 0u),
                                     .dane = settings->dane};
    out->discovery = xf_discover(dns, xf_span_of(out->peer), &opts, on_discovered, out);
}

static unsigned connect_ms(const struct xf_out *out)
{
    uint64_t usual_ms = out->settings->connect_ms;
    return (unsigned)(out->purpose == XF_OUT_PROBE && usual_ms > PROBE_CONNECT_MS ? PROBE_CONNECT_MS
                                                                                  : usual_ms);
}

/*
 * Holds the dial back from addresses that a stranger chose, or that a probe tried a moment ago
 * (dial_priv.h); NULL: neither.
 */
static struct xf_backoff *backoff_of(const struct xf_out *out)
{
    struct xf_s2s *s2s = out->s2s;
    if (out->purpose == XF_OUT_PROBE)
        return &s2s->probe_backoff;
    bool is_chosen_by_stranger = out->purpose == XF_OUT_VERIFY || out->for_stranger;
    return is_chosen_by_stranger ? &s2s->verifying.addr_backoff : NULL;
}

static void start_dial(struct xf_out *out, const struct xf_discovery_result *result)
{
    struct xf_dial_opts opts = {
        .connect_ms = connect_ms(out),
        .source = xf_peer_source(out->settings),
        .backoff = backoff_of(out),
        .per_host = out->purpose == XF_OUT_PROBE ? PROBE_PER_HOST : xf_s2s_per_host(out->s2s),
        .per_host_elsewhere = out->purpose == XF_OUT_PROBE ? 0 : xf_s2s_per_host(out->s2s) / 2,
        .peer = out->peer,
        .avoided = &out->s2s->avoided,
        .forgiven = out->in_clear ? XF_CAUSE_TLS : XF_CAUSE_NONE,
    };
    for (size_t i = 0; i < result->count; i++)
        out->tlsa_exists = out->tlsa_exists || xf_tlsa_set_is_usable(result->candidates[i].tlsa);
    out->dial =
        xf_dial_new(out->s2s->env, result->candidates, result->count, &opts, &dial_events, out);
}

static void log_found(struct xf_out *out, const struct xf_discovery_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct xf_candidate *candidate = &result->candidates[i];
        char addr[XF_ADDR_TEXT_BYTES];
        xf_addr_text(&candidate->addr, addr);
        xf_out_log(out, XF_LOG_DEBUG, "s2s.address.found", XF_STR("local", out->local),
                   XF_STR("peer", out->peer), XF_STR("addr", addr),
                   XF_STR("server", candidate->target),
                   XF_WORD("direct", candidate->is_direct ? "yes" : NULL),
                   XF_WORD("secure", candidate->is_secure ? "yes" : NULL),
                   XF_WORD("tlsa", candidate->tlsa ? "yes" : NULL));
    }
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct xf_out *out = owner;
    out->discovery = NULL;
    switch (result->outcome) {
    case XF_DISCOVERY_FOUND:
        log_found(out, result);
        start_dial(out, result);
        xf_out_fire(out, XF_OUT_ON_FOUND);
        return;
    case XF_DISCOVERY_NO_SERVICE:
        xf_out_give_up(out, XF_CAUSE_NO_SERVICE, result->help, XF_STREAM_ERROR_NONE,
                       "the domain says in DNS that it has no XMPP server");
        return;
    case XF_DISCOVERY_NOT_FOUND:
        xf_out_give_up(out, XF_CAUSE_NOT_FOUND, result->help, XF_STREAM_ERROR_NONE, result->detail);
        return;
    case XF_DISCOVERY_FAILED:
        break;
    }
    out->behind = xf_asprintf("%s: %s", result->detail, result->cause);
    xf_out_give_up(out, XF_CAUSE_DNS_FAILED, result->help, XF_STREAM_ERROR_NONE,
                   "DNS did not answer for the domain");
}

/* ------------------------------------------------------------------ the race */

static void init_stream(struct xf_out *out)
{
    struct xf_reader_limits limits = xf_s2s_limits_before(out->s2s);
    xf_stream_init(&out->stream, out->s2s->env, XF_NS_SERVER, &limits,
                   out->s2s->settings.unauthenticated.elements, out->stream_events);
    out->has_stream = true;
}

static void on_dial_connected(void *owner, struct xf_conn *conn,
                              const struct xf_candidate *candidate)
{
    struct xf_out *out = owner;
    if (out->has_stream)
        xf_stream_fini(&out->stream);
    init_stream(out);
    xf_stream_attach(&out->stream, conn);
    out->addr = conn->addr;
    out->is_direct = candidate->is_direct;
    xf_free(out->target);
    out->target = candidate->is_secure ? xf_strdup(candidate->target) : NULL;
    xf_tlsa_set_unref(&out->tlsa);
    out->tlsa = xf_tlsa_set_ref(candidate->tlsa);
    out->is_bidi = out->may_dialback = out->sasl_aborted = false;
    xf_counted_leave(out->s2s, &out->counted); /* nothing of the peer is heard yet */
    out->cause = XF_CAUSE_NONE;
    out->help = XF_HELP_NONE;
    xf_free(out->peer_id);
    out->peer_id = NULL;
    xf_out_wait(out, 0);
    xf_out_fire(out, candidate->is_direct ? XF_OUT_ON_DIRECT_UP : XF_OUT_ON_TCP_UP);
}

static void on_dial_failed(void *owner, const struct xf_dial_failure *failure)
{
    static const char *const text = "no server of the domain accepts connections";
    struct xf_out *out = owner;
    if (out->cause == XF_CAUSE_NONE) {
        out->addr = failure->addr;
        out->behind = xf_strdup(failure->detail);
        xf_out_give_up(out, XF_CAUSE_CONNECT, failure->help, XF_STREAM_ERROR_NONE, text);
        return;
    }
    /* A conn failed before, and its line and its words stand. */
    xf_out_log_unreached(out, failure, text);
    xf_out_go_on(out);
}

static void on_dial_tried(void *owner, const struct xf_candidate *candidate, const char *detail,
                          uint64_t ms)
{
    struct xf_out *out = owner;
    char addr[XF_ADDR_TEXT_BYTES];
    xf_addr_text(&candidate->addr, addr);
    xf_out_log(out, XF_LOG_DEBUG, "s2s.address.tried", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_STR("addr", addr),
               XF_WORD("result", detail ? "failed" : "connected"), XF_STR("detail", detail),
               XF_INT("ms", ms));
}

void xf_out_try_next(struct xf_out *out)
{
    xf_out_blame(out);
    xf_dial_next(out->dial);
}

bool xf_out_has_more(const struct xf_out *out)
{
    return out->dial && xf_dial_has_more(out->dial);
}

void xf_out_settle(struct xf_out *out)
{
    if (out->dial)
        xf_dial_praise(out->dial);
    xf_dial_free(&out->dial);
}

/* ------------------------------------------------------------------ TLS */

struct xf_tls_basis xf_out_basis(const struct xf_out *out)
{
    return (struct xf_tls_basis){
        .ca_file = out->settings->ca_file,
        .domain = xf_span_of(out->peer),
        .tlsa = out->settings->dane ? out->tlsa : NULL,
        .targets = (const char *const *)&out->target,
        .target_count = out->target ? 1 : 0,
    };
}

static struct xf_tls_request tls_request(const struct xf_out *out)
{
    return (struct xf_tls_request){
        .identities = out->s2s->identities,
        .local = out->settings->show_certificate ? xf_span_of(out->local) : XF_SPAN_NONE,
        .peer = xf_span_of(out->peer),
        .is_direct = out->is_direct,
        .min_version = out->settings->tls_min == 13 ? XF_TLS_1_3 : XF_TLS_1_2,
        .ciphers =
            out->settings->ciphers && *out->settings->ciphers ? out->settings->ciphers : NULL,
        .basis = xf_out_basis(out),
    };
}

/* At once (XEP-0368), or after <proceed/>. */
void xf_out_start_tls(struct xf_out *out)
{
    struct xf_tls_request request = tls_request(out);
    xf_recheck_began(&out->carrier);
    xf_stream_start_tls(&out->stream, &request, NULL);
}

struct xf_verdict xf_out_verdict(const struct xf_out *out)
{
    struct xf_verdict verdict = xf_verdict_of(out->stream.conn ? out->stream.conn->tls : NULL,
                                              out->settings, xf_span_of(out->peer));
    verdict.tlsa_exists = out->settings->dane && xf_tlsa_set_is_usable(out->tlsa);
    return verdict;
}

struct xf_refusal xf_out_auth_refusal(const struct xf_out *out)
{
    struct xf_span peer = xf_span_of(out->peer);
    if (out->state != XF_OUT_READY || !out->seat.on->stream->conn)
        return (struct xf_refusal){0};
    struct xf_verdict verdict = out->seat.on->ops->verdict(out->seat.on, peer);
    return xf_auth_refusal(out->settings, &verdict, out->method, true);
}
