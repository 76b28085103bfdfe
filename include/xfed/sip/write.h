/* SPDX-License-Identifier: MIT */
/*
 * write.h — SIP messages as they are sent: written to the end of a buffer, whole or not at all.
 *
 *     xf_sip_write_request, xf_sip_write_answer   start line; of answers, what they repeat
 *     xf_sip_write_header ...                     further headers
 *     xf_sip_write_end                            Content-Length, the empty line, the body
 *
 * Nothing fails before xf_sip_write_end: a value that does not belong into a header (CR, LF, other
 * control bytes but HT) or has no room spoils the message, and the end of it removes it from the
 * buffer. So a value of an outsider cannot become a header or a message. Nothing else may change
 * the buffer in between.
 */
#pragma once

#include <xfed/base/draft.h>
#include <xfed/sip/message.h>

struct xf_sip_writer {
    struct xf_draft draft;
    bool is_bad; /* a value was refused */
};

/* Where a request came from, for Via (RFC 3261 section 18.2.1, RFC 3581 section 4). */
struct xf_sip_source {
    struct xf_span address; /* as text, an IPv6 address without brackets */
    uint16_t port;
};

/* clang-format off */
#define XF_SIP_STATUS_MAP(X)                                    \
    X(100, "Trying")                                            \
    X(180, "Ringing")                                           \
    X(200, "OK")                                                \
    X(202, "Accepted")                                          \
    X(400, "Bad Request")                                       \
    X(403, "Forbidden")                                         \
    X(404, "Not Found")                                         \
    X(405, "Method Not Allowed")                                \
    X(406, "Not Acceptable")                                    \
    X(408, "Request Timeout")                                   \
    X(410, "Gone")                                              \
    X(413, "Request Entity Too Large")                          \
    X(414, "Request-URI Too Long")                              \
    X(415, "Unsupported Media Type")                            \
    X(416, "Unsupported URI Scheme")                            \
    X(420, "Bad Extension")                                     \
    X(421, "Extension Required")                                \
    X(423, "Interval Too Brief")                                \
    X(480, "Temporarily Unavailable")                           \
    X(481, "Call/Transaction Does Not Exist")                   \
    X(482, "Loop Detected")                                     \
    X(483, "Too Many Hops")                                     \
    X(484, "Address Incomplete")                                \
    X(486, "Busy Here")                                         \
    X(487, "Request Terminated")                                \
    X(488, "Not Acceptable Here")                               \
    X(489, "Bad Event")                                         \
    X(491, "Request Pending")                                   \
    X(500, "Server Internal Error")                             \
    X(501, "Not Implemented")                                   \
    X(503, "Service Unavailable")                               \
    X(504, "Server Time-out")                                   \
    X(505, "Version Not Supported")                             \
    X(513, "Message Too Large")
/* clang-format on */

/* The reason phrase of a status, "Unknown" for one that is not in the map. */
const char *xf_sip_status_text(unsigned status);

/* Begin a request. `method` must be a token, `uri` must parse (uri.h). */
void xf_sip_write_request(struct xf_sip_writer *writer, struct xf_buf *out, struct xf_span method,
                          struct xf_span uri);

/*
 * Begin the answer to `request`, parsed or one that can be answered: the start line, then Via (all,
 * with `source` in the topmost: received if sent-by is another, or rport asks for it; NULL: as it
 * came), From, To, Call-ID, CSeq (RFC 3261 section 8.2.6.2).
 *
 * status   100-699
 * to_tag   added to To unless it has a tag already; absent: none is added (100, CANCEL of a proxy)
 */
void xf_sip_write_answer(struct xf_sip_writer *writer, struct xf_buf *out,
                         const struct xf_sip_message *request, unsigned status,
                         struct xf_span to_tag, const struct xf_sip_source *source);

/* As above, with this reason phrase; empty is allowed. */
void xf_sip_write_answer_as(struct xf_sip_writer *writer, struct xf_buf *out,
                            const struct xf_sip_message *request, unsigned status,
                            struct xf_span reason, struct xf_span to_tag,
                            const struct xf_sip_source *source);

/* "Name: value". An absent value writes nothing. */
void xf_sip_write_header(struct xf_sip_writer *writer, enum xf_sip_header_id id,
                         struct xf_span value);
void xf_sip_write_headerf(struct xf_sip_writer *writer, enum xf_sip_header_id id, const char *fmt,
                          ...) XF_PRINTF(3, 4);
/* A header that is not in XF_SIP_HEADER_MAP; `name` must be a token. */
void xf_sip_write_other(struct xf_sip_writer *writer, const char *name, struct xf_span value);

/* All lines with this id, as they came: Record-Route of an answer that makes a dialog. */
void xf_sip_write_copy(struct xf_sip_writer *writer, const struct xf_sip_message *message,
                       enum xf_sip_header_id id);

/*
 * Write Content-Length, the empty line and the body (absent: none). XF_ERR_LIMIT: no room.
 * XF_ERR_BAD_VALUE: a value was refused. Either way `out` is as it was before the message was
 * begun.
 */
XF_MUST_USE enum xf_err xf_sip_write_end(struct xf_sip_writer *writer, struct xf_span body);
