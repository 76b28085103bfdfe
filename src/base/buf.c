/* SPDX-License-Identifier: MIT */
/*
 * buf.c — a growing byte buffer with a ceiling.
 *
 * Appending writes behind the content (inline, buf.h). When there is no room behind it:
 * - at least half of the used part was consumed: the rest moves to the front. It is not longer than
 *   what was consumed since the last move, so each byte that passes through pays for moving one
 *   byte at most;
 * - else the memory doubles, and the content moves to its front.
 * So both ends are O(1) amortised, also for a queue that stays near its ceiling: memory may then
 * grow to twice the ceiling, where the first case always applies.
 */
#include <xfed/base/buf.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <xfed/base/alloc.h>

#define FIRST_BYTES 256

void xf_buf_init(struct xf_buf *buf, size_t max)
{
    xf_require(max > 0 && max <= SIZE_MAX / 4);
    *buf = (struct xf_buf){.max = max};
}

void xf_buf_release(struct xf_buf *buf)
{
    xf_free(buf->data);
    buf->data = NULL;
    buf->start = buf->len = buf->cap = 0;
}

static void move_to_front(struct xf_buf *buf)
{
    memmove(buf->data, buf->data + buf->start, buf->len);
    buf->start = 0;
}

/* Memory for `need` bytes or more, doubling, but not beyond what the ceiling can use. */
static size_t grown_cap(const struct xf_buf *buf, size_t need)
{
    size_t useful = buf->start > 0 ? 2 * buf->max : buf->max;
    size_t cap = buf->cap > 0 ? 2 * buf->cap : FIRST_BYTES;

    if (cap > useful)
        cap = useful;
    return cap > need ? cap : need;
}

static void grow(struct xf_buf *buf, size_t need)
{
    size_t cap = grown_cap(buf, need);

    if (buf->start == 0) {
        buf->data = xf_realloc(buf->data, cap);
    } else {
        char *data = xf_realloc(NULL, cap);

        memcpy(data, buf->data + buf->start, buf->len);
        xf_free(buf->data);
        buf->data = data;
        buf->start = 0;
    }
    buf->cap = cap;
}

char *xf_buf_reserve(struct xf_buf *buf, size_t len)
{
    if (len > xf_buf_room(buf))
        return NULL;
    if (!buf->data || len > buf->cap - buf->start - buf->len) {
        if (buf->start > 0 && buf->start >= buf->len && buf->len + len <= buf->cap)
            move_to_front(buf);
        else
            grow(buf, buf->len + len);
    }
    return buf->data + buf->start + buf->len;
}

void xf_buf_appendf(struct xf_buf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    xf_require(len >= 0 && (size_t)len <= xf_buf_room(buf));

    /* vsnprintf ends with a NUL, which does not count against the ceiling and is not content. */
    char *text = xf_realloc(NULL, (size_t)len + 1);
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args); /* the length is known to fit */
    va_end(args);
    xf_buf_append(buf, text, (size_t)len);
    xf_free(text);
}

void xf_buf_consume(struct xf_buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->start += len;
        buf->len -= len;
        return;
    }
    buf->start = buf->len = 0;
    if (buf->cap > XF_BUF_KEEP_BYTES)
        xf_buf_release(buf);
}
