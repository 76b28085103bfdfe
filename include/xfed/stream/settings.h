/* SPDX-License-Identifier: MIT */
/*
 * settings.h — what proves that the other side of a stream has a stanza, and what happens to
 * stanzas of which that is not known. Peers and links have these settings.
 */
#pragma once

/* What proves that the other side has a stanza: nothing, pings, or XEP-0198 and else pings. */
enum xf_ack { XF_ACK_NONE, XF_ACK_PING, XF_ACK_SM };
/* Which stanzas are sent again when nobody can tell whether they arrived. */
enum xf_resend { XF_RESEND_NONE, XF_RESEND_MESSAGES, XF_RESEND_ALL };
