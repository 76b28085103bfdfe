/* SPDX-License-Identifier: MIT */
/* text.c — times, sizes and texts of strangers, for people. */
#include "ctl_priv.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <xfed/base/utf8.h>

/* Length of the character at `p`; 0: it is none that may be shown. */
static size_t shown_len(const unsigned char *p, size_t left)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    if (len > left || !xf_utf8_valid((const char *)p, len) || *p < 0x20 || *p == 0x7F)
        return 0;
    if (len == 2 && p[0] == 0xC2 && p[1] < 0xA0) /* C1 */
        return 0;
    bool turns = len == 3 && p[0] == 0xE2 &&
                 ((p[1] == 0x80 && p[2] >= 0x8B && p[2] <= 0xAE) ||
                  (p[1] == 0x81 && p[2] >= 0xA0 && p[2] <= 0xAF));
    return turns ? 0 : len;
}

void xf_ctl_print_text(const char *text, FILE *out)
{
    for (size_t left = strlen(text); left > 0;) {
        size_t len = shown_len((const unsigned char *)text, left);
        if (len == 0)
            fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            fwrite(text, 1, len, out);
        text += len ? len : 1;
        left -= len ? len : 1;
    }
}

size_t xf_ctl_width(const char *text)
{
    size_t width = 0;
    for (size_t left = strlen(text); left > 0;) {
        size_t len = shown_len((const unsigned char *)text, left);
        width += len ? 1 : 4;
        text += len ? len : 1;
        left -= len ? len : 1;
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
