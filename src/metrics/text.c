/* SPDX-License-Identifier: MIT */
/*
 * text.c — metrics as text: OpenMetrics 1.0 and the text format 0.0.4 of Prometheus, which differ
 * in the names of counters and of infos, in the unit and in the end.
 *
 * The samples of a family must stand together, while sources give theirs as they find them: so each
 * family gathers its samples in a buffer of its own. Test: tests/unit/metrics/test_metrics.c, and
 * the parsers of others in tests/integration/metrics.py.
 */
#include "metrics_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

struct xf_metrics_page {
    enum xf_metrics_format format;
    struct xf_buf samples[XF_METRIC_COUNT];
    struct xf_buf labels; /* text of the labels of the sample being written */
    bool is_short;        /* something did not fit */
};

/* ------------------------------------------------------------------ numbers */

static void put_digits(struct xf_draft *draft, uint64_t number, size_t at_least)
{
    char text[20];
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || sizeof(text) - at < at_least);
    xf_draft_append(draft, text + at, sizeof(text) - at);
}

static uint64_t magnitude(struct xf_draft *draft, int64_t value)
{
    if (value >= 0)
        return (uint64_t)value;
    xf_draft_str(draft, "-");
    return ~(uint64_t)value + 1;
}

static void put_seconds(struct xf_draft *draft, int64_t value_ms)
{
    uint64_t ms = magnitude(draft, value_ms);
    put_digits(draft, ms / 1000, 1);
    xf_draft_str(draft, ".");
    put_digits(draft, ms % 1000, 3);
}

static void put_value(struct xf_draft *draft, const struct xf_metric_family *family, int64_t value)
{
    if (strcmp(family->unit, "seconds") == 0)
        put_seconds(draft, value);
    else
        put_digits(draft, magnitude(draft, value), 1);
    xf_draft_str(draft, "\n");
}

/* ------------------------------------------------------------------ labels */

static bool is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

/* One byte that is not plain, or one character. Returns its bytes. */
static size_t put_odd(struct xf_draft *draft, struct xf_span rest)
{
    unsigned char byte = (unsigned char)rest.ptr[0];
    size_t len = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    const char escaped[] = {'\\', rest.ptr[0]};
    if (byte == '"' || byte == '\\')
        xf_draft_append(draft, escaped, sizeof(escaped));
    else if (byte == '\n')
        xf_draft_str(draft, "\\n");
    else if (byte >= 0xC0 && len <= rest.len && xf_utf8_valid(rest.ptr, len)) {
        xf_draft_append(draft, rest.ptr, len);
        return len;
    } else
        xf_draft_str(draft, "?"); /* a control character, or not UTF-8 */
    return 1;
}

static void put_escaped(struct xf_draft *draft, struct xf_span text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t plain = at;
        while (plain < text.len && is_plain(text.ptr[plain]))
            plain++;
        xf_draft_append(draft, text.ptr + at, plain - at);
        at = plain;
        if (at < text.len)
            at += put_odd(draft, (struct xf_span){text.ptr + at, text.len - at});
    }
}

void xf_labels_write(struct xf_draft *draft, const struct xf_metric_family *family,
                     const struct xf_label_values *values)
{
    for (size_t i = 0; i < XF_METRIC_LABELS_MAX && family->labels[i]; i++) {
        xf_draft_str(draft, i ? "," : "");
        xf_draft_str(draft, family->labels[i]);
        xf_draft_str(draft, "=\"");
        put_escaped(draft, values->of[i]);
        xf_draft_str(draft, "\"");
    }
}

/* ------------------------------------------------------------------ samples */

static const char *suffix_of(const struct xf_metric_family *family)
{
    return family->type == XF_METRIC_COUNTER ? "_total"
           : family->type == XF_METRIC_INFO  ? "_info"
                                             : "";
}

/* `name_suffix{labels,` or `name_suffix{labels} `; `le` NULL: no bound. */
static void put_name(struct xf_draft *draft, const struct xf_metric_family *family,
                     const char *suffix, struct xf_span labels, const char *le)
{
    xf_draft_str(draft, family->name);
    xf_draft_str(draft, suffix);
    if (labels.len > 0 || le) {
        xf_draft_str(draft, "{");
        xf_draft_span(draft, labels);
        if (le) {
            xf_draft_str(draft, labels.len > 0 ? ",le=\"" : "le=\"");
            xf_draft_str(draft, le);
            xf_draft_str(draft, "\"");
        }
        xf_draft_str(draft, "}");
    }
    xf_draft_str(draft, " ");
}

static void put_count(struct xf_draft *draft, uint64_t count)
{
    put_digits(draft, count, 1);
    xf_draft_str(draft, "\n");
}

/* xf_histogram_bounds_ms in seconds, in the form that OpenMetrics wants. */
static const char *const bounds[XF_HISTOGRAM_BOUNDS + 1] = {
    "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1",  "0.2",
    "0.5",   "1.0",   "2.0",   "5.0",  "10.0", "30.0", "60.0", "+Inf"};

static void put_histogram(struct xf_draft *draft, const struct xf_metric_family *family,
                          struct xf_span labels, const struct xf_histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= XF_HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        put_name(draft, family, "_bucket", labels, bounds[i]);
        put_count(draft, count);
    }
    put_name(draft, family, "_count", labels, NULL);
    put_count(draft, count);
    put_name(draft, family, "_sum", labels, NULL);
    put_value(draft, family, (int64_t)histogram->sum_ms);
}

static void put_series(struct xf_draft *draft, const struct xf_metric_family *family,
                       struct xf_span labels, const struct xf_series *series)
{
    if (series->histogram) {
        put_histogram(draft, family, labels, series->histogram);
        return;
    }
    put_name(draft, family, suffix_of(family), labels, NULL);
    put_value(draft, family, series->value);
}

static void gather(struct xf_metrics_page *page, enum xf_metric metric,
                   const struct xf_label_values *values, const struct xf_series *series)
{
    static const struct xf_label_values none = {{{NULL, 0}}};
    const struct xf_metric_family *family = &xf_metric_families[metric];
    xf_buf_clear(&page->labels);
    struct xf_draft draft = xf_draft_begin(&page->labels);
    xf_labels_write(&draft, family, values ? values : &none);
    page->is_short |= xf_draft_end(&draft) != XF_ERR_OK;
    draft = xf_draft_begin(&page->samples[metric]);
    put_series(&draft, family, xf_buf_span(&page->labels), series);
    page->is_short |= xf_draft_end(&draft) != XF_ERR_OK;
}

void xf_metrics_sample(struct xf_metrics_page *page, enum xf_metric metric,
                       const struct xf_label_values *labels, int64_t value)
{
    gather(page, metric, labels, &(struct xf_series){.value = value});
}

void xf_metrics_sample_histogram(struct xf_metrics_page *page, enum xf_metric metric,
                                 const struct xf_label_values *labels,
                                 const struct xf_histogram *histogram)
{
    struct xf_histogram copy = *histogram;
    gather(page, metric, labels, &(struct xf_series){.histogram = &copy});
}

/* ------------------------------------------------------------------ the whole text */

static void gather_kept(const struct xf_metrics *metrics, struct xf_metrics_page *page,
                        enum xf_metric metric)
{
    size_t cursor = 0;
    struct xf_span labels;
    void *series;
    struct xf_draft draft = xf_draft_begin(&page->samples[metric]);
    while (metrics->series[metric] &&
           xf_map_next(metrics->series[metric], &cursor, &labels, &series))
        put_series(&draft, &xf_metric_families[metric], labels, series);
    page->is_short |= xf_draft_end(&draft) != XF_ERR_OK;
}

static const char *type_word(const struct xf_metrics_page *page, enum xf_metric_type type)
{
    static const char *const words[] = {[XF_METRIC_COUNTER] = "counter",
                                        [XF_METRIC_GAUGE] = "gauge",
                                        [XF_METRIC_HISTOGRAM] = "histogram",
                                        [XF_METRIC_INFO] = "info"};
    bool is_gauge = page->format == XF_METRICS_TEXT && type == XF_METRIC_INFO;
    return words[is_gauge ? XF_METRIC_GAUGE : type];
}

static void put_family(const struct xf_metrics_page *page, enum xf_metric metric,
                       struct xf_draft *draft)
{
    const struct xf_metric_family *family = &xf_metric_families[metric];
    bool is_text = page->format == XF_METRICS_TEXT;
    const char *suffix = is_text ? suffix_of(family) : "";
    xf_draft_printf(draft, "# TYPE %s%s %s\n", family->name, suffix, type_word(page, family->type));
    if (*family->unit && !is_text)
        xf_draft_printf(draft, "# UNIT %s %s\n", family->name, family->unit);
    xf_draft_printf(draft, "# HELP %s%s %s\n", family->name, suffix, family->help);
    xf_draft_span(draft, xf_buf_span(&page->samples[metric]));
}

enum xf_err xf_metrics_write(const struct xf_metrics *metrics, enum xf_metrics_format format,
                             xf_metrics_source_fn source, void *owner, struct xf_buf *out)
{
    struct xf_metrics_page *page = xf_new(struct xf_metrics_page);
    struct xf_draft draft = xf_draft_begin(out);
    page->format = format;
    xf_buf_init(&page->labels, out->max);
    for (size_t i = 0; i < XF_METRIC_COUNT; i++) {
        xf_buf_init(&page->samples[i], out->max);
        gather_kept(metrics, page, (enum xf_metric)i);
    }
    source(owner, page);
    for (size_t i = 0; i < XF_METRIC_COUNT; i++) {
        put_family(page, (enum xf_metric)i, &draft);
        xf_buf_release(&page->samples[i]);
    }
    xf_draft_str(&draft, format == XF_METRICS_OPENMETRICS ? "# EOF\n" : "");
    draft.is_short |= page->is_short;
    xf_buf_release(&page->labels);
    xf_free(page);
    return xf_draft_end(&draft);
}

const char *xf_metrics_type(enum xf_metrics_format format)
{
    return format == XF_METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
