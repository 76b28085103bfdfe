/* SPDX-License-Identifier: MIT */
/*
 * buf.h — a growing byte buffer whose maximum size is set at xf_buf_init.
 *
 * [data + start, data + start + len) are the bytes; taking bytes from the front is O(1) amortised.
 * Memory is taken on the first append and given back by xf_buf_release or when xf_buf_consume
 * empties a buffer larger than XF_BUF_KEEP_BYTES. A buffer that is consumed while it is filled may
 * take up to twice `max` of memory: without that slack, each append near the ceiling would move the
 * whole content.
 */
#pragma once

#include <xfed/base/err.h>
#include <xfed/base/span.h>

#define XF_BUF_KEEP_BYTES 4096 /* an emptied buffer keeps at most this much memory */

struct xf_buf {
    char *data;
    size_t start, len, cap;
    size_t max; /* ceiling of len in bytes */
};

/* `max` must not be 0. Nothing is allocated yet. */
void xf_buf_init(struct xf_buf *buf, size_t max);

/* Give the memory back; the buffer is empty and usable. */
void xf_buf_release(struct xf_buf *buf);

static inline const char *xf_buf_ptr(const struct xf_buf *buf)
{
    return buf->data ? buf->data + buf->start : "";
}

static inline struct xf_span xf_buf_span(const struct xf_buf *buf)
{
    return (struct xf_span){xf_buf_ptr(buf), buf->len};
}

/* Bytes that may still be appended. */
static inline size_t xf_buf_room(const struct xf_buf *buf)
{
    return buf->max - buf->len;
}

/*
 * Room for `len` more bytes, contiguous after the content: write there, then xf_buf_commit what was
 * written. NULL when that would exceed the ceiling. The pointer is valid until the next call.
 */
char *xf_buf_reserve(struct xf_buf *buf, size_t len);

static inline void xf_buf_commit(struct xf_buf *buf, size_t len)
{
    buf->len += len;
}

/*
 * The bytes behind the content if `len` bytes fit there without moving anything, else NULL: the
 * fast path of the two functions below.
 */
static inline char *xf_buf_tail(const struct xf_buf *buf, size_t len)
{
    if (__builtin_expect(len > buf->cap - buf->start - buf->len || len > xf_buf_room(buf), 0))
        return NULL;
    return buf->data + buf->start + buf->len;
}

/*
 * Append, or return XF_ERR_LIMIT and leave the buffer unchanged. For sizes that an outsider
 * chooses.
 */
XF_MUST_USE static inline enum xf_err xf_buf_try_append(struct xf_buf *buf, const void *bytes,
                                                        size_t len)
{
    if (len == 0)
        return XF_ERR_OK;

    char *tail = xf_buf_tail(buf, len);
    if (!tail && !(tail = xf_buf_reserve(buf, len)))
        return XF_ERR_LIMIT;
    memcpy(tail, bytes, len);
    buf->len += len;
    return XF_ERR_OK;
}

/*
 * Append bytes whose number we chose; exceeding the ceiling is a bug and aborts. Text that an
 * outsider, the cluster or the configuration can make long goes through xf_buf_try_append or
 * draft.h, even if it was measured before (scripts/check-banned).
 */
static inline void xf_buf_append(struct xf_buf *buf, const void *bytes, size_t len)
{
    xf_require(xf_buf_try_append(buf, bytes, len) == XF_ERR_OK);
}

static inline void xf_buf_append_span(struct xf_buf *buf, struct xf_span s)
{
    xf_buf_append(buf, s.ptr, s.len);
}

static inline void xf_buf_append_str(struct xf_buf *buf, const char *text)
{
    xf_buf_append(buf, text, strlen(text));
}

/* As xf_buf_append, of at most INT_MAX bytes. */
void xf_buf_appendf(struct xf_buf *buf, const char *fmt, ...) XF_PRINTF(2, 3);

/* Drop `len` bytes (at most all) from the front. */
void xf_buf_consume(struct xf_buf *buf, size_t len);

/* Drop what is behind the first `len` bytes (at most what there is). */
static inline void xf_buf_truncate(struct xf_buf *buf, size_t len)
{
    if (len < buf->len)
        buf->len = len;
}

/* Empty it, memory kept. */
static inline void xf_buf_clear(struct xf_buf *buf)
{
    buf->start = buf->len = 0;
}
