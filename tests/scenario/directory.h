/* SPDX-License-Identifier: MIT */
/*
 * directory.h — the directory of a world: xf_directory_load and _ask of src/mailmap replaced (the
 * objects come before the library in the link), and a thread pool that works when the world
 * settles, unless it is held.
 */
#pragma once

#include <xfed/mailmap/mailmap.h>

#define DIRECTORY_JOBS_MAX 8

struct directory {
    struct xf_pool pool; /* its run: directory_work */
    struct {
        void (*work)(void *owner), (*done)(void *owner);
        void *owner;
    } jobs[DIRECTORY_JOBS_MAX];
    size_t job_count;
    bool is_held;
};

/* What mail.map holds, and the directory too: JID and e-mail address a line. */
extern const char directory_users[];

/* Work waits for directory_run. */
void directory_work(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                    void *owner);
/* True when something was done. */
bool directory_run(struct directory *directory);
/* For all worlds: it answers, or is out of reach. */
void directory_set_away(bool is_away);
