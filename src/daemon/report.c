/* SPDX-License-Identifier: MIT */
/*
 * report.c — messages about the files that a configuration names: `FILE:LINE: what is wrong: what
 * is expected`, one on each line, with the line of the key that names the file.
 */
#include "daemon_priv.h"

#include <stdarg.h>
#include <stdio.h>

#define REPORT_MAX_BYTES   (96u << 10) /* what conf has found comes first, 64 KiB at most */
#define WARNINGS_MAX_BYTES (REPORT_MAX_BYTES - (16u << 10)) /* room for what refuses the file */

void xf_report_init(struct xf_report *report)
{
    *report = (struct xf_report){0};
    xf_buf_init(&report->text, REPORT_MAX_BYTES);
}

void xf_report_release(struct xf_report *report)
{
    xf_buf_release(&report->text);
}

static void XF_PRINTF(5, 0) add(struct xf_report *report, const struct xf_at *at, const char *key,
                                const char *severity, const char *fmt, va_list args)
{
    char words[1024], message[1600], number[16] = "";
    int line = xf_conf_line(at->place, key);
    vsnprintf(words, sizeof(words), fmt, args);
    if (line > 0)
        snprintf(number, sizeof(number), ":%d", line);
    int len = snprintf(message, sizeof(message), "%s%.400s%s: %s%s", report->text.len ? "\n" : "",
                       at->place->file ? at->place->file : at->conf->file, number, severity, words);
    if (*severity && report->text.len + (size_t)len > WARNINGS_MAX_BYTES)
        return; /* the first hundreds must do */
    /* If the buffer is full, the first hundreds of messages must do. */
    (void)!xf_buf_try_append(&report->text, message, (size_t)len);
}

void xf_report_error(struct xf_report *report, const struct xf_at *at, const char *key,
                     const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(report, at, key, "", fmt, args);
    va_end(args);
    report->errors++;
}

void xf_report_warning(struct xf_report *report, const struct xf_at *at, const char *key,
                       const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(report, at, key, "warning: ", fmt, args);
    va_end(args);
}
