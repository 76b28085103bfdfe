/* SPDX-License-Identifier: MIT */
/*
 * settings.h — memory { }: the history of peers, how each authenticated before.
 */
#pragma once

struct xf_history_settings {
    /* SQLite file; "": peers.db in systemd's state directory */
    char *file;
    unsigned peers; /* how many peers to remember; 0: none */
};
