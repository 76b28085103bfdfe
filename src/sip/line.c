/* SPDX-License-Identifier: MIT */
/*
 * line.c — one line of a head: where it ends, with its folds made spaces, and which bytes it holds.
 *
 * Control bytes are refused but HT and those behind a backslash in a quoted string (RFC 3261
 * section 25.1, quoted-pair); bytes beyond ASCII must be UTF-8. Nearly all lines hold neither,
 * which eight bytes at a time show.
 */
#include "line_priv.h"

#include <xfed/base/utf8.h>

#define ONES  0x0101010101010101u
#define HIGH  0x8080808080808080u
#define SPACE 0x20
#define DEL   0x7f

/* The high bit of bytes below SPACE, of DEL and of those beyond ASCII; never 0 if there is one. */
static uint64_t suspects(uint64_t word)
{
    uint64_t no_del = word ^ (ONES * DEL);

    return ((word - ONES * SPACE) | (no_del - ONES) | word) & HIGH;
}

static bool is_plain(struct xf_span line)
{
    const char *p = line.ptr, *end = line.ptr + line.len;
    uint64_t word, seen = 0;

    for (; end - p >= (ptrdiff_t)sizeof(word); p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        seen |= suspects(word);
    }
    word = ONES * SPACE;
    memcpy(&word, p, (size_t)(end - p));
    return (seen | suspects(word)) == 0;
}

static bool is_control(char c)
{
    unsigned char byte = (unsigned char)c;

    return (byte < SPACE && byte != '\t') || byte == DEL;
}

static bool controls_are_quoted(struct xf_span line, bool may_quote)
{
    bool in_quotes = false;

    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '"')
            in_quotes = may_quote && !in_quotes;
        else if (in_quotes && line.ptr[i] == '\\' && i + 1 < line.len && line.ptr[i + 1] != '\r')
            i++;
        else if (is_control(line.ptr[i]))
            return false;
    }
    return true;
}

const char *xf_sip_check_line(struct xf_span line, bool may_quote)
{
    if (is_plain(line))
        return NULL;
    if (!controls_are_quoted(line, may_quote))
        return "a control byte, or a CR without LF";
    return xf_utf8_valid(line.ptr, line.len) ? NULL : "bytes that are not UTF-8";
}

bool xf_sip_next_line(char **p, const char *end, struct xf_span *out_line)
{
    char *start = *p, *search = start, *lf;

    while (true) {
        lf = memchr(search, '\n', (size_t)(end - search));
        if (!lf || lf == start || lf[-1] != '\r')
            return false;
        if (lf == start + 1 || lf + 1 == end || (lf[1] != ' ' && lf[1] != '\t'))
            break;
        /* No fold may come before the colon (RFC 3261 section 25.1, HCOLON). */
        if (search == start && !memchr(start, ':', (size_t)(lf - start)))
            break;
        lf[-1] = lf[0] = ' ';
        search = lf + 1;
    }
    *out_line = (struct xf_span){start, (size_t)(lf - start) - 1};
    *p = lf + 1;
    return true;
}
