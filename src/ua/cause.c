/* SPDX-License-Identifier: MIT */
/* cause.c — words for why a request of ours got no answer. */
#include <xfed/ua/ua.h>

const char *xf_ua_cause_word(enum xf_ua_cause cause)
{
    static const char *const words[] = {
#define X(name, word) word,
        XF_UA_CAUSE_MAP(X)
#undef X
    };
    return words[cause];
}
