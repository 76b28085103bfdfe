/* SPDX-License-Identifier: MIT */
/* shown.c — the certificates of one domain on an SSL. */
#include "tls_priv.h"

bool xf_tls_shown_use(const struct xf_tls_shown *shown, SSL *ssl)
{
    SSL_certs_clear(ssl);
    for (size_t i = 0; i < shown->count; i++) {
        const struct xf_tls_identity *s = shown->identity[i];
        if (SSL_use_cert_and_key(ssl, s->leaf, s->key, s->chain, 1) != 1)
            return false;
    }
    return true;
}
