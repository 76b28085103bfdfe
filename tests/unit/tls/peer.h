/* SPDX-License-Identifier: MIT */
/*
 * peer.h — a peer of OpenSSL's own on a plain socket, driven by the test's poll, which shows and
 * offers what ours would not. Its security level is 0.
 */
#pragma once

#include <openssl/ssl.h>

#include "certs.h"
#include "ends.h"

struct peer {
    SSL_CTX *context;
    SSL *ssl; /* made by peer_connect and peer_listen */
    int fd, listener_fd;
};

/* `leaf` and what is sent behind it may be NULL. What is particular goes to peer->context before
 * the next step. */
void peer_open(struct peer *peer, const struct cert *leaf, const struct cert *sent);

/* As client to the listener of `bench`, or as server at bench->addr, to which bench_connect then
 * leads. */
void peer_connect(struct peer *peer, const struct bench *bench);
void peer_listen(struct peer *peer, struct bench *bench);

/* Go on as far as it goes. True: its handshake is done. */
bool peer_shakes(struct peer *peer);
void peer_close(struct peer *peer);
