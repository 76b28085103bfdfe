/* SPDX-License-Identifier: MIT */
/* key_priv.h — a question as the key of a map: its name and, behind a blank, its type. */
#pragma once

#include <stdio.h>
#include <xfed/dns/dns.h>

#define XF_DNS_KEY_BYTES (XF_DNS_NAME_MAX + 8)

static inline struct xf_span xf_dns_key(const char *name, enum xf_dns_type type,
                                        char out[XF_DNS_KEY_BYTES])
{
    int len = snprintf(out, XF_DNS_KEY_BYTES, "%.*s %u", XF_DNS_NAME_MAX, name, (unsigned)type);

    return (struct xf_span){out, (size_t)len};
}
