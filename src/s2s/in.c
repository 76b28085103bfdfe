/* SPDX-License-Identifier: MIT */
/*
 * in.c — an accepted stream: its passes, headers and features, time limits, end.
 *
 *   plain:  header -> features (STARTTLS; dialback only where TLS is not required) -> <starttls/> |
 *           db:result | db:verify
 *   TLS:    header -> the certificate is judged (in_certificate.c) -> features (EXTERNAL for a
 *           certificate that policy accepts for `from`; dialback) -> <auth/> | db:result |
 *           db:verify
 *   auth:   header -> features (dialback for further pairs, stream limits) -> stanzas
 *
 * What a pass may do is judged where it is done (in_auth.c, in_pairs.c) by xf_auth_refusal, not by
 * what was offered. Until the first pair is authenticated the stream counts against the quotas, its
 * elements are few and small, and a deadline runs.
 */
#include "s2s_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define TICK_MS 5000

static struct xf_in *in_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_in, stream);
}

void xf_in_fail(struct xf_in *in, enum xf_stream_error error, const char *text)
{
    xf_stream_fail(&in->stream, error, text);
}

/* ------------------------------------------------------------------ headers */

/* RFC 6120 §4.7.5: major 1 is what we speak. */
static bool version_is_ours(struct xf_span version)
{
    size_t i = 0;
    while (i < version.len && version.ptr[i] >= '0' && version.ptr[i] <= '9')
        i++;
    bool one = i == 1 && version.ptr[0] == '1';
    if (!one || i + 1 >= version.len || version.ptr[i] != '.')
        return false;
    for (i++; i < version.len; i++)
        if (version.ptr[i] < '0' || version.ptr[i] > '9')
            return false;
    return true;
}

/*
 * `local` NULL: the peer named no domain of ours; RFC 6120 §4.9.1.3 has us answer with one all the
 * same.
 */
static void answer_header(struct xf_in *in, const char *local, const char *peer)
{
    const struct xf_conf *conf = xf_s2s_conf(in->s2s);
    if (!local && !in->is_legacy && conf->served_count)
        local = conf->served[0].domain;
    in->stream.env->make_id(in->stream.env, in->id);
    xf_stream_send_header(&in->stream, &(struct xf_stream_header){
                                           .from = xf_span_of(local),
                                           .to = xf_span_of(peer),
                                           .id = xf_span_of(in->id),
                                           .has_version = !in->is_legacy,
                                           .has_dialback = true,
                                       });
}

struct names {
    char local[XF_DOMAIN_MAX + 1], peer[XF_DOMAIN_MAX + 1]; /* "" when absent */
};

/*
 * Some servers leave them out when they open the stream anew. Whom they want they said in clear;
 * who they are counts only when it is authenticated.
 */
static void keep_left_out(const struct xf_in *in, const struct xf_header *header,
                          struct names *names)
{
    if (in->pass == XF_PASS_PLAIN)
        return;
    if (!header->from.ptr && in->pass == XF_PASS_AUTH)
        snprintf(names->peer, sizeof(names->peer), "%s", in->peer);
    if (!header->to.ptr && in->local)
        snprintf(names->local, sizeof(names->local), "%s", in->local);
}

/* NONE, or what is wrong with the header's addresses. */
static enum xf_stream_error read_names(const struct xf_in *in, const struct xf_header *header,
                                       struct names *out, const char **out_text)
{
    out->local[0] = out->peer[0] = '\0';
    *out_text = NULL;
    if (header->from.ptr && xf_domain_prepare(header->from, out->peer) != XF_ERR_OK) {
        out->peer[0] = '\0';
        if (in->pass != XF_PASS_PLAIN) { /* in clear it is no more than a hint */
            *out_text = "from is not a domain";
            return XF_STREAM_ERROR_IMPROPER_ADDRESSING;
        }
    }
    keep_left_out(in, header, out);
    if (!header->to.ptr && !out->local[0])
        return in->is_legacy ? XF_STREAM_ERROR_NONE : XF_STREAM_ERROR_HOST_UNKNOWN;
    if ((header->to.ptr && xf_domain_prepare(header->to, out->local) != XF_ERR_OK) ||
        !xf_policy_served(in->s2s->policy, xf_span_of(out->local))) {
        out->local[0] = '\0';
        return XF_STREAM_ERROR_HOST_UNKNOWN;
    }
    if (out->peer[0] && xf_policy_served(in->s2s->policy, xf_span_of(out->peer))) {
        *out_text = "that domain is served here";
        return XF_STREAM_ERROR_INVALID_FROM;
    }
    return XF_STREAM_ERROR_NONE;
}

/* After SASL the addresses are what was authenticated (CVE-2018-10847). */
static bool keeps_names(const struct xf_in *in, const struct names *names)
{
    if (in->pass != XF_PASS_AUTH)
        return true;
    return (!names->peer[0] || strcmp(names->peer, in->peer) == 0) &&
           (!names->local[0] || strcmp(names->local, in->local) == 0);
}

static void pin_names(struct xf_in *in, const struct names *names)
{
    if (in->pass == XF_PASS_AUTH)
        return;
    xf_free(in->local);
    xf_free(in->peer);
    in->local = names->local[0] ? xf_strdup(names->local) : NULL;
    in->peer = names->peer[0] ? xf_strdup(names->peer) : NULL;
    in->settings = xf_policy_peer(in->s2s->policy, xf_span_of(in->peer));
}

/*
 * There is no way left for this peer: say what is wrong with its certificate instead of waiting for
 * it to guess.
 */
static void refuse_certificate(struct xf_in *in, const struct xf_verdict *verdict)
{
    char text[200];
    xf_verdict_text(verdict, in->stream.conn->tls, xf_span_of(in->peer), text, sizeof(text));
    xf_in_fail(in, XF_STREAM_ERROR_NOT_AUTHORIZED,
               xf_verdict_is_good(verdict) ? "no way to authenticate is allowed" : text);
}

static void offer_features(struct xf_in *in)
{
    struct xf_features_offer offer = {0};
    struct xf_verdict verdict = xf_in_verdict_at_best(in, xf_span_of(in->peer));
    offer.dialback = !xf_auth_refusal(in->settings, &verdict, XF_AUTH_DIALBACK, false);
    offer.bidi = xf_in_offers_bidi(in);
    if (in->pass == XF_PASS_PLAIN) {
        offer.tls = in->settings->tls != XF_TLS_NONE &&
                    xf_tls_identities_has(in->s2s->identities, xf_span_of(in->local));
        offer.tls_required = in->settings->tls == XF_TLS_REQUIRED;
    } else {
        offer.external = in->pass == XF_PASS_TLS && xf_in_may_external(in, xf_span_of(in->peer));
    }
    if (!offer.tls_required) /* else other features follow */
        offer.limits = xf_s2s_said_limits(in->s2s, in->settings);
    xf_features_write(&in->stream, &offer);
    if (in->pass == XF_PASS_TLS && in->peer && !offer.external && !offer.dialback)
        refuse_certificate(in, &verdict);
    if (in->pass == XF_PASS_AUTH)
        xf_in_bidi_open(in);
}

/* Ciphers may be weaker for one old peer: what was agreed for its name must not serve another. */
bool xf_in_keeps_ciphers(const struct xf_in *in, const struct xf_peer_settings *settings)
{
    const char *usual = xf_s2s_conf(in->s2s)->defaults.ciphers;
    return !in->tls_ciphers || strcmp(in->tls_ciphers, usual ? usual : "") == 0 ||
           strcmp(in->tls_ciphers, settings->ciphers ? settings->ciphers : "") == 0;
}

/*
 * A pre-1.0 header need not name anybody (jabberd2 without TLS). Then the dialback does, and
 * in_pairs.c asks the same of that peer.
 */
static void open_pass(struct xf_in *in)
{
    in->is_open = true;
    if (!in->is_legacy)
        offer_features(in);
    else if (!in->peer)
        return;
    else if (!in->settings->legacy)
        xf_in_fail(in, XF_STREAM_ERROR_UNSUPPORTED_VERSION, "pre-1.0 streams are not accepted");
    else if (in->settings->tls == XF_TLS_REQUIRED && in->pass == XF_PASS_PLAIN)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, "TLS is required");
}

void xf_in_judged(struct xf_in *in)
{
    if (in->stream.is_ending)
        return;
    open_pass(in);
    xf_stream_release(&in->stream);
}

/* On who is shut out without a word, before anything is said; others are told behind our header. */
static bool hangs_up(struct xf_in *in, const struct names *names, const struct xf_ruling *ruling)
{
    pin_names(in, names);
    xf_in_log_denied(in, xf_span_of(names->local), xf_span_of(names->peer), ruling);
    if (ruling->answer == XF_DENIAL_SILENT)
        xf_in_deny(in, ruling);
    return ruling->answer == XF_DENIAL_SILENT;
}

static void on_header(struct xf_stream *stream, const struct xf_header *header)
{
    struct xf_in *in = in_of(stream);
    struct names names;
    const char *text;
    in->is_legacy = !header->version.ptr;
    enum xf_stream_error error = read_names(in, header, &names, &text);
    bool knows_version = in->is_legacy || version_is_ours(header->version);
    struct xf_ruling ruling;
    bool is_shut_out =
        xf_in_is_shut_out(in, xf_span_of(names.local), xf_span_of(names.peer), &ruling);
    if (is_shut_out && error == XF_STREAM_ERROR_NONE && hangs_up(in, &names, &ruling))
        return;
    answer_header(in, names.local[0] ? names.local : NULL, names.peer[0] ? names.peer : NULL);
    if (!knows_version) {
        xf_in_fail(in, XF_STREAM_ERROR_UNSUPPORTED_VERSION, NULL);
        return;
    }
    if (error != XF_STREAM_ERROR_NONE) {
        xf_in_fail(in, error, text);
        return;
    }
    if (!keeps_names(in, &names)) {
        xf_in_fail(in, XF_STREAM_ERROR_INVALID_FROM,
                   "from and to must stay what was authenticated");
        return;
    }
    pin_names(in, &names);
    if (is_shut_out) {
        xf_in_deny(in, &ruling);
        return;
    }
    if (in->pass == XF_PASS_TLS && !xf_in_keeps_ciphers(in, in->settings))
        xf_in_fail(in, XF_STREAM_ERROR_INVALID_FROM, "from must stay what it was before TLS");
    else if (in->pass != XF_PASS_TLS || !xf_in_judge(in))
        open_pass(in);
}

/* ------------------------------------------------------------------ elements */

static void on_element(struct xf_stream *stream, const struct xf_elem *elem)
{
    struct xf_in *in = in_of(stream);
    if (xf_span_is(elem->ns, XF_NS_DIALBACK))
        xf_in_dialback(in, elem);
    else if (xf_span_is(elem->ns, XF_NS_TLS))
        xf_in_starttls(in, elem);
    else if (xf_span_is(elem->ns, XF_NS_SASL))
        xf_in_sasl(in, elem);
    else if (xf_elem_is(elem, XF_NS_COMPRESS, "compress")) /* never offered; XEP-0138 section 3 */
        xf_stream_send(stream,
                       "<failure xmlns='" XF_NS_COMPRESS "'><unsupported-method/></failure>");
    else if (xf_span_is(elem->ns, XF_NS_BIDI))
        xf_in_bidi(in, elem);
    else if (xf_span_is(elem->ns, XF_NS_STREAM) || xf_span_is(elem->ns, XF_NS_SERVER))
        /* RFC 6120 §4.9.3.24; a second <stream> as well */
        xf_in_fail(in, XF_STREAM_ERROR_UNSUPPORTED_STANZA_TYPE, NULL);
    /* Other namespaces: an extension we did not offer; nothing is owed (ejabberd #4300). */
}

static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    struct xf_in *in = in_of(stream);
    xf_gate_stanza(&in->gate, in->s2s, stanza);
}

static void on_secured(struct xf_stream *stream)
{
    struct xf_in *in = in_of(stream);
    in->pass = XF_PASS_TLS;
    in->is_open = false;
    in->is_bidi = false; /* XEP-0288 §2.1: TLS comes first */
}

static void on_drained(struct xf_stream *stream)
{
    xf_carrier_drained(&in_of(stream)->carrier);
}

static void on_ending(struct xf_stream *stream)
{
    struct xf_in *in = in_of(stream);
    xf_gate_ending(&in->gate, in->s2s);
    xf_carrier_ended(&in->carrier, in->s2s->is_draining ? XF_CAUSE_SHUTDOWN : XF_CAUSE_STREAM,
                     "the stream ended");
}

/* ------------------------------------------------------------------ time and end */

static void on_deadline(void *owner)
{
    xf_in_fail(owner, XF_STREAM_ERROR_CONNECTION_TIMEOUT, "not authenticated in time");
    struct xf_in *in = owner;
    if (!in->stream.is_ending) /* no stream yet to fail (a handshake under way) */
        xf_stream_abort(&in->stream);
}

static void on_tick(void *owner)
{
    struct xf_in *in = owner;
    uint64_t now_ms = in->s2s->env->clock->now_ms, quiet_ms = now_ms - in->stream.heard_ms;
    bool is_idle = !xf_stream_is_stopped(&in->stream) && quiet_ms >= in->idle_ms;
    if (is_idle && now_ms - in->carrier.used_ms >= in->idle_ms) {
        xf_in_close(in);
        return;
    }
    if (xf_stream_element_ms(&in->stream) >= xf_s2s_conf(in->s2s)->xml.element_ms) {
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, "an element took too long to arrive");
        return;
    }
    if (quiet_ms >= TICK_MS)
        xf_stream_park(&in->stream);
    if (in->is_bidi)
        xf_carrier_keep_alive(&in->carrier, 0);
    xf_timer_start(in->s2s->env->timers, &in->tick, TICK_MS);
}

void xf_in_close(struct xf_in *in)
{
    xf_stream_close(&in->stream);
}

/* By what each of its pairs may do, and not by whom the header named. */
void xf_in_keep_to_pairs(struct xf_in *in)
{
    struct xf_reader_limits limits = {.stanza_bytes = SIZE_MAX};
    in->idle_ms = UINT64_MAX;
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = XF_CONTAINER(node, struct xf_pair, node);
        const struct xf_peer_settings *settings =
            xf_policy_peer(in->s2s->policy, xf_span_of(pair->peer));
        struct xf_reader_limits of_pair = xf_s2s_limits_after(in->s2s, settings);
        if (pair->method == XF_AUTH_NONE)
            continue;
        if (of_pair.stanza_bytes < limits.stanza_bytes)
            limits = of_pair;
        if (settings->idle_ms < in->idle_ms)
            in->idle_ms = settings->idle_ms;
    }
    if (in->valid_pairs > 0)
        xf_stream_relax(&in->stream, &limits);
}

void xf_in_authenticated(struct xf_in *in, struct xf_pair *pair, enum xf_auth_method method)
{
    struct xf_s2s *s2s = in->s2s;
    xf_in_count_stream(in, pair);
    pair->method = method;
    pair->since_ms = s2s->env->clock->now_ms;
    if (in->valid_pairs++ == 0) {
        xf_timer_stop(&in->deadline);
        xf_timer_start(s2s->env->timers, &in->tick, TICK_MS);
        xf_quota_give(&s2s->half_open, &in->place);
        if (in->stream.conn->tls)
            s2s->env->forget_tls(s2s->env, in->stream.conn);
    }
    xf_in_keep_to_pairs(in);
    xf_in_log_up(in, pair);
    xf_carry_offer_pair(pair);
    xf_verify_reached(s2s, pair->peer);
    s2s->events->peer_seen(s2s->owner, xf_span_of(pair->local), xf_span_of(pair->peer));
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    struct xf_in *in = in_of(stream);
    struct xf_s2s *s2s = in->s2s;
    xf_in_log_down(in, end, detail);
    xf_in_pairs_free(in);
    xf_look_stop(s2s, &in->look);
    xf_stream_fini(stream);
    xf_timer_stop(&in->deadline);
    xf_timer_stop(&in->tick);
    xf_timer_stop(&in->pace);
    xf_quota_give(&s2s->half_open, &in->place);
    xf_stranger_left(in);
    xf_list_remove(&in->node);
    xf_gate_fini(&in->gate);
    s2s->stream_count--;
    xf_free(in->local);
    xf_free(in->peer);
    xf_free(in->tls_ciphers);
    xf_free(in);
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

static uint64_t patience_ms(const struct xf_s2s *s2s)
{
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    return conf->unauthenticated.auth_ms < conf->defaults.negotiate_ms
               ? conf->unauthenticated.auth_ms
               : conf->defaults.negotiate_ms;
}

static void start_direct_tls(struct xf_in *in)
{
    /* the defaults: nobody has said yet who it is */
    const struct xf_peer_settings *settings = in->settings;
    in->is_direct = true;
    in->tls_ciphers = xf_strdup(settings->ciphers ? settings->ciphers : "");
    xf_stream_start_tls(&in->stream,
                        &(struct xf_tls_request){
                            .identities = in->s2s->identities,
                            .is_server = true,
                            .judge_later = true,
                            .is_direct = true,
                            .min_version = settings->tls_min == 13 ? XF_TLS_1_3 : XF_TLS_1_2,
                            .ciphers = *in->tls_ciphers ? in->tls_ciphers : NULL,
                        },
                        NULL);
}

void xf_in_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct)
{
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    struct xf_in *in = xf_new(struct xf_in);
    if (!xf_in_admit(s2s, &in->place, &conn->addr)) {
        xf_free(in);
        xf_conn_close(conn, 0);
        return;
    }
    struct xf_reader_limits limits = xf_s2s_limits_before(s2s);
    in->s2s = s2s;
    xf_addr_host_text(&conn->addr, in->host);
    xf_addr_network_text(&conn->addr, in->network);
    in->settings = &conf->defaults;
    in->accepted_ms = s2s->env->clock->now_ms;
    xf_list_init(&in->pairs);
    xf_timer_init(&in->deadline, on_deadline, in);
    xf_timer_init(&in->tick, on_tick, in);
    xf_timer_init(&in->pace, xf_in_on_pace, in);
    xf_list_push(&s2s->ins, &in->node);
    s2s->stream_count++;
    xf_stream_init(&in->stream, s2s->env, XF_NS_SERVER, &limits, conf->unauthenticated.elements,
                   &stream_events);
    in->stream.is_receiving = true;
    xf_carrier_init(&in->carrier, &in->stream, in, NULL);
    xf_gate_init(&in->gate, &xf_in_gate_ops, &in->stream);
    xf_stream_attach(&in->stream, conn);
    xf_timer_start(s2s->env->timers, &in->deadline, patience_ms(s2s));
    if (is_direct)
        start_direct_tls(in);
}
