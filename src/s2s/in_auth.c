/* SPDX-License-Identifier: MIT */
/* in_auth.c — STARTTLS and SASL EXTERNAL on an accepted stream (RFC 6120 §5, §6; XEP-0178 §3). */
#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/ns.h>

#include "in_priv.h"
#include "stream_log_priv.h"

bool xf_in_may_external(const struct xf_in *in, struct xf_span peer)
{
    struct xf_verdict verdict = xf_in_verdict(in, peer);
    const struct xf_peer_settings *settings = xf_policy_peer(in->s2s->policy, peer);
    return peer.len > 0 && xf_auth_may(settings, &verdict, XF_AUTH_EXTERNAL, false);
}

/* RFC 6120 §5.4.2.2: <failure/>, then the stream ends. */
void xf_in_refuse_starttls(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_stream_send(&in->stream, "<failure xmlns='" XF_NS_TLS "'/>");
    xf_in_close(in);
}

void xf_in_starttls(struct xf_in *in, const struct xf_elem *elem)
{
    if (in->settings->tls == XF_TLS_NONE ||
        !xf_tls_identities_has(in->s2s->identities, xf_span_of(in->local))) {
        xf_in_refuse_starttls(in, elem);
        return;
    }
    /*
     * RFC 6120 §5.4.3.3: forget what was claimed in clear. Do so now, since an answer about it may
     * come during the handshake.
     */
    xf_in_pairs_free(in);
    in->tls_ciphers = xf_strdup(in->settings->ciphers ? in->settings->ciphers : "");
    xf_stream_start_tls(&in->stream,
                        &(struct xf_tls_request){
                            .identities = in->s2s->identities,
                            .local = xf_span_of(in->local),
                            .is_server = true,
                            .judge_later = true,
                            .min_version = in->settings->tls_min == 13 ? XF_TLS_1_3 : XF_TLS_1_2,
                            .ciphers = *in->tls_ciphers ? in->tls_ciphers : NULL,
                        },
                        "<proceed xmlns='" XF_NS_TLS "'/>");
}

void xf_in_start_direct_tls(struct xf_in *in)
{
    /* The default settings: the peer has not yet said who it is. */
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

bool xf_in_keeps_ciphers(const struct xf_in *in, const struct xf_peer_settings *settings)
{
    const char *usual = xf_policy_defaults(in->s2s->policy)->ciphers;
    return !in->tls_ciphers || strcmp(in->tls_ciphers, usual ? usual : "") == 0 ||
           strcmp(in->tls_ciphers, settings->ciphers ? settings->ciphers : "") == 0;
}

/* ------------------------------------------------------------------ SASL EXTERNAL */

static void refuse(struct xf_in *in, const char *condition, enum xf_help help, const char *text)
{
    struct xf_draft draft = xf_stream_draft(&in->stream);
    xf_draft_printf(&draft, "<failure xmlns='" XF_NS_SASL "'><%s/>", condition);
    if (text) {
        xf_draft_str(&draft, "<text xml:lang='en'>");
        xf_xml_text(&draft, xf_utf8_whole(xf_span_of(text)));
        xf_draft_str(&draft, "</text>");
    }
    xf_draft_str(&draft, "</failure>");
    xf_stream_send_draft(&in->stream, &draft);
    xf_in_log(in, XF_LOG_INFO, "s2s.external.denied", XF_STR("local", in->local),
              XF_STR("peer", in->peer), XF_WORD("condition", condition), XF_STR("detail", text),
              XF_HELP(help));
    if (++in->failures >= in->s2s->settings.unauthenticated.dialback_failures)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_AUTH_FAILED,
                   "too many failed authentications");
}

/*
 * The domain that the peer claims: the authorization identity or, if that is empty, the header's
 * `from`. NULL: refused.
 */
static const char *claimed_domain(struct xf_in *in, struct xf_span response,
                                  char out[XF_DOMAIN_MAX + 1])
{
    char authzid[4 * XF_DOMAIN_MAX];
    size_t len = 0;
    if (response.len == 0 || xf_span_is(response, "=")) {
        if (!in->peer)
            refuse(in, "invalid-authzid", XF_HELP_PROTOCOL_ERROR, "the stream has no from");
        return in->peer;
    }
    if (response.len >= sizeof(authzid) || xf_base64_decode(response, authzid, &len) != XF_ERR_OK) {
        refuse(in, "incorrect-encoding", XF_HELP_PROTOCOL_ERROR, NULL);
        return NULL;
    }
    struct xf_span text = {authzid, len};
    if (!xf_utf8_valid(authzid, len) || memchr(authzid, 0, len) ||
        xf_domain_prepare(text, out) != XF_ERR_OK || (in->peer && strcmp(out, in->peer) != 0)) {
        refuse(in, "invalid-authzid", XF_HELP_PROTOCOL_ERROR,
               "the authorization identity must be the domain of the stream");
        return NULL;
    }
    return out;
}

/*
 * The header was not refused, but the peer may be one to which we only send, or only the
 * authorization identity has named it.
 */
static bool is_denied(struct xf_in *in, struct xf_span peer)
{
    struct xf_ruling ruling;
    struct xf_span local = xf_span_of(in->local);
    if (!xf_in_is_denied(in, local, peer, &ruling))
        return false;
    xf_in_log_denied(in, local, peer, &ruling);
    if (ruling.answer == XF_DENIAL_ERROR)
        refuse(in, "not-authorized", ruling.help, ruling.text);
    else
        xf_in_deny(in, &ruling);
    return true;
}

static void authenticate(struct xf_in *in, struct xf_span response)
{
    char buffer[XF_DOMAIN_MAX + 1];
    const char *domain = claimed_domain(in, response, buffer);
    if (!domain)
        return;
    struct xf_span peer = xf_span_of(domain);
    if (is_denied(in, peer))
        return;
    if (!xf_in_may_external(in, peer)) {
        char text[200];
        struct xf_verdict verdict = xf_in_verdict(in, peer);
        enum xf_help help = xf_verdict_help(&verdict);
        xf_verdict_text(&verdict, in->stream.conn->tls, peer, text, sizeof(text));
        refuse(in, "not-authorized", help ? help : XF_HELP_AUTH_NOT_ALLOWED,
               help ? text : "SASL EXTERNAL is not accepted from this domain");
        return;
    }
    if (!in->peer) {
        in->peer = xf_strdup(domain);
        in->settings = xf_policy_peer(in->s2s->policy, peer);
    }
    xf_in_pairs_free(in); /* open questions were about the stream before SASL */
    struct xf_pair *pair = xf_pair_new(in, xf_span_of(in->local), peer);
    if (!xf_pair_is_as_before(pair, XF_AUTH_EXTERNAL) || !xf_pair_has_place(pair))
        return;
    xf_stream_send(&in->stream, "<success xmlns='" XF_NS_SASL "'/>");
    in->pass = XF_PASS_AUTH;
    in->is_open = false;
    xf_stream_restart(&in->stream);
    xf_pair_authenticated(pair, XF_AUTH_EXTERNAL);
}

void xf_in_sasl_not_due(struct xf_in *in, const struct xf_elem *elem)
{
    (void)elem;
    xf_in_fail(in, XF_STREAM_ERROR_NOT_AUTHORIZED, XF_HELP_PROTOCOL_ERROR, "SASL is not due here");
}

/* Else there is nobody to authenticate to: a pre-1.0 header need not name a domain of ours. */
static bool has_local(struct xf_in *in, const struct xf_elem *elem)
{
    if (!in->local)
        xf_in_sasl_not_due(in, elem);
    return in->local != NULL;
}

void xf_in_sasl_in_clear(struct xf_in *in, const struct xf_elem *elem)
{
    if (has_local(in, elem))
        refuse(in, "encryption-required", XF_HELP_PROTOCOL_ERROR, NULL);
}

void xf_in_sasl_auth(struct xf_in *in, const struct xf_elem *elem)
{
    in->sasl_challenged = false;
    if (!has_local(in, elem))
        return;
    if (!xf_span_is(xf_elem_token(elem, "mechanism"), "EXTERNAL")) {
        refuse(in, "invalid-mechanism", XF_HELP_PROTOCOL_ERROR, NULL);
    } else if (elem->text.len == 0) { /* RFC 6120 §6.4.2: no initial response, so ask for one */
        in->sasl_challenged = true;
        xf_stream_send(&in->stream, "<challenge xmlns='" XF_NS_SASL "'/>");
    } else {
        authenticate(in, elem->text);
    }
}

void xf_in_sasl_response(struct xf_in *in, const struct xf_elem *elem)
{
    bool was_challenged = in->sasl_challenged;
    in->sasl_challenged = false;
    if (was_challenged)
        authenticate(in, elem->text);
    else
        xf_in_sasl_not_due(in, elem);
}

void xf_in_sasl_abort(struct xf_in *in, const struct xf_elem *elem)
{
    in->sasl_challenged = false;
    if (has_local(in, elem))
        refuse(in, "aborted", XF_HELP_NONE, NULL);
}
