/* SPDX-License-Identifier: MIT */
/*
 * proving_priv.h — how a carrier gets its proof (xfed/stream/proof.h): by acknowledgements
 * (XEP-0198) where the peer has them, else by pings (XEP-0199), as the setting `ack` allows.
 *
 * The answer to a ping comes on whatever stream the peer sends on. Some peers never answer: they
 * cannot reach us, or drop what they do not know. That is remembered, so that their stanzas are not
 * kept in vain.
 */
#pragma once

#include <xfed/policy/policy.h>
#include <xfed/stream/proof.h>

#include "memory_priv.h"

struct xf_carrier;
struct xf_s2s;

struct xf_proving {
    struct xf_map *pinged;  /* id of a carrier's pings -> struct xf_carrier */
    struct xf_memory peers; /* that answered, or did not */
};

extern const struct xf_proof_ops xf_proving_ops; /* of every carrier */

void xf_proving_init(struct xf_proving *proving);
void xf_proving_fini(struct xf_proving *proving);

/*
 * Choose, once for each carrier, what proves. `offers_sm`: it is a stream of ours, whose peer
 * offers XEP-0198.
 */
void xf_proving_begin(struct xf_carrier *carrier, const struct xf_peer_settings *settings,
                      struct xf_span peer, bool offers_sm);
/* The peer refused XEP-0198 after all. */
void xf_proving_without_sm(struct xf_carrier *carrier, struct xf_span peer);
/* The carrier's stream has closed. */
void xf_proving_end(struct xf_carrier *carrier);

/*
 * Is this stanza, of an authenticated pair, the answer to a ping of ours? Then it goes no further.
 * *out_is_due: that ping waited for it.
 */
bool xf_proving_takes(struct xf_s2s *s2s, const struct xf_stanza *stanza, bool *out_is_due);
