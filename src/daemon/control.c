/* SPDX-License-Identifier: MIT */
/*
 * control.c — what operators ask and want through the control socket, as far as only the daemon can
 * tell or do it.
 */
#include "daemon_priv.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>

#include <xfed/alarms/alarms.h>
#include <xfed/attempts/attempts.h>
#include <xfed/base/alloc.h>
#include <xfed/control/control.h>

#define ATTEMPTS_BYTES (8u << 20)

/* ---- groups */

/* Blocks: before the loop runs. */
static bool find_group(const char *name, gid_t *out_gid)
{
    const struct group *entry = getgrnam(name);
    if (entry)
        *out_gid = entry->gr_gid;
    return entry != NULL;
}

static enum xf_err find_groups(const char *key, const struct xf_texts *names, gid_t *out,
                               struct xf_error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!find_group(names->item[i], &out[i]))
            return xf_fail(err, XF_ERR_CONFIG,
                           "listen { %s }: \"%s\": there is no such group: expected one of this "
                           "machine",
                           key, names->item[i]);
    return XF_ERR_OK;
}

static void check_groups(const struct xf_conf *conf, const char *key, const struct xf_texts *names,
                         struct xf_report *report)
{
    const struct xf_at at = {conf, &conf->listen_at};
    gid_t group;
    for (size_t i = 0; i < names->count; i++)
        if (!find_group(names->item[i], &group))
            xf_report_error(report, &at, key,
                            "%s = \"%s\": there is no such group: expected one of this machine",
                            key, names->item[i]);
}

/* The start would not replace it, and end. */
static void check_socket(const struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_at at = {conf, &conf->listen_at};
    struct stat status;
    if (*conf->listen.control && lstat(conf->listen.control, &status) == 0 &&
        !S_ISSOCK(status.st_mode))
        xf_report_error(report, &at, "control",
                        "control = \"%s\": exists and is not a socket: expected a path of its own",
                        conf->listen.control);
}

void xf_daemon_check_control(const struct xf_conf *conf, struct xf_report *report)
{
    check_socket(conf, report);
    check_groups(conf, "control-readers", &conf->listen.control_readers, report);
    check_groups(conf, "control-admins", &conf->listen.control_admins, report);
}

/* ---- what operators want */

/* As after a reload that changed nothing else. */
static void switched(void *owner)
{
    struct xf_daemon *daemon = owner;
    xf_policy_switched(daemon->policy);
    xf_s2s_reload(daemon->s2s, daemon->policy, &daemon->conf->s2s, daemon->certs.set);
    xf_daemon_reload_sip(daemon);
    xf_routing_reload(daemon->routing, daemon->policy, &daemon->conf->routing);
}

/* Routes and SIP's conns ask policy again by themselves. */
static void forget(void *owner, struct xf_span peer)
{
    const struct xf_daemon *daemon = owner;
    if (daemon->history)
        xf_history_own(daemon->history, peer, XF_HISTORY_OWNER_NONE, xf_unix_s());
}

static void certificates(void *owner, xf_control_certificate_fn show, void *show_owner)
{
    const struct xf_daemon *daemon = owner;
    for (size_t i = 0; i < xf_certs_count(&daemon->certs); i++) {
        const struct xf_cert *cert = xf_certs_at(&daemon->certs, i);
        struct xf_tls_about about;
        if (!cert->identity)
            continue;
        xf_tls_identity_about(cert->identity, &about);
        show(show_owner, &(struct xf_control_certificate){.name = cert->name,
                                                          .file = cert->file,
                                                          .not_before_s = about.not_before_s,
                                                          .not_after_s = about.not_after_s});
    }
}

static const char *state(void *owner)
{
    const struct xf_daemon *daemon = owner;
    return daemon->drain == XF_DRAIN_NOT ? "running" : "draining";
}

static struct xf_selfcheck *check_self(void *owner, const struct xf_selfcheck_events *events,
                                       void *events_owner)
{
    const struct xf_daemon *daemon = owner;
    const struct xf_certs *certs = &daemon->certs;
    size_t count = xf_certs_count(certs);
    struct xf_selfcheck_certificate *list = xf_alloc((count + 1) * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        const struct xf_cert *cert = xf_certs_at(certs, i);
        list[i] = (struct xf_selfcheck_certificate){.name = cert->name,
                                                    .served = cert->served,
                                                    .is_alias = cert->is_alias,
                                                    .is_of_sip = i >= certs->own_count,
                                                    .file = cert->file,
                                                    .key_file = cert->key_file,
                                                    .identity = cert->identity};
    }
    const struct xf_selfcheck_parts parts = {.timers = daemon->env.env.timers,
                                             .clock = daemon->env.env.clock,
                                             .conf = daemon->conf,
                                             .links = daemon->links,
                                             .link_count = daemon->link_count,
                                             .dns = daemon->env.env.dns,
                                             .history = daemon->history,
                                             .alarms = daemon->alarms,
                                             .certificates = list,
                                             .certificate_count = count,
                                             .anchors = certs->trust.anchors[0].store};
    struct xf_selfcheck *check = xf_selfcheck_begin(&parts, events, events_owner);
    xf_free(list);
    return check;
}

static const struct xf_control_ops ops = {
    .check_self = check_self,
    .switched = switched,
    .forget = forget,
    .certificates = certificates,
    .state = state,
    .page = xf_daemon_page_url,
#ifdef XF_HAVE_SIP
    .sip = &xf_daemon_control_sip,
#endif
};

/* ---- the socket */

static bool is_named(void *owner, struct xf_span peer)
{
    const struct xf_daemon *daemon = owner;
    return daemon->policy && xf_policy_names(daemon->policy, peer);
}

void xf_daemon_begin_alarms(struct xf_daemon *daemon)
{
    daemon->alarms =
        xf_alarms_new(&(struct xf_alarms_opts){.timers = daemon->env.env.timers,
                                               .after_ms = daemon->conf->process.alarm_after_ms,
                                               .is_named = is_named,
                                               .owner = daemon});
}

static void make_control(struct xf_daemon *daemon, const gid_t *readers, const gid_t *admins,
                         const struct xf_daemon_acts *acts)
{
    const struct xf_listen_settings *listen = &daemon->boot->listen;
    daemon->attempts = xf_attempts_new(&(struct xf_attempts_opts){.clock = daemon->env.env.clock,
                                                                  .max_bytes = ATTEMPTS_BYTES,
                                                                  .is_named = is_named,
                                                                  .owner = daemon});
    daemon->control =
        xf_control_new(&(struct xf_control_opts){.loop = daemon->loop,
                                                 .file = daemon->file,
                                                 .version = XFED_VERSION,
                                                 .attempts = daemon->attempts,
                                                 .alarms = daemon->alarms,
                                                 .switches = &daemon->switches,
                                                 .readers = readers,
                                                 .reader_count = listen->control_readers.count,
                                                 .admins = admins,
                                                 .admin_count = listen->control_admins.count,
                                                 .reload = acts->reload,
                                                 .drain = acts->drain,
                                                 .ops = &ops,
                                                 .owner = daemon});
}

enum xf_err xf_daemon_open_control(struct xf_daemon *daemon, const struct xf_daemon_acts *acts,
                                   struct xf_error *err)
{
    const struct xf_listen_settings *listen = &daemon->boot->listen;
    if (!*listen->control && !daemon->conf->listen.http_page)
        return XF_ERR_OK;
    gid_t *readers = xf_alloc((listen->control_readers.count + 1) * sizeof(*readers));
    gid_t *admins = xf_alloc((listen->control_admins.count + 1) * sizeof(*admins));
    enum xf_err result = find_groups("control-readers", &listen->control_readers, readers, err);
    if (result == XF_ERR_OK)
        result = find_groups("control-admins", &listen->control_admins, admins, err);
    if (result == XF_ERR_OK) {
        make_control(daemon, readers, admins, acts);
        if (*listen->control)
            result = xf_control_listen(daemon->control, listen->control, err);
    }
    xf_free(readers);
    xf_free(admins);
    return result;
}

void xf_daemon_attach_control(struct xf_daemon *daemon)
{
    xf_alarms_set_after(daemon->alarms, daemon->conf->process.alarm_after_ms);
    if (daemon->control)
        xf_control_attach(daemon->control,
                          &(struct xf_control_parts){.s2s = daemon->s2s,
                                                     .routing = daemon->routing,
                                                     .links = daemon->links,
                                                     .link_count = daemon->link_count,
                                                     .policy = daemon->policy,
                                                     .conf = daemon->conf,
                                                     .mailmap = daemon->mailmap});
}
