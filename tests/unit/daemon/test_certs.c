/* SPDX-License-Identifier: MIT */
/*
 * What a configuration names is loaded, found by itself, checked, and kept when it cannot be read
 * any more.
 */
#include "daemon_priv.h"
#include "files.h"

#include <check.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define LINK       "link l { nodes = {\"127.0.0.1:1\"} name = gw.example secret-file = secret }\n"
#define TRUST      LINK "trust { ca-file = ca.pem cert-dir = certs }\n"
#define SIP(files) SERVED "sip { host = sip.a.example\n " files " }\n"
#define SIP_GOOD   SIP("certificate = sip.pem key = sip.key")
#define SERVED     TRUST "served \"a.example\" { link = l certificate = a.pem key = a.key }\n"

static struct files made, files; /* once for all tests; a copy for each */
static struct cert root, middle;

static void put(const char *name, const struct cert_spec *spec, const struct cert *behind,
                const char *key_name)
{
    struct cert cert = cert_make(spec);
    files_put_cert(&files, name, &cert, behind);
    if (key_name)
        files_put_key(&files, key_name, &cert);
    cert_free(&cert);
}

/* RSA keys take a while. */
static void make_all(void)
{
    files_make(&files);
    files_put_text(&files, "secret", "a secret that is long enough\n");
    files_put_text(&files, "junk.pem", "junk\n");
    root =
        cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1, .days_from = -1, .days_to = 900});
    middle = cert_make(&(struct cert_spec){
        .issuer = &root, .cn = "Middle", .is_ca = 1, .days_from = -1, .days_to = 900});
    files_put_cert(&files, "ca.pem", &root, NULL);
    files_put_list(&files, "list.pem", &(struct crl_spec){.issuer = &root});
    files_put_list(&files, "lists/list.crl", &(struct crl_spec){.issuer = &root});
    const char *san = "DNS:a.example,DNS:chat.a.example";
    put("a.pem", &(struct cert_spec){.issuer = &root, .cn = "A", .san = san, .days_to = 90}, NULL,
        "a.key");
    put("rsa.pem",
        &(struct cert_spec){
            .issuer = &root, .cn = "A", .san = san, .key = CERT_RSA2048, .days_to = 90},
        NULL, "rsa.key");
    put("old.pem", &(struct cert_spec){.issuer = &root, .san = san, .days_from = -9, .days_to = -2},
        NULL, "old.key");
    put("soon.pem",
        &(struct cert_spec){.issuer = &root, .san = san, .days_from = -9, .days_to = 10}, NULL,
        "soon.key");
    put("short.pem", &(struct cert_spec){.issuer = &middle, .san = san, .days_to = 90}, NULL,
        "short.key");
    put("read.pem", &(struct cert_spec){.issuer = &root, .san = san, .days_to = 90}, NULL,
        "read.key");
    put("written.pem", &(struct cert_spec){.issuer = &root, .san = san, .days_to = 90}, NULL,
        "written.key");
    files_chmod(&files, "read.key", 0644);
    files_chmod(&files, "written.key", 0666);
    put("long.pem", &(struct cert_spec){.issuer = &middle, .san = san, .days_to = 90}, &middle,
        "long.key");
    put("sip.pem", &(struct cert_spec){.issuer = &root, .san = "DNS:sip.a.example", .days_to = 90},
        NULL, "sip.key");
    put("sipwild.pem",
        &(struct cert_spec){.issuer = &root, .san = "DNS:*.a.example", .days_to = 90}, NULL,
        "sipwild.key");
    put("sipserver.pem",
        &(struct cert_spec){
            .issuer = &root, .san = "DNS:sip.a.example", .eku = "serverAuth", .days_to = 90},
        NULL, "sipserver.key");
    put("certs/b.example/fullchain.pem",
        &(struct cert_spec){.issuer = &root, .san = "DNS:b.example,DNS:x.b.example", .days_to = 90},
        NULL, "certs/b.example/privkey.pem");
    put("certs/chat.b.example/fullchain.pem",
        &(struct cert_spec){.issuer = &root, .san = "DNS:chat.b.example", .days_to = 90}, NULL,
        "certs/chat.b.example/privkey.pem");
    put("certs/xn--bcher-kva.example/fullchain.pem",
        &(struct cert_spec){.issuer = &root, .san = "DNS:xn--bcher-kva.example", .days_to = 90},
        NULL, "certs/xn--bcher-kva.example/privkey.pem");
    put("certs/b\xc3\xbc"
        "ro.example/fullchain.pem",
        &(struct cert_spec){.issuer = &root, .san = "DNS:xn--bro-hoa.example", .days_to = 90}, NULL,
        "certs/b\xc3\xbc"
        "ro.example/privkey.pem");
    put("certs/half.example/fullchain.pem",
        &(struct cert_spec){.issuer = &root, .san = "DNS:half.example", .days_to = 90}, NULL, NULL);
    made = files;
}

static void remove_all(void)
{
    cert_free(&root);
    cert_free(&middle);
    files_remove(&made);
}

static void set_up(void)
{
    files_copy(&made, &files);
}

static void tear_down(void)
{
    files_remove(&files);
}

static struct xf_conf *load_conf(const char *text)
{
    char path[128], *messages = NULL;
    struct xf_conf *conf = NULL;
    files_put_text(&files, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", files.path);
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    ck_assert_msg(err == XF_ERR_OK, "%s", messages);
    xf_free(messages);
    return conf;
}

struct loaded {
    struct xf_conf *conf;
    struct xf_certs certs;
    struct xf_report report;
    char text[4096]; /* of the report, without the folder's name */
};

static void load(struct loaded *s, const char *text)
{
    char prefix[80];
    s->conf = load_conf(text);
    xf_report_init(&s->report);
    xf_certs_load(s->conf, true, &s->certs, &s->report);
    snprintf(s->text, sizeof(s->text), "%.*s", XF_SPAN_ARGS(xf_buf_span(&s->report.text)));
    snprintf(prefix, sizeof(prefix), "%s/", files.path);
    for (char *at; (at = strstr(s->text, prefix));)
        memmove(at, at + strlen(prefix), strlen(at + strlen(prefix)) + 1);
}

static void unload(struct loaded *s)
{
    xf_certs_release(&s->certs);
    xf_report_release(&s->report);
    xf_conf_free(&s->conf);
}

#define PIN_0 "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* clang-format off */
static const struct {
    const char *label, *text;
    size_t errors;
    const char *want; /* the report; "..." at its end: it may go on */
} rows[] = {
    {"certificate of a section", SERVED, 0, ""},
    {"two of different types", TRUST "served \"a.example\" { link = l certificate = {a.pem, rsa.pem} key = {a.key, rsa.key} }\n", 0, ""},
    {"keys in the wrong order",
     TRUST "served \"a.example\" { link = l\n certificate = {a.pem, rsa.pem} key = {rsa.key, a.key} }\n", 2,
     "conf:4: served \"a.example\": rsa.key: the key does not belong to the first certificate in a.pem: expected certificate and key in "
     "PEM form\nconf:4: served \"a.example\": a.key: the key..."},
    {"does not name an alias", SERVED "served \"c.example\" { link = l aliases = {b.a.example}\n certificate = a.pem key = a.key }\n", 0,
     "conf:5: warning: certificate = \"a.pem\": does not name c.example: peers will refuse it for this domain\n"
     "conf:5: warning: certificate = \"a.pem\": does not name b.a.example: peers will refuse it for this domain"},
    {"has expired", TRUST "served \"a.example\" { link = l certificate = old.pem key = old.key }\n", 0,
     "conf:3: warning: certificate = \"old.pem\": expired on ..."},
    {"expires soon", TRUST "served \"a.example\" { link = l certificate = soon.pem key = soon.key }\n", 0,
     "conf:3: warning: certificate = \"soon.pem\": expires in ..."},
    {"a key that everybody reads", TRUST "served \"a.example\" { link = l certificate = read.pem\n key = read.key }\n", 0,
     "conf:4: warning: served \"a.example\": key \"read.key\": everybody on this machine can read it: chmod o-rwx"},
    {"a key that everybody writes", TRUST "served \"a.example\" { link = l certificate = written.pem\n key = written.key }\n", 1,
     "conf:4: served \"a.example\": key \"written.key\": everybody on this machine can write it: chmod g-w,o-rwx: expected a file that nobody else "
     "can write"},
    {"an intermediate is missing", TRUST "served \"a.example\" { link = l certificate = short.pem key = short.key }\n", 0,
     "conf:3: warning: certificate = \"short.pem\": the chain is not complete: the certificate of \"Middle\" is missing behind it in the "
     "file"},
    {"an intermediate is there", TRUST "served \"a.example\" { link = l certificate = long.pem key = long.key }\n", 0, ""},
#ifdef XF_HAVE_SIP
    /* SIP */
    {"for SIP", SIP_GOOD, 0, ""},
    {"for SIP, with another host", SIP("certificate = a.pem key = a.key"), 0,
     "conf:5: warning: certificate = \"a.pem\": does not name sip.a.example, the host of sip { }, without a wildcard: SIP peers will refuse it"},
    {"for SIP, with a wildcard", SIP("certificate = sipwild.pem key = sipwild.key"), 0,
     "conf:5: warning: certificate = \"sipwild.pem\": does not name sip.a.example, the host of sip { }, without a wildcard..."},
    {"for SIP, for servers alone", SIP("certificate = sipserver.pem key = sipserver.key"), 0,
     "conf:5: warning: certificate = \"sipserver.pem\": is not for TLS clients (extended key usage clientAuth)..."},
    {"for SIP, with a key of another", SIP("certificate = sip.pem key = a.key"), 1, "conf:5: sip: a.key: the key does not belong..."},
    {"for SIP, a key that everybody writes", SIP("certificate = written.pem\n key = written.key"), 1, "conf:6: sip: key \"written.key\": everybody..."},
    {"for SIP, authorities that are none", SERVED "sip {\n ca-file = junk.pem }\n", 1, "conf:5: ca-file = \"junk.pem\"..."},
#endif
    /* the folder */
    {"found in the folder, with an alias of its own and one without",
     TRUST "served \"b.example\" { link = l aliases = {chat.b.example, x.b.example} }\n", 0, ""},
    {"not in the folder", TRUST "served \"d.example\" { link = l }\n", 1,
     "conf:3: served \"d.example\" has no certificate, and there is no certs/d.example/fullchain.pem, but defaults say tls = required: "
     "expected certificate and key, or that file and privkey.pem"},
    {"not in the folder and not needed", TRUST "served \"d.example\" { link = l }\ndefaults { tls = optional }\n", 0,
     "conf:3: warning: served \"d.example\" has no certificate: its streams are not encrypted"},
    {"not in the folder and SASL alone", TRUST "served \"d.example\" { link = l }\ndefaults { tls = optional dialback = no }\n", 1,
     "conf:3: served \"d.example\" has no certificate, and there is no certs/d.example/fullchain.pem, but defaults say dialback = no..."},
    {"no key in the folder", TRUST "served \"half.example\" { link = l }\n", 1,
     "conf:3: served \"half.example\": certs/half.example/privkey.pem: No such file or directory: expected certificate and key in PEM form"},
    /* what peers are judged by */
    {"anchors that are not there", LINK "trust {\n ca-file = nowhere.pem }\n"
     "served \"a.example\" { link = l certificate = a.pem key = a.key }\n", 1,
     "conf:3: ca-file = \"nowhere.pem\": nowhere.pem: No such file or directory: expected certificates in PEM form"},
    {"anchors of a peer", SERVED "peer \"x\" { ca-file = ca.pem }\npeer \"y\" { ca-file = a.pem }\npeer \"z\" { ca-file = a.pem }\n", 0, ""},
    {"anchors of a peer that are none", SERVED "peer \"x\" {\n ca-file = junk.pem }\n", 1,
     "conf:5: ca-file = \"junk.pem\": junk.pem: holds no certificate in PEM form: expected certificates in PEM form"},
    {"revocation lists", LINK "trust { ca-file = ca.pem crl-files = {list.pem} crl-dir = lists }\n"
     "served \"a.example\" { link = l certificate = a.pem key = a.key }\n", 0, ""},
    {"revocation list that is none", LINK "trust { ca-file = ca.pem crl-dir = lists\n crl-files = {junk.pem} }\n"
     "served \"a.example\" { link = l certificate = a.pem key = a.key }\n", 1, "conf:3: crl-files: junk.pem: ..."},
    {"folder of lists that is not there", LINK "trust { ca-file = ca.pem\n crl-dir = nowhere }\n"
     "served \"a.example\" { link = l certificate = a.pem key = a.key }\n", 1, "conf:3: crl-dir = \"nowhere\": nowhere: ..."},
    {"pin that is no certificate", SERVED "peer \"x\" {\n pins = {\"" PIN_0 "\", junk.pem} }\n", 1,
     "conf:5: pins = \"junk.pem\": junk.pem: holds no certificate in PEM form that can be read: no start line: expected a certificate in "
     "PEM form, or sha256: and 64 hex digits"},
    {"ciphers of OpenSSL", SERVED "peer \"x\" { ciphers = \"ECDHE+AESGCM:AES256-SHA\" }\n", 0, ""},
    {"ciphers that nobody knows", SERVED "peer \"x\" {\n ciphers = \"ROT13\" }\n", 1,
     "conf:5: ciphers = \"ROT13\": expected an OpenSSL cipher list for TLS 1.2 with known names, some of them strong enough"},
    {"ciphers in the defaults", SERVED "defaults {\n ciphers = \"eNULL\" }\n", 1, "conf:5: ciphers = \"eNULL\": expected..."},
};
/* clang-format on */

static bool is_as_wanted(const char *got, const char *want)
{
    size_t len = strlen(want);
    if (len >= 3 && strcmp(want + len - 3, "...") == 0)
        return strncmp(got, want, len - 3) == 0;
    return strcmp(got, want) == 0;
}

START_TEST(says_what_is_wrong)
{
    struct loaded s;
    load(&s, rows[_i].text);
    ck_assert_msg(is_as_wanted(s.text, rows[_i].want), "%s:\ngot  %s\nwant %s", rows[_i].label,
                  s.text, rows[_i].want);
    ck_assert_msg(s.report.errors == rows[_i].errors, "%s: %zu errors", rows[_i].label,
                  s.report.errors);
    if (s.report.errors == 0)
        xf_certs_seal(s.conf, &s.certs);
    unload(&s);
}
END_TEST

/* -t goes on behind what it refuses, here a name, for which there is nothing to look then. */
static const char *const refused_names[] = {
    SERVED "sip { host = \"a b\" certificate = sip.pem key = sip.key }\n",
    TRUST "served \"a b\" { link = l certificate = a.pem key = a.key }\n",
    TRUST "served \"*.a.example\" { link = l }\n",
};

START_TEST(says_nothing_of_a_name_that_was_refused)
{
    char path[128], *messages = NULL;
    size_t errors;
    struct loaded s = {0};
    files_put_text(&files, "conf", refused_names[_i]);
    snprintf(path, sizeof(path), "%s/conf", files.path);
    s.conf = xf_conf_examine(path, &errors, &messages);
    ck_assert_uint_gt(errors, 0);
    xf_report_init(&s.report);
    xf_certs_load(s.conf, true, &s.certs, &s.report);
    ck_assert_msg(s.report.text.len == 0, "%.*s", XF_SPAN_ARGS(xf_buf_span(&s.report.text)));
    xf_free(messages);
    unload(&s);
}
END_TEST

START_TEST(every_name_has_its_certificate)
{
    struct loaded s;
    load(&s, TRUST
         "served \"b.example\" { link = l aliases = {chat.b.example, x.b.example} }\n"
         "served \"a.example\" { link = l certificate = {a.pem, rsa.pem} key = {a.key, rsa.key} }\n"
         "served \"B\xc3\x9c"
         "CHER.example\" { link = l }\nserved \"xn--bro-hoa.example\" { link = l }\n"
         "peer \"y\" { ca-file = a.pem }\npeer \"z\" { ca-file = a.pem }\n");
    xf_certs_seal(s.conf, &s.certs);
    static const char *const names[] = {"a.example",
                                        "b.example",
                                        "chat.b.example",
                                        "x.b.example",
                                        "b\xc3\xbc"
                                        "cher.example",
                                        "b\xc3\xbc"
                                        "ro.example"};
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++)
        ck_assert_msg(xf_tls_identities_has(s.certs.set, xf_span_of(names[i])), "%s", names[i]);
    ck_assert(!xf_tls_identities_has(s.certs.set, XF_SPAN("c.example")));
    ck_assert_uint_eq(s.certs.own_count, 6);
    ck_assert_ptr_null(strstr(s.text, "does not name"));
    ck_assert_str_eq(s.certs.own[1].name, "chat.b.example");
    ck_assert_uint_eq(s.certs.trust.count, 2);
    unload(&s);
}
END_TEST

START_TEST(a_pinned_file_becomes_its_digest)
{
    struct loaded s;
    struct xf_peer_settings settings;
    uint8_t want[32];
    char path[128];
    snprintf(path, sizeof(path), "%s/a.pem", files.path);
    ck_assert_int_eq(xf_tls_pin_load(path, want, NULL), XF_ERR_OK);
    load(&s, SERVED "peer \"x\" { pins = {\"" PIN_0 "\", a.pem} }\n");
    xf_conf_peer_settings(s.conf, XF_SPAN("x"), &settings);
    ck_assert_uint_eq(settings.pin_count, 2);
    ck_assert_mem_eq(settings.pin_sha256[1], want, 32);
    unload(&s);
}
END_TEST

/*
 * What a reload meets: the running configuration is `before`; then files vanish; then `after` is
 * loaded.
 */
/* clang-format off */
static const struct {
    const char *label, *before, *gone, *after;
    const char *refusal; /* NULL: taken over */
} reloads[] = {
    {"nothing changed", SERVED, NULL, SERVED, NULL},
    {"the key is out of reach", SERVED, "a.key", SERVED, NULL},
    {"others can write the new key, the old one serves on", SERVED, NULL,
     TRUST "served \"a.example\" { link = l certificate = written.pem key = written.key }\n", NULL},
    {"others can write the key of a new domain", SERVED, NULL,
     SERVED "served \"c.example\" { link = l certificate = written.pem key = written.key }\n", "a new certificate cannot be read"},
    {"the key of one of two",
     TRUST "served \"a.example\" { link = l certificate = {a.pem, rsa.pem} key = {a.key, rsa.key} }\n", "rsa.key",
     TRUST "served \"a.example\" { link = l certificate = {a.pem, rsa.pem} key = {a.key, rsa.key} }\n", NULL},
    {"the new file cannot be read, the old certificate serves on", SERVED, "rsa.key",
     TRUST "served \"a.example\" { link = l certificate = rsa.pem key = rsa.key }\n", NULL},
    {"a new domain whose certificate cannot be read", SERVED, "rsa.key",
     SERVED "served \"c.example\" { link = l certificate = rsa.pem key = rsa.key }\n", "a new certificate cannot be read"},
    {"a new domain without any", SERVED, NULL, SERVED "served \"d.example\" { link = l }\n", "a served domain has no certificate"},
    {"a key in the folder is out of reach", TRUST "served \"b.example\" { link = l }\n", "certs/b.example/privkey.pem",
     TRUST "served \"b.example\" { link = l }\n", NULL},
    {"anchors are out of reach", SERVED, "ca.pem", SERVED, NULL},
    {"new anchors cannot be read", SERVED, NULL, SERVED "peer \"x\" { ca-file = junk.pem }\n",
     "a ca-file cannot be read, or its revocation lists"},
    {"anchors stay with their lists when the lists are out of reach",
     LINK "trust { ca-file = ca.pem crl-files = {list.pem} }\nserved \"a.example\" { link = l certificate = a.pem key = a.key }\n", "list.pem",
     LINK "trust { ca-file = ca.pem crl-files = {list.pem} }\nserved \"a.example\" { link = l certificate = a.pem key = a.key }\n", NULL},
#ifdef XF_HAVE_SIP
    {"the key for SIP is out of reach", SIP_GOOD, "sip.key", SIP_GOOD, NULL},
    {"another certificate for SIP", SIP_GOOD, NULL, SIP("certificate = sipwild.pem key = sipwild.key"), NULL},
    {"the first for SIP, out of reach", SERVED, "sip.key", SIP_GOOD, "a new certificate for SIP cannot be read"},
#endif
    {"a pin cannot be read", SERVED "peer \"x\" { pins = {rsa.pem} }\n", "rsa.pem", SERVED "peer \"x\" { pins = {rsa.pem} }\n",
     "a pin cannot be read"},
    {"ciphers that nobody knows", SERVED, NULL, SERVED "peer \"x\" { ciphers = \"ROT13\" }\n", "a list of ciphers is not usable"},
};
/* clang-format on */

START_TEST(a_reload_keeps_what_it_cannot_read)
{
    struct loaded before, after;
    load(&before, reloads[_i].before);
    ck_assert_msg(before.report.errors == 0, "%s: %s", reloads[_i].label, before.text);
    xf_certs_seal(before.conf, &before.certs);
    if (reloads[_i].gone)
        files_delete(&files, reloads[_i].gone);
    load(&after, reloads[_i].after);
    const char *refusal = xf_certs_refusal(&after.certs, &before.certs);
    ck_assert_pstr_eq(refusal, reloads[_i].refusal);
    if (!refusal) {
        xf_certs_inherit(&after.certs, &before.certs);
        xf_certs_seal(after.conf, &after.certs);
        for (size_t i = 0; i < after.certs.own_count; i++)
            ck_assert(after.certs.own[i].identity &&
                      xf_tls_identities_has(after.certs.set, xf_span_of(after.certs.own[i].name)));
        for (size_t i = 0; i < after.certs.sip_count; i++)
            ck_assert(after.certs.sip[i].identity &&
                      xf_tls_identities_has(after.certs.sip_set, XF_SPAN("sip.a.example")));
        ck_assert(!xf_tls_identities_has(after.certs.sip_set, XF_SPAN("a.example")));
        for (size_t i = 0; i < after.certs.trust.count; i++)
            ck_assert_ptr_nonnull(after.certs.trust.anchors[i].store);
    }
    unload(&before);
    unload(&after);
}
END_TEST

/* The link goes on with the ca-file that it began with, whatever a reload says. */
START_TEST(a_reload_keeps_the_anchors_of_a_link)
{
    static const char link[] = "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example "
                               "secret-file = secret driver = router ca-file = a.pem }\n";
    static const char rest[] = "trust { ca-file = ca.pem }\nserved \"a.example\" { link = l "
                               "certificate = a.pem key = a.key }\n";
    struct loaded before, after;
    char *with = xf_asprintf("%s%s", link, rest);
    load(&before, with);
    ck_assert_msg(before.report.errors == 0, "%s", before.text);
    ck_assert_uint_eq(before.certs.trust.count, 2);
    load(&after, SERVED);
    const char *ca_file = before.conf->links[0].settings.ca_file;
    xf_trust_keep(&after.certs.trust, &before.certs.trust, ca_file);
    xf_trust_keep(&after.certs.trust, &before.certs.trust, ca_file);
    xf_trust_keep(&after.certs.trust, &before.certs.trust, "");
    ck_assert_uint_eq(after.certs.trust.count, 2);
    ck_assert_str_eq(after.certs.trust.anchors[1].ca_file, ca_file);
    ck_assert_ptr_nonnull(after.certs.trust.anchors[1].store);
    unload(&after);
    unload(&before);
    xf_free(with);
}
END_TEST

/* ---- expiry */

struct heard {
    char text[1024];
};

static void hear(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    struct heard *heard = owner;
    size_t len = strlen(heard->text);
    (void)event;
    snprintf(heard->text + len, sizeof(heard->text) - len, "%s\n", line);
    (void)level;
}

/* The folder's name and quotes out of the lines. */
static void plain(char *text)
{
    char *at, prefix[80];
    snprintf(prefix, sizeof(prefix), "%s/", files.path);
    while ((at = strstr(text, prefix)))
        memmove(at, at + strlen(prefix), strlen(at + strlen(prefix)) + 1);
    while ((at = strchr(text, '"')))
        memmove(at, at + 1, strlen(at));
}

#define DAY_S 86400

/* clang-format off */
static const struct {
    const char *label;
    bool from_start;   /* else from the end of the certificate's time */
    int64_t after_s;
    const char *want;
} ends[] = {
    {"not yet valid", true, -3 * DAY_S - 1, "warn certificate.start.ahead local=a.example file=a.pem days=3\n"},
    {"valid", true, 0, ""},
    {"31 days left", false, -31 * DAY_S, ""},
    {"30 days left", false, -30 * DAY_S, ""},
    {"a second less", false, -30 * DAY_S + 1, "warn certificate.expiry.near local=a.example file=a.pem days=29\n"},
    {"a second left", false, -1, "warn certificate.expiry.near local=a.example file=a.pem days=0\n"},
    {"a second late", false, 1, "error certificate.expired local=a.example file=a.pem days=0\n"},
    {"two days late", false, 2 * DAY_S, "error certificate.expired local=a.example file=a.pem days=2\n"},
};
/* clang-format on */

START_TEST(ends_are_told_from_a_month_before)
{
    struct loaded s;
    struct heard heard = {""};
    struct xf_tls_about about;
    load(&s, SERVED);
    xf_tls_identity_about(s.certs.own[0].identity, &about);
    xf_log_set_sink(hear, &heard);
    xf_expiry_look(&s.certs, s.conf,
                   (ends[_i].from_start ? about.not_before_s : about.not_after_s) +
                       ends[_i].after_s);
    xf_log_set_sink(NULL, NULL);
    plain(heard.text);
    ck_assert_msg(strcmp(heard.text, ends[_i].want) == 0, "%s: %s", ends[_i].label, heard.text);
    unload(&s);
}
END_TEST

START_TEST(ends_are_told_once_a_day)
{
    struct loaded s;
    struct heard heard = {""};
    struct xf_clock clock = {1};
    struct xf_timers *timers = xf_timers_new(&clock);
    struct xf_expiry expiry = {0};
    load(&s, TRUST "served \"a.example\" { link = l certificate = soon.pem key = soon.key }\n"
                   "served \"b.example\" { link = l }\n"
                   "served \"chat.a.example\" { link = l certificate = old.pem key = old.key }\n");
    static const char *const near =
        "warn certificate.expiry.near local=a.example file=soon.pem days=";
    static const char *const gone =
        "\nerror certificate.expired local=chat.a.example file=old.pem days=2\n";
    xf_log_set_sink(hear, &heard);
    const struct xf_expiry what = {.timers = timers, .certs = &s.certs, .conf = s.conf};
    xf_expiry_begin(&expiry, &what);
    for (int days = 1; days <= 3; days++) {
        plain(heard.text);
        ck_assert_msg(strncmp(heard.text, near, strlen(near)) == 0 &&
                          strcmp(strchr(heard.text, '\n'), gone) == 0,
                      "%s", heard.text);
        heard.text[0] = '\0';
        clock.now_ms += 24ull * 3600 * 1000 - 1;
        xf_timers_run(timers);
        ck_assert_str_eq(heard.text, "");
        clock.now_ms++;
        xf_timers_run(timers);
    }
    xf_expiry_end(&expiry);
    ck_assert_uint_eq(xf_timers_next_ms(timers), UINT64_MAX);
    xf_log_set_sink(NULL, NULL);
    xf_timers_free(&timers);
    unload(&s);
}
END_TEST

/* certificate.good ends the alarm of the domain: the worst of its certificates counts. */
START_TEST(one_good_certificate_of_two_is_not_enough)
{
    static const char *const files_of[] = {
        "certificate = {soon.pem, a.pem} key = {soon.key, a.key}",
        "certificate = {a.pem, soon.pem} key = {a.key, soon.key}",
        "certificate = a.pem key = a.key"};
    char text[1024];
    struct loaded s;
    struct heard heard = {""};
    snprintf(text, sizeof(text), TRUST "served \"a.example\" { link = l %s }\n", files_of[_i]);
    load(&s, text);
    xf_log_set_level(XF_LOG_DEBUG);
    xf_log_set_sink(hear, &heard);
    xf_expiry_look(&s.certs, s.conf, xf_unix_s());
    xf_log_set_sink(NULL, NULL);
    xf_log_set_level(XF_LOG_INFO);
    bool has_bad = strstr(files_of[_i], "soon") != NULL;
    ck_assert_msg((strstr(heard.text, "certificate.expiry.near") != NULL) == has_bad, "%s",
                  heard.text);
    ck_assert_msg((strstr(heard.text, "certificate.good") != NULL) == !has_bad, "%s", heard.text);
    unload(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/certs");
    TCase *tc = tcase_create("certs");
    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, make_all, remove_all);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, says_what_is_wrong, 0, XF_ARRAY_LEN(rows));
    tcase_add_loop_test(tc, says_nothing_of_a_name_that_was_refused, 0,
                        (int)XF_ARRAY_LEN(refused_names));
    tcase_add_test(tc, every_name_has_its_certificate);
    tcase_add_test(tc, a_pinned_file_becomes_its_digest);
    tcase_add_loop_test(tc, a_reload_keeps_what_it_cannot_read, 0, XF_ARRAY_LEN(reloads));
    tcase_add_test(tc, a_reload_keeps_the_anchors_of_a_link);
    tcase_add_loop_test(tc, ends_are_told_from_a_month_before, 0, XF_ARRAY_LEN(ends));
    tcase_add_test(tc, ends_are_told_once_a_day);
    tcase_add_loop_test(tc, one_good_certificate_of_two_is_not_enough, 0, 3);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
