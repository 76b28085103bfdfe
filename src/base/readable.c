/* SPDX-License-Identifier: MIT */
/* readable.c — durations, sizes and times for people. Test: tests/unit/base/test_readable.c. */
#include <xfed/base/readable.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <xfed/base/clock.h>
#include <xfed/base/err.h>

const char *xf_readable_duration(uint64_t ms, char out[XF_READABLE_BYTES])
{
    uint64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(out, XF_READABLE_BYTES, "%" PRIu64 " ms", ms);
    else if (s < 60)
        snprintf(out, XF_READABLE_BYTES, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
    else if (s < 3600)
        snprintf(out, XF_READABLE_BYTES, "%" PRIu64 " min", s / 60);
    else if (s < XF_DAY_S)
        snprintf(out, XF_READABLE_BYTES, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
    else
        snprintf(out, XF_READABLE_BYTES, "%" PRIu64 " d %" PRIu64 " h", s / XF_DAY_S,
                 s % XF_DAY_S / 3600);
    return out;
}

const char *xf_readable_bytes(uint64_t bytes, char out[XF_READABLE_BYTES])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    size_t unit = 0;
    for (; size >= 1024 && unit + 1 < XF_ARRAY_LEN(units); unit++)
        size /= 1024;
    snprintf(out, XF_READABLE_BYTES, "%.*f %s", unit ? 1 : 0, size, units[unit]);
    return out;
}

static const char *write_time(const struct tm *tm, char out[XF_READABLE_BYTES])
{
    if (!tm || strftime(out, XF_READABLE_BYTES, "%Y-%m-%d %H:%M:%S", tm) == 0)
        snprintf(out, XF_READABLE_BYTES, "?");
    return out;
}

const char *xf_readable_local_time(int64_t unix_s, char out[XF_READABLE_BYTES])
{
    time_t time = (time_t)unix_s;
    struct tm tm;
    return write_time(localtime_r(&time, &tm), out);
}

const char *xf_readable_utc_time(int64_t unix_s, char out[XF_READABLE_BYTES])
{
    time_t time = (time_t)unix_s;
    struct tm tm;
    return write_time(gmtime_r(&time, &tm), out);
}

const char *xf_readable_utc_date(int64_t unix_s, char out[XF_READABLE_BYTES])
{
    (void)xf_readable_utc_time(unix_s, out);
    char *space = strchr(out, ' ');
    if (space)
        *space = '\0';
    return out;
}

const char *xf_readable_left(int64_t until_s, int64_t now_s, char out[XF_READABLE_BYTES])
{
    int64_t days = (until_s - now_s) / XF_DAY_S;
    if (until_s < now_s)
        snprintf(out, XF_READABLE_BYTES, "EXPIRED");
    else if (days == 0)
        snprintf(out, XF_READABLE_BYTES, "less than a day left");
    else
        snprintf(out, XF_READABLE_BYTES, "%" PRId64 " day%s left", days, days == 1 ? "" : "s");
    return out;
}
