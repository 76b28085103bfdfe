/* SPDX-License-Identifier: MIT */
/*
 * siphash.c — SipHash-1-3, one round for each word and three at the end, as the hash tables of Rust
 * and Python use.
 *
 * The text is taken as little-endian words of 64 bits; the last word holds the rest of the bytes
 * and, in its top byte, the length.
 */
#include <xfed/base/siphash.h>

#include <endian.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t xf_siphash13(const struct xf_siphash_key *key, struct xf_span text)
{
    struct sip s = {
        .v0 = key->k0 ^ 0x736f6d6570736575,
        .v1 = key->k1 ^ 0x646f72616e646f6d,
        .v2 = key->k0 ^ 0x6c7967656e657261,
        .v3 = key->k1 ^ 0x7465646279746573,
    };
    const char *p = text.ptr;
    uint64_t word;

    for (size_t left = text.len; left >= 8; left -= 8, p += 8) {
        memcpy(&word, p, 8);
        sip_word(&s, le64toh(word));
    }

    word = 0;
    if (text.len % 8 > 0)
        memcpy(&word, p, text.len % 8);
    sip_word(&s, le64toh(word) | (uint64_t)text.len << 56);

    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
