/* SPDX-License-Identifier: MIT */
/*
 * explain.c — explains to people why stanzas pass or not: the verdict for each kind, the rule
 * behind it and where that is written, the way back, and every setting that a peer of its protocol
 * looks at, with its origin.
 *
 * The verdicts come from xf_policy_judge, which also judges real stanzas.
 */
#include "policy_priv.h"

#include <xfed/base/timestamp.h>

#define VALUE_MAX 200 /* a longer value is truncated; --dump prints all of it */

struct ends {
    struct xf_jid from, to;
    struct xf_span served, peer, user;
    enum xf_direction direction;
    enum xf_protocol protocol; /* by which stanzas pass */
};

static const struct {
    unsigned kind;
    const char *word;
} kinds[] = {
    {XF_KINDS_MESSAGE, "message"},           {XF_KINDS_PRESENCE, "presence"},
    {XF_KINDS_SUBSCRIPTION, "subscription"}, {XF_KINDS_IQ, "iq"},
    {XF_KINDS_GROUPCHAT, "groupchat"},
};

/* What a stanza gets whose kind SIP does not carry; NULL: SIP does. */
static const char *answer_by_sip(unsigned kind)
{
    return kind == XF_KINDS_IQ          ? "service-unavailable"
           : kind == XF_KINDS_GROUPCHAT ? "not-acceptable"
                                        : NULL;
}

static bool find_ends(struct xf_policy *policy, struct ends *ends)
{
    bool from_is_ours = xf_policy_served(policy, ends->from.domain),
         to_is_ours = xf_policy_served(policy, ends->to.domain);
    const struct xf_jid *ours = from_is_ours ? &ends->from : &ends->to;
    ends->direction = from_is_ours ? XF_DIRECTION_OUT : XF_DIRECTION_IN;
    ends->served = ours->domain;
    ends->user = xf_jid_bare(ours);
    ends->peer = from_is_ours ? ends->to.domain : ends->from.domain;
    ends->protocol = xf_policy_goes_by_sip(policy, ends->peer) ? XF_PROTOCOL_SIP : XF_PROTOCOL_XMPP;
    return from_is_ours != to_is_ours;
}

static void print_value(const char *text, size_t len, FILE *out)
{
    fprintf(out, "%.*s%s", len < VALUE_MAX ? (int)len : VALUE_MAX, text,
            len > VALUE_MAX ? "..." : "");
}

/* "rule, key, FILE:LINE" */
static void print_rule(const struct xf_ruling *ruling, FILE *out)
{
    fprintf(out, "rule %s", xf_rule_word(ruling->rule));
    if (ruling->key)
        fprintf(out, ", %s", ruling->key);
    if (ruling->file)
        fprintf(out, ", %s:%d", ruling->file, ruling->line);
    else if (ruling->key)
        fputs(", built-in default", out);
    if (*ruling->note)
        fprintf(out, " (%s)", ruling->note);
}

static const char *answer_of(const struct ends *ends, enum xf_direction direction,
                             const struct xf_ruling *ruling)
{
    if (ends->protocol == XF_PROTOCOL_SIP && direction == XF_DIRECTION_IN)
        return "answered with 403"; /* every request of SIP needs an answer */
    static const char *const words[] = {
        [XF_DENIAL_SILENT] = "nothing is said",
        [XF_DENIAL_ERROR] = "answered with not-allowed",
        [XF_DENIAL_VIOLATION] = "the stream ends with policy-violation",
    };
    return words[ruling->answer];
}

static void print_ruling(const struct ends *ends, enum xf_direction direction,
                         const struct xf_ruling *ruling, FILE *out)
{
    fputs(ruling->passes ? "passes" : "refused", out);
    if (ruling->rule != XF_RULE_NONE) {
        fputs(ruling->passes ? ", a dry run: would be refused by " : ": ", out);
        print_rule(ruling, out);
    }
    if (!ruling->passes)
        fprintf(out, "; %s: %s", answer_of(ends, direction, ruling), ruling->text);
    fputc('\n', out);
}

static void print_kinds(struct xf_policy *policy, const struct ends *ends, unsigned minute_of_week,
                        FILE *out)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++) {
        struct xf_ruling ruling;
        xf_policy_judge(policy,
                        &(struct xf_policy_ask){.protocol = ends->protocol,
                                                .direction = ends->direction,
                                                .served = ends->served,
                                                .peer = ends->peer,
                                                .user = ends->user,
                                                .kind = kinds[i].kind,
                                                .minute_of_week = minute_of_week},
                        &ruling);
        const char *answer =
            ends->protocol == XF_PROTOCOL_SIP ? answer_by_sip(kinds[i].kind) : NULL;
        fprintf(out, "  %-13s", kinds[i].word);
        if (!answer || !ruling.passes)
            print_ruling(ends, ends->direction, &ruling, out);
        else if (ends->direction == XF_DIRECTION_IN)
            fputs("does not exist in SIP\n", out);
        else
            fprintf(out, "refused: SIP does not carry it; answered with %s\n", answer);
    }
}

static void print_list(const char *before, const struct xf_texts *texts, FILE *out)
{
    if (texts->count == 0)
        return;
    fputs(before, out);
    for (size_t i = 0; i < texts->count; i++)
        fprintf(out, "%s%s", i ? ", " : "", texts->item[i]);
    fputc('\n', out);
}

/* Only where the setting below does not say it. */
static void print_protocol(struct xf_policy *policy, const struct ends *ends, FILE *out)
{
    struct xf_protocol_facts facts;
    char last[XF_TIMESTAMP_BYTES];
    if (!xf_policy_learns(policy, ends->peer))
        return;
    xf_policy_protocol_facts(policy, ends->peer, &facts);
    fprintf(out, "  %-13s%s, %s", "protocol", xf_protocol_word(facts.protocol), facts.why);
    if (facts.is_learned) {
        xf_timestamp_s(facts.last_s, last);
        fprintf(out, ", %s", last);
    }
    fputc('\n', out);
}

static void print_way_back(struct xf_policy *policy, const struct ends *ends, FILE *out)
{
    struct xf_ruling ruling;
    enum xf_direction back =
        ends->direction == XF_DIRECTION_IN ? XF_DIRECTION_OUT : XF_DIRECTION_IN;
    xf_policy_judge_pair_by(policy, ends->protocol, ends->served, ends->peer, back, &ruling);
    fprintf(out, "  %-13s", "way back");
    print_ruling(ends, back, &ruling, out);
    if (!ruling.passes)
        fputs("               so that answers, results, errors and presence that come back are "
              "dropped too\n",
              out);
}

struct settings_out {
    enum xf_protocol protocol; /* of the peer's section: settings of others do not count */
    FILE *out;
};

static void print_setting(void *owner, const char *key, struct xf_span value,
                          const struct xf_conf_origin *origin)
{
    const struct settings_out *settings = owner;
    FILE *out = settings->out;
    if (!xf_conf_setting_is_of(key, settings->protocol))
        return;
    fprintf(out, "  %-24s = ", key);
    print_value(value.ptr, value.len, out);
    if (!origin->place) {
        fputs("   (built-in default)\n", out);
        return;
    }
    bool is_peer = strcmp(origin->section, "defaults") != 0;
    fprintf(out, is_peer ? "   (peer \"%s\"" : "   (%s", origin->section);
    fprintf(out, "%s, %s:%d)\n", origin->by_profile ? ", by its profile" : "", origin->place->file,
            origin->line);
}

enum xf_err xf_policy_explain(struct xf_policy *policy, struct xf_span from, struct xf_span to,
                              unsigned minute_of_week, FILE *out)
{
    char from_text[XF_JID_MAX + 1], to_text[XF_JID_MAX + 1];
    struct ends ends = {0};
    if (xf_jid_prepare(from, from_text, &ends.from) != XF_ERR_OK ||
        xf_jid_prepare(to, to_text, &ends.to) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    if (!find_ends(policy, &ends))
        return XF_ERR_BAD_VALUE;
    bool is_out = ends.direction == XF_DIRECTION_OUT;
    const struct xf_conf_peer *section = xf_conf_peer_find(policy->conf, ends.peer);
    const struct xf_peer_settings *settings = xf_policy_peer(policy, ends.peer);
    fprintf(out, "%.*s to %.*s: %s\n", XF_SPAN_ARGS(ends.from.full), XF_SPAN_ARGS(ends.to.full),
            is_out ? "out" : "in");
    fprintf(out, "served domain %.*s, peer %.*s, ", XF_SPAN_ARGS(ends.served),
            XF_SPAN_ARGS(ends.peer));
    if (section)
        fprintf(out, "section peer \"%s\" (%s:%d)\n\n", section->pattern, section->at.file,
                section->at.line);
    else
        fputs("which no section names\n\n", out);
    print_kinds(policy, &ends, minute_of_week, out);
    print_list("  refused payloads of: ",
               is_out ? &settings->block_namespaces_out : &settings->block_namespaces_in, out);
    if (settings->strip_presence & ends.direction)
        fputs("  of presence only show, status and priority pass\n", out);
    if (settings->groups.count > 0 && !policy->is_member)
        print_list("  not known here, who is a member of: ", &settings->groups, out);
    print_way_back(policy, &ends, out);
    print_protocol(policy, &ends, out);
    fputs("\nsettings of the peer, and where they come from\n", out);
    xf_conf_each_setting(policy->conf, ends.peer, print_setting,
                         &(struct settings_out){settings->protocol, out});
    return XF_ERR_OK;
}
