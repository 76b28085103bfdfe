/* SPDX-License-Identifier: MIT */
/*
 * base64.c — base64 (RFC 4648 section 4), strict.
 *
 * We do not use EVP_DecodeBlock, since it decodes padding as zero bytes and skips white space. Each
 * value has exactly one encoding here: a last digit with unused bits set is refused (section 3.5).
 */
#include <xfed/base/crypto.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void xf_base64_encode(struct xf_span bytes, char *out)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;

    for (; left >= 3; left -= 3, p += 3) {
        *out++ = digits[p[0] >> 2];
        *out++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
        *out++ = digits[(p[1] & 15) << 2 | p[2] >> 6];
        *out++ = digits[p[2] & 63];
    }
    if (left > 0) {
        unsigned second = left == 2 ? p[1] : 0;

        *out++ = digits[p[0] >> 2];
        *out++ = digits[(p[0] & 3u) << 4 | second >> 4];
        *out++ = left == 2 ? digits[(second & 15) << 2] : '=';
        *out++ = '=';
    }
    *out = '\0';
}

/* 0..63, or 64 if `c` is not a digit. */
static unsigned digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

static size_t padding_of(struct xf_span text)
{
    if (text.len == 0 || text.ptr[text.len - 1] != '=')
        return 0;
    return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

static bool is_canonical(struct xf_span text, size_t padding)
{
    if (text.len % 4 != 0)
        return false;
    for (size_t i = 0; i < text.len - padding; i++) {
        if (digit_value(text.ptr[i]) == 64)
            return false;
    }
    if (padding == 0)
        return true;
    return (digit_value(text.ptr[text.len - padding - 1]) & (padding == 2 ? 15 : 3)) == 0;
}

enum xf_err xf_base64_decode(struct xf_span text, char *out, size_t *out_len)
{
    size_t padding = text.len % 4 == 0 ? padding_of(text) : 0;
    size_t len = text.len / 4 * 3 - padding;
    uint32_t bits = 0;

    if (!is_canonical(text, padding))
        return XF_ERR_BAD_VALUE;
    for (size_t i = 0, done = 0; done < len; i++) {
        bits = bits << 6 | digit_value(text.ptr[i]);
        if (i % 4 != 0)
            out[done++] = (char)(bits >> (2 * (3 - i % 4)) & 0xff);
    }
    out[len] = '\0';
    *out_len = len;
    return XF_ERR_OK;
}
