/* SPDX-License-Identifier: MIT */
/*
 * test_owner.c — which protocol a domain belongs to, by what it authenticated with last; of how
 * many domains of one owner that is known; what is kept over a restart.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/history/history.h>

#define SCRATCH_FILE "peers.db"
#include "scratch_file.h"

#define START_S    1000000
#define MAX_AGE_S  100
#define PEERS_MAX  8
#define AUTO_MAX   2
#define NAME       "b.example"
#define OTHER_NAME "c.example"

static struct xf_history *history;

static void open_history(const char *file)
{
    const struct xf_history_opts opts = {
        .file = file, .max_peers = PEERS_MAX, .max_auto_per_owner = AUTO_MAX};
    ck_assert_int_eq(xf_history_open(&opts, &history, NULL), XF_ERR_OK);
}

static void open_memory(void)
{
    open_history("");
}

static void close_memory(void)
{
    xf_history_free(&history);
}

static void see(const char *peer, enum xf_history_owner owner, int64_t now_s)
{
    xf_history_own(history, xf_span_of(peer), owner, now_s);
}

static void see_sip(const char *peer, int64_t now_s)
{
    see(peer, XF_HISTORY_OWNER_SIP, now_s);
}

static enum xf_history_owner owner_at(const char *peer, int64_t now_s)
{
    return xf_history_owner(history, xf_span_of(peer), now_s, MAX_AGE_S, NULL);
}

/* clang-format off */
/* What happens a second after the other: x: XMPP; s: SIP; f: forgotten; h: a stream that authenticates nobody; +: half of the time passes. */
static const struct {
    const char *label, *seen;
    enum xf_history_owner owner;
} rows[] = {
    {"nothing is known",               "",      XF_HISTORY_OWNER_NONE},
    {"XMPP",                           "x",     XF_HISTORY_OWNER_XMPP},
    {"SIP",                            "s",     XF_HISTORY_OWNER_SIP},
    {"what came last counts: SIP",     "xs",    XF_HISTORY_OWNER_SIP},
    {"what came last counts: XMPP",    "sx",    XF_HISTORY_OWNER_XMPP},
    {"ways and keys say nothing",      "h",     XF_HISTORY_OWNER_NONE},
    {"... nor do they change it",      "sh",    XF_HISTORY_OWNER_SIP},
    {"not for ever: SIP",              "s+++",  XF_HISTORY_OWNER_NONE},
    {"not for ever: XMPP",             "x+++",  XF_HISTORY_OWNER_NONE},
    {"from the last time on",          "s+s+",  XF_HISTORY_OWNER_SIP},
    {"forgotten: SIP",                 "sf",    XF_HISTORY_OWNER_NONE},
    {"forgotten: XMPP",                "xf",    XF_HISTORY_OWNER_NONE},
    {"forgotten, and nothing was known", "f",   XF_HISTORY_OWNER_NONE},
    {"forgotten twice",                "sff",   XF_HISTORY_OWNER_NONE},
    {"forgotten and seen again",       "sfs",   XF_HISTORY_OWNER_SIP},
    {"moved from SIP to XMPP",         "sfx",   XF_HISTORY_OWNER_XMPP},
    {"moved from XMPP to SIP",         "xfs",   XF_HISTORY_OWNER_SIP},
};
/* clang-format on */

static int64_t play(const char *seen)
{
    int64_t now_s = START_S;
    for (const char *c = seen; *c; c++, now_s++) {
        if (*c == 'x' || *c == 's' || *c == 'f')
            see(NAME,
                *c == 'x'   ? XF_HISTORY_OWNER_XMPP
                : *c == 's' ? XF_HISTORY_OWNER_SIP
                            : XF_HISTORY_OWNER_NONE,
                now_s);
        else if (*c == 'h')
            xf_history_note(history, XF_SPAN(NAME), false,
                            &(struct xf_history_sight){.auth = XF_HISTORY_EXTERNAL}, now_s);
        else
            now_s += MAX_AGE_S / 2;
    }
    return now_s;
}

START_TEST(knows_the_owner)
{
    int64_t now_s = play(rows[_i].seen);
    ck_assert_msg(owner_at(NAME, now_s) == rows[_i].owner, "%s: %d", rows[_i].label,
                  owner_at(NAME, now_s));
    ck_assert_int_eq(owner_at(OTHER_NAME, now_s), XF_HISTORY_OWNER_NONE);
}
END_TEST

START_TEST(says_since_when)
{
    int64_t last_s = 0;
    see_sip(NAME, START_S);
    ck_assert_int_eq(
        xf_history_owner(history, XF_SPAN(NAME), START_S + MAX_AGE_S, MAX_AGE_S, &last_s),
        XF_HISTORY_OWNER_SIP);
    ck_assert_int_eq(last_s, START_S);
    ck_assert_int_eq(owner_at(NAME, START_S + MAX_AGE_S + 1), XF_HISTORY_OWNER_NONE);
}
END_TEST

/* That is no way of authentication: continuity goes on. */
START_TEST(keeps_the_rest)
{
    play("hsf");
    ck_assert_int_eq(xf_history_find(history, XF_SPAN(NAME), false)->auth, XF_HISTORY_EXTERNAL);
    ck_assert_ptr_null(xf_history_find(history, XF_SPAN(NAME), true));
    ck_assert_uint_eq(xf_history_count(history), 1);
}
END_TEST

/* One who owns a domain takes no place of others, and needs no more than its share. */
START_TEST(bounds_owners)
{
    see_sip("z.example", START_S);
    for (int i = 0; i < 5; i++) {
        char name[] = "1.evil.example";
        name[0] = (char)('1' + i);
        see_sip(name, START_S + 1 + i);
    }
    see_sip("4.evil.example", START_S + 7); /* again: it is the last one now */
    see_sip("6.evil.example", START_S + 8);
    ck_assert_int_eq(owner_at("z.example", START_S + 9), XF_HISTORY_OWNER_SIP);
    ck_assert_int_eq(owner_at("1.evil.example", START_S + 9), XF_HISTORY_OWNER_NONE);
    ck_assert_int_eq(owner_at("3.evil.example", START_S + 9), XF_HISTORY_OWNER_NONE);
    ck_assert_int_eq(owner_at("4.evil.example", START_S + 9), XF_HISTORY_OWNER_SIP);
    ck_assert_int_eq(owner_at("5.evil.example", START_S + 9), XF_HISTORY_OWNER_NONE);
    ck_assert_int_eq(owner_at("6.evil.example", START_S + 9), XF_HISTORY_OWNER_SIP);
    ck_assert_uint_eq(xf_history_count(history), 3);
}
END_TEST

START_TEST(is_kept)
{
    open_history(path);
    see_sip(NAME, START_S);
    see(OTHER_NAME, XF_HISTORY_OWNER_XMPP, START_S);
    see("d.example", XF_HISTORY_OWNER_XMPP, START_S);
    see("d.example", XF_HISTORY_OWNER_NONE, START_S + 1);
    for (int i = 0; i < 3; i++) { /* the first one gives way, also in the file */
        char name[] = "1.evil.example";
        name[0] = (char)('1' + i);
        see_sip(name, START_S + 1 + i);
    }
    close_memory();
    open_history(path);
    ck_assert_int_eq(owner_at(NAME, START_S + 4), XF_HISTORY_OWNER_SIP);
    ck_assert_int_eq(owner_at(OTHER_NAME, START_S + 4), XF_HISTORY_OWNER_XMPP);
    ck_assert_int_eq(owner_at("d.example", START_S + 4), XF_HISTORY_OWNER_NONE);
    ck_assert_int_eq(owner_at("1.evil.example", START_S + 4), XF_HISTORY_OWNER_NONE);
    ck_assert_int_eq(owner_at("3.evil.example", START_S + 4), XF_HISTORY_OWNER_SIP);
    see_sip("4.evil.example", START_S + 5); /* counts those that were read */
    ck_assert_int_eq(owner_at("2.evil.example", START_S + 6), XF_HISTORY_OWNER_NONE);
    close_memory();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owner");
    TCase *tcase = tcase_create("memory");
    TCase *kept = tcase_create("file");
    tcase_add_checked_fixture(tcase, open_memory, close_memory);
    tcase_add_loop_test(tcase, knows_the_owner, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, says_since_when);
    tcase_add_test(tcase, keeps_the_rest);
    tcase_add_test(tcase, bounds_owners);
    tcase_add_checked_fixture(kept, make_folder, remove_folder);
    tcase_add_test(kept, is_kept);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, kept);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
