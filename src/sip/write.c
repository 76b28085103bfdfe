/* SPDX-License-Identifier: MIT */
/*
 * write.c — start lines, headers and the end of a message that is sent.
 *
 * What comes from outside passes put_value, which refuses control bytes. Values of a parsed message
 * are copied without: they hold no CR and LF, and a quoted pair of theirs may hold another control
 * byte.
 */
#include <xfed/sip/write.h>

#include <stdarg.h>

#include <xfed/base/alloc.h>
#include <xfed/sip/uri.h>

#include "cursor_priv.h"
#include "write_priv.h"

#define FIRST_PRINTABLE 0x20
#define DEL             0x7f
#define STATUS_MIN      100
#define STATUS_MAX      699

const char *xf_sip_status_text(unsigned status)
{
    switch (status) {
#define X(code, text) \
    case code:        \
        return text;
        XF_SIP_STATUS_MAP(X)
#undef X
    default:
        return "Unknown";
    }
}

static bool has_control(struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if ((byte < FIRST_PRINTABLE && byte != '\t') || byte == DEL)
            return true;
    }
    return false;
}

static bool is_token(struct xf_span text)
{
    struct xf_sip_cursor c = xf_sip_cursor(text);

    return xf_sip_take(&c, XF_SIP_C_TOKEN).len > 0 && xf_sip_at_end(&c);
}

static void put_value(struct xf_sip_writer *writer, struct xf_span value)
{
    writer->is_bad = writer->is_bad || has_control(value);
    xf_draft_span(&writer->draft, value);
}

void xf_sip_put_token(struct xf_sip_writer *writer, struct xf_span token)
{
    writer->is_bad = writer->is_bad || !is_token(token);
    xf_draft_span(&writer->draft, token);
}

void xf_sip_put_line(struct xf_sip_writer *writer, struct xf_span name, struct xf_span parsed)
{
    xf_draft_span(&writer->draft, name);
    xf_draft_str(&writer->draft, ": ");
    xf_draft_span(&writer->draft, parsed);
    xf_draft_str(&writer->draft, "\r\n");
}

static struct xf_sip_writer begin(struct xf_buf *out)
{
    return (struct xf_sip_writer){.draft = xf_draft_begin(out)};
}

void xf_sip_write_request(struct xf_sip_writer *writer, struct xf_buf *out, struct xf_span method,
                          struct xf_span uri)
{
    struct xf_sip_uri parsed;

    *writer = begin(out);
    xf_sip_put_token(writer, method);
    xf_draft_str(&writer->draft, " ");
    writer->is_bad = writer->is_bad || xf_sip_uri_parse(uri, &parsed) != XF_ERR_OK;
    xf_draft_span(&writer->draft, uri);
    xf_draft_str(&writer->draft, " SIP/2.0\r\n");
}

void xf_sip_begin_status(struct xf_sip_writer *writer, struct xf_buf *out, unsigned status,
                         struct xf_span reason)
{
    *writer = begin(out);
    writer->is_bad = status < STATUS_MIN || status > STATUS_MAX;
    xf_draft_printf(&writer->draft, "SIP/2.0 %u ", status);
    put_value(writer, reason);
    xf_draft_str(&writer->draft, "\r\n");
}

static void put_header(struct xf_sip_writer *writer, const char *name, struct xf_span value)
{
    if (!value.ptr)
        return;
    xf_sip_put_token(writer, xf_span_of(name));
    xf_draft_str(&writer->draft, ": ");
    put_value(writer, value);
    xf_draft_str(&writer->draft, "\r\n");
}

void xf_sip_write_header(struct xf_sip_writer *writer, enum xf_sip_header_id id,
                         struct xf_span value)
{
    put_header(writer, xf_sip_header_text(id), value);
}

void xf_sip_write_headerf(struct xf_sip_writer *writer, enum xf_sip_header_id id, const char *fmt,
                          ...)
{
    va_list args;

    va_start(args, fmt);
    char *text = xf_vasprintf(fmt, args);
    va_end(args);
    xf_sip_write_header(writer, id, xf_span_of(text));
    xf_free(text);
}

void xf_sip_write_other(struct xf_sip_writer *writer, const char *name, struct xf_span value)
{
    put_header(writer, name, value);
}

void xf_sip_write_copy(struct xf_sip_writer *writer, const struct xf_sip_message *message,
                       enum xf_sip_header_id id)
{
    uint16_t line = message->first_lines[id];

    for (; line != XF_SIP_NO_LINE; line = message->headers[line].next)
        xf_sip_put_line(writer, message->headers[line].name, message->headers[line].value);
}

enum xf_err xf_sip_write_end(struct xf_sip_writer *writer, struct xf_span body)
{
    xf_draft_printf(&writer->draft, "%s: %zu\r\n\r\n", xf_sip_header_text(XF_SIP_H_CONTENT_LENGTH),
                    body.len);
    xf_draft_span(&writer->draft, body);
    writer->draft.is_short = writer->draft.is_short || writer->is_bad;

    enum xf_err code = xf_draft_end(&writer->draft);
    return writer->is_bad ? XF_ERR_BAD_VALUE : code;
}
