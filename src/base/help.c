/* SPDX-License-Identifier: MIT */
/* help.c — codes and advices of what an operator can mend. */
#include <xfed/base/help.h>

static const struct {
    const char *code, *advice;
} texts[] = {[XF_HELP_NONE] = {NULL, NULL},
#define X(name, code, advice) [XF_HELP_##name] = {code, advice},
             XF_HELP_MAP(X)
#undef X
};

const char *xf_help_code(enum xf_help help)
{
    return texts[help].code;
}

const char *xf_help_advice(enum xf_help help)
{
    return texts[help].advice;
}

enum xf_help xf_help_of_code(struct xf_span code)
{
    for (unsigned i = XF_HELP_NONE + 1; i < XF_HELP_COUNT; i++)
        if (xf_span_is(code, texts[i].code))
            return (enum xf_help)i;
    return XF_HELP_NONE;
}
