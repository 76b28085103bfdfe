/* SPDX-License-Identifier: MIT */
/*
 * component.c — chooses a stream for each stanza, or holds the stanza.
 *
 * All stanzas between two bare JIDs take the same stream while the same streams are up, so that
 * their order survives several nodes. While one stanza is held, all later ones queue up behind it.
 * The hold is flushed when a stream comes up and when a congested one drains.
 */
#include "component_priv.h"

#include <xfed/base/alloc.h>

static uint64_t mix(uint64_t hash, const struct xf_jid *jid)
{
    const char *end = jid->resource.ptr ? jid->resource.ptr - 1 : jid->full.ptr + jid->full.len;
    for (const char *at = jid->full.ptr; at < end; at++)
        /* FNV-1a spreads well enough: nobody gains by forcing a bad spread */
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return hash;
}

static struct xf_component_stream *pick(const struct xf_component *component,
                                        const struct xf_stanza *stanza)
{
    if (component->up_count == 0)
        return NULL;
    if (component->stream_count == 1)
        return &component->streams[0];

    uint64_t hash = mix(mix(0xcbf29ce484222325u, &stanza->from), &stanza->to);
    size_t skip = (hash >> 16) % component->up_count;
    for (size_t i = 0; i < component->stream_count; i++) {
        if (xf_component_stream_is_up(&component->streams[i]) && skip-- == 0)
            return &component->streams[i];
    }
    return NULL;
}

bool xf_component_is_congested(const struct xf_component *component)
{
    for (size_t i = 0; i < component->stream_count; i++) {
        if (component->streams[i].is_congested)
            return true;
    }
    return component->up_count > 0 && !xf_hold_is_empty(&component->hold);
}

static void changed(struct xf_component *component)
{
    component->events->changed(component->owner, component);
}

/* ------------------------------------------------------------------ the hold */

static bool send_held(void *owner, const struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    struct xf_component_stream *stream = pick(component, stanza);
    return stream && !stream->is_congested && xf_component_stream_send(stream, stanza) == XF_ERR_OK;
}

static void flush(struct xf_component *component)
{
    xf_hold_flush(&component->hold, send_held, component);
}

static void on_expired(void *owner, struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    component->events->expired(component->owner, stanza);
}

static void on_emptied(void *owner)
{
    changed(owner);
}

/* ------------------------------------------------------------------ the streams */

static void on_up(void *owner, struct xf_component_stream *stream)
{
    struct xf_component *component = owner;
    (void)stream;
    component->up_count++;
    xf_hold_up(&component->hold);
    flush(component);
    changed(component);
}

static void on_down(void *owner, struct xf_component_stream *stream)
{
    struct xf_component *component = owner;
    (void)stream;
    component->up_count--;
    if (component->up_count == 0)
        xf_hold_down(&component->hold);
    else
        flush(component); /* stanzas that waited for this stream may take another one */
    changed(component);
}

static void on_drained(void *owner, struct xf_component_stream *stream)
{
    struct xf_component *component = owner;
    (void)stream;
    flush(component);
    changed(component);
}

static void on_stanza(void *owner, struct xf_component_stream *stream, struct xf_stanza *stanza)
{
    struct xf_component *component = owner;
    (void)stream;
    component->used_ms = component->env->clock->now_ms;
    component->events->stanza(component->owner, stanza);
}

static void on_idle(void *owner, struct xf_component_stream *stream)
{
    struct xf_component *component = owner;
    (void)stream;
    if (--component->busy_count == 0)
        component->events->gone(component->owner, component);
}

static const struct xf_component_stream_events stream_events = {
    .up = on_up,
    .down = on_down,
    .drained = on_drained,
    .stanza = on_stanza,
    .idle = on_idle,
};

/* ------------------------------------------------------------------ for the link */

static void add_streams(struct xf_component *component, const struct xf_link_settings *settings,
                        struct xf_span name, const struct xf_addr *addrs, size_t addr_count)
{
    component->stream_count = settings->per_peer ? 1 : addr_count;
    component->streams = xf_alloc(component->stream_count * sizeof(*component->streams));
    for (size_t i = 0; i < component->stream_count; i++) {
        struct xf_component_stream *stream = &component->streams[i];
        xf_component_stream_init(stream, component->env, settings, name, &stream_events, component);
        if (settings->per_peer)
            xf_component_stream_nodes(stream, addrs, addr_count,
                                      (size_t)mix(0, &(struct xf_jid){.full = name}));
        else
            xf_component_stream_nodes(stream, &addrs[i], 1, 0);
    }
}

struct xf_component *xf_component_new(struct xf_env *env, const struct xf_link_settings *settings,
                                      struct xf_span name, const struct xf_addr *addrs,
                                      size_t addr_count, struct xf_hold_budget *budget,
                                      const struct xf_component_events *events, void *owner)
{
    struct xf_component *component = xf_new(struct xf_component);
    component->env = env;
    component->events = events;
    component->owner = owner;
    component->used_ms = env->clock->now_ms;
    xf_hold_init(&component->hold, budget, env->clock, env->timers);
    component->hold.expired = on_expired;
    component->hold.emptied = on_emptied;
    component->hold.owner = component;
    add_streams(component, settings, name, addrs, addr_count);
    xf_component_start(component);
    return component;
}

void xf_component_free(struct xf_component **component)
{
    if (!*component)
        return;
    xf_hold_fini(&(*component)->hold);
    for (size_t i = 0; i < (*component)->stream_count; i++)
        xf_component_stream_fini(&(*component)->streams[i]);
    xf_free((*component)->streams);
    xf_free(*component);
    *component = NULL;
}

void xf_component_start(struct xf_component *component)
{
    for (size_t i = 0; i < component->stream_count; i++) {
        if (component->streams[i].state == XF_COMPONENT_IDLE)
            component->busy_count++;
        xf_component_stream_start(&component->streams[i]);
    }
}

void xf_component_stop(struct xf_component *component, const char *reason)
{
    for (size_t i = 0; i < component->stream_count; i++)
        /* an idle stream left busy_count when it became idle */
        (void)xf_component_stream_stop(&component->streams[i], reason);
}

enum xf_err xf_component_send(struct xf_component *component, const struct xf_stanza *stanza)
{
    component->used_ms = component->env->clock->now_ms;
    if (xf_hold_is_empty(&component->hold)) {
        struct xf_component_stream *stream = pick(component, stanza);
        if (stream && xf_component_stream_send(stream, stanza) == XF_ERR_OK) {
            component->sent = stream;
            if (__builtin_expect(stream->is_congested != component->counts_as_congested, 0))
                changed(component);
            return XF_ERR_OK;
        }
    }
    enum xf_err err = xf_hold_push(&component->hold, stanza);
    changed(component);
    return err;
}

void xf_component_pause(struct xf_component *component, bool paused)
{
    for (size_t i = 0; i < component->stream_count; i++)
        xf_component_stream_pause(&component->streams[i], paused);
}
