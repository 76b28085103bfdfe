/* SPDX-License-Identifier: MIT */
/*
 * out_negotiation.c — how an outgoing stream becomes authenticated. It turns what the peer says
 * into events of the machine (out_states.c), chooses the next step from what the peer offers
 * (offer_for), and sends what each step has to say.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#include "out_priv.h"
#include "stream_log_priv.h"

/* ------------------------------------------------------------------ what we say */

void xf_out_send_header(struct xf_out *out)
{
    xf_stream_send_header(
        &out->stream,
        &(struct xf_stream_header){
            .from = out->purpose == XF_OUT_LOOK ? XF_SPAN_NONE : xf_span_of(out->local),
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

void xf_out_send_starttls(struct xf_out *out)
{
    xf_stream_send(&out->stream, "<starttls xmlns='" XF_NS_TLS "'/>");
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

/* Ask the peer to authenticate our domain on this stream (XEP-0220 §2.1). */
void xf_out_send_dialback(struct xf_out *out)
{
    out->method = XF_AUTH_DIALBACK;
    xf_out_request_bidi(out);
    xf_dialback_send_key(&out->stream, &(struct xf_dialback_claim){
                                           .secret = &out->s2s->dialback_secret,
                                           .local = xf_span_of(out->local),
                                           .peer = xf_span_of(out->peer),
                                           .id = xf_span_of(out->peer_id),
                                       });
    xf_out_wait(out, out->s2s->settings.unauthenticated.dialback_ms);
}

/* ------------------------------------------------------------------ what comes next */

static bool shows_certificate(const struct xf_out *out)
{
    return out->settings->show_certificate &&
           xf_tls_identities_has(out->s2s->identities, xf_span_of(out->local));
}

/* Why we cannot authenticate on a stream whose peer is good enough. */
static struct xf_refusal no_way(const struct xf_out *out, const struct xf_verdict *verdict)
{
    bool may_dialback = xf_auth_may(out->settings, verdict, XF_AUTH_DIALBACK, true);
    struct xf_refusal external = xf_auth_refusal(out->settings, verdict, XF_AUTH_EXTERNAL, true);
    if (!xf_out_authenticates(out))
        return xf_auth_refusal(out->settings, verdict, XF_AUTH_NONE, true);
    if (out->sasl_failed)
        return (struct xf_refusal){
            may_dialback ? "the peer refused our certificate and offers no dialback"
                         : "the peer refused our certificate, and dialback is switched off here",
            XF_HELP_OUR_CERT_REFUSED};
    if (!external.text && !out->settings->show_certificate)
        return (struct xf_refusal){
            "our certificate is not shown to this peer, and it offers no dialback",
            XF_HELP_DIALBACK_NOT_OFFERED};
    if (!external.text && !shows_certificate(out))
        return (struct xf_refusal){
            may_dialback
                ? "we have no certificate for our domain, and the peer offers no dialback"
                : "we have no certificate for our domain, and dialback is switched off here",
            XF_HELP_OUR_CERT_MISSING};
    if (!external.text)
        return (struct xf_refusal){
            may_dialback
                ? "the peer offers neither SASL EXTERNAL nor dialback"
                : "the peer does not offer SASL EXTERNAL, and dialback is switched off here",
            XF_HELP_EXTERNAL_NOT_OFFERED};
    if (may_dialback)
        return (struct xf_refusal){"the peer does not offer dialback",
                                   XF_HELP_DIALBACK_NOT_OFFERED};
    return external;
}

static void give_up_on_auth(struct xf_out *out, const struct xf_verdict *verdict)
{
    char text[200];
    if (verdict->is_secure && xf_verdict_help(verdict)) {
        xf_verdict_text(verdict, out->stream.conn->tls, xf_span_of(out->peer), text, sizeof(text));
        xf_out_give_up(out, XF_CAUSE_CERTIFICATE, xf_verdict_help(verdict),
                       XF_STREAM_ERROR_NOT_AUTHORIZED, text);
        return;
    }
    bool needs_tls = out->settings->tls == XF_TLS_REQUIRED || verdict->tlsa_exists;
    struct xf_refusal why = no_way(out, verdict);
    if (!verdict->is_secure && needs_tls)
        xf_out_give_up(out, XF_CAUSE_TLS, XF_HELP_TLS_NOT_OFFERED, XF_STREAM_ERROR_POLICY_VIOLATION,
                       "TLS is required, and the peer offers none");
    else
        xf_out_give_up(out, XF_CAUSE_AUTH, why.help, XF_STREAM_ERROR_NOT_AUTHORIZED, why.text);
}

/*
 * Of a stream that authenticates nobody. Whoever looks wants the certificate to be good, whatever
 * the settings demand of peers.
 */
static bool has_seen_enough(const struct xf_out *out, const struct xf_verdict *verdict)
{
    bool is_good =
        out->purpose != XF_OUT_LOOK || !verdict->is_secure || xf_verdict_is_good(verdict);
    return is_good && xf_auth_may(out->settings, verdict, XF_AUTH_NONE, true);
}

/* The next step towards authentication, from what the peer offers and what its settings allow. */
static void offer_for(struct xf_out *out)
{
    struct xf_verdict verdict = xf_out_verdict(out);
    const struct xf_peer_settings *settings = out->settings;
    if (out->features.tls && !verdict.is_secure && settings->tls != XF_TLS_NONE && !out->in_clear)
        xf_out_fire(out, XF_OUT_ON_OFFER_TLS);
    else if (out->features.tls_required && !verdict.is_secure) /* it would answer nothing */
        xf_out_give_up(out, XF_CAUSE_TLS,
                       out->in_clear ? XF_HELP_TLS_FAILED : XF_HELP_TLS_REQUIRED_BY_PEER,
                       XF_STREAM_ERROR_NONE,
                       out->in_clear ? "the peer requires TLS, and TLS with it failed"
                                     : "the peer requires TLS, and tls = none is set for it here");
    else if (out->from_is_wrong && !xf_verdict_is_good(&verdict))
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_PEER_HOST_UNKNOWN,
                       XF_STREAM_ERROR_INVALID_FROM, "the stream is from another domain");
    else if (!xf_out_authenticates(out) && has_seen_enough(out, &verdict))
        xf_out_fire(out, XF_OUT_ON_OFFER_VERIFY);
    else if (xf_out_authenticates(out) && out->features.external && !out->sasl_failed &&
             shows_certificate(out) && xf_auth_may(settings, &verdict, XF_AUTH_EXTERNAL, true)) {
        out->may_dialback =
            out->peer_speaks_dialback && xf_auth_may(settings, &verdict, XF_AUTH_DIALBACK, true);
        xf_out_fire(out, XF_OUT_ON_OFFER_SASL);
    } else if (xf_out_authenticates(out) && out->peer_speaks_dialback &&
               xf_auth_may(settings, &verdict, XF_AUTH_DIALBACK, true))
        xf_out_fire(out, XF_OUT_ON_OFFER_DIALBACK);
    else
        give_up_on_auth(out, &verdict);
}

/* ------------------------------------------------------------------ what the peer says */

static struct xf_out *out_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_out, stream);
}

/* Old servers leave `from` out, and Metronome repeats our own domain. */
static bool header_is_from(const struct xf_out *out, const struct xf_header *header)
{
    char from[XF_DOMAIN_MAX + 1];
    if (!header->from.ptr)
        return true;
    return xf_domain_prepare(header->from, from) == XF_ERR_OK &&
           (strcmp(from, out->peer) == 0 || strcmp(from, out->local) == 0);
}

static void refuse_id(struct xf_out *out)
{
    xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR, XF_STREAM_ERROR_INVALID_ID,
                   "the stream has no usable id");
}

/*
 * Prosody's header has no id when it ends the stream before it has taken ours: the error behind it
 * says why. So an id is missed only when features come.
 */
void xf_out_on_header(struct xf_stream *stream, const struct xf_header *header)
{
    struct xf_out *out = out_of(stream);
    bool is_legacy = header->version.ptr == NULL;
    out->from_is_wrong = !header_is_from(out, header);
    if (header->id.len > XF_DIALBACK_ID_MAX || (is_legacy && header->id.len == 0)) {
        refuse_id(out);
        return;
    }
    xf_free(out->peer_id);
    out->peer_id = header->id.len ? xf_span_dup(header->id) : NULL;
    out->peer_speaks_dialback = header->has_dialback_ns;
    out->features = (struct xf_features){0};
    if (!is_legacy || out->state == XF_OUT_AUTH_HEADER)
        xf_out_fire(out, XF_OUT_ON_HEADER);
    else if (out->settings->legacy)
        offer_for(out); /* pre-1.0: no features will follow */
    else
        xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_LEGACY_PEER,
                       XF_STREAM_ERROR_UNSUPPORTED_VERSION, "the peer speaks only pre-1.0 XMPP");
}

static void on_features(struct xf_out *out, const struct xf_elem *elem)
{
    if (!out->peer_id) {
        refuse_id(out);
        return;
    }
    out->features = xf_features_read(elem);
    out->carrier.limits = out->features.limits;
    out->peer_speaks_dialback = out->peer_speaks_dialback || out->features.dialback;
    xf_out_log_features(out);
    if (out->state == XF_OUT_AUTH_FEATURES)
        xf_out_fire(out, xf_out_may_resume(out) ? XF_OUT_ON_OFFER_RESUME : XF_OUT_ON_FEATURES);
    else if (out->state == XF_OUT_PLAIN_FEATURES || out->state == XF_OUT_TLS_FEATURES)
        offer_for(out);
}

/* clang-format off */
static const struct {
    const char *condition;
    enum xf_help help;
} errors[] = {
    {"remote-server-not-found",  XF_HELP_DIALBACK_NO_WAY_BACK},
    {"remote-server-timeout",    XF_HELP_DIALBACK_NO_WAY_BACK},
    {"remote-connection-failed", XF_HELP_DIALBACK_NO_WAY_BACK},
    {"item-not-found",           XF_HELP_PEER_HOST_UNKNOWN},
    {"policy-violation",         XF_HELP_DIALBACK_REFUSED},
    {"not-allowed",              XF_HELP_DIALBACK_REFUSED},
    {"not-authorized",           XF_HELP_DIALBACK_REFUSED},
    {"resource-constraint",      XF_HELP_DIALBACK_REFUSED},
    {"forbidden",                XF_HELP_DIALBACK_REFUSED},
    {"internal-server-error",    XF_HELP_DIALBACK_REFUSED},
};
/* clang-format on */

/* What the peer said instead of valid. */
static struct xf_refusal denial(const struct xf_elem *elem)
{
    if (xf_span_is(xf_elem_token(elem, "type"), "invalid"))
        return (struct xf_refusal){"it says that our key is invalid", XF_HELP_DIALBACK_OUR_KEY};
    const struct xf_elem *error = elem->first_child;
    while (error && !xf_span_is(error->name, "error"))
        error = error->next;
    for (size_t i = 0; error && i < XF_ARRAY_LEN(errors); i++)
        if (xf_elem_child(error, XF_NS_STANZA_ERROR, errors[i].condition))
            return (struct xf_refusal){errors[i].condition, errors[i].help};
    return (struct xf_refusal){"an error", XF_HELP_DIALBACK_REFUSED};
}

/* Pass on the answer to a rider that asked on this stream. False: it is not for one. */
static bool is_for_rider(struct xf_out *out, const struct xf_dialback_names *names,
                         const struct xf_elem *elem)
{
    struct xf_span type = xf_elem_token(elem, "type");
    return out->state == XF_OUT_READY && type.len &&
           xf_out_ride_answered(out, names, type, denial(elem).text);
}

static void on_dialback_result(struct xf_out *out, const struct xf_elem *elem)
{
    struct xf_dialback_names names;
    struct xf_span type = xf_elem_token(elem, "type");
    if (!type.ptr && out->is_bidi) {
        xf_out_question(out, elem);
        return;
    }
    bool is_due = out->state == XF_OUT_PLAIN_DIALBACK || out->state == XF_OUT_TLS_DIALBACK;
    bool is_named = xf_dialback_read_names(elem, &names) == XF_ERR_OK;
    if (is_named && is_for_rider(out, &names, elem))
        return;
    if (!is_due || !type.len || !is_named || strcmp(names.from, out->peer) != 0 ||
        strcmp(names.to, out->local) != 0) {
        xf_out_log(out, XF_LOG_WARN, "dialback.result.ignored", XF_STR("local", out->local),
                   XF_STR("peer", out->peer), XF_WORD("reason", "not-asked"));
        return;
    }
    if (xf_span_is(type, "valid")) {
        xf_out_fire(out, XF_OUT_ON_DIALBACK_OK);
        return;
    }
    char text[128];
    struct xf_refusal why = denial(elem);
    snprintf(text, sizeof(text), "the peer refused dialback: %s", why.text);
    xf_out_give_up(out, XF_CAUSE_AUTH, why.help, XF_STREAM_ERROR_NONE, text);
}

static void on_sasl(struct xf_out *out, const struct xf_elem *elem)
{
    if (out->state != XF_OUT_TLS_SASL)
        return;
    if (xf_span_is(elem->name, "success")) {
        xf_out_fire(out, XF_OUT_ON_SASL_OK);
    } else if (xf_span_is(elem->name, "challenge") && !out->sasl_aborted) {
        /*
         * EXTERNAL has no challenge after an initial response. The peer answers <abort/> with
         * <failure/> (RFC 6120 §6.4.4), and dialback follows.
         */
        out->sasl_aborted = true;
        xf_stream_send(&out->stream, "<abort xmlns='" XF_NS_SASL "'/>");
    } else if (xf_span_is(elem->name, "failure")) {
        xf_out_log(out, XF_LOG_INFO, "s2s.external.refused", XF_STR("local", out->local),
                   XF_STR("peer", out->peer),
                   XF_SPN("condition", elem->first_child ? elem->first_child->name : XF_SPAN_NONE),
                   XF_HELP(XF_HELP_OUR_CERT_REFUSED));
        out->sasl_failed = true;
        out->method = XF_AUTH_NONE;
        offer_for(out);
    }
}

/* What would be lost in silence; as on accepted streams (in_elements.c). */
static void fail_unsupported(struct xf_out *out, const char *text)
{
    xf_out_give_up(out, XF_CAUSE_STREAM, XF_HELP_PROTOCOL_ERROR,
                   XF_STREAM_ERROR_UNSUPPORTED_STANZA_TYPE, text);
}

static void take_element(struct xf_out *out, const struct xf_elem *elem)
{
    if (out->state == XF_OUT_ENDED) { /* it closes: what the peer acknowledges still counts */
        (void)xf_sm_element(&out->carrier, elem);
        return;
    }
    if (xf_elem_is(elem, XF_NS_STREAM, "features"))
        on_features(out, elem);
    else if (xf_span_is(elem->ns, XF_NS_SASL))
        on_sasl(out, elem);
    else if (xf_elem_is(elem, XF_NS_DIALBACK, "result"))
        on_dialback_result(out, elem);
    else if (xf_elem_is(elem, XF_NS_DIALBACK, "verify") && out->verify_events &&
             out->state == XF_OUT_READY)
        out->verify_events->answer(out->owner, elem);
    else if (xf_elem_is(elem, XF_NS_DIALBACK, "verify") && out->is_bidi &&
             !xf_elem_attr(elem, "type").ptr)
        xf_out_question(out, elem);
    else if (xf_span_is(elem->ns, XF_NS_SM))
        xf_out_on_sm(out, elem);
    else if (out->state == XF_OUT_PLAIN_PROCEED && xf_elem_is(elem, XF_NS_TLS, "proceed"))
        xf_out_fire(out, XF_OUT_ON_PROCEED);
    else if (out->state == XF_OUT_PLAIN_PROCEED && xf_elem_is(elem, XF_NS_TLS, "failure"))
        xf_out_give_up(out, XF_CAUSE_TLS, XF_HELP_TLS_REFUSED, XF_STREAM_ERROR_NONE,
                       "the peer refused STARTTLS");
    else if (out->is_bidi && xf_span_is(elem->ns, XF_NS_CLIENT))
        fail_unsupported(out, XF_TEXT_CLIENT_STANZA);
    else if (out->is_bidi && xf_span_is(elem->ns, XF_NS_STREAM))
        fail_unsupported(out, "an element in the namespace of streams that is not due");
    /* Any other element is an extension that we did not ask for: ignore it (ejabberd #4300). */
}

void xf_out_on_element(struct xf_stream *stream, const struct xf_elem *elem)
{
    struct xf_out *out = out_of(stream);
    /* Of answers to questions, verify.c bounds those that nobody asked for. */
    bool is_answer = out->verify_events && xf_elem_is(elem, XF_NS_DIALBACK, "verify");
    bool is_counted =
        out->state == XF_OUT_READY && !is_answer && !xf_sm_is_due(&out->carrier, elem);
    take_element(out, elem);
    if (is_counted)
        xf_gate_element(&out->gate, out->s2s, xf_span_of(out->peer), elem->wire_bytes);
}
