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

static size_t sequence_len(const unsigned char *p, size_t left)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;

    return len <= left && xf_utf8_valid((const char *)p, len) ? len : 0;
}

static bool is_three(const unsigned char *p, unsigned lead, unsigned second, unsigned first,
                     unsigned last)
{
    return p[0] == lead && p[1] == second && p[2] >= first && p[2] <= last;
}

/*
 * C0 and DEL, C1, U+2028..202E (separators, overrides), U+2066..2069 (isolates), U+FFFE and U+FFFF,
 * which XML cannot hold.
 */
static bool is_unsafe(const unsigned char *p, size_t len)
{
    if (len == 1)
        return *p < 0x20 || *p == 0x7F;
    if (len == 2)
        return p[0] == 0xC2 && p[1] < 0xA0;
    return len == 3 && (is_three(p, 0xE2, 0x80, 0xA8, 0xAE) ||
                        is_three(p, 0xE2, 0x81, 0xA6, 0xA9) || is_three(p, 0xEF, 0xBF, 0xBE, 0xBF));
}

struct xf_span xf_utf8_without_mark(struct xf_span text)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t len = strlen(mark);
    if (text.len < len || memcmp(text.ptr, mark, len) != 0)
        return text;
    return (struct xf_span){text.ptr + len, text.len - len};
}

size_t xf_utf8_shown(const unsigned char *p, size_t left)
{
    size_t len = sequence_len(p, left);
    return len > 0 && !is_unsafe(p, len) ? len : 0;
}

size_t xf_utf8_unshown(const unsigned char *p, size_t left)
{
    size_t len = sequence_len(p, left);
    return len > 0 ? len : 1;
}
