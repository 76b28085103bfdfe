/* SPDX-License-Identifier: MIT */
/* crypto.h — random numbers, digests and comparisons (OpenSSL's), and secrets that are wiped. */
#pragma once

#include <stdint.h>
#include <xfed/base/err.h>
#include <xfed/base/span.h>

#define XF_MD5_BYTES        16
#define XF_MD5_HEX_BYTES    32
#define XF_SHA1_HEX_BYTES   40
#define XF_SHA256_HEX_BYTES 64
#define XF_ID_CHARS         22 /* 128 bits in base64url */

/* Fill with unpredictable bytes (RAND_bytes); aborts when the system has none. */
void xf_rand_bytes(void *out, size_t len);

/* A number in [0, below); `below` > 0. Unbiased. */
uint32_t xf_rand_below(uint32_t below);

/* `ms` +- 25 %, so that many waiters do not all retry at the same time. */
uint64_t xf_rand_jitter_ms(uint64_t ms);

/*
 * An unguessable identifier: XF_ID_CHARS letters, digits, '-' and '_', first one a letter;
 * NUL-terminated.
 */
void xf_rand_id(char out[XF_ID_CHARS + 1]);

/* Lower-case hex, NUL-terminated, of the digest of the parts one after the other. */
void xf_sha1_hex(const struct xf_span *parts, size_t count, char out[XF_SHA1_HEX_BYTES + 1]);
void xf_sha256_hex(const struct xf_span *parts, size_t count, char out[XF_SHA256_HEX_BYTES + 1]);
void xf_hmac_sha256_hex(struct xf_span key, struct xf_span text, char out[XF_SHA256_HEX_BYTES + 1]);

/* MD5, broken for all but the old protocols that ask for it (RFC 2831). Raw, and as hex. */
void xf_md5(const struct xf_span *parts, size_t count, unsigned char out[XF_MD5_BYTES]);
void xf_md5_hex(const struct xf_span *parts, size_t count, char out[XF_MD5_HEX_BYTES + 1]);

/* Constant time for equal lengths. */
bool xf_secret_eq(struct xf_span a, struct xf_span b);

/* Overwrite with zeros in a way that the compiler cannot optimise away. */
void xf_wipe(void *memory, size_t len);

/*
 * Base64 (RFC 4648 §4). Encode: `out` has room for 4 * ((len + 2) / 3) + 1. Decode: strict (no
 * white space, padding right), `out` has room for len / 4 * 3 + 1, XF_ERR_BAD_VALUE otherwise; a
 * NUL is put behind.
 */
void xf_base64_encode(struct xf_span bytes, char *out);
XF_MUST_USE enum xf_err xf_base64_decode(struct xf_span text, char *out, size_t *out_len);
