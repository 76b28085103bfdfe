/* SPDX-License-Identifier: MIT */
/*
 * test_continuity.c — what follows from what a peer was and what it is: every kind of stream,
 * change and setting of `downgrade`; and what a stream shows of a peer.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/auth/continuity.h>

#define KINDS      4
#define DOWNGRADES 3

#define CLEAR    XF_HISTORY_DIALBACK_CLEAR
#define TLS      XF_HISTORY_DIALBACK_TLS
#define EXTERNAL XF_HISTORY_EXTERNAL
#define NONE     XF_HISTORY_GROUND_NONE
#define CA       XF_HISTORY_GROUND_CA

static const char *const kind_words[KINDS] = {
    [XF_CONTINUITY_ACCEPTED] = "accepted",
    [XF_CONTINUITY_OPENED] = "opened",
    [XF_CONTINUITY_REUSED] = "reused",
    [XF_CONTINUITY_ASKED] = "asked",
};

/* clang-format off */
/*
 * The peer authenticated by EXTERNAL with key 1 before, but in the first row. For each kind the
 * change, and what follows with allow, alarm and refuse: t told, r refused, n noted, a accepted.
 */
static const struct {
    const char *label;
    struct { enum xf_history_auth auth; int key; enum xf_history_ground ground; } now;
    const char *want[KINDS];
} rows[] = {
    {"a new peer", {EXTERNAL, 1, CA},
     {"new: a n n", "new: a n n", "new: - - -", "new: a n n"}},
    {"the same", {EXTERNAL, 1, CA},
     {"same: a n n", "same: a n n", "same: - - -", "same: a n n"}},
    {"another key of a CA", {EXTERNAL, 2, CA},
     {"key-explained: ta tn tn", "key-explained: ta tn tn", "same: - - -", "key-explained: ta tn tn"}},
    {"dialback with the same key", {TLS, 1, NONE},
     {"weaker: a tn tr", "weaker: a tn tr", "weaker: - t tr", "same: a n n"}},
    {"dialback without a certificate", {TLS, 0, NONE},
     {"weaker: a tn tr", "weaker: a tn tr", "weaker: - t tr", "same: a n n"}},
    {"another key of nobody", {EXTERNAL, 2, NONE},
     {"key-changed: a tn tr", "key-changed: a tn tr", "same: - - -", "key-changed: a tn tr"}},
    {"dialback with another key", {TLS, 2, NONE},
     {"key-changed: a tn tr", "key-changed: a tn tr", "weaker: - t tr", "key-changed: a tn tr"}},
    {"dialback with another key of a CA", {TLS, 2, CA},
     {"weaker: a tn tr", "weaker: a tn tr", "weaker: - t tr", "key-explained: ta tn tn"}},
    {"in clear", {CLEAR, 0, NONE},
     {"clear: a tn tr", "clear: a tn tr", "clear: - t tr", "clear: a tn tr"}},
};
/* clang-format on */

static struct xf_history_sight sight_of(enum xf_history_auth auth, int key,
                                        enum xf_history_ground ground)
{
    struct xf_history_sight sight = {.auth = auth, .ground = ground, .has_key = key != 0};
    memset(sight.spki_sha256, key, sizeof(sight.spki_sha256));
    return sight;
}

static struct xf_history_entry known_peer(void)
{
    struct xf_history_entry known = {.auth = EXTERNAL, .key_count = 1};
    memset(known.keys[0].spki_sha256, 1, sizeof(known.keys[0].spki_sha256));
    return known;
}

static const char *letters_of(const struct xf_continuity *decision)
{
    static char out[8];
    const char *record = decision->record == XF_CONTINUITY_NOTE     ? "n"
                         : decision->record == XF_CONTINUITY_ACCEPT ? "a"
                                                                    : "";
    snprintf(out, sizeof(out), "%s%s%s", decision->is_told ? "t" : "",
             decision->refusal.text ? "r" : "", record);
    return out[0] ? out : "-";
}

/* _i: row x kind */
START_TEST(decides)
{
    const size_t row = (size_t)_i / KINDS;
    enum xf_continuity_kind kind = (enum xf_continuity_kind)(_i % KINDS);
    struct xf_history_entry entry = known_peer(), *known = row == 0 ? NULL : &entry;
    struct xf_history_sight now =
        sight_of(rows[row].now.auth, rows[row].now.key, rows[row].now.ground);
    char got[64] = "";
    for (int downgrade = XF_DOWNGRADE_ALLOW; downgrade < DOWNGRADES; downgrade++) {
        struct xf_continuity decision =
            xf_continuity_of(kind, known, &now, (enum xf_downgrade)downgrade);
        size_t len = strlen(got);
        if (len == 0)
            len =
                (size_t)snprintf(got, sizeof(got), "%s:", xf_history_change_word(decision.change));
        snprintf(got + len, sizeof(got) - len, " %s", letters_of(&decision));
    }
    ck_assert_msg(strcmp(got, rows[row].want[kind]) == 0, "%s, %s: %s, wanted %s", rows[row].label,
                  kind_words[kind], got, rows[row].want[kind]);
}
END_TEST

START_TEST(only_accepted_streams_have_the_inbound_history)
{
    for (int kind = 0; kind < KINDS; kind++)
        ck_assert(xf_continuity_is_inbound((enum xf_continuity_kind)kind) ==
                  (kind == XF_CONTINUITY_ACCEPTED));
}
END_TEST

START_TEST(each_refusal_says_what_changed)
{
    static const struct {
        struct xf_history_sight now;
        const char *in_text;
        enum xf_help help;
    } refusals[] = {
        {{.auth = TLS}, "by dialback alone", XF_HELP_PEER_WEAKER},
        {{.auth = EXTERNAL, .has_key = true},
         "the key of the certificate has changed",
         XF_HELP_PEER_KEY_CHANGED},
        {{.auth = CLEAR}, "is in clear", XF_HELP_PEER_WEAKER},
    };
    struct xf_history_entry known = known_peer();
    struct xf_refusal why =
        xf_continuity_of(XF_CONTINUITY_OPENED, &known, &refusals[_i].now, XF_DOWNGRADE_REFUSE)
            .refusal;
    ck_assert_msg(why.text && strstr(why.text, refusals[_i].in_text), "%s",
                  why.text ? why.text : "not refused");
    ck_assert_int_eq(why.help, refusals[_i].help);
}
END_TEST

/* What is told and recorded is what was compared, not what the stream shows. */
START_TEST(an_answer_by_dialback_is_recorded_as_what_was_known)
{
    struct xf_history_entry known = known_peer();
    struct xf_history_sight now = sight_of(TLS, 2, NONE);
    struct xf_continuity decision =
        xf_continuity_of(XF_CONTINUITY_ASKED, &known, &now, XF_DOWNGRADE_ALARM);
    ck_assert_int_eq(decision.sight.auth, EXTERNAL);
    ck_assert(decision.sight.has_key);
    ck_assert_mem_eq(decision.sight.spki_sha256, now.spki_sha256, sizeof(now.spki_sha256));
    known.auth = CLEAR; /* TLS is stronger: it is recorded */
    decision = xf_continuity_of(XF_CONTINUITY_ASKED, &known, &now, XF_DOWNGRADE_ALARM);
    ck_assert_int_eq(decision.sight.auth, TLS);
}
END_TEST

/* ---- what a stream shows */

#define GOOD .is_secure = true, .chain = XF_CERT_TRUSTED, .name_matches = true

static const struct {
    const char *label;
    struct xf_verdict verdict;
    enum xf_auth_method method;
    const char *auth, *ground;
} sights[] = {
    {"in clear", {0}, XF_AUTH_DIALBACK, "dialback-clear", "none"},
    {"no certificate", {.is_secure = true}, XF_AUTH_DIALBACK, "dialback-tls", "none"},
    {"untrusted",
     {.is_secure = true, .chain = XF_CERT_BAD},
     XF_AUTH_DIALBACK,
     "dialback-tls",
     "none"},
    {"good, by dialback", {GOOD}, XF_AUTH_DIALBACK, "dialback-tls", "ca"},
    {"good, nobody authenticated", {GOOD}, XF_AUTH_NONE, "dialback-tls", "ca"},
    {"good, by EXTERNAL", {GOOD}, XF_AUTH_EXTERNAL, "external", "ca"},
    {"good, dialback by certificate", {GOOD}, XF_AUTH_DIALBACK_CERT, "external", "ca"},
    {"TLSA records", {GOOD, .dane = XF_DANE_MATCH}, XF_AUTH_EXTERNAL, "external", "dane"},
    {"a pin, and TLSA records",
     {GOOD, .dane = XF_DANE_MATCH, .pin = XF_PIN_MATCH},
     XF_AUTH_EXTERNAL,
     "external",
     "pin"},
    {"another pin", {GOOD, .pin = XF_PIN_MISMATCH}, XF_AUTH_EXTERNAL, "external", "none"},
};

START_TEST(a_stream_shows)
{
    struct xf_tls_facts facts = {.chain = sights[_i].verdict.chain, .spki_sha256 = {7, 7}};
    const struct xf_tls_facts *seen = sights[_i].verdict.is_secure ? &facts : NULL;
    struct xf_history_sight sight =
        xf_continuity_sight(seen, &sights[_i].verdict, sights[_i].method);
    ck_assert_msg(strcmp(xf_history_auth_word(sight.auth), sights[_i].auth) == 0, "%s: %s",
                  sights[_i].label, xf_history_auth_word(sight.auth));
    ck_assert_msg(strcmp(xf_history_ground_word(sight.ground), sights[_i].ground) == 0, "%s: %s",
                  sights[_i].label, xf_history_ground_word(sight.ground));
    ck_assert(sight.has_key == (sights[_i].verdict.chain != XF_CERT_NONE));
    if (sight.has_key)
        ck_assert_mem_eq(sight.spki_sha256, facts.spki_sha256, sizeof(facts.spki_sha256));
}
END_TEST

START_TEST(only_a_weaker_way_is_behind)
{
    static const struct xf_verdict clear, good = {GOOD};
    struct xf_history_entry known = known_peer();
    for (int downgrade = XF_DOWNGRADE_ALLOW; downgrade < DOWNGRADES; downgrade++) {
        enum xf_downgrade setting = (enum xf_downgrade)downgrade;
        bool counts = setting != XF_DOWNGRADE_ALLOW;
        ck_assert(!xf_continuity_is_behind(&known, &good, XF_AUTH_EXTERNAL, setting));
        ck_assert(xf_continuity_is_behind(&known, &good, XF_AUTH_DIALBACK, setting) == counts);
        ck_assert(xf_continuity_is_behind(&known, &clear, XF_AUTH_DIALBACK, setting) == counts);
    }
    known.auth = TLS;
    ck_assert(!xf_continuity_is_behind(&known, &good, XF_AUTH_DIALBACK, XF_DOWNGRADE_REFUSE));
    ck_assert(!xf_continuity_is_behind(&known, &good, XF_AUTH_EXTERNAL, XF_DOWNGRADE_REFUSE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth/continuity");
    TCase *tc = tcase_create("continuity");
    tcase_add_loop_test(tc, decides, 0, (int)XF_ARRAY_LEN(rows) * KINDS);
    tcase_add_test(tc, only_accepted_streams_have_the_inbound_history);
    tcase_add_loop_test(tc, each_refusal_says_what_changed, 0, 3);
    tcase_add_test(tc, an_answer_by_dialback_is_recorded_as_what_was_known);
    tcase_add_loop_test(tc, a_stream_shows, 0, (int)XF_ARRAY_LEN(sights));
    tcase_add_test(tc, only_a_weaker_way_is_behind);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
