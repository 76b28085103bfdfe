/* SPDX-License-Identifier: MIT */
/* frame.c — what all pages have around them, and pieces that several of them show. */
#include "page_priv.h"

void xf_frame_begin(struct xf_draft *out, const struct xf_frame *frame)
{
    xf_html(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s · xfedd</title>\n"
            "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n"
            "<link rel=\"stylesheet\" href=\"/page.css\">\n",
            frame->title);
    if (frame->is_busy)
        xf_html(out, "<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>\n");
    xf_html(out,
            "<script src=\"/page.js\" defer></script>\n</head>\n<body%s>\n"
            "<a class=\"skip\" href=\"#main\">Skip to content</a>\n"
            "<header class=\"top\"><div class=\"bar\">"
            "<a class=\"brand\" href=\"/\"><svg viewBox=\"0 0 32 32\" width=\"22\" height=\"22\" "
            "aria-hidden=\"true\"><circle cx=\"9\" cy=\"16\" r=\"5\"/><circle cx=\"24\" cy=\"7\" "
            "r=\"4\"/><circle cx=\"24\" cy=\"25\" r=\"4\"/><path d=\"M13 13l8-4M13 19l8 4\"/></svg>"
            "xfedd</a><nav aria-label=\"Pages\"><a href=\"/\">Federation</a> "
            "<a href=\"/check\">Check a peer</a></nav>"
            "<span class=\"live\" id=\"live\"></span></div></header>\n<main id=\"main\">\n",
            frame->is_busy ? " data-busy" : "");
}

void xf_frame_end(struct xf_draft *out, const struct xf_frame *frame)
{
    char time[XF_READABLE_BYTES], took[XF_READABLE_BYTES];
    xf_html(out, "</main>\n<footer><p>");
    if (frame->snapshot)
        xf_html(out, "xfedd %s · gathered %s UTC in %s · ",
                xf_json_text(frame->snapshot->status, "version"),
                xf_readable_utc_time(frame->snapshot->made_s, time),
                xf_readable_duration(frame->snapshot->took_ms, took));
    xf_html(out, "times are UTC · help codes are titles in TROUBLESHOOTING.md</p></footer>\n"
                 "</body>\n</html>\n");
}

void xf_view_peer_link(struct xf_draft *out, const char *peer)
{
    xf_html(out, "<a class=\"name\" href=\"/peer?name=");
    xf_html_value(out, peer);
    xf_html(out, "\"><bdi>%s</bdi></a>", peer);
}

void xf_view_state(struct xf_draft *out, const char *state)
{
    xf_html(out, "<span class=\"state %s\">%s</span>", state, state);
}

void xf_view_help(struct xf_draft *out, const char *advice, const char *help)
{
    if (*advice)
        xf_html(out, "<p class=\"advice\">%s</p>", advice);
    if (*help)
        xf_html(out, "<p class=\"help\">TROUBLESHOOTING.md, <code>%s</code></p>", help);
}

void xf_view_check_form(struct xf_draft *out, const char *peer, const char *problem)
{
    xf_html(
        out,
        "<form class=\"check\" method=\"post\" action=\"/check\" autocomplete=\"off\">"
        "<p class=\"field\"><label for=\"check-peer\">Domain</label>"
        "<input id=\"check-peer\" name=\"peer\" value=\"%s\" required maxlength=\"255\" "
        "placeholder=\"partner.example\" spellcheck=\"false\" autocapitalize=\"off\"></p>"
        "<p class=\"field\"><label for=\"check-token\">Token</label>"
        "<input id=\"check-token\" name=\"token\" type=\"password\" required maxlength=\"64\" "
        "autocomplete=\"off\" aria-describedby=\"check-hint\"></p>"
        "<p class=\"field\"><button type=\"submit\">Check</button></p></form>"
        "<p class=\"hint\" id=\"check-hint\">A check connects to the peer as for delivery, and "
        "sends no stanza. It needs the token that <code>xfedctl page</code> prints, for those who "
        "may act.</p>",
        peer);
    if (problem)
        xf_html(out, "<p class=\"problem\" role=\"alert\">%s</p>", problem);
}
