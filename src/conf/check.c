/* SPDX-License-Identifier: MIT */
/*
 * check.c — checks that concern several values: references between sections, duplicate domains,
 * files that belong together. check_peer.c checks the settings of peers, check_link.c of links.
 */
#include "conf_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>

#define NODE_CHARS 64

static const char *const no_keys[] = {NULL};

/* ---- served domains */

static bool has_link(const struct xf_conf *conf, const char *title)
{
    for (size_t i = 0; i < conf->link_count; i++)
        if (strcmp(conf->links[i].settings.title, title) == 0)
            return true;
    return false;
}

static void check_link_of(const struct xf_check *check, size_t i)
{
    static const char *const keys[] = {"link", NULL};
    const struct xf_conf_served *served = &check->conf->served[i];
    if (!*served->settings.link || has_link(check->conf, served->settings.link))
        return;
    struct xf_buf titles;
    xf_buf_init(&titles, 4096);
    for (size_t k = 0; k < check->conf->link_count && titles.len < 1024; k++)
        xf_buf_appendf(&titles, "%s\"%.255s\"", k ? " or " : "",
                       check->conf->links[k].settings.title);
    xf_problem(check->problems, served->at.file, xf_raw_line(check->served[i], keys),
               "link = \"%.255s\": there is no such link: expected %.*s", served->settings.link,
               XF_SPAN_ARGS(xf_buf_span(&titles)));
    xf_buf_release(&titles);
}

static void check_certificate_of(const struct xf_check *check, size_t i)
{
    static const char *const keys[] = {"certificate", "key", NULL};
    const struct xf_conf_served *served = &check->conf->served[i];
    const struct xf_peer_settings *defaults = &check->conf->defaults;
    int line = xf_raw_line(check->served[i], keys);
    bool has_certificate = served->settings.certificate.count > 0,
         has_key = served->settings.key.count > 0, is_sure = !*check->conf->trust.cert_dir;
    if (has_certificate != has_key)
        xf_problem(check->problems, served->at.file, line,
                   "served \"%s\" has a %s without %s: expected both or neither",
                   served->settings.domain, has_key ? "key" : "certificate",
                   has_key ? "certificate" : "key");
    else if (served->settings.certificate.count != served->settings.key.count)
        xf_problem(check->problems, served->at.file, line,
                   "served \"%s\" has certificate = {...} of %zu and key = {...} of %zu: expected "
                   "a key for each certificate, in the same "
                   "order",
                   served->settings.domain, served->settings.certificate.count,
                   served->settings.key.count);
    else if (has_certificate || !is_sure)
        return; /* the code that reads certificates checks the folder */
    else if (defaults->tls == XF_TLS_REQUIRED)
        xf_problem(check->problems, served->at.file, line,
                   "served \"%s\" has no certificate but defaults say tls = required: expected "
                   "certificate and key, or another tls",
                   served->settings.domain);
    else if (!defaults->dialback)
        xf_problem(check->problems, served->at.file, line,
                   "served \"%s\" has no certificate but defaults say dialback = no: expected "
                   "certificate and key, or dialback = yes",
                   served->settings.domain);
}

static void check_name_of(const struct xf_check *check, size_t i, struct xf_map *names,
                          const char *name)
{
    static const char *const keys[] = {"aliases", NULL};
    const struct xf_conf_served *served = &check->conf->served[i];
    if (!*name)
        return;
    const char *const *where = strcmp(name, served->settings.domain) == 0 ? no_keys : keys;
    const struct xf_conf_served *other =
        xf_map_set(names, xf_span_of(name), &check->conf->served[i]);
    if (other)
        xf_problem(check->problems, served->at.file, xf_raw_line(check->served[i], where),
                   "\"%s\" is served twice (also by served \"%s\" at %.255s:%d): expected once",
                   name, other->settings.domain, other->at.file, other->at.line);
}

/* The server would take the gateway for the domain, and its users' stanzas with it. */
static void check_link_names(const struct xf_check *check, const struct xf_map *names)
{
    const struct xf_conf *conf = check->conf;
    for (size_t i = 0; i < conf->link_count; i++) {
        const struct xf_conf_link *link = &conf->links[i];
        const struct xf_conf_served *ours = xf_map_find(names, xf_span_of(link->settings.name));
        if (ours)
            xf_problem(check->problems, link->at.file, xf_conf_line(&link->at, "name"),
                       "link \"%s\": name = \"%s\" is a domain that is served (at %.255s:%d): "
                       "expected a name that no user has, such as xfedd.%s",
                       link->settings.title, link->settings.name, ours->at.file, ours->at.line,
                       ours->settings.domain);
    }
}

static void check_served(const struct xf_check *check, struct xf_map *names)
{
    const struct xf_conf *conf = check->conf;
    for (size_t i = 0; i < conf->served_count; i++) {
        check_link_of(check, i);
        check_certificate_of(check, i);
        check_name_of(check, i, names, conf->served[i].settings.domain);
        for (size_t k = 0; k < conf->served[i].settings.aliases.count; k++)
            check_name_of(check, i, names, conf->served[i].settings.aliases.item[k]);
    }
    check_link_names(check, names);
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct xf_conf_served *ours = xf_map_find(names, xf_span_of(conf->peers[i].pattern));
        if (ours)
            xf_problem(
                check->problems, conf->peers[i].at.file, conf->peers[i].at.line,
                "peer \"%s\" is a domain of ours (served at %.255s:%d): expected a remote domain",
                conf->peers[i].pattern, ours->at.file, ours->at.line);
    }
}

/* ---- nodes */

static void refuse_node(const struct xf_check *check, const struct xf_conf_node *node,
                        const char *key, const char *what)
{
    xf_problem(check->problems, node->at.file, xf_conf_line(&node->at, key), "node \"%s\": %s",
               node->settings.title, what);
}

static bool ports_meet(const struct xf_check *check, const struct xf_node_settings *a,
                       const struct xf_node_settings *b)
{
    if (a->port == b->port || check->conf->listen.s2s_direct.count == 0)
        return a->port == b->port;
    return a->port == b->direct_port || a->direct_port == b->port ||
           a->direct_port == b->direct_port;
}

/* A public address and port can lead to one node only. */
static void check_shared_port(const struct xf_check *check, const struct xf_conf_node *node,
                              const struct xf_conf_node *before)
{
    const struct xf_node_settings *a = &node->settings, *b = &before->settings;
    bool is_shared = false;
    for (size_t i = 0; i < a->addresses.count; i++)
        is_shared = is_shared || xf_texts_has(&b->addresses, a->addresses.item[i]);
    if (is_shared && ports_meet(check, a, b)) {
        char *what = xf_asprintf("has an address and a port in common with node \"%s\": expected "
                                 "another port (and direct-port)",
                                 b->title);
        refuse_node(check, node, "port", what);
        xf_free(what);
    }
}

/* A peer may try each address of a host with the port of any SRV record that names the host. */
static void check_shared_host(const struct xf_check *check, const struct xf_conf_node *node,
                              const struct xf_conf_node *before)
{
    const struct xf_node_settings *a = &node->settings, *b = &before->settings;
    bool direct = check->conf->listen.s2s_direct.count > 0,
         is_same = a->addresses.count == b->addresses.count;
    if (strcmp(a->host, b->host) != 0 ||
        (a->port == b->port && (!direct || a->direct_port == b->direct_port)))
        return;
    for (size_t i = 0; i < a->addresses.count; i++)
        is_same = is_same && xf_texts_has(&b->addresses, a->addresses.item[i]);
    if (!is_same) {
        char *what = xf_asprintf("shares its host with node \"%s\", which has another port and "
                                 "other addresses: expected the same addresses, or a "
                                 "host of its own",
                                 b->title);
        refuse_node(check, node, "host", what);
        xf_free(what);
    }
}

/*
 * Most servers require TLS today, and tell us only when somebody writes to them. The profile for
 * those without TLS says that it is meant.
 */
static void warn_of_clear(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct xf_conf_peer *peer = &conf->peers[i];
        struct xf_peer_settings settings;
        xf_conf_section_settings(conf, peer, &settings);
        if (settings.protocol != XF_PROTOCOL_SIP && settings.tls == XF_TLS_NONE &&
            settings.profile != XF_PROFILE_LEGACY && settings.direction != XF_DIRECTION_NONE)
            xf_warning(check->problems, peer->at.file, xf_conf_line(&peer->at, "tls"),
                       "peer \"%s\" has profile = %s and tls = none: a server that requires TLS "
                       "cannot be reached. tls = optional uses it where it is offered, and profile "
                       "= legacy says that there is none",
                       peer->pattern, xf_conf_profile_name(settings.profile));
    }
}

/*
 * IBM Sametime tries only the first SRV record (Cisco, Interdomain Federation). The sheet of DNS
 * records says so too (sheets/dns.c).
 */
static void warn_of_sametime(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    for (size_t i = 0; i < conf->peer_count && conf->node_count > 1; i++) {
        const struct xf_conf_peer *peer = &conf->peers[i];
        struct xf_peer_settings settings;
        xf_conf_section_settings(conf, peer, &settings);
        if (settings.profile == XF_PROFILE_SAMETIME)
            xf_warning(check->problems, peer->at.file, xf_conf_line(&peer->at, "profile"),
                       "peer \"%s\" is a Sametime gateway, which tries the first SRV record only, "
                       "and there are %zu nodes: it cannot reach us while that node is down",
                       peer->pattern, conf->node_count);
    }
}

static void check_nodes(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    for (size_t i = 0; i < conf->node_count; i++) {
        if (conf->listen.s2s_direct.count > 0 &&
            conf->nodes[i].settings.port == conf->nodes[i].settings.direct_port)
            refuse_node(check, &conf->nodes[i], "direct-port",
                        "port and direct-port are the same: expected two ports");
        for (size_t k = 0; k < i; k++) {
            check_shared_port(check, &conf->nodes[i], &conf->nodes[k]);
            check_shared_host(check, &conf->nodes[i], &conf->nodes[k]);
        }
    }
    warn_of_sametime(check);
}

/* ---- the rest */

static void check_link(const struct xf_check *check, const struct xf_conf_link *link)
{
    if (link->settings.refuse_peers && link->settings.per_peer)
        xf_problem(
            check->problems, link->at.file, xf_conf_line(&link->at, "refuse-peers"),
            "link \"%.255s\" has refuse-peers = yes with names = per-peer, where each peer's "
            "connection has a state of its own: expected refuse-peers = no",
            link->settings.title);
}

static void check_parts(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    if (conf->link_count == 0)
        xf_problem(check->problems, conf->file, 0,
                   "there is no link to the local cluster: expected link \"name\" {...}");
    if (conf->served_count == 0)
        xf_problem(check->problems, conf->file, 0,
                   "there is no domain of ours: expected served \"domain\" {...}");
    static const char *const keys[] = {"backoff-min", "backoff-max", NULL};
    if (conf->routing.backoff_min_ms > conf->routing.backoff_max_ms)
        xf_problem(check->problems, check->process ? check->process->file : conf->file,
                   xf_raw_line(check->process, keys),
                   "backoff-min is larger than backoff-max: expected the smaller one first");
    for (size_t i = 0; i < conf->link_count; i++)
        check_link(check, &conf->links[i]);
    for (size_t i = 0; i < conf->link_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(conf->links[i].settings.title, conf->links[k].settings.title) == 0)
                xf_problem(check->problems, conf->links[i].at.file, conf->links[i].at.line,
                           "link \"%.255s\" is written twice (first at %.255s:%d): expected once",
                           conf->links[i].settings.title, conf->links[k].at.file,
                           conf->links[k].at.line);
}

/* ---- memory */

static void refuse_memory(const struct xf_check *check, const char *key, const char *what)
{
    const struct xf_conf_place *at = &check->conf->history_at;
    xf_problem(check->problems, at->file ? at->file : check->conf->file, xf_conf_line(at, key),
               "memory: %s", what);
}

static void check_memory(const struct xf_check *check)
{
    const struct xf_history_settings *memory = &check->conf->history;
    const struct xf_conf_place *at = &check->conf->history_at;
    if (*memory->uri && *memory->file)
        xf_warning(check->problems, at->file, xf_conf_line(at, "file"),
                   "memory: file is not used, since uri names a database for all nodes");
    if (*memory->uri && memory->peers == 0)
        refuse_memory(check, "peers", "uri with peers = 0: expected how many peers to remember");
    if (*memory->password_file && !*memory->uri)
        refuse_memory(check, "password-file", "password-file without uri: expected both");
    if (strlen(memory->node) > NODE_CHARS)
        refuse_memory(check, "node", "node is too long: expected at most 64 bytes");
    if (*memory->uri && check->conf->defaults.dialback && !*check->conf->dialback.secret_file)
        refuse_memory(check, "uri",
                      "uri without dialback { secret-file }: expected the same secret on all "
                      "nodes, or each would refuse the keys of the others");
}

void xf_conf_check(const struct xf_check *check)
{
    struct xf_map *names = xf_map_new();
    check_parts(check);
    if (check->conf->link_count > 0)
        check_served(check, names);
    xf_check_links(check);
    check_nodes(check);
    xf_check_listen(check);
    xf_check_files(check);
    warn_of_clear(check);
    xf_check_peers(check);
    xf_check_sip(check);
    xf_check_directory(check);
    check_memory(check);
    xf_map_free(&names);
}
