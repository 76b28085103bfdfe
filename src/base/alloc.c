/* SPDX-License-Identifier: MIT */
/*
 * alloc.c — the only callers of malloc and free.
 *
 * We choose the sizes that are requested here, so when an allocation fails, the machine is out of
 * memory: dropping a stanza would not help, and code to recover would be code that was never run.
 * So we abort. A size of 0 gives a real pointer, so that NULL always means "nothing".
 */
#include <xfed/base/alloc.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/err.h>

void *xf_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);

    xf_require(memory);
    return memory;
}

void *xf_realloc(void *memory, size_t bytes)
{
    void *moved = realloc(memory, bytes ? bytes : 1);

    xf_require(moved);
    return moved;
}

char *xf_strdup(const char *text)
{
    return text ? xf_strndup(text, strlen(text)) : NULL;
}

char *xf_strndup(const char *text, size_t len)
{
    char *copy = xf_realloc(NULL, len + 1);

    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *xf_vasprintf(const char *fmt, va_list args)
{
    char *text = NULL;

    xf_require(vasprintf(&text, fmt, args) >= 0);
    return text;
}

char *xf_asprintf(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = xf_vasprintf(fmt, args);
    va_end(args);
    return text;
}

void xf_free(void *memory)
{
    free(memory);
}

void xf_alloc_trim(void)
{
    (void)malloc_trim(0); /* 0: nothing could be given back */
}
