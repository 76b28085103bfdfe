/* SPDX-License-Identifier: MIT */
/*
 * settings.h — memory { }: what peers authenticated with before.
 */
#pragma once

struct xf_history_settings {
    /* SQLite file; "": peers.db in systemd's state directory */
    char *file;
    unsigned peers; /* at most so many are remembered; 0: nothing is */
};
