/* SPDX-License-Identifier: MIT */
/* view_links.c — the links to the cluster, and whose certificates end soon. */
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>

#include "page_priv.h"

#define SOON_S    (14 * XF_DAY_S)
#define PEERS_MAX 10
#define OURS_MAX  200 /* certificates of ours */

/* ------------------------------------------------------------------ links */

static void show_leg(struct xf_draft *out, const json_t *leg)
{
    char since[XF_READABLE_BYTES];
    xf_html(out, "<tr><th scope=\"row\"><code>%s</code></th><td>", xf_json_text(leg, "node"));
    xf_view_state(out, xf_json_is(leg, "up") ? "up" : "down");
    xf_html(out, "</td><td class=\"num\">%s</td><td>",
            xf_readable_duration(xf_json_number(leg, "since_ms"), since));
    if (*xf_json_text(leg, "failure"))
        xf_html(out, "last time: %s ", xf_json_text(leg, "failure"));
    if (xf_json_is(leg, "congested"))
        xf_html(out, "slow ");
    if (xf_json_is(leg, "draining"))
        xf_html(out, "drains ");
    if (!xf_json_is(leg, "up"))
        xf_view_help(out, xf_json_text(leg, "advice"), xf_json_text(leg, "help"));
    xf_html(out, "</td></tr>");
}

static void show_link(struct xf_draft *out, const json_t *link)
{
    const json_t *legs = json_object_get(link, "legs");
    char bytes[XF_READABLE_BYTES];
    xf_html(out, "<h3>%s ", xf_json_text(link, "link"));
    xf_view_state(out, xf_json_is(link, "up") ? "up" : "down");
    xf_html(out, "</h3><p class=\"muted\"><code>%s</code> by %s, holds %llu stanzas (%s)%s%s</p>",
            xf_json_text(link, "name"), xf_json_text(link, "driver"),
            (unsigned long long)xf_json_number(link, "held.stanzas"),
            xf_readable_bytes(xf_json_number(link, "held.bytes"), bytes),
            xf_json_is(link, "congested") ? ", slow" : "",
            xf_json_is(link, "refuses_peers") ? ", refuses peers" : "");
    xf_html(out, "<table><thead><tr><th scope=\"col\">Node</th><th scope=\"col\">State</th>"
                 "<th scope=\"col\" class=\"num\">For</th><th scope=\"col\">Notes</th></tr></thead>"
                 "<tbody>");
    for (size_t i = 0; i < json_array_size(legs); i++)
        show_leg(out, json_array_get(legs, i));
    xf_html(out, "</tbody></table>\n");
}

void xf_view_links(struct xf_draft *out, const json_t *status)
{
    const json_t *links = json_object_get(status, "links");
    xf_html(out, "<section aria-labelledby=\"links\"><h2 id=\"links\">Links to the cluster</h2>");
    for (size_t i = 0; i < json_array_size(links); i++)
        show_link(out, json_array_get(links, i));
    xf_html(out, "</section>\n");
}

/* ------------------------------------------------------------------ certificates */

static void show_certificate(struct xf_draft *out, const char *name, bool is_peer, int64_t until_s,
                             int64_t now_s)
{
    char date[XF_READABLE_BYTES], left[XF_READABLE_BYTES];
    xf_html(out, "<tr><th scope=\"row\">");
    if (is_peer)
        xf_view_peer_link(out, name);
    else
        xf_html(out, "<bdi>%s</bdi> <span class=\"muted\">ours</span>", name);
    xf_html(out, "</th><td>%s</td><td class=\"%s\">%s</td></tr>",
            xf_readable_utc_date(until_s, date), until_s < now_s + SOON_S ? "weak" : "",
            xf_readable_left(until_s, now_s, left));
}

static void show_ours(struct xf_draft *out, const struct xf_snapshot *snapshot)
{
    const json_t *all = json_object_get(snapshot->status, "certificates");
    for (size_t i = 0; i < json_array_size(all) && i < OURS_MAX; i++) {
        const json_t *cert = json_array_get(all, i);
        show_certificate(out, xf_json_text(cert, "name"), false,
                         (int64_t)xf_json_number(cert, "not_after_s"), snapshot->made_s);
    }
}

/* The next ones to end. */
static void show_theirs(struct xf_draft *out, const struct xf_snapshot *snapshot)
{
    struct xf_page_list_query query = {.show = "", .order = XF_ORDER_EXPIRY};
    const struct xf_page_peer **peers =
        xf_alloc((snapshot->count + 1) * sizeof(struct xf_page_peer *));
    size_t count = xf_page_list_choose(snapshot->peers, snapshot->count, &query, peers);
    for (size_t i = 0; i < count && i < PEERS_MAX && peers[i]->cert_until_s; i++)
        show_certificate(out, peers[i]->name, true, peers[i]->cert_until_s, snapshot->made_s);
    xf_free(peers);
}

void xf_view_certificates(struct xf_draft *out, const struct xf_snapshot *snapshot)
{
    xf_html(out,
            "<section aria-labelledby=\"certificates\"><h2 id=\"certificates\">Certificates</h2>"
            "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Ends</th>"
            "<th scope=\"col\">Left</th></tr></thead><tbody>");
    show_ours(out, snapshot);
    show_theirs(out, snapshot);
    xf_html(out,
            "</tbody></table><p class=\"muted\">All of ours, and the %u of peers that end first: "
            "<a href=\"/?sort=expiry#peers\">all peers by date</a>.</p></section>\n",
            (unsigned)PEERS_MAX);
}
