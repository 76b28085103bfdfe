/* SPDX-License-Identifier: MIT */
/*
 * handshake.c — the handshake, step by step on the thread pool.
 *
 *   loop                                              pool
 *   input collects in `carry` until it has a whole
 *   record; then one step goes out               ->   SSL_do_handshake over `carry`, writes to
 *   and nothing is read, nor the session touched      `outgoing`; when it is done: facts of the
 *                                                     certificate, and their judgement (judge.c),
 *   `outgoing` to the wire, next step or         <-   unless that is asked for later
 *   events->secured, then the input that is left
 *
 * Waiting for whole records keeps a ClientHello that arrives byte by byte from costing a job for
 * each byte.
 *
 * - If a conn goes away while a step runs on the pool, the end of the step frees the session.
 * - If a conn is only closing, the step's result is dropped.
 * - With more than INPUT_MAX_BYTES unread, or TOTAL_MAX_BYTES in all, the peer is not doing a
 *   handshake, and the conn fails.
 */
#include "session_priv.h"

#include <stdio.h>

#include <openssl/err.h>

#include <xfed/base/alloc.h>

#define INPUT_MAX_BYTES     (128u << 10) /* an incomplete record and one read of net */
#define TOTAL_MAX_BYTES     (256u << 10)
#define OUTPUT_MAX_BYTES    (256u << 10)
#define RECORD_HEADER_BYTES 5
#define RECORD_MAX_BYTES    (16384 + 2048) /* RFC 5246 §6.2.3, the larger one */

void xf_tls_handshake_init(struct xf_tls_handshake *s, const struct xf_tls_request *request,
                           const struct xf_tls_handshake_events *events)
{
    s->events = events;
    s->identities = xf_tls_identities_ref(request->identities);
    s->is_direct = request->is_direct;
    s->judge_later = request->judge_later;
    xf_tls_grounds_init(&s->grounds, &request->basis);
    xf_buf_init(&s->carry, INPUT_MAX_BYTES);
    xf_buf_init(&s->outgoing, OUTPUT_MAX_BYTES);
}

void xf_tls_handshake_free(struct xf_tls_handshake **handshake)
{
    struct xf_tls_handshake *s = *handshake;

    if (!s)
        return;
    xf_tls_identities_unref(&s->identities);
    xf_tls_grounds_release(&s->grounds);
    xf_tls_evidence_unref(&s->evidence);
    xf_buf_release(&s->carry);
    xf_buf_release(&s->outgoing);
    xf_tls_facts_free(&s->facts);
    xf_free(s);
    *handshake = NULL;
}

/* How much input to give a step: whole records, or everything if it does not look like records. */
static size_t ready_bytes(struct xf_tls_handshake *s)
{
    const unsigned char *bytes = (const unsigned char *)xf_buf_ptr(&s->carry);
    size_t at = 0, len = s->carry.len;

    while (!s->is_garbage && at < len) {
        if (bytes[at] < SSL3_RT_CHANGE_CIPHER_SPEC || bytes[at] > SSL3_RT_APPLICATION_DATA) {
            s->is_garbage = true;
            s->is_alien = at == 0 && s->total_bytes == len;
        } else if (len - at < RECORD_HEADER_BYTES) {
            break;
        } else {
            size_t record = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
            s->is_garbage = record > RECORD_MAX_BYTES;
            if (len - at < RECORD_HEADER_BYTES + record)
                break;
            at += RECORD_HEADER_BYTES + record;
        }
    }
    return s->is_garbage ? len : at;
}

/* Pool: gather what the handshake found out. */
static void gather_facts(struct xf_tls_session *session)
{
    struct xf_tls_handshake *s = session->handshake;
    SSL *ssl = session->ssl;
    struct xf_tls_facts *facts = xf_tls_facts_new();
    const unsigned char *alpn;
    unsigned alpn_bytes;

    snprintf(facts->version, sizeof(facts->version), "%s", SSL_get_version(ssl));
    snprintf(facts->cipher, sizeof(facts->cipher), "%s",
             SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
    facts->is_server = SSL_is_server(ssl);
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_bytes);
    facts->alpn_xmpp = alpn_bytes > 0; /* no other is ever offered or chosen */
    s->evidence = xf_tls_evidence_new(ssl, s->identities);
    if (s->evidence)
        xf_tls_facts_of_cert(facts, s->evidence->leaf);
    s->facts = facts;
}

/* Pool. */
static void judge(struct xf_tls_handshake *s)
{
    struct xf_tls_finding finding;

    if (!s->evidence || s->judge_later)
        return;
    xf_tls_find(&finding, s->evidence, &s->grounds, xf_tls_grounds_named(&s->grounds, s->facts));
    xf_tls_facts_take(s->facts, &finding, &s->grounds);
}

/*
 * Pool: free what an established conn does not need. Sessions are never resumed, and a judgement
 * holds its own reference to the chain.
 */
static void slim(SSL *ssl)
{
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);

    while (sk_X509_num(sent) > 0)
        X509_free(sk_X509_pop(sent));
    SSL_certs_clear(ssl);
    if (!SSL_is_server(ssl))
        (void)SSL_set_tlsext_status_ocsp_resp(ssl, NULL, 0);
}

/* Pool. OpenSSL's words for bytes that are not TLS would mislead: wrong version number. */
static void fail_step(struct xf_tls_handshake *s)
{
    s->result = XF_TLS_STEP_FAILED;
    s->end = xf_tls_failure("handshake", s->reason, sizeof(s->reason));
    if (!s->is_alien)
        return;
    s->end = XF_CONN_END_TLS_ALIEN;
    snprintf(s->reason, sizeof(s->reason), "handshake: the other side does not speak TLS");
}

/* Pool. */
static void step(void *owner)
{
    struct xf_tls_session *session = owner;
    struct xf_tls_handshake *s = session->handshake;

    session->sink = &s->outgoing;
    ERR_clear_error();
    int status = SSL_do_handshake(session->ssl);
    if (status == 1) {
        gather_facts(session);
        judge(s);
        slim(session->ssl);
        s->result = XF_TLS_STEP_DONE;
    } else if (SSL_get_error(session->ssl, status) == SSL_ERROR_WANT_READ) {
        s->result = XF_TLS_STEP_MORE;
    } else {
        fail_step(s);
    }
    ERR_clear_error();
    session->sink = NULL;
}

static void step_done(void *owner);

static void send_step(struct xf_tls_session *session, size_t ready)
{
    session->input = xf_buf_ptr(&session->handshake->carry);
    session->input_bytes = ready;
    session->handshake->step_bytes = ready;
    session->handshake->is_out = true;
    xf_conn_hold(session->conn, true);
    xf_pool_run(xf_conn_pool(session->conn), step, step_done, session);
}

static void fail(struct xf_tls_session *session, enum xf_conn_end end, const char *reason)
{
    session->is_broken = true;
    xf_conn_fail(session->conn, end, reason);
}

/* Loop: the handshake is done. `left` is input after the peer's last handshake message. */
static void secured(struct xf_tls_session *session)
{
    struct xf_tls_handshake *s = session->handshake;
    struct xf_conn *conn = session->conn;
    struct xf_buf left = s->carry;
    const struct xf_tls_handshake_events *events = s->events;

    xf_buf_init(&s->carry, INPUT_MAX_BYTES);
    conn->tls = s->facts;
    s->facts = NULL;
    session->evidence = s->evidence;
    s->evidence = NULL;
    xf_tls_handshake_free(&session->handshake);
    if (conn->out.len > 0)
        xf_conn_flush_soon(conn);
    conn->events->secured(conn->owner);
    if (left.len > 0)
        events->input(session, xf_buf_ptr(&left), left.len);
    xf_buf_release(&left);
}

static void go_on(struct xf_tls_session *session)
{
    size_t ready = ready_bytes(session->handshake);

    if (ready > 0)
        send_step(session, ready);
}

/* Loop. */
static void step_done(void *owner)
{
    struct xf_tls_session *session = owner;
    struct xf_tls_handshake *s = session->handshake;

    s->is_out = false;
    if (!session->conn) {
        s->events->orphaned(session);
        return;
    }
    xf_buf_consume(&s->carry, s->step_bytes - session->input_bytes);
    session->input_bytes = 0;
    xf_conn_hold(session->conn, false);
    if (xf_conn_is_closing(session->conn))
        return;
    enum xf_err err =
        xf_buf_try_append(xf_conn_wire(session->conn), xf_buf_ptr(&s->outgoing), s->outgoing.len);
    xf_buf_release(&s->outgoing);
    xf_conn_flush_soon(session->conn);
    if (err != XF_ERR_OK)
        fail(session, XF_CONN_END_TLS, "handshake: the other side does not read");
    else if (s->result == XF_TLS_STEP_FAILED)
        fail(session, s->end, s->reason);
    else if (s->result == XF_TLS_STEP_DONE)
        secured(session);
    else
        go_on(session);
}

void xf_tls_handshake_start(struct xf_tls_session *session)
{
    if (!SSL_is_server(session->ssl))
        send_step(session, 0); /* the client speaks first */
}

void xf_tls_handshake_input(struct xf_tls_session *session, const char *wire, size_t len)
{
    struct xf_tls_handshake *s = session->handshake;

    if (session->is_broken)
        return;
    xf_require(!s->is_out); /* it is held */
    s->total_bytes += len;
    if (s->total_bytes > TOTAL_MAX_BYTES || xf_buf_try_append(&s->carry, wire, len) != XF_ERR_OK)
        fail(session, XF_CONN_END_TLS, "handshake: the other side sends too much");
    else
        go_on(session);
}
