/* SPDX-License-Identifier: MIT */
/* peer.c — a peer of OpenSSL's own on a plain socket. */
#include "peer.h"

#include <check.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

void peer_open(struct peer *peer, const struct cert *leaf, const struct cert *sent)
{
    *peer = (struct peer){.context = SSL_CTX_new(TLS_method()), .fd = -1, .listener_fd = -1};
    SSL_CTX_set_security_level(peer->context, 0);
    /* Where it has no chain of its own OpenSSL would complete it out of its store. */
    SSL_CTX_set_mode(peer->context, SSL_MODE_NO_AUTO_CHAIN);
    if (leaf) {
        ck_assert_int_eq(SSL_CTX_use_certificate(peer->context, leaf->x509), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey(peer->context, leaf->key), 1);
    }
    if (sent)
        ck_assert_int_eq(SSL_CTX_add1_chain_cert(peer->context, sent->x509), 1);
}

static void take(struct peer *peer, int fd)
{
    peer->fd = fd;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    SSL_set_fd(peer->ssl, fd);
}

void peer_connect(struct peer *peer, const struct bench *bench)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, &bench->addr.sa, sizeof(bench->addr.v4)), 0);
    peer->ssl = SSL_new(peer->context);
    take(peer, fd);
    SSL_set_connect_state(peer->ssl);
}

void peer_listen(struct peer *peer, struct bench *bench)
{
    socklen_t len = sizeof(bench->addr.v4);

    peer->listener_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bench->addr.v4.sin_port = 0;
    ck_assert_int_eq(bind(peer->listener_fd, &bench->addr.sa, len), 0);
    ck_assert_int_eq(listen(peer->listener_fd, 1), 0);
    ck_assert_int_eq(getsockname(peer->listener_fd, &bench->addr.sa, &len), 0);
    peer->ssl = SSL_new(peer->context);
    SSL_set_accept_state(peer->ssl);
}

bool peer_shakes(struct peer *peer)
{
    if (peer->fd < 0) {
        int fd = accept(peer->listener_fd, NULL, NULL);
        if (fd < 0)
            return false;
        take(peer, fd);
    }
    ERR_clear_error();
    return SSL_do_handshake(peer->ssl) == 1;
}

void peer_close(struct peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    if (peer->fd >= 0)
        close(peer->fd);
    if (peer->listener_fd >= 0)
        close(peer->listener_fd);
}
