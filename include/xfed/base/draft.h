/* SPDX-License-Identifier: MIT */
/*
 * draft.h — text that is written to the end of a buffer completely or not at all.
 *
 * For text that an outsider, the cluster or the configuration can make long. Appending never fails
 * and never aborts: once something does not fit, the draft is incomplete, and xf_draft_end removes
 * all of it and reports that. So callers measure nothing beforehand, and handle a full buffer in
 * one place. Nothing else may change the buffer between begin and end.
 */
#pragma once

#include <xfed/base/buf.h>

struct xf_draft {
    struct xf_buf *out; /* NULL: appended text is discarded */
    size_t start;       /* bytes of `out` that are not the draft's */
    bool is_short;
};

static inline struct xf_draft xf_draft_begin(struct xf_buf *out)
{
    return (struct xf_draft){.out = out, .start = out ? out->len : 0};
}

void xf_draft_append(struct xf_draft *draft, const void *bytes, size_t len);
void xf_draft_printf(struct xf_draft *draft, const char *fmt, ...) XF_PRINTF(2, 3);

static inline void xf_draft_span(struct xf_draft *draft, struct xf_span text)
{
    xf_draft_append(draft, text.ptr, text.len);
}

static inline void xf_draft_str(struct xf_draft *draft, const char *text)
{
    xf_draft_append(draft, text, strlen(text));
}

static inline size_t xf_draft_len(const struct xf_draft *draft)
{
    return draft->out ? draft->out->len - draft->start : 0;
}

/* XF_ERR_LIMIT: the text did not fit, and `out` is as it was before xf_draft_begin. */
XF_MUST_USE enum xf_err xf_draft_end(struct xf_draft *draft);
