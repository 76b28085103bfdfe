/* SPDX-License-Identifier: MIT */
/*
 * settings.h — journal { }: messages that wait for a stream are kept in a file, so that they
 * survive a crash and a restart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xf_journal_settings {
    char *file;        /* SQLite; "": no journal */
    size_t bytes;      /* of all messages in it, as XML */
    unsigned messages; /* how many there may be in it */
    uint64_t age_ms;   /* older ones are returned to their senders at the start */
    bool keep_at_stop; /* what still waits when xfedd stops stays in the journal */
    bool sessions;     /* streams that can be resumed go on in the next process (sessions.h) */
};
