/* SPDX-License-Identifier: MIT */
/*
 * continuity.c — is a peer what it was before? Asked in front of every transition to authenticated,
 * beside xf_auth_refusal: that one goes by the settings, this one by what the peer did last time
 * (include/xfed/history/history.h). What a fall behind it leads to is `downgrade`:
 *
 *   refuse   an alarm in the log, and the stream ends; nothing of it is remembered
 *   alarm    an alarm in the log; another key is remembered beside the old ones, a weaker
 *            authentication is not
 *   allow    the peer may change as it likes: what it is now is what is remembered
 *
 * One and the same alarm of a peer comes once an hour. What counts as its authentication:
 *
 *   a pair on an accepted stream   the strongest of the peer's pairs there: more pairs of it come
 *                                  by dialback, whoever it proved to be by then
 *   a rider on a stream of ours    that of the stream
 *   a rider on a stream of the peer (XEP-0288)   that of its pair there. Its key was compared when
 *                                                that was authenticated; here it is held against
 *                                                the
 *                                  servers that we connect to, so that only a weaker authentication
 *                                  counts, and nothing is noted
 *   a verify stream                it authenticates nobody, but its answer is believed: TLS and key
 *                                  are compared
 *
 * A question (db:verify) of the peer is not compared: whoever connects may ask, in every name.
 */
#include <stdio.h>
#include <time.h>

#include <xfed/history/history.h>

#include "continuity_priv.h"
#include "in_priv.h"
#include "out_priv.h"
#include "stream_log_priv.h"

#define HEX_CHARS  (2 * XF_HISTORY_SPKI_BYTES)
#define TIME_CHARS 20 /* 2026-01-02T03:04:05Z */

struct occasion { /* a peer at the gate */
    struct xf_s2s *s2s;
    const char *local, *peer, *addr;
    const char *dir; /* for the log */
    bool is_inbound;
    /* it is about where stanzas go, on a stream that came in: compared, not noted */
    bool is_sent;
    struct xf_history_sight sight;
};

static enum xf_history_ground ground_of(const struct xf_verdict *verdict)
{
    if (!xf_verdict_is_good(verdict))
        return XF_HISTORY_GROUND_NONE;
    return verdict->pin == XF_PIN_MATCH     ? XF_HISTORY_GROUND_PIN
           : verdict->dane == XF_DANE_MATCH ? XF_HISTORY_GROUND_DANE
                                            : XF_HISTORY_GROUND_CA;
}

static enum xf_history_auth auth_of(const struct xf_verdict *verdict, enum xf_auth_method method)
{
    if (!verdict->is_secure)
        return XF_HISTORY_DIALBACK_CLEAR;
    return method == XF_AUTH_EXTERNAL || method == XF_AUTH_DIALBACK_CERT ? XF_HISTORY_EXTERNAL
                                                                         : XF_HISTORY_DIALBACK_TLS;
}

static struct xf_history_sight sight_of(const struct xf_stream *stream,
                                        const struct xf_verdict *verdict,
                                        enum xf_auth_method method)
{
    const struct xf_tls_facts *facts = stream->conn ? stream->conn->tls : NULL;
    struct xf_history_sight sight = {.auth = auth_of(verdict, method),
                                     .ground = ground_of(verdict)};
    sight.has_key = facts && facts->chain != XF_CERT_NONE;
    if (sight.has_key)
        memcpy(sight.spki_sha256, facts->spki_sha256, sizeof(sight.spki_sha256));
    return sight;
}

/* ------------------------------------------------------------------ telling */

static void hex_of(const uint8_t *bytes, char out[HEX_CHARS + 1])
{
    for (size_t i = 0; i < XF_HISTORY_SPKI_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void time_of(int64_t at_s, char out[TIME_CHARS + 1])
{
    struct tm parts;
    time_t at = (time_t)at_s;
    if (!gmtime_r(&at, &parts) || strftime(out, TIME_CHARS + 1, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0';
}

static void log_key(const struct occasion *o, const struct xf_history_key *known, bool is_alarm)
{
    char was[HEX_CHARS + 1], is[HEX_CHARS + 1], since[TIME_CHARS + 1];
    hex_of(known->spki_sha256, was);
    hex_of(o->sight.spki_sha256, is);
    time_of(known->first_s, since);
    const char *ground = xf_history_ground_word(o->sight.ground);
    if (is_alarm)
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_WARN, "peer.key.changed",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since));
    else
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_INFO, "peer.key.renewed",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since));
}

static void log_fall(const struct occasion *o, const struct xf_history_entry *known, bool is_clear)
{
    char since[TIME_CHARS + 1];
    time_of(known->first_s, since);
    const char *was = xf_history_auth_word(known->auth), *is = xf_history_auth_word(o->sight.auth);
    const char *ground = xf_history_ground_word(o->sight.ground);
    if (is_clear)
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_WARN, "peer.tls.lost",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since));
    else
        xf_alarm_log(o->s2s, xf_span_of(o->peer), XF_LOG_WARN, "peer.auth.weaker",
                     XF_WORD("dir", o->dir), XF_STR("local", o->local), XF_STR("peer", o->peer),
                     XF_STR("addr", o->addr), XF_WORD("was", was), XF_WORD("is", is),
                     XF_WORD("ground", ground), XF_WORD("since", since));
}

static void tell(const struct occasion *o, const struct xf_history_entry *known,
                 enum xf_history_change change)
{
    if (change == XF_HISTORY_KEY_EXPLAINED && !o->is_sent)
        log_key(o, &known->keys[0], false);
    if (!xf_history_is_alarm(change) ||
        !xf_history_alarm_is_due(o->s2s->history, xf_span_of(o->peer), o->is_inbound, change,
                                 o->s2s->env->clock->now_ms))
        return;
    if (change == XF_HISTORY_KEY_CHANGED)
        log_key(o, &known->keys[0], true);
    else
        log_fall(o, known, change == XF_HISTORY_CLEAR);
}

/* ------------------------------------------------------------------ deciding */

static struct xf_fall fall_of(enum xf_history_change change)
{
    switch (change) {
    case XF_HISTORY_KEY_CHANGED:
        return (struct xf_fall){
            XF_CAUSE_CERTIFICATE,
            "the key of the certificate has changed, and nothing vouches for the new one"};
    case XF_HISTORY_CLEAR:
        return (struct xf_fall){XF_CAUSE_AUTH,
                                "the domain used TLS before, and this stream is in clear"};
    case XF_HISTORY_WEAKER:
    default:
        return (struct xf_fall){
            XF_CAUSE_AUTH,
            "the domain authenticated by its certificate before, and now by dialback alone"};
    }
}

/* What to do, and with it done: told and noted. */
static struct xf_fall pass(const struct occasion *o)
{
    struct xf_history *history = o->s2s->history;
    struct xf_span peer = xf_span_of(o->peer);
    enum xf_downgrade downgrade = xf_policy_peer(o->s2s->policy, peer)->downgrade;
    const struct xf_history_entry *known = xf_history_find(history, peer, o->is_inbound);
    enum xf_history_change change = xf_history_compare(known, &o->sight);
    if (downgrade != XF_DOWNGRADE_ALLOW || change == XF_HISTORY_KEY_EXPLAINED)
        tell(o, known, change);
    if (downgrade == XF_DOWNGRADE_REFUSE && xf_history_is_alarm(change))
        return fall_of(change);
    if (o->is_sent)
        return (struct xf_fall){0};
    if (downgrade == XF_DOWNGRADE_ALLOW)
        xf_history_accept(history, peer, o->is_inbound, &o->sight, xf_unix_s());
    else
        xf_history_note(history, peer, o->is_inbound, &o->sight, xf_unix_s());
    return (struct xf_fall){0};
}

bool xf_s2s_peer_is_behind(const struct xf_s2s *s2s, struct xf_span peer, bool is_inbound,
                           const struct xf_verdict *verdict, enum xf_auth_method method)
{
    const struct xf_history_entry *known =
        s2s->history ? xf_history_find(s2s->history, peer, is_inbound) : NULL;
    return known && auth_of(verdict, method) < known->auth &&
           xf_policy_peer(s2s->policy, peer)->downgrade != XF_DOWNGRADE_ALLOW;
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

const char *xf_in_continuity_refusal(struct xf_in *in, const struct xf_pair *pair,
                                     enum xf_auth_method method)
{
    if (!in->s2s->history)
        return NULL;
    struct xf_verdict verdict = xf_in_verdict(in, xf_span_of(pair->peer));
    struct occasion o = {.s2s = in->s2s,
                         .local = pair->local,
                         .peer = pair->peer,
                         .addr = in->host,
                         .dir = "in",
                         .is_inbound = true};
    o.sight = sight_of(&in->stream, &verdict, strongest(in, pair->peer, method));
    return pass(&o).text;
}

/* ------------------------------------------------------------------ streams of ours, and riders */

/*
 * A verify stream uses no certificate of the peer to authenticate it: it is as good as what was
 * before, but for TLS.
 */
static enum xf_history_auth verify_auth(const struct xf_out *out, const struct xf_verdict *verdict)
{
    const struct xf_history_entry *known =
        xf_history_find(out->s2s->history, xf_span_of(out->peer), false);
    if (!verdict->is_secure)
        return XF_HISTORY_DIALBACK_CLEAR;
    return known && known->auth > XF_HISTORY_DIALBACK_TLS ? known->auth : XF_HISTORY_DIALBACK_TLS;
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
                         .is_sent = on->ops->is_of_peer};
    o.dir = out->purpose == XF_OUT_VERIFY ? "verify" : "out";
    o.sight = sight_of(on->stream, &verdict, on->ops->method(on, out->method));
    if (out->purpose == XF_OUT_VERIFY)
        o.sight.auth = verify_auth(out, &verdict);
    if (o.is_sent)
        o.sight.has_key = false;
    return pass(&o);
}
