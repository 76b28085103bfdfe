/* SPDX-License-Identifier: MIT */
/* text.c — times, sizes and texts of strangers, for people. */
#include "ctl_priv.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <xfed/base/utf8.h>

void xf_ctl_print_text(const char *text, FILE *out)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t left = strlen(text); left > 0;) {
        size_t shown = xf_utf8_shown(p, left), len = shown ? shown : xf_utf8_unshown(p, left);
        if (shown)
            fwrite(p, 1, len, out);
        for (size_t i = 0; i < len && !shown; i++)
            fprintf(out, "\\x%02x", p[i]);
        p += len;
        left -= len;
    }
}

size_t xf_ctl_width(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t width = 0;
    for (size_t left = strlen(text); left > 0;) {
        size_t shown = xf_utf8_shown(p, left), len = shown ? shown : xf_utf8_unshown(p, left);
        width += shown ? 1 : 4 * len;
        p += len;
        left -= len;
    }
    return width;
}

const char *xf_ctl_duration(uint64_t ms, char out[32])
{
    uint64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(out, 32, "%" PRIu64 " ms", ms);
    else if (s < 60)
        snprintf(out, 32, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
    else if (s < 3600)
        snprintf(out, 32, "%" PRIu64 " min", s / 60);
    else if (s < 86400)
        snprintf(out, 32, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
    else
        snprintf(out, 32, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
    return out;
}

const char *xf_ctl_bytes(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(out, 32, "%" PRIu64 " B", bytes);
        return out;
    }
    for (; value >= 1024 && unit < 2; unit++)
        value /= 1024;
    snprintf(out, 32, "%.1f %s", value, units[unit]);
    return out;
}

const char *xf_ctl_time(int64_t unix_s, char out[32])
{
    struct tm tm = {0};
    time_t time = (time_t)unix_s;
    if (!localtime_r(&time, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(out, 32, "?");
    return out;
}
