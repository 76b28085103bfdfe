/* SPDX-License-Identifier: MIT */
/* Who may talk with whom, and by which settings: over configurations as an operator writes them. */
#include "folder.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/policy/policy.h>

#define SHORT                                                                                    \
    "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = s }\n"                \
    "served \"a.example\" { link = l certificate = c key = k aliases = {\"chat.a.example\"} }\n" \
    "served \"b.example\" { link = l certificate = c key = k }\n"                                \
    "peer \"in.example\" { direction = in }\n"                                                   \
    "peer \"out.example\" { direction = out }\n"                                                 \
    "peer \"none.example\" { direction = none }\n"                                               \
    "peer \"*.shut.example\" { direction = none }\n"                                             \
    "peer \"open.shut.example\" { direction = both }\n"                                          \
    "peer \"plain.example\" { }\n"                                                               \
    "peer \"*.p.example\" { max-streams = 2 }\n"                                                 \
    "peer \"*.q.p.example\" { queue-stanzas = 3 }\n"

#ifdef XF_HAVE_SIP
#define SIP                                       \
    "peer \"*.sip.example\" { protocol = sip }\n" \
    "peer \"im.sip.example\" { protocol = xmpp }\n"
#endif

#define ALLOW SHORT
#define DENY  SHORT "policy { default = deny }\n"
#define OFF   SHORT "federation = off\n"

/* clang-format off */
static const struct {
    const char *label, *conf, *served, *peer;
    bool may_in, may_out;
} cases[] = {
    {"a stranger", ALLOW, "a.example", "x.example", true, true},
    {"an alias of ours", ALLOW, "chat.a.example", "x.example", true, true},
    {"a domain that is not ours", ALLOW, "x.example", "y.example", false, false},
    {"a domain below one of ours", ALLOW, "sub.a.example", "y.example", false, false},
    {"a peer below one of ours is remote", ALLOW, "a.example", "sub.a.example", true, true},
    {"ours as peer", ALLOW, "a.example", "b.example", false, false},
    {"our alias as peer", ALLOW, "b.example", "chat.a.example", false, false},
    {"ourselves as peer", ALLOW, "a.example", "a.example", false, false},
    {"no peer", ALLOW, "a.example", "", false, false},
    {"only in", ALLOW, "a.example", "in.example", true, false},
    {"only out", ALLOW, "a.example", "out.example", false, true},
    {"neither", ALLOW, "a.example", "none.example", false, false},
    {"below a domain that is shut out by name only", ALLOW, "a.example", "x.none.example", true, true},
    {"a pattern covers what is below", ALLOW, "a.example", "x.y.shut.example", false, false},
    {"a pattern covers the domain itself", ALLOW, "a.example", "shut.example", false, false},
    {"a pattern ends at a label", ALLOW, "a.example", "notshut.example", true, true},
    {"a section of its own wins over the pattern", ALLOW, "a.example", "open.shut.example", true, true},
    {"deny: a stranger", DENY, "a.example", "x.example", false, false},
    {"deny: a peer with a section", DENY, "a.example", "plain.example", true, true},
    {"deny: a peer of a pattern", DENY, "a.example", "x.p.example", true, true},
    {"deny: a direction still counts", DENY, "a.example", "in.example", true, false},
    {"off: nobody", OFF, "a.example", "plain.example", false, false},
#ifdef XF_HAVE_SIP
    {"SIP's", SIP ALLOW, "a.example", "b.sip.example", false, false},
    {"SIP's: the pattern's own name", SIP ALLOW, "chat.a.example", "sip.example", false, false},
    {"SIP's, but for one", SIP ALLOW, "a.example", "im.sip.example", true, true},
    {"SIP's: what ends like it is not", SIP ALLOW, "a.example", "x-sip.example", true, true},
    {"SIP's: no dry run of all", SIP ALLOW "policy { enforce = no }\n", "a.example", "b.sip.example", false, false},
    {"SIP's: no dry run of its own", ALLOW "peer \"s.example\" { protocol = sip enforce = no }\n", "a.example", "s.example", false, false},
    {"SIP's, as all without a section", ALLOW "defaults { protocol = sip }\n", "a.example", "x.example", false, false},
    {"... but one", ALLOW "defaults { protocol = sip }\npeer \"x.example\" { protocol = xmpp }\n", "a.example", "x.example", true, true},
#endif
};
/* clang-format on */

static struct folder folder;
static struct xf_conf *conf;
static struct xf_policy *policy;

static void load(const char *text)
{
    char path[128], *messages = NULL;
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    ck_assert_msg(err == XF_ERR_OK, "%s", messages);
    xf_free(messages);
    policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf});
}

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "s", "a secret that is long enough");
}

static void unload(void)
{
    xf_policy_free(&policy);
    xf_conf_free(&conf);
    folder_remove(&folder);
}

START_TEST(decides)
{
    load(cases[_i].conf);
    struct xf_span served = xf_span_of(cases[_i].served), peer = xf_span_of(cases[_i].peer);
    bool may_in = xf_policy_may(policy, served, peer, XF_DIRECTION_IN);
    bool may_out = xf_policy_may(policy, served, peer, XF_DIRECTION_OUT);
    ck_assert_msg(may_in == cases[_i].may_in && may_out == cases[_i].may_out, "%s: in %d out %d",
                  cases[_i].label, may_in, may_out);
    ck_assert_msg(xf_policy_may(policy, served, peer, XF_DIRECTION_BOTH) == (may_in && may_out),
                  "%s: both", cases[_i].label);
}
END_TEST

START_TEST(served_names_lead_to_their_section)
{
    load(ALLOW);
    ck_assert_ptr_eq(xf_policy_served(policy, XF_SPAN("a.example")), &conf->served[0].settings);
    ck_assert_ptr_eq(xf_policy_served(policy, XF_SPAN("chat.a.example")),
                     &conf->served[0].settings);
    ck_assert_ptr_eq(xf_policy_served(policy, XF_SPAN("b.example")), &conf->served[1].settings);
    ck_assert_ptr_null(xf_policy_served(policy, XF_SPAN("example")));
    ck_assert_ptr_null(xf_policy_served(policy, XF_SPAN("")));
    ck_assert_ptr_eq(xf_policy_first_served(policy), &conf->served[0].settings);
}
END_TEST

START_TEST(settings_are_those_of_all_sections_that_fit)
{
    load(ALLOW);
    const struct xf_peer_settings *of_p = xf_policy_peer(policy, XF_SPAN("x.p.example"));
    ck_assert_uint_eq(of_p->max_streams, 2);
    ck_assert_uint_eq(of_p->queue_stanzas, 10000);
    const struct xf_peer_settings *of_q = xf_policy_peer(policy, XF_SPAN("x.q.p.example"));
    ck_assert_uint_eq(of_q->max_streams, 2);
    ck_assert_uint_eq(of_q->queue_stanzas, 3);
}
END_TEST

/* Names that strangers make up must not cost memory. */
START_TEST(names_of_a_section_share_its_settings)
{
    load(ALLOW);
    const struct xf_peer_settings *stranger = xf_policy_peer(policy, XF_SPAN("x.example"));
    ck_assert_ptr_eq(stranger, xf_policy_peer(policy, XF_SPAN("y.z.example")));
    ck_assert_ptr_eq(stranger, &conf->defaults);
    ck_assert_ptr_eq(stranger, xf_policy_defaults(policy));
    ck_assert_ptr_eq(xf_policy_peer(policy, XF_SPAN("x.p.example")),
                     xf_policy_peer(policy, XF_SPAN("y.z.p.example")));
    ck_assert_ptr_ne(xf_policy_peer(policy, XF_SPAN("x.p.example")),
                     xf_policy_peer(policy, XF_SPAN("x.q.p.example")));
}
END_TEST

static const struct {
    const char *conf;
    bool has_rates;
} rates[] = {
    {ALLOW, false},
    {ALLOW "defaults { byte-rate = 10k }\n", true},
    {ALLOW "peer \"*.fast.example\" { stanza-rate = 0 }\n", false},
    {ALLOW "peer \"*.fast.example\" { stanza-rate = 5 }\n", true},
    {ALLOW "peer \"fast.example\" { byte-rate = 1k }\n", true},
};

START_TEST(rates_are_there_when_any_peer_has_one)
{
    load(rates[_i].conf);
    ck_assert_msg(xf_policy_has_rates(policy) == rates[_i].has_rates, "row %d", _i);
}
END_TEST

#define DAY_S 86400

/* What no dry run lets pass, what it does, and the end of an entry while the policy lives. */
START_TEST(blocklists_end_and_dry_runs_pass)
{
    struct xf_blocklist *list = xf_blocklist_new();
    ck_assert_int_eq(
        xf_blocklist_add(list, "list",
                         XF_SPAN("plain.example until=1970-01-03\n*.open.shut.example"), NULL),
        XF_ERR_OK);
    load(ALLOW);
    struct xf_policy_opts opts = {.conf = conf, .blocklist = list, .unix_s = DAY_S};
    struct xf_policy *blocked = xf_policy_new(&opts);
    ck_assert(
        !xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("plain.example"), XF_DIRECTION_IN));
    ck_assert(!xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("x.open.shut.example"),
                             XF_DIRECTION_OUT));
    xf_policy_set_time(blocked, 2 * DAY_S - 1);
    ck_assert(
        !xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("plain.example"), XF_DIRECTION_IN));
    xf_policy_set_time(blocked, 2 * DAY_S);
    ck_assert(
        xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("plain.example"), XF_DIRECTION_BOTH));
    conf->policy.enforce = false;
    ck_assert(xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("x.open.shut.example"),
                            XF_DIRECTION_BOTH));
    ck_assert(
        xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("none.example"), XF_DIRECTION_BOTH));
    ck_assert(
        !xf_policy_may(blocked, XF_SPAN("x.example"), XF_SPAN("none.example"), XF_DIRECTION_BOTH));
    ck_assert(
        !xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("b.example"), XF_DIRECTION_BOTH));
    conf->policy.federation = false;
    ck_assert(
        !xf_policy_may(blocked, XF_SPAN("a.example"), XF_SPAN("plain.example"), XF_DIRECTION_BOTH));
    xf_policy_free(&blocked);
    xf_blocklist_free(&list);
}
END_TEST

/* What an operator switches off holds in a dry run too, and ends with the switch. */
START_TEST(switches_refuse_in_addition)
{
    struct xf_policy_switches switches = {0};
    load(ALLOW);
    conf->policy.enforce = false;
    struct xf_policy_opts opts = {.conf = conf, .switches = &switches};
    struct xf_policy *switched = xf_policy_new(&opts);
    const struct xf_span ours = XF_SPAN("a.example"), plain = XF_SPAN("plain.example"),
                         none = XF_SPAN("none.example");
    struct xf_ruling ruling;
    ck_assert(xf_policy_may(switched, ours, plain, XF_DIRECTION_BOTH));
    xf_texts_add_new(&switches.peers, "plain.example");
    xf_policy_switched(switched);
    ck_assert(!xf_policy_may(switched, ours, plain, XF_DIRECTION_IN));
    ck_assert(xf_policy_may(switched, ours, none, XF_DIRECTION_BOTH));
    xf_policy_judge_pair(switched, ours, plain, XF_DIRECTION_OUT, &ruling);
    ck_assert_str_eq(xf_rule_word(ruling.rule), "switched-off");
    switches.is_off = true;
    xf_policy_switched(switched);
    ck_assert(!xf_policy_may(switched, ours, none, XF_DIRECTION_OUT));
    switches.is_off = false;
    xf_texts_release(&switches.peers);
    xf_policy_switched(switched);
    ck_assert(xf_policy_may(switched, ours, plain, XF_DIRECTION_BOTH));
    ck_assert(xf_policy_may(switched, ours, none, XF_DIRECTION_BOTH));
    xf_policy_free(&switched);
}
END_TEST

#ifdef XF_HAVE_SIP

#define SIP_PEERS                                                                                  \
    "peer \"s.example\" { protocol = sip }\npeer \"inward.example\" { protocol = sip direction = " \
    "in "                                                                                          \
    "}\n"                                                                                          \
    "peer \"dry.example\" { protocol = sip direction = in enforce = no }\n"                        \
    "peer \"gw.example\" { protocol = sip sip-domains = {far.example, s.example} }\n"              \
    "peer \"far.example\" { protocol = sip }\npeer \"x.example\" { }\n"

static const struct {
    const char *label, *served, *peer;
    bool in, out;
} by_sip[] = {
    {"a peer of SIP", "a.example", "s.example", true, true},
    {"one way", "a.example", "inward.example", true, false},
    {"one way, in a dry run", "a.example", "dry.example", true, true},
    {"a peer of XMPP", "a.example", "x.example", false, false},
    {"without a section", "a.example", "y.example", false, false},
    {"a domain that is not ours", "z.example", "s.example", false, false},
    {"ours", "a.example", "a.example", false, false},
};

START_TEST(what_passes_by_sip)
{
    load(ALLOW SIP_PEERS);
    struct xf_span served = xf_span_of(by_sip[_i].served), peer = xf_span_of(by_sip[_i].peer);
    ck_assert_msg(xf_policy_may_by_sip(policy, served, peer, XF_DIRECTION_IN) == by_sip[_i].in,
                  "%s: in", by_sip[_i].label);
    ck_assert_msg(xf_policy_may_by_sip(policy, served, peer, XF_DIRECTION_OUT) == by_sip[_i].out,
                  "%s: out", by_sip[_i].label);
    ck_assert_msg(!xf_policy_may(policy, served, peer, XF_DIRECTION_OUT) ||
                      !xf_policy_may_by_sip(policy, served, peer, XF_DIRECTION_OUT),
                  "%s: both", by_sip[_i].label);
}
END_TEST

START_TEST(carrier_speaks_for_further_domains)
{
    struct xf_span peer = XF_SPAN_NONE;
    load(ALLOW SIP_PEERS);
    ck_assert_ptr_nonnull(xf_policy_sip_carrier(policy, XF_SPAN("far.example"), &peer));
    ck_assert(xf_span_is(peer, "gw.example"));
    ck_assert_ptr_nonnull(xf_policy_sip_carrier(policy, XF_SPAN("s.example"), &peer));
    ck_assert_ptr_null(xf_policy_sip_carrier(policy, XF_SPAN("gw.example"), &peer));
    ck_assert_ptr_null(xf_policy_sip_carrier(policy, XF_SPAN("x.far.example"), &peer));
}
END_TEST

/* clang-format off */
#define SIP_ON "listen { sip = {\"127.0.0.1:5061\"} }\nsip { host = sip.a.example certificate = c key = k }\n"

/* What is known of the peer, and what follows. */
static const struct {
    const char *label, *conf;
    enum xf_protocol learned, protocol;
    bool by_xmpp, by_sip, goes_by_sip;
} autos[] = {
    {"nothing is known",         SIP_ON "defaults { protocol = auto }\n", XF_PROTOCOL_AUTO, XF_PROTOCOL_AUTO, true,  true,  false},
    {"it belongs to XMPP",       SIP_ON "defaults { protocol = auto }\n", XF_PROTOCOL_XMPP, XF_PROTOCOL_XMPP, true,  false, false},
    {"it belongs to SIP",        SIP_ON "defaults { protocol = auto }\n", XF_PROTOCOL_SIP,  XF_PROTOCOL_SIP,  false, true,  true},
    {"SIP is off",               "defaults { protocol = auto }\n",        XF_PROTOCOL_SIP,  XF_PROTOCOL_XMPP, true,  false, false},
    {"its section says XMPP",    SIP_ON "defaults { protocol = auto }\npeer \"x.example\" { protocol = xmpp }\n", XF_PROTOCOL_SIP, XF_PROTOCOL_XMPP, true, false, false},
    {"its section says SIP",     SIP_ON "peer \"x.example\" { protocol = sip }\n",  XF_PROTOCOL_XMPP, XF_PROTOCOL_SIP, false, true, true},
};
/* clang-format on */

static enum xf_protocol known;

static enum xf_protocol learned(void *owner, struct xf_span peer, int64_t *out_last_s)
{
    ck_assert(owner == &known && xf_span_is(peer, "x.example"));
    *out_last_s = DAY_S;
    return known;
}

START_TEST(auto_goes_by_what_is_known)
{
    char *text = xf_asprintf("%s%s", ALLOW, autos[_i].conf);
    struct xf_span served = XF_SPAN("a.example"), peer = XF_SPAN("x.example");
    struct xf_protocol_facts facts;
    struct xf_ruling ruling;
    load(text);
    xf_free(text);
    struct xf_policy_opts opts = {.conf = conf, .learned = learned, .owner = &known};
    struct xf_policy *p = xf_policy_new(&opts);
    const struct xf_policy_ask ask = {
        .direction = XF_DIRECTION_OUT, .served = served, .peer = peer, .kind = XF_KINDS_MESSAGE};
    known = XF_PROTOCOL_AUTO; /* what was judged before something is known does not stay */
    xf_policy_judge(p, &ask, &ruling);
    known = autos[_i].learned;
    const char *label = autos[_i].label;
    ck_assert_msg(xf_policy_protocol(p, peer) == autos[_i].protocol, "%s", label);
    xf_policy_judge(p, &ask, &ruling);
    ck_assert_msg(ruling.passes == autos[_i].by_xmpp, "%s: stanza by XMPP", label);
    ck_assert_msg(xf_policy_may(p, served, peer, XF_DIRECTION_IN) == autos[_i].by_xmpp, "%s: XMPP",
                  label);
    ck_assert_msg(xf_policy_may_by_sip(p, served, peer, XF_DIRECTION_IN) == autos[_i].by_sip,
                  "%s: SIP", label);
    ck_assert_msg(xf_policy_goes_by_sip(p, peer) == autos[_i].goes_by_sip, "%s: way", label);
    xf_policy_protocol_facts(p, peer, &facts);
    bool is_of_known = autos[_i].protocol == known && xf_policy_learns(p, peer);
    ck_assert_msg(facts.is_learned == (is_of_known && known != XF_PROTOCOL_AUTO), "%s", label);
    ck_assert_msg(!facts.is_learned || facts.last_s == DAY_S, "%s", label);
    xf_policy_free(&p);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *conf, *peer;
    bool by_sip;
} ways[] = {
    {"a listener and a host",         "listen { sip = {\"127.0.0.1:5061\"} }\nsip { host = sip.a.example certificate = c key = k }\n", "s.example", true},
    {"... in clear",                  "listen { sip-tcp = {\"127.0.0.1:5060\"} }\nsip { host = sip.a.example }\n", "s.example", true},
    {"... and a peer of XMPP",        "listen { sip-tcp = {\"127.0.0.1:5060\"} }\nsip { host = sip.a.example }\n", "x.example", false},
    {"a host alone, for DNS records", "sip { host = sip.a.example }\n", "s.example", false},
    {"neither",                       "", "s.example", false},
};
/* clang-format on */

START_TEST(sip_is_on_with_a_listener_and_a_host)
{
    char text[2048];
    struct xf_ruling ruling;
    struct xf_span peer = xf_span_of(ways[_i].peer);
    snprintf(text, sizeof(text), ALLOW "peer \"s.example\" { protocol = sip }\n%s", ways[_i].conf);
    load(text);
    ck_assert_msg(xf_policy_goes_by_sip(policy, peer) == ways[_i].by_sip, "%s", ways[_i].label);
    /* The caller says by which protocol a stanza comes; verdicts of both stand side by side. */
    struct xf_policy_ask ask = {.direction = XF_DIRECTION_OUT,
                                .served = XF_SPAN("a.example"),
                                .peer = XF_SPAN("s.example"),
                                .kind = XF_KINDS_MESSAGE};
    xf_policy_judge(policy, &ask, &ruling);
    ck_assert_msg(ruling.rule == XF_RULE_SIP, "%s", ways[_i].label);
    ask.protocol = XF_PROTOCOL_SIP;
    xf_policy_judge(policy, &ask, &ruling);
    ck_assert_msg(ruling.rule == XF_RULE_NONE && ruling.passes, "%s", ways[_i].label);
    ask.protocol = XF_PROTOCOL_XMPP;
    xf_policy_judge(policy, &ask, &ruling);
    ck_assert_msg(ruling.rule == XF_RULE_SIP && !ruling.passes, "%s", ways[_i].label);
}
END_TEST

struct each {
    char seen[200];
    const char *stop;
};

static bool note(void *owner, const char *pattern, const struct xf_peer_settings *settings)
{
    struct each *each = owner;
    size_t len = strlen(each->seen);
    ck_assert_int_eq(settings->protocol, XF_PROTOCOL_SIP);
    snprintf(each->seen + len, sizeof(each->seen) - len, "%s ", pattern ? pattern : "-");
    return each->stop && pattern && strcmp(pattern, each->stop) == 0;
}

START_TEST(sections_of_sip_come_in_turn)
{
    struct each all = {.seen = ""}, some = {.stop = "inward.example"};
    load(ALLOW SIP_PEERS);
    ck_assert(!xf_policy_any_sip(policy, note, &all));
    ck_assert_str_eq(all.seen, "s.example inward.example dry.example gw.example far.example ");
    ck_assert(xf_policy_any_sip(policy, note, &some));
    ck_assert_str_eq(some.seen, "s.example inward.example ");
}
END_TEST

START_TEST(defaults_of_sip_come_last)
{
    struct each all = {.seen = ""};
    load(ALLOW "defaults { protocol = sip }\npeer \"x.example\" { protocol = xmpp }\n"
               "peer \"y.example\" { }\n");
    ck_assert(!xf_policy_any_sip(policy, note, &all));
    ck_assert_str_eq(all.seen + strlen(all.seen) - strlen(" y.example - "), " y.example - ");
    ck_assert_ptr_null(strstr(all.seen, "x.example"));
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tc = tcase_create("policy");
    tcase_add_checked_fixture(tc, make_files, unload);
    tcase_add_loop_test(tc, decides, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tc, served_names_lead_to_their_section);
    tcase_add_test(tc, settings_are_those_of_all_sections_that_fit);
    tcase_add_test(tc, names_of_a_section_share_its_settings);
    tcase_add_loop_test(tc, rates_are_there_when_any_peer_has_one, 0, XF_ARRAY_LEN(rates));
    tcase_add_test(tc, blocklists_end_and_dry_runs_pass);
    tcase_add_test(tc, switches_refuse_in_addition);
#ifdef XF_HAVE_SIP
    tcase_add_loop_test(tc, what_passes_by_sip, 0, XF_ARRAY_LEN(by_sip));
    tcase_add_loop_test(tc, auto_goes_by_what_is_known, 0, XF_ARRAY_LEN(autos));
    tcase_add_loop_test(tc, sip_is_on_with_a_listener_and_a_host, 0, XF_ARRAY_LEN(ways));
    tcase_add_test(tc, carrier_speaks_for_further_domains);
    tcase_add_test(tc, sections_of_sip_come_in_turn);
    tcase_add_test(tc, defaults_of_sip_come_last);
#endif
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
