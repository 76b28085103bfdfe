/* SPDX-License-Identifier: MIT */
/*
 * test_shared.c — two histories beside one PostgreSQL server, as the gateway uses them: what one
 * learns the other knows, alarms are due once, and an outage costs nothing but time.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xfed/base/log.h>
#include <xfed/history/history.h>
#include <xfed/net/loop.h>

#include "server.h"

#define NOW_S       1700000000
#define PATIENCE_MS 30000
#define DIGEST      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PEER        XF_SPAN("b.example")

static struct server server;
static bool has_server;
static char events[4096]; /* of the log */

struct node {
    struct xf_loop *loop;
    struct xf_history *history;
};

static void on_line(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner;
    (void)level;
    if (strcmp(event, "memory.store.lost") == 0)
        ck_assert_ptr_nonnull(strstr(line, " help=store-lost "));
    size_t len = strlen(events);
    snprintf(events + len, sizeof(events) - len, "%s ", event);
}

static int logged(const char *event)
{
    int count = 0;
    for (const char *at = events; (at = strstr(at, event)); at++)
        count++;
    return count;
}

static void no_links(void *owner, char *out, size_t room)
{
    (void)owner;
    snprintf(out, room, "presence=up");
}

static void open_node(struct node *node, const char *name)
{
    node->loop = xf_loop_new();
    const struct xf_history_node shared = {.loop = node->loop,
                                           .uri = server_uri(&server),
                                           .name = name,
                                           .version = "1",
                                           .digest = DIGEST,
                                           .heartbeat_ms = 1000,
                                           .links = no_links};
    const struct xf_history_opts opts = {
        .max_peers = 100, .timers = xf_loop_timers(node->loop), .node = &shared};
    ck_assert_int_eq(xf_history_open(&opts, &node->history, NULL), XF_ERR_OK);
}

static void close_node(struct node *node)
{
    xf_history_free(&node->history);
    xf_loop_free(&node->loop);
}

static void stop(void *owner)
{
    xf_loop_stop(owner);
}

static void run(struct node *node)
{
    struct xf_timer timer;
    xf_timer_init(&timer, stop, node->loop);
    xf_timer_start(xf_loop_timers(node->loop), &timer, 5);
    xf_loop_run(node->loop);
}

/* Let both run until this event was logged so often. */
static void run_until(struct node *a, struct node *b, const char *event, int count)
{
    uint64_t end_ms = xf_monotonic_ms() + PATIENCE_MS;
    while (logged(event) < count && xf_monotonic_ms() < end_ms) {
        run(a);
        if (b)
            run(b);
    }
    ck_assert_msg(logged(event) >= count, "%s: %.400s", event, events);
}

static void note(struct node *node, enum xf_history_auth auth, int key)
{
    struct xf_history_sight sight = {.auth = auth, .ground = XF_HISTORY_GROUND_CA, .has_key = true};
    memset(sight.spki_sha256, key, sizeof(sight.spki_sha256));
    xf_history_note(node->history, PEER, true, &sight, NOW_S);
}

static void begin(void)
{
    events[0] = '\0';
    if (!server.pid)
        server_start(&server);
    server_ask(&server, "DROP SCHEMA IF EXISTS xfedd CASCADE");
}

static void begin_two(struct node *a, struct node *b)
{
    begin();
    open_node(a, "a");
    open_node(b, "b");
    run_until(a, b, "memory.store.found", 2);
}

static const struct xf_history_entry *wait_for_peer(struct node *a, struct node *b)
{
    for (int i = 0; i < 1000 && !xf_history_find(b->history, PEER, true); i++) {
        run(a);
        run(b);
    }
    return xf_history_find(b->history, PEER, true);
}

START_TEST(one_knows_what_the_other_learnt)
{
    struct node a, b;
    if (!has_server)
        return;
    begin_two(&a, &b);
    note(&a, XF_HISTORY_EXTERNAL, 1);
    const struct xf_history_entry *known = wait_for_peer(&a, &b);
    ck_assert_ptr_nonnull(known);
    ck_assert_int_eq(known->auth, XF_HISTORY_EXTERNAL);
    ck_assert_uint_eq(known->key_count, 1);
    ck_assert_ptr_null(xf_history_find(b.history, PEER, false));
    close_node(&a);
    close_node(&b);
}
END_TEST

static void wait_for_owner(struct node *a, struct node *b, enum xf_history_owner owner)
{
    for (int i = 0; i < 1000 && xf_history_owner(b->history, PEER, NOW_S + 9, 100, NULL) != owner;
         i++) {
        run(a);
        run(b);
    }
    ck_assert_int_eq(xf_history_owner(b->history, PEER, NOW_S + 9, 100, NULL), owner);
}

/* Which protocol a peer belongs to; one that does not know yet does not undo it. */
START_TEST(one_knows_what_the_other_forgot)
{
    struct node a, b, c;
    if (!has_server)
        return;
    begin_two(&a, &b);
    xf_history_own(a.history, PEER, XF_HISTORY_OWNER_SIP, NOW_S);
    wait_for_owner(&a, &b, XF_HISTORY_OWNER_SIP);
    xf_history_own(b.history, PEER, XF_HISTORY_OWNER_NONE, NOW_S + 1);
    wait_for_owner(&b, &a, XF_HISTORY_OWNER_NONE);
    xf_history_own(a.history, PEER, XF_HISTORY_OWNER_XMPP, NOW_S + 2);
    wait_for_owner(&a, &b, XF_HISTORY_OWNER_XMPP);
    open_node(&c, "c"); /* as after a restart */
    run_until(&c, NULL, "memory.store.found", 3);
    wait_for_owner(&a, &c, XF_HISTORY_OWNER_XMPP);
    close_node(&a);
    close_node(&b);
    close_node(&c);
}
END_TEST

START_TEST(an_alarm_is_due_once)
{
    struct node a, b;
    if (!has_server)
        return;
    begin_two(&a, &b);
    note(&a, XF_HISTORY_EXTERNAL, 1);
    ck_assert_ptr_nonnull(wait_for_peer(&a, &b));
    ck_assert(xf_history_alarm_is_due(a.history, PEER, true, XF_HISTORY_WEAKER,
                                      xf_loop_clock(a.loop)->now_ms));
    run_until(&a, &b, "memory.alarm.shared", 1);
    uint64_t now_ms = xf_loop_clock(b.loop)->now_ms;
    ck_assert(!xf_history_alarm_is_due(b.history, PEER, true, XF_HISTORY_WEAKER, now_ms));
    ck_assert(xf_history_alarm_is_due(b.history, PEER, true, XF_HISTORY_CLEAR, now_ms));
    ck_assert(xf_history_alarm_is_due(b.history, PEER, true, XF_HISTORY_WEAKER, now_ms + 3600000));
    close_node(&a);
    close_node(&b);
}
END_TEST

/* Each peer once, with what is known of it at the end. */
START_TEST(what_was_learnt_in_an_outage_is_written)
{
    struct node a, b;
    if (!has_server)
        return;
    begin_two(&a, &b);
    server_stop(&server);
    run_until(&a, &b, "memory.store.lost", 2);
    for (int key = 1; key <= 3; key++)
        note(&a, XF_HISTORY_DIALBACK_TLS, key);
    note(&b, XF_HISTORY_EXTERNAL, 4);
    server_start(&server);
    run_until(&a, &b, "memory.store.found", 4);
    for (int i = 0; i < 1000; i++) {
        run(&a);
        run(&b);
        if (xf_history_find(a.history, PEER, true)->key_count == 4 &&
            xf_history_find(b.history, PEER, true)->key_count == 4)
            break;
    }
    ck_assert_int_eq(xf_history_find(a.history, PEER, true)->auth, XF_HISTORY_EXTERNAL);
    ck_assert_int_eq(xf_history_find(b.history, PEER, true)->auth, XF_HISTORY_EXTERNAL);
    ck_assert_str_eq(server_ask(&server, "SELECT count(*) FROM xfedd.keys"), "4");
    ck_assert_str_eq(server_ask(&server, "SELECT auth FROM xfedd.peers"), "external");
    close_node(&a);
    close_node(&b);
}
END_TEST

/* An alarm has what waits written at once, also what was refused. */
static void hurry(struct node *node, enum xf_history_change alarm)
{
    ck_assert(xf_history_alarm_is_due(node->history, PEER, true, alarm,
                                      xf_loop_clock(node->loop)->now_ms));
}

/* A write was refused, the next one never came to an end: the one after these is a recovery. */
START_TEST(a_refusal_is_over_when_something_is_written)
{
    struct node a;
    if (!has_server)
        return;
    begin();
    open_node(&a, "a");
    run_until(&a, NULL, "memory.store.found", 1);
    server_ask(&server, "ALTER TABLE xfedd.peers ADD CONSTRAINT never CHECK (false)");
    note(&a, XF_HISTORY_EXTERNAL, 1);
    run_until(&a, NULL, "memory.write.failed", 1);
    server_ask(&server, "ALTER TABLE xfedd.peers DROP CONSTRAINT never");
    server_freeze(&server, true);
    hurry(&a, XF_HISTORY_WEAKER);
    run_until(&a, NULL, "memory.store.lost", 1);
    server_freeze(&server, false);
    run_until(&a, NULL, "memory.store.found", 2);
    hurry(&a, XF_HISTORY_CLEAR);
    run_until(&a, NULL, "memory.write.recovered", 1);
    ck_assert_int_eq(logged("memory.write.failed"), 1);
    close_node(&a);
}
END_TEST

/* A node that starts during an outage takes a peer for new that others know as stronger. */
START_TEST(an_alarm_that_came_too_late_is_told)
{
    struct node a, b;
    if (!has_server)
        return;
    begin();
    open_node(&a, "a");
    run_until(&a, NULL, "memory.store.found", 1);
    note(&a, XF_HISTORY_EXTERNAL, 1);
    xf_history_finish(a.history);
    for (int i = 0; i < 1000 && xf_history_is_writing(a.history); i++)
        run(&a);
    close_node(&a); /* it was written at once */
    ck_assert_str_eq(server_ask(&server, "SELECT auth FROM xfedd.peers"), "external");
    server_stop(&server);
    open_node(&b, "b");
    run_until(&b, NULL, "memory.store.lost", 1);
    note(&b, XF_HISTORY_DIALBACK_TLS, 1);
    server_start(&server);
    run_until(&b, NULL, "memory.alarm.late", 1);
    ck_assert_int_eq(xf_history_find(b.history, PEER, true)->auth, XF_HISTORY_EXTERNAL);
    close_node(&b);
}
END_TEST

START_TEST(a_process_says_what_it_could_not_save)
{
    struct node a;
    if (!has_server)
        return;
    begin();
    server_stop(&server);
    open_node(&a, "a");
    run_until(&a, NULL, "memory.store.lost", 1);
    note(&a, XF_HISTORY_EXTERNAL, 1);
    xf_history_finish(a.history);
    ck_assert(!xf_history_is_writing(a.history)); /* nobody waits for a database that is away */
    close_node(&a);
    ck_assert_int_eq(logged("memory.store.unsaved"), 1);
}
END_TEST

int main(void)
{
    has_server = server_make(&server);
    xf_log_set_level(XF_LOG_DEBUG);
    xf_log_set_sink(on_line, NULL);
    Suite *suite = suite_create("history/shared");
    TCase *tcase = tcase_create("shared");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, one_knows_what_the_other_learnt);
    tcase_add_test(tcase, one_knows_what_the_other_forgot);
    tcase_add_test(tcase, an_alarm_is_due_once);
    tcase_add_test(tcase, what_was_learnt_in_an_outage_is_written);
    tcase_add_test(tcase, a_refusal_is_over_when_something_is_written);
    tcase_add_test(tcase, an_alarm_that_came_too_late_is_told);
    tcase_add_test(tcase, a_process_says_what_it_could_not_save);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* one server for all */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (has_server)
        server_remove(&server);
    xf_log_set_sink(NULL, NULL);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
