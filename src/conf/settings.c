/* SPDX-License-Identifier: MIT */
/*
 * settings.c — the settings for a peer: the defaults, overridden by the sections "*.suffix",
 * shortest first, then by its own section.
 *
 * The sections that fit a name are found by looking up the name and each of its suffixes, so that
 * the cost grows with the labels of the name and not with the number of sections.
 */
#include "conf_priv.h"

#include <stdlib.h>
#include <string.h>
#include <xfed/xmpp/jid.h>

#define LABELS_MAX   ((XF_DOMAIN_ASCII_MAX + 1) / 2 + 1)
#define SIP_TCP_PORT 5060

static const struct xf_conf_peer *find_section(const struct xf_conf *conf, struct xf_span pattern)
{
    if (conf->peer_index)
        return xf_map_find(conf->peer_index, pattern);
    for (size_t i = 0; i < conf->peer_count; i++)
        if (xf_span_is(pattern, conf->peers[i].pattern))
            return &conf->peers[i];
    return NULL;
}

static const struct xf_conf_peer *find_pattern(const struct xf_conf *conf, struct xf_span suffix)
{
    char pattern[XF_DOMAIN_MAX + 2] = "*.";
    memcpy(pattern + 2, suffix.ptr, suffix.len);
    return find_section(conf, (struct xf_span){pattern, suffix.len + 2});
}

/* The patterns that cover the name, longest first. */
static size_t find_patterns(const struct xf_conf *conf, struct xf_span name, size_t max,
                            const struct xf_conf_peer **out)
{
    size_t count = 0;
    while (conf->peer_count > 0 && name.len > 0 && name.len <= XF_DOMAIN_MAX && count < max) {
        const struct xf_conf_peer *section = find_pattern(conf, name);
        if (section)
            out[count++] = section;
        const char *dot = memchr(name.ptr, '.', name.len);
        if (!dot)
            break;
        name = (struct xf_span){dot + 1, (size_t)(name.ptr + name.len - dot - 1)};
    }
    return count;
}

/* The digests belong to the pins, but have no row in the table. */
static void merge_pins(struct xf_peer_settings *into, const struct xf_peer_settings *from)
{
    if (from->pins.item != into->pins.item)
        return;
    into->pin_sha256 = from->pin_sha256;
    into->pin_count = from->pin_count;
}

static void merge(struct xf_peer_settings *into, const struct xf_peer_settings *from)
{
    size_t count;
    const struct xf_option *options = xf_conf_options_of(XF_SECTION_PEER, &count);
    for (size_t i = 0; i < count; i++)
        if (xf_option_is_in(&from->set, &options[i]))
            xf_value_copy(&options[i], into, from);
    merge_pins(into, from);
    xf_option_join(&into->set, &from->set);
}

static void resolve(const struct xf_conf *conf, struct xf_span name, const struct xf_conf_peer *own,
                    struct xf_peer_settings *out)
{
    const struct xf_conf_peer *patterns[LABELS_MAX];
    size_t count = find_patterns(conf, name, LABELS_MAX, patterns);
    *out = conf->defaults;
    while (count > 0)
        merge(out, &patterns[--count]->settings);
    if (own)
        merge(out, &own->settings);
}

/* The origin of a setting: the strongest section that sets it. `sections` has the weakest first. */
static struct xf_conf_origin origin_of(const struct xf_conf *conf,
                                       const struct xf_conf_peer *const *sections, size_t count,
                                       const struct xf_option *option)
{
    struct xf_conf_origin origin = {0};
    if (xf_option_is_in(&conf->defaults.set, option))
        origin = (struct xf_conf_origin){"defaults", &conf->defaults_at, 0,
                                         xf_option_is_in(&conf->defaults_by_profile, option)};
    for (size_t i = 0; i < count; i++)
        if (xf_option_is_in(&sections[i]->settings.set, option))
            origin = (struct xf_conf_origin){sections[i]->pattern, &sections[i]->at, 0,
                                             xf_option_is_in(&sections[i]->by_profile, option)};
    if (origin.place)
        origin.line = xf_conf_line(origin.place, origin.by_profile ? "profile" : option->key);
    return origin;
}

/* All sections that fit the name, weakest first. */
static size_t find_sections(const struct xf_conf *conf, struct xf_span name,
                            const struct xf_conf_peer *out[LABELS_MAX + 1])
{
    const struct xf_conf_peer *longest_first[LABELS_MAX], *own = find_section(conf, name);
    size_t patterns = find_patterns(conf, name, LABELS_MAX, longest_first);
    for (size_t i = 0; i < patterns; i++)
        out[i] = longest_first[patterns - 1 - i];
    if (own)
        out[patterns] = own;
    return patterns + (own != NULL);
}

struct xf_conf_origin xf_conf_setting_origin(const struct xf_conf *conf, struct xf_span peer,
                                             const char *key)
{
    const struct xf_conf_peer *sections[LABELS_MAX + 1];
    const struct xf_option *option = xf_option_find(XF_SECTION_PEER, key);
    xf_require(option != NULL); /* callers pass only keys that exist */
    size_t count = find_sections(conf, peer, sections);
    return origin_of(conf, sections, count, option);
}

void xf_conf_each_setting(const struct xf_conf *conf, struct xf_span peer, xf_setting_fn each,
                          void *owner)
{
    const struct xf_conf_peer *sections[LABELS_MAX + 1];
    size_t section_count = find_sections(conf, peer, sections), count;
    struct xf_peer_settings settings;
    xf_conf_peer_settings(conf, peer, &settings);
    const struct xf_option *options = xf_conf_options_of(XF_SECTION_PEER, &count);
    for (size_t i = 0; i < count; i++) {
        struct xf_buf value;
        struct xf_conf_origin origin = origin_of(conf, sections, section_count, &options[i]);
        xf_buf_init(&value, XF_VALUE_TEXT_MAX);
        xf_value_write(&options[i], &settings, &value);
        each(owner, options[i].key, xf_buf_span(&value), &origin);
        xf_buf_release(&value);
    }
}

void xf_conf_peer_settings(const struct xf_conf *conf, struct xf_span peer,
                           struct xf_peer_settings *out)
{
    resolve(conf, peer, find_section(conf, peer), out);
}

unsigned xf_conf_sip_tcp_port(const struct xf_conf *conf)
{
    const struct xf_texts *addrs = &conf->listen.sip_tcp;
    /* The option table accepts no other text than address and port. */
    return addrs->count ? (unsigned)strtoul(strrchr(addrs->item[0], ':') + 1, NULL, 10)
                        : SIP_TCP_PORT;
}

const struct xf_conf_peer *xf_conf_peer_find(const struct xf_conf *conf, struct xf_span peer)
{
    if (conf->peer_count == 0)
        return NULL;
    const struct xf_conf_peer *section = find_section(conf, peer);
    if (!section)
        find_patterns(conf, peer, 1, &section);
    return section;
}

void xf_conf_section_settings(const struct xf_conf *conf, const struct xf_conf_peer *section,
                              struct xf_peer_settings *out)
{
    struct xf_span name = xf_span_of(section->pattern);
    bool is_pattern = strncmp(section->pattern, "*.", 2) == 0;
    if (is_pattern)
        name = (struct xf_span){name.ptr + 2, name.len - 2};
    /*
     * For a pattern, `own` is NULL: find_patterns returns the section itself, as the longest
     * pattern that covers its suffix.
     */
    resolve(conf, name, is_pattern ? NULL : section, out);
}
