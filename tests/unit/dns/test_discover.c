/* SPDX-License-Identifier: MIT */
/*
 * test_discover.c — what a domain comes to, over a table of records.
 *
 * A row is a script of fake_dns lines and the candidates wanted, in order: "direct" or "starttls",
 * address and port, target; then "secure", and the TLSA records in brackets. Where chance decides
 * the order, rows have one record a priority.
 */
#include <xfed/dns/discover.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "fake_dns.h"

#define TLS_SRV "_xmpps-server._tcp.b.example"
#define SRV     "_xmpp-server._tcp.b.example"

struct seen {
    unsigned count;
    enum xf_discovery_outcome outcome;
    char candidates[8192], detail[400];
    size_t candidate_count;
    bool is_open;
    char together[1024]; /* the TLSA records of all */
    char names[1024];    /* the distinct secure targets, a blank behind each */
};

/* "[3 1 1 aa, ...]", nothing for NULL. */
static void write_tlsa(const struct xf_tlsa_set *set, char *out, size_t max)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < xf_tlsa_set_count(set) && at < max; i++) {
        const struct xf_tlsa *tlsa = xf_tlsa_set_at(set, i);

        at += (size_t)snprintf(out + at, max - at, "%s%u %u %u ", i ? ", " : "[", tlsa->usage,
                               tlsa->selector, tlsa->matching);
        for (size_t k = 0; k < tlsa->data_bytes && at < max; k++)
            at += (size_t)snprintf(out + at, max - at, "%02x", tlsa->data[k]);
    }
    if (set && at < max)
        snprintf(out + at, max - at, "]");
}

static void note_union(struct seen *seen, const struct xf_discovery_result *result)
{
    const char *names[XF_CANDIDATES_MAX];
    size_t count = xf_discovery_secure_targets(result, names), at = 0;
    struct xf_tlsa_set *set = xf_discovery_tlsa(result);

    write_tlsa(set, seen->together, sizeof(seen->together));
    xf_tlsa_set_unref(&set);
    seen->names[0] = '\0';
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(seen->names + at, sizeof(seen->names) - at, "%s ", names[i]);
}

static void on_discovered(void *owner, const struct xf_discovery_result *result)
{
    struct seen *seen = owner;
    size_t at = 0;

    seen->count++;
    seen->outcome = result->outcome;
    seen->candidate_count = result->count;
    seen->is_open = result->tlsa_is_open;
    snprintf(seen->detail, sizeof(seen->detail), "%s", result->detail);
    snprintf(seen->candidates, sizeof(seen->candidates), "%s",
             result->count ? "" : xf_help_code(result->help));
    for (size_t i = 0; i < result->count; i++) {
        const struct xf_candidate *candidate = &result->candidates[i];
        char addr[XF_ADDR_TEXT_BYTES], tlsa[300];

        xf_addr_text(&candidate->addr, addr);
        write_tlsa(candidate->tlsa, tlsa, sizeof(tlsa));
        at += (size_t)snprintf(
            seen->candidates + at, sizeof(seen->candidates) - at, "%s%s %s %s%s%s%s", i ? ", " : "",
            candidate->is_direct ? "direct" : "starttls", addr, candidate->target,
            candidate->is_secure ? " secure" : "", candidate->tlsa ? " " : "", tlsa);
    }
    note_union(seen, result);
}

/* Counts the records of the union in place of candidates. */
static void on_discovered_count(void *owner, const struct xf_discovery_result *result)
{
    struct seen *seen = owner;
    struct xf_tlsa_set *set = xf_discovery_tlsa(result);

    seen->count++;
    seen->candidate_count = xf_tlsa_set_count(set);
    xf_tlsa_set_unref(&set);
}

static struct fake_dns *table_of(const char *const *lines)
{
    struct fake_dns *fake = fake_dns_new(NULL, 0);

    for (; *lines; lines++)
        ck_assert_msg(fake_dns_add_line(fake, *lines), "bad line: %s", *lines);
    return fake;
}

static const struct xf_discovery_opts both = {.services = XF_SERVICE_XMPPS | XF_SERVICE_XMPP};

/* clang-format off */
static const struct {
    const char *label, *domain;
    const char *lines[12];
    enum xf_discovery_outcome want;
    const char *candidates; /* if it has none: the code for help */
} cases[] = {
    {"starttls alone", "b.example",
     {SRV " SRV 0 5 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"direct alone", "b.example",
     {TLS_SRV " SRV 0 5 5270 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5270 x.b.example"},
    {"the domain is taken in any case and with a dot", "B.Example.",
     {SRV " SRV 0 5 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"the domain in U-labels", "b\xc3\xbc" "cher.example",
     {"_xmpp-server._tcp.xn--bcher-kva.example SRV 0 5 5269 x.xn--bcher-kva.example", "x.xn--bcher-kva.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.xn--bcher-kva.example"},
    {"the domain in U-labels, without SRV", "b\xc3\xbc" "cher.example",
     {"xn--bcher-kva.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 xn--bcher-kva.example"},
    {"both are one set by priority", "b.example", /* XEP-0368 §2.1 */
     {SRV " SRV 10 0 5269 x.b.example", TLS_SRV " SRV 20 0 443 x.b.example", SRV " SRV 30 0 5299 y.b.example",
      "x.b.example A 192.0.2.1", "y.b.example A 192.0.2.2"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example, direct 192.0.2.1:443 x.b.example, "
                         "starttls 192.0.2.2:5299 y.b.example"},
    {"families take turns, v6 first", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", "x.b.example A 192.0.2.1", "x.b.example A 192.0.2.2", "x.b.example A 192.0.2.3",
      "x.b.example AAAA 2001:db8::1"},
     XF_DISCOVERY_FOUND, "starttls [2001:db8::1]:5269 x.b.example, starttls 192.0.2.1:5269 x.b.example, "
                         "starttls 192.0.2.2:5269 x.b.example, starttls 192.0.2.3:5269 x.b.example"},
    {"v6 alone", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", "x.b.example AAAA 2001:db8::1"},
     XF_DISCOVERY_FOUND, "starttls [2001:db8::1]:5269 x.b.example"},
    {"without SRV the domain itself", "b.example", /* RFC 6120 §3.2.2 */
     {"b.example A 192.0.2.9", "b.example AAAA 2001:db8::9"},
     XF_DISCOVERY_FOUND, "starttls [2001:db8::9]:5269 b.example, starttls 192.0.2.9:5269 b.example"},
    {"loopback and private addresses are like any other", "b.test",
     {"_xmpp-server._tcp.b.test SRV 0 0 5269 localhost", "_xmpp-server._tcp.b.test SRV 1 0 5269 ten.probe",
      "localhost A 127.0.0.1", "ten.probe A 10.0.0.1"},
     XF_DISCOVERY_FOUND, "starttls 127.0.0.1:5269 localhost, starttls 10.0.0.1:5269 ten.probe"},
    {"a single label", "peer", {"peer A 172.18.0.3"}, XF_DISCOVERY_FOUND, "starttls 172.18.0.3:5269 peer"},

    {"nothing at all", "b.example", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"domain without address", "b.example", {"b.example nodata"}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"target without address", "b.example", {SRV " SRV 0 0 5269 x.b.example"}, XF_DISCOVERY_NOT_FOUND, "dns-no-srv-address"},
    {"SRV without address does not fall back", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", "b.example A 192.0.2.9"},
     XF_DISCOVERY_NOT_FOUND, "dns-no-srv-address"},

    {"both say no service", "b.example", {SRV " SRV 0 0 0 .", TLS_SRV " SRV 0 0 0 .", "b.example A 192.0.2.9"},
     XF_DISCOVERY_NO_SERVICE, "dns-no-service"},
    {"starttls says no service", "b.example", {SRV " SRV 0 0 0 .", "b.example A 192.0.2.9"}, XF_DISCOVERY_NO_SERVICE, "dns-no-service"},
    {"no service with a port", "b.example", {SRV " SRV 0 0 5269 ."}, XF_DISCOVERY_NO_SERVICE, "dns-no-service"},
    {"direct says no service, starttls is there", "b.example",
     {TLS_SRV " SRV 0 0 0 .", SRV " SRV 0 0 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"starttls says no service, direct is there", "b.example",
     {SRV " SRV 0 0 0 .", TLS_SRV " SRV 0 0 5270 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5270 x.b.example"},
    {"direct says no service, no other SRV", "b.example", /* XEP-0368 §5 */
     {TLS_SRV " SRV 0 0 0 .", "b.example A 192.0.2.9"}, XF_DISCOVERY_NO_SERVICE, "dns-no-service"},
    {"no service beside others says nothing", "b.example",
     {SRV " SRV 0 0 0 .", SRV " SRV 1 0 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"port 0 is skipped", "b.example",
     {SRV " SRV 0 0 0 y.b.example", SRV " SRV 1 0 5269 x.b.example", "x.b.example A 192.0.2.1", "y.b.example A 192.0.2.2"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"port 0 alone does not fall back", "b.example", {SRV " SRV 0 0 0 y.b.example", "b.example A 192.0.2.9"},
     XF_DISCOVERY_NOT_FOUND, "dns-no-server"},

    {"SERVFAIL of starttls is not absence", "b.example", {SRV " servfail", "b.example A 192.0.2.9"},
     XF_DISCOVERY_FAILED, "dns-servfail"},
    {"SERVFAIL of direct is not absence", "b.example", {TLS_SRV " servfail", "b.example A 192.0.2.9"},
     XF_DISCOVERY_FAILED, "dns-servfail"},
    {"SERVFAIL of direct, starttls is there", "b.example",
     {TLS_SRV " servfail", SRV " SRV 0 0 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"SERVFAIL of starttls, direct is there", "b.example",
     {SRV " servfail", TLS_SRV " SRV 0 0 5270 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5270 x.b.example"},
    {"SERVFAIL of direct, starttls says no service", "b.example", {TLS_SRV " servfail", SRV " SRV 0 0 0 ."},
     XF_DISCOVERY_FAILED, "dns-servfail"},
    {"SERVFAIL of the only target", "b.example", {SRV " SRV 0 0 5269 x.b.example", "x.b.example servfail"},
     XF_DISCOVERY_FAILED, "dns-servfail"},
    {"SERVFAIL of AAAA, A is there", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", "x.b.example AAAA servfail", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"SERVFAIL of AAAA, no A", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", "x.b.example AAAA servfail", "x.b.example A nodata"},
     XF_DISCOVERY_FAILED, "dns-servfail"},
    {"one target fails, one is there", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", SRV " SRV 1 0 5269 y.b.example", "x.b.example servfail", "y.b.example A 192.0.2.2"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.2:5269 y.b.example"},
    {"one target fails, one does not exist", "b.example",
     {SRV " SRV 0 0 5269 x.b.example", SRV " SRV 1 0 5269 y.b.example", "x.b.example servfail"},
     XF_DISCOVERY_FAILED, "dns-servfail"},
    {"SERVFAIL of the domain itself", "b.example", {"b.example A servfail", "b.example AAAA servfail"},
     XF_DISCOVERY_FAILED, "dns-servfail"},

    {"IPv4 literal", "192.0.2.7", {NULL}, XF_DISCOVERY_FOUND, "starttls 192.0.2.7:5269 192.0.2.7"},
    {"IPv6 literal", "[2001:db8::7]", {NULL}, XF_DISCOVERY_FOUND, "starttls [2001:db8::7]:5269 2001:db8::7"},
    {"IPv6 literal without brackets", "2001:db8::7", {NULL}, XF_DISCOVERY_FOUND,
     "starttls [2001:db8::7]:5269 2001:db8::7"},
    {"a target that looks like an address is a name", "b.example", {SRV " SRV 0 0 5269 192.0.2.1"},
     XF_DISCOVERY_NOT_FOUND, "dns-no-srv-address"},
    {"empty domain", "", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"empty label", "b..example", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"root", ".", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"leading dot", ".b.example", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"space", "b example", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"UTF-8", "b\xc3\xbc.example", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"label of 63", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
     {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example A 192.0.2.1"}, XF_DISCOVERY_FOUND,
     "starttls 192.0.2.1:5269 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"},
    {"label of 64", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", {NULL},
     XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
};
/* clang-format on */

static void check_seen(const struct seen *seen, const char *label, enum xf_discovery_outcome want,
                       const char *candidates)
{
    ck_assert_msg(seen->count == 1, "%s: done came %u times", label, seen->count);
    ck_assert_msg(seen->outcome == want, "%s: outcome %d (%s), wanted %d", label,
                  (int)seen->outcome, seen->detail, (int)want);
    ck_assert_msg(strcmp(seen->candidates, candidates) == 0, "%s: got %s", label, seen->candidates);
    ck_assert_msg(seen->detail[0], "%s: no words", label);
}

START_TEST(domain_comes_to)
{
    struct fake_dns *fake = table_of(cases[_i].lines);
    struct seen seen = {0};

    xf_discover(fake_dns_seam(fake), xf_span_of(cases[_i].domain), &both, on_discovered, &seen);
    ck_assert_msg(seen.count == 0, "%s: done from within", cases[_i].label);
    fake_dns_settle(fake);
    check_seen(&seen, cases[_i].label, cases[_i].want, cases[_i].candidates);
    fake_dns_free(&fake);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    struct xf_discovery_opts opts;
    const char *lines[6];
    enum xf_discovery_outcome want;
    const char *candidates; /* if it has none: the code for help */
} switches[] = {
    {"direct off does not ask for it", {.services = XF_SERVICE_XMPP},
     {TLS_SRV " SRV 0 0 5270 x.b.example", SRV " SRV 1 0 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example"},
    {"starttls off does not ask for it", {.services = XF_SERVICE_XMPPS},
     {TLS_SRV " SRV 0 0 5270 x.b.example", SRV " SRV 1 0 5269 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5270 x.b.example"},
    {"starttls off does not fall back", {.services = XF_SERVICE_XMPPS}, {"b.example A 192.0.2.9"}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"starttls off, direct says no service", {.services = XF_SERVICE_XMPPS}, {TLS_SRV " SRV 0 0 0 ."}, XF_DISCOVERY_NO_SERVICE, "dns-no-service"},
    {"neither", {.dane = false}, {"b.example A 192.0.2.9"}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
};
/* clang-format on */

START_TEST(switches_choose_the_services)
{
    struct fake_dns *fake = table_of(switches[_i].lines);
    struct seen seen = {0};

    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &switches[_i].opts, on_discovered,
                &seen);
    ck_assert_msg(seen.count == 0, "%s: done from within", switches[_i].label);
    fake_dns_settle(fake);
    check_seen(&seen, switches[_i].label, switches[_i].want, switches[_i].candidates);
    ck_assert_uint_eq(fake_dns_asked(fake, SRV, XF_DNS_SRV),
                      (switches[_i].opts.services & XF_SERVICE_XMPP) != 0);
    ck_assert_uint_eq(fake_dns_asked(fake, TLS_SRV, XF_DNS_SRV),
                      (switches[_i].opts.services & XF_SERVICE_XMPPS) != 0);
    fake_dns_free(&fake);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *routes[4];
    const char *lines[4];
    enum xf_discovery_outcome want;
    const char *candidates; /* if it has none: the code for help */
} routes[] = {
    {"address", {"192.0.2.1:5299"}, {NULL}, XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5299 192.0.2.1"},
    {"host in U-labels", {"x.b\xc3\xbc" "cher.example:5299"}, {"x.xn--bcher-kva.example A 192.0.2.1"}, XF_DISCOVERY_FOUND,
     "starttls 192.0.2.1:5299 x.xn--bcher-kva.example"},
    {"v6 address", {"[::1]:5299"}, {NULL}, XF_DISCOVERY_FOUND, "starttls [::1]:5299 ::1"},
    {"name, no SRV, order kept", {"y.example:1", "x.example:2", "192.0.2.3:3"},
     {"x.example A 192.0.2.1", "y.example A 192.0.2.2", "_xmpp-server._tcp.y.example SRV 0 0 9 x.example"},
     XF_DISCOVERY_FOUND,
     "starttls 192.0.2.2:1 y.example, starttls 192.0.2.1:2 x.example, starttls 192.0.2.3:3 192.0.2.3"},
    {"default ports", {"x.example", "[::1]"}, {"x.example A 192.0.2.1"}, XF_DISCOVERY_FOUND,
     "starttls 192.0.2.1:5269 x.example, starttls [::1]:5269 ::1"},
    {"does not exist", {"x.example:1"}, {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"SERVFAIL", {"x.example:1"}, {"x.example servfail"}, XF_DISCOVERY_FAILED, "dns-servfail"},
    {"none", {NULL}, {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
    {"bad ports", {"x.example:0", "x.example:65536", "x.example:1x", "x.example:"}, {"x.example A 192.0.2.1"},
     XF_DISCOVERY_NOT_FOUND, "dns-no-server"},
};
/* clang-format on */

/*
 * Each time anew, and every one of them comes first now and then: 6 orders, 600 draws, none below
 * 50 (7 sigma off).
 */
START_TEST(equal_static_routes_come_in_any_order)
{
    struct fake_dns *fake = table_of((const char *[]){NULL});
    const char *const equal[] = {"192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3"};
    unsigned seen_order[6] = {0};

    for (unsigned i = 0; i < 600; i++) {
        struct seen seen = {0};
        xf_discover_static(fake_dns_seam(fake), XF_SERVICE_XMPP, equal, 3, true, on_discovered,
                           &seen);
        fake_dns_settle(fake);
        ck_assert_int_eq(seen.outcome, XF_DISCOVERY_FOUND);
        char first = seen.candidates[strlen("starttls 192.0.2.")];
        const char *next = strstr(seen.candidates, ", ");
        ck_assert_ptr_nonnull(next);
        char second = next[strlen(", starttls 192.0.2.")];
        ck_assert_int_ne(first, second);
        seen_order[(first - '1') * 2 + (second - '1') - (second > first)]++;
    }
    for (unsigned i = 0; i < 6; i++)
        ck_assert_msg(seen_order[i] >= 50, "order %u came %u times of 600", i, seen_order[i]);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(static_route_comes_to)
{
    struct fake_dns *fake = table_of(routes[_i].lines);
    struct seen seen = {0};
    size_t count = 0;

    while (count < 4 && routes[_i].routes[count])
        count++;
    xf_discover_static(fake_dns_seam(fake), XF_SERVICE_XMPP, routes[_i].routes, count, false,
                       on_discovered, &seen);
    ck_assert_msg(seen.count == 0, "%s: done from within", routes[_i].label);
    fake_dns_settle(fake);
    check_seen(&seen, routes[_i].label, routes[_i].want, routes[_i].candidates);
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_SRV), 0);
    fake_dns_free(&fake);
}
END_TEST

/* clang-format off */
#define N       "b.example NAPTR "
#define SIPS    "_sips._tcp.b.example"
#define FED     "_sipfederationtls._tcp.b.example"
#define SIP_TCP "_sip._tcp.b.example"

static const struct {
    const char *label;
    unsigned services;
    const char *domain;
    const char *lines[12];
    enum xf_discovery_outcome want;
    const char *candidates; /* if it has none: the code for help */
    unsigned naptr_asked, srv_asked;
} sip[] = {
    {"by NAPTR", XF_SERVICE_SIPS, "b.example",
     {N "50 50 SIPS+D2T _sips._tcp.sip.b.example", "_sips._tcp.sip.b.example SRV 0 5 5062 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5062 x.b.example", 1, 1},
    {"no NAPTR", XF_SERVICE_SIPS, "b.example", {SIPS " SRV 0 5 5061 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5061 x.b.example", 1, 1},
    {"neither NAPTR nor SRV", XF_SERVICE_SIPS, "b.example", {"b.example A 192.0.2.9", "b.example AAAA 2001:db8::9"},
     XF_DISCOVERY_FOUND, "direct [2001:db8::9]:5061 b.example, direct 192.0.2.9:5061 b.example", 1, 1},
    {"the domain in U-labels", XF_SERVICE_SIPS, "b\xc3\xbc" "cher.example",
     {"xn--bcher-kva.example NAPTR 1 1 SIPS+D2T _sips._tcp.xn--bcher-kva.example",
      "_sips._tcp.xn--bcher-kva.example SRV 0 5 5061 x.xn--bcher-kva.example", "x.xn--bcher-kva.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5061 x.xn--bcher-kva.example", 1, 1},
    {"rules of other services lead nowhere", XF_SERVICE_SIPS, "b.example",
     {N "1 1 SIP+D2U _sip._udp.b.example", N "2 1 SIP+D2T " SIP_TCP, SIPS " SRV 0 5 5061 x.b.example",
      SIP_TCP " SRV 0 5 5060 y.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5061 x.b.example", 1, 1},
    {"the rule of the lowest order, then of the lowest preference", XF_SERVICE_SIPS, "b.example",
     {N "20 1 SIPS+D2T _s.c.b.example", N "10 9 SIPS+D2T _s.x.b.example", N "10 2 SIPS+D2T _s.y.b.example",
      "_s.c.b.example SRV 0 0 1 x.b.example", "_s.x.b.example SRV 0 0 2 x.b.example", "_s.y.b.example SRV 0 0 3 x.b.example",
      "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:3 x.b.example", 1, 1},
    {"a rule that leads nowhere, and the next", XF_SERVICE_SIPS, "b.example",
     {N "1 1 SIPS+D2T _s.c.b.example", N "1 2 SIPS+D2T _s.x.b.example", "_s.x.b.example SRV 0 0 2 x.b.example",
      "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:2 x.b.example", 1, 2},
    {"a rule of a higher order is no way out", XF_SERVICE_SIPS, "b.example",
     {N "1 1 SIPS+D2T _s.c.b.example", N "2 2 SIPS+D2T _s.x.b.example", "_s.c.b.example SRV 0 0 0 .",
      "_s.x.b.example SRV 0 0 2 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_NO_SERVICE, "dns-no-service", 1, 1},
    {"rules whose SRV records are absent: the domain itself", XF_SERVICE_SIPS, "b.example", /* RFC 3263 §4.2 */
     {N "1 1 SIPS+D2T _s.c.b.example", "b.example A 192.0.2.9"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.9:5061 b.example", 1, 1},
    {"the rule fails", XF_SERVICE_SIPS, "b.example",
     {N "1 1 SIPS+D2T _s.c.b.example", "_s.c.b.example servfail", "b.example A 192.0.2.9"},
     XF_DISCOVERY_FAILED, "dns-servfail", 1, 1},
    {"one rule fails, the next is absent", XF_SERVICE_SIPS, "b.example",
     {N "1 1 SIPS+D2T _s.c.b.example", N "1 2 SIPS+D2T _s.d.b.example", "_s.c.b.example servfail", "b.example A 192.0.2.9"},
     XF_DISCOVERY_FAILED, "dns-servfail", 1, 2},
    {"a rule to the root", XF_SERVICE_SIPS, "b.example",
     {N "1 1 SIPS+D2T .", SIPS " SRV 0 5 5061 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5061 x.b.example", 1, 1},
    {"NAPTR fails, SRV is there", XF_SERVICE_SIPS, "b.example",
     {"b.example NAPTR servfail", SIPS " SRV 0 5 5061 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5061 x.b.example", 1, 1},
    {"NAPTR fails, SRV is absent: no fallback", XF_SERVICE_SIPS, "b.example",
     {"b.example NAPTR servfail", "b.example A 192.0.2.9"}, XF_DISCOVERY_FAILED, "dns-servfail", 1, 1},
    {"no service", XF_SERVICE_SIPS, "b.example", {SIPS " SRV 0 0 0 .", "b.example A 192.0.2.9"},
     XF_DISCOVERY_NO_SERVICE, "dns-no-service", 1, 1},
    {"nothing at all", XF_SERVICE_SIPS, "b.example", {NULL}, XF_DISCOVERY_NOT_FOUND, "dns-no-server", 1, 1},
    {"IPv4 literal", XF_SERVICE_SIPS, "192.0.2.7", {NULL}, XF_DISCOVERY_FOUND, "direct 192.0.2.7:5061 192.0.2.7", 0, 0},

    {"federation", XF_SERVICE_SIP_FEDERATION, "b.example",
     {N "1 1 SIPS+D2T " SIPS, FED " SRV 0 5 5061 x.b.example", SIPS " SRV 0 5 5062 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5061 x.b.example", 0, 1},
    {"federation does not fall back", XF_SERVICE_SIP_FEDERATION, "b.example", {"b.example A 192.0.2.9"},
     XF_DISCOVERY_NOT_FOUND, "dns-no-server", 0, 1},
    {"both", XF_SERVICE_SIPS | XF_SERVICE_SIP_FEDERATION, "b.example",
     {FED " SRV 1 5 5061 x.b.example", SIPS " SRV 0 5 5062 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5062 x.b.example, direct 192.0.2.1:5061 x.b.example", 1, 2},
    {"in clear", XF_SERVICE_SIP_TCP, "b.example",
     {N "1 1 SIPS+D2T " SIPS, SIP_TCP " SRV 0 5 5070 x.b.example", "x.b.example A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5070 x.b.example", 0, 1},
    {"in clear, without SRV", XF_SERVICE_SIP_TCP, "b.example", {"b.example A 192.0.2.9"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.9:5060 b.example", 0, 1},
};
/* clang-format on */

START_TEST(sip_domain_comes_to)
{
    struct fake_dns *fake = table_of(sip[_i].lines);
    const struct xf_discovery_opts opts = {.services = sip[_i].services};
    struct seen seen = {0};

    xf_discover(fake_dns_seam(fake), xf_span_of(sip[_i].domain), &opts, on_discovered, &seen);
    ck_assert_msg(seen.count == 0, "%s: done from within", sip[_i].label);
    fake_dns_settle(fake);
    check_seen(&seen, sip[_i].label, sip[_i].want, sip[_i].candidates);
    ck_assert_msg(!strstr(seen.detail, "XMPP"), "%s: %s", sip[_i].label, seen.detail);
    ck_assert_msg(fake_dns_asked(fake, NULL, XF_DNS_NAPTR) == sip[_i].naptr_asked,
                  "%s: NAPTR was asked", sip[_i].label);
    ck_assert_msg(fake_dns_asked(fake, NULL, XF_DNS_SRV) == sip[_i].srv_asked,
                  "%s: SRV was asked %zu times", sip[_i].label,
                  fake_dns_asked(fake, NULL, XF_DNS_SRV));
    fake_dns_free(&fake);
}
END_TEST

START_TEST(only_srv_records_count_on_demand)
{
    static const char *const lines[12] = {"b.example A 192.0.2.9"};
    struct fake_dns *fake = table_of(lines);
    const struct xf_discovery_opts opts = {.services = XF_SERVICE_SIPS, .srv_only = true};
    struct seen seen = {0};
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &opts, on_discovered, &seen);
    fake_dns_settle(fake);
    check_seen(&seen, "no SRV", XF_DISCOVERY_NOT_FOUND, "dns-no-server");
    fake_dns_free(&fake);
}
END_TEST

/* A zone with as many rules as an answer takes: the first ones are followed, and no more. */
START_TEST(crowd_of_rules_is_bounded)
{
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    const struct xf_discovery_opts opts = {.services = XF_SERVICE_SIPS, .dane = true};
    struct seen seen = {0};
    char target[64];

    for (unsigned i = 0; i < XF_DNS_RECORDS_MAX; i++) {
        snprintf(target, sizeof(target), "_s.x%u.b.example", i);
        fake_dns_add_naptr(fake, "b.example", 7, (uint16_t)(100 - i), "SIPS+D2T", target);
    }
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &opts, on_discovered, &seen);
    fake_dns_settle(fake);
    check_seen(&seen, "crowd", XF_DISCOVERY_NOT_FOUND, "dns-no-server");
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_SRV), XF_NAPTR_RULES_MAX);
    for (unsigned i = 0; i < XF_NAPTR_RULES_MAX; i++) {
        snprintf(target, sizeof(target), "_s.x%u.b.example", XF_DNS_RECORDS_MAX - 1 - i);
        ck_assert_uint_eq(fake_dns_asked(fake, target, XF_DNS_SRV), 1);
    }
    fake_dns_free(&fake);
}
END_TEST

/* Each answer on the way has to be secure: NAPTR, SRV, address; without SRV the denials. */
START_TEST(sip_is_secure_as_its_weakest_answer)
{
    static const char *const ways[2][4] = {
        {N "1 1 SIPS+D2T _s.c.b.example", "_s.c.b.example SRV 0 0 5061 x.b.example",
         "x.b.example A 192.0.2.1", NULL},
        {"b.example A 192.0.2.1", NULL},
    };
    static const char *const names[2][3] = {{"b.example", "_s.c.b.example", "x.b.example"},
                                            {"b.example", SIPS, "b.example"}};
    const struct xf_discovery_opts opts = {.services = XF_SERVICE_SIPS};

    for (size_t insecure = 0; insecure <= 3; insecure++) {
        struct fake_dns *fake = table_of(ways[_i]);
        struct seen seen = {0};

        for (size_t i = 0; i < 3; i++)
            fake_dns_set_secure(fake, names[_i][i],
                                i == 0   ? XF_DNS_NAPTR
                                : i == 1 ? XF_DNS_SRV
                                         : XF_DNS_A,
                                i != insecure);
        xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &opts, on_discovered, &seen);
        fake_dns_settle(fake);
        ck_assert_uint_eq(seen.candidate_count, 1);
        ck_assert_int_eq(strstr(seen.candidates, " secure") != NULL, insecure == 3);
        fake_dns_free(&fake);
    }
}
END_TEST

/* Cancel while NAPTR, SRV, a second SRV, or an address is asked. */
START_TEST(sip_cancelled_after_some_steps)
{
    struct fake_dns *fake =
        table_of((const char *[]){N "1 1 SIPS+D2T _s.c.b.example", N "1 2 SIPS+D2T _s.x.b.example",
                                  "_s.x.b.example SRV 0 0 5061 x.b.example",
                                  "x.b.example AAAA silence", "x.b.example A 192.0.2.1", NULL});
    const struct xf_discovery_opts opts = {.services = XF_SERVICE_SIPS};
    struct seen seen = {0};
    struct xf_discovery *discovery =
        xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &opts, on_discovered, &seen);

    for (int i = 0; i < _i; i++)
        fake_dns_step(fake);
    xf_discovery_cancel(&discovery);
    ck_assert_uint_eq(fake_dns_waiting(fake), 0);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 0);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(sip_static_route_has_its_ports)
{
    static const struct {
        enum xf_service service;
        const char *want;
    } ports[] = {
        {XF_SERVICE_SIPS, "direct 192.0.2.1:5061 192.0.2.1, direct 192.0.2.2:7 192.0.2.2"},
        {XF_SERVICE_SIP_TCP, "starttls 192.0.2.1:5060 192.0.2.1, starttls 192.0.2.2:7 192.0.2.2"}};
    const char *const both_routes[] = {"192.0.2.1", "192.0.2.2:7"};
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    struct seen seen = {0};

    xf_discover_static(fake_dns_seam(fake), ports[_i].service, both_routes, 2, false, on_discovered,
                       &seen);
    fake_dns_settle(fake);
    ck_assert_str_eq(seen.candidates, ports[_i].want);
    fake_dns_free(&fake);
}
END_TEST

#define S_SRV SRV " secure", TLS_SRV " secure"
#define X     "x.b.example"
#define ONE_SECURE                \
    S_SRV, SRV " SRV 0 0 5269 " X \
    , X                           \
    " A 192.0.2.1", X             \
    " secure"

/* clang-format off */
static const struct {
    const char *label, *lines[16];
    enum xf_discovery_outcome want;
    const char *candidates, *together, *names;
    size_t tlsa_asked;
    bool is_open;
} trust[] = {
    {"secure SRV, address and TLSA",
     {ONE_SECURE, "_5269._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 abcd"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure [3 1 1 abcd]", "[3 1 1 abcd]", "x.b.example ", 1, false},
    {"several records, one twice", /* a usage that nobody knows is for tls to pass over */
     {ONE_SECURE, "_5269._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 AB", "_5269._tcp." X " TLSA 2 0 2 cd",
      "_5269._tcp." X " TLSA 3 1 1 ab", "_5269._tcp." X " TLSA 255 9 7 ef"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure [3 1 1 ab, 2 0 2 cd, 255 9 7 ef]",
     "[3 1 1 ab, 2 0 2 cd, 255 9 7 ef]", "x.b.example ", 1, false},
    {"no TLSA, securely", {ONE_SECURE, "_5269._tcp." X " secure"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 1, false},
    {"no TLSA, not securely: no DANE, and no reason to stay away", {ONE_SECURE},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 1, false},
    {"TLSA that is not secure does not count", {ONE_SECURE, "_5269._tcp." X " TLSA 3 1 1 abcd"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 1, false},
    {"TLSA that fails leaves the only target out", {ONE_SECURE, "_5269._tcp." X " servfail"},
     XF_DISCOVERY_FAILED, "dns-servfail", "", "", 1, true},
    {"TLSA that fails leaves one target out",
     {ONE_SECURE, SRV " SRV 1 0 5269 y.b.example", "y.b.example A 192.0.2.2", "_5269._tcp." X " servfail"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.2:5269 y.b.example", "", "", 2, true},
    {"no TLSA at one target, and of the other it is not known", /* both are secure: unknown is not none */
     {ONE_SECURE, "_5269._tcp." X " secure", SRV " SRV 1 0 5269 y.b.example", "y.b.example A 192.0.2.2", "y.b.example secure",
      "_5269._tcp.y.b.example servfail"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 2, true},
    {"the address of one target is not known, so that its TLSA was not waited for",
     {ONE_SECURE, "_5269._tcp." X " secure", SRV " SRV 1 0 5269 y.b.example", "y.b.example servfail"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 2, true},
    {"one family of the only target is not known, but its TLSA is",
     {S_SRV, SRV " SRV 0 0 5269 " X, X " A 192.0.2.1", X " A secure", X " AAAA servfail", "_5269._tcp." X " secure"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 1, false},
    {"one SRV question fails: the servers that it names are not known",
     {SRV " secure", SRV " SRV 0 0 5269 " X, X " A 192.0.2.1", X " secure", "_5269._tcp." X " secure", TLS_SRV " servfail"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure", "", "x.b.example ", 1, true},
    {"TLSA of one port fails, of the other not",
     {ONE_SECURE, TLS_SRV " SRV 1 0 5270 " X, "_5269._tcp." X " servfail", "_5270._tcp." X " secure",
      "_5270._tcp." X " TLSA 3 0 1 aa"},
     XF_DISCOVERY_FOUND, "direct 192.0.2.1:5270 x.b.example secure [3 0 1 aa]", "[3 0 1 aa]", "x.b.example ", 2, true},
    {"each port has its own",
     {ONE_SECURE, TLS_SRV " SRV 1 0 5270 " X, "_5269._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 aa",
      "_5270._tcp." X " secure", "_5270._tcp." X " TLSA 3 1 1 bb"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure [3 1 1 aa], "
                         "direct 192.0.2.1:5270 x.b.example secure [3 1 1 bb]", "[3 1 1 aa, 3 1 1 bb]", "x.b.example ", 2, false},
    {"a port of both services is asked once",
     {ONE_SECURE, TLS_SRV " SRV 1 0 5269 " X, "_5269._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 aa"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure [3 1 1 aa], "
                         "direct 192.0.2.1:5269 x.b.example secure [3 1 1 aa]", "[3 1 1 aa]", "x.b.example ", 1, false},
    {"SRV that is not secure proves no target",
     {SRV " SRV 0 0 5269 " X, X " A 192.0.2.1", X " secure", "_5269._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 aa"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example", "", "", 0, false},
    {"an SRV answer counts for its own targets only",
     {SRV " secure", SRV " SRV 0 0 5269 " X, TLS_SRV " SRV 1 0 5270 " X, X " A 192.0.2.1", X " secure",
      "_5269._tcp." X " secure", "_5270._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 aa", "_5270._tcp." X " TLSA 3 1 1 bb"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure [3 1 1 aa], direct 192.0.2.1:5270 x.b.example",
     "[3 1 1 aa]", "x.b.example ", 1, false},
    {"address that is not secure: TLSA is withdrawn, and its silence means nothing",
     {S_SRV, SRV " SRV 0 0 5269 " X, X " A 192.0.2.1", "_5269._tcp." X " silence"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example", "", "", 1, false},
    {"one family is not secure",
     {S_SRV, SRV " SRV 0 0 5269 " X, X " A 192.0.2.1", X " A secure", X " AAAA 2001:db8::1", "_5269._tcp." X " secure",
      "_5269._tcp." X " TLSA 3 1 1 aa"},
     XF_DISCOVERY_FOUND, "starttls [2001:db8::1]:5269 x.b.example, starttls 192.0.2.1:5269 x.b.example secure [3 1 1 aa]",
     "[3 1 1 aa]", "x.b.example ", 1, false},
    {"no SRV, securely: the domain itself", /* RFC 7673 §3.1 */
     {S_SRV, "b.example A 192.0.2.9", "b.example secure", "_5269._tcp.b.example secure", "_5269._tcp.b.example TLSA 2 1 1 aa"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.9:5269 b.example secure [2 1 1 aa]", "[2 1 1 aa]", "b.example ", 1, false},
    {"no SRV, one denial is not secure",
     {SRV " secure", "b.example A 192.0.2.9", "b.example secure", "_5269._tcp.b.example secure",
      "_5269._tcp.b.example TLSA 2 1 1 aa"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.9:5269 b.example", "", "", 0, false},
    {"the same records of several targets are one",
     {ONE_SECURE, SRV " SRV 1 0 5269 y.b.example", "y.b.example A 192.0.2.2", "y.b.example secure",
      "_5269._tcp." X " secure", "_5269._tcp." X " TLSA 3 1 1 aa", "_5269._tcp.y.b.example secure",
      "_5269._tcp.y.b.example TLSA 3 1 1 bb", "_5269._tcp.y.b.example TLSA 3 1 1 aa"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example secure [3 1 1 aa], "
                         "starttls 192.0.2.2:5269 y.b.example secure [3 1 1 bb, 3 1 1 aa]",
     "[3 1 1 aa, 3 1 1 bb]", "x.b.example y.b.example ", 2, false},
    {"nothing is secure", {SRV " SRV 0 0 5269 " X, X " A 192.0.2.1"},
     XF_DISCOVERY_FOUND, "starttls 192.0.2.1:5269 x.b.example", "", "", 0, false},
};
/* clang-format on */

static const struct xf_discovery_opts with_dane = {.services = XF_SERVICE_XMPPS | XF_SERVICE_XMPP,
                                                   .dane = true};

START_TEST(secure_answers_come_to)
{
    struct fake_dns *fake = table_of(trust[_i].lines);
    struct seen seen = {0};

    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &with_dane, on_discovered, &seen);
    fake_dns_settle(fake);
    check_seen(&seen, trust[_i].label, trust[_i].want, trust[_i].candidates);
    ck_assert_msg(strcmp(seen.together, trust[_i].together) == 0, "%s: together %s",
                  trust[_i].label, seen.together);
    ck_assert_msg(strcmp(seen.names, trust[_i].names) == 0, "%s: names %s", trust[_i].label,
                  seen.names);
    ck_assert_msg(fake_dns_asked(fake, NULL, XF_DNS_TLSA) == trust[_i].tlsa_asked,
                  "%s: TLSA was asked %zu times", trust[_i].label,
                  fake_dns_asked(fake, NULL, XF_DNS_TLSA));
    ck_assert_msg(seen.is_open == trust[_i].is_open, "%s: open %d", trust[_i].label, seen.is_open);
    if (seen.outcome == XF_DISCOVERY_FAILED)
        ck_assert_str_eq(seen.detail, "DNS gave no answer for the TLSA records of x.b.example");
    fake_dns_free(&fake);
}
END_TEST

/* TLSA goes out beside the addresses: SRV, then all the rest, and no third round. */
START_TEST(tlsa_costs_no_round_trip)
{
    struct fake_dns *fake = table_of(trust[0].lines);
    struct seen seen = {0};

    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &with_dane, on_discovered, &seen);
    fake_dns_step(fake);
    ck_assert_uint_eq(fake_dns_waiting(fake), 3);
    fake_dns_step(fake);
    ck_assert_uint_eq(seen.count, 1);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(tlsa_is_not_asked_in_vain)
{
    static const struct xf_discovery_opts opts[] = {
        {.services = XF_SERVICE_XMPPS | XF_SERVICE_XMPP},
        {.services = XF_SERVICE_XMPP, .dane = true}};
    struct fake_dns *fake = table_of(trust[0].lines);
    struct seen seen = {0};

    if (opts[_i].dane) /* no resolver whose AD is believed */
        fake_dns_seam(fake)->may_be_secure = false;
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &opts[_i], on_discovered, &seen);
    fake_dns_settle(fake);
    ck_assert_str_eq(seen.candidates, "starttls 192.0.2.1:5269 x.b.example secure");
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_TLSA), 0);
    fake_dns_free(&fake);
}
END_TEST

/* The operator's word for a host proves nothing about the domain (discover.c). */
START_TEST(static_route_is_never_secure)
{
    struct fake_dns *fake = table_of(trust[0].lines);
    struct seen seen = {0};

    xf_discover_static(
        fake_dns_seam(fake), XF_SERVICE_XMPP,
        (const char *[]) {
            X
            ":5269"
        },
        1, false, on_discovered, &seen);
    fake_dns_settle(fake);
    ck_assert_str_eq(seen.candidates, "starttls 192.0.2.1:5269 x.b.example");
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_TLSA), 0);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(cancelled_with_tlsa_under_way)
{
    struct fake_dns *fake = table_of(trust[0].lines);
    struct seen seen = {0};
    struct xf_discovery *discovery =
        xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &with_dane, on_discovered, &seen);

    fake_dns_set_status(fake, _i ? X : "_5269._tcp." X, 0, FAKE_DNS_SILENCE);
    fake_dns_settle(fake); /* the one is answered, the other waits */
    xf_discovery_cancel(&discovery);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 0);
    ck_assert_uint_eq(fake_dns_waiting(fake), 0);
    fake_dns_free(&fake);
}
END_TEST

/* _5269._tcp. in front of the longest names is no name any more. */
START_TEST(tlsa_name_too_long_is_absence)
{
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    struct seen seen = {0};
    char target[XF_DNS_NAME_MAX + 1] = "";

    for (size_t i = 0; i < 247; i++)
        target[i] = i % 5 == 4 ? '.' : 'a';
    fake_dns_add_srv(fake, SRV, 0, 0, 5269, target);
    fake_dns_add_address(fake, target, "192.0.2.1");
    fake_dns_set_secure(fake, SRV, 0, true);
    fake_dns_set_secure(fake, target, 0, true);
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &with_dane, on_discovered, &seen);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.candidate_count, 1);
    ck_assert_ptr_nonnull(strstr(seen.candidates, " secure"));
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_TLSA), 0);
    fake_dns_free(&fake);
}
END_TEST

/* A zone of one host and all ports, and one of a host a port: the questions of both are bounded. */
START_TEST(crowd_of_ports_is_bounded)
{
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    struct seen seen = {0};
    char target[64];

    fake_dns_set_secure(fake, SRV, 0, true);
    fake_dns_set_secure(fake, TLS_SRV, 0, true);
    for (unsigned i = 0; i < XF_DNS_RECORDS_MAX; i++) {
        snprintf(target, sizeof(target), "x%u.b.example", _i ? i : 0);
        fake_dns_add_srv(fake, SRV, 0, 0, (uint16_t)(5269 + i), target);
        fake_dns_add_srv(fake, TLS_SRV, 0, 0, (uint16_t)(15269 + i), target);
        if (_i || i == 0) {
            fake_dns_add_address(fake, target, "192.0.2.1");
            fake_dns_set_secure(fake, target, 0, true);
        }
    }
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &with_dane, on_discovered, &seen);
    fake_dns_step(fake);
    ck_assert_uint_le(fake_dns_waiting(fake), _i ? 8 * 2 + 2 * 8 : 2 + XF_CANDIDATES_MAX);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.candidate_count, XF_CANDIDATES_MAX);
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_TLSA), XF_CANDIDATES_MAX);
    ck_assert_uint_le(fake_dns_asked(fake, NULL, 0), XF_DISCOVERY_QUESTIONS_MAX);
    fake_dns_free(&fake);
}
END_TEST

/* A set holds XF_TLSA_MAX: the rest is cut, also of the union, which counts each record once. */
START_TEST(crowd_of_records_is_cut)
{
    struct fake_dns *fake = table_of((const char *[]){ONE_SECURE, NULL});
    struct seen seen = {0};
    uint8_t data[XF_TLSA_DATA_MAX] = {0};
    struct xf_tlsa tlsa = {3, 1, 0, data, sizeof(data)};

    fake_dns_set_secure(fake, "_5269._tcp." X, 0, true);
    for (unsigned i = 0; i < XF_DNS_RECORDS_MAX; i++) {
        data[0] = (uint8_t)i;
        tlsa.data_bytes = i == 3 ? XF_TLSA_DATA_MAX : 1;
        fake_dns_add_tlsa(fake, "_5269._tcp." X, &tlsa);
    }
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &with_dane, on_discovered_count, &seen);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.candidate_count, XF_TLSA_MAX);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(both_services_are_asked_at_once)
{
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    struct seen seen = {0};
    struct xf_discovery *discovery =
        xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &both, on_discovered, &seen);

    ck_assert_uint_eq(fake_dns_waiting(fake), 2);
    xf_discovery_cancel(&discovery);
    ck_assert_uint_eq(fake_dns_waiting(fake), 0);
    fake_dns_free(&fake);
}
END_TEST

/* Cancel in every phase: nothing is left behind, nobody is called. */
START_TEST(cancelled_after_some_steps)
{
    struct fake_dns *fake =
        table_of((const char *[]){SRV " SRV 0 0 5269 x.b.example", "x.b.example A 192.0.2.1",
                                  "x.b.example AAAA silence", NULL});
    struct seen seen = {0};
    struct xf_discovery *discovery =
        xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &both, on_discovered, &seen);

    for (int i = 0; i < _i; i++)
        fake_dns_step(fake);
    xf_discovery_cancel(&discovery);
    ck_assert_ptr_null(discovery);
    ck_assert_uint_eq(fake_dns_waiting(fake), 0);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 0);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(silence_fails_when_the_time_is_up)
{
    struct xf_clock clock = {1000};
    struct fake_dns *fake = fake_dns_new(&clock, 5000);
    struct seen seen = {0};

    fake_dns_set_status(fake, SRV, XF_DNS_SRV, FAKE_DNS_SILENCE);
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &both, on_discovered, &seen);
    fake_dns_settle(fake);
    clock.now_ms += 4999;
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 0);
    clock.now_ms += 1;
    fake_dns_settle(fake);
    check_seen(&seen, "silence", XF_DISCOVERY_FAILED, "dns-silent");
    fake_dns_free(&fake);
}
END_TEST

START_TEST(shared_target_is_asked_once)
{
    struct fake_dns *fake = table_of((const char *[]){SRV " SRV 0 0 5269 x.b.example",
                                                      TLS_SRV " SRV 1 0 5270 x.b.example",
                                                      "x.b.example A 192.0.2.1", NULL});
    struct seen seen = {0};

    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &both, on_discovered, &seen);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.candidate_count, 2);
    ck_assert_uint_eq(fake_dns_asked(fake, "x.b.example", XF_DNS_A), 1);
    ck_assert_uint_eq(fake_dns_asked(fake, "x.b.example", XF_DNS_AAAA), 1);
    fake_dns_free(&fake);
}
END_TEST

/*
 * A hostile zone names as many targets as an answer takes: questions and candidates stay bounded.
 */
START_TEST(crowd_of_targets_is_bounded)
{
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    struct seen seen = {0};

    for (unsigned i = 0; i < XF_DNS_RECORDS_MAX; i++) {
        char target[64], address[32];
        snprintf(target, sizeof(target), "x%u.b.example", i);
        fake_dns_add_srv(fake, SRV, 0, 0, 5269, target);
        fake_dns_add_srv(fake, TLS_SRV, 0, 0, 5270, target);
        for (unsigned k = 0; k < 12; k++) {
            snprintf(address, sizeof(address), "192.0.2.%u", k);
            fake_dns_add_address(fake, target, address);
        }
    }
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &both, on_discovered, &seen);
    fake_dns_step(fake);
    ck_assert_uint_le(fake_dns_waiting(fake), 2 * 8);
    ck_assert_uint_ge(fake_dns_waiting(fake), 2 * 7);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.candidate_count, XF_CANDIDATES_MAX);
    ck_assert_uint_le(fake_dns_asked(fake, NULL, XF_DNS_A), XF_CANDIDATES_MAX);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(many_addresses_do_not_crowd_out_the_next_target)
{
    struct fake_dns *fake =
        table_of((const char *[]){SRV " SRV 0 0 5269 x.b.example", SRV " SRV 1 0 5269 y.b.example",
                                  "y.b.example A 192.0.2.99", NULL});
    struct seen seen = {0};

    for (unsigned k = 0; k < 60; k++) {
        char address[32];
        snprintf(address, sizeof(address), "192.0.2.%u", k);
        fake_dns_add_address(fake, "x.b.example", address);
    }
    xf_discover(fake_dns_seam(fake), XF_SPAN("b.example"), &both, on_discovered, &seen);
    fake_dns_settle(fake);
    ck_assert_msg(strstr(seen.candidates, "192.0.2.99:5269"), "got %s", seen.candidates);
    fake_dns_free(&fake);
}
END_TEST

START_TEST(domain_too_long_for_the_prefix_has_no_srv)
{
    char domain[XF_DNS_NAME_MAX + 1] = "";
    struct fake_dns *fake = fake_dns_new(NULL, 0);
    struct seen seen = {0};

    for (size_t i = 0; i < 252; i++) /* "aaaa.aaaa. ... .aa" */
        domain[i] = i % 5 == 4 ? '.' : 'a';
    fake_dns_add_address(fake, domain, "192.0.2.1");
    xf_discover(fake_dns_seam(fake), xf_span_of(domain), &both, on_discovered, &seen);
    fake_dns_settle(fake);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_int_eq(seen.outcome, XF_DISCOVERY_FOUND);
    ck_assert_uint_eq(fake_dns_asked(fake, NULL, XF_DNS_SRV), 0);
    fake_dns_free(&fake);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns/discover");
    TCase *tc = tcase_create("discover");

    tcase_add_loop_test(tc, domain_comes_to, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, switches_choose_the_services, 0, XF_ARRAY_LEN(switches));
    tcase_add_loop_test(tc, static_route_comes_to, 0, XF_ARRAY_LEN(routes));
    tcase_add_test(tc, equal_static_routes_come_in_any_order);
    tcase_add_loop_test(tc, sip_domain_comes_to, 0, XF_ARRAY_LEN(sip));
    tcase_add_test(tc, only_srv_records_count_on_demand);
    tcase_add_test(tc, crowd_of_rules_is_bounded);
    tcase_add_loop_test(tc, sip_is_secure_as_its_weakest_answer, 0, 2);
    tcase_add_loop_test(tc, sip_cancelled_after_some_steps, 0, 5);
    tcase_add_loop_test(tc, sip_static_route_has_its_ports, 0, 2);
    tcase_add_loop_test(tc, secure_answers_come_to, 0, XF_ARRAY_LEN(trust));
    tcase_add_test(tc, tlsa_costs_no_round_trip);
    tcase_add_loop_test(tc, tlsa_is_not_asked_in_vain, 0, 2);
    tcase_add_test(tc, static_route_is_never_secure);
    tcase_add_loop_test(tc, cancelled_with_tlsa_under_way, 0, 2);
    tcase_add_test(tc, tlsa_name_too_long_is_absence);
    tcase_add_loop_test(tc, crowd_of_ports_is_bounded, 0, 2);
    tcase_add_test(tc, crowd_of_records_is_cut);
    tcase_add_test(tc, both_services_are_asked_at_once);
    tcase_add_loop_test(tc, cancelled_after_some_steps, 0, 4);
    tcase_add_test(tc, silence_fails_when_the_time_is_up);
    tcase_add_test(tc, shared_target_is_asked_once);
    tcase_add_test(tc, crowd_of_targets_is_bounded);
    tcase_add_test(tc, many_addresses_do_not_crowd_out_the_next_target);
    tcase_add_test(tc, domain_too_long_for_the_prefix_has_no_srv);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
