/* SPDX-License-Identifier: MIT */
/*
 * allowed.c — what policy says of a subscription that is there: a reload may have changed it.
 */
#include "subscriber_priv.h"

bool xf_simple_reaches(const struct xf_simple *simple, struct xf_span user, struct xf_span peer,
                       enum xf_direction direction)
{
    return xf_policy_goes_by_sip(simple->policy, peer) &&
           xf_policy_may_by_sip(simple->policy, xf_simple_domain_of(user), peer, direction);
}

bool xf_simple_passes(const struct xf_simple *simple, struct xf_span user, struct xf_span peer,
                      enum xf_direction direction, unsigned kind, bool at_any_hour)
{
    bool has_jid = !xf_policy_peer(simple->policy, peer)->mail;
    struct xf_ruling ruling;
    xf_policy_judge(simple->policy,
                    &(struct xf_policy_ask){
                        .protocol = XF_PROTOCOL_SIP,
                        .direction = direction,
                        .served = xf_simple_domain_of(user),
                        .peer = peer,
                        .user = has_jid ? user : XF_SPAN_NONE,
                        .kind = kind,
                        .minute_of_week = simple->env->minute_of_week(simple->env),
                    },
                    &ruling);
    return ruling.passes || (at_any_hour && ruling.rule == XF_RULE_HOURS);
}

/* Nobody knows yet whose a domain with protocol = auto is: SIP may go on. */
bool xf_subscription_belongs(const struct xf_subscription *sub)
{
    struct xf_policy *policy = sub->simple->policy;
    return xf_policy_served(policy, xf_simple_domain_of(xf_subscription_user(sub))) &&
           xf_policy_protocol(policy, xf_simple_domain_of(xf_subscription_contact(sub))) !=
               XF_PROTOCOL_XMPP;
}

bool xf_subscription_is_allowed(const struct xf_subscription *sub)
{
    const struct xf_simple *simple = sub->simple;
    struct xf_span user = xf_subscription_user(sub),
                   peer = xf_simple_domain_of(xf_subscription_contact(sub));
    if (!xf_subscription_belongs(sub))
        return false;
    return xf_policy_protocol(simple->policy, peer) == XF_PROTOCOL_AUTO ||
           (xf_simple_reaches(simple, user, peer, XF_DIRECTION_OUT) &&
            xf_simple_reaches(simple, user, peer, XF_DIRECTION_IN) &&
            xf_simple_passes(simple, user, peer, XF_DIRECTION_OUT, XF_KINDS_SUBSCRIPTION, true));
}
