/* SPDX-License-Identifier: MIT */
/*
 * verify_priv.h — questions (db:verify) that we ask authoritative servers (XEP-0220 §2.2): the
 * streams on which we ask (verify.c), and how many questions may be under way (verify_places.c).
 */
#pragma once

#include <xfed/limits/backoff.h>
#include <xfed/limits/quota.h>
#include <xfed/net/addr.h>
#include <xfed/s2s/s2s.h>

enum xf_verify_answer {
    XF_VERIFY_VALID,
    XF_VERIFY_INVALID,
    XF_VERIFY_NOT_FOUND,  /* the domain has no XMPP server */
    XF_VERIFY_UNREACHABLE /* it has one that gave no usable answer */
};
typedef void (*xf_verify_answered_fn)(void *owner, enum xf_verify_answer answer,
                                      const char *detail);
struct xf_verify_request;
struct xf_verified_peer;

/* What all questions share; part of the engine. */
struct xf_verifying {
    struct xf_map *streams; /* pair key -> struct xf_verify_stream */
    /* xf_verify_stream.idle_node: no question now; longest idle first */
    struct xf_node idle_streams;
    size_t stream_count; /* streams that still take questions */
    /* Questions under way, by the address whose claim they are about. */
    struct xf_quota places;
    struct xf_map *peers;           /* domain -> struct xf_verified_peer: questions to its server */
    struct xf_backoff peer_backoff; /* domains whose server did not answer */
    struct xf_backoff addr_backoff; /* addresses that strangers make us connect to */
};
void xf_verifying_init(struct xf_verifying *verifying, const struct xf_clock *clock);
void xf_verifying_fini(struct xf_verifying *verifying); /* no question may be under way */

/* ------------------------------------------------------------------ verify.c */

struct xf_verify_opts {
    struct xf_span local, peer, id, key; /* copied */
    const struct xf_addr *addr;          /* of the conn that claims to be `peer`; borrowed */
    xf_verify_answered_fn answered;
    void *owner;
};

/*
 * Ask `peer`'s server whether it made `key` for stream `id` towards `local`. `answered` is called
 * once, after this function has returned, unless the request is cancelled. NULL: too many questions
 * are under way. When all places are taken, a question that another address caused may be ended for
 * this one, with XF_VERIFY_UNREACHABLE.
 */
struct xf_verify_request *xf_verify_request_new(struct xf_s2s *s2s,
                                                const struct xf_verify_opts *opts);
/* `answered` will not be called. Does nothing when *request is NULL. */
void xf_verify_request_cancel(struct xf_verify_request **request);
bool xf_verify_request_is_about(const struct xf_verify_request *request, struct xf_span key);

/*
 * Did the peer's server fail a moment ago, so that we do not ask it again yet? Then *out_answer and
 * *out_text say how; the text is borrowed until the next question.
 */
bool xf_verify_is_in_vain(const struct xf_s2s *s2s, struct xf_span peer,
                          enum xf_verify_answer *out_answer, const char **out_text);

/* ------------------------------------------------------------------ verify_places.c */

/* The places that a question holds. Zeroed: none held. */
struct xf_verify_places {
    struct xf_place of_all, of_peer;
    struct xf_verified_peer *verified;                 /* whose quota of_peer is in */
    void (*give_way)(struct xf_verify_places *places); /* end the question that holds them */
};

/*
 * Take the places of a question about `peer` that a claim from `addr` caused; `give_way` of another
 * question may be called first. False: there is no room.
 */
XF_MUST_USE bool xf_verify_places_take(struct xf_s2s *s2s, struct xf_verify_places *places,
                                       struct xf_span peer, const struct xf_addr *addr);
void xf_verify_places_give(struct xf_s2s *s2s, struct xf_verify_places *places);

/*
 * Take a place in `quota`, which divides among networks what strangers make us ask
 * (questions-per-network, questions). *out_evicted, unless NULL, was given back for it, and whoever
 * held it must end. False: there is no room.
 */
XF_MUST_USE bool xf_verify_take_share(struct xf_s2s *s2s, struct xf_quota *quota,
                                      struct xf_place *place, const struct xf_addr *addr,
                                      struct xf_place **out_evicted);
