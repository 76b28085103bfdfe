/* SPDX-License-Identifier: MIT */
/* test_tls.c — TLS between two conns on loopback: handshakes good and bad, data, and the ends. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <xfed/tls/tls.h>

#include "certs.h"
#include "ends.h"

#define BIG_BYTES (1u << 20)

static struct bench bench;
static struct xf_tls_store *store, *nobody;
static struct xf_tls_identities *server_set, *client_set, *bare_set, *stranger_set;
static struct xf_tls_request client_request, server_request;

static struct xf_tls_identity *make_identity(const struct cert *issuer, const char *san)
{
    struct xf_tls_identity *identity = NULL;
    struct cert leaf = cert_make(&(struct cert_spec){.issuer = issuer, .cn = "leaf", .san = san});
    const struct cert *certs[] = {&leaf, issuer, NULL};
    char *path = pem_file("id.pem", certs, &leaf);

    ck_assert_int_eq(xf_tls_identity_load(path, path, &identity, NULL), XF_ERR_OK);
    free(path);
    cert_free(&leaf);
    return identity;
}

static void add(struct xf_tls_identities *set, const char *domain, const struct cert *issuer,
                const char *san)
{
    struct xf_tls_identity *identity = make_identity(issuer, san);

    xf_tls_identities_set(set, xf_span_of(domain), identity);
    xf_tls_identity_unref(&identity);
}

static void make_world(void)
{
    struct cert root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    struct cert middle =
        cert_make(&(struct cert_spec){.issuer = &root, .cn = "Middle", .is_ca = 1});
    struct cert other = cert_make(&(struct cert_spec){.cn = "Other Root", .is_ca = 1});
    char *path = pem_file("ca.pem", (const struct cert *[]){&root, NULL}, NULL);

    ck_assert_int_eq(xf_tls_store_load(path, &store, NULL), XF_ERR_OK);
    ck_assert_int_eq(xf_tls_store_load("", &nobody, NULL), XF_ERR_OK);
    free(path);
    server_set = xf_tls_identities_new(store);
    add(server_set, "a.example", &middle, "DNS:a.example");
    add(server_set, "b.example", &middle, "DNS:b.example");
    client_set = xf_tls_identities_new(store);
    add(client_set, "c.example", &middle, "DNS:c.example,DNS:*.c.example");
    stranger_set = xf_tls_identities_new(store);
    add(stranger_set, "c.example", &other, "DNS:c.example");
    bare_set = xf_tls_identities_new(store);
    cert_free(&root);
    cert_free(&middle);
    cert_free(&other);
}

static void free_world(void)
{
    xf_tls_identities_unref(&server_set);
    xf_tls_identities_unref(&client_set);
    xf_tls_identities_unref(&stranger_set);
    xf_tls_identities_unref(&bare_set);
    xf_tls_store_unref(&store);
    xf_tls_store_unref(&nobody);
    pem_remove_all();
}

static void start_client(struct end *end)
{
    xf_tls_start(end->conn, &client_request);
}

static void start_server(struct end *end)
{
    xf_tls_start(end->conn, &server_request);
}

static void set_up(void)
{
    bench_open(&bench);
    bench.client.on_up = start_client;
    bench.server.on_up = start_server;
    server_request = (struct xf_tls_request){
        .identities = server_set, .local = XF_SPAN("a.example"), .is_server = true};
    client_request = (struct xf_tls_request){
        .identities = client_set, .local = XF_SPAN("c.example"), .peer = XF_SPAN("a.example")};
}

static void tear_down(void)
{
    bench_close(&bench);
}

static bool both_secured(struct bench *b)
{
    return b->client.secured > 0 && b->server.secured > 0;
}

static void run_until_secured(const char *label)
{
    bench_connect(&bench);
    bench_run_until(&bench, both_secured, label);
}

static const struct {
    const char *label;
    enum xf_tls_version min;
} version_rows[] = {
    {"1.2 or more", XF_TLS_1_2},
    {"1.3 required", XF_TLS_1_3},
};

START_TEST(mutual_certificates)
{
    server_request.min_version = version_rows[_i].min;
    client_request.min_version = version_rows[_i].min;
    run_until_secured(version_rows[_i].label);
    const struct xf_tls_facts *seen = bench.server.facts;
    ck_assert_str_eq(seen->version, "TLSv1.3");
    ck_assert_ptr_nonnull(strstr(seen->cipher, "TLS_"));
    ck_assert_str_eq(seen->cipher, bench.client.facts->cipher);
    ck_assert(seen->is_server && !bench.client.facts->is_server);
    ck_assert_int_eq(seen->chain, XF_CERT_TRUSTED);
    ck_assert_str_eq(seen->chain_text, "");
    ck_assert(xf_tls_facts_name(seen, XF_SPAN("chat.c.example")));
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
    ck_assert(xf_tls_facts_name(bench.client.facts, XF_SPAN("a.example")));
    ck_assert(!bench.client.facts->alpn_xmpp && !seen->alpn_xmpp);
    ck_assert_int_eq(bench.client.secured, 1);
}
END_TEST

START_TEST(client_without_certificate_is_none)
{
    client_request.identities = bare_set;
    run_until_secured("none");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_NONE);
    ck_assert_uint_eq(bench.server.facts->name_count, 0);
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

START_TEST(client_without_a_domain_shows_none_although_there_are_some)
{
    client_request.local = XF_SPAN_NONE;
    run_until_secured("not shown");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_NONE);
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

/* In TLS 1.3 the client is secured before it learns that it is not. */
START_TEST(server_that_demands_a_certificate_refuses_a_client_without)
{
    client_request.identities = bare_set;
    server_request.demands_certificate = true;
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "demanded");
    ck_assert_int_eq(bench.server.secured, 0);
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    ck_assert_str_eq(bench.server.detail, "handshake: peer did not return a certificate");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_TLS_REFUSED);
}
END_TEST

/* What is demanded is any certificate: chain and names are facts, judged above. */
START_TEST(server_that_demands_a_certificate_takes_any)
{
    client_request.identities = stranger_set;
    server_request.demands_certificate = true;
    run_until_secured("any");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_BAD);
}
END_TEST

START_TEST(unknown_authority_is_bad_but_secured)
{
    client_request.identities = stranger_set;
    run_until_secured("bad");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_BAD);
    ck_assert_str_eq(bench.server.facts->chain_text,
                     "self-signed certificate in certificate chain");
    ck_assert(xf_tls_facts_name(bench.server.facts, XF_SPAN("c.example")));
}
END_TEST

START_TEST(server_name_selects_the_certificate)
{
    client_request.peer = XF_SPAN("B.Example");
    run_until_secured("SNI");
    ck_assert(xf_tls_facts_name(bench.client.facts, XF_SPAN("b.example")));
    ck_assert(!xf_tls_facts_name(bench.client.facts, XF_SPAN("a.example")));
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_TRUSTED); /* still asked for ours */
}
END_TEST

static const struct {
    const char *label, *peer;
} sni_rows[] = {
    {"unknown server name", "unknown.example"},
    {"no server name", NULL},
    {"IPv4 literal", "127.0.0.1"},
    {"IPv6 literal", "[::1]"},
};

START_TEST(server_name_that_is_not_ours_gets_the_local_certificate)
{
    client_request.peer = xf_span_of(sni_rows[_i].peer);
    run_until_secured(sni_rows[_i].label);
    ck_assert(xf_tls_facts_name(bench.client.facts, XF_SPAN("a.example")));
}
END_TEST

START_TEST(direct_server_answers_any_name)
{
    client_request.peer = xf_span_of(sni_rows[_i].peer);
    client_request.is_direct = true;
    server_request.is_direct = true;
    server_request.local = XF_SPAN_NONE;
    run_until_secured(sni_rows[_i].label);
    ck_assert(bench.client.facts->alpn_xmpp && bench.server.facts->alpn_xmpp);
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

START_TEST(direct_server_takes_a_client_without_alpn)
{
    server_request.is_direct = true;
    run_until_secured("no ALPN");
    ck_assert(!bench.client.facts->alpn_xmpp && !bench.server.facts->alpn_xmpp);
}
END_TEST

START_TEST(starttls_server_does_not_choose_alpn)
{
    client_request.is_direct = true;
    run_until_secured("ALPN unasked");
    ck_assert(!bench.client.facts->alpn_xmpp && !bench.server.facts->alpn_xmpp);
}
END_TEST

START_TEST(server_without_certificate_fails)
{
    server_request.local = XF_SPAN("unserved.example");
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "no certificate");
    ck_assert_int_eq(bench.server.secured, 0);
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    ck_assert_str_eq(bench.server.detail, "no certificate for the domain");
}
END_TEST

START_TEST(no_common_cipher_fails_on_both_sides)
{
    /* TLS 1.3 is always possible: take it away by a list that the server does not have. */
    server_request.ciphers = "NO-SUCH-CIPHER";
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "no cipher");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    ck_assert_str_eq(bench.server.detail, "no usable cipher is configured");
}
END_TEST

static char pattern(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static void send_pattern(struct end *end)
{
    char *room = xf_buf_reserve(&end->conn->out, BIG_BYTES);

    ck_assert_ptr_nonnull(room);
    for (size_t i = 0; i < BIG_BYTES; i++)
        room[i] = pattern(i);
    xf_buf_commit(&end->conn->out, BIG_BYTES);
    xf_conn_flush_soon(end->conn);
}

static bool both_got_big(struct bench *b)
{
    return b->client.got_bytes >= BIG_BYTES && b->server.got_bytes >= BIG_BYTES;
}

static void check_pattern(const struct end *end)
{
    const char *got = xf_buf_ptr(&end->got);
    size_t same = 0;

    while (same < end->got.len && got[same] == pattern(same))
        same++;
    ck_assert_uint_eq(same, BIG_BYTES);
}

START_TEST(a_megabyte_each_way)
{
    bench.client.on_secured = send_pattern;
    bench.server.on_secured = send_pattern;
    bench_connect(&bench);
    bench_run_until(&bench, both_got_big, "1 MB");
    check_pattern(&bench.client);
    check_pattern(&bench.server);
    ck_assert_int_ge(bench.client.drained, 1);
    ck_assert_uint_eq(xf_conn_backlog(bench.client.conn), 0);
}
END_TEST

static void send_and_close(struct end *end)
{
    send_pattern(end);
    xf_conn_close(end->conn, 10000);
}

START_TEST(close_writes_everything_and_says_goodbye)
{
    bench.client.on_secured = send_and_close;
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_uint_eq(bench.server.got_bytes, BIG_BYTES);
    ck_assert_int_eq(bench.client.how, XF_CONN_END_LOCAL);
    ck_assert_int_eq(bench.server.how, XF_CONN_END_EOF);
}
END_TEST

static void close_on_data(struct end *end, const char *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    xf_conn_close(end->conn, 5000);
}

START_TEST(close_from_within_data_delivers_no_more)
{
    bench.client.on_secured = send_pattern;
    bench.server.on_data = close_on_data; /* ends.c fails on data after it */
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_LOCAL);
    ck_assert_uint_le(bench.server.got_bytes, 16384);
}
END_TEST

static void finish_on_data(struct end *end, const char *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    xf_conn_finish(end->conn, 10000); /* once is enough; again it changes nothing */
}

START_TEST(finish_within_data_hears_all_that_was_on_its_way)
{
    bench.client.on_secured = send_pattern;
    bench.server.on_data = finish_on_data;
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_uint_eq(bench.server.got_bytes, BIG_BYTES);
    ck_assert_int_eq(bench.server.how, XF_CONN_END_LOCAL);
    ck_assert_int_eq(bench.client.how, XF_CONN_END_EOF);
}
END_TEST

/* STARTTLS: the word that allows it leaves in clear, in front of the handshake. */
static void on_proceed(struct end *end, const char *bytes, size_t len)
{
    ck_assert(xf_span_is((struct xf_span){bytes, len}, "<proceed/>"));
    end->on_data = NULL;
    xf_tls_start(end->conn, &client_request);
}

static void on_starttls(struct end *end, const char *bytes, size_t len)
{
    ck_assert(xf_span_is((struct xf_span){bytes, len}, "<starttls/>"));
    end->on_data = NULL;
    end_say(end, "<proceed/>");
    xf_tls_start(end->conn, &server_request);
}

static void say_starttls(struct end *end)
{
    end_say(end, "<starttls/>");
}

static void say_hello(struct end *end)
{
    end_say(end, "hello");
}

static bool server_got_hello(struct bench *b)
{
    return b->server.got_bytes == strlen("<starttls/>hello");
}

START_TEST(starts_within_a_data_event)
{
    bench.client.on_up = say_starttls;
    bench.client.on_data = on_proceed;
    bench.client.on_secured = say_hello;
    bench.server.on_up = NULL;
    bench.server.on_data = on_starttls;
    bench_connect(&bench);
    bench_run_until(&bench, server_got_hello, "STARTTLS");
    ck_assert(xf_span_is(xf_buf_span(&bench.server.got), "<starttls/>hello"));
    ck_assert(xf_span_is(xf_buf_span(&bench.client.got), "<proceed/>"));
}
END_TEST

static bool server_closed(struct bench *b)
{
    return b->server.closed > 0;
}

static int raw_client(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, &bench.addr.sa, sizeof(bench.addr.v4)), 0);
    return fd;
}

static const struct {
    const char *label, *bytes;
    size_t len;
    enum xf_conn_end how;
} garbage_rows[] = {
    /* clang-format off */
    {"a stream header", "<stream:stream xmlns='jabber:server'>", 37, XF_CONN_END_TLS_ALIEN},
    {"one byte", "<", 1, XF_CONN_END_TLS_ALIEN},
    {"HTTP", "GET / HTTP/1.0\r\n\r\n", 18, XF_CONN_END_TLS_ALIEN},
    {"a record that is too long", "\x16\x03\x01\xff\xff", 5, XF_CONN_END_TLS},
    {"a record of junk", "\x16\x03\x01\x00\x04junk", 9, XF_CONN_END_TLS},
    {"an alert", "\x15\x03\x01\x00\x02\x02\x28", 7, XF_CONN_END_TLS},
    {"application data", "\x17\x03\x03\x00\x01x", 6, XF_CONN_END_TLS},
    /* clang-format on */
};

START_TEST(garbage_ends_the_conn)
{
    int fd = raw_client();

    ck_assert_int_eq(write(fd, garbage_rows[_i].bytes, garbage_rows[_i].len),
                     (ssize_t)garbage_rows[_i].len);
    if (garbage_rows[_i].len < 5)
        ck_assert_int_eq(write(fd, "....", 4), 4);
    bench_run_until(&bench, server_closed, garbage_rows[_i].label);
    ck_assert_msg(bench.server.how == garbage_rows[_i].how, "%s: %d", garbage_rows[_i].label,
                  bench.server.how);
    ck_assert_msg(strncmp(bench.server.detail, "handshake: ", 11) == 0, "%s: %s",
                  garbage_rows[_i].label, bench.server.detail);
    close(fd);
}
END_TEST

START_TEST(peer_that_leaves_in_the_handshake_is_eof)
{
    int fd = raw_client();

    ck_assert_int_eq(write(fd, "\x16\x03\x01\x01", 4), 4);
    close(fd);
    bench_run_until(&bench, server_closed, "left");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_EOF);
}
END_TEST

START_TEST(endless_handshake_ends)
{
    static char fragment[5 + 16384] = "\x16\x03\x01\x40\x00\x01\xff\xff\xff";
    int fd = raw_client();

    for (int i = 0; i < 6; i++)
        (void)!send(fd, fragment, sizeof(fragment), MSG_DONTWAIT);
    bench_run_until(&bench, server_closed, "endless");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    close(fd);
}
END_TEST

/*
 * A client of OpenSSL's own, on a plain socket and driven by the test's poll, so that it can do
 * what ours would not.
 */
static SSL *plain;
static SSL_CTX *plain_ctx;
static int plain_fd;

static void plain_open(int version)
{
    plain_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(plain_ctx, version);
    SSL_CTX_set_max_proto_version(plain_ctx, version);
    plain_fd = raw_client();
    fcntl(plain_fd, F_SETFL, O_NONBLOCK);
    plain = SSL_new(plain_ctx);
    SSL_set_fd(plain, plain_fd);
    SSL_set_connect_state(plain);
}

static void plain_close(void)
{
    SSL_free(plain);
    SSL_CTX_free(plain_ctx);
    close(plain_fd);
}

static bool plain_secured(struct bench *b)
{
    ERR_clear_error();
    return SSL_do_handshake(plain) == 1 && b->server.secured > 0;
}

/* Reads until the server closes; what was read is thrown away. */
static bool plain_sees_the_end(struct bench *b)
{
    char buf[4096];

    ERR_clear_error();
    while (SSL_read(plain, buf, sizeof(buf)) > 0)
        ;
    return b->server.closed > 0;
}

START_TEST(tls_1_2)
{
    plain_open(TLS1_2_VERSION);
    bench_run_until(&bench, plain_secured, "1.2");
    ck_assert_str_eq(bench.server.facts->version, "TLSv1.2");
    ck_assert_str_eq(bench.server.facts->cipher, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    plain_close();
}
END_TEST

START_TEST(tls_1_2_is_refused_where_1_3_is_required)
{
    server_request.min_version = XF_TLS_1_3;
    plain_open(TLS1_2_VERSION);
    SSL_do_handshake(plain);
    bench_run_until(&bench, server_closed, "1.2");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS_VERSION);
    ck_assert_str_eq(bench.server.detail,
                     "handshake: no version of TLS that both sides accept (unsupported protocol)");
    plain_close();
}
END_TEST

START_TEST(tls_1_1_is_refused)
{
    plain_open(TLS1_1_VERSION);
    SSL_set_security_level(plain, 0);
    SSL_set_cipher_list(plain, "ALL:@SECLEVEL=0");
    SSL_do_handshake(plain);
    bench_run_until(&bench, server_closed, "1.1");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS_VERSION);
    plain_close();
}
END_TEST

static bool plain_gives_up(struct bench *b)
{
    ERR_clear_error();
    (void)SSL_do_handshake(plain);
    return b->server.closed > 0;
}

/* It trusts nobody: its alert (RFC 8446 §6.2) is told as what it means for us. */
START_TEST(refusal_of_our_certificate_is_told)
{
    plain_open(_i ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_set_verify(plain, SSL_VERIFY_PEER, NULL);
    bench_run_until(&bench, plain_gives_up, "refused");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS_REFUSED);
    ck_assert_str_eq(bench.server.detail,
                     "handshake: the other side does not accept our certificate "
                     "(tlsv1 alert unknown ca)");
    plain_close();
}
END_TEST

START_TEST(configured_ciphers_are_offered)
{
    server_request.ciphers = "ECDHE-ECDSA-AES128-SHA256";
    plain_open(TLS1_2_VERSION);
    SSL_set_cipher_list(plain, "ECDHE-ECDSA-AES128-SHA256");
    bench_run_until(&bench, plain_secured, "CBC");
    ck_assert_str_eq(bench.server.facts->cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256");
    plain_close();
}
END_TEST

START_TEST(ciphers_without_aead_are_refused_by_default)
{
    plain_open(TLS1_2_VERSION);
    SSL_set_cipher_list(plain, "ECDHE-ECDSA-AES128-SHA256");
    SSL_do_handshake(plain);
    bench_run_until(&bench, server_closed, "CBC");
    ck_assert_str_eq(bench.server.detail, "handshake: no shared cipher");
    plain_close();
}
END_TEST

START_TEST(alpn_without_xmpp_is_refused_on_direct_tls)
{
    server_request.is_direct = true;
    plain_open(TLS1_3_VERSION);
    SSL_set_alpn_protos(plain, (const unsigned char *)"\x02h2", 3);
    SSL_do_handshake(plain);
    bench_run_until(&bench, server_closed, "h2");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    ERR_clear_error();
    SSL_do_handshake(plain);
    ck_assert_int_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    plain_close();
}
END_TEST

START_TEST(alpn_of_several_chooses_xmpp)
{
    const unsigned char *chosen;
    unsigned len;

    server_request.is_direct = true;
    plain_open(TLS1_3_VERSION);
    SSL_set_alpn_protos(plain, (const unsigned char *)"\x02h2\x0bxmpp-server", 15);
    bench_run_until(&bench, plain_secured, "both");
    SSL_get0_alpn_selected(plain, &chosen, &len);
    ck_assert_uint_eq(len, 11);
    ck_assert_mem_eq(chosen, "xmpp-server", 11);
    ck_assert(bench.server.facts->alpn_xmpp);
    plain_close();
}
END_TEST

START_TEST(renegotiation_is_refused)
{
    plain_open(TLS1_2_VERSION);
    bench_run_until(&bench, plain_secured, "1.2");
    SSL_renegotiate(plain);
    SSL_do_handshake(plain);
    /* The server answers with a warning alert, and the connection goes on in its old state:
     * OpenSSL's client gives up. */
    bench_run_until(&bench, plain_sees_the_end, "refused");
    ck_assert_int_eq(bench.server.secured, 1);
    plain_close();
}
END_TEST

static bool server_got_x(struct bench *b)
{
    char buf[16];

    ERR_clear_error();
    (void)SSL_read(plain, buf, sizeof(buf)); /* takes in the answers to key updates */
    return b->server.got_bytes == 1;
}

static bool plain_got_y(struct bench *b)
{
    char buf[16];

    (void)b;
    ERR_clear_error();
    return SSL_read(plain, buf, sizeof(buf)) == 1 && buf[0] == 'y';
}

START_TEST(key_updates_are_answered)
{
    plain_open(TLS1_3_VERSION);
    bench_run_until(&bench, plain_secured, "1.3");
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(SSL_key_update(plain, SSL_KEY_UPDATE_REQUESTED), 1);
        ck_assert_int_eq(SSL_do_handshake(plain), 1);
    }
    ck_assert_int_eq(SSL_write(plain, "x", 1), 1);
    bench_run_until(&bench, server_got_x, "data under the new key");
    end_say(&bench.server, "y");
    bench_run_until(&bench, plain_got_y, "answer under the new key");
    plain_close();
}
END_TEST

static bool flooded(struct bench *b)
{
    for (int i = 0; i < 100 && b->server.closed == 0; i++) {
        ERR_clear_error();
        if (SSL_key_update(plain, SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
            break;
        (void)SSL_do_handshake(plain);
    }
    return b->server.closed > 0;
}

START_TEST(flood_of_key_updates_ends_the_conn)
{
    plain_open(TLS1_3_VERSION);
    bench_run_until(&bench, plain_secured, "1.3");
    bench_run_until(&bench, flooded, "flood");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    plain_close();
}
END_TEST

static bool flooded_among_content(struct bench *b)
{
    for (int i = 0; i < 20 && b->server.closed == 0; i++) {
        ERR_clear_error();
        if (SSL_key_update(plain, SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
            break;
        (void)SSL_do_handshake(plain);
        (void)SSL_write(plain, "x", 1);
    }
    return b->server.closed > 0;
}

/* A byte of content behind each does not make them free. */
START_TEST(flood_of_key_updates_among_content_ends_the_conn)
{
    plain_open(TLS1_3_VERSION);
    bench_run_until(&bench, plain_secured, "1.3");
    bench_run_until(&bench, flooded_among_content, "flood");
    ck_assert_int_eq(bench.server.how, XF_CONN_END_TLS);
    ck_assert_uint_le(bench.server.got_bytes, 66);
    plain_close();
}
END_TEST

/* The bytes of a ClientHello, one at a time, each in its own packet. */
static unsigned char hello[2048];
static int hello_bytes, hello_sent;

static bool hello_goes_out_bytewise(struct bench *b)
{
    char answer[5];

    (void)b;
    for (int i = 0; i < 20 && hello_sent < hello_bytes; i++)
        ck_assert_int_eq(write(plain_fd, &hello[hello_sent++], 1), 1);
    return hello_sent == hello_bytes &&
           recv(plain_fd, answer, sizeof(answer), MSG_PEEK | MSG_DONTWAIT) == sizeof(answer) &&
           answer[0] == 0x16;
}

START_TEST(client_hello_comes_a_byte_at_a_time)
{
    BIO *out = BIO_new(BIO_s_mem());
    int on = 1;

    plain_open(TLS1_3_VERSION);
    setsockopt(plain_fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
    SSL_set0_wbio(plain, out);
    SSL_do_handshake(plain);
    hello_sent = 0;
    hello_bytes = BIO_read(out, hello, sizeof(hello));
    ck_assert_int_gt(hello_bytes, 100);
    bench_run_until(&bench, hello_goes_out_bytewise, "bytewise");
    BIO *socket_bio = BIO_new_socket(plain_fd, BIO_NOCLOSE);
    SSL_set0_wbio(plain, socket_bio);
    bench_run_until(&bench, plain_secured, "secured");
    plain_close();
}
END_TEST

static void close_at_once(struct end *end)
{
    start_server(end);
    xf_conn_close(end->conn, 0);
}

START_TEST(conn_that_dies_while_a_step_is_out)
{
    bench.client.on_up = start_client;
    bench.server.on_up = close_at_once;
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "died");
    ck_assert_int_eq(bench.client.secured, 0);
}
END_TEST

static void start_and_close(struct end *end)
{
    start_client(end);
    xf_conn_close(end->conn, (unsigned)(uintptr_t)end->more);
}

/* The first step of a client is always out at this moment. */
START_TEST(close_while_a_step_is_out)
{
    bench.client.on_up = start_and_close;
    bench.client.more = (void *)(uintptr_t)(_i == 0 ? 0 : 3000);
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_int_eq(bench.client.how, XF_CONN_END_LOCAL);
    ck_assert_int_eq(bench.client.secured, 0);
}
END_TEST

START_TEST(loop_is_freed_while_a_step_is_out)
{
    bench_connect(&bench);
    bench_run_until(&bench, both_up, "up");
    /* tear_down closes and frees now */
}
END_TEST

static void drop_sets(struct end *end)
{
    start_client(end);
    xf_tls_identities_unref(&client_set); /* the handshake holds its own count */
}

START_TEST(set_may_go_during_the_handshake)
{
    bench.client.on_up = drop_sets;
    run_until_secured("set gone");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

/* Nothing more can be written on the client's socket; what was written before has arrived. */
static void shut_client(void)
{
    struct sockaddr_in to;
    for (int fd = 3; fd < 256; fd++) {
        socklen_t len = sizeof(to);
        if (getpeername(fd, (struct sockaddr *)&to, &len) == 0 &&
            to.sin_port == bench.addr.v4.sin_port)
            ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    }
}

static bool server_got_all(struct bench *b)
{
    return b->server.got_bytes == 1000;
}

static bool client_closed(struct bench *b)
{
    return b->client.closed > 0;
}

START_TEST(what_left_is_not_unsent_because_more_could_not_leave)
{
    static const char text[1000];
    run_until_secured("secured");
    end_send(&bench.client, text, sizeof(text));
    bench_run_until(&bench, server_got_all, "all arrived");
    shut_client();
    end_say(&bench.client, "more");
    bench_run_until(&bench, client_closed, "closed");
    ck_assert_uint_eq(bench.client.left, sizeof(text));
    ck_assert_uint_eq(bench.client.left_at_most, sizeof(text));
}
END_TEST

static void add_tests(TCase *handshakes, TCase *streams, TCase *attacks)
{
    tcase_add_loop_test(handshakes, mutual_certificates, 0, XF_ARRAY_LEN(version_rows));
    tcase_add_test(handshakes, client_without_certificate_is_none);
    tcase_add_test(handshakes, client_without_a_domain_shows_none_although_there_are_some);
    tcase_add_test(handshakes, server_that_demands_a_certificate_refuses_a_client_without);
    tcase_add_test(handshakes, server_that_demands_a_certificate_takes_any);
    tcase_add_test(handshakes, unknown_authority_is_bad_but_secured);
    tcase_add_test(handshakes, server_name_selects_the_certificate);
    tcase_add_loop_test(handshakes, server_name_that_is_not_ours_gets_the_local_certificate, 0,
                        XF_ARRAY_LEN(sni_rows));
    tcase_add_loop_test(handshakes, direct_server_answers_any_name, 0, XF_ARRAY_LEN(sni_rows));
    tcase_add_test(handshakes, direct_server_takes_a_client_without_alpn);
    tcase_add_test(handshakes, starttls_server_does_not_choose_alpn);
    tcase_add_test(handshakes, server_without_certificate_fails);
    tcase_add_test(handshakes, no_common_cipher_fails_on_both_sides);
    tcase_add_test(handshakes, tls_1_2);
    tcase_add_test(handshakes, tls_1_2_is_refused_where_1_3_is_required);
    tcase_add_loop_test(handshakes, refusal_of_our_certificate_is_told, 0, 2);
    tcase_add_test(handshakes, tls_1_1_is_refused);
    tcase_add_test(handshakes, configured_ciphers_are_offered);
    tcase_add_test(handshakes, ciphers_without_aead_are_refused_by_default);
    tcase_add_test(handshakes, alpn_without_xmpp_is_refused_on_direct_tls);
    tcase_add_test(handshakes, alpn_of_several_chooses_xmpp);
    tcase_add_test(streams, what_left_is_not_unsent_because_more_could_not_leave);
    tcase_add_test(streams, a_megabyte_each_way);
    tcase_add_test(streams, close_writes_everything_and_says_goodbye);
    tcase_add_test(streams, close_from_within_data_delivers_no_more);
    tcase_add_test(streams, finish_within_data_hears_all_that_was_on_its_way);
    tcase_add_test(streams, starts_within_a_data_event);
    tcase_add_test(streams, key_updates_are_answered);
    tcase_add_test(attacks, client_hello_comes_a_byte_at_a_time);
    tcase_add_loop_test(attacks, garbage_ends_the_conn, 0, XF_ARRAY_LEN(garbage_rows));
    tcase_add_test(attacks, peer_that_leaves_in_the_handshake_is_eof);
    tcase_add_test(attacks, endless_handshake_ends);
    tcase_add_test(attacks, renegotiation_is_refused);
    tcase_add_test(attacks, flood_of_key_updates_ends_the_conn);
    tcase_add_test(attacks, flood_of_key_updates_among_content_ends_the_conn);
    tcase_add_test(attacks, conn_that_dies_while_a_step_is_out);
    tcase_add_loop_test(attacks, close_while_a_step_is_out, 0, 2);
    tcase_add_test(attacks, loop_is_freed_while_a_step_is_out);
}

int main(void)
{
    static const char *const names[] = {"handshakes", "streams", "attacks", "lifetimes"};
    Suite *suite = suite_create("tls/tls");
    TCase *cases[XF_ARRAY_LEN(names)];

    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++) {
        cases[i] = tcase_create(names[i]);
        tcase_add_unchecked_fixture(cases[i], make_world, free_world);
        tcase_add_checked_fixture(cases[i], set_up, tear_down);
        tcase_set_timeout(cases[i], 30);
        suite_add_tcase(suite, cases[i]);
    }
    add_tests(cases[0], cases[1], cases[2]);
    tcase_add_test(cases[3], set_may_go_during_the_handshake); /* alone: it uses up the world */
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
