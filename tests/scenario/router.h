/* SPDX-License-Identifier: MIT */
/* router.h — the other side of a login at jabberd2's router (SASL DIGEST-MD5, RFC 2831). */
#pragma once

#include <xfed/base/span.h>

/* The decoded challenge that router_judge takes for granted. */
#define ROUTER_CHALLENGE \
    "realm=\"jabberd-router\", nonce=\"n0nce\", qop=\"auth\", charset=utf-8, algorithm=md5-sess"

/*
 * Judge a response, as it stands in <response/>. The text of <success/>, or NULL: the response does
 * not show that user and secret are known. Free with xf_free.
 */
char *router_judge(struct xf_span response, const char *user, const char *secret);

/* In base64. Free with xf_free. */
char *router_base64(const char *text);
