/* SPDX-License-Identifier: MIT */
/*
 * bio.c — what OpenSSL reads and writes: a borrowed slice of input and a buffer of ours.
 *
 * Against memory BIOs this saves a copy each way and 4 to 44 KB a conn (they never shrink); against
 * SSL_set_fd it keeps the sockets with libuv and joins the records of one turn in one system call.
 */
#include "session_priv.h"

#include <pthread.h>

/* Above this we accept nothing more: the peer makes us answer (key updates) but does not read. */
#define SINK_MAX_BYTES (512u << 10)

const unsigned char xf_tls_alpn[XF_TLS_ALPN_BYTES] = "\x0bxmpp-server";

static int bio_read(BIO *bio, char *out, size_t room, size_t *out_bytes)
{
    struct xf_tls_session *session = BIO_get_data(bio);
    size_t bytes = room < session->input_bytes ? room : session->input_bytes;

    BIO_clear_retry_flags(bio);
    if (bytes == 0) {
        BIO_set_retry_read(bio); /* never EOF: the conn handles that */
        return 0;
    }
    memcpy(out, session->input, bytes);
    session->input += bytes;
    session->input_bytes -= bytes;
    *out_bytes = bytes;
    return 1;
}

static int bio_write(BIO *bio, const char *in, size_t bytes, size_t *out_bytes)
{
    struct xf_tls_session *session = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (session->sink->len > SINK_MAX_BYTES ||
        xf_buf_try_append(session->sink, in, bytes) != XF_ERR_OK) {
        BIO_set_retry_write(bio);
        return 0;
    }
    *out_bytes = bytes;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* the only command that OpenSSL requires */
}

static BIO_METHOD *method; /* a constant of the process, made at first use */
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "xfed conn");
    xf_require(method && BIO_meth_set_read_ex(method, bio_read) == 1 &&
               BIO_meth_set_write_ex(method, bio_write) == 1 &&
               BIO_meth_set_ctrl(method, bio_ctrl) == 1);
}

BIO *xf_tls_bio_new(struct xf_tls_session *session)
{
    pthread_once(&method_once, make_method);
    BIO *bio = BIO_new(method);

    xf_require(bio != NULL);
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    return bio;
}
