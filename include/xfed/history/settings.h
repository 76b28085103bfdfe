/* SPDX-License-Identifier: MIT */
/*
 * settings.h — memory { }: the history of peers, how each authenticated before.
 */
#pragma once

#include <stdint.h>

struct xf_history_settings {
    /* SQLite file; "": peers.db in systemd's state directory */
    char *file;
    unsigned peers; /* how many peers to remember; 0: none */
    /* In place of the file: a PostgreSQL database that several nodes share; "": none */
    char *uri;
    char *password_file; /* "": none */
    char *password;      /* from password-file */
    char *node;          /* name of this node among them; "": the name of the machine */
    uint64_t heartbeat_ms;
    /* Of peers with protocol = auto: how long what they authenticated by last says what they are */
    uint64_t owner_ms;
    unsigned auto_per_owner; /* ... and of how many domains of one owner that is known */
};
