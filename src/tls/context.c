/* SPDX-License-Identifier: MIT */
/*
 * context.c — what all our TLS conns have in common: versions, ciphers, groups, and disabled
 * features.
 *
 * Each role and set of identities has one SSL_CTX, without certificates: these are set on each SSL
 * (xf_tls_shown_use), so that SNI needs no SSL_set_SSL_CTX, which would change the certificate but
 * neither verify mode nor options.
 *
 * The handshake accepts every certificate, so that a bad one does not end TLS but is a fact that
 * the layers above judge (dialback may still be used). judge.c verifies it after the handshake.
 */
#include "tls_priv.h"

#include "session_priv.h"

#include <xfed/xmpp/jid.h>

#define MAX_CERT_LIST_BYTES (48L << 10) /* below the ceiling of handshake input, session_priv.h */

static const char tls12_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char groups[] = "X25519:P-256:P-384:P-521";
static const unsigned char session_scope[] = "xfedd";

static int accept_any_chain(X509_STORE_CTX *store, void *unused)
{
    (void)store;
    (void)unused;
    return 1;
}

/* Whom the other side asks for (SNI); NULL: nobody whom we know. */
static const struct xf_tls_shown *find_shown(const struct xf_tls_session *session, const char *name)
{
    char domain[XF_DOMAIN_MAX + 1];

    if (xf_domain_prepare(xf_span_of(name), domain) != XF_ERR_OK)
        return NULL;
    return xf_tls_identities_find(session->handshake->identities, xf_span_of(domain));
}

/* RFC 6066: an unknown name is not refused; the stream header is answered with host-unknown
 * instead. */
static int choose_identity(SSL *ssl, int *alert, void *unused)
{
    struct xf_tls_session *session = SSL_get_app_data(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)unused;
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    const struct xf_tls_shown *shown = find_shown(session, name);
    if (!shown)
        return SSL_TLSEXT_ERR_NOACK;
    if (xf_tls_shown_use(shown, ssl))
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* XEP-0368 §2: xmpp-server, or no ALPN at all. With STARTTLS ALPN means nothing. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *unused)
{
    struct xf_tls_session *session = SSL_get_app_data(ssl);
    unsigned char *chosen;

    (void)unused;
    if (!session->handshake->is_direct)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_select_next_proto(&chosen, out_len, xf_tls_alpn, XF_TLS_ALPN_BYTES, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol, RFC 7301 §3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void switch_off(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Idle conns hold no record buffers; `out` may move between two tries of one write. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

SSL_CTX *xf_tls_context_new(bool is_server, struct xf_tls_store *store)
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    xf_require(context != NULL);
    switch_off(context);
    SSL_CTX_set_security_level(context, XF_TLS_SECURITY_LEVEL);
    xf_require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    xf_require(SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1);
    xf_require(SSL_CTX_set1_groups_list(context, groups) == 1);
    SSL_CTX_set_max_cert_list(context, MAX_CERT_LIST_BYTES);
    SSL_CTX_set1_cert_store(context, store->anchors);
    /*
     * As a server: request a certificate, but continue without one, unless xf_tls_request
     * demands one. The list of CA names stays
     * empty, so that the peer sends whatever it has.
     */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, accept_any_chain, NULL);
    if (is_server) {
        /* Without a session id context, a client that tries to resume would break the handshake. */
        xf_require(
            SSL_CTX_set_session_id_context(context, session_scope, sizeof(session_scope) - 1) == 1);
        xf_require(SSL_CTX_set_num_tickets(context, 0) == 1);
        SSL_CTX_set_tlsext_servername_callback(context, choose_identity);
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    }
    if (!is_server) {
        /*
         * Request a stapled OCSP response. An SSL of this context also holds TLSA records (dane.c).
         */
        xf_require(SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1);
        xf_require(SSL_CTX_dane_enable(context) == 1);
    }
    return context;
}
