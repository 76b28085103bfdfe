/* SPDX-License-Identifier: MIT */
/*
 * replay.c — run a fuzz target over files and folders without libFuzzer: the corpus as a test, and
 * one input of a finding again.
 *
 *     fuzz_xml tests/fuzz/corpus/xml FILE...
 *
 * Each input is copied to memory of exactly its size, so that a sanitiser or valgrind sees a byte
 * read too far.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <xfed/base/alloc.h>

#define INPUT_MAX_BYTES (1u << 20)

static bool replay_file(const char *path)
{
    struct stat facts;
    FILE *file = fopen(path, "re");
    if (!file || fstat(fileno(file), &facts) != 0 || facts.st_size > INPUT_MAX_BYTES) {
        fprintf(stderr, "%s: cannot be opened, or is larger than %u bytes\n", path,
                INPUT_MAX_BYTES);
        if (file)
            (void)fclose(file); /* read only */
        return false;
    }
    size_t room = (size_t)facts.st_size;
    uint8_t *bytes = xf_alloc(room ? room : 1);
    size_t len = fread(bytes, 1, room, file);
    (void)fclose(file); /* read only */
    if (getenv("FUZZ_NAMES"))
        fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(bytes, len);
    xf_free(bytes);
    return true;
}

/* The number of inputs, or -1. */
static int replay_folder(const char *path)
{
    struct dirent **entries;
    int found = scandir(path, &entries, NULL, alphasort), count = 0;
    for (int i = 0; i < found; i++) {
        char *file = xf_asprintf("%s/%s", path, entries[i]->d_name);
        if (count >= 0 && entries[i]->d_name[0] != '.')
            count = replay_file(file) ? count + 1 : -1;
        xf_free(file);
        free(entries[i]); /* scandir's own */
    }
    if (found >= 0)
        free(entries); /* scandir's own */
    return found < 0 ? -1 : count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat facts;
        bool is_folder = stat(argv[i], &facts) == 0 && S_ISDIR(facts.st_mode);
        int count = is_folder ? replay_folder(argv[i]) : replay_file(argv[i]) ? 1 : -1;
        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
