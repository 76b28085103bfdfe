/* SPDX-License-Identifier: MIT */
/*
 * Which files may say that a domain belongs to SIP, in a build with it and in one without: the
 * latter accepts none, as it would otherwise reach the domain by XMPP.
 */
#include "refusal.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define GOOD                                                                               \
    "link \"l\" { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n" \
    "served \"a.example\" { link = l certificate = c.pem key = c.key aliases = "           \
    "{\"rooms.a.example\"} }\n"                                                            \
    "dialback { secret-file = secret }\n"

#define MEANS   "only means something to XMPP"
#define OURS    "is a domain of ours"
#define LISTENS "listen { sip = {\"[::]:5061\"} }\n"
#define WITHOUT "this xfedd was built without SIP"

/* clang-format off */
static const struct {
    const char *label, *text;
    int line;          /* in a build with SIP; 0: accepted */
    const char *words; /* of the message */
    int lines[2];      /* in a build without, of all messages; 0: none */
} rows[] = {
    {"XMPP, said or not", "peer \"x\" { protocol = xmpp dialback = yes }\npeer \"y\" { bidi = no }\n", 0, NULL, {0}},
    {"SIP", "peer \"x\" { protocol = sip }\n", 0, NULL, {4}},
    {"SIP for a pattern, XMPP for one of its names", "peer \"*.x\" { protocol = sip }\npeer \"a.x\" { protocol = xmpp dialback = yes }\n", 0, NULL, {4}},
    {"a word of neither", "peer \"x\" {\n protocol = both }\n", 5, "expected xmpp, sip or auto", {5}},
    /* either */
    {"auto", "peer \"x\" { protocol = auto }\n", 0, NULL, {4}},
    {"auto for all", "defaults { protocol = auto }\n", 0, NULL, {4}},
    {"auto with settings of both", "peer \"x\" { protocol = auto dialback = no sip-names = {h.x} tls-min = 1.3 }\n", 0, NULL, {4}},
    {"auto in clear", "peer \"x\" { protocol = auto\n sip-transport = tcp sip-from = {10.0.0.20} }\n", 5, "proves less", {4}},
    {"auto with a route", "peer \"x\" { protocol = auto\n route = {\"h.x:5061\"} }\n", 5, "servers of one protocol", {4}},
    {"... inherited", "peer \"*.x\" { route = {\"h.x:5061\"} }\npeer \"a.x\" { protocol = auto }\n", 5, "servers of one protocol", {5}},
    {"auto with further domains", "peer \"y\" { protocol = sip }\npeer \"x\" { protocol = auto\n sip-domains = {y} }\n", 6, "a domain proves only itself", {4, 5}},
    {"auto with hosts for everybody", "defaults { protocol = auto\n sip-names = {h.x} }\n", 5, "speak for every domain", {4}},
    {"... which one inherits", "defaults {\n sip-names = {h.x} }\npeer \"x\" { protocol = auto }\n", 6, "speak for every domain", {6}},
    {"... and one does not", "defaults {\n sip-names = {h.x} }\npeer \"x\" { protocol = auto sip-names = {g.x} }\n", 0, NULL, {6}},
    {"auto that forgets", "peer \"x\" { protocol = auto }\nmemory { peers = 0 }\n", 4, "nothing is known of a peer", {4}},
    {"auto by a host that tells nobody", "peer \"x\" { protocol = auto\n sip-name-check = target }\n", 5, "cannot tell who connects", {4}},
    {"a further domain that is auto", "peer \"x\" { protocol = sip\n sip-domains = {y} }\npeer \"y\" { protocol = auto }\n", 5, "does not belong to SIP", {4, 6}},
    /* only XMPP */
    {"dialback", "peer \"x\" { protocol = sip\n dialback = yes }\n", 5, MEANS, {4}},
    {"a profile", "peer \"x\" { protocol = sip\n profile = webex }\n", 5, "profile " MEANS, {4}},
    {"SASL off both ways", "peer \"x\" { protocol = sip\n sasl-in = no }\n", 5, MEANS, {4}},
    {"acknowledgements", "peer \"x\" { protocol = sip\n ack = none }\n", 5, MEANS, {4}},
    {"... of a name whose pattern is SIP's", "peer \"*.x\" { protocol = sip }\npeer \"a.x\" {\n multiplex = yes }\n", 6, "peer \"a.x\": multiplex " MEANS, {4}},
    {"inherited from the defaults", "defaults { dialback = yes bidi = no ack = none }\npeer \"x\" { protocol = sip }\n", 0, NULL, {5}},
    {"inherited from a pattern of XMPP", "peer \"*.x\" { bidi = no }\npeer \"a.x\" { protocol = sip }\n", 0, NULL, {5}},
    {"a pattern with a profile, and a name of SIP", "peer \"*.x\" { profile = webex }\npeer \"a.x\" { protocol = sip }\n", 0, NULL, {5}},
    /* what both have */
    {"settings of both", "peer \"x\" { protocol = sip tls-min = 1.3 route = {\"h.x:5061\"} direction = out users = {\"*@a.example\"} }\n",
     0, NULL, {4}},
    {"what no stream of XMPP could meet", "peer \"x\" { protocol = sip tls = none certificate = required revocation = hard }\n", 0, NULL, {4}},
    {"two sources of one family, which no protocol can use", "peer \"x\" { protocol = sip\n source = {192.0.2.1, 192.0.2.2} }\n", 5, "source names two", {4, 5}},
    /* everybody, and ourselves */
    {"the defaults, and one of XMPP", "defaults {\n protocol = sip dialback = yes }\npeer \"x\" { protocol = xmpp bidi = no }\n", 0, NULL, {5}},
    {"... which one inherits", "defaults { protocol = sip }\npeer \"x\" {\n bidi = no }\n", 6, MEANS, {4}},
    {"a domain that is served", "peer \"a.example\" { protocol = sip }\n", 4, OURS, {4, 4}},
    {"an alias", "peer \"rooms.a.example\" { protocol = sip }\n", 4, OURS, {4, 4}},
    {"all names below one that is served", "peer \"*.a.example\" { protocol = sip }\n", 0, NULL, {4}},
    /* only SIP */
    {"sip-names of XMPP", "peer \"x\" {\n sip-names = {h.x} }\n", 5, "only means something to SIP", {5}},
    {"sip-transport of XMPP", "peer \"x\" {\n sip-transport = tls }\n", 5, "sip-transport only means", {5}},
    {"... inherited from a pattern of SIP", "peer \"*.x\" { protocol = sip sip-rate = 5 }\npeer \"a.x\" { protocol = xmpp }\n", 0, NULL, {4}},
    /* who connects */
    {"TCP with addresses and a route", "peer \"x\" { protocol = sip sip-transport = tcp sip-from = {10.0.0.20, \"fd00::20\"} route = {\"10.0.0.20:5060\"} }\n", 0, NULL, {4}},
    {"TCP without addresses", "peer \"x\" { protocol = sip route = {\"10.0.0.20:5060\"}\n sip-transport = tcp }\n", 5, "lets everybody be the peer", {4, 5}},
    {"TCP without a route", "peer \"x\" { protocol = sip sip-from = {10.0.0.20}\n sip-transport = tcp }\n", 5, "wherever DNS leads", {4, 5}},
    {"TCP without a route, inwards alone", "peer \"x\" { protocol = sip sip-from = {10.0.0.20} sip-transport = tcp direction = in }\n", 0, NULL, {4}},
    {"TCP with names of certificates", "peer \"x\" { protocol = sip sip-transport = tcp sip-from = {10.0.0.20} direction = in\n sip-names = {h.x} }\n", 5, "there are no certificates", {4, 5}},
    {"TCP that a pattern says, without addresses", "peer \"*.x\" { protocol = sip sip-transport = tcp sip-from = {10.0.0.20} direction = in }\npeer \"a.x\" {\n sip-from = {} }\n", 5, "lets everybody be the peer", {4, 5}},
    {"addresses with TLS", "peer \"x\" { protocol = sip\n sip-from = {10.0.0.20} }\n", 5, "not looked at", {4, 5}},
    {"an address that is none", "peer \"x\" { protocol = sip\n sip-from = {h.x} }\n", 5, "expected", {5}},
    {"a list without names", "peer \"x\" { protocol = sip\n sip-name-check = list }\n", 5, "accepts no certificate", {4, 5}},
    {"a list", "peer \"x\" { protocol = sip sip-name-check = list sip-names = {h.x, i.x} }\n", 0, NULL, {4}},
    {"targets that nobody knows", "peer \"x\" { protocol = sip\n sip-name-check = target }\n", 5, "cannot tell who connects to us", {4, 5}},
    {"targets by routes", "peer \"x\" { protocol = sip sip-name-check = target route = {\"h.x:5061\"} }\n", 0, NULL, {4}},
    {"targets, outwards alone", "peer \"x\" { protocol = sip sip-name-check = target direction = out }\n", 0, NULL, {4}},
    /* further domains */
    {"further domains", "peer \"x\" { protocol = sip sip-domains = {y, z} }\npeer \"y\" { protocol = sip }\npeer \"*.z\" { protocol = sip }\n", 0, NULL, {4}},
    {"a further domain of XMPP", "peer \"x\" { protocol = sip\n sip-domains = {y} }\n", 5, "y, which does not belong to SIP", {4, 5}},
    {"a further domain of ours", "peer \"x\" { protocol = sip\n sip-domains = {rooms.a.example} }\n", 5, "a domain of ours", {4, 5}},
    {"one of two peers", "peer \"x\" { protocol = sip sip-domains = {z} }\npeer \"y\" { protocol = sip\n sip-domains = {z} }\npeer \"z\" { protocol = sip }\n", 6, "z, which is in sip-domains of peer \"x\"", {4, 6}},
    {"one twice", "peer \"x\" { protocol = sip\n sip-domains = {z, Z} }\npeer \"z\" { protocol = sip }\n", 5, "expected it once", {4, 5}},
    /* listeners */
    {"listeners", LISTENS "sip { host = sip.a.example certificate = {c.pem} key = {c.key} }\n", 0, NULL, {4}},
    {"listeners without a host", LISTENS, 4, "without sip { host }", {4}},
    {"listeners without a certificate", LISTENS "sip { host = sip.a.example }\n", 4, "without sip { certificate }", {4}},
    {"TCP alone needs no certificate", "listen {\n sip-tcp = {\"10.0.0.5:5060\"} }\nsip { host = sip.a.example }\n", 0, NULL, {5}},
    {"TCP needs a host", "listen {\n sip-tcp = {\"10.0.0.5:5060\"} }\n", 5, "without sip { host }", {5}},
    {"a certificate without key", "sip { host = sip.a.example\n certificate = {c.pem} }\n", 5, "sip { } has a certificate without key: expected both or neither", {5}},
    {"a key without certificate", "sip { host = sip.a.example\n key = {c.key} }\n", 5, "sip { } has a key without certificate: expected both or neither", {5}},
    {"a key for one of two certificates", "sip { host = sip.a.example certificate = {c.pem, d.pem}\n key = {c.key} }\n", 5,
     "sip { } has certificate = {...} of 2 and key = {...} of 1: expected a key for each certificate, in the same order", {5}},
    {"a certificate of nobody", "sip {\n certificate = {c.pem}\n key = {c.key} }\n", 5, "without host", {5}},
    /* sip { } */
    {"a host, of which a build without SIP only warns", "sip {\n host = sip.a.example }\n", 0, NULL, {0}},
    {"no host, as in the sample", "sip { }\n", 0, NULL, {0}},
    {"a host that is none", "sip {\n host = \"a b\" }\n", 5, "expected", {5}},
};
/* clang-format on */

#ifdef XF_HAVE_SIP
#define SIP_ON                                                                                  \
    "listen { sip = {\"[::]:5061\"} }\nsip { host = sip.a.example certificate = {c.pem} key = " \
    "{c.key} }\n"
#define TCP_PEER                                                                         \
    "peer \"x\" { protocol = sip sip-from = {10.0.0.20} route = {\"10.0.0.20:5060\"}\n " \
    "sip-transport = tcp }\n"

/* What is accepted, although it can hardly be meant. */
/* clang-format off */
static const struct {
    const char *label, *text;
    int line;          /* of the warning; 0: there is none */
    const char *words; /* of the warning; with line 0, of what is not said */
} warnings[] = {
    {"SIP, with all that it needs", SIP_ON "peer \"x\" { protocol = sip }\n", 0, "warning: peer"},
    {"a peer of SIP alone", "peer \"x\" {\n protocol = sip }\n", 5,
     "peer \"x\": protocol = sip while SIP is off: nothing passes (not-allowed): expected listen { sip } and sip { host certificate key }"},
    {"... by a pattern, said once", "peer \"*.x\" { protocol = sip }\npeer \"a.x\" {\n tls-min = 1.3 }\n", 0, "peer \"a.x\""},
    {"SIP for all alone", "defaults {\n protocol = sip }\n", 5, "defaults: protocol = sip while SIP is off"},
    {"a host without listener", "sip {\n host = sip.a.example }\npeer \"x\" { protocol = sip }\n", 5,
     "sip { host } without a listener: SIP is off: expected listen { sip = {\"[::]:5061\"} }, or no host"},
    {"... and its peers, said once", "sip { host = sip.a.example }\npeer \"x\" { protocol = sip }\n", 0, "peer \"x\""},
    {"TCP without its listener", SIP_ON TCP_PEER, 7, "peer \"x\": sip-transport = tcp without listen { sip-tcp }: this peer cannot connect to us"},
    {"... outwards alone", SIP_ON "peer \"x\" { protocol = sip sip-from = {10.0.0.20} direction = out route = {\"10.0.0.20:5060\"} sip-transport = tcp }\n",
     0, "cannot connect"},
    {"TCP with it", "listen { sip-tcp = {\"10.0.0.5:5060\"} }\nsip { host = sip.a.example }\n" TCP_PEER, 0, "cannot connect"},
    {"TLS where only the other one is", "listen { sip-tcp = {\"10.0.0.5:5060\"} }\nsip { host = sip.a.example }\npeer \"x\" {\n protocol = sip }\n", 7,
     "peer \"x\": sip-transport = tls without listen { sip }: this peer cannot connect to us"},
    {"auto where only the other one is", "listen { sip-tcp = {\"10.0.0.5:5060\"} }\nsip { host = sip.a.example }\npeer \"x\" {\n protocol = auto }\n", 7,
     "peer \"x\": sip-transport = tls without listen { sip }"},
    {"IPv4 beside all of IPv6", "listen { s2s = {\"[::]:5269\"}\n s2s-direct = {\"192.0.2.1:5269\"} }\n", 5,
     "s2s-direct = \"192.0.2.1:5269\": listen { s2s } has \"[::]:5269\", and [::] takes IPv4 as well: expected another port, or one of the two"},
    {"an open route for nobody", "listen { sip = {\"[::]:5061\"} }\nsip { host = sip.a.example certificate = {c.pem} key = {c.key}\n open-route = {\"s.x:5061\"} }\n", 6,
     "sip { open-route } is not used: no peer has protocol = auto: expected protocol = auto in defaults or in peers, or no open-route"},
    {"an open route for one", "listen { sip = {\"[::]:5061\"} }\nsip { host = sip.a.example certificate = {c.pem} key = {c.key} open-route = {\"s.x:5061\"} }\n"
     "peer \"x\" { protocol = auto }\n", 0, "open-route"},
    {"an open route for all", "listen { sip = {\"[::]:5061\"} }\nsip { host = sip.a.example certificate = {c.pem} key = {c.key} open-route = {\"s.x:5061\"} }\n"
     "defaults { protocol = auto }\n", 0, "open-route"},
};
/* clang-format on */

#endif

static struct folder folder;

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "secret", "a secret of sixteen bytes and more\n");
}

static void remove_files(void)
{
    folder_remove(&folder);
}

#ifdef XF_HAVE_SIP

START_TEST(accepts_what_can_work)
{
    char *messages = conf_refusal(&folder, GOOD, rows[_i].text), prefix[32];
    ck_assert_msg((messages == NULL) == (rows[_i].line == 0), "%s: %s", rows[_i].label,
                  messages ? messages : "was accepted");
    if (messages) {
        snprintf(prefix, sizeof(prefix), "/conf:%d: ", rows[_i].line);
        ck_assert_msg(strstr(messages, prefix) && strstr(messages, rows[_i].words), "%s:\n%s",
                      rows[_i].label, messages);
    }
    xf_free(messages);
}
END_TEST

START_TEST(warns_of_what_can_hardly_be_meant)
{
    char path[128], prefix[64], *text = xf_asprintf(GOOD "%s", warnings[_i].text), *messages = NULL;
    struct xf_conf *conf = NULL;
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    ck_assert_msg(xf_conf_load(path, &conf, &messages) == XF_ERR_OK, "%s: %s", warnings[_i].label,
                  messages);
    snprintf(prefix, sizeof(prefix), "/conf:%d: warning: ", warnings[_i].line);
    const char *said = messages ? strstr(messages, warnings[_i].words) : NULL;
    ck_assert_msg(!said == (warnings[_i].line == 0) &&
                      (!said || (said - messages > (ptrdiff_t)strlen(prefix) &&
                                 strncmp(said - strlen(prefix), prefix, strlen(prefix)) == 0)),
                  "%s:\n%s", warnings[_i].label, messages ? messages : "no message");
    xf_free(messages);
    xf_free(text);
    xf_conf_free(&conf);
}
END_TEST

#else

START_TEST(accepts_what_can_work)
{
    char *messages = conf_refusal(&folder, GOOD, rows[_i].text), prefix[32];
    ck_assert_msg((messages == NULL) == (rows[_i].lines[0] == 0), "%s: %s", rows[_i].label,
                  messages ? messages : "was accepted");
    for (size_t i = 0; i < 2 && rows[_i].lines[i]; i++) {
        snprintf(prefix, sizeof(prefix), "/conf:%d: ", rows[_i].lines[i]);
        ck_assert_msg(strstr(messages, prefix) != NULL, "%s:\n%s", rows[_i].label, messages);
    }
    bool is_of_build = messages && strstr(messages, WITHOUT);
    /* A host is only warned of, but what is refused beside it shows the warning too. */
    bool names_sip =
        strstr(rows[_i].text, "protocol = sip") || strstr(rows[_i].text, "protocol = auto") ||
        strstr(rows[_i].text, "listen {") || (messages && strstr(rows[_i].text, "host = sip"));
    ck_assert_msg(is_of_build == names_sip, "%s:\n%s", rows[_i].label, messages);
    xf_free(messages);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("conf/check_sip");
    TCase *tc = tcase_create("check_sip");
    tcase_add_checked_fixture(tc, make_files, remove_files);
    tcase_add_loop_test(tc, accepts_what_can_work, 0, XF_ARRAY_LEN(rows));
#ifdef XF_HAVE_SIP
    tcase_add_loop_test(tc, warns_of_what_can_hardly_be_meant, 0, XF_ARRAY_LEN(warnings));
#endif
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
