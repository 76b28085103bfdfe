/* SPDX-License-Identifier: MIT */
/*
 * test_later.c — judging an established conn: on the thread pool, while the stream goes on, closes
 * or dies.
 */
#include <check.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/tls/tls.h>

#include "certs.h"
#include "ends.h"

static struct bench bench;
static struct xf_tls_store *default_store, *private_store;
static struct xf_tls_identities *server_set, *client_set, *bare_set;
static struct xf_tls_request client_request, server_request;
static int judged, judged_again;

static struct xf_tls_store *store_of(const struct cert *anchor)
{
    struct xf_tls_store *made = NULL;
    char *path = pem_file("ca.pem", (const struct cert *[]){anchor, NULL}, NULL);

    ck_assert_int_eq(xf_tls_store_load(path, &made, NULL), XF_ERR_OK);
    free(path);
    return made;
}

static struct xf_tls_identities *set_of(const char *domain, const struct cert *issuer)
{
    struct xf_tls_identities *set = xf_tls_identities_new(default_store);
    struct xf_tls_identity *identity = NULL;
    char *san = xf_asprintf("DNS:%s", domain);
    struct cert leaf = cert_make(&(struct cert_spec){.issuer = issuer, .cn = "x", .san = san});
    char *path = pem_file("id.pem", (const struct cert *[]){&leaf, NULL}, &leaf);

    ck_assert_int_eq(xf_tls_identity_load(path, path, &identity, NULL), XF_ERR_OK);
    xf_tls_identities_set(set, xf_span_of(domain), identity);
    xf_tls_identities_add_store(set, "private.pem", private_store);
    xf_tls_identity_unref(&identity);
    cert_free(&leaf);
    free(path);
    xf_free(san);
    return set;
}

/* The server's authority is the default one, the client's is private. */
static void make_world(void)
{
    struct cert root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    struct cert own = cert_make(&(struct cert_spec){.cn = "Private", .is_ca = 1});

    default_store = store_of(&root);
    private_store = store_of(&own);
    server_set = set_of("a.example", &root);
    client_set = set_of("c.example", &own);
    bare_set = xf_tls_identities_new(default_store);
    cert_free(&root);
    cert_free(&own);
}

static void free_world(void)
{
    xf_tls_identities_unref(&server_set);
    xf_tls_identities_unref(&client_set);
    xf_tls_identities_unref(&bare_set);
    xf_tls_store_unref(&default_store);
    xf_tls_store_unref(&private_store);
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
    server_request = (struct xf_tls_request){.identities = server_set,
                                             .local = XF_SPAN("a.example"),
                                             .is_server = true,
                                             .judge_later = true};
    client_request = (struct xf_tls_request){
        .identities = client_set, .local = XF_SPAN("c.example"), .peer = XF_SPAN("a.example")};
    judged = judged_again = 0;
}

static void tear_down(void)
{
    bench_close(&bench);
}

static bool both_secured(struct bench *b)
{
    return b->client.secured > 0 && b->server.secured > 0;
}

static bool is_judged(struct bench *b)
{
    (void)b;
    return judged > 0;
}

static void on_judged(void *owner)
{
    ck_assert_ptr_eq(owner, &judged);
    judged++;
}

static const struct xf_tls_basis by_default = {.ca_file = NULL};
static const struct xf_tls_basis by_private = {.ca_file = "private.pem",
                                               .domain = XF_SPAN_INIT("c.example")};

static void judge(struct end *end, const struct xf_tls_basis *basis)
{
    judged = 0;
    xf_tls_judge(end->conn, basis, on_judged, &judged);
    ck_assert_int_eq(judged, 0); /* never from within */
    bench_run_until(&bench, is_judged, "judged");
    ck_assert_int_eq(judged, 1);
}

START_TEST(server_is_not_judged_before_it_is_asked)
{
    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    const struct xf_tls_facts *seen = bench.server.facts;
    ck_assert(!seen->is_judged);
    ck_assert_int_eq(seen->chain, XF_CERT_BAD);
    ck_assert_str_eq(seen->chain_text, "not judged");
    ck_assert(xf_tls_facts_name(seen, XF_SPAN("c.example")));
    judge(&bench.server, &by_private);
    ck_assert(seen->is_judged);
    ck_assert_int_eq(seen->chain, XF_CERT_TRUSTED);
    ck_assert_str_eq(seen->chain_text, "");
    ck_assert_str_eq(seen->ca_file, "private.pem");
    ck_assert_ptr_null(seen->dane_domain);
    ck_assert(bench.client.facts->is_judged);
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

START_TEST(server_may_be_judged_with_the_handshake)
{
    server_request.judge_later = false;
    server_request.basis = by_private;
    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    ck_assert(bench.server.facts->is_judged);
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

START_TEST(judges_again_on_another_basis)
{
    static const struct xf_tls_basis unknown = {.ca_file = "unknown.pem"};

    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    const struct xf_tls_facts *seen = bench.server.facts;
    judge(&bench.server, &by_private);
    ck_assert_int_eq(seen->chain, XF_CERT_TRUSTED);
    judge(&bench.server, &by_default);
    ck_assert_int_eq(seen->chain, XF_CERT_BAD);
    ck_assert_str_eq(seen->chain_text, "unable to get local issuer certificate");
    ck_assert_ptr_null(seen->ca_file);
    judge(&bench.server, &unknown);
    ck_assert_int_eq(seen->chain, XF_CERT_BAD);
    ck_assert_str_eq(seen->chain_text, "the authorities of unknown.pem are not loaded");
    judge(&bench.client, &by_default);
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_TRUSTED);
    judge(&bench.client, &by_private);
    ck_assert_int_eq(bench.client.facts->chain, XF_CERT_BAD);
}
END_TEST

/* As after a reload: the anchors of later identities count, and are kept. */
START_TEST(judges_again_by_later_identities)
{
    struct xf_tls_identities *later = xf_tls_identities_new(private_store);
    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    const struct xf_tls_facts *seen = bench.server.facts;
    judge(&bench.server, &by_default);
    ck_assert_int_eq(seen->chain, XF_CERT_BAD);
    judge(&bench.server, &(struct xf_tls_basis){.identities = later});
    xf_tls_identities_unref(&later);
    ck_assert_int_eq(seen->chain, XF_CERT_TRUSTED);
    judge(&bench.server, &by_default);
    ck_assert_int_eq(seen->chain, XF_CERT_TRUSTED);
    judge(&bench.server, &(struct xf_tls_basis){.identities = server_set});
    ck_assert_int_eq(seen->chain, XF_CERT_BAD);
}
END_TEST

START_TEST(no_certificate_stays_none)
{
    client_request.identities = bare_set;
    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_NONE);
    judge(&bench.server, &by_private);
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_NONE);
    ck_assert(!bench.server.facts->is_judged);
}
END_TEST

/* Texts of a basis need not outlive the call. */
START_TEST(basis_is_copied)
{
    char ca_file[] = "private.pem", domain[] = "c.example", target[] = "x1.example";
    const char *targets[] = {target};
    const struct xf_tls_basis basis = {
        .ca_file = ca_file, .domain = xf_span_of(domain), .targets = targets, .target_count = 1};

    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    xf_tls_judge(bench.server.conn, &basis, on_judged, &judged);
    memset(ca_file, '#', sizeof(ca_file) - 1);
    memset(domain, '#', sizeof(domain) - 1);
    memset(target, '#', sizeof(target) - 1);
    bench_run_until(&bench, is_judged, "judged");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_TRUSTED);
    ck_assert_str_eq(bench.server.facts->ca_file, "private.pem");
    ck_assert_str_eq(bench.server.facts->dane_domain, "c.example");
    ck_assert_uint_eq(bench.server.facts->target_count, 1);
    ck_assert_str_eq(bench.server.facts->targets[0], "x1.example");
}
END_TEST

/* ---- the conn goes on meanwhile */

static void say_judge_say(struct end *end)
{
    end_say(end, "before");
    xf_tls_judge(end->conn, &by_private, on_judged, &judged);
    end_say(end, "after");
}

static bool client_got_all(struct bench *b)
{
    return judged > 0 && b->client.got_bytes == strlen("beforeafter");
}

START_TEST(stream_goes_on_while_it_is_judged)
{
    bench.server.on_secured = say_judge_say;
    bench_connect(&bench);
    bench_run_until(&bench, client_got_all, "data and judgement");
    ck_assert_int_eq(bench.server.facts->chain, XF_CERT_TRUSTED);
}
END_TEST

static void judge_and_close(struct end *end)
{
    xf_tls_judge(end->conn, &by_private, on_judged, &judged);
    xf_conn_close(end->conn, (unsigned)(uintptr_t)end->more);
}

/* At once, or with time to linger: the judgement ends in a conn that closes, or after it died. */
START_TEST(close_while_the_judgement_is_out)
{
    bench.server.on_secured = judge_and_close;
    bench.server.more = (void *)(uintptr_t)(_i == 0 ? 0 : 3000);
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_int_eq(judged, 0);
}
END_TEST

static void close_and_judge(struct end *end)
{
    xf_conn_close(end->conn, 3000);
    xf_tls_judge(end->conn, &by_private, on_judged, &judged);
}

START_TEST(closing_conn_is_not_judged)
{
    bench.server.on_secured = close_and_judge;
    bench_connect(&bench);
    bench_run_until(&bench, both_closed, "closed");
    ck_assert_int_eq(judged, 0);
}
END_TEST

static void judge_again(void *owner)
{
    struct end *end = owner;

    if (++judged_again < 40)
        xf_tls_judge(end->conn, judged_again % 2 ? &by_default : &by_private, judge_again, end);
}

static void judge_often(struct end *end)
{
    xf_tls_judge(end->conn, end->conn->tls->is_server ? &by_private : &by_default, judge_again,
                 end);
}

static bool judged_often(struct bench *b)
{
    (void)b;
    return judged_again >= 40;
}

/* Two pool threads work on one certificate store, and `done` may ask for the next. */
START_TEST(both_ends_are_judged_again_and_again)
{
    bench.client.on_secured = judge_often;
    bench.server.on_secured = judge_often;
    bench_connect(&bench);
    bench_run_until(&bench, judged_often, "40 judgements");
}
END_TEST

START_TEST(loop_is_freed_while_the_judgement_is_out)
{
    bench_connect(&bench);
    bench_run_until(&bench, both_secured, "secured");
    xf_tls_judge(bench.server.conn, &by_private, on_judged, &judged);
    /* tear_down closes and frees now */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls/later");
    TCase *tc = tcase_create("later");

    tcase_add_unchecked_fixture(tc, make_world, free_world);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, server_is_not_judged_before_it_is_asked);
    tcase_add_test(tc, server_may_be_judged_with_the_handshake);
    tcase_add_test(tc, judges_again_on_another_basis);
    tcase_add_test(tc, judges_again_by_later_identities);
    tcase_add_test(tc, no_certificate_stays_none);
    tcase_add_test(tc, basis_is_copied);
    tcase_add_test(tc, stream_goes_on_while_it_is_judged);
    tcase_add_loop_test(tc, close_while_the_judgement_is_out, 0, 2);
    tcase_add_test(tc, closing_conn_is_not_judged);
    tcase_add_test(tc, both_ends_are_judged_again_and_again);
    tcase_add_test(tc, loop_is_freed_while_the_judgement_is_out);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
