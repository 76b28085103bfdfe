/* SPDX-License-Identifier: MIT */
/* test_machines.c — the tables of conns and of both kinds of transactions. */
#include <check.h>
#include <stdlib.h>

#include "client_priv.h"
#include "flow_priv.h"
#include "server_priv.h"
#include "tables.h"

/* clang-format off */
#define FLOW(in, on, to)   {XF_FLOW_##in, XF_FLOW_ON_##on, XF_FLOW_##to}
#define CLIENT(in, on, to) {XF_UA_CLIENT_##in, XF_UA_CLIENT_ON_##on, XF_UA_CLIENT_##to}
#define SERVER(in, on, to) {XF_UA_SERVER_##in, XF_UA_SERVER_ON_##on, XF_UA_SERVER_##to}

/* ADMIT is the only way to OPEN: see xf_flow_is_admitted. */
static const struct table_move flow_moves[] = {
    FLOW(BEGUN, CONNECT, CONNECTING), FLOW(BEGUN, SECURE, SECURING),      FLOW(BEGUN, ADMIT, OPEN),
    FLOW(CONNECTING, SECURE, SECURING), FLOW(CONNECTING, ADMIT, OPEN),
    FLOW(SECURING, JUDGE, JUDGING),   FLOW(SECURING, ADMIT, OPEN),        FLOW(JUDGING, ADMIT, OPEN),
    {XF_MACHINE_ANY, XF_FLOW_ON_END, XF_FLOW_ENDING},
};

/* RFC 3261 figures 5 and 6 with RFC 6026 figure 4, where timers A, D, E and K are 0. */
static const struct table_move client_moves[] = {
    CLIENT(WAITING, SENT, CALLING),
    CLIENT(CALLING, PROVISIONAL, PROCEEDING), CLIENT(CALLING, ACCEPT, ACCEPTED),
    CLIENT(CALLING, FINAL, OVER),
    CLIENT(PROCEEDING, PROVISIONAL, PROCEEDING), CLIENT(PROCEEDING, ACCEPT, ACCEPTED),
    CLIENT(PROCEEDING, FINAL, OVER),
    CLIENT(ACCEPTED, ACCEPT, ACCEPTED),
    {XF_MACHINE_ANY, XF_UA_CLIENT_ON_NO_ANSWER, XF_UA_CLIENT_OVER},
};

/* RFC 3261 figures 7 and 8 with RFC 6026 figure 5, where timers I and J are 0. */
static const struct table_move server_moves[] = {
    SERVER(ASKED, FINAL, OVER),      SERVER(ASKED, ACCEPT, ACCEPTED), SERVER(ASKED, REFUSE, REFUSED),
    SERVER(ASKED, TIME, OVER),
    SERVER(ACCEPTED, REPEAT, ACCEPTED), SERVER(ACCEPTED, ACK, OVER),  SERVER(ACCEPTED, TIME, OVER),
    SERVER(REFUSED, ACK, OVER),      SERVER(REFUSED, TIME, OVER),
    {XF_MACHINE_ANY, XF_UA_SERVER_ON_CUT, XF_UA_SERVER_OVER},
};
/* clang-format on */

START_TEST(conns_open_by_admission_only)
{
    table_must_be(&xf_flow_machine, XF_FLOW_STATE_COUNT, XF_FLOW_EVENT_COUNT, flow_moves,
                  XF_ARRAY_LEN(flow_moves));
}
END_TEST

START_TEST(requests_of_ours_follow_the_rfc)
{
    table_must_be(&xf_ua_client_machine, XF_UA_CLIENT_STATE_COUNT, XF_UA_CLIENT_EVENT_COUNT,
                  client_moves, XF_ARRAY_LEN(client_moves));
}
END_TEST

START_TEST(requests_of_peers_follow_the_rfc)
{
    table_must_be(&xf_ua_server_machine, XF_UA_SERVER_STATE_COUNT, XF_UA_SERVER_EVENT_COUNT,
                  server_moves, XF_ARRAY_LEN(server_moves));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ua/machines");
    TCase *tc = tcase_create("tables");
    tcase_add_test(tc, conns_open_by_admission_only);
    tcase_add_test(tc, requests_of_ours_follow_the_rfc);
    tcase_add_test(tc, requests_of_peers_follow_the_rfc);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
