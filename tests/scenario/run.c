/* SPDX-License-Identifier: MIT */
/*
 * run.c — plays a transcript against the gateway (README.md describes the language).
 *
 *     run IDENTITY.pem FILE.xft
 *
 * It plays the transcript three times, each time in a new world: what a peer sends arrives whole,
 * byte by byte, and in pieces of random length (XFT_SEED repeats a failed run). The first step that
 * fails ends the run, with FILE:LINE, what was expected, what happened, and the last events. In the
 * end nothing may be left that the transcript did not name, neither output nor a connect. No line
 * of the log may contain a secret or the text of a message.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#include "phrase.h"
#include "router.h"
#include "script.h"
#include "sip_lines.h"
#include "world.h"
#include "xmlmatch.h"

#define EVENTS_KEPT       20
#define EVENT_SHOWN_BYTES 300
#define LINK_ADDRESS      "127.0.0.1:5347"
#define LINK_STREAM_ID    "linkstream"
#define FEW_BYTES         4096 /* of longer input only both ends are fed byte by byte */
#define PIECE_BYTES       997
#define LOOK_MS           50 /* step of the clock while a connect is awaited */
#define CONTEXT(content_ns)             \
    "<stream:stream xmlns='" content_ns \
    "' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'>"

enum replay { WHOLE, BYTEWISE, RANDOM, REPLAY_COUNT };
static const char *const replay_names[] = {"whole", "byte by byte", "in random pieces"};

struct run {
    struct world world;
    const struct step *step;
    struct xf_map *names; /* captured values, char * by name */
    enum replay replay;
    unsigned seed, random;
    unsigned sip_count; /* messages that peers sent by SIP */
    char *events[EVENTS_KEPT];
    size_t event_count, logs_seen;
    bool *log_is_used;
    bool has_failed;
};

/* ------------------------------------------------------------------ telling */

static void note(struct run *run, const char *fmt, ...) XF_PRINTF(2, 3);

static void note(struct run *run, const char *fmt, ...)
{
    char text[EVENT_SHOWN_BYTES];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char **slot = &run->events[run->event_count++ % EVENTS_KEPT];
    xf_free(*slot);
    *slot = xf_strdup(text);
}

static void note_logs(struct run *run)
{
    const struct fake_env *env = &run->world.env;
    run->log_is_used = xf_realloc(run->log_is_used, env->log_count + 1);
    for (; run->logs_seen < env->log_count; run->logs_seen++) {
        run->log_is_used[run->logs_seen] = false;
        note(run, "     log  %s", env->log[run->logs_seen]);
    }
}

static bool fail(struct run *run, const char *fmt, ...) XF_PRINTF(2, 3);

static bool fail(struct run *run, const char *fmt, ...)
{
    va_list args;
    run->has_failed = true;
    fprintf(stderr, "%s:%d: ", run->step->file, run->step->line);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n  replay: %s, seed %u\n  the last events:\n", replay_names[run->replay],
            run->seed);
    for (size_t i = run->event_count > EVENTS_KEPT ? run->event_count - EVENTS_KEPT : 0;
         i < run->event_count; i++)
        fprintf(stderr, "    %s\n", run->events[i % EVENTS_KEPT]);
    return false;
}

static struct wire *get_wire(struct run *run)
{
    struct wire *wire = world_wire(&run->world, run->step->conn);
    if (!wire)
        (void)fail(run, "there is no conn named %s", run->step->conn);
    return wire;
}

/* Let the world go on until nothing happens, and note what did. */
static void settle(struct run *run)
{
    world_settle(&run->world);
    note_logs(run);
}

/* ------------------------------------------------------------------ the peer's part */

static size_t piece_len(struct run *run, size_t done, size_t left)
{
    size_t len = left;
    if (run->replay == BYTEWISE)
        len = done < FEW_BYTES || left <= FEW_BYTES ? 1 : PIECE_BYTES;
    else if (run->replay == RANDOM)
        len = 1 + (size_t)rand_r(&run->random) % (left > FEW_BYTES ? 3 * PIECE_BYTES : 40);
    return len < left ? len : left;
}

static void feed(struct run *run, struct wire *wire, const char *text, bool in_one_piece)
{
    size_t len = strlen(text);
    note(run, "%5s>  %s", wire->name, text);
    for (size_t done = 0; done < len;) {
        size_t piece = in_one_piece ? len : piece_len(run, done, len - done);
        world_feed(&run->world, wire, text + done, piece);
        done += piece;
    }
    note_logs(run);
}

static bool do_send(struct run *run)
{
    struct wire *wire = get_wire(run);
    if (!wire)
        return false;
    char *text = unit_substitute(run->step->text, run->names);
    bool is_good =
        strchr(text, '$') == NULL || fail(run, "nothing was captured for a name in: %s", text);
    if (is_good)
        feed(run, wire, text, run->step->word != NULL);
    xf_free(text);
    return is_good;
}

static bool do_send_end(struct run *run)
{
    struct wire *wire = get_wire(run);
    if (!wire)
        return false;
    note(run, "%5s>  %s", wire->name, run->step->word);
    wire->has_end = true;
    wire->end = strcmp(run->step->word, "reset") == 0 ? XF_CONN_END_RESET : XF_CONN_END_EOF;
    settle(run);
    return true;
}

static bool do_accept(struct run *run)
{
    const struct step *step = run->step;
    static const char from[] = "from ";
    const char *addr = strstr(step->text, from);
    note(run, "accept %s %s", step->conn, step->text);
    addr = addr ? addr + strlen(from) : "203.0.113.1:40000";
    if (strncmp(step->text, "sip", 3) == 0)
        (void)world_accept_sip(&run->world, step->conn, addr, strstr(step->text, "clear") != NULL);
    else
        (void)world_accept(&run->world, step->conn, addr, strstr(step->text, "direct") != NULL);
    note_logs(run);
    return true;
}

/* The oldest connect that the transcript has not named yet. */
static struct fake_conn *next_connect(struct run *run)
{
    XF_LIST_EACH (node, &run->world.env.conns) {
        struct fake_conn *fake = XF_CONTAINER(node, struct fake_conn, node);
        if (fake->is_outgoing && !fake->is_taken && fake->conn)
            return fake;
    }
    return NULL;
}

/* "192.0.2.10", "192.0.2.10:30000-30009", ":30000-30009"; the family is the target's. */
static bool comes_from(struct run *run, const struct fake_conn *fake, const char *from)
{
    const struct xf_source *source = &fake->source;
    const struct xf_addr *addr = fake->addr.sa.sa_family == AF_INET6 ? &source->v6 : &source->v4;
    char text[XF_ADDR_TEXT_BYTES] = "", got[XF_ADDR_TEXT_BYTES + 16];
    if (addr->sa.sa_family != AF_UNSPEC)
        xf_addr_host_text(addr, text);
    if (source->port_first)
        (void)snprintf(got, sizeof(got), "%s:%u-%u", text, source->port_first, source->port_last);
    else
        (void)snprintf(got, sizeof(got), "%s", text);
    return strcmp(got, from ? from : "") == 0 ||
           fail(run, "expected a connect from \"%s\", got one from \"%s\"", from ? from : "", got);
}

/* A silent one just waits. */
static void refuse(struct fake_conn *fake, const char *word)
{
    static const struct {
        const char *word;
        enum xf_conn_end end;
    } ends[] = {{"refused", XF_CONN_END_REFUSED},
                {"unreachable", XF_CONN_END_UNREACHABLE},
                {"portless", XF_CONN_END_SOURCE}};
    for (size_t i = 0; i < XF_ARRAY_LEN(ends); i++)
        if (strcmp(word, ends[i].word) == 0)
            fake_conn_closed(fake, ends[i].end);
}

static bool connect_as(struct run *run, const char *addr, const char *conn, const char *word,
                       unsigned long wait_ms)
{
    char got[XF_ADDR_TEXT_BYTES] = "no connect";
    struct fake_conn *fake = next_connect(run);
    for (unsigned long ms = 0; !fake && ms < wait_ms; ms += LOOK_MS) {
        world_advance(&run->world, LOOK_MS);
        fake = next_connect(run);
    }
    if (fake)
        xf_addr_text(&fake->addr, got);
    if (!fake || strcmp(got, addr) != 0)
        return fail(run, "expected a connect to %s, got %s", addr, got);
    if (!comes_from(run, fake, run->step->from))
        return false;
    fake->is_taken = true;
    note(run, "connect %s %s", addr, conn ? conn : word);
    if (conn) {
        (void)world_add_wire(&run->world, conn, fake);
        fake_conn_connected(fake);
    } else {
        refuse(fake, word);
    }
    settle(run);
    return true;
}

/* ------------------------------------------------------------------ SIP */

/* Transcripts of this folder are not about keep-alives: see tests/sip. */
static void skip_keep_alives(struct wire *wire)
{
    while (wire->got.len && strchr("\r\n", xf_buf_ptr(&wire->got)[0]))
        xf_buf_consume(&wire->got, 1);
}

static bool do_sip(struct run *run)
{
    struct wire *wire = get_wire(run);
    char *why = NULL, *bytes = NULL;
    if (!wire)
        return false;
    skip_keep_alives(wire);
    if (run->step->kind == STEP_SIP_SEND) {
        bytes =
            sip_lines_make(run->step->text, wire->sip_request, ++run->sip_count, run->names, &why);
        if (bytes)
            feed(run, wire, bytes, false);
    } else if (sip_lines_match(&wire->got, &wire->sip_request, run->step->text, run->names, &why)) {
        note(run, "%5s<  %s", wire->name, run->step->text);
    }
    bool is_good = !why || fail(run, "on %s: %s", wire->name, why);
    xf_free(bytes);
    xf_free(why);
    return is_good;
}

/* ------------------------------------------------------------------ TLS */

static const char *key_value(const char *text, const char *key, size_t *out_len)
{
    size_t len = strlen(key);
    for (const char *at = text; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (strncmp(at, key, len) == 0 && at[len] == '=') {
            *out_len = strcspn(at + len + 1, " ");
            return at + len + 1;
        }
    }
    return NULL;
}

static bool has_value(const char *text, const char *key, const char *value)
{
    size_t len;
    const char *got = key_value(text, key, &len);
    return got && len == strlen(value) && memcmp(got, value, len) == 0;
}

static void add_names(struct xf_tls_facts *facts, const char *text)
{
    size_t len;
    const char *names = key_value(text, "names", &len);
    while (names && len > 0) {
        size_t one = strcspn(names, ", ");
        one = one < len ? one : len;
        facts->names = xf_realloc(facts->names, (facts->name_count + 1) * sizeof(*facts->names));
        facts->names[facts->name_count++] =
            (struct xf_cert_name){XF_CERT_DNS, xf_strndup(names, one)};
        size_t step = one < len ? one + 1 : one;
        names += step;
        len -= step;
    }
}

static bool check_request(struct run *run, const struct xf_tls_request *request)
{
    size_t len;
    const char *sni = key_value(run->step->text, "sni", &len);
    if (sni && (request->peer.len != len || memcmp(request->peer.ptr, sni, len) != 0))
        return fail(run, "the server name of the handshake is %.*s, not %.*s",
                    XF_SPAN_ARGS(request->peer), (int)len, sni);
    if (request->is_direct != has_value(run->step->text, "direct", "yes"))
        return fail(run, "direct TLS: %s", request->is_direct ? "yes" : "no");
    if (has_value(run->step->text, "shown", request->local.len > 0 ? "no" : "yes"))
        return fail(run, "our certificate is shown: %s", request->local.len > 0 ? "yes" : "no");
    if (has_value(run->step->text, "min", "13") != (request->min_version == XF_TLS_1_3))
        return fail(run, "the lowest version of TLS is not what was expected");
    return true;
}

/* spki=BYTE dane=match|mismatch revoked=yes|unknown|no eku=server|client version=12 */
static void add_judgement(struct xf_tls_facts *facts, const char *text)
{
    size_t len;
    const char *spki = key_value(text, "spki", &len);
    if (spki)
        memset(facts->spki_sha256, (int)strtoul(spki, NULL, 16), sizeof(facts->spki_sha256));
    facts->dane = has_value(text, "dane", "match")      ? XF_DANE_MATCH
                  : has_value(text, "dane", "mismatch") ? XF_DANE_MISMATCH
                                                        : XF_DANE_NONE;
    facts->dane_usage = 3;
    facts->revocation = has_value(text, "revoked", "yes")       ? XF_CERT_REVOKED
                        : has_value(text, "revoked", "unknown") ? XF_CERT_UNKNOWN
                        : has_value(text, "revoked", "no")      ? XF_CERT_NOT_REVOKED
                                                                : XF_CERT_NOT_CHECKED;
    facts->for_client = !has_value(text, "eku", "server");
    facts->for_server = !has_value(text, "eku", "client");
    if (has_value(text, "version", "12"))
        (void)snprintf(facts->version, sizeof(facts->version), "TLSv1.2");
}

static void add_fault(struct xf_tls_facts *facts, const char *text)
{
    const char *what = "self-signed certificate";
    if (has_value(text, "fault", "expired")) {
        what = "certificate has expired";
        facts->chain_help = XF_HELP_CERT_EXPIRED;
    } else if (has_value(text, "fault", "early")) {
        what = "certificate is not yet valid";
        facts->chain_help = XF_HELP_CERT_NOT_YET_VALID;
    }
    if (facts->chain != XF_CERT_BAD)
        return;
    (void)snprintf(facts->chain_text, sizeof(facts->chain_text), "%s", what);
    (void)snprintf(facts->origin, sizeof(facts->origin),
                   "issued by 'Example CA', valid from 2026-01-01 to 2026-04-01");
}

static struct xf_tls_facts *facts_of(const char *text, bool is_server)
{
    struct xf_tls_facts *facts = xf_new(struct xf_tls_facts);
    *facts = (struct xf_tls_facts){
        .version = "TLSv1.3",
        .cipher = "TLS_AES_128_GCM_SHA256",
        .is_server = is_server,
        .chain = has_value(text, "chain", "trusted") ? XF_CERT_TRUSTED
                 : has_value(text, "chain", "bad")   ? XF_CERT_BAD
                                                     : XF_CERT_NONE,
    };
    add_judgement(facts, text);
    add_fault(facts, text);
    add_names(facts, text);
    return facts;
}

static bool do_tls(struct run *run)
{
    struct wire *wire = get_wire(run);
    if (!wire)
        return false;
    const char *text = run->step->text;
    bool fails = strncmp(text, "fail", 4) == 0;
    if (!wire->fake->wants_tls && !(fails && wire->fake->conn && wire->fake->conn->tls))
        return fail(run, "no TLS handshake was begun on %s", wire->name);
    note(run, "%5s   tls %s", wire->name, text);
    if (fails) {
        fake_conn_closed(wire->fake,
                         strstr(text, "refused") ? XF_CONN_END_TLS_REFUSED : XF_CONN_END_TLS);
        settle(run);
        return true;
    }
    if (!check_request(run, &wire->fake->tls_request))
        return false;
    struct xf_tls_facts *facts = facts_of(text, wire->fake->tls_request.is_server);
    fake_conn_secured(wire->fake, facts);
    xf_tls_facts_free(&facts);
    settle(run);
    return true;
}

/* A judgement from now on finds this. */
static bool do_judged(struct run *run)
{
    struct wire *wire = get_wire(run);
    if (!wire)
        return false;
    if (!wire->fake->evidence)
        return fail(run, "there is no certificate on %s", wire->name);
    note(run, "%5s   judged %s", wire->name, run->step->text);
    xf_tls_facts_free(&wire->fake->evidence);
    wire->fake->evidence = facts_of(run->step->text, wire->fake->tls_request.is_server);
    return true;
}

/* ------------------------------------------------------------------ output */

static struct xf_span default_context(const struct wire *wire)
{
    return strcmp(wire->name, "link") == 0 ? XF_SPAN(CONTEXT("jabber:component:accept"))
                                           : XF_SPAN(CONTEXT("jabber:server"));
}

static bool take_unit(struct run *run, struct wire *wire, struct xf_span want,
                      enum unit_kind want_kind)
{
    struct unit unit;
    bool is_garbage;
    struct xf_span got = xf_buf_span(&wire->got);
    if (!unit_next(got, &unit, &is_garbage) || unit.kind == UNIT_SPACE)
        return fail(run, "expected on %s: %.*s\n  got: %s%.300s", wire->name, XF_SPAN_ARGS(want),
                    is_garbage ? "garbage: " : "nothing", is_garbage ? got.ptr : "");
    got.len = unit.len;
    note(run, "%5s<  %.*s", wire->name, XF_SPAN_ARGS(got));
    char *why = NULL;
    struct xf_span context = wire->header ? xf_span_of(wire->header) : XF_SPAN("");
    bool is_good =
        unit.kind == want_kind &&
        unit_matches(unit.kind, context, got, default_context(wire), want, run->names, &why);
    if (!is_good)
        (void)fail(run, "expected on %s: %.*s\n  got: %.*s\n  that is: %s", wire->name,
                   XF_SPAN_ARGS(want), (int)(got.len < 2000 ? got.len : 2000), got.ptr,
                   why ? why : "another kind of thing");
    if (unit.kind == UNIT_HEADER) {
        xf_free(wire->header);
        wire->header = xf_span_dup(got);
    }
    xf_buf_consume(&wire->got, unit.len);
    xf_free(why);
    return is_good;
}

static bool expect_units(struct run *run, struct wire *wire, const char *xml)
{
    struct xf_span want = xf_span_of(xml);
    struct unit unit;
    bool is_garbage;
    while (want.len && unit_next(want, &unit, &is_garbage) && unit.kind != UNIT_SPACE) {
        if (!take_unit(run, wire, (struct xf_span){want.ptr, unit.len}, unit.kind))
            return false;
        want.ptr += unit.len;
        want.len -= unit.len;
    }
    return want.len == strspn(want.ptr, " \n") ||
           fail(run, "this is no XML: %.*s", XF_SPAN_ARGS(want));
}

static bool do_expect_xml(struct run *run)
{
    struct wire *wire = get_wire(run);
    if (!wire)
        return false;
    char *xml = unit_substitute(run->step->text, run->names);
    bool is_good = expect_units(run, wire, xml);
    xf_free(xml);
    return is_good;
}

static bool do_expect_error(struct run *run)
{
    struct wire *wire = get_wire(run);
    const char *word = run->step->word;
    char *xml = strcmp(word, "*") == 0
                    ? xf_strdup("<stream:error><any/><rest/></stream:error></stream:stream>")
                    : xf_asprintf("<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                                  "</stream:error></stream:stream>",
                                  word);
    bool is_good = wire && expect_units(run, wire, xml);
    xf_free(xml);
    return is_good;
}

static bool do_expect_bounce(struct run *run)
{
    struct wire *wire = get_wire(run);
    const char *word = run->step->word, *type = phrase_error_type(word);
    const char *end = strstr(run->step->text, "/>");
    if (!wire)
        return false;
    if (!type || !end)
        return fail(run, "accepted: bounced CONDITION <stanza .../>, and conditions of phrase.c");
    char *head = xf_strndup(run->step->text, (size_t)(end - run->step->text));
    size_t name_len = strcspn(head + 1, " ");
    char *xml = xf_asprintf("%s type='error'><error type='%s'><%s "
                            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></%.*s>",
                            head, type, word, (int)name_len, head + 1);
    bool is_good = expect_units(run, wire, xml);
    xf_free(xml);
    xf_free(head);
    return is_good;
}

static bool do_expect_space(struct run *run)
{
    struct wire *wire = get_wire(run);
    struct unit unit;
    bool is_garbage;
    if (!wire)
        return false;
    if (!unit_next(xf_buf_span(&wire->got), &unit, &is_garbage) || unit.kind != UNIT_SPACE)
        return fail(run, "expected white space alone on %s", wire->name);
    xf_buf_clear(&wire->got);
    return true;
}

static bool do_expect_closed(struct run *run)
{
    struct wire *wire = get_wire(run);
    if (!wire)
        return false;
    bool is_closed = wire->fake->conn == NULL && (wire->fake->end == XF_CONN_END_LOCAL ||
                                                  wire->fake->end == XF_CONN_END_TIMEOUT);
    return is_closed || fail(run, "%s was not closed by us", wire->name);
}

static bool nothing_is_left(struct run *run)
{
    struct fake_conn *fake = next_connect(run);
    if (fake) {
        char addr[XF_ADDR_TEXT_BYTES];
        xf_addr_text(&fake->addr, addr);
        return fail(run, "expected nothing, got a connect to %s", addr);
    }
    for (size_t i = 0; i < run->world.wire_count; i++) {
        struct wire *wire = &run->world.wires[i];
        struct xf_span got = xf_buf_span(&wire->got);
        while (got.len && strchr(" \r\n", got.ptr[0])) /* keep-alives */
            got.ptr++, got.len--;
        if (got.len)
            return fail(run, "expected nothing, got on %s: %.*s", wire->name,
                        (int)(got.len < 2000 ? got.len : 2000), got.ptr);
    }
    return true;
}

/* ------------------------------------------------------------------ log */

/* Does the line have this key with this value, quoted or not? */
static bool line_has(const char *line, const char *pair, size_t len)
{
    const char *equals = memchr(pair, '=', len);
    if (!equals)
        return false;
    size_t key = (size_t)(equals - pair), value = len - key - 1;
    for (const char *at = strchr(line, ' '); at; at = strchr(at + 1, ' ')) {
        if (strncmp(at + 1, pair, key + 1) != 0)
            continue;
        const char *got = at + key + 2;
        got += *got == '"';
        if (strncmp(got, equals + 1, value) == 0 && strchr("\" ", got[value]))
            return true;
    }
    return false;
}

static bool line_matches(const char *line, const char *want)
{
    const char *event = strchr(line, ' ');
    size_t len = strcspn(want, " ");
    if (!event || strncmp(event + 1, want, len) != 0 || !strchr(" ", event[1 + len]))
        return false;
    for (want += len; *want; want += len) {
        want += strspn(want, " ");
        len = strcspn(want, " ");
        if (len && !line_has(event, want, len))
            return false;
    }
    return true;
}

static bool do_log(struct run *run, bool is_wanted)
{
    const struct fake_env *env = &run->world.env;
    for (size_t i = 0; i < env->log_count; i++) {
        if ((is_wanted && run->log_is_used[i]) || !line_matches(env->log[i], run->step->text))
            continue;
        if (!is_wanted)
            return fail(run, "this must not be logged: %s", env->log[i]);
        run->log_is_used[i] = true;
        return true;
    }
    return !is_wanted || fail(run, "not logged: %s", run->step->text);
}

static bool log_is_discreet(struct run *run)
{
    static const char *const secrets[] = {WORLD_LINK_SECRET, WORLD_DIALBACK_SECRET, "<body",
                                          "secret text"};
    const struct fake_env *env = &run->world.env;
    for (size_t i = 0; i < env->log_count; i++) {
        for (size_t k = 0; k < XF_ARRAY_LEN(secrets); k++) {
            if (strstr(env->log[i], secrets[k]))
                return fail(run, "a secret or a message stands in the log: %s", env->log[i]);
        }
    }
    return true;
}

/* ------------------------------------------------------------------ link */

/* Play the cluster's part of XEP-0114 §3. */
static bool component_handshake(struct run *run, struct wire *wire)
{
    if (!expect_units(run, wire,
                      "<stream:stream xmlns='jabber:component:accept' "
                      "xmlns:stream='http://etherx.jabber.org/streams'"
                      " to='*'>"))
        return false;
    feed(run, wire,
         "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
         "xmlns:stream='http://etherx.jabber.org/streams'"
         " from='xfedd.a.example' id='" LINK_STREAM_ID "'>",
         false);
    char digest[XF_SHA1_HEX_BYTES + 1];
    const struct xf_span parts[] = {XF_SPAN(LINK_STREAM_ID), XF_SPAN(WORLD_LINK_SECRET)};
    xf_sha1_hex(parts, XF_ARRAY_LEN(parts), digest);
    char *want = xf_asprintf("<handshake>%s</handshake>", digest);
    bool is_good = expect_units(run, wire, want);
    xf_free(want);
    if (is_good)
        feed(run, wire, "<handshake/>", false);
    return is_good;
}

#define ROUTER_HEADER "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' version='1.0'"
#define SASL          " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

/* The header that opens a stream with jabberd2's router, and the router's answer. */
static bool router_header(struct run *run, struct wire *wire, const char *features)
{
    if (!expect_units(run, wire, ROUTER_HEADER ">"))
        return false;
    char *text = xf_asprintf("<?xml version='1.0'?>" ROUTER_HEADER
                             " id='r'><stream:features>%s</stream:features>",
                             features);
    feed(run, wire, text, false);
    xf_free(text);
    return true;
}

static bool router_login(struct run *run, struct wire *wire)
{
    char *base64 = router_base64(ROUTER_CHALLENGE);
    char *challenge = xf_asprintf("<challenge" SASL ">%s</challenge>", base64);
    bool is_good = expect_units(run, wire, "<auth" SASL " mechanism='DIGEST-MD5'/>");
    if (is_good)
        feed(run, wire, challenge, false);
    xf_free(base64);
    xf_free(challenge);
    xf_free(xf_map_remove(run->names, XF_SPAN("response"))); /* of an earlier login */
    is_good = is_good && expect_units(run, wire, "<response" SASL ">$response</response>");
    const char *response = is_good ? xf_map_find(run->names, XF_SPAN("response")) : NULL;
    const struct xf_link_settings *settings = &run->world.conf->links[0].settings;
    char *proof = router_judge(
        xf_span_of(response), *settings->user ? settings->user : settings->name, WORLD_LINK_SECRET);
    char *success = xf_asprintf("<success" SASL ">%s</success>", proof ? proof : "");
    if (proof)
        feed(run, wire, success, false);
    is_good = is_good && (proof || fail(run, "the response is wrong: %s", response));
    xf_free(proof);
    xf_free(success);
    return is_good;
}

/* Play the part of jabberd2's router up to the stream in which names are bound. */
static bool router_handshake(struct run *run, struct wire *wire)
{
    const char *mechanisms = "<mechanisms" SASL "><mechanism>DIGEST-MD5</mechanism></mechanisms>";
    return router_header(run, wire, mechanisms) && router_login(run, wire) &&
           router_header(run, wire, "");
}

/* The conn "link" is connected. */
static bool link_handshake(struct run *run)
{
    struct wire *wire = world_wire(&run->world, "link");
    if (!wire)
        return fail(run, "the link is not connected");
    return run->world.conf->links[0].settings.driver == XF_LINK_ROUTER
               ? router_handshake(run, wire)
               : component_handshake(run, wire);
}

/* ------------------------------------------------------------------ steps */

static bool do_dns(struct run *run)
{
    const char *server = run->step->word;
    note(run, "dns  %s%s%s", server ? server : "", server ? " " : "", run->step->text);
    struct fake_dns *dns = server ? world_resolver(&run->world, server) : run->world.dns;
    return fake_dns_add_line(dns, run->step->text) ||
           fail(run, "not a DNS record: %s", run->step->text);
}

static bool do_step(struct run *run)
{
    const struct step *step = run->step;
    char *why = NULL;
    switch (step->kind) {
    case STEP_CONF:
        return fail(run, "conf comes first");
    case STEP_LINK_MANUAL:
        return fail(run, "link manual comes before everything but conf");
    case STEP_DNS:
        return do_dns(run);
    case STEP_LINK_HANDSHAKE:
        return link_handshake(run);
    case STEP_REFUSE:
        note(run, "refuse %s", step->text);
        xf_free(run->world.refused);
        run->world.refused = xf_strdup(step->text);
        settle(run);
        return true;
    case STEP_ACCEPT:
        return do_accept(run);
    case STEP_EXPECT_CONNECT:
        return connect_as(run, step->text, step->conn, step->word, step->ms);
    case STEP_SEND:
        return do_send(run);
    case STEP_SEND_END:
        return do_send_end(run);
    case STEP_SIP_SEND:
    case STEP_SIP_EXPECT:
        return do_sip(run);
    case STEP_EXPECT_XML:
        return do_expect_xml(run);
    case STEP_EXPECT_ERROR:
        return do_expect_error(run);
    case STEP_EXPECT_BOUNCE:
        return do_expect_bounce(run);
    case STEP_EXPECT_SPACE:
        return do_expect_space(run);
    case STEP_EXPECT_CLOSED:
        return do_expect_closed(run);
    case STEP_TLS:
        return do_tls(run);
    case STEP_JUDGED:
        return do_judged(run);
    case STEP_TIME:
        note(run, "time +%lu ms", step->ms);
        world_advance(&run->world, step->ms);
        note_logs(run);
        return true;
    case STEP_EXPECT_LOG:
        return do_log(run, true);
    case STEP_REFUSE_LOG:
        return do_log(run, false);
    case STEP_EXPECT_NOTHING:
        return nothing_is_left(run);
    case STEP_CONGEST: {
        struct wire *wire = get_wire(run);
        if (wire)
            fake_conn_block(wire->fake, strcmp(step->word, "on") == 0);
        settle(run);
        return wire != NULL;
    }
    case STEP_EXPECT_PAUSED: {
        struct wire *wire = get_wire(run);
        bool is_wanted = strcmp(step->word, "yes") == 0;
        return wire && (wire->fake->is_paused == is_wanted ||
                        fail(run, "%s is %s", wire->name, is_wanted ? "read" : "paused"));
    }
    case STEP_RELOAD:
        note(run, "reload");
        if (world_reload(&run->world, step->text, &why)) {
            settle(run);
            return true;
        }
        (void)fail(run, "%s", why);
        xf_free(why);
        return false;
    case STEP_POOL:
        note(run, "pool %s", step->word);
        run->world.directory.is_held = strcmp(step->word, "hold") == 0;
        settle(run);
        return true;
    case STEP_JUDGEMENTS:
        note(run, "judgements %s", step->word);
        run->world.env.holds_judgements = strcmp(step->word, "hold") == 0;
        settle(run);
        return true;
    case STEP_DIRECTORY:
        note(run, "directory %s", step->word);
        directory_set_away(strcmp(step->word, "away") == 0);
        return true;
    case STEP_DRAIN:
        note(run, "drain %s", step->word);
        xf_routing_drain(run->world.routing);
        for (size_t i = 0; i < run->world.link_count; i++) {
            xf_link_leave(run->world.links[i]);
            xf_link_prove(run->world.links[i]);
        }
        if (strcmp(step->word, "inbound") == 0) {
            for (size_t i = 0; i < run->world.link_count; i++)
                xf_link_hold_no_more(run->world.links[i]);
            (void)xf_routing_return_unmapped(run->world.routing);
            settle(run);
            xf_s2s_drain_inbound(run->world.s2s);
        } else if (strcmp(step->word, "cut") == 0) {
            xf_s2s_cut(run->world.s2s);
            world_end_sip(&run->world, true);
        } else if (strcmp(step->word, "queues") != 0) {
            for (size_t i = 0; i < run->world.link_count; i++)
                xf_link_return_held(run->world.links[i]);
            xf_routing_finish(run->world.routing);
            xf_s2s_drain(run->world.s2s);
            world_end_sip(&run->world, false);
        }
        settle(run);
        return true;
    case STEP_RESTART:
        note(run, "restart");
        if (world_restart(&run->world, step->text, &why)) {
            note_logs(run);
            return connect_as(run, LINK_ADDRESS, "link", NULL, 0) && link_handshake(run);
        }
        (void)fail(run, "%s", why);
        xf_free(why);
        return false;
    }
    return false;
}

static bool do_steps(struct run *run, const struct script *script, size_t at)
{
    bool is_good = true;
    for (size_t i = at; i < script->count && is_good; i++) {
        run->step = &script->steps[i];
        is_good = do_step(run);
    }
    return is_good && nothing_is_left(run) && log_is_discreet(run);
}

static void forget(struct run *run)
{
    size_t cursor = 0;
    void *value;
    while (xf_map_next(run->names, &cursor, NULL, &value))
        xf_free(value);
    xf_map_free(&run->names);
    for (size_t i = 0; i < EVENTS_KEPT; i++)
        xf_free(run->events[i]);
    xf_free(run->log_is_used);
}

static bool replay(const struct script *script, const char *identity, enum replay how,
                   unsigned seed)
{
    static const struct step start = {.file = "(start)"};
    struct run run = {
        .replay = how, .seed = seed, .random = seed, .names = xf_map_new(), .step = &start};
    size_t at = 0;
    const char *conf = "";
    char *why = NULL;
    if (at < script->count && script->steps[at].kind == STEP_CONF)
        conf = script->steps[at++].text;
    bool is_manual = at < script->count && script->steps[at].kind == STEP_LINK_MANUAL;
    bool is_good = world_open(&run.world, conf, identity, &why);
    if (!is_good) {
        (void)fail(&run, "%s", why);
        xf_free(why);
    } else {
        note_logs(&run);
        is_good =
            is_manual || (connect_as(&run, LINK_ADDRESS, "link", NULL, 0) && link_handshake(&run));
        is_good = is_good && do_steps(&run, script, at + is_manual);
        if (is_good)
            world_close(&run.world);
        else
            world_abandon(&run.world);
    }
    forget(&run);
    return is_good;
}

int main(int argc, char **argv)
{
    struct script script;
    if (argc != 3) {
        fputs("usage: run IDENTITY.pem FILE.xft\n", stderr);
        return 64;
    }
    const char *seed_text = getenv("XFT_SEED");
    unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 10) : (unsigned)time(NULL);
    bool is_good = script_load(argv[2], &script);
    for (enum replay how = WHOLE; is_good && how < REPLAY_COUNT; how++)
        is_good = replay(&script, argv[1], how, seed);
    script_free(&script);
    if (!is_good) {
        (void)fflush(stderr);
        _exit(1); /* the world stays as it is: no leak report on top of the failure */
    }
    printf("%s: %d replays, seed %u\n", argv[2], REPLAY_COUNT, seed);
    return 0;
}
