/* SPDX-License-Identifier: MIT */
/* resolv_priv.h — the nameservers of resolv.conf(5). */
#pragma once

#include <xfed/net/addr.h>

#define XF_DNS_SERVERS_MAX 8

/*
 * Returns how many there are, at most `max`; 0 if the file cannot be read. Ignores other lines and
 * options.
 */
size_t xf_dns_resolv_read(const char *path, struct xf_addr *out_servers, size_t max);
