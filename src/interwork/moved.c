/* SPDX-License-Identifier: MIT */
/* moved.c — XMPP URIs (RFC 5122), read out of error stanzas and written. */
#include <xfed/interwork/moved.h>

#include <xfed/base/draft.h>

#include "address_priv.h"
#include "document_priv.h"
#include "error_priv.h"
#include "text_priv.h"

#define SCHEME "xmpp:"

/* ------------------------------------------------------------------ read */

/* -1: not a hexadecimal digit. */
static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The path: without scheme, authority, query and fragment. Absent: it is no XMPP URI. */
static struct xf_span path_of(struct xf_span uri)
{
    const size_t skip = sizeof(SCHEME) - 1;
    if (uri.len < skip || !xf_span_eq_nocase((struct xf_span){uri.ptr, skip}, XF_SPAN(SCHEME)))
        return XF_SPAN_NONE;
    const char *start = uri.ptr + skip, *end = uri.ptr + uri.len;
    if (end - start >= 2 && memcmp(start, "//", 2) == 0) {
        const char *slash = memchr(start + 2, '/', (size_t)(end - start - 2));
        if (!slash)
            return XF_SPAN_NONE;
        start = slash + 1;
    }
    for (const char *c = start; c < end; c++)
        if (*c == '?' || *c == '#')
            end = c;
    return (struct xf_span){start, (size_t)(end - start)};
}

/*
 * What stands for a byte at *c, and *c moves behind it. -1: an escape that is none, or that would
 * end the local part or the domain.
 */
static int take_byte(const char **c, const char *end, bool in_resource)
{
    if (**c != '%')
        return (unsigned char)*(*c)++;
    if (end - *c < 3 || digit((*c)[1]) < 0 || digit((*c)[2]) < 0)
        return -1;
    int byte = digit((*c)[1]) << 4 | digit((*c)[2]);
    *c += 3;
    return byte == 0 || (!in_resource && (byte == '@' || byte == '/')) ? -1 : byte;
}

/* 0: it is no path of a JID. */
static size_t decode(struct xf_span path, char out[XF_JID_MAX])
{
    const char *c = path.ptr, *end = path.ptr + path.len;
    bool in_resource = false;
    size_t len = 0;
    while (c < end) {
        in_resource |= *c == '/';
        int byte = take_byte(&c, end, in_resource);
        if (byte < 0 || len == XF_JID_MAX)
            return 0;
        out[len++] = (char)byte;
    }
    return len;
}

static bool read_uri(struct xf_span uri, char storage[XF_JID_MAX + 1], struct xf_jid *out_jid)
{
    char text[XF_JID_MAX];
    struct xf_jid jid;
    struct xf_span path = path_of(uri);
    size_t len = path.ptr ? decode(path, text) : 0;
    if (len == 0 || xf_jid_prepare((struct xf_span){text, len}, storage, &jid) != XF_ERR_OK)
        return false;
    xf_interwork_keep_jid(&jid, storage);
    *out_jid = jid;
    return true;
}

bool xf_interwork_moved_read(const struct xf_stanza *stanza, char storage[XF_JID_MAX + 1],
                             struct xf_jid *out_jid)
{
    struct xf_stanza_child condition;
    struct xf_document *document;
    if (!xf_interwork_find_condition(stanza, &condition) ||
        xf_interwork_parse(condition.whole, &document) != XF_ERR_OK)
        return false;
    bool is_read = read_uri(xf_span_trim(xf_document_root(document)->text), storage, out_jid);
    xf_document_free(&document);
    return is_read;
}

/* ------------------------------------------------------------------ written */

/* Unreserved, nodeallow and resallow of RFC 5122 section 2.2, as far as both parts allow it. */
static bool is_plain(char c)
{
    return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~!$()*+,;=", c));
}

static void put_escaped(struct xf_draft *draft, struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_plain(text.ptr[i]))
            xf_draft_append(draft, text.ptr + i, 1);
        else
            xf_draft_printf(draft, "%%%02X", (unsigned)(unsigned char)text.ptr[i]);
    }
}

enum xf_err xf_interwork_moved_write(struct xf_buf *out, const struct xf_jid *jid)
{
    struct xf_draft draft = xf_draft_begin(out);
    xf_draft_str(&draft, SCHEME);
    if (jid->local.ptr) {
        put_escaped(&draft, jid->local);
        xf_draft_str(&draft, "@");
    }
    xf_draft_span(&draft, jid->domain);
    if (jid->resource.ptr) {
        xf_draft_str(&draft, "/");
        put_escaped(&draft, jid->resource);
    }
    return xf_draft_end(&draft);
}
