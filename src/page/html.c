/* SPDX-License-Identifier: MIT */
/*
 * html.c — writes HTML. Markup is literals of ours; every text in it goes through xf_html_text,
 * which is safe in text and in an attribute in double quotes: peers choose domains, error texts and
 * certificates. Characters that turn the direction of text or move a cursor become U+FFFD.
 * Test: tests/unit/page/test_html.c.
 */
#include <ctype.h>
#include <stdarg.h>

#include <xfed/base/utf8.h>

#include "page_priv.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return " ";
    default:
        return NULL;
    }
}

void xf_html_text(struct xf_draft *out, struct xf_span text)
{
    for (size_t at = 0; at < text.len;) {
        const unsigned char *p = (const unsigned char *)text.ptr + at;
        const char *instead = entity(text.ptr[at]);
        size_t len = instead ? 1 : xf_utf8_shown(p, text.len - at);
        if (instead) {
            xf_draft_str(out, instead);
        } else if (len > 0) {
            xf_draft_append(out, p, len);
        } else {
            xf_draft_str(out, REPLACEMENT);
            len = xf_utf8_unshown(p, text.len - at);
        }
        at += len;
    }
}

void xf_html_value(struct xf_draft *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
            xf_draft_append(out, text, 1);
        else
            xf_draft_printf(out, "%%%02X", c);
    }
}

/* The argument of the conversion at `spec`, behind its per cent sign; returns what is behind it. */
static const char *put_in(struct xf_draft *out, const char *spec, va_list *args)
{
    size_t longs = strspn(spec, "l"), sizes = strspn(spec, "z");
    char conversion = spec[longs + sizes];
    if (conversion == '%')
        xf_draft_str(out, "%");
    else if (conversion == 's')
        xf_html_text(out, xf_span_of(va_arg(*args, const char *)));
    else if (sizes)
        xf_draft_printf(out, "%zu", va_arg(*args, size_t));
    else if (conversion == 'u' && longs)
        xf_draft_printf(out, "%llu",
                        longs > 1 ? va_arg(*args, unsigned long long)
                                  : va_arg(*args, unsigned long));
    else if (conversion == 'u')
        xf_draft_printf(out, "%u", va_arg(*args, unsigned));
    else
        xf_require(false); /* not one of html's */
    return spec + longs + sizes + 1;
}

void xf_html(struct xf_draft *out, const char *markup, ...)
{
    va_list args;
    va_start(args, markup);
    while (*markup) {
        size_t plain = strcspn(markup, "%");
        xf_draft_append(out, markup, plain);
        markup += plain;
        if (*markup)
            markup = put_in(out, markup + 1, &args);
    }
    va_end(args);
}
