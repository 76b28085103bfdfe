/* SPDX-License-Identifier: MIT */
/*
 * out.c — an outgoing stream: discovery, candidates, negotiation, delivery, end. The order of
 * things is the table in out_states.c; this file holds the actions, turns what the peer sends into
 * events, and chooses between what it offers (offer_for). How long it waits, and what is tried when
 * a conn comes to nothing: out_fallback.c.
 *
 * The end has two halves which may come in either order: `ended` is told (once, from a timer, never
 * from within a call), and the conn closes. The out is freed when both are over.
 */
#include "s2s_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define TICK_MS          15000
#define PROBE_CONNECT_MS 3000
#define PROBE_PER_HOST   4

static const struct xf_stream_events stream_events;

/* ------------------------------------------------------------------ the end */

static void maybe_free(struct xf_out *out)
{
    if (out->events || out->verify || (out->has_stream && out->stream.conn))
        return;
    if (out->has_stream)
        xf_stream_fini(&out->stream);
    xf_discovery_cancel(&out->discovery);
    xf_dial_free(&out->dial);
    xf_timer_stop(&out->deadline);
    xf_timer_stop(&out->patience);
    xf_timer_stop(&out->tick);
    xf_timer_stop(&out->farewell);
    xf_gate_fini(&out->gate);
    xf_list_remove(&out->node);
    out->s2s->stream_count--;
    xf_free(out->local);
    xf_free(out->peer);
    xf_free(out->peer_id);
    xf_free(out->target);
    xf_tlsa_set_unref(&out->tlsa);
    xf_free(out);
}

static void on_farewell(void *owner)
{
    struct xf_out *out = owner;
    const struct xf_out_events *events = out->events;
    struct xf_verify_stream *verify = out->verify;
    out->events = NULL;
    out->verify = NULL;
    if (verify)
        xf_verify_stream_ended(verify, out->cause, out->text);
    else if (events)
        events->ended(out->owner, out->was_ready, out->cause, out->text);
    maybe_free(out);
}

void xf_out_say_ended(struct xf_out *out)
{
    xf_timer_stop(&out->deadline);
    xf_timer_stop(&out->patience);
    xf_timer_stop(&out->tick);
    xf_discovery_cancel(&out->discovery);
    xf_out_blame(out);
    xf_dial_free(&out->dial);
    if (out->verify)
        xf_verify_stream_ending(out->verify, out->cause, out->text);
    if (!out->has_stream)
        xf_out_log_down(out, out->text);
    xf_carry_forget_stream(out);
    xf_carrier_leave(out);
    xf_timer_start(out->s2s->env->timers, &out->farewell, 0);
}

/* ------------------------------------------------------------------ to a conn */

static void on_discovered(void *owner, const struct xf_discovery_result *result);
static void on_dial_connected(void *owner, struct xf_conn *conn,
                              const struct xf_candidate *candidate);
static void on_dial_failed(void *owner, bool timed_out, const char *detail);

static const struct xf_dial_events dial_events = {.connected = on_dial_connected,
                                                  .failed = on_dial_failed};

void xf_out_resolve(struct xf_out *out)
{
    const struct xf_peer_settings *settings = out->settings;
    struct xf_dns *dns = xf_s2s_dns(out->s2s, settings);
    bool direct = settings->direct_tls && settings->tls != XF_TLS_NONE && !out->in_clear;
    if (!dns) {
        xf_out_give_up(out, XF_CAUSE_DNS_FAILED, XF_STREAM_ERROR_NONE,
                       "too many different resolvers are being asked");
        return;
    }
    if (settings->route.count) {
        out->discovery = xf_discover_static(
            dns, (const char *const *)settings->route.item, settings->route.count,
            settings->route_order == XF_ROUTE_EQUAL, on_discovered, out);
        return;
    }
    struct xf_discovery_opts opts = {
        .direct_tls = direct, .starttls = true, .dane = settings->dane};
    out->discovery = xf_discover(dns, xf_span_of(out->peer), &opts, on_discovered, out);
}

/* Of lines about a failure. That of a probe is expected. */
static enum xf_log_level level_of(const struct xf_out *out)
{
    return out->is_probe ? XF_LOG_DEBUG : XF_LOG_INFO;
}

static unsigned connect_ms(const struct xf_out *out)
{
    uint64_t usual_ms = out->settings->connect_ms;
    return (unsigned)(out->is_probe && usual_ms > PROBE_CONNECT_MS ? PROBE_CONNECT_MS : usual_ms);
}

static void start_dial(struct xf_out *out, const struct xf_discovery_result *result)
{
    struct xf_dial_opts opts = {
        .connect_ms = connect_ms(out),
        .source = xf_peer_source(out->settings),
        .backoff = out->is_probe                      ? &out->s2s->probe_backoff
                   : out->verify || out->for_stranger ? &out->s2s->verify_addr_backoff
                                                      : NULL,
        .per_host = out->is_probe ? PROBE_PER_HOST : xf_verify_per_host(out->s2s),
        .peer = out->peer,
        .avoided = &out->s2s->avoided,
        .forgiven = out->in_clear ? XF_CAUSE_TLS : XF_CAUSE_NONE,
    };
    for (size_t i = 0; i < result->count; i++)
        out->tlsa_exists = out->tlsa_exists || xf_tlsa_set_is_usable(result->candidates[i].tlsa);
    out->dial =
        xf_dial_new(out->s2s->env, result->candidates, result->count, &opts, &dial_events, out);
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct xf_out *out = owner;
    out->discovery = NULL;
    switch (result->outcome) {
    case XF_DISCOVERY_FOUND:
        start_dial(out, result);
        xf_out_fire(out, XF_OUT_ON_FOUND);
        return;
    case XF_DISCOVERY_NO_SERVICE:
        xf_out_give_up(out, XF_CAUSE_NO_SERVICE, XF_STREAM_ERROR_NONE,
                       "the domain says in DNS that it has no XMPP server");
        return;
    case XF_DISCOVERY_NOT_FOUND:
        xf_out_give_up(out, XF_CAUSE_NOT_FOUND, XF_STREAM_ERROR_NONE,
                       "the domain has no XMPP server in DNS");
        return;
    case XF_DISCOVERY_FAILED:
        break;
    }
    xf_out_log(out, level_of(out), "s2s.dns.failed", XF_STR("peer", out->peer),
               XF_STR("detail", result->detail));
    xf_out_give_up(out, XF_CAUSE_DNS_FAILED, XF_STREAM_ERROR_NONE,
                   "DNS did not answer for the domain");
}

static void init_stream(struct xf_out *out)
{
    struct xf_reader_limits limits = xf_s2s_limits_before(out->s2s);
    xf_stream_init(&out->stream, out->s2s->env, XF_NS_SERVER, &limits,
                   xf_s2s_conf(out->s2s)->unauthenticated.elements, &stream_events);
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
    out->is_direct = candidate->is_direct;
    xf_free(out->target);
    out->target = candidate->is_secure ? xf_strdup(candidate->target) : NULL;
    xf_tlsa_set_unref(&out->tlsa);
    out->tlsa = xf_tlsa_set_ref(candidate->tlsa);
    out->is_bidi = out->may_dialback = out->sasl_aborted = false;
    out->cause = XF_CAUSE_NONE;
    xf_free(out->peer_id);
    out->peer_id = NULL;
    xf_out_wait(out, 0);
    xf_out_fire(out, candidate->is_direct ? XF_OUT_ON_DIRECT_UP : XF_OUT_ON_TCP_UP);
}

static void on_dial_failed(void *owner, bool timed_out, const char *detail)
{
    struct xf_out *out = owner;
    xf_out_log(out, level_of(out), "s2s.connect.failed", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_WORD("reason", timed_out ? "timeout" : "refused"),
               XF_STR("detail", detail));
    if (out->cause == XF_CAUSE_NONE)
        xf_out_give_up(out, XF_CAUSE_CONNECT, XF_STREAM_ERROR_NONE,
                       "no server of the domain accepts connections");
    else
        xf_out_go_on(out); /* the others failed too: what the last one said stands */
}

void xf_out_try_next(struct xf_out *out)
{
    xf_out_blame(out);
    xf_dial_next(out->dial);
}

/* ------------------------------------------------------------------ negotiation */

void xf_out_send_header(struct xf_out *out)
{
    xf_stream_send_header(&out->stream, &(struct xf_stream_header){
                                            .from = xf_span_of(out->local),
                                            .to = xf_span_of(out->peer),
                                            .has_version = true,
                                            .has_dialback = true,
                                        });
}

void xf_out_restart(struct xf_out *out)
{
    xf_stream_restart(&out->stream);
    xf_out_send_header(out);
}

static struct xf_tls_request tls_request(const struct xf_out *out)
{
    return (struct xf_tls_request){
        .identities = out->s2s->identities,
        .local = xf_span_of(out->local),
        .peer = xf_span_of(out->peer),
        .is_direct = out->is_direct,
        .min_version = out->settings->tls_min == 13 ? XF_TLS_1_3 : XF_TLS_1_2,
        .ciphers =
            out->settings->ciphers && *out->settings->ciphers ? out->settings->ciphers : NULL,
        .basis =
            {
                .ca_file = out->settings->ca_file,
                .domain = xf_span_of(out->peer),
                .tlsa = out->settings->dane ? out->tlsa : NULL,
                .targets = (const char *const *)&out->target,
                .target_count = out->target ? 1 : 0,
            },
    };
}

void xf_out_direct_tls(struct xf_out *out)
{
    struct xf_tls_request request = tls_request(out);
    xf_stream_start_tls(&out->stream, &request, NULL);
}

void xf_out_send_starttls(struct xf_out *out)
{
    xf_stream_send(&out->stream, "<starttls xmlns='" XF_NS_TLS "'/>");
}

void xf_out_start_tls(struct xf_out *out)
{
    xf_out_direct_tls(out); /* the same, behind <proceed/> */
}

/* XEP-0178 §3: the authorization identity is our domain. */
void xf_out_send_external(struct xf_out *out)
{
    char authzid[4 * XF_DOMAIN_MAX / 3 + 8];
    char xml[sizeof(authzid) + 128];
    xf_base64_encode(xf_span_of(out->local), authzid);
    snprintf(xml, sizeof(xml), "<auth xmlns='" XF_NS_SASL "' mechanism='EXTERNAL'>%s</auth>",
             authzid);
    out->method = XF_AUTH_EXTERNAL;
    xf_out_request_bidi(out);
    xf_stream_send(&out->stream, xml);
    xf_out_wait(out, 0);
}

void xf_out_send_result(struct xf_out *out, struct xf_out *carrier)
{
    struct xf_dialback_key key =
        xf_dialback_key_of(&out->s2s->dialback_secret, xf_span_of(out->peer),
                           xf_span_of(out->local), xf_span_of(carrier->peer_id));
    xf_dialback_write(&carrier->stream, &(struct xf_dialback_elem){
                                            .name = "result",
                                            .from = xf_span_of(out->local),
                                            .to = xf_span_of(out->peer),
                                            .key = xf_span_of(key.hex),
                                        });
}

void xf_out_send_dialback(struct xf_out *out)
{
    out->method = XF_AUTH_DIALBACK;
    xf_out_request_bidi(out);
    xf_out_send_result(out, out);
    xf_out_wait(out, xf_s2s_conf(out->s2s)->unauthenticated.dialback_ms);
}

struct xf_verdict xf_out_verdict(const struct xf_out *out)
{
    struct xf_verdict verdict = xf_verdict_of(out->stream.conn ? out->stream.conn->tls : NULL,
                                              out->settings, xf_span_of(out->peer));
    verdict.tlsa_exists = out->settings->dane && xf_tlsa_set_is_usable(out->tlsa);
    return verdict;
}

void xf_out_become_ready(struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    const char *refusal = xf_auth_refusal(out->settings, &verdict, out->method, true);
    if (refusal) { /* offer_for should not have led here: the gate holds all the same */
        xf_out_give_up(out, XF_CAUSE_AUTH, XF_STREAM_ERROR_NOT_AUTHORIZED, refusal);
        return;
    }
    struct xf_fall fall = xf_out_continuity_refusal(out);
    if (fall.text) {
        /* the state says READY already: from here there is no way to another address */
        xf_dial_free(&out->dial);
        xf_out_give_up(out, fall.cause, XF_STREAM_ERROR_POLICY_VIOLATION, fall.text);
        return;
    }
    struct xf_reader_limits limits = out->is_bidi ? xf_s2s_limits_after(out->s2s, out->settings)
                                                  : xf_s2s_limits_before(out->s2s);
    xf_stream_relax(&out->stream, &limits);
    if (out->stream.conn->tls)
        out->s2s->env->forget_tls(out->s2s->env, out->stream.conn);
    out->was_ready = true;
    xf_carrier_sit(&out->carrier, out);
    out->ready_ms = out->carrier.used_ms = out->carrier.spoke_ms = out->s2s->env->clock->now_ms;
    xf_timer_stop(&out->deadline);
    xf_timer_stop(&out->patience);
    if (out->verify && xf_out_has_more(out))
        xf_dial_uncount(out->dial);
    else
        xf_out_settle(out);
    xf_timer_start(out->s2s->env->timers, &out->tick, xf_carrier_tick_ms(&out->carrier, TICK_MS));
    xf_out_log_up(out);
    xf_verify_reached(out->s2s, out->peer);
    if (out->verify) {
        xf_verify_stream_ready(out->verify);
        return;
    }
    if (!out->is_bidi)
        xf_stream_expect_quiet(&out->stream);
    xf_carry_offer_stream(out);
    out->events->ready(out->owner);
}

static void give_up_on_auth(struct xf_out *out, const struct xf_verdict *verdict)
{
    char text[200];
    if (verdict->is_secure && (verdict->is_old || !xf_verdict_is_good(verdict))) {
        xf_verdict_text(verdict, out->stream.conn->tls, xf_span_of(out->peer), text, sizeof(text));
        xf_out_give_up(out, XF_CAUSE_CERTIFICATE, XF_STREAM_ERROR_NOT_AUTHORIZED, text);
        return;
    }
    bool needs_tls = out->settings->tls == XF_TLS_REQUIRED || verdict->tlsa_exists;
    if (!verdict->is_secure && needs_tls)
        xf_out_give_up(out, XF_CAUSE_TLS, XF_STREAM_ERROR_POLICY_VIOLATION,
                       "TLS is required, and the peer offers none");
    else
        xf_out_give_up(out, XF_CAUSE_AUTH, XF_STREAM_ERROR_NOT_AUTHORIZED,
                       out->sasl_failed ? "the peer refused our certificate and offers no dialback"
                                        : "the peer offers no way to authenticate that is allowed");
}

/* The next step towards authentication, from what the peer offers and what its settings allow. */
static void offer_for(struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    const struct xf_peer_settings *settings = out->settings;
    if (out->features.tls && !verdict.is_secure && settings->tls != XF_TLS_NONE && !out->in_clear)
        xf_out_fire(out, XF_OUT_ON_OFFER_TLS);
    else if (out->from_is_wrong && !xf_verdict_is_good(&verdict))
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_INVALID_FROM,
                       "the stream is from another domain");
    else if (out->verify && !xf_auth_refusal(settings, &verdict, XF_AUTH_NONE, true))
        xf_out_fire(out, XF_OUT_ON_OFFER_VERIFY);
    else if (!out->verify && out->features.external && !out->sasl_failed &&
             xf_tls_identities_has(out->s2s->identities, xf_span_of(out->local)) &&
             !xf_auth_refusal(settings, &verdict, XF_AUTH_EXTERNAL, true)) {
        out->may_dialback = out->peer_speaks_dialback &&
                            !xf_auth_refusal(settings, &verdict, XF_AUTH_DIALBACK, true);
        xf_out_fire(out, XF_OUT_ON_OFFER_SASL);
    } else if (!out->verify && out->peer_speaks_dialback &&
               !xf_auth_refusal(settings, &verdict, XF_AUTH_DIALBACK, true))
        xf_out_fire(out, XF_OUT_ON_OFFER_DIALBACK);
    else
        give_up_on_auth(out, &verdict);
}

/* ------------------------------------------------------------------ what the peer says */

static struct xf_out *out_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_out, stream);
}

/* Old servers leave `from` out, and Metronome repeats ours. */
static bool header_is_from(const struct xf_out *out, const struct xf_header *header)
{
    char from[XF_DOMAIN_MAX + 1];
    if (!header->from.ptr)
        return true;
    return xf_domain_prepare(header->from, from) == XF_ERR_OK &&
           (strcmp(from, out->peer) == 0 || strcmp(from, out->local) == 0);
}

static void on_header(struct xf_stream *stream, const struct xf_header *header)
{
    struct xf_out *out = out_of(stream);
    bool is_legacy = header->version.ptr == NULL;
    out->from_is_wrong = !header_is_from(out, header);
    if (header->id.len == 0 || header->id.len > XF_DIALBACK_ID_MAX) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_INVALID_ID,
                       "the stream has no usable id");
        return;
    }
    xf_free(out->peer_id);
    out->peer_id = xf_span_dup(header->id);
    out->peer_speaks_dialback = header->has_dialback_ns;
    out->features = (struct xf_features){0};
    if (!is_legacy || out->state == XF_OUT_AUTH_HEADER)
        xf_out_fire(out, XF_OUT_ON_HEADER);
    else if (out->settings->legacy)
        offer_for(out); /* pre-1.0: there will be no features */
    else
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_UNSUPPORTED_VERSION,
                       "the peer speaks only pre-1.0 XMPP");
}

static void on_features(struct xf_out *out, const struct xf_elem *elem)
{
    out->features = xf_features_read(elem);
    out->carrier.limits = out->features.limits;
    out->peer_speaks_dialback = out->peer_speaks_dialback || out->features.dialback;
    if (out->state == XF_OUT_AUTH_FEATURES)
        xf_out_fire(out, XF_OUT_ON_FEATURES);
    else if (out->state == XF_OUT_PLAIN_FEATURES || out->state == XF_OUT_TLS_FEATURES)
        offer_for(out);
}

static const char *error_condition(const struct xf_elem *elem)
{
    /* clang-format off */
    static const char *const known[] = {
        "remote-server-not-found", "remote-server-timeout", "remote-connection-failed", "policy-violation", "not-allowed",
        "not-authorized",          "resource-constraint",   "item-not-found",           "forbidden",        "internal-server-error",
    };
    const struct xf_elem *error = elem->first_child;
    while (error && !xf_span_is(error->name, "error"))
        error = error->next;
    for (size_t i = 0; error && i < XF_ARRAY_LEN(known); i++)
        if (xf_elem_child(error, XF_NS_STANZA_ERROR, known[i]))
            return known[i];
    return "an error";
}

/* The answer for a rider that asked on this stream. */
static bool is_for_rider(struct xf_out *out, const struct xf_dialback_names *names, const struct xf_elem *elem)
{
    struct xf_span type = xf_elem_attr(elem, "type");
    return out->state == XF_OUT_READY && type.len &&
           xf_carry_answered(out, names, type, xf_span_is(type, "invalid") ? "it says that our key is invalid" : error_condition(elem));
}

static void on_dialback_result(struct xf_out *out, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    struct xf_span type = xf_elem_attr(elem, "type");
    if (!type.ptr && out->is_bidi) {
        xf_out_question(out, elem);
        return;
    }
    bool is_due = out->state == XF_OUT_PLAIN_DIALBACK || out->state == XF_OUT_TLS_DIALBACK;
    bool is_named = xf_dialback_read_names(elem, &names) == XF_ERR_OK;
    if (is_named && is_for_rider(out, &names, elem))
        return;
    if (!is_due || !type.len || !is_named || strcmp(names.from, out->peer) != 0 || strcmp(names.to, out->local) != 0) {
        xf_out_log(out, XF_LOG_WARN, "dialback.result.ignored", XF_STR("local", out->local), XF_STR("peer", out->peer),
               XF_WORD("reason", "not-asked"));
        return;
    }
    if (xf_span_is(type, "valid")) {
        xf_out_fire(out, XF_OUT_ON_DIALBACK_OK);
        return;
    }
    char text[128];
    snprintf(text, sizeof(text), "the peer refused dialback: %s",
             xf_span_is(type, "invalid") ? "it says that our key is invalid" : error_condition(elem));
    xf_out_give_up(out, XF_CAUSE_AUTH, XF_STREAM_ERROR_NONE, text);
}

static void on_sasl(struct xf_out *out, const struct xf_elem *elem)
{
    if (out->state != XF_OUT_TLS_SASL)
        return;
    if (xf_span_is(elem->name, "success")) {
        xf_out_fire(out, XF_OUT_ON_SASL_OK);
    } else if (xf_span_is(elem->name, "challenge") && !out->sasl_aborted) {
        out->sasl_aborted = true; /* EXTERNAL has none behind an initial response: <failure/> follows, and dialback (RFC 6120 §6.4.4) */
        xf_stream_send(&out->stream, "<abort xmlns='" XF_NS_SASL "'/>");
    } else if (xf_span_is(elem->name, "failure")) {
        xf_out_log(out, XF_LOG_INFO, "s2s.external.refused", XF_STR("local", out->local), XF_STR("peer", out->peer),
               XF_SPN("condition", elem->first_child ? elem->first_child->name : XF_SPAN_NONE));
        out->sasl_failed = true;
        out->method = XF_AUTH_NONE;
        offer_for(out);
    }
}

static void on_element(struct xf_stream *stream, const struct xf_elem *elem)
{
    struct xf_out *out = out_of(stream);
    if (out->state == XF_OUT_ENDED)
        return;
    if (xf_elem_is(elem, XF_NS_STREAM, "features"))
        on_features(out, elem);
    else if (xf_span_is(elem->ns, XF_NS_SASL))
        on_sasl(out, elem);
    else if (xf_elem_is(elem, XF_NS_DIALBACK, "result"))
        on_dialback_result(out, elem);
    else if (xf_elem_is(elem, XF_NS_DIALBACK, "verify") && out->verify && out->state == XF_OUT_READY)
        xf_verify_stream_answer(out->verify, elem);
    else if (xf_elem_is(elem, XF_NS_DIALBACK, "verify") && out->is_bidi && !xf_elem_attr(elem, "type").ptr)
        xf_out_question(out, elem);
    else if (out->state == XF_OUT_PLAIN_PROCEED && xf_elem_is(elem, XF_NS_TLS, "proceed"))
        xf_out_fire(out, XF_OUT_ON_PROCEED);
    else if (out->state == XF_OUT_PLAIN_PROCEED && xf_elem_is(elem, XF_NS_TLS, "failure"))
        xf_out_give_up(out, XF_CAUSE_TLS, XF_STREAM_ERROR_NONE, "the peer refused STARTTLS");
    /* Others are extensions that we did not ask for: not fatal (ejabberd #4300). */
}

/* RFC 6120 §4.1: a stream is one-way, unless XEP-0288 made it go both ways. */
static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    struct xf_out *out = out_of(stream);
    if (out->is_bidi) {
        out->carrier.used_ms = out->s2s->env->clock->now_ms;
        xf_gate_stanza(&out->gate, out->s2s, stanza);
        return;
    }
    xf_out_log(out, out->dropped++ ? XF_LOG_DEBUG : XF_LOG_WARN, "s2s.stanza.dropped", XF_STR("local", out->local), XF_STR("peer", out->peer),
               XF_WORD("reason", "one-way-stream"), XF_WORD("kind", xf_stanza_kind_name(stanza->kind)));
}

static void on_secured(struct xf_stream *stream)
{
    xf_out_fire(out_of(stream), XF_OUT_ON_TLS_UP);
}

static void on_drained(struct xf_stream *stream)
{
    xf_carrier_drained(&out_of(stream)->carrier);
}

static void on_ending(struct xf_stream *stream)
{
    struct xf_out *out = out_of(stream);
    xf_gate_ending(&out->gate, out->s2s);
    if (out->was_ready)
        xf_carrier_ended(&out->carrier, out->s2s->is_draining ? XF_CAUSE_SHUTDOWN : XF_CAUSE_STREAM, "the stream ended");
}

static void note_why_closed(struct xf_out *out, enum xf_stream_end end, const char *detail)
{
    char text[200];
    if (end == XF_STREAM_END_PEER_ERROR) {
        snprintf(text, sizeof(text), "the peer's server said %s%s%s", xf_stream_error_name(out->stream.peer_error),
                 out->stream.peer_text[0] ? ": " : "", out->stream.peer_text);
        xf_out_note_cause(out, XF_CAUSE_STREAM, text);
    } else if (end == XF_STREAM_END_OUR_ERROR) { /* the stream's own; xf_out_give_up has noted its cause before */
        xf_out_note_cause(out, XF_CAUSE_STREAM, out->stream.our_text[0] ? out->stream.our_text : xf_stream_error_name(out->stream.our_error));
    } else if (out->stream.conn_end == XF_CONN_END_TLS || out->state == XF_OUT_HANDSHAKE) {
        snprintf(text, sizeof(text), "TLS failed: %s", detail);
        xf_out_note_cause(out, XF_CAUSE_TLS, text);
    } else {
        xf_out_note_cause(out, XF_CAUSE_STREAM, "the peer's server closed the connection");
    }
}

static const char *words_for_log(const struct xf_out *out, enum xf_stream_end end, const char *detail)
{
    if (end == XF_STREAM_END_LOST)
        return detail;
    return end == XF_STREAM_END_OUR_ERROR && out->stream.our_text[0] ? out->stream.our_text : out->text;
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    struct xf_out *out = out_of(stream);
    note_why_closed(out, end, detail);
    xf_out_log_down(out, words_for_log(out, end, detail));
    xf_timer_stop(&out->patience);
    if (out->state == XF_OUT_ENDED)
        maybe_free(out);
    else
        xf_out_go_on(out);
}

static const struct xf_stream_events stream_events = {
    .header = on_header,
    .stanza = on_stanza,
    .element = on_element,
    .secured = on_secured,
    .drained = on_drained,
    .ending = on_ending,
    .closed = on_closed,
};
/* clang-format on */

/* ------------------------------------------------------------------ READY */

static void on_tick(void *owner)
{
    struct xf_out *out = owner;
    uint64_t now_ms = out->s2s->env->clock->now_ms;
    if (out->state == XF_OUT_BOARDING) {
        xf_out_fire(out, XF_OUT_ON_BOARDED);
        return;
    }
    if (xf_stream_element_ms(&out->stream) >= xf_s2s_conf(out->s2s)->xml.element_ms) {
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_STREAM_ERROR_POLICY_VIOLATION,
                       "an element of the peer took too long to arrive");
        return;
    }
    if (now_ms - out->carrier.used_ms >= out->settings->idle_ms && !out->verify &&
        !xf_stream_is_stopped(&out->stream)) {
        xf_out_note_cause(out, XF_CAUSE_IDLE, "the stream was idle");
        xf_out_close(out);
        return;
    }
    xf_carrier_keep_alive(&out->carrier, out->settings->ping_ms);
    if (out->is_bidi && now_ms - out->stream.heard_ms >= TICK_MS)
        xf_stream_park(&out->stream);
    xf_timer_start(out->s2s->env->timers, &out->tick, xf_carrier_tick_ms(&out->carrier, TICK_MS));
}

static struct xf_out *open_out(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer)
{
    struct xf_out *out = xf_new(struct xf_out);
    out->s2s = s2s;
    out->local = xf_span_dup(local);
    out->peer = xf_span_dup(peer);
    out->settings = xf_policy_peer(s2s->policy, peer);
    out->opened_ms = s2s->env->clock->now_ms;
    xf_carrier_init(&out->carrier, &out->stream, NULL, out);
    xf_gate_init(&out->gate, &xf_out_gate_ops, &out->stream);
    xf_timer_init(&out->deadline, xf_out_on_deadline, out);
    xf_timer_init(&out->patience, xf_out_on_patience, out);
    xf_timer_init(&out->tick, on_tick, out);
    xf_timer_init(&out->farewell, on_farewell, out);
    xf_list_push(&s2s->outs, &out->node);
    s2s->stream_count++;
    xf_timer_start(s2s->env->timers, &out->deadline, out->settings->negotiate_ms);
    return out;
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

void xf_out_give_back(struct xf_out *out, const char *text)
{
    out->verify = NULL;
    xf_out_give_up(out, XF_CAUSE_TIMEOUT, XF_STREAM_ERROR_NONE, text);
}

struct xf_out *xf_out_open_verify(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                                  struct xf_verify_stream *verify)
{
    struct xf_out *out = open_out(s2s, local, peer);
    out->verify = verify;
    xf_out_fire(out, XF_OUT_ON_OPEN);
    return out;
}

struct xf_out *xf_out_open(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                           bool for_stranger, const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = open_out(s2s, local, peer);
    out->for_stranger = for_stranger;
    out->events = events;
    out->owner = owner;
    if (s2s->is_draining)
        xf_out_give_up(out, XF_CAUSE_SHUTDOWN, XF_STREAM_ERROR_NONE,
                       "the gateway is shutting down");
    else if (!xf_carry(out))
        xf_out_fire(out, XF_OUT_ON_OPEN);
    return out;
}

/*
 * Behind these states it has said who we are: the peer may take the pair for authenticated, and
 * send on it (XEP-0288).
 */
static bool has_said_nothing(const struct xf_out *out)
{
    static const bool yes[XF_OUT_STATE_COUNT] = {
        [XF_OUT_RESOLVING] = true,      [XF_OUT_DIALING] = true,       [XF_OUT_PLAIN_HEADER] = true,
        [XF_OUT_PLAIN_FEATURES] = true, [XF_OUT_PLAIN_PROCEED] = true, [XF_OUT_HANDSHAKE] = true,
        [XF_OUT_TLS_HEADER] = true,     [XF_OUT_TLS_FEATURES] = true,
    };
    return yes[out->state];
}

struct xf_out *xf_out_probe(struct xf_s2s *s2s, struct xf_span local, struct xf_span peer,
                            const struct xf_out_events *events, void *owner)
{
    struct xf_out *out = xf_out_open(s2s, local, peer, false, events, owner);
    out->is_probe = true;
    if (out->settings->candidate_ms < out->settings->negotiate_ms && out->state != XF_OUT_ENDED)
        xf_timer_start(s2s->env->timers, &out->deadline, out->settings->candidate_ms);
    return out;
}

bool xf_out_abandon(struct xf_out *out)
{
    if (!has_said_nothing(out))
        return false;
    out->events = NULL;
    xf_out_note_cause(out, XF_CAUSE_SHUTDOWN, "another stream carries the pair");
    xf_out_close(out);
    return true;
}

uint64_t xf_out_used_ms(const struct xf_out *out)
{
    return out->on ? out->on->used_ms : 0;
}

bool xf_out_is_ready(const struct xf_out *out)
{
    return out->state == XF_OUT_READY;
}

bool xf_out_is_congested(const struct xf_out *out)
{
    return out->state == XF_OUT_READY && xf_stream_is_congested(out->on->stream);
}

const struct xf_addr *xf_out_addr(const struct xf_out *out)
{
    return &out->on->stream->conn->addr;
}

enum xf_err xf_out_send(struct xf_out *out, const struct xf_stanza *stanza)
{
    if (out->state != XF_OUT_READY)
        return XF_ERR_CLOSED;
    size_t max_bytes = out->on->limits.max_bytes;
    if (max_bytes && !xf_xml_stanza_fits(stanza, XF_NS_SERVER, max_bytes))
        return XF_ERR_LIMIT;
    out->on->used_ms = out->on->spoke_ms = out->s2s->env->clock->now_ms;
    out->stanzas++;
    return xf_stream_send_stanza(out->on->stream, stanza);
}

void xf_out_close(struct xf_out *out)
{
    xf_out_note_cause(out, XF_CAUSE_SHUTDOWN, "the stream was closed");
    if (out->has_stream && out->stream.conn)
        xf_stream_close(&out->stream);
    xf_out_fire(out, XF_OUT_ON_END);
}
