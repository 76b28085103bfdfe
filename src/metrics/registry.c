/* SPDX-License-Identifier: MIT */
/*
 * registry.c — the families, and the values that are kept here.
 *
 * A series is found by the text of its labels, as it is written for the scraper, so that writing
 * costs nothing more. Test: tests/unit/metrics/test_metrics.c.
 */
#include "metrics_priv.h"

#include <xfed/base/alloc.h>

#define LABELS_BYTES 8192 /* the text of all labels of a series; what is longer counts as "other" */

const struct xf_metric_family xf_metric_families[XF_METRIC_COUNT] = {
#define X(metric, kind, text, u, l, h) \
    [XF_METRIC_##metric] = {           \
        .type = XF_METRIC_##kind, .name = (text), .unit = (u), .labels = l, .help = (h)},
    XF_METRIC_MAP(X)
#undef X
};

struct xf_metrics *xf_metrics_new(void)
{
    struct xf_metrics *metrics = xf_new(struct xf_metrics);
    xf_buf_init(&metrics->scratch, LABELS_BYTES);
    return metrics;
}

static void free_series(struct xf_map **map)
{
    size_t cursor = 0;
    void *value;
    while (*map && xf_map_next(*map, &cursor, NULL, &value)) {
        struct xf_series *series = value;
        xf_free(series->histogram);
        xf_free(series);
    }
    xf_map_free(map);
}

void xf_metrics_free(struct xf_metrics **metrics)
{
    if (!*metrics)
        return;
    xf_events_end(*metrics);
    for (size_t i = 0; i < XF_METRIC_COUNT; i++)
        free_series(&(*metrics)->series[i]);
    xf_buf_release(&(*metrics)->scratch);
    xf_free(*metrics);
    *metrics = NULL;
}

static struct xf_span key_of(struct xf_metrics *metrics, enum xf_metric metric,
                             const struct xf_label_values *labels)
{
    enum xf_err err = xf_labels_write(&metrics->scratch, &xf_metric_families[metric], labels);
    return err == XF_ERR_OK ? xf_buf_span(&metrics->scratch) : XF_SPAN_NONE;
}

/* Whatever names the log has: the series of a family are bounded. */
static struct xf_span other_key(struct xf_metrics *metrics, enum xf_metric metric)
{
    return key_of(metrics, metric,
                  XF_LABEL_VALUES(XF_SPAN("other"), XF_SPAN("other"), XF_SPAN("other")));
}

static struct xf_series *get(struct xf_metrics *metrics, enum xf_metric metric,
                             const struct xf_label_values *labels)
{
    struct xf_map **map = &metrics->series[metric];
    if (!*map)
        *map = xf_map_new();
    struct xf_span key = key_of(metrics, metric, labels);
    struct xf_series *series = key.ptr ? xf_map_find(*map, key) : NULL;
    if (series)
        return series;
    if (!key.ptr || xf_map_count(*map) >= XF_METRICS_SERIES_MAX)
        key = other_key(metrics, metric);
    if ((series = xf_map_find(*map, key)))
        return series;
    series = xf_new(struct xf_series);
    if (xf_metric_families[metric].type == XF_METRIC_HISTOGRAM)
        series->histogram = xf_new(struct xf_histogram);
    (void)xf_map_set(*map, key, series); /* it was not there */
    return series;
}

void xf_metrics_add(struct xf_metrics *metrics, enum xf_metric metric,
                    const struct xf_label_values *labels, int64_t by)
{
    get(metrics, metric, labels)->value += by;
}

void xf_metrics_set(struct xf_metrics *metrics, enum xf_metric metric,
                    const struct xf_label_values *labels, int64_t value)
{
    get(metrics, metric, labels)->value = value;
}

void xf_metrics_observe(struct xf_metrics *metrics, enum xf_metric metric,
                        const struct xf_label_values *labels, uint64_t ms)
{
    xf_histogram_add(get(metrics, metric, labels)->histogram, ms);
}
