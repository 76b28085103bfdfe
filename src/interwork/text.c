/* SPDX-License-Identifier: MIT */
/* text.c — cleans, cuts and trims what peers wrote. */
#include "text_priv.h"

#include <xfed/base/utf8.h>

#define LANGUAGE_MAX_BYTES 35
#define REPLACEMENT        XF_SPAN("\xEF\xBF\xBD")

/* ------------------------------------------------------------------ for people */

static void show(struct xf_span text, bool is_quoted, char *out, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    size_t len = 0, step;

    for (size_t i = 0; i < text.len; i += step) {
        if (is_quoted && bytes[i] == '\\' && i + 1 < text.len)
            i++;
        size_t good = xf_utf8_shown(bytes + i, text.len - i);
        struct xf_span shown = good > 0 ? (struct xf_span){text.ptr + i, good} : XF_SPAN(" ");

        step = good > 0 ? good : xf_utf8_unshown(bytes + i, text.len - i);

        if (len + shown.len >= size)
            break;
        if (len > 0 || !xf_span_is(shown, " ")) {
            memcpy(out + len, shown.ptr, shown.len);
            len += shown.len;
        }
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
}

void xf_interwork_show(struct xf_span text, char *out, size_t size)
{
    show(text, false, out, size);
}

void xf_interwork_show_quoted(struct xf_span text, char *out, size_t size)
{
    show(text, true, out, size);
}

/* ------------------------------------------------------------------ for XML */

/* C0 but for HT, LF and CR (XML 1.0 section 2.2), U+FFFE, U+FFFF. */
static size_t illegal_len(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;

    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\r' ? 0 : 1;
    if (c == 0xEF && left >= 3 && (unsigned char)p[1] == 0xBF && (unsigned char)p[2] >= 0xBE)
        return 3;
    return 0;
}

/* How many bytes at the start can stay as they are? */
static size_t plain_len(struct xf_span text)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] != '\r' &&
           illegal_len(text.ptr + len, text.len - len) == 0)
        len++;
    return len;
}

void xf_interwork_put_lines(struct xf_draft *draft, struct xf_span text)
{
    while (text.len > 0) {
        size_t plain = plain_len(text), step = 0;

        xf_draft_append(draft, text.ptr, plain);
        text = (struct xf_span){text.ptr + plain, text.len - plain};
        if (text.len == 0)
            return;
        if (*text.ptr == '\r') {
            step = text.len > 1 && text.ptr[1] == '\n' ? 2 : 1;
            xf_draft_str(draft, "\n");
        } else {
            step = illegal_len(text.ptr, text.len);
            xf_draft_span(draft, REPLACEMENT);
        }
        text = (struct xf_span){text.ptr + step, text.len - step};
    }
}

/* ------------------------------------------------------------------ pieces */

struct xf_span xf_interwork_cut(struct xf_span text, size_t max)
{
    return text.len <= max ? text : xf_utf8_whole((struct xf_span){text.ptr, max});
}

bool xf_interwork_is_language(struct xf_span text)
{
    if (text.len == 0 || text.len > LANGUAGE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c == '-' && i > 0)))
            return false;
    }
    return true;
}
