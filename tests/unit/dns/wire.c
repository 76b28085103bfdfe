/* SPDX-License-Identifier: MIT */
/* wire.c — DNS messages by hand: a small assembler for the tests of the codec. */
#include "wire.h"

#include <stdlib.h>

#include <xfed/base/alloc.h>

struct wire {
    uint8_t *bytes;
    size_t len;
};

static void put8(struct wire *wire, unsigned value)
{
    xf_require(wire->len < WIRE_MAX);
    wire->bytes[wire->len++] = (uint8_t)value;
}

static void put16(struct wire *wire, unsigned value)
{
    put8(wire, value >> 8);
    put8(wire, value & 0xff);
}

static void put32(struct wire *wire, unsigned long value)
{
    put16(wire, (unsigned)(value >> 16 & 0xffff));
    put16(wire, (unsigned)(value & 0xffff));
}

static void put_hex(struct wire *wire, const char *hex)
{
    for (; hex[0] && hex[1]; hex += 2)
        put8(wire, (unsigned)strtoul((const char[]){hex[0], hex[1], '\0'}, NULL, 16));
    xf_require(*hex == '\0');
}

static void put_name(struct wire *wire, const char *name)
{
    while (*name == '.' && name[1]) {
        size_t len = strcspn(name + 1, ".");

        put8(wire, (unsigned)len);
        for (size_t i = 1; i <= len; i++)
            put8(wire, (unsigned char)name[i]);
        name += 1 + len;
    }
    put8(wire, 0);
}

static void put_token(struct wire *wire, const char *token)
{
    switch (*token) {
    case '.':
        put_name(wire, token);
        break;
    case '@':
        put_hex(wire, token[1] ? token + 1 : "c00c");
        break;
    case '#':
        put16(wire, (unsigned)strtoul(token + 1, NULL, 10));
        break;
    case '%':
        put32(wire, strtoul(token + 1, NULL, 10));
        break;
    default:
        put_hex(wire, token);
    }
}

static unsigned type_number(const char *word)
{
    static const struct {
        const char *word;
        unsigned number;
    } types[] = {{"A", 1},    {"CNAME", 5},  {"SOA", 6},    {"TXT", 16}, {"AAAA", 28},
                 {"SRV", 33}, {"NAPTR", 35}, {"DNAME", 39}, {"OPT", 41}, {"TLSA", 52}};

    for (size_t i = 0; i < XF_ARRAY_LEN(types); i++)
        if (strcmp(types[i].word, word) == 0)
            return types[i].number;
    xf_require_failed("a type that wire.c knows", __FILE__, __LINE__);
}

static const char *next_token(char **rest)
{
    char *token;

    while ((token = strsep(rest, " ")) && *token == '\0')
        ;
    return token;
}

static void put_record(struct wire *wire, const char *owner, char **rest)
{
    const char *token;

    put_token(wire, owner);
    token = next_token(rest);
    bool is_chaos = strcmp(token, "CH") == 0;
    put16(wire, type_number(is_chaos ? next_token(rest) : token));
    put16(wire, is_chaos ? 3 : 1);
    put32(wire, strtoul(next_token(rest), NULL, 10));
    xf_require(strcmp(next_token(rest), "{") == 0);

    size_t length_at = wire->len;
    put16(wire, 0);
    while (strcmp(token = next_token(rest), "}") != 0)
        put_token(wire, token);
    size_t length = wire->len - length_at - 2;
    wire->bytes[length_at] = (uint8_t)(length >> 8);
    wire->bytes[length_at + 1] = (uint8_t)length;
}

size_t wire_answer(const struct xf_dns_question *question, unsigned flags, const char *script,
                   uint8_t out[WIRE_MAX])
{
    struct wire wire = {out, 0};
    unsigned counts[3] = {0}, section = 0;
    char *copy = xf_strdup(script), *rest = copy;
    const char *token;

    put8(&wire, question->bytes[0]);
    put8(&wire, question->bytes[1]);
    put16(&wire, flags);
    put16(&wire, 1);
    for (size_t i = 0; i < 3; i++)
        put16(&wire, 0);
    for (size_t i = 0; i < question->name_len + 4; i++)
        put8(&wire, question->bytes[XF_DNS_HEADER_BYTES + i]);

    while ((token = next_token(&rest))) {
        if (strcmp(token, "/") == 0) {
            section++;
            continue;
        }
        counts[section]++;
        put_record(&wire, token, &rest);
    }
    for (size_t i = 0; i < 3; i++) {
        out[6 + 2 * i] = (uint8_t)(counts[i] >> 8);
        out[7 + 2 * i] = (uint8_t)counts[i];
    }
    xf_free(copy);
    return wire.len;
}
