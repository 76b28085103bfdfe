/* SPDX-License-Identifier: MIT */
/*
 * frame.c — where a message ends (RFC 3261 sections 7.5 and 18.3).
 *
 *     CRLF ... | start line CRLF  header CRLF ... CRLF | Content-Length bytes | ...
 *
 * - Lines end with CRLF. A bare LF ends the conn: messages are smuggled in what others take for the
 *   end of a line, and we do not. Bare CRs and control bytes are left to xf_sip_parse.
 * - Bytes in which no line ends are not looked at again when more come: a peer that sends byte by
 *   byte costs no more than one that does not.
 * - Then one pass over the lines finds Content-Length, which must be there once. xf_sip_parse
 *   compares it with the bytes that it gets: both cannot disagree on where the body ends.
 */
#include <xfed/sip/message.h>

#include "cursor_priv.h"

#define EMPTY_LINE_BYTES 2

static void give(struct xf_sip_framer *framer, struct xf_sip_frame *frame,
                 enum xf_sip_frame_kind kind, size_t len)
{
    *framer = (struct xf_sip_framer){0};
    frame->kind = kind;
    frame->len = len;
}

static void fail(struct xf_sip_framer *framer, struct xf_sip_frame *frame, unsigned status,
                 const char *text)
{
    give(framer, frame, XF_SIP_FRAME_ERROR, frame->head_len);
    frame->status = status;
    frame->text = text;
}

/* CRLFs at the front. A CR at the end may be half of one. */
static void take_crlfs(struct xf_sip_framer *framer, const char *bytes, size_t len,
                       struct xf_sip_frame *frame)
{
    size_t at = 0;

    while (len - at >= 2 && memcmp(bytes + at, "\r\n", 2) == 0)
        at += 2;
    if (at > 0) {
        give(framer, frame, XF_SIP_FRAME_CRLF, at);
        frame->crlf_count = at / 2;
    } else if (len > 1) {
        fail(framer, frame, 0, "a CR without LF");
    }
}

/* The length of the head, or 0: it is not whole, or an error is in `frame`. */
static size_t find_head(struct xf_sip_framer *framer, const char *bytes, size_t len,
                        const struct xf_sip_limits *limits, struct xf_sip_frame *frame)
{
    size_t most = len < limits->head_bytes ? len : limits->head_bytes;

    while (framer->seen_bytes < most) {
        const char *line = bytes + framer->line_at;
        const char *lf = memchr(bytes + framer->seen_bytes, '\n', most - framer->seen_bytes);

        if (!lf) {
            framer->seen_bytes = most;
            break;
        }
        if (lf == line || lf[-1] != '\r') {
            fail(framer, frame, 0, "a line ends with LF alone");
            return 0;
        }
        framer->seen_bytes = framer->line_at = (size_t)(lf - bytes) + 1;
        if (lf == line + 1)
            return framer->seen_bytes;
    }
    if (len > limits->head_bytes)
        fail(framer, frame, 0, "the headers are longer than the limit");
    return 0;
}

/* Is this line Content-Length? *out_value: behind the colon, without further lines. */
static bool is_content_length(const char *line, const char *end, struct xf_span *out_value)
{
    struct xf_sip_cursor c = {line, end};
    struct xf_span name = xf_sip_take(&c, XF_SIP_C_TOKEN);

    if (xf_sip_header_of(name) != XF_SIP_H_CONTENT_LENGTH)
        return false;
    xf_sip_skip_lws(&c);
    if (!xf_sip_at(&c, ':'))
        return false;
    *out_value = (struct xf_span){c.p + 1, (size_t)(end - c.p) - 1};
    return true;
}

static inline bool may_be_content_length(char first)
{
    return first == 'C' || first == 'c' || first == 'L' || first == 'l';
}

static const char *next_line(const char *line, const char *end)
{
    return (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
}

/* The digits of a value that may be folded, white space around them. */
static bool read_length(struct xf_span value, uint64_t *out_length)
{
    const char *p = value.ptr, *end = value.ptr + value.len;

    while (p < end && strchr(" \t\r\n", *p) && *p)
        p++;
    while (end > p && strchr(" \t\r\n", end[-1]) && end[-1])
        end--;
    return xf_span_number((struct xf_span){p, (size_t)(end - p)}, INT64_MAX, out_length);
}

/* What is wrong with Content-Length, or NULL. The head is whole. */
static const char *find_length(const char *head, size_t head_len, uint64_t *out_length)
{
    const char *end = head + head_len - EMPTY_LINE_BYTES;
    struct xf_span value = XF_SPAN_NONE, found;

    for (const char *line = next_line(head, end); line < end; line = next_line(line, end)) {
        const char *behind;

        if (!may_be_content_length(*line) || !is_content_length(line, end, &found))
            continue;
        if (value.ptr)
            return "Content-Length comes twice";
        value = found;
        for (behind = next_line(line, end); behind < end && (*behind == ' ' || *behind == '\t');)
            behind = next_line(behind, end);
        value.len = (size_t)(behind - value.ptr);
    }
    if (!value.ptr)
        return "no Content-Length";
    return read_length(value, out_length) ? NULL : "Content-Length is not a number";
}

/* The head is whole: the body's length into the framer, or an error into the frame. */
static void read_head(struct xf_sip_framer *framer, const char *bytes, size_t head_len,
                      const struct xf_sip_limits *limits, struct xf_sip_frame *frame)
{
    uint64_t body_len = 0;
    const char *wrong = find_length(bytes, head_len, &body_len);

    frame->head_len = head_len;
    if (wrong) {
        fail(framer, frame, 400, wrong);
    } else if (body_len > limits->body_bytes) {
        fail(framer, frame, 413, "the body is longer than the limit");
    } else if (head_len + body_len > limits->message_bytes) {
        fail(framer, frame, 513, "the message is longer than the limit");
    } else {
        framer->head_len = head_len;
        framer->body_len = (size_t)body_len;
    }
}

void xf_sip_frame(struct xf_sip_framer *framer, const char *bytes, size_t len,
                  const struct xf_sip_limits *limits, struct xf_sip_frame *out_frame)
{
    *out_frame =
        (struct xf_sip_frame){.kind = XF_SIP_FRAME_MORE, .head_len = framer->head_len, .text = ""};
    if (len == 0)
        return;
    if (framer->head_len == 0) {
        if (bytes[0] == '\r') {
            take_crlfs(framer, bytes, len, out_frame);
            return;
        }
        if (!xf_sip_is(bytes[0], XF_SIP_C_TOKEN)) {
            fail(framer, out_frame, 0, "the bytes are not SIP");
            return;
        }
        size_t head_len = find_head(framer, bytes, len, limits, out_frame);
        if (head_len > 0)
            read_head(framer, bytes, head_len, limits, out_frame);
    }
    if (framer->head_len > 0 && len >= framer->head_len + framer->body_len) {
        give(framer, out_frame, XF_SIP_FRAME_MESSAGE, framer->head_len + framer->body_len);
    }
}
