/* SPDX-License-Identifier: MIT */
/* values.c — values of an answer, and times and sizes in words for people. */
#include <xfed/ask/ask.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <xfed/base/alloc.h>

const json_t *xf_ask_get(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return json_object_get(object, path);
    char *head = xf_strndup(path, (size_t)(dot - path));
    const json_t *inner = json_object_get(object, head);
    xf_free(head);
    return json_object_get(inner, dot + 1);
}

const char *xf_ask_text_of(const json_t *object, const char *path)
{
    const char *text = json_string_value(xf_ask_get(object, path));
    return text ? text : "";
}

uint64_t xf_ask_number_of(const json_t *object, const char *path)
{
    json_int_t number = json_integer_value(xf_ask_get(object, path));
    return number > 0 ? (uint64_t)number : 0;
}

const char *xf_ask_duration(uint64_t ms, char out[32])
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

const char *xf_ask_bytes(uint64_t bytes, char out[32])
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

const char *xf_ask_time(int64_t unix_s, char out[32])
{
    struct tm tm = {0};
    time_t time = (time_t)unix_s;
    if (!localtime_r(&time, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(out, 32, "?");
    return out;
}
