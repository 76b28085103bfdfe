/* SPDX-License-Identifier: MIT */
/*
 * endpoint_priv.h — where a service is: host, port and kind of TLS; and the order in which to try
 * the endpoints.
 */
#pragma once

#include <stdint.h>
#include <xfed/dns/dns.h>

struct xf_endpoint {
    uint16_t priority, weight, port;
    bool is_direct;
    bool is_literal; /* target is an address */
    bool is_secure;  /* secure answers say that this target is one of the domain's */
    char target[XF_DNS_NAME_MAX + 1];
};

/*
 * In place: by priority, and by chance according to weight among equals (RFC 2782, "Usage rules").
 */
void xf_endpoints_order(struct xf_endpoint *endpoints, size_t count);
