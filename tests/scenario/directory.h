/* SPDX-License-Identifier: MIT */
/*
 * directory.h — the LDAP directory of a world. It replaces xf_directory_load and xf_directory_ask
 * of src/mailmap (the objects come before the library in the link), and brings a thread pool that
 * works when the world settles, unless it is held.
 */
#pragma once

#include <xfed/mailmap/mailmap.h>

#define DIRECTORY_JOBS_MAX 8

struct directory {
    struct xf_pool pool; /* pool.run is directory_work */
    struct {
        void (*work)(void *owner), (*done)(void *owner);
        void *owner;
    } jobs[DIRECTORY_JOBS_MAX];
    size_t job_count;
    bool is_held;
};

/* The users in mail.map, and in the directory too: JID and e-mail address, one user a line. */
extern const char directory_users[];

/* The work waits until directory_run. */
void directory_work(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                    void *owner);
/* Do the work that waits, unless it is held. True when something was done. */
bool directory_run(struct directory *directory);
/* The directory of all worlds answers, or cannot be reached. */
void directory_set_away(bool is_away);
