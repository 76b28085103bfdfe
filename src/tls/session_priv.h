/* SPDX-License-Identifier: MIT */
/* session_priv.h — TLS on one conn: what bio.c, handshake.c, session.c, context.c and
 * judge_later.c share. */
#pragma once

#include "judge_priv.h"

#include <xfed/base/buf.h>

#define XF_TLS_ALPN_BYTES 12
extern const unsigned char xf_tls_alpn[XF_TLS_ALPN_BYTES]; /* "xmpp-server" in wire form */

#define XF_TLS_REASON_BYTES 128

enum xf_tls_step { XF_TLS_STEP_MORE, XF_TLS_STEP_DONE, XF_TLS_STEP_FAILED };

struct xf_tls_session;

/* What a handshake tells the session that it belongs to; both on the loop. */
struct xf_tls_handshake_events {
    /* Established: what came behind the last handshake message. The handshake is gone. */
    void (*input)(struct xf_tls_session *session, const char *wire, size_t len);
    void (*orphaned)(struct xf_tls_session *session); /* its conn died while a step was out */
};

/* Exists only during the handshake. Fields marked "job" belong to the pool while a step runs. */
struct xf_tls_handshake {
    const struct xf_tls_handshake_events *events;
    struct xf_tls_identities *identities;
    bool is_direct;
    bool judge_later;
    struct xf_tls_grounds grounds;    /* job: for the judgement, unless it comes later */
    bool is_out;                      /* a step runs on the pool; net reads nothing meanwhile */
    bool is_garbage;                  /* not TLS records: let OpenSSL report it */
    bool is_alien;                    /* ... from the first byte on */
    size_t total_bytes;               /* of input so far */
    size_t step_bytes;                /* bytes of carry that the step may read */
    struct xf_buf carry;              /* job: input for the next step */
    struct xf_buf outgoing;           /* job: what the step wants to send */
    struct xf_tls_facts *facts;       /* job */
    struct xf_tls_evidence *evidence; /* job */
    enum xf_tls_step result;          /* job */
    enum xf_conn_end end;             /* job: of a step that failed */
    char reason[XF_TLS_REASON_BYTES]; /* job */
};

struct xf_tls_session {
    struct xf_conn *conn; /* NULL: it closed while a step was running */
    SSL *ssl;             /* job */
    const char *input;    /* job: borrowed, what the BIO reads */
    size_t input_bytes;
    struct xf_buf *sink;                /* job: where the BIO writes */
    struct xf_tls_handshake *handshake; /* NULL: established */
    struct xf_tls_evidence *evidence;   /* NULL without a certificate */
    /* The pointer to us in a judgement that is out on the pool; NULL: none is out. */
    struct xf_tls_session **judging;
    size_t dry_bytes;       /* wire bytes since the last plaintext */
    unsigned messages_left; /* key updates and tickets that the peer may still send */
    size_t earned_bytes;    /* bytes of plaintext towards one more message */
    bool is_flooded;        /* the peer sent more of them */
    bool is_broken;         /* OpenSSL said that the connection is over */
};

/* bio.c: the transport of `session`, taken by SSL_set_bio. */
BIO *xf_tls_bio_new(struct xf_tls_session *session);

/* handshake.c */
void xf_tls_handshake_init(struct xf_tls_handshake *handshake, const struct xf_tls_request *request,
                           const struct xf_tls_handshake_events *events);
void xf_tls_handshake_free(struct xf_tls_handshake **handshake);
void xf_tls_handshake_start(struct xf_tls_session *session);
void xf_tls_handshake_input(struct xf_tls_session *session, const char *wire, size_t len);

/* session.c */
struct xf_tls_session *xf_tls_session_of(const struct xf_conn *conn); /* NULL in clear */
