/* SPDX-License-Identifier: MIT */
/* Who is at the other side of a conn, whose requests it may send, and how peers are reached. */
#include "folder.h"
#include "simple_priv.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* clang-format off */
static const char text_of_conf[] =
    "link l { nodes = {\"127.0.0.1:5347\"} name = gw.a.example secret-file = s }\n"
    "served \"a.example\" { link = l certificate = c key = k }\n"
    "listen { sip = {\"[::]:5061\"} }\n"
    "sip { host = sip.a.example certificate = c key = k open-route = {\"sbc.a.example:5061\"} }\n"
    "peer \"b.example\" { protocol = sip }\n"
    "peer \"*.below.example\" { protocol = sip sip-rate = 7 source = {192.0.2.1} }\n"
    "peer \"gw.example\" { protocol = sip sip-name-check = list sip-names = {sbc.host.example} sip-domains = {far.example} sip-sips = accept }\n"
    "peer \"far.example\" { protocol = sip sip-name-check = list sip-names = {nobody.example} }\n"
    "peer \"lync.example\" { protocol = sip sip-name-check = target route = {\"fe.lync.example:5061\"} }\n"
    "peer \"edge.example\" { protocol = sip sip-name-check = target direction = out }\n"
    "peer \"out.example\" { protocol = sip direction = out }\n"
    "peer \"clear.example\" { protocol = sip sip-transport = tcp sip-from = {10.0.0.20, \"fd00::20\"} route = {\"10.0.0.20:5060\"} }\n"
    "peer \"private.example\" { protocol = sip ca-file = private.pem }\n"
    "peer \"pinned.example\" { protocol = sip sip-name-check = list sip-names = {p.example} pins = {\"sha256:" KEY "\"} }\n"
    "peer \"*.hosted.example\" { protocol = sip sip-name-check = list sip-names = {host.example} ca-file = private.pem }\n"
    "peer \"*.key.example\" { protocol = sip sip-name-check = list sip-names = {k.example} pins = {\"sha256:" KEY "\"} }\n"
    "peer \"new.example\" { protocol = sip tls-min = 1.3 }\n"
    "peer \"shared-1.example\" { protocol = sip sip-name-check = list sip-names = {shared.example} direction = out }\n"
    "peer \"shared-2.example\" { protocol = sip sip-name-check = list sip-names = {shared.example, shared.example} ca-file = private.pem }\n"
    "peer \"shared-3.example\" { protocol = sip sip-name-check = list sip-names = {SHARED.example, \"b\u00fccher.example\"} }\n"
    "peer \"*.auto.example\" { protocol = auto }\n"
    "peer \"x.example\" { protocol = xmpp dialback = yes }\n";
/* clang-format on */

static struct folder folder;
static struct xf_conf *conf;
static struct xf_simple simple; /* without ua: what is tested asks policy and index alone */

/* Of the names below auto.example. */
static enum xf_protocol learned(void *owner, struct xf_span peer, int64_t *out_last_s)
{
    (void)owner;
    *out_last_s = 1;
    if (xf_span_is(peer, "x.auto.example"))
        return XF_PROTOCOL_XMPP;
    return xf_span_is(peer, "s.auto.example") ? XF_PROTOCOL_SIP : XF_PROTOCOL_AUTO;
}

static void set_up(void)
{
    char path[128], *messages = NULL;
    folder_make(&folder);
    folder_put_text(&folder, "s", "a secret that is long enough");
    folder_put_text(&folder, "conf", text_of_conf);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    ck_assert_msg(xf_conf_load(path, &conf, &messages) == XF_ERR_OK, "%s", messages);
    xf_free(messages);
    simple.policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf, .learned = learned});
    simple.peers = xf_peer_index_new(simple.policy);
    simple.host = xf_strdup("sip.a.example");
}

static void tear_down(void)
{
    xf_peer_index_free(&simple.peers);
    xf_policy_free(&simple.policy);
    xf_free(simple.host);
    xf_conf_free(&conf);
    folder_remove(&folder);
}

enum shown { CLEAR, NONE, GOOD, EXPIRED, UNKNOWN, PINNED }; /* what the other side shows */

/* What is known of a conn. Names: "sip:X" or host names, blanks between; "CN=X" is the CN. */
struct scene {
    struct xf_tls_facts facts;
    struct xf_cert_name names[4];
    struct xf_addr addr;
    struct xf_ua_party party;
    char text[200];
};

static void add_name(struct scene *scene, char *word)
{
    struct xf_tls_facts *facts = &scene->facts;
    if (strncmp(word, "CN=", 3) == 0) {
        facts->common_name = word + 3;
        return;
    }
    enum xf_cert_name_kind kind = strncmp(word, "sip:", 4) == 0 ? XF_CERT_SIP : XF_CERT_DNS;
    facts->has_alt_names = true;
    scene->names[facts->name_count++] = (struct xf_cert_name){kind, word};
}

static void make(struct scene *scene, enum shown shown, const char *names, const char *addr)
{
    char *rest = scene->text, *word;
    *scene = (struct scene){.facts = {.is_judged = true, .is_server = true, .version = "TLSv1.2"}};
    snprintf(scene->text, sizeof(scene->text), "%s", names);
    scene->facts.names = scene->names;
    scene->facts.chain = shown == NONE   ? XF_CERT_NONE
                         : shown == GOOD ? XF_CERT_TRUSTED
                                         : XF_CERT_BAD;
    scene->facts.chain_help = shown == EXPIRED ? XF_HELP_CERT_EXPIRED : XF_HELP_CERT_UNTRUSTED;
    while ((word = strsep(&rest, " ")))
        if (*word)
            add_name(scene, word);
    for (size_t i = 0; shown == PINNED && i < 32; i++)
        scene->facts.spki_sha256[i] = (uint8_t)((2 * i % 16) << 4 | (2 * i + 1) % 16);
    ck_assert_int_eq(xf_addr_parse(xf_span_of(addr ? addr : "203.0.113.1"), 40000, &scene->addr),
                     XF_ERR_OK);
    scene->party =
        (struct xf_ua_party){.addr = &scene->addr, .tls = shown == CLEAR ? NULL : &scene->facts};
}

/* clang-format off */
static const struct {
    const char *label;
    enum shown shown;
    const char *names, *addr, *peer, *target; /* of a conn of ours: peer and target */
    enum xf_help help; /* NONE: it is admitted */
} conns[] = {
    {"a peer's domain", GOOD, "b.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a peer's domain as SIP URI", GOOD, "sip:b.example host.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a peer's domain as CN", GOOD, "CN=b.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a name below a pattern", GOOD, "x.y.below.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a listed host", GOOD, "sbc.host.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"the host of a route", GOOD, "fe.lync.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a host of three sections, of which the last fits", GOOD, "q.example shared.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"... as CN", GOOD, "CN=shared.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a listed host in U-labels", GOOD, "xn--bcher-kva.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"second of two names", GOOD, "q.example b.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"a stranger", GOOD, "stranger.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"a wildcard", GOOD, "*.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"no name", GOOD, "", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"a domain of XMPP", GOOD, "x.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"the domain of a peer with a list", GOOD, "gw.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"a peer that may not call", GOOD, "out.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"a peer of TCP, by its name", GOOD, "clear.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"a peer of TCP, by its address", GOOD, "q.example", "10.0.0.20", NULL, NULL, XF_HELP_SIP_STRANGER},
    {"expired", EXPIRED, "b.example", NULL, NULL, NULL, XF_HELP_CERT_EXPIRED},
    {"an unknown authority", UNKNOWN, "b.example", NULL, NULL, NULL, XF_HELP_CERT_UNTRUSTED},
    {"an unknown authority and a stranger", UNKNOWN, "stranger.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    {"judged by the authorities of others", GOOD, "private.example", NULL, NULL, NULL, XF_HELP_CERT_UNTRUSTED},
    {"... the host of a pattern", GOOD, "host.example", NULL, NULL, NULL, XF_HELP_CERT_UNTRUSTED},
    {"the name of a pattern's pinned key", GOOD, "k.example", NULL, NULL, NULL, XF_HELP_CERT_PIN},
    {"an old version of TLS", GOOD, "new.example", NULL, NULL, NULL, XF_HELP_TLS_TOO_OLD},
    {"no certificate", NONE, "", NULL, NULL, NULL, XF_HELP_CERT_NONE},
    {"a pinned key of whatever authority", PINNED, "q.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"the name of a pinned key", GOOD, "p.example", NULL, NULL, NULL, XF_HELP_CERT_PIN},
    {"in clear from a listed address", CLEAR, "", "10.0.0.20", NULL, NULL, XF_HELP_NONE},
    {"... of IPv6", CLEAR, "", "fd00::20", NULL, NULL, XF_HELP_NONE},
    {"... of IPv4 in IPv6", CLEAR, "", "::ffff:10.0.0.20", NULL, NULL, XF_HELP_NONE},
    {"in clear from another address", CLEAR, "", "10.0.0.21", NULL, NULL, XF_HELP_SIP_ADDRESS},
    {"auto", GOOD, "n.auto.example", NULL, NULL, NULL, XF_HELP_NONE},
    {"auto, and nobody vouches for it", UNKNOWN, "n.auto.example", NULL, NULL, NULL, XF_HELP_CERT_UNTRUSTED},
    {"the open route", GOOD, "sbc.a.example", NULL, NULL, NULL, XF_HELP_SIP_STRANGER},
    /* ours */
    {"ours: the peer", GOOD, "b.example", NULL, "b.example", "sip.b.example", XF_HELP_NONE},
    {"ours: another peer", GOOD, "a.below.example", NULL, "b.example", "sip.b.example", XF_HELP_CERT_WRONG_NAME},
    {"ours: its host", GOOD, "sip.b.example", NULL, "b.example", "sip.b.example", XF_HELP_CERT_WRONG_NAME},
    {"ours: its host, where that counts", GOOD, "sip.edge.example", NULL, "edge.example", "sip.edge.example", XF_HELP_NONE},
    {"ours: a host elsewhere", GOOD, "evil.example", NULL, "edge.example", "evil.example", XF_HELP_CERT_WRONG_NAME},
    {"ours: expired", EXPIRED, "b.example", NULL, "b.example", "sip.b.example", XF_HELP_CERT_EXPIRED},
    {"ours: in clear", CLEAR, "", "10.0.0.99", "clear.example", "10.0.0.20", XF_HELP_NONE},
    {"ours: auto", GOOD, "n.auto.example", NULL, "n.auto.example", "sip.n.auto.example", XF_HELP_NONE},
    {"ours: auto, another one", GOOD, "s.auto.example", NULL, "n.auto.example", "sip.n.auto.example", XF_HELP_CERT_WRONG_NAME},
    {"ours: auto by the open route", GOOD, "sbc.a.example", NULL, "n.auto.example", "sbc.a.example", XF_HELP_NONE},
    {"ours: the same from an unknown authority", UNKNOWN, "sbc.a.example", NULL, "n.auto.example", "sbc.a.example", XF_HELP_CERT_UNTRUSTED},
    {"ours: the open route is for no others", GOOD, "sbc.a.example", NULL, "b.example", "sbc.a.example", XF_HELP_CERT_WRONG_NAME},
    {"ours: auto, that belongs to XMPP", GOOD, "x.auto.example", NULL, "x.auto.example", "x.auto.example", XF_HELP_SIP_STRANGER},
    {"ours: it belongs to XMPP now", GOOD, "x.example", NULL, "x.example", "x.example", XF_HELP_SIP_STRANGER},
};
/* clang-format on */

START_TEST(conn_is_admitted)
{
    struct scene scene;
    struct xf_refusal refusal = {0};
    make(&scene, conns[_i].shown, conns[_i].names, conns[_i].addr);
    scene.party.peer = conns[_i].peer;
    scene.party.target = conns[_i].target;
    scene.facts.is_server = !conns[_i].peer;
    bool is_admitted = xf_peers_admit(&simple, &scene.party, &refusal);
    ck_assert_msg(is_admitted == (conns[_i].help == XF_HELP_NONE), "%s: %s", conns[_i].label,
                  refusal.text);
    ck_assert_msg(!refusal.text == is_admitted, "%s: no words", conns[_i].label);
    if (!is_admitted)
        ck_assert_msg(refusal.help == conns[_i].help, "%s: %s", conns[_i].label,
                      xf_help_code(refusal.help));
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    enum shown shown;
    const char *names, *addr, *domain;
    const char *peer; /* NULL: it may not */
    bool sips;
} calls[] = {
    {"for its own domain", GOOD, "b.example", NULL, "b.example", "b.example", false},
    {"for another one", GOOD, "b.example", NULL, "a.below.example", NULL, false},
    {"for one of two", GOOD, "b.example a.below.example", NULL, "a.below.example", "a.below.example", false},
    {"for a name below it", GOOD, "b.example", NULL, "x.b.example", NULL, false},
    {"a listed host", GOOD, "sbc.host.example", NULL, "gw.example", "gw.example", true},
    {"... for a further domain", GOOD, "sbc.host.example", NULL, "far.example", "gw.example", true},
    {"... for a domain of others", GOOD, "sbc.host.example", NULL, "b.example", NULL, false},
    {"a further domain by itself", GOOD, "nobody.example", NULL, "far.example", "far.example", false},
    {"for a domain of XMPP", GOOD, "x.example", NULL, "x.example", NULL, false},
    {"for a domain without a section", GOOD, "y.example", NULL, "y.example", NULL, false},
    {"for a peer that may not call", GOOD, "out.example", NULL, "out.example", NULL, false},
    {"with an expired certificate", EXPIRED, "b.example", NULL, "b.example", NULL, false},
    {"auto, not known yet", GOOD, "n.auto.example", NULL, "n.auto.example", "n.auto.example", false},
    {"auto, known as one of SIP", GOOD, "s.auto.example", NULL, "s.auto.example", "s.auto.example", false},
    {"auto, known as one of XMPP", GOOD, "x.auto.example", NULL, "x.auto.example", NULL, false},
    {"auto, for another one", GOOD, "n.auto.example", NULL, "s.auto.example", NULL, false},
    {"the open route", GOOD, "sbc.a.example n.auto.example", NULL, "s.auto.example", NULL, false},
    {"in clear", CLEAR, "", "10.0.0.20", "clear.example", "clear.example", false},
    {"in clear, for a peer of TLS", CLEAR, "", "10.0.0.20", "b.example", NULL, false},
    {"with TLS, for a peer of TCP", GOOD, "clear.example", "10.0.0.20", "clear.example", NULL, false},
};
/* clang-format on */

START_TEST(request_is_of_a_peer)
{
    struct scene scene;
    struct xf_ua_caller caller = {0};
    make(&scene, calls[_i].shown, calls[_i].names, calls[_i].addr);
    bool may = xf_peers_call(&simple, &scene.party, xf_span_of(calls[_i].domain), &caller);
    ck_assert_msg(may == (calls[_i].peer != NULL), "%s", calls[_i].label);
    if (!may)
        return;
    ck_assert_msg(xf_span_is(caller.peer, calls[_i].peer), "%s: %.*s", calls[_i].label,
                  XF_SPAN_ARGS(caller.peer));
    ck_assert_msg(caller.accepts_sips == calls[_i].sips, "%s: sips", calls[_i].label);
}
END_TEST

/*
 * The certificate is not judged yet: names alone say by which authorities it is to be. Of a conn of
 * ours, which is judged again after a reload, the section of its peer does, whatever it shows.
 */
START_TEST(names_choose_the_authorities)
{
    static const struct {
        const char *names, *file, *peer;
    } rows[] = {{"private.example", "private.pem", NULL},
                {"b.example", "", NULL},
                {"stranger.example", NULL, NULL},
                {"b.example", "private.pem", "private.example"},
                {"private.example", "", "b.example"}};
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct scene scene;
        struct xf_tls_basis basis = {0};
        make(&scene, UNKNOWN, rows[i].names, NULL);
        scene.facts.is_judged = false;
        scene.party.peer = rows[i].peer;
        xf_peers_basis(&simple, &scene.party, &basis);
        ck_assert_msg(!basis.ca_file == !rows[i].file, "%s", rows[i].names);
        if (rows[i].file)
            ck_assert_msg(strlen(basis.ca_file) >= strlen(rows[i].file) &&
                              strcmp(basis.ca_file + strlen(basis.ca_file) - strlen(rows[i].file),
                                     rows[i].file) == 0,
                          "%s: %s", rows[i].names, basis.ca_file);
    }
}
END_TEST

static const struct {
    const char *peer;
    bool is_reached, is_clear;
    unsigned services, rate;
} hops[] = {
    {"b.example", true, false, XF_SERVICE_SIPS, 0},
    {"q.below.example", true, false, XF_SERVICE_SIPS, 7},
    {"edge.example", true, false, XF_SERVICE_SIP_FEDERATION, 0},
    {"gw.example", true, false, XF_SERVICE_SIP_FEDERATION, 0},
    {"clear.example", true, true, XF_SERVICE_SIP_TCP, 0},
    {"n.auto.example", true, false, XF_SERVICE_SIPS, 0},
    {"s.auto.example", true, false, XF_SERVICE_SIPS, 0},
    {"x.auto.example", false, false, 0, 0},
    {"x.example", false, false, 0, 0},
    {"y.example", false, false, 0, 0},
    {"a.example", false, false, 0, 0},
};

START_TEST(peer_is_reached)
{
    struct xf_ua_hop hop = {0};
    struct xf_span peer = xf_span_of(hops[_i].peer);
    bool is_reached = xf_peers_hop(&simple, XF_SPAN("a.example"), peer, &hop);
    ck_assert_msg(is_reached == hops[_i].is_reached, "%s", hops[_i].peer);
    if (!is_reached)
        return;
    ck_assert(xf_span_eq(hop.name, peer) && xf_span_is(hop.identity, "sip.a.example"));
    ck_assert_uint_eq(hop.services, hops[_i].services);
    ck_assert((hop.open_route != NULL) == (strstr(hops[_i].peer, ".auto.") != NULL));
    ck_assert_uint_eq(hop.rate, hops[_i].rate);
    ck_assert(hop.is_clear == hops[_i].is_clear);
    ck_assert_int_eq(hop.source.v4.sa.sa_family, hops[_i].rate ? AF_INET : 0);
}
END_TEST

/* clang-format off */
/* An answer on a conn of ours: does it teach that the peer belongs to SIP? */
static const struct {
    const char *label;
    enum shown shown;
    const char *names, *peer, *target;
    bool teaches;
} answers[] = {
    {"the peer itself", GOOD, "n.auto.example", "n.auto.example", "sip.n.auto.example", true},
    {"the peer, once more", GOOD, "s.auto.example", "s.auto.example", "sip.s.auto.example", true},
    {"another one", GOOD, "s.auto.example", "n.auto.example", "sip.n.auto.example", false},
    {"nobody vouches for it", UNKNOWN, "n.auto.example", "n.auto.example", "sip.n.auto.example", false},
    {"the open route", GOOD, "sbc.a.example", "n.auto.example", "sbc.a.example", false},
    {"a peer whose protocol is written down", GOOD, "b.example", "b.example", "sip.b.example", false},
};
/* clang-format on */

static unsigned seen_count;

static void count_seen(void *owner, struct xf_span local, struct xf_span peer)
{
    ck_assert_ptr_eq(owner, &seen_count);
    ck_assert(xf_span_is(local, "a.example") && peer.len > 0);
    seen_count++;
}

START_TEST(answer_teaches)
{
    static const struct xf_simple_events events = {.peer_seen = count_seen};
    struct scene scene;
    make(&scene, answers[_i].shown, answers[_i].names, NULL);
    scene.party.peer = answers[_i].peer;
    scene.party.target = answers[_i].target;
    simple.events = &events;
    simple.owner = &seen_count;
    seen_count = 0;
    xf_peers_answered(&simple, &scene.party, XF_SPAN("a.example"), xf_span_of(answers[_i].peer));
    ck_assert_msg(seen_count == answers[_i].teaches, "%s", answers[_i].label);
}
END_TEST

/* Via and our certificate would name nobody. */
START_TEST(nobody_is_reached_without_a_host)
{
    struct xf_ua_hop hop = {0};
    *simple.host = '\0';
    ck_assert(!xf_peers_hop(&simple, XF_SPAN("a.example"), XF_SPAN("b.example"), &hop));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simple/peers");
    TCase *tc = tcase_create("peers");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, conn_is_admitted, 0, XF_ARRAY_LEN(conns));
    tcase_add_loop_test(tc, request_is_of_a_peer, 0, XF_ARRAY_LEN(calls));
    tcase_add_test(tc, names_choose_the_authorities);
    tcase_add_loop_test(tc, peer_is_reached, 0, XF_ARRAY_LEN(hops));
    tcase_add_loop_test(tc, answer_teaches, 0, XF_ARRAY_LEN(answers));
    tcase_add_test(tc, nobody_is_reached_without_a_host);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
