/* SPDX-License-Identifier: MIT */
/*
 * addr.c — an IP address and port as a value: text to bytes and back.
 *
 * An IPv4-mapped IPv6 address (which a dual-stack listener reports for IPv4) counts as the IPv4
 * address in every comparison and text, so that quotas and logs see one peer, not two. Scope ids
 * ("%eth0") are refused: no federation address has one. Test: tests/unit/net/test_addr.c.
 */
#include <xfed/net/addr.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

static struct xf_addr canonical(const struct xf_addr *addr)
{
    if (addr->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr))
        return xf_addr_from_v4(addr->v6.sin6_addr.s6_addr + 12, ntohs(addr->v6.sin6_port));
    return *addr;
}

static bool parse_port(struct xf_span text, uint16_t *out_port)
{
    uint32_t port = 0;

    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    if (port > PORT_MAX)
        return false;
    *out_port = (uint16_t)port;
    return true;
}

/* Cut `text` into host and port; the port is absent when there is none. False: the brackets are
 * wrong. */
static bool split(struct xf_span text, struct xf_span *host, struct xf_span *port)
{
    const char *colon = memchr(text.ptr, ':', text.len);

    *host = text;
    *port = XF_SPAN_NONE;
    if (text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        if (!end)
            return false;
        *host = (struct xf_span){text.ptr + 1, (size_t)(end - text.ptr) - 1};
        size_t rest = text.len - host->len - 2;
        if (rest == 0)
            return true;
        *port = (struct xf_span){end + 2, rest - 1};
        return end[1] == ':';
    }
    if (!colon || memchr(colon + 1, ':', text.len - (size_t)(colon + 1 - text.ptr)))
        return true; /* a bare IPv6 address has more than one colon */
    *host = (struct xf_span){text.ptr, (size_t)(colon - text.ptr)};
    *port = (struct xf_span){colon + 1, text.len - host->len - 1};
    return true;
}

enum xf_err xf_addr_parse(struct xf_span text, uint16_t default_port, struct xf_addr *out_addr)
{
    struct xf_span host, port_text;
    uint16_t port = default_port;
    char host_text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (text.len == 0 || !split(text, &host, &port_text) || host.len >= sizeof(host_text))
        return XF_ERR_BAD_VALUE;
    if (port_text.ptr ? !parse_port(port_text, &port) : default_port == 0)
        return XF_ERR_BAD_VALUE;
    memcpy(host_text, host.ptr, host.len);
    host_text[host.len] = '\0';
    if (strlen(host_text) != host.len)
        return XF_ERR_BAD_VALUE;

    if (text.ptr[0] != '[' && inet_pton(AF_INET, host_text, bytes) == 1)
        *out_addr = xf_addr_from_v4(bytes, port);
    else if (inet_pton(AF_INET6, host_text, bytes) == 1)
        *out_addr = xf_addr_from_v6(bytes, port);
    else
        return XF_ERR_BAD_VALUE;
    return XF_ERR_OK;
}

struct xf_addr xf_addr_from_v4(const uint8_t bytes[4], uint16_t port)
{
    struct xf_addr addr;

    memset(&addr, 0, sizeof(addr));
    addr.v4.sin_family = AF_INET;
    addr.v4.sin_port = htons(port);
    memcpy(&addr.v4.sin_addr, bytes, 4);
    return addr;
}

struct xf_addr xf_addr_from_v6(const uint8_t bytes[16], uint16_t port)
{
    struct xf_addr addr;

    memset(&addr, 0, sizeof(addr));
    addr.v6.sin6_family = AF_INET6;
    addr.v6.sin6_port = htons(port);
    memcpy(&addr.v6.sin6_addr, bytes, 16);
    return addr;
}

uint16_t xf_addr_port(const struct xf_addr *addr)
{
    return ntohs(addr->sa.sa_family == AF_INET6 ? addr->v6.sin6_port : addr->v4.sin_port);
}

bool xf_addr_eq(const struct xf_addr *a, const struct xf_addr *b)
{
    struct xf_addr x = canonical(a), y = canonical(b);

    if (x.sa.sa_family != y.sa.sa_family || xf_addr_port(&x) != xf_addr_port(&y))
        return false;
    if (x.sa.sa_family == AF_INET6)
        return memcmp(&x.v6.sin6_addr, &y.v6.sin6_addr, 16) == 0;
    return x.v4.sin_addr.s_addr == y.v4.sin_addr.s_addr;
}

bool xf_addr_is_loopback(const struct xf_addr *addr)
{
    struct xf_addr plain = canonical(addr);

    if (plain.sa.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&plain.v6.sin6_addr);
    return ntohl(plain.v4.sin_addr.s_addr) >> 24 == 127;
}

void xf_addr_host_text(const struct xf_addr *addr, char out[XF_ADDR_TEXT_BYTES])
{
    struct xf_addr plain = canonical(addr);
    const void *bytes = plain.sa.sa_family == AF_INET6 ? (const void *)&plain.v6.sin6_addr
                                                       : (const void *)&plain.v4.sin_addr;

    if (!inet_ntop(plain.sa.sa_family, bytes, out, XF_ADDR_TEXT_BYTES))
        snprintf(out, XF_ADDR_TEXT_BYTES, "?"); /* neither family: the address was never set */
}

void xf_addr_network_text(const struct xf_addr *addr, char out[XF_ADDR_TEXT_BYTES])
{
    char host[XF_ADDR_TEXT_BYTES];
    struct xf_addr plain = canonical(addr);
    bool is_v6 = plain.sa.sa_family == AF_INET6;

    if (is_v6)
        memset(plain.v6.sin6_addr.s6_addr + 6, 0, 10);
    else if (plain.sa.sa_family == AF_INET)
        plain.v4.sin_addr.s_addr &= htonl(0xffffff00);
    xf_addr_host_text(&plain, host);
    snprintf(out, XF_ADDR_TEXT_BYTES, "%.46s/%d", host, is_v6 ? 48 : 24);
}

void xf_addr_text(const struct xf_addr *addr, char out[XF_ADDR_TEXT_BYTES])
{
    char host[XF_ADDR_TEXT_BYTES];
    struct xf_addr plain = canonical(addr);

    xf_addr_host_text(&plain, host);
    if (plain.sa.sa_family == AF_INET6)
        snprintf(out, XF_ADDR_TEXT_BYTES, "[%.46s]:%u", host, xf_addr_port(&plain));
    else
        snprintf(out, XF_ADDR_TEXT_BYTES, "%.46s:%u", host, xf_addr_port(&plain));
}
