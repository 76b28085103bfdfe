/* SPDX-License-Identifier: MIT */
/*
 * main.c — make a manual page: copy a template of man/, and put for each @name@ in it what the
 * program itself knows. meson runs it; it is not installed.
 *
 * usage: xfed-manual TEMPLATE >PAGE
 */
#include "manual_priv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/err.h>

#define CONF_FILE "@conf_file@" /* stands within a line */

static const struct {
    const char *line;
    void (*put)(FILE *out);
} blocks[] = {
    {"@settings@\n", xf_manual_settings}, {"@synopsis@\n", xf_manual_synopsis},
    {"@modes@\n", xf_manual_modes},       {"@signals@\n", xf_manual_signals},
    {"@exits@\n", xf_manual_exits},       {"@verbs@\n", xf_manual_verbs},
};

static void put_line(const char *line, FILE *out)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(blocks); i++)
        if (strcmp(line, blocks[i].line) == 0) {
            blocks[i].put(out);
            return;
        }
    const char *name = strstr(line, CONF_FILE);
    if (name)
        fprintf(out, "%.*s%s%s", (int)(name - line), line, XFED_CONF_FILE,
                name + strlen(CONF_FILE));
    else
        fputs(line, out);
}

int main(int argc, char **argv)
{
    FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!template) {
        fprintf(stderr, "usage: xfed-manual TEMPLATE >PAGE\n");
        return EXIT_FAILURE;
    }
    char line[1024];
    while (fgets(line, sizeof(line), template))
        put_line(line, stdout);
    bool is_read = !ferror(template);
    fclose(template);
    return is_read && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
