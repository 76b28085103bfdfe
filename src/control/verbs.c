/* SPDX-License-Identifier: MIT */
/* verbs.c — what can be asked, and what right that needs. */
#include "control_priv.h"

#include <string.h>

static const struct xf_verb verbs[] = {
    {"status", XF_RIGHT_SEE, xf_verb_status, false},
    {"peers", XF_RIGHT_SEE, xf_verb_peers, false},
    {"peer", XF_RIGHT_SEE, xf_verb_peer, false},
    {"streams", XF_RIGHT_SEE, xf_verb_streams, false},
    {"queue", XF_RIGHT_SEE, xf_verb_queue, false},
    {"explain", XF_RIGHT_SEE, xf_verb_explain, false},
    {"trace", XF_RIGHT_SEE, xf_verb_trace, true},
    {"alarms", XF_RIGHT_SEE, xf_verb_alarms, true},
    {"check-self", XF_RIGHT_SEE, xf_verb_check_self, true},
    {"check", XF_RIGHT_ACT, xf_verb_check, true},
    {"check-inbound", XF_RIGHT_ACT, xf_verb_check_inbound, true},
    {"close", XF_RIGHT_ACT, xf_verb_close, false},
    {"retry", XF_RIGHT_ACT, xf_verb_retry, false},
    {"flush", XF_RIGHT_ACT, xf_verb_flush, false},
    {"forget", XF_RIGHT_ACT, xf_verb_forget, false},
    {"federation", XF_RIGHT_ACT, xf_verb_federation, false},
    {"log", XF_RIGHT_ACT, xf_verb_log, false},
    {"reload", XF_RIGHT_ACT, xf_verb_reload, false},
    {"drain", XF_RIGHT_ACT, xf_verb_drain, false},
    {"page", XF_RIGHT_ACT, xf_verb_page, false},
};

const struct xf_verb *xf_verb_find(const char *name)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}
