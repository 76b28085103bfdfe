/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sip.c — any bytes as a SIP message. What must hold, whatever came:
 *
 * - the framer says the same however the bytes are cut;
 * - all spans of a parsed message are within its bytes, no value holds CR or LF, each value of a
 *   list can be read alone, and there are as many as were counted;
 * - parsed again, and written anew and parsed, the message says the same;
 * - a request that can be answered is: the answer parses, and repeats what it must;
 * - a URI equals itself; a decoded user, encoded, gives the same text again.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/sip/uri.h>
#include <xfed/sip/write.h>

#define INPUT_MAX  8192
#define OUTPUT_MAX (16 * INPUT_MAX) /* each Via of a list gets a line */

static const struct xf_sip_limits limits = {.message_bytes = 4096,
                                            .head_bytes = 2048,
                                            .body_bytes = 2048,
                                            .uri_bytes = 300,
                                            .headers = 40,
                                            .vias = 8,
                                            .routes = 8,
                                            .contacts = 8};

/* ---- Framing ---- */

/* The first frame, with bytes that come `step` at a time; CRLFs are skipped. */
static struct xf_sip_frame frame_by(const uint8_t *bytes, size_t len, size_t step)
{
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame = {.kind = XF_SIP_FRAME_MORE};
    size_t at = 0, seen = 0;

    while (seen < len || frame.kind == XF_SIP_FRAME_CRLF) {
        seen = len - seen > step ? seen + step : len;
        xf_sip_frame(&framer, (const char *)bytes + at, seen - at, &limits, &frame);
        xf_require(frame.len <= seen - at && frame.head_len <= seen - at);
        if (frame.kind == XF_SIP_FRAME_CRLF) {
            xf_require(frame.len == 2 * frame.crlf_count && frame.len > 0);
            at += frame.len;
        } else if (frame.kind != XF_SIP_FRAME_MORE) {
            break;
        }
    }
    return frame;
}

static void check_frames(const uint8_t *bytes, size_t len)
{
    struct xf_sip_frame whole = frame_by(bytes, len, len > 0 ? len : 1);

    for (size_t step = 1; step <= 64; step = step * 3 + 1) {
        struct xf_sip_frame cut = frame_by(bytes, len, step);

        xf_require(cut.kind == whole.kind && cut.status == whole.status && cut.len == whole.len);
        xf_require(cut.head_len == whole.head_len);
    }
    xf_require(whole.kind != XF_SIP_FRAME_ERROR || *whole.text);
}

/* ---- What a message says ---- */

static void within(const struct xf_sip_message *m, struct xf_span span)
{
    const char *end = m->body.ptr + m->body.len;

    if (span.ptr)
        xf_require(span.ptr >= m->head.ptr && span.ptr + span.len <= end);
}

static void check_uri(const struct xf_sip_message *m, struct xf_span text)
{
    struct xf_sip_uri uri;

    within(m, text);
    if (!text.ptr)
        return;
    xf_require(xf_sip_uri_parse(text, &uri) == XF_ERR_OK && xf_sip_uri_equal(&uri, &uri));
    within(m, uri.user);
    within(m, uri.password);
    within(m, uri.host);
    within(m, uri.params);
    within(m, uri.headers);
    if (!uri.user.ptr)
        return;

    struct xf_buf plain, coded, again;
    xf_buf_init(&plain, INPUT_MAX);
    xf_buf_init(&coded, 3 * INPUT_MAX);
    xf_buf_init(&again, 3 * INPUT_MAX);
    if (xf_sip_user_decode(uri.user, &plain) == XF_ERR_OK) {
        xf_require(xf_sip_user_encode(xf_buf_span(&plain), &coded) == XF_ERR_OK);
        xf_require(xf_sip_user_decode(xf_buf_span(&coded), &again) == XF_ERR_OK);
        xf_require(xf_span_eq(xf_buf_span(&plain), xf_buf_span(&again)));
    }
    xf_buf_release(&plain);
    xf_buf_release(&coded);
    xf_buf_release(&again);
}

static void check_address(const struct xf_sip_message *m, const struct xf_sip_address *address)
{
    within(m, address->display);
    within(m, address->params);
    within(m, address->tag);
    check_uri(m, address->uri);
}

/* Nothing is decided by it. */
static bool may_be_malformed(enum xf_sip_header_id id)
{
    return id == XF_SIP_H_SUPPORTED || id == XF_SIP_H_UNSUPPORTED || id == XF_SIP_H_ALLOW ||
           id == XF_SIP_H_WARNING || id == XF_SIP_H_ROUTE || id == XF_SIP_H_PROXY_REQUIRE;
}

static void check_value(const struct xf_sip_message *m, enum xf_sip_header_id id,
                        struct xf_span value)
{
    struct xf_sip_address address;
    struct xf_sip_via via;
    struct xf_sip_media media;
    struct xf_sip_warning warning;

    within(m, value);
    switch (id) {
    case XF_SIP_H_VIA:
        xf_require(xf_sip_via_read(value, &via) == XF_ERR_OK);
        break;
    case XF_SIP_H_CONTACT:
        if (m->contact_is_star)
            break;
        /* fall through */
    case XF_SIP_H_RECORD_ROUTE:
    case XF_SIP_H_P_ASSERTED_IDENTITY:
        xf_require(xf_sip_address_read(value, &address) == XF_ERR_OK);
        check_address(m, &address);
        break;
    case XF_SIP_H_ACCEPT:
        xf_require(xf_sip_media_read(value, &media) == XF_ERR_OK);
        break;
    case XF_SIP_H_WARNING:
        if (xf_sip_warning_read(value, &warning) == XF_ERR_OK) {
            within(m, warning.agent);
            within(m, warning.text);
        }
        break;
    default:
        xf_require(value.len > 0 || may_be_malformed(id));
    }
}

static bool is_list(enum xf_sip_header_id id)
{
    enum { LINES, ONCE, LIST };
    static const int forms[XF_SIP_H_COUNT] = {
#define X(name, text, compact, form) [XF_SIP_H_##name] = form,
        XF_SIP_HEADER_MAP(X)
#undef X
    };

    return forms[id] == LIST;
}

static void check_headers(const struct xf_sip_message *m)
{
    unsigned lines = 0;

    xf_require(m->header_count <= limits.headers);
    for (unsigned i = 0; i < m->header_count; i++) {
        const struct xf_sip_header *header = &m->headers[i];

        within(m, header->name);
        within(m, header->value);
        xf_require(xf_sip_header_of(header->name) == header->id && header->name.len > 0);
        xf_require(!memchr(header->value.ptr, '\r', header->value.len));
        xf_require(!memchr(header->value.ptr, '\n', header->value.len));
    }
    for (int id = 0; id < XF_SIP_H_COUNT; id++) {
        struct xf_sip_values values = xf_sip_values_begin(m, (enum xf_sip_header_id)id);
        struct xf_span value;
        unsigned count = 0;

        for (uint16_t at = m->first_lines[id]; at != XF_SIP_NO_LINE; at = m->headers[at].next) {
            xf_require(m->headers[at].id == (enum xf_sip_header_id)id);
            lines++;
        }
        while (is_list((enum xf_sip_header_id)id) && xf_sip_values_next(&values, &value)) {
            check_value(m, (enum xf_sip_header_id)id, value);
            count++;
        }
        if (is_list((enum xf_sip_header_id)id) && !may_be_malformed((enum xf_sip_header_id)id))
            xf_require(count == m->value_counts[id]);
    }
    xf_require(lines == m->header_count);
}

static void check_message(const struct xf_sip_message *m)
{
    within(m, m->method_name);
    within(m, m->request_uri);
    within(m, m->reason);
    within(m, m->call_id);
    within(m, m->via.branch);
    within(m, m->via.host);
    within(m, m->via.params);
    within(m, m->event.id);
    within(m, m->subscription_state.reason);
    within(m, m->content_type.charset);
    check_address(m, &m->from);
    check_address(m, &m->to);
    check_address(m, &m->contact);
    check_uri(m, m->request_uri);
    check_headers(m);
    xf_require(m->is_request ? m->status == 0 && m->request_uri.ptr
                             : m->status >= 100 && m->status <= 699 && !m->request_uri.ptr);
    xf_require(m->method_name.len > 0 && m->call_id.len > 0 && m->cseq.number <= XF_SIP_CSEQ_MAX);
    xf_require(m->max_forwards <= UINT8_MAX && m->expires_s <= (int64_t)XF_SIP_DELTA_MAX);
    xf_require(m->content_length == XF_SIP_ABSENT || (size_t)m->content_length == m->body.len);
}

/* Do both say the same? */
static void check_same(const struct xf_sip_message *a, const struct xf_sip_message *b)
{
    xf_require(a->is_request == b->is_request && a->method == b->method && a->status == b->status);
    xf_require(xf_span_eq(a->method_name, b->method_name));
    xf_require(xf_span_eq(a->request_uri, b->request_uri) && xf_span_eq(a->reason, b->reason));
    xf_require(xf_span_eq(a->from.uri, b->from.uri) && xf_span_eq(a->from.tag, b->from.tag));
    xf_require(xf_span_eq(a->from.display, b->from.display));
    xf_require(xf_span_eq(a->to.uri, b->to.uri) && xf_span_eq(a->to.tag, b->to.tag));
    xf_require(xf_span_eq(a->contact.uri, b->contact.uri));
    xf_require(xf_span_eq(a->call_id, b->call_id) && a->cseq.number == b->cseq.number);
    xf_require(xf_span_eq(a->via.branch, b->via.branch) && xf_span_eq(a->via.host, b->via.host));
    xf_require(a->via.port == b->via.port && a->via.has_rport == b->via.has_rport);
    xf_require(xf_span_eq(a->event.package, b->event.package));
    xf_require(a->subscription_state.state == b->subscription_state.state);
    xf_require(a->expires_s == b->expires_s && a->retry_after_s == b->retry_after_s);
    xf_require(xf_span_eq(a->body, b->body));
    xf_require(a->value_counts[XF_SIP_H_VIA] == b->value_counts[XF_SIP_H_VIA]);
    xf_require(a->value_counts[XF_SIP_H_ROUTE] == b->value_counts[XF_SIP_H_ROUTE]);
}

/* Parse what is in `text`, in memory of exactly its size; the caller frees it. */
static char *parse_copy(struct xf_span text, struct xf_sip_message *message)
{
    struct xf_sip_limits wide = XF_SIP_LIMITS_DEFAULT;
    struct xf_sip_error error;
    char *copy = xf_alloc(text.len);

    memcpy(copy, text.ptr, text.len);
    wide.headers = XF_SIP_HEADERS_MAX;
    xf_require(xf_sip_parse(copy, text.len, &wide, message, &error) == XF_ERR_OK);
    return copy;
}

static void write_anew(struct xf_sip_writer *writer, struct xf_buf *out,
                       const struct xf_sip_message *m)
{
    if (m->is_request)
        xf_sip_write_request(writer, out, m->method_name, m->request_uri);
    else
        xf_sip_write_answer_as(writer, out, m, m->status, m->reason, XF_SPAN_NONE, NULL);
    for (int id = 0; id < XF_SIP_H_COUNT; id++) {
        bool is_repeated = id == XF_SIP_H_VIA || id == XF_SIP_H_FROM || id == XF_SIP_H_TO ||
                           id == XF_SIP_H_CALL_ID || id == XF_SIP_H_CSEQ;

        if (id != XF_SIP_H_CONTENT_LENGTH && (m->is_request || !is_repeated))
            xf_sip_write_copy(writer, m, (enum xf_sip_header_id)id);
    }
}

static void check_round_trip(const struct xf_sip_message *m)
{
    static struct xf_sip_message again;
    struct xf_sip_writer writer;
    struct xf_sip_frame frame;
    struct xf_sip_framer framer = {0};
    struct xf_sip_limits wide = XF_SIP_LIMITS_DEFAULT;
    struct xf_buf out;

    xf_buf_init(&out, OUTPUT_MAX);
    write_anew(&writer, &out, m);
    xf_require(xf_sip_write_end(&writer, m->body) == XF_ERR_OK);
    xf_sip_frame(&framer, xf_buf_ptr(&out), out.len, &wide, &frame);
    xf_require(frame.kind == XF_SIP_FRAME_MESSAGE && frame.len == out.len);
    char *copy = parse_copy(xf_buf_span(&out), &again);
    check_same(m, &again);
    xf_free(copy);
    xf_buf_release(&out);
}

/* Whatever was wrong with the request, the answer is one message. */
static void check_refusal(const struct xf_sip_message *m)
{
    const struct xf_sip_limits wide = XF_SIP_LIMITS_DEFAULT;
    struct xf_sip_framer framer = {0};
    struct xf_sip_frame frame;
    struct xf_sip_writer writer;
    struct xf_buf out;

    xf_buf_init(&out, OUTPUT_MAX);
    xf_sip_write_answer(&writer, &out, m, 400, XF_SPAN("t"), NULL);
    xf_require(xf_sip_write_end(&writer, XF_SPAN_NONE) == XF_ERR_OK);
    xf_sip_frame(&framer, xf_buf_ptr(&out), out.len, &wide, &frame);
    xf_require(frame.kind == XF_SIP_FRAME_MESSAGE && frame.len == out.len);
    xf_buf_release(&out);
}

static void check_answer(const struct xf_sip_message *m)
{
    static const struct xf_sip_source sources[] = {{XF_SPAN_INIT("192.0.2.1"), 4711},
                                                   {XF_SPAN_INIT("2001:db8::1"), 4711}};
    static struct xf_sip_message answer;

    for (size_t i = 0; i <= XF_ARRAY_LEN(sources); i++) {
        struct xf_sip_writer writer;
        struct xf_buf out;

        xf_buf_init(&out, OUTPUT_MAX);
        xf_sip_write_answer(&writer, &out, m, 400, XF_SPAN("t"),
                            i < XF_ARRAY_LEN(sources) ? &sources[i] : NULL);
        xf_require(xf_sip_write_end(&writer, XF_SPAN_NONE) == XF_ERR_OK);
        char *copy = parse_copy(xf_buf_span(&out), &answer);
        xf_require(xf_span_eq(answer.from.tag, m->from.tag) &&
                   xf_span_eq(answer.call_id, m->call_id) && answer.to.tag.len > 0);
        xf_require(answer.cseq.number == m->cseq.number &&
                   xf_span_eq(answer.via.branch, m->via.branch) &&
                   xf_span_eq(answer.via.host, m->via.host) && answer.via.port == m->via.port);
        xf_free(copy);
        xf_buf_release(&out);
    }
}

static void check_error(const struct xf_sip_error *error)
{
    static const unsigned statuses[] = {400, 414, 416, 505};
    bool is_known = false;

    for (size_t i = 0; i < XF_ARRAY_LEN(statuses); i++)
        is_known = is_known || error->status == statuses[i];
    xf_require(is_known && *error->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct xf_sip_message message, again;
    struct xf_sip_error error, second;

    if (len == 0 || len > INPUT_MAX)
        return 0;
    check_frames(bytes, len);

    char *copy = xf_alloc(len);
    memcpy(copy, bytes, len);
    enum xf_err code = xf_sip_parse(copy, len, &limits, &message, &error);
    if (error.can_answer && code == XF_ERR_OK)
        check_answer(&message);
    else if (error.can_answer)
        check_refusal(&message);
    if (code == XF_ERR_OK) {
        check_message(&message);
        check_round_trip(&message);
    } else {
        check_error(&error);
    }
    /* Folds are spaces now; nothing else may have changed. */
    xf_require(xf_sip_parse(copy, len, &limits, &again, &second) == code);
    xf_require(error.status == second.status && error.can_answer == second.can_answer);
    if (code == XF_ERR_OK)
        check_same(&message, &again);
    xf_free(copy);
    return 0;
}
