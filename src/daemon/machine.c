/* SPDX-License-Identifier: MIT */
/* machine.c — what -t finds out about the machine; with these a start fails, or listens nowhere. */
#include "daemon_priv.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xfed/base/alloc.h>

static void check_user(const struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_at at = {.conf = conf, .place = &conf->process_at};
    struct xf_error err = {0};
    uid_t uid;
    gid_t gid;
    if (*conf->process.user &&
        xf_system_find_user(conf->process.user, &uid, &gid, &err) == XF_ERR_CONFIG)
        xf_report_error(report, &at, "user", "%s", err.detail);
}

/* Asked with a port of the system's choice: whether the own one is free says nothing. */
static bool is_here(const struct xf_addr *wanted)
{
    struct xf_addr addr = *wanted;
    addr.v4.sin_port = 0; /* at the same place in IPv6 */
    int fd = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true; /* nothing can be said */
    int result = bind(fd, &addr.sa, sizeof(addr));
    bool is_absent = result != 0 && errno == EADDRNOTAVAIL;
    (void)close(fd);
    return !is_absent;
}

static void check_listeners(const struct xf_conf *conf, const char *key,
                            const struct xf_texts *addrs, uint16_t port, struct xf_report *report)
{
    const struct xf_at at = {.conf = conf, .place = &conf->listen_at};
    for (size_t i = 0; i < addrs->count; i++) {
        struct xf_addr addr;
        if (xf_addr_parse(xf_span_of(addrs->item[i]), port, &addr) == XF_ERR_OK && !is_here(&addr))
            xf_report_warning(report, &at, key,
                              "%s = \"%s\": this machine does not have that address now: expected "
                              "one of `ip address`, or 0.0.0.0 and [::] for all",
                              key, addrs->item[i]);
    }
}

/* Only what can be said of this machine by whoever asks: root may write everywhere. */
static void check_dialogs(const struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_at at = {.conf = conf, .place = &conf->sip_at};
    char *path = xf_daemon_dialogs_path(conf, getenv("STATE_DIRECTORY"));
    char *copy = xf_strdup(path);
    const char *folder = dirname(copy);
    struct stat status;
    bool is_there = stat(path, &status) == 0, is_file = !is_there || S_ISREG(status.st_mode);
    if (*path && (access(folder, W_OK | X_OK) != 0 || !is_file ||
                  (is_there && access(path, R_OK | W_OK) != 0)))
        xf_report_warning(report, &at, "dialogs-file",
                          "dialogs-file = \"%s\" cannot be written%s, so subscriptions would end "
                          "with the process: expected a file that the user of xfedd can write, in "
                          "a folder that it can write",
                          path, is_file ? "" : ": it is not a regular file");
    xf_free(copy);
    xf_free(path);
}

void xf_daemon_check_machine(const struct xf_conf *conf, struct xf_report *report)
{
    check_user(conf, report);
    check_listeners(conf, "s2s", &conf->listen.s2s, 5269, report);
    check_listeners(conf, "s2s-direct", &conf->listen.s2s_direct, 5270, report);
    check_listeners(conf, "sip", &conf->listen.sip, 5061, report);
    check_listeners(conf, "sip-tcp", &conf->listen.sip_tcp, 5060, report);
    check_dialogs(conf, report);
    xf_daemon_check_control(conf, report);
}
