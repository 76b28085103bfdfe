/* SPDX-License-Identifier: MIT */
/*
 * source.c — connect from a given address and range of ports, for firewalls and partners that
 * require them.
 *
 * The search for a free port starts at a random place in the range, so that two nodes behind one
 * address seldom choose the same port. All sockets have SO_REUSEADDR: then a port can serve several
 * conns to different servers, and again at once when its last conn is in TIME_WAIT; only a listener
 * on the port prevents that (EADDRINUSE). connect() tells whether the port is free towards this
 * server (EADDRNOTAVAIL); if not, another socket replaces the first one under libuv's handle, which
 * has not used it yet.
 *
 * For an address without ports we bind with IP_BIND_ADDRESS_NO_PORT: then the system chooses the
 * port when it knows the server, for the same reasons.
 */
#include "conn_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <xfed/base/crypto.h>
#include <xfed/base/forms.h>

struct xf_source xf_source_of(const struct xf_texts *addresses, const char *ports)
{
    struct xf_source source = {0};

    for (size_t i = 0; i < addresses->count; i++) {
        uint8_t bytes[16];
        if (inet_pton(AF_INET, addresses->item[i], bytes) == 1)
            source.v4 = xf_addr_from_v4(bytes, 0);
        else if (inet_pton(AF_INET6, addresses->item[i], bytes) == 1)
            source.v6 = xf_addr_from_v6(bytes, 0);
    }
    if (ports && !xf_ports_parse(ports, &source.port_first, &source.port_last))
        source.port_first = source.port_last = 0;
    return source;
}

/* A descriptor, or a status of libuv (which is negative). */
static int bound_socket(const struct xf_addr *from)
{
    int fd = socket(from->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    socklen_t bytes = from->sa.sa_family == AF_INET6 ? sizeof(from->v6) : sizeof(from->v4);

    if (fd < 0)
        return uv_translate_sys_error(errno);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (xf_addr_port(from) == 0)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, &from->sa, bytes) == 0)
        return fd;
    int status = uv_translate_sys_error(errno);
    close(fd);
    return status;
}

/* Give the handle this socket in place of another. */
static int put_under(uv_tcp_t *tcp, int fd)
{
    uv_os_fd_t old;

    if (uv_fileno((const uv_handle_t *)tcp, &old) != 0) {
        int status = uv_tcp_open(tcp, fd);
        if (status != 0)
            close(fd);
        return status;
    }
    int status = dup3(fd, old, O_CLOEXEC) < 0 ? uv_translate_sys_error(errno) : 0;
    close(fd);
    return status;
}

static struct xf_addr from_port(const struct xf_addr *to, const struct xf_source *source,
                                uint16_t port)
{
    bool is_v6 = to->sa.sa_family == AF_INET6;
    struct xf_addr from = is_v6 ? source->v6 : source->v4;

    from.sa.sa_family = to->sa.sa_family; /* zeroed otherwise: any address */
    if (is_v6)
        from.v6.sin6_port = htons(port);
    else
        from.v4.sin_port = htons(port);
    return from;
}

struct attempt {
    int status;
    bool is_port; /* the failure concerns the port */
};

static struct attempt connect_from(struct xf_net_conn *s, const struct xf_addr *from,
                                   uv_connect_t *request, uv_connect_cb done)
{
    int fd = bound_socket(from);

    if (fd < 0)
        return (struct attempt){fd, fd == UV_EADDRINUSE};
    int status = put_under(&s->tcp, fd);
    if (status != 0)
        return (struct attempt){status, false};
    status = uv_tcp_connect(request, &s->tcp, &s->pub.addr.sa, done);
    return (struct attempt){status, status == UV_EADDRNOTAVAIL};
}

int xf_net_connect_from(struct xf_net_conn *s, const struct xf_source *source,
                        uv_connect_t *request, uv_connect_cb done, char *out_detail,
                        size_t detail_bytes)
{
    unsigned count =
        source->port_first ? (unsigned)(source->port_last - source->port_first) + 1 : 1;
    unsigned start = xf_rand_below(count),
             tries = count < XF_SOURCE_TRIES ? count : XF_SOURCE_TRIES;
    struct attempt attempt = {0};
    struct xf_addr from = {0};
    char text[XF_ADDR_TEXT_BYTES];

    for (unsigned i = 0; i < tries; i++) {
        uint16_t port = 0;
        if (source->port_first)
            port = (uint16_t)(source->port_first + (start + i) % count);
        from = from_port(&s->pub.addr, source, port);
        attempt = connect_from(s, &from, request, done);
        if (!attempt.is_port)
            break;
    }
    if (attempt.status == 0)
        return 0;
    xf_addr_host_text(&from, text);
    if (attempt.is_port && source->port_first)
        snprintf(out_detail, detail_bytes,
                 "no free port of %u-%u to connect from (source-ports), %u tried",
                 source->port_first, source->port_last, tries);
    else
        snprintf(out_detail, detail_bytes, "cannot connect from %s: %s", text,
                 uv_strerror(attempt.status));
    return attempt.status;
}
