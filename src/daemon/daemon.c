/* SPDX-License-Identifier: MIT */
/*
 * daemon.c — creates the parts of the gateway over the real loop, connects them, runs the loop, and
 * frees them.
 *
 * At the start, everything that may fail on this machine (resolver, listeners, user) comes before
 * anything that talks to others; then S2S, links and routing, which are connected by the routing's
 * event tables. The end is in reverse order, after drain.c has closed streams and links.
 */
#include "daemon_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xfed/alarms/alarms.h>
#include <xfed/attempts/attempts.h>
#include <xfed/audit/audit.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/draft.h>
#include <xfed/base/help.h>
#include <xfed/base/list.h>
#include <xfed/base/log.h>
#include <xfed/control/control.h>
#include <xfed/dns/dns.h>
#include <xfed/xml/reader.h>

#define RANDOM_SECRET_BYTES 32

/* ---- the world */

static struct xf_conn *env_connect(struct xf_env *env, const struct xf_addr *addr,
                                   const struct xf_source *source, unsigned timeout_ms,
                                   const struct xf_conn_events *events, void *owner)
{
    struct xf_daemon_env *s = XF_CONTAINER(env, struct xf_daemon_env, env);
    return xf_conn_connect(s->loop, addr, source, timeout_ms, events, owner);
}

static struct xf_dns *env_resolver(struct xf_env *env, const char *const *servers, size_t count)
{
    struct xf_daemon_env *s = XF_CONTAINER(env, struct xf_daemon_env, env);
    struct xf_addr *addrs = xf_alloc(count * sizeof(*addrs));
    for (size_t i = 0; i < count; i++)
        /* src/conf has checked their form. */
        xf_require(xf_addr_parse(xf_span_of(servers[i]), 53, &addrs[i]) == XF_ERR_OK);
    struct xf_dns *dns = xf_dns_pool_get(s->resolvers, addrs, count);
    xf_free(addrs);
    return dns;
}

static void env_start_tls(struct xf_env *env, struct xf_conn *conn,
                          const struct xf_tls_request *request)
{
    (void)env;
    xf_tls_start(conn, request);
}

static void env_judge_tls(struct xf_env *env, struct xf_conn *conn,
                          const struct xf_tls_basis *basis, xf_tls_judged_fn done, void *owner)
{
    (void)env;
    xf_tls_judge(conn, basis, done, owner);
}

/* Recomputed since the offset changes with the season, but not for every stanza. */
static unsigned env_minute_of_week(struct xf_env *env)
{
    struct xf_daemon_env *s = XF_CONTAINER(env, struct xf_daemon_env, env);
    if (s->minute_ms == 0 || env->clock->now_ms - s->minute_ms >= 1000) {
        s->minute_ms = env->clock->now_ms;
        s->minute_of_week = xf_local_minute_of_week();
    }
    return s->minute_of_week;
}

static int64_t env_unix_s(struct xf_env *env)
{
    (void)env;
    return xf_unix_s();
}

static void env_make_id(struct xf_env *env, char out[XF_ID_CHARS + 1])
{
    (void)env;
    xf_rand_id(out);
}

static void make_world(struct xf_daemon *daemon)
{
    tzset(); /* reads /etc/localtime, which the sandbox may not allow later */
    daemon->loop = xf_loop_new();
    daemon->env = (struct xf_daemon_env){
        .env = {.clock = xf_loop_clock(daemon->loop),
                .descriptors = xf_system_descriptors(),
                .timers = xf_loop_timers(daemon->loop),
                .parsers = xf_parsers_new(),
                .resolver = env_resolver,
                .connect = env_connect,
                .start_tls = env_start_tls,
                .judge_tls = env_judge_tls,
                .minute_of_week = env_minute_of_week,
                .unix_s = env_unix_s,
                .quarantine = xf_daemon_quarantine,
                .make_id = env_make_id},
        .loop = daemon->loop,
    };
}

static void open_dns(struct xf_daemon *daemon)
{
    const struct xf_conf *conf = daemon->conf;
    struct xf_addr *servers = xf_alloc((conf->dns.servers.count + 1) * sizeof(*servers));
    enum xf_err result = XF_ERR_OK;
    for (size_t i = 0; i < conf->dns.servers.count && result == XF_ERR_OK; i++)
        result = xf_addr_parse(xf_span_of(conf->dns.servers.item[i]), 53, &servers[i]);
    xf_require(result == XF_ERR_OK); /* conf has checked their form */
    const struct xf_dns_client_opts opts = {.servers = servers,
                                            .server_count = conf->dns.servers.count,
                                            .resolv_conf = "/etc/resolv.conf",
                                            .hosts_file = "/etc/hosts",
                                            .trust_ad = conf->dns.trust_ad,
                                            .timeout_ms = (unsigned)conf->dns.timeout_ms,
                                            .cache_entries = conf->dns.cache_entries};
    daemon->env.env.dns = xf_dns_client_new(daemon->loop, &opts);
    struct xf_dns_client_opts for_peers = opts;
    /* Each of them serves only a few peers. */
    for_peers.cache_entries = opts.cache_entries / 8 + 16;
    daemon->env.resolvers = xf_dns_pool_new(daemon->loop, &for_peers);
    xf_free(servers);
}

/* ---- listeners */

static void on_accept(void *owner, struct xf_conn *conn)
{
    const struct xf_daemon_listener *listener = owner;
#ifdef XF_HAVE_SIP /* else there are no such listeners */
    if (listener->kind == XF_LISTENER_SIP || listener->kind == XF_LISTENER_SIP_TCP) {
        xf_daemon_accept_sip(listener->daemon, conn, listener->kind == XF_LISTENER_SIP_TCP);
        return;
    }
#endif
    xf_s2s_accept(listener->daemon->s2s, conn, listener->kind == XF_LISTENER_DIRECT);
}

static void on_starved(void *owner, unsigned closed)
{
    (void)owner;
    xf_log(XF_LOG_ERROR, "process.descriptors.exhausted", XF_INT("closed", closed),
           XF_HELP(XF_HELP_DESCRIPTORS));
}

/* Adopt the socket that systemd passed for this address, or else open one. */
static enum xf_err open_listener(struct xf_daemon_listener *listener, const struct xf_addr *addr,
                                 struct xf_error *err)
{
    struct xf_daemon *daemon = listener->daemon;
    const struct xf_passed_socket *passed = xf_activation_take(&daemon->activation, addr);
    char addr_text[XF_ADDR_TEXT_BYTES];
    if (!passed)
        return xf_listener_open(daemon->loop, addr, on_accept, listener, &listener->listener, err);
    listener->listener = xf_listener_adopt(daemon->loop, passed->fd, on_accept, listener);
    xf_addr_text(addr, addr_text);
    xf_log(XF_LOG_INFO, "process.socket.inherited", XF_STR("addr", addr_text),
           XF_STR("name", passed->name));
    return XF_ERR_OK;
}

static enum xf_err open_listeners(struct xf_daemon *daemon, const struct xf_texts *addrs,
                                  enum xf_listener_kind kind, struct xf_error *err)
{
    for (size_t i = 0; i < addrs->count; i++) {
        struct xf_daemon_listener *listener = &daemon->listeners[daemon->listener_count];
        struct xf_addr addr;
        if (xf_addr_parse(xf_span_of(addrs->item[i]), 0, &addr) != XF_ERR_OK)
            return xf_fail(err, XF_ERR_CONFIG, "%s is not an address with port", addrs->item[i]);
        *listener = (struct xf_daemon_listener){.daemon = daemon, .kind = kind};
        enum xf_err result = open_listener(listener, &addr, err);
        if (result != XF_ERR_OK)
            return result;
        xf_listener_on_starved(listener->listener, on_starved);
        daemon->listener_count++;
    }
    return XF_ERR_OK;
}

static enum xf_err listen_to_peers(struct xf_daemon *daemon, struct xf_error *err)
{
    const struct xf_listen_settings *listen = &daemon->conf->listen;
    const struct xf_texts *const lists[XF_LISTENER_KINDS] = {
        [XF_LISTENER_S2S] = &listen->s2s,
        [XF_LISTENER_DIRECT] = &listen->s2s_direct,
        [XF_LISTENER_SIP] = &listen->sip,
        [XF_LISTENER_SIP_TCP] = &listen->sip_tcp,
    };
    size_t count = 0;
    for (size_t i = 0; i < XF_LISTENER_KINDS; i++)
        count += lists[i]->count;
    daemon->listeners = xf_alloc((count + 1) * sizeof(*daemon->listeners));
    enum xf_err result = xf_activation_init(&daemon->activation, err);
    if (result == XF_ERR_OK)
        result = xf_activation_check(&daemon->activation, listen, err);
    for (size_t i = 0; i < XF_LISTENER_KINDS && result == XF_ERR_OK; i++)
        result = open_listeners(daemon, lists[i], (enum xf_listener_kind)i, err);
    xf_activation_release(&daemon->activation);
    return result;
}

void xf_daemon_close_listeners(struct xf_daemon *daemon)
{
    for (size_t i = 0; i < daemon->listener_count; i++)
        xf_listener_close(&daemon->listeners[i].listener);
    daemon->listener_count = 0;
}

/* No link is up for long, or one is again. Not while we drain: then there is no listener left. */
static void refuse_peers(void *owner, bool refuses)
{
    struct xf_daemon *daemon = owner;
    struct xf_error err = {0};
    enum xf_err result = XF_ERR_OK;
    for (size_t i = 0; i < daemon->listener_count && result == XF_ERR_OK; i++)
        result = xf_listener_refuse(daemon->listeners[i].listener, refuses, &err);
    if (result != XF_ERR_OK)
        xf_log(XF_LOG_ERROR, "process.listeners.failed", XF_STR("detail", err.detail),
               XF_HELP(XF_HELP_LISTENERS));
    else if (refuses)
        xf_log(XF_LOG_WARN, "process.listeners.closed",
               XF_INT("listeners", daemon->listener_count));
    else
        xf_log(XF_LOG_INFO, "process.listeners.opened",
               XF_INT("listeners", daemon->listener_count));
}

/* The sandbox lets only these sockets listen again, and none if no link refuses peers. */
static void name_listeners(struct xf_daemon *daemon)
{
    struct xf_sandbox *sandbox = &daemon->sandbox;
    bool is_needed = false;
    for (size_t i = 0; i < daemon->conf->link_count; i++)
        is_needed |= daemon->conf->links[i].settings.refuse_peers;
    sandbox->listeners = xf_alloc((daemon->listener_count + 1) * sizeof(*sandbox->listeners));
    for (size_t i = 0; i < daemon->listener_count && is_needed; i++)
        sandbox->listeners[sandbox->listener_count++] =
            xf_listener_fd(daemon->listeners[i].listener);
}

static void log_started(const struct xf_daemon *daemon)
{
    static const char *const kinds[XF_LISTENER_KINDS] = {
        [XF_LISTENER_S2S] = "",
        [XF_LISTENER_DIRECT] = "/direct",
        [XF_LISTENER_SIP] = "/sip",
        [XF_LISTENER_SIP_TCP] = "/sip-tcp",
    };
    struct xf_buf text;
    char addr_text[XF_ADDR_TEXT_BYTES];
    xf_buf_init(&text, 64u << 10);
    struct xf_draft draft = xf_draft_begin(&text);
    for (size_t i = 0; i < daemon->listener_count; i++) {
        struct xf_addr addr;
        xf_listener_addr(daemon->listeners[i].listener, &addr);
        xf_addr_text(&addr, addr_text);
        xf_draft_printf(&draft, "%s%s%s", i ? " " : "", addr_text,
                        kinds[daemon->listeners[i].kind]);
    }
    if (daemon->http) {
        struct xf_addr addr;
        xf_http_addr(daemon->http, &addr);
        xf_addr_text(&addr, addr_text);
        xf_draft_printf(&draft, " %s/http", addr_text);
    }
    (void)!xf_draft_end(&draft); /* a thousand would be a line that nobody reads */
    xf_log(XF_LOG_INFO, "process.started", XF_STR("version", XFED_VERSION),
           XF_STR("config", daemon->file), XF_SPN("listeners", xf_buf_span(&text)),
           XF_INT("pid", getpid()));
    xf_buf_release(&text);
}

/* ---- the parts that speak */

static bool is_member(void *owner, const char *group, struct xf_span jid)
{
    const struct xf_daemon *daemon = owner;
    return daemon->mailmap && xf_mailmap_is_member(daemon->mailmap, group, jid);
}

static enum xf_protocol learned(void *owner, struct xf_span peer, int64_t *out_last_s)
{
    const struct xf_daemon *daemon = owner;
    return xf_daemon_learned(daemon->history, &daemon->conf->history, peer, out_last_s);
}

struct xf_policy *xf_daemon_make_policy(struct xf_daemon *daemon, const struct xf_conf *conf,
                                        const struct xf_blocklist *blocklist)
{
    return xf_policy_new(&(struct xf_policy_opts){.conf = conf,
                                                  .blocklist = blocklist,
                                                  .switches = &daemon->switches,
                                                  .unix_s = xf_unix_s(),
                                                  .is_member = is_member,
                                                  .learned = learned,
                                                  .owner = daemon});
}

void xf_daemon_set_mailmap(struct xf_daemon *daemon)
{
    char *kept = xf_daemon_state_file(XF_KEPT_FILE, getenv("STATE_DIRECTORY"));
    if (daemon->mailmap)
        xf_mailmap_reload(daemon->mailmap, &daemon->conf->mailmap);
    else
        daemon->mailmap =
            xf_mailmap_new(&(struct xf_mailmap_opts){.clock = daemon->env.env.clock,
                                                     .timers = daemon->env.env.timers,
                                                     .pool = xf_loop_pool(daemon->loop),
                                                     .settings = &daemon->conf->mailmap,
                                                     .keep_file = kept,
                                                     .unix_s = xf_unix_s});
    xf_free(kept);
    xf_routing_attach_mailmap(daemon->routing, daemon->mailmap);
}

static void make_s2s(struct xf_daemon *daemon)
{
    char random[2 * RANDOM_SECRET_BYTES];
    const char *secret = daemon->conf->dialback.secret;
    struct xf_span span = xf_span_of(secret);
    if (!secret) {
        xf_rand_bytes(random, sizeof(random));
        span = (struct xf_span){random, sizeof(random)};
    }
    daemon->s2s = xf_s2s_new(&(struct xf_s2s_opts){.env = &daemon->env.env,
                                                   .waiting = xf_routing_waiting(daemon->routing),
                                                   .policy = daemon->policy,
                                                   .settings = &daemon->conf->s2s,
                                                   .identities = daemon->certs.set,
                                                   .history = daemon->history,
                                                   .dialback_secret = span,
                                                   .events = &xf_routing_s2s_events,
                                                   .owner = daemon->routing});
    xf_wipe(random, sizeof(random));
    xf_routing_attach_s2s(daemon->routing, daemon->s2s);
}

static void make_links(struct xf_daemon *daemon)
{
    daemon->env.env.identities = daemon->certs.set;
    daemon->links = xf_alloc((daemon->boot->link_count + 1) * sizeof(*daemon->links));
    for (size_t i = 0; i < daemon->boot->link_count; i++) {
        const struct xf_link_settings *conf = &daemon->boot->links[i].settings;
        daemon->links[i] =
            xf_link_new(&daemon->env.env, conf, &xf_routing_link_events, daemon->routing);
        xf_routing_attach_link(daemon->routing, conf->title, daemon->links[i]);
        daemon->link_count++;
    }
}

static void expect_domains(struct xf_daemon *daemon, struct xf_link *link, const char *title)
{
    xf_link_expect_none(link);
    for (size_t i = 0; i < daemon->conf->served_count; i++) {
        const struct xf_served_settings *served = &daemon->conf->served[i].settings;
        if (strcmp(served->link, title) != 0 || served->mail_only)
            continue;
        xf_link_expect(link, xf_span_of(served->domain));
        for (size_t k = 0; k < served->aliases.count; k++)
            xf_link_expect(link, xf_span_of(served->aliases.item[k]));
    }
}

static void set_nodes(struct xf_daemon *daemon, struct xf_link *link, const char *title)
{
    for (size_t i = 0; i < daemon->conf->link_count; i++) {
        const struct xf_link_settings *settings = &daemon->conf->links[i].settings;
        if (strcmp(settings->title, title) == 0)
            xf_link_set_nodes(link, &settings->nodes, daemon->conf->process.drain_ms);
    }
}

void xf_daemon_keep_peers(struct xf_daemon *daemon)
{
    for (size_t k = 0; k < daemon->link_count; k++) {
        xf_link_keep_none(daemon->links[k]);
        expect_domains(daemon, daemon->links[k], daemon->boot->links[k].settings.title);
        set_nodes(daemon, daemon->links[k], daemon->boot->links[k].settings.title);
    }
    for (size_t i = 0; i < daemon->conf->peer_count; i++) {
        const char *peer = daemon->conf->peers[i].pattern;
        for (size_t k = 0; k < daemon->link_count && peer[0] != '*'; k++)
            xf_link_keep_peer(daemon->links[k], xf_span_of(peer));
    }
}

static void log_warnings(struct xf_span text)
{
    struct xf_span line, rest;
    while (xf_log_next_line(&text, &line, &rest))
        xf_log(XF_LOG_WARN, "config.file.warned", XF_SPN("detail", line), XF_SPN("more", rest));
}

static void make_audit(struct xf_daemon *daemon)
{
    daemon->audit = xf_audit_new(&(struct xf_audit_opts){.settings = &daemon->boot->audit,
                                                         .pool = xf_loop_pool(daemon->loop),
                                                         .timers = daemon->env.env.timers});
}

/* ---- life */

static enum xf_exit fail(const char *event_detail, enum xf_err code)
{
    xf_log(XF_LOG_ERROR, "process.start.failed", XF_STR("detail", event_detail));
    return code == XF_ERR_CONFIG ? XF_EXIT_CONFIG : XF_EXIT_RUNTIME;
}

static const struct xf_daemon_acts acts = {.reload = xf_reload_for_operator,
                                           .drain = xf_drain_begin};

static enum xf_exit start(struct xf_daemon *daemon, const char *warnings)
{
    struct xf_error err = {0};
    uint64_t began_ms = xf_monotonic_ms();
    enum xf_err result = listen_to_peers(daemon, &err);
    if (result == XF_ERR_OK)
        result = xf_daemon_open_http(daemon, &err);
    if (result != XF_ERR_OK)
        return fail(err.detail, result);
    make_audit(daemon);
    log_started(daemon);
    log_warnings(xf_span_of(warnings ? warnings : ""));
    open_dns(daemon);
    if ((result = xf_system_become(daemon->conf->process.user, &err)) != XF_ERR_OK)
        return fail(err.detail, result);
    if ((result = xf_daemon_open_control(daemon, &acts, &err)) != XF_ERR_OK)
        return fail(err.detail, result);
    name_listeners(daemon);
    xf_sandbox_enter(&daemon->sandbox, daemon->conf, &daemon->certs);
    daemon->history = xf_daemon_history_for(daemon);
    daemon->policy = xf_daemon_make_policy(daemon, daemon->conf, daemon->blocklist);
    daemon->routing = xf_routing_new(&(struct xf_routing_opts){.env = &daemon->env.env,
                                                               .policy = daemon->policy,
                                                               .settings = &daemon->conf->routing,
                                                               .refuses = refuse_peers,
                                                               .owner = daemon});
    xf_daemon_set_mailmap(daemon);
    make_s2s(daemon);
    xf_daemon_make_sip(daemon);
    make_links(daemon);
    xf_daemon_keep_peers(daemon);
    daemon->journal = xf_daemon_journal_for(daemon->loop, &daemon->boot->journal);
    xf_routing_attach_journal(daemon->routing, daemon->journal);
    xf_alloc_trim(); /* frees what parsing used */
    xf_daemon_begin_expiry(daemon);
    xf_skew_begin(daemon);
    xf_blocklists_watch(daemon);
    xf_daemon_attach_control(daemon);
    xf_daemon_open_page(daemon);
    xf_loop_on_signal(daemon->loop, SIGHUP, xf_reload_begin, daemon);
    xf_loop_on_signal(daemon->loop, SIGTERM, xf_drain_begin, daemon);
    xf_loop_on_signal(daemon->loop, SIGINT, xf_drain_begin, daemon);
    xf_log(XF_LOG_INFO, "process.ready", XF_INT("links", daemon->link_count),
           XF_INT("served", daemon->conf->served_count), XF_INT("peers", daemon->conf->peer_count),
           XF_INT("ms", xf_monotonic_ms() - began_ms));
    xf_notify_ready(&daemon->notify);
    return XF_EXIT_OK;
}

static void take_apart(struct xf_daemon *daemon)
{
    xf_http_close(&daemon->http);
    xf_page_free(&daemon->page);
    xf_daemon_close_listeners(daemon);
    xf_free(daemon->listeners);
    xf_control_stop(daemon->control);
    xf_audit_stop(daemon->audit);
    xf_timer_stop(&daemon->drain_timer);
    xf_expiry_end(&daemon->expiry);
    xf_skew_end(daemon);
    xf_timer_stop(&daemon->day_timer);
    xf_notify_fini(&daemon->notify);
    xf_routing_free(&daemon->routing);
    xf_journal_free(&daemon->journal);
    xf_mailmap_free(&daemon->mailmap);
    xf_s2s_free(&daemon->s2s);
    xf_daemon_free_sip(daemon);
    xf_history_free(&daemon->history);
    for (size_t i = 0; i < daemon->link_count; i++)
        xf_link_free(&daemon->links[i]);
    xf_free(daemon->links);
    xf_policy_free(&daemon->policy);
    xf_blocklist_free(&daemon->blocklist);
    xf_dns_client_free(&daemon->env.env.dns);
    xf_dns_pool_free(&daemon->env.resolvers);
    xf_lines_fini(&daemon->env.env.lines);
    xf_parsers_free(&daemon->env.env.parsers);
    xf_alarms_free(&daemon->alarms);
    xf_loop_free(&daemon->loop);
    xf_control_free(&daemon->control);
    xf_audit_free(&daemon->audit);
    xf_attempts_free(&daemon->attempts);
    xf_texts_release(&daemon->switches.peers);
    xf_daemon_metrics_end(&daemon->metrics);
    xf_certs_release(&daemon->certs);
    xf_sandbox_release(&daemon->sandbox);
    if (daemon->conf != daemon->boot)
        xf_conf_free(&daemon->conf);
    xf_conf_free(&daemon->boot);
}

enum xf_exit xf_daemon_run(const char *file, struct xf_conf *conf, struct xf_certs *certs,
                           struct xf_blocklist *blocklist, const char *warnings)
{
    struct xf_daemon daemon = {
        .file = file, .boot = conf, .conf = conf, .certs = *certs, .blocklist = blocklist};
    *certs = (struct xf_certs){0};
    make_world(&daemon);
    xf_daemon_begin_alarms(&daemon);
    xf_daemon_metrics_begin(&daemon.metrics);
    xf_notify_init(&daemon.notify, daemon.env.env.timers);
    enum xf_exit code = start(&daemon, warnings);
    if (code == XF_EXIT_OK) {
        xf_loop_run(daemon.loop);
        xf_log(XF_LOG_INFO, "process.stopped",
               XF_INT("ms", daemon.env.env.clock->now_ms - daemon.drain_began_ms));
    }
    if (daemon.is_abandoned) {
        xf_control_stop(daemon.control); /* removes the socket */
        if (!xf_history_is_writing(daemon.history))
            xf_history_free(&daemon.history);
        if (!xf_journal_is_writing(daemon.journal))
            xf_journal_free(&daemon.journal);
        if (!xf_daemon_sip_is_writing(&daemon))
            xf_daemon_save_sip(&daemon);
        if (!xf_audit_is_writing(daemon.audit))
            xf_audit_free(&daemon.audit);
        _exit((int)code); /* what is still alive points to the daemon */
    }
    take_apart(&daemon);
    return code;
}
