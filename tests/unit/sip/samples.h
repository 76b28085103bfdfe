/* SPDX-License-Identifier: MIT */
/* samples.h — whole messages, written with LF and without lengths, for tests and benchmarks. */
#pragma once

#include <stddef.h>

struct sip_sample {
    const char *label, *text;
};

extern const struct sip_sample sip_samples[];
extern const size_t sip_sample_count;

/*
 * The bytes of a message: each LF of `text` becomes CRLF, and "@L" the length of the body. Its
 * memory has exactly that size, so that a sanitizer sees a step too far; xf_free it.
 */
char *sip_bytes(const char *text, size_t *out_len);

/* The text of this sample. */
const char *sip_sample(const char *label);
