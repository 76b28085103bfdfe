/* SPDX-License-Identifier: MIT */
/*
 * html.c — the text of an HTML message, for people who get it as plain text.
 *
 * White space becomes one space, elements that begin a line a line feed, references their
 * characters; the content of script, style, head and title is left out, and so is every other tag.
 * It is no HTML parser: whatever a client draws from a document that is not well-formed, here each
 * '<' in front of a name is a tag up to its '>'. A '>' in a value in quotes does not end it, unless
 * no other does. A '<' behind which no '>' follows begins nothing: it is text, and so is the rest.
 */
#include "chat_priv.h"

#define REFERENCE_MAX_BYTES 12
#define REPLACEMENT         XF_SPAN("\xEF\xBF\xBD")

struct scan {
    struct xf_draft *draft;
    const char *p, *end;
    const char *last_close; /* the last '>'; or NULL */
    bool ignores_quotes;    /* behind a quoted '>' there was none that ends the tag */
    size_t line_len;        /* bytes of the line so far */
    bool is_spaced; /* white space was met: one space, should more text follow on this line */
    bool is_begun;  /* there is text before this line */
    bool is_broken; /* a line feed is due, should more text follow */
};

/* ------------------------------------------------------------------ output */

static void put(struct scan *scan, const char *bytes, size_t len)
{
    if (scan->is_broken && scan->is_begun) {
        xf_draft_str(scan->draft, "\n");
        scan->line_len = 0;
        scan->is_spaced = false;
    }
    if (scan->is_spaced && scan->line_len > 0)
        xf_draft_str(scan->draft, " ");
    xf_draft_append(scan->draft, bytes, len);
    scan->line_len += len;
    scan->is_spaced = scan->is_broken = false;
    scan->is_begun = true;
}

/* A line that an element ends or begins; several at one place make one line feed. */
static void break_block(struct scan *scan)
{
    scan->is_broken |= scan->line_len > 0;
}

/* <br>: each makes a line feed of its own. */
static void break_line(struct scan *scan)
{
    if (scan->is_broken && scan->is_begun)
        xf_draft_str(scan->draft, "\n");
    scan->is_broken = true;
    scan->is_spaced = false;
}

/* ------------------------------------------------------------------ tags */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_in(struct xf_span name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (xf_span_eq_nocase(name, xf_span_of(names[i])))
            return true;
    }
    return false;
}

static bool is_hidden(struct xf_span name)
{
    static const char *const names[] = {"script", "style", "head", "title"};

    return is_in(name, names, XF_ARRAY_LEN(names));
}

static bool is_block(struct xf_span name)
{
    static const char *const names[] = {"p",  "div", "li", "tr",    "ul",        "ol", "dl",
                                        "dt", "dd",  "h1", "h2",    "h3",        "h4", "h5",
                                        "h6", "pre", "hr", "table", "blockquote"};

    return is_in(name, names, XF_ARRAY_LEN(names));
}

/* Behind the quote that ends the value which begins behind `p`; NULL: `p` is no such quote. */
static const char *value_end(const char *p, const char *end, bool is_value)
{
    const char *close = NULL;

    if (is_value && (*p == '"' || *p == '\''))
        close = memchr(p + 1, *p, (size_t)(end - p - 1));
    return close ? close + 1 : NULL;
}

/* Behind the '>' that is in no quotes: they count behind '=', and when they are closed. Or NULL. */
static const char *quoted_tag_end(const char *p, const char *end)
{
    bool is_value = false;

    while (p < end && *p != '>') {
        const char *behind = value_end(p, end, is_value);

        is_value = !behind && (*p == '=' || (is_value && is_white(*p)));
        p = behind ? behind : p + 1;
    }
    return p < end ? p + 1 : NULL;
}

/* There is a '>'. The whole rest is read in vain once at most. */
static const char *tag_end(struct scan *scan, const char *p)
{
    const char *behind = scan->ignores_quotes ? NULL : quoted_tag_end(p, scan->end);

    if (behind)
        return behind;
    scan->ignores_quotes = true;
    behind = memchr(p, '>', (size_t)(scan->end - p));
    return behind ? behind + 1 : scan->end;
}

/* Where the tag `</name` begins. */
static const char *find_close(const char *p, const char *end, struct xf_span name)
{
    while ((p = memchr(p, '<', (size_t)(end - p)))) {
        if ((size_t)(end - p) >= name.len + 2 && p[1] == '/' &&
            xf_span_eq_nocase((struct xf_span){p + 2, name.len}, name))
            return p;
        p++;
    }
    return end;
}

/* At '<': a comment, a declaration or an instruction. */
static void skip_markup(struct scan *scan)
{
    static const char open[] = "<!--", close[] = "-->";
    size_t left = (size_t)(scan->end - scan->p);
    const char *found;

    if (left >= sizeof(open) - 1 && memcmp(scan->p, open, sizeof(open) - 1) == 0) {
        found = memmem(scan->p + 4, left - 4, close, sizeof(close) - 1);
        scan->p = found ? found + sizeof(close) - 1 : scan->end;
        return;
    }
    found = memchr(scan->p, '>', left);
    scan->p = found ? found + 1 : scan->end;
}

/* At '<', in front of a name, or of '/' and a name. */
static void take_tag(struct scan *scan)
{
    bool is_close = scan->p[1] == '/';
    const char *start = scan->p + (is_close ? 2 : 1), *p = start;

    while (p < scan->end && is_name_char(*p))
        p++;
    struct xf_span name = {start, (size_t)(p - start)};

    scan->p = tag_end(scan, p);
    if (!is_close && is_hidden(name))
        scan->p = find_close(scan->p, scan->end, name);
    else if (xf_span_eq_nocase(name, XF_SPAN("br")))
        break_line(scan);
    else if (is_block(name))
        break_block(scan);
    else if (xf_span_eq_nocase(name, XF_SPAN("td")) && scan->line_len > 0)
        scan->is_spaced = true;
}

/* False: it is a character. */
static bool take_markup(struct scan *scan)
{
    size_t left = (size_t)(scan->end - scan->p);

    if (!scan->last_close || scan->p > scan->last_close)
        return false;
    if (scan->p[1] == '!' || scan->p[1] == '?') {
        skip_markup(scan);
        return true;
    }
    if (!is_letter(scan->p[1]) && !(scan->p[1] == '/' && left > 2 && is_letter(scan->p[2])))
        return false;
    take_tag(scan);
    return true;
}

/* ------------------------------------------------------------------ references */

static const struct {
    const char *name, *text;
} entities[] = {{"amp", "&"},   {"lt", "<"},   {"gt", ">"},
                {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}};

/* Is it a character of Unicode? Whether XML can hold it is asked of the whole text later. */
static bool is_character(uint32_t c)
{
    return c < 0xD800 || (c >= 0xE000 && c <= 0x10FFFF);
}

static size_t encode(uint32_t c, char out[4])
{
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    if (len == 1) {
        out[0] = (char)c;
        return 1;
    }
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(leads[len] | c);
    return len;
}

static void put_character(struct scan *scan, uint32_t c)
{
    char bytes[4];

    if (!is_character(c))
        put(scan, REPLACEMENT.ptr, REPLACEMENT.len);
    else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xA0)
        scan->is_spaced = true;
    else
        put(scan, bytes, encode(c, bytes));
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return UINT32_MAX;
}

/* "#233" or "#xE9"; REFERENCE_MAX_BYTES leaves it eight digits, so that it fits 32 bits. */
static bool take_number(struct scan *scan, struct xf_span name)
{
    bool is_hex = name.len > 1 && (name.ptr[1] == 'x' || name.ptr[1] == 'X');
    uint32_t base = is_hex ? 16 : 10, c = 0;
    size_t i = is_hex ? 2 : 1;

    if (i >= name.len)
        return false;
    for (; i < name.len; i++) {
        uint32_t digit = digit_value(name.ptr[i]);

        if (digit >= base)
            return false;
        c = c * base + digit;
    }
    put_character(scan, c);
    return true;
}

/* At '&'. False: it is a character. */
static bool take_reference(struct scan *scan)
{
    size_t left = (size_t)(scan->end - scan->p),
           most = left < REFERENCE_MAX_BYTES ? left : REFERENCE_MAX_BYTES;
    const char *semicolon = memchr(scan->p, ';', most);

    if (!semicolon)
        return false;
    struct xf_span name = {scan->p + 1, (size_t)(semicolon - scan->p - 1)};
    bool is_known = name.len > 0 && *name.ptr == '#' && take_number(scan, name);
    for (size_t i = 0; i < XF_ARRAY_LEN(entities) && !is_known; i++) {
        is_known = xf_span_is(name, entities[i].name);
        if (is_known)
            put_character(scan, (unsigned char)*entities[i].text);
    }
    if (is_known)
        scan->p = semicolon + 1;
    return is_known;
}

/* ------------------------------------------------------------------ the document */

static void take_text(struct scan *scan)
{
    const char *start = scan->p++;

    while (scan->p < scan->end && *scan->p != '<' && *scan->p != '&' && !is_white(*scan->p))
        scan->p++;
    put(scan, start, (size_t)(scan->p - start));
}

void xf_im_html_text(struct xf_draft *draft, struct xf_span html)
{
    struct scan scan = {.draft = draft, .p = html.ptr, .end = html.ptr + html.len};

    scan.last_close = html.len > 0 ? memrchr(html.ptr, '>', html.len) : NULL;
    while (scan.p < scan.end) {
        if (is_white(*scan.p)) {
            scan.is_spaced = true;
            scan.p++;
        } else if (!(*scan.p == '<' && take_markup(&scan)) &&
                   !(*scan.p == '&' && take_reference(&scan))) {
            take_text(&scan);
        }
    }
}
