/* SPDX-License-Identifier: MIT */
/* text.c — text that is bounded, and in which strangers' words do no harm. */
#include "notify_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include <xfed/base/utf8.h>

#define CUT       " ..."
#define CUT_BYTES (sizeof(CUT) - 1)

void xf_notice_text_init(struct xf_buf *text)
{
    xf_buf_init(text, XF_NOTICE_TEXT_MAX);
}

/* Room for CUT is always kept. */
static void put(struct xf_buf *text, const char *bytes, size_t len)
{
    size_t room = xf_buf_room(text);
    if (len == 0 || room < CUT_BYTES)
        return;
    if (len <= room - CUT_BYTES) {
        (void)!xf_buf_try_append(text, bytes, len);
        return;
    }
    struct xf_span part = xf_utf8_whole((struct xf_span){bytes, room - CUT_BYTES});
    (void)!xf_buf_try_append(text, part.ptr, part.len);
    (void)!xf_buf_try_append(text, CUT, CUT_BYTES);
    text->max = text->len; /* nothing more */
}

void xf_notice_put(struct xf_buf *text, const char *words)
{
    put(text, words, strlen(words));
}

void xf_notice_putf(struct xf_buf *text, const char *fmt, ...)
{
    char words[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    xf_notice_put(text, words);
}

void xf_notice_put_shown(struct xf_buf *text, const char *words)
{
    const unsigned char *p = (const unsigned char *)words;
    for (size_t left = strlen(words); left > 0;) {
        size_t shown = xf_utf8_shown(p, left), len = shown ? shown : xf_utf8_unshown(p, left);
        if (shown)
            put(text, (const char *)p, len);
        else
            put(text, "?", 1);
        p += len;
        left -= len;
    }
}

void xf_notice_put_alarm(struct xf_buf *text, const json_t *row)
{
    const char *subject = xf_json_text(row, "subject"), *detail = xf_json_text(row, "detail");
    xf_notice_put_shown(text, xf_json_text(row, "alarm"));
    if (*subject) {
        xf_notice_put(text, " ");
        xf_notice_put_shown(text, subject);
    }
    xf_notice_put(text, ": ");
    xf_notice_put_shown(text, xf_json_text(row, "text"));
    if (*detail) {
        xf_notice_put(text, ": ");
        xf_notice_put_shown(text, detail);
    }
}
