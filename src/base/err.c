/* SPDX-License-Identifier: MIT */
/* err.c — texts of the result codes, and the abort for our own bugs. */
#include <xfed/base/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *xf_err_text(enum xf_err code)
{
    static const char *const texts[] = {
#define X(name, text) [XF_ERR_##name] = text,
        XF_ERR_MAP(X)
#undef X
    };

    return (size_t)code < XF_ARRAY_LEN(texts) ? texts[code] : "unknown error";
}

enum xf_err xf_fail(struct xf_error *err, enum xf_err code, const char *fmt, ...)
{
    char detail[sizeof(err->detail)];
    va_list args;

    if (!err)
        return code;

    /* Through a copy: callers may pass err->detail itself as an argument. */
    va_start(args, fmt);
    if (vsnprintf(detail, sizeof(detail), fmt, args) < 0)
        detail[0] = '\0';
    va_end(args);

    err->code = code;
    memcpy(err->detail, detail, sizeof(detail));
    return code;
}

void xf_require_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "xfedd: bug at %s:%d: %s does not hold\n", file, line, cond);
    abort();
}
