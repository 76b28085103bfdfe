/* SPDX-License-Identifier: MIT */
/*
 * scratch_file.h — a file (SQLite's, with all that lies beside it) in a folder of its own, for a
 * test. Define SCRATCH_FILE, the name of the file, before this is included; make_folder and
 * remove_folder are a checked fixture.
 */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/xfed-test-XXXXXX";
static char path[sizeof(folder) + sizeof(SCRATCH_FILE)];

static void make_folder(void)
{
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/" SCRATCH_FILE, folder);
}

static void remove_folder(void)
{
    static const char *const more[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        char name[sizeof(path) + 16];
        snprintf(name, sizeof(name), "%s%s", path, more[i]);
        (void)unlink(name);
    }
    (void)rmdir(path);
    (void)rmdir(folder);
}
