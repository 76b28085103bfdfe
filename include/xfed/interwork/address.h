/* SPDX-License-Identifier: MIT */
/*
 * address.h — JIDs as SIP addresses and back (RFC 7247 section 6).
 *
 *     o\27malley@b.example/home   <->   sip:o'malley@b.example;gr=home
 *
 * The local part is what XEP-0106 says that it stands for, percent-encoded where RFC 3261 wants
 * that; the domain is in A-labels. The RFC names only some of the characters of XEP-0106, and then
 * a space (%20) would have no JID: here all of them are mapped. The way back gives the same JID,
 * for every legal one. User parts of SIP are compared with case (RFC 3261 section 19.1.4), JIDs are
 * not: on the way in a user becomes lower case, as nodeprep has it.
 *
 * To be the inverse for every JID, also for one that was never made by XEP-0106, a "\5c" is a
 * backslash exactly where the backslash would begin an escape of another character ("\5c27" is
 * \27). So "\5cfoo" stays as it is, and so does "\20" at an end, which the XEP forbids.
 */
#pragma once

#include <xfed/sip/uri.h>
#include <xfed/xmpp/jid.h>

/* Append user@host, or host for a JID without a local part. XF_ERR_LIMIT: `out` is unchanged. */
XF_MUST_USE enum xf_err xf_interwork_write_user(struct xf_buf *out, const struct xf_jid *jid);

/* Append sip:user@host, and the resource, if there is one, as ";gr=". As above. */
XF_MUST_USE enum xf_err xf_interwork_write_uri(struct xf_buf *out, const struct xf_jid *jid);

/*
 * The JID of a SIP address. The value of `gr` becomes its resource; without a value it belongs to a
 * temporary GRUU and is left out, as Microsoft's `gruu` is (RFC 7247 section 6.3). Port, transport
 * and all other parameters are left out.
 *
 * accepts_sips   may sips: be translated? Only if the operators of both sides agreed to it
 *                (RFC 7247 section 8)
 * storage        holds the result
 *
 * Returns 0, or the status with which a request to or from this address is refused, and *out_jid is
 * unchanged:
 *     480   sips: (with Warning 380, RFC 5630 section 5.1.2)
 *     416   neither sip: nor sips:
 *     400   a password, headers; a user or `gr` that is not UTF-8, or holds a control character
 *           (%00), or makes no legal JID
 */
XF_MUST_USE unsigned xf_interwork_read_uri(const struct xf_sip_uri *uri, bool accepts_sips,
                                           char storage[XF_JID_MAX + 1], struct xf_jid *out_jid);

/*
 * The bare JID of the entity of a PIDF document: a pres:, im:, sip: or sips: URI, or user@host
 * without a scheme. False: it is none of them, and *out_jid is unchanged.
 */
bool xf_interwork_read_entity(struct xf_span entity, char storage[XF_JID_MAX + 1],
                              struct xf_jid *out_jid);
