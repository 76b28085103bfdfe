/* SPDX-License-Identifier: MIT */
/*
 * screen.c — asks policy about single stanzas, logs its rulings and strips presence. The caller
 * answers the sender, if policy wants that.
 *
 * Only the stanzas of watched pairs come here: a rule looks at the single stanzas of the pair, the
 * pair is in a dry run, or its presence is stripped. Stanzas that are refused anyway come here too.
 * All others cost the test of a bool. Policy judges users by JID, whatever e-mail addresses peers
 * know them by.
 */
#include "screen_priv.h"

#include "rare_priv.h"
#include "routing_priv.h"

#include <stdio.h>

/*
 * The bare JID of our user. An e-mail address to which the peer wrote was mapped before
 * (mail_addresses.c).
 */
static struct xf_span user_of(const struct xf_stanza *stanza, bool is_in)
{
    struct xf_span shown = stanza->shown_to;
    const char *slash = is_in && shown.ptr ? memchr(shown.ptr, '/', shown.len) : NULL;
    if (!is_in || !shown.ptr)
        return xf_jid_bare(is_in ? &stanza->to : &stanza->from);
    return (struct xf_span){shown.ptr, slash ? (size_t)(slash - shown.ptr) : shown.len};
}

static enum xf_protocol protocol_of(const struct xf_routing *routing, struct xf_span peer)
{
    return xf_routing_goes_by_sip(routing, peer) ? XF_PROTOCOL_SIP : XF_PROTOCOL_XMPP;
}

bool xf_screen_watches(struct xf_routing *routing, struct xf_span local, struct xf_span peer,
                       enum xf_direction direction)
{
    struct xf_ruling ruling;
    if (!xf_policy_is_plain(routing->policy, peer, direction) ||
        (xf_policy_peer(routing->policy, peer)->strip_presence & direction))
        return true;
    xf_policy_judge_pair_by(routing->policy, protocol_of(routing, peer), local, peer, direction,
                            &ruling);
    return ruling.rule != XF_RULE_NONE;
}

static void judge(struct xf_routing *routing, const struct xf_stanza *stanza,
                  enum xf_direction direction, struct xf_ruling *out)
{
    const struct xf_jid *user = direction == XF_DIRECTION_IN ? &stanza->to : &stanza->from;
    const struct xf_jid *contact = direction == XF_DIRECTION_IN ? &stanza->from : &stanza->to;
    xf_policy_judge(
        routing->policy,
        &(struct xf_policy_ask){.protocol = protocol_of(routing, contact->domain),
                                .direction = direction,
                                .served = user->domain,
                                .peer = contact->domain,
                                .user = user_of(stanza, direction == XF_DIRECTION_IN),
                                .kind = xf_policy_kind(stanza),
                                .stanza = stanza,
                                .minute_of_week = routing->env->minute_of_week(routing->env)},
        out);
}

/* ------------------------------------------------------------------ the log */

static void log_ruling(struct xf_routing *routing, const struct xf_stanza *stanza, bool is_in,
                       const struct xf_ruling *ruling)
{
    struct xf_tally *tally = ruling->passes ? &routing->passed_dry : &routing->denied;
    char place[300] = "";
    unsigned suppressed = 0;
    tally->count++;
    tally->rules[is_in][ruling->rule]++;
    if (!xf_rare_is_due(&tally->lines, xf_routing_now(routing), &suppressed))
        return;
    if (ruling->file)
        snprintf(place, sizeof(place), "%s:%d", ruling->file, ruling->line);
    const struct xf_jid *user = is_in ? &stanza->to : &stanza->from,
                        *contact = is_in ? &stanza->from : &stanza->to;
    const char *detail = *ruling->note ? ruling->note : ruling->text;
    const char *kind = xf_stanza_kind_name(stanza->kind), *rule = xf_rule_word(ruling->rule);
    if (ruling->passes)
        /* bounded: xf_rare */
        xf_log(XF_LOG_INFO, "policy.stanza.passed", XF_SPN("local", user->domain),
               XF_SPN("peer", contact->domain), XF_WORD("dir", is_in ? "in" : "out"),
               XF_SPN("user", user_of(stanza, is_in)), XF_WORD("kind", kind),
               XF_SPN("type", stanza->type), XF_WORD("rule", rule), XF_STR("key", ruling->key),
               XF_STR("place", *place ? place : NULL), XF_STR("detail", detail),
               XF_INT("total", tally->count), XF_INT("suppressed", suppressed));
    else
        /* bounded: xf_rare */
        xf_log(XF_LOG_INFO, "policy.stanza.refused", XF_SPN("local", user->domain),
               XF_SPN("peer", contact->domain), XF_WORD("dir", is_in ? "in" : "out"),
               XF_SPN("user", user_of(stanza, is_in)), XF_WORD("kind", kind),
               XF_SPN("type", stanza->type), XF_WORD("rule", rule), XF_STR("key", ruling->key),
               XF_STR("place", *place ? place : NULL), XF_STR("detail", detail),
               XF_INT("total", tally->count), XF_INT("suppressed", suppressed));
}

/* ------------------------------------------------------------------ stripped presence */

static bool is_kept(const struct xf_stanza_child *child)
{
    bool is_named = xf_span_is(child->name, "show") || xf_span_is(child->name, "status") ||
                    xf_span_is(child->name, "priority");
    return is_named && !child->ns.ptr && !child->has_elements;
}

static void strip(struct xf_routing *routing, struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    xf_buf_release(&routing->stripped);
    stanza->child_count = 0;
    while (xf_stanza_next_child(&rest, &child)) {
        if (!is_kept(&child))
            continue;
        if (xf_buf_try_append(&routing->stripped, child.whole.ptr, child.whole.len) != XF_ERR_OK)
            break; /* no stanza is that large */
        if (stanza->child_count < XF_STANZA_CHILDREN)
            stanza->children[stanza->child_count] = (struct xf_child){.name = child.name};
        stanza->child_count++;
    }
    stanza->payload = xf_buf_span(&routing->stripped);
    stanza->extra = XF_SPAN("");
    stanza->has_ns_mark = false;
}

/*
 * Is it a type of RFC 6121 other than available presence? An unknown type counts as available,
 * because some software takes it for that.
 */
static bool is_of_another_kind(struct xf_span type)
{
    static const char *const words[] = {"unavailable",  "subscribe", "subscribed", "unsubscribe",
                                        "unsubscribed", "probe",     "error"};
    for (size_t i = 0; type.ptr && i < XF_ARRAY_LEN(words); i++)
        if (xf_span_is(type, words[i]))
            return true;
    return false;
}

static void strip_if_asked(struct xf_routing *routing, struct xf_stanza *stanza,
                           struct xf_span peer, enum xf_direction direction)
{
    bool is_available = stanza->kind == XF_STANZA_PRESENCE && !is_of_another_kind(stanza->type);
    if (is_available && (xf_policy_peer(routing->policy, peer)->strip_presence & direction))
        strip(routing, stanza);
}

/* ------------------------------------------------------------------ for the rest of routing */

bool xf_screen_still_passes(struct xf_routing *routing, struct xf_stanza *stanza,
                            struct xf_ruling *out)
{
    xf_stanza_find_children(stanza);
    judge(routing, stanza, XF_DIRECTION_OUT, out);
    if (!out->passes)
        log_ruling(routing, stanza, false, out);
    return out->passes;
}

bool xf_screen_passes(struct xf_routing *routing, struct xf_stanza *stanza,
                      enum xf_direction direction, struct xf_ruling *out)
{
    bool is_in = direction == XF_DIRECTION_IN;
    judge(routing, stanza, direction, out);
    if (out->rule != XF_RULE_NONE)
        log_ruling(routing, stanza, is_in, out);
    if (out->passes)
        strip_if_asked(routing, stanza, is_in ? stanza->from.domain : stanza->to.domain, direction);
    return out->passes;
}
