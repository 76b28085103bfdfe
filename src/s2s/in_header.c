/* SPDX-License-Identifier: MIT */
/*
 * in_header.c — headers and features of an accepted stream, pass by pass:
 *
 *   plain:  header -> features (STARTTLS; dialback only where TLS is not required)
 *   TLS:    header -> the certificate is judged (in_certificate.c) -> features (EXTERNAL for a
 *           certificate that policy accepts for `from`; dialback)
 *   auth:   header -> features (dialback for further pairs, stream limits)
 *
 * Offering a feature decides nothing: what the peer may do is checked where it is done (in_auth.c,
 * in_dialback.c), by xf_auth_refusal.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#include "in_priv.h"

static struct xf_in *in_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_in, stream);
}

/* ------------------------------------------------------------------ names */

/* RFC 6120 §4.7.5: two numbers, leading zeros are ignored. We speak every 1.x. */
static bool version_is_ours(struct xf_span version)
{
    version = xf_span_trim(version);
    const char *dot = memchr(version.ptr, '.', version.len);
    uint64_t number;
    if (!dot)
        return false;
    struct xf_span major = {version.ptr, (size_t)(dot - version.ptr)};
    struct xf_span minor = {dot + 1, version.len - major.len - 1};
    return xf_span_number(minor, UINT64_MAX, &number) &&
           xf_span_number(major, UINT64_MAX, &number) && number == 1;
}

/*
 * `local` NULL: the peer named no domain of ours. RFC 6120 §4.9.1.3 wants a header from us even
 * then, so one of our domains stands in.
 */
static void answer_header(struct xf_in *in, const char *local, const char *peer)
{
    const struct xf_served_settings *first = xf_policy_first_served(in->s2s->policy);
    if (!local && !in->is_legacy && first)
        local = first->domain;
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
    char problem[160];                                      /* text, of an unknown host */
};

/*
 * Some servers leave `from` or `to` out when they open the stream again. We take `to` from the
 * header in clear, but `from` only if it is authenticated.
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

static enum xf_stream_error unknown_host(struct names *names, struct xf_span to,
                                         const char **out_text)
{
    char text[101];
    size_t len = to.len < sizeof(text) ? to.len : sizeof(text) - 1;
    names->local[0] = '\0';
    snprintf(text, sizeof(text), "%.*s", (int)len, to.ptr ? to.ptr : "");
    struct xf_span whole = xf_utf8_whole(xf_span_of(text));
    snprintf(names->problem, sizeof(names->problem), "the domain '%.*s' is not served here",
             XF_SPAN_ARGS(whole));
    *out_text = to.ptr ? names->problem : "the header does not say for which domain it is";
    return XF_STREAM_ERROR_HOST_UNKNOWN;
}

/* What is wrong with the addresses of the header; NONE: nothing. */
static enum xf_stream_error read_names(const struct xf_in *in, const struct xf_header *header,
                                       struct names *out, const char **out_text)
{
    out->local[0] = out->peer[0] = '\0';
    *out_text = NULL;
    if (header->from.ptr && xf_domain_prepare(header->from, out->peer) != XF_ERR_OK) {
        out->peer[0] = '\0';
        if (in->pass != XF_PASS_PLAIN) { /* in clear it is only a hint */
            *out_text = "from is not a domain";
            return XF_STREAM_ERROR_IMPROPER_ADDRESSING;
        }
    }
    keep_left_out(in, header, out);
    if (!header->to.ptr && !out->local[0])
        return in->is_legacy ? XF_STREAM_ERROR_NONE : unknown_host(out, header->to, out_text);
    if ((header->to.ptr && xf_domain_prepare(header->to, out->local) != XF_ERR_OK) ||
        !xf_policy_served(in->s2s->policy, xf_span_of(out->local)))
        return unknown_host(out, header->to, out_text);
    if (out->peer[0] && xf_policy_served(in->s2s->policy, xf_span_of(out->peer))) {
        *out_text = "that domain is served here";
        return XF_STREAM_ERROR_INVALID_FROM;
    }
    return XF_STREAM_ERROR_NONE;
}

/* After SASL the addresses stay the authenticated ones (CVE-2018-10847). */
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

/* ------------------------------------------------------------------ features */

/*
 * The peer has no way to authenticate: say what is wrong with its certificate, or that DNS leaves
 * it open, instead of leaving it to guess.
 */
static void refuse_certificate(struct xf_in *in)
{
    char text[200];
    struct xf_verdict verdict = xf_in_verdict(in, xf_span_of(in->peer));
    enum xf_help help = xf_verdict_help(&verdict);
    xf_verdict_text(&verdict, in->stream.conn->tls, xf_span_of(in->peer), text, sizeof(text));
    xf_in_fail(in, XF_STREAM_ERROR_NOT_AUTHORIZED, help ? help : XF_HELP_AUTH_NOT_ALLOWED,
               help ? text : "no way to authenticate is allowed");
}

static void offer_features(struct xf_in *in)
{
    struct xf_features_offer offer = {0};
    struct xf_verdict verdict = xf_in_verdict_at_best(in, xf_span_of(in->peer));
    offer.dialback = xf_auth_may(in->settings, &verdict, XF_AUTH_DIALBACK, false);
    offer.bidi = xf_in_offers_bidi(in);
    offer.sm = in->pass == XF_PASS_AUTH && in->settings->ack == XF_ACK_SM;
    if (in->pass == XF_PASS_PLAIN) {
        offer.tls = in->settings->tls != XF_TLS_NONE &&
                    xf_tls_identities_has(in->s2s->identities, xf_span_of(in->local));
        offer.tls_required = in->settings->tls == XF_TLS_REQUIRED;
    } else {
        offer.external = in->pass == XF_PASS_TLS && xf_in_may_external(in, xf_span_of(in->peer));
    }
    if (!offer.tls_required) /* else further features come after TLS */
        offer.limits = xf_s2s_said_limits(in->s2s, in->settings);
    xf_features_write(&in->stream, &offer);
    if (in->pass == XF_PASS_TLS && in->peer && !offer.external && !offer.dialback)
        refuse_certificate(in);
    if (in->pass == XF_PASS_AUTH)
        xf_in_bidi_open(in);
}

/*
 * A pre-1.0 header need not name anybody (jabberd2 without TLS). Then dialback does, and
 * in_dialback.c checks the same for that peer.
 */
static void open_pass(struct xf_in *in)
{
    in->is_open = true;
    if (!in->is_legacy)
        offer_features(in);
    else if (!in->peer)
        return;
    else if (!in->settings->legacy)
        xf_in_fail(in, XF_STREAM_ERROR_UNSUPPORTED_VERSION, XF_HELP_LEGACY_PEER,
                   "pre-1.0 streams are not accepted");
    else if (in->settings->tls == XF_TLS_REQUIRED && in->pass == XF_PASS_PLAIN)
        xf_in_fail(in, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_TLS_NOT_OFFERED,
                   "TLS is required");
}

static void on_judged(void *owner)
{
    struct xf_in *in = owner;
    if (in->stream.is_ending)
        return;
    open_pass(in);
    xf_stream_release(&in->stream);
}

/* ------------------------------------------------------------------ a header */

/*
 * A peer that policy refuses in both directions: where denied-peer asks for silence, end the stream
 * before we send anything. Others get the error after our header.
 */
static bool hangs_up(struct xf_in *in, const struct names *names, const struct xf_ruling *ruling)
{
    pin_names(in, names);
    xf_in_log_denied(in, xf_span_of(names->local), xf_span_of(names->peer), ruling);
    if (ruling->answer == XF_DENIAL_SILENT)
        xf_in_deny(in, ruling);
    return ruling->answer == XF_DENIAL_SILENT;
}

void xf_in_on_header(struct xf_stream *stream, const struct xf_header *header)
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
        xf_in_fail(in, XF_STREAM_ERROR_UNSUPPORTED_VERSION, XF_HELP_PROTOCOL_ERROR, NULL);
        return;
    }
    if (error != XF_STREAM_ERROR_NONE) {
        xf_in_fail(in, error,
                   error == XF_STREAM_ERROR_HOST_UNKNOWN && header->to.ptr ? XF_HELP_HOST_UNKNOWN
                                                                           : XF_HELP_PROTOCOL_ERROR,
                   text);
        return;
    }
    if (!keeps_names(in, &names)) {
        xf_in_fail(in, XF_STREAM_ERROR_INVALID_FROM, XF_HELP_PROTOCOL_ERROR,
                   "from and to must stay what was authenticated");
        return;
    }
    pin_names(in, &names);
    if (is_shut_out) {
        xf_in_deny(in, &ruling);
        return;
    }
    if (xf_s2s_is_away(in->s2s, xf_span_of(in->local))) {
        xf_in_turn_away(in);
        return;
    }
    if (in->pass == XF_PASS_TLS && !xf_in_keeps_ciphers(in, in->settings))
        xf_in_fail(in, XF_STREAM_ERROR_INVALID_FROM, XF_HELP_PROTOCOL_ERROR,
                   "from must stay what it was before TLS");
    else if (in->pass != XF_PASS_TLS || !xf_in_judge(in, on_judged))
        open_pass(in);
}
