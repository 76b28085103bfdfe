/* SPDX-License-Identifier: MIT */
/*
 * utf8.c — incremental check of UTF-8.
 *
 * Each lead byte says how many bytes follow and which range the first of them may have; that range
 * excludes overlong forms, surrogates and everything above U+10FFFF (RFC 3629 section 4, the table
 * of its ABNF). Further bytes are 80..BF. Runs of ASCII are skipped 16 bytes at a time.
 */
#include <xfed/base/utf8.h>

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

/* The first byte that is not ASCII, or the end. */
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
    while (end - p >= 16) {
        uint64_t words[2];

        memcpy(words, p, sizeof(words));
        if ((words[0] | words[1]) & HIGH_BITS)
            break;
        p += 16;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

static bool start_sequence(struct xf_utf8 *state, unsigned char lead)
{
    if (lead >= 0xC2 && lead <= 0xDF)
        *state = (struct xf_utf8){1, 0x80, 0xBF};
    else if (lead >= 0xE0 && lead <= 0xEF)
        *state = (struct xf_utf8){2, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    else if (lead >= 0xF0 && lead <= 0xF4)
        *state = (struct xf_utf8){3, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
    else
        return false;
    return true;
}

bool xf_utf8_feed(struct xf_utf8 *state, const char *bytes, size_t len)
{
    if (len == 0)
        return true;

    const unsigned char *p = (const unsigned char *)bytes, *end = p + len;
    struct xf_utf8 s = *state;

    while (p < end) {
        if (s.need == 0) {
            p = skip_ascii(p, end);
            if (p == end)
                break;
            if (!start_sequence(&s, *p++))
                return false;
            continue;
        }
        if (*p < s.lower || *p > s.upper)
            return false;
        p++;
        s = (struct xf_utf8){(uint8_t)(s.need - 1), 0x80, 0xBF};
    }
    *state = s;
    return true;
}

bool xf_utf8_valid(const char *bytes, size_t len)
{
    struct xf_utf8 state = {0};

    return xf_utf8_feed(&state, bytes, len) && !xf_utf8_is_partial(&state);
}

struct xf_span xf_utf8_whole(struct xf_span text)
{
    size_t whole = text.len;
    size_t back = 0;

    while (back < 3 && back < text.len &&
           ((unsigned char)text.ptr[text.len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back < text.len) {
        unsigned char lead = (unsigned char)text.ptr[text.len - 1 - back];
        size_t need = lead < 0xC0 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if (back < need)
            whole = text.len - 1 - back;
    }
    return (struct xf_span){text.ptr, whole};
}
