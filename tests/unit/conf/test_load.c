/* SPDX-License-Identifier: MIT */
/* What a configuration that loads says: defaults, values, resolution of peers, dump and sample. */
#include "folder.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>

static struct folder folder;

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "link.secret", "secret of the link\n");
    folder_put_text(&folder, "ldap.secret", "secret of the directory\n");
    folder_put_text(&folder, "database.secret", "secret of the database\n");
    folder_put_text(&folder, "dialback.secret", "\xEF\xBB\xBF  secret of dialback \r\nrest\n");
}

static void remove_files(void)
{
    folder_remove(&folder);
}

static struct xf_conf *load_file(const char *name)
{
    char path[128], *messages = NULL;
    snprintf(path, sizeof(path), "%s/%s", folder.path, name);
    struct xf_conf *conf = NULL;
    enum xf_err err = xf_conf_load(path, &conf, &messages);
    ck_assert_msg(err == XF_ERR_OK, "%s", messages ? messages : "refused without a message");
    xf_free(messages);
    return conf;
}

static struct xf_conf *load(const char *text)
{
    folder_put_text(&folder, "conf", text);
    return load_file("conf");
}

static char *dump(const struct xf_conf *conf)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    xf_conf_dump(conf, XF_DUMP_ALL, out);
    fclose(out);
    return text;
}

static char *sample(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    xf_conf_sample(out);
    fclose(out);
    return text;
}

#define SHORT                                                                               \
    "link l { nodes = {\"127.0.0.1:5347\"} name = GW.example secret-file = link.secret }\n" \
    "served \"A.example.\" { link = l certificate = c.pem key = /etc/c.key aliases = "      \
    "{Conf.A.example} }\n"

/* A file with each section and each kind of value. */
#define FULL                                                                                      \
    "federation = off\n"                                                                          \
    "listen { s2s = {\"0.0.0.0:5269\", \"[::1]:5270\"} s2s-direct = {} control = \"run/x.sock\" " \
    "http = \"\" }\n"                                                                             \
    "dns { servers = {\"127.0.0.1:53\", \"::1\", 192.0.2.1} trust-ad = yes timeout = 1500ms "     \
    "cache-entries = 7 }\n"                                                                       \
    "dialback { secret-file = \"dialback.secret\" }\n"                                            \
    "trust { ca-file = \"\" }\n"                                                                  \
    "unauthenticated { element = 20k elements = 40 half-open = 99 }\n"                            \
    "xml { depth = 32 attributes = 16 start-tag = 10k }\n"                                        \
    "process { log-level = debug user = xfedd drain-time = 0 backoff-min = 1s backoff-max = 2m "  \
    "}\n" SHORT "policy { default = deny }\n"                                                     \
    "defaults { tls = optional certificate = ignore max-stanza = 100000 idle-timeout = 1d "       \
    "ping-interval = 0 }\n"                                                                       \
    "peer \"*.b.example\" { direction = in tls-min = 1.3 ciphers = \"a \\\"b\\\" \\\\ \\${c}\" "  \
    "}\n"                                                                                         \
    "peer \"B.example\" { route = {\"x.b.example:5269\", \"[::1]:1\"} queue-time = 90s }\n"

START_TEST(defaults_are_those_of_the_design)
{
    struct xf_conf *conf = load(SHORT);
    ck_assert(conf->policy.federation);
    ck_assert(conf->policy.default_allow);
    ck_assert_uint_eq(conf->listen.s2s.count, 1);
    ck_assert_str_eq(conf->listen.s2s.item[0], "[::]:5269");
    ck_assert_uint_eq(conf->listen.s2s_direct.count, 0);
    ck_assert_str_eq(conf->listen.http, "");
    ck_assert_uint_eq(conf->dns.servers.count, 0);
    ck_assert_uint_eq(conf->s2s.unauthenticated.element_bytes, 10 * 1024);
    ck_assert_uint_eq(conf->s2s.unauthenticated.elements, 32);
    ck_assert_uint_eq(conf->s2s.unauthenticated.auth_ms, 30000);
    ck_assert_uint_eq(conf->s2s.unauthenticated.dialback_failures, 3);
    ck_assert_uint_eq(conf->s2s.unauthenticated.failures_per_minute, 20);
    ck_assert_uint_eq(conf->s2s.unauthenticated.half_open_per_address, 20);
    ck_assert_uint_eq(conf->s2s.unauthenticated.half_open, 2000);
    ck_assert_uint_eq(conf->s2s.unauthenticated.half_open_per_network, 100);
    ck_assert_uint_eq(conf->s2s.unauthenticated.questions_per_stream, 4);
    ck_assert_uint_eq(conf->s2s.unauthenticated.questions_per_peer, 8);
    ck_assert_uint_eq(conf->s2s.unauthenticated.questions_per_network, 50);
    ck_assert_uint_eq(conf->s2s.unauthenticated.questions, 250);
    ck_assert_uint_eq(conf->trust.crl_files.count, 0);
    ck_assert_str_eq(conf->trust.crl_dir, "");
    ck_assert_str_eq(conf->trust.cert_dir, "/etc/xfedd/certs");
    ck_assert_uint_eq(conf->trust.warn_ms, 30ull * 24 * 3600 * 1000);
    ck_assert_str_eq(conf->history.file, "");
    ck_assert_uint_eq(conf->history.peers, 10000);
    ck_assert(conf->process.sandbox);
    ck_assert_uint_eq(conf->s2s.xml.depth, 64);
    ck_assert_uint_ge(conf->s2s.xml.start_tag_bytes, 61 * 1024);
    ck_assert_int_eq(conf->process.level, XF_LOG_INFO);
    ck_assert_uint_eq(conf->routing.backoff_min_ms, 5000);
    ck_assert_uint_eq(conf->routing.backoff_max_ms, 300000);
    const struct xf_peer_settings *p = &conf->defaults;
    ck_assert_int_eq(p->direction, XF_DIRECTION_BOTH);
    ck_assert_int_eq(p->tls, XF_TLS_REQUIRED);
    ck_assert_int_eq(p->certificate, XF_CERT_PREFERRED);
    ck_assert(p->sasl_in && p->sasl_out && p->dialback && p->direct_tls);
    ck_assert_uint_eq(p->tls_min, 12);
    ck_assert_uint_eq(p->max_stanza_bytes, 512 * 1024);
    ck_assert_uint_eq(p->queue_bytes, 4 * 1024 * 1024);
    ck_assert_uint_eq(p->queue_stanzas, 10000);
    ck_assert_uint_eq(p->queue_ms, 90000);
    ck_assert_uint_eq(p->connect_ms, 10000);
    ck_assert_uint_eq(p->candidate_ms, 8000);
    ck_assert_uint_eq(p->negotiate_ms, 60000);
    ck_assert_uint_eq(p->idle_ms, 600000);
    ck_assert_uint_eq(p->ping_ms, 300000);
    ck_assert_str_eq(p->ca_file, "");
    ck_assert_uint_eq(p->pins.count, 0);
    ck_assert_uint_eq(p->pin_count, 0);
    ck_assert(p->dane && !p->client_eku && p->dialback_by_certificate && p->bidi && !p->multiplex);
    ck_assert_int_eq(p->revocation, XF_REVOCATION_SOFT);
    ck_assert_int_eq(p->downgrade, XF_DOWNGRADE_ALARM);
    ck_assert_uint_eq(p->set.word[0] | p->set.word[1], 0);
    ck_assert_uint_eq(conf->links[0].settings.max_stanza_bytes, 512 * 1024);
    ck_assert_uint_eq(conf->links[0].settings.hold_ms, 10000);
    ck_assert_uint_eq(conf->links[0].settings.hold_bytes, 4096 * 1024);
    ck_assert_uint_eq(conf->links[0].settings.ping_ms, 30000);
    ck_assert(!conf->links[0].settings.per_peer);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(values_arrive_in_their_stored_form)
{
    struct xf_conf *conf = load(FULL);
    char path[128];
    ck_assert(!conf->policy.federation);
    ck_assert(!conf->policy.default_allow);
    ck_assert_uint_eq(conf->listen.s2s.count, 2);
    ck_assert_uint_eq(conf->dns.servers.count, 3);
    ck_assert_uint_eq(conf->dns.timeout_ms, 1500);
    ck_assert_uint_eq(conf->dns.cache_entries, 7);
    ck_assert_str_eq(conf->dialback.secret, "secret of dialback");
    ck_assert_str_eq(conf->links[0].settings.secret, "secret of the link");
    ck_assert_str_eq(conf->links[0].settings.name, "gw.example");
    ck_assert_str_eq(conf->served[0].settings.domain, "a.example");
    ck_assert_str_eq(conf->served[0].settings.aliases.item[0], "conf.a.example");
    ck_assert_str_eq(conf->served[0].settings.key.item[0], "/etc/c.key");
    snprintf(path, sizeof(path), "%s/c.pem", folder.path);
    ck_assert_str_eq(conf->served[0].settings.certificate.item[0], path);
    snprintf(path, sizeof(path), "%s/run/x.sock", folder.path);
    ck_assert_str_eq(conf->listen.control, path);
    ck_assert_str_eq(conf->trust.ca_file, "");
    ck_assert_int_eq(conf->process.level, XF_LOG_DEBUG);
    ck_assert_uint_eq(conf->defaults.max_stanza_bytes, 100000);
    ck_assert_int_eq(conf->served[0].at.line, 10);
    ck_assert_int_eq(conf->peers[0].at.line, 13);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(a_peer_is_resolved_from_the_shortest_pattern_to_its_own_section)
{
    struct xf_conf *conf =
        load(SHORT "defaults { queue-stanzas = 1 }\n"
                   "peer \"*.x\" { queue-stanzas = 2 max-streams = 2 ciphers = X }\n"
                   "peer \"*.b.x\" { queue-stanzas = 3 max-streams = 3 }\n"
                   "peer \"a.b.x\" { queue-stanzas = 4 }\n");
    static const struct {
        const char *peer, *ciphers, *section;
        unsigned stanzas, streams;
    } rows[] = {
        {"y", "", NULL, 1, 64},        {"x", "X", "*.x", 2, 2},
        {"c.x", "X", "*.x", 2, 2},     {"b.x", "X", "*.b.x", 3, 3},
        {"c.b.x", "X", "*.b.x", 3, 3}, {"d.c.b.x", "X", "*.b.x", 3, 3},
        {"a.b.x", "X", "a.b.x", 4, 3}, {"q.a.b.x", "X", "*.b.x", 3, 3},
        {"bb.x", "X", "*.x", 2, 2},    {"ax", "", NULL, 1, 64},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct xf_peer_settings got;
        xf_conf_peer_settings(conf, xf_span_of(rows[i].peer), &got);
        ck_assert_msg(got.queue_stanzas == rows[i].stanzas && got.max_streams == rows[i].streams &&
                          strcmp(got.ciphers, rows[i].ciphers) == 0,
                      "%s: queue-stanzas = %u max-streams = %u ciphers = %s", rows[i].peer,
                      got.queue_stanzas, got.max_streams, got.ciphers);
        const struct xf_conf_peer *section = xf_conf_peer_find(conf, xf_span_of(rows[i].peer));
        ck_assert_pstr_eq(section ? section->pattern : NULL, rows[i].section);
    }
    xf_conf_free(&conf);
}
END_TEST

/*
 * A section with pins replaces those before it whole, digests and all; one that says `pins = {}`
 * takes them away.
 */
START_TEST(pins_come_with_their_digests)
{
#define HEX "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcde"
    struct xf_conf *conf =
        load(SHORT "defaults { pins = {\"sha256:" HEX "0\"} }\n"
                   "peer \"*.x\" { pins = {\"sha256:" HEX "1\", y.pem, \"sha256:" HEX "2\"} }\n"
                   "peer \"a.x\" { bidi = no }\n"
                   "peer \"b.x\" { pins = {} }\n");
    static const struct {
        const char *peer;
        size_t pins, digests;
        unsigned last; /* byte of the last digest */
    } rows[] = {{"y", 1, 1, 0xe0}, {"x", 3, 2, 0xe2}, {"a.x", 3, 2, 0xe2}, {"b.x", 0, 0, 0}};
    struct xf_peer_settings got;
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        xf_conf_peer_settings(conf, xf_span_of(rows[i].peer), &got);
        ck_assert_msg(got.pins.count == rows[i].pins && got.pin_count == rows[i].digests,
                      "%s: %zu pins, %zu digests", rows[i].peer, got.pins.count, got.pin_count);
        ck_assert(got.pin_count == 0 || (got.pin_sha256[got.pin_count - 1][31] == rows[i].last &&
                                         got.pin_sha256[0][13] == 0xab));
    }
    ck_assert(xf_conf_pin_is_file(conf->peers[0].settings.pins.item[1]));
    xf_conf_add_pin(&conf->peers[0].settings, (const uint8_t[32]){7});
    xf_conf_peer_settings(conf, XF_SPAN("a.x"), &got);
    ck_assert_uint_eq(got.pin_count, 3);
    ck_assert_uint_eq(got.pin_sha256[2][0], 7);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(keys_keep_their_lines)
{
    struct xf_conf *conf =
        load(SHORT "peer \"x\" {\n\n bidi = no\n ciphers = y }\ntrust {\n ca-file = \"\" }\n");
    ck_assert_int_eq(xf_conf_line(&conf->peers[0].at, "ciphers"), 6);
    ck_assert_int_eq(xf_conf_line(&conf->peers[0].at, "pins"), 3);
    ck_assert_int_eq(xf_conf_line(&conf->trust_at, "ca-file"), 8);
    ck_assert_int_eq(xf_conf_line(&conf->served[0].at, "key"), 2);
    ck_assert_int_eq(xf_conf_line(&conf->history_at, "file"), 0);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(a_name_of_any_length_resolves)
{
    struct xf_conf *conf = load(SHORT "peer \"*.x\" { queue-stanzas = 2 }\n");
    char name[1000];
    struct xf_peer_settings got;
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 2 ? '.' : 'x';
    for (size_t len = 0; len < sizeof(name); len++)
        xf_conf_peer_settings(conf, (struct xf_span){name, len}, &got);
    xf_conf_peer_settings(conf, (struct xf_span){name, 253}, &got);
    ck_assert_uint_eq(got.queue_stanzas, 2);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(stanzas_must_fit_the_smallest_link)
{
    struct xf_conf *conf =
        load(SHORT "link m { nodes = {\"127.0.0.1:5348\"} name = m.example secret-file = "
                   "link.secret max-stanza = 20k }\n");
    ck_assert_uint_eq(conf->s2s.link_stanza_bytes, 20 * 1024);
    xf_conf_free(&conf);
    conf = load(SHORT);
    ck_assert_uint_eq(conf->s2s.link_stanza_bytes, 512 * 1024);
    xf_conf_free(&conf);
}
END_TEST

static void check_round_trip(const char *text)
{
    struct xf_conf *conf = load(text);
    char *first = dump(conf);
    struct xf_conf *again = load(first);
    char *second = dump(again);
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
    xf_conf_free(&conf);
    xf_conf_free(&again);
}

START_TEST(what_is_dumped_loads_and_dumps_the_same)
{
    check_round_trip(SHORT);
    check_round_trip(FULL);
}
END_TEST

START_TEST(a_dump_names_every_default_and_no_secret)
{
    struct xf_conf *conf = load(FULL);
    char *text = dump(conf);
    ck_assert_ptr_nonnull(strstr(text, "    queue-stanzas           = 10000\n"));
    ck_assert_ptr_nonnull(strstr(text, "    start-tag       = 10k\n"));
    ck_assert_ptr_nonnull(strstr(text, "    idle-timeout            = 1d\n"));
    ck_assert_ptr_nonnull(strstr(text, "    max-stanza              = 100000\n"));
    ck_assert_ptr_null(strstr(text, "of dialback"));
    ck_assert_ptr_null(strstr(text, "of the link"));
    free(text);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(included_files_are_read_from_their_own_folder)
{
    char sub[128];
    snprintf(sub, sizeof(sub), "%s/sub", folder.path);
    ck_assert_int_eq(mkdir(sub, 0700), 0);
    folder_put_text(&folder, "sub/link.conf",
                    "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = s }\n");
    folder_put_text(&folder, "sub/s", "beside the included file");
    struct xf_conf *conf = load("include(\"sub/link.conf\")\n\n"
                                "served \"a.example\" { link = l certificate = c key = k }\n");
    ck_assert_str_eq(conf->links[0].settings.secret, "beside the included file");
    ck_assert_int_eq(conf->served[0].at.line, 3);
    xf_conf_free(&conf);
    snprintf(sub, sizeof(sub), "%s/sub/link.conf", folder.path);
    unlink(sub);
    snprintf(sub, sizeof(sub), "%s/sub/s", folder.path);
    unlink(sub);
    snprintf(sub, sizeof(sub), "%s/sub", folder.path);
    rmdir(sub);
}
END_TEST

START_TEST(the_sample_loads)
{
    char *text = sample();
    struct xf_conf *conf = load(text);
    ck_assert_str_eq(conf->links[0].settings.title, "presence");
    ck_assert_str_eq(conf->served[0].settings.domain, "example.org");
    ck_assert_uint_eq(conf->peer_count, 0);
    free(text);
    xf_conf_free(&conf);
}
END_TEST

#ifdef XF_HAVE_SIP
#define IS_SWITCHED_ON(line) true
#else /* such a build refuses listeners for SIP */
#define IS_SWITCHED_ON(line) \
    (strncmp(line, "#sip = ", 7) != 0 && strncmp(line, "#sip-tcp = ", 11) != 0)
#endif

/* Each commented key of the sample is one that loads, so that an operator may take the # away. */
START_TEST(every_line_of_the_sample_can_be_switched_on)
{
    char *text = sample();
    char *to = text;
    for (char *from = text, *line = text; *from; line = from) {
        size_t len = strcspn(from, "\n") + 1, blanks = strspn(line, " ");
        from += len;
        if (line[blanks] == '#' && line[blanks + 1] != ' ' && IS_SWITCHED_ON(line + blanks)) {
            memmove(to, line + blanks + 1, len - blanks - 1);
            to += len - blanks - 1;
        } else {
            memmove(to, line, len);
            to += len;
        }
    }
    *to = '\0';
    struct xf_conf *conf = load(text);
    ck_assert_uint_eq(conf->peer_count, 1);
    ck_assert_str_eq(conf->peers[0].pattern, "*.partner.example");
    ck_assert_str_eq(conf->process.user, "xfedd");
    ck_assert_str_eq(conf->dialback.secret, "secret of dialback");
    free(text);
    xf_conf_free(&conf);
}
END_TEST

/* What a reload must say it cannot do. */
START_TEST(changes_that_need_a_restart_are_named)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {SHORT, ""},
        {SHORT
         "policy { default = deny }\npeer \"x\" { tls = none }\nprocess { log-level = debug }\n",
         ""},
        {SHORT "served \"c.example\" { link = l certificate = c key = k }\n", ""},
        {SHORT "listen { s2s = {\"1.2.3.4:1\"} }\ndns { timeout = 1s }\n",
         "listen.s2s, dns.timeout"},
        {SHORT "process { user = x }\n", "process.user"},
        {SHORT "memory { heartbeat = 1s }\n", "memory.heartbeat"},
        {SHORT "dialback { secret-file = dialback.secret }\n", "dialback.secret-file"},
        {SHORT "link m { nodes = {\"127.0.0.1:1\"} name = m.example secret-file = link.secret }\n",
         "link"},
    };
    struct xf_conf *running = load(SHORT);
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        char words[256];
        struct xf_conf *next = load(rows[i].text);
        bool needs = xf_conf_needs_restart(running, next, words, sizeof(words));
        ck_assert_str_eq(words, rows[i].want);
        ck_assert_int_eq(needs, rows[i].want[0] != '\0');
        xf_conf_free(&next);
    }
    folder_put_text(&folder, "link.secret", "another");
    struct xf_conf *next = load(SHORT);
    char words[256], few[8];
    ck_assert(xf_conf_needs_restart(running, next, words, sizeof(words)));
    ck_assert_str_eq(words, "the secret of a link");
    ck_assert(xf_conf_needs_restart(running, next, few, sizeof(few)));
    ck_assert_str_eq(few, "the sec");
    xf_conf_free(&next);
    xf_conf_free(&running);
}
END_TEST

/* A reload weighs the nodes of a link anew and drains those that are left out, but adds none. */
START_TEST(nodes_that_need_a_restart_are_named)
{
#define LINK(nodes, more) \
    "link l { nodes = {" nodes "} name = gw.example secret-file = link.secret " more "}\n" SERVED
#define SERVED "served \"a.example\" { link = l certificate = c.pem key = c.key }\n"
#define ONE    "\"127.0.0.1:5347\""
#define TWO    "\"127.0.0.2:5347\""
    static const struct {
        const char *label, *running, *next, *want;
    } rows[] = {
        {"the same", LINK(ONE "," TWO, ""), LINK(ONE "," TWO, ""), ""},
        {"another order", LINK(ONE "," TWO, ""), LINK(TWO "," ONE, ""), ""},
        {"another weight", LINK(ONE "," TWO, ""), LINK(ONE ",\"127.0.0.2:5347 weight=3\"", ""), ""},
        {"no weight", LINK(ONE "," TWO, ""), LINK(ONE ",\"127.0.0.2:5347 weight=0\"", ""), ""},
        {"one left out", LINK(ONE "," TWO, ""), LINK(TWO, ""), ""},
        {"a new one", LINK(ONE, ""), LINK(ONE "," TWO, ""), "link.nodes"},
        {"only a new one", LINK(ONE, ""), LINK(TWO, ""), "link.nodes"},
        {"all that run have no weight", LINK(ONE, ""), LINK("\"127.0.0.1:5347 weight=0\"," TWO, ""),
         "link.nodes"},
        {"one of those that are tried in turn left out", LINK(ONE "," TWO, "names = per-peer "),
         LINK(ONE, "names = per-peer "), "link.nodes"},
        {"one left out, and another limit", LINK(ONE "," TWO, ""), LINK(TWO, "max-stanza = 1M "),
         "link.max-stanza"},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        char words[256];
        struct xf_conf *running = load(rows[i].running), *next = load(rows[i].next);
        bool needs = xf_conf_needs_restart(running, next, words, sizeof(words));
        ck_assert_msg(strcmp(words, rows[i].want) == 0, "%s: %s", rows[i].label, words);
        ck_assert_int_eq(needs, rows[i].want[0] != '\0');
        xf_conf_free(&next);
        xf_conf_free(&running);
    }
#undef LINK
#undef SERVED
#undef ONE
#undef TWO
}
END_TEST

/* What nodes have in common counts, and nothing else. */
START_TEST(a_digest_tells_what_differs_between_nodes)
{
#define BASE SHORT "dialback { secret-file = dialback.secret }\n"
    static const struct {
        const char *label, *text;
        bool is_same;
    } rows[] = {
        {"the same", BASE, true},
        {"addresses to listen on", BASE "listen { s2s = {\"192.0.2.1:1\"} }\n", true},
        {"the store", BASE "memory { node = x uri = \"postgresql://192.0.2.7/x\" }\n", true},
        {"the log level", BASE "process { log-level = debug }\n", true},
        {"another place of the same file", SHORT "dialback { secret-file = ./dialback.secret }\n",
         true},
        {"an address to connect from", BASE "defaults { source = {\"192.0.2.1\"} }\n", true},
        {"our host for SIP", BASE "sip { host = sip1.a.example }\n", true},
        {"no dialback secret", SHORT, false},
        {"another dialback secret", SHORT "dialback { secret-file = other.secret }\n", false},
        {"a policy", BASE "policy { default = deny }\n", false},
        {"a default", BASE "defaults { tls-min = 1.3 }\n", false},
        {"a peer", BASE "peer x.example { tls-min = 1.3 }\n", false},
        {"a served domain", BASE "served c.example { link = l certificate = c key = k }\n", false},
    };
    char wanted[XF_SHA256_HEX_BYTES + 1], digest[XF_SHA256_HEX_BYTES + 1];
    folder_put_text(&folder, "other.secret", "another secret of dialback\n");
    struct xf_conf *conf = load(BASE);
    xf_conf_digest(conf, wanted);
    xf_conf_free(&conf);
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        conf = load(rows[i].text);
        xf_conf_digest(conf, digest);
        ck_assert_msg((strcmp(digest, wanted) == 0) == rows[i].is_same, "%s", rows[i].label);
        xf_conf_free(&conf);
    }
}
END_TEST

START_TEST(the_order_of_sections_makes_no_difference)
{
    char digests[2][XF_SHA256_HEX_BYTES + 1];
    for (int i = 0; i < 2; i++) {
        struct xf_conf *conf =
            load(i ? SHORT "peer y.example { tls = none }\npeer z.example { }\n"
                   : SHORT "peer z.example { }\npeer y.example { tls = none }\n");
        xf_conf_digest(conf, digests[i]);
        xf_conf_free(&conf);
    }
    ck_assert_str_eq(digests[0], digests[1]);
}
END_TEST

START_TEST(ten_thousand_peers_load)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    fputs(SHORT, out);
    for (int i = 0; i < 10000; i++)
        fprintf(out, "peer \"p%d.%s.example\" { tls = optional  max-stanza = 64k }\n", i,
                i % 2 ? "odd" : "even");
    fclose(out);
    struct xf_conf *conf = load(text);
    ck_assert_uint_eq(conf->peer_count, 10000);
    struct xf_peer_settings got;
    xf_conf_peer_settings(conf, XF_SPAN("p9999.odd.example"), &got);
    ck_assert_uint_eq(got.max_stanza_bytes, 64 * 1024);
    free(text);
    xf_conf_free(&conf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/load");
    TCase *tc = tcase_create("load");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, make_files, remove_files);
    tcase_add_test(tc, defaults_are_those_of_the_design);
    tcase_add_test(tc, values_arrive_in_their_stored_form);
    tcase_add_test(tc, a_peer_is_resolved_from_the_shortest_pattern_to_its_own_section);
    tcase_add_test(tc, pins_come_with_their_digests);
    tcase_add_test(tc, keys_keep_their_lines);
    tcase_add_test(tc, a_name_of_any_length_resolves);
    tcase_add_test(tc, stanzas_must_fit_the_smallest_link);
    tcase_add_test(tc, what_is_dumped_loads_and_dumps_the_same);
    tcase_add_test(tc, a_dump_names_every_default_and_no_secret);
    tcase_add_test(tc, included_files_are_read_from_their_own_folder);
    tcase_add_test(tc, the_sample_loads);
    tcase_add_test(tc, a_digest_tells_what_differs_between_nodes);
    tcase_add_test(tc, the_order_of_sections_makes_no_difference);
    tcase_add_test(tc, every_line_of_the_sample_can_be_switched_on);
    tcase_add_test(tc, changes_that_need_a_restart_are_named);
    tcase_add_test(tc, nodes_that_need_a_restart_are_named);
    tcase_add_test(tc, ten_thousand_peers_load);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
