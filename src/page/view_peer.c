/* SPDX-License-Identifier: MIT */
/* view_peer.c — one peer: its attempts step by step, its streams, its routes, and policy. */
#include "page_priv.h"

static bool is_kind(const json_t *row, const char *kind)
{
    return strcmp(xf_json_text(row, "kind"), kind) == 0;
}

static size_t count_kind(const json_t *rows, const char *kind)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(rows); i++)
        count += is_kind(json_array_get(rows, i), kind);
    return count;
}

typedef void (*row_fn)(struct xf_draft *out, const json_t *row);

static void show_kind(struct xf_draft *out, const json_t *rows, const char *kind, row_fn show)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (is_kind(json_array_get(rows, i), kind))
            show(out, json_array_get(rows, i));
}

/* ------------------------------------------------------------------ policy */

static void show_ruling(struct xf_draft *out, const json_t *ruling)
{
    if (xf_json_is(ruling, "passes"))
        xf_html(out, "<td>passes</td>");
    else
        xf_html(out, "<td class=\"weak\">refused: %s %s %s</td>", xf_json_text(ruling, "rule"),
                xf_json_text(ruling, "key"), xf_json_text(ruling, "text"));
}

static void show_policy(struct xf_draft *out, const json_t *result)
{
    const json_t *policy = json_object_get(result, "policy");
    xf_html(out,
            "<section aria-labelledby=\"policy\"><h2 id=\"policy\">Policy</h2><table><thead><tr>"
            "<th scope=\"col\">Domain of ours</th><th scope=\"col\">To the peer</th>"
            "<th scope=\"col\">From the peer</th></tr></thead><tbody>");
    for (size_t i = 0; i < json_array_size(policy); i++) {
        const json_t *row = json_array_get(policy, i);
        xf_html(out, "<tr><th scope=\"row\"><bdi>%s</bdi></th>", xf_json_text(row, "local"));
        show_ruling(out, json_object_get(row, "out"));
        show_ruling(out, json_object_get(row, "in"));
        xf_html(out, "</tr>");
    }
    xf_html(out, "</tbody></table></section>\n");
}

/* ------------------------------------------------------------------ routes and streams */

static void show_route(struct xf_draft *out, const json_t *row)
{
    xf_html(out, "<tr><th scope=\"row\"><bdi>%s</bdi></th><td>", xf_json_text(row, "local"));
    xf_view_state(out, xf_json_text(row, "state"));
    xf_html(out,
            "</td><td class=\"num\">%llu</td><td class=\"num\">%llu</td>"
            "<td class=\"num\">%llu</td><td>%s</td></tr>",
            (unsigned long long)xf_json_number(row, "queued.stanzas"),
            (unsigned long long)xf_json_number(row, "sent"),
            (unsigned long long)xf_json_number(row, "bounced"), xf_json_text(row, "text"));
}

static void show_stream(struct xf_draft *out, const json_t *row)
{
    char age[XF_READABLE_BYTES];
    xf_html(out,
            "<tr data-key=\"%llu\"><th scope=\"row\">%s %llu</th><td><bdi>%s</bdi></td>"
            "<td><code>%s</code></td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>"
            "<td class=\"num\">%s</td><td class=\"num\">%llu / %llu</td></tr>",
            (unsigned long long)xf_json_number(row, "stream"), xf_json_text(row, "dir"),
            (unsigned long long)xf_json_number(row, "stream"), xf_json_text(row, "local"),
            xf_json_text(row, "addr"),
            xf_json_is(row, "ready") ? "ready" : xf_json_text(row, "state"),
            xf_json_text(row, "tls"), xf_json_text(row, "cert"), xf_json_text(row, "auth"),
            xf_readable_duration(xf_json_number(row, "age_ms"), age),
            (unsigned long long)xf_json_number(row, "stanzas_in"),
            (unsigned long long)xf_json_number(row, "stanzas_out"));
}

static void show_routes(struct xf_draft *out, const json_t *rows)
{
    xf_html(out, "<section aria-labelledby=\"routes\"><h2 id=\"routes\">Routes</h2>");
    if (count_kind(rows, "route") == 0) {
        xf_html(out, "<p class=\"empty\">Nothing was sent to this peer lately.</p></section>\n");
        return;
    }
    xf_html(out,
            "<table><thead><tr><th scope=\"col\">From</th><th scope=\"col\">State</th>"
            "<th scope=\"col\" class=\"num\">Queued</th><th scope=\"col\" class=\"num\">Sent</th>"
            "<th scope=\"col\" class=\"num\">Returned</th><th scope=\"col\">Why</th></tr></thead>"
            "<tbody>");
    show_kind(out, rows, "route", show_route);
    xf_html(out, "</tbody></table></section>\n");
}

static void show_streams(struct xf_draft *out, const json_t *rows)
{
    xf_html(out, "<section aria-labelledby=\"streams\"><h2 id=\"streams\">Streams</h2>");
    if (count_kind(rows, "stream") == 0) {
        xf_html(out, "<p class=\"empty\">There is no stream with this peer.</p></section>\n");
        return;
    }
    xf_html(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"Table of streams\" tabindex=\"0\">"
            "<table><thead><tr><th scope=\"col\">Stream</th><th scope=\"col\">Ours</th>"
            "<th scope=\"col\">Address</th><th scope=\"col\">State</th><th scope=\"col\">TLS</th>"
            "<th scope=\"col\">Certificate</th><th scope=\"col\">Authentication</th>"
            "<th scope=\"col\" class=\"num\">Age</th>"
            "<th scope=\"col\" class=\"num\">Stanzas in / out</th></tr></thead><tbody>");
    show_kind(out, rows, "stream", show_stream);
    xf_html(out, "</tbody></table></div></section>\n");
}

static void show_conn(struct xf_draft *out, const json_t *row)
{
    char age[XF_READABLE_BYTES];
    xf_html(out,
            "<tr data-key=\"c%llu\"><th scope=\"row\">%s %llu</th><td><code>%s</code></td>"
            "<td><bdi>%s</bdi></td><td>%s</td><td>%s</td><td class=\"num\">%s</td>"
            "<td class=\"num\">%llu / %llu</td></tr>",
            (unsigned long long)xf_json_number(row, "conn"), xf_json_text(row, "dir"),
            (unsigned long long)xf_json_number(row, "conn"), xf_json_text(row, "addr"),
            xf_json_text(row, "server"), xf_json_text(row, "state"), xf_json_text(row, "tls"),
            xf_readable_duration(xf_json_number(row, "age_ms"), age),
            (unsigned long long)xf_json_number(row, "open"),
            (unsigned long long)xf_json_number(row, "asked"));
}

/* In place of streams, for a peer that belongs to SIP. */
static void show_conns(struct xf_draft *out, const json_t *rows)
{
    xf_html(out, "<section aria-labelledby=\"streams\"><h2 id=\"streams\">SIP connections</h2>");
    if (count_kind(rows, "conn") == 0) {
        xf_html(out, "<p class=\"empty\">There is no connection with this peer.</p></section>\n");
        return;
    }
    xf_html(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"Table of connections\" "
        "tabindex=\"0\"><table><thead><tr><th scope=\"col\">Connection</th>"
        "<th scope=\"col\">Address</th><th scope=\"col\">Server</th>"
        "<th scope=\"col\">State</th><th scope=\"col\">TLS</th>"
        "<th scope=\"col\" class=\"num\">Age</th>"
        "<th scope=\"col\" class=\"num\">Requests open: theirs / ours</th></tr></thead><tbody>");
    show_kind(out, rows, "conn", show_conn);
    xf_html(out, "</tbody></table></div></section>\n");
}

/* ------------------------------------------------------------------ attempts */

void xf_view_steps(struct xf_draft *out, const json_t *attempt)
{
    const json_t *steps = json_object_get(attempt, "steps");
    xf_html(out, "<table class=\"steps\"><thead><tr><th scope=\"col\" class=\"num\">After</th>"
                 "<th scope=\"col\">Step</th><th scope=\"col\">Details</th></tr></thead><tbody>");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        char after[XF_READABLE_BYTES];
        xf_html(out,
                "<tr><td class=\"num\">%s</td><th scope=\"row\"><code>%s</code></th>"
                "<td><code>%s</code></td></tr>",
                xf_readable_duration(xf_json_number(step, "ms"), after),
                xf_json_text(step, "event"), xf_json_text(step, "pairs"));
    }
    xf_html(out, "</tbody></table>");
    if (xf_json_number(attempt, "steps_left_out"))
        xf_html(out, "<p class=\"muted\">%llu steps are left out.</p>",
                (unsigned long long)xf_json_number(attempt, "steps_left_out"));
}

static void show_attempt(struct xf_draft *out, const json_t *row)
{
    char time[XF_READABLE_BYTES];
    const char *outcome = xf_json_text(row, "outcome");
    xf_html(out, "<details data-key=\"a%llu\"><summary>",
            (unsigned long long)xf_json_number(row, "stream"));
    xf_view_state(out, outcome);
    xf_html(out,
            " <span class=\"dir\">%s</span> <time>%s</time> <span class=\"what\">%s</span>"
            "</summary>",
            xf_json_text(row, "dir"),
            xf_readable_utc_time((int64_t)xf_json_number(row, "unix_s"), time),
            *xf_json_text(row, "detail") ? xf_json_text(row, "detail") : xf_json_text(row, "auth"));
    xf_html(out, "<p class=\"muted\">stream %llu, <bdi>%s</bdi> <code>%s</code> %s</p>",
            (unsigned long long)xf_json_number(row, "stream"), xf_json_text(row, "local"),
            xf_json_text(row, "addr"), xf_json_text(row, "reason"));
    xf_view_help(out, xf_json_text(row, "advice"), xf_json_text(row, "help"));
    xf_view_steps(out, row);
    xf_html(out, "</details>\n");
}

static void show_attempts(struct xf_draft *out, const json_t *rows)
{
    xf_html(out, "<section aria-labelledby=\"attempts\"><h2 id=\"attempts\">Attempts</h2>");
    if (count_kind(rows, "attempt") == 0)
        xf_html(out, "<p class=\"empty\">No attempt is remembered.</p>");
    else
        xf_html(out, "<p class=\"muted\">The newest first. Open one for its steps.</p>");
    show_kind(out, rows, "attempt", show_attempt);
    xf_html(out, "</section>\n");
}

/* ------------------------------------------------------------------ the page */

static const json_t *first_of(const json_t *rows, const char *kind, const char *key,
                              const char *value)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (is_kind(row, kind) && (!key || strcmp(xf_json_text(row, key), value) == 0))
            return row;
    }
    return NULL;
}

static bool is_up(const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if ((is_kind(json_array_get(rows, i), "stream") ||
             is_kind(json_array_get(rows, i), "conn")) &&
            xf_json_is(json_array_get(rows, i), "ready"))
            return true;
    return false;
}

static const json_t *failed_route(const json_t *rows)
{
    static const char *const failed[] = {"bounce", "probe", "sip-failing"};
    const json_t *route = NULL;
    for (size_t i = 0; i < XF_ARRAY_LEN(failed) && !route; i++)
        route = first_of(rows, "route", "state", failed[i]);
    return route;
}

static bool is_sip(const json_t *result)
{
    return strcmp(xf_json_text(result, "protocol"), "sip") == 0;
}

static void say(struct xf_draft *out, const char *state, const char *words)
{
    xf_html(out, "<p class=\"verdict-line\" role=\"status\">");
    xf_view_state(out, state);
    xf_html(out, " %s</p>", words);
}

/* What holds now, and if that is bad, what to do. The newest attempt is the first. */
static void show_verdict(struct xf_draft *out, const json_t *result, const json_t *rows)
{
    const json_t *route = failed_route(rows), *tried = first_of(rows, "attempt", "dir", "out");
    bool has_failed = tried && strcmp(xf_json_text(tried, "outcome"), "failed") == 0;
    if (xf_json_is(result, "sip_off")) {
        say(out, "sip-off", "This domain is reached by SIP, which is off.");
        return;
    }
    if (is_sip(result) && !route) {
        say(out, is_up(rows) ? "up" : "idle",
            is_up(rows) ? "A SIP connection is open."
                        : "There is no SIP connection: the next message makes one.");
        return;
    }
    if (route)
        say(out, "failing", xf_json_text(route, "text"));
    else if (is_up(rows))
        say(out, "up", "A stream is authenticated.");
    else if (has_failed)
        say(out, "failed", "Our last try to reach it failed.");
    else
        say(out, "idle", "There is no authenticated stream.");
    if (!has_failed || (!route && is_up(rows)))
        return;
    xf_html(out, "<p>%s</p>", xf_json_text(tried, "detail"));
    xf_view_help(out, xf_json_text(tried, "advice"), xf_json_text(tried, "help"));
}

static void show_problem(struct xf_draft *out, const json_t *last)
{
    xf_html(out, "<p class=\"problem\">%s</p>", xf_json_text(last, "message"));
}

void xf_view_peer(struct xf_draft *out, const char *peer, const struct xf_page_answer *answer)
{
    const struct xf_frame frame = {.title = peer};
    const json_t *result = json_object_get(answer->last, "result");
    xf_frame_begin(out, &frame);
    xf_html(out,
            "<p class=\"crumb\"><a href=\"/#peers\">Peers</a></p>"
            "<h1><bdi>%s</bdi></h1>\n",
            peer);
    if (xf_json_is(answer->last, "ok")) {
        show_verdict(out, result, answer->rows);
        if (*xf_json_text(result, "section"))
            xf_html(out, "<p class=\"muted\">Its settings: <code>peer \"%s\"</code>, %s</p>",
                    xf_json_text(result, "section"), xf_json_text(result, "place"));
        show_attempts(out, answer->rows);
        if (is_sip(result))
            show_conns(out, answer->rows);
        else
            show_streams(out, answer->rows);
        show_routes(out, answer->rows);
        show_policy(out, result);
        if (answer->left_out)
            xf_html(out,
                    "<p class=\"muted\">%zu more rows are left out: see <code>xfedctl "
                    "peer</code>.</p>",
                    answer->left_out);
    } else {
        show_problem(out, answer->last);
    }
    xf_html(out, "<section aria-labelledby=\"check\"><h2 id=\"check\">Check it now</h2>");
    xf_view_check_form(out, peer, NULL);
    xf_html(out, "</section>\n");
    xf_frame_end(out, &frame);
}
