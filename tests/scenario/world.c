/* SPDX-License-Identifier: MIT */
/*
 * world.c — makes a gateway without I/O, and takes it down again.
 *
 * The configuration is a real file in a folder of its own, which the real loader reads. A section
 * that the transcript writes replaces the section of that name in the base configuration; the other
 * sections of the base stay. Certificates are loaded, since TLS is offered only for names that have
 * one, but no handshake runs: the transcript says what TLS found.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#ifdef XF_HAVE_SIP
#include <xfed/routing/sip.h>
#endif

#define WIRE_MAX_BYTES (64u << 20)
#define READ_BYTES     65536        /* as much as net reads in one turn */
#define STEP_MS        50           /* how often silent DNS is checked while the clock moves */
#define STREAMS_MS     5000         /* as in src/daemon/drain.c */
#define DRAIN_MS       400000       /* longer than any timer that may still hold a stream */
#define DIALOGS_FILE   "dialogs.db" /* in sip { dialogs-file }, to keep subscriptions */
#define JOURNAL_S      1700000000   /* the journal's time at first: 2023-11-14T22:13:20Z */
#define RESTART_S      60           /* ... and how long a restart takes */

struct section {
    const char *name, *text;
};

/* clang-format off */
static const struct section base[] = {
    {"listen",   "listen { s2s = {\"127.0.0.1:5269\"} s2s-direct = {\"127.0.0.1:5270\"} }\n"},
    {"dialback", "dialback { secret-file = \"dialback.secret\" }\n"},
    {"link",     "link \"presence\" { driver = component nodes = {\"127.0.0.1:5347\"} name = \"xfedd.a.example\""
                 " secret-file = \"link.secret\" ack = none }\n"},
    {"served",   "served \"a.example\" { link = presence certificate = \"identity.pem\" key = \"identity.pem\""
                 " aliases = {\"chat.a.example\"} }\n"},
    {"defaults", "defaults { ack = none }\n"},
};
/* clang-format on */

/* Does a line of `text` begin with this section's name? */
static bool has_section(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\n \t");
        if (strncmp(line, name, len) == 0 && strchr(" {\t", line[len]))
            return true;
    }
    return false;
}

static char *in_folder(const struct world *world, const char *name)
{
    return xf_asprintf("%s/%s", world->folder, name);
}

static void write_file(const struct world *world, const char *name, const char *text)
{
    char *path = in_folder(world, name);
    FILE *file = fopen(path, "we");
    xf_require(file);
    xf_require(fputs(text, file) >= 0 && fchmod(fileno(file), 0600) == 0);
    xf_require(fclose(file) == 0);
    xf_free(path);
}

static struct xf_conf *load_conf(const struct world *world, const char *text, char **out_why)
{
    struct xf_buf all;
    xf_buf_init(&all, 1u << 20);
    for (size_t i = 0; i < XF_ARRAY_LEN(base); i++) {
        if (!has_section(text, base[i].name))
            xf_buf_append_str(&all, base[i].text);
    }
    xf_buf_append_str(&all, text);
    char *whole = xf_span_dup(xf_buf_span(&all));
    xf_buf_release(&all);
    write_file(world, "xfed.conf", whole);
    xf_free(whole);
    char *path = in_folder(world, "xfed.conf"), *messages = NULL;
    struct xf_conf *conf = NULL;
    if (xf_conf_load(path, &conf, &messages) != XF_ERR_OK)
        *out_why = xf_asprintf("the configuration does not load: %s", messages ? messages : "");
    xf_free(messages);
    xf_free(path);
    return conf;
}

static void make_folder(struct world *world, const char *identity)
{
    /* The fuzzer (scripts/fuzz) makes thousands of worlds, in a file system in memory. */
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(world->folder, sizeof(world->folder), "%s/xft-XXXXXX",
                   tmp && strlen(tmp) < 64 ? tmp : "/tmp");
    xf_require(mkdtemp(world->folder));
    write_file(world, "dialback.secret", WORLD_DIALBACK_SECRET "\n");
    write_file(world, "link.secret", WORLD_LINK_SECRET "\n");
    write_file(world, "mail.map", directory_users);
    char *path = in_folder(world, "identity.pem"), *target = realpath(identity, NULL);
    xf_require(target && symlink(target, path) == 0);
    free(target); /* realpath allocated it */
    xf_free(path);
}

static void remove_folder(const struct world *world)
{
    static const char *const names[] = {"xfed.conf",    "dialback.secret", "link.secret",
                                        "mail.map",     "identity.pem",    "journal.db",
                                        "directory.db", DIALOGS_FILE};
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++) {
        char *path = in_folder(world, names[i]);
        (void)unlink(path);
        xf_free(path);
    }
    (void)rmdir(world->folder);
}

static struct xf_tls_identities *load_identities(const struct xf_conf *conf)
{
    struct xf_tls_store *store = NULL;
    xf_require(xf_tls_store_load("", &store, NULL) == XF_ERR_OK);
    struct xf_tls_identities *set = xf_tls_identities_new(store);
    xf_tls_store_unref(&store);
    for (size_t i = 0; i < conf->served_count; i++) {
        const struct xf_served_settings *served = &conf->served[i].settings;
        struct xf_tls_identity *identity = NULL;
        if (served->certificate.count == 0)
            continue;
        xf_require(xf_tls_identity_load(served->certificate.item[0], served->key.item[0], &identity,
                                        NULL) == XF_ERR_OK);
        xf_tls_identities_set(set, xf_span_of(served->domain), identity);
        for (size_t k = 0; k < served->aliases.count; k++)
            xf_tls_identities_set(set, xf_span_of(served->aliases.item[k]), identity);
        xf_tls_identity_unref(&identity);
    }
    return set;
}

/* The content of every file in policy { blocklists }; the clock says 1970-01-01. */
static const char blocked[] = "blocked.example by the test\n"
                              "*.shut.example\n"
                              "past.example until=1970-01-01\n";

static bool is_member(void *owner, const char *group, struct xf_span jid)
{
    const struct world *world = owner;
    return world->mailmap && xf_mailmap_is_member(world->mailmap, group, jid);
}

static enum xf_protocol learned(void *owner, struct xf_span peer, int64_t *out_last_s)
{
    static const enum xf_protocol protocols[] = {
        [XF_HISTORY_OWNER_NONE] = XF_PROTOCOL_AUTO,
        [XF_HISTORY_OWNER_XMPP] = XF_PROTOCOL_XMPP,
        [XF_HISTORY_OWNER_SIP] = XF_PROTOCOL_SIP,
    };
    const struct world *world = owner;
    int64_t max_age_s = (int64_t)(world->conf->history.owner_ms / 1000);
    if (!world->history)
        return XF_PROTOCOL_AUTO;
    return protocols[xf_history_owner(world->history, peer, xf_unix_s(), max_age_s, out_last_s)];
}

static struct xf_policy *make_policy(struct world *world, const struct xf_conf *conf)
{
    if (conf->policy.blocklists.count > 0 && !world->blocklist) {
        world->blocklist = xf_blocklist_new();
        xf_require(xf_blocklist_add(world->blocklist, "blocked.list", xf_span_of(blocked), NULL) ==
                   XF_ERR_OK);
    }
    return xf_policy_new(&(struct xf_policy_opts){
        .conf = conf,
        .blocklist = conf->policy.blocklists.count ? world->blocklist : NULL,
        .is_member = is_member,
        .learned = learned,
        .owner = world});
}

static int64_t journal_now_s;

static int64_t unix_s(void)
{
    return journal_now_s;
}

static void make_mailmap(struct world *world)
{
    world->directory.pool.run = directory_work;
    char *kept = in_folder(world, "directory.db");
    if (world->mailmap)
        xf_mailmap_reload(world->mailmap, &world->conf->mailmap);
    else
        world->mailmap = xf_mailmap_new(&(struct xf_mailmap_opts){.clock = &world->env.clock,
                                                                  .timers = world->env.env.timers,
                                                                  .pool = &world->directory.pool,
                                                                  .settings = &world->conf->mailmap,
                                                                  .keep_file = kept,
                                                                  .unix_s = unix_s});
    xf_free(kept);
    xf_routing_attach_mailmap(world->routing, world->mailmap);
}

struct fake_dns *world_resolver(struct world *world, const char *server)
{
    for (size_t i = 0; i < world->resolver_count; i++)
        if (strcmp(world->resolvers[i].server, server) == 0)
            return world->resolvers[i].dns;
    xf_require(world->resolver_count < RESOLVERS_MAX);
    size_t i = world->resolver_count++;
    world->resolvers[i].server = xf_strdup(server);
    world->resolvers[i].dns =
        fake_dns_new(&world->env.clock, (unsigned)world->conf->dns.timeout_ms);
    return world->resolvers[i].dns;
}

/* The first server stands for the list. */
/* Stands for a list that cannot be asked: too many resolvers are in use. */
#define NO_RESOLVER "192.0.2.255:53"

static struct xf_dns *resolver(struct xf_env *env, const char *const *servers, size_t count)
{
    if (strcmp(servers[0], NO_RESOLVER) == 0)
        return NULL;
    struct world *world = XF_CONTAINER(env, struct world, env.env);
    (void)count;
    return fake_dns_seam(world_resolver(world, servers[0]));
}

static void work_at_once(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                         void *owner)
{
    (void)pool;
    work(owner);
    done(owner);
}

static void make_journal(struct world *world)
{
    world->journal_pool.run = work_at_once;
    if (*world->conf->journal.file)
        xf_require(xf_journal_open(&(struct xf_journal_opts){.settings = &world->conf->journal,
                                                             .pool = &world->journal_pool,
                                                             .timers = world->env.env.timers,
                                                             .clock = &world->env.clock,
                                                             .unix_s = unix_s},
                                   &world->journal, NULL) == XF_ERR_OK);
    xf_routing_attach_journal(world->routing, world->journal);
}

/* A build without SIP has none, and no transcript of it. */
#ifdef XF_HAVE_SIP
static struct xf_ua_settings ua_settings(const struct xf_conf *conf)
{
    struct xf_ua_settings settings = conf->ua;
    settings.element_ms = conf->s2s.xml.element_ms;
    settings.tcp_port = xf_conf_sip_tcp_port(conf);
    return settings;
}

static const struct world *dialogs_world; /* of dialogs_s: a store has no owner for its clock */

static int64_t dialogs_s(void)
{
    struct xf_env *env = (struct xf_env *)(uintptr_t)&dialogs_world->env.env;
    return env->unix_s(env);
}

/* Only for a transcript that names a file: making one takes longer than most transcripts. */
static void open_dialogs(struct world *world)
{
    const char *name = world->conf->simple.dialogs_file;
    char *path = in_folder(world, name);
    dialogs_world = world;
    world->dialogs_pool.run = work_at_once;
    if (strcmp(name, DIALOGS_FILE) == 0)
        xf_require(
            xf_dialogs_open(&(struct xf_dialogs_opts){.file = path,
                                                      .records = world->conf->simple.subscriptions,
                                                      .waiting_bytes = 1u << 20,
                                                      .pool = &world->dialogs_pool,
                                                      .timers = world->env.env.timers,
                                                      .clock = &world->env.clock,
                                                      .unix_s = dialogs_s},
                            &world->dialogs, NULL) == XF_ERR_OK);
    xf_free(path);
}

static void make_sip(struct world *world)
{
    const struct xf_ua_settings settings = ua_settings(world->conf);
    open_dialogs(world);
    world->simple = xf_simple_new(&(struct xf_simple_opts){
        .env = &world->env.env,
        .policy = world->policy,
        .settings = &settings,
        .own = &world->conf->simple,
        .identities = world->identities,
        .dialogs = world->dialogs,
        .waiting = xf_routing_waiting(world->routing),
        .events = &xf_routing_simple_events,
        .owner = world->routing,
    });
    xf_routing_attach_simple(world->routing, world->simple, world->history);
}

static void reload_sip(struct world *world, const struct xf_conf *conf, struct xf_policy *policy,
                       struct xf_tls_identities *identities)
{
    const struct xf_ua_settings settings = ua_settings(conf);
    xf_dialogs_set_limit(world->dialogs, conf->simple.subscriptions);
    xf_simple_reload(world->simple, policy, &settings, &conf->simple, identities);
}

static void free_sip(struct world *world)
{
    xf_require(xf_simple_is_over(world->simple));
    xf_simple_free(&world->simple);
    xf_dialogs_free(&world->dialogs);
}

void world_end_sip(struct world *world, bool cuts)
{
    if (cuts)
        xf_simple_cut(world->simple);
    else
        xf_simple_drain(world->simple);
}

struct wire *world_accept_sip(struct world *world, const char *name, const char *addr,
                              bool is_clear)
{
    struct fake_conn *fake = fake_conn_accepted(&world->env, addr);
    struct wire *wire = world_add_wire(world, name, fake);
    xf_simple_accept(world->simple, fake->conn, is_clear);
    world_settle(world);
    return wire;
}
#else
static void make_sip(struct world *world)
{
    (void)world;
}

static void reload_sip(struct world *world, const struct xf_conf *conf, struct xf_policy *policy,
                       struct xf_tls_identities *identities)
{
    (void)world;
    (void)conf;
    (void)policy;
    (void)identities;
}

static void free_sip(struct world *world)
{
    (void)world;
}

void world_end_sip(struct world *world, bool cuts)
{
    (void)world;
    (void)cuts;
}

struct wire *world_accept_sip(struct world *world, const char *name, const char *addr,
                              bool is_clear)
{
    (void)is_clear;
    return world_accept(world, name, addr, false);
}
#endif

static void make_link(struct world *world, const struct xf_conf_link *conf)
{
    struct xf_link *link =
        xf_link_new(&world->env.env, &conf->settings, &xf_routing_link_events, world->routing);
    for (size_t i = 0; i < world->conf->served_count; i++) {
        const struct xf_served_settings *served = &world->conf->served[i].settings;
        if (strcmp(served->link, conf->settings.title) == 0)
            xf_link_expect(link, xf_span_of(served->domain));
    }
    world->links[world->link_count++] = link;
}

static void make_layers(struct world *world)
{
    world->policy = make_policy(world, world->conf);
    world->identities = load_identities(world->conf);
    world->env.env.identities = world->identities;
    world->routing = xf_routing_new(&(struct xf_routing_opts){
        .env = &world->env.env, .policy = world->policy, .settings = &world->conf->routing});
    struct xf_history_opts history = {.file = "",
                                      .max_peers = world->conf->history.peers,
                                      .max_auto_per_owner = world->conf->history.auto_per_owner};
    if (history.max_peers > 0)
        xf_require(xf_history_open(&history, &world->history, NULL) == XF_ERR_OK);
    world->s2s = xf_s2s_new(&(struct xf_s2s_opts){
        .waiting = xf_routing_waiting(world->routing),
        .env = &world->env.env,
        .policy = world->policy,
        .settings = &world->conf->s2s,
        .identities = world->identities,
        .history = world->history,
        .dialback_secret = xf_span_of(world->conf->dialback.secret),
        .events = &xf_routing_s2s_events,
        .owner = world->routing,
    });
    make_sip(world);
    xf_require(world->conf->link_count <= WORLD_LINKS);
    world->link_count = 0;
    for (size_t i = 0; i < world->conf->link_count; i++)
        make_link(world, &world->conf->links[i]);
    make_mailmap(world);
    xf_routing_attach_s2s(world->routing, world->s2s);
    for (size_t i = 0; i < world->link_count; i++)
        xf_routing_attach_link(world->routing, world->conf->links[i].settings.title,
                               world->links[i]);
    make_journal(world);
    fake_env_run(&world->env);
}

bool world_open(struct world *world, const char *text, const char *identity, char **out_why)
{
    *world = (struct world){0};
    journal_now_s = JOURNAL_S;
    make_folder(world, identity);
    world->conf = load_conf(world, text, out_why);
    if (!world->conf) {
        remove_folder(world);
        return false;
    }
    directory_set_away(false);
    fake_env_init(&world->env);
    world->dns = fake_dns_new(&world->env.clock, (unsigned)world->conf->dns.timeout_ms);
    world->env.env.dns = fake_dns_seam(world->dns);
    world->env.env.resolver = resolver;
    make_layers(world);
    return true;
}

/* As after a verb by which operators block a peer (daemon/control.c). */
static bool ask_policy_again(struct world *world)
{
    xf_policy_switched(world->policy);
    xf_s2s_reload(world->s2s, world->policy, &world->conf->s2s, world->identities);
    reload_sip(world, world->conf, world->policy, world->identities);
    xf_routing_reload(world->routing, world->policy, &world->conf->routing);
    fake_env_run(&world->env);
    return true;
}

bool world_reload(struct world *world, const char *text, char **out_why)
{
    if (!text)
        return ask_policy_again(world);
    xf_require(world->former_count < RELOADS_MAX);
    struct xf_conf *conf = load_conf(world, text, out_why);
    if (!conf)
        return false;
    struct xf_policy *policy = make_policy(world, conf);
    struct xf_tls_identities *identities = load_identities(conf);
    xf_s2s_reload(world->s2s, policy, &conf->s2s, identities);
    reload_sip(world, conf, policy, identities);
    xf_routing_reload(world->routing, policy, &conf->routing);
    xf_tls_identities_unref(&world->identities);
    xf_policy_free(&world->policy);
    for (size_t i = 0; i < world->link_count; i++)
        xf_link_set_nodes(world->links[i], &conf->links[i].settings.nodes, conf->process.drain_ms);
    /* The link keeps using the settings that it was made with. */
    world->former[world->former_count++] = world->conf;
    world->conf = conf;
    world->policy = policy;
    world->env.env.identities = world->identities = identities;
    make_mailmap(world);
    fake_env_run(&world->env);
    return true;
}

static void free_layers(struct world *world)
{
    xf_routing_drain(world->routing);
    xf_s2s_drain(world->s2s);
    fake_env_run(&world->env);
    /* A conn that is blocked or paused must not hold us. */
    for (size_t i = 0; i < world->wire_count; i++) {
        if (world->wires[i].fake && strcmp(world->wires[i].name, "link") != 0)
            fake_conn_closed(world->wires[i].fake, XF_CONN_END_RESET);
    }
    world_advance(world, STREAMS_MS);
    xf_routing_finish(world->routing);
    world_end_sip(world, false);
    world_end_sip(world, true);
    xf_routing_end(world->routing);
    for (size_t i = 0; i < world->link_count; i++)
        xf_link_stop(world->links[i]);
    fake_env_advance(&world->env, DRAIN_MS);
    xf_require(xf_s2s_stream_count(world->s2s) == 0);
    for (size_t i = 0; i < world->link_count; i++)
        xf_require(xf_link_is_gone(world->links[i]));
    xf_routing_free(&world->routing);
    xf_journal_free(&world->journal);
    xf_mailmap_stop(world->mailmap);
    world->directory.is_held = false;
    while (directory_run(&world->directory)) {
    }
    xf_mailmap_free(&world->mailmap);
    xf_s2s_free(&world->s2s);
    free_sip(world);
    xf_history_free(&world->history);
    for (size_t i = 0; i < world->link_count; i++)
        xf_link_free(&world->links[i]);
    xf_tls_identities_unref(&world->identities);
    xf_policy_free(&world->policy);
    xf_blocklist_free(&world->blocklist);
}

static void forget_output(struct world *world)
{
    for (size_t i = 0; i < world->wire_count; i++) {
        struct wire *wire = &world->wires[i];
        (void)fake_conn_take(wire->fake);
        xf_buf_clear(&wire->got);
        xf_buf_clear(&wire->pending);
        wire->has_end = false;
    }
}

bool world_restart(struct world *world, const char *text, char **out_why)
{
    struct xf_conf *conf = text ? load_conf(world, text, out_why) : NULL;
    if (text && !conf)
        return false;
    xf_routing_drain(world->routing);
    xf_routing_finish(world->routing); /* before the time that closing may take */
    free_layers(world);
    if (conf) {
        xf_conf_free(&world->conf);
        world->conf = conf;
    }
    forget_output(world);
    journal_now_s += RESTART_S;
    world->env.stopped_s += RESTART_S;
    make_layers(world);
    world_settle(world);
    return true;
}

void world_close(struct world *world)
{
    free_layers(world);
    xf_conf_free(&world->conf);
    for (size_t i = 0; i < world->former_count; i++)
        xf_conf_free(&world->former[i]);
    for (size_t i = 0; i < world->wire_count; i++) {
        struct wire *wire = &world->wires[i];
        xf_free(wire->name);
        xf_free(wire->header);
        xf_free(wire->sip_request);
        xf_buf_release(&wire->got);
        xf_buf_release(&wire->pending);
    }
    xf_free(world->refused);
    fake_dns_free(&world->dns);
    for (size_t i = 0; i < world->resolver_count; i++) {
        fake_dns_free(&world->resolvers[i].dns);
        xf_free(world->resolvers[i].server);
    }
    fake_env_fini(&world->env);
    remove_folder(world);
}

void world_abandon(struct world *world)
{
    remove_folder(world);
}

struct wire *world_wire(struct world *world, const char *name)
{
    for (size_t i = world->wire_count; i-- > 0;) {
        if (strcmp(world->wires[i].name, name) == 0)
            return &world->wires[i];
    }
    return NULL;
}

struct wire *world_add_wire(struct world *world, const char *name, struct fake_conn *fake)
{
    xf_require(world->wire_count < WIRES_MAX);
    struct wire *wire = &world->wires[world->wire_count++];
    *wire = (struct wire){.name = xf_strdup(name), .fake = fake};
    xf_buf_init(&wire->got, WIRE_MAX_BYTES);
    xf_buf_init(&wire->pending, WIRE_MAX_BYTES);
    return wire;
}

struct wire *world_accept(struct world *world, const char *name, const char *addr, bool is_direct)
{
    struct fake_conn *fake = fake_conn_accepted(&world->env, addr);
    struct wire *wire = world_add_wire(world, name, fake);
    xf_s2s_accept(world->s2s, fake->conn, is_direct);
    world_settle(world);
    return wire;
}

/* True when something was delivered. */
static bool deliver(struct wire *wire)
{
    /* as net/conn.c: after a reset, all that came before it is read */
    bool is_broken = wire->has_end && wire->end == XF_CONN_END_RESET;
    if (wire->fake->is_paused && wire->fake->conn && !is_broken)
        return false;
    size_t len = wire->pending.len < READ_BYTES ? wire->pending.len : READ_BYTES;
    if (len > 0) {
        /* Plaintext where a TLS record must come ends a real handshake too. */
        if (wire->fake->wants_tls)
            fake_conn_closed(wire->fake, XF_CONN_END_TLS_ALIEN);
        else
            (void)fake_conn_feed(wire->fake, xf_buf_ptr(&wire->pending), len);
        xf_buf_consume(&wire->pending, len);
        return true;
    }
    if (wire->has_end) {
        wire->has_end = false;
        fake_conn_closed(wire->fake, wire->end);
        return true;
    }
    return false;
}

/* True when a connect was refused. */
static bool refuse(struct world *world)
{
    struct fake_conn *fake = world->refused ? fake_conn_next(&world->env, world->refused) : NULL;
    if (fake && fake->conn)
        fake_conn_refused(fake);
    return fake != NULL;
}

void world_settle(struct world *world)
{
    bool was_busy = true;
    while (was_busy) {
        fake_env_run(&world->env);
        was_busy = fake_dns_step(world->dns) > 0;
        for (size_t i = 0; i < world->resolver_count; i++)
            was_busy |= fake_dns_step(world->resolvers[i].dns) > 0;
        was_busy |= refuse(world);
        was_busy |= directory_run(&world->directory);
        for (size_t i = 0; i < world->wire_count; i++)
            was_busy |= deliver(&world->wires[i]);
    }
    for (size_t i = 0; i < world->wire_count; i++)
        xf_buf_append_str(&world->wires[i].got, fake_conn_take(world->wires[i].fake));
}

static bool dns_is_waiting(const struct world *world)
{
    size_t waiting = fake_dns_waiting(world->dns);
    for (size_t i = 0; i < world->resolver_count; i++)
        waiting += fake_dns_waiting(world->resolvers[i].dns);
    return waiting > 0;
}

void world_advance(struct world *world, uint64_t ms)
{
    uint64_t until_ms = world->env.clock.now_ms + ms;
    while (world->env.clock.now_ms < until_ms) {
        uint64_t now_ms = world->env.clock.now_ms,
                 next_ms = xf_timers_next_ms(world->env.env.timers);
        if (dns_is_waiting(world) && next_ms > now_ms + STEP_MS)
            next_ms = now_ms + STEP_MS;
        next_ms = next_ms < until_ms ? next_ms : until_ms;
        fake_env_advance(&world->env, next_ms > now_ms ? next_ms - now_ms : 0);
        world_settle(world);
    }
}

void world_feed(struct world *world, struct wire *wire, const char *bytes, size_t len)
{
    xf_buf_append(&wire->pending, bytes, len);
    world_settle(world);
}
