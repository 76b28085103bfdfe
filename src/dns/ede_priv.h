/* SPDX-License-Identifier: MIT */
/* ede_priv.h — Extended DNS Errors (RFC 8914): why a resolver could not answer. ede.c */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XF_DNS_EDE_BYTES 160 /* what is kept of an error, with its NUL */

/*
 * Read the first extended error of the options of an EDNS record. `out_text` becomes the name of
 * its code and the server's own text, cut, in printable ASCII: "DNSSEC Bogus: no signatures"; ""
 * without one. Returns true if it says that the answer does not pass DNSSEC.
 */
bool xf_dns_ede_read(const uint8_t *options, size_t len, char out_text[XF_DNS_EDE_BYTES]);
