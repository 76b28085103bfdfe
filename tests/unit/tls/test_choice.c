/* SPDX-License-Identifier: MIT */
/* test_choice.c — which of our certificates a peer sees, and which ciphers an old one may have. */
#include <check.h>
#include <stdlib.h>

#include <xfed/tls/tls.h>

#include "peer.h"

static struct bench bench;
static struct peer peer;
static struct cert root, peer_leaf, ec_leaf;
static struct xf_tls_store *store;
static struct xf_tls_identities *set;
static struct xf_tls_request request; /* of our side */

static void add(const char *domain, enum cert_key key)
{
    struct xf_tls_identity *identity = NULL;
    struct cert leaf =
        cert_make(&(struct cert_spec){.issuer = &root, .cn = domain, .key = key, .san = "DNS:x"});
    char *path = pem_file("id.pem", (const struct cert *[]){&leaf, NULL}, &leaf);

    ck_assert_int_eq(xf_tls_identity_load(path, path, &identity, NULL), XF_ERR_OK);
    xf_tls_identities_set(set, xf_span_of(domain), identity);
    xf_tls_identity_unref(&identity);
    cert_free(&leaf);
    free(path);
}

/* two.example has both kinds, ec.example and rsa.example one. */
static void make_world(void)
{
    root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    peer_leaf = cert_make(
        &(struct cert_spec){.issuer = &root, .cn = "peer", .san = "DNS:p", .key = CERT_RSA2048});
    ec_leaf = cert_make(&(struct cert_spec){.issuer = &root, .cn = "peer"});
    ck_assert_int_eq(xf_tls_store_load("", &store, NULL), XF_ERR_OK);
    set = xf_tls_identities_new(store);
    add("two.example", CERT_RSA2048);
    add("two.example", CERT_P256);
    add("ec.example", CERT_P256);
    add("m\xc3\xbcnchen.example", CERT_P256);
    add("rsa.example", CERT_P256);
    add("rsa.example", CERT_RSA2048);
    add("rsa.example", CERT_RSA2048); /* in place of the one before */
}

static void free_world(void)
{
    xf_tls_identities_unref(&set);
    xf_tls_store_unref(&store);
    cert_free(&root);
    cert_free(&peer_leaf);
    cert_free(&ec_leaf);
    pem_remove_all();
}

static void start(struct end *end)
{
    xf_tls_start(end->conn, &request);
}

static void set_up(void)
{
    bench_open(&bench);
    bench.server.on_up = start;
    bench.client.on_up = start;
    request = (struct xf_tls_request){.identities = set, .local = XF_SPAN("two.example")};
    peer_open(&peer, &peer_leaf, NULL);
}

static void tear_down(void)
{
    peer_close(&peer);
    bench_close(&bench);
}

/* The peer's handshake may end before ours is told. */
static bool is_over(struct bench *b)
{
    bool is_peer_done = peer_shakes(&peer);
    bool is_done = b->server.secured + b->client.secured > 0;

    return (is_peer_done && is_done) || b->server.closed + b->client.closed > 0;
}

static void meet(const char *label)
{
    if (request.is_server) {
        peer_connect(&peer, &bench);
    } else {
        peer_listen(&peer, &bench);
        bench_connect(&bench);
    }
    bench_run_until(&bench, is_over, label);
}

/* "RSA", "EC", or "" without. */
static const char *kind_of(SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);

    return cert ? EVP_PKEY_get0_type_name(X509_get0_pubkey(cert)) : "";
}

/* clang-format off */
static const struct {
    const char *label, *sni, *peer_likes; /* signature algorithms of the peer */
    int version;
    const char *want; /* "FAIL": no handshake */
} server_rows[] = {
    {"both, ECDSA only", "two.example", "ECDSA+SHA256", TLS1_3_VERSION, "EC"},
    {"both, RSA only", "two.example", "RSA-PSS+SHA256", TLS1_3_VERSION, "RSA"},
    {"both, no preference", "two.example", NULL, TLS1_3_VERSION, "EC"},
    {"both, TLS 1.2, ECDSA only", "two.example", "ECDSA+SHA256", TLS1_2_VERSION, "EC"},
    {"both, TLS 1.2, RSA only", "two.example", "RSA+SHA256", TLS1_2_VERSION, "RSA"},
    {"one, of another kind", "ec.example", "RSA-PSS+SHA256", TLS1_3_VERSION, "FAIL"},
    {"one", "ec.example", "ECDSA+SHA256", TLS1_3_VERSION, "EC"},
    {"one, in A-labels", "xn--mnchen-3ya.example", "RSA-PSS+SHA256", TLS1_3_VERSION, "FAIL"},
    {"one, in A-labels and upper case", "XN--Mnchen-3YA.Example", "ECDSA+SHA256", TLS1_3_VERSION, "EC"},
    {"unknown name", "unknown.example", "RSA-PSS+SHA256", TLS1_3_VERSION, "RSA"},
};
/* clang-format on */

START_TEST(server_shows_what_the_peer_can_verify)
{
    const char *likes = server_rows[_i].peer_likes;

    request.is_server = true;
    SSL_CTX_set_min_proto_version(peer.context, server_rows[_i].version);
    SSL_CTX_set_max_proto_version(peer.context, server_rows[_i].version);
    if (likes)
        ck_assert_int_eq(SSL_CTX_set1_sigalgs_list(peer.context, likes), 1);
    if (likes && strncmp(likes, "ECDSA", 5) == 0) /* it signs with what it likes, too */
        SSL_CTX_use_cert_and_key(peer.context, ec_leaf.x509, ec_leaf.key, NULL, 1);
    peer_connect(&peer, &bench);
    SSL_set_tlsext_host_name(peer.ssl, server_rows[_i].sni);
    bench_run_until(&bench, is_over, server_rows[_i].label);
    if (strcmp(server_rows[_i].want, "FAIL") == 0)
        ck_assert_msg(bench.server.secured == 0, "%s", server_rows[_i].label);
    else
        ck_assert_msg(strcmp(kind_of(peer.ssl), server_rows[_i].want) == 0, "%s: %s",
                      server_rows[_i].label, kind_of(peer.ssl));
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *local, *peer_likes, *want;
} client_rows[] = {
    {"both, ECDSA only", "two.example", "ECDSA+SHA256", "EC"},
    {"both, RSA only", "two.example", "RSA-PSS+SHA256", "RSA"},
    {"one", "ec.example", "ECDSA+SHA256", "EC"},
    {"one, of another kind", "ec.example", "RSA-PSS+SHA256", ""}, /* none is shown: dialback remains */
    {"not served", "unknown.example", NULL, ""},
};
/* clang-format on */

static int accept_any(X509_STORE_CTX *task, void *unused)
{
    (void)task;
    (void)unused;
    return 1;
}

START_TEST(client_shows_what_the_peer_can_verify)
{
    request.local = xf_span_of(client_rows[_i].local);
    SSL_CTX_set_verify(peer.context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(peer.context, accept_any, NULL);
    if (client_rows[_i].peer_likes)
        ck_assert_int_eq(SSL_CTX_set1_client_sigalgs_list(peer.context, client_rows[_i].peer_likes),
                         1);
    meet(client_rows[_i].label);
    ck_assert_msg(bench.client.secured == 1, "%s: %s", client_rows[_i].label, bench.client.detail);
    ck_assert_msg(strcmp(kind_of(peer.ssl), client_rows[_i].want) == 0, "%s: %s",
                  client_rows[_i].label, kind_of(peer.ssl));
}
END_TEST

static const struct {
    const char *label, *peer, *want; /* NULL: no server name */
} name_rows[] = {
    {"a name", "b.example", "b.example"},
    {"U-labels", "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example"},
    {"an address", "[::1]", NULL},
};

/* RFC 6066 section 3: the server name is in A-labels. */
START_TEST(client_asks_for_the_name_in_a_labels)
{
    const char *want = name_rows[_i].want, *name;

    request.peer = xf_span_of(name_rows[_i].peer);
    meet(name_rows[_i].label);
    ck_assert_msg(bench.client.secured == 1, "%s: %s", name_rows[_i].label, bench.client.detail);
    name = SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name);
    ck_assert_msg(want ? name && strcmp(name, want) == 0 : !name, "%s: %s", name_rows[_i].label,
                  name ? name : "none");
}
END_TEST

#define OLD_PEER "AES128-SHA:ECDHE-RSA-AES256-SHA384"

/* clang-format off */
static const struct {
    const char *label, *peer_has, *ours;
    const char *want; /* NULL: no handshake */
} cipher_rows[] = {
    {"RSA key exchange, allowed", "AES128-SHA", OLD_PEER, "TLS_RSA_WITH_AES_128_CBC_SHA"},
    {"RSA key exchange, not allowed", "AES128-SHA", NULL, NULL},
    {"CBC, allowed", "ECDHE-RSA-AES256-SHA384", OLD_PEER, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
    {"CBC, not allowed", "ECDHE-RSA-AES256-SHA384", NULL, NULL},
    {"another CBC, not allowed", "ECDHE-RSA-AES128-SHA", OLD_PEER, NULL},
    {"RSA key exchange with GCM, not allowed", "AES128-GCM-SHA256", NULL, NULL},
    {"default", "ECDHE-RSA-AES128-GCM-SHA256", NULL, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    {"no encryption, whatever is asked for", "NULL-SHA256", "NULL-SHA256:AES128-SHA:@SECLEVEL=0", NULL},
    {"no certificate, whatever is asked for", "ADH-AES128-GCM-SHA256", "ADH-AES128-GCM-SHA256:AES128-SHA:@SECLEVEL=0", NULL},
};
/* clang-format on */

/* An old peer has TLS 1.2 only; in both roles. */
START_TEST(old_ciphers_are_there_only_when_they_are_asked_for)
{
    size_t i = (size_t)_i / 2;

    request.is_server = _i % 2;
    request.local = XF_SPAN("rsa.example");
    request.ciphers = cipher_rows[i].ours;
    SSL_CTX_set_max_proto_version(peer.context, TLS1_2_VERSION);
    ck_assert_int_eq(SSL_CTX_set_cipher_list(peer.context, cipher_rows[i].peer_has), 1);
    meet(cipher_rows[i].label);
    const struct end *end = request.is_server ? &bench.server : &bench.client;
    if (!cipher_rows[i].want) {
        ck_assert_msg(end->secured == 0 && end->how == XF_CONN_END_TLS, "%s", cipher_rows[i].label);
    } else {
        ck_assert_msg(end->secured == 1, "%s: %s", cipher_rows[i].label, end->detail);
        ck_assert_str_eq(end->facts->cipher, cipher_rows[i].want);
    }
}
END_TEST

/* A set of ours for a peer that has TLS 1.3 stays with TLS 1.3. */
START_TEST(old_ciphers_do_not_pull_a_modern_peer_down)
{
    request.is_server = _i;
    request.ciphers = OLD_PEER;
    meet("TLS 1.3");
    ck_assert_str_eq((_i ? bench.server.facts : bench.client.facts)->version, "TLSv1.3");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/choice");
    TCase *tc = tcase_create("choice");

    tcase_add_unchecked_fixture(tc, make_world, free_world);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, server_shows_what_the_peer_can_verify, 0,
                        (int)XF_ARRAY_LEN(server_rows));
    tcase_add_loop_test(tc, client_shows_what_the_peer_can_verify, 0,
                        (int)XF_ARRAY_LEN(client_rows));
    tcase_add_loop_test(tc, client_asks_for_the_name_in_a_labels, 0, XF_ARRAY_LEN(name_rows));
    tcase_add_loop_test(tc, old_ciphers_are_there_only_when_they_are_asked_for, 0,
                        2 * (int)XF_ARRAY_LEN(cipher_rows));
    tcase_add_loop_test(tc, old_ciphers_do_not_pull_a_modern_peer_down, 0, 2);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
