/* SPDX-License-Identifier: MIT */
/*
 * multipart.c — finds the part of a multipart body that can be shown (RFC 2046 section 5.1).
 *
 * All kinds of multipart are read alike: of alternatives and of a mixture, the text that anybody
 * can read is the one that a message is made of. Parts in base64 and quoted-printable are passed
 * over: SIP carries eight bits, and so do its parts.
 */
#include "chat_priv.h"

#include "text_priv.h"

#define BOUNDARY_MAX_BYTES 70 /* RFC 2046 section 5.1.1 */

struct search {
    struct xf_buf *scratch; /* the charset of the best part */
    struct xf_im_part best;
    unsigned parts;
};

/* What the headers of a part say. */
struct part_headers {
    struct xf_span media; /* absent: text/plain */
    bool is_encoded;
};

/* ------------------------------------------------------------------ lines */

/* The first line, without its end; *rest becomes what follows. False: there is none. */
static bool next_line(struct xf_span *rest, struct xf_span *out_line)
{
    if (rest->len == 0)
        return false;
    const char *lf = memchr(rest->ptr, '\n', rest->len);
    size_t len = lf ? (size_t)(lf - rest->ptr) : rest->len, step = lf ? len + 1 : len;

    *out_line = (struct xf_span){rest->ptr, len};
    if (lf && len > 0 && rest->ptr[len - 1] == '\r')
        out_line->len--;
    *rest = (struct xf_span){rest->ptr + step, rest->len - step};
    return true;
}

enum delimiter { DELIMITER_NONE, DELIMITER_NEXT, DELIMITER_LAST };

static enum delimiter delimiter_of(struct xf_span line, struct xf_span boundary)
{
    if (line.len < boundary.len + 2 || memcmp(line.ptr, "--", 2) != 0 ||
        memcmp(line.ptr + 2, boundary.ptr, boundary.len) != 0)
        return DELIMITER_NONE;
    struct xf_span tail =
        xf_span_trim((struct xf_span){line.ptr + 2 + boundary.len, line.len - 2 - boundary.len});

    if (tail.len == 0)
        return DELIMITER_NEXT;
    return xf_span_is(tail, "--") ? DELIMITER_LAST : DELIMITER_NONE;
}

/*
 * The text up to the next delimiter, whose line end belongs to the delimiter; *rest becomes what
 * follows the delimiter. A body that just ends ends its last part, too.
 */
static enum delimiter take_part(struct xf_span *rest, struct xf_span boundary,
                                struct xf_span *out_part)
{
    const char *start = rest->ptr, *end = start;
    enum delimiter delimiter = DELIMITER_LAST;
    struct xf_span line;

    while (next_line(rest, &line)) {
        delimiter = delimiter_of(line, boundary);
        if (delimiter != DELIMITER_NONE)
            break;
        end = line.ptr + line.len;
    }
    *out_part = (struct xf_span){start, (size_t)(end - start)};
    return delimiter == DELIMITER_NONE ? DELIMITER_LAST : delimiter;
}

/* ------------------------------------------------------------------ headers */

/* A header with its folded lines, joined by the line ends that they have. */
static bool next_header(struct xf_span *rest, struct xf_span *out_header)
{
    struct xf_span line;

    if (!next_line(rest, &line) || line.len == 0)
        return false;
    *out_header = line;
    while (rest->len > 0 && (*rest->ptr == ' ' || *rest->ptr == '\t')) {
        (void)next_line(rest, &line); /* there is one */
        out_header->len = (size_t)(line.ptr + line.len - out_header->ptr);
    }
    return true;
}

static bool header_is(struct xf_span header, const char *name, struct xf_span *out_value)
{
    size_t len = strlen(name);

    if (header.len <= len || header.ptr[len] != ':' ||
        !xf_span_eq_nocase((struct xf_span){header.ptr, len}, (struct xf_span){name, len}))
        return false;
    *out_value = xf_span_trim((struct xf_span){header.ptr + len + 1, header.len - len - 1});
    return true;
}

/* Is the content as it stands there? */
static bool is_identity(struct xf_span encoding)
{
    return xf_span_eq_nocase(encoding, XF_SPAN("7bit")) ||
           xf_span_eq_nocase(encoding, XF_SPAN("8bit")) ||
           xf_span_eq_nocase(encoding, XF_SPAN("binary"));
}

/* Read the headers of a part; *part becomes its content. */
static struct part_headers read_headers(struct xf_span *part)
{
    struct part_headers headers = {0};
    struct xf_span header, value;

    while (next_header(part, &header)) {
        if (header_is(header, "Content-Type", &value))
            headers.media = value;
        else if (header_is(header, "Content-Transfer-Encoding", &value))
            headers.is_encoded = !is_identity(value);
        else if (header_is(header, "Content-Encoding", &value))
            headers.is_encoded = true;
    }
    return headers;
}

/* Parse Content-Type, unfolded into `line`. */
static bool read_media(struct xf_span value, char line[XF_IM_HEADER_MAX],
                       struct xf_sip_media *out_media)
{
    if (value.len > XF_IM_HEADER_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        line[i] = value.ptr[i] == '\r' || value.ptr[i] == '\n' ? ' ' : value.ptr[i];
    return xf_sip_media_read((struct xf_span){line, value.len}, out_media) == XF_ERR_OK;
}

/* ------------------------------------------------------------------ parts */

static void keep_best(struct search *search, const struct xf_sip_media *media,
                      struct xf_span content)
{
    bool is_html = xf_im_media_is(media, "text", "html");

    if (!is_html && media->type.ptr && !xf_im_media_is(media, "text", "plain"))
        return;
    if (search->best.content.ptr && (is_html || !search->best.is_html))
        return;
    search->best = (struct xf_im_part){.content = content, .is_html = is_html};
    if (!media->charset.ptr)
        return;
    xf_buf_clear(search->scratch);
    if (xf_buf_try_append(search->scratch, media->charset.ptr, media->charset.len) == XF_ERR_OK)
        search->best.charset = xf_buf_span(search->scratch);
    else
        search->best.content = XF_SPAN_NONE;
}

static enum xf_err find(struct search *search, const struct xf_sip_media *media,
                        struct xf_span body, unsigned depth);

static void read_part(struct search *search, struct xf_span part, unsigned depth)
{
    char line[XF_IM_HEADER_MAX];
    struct xf_sip_media media = {0};
    struct part_headers headers = read_headers(&part);

    if (headers.is_encoded || (headers.media.ptr && !read_media(headers.media, line, &media)))
        return;
    if (!media.type.ptr || !xf_span_eq_nocase(media.type, XF_SPAN("multipart")))
        keep_best(search, &media, part);
    else if (depth < XF_IM_DEPTH_MAX)
        (void)find(search, &media, part, depth + 1); /* what is not multipart has no parts */
}

static enum xf_err find(struct search *search, const struct xf_sip_media *media,
                        struct xf_span body, unsigned depth)
{
    struct xf_span boundary, part;

    if (!xf_sip_param(media->params, "boundary", &boundary) || boundary.len == 0 ||
        boundary.len > BOUNDARY_MAX_BYTES)
        return XF_ERR_BAD_VALUE;
    enum delimiter delimiter = take_part(&body, boundary, &part); /* the preamble */
    if (delimiter == DELIMITER_LAST)
        return XF_ERR_BAD_VALUE;
    while (delimiter == DELIMITER_NEXT && search->parts++ < XF_IM_PARTS_MAX) {
        delimiter = take_part(&body, boundary, &part);
        read_part(search, part, depth);
    }
    return XF_ERR_OK;
}

enum xf_err xf_im_find_part(const struct xf_sip_media *media, struct xf_span body,
                            struct xf_buf *scratch, struct xf_im_part *out_part)
{
    struct search search = {.scratch = scratch};

    xf_buf_clear(scratch);
    enum xf_err err = find(&search, media, body, 1);
    if (err == XF_ERR_OK)
        *out_part = search.best;
    return err;
}
