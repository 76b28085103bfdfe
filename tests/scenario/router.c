/* SPDX-License-Identifier: MIT */
/*
 * router.c — what jabberd2's router says during a login, computed apart from src/link/digest_md5.c.
 */
#include "router.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#define URI "jabberd-router/jabberd-router"

char *router_base64(const char *text)
{
    struct xf_span span = xf_span_of(text);
    char *out = xf_alloc(4 * ((span.len + 2) / 3) + 1);
    xf_base64_encode(span, out);
    return out;
}

static void hex_of(const char *text, char out[XF_MD5_HEX_BYTES + 1])
{
    const struct xf_span part = xf_span_of(text);
    xf_md5_hex(&part, 1, out);
}

/* A1 of RFC 2831 §2.1.2.1, hashed. */
static void hash_a1(const char *user, const char *secret, const char *cnonce,
                    char out[XF_MD5_HEX_BYTES + 1])
{
    char a1[256] = {0};
    char *login = xf_asprintf("%s:jabberd-router:%s", user, secret);
    const struct xf_span part = xf_span_of(login);
    xf_md5(&part, 1, (unsigned char *)a1);
    xf_free(login);
    int len = snprintf(a1 + XF_MD5_BYTES, sizeof(a1) - XF_MD5_BYTES, ":n0nce:%s", cnonce);
    const struct xf_span whole = {a1, XF_MD5_BYTES + (size_t)len};
    xf_md5_hex(&whole, 1, out);
}

static void prove(const char *a1, const char *cnonce, const char *method,
                  char out[XF_MD5_HEX_BYTES + 1])
{
    char a2[XF_MD5_HEX_BYTES + 1];
    char *text = xf_asprintf("%s" URI, method);
    hex_of(text, a2);
    xf_free(text);
    text = xf_asprintf("%s:n0nce:00000001:%s:auth:%s", a1, cnonce, a2);
    hex_of(text, out);
    xf_free(text);
}

/* The value behind `name`, up to the next quote or comma. */
static bool value_of(const char *text, const char *name, char out[64])
{
    const char *at = strstr(text, name);
    size_t len = at ? strcspn(at + strlen(name), "\",") : 64;
    if (len >= 64)
        return false;
    (void)snprintf(out, 64, "%.*s", (int)len, at + strlen(name));
    return true;
}

char *router_judge(struct xf_span response, const char *user, const char *secret)
{
    char text[2048], got[64], said[64], cnonce[64], a1[XF_MD5_HEX_BYTES + 1];
    char want[XF_MD5_HEX_BYTES + 1], proof[sizeof("rspauth=") + XF_MD5_HEX_BYTES];
    size_t len;
    if (response.len > 2000 || xf_base64_decode(response, text, &len) != XF_ERR_OK ||
        !value_of(text, "response=", got) || !value_of(text, "username=\"", said) ||
        !value_of(text, "cnonce=\"", cnonce) || !strstr(text, "digest-uri=\"" URI "\"") ||
        !strstr(text, "nc=00000001") || !strstr(text, "qop=auth") || strcmp(said, user) != 0)
        return NULL;
    hash_a1(user, secret, cnonce, a1);
    prove(a1, cnonce, "AUTHENTICATE:", want);
    if (strcmp(got, want) != 0)
        return NULL;
    prove(a1, cnonce, ":", want);
    (void)snprintf(proof, sizeof(proof), "rspauth=%s", want);
    return router_base64(proof);
}
