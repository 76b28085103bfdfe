/* SPDX-License-Identifier: MIT */
/*
 * problems.c — messages about a configuration, one a line: `FILE:LINE: what is wrong, what is
 * accepted`.
 *
 * They are collected, not printed: a reload logs them, `xfedd -t` prints them. For a file with
 * thousands of mistakes, the messages are cut at the ceiling of the buffer. Warnings may fill half
 * of it, since whoever reads that the file is refused must also read why.
 */
#include "conf_priv.h"

#include <stdarg.h>
#include <xfed/base/alloc.h>

#define MESSAGES_MAX_BYTES (64u << 10)
#define WARNINGS_MAX_BYTES (MESSAGES_MAX_BYTES / 2)
#define MESSAGE_MAX_BYTES  1024

void xf_problems_init(struct xf_problems *problems)
{
    *problems = (struct xf_problems){0};
    xf_buf_init(&problems->text, MESSAGES_MAX_BYTES);
}

static void XF_PRINTF(5, 0) add(struct xf_problems *problems, const char *file, int line,
                                const char *severity, const char *fmt, va_list args)
{
    char words[MESSAGE_MAX_BYTES], message[MESSAGE_MAX_BYTES + 512], number[16] = "";
    if (line > 0)
        snprintf(number, sizeof(number), ":%d", line);
    vsnprintf(words, sizeof(words), fmt, args);
    int len = snprintf(message, sizeof(message), "%.400s%s: %s%s\n", file, number, severity, words);
    if (*severity && problems->text.len + (size_t)len > WARNINGS_MAX_BYTES) {
        if (problems->has_more)
            return;
        problems->has_more = true;
        len = snprintf(message, sizeof(message), "%.400s: warning: there are further warnings\n",
                       file);
    }
    /* If the buffer is full, the first hundreds of messages must do. */
    (void)!xf_buf_try_append(&problems->text, message, (size_t)len);
}

void xf_problem(struct xf_problems *problems, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(problems, file, line, "", fmt, args);
    va_end(args);
    problems->errors++;
}

void xf_warning(struct xf_problems *problems, const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(problems, file, line, "warning: ", fmt, args);
    va_end(args);
}

char *xf_problems_take(struct xf_problems *problems)
{
    char *text = NULL;
    if (problems->text.len > 0)
        text = xf_strndup(xf_buf_ptr(&problems->text), problems->text.len - 1);
    xf_buf_release(&problems->text);
    return text;
}
