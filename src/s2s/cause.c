/* SPDX-License-Identifier: MIT */
/*
 * cause.c — the causes why a peer cannot be reached, as words for the log and as stanza errors
 * (doc/ARCHITECTURE.md, section 5).
 */
#include <xfed/s2s/s2s.h>

static const struct {
    const char *word;
    enum xf_stanza_error error;
} causes[] = {
#define X(name, word, error) {word, XF_STANZA_ERROR_##error},
    XF_CAUSE_MAP(X)
#undef X
};

const char *xf_cause_word(enum xf_cause cause)
{
    return causes[cause].word;
}

enum xf_stanza_error xf_cause_stanza_error(enum xf_cause cause)
{
    return causes[cause].error;
}
