/* SPDX-License-Identifier: MIT */
/* engine.c — what the settings mean for each stream: resolver, limits, what we announce. */
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
    const struct xf_s2s_settings *settings = &s2s->settings;
    size_t bytes = settings->unauthenticated.element_bytes;
    return (struct xf_reader_limits){
        .stanza_bytes = bytes,
        .control_bytes = bytes,
        .start_tag_bytes =
            bytes < settings->xml.start_tag_bytes ? bytes : settings->xml.start_tag_bytes,
        .attributes = settings->xml.attributes,
        .depth = settings->xml.depth,
    };
}

struct xf_reader_limits xf_s2s_limits_after(const struct xf_s2s *s2s,
                                            const struct xf_peer_settings *settings)
{
    struct xf_reader_limits limits = xf_s2s_limits_before(s2s);
    size_t link = s2s->settings.link_stanza_bytes;
    limits.stanza_bytes = settings->max_stanza_bytes < link ? settings->max_stanza_bytes : link;
    limits.start_tag_bytes = s2s->settings.xml.start_tag_bytes;
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
    /* One host may serve several domains. */
    return 2 * s2s->settings.unauthenticated.questions_per_peer;
}
