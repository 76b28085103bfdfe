/* SPDX-License-Identifier: MIT */
/*
 * syslog.c — lines to the machine's syslog or journal (RFC 3164, /dev/log). Not syslog(3): it opens
 * a new socket when the daemon was restarted, which the sandbox forbids; one socket can be
 * connected again.
 */
#include "audit_priv.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

static bool connect_to(int fd)
{
    const struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    return connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0;
}

int xf_audit_syslog_open(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)connect_to(fd); /* a daemon that starts later is found by the first line */
    return fd;
}

bool xf_audit_syslog_send(int fd, struct xf_span line)
{
    char head[64];
    int head_len = snprintf(head, sizeof(head), "<%d>xfedd-audit[%d]: ", LOG_AUTHPRIV | LOG_INFO,
                            (int)getpid());
    struct iovec parts[] = {{head, (size_t)head_len}, {(char *)(uintptr_t)line.ptr, line.len}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return true;
    return errno != EAGAIN && connect_to(fd) &&
           sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}
