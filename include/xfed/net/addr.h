/* SPDX-License-Identifier: MIT */
/* addr.h — an IP address and port as a value. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>

#define XF_ADDR_TEXT_BYTES 56 /* "[v6]:port" and NUL */

struct xf_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* "127.0.0.1:53", "[::1]:53", or without port when default_port is not 0. XF_ERR_BAD_VALUE. */
XF_MUST_USE enum xf_err xf_addr_parse(struct xf_span text, uint16_t default_port,
                                      struct xf_addr *out_addr);

/* From the 4 or 16 bytes of the address as on the wire. */
struct xf_addr xf_addr_from_v4(const uint8_t bytes[4], uint16_t port);
struct xf_addr xf_addr_from_v6(const uint8_t bytes[16], uint16_t port);

uint16_t xf_addr_port(const struct xf_addr *addr);
bool xf_addr_eq(const struct xf_addr *a, const struct xf_addr *b);
bool xf_addr_is_loopback(const struct xf_addr *addr);
void xf_addr_text(const struct xf_addr *addr, char out[XF_ADDR_TEXT_BYTES]);

/* The address without port, an IPv4-mapped one as IPv4: a key for quotas. */
void xf_addr_host_text(const struct xf_addr *addr, char out[XF_ADDR_TEXT_BYTES]);

/*
 * The network that is assumed to have one owner: "192.0.2.0/24", "2001:db8:7::/48"; an IPv4-mapped
 * address is IPv4.
 */
void xf_addr_network_text(const struct xf_addr *addr, char out[XF_ADDR_TEXT_BYTES]);
