/* SPDX-License-Identifier: MIT */
/* resend.c — which stanzas are sent again. */
#include <xfed/stream/resend.h>

bool xf_resend_may(enum xf_resend resend, const struct xf_stanza *stanza)
{
    if (!xf_stanza_may_bounce(stanza) || resend == XF_RESEND_ALL)
        return true;
    return resend == XF_RESEND_MESSAGES && stanza->kind != XF_STANZA_IQ;
}

int64_t xf_resend_came_s(struct xf_env *env, uint64_t at_ms)
{
    return env->unix_s(env) - (int64_t)((env->clock->now_ms - at_ms) / 1000);
}
