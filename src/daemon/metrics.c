/* SPDX-License-Identifier: MIT */
/*
 * metrics.c — samples for the metrics: asks each layer for what it counts and has now.
 */
#include "daemon_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LABELS(...) XF_LABEL_VALUES(__VA_ARGS__)
#define WORD(text)  xf_span_of(text)

/* ------------------------------------------------------------------ the process */

void xf_daemon_metrics_begin(struct xf_daemon_metrics *metrics)
{
    metrics->metrics = xf_metrics_new();
    metrics->memory_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    metrics->began_s = xf_unix_s();
}

void xf_daemon_metrics_end(struct xf_daemon_metrics *metrics)
{
    if (metrics->memory_fd >= 0)
        (void)close(metrics->memory_fd);
    xf_metrics_free(&metrics->metrics);
}

static void sample_cpu(struct xf_metrics_page *page)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    int64_t s = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec,
            us = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    xf_metrics_sample(page, XF_METRIC_CPU, NULL, s * 1000 + us / 1000);
}

/* proc(5): the second number is the resident pages. */
static void sample_memory(const struct xf_daemon_metrics *metrics, struct xf_metrics_page *page)
{
    char text[128];
    ssize_t len =
        metrics->memory_fd < 0 ? -1 : pread(metrics->memory_fd, text, sizeof(text) - 1, 0);
    const char *space = len > 0 ? memchr(text, ' ', (size_t)len) : NULL;
    if (!space)
        return;
    text[len] = '\0';
    int64_t pages = strtoll(space + 1, NULL, 10);
    xf_metrics_sample(page, XF_METRIC_MEMORY, NULL, pages * sysconf(_SC_PAGESIZE));
}

/* The system gives the lowest free number. */
static void sample_descriptors(struct xf_metrics_page *page)
{
    int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    unsigned max = xf_system_descriptors();
    if (max)
        xf_metrics_sample(page, XF_METRIC_MAX_FDS, NULL, max);
    xf_metrics_sample(page, XF_METRIC_DESCRIPTORS, NULL, next < 0 ? max : (unsigned)next);
    if (next >= 0)
        (void)close(next);
}

static void sample_process(const struct xf_daemon_metrics *metrics, struct xf_metrics_page *page)
{
    xf_metrics_sample(page, XF_METRIC_BUILD, LABELS(WORD(XFED_VERSION)), 1);
    xf_metrics_sample(page, XF_METRIC_START_TIME, NULL, metrics->began_s * 1000);
    sample_cpu(page);
    sample_memory(metrics, page);
    sample_descriptors(page);
}

/* ------------------------------------------------------------------ links */

static void sample_links(const struct xf_daemon *daemon, struct xf_metrics_page *page)
{
    for (size_t i = 0; i < daemon->link_count; i++) {
        struct xf_span title = WORD(daemon->boot->links[i].settings.title);
        xf_metrics_sample(page, XF_METRIC_LINK_UP, LABELS(title), xf_link_is_up(daemon->links[i]));
    }
}

void xf_daemon_sample(void *owner, struct xf_metrics_page *page)
{
    struct xf_daemon *daemon = owner;
    sample_process(&daemon->metrics, page);
    sample_links(daemon, page);
}
