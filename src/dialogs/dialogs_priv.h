/* SPDX-License-Identifier: MIT */
/* dialogs_priv.h — what the files of dialogs share. */
#pragma once

#include <xfed/base/map.h>
#include <xfed/dialogs/dialogs.h>

struct xf_database;

/* What the file is to hold under a key, which is in the map of changes. */
struct xf_dialogs_change {
    bool is_removed; /* nothing; without the rest */
    int64_t expires_s;
    size_t len;
    char record[];
};

/* Changes that are written together. The file's thread has it meanwhile. */
struct xf_dialogs_batch {
    struct xf_map *changes; /* key -> struct xf_dialogs_change */
    bool clears;            /* what the file has now is out of date: delete it first */
    int64_t now_s;          /* what has expired then is deleted */
    size_t records;         /* at most in the file */
    size_t out_dropped;     /* how many found no room */
};

/* ---- file.c */
struct xf_dialogs_file {
    struct xf_database *database;
    int64_t count; /* rows */
    int64_t start; /* how often the file was opened, this time included */
};

/* As xf_database_open. */
XF_MUST_USE enum xf_err xf_dialogs_file_open(const char *path, struct xf_dialogs_file *out_file,
                                             struct xf_error *err);
void xf_dialogs_file_close(struct xf_dialogs_file *file);

struct xf_dialogs_read {
    size_t records, expired, damaged;
};
/* XF_ERR_IO with words: some could not be read. */
XF_MUST_USE enum xf_err xf_dialogs_file_read(struct xf_dialogs_file *file, int64_t now_s,
                                             xf_dialogs_read_fn read, void *owner,
                                             struct xf_dialogs_read *out, struct xf_error *err);
/* XF_ERR_IO with words: the file has none of it. */
XF_MUST_USE enum xf_err xf_dialogs_file_write(struct xf_dialogs_file *file,
                                              struct xf_dialogs_batch *batch, struct xf_error *err);
