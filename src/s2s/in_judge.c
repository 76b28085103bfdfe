/* SPDX-License-Identifier: MIT */
/*
 * in_judge.c — what is the certificate of an accepted stream worth? Asked once the TLS pass has said who the peer is, and before it is
 * told what it may do (XEP-0178: EXTERNAL is offered only for a certificate that would be accepted):
 *
 *   header -> TLSA records of the peer's servers, where DNS can be believed (RFC 7673 section 4)
 *          -> chain, revocation and records on the thread pool (xf_tls_judge), by the anchors of that very peer -> features
 *
 * Meanwhile the stream is held: what the peer sends on is not read. A question to DNS that fails leaves it open whether there are
 * records; then the certificate alone authenticates nobody.
 */
#include "s2s_priv.h"

#define SLOW_MS 5000 /* a look-up that is that old gives way */
#define DESCRIPTORS_PART 32

static void on_judged(void *owner)
{
    xf_in_judged(owner);
}

static void judge(struct xf_in *in, struct xf_tlsa_set *tlsa, const char *const *targets, size_t target_count)
{
    struct xf_env *env = in->s2s->env;
    if (!in->stream.conn || in->stream.is_ending)
        return;
    env->judge_tls(env, in->stream.conn,
                   &(struct xf_tls_basis){
                       .ca_file = in->settings->ca_file,
                       .domain = xf_span_of(in->peer),
                       .tlsa = tlsa,
                       .targets = targets,
                       .target_count = target_count,
                   },
                   on_judged, in);
}

void xf_in_stop_looking(struct xf_in *in)
{
    xf_discovery_cancel(&in->discovery);
    xf_quota_give(&in->s2s->looks, &in->look);
}

/* There may be records: the certificate alone authenticates nobody. */
static void judge_without(struct xf_in *in, const char *why)
{
    xf_in_stop_looking(in);
    in->dane_is_open = true;
    xf_in_log(in, XF_LOG_INFO, "s2s.dns.failed", XF_STR("peer", in->peer), XF_STR("detail", why));
    judge(in, NULL, NULL, 0);
}

/*
 * A domain that a stranger names is asked about in up to 98 questions. So look-ups are shared out like the questions of dialback (ask_room.c): of a network,
 * and in all, and when they are all taken the network with most of them gives one up.
 */
static bool may_look(struct xf_in *in)
{
    struct xf_s2s *s2s = in->s2s;
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    const struct xf_quota_limits limits = {
        .per_member = conf->unauthenticated.questions_per_network,
        .per_group = conf->unauthenticated.questions_per_network,
        .total = xf_env_share(s2s->env, conf->unauthenticated.questions, DESCRIPTORS_PART),
        .unused_ms = SLOW_MS,
    };
    struct xf_addr_keys addr_keys;
    struct xf_place *evicted;
    xf_addr_keys_of(&in->stream.conn->addr, &addr_keys);
    if (xf_quota_take(&s2s->looks, &in->look, &addr_keys.keys, &limits, s2s->env->clock->now_ms, &evicted) != XF_QUOTA_ROOM)
        return false;
    if (evicted)
        judge_without(XF_CONTAINER(evicted, struct xf_in, look), "another network has fewer look-ups of TLSA records");
    return true;
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct xf_in *in = owner;
    const char *targets[XF_CANDIDATES_MAX];
    in->discovery = NULL;
    xf_in_stop_looking(in);
    in->dane_is_open = result->outcome == XF_DISCOVERY_FAILED;
    if (in->dane_is_open)
        xf_in_log(in, XF_LOG_INFO, "s2s.dns.failed", XF_STR("peer", in->peer), XF_STR("detail", result->detail));
    size_t count = xf_discovery_secure_targets(result, targets);
    struct xf_tlsa_set *tlsa = xf_discovery_tlsa(result);
    judge(in, tlsa, targets, count);
    xf_tlsa_set_unref(&tlsa);
}

/* A peer with static routes is not looked for in DNS, neither when it comes to us: its domain may not even be there. */
static void look_for_tlsa(struct xf_in *in)
{
    struct xf_dns *dns = xf_s2s_dns(in->s2s, in->settings);
    struct xf_discovery_opts opts = {.direct_tls = true, .starttls = true, .dane = true};
    in->dane_is_open = dns == NULL;
    if (dns && dns->may_be_secure && !may_look(in))
        judge_without(in, "too many look-ups of TLSA records are under way");
    else if (dns && dns->may_be_secure)
        in->discovery = xf_discover(dns, xf_span_of(in->peer), &opts, on_discovered, in);
    else
        judge(in, NULL, NULL, 0);
}

bool xf_in_judge(struct xf_in *in)
{
    const struct xf_tls_facts *facts = in->stream.conn->tls;
    in->dane_is_open = false;
    if (!facts || facts->chain == XF_CERT_NONE)
        return false;
    xf_stream_hold(&in->stream);
    if (in->peer && in->settings->dane && in->settings->route.count == 0)
        look_for_tlsa(in);
    else
        judge(in, NULL, NULL, 0);
    return true;
}
