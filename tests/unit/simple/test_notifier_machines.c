/* SPDX-License-Identifier: MIT */
/* test_notifier_machines.c — the tables of what a user of a peer may see of one of ours. */
#include <check.h>
#include <stdlib.h>

#include "notifier_priv.h"
#include "tables.h"

/* clang-format off */
#define WATCH(in, on, to)  {XF_NOTIFIER_##in, XF_NOTIFIER_ON_##on, XF_NOTIFIER_##to}
#define DIALOG(in, on, to) {XF_NOTIFIER_DIALOG_##in, XF_NOTIFIER_DIALOG_ON_##on, XF_NOTIFIER_DIALOG_##to}

/* Only our user approves, and only policy or our user refuses. */
static const struct table_move watch_moves[] = {
    WATCH(NEW, ASK, ASKED),             WATCH(NEW, APPROVE, NEW),           WATCH(NEW, HIDE, NEW),
    WATCH(NEW, DENY, NEW),              WATCH(NEW, REFUSE, NEW),            WATCH(NEW, LEAVE, NEW),
    WATCH(NEW, WAS_ASKED, ASKED),       WATCH(NEW, WAS_APPROVED, APPROVED), WATCH(NEW, WAS_BLOCKED, BLOCKED),
    WATCH(ASKED, ASK, ASKED),           WATCH(ASKED, APPROVE, APPROVED),    WATCH(ASKED, HIDE, BLOCKED),
    WATCH(ASKED, DENY, DENIED),         WATCH(ASKED, REFUSE, NEW),          WATCH(ASKED, LEAVE, ASKED),
    WATCH(ASKED, FORGET, NEW),
    WATCH(APPROVED, APPROVE, APPROVED), WATCH(APPROVED, HIDE, BLOCKED),     WATCH(APPROVED, DENY, DENIED),
    WATCH(APPROVED, REFUSE, NEW),       WATCH(APPROVED, LEAVE, NEW),
    WATCH(BLOCKED, ASK, BLOCKED),
    WATCH(BLOCKED, APPROVE, APPROVED),  WATCH(BLOCKED, HIDE, BLOCKED),      WATCH(BLOCKED, DENY, DENIED),
    WATCH(BLOCKED, REFUSE, BLOCKED),    WATCH(BLOCKED, LEAVE, BLOCKED),     WATCH(BLOCKED, FORGET, NEW),
    WATCH(DENIED, APPROVE, NEW),        WATCH(DENIED, HIDE, DENIED),        WATCH(DENIED, DENY, DENIED),
    WATCH(DENIED, REFUSE, DENIED),      WATCH(DENIED, LEAVE, DENIED),       WATCH(DENIED, FORGET, NEW),
};

/* One NOTIFY at a time, and the last one is the last. */
static const struct table_move dialog_moves[] = {
    DIALOG(QUIET, TELL, TELLING),  DIALOG(QUIET, END, ENDING),   DIALOG(QUIET, LOSE, GONE),
    DIALOG(TELLING, TELL, OWING),  DIALOG(TELLING, END, LAST),   DIALOG(TELLING, DONE, QUIET),
    DIALOG(TELLING, LOSE, GONE),
    DIALOG(OWING, TELL, OWING),    DIALOG(OWING, END, LAST),     DIALOG(OWING, DONE, TELLING),
    DIALOG(OWING, LOSE, GONE),
    DIALOG(LAST, DONE, ENDING),    DIALOG(LAST, LOSE, GONE),
    DIALOG(ENDING, DONE, GONE),    DIALOG(ENDING, LOSE, GONE),
};
/* clang-format on */

START_TEST(our_user_decides)
{
    table_must_be(&xf_notifier_machine, XF_NOTIFIER_STATE_COUNT, XF_NOTIFIER_EVENT_COUNT,
                  watch_moves, XF_ARRAY_LEN(watch_moves));
}
END_TEST

START_TEST(one_notify_at_a_time)
{
    table_must_be(&xf_notifier_dialog_machine, XF_NOTIFIER_DIALOG_STATE_COUNT,
                  XF_NOTIFIER_DIALOG_EVENT_COUNT, dialog_moves, XF_ARRAY_LEN(dialog_moves));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simple/notifier_machines");
    TCase *tc = tcase_create("tables");
    tcase_add_test(tc, our_user_decides);
    tcase_add_test(tc, one_notify_at_a_time);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
