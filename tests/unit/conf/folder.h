/* SPDX-License-Identifier: MIT */
/* folder.h — a scratch folder with files for tests of what is read from files. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
    char names[16][64]; /* of the files made in it */
    int count;
};

static inline void folder_make(struct folder *folder)
{
    *folder = (struct folder){.path = "/tmp/xfed-test-XXXXXX"};
    if (!mkdtemp(folder->path))
        abort();
}

/* A file of mode 0600; "name" stays valid until the folder goes. */
static inline void folder_put(struct folder *folder, const char *name, const char *bytes,
                              size_t len)
{
    char path[160];
    int known = 0;
    for (int i = 0; i < folder->count; i++)
        known |= strcmp(folder->names[i], name) == 0;
    if (!known)
        snprintf(folder->names[folder->count++], sizeof(folder->names[0]), "%s", name);
    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    FILE *out = fopen(path, "w");
    if (!out || fwrite(bytes, 1, len, out) != len || fclose(out) != 0 || chmod(path, 0600) != 0)
        abort();
}

static inline void folder_put_text(struct folder *folder, const char *name, const char *text)
{
    folder_put(folder, name, text, strlen(text));
}

static inline void folder_chmod(const struct folder *folder, const char *name, mode_t mode)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    if (chmod(path, mode) != 0)
        abort();
}

static inline void folder_remove(struct folder *folder)
{
    for (int i = 0; i < folder->count; i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/%s", folder->path, folder->names[i]);
        unlink(path);
    }
    rmdir(folder->path);
}
