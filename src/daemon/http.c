/* SPDX-License-Identifier: MIT */
/*
 * http.c — listen { http }: what the pages say.
 *
 *     /metrics   for a scraper (metrics.c)
 *     /healthz   200: the process lives, and its loop turns
 *     /readyz    200: every link is up; 503: which is not, or that we are stopping
 *
 * and, with http-page, those of the layer page.
 */
#include "daemon_priv.h"

#include <stdio.h>

#include <xfed/base/draft.h>
#include <xfed/control/control.h>
#include <xfed/s2s/counts.h>

#define FRESH_MS 1000 /* metrics are gathered at most so often */

/* ------------------------------------------------------------------ pages */

static void show_metrics(void *owner, const struct xf_http_request *request,
                         struct xf_http_answer *out)
{
    struct xf_daemon *daemon = owner;
    enum xf_metrics_format format = request->wants_text ? XF_METRICS_TEXT : XF_METRICS_OPENMETRICS;
    out->type = xf_metrics_type(format);
    if (xf_metrics_write(daemon->metrics.metrics, format, xf_daemon_sample, daemon, &out->body) !=
        XF_ERR_OK)
        out->status = 500;
}

static void show_health(void *owner, const struct xf_http_request *request,
                        struct xf_http_answer *out)
{
    (void)owner;
    (void)request;
    struct xf_draft draft = xf_draft_begin(&out->body);
    xf_draft_str(&draft, "ok\n");
    (void)!xf_draft_end(&draft); /* it fits */
}

static void show_readiness(void *owner, const struct xf_http_request *request,
                           struct xf_http_answer *out)
{
    const struct xf_daemon *daemon = owner;
    struct xf_draft draft = xf_draft_begin(&out->body);
    (void)request;
    if (daemon->drain != XF_DRAIN_NOT) {
        out->status = 503;
        xf_draft_str(&draft, "xfedd is stopping\n");
    }
    for (size_t i = 0; i < daemon->link_count; i++) {
        bool is_up = xf_link_is_up(daemon->links[i]);
        if (!is_up)
            out->status = 503;
        xf_draft_printf(&draft, "link %s is %s\n", daemon->boot->links[i].settings.title,
                        is_up ? "up" : "down");
    }
    (void)!xf_draft_end(&draft); /* a thousand links would be needed to fill it */
}

static const struct xf_http_page pages[] = {
    {.path = "/metrics", .fresh_ms = FRESH_MS, .answer = show_metrics},
    {.path = "/healthz", .answer = show_health},
    {.path = "/readyz", .answer = show_readiness},
};

/* ------------------------------------------------------------------ the address */

static struct xf_addr address_of(const struct xf_conf *conf)
{
    struct xf_addr addr;
    /* src/conf has checked its form */
    xf_require(xf_addr_parse(xf_span_of(conf->listen.http), 0, &addr) == XF_ERR_OK);
    return addr;
}

void xf_daemon_check_http(const struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_at at = {.conf = conf, .place = &conf->listen_at};
    if (!*conf->listen.http && conf->listen.http_page)
        xf_report_error(report, &at, "http-page",
                        "http-page = yes: there is no port for it: expected http too, as in "
                        "http = \"127.0.0.1:9469\"");
    if (!*conf->listen.http || conf->listen.http_anywhere)
        return;
    struct xf_addr addr = address_of(conf);
    if (!xf_addr_is_loopback(&addr))
        xf_report_error(report, &at, "http",
                        "http = \"%s\": other machines can reach this address, and there is no "
                        "password: expected 127.0.0.1 or [::1], or http-anywhere = yes",
                        conf->listen.http);
}

enum xf_err xf_daemon_open_http(struct xf_daemon *daemon, struct xf_error *err)
{
    const struct xf_conf *conf = daemon->conf;
    if (!*conf->listen.http)
        return XF_ERR_OK;
    enum xf_err result = xf_http_open(&(struct xf_http_opts){.loop = daemon->loop,
                                                             .addr = address_of(conf),
                                                             .hosts = &conf->listen.http_hosts},
                                      &daemon->http, err);
    if (result != XF_ERR_OK)
        return result;
    xf_http_serve(daemon->http, pages, XF_ARRAY_LEN(pages), daemon);
    xf_metrics_watch_log(daemon->metrics.metrics);
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ the status page */

struct traffic {
    uint64_t in, out;
};

static void add_peer(void *owner, struct xf_span peer, const struct xf_peer_counts *counts)
{
    struct traffic *sum = owner;
    (void)peer;
    for (size_t i = 0; i < XF_COUNTED_KINDS; i++) {
        sum->in += counts->in.stanzas[i];
        sum->out += counts->out.stanzas[i];
    }
}

static void count_traffic(void *owner, uint64_t *out_in, uint64_t *out_out)
{
    const struct xf_daemon *daemon = owner;
    struct traffic sum = {0};
    xf_s2s_each_peer(daemon->s2s, add_peer, &sum);
    *out_in = sum.in;
    *out_out = sum.out;
}

void xf_daemon_open_page(struct xf_daemon *daemon)
{
    if (daemon->http && daemon->boot->listen.http_page)
        daemon->page = xf_page_new(&(struct xf_page_opts){.loop = daemon->loop,
                                                          .http = daemon->http,
                                                          .control = daemon->control,
                                                          .traffic = count_traffic,
                                                          .owner = daemon});
}

bool xf_daemon_page_url(void *owner, char out_url[])
{
    const struct xf_daemon *daemon = owner;
    struct xf_addr addr;
    char text[XF_ADDR_TEXT_BYTES];
    if (!daemon->page)
        return false;
    xf_http_addr(daemon->http, &addr);
    xf_addr_text(&addr, text);
    snprintf(out_url, XF_CONTROL_URL_BYTES, "http://%s/", text);
    return true;
}
