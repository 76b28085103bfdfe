/* SPDX-License-Identifier: MIT */
/*
 * world.c — the owner of the layer in a transcript: its table of peers, and what it is told. It
 * judges certificates by plain names, as the daemon does by the peers' sections.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define BUFFER_MAX  (8u << 20)
#define MESSAGE_MAX 16384

static const char base_conf[] =
    "link \"presence\" { name = \"x.a.example\"  nodes = {\"127.0.0.1:5347\"}  secret-file = "
    "\"secret\" }\n"
    "served \"a.example\" { link = presence }\nserved \"a2.example\" { link = presence }\n"
    "dialback { secret-file = \"secret\" }\ndefaults { protocol = sip }\n";

/* ------------------------------------------------------------------ what the owner says */

static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; at && *at;) {
        size_t one = strcspn(at, ",");
        if (one == len && memcmp(at, word, len) == 0)
            return true;
        at += one;
        at += *at == ',';
    }
    return false;
}

static bool fits(const struct peer_row *row, const struct xf_ua_party *party)
{
    char host[XF_ADDR_TEXT_BYTES];
    if (!party->tls) {
        xf_addr_host_text(party->addr, host);
        return row->is_clear && list_has(row->from, host);
    }
    for (size_t i = 0; i < party->tls->name_count; i++)
        if (!row->is_clear && list_has(row->names, party->tls->names[i].text))
            return true;
    return false;
}

static void basis(void *owner, const struct xf_ua_party *party, struct xf_tls_basis *out_basis)
{
    struct world *world = owner;
    for (size_t i = 0; i < world->peer_count; i++) {
        struct xf_span domain = xf_span_of(world->peers[i].domain);
        if (fits(&world->peers[i], party))
            out_basis->ca_file = xf_policy_peer(world->policy, domain)->ca_file;
    }
}

static bool admits(void *owner, const struct xf_ua_party *party, struct xf_refusal *out_refusal)
{
    struct world *world = owner;
    if (party->tls && party->tls->chain != XF_CERT_TRUSTED) {
        *out_refusal =
            (struct xf_refusal){"the certificate is not trusted", XF_HELP_CERT_UNTRUSTED};
        return false;
    }
    for (size_t i = 0; i < world->peer_count; i++) {
        const struct peer_row *row = &world->peers[i];
        if (fits(row, party) && (!party->peer || strcmp(row->domain, party->peer) == 0))
            return true;
    }
    *out_refusal = (struct xf_refusal){"it has no name of a peer", XF_HELP_CERT_WRONG_NAME};
    return false;
}

static bool calls(void *owner, const struct xf_ua_party *party, struct xf_span domain,
                  struct xf_ua_caller *out_caller)
{
    struct world *world = owner;
    char name[XF_DOMAIN_MAX + 1];
    (void)snprintf(name, sizeof(name), "%.*s", XF_SPAN_ARGS(domain));
    for (size_t i = 0; i < world->peer_count; i++) {
        const struct peer_row *row = &world->peers[i];
        if (!fits(row, party) || (strcmp(row->domain, name) != 0 && !list_has(row->also, name)))
            continue;
        *out_caller =
            (struct xf_ua_caller){.peer = xf_span_of(row->domain), .accepts_sips = row->takes_sips};
        return true;
    }
    return false;
}

static bool hop(void *owner, struct xf_span local, struct xf_span peer, struct xf_ua_hop *out_hop)
{
    struct world *world = owner;
    (void)local;
    for (size_t i = 0; i < world->peer_count; i++) {
        const struct peer_row *row = &world->peers[i];
        if (!xf_span_is(peer, row->domain))
            continue;
        *out_hop = (struct xf_ua_hop){
            .name = xf_span_of(row->hop ? row->hop : row->domain),
            .identity = xf_span_of(world->settings.host),
            .settings = xf_policy_peer(world->policy, xf_span_of(row->domain)),
            .services = XF_SERVICE_SIPS,
            .is_clear = row->is_clear,
            .sends_alias = row->has_alias,
            .rate = row->rate,
        };
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ what the owner hears */

static void say(struct thing *thing, const char *fmt, ...) XF_PRINTF(2, 3);

static void say(struct thing *thing, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *line = xf_vasprintf(fmt, args), *before = thing->said;
    va_end(args);
    thing->said = xf_asprintf("%s%s\n", before ? before : "", line);
    xf_free(before);
    xf_free(line);
}

static void ended(void *owner, enum xf_ua_end end, const struct xf_sip_message *ack)
{
    static const char *const words[] = {"acked", "unacked", "cancelled", "late", "shutdown"};
    struct thing *thing = owner;
    say(thing, "ended %s%s", words[end], ack ? " with ACK" : "");
    thing->server = NULL;
}

static const struct xf_ua_server_events server_events = {.ended = ended};

static enum xf_ua_taken take(void *owner, struct xf_ua_server *server,
                             const struct xf_sip_message *request)
{
    struct world *world = owner;
    if (world->thing_count == THINGS_MAX) { /* only fuzz_ua has so many */
        xf_require(xf_ua_answer(server, &(struct xf_ua_answer){.status = 500}) != XF_ERR_LIMIT);
        return XF_UA_TAKEN;
    }
    struct thing *thing = world_add_thing(world, "");
    thing->is_new = true;
    thing->server = server;
    thing->method = xf_span_dup(request->method_name);
    thing->from = xf_span_dup(xf_ua_server_from(server));
    thing->local = xf_span_dup(xf_ua_server_local(server));
    thing->peer = xf_span_dup(xf_ua_server_peer(server));
    xf_ua_server_own(server, &server_events, thing);
    if (request->contact.uri.ptr && !request->to.tag.ptr)
        thing->has_dialog = xf_dialog_from_request(&thing->dialog, xf_ua_server_local(server),
                                                   xf_ua_server_peer(server), request,
                                                   xf_ua_server_tag(server)) == XF_ERR_OK;
    if (world->answers) {
        thing->server = NULL;
        xf_ua_server_own(server, &server_events, NULL);
        xf_require(xf_ua_answer(server, &(struct xf_ua_answer){.status = world->answers}) ==
                   XF_ERR_OK);
    }
    if (world->resumes)
        xf_ua_resume(world->ua);
    xf_require(xf_span_is(request->method_name, thing->method)); /* nothing else was read */
    return world->is_full ? XF_UA_FULL : XF_UA_TAKEN;
}

static const struct xf_ua_events ua_events = {.basis = basis,
                                              .admits = admits,
                                              .calls = calls,
                                              .hop = hop,
                                              .request = take};

static void progress(void *owner, struct xf_ua_client *client, const struct xf_sip_message *answer)
{
    (void)client;
    say(owner, "progress %u", answer->status);
}

/* Acknowledge in the dialog that the answer makes. */
static void acknowledge(struct xf_ua_client *client, const struct xf_sip_message *answer)
{
    struct xf_dialog dialog;
    struct xf_ua_request ack;
    if (xf_dialog_from_answer(&dialog, XF_SPAN("a.example"), XF_SPAN("b.example"), answer) !=
        XF_ERR_OK)
        return;
    xf_dialog_ack(&dialog, answer->cseq.number, &ack);
    xf_require(xf_ua_ack(client, answer, &ack) == XF_ERR_OK);
    xf_dialog_fini(&dialog);
}

/* As an owner may do in `done`. */
static void send_again(struct thing *thing)
{
    struct world *world = thing->world;
    const struct xf_ua_request request = {.local = XF_SPAN("a.example"),
                                          .peer = XF_SPAN("b.example"),
                                          .method = XF_SIP_MESSAGE,
                                          .uri = XF_SPAN("sip:v@b.example"),
                                          .from = XF_SPAN("<sip:u@a.example>;tag=ours"),
                                          .to = XF_SPAN("<sip:v@b.example>"),
                                          .call_id = XF_SPAN("again"),
                                          .cseq = 1};
    if (!world->again)
        return;
    world->again--;
    xf_free(thing->method);
    thing->method = xf_strdup("MESSAGE");
    if (xf_ua_send(world->ua, &request, &world_client_events, thing, &thing->client) != XF_ERR_OK)
        say(thing, "not sent again");
}

static void done(void *owner, struct xf_ua_client *client, const struct xf_ua_outcome *outcome)
{
    struct thing *thing = owner;
    thing->client = NULL;
    if (!outcome->answer) {
        thing->help = outcome->help;
        say(thing, "done %s%s", xf_ua_cause_word(outcome->cause),
            outcome->is_unsent ? " unsent" : "");
        send_again(thing);
        return;
    }
    if (outcome->answer->cseq.method == XF_SIP_INVITE && outcome->answer->status < 300)
        acknowledge(client, outcome->answer);
    say(thing, "done %u", outcome->answer->status);
}

static void forked(void *owner, struct xf_ua_client *client, const struct xf_sip_message *answer)
{
    struct world *world = owner;
    acknowledge(client, answer);
    for (size_t i = 0; i < world->thing_count; i++)
        if (world->things[i].method && strcmp(world->things[i].method, "INVITE") == 0)
            say(&world->things[i], "forked");
}

const struct xf_ua_client_events world_client_events = {.progress = progress,
                                                        .done = done,
                                                        .forked = forked};

/* ------------------------------------------------------------------ the world */

static void put_file(const struct world *world, const char *name, const char *text)
{
    char *path = xf_asprintf("%s/%s", world->folder, name);
    FILE *file = fopen(path, "w");
    xf_require(file && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
    xf_free(path);
}

static void remove_file(const struct world *world, const char *name)
{
    char *path = xf_asprintf("%s/%s", world->folder, name);
    (void)unlink(path);
    xf_free(path);
}

/* Too many are in use. */
static struct xf_dns *no_resolver(struct xf_env *env, const char *const *servers, size_t count)
{
    (void)env;
    (void)servers;
    (void)count;
    return NULL;
}

static bool load_conf(struct world *world, const char *text, char **out_why)
{
    char *path, *all = xf_asprintf("%s%s", base_conf, text);
    memcpy(world->folder, "/tmp/xfed-sip-XXXXXX", sizeof("/tmp/xfed-sip-XXXXXX"));
    xf_require(mkdtemp(world->folder));
    path = xf_asprintf("%s/conf", world->folder);
    put_file(world, "secret", "a secret that is long enough\n");
    put_file(world, "conf", all);
    enum xf_err err = xf_conf_load(path, &world->conf, out_why);
    remove_file(world, "conf");
    remove_file(world, "secret");
    (void)rmdir(world->folder);
    xf_free(path);
    xf_free(all);
    return err == XF_ERR_OK;
}

static void begin(struct world *world)
{
    struct xf_error err;
    fake_env_init(&world->env);
    world->dns = fake_dns_new(&world->env.clock, 5000);
    world->env.env.dns = fake_dns_seam(world->dns);
    world->env.env.resolver = no_resolver;
    world->policy = xf_policy_new(&(struct xf_policy_opts){.conf = world->conf});
    xf_require(xf_tls_store_load("", &world->store, &err) == XF_ERR_OK);
    world->identities = xf_tls_identities_new(world->store);
    world->settings = (struct xf_ua_settings){
        .host = xf_strdup("sip.a.example"),
        .port = 5061,
        .tcp_port = 5060,
        .message_bytes = 65536,
        .headers = 128,
        .element_ms = 20000,
        .handshake_ms = 30000,
        .idle_ms = 600000,
        .ping_ms = 120000,
        .half_open_per_address = 16,
        .half_open_per_network = 64,
        .half_open = 256,
        .conns_per_address = 16,
        .conns_per_network = 64,
        .conns = 1000,
        .hop_conns = 4,
        .own_conns_per_owner = 64,
        .own_conns = 256,
        .refused_per_network = 100,
        .requests_per_conn = 100,
        .requests_per_peer = 400,
        .requests_per_owner = 1000,
        .requests = 20000,
        .request_bytes_per_owner = 1u << 20,
        .request_bytes = 1u << 24,
        .sent_per_hop = 1000,
        .sent = 20000,
    };
}

bool world_open(struct world *world, const char *conf, char **out_why)
{
    *world = (struct world){0};
    if (!load_conf(world, conf, out_why))
        return false;
    begin(world);
    return true;
}

void world_open_again(struct world *world, struct xf_conf *conf)
{
    *world = (struct world){.conf = conf, .keeps_conf = true};
    begin(world);
}

/* The layer begins with the first thing that needs it, so that settings can come before. */
static struct xf_ua *get_ua(struct world *world)
{
    static const unsigned methods = 1u << XF_SIP_INVITE | 1u << XF_SIP_BYE | 1u << XF_SIP_MESSAGE |
                                    1u << XF_SIP_SUBSCRIBE | 1u << XF_SIP_NOTIFY |
                                    1u << XF_SIP_BENOTIFY | 1u << XF_SIP_INFO;
    static const char *const extensions[] = {"known", NULL};
    const struct xf_ua_opts opts = {
        .extensions = extensions,
        .env = &world->env.env,
        .policy = world->policy,
        .settings = &world->settings,
        .identities = world->identities,
        .methods = methods,
        .accept = "text/plain, application/sdp, application/pidf+xml",
        .packages = "presence",
        .events = &ua_events,
        .owner = world,
    };
    if (!world->ua)
        world->ua = xf_ua_new(&opts);
    return world->ua;
}

void world_close(struct world *world)
{
    if (world->ua)
        xf_ua_cut(world->ua);
    world_settle(world);
    xf_ua_free(&world->ua);
    for (size_t i = 0; i < world->wire_count; i++) {
        xf_free(world->wires[i].name);
        xf_free(world->wires[i].last_request);
        xf_buf_release(&world->wires[i].got);
        xf_buf_release(&world->wires[i].pending);
    }
    for (size_t i = 0; i < world->thing_count; i++) {
        struct thing *thing = &world->things[i];
        xf_free(thing->name);
        xf_free(thing->said);
        xf_free(thing->method);
        xf_free(thing->from);
        xf_free(thing->local);
        xf_free(thing->peer);
        xf_dialog_fini(&thing->dialog);
    }
    for (size_t i = 0; i < world->peer_count; i++) {
        struct peer_row *row = &world->peers[i];
        xf_free(row->domain);
        xf_free(row->names);
        xf_free(row->also);
        xf_free(row->from);
        xf_free(row->hop);
    }
    xf_free(world->settings.host);
    xf_policy_free(&world->policy);
    if (!world->keeps_conf)
        xf_conf_free(&world->conf);
    xf_tls_identities_unref(&world->identities);
    xf_tls_store_unref(&world->store);
    fake_env_fini(&world->env);
    fake_dns_free(&world->dns);
}

bool world_set(struct world *world, const char *key, unsigned long value)
{
    struct xf_ua_settings *s = &world->settings;
    struct {
        const char *key;
        size_t *size;
        unsigned *number;
        uint64_t *ms;
    } rows[] = {
        {"message_bytes", &s->message_bytes, NULL, NULL},
        {"port", NULL, &s->port, NULL},
        {"tcp_port", NULL, &s->tcp_port, NULL},
        {"headers", NULL, &s->headers, NULL},
        {"element_ms", NULL, NULL, &s->element_ms},
        {"handshake_ms", NULL, NULL, &s->handshake_ms},
        {"idle_ms", NULL, NULL, &s->idle_ms},
        {"ping_ms", NULL, NULL, &s->ping_ms},
        {"half_open_per_address", NULL, &s->half_open_per_address, NULL},
        {"half_open", NULL, &s->half_open, NULL},
        {"conns_per_address", NULL, &s->conns_per_address, NULL},
        {"conns", NULL, &s->conns, NULL},
        {"own_conns_per_owner", NULL, &s->own_conns_per_owner, NULL},
        {"own_conns", NULL, &s->own_conns, NULL},
        {"hop_conns", NULL, &s->hop_conns, NULL},
        {"refused_per_network", NULL, &s->refused_per_network, NULL},
        {"requests_per_conn", NULL, &s->requests_per_conn, NULL},
        {"requests_per_peer", NULL, &s->requests_per_peer, NULL},
        {"requests_per_owner", NULL, &s->requests_per_owner, NULL},
        {"requests", NULL, &s->requests, NULL},
        {"request_bytes_per_owner", &s->request_bytes_per_owner, NULL, NULL},
        {"request_bytes", &s->request_bytes, NULL, NULL},
        {"sent_per_hop", NULL, &s->sent_per_hop, NULL},
        {"sent", NULL, &s->sent, NULL},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        if (rows[i].size)
            *rows[i].size = value;
        else if (rows[i].number)
            *rows[i].number = (unsigned)value;
        else
            *rows[i].ms = value;
        return true;
    }
    return false;
}

struct peer_row *world_peer(struct world *world, const char *domain)
{
    for (size_t i = 0; i < world->peer_count; i++)
        if (strcmp(world->peers[i].domain, domain) == 0)
            return &world->peers[i];
    xf_require(world->peer_count < PEERS_MAX);
    world->peers[world->peer_count].domain = xf_strdup(domain);
    return &world->peers[world->peer_count++];
}

void world_reload(struct world *world)
{
    struct xf_tls_identities *before = world->identities;
    world->identities = xf_tls_identities_new(world->store);
    xf_ua_reload(get_ua(world), world->policy, &world->settings, world->identities);
    xf_tls_identities_unref(&before);
}

/* ------------------------------------------------------------------ wires */

struct wire *world_wire(struct world *world, const char *name)
{
    for (size_t i = world->wire_count; i-- > 0;)
        if (strcmp(world->wires[i].name, name) == 0)
            return &world->wires[i];
    return NULL;
}

struct wire *world_add_wire(struct world *world, const char *name, struct fake_conn *fake)
{
    xf_require(world->wire_count < WIRES_MAX);
    struct wire *wire = &world->wires[world->wire_count++];
    wire->name = xf_strdup(name);
    wire->fake = fake;
    xf_buf_init(&wire->got, BUFFER_MAX);
    xf_buf_init(&wire->pending, BUFFER_MAX);
    return wire;
}

struct wire *world_accept(struct world *world, const char *name, const char *addr, bool is_clear)
{
    struct fake_conn *fake = fake_conn_accepted(&world->env, addr);
    struct wire *wire = world_add_wire(world, name, fake);
    xf_ua_accept(get_ua(world), fake->conn, is_clear);
    world_settle(world);
    return wire;
}

void world_feed(struct world *world, struct wire *wire, const char *bytes, size_t len)
{
    xf_buf_append(&wire->pending, bytes, len);
    world_settle(world);
}

static bool deliver(struct wire *wire)
{
    bool is_busy = false;
    while (wire->pending.len && !wire->fake->is_paused && wire->fake->conn) {
        size_t len = wire->pending.len < 65536 ? wire->pending.len : 65536;
        (void)fake_conn_feed(wire->fake, xf_buf_ptr(&wire->pending), len);
        xf_buf_consume(&wire->pending, len);
        is_busy = true;
    }
    if (wire->has_end && !wire->pending.len && wire->fake->conn) {
        fake_conn_closed(wire->fake, wire->end);
        is_busy = true;
    }
    return is_busy;
}

void world_settle(struct world *world)
{
    bool is_busy = true;
    while (is_busy) {
        is_busy = fake_dns_waiting(world->dns) && fake_dns_step(world->dns);
        fake_env_run(&world->env);
        for (size_t i = 0; i < world->wire_count; i++) {
            struct wire *wire = &world->wires[i];
            is_busy |= deliver(wire);
            xf_buf_append_str(&wire->got, fake_conn_take(wire->fake));
        }
    }
}

void world_advance(struct world *world, uint64_t ms)
{
    fake_env_advance(&world->env, ms);
    world_settle(world);
}

/* ------------------------------------------------------------------ requests */

struct thing *world_thing(struct world *world, const char *name)
{
    for (size_t i = 0; i < world->thing_count; i++)
        if (strcmp(world->things[i].name, name) == 0)
            return &world->things[i];
    return NULL;
}

struct thing *world_add_thing(struct world *world, const char *name)
{
    (void)get_ua(world);
    xf_require(world->thing_count < THINGS_MAX);
    struct thing *thing = &world->things[world->thing_count++];
    thing->world = world;
    thing->name = xf_strdup(name);
    return thing;
}

struct thing *world_new_request(struct world *world)
{
    for (size_t i = 0; i < world->thing_count; i++)
        if (world->things[i].is_new)
            return &world->things[i];
    return NULL;
}
