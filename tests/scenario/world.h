/* SPDX-License-Identifier: MIT */
/*
 * world.h — the whole gateway without I/O: conf, policy, stream, s2s, SIP, link and routing, put
 * together as src/daemon does it, in a world of fake clock, DNS and conns (tests/support).
 */
#pragma once

#include <xfed/base/map.h>
#include <xfed/conf/conf.h>
#include <xfed/history/history.h>
#include <xfed/journal/journal.h>
#include <xfed/link/link.h>
#include <xfed/routing/routing.h>

#include "directory.h"
#include "fake_conn.h"
#include "fake_dns.h"

#define WIRES_MAX             64
#define WORLD_LINKS           2
#define RELOADS_MAX           4
#define RESOLVERS_MAX         4
#define WORLD_LINK_SECRET     "link-s3cret"
#define WORLD_DIALBACK_SECRET "dialback-s3cret-of-the-world"

/* A conn with the name that the transcript gives it. */
struct wire {
    char *name;
    struct fake_conn *fake;
    struct xf_buf got;     /* what we sent and the transcript did not look at yet */
    struct xf_buf pending; /* what the peer sent and we did not read yet */
    char *header;          /* our last stream header: later elements are read in its context */
    char *sip_request;     /* the last request that we sent by SIP: answers are made of it */
    bool has_end;
    enum xf_conn_end end; /* how the peer ends the conn once `pending` is empty */
};

struct world {
    struct fake_env env;
    struct fake_dns *dns;
    struct { /* fake servers for the setting dns-servers */
        char *server;
        struct fake_dns *dns;
    } resolvers[RESOLVERS_MAX];
    size_t resolver_count;
    char folder[96]; /* folder with configuration and secrets */
    struct xf_conf *conf, *former[RELOADS_MAX];
    size_t former_count;
    struct xf_policy *policy;
    struct xf_blocklist *blocklist; /* NULL: none is configured */
    struct xf_tls_identities *identities;
    struct xf_history *history;  /* without a file; NULL with memory { peers = 0 } */
    struct xf_pool journal_pool; /* works at once */
    struct xf_journal *journal;  /* NULL: the configuration has none */
    struct directory directory;
    struct xf_mailmap *mailmap; /* NULL: the configuration has no source */
    struct xf_s2s *s2s;
#ifdef XF_HAVE_SIP
    struct xf_pool dialogs_pool; /* works at once */
    struct xf_dialogs *dialogs;  /* NULL: none */
    struct xf_simple *simple;
#endif
    struct xf_link *links[WORLD_LINKS]; /* of the configuration, in its order */
    size_t link_count;
    struct xf_routing *routing;
    char *refused; /* an address: every connect to it fails at once; NULL: none */
    struct wire wires[WIRES_MAX];
    size_t wire_count;
};

/*
 * Make a gateway. `text`: sections that replace the sections of the same name in the base
 * configuration (world.c), "" for none. `identity`: PEM file with certificate and key. False:
 * *out_why says why, and nothing is left to close.
 */
bool world_open(struct world *world, const char *text, const char *identity, char **out_why);

/* Stop as the daemon does, and free all; the fakes abort when something is left over. */
void world_close(struct world *world);

/*
 * Stop as the daemon does, and start a new gateway with the same files. `text` as for world_open;
 * NULL: the configuration stays.
 */
bool world_restart(struct world *world, const char *text, char **out_why);

/* After a failure: remove the files, and leave the rest to the end of the process. */
void world_abandon(struct world *world);

/* Reload with a new configuration, as SIGHUP does. `text`, *out_why as for world_open. */
bool world_reload(struct world *world, const char *text, char **out_why);

/* The newest wire of this name; NULL: none. */
struct wire *world_wire(struct world *world, const char *name);
struct wire *world_add_wire(struct world *world, const char *name, struct fake_conn *fake);

/* A conn from outside. */
struct wire *world_accept(struct world *world, const char *name, const char *addr, bool is_direct);

/* The same for SIP; `is_clear`: of listen { sip-tcp }. */
struct wire *world_accept_sip(struct world *world, const char *name, const char *addr,
                              bool is_clear);

/* The steps of a drain for SIP: no new requests; with `cuts`, the end of those that are open. */
void world_end_sip(struct world *world, bool cuts);

/*
 * Move output into `got` of each wire, and give `pending` to the conns that read, until nothing
 * moves.
 */
void world_settle(struct world *world);

/* The fake DNS server with this address; it has no records at first. */
struct fake_dns *world_resolver(struct world *world, const char *server);

/* Move the clock, DNS included. */
void world_advance(struct world *world, uint64_t ms);

/* The peer sends bytes; world_settle delivers them. */
void world_feed(struct world *world, struct wire *wire, const char *bytes, size_t len);
