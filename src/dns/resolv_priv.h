/* SPDX-License-Identifier: MIT */
/* resolv_priv.h — the nameservers of resolv.conf(5). */
#pragma once

#include <xfed/net/addr.h>

#define XF_DNS_SERVERS_MAX 8

/* How many there are, at most `max`; 0 also when the file cannot be read. Other lines and options
 * are not ours. */
size_t xf_dns_resolv_read(const char *path, struct xf_addr *out_servers, size_t max);
