/* SPDX-License-Identifier: MIT */
/*
 * err.h — result codes, an error with text for people, and the check for our own bugs.
 *
 * A function that can fail returns enum xf_err and is marked XF_MUST_USE; out-parameters are
 * written on success only. Functions whose failure people read about also take a struct xf_error,
 * which may be NULL. The folder that uses a library maps its codes (UV_E*, ldns_status, ...) to
 * enum xf_err; no other folder sees them.
 */
#pragma once

#include <stddef.h>

#define XF_MUST_USE          __attribute__((warn_unused_result))
#define XF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
/* For large buffers used for each stanza: do not zero them (-ftrivial-auto-var-init). */
#define XF_UNINITIALIZED __attribute__((uninitialized))
#define XF_ARRAY_LEN(a)  (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
#define XF_ERR_MAP(X)                                            \
    X(OK,            "ok")                                       \
    X(LIMIT,         "a configured limit was reached")           \
    X(BAD_XML,       "not well-formed XML")                      \
    X(BAD_JID,       "not a valid JID")                          \
    X(BAD_VALUE,     "not an accepted value")                    \
    X(NOT_FOUND,     "does not exist")                           \
    X(TIMEOUT,       "no answer in time")                        \
    X(REFUSED,       "refused")                                  \
    X(IO,            "input or output failed")                   \
    X(TLS,           "TLS failed")                               \
    X(CERTIFICATE,   "certificate or key is not usable")         \
    X(CRYPTO,        "a cryptographic operation failed")         \
    X(CONFIG,        "configuration is not valid")               \
    X(CLOSED,        "closed")                                   \
    X(DAMAGED,       "is damaged")
/* clang-format on */

enum xf_err {
#define X(name, text) XF_ERR_##name,
    XF_ERR_MAP(X)
#undef X
};

struct xf_error {
    enum xf_err code;
    char detail[240]; /* for a person, always NUL-terminated, cut when too long */
};

/* Text of a code, never NULL. */
const char *xf_err_text(enum xf_err code);

/*
 * Fill `err` (may be NULL) and return `code`: `return xf_fail(err, XF_ERR_TLS, "%s: ...", path);`
 */
enum xf_err xf_fail(struct xf_error *err, enum xf_err code, const char *fmt, ...) XF_PRINTF(3, 4);

/*
 * Checks for a bug of ours: prints the place and aborts, in every build. Do not use it for anything
 * that a peer can cause.
 */
#define xf_require(cond)                                  \
    do {                                                  \
        if (__builtin_expect(!(cond), 0))                 \
            xf_require_failed(#cond, __FILE__, __LINE__); \
    } while (0)

_Noreturn void xf_require_failed(const char *cond, const char *file, int line);
