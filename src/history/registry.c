/* SPDX-License-Identifier: MIT */
/*
 * registry.c — the nodes that share a database: each says now and then that it is alive (a
 * heartbeat), with its version, the digest of its configuration and the state of its links, and
 * reads what the others say.
 *
 *   another digest than ours     node.config.differs, once for each pair of digests
 *   another dialback secret      node.secret.differs, by a digest that does not tell the secret
 *   no heartbeat for three       node.lost, but not within three heartbeats after the database came
 *   heartbeats                   back: until then others may not have had the time
 *   a heartbeat again            node.returned
 *   it says that it leaves       node.left
 *   its row is gone              node.forgotten: for 30 days no heartbeat, or somebody deleted it
 *   our name, another process    node.name.taken
 *
 * How long a node is silent is measured by the clock of the database alone, so that the clocks of
 * the nodes need not agree. Nothing here decides anything: peers find the other node by SRV, and
 * the cluster by its own means; the log tells people.
 */
#include "history_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/help.h>
#include <xfed/base/map.h>

#define MISSED        3
#define OTHERS_MAX    64 /* nodes; more rows are not read either */
#define LINKS_BYTES   512
#define VERSION_BYTES 64
#define DIGEST_SHOWN  12 /* hex digits are enough for people to compare */

enum presence { HERE, LOST, LEFT };

struct other {
    enum presence presence;
    char digest[XF_SHA256_HEX_BYTES + 1]; /* as last compared */
    char links[LINKS_BYTES];
    char version[VERSION_BYTES];
    bool differs, secret_differs;
    bool is_told; /* it has a row, since xf_registry_told */
};

struct xf_registry {
    struct xf_timers *timers;
    struct xf_timer timer; /* of the next heartbeat */
    struct xf_store *store;
    char *name, *version;
    char digest[XF_SHA256_HEX_BYTES + 1];
    char secret[XF_SHA256_HEX_BYTES + 1]; /* its digest; "": none */
    char instance[XF_ID_CHARS + 1];
    unsigned heartbeat_ms;
    void (*links)(void *owner, char *out, size_t room);
    void *owner;
    unsigned beats; /* since the store is there */
    bool is_there, is_leaving, is_name_taken;
    struct xf_map *others; /* name -> struct other */
};

/* ------------------------------------------------------------------ heartbeat */

static void beat(void *owner)
{
    struct xf_registry *registry = owner;
    char links[LINKS_BYTES] = "";
    registry->links(registry->owner, links, sizeof(links));
    const struct xf_store_node self = {.name = registry->name,
                                       .version = registry->version,
                                       .digest = registry->digest,
                                       .secret = registry->secret,
                                       .links = links,
                                       .instance = registry->instance,
                                       .is_leaving = registry->is_leaving,
                                       .heartbeat_ms = registry->heartbeat_ms};
    registry->beats++;
    registry->store->ops->beat(registry->store, &self);
    xf_timer_start(registry->timers, &registry->timer, registry->heartbeat_ms);
}

static void beat_now(struct xf_registry *registry)
{
    if (registry->is_there)
        xf_timer_start(registry->timers, &registry->timer, 0);
}

void xf_registry_begin(struct xf_registry *registry)
{
    registry->is_there = true;
    registry->beats = 0;
    beat_now(registry);
}

void xf_registry_pause(struct xf_registry *registry)
{
    registry->is_there = false;
    xf_timer_stop(&registry->timer);
}

void xf_registry_leave(struct xf_registry *registry)
{
    registry->is_leaving = true;
    if (registry->is_there)
        beat(registry);
}

static void set_digest(struct xf_registry *registry, const char *digest)
{
    xf_require(strlen(digest) == XF_SHA256_HEX_BYTES);
    memcpy(registry->digest, digest, sizeof(registry->digest));
}

void xf_registry_set_digest(struct xf_registry *registry, const char *digest)
{
    set_digest(registry, digest);
    beat_now(registry);
}

/* ------------------------------------------------------------------ the others */

static struct xf_span shown(const char *digest)
{
    struct xf_span span = xf_span_of(digest);
    span.len = span.len > DIGEST_SHOWN ? DIGEST_SHOWN : span.len;
    return span;
}

static void compare_digests(struct xf_registry *registry, struct other *other,
                            const struct xf_store_node *node)
{
    bool differs = strcmp(registry->digest, node->digest) != 0,
         is_new = strncmp(other->digest, node->digest, sizeof(other->digest) - 1) != 0;
    if (differs && (is_new || !other->differs))
        xf_log(XF_LOG_WARN, "node.config.differs", XF_STR("node", node->name),
               XF_STR("version", node->version), XF_SPN("is", shown(node->digest)),
               XF_SPN("ours", shown(registry->digest)), XF_HELP(XF_HELP_CONFIG_DIFFERS));
    else if (!differs && other->differs)
        xf_log(XF_LOG_INFO, "node.config.agrees", XF_STR("node", node->name));
    other->differs = differs;
    snprintf(other->digest, sizeof(other->digest), "%s", node->digest);
}

/* A node of an earlier version does not tell. */
static void compare_secrets(struct xf_registry *registry, struct other *other,
                            const struct xf_store_node *node)
{
    bool is_known = node->secret && *node->secret && *registry->secret;
    bool differs = is_known && strcmp(registry->secret, node->secret) != 0;
    if (differs && !other->secret_differs)
        xf_log(XF_LOG_ERROR, "node.secret.differs", XF_STR("node", node->name),
               XF_HELP(XF_HELP_NODE_SECRET));
    else if (!differs && other->secret_differs)
        xf_log(XF_LOG_INFO, "node.secret.agrees", XF_STR("node", node->name));
    other->secret_differs = differs;
}

static void compare_links(struct other *other, const struct xf_store_node *node)
{
    if (strncmp(other->links, node->links, sizeof(other->links) - 1) == 0)
        return;
    xf_log(XF_LOG_INFO, "node.links.changed", XF_STR("node", node->name),
           XF_STR("links", node->links));
    snprintf(other->links, sizeof(other->links), "%s", node->links);
}

static bool is_silent(const struct xf_store_node *node)
{
    return node->silent_ms > (uint64_t)MISSED * node->heartbeat_ms;
}

static enum presence presence_of(const struct xf_registry *registry, const struct other *other,
                                 const struct xf_store_node *node)
{
    if (node->is_leaving)
        return LEFT;
    if (!is_silent(node))
        return HERE;
    return registry->beats > MISSED ? LOST : other->presence;
}

static void move(struct other *other, enum presence to, const struct xf_store_node *node)
{
    if (to == other->presence)
        return;
    if (to == LOST)
        xf_log(XF_LOG_WARN, "node.lost", XF_STR("node", node->name),
               XF_INT("silent_s", node->silent_ms / 1000), XF_STR("links", node->links));
    else if (to == LEFT)
        xf_log(XF_LOG_INFO, "node.left", XF_STR("node", node->name));
    else
        xf_log(XF_LOG_INFO, "node.returned", XF_STR("node", node->name),
               XF_STR("version", node->version));
    other->presence = to;
}

static struct other *meet(struct xf_registry *registry, const struct xf_store_node *node)
{
    if (xf_map_count(registry->others) >= OTHERS_MAX)
        return NULL;
    struct other *other = xf_new(struct other);
    other->presence = node->is_leaving ? LEFT : is_silent(node) ? LOST : HERE;
    snprintf(other->digest, sizeof(other->digest), "%s", registry->digest);
    snprintf(other->links, sizeof(other->links), "%s", node->links);
    xf_map_set(registry->others, xf_span_of(node->name), other);
    xf_log(XF_LOG_INFO, "node.seen", XF_STR("node", node->name), XF_STR("version", node->version),
           XF_INT("silent_s", node->silent_ms / 1000), XF_STR("links", node->links));
    return other;
}

/* After our first heartbeats the row is ours, unless another process goes on writing it. */
static void see_self(struct xf_registry *registry, const struct xf_store_node *node)
{
    bool is_taken = registry->beats > 2 && strcmp(node->instance, registry->instance) != 0;
    if (is_taken && !registry->is_name_taken)
        xf_log(XF_LOG_WARN, "node.name.taken", XF_STR("node", node->name),
               XF_HELP(XF_HELP_NODE_NAME_TAKEN));
    registry->is_name_taken = registry->is_name_taken || is_taken;
}

void xf_registry_see(struct xf_registry *registry, const struct xf_store_node *node)
{
    if (strcmp(node->name, registry->name) == 0) {
        see_self(registry, node);
        return;
    }
    struct other *other = xf_map_find(registry->others, xf_span_of(node->name));
    if (!other && !(other = meet(registry, node)))
        return;
    other->is_told = true;
    move(other, presence_of(registry, other, node), node);
    snprintf(other->version, sizeof(other->version), "%s", node->version);
    if (other->presence != HERE)
        return; /* it cannot be told to reload */
    compare_digests(registry, other, node);
    compare_secrets(registry, other, node);
    compare_links(other, node);
}

/* NULL: all of them were told. */
static struct other *find_untold(const struct xf_registry *registry, struct xf_span *out_name)
{
    size_t cursor = 0;
    void *other;
    while (xf_map_next(registry->others, &cursor, out_name, &other))
        if (!((const struct other *)other)->is_told)
            return other;
    return NULL;
}

void xf_registry_told(struct xf_registry *registry)
{
    size_t cursor = 0;
    struct xf_span name;
    void *other;
    while ((other = find_untold(registry, &name))) {
        xf_log(XF_LOG_INFO, "node.forgotten", XF_SPN("node", name));
        (void)xf_map_remove(registry->others, name);
        xf_free(other);
    }
    while (xf_map_next(registry->others, &cursor, NULL, &other))
        ((struct other *)other)->is_told = false;
}

size_t xf_registry_lost(const struct xf_registry *registry)
{
    size_t cursor = 0, lost = 0;
    void *other;
    while (xf_map_next(registry->others, &cursor, NULL, &other))
        lost += ((const struct other *)other)->presence == LOST;
    return lost;
}

void xf_registry_show(const struct xf_registry *registry, xf_history_node_fn show, void *owner)
{
    size_t cursor = 0;
    struct xf_span name;
    void *value;
    while (xf_map_next(registry->others, &cursor, &name, &value)) {
        const struct other *other = value;
        char *text = xf_span_dup(name);
        show(owner, &(struct xf_history_node_view){
                        .name = text,
                        .version = other->version,
                        .is_here = other->presence == HERE,
                        .config_differs = other->differs,
                        .secret_differs = other->secret_differs,
                        .version_differs = strcmp(other->version, registry->version) != 0,
                    });
        xf_free(text);
    }
}

/* ------------------------------------------------------------------ life */

struct xf_registry *xf_registry_new(const struct xf_history_node *node, struct xf_timers *timers,
                                    struct xf_store *store)
{
    struct xf_registry *registry = xf_new(struct xf_registry);
    registry->timers = timers;
    registry->store = store;
    registry->name = xf_strdup(node->name);
    registry->version = xf_strdup(node->version);
    registry->heartbeat_ms = node->heartbeat_ms;
    registry->links = node->links;
    registry->owner = node->owner;
    registry->others = xf_map_new();
    set_digest(registry, node->digest);
    snprintf(registry->secret, sizeof(registry->secret), "%s", node->secret ? node->secret : "");
    xf_rand_id(registry->instance);
    xf_timer_init(&registry->timer, beat, registry);
    return registry;
}

void xf_registry_free(struct xf_registry **registry)
{
    struct xf_registry *r = *registry;
    void *other;
    size_t cursor = 0;
    if (!r)
        return;
    *registry = NULL;
    xf_timer_stop(&r->timer);
    while (xf_map_next(r->others, &cursor, NULL, &other))
        xf_free(other);
    xf_map_free(&r->others);
    xf_free(r->name);
    xf_free(r->version);
    xf_free(r);
}
