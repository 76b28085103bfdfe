/* SPDX-License-Identifier: MIT */
/* test_router.c — the table of a leg to jabberd2's router: what brings it to the default route. */
#include <check.h>
#include <stdlib.h>

#include "router_priv.h"
#include "tables.h"

#define STATES (XF_ROUTER_LEAVING + 1)
#define EVENTS (XF_ROUTER_ON_ENDS + 1)

/* clang-format off */
/* All moves, written apart from the table. What is not here changes nothing. */
static const struct table_move moves[] = {
    {XF_ROUTER_APART,     XF_ROUTER_ON_CONNECTED,  XF_ROUTER_FEATURES},
    {XF_ROUTER_FEATURES,  XF_ROUTER_ON_OFFER_TLS,  XF_ROUTER_PROCEED},
    {XF_ROUTER_PROCEED,   XF_ROUTER_ON_GO,         XF_ROUTER_HANDSHAKE},
    {XF_ROUTER_HANDSHAKE, XF_ROUTER_ON_SECURED,    XF_ROUTER_SECURE},
    {XF_ROUTER_FEATURES,  XF_ROUTER_ON_OFFER,      XF_ROUTER_CHALLENGE},
    {XF_ROUTER_SECURE,    XF_ROUTER_ON_OFFER,      XF_ROUTER_CHALLENGE},
    {XF_ROUTER_CHALLENGE, XF_ROUTER_ON_CHALLENGED, XF_ROUTER_PROOF},
    {XF_ROUTER_PROOF,     XF_ROUTER_ON_PROVED,     XF_ROUTER_RESTART},
    {XF_ROUTER_RESTART,   XF_ROUTER_ON_RESTARTED,  XF_ROUTER_BIND},
    {XF_ROUTER_BIND,      XF_ROUTER_ON_BOUND,      XF_ROUTER_ASKING},
    {XF_ROUTER_ASKING,    XF_ROUTER_ON_TAKEN,      XF_ROUTER_HOLDER},
    {XF_ROUTER_ASKING,    XF_ROUTER_ON_HELD,       XF_ROUTER_STANDBY},
    {XF_ROUTER_ASKING,    XF_ROUTER_ON_AGAIN,      XF_ROUTER_ASKING},
    {XF_ROUTER_STANDBY,   XF_ROUTER_ON_AGAIN,      XF_ROUTER_ASKING},
    {XF_ROUTER_HOLDER,    XF_ROUTER_ON_LEAVE,      XF_ROUTER_LEAVING},
    {XF_ROUTER_ASKING,    XF_ROUTER_ON_LEAVE,      XF_ROUTER_LEAVING},
    {XF_ROUTER_STANDBY,   XF_ROUTER_ON_LEAVE,      XF_ROUTER_LEAVING},
    {XF_MACHINE_ANY,      XF_ROUTER_ON_ENDS,       XF_ROUTER_APART},
};
/* clang-format on */

static unsigned next(unsigned state, unsigned event)
{
    return xf_machine_next(&xf_router_machine, state, event);
}

START_TEST(is_as_expected)
{
    table_must_be(&xf_router_machine, STATES, EVENTS, moves, XF_ARRAY_LEN(moves));
}
END_TEST

/* No name is bound before the router has proved that it knows the secret. */
START_TEST(the_proof_is_on_the_only_way_to_a_bind)
{
    for (unsigned state = 0; state < STATES; state++)
        for (unsigned event = 0; event < EVENTS; event++) {
            unsigned to = next(state, event);
            bool is_proof = state == XF_ROUTER_PROOF && event == XF_ROUTER_ON_PROVED;
            bool passes = state <= XF_ROUTER_PROOF && to >= XF_ROUTER_RESTART;
            ck_assert(to == XF_MACHINE_NONE || passes == is_proof);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link/router");
    TCase *tc = tcase_create("table");
    tcase_add_test(tc, is_as_expected);
    tcase_add_test(tc, the_proof_is_on_the_only_way_to_a_bind);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
