/* SPDX-License-Identifier: MIT */
/*
 * jid_escape.c — characters that a local part cannot hold, as a backslash and two hex digits
 * (XEP-0106 section 4).
 *
 * A run of "5c" between a backslash and one of the codes counts how often the escape itself was
 * escaped: with n of them, `\` 5c5c...5c 27 stands for the same with n - 1, and `\27` for an
 * apostrophe. Escaping adds one to n, undoing takes one away, and all other text stays as it is; so
 * each is the inverse of the other. (src/mailmap/text.c has another rule, for people who write JIDs
 * where addresses are due: what is escaped already stays.)
 */
#include "jid_escape_priv.h"

/* In the order of the header's table in XEP-0106 section 4.2. */
static const struct {
    char c;
    char code[3];
} codes[] = {{' ', "20"}, {'"', "22"}, {'&', "26"}, {'\'', "27"}, {'/', "2f"},
             {':', "3a"}, {'<', "3c"}, {'>', "3e"}, {'@', "40"}};

static bool starts_with(struct xf_span text, const char *code)
{
    return text.len >= 2 && xf_span_eq_nocase((struct xf_span){text.ptr, 2}, xf_span_of(code));
}

static struct xf_span behind(struct xf_span text, size_t len)
{
    return (struct xf_span){text.ptr + len, text.len - len};
}

/*
 * Does the text begin with an escape, which may itself be escaped? Its length, and how many "5c" it
 * holds; 0: no.
 */
static size_t escape_len(struct xf_span text, size_t *out_depth, char *out_c)
{
    struct xf_span rest = text;

    if (text.len == 0 || *text.ptr != '\\')
        return 0;
    *out_depth = 0;
    for (rest = behind(rest, 1); starts_with(rest, "5c"); rest = behind(rest, 2))
        ++*out_depth;
    for (size_t i = 0; i < XF_ARRAY_LEN(codes); i++) {
        if (starts_with(rest, codes[i].code)) {
            *out_c = codes[i].c;
            return text.len - rest.len + 2;
        }
    }
    return 0;
}

/* Up to the next backslash behind the first byte. */
static size_t plain_len(struct xf_span text)
{
    const char *next = text.len > 1 ? memchr(text.ptr + 1, '\\', text.len - 1) : NULL;

    return next ? (size_t)(next - text.ptr) : text.len;
}

void xf_interwork_unescape(struct xf_draft *draft, struct xf_span local)
{
    while (local.len > 0) {
        size_t depth, len;
        char c;

        if ((len = escape_len(local, &depth, &c)) == 0) {
            len = plain_len(local);
            xf_draft_append(draft, local.ptr, len);
        } else if (depth == 0) {
            xf_draft_append(draft, &c, 1);
        } else {
            xf_draft_str(draft, "\\");
            xf_draft_span(draft, behind((struct xf_span){local.ptr, len}, 3));
        }
        local = behind(local, len);
    }
}

static const char *code_of(char c)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(codes); i++) {
        if (codes[i].c == c)
            return codes[i].code;
    }
    return NULL;
}

/* Text without an escape in it: characters that a local part cannot hold are escaped. */
static void put_plain(struct xf_draft *draft, struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *code = code_of(text.ptr[i]);

        if (code) {
            xf_draft_str(draft, "\\");
            xf_draft_append(draft, code, 2);
        } else {
            xf_draft_append(draft, text.ptr + i, 1);
        }
    }
}

void xf_interwork_escape(struct xf_draft *draft, struct xf_span text)
{
    while (text.len > 0) {
        size_t depth, len;
        char c;

        if ((len = escape_len(text, &depth, &c)) == 0) {
            len = plain_len(text);
            put_plain(draft, (struct xf_span){text.ptr, len});
        } else {
            xf_draft_str(draft, "\\5c");
            xf_draft_span(draft, behind((struct xf_span){text.ptr, len}, 1));
        }
        text = behind(text, len);
    }
}
