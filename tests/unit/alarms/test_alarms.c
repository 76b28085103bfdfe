/* SPDX-License-Identifier: MIT */
/* test_alarms.c — which events raise an alarm, which end it, and how often that is told. */
#include <xfed/alarms/alarms.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/err.h>

#define S     1000ull
#define AFTER (60 * S) /* process { alarm-after } of the tests */
#define HOUR  (3600 * S)

static struct xf_clock now;
static struct xf_timers *timers;
static struct xf_alarms *alarms;
static char told[4096];

static void swallow(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner, (void)level, (void)event, (void)line;
}

static bool is_partner(void *owner, struct xf_span peer)
{
    (void)owner;
    return xf_span_is(peer, "partner.example") || xf_span_ends_with(peer, XF_SPAN(".named"));
}

/* "+name subject(detail) " for one that is raised, "-" for one that is over, "~" lapsed. */
static void hear(struct xf_alarm_follower *follower, enum xf_alarm_change change,
                 const struct xf_alarm_view *view)
{
    size_t len = strlen(told);
    (void)follower;
    snprintf(told + len, sizeof(told) - len, "%c%s %s(%s) ", "+-~"[change], view -> name,
             view -> subject, view -> detail);
}

static struct xf_alarm_follower follower = {.changed = hear};

static void begin(void)
{
    xf_log_set_sink(swallow, NULL);
    now.now_ms = 1000;
    told[0] = '\0';
    timers = xf_timers_new(&now);
    alarms = xf_alarms_new(
        &(struct xf_alarms_opts){.timers = timers, .after_ms = AFTER, .is_named = is_partner});
    xf_alarms_follow(alarms, &follower);
}

static void end(void)
{
    xf_alarms_free(&alarms);
    xf_timers_free(&timers);
    xf_log_set_sink(NULL, NULL);
}

static void pass(uint64_t ms)
{
    for (uint64_t until_ms = now.now_ms + ms; now.now_ms < until_ms;) {
        uint64_t next_ms = xf_timers_next_ms(timers);
        now.now_ms = next_ms < until_ms ? (next_ms > now.now_ms ? next_ms : now.now_ms) : until_ms;
        xf_timers_run(timers);
    }
}

/* Events as the layers log them; 'P' stands for a peer with a section, 'S' for a stranger. */
/* clang-format off */
static void event(char what)
{
    switch (what) {
    case 'L': xf_log(XF_LOG_DEBUG, "link.outage.began", XF_STR("link", "main")); break;
    case 'l': xf_log(XF_LOG_DEBUG, "link.outage.ended", XF_STR("link", "main"), XF_INT("ms", 1)); break;
    case 'P': xf_log(XF_LOG_DEBUG, "routing.peer.unreachable", XF_STR("peer", "partner.example"), XF_WORD("reason", "timeout")); break;
    case 'p': xf_log(XF_LOG_DEBUG, "routing.peer.reached", XF_STR("peer", "partner.example")); break;
    case 'S': xf_log(XF_LOG_DEBUG, "routing.peer.unreachable", XF_STR("peer", "exmaple.org")); break;
    case 'K': xf_log(XF_LOG_WARN, "peer.key.changed", XF_STR("peer", "partner.example")); break;
    case 'C': xf_log(XF_LOG_WARN, "certificate.expiry.near", XF_STR("local", "a.example"), XF_INT("days", 6)); break;
    case 'E': xf_log(XF_LOG_ERROR, "certificate.expired", XF_STR("local", "a.example"), XF_INT("days", 0)); break;
    case 'c': xf_log(XF_LOG_DEBUG, "certificate.good", XF_STR("local", "a.example"), XF_INT("days", 90)); break;
    case 'D': xf_log(XF_LOG_WARN, "identity.directory.lost", XF_STR("detail", "refused\ntwice")); break;
    case 'd': xf_log(XF_LOG_INFO, "identity.directory.found", XF_STR("server", "ldap://x")); break;
    case 'X': xf_log(XF_LOG_WARN, "s2s.stream.down", XF_STR("peer", "partner.example")); break;
    case ' ': pass(1); break;                /* a turn of the loop */
    case '.': pass(AFTER / 4); break;
    case '_': pass(AFTER); break;
    case '^': pass(HOUR); break;
    case '@': pass(24 * HOUR); break;
    default: ck_abort_msg("no event %c", what);
    }
}

static const struct {
    const char *label, *events, *want;
} cases[] = {
    {"nothing",                             "X^",         ""},
    {"a link must be down for a while",     "L... ",      ""},
    {"... then it is told",                 "L_ ",        "+link.down main() "},
    {"... once, however often it is seen",  "LL_ L_ L_ ", "+link.down main() "},
    {"back before it was told",             "L..l_^",     ""},
    {"over when it has been well as long",  "L_ l... ",   "+link.down main() "},
    {"... then that is told, once",         "L_ l_ l_ ",  "+link.down main() -link.down main() "},
    {"a short return is not told",          "L_ l.L_l.L_", "+link.down main() "},
    {"the second time it must be well for twice as long", "L_ l_ L_ l_ ", "+link.down main() -link.down main() +link.down main() "},
    {"... and is over then",                "L_ l_ L_ l_ _", "+link.down main() -link.down main() +link.down main() -link.down main() "},
    {"after a quiet hour it is forgotten",  "L_ l_ ^L_ l_ ", "+link.down main() -link.down main() +link.down main() -link.down main() "},
    {"a peer with a section",               "P_ p_ ",     "+peer.unreachable partner.example(timeout) -peer.unreachable partner.example(timeout) "},
    {"a mistyped domain is no alarm",       "S_ ^",       ""},
    {"nobody tries a peer any more",        "P_ ^",       "+peer.unreachable partner.example(timeout) ~peer.unreachable partner.example(timeout) "},
    {"a new key is told at once",           "K ",         "+peer.key partner.example() "},
    {"... once in a day",                   "K ^K ^K ",   "+peer.key partner.example() "},
    {"... and lapses",                      "K @ ",       "+peer.key partner.example() ~peer.key partner.example() "},
    {"a certificate",                       "C C ",       "+certificate a.example(6 days) "},
    {"... that is renewed",                 "C c ",       "+certificate a.example(6 days) -certificate a.example(6 days) "},
    {"... or looked at day after day",      "C @C @E @E ", "+certificate a.example(6 days) "},
    {"good all the time",                   "c @c ",      ""},
    {"the directory",                       "D_ d_ ",     "+directory.down (refused\ntwice) -directory.down (refused\ntwice) "},
};
/* clang-format on */

START_TEST(told_once_and_ended_once)
{
    begin();
    for (const char *p = cases[_i].events; *p; p++)
        event(*p);
    ck_assert_msg(strcmp(told, cases[_i].want) == 0, "%s: \"%s\", not \"%s\"", cases[_i].label,
                  told, cases[_i].want);
    end();
}
END_TEST

static void key_changes(const char *peer)
{
    xf_log(XF_LOG_WARN, "peer.key.changed", XF_STR("peer", peer));
}

static void count(void *owner, const struct xf_alarm_view *view)
{
    size_t *counts = owner;
    counts[strcmp(view->name, "more") == 0]++;
}

/* clang-format off */
static const struct {
    const char *label, *domain;
    size_t peers, want, want_more;
} floods[] = {
    {"a few strangers",             "evil.example", 3,                       3, 0},
    {"as many as there is room",    "evil.example", XF_ALARMS_STRANGERS,     XF_ALARMS_STRANGERS, 0},
    {"one more",                    "evil.example", XF_ALARMS_STRANGERS + 1, XF_ALARMS_STRANGERS, 1},
    {"a flood",                     "evil.example", 20000,                   XF_ALARMS_STRANGERS, 1},
    {"a flood below a named owner", "x.named",      20000,                   XF_ALARMS_NAMED, 1},
};
/* clang-format on */

START_TEST(a_flood_of_names_is_bounded)
{
    char peer[64];
    size_t counts[2] = {0};
    begin();
    for (size_t i = 0; i < floods[_i].peers; i++) {
        snprintf(peer, sizeof(peer), "p%zu.%s", i, floods[_i].domain);
        key_changes(peer);
    }
    event('L'); /* finds room */
    pass(AFTER);
    xf_alarms_each(alarms, count, counts);
    ck_assert_msg(counts[0] == floods[_i].want + 1, "%s: %zu alarms", floods[_i].label, counts[0]);
    ck_assert_msg(counts[1] == floods[_i].want_more, "%s: more %zu", floods[_i].label, counts[1]);
    ck_assert_uint_eq(xf_alarms_count(alarms), counts[0] + counts[1]);
    end();
}
END_TEST

START_TEST(flapping_for_a_day_is_told_a_few_times)
{
    size_t raised = 0;
    begin();
    for (int i = 0; i < 240; i++) { /* three minutes away, three minutes well */
        event('P');
        pass(3 * AFTER);
        event('p');
        pass(3 * AFTER);
    }
    for (const char *p = told; (p = strchr(p, '+')); p++)
        raised++;
    ck_assert_msg(raised >= 1 && raised <= 4, "raised %zu times", raised);
    end();
}
END_TEST

START_TEST(long_names_are_cut_and_find_each_other)
{
    char peer[1001];
    memset(peer, 'a', sizeof(peer) - 1);
    memcpy(peer + sizeof(peer) - 7, ".named", 7);
    begin();
    key_changes(peer);
    key_changes(peer);
    pass(1);
    ck_assert_uint_eq(xf_alarms_count(alarms), 1);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alarms");
    TCase *tcase = tcase_create("alarms");
    tcase_add_loop_test(tcase, told_once_and_ended_once, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, a_flood_of_names_is_bounded, 0, XF_ARRAY_LEN(floods));
    tcase_add_test(tcase, flapping_for_a_day_is_told_a_few_times);
    tcase_add_test(tcase, long_names_are_cut_and_find_each_other);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
