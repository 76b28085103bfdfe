/* SPDX-License-Identifier: MIT */
/* verbs.c — what can be asked, and what right that needs. */
#include "control_priv.h"

#include <string.h>

static const struct xf_verb verbs[] = {
    {"status", XF_RIGHT_SEE, xf_verb_status},
    {"peers", XF_RIGHT_SEE, xf_verb_peers},
    {"peer", XF_RIGHT_SEE, xf_verb_peer},
    {"streams", XF_RIGHT_SEE, xf_verb_streams},
    {"queue", XF_RIGHT_SEE, xf_verb_queue},
    {"explain", XF_RIGHT_SEE, xf_verb_explain},
    {"trace", XF_RIGHT_SEE, xf_verb_trace},
    {"close", XF_RIGHT_ACT, xf_verb_close},
    {"retry", XF_RIGHT_ACT, xf_verb_retry},
    {"flush", XF_RIGHT_ACT, xf_verb_flush},
    {"federation", XF_RIGHT_ACT, xf_verb_federation},
    {"log", XF_RIGHT_ACT, xf_verb_log},
    {"reload", XF_RIGHT_ACT, xf_verb_reload},
    {"drain", XF_RIGHT_ACT, xf_verb_drain},
};

const struct xf_verb *xf_verb_find(const char *name)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}
