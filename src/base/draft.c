/* SPDX-License-Identifier: MIT */
/* draft.c — text that is written completely or not at all. */
#include <xfed/base/draft.h>

#include <stdarg.h>

#include <xfed/base/alloc.h>

void xf_draft_append(struct xf_draft *draft, const void *bytes, size_t len)
{
    if (draft->out && !draft->is_short)
        draft->is_short = xf_buf_try_append(draft->out, bytes, len) != XF_ERR_OK;
}

void xf_draft_printf(struct xf_draft *draft, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = xf_vasprintf(fmt, args);
    va_end(args);
    xf_draft_str(draft, text);
    xf_free(text);
}

enum xf_err xf_draft_end(struct xf_draft *draft)
{
    if (!draft->is_short)
        return XF_ERR_OK;
    xf_buf_truncate(draft->out, draft->start);
    return XF_ERR_LIMIT;
}
