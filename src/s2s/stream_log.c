/* SPDX-License-Identifier: MIT */
/*
 * stream_log.c — writes one line when a stream is up and one when it is down, with what an operator
 * asks first; and decides against whose limit a line about a stream counts (xfed/stream/lines.h).
 */
#include <stdio.h>

#include <xfed/xmpp/owner.h>

#include "in_priv.h"
#include "out_priv.h"
#include "stream_log_priv.h"

/* ------------------------------------------------------------------ whose line it is */

static enum xf_lines_kind kind_of(const struct xf_s2s *s2s, struct xf_span peer)
{
    return xf_policy_names(s2s->policy, peer) ? XF_LINES_NAMED : XF_LINES_PEERS;
}

/* The header is only a claim: an authenticated pair counts. */
static const char *proved_peer(const struct xf_in *in)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        if (pair->method != XF_AUTH_NONE)
            return pair->peer;
    }
    return NULL;
}

enum xf_log_level xf_in_level(struct xf_in *in, enum xf_log_level level, const char *event)
{
    const char *peer = proved_peer(in);
    enum xf_lines_kind kind = peer ? kind_of(in->s2s, xf_span_of(peer)) : XF_LINES_STRANGERS;
    struct xf_span owner =
        kind == XF_LINES_NAMED ? xf_domain_owner(xf_span_of(peer)) : xf_span_of(in->network);
    return xf_lines_level(in->s2s->env, kind, owner, level, event);
}

enum xf_log_level xf_out_level(struct xf_out *out, enum xf_log_level level, const char *event)
{
    struct xf_span peer = xf_span_of(out->peer);
    return xf_lines_level(
        out->s2s->env, out->purpose == XF_OUT_VERIFY ? XF_LINES_QUESTIONS : kind_of(out->s2s, peer),
        xf_domain_owner(peer), level, event);
}

enum xf_log_level xf_s2s_alarm_level(struct xf_s2s *s2s, struct xf_span peer,
                                     enum xf_log_level level, const char *event)
{
    bool is_named = kind_of(s2s, peer) == XF_LINES_NAMED;
    return xf_lines_level(s2s->env, is_named ? XF_LINES_NAMED : XF_LINES_ALARMS,
                          xf_domain_owner(peer), level, event);
}

/* ------------------------------------------------------------------ up and down */

static const char *tls_version(const struct xf_stream *stream)
{
    return stream->conn && stream->conn->tls ? stream->conn->tls->version : "none";
}

static const char *tls_cipher(const struct xf_stream *stream)
{
    return stream->conn && stream->conn->tls ? stream->conn->tls->cipher : NULL;
}

static const char *cert_word(const struct xf_s2s *s2s, const struct xf_stream *stream,
                             const char *peer)
{
    struct xf_span domain = xf_span_of(peer);
    struct xf_verdict verdict = xf_verdict_of(stream->conn ? stream->conn->tls : NULL,
                                              xf_policy_peer(s2s->policy, domain), domain);
    return xf_verdict_word(&verdict);
}

/*
 * The word for how the pair shares a stream, which the rest of its line is about; NULL: it has its
 * own.
 */
static const char *via(const struct xf_out *out)
{
    return xf_out_is_rider(out) ? out->seat.on->ops->word : NULL;
}

void xf_out_log_up(struct xf_out *out)
{
    char addr[XF_ADDR_TEXT_BYTES];
    const struct xf_stream *stream = out->seat.on->stream;
    xf_addr_text(&stream->conn->addr, addr);
    xf_out_log(out, XF_LOG_INFO, "s2s.stream.up",
               XF_WORD("dir", out->purpose == XF_OUT_VERIFY ? "verify" : "out"),
               XF_STR("local", out->local), XF_STR("peer", out->peer), XF_STR("addr", addr),
               XF_WORD("tls", tls_version(stream)), XF_STR("cipher", tls_cipher(stream)),
               XF_WORD("cert", cert_word(out->s2s, stream, out->peer)),
               XF_WORD("auth", xf_auth_method_word(out->method)), XF_WORD("via", via(out)),
               XF_WORD("bidi", out->is_bidi ? "yes" : NULL),
               XF_INT("ms", out->ready_ms - out->opened_ms));
}

/* How a stream, or its try at one address, ended. */
struct end {
    const struct xf_addr *addr; /* family 0: none was tried */
    enum xf_cause cause;
    enum xf_help help;
    const char *detail, *behind;
};

static void log_end(struct xf_out *out, const struct end *end)
{
    bool is_usual = out->was_ready || end->cause == XF_CAUSE_SHUTDOWN ||
                    end->cause == XF_CAUSE_IDLE || out->purpose == XF_OUT_CHECK ||
                    out->purpose == XF_OUT_LOOK; /* somebody watches */
    enum xf_log_level level = is_usual                       ? XF_LOG_INFO
                              : out->purpose == XF_OUT_PROBE ? XF_LOG_DEBUG
                                                             : XF_LOG_WARN;
    char addr[XF_ADDR_TEXT_BYTES] = "";
    if (end->addr->sa.sa_family && !via(out))
        xf_addr_text(end->addr, addr);
    xf_out_log(out, level, "s2s.stream.down",
               XF_WORD("dir", out->purpose == XF_OUT_VERIFY ? "verify" : "out"),
               XF_STR("local", out->local), XF_STR("peer", out->peer),
               XF_STR("addr", *addr ? addr : NULL), XF_WORD("state", xf_out_failed_in(out)),
               XF_WORD("reason", xf_cause_word(end->cause)), XF_STR("detail", end->detail),
               XF_STR("cause", end->behind), XF_HELP(end->help), XF_WORD("via", via(out)),
               XF_INT("stanzas", out->stanzas),
               XF_INT("ms", out->s2s->env->clock->now_ms - out->opened_ms));
}

static void hex_of(const uint8_t bytes[32], char out[65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void xf_out_log_secured(struct xf_out *out)
{
    const struct xf_tls_facts *facts = out->stream.conn->tls;
    char names[200] = "", key[65] = "";
    if (xf_log_wanted < XF_LOG_DEBUG)
        return;
    xf_tls_facts_names_text(facts, names, sizeof(names));
    if (facts->chain != XF_CERT_NONE)
        hex_of(facts->spki_sha256, key);
    xf_out_log(out, XF_LOG_DEBUG, "s2s.tls.secured", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_WORD("tls", facts->version),
               XF_STR("cipher", facts->cipher),
               XF_WORD("cert", cert_word(out->s2s, &out->stream, out->peer)),
               XF_STR("names", names), XF_STR("origin", *facts->origin ? facts->origin : NULL),
               XF_STR("detail", *facts->chain_text ? facts->chain_text : NULL),
               XF_STR("spki_sha256", *key ? key : NULL));
}

static const char *yes(bool is)
{
    return is ? "yes" : "no";
}

void xf_out_log_features(struct xf_out *out)
{
    const struct xf_features *offers = &out->features;
    xf_out_log(out, XF_LOG_DEBUG, "s2s.features.offered", XF_STR("local", out->local),
               XF_STR("peer", out->peer), XF_WORD("starttls", yes(offers->tls)),
               XF_WORD("external", yes(offers->external)),
               XF_WORD("dialback", yes(out->peer_speaks_dialback)),
               XF_WORD("bidi", yes(offers->bidi)), XF_WORD("sm", yes(offers->sm)),
               XF_INT("max_bytes", offers->limits.max_bytes),
               XF_INT("idle_ms", offers->limits.idle_ms));
}

void xf_out_log_down(struct xf_out *out, const char *detail)
{
    log_end(out, &(struct end){&out->addr, out->cause, out->help, detail, out->behind});
}

void xf_out_log_unreached(struct xf_out *out, const struct xf_dial_failure *failure,
                          const char *detail)
{
    log_end(out, &(struct end){&failure->addr, XF_CAUSE_CONNECT, failure->help, detail,
                               failure->detail});
}

void xf_in_log_up(struct xf_in *in, const struct xf_pair *pair)
{
    xf_in_log(in, XF_LOG_INFO, "s2s.stream.up", XF_WORD("dir", "in"), XF_STR("local", pair->local),
              XF_STR("peer", pair->peer), XF_STR("addr", in->host),
              XF_WORD("tls", tls_version(&in->stream)), XF_STR("cipher", tls_cipher(&in->stream)),
              XF_WORD("cert", cert_word(in->s2s, &in->stream, pair->peer)),
              XF_WORD("auth", xf_auth_method_word(pair->method)),
              XF_WORD("bidi", in->is_bidi ? "yes" : NULL),
              XF_INT("ms", pair->since_ms - in->accepted_ms));
}

static const char *end_word(const struct xf_in *in, enum xf_stream_end end)
{
    switch (end) {
    case XF_STREAM_END_POLITE:
        return "closed";
    case XF_STREAM_END_OUR_ERROR:
        return xf_stream_error_name(in->stream.our_error);
    case XF_STREAM_END_PEER_ERROR:
        return "peer-error";
    case XF_STREAM_END_LOST:
        break;
    }
    return xf_conn_end_is_tls(in->stream.conn_end) ? "tls" : "lost";
}

static const char *state_word(const struct xf_in *in)
{
    static const char *const words[] = {"PLAIN", "TLS", "AUTH"};
    if (in->valid_pairs > 0)
        return "READY";
    return in->pass == XF_PASS_PLAIN && in->tls_ciphers ? "HANDSHAKE" : words[in->pass];
}

enum xf_help xf_s2s_help_for_tls(enum xf_conn_end end, bool is_direct)
{
    switch (end) {
    case XF_CONN_END_TLS_REFUSED:
        return XF_HELP_OUR_CERT_REFUSED;
    case XF_CONN_END_TLS_ALIEN: /* behind STARTTLS it has promised TLS */
        return is_direct ? XF_HELP_PLAIN_ON_TLS_PORT : XF_HELP_PROTOCOL_ERROR;
    case XF_CONN_END_TLS_VERSION:
        return XF_HELP_TLS_TOO_OLD;
    default:
        return XF_HELP_TLS_FAILED;
    }
}

/* A server that says not-authorized before it was authenticated has looked at our certificate. */
static enum xf_help help_for_error(const struct xf_in *in)
{
    if (in->stream.peer_error == XF_STREAM_ERROR_SYSTEM_SHUTDOWN)
        return XF_HELP_NONE;
    bool is_about_us = in->stream.peer_error == XF_STREAM_ERROR_NOT_AUTHORIZED &&
                       in->pass == XF_PASS_TLS && in->valid_pairs == 0;
    return is_about_us ? XF_HELP_OUR_CERT_REFUSED : XF_HELP_PEER_STREAM_ERROR;
}

static enum xf_help help_for(const struct xf_in *in, enum xf_stream_end end)
{
    switch (end) {
    case XF_STREAM_END_OUR_ERROR:
        return in->stream.our_help;
    case XF_STREAM_END_PEER_ERROR:
        return help_for_error(in);
    case XF_STREAM_END_POLITE:
        return XF_HELP_NONE;
    case XF_STREAM_END_LOST:
        break;
    }
    if (xf_conn_end_is_tls(in->stream.conn_end))
        return xf_s2s_help_for_tls(in->stream.conn_end, in->is_direct);
    bool is_theirs = in->stream.conn_end != XF_CONN_END_LOCAL;
    return is_theirs && in->valid_pairs > 0 ? XF_HELP_PEER_CLOSED : XF_HELP_NONE;
}

/*
 * A peer that named no domain in its header and just went away is worth a line at debug only. What
 * is wrong with our certificate keeps every peer away.
 */
void xf_in_log_down(struct xf_in *in, enum xf_stream_end end, const char *detail)
{
    bool refused = end == XF_STREAM_END_OUR_ERROR;
    bool is_stranger = in->valid_pairs == 0;
    enum xf_help help = help_for(in, end);
    enum xf_log_level level = refused || help == XF_HELP_OUR_CERT_REFUSED ? XF_LOG_WARN
                              : is_stranger && !in->peer                  ? XF_LOG_DEBUG
                                                                          : XF_LOG_INFO;
    const char *text = refused                           ? in->stream.our_text
                       : end == XF_STREAM_END_PEER_ERROR ? in->stream.peer_text
                                                         : detail;
    xf_in_log(in, level, "s2s.stream.down", XF_WORD("dir", "in"), XF_STR("local", in->local),
              XF_STR("peer", in->peer), XF_STR("addr", in->host), XF_WORD("state", state_word(in)),
              XF_WORD("reason", end_word(in, end)), XF_STR("detail", text && *text ? text : NULL),
              XF_HELP(help), XF_INT("stanzas", in->stream.stanzas_in),
              XF_INT("ms", in->s2s->env->clock->now_ms - in->accepted_ms));
}
