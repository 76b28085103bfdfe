/* SPDX-License-Identifier: MIT */
/*
 * reload.c — SIGHUP: reads the configuration and its certificates again, and applies what can
 * change at run time.
 *
 * Reading, checking and compiling run on the thread pool, since a CA bundle or thousands of peers
 * take tens of milliseconds; so does freeing the old configuration. In between, on the loop:
 *
 * - if the configuration has an error, the running one stays in force
 * - so it does if a blocklist cannot be read or has an invalid line
 * - if a certificate, ca-file or revocation list cannot be read, the old one stays in use, provided
 *   that there is one
 * - new certificates, anchors and revocation lists apply to handshakes from now on; existing
 *   streams are judged by them in turn, and end if the peer's certificate is no longer good
 * - peers, policy, limits, served domains and log level apply from now on; streams that are no
 *   longer allowed are closed
 * - resolv.conf is looked at, if the configuration names no DNS servers
 * - changes that need a restart (sockets, resolver, links, secrets) are logged, and do not take
 *   effect
 *
 * A SIGHUP during a reload starts another reload after it.
 */
#include "daemon_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

struct xf_reload { /* what was read; after the swap, what has to be freed */
    struct xf_daemon *daemon;
    struct xf_conf *conf; /* NULL: it has errors */
    char *messages;
    struct xf_certs certs;
    struct xf_blocklist *blocklist;
    struct xf_policy *policy;
    struct xf_report report;
    uint64_t began_ms;
    bool is_told;    /* the log says what came of it */
    char words[200]; /* of a refusal that has names */
};

static void read_files(void *owner)
{
    struct xf_reload *reload = owner;
    const struct xf_daemon *daemon = reload->daemon;
    /* `boot` and `file` never change while the daemon lives, `conf` at the end of a reload only. */
    if (xf_conf_reload(daemon->file, daemon->boot, daemon->conf, &reload->conf,
                       &reload->messages) != XF_ERR_OK)
        return;
    xf_certs_load(reload->conf, false, &reload->certs, &reload->report);
    reload->blocklist = xf_blocklists_load(reload->conf, &reload->report);
    reload->policy = xf_daemon_make_policy(reload->daemon, reload->conf, reload->blocklist);
}

static void log_lines(enum xf_log_level level, struct xf_span text)
{
    struct xf_span line, rest;
    while (xf_log_next_line(&text, &line, &rest))
        xf_log(level, "config.reload.warned", XF_SPN("detail", line), XF_SPN("more", rest));
}

static void log_messages(const struct xf_reload *reload, bool is_refused)
{
    log_lines(is_refused ? XF_LOG_ERROR : XF_LOG_WARN,
              xf_span_of(reload->messages ? reload->messages : ""));
    log_lines(XF_LOG_WARN, xf_buf_span(&reload->report.text));
    if (!is_refused && reload->report.errors > 0)
        log_lines(XF_LOG_WARN,
                  XF_SPAN("xfedd still uses what it read from these files before: mend them, since "
                          "a start refuses them"));
}

static bool has_link(const struct xf_conf *conf, const char *title)
{
    for (size_t i = 0; i < conf->link_count; i++)
        if (strcmp(conf->links[i].settings.title, title) == 0)
            return true;
    return false;
}

/* A served domain on a link that is not running could not receive anything. */
static const char *refusal(struct xf_reload *reload)
{
    if (!reload->conf)
        return "it has errors";
    for (size_t i = 0; i < reload->conf->served_count; i++) {
        const struct xf_served_settings *served = &reload->conf->served[i].settings;
        if (has_link(reload->daemon->boot, served->link))
            continue;
        (void)snprintf(reload->words, sizeof(reload->words),
                       "link \"%.60s\" of served \"%.80s\" is new, which needs a restart",
                       served->link, served->domain);
        return reload->words;
    }
    const char *why = xf_blocklists_refusal(reload->conf, reload->blocklist);
    return why ? why : xf_certs_refusal(&reload->certs, &reload->daemon->certs);
}

static void swap(struct xf_daemon *daemon, struct xf_reload *reload)
{
    struct xf_conf *old_conf = daemon->conf;
    struct xf_certs old_certs = daemon->certs;
    struct xf_policy *old_policy = daemon->policy;
    struct xf_blocklist *old_blocklist = daemon->blocklist;
    daemon->conf = reload->conf;
    daemon->certs = reload->certs;
    daemon->blocklist = reload->blocklist;
    daemon->policy = reload->policy;
    reload->conf = old_conf == daemon->boot ? NULL : old_conf;
    reload->blocklist = old_blocklist;
    reload->policy = old_policy;
    reload->certs = (struct xf_certs){0};
    xf_certs_inherit(&daemon->certs, &old_certs);
    for (size_t i = 0; i < daemon->boot->link_count; i++)
        xf_trust_keep(&daemon->certs.trust, &old_certs.trust,
                      daemon->boot->links[i].settings.ca_file);
    xf_certs_seal(daemon->conf, &daemon->certs);
    xf_daemon_begin_expiry(daemon);
    xf_policy_set_time(daemon->policy, xf_unix_s()); /* midnight may have passed */
    daemon->env.env.identities = daemon->certs.set;
    xf_dns_client_reload(daemon->env.env.dns);
    xf_s2s_reload(daemon->s2s, daemon->policy, &daemon->conf->s2s, daemon->certs.set);
    xf_daemon_reload_sip(daemon);
    xf_routing_reload(daemon->routing, daemon->policy, &daemon->conf->routing);
    xf_daemon_set_mailmap(daemon);
    xf_log_set_level(daemon->conf->process.level);
    xf_certs_release(&old_certs);
    xf_daemon_keep_peers(daemon);
    xf_daemon_attach_control(daemon);
    char digest[XF_SHA256_HEX_BYTES + 1];
    xf_conf_digest(daemon->conf, digest);
    xf_history_set_digest(daemon->history, digest);
}

static void take_over(struct xf_daemon *daemon, struct xf_reload *reload)
{
    char words[256];
    const char *why = refusal(reload);
    if (reload->conf)
        xf_sandbox_check(&daemon->sandbox, reload->conf, &reload->certs);
    log_messages(reload, why != NULL);
    if (why) {
        xf_log(XF_LOG_ERROR, "config.reload.refused", XF_STR("detail", why));
        return;
    }
    if (xf_conf_needs_restart(daemon->boot, reload->conf, words, sizeof(words)))
        xf_log(XF_LOG_WARN, "config.restart.needed", XF_STR("detail", words));
    swap(daemon, reload);
    xf_log(XF_LOG_INFO, "config.reload.done", XF_INT("served", daemon->conf->served_count),
           XF_INT("peers", daemon->conf->peer_count),
           XF_INT("ms", daemon->env.env.clock->now_ms - reload->began_ms));
}

/* On the pool. */
static void free_what_is_left(void *owner)
{
    struct xf_reload *reload = owner;
    xf_policy_free(&reload->policy);
    xf_blocklist_free(&reload->blocklist);
    xf_conf_free(&reload->conf);
    xf_alloc_trim(); /* large files were parsed */
}

static void on_freed(void *owner)
{
    struct xf_reload *reload = owner;
    struct xf_daemon *daemon = reload->daemon;
    xf_report_release(&reload->report);
    xf_free(reload->messages);
    xf_free(reload);
    daemon->reload = NULL;
    if (daemon->reload_again) {
        daemon->reload_again = false;
        xf_reload_begin(daemon);
    }
}

static void on_read(void *owner)
{
    struct xf_reload *reload = owner;
    struct xf_daemon *daemon = reload->daemon;
    if (daemon->drain == XF_DRAIN_NOT) {
        take_over(daemon, reload);
        reload->is_told = true;
        if (!daemon->reload_again)
            xf_notify_ready(&daemon->notify);
    }
    /* Their reference counts may only change on the loop. */
    xf_certs_release(&reload->certs);
    xf_pool_run(xf_loop_pool(daemon->loop), free_what_is_left, on_freed, reload);
}

void xf_reload_begin(void *owner)
{
    struct xf_daemon *daemon = owner;
    if (daemon->drain != XF_DRAIN_NOT)
        return;
    daemon->reload_again = daemon->reload != NULL;
    if (daemon->reload)
        return;
    xf_notify_reloading(&daemon->notify, daemon->env.env.clock->now_ms);
    struct xf_reload *reload = xf_new(struct xf_reload);
    reload->daemon = daemon;
    reload->began_ms = daemon->env.env.clock->now_ms;
    xf_report_init(&reload->report);
    daemon->reload = reload;
    xf_pool_run(xf_loop_pool(daemon->loop), read_files, on_read, reload);
}

unsigned xf_reload_for_operator(void *owner)
{
    struct xf_daemon *daemon = owner;
    unsigned others = daemon->reload && !daemon->reload->is_told;
    xf_reload_begin(daemon);
    return others;
}
