/* SPDX-License-Identifier: MIT */
/* digest_md5.c — parses a challenge, computes the response and the server's proof (RFC 2831). */
#include "digest_md5_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>

struct challenge {
    struct xf_span realm, nonce, qop, algorithm; /* as written, without the quotes */
};

/* ------------------------------------------------------------------ directives: name=value, ... */

static void skip(struct xf_span *rest, const char *chars)
{
    while (rest->len && strchr(chars, *rest->ptr)) {
        rest->ptr++;
        rest->len--;
    }
}

static struct xf_span take_until(struct xf_span *rest, const char *chars)
{
    struct xf_span taken = {rest->ptr, 0};
    while (taken.len < rest->len && !strchr(chars, rest->ptr[taken.len]))
        taken.len++;
    rest->ptr += taken.len;
    rest->len -= taken.len;
    return taken;
}

/* A backslash quotes the character behind it; the text stays as written. */
static bool take_quoted(struct xf_span *rest, struct xf_span *out)
{
    size_t len = 1;
    while (len < rest->len && rest->ptr[len] != '"')
        len += rest->ptr[len] == '\\' ? 2 : 1;
    if (len >= rest->len)
        return false;
    *out = (struct xf_span){rest->ptr + 1, len - 1};
    rest->ptr += len + 1;
    rest->len -= len + 1;
    return true;
}

static bool take_directive(struct xf_span *rest, struct xf_span *out_name,
                           struct xf_span *out_value)
{
    skip(rest, ", \t\r\n");
    *out_name = take_until(rest, "= \t\r\n,");
    skip(rest, " \t\r\n");
    if (rest->len == 0 || *rest->ptr != '=')
        return false;
    rest->ptr++;
    rest->len--;
    skip(rest, " \t\r\n");
    if (rest->len && *rest->ptr == '"')
        return take_quoted(rest, out_value);
    *out_value = take_until(rest, ", \t\r\n");
    return true;
}

/* Of several realms the first counts. Unknown directives are passed over. */
static bool parse(struct xf_span text, struct challenge *out)
{
    const struct {
        const char *name;
        struct xf_span *value;
    } known[] = {
        {"realm", &out->realm},
        {"nonce", &out->nonce},
        {"qop", &out->qop},
        {"algorithm", &out->algorithm},
    };
    struct xf_span name, value;
    *out = (struct challenge){0};
    for (skip(&text, ", \t\r\n"); text.len; skip(&text, ", \t\r\n")) {
        if (!take_directive(&text, &name, &value))
            return false;
        for (size_t i = 0; i < XF_ARRAY_LEN(known); i++)
            if (!known[i].value->ptr && xf_span_eq_nocase(name, xf_span_of(known[i].name)))
                *known[i].value = value;
    }
    return true;
}

static bool offers_auth(struct xf_span qop)
{
    if (!qop.ptr) /* RFC 2831 §2.1.1: then it is `auth` */
        return true;
    while (qop.len) {
        skip(&qop, ", \t");
        if (xf_span_is(take_until(&qop, ", \t"), "auth"))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ the digests (§2.1.2.1) */

#define NC "00000001"

struct proof {
    const struct challenge *challenge;
    const struct xf_digest_md5 *md5;
    char a1[XF_MD5_HEX_BYTES + 1];
};

/* HEX(H(A1)): A1 begins with the raw digest of user, realm and secret. */
static void make_a1(struct proof *proof)
{
    unsigned char raw[XF_MD5_BYTES];
    const struct xf_digest_md5 *md5 = proof->md5;
    const struct xf_span login[] = {xf_span_of(md5->user), XF_SPAN(":"), proof->challenge->realm,
                                    XF_SPAN(":"), xf_span_of(md5->secret)};
    xf_md5(login, XF_ARRAY_LEN(login), raw);
    const struct xf_span a1[] = {{(const char *)raw, sizeof(raw)},
                                 XF_SPAN(":"),
                                 proof->challenge->nonce,
                                 XF_SPAN(":"),
                                 md5->cnonce};
    xf_md5_hex(a1, XF_ARRAY_LEN(a1), proof->a1);
    xf_wipe(raw, sizeof(raw));
}

/* `method`: "AUTHENTICATE:" from the client, ":" from the server. */
static void prove(const struct proof *proof, const char *method, char out[XF_MD5_HEX_BYTES + 1])
{
    char a2_hex[XF_MD5_HEX_BYTES + 1];
    const struct xf_span a2[] = {xf_span_of(method), xf_span_of(proof->md5->uri)};
    xf_md5_hex(a2, XF_ARRAY_LEN(a2), a2_hex);
    const struct xf_span all[] = {
        xf_span_of(proof->a1), XF_SPAN(":"),      proof->challenge->nonce, XF_SPAN(":" NC ":"),
        proof->md5->cnonce,    XF_SPAN(":auth:"), xf_span_of(a2_hex)};
    xf_md5_hex(all, XF_ARRAY_LEN(all), out);
}

/* ------------------------------------------------------------------ texts */

static void put_quoted(struct xf_draft *draft, const char *name, struct xf_span value)
{
    xf_draft_printf(draft, "%s=\"", name);
    xf_draft_span(draft, value);
    xf_draft_str(draft, "\",");
}

static void put_base64(struct xf_draft *draft, struct xf_span text)
{
    char *base64 = xf_alloc(4 * ((text.len + 2) / 3) + 1);
    xf_base64_encode(text, base64);
    xf_draft_str(draft, base64);
    xf_free(base64);
}

static void respond(struct proof *proof, struct xf_draft *out)
{
    struct xf_buf text;
    char response[XF_MD5_HEX_BYTES + 1];
    xf_buf_init(&text, 4 * XF_DIGEST_MD5_TEXT_MAX);
    struct xf_draft draft = xf_draft_begin(&text);
    prove(proof, "AUTHENTICATE:", response);
    put_quoted(&draft, "username", xf_span_of(proof->md5->user));
    put_quoted(&draft, "realm", proof->challenge->realm);
    put_quoted(&draft, "nonce", proof->challenge->nonce);
    put_quoted(&draft, "cnonce", proof->md5->cnonce);
    put_quoted(&draft, "digest-uri", xf_span_of(proof->md5->uri));
    xf_draft_printf(&draft, "nc=" NC ",qop=auth,charset=utf-8,response=%s", response);
    if (xf_draft_end(&draft) == XF_ERR_OK)
        put_base64(out, xf_buf_span(&text));
    else
        out->is_short = true;
    xf_buf_release(&text);
}

/* False: not base64, or too long. NUL-terminated. */
static bool decode(struct xf_span base64, char out[XF_DIGEST_MD5_TEXT_MAX + 4], size_t *out_len)
{
    return base64.len <= XF_DIGEST_MD5_TEXT_MAX / 3 * 4 &&
           xf_base64_decode(base64, out, out_len) == XF_ERR_OK;
}

enum xf_err xf_digest_md5_respond(const struct xf_digest_md5 *md5, struct xf_span challenge,
                                  struct xf_draft *out, char out_rspauth[XF_MD5_HEX_BYTES + 1])
{
    char text[XF_DIGEST_MD5_TEXT_MAX + 4];
    size_t len = 0;
    struct challenge parsed;
    if (!decode(challenge, text, &len) || !parse((struct xf_span){text, len}, &parsed) ||
        !parsed.nonce.len || !xf_span_is(parsed.algorithm, "md5-sess") || !offers_auth(parsed.qop))
        return XF_ERR_BAD_VALUE;
    struct proof proof = {.challenge = &parsed, .md5 = md5};
    make_a1(&proof);
    prove(&proof, ":", out_rspauth);
    respond(&proof, out);
    xf_wipe(&proof, sizeof(proof));
    return XF_ERR_OK;
}

bool xf_digest_md5_is_proof(struct xf_span text, const char rspauth[XF_MD5_HEX_BYTES + 1])
{
    char plain[XF_DIGEST_MD5_TEXT_MAX + 4];
    size_t len = 0;
    struct xf_span name, value, rest;
    if (!decode(text, plain, &len))
        return false;
    rest = (struct xf_span){plain, len};
    return take_directive(&rest, &name, &value) && xf_span_is(name, "rspauth") &&
           xf_secret_eq(value, (struct xf_span){rspauth, XF_MD5_HEX_BYTES});
}
