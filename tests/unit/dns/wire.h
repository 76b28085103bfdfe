/* SPDX-License-Identifier: MIT */
/*
 * wire.h — DNS messages by hand, for answers that no server would send.
 *
 * A script is records, "OWNER TYPE TTL { RDATA }", and "/" before the authority and the additional
 * section. Names begin with a dot (".x.example", "." the root); "@" points to the question, "@c0ff"
 * is any two bytes. In RDATA "#7" is 16 bits,
 * "%7" is 32 bits, anything else bytes in hex. The length of RDATA is counted, the TTL is in
 * decimal.
 */
#pragma once

#include <stdint.h>

#include "codec_priv.h"

#define WIRE_MAX 65535

/* A response to `question`: its id, its question, `flags` (0x8180 is a plain answer), and the
 * script. */
size_t wire_answer(const struct xf_dns_question *question, unsigned flags, const char *script,
                   uint8_t out[WIRE_MAX]);
