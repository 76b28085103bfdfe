/* SPDX-License-Identifier: MIT */
/*
 * in_certificate.c — decides which domains the certificate of an accepted stream authenticates.
 *
 * The certificate is judged when the header of the TLS pass has named the peer, and before we send
 * features: EXTERNAL is offered only for a certificate that would be accepted (XEP-0178).
 *
 *   header -> TLSA records of the peer's servers, if DNS can be believed (RFC 7673 section 4)
 *          -> chain, revocation and records on the thread pool (xf_tls_judge), with the trust
 *             anchors of this very peer -> features
 *
 * Meanwhile the stream is held: what the peer sends next is not read.
 *
 * A peer cannot avoid the TLSA records of a domain by showing no certificate, by staying in clear,
 * or by naming another domain in the header: they are looked up for each pair that dialback is to
 * authenticate. If a domain has records and the certificate was not compared with them (it is, for
 * the domain in the header only), the pair is refused. If DNS fails, whether there are records
 * stays open, and nobody is authenticated (xf_auth_refusal): an attacker between us and DNS may
 * have caused the failure.
 */
#include "in_priv.h"
#include "stream_log_priv.h"

/* ------------------------------------------------------------------ what is known */

/*
 * With static routes the operator has said where the peer is; its domain may not even be in DNS. So
 * its records do not count, even when it connects to us.
 */
static bool has_records(const struct xf_peer_settings *settings)
{
    return settings->dane && settings->route.count == 0;
}

static enum xf_records records_of(const struct xf_in *in, struct xf_span peer)
{
    if (in->peer && xf_span_is(peer, in->peer) && in->records != XF_RECORDS_UNASKED)
        return in->records;
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        if (pair->records != XF_RECORDS_UNASKED && xf_span_is(peer, pair->peer))
            return pair->records;
    }
    return XF_RECORDS_UNASKED;
}

/* What is known without asking DNS; UNASKED: DNS must be asked, through *out_dns. */
static enum xf_records guess(const struct xf_s2s *s2s, const struct xf_peer_settings *settings,
                             struct xf_dns **out_dns)
{
    *out_dns = xf_s2s_dns(s2s, settings);
    if (!*out_dns)
        return XF_RECORDS_OPEN;
    return (*out_dns)->may_be_secure ? XF_RECORDS_UNASKED : XF_RECORDS_NONE;
}

struct xf_verdict xf_in_verdict(const struct xf_in *in, struct xf_span peer)
{
    const struct xf_peer_settings *settings = xf_policy_peer(in->s2s->policy, peer);
    struct xf_verdict verdict =
        xf_verdict_of(in->stream.conn ? in->stream.conn->tls : NULL, settings, peer);
    enum xf_records records = records_of(in, peer);
    struct xf_dns *dns;
    if (!has_records(settings))
        return verdict;
    if (records == XF_RECORDS_UNASKED)
        records = guess(in->s2s, settings, &dns);
    verdict.dane_is_open = records == XF_RECORDS_UNASKED || records == XF_RECORDS_OPEN;
    verdict.tlsa_exists |= records == XF_RECORDS_EXIST;
    verdict.lacks_proof |= verdict.tlsa_exists && verdict.dane == XF_DANE_NONE;
    return verdict;
}

struct xf_verdict xf_in_verdict_at_best(const struct xf_in *in, struct xf_span peer)
{
    struct xf_verdict verdict = xf_in_verdict(in, peer);
    verdict.dane_is_open = false;
    return verdict;
}

struct xf_refusal xf_in_auth_refusal(const struct xf_in *in)
{
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        struct xf_span peer = xf_span_of(pair->peer);
        struct xf_verdict verdict = xf_in_verdict(in, peer);
        if (pair->method == XF_AUTH_NONE)
            continue;
        struct xf_refusal refusal =
            xf_auth_refusal(xf_policy_peer(in->s2s->policy, peer), &verdict, pair->method, false);
        if (refusal.text)
            return refusal;
    }
    return (struct xf_refusal){0};
}

/* ------------------------------------------------------------------ asking DNS */

static void known(struct xf_look *look, const struct xf_discovery_result *result);

void xf_look_stop(struct xf_s2s *s2s, struct xf_look *look)
{
    xf_discovery_cancel(&look->discovery);
    xf_quota_give(&s2s->looks, &look->place);
}

static struct xf_span peer_of(const struct xf_look *look)
{
    return xf_span_of(look->pair ? look->pair->peer : look->in->peer);
}

static void log_failed(const struct xf_look *look, enum xf_help help, const char *why,
                       const char *cause)
{
    xf_in_log(look->in, XF_LOG_INFO, "s2s.dns.failed", XF_SPN("peer", peer_of(look)),
              XF_STR("detail", why), XF_STR("cause", *cause ? cause : NULL), XF_HELP(help));
}

/*
 * A domain that a stranger names can cost up to 98 DNS questions. So look-ups are shared out among
 * networks, as dialback questions are (verify_places.c).
 */
static bool may_look(struct xf_look *look)
{
    struct xf_s2s *s2s = look->in->s2s;
    struct xf_place *evicted;
    if (!xf_verify_take_share(s2s, &s2s->looks, &look->place, &look->in->stream.conn->addr,
                              &evicted))
        return false;
    if (evicted) {
        struct xf_look *other = XF_CONTAINER(evicted, struct xf_look, place);
        log_failed(other, XF_HELP_DNS_BUSY, "another network has fewer look-ups of TLSA records",
                   "");
        xf_look_stop(s2s, other);
        known(other, NULL);
    }
    return true;
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct xf_look *look = owner;
    look->discovery = NULL;
    xf_look_stop(look->in->s2s, look);
    if (result->outcome == XF_DISCOVERY_FAILED)
        log_failed(look, result->help, result->detail, result->cause);
    known(look, result);
}

/* -> what is known at once. UNASKED: the look-up is under way, and known() is called at its end. */
static enum xf_records start(struct xf_look *look)
{
    const struct xf_s2s *s2s = look->in->s2s;
    struct xf_discovery_opts opts = {.services = XF_SERVICE_XMPPS | XF_SERVICE_XMPP, .dane = true};
    struct xf_dns *dns;
    enum xf_records records = guess(s2s, xf_policy_peer(s2s->policy, peer_of(look)), &dns);
    if (records != XF_RECORDS_UNASKED)
        return records;
    if (!may_look(look)) {
        log_failed(look, XF_HELP_DNS_BUSY, "too many look-ups of TLSA records are under way", "");
        return XF_RECORDS_OPEN;
    }
    look->discovery = xf_discover(dns, peer_of(look), &opts, on_discovered, look);
    return XF_RECORDS_UNASKED;
}

/* `tlsa`: the records that were found. `result` NULL: the look-up was given up. */
static enum xf_records read(const struct xf_discovery_result *result,
                            const struct xf_tlsa_set *tlsa)
{
    if (xf_tlsa_set_is_usable(tlsa))
        return XF_RECORDS_EXIST;
    return !result || result->outcome == XF_DISCOVERY_FAILED || result->tlsa_is_open
               ? XF_RECORDS_OPEN
               : XF_RECORDS_NONE;
}

/* ------------------------------------------------------------------ the header's domain */

static struct xf_tls_basis basis_of(const struct xf_in *in, const char *const *targets,
                                    size_t target_count)
{
    bool counts = has_records(in->settings);
    return (struct xf_tls_basis){
        .identities = in->s2s->identities,
        .ca_file = in->settings->ca_file,
        .domain = xf_span_of(in->peer),
        .tlsa = counts ? in->tlsa : NULL,
        .targets = targets,
        .target_count = counts ? target_count : 0,
    };
}

static void judge(struct xf_in *in, const char *const *targets, size_t target_count)
{
    struct xf_env *env = in->s2s->env;
    struct xf_tls_basis basis = basis_of(in, targets, target_count);
    if (!in->stream.conn || in->stream.is_ending)
        return;
    xf_recheck_began(&in->carrier);
    env->judge_tls(env, in->stream.conn, &basis, in->look.done, in);
}

static void known(struct xf_look *look, const struct xf_discovery_result *result)
{
    const char *targets[XF_CANDIDATES_MAX];
    size_t count = result ? xf_discovery_secure_targets(result, targets) : 0;
    struct xf_tlsa_set *tlsa = result ? xf_discovery_tlsa(result) : NULL;
    *(look->pair ? &look->pair->records : &look->in->records) = read(result, tlsa);
    if (look->pair) {
        xf_tlsa_set_unref(&tlsa);
        look->done(look->pair);
    } else {
        look->in->tlsa = tlsa;
        judge(look->in, targets, count);
    }
}

bool xf_in_judge(struct xf_in *in, void (*done)(void *in))
{
    const struct xf_tls_facts *facts = in->stream.conn->tls;
    in->records = XF_RECORDS_UNASKED;
    if (!facts || facts->chain == XF_CERT_NONE)
        return false;
    xf_stream_hold(&in->stream);
    in->look.in = in;
    in->look.done = done;
    if (in->peer && has_records(in->settings))
        in->records = start(&in->look);
    if (!in->look.discovery)
        judge(in, NULL, 0);
    return true;
}

/* ------------------------------------------------------------------ records of a pair */

bool xf_in_look_for_records(struct xf_pair *pair, void (*done)(void *pair))
{
    struct xf_span peer = xf_span_of(pair->peer);
    struct xf_in *in = pair->in;
    pair->look.in = in;
    pair->look.pair = pair;
    pair->look.done = done;
    pair->records = records_of(in, peer);
    if (pair->records == XF_RECORDS_UNASKED && has_records(xf_policy_peer(in->s2s->policy, peer)))
        pair->records = start(&pair->look);
    return pair->look.discovery != NULL;
}

/* ------------------------------------------------------------------ as carrier of our stanzas */

static struct xf_in *in_of(const struct xf_carrier *carrier)
{
    return XF_CONTAINER((struct xf_carrier *)carrier, struct xf_in, carrier);
}

/* Between <success/> and the next header it is not. */
static bool is_open(const struct xf_carrier *carrier)
{
    const struct xf_in *in = in_of(carrier);
    return in->is_open && !carrier->stream->is_ending && !xf_in_may_resume(in);
}

static bool hears(const struct xf_carrier *carrier)
{
    (void)carrier; /* it is the peer's */
    return true;
}

static struct xf_span any_peer_of(const struct xf_carrier *carrier)
{
    const struct xf_in *in = in_of(carrier);
    XF_LIST_EACH (node, &in->pairs) {
        const struct xf_pair *pair = xf_pair_of_node(node);
        if (pair->method != XF_AUTH_NONE)
            return xf_span_of(pair->peer);
    }
    return xf_span_of(in->peer);
}

static struct xf_verdict verdict_of(const struct xf_carrier *carrier, struct xf_span peer)
{
    return xf_in_verdict(in_of(carrier), peer);
}

static enum xf_auth_method method_of(const struct xf_carrier *carrier, enum xf_auth_method own)
{
    (void)carrier; /* each of its pairs was authenticated by itself */
    return own;
}

static struct xf_tls_basis basis(const struct xf_carrier *carrier)
{
    const struct xf_in *in = in_of(carrier);
    const struct xf_tls_facts *facts = in->stream.conn->tls;
    return basis_of(in, (const char *const *)facts->targets, facts->target_count);
}

static bool judged(struct xf_carrier *carrier)
{
    struct xf_in *in = in_of(carrier);
    struct xf_refusal refusal = xf_in_auth_refusal(in);
    if (refusal.text)
        xf_in_fail(in, XF_STREAM_ERROR_RESET, refusal.help, refusal.text);
    return !refusal.text;
}

const struct xf_carrier_ops xf_in_carrier_ops = {
    .proof = &xf_proving_ops,
    .word = "bidi",
    .is_of_peer = true,
    .is_open = is_open,
    .hears = hears,
    .peer = any_peer_of,
    .verdict = verdict_of,
    .method = method_of,
    .basis = basis,
    .judged = judged,
};
