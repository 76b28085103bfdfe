/* SPDX-License-Identifier: MIT */
/* engine.c — what all streams share, and what follows from the settings for each of them. */
#include "engine_priv.h"

struct xf_dns *xf_s2s_dns(const struct xf_s2s *s2s, const struct xf_peer_settings *settings)
{
    const struct xf_texts *servers = &settings->dns_servers;
    return servers->count == 0
               ? s2s->env->dns
               : s2s->env->resolver(s2s->env, (const char *const *)servers->item, servers->count);
}

struct xf_reader_limits xf_s2s_limits_before(const struct xf_s2s *s2s)
{
    const struct xf_conf *conf = xf_s2s_conf(s2s);
    size_t bytes = conf->unauthenticated.element_bytes;
    return (struct xf_reader_limits){
        .stanza_bytes = bytes,
        .control_bytes = bytes,
        .start_tag_bytes = bytes < conf->xml.start_tag_bytes ? bytes : conf->xml.start_tag_bytes,
        .attributes = conf->xml.attributes,
        .depth = conf->xml.depth,
    };
}

/*
 * A stanza must fit the link that it goes to; served domains may have several, so the smallest
 * counts.
 */
static size_t smallest_link(const struct xf_conf *conf)
{
    size_t bytes = SIZE_MAX;
    for (size_t i = 0; i < conf->link_count; i++)
        if (conf->links[i].settings.max_stanza_bytes < bytes)
            bytes = conf->links[i].settings.max_stanza_bytes;
    return bytes;
}

struct xf_reader_limits xf_s2s_limits_after(const struct xf_s2s *s2s,
                                            const struct xf_peer_settings *settings)
{
    struct xf_reader_limits limits = xf_s2s_limits_before(s2s);
    size_t link = smallest_link(xf_s2s_conf(s2s));
    limits.stanza_bytes = settings->max_stanza_bytes < link ? settings->max_stanza_bytes : link;
    limits.start_tag_bytes = xf_s2s_conf(s2s)->xml.start_tag_bytes;
    return limits;
}

struct xf_said_limits xf_s2s_said_limits(const struct xf_s2s *s2s,
                                         const struct xf_peer_settings *settings)
{
    return (struct xf_said_limits){.max_bytes = xf_s2s_limits_after(s2s, settings).stanza_bytes,
                                   .idle_ms = settings->idle_ms};
}

unsigned xf_s2s_per_host(const struct xf_s2s *s2s)
{
    /* a host may serve many domains */
    return 2 * xf_s2s_conf(s2s)->unauthenticated.questions_per_peer;
}
