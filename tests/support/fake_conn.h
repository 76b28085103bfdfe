/* SPDX-License-Identifier: MIT */
/*
 * fake_conn.h — an xf_conn in memory. The test is the other side and the network: it reads what was
 * sent, feeds bytes, says when TCP and TLS are up, blocks the way, closes.
 *
 * The xf_conn is freed right after its closed event, so that a sanitiser finds whoever uses it
 * later; the fake_conn around it lives until fake_env_fini.
 */
#pragma once

#include "fake_env.h"

struct fake_conn {
    struct xf_node node; /* in fake_env.conns */
    struct fake_env *env;
    struct xf_conn *conn; /* NULL once closed was told */
    struct xf_addr addr;
    struct xf_source source; /* of an outgoing one; zeroed: as the system chooses */
    bool is_outgoing;        /* env->connect made it, else fake_conn_accepted */
    bool is_taken;           /* fake_conn_next returned it */
    bool is_connected;
    bool is_paused;                    /* the code under test does not read */
    bool is_blocked;                   /* this side does not read: output stays where it is */
    bool is_closing;                   /* xf_conn_close was called */
    bool was_high;                     /* above the high-water mark: drained is due */
    struct xf_buf sent;                /* what left and was not taken by fake_conn_take */
    size_t sent_bytes;                 /* in all */
    char *taken;                       /* memory of the last fake_conn_take */
    bool wants_tls;                    /* env->start_tls was called and not answered yet */
    struct xf_tls_request tls_request; /* the texts are copies */
    char *tls_texts[3];
    xf_tls_judged_fn judged; /* env->judge_tls was called and not answered yet */
    void *judged_owner;
    /* what the test said of the certificate; NULL: nothing, or forgotten */
    struct xf_tls_facts *evidence;
    struct xf_timer timeout; /* of the connect, then of the linger */
    bool has_end;            /* closed is due, in this or the next turn */
    enum xf_conn_end end;
};

/* A conn that came in; give `->conn` to what accepts. `addr` as text, "192.0.2.1:40000". */
struct fake_conn *fake_conn_accepted(struct fake_env *fake, const char *addr);

/*
 * The oldest connect request that this function did not return yet, to `addr` (NULL: any); NULL
 * when there is none.
 */
struct fake_conn *fake_conn_next(struct fake_env *fake, const char *addr);
size_t fake_conn_open_count(const struct fake_env *fake); /* conns that are not closed */

void fake_conn_connected(struct fake_conn *conn);
void fake_conn_refused(struct fake_conn *conn);

/*
 * The handshake is over. `facts` is copied; is_server and the like are the test's to fill, and what
 * they say of chain, revocation and TLSA records is told when the code under test asks for
 * judgement (a client does so with the handshake), in the next turn: TLSA records count only when
 * there are some. NULL: it failed.
 */
void fake_conn_secured(struct fake_conn *conn, const struct xf_tls_facts *facts);

/*
 * Bytes of the other side; none arrive once the conn is closing. False: paused, nothing was
 * delivered.
 */
bool fake_conn_feed(struct fake_conn *conn, const char *bytes, size_t len);
bool fake_conn_feed_text(struct fake_conn *conn, const char *text);

/* The other side ended it. */
void fake_conn_closed(struct fake_conn *conn, enum xf_conn_end end);

/* Stop and go on reading what the code under test sends. */
void fake_conn_block(struct fake_conn *conn, bool blocked);

/* What was sent since the last call, NUL-terminated; lives until the next call for this conn. */
const char *fake_conn_take(struct fake_conn *conn);

/* For fake_env.c. True when it did something. */
bool fake_conn_turn(struct fake_conn *conn);
void fake_conn_free(struct fake_conn *conn);
struct xf_conn *fake_conn_connect(struct xf_env *env, const struct xf_addr *addr,
                                  const struct xf_source *source, unsigned timeout_ms,
                                  const struct xf_conn_events *events, void *owner);
void fake_conn_judge_tls(struct xf_env *env, struct xf_conn *conn, const struct xf_tls_basis *basis,
                         xf_tls_judged_fn done, void *owner);
void fake_conn_forget_tls(struct xf_env *env, struct xf_conn *conn);
void fake_conn_start_tls(struct xf_env *env, struct xf_conn *conn,
                         const struct xf_tls_request *request);
