/* SPDX-License-Identifier: MIT */
/* streamlog.c — one line when a stream is up and one when it is down, with all that an operator asks first. */
#include "s2s_priv.h"

#define LINES_MS 60000
#define STRANGER_LINES 200
#define PEER_LINES 32

static const char *tls_version(const struct xf_stream *stream)
{
    return stream->conn && stream->conn->tls ? stream->conn->tls->version : "none";
}

static const char *tls_cipher(const struct xf_stream *stream)
{
    return stream->conn && stream->conn->tls ? stream->conn->tls->cipher : NULL;
}

static const char *cert_word(const struct xf_s2s *s2s, const struct xf_stream *stream, const char *peer)
{
    struct xf_span domain = xf_span_of(peer);
    struct xf_verdict verdict =
        xf_verdict_of(stream->conn ? stream->conn->tls : NULL, xf_policy_peer(s2s->policy, domain), domain);
    return xf_verdict_word(&verdict);
}

/* `via`: the pair has no stream of its own; the rest is of the one that it shares. */
void xf_log_out_up(const struct xf_out *out)
{
    char addr[XF_ADDR_TEXT_BYTES];
    const struct xf_stream *stream = out->on->stream;
    xf_addr_text(&stream->conn->addr, addr);
    xf_log(XF_LOG_INFO, "s2s.stream.up", XF_WORD("dir", out->asker ? "verify" : "out"), XF_STR("local", out->local),
           XF_STR("peer", out->peer), XF_STR("addr", addr), XF_WORD("tls", tls_version(stream)),
           XF_STR("cipher", tls_cipher(stream)), XF_WORD("cert", cert_word(out->s2s, stream, out->peer)),
           XF_WORD("auth", xf_auth_method_word(out->method)), XF_WORD("via", xf_carrier_word(out)),
           XF_WORD("bidi", out->is_bidi ? "yes" : NULL), XF_INT("ms", out->ready_ms - out->opened_ms));
}

void xf_log_out_down(const struct xf_out *out, const char *detail)
{
    bool is_usual = out->was_ready || out->cause == XF_CAUSE_SHUTDOWN;
    enum xf_log_level level = is_usual ? XF_LOG_INFO : out->is_probe ? XF_LOG_DEBUG : XF_LOG_WARN;
    if (xf_log_threshold < level)
        return;
    xf_log_event(level, "s2s.stream.down",
                 (const struct xf_kv[]){
                     XF_WORD("dir", out->asker ? "verify" : "out"),
                     XF_STR("local", out->local),
                     XF_STR("peer", out->peer),
                     XF_WORD("state", xf_out_state_name(out->state)),
                     XF_WORD("reason", xf_cause_word(out->cause)),
                     XF_STR("detail", detail),
                     XF_WORD("via", xf_carrier_word(out)),
                     XF_INT("stanzas", out->stanzas),
                     XF_INT("ms", out->s2s->env->clock->now_ms - out->opened_ms),
                 },
                 9);
}

void xf_log_in_up(const struct xf_in *in, const struct xf_pair *pair)
{
    xf_log(XF_LOG_INFO, "s2s.stream.up", XF_WORD("dir", "in"), XF_STR("local", pair->local), XF_STR("peer", pair->peer),
           XF_STR("addr", in->host), XF_WORD("tls", tls_version(&in->stream)), XF_STR("cipher", tls_cipher(&in->stream)),
           XF_WORD("cert", cert_word(in->s2s, &in->stream, pair->peer)), XF_WORD("auth", xf_auth_method_word(pair->method)),
           XF_WORD("bidi", in->is_bidi ? "yes" : NULL), XF_INT("ms", pair->since_ms - in->accepted_ms));
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
    return in->stream.conn_end == XF_CONN_END_TLS ? "tls" : "lost";
}

/*
 * Lines that an outsider can cause are counted: of all strangers together STRANGER_LINES a minute, of one authenticated stream
 * PEER_LINES. What is more goes to debug.
 */
bool xf_in_may_log(struct xf_in *in)
{
    struct xf_s2s *s2s = in->s2s;
    uint64_t now_ms = s2s->env->clock->now_ms;
    if (in->valid_pairs > 0)
        return in->lines < PEER_LINES && in->lines++ < PEER_LINES;
    if (now_ms - s2s->strangers.since_ms >= LINES_MS) {
        if (s2s->strangers.hidden)
            xf_log(XF_LOG_WARN, "s2s.lines.suppressed", XF_INT("suppressed", s2s->strangers.hidden));
        s2s->strangers = (struct xf_stranger_lines){.since_ms = now_ms};
    }
    if (s2s->strangers.written < STRANGER_LINES)
        return s2s->strangers.written++ < STRANGER_LINES;
    s2s->strangers.hidden++;
    return false;
}

bool xf_out_may_log(struct xf_out *out)
{
    return out->lines < PEER_LINES && out->lines++ < PEER_LINES;
}

/* Strangers that never authenticated are worth a line at debug only when they just went away. */
void xf_log_in_down(struct xf_in *in, enum xf_stream_end end, const char *detail)
{
    bool refused = end == XF_STREAM_END_OUR_ERROR;
    bool is_stranger = in->valid_pairs == 0;
    enum xf_log_level level = refused ? XF_LOG_WARN : is_stranger && !in->peer ? XF_LOG_DEBUG : XF_LOG_INFO;
    if (xf_log_threshold < level || (is_stranger && level != XF_LOG_DEBUG && !xf_in_may_log(in)))
        return;
    const char *text = refused ? in->stream.our_text : end == XF_STREAM_END_PEER_ERROR ? in->stream.peer_text : detail;
    xf_log_event(level, "s2s.stream.down",
                 (const struct xf_kv[]){
                     XF_WORD("dir", "in"),
                     XF_STR("local", in->local),
                     XF_STR("peer", in->peer),
                     XF_STR("addr", in->host),
                     XF_WORD("reason", end_word(in, end)),
                     XF_STR("detail", text && *text ? text : NULL),
                     XF_INT("stanzas", in->stream.stanzas_in),
                     XF_INT("ms", in->s2s->env->clock->now_ms - in->accepted_ms),
                 },
                 8);
}
