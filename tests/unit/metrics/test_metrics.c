/* SPDX-License-Identifier: MIT */
/* test_metrics.c — the text of metrics, what log events count, and how many series there may be. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>

#include <xfed/metrics/metrics.h>

static struct xf_metrics *metrics;
static struct xf_buf text;

static void begin(void)
{
    metrics = xf_metrics_new();
    xf_buf_init(&text, 1u << 20);
}

static void end(void)
{
    xf_metrics_free(&metrics);
    xf_buf_release(&text);
}

static void no_source(void *owner, struct xf_metrics_page *page)
{
    (void)owner;
    (void)page;
}

static const char *written(enum xf_metrics_format format, xf_metrics_source_fn source, void *owner)
{
    xf_buf_clear(&text);
    ck_assert_int_eq(xf_metrics_write(metrics, format, source, owner, &text), XF_ERR_OK);
    xf_buf_append(&text, "", 1);
    return xf_buf_ptr(&text);
}

static const char *now(void)
{
    return written(XF_METRICS_OPENMETRICS, no_source, NULL);
}

#define HAS(text, line)   ck_assert_msg(strstr((text), "\n" line "\n"), "not there: %s", line)
#define LACKS(text, line) ck_assert_msg(!strstr((text), line), "there: %s", line)

/* ------------------------------------------------------------------ the two formats */

static void sample(void *owner, struct xf_metrics_page *page)
{
    const struct xf_histogram *histogram = owner;
    xf_metrics_sample(page, XF_METRIC_BUILD, XF_LABEL_VALUES(XF_SPAN("9.9")), 1);
    xf_metrics_sample(page, XF_METRIC_CPU, NULL, 1005);
    xf_metrics_sample(page, XF_METRIC_QUEUE_BYTES, XF_LABEL_VALUES(XF_SPAN("peers")), 7);
    xf_metrics_sample(page, XF_METRIC_CERT_EXPIRY,
                      XF_LABEL_VALUES(XF_SPAN("a.example"), XF_SPAN("a.pem")), -1500);
    xf_metrics_sample_histogram(page, XF_METRIC_QUEUE_WAIT, NULL, histogram);
}

START_TEST(writes_openmetrics)
{
    struct xf_histogram histogram = {.counts = {0}};
    xf_histogram_add(&histogram, 1);
    xf_histogram_add(&histogram, 20);
    xf_histogram_add(&histogram, 60001);
    const char *out = written(XF_METRICS_OPENMETRICS, sample, &histogram);
    HAS(out, "xfedd_build_info{version=\"9.9\"} 1");
    HAS(out, "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n# HELP "
             "process_cpu_seconds CPU time of the process, all "
             "threads\nprocess_cpu_seconds_total 1.005");
    HAS(out, "xfedd_queue_bytes{of=\"peers\"} 7");
    HAS(out,
        "xfedd_certificate_expiry_timestamp_seconds{local=\"a.example\",file=\"a.pem\"} -1.500");
    HAS(out, "xfedd_queue_wait_seconds_bucket{le=\"0.001\"} 1");
    HAS(out, "xfedd_queue_wait_seconds_bucket{le=\"0.01\"} 1");
    HAS(out, "xfedd_queue_wait_seconds_bucket{le=\"0.02\"} 2");
    HAS(out, "xfedd_queue_wait_seconds_bucket{le=\"+Inf\"} 3\nxfedd_queue_wait_seconds_count "
             "3\nxfedd_queue_wait_seconds_sum 60.022");
    ck_assert_str_eq(out + strlen(out) - 6, "# EOF\n");
}
END_TEST

START_TEST(writes_the_older_format)
{
    struct xf_histogram histogram = {.counts = {0}};
    const char *out = written(XF_METRICS_TEXT, sample, &histogram);
    HAS(out, "# TYPE process_cpu_seconds_total counter");
    LACKS(out, "# UNIT");
    LACKS(out, "# EOF");
    ck_assert_ptr_nonnull(strstr(out, "# TYPE xfedd_build_info gauge\n"));
}
END_TEST

START_TEST(is_all_or_nothing)
{
    struct xf_buf small;
    xf_buf_init(&small, 5000);
    xf_buf_append_str(&small, "before");
    ck_assert_int_eq(xf_metrics_write(metrics, XF_METRICS_TEXT, no_source, NULL, &small),
                     XF_ERR_LIMIT);
    ck_assert(xf_span_is(xf_buf_span(&small), "before"));
    xf_buf_release(&small);
}
END_TEST

/* ------------------------------------------------------------------ names of others */

/* clang-format off */
static const struct {
    const char *label, *name, *written;
} escapes[] = {
    {"plain",                  "b.example",           "b.example"},
    {"a quote ends nothing",   "b\"} 1\nforged{a=\"", "b\\\"} 1\\nforged{a=\\\""},
    {"a backslash",            "b\\",                 "b\\\\"},
    {"another script",         "b\xc3\xbc" "cher",    "b\xc3\xbc" "cher"},
    {"not UTF-8",              "b\xff\xc3",           "b??"},
    {"a control character",    "b\r\x01\x7f",         "b???"},
    {"nothing",                "",                    ""},
};
/* clang-format on */

static void sample_name(void *owner, struct xf_metrics_page *page)
{
    xf_metrics_sample(page, XF_METRIC_PEER_CERT_EXPIRY, XF_LABEL_VALUES(xf_span_of(owner)), 1000);
}

START_TEST(escapes_names)
{
    char line[200];
    const char *out = written(XF_METRICS_OPENMETRICS, sample_name, (void *)escapes[_i].name);
    (void)snprintf(line, sizeof(line),
                   "\nxfedd_peer_certificate_expiry_timestamp_seconds{peer=\"%s\"} 1.000\n",
                   escapes[_i].written);
    ck_assert_msg(strstr(out, line), "%s", escapes[_i].label);
}
END_TEST

START_TEST(bounds_the_series)
{
    char name[32], line[100];
    for (int i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof(name), "reason-%d", i);
        xf_metrics_add(metrics, XF_METRIC_CONNS_REFUSED, XF_LABEL_VALUES(xf_span_of(name)), 1);
    }
    (void)snprintf(line, sizeof(line), "\nxfedd_conns_refused_total{what=\"other\"} %d\n",
                   100000 - XF_METRICS_SERIES_MAX);
    const char *out = now();
    ck_assert_ptr_nonnull(strstr(out, line));
    size_t count = 0;
    for (const char *at = out; (at = strstr(at, "\nxfedd_conns_refused_total{")); at++)
        count++;
    ck_assert_uint_eq(count, XF_METRICS_SERIES_MAX + 1);
}
END_TEST

START_TEST(a_name_without_end_is_another)
{
    static char longest[100000];
    memset(longest, 'a', sizeof(longest) - 1);
    xf_metrics_add(metrics, XF_METRIC_CONNS_REFUSED, XF_LABEL_VALUES(xf_span_of(longest)), 3);
    HAS(now(), "xfedd_conns_refused_total{what=\"other\"} 3");
}
END_TEST

/* ------------------------------------------------------------------ the log */

START_TEST(counts_what_the_log_says)
{
    xf_metrics_watch_log(metrics);
    xf_log_set_level(XF_LOG_ERROR); /* not written, and counted all the same */
    xf_log(XF_LOG_INFO, "s2s.stream.up", XF_WORD("dir", "in"), XF_STR("peer", "b.example"),
           XF_WORD("auth", "external"), XF_WORD("cert", "good"), XF_INT("ms", 150));
    xf_log(XF_LOG_DEBUG, "routing.stanza.bounced", XF_WORD("reason", "not-allowed"));
    const char *out = now();
    HAS(out, "xfedd_authentications_total{dir=\"in\",method=\"external\",result=\"ok\"} 1");
    HAS(out, "xfedd_peer_certificates_total{dir=\"in\",verdict=\"good\"} 1");
    HAS(out, "xfedd_negotiation_seconds_bucket{dir=\"in\",le=\"0.1\"} 0");
    HAS(out, "xfedd_negotiation_seconds_bucket{dir=\"in\",le=\"0.2\"} 1");
    HAS(out, "xfedd_negotiation_seconds_sum{dir=\"in\"} 0.150");
    HAS(out, "xfedd_bounces_total{to=\"cluster\",condition=\"not-allowed\"} 1");
    HAS(out, "xfedd_log_events_total{level=\"info\"} 1");
    LACKS(out, "b.example");
}
END_TEST

START_TEST(counts_lines_that_were_left_out)
{
    xf_metrics_watch_log(metrics);
    xf_log(XF_LOG_DEBUG, "routing.queue.full", XF_INT("suppressed", 41));
    HAS(now(), "xfedd_queue_full_total 42");
}
END_TEST

START_TEST(knows_states_from_events)
{
    xf_metrics_watch_log(metrics);
    HAS(now(), "xfedd_config_reload_refused 0"); /* before anything happened */
    HAS(now(), "xfedd_peer_alarms_total{alarm=\"key-changed\"} 0");
    xf_log(XF_LOG_DEBUG, "config.reload.refused", XF_STR("detail", "it has errors"));
    xf_log(XF_LOG_DEBUG, "memory.store.lost", XF_STR("store", "x"));
    xf_log(XF_LOG_DEBUG, "audit.write.failed", XF_STR("file", "x"));
    HAS(now(), "xfedd_config_reload_refused 1");
    HAS(now(), "xfedd_config_reloads_total{result=\"refused\"} 1");
    HAS(now(), "xfedd_dependency_down{name=\"database\"} 1");
    HAS(now(), "xfedd_dependency_down{name=\"audit\"} 1");
    xf_log(XF_LOG_DEBUG, "config.reload.done", XF_INT("ms", 1));
    xf_log(XF_LOG_DEBUG, "memory.store.found", XF_STR("store", "x"));
    HAS(now(), "xfedd_config_reload_refused 0");
    HAS(now(), "xfedd_dependency_down{name=\"database\"} 0");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics/metrics");
    TCase *tc = tcase_create("metrics");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, writes_openmetrics);
    tcase_add_test(tc, writes_the_older_format);
    tcase_add_test(tc, is_all_or_nothing);
    tcase_add_loop_test(tc, escapes_names, 0, XF_ARRAY_LEN(escapes));
    tcase_add_test(tc, bounds_the_series);
    tcase_add_test(tc, a_name_without_end_is_another);
    tcase_add_test(tc, counts_what_the_log_says);
    tcase_add_test(tc, counts_lines_that_were_left_out);
    tcase_add_test(tc, knows_states_from_events);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
