/* SPDX-License-Identifier: MIT */
/*
 * error.h — what a stanza error is as a SIP status, and a SIP status as a stanza error (RFC 7247
 * section 7).
 *
 * The RFC lets implementations differ. Where the tables do, one of these rules made them:
 * - no 6xx: it would end all branches of a forked request, and a server may not answer SUBSCRIBE
 *   with one ([MS-SIP] section 3.2);
 * - no 408, which is forbidden as an answer to anything but INVITE (RFC 4320 section 4.2), and no
 *   401 and 407, which need a challenge;
 * - 480 for service-unavailable, not the 403 of the RFC, which ends an authorisation for good when
 *   it answers SUBSCRIBE, and reads as a decision of the operator otherwise;
 * - 410 and 480 for gone and redirect, since this table knows no new address: with one they are 301
 *   and 302 (moved.h);
 * - remote-server-timeout for 503: the cluster tries another route for it, and it says that a hop
 *   is overloaded or cannot be reached.
 */
#pragma once

#include <xfed/sip/message.h>
#include <xfed/xmpp/stanza.h>

/* clang-format off */
/*
 * Columns: condition; the status when the stanza was sent to a bare JID; when to a full JID; does
 * it go away by itself, so that Retry-After belongs to it?
 */
#define XF_INTERWORK_STATUS_MAP(X)                      \
    X(BAD_REQUEST,             400, 400, false)         \
    X(CONFLICT,                400, 400, false)         \
    X(FEATURE_NOT_IMPLEMENTED, 501, 405, false)         \
    X(FORBIDDEN,               403, 403, false)         \
    X(GONE,                    410, 410, false)         \
    X(INTERNAL_SERVER_ERROR,   500, 500, false)         \
    X(ITEM_NOT_FOUND,          404, 404, false)         \
    X(JID_MALFORMED,           400, 400, false)         \
    X(NOT_ACCEPTABLE,          406, 406, false)         \
    X(NOT_ALLOWED,             403, 403, false)         \
    X(NOT_AUTHORIZED,          403, 403, false)         \
    X(POLICY_VIOLATION,        403, 403, false)         \
    X(RECIPIENT_UNAVAILABLE,   480, 480, false)         \
    X(REDIRECT,                480, 480, false)         \
    X(REGISTRATION_REQUIRED,   403, 403, false)         \
    X(REMOTE_SERVER_NOT_FOUND, 404, 404, false)         \
    X(REMOTE_SERVER_TIMEOUT,   504, 504, false)         \
    X(RESOURCE_CONSTRAINT,     500, 500, true)          \
    X(SERVICE_UNAVAILABLE,     480, 480, false)         \
    X(SUBSCRIPTION_REQUIRED,   400, 400, false)         \
    X(UNDEFINED_CONDITION,     400, 400, false)         \
    X(UNEXPECTED_REQUEST,      400, 400, false) /* 491 to INVITE */

/* Columns: first and last status, condition. The first row that holds a status counts. */
#define XF_INTERWORK_CONDITION_MAP(X)       \
    X(301, 301, GONE)                       \
    X(380, 380, NOT_ACCEPTABLE)             \
    X(300, 399, REDIRECT)                   \
    X(401, 401, NOT_AUTHORIZED)             \
    X(403, 403, FORBIDDEN)                  \
    X(404, 404, ITEM_NOT_FOUND)             \
    X(405, 405, FEATURE_NOT_IMPLEMENTED)    \
    X(406, 406, NOT_ACCEPTABLE)             \
    X(407, 407, REGISTRATION_REQUIRED)      \
    X(408, 408, REMOTE_SERVER_TIMEOUT)      \
    X(410, 410, GONE)                       \
    X(413, 414, POLICY_VIOLATION)           \
    X(415, 416, NOT_ACCEPTABLE)             \
    X(420, 420, FEATURE_NOT_IMPLEMENTED)    \
    X(421, 421, NOT_ACCEPTABLE)             \
    X(423, 423, RESOURCE_CONSTRAINT)        \
    X(430, 430, RECIPIENT_UNAVAILABLE)      \
    X(439, 439, FEATURE_NOT_IMPLEMENTED)    \
    X(440, 440, POLICY_VIOLATION)           \
    X(480, 480, RECIPIENT_UNAVAILABLE)      \
    X(481, 481, ITEM_NOT_FOUND)             \
    X(482, 483, NOT_ACCEPTABLE)             \
    X(484, 485, ITEM_NOT_FOUND)             \
    X(486, 487, RECIPIENT_UNAVAILABLE)      \
    X(488, 488, NOT_ACCEPTABLE)             \
    X(489, 489, POLICY_VIOLATION)           \
    X(491, 491, UNEXPECTED_REQUEST)         \
    X(400, 499, BAD_REQUEST)                \
    X(501, 501, FEATURE_NOT_IMPLEMENTED)    \
    X(502, 502, REMOTE_SERVER_NOT_FOUND)    \
    X(503, 504, REMOTE_SERVER_TIMEOUT)      \
    X(505, 505, NOT_ACCEPTABLE)             \
    X(513, 513, POLICY_VIOLATION)           \
    X(500, 599, INTERNAL_SERVER_ERROR)      \
    X(604, 604, ITEM_NOT_FOUND)             \
    X(606, 606, NOT_ACCEPTABLE)             \
    X(600, 699, RECIPIENT_UNAVAILABLE)
/* clang-format on */

struct xf_interwork_answer {
    unsigned status;
    bool wants_retry_after;
};

/*
 * What a SIP request with this method is answered when its stanza came back with this error. Was
 * the stanza sent to a full JID?
 */
struct xf_interwork_answer xf_interwork_answer_of(enum xf_stanza_error error,
                                                  enum xf_sip_method method, bool to_full_jid);

/* The error for the sender of a stanza whose request got this final answer, 300 to 699. */
enum xf_stanza_error xf_interwork_condition_of(unsigned status);

/*
 * The condition of a stanza of type error. UNDEFINED_CONDITION if it has none, or one that we do
 * not know.
 */
enum xf_stanza_error xf_interwork_condition_read(const struct xf_stanza *stanza);

/* ------------------------------------------------------------------ words for people */

#define XF_INTERWORK_TEXT_BYTES 320

/*
 * The <text/> of an error: "the other side answered 404 Not Found: no such user". What the peer
 * chose is cut, and shows no control characters.
 *
 * reason        reason phrase of the answer; may be empty
 * diagnostics   value of ms-diagnostics-public or ms-diagnostics, `1003;reason="no such user"`
 *               ([MS-OCER] section 2.2.1.2), of which only the reason is told; absent: none
 *
 * Returns `out`, NUL-terminated.
 */
const char *xf_interwork_error_text(unsigned status, struct xf_span reason,
                                    struct xf_span diagnostics, char out[XF_INTERWORK_TEXT_BYTES]);
