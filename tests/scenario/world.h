/* SPDX-License-Identifier: MIT */
/*
 * world.h — the whole gateway without I/O: conf, policy, stream, s2s, link and routing wired as
 * src/daemon wires them, in a world of fake clock, DNS and conns (tests/support).
 */
#pragma once

#include <xfed/base/map.h>
#include <xfed/conf/conf.h>
#include <xfed/history/history.h>
#include <xfed/link/link.h>
#include <xfed/routing/routing.h>

#include "directory.h"
#include "fake_conn.h"
#include "fake_dns.h"

#define WIRES_MAX             64
#define RELOADS_MAX           4
#define RESOLVERS_MAX         4
#define WORLD_LINK_SECRET     "link-s3cret"
#define WORLD_DIALBACK_SECRET "dialback-s3cret-of-the-world"

/* A conn by its name in the transcript: what we sent and was not looked at yet, what the peer sent
 * and we did not read yet. */
struct wire {
    char *name;
    struct fake_conn *fake;
    struct xf_buf got, pending;
    char *header; /* our last stream header: the context of what follows */
    bool has_end;
    enum xf_conn_end end; /* of the peer, once pending is empty */
};

struct world {
    struct fake_env env;
    struct fake_dns *dns;
    struct { /* dns-servers of peers */
        char *server;
        struct fake_dns *dns;
    } resolvers[RESOLVERS_MAX];
    size_t resolver_count;
    char folder[96]; /* of configuration and secrets */
    struct xf_conf *conf, *former[RELOADS_MAX];
    size_t former_count;
    struct xf_policy *policy;
    struct xf_blocklist *blocklist; /* NULL: none is configured */
    struct xf_tls_identities *identities;
    struct xf_history *history; /* of peers, without a file; NULL with memory { peers = 0 } */
    struct directory directory;
    struct xf_mailmap *mailmap; /* NULL: the configuration has no source */
    struct xf_s2s *s2s;
    struct xf_link *link;
    struct xf_routing *routing;
    char *refused; /* address: every connect to it fails at once; NULL for none */
    struct wire wires[WIRES_MAX];
    size_t wire_count;
};

/*
 * `text`: sections that replace those of the same name in the base configuration (world.c); "" for
 * none. `identity`: PEM file with certificate and key. On false *out_why says why; nothing is left
 * then.
 */
bool world_open(struct world *world, const char *text, const char *identity, char **out_why);

/* Stops as the daemon does and frees; the fakes abort when something is left over. */
void world_close(struct world *world);

/* After a failure: removes the files, and leaves the rest to the end of the process. */
void world_abandon(struct world *world);

/* A new configuration, as SIGHUP brings it. */
bool world_reload(struct world *world, const char *text, char **out_why);

/* The newest wire of that name, or NULL. */
struct wire *world_wire(struct world *world, const char *name);
struct wire *world_add_wire(struct world *world, const char *name, struct fake_conn *fake);

/* An inbound conn. */
struct wire *world_accept(struct world *world, const char *name, const char *addr, bool is_direct);

/* Move what was sent into `got` of each wire, and give pending input to those that read. */
void world_settle(struct world *world);

/* The DNS of another server, which knows nothing at first. */
struct fake_dns *world_resolver(struct world *world, const char *server);

/* Move the clock, DNS included. */
void world_advance(struct world *world, uint64_t ms);

/* Queue bytes of the peer; world_settle delivers them. */
void world_feed(struct world *world, struct wire *wire, const char *bytes, size_t len);
