/* SPDX-License-Identifier: MIT */
/*
 * cursor.c — classes of bytes, escapes, quoted strings and parameters of headers.
 *
 * A parameter's value is a token, a host or a quoted string (RFC 3261 section 25.1, gen-value).
 * Without quotes we also let pass what base64 and addresses need ("=", "/", "@"), and nothing at
 * all (";epid="), since deployed servers send it: none of it can end a value, a URI or a header.
 */
#include "cursor_priv.h"

/* clang-format off */
#define TOKEN  (XF_SIP_C_TOKEN | XF_SIP_C_WORD | XF_SIP_C_VALUE)
#define WORD   XF_SIP_C_WORD
#define VALUE  XF_SIP_C_VALUE
#define USER   XF_SIP_C_USER
#define PASS   XF_SIP_C_PASS
#define PARAM  XF_SIP_C_PARAM
#define HEADER XF_SIP_C_HEADER
#define URI    XF_SIP_C_URI
#define HOST   XF_SIP_C_HOST
#define MARK   (USER | PASS | PARAM | HEADER | URI) /* of "unreserved" */
#define ALPHA  (TOKEN | MARK | HOST)
#define HEX    (ALPHA | XF_SIP_C_HEX)
#define DIGIT  (HEX | XF_SIP_C_DIGIT)

const uint16_t xf_sip_class[256] = {
    ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT, ['4'] = DIGIT,
    ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT, ['8'] = DIGIT, ['9'] = DIGIT,
    ['a'] = HEX, ['b'] = HEX, ['c'] = HEX, ['d'] = HEX, ['e'] = HEX, ['f'] = HEX,
    ['A'] = HEX, ['B'] = HEX, ['C'] = HEX, ['D'] = HEX, ['E'] = HEX, ['F'] = HEX,
    ['g'] = ALPHA, ['h'] = ALPHA, ['i'] = ALPHA, ['j'] = ALPHA, ['k'] = ALPHA, ['l'] = ALPHA, ['m'] = ALPHA,
    ['n'] = ALPHA, ['o'] = ALPHA, ['p'] = ALPHA, ['q'] = ALPHA, ['r'] = ALPHA, ['s'] = ALPHA, ['t'] = ALPHA,
    ['u'] = ALPHA, ['v'] = ALPHA, ['w'] = ALPHA, ['x'] = ALPHA, ['y'] = ALPHA, ['z'] = ALPHA,
    ['G'] = ALPHA, ['H'] = ALPHA, ['I'] = ALPHA, ['J'] = ALPHA, ['K'] = ALPHA, ['L'] = ALPHA, ['M'] = ALPHA,
    ['N'] = ALPHA, ['O'] = ALPHA, ['P'] = ALPHA, ['Q'] = ALPHA, ['R'] = ALPHA, ['S'] = ALPHA, ['T'] = ALPHA,
    ['U'] = ALPHA, ['V'] = ALPHA, ['W'] = ALPHA, ['X'] = ALPHA, ['Y'] = ALPHA, ['Z'] = ALPHA,

    ['-'] = TOKEN | MARK | HOST, ['.'] = TOKEN | MARK | HOST, ['_'] = TOKEN | MARK | HOST,
    ['!'] = TOKEN | MARK, ['~'] = TOKEN | MARK, ['*'] = TOKEN | MARK, ['\''] = TOKEN | MARK,
    ['%'] = TOKEN, ['`'] = TOKEN,
    ['+'] = TOKEN | USER | PASS | PARAM | HEADER | URI,
    ['('] = WORD | MARK, [')'] = WORD | MARK,
    ['<'] = WORD, ['>'] = WORD, ['\\'] = WORD, ['"'] = WORD, ['{'] = WORD, ['}'] = WORD,
    [':'] = WORD | VALUE | PARAM | HEADER | URI,
    ['/'] = WORD | VALUE | USER | PARAM | HEADER | URI,
    ['['] = WORD | VALUE | PARAM | HEADER | URI, [']'] = WORD | VALUE | PARAM | HEADER | URI,
    ['?'] = WORD | USER | HEADER | URI,
    ['&'] = USER | PASS | PARAM | HEADER | URI,
    ['$'] = USER | PASS | PARAM | HEADER | URI,
    ['='] = VALUE | USER | PASS | PARAM | HEADER | URI,
    ['@'] = VALUE | URI,
    [','] = USER | PASS | URI,
    [';'] = USER | URI,
};
/* clang-format on */

bool xf_sip_take_escaped(struct xf_sip_cursor *c, unsigned classes, struct xf_span *out_text)
{
    const char *start = c->p;

    while (true) {
        (void)xf_sip_take(c, classes);
        if (!xf_sip_at(c, '%'))
            break;
        if (c->end - c->p < 3 || !xf_sip_is(c->p[1], XF_SIP_C_HEX) ||
            !xf_sip_is(c->p[2], XF_SIP_C_HEX))
            return false;
        c->p += 3;
    }
    *out_text = xf_sip_since(start, c);
    return true;
}

bool xf_sip_skip_quoted(struct xf_sip_cursor *c)
{
    const char *p = c->p + 1;

    while (p < c->end && *p != '"')
        p += *p == '\\' ? 2 : 1;
    if (p >= c->end)
        return false;
    c->p = p + 1;
    return true;
}

static bool take_value(struct xf_sip_cursor *c, struct xf_span *out_value)
{
    const char *start = c->p;

    if (!xf_sip_at(c, '"')) {
        *out_value = xf_sip_take(c, XF_SIP_C_VALUE);
        return true;
    }
    if (!xf_sip_skip_quoted(c))
        return false;
    *out_value = (struct xf_span){start + 1, (size_t)(c->p - start) - 2};
    return true;
}

bool xf_sip_next_param(struct xf_sip_cursor *c, struct xf_span *out_name, struct xf_span *out_value,
                       const char **out_wrong)
{
    xf_sip_skip_lws(c);
    if (xf_sip_at_end(c) || *c->p == ',')
        return false;
    if (!xf_sip_skip_mark(c, ';')) {
        *out_wrong = "something other than parameters follows the value";
        return false;
    }
    *out_name = xf_sip_take(c, XF_SIP_C_TOKEN);
    *out_value = XF_SPAN_NONE;
    if (out_name->len == 0) {
        *out_wrong = "a parameter has no name";
        return false;
    }
    xf_sip_skip_lws(c);
    if (xf_sip_skip_mark(c, '=') && !take_value(c, out_value)) {
        *out_wrong = "the quotes of a parameter do not end";
        return false;
    }
    xf_sip_skip_lws(c);
    return true;
}
