/* SPDX-License-Identifier: MIT */
/*
 * metrics.c — samples for the metrics: asks each layer for what it counts and has now.
 */
#include "daemon_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xfed/link/view.h>
#include <xfed/routing/counts.h>
#include <xfed/s2s/counts.h>

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

static void sample_certificates(const struct xf_daemon *daemon, struct xf_metrics_page *page)
{
    for (size_t i = 0; i < xf_certs_count(&daemon->certs); i++) {
        const struct xf_cert *cert = xf_certs_at(&daemon->certs, i);
        struct xf_tls_about about;
        if (!cert->identity)
            continue;
        xf_tls_identity_about(cert->identity, &about);
        xf_metrics_sample(page, XF_METRIC_CERT_EXPIRY, LABELS(WORD(cert->name), WORD(cert->file)),
                          about.not_after_s * 1000);
    }
}

static void sample_clock(const struct xf_daemon *daemon, struct xf_metrics_page *page)
{
    const struct xf_skew *skew = &daemon->skew;
    if (skew->sync != XF_CLOCK_UNKNOWN)
        xf_metrics_sample(page, XF_METRIC_CLOCK_SYNCED, NULL, skew->sync == XF_CLOCK_SYNCED);
    for (size_t i = 0; skew->asked && i < daemon->link_count; i++)
        if (skew->asked[i].is_known)
            xf_metrics_sample(page, XF_METRIC_CLOCK_SKEW, LABELS(WORD(skew->asked[i].link)),
                              skew->asked[i].skew_s * 1000);
}

/* ------------------------------------------------------------------ peers */

/* A peer may have the name that stands for all that are not counted by name. */
static struct xf_span label_of(struct xf_span peer)
{
    if (!peer.ptr)
        return XF_SPAN("other");
    return xf_span_is(peer, "other") ? XF_SPAN("other.") : peer;
}

static void sample_traffic(struct xf_metrics_page *page, struct xf_span peer, struct xf_span dir,
                           const struct xf_traffic *traffic)
{
    for (int kind = 0; kind < XF_COUNTED_KINDS; kind++)
        xf_metrics_sample(page, XF_METRIC_STANZAS,
                          LABELS(peer, dir, WORD(xf_stanza_kind_name((enum xf_stanza_kind)kind))),
                          (int64_t)traffic->stanzas[kind]);
    xf_metrics_sample(page, XF_METRIC_STANZA_BYTES, LABELS(peer, dir), (int64_t)traffic->bytes);
}

static void sample_peer(void *owner, struct xf_span peer, const struct xf_peer_counts *counts)
{
    struct xf_metrics_page *page = owner;
    struct xf_span label = label_of(peer);
    sample_traffic(page, label, XF_SPAN("in"), &counts->in);
    sample_traffic(page, label, XF_SPAN("out"), &counts->out);
    if (counts->cert_until_s && peer.ptr)
        xf_metrics_sample(page, XF_METRIC_PEER_CERT_EXPIRY, LABELS(label),
                          counts->cert_until_s * 1000);
}

static void sample_unreachable(void *owner, struct xf_span peer, uint64_t for_ms,
                               enum xf_cause cause)
{
    xf_metrics_sample(owner, XF_METRIC_PEER_UNREACHABLE,
                      LABELS(label_of(peer), WORD(xf_cause_word(cause))), (int64_t)for_ms);
}

/* ------------------------------------------------------------------ streams */

static void sample_dir(struct xf_metrics_page *page, const struct xf_s2s_counts *counts,
                       enum xf_s2s_dir dir)
{
    struct xf_span word = WORD(xf_s2s_dir_word(dir));
    const struct {
        const char *result;
        uint64_t count;
    } handshakes[] = {{"TLSv1.2", counts->by[dir].tls_1_2},
                      {"TLSv1.3", counts->by[dir].tls_1_3},
                      {"failed", counts->by[dir].tls_bad}};
    for (size_t i = 0; i < XF_ARRAY_LEN(handshakes); i++)
        xf_metrics_sample(page, XF_METRIC_HANDSHAKES, LABELS(word, WORD(handshakes[i].result)),
                          (int64_t)handshakes[i].count);
    xf_metrics_sample(page, XF_METRIC_STREAMS_OPENED, LABELS(word),
                      (int64_t)counts->by[dir].opened);
    xf_metrics_sample(page, XF_METRIC_STREAMS, LABELS(word, XF_SPAN("ready")),
                      (int64_t)counts->by[dir].ready);
    xf_metrics_sample(page, XF_METRIC_STREAMS, LABELS(word, XF_SPAN("negotiating")),
                      (int64_t)(counts->by[dir].streams - counts->by[dir].ready));
}

static void sample_s2s(const struct xf_s2s *s2s, struct xf_metrics_page *page)
{
    struct xf_s2s_counts counts;
    xf_s2s_count(s2s, &counts);
    for (int dir = 0; dir < XF_S2S_DIRS; dir++)
        sample_dir(page, &counts, (enum xf_s2s_dir)dir);
    xf_metrics_sample(page, XF_METRIC_PEERS_CONNECTED, LABELS(XF_SPAN("in")),
                      (int64_t)counts.peers_in);
    xf_metrics_sample(page, XF_METRIC_PEERS_CONNECTED, LABELS(XF_SPAN("out")),
                      (int64_t)counts.pairs_out);
    xf_metrics_sample(page, XF_METRIC_HALF_OPEN, NULL, (int64_t)counts.half_open);
    xf_metrics_sample(page, XF_METRIC_CONNS_REFUSED, LABELS(XF_SPAN("refused")),
                      (int64_t)counts.refused);
    xf_metrics_sample(page, XF_METRIC_CONNS_REFUSED, LABELS(XF_SPAN("evicted")),
                      (int64_t)counts.evicted);
    xf_metrics_sample(page, XF_METRIC_READ_PAUSES, LABELS(XF_SPAN("peer"), XF_SPAN("link")),
                      (int64_t)counts.link_pauses);
    xf_metrics_sample(page, XF_METRIC_READ_PAUSES, LABELS(XF_SPAN("peer"), XF_SPAN("rate")),
                      (int64_t)counts.rate_pauses);
    xf_s2s_each_peer(s2s, sample_peer, page);
}

/* ------------------------------------------------------------------ routing */

static void sample_rules(struct xf_metrics_page *page, enum xf_metric metric, bool is_in,
                         const uint64_t rules[XF_RULES])
{
    for (int rule = XF_RULE_NONE + 1; rule < XF_RULES; rule++)
        xf_metrics_sample(
            page, metric,
            LABELS(WORD(is_in ? "in" : "out"), WORD(xf_rule_word((enum xf_rule)rule))),
            (int64_t)rules[rule]);
}

static void sample_sum(struct xf_metrics_page *page, const char *of,
                       const struct xf_stanza_sum *sum)
{
    xf_metrics_sample(page, XF_METRIC_QUEUE_STANZAS, LABELS(WORD(of)), (int64_t)sum->count);
    xf_metrics_sample(page, XF_METRIC_QUEUE_BYTES, LABELS(WORD(of)), (int64_t)sum->bytes);
}

static void sample_routing(struct xf_routing *routing, struct xf_metrics_page *page)
{
    struct xf_routing_counts counts;
    xf_routing_each_unreachable(routing, sample_unreachable, page); /* forgets: before counting */
    xf_routing_count(routing, &counts);
    for (size_t i = 0; i < XF_ROUTE_STATES; i++)
        xf_metrics_sample(page, XF_METRIC_ROUTES, LABELS(WORD(counts.routes[i].state)),
                          (int64_t)counts.routes[i].count);
    sample_sum(page, "peers", &counts.queued);
    sample_sum(page, "answers", &counts.answers);
    xf_metrics_sample(page, XF_METRIC_QUEUE_LIMIT, NULL, (int64_t)counts.queued_max_bytes);
    xf_metrics_sample_histogram(page, XF_METRIC_QUEUE_WAIT, NULL, &counts.waited);
    for (int is_in = 0; is_in < 2; is_in++) {
        sample_rules(page, XF_METRIC_POLICY_REFUSALS, is_in, counts.refused[is_in]);
        sample_rules(page, XF_METRIC_POLICY_DRY_RUNS, is_in, counts.passed_dry[is_in]);
    }
    xf_metrics_sample(page, XF_METRIC_PEERS_UNREACHABLE, NULL, (int64_t)counts.unreachable);
}

/* ------------------------------------------------------------------ links */

static void sample_link(const struct xf_link *link, const char *title, struct xf_metrics_page *page)
{
    struct xf_link_view view;
    struct xf_span label = WORD(title);
    xf_link_view(link, &view);
    xf_metrics_sample(page, XF_METRIC_LINK_UP, LABELS(label), view.is_up);
    xf_metrics_sample(page, XF_METRIC_LINK_LEGS, LABELS(label, XF_SPAN("up")),
                      (int64_t)view.legs_up);
    xf_metrics_sample(page, XF_METRIC_LINK_LEGS, LABELS(label, XF_SPAN("down")),
                      (int64_t)(view.legs - view.legs_up));
    xf_metrics_sample(page, XF_METRIC_LINK_HELD, LABELS(label), (int64_t)view.held.count);
    xf_metrics_sample(page, XF_METRIC_LINK_HELD_BYTES, LABELS(label),
                      (int64_t)(view.held.bytes + view.unproved.bytes));
    xf_metrics_sample(page, XF_METRIC_LINK_HELD_LIMIT, LABELS(label), (int64_t)view.max_bytes);
}

/* ------------------------------------------------------------------ HTTP */

static void sample_http(const struct xf_http *http, struct xf_metrics_page *page)
{
    const struct xf_http_counts *counts = xf_http_counts(http);
    char code[16];
    xf_metrics_sample(page, XF_METRIC_HTTP_CONNS, NULL, counts->conns);
    for (size_t i = 0; i < XF_HTTP_CODES && counts->answers[i].code; i++) {
        snprintf(code, sizeof(code), "%u", counts->answers[i].code);
        xf_metrics_sample(page, XF_METRIC_HTTP_ANSWERS, LABELS(WORD(code)),
                          (int64_t)counts->answers[i].count);
    }
}

void xf_daemon_sample(void *owner, struct xf_metrics_page *page)
{
    struct xf_daemon *daemon = owner;
    sample_process(&daemon->metrics, page);
    xf_metrics_sample_histogram(page, XF_METRIC_LOOP_TURN, NULL, xf_loop_turns(daemon->loop));
    sample_certificates(daemon, page);
    sample_clock(daemon, page);
    sample_s2s(daemon->s2s, page);
    sample_routing(daemon->routing, page);
    for (size_t i = 0; i < daemon->link_count; i++)
        sample_link(daemon->links[i], daemon->boot->links[i].settings.title, page);
    xf_metrics_sample(page, XF_METRIC_NODES_LOST, NULL,
                      (int64_t)xf_history_nodes_lost(daemon->history));
    xf_daemon_sample_sip(daemon, page);
    sample_http(daemon->http, page);
}
