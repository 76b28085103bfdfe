/* SPDX-License-Identifier: MIT */
/* view_peers.c — the list of peers: filters, order and pages are links and need no script. */
#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>

#include "page_priv.h"

/* ------------------------------------------------------------------ filters */

static void show_filter(struct xf_draft *out, const struct xf_page_list_query *query,
                        const char *show, const char *name, size_t count)
{
    struct xf_page_list_query other = *query;
    bool is_this = strcmp(query->show, show) == 0;
    other.show = show;
    other.page = 0;
    xf_html(out, "<li><a href=\"");
    xf_page_list_link(out, &other);
    xf_html(out,
            is_this ? "\" aria-current=\"true\">%s <b>%zu</b></a></li>"
                    : "\">%s <b>%zu</b></a></li>",
            name, count);
}

static void show_filters(struct xf_draft *out, const struct xf_snapshot *snapshot,
                         const struct xf_page_list_query *query)
{
    xf_html(out, "<nav aria-label=\"Which peers\"><ul class=\"tabs\">");
    show_filter(out, query, "", "all", snapshot->count + snapshot->left_out);
    for (int i = 0; i < XF_PEER_STATES; i++) {
        const char *word = xf_peer_state_word((enum xf_peer_state)i);
        show_filter(out, query, word, word, snapshot->by_state[i]);
    }
    show_filter(out, query, "no-certificate", "no good certificate", snapshot->lacking);
    xf_html(out,
            "</ul></nav><form class=\"search\" role=\"search\" method=\"get\" action=\"/#peers\">"
            "<input type=\"hidden\" name=\"show\" value=\"%s\">"
            "<input type=\"hidden\" name=\"sort\" value=\"%s\">"
            "<label for=\"q\">Name contains</label> "
            "<input id=\"q\" name=\"q\" type=\"search\" value=\"%s\" maxlength=\"100\"> "
            "<button type=\"submit\">Find</button></form>",
            query->show, xf_page_list_order_word(query->order), query->text);
}

/* ------------------------------------------------------------------ the table */

static void show_head(struct xf_draft *out, const struct xf_page_list_query *query,
                      enum xf_page_list_order order, const char *name, const char *class)
{
    struct xf_page_list_query other = *query;
    bool is_this = query->order == order;
    bool is_up = order == XF_ORDER_NAME || order == XF_ORDER_STATE || order == XF_ORDER_EXPIRY ||
                 order == XF_ORDER_HEARD;
    other.order = order;
    other.page = 0;
    xf_html(out, "<th scope=\"col\" class=\"%s\"", class);
    if (is_this)
        xf_html(out, " aria-sort=\"%s\"", is_up ? "ascending" : "descending");
    xf_html(out, "><a href=\"");
    xf_page_list_link(out, &other);
    xf_html(out, "\">%s</a></th>", name);
}

static void show_heads(struct xf_draft *out, const struct xf_page_list_query *query)
{
    xf_html(out, "<thead><tr>");
    show_head(out, query, XF_ORDER_NAME, "Peer", "");
    show_head(out, query, XF_ORDER_STATE, "State", "");
    xf_html(out, "<th scope=\"col\">Last error</th>"
                 "<th scope=\"col\" class=\"num\">In</th><th scope=\"col\" class=\"num\">Out</th>");
    show_head(out, query, XF_ORDER_QUEUED, "Queued", "num");
    show_head(out, query, XF_ORDER_TRAFFIC, "Stanzas", "num");
    xf_html(out, "<th scope=\"col\">Proof</th>");
    show_head(out, query, XF_ORDER_EXPIRY, "Certificate ends", "");
    show_head(out, query, XF_ORDER_HEARD, "Heard", "num");
    xf_html(out, "</tr></thead>\n");
}

/* Where help is, and until when stanzas come back. */
static void show_what_next(struct xf_draft *out, const struct xf_page_peer *peer)
{
    char retry[XF_READABLE_BYTES];
    bool waits = peer->state == XF_PEER_FAILING && peer->retry_ms >= 1000;
    if (!*peer->help && !waits)
        return;
    xf_html(out, "<p class=\"help\">");
    if (*peer->help)
        xf_html(out, "TROUBLESHOOTING.md, <code>%s</code>", peer->help);
    if (waits)
        xf_html(out, "%s tried again within %s", *peer->help ? " ·" : "",
                xf_readable_duration(peer->retry_ms, retry));
    xf_html(out, "</p>");
}

static void show_error(struct xf_draft *out, const struct xf_page_peer *peer)
{
    bool is_now = peer->state == XF_PEER_FAILING || peer->state == XF_PEER_FAILED;
    xf_html(out, "<td class=\"error\">");
    if (*peer->error)
        xf_html(out, is_now ? "<p>%s</p>" : "<p class=\"muted\">%s</p>", peer->error);
    if (is_now)
        show_what_next(out, peer);
    xf_html(out, "</td>");
}

static void show_proof(struct xf_draft *out, const struct xf_page_peer *peer)
{
    xf_html(out, peer->lacks_certificate ? "<td class=\"weak\">%s%s%s</td>" : "<td>%s%s%s</td>",
            peer->auth, *peer->cert ? ", " : "", peer->cert);
}

static void show_expiry(struct xf_draft *out, const struct xf_page_peer *peer, int64_t now_s)
{
    char date[XF_READABLE_BYTES], left[XF_READABLE_BYTES];
    if (!peer->cert_until_s)
        xf_html(out, "<td></td>");
    else
        xf_html(out, "<td class=\"%s\">%s <span class=\"muted\">%s</span></td>",
                peer->cert_until_s < now_s + 14 * XF_DAY_S ? "weak" : "",
                xf_readable_utc_date(peer->cert_until_s, date),
                xf_readable_left(peer->cert_until_s, now_s, left));
}

/* What is nothing is not to catch the eye. */
static void show_count(struct xf_draft *out, uint64_t count)
{
    xf_html(out, count ? "<td class=\"num\">%llu</td>" : "<td class=\"num muted\">%llu</td>",
            (unsigned long long)count);
}

static void show_row(struct xf_draft *out, const struct xf_page_peer *peer, int64_t now_s)
{
    char heard[XF_READABLE_BYTES];
    xf_html(out, "<tr data-key=\"%s\"><th scope=\"row\">", peer->name);
    xf_view_peer_link(out, peer->name);
    xf_html(out, "</th><td>");
    xf_view_state(out, xf_peer_state_word(peer->state));
    xf_html(out, "</td>");
    show_error(out, peer);
    show_count(out, peer->in);
    show_count(out, peer->out);
    show_count(out, peer->queued);
    show_count(out, peer->stanzas);
    show_proof(out, peer);
    show_expiry(out, peer, now_s);
    xf_html(out, "<td class=\"num\">%s</td></tr>\n",
            peer->was_heard ? xf_readable_duration(peer->heard_ms, heard) : "");
}

/* ------------------------------------------------------------------ pages */

static void show_turn(struct xf_draft *out, const struct xf_page_list_query *query, size_t page,
                      const char *rel, const char *name)
{
    struct xf_page_list_query other = *query;
    other.page = page;
    xf_html(out, "<a rel=\"%s\" href=\"", rel);
    xf_page_list_link(out, &other);
    xf_html(out, "\">%s</a> ", name);
}

static void show_pages(struct xf_draft *out, const struct xf_page_list_query *query, size_t count)
{
    size_t first = query->page * XF_PAGE_LIST_ROWS, end = first + XF_PAGE_LIST_ROWS;
    xf_html(out, "<nav class=\"pages\" aria-label=\"Pages of the list\">");
    if (query->page > 0) {
        show_turn(out, query, 0, "first", "First");
        show_turn(out, query, query->page - 1, "prev", "Previous");
    }
    xf_html(out, "<span>%zu to %zu of %zu</span> ", count ? first + 1 : 0,
            end < count ? end : count, count);
    if (end < count) {
        show_turn(out, query, query->page + 1, "next", "Next");
        show_turn(out, query, (count - 1) / XF_PAGE_LIST_ROWS, "last", "Last");
    }
    xf_html(out, "</nav>");
}

static void show_table(struct xf_draft *out, const struct xf_snapshot *snapshot,
                       const struct xf_page_list_query *query,
                       const struct xf_page_peer *const *chosen, size_t count)
{
    size_t first = query->page * XF_PAGE_LIST_ROWS;
    xf_html(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"Table of peers\" tabindex=\"0\">"
            "<table class=\"peers\">");
    show_heads(out, query);
    xf_html(out, "<tbody>\n");
    for (size_t i = first; i < count && i < first + XF_PAGE_LIST_ROWS; i++)
        show_row(out, chosen[i], snapshot->made_s);
    xf_html(out, "</tbody></table></div>\n");
    show_pages(out, query, count);
}

void xf_view_peers(struct xf_draft *out, const struct xf_snapshot *snapshot,
                   struct xf_page_list_query *query)
{
    const struct xf_page_peer **chosen =
        xf_alloc((snapshot->count + 1) * sizeof(struct xf_page_peer *));
    size_t count = xf_page_list_choose(snapshot->peers, snapshot->count, query, chosen);
    xf_html(out, "<section aria-labelledby=\"peers\"><h2 id=\"peers\">Peers</h2>");
    show_filters(out, snapshot, query);
    if (count > 0)
        show_table(out, snapshot, query, chosen, count);
    else
        xf_html(out, "<p class=\"empty\">%s</p>",
                snapshot->count ? "No peer is like this." : "No peer is known yet.");
    if (snapshot->left_out)
        xf_html(out,
                "<p class=\"muted\">%zu more peers are counted and not listed: see <code>xfedctl "
                "peers</code>.</p>",
                snapshot->left_out);
    xf_html(out, "</section>\n");
    xf_free(chosen);
}
