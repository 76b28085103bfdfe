/* SPDX-License-Identifier: MIT */
/* file_priv.h — a file of the system that is read again when it changes. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <xfed/base/clock.h>

#define XF_DNS_FILE_LOOK_MS 60000 /* how often to look at it */

struct xf_dns_file {
    const struct xf_clock *clock; /* borrowed */
    char *path;
    uint64_t looked_ms;
    struct stat stat; /* of the file that was seen last; zeroes for none */
};

/* `path` NULL or "": there is none. The first look finds a file changed if it is there. */
void xf_dns_file_init(struct xf_dns_file *file, const char *path, const struct xf_clock *clock);
void xf_dns_file_release(struct xf_dns_file *file);

/*
 * Looks at the file if the last look was `every_ms` ago: is it another inode, size or time than
 * then? Whatever is not a regular file counts as none.
 */
bool xf_dns_file_has_changed(struct xf_dns_file *file, uint64_t every_ms);

/* The next look finds it changed if it is there. */
void xf_dns_file_forget(struct xf_dns_file *file);
