/* SPDX-License-Identifier: MIT */
/* resolv_priv.h — the nameservers of resolv.conf(5). */
#pragma once

#include <xfed/net/addr.h>

#include "file_priv.h"

#define XF_DNS_SERVERS_MAX        8
#define XF_DNS_SERVERS_TEXT_BYTES (XF_DNS_SERVERS_MAX * XF_ADDR_TEXT_BYTES)

struct xf_dns_resolv {
    struct xf_dns_file file;
    struct xf_addr servers[XF_DNS_SERVERS_MAX];
    size_t count;  /* never 0 */
    bool is_named; /* the file has named servers; else the C library's default, 127.0.0.1 */
};

/* Reads `path` at once. `clock` is borrowed. */
void xf_dns_resolv_init(struct xf_dns_resolv *resolv, const char *path,
                        const struct xf_clock *clock);
void xf_dns_resolv_release(struct xf_dns_resolv *resolv);

/*
 * Checks the file again: `is_reload`: now; else if the last check was more than a minute ago, or a
 * second while the file has named no server yet. True: the servers are others than before. A file
 * that names none, or cannot be read, changes nothing.
 */
bool xf_dns_resolv_look(struct xf_dns_resolv *resolv, bool is_reload);

/*
 * Returns how many there are, at most `max`; 0 if the file cannot be read. Ignores other lines and
 * options.
 */
size_t xf_dns_resolv_read(const char *path, struct xf_addr *out_servers, size_t max);

/* "192.0.2.1:53 [::1]:53", of the first XF_DNS_SERVERS_MAX; returns its length. */
size_t xf_dns_servers_text(const struct xf_addr *servers, size_t count,
                           char out[XF_DNS_SERVERS_TEXT_BYTES]);
