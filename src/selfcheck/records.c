/* SPDX-License-Identifier: MIT */
/*
 * records.c — does DNS lead peers to us? For each name that we serve, the SRV records and the
 * addresses behind them are compared with the sections node { }, which xfedd --dns-records prints,
 * or without such sections with what xfedd listens on.
 *
 * Some names are asked at a time. Each has two answers (_xmpp-server, and _xmpps-server where xfedd
 * listens for direct TLS), then a discovery as peers do it, which finds the addresses. Every answer
 * comes from the resolver that xfedd asks about peers, which need not see what others see.
 */
#include "selfcheck_priv.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/dns/discover.h>
#include <xfed/sheets/sheets.h>

#define PART        "dns"
#define AT_A_TIME   8
#define RECORDS_MAX 16 /* of one answer; nobody has more servers */
#define LIST_BYTES  256

struct srv {
    struct name *name;
    bool is_direct;
    struct xf_dns_query *query; /* NULL: answered, or not asked */
    enum xf_dns_status status;
    enum xf_help help;
    char detail[LIST_BYTES];
    size_t count;
    struct {
        unsigned port;
        char target[XF_DNS_NAME_MAX + 1];
    } record[RECORDS_MAX];
};

struct name {
    struct xf_node node; /* in active */
    struct xf_selfcheck *check;
    struct xf_our_name ours;
    struct srv srv[2]; /* _xmpp-server, _xmpps-server */
    unsigned open;     /* answers that are due */
    bool is_bad;       /* something was said about it */
    struct xf_discovery *discovery;
};

struct xf_record_check {
    struct xf_node active;
    size_t next, count; /* the next name, and how many are active */
};

static const struct xf_conf *conf_of(const struct name *name)
{
    return name->check->parts.conf;
}

static struct xf_spot spot_of(const struct name *name)
{
    return (struct xf_spot){PART, name->ours.name};
}

static const char *service_of(const struct srv *srv)
{
    return srv->is_direct ? "_xmpps-server" : "_xmpp-server";
}

static unsigned port_of(const struct xf_node_settings *node, bool is_direct)
{
    return is_direct ? node->direct_port : node->port;
}

/* ------------------------------------------------------------------ SRV records */

/* The record that should be there. */
static void say_missing(struct name *name, const struct srv *srv, bool is_fatal)
{
    const struct xf_conf *conf = conf_of(name);
    const struct xf_node_settings *node = conf->node_count ? &conf->nodes[0].settings : NULL;
    char host[XF_DOMAIN_ASCII_MAX + 1] = "", port[16] = "PORT";
    if (node && xf_domain_to_ascii(xf_span_of(node->host), host) == XF_ERR_OK)
        snprintf(port, sizeof(port), "%u", port_of(node, srv->is_direct));
    name->is_bad = true;
    (is_fatal ? xf_selfcheck_wrong : xf_selfcheck_warn)(
        name->check, spot_of(name), XF_HELP_OUR_SRV_MISSING,
        "DNS has no SRV record for it: missing is %s._tcp.%s. SRV 0 10 %s %s.", service_of(srv),
        name->ours.ascii, port, *host ? host : "YOUR-HOST");
}

static bool is_node(const struct xf_node_settings *node, bool is_direct, const char *target,
                    unsigned port)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];
    return port_of(node, is_direct) == port &&
           xf_domain_to_ascii(xf_span_of(node->host), host) == XF_ERR_OK &&
           strcmp(host, target) == 0;
}

static bool has_record(const struct srv *srv, const struct xf_node_settings *node)
{
    for (size_t i = 0; i < srv->count; i++)
        if (is_node(node, srv->is_direct, srv->record[i].target, srv->record[i].port))
            return true;
    return false;
}

static bool has_node(const struct xf_conf *conf, const struct srv *srv, size_t record)
{
    for (size_t i = 0; i < conf->node_count; i++)
        if (is_node(&conf->nodes[i].settings, srv->is_direct, srv->record[record].target,
                    srv->record[record].port))
            return true;
    return false;
}

static void compare_with_nodes(struct name *name, const struct srv *srv)
{
    const struct xf_conf *conf = conf_of(name);
    for (size_t i = 0; i < srv->count; i++) {
        if (has_node(conf, srv, i))
            continue;
        name->is_bad = true;
        xf_selfcheck_wrong(name->check, spot_of(name), XF_HELP_OUR_SRV_DIFFERS,
                           "%s names %s:%u in DNS, which no section node { } has", service_of(srv),
                           srv->record[i].target, srv->record[i].port);
    }
    for (size_t i = 0; i < conf->node_count; i++) {
        if (has_record(srv, &conf->nodes[i].settings))
            continue;
        name->is_bad = true;
        xf_selfcheck_warn(name->check, spot_of(name), XF_HELP_OUR_SRV_MISSING,
                          "%s in DNS does not name node \"%s\" (%s:%u)", service_of(srv),
                          conf->nodes[i].settings.title, conf->nodes[i].settings.host,
                          port_of(&conf->nodes[i].settings, srv->is_direct));
    }
}

static bool listens_on(const struct xf_texts *listeners, unsigned port)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct xf_addr addr;
        if (xf_addr_parse(xf_span_of(listeners->item[i]), 0, &addr) == XF_ERR_OK &&
            xf_addr_port(&addr) == port)
            return true;
    }
    return false;
}

/* A firewall may translate the port, so this is no more than a warning. */
static void compare_with_listeners(struct name *name, const struct srv *srv)
{
    const struct xf_listen_settings *listen = &conf_of(name)->listen;
    const struct xf_texts *listeners = srv->is_direct ? &listen->s2s_direct : &listen->s2s;
    for (size_t i = 0; i < srv->count; i++) {
        if (listens_on(listeners, srv->record[i].port))
            continue;
        name->is_bad = true;
        xf_selfcheck_warn(name->check, spot_of(name), XF_HELP_OUR_SRV_DIFFERS,
                          "%s names port %u in DNS, and xfedd does not listen there",
                          service_of(srv), srv->record[i].port);
    }
}

static bool is_no_service(const struct srv *srv)
{
    return srv->count == 1 && !srv->record[0].target[0];
}

static void judge_srv(struct name *name, const struct srv *srv)
{
    if (srv->status == XF_DNS_FAILED) {
        name->is_bad = true;
        xf_selfcheck_wrong(name->check, spot_of(name), srv->help, "%s cannot be looked up: %s",
                           service_of(srv), srv->detail);
    } else if (is_no_service(srv)) {
        name->is_bad = true;
        xf_selfcheck_wrong(name->check, spot_of(name), XF_HELP_OUR_SRV_NONE,
                           "%s has the target . in DNS: it says that nobody federates here",
                           service_of(srv));
    } else if (srv->count == 0) {
        say_missing(name, srv, !srv->is_direct);
    } else if (conf_of(name)->node_count > 0) {
        compare_with_nodes(name, srv);
    } else {
        compare_with_listeners(name, srv);
    }
}

/* ------------------------------------------------------------------ addresses */

static bool has_address(const struct xf_conf *conf, const char *target, const char *address)
{
    char host[XF_DOMAIN_ASCII_MAX + 1];
    struct xf_addr listed, found;
    if (xf_addr_parse(xf_span_of(address), 1, &found) != XF_ERR_OK)
        return false;
    for (size_t i = 0; i < conf->node_count; i++) {
        const struct xf_node_settings *node = &conf->nodes[i].settings;
        if (xf_domain_to_ascii(xf_span_of(node->host), host) != XF_ERR_OK ||
            strcmp(host, target) != 0)
            continue;
        for (size_t k = 0; k < node->addresses.count; k++)
            if (xf_addr_parse(xf_span_of(node->addresses.item[k]), xf_addr_port(&found), &listed) ==
                    XF_ERR_OK &&
                xf_addr_eq(&listed, &found))
                return true;
    }
    return false;
}

static void append(char list[LIST_BYTES], const char *item)
{
    size_t len = strlen(list);
    snprintf(list + len, LIST_BYTES - len, "%s%s", len ? ", " : "", item);
}

static void judge_addresses(struct name *name, const struct xf_discovery_result *result)
{
    char all[LIST_BYTES] = "";
    bool is_secure = result->count > 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct xf_candidate *candidate = &result->candidates[i];
        char address[XF_ADDR_TEXT_BYTES];
        xf_addr_text(&candidate->addr, address);
        append(all, address);
        is_secure = is_secure && candidate->is_secure;
        if (conf_of(name)->node_count == 0 ||
            has_address(conf_of(name), candidate->target, address))
            continue;
        name->is_bad = true;
        xf_selfcheck_wrong(name->check, spot_of(name), XF_HELP_OUR_SRV_DIFFERS,
                           "%s leads to %s in DNS, which no section node { } with this host has",
                           candidate->target, address);
    }
    if (result->outcome != XF_DISCOVERY_FOUND && name->srv[0].count > 0 &&
        !is_no_service(&name->srv[0])) {
        name->is_bad = true;
        xf_selfcheck_wrong(name->check, spot_of(name), XF_HELP_OUR_SRV_DIFFERS, "%s",
                           result->detail);
    }
    if (!name->is_bad)
        xf_selfcheck_ok(name->check, spot_of(name), "DNS leads peers to %s; %s", all,
                        is_secure ? "validated by DNSSEC" : "not validated by DNSSEC");
}

/* ------------------------------------------------------------------ questions */

static void begin_more(struct xf_selfcheck *check);

static void drop(struct name *name)
{
    struct xf_selfcheck *check = name->check;
    for (size_t i = 0; i < XF_ARRAY_LEN(name->srv); i++)
        if (name->srv[i].query)
            check->parts.dns->ops->cancel(check->parts.dns, name->srv[i].query);
    xf_discovery_cancel(&name->discovery);
    xf_list_remove(&name->node);
    check->records->count--;
    xf_free(name);
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct name *name = owner;
    struct xf_selfcheck *check = name->check;
    name->discovery = NULL;
    judge_addresses(name, result);
    drop(name);
    begin_more(check);
}

static bool has_direct(const struct name *name)
{
    return conf_of(name)->listen.s2s_direct.count > 0;
}

static void discover(struct name *name)
{
    const struct xf_discovery_opts opts = {.services = XF_SERVICE_XMPP |
                                                       (has_direct(name) ? XF_SERVICE_XMPPS : 0u)};
    judge_srv(name, &name->srv[0]);
    if (has_direct(name) && !is_no_service(&name->srv[0]) &&
        name->srv[0].count + name->srv[1].count > 0)
        judge_srv(name, &name->srv[1]);
    name->discovery = xf_discover(name->check->parts.dns, xf_span_of(name->ours.ascii), &opts,
                                  on_discovered, name);
}

static void on_srv(void *owner, const struct xf_dns_answer *answer)
{
    struct srv *srv = owner;
    srv->query = NULL;
    srv->status = answer->status;
    srv->help = answer->help;
    snprintf(srv->detail, sizeof(srv->detail), "%s", answer->detail);
    for (size_t i = 0; i < answer->count && i < RECORDS_MAX; i++) {
        srv->record[i].port = answer->records[i].port;
        memcpy(srv->record[i].target, answer->records[i].target, sizeof(srv->record[i].target));
        srv->count = i + 1;
    }
    if (--srv->name->open == 0)
        discover(srv->name);
}

static void ask(struct name *name, bool is_direct)
{
    struct srv *srv = &name->srv[is_direct];
    struct xf_dns *dns = name->check->parts.dns;
    char text[XF_DNS_NAME_MAX + 32];
    *srv = (struct srv){.name = name, .is_direct = is_direct};
    snprintf(text, sizeof(text), "%s._tcp.%s", service_of(srv), name->ours.ascii);
    name->open++;
    srv->query = dns->ops->ask(dns, text, XF_DNS_SRV, on_srv, srv);
}

static void begin_more(struct xf_selfcheck *check)
{
    struct xf_record_check *records = check->records;
    struct xf_our_name ours;
    while (records->count < AT_A_TIME && xf_our_name_at(check->parts.conf, records->next, &ours)) {
        struct name *name = xf_new(struct name);
        name->check = check;
        name->ours = ours;
        records->next++;
        records->count++;
        xf_list_push(&records->active, &name->node);
        ask(name, false);
        if (has_direct(name))
            ask(name, true);
    }
    if (records->count == 0)
        xf_selfcheck_release(check);
}

void xf_selfcheck_records(struct xf_selfcheck *check)
{
    check->records = xf_new(struct xf_record_check);
    xf_list_init(&check->records->active);
    xf_selfcheck_hold(check);
    begin_more(check);
}

void xf_selfcheck_records_end(struct xf_selfcheck *check)
{
    if (!check->records)
        return;
    XF_LIST_EACH_SAFE (node, &check->records->active)
        drop(XF_CONTAINER(node, struct name, node));
    xf_free(check->records);
    check->records = NULL;
}
