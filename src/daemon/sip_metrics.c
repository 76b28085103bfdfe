/* SPDX-License-Identifier: MIT */
/* sip_metrics.c — samples of SIP for the metrics. Only in a build with SIP. */
#include "daemon_priv.h"

#include <xfed/simple/simple.h>

#define LABELS(...) XF_LABEL_VALUES(__VA_ARGS__)
#define WORD(text)  xf_span_of(text)

static const char *const dirs[XF_UA_DIRS] = {[XF_UA_IN] = "in", [XF_UA_OUT] = "out"};
static const char *const classes[XF_UA_CLASSES] = {"none", NULL, "2xx", "3xx", "4xx", "5xx", "6xx"};

static void sample_conns(const struct xf_ua_counts *counts, struct xf_metrics_page *page)
{
    for (int dir = 0; dir < XF_UA_DIRS; dir++) {
        struct xf_span word = WORD(dirs[dir]);
        const struct {
            const char *result;
            uint64_t count;
        } handshakes[] = {{"TLSv1.2", counts->by[dir].tls_1_2},
                          {"TLSv1.3", counts->by[dir].tls_1_3},
                          {"failed", counts->by[dir].tls_bad}};
        for (size_t i = 0; i < XF_ARRAY_LEN(handshakes); i++)
            xf_metrics_sample(page, XF_METRIC_SIP_HANDSHAKES,
                              LABELS(word, WORD(handshakes[i].result)),
                              (int64_t)handshakes[i].count);
        xf_metrics_sample(page, XF_METRIC_SIP_CONNS, LABELS(word, XF_SPAN("open")),
                          (int64_t)counts->by[dir].open);
        xf_metrics_sample(page, XF_METRIC_SIP_CONNS, LABELS(word, XF_SPAN("opening")),
                          (int64_t)counts->by[dir].opening);
    }
    xf_metrics_sample(page, XF_METRIC_SIP_NO_PLACE, NULL, (int64_t)counts->no_place);
}

static void sample_method(const struct xf_ua_counts *counts, enum xf_sip_method method,
                          struct xf_metrics_page *page)
{
    const char *name = method == XF_SIP_METHOD_OTHER ? "other" : xf_sip_method_text(method);
    for (int dir = 0; dir < XF_UA_DIRS; dir++)
        for (int class = 0; class < XF_UA_CLASSES; class ++)
            if (classes[class])
                xf_metrics_sample(page, XF_METRIC_SIP_REQUESTS,
                                  LABELS(WORD(dirs[dir]), WORD(name), WORD(classes[class])),
                                  (int64_t)counts->ended[dir][method][class]);
}

/* ACK has no answer. */
static void sample_requests(const struct xf_ua_counts *counts, struct xf_metrics_page *page)
{
    sample_method(counts, XF_SIP_METHOD_OTHER, page);
    for (unsigned method = XF_SIP_METHOD_OTHER + 1; method < XF_SIP_METHOD_COUNT; method++)
        if (counts->methods & 1u << method && method != XF_SIP_ACK)
            sample_method(counts, (enum xf_sip_method)method, page);
    xf_metrics_sample(page, XF_METRIC_SIP_TRANSACTIONS, LABELS(XF_SPAN("in")),
                      (int64_t)counts->servers);
    xf_metrics_sample(page, XF_METRIC_SIP_TRANSACTIONS, LABELS(XF_SPAN("out")),
                      (int64_t)counts->clients);
}

static void sample_messages(const struct xf_simple_counts *counts, struct xf_metrics_page *page)
{
    const struct {
        const char *dir, *result;
        uint64_t count;
    } rows[] = {{"in", "taken", counts->messages_in},
                {"in", "refused", counts->refused},
                {"out", "delivered", counts->messages_out},
                {"out", "returned", counts->bounced}};
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++)
        xf_metrics_sample(page, XF_METRIC_SIP_MESSAGES,
                          LABELS(WORD(rows[i].dir), WORD(rows[i].result)), (int64_t)rows[i].count);
    xf_metrics_sample(page, XF_METRIC_SIP_ERRORS_LATE, NULL, (int64_t)counts->late);
}

static void sample_presence(const struct xf_simple_counts *counts, struct xf_metrics_page *page)
{
    xf_metrics_sample(page, XF_METRIC_SIP_SUBSCRIPTIONS, LABELS(XF_SPAN("in")),
                      (int64_t)counts->subscriptions_in);
    xf_metrics_sample(page, XF_METRIC_SIP_SUBSCRIPTIONS, LABELS(XF_SPAN("out")),
                      (int64_t)counts->subscriptions_out);
    xf_metrics_sample(page, XF_METRIC_SIP_PENDING, NULL, (int64_t)counts->pending_in);
}

void xf_daemon_sample_sip(const struct xf_daemon *daemon, struct xf_metrics_page *page)
{
    struct xf_simple_counts counts;
    xf_simple_count(daemon->simple, &counts);
    sample_conns(&counts.ua, page);
    sample_requests(&counts.ua, page);
    sample_messages(&counts, page);
    sample_presence(&counts, page);
}
