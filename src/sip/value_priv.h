/* SPDX-License-Identifier: MIT */
/*
 * value_priv.h — one value of a header at a time, from the cursor on.
 *
 * Each reader skips the value and the LWS behind it, and is then at the end or at a ",": whether
 * that may be, the caller knows. It returns what is wrong, a static text for people, or NULL. The
 * out-parameter may be half written if something is.
 */
#pragma once

#include <xfed/sip/message.h>

#include "cursor_priv.h"

const char *xf_sip_take_address(struct xf_sip_cursor *c, struct xf_sip_address *out_address);
const char *xf_sip_take_via(struct xf_sip_cursor *c, struct xf_sip_via *out_via);
const char *xf_sip_take_media(struct xf_sip_cursor *c, struct xf_sip_media *out_media);
const char *xf_sip_take_warning(struct xf_sip_cursor *c, struct xf_sip_warning *out_warning);
const char *xf_sip_take_cseq(struct xf_sip_cursor *c, struct xf_sip_cseq *out_cseq);
const char *xf_sip_take_event(struct xf_sip_cursor *c, struct xf_sip_event *out_event);
const char *xf_sip_take_state(struct xf_sip_cursor *c, struct xf_sip_subscription_state *out_state);
const char *xf_sip_take_disposition(struct xf_sip_cursor *c, struct xf_sip_disposition *out);
const char *xf_sip_take_retry_after(struct xf_sip_cursor *c, int64_t *out_seconds);
const char *xf_sip_take_delta(struct xf_sip_cursor *c, uint64_t max, int64_t *out_number);
const char *xf_sip_take_call_id(struct xf_sip_cursor *c, struct xf_span *out_call_id);
const char *xf_sip_take_token(struct xf_sip_cursor *c, struct xf_span *out_token);
