/* SPDX-License-Identifier: MIT */
/* delay.h — the time stamp of a message that is delivered late (XEP-0203). */
#pragma once

#include <stdint.h>
#include <xfed/base/buf.h>
#include <xfed/xmpp/stanza.h>

/*
 * Add a <delay/> from our domain `from` to a message that came at `unix_s`, unless it has one: that
 * one is older. Does nothing for other stanzas, and errors. The new payload is in `payload`, whose
 * content is replaced.
 */
void xf_delay_stamp(struct xf_stanza *stanza, struct xf_span from, int64_t unix_s,
                    struct xf_buf *payload);
