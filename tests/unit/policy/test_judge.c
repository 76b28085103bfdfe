/* SPDX-License-Identifier: MIT */
/*
 * Stanzas against the rules of a peer: kinds, users, groups, payloads, hours, dry runs, and what is
 * told.
 */
#include "folder.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/policy/policy.h>

/* clang-format off */
static const char text_of_conf[] =
    "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = s }\n"                          /*  1 */
    "served \"a.example\" { link = l certificate = c key = k }\n"                                          /*  2 */
    "policy { default = deny }\n"                                                                          /*  3 */
    "peer \"plain.example\" { }\n"                                                                         /*  4 */
    "peer \"users.example\" { users = {\"ann@a.example\", \"*-ext@a.example\", \"*@*.a.example\","
    "  \"*@xn--bcher-kva.example\", \"*@*.B\xc3\x9c" "CHER.example\"} }\n"                                        /*  5 */
    "peer \"groups.example\" { groups = {\"sales\"} denied-user = silent denied-peer = silent }\n"         /*  6 */
    "peer \"mixed.example\" { users = {\"ann@a.example\"} groups = {\"sales\"}\n"                          /*  7 */
    "  reason = \"ask the help desk\" }\n"                                                                 /*  8 */
    "peer \"ns.example\" { block-namespaces-in = {\"jabber:x:oob\", \"urn:xmpp:jingle:*\"}\n"              /*  9 */
    "  block-namespaces-out = {\"http://x.example/?a&b\"} denied-peer = policy-violation }\n"              /* 10 */
    "peer \"hours.example\" { hours = {\"mon-fri 08:00-18:00\", \"sat 22:00-02:00\"} }\n"                  /* 11 */
    "peer \"dry.example\" { enforce = no direction = in block-kinds-in = {iq} }\n"                         /* 12 */
    "peer \"*.web.example\" { profile = webex block-kinds-out = {groupchat} }\n"                           /* 13 */
    "peer \"one.web.example\" { direction = out }\n"                                                       /* 14 */
    "directory { uri = \"ldap://l\" base = \"dc=a\" jid-attribute = mail groups = {\"sales=cn=sales\"} }\n" /* 15 */
#ifdef XF_HAVE_SIP
    "peer \"sip.example\" { protocol = sip enforce = no denied-user = silent denied-peer = silent reason = \"no\" block-kinds-out = {iq} }\n" /* 16 */
    "peer \"*.dry.sip.example\" { enforce = no block-kinds-in = {iq}\n"                                  /* 17 */
    "  protocol = sip }\n"                                                                                /* 18 */
#endif
    ;

enum child { NO_CHILD, OOB, JINGLE, QUERY, MUC, MUC_LATE, OOB_LATE, AMP };
static const char *const payloads[] = {
    [NO_CHILD] = "<body>x</body>",
    [OOB] = "<body/><x xmlns=\"jabber:x:oob\"><url>u</url></x>",
    [JINGLE] = "<jingle xmlns=\"urn:xmpp:jingle:1\"/>",
    [QUERY] = "<query xmlns=\"jabber:iq:roster\"/>",
    [MUC] = "<x xmlns=\"http://jabber.org/protocol/muc\"/>",
    [MUC_LATE] = "<a/><a/><a/><a/><a/><a/><a/><a><b><c/></b></a><x xmlns=\"http://jabber.org/protocol/muc#user\"/>",
    [OOB_LATE] = "<a/><a/><a/><a/><a/><a/><a/>text<a xmlns=\"q\"><x xmlns=\"y\"/></a><a/><x xmlns=\"jabber:x:oob\"/>",
    [AMP] = "<x xmlns=\"http://x.example/?a&amp;b\"/>",
};

#define OUT XF_DIRECTION_OUT
#define IN XF_DIRECTION_IN
#define AT(day, hour, minute) (((day) * 24 + (hour)) * 60 + (minute))

static const struct {
    const char *label, *peer, *user;
    enum xf_direction direction;
    enum xf_stanza_kind kind;
    const char *type;
    enum child child;
    unsigned minute;
    enum xf_rule rule;
    bool passes;
    int line;
    enum xf_denial answer;
} cases[] = {
    {"no rules", "plain.example", "u@a.example", OUT, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"no section", "x.example", "u@a.example", OUT, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_DEFAULT, false, 3, XF_DENIAL_ERROR},
    {"a user by name", "users.example", "ann@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a user by name, inbound", "users.example", "ann@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a user by a pattern", "users.example", "bob-ext@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a user by a pattern with two *", "users.example", "u@x.a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a user by a pattern with A-labels", "users.example", "u@b\xc3\xbc" "cher.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a user by a pattern with U-labels", "users.example", "u@x.b\xc3\xbc" "cher.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"another user", "users.example", "bob@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_USER, false, 5, XF_DENIAL_ERROR},
    {"another user, inbound", "users.example", "bob@a.example", IN, XF_STANZA_PRESENCE, "subscribe", NO_CHILD, 0, XF_RULE_USER, false, 5, XF_DENIAL_ERROR},
    {"the domain itself is no user", "users.example", "a.example", OUT, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_USER, false, 5, XF_DENIAL_ERROR},
    {"what does not name a user is not asked", "users.example", NULL, OUT, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a member", "groups.example", "sue@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_SILENT},
    {"no member", "groups.example", "bob@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_USER, false, 6, XF_DENIAL_SILENT},
    {"users and groups: a member", "mixed.example", "sue@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"users and groups: neither", "mixed.example", "bob@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_USER, false, 7, XF_DENIAL_ERROR},
    {"a payload", "ns.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, OOB, 0, XF_RULE_NAMESPACE, false, 9, XF_DENIAL_VIOLATION},
    {"a payload the other way", "ns.example", "u@a.example", OUT, XF_STANZA_MESSAGE, NULL, OOB, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a payload by a pattern", "ns.example", "u@a.example", IN, XF_STANZA_IQ, "set", JINGLE, 0, XF_RULE_NAMESPACE, false, 9, XF_DENIAL_VIOLATION},
    {"a payload behind many children", "ns.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, OOB_LATE, 0, XF_RULE_NAMESPACE, false, 9, XF_DENIAL_VIOLATION},
    {"a payload with & in its name", "ns.example", "u@a.example", OUT, XF_STANZA_MESSAGE, NULL, AMP, 0, XF_RULE_NAMESPACE, false, 10, XF_DENIAL_ERROR},
    {"another payload", "ns.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_VIOLATION},
    {"before work", "hours.example", "u@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, AT(0, 7, 59), XF_RULE_HOURS, false, 11, XF_DENIAL_ERROR},
    {"work begins", "hours.example", "u@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, AT(0, 8, 0), XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"work ends", "hours.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, AT(4, 18, 0), XF_RULE_HOURS, false, 11, XF_DENIAL_ERROR},
    {"Saturday night", "hours.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, AT(5, 23, 0), XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"... goes on until Sunday", "hours.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, AT(6, 1, 59), XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"... and ends", "hours.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, AT(6, 2, 0), XF_RULE_HOURS, false, 11, XF_DENIAL_ERROR},
    {"a dry run of the direction", "dry.example", "u@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_DIRECTION, true, 12, XF_DENIAL_ERROR},
    {"a dry run of a kind", "dry.example", "u@a.example", IN, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_KIND, true, 12, XF_DENIAL_ERROR},
    {"a dry run, nothing refuses", "dry.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a message of a room", "x.web.example", "u@a.example", OUT, XF_STANZA_MESSAGE, "groupchat", NO_CHILD, 0, XF_RULE_KIND, false, 13, XF_DENIAL_ERROR},
    {"presence into a room", "x.web.example", "u@a.example", OUT, XF_STANZA_PRESENCE, NULL, MUC, 0, XF_RULE_KIND, false, 13, XF_DENIAL_ERROR},
    {"... behind many children", "x.web.example", "u@a.example", OUT, XF_STANZA_PRESENCE, NULL, MUC_LATE, 0, XF_RULE_KIND, false, 13, XF_DENIAL_ERROR},
    {"presence of a person", "x.web.example", "u@a.example", OUT, XF_STANZA_PRESENCE, NULL, NO_CHILD, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a subscription is no presence of a room", "x.web.example", "u@a.example", OUT, XF_STANZA_PRESENCE, "subscribe", MUC, 0, XF_RULE_NONE, true, 0, XF_DENIAL_ERROR},
    {"a rule of the pattern holds for the exact name", "one.web.example", "u@a.example", OUT, XF_STANZA_MESSAGE, "groupchat", NO_CHILD, 0, XF_RULE_KIND, false, 13, XF_DENIAL_ERROR},
    {"a rule of its own", "one.web.example", "u@a.example", IN, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_DIRECTION, false, 14, XF_DENIAL_ERROR},
#ifdef XF_HAVE_SIP
    {"to a domain of SIP", "sip.example", "u@a.example", OUT, XF_STANZA_MESSAGE, NULL, NO_CHILD, 0, XF_RULE_SIP, false, 16, XF_DENIAL_ERROR},
    {"... of a kind that its rules refuse too", "sip.example", "u@a.example", OUT, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_SIP, false, 16, XF_DENIAL_ERROR},
    {"from a domain of SIP", "sip.example", "u@a.example", IN, XF_STANZA_PRESENCE, NULL, NO_CHILD, 0, XF_RULE_SIP, false, 16, XF_DENIAL_VIOLATION},
    {"a domain of SIP by a pattern", "x.dry.sip.example", "u@a.example", IN, XF_STANZA_IQ, "get", QUERY, 0, XF_RULE_SIP, false, 18, XF_DENIAL_VIOLATION},
#endif
};
/* clang-format on */

static struct folder folder;
static struct xf_conf *conf;
static struct xf_policy *policy;

static bool is_member(void *owner, const char *group, struct xf_span jid)
{
    (void)owner;
    return strcmp(group, "sales") == 0 && xf_span_is(jid, "sue@a.example");
}

static void load(void)
{
    char path[128], *messages = NULL;
    folder_make(&folder);
    folder_put_text(&folder, "s", "a secret that is long enough");
    folder_put_text(&folder, "conf", text_of_conf);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    ck_assert_msg(err == XF_ERR_OK, "%s", messages);
    xf_free(messages);
    policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf, .is_member = is_member});
}

static void unload(void)
{
    xf_policy_free(&policy);
    xf_conf_free(&conf);
    folder_remove(&folder);
}

/* As the reader fills it. */
static void fill_children(struct xf_stanza *stanza)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;
    while (xf_stanza_next_child(&rest, &child)) {
        if (stanza->child_count < XF_STANZA_CHILDREN)
            stanza->children[stanza->child_count] = (struct xf_child){child.ns, child.name};
        stanza->child_count++;
    }
}

static void judge(int i, struct xf_ruling *out)
{
    struct xf_stanza stanza = {.kind = cases[i].kind,
                               .type = xf_span_of(cases[i].type),
                               .payload = xf_span_of(payloads[cases[i].child])};
    fill_children(&stanza);
    xf_policy_judge(policy,
                    &(struct xf_policy_ask){.direction = cases[i].direction,
                                            .served = XF_SPAN("a.example"),
                                            .peer = xf_span_of(cases[i].peer),
                                            .user = xf_span_of(cases[i].user),
                                            .kind = xf_policy_kind(&stanza),
                                            .stanza = &stanza,
                                            .minute_of_week = cases[i].minute},
                    out);
}

START_TEST(judges)
{
    struct xf_ruling ruling;
    judge(_i, &ruling);
    const char *label = cases[_i].label;
    ck_assert_msg(ruling.rule == cases[_i].rule, "%s: rule %s", label, xf_rule_word(ruling.rule));
    ck_assert_msg(ruling.passes == cases[_i].passes, "%s: passes %d", label, ruling.passes);
    ck_assert_msg(ruling.line == cases[_i].line, "%s: line %d", label, ruling.line);
    ck_assert_msg(ruling.answer == cases[_i].answer, "%s: answer %d", label, ruling.answer);
    ck_assert_msg((ruling.line == 0) == (ruling.file == NULL), "%s: file", label);
    ck_assert_msg(ruling.text && ruling.note, "%s: texts", label);
}
END_TEST

/* Whoever may send one kind and not another is not plain; who has no rule is. */
START_TEST(a_peer_is_plain_where_no_rule_looks_at_stanzas)
{
    bool is_plain = xf_policy_is_plain(policy, xf_span_of(cases[_i].peer), cases[_i].direction);
    bool is_of_stanza = cases[_i].rule >= XF_RULE_HOURS;
    ck_assert_msg(!(is_plain && is_of_stanza), "%s", cases[_i].label);
}
END_TEST

START_TEST(plain_is_of_a_direction)
{
    ck_assert(xf_policy_is_plain(policy, XF_SPAN("plain.example"), IN));
    ck_assert(xf_policy_is_plain(policy, XF_SPAN("x.web.example"), IN));
    ck_assert(!xf_policy_is_plain(policy, XF_SPAN("x.web.example"), OUT));
}
END_TEST

START_TEST(the_reason_is_the_peers_own)
{
    struct xf_ruling ruling;
    struct xf_policy_ask ask = {.direction = OUT,
                                .served = XF_SPAN("a.example"),
                                .peer = XF_SPAN("mixed.example"),
                                .user = XF_SPAN("bob@a.example")};
    xf_policy_judge(policy, &ask, &ruling);
    ck_assert_str_eq(ruling.text, "ask the help desk");
    ck_assert_str_eq(ruling.key, "users");
    ask.peer = XF_SPAN("groups.example");
    xf_policy_judge(policy, &ask, &ruling);
    ck_assert_str_eq(ruling.text, "this user may not communicate with this domain");
    ck_assert_str_eq(ruling.key, "groups");
    ask.served = XF_SPAN("q.example");
    xf_policy_judge(policy, &ask, &ruling);
    ck_assert_int_eq(ruling.rule, XF_RULE_NOT_SERVED);
}
END_TEST

/* Neither the peer's own words nor the code of its other rules. */
START_TEST(a_domain_of_sip_is_called_so)
{
    struct xf_ruling ruling;
    xf_policy_judge_pair(policy, XF_SPAN("a.example"), XF_SPAN("mixed.example"), OUT, &ruling);
    ck_assert_int_eq(xf_policy_protocol(policy, XF_SPAN("mixed.example")), XF_PROTOCOL_XMPP);
    ck_assert_int_eq(ruling.help, XF_HELP_POLICY_DENIED);
#ifdef XF_HAVE_SIP
    xf_policy_judge_pair(policy, XF_SPAN("a.example"), XF_SPAN("sip.example"), OUT, &ruling);
    ck_assert_int_eq(xf_policy_protocol(policy, XF_SPAN("sip.example")), XF_PROTOCOL_SIP);
    ck_assert_str_eq(ruling.text, "reached by SIP, which is off");
    ck_assert_str_eq(ruling.key, "protocol");
    ck_assert_int_eq(ruling.help, XF_HELP_SIP_DOMAIN);
    xf_policy_judge_pair(policy, XF_SPAN("x.example"), XF_SPAN("sip.example"), OUT, &ruling);
    ck_assert_int_eq(ruling.rule, XF_RULE_NOT_SERVED);
#endif
    ck_assert_str_eq(xf_protocol_word(XF_PROTOCOL_XMPP), "xmpp");
    ck_assert_str_eq(xf_protocol_word(XF_PROTOCOL_SIP), "sip");
}
END_TEST

START_TEST(explain_names_rules_places_and_origins)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ck_assert_int_eq(
        xf_policy_explain(policy, XF_SPAN("u@a.example"), XF_SPAN("v@one.web.example"), 0, out),
        XF_ERR_OK);
    fclose(out);
    ck_assert_msg(strstr(text, "  message      passes\n"), "%s", text);
    ck_assert_msg(strstr(text, "  groupchat    refused: rule kind, block-kinds-out, "), "%s", text);
    ck_assert_msg(strstr(text, "conf:13; answered with not-allowed: stanzas of this kind"), "%s",
                  text);
    ck_assert_msg(strstr(text, "  way back     refused: rule direction, direction, "), "%s", text);
    ck_assert_msg(strstr(text, "  direction                = out   (peer \"one.web.example\", "),
                  "%s", text);
    ck_assert_msg(
        strstr(text,
               "  tls                      = optional   (peer \"*.web.example\", by its profile, "),
        "%s", text);
    ck_assert_msg(strstr(text, "(built-in default)"), "%s", text);
    free(text);
}
END_TEST

#ifdef XF_HAVE_SIP
static char *explained(struct xf_policy *of, const char *from, const char *to)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ck_assert_int_eq(xf_policy_explain(of, xf_span_of(from), xf_span_of(to), 0, out), XF_ERR_OK);
    fclose(out);
    return text;
}

static void check_said(const char *text, const char *const *said, const char *const *unsaid)
{
    for (; *said; said++)
        ck_assert_msg(strstr(text, *said), "no \"%s\" in\n%s", *said, text);
    for (; *unsaid; unsaid++)
        ck_assert_msg(!strstr(text, *unsaid), "\"%s\" in\n%s", *unsaid, text);
}

/* Of the settings only those that the peer's protocol looks at. */
START_TEST(explain_knows_what_sip_carries)
{
    static const char base[] =
        "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = s }\n"
        "served \"a.example\" { link = l certificate = c key = k }\n"
        "listen { sip = {\"[::]:5061\"} }\nsip { host = sip.a.example certificate = c key = k }\n"
        "peer \"sip.example\" { protocol = sip users = {\"u@a.example\"} }\n"
        "peer \"auto.example\" { protocol = auto }\n";
    static const struct {
        const char *from, *to, *said[6], *unsaid[8];
    } rows[] = {
        {"u@a.example",
         "v@sip.example",
         {"  message      passes\n", "  subscription passes\n",
          "  iq           refused: SIP does not carry it; answered with service-unavailable\n",
          "  groupchat    refused: SIP does not carry it; answered with not-acceptable\n",
          "  sip-body "},
         {"  dialback ", "  bidi ", "  sasl-in ", "  tls ", "  max-streams ", "  profile ",
          "  certificate "}},
        {"v@sip.example",
         "u@a.example",
         {"  message      passes\n", "  iq           does not exist in SIP\n",
          "  groupchat    does not exist in SIP\n"},
         {"  iq           passes"}},
        {"w@a.example",
         "v@sip.example",
         {"  iq           refused: rule users, users, "},
         {"SIP does not carry"}},
        {"u@a.example",
         "v@xmpp.example",
         {"  iq           passes\n", "  dialback ", "  tls "},
         {"  sip-"}},
        {"u@a.example",
         "v@auto.example",
         {"  iq           passes\n", "  dialback ", "  sip-body "},
         {"SIP does not carry"}},
    };
    char path[128], *messages = NULL;
    struct xf_conf *own = NULL;
    folder_put_text(&folder, "own", base);
    snprintf(path, sizeof(path), "%s/own", folder.path);
    ck_assert_msg(xf_conf_load(path, &own, &messages) == XF_ERR_OK, "%s", messages);
    struct xf_policy *of_own = xf_policy_new(&(struct xf_policy_opts){.conf = own});
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        char *text = explained(of_own, rows[i].from, rows[i].to);
        check_said(text, rows[i].said, rows[i].unsaid);
        free(text);
    }
    xf_policy_free(&of_own);
    xf_conf_free(&own);
    xf_free(messages);
}
END_TEST
#endif

START_TEST(explain_needs_one_of_ours)
{
    FILE *out = fopen("/dev/null", "w");
    ck_assert_int_eq(
        xf_policy_explain(policy, XF_SPAN("u@x.example"), XF_SPAN("v@y.example"), 0, out),
        XF_ERR_BAD_VALUE);
    ck_assert_int_eq(
        xf_policy_explain(policy, XF_SPAN("u@a.example"), XF_SPAN("v@a.example"), 0, out),
        XF_ERR_BAD_VALUE);
    ck_assert_int_eq(xf_policy_explain(policy, XF_SPAN("@"), XF_SPAN("v@a.example"), 0, out),
                     XF_ERR_BAD_JID);
    fclose(out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge");
    TCase *tc = tcase_create("judge");
    tcase_add_checked_fixture(tc, load, unload);
    tcase_add_loop_test(tc, judges, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, a_peer_is_plain_where_no_rule_looks_at_stanzas, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, plain_is_of_a_direction);
    tcase_add_test(tc, the_reason_is_the_peers_own);
    tcase_add_test(tc, a_domain_of_sip_is_called_so);
    tcase_add_test(tc, explain_names_rules_places_and_origins);
#ifdef XF_HAVE_SIP
    tcase_add_test(tc, explain_knows_what_sip_carries);
#endif
    tcase_add_test(tc, explain_needs_one_of_ours);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
