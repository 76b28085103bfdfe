/* SPDX-License-Identifier: MIT */
/*
 * history.c — where the history of peers is stored: in memory { file }, else in peers.db in
 * systemd's state directory, else nowhere.
 *
 * It is opened after changing to the configured user, who owns the file. The gateway works even if
 * the file cannot be used, since only alarms depend on it; but what peers did before this start is
 * then unknown, so that is logged as an error.
 */
#include "daemon_priv.h"

#include <stdlib.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

char *xf_daemon_history_path(const char *file, const char *state_directory)
{
    if (*file)
        return xf_strdup(file);
    if (!state_directory || *state_directory != '/')
        return xf_strdup("");
    /* The first of several folders. */
    return xf_asprintf("%.*s/peers.db", (int)strcspn(state_directory, ":"), state_directory);
}

struct xf_history *xf_daemon_history_for(struct xf_loop *loop,
                                         const struct xf_history_settings *settings)
{
    struct xf_history *history = NULL;
    struct xf_error err = {0};
    if (settings->peers == 0)
        return NULL;
    char *path = xf_daemon_history_path(settings->file, getenv("STATE_DIRECTORY"));
    struct xf_history_opts opts = {.file = path,
                                   .max_peers = settings->peers,
                                   .pool = xf_loop_pool(loop),
                                   .timers = xf_loop_timers(loop)};
    if (xf_history_open(&opts, &history, &err) != XF_ERR_OK) {
        xf_log(XF_LOG_ERROR, "memory.file.refused", XF_STR("file", path),
               XF_STR("detail", err.detail),
               XF_STR("advice", "name a file in memory { file } that xfedd may make or write, in a "
                                "folder that it may write, and restart"));
        opts.file = "";
        /* Without a file nothing can fail. */
        xf_require(xf_history_open(&opts, &history, NULL) == XF_ERR_OK);
    }
    xf_free(path);
    return history;
}
