/* SPDX-License-Identifier: MIT */
/* error.h — stream error conditions (RFC 6120 §4.9.3) and stanza errors (§8.3) as values. */
#pragma once

#include <xfed/base/span.h>

/* clang-format off */
#define XF_STREAM_ERROR_MAP(X)                                   \
    X(NONE,                     "")                              \
    X(BAD_FORMAT,               "bad-format")                    \
    X(BAD_NAMESPACE_PREFIX,     "bad-namespace-prefix")          \
    X(CONFLICT,                 "conflict")                      \
    X(CONNECTION_TIMEOUT,       "connection-timeout")            \
    X(HOST_GONE,                "host-gone")                     \
    X(HOST_UNKNOWN,             "host-unknown")                  \
    X(IMPROPER_ADDRESSING,      "improper-addressing")           \
    X(INTERNAL_SERVER_ERROR,    "internal-server-error")         \
    X(INVALID_FROM,             "invalid-from")                  \
    X(INVALID_ID,               "invalid-id")                    \
    X(INVALID_NAMESPACE,        "invalid-namespace")             \
    X(INVALID_XML,              "invalid-xml")                   \
    X(NOT_AUTHORIZED,           "not-authorized")                \
    X(NOT_WELL_FORMED,          "not-well-formed")               \
    X(POLICY_VIOLATION,         "policy-violation")              \
    X(REMOTE_CONNECTION_FAILED, "remote-connection-failed")      \
    X(RESET,                    "reset")                         \
    X(RESOURCE_CONSTRAINT,      "resource-constraint")           \
    X(RESTRICTED_XML,           "restricted-xml")                \
    X(SEE_OTHER_HOST,           "see-other-host")                \
    X(SYSTEM_SHUTDOWN,          "system-shutdown")               \
    X(UNDEFINED_CONDITION,      "undefined-condition")           \
    X(UNSUPPORTED_ENCODING,     "unsupported-encoding")          \
    X(UNSUPPORTED_FEATURE,      "unsupported-feature")           \
    X(UNSUPPORTED_STANZA_TYPE,  "unsupported-stanza-type")       \
    X(UNSUPPORTED_VERSION,      "unsupported-version")

/* Columns: name, type attribute, condition element. All of RFC 6120 section 8.3.3. */
#define XF_STANZA_ERROR_MAP(X)                                               \
    X(BAD_REQUEST,             "modify", "bad-request")                      \
    X(CONFLICT,                "cancel", "conflict")                         \
    X(FEATURE_NOT_IMPLEMENTED, "cancel", "feature-not-implemented")          \
    X(FORBIDDEN,               "auth",   "forbidden")                        \
    X(GONE,                    "cancel", "gone")                             \
    X(INTERNAL_SERVER_ERROR,   "cancel", "internal-server-error")            \
    X(ITEM_NOT_FOUND,          "cancel", "item-not-found")                   \
    X(JID_MALFORMED,           "modify", "jid-malformed")                    \
    X(NOT_ACCEPTABLE,          "modify", "not-acceptable")                   \
    X(NOT_ALLOWED,             "cancel", "not-allowed")                      \
    X(NOT_AUTHORIZED,          "auth",   "not-authorized")                   \
    X(POLICY_VIOLATION,        "modify", "policy-violation")                 \
    X(RECIPIENT_UNAVAILABLE,   "wait",   "recipient-unavailable")            \
    X(REDIRECT,                "modify", "redirect")                         \
    X(REGISTRATION_REQUIRED,   "auth",   "registration-required")            \
    X(REMOTE_SERVER_NOT_FOUND, "cancel", "remote-server-not-found")          \
    X(REMOTE_SERVER_TIMEOUT,   "wait",   "remote-server-timeout")            \
    X(RESOURCE_CONSTRAINT,     "wait",   "resource-constraint")              \
    X(SERVICE_UNAVAILABLE,     "cancel", "service-unavailable")              \
    X(SUBSCRIPTION_REQUIRED,   "auth",   "subscription-required")            \
    X(UNDEFINED_CONDITION,     "cancel", "undefined-condition")              \
    X(UNEXPECTED_REQUEST,      "wait",   "unexpected-request")
/* clang-format on */

enum xf_stream_error {
#define X(name, text) XF_STREAM_ERROR_##name,
    XF_STREAM_ERROR_MAP(X)
#undef X
};

enum xf_stanza_error {
#define X(name, type, condition) XF_STANZA_ERROR_##name,
    XF_STANZA_ERROR_MAP(X)
#undef X
};

/* Element name of the condition; "" for NONE. */
const char *xf_stream_error_name(enum xf_stream_error error);

/* The condition with that name; UNDEFINED_CONDITION if no condition has it. */
enum xf_stream_error xf_stream_error_find(struct xf_span name);

/* The type that the RFC gives the condition, where it gives one. */
const char *xf_stanza_error_type(enum xf_stanza_error error);
const char *xf_stanza_error_name(enum xf_stanza_error error);

/* The condition with that name; UNDEFINED_CONDITION if no condition has it. */
enum xf_stanza_error xf_stanza_error_find(struct xf_span name);
