/* SPDX-License-Identifier: MIT */
/*
 * metrics.h — counters, gauges and histograms of the families in families.h, and their text for a
 * scraper: OpenMetrics 1.0, or the text format 0.0.4 of Prometheus. No I/O.
 *
 * A value comes from one of two places. Some are kept here: what log events say, counted by the
 * table in src/metrics/events.c, so that log and metrics never disagree. All others are counted
 * where they happen, in counts of their layer, and sampled when somebody asks for the text.
 *
 * A family in seconds takes milliseconds.
 */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>
#include <xfed/base/histogram.h>
#include <xfed/base/log.h>
#include <xfed/metrics/families.h>

enum xf_metrics_format { XF_METRICS_OPENMETRICS, XF_METRICS_TEXT };

/* Values of a family's labels, in its order; absent ones become "". Any bytes: they are escaped. */
struct xf_label_values {
    struct xf_span of[XF_METRIC_LABELS_MAX];
};
#define XF_LABEL_VALUES(...) (&(const struct xf_label_values){{__VA_ARGS__}})

struct xf_metrics;
struct xf_metrics *xf_metrics_new(void);
void xf_metrics_free(struct xf_metrics **metrics);

/*
 * Count log events from now on, as the table in src/metrics/events.c says. Stops at
 * xf_metrics_free.
 */
void xf_metrics_watch_log(struct xf_metrics *metrics);

/*
 * Values that are kept here; a family has at most XF_METRICS_SERIES_MAX combinations of labels, and
 * further ones count as "other" in each label.
 */
#define XF_METRICS_SERIES_MAX 256
void xf_metrics_add(struct xf_metrics *metrics, enum xf_metric metric,
                    const struct xf_label_values *labels, int64_t by);
void xf_metrics_set(struct xf_metrics *metrics, enum xf_metric metric,
                    const struct xf_label_values *labels, int64_t value);
void xf_metrics_observe(struct xf_metrics *metrics, enum xf_metric metric,
                        const struct xf_label_values *labels, uint64_t ms);

/*
 * A text under way. A source gives its samples in any order, each combination of labels of a family
 * once; `labels` NULL: the family has none.
 */
struct xf_metrics_page;
typedef void (*xf_metrics_source_fn)(void *owner, struct xf_metrics_page *page);
void xf_metrics_sample(struct xf_metrics_page *page, enum xf_metric metric,
                       const struct xf_label_values *labels, int64_t value);
void xf_metrics_sample_histogram(struct xf_metrics_page *page, enum xf_metric metric,
                                 const struct xf_label_values *labels,
                                 const struct xf_histogram *histogram);

/*
 * Append the text of all families: first their metadata, then what is kept here and what `source`
 * gives. XF_ERR_LIMIT: it does not fit into `out`, which is unchanged.
 */
XF_MUST_USE enum xf_err xf_metrics_write(const struct xf_metrics *metrics,
                                         enum xf_metrics_format format, xf_metrics_source_fn source,
                                         void *owner, struct xf_buf *out);

/* The Content-Type of a format. */
const char *xf_metrics_type(enum xf_metrics_format format);
