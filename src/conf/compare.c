/* SPDX-License-Identifier: MIT */
/*
 * compare.c — which changes of a configuration a running program cannot take over: sockets that are
 * open, the resolver, secrets that are in use, and the links with their names. All other changes
 * take effect with the reload.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/forms.h>

struct difference {
    char *out;
    size_t room;
};

static void add(struct difference *difference, const char *words)
{
    size_t len = strlen(difference->out);
    if (len < difference->room)
        snprintf(difference->out + len, difference->room - len, "%s%s", len ? ", " : "", words);
}

static bool is_same(const struct xf_option *option, const void *a, const void *b)
{
    struct xf_buf texts[2];
    for (int i = 0; i < 2; i++) {
        xf_buf_init(&texts[i], XF_VALUE_TEXT_MAX);
        xf_value_write(option, i ? b : a, &texts[i]);
    }
    bool same = xf_span_eq(xf_buf_span(&texts[0]), xf_buf_span(&texts[1]));
    xf_buf_release(&texts[0]);
    xf_buf_release(&texts[1]);
    return same;
}

static bool secrets_differ(const char *a, const char *b)
{
    return !a || !b ? a != b : strcmp(a, b) != 0;
}

static void compare_section(struct difference *difference, enum xf_section section,
                            const char *only, const void *a, const void *b)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(section, &count);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        if ((only && strcmp(only, options[i].key) != 0) || is_same(&options[i], a, b))
            continue;
        snprintf(name, sizeof(name), "%s.%s", xf_section_facts(section)->word, options[i].key);
        add(difference, name);
    }
}

static bool has_node(const struct xf_texts *nodes, struct xf_span wanted, unsigned *out_weight)
{
    struct xf_span addr;
    for (size_t i = 0; i < nodes->count; i++)
        if (xf_weighted_parse(nodes->item[i], &addr, out_weight) && xf_span_eq(addr, wanted))
            return true;
    return false;
}

/* A reload may weigh nodes anew and leave some out, but not all. */
static bool nodes_fit(const struct xf_link_settings *running, const struct xf_link_settings *next)
{
    bool has_one = false;
    if (running->per_peer)
        return false;
    for (size_t i = 0; i < next->nodes.count; i++) {
        struct xf_span addr;
        unsigned weight, before;
        if (!xf_weighted_parse(next->nodes.item[i], &addr, &weight) ||
            !has_node(&running->nodes, addr, &before))
            return false;
        has_one = has_one || weight > 0;
    }
    return has_one;
}

static void compare_link(struct difference *difference, const struct xf_link_settings *running,
                         const struct xf_link_settings *next)
{
    struct xf_link_settings as_running = *next;
    if (nodes_fit(running, next))
        as_running.nodes = running->nodes;
    compare_section(difference, XF_SECTION_LINK, NULL, running, &as_running);
    if (secrets_differ(running->secret, next->secret))
        add(difference, "the secret of a link");
}

static void compare_links(struct difference *difference, const struct xf_conf *running,
                          const struct xf_conf *next)
{
    bool same = running->link_count == next->link_count;
    for (size_t i = 0; same && i < next->link_count; i++)
        same = strcmp(running->links[i].settings.title, next->links[i].settings.title) == 0;
    if (!same) {
        add(difference, "link");
        return;
    }
    for (size_t i = 0; i < next->link_count; i++)
        compare_link(difference, &running->links[i].settings, &next->links[i].settings);
}

bool xf_conf_needs_restart(const struct xf_conf *running, const struct xf_conf *next, char *out,
                           size_t out_bytes)
{
    struct difference difference = {out, out_bytes};
    out[0] = '\0';
    compare_section(&difference, XF_SECTION_LISTEN, NULL, running, next);
    compare_section(&difference, XF_SECTION_DNS, NULL, running, next);
    compare_section(&difference, XF_SECTION_MEMORY, NULL, running, next);
    compare_section(&difference, XF_SECTION_JOURNAL, NULL, running, next);
    compare_section(&difference, XF_SECTION_AUDIT, NULL, running, next);
    compare_section(&difference, XF_SECTION_SIP, "dialogs-file", running, next);
    compare_section(&difference, XF_SECTION_PROCESS, "user", running, next);
    compare_section(&difference, XF_SECTION_PROCESS, "sandbox", running, next);
    if (secrets_differ(running->history.password, next->history.password))
        add(&difference, "memory.password-file");
    if (secrets_differ(running->dialback.secret, next->dialback.secret))
        add(&difference, "dialback.secret-file");
    compare_links(&difference, running, next);
    return out[0] != '\0';
}
