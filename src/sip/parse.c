/* SPDX-License-Identifier: MIT */
/*
 * parse.c — one whole message into struct xf_sip_message.
 *
 * Start line, then each header in turn: name, value, and for those of XF_SIP_HEADER_MAP the reader
 * of its values (rules). Then what only the whole can show: which headers are missing, CSeq and
 * Content-Length. Only the first mistake is kept; reading goes on behind it as far as there are
 * lines, since the answer to a request repeats five headers, wherever they are.
 */
#include <xfed/sip/message.h>

#include <stddef.h>

#include <xfed/sip/uri.h>

#include "line_priv.h"
#include "value_priv.h"

struct parse {
    struct xf_sip_message *message;
    const struct xf_sip_limits *limits;
    struct xf_sip_error *error;
    enum xf_err code; /* XF_ERR_OK until the first mistake */
    enum xf_sip_header_id header;
    bool is_good[XF_SIP_H_COUNT]; /* the first line with it was */
};

static void fail(struct parse *parse, enum xf_err code, unsigned status, const char *text)
{
    if (parse->code != XF_ERR_OK)
        return;
    parse->code = code;
    parse->error->status = status;
    parse->error->header = parse->header;
    parse->error->text = text;
}

static void fail_value(struct parse *parse, const char *text)
{
    fail(parse, XF_ERR_BAD_VALUE, 400, text);
}

/* ---- The start line ---- */

static const struct xf_span SIP_VERSION = XF_SPAN_INIT("sip/2.0");

static bool is_our_version(struct xf_span text)
{
    return xf_sip_same(text, SIP_VERSION.ptr, SIP_VERSION.len);
}

/* "SIP/7.0" */
static bool is_version(struct xf_span text)
{
    struct xf_sip_cursor c = xf_sip_cursor(text);

    if (text.len < 4 || !xf_sip_same((struct xf_span){text.ptr, 4}, "sip/", 4))
        return false;
    c.p += 4;
    if (xf_sip_take(&c, XF_SIP_C_DIGIT).len == 0 || !xf_sip_at(&c, '.'))
        return false;
    c.p++;
    return xf_sip_take(&c, XF_SIP_C_DIGIT).len > 0 && xf_sip_at_end(&c);
}

static void read_request_uri(struct parse *parse, struct xf_span text)
{
    struct xf_sip_uri uri;

    if (text.len > parse->limits->uri_bytes)
        fail(parse, XF_ERR_LIMIT, 414, "the Request-URI is longer than the limit");
    else if (xf_sip_uri_parse(text, &uri) != XF_ERR_OK)
        fail_value(parse, "the Request-URI is not well formed");
    else if (!xf_sip_uri_is_sip(&uri))
        fail(parse, XF_ERR_BAD_VALUE, 416, "the scheme of the Request-URI is neither sip nor sips");
    else if (uri.headers.ptr)
        fail_value(parse, "the Request-URI has headers");
    parse->message->request_uri = text;
}

/* Up to the next space, and over it; all of the rest without one. */
static struct xf_span take_word(struct xf_sip_cursor *c)
{
    const char *space = memchr(c->p, ' ', (size_t)(c->end - c->p));
    struct xf_span word = {c->p, (size_t)((space ? space : c->end) - c->p)};

    c->p = space ? space + 1 : c->end;
    return word;
}

static void read_request_line(struct parse *parse, struct xf_span line)
{
    struct xf_sip_message *message = parse->message;
    struct xf_sip_cursor c = xf_sip_cursor(line);

    message->method_name = xf_sip_take(&c, XF_SIP_C_TOKEN);
    message->method = xf_sip_method_of(message->method_name);
    message->is_request = message->method_name.len > 0 && xf_sip_at(&c, ' ');
    if (!message->is_request) {
        fail_value(parse, "the first line is neither of a request nor of a response");
        return;
    }
    c.p++;

    struct xf_span uri = take_word(&c), version = {c.p, (size_t)(c.end - c.p)};
    if (!is_version(version))
        fail_value(parse, "the first line does not end with a version of SIP");
    else if (!is_our_version(version))
        fail(parse, XF_ERR_BAD_VALUE, 505, "the version is not SIP/2.0");
    else
        read_request_uri(parse, uri);
}

static void read_status_line(struct parse *parse, struct xf_span line)
{
    struct xf_sip_cursor c = xf_sip_cursor(line);
    struct xf_span version = take_word(&c), digits = xf_sip_take(&c, XF_SIP_C_DIGIT);
    uint64_t status = 0;

    if (!is_our_version(version)) {
        fail(parse, XF_ERR_BAD_VALUE, 505, "the version is not SIP/2.0");
    } else if (digits.len != 3 || !xf_span_number(digits, 699, &status) || status < 100 ||
               !xf_sip_at(&c, ' ')) {
        fail_value(parse, "the status is not a number from 100 to 699");
    } else {
        parse->message->status = (unsigned)status;
        parse->message->reason = (struct xf_span){c.p + 1, (size_t)(c.end - c.p) - 1};
    }
}

static void read_start_line(struct parse *parse, struct xf_span line)
{
    const char *wrong = xf_sip_check_line(line, false);

    if (wrong)
        fail_value(parse, wrong);
    if (line.len >= 4 && xf_sip_same((struct xf_span){line.ptr, 4}, "sip/", 4))
        read_status_line(parse, line);
    else
        read_request_line(parse, line);
}

/* ---- Headers ---- */

/* A limit was reached: for the caller to return. */
static const char *beyond(struct parse *parse, const char *text)
{
    fail(parse, XF_ERR_LIMIT, 400, text);
    return text;
}

static const char *take_address(struct parse *parse, struct xf_sip_cursor *c,
                                struct xf_sip_address *out)
{
    const char *wrong = xf_sip_take_address(c, out);

    if (!wrong && out->uri.len > parse->limits->uri_bytes)
        return beyond(parse, "a URI is longer than the limit");
    return wrong;
}

static const char *read_via(struct parse *parse, struct xf_sip_cursor *c)
{
    struct xf_sip_via lower;
    bool is_top = parse->message->value_counts[XF_SIP_H_VIA] == 0 &&
                  parse->message->first_lines[XF_SIP_H_VIA] + 1u == parse->message->header_count;

    return xf_sip_take_via(c, is_top ? &parse->message->via : &lower);
}

static const char *read_from(struct parse *parse, struct xf_sip_cursor *c)
{
    return take_address(parse, c, &parse->message->from);
}

static const char *read_to(struct parse *parse, struct xf_sip_cursor *c)
{
    return take_address(parse, c, &parse->message->to);
}

/* Of a header whose addresses are read one by one by whoever needs them. */
static const char *read_address(struct parse *parse, struct xf_sip_cursor *c)
{
    struct xf_sip_address address;

    return take_address(parse, c, &address);
}

static const char *read_contact(struct parse *parse, struct xf_sip_cursor *c)
{
    unsigned count = parse->message->value_counts[XF_SIP_H_CONTACT];

    if (parse->message->contact_is_star)
        return "\"*\" is not the only contact";
    if (count > 0)
        return read_address(parse, c);
    if (xf_sip_at(c, '*') && c->end - c->p == 1) {
        c->p++;
        parse->message->contact_is_star = true;
        return NULL;
    }
    return take_address(parse, c, &parse->message->contact);
}

static const char *read_call_id(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_call_id(c, &parse->message->call_id);
}

static const char *read_cseq(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_cseq(c, &parse->message->cseq);
}

static const char *read_max_forwards(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_delta(c, UINT8_MAX, &parse->message->max_forwards);
}

static const char *read_expires(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_delta(c, XF_SIP_DELTA_MAX, &parse->message->expires_s);
}

static const char *read_min_expires(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_delta(c, XF_SIP_DELTA_MAX, &parse->message->min_expires_s);
}

static const char *read_retry_after(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_retry_after(c, &parse->message->retry_after_s);
}

static const char *read_content_length(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_delta(c, INT64_MAX, &parse->message->content_length);
}

static const char *read_content_type(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_media(c, &parse->message->content_type);
}

static const char *read_disposition(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_disposition(c, &parse->message->disposition);
}

static const char *read_event(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_event(c, &parse->message->event);
}

static const char *read_state(struct parse *parse, struct xf_sip_cursor *c)
{
    return xf_sip_take_state(c, &parse->message->subscription_state);
}

static const char *read_media(struct parse *parse, struct xf_sip_cursor *c)
{
    struct xf_sip_media media;

    (void)parse;
    return xf_sip_take_media(c, &media);
}

static const char *read_warning(struct parse *parse, struct xf_sip_cursor *c)
{
    struct xf_sip_warning warning;

    (void)parse;
    return xf_sip_take_warning(c, &warning);
}

static const char *read_token(struct parse *parse, struct xf_sip_cursor *c)
{
    struct xf_span token;

    (void)parse;
    return xf_sip_take_token(c, &token);
}

enum form { LINES, ONCE, LIST };

/* clang-format off */
static const enum form forms[XF_SIP_H_COUNT] = {
    [XF_SIP_H_OTHER] = LINES,
#define X(name, text, compact, form) [XF_SIP_H_##name] = form,
    XF_SIP_HEADER_MAP(X)
#undef X
};

static const struct {
    const char *(*read)(struct parse *parse, struct xf_sip_cursor *c); /* NULL: any text */
    bool may_be_empty;
    bool may_be_wrong; /* nothing is decided by it (RFC 3261 section 8.2.2) */
} rules[XF_SIP_H_COUNT] = {
    [XF_SIP_H_VIA]                 = {read_via, false, false},
    [XF_SIP_H_FROM]                = {read_from, false, false},
    [XF_SIP_H_TO]                  = {read_to, false, false},
    [XF_SIP_H_CALL_ID]             = {read_call_id, false, false},
    [XF_SIP_H_CSEQ]                = {read_cseq, false, false},
    [XF_SIP_H_MAX_FORWARDS]        = {read_max_forwards, false, false},
    [XF_SIP_H_CONTACT]             = {read_contact, false, false},
    [XF_SIP_H_RECORD_ROUTE]        = {read_address, false, false},
    [XF_SIP_H_ROUTE]               = {read_address, false, true},
    [XF_SIP_H_EVENT]               = {read_event, false, false},
    [XF_SIP_H_SUBSCRIPTION_STATE]  = {read_state, false, false},
    [XF_SIP_H_EXPIRES]             = {read_expires, false, false},
    [XF_SIP_H_MIN_EXPIRES]         = {read_min_expires, false, false},
    [XF_SIP_H_CONTENT_TYPE]        = {read_content_type, false, false},
    [XF_SIP_H_CONTENT_LENGTH]      = {read_content_length, false, false},
    [XF_SIP_H_CONTENT_LANGUAGE]    = {read_token, false, false},
    [XF_SIP_H_CONTENT_DISPOSITION] = {read_disposition, false, true},
    [XF_SIP_H_CONTENT_ENCODING]    = {read_token, false, false},
    [XF_SIP_H_ACCEPT]              = {read_media, true, false},
    [XF_SIP_H_REQUIRE]             = {read_token, false, false},
    [XF_SIP_H_PROXY_REQUIRE]       = {read_token, false, true},
    [XF_SIP_H_SUPPORTED]           = {read_token, true, true},
    [XF_SIP_H_UNSUPPORTED]         = {read_token, false, true},
    [XF_SIP_H_ALLOW]               = {read_token, true, true},
    [XF_SIP_H_RETRY_AFTER]         = {read_retry_after, false, false},
    [XF_SIP_H_WARNING]             = {read_warning, false, true},
    [XF_SIP_H_P_ASSERTED_IDENTITY] = {read_address, false, false},
};
/* clang-format on */

static unsigned most_values(const struct xf_sip_limits *limits, enum xf_sip_header_id id)
{
    if (id == XF_SIP_H_VIA)
        return limits->vias;
    return id == XF_SIP_H_ROUTE || id == XF_SIP_H_RECORD_ROUTE ? limits->routes : limits->contacts;
}

/* Values between commas. */
static const char *read_list(struct parse *parse, enum xf_sip_header_id id, struct xf_sip_cursor *c)
{
    unsigned *count = &parse->message->value_counts[id];
    const char *wrong;

    do {
        if (*count == most_values(parse->limits, id))
            return beyond(parse, "more values than the limit");
        if ((wrong = rules[id].read(parse, c)))
            return wrong;
        (*count)++;
    } while (xf_sip_skip_mark(c, ','));
    return NULL;
}

static const char *read_value(struct parse *parse, enum xf_sip_header_id id, struct xf_span value)
{
    struct xf_sip_cursor c = xf_sip_cursor(value);
    const char *wrong;

    if (forms[id] != LIST && parse->message->value_counts[id]++ > 0 && forms[id] == ONCE)
        return "the header comes twice";
    if (!rules[id].read || (value.len == 0 && rules[id].may_be_empty))
        return NULL;
    wrong = forms[id] == LIST ? read_list(parse, id, &c) : rules[id].read(parse, &c);
    if (wrong)
        return wrong;
    return xf_sip_at_end(&c) ? NULL : "something follows the value";
}

/* As read_value, but nothing is wrong with it. Beyond a limit the message has failed already. */
static const char *pass_value(struct parse *parse, enum xf_sip_header_id id, struct xf_span value)
{
    (void)read_value(parse, id, value);
    return NULL;
}

static void add_header(struct parse *parse, enum xf_sip_header_id id, struct xf_span name,
                       struct xf_span value)
{
    struct xf_sip_message *message = parse->message;
    uint16_t line = (uint16_t)message->header_count++;

    message->headers[line] = (struct xf_sip_header){id, XF_SIP_NO_LINE, name, value};
    if (message->first_lines[id] == XF_SIP_NO_LINE)
        message->first_lines[id] = line;
    else
        message->headers[message->last_lines[id]].next = line;
    message->last_lines[id] = line;
}

/* Without white space on both ends. */
static struct xf_span trimmed(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct xf_span){start, (size_t)(end - start)};
}

static void read_header(struct parse *parse, struct xf_span line)
{
    struct xf_sip_cursor c = xf_sip_cursor(line);
    struct xf_span name = xf_sip_take(&c, XF_SIP_C_TOKEN);

    parse->header = XF_SIP_H_OTHER;
    xf_sip_skip_lws(&c);
    if (name.len == 0 || !xf_sip_at(&c, ':')) {
        fail_value(parse, "a line is not a header");
        return;
    }

    enum xf_sip_header_id id = parse->header = xf_sip_header_of(name);
    struct xf_span value = trimmed(c.p + 1, line.ptr + line.len);
    bool is_first = parse->message->first_lines[id] == XF_SIP_NO_LINE;
    const char *wrong = xf_sip_check_line(line, true);

    add_header(parse, id, name, value);
    if (!wrong)
        wrong =
            rules[id].may_be_wrong ? pass_value(parse, id, value) : read_value(parse, id, value);
    if (wrong)
        fail_value(parse, wrong);
    if (is_first || forms[id] == LIST)
        parse->is_good[id] = !wrong && (is_first || parse->is_good[id]);
}

/* Lines up to the empty one. The body is behind them. */
static void read_lines(struct parse *parse, char *p, const char *end)
{
    struct xf_sip_message *message = parse->message;
    const char *start = p;
    struct xf_span line;
    bool is_start = true;

    while (xf_sip_next_line(&p, end, &line)) {
        if (line.len == 0 && !is_start) {
            message->head = (struct xf_span){start, (size_t)(p - start)};
            message->body = (struct xf_span){p, (size_t)(end - p)};
            return;
        }
        if (is_start) {
            read_start_line(parse, line);
            is_start = false;
        } else if (message->header_count == parse->limits->headers ||
                   message->header_count == XF_SIP_HEADERS_MAX) {
            parse->header = XF_SIP_H_OTHER;
            fail(parse, XF_ERR_LIMIT, 400, "more headers than the limit");
            return;
        } else {
            read_header(parse, line);
        }
    }
    parse->header = XF_SIP_H_OTHER;
    fail_value(parse, "the headers do not end with an empty line, or one of them not with CRLF");
}

/* ---- The whole ---- */

static const enum xf_sip_header_id needed[] = {XF_SIP_H_VIA, XF_SIP_H_FROM, XF_SIP_H_TO,
                                               XF_SIP_H_CALL_ID, XF_SIP_H_CSEQ};

static void check_whole(struct parse *parse)
{
    struct xf_sip_message *message = parse->message;

    for (size_t i = 0; i < XF_ARRAY_LEN(needed); i++) {
        parse->header = needed[i];
        if (message->first_lines[needed[i]] == XF_SIP_NO_LINE)
            fail_value(parse, "the header is missing");
    }
    parse->header = XF_SIP_H_CSEQ;
    if (message->is_request && !xf_span_eq(message->method_name, message->cseq.method_name))
        fail_value(parse, "the method is not that of the first line");
    parse->header = XF_SIP_H_CONTENT_LENGTH;
    if (message->content_length != XF_SIP_ABSENT &&
        (uint64_t)message->content_length != message->body.len)
        fail_value(parse, "the body has another length");
}

/* Nobody waits for an answer to ACK, nor to BENOTIFY (MS-SIP section 3.5.5.3). */
static bool is_answered(const struct xf_sip_message *message)
{
    return message->is_request && message->method != XF_SIP_ACK &&
           message->method != XF_SIP_BENOTIFY;
}

/* The topmost Via at least as far as its parameters; of lower ones no more than the limit. */
static bool knows_way_back(const struct parse *parse)
{
    return parse->is_good[XF_SIP_H_VIA] ||
           (parse->code == XF_ERR_BAD_VALUE && parse->message->via.params.ptr);
}

/* All but the headers, of which only those below header_count are ever read. */
static void clear(struct xf_sip_message *message)
{
    memset(message, 0, offsetof(struct xf_sip_message, first_lines));
    memset(message->first_lines, 0xff, sizeof(message->first_lines));
    message->header_count = 0;
    message->max_forwards = message->expires_s = message->min_expires_s = XF_SIP_ABSENT;
    message->retry_after_s = message->content_length = XF_SIP_ABSENT;
    message->subscription_state.expires_s = message->subscription_state.retry_after_s =
        XF_SIP_ABSENT;
}

enum xf_err xf_sip_parse(char *bytes, size_t len, const struct xf_sip_limits *limits,
                         struct xf_sip_message *out_message, struct xf_sip_error *out_error)
{
    struct parse parse = {.message = out_message, .limits = limits, .error = out_error};

    *out_error = (struct xf_sip_error){.text = ""};
    clear(out_message);
    read_lines(&parse, bytes, bytes + len);
    check_whole(&parse);
    if (parse.code == XF_ERR_OK && !out_message->is_request) {
        out_message->method = out_message->cseq.method;
        out_message->method_name = out_message->cseq.method_name;
    }
    out_error->can_answer = is_answered(out_message) && knows_way_back(&parse);
    return parse.code;
}
