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

/*
 * A sample is written to memory that was reserved for the most that it may need, since there may be
 * tens of thousands, and the loop waits meanwhile. Each function returns where the next one writes.
 */
static char *put(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static char *put_str(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

/* ------------------------------------------------------------------ numbers */

#define NUMBER_BYTES 24 /* a sign, 20 digits, a point, a newline */

static char *put_digits(char *at, uint64_t number, size_t at_least)
{
    char text[20];
    size_t first = sizeof(text);
    do {
        text[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || sizeof(text) - first < at_least);
    return put(at, text + first, sizeof(text) - first);
}

static char *put_value(char *at, const struct xf_metric_family *family, int64_t value)
{
    uint64_t magnitude = value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
    if (value < 0)
        *at++ = '-';
    if (strcmp(family->unit, "seconds") == 0) {
        at = put_digits(at, magnitude / 1000, 1);
        *at++ = '.';
        at = put_digits(at, magnitude % 1000, 3);
    } else {
        at = put_digits(at, magnitude, 1);
    }
    *at++ = '\n';
    return at;
}

static char *put_count(char *at, uint64_t count)
{
    at = put_digits(at, count, 1);
    *at++ = '\n';
    return at;
}

/* ------------------------------------------------------------------ labels */

static bool is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

/* How many bytes of the character at `rest` are UTF-8 beyond ASCII; 0: they are not. */
static size_t character_len(struct xf_span rest)
{
    unsigned char byte = (unsigned char)rest.ptr[0];
    size_t len = byte < 0xC0 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return len && len <= rest.len && xf_utf8_valid(rest.ptr, len) ? len : 0;
}

/* At most two bytes for each. */
static char *put_escaped(char *at, struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        size_t len = is_plain(c) ? 1 : character_len((struct xf_span){text.ptr + i, text.len - i});
        if (len > 0) {
            at = put(at, text.ptr + i, len);
            i += len - 1;
        } else if (c == '"' || c == '\\' || c == '\n') {
            *at++ = '\\';
            *at++ = c == '\n' ? 'n' : c;
        } else {
            *at++ = '?'; /* a control character, or not UTF-8 */
        }
    }
    return at;
}

enum xf_err xf_labels_write(struct xf_buf *out, const struct xf_metric_family *family,
                            const struct xf_label_values *values)
{
    size_t most = 0;
    for (size_t i = 0; i < XF_METRIC_LABELS_MAX && family->labels[i]; i++)
        most += strlen(family->labels[i]) + 2 * values->of[i].len + sizeof(",=\"\"");
    xf_buf_clear(out);
    char *begin = xf_buf_reserve(out, most + 1), *at = begin;
    if (!at)
        return XF_ERR_LIMIT;
    for (size_t i = 0; i < XF_METRIC_LABELS_MAX && family->labels[i]; i++) {
        at = put_str(at, i ? "," : "");
        at = put_str(at, family->labels[i]);
        at = put_str(at, "=\"");
        at = put_escaped(at, values->of[i]);
        *at++ = '"';
    }
    xf_buf_commit(out, (size_t)(at - begin));
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ samples */

#define SUFFIX_BYTES 8                         /* "_bucket" */
#define LE_BYTES     16                        /* `{,le="0.001"} ` */
#define LINES        (XF_HISTOGRAM_BOUNDS + 3) /* of a histogram */

static const char *suffix_of(const struct xf_metric_family *family)
{
    return family->type == XF_METRIC_COUNTER ? "_total"
           : family->type == XF_METRIC_INFO  ? "_info"
                                             : "";
}

/* `name_suffix{labels,le="0.1"} `; `le` NULL: no bound. */
static char *put_name(char *at, const struct xf_metric_family *family, const char *suffix,
                      struct xf_span labels, const char *le)
{
    at = put_str(at, family->name);
    at = put_str(at, suffix);
    if (labels.len > 0 || le) {
        *at++ = '{';
        at = put(at, labels.ptr, labels.len);
        if (le) {
            at = put_str(at, labels.len > 0 ? ",le=\"" : "le=\"");
            at = put_str(at, le);
            *at++ = '"';
        }
        *at++ = '}';
    }
    *at++ = ' ';
    return at;
}

/* xf_histogram_bounds_ms in seconds, in the form that OpenMetrics wants. */
static const char *const bounds[XF_HISTOGRAM_BOUNDS + 1] = {
    "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1",  "0.2",
    "0.5",   "1.0",   "2.0",   "5.0",  "10.0", "30.0", "60.0", "+Inf"};

static char *put_histogram(char *at, const struct xf_metric_family *family, struct xf_span labels,
                           const struct xf_histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= XF_HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        at = put_count(put_name(at, family, "_bucket", labels, bounds[i]), count);
    }
    at = put_count(put_name(at, family, "_count", labels, NULL), count);
    at = put_name(at, family, "_sum", labels, NULL);
    return put_value(at, family, (int64_t)histogram->sum_ms);
}

static void put_series(struct xf_metrics_page *page, enum xf_metric metric, struct xf_span labels,
                       const struct xf_series *series)
{
    const struct xf_metric_family *family = &xf_metric_families[metric];
    struct xf_buf *out = &page->samples[metric];
    size_t line = strlen(family->name) + SUFFIX_BYTES + labels.len + LE_BYTES + NUMBER_BYTES;
    char *begin = xf_buf_reserve(out, series->histogram ? LINES * line : line);
    if (!begin) {
        page->is_short = true;
        return;
    }
    char *end = series->histogram
                    ? put_histogram(begin, family, labels, series->histogram)
                    : put_value(put_name(begin, family, suffix_of(family), labels, NULL), family,
                                series->value);
    xf_buf_commit(out, (size_t)(end - begin));
}

static void gather(struct xf_metrics_page *page, enum xf_metric metric,
                   const struct xf_label_values *values, const struct xf_series *series)
{
    static const struct xf_label_values none = {{{NULL, 0}}};
    if (xf_labels_write(&page->labels, &xf_metric_families[metric], values ? values : &none) ==
        XF_ERR_OK)
        put_series(page, metric, xf_buf_span(&page->labels), series);
    else
        page->is_short = true;
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
    while (metrics->series[metric] &&
           xf_map_next(metrics->series[metric], &cursor, &labels, &series))
        put_series(page, metric, labels, series);
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
