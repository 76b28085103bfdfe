/* SPDX-License-Identifier: MIT */
/*
 * file.c — a file of the system that is read again when it changes.
 *
 * /etc/hosts and resolv.conf are written by others, who do not tell us. Checking and reading block
 * the loop, which is acceptable for one small local file.
 */
#include "file_priv.h"

#include <xfed/base/alloc.h>

void xf_dns_file_init(struct xf_dns_file *file, const char *path, const struct xf_clock *clock)
{
    *file = (struct xf_dns_file){.clock = clock, .path = xf_strdup(path ? path : "")};
}

void xf_dns_file_release(struct xf_dns_file *file)
{
    xf_free(file->path);
    file->path = NULL;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool xf_dns_file_has_changed(struct xf_dns_file *file, uint64_t every_ms)
{
    struct stat now = {0};

    if (file->clock->now_ms - file->looked_ms < every_ms)
        return false;
    file->looked_ms = file->clock->now_ms;
    if (file->path[0] == '\0' || stat(file->path, &now) != 0 || !S_ISREG(now.st_mode))
        now = (struct stat){0};
    if (is_same(&now, &file->stat))
        return false;
    file->stat = now;
    return true;
}

void xf_dns_file_forget(struct xf_dns_file *file)
{
    file->stat = (struct stat){0};
}
