/* SPDX-License-Identifier: MIT */
/*
 * audit.c — gathers lines, and has the thread pool write them: one batch at a time, to disk before
 * the next one. What cannot be written waits, up to WAITING_BYTES_MAX, and is tried again every
 * RETRY_MS; what does not fit is counted and told. Test: tests/unit/audit/test_audit.c.
 */
#include "audit_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/base/help.h>

#define WAITING_BYTES_MAX (4u << 20)
#define RETRY_MS          5000

struct xf_audit {
    struct xf_log_watcher watcher;
    struct xf_audit_opts opts;
    int syslog; /* -1: none */
    uint64_t number;
    uint64_t lost; /* lines for which there was no room, since writing failed */
    struct xf_buf waiting;
    struct xf_timer retry;
    bool is_writing, has_failed, is_stopped;
    /* Of the batch that the pool writes. */
    struct xf_buf batch;
    char failure[160]; /* "": none */
};

/* ---- on the pool, or at the end */

static bool fail(struct xf_audit *audit, const char *what)
{
    char words[96];
    (void)snprintf(audit->failure, sizeof(audit->failure), "%s: %s", what,
                   strerror_r(errno, words, sizeof(words)));
    return false;
}

static bool take_back(struct xf_audit *audit, int fd, off_t end, const char *what)
{
    (void)fail(audit, what);
    (void)!ftruncate(fd, end);
    return false;
}

/* All of the batch or nothing: what was written before the disk failed is taken back. */
static bool append(struct xf_audit *audit, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return fail(audit, "not a regular file");
    }
    struct xf_span rest = xf_buf_span(&audit->batch);
    while (rest.len > 0) {
        ssize_t written = write(fd, rest.ptr, rest.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return take_back(audit, fd, st.st_size, "cannot be written");
        rest.ptr += written;
        rest.len -= (size_t)written;
    }
    if (fdatasync(fd) != 0)
        return take_back(audit, fd, st.st_size, "cannot be written to disk");
    xf_buf_consume(&audit->batch, audit->batch.len);
    return true;
}

static void send_to_syslog(struct xf_audit *audit)
{
    struct xf_span rest = xf_buf_span(&audit->batch);
    while (audit->syslog >= 0 && rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = (size_t)(end - rest.ptr);
        if (!xf_audit_syslog_send(audit->syslog, (struct xf_span){rest.ptr, len}))
            return; /* the file has it */
        rest.ptr += len + 1;
        rest.len -= len + 1;
    }
}

static void write_batch(void *owner)
{
    struct xf_audit *audit = owner;
    const char *file = audit->opts.settings->file;
    audit->failure[0] = '\0';
    if (!audit->has_failed)
        send_to_syslog(audit);
    if (!*file) {
        xf_buf_consume(&audit->batch, audit->batch.len);
        return;
    }
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        (void)fail(audit, "cannot be opened");
    else
        (void)append(audit, fd);
    if (fd >= 0)
        (void)close(fd);
}

/* ---- on the loop */

static void begin(struct xf_audit *audit);

static void tell(struct xf_audit *audit)
{
    bool has_failed = audit->failure[0] != '\0';
    if (has_failed && !audit->has_failed)
        xf_log(XF_LOG_ERROR, "audit.write.failed", XF_STR("file", audit->opts.settings->file),
               XF_STR("detail", audit->failure), XF_HELP(XF_HELP_FILE_UNWRITABLE));
    else if (!has_failed && audit->has_failed)
        xf_log(XF_LOG_WARN, "audit.write.recovered", XF_STR("file", audit->opts.settings->file),
               XF_INT("lost", audit->lost));
    if (!has_failed)
        audit->lost = 0;
    audit->has_failed = has_failed;
}

static void on_written(void *owner)
{
    struct xf_audit *audit = owner;
    audit->is_writing = false;
    if (audit->is_stopped)
        return; /* xf_audit_free writes the rest */
    tell(audit);
    if (audit->has_failed)
        xf_timer_start(audit->opts.timers, &audit->retry, RETRY_MS);
    else
        begin(audit);
}

/* A batch that failed goes first, and in whole. False: there is nothing to write. */
static bool take_batch(struct xf_audit *audit)
{
    if (audit->batch.len == 0) {
        struct xf_buf empty = audit->batch;
        audit->batch = audit->waiting;
        audit->waiting = empty;
    }
    return audit->batch.len > 0;
}

static void begin(struct xf_audit *audit)
{
    if (audit->is_writing || !take_batch(audit))
        return;
    audit->is_writing = true;
    xf_pool_run(audit->opts.pool, write_batch, on_written, audit);
}

static void on_retry(void *owner)
{
    begin(owner);
}

static void on_event(struct xf_log_watcher *watcher, const struct xf_log_event *event)
{
    struct xf_audit *audit = XF_CONTAINER(watcher, struct xf_audit, watcher);
    const char *kind = xf_audit_kind(event);
    if (!kind)
        return;
    if (xf_audit_record(event, kind, xf_unix_ms(), ++audit->number, &audit->waiting) != XF_ERR_OK)
        audit->lost++;
    if (!audit->has_failed && !audit->is_writing && !xf_timer_is_running(&audit->retry))
        xf_timer_start(audit->opts.timers, &audit->retry, 0); /* with the rest of this turn */
}

struct xf_audit *xf_audit_new(const struct xf_audit_opts *opts)
{
    if (!*opts->settings->file && !opts->settings->syslog)
        return NULL;
    struct xf_audit *audit = xf_new(struct xf_audit);
    audit->opts = *opts;
    audit->syslog = opts->settings->syslog ? xf_audit_syslog_open() : -1;
    xf_buf_init(&audit->waiting, WAITING_BYTES_MAX);
    xf_buf_init(&audit->batch, WAITING_BYTES_MAX);
    xf_timer_init(&audit->retry, on_retry, audit);
    audit->watcher.see = on_event;
    xf_log_watch(&audit->watcher);
    return audit;
}

void xf_audit_stop(struct xf_audit *audit)
{
    if (!audit || audit->is_stopped)
        return;
    audit->is_stopped = true;
    xf_log_unwatch(&audit->watcher);
    xf_timer_stop(&audit->retry);
}

bool xf_audit_is_writing(const struct xf_audit *audit)
{
    return audit && audit->is_writing;
}

void xf_audit_free(struct xf_audit **audit)
{
    struct xf_audit *s = *audit;
    if (!s)
        return;
    *audit = NULL;
    xf_audit_stop(s);
    xf_require(!s->is_writing);
    for (int i = 0; i < 2 && take_batch(s); i++) /* what the pool could not write, and what waits */
        write_batch(s);
    tell(s);
    if (s->syslog >= 0)
        (void)close(s->syslog);
    xf_buf_release(&s->waiting);
    xf_buf_release(&s->batch);
    xf_free(s);
}
