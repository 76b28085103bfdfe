/* SPDX-License-Identifier: MIT */
/*
 * page.c — the paths of the page, and what is answered there.
 *
 *     /           the federation (view_status.c); the query string chooses peers (list.c)
 *     /peer       one of them: ?name=DOMAIN
 *     /check      checks that were asked for; POST asks for one
 *     /page.css, /page.js, /icon.svg
 */
#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/net/loop.h>

#include "assets.h"
#include "page_priv.h"

#define HTML "text/html; charset=utf-8"

/* All from here: style, script and its requests, the icon, the target of forms. */
static const char policy[] = "default-src 'none'; style-src 'self'; script-src 'self'; "
                             "connect-src 'self'; img-src 'self'; form-action 'self'; "
                             "base-uri 'none'; frame-ancestors 'none'";

static struct xf_draft begin(struct xf_http_answer *out)
{
    out->type = HTML;
    out->policy = policy;
    return xf_draft_begin(&out->body);
}

static void end(struct xf_draft *draft, struct xf_http_answer *out)
{
    if (xf_draft_end(draft) != XF_ERR_OK)
        out->status = 500;
}

/* ------------------------------------------------------------------ pages */

/* To list all peers costs time: whoever asks for it all the time gets a tenth of the loop. */
static void rest(struct xf_page *page, uint64_t took_ms)
{
    if (took_ms > 0)
        xf_timer_start(xf_loop_timers(page->opts.loop), &page->rest, 10 * took_ms);
}

static void on_rested(void *owner)
{
    struct xf_page *page = owner;
    xf_http_again(page->opts.http);
}

static void show_status(void *owner, const struct xf_http_request *request,
                        struct xf_http_answer *out)
{
    struct xf_page *page = owner;
    struct xf_page_list_query query;
    const struct xf_snapshot *snapshot =
        xf_timer_is_running(&page->rest) ? NULL : xf_snapshots_get(&page->snapshots);
    if (!snapshot) {
        out->later = true;
        return;
    }
    uint64_t began_ms = xf_monotonic_ms();
    struct xf_draft draft = begin(out);
    xf_page_list_query_parse(xf_span_of(request->query), &query);
    xf_view_status(&draft, page, snapshot, &query);
    end(&draft, out);
    rest(page, xf_monotonic_ms() - began_ms);
}

static void say_bad_name(struct xf_http_answer *out)
{
    struct xf_draft draft = begin(out);
    const struct xf_frame frame = {.title = "No such peer"};
    out->status = 400;
    xf_frame_begin(&draft, &frame);
    xf_html(&draft, "<h1>No such peer</h1><p>The address names no domain.</p>");
    xf_frame_end(&draft, &frame);
    end(&draft, out);
}

static void show_peer(void *owner, const struct xf_http_request *request,
                      struct xf_http_answer *out)
{
    struct xf_page *page = owner;
    char name[XF_DOMAIN_MAX + 1], peer[XF_DOMAIN_MAX + 1];
    (void)xf_query_get(xf_span_of(request->query), "name", name, sizeof(name));
    if (xf_domain_prepare(xf_span_of(name), peer) != XF_ERR_OK) {
        say_bad_name(out);
        return;
    }
    const struct xf_page_answer *answer = xf_page_answers_get(&page->answers, peer);
    if (!answer) {
        out->later = true;
        return;
    }
    struct xf_draft draft = begin(out);
    xf_view_peer(&draft, peer, answer);
    end(&draft, out);
}

static void show_checks(void *owner, const struct xf_http_request *request,
                        struct xf_http_answer *out)
{
    struct xf_page *page = owner;
    const char *problem = NULL;
    if (request->is_post) {
        problem = xf_page_checks_begin(&page->checks, request->form, &out->status);
        if (!problem) {
            out->status = 303;
            out->location = "/check";
        }
    }
    struct xf_draft draft = begin(out);
    xf_view_checks(&draft, &page->checks, problem);
    end(&draft, out);
}

/* ------------------------------------------------------------------ files */

static void put_file(struct xf_http_answer *out, const char *type, const unsigned char *bytes,
                     size_t len)
{
    out->type = type;
    struct xf_draft draft = xf_draft_begin(&out->body);
    xf_draft_append(&draft, bytes, len);
    end(&draft, out);
}

static void show_style(void *owner, const struct xf_http_request *request,
                       struct xf_http_answer *out)
{
    (void)owner, (void)request;
    put_file(out, "text/css; charset=utf-8", xf_page_style, xf_page_style_bytes);
}

static void show_script(void *owner, const struct xf_http_request *request,
                        struct xf_http_answer *out)
{
    (void)owner, (void)request;
    put_file(out, "text/javascript; charset=utf-8", xf_page_script, xf_page_script_bytes);
}

static void show_icon(void *owner, const struct xf_http_request *request,
                      struct xf_http_answer *out)
{
    (void)owner, (void)request;
    put_file(out, "image/svg+xml", xf_page_icon, xf_page_icon_bytes);
}

static const struct xf_http_page pages[] = {
    {.path = "/", .answer = show_status},
    {.path = "/peer", .answer = show_peer},
    {.path = "/check", .takes_form = true, .answer = show_checks},
    {.path = "/page.css", .answer = show_style},
    {.path = "/page.js", .answer = show_script},
    {.path = "/icon.svg", .answer = show_icon},
};

/* ------------------------------------------------------------------ life */

static void on_sample(void *owner)
{
    struct xf_page *page = owner;
    uint64_t in, out;
    page->opts.traffic(page->opts.owner, &in, &out);
    xf_spark_add(&page->in, in);
    xf_spark_add(&page->out, out);
    xf_snapshots_tidy(&page->snapshots);
    xf_page_answers_tidy(&page->answers);
    xf_timer_start(xf_loop_timers(page->opts.loop), &page->sample, XF_SPARK_EVERY_MS);
}

struct xf_page *xf_page_new(const struct xf_page_opts *opts)
{
    struct xf_page *page = xf_new(struct xf_page);
    page->opts = *opts;
    page->clock = xf_loop_clock(opts->loop);
    page->snapshots.page = page->answers.page = page->checks.page = page;
    for (size_t i = 0; i < XF_ANSWERS_MAX; i++)
        page->answers.of[i].answers = &page->answers;
    xf_timer_init(&page->sample, on_sample, page);
    xf_timer_init(&page->rest, on_rested, page);
    on_sample(page);
    xf_http_serve(opts->http, pages, XF_ARRAY_LEN(pages), page);
    return page;
}

void xf_page_free(struct xf_page **page)
{
    struct xf_page *s = *page;
    if (!s)
        return;
    *page = NULL;
    xf_timer_stop(&s->sample);
    xf_timer_stop(&s->rest);
    xf_snapshots_fini(&s->snapshots);
    xf_page_answers_fini(&s->answers);
    xf_page_checks_fini(&s->checks);
    xf_free(s);
}
