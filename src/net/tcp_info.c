/* SPDX-License-Identifier: MIT */
/*
 * tcp_info.c — asks the system about a TCP connection. A file of its own: the kernel's struct
 * tcp_info, which is longer than the one of libc, cannot be included beside <netinet/tcp.h>.
 */
#include "tcp_info_priv.h"

#include <linux/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

uint64_t xf_tcp_acknowledged(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || info.tcpi_bytes_acked == 0)
        return 0;
    return info.tcpi_bytes_acked - 1; /* the SYN may count as a byte */
}
