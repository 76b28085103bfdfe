/* SPDX-License-Identifier: MIT */
/* test_registry.c — what is logged about other nodes, over a store that the test plays. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/log.h>

#include "history_priv.h"

#define BEAT_MS 1000
#define OURS    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SECRET  "1234"
#define OTHER   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct world {
    struct xf_clock clock;
    struct xf_timers *timers;
    struct xf_store store;
    struct xf_registry *registry;
    char instance[32];
    bool is_leaving;
    int beats;
    char log[1024]; /* events since the last look */
};

static struct world *world; /* the log's sink and the store have no other way to it */

static void on_line(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner;
    (void)level;
    if (strcmp(event, "node.config.differs") == 0)
        ck_assert_ptr_nonnull(strstr(line, " help=config-differs "));
    if (strcmp(event, "node.name.taken") == 0)
        ck_assert_ptr_nonnull(strstr(line, " help=node-name-taken "));
    size_t len = strlen(world->log);
    snprintf(world->log + len, sizeof(world->log) - len, "%s%s", len ? " " : "", event);
}

static void on_beat(struct xf_store *store, const struct xf_store_node *self)
{
    (void)store;
    world->beats++;
    world->is_leaving = self->is_leaving;
    snprintf(world->instance, sizeof(world->instance), "%s", self->instance);
    ck_assert_str_eq(self->links, "presence=up");
    ck_assert_str_eq(self->secret, SECRET);
}

static void links(void *owner, char *out, size_t room)
{
    (void)owner;
    snprintf(out, room, "presence=up");
}

static const struct xf_store_ops ops = {.is_shared = true, .beat = on_beat};

static void begin(struct world *w)
{
    const struct xf_history_node node = {.name = "a",
                                         .version = "1",
                                         .digest = OURS,
                                         .secret = SECRET,
                                         .heartbeat_ms = BEAT_MS,
                                         .links = links};
    *w = (struct world){.clock = {.now_ms = 1}, .store = {.ops = &ops}};
    world = w;
    w->timers = xf_timers_new(&w->clock);
    w->registry = xf_registry_new(&node, w->timers, &w->store);
    xf_log_set_sink(on_line, NULL);
}

static void end(struct world *w)
{
    xf_registry_free(&w->registry);
    xf_timers_free(&w->timers);
    xf_log_set_sink(NULL, NULL);
}

static void pass(struct world *w, unsigned ms)
{
    w->clock.now_ms += ms;
    xf_timers_run(w->timers);
}

struct row {
    const char *label, *digest, *links;
    uint64_t silent_ms;
    bool is_leaving;
    const char *events;
    size_t lost; /* nodes, after that */
};

static void play(struct world *w, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pass(w, BEAT_MS);
        w->log[0] = '\0';
        xf_registry_see(w->registry, &(struct xf_store_node){.name = "b",
                                                             .version = "1",
                                                             .digest = rows[i].digest,
                                                             .links = rows[i].links,
                                                             .instance = "x",
                                                             .is_leaving = rows[i].is_leaving,
                                                             .heartbeat_ms = BEAT_MS,
                                                             .silent_ms = rows[i].silent_ms});
        ck_assert_msg(strcmp(w->log, rows[i].events) == 0, "%s: %s", rows[i].label, w->log);
        ck_assert_msg(xf_registry_lost(w->registry) == rows[i].lost, "%s", rows[i].label);
    }
}

static const struct {
    const char *label, *secret, *events;
    bool differs;
} secrets[] = {
    {"it does not tell", NULL, "node.seen", false},       {"a node of before", "", "", false},
    {"another one", "5678", "node.secret.differs", true}, {"said once", "5678", "", true},
    {"ours", SECRET, "node.secret.agrees", false},
};

static void on_node(void *owner, const struct xf_history_node_view *node)
{
    ck_assert_str_eq(node->name, "b");
    ck_assert(node->is_here && !node->config_differs && !node->version_differs);
    *(bool *)owner = node->secret_differs;
}

START_TEST(compares_dialback_secrets)
{
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    for (size_t i = 0; i < XF_ARRAY_LEN(secrets); i++) {
        bool differs = false;
        pass(&w, BEAT_MS);
        w.log[0] = '\0';
        xf_registry_see(w.registry, &(struct xf_store_node){.name = "b",
                                                            .version = "1",
                                                            .digest = OURS,
                                                            .secret = secrets[i].secret,
                                                            .links = "p=up",
                                                            .instance = "x",
                                                            .heartbeat_ms = BEAT_MS});
        xf_registry_show(w.registry, on_node, &differs);
        ck_assert_msg(strcmp(w.log, secrets[i].events) == 0, "%s: %s", secrets[i].label, w.log);
        ck_assert_msg(differs == secrets[i].differs, "%s", secrets[i].label);
    }
    end(&w);
}
END_TEST

START_TEST(tells_what_happens_to_another_node)
{
    static const struct row rows[] = {
        {"it is new", OURS, "p=up", 100, false, "node.seen", 0},
        {"nothing new", OURS, "p=up", 100, false, "", 0},
        {"its link falls", OURS, "p=down", 100, false, "node.links.changed", 0},
        {"another configuration", OTHER, "p=down", 100, false, "node.config.differs", 0},
        {"said once", OTHER, "p=down", 100, false, "", 0},
        {"late, but not lost", OTHER, "p=down", 3000, false, "", 0},
        {"three heartbeats missed", OTHER, "p=down", 3001, false, "node.lost", 1},
        {"still", OTHER, "p=down", 60000, false, "", 1},
        {"back, and reloaded", OURS, "p=up", 10, false,
         "node.returned node.config.agrees node.links.changed", 0},
        {"stopped on purpose", OURS, "p=up", 10, true, "node.left", 0},
        {"and silent", OURS, "p=up", 99000, true, "", 0},
        {"started again", OURS, "p=up", 0, false, "node.returned", 0},
    };
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    play(&w, rows, XF_ARRAY_LEN(rows));
    end(&w);
}
END_TEST

/* A node that was silent before we came may return, and another one may leave for good. */
START_TEST(counts_a_node_that_was_never_there)
{
    static const struct row rows[] = {
        {"its row is old", OURS, "p=up", 99000, false, "node.seen", 1},
        {"it is started", OURS, "p=up", 10, false, "node.returned", 0},
        {"it dies", OURS, "p=up", 99000, false, "node.lost", 1},
        {"and was stopped, says its row", OURS, "p=up", 99000, true, "node.left", 0},
    };
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    for (int i = 0; i < 3; i++)
        pass(&w, BEAT_MS);
    play(&w, rows, XF_ARRAY_LEN(rows));
    end(&w);
}
END_TEST

/* After an outage of the database all nodes look silent, until each has written again. */
START_TEST(an_outage_is_not_held_against_others)
{
    static const struct row before[] = {{"new", OURS, "p=up", 100, false, "node.seen", 0}};
    static const struct row after[] = {
        {"first", OURS, "p=up", 600000, false, "", 0},
        {"second", OURS, "p=up", 601000, false, "", 0},
        {"third", OURS, "p=up", 602000, false, "", 0},
        {"it had the time", OURS, "p=up", 603000, false, "node.lost", 1},
    };
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    play(&w, before, 1);
    xf_registry_pause(w.registry);
    int beats = w.beats;
    pass(&w, 600000);
    ck_assert_int_eq(w.beats, beats); /* nobody hears it */
    xf_registry_begin(w.registry);
    pass(&w, 0);
    w.clock.now_ms -= BEAT_MS; /* play passes one */
    play(&w, after, XF_ARRAY_LEN(after));
    end(&w);
}
END_TEST

/* Whoever deletes the row of a dead node is not told of it for ever. */
START_TEST(forgets_a_node_without_a_row)
{
    static const struct row rows[] = {
        {"it is new", OURS, "p=up", 100, false, "node.seen", 0},
        {"it dies", OURS, "p=up", 99000, false, "node.lost", 1},
    };
    static const struct row again[] = {
        {"its name comes back", OURS, "p=up", 1, false, "node.seen", 0}};
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    for (int i = 0; i < 3; i++)
        pass(&w, BEAT_MS);
    play(&w, rows, XF_ARRAY_LEN(rows));
    xf_registry_told(w.registry);
    ck_assert_uint_eq(xf_registry_lost(w.registry), 1);
    w.log[0] = '\0';
    xf_registry_told(w.registry);
    ck_assert_str_eq(w.log, "node.forgotten");
    ck_assert_uint_eq(xf_registry_lost(w.registry), 0);
    play(&w, again, 1);
    end(&w);
}
END_TEST

static void see_self(struct world *w, const char *instance)
{
    w->log[0] = '\0';
    xf_registry_see(w->registry, &(struct xf_store_node){.name = "a",
                                                         .version = "1",
                                                         .digest = OTHER,
                                                         .links = "",
                                                         .instance = instance,
                                                         .heartbeat_ms = BEAT_MS});
}

START_TEST(two_processes_of_one_name)
{
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    pass(&w, 0);
    see_self(&w, "before the restart");
    ck_assert_str_eq(w.log, "");
    for (int i = 0; i < 3; i++)
        pass(&w, BEAT_MS);
    see_self(&w, w.instance);
    ck_assert_str_eq(w.log, "");
    see_self(&w, "somebody else");
    ck_assert_str_eq(w.log, "node.name.taken");
    see_self(&w, "somebody else");
    ck_assert_str_eq(w.log, "");
    end(&w);
}
END_TEST

START_TEST(says_that_it_leaves)
{
    struct world w;
    begin(&w);
    xf_registry_leave(w.registry); /* the database is away: nobody hears it */
    ck_assert_int_eq(w.beats, 0);
    xf_registry_begin(w.registry);
    pass(&w, 0);
    ck_assert_int_eq(w.beats, 1);
    ck_assert(w.is_leaving);
    end(&w);
}
END_TEST

START_TEST(our_reload_is_told_at_once)
{
    static const struct row rows[] = {{"new", OTHER, "p=up", 1, false,
                                       "node.seen node.config.differs", 0}},
                            again[] = {{"now we have it too", OTHER, "p=up", 1, false,
                                        "node.config.agrees", 0}};
    struct world w;
    begin(&w);
    xf_registry_begin(w.registry);
    play(&w, rows, 1);
    int beats = w.beats;
    xf_registry_set_digest(w.registry, OTHER);
    pass(&w, 0);
    ck_assert_int_eq(w.beats, beats + 1);
    play(&w, again, 1);
    end(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history/registry");
    TCase *tcase = tcase_create("registry");
    tcase_add_test(tcase, tells_what_happens_to_another_node);
    tcase_add_test(tcase, compares_dialback_secrets);
    tcase_add_test(tcase, counts_a_node_that_was_never_there);
    tcase_add_test(tcase, an_outage_is_not_held_against_others);
    tcase_add_test(tcase, forgets_a_node_without_a_row);
    tcase_add_test(tcase, two_processes_of_one_name);
    tcase_add_test(tcase, says_that_it_leaves);
    tcase_add_test(tcase, our_reload_is_told_at_once);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
