/* SPDX-License-Identifier: MIT */
/*
 * recheck_priv.h — the certificates of streams that last, judged again (RFC 6120 §13.7.2.3): by the
 * authorities and revocation lists of a reload, and by the date. A stream whose certificate no
 * longer authenticates its pairs ends; the next one begins with the certificate that the peer has
 * by then.
 *
 * A judgement costs as much as a handshake. So only some are out at a time, and streams wait for
 * their turn and go on meanwhile. Only authenticated streams wait; a stream that was judged before
 * the last change and authenticated after it comes to wait then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/limits/few.h>
#include <xfed/net/timer.h>

struct xf_carrier;
struct xf_s2s;

struct xf_rechecking {
    struct xf_few turns;   /* struct xf_carrier, by its recheck.turn */
    uint64_t generation;   /* counts the changes by which certificates are judged anew */
    struct xf_timer timer; /* the date has changed */
};

/* Of a carrier. */
struct xf_recheck {
    struct xf_few_entry turn;
    uint64_t generation; /* what its certificate was judged by last */
};

void xf_rechecking_init(struct xf_s2s *s2s);
void xf_rechecking_fini(struct xf_rechecking *rechecking);

/* Authorities, lists or the date have changed: all authenticated streams wait for their turn. */
void xf_recheck_all(struct xf_s2s *s2s);

/* Its certificate is being judged by what counts now, in the course of its handshake. */
void xf_recheck_began(struct xf_carrier *carrier);
/* Pairs are authenticated on its stream from now on. */
void xf_recheck_authenticated(struct xf_carrier *carrier);
/*
 * Was its certificate judged by other authorities, or with or without TLSA records, than the
 * settings want now? After a reload what it is worth stays open until it was judged again.
 */
bool xf_recheck_is_due(const struct xf_carrier *carrier);
/* Its stream ends, or its conn has closed. May be called again. */
void xf_recheck_left(struct xf_carrier *carrier);
