/* SPDX-License-Identifier: MIT */
/* uri_priv.h — parts of a URI that headers use too, and its parameters one by one. */
#pragma once

#include <xfed/sip/uri.h>

#include "cursor_priv.h"

/* A host as in struct xf_sip_uri. False: there is none. */
bool xf_sip_take_host(struct xf_sip_cursor *c, struct xf_span *out_host, bool *out_is_ipv6);
/* 1-65535 in digits. */
bool xf_sip_take_port(struct xf_sip_cursor *c, uint16_t *out_port);

/*
 * Take the first parameter off `params`, the rest of those of a parsed URI. False: there is none.
 * *out_value is absent for one without a value.
 */
bool xf_sip_uri_next_param(struct xf_span *params, struct xf_span *out_name,
                           struct xf_span *out_value);

/* What the escape at `escape`, "%41", stands for. */
unsigned char xf_sip_escaped_byte(const char *escape);
