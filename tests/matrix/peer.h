/* SPDX-License-Identifier: MIT */
/*
 * peer.h — b.example, a server with the settings of one side of a row. It plays every role that a
 * conforming server has: initiating, receiving, and authoritative for its own dialback keys.
 *
 *   TLS        as a server it offers STARTTLS when it has a certificate and TLS is not disabled; as
 *              a client it takes STARTTLS whenever it is offered and TLS is not disabled.
 *   strict     it ends the handshake when it is shown a certificate that is not valid, and does
 *              not come back in clear. No certificate is no fault. (A receiving server whose own
 *              certificate is not valid does not judge the other's: so says the file.)
 *   EXTERNAL   offered to a valid certificate; used with one of its own towards a valid one.
 *   dialback   used when nothing better is left and, where TLS is required, only within TLS. It
 *              sends db:result when we declared the namespace, even where we did not offer the
 *              feature: what must hold is our refusal.
 *   db:verify  asked and answered over TLS where both sides can, in clear where one cannot, and
 *              whatever the certificate: the settings of the row are about the stream that carries
 *              stanzas.
 */
#pragma once

#include "rows.h"
#include "world.h"

#define PEER_CHANNELS_MAX 16
#define PEER_DOMAIN       "b.example"
#define PEER_ADDRESS      "192.0.2.1:5269"
#define OUR_DOMAIN        "a.example"

struct channel { /* a conn between the two */
    struct wire *wire;
    bool is_server; /* the peer accepted it */
    bool is_secure, is_authenticated, is_over;
    char *id;                 /* of the stream, said by who accepted it */
    struct channel *verifies; /* opened to ask about the key that came there */
    char *key;
};

struct peer {
    struct world *world;
    struct side self;
    enum side_cert our_cert; /* what the gateway has to show */
    struct channel channels[PEER_CHANNELS_MAX];
    size_t channel_count;
    unsigned ids;
    unsigned stanzas;       /* that came on a stream it had authenticated */
    unsigned early_stanzas; /* and on others */
};

/* `world` is open, with the link up. */
void peer_init(struct peer *peer, struct world *world, const struct side *self,
               enum side_cert our_cert);
void peer_fini(struct peer *peer);

/* Connect and authenticate; then send a message. */
void peer_connect(struct peer *peer);

/* Take our connects and answer all that we sent, until both sides are quiet. */
void peer_play(struct peer *peer);
