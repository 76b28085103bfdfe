/* SPDX-License-Identifier: MIT */
/* test_machine.c — moves along a table, in which order, and which tables are refused. */
#include <xfed/base/machine.h>

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

/* A lamp that breaks for good: small, with everything that a machine can have. */
enum lamp_state { DARK, LIT, BLINKING, BROKEN, LAMP_STATES };
enum lamp_event { SWITCHED, BLINK, CALMED, DROPPED, LAMP_EVENTS };

struct lamp {
    int before; /* the state is not the first field everywhere */
    enum lamp_state state;
    char diary[200];
    bool has_power;
    int missed;
};

static const struct xf_machine lamp_machine;

static void note(struct lamp *lamp, const char *what)
{
    strncat(lamp->diary, what, sizeof(lamp->diary) - strlen(lamp->diary) - 1);
    strncat(lamp->diary, " ", sizeof(lamp->diary) - strlen(lamp->diary) - 1);
}

static void glow(struct lamp *lamp)
{
    note(lamp, "glow");
}

static void blink_once(struct lamp *lamp)
{
    note(lamp, "blink");
    xf_machine_fire(&lamp_machine, lamp, CALMED);
}

static void cut_power(struct lamp *lamp)
{
    note(lamp, "cut");
    lamp->has_power = false;
}

/* clang-format off */
#define ROW(in, on, to, action) {in, on, to, XF_MACHINE_ACTION(struct lamp, action)}
static const struct xf_machine_row lamp_rows[] = {
    ROW(DARK,           SWITCHED, LIT,      glow),
    ROW(LIT,            SWITCHED, DARK,     NULL),
    ROW(LIT,            BLINK,    BLINKING, blink_once),
    ROW(BLINKING,       CALMED,   LIT,      glow),
    ROW(XF_MACHINE_ANY, DROPPED,  BROKEN,   cut_power),
};
/* clang-format on */

static const char *const state_names[] = {"dark", "lit", "blinking", "broken"};
static const char *const event_names[] = {"switched", "blink", "calmed", "dropped"};

static void run(void *self, xf_machine_action action)
{
    ((void (*)(struct lamp *))action)(self);
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    struct lamp *lamp = (struct lamp *)(uintptr_t)self;
    note(lamp, from);
    note(lamp, on);
    note(lamp, to);
    ck_assert_str_eq(state_names[lamp->state], to); /* written before */
}

static void moved(void *self)
{
    note(self, "moved");
}

static void missed(void *self, unsigned event)
{
    struct lamp *lamp = self;
    ck_assert_uint_eq(event, CALMED);
    lamp->missed++;
}

static void check(const void *self, bool has_acted)
{
    const struct lamp *lamp = self;
    note((struct lamp *)(uintptr_t)self, has_acted ? "after" : "before");
    xf_require(lamp->state != LIT || lamp->has_power);
    xf_require(lamp->state != BROKEN || !has_acted || !lamp->has_power);
}

static const struct xf_machine lamp_machine = {
    .name = "lamp",
    .states = state_names,
    .events = event_names,
    .state_count = LAMP_STATES,
    .event_count = LAMP_EVENTS,
    .rows = lamp_rows,
    .row_count = XF_ARRAY_LEN(lamp_rows),
    .state_at = offsetof(struct lamp, state),
    .first = DARK,
    .final = BROKEN,
    .parting = XF_MACHINE_NONE,
    .run = run,
    .log = log_move,
    .moved = moved,
    .missing = missed,
    .check = check,
};

/* ------------------------------------------------------------------ moves */

START_TEST(writes_logs_checks_acts_and_checks)
{
    struct lamp lamp = {.has_power = true};
    xf_machine_fire(&lamp_machine, &lamp, SWITCHED);
    ck_assert_str_eq(lamp.diary, "dark switched lit moved before glow after ");
    ck_assert_int_eq(lamp.state, LIT);
}
END_TEST

START_TEST(a_row_need_not_have_an_action)
{
    struct lamp lamp = {.has_power = true, .state = LIT};
    xf_machine_fire(&lamp_machine, &lamp, SWITCHED);
    ck_assert_str_eq(lamp.diary, "lit switched dark moved before after ");
}
END_TEST

START_TEST(an_action_may_fire)
{
    struct lamp lamp = {.has_power = true, .state = LIT};
    xf_machine_fire(&lamp_machine, &lamp, BLINK);
    ck_assert_str_eq(lamp.diary, "lit blink blinking moved before blink "
                                 "blinking calmed lit moved before glow after after ");
}
END_TEST

START_TEST(a_row_from_anywhere_fits_each_state_but_the_final_one)
{
    for (enum lamp_state state = 0; state < LAMP_STATES; state++) {
        struct lamp lamp = {.has_power = true, .state = state};
        xf_machine_fire(&lamp_machine, &lamp, DROPPED);
        ck_assert_int_eq(lamp.state, BROKEN);
        ck_assert_int_eq(lamp.has_power, state == BROKEN); /* nothing was done in it */
        ck_assert_uint_eq(xf_machine_next(&lamp_machine, state, DROPPED),
                          state == BROKEN ? XF_MACHINE_NONE : BROKEN);
    }
}
END_TEST

START_TEST(the_final_state_misses_nothing)
{
    struct lamp lamp = {.state = BROKEN};
    for (enum lamp_event event = 0; event < LAMP_EVENTS; event++)
        xf_machine_fire(&lamp_machine, &lamp, event);
    ck_assert_int_eq(lamp.missed, 0);
    ck_assert_str_eq(lamp.diary, "");
}
END_TEST

START_TEST(a_missing_row_is_told_and_changes_nothing)
{
    struct lamp lamp = {0};
    xf_machine_fire(&lamp_machine, &lamp, CALMED);
    ck_assert_int_eq(lamp.missed, 1);
    ck_assert_int_eq(lamp.state, DARK);
    ck_assert_str_eq(lamp.diary, "");
}
END_TEST

START_TEST(a_missing_row_is_a_bug_where_nobody_asks_for_it)
{
    struct xf_machine machine = lamp_machine;
    struct lamp lamp = {0};
    machine.missing = NULL;
    xf_machine_fire(&machine, &lamp, CALMED);
}
END_TEST

START_TEST(a_broken_invariant_is_a_bug)
{
    struct lamp lamp = {.has_power = false};
    xf_machine_fire(&lamp_machine, &lamp, SWITCHED);
}
END_TEST

static void free_lamp(struct lamp *lamp)
{
    free(lamp);
}

/* Under AddressSanitizer: nothing is read after the action. */
START_TEST(the_owner_may_be_freed_in_its_parting_state)
{
    static const struct xf_machine_row rows[] = {ROW(DARK, DROPPED, BROKEN, free_lamp)};
    struct xf_machine machine = lamp_machine;
    struct lamp *lamp = calloc(1, sizeof(*lamp));
    machine.rows = rows;
    machine.row_count = 1;
    machine.parting = BROKEN;
    xf_machine_fire(&machine, lamp, DROPPED);
}
END_TEST

/* ------------------------------------------------------------------ tables */

static const char *const unnamed[] = {"dark", "", "blinking", "broken"};
static const char *const twins[] = {"dark", "lit", "lit", "broken"};

/* clang-format off */
static const struct {
    const char *label;
    struct xf_machine_row row; /* in place of one of the lamp's */
    size_t at;
    const char *const *states;
    const char *want; /* NULL: sound */
} tables[] = {
    {"the lamp's own",        ROW(DARK, SWITCHED, LIT, glow),               0, NULL,    NULL},
    {"a state too large",     ROW(DARK, SWITCHED, LAMP_STATES, NULL),       0, NULL,    "row 0 is out of range"},
    {"... to begin with",     ROW(LAMP_STATES, SWITCHED, LIT, NULL),        0, NULL,    "row 0 is out of range"},
    {"an event too large",    ROW(DARK, LAMP_EVENTS, LIT, NULL),            0, NULL,    "row 0 is out of range"},
    {"out of the final one",  ROW(BROKEN, SWITCHED, LIT, NULL),             1, NULL,    "row 1 leaves the final state"},
    {"twice the same",        ROW(DARK, SWITCHED, DARK, NULL),              1, NULL,    "rows 0 and 1 are both for switched"},
    {"hidden by anywhere",    ROW(LIT, DROPPED, DARK, NULL),                1, NULL,    "rows 1 and 4 are both for dropped"},
    {"unreachable",           ROW(LIT, BLINK, DARK, NULL),                  2, NULL,    "nothing leads to blinking"},
    {"an event for nothing",  ROW(BLINKING, SWITCHED, LIT, NULL),           3, NULL,    "no row is for calmed"},
    {"a state without name",  ROW(DARK, SWITCHED, LIT, glow),               0, unnamed, "state 1 has no name"},
    {"two with one name",     ROW(DARK, SWITCHED, LIT, glow),               0, twins,   "state 1 and 2 have one name: lit"},
};

static const struct table_move lamp_moves[] = {
    {DARK, SWITCHED, LIT}, {LIT, SWITCHED, DARK}, {LIT, BLINK, BLINKING}, {BLINKING, CALMED, LIT}, {XF_MACHINE_ANY, DROPPED, BROKEN},
};
/* clang-format on */

START_TEST(finds_what_is_wrong_with_a_table)
{
    struct xf_machine_row rows[XF_ARRAY_LEN(lamp_rows)];
    struct xf_machine machine = lamp_machine;
    memcpy(rows, lamp_rows, sizeof(rows));
    rows[tables[_i].at] = tables[_i].row;
    machine.rows = rows;
    machine.states = tables[_i].states ? tables[_i].states : state_names;
    const char *fault = table_fault(&machine);
    ck_assert_msg(!fault == !tables[_i].want, "%s: %s", tables[_i].label, fault ? fault : "sound");
    if (fault)
        ck_assert_str_eq(fault, tables[_i].want);
}
END_TEST

START_TEST(finds_what_is_not_expected_of_a_table)
{
    size_t count = XF_ARRAY_LEN(lamp_moves);
    ck_assert_ptr_null(table_difference(&lamp_machine, lamp_moves, count));
    ck_assert_str_eq(table_difference(&lamp_machine, lamp_moves, count - 1),
                     "dark on dropped leads to broken, expected is nothing");
    ck_assert_str_eq(table_difference(&lamp_machine, lamp_moves + 1, count - 1),
                     "dark on switched leads to lit, expected is nothing");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/machine");
    TCase *moves = tcase_create("moves"), *soundness = tcase_create("tables");
    tcase_add_test(moves, writes_logs_checks_acts_and_checks);
    tcase_add_test(moves, a_row_need_not_have_an_action);
    tcase_add_test(moves, an_action_may_fire);
    tcase_add_test(moves, a_row_from_anywhere_fits_each_state_but_the_final_one);
    tcase_add_test(moves, the_final_state_misses_nothing);
    tcase_add_test(moves, a_missing_row_is_told_and_changes_nothing);
    tcase_add_test(moves, the_owner_may_be_freed_in_its_parting_state);
    tcase_add_loop_test(soundness, finds_what_is_wrong_with_a_table, 0, (int)XF_ARRAY_LEN(tables));
    tcase_add_test(soundness, finds_what_is_not_expected_of_a_table);
    suite_add_tcase(suite, moves);
    suite_add_tcase(suite, soundness);
    SRunner *runner = srunner_create(suite);
    if (srunner_fork_status(runner) == CK_FORK) {
        tcase_add_test_raise_signal(moves, a_missing_row_is_a_bug_where_nobody_asks_for_it,
                                    SIGABRT);
        tcase_add_test_raise_signal(moves, a_broken_invariant_is_a_bug, SIGABRT);
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
