/* SPDX-License-Identifier: MIT */
/*
 * test_variants.c — every variant of a peer's certificate, in both roles: a peer of OpenSSL's own
 * that shows what ours would not, a real handshake with it, and the facts that come of it.
 *
 * Outbound the facts are judged with the handshake, inbound when asked for; both have to be the
 * same but for the stapled OCSP response, which only a server can send.
 */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <xfed/tls/tls.h>

#include "peer.h"

#define XMPP_ADDR "otherName:1.3.6.1.5.5.7.8.5;"
#define SRV_NAME  "otherName:1.3.6.1.5.5.7.8.7;"

enum lists {
    NO_LISTS,
    LISTS,           /* of root and middle, with nobody on them */
    LEAF_LISTED,     /* the leaf, by its issuer */
    MIDDLE_LISTED,   /* the intermediate, by the root */
    EXPIRED,         /* out of date, with nobody on them */
    LEAF_IN_EXPIRED, /* out of date, but it says that the leaf is revoked */
    FUTURE,          /* not yet in date */
    LEAF_IN_FORGED,  /* with the issuer's name, signed by somebody else */
    OF_OTHERS,       /* none of the issuer's */
    NOT_OF_ROOT,     /* only of the middle: nobody tells of the middle itself */
    NOT_OF_MIDDLE,   /* likewise, that of the intermediate */
    EMPTY_DIR,
};

enum staple {
    NO_STAPLE,
    GOOD,
    GOOD_BY_SHA256,
    GOOD_BY_DELEGATE,
    REVOKED,
    OLD,
    OLD_OPEN,    /* does not say until when, and is weeks old */
    RECENT_OPEN, /* does not say until when, and is a day old */
    TO_COME,
    OF_STRANGER,     /* signed by somebody else */
    OF_MERE_LEAF,    /* signed by a certificate of the issuer that may not */
    OF_LEAF_ITSELF,  /* the peer vouches for itself */
    OF_ANOTHER_CERT, /* good, but about another certificate */
    STATUS_UNKNOWN,
    GARBAGE,
};

enum of { LEAF, MIDDLE, ROOT, OTHER, SHORT };

struct record {
    bool is_there;
    uint8_t usage, selector, matching;
    enum of of;
};

#define TLSA(usage, selector, matching, of) \
    {                                       \
        true, usage, selector, matching, of \
    }

static struct cert root, other, middle, no_ca, delegate;

struct row {
    const char *label;
    struct cert_spec leaf; /* SAN a.example when it says none */
    const struct cert *sent;
    bool no_anchor; /* else the root */
    enum lists lists;
    enum staple staple;
    struct record tlsa[2];
    const char *domain, *target; /* a.example, none */
    /* wanted */
    const char *bad; /* chain_text; NULL: trusted */
    bool unnamed, not_for_server, not_for_client;
    enum xf_cert_revocation revocation, stapled; /* stapled: as seen by a client, with a staple */
    const char *revoked;                         /* revocation_text */
    enum xf_cert_dane dane;
    unsigned usage;
};

#define BY_LIST      "revoked on 2026-02-03 (key compromise)"
#define NO_ISSUER    "unable to get local issuer certificate"
#define UNKNOWN_ROOT "self-signed certificate in certificate chain"

/* clang-format off */
static const struct row rows[] = {
    /* ---- chain, dates, keys */
    {"good", {.issuer = &root}, .bad = NULL},
    {"good, RSA", {.issuer = &root, .key = CERT_RSA2048}, .bad = NULL},
    {"good, over an intermediate", {.issuer = &middle}, .sent = &middle},
    {"missing intermediate", {.issuer = &middle}, .bad = NO_ISSUER},
    {"expired", {.issuer = &root, .days_from = -9, .days_to = -1}, .bad = "certificate has expired (by 24 h: is our clock right?)"},
    {"not yet valid", {.issuer = &root, .days_from = 1, .days_to = 9}, .bad = "certificate is not yet valid (by 24 h: is our clock right?)"},
    {"self-signed", {.issuer = NULL}, .bad = "self-signed certificate"},
    {"unknown CA", {.issuer = &other}, .bad = NO_ISSUER},
    {"unknown CA that is sent along", {.issuer = &other}, .sent = &other, .bad = UNKNOWN_ROOT},
    {"issued by a leaf", {.issuer = &no_ca}, .sent = &no_ca, .bad = "invalid CA certificate"},
    {"weak key", {.issuer = &root, .key = CERT_RSA1024}, .bad = "EE certificate key too weak"},
    {"SHA-1 signature", {.issuer = &root, .digest = "SHA1"}, .bad = "CA signature digest algorithm too weak"},
    {"nobody is trusted", {.issuer = &root}, .no_anchor = true, .bad = NO_ISSUER},
    /* ---- usages */
    {"for servers only", {.issuer = &root, .eku = "serverAuth"}, .not_for_client = true},
    {"for clients only", {.issuer = &root, .eku = "clientAuth"}, .not_for_server = true},
    {"for both", {.issuer = &root, .eku = "serverAuth,clientAuth"}, .bad = NULL},
    {"for mail only", {.issuer = &root, .eku = "emailProtection"}, .bad = "unsuitable certificate purpose", .not_for_server = true, .not_for_client = true},
    /* ---- names */
    {"wrong name", {.issuer = &root, .san = "DNS:b.example"}, .unnamed = true},
    {"the name in the CN only", {.issuer = &root, .cn = "a.example", .san = "email:u@a.example"}, .unnamed = true},
    {"wildcard", {.issuer = &root, .san = "DNS:*.b.example"}, .domain = "a.b.example"},
    {"wildcard, two labels", {.issuer = &root, .san = "DNS:*.b.example"}, .domain = "x.a.b.example", .unnamed = true},
    {"wildcard, no label", {.issuer = &root, .san = "DNS:*.b.example"}, .domain = "b.example", .unnamed = true},
    {"SRVName", {.issuer = &root, .san = SRV_NAME "IA5:_xmpp-server.a.example"}, .bad = NULL},
    {"SRVName of another service", {.issuer = &root, .san = SRV_NAME "IA5:_xmpp-client.a.example"}, .unnamed = true},
    {"xmppAddr", {.issuer = &root, .san = XMPP_ADDR "UTF8:a.example"}, .bad = NULL},
    {"A-labels", {.issuer = &root, .san = "DNS:xn--bcher-kva.example"}, .domain = "xn--bcher-kva.example"},
    /* ---- revocation lists */
    {"on no list", {.issuer = &root}, .lists = LISTS, .revocation = XF_CERT_NOT_REVOKED},
    {"on no list, over an intermediate", {.issuer = &middle}, .sent = &middle, .lists = LISTS, .revocation = XF_CERT_NOT_REVOKED},
    {"revoked by a list", {.issuer = &root}, .lists = LEAF_LISTED, .revocation = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"revoked below an intermediate", {.issuer = &middle}, .sent = &middle, .lists = LEAF_LISTED, .revocation = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"revoked intermediate", {.issuer = &middle}, .sent = &middle, .lists = MIDDLE_LISTED, .revocation = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"expired and revoked", {.issuer = &root, .days_from = -9, .days_to = -1}, .lists = LEAF_LISTED, .bad = "certificate has expired (by 24 h: is our clock right?)", .revocation = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"list is missing", {.issuer = &root}, .lists = OF_OTHERS, .revocation = XF_CERT_UNKNOWN},
    {"list of the root is missing", {.issuer = &middle}, .sent = &middle, .lists = NOT_OF_ROOT, .revocation = XF_CERT_UNKNOWN},
    {"directory of lists is empty", {.issuer = &root}, .lists = EMPTY_DIR, .revocation = XF_CERT_UNKNOWN},
    {"list has expired", {.issuer = &root}, .lists = EXPIRED, .revocation = XF_CERT_UNKNOWN},
    {"list is not yet valid", {.issuer = &root}, .lists = FUTURE, .revocation = XF_CERT_UNKNOWN},
    {"revoked by a list that has expired", {.issuer = &root}, .lists = LEAF_IN_EXPIRED, .revocation = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"revoked by a forged list", {.issuer = &root}, .lists = LEAF_IN_FORGED, .revocation = XF_CERT_UNKNOWN},
    {"unknown CA, with lists", {.issuer = &other}, .lists = LISTS, .bad = NO_ISSUER, .revocation = XF_CERT_UNKNOWN},
    /* ---- stapled responses */
    {"staple good", {.issuer = &root}, .staple = GOOD, .stapled = XF_CERT_NOT_REVOKED},
    {"staple good, over an intermediate of which nobody tells", {.issuer = &middle}, .sent = &middle, .staple = GOOD, .stapled = XF_CERT_UNKNOWN},
    {"staple good, over an intermediate on no list", {.issuer = &middle}, .sent = &middle, .lists = LISTS, .staple = GOOD, .revocation = XF_CERT_NOT_REVOKED, .stapled = XF_CERT_NOT_REVOKED},
    {"staple good, list for the intermediate is missing", {.issuer = &middle}, .sent = &middle, .lists = NOT_OF_ROOT, .staple = GOOD, .revocation = XF_CERT_UNKNOWN, .stapled = XF_CERT_UNKNOWN},
    {"staple good, list of the intermediate is missing", {.issuer = &middle}, .sent = &middle, .lists = NOT_OF_MIDDLE, .staple = GOOD, .revocation = XF_CERT_UNKNOWN, .stapled = XF_CERT_NOT_REVOKED},
    {"staple revoked, list for the intermediate is missing", {.issuer = &middle}, .sent = &middle, .lists = NOT_OF_ROOT, .staple = REVOKED, .revocation = XF_CERT_UNKNOWN, .stapled = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"staple good, named by SHA-256", {.issuer = &root}, .staple = GOOD_BY_SHA256, .stapled = XF_CERT_NOT_REVOKED},
    {"staple of a delegate", {.issuer = &root}, .staple = GOOD_BY_DELEGATE, .stapled = XF_CERT_NOT_REVOKED},
    {"staple revoked", {.issuer = &root}, .staple = REVOKED, .stapled = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"staple too old", {.issuer = &root}, .staple = OLD, .stapled = XF_CERT_UNKNOWN},
    {"staple without an end, weeks old", {.issuer = &root}, .staple = OLD_OPEN, .stapled = XF_CERT_UNKNOWN},
    {"staple without an end, a day old", {.issuer = &root}, .staple = RECENT_OPEN, .stapled = XF_CERT_NOT_REVOKED},
    {"staple of tomorrow", {.issuer = &root}, .staple = TO_COME, .stapled = XF_CERT_UNKNOWN},
    {"staple of a stranger", {.issuer = &root}, .staple = OF_STRANGER, .stapled = XF_CERT_UNKNOWN},
    {"staple of a mere leaf", {.issuer = &root}, .staple = OF_MERE_LEAF, .stapled = XF_CERT_UNKNOWN},
    {"staple of the leaf itself", {.issuer = &root}, .staple = OF_LEAF_ITSELF, .stapled = XF_CERT_UNKNOWN},
    {"staple about another certificate", {.issuer = &root}, .staple = OF_ANOTHER_CERT, .stapled = XF_CERT_UNKNOWN},
    {"staple does not know", {.issuer = &root}, .staple = STATUS_UNKNOWN, .stapled = XF_CERT_UNKNOWN},
    {"staple is garbage", {.issuer = &root}, .staple = GARBAGE, .stapled = XF_CERT_UNKNOWN},
    {"staple good, chain bad", {.issuer = &other}, .sent = &other, .bad = UNKNOWN_ROOT, .staple = GOOD, .stapled = XF_CERT_UNKNOWN},
    {"staple good, list missing", {.issuer = &root}, .lists = OF_OTHERS, .staple = GOOD, .revocation = XF_CERT_UNKNOWN, .stapled = XF_CERT_NOT_REVOKED},
    {"staple garbage, on no list", {.issuer = &root}, .lists = LISTS, .staple = GARBAGE, .revocation = XF_CERT_NOT_REVOKED, .stapled = XF_CERT_NOT_REVOKED},
    {"staple revoked, on no list", {.issuer = &root}, .lists = LISTS, .staple = REVOKED, .revocation = XF_CERT_NOT_REVOKED, .stapled = XF_CERT_REVOKED, .revoked = BY_LIST},
    {"staple good, revoked by a list", {.issuer = &root}, .lists = LEAF_LISTED, .staple = GOOD, .revocation = XF_CERT_REVOKED, .stapled = XF_CERT_REVOKED, .revoked = BY_LIST},
    /* ---- DANE usage 3: the key, and nothing else */
    {"3 1 1, self-signed", {.issuer = NULL}, .tlsa = {TLSA(3, 1, 1, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 1 1, good", {.issuer = &root}, .tlsa = {TLSA(3, 1, 1, LEAF)}, .dane = XF_DANE_MATCH, .usage = 3},
    {"3 1 1, expired, wrong name", {.issuer = NULL, .san = "DNS:b.example", .days_from = -9, .days_to = -1}, .tlsa = {TLSA(3, 1, 1, LEAF)}, .bad = "self-signed certificate", .unnamed = true, .dane = XF_DANE_MATCH, .usage = 3},
    {"3 1 2", {.issuer = NULL}, .tlsa = {TLSA(3, 1, 2, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 1 0, the key itself", {.issuer = NULL}, .tlsa = {TLSA(3, 1, 0, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 0 1", {.issuer = NULL}, .tlsa = {TLSA(3, 0, 1, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 0 0, the certificate itself", {.issuer = NULL}, .tlsa = {TLSA(3, 0, 0, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 1 1, wrong, chain good", {.issuer = &root}, .tlsa = {TLSA(3, 1, 1, OTHER)}, .dane = XF_DANE_MISMATCH},
    {"3 1 1, the key of the issuer", {.issuer = &root}, .sent = &root, .tlsa = {TLSA(3, 1, 1, ROOT)}, .dane = XF_DANE_MISMATCH},
    {"3 0 1, wrong", {.issuer = NULL}, .tlsa = {TLSA(3, 0, 1, OTHER)}, .bad = "self-signed certificate", .dane = XF_DANE_MISMATCH},
    {"3 1 1, weak key", {.issuer = NULL, .key = CERT_RSA1024}, .tlsa = {TLSA(3, 1, 1, LEAF)}, .bad = "EE certificate key too weak", .dane = XF_DANE_MISMATCH},
    {"3 1 1, wrong and right", {.issuer = NULL}, .tlsa = {TLSA(3, 1, 1, OTHER), TLSA(3, 1, 1, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 1 1 asks for no list", {.issuer = NULL}, .lists = LISTS, .tlsa = {TLSA(3, 1, 1, LEAF)}, .bad = "self-signed certificate", .revocation = XF_CERT_UNKNOWN, .dane = XF_DANE_MATCH, .usage = 3},
    /* ---- DANE usage 2: an anchor of the peer's own */
    {"2 0 1, private CA", {.issuer = &other}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 1 1, private CA", {.issuer = &other}, .sent = &other, .tlsa = {TLSA(2, 1, 1, OTHER)}, .bad = UNKNOWN_ROOT, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 0, private CA that is not sent", {.issuer = &other}, .tlsa = {TLSA(2, 0, 0, OTHER)}, .bad = NO_ISSUER, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 1 0, key of a private CA that is not sent", {.issuer = &other}, .tlsa = {TLSA(2, 1, 0, OTHER)}, .bad = NO_ISSUER, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 1, private CA that is not sent", {.issuer = &other}, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = NO_ISSUER, .dane = XF_DANE_MISMATCH},
    {"2 0 1, intermediate", {.issuer = &middle}, .sent = &middle, .no_anchor = true, .tlsa = {TLSA(2, 0, 1, MIDDLE)}, .bad = NO_ISSUER, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 1, wrong name", {.issuer = &other, .san = "DNS:b.example"}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .unnamed = true, .dane = XF_DANE_MISMATCH},
    {"2 0 1, name of the server", {.issuer = &other, .san = "DNS:x1.host.example"}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .target = "x1.host.example", .bad = UNKNOWN_ROOT, .unnamed = true, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 1, SRVName", {.issuer = &other, .san = SRV_NAME "IA5:_xmpp-server.a.example"}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 1, expired", {.issuer = &other, .days_from = -9, .days_to = -1}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .dane = XF_DANE_MISMATCH},
    {"2 0 1, for mail only", {.issuer = &other, .eku = "emailProtection"}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .not_for_server = true, .not_for_client = true, .dane = XF_DANE_MISMATCH},
    {"2 0 1, weak key", {.issuer = &other, .key = CERT_RSA1024}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = "EE certificate key too weak", .dane = XF_DANE_MISMATCH},
    {"2 0 1, of another CA", {.issuer = &root}, .tlsa = {TLSA(2, 0, 1, OTHER)}, .dane = XF_DANE_MISMATCH},
    {"2 0 1, another's CA sent along", {.issuer = NULL}, .sent = &other, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = "self-signed certificate", .dane = XF_DANE_MISMATCH},
    {"2 0 1, revoked by a list of the private CA", {.issuer = &root}, .sent = &root, .no_anchor = true, .lists = LEAF_LISTED, .tlsa = {TLSA(2, 0, 1, ROOT)}, .bad = UNKNOWN_ROOT, .revocation = XF_CERT_REVOKED, .revoked = BY_LIST, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 1, on no list of the private CA", {.issuer = &root}, .sent = &root, .no_anchor = true, .lists = LISTS, .tlsa = {TLSA(2, 0, 1, ROOT)}, .bad = UNKNOWN_ROOT, .revocation = XF_CERT_NOT_REVOKED, .dane = XF_DANE_MATCH, .usage = 2},
    {"2 0 1, staple of the private CA", {.issuer = &other}, .sent = &other, .staple = GOOD, .tlsa = {TLSA(2, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .stapled = XF_CERT_NOT_REVOKED, .dane = XF_DANE_MATCH, .usage = 2},
    /* ---- DANE usages 1 and 0: a chain that is good anyway */
    {"1 1 1", {.issuer = &root}, .tlsa = {TLSA(1, 1, 1, LEAF)}, .dane = XF_DANE_MATCH, .usage = 1},
    {"1 1 1, wrong", {.issuer = &root}, .tlsa = {TLSA(1, 1, 1, OTHER)}, .dane = XF_DANE_MISMATCH},
    {"1 1 1, self-signed", {.issuer = NULL}, .tlsa = {TLSA(1, 1, 1, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MISMATCH},
    {"1 1 1, unknown CA", {.issuer = &other}, .sent = &other, .tlsa = {TLSA(1, 1, 1, LEAF)}, .bad = UNKNOWN_ROOT, .dane = XF_DANE_MISMATCH},
    {"1 1 1, wrong name", {.issuer = &root, .san = "DNS:b.example"}, .tlsa = {TLSA(1, 1, 1, LEAF)}, .unnamed = true, .dane = XF_DANE_MISMATCH},
    {"1 1 1, expired", {.issuer = &root, .days_from = -9, .days_to = -1}, .tlsa = {TLSA(1, 1, 1, LEAF)}, .bad = "certificate has expired (by 24 h: is our clock right?)", .dane = XF_DANE_MISMATCH},
    {"0 0 1, root", {.issuer = &root}, .tlsa = {TLSA(0, 0, 1, ROOT)}, .dane = XF_DANE_MATCH, .usage = 0},
    {"0 1 1, intermediate", {.issuer = &middle}, .sent = &middle, .tlsa = {TLSA(0, 1, 1, MIDDLE)}, .dane = XF_DANE_MATCH, .usage = 0},
    {"0 0 1, another CA", {.issuer = &root}, .tlsa = {TLSA(0, 0, 1, OTHER)}, .dane = XF_DANE_MISMATCH},
    {"0 0 1, unknown CA", {.issuer = &other}, .sent = &other, .tlsa = {TLSA(0, 0, 1, OTHER)}, .bad = UNKNOWN_ROOT, .dane = XF_DANE_MISMATCH},
    {"1 wrong, 3 right", {.issuer = NULL}, .tlsa = {TLSA(1, 1, 1, OTHER), TLSA(3, 1, 1, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"3 wrong, 1 right", {.issuer = &root}, .tlsa = {TLSA(3, 1, 1, OTHER), TLSA(1, 1, 1, LEAF)}, .dane = XF_DANE_MATCH, .usage = 1},
    /* ---- records that nobody can use */
    {"unknown usage", {.issuer = &root}, .tlsa = {TLSA(4, 1, 1, LEAF)}, .dane = XF_DANE_NONE},
    {"private usage", {.issuer = &root}, .tlsa = {TLSA(255, 1, 1, LEAF)}, .dane = XF_DANE_NONE},
    {"unknown selector", {.issuer = &root}, .tlsa = {TLSA(3, 2, 1, LEAF)}, .dane = XF_DANE_NONE},
    {"unknown digest", {.issuer = &root}, .tlsa = {TLSA(3, 1, 3, LEAF)}, .dane = XF_DANE_NONE},
    {"digest too short", {.issuer = &root}, .tlsa = {TLSA(3, 1, 1, SHORT)}, .dane = XF_DANE_NONE},
    {"certificate that is none", {.issuer = &root}, .tlsa = {TLSA(3, 0, 0, SHORT)}, .dane = XF_DANE_NONE},
    {"unusable beside a right one", {.issuer = NULL}, .tlsa = {TLSA(9, 9, 9, OTHER), TLSA(3, 1, 1, LEAF)}, .bad = "self-signed certificate", .dane = XF_DANE_MATCH, .usage = 3},
    {"unusable beside a wrong one", {.issuer = &root}, .tlsa = {TLSA(3, 1, 1, SHORT), TLSA(3, 1, 1, OTHER)}, .dane = XF_DANE_MISMATCH},
};
/* clang-format on */

/* ---- what a row asks for */

static struct bench bench;
static struct cert leaf;
static struct xf_tls_identities *set;
static struct xf_tlsa_set *tlsa;
static struct xf_tls_basis basis;
static unsigned char *staple;
static int staple_len;

static void add_lists(const struct row *row, struct xf_tls_store *store)
{
    bool is_old = row->lists == EXPIRED || row->lists == LEAF_IN_EXPIRED;
    int from = is_old ? -9 : row->lists == FUTURE ? 3 : 0;
    int to = is_old ? -1 : row->lists == FUTURE ? 9 : 0;
    bool lists_leaf =
        row->lists == LEAF_LISTED || row->lists == LEAF_IN_EXPIRED || row->lists == LEAF_IN_FORGED;
    const struct cert *forger = row->lists == LEAF_IN_FORGED ? &other : NULL;
    bool is_below = row->leaf.issuer == &middle;
    X509_CRL *of_root =
        crl_make(&(struct crl_spec){.issuer = row->lists == OF_OTHERS ? &other : &root,
                                    .signer = forger,
                                    .revoked = row->lists == MIDDLE_LISTED ? &middle
                                               : lists_leaf && !is_below   ? &leaf
                                                                           : NULL,
                                    .reason = CRL_REASON_KEY_COMPROMISE,
                                    .days_from = from,
                                    .days_to = to});
    X509_CRL *of_middle =
        crl_make(&(struct crl_spec){.issuer = &middle,
                                    .revoked = lists_leaf && is_below ? &leaf : NULL,
                                    .reason = CRL_REASON_KEY_COMPROMISE,
                                    .days_from = from,
                                    .days_to = to});
    X509_CRL *both[] = {row->lists == NOT_OF_MIDDLE ? of_root : of_middle,
                        row->lists == NOT_OF_ROOT || row->lists == NOT_OF_MIDDLE ? NULL : of_root,
                        NULL};
    char *file = crl_file("lists.pem", both, 0);
    const char *files[] = {file};

    ck_assert_int_eq(xf_tls_store_add_crls(store, files, 1, NULL, NULL), XF_ERR_OK);
    X509_CRL_free(of_root);
    X509_CRL_free(of_middle);
    free(file);
}

static void make_set(const struct row *row)
{
    struct xf_tls_store *store = NULL;
    struct xf_tls_identity *identity = NULL;
    struct cert own = cert_make(&(struct cert_spec){.cn = "own", .san = "DNS:own.example"});
    char *ca = pem_file("ca.pem", (const struct cert *[]){&root, NULL}, NULL);
    char *id = pem_file("own.pem", (const struct cert *[]){&own, NULL}, &own);
    char empty[] = "/tmp/xfed-empty-XXXXXX";

    ck_assert_int_eq(xf_tls_store_load(row->no_anchor ? "" : ca, &store, NULL), XF_ERR_OK);
    ck_assert_int_eq(xf_tls_identity_load(id, id, &identity, NULL), XF_ERR_OK);
    if (row->lists == EMPTY_DIR) {
        ck_assert_ptr_nonnull(mkdtemp(empty));
        ck_assert_int_eq(xf_tls_store_add_crls(store, NULL, 0, empty, NULL), XF_ERR_OK);
        rmdir(empty);
    } else if (row->lists != NO_LISTS) {
        add_lists(row, store);
    }
    set = xf_tls_identities_new(store);
    xf_tls_identities_set(set, XF_SPAN("own.example"), identity);
    xf_tls_identity_unref(&identity);
    xf_tls_store_unref(&store);
    cert_free(&own);
    free(ca);
    free(id);
}

static void add_record(const struct record *record)
{
    const struct cert *const certs[] = {&leaf, &middle, &root, &other, &leaf};
    const struct cert *cert = certs[record->of];
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    const unsigned char *bytes = digest;
    int len = record->selector == 0 ? i2d_X509(cert->x509, &der)
                                    : i2d_PUBKEY(X509_get0_pubkey(cert->x509), &der);
    unsigned count = (unsigned)len;

    ck_assert_int_gt(len, 0);
    if (record->matching == 0)
        bytes = der;
    else
        EVP_Digest(der, (size_t)len, digest, &count,
                   record->matching == 2 ? EVP_sha512() : EVP_sha256(), NULL);
    if (record->of == SHORT)
        count = 20;
    ck_assert(xf_tlsa_set_add(
        tlsa, &(struct xf_tlsa){record->usage, record->selector, record->matching, bytes, count}));
    OPENSSL_free(der);
}

static void make_staple(const struct row *row)
{
    struct ocsp_spec spec = {.leaf = &leaf, .issuer = row->leaf.issuer};

    spec.status = row->staple == REVOKED          ? V_OCSP_CERTSTATUS_REVOKED
                  : row->staple == STATUS_UNKNOWN ? V_OCSP_CERTSTATUS_UNKNOWN
                                                  : V_OCSP_CERTSTATUS_GOOD;
    spec.reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
    if (row->staple == GOOD_BY_SHA256)
        spec.digest = "SHA256";
    if (row->staple == OLD || row->staple == OLD_OPEN)
        spec.days_from = -20;
    if (row->staple == OLD)
        spec.days_to = -10;
    if (row->staple == RECENT_OPEN)
        spec.days_from = -1;
    if (row->staple == TO_COME) {
        spec.days_from = 1;
        spec.days_to = 9;
    }
    if (row->staple == OF_STRANGER)
        spec.signer = &other;
    if (row->staple == OF_MERE_LEAF)
        spec.signer = &no_ca;
    if (row->staple == OF_LEAF_ITSELF)
        spec.signer = &leaf;
    if (row->staple == GOOD_BY_DELEGATE)
        spec.signer = &delegate;
    if (row->staple == OF_ANOTHER_CERT)
        spec.leaf = &no_ca;
    staple = ocsp_make(&spec, &staple_len);
    if (row->staple == GARBAGE)
        memset(staple, 'x', (size_t)staple_len);
}

static void make_row(const struct row *row)
{
    struct cert_spec spec = row->leaf;

    spec.cn = spec.cn ? spec.cn : "leaf";
    spec.san = spec.san ? spec.san : "DNS:a.example";
    leaf = cert_make(&spec);
    make_set(row);
    tlsa = row->tlsa[0].is_there ? xf_tlsa_set_new() : NULL;
    for (size_t i = 0; i < XF_ARRAY_LEN(row->tlsa); i++)
        if (row->tlsa[i].is_there)
            add_record(&row->tlsa[i]);
    if (row->staple != NO_STAPLE)
        make_staple(row);
    basis = (struct xf_tls_basis){.domain = xf_span_of(row->domain ? row->domain : "a.example"),
                                  .tlsa = tlsa,
                                  .targets = &row->target,
                                  .target_count = row->target ? 1 : 0};
}

static void free_row(void)
{
    cert_free(&leaf);
    xf_tls_identities_unref(&set);
    xf_tlsa_set_unref(&tlsa);
    OPENSSL_free(staple);
    staple = NULL;
    pem_remove_all();
}

/* ---- the peer */

static struct peer peer;

static int give_staple(SSL *ssl, void *unused)
{
    (void)unused;
    if (!staple)
        return SSL_TLSEXT_ERR_NOACK;
    unsigned char *copy = OPENSSL_memdup(staple, (size_t)staple_len);
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, staple_len);
    return SSL_TLSEXT_ERR_OK;
}

static bool server_is_secured(struct bench *b)
{
    return peer_shakes(&peer) && b->server.secured > 0;
}

static bool client_is_secured(struct bench *b)
{
    return peer_shakes(&peer) && b->client.secured > 0;
}

/* ---- our side */

static int judged;

static void on_judged(void *owner)
{
    (void)owner;
    judged++;
}

static bool is_judged(struct bench *b)
{
    (void)b;
    return judged > 0;
}

static void start_server(struct end *end)
{
    xf_tls_start(end->conn, &(struct xf_tls_request){.identities = set,
                                                     .local = XF_SPAN("own.example"),
                                                     .is_server = true,
                                                     .judge_later = true});
}

static void start_client(struct end *end)
{
    xf_tls_start(end->conn, &(struct xf_tls_request){.identities = set,
                                                     .local = XF_SPAN("own.example"),
                                                     .peer = basis.domain,
                                                     .basis = basis});
}

static const struct xf_tls_facts *meet_a_client(const char *label)
{
    bench.server.on_up = start_server;
    peer_connect(&peer, &bench);
    bench_run_until(&bench, server_is_secured, label);
    ck_assert(!bench.server.facts->is_judged);
    judged = 0;
    xf_tls_judge(bench.server.conn, &basis, on_judged, NULL);
    bench_run_until(&bench, is_judged, label);
    return bench.server.facts;
}

static const struct xf_tls_facts *meet_a_server(const char *label)
{
    peer_listen(&peer, &bench);
    bench.client.on_up = start_client;
    bench_connect(&bench);
    bench_run_until(&bench, client_is_secured, label);
    return bench.client.facts;
}

static void check_revocation(const struct row *row, const struct xf_tls_facts *facts)
{
    bool is_stapled = row->staple != NO_STAPLE && !facts->is_server;
    enum xf_cert_revocation wanted = is_stapled ? row->stapled : row->revocation;

    ck_assert_msg(facts->revocation == wanted, "%s: revocation %d", row->label, facts->revocation);
    ck_assert_msg(strcmp(facts->revocation_text, wanted == XF_CERT_REVOKED ? row->revoked : "") ==
                      0,
                  "%s: \"%s\"", row->label, facts->revocation_text);
}

static void check_facts(const struct row *row, const struct xf_tls_facts *facts)
{
    ck_assert_msg(facts->is_judged, "%s", row->label);
    ck_assert_msg(strncmp(facts->origin, "issued by '", 11) == 0 &&
                      strstr(facts->origin, "', valid from 20"),
                  "%s: \"%s\"", row->label, facts->origin);
    ck_assert_msg(strcmp(facts->chain_text, row->bad ? row->bad : "") == 0, "%s: \"%s\"",
                  row->label, facts->chain_text);
    ck_assert_msg(facts->chain == (row->bad ? XF_CERT_BAD : XF_CERT_TRUSTED), "%s", row->label);
    ck_assert_msg(xf_tls_facts_name(facts, basis.domain) == !row->unnamed, "%s: name", row->label);
    ck_assert_msg(facts->for_server == !row->not_for_server, "%s: for server", row->label);
    ck_assert_msg(facts->for_client == !row->not_for_client, "%s: for client", row->label);
    check_revocation(row, facts);
    ck_assert_msg(facts->dane == row->dane, "%s: dane %d", row->label, facts->dane);
    ck_assert_msg(facts->dane_usage == row->usage, "%s: usage %u", row->label, facts->dane_usage);
    ck_assert_msg(!facts->dane_domain == !(tlsa || row->target), "%s", row->label);
}

START_TEST(facts_are_as_expected)
{
    const struct row *row = &rows[_i / 2];
    bool we_are_server = _i % 2;

    make_row(row);
    bench_open(&bench);
    peer_open(&peer, &leaf, row->sent);
    SSL_CTX_set_tlsext_status_cb(peer.context, give_staple);
    check_facts(row, we_are_server ? meet_a_client(row->label) : meet_a_server(row->label));
    peer_close(&peer);
    bench_close(&bench);
    free_row();
}
END_TEST

static void make_authorities(void)
{
    root = cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1});
    other = cert_make(&(struct cert_spec){.cn = "Other", .is_ca = 1});
    middle = cert_make(&(struct cert_spec){.issuer = &root, .cn = "Middle", .is_ca = 1});
    no_ca = cert_make(&(struct cert_spec){.issuer = &root, .cn = "A mere leaf"});
    delegate =
        cert_make(&(struct cert_spec){.issuer = &root, .cn = "Delegate", .eku = "OCSPSigning"});
}

static void free_authorities(void)
{
    cert_free(&root);
    cert_free(&other);
    cert_free(&middle);
    cert_free(&no_ca);
    cert_free(&delegate);
}

int main(void)
{
    Suite *suite = suite_create("tls/variants");
    TCase *tc = tcase_create("variants");

    tcase_add_unchecked_fixture(tc, make_authorities, free_authorities);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, facts_are_as_expected, 0, 2 * (int)XF_ARRAY_LEN(rows));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    xf_loop_end_threads();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
