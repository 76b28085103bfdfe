/* SPDX-License-Identifier: MIT */
/*
 * crypto.c — random numbers, digests and comparisons by OpenSSL.
 *
 * A peer cannot make any of these fail: a missing digest or a failing random generator means a
 * broken installation, and continuing without either would be worse than stopping. So they abort.
 */
#include <xfed/base/crypto.h>

#include <limits.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define SHA256_BYTES 32

/*
 * A call of RAND_bytes for the 16 or 22 bytes of an id costs as much as half a kilobyte does, and a
 * SIP request needs three. So a few are drawn in advance, by each thread on its own. They are wiped
 * when they are handed out, and a child process draws anew, as OpenSSL's generator does.
 */
#define FEW 64

static _Thread_local struct {
    unsigned char bytes[8 * FEW];
    size_t left; /* the first ones */
    pid_t process;
} drawn;

static void draw(void *out, size_t len)
{
    xf_require(len <= INT_MAX);
    xf_require(RAND_bytes(out, (int)len) == 1);
}

static void take_drawn(void *out, size_t len)
{
    pid_t process = getpid();
    if (drawn.left < len || drawn.process != process) {
        draw(drawn.bytes, sizeof(drawn.bytes));
        drawn.left = sizeof(drawn.bytes);
        drawn.process = process;
    }
    drawn.left -= len;
    memcpy(out, drawn.bytes + drawn.left, len);
    xf_wipe(drawn.bytes + drawn.left, len);
}

void xf_rand_bytes(void *out, size_t len)
{
    if (len > FEW)
        draw(out, len);
    else if (len > 0)
        take_drawn(out, len);
}

uint32_t xf_rand_below(uint32_t below)
{
    uint32_t draw;

    xf_require(below > 0);
    /* Numbers from the last, incomplete run of `below` would favour small results. */
    uint32_t fair = UINT32_MAX - (UINT32_MAX % below + 1) % below;
    do {
        xf_rand_bytes(&draw, sizeof(draw));
    } while (draw > fair);
    return draw % below;
}

uint64_t xf_rand_jitter_ms(uint64_t ms)
{
    uint64_t quarter = ms / 4 < UINT32_MAX / 2 ? ms / 4 : UINT32_MAX / 2 - 1;

    return ms - quarter + xf_rand_below((uint32_t)(2 * quarter + 1));
}

void xf_rand_id(char out[XF_ID_CHARS + 1])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[XF_ID_CHARS];

    xf_rand_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < XF_ID_CHARS; i++)
        out[i] = alphabet[bytes[i] % 64];
    out[0] = alphabet[xf_rand_below(52)];
    out[XF_ID_CHARS] = '\0';
}

static void write_hex(const unsigned char *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static unsigned int digest_parts(const EVP_MD *md, const struct xf_span *parts, size_t count,
                                 unsigned char digest[EVP_MAX_MD_SIZE])
{
    unsigned int len = 0;
    EVP_MD_CTX *state = EVP_MD_CTX_new();

    xf_require(state && EVP_DigestInit_ex(state, md, NULL) == 1);
    for (size_t i = 0; i < count; i++)
        xf_require(EVP_DigestUpdate(state, parts[i].ptr, parts[i].len) == 1);
    xf_require(EVP_DigestFinal_ex(state, digest, &len) == 1);
    EVP_MD_CTX_free(state);
    return len;
}

static void digest_hex(const EVP_MD *md, const struct xf_span *parts, size_t count, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    write_hex(digest, digest_parts(md, parts, count, digest), out);
    /* The digest may be a secret itself: XEP-0114's handshake, XEP-0185's hashed secret. */
    xf_wipe(digest, sizeof(digest));
}

void xf_md5(const struct xf_span *parts, size_t count, unsigned char out[XF_MD5_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    xf_require(digest_parts(EVP_md5(), parts, count, digest) == XF_MD5_BYTES);
    memcpy(out, digest, XF_MD5_BYTES);
    xf_wipe(digest, sizeof(digest));
}

void xf_md5_hex(const struct xf_span *parts, size_t count, char out[XF_MD5_HEX_BYTES + 1])
{
    digest_hex(EVP_md5(), parts, count, out);
}

void xf_sha1_hex(const struct xf_span *parts, size_t count, char out[XF_SHA1_HEX_BYTES + 1])
{
    digest_hex(EVP_sha1(), parts, count, out);
}

void xf_sha256_hex(const struct xf_span *parts, size_t count, char out[XF_SHA256_HEX_BYTES + 1])
{
    digest_hex(EVP_sha256(), parts, count, out);
}

void xf_hmac_sha256_hex(struct xf_span key, struct xf_span text, char out[XF_SHA256_HEX_BYTES + 1])
{
    unsigned char mac[SHA256_BYTES];
    unsigned int len = 0;

    xf_require(key.len <= INT_MAX);
    xf_require(HMAC(EVP_sha256(), key.ptr ? key.ptr : "", (int)key.len,
                    (const unsigned char *)(text.ptr ? text.ptr : ""), text.len, mac, &len));
    xf_require(len == sizeof(mac));
    write_hex(mac, sizeof(mac), out);
    xf_wipe(mac, sizeof(mac));
}

bool xf_secret_eq(struct xf_span a, struct xf_span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void xf_wipe(void *memory, size_t len)
{
    OPENSSL_cleanse(memory, len);
}
