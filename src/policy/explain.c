/* SPDX-License-Identifier: MIT */
/*
 * explain.c — explains to people why stanzas pass or not: the verdict for each kind, the rule
 * behind it and where that is written, the way back, and every setting of the peer with its origin.
 *
 * The verdicts come from xf_policy_judge, which also judges real stanzas.
 */
#include "policy_priv.h"

#define VALUE_MAX 200 /* a longer value is truncated; --dump prints all of it */

struct ends {
    struct xf_jid from, to;
    struct xf_span served, peer, user;
    enum xf_direction direction;
};

static const struct {
    unsigned kind;
    const char *word;
} kinds[] = {
    {XF_KINDS_MESSAGE, "message"},           {XF_KINDS_PRESENCE, "presence"},
    {XF_KINDS_SUBSCRIPTION, "subscription"}, {XF_KINDS_IQ, "iq"},
    {XF_KINDS_GROUPCHAT, "groupchat"},
};

static bool find_ends(const struct xf_policy *policy, struct ends *ends)
{
    bool from_is_ours = xf_policy_served(policy, ends->from.domain),
         to_is_ours = xf_policy_served(policy, ends->to.domain);
    const struct xf_jid *ours = from_is_ours ? &ends->from : &ends->to;
    ends->direction = from_is_ours ? XF_DIRECTION_OUT : XF_DIRECTION_IN;
    ends->served = ours->domain;
    ends->user = xf_jid_bare(ours);
    ends->peer = from_is_ours ? ends->to.domain : ends->from.domain;
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

static const char *answer_of(const struct xf_ruling *ruling)
{
    static const char *const words[] = {
        [XF_DENIAL_SILENT] = "nothing is said",
        [XF_DENIAL_ERROR] = "answered with not-allowed",
        [XF_DENIAL_VIOLATION] = "the stream ends with policy-violation",
    };
    return words[ruling->answer];
}

static void print_ruling(const struct xf_ruling *ruling, FILE *out)
{
    fputs(ruling->passes ? "passes" : "refused", out);
    if (ruling->rule != XF_RULE_NONE) {
        fputs(ruling->passes ? ", a dry run: would be refused by " : ": ", out);
        print_rule(ruling, out);
    }
    if (!ruling->passes)
        fprintf(out, "; %s: %s", answer_of(ruling), ruling->text);
    fputc('\n', out);
}

static void print_kinds(struct xf_policy *policy, const struct ends *ends, unsigned minute_of_week,
                        FILE *out)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++) {
        struct xf_ruling ruling;
        xf_policy_judge(policy,
                        &(struct xf_policy_ask){.direction = ends->direction,
                                                .served = ends->served,
                                                .peer = ends->peer,
                                                .user = ends->user,
                                                .kind = kinds[i].kind,
                                                .minute_of_week = minute_of_week},
                        &ruling);
        fprintf(out, "  %-13s", kinds[i].word);
        print_ruling(&ruling, out);
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

static void print_way_back(struct xf_policy *policy, const struct ends *ends, FILE *out)
{
    struct xf_ruling ruling;
    enum xf_direction back =
        ends->direction == XF_DIRECTION_IN ? XF_DIRECTION_OUT : XF_DIRECTION_IN;
    xf_policy_judge_pair(policy, ends->served, ends->peer, back, &ruling);
    fprintf(out, "  %-13s", "way back");
    print_ruling(&ruling, out);
    if (!ruling.passes)
        fputs("               so that answers, results, errors and presence that come back are "
              "dropped too\n",
              out);
}

static void print_setting(void *owner, const char *key, struct xf_span value,
                          const struct xf_conf_origin *origin)
{
    FILE *out = owner;
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
    fputs("\nsettings of the peer, and where they come from\n", out);
    xf_conf_each_setting(policy->conf, ends.peer, print_setting, out);
    return XF_ERR_OK;
}
