/* SPDX-License-Identifier: MIT */
/*
 * moved.h — the new address of somebody who has moved: an XMPP URI in <gone/> and <redirect/> (RFC
 * 6120 sections 8.3.3.5 and 8.3.3.14), Contact of 301 and 302 (RFC 7247 section 7).
 *
 *     <gone>xmpp:v@c.example</gone>   <->   301, Contact: <sip:v@c.example>
 */
#pragma once

#include <xfed/base/buf.h>
#include <xfed/xmpp/jid.h>
#include <xfed/xmpp/stanza.h>

/*
 * The address in the condition of an error stanza; a query or an authority in the URI is left out
 * (RFC 5122 section 2.2). `storage` holds the result. False: there is none, or no legal one, and
 * *out_jid is unchanged.
 */
XF_MUST_USE bool xf_interwork_moved_read(const struct xf_stanza *stanza,
                                         char storage[XF_JID_MAX + 1], struct xf_jid *out_jid);

/* Append the XMPP URI of a JID. XF_ERR_LIMIT: no room, and `out` is unchanged. */
XF_MUST_USE enum xf_err xf_interwork_moved_write(struct xf_buf *out, const struct xf_jid *jid);
