/* SPDX-License-Identifier: MIT */
/*
 * blocklists.c — policy { blocklists }: reads the files together with the configuration, and lets
 * their entries expire.
 *
 * A list with an invalid line is refused like a configuration with an error: by -t, at a start, and
 * at a reload, which then changes nothing. Days begin at midnight UTC; we check the clock at least
 * every hour, since it may be set.
 */
#include "daemon_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/base/log.h>

#define FILE_MAX_BYTES (256u << 20)
#define READ_BYTES     65536
#define HOUR_MS        3600000

/* ---- reading */

static enum xf_err read_file(const char *file, struct xf_buf *out, struct xf_error *err)
{
    char bytes[READ_BYTES], words[128];
    size_t len;
    FILE *in = fopen(file, "re");
    if (!in)
        return xf_fail(err, XF_ERR_IO, "%.120s: %s", file, strerror_r(errno, words, sizeof(words)));
    enum xf_err result = XF_ERR_OK;
    while (result == XF_ERR_OK && (len = fread(bytes, 1, sizeof(bytes), in)) > 0)
        if (xf_buf_try_append(out, bytes, len) != XF_ERR_OK)
            result = xf_fail(err, XF_ERR_IO, "%.120s: expected at most %u MiB", file,
                             FILE_MAX_BYTES >> 20);
    if (result == XF_ERR_OK && ferror(in))
        result = xf_fail(err, XF_ERR_IO, "%.120s: cannot be read to its end", file);
    fclose(in);
    return result;
}

static enum xf_err add_file(struct xf_blocklist *list, const char *file, struct xf_error *err)
{
    struct xf_buf text;
    xf_buf_init(&text, FILE_MAX_BYTES);
    enum xf_err result = read_file(file, &text, err);
    if (result == XF_ERR_OK)
        result = xf_blocklist_add(list, file, xf_buf_span(&text), err);
    xf_buf_release(&text);
    return result;
}

struct xf_blocklist *xf_blocklists_load(const struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_at at = {conf, &conf->policy_at};
    size_t errors = report->errors;
    if (conf->policy.blocklists.count == 0)
        return NULL;
    struct xf_blocklist *list = xf_blocklist_new();
    for (size_t i = 0; i < conf->policy.blocklists.count; i++) {
        struct xf_error err = {0};
        if (add_file(list, conf->policy.blocklists.item[i], &err) != XF_ERR_OK)
            xf_report_error(report, &at, "blocklists", "blocklists: %s", err.detail);
    }
    if (report->errors > errors)
        xf_blocklist_free(&list);
    return list;
}

const char *xf_blocklists_refusal(const struct xf_conf *conf, const struct xf_blocklist *list)
{
    return conf->policy.blocklists.count > 0 && !list ? "a blocklist cannot be read" : NULL;
}

/* ---- days */

static void on_look(void *owner)
{
    struct xf_daemon *daemon = owner;
    int64_t now_s = xf_unix_s(), left_s = XF_DAY_S - now_s % XF_DAY_S;
    uint64_t wait_ms = left_s * 1000 < HOUR_MS ? (uint64_t)left_s * 1000 : HOUR_MS;
    xf_timer_start(daemon->env.env.timers, &daemon->day_timer, wait_ms);
    if (now_s / XF_DAY_S == daemon->day)
        return;
    daemon->day = now_s / XF_DAY_S;
    xf_policy_set_time(daemon->policy, now_s);
    xf_daemon_reload_sip(daemon);
    /* The verdicts that routes keep may have changed. */
    xf_routing_reload(daemon->routing, daemon->policy, &daemon->conf->routing);
}

void xf_blocklists_watch(struct xf_daemon *daemon)
{
    daemon->day = xf_unix_s() / XF_DAY_S;
    xf_timer_init(&daemon->day_timer, on_look, daemon);
    on_look(daemon);
}
