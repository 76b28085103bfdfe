/* SPDX-License-Identifier: MIT */
/*
 * fuzz_chat.c — any body of any type: up to the first line break of the input its Content-Type (if
 * it is empty, there is none), up to the second one its Subject, then the body. What must hold for
 * what is accepted:
 *   - it is text, UTF-8, that XML can hold, with a subject of one line;
 *   - as content of a message it is legal XML, and read from there it is the same again, with CRLF
 *     in place of LF;
 *   - a body made of that is accepted and gives the same text once more.
 */
#include "fuzz.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/interwork/chat.h>

#define INPUT_MAX_BYTES 8192
#define TEXT_MAX        (1u << 20)

static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;

static struct xf_span take_line(struct xf_span *rest)
{
    const char *lf = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct xf_span line = {rest->ptr, lf ? (size_t)(lf - rest->ptr) : rest->len};
    size_t step = lf ? line.len + 1 : line.len;

    *rest = (struct xf_span){rest->ptr + step, rest->len - step};
    return line;
}

static void put_header(struct xf_draft *draft, const char *name, struct xf_span value)
{
    if (value.len == 0)
        return;
    xf_draft_printf(draft, "%s: ", name);
    xf_draft_span(draft, value);
    xf_draft_str(draft, "\r\n");
}

/* False: such headers do not get past the parser. */
static bool make_message(struct xf_buf *bytes, struct xf_span type, struct xf_span subject,
                         struct xf_span body, struct xf_sip_message *out_message)
{
    struct xf_sip_error error;
    struct xf_draft draft = xf_draft_begin(bytes);

    xf_draft_str(&draft, "MESSAGE sip:a@a.example SIP/2.0\r\nVia: SIP/2.0/TLS b;branch=z9hG4bK1\r\n"
                         "Max-Forwards: 70\r\nFrom: <sip:b@b>;tag=1\r\nTo: <sip:a@a.example>\r\n"
                         "Call-ID: c\r\nCSeq: 1 MESSAGE\r\n");
    put_header(&draft, "Content-Type", type);
    put_header(&draft, "Subject", subject);
    xf_draft_printf(&draft, "Content-Length: %zu\r\n\r\n", body.len);
    xf_draft_span(&draft, body);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    return xf_sip_parse(bytes->data, bytes->len, &limits, out_message, &error) == XF_ERR_OK;
}

static void check_text(struct xf_span text)
{
    xf_require(xf_utf8_valid(text.ptr, text.len));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        xf_require(c >= 0x20 || c == '\t' || c == '\n');
    }
}

/* Is `crlf` the text with CRLF in place of LF? */
static bool is_with_crlf(struct xf_span text, struct xf_span crlf)
{
    size_t at = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n' && (at >= crlf.len || crlf.ptr[at++] != '\r'))
            return false;
        if (at >= crlf.len || crlf.ptr[at++] != text.ptr[i])
            return false;
    }
    return at == crlf.len;
}

/* The chat as a stanza, and as a request again. */
static void check_round(const struct xf_im *chat)
{
    static struct xf_sip_message message;
    enum xf_stanza_error error;
    struct xf_buf payload, texts, body, bytes, last;
    struct xf_im out, again;

    xf_buf_init(&payload, TEXT_MAX);
    xf_buf_init(&texts, TEXT_MAX);
    xf_buf_init(&body, TEXT_MAX);
    xf_buf_init(&bytes, TEXT_MAX);
    xf_buf_init(&last, TEXT_MAX);
    struct xf_draft draft = xf_draft_begin(&payload);
    xf_im_write_stanza(&draft, chat);
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE, .payload = xf_buf_span(&payload)};
    xf_require(xf_im_read_stanza(&stanza, &texts, &out, &error) == XF_ERR_OK);
    xf_require(out.kind == chat->kind && out.is_typing == chat->is_typing);
    xf_require(xf_span_eq(out.subject, chat->subject));
    xf_require(is_with_crlf(chat->text, out.text));

    draft = xf_draft_begin(&body);
    struct xf_span type = xf_span_of(xf_im_write_body(&draft, &out));
    xf_require(xf_draft_end(&draft) == XF_ERR_OK);
    xf_require(make_message(&bytes, type, out.subject, xf_buf_span(&body), &message));
    xf_require(xf_im_read_request(&message, &last, &again) == 0);
    xf_require(again.kind == chat->kind && again.is_typing == chat->is_typing);
    xf_require(xf_span_eq(again.text, chat->text) && xf_span_eq(again.subject, chat->subject));
    xf_buf_release(&payload);
    xf_buf_release(&texts);
    xf_buf_release(&body);
    xf_buf_release(&bytes);
    xf_buf_release(&last);
}

static void check(const struct xf_sip_message *message)
{
    struct xf_im chat;
    struct xf_buf texts;

    xf_buf_init(&texts, TEXT_MAX);
    unsigned status = xf_im_read_request(message, &texts, &chat);
    xf_require(status == 0 || status == 400 || status == 413 || status == 415);
    if (status == 0 && chat.kind != XF_IM_NOTHING) {
        xf_require((chat.kind == XF_IM_TEXT) == (chat.text.len > 0));
        xf_require(chat.subject.len <= XF_IM_SUBJECT_MAX);
        xf_require(!chat.subject.ptr || !memchr(chat.subject.ptr, '\n', chat.subject.len));
        check_text(chat.text);
        check_text(chat.subject);
        check_round(&chat);
    }
    xf_buf_release(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct xf_sip_message message;
    struct xf_span rest = {len > 0 ? (const char *)bytes : "", len};
    struct xf_buf buffer;

    if (len > INPUT_MAX_BYTES)
        return 0;
    struct xf_span type = take_line(&rest), subject = take_line(&rest);
    xf_buf_init(&buffer, TEXT_MAX);
    if (make_message(&buffer, type, subject, rest, &message))
        check(&message);
    xf_buf_release(&buffer);
    return 0;
}
