/* SPDX-License-Identifier: MIT */
/*
 * check_files.c — each file that we write has one use. The start would go on without the second
 * database ("is not a journal of xfedd"), and the audit would write into the first one.
 */
#include "conf_priv.h"

#include <string.h>
#include <sys/un.h>

struct written {
    const char *section, *key, *path;
    const struct xf_conf_place *at;
};

static void check_control(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    if (strlen(conf->listen.control) > most)
        xf_problem(check->problems, conf->listen_at.file, xf_conf_line(&conf->listen_at, "control"),
                   "control = \"%.255s\": is too long for a Unix socket: expected at most %zu "
                   "bytes, with the folder of this file if it does not begin with /",
                   conf->listen.control, most);
}

void xf_check_files(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    const struct written files[] = {
        {"memory", "file", *conf->history.uri ? "" : conf->history.file, &conf->history_at},
        {"journal", "file", conf->journal.file, &conf->journal_at},
        {"audit", "file", conf->audit.file, &conf->audit_at},
        {"sip", "dialogs-file", *conf->ua.host ? conf->simple.dialogs_file : "", &conf->sip_at},
        {"listen", "control", conf->listen.control, &conf->listen_at},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(files); i++)
        for (size_t k = 0; k < i; k++)
            if (*files[i].path && strcmp(files[i].path, files[k].path) == 0)
                xf_problem(check->problems, files[i].at->file,
                           xf_conf_line(files[i].at, files[i].key),
                           "%s = \"%.255s\": %s { %s } has that file already: expected another one",
                           files[i].key, files[i].path, files[k].section, files[k].key);
    check_control(check);
}
