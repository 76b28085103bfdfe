/* SPDX-License-Identifier: MIT */
/*
 * test_gate.c — streams that wait for the link go on when it has room, and wait again when it has
 * none; what was read of them is not lost with their connection.
 */
#include <check.h>
#include <limits.h>
#include <stdlib.h>

#include "fake_conn.h"
#include "in_priv.h"
#include "out_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/ns.h>

#define HEADER                                                                              \
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " \
    "version='1.0'>"
#define MESSAGE "<message from='v@b.example' to='u@a.example'/>"
#define GATES   3

struct way_in {
    struct xf_gate gate;
    struct xf_stream stream;
    struct fake_conn *conn;
    struct world *world;
};

struct world {
    struct fake_env env;
    struct xf_s2s s2s;
    struct way_in in[GATES];
    unsigned room, taken; /* stanzas that the link still takes; that it took */
};

static enum xf_s2s_taken take(void *owner, struct xf_stanza *stanza, bool goes_on,
                              const char **out_text)
{
    struct world *world = owner;
    (void)stanza;
    (void)goes_on;
    (void)out_text;
    world->taken++;
    if (world->room > 0)
        world->room--;
    return world->room > 0 ? XF_S2S_TAKEN : XF_S2S_FULL;
}

static bool yes(struct xf_gate *gate)
{
    (void)gate;
    return true;
}

static bool any_pair(struct xf_gate *gate, struct xf_span local, struct xf_span peer)
{
    (void)gate;
    (void)local;
    (void)peer;
    return true;
}

static struct xf_counted *counted(struct xf_gate *gate)
{
    return &XF_CONTAINER(gate, struct way_in, gate)->world->s2s.counting.others;
}

static const struct xf_gate_ops ops = {.is_open = yes, .has_pair = any_pair, .counted = counted};
static const struct xf_s2s_events s2s_events = {.stanza = take};

static void on_header(struct xf_stream *stream, const struct xf_header *header)
{
    (void)stream;
    (void)header;
}

static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    struct way_in *in = XF_CONTAINER(stream, struct way_in, stream);
    xf_gate_stanza(&in->gate, &in->world->s2s, stanza, false);
}

static void on_ending(struct xf_stream *stream)
{
    struct way_in *in = XF_CONTAINER(stream, struct way_in, stream);
    xf_gate_ending(&in->gate, &in->world->s2s);
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    (void)stream;
    (void)end;
    (void)detail;
}

static const struct xf_stream_events stream_events = {.header = on_header,
                                                      .stanza = on_stanza,
                                                      .ending = on_ending,
                                                      .closed = on_closed};

static void setup(struct world *world)
{
    static const struct xf_reader_limits limits = {.stanza_bytes = 10000,
                                                   .control_bytes = 10000,
                                                   .start_tag_bytes = 10000,
                                                   .attributes = 32,
                                                   .depth = 8};
    *world = (struct world){0};
    fake_env_init(&world->env);
    world->s2s = (struct xf_s2s){.env = &world->env.env, .events = &s2s_events, .owner = world};
    xf_list_init(&world->s2s.paused);
    xf_list_init(&world->s2s.held);
    xf_rates_init(&world->s2s.rates, world->env.env.clock, world->env.env.timers, NULL, NULL);
    for (int i = 0; i < GATES; i++) {
        struct way_in *in = &world->in[i];
        in->world = world;
        in->conn = fake_conn_accepted(&world->env, "192.0.2.1:40000");
        xf_stream_init(&in->stream, &world->env.env, XF_NS_SERVER, &limits, UINT_MAX,
                       &stream_events);
        xf_stream_attach(&in->stream, in->conn->conn);
        xf_gate_init(&in->gate, &ops, &in->stream);
        fake_conn_feed_text(in->conn, HEADER);
    }
}

static void teardown(struct world *world)
{
    for (int i = 0; i < GATES; i++) {
        xf_stream_abort(&world->in[i].stream);
        fake_env_run(&world->env);
        xf_gate_fini(&world->in[i].gate);
        xf_stream_fini(&world->in[i].stream);
    }
    xf_rates_fini(&world->s2s.rates);
    fake_env_fini(&world->env);
}

/* Each brought one stanza, and waits for the link with two more that were read. */
static void make_wait(struct world *world)
{
    world->room = 0;
    for (int i = 0; i < GATES; i++) {
        struct way_in *in = &world->in[i];
        fake_conn_feed_text(in->conn, MESSAGE MESSAGE MESSAGE);
        ck_assert(in->conn->is_paused);
    }
    ck_assert_uint_eq(world->taken, GATES);
}

static bool waits(const struct way_in *in)
{
    return in->conn->is_paused && xf_list_is_linked(&in->gate.paused_node);
}

static bool goes_on(const struct way_in *in)
{
    return !in->conn->is_paused && !xf_list_is_linked(&in->gate.paused_node);
}

/* The first one's two stanzas fill the link; each of the others has one taken, and no more. */
START_TEST(one_that_fills_the_link_again_waits_again)
{
    struct world world;
    setup(&world);
    make_wait(&world);
    world.room = 2;
    xf_gate_resume_all(&world.s2s);
    ck_assert_uint_eq(world.taken, GATES + 2 + (GATES - 1));
    for (int i = 0; i < GATES; i++)
        ck_assert_msg(waits(&world.in[i]), "stream %d is read", i);
    world.room = 100;
    xf_gate_resume_all(&world.s2s);
    ck_assert_uint_eq(world.taken, 3 * GATES);
    for (int i = 0; i < GATES; i++)
        ck_assert_msg(goes_on(&world.in[i]), "stream %d is not read", i);
    ck_assert(xf_list_is_empty(&world.s2s.paused));
    teardown(&world);
}
END_TEST

/* It waits for the link and for its rate; whichever ends first, it goes on with the other. */
START_TEST(each_reason_to_wait_counts)
{
    struct world world;
    setup(&world);
    make_wait(&world);
    for (int i = 0; i < 2; i++)
        xf_list_push(&world.s2s.held, &world.in[i].gate.held_node);
    world.room = 100;
    world.in[0].gate.rate.go_on(&world.in[0].gate.rate);
    ck_assert_uint_eq(world.taken, GATES);
    xf_gate_resume_all(&world.s2s);
    ck_assert(goes_on(&world.in[0]) && world.in[1].conn->is_paused);
    ck_assert_uint_eq(world.taken, GATES + 2 + 2);
    world.in[1].gate.rate.go_on(&world.in[1].gate.rate);
    ck_assert(goes_on(&world.in[1]));
    ck_assert_uint_eq(world.taken, 3 * GATES);
    teardown(&world);
}
END_TEST

/* Whoever ends the stream, or the connection: what was read of it passes, room or not. */
START_TEST(what_was_read_passes_at_the_end)
{
    static const enum xf_conn_end ends[] = {XF_CONN_END_EOF, XF_CONN_END_RESET, XF_CONN_END_TIMEOUT,
                                            XF_CONN_END_LOCAL};
    struct world world;
    struct way_in *in = &world.in[0];
    setup(&world);
    make_wait(&world);
    if (_i < 3)
        fake_conn_closed(in->conn, ends[_i]);
    else
        xf_stream_close(&in->stream);
    fake_env_run(&world.env);
    ck_assert_uint_eq(world.taken, GATES + 2);
    if (in->conn->conn)
        ck_assert(waits(in)); /* there is room for no more than what was read */
    teardown(&world);
}
END_TEST

/* A conn that is not read and finds a reset brings all that the system still has of it. */
START_TEST(what_cannot_be_kept_passes)
{
    enum { PIECES = 8, PIECE = 1200 };
    struct world world;
    struct way_in *in = &world.in[0];
    char *piece = xf_alloc(PIECE * strlen(MESSAGE) + 1);
    setup(&world);
    make_wait(&world);
    for (int i = 0; i < PIECE; i++)
        memcpy(piece + (size_t)i * strlen(MESSAGE), MESSAGE, strlen(MESSAGE));
    for (int i = 0; i < PIECES; i++)
        in->conn->conn->events->data(in->conn->conn->owner, piece, PIECE * strlen(MESSAGE));
    ck_assert_uint_gt(PIECES * PIECE * strlen(MESSAGE), 256u << 10);
    fake_conn_closed(in->conn, XF_CONN_END_RESET);
    fake_env_run(&world.env);
    ck_assert_uint_eq(world.taken, GATES + 2 + PIECES * PIECE);
    xf_free(piece);
    teardown(&world);
}
END_TEST

/* Stanzas of a stream that is suspended will be sent again when it is resumed (XEP-0198 §5). */
START_TEST(what_was_not_counted_is_not_taken)
{
    struct world world;
    setup(&world);
    make_wait(&world);
    xf_stream_suspend(&world.in[0].stream);
    fake_env_run(&world.env);
    world.room = 100;
    xf_gate_resume_all(&world.s2s);
    ck_assert_uint_eq(world.taken, 3 * GATES - 2);
    teardown(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("s2s/gate");
    TCase *tc = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    tcase_add_test(tc, one_that_fills_the_link_again_waits_again);
    tcase_add_test(tc, each_reason_to_wait_counts);
    tcase_add_loop_test(tc, what_was_read_passes_at_the_end, 0, 4);
    tcase_add_test(tc, what_cannot_be_kept_passes);
    tcase_add_test(tc, what_was_not_counted_is_not_taken);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
