/* SPDX-License-Identifier: MIT */
/* lines.c — reads a transcript. */
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>

static struct statement *add(struct statements *all, int line, const char *text)
{
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 64;
        all->item = xf_realloc(all->item, all->cap * sizeof(*all->item));
    }
    struct statement *statement = &all->item[all->count++];
    *statement = (struct statement){.line = line, .text = xf_strdup(text)};
    return statement;
}

bool statements_load(const char *file, struct statements *out)
{
    FILE *in = fopen(file, "r");
    char *raw = NULL;
    size_t cap = 0;
    struct statement *last = NULL;
    *out = (struct statements){0};
    if (!in) {
        fprintf(stderr, "%s: cannot be read\n", file);
        return false;
    }
    for (int line = 1; getline(&raw, &cap, in) >= 0; line++) {
        raw[strcspn(raw, "\n")] = '\0';
        bool is_more = raw[0] == ' ' || raw[0] == '\t';
        if (raw[0] == '#' || raw[0] == '\0')
            continue;
        if (!is_more)
            last = add(out, line, raw);
        else if (last && last->more_count < MORE_MAX)
            last->more[last->more_count++] = xf_strdup(raw + strspn(raw, " \t"));
    }
    free(raw); /* getline allocated it */
    fclose(in);
    return true;
}

void statements_free(struct statements *all)
{
    for (size_t i = 0; i < all->count; i++) {
        for (size_t k = 0; k < all->item[i].more_count; k++)
            xf_free(all->item[i].more[k]);
        xf_free(all->item[i].text);
    }
    xf_free(all->item);
}
