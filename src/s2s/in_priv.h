/* SPDX-License-Identifier: MIT */
/*
 * in_priv.h — an accepted stream and the pairs that are authenticated, or claimed, on it.
 *
 *   in.c              its life: accept, stream events, time, end
 *   in_header.c       headers and features of each pass
 *   in_auth.c         STARTTLS and SASL EXTERNAL
 *   in_dialback.c     dialback, as receiving and as authoritative server
 *   in_pair.c         pairs: new, authenticated, gone
 *   in_certificate.c  what its certificate is worth, and for whom
 *   in_policy.c       peers with which policy lets nothing pass
 *   in_bidi.c         a stream that goes both ways (XEP-0288)
 *   in_gate.c         the peer's stanzas
 *
 * To take another element from peers: give it a branch in on_element (in.c), and ask what the
 * stream may do where it is done, not by what was offered.
 */
#pragma once

#include <xfed/dns/discover.h>

#include "carrier_priv.h"
#include "engine_priv.h"
#include "gate_priv.h"
#include "verify_priv.h"

#define XF_IN_TICK_MS 5000 /* of an authenticated stream: idle, element time, parking */

enum xf_pass {
    XF_PASS_PLAIN, /* before TLS */
    XF_PASS_TLS,   /* inside TLS, before SASL */
    XF_PASS_AUTH   /* behind SASL */
};

/* TLSA records of a domain that connected to us. */
enum xf_records {
    XF_RECORDS_UNASKED,
    XF_RECORDS_OPEN, /* DNS did not say, so that there may be some */
    XF_RECORDS_NONE,
    XF_RECORDS_EXIST
};

/* A look-up of them. */
struct xf_look {
    struct xf_discovery *discovery;
    struct xf_place place; /* held meanwhile, for the address that it is for */
    struct xf_in *in;
    struct xf_pair *pair;      /* whose peer it is about; NULL: in's */
    void (*done)(void *owner); /* of xf_in_judge, or of xf_in_look_for_records */
};

struct xf_pair {
    struct xf_node node;
    char *local, *peer;
    struct xf_in *in;
    enum xf_auth_method method; /* NONE until it is authenticated */
    uint64_t since_ms;
    struct xf_carried_pair carried; /* our stanzas for it, when the stream goes both ways */
    bool is_counted;                /* in inbound_by_peer, for its stream */
    struct xf_holding holding;      /* when it is authenticated, and a stranger's */

    /* A claim (db:result) that is looked into. */
    char *key; /* until the question is asked; NULL: none that can be one */
    struct xf_look look;
    enum xf_records records;
    struct xf_verify_request *request;
};

struct xf_in {
    struct xf_node node;
    struct xf_s2s *s2s;
    struct xf_stream stream;
    struct xf_gate gate;
    struct xf_carrier carrier; /* of stanzas to the peer; used while is_bidi */
    bool is_bidi;              /* the peer asked for it (XEP-0288) */
    enum xf_pass pass;         /* of the stream headers that are or will be exchanged */
    bool is_open;              /* headers of this pass are exchanged */
    bool is_legacy;            /* the peer's header has no version */
    bool is_direct;
    bool sasl_challenged;
    char host[XF_ADDR_TEXT_BYTES], network[XF_ADDR_TEXT_BYTES];
    char id[XF_ID_CHARS + 1];
    char *local; /* served domain of the header, NULL when it had none */
    char *peer;  /* `from` of the header, NULL when it had none */
    const struct xf_peer_settings *settings; /* of peer, or the defaults; renewed by reload */
    uint64_t idle_ms;                        /* the shortest of its pairs */
    char *tls_ciphers;       /* of the settings that STARTTLS was begun with, NULL: none */
    struct xf_look look;     /* for the TLSA records of peer */
    enum xf_records records; /* of peer */

    struct xf_node pairs;      /* struct xf_pair */
    struct xf_pair *last_pair; /* of the last stanza */
    unsigned valid_pairs, open_requests;

    struct xf_place place;     /* held until the first pair is authenticated */
    struct xf_holding holding; /* ... and from then on, when no pair is a named peer's */
    unsigned failures;         /* until the first pair is authenticated */
    unsigned late_failures;    /* from then on, of claims of further pairs, since late_since_ms */
    uint64_t late_since_ms;
    unsigned claims;

    struct xf_timer deadline; /* until the first pair is authenticated */
    struct xf_timer tick;
    struct xf_timer pace; /* between claims (db:result), when they are many */
    uint64_t accepted_ms;
};

static inline struct xf_pair *xf_pair_of_node(struct xf_node *node)
{
    return XF_CONTAINER(node, struct xf_pair, node);
}

/* End the stream with an error; `text` NULL: none. */
static inline void xf_in_fail(struct xf_in *in, enum xf_stream_error error, const char *text)
{
    xf_stream_fail(&in->stream, error, text);
}

static inline void xf_in_close(struct xf_in *in)
{
    xf_stream_close(&in->stream);
}

/* ------------------------------------------------------------------ in.c */

void xf_in_accept(struct xf_s2s *s2s, struct xf_conn *conn, bool is_direct);
void xf_in_reload(struct xf_in *in); /* policy is new */

/* ------------------------------------------------------------------ in_header.c */

void xf_in_on_header(struct xf_stream *stream, const struct xf_header *header);

/* ------------------------------------------------------------------ in_auth.c */

void xf_in_starttls(struct xf_in *in, const struct xf_elem *elem);
void xf_in_start_direct_tls(struct xf_in *in);
void xf_in_sasl(struct xf_in *in, const struct xf_elem *elem);
bool xf_in_may_external(const struct xf_in *in, struct xf_span peer);
/*
 * Ciphers may be weaker for one old peer: is what was agreed for the name in the header right for
 * this peer too?
 */
bool xf_in_keeps_ciphers(const struct xf_in *in, const struct xf_peer_settings *settings);

/* ------------------------------------------------------------------ in_dialback.c */

void xf_in_dialback(struct xf_in *in, const struct xf_elem *elem);
void xf_in_on_pace(void *owner); /* of in->pace */

/* ------------------------------------------------------------------ in_pair.c */

struct xf_pair *xf_pair_new(struct xf_in *in, struct xf_span local, struct xf_span peer);
void xf_pair_free(struct xf_pair *pair);
void xf_in_pairs_free(struct xf_in *in);
struct xf_pair *xf_in_find_pair(struct xf_in *in, struct xf_span local, struct xf_span peer);
/* One that is authenticated for the peer, with any of our domains; NULL: none. */
struct xf_pair *xf_in_find_peer(struct xf_in *in, struct xf_span peer);
struct xf_dialback_names xf_pair_names(const struct xf_pair *pair);

/* May its stream be one more of the peer's? False: the claim was answered, or the stream ends. */
bool xf_in_has_room(struct xf_in *in, const struct xf_dialback_names *names);
/*
 * False: there is no place for the pair (strangers.c). Then its claim was answered and it is gone,
 * or the stream ends.
 */
bool xf_pair_has_place(struct xf_pair *pair);
/* False: its peer has become weaker (continuity.c). The pair was refused, and is gone. */
bool xf_pair_is_as_before(struct xf_pair *pair, enum xf_auth_method method);
void xf_pair_authenticated(struct xf_pair *pair, enum xf_auth_method method);
/* Take sizes and idle time from what each of its pairs may do: pairs or their settings are new. */
void xf_in_keep_to_pairs(struct xf_in *in);
/* Answer a dialback element `name` ("result", "verify") with an error. `id` absent: none. */
void xf_in_answer_error(struct xf_in *in, const char *name, const struct xf_dialback_names *names,
                        struct xf_span id, const char *error_type, const char *error);

/* ------------------------------------------------------------------ in_certificate.c */

/*
 * Find out what the certificate of the TLS pass is worth, as that of in->peer. True: under way, the
 * stream is held until `done` is called with `in`. False: there is nothing to judge.
 */
bool xf_in_judge(struct xf_in *in, void (*done)(void *in));
/*
 * Look for the TLSA records of a pair's peer, unless this stream has done so. True: under way, and
 * `done` is called with `pair`, after this function has returned. False: pair->records has them, or
 * they decide nothing.
 */
bool xf_in_look_for_records(struct xf_pair *pair, void (*done)(void *pair));
void xf_look_stop(struct xf_s2s *s2s, struct xf_look *look); /* if it is under way */

/*
 * What is known of the peer's identity on this stream. Unknown does not mean none: without an
 * answer of DNS dane_is_open says so.
 */
struct xf_verdict xf_in_verdict(const struct xf_in *in, struct xf_span peer);
/* As if DNS had answered that there are no records: for what is offered. */
struct xf_verdict xf_in_verdict_at_best(const struct xf_in *in, struct xf_span peer);
extern const struct xf_carrier_ops xf_in_carrier_ops;

/* ------------------------------------------------------------------ in_policy.c */

/* Does policy refuse the peer's stanzas? */
bool xf_in_is_denied(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                     struct xf_ruling *out);
/* Does policy refuse stanzas both ways? */
bool xf_in_is_shut_out(const struct xf_in *in, struct xf_span local, struct xf_span peer,
                       struct xf_ruling *out);
void xf_in_log_denied(struct xf_in *in, struct xf_span local, struct xf_span peer,
                      const struct xf_ruling *ruling);
/* End the stream, as denied-peer says. */
void xf_in_deny(struct xf_in *in, const struct xf_ruling *ruling);

/* ------------------------------------------------------------------ in_bidi.c */

bool xf_in_offers_bidi(const struct xf_in *in);
void xf_in_bidi(struct xf_in *in, const struct xf_elem *elem);
void xf_in_bidi_open(struct xf_in *in); /* the stream behind SASL is open */

/* ------------------------------------------------------------------ in_gate.c */

extern const struct xf_gate_ops xf_in_gate_ops;
