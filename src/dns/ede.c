/* SPDX-License-Identifier: MIT */
/*
 * ede.c — reads Extended DNS Errors (RFC 8914 §2, §4), which ldns does not parse. An option that is
 * longer than what is left of the record ends the reading. Test: tests/unit/dns/test_codec.c.
 */
#include "ede_priv.h"

#include <stdio.h>

#include <xfed/base/err.h>

#define OPTION_EDE   15
#define HEADER_BYTES 4 /* of an option: code and length */
#define CODE_BYTES   2 /* of an error, in front of its text */

/* clang-format off */
static const struct {
    const char *name;
    bool is_bogus;
} errors[] = {
    [0]  = {"Other Error", false},
    [1]  = {"Unsupported DNSKEY Algorithm", false},
    [2]  = {"Unsupported DS Digest Type", false},
    [3]  = {"Stale Answer", false},
    [4]  = {"Forged Answer", false},
    [5]  = {"DNSSEC Indeterminate", true},
    [6]  = {"DNSSEC Bogus", true},
    [7]  = {"Signature Expired", true},
    [8]  = {"Signature Not Yet Valid", true},
    [9]  = {"DNSKEY Missing", true},
    [10] = {"RRSIGs Missing", true},
    [11] = {"No Zone Key Bit Set", true},
    [12] = {"NSEC Missing", true},
    [13] = {"Cached Error", false},
    [14] = {"Not Ready", false},
    [15] = {"Blocked", false},
    [16] = {"Censored", false},
    [17] = {"Filtered", false},
    [18] = {"Prohibited", false},
    [19] = {"Stale NXDomain Answer", false},
    [20] = {"Not Authoritative", false},
    [21] = {"Not Supported", false},
    [22] = {"No Reachable Authority", false},
    [23] = {"Network Error", false},
    [24] = {"Invalid Data", false},
};
/* clang-format on */

static unsigned u16_at(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* A resolver passes on what others wrote. */
static void say(unsigned code, const uint8_t *text, size_t len, char out[XF_DNS_EDE_BYTES])
{
    const char *name = code < XF_ARRAY_LEN(errors) ? errors[code].name : "extended error";
    size_t used = (size_t)snprintf(out, XF_DNS_EDE_BYTES, "%s%s", name, len ? ": " : "");
    for (size_t i = 0; i < len && text[i] && used < XF_DNS_EDE_BYTES - 1; i++)
        out[used++] = (char)(text[i] < ' ' || text[i] > '~' ? '?' : text[i]);
    out[used] = '\0';
}

bool xf_dns_ede_read(const uint8_t *options, size_t len, char out_text[XF_DNS_EDE_BYTES])
{
    out_text[0] = '\0';
    while (len >= HEADER_BYTES) {
        unsigned option = u16_at(options);
        size_t size = u16_at(options + 2);
        options += HEADER_BYTES;
        len -= HEADER_BYTES;
        if (size > len)
            return false;
        if (option == OPTION_EDE && size >= CODE_BYTES) {
            unsigned code = u16_at(options);
            say(code, options + CODE_BYTES, size - CODE_BYTES, out_text);
            return code < XF_ARRAY_LEN(errors) && errors[code].is_bogus;
        }
        options += size;
        len -= size;
    }
    return false;
}
