/* SPDX-License-Identifier: MIT */
/*
 * bench_tls.c — what a TLS conn costs: memory while idle, CPU to set up, CPU per record.
 *
 *     bench_tls [PAIRS]      500 when left out; twice as many descriptors are needed
 *
 * Both ends are in this process, with mutual P-256 certificates over one intermediate, so each
 * figure per side is half of what is measured. Memory is what malloc handed out (mallinfo2), kernel
 * buffers left out.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/tls/tls.h>

#include "certs.h"

#define ECHO_BYTES      300
#define ECHOES_PER_PAIR 4
#define BULK_BYTES      (64u << 20)

struct side {
    struct xf_conn *conn;
    bool is_server;
};

static struct xf_loop *loop;
static struct xf_tls_request server_request, client_request;
static struct side *sides; /* clients, then servers */
static size_t pairs = 500, started, secured, echoed, accepted, closed, bulk_bytes;
static struct xf_timer settle;

static double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double heap_kb(void)
{
    struct mallinfo2 all = mallinfo2();

    return (double)(all.uordblks + all.hblkhd) / 1024;
}

static void connect_next(void);

static void on_connected(void *owner)
{
    struct side *side = owner;

    xf_tls_start(side->conn, side->is_server ? &server_request : &client_request);
}

static void on_secured(void *owner)
{
    struct side *side = owner;

    if (!side->conn->tls || side->conn->tls->chain != XF_CERT_TRUSTED)
        abort();
    if (!side->is_server)
        connect_next();
    if (++secured == 2 * pairs)
        xf_loop_stop(loop);
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct side *side = owner;

    if (bulk_bytes > 0) {
        bulk_bytes = len < bulk_bytes ? bulk_bytes - len : 0;
        if (bulk_bytes == 0)
            xf_loop_stop(loop);
        return;
    }
    if (side->is_server) {
        xf_buf_append(&side->conn->out, bytes, len);
        xf_conn_flush_soon(side->conn);
    } else if (++echoed == pairs * ECHOES_PER_PAIR) {
        xf_loop_stop(loop);
    } else if (echoed % ECHOES_PER_PAIR != 0) {
        xf_buf_append(&side->conn->out, bytes, len);
        xf_conn_flush_soon(side->conn);
    }
}

static size_t bulk_left;

static void on_drained(void *owner)
{
    static const char piece[ECHO_BYTES];
    struct side *side = owner;

    while (bulk_left > 0 && !xf_conn_is_congested(side->conn)) {
        xf_buf_append(&side->conn->out, piece, sizeof(piece));
        bulk_left -= bulk_left < sizeof(piece) ? bulk_left : sizeof(piece);
    }
    xf_conn_flush_soon(side->conn);
}

static void on_closed(void *owner, enum xf_conn_end end, const char *detail)
{
    struct side *side = owner;

    if (end != XF_CONN_END_LOCAL && end != XF_CONN_END_EOF)
        fprintf(stderr, "closed: %s\n", detail);
    side->conn = NULL;
    if (++closed == 2 * pairs)
        xf_loop_stop(loop);
}

static const struct xf_conn_events events = {on_connected, on_secured, on_data, on_drained,
                                             on_closed};
static struct xf_addr addr;

static void on_accept(void *owner, struct xf_conn *conn)
{
    struct side *side = &sides[pairs + accepted++];

    (void)owner;
    *side = (struct side){conn, true};
    conn->events = &events;
    conn->owner = side;
    on_connected(side);
}

static void connect_next(void)
{
    if (started == pairs)
        return;
    struct side *side = &sides[started++];
    side->conn = xf_conn_connect(loop, &addr, NULL, 10000, &events, side);
}

static struct xf_tls_store *store;

static struct xf_tls_identities *make_set(const char *domain, const struct cert *root,
                                          const struct cert *middle)
{
    struct xf_tls_identity *identity = NULL;
    struct cert leaf =
        cert_make(&(struct cert_spec){.issuer = middle, .cn = domain, .san = "DNS:a.example"});
    char *ca = pem_file("ca.pem", (const struct cert *[]){root, NULL}, NULL);
    char *id = pem_file("id.pem", (const struct cert *[]){&leaf, middle, NULL}, &leaf);

    if ((!store && xf_tls_store_load(ca, &store, NULL) != XF_ERR_OK) ||
        xf_tls_identity_load(id, id, &identity, NULL) != XF_ERR_OK)
        abort();
    struct xf_tls_identities *set = xf_tls_identities_new(store);
    xf_tls_identities_set(set, xf_span_of(domain), identity);
    xf_tls_identity_unref(&identity);
    cert_free(&leaf);
    free(ca);
    free(id);
    return set;
}

static void on_settled(void *owner)
{
    (void)owner;
    xf_loop_stop(loop);
}

static void settle_down(void)
{
    xf_timer_init(&settle, on_settled, NULL);
    xf_timer_start(xf_loop_timers(loop), &settle, 2500); /* past net's sweep of buffers */
    xf_loop_run(loop);
}

static void measure_setup(void)
{
    double before_kb = heap_kb(), before_s = cpu_s();

    for (int i = 0; i < 8; i++)
        connect_next();
    xf_loop_run(loop);
    printf("setup   %8.0f us CPU a side (TCP, handshake, verification)\n",
           (cpu_s() - before_s) * 1e6 / (double)(2 * pairs));
    settle_down();
    printf("idle    %8.1f KB a conn after the handshake\n",
           (heap_kb() - before_kb) / (double)(2 * pairs));
    for (size_t i = 0; i < pairs; i++) {
        static const char piece[ECHO_BYTES];
        xf_buf_append(&sides[i].conn->out, piece, sizeof(piece));
        xf_conn_flush_soon(sides[i].conn);
    }
    before_s = cpu_s();
    xf_loop_run(loop);
    printf("echo    %8.1f us CPU a side and message of %d bytes, each alone\n",
           (cpu_s() - before_s) * 1e6 / (double)(2 * pairs * ECHOES_PER_PAIR), ECHO_BYTES);
    settle_down();
    printf("idle    %8.1f KB a conn after traffic\n",
           (heap_kb() - before_kb) / (double)(2 * pairs));
}

static void measure_bulk(void)
{
    double before_s = cpu_s();

    bulk_bytes = bulk_left = BULK_BYTES;
    on_drained(&sides[0]);
    xf_loop_run(loop);
    double took_s = cpu_s() - before_s;
    printf("bulk    %8.2f us CPU a message of %d bytes, both sides together; %.0f MB/s\n",
           took_s * 1e6 * ECHO_BYTES / BULK_BYTES, ECHO_BYTES, BULK_BYTES / took_s / 1e6);
}

int main(int argc, char **argv)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct xf_addr any = xf_addr_from_v4(loopback, 0);
    struct xf_listener *listener = NULL;
    struct cert root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    struct cert middle =
        cert_make(&(struct cert_spec){.issuer = &root, .cn = "Middle", .is_ca = 1});

    if (argc > 1)
        pairs = strtoul(argv[1], NULL, 10);
    mallopt(M_ARENA_MAX, 2);
    loop = xf_loop_new();
    sides = xf_alloc(2 * pairs * sizeof(*sides));
    server_request = (struct xf_tls_request){.identities = make_set("a.example", &root, &middle),
                                             .local = XF_SPAN("a.example"),
                                             .is_server = true};
    client_request = (struct xf_tls_request){.identities = make_set("b.example", &root, &middle),
                                             .local = XF_SPAN("b.example"),
                                             .peer = XF_SPAN("a.example")};
    if (xf_listener_open(loop, &any, on_accept, NULL, &listener, NULL) != XF_ERR_OK)
        abort();
    xf_listener_addr(listener, &addr);
    measure_setup();
    measure_bulk();
    for (size_t i = 0; i < pairs; i++)
        xf_conn_close(sides[i].conn, 5000);
    xf_loop_run(loop);
    xf_listener_close(&listener);
    xf_loop_free(&loop);
    xf_tls_identities_unref(&server_request.identities);
    xf_tls_identities_unref(&client_request.identities);
    xf_tls_store_unref(&store);
    cert_free(&root);
    cert_free(&middle);
    pem_remove_all();
    xf_free(sides);
    return EXIT_SUCCESS;
}
