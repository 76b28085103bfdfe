/* SPDX-License-Identifier: MIT */
/*
 * proving.c — asks for proof, and takes the answers to pings.
 *
 * A ping goes between the domains of the pair whose stanza went out last, so that it takes the
 * same way through the peer's server. Its id has two parts: one that nobody else can guess, made
 * for the carrier, and a number.
 */
#include "proving_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/stream/ping_id.h>
#include <xfed/xmpp/ns.h>

#include "carrier_priv.h"
#include "engine_priv.h"
#include "in_priv.h"

#define PING_PREFIX "xfedd-ping-"
#define FORGIVEN_MS 3600000 /* then a silent peer is asked again */

/* ------------------------------------------------------------------ who answers */

struct answerer {
    struct xf_memo memo;
    bool answers;
};

static struct answerer *answerer_of(struct xf_memo *memo)
{
    return memo ? XF_CONTAINER(memo, struct answerer, memo) : NULL;
}

static struct answerer *find_answerer(const struct xf_s2s *s2s, struct xf_span peer)
{
    return answerer_of(xf_memory_find(&s2s->proving.peers, peer));
}

static void free_answerer(void *owner, struct xf_memo *memo)
{
    (void)owner;
    xf_free(answerer_of(memo));
}

static void note(struct xf_s2s *s2s, struct xf_span peer, bool answers)
{
    struct xf_memory *peers = &s2s->proving.peers;
    struct answerer *known = find_answerer(s2s, peer);
    const struct xf_memo_keys keys = {.key = peer, .peer = peer};
    const struct xf_memory_limits limits = {.per_owner =
                                                s2s->settings.strangers.ping_answers_per_owner,
                                            .total = s2s->settings.strangers.ping_answers};
    if (known) {
        xf_memory_remove(peers, &known->memo);
        free_answerer(NULL, &known->memo);
    }
    known = xf_new(struct answerer);
    known->answers = answers;
    if (!xf_memory_add(s2s, peers, &known->memo, &keys, &limits))
        free_answerer(NULL, &known->memo);
}

void xf_proving_init(struct xf_proving *proving)
{
    proving->pinged = xf_map_new();
    xf_memory_init(&proving->peers, free_answerer, NULL);
}

void xf_proving_fini(struct xf_proving *proving)
{
    xf_memory_fini(&proving->peers);
    xf_map_free(&proving->pinged);
}

/* ------------------------------------------------------------------ what proves */

static void prove_by_ping(struct xf_carrier *carrier, struct xf_span peer)
{
    const struct xf_s2s *s2s = carrier->s2s;
    const struct answerer *known = find_answerer(s2s, peer);
    bool is_silent =
        known && !known->answers && s2s->env->clock->now_ms - known->memo.since_ms < FORGIVEN_MS;
    xf_proof_by(&carrier->proof, is_silent ? XF_PROOF_NONE : XF_PROOF_PING,
                known && known->answers);
}

void xf_proving_begin(struct xf_carrier *carrier, const struct xf_peer_settings *settings,
                      struct xf_span peer, bool offers_sm)
{
    if (carrier->is_proving)
        return;
    carrier->is_proving = true;
    if (settings->ack == XF_ACK_SM && offers_sm) {
        xf_stream_send(carrier->stream, "<enable xmlns='" XF_NS_SM "' resume='true'/>");
        xf_proof_by(&carrier->proof, XF_PROOF_SM, true);
    } else if (settings->ack != XF_ACK_NONE) {
        prove_by_ping(carrier, peer);
    }
}

void xf_proving_without_sm(struct xf_carrier *carrier, struct xf_span peer)
{
    if (carrier->proof.by == XF_PROOF_SM)
        prove_by_ping(carrier, peer);
}

void xf_proving_end(struct xf_carrier *carrier)
{
    xf_ping_key_forget(carrier->s2s->proving.pinged, carrier->ping_key);
    xf_proof_closed(&carrier->proof, xf_stream_was_read(carrier->stream));
}

/* ------------------------------------------------------------------ questions */

static struct xf_carrier *carrier_of(const struct xf_proof *proof)
{
    return XF_CONTAINER((struct xf_proof *)proof, struct xf_carrier, proof);
}

/*
 * Whose stanza went out last. Not the domains in the stanza: a user with an e-mail address may be
 * known to the peer under another one.
 */
static const struct xf_passenger *last_passenger(const struct xf_proof *proof)
{
    struct xf_sender *sender = xf_stanza_queue_back(&proof->sent)->sender;
    return XF_CONTAINER(sender, struct xf_passenger, sender);
}

static void ping(struct xf_carrier *carrier, unsigned number)
{
    char id[XF_PING_ID_BYTES];
    const struct xf_passenger *last = last_passenger(&carrier->proof);
    struct xf_draft draft = xf_stream_draft(carrier->stream);
    struct xf_s2s *s2s = carrier->s2s;
    const char *key = xf_ping_key(s2s->env, s2s->proving.pinged, carrier->ping_key, carrier);
    xf_ping_id_write(id, PING_PREFIX, key, number);
    xf_draft_str(&draft, "<iq type='get'");
    xf_xml_attr(&draft, "from", xf_span_of(last->local));
    xf_xml_attr(&draft, "to", xf_span_of(last->peer));
    xf_xml_attr(&draft, "id", xf_span_of(id));
    xf_draft_str(&draft, "><ping xmlns='" XF_NS_PING "'/></iq>");
    xf_stream_send_draft(carrier->stream, &draft);
}

static bool ask(struct xf_proof *proof, unsigned number)
{
    struct xf_carrier *carrier = carrier_of(proof);
    if (carrier->stream->is_ending || !carrier->stream->conn)
        return false;
    if (proof->by == XF_PROOF_SM)
        xf_stream_send(carrier->stream, "<r xmlns='" XF_NS_SM "'/>");
    else
        ping(carrier, number);
    return true;
}

/* Do we read nothing, just now, of a stream that the peer sends on? */
static bool is_unread(const struct xf_s2s *s2s, struct xf_span peer)
{
    XF_LIST_EACH (node, &s2s->paused) {
        struct xf_gate *gate = XF_CONTAINER(node, struct xf_gate, paused_node);
        if (gate->ops->local_of(gate, peer).ptr)
            return true;
    }
    XF_LIST_EACH (node, &s2s->held) {
        struct xf_gate *gate = XF_CONTAINER(node, struct xf_gate, held_node);
        if (gate->ops->local_of(gate, peer).ptr)
            return true;
    }
    return false;
}

/* Acknowledgements come on the carrier itself, answers to pings also on streams of the peer. */
static bool is_held_up(const struct xf_proof *proof)
{
    const struct xf_carrier *carrier = carrier_of(proof);
    return xf_stream_is_stopped(carrier->stream) ||
           (proof->by == XF_PROOF_PING && is_unread(carrier->s2s, carrier->ops->peer(carrier)));
}

/* Has the peer not even answered <enable/>? Then it does not know it, whatever it offered. */
static bool never_counted(const struct xf_carrier *carrier)
{
    return carrier->proof.by == XF_PROOF_SM && !carrier->sm.counts;
}

static void on_unanswered(struct xf_proof *proof)
{
    const struct xf_carrier *carrier = carrier_of(proof);
    struct xf_span peer = carrier->ops->peer(carrier);
    note(carrier->s2s, peer, false);
    xf_log(XF_LOG_DEBUG, "s2s.ping.unanswered", XF_SPN("peer", peer));
}

/*
 * Is there a stream on which an answer would come? Without one the peer makes one for its answers,
 * and may make it to another node of ours.
 */
static bool hears(const struct xf_carrier *carrier)
{
    const struct xf_passenger *last = last_passenger(&carrier->proof);
    if (carrier->proof.by == XF_PROOF_SM || carrier->ops->hears(carrier))
        return true;
    XF_LIST_EACH (node, &carrier->s2s->ins) {
        struct xf_gate *gate = &XF_CONTAINER(node, struct xf_in, node)->gate;
        if (gate->ops->has_pair(gate, xf_span_of(last->local), xf_span_of(last->peer)))
            return true;
    }
    return false;
}

static bool on_dead(struct xf_proof *proof)
{
    struct xf_carrier *carrier = carrier_of(proof);
    if (never_counted(carrier)) {
        xf_proving_without_sm(carrier, carrier->ops->peer(carrier));
        return true;
    }
    if (!hears(carrier))
        return false;
    xf_stream_time_out(proof->stream, XF_HELP_PEER_SILENT, "what was sent is not acknowledged");
    return true;
}

static void on_relieved(struct xf_proof *proof)
{
    xf_carrier_drained(carrier_of(proof));
}

const struct xf_proof_ops xf_proving_ops = {
    .ask = ask,
    .is_held_up = is_held_up,
    .unanswered = on_unanswered,
    .dead = on_dead,
    .relieved = on_relieved,
};

/* ------------------------------------------------------------------ answers */

/* An answer that comes too late, or was made up, goes no further either: nobody here asked. */
bool xf_proving_takes(struct xf_s2s *s2s, const struct xf_stanza *stanza, bool *out_is_due)
{
    struct xf_ping_id id;
    *out_is_due = false;
    if (stanza->kind != XF_STANZA_IQ || !xf_ping_id_read(stanza->id, PING_PREFIX, &id) ||
        stanza->to.local.ptr || stanza->to.resource.ptr ||
        !(xf_span_is(stanza->type, "result") || xf_span_is(stanza->type, "error")))
        return false;
    struct xf_carrier *carrier = xf_map_find(s2s->proving.pinged, id.key);
    if (!carrier)
        return true;
    if (!carrier->proof.is_sure)
        note(s2s, stanza->from.domain, true);
    *out_is_due = xf_proof_answered(&carrier->proof, id.number);
    return true;
}
