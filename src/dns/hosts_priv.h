/* SPDX-License-Identifier: MIT */
/* hosts_priv.h — names and addresses of /etc/hosts (hosts(5)). */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/dns/dns.h>

struct xf_dns_hosts;

/* Reads `path` at once ("" and a file that is not there: no names). `clock` is borrowed. */
struct xf_dns_hosts *xf_dns_hosts_new(const char *path, const struct xf_clock *clock);
void xf_dns_hosts_free(struct xf_dns_hosts **hosts);

/*
 * Is the name in the file? Then `records` has its addresses of this type, possibly none. Checks the
 * file again if the last check was more than a minute ago.
 */
bool xf_dns_hosts_find(struct xf_dns_hosts *hosts, const char *name, enum xf_dns_type type,
                       struct xf_dns_record records[XF_DNS_RECORDS_MAX], size_t *out_count);
