/* SPDX-License-Identifier: MIT */
/* view_checks.c — the form that checks a peer, and what came of the last checks. */
#include "page_priv.h"

static void show_address(struct xf_draft *out, const json_t *row)
{
    char took[XF_READABLE_BYTES];
    xf_html(out,
            "<tr><th scope=\"row\"><code>%s</code></th><td><bdi>%s</bdi></td><td>%s%s%s</td><td>",
            xf_json_text(row, "addr"), xf_json_text(row, "server"),
            xf_json_is(row, "direct") ? "direct TLS " : "",
            xf_json_is(row, "dnssec") ? "DNSSEC " : "", xf_json_is(row, "tlsa") ? "TLSA" : "");
    if (json_object_get(row, "connects"))
        xf_view_state(out, xf_json_is(row, "connects") ? "up" : "failed");
    xf_html(out, " %s</td><td class=\"num\">%s</td></tr>", xf_json_text(row, "detail"),
            xf_readable_duration(xf_json_number(row, "ms"), took));
}

static void show_addresses(struct xf_draft *out, const json_t *rows)
{
    xf_html(out, "<table><thead><tr><th scope=\"col\">Address</th><th scope=\"col\">Server</th>"
                 "<th scope=\"col\">DNS</th><th scope=\"col\">Connects</th>"
                 "<th scope=\"col\" class=\"num\">Time</th></tr></thead><tbody>");
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (strcmp(xf_json_text(json_array_get(rows, i), "kind"), "address") == 0)
            show_address(out, json_array_get(rows, i));
    xf_html(out, "</tbody></table>");
}

/* Of a peer that belongs to SIP. */
static void show_steps(struct xf_draft *out, const json_t *rows)
{
    xf_html(out, "<table><thead><tr><th scope=\"col\">Step</th><th scope=\"col\">State</th>"
                 "<th scope=\"col\">Details</th></tr></thead><tbody>");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(xf_json_text(row, "kind"), "step") == 0)
            xf_html(out, "<tr><th scope=\"row\">%s</th><td>%s</td><td><code>%s</code></td></tr>",
                    xf_json_text(row, "step"), xf_json_text(row, "state"),
                    xf_json_text(row, "detail"));
    }
    xf_html(out, "</tbody></table>");
}

static void show_result(struct xf_draft *out, const struct xf_page_check *check)
{
    const json_t *rows = check->answer.rows,
                 *result = json_object_get(check->answer.last, "result");
    if (!xf_json_is(check->answer.last, "ok")) {
        xf_html(out, "<p>%s</p>", xf_json_text(check->answer.last, "message"));
        return;
    }
    if (!xf_json_is(result, "reachable"))
        xf_html(out, "<p>%s</p>",
                *xf_json_text(result, "detail") ? xf_json_text(result, "detail")
                                                : xf_json_text(result, "text"));
    xf_view_help(out, xf_json_text(result, "advice"), xf_json_text(result, "help"));
    show_addresses(out, rows);
    if (strcmp(xf_json_text(result, "protocol"), "sip") == 0)
        show_steps(out, rows);
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (strcmp(xf_json_text(json_array_get(rows, i), "kind"), "attempt") == 0)
            xf_view_steps(out, json_array_get(rows, i));
}

static const char *state_of(const struct xf_page_check *check)
{
    const json_t *last = check->answer.last;
    if (!last)
        return "under-way";
    if (!xf_json_is(last, "ok"))
        return "refused";
    return xf_json_is(last, "result.reachable") ? "reachable" : "unreachable";
}

static void show_check(struct xf_draft *out, const struct xf_page_check *check)
{
    char time[XF_READABLE_BYTES];
    xf_html(out, "<section class=\"result\"><h2><bdi>%s</bdi> ", check->peer);
    xf_view_state(out, state_of(check));
    xf_html(out, "</h2><p class=\"muted\"><time>%s</time> ",
            xf_readable_utc_time(check->began_s, time));
    xf_view_peer_link(out, check->peer);
    xf_html(out, "</p>");
    if (check->answer.last)
        show_result(out, check);
    else
        xf_html(out, "<p>DNS, each address, TLS and authentication: this may take a while.</p>");
    xf_html(out, "</section>\n");
}

void xf_view_checks(struct xf_draft *out, const struct xf_page_checks *checks, const char *problem)
{
    const struct xf_frame frame = {.title = "Check a peer", .is_busy = xf_page_checks_busy(checks)};
    xf_frame_begin(out, &frame);
    xf_html(out, "<h1>Check a peer</h1>\n");
    xf_view_check_form(out, "", problem);
    xf_html(out, "<div id=\"results\" aria-live=\"polite\">\n");
    for (size_t i = 0; i < XF_CHECKS_KEPT; i++)
        if (checks->of[i])
            show_check(out, checks->of[i]);
    xf_html(out, "</div>\n");
    xf_frame_end(out, &frame);
}
