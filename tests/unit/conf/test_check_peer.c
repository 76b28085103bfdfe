/* SPDX-License-Identifier: MIT */
/*
 * Settings with which a peer can never authenticate are refused. First the whole table of TLS, SASL
 * and dialback that Microsoft published for its XMPP gateway: what it
 * calls invalid is refused here, and nothing else is. Then what certificates, pins, DANE,
 * revocation and memory add.
 */
#include "refusal.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

#define GOOD                                                                               \
    "link \"l\" { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n" \
    "served \"a.example\" { link = l certificate = c.pem key = c.key }\n"                  \
    "dialback { secret-file = secret }\n"
#define DIGEST "\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""

static struct folder folder;

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "secret", "a secret of sixteen bytes and more\n");
    folder_put_text(&folder, "ca.pem", "");
}

static void remove_files(void)
{
    folder_remove(&folder);
}

/* ---- the table of 3.2 */

#define SASL_ON  "sasl-in = yes sasl-out = yes "
#define SASL_OFF "sasl-in = no sasl-out = no "
#define ON       "dialback = yes "
#define OFF      "dialback = no "

/*
 * Its "SASL required" is ours with certificate = required where there is TLS: EXTERNAL is tried
 * before dialback anyway.
 */
/* clang-format off */
static const struct {
    const char *tls, *sasl, *dialback, *settings;
    bool is_valid;
} table[] = {
    {"Required", "Required", "True",  "tls = required certificate = required " SASL_ON ON,  true},
    {"Required", "Required", "False", "tls = required certificate = required " SASL_ON OFF, true},
    {"Optional", "Required", "True",  "tls = optional certificate = preferred " SASL_ON ON, true},
    {"Optional", "Required", "False", "tls = optional certificate = required " SASL_ON OFF, true},
    {"No",       "Required", "True",  "tls = none " SASL_ON ON,      true},
    {"No",       "Required", "False", "tls = none " SASL_ON OFF,     false},
    {"Required", "Optional", "True",  "tls = required " SASL_ON ON,  true},
    {"Required", "Optional", "False", "tls = required " SASL_ON OFF, true},
    {"Optional", "Optional", "True",  "tls = optional " SASL_ON ON,  true},
    {"Optional", "Optional", "False", "tls = optional " SASL_ON OFF, true},
    {"No",       "Optional", "True",  "tls = none " SASL_ON ON,      true},
    {"No",       "Optional", "False", "tls = none " SASL_ON OFF,     false},
    {"Required", "No",       "True",  "tls = required " SASL_OFF ON, true},
    {"Required", "No",       "False", "tls = required " SASL_OFF OFF, false},
    {"Optional", "No",       "True",  "tls = optional " SASL_OFF ON, true},
    {"Optional", "No",       "False", "tls = optional " SASL_OFF OFF, false},
    {"No",       "No",       "True",  "tls = none " SASL_OFF ON,     true},
    {"No",       "No",       "False", "tls = none " SASL_OFF OFF,    false},
};
/* clang-format on */

START_TEST(table_3_2)
{
    char *text = xf_asprintf("peer \"x\" { %s}\n", table[_i].settings),
         *messages = conf_refusal(&folder, GOOD, text);
    ck_assert_msg((messages == NULL) == table[_i].is_valid, "TLS %s, SASL %s, dialback %s: %s",
                  table[_i].tls, table[_i].sasl, table[_i].dialback,
                  messages ? messages : "was accepted");
    if (messages) {
        ck_assert_msg(
            strstr(messages,
                   "conf:4: peer \"x\": nothing can authenticate us with dialback = no") != NULL,
            "%s", messages);
        ck_assert_msg(
            strstr(messages,
                   "conf:4: peer \"x\": nothing can authenticate the peer with dialback = no") !=
                NULL,
            "%s", messages);
    }
    xf_free(messages);
    xf_free(text);
}
END_TEST

/* ---- ours */

#define NO_TRUST "trust { ca-file = \"\" }\n"
#define LISTS    "trust { crl-files = {list.pem} }\n"

/* clang-format off */
static const struct {
    const char *label, *text;
    int line;          /* 0: accepted */
    const char *words; /* of the message */
} rows[] = {
    /* one direction alone */
    {"SASL out only, towards us it may be off", "peer \"x\" { direction = out sasl-in = no dialback = no }\n", 0, NULL},
    {"SASL in only, from us it may be off", "peer \"x\" { direction = in sasl-out = no dialback = no }\n", 0, NULL},
    {"SASL off in the direction that is used", "peer \"x\" { direction = in dialback = no\n sasl-in = no }\n", 4, "authenticate the peer"},
    {"our certificate hidden, and dialback", "peer \"x\" { show-certificate = no }\n", 0, NULL},
    {"our certificate hidden, without dialback", "peer \"x\" { dialback = no\n show-certificate = no }\n", 4,
     "peer \"x\": nothing can authenticate us with dialback = no and show-certificate = no: expected dialback = yes, or show-certificate = yes"},
    {"... where only the peer opens streams", "peer \"x\" { direction = in dialback = no show-certificate = no }\n", 0, NULL},
    {"... by a profile", "peer \"x\" { profile = sametime\n show-certificate = no }\n", 5, "dialback = no and show-certificate = no"},
    {"nothing at all for a peer that is shut out",
     "peer \"x\" { direction = none tls = none dialback = no certificate = required pins = {" DIGEST "} revocation = hard }\n", 0, NULL},
    /* certificate */
    {"required certificate in clear", "peer \"x\" { tls = none\n certificate = required }\n", 5, "cannot be met with tls = none"},
    {"required certificate, TLS optional: then clear never will do", "peer \"x\" { tls = optional certificate = required }\n", 0, NULL},
    {"required certificate and dialback alone", "peer \"x\" { certificate = required " SASL_OFF "}\n", 0, NULL},
    {"ignored certificate and SASL alone", "peer \"x\" { certificate = ignore dialback = no }\n", 0, NULL},
    /* nobody who could vouch */
    {"required certificate that nobody can vouch for", "peer \"x\" { dane = no\n certificate = required }\n" NO_TRUST, 5,
     "no certificate is valid: expected ca-file, pins or dane = yes"},
    {"... but DANE", "peer \"x\" { certificate = required }\n" NO_TRUST, 0, NULL},
    {"... but pins", "peer \"x\" { dane = no certificate = required pins = {" DIGEST "} }\n" NO_TRUST, 0, NULL},
    {"... but an authority of its own", "peer \"x\" { dane = no certificate = required ca-file = ca.pem }\n" NO_TRUST, 0, NULL},
    {"... but nobody asks for it", "peer \"x\" { dane = no }\n" NO_TRUST, 0, NULL},
    {"SASL alone that nobody can vouch for", "peer \"x\" { dane = no\n dialback = no }\n" NO_TRUST, 5, "SASL alone"},
    {"... inwards, although it is ignored outwards", "peer \"x\" { dane = no certificate = ignore\n dialback = no }\n" NO_TRUST, 5,
     "SASL alone"},
    {"... outwards, where it is ignored", "peer \"x\" { direction = out dane = no certificate = ignore dialback = no }\n" NO_TRUST, 0, NULL},
    {"... outwards, where it is not", "peer \"x\" { direction = out dane = no dialback = no }\n" NO_TRUST, 4, "SASL alone"},
    /* pins */
    {"pins in clear", "peer \"x\" { tls = none\n pins = {" DIGEST "} }\n", 5, "pins are not checked with tls = none"},
    {"pins of an ignored certificate", "peer \"x\" { certificate = ignore\n pins = {" DIGEST "} }\n", 5, "pins keep nobody out"},
    {"pins taken away from one peer", "peer \"x\" { tls = none pins = {} }\ndefaults { pins = {" DIGEST "} }\n", 0, NULL},
    {"pins of the defaults, and a peer in clear", "peer \"x\" {\n tls = none }\ndefaults { pins = {" DIGEST "} }\n", 5,
     "pins are not checked with tls = none"},
    {"pins and TLS that may be left out", "peer \"x\" { tls = optional pins = {" DIGEST "} }\n", 0, NULL},
    /* revocation */
    {"hard without a list, inwards", "peer \"x\" {\n revocation = hard }\n", 5, "there are no revocation lists"},
    {"hard without a list, outwards, where OCSP may be stapled", "peer \"x\" { direction = out revocation = hard }\n", 0, NULL},
    {"hard with lists", "peer \"x\" { revocation = hard }\n" LISTS, 0, NULL},
    {"hard with a folder of lists", "peer \"x\" { revocation = hard }\ntrust { crl-dir = crls }\n", 0, NULL},
    {"hard of an ignored certificate", "peer \"x\" { certificate = ignore revocation = hard }\n", 0, NULL},
    /* memory */
    {"refused falls without a memory", "peer \"x\" {\n downgrade = refuse }\nmemory { peers = 0 }\n", 5, "nothing to compare with"},
    {"refused falls with a memory", "peer \"x\" { downgrade = refuse }\n", 0, NULL},
    {"alarms without a memory", "memory { peers = 0 }\n", 0, NULL},
    /* rates */
    {"bytes a second that no stanza could keep", "peer \"x\" {\n byte-rate = 512 }\n", 5, "byte-rate is too low for any stanza"},
    {"the least", "peer \"x\" { byte-rate = 1k stanza-rate = 1 }\n", 0, NULL},
    /* source */
    {"two addresses of one family", "peer \"x\" {\n source = {192.0.2.1, 192.0.2.2} }\n", 5, "source names two addresses of one family"},
    {"two of the other", "peer \"x\" { source = {\"::1\", 192.0.2.1, \"::2\"} }\n", 4, "one IPv4 and one IPv6 address at most"},
    {"one of each", "peer \"x\" { source = {192.0.2.1, \"2001:db8::1\"} source-ports = \"30000-35999\" }\n", 0, NULL},
    /* where it comes from */
    {"two sections that each are fine", "peer \"*.x\" { sasl-in = no sasl-out = no }\npeer \"a.x\" {\n dialback = no }\n", 6,
     "peer \"a.x\": nothing can authenticate us"},
    {"defaults alone", "defaults {\n dialback = no " SASL_OFF "}\n", 5, "defaults: nothing can authenticate us"},
};
/* clang-format on */

START_TEST(ours)
{
    char *messages = conf_refusal(&folder, GOOD, rows[_i].text), prefix[32];
    ck_assert_msg((messages == NULL) == (rows[_i].line == 0), "%s: %s", rows[_i].label,
                  messages ? messages : "was accepted");
    if (messages) {
        snprintf(prefix, sizeof(prefix), "/conf:%d: ", rows[_i].line);
        ck_assert_msg(strstr(messages, prefix) && strstr(messages, rows[_i].words) &&
                          strstr(messages, ": expected "),
                      "%s:\n%s", rows[_i].label, messages);
    }
    xf_free(messages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/check_peer");
    TCase *tc = tcase_create("check_peer");
    tcase_add_checked_fixture(tc, make_files, remove_files);
    tcase_add_loop_test(tc, table_3_2, 0, XF_ARRAY_LEN(table));
    tcase_add_loop_test(tc, ours, 0, XF_ARRAY_LEN(rows));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
