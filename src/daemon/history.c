/* SPDX-License-Identifier: MIT */
/*
 * history.c — where the history of peers is stored: in memory { uri }, the database that nodes
 * share; else in memory { file }; else in peers.db in systemd's state directory; else nowhere.
 *
 * It is opened after changing to the configured user, who owns the file. The gateway works even if
 * the file cannot be used, since only alarms depend on it; but what peers did before this start is
 * then unknown, so that is logged as an error.
 */
#include "daemon_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>
#include <xfed/base/help.h>

char *xf_daemon_state_file(const char *name, const char *state_directory)
{
    if (!state_directory || *state_directory != '/')
        return xf_strdup("");
    /* The first of several folders. */
    return xf_asprintf("%.*s/%s", (int)strcspn(state_directory, ":"), state_directory, name);
}

char *xf_daemon_history_path(const char *file, const char *state_directory)
{
    if (*file)
        return xf_strdup(file);
    return xf_daemon_state_file("peers.db", state_directory);
}

char *xf_daemon_dialogs_path(const struct xf_conf *conf, const char *state_directory)
{
    const char *file = conf->simple.dialogs_file;
    if (!*conf->ua.host || !*file || *file == '/')
        return xf_strdup(*conf->ua.host ? file : "");
    return xf_daemon_state_file(file, state_directory);
}

/* "presence=up other=down" */
static void write_links(void *owner, char *out, size_t room)
{
    const struct xf_daemon *daemon = owner;
    struct xf_buf text;
    xf_buf_init(&text, room - 1);
    struct xf_draft draft = xf_draft_begin(&text);
    for (size_t i = 0; i < daemon->link_count; i++)
        xf_draft_printf(&draft, "%s%s=%s", i ? " " : "", daemon->boot->links[i].settings.title,
                        xf_link_is_up(daemon->links[i]) ? "up" : "down");
    bool is_whole = xf_draft_end(&draft) == XF_ERR_OK;
    snprintf(out, room, "%.*s", XF_SPAN_ARGS(is_whole ? xf_buf_span(&text) : XF_SPAN("many")));
    xf_buf_release(&text);
}

static const char *node_name(const struct xf_history_settings *settings,
                             char machine[XF_HISTORY_NODE_CHARS + 1])
{
    if (*settings->node)
        return settings->node;
    if (gethostname(machine, XF_HISTORY_NODE_CHARS + 1) != 0 || !*machine)
        return "unnamed";
    machine[XF_HISTORY_NODE_CHARS] = '\0';
    return machine;
}

/* Says whether two secrets are the same, and nothing about them. "": there is none to be shared. */
static void digest_secret(const struct xf_conf *conf, char out[XF_SHA256_HEX_BYTES + 1])
{
    out[0] = '\0';
    if (conf->dialback.secret)
        xf_hmac_sha256_hex(xf_span_of(conf->dialback.secret),
                           XF_SPAN("the dialback secret of a node of xfedd"), out);
}

static struct xf_history *open_shared(struct xf_daemon *daemon)
{
    const struct xf_history_settings *settings = &daemon->conf->history;
    struct xf_history *history = NULL;
    char machine[XF_HISTORY_NODE_CHARS + 1] = "", digest[XF_SHA256_HEX_BYTES + 1];
    char secret[XF_SHA256_HEX_BYTES + 1];
    xf_conf_digest(daemon->conf, digest);
    digest_secret(daemon->conf, secret);
    const struct xf_history_node node = {.loop = daemon->loop,
                                         .uri = settings->uri,
                                         .password = settings->password,
                                         .name = node_name(settings, machine),
                                         .version = XFED_VERSION,
                                         .digest = digest,
                                         .secret = secret,
                                         .heartbeat_ms = (unsigned)settings->heartbeat_ms,
                                         .links = write_links,
                                         .owner = daemon};
    const struct xf_history_opts opts = {.max_peers = settings->peers,
                                         .max_auto_per_owner = settings->auto_per_owner,
                                         .timers = xf_loop_timers(daemon->loop),
                                         .node = &node};
    xf_require(xf_history_open(&opts, &history, NULL) == XF_ERR_OK); /* connects later */
    return history;
}

static struct xf_history *open_own(struct xf_daemon *daemon)
{
    const struct xf_history_settings *settings = &daemon->conf->history;
    struct xf_history *history = NULL;
    struct xf_error err = {0};
    char *path = xf_daemon_history_path(settings->file, getenv("STATE_DIRECTORY"));
    struct xf_history_opts opts = {.file = path,
                                   .max_peers = settings->peers,
                                   .max_auto_per_owner = settings->auto_per_owner,
                                   .pool = xf_loop_pool(daemon->loop),
                                   .timers = xf_loop_timers(daemon->loop)};
    if (xf_history_open(&opts, &history, &err) != XF_ERR_OK) {
        xf_log(XF_LOG_ERROR, "memory.file.refused", XF_STR("file", path),
               XF_STR("detail", err.detail), XF_HELP(XF_HELP_FILE_REFUSED));
        opts.file = "";
        /* Without a file nothing can fail. */
        xf_require(xf_history_open(&opts, &history, NULL) == XF_ERR_OK);
    }
    xf_free(path);
    return history;
}

struct xf_history *xf_daemon_history_for(struct xf_daemon *daemon)
{
    const struct xf_history_settings *settings = &daemon->conf->history;
    if (settings->peers == 0)
        return NULL;
    return *settings->uri ? open_shared(daemon) : open_own(daemon);
}

enum xf_protocol xf_daemon_learned(const struct xf_history *history,
                                   const struct xf_history_settings *settings, struct xf_span peer,
                                   int64_t *out_last_s)
{
    static const enum xf_protocol protocols[] = {
        [XF_HISTORY_OWNER_NONE] = XF_PROTOCOL_AUTO,
        [XF_HISTORY_OWNER_XMPP] = XF_PROTOCOL_XMPP,
        [XF_HISTORY_OWNER_SIP] = XF_PROTOCOL_SIP,
    };
    if (!history)
        return XF_PROTOCOL_AUTO;
    return protocols[xf_history_owner(history, peer, xf_unix_s(),
                                      (int64_t)(settings->owner_ms / 1000), out_last_s)];
}

void xf_daemon_history_check(const struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_at at = {.conf = conf, .place = &conf->history_at};
    struct xf_error err = {0};
    if (*conf->history.uri && xf_history_uri_check(conf->history.uri, &err) != XF_ERR_OK)
        xf_report_error(report, &at, "uri", "memory: %s", err.detail);
}
