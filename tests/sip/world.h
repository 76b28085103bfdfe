/* SPDX-License-Identifier: MIT */
/*
 * world.h — a SIP user agent without I/O: the layer ua with a policy, in a world of fake clock, DNS
 * and conns (tests/support), and an owner that does what a transcript says.
 */
#pragma once

#include <xfed/conf/conf.h>
#include <xfed/ua/dialog.h>

#include "fake_conn.h"
#include "fake_dns.h"

#define PEERS_MAX  8
#define WIRES_MAX  32
#define THINGS_MAX 64

/* What the owner knows of a peer: `peer DOMAIN key=value ...`. */
struct peer_row {
    char *domain, *names, *also, *from, *hop;
    bool is_clear, has_alias, takes_sips;
    unsigned rate;
};

/* A conn with the name that the transcript gives it. */
struct wire {
    char *name;
    struct fake_conn *fake;
    struct xf_buf got;     /* what we sent and the transcript did not look at yet */
    struct xf_buf pending; /* what the peer sent and we did not read yet */
    char *last_request;    /* the last request that we sent on it: answers are made of it */
    char *last_answered;   /* ... of the peer that was sent, for `A> ACK` */
    bool has_end;
    enum xf_conn_end end;
};

/* A request, of ours or of a peer, with the name that the transcript gives it. */
struct thing {
    struct world *world;
    char *name;
    struct xf_ua_client *client;
    struct xf_ua_server *server;
    enum xf_help help; /* what its last failure said of it */
    char *said;        /* what happened to it and the transcript did not look at yet, a line each */
    bool is_new;       /* a request of a peer without a name yet */
    char *method, *from, *local, *peer;
    struct xf_dialog dialog; /* that the request of a peer makes */
    bool has_dialog;
};

struct world {
    struct fake_env env;
    struct fake_dns *dns;
    char folder[64];
    struct xf_conf *conf;
    bool keeps_conf;
    struct xf_policy *policy;
    struct xf_tls_store *store;
    struct xf_tls_identities *identities;
    struct xf_ua_settings settings;
    struct xf_ua *ua;
    struct peer_row peers[PEERS_MAX];
    size_t peer_count;
    struct wire wires[WIRES_MAX];
    size_t wire_count;
    struct thing things[THINGS_MAX];
    size_t thing_count;
    unsigned answers; /* status with which the owner answers at once; 0: later */
    bool is_full;     /* the owner is */
    bool resumes;     /* it has room again within each request */
    unsigned again;   /* so many requests without an answer are sent once more, at once */
    unsigned cseq;
};

bool world_open(struct world *world, const char *conf, char **out_why);
/* The same with a configuration that was loaded before, and that world_close keeps. */
void world_open_again(struct world *world, struct xf_conf *conf);
void world_close(struct world *world);
/* Change a setting of struct xf_ua_settings: before the first conn, or before `reload`. */
bool world_set(struct world *world, const char *key, unsigned long value);
struct peer_row *world_peer(struct world *world, const char *domain);
void world_reload(struct world *world);

struct wire *world_wire(struct world *world, const char *name);
struct wire *world_add_wire(struct world *world, const char *name, struct fake_conn *fake);
struct wire *world_accept(struct world *world, const char *name, const char *addr, bool is_clear);
void world_feed(struct world *world, struct wire *wire, const char *bytes, size_t len);
void world_settle(struct world *world);
void world_advance(struct world *world, uint64_t ms);

struct thing *world_thing(struct world *world, const char *name);
struct thing *world_add_thing(struct world *world, const char *name);
/* The oldest request of a peer that has no name yet. */
struct thing *world_new_request(struct world *world);
extern const struct xf_ua_client_events world_client_events;
