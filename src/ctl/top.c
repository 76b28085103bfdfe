/* SPDX-License-Identifier: MIT */
/*
 * top.c — the streams with the most traffic, again and again. The rate of a stream is what its
 * counts grew by between two looks.
 */
#include "ctl_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/base/err.h>

#define EVERY_S    2
#define LINES_HEAD 3
#define LINES_ELSE 24 /* when the terminal does not say how many it has */

/* clang-format off */
static const struct xf_ctl_column columns[] = {
    {"STREAM", "stream", XF_CTL_COUNT}, {"DIR", "dir", XF_CTL_TEXT}, {"LOCAL", "local", XF_CTL_TEXT}, {"PEER", "peer", XF_CTL_TEXT},
    {"IN/S", "rate_in", XF_CTL_COUNT}, {"OUT/S", "rate_out", XF_CTL_COUNT}, {"UNPROVED", "unproved.stanzas", XF_CTL_COUNT},
    {"PAUSED", "paused", XF_CTL_YES}, {"TLS", "tls", XF_CTL_TEXT}, {"AUTH", "auth", XF_CTL_TEXT}, {"AGE", "age_ms", XF_CTL_DURATION},
};
/* clang-format on */

static bool gather(void *owner, const json_t *row)
{
    json_array_append(owner, (json_t *)(uintptr_t)row);
    return true;
}

static json_t *ask(struct xf_ctl *ctl, const char *verb, json_t *rows, enum xf_ctl_exit *out_exit)
{
    json_t *request = json_object();
    json_object_set_new(request, "verb", json_string(verb));
    json_t *result = xf_ctl_ask(ctl, request, gather, rows, out_exit);
    json_decref(request);
    return result;
}

static size_t screen_lines(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return LINES_ELSE;
    return size.ws_row;
}

/* A key of a stream and pair, to find it again. */
static void key_of(const json_t *row, char out[64], size_t index)
{
    snprintf(out, 64, "%" PRIu64 " %zu", xf_json_number(row, "stream"), index);
}

static json_t *by_key(const json_t *rows)
{
    json_t *map = json_object(), *row;
    char key[64];
    size_t index, same = 0;
    uint64_t last = 0;
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        same = xf_json_number(row, "stream") == last ? same + 1 : 0;
        last = xf_json_number(row, "stream");
        key_of(row, key, same);
        json_object_set(map, key, row);
    }
    return map;
}

static void set_rate(json_t *row, const json_t *before, const char *count, const char *rate,
                     uint64_t ms)
{
    uint64_t was = before ? xf_json_number(before, count) : 0;
    uint64_t is = xf_json_number(row, count);
    json_object_set_new(row, rate,
                        json_integer(is > was && ms ? (json_int_t)((is - was) * 1000 / ms) : 0));
}

static void set_rates(json_t *now, const json_t *before, uint64_t ms)
{
    const char *key;
    json_t *row;
    json_object_foreach(now, key, row)
    {
        const json_t *old = json_object_get(before, key);
        set_rate(row, old, "stanzas_in", "rate_in", ms);
        set_rate(row, old, "stanzas_out", "rate_out", ms);
    }
}

static int by_traffic(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    uint64_t of_left = xf_json_number(left, "rate_in") + xf_json_number(left, "rate_out");
    uint64_t of_right = xf_json_number(right, "rate_in") + xf_json_number(right, "rate_out");
    return of_left < of_right ? 1 : of_left > of_right ? -1 : 0;
}

static json_t *busiest(json_t *rows, size_t most)
{
    size_t count = json_array_size(rows);
    json_t **sorted = xf_alloc((count + 1) * sizeof(*sorted));
    json_t *top = json_array();
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(rows, i);
    qsort(sorted, count, sizeof(*sorted), by_traffic);
    for (size_t i = 0; i < count && i < most; i++)
        json_array_append(top, sorted[i]);
    xf_free(sorted);
    return top;
}

static void print_screen(const json_t *status, json_t *rows)
{
    char up[XF_READABLE_BYTES], bytes[XF_READABLE_BYTES];
    size_t lines = screen_lines();
    json_t *top = busiest(rows, lines > LINES_HEAD + 1 ? lines - LINES_HEAD - 1 : 1);
    if (isatty(STDOUT_FILENO))
        fputs("\x1b[H\x1b[2J", stdout);
    printf("xfedd %s, %s for %s; streams in %" PRIu64 ", out %" PRIu64 "; waiting %" PRIu64
           " stanzas, %s\n\n",
           xf_json_text(status, "version"), xf_json_text(status, "state"),
           xf_readable_duration(xf_json_number(status, "uptime_ms"), up),
           xf_json_number(status, "streams.in"), xf_json_number(status, "streams.out"),
           xf_json_number(status, "waiting.stanzas"),
           xf_readable_bytes(xf_json_number(status, "waiting.bytes"), bytes));
    xf_ctl_table(columns, XF_ARRAY_LEN(columns), top);
    fflush(stdout);
    json_decref(top);
}

enum xf_ctl_exit xf_ctl_top(struct xf_ctl *ctl)
{
    const struct timespec pause = {.tv_sec = EVERY_S};
    enum xf_ctl_exit code = XF_CTL_OK;
    json_t *before = NULL;
    uint64_t before_ms = 0;
    while (code == XF_CTL_OK) {
        json_t *rows = json_array(), *nothing = json_array();
        json_t *status = ask(ctl, "status", nothing, &code);
        json_t *result = status ? ask(ctl, "streams", rows, &code) : NULL;
        uint64_t now_ms = xf_monotonic_ms();
        if (result && !ctl->is_json) {
            json_t *now = by_key(rows);
            set_rates(now, before, before ? now_ms - before_ms : 0);
            print_screen(status, rows);
            json_decref(before);
            before = now;
            before_ms = now_ms;
        }
        json_decref(rows);
        json_decref(nothing);
        json_decref(status);
        json_decref(result);
        if (code == XF_CTL_OK)
            nanosleep(&pause, NULL);
    }
    json_decref(before);
    return code;
}
