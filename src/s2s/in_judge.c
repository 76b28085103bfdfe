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

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct xf_in *in = owner;
    const char *targets[XF_CANDIDATES_MAX];
    in->discovery = NULL;
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
    if (dns && dns->may_be_secure)
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
