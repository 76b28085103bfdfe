/* SPDX-License-Identifier: MIT */
/* words.c — times and sizes in words, and values out of answers. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "page_priv.h"

#define DAY_S 86400

const char *xf_page_duration(uint64_t ms, char out[XF_PAGE_WORDS])
{
    uint64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(out, XF_PAGE_WORDS, "%" PRIu64 " ms", ms);
    else if (s < 60)
        snprintf(out, XF_PAGE_WORDS, "%" PRIu64 " s", s);
    else if (s < 3600)
        snprintf(out, XF_PAGE_WORDS, "%" PRIu64 " min", s / 60);
    else if (s < DAY_S)
        snprintf(out, XF_PAGE_WORDS, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
    else
        snprintf(out, XF_PAGE_WORDS, "%" PRIu64 " d %" PRIu64 " h", s / DAY_S, s / 3600 % 24);
    return out;
}

const char *xf_page_bytes(uint64_t bytes, char out[XF_PAGE_WORDS])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    double size = (double)bytes;
    while (size >= 1024 && unit + 1 < XF_ARRAY_LEN(units)) {
        size /= 1024;
        unit++;
    }
    snprintf(out, XF_PAGE_WORDS, "%.*f %s", unit && size < 10 ? 1 : 0, size, units[unit]);
    return out;
}

static struct tm parts_of(int64_t unix_s)
{
    time_t at = (time_t)unix_s;
    struct tm parts = {0};
    (void)gmtime_r(&at, &parts);
    return parts;
}

const char *xf_page_date(int64_t unix_s, char out[XF_PAGE_WORDS])
{
    struct tm parts = parts_of(unix_s);
    if (strftime(out, XF_PAGE_WORDS, "%Y-%m-%d", &parts) == 0)
        *out = '\0';
    return out;
}

const char *xf_page_time(int64_t unix_s, char out[XF_PAGE_WORDS])
{
    struct tm parts = parts_of(unix_s);
    if (strftime(out, XF_PAGE_WORDS, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        *out = '\0';
    return out;
}

const char *xf_page_left(int64_t until_s, int64_t now_s, char out[XF_PAGE_WORDS])
{
    int64_t days = (until_s - now_s) / DAY_S;
    if (until_s <= now_s)
        snprintf(out, XF_PAGE_WORDS, "expired");
    else if (days == 0)
        snprintf(out, XF_PAGE_WORDS, "today");
    else
        snprintf(out, XF_PAGE_WORDS, "in %" PRId64 " day%s", days, days == 1 ? "" : "s");
    return out;
}

/* ------------------------------------------------------------------ values */

static const json_t *find(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    char head[32];
    if (!dot)
        return json_object_get(object, path);
    snprintf(head, sizeof(head), "%.*s", (int)(dot - path), path);
    return find(json_object_get(object, head), dot + 1);
}

const char *xf_page_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(find(object, path));
    return text ? text : "";
}

uint64_t xf_page_number(const json_t *object, const char *path)
{
    json_int_t number = json_integer_value(find(object, path));
    return number < 0 ? 0 : (uint64_t)number;
}

bool xf_page_is(const json_t *object, const char *path)
{
    return json_is_true(find(object, path));
}
