/* SPDX-License-Identifier: MIT */
/*
 * chain.h — an authority and a leaf of its own, the same at every run (Ed25519 from fixed seeds),
 * so that lists and responses of the corpus are signed well and are about this leaf.
 */
#pragma once

#include <openssl/x509.h>

struct chain {
    EVP_PKEY *root_key;
    X509 *root, *leaf; /* "Fuzz Root" with serial 1, a.example with serial 2 */
};

/* Made once; valid from 2020 to 2099. */
const struct chain *chain_get(void);
