/* SPDX-License-Identifier: MIT */
/*
 * rules.c — the lists of a section (users, namespaces, hours), compiled when the policy is created,
 * so that a stanza costs one hash lookup and a comparison with each pattern that has a *.
 */
#include "policy_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>

#define ESCAPED_MAX 6 /* bytes of the longest reference */

/* ------------------------------------------------------------------ patterns */

/*
 * * stands for any characters. Backtracks only to the last *, so the cost is at most the product of
 * the lengths.
 */
static bool is_match(struct xf_span pattern, struct xf_span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool xf_patterns_match(const struct xf_patterns *patterns, struct xf_span text)
{
    if (patterns->exact && xf_map_find(patterns->exact, text))
        return true;
    for (size_t i = 0; i < patterns->wild_count; i++)
        if (is_match(patterns->wild[i], text))
            return true;
    return false;
}

static void add_pattern(struct xf_patterns *patterns, struct xf_span text)
{
    if (memchr(text.ptr, '*', text.len)) {
        patterns->wild =
            xf_realloc(patterns->wild, (patterns->wild_count + 1) * sizeof(*patterns->wild));
        patterns->wild[patterns->wild_count++] =
            (struct xf_span){xf_strndup(text.ptr, text.len), text.len};
        return;
    }
    if (!patterns->exact)
        patterns->exact = xf_map_new();
    (void)xf_map_set(patterns->exact, text, patterns); /* any value: it is a set */
}

static void release_patterns(struct xf_patterns *patterns)
{
    for (size_t i = 0; i < patterns->wild_count; i++)
        xf_free((char *)patterns->wild[i].ptr);
    xf_free(patterns->wild);
    xf_map_free(&patterns->exact);
}

/* Namespaces of children are compared in their escaped form, as in the payload. */
static void append_escaped(struct xf_draft *draft, char c)
{
    switch (c) {
    case '&':
        xf_draft_str(draft, "&amp;");
        break;
    case '<':
        xf_draft_str(draft, "&lt;");
        break;
    case '>':
        xf_draft_str(draft, "&gt;");
        break;
    case '"':
        xf_draft_str(draft, "&quot;");
        break;
    case '\'':
        xf_draft_str(draft, "&apos;");
        break;
    default:
        xf_draft_append(draft, &c, 1);
    }
}

static void add_namespaces(struct xf_patterns *patterns, const struct xf_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct xf_buf escaped;
        xf_buf_init(&escaped, ESCAPED_MAX * strlen(texts->item[i]) + 1);
        struct xf_draft draft = xf_draft_begin(&escaped);
        for (const char *p = texts->item[i]; *p; p++)
            append_escaped(&draft, *p);
        if (xf_draft_end(&draft) == XF_ERR_OK)
            add_pattern(patterns, xf_buf_span(&escaped));
        xf_buf_release(&escaped);
    }
}

/* ------------------------------------------------------------------ a section's */

static void add_hours(struct xf_policy_rules *rules, const struct xf_texts *texts)
{
    rules->hours = xf_alloc((texts->count + 1) * sizeof(*rules->hours));
    for (size_t i = 0; i < texts->count; i++)
        /* It cannot fail: the hours were checked when they were loaded. */
        xf_require(xf_hours_parse(texts->item[i], &rules->hours[rules->hour_count++]));
}

struct xf_policy_rules *xf_policy_rules_new(const struct xf_peer_settings *settings)
{
    if (!settings->hours.count && !settings->users.count && !settings->block_namespaces_in.count &&
        !settings->block_namespaces_out.count)
        return NULL;
    struct xf_policy_rules *rules = xf_new(struct xf_policy_rules);
    add_hours(rules, &settings->hours);
    for (size_t i = 0; i < settings->users.count; i++)
        add_pattern(&rules->users, xf_span_of(settings->users.item[i]));
    add_namespaces(&rules->ns_in, &settings->block_namespaces_in);
    add_namespaces(&rules->ns_out, &settings->block_namespaces_out);
    return rules;
}

void xf_policy_rules_free(struct xf_policy_rules **rules)
{
    if (!*rules)
        return;
    release_patterns(&(*rules)->users);
    release_patterns(&(*rules)->ns_in);
    release_patterns(&(*rules)->ns_out);
    xf_free((*rules)->hours);
    xf_free(*rules);
    *rules = NULL;
}

static bool is_same(const struct xf_texts *a, const struct xf_texts *b)
{
    return a->count == b->count && (a->count == 0 || a->item == b->item);
}

bool xf_policy_rules_are_same(const struct xf_peer_settings *a, const struct xf_peer_settings *b)
{
    return is_same(&a->hours, &b->hours) && is_same(&a->users, &b->users) &&
           is_same(&a->block_namespaces_in, &b->block_namespaces_in) &&
           is_same(&a->block_namespaces_out, &b->block_namespaces_out);
}
