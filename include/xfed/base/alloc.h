/* SPDX-License-Identifier: MIT */
/*
 * alloc.h — memory whose size we choose. When memory is exhausted, the process
 * aborts; memory whose size a peer chooses goes through struct xf_buf, which has a ceiling.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Zeroed memory, never NULL. Free with xf_free. */
void *xf_alloc(size_t bytes);
#define xf_new(type) ((type *)xf_alloc(sizeof(type)))

/* As realloc; new bytes are not zeroed; never NULL. */
void *xf_realloc(void *memory, size_t bytes);

/* Copies, NUL-terminated, never NULL (xf_strdup(NULL) is NULL). Free with xf_free. */
char *xf_strdup(const char *text);
char *xf_strndup(const char *text, size_t len);

/* Like printf, into new memory. */
char *xf_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xf_vasprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* NULL is allowed. */
void xf_free(void *memory);

/*
 * Give free memory back to the system, which malloc would keep. Takes milliseconds: call it after
 * much was freed.
 */
void xf_alloc_trim(void);
