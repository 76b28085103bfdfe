/* SPDX-License-Identifier: MIT */
/*
 * Rules of firewalls: what passes in and out in each of the ways nodes can be behind addresses, in
 * both syntaxes.
 */
#include "sheet_text.h"
#include "sheets_priv.h"

#define PLAIN  "node n { host = x.a.example addresses = {\"203.0.113.5\", \"2001:db8::5\"} }\n"
#define NATTED "node n { host = x.a.example addresses = {\"203.0.113.5\"} nat = {\"10.0.0.1\"} }\n"
#define SHARED                                                                                    \
    NATTED "node m { host = x.a.example addresses = {\"203.0.113.5\"} nat = {\"10.0.0.2\"} port " \
           "= 15269 }\n"
#define DIRECT "listen { s2s-direct = {\"[::]:5270\"} }\n"
#define SIP_OF(listen, more)              \
    "listen { sip = {\"" listen "\"} }\n" \
    "sip { host = x.a.example certificate = {c.pem} key = {c.key} " more "}\n"
#define SIP_ON SIP_OF("[::]:5061", "")
#define SIP_ELSEWHERE                    \
    "listen { sip = {\"[::]:5061\"} }\n" \
    "sip { host = sip.a.example certificate = {c.pem} key = {c.key} }\n"
#define SIP_PEER  "peer \"p.example\" { protocol = sip }\n"
#define NO_DIRECT "defaults { direct-tls = no }\n"

/* clang-format off */
static const struct {
    const char *label, *conf, *nftables, *asa;
} sheets[] = {
    {"addresses of the nodes themselves", SERVED PLAIN NO_DIRECT,
     "define outside = \"eth0\"\nelements = { 203.0.113.5 }\nelements = { 2001:db8::5 }\n"
     "        tcp dport { 5269 } counter accept comment \"servers of peers\"\n"
     "        tcp dport { 5269 } counter accept comment \"to servers of peers\"\n"
     "        udp dport 53 counter accept\n        tcp dport 53 counter accept\n"
     "iifname $outside ip daddr @nodes4 jump to_nodes\niifname $outside ip6 daddr @nodes6 counter drop\n"
     "oifname $outside ip saddr @nodes4 jump from_nodes\noifname $outside ip6 saddr @nodes6 counter drop\n!dnat\n!snat",
     "object network obj_host_203.0.113.5\n host 203.0.113.5\nobject network obj_host_2001-db8--5\n host 2001:db8::5\n"
     "access-list xfedd_in extended permit tcp any object obj_host_203.0.113.5 eq 5269\n"
     "access-list xfedd_in extended permit tcp any object obj_host_2001-db8--5 eq 5269\n"
     "access-list xfedd_out extended permit tcp object obj_host_203.0.113.5 any eq 5269\n"
     "access-list xfedd_out extended permit udp object obj_host_203.0.113.5 any eq 53\n!nat (\n!object service\n!5270"},
    {"direct TLS in and out", SERVED PLAIN DIRECT,
     "tcp dport { 5269, 5270 } counter accept comment \"servers of peers\"\ntcp dport { 5269, 5270 } counter accept comment \"to servers",
     "xfedd_in extended permit tcp any object obj_host_203.0.113.5 eq 5270\nxfedd_out extended permit tcp object obj_host_203.0.113.5 any eq 5270"},
    {"an address translated", SERVED NATTED,
     "elements = { 10.0.0.1 }\n"
     "iifname $outside ip daddr 203.0.113.5 tcp dport 5269 dnat ip to 10.0.0.1:5269 comment \"n\"\n"
     "oifname $outside ip saddr 10.0.0.1 snat ip to 203.0.113.5 comment \"n\"\n!nodes6\n!5270 dnat",
     "nat (inside,outside) source static obj_host_10.0.0.1 obj_host_203.0.113.5 service obj_tcp_source_eq_5269 obj_tcp_source_eq_5269\n"
     "nat (inside,outside) after-auto source dynamic obj_host_10.0.0.1 obj_host_203.0.113.5\n"
     "xfedd_in extended permit tcp any object obj_host_10.0.0.1 eq 5269\n!any object obj_host_203"},
    {"one address for two nodes, by ports", SERVED SHARED,
     "elements = { 10.0.0.1, 10.0.0.2 }\ndport 5269 dnat ip to 10.0.0.1:5269\ndport 15269 dnat ip to 10.0.0.2:5269 comment \"m\"\n"
     "saddr 10.0.0.2 snat ip to 203.0.113.5",
     "source static obj_host_10.0.0.2 obj_host_203.0.113.5 service obj_tcp_source_eq_5269 obj_tcp_source_eq_15269\n"
     "object service obj_tcp_source_eq_15269\n service tcp source eq 15269\n!obj_host_10.0.0.2 eq 15269"},
    {"a port translated, the address not", SERVED "node n { host = x.a.example addresses = {\"2001:db8::5\"} port = 443 }\n",
     "ip6 daddr 2001:db8::5 tcp dport 443 dnat ip6 to [2001:db8::5]:5269\ntcp dport { 5269 } counter accept comment \"servers of peers\"\n!snat ip",
     "source static obj_host_2001-db8--5 obj_host_2001-db8--5 service obj_tcp_source_eq_5269 obj_tcp_source_eq_443\n!dynamic obj"},
    {"where we listen", "listen { s2s = {\"0.0.0.0:15269\"} }\n" SERVED NATTED, "dport 5269 dnat ip to 10.0.0.1:15269\ntcp dport { 15269 }",
     "service obj_tcp_source_eq_15269 obj_tcp_source_eq_5269\nobject obj_host_10.0.0.1 eq 15269"},
    {"an address that is its own translation", SERVED
     "node n { host = x.a.example addresses = {\"203.0.113.5\"} nat = {\"203.0.113.5\"} }\n", "!dnat\n!snat", "!nat ("},
    {"resolvers", "dns { servers = {\"192.0.2.53\", \"[2001:db8::53]:5353\"} }\n" SERVED PLAIN,
     "ip daddr 192.0.2.53 udp dport 53 counter\nip daddr 192.0.2.53 tcp dport 53 counter\nip6 daddr 2001:db8::53 udp dport 5353\n!    udp dport 53",
     "permit udp object obj_host_203.0.113.5 host 192.0.2.53 eq 53\npermit tcp object obj_host_2001-db8--5 host 2001:db8::53 eq 5353\n"
     "!obj_host_203.0.113.5 host 2001"},
    {"a resolver on the node asks any server", "dns { servers = {\"127.0.0.1\"} }\n" SERVED PLAIN "peer \"p.example\" { dns-servers = {\"192.0.2.5\"} }\n",
     "        udp dport 53 counter accept\n!127.0\n!192.0.2.5", "permit udp object obj_host_203.0.113.5 any eq 53\n!127.0"},
    {"resolvers of a peer", "dns { servers = {\"192.0.2.53\"} }\n" SERVED PLAIN "peer \"p.example\" { dns-servers = {\"192.0.2.5\"} }\n",
     "ip daddr 192.0.2.5 udp dport 53\nip daddr 192.0.2.53 udp dport 53", "host 192.0.2.5 eq 53\nhost 192.0.2.53 eq 53"},
    {"static routes", SERVED PLAIN "peer \"p.example\" { route = {\"192.0.2.9:5299\", \"gw.p.example:6000\", \"[2001:db8:9::1]:6001\", \"x:5269\"} }\n"
     "peer \"q.example\" { route = {\"192.0.2.9:5299\"} }\n",
     "        ip daddr 192.0.2.9 tcp dport 5299 counter accept comment \"static route\"\n"
     "        tcp dport 6000 counter accept comment \"static route\"\nip6 daddr 2001:db8:9::1 tcp dport 6001",
     "permit tcp object obj_host_203.0.113.5 host 192.0.2.9 eq 5299\nobj_host_203.0.113.5 any eq 6000\nobj_host_2001-db8--5 host 2001:db8:9::1 eq 6001"},
    {"a peer that is shut out has no route", SERVED PLAIN "peer \"p.example\" { direction = none route = {\"192.0.2.9:5299\"} }\n", "!5299", "!5299"},
#ifdef XF_HAVE_SIP
    {"a peer of SIP has none either", SERVED PLAIN "peer \"p.example\" { protocol = sip route = {\"192.0.2.9:5299\"} dns-servers = {\"192.0.2.5\"} }\n",
     "!5299\n!192.0.2.5", "!5299\n!192.0.2.5"},
    {"no direct TLS if only SIP's could", SERVED PLAIN "defaults { direct-tls = no }\npeer \"p.example\" { protocol = sip }\n", "!5270", "!5270"},
    {"SIP in and out", SERVED PLAIN NO_DIRECT SIP_ON SIP_PEER,
     "# Rules for federation by XMPP and SIP, \ntcp dport { 5269, 5061 } counter accept comment \"servers of peers\"\n"
     "tcp dport { 5269, 5061 } counter accept comment \"to servers of peers\"\n!5060\n!dnat",
     "Rules for federation by XMPP and SIP, \nxfedd_in extended permit tcp any object obj_host_203.0.113.5 eq 5061\n"
     "xfedd_out extended permit tcp object obj_host_203.0.113.5 any eq 5061\nno `inspect sip`\n!eq 5060"},
    {"SIP in and out, direct TLS of XMPP too", SERVED PLAIN "listen { s2s-direct = {\"[::]:5270\"} sip = {\"[::]:5061\"} }\n"
     "sip { host = x.a.example certificate = {c.pem} key = {c.key} }\n" SIP_PEER,
     "tcp dport { 5269, 5270, 5061 } counter accept comment \"servers of peers\"\ntcp dport { 5269, 5270, 5061 } counter accept comment \"to servers",
     "any object obj_host_203.0.113.5 eq 5061\nany object obj_host_203.0.113.5 eq 5270"},
    {"SIP that nobody has", SERVED PLAIN NO_DIRECT SIP_ON, "tcp dport { 5269, 5061 } counter accept comment \"servers\ntcp dport { 5269 } counter accept comment \"to servers",
     "any object obj_host_203.0.113.5 eq 5061\n!any eq 5061"},
    {"SIP that is off", SERVED PLAIN "sip { host = x.a.example }\n" SIP_PEER, "!5061\n!SIP", "!5061\n!SIP"},
    {"SIP by routes alone", SERVED PLAIN NO_DIRECT SIP_ON "dns { servers = {\"192.0.2.53\"} }\n"
     "peer \"p.example\" { protocol = sip route = {\"192.0.2.9:5061\", \"gw.p.example:15061\"} dns-servers = {\"192.0.2.5\"} }\n",
     "tcp dport { 5269 } counter accept comment \"to servers\n        ip daddr 192.0.2.9 tcp dport 5061 counter accept comment \"static route\"\n"
     "        tcp dport 15061 counter accept comment \"static route\"\nip daddr 192.0.2.5 udp dport 53",
     "obj_host_203.0.113.5 host 192.0.2.9 eq 5061\nobj_host_203.0.113.5 any eq 15061\n!any eq 5061"},
    {"SIP inwards alone, where answers go out too", SERVED PLAIN NO_DIRECT SIP_ON "peer \"p.example\" { protocol = sip direction = in }\n",
     "tcp dport { 5269, 5061 } counter accept comment \"to servers", "any eq 5061"},
    {"SIP with nobody", SERVED PLAIN NO_DIRECT SIP_ON "peer \"p.example\" { protocol = sip direction = none route = {\"192.0.2.9:5062\"} }\n",
     "tcp dport { 5269 } counter accept comment \"to servers\n!5062", "!any eq 5061\n!5062"},
    {"either protocol, and an open route", SERVED PLAIN SIP_OF("[::]:5061", "open-route = {\"192.0.2.8:15061\"} ") "defaults { protocol = auto direct-tls = no }\n",
     "tcp dport { 5269, 5061 } counter accept comment \"to servers\nip daddr 192.0.2.8 tcp dport 15061 counter accept comment \"static route\"",
     "any eq 5061\nhost 192.0.2.8 eq 15061"},
    {"SIP translated", SERVED NATTED SIP_OF("[::]:15061", "port = 5062 ") SIP_PEER,
     "tcp dport { 5269, 15061 }\ndport 5062 dnat ip to 10.0.0.1:15061 comment \"n\"",
     "obj_host_10.0.0.1 obj_host_203.0.113.5 service obj_tcp_source_eq_15061 obj_tcp_source_eq_5062\nany object obj_host_10.0.0.1 eq 15061"},
    {"SIP behind an address of two nodes: the first has it", SERVED SHARED SIP_ON SIP_PEER,
     "dport 5061 dnat ip to 10.0.0.1:5061 comment \"n\"\n!5061 dnat ip to 10.0.0.2",
     "source static obj_host_10.0.0.1 obj_host_203.0.113.5 service obj_tcp_source_eq_5061\n!10.0.0.2 obj_host_203.0.113.5 service obj_tcp_source_eq_5061"},
    {"SIP by another name of the only node", SERVED NATTED SIP_ELSEWHERE SIP_PEER,
     "# sip.a.example, the host for SIP, is not the host of a node: if it has another address than node \"n\", add that with port 5061\n"
     "tcp dport { 5269, 5061 }\ndport 5061 dnat ip to 10.0.0.1:5061",
     "sip.a.example, the host for SIP, is not the host of a node: if it has\nservice obj_tcp_source_eq_5061 obj_tcp_source_eq_5061"},
    {"SIP at neither of two nodes", SERVED SHARED SIP_ELSEWHERE SIP_PEER,
     "# sip.a.example, the host for SIP, is not the host of a node: add its address with port 5061, and its translation, yourself\n!5061 dnat",
     "sip.a.example, the host for SIP, is not the host of a node: add its address\n!obj_tcp_source_eq_5061"},
    {"in clear, from the peer's address alone", SERVED PLAIN NO_DIRECT "listen { sip-tcp = {\"10.0.0.5:5060\"} }\nsip { host = x.a.example }\n"
     "peer \"p.example\" { protocol = sip sip-transport = tcp sip-from = {10.0.0.20, \"fd00::20\"} route = {\"10.0.0.20:5060\"} }\n",
     "        tcp dport { 5269 } counter accept comment \"servers of peers\"\n        tcp dport { 5269 } counter accept comment \"to servers\n"
     "        ip saddr 10.0.0.20 tcp dport 5060 counter accept comment \"SIP in clear\"\n        ip6 saddr fd00::20 tcp dport 5060 counter\n"
     "        ip daddr 10.0.0.20 tcp dport 5060 counter accept comment \"static route\"\n!5061",
     "xfedd_in extended permit tcp host 10.0.0.20 object obj_host_203.0.113.5 eq 5060\nxfedd_in extended permit tcp host fd00::20 object obj_host_2001-db8--5 eq 5060\n"
     "xfedd_out extended permit tcp object obj_host_203.0.113.5 host 10.0.0.20 eq 5060\n!any object obj_host_203.0.113.5 eq 5060\n!5061"},
    {"in clear, translated", SERVED NATTED "listen { sip-tcp = {\"10.0.0.1:5060\"} }\nsip { host = x.a.example }\n"
     "peer \"p.example\" { protocol = sip sip-transport = tcp sip-from = {192.0.2.20} direction = in }\n",
     "dport 5060 dnat ip to 10.0.0.1:5060 comment \"n\"\nip saddr 192.0.2.20 tcp dport 5060",
     "service obj_tcp_source_eq_5060 obj_tcp_source_eq_5060\ntcp host 192.0.2.20 object obj_host_10.0.0.1 eq 5060"},
#endif
    {"source ports of all", SERVED PLAIN "defaults { source-ports = \"30000-35999\" direct-tls = no }\n"
     "peer \"p.example\" { source-ports = \"35000-36000\" route = {\"192.0.2.9:5299\"} }\npeer \"q.example\" { source-ports = \"1024\" }\n",
     "tcp sport { 30000-36000, 1024-1024 } tcp dport { 5269 } counter accept comment \"to servers of peers\"\n"
     "tcp sport { 30000-36000, 1024-1024 } ip daddr 192.0.2.9 tcp dport 5299\n        udp dport 53",
     "obj_host_203.0.113.5 range 30000 36000 any eq 5269\nobj_host_203.0.113.5 range 1024 1024 any eq 5269\n"
     "obj_host_203.0.113.5 range 30000 36000 host 192.0.2.9 eq 5299\ntcp object obj_host_203.0.113.5 any eq 53"},
    {"source ports of one peer narrow nothing", SERVED PLAIN "peer \"p.example\" { source-ports = \"30000-35999\" }\n", "!sport", "!range"},
    {"addresses to connect from", SERVED PLAIN "defaults { source = {\"203.0.113.5\"} }\npeer \"p.example\" { source = {\"203.0.113.9\"} }\n",
     "elements = { 203.0.113.5, 203.0.113.9 }", "object network obj_host_203.0.113.9\nxfedd_out extended permit tcp object obj_host_203.0.113.9 any eq 5269\n"
     "!any object obj_host_203.0.113.9"},
    {"another interface", SERVED PLAIN "publish { interface = \"wan.7\" }\n", "define outside = \"wan.7\"\n!eth0", "access-group xfedd_in in interface outside"},
};
/* clang-format on */

static char *sheet_of(const struct xf_conf *conf, const char *syntax)
{
    char *sheet = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&sheet, &len);
    ck_assert_int_eq(xf_sheet_firewall(conf, syntax, out, NULL), XF_ERR_OK);
    fclose(out);
    return sheet;
}

START_TEST(rules_are_these)
{
    struct xf_conf *conf = conf_of(sheets[_i].conf);
    char *nftables = sheet_of(conf, "nftables"), *asa = sheet_of(conf, "asa");
    check_lines(sheets[_i].label, nftables, sheets[_i].nftables);
    check_lines(sheets[_i].label, asa, sheets[_i].asa);
    free(nftables);
    free(asa);
    xf_conf_free(&conf);
}
END_TEST

/*
 * Each line of an ASA's sheet is a command of few kinds; an object is made once and before it is
 * named.
 */
START_TEST(asa_names_its_objects_once_and_first)
{
    struct xf_conf *conf = conf_of(sheets[_i].conf);
    char *asa = sheet_of(conf, "asa"), *lines = without_comments(asa, '!');
    for (char *at = lines; *at; at += strcspn(at, "\n") + 1) {
        for (char *name = strstr(at, "obj_"); name && name < at + strcspn(at, "\n");
             name = strstr(name + 1, "obj_")) {
            char *object = xf_strndup(name, strcspn(name, " \n")), *made = NULL;
            if (strncmp(at, "object ", 7) == 0) {
                char *again = xf_asprintf("%.*s\n", (int)strcspn(at, "\n"), at);
                ck_assert_msg(!strstr(at + 1, again), "%s: twice: %s", sheets[_i].label, again);
                xf_free(again);
            } else {
                made = xf_asprintf("%s %s\n",
                                   strncmp(object, "obj_host", 8) == 0 ? "object network"
                                                                       : "object service",
                                   object);
                const char *definition = strstr(lines, made);
                ck_assert_msg(definition && definition < at, "%s: not made: %s", sheets[_i].label,
                              object);
            }
            xf_free(object);
            xf_free(made);
        }
    }
    xf_free(lines);
    free(asa);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(refuses_with_words)
{
    struct xf_conf *conf = conf_of(SERVED PLAIN), *none = conf_of(SERVED);
    struct xf_error err = {0};
    ck_assert_int_eq(xf_sheet_firewall(conf, "pf", stderr, &err), XF_ERR_NOT_FOUND);
    ck_assert_str_eq(err.detail, "--firewall pf: expected nftables or asa");
    ck_assert_int_eq(xf_sheet_firewall(none, "asa", stderr, &err), XF_ERR_BAD_VALUE);
    ck_assert_ptr_nonnull(strstr(
        err.detail, "--firewall: the configuration does not say how peers reach this server"));
    xf_conf_free(&conf);
    xf_conf_free(&none);
}
END_TEST

START_TEST(ports_of_listeners)
{
    static const struct {
        const char *text;
        unsigned port;
    } rows[] = {{"192.0.2.1:5269", 5269}, {"[::]:15269", 15269}, {"x.example:1", 1},
                {"192.0.2.1", 0},         {"2001:db8::1", 0},    {"[2001:db8::1]", 0}};
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++)
        ck_assert_msg(xf_port_of(rows[i].text) == rows[i].port, "%s", rows[i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sheets/firewall");
    TCase *tc = tcase_create("firewall");
    tcase_add_loop_test(tc, rules_are_these, 0, XF_ARRAY_LEN(sheets));
    tcase_add_loop_test(tc, asa_names_its_objects_once_and_first, 0, XF_ARRAY_LEN(sheets));
    tcase_add_test(tc, refuses_with_words);
    tcase_add_test(tc, ports_of_listeners);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
