/* SPDX-License-Identifier: MIT */
/*
 * sip.c — SIP in the program: made from the configuration, reloaded, drained, and asked about by
 * operators. A build without SIP does not compile this file.
 *
 * There is always a struct xf_simple, so that a reload may bring the first SIP peer; without sip {
 * host } it reaches nobody, and conf refuses listeners.
 */
#include "daemon_priv.h"

#include <stdlib.h>
#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/control/control.h>
#include <xfed/dialogs/dialogs.h>
#include <xfed/routing/sip.h>

/* What peers send may take as long here as in XML; the port in clear is that of our listener. */
static struct xf_ua_settings settings_of(const struct xf_daemon *daemon)
{
    struct xf_ua_settings settings = daemon->conf->ua;
    settings.element_ms = daemon->conf->s2s.xml.element_ms;
    settings.tcp_port = xf_conf_sip_tcp_port(daemon->boot);
    return settings;
}

/* What a slow disk may owe to us. */
#define WAITING_BYTES (64u << 20)

/* The gateway works without the file, but after a restart subscriptions have to begin anew. */
static struct xf_dialogs *open_dialogs(struct xf_daemon *daemon)
{
    struct xf_dialogs *dialogs = NULL;
    struct xf_error err = {0};
    char *path = xf_daemon_dialogs_path(daemon->conf, getenv("STATE_DIRECTORY"));
    const struct xf_dialogs_opts opts = {.file = path,
                                         .records = daemon->conf->simple.subscriptions,
                                         .waiting_bytes = WAITING_BYTES,
                                         .pool = xf_loop_pool(daemon->loop),
                                         .timers = xf_loop_timers(daemon->loop),
                                         .clock = xf_loop_clock(daemon->loop),
                                         .unix_s = xf_unix_s};
    if (*path && xf_dialogs_open(&opts, &dialogs, &err) != XF_ERR_OK)
        xf_log(XF_LOG_ERROR, "dialogs.file.refused", XF_STR("file", path),
               XF_STR("detail", err.detail), XF_HELP(XF_HELP_FILE_REFUSED));
    xf_free(path);
    return dialogs;
}

void xf_daemon_make_sip(struct xf_daemon *daemon)
{
    const struct xf_ua_settings settings = settings_of(daemon);
    daemon->dialogs = open_dialogs(daemon);
    daemon->simple =
        xf_simple_new(&(struct xf_simple_opts){.env = &daemon->env.env,
                                               .policy = daemon->policy,
                                               .settings = &settings,
                                               .own = &daemon->conf->simple,
                                               .identities = daemon->certs.sip_set,
                                               .dialogs = daemon->dialogs,
                                               .waiting = xf_routing_waiting(daemon->routing),
                                               .events = &xf_routing_simple_events,
                                               .owner = daemon->routing});
    xf_routing_attach_simple(daemon->routing, daemon->simple, daemon->history);
}

void xf_daemon_reload_sip(struct xf_daemon *daemon)
{
    const struct xf_ua_settings settings = settings_of(daemon);
    xf_dialogs_set_limit(daemon->dialogs, daemon->conf->simple.subscriptions);
    xf_simple_reload(daemon->simple, daemon->policy, &settings, &daemon->conf->simple,
                     daemon->certs.sip_set);
}

void xf_daemon_accept_sip(struct xf_daemon *daemon, struct xf_conn *conn, bool is_clear)
{
    xf_simple_accept(daemon->simple, conn, is_clear);
}

void xf_daemon_drain_sip(struct xf_daemon *daemon)
{
    xf_simple_drain(daemon->simple);
}

void xf_daemon_cut_sip(struct xf_daemon *daemon)
{
    xf_simple_cut(daemon->simple);
}

bool xf_daemon_sip_is_over(const struct xf_daemon *daemon)
{
    return xf_simple_is_over(daemon->simple);
}

void xf_daemon_finish_sip(struct xf_daemon *daemon)
{
    xf_dialogs_finish(daemon->dialogs);
}

bool xf_daemon_sip_is_writing(const struct xf_daemon *daemon)
{
    return xf_dialogs_is_writing(daemon->dialogs);
}

void xf_daemon_save_sip(struct xf_daemon *daemon)
{
    xf_dialogs_free(&daemon->dialogs);
}

void xf_daemon_free_sip(struct xf_daemon *daemon)
{
    xf_simple_free(&daemon->simple);
    xf_daemon_save_sip(daemon);
}

/* ---- for operators */

static void count(void *owner, struct xf_control_sip_counts *out)
{
    const struct xf_daemon *daemon = owner;
    struct xf_simple_counts counts;
    xf_simple_count(daemon->simple, &counts);
    *out = (struct xf_control_sip_counts){
        .conns = counts.ua.conns,
        .half_open = counts.ua.half_open,
        .asked = counts.ua.clients,
        .open = counts.ua.servers,
        .requests_in = counts.ua.requests_in,
        .refused = counts.ua.refused,
        .requests_out = counts.ua.requests_out,
        .unanswered = counts.ua.unanswered,
        .malformed = counts.ua.malformed,
        .messages_in = counts.messages_in,
        .messages_refused = counts.refused,
        .messages_out = counts.messages_out,
        .messages_bounced = counts.bounced,
        .errors_late = counts.late,
        .subscriptions_in = counts.subscriptions_in,
        .pending_in = counts.pending_in,
        .subscriptions_out = counts.subscriptions_out,
    };
}

struct check {
    struct xf_simple_check *check;
    xf_control_sip_checked_fn done;
    void *owner;
};

static void on_checked(void *owner, unsigned status, enum xf_ua_cause cause, enum xf_help help,
                       const char *text)
{
    struct check *check = owner;
    check->done(check->owner, status, xf_ua_cause_word(cause), help, text);
    xf_free(check);
}

static void *begin_check(void *owner, struct xf_span local, struct xf_span peer,
                         xf_control_sip_checked_fn done, void *done_owner)
{
    struct xf_daemon *daemon = owner;
    struct check *check = xf_new(struct check);
    check->done = done;
    check->owner = done_owner;
    check->check = xf_simple_check(daemon->simple, local, peer, on_checked, check);
    return check;
}

static void forget_check(void *check_at)
{
    struct check *check = check_at;
    xf_simple_forget(check->check);
    xf_free(check);
}

struct look {
    struct xf_discovery *discovery;
    struct xf_timer later; /* there is nothing to look for */
    char *host;
    xf_control_sip_found_fn found;
    void *owner;
};

static void on_found(void *owner, const struct xf_discovery_result *result)
{
    struct look *look = owner;
    char texts[XF_CANDIDATES_MAX][XF_ADDR_TEXT_BYTES];
    const char *addresses[XF_CANDIDATES_MAX];
    for (size_t i = 0; i < result->count; i++) {
        xf_addr_text(&result->candidates[i].addr, texts[i]);
        addresses[i] = texts[i];
    }
    look->found(look->owner, addresses, result->count, look->host);
    xf_free(look->host);
    xf_free(look);
}

static void on_nothing(void *owner)
{
    on_found(owner, &(struct xf_discovery_result){.detail = ""});
}

static void *begin_look(void *owner, xf_control_sip_found_fn found, void *found_owner)
{
    struct xf_daemon *daemon = owner;
    const struct xf_conf *conf = daemon->conf;
    struct look *look = xf_new(struct look);
    char *place = xf_asprintf("%s:%u", conf->ua.host, conf->ua.port);
    const char *const places[] = {place};
    look->host = xf_strdup(conf->ua.host);
    look->found = found;
    look->owner = found_owner;
    xf_timer_init(&look->later, on_nothing, look);
    if (*conf->ua.host && daemon->boot->listen.sip.count)
        look->discovery = xf_discover_static(daemon->env.env.dns, XF_SERVICE_SIPS, places, 1, false,
                                             on_found, look);
    else
        xf_timer_start(daemon->env.env.timers, &look->later, 0);
    xf_free(place);
    return look;
}

static void forget_look(void *look_at)
{
    struct look *look = look_at;
    xf_discovery_cancel(&look->discovery);
    xf_timer_stop(&look->later);
    xf_free(look->host);
    xf_free(look);
}

struct conns {
    xf_control_sip_conn_fn show;
    void *owner;
};

static void show_conn(void *owner, const struct xf_ua_conn_view *view)
{
    const struct conns *conns = owner;
    conns->show(conns->owner, &(struct xf_control_sip_conn){
                                  .number = view->number,
                                  .is_out = view->dir == XF_UA_OUT,
                                  .is_open = view->is_open,
                                  .is_paused = view->is_paused,
                                  .peer = view->peer,
                                  .server = view->server,
                                  .addr = view->addr,
                                  .state = view->state,
                                  .tls = view->tls,
                                  .cipher = view->cipher,
                                  .age_ms = view->age_ms,
                                  .idle_ms = view->idle_ms,
                                  .asked = view->asked,
                                  .open = view->open,
                              });
}

static bool view_conns(void *owner, uint64_t *at, size_t most, xf_control_sip_conn_fn show,
                       void *show_owner)
{
    const struct xf_daemon *daemon = owner;
    struct conns conns = {show, show_owner};
    return xf_simple_view_conns(daemon->simple, at, most, show_conn, &conns);
}

static size_t close_peer(void *owner, struct xf_span peer)
{
    struct xf_daemon *daemon = owner;
    return xf_simple_close_peer(daemon->simple, peer);
}

static size_t close_conn(void *owner, uint64_t number)
{
    struct xf_daemon *daemon = owner;
    return xf_simple_close_conn(daemon->simple, number);
}

const struct xf_control_sip xf_daemon_control_sip = {
    .count = count,
    .check = begin_check,
    .forget = forget_check,
    .conns = view_conns,
    .look = begin_look,
    .forget_look = forget_look,
    .close_peer = close_peer,
    .close_conn = close_conn,
};
