/* SPDX-License-Identifier: MIT */
/*
 * fake_conn.h — an xf_conn in memory. The test plays the other side and the network: it reads what
 * was sent, feeds bytes, says when TCP and TLS are up, blocks output, and closes.
 *
 * The xf_conn is freed right after its closed event, so that a sanitiser finds whoever uses it
 * later. The fake_conn around it lives until fake_env_fini.
 */
#pragma once

#include "fake_env.h"

struct fake_conn {
    struct xf_node node; /* in fake_env.conns */
    struct fake_env *env;
    struct xf_conn *conn; /* NULL once its closed event was called */
    struct xf_addr addr;
    struct xf_source source; /* of an outgoing conn; zeroed: as the system chooses */
    bool is_outgoing;        /* made by env->connect, not by fake_conn_accepted */
    bool is_taken;           /* fake_conn_next returned it */
    bool is_connected;
    bool is_paused;     /* the code under test does not read */
    bool is_blocked;    /* the other side does not read: output stays in the conn */
    bool is_closing;    /* xf_conn_close was called */
    bool is_heard;      /* xf_conn_finish was */
    bool was_high;      /* above the high-water mark: drained is due */
    struct xf_buf sent; /* output that fake_conn_take did not return yet */
    size_t sent_bytes;  /* of output in all */
    char *taken;        /* text of the last fake_conn_take */
    /* The code under test called env->start_tls and waits for fake_conn_secured. */
    bool wants_tls;
    struct xf_tls_request tls_request; /* the texts are copies */
    char *tls_texts[3];
    xf_tls_judged_fn judged; /* env->judge_tls was called; to be answered in the next turn */
    void *judged_owner;
    struct xf_tls_facts *finding; /* ... with this; NULL: the facts stay */
    /* What the test says of the certificate; NULL: nothing, or forgotten. */
    struct xf_tls_facts *evidence;
    struct xf_timer timeout; /* limit of the connect, then of the linger */
    bool has_end;            /* the closed event is due, in this or the next turn */
    enum xf_conn_end end;
};

/*
 * A conn from outside; pass its `->conn` to the code that accepts. `addr` as text,
 * "192.0.2.1:40000".
 */
struct fake_conn *fake_conn_accepted(struct fake_env *fake, const char *addr);

/*
 * The oldest outgoing conn to `addr` (NULL: to any) that this function has not returned yet; NULL
 * when there is none.
 */
struct fake_conn *fake_conn_next(struct fake_env *fake, const char *addr);
size_t fake_conn_open_count(const struct fake_env *fake); /* conns that are open */

void fake_conn_connected(struct fake_conn *conn);
void fake_conn_refused(struct fake_conn *conn);

/*
 * The TLS handshake is over; `facts` NULL: it failed. `facts` is copied, and the test fills all of
 * it. What it says about chain, revocation and TLSA records is kept back until the code under test
 * asks for a judgement (a client does so with the handshake), and comes in the next turn. TLSA
 * records count only when the request has some.
 */
void fake_conn_secured(struct fake_conn *conn, const struct xf_tls_facts *facts);

/*
 * The other side sends bytes; none arrive once the conn is closing. False: the conn is paused, and
 * nothing was delivered.
 */
bool fake_conn_feed(struct fake_conn *conn, const char *bytes, size_t len);
bool fake_conn_feed_text(struct fake_conn *conn, const char *text);

/* The other side, or the network, ends the conn. */
void fake_conn_closed(struct fake_conn *conn, enum xf_conn_end end);

/* The other side stops reading what the code under test sends, or reads on. */
void fake_conn_block(struct fake_conn *conn, bool blocked);

/* The output since the last call, NUL-terminated; lives until the next call for this conn. */
const char *fake_conn_take(struct fake_conn *conn);

/* For fake_env.c. fake_conn_turn: true when it did something. */
bool fake_conn_turn(struct fake_conn *conn);
void fake_conn_free(struct fake_conn *conn);
struct xf_conn *fake_conn_connect(struct xf_env *env, const struct xf_addr *addr,
                                  const struct xf_source *source, unsigned timeout_ms,
                                  const struct xf_conn_events *events, void *owner);
void fake_conn_judge_tls(struct xf_env *env, struct xf_conn *conn, const struct xf_tls_basis *basis,
                         xf_tls_judged_fn done, void *owner);
void fake_conn_start_tls(struct xf_env *env, struct xf_conn *conn,
                         const struct xf_tls_request *request);
