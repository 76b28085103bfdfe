/* SPDX-License-Identifier: MIT */
/* view_status.c — the first page: one sentence, a few numbers, the peers, links, certificates. */
#include "page_priv.h"

/* ------------------------------------------------------------------ one sentence */

static size_t links_down(const json_t *status)
{
    const json_t *links = json_object_get(status, "links");
    size_t down = 0;
    for (size_t i = 0; i < json_array_size(links); i++)
        down += !xf_json_is(json_array_get(links, i), "up");
    return down;
}

/* The worst that there is. */
static const char *put_sentence(struct xf_draft *out, const struct xf_snapshot *snapshot)
{
    const json_t *status = snapshot->status;
    size_t down = links_down(status), failing = xf_snapshot_failing(snapshot);
    if (strcmp(xf_json_text(status, "state"), "running") != 0) {
        xf_html(out, "xfedd is stopping");
        return "bad";
    }
    if (strcmp(xf_json_text(status, "federation"), "on") != 0) {
        xf_html(out, "Federation is off");
        return "bad";
    }
    if (down > 0) {
        xf_html(out, "%zu link%s to the cluster %s down", down, down == 1 ? "" : "s",
                down == 1 ? "is" : "are");
        return "bad";
    }
    if (failing > 0) {
        xf_html(out, "%zu peer%s cannot be reached", failing, failing == 1 ? "" : "s");
        return "warn";
    }
    xf_html(out, "All is well");
    return "good";
}

static void show_sentence(struct xf_draft *out, const struct xf_snapshot *snapshot)
{
    struct xf_draft nowhere = xf_draft_begin(NULL);
    const char *level = put_sentence(&nowhere, snapshot);
    char uptime[XF_READABLE_BYTES];
    xf_html(out, "<div role=\"status\"><h1 class=\"verdict %s\">", level);
    (void)put_sentence(out, snapshot);
    xf_html(out, "</h1></div>\n<p class=\"under\">xfedd %s has been %s for %s.</p>\n",
            xf_json_text(snapshot->status, "version"), xf_json_text(snapshot->status, "state"),
            xf_readable_duration(xf_json_number(snapshot->status, "uptime_ms"), uptime));
}

/* ------------------------------------------------------------------ numbers */

static void show_number(struct xf_draft *out, const char *name, unsigned long long number,
                        const char *more, const char *level)
{
    xf_html(out, "<div class=\"tile %s\"><dt>%s</dt><dd><b>%llu</b> <span>%s</span></dd></div>\n",
            level, name, number, more);
}

static void show_traffic(struct xf_draft *out, const char *name, const struct xf_spark *spark,
                         uint32_t most)
{
    xf_html(out,
            "<div class=\"tile wide\"><dt>%s</dt><dd><b>%u</b> <span>in 5 s, at most %u</span>",
            name, xf_spark_last(spark), xf_spark_most(spark));
    xf_spark_write(out, spark, most, name);
    xf_html(out, "</dd></div>\n");
}

static void show_glance(struct xf_draft *out, const struct xf_page *page,
                        const struct xf_snapshot *snapshot)
{
    const json_t *status = snapshot->status;
    size_t links = json_array_size(json_object_get(status, "links")), down = links_down(status);
    size_t failing = xf_snapshot_failing(snapshot);
    uint32_t in = xf_spark_most(&page->in), most = xf_spark_most(&page->out);
    most = most > in ? most : in;
    xf_html(out, "<section aria-labelledby=\"glance\"><h2 id=\"glance\">At a glance</h2>"
                 "<dl class=\"tiles\">\n");
    show_number(out, "Links up", links - down, down ? "some are down" : "all of them",
                down ? "bad" : "good");
    show_number(out, "Peers up", snapshot->by_state[XF_PEER_UP], "with a stream", "");
    show_number(out, "Peers failing", failing, failing ? "or failed last time" : "none",
                failing ? "warn" : "");
    show_number(out, "Streams in", xf_json_number(status, "streams.in"), "accepted", "");
    show_number(out, "Streams out", xf_json_number(status, "streams.out"), "opened by us", "");
    show_number(out, "Waiting", xf_json_number(status, "waiting.stanzas"), "stanzas in queues", "");
    show_traffic(out, "Stanzas from peers", &page->in, most);
    show_traffic(out, "Stanzas to peers", &page->out, most);
    xf_html(out, "</dl></section>\n");
}

/* ------------------------------------------------------------------ certificate = required */

static void show_required(struct xf_draft *out, const struct xf_snapshot *snapshot)
{
    static const size_t most = 12;
    size_t shown = 0;
    xf_html(out,
            "<section aria-labelledby=\"required\"><h2 id=\"required\">With <code>certificate = "
            "required</code></h2>");
    if (snapshot->lacking == 0) {
        xf_html(out,
                "<p>Every peer whose authentication is known has a certificate that would do.</p>"
                "</section>\n");
        return;
    }
    xf_html(
        out,
        "<p>%zu peer%s would be refused: what they show now is no good certificate, and they are "
        "let in by dialback or by settings of theirs.</p><ul class=\"plain\">",
        snapshot->lacking, snapshot->lacking == 1 ? "" : "s");
    for (size_t i = 0; i < snapshot->count && shown < most; i++) {
        const struct xf_page_peer *peer = &snapshot->peers[i];
        if (!peer->lacks_certificate)
            continue;
        xf_html(out, "<li>");
        xf_view_peer_link(out, peer->name);
        xf_html(out, " <span class=\"muted\">%s, certificate: %s</span></li>", peer->auth,
                *peer->cert ? peer->cert : "none");
        shown++;
    }
    xf_html(out, "</ul>");
    if (shown < snapshot->lacking)
        xf_html(out, "<p><a href=\"/?show=no-certificate#peers\">All %zu of them</a></p>",
                snapshot->lacking);
    xf_html(out, "</section>\n");
}

void xf_view_status(struct xf_draft *out, const struct xf_page *page,
                    const struct xf_snapshot *snapshot, struct xf_page_list_query *query)
{
    const struct xf_frame frame = {.title = "Federation", .snapshot = snapshot};
    xf_frame_begin(out, &frame);
    show_sentence(out, snapshot);
    show_glance(out, page, snapshot);
    xf_view_peers(out, snapshot, query);
    xf_html(out, "<div class=\"columns\">\n");
    xf_view_links(out, snapshot->status);
    xf_view_certificates(out, snapshot);
    show_required(out, snapshot);
    xf_html(out, "<section aria-labelledby=\"check\"><h2 id=\"check\">Check a peer</h2>");
    xf_view_check_form(out, "", NULL);
    xf_html(out, "</section>\n</div>\n");
    xf_frame_end(out, &frame);
}
