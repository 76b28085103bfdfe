/* SPDX-License-Identifier: MIT */
/*
 * verify_priv.h — questions to authoritative servers (XEP-0220 §2.2): who may ask
 * (verify_places.c), and the streams on which they are asked (verify.c).
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
    XF_VERIFY_UNREACHABLE /* it has one, which gave no usable answer */
};
typedef void (*xf_verify_answered_fn)(void *owner, enum xf_verify_answer answer,
                                      const char *detail);
struct xf_verify_request;
struct xf_verified_peer;

/* What the engine keeps for all questions. */
struct xf_verifying {
    struct xf_map *streams;      /* pair key -> struct xf_verify_stream */
    struct xf_node idle_streams; /* xf_verify_stream.idle_node: without questions, longest first */
    size_t stream_count;         /* those that may still be asked */
    struct xf_quota places;      /* questions under way, by the address that they came from */
    struct xf_map *peers;        /* domain -> struct xf_verified_peer: questions to its server */
    struct xf_backoff peer_backoff; /* domains whose servers were asked */
    struct xf_backoff addr_backoff; /* addresses that verify streams connect to */
};
void xf_verifying_init(struct xf_verifying *verifying, const struct xf_clock *clock);
void xf_verifying_fini(struct xf_verifying *verifying); /* nothing is asked any more */

/* ------------------------------------------------------------------ verify.c */

struct xf_verify_opts {
    struct xf_span local, peer, id, key; /* copied */
    const struct xf_addr *addr;          /* the address that claims to be `peer`; borrowed */
    xf_verify_answered_fn answered;
    void *owner;
};

/*
 * Ask `peer`'s server whether it made `key` for stream `id` towards `local`. `answered` is called
 * once, after this function has returned, unless the request is cancelled. NULL: too many questions
 * are under way. When all places are taken, a question of another address may end for this one,
 * with XF_VERIFY_UNREACHABLE.
 */
struct xf_verify_request *xf_verify_request_new(struct xf_s2s *s2s,
                                                const struct xf_verify_opts *opts);
void xf_verify_request_cancel(struct xf_verify_request **request);
bool xf_verify_request_is_about(const struct xf_verify_request *request, struct xf_span key);

/* Was the peer's server out of reach just now, so that it is not asked again yet? */
bool xf_verify_is_in_vain(const struct xf_s2s *s2s, struct xf_span peer,
                          enum xf_verify_answer *out_answer, const char **out_text);

/* ------------------------------------------------------------------ verify_places.c */

/* The places that a question holds. Zeroed: none. */
struct xf_verify_places {
    struct xf_place of_all, of_peer;
    struct xf_verified_peer *verified;                 /* to which of_peer belongs */
    void (*give_way)(struct xf_verify_places *places); /* end the question that holds them */
};

/* places->give_way of another question may be called before it returns. False: no room. */
XF_MUST_USE bool xf_verify_places_take(struct xf_s2s *s2s, struct xf_verify_places *places,
                                       struct xf_span peer, const struct xf_addr *addr);
void xf_verify_places_give(struct xf_s2s *s2s, struct xf_verify_places *places);

/*
 * Take a place in `quota`, in which strangers share by network what DNS is asked for them
 * (questions-per-network, questions).
 */
XF_MUST_USE bool xf_verify_take_share(struct xf_s2s *s2s, struct xf_quota *quota,
                                      struct xf_place *place, const struct xf_addr *addr,
                                      struct xf_place **out_evicted);
