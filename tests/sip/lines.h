/* SPDX-License-Identifier: MIT */
/* lines.h — a transcript as statements. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MORE_MAX 64

/* A line, and the indented lines below it. */
struct statement {
    int line;
    char *text;
    char *more[MORE_MAX];
    size_t more_count;
};

struct statements {
    struct statement *item;
    size_t count, cap;
};

/* False: stderr says what is wrong. */
bool statements_load(const char *file, struct statements *out);
void statements_free(struct statements *statements);
