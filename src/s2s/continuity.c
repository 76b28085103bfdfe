/* SPDX-License-Identifier: MIT */
/*
 * continuity.c — asks whether a peer is still what it was. Every transition to authenticated asks
 * here, besides xf_auth_refusal. This file looks the peer up in the history, writes the log and
 * updates the history; src/auth/continuity.c decides what follows from a change. The same alarm
 * about the same peer is logged at most once an hour.
 *
 * What counts as the peer's authentication:
 *
 *   pair on an accepted stream   the strongest of the peer's pairs there: its further pairs come by
 *                                dialback, even if its certificate proved the first
 *   rider on a stream of ours    as that stream is authenticated
 *   rider on a peer's stream     (XEP-0288) as its pair there is authenticated; the key was
 *                                compared when that pair was
 *   verify stream                nothing: only TLS and the key are compared
 *
 * Before that, a peer that belongs to SIP by now (protocol = auto) is refused.
 *
 * Nothing is compared when the peer asks us a question (db:verify): anybody may ask, under any
 * name.
 */
#include <stdio.h>

#include <xfed/auth/continuity.h>
#include <xfed/base/timestamp.h>

#include "continuity_priv.h"
#include "in_priv.h"
#include "out_priv.h"
#include "stream_log_priv.h"

#define HEX_CHARS (2 * XF_HISTORY_SPKI_BYTES)

/* A transition to authenticated, and what is seen of the peer there. */
struct occasion {
    struct xf_s2s *s2s;
    const char *local, *peer, *addr;
    const char *dir; /* word for the log */
    enum xf_continuity_kind kind;
    struct xf_history_sight sight;
};

static struct xf_history_sight sight_of(const struct xf_stream *stream,
                                        const struct xf_verdict *verdict,
                                        enum xf_auth_method method)
{
    return xf_continuity_sight(stream->conn ? stream->conn->tls : NULL, verdict, method);
}

/* ------------------------------------------------------------------ log */

static void hex_of(const uint8_t *bytes, char out[HEX_CHARS + 1])
{
    for (size_t i = 0; i < XF_HISTORY_SPKI_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void log_key(const struct occasion *o, const struct xf_history_key *known, bool is_alarm)
{
    char was[HEX_CHARS + 1], is[HEX_CHARS + 1], since[XF_TIMESTAMP_BYTES];
    hex_of(known->spki_sha256, was);
    hex_of(o->sight.spki_sha256, is);
    xf_timestamp_s(known->first_s, since);
    const char *ground = xf_history_ground_word(o->sight.ground);
    if (is_alarm)
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_WARN, "peer.key.changed",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since),
                     XF_HELP(XF_HELP_PEER_KEY_CHANGED));
    else
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_INFO, "peer.key.renewed",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since));
}

static void log_fall(const struct occasion *o, const struct xf_history_entry *known, bool is_clear)
{
    char since[XF_TIMESTAMP_BYTES];
    xf_timestamp_s(known->first_s, since);
    const char *was = xf_history_auth_word(known->auth), *is = xf_history_auth_word(o->sight.auth);
    const char *ground = xf_history_ground_word(o->sight.ground);
    if (is_clear)
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_WARN, "peer.tls.lost",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since),
                     XF_HELP(XF_HELP_PEER_WEAKER));
    else
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_WARN, "peer.auth.weaker",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since),
                     XF_HELP(XF_HELP_PEER_WEAKER));
}

static void tell(const struct occasion *o, const struct xf_history_entry *known,
                 enum xf_history_change change)
{
    bool is_alarm = xf_history_is_alarm(change);
    if (is_alarm && !xf_history_alarm_is_due(o->s2s->history, xf_span_of(o->peer),
                                             xf_continuity_is_inbound(o->kind), change,
                                             o->s2s->env->clock->now_ms))
        return;
    if (change == XF_HISTORY_KEY_EXPLAINED || change == XF_HISTORY_KEY_CHANGED)
        log_key(o, &known->keys[0], is_alarm);
    else
        log_fall(o, known, change == XF_HISTORY_CLEAR);
}

/* ------------------------------------------------------------------ what was decided */

static const struct xf_history_entry *known_peer(const struct xf_s2s *s2s, struct xf_span peer,
                                                 bool is_inbound)
{
    return s2s->history ? xf_history_find(s2s->history, peer, is_inbound) : NULL;
}

static enum xf_downgrade downgrade_of(const struct xf_s2s *s2s, struct xf_span peer)
{
    return xf_policy_peer(s2s->policy, peer)->downgrade;
}

static void record(const struct occasion *o, const struct xf_continuity *decision)
{
    struct xf_span peer = xf_span_of(o->peer);
    bool is_inbound = xf_continuity_is_inbound(o->kind);
    bool is_proof = o->kind == XF_CONTINUITY_ACCEPTED || o->kind == XF_CONTINUITY_OPENED;
    if (decision->record == XF_CONTINUITY_NOTE)
        xf_history_note(o->s2s->history, peer, is_inbound, &decision->sight, xf_unix_s());
    else if (decision->record == XF_CONTINUITY_ACCEPT)
        xf_history_accept(o->s2s->history, peer, is_inbound, &decision->sight, xf_unix_s());
    /* Questions authenticate nobody: whoever claims a name makes us ask. */
    if (is_proof && !decision->refusal.text && xf_policy_learns(o->s2s->policy, peer))
        xf_history_own(o->s2s->history, peer, XF_HISTORY_OWNER_XMPP, xf_unix_s());
}

/*
 * With protocol = auto that may have been learned since the stream began, and must not be replaced
 * by what the stream is about to teach.
 */
static bool belongs_to_sip(const struct xf_s2s *s2s, struct xf_span peer)
{
    return xf_policy_learns(s2s->policy, peer) &&
           xf_policy_protocol(s2s->policy, peer) == XF_PROTOCOL_SIP;
}

/* Decide, log and record. */
static struct xf_fall pass(struct occasion *o)
{
    struct xf_span peer = xf_span_of(o->peer);
    if (belongs_to_sip(o->s2s, peer))
        return (struct xf_fall){XF_CAUSE_POLICY,
                                {"the domain belongs to SIP by now", XF_HELP_SIP_DOMAIN}};
    const struct xf_history_entry *known =
        known_peer(o->s2s, peer, xf_continuity_is_inbound(o->kind));
    struct xf_continuity decision =
        xf_continuity_of(o->kind, known, &o->sight, downgrade_of(o->s2s, peer));
    o->sight = decision.sight;
    if (decision.is_told)
        tell(o, known, decision.change);
    record(o, &decision);
    if (!decision.refusal.text)
        return (struct xf_fall){0};
    return (struct xf_fall){decision.change == XF_HISTORY_KEY_CHANGED ? XF_CAUSE_CERTIFICATE
                                                                      : XF_CAUSE_AUTH,
                            decision.refusal};
}

bool xf_s2s_peer_is_behind(const struct xf_s2s *s2s, struct xf_span peer, bool is_inbound,
                           const struct xf_verdict *verdict, enum xf_auth_method method)
{
    const struct xf_history_entry *known = known_peer(s2s, peer, is_inbound);
    return known && xf_continuity_is_behind(known, verdict, method, downgrade_of(s2s, peer));
}

/* ------------------------------------------------------------------ accepted streams */

static enum xf_auth_method strongest(const struct xf_in *in, const char *peer,
                                     enum xf_auth_method method)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        bool is_by_certificate =
            pair->method == XF_AUTH_EXTERNAL || pair->method == XF_AUTH_DIALBACK_CERT;
        if (is_by_certificate && strcmp(pair->peer, peer) == 0)
            return pair->method;
    }
    return method;
}

struct xf_refusal xf_in_continuity_refusal(struct xf_in *in, const struct xf_pair *pair,
                                           enum xf_auth_method method)
{
    if (!in->s2s->history)
        return (struct xf_refusal){0};
    struct xf_verdict verdict = xf_in_verdict(in, xf_span_of(pair->peer));
    struct occasion o = {.s2s = in->s2s,
                         .local = pair->local,
                         .peer = pair->peer,
                         .addr = in->host,
                         .dir = "in",
                         .kind = XF_CONTINUITY_ACCEPTED};
    o.sight = sight_of(&in->stream, &verdict, strongest(in, pair->peer, method));
    return pass(&o).refusal;
}

/* ------------------------------------------------------------------ streams of ours, and riders */

static enum xf_continuity_kind kind_of(const struct xf_out *out, const struct xf_carrier *on)
{
    if (out->purpose == XF_OUT_VERIFY)
        return XF_CONTINUITY_ASKED;
    return on->ops->is_of_peer ? XF_CONTINUITY_REUSED : XF_CONTINUITY_OPENED;
}

struct xf_fall xf_out_continuity_refusal(const struct xf_out *out)
{
    if (!out->s2s->history)
        return (struct xf_fall){0};
    char addr[XF_ADDR_TEXT_BYTES];
    const struct xf_carrier *on = out->seat.on ? out->seat.on : &out->carrier;
    struct xf_verdict verdict = on->ops->verdict(on, xf_span_of(out->peer));
    xf_addr_text(&on->stream->conn->addr, addr);
    struct occasion o = {.s2s = out->s2s,
                         .local = out->local,
                         .peer = out->peer,
                         .addr = addr,
                         .dir = out->purpose == XF_OUT_VERIFY ? "verify" : "out",
                         .kind = kind_of(out, on)};
    o.sight = sight_of(on->stream, &verdict, on->ops->method(on, out->method));
    return pass(&o);
}
