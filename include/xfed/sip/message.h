/* SPDX-License-Identifier: MIT */
/*
 * message.h — SIP messages as they are received (RFC 3261): where one ends, and what it says.
 *
 *     xf_sip_frame   bytes of a conn -> a whole message, keep-alive bytes, more needed, or an error
 *     xf_sip_parse   one whole message -> struct xf_sip_message, in one pass, without allocating
 *
 * All text of a message is borrowed from its bytes: spans as they were sent, nothing decoded, so
 * that what another server signed can be given back byte for byte (Record-Route). Two things differ
 * from the wire: a folded line is one line (xf_sip_parse overwrites the CRLF of a fold with two
 * spaces), and white space around a value is not part of it. So no span of a header holds CR or LF.
 * Control bytes are refused but for HT, and those that a quoted string of a header escapes with a
 * backslash; bytes beyond ASCII are valid UTF-8.
 *
 * The parser is strict: what it accepts may be believed to have the form that is said here, also
 * in headers that nobody reads later, as far as XF_SIP_HEADER_MAP names them.
 */
#pragma once

#include <xfed/base/err.h>
#include <xfed/base/span.h>

/* ---- Limits ---- */

#define XF_SIP_HEADERS_MAX 256 /* ceiling of xf_sip_limits.headers: lines of one message */

struct xf_sip_limits {
    size_t message_bytes; /* head and body; above: 513 */
    size_t head_bytes;    /* start line, headers and the empty line; above: end of the conn */
    size_t body_bytes;    /* above: 413 */
    size_t uri_bytes;     /* of one URI; Request-URI above: 414, others: 400 */
    unsigned headers;     /* lines; above: 400, as for all that follow */
    unsigned vias;        /* values of Via, over all lines */
    unsigned routes;      /* values of Route, and values of Record-Route */
    unsigned contacts;    /* values of Contact, and of each other list */
};

/* clang-format off */
#define XF_SIP_LIMITS_DEFAULT                                                             \
    {.message_bytes = 65536, .head_bytes = 32768, .body_bytes = 49152, .uri_bytes = 4096, \
     .headers = 128, .vias = 70, .routes = 70, .contacts = 70}
/* clang-format on */

/* ---- Framing ---- */

enum xf_sip_frame_kind {
    XF_SIP_FRAME_MORE,    /* not whole yet: call again with these bytes and further ones */
    XF_SIP_FRAME_MESSAGE, /* len bytes are one message, head_len of them its head */
    XF_SIP_FRAME_CRLF, /* len bytes are crlf_count times CRLF: skip them (RFC 5626 section 3.5.1) */
    XF_SIP_FRAME_ERROR, /* nothing behind this can be understood: the conn must end */
};

struct xf_sip_frame {
    enum xf_sip_frame_kind kind;
    size_t len;
    size_t head_len; /* with the empty line; 0: the head is not whole */
    /*
     * A double CRLF is a ping, a single one a pong, and where one ends is not marked: whoever waits
     * for a pong takes the first of a run for it, and each pair of the rest is a ping, also when
     * the second CRLF of the pair comes in a later frame.
     */
    size_t crlf_count;
    /*
     * ERROR: the status to answer, where the head is whole (head_len bytes): parse the head alone,
     * and answer if it is a request and xf_sip_error.can_answer, or there is no error. 0: no answer
     * is possible. A response is never answered.
     */
    unsigned status;
    const char *text; /* ERROR: what is wrong, for people */
};

/* State between calls about one message; zeroed at first, and by each result but MORE. */
struct xf_sip_framer {
    size_t line_at, seen_bytes; /* where the last line of the head begins, and is read to */
    size_t head_len;            /* 0: not known yet */
    size_t body_len;
};

/*
 * What the `len` bytes at `bytes` begin with. `bytes` is the beginning of a message, or what lies
 * between two; the same bytes, and any number of further ones, at the next call after MORE. The
 * result does not depend on how the bytes were cut, except for the length of a run of CRLFs. A
 * message without Content-Length is an error on a conn (RFC 3261 section 18.3).
 */
void xf_sip_frame(struct xf_sip_framer *framer, const char *bytes, size_t len,
                  const struct xf_sip_limits *limits, struct xf_sip_frame *out_frame);

/* ---- Methods and headers ---- */

/* clang-format off */
#define XF_SIP_METHOD_MAP(X) /* compared with case (RFC 3261 section 7.1) */   \
    X(INVITE) X(ACK) X(BYE) X(CANCEL) X(OPTIONS) X(REGISTER) X(MESSAGE)        \
    X(SUBSCRIBE) X(NOTIFY) X(BENOTIFY) X(INFO) X(UPDATE) X(PRACK) X(PUBLISH)   \
    X(REFER) X(SERVICE)

/*
 * Name, text, compact form (0: none), form: ONCE, a second line is refused; LIST, values between
 * commas over any number of lines; LINES, any number of lines, each one value.
 */
#define XF_SIP_HEADER_MAP(X)                                          \
    X(VIA,                 "Via",                    'v', LIST)       \
    X(FROM,                "From",                   'f', ONCE)       \
    X(TO,                  "To",                     't', ONCE)       \
    X(CALL_ID,             "Call-ID",                'i', ONCE)       \
    X(CSEQ,                "CSeq",                   0,   ONCE)       \
    X(MAX_FORWARDS,        "Max-Forwards",           0,   ONCE)       \
    X(CONTACT,             "Contact",                'm', LIST)       \
    X(RECORD_ROUTE,        "Record-Route",           0,   LIST)       \
    X(ROUTE,               "Route",                  0,   LIST)       \
    X(EVENT,               "Event",                  'o', ONCE)       \
    X(SUBSCRIPTION_STATE,  "Subscription-State",     0,   ONCE)       \
    X(EXPIRES,             "Expires",                0,   ONCE)       \
    X(MIN_EXPIRES,         "Min-Expires",            0,   ONCE)       \
    X(CONTENT_TYPE,        "Content-Type",           'c', ONCE)       \
    X(CONTENT_LENGTH,      "Content-Length",         'l', ONCE)       \
    X(CONTENT_LANGUAGE,    "Content-Language",       0,   LIST)       \
    X(CONTENT_DISPOSITION, "Content-Disposition",    0,   ONCE)       \
    X(CONTENT_ENCODING,    "Content-Encoding",       'e', LIST)       \
    X(ACCEPT,              "Accept",                 0,   LIST)       \
    X(REQUIRE,             "Require",                0,   LIST)       \
    X(PROXY_REQUIRE,       "Proxy-Require",          0,   LIST)       \
    X(SUPPORTED,           "Supported",              'k', LIST)       \
    X(UNSUPPORTED,         "Unsupported",            0,   LIST)       \
    X(ALLOW,               "Allow",                  0,   LIST)       \
    X(RETRY_AFTER,         "Retry-After",            0,   ONCE)       \
    X(WARNING,             "Warning",                0,   LIST)       \
    X(SUBJECT,             "Subject",                's', ONCE)       \
    X(P_ASSERTED_IDENTITY, "P-Asserted-Identity",    0,   LIST)       \
    X(USER_AGENT,          "User-Agent",             0,   LINES)      \
    X(SERVER,              "Server",                 0,   LINES)      \
    X(MS_DIAGNOSTICS,      "ms-diagnostics",         0,   LINES)      \
    X(MS_DIAGNOSTICS_PUBLIC, "ms-diagnostics-public", 0,  LINES)
/* clang-format on */

enum xf_sip_method {
    XF_SIP_METHOD_OTHER, /* method_name has it */
#define X(name) XF_SIP_##name,
    XF_SIP_METHOD_MAP(X)
#undef X
        XF_SIP_METHOD_COUNT
};

enum xf_sip_header_id {
    XF_SIP_H_OTHER, /* one line, as LINES */
#define X(name, text, compact, form) XF_SIP_H_##name,
    XF_SIP_HEADER_MAP(X)
#undef X
        XF_SIP_H_COUNT
};

/* "" for XF_SIP_METHOD_OTHER. */
const char *xf_sip_method_text(enum xf_sip_method method);
enum xf_sip_method xf_sip_method_of(struct xf_span name);

/* The full form, "" for XF_SIP_H_OTHER. */
const char *xf_sip_header_text(enum xf_sip_header_id id);
/* Of the full or the compact form, in any case. */
enum xf_sip_header_id xf_sip_header_of(struct xf_span name);

/* ---- Values ---- */

#define XF_SIP_ABSENT    (-1)        /* of a number in an int64_t */
#define XF_SIP_DELTA_MAX 4294967295u /* seconds (RFC 3261 section 25.1); above: refused */
#define XF_SIP_CSEQ_MAX  2147483647u /* RFC 3261 section 8.1.1.5 */

/*
 * name-addr or addr-spec with header parameters: From, To, Contact, Route, Record-Route,
 * P-Asserted-Identity.
 */
struct xf_sip_address {
    struct xf_span display; /* absent without one; a quoted string with its quotes */
    struct xf_span uri;     /* raw, without <>; absent: no such header, or "*" of Contact */
    struct xf_span params;  /* raw, ";name=value;..." behind the URI; empty without any */
    struct xf_span tag;     /* of params; absent without one */
};

struct xf_sip_via {
    struct xf_span transport;               /* "TLS", in any case */
    struct xf_span host;                    /* of sent-by; an IPv6 address without brackets */
    uint16_t port;                          /* of sent-by; 0: none */
    bool has_rport, has_alias;              /* RFC 3581, RFC 5923 */
    uint16_t rport;                         /* 0: without a value */
    struct xf_span branch, received, maddr; /* absent without one */
    struct xf_span params;                  /* raw, as in struct xf_sip_address */
};

struct xf_sip_cseq {
    uint32_t number; /* at most XF_SIP_CSEQ_MAX */
    enum xf_sip_method method;
    struct xf_span method_name;
};

struct xf_sip_media { /* Content-Type, a value of Accept */
    struct xf_span type, subtype;
    struct xf_span params;
    struct xf_span charset; /* without quotes; absent without one */
};

struct xf_sip_event {
    struct xf_span package; /* "presence", with templates: "presence.winfo" */
    struct xf_span id;      /* absent without one */
    struct xf_span params;
};

enum xf_sip_substate {
    XF_SIP_SUB_OTHER,
    XF_SIP_SUB_PENDING,
    XF_SIP_SUB_ACTIVE,
    XF_SIP_SUB_TERMINATED
};

struct xf_sip_subscription_state {
    enum xf_sip_substate state;
    struct xf_span state_text;
    struct xf_span reason;            /* RFC 6665 section 4.1.3; absent without one */
    int64_t expires_s, retry_after_s; /* or XF_SIP_ABSENT */
    struct xf_span params;
};

struct xf_sip_disposition {
    struct xf_span type;
    bool is_optional; /* handling=optional */
    struct xf_span params;
};

struct xf_sip_warning {
    unsigned code; /* 100-999 */
    struct xf_span agent;
    struct xf_span text; /* without quotes, not unescaped */
};

/* ---- A message ---- */

struct xf_sip_header {
    enum xf_sip_header_id id;
    uint16_t
        next; /* index of the next line with this id; of OTHER, of any OTHER; or XF_SIP_NO_LINE */
    struct xf_span name; /* as written: full or compact */
    struct xf_span value;
};

#define XF_SIP_NO_LINE UINT16_MAX

struct xf_sip_message {
    struct xf_span head, body; /* as received; head ends with the empty line */

    bool is_request;
    enum xf_sip_method method; /* request; of a response that of CSeq */
    struct xf_span method_name;
    struct xf_span request_uri; /* sip: or sips:, without headers; absent in a response */
    unsigned status;            /* response: 100-699; 0 in a request */
    struct xf_span reason;      /* response; may be empty */

    /* These five are in every message. */
    struct xf_sip_via via; /* the topmost */
    struct xf_sip_address from, to;
    struct xf_span call_id;
    struct xf_sip_cseq cseq;

    /* Absent: its first span is absent, or the number is XF_SIP_ABSENT. */
    struct xf_sip_address contact; /* the first */
    bool contact_is_star;
    struct xf_sip_media content_type;
    struct xf_sip_disposition disposition;
    struct xf_sip_event event;
    struct xf_sip_subscription_state subscription_state;
    int64_t max_forwards; /* 0-255 */
    int64_t expires_s, min_expires_s, retry_after_s;
    int64_t content_length; /* = body.len, if not absent */

    /* Values of a LIST, of a malformed one those in front of the mistake; lines of the others. */
    unsigned value_counts[XF_SIP_H_COUNT];
    uint16_t first_lines[XF_SIP_H_COUNT], last_lines[XF_SIP_H_COUNT]; /* or XF_SIP_NO_LINE */
    unsigned header_count;
    struct xf_sip_header headers[XF_SIP_HEADERS_MAX]; /* in the order of the wire */
};

struct xf_sip_error {
    /* What a request is answered with: 400, 414, 416, 505 (413 and 513 are the framer's). */
    unsigned status;
    /*
     * It is a request other than ACK and BENOTIFY, and via is good up to its parameters:
     * xf_sip_write_answer (write.h) can answer it, and repeats what there is of From, To, Call-ID
     * and CSeq.
     */
    bool can_answer;
    enum xf_sip_header_id header; /* which is wrong, or OTHER */
    const char *text;             /* what is wrong, for people: static, without text of the peer */
};

/*
 * Parse one whole message: `len` bytes, as XF_SIP_FRAME_MESSAGE gave them. XF_ERR_OK: the message
 * keeps all that is said here. XF_ERR_LIMIT or XF_ERR_BAD_VALUE: *out_error says what the first
 * mistake was, and of *out_message only what xf_sip_write_answer needs may be used, if can_answer,
 * and is_request, method and method_name. A response with an error is to be discarded (RFC 3261
 * section 18.1.2).
 *
 * bytes         kept, and not changed, as long as the message is used; folds are overwritten
 * out_message   large (12 KiB): reuse one. It is not zeroed; what lies behind header_count is junk.
 */
XF_MUST_USE enum xf_err xf_sip_parse(char *bytes, size_t len, const struct xf_sip_limits *limits,
                                     struct xf_sip_message *out_message,
                                     struct xf_sip_error *out_error);

/* ---- Reading on ---- */

/* The value of the first line with this id, or absent. */
static inline struct xf_span xf_sip_value(const struct xf_sip_message *message,
                                          enum xf_sip_header_id id)
{
    uint16_t line = message->first_lines[id];

    return line == XF_SIP_NO_LINE ? XF_SPAN_NONE : message->headers[line].value;
}

/* The value of the first line with this name that is not in XF_SIP_HEADER_MAP, or absent. */
struct xf_span xf_sip_other_value(const struct xf_sip_message *message, const char *name);

/* All values of a LIST, in the order of the wire, raw. Borrowed from the message. */
struct xf_sip_values {
    const struct xf_sip_message *message;
    uint16_t line; /* the next one */
    struct xf_span rest;
};
struct xf_sip_values xf_sip_values_begin(const struct xf_sip_message *message,
                                         enum xf_sip_header_id id);
/* False: there is no further one, and *out_value is absent. */
bool xf_sip_values_next(struct xf_sip_values *values, struct xf_span *out_value);

/* Is the body in another coding than that of its type, such as gzip? We read none. */
bool xf_sip_is_encoded(const struct xf_sip_message *message);

/* Is `token` one of the values, in any case? For Require, Supported, Allow and the like. */
bool xf_sip_has_value(const struct xf_sip_message *message, enum xf_sip_header_id id,
                      const char *token);

/*
 * One value of a list. XF_ERR_BAD_VALUE, and *out_... is unchanged: it is none, which cannot
 * happen for values of a parsed message, but of Warning and Route: what is malformed there, or in
 * Supported, Unsupported, Allow, Proxy-Require and Content-Disposition, is let pass, since nothing
 * is decided by it (RFC 3261 section 8.2.2).
 */
XF_MUST_USE enum xf_err xf_sip_address_read(struct xf_span value,
                                            struct xf_sip_address *out_address);
XF_MUST_USE enum xf_err xf_sip_via_read(struct xf_span value, struct xf_sip_via *out_via);
XF_MUST_USE enum xf_err xf_sip_media_read(struct xf_span value, struct xf_sip_media *out_media);
XF_MUST_USE enum xf_err xf_sip_warning_read(struct xf_span value,
                                            struct xf_sip_warning *out_warning);

/*
 * Find a parameter of a header by its name, in any case: `params` is ";name=value;...". False:
 * there is none. *out_value: absent for a parameter without a value; a quoted string comes without
 * its quotes, not unescaped.
 */
bool xf_sip_param(struct xf_span params, const char *name, struct xf_span *out_value);
