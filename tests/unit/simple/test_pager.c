/* SPDX-License-Identifier: MIT */
/*
 * Messages of ours: each is delivered or bounced exactly once, whatever happens to conns and
 * answers; none is sent twice, and one at a time is under way to a recipient.
 */
#include "fake_conn.h"
#include "stage.h"

#include <check.h>
#include <stdlib.h>
#include <xfed/base/alloc.h>

#define ROUNDS     4000
#define RECIPIENTS 5
#define SERVER     "192.0.2.1:5060"

static const char peers[] =
    "peer \"b.example\" { protocol = sip sip-transport = tcp sip-from = {192.0.2.1} "
    "route = {\"" SERVER "\"} queue-stanzas = 20 queue-time = 50s }\n";

static struct xf_stanza_sum waiting;
static size_t room_bytes;

/* By the number that is the id of a message and its body. */
static unsigned sent[ROUNDS], delivered[ROUNDS], bounced[ROUNDS];
static enum xf_stanza_error last_error;

/* What the peer has not answered. */
static struct asked {
    char *request; /* NULL: none */
    struct fake_conn *conn;
} open_requests[RECIPIENTS];

static unsigned long number_of(struct xf_span id)
{
    char text[16] = "";
    ck_assert(id.len < sizeof(text));
    memcpy(text, id.ptr, id.len);
    return strtoul(text, NULL, 10);
}

static enum xf_simple_taken on_stanza(void *owner, struct xf_stanza *stanza, uint64_t *out_wait_ms)
{
    (void)owner;
    (void)stanza;
    (void)out_wait_ms;
    ck_abort_msg("nobody sends us anything");
    return XF_SIMPLE_TAKEN;
}

static void on_delivered(void *owner, const struct xf_stanza *stanza)
{
    (void)owner;
    delivered[number_of(stanza->id)]++;
}

static void on_bounced(void *owner, const struct xf_stanza *stanza, enum xf_stanza_error error,
                       struct xf_span address, const char *text)
{
    (void)owner;
    (void)address;
    ck_assert_ptr_nonnull(text);
    last_error = error;
    bounced[number_of(stanza->id)]++;
}

static size_t room(void *owner)
{
    (void)owner;
    return room_bytes;
}

static const struct xf_simple_events simple_events = {
    .stanza = on_stanza,
    .delivered = on_delivered,
    .bounced = on_bounced,
    .room = room,
};

static void set_up(void)
{
    room_bytes = SIZE_MAX;
    memset(sent, 0, sizeof(sent));
    memset(delivered, 0, sizeof(delivered));
    memset(bounced, 0, sizeof(bounced));
    stage_begin(peers, &simple_events, &waiting);
}

static void tear_down(void)
{
    stage_end();
    ck_assert_uint_eq(waiting.count, 0);
    ck_assert_uint_eq(waiting.bytes, 0);
    for (unsigned i = 0; i < RECIPIENTS; i++) {
        xf_free(open_requests[i].request);
        open_requests[i] = (struct asked){0};
    }
}

/* False: refused. */
static bool take(unsigned number, unsigned recipient, enum xf_stanza_error *out_error)
{
    char id[16], to[40], payload[80];
    const char *text;
    struct xf_stanza_scratch scratch;
    bool is_from;
    snprintf(id, sizeof(id), "%u", number);
    snprintf(to, sizeof(to), "r%u@b.example", recipient);
    snprintf(payload, sizeof(payload), "<body>no %u.</body>", number);
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE,
                               .raw_from = XF_SPAN("u@a.example"),
                               .raw_to = xf_span_of(to),
                               .id = xf_span_of(id),
                               .payload = xf_span_of(payload)};
    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    bool is_taken = xf_simple_take(simple, &stanza, out_error, &text);
    fake_env_run(&env);
    return is_taken;
}

/* ------------------------------------------------------------------ the peer's server */

/* Is this request the only one to its recipient that has no answer? */
static void note_request(struct fake_conn *conn, const char *at)
{
    const char *end = strstr(at, "\r\n\r\n"), *to = strstr(at, "sip:r"), *body = end + 4;
    unsigned long recipient = strtoul(to + 5, NULL, 10);
    unsigned long number = strtoul(body + 3, NULL, 10);
    struct asked *asked = &open_requests[recipient];
    ck_assert_msg(!asked->request || !asked->conn->conn, "two under way to r%lu", recipient);
    xf_free(asked->request);
    asked->request = xf_strndup(at, (size_t)(end - at) + 2);
    asked->conn = conn;
    sent[number]++;
    ck_assert_msg(sent[number] == 1, "%lu was sent twice", number);
}

static void read_requests(void)
{
    while (fake_dns_step(dns) > 0)
        fake_env_run(&env);
    struct fake_conn *conn = fake_conn_next(&env, SERVER);
    if (conn && conn->conn)
        fake_conn_connected(conn);
    XF_LIST_EACH (node, &env.conns) {
        struct fake_conn *one = XF_CONTAINER(node, struct fake_conn, node);
        for (const char *at = strstr(fake_conn_take(one), "MESSAGE sip:"); at;
             at = strstr(at + 1, "MESSAGE sip:"))
            note_request(one, at);
    }
}

static void answer(unsigned recipient, const char *status)
{
    static const char *const names[] = {"Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "};
    struct asked *asked = &open_requests[recipient];
    char text[2000];
    size_t len = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", status);
    if (!asked->request || !asked->conn->conn)
        return;
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++) {
        char *line = strstr(asked->request, names[i]);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s%s\r\n",
                                (int)strcspn(line, "\r"), line, i == 2 ? ";tag=t" : "");
    }
    len += (size_t)snprintf(text + len, sizeof(text) - len, "Content-Length: 0\r\n\r\n");
    xf_free(asked->request);
    asked->request = NULL;
    ck_assert(fake_conn_feed(asked->conn, text, len));
    fake_env_run(&env);
}

static void reset_all(void)
{
    XF_LIST_EACH (node, &env.conns) {
        struct fake_conn *conn = XF_CONTAINER(node, struct fake_conn, node);
        if (conn->conn)
            fake_conn_closed(conn, XF_CONN_END_RESET);
    }
    fake_env_run(&env);
}

/* Whose time is up is forgotten by the peer as well. */
static void let_time_pass(uint64_t ms)
{
    fake_env_advance(&env, ms);
    if (ms < XF_UA_T_MS)
        return;
    for (unsigned i = 0; i < RECIPIENTS; i++) {
        xf_free(open_requests[i].request);
        open_requests[i].request = NULL;
    }
}

static void happen(unsigned *random)
{
    unsigned what = (unsigned)rand_r(random) % 100, who = (unsigned)rand_r(random) % RECIPIENTS;
    if (what < 40)
        answer(who, "200 OK");
    else if (what < 55)
        answer(who, "404 Not Found");
    else if (what < 60)
        answer(who, "100 Trying");
    else if (what < 85)
        reset_all();
    else if (what < 87)
        (void)xf_simple_flush(simple, XF_SPAN("b.example"));
    else if (what < 98)
        let_time_pass((uint64_t)rand_r(random) % 2000);
    else
        let_time_pass(XF_UA_T_MS + 1000);
}

START_TEST(each_is_delivered_or_bounced_once)
{
    unsigned random = 4711;
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum xf_stanza_error error;
        if (!take(i, (unsigned)rand_r(&random) % RECIPIENTS, &error)) {
            ck_assert_int_eq(error, XF_STANZA_ERROR_RESOURCE_CONSTRAINT);
            bounced[i]++;
        }
        read_requests();
        happen(&random);
        read_requests();
    }
    for (unsigned i = 0; i < 20; i++) { /* what is left comes back by its age, or has an end */
        let_time_pass(XF_UA_T_MS + 1000);
        read_requests();
    }
    unsigned arrived = 0, lost = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        ck_assert_msg(delivered[i] + bounced[i] == 1, "%u: %u times delivered, %u bounced", i,
                      delivered[i], bounced[i]);
        ck_assert_msg(!delivered[i] || sent[i] == 1, "%u was never sent", i);
        arrived += delivered[i];
        lost += bounced[i];
    }
    /* All ways were taken. */
    ck_assert_uint_gt(arrived, ROUNDS / 10);
    ck_assert_uint_gt(lost, ROUNDS / 10);
    ck_assert_uint_eq(waiting.count, 0);
}
END_TEST

START_TEST(room_of_all_peers_together_counts)
{
    enum xf_stanza_error error = XF_STANZA_ERROR_GONE;
    ck_assert(take(0, 0, &error));
    ck_assert_uint_eq(waiting.count, 1);
    room_bytes = 100;
    ck_assert(!take(1, 1, &error));
    ck_assert_int_eq(error, XF_STANZA_ERROR_RESOURCE_CONSTRAINT);
    ck_assert_uint_eq(waiting.count, 1);
    ck_assert_uint_eq(bounced[1], 0); /* the caller tells the sender */
}
END_TEST

START_TEST(finish_bounces_what_waits)
{
    enum xf_stanza_error error = XF_STANZA_ERROR_GONE;
    for (unsigned i = 0; i < 3; i++)
        ck_assert(take(i, 0, &error));
    read_requests();
    xf_simple_finish(simple);
    ck_assert_uint_eq(bounced[0], 0);
    ck_assert_uint_eq(bounced[1] + bounced[2], 2);
    ck_assert_int_eq(last_error, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
    ck_assert(!take(3, 1, &error));
    ck_assert_int_eq(error, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
    read_requests();
    answer(0, "200 OK");
    ck_assert_uint_eq(delivered[0], 1);
}
END_TEST

/* ------------------------------------------------------------------ for operators */

static struct xf_simple_view seen(void)
{
    struct xf_simple_view view;
    xf_simple_view(simple, XF_SPAN("a.example"), XF_SPAN("b.example"), &view);
    return view;
}

START_TEST(shows_what_waits_and_flushes_it)
{
    enum xf_stanza_error error = XF_STANZA_ERROR_GONE;
    ck_assert_str_eq(seen().state, "sip-idle");
    for (unsigned i = 0; i < 4; i++)
        ck_assert(take(i, i / 3, &error)); /* three to one, and one to another */
    ck_assert_str_eq(seen().state, "sip-connecting");
    ck_assert_uint_eq(seen().sent.count, 2);
    ck_assert_uint_eq(seen().queued.count, 2);
    ck_assert_uint_eq(seen().sent.bytes + seen().queued.bytes, waiting.bytes);
    read_requests();
    ck_assert_str_eq(seen().state, "sip-asking");
    ck_assert_uint_eq(xf_simple_flush(simple, XF_SPAN("c.example")), 0);
    ck_assert_uint_eq(xf_simple_flush(simple, XF_SPAN("example")), 0);
    ck_assert_uint_eq(xf_simple_flush(simple, XF_SPAN("b.example")), 2);
    ck_assert_uint_eq(bounced[1] + bounced[2], 2);
    ck_assert_int_eq(last_error, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT);
    ck_assert_uint_eq(seen().queued.count, 0);
    ck_assert_uint_eq(seen().sent.count, 2); /* nobody knows yet whether the peer has them */
    answer(0, "200 OK");
    answer(1, "404 Not Found");
    ck_assert_uint_eq(delivered[0], 1);
    ck_assert_uint_eq(bounced[3], 1);
    ck_assert_str_eq(seen().state, "sip-open");
    ck_assert_uint_eq(seen().sent.count, 0);
}
END_TEST

START_TEST(shows_a_failure_and_retries)
{
    enum xf_stanza_error error = XF_STANZA_ERROR_GONE;
    ck_assert(!xf_simple_retry(simple, XF_SPAN("b.example")));
    ck_assert(take(0, 0, &error));
    while (fake_dns_step(dns) > 0)
        fake_env_run(&env);
    fake_conn_closed(fake_conn_next(&env, SERVER), XF_CONN_END_REFUSED);
    fake_env_run(&env);
    ck_assert_uint_eq(bounced[0], 1);
    ck_assert_str_eq(seen().state, "sip-failing");
    ck_assert_str_eq(seen().cause, "connect");
    ck_assert_uint_eq(seen().retry_ms, 1000);
    ck_assert_ptr_nonnull(strstr(seen().text, "no server of the domain is reached"));
    ck_assert(xf_simple_retry(simple, XF_SPAN("b.example")));
    ck_assert_str_eq(seen().state, "sip-idle");
    ck_assert_ptr_null(seen().cause);
    ck_assert(take(1, 0, &error)); /* it connects at once */
    read_requests();
    answer(0, "200 OK");
    ck_assert_uint_eq(delivered[1], 1);
}
END_TEST

static void note_conn(void *owner, const struct xf_ua_conn_view *view)
{
    struct xf_ua_conn_view *out = owner;
    *out = *view;
}

START_TEST(shows_and_closes_conns)
{
    enum xf_stanza_error error = XF_STANZA_ERROR_GONE;
    struct xf_ua_conn_view conn = {0};
    uint64_t at = 0;
    ck_assert(take(0, 0, &error));
    read_requests();
    ck_assert(!xf_simple_view_conns(simple, &at, 10, note_conn, &conn));
    ck_assert_str_eq(conn.peer, "b.example");
    ck_assert_str_eq(conn.state, "open");
    ck_assert_int_eq(conn.dir, XF_UA_OUT);
    ck_assert_uint_eq(conn.asked, 1);
    ck_assert_uint_eq(xf_simple_close_peer(simple, XF_SPAN("c.example")), 0);
    ck_assert_uint_eq(xf_simple_close_conn(simple, conn.number + 1), 0);
    ck_assert_uint_eq(xf_simple_close_conn(simple, conn.number), 1);
    ck_assert_uint_eq(xf_simple_close_peer(simple, XF_SPAN("b.example")), 0); /* it is closing */
    fake_env_run(&env);
    ck_assert_uint_eq(bounced[0], 1);
    at = 0;
    conn = (struct xf_ua_conn_view){0};
    ck_assert(!xf_simple_view_conns(simple, &at, 10, note_conn, &conn));
    ck_assert_uint_eq(conn.number, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simple/pager");
    TCase *tc = tcase_create("pager");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, each_is_delivered_or_bounced_once);
    tcase_add_test(tc, room_of_all_peers_together_counts);
    tcase_add_test(tc, finish_bounces_what_waits);
    tcase_add_test(tc, shows_what_waits_and_flushes_it);
    tcase_add_test(tc, shows_a_failure_and_retries);
    tcase_add_test(tc, shows_and_closes_conns);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
