/* SPDX-License-Identifier: MIT */
/*
 * notify.c — systemd's sd_notify(3) protocol: datagrams to the socket in NOTIFY_SOCKET. It takes 60
 * lines, so we need no library.
 *
 * A timer of the loop sends watchdog messages twice in the requested interval: if the loop hangs,
 * they stop.
 */
#include "daemon_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(addr.sun_path))
        return -1;
    memcpy(addr.sun_path, path, len);
    if (path[0] == '@') /* the abstract namespace */
        addr.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void say(const struct xf_notify *notify, const char *text)
{
    if (notify->fd >= 0)
        /* If this fails, systemd only misses a message. */
        (void)!send(notify->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* WATCHDOG_USEC, if it is meant for this process; else 0. */
static uint64_t asked_watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    char *end;
    if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    unsigned long long value = strtoull(usec, &end, 10);
    return *end ? 0 : value / 1000;
}

static void on_watchdog(void *owner)
{
    struct xf_notify *notify = owner;
    say(notify, "WATCHDOG=1");
    xf_timer_start(notify->timers, &notify->watchdog, notify->watchdog_ms / 2);
}

void xf_notify_init(struct xf_notify *notify, struct xf_timers *timers)
{
    const char *path = getenv("NOTIFY_SOCKET");
    notify->timers = timers;
    notify->fd = path ? connect_to(path) : -1;
    notify->watchdog_ms = notify->fd >= 0 ? asked_watchdog_ms() : 0;
    xf_timer_init(&notify->watchdog, on_watchdog, notify);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void xf_notify_fini(struct xf_notify *notify)
{
    xf_timer_stop(&notify->watchdog);
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

void xf_notify_ready(struct xf_notify *notify)
{
    say(notify, "READY=1");
    if (notify->watchdog_ms >= 2 && !xf_timer_is_running(&notify->watchdog))
        on_watchdog(notify);
}

void xf_notify_reloading(struct xf_notify *notify, uint64_t now_ms)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_ms * 1000);
    say(notify, text);
}

void xf_notify_stopping(struct xf_notify *notify)
{
    say(notify, "STOPPING=1");
}
