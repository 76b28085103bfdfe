/* SPDX-License-Identifier: MIT */
/*
 * metrics_priv.h — what the files of metrics share.
 *
 *   registry.c   the values that are kept here
 *   events.c     log events -> these values: a table
 *   text.c       the text of labels and samples
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/base/map.h>
#include <xfed/metrics/metrics.h>

enum xf_metric_type { XF_METRIC_COUNTER, XF_METRIC_GAUGE, XF_METRIC_HISTOGRAM, XF_METRIC_INFO };

struct xf_metric_family {
    enum xf_metric_type type;
    const char *name, *unit;
    const char *labels[XF_METRIC_LABELS_MAX]; /* the first NULL ends them */
    const char *help;
};

/* One combination of labels. */
struct xf_series {
    int64_t value;
    struct xf_histogram *histogram; /* owned; NULL: not a histogram */
};

struct xf_metrics {
    /* text of the labels (xf_labels_write) -> struct xf_series, owned; NULL: nothing is kept */
    struct xf_map *series[XF_METRIC_COUNT];
    struct xf_buf scratch; /* text of the labels that are looked up */
    struct xf_log_watcher watcher;
    struct xf_map *events; /* name -> the first of its rows in events.c; NULL: it does not watch */
};

/* ---- registry.c */
extern const struct xf_metric_family xf_metric_families[XF_METRIC_COUNT];

/* ---- events.c */
void xf_events_end(struct xf_metrics *metrics);

/* ---- text.c */
/*
 * Replaces the content of `out` by `dir="in",kind="iq"`; by nothing for a family without labels.
 * XF_ERR_LIMIT: there is no room.
 */
XF_MUST_USE enum xf_err xf_labels_write(struct xf_buf *out, const struct xf_metric_family *family,
                                        const struct xf_label_values *values);
