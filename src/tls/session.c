/* SPDX-License-Identifier: MIT */
/*
 * session.c — TLS on one conn, as the filter between its wire and its plaintext.
 *
 * At the start the SSL gets its certificate, names and limits; then handshake.c uses it until the
 * handshake is done. After that:
 * - input: SSL_read over the borrowed slice, record by record, into one buffer on the stack, and on
 *   to the owner. OpenSSL consumes the whole slice, including an incomplete last record, so nothing
 *   is stored here;
 * - flush: `out` in records of up to 16 KB to the wire;
 * - the peer's close_notify counts as EOF; `finish` writes ours after the last output.
 *
 * A peer that sends records without content (empty ones, key updates) causes work without effect:
 * DRY_MAX_BYTES of them in a row end the conn; net limits how much we read in one turn. Key updates
 * between content cost more than their bytes: a conn may have MESSAGES_MAX of them, and one more
 * for each MESSAGE_BYTES of content. Tests: tests/unit/tls/test_tls.c.
 */
#include "session_priv.h"

#include <stdio.h>

#include <openssl/err.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/jid.h>

#define RECORD_BYTES  SSL3_RT_MAX_PLAIN_LENGTH
#define DRY_MAX_BYTES (64u << 10)
#define MESSAGES_MAX  64
#define MESSAGE_BYTES (64u << 10)

static void fail(struct xf_tls_session *session, const char *doing)
{
    char reason[XF_TLS_REASON_BYTES];

    enum xf_conn_end end = xf_tls_failure(doing, reason, sizeof(reason));
    session->is_broken = true;
    xf_conn_fail(session->conn, end, reason);
}

/* Called by OpenSSL for steps of the handshake layer. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct xf_tls_session *session = SSL_get_app_data(ssl);
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);

    (void)value;
    if (session->handshake || !(where & SSL_CB_LOOP))
        return; /* expected during the handshake (on the pool) */
    if (state != TLS_ST_SR_KEY_UPDATE && state != TLS_ST_CR_KEY_UPDATE &&
        state != TLS_ST_CR_SESSION_TICKET)
        return; /* what we write */
    if (session->messages_left > 0)
        session->messages_left--;
    else
        session->is_flooded = true;
}

static void earn(struct xf_tls_session *session, size_t bytes)
{
    session->earned_bytes += bytes;
    if (session->earned_bytes < MESSAGE_BYTES)
        return;
    session->earned_bytes = 0;
    if (session->messages_left < MESSAGES_MAX)
        session->messages_left++;
}

/* False: there is nothing more to read, now or at all. */
static bool read_record(struct xf_tls_session *session)
{
    XF_UNINITIALIZED char plain[RECORD_BYTES];
    size_t bytes;

    if (SSL_read_ex(session->ssl, plain, sizeof(plain), &bytes) == 1) {
        session->dry_bytes = 0;
        earn(session, bytes);
        xf_conn_deliver(session->conn, plain, bytes);
        return true;
    }
    switch (SSL_get_error(session->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        xf_conn_fail(session->conn, XF_CONN_END_EOF, NULL);
        break;
    case SSL_ERROR_WANT_WRITE:
        session->is_broken = true;
        xf_conn_fail(session->conn, XF_CONN_END_TLS, "the other side does not read");
        break;
    default:
        fail(session, "reading");
    }
    return false;
}

static void read_input(struct xf_tls_session *session, const char *wire, size_t len)
{
    if (session->is_broken)
        return;
    session->input = wire;
    session->input_bytes = len;
    session->sink = xf_conn_wire(session->conn);
    session->dry_bytes += len;
    ERR_clear_error();
    while (xf_conn_is_heard(session->conn) && !session->is_flooded && read_record(session))
        ;
    session->input_bytes = 0; /* discard the rest of a closing conn */
    if ((session->is_flooded || session->dry_bytes > DRY_MAX_BYTES) && !session->is_broken) {
        session->is_broken = true;
        xf_conn_fail(session->conn, XF_CONN_END_TLS,
                     session->is_flooded ? "reading: flood of key updates"
                                         : "reading: flood of records without content");
    }
    if (session->sink->len > 0) /* an alert, or the answer to a key update */
        xf_conn_flush_soon(session->conn);
}

static void on_input(void *filter, const char *wire, size_t len)
{
    struct xf_tls_session *session = filter;

    if (session->handshake)
        xf_tls_handshake_input(session, wire, len);
    else
        read_input(session, wire, len);
}

static void write_records(struct xf_tls_session *session)
{
    struct xf_conn *conn = session->conn;
    size_t taken;

    session->sink = xf_conn_wire(conn);
    ERR_clear_error();
    while (conn->out.len > 0 && session->sink->len < XF_CONN_WIRE_ENOUGH) {
        size_t bytes = conn->out.len < RECORD_BYTES ? conn->out.len : RECORD_BYTES;
        if (SSL_write_ex(session->ssl, xf_buf_ptr(&conn->out), bytes, &taken) != 1) {
            fail(session, "writing");
            return;
        }
        conn->taken_bytes += taken;
        if (taken < conn->out.len)
            xf_buf_consume(&conn->out, taken);
        else
            xf_buf_clear(&conn->out); /* keeps the memory for the next turn; net gives it back */
    }
}

static void on_flush(void *filter)
{
    struct xf_tls_session *session = filter;

    if (!session->handshake && !session->is_broken)
        write_records(session);
    else if (xf_conn_is_closing(session->conn))
        xf_buf_release(&session->conn->out); /* nothing will carry it any more */
}

static void on_finish(void *filter)
{
    struct xf_tls_session *session = filter;

    if (session->handshake || session->is_broken)
        return;
    session->sink = xf_conn_wire(session->conn);
    ERR_clear_error();
    (void)SSL_shutdown(session->ssl); /* 0: sent, and not waiting for the other's */
    ERR_clear_error();
}

static void free_session(struct xf_tls_session *session)
{
    SSL_free(session->ssl);
    xf_tls_handshake_free(&session->handshake);
    xf_tls_evidence_unref(&session->evidence);
    xf_free(session);
}

static void on_detach(void *filter)
{
    struct xf_tls_session *session = filter;

    xf_tls_facts_free(&session->conn->tls);
    session->conn = NULL;
    if (session->judging)
        *session->judging = NULL;
    if (!session->handshake || !session->handshake->is_out)
        free_session(session);
}

static const struct xf_conn_filter tls_filter = {on_input, on_flush, on_finish, on_detach};

struct xf_tls_session *xf_tls_session_of(const struct xf_conn *conn)
{
    return xf_conn_filter_owner(conn, &tls_filter);
}

/* RFC 6066 §3: no literal addresses as server names. */
static bool is_address(struct xf_span domain)
{
    bool has_letter = false;

    for (size_t i = 0; i < domain.len; i++)
        has_letter |= domain.ptr[i] != '.' && (domain.ptr[i] < '0' || domain.ptr[i] > '9');
    return !has_letter || domain.ptr[0] == '[';
}

static bool set_client_names(SSL *ssl, const struct xf_tls_request *request)
{
    char name[XF_DOMAIN_ASCII_MAX + 1];

    if (request->is_direct && SSL_set_alpn_protos(ssl, xf_tls_alpn, XF_TLS_ALPN_BYTES) != 0)
        return false;
    if (request->peer.len == 0 || is_address(request->peer) ||
        xf_domain_to_ascii(request->peer, name) != XF_ERR_OK)
        return true;
    return SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* NULL: there are none; a client then sends none. */
static const struct xf_tls_shown *own_certificates(const struct xf_tls_request *request)
{
    const struct xf_tls_identities *set = request->identities;
    const struct xf_tls_shown *shown = xf_tls_identities_find(set, request->local);

    /*
     * Direct TLS: only SNI can tell which domain the peer wants; with any certificate we can at
     * least answer the stream header.
     */
    if (!shown && request->is_server && request->is_direct && !request->local.ptr)
        return set->first;
    return shown;
}

/* For TLS 1.2. A list cannot lower the security level, whatever is written in it. */
static bool set_ciphers(SSL *ssl, const char *list)
{
    bool is_set = SSL_set_cipher_list(ssl, list) == 1;

    SSL_set_security_level(ssl, XF_TLS_SECURITY_LEVEL);
    return is_set;
}

static const struct xf_tls_handshake_events handshake_events = {
    .input = read_input,
    .orphaned = free_session,
};

/* Apply the request's own settings. NULL, or what went wrong. */
static const char *set_up(SSL *ssl, const struct xf_tls_request *request)
{
    const struct xf_tls_shown *shown = own_certificates(request);

    if (!shown && request->is_server)
        return "no certificate for the domain";
    if (shown && !xf_tls_shown_use(shown, ssl))
        return "our certificate is not usable";
    if (request->min_version == XF_TLS_1_3 && SSL_set_min_proto_version(ssl, TLS1_3_VERSION) != 1)
        return "TLS 1.3 is not available";
    if (request->ciphers && !set_ciphers(ssl, request->ciphers))
        return "no usable cipher is configured";
    if (request->is_server && request->demands_certificate)
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (request->is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return request->is_server || set_client_names(ssl, request) ? NULL : "bad server name";
}

void xf_tls_start(struct xf_conn *conn, const struct xf_tls_request *request)
{
    struct xf_tls_session *session;

    if (xf_conn_is_closing(conn))
        return; /* its closed event is on its way */
    session = xf_new(struct xf_tls_session);
    session->conn = conn;
    session->ssl =
        SSL_new(request->is_server ? request->identities->server : request->identities->client);
    xf_require(session->ssl != NULL);
    session->messages_left = MESSAGES_MAX;
    SSL_set_app_data(session->ssl, session);
    SSL_set_info_callback(session->ssl, on_info);
    BIO *bio = xf_tls_bio_new(session);
    SSL_set_bio(session->ssl, bio, bio);
    session->handshake = xf_new(struct xf_tls_handshake);
    xf_tls_handshake_init(session->handshake, request, &handshake_events);
    xf_conn_attach_filter(conn, &tls_filter, session);
    ERR_clear_error();
    const char *reason = set_up(session->ssl, request);
    ERR_clear_error();
    if (reason) {
        session->is_broken = true;
        xf_conn_fail(conn, XF_CONN_END_TLS, reason);
        return;
    }
    xf_tls_handshake_start(session);
}
