/* SPDX-License-Identifier: MIT */
/*
 * ciphers.c — checks that a configured list of TLS 1.2 ciphers is usable.
 *
 * OpenSSL ignores names that it does not know, and "@SECLEVEL=0" in a list would lower the security
 * level that the rest of the program relies on. So we try each item alone, allow no command but
 * @STRENGTH, and require that some cipher is left at our security level. A list may select RSA key
 * exchange and CBC, but not ciphers without encryption or without a certificate.
 */
#include "tls_priv.h"

#include <string.h>

#include <openssl/err.h>

#include <xfed/base/alloc.h>

#define LIST_MAX_BYTES 1024
#define SEPARATORS     ": ,;" /* OpenSSL's */

static bool is_usable(const char *list, bool must_leave_some)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    size_t count = 0;

    xf_require(context != NULL);
    xf_require(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1);
    SSL_CTX_set_security_level(context, XF_TLS_SECURITY_LEVEL);
    bool is_known = SSL_CTX_set_cipher_list(context, list) == 1;
    if (is_known && must_leave_some) {
        ssl = SSL_new(context);
        xf_require(ssl != NULL);
        STACK_OF(SSL_CIPHER) *left = SSL_get1_supported_ciphers(ssl);
        count = (size_t)(sk_SSL_CIPHER_num(left) > 0 ? sk_SSL_CIPHER_num(left) : 0);
        sk_SSL_CIPHER_free(left);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error();
    return is_known && (count > 0 || !must_leave_some);
}

static bool item_is_known(struct xf_span item)
{
    if (memchr(item.ptr, '@', item.len))
        return xf_span_is(item, "@STRENGTH");
    if (item.ptr[0] == '!' || item.ptr[0] == '-' || item.ptr[0] == '+')
        item = (struct xf_span){item.ptr + 1, item.len - 1};
    char *name = xf_strndup(item.ptr, item.len);
    bool is_known = *name && is_usable(name, false);
    xf_free(name);
    return is_known;
}

bool xf_tls_ciphers_valid(const char *list)
{
    if (strlen(list) > LIST_MAX_BYTES)
        return false;
    for (const char *at = list + strspn(list, SEPARATORS); *at; at += strspn(at, SEPARATORS)) {
        size_t len = strcspn(at, SEPARATORS);
        if (!item_is_known((struct xf_span){at, len}))
            return false;
        at += len;
    }
    return is_usable(list, true);
}
