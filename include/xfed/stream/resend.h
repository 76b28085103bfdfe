/* SPDX-License-Identifier: MIT */
/*
 * resend.h — stanzas that went out on a stream which ended before they were proved (proof.h):
 * which are sent again, and what these say.
 *
 * Nobody can say whether the other side has them. Sent again, a stanza may arrive twice; returned
 * to its sender, it may have arrived all the same. A message that arrives twice is the lesser evil,
 * and its clients recognise it by its id and by the time stamp. A request that is carried out twice
 * may do harm, and its sender can ask again.
 */
#pragma once

#include <xfed/stream/env.h>
#include <xfed/stream/settings.h>
#include <xfed/xmpp/stanza.h>

/*
 * May it be sent again? Always true for stanzas that must not be answered: whoever receives a
 * second result or error ignores it.
 */
bool xf_resend_may(enum xf_resend resend, const struct xf_stanza *stanza);

/* When something came, for its stamp (xfed/stream/delay.h). */
int64_t xf_resend_came_s(struct xf_env *env, uint64_t at_ms);
