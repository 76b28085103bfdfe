/* SPDX-License-Identifier: MIT */
/*
 * run.c — plays a transcript against the layer ua (README.md has the language).
 *
 *     run FILE.xft
 *
 * Three times, each in a new world: what a peer sends arrives whole, byte by byte, and in pieces of
 * random length (XFT_SEED repeats a failed run). In the end nothing may be left that the transcript
 * did not name, and every message that we sent must have been one that our own strict parser takes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xfed/base/alloc.h>
#include <xfed/base/map.h>
#include <xfed/ua/view.h>

#include "lines.h"
#include "sip_lines.h"
#include "world.h"

#define SHOWN_BYTES 1500
#define PARSED_MAX  65536
#define FEW_BYTES   4096

enum replay { WHOLE, BYTEWISE, RANDOM, REPLAY_COUNT };
static const char *const replay_names[] = {"whole", "byte by byte", "in random pieces"};

struct run {
    struct world world;
    const char *file;
    const struct statement *at;
    struct xf_map *names;
    enum replay replay;
    unsigned seed, random, branches;
    size_t logs_used;
    bool *log_is_used;
    char *tail; /* what happened, newest last */
};

/* ------------------------------------------------------------------ telling */

static bool fail(struct run *run, const char *fmt, ...) XF_PRINTF(2, 3);

static bool fail(struct run *run, const char *fmt, ...)
{
    va_list args;
    const struct fake_env *env = &run->world.env;
    fprintf(stderr, "%s:%d: %s\n  ", run->file, run->at->line, run->at->text);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n  replay: %s, seed %u; the last lines of the log:\n",
            replay_names[run->replay], run->seed);
    for (size_t i = env->log_count > 12 ? env->log_count - 12 : 0; i < env->log_count; i++)
        fprintf(stderr, "    %s\n", env->log[i]);
    return false;
}

/* The word at *text, which moves behind it and blanks; "" at the end. Caller frees. */
static char *word(const char **text)
{
    size_t len = strcspn(*text, " ");
    char *found = xf_strndup(*text, len);
    *text += len;
    *text += strspn(*text, " ");
    return found;
}

/* The value of key=value among the words; NULL: none. Caller frees. */
static char *value_of(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = text; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strncmp(at, key, len) == 0 && at[len] == '=')
            return xf_strndup(at + len + 1, strcspn(at + len + 1, " "));
    return NULL;
}

static bool has_word(const char *text, const char *wanted)
{
    size_t len = strlen(wanted);
    for (const char *at = text; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == len && strncmp(at, wanted, len) == 0)
            return true;
    return false;
}

/* ------------------------------------------------------------------ the peer sends */

static size_t piece_of(struct run *run, size_t done, size_t left)
{
    size_t len = left;
    if (run->replay == BYTEWISE)
        len = done < FEW_BYTES || left <= FEW_BYTES ? 1 : 997;
    else if (run->replay == RANDOM)
        len = 1 + (size_t)rand_r(&run->random) % (left > FEW_BYTES ? 3000 : 60);
    return len < left ? len : left;
}

static void feed(struct run *run, struct wire *wire, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t piece = piece_of(run, done, len - done);
        world_feed(&run->world, wire, text + done, piece);
        done += piece;
    }
}

/* The statement as one text: `start`, and the lines below it. Caller frees. */
static char *text_of(const struct statement *at, const char *start)
{
    char *all = xf_strdup(start);
    for (size_t i = 0; i < at->more_count; i++) {
        char *longer = xf_asprintf("%s\n%s", all, at->more[i]);
        xf_free(all);
        all = longer;
    }
    return all;
}

static bool do_send(struct run *run, struct wire *wire, const char *start)
{
    char *why = NULL, *text = text_of(run->at, start);
    char *bytes = sip_lines_make(text, wire->last_request, ++run->branches, run->names, &why);
    if (bytes)
        feed(run, wire, bytes, strlen(bytes));
    bool is_good = bytes || fail(run, "on %s: %s", wire->name, why);
    xf_free(bytes);
    xf_free(text);
    xf_free(why);
    return is_good;
}

static bool do_send_raw(struct run *run, struct wire *wire, const char *raw)
{
    char *text = text_expand(raw, run->names);
    feed(run, wire, text, strlen(text));
    xf_free(text);
    return true;
}

/* ------------------------------------------------------------------ what we send */

static bool expect_message(struct run *run, struct wire *wire, const char *start)
{
    char *why = NULL, *text = text_of(run->at, start);
    bool is_good = sip_lines_match(&wire->got, &wire->last_request, text, run->names, &why) ||
                   fail(run, "on %s: %s", wire->name, why);
    xf_free(text);
    xf_free(why);
    return is_good;
}

static bool expect_bytes(struct run *run, struct wire *wire, const char *bytes)
{
    size_t len = strlen(bytes);
    if (wire->got.len < len || memcmp(xf_buf_ptr(&wire->got), bytes, len) != 0)
        return fail(run, "there are other bytes on %s: \"%.*s\"", wire->name, (int)wire->got.len,
                    xf_buf_ptr(&wire->got));
    xf_buf_consume(&wire->got, len);
    return true;
}

static bool expect_closed(struct run *run, struct wire *wire)
{
    return (!wire->fake->conn &&
            (wire->fake->end == XF_CONN_END_LOCAL || wire->fake->end == XF_CONN_END_TIMEOUT)) ||
           fail(run, "%s was not closed by us", wire->name);
}

/* "times N START": the same so often */
static bool expect_many(struct run *run, struct wire *wire, const char *wanted)
{
    char *start;
    bool is_good = true;
    for (unsigned long n = strtoul(wanted, &start, 10); n > 0 && is_good; n--)
        is_good = expect_message(run, wire, start + strspn(start, " "));
    return is_good;
}

static bool do_output(struct run *run, struct wire *wire, const char *wanted)
{
    if (strncmp(wanted, "times ", 6) == 0)
        return expect_many(run, wire, wanted + 6);
    if (strcmp(wanted, "closed") == 0)
        return expect_closed(run, wire);
    if (strcmp(wanted, "ping") == 0)
        return expect_bytes(run, wire, "\r\n\r\n");
    if (strcmp(wanted, "pong") == 0)
        return expect_bytes(run, wire, "\r\n");
    return expect_message(run, wire, wanted);
}

/* ------------------------------------------------------------------ conns */

static void add_names(struct xf_tls_facts *facts, const char *names)
{
    for (const char *at = names; at && *at;) {
        size_t len = strcspn(at, ",");
        facts->names = xf_realloc(facts->names, (facts->name_count + 1) * sizeof(*facts->names));
        facts->names[facts->name_count++] =
            (struct xf_cert_name){.kind = XF_CERT_DNS, .text = xf_strndup(at, len)};
        at += len;
        at += *at == ',';
    }
}

static bool do_tls(struct run *run, struct wire *wire, const char *text)
{
    if (!wire->fake->wants_tls)
        return fail(run, "no handshake was begun on %s", wire->name);
    if (has_word(text, "fail")) {
        fake_conn_closed(wire->fake, XF_CONN_END_TLS);
        world_settle(&run->world);
        return true;
    }
    char *names = value_of(text, "names"), *chain = value_of(text, "chain");
    struct xf_tls_facts *facts = xf_new(struct xf_tls_facts);
    *facts = (struct xf_tls_facts){
        .version = "TLSv1.3",
        .cipher = "TLS_AES_128_GCM_SHA256",
        .is_server = wire->fake->tls_request.is_server,
        .chain = chain && strcmp(chain, "bad") == 0 ? XF_CERT_BAD : XF_CERT_TRUSTED,
        .for_client = true,
        .for_server = true,
    };
    if (facts->chain == XF_CERT_BAD)
        (void)snprintf(facts->chain_text, sizeof(facts->chain_text), "certificate has expired");
    add_names(facts, names);
    fake_conn_secured(wire->fake, facts);
    xf_tls_facts_free(&facts);
    xf_free(names);
    xf_free(chain);
    world_settle(&run->world);
    return true;
}

static struct fake_conn *next_connect(struct run *run)
{
    XF_LIST_EACH (node, &run->world.env.conns) {
        struct fake_conn *fake = XF_CONTAINER(node, struct fake_conn, node);
        if (fake->is_outgoing && !fake->is_taken && fake->conn)
            return fake;
    }
    return NULL;
}

/* "ADDRESS as NAME", "ADDRESS refused", "ADDRESS silent" */
static bool do_expect_connect(struct run *run, const char *text)
{
    char got[XF_ADDR_TEXT_BYTES] = "none";
    char *addr = word(&text), *how = word(&text);
    struct fake_conn *fake = next_connect(run);
    if (fake)
        xf_addr_text(&fake->addr, got);
    bool is_good = strcmp(got, addr) == 0 || fail(run, "the next connect goes to: %s", got);
    if (is_good) {
        fake->is_taken = true;
        if (strcmp(how, "as") == 0) {
            (void)world_add_wire(&run->world, text, fake);
            fake_conn_connected(fake);
        } else if (strcmp(how, "refused") == 0) {
            fake_conn_closed(fake, XF_CONN_END_REFUSED);
        }
    }
    xf_free(addr);
    xf_free(how);
    world_settle(&run->world);
    return is_good;
}

static bool do_accept(struct run *run, const char *text)
{
    char *name = word(&text);
    const char *from = strstr(text, "from ");
    (void)world_accept(&run->world, name, from ? from + 5 : "203.0.113.1:40000",
                       has_word(text, "clear"));
    xf_free(name);
    return true;
}

/* "chain=trusted|bad": so it is judged from now on. */
static bool do_judged(struct run *run, struct wire *wire, const char *text)
{
    bool is_bad = has_word(text, "chain=bad");
    if (!wire->fake->evidence)
        return fail(run, "there is no certificate on %s", wire->name);
    wire->fake->evidence->chain = is_bad ? XF_CERT_BAD : XF_CERT_TRUSTED;
    (void)snprintf(wire->fake->evidence->chain_text, sizeof(wire->fake->evidence->chain_text), "%s",
                   is_bad ? "certificate revoked" : "");
    return true;
}

static bool do_wire(struct run *run, const char *text)
{
    char *name = word(&text), *op = word(&text);
    size_t len = strlen(name);
    char mark = len ? name[len - 1] : '\0';
    bool is_raw = strcmp(name + (len < 2 ? 0 : len - 2), ">>") == 0;
    name[len - (len && strchr("<>", mark) ? 1 + is_raw : 0)] = '\0';
    struct wire *wire = world_wire(&run->world, name);
    const char *rest = run->at->text + strcspn(run->at->text, " ");
    rest += strspn(rest, " ");
    bool is_good = true;
    if (!wire)
        is_good = fail(run, "what is %s?", name);
    else if (is_raw)
        is_good = do_send_raw(run, wire, rest);
    else if (mark == '>' && (strcmp(op, "close") == 0 || strcmp(op, "reset") == 0)) {
        wire->has_end = true;
        wire->end = *op == 'c' ? XF_CONN_END_EOF : XF_CONN_END_RESET;
        world_settle(&run->world);
    } else if (mark == '>')
        is_good = do_send(run, wire, rest);
    else if (mark == '<')
        is_good = do_output(run, wire, rest);
    else if (strcmp(op, "tls") == 0)
        is_good = do_tls(run, wire, text);
    else if (strcmp(op, "judged") == 0)
        is_good = do_judged(run, wire, text);
    else if (strcmp(op, "reads") == 0) {
        fake_conn_block(wire->fake, strcmp(text, "no") == 0);
        world_settle(&run->world);
    } else if (strcmp(op, "paused") == 0)
        is_good = wire->fake->is_paused == (strcmp(text, "yes") == 0) ||
                  fail(run, "%s is %spaused", name, wire->fake->is_paused ? "" : "not ");
    else
        is_good = fail(run, "what is %s?", op);
    xf_free(name);
    xf_free(op);
    return is_good;
}

/* ------------------------------------------------------------------ the owner's part */

static bool do_peer(struct run *run, const char *text)
{
    char *domain = word(&text), *rate = value_of(text, "rate");
    struct peer_row *row = world_peer(&run->world, domain);
    xf_free(row->names);
    xf_free(row->also);
    xf_free(row->from);
    xf_free(row->hop);
    row->names = value_of(text, "names");
    row->also = value_of(text, "also");
    row->from = value_of(text, "from");
    row->hop = value_of(text, "hop");
    row->is_clear = has_word(text, "clear");
    row->has_alias = has_word(text, "alias");
    row->takes_sips = has_word(text, "sips");
    row->rate = rate ? (unsigned)strtoul(rate, NULL, 10) : 0;
    xf_free(rate);
    xf_free(domain);
    return true;
}

static bool do_settings(struct run *run, const char *text)
{
    while (*text) {
        char *pair = word(&text), *equals = strchr(pair, '=');
        bool is_good = equals;
        if (equals) {
            *equals = '\0';
            is_good = world_set(&run->world, pair, strtoul(equals + 1, NULL, 10));
        }
        if (!is_good)
            return fail(run, "no setting: %s", pair);
        xf_free(pair);
    }
    return true;
}

/* send NAME METHOD [key=value] and headers: local, peer, uri, from, to, call, cseq, route */
static bool do_request(struct run *run, const char *text)
{
    struct world *world = &run->world;
    struct xf_ua_header headers[MORE_MAX];
    char *lines[MORE_MAX] = {0};
    char *name = word(&text), *method = word(&text);
    char *keys[] = {value_of(text, "peer"), value_of(text, "uri"), value_of(text, "call"),
                    value_of(text, "to")};
    struct thing *thing = world_add_thing(world, name);
    size_t count = 0;
    struct xf_span body = XF_SPAN_NONE;
    thing->method = xf_strdup(method);
    for (size_t i = 0; i < run->at->more_count; i++) {
        lines[i] = text_expand(run->at->more[i], run->names);
        char *colon = strchr(lines[i], ':');
        if (lines[i][0] == '|')
            body = xf_span_of(lines[i] + 2);
        if (!colon || lines[i][0] == '|')
            continue;
        *colon = '\0';
        headers[count++] =
            (struct xf_ua_header){.id = xf_sip_header_of(xf_span_of(lines[i])),
                                  .name = lines[i],
                                  .value = xf_span_of(colon + 1 + strspn(colon + 1, " "))};
    }
    char *call = keys[2] ? xf_strdup(keys[2]) : xf_asprintf("c%u", ++world->cseq);
    const struct xf_ua_request request = {
        .local = XF_SPAN("a.example"),
        .peer = keys[0] ? xf_span_of(keys[0]) : XF_SPAN("b.example"),
        .method = xf_sip_method_of(xf_span_of(method)),
        .uri = keys[1] ? xf_span_of(keys[1]) : XF_SPAN("sip:v@b.example"),
        .from = XF_SPAN("<sip:u@a.example>;tag=ours"),
        .to = keys[3] ? xf_span_of(keys[3]) : XF_SPAN("<sip:v@b.example>"),
        .call_id = xf_span_of(call),
        .cseq = 1,
        .headers = headers,
        .header_count = count,
        .body = body,
    };
    enum xf_err err = xf_ua_send(world->ua, &request, &world_client_events, thing, &thing->client);
    if (err != XF_ERR_OK)
        thing->said = xf_asprintf("failed %d\n", (int)err);
    for (size_t i = 0; i < MORE_MAX; i++)
        xf_free(lines[i]);
    for (size_t i = 0; i < XF_ARRAY_LEN(keys); i++)
        xf_free(keys[i]);
    xf_free(call);
    xf_free(name);
    xf_free(method);
    world_settle(world);
    return true;
}

/* answer NAME STATUS, and headers */
static bool do_answer(struct run *run, const char *text)
{
    struct xf_ua_header headers[MORE_MAX];
    char *lines[MORE_MAX] = {0};
    char *name = word(&text), *status = word(&text);
    struct thing *thing = world_thing(&run->world, name);
    size_t count = 0;
    if (!thing || !thing->server)
        return fail(run, "%s cannot be answered", name);
    for (size_t i = 0; i < run->at->more_count; i++) {
        lines[i] = text_expand(run->at->more[i], run->names);
        char *colon = strchr(lines[i], ':');
        if (!colon)
            continue;
        *colon = '\0';
        headers[count++] =
            (struct xf_ua_header){.id = xf_sip_header_of(xf_span_of(lines[i])),
                                  .name = lines[i],
                                  .value = xf_span_of(colon + 1 + strspn(colon + 1, " "))};
    }
    const char *reason = strstr(text, "reason ");
    struct xf_ua_answer answer = {.status = (unsigned)strtoul(status, NULL, 10),
                                  .reason = xf_span_of(reason ? reason + 7 : NULL),
                                  .makes_dialog = has_word(text, "dialog"),
                                  .headers = headers,
                                  .header_count = count};
    if (answer.makes_dialog)
        answer.contact = XF_SPAN("<sip:sip.a.example;transport=tls>");
    bool is_over = answer.status >= 200 && strcmp(thing->method, "INVITE") != 0;
    struct xf_ua_server *server = thing->server;
    if (is_over)
        thing->server = NULL;
    enum xf_err err = xf_ua_answer(server, &answer);
    for (size_t i = 0; i < MORE_MAX; i++)
        xf_free(lines[i]);
    world_settle(&run->world);
    bool is_good = (err == XF_ERR_OK) == !has_word(text, "lost") ||
                   fail(run, "the answer: %s", xf_err_text(err));
    xf_free(name);
    xf_free(status);
    return is_good;
}

/* expect request NAME METHOD [peer=] [from=] [local=] */
static bool do_expect_request(struct run *run, const char *text)
{
    char *name = word(&text), *method = word(&text);
    struct thing *thing = world_new_request(&run->world);
    char *keys[] = {value_of(text, "peer"), value_of(text, "from"), value_of(text, "local")};
    bool is_good = thing || fail(run, "no request came");
    if (is_good) {
        const char *values[] = {thing->peer, thing->from, thing->local};
        thing->is_new = false;
        xf_free(thing->name);
        thing->name = xf_strdup(name);
        is_good = strcmp(thing->method, method) == 0 || fail(run, "it is %s", thing->method);
        for (size_t i = 0; i < XF_ARRAY_LEN(keys) && is_good; i++)
            is_good = !keys[i] || strcmp(keys[i], values[i]) == 0 || fail(run, "%s", values[i]);
    }
    for (size_t i = 0; i < XF_ARRAY_LEN(keys); i++)
        xf_free(keys[i]);
    xf_free(name);
    xf_free(method);
    return is_good;
}

/* NAME WORDS [help=CODE]: this is what the owner heard of it next */
static bool do_expect_said(struct run *run, const char *name, const char *words)
{
    struct thing *thing = world_thing(&run->world, name);
    if (!thing)
        return fail(run, "what is %s?", name);
    const char *said = thing->said ? thing->said : "", *help = strstr(words, " help=");
    size_t len = strcspn(said, "\n");
    if (len != (help ? (size_t)(help - words) : strlen(words)) || strncmp(said, words, len) != 0)
        return fail(run, "of %s was said: %s", name, *said ? said : "nothing");
    const char *code = xf_help_code(thing->help);
    if (help && (!code || strcmp(help + strlen(" help="), code) != 0))
        return fail(run, "the help for %s is %s", name, code ? code : "none");
    char *rest = xf_strdup(said + len + (said[len] == '\n'));
    xf_free(thing->said);
    thing->said = rest;
    return true;
}

/* ------------------------------------------------------------------ log, time, end */

static bool line_has(const char *line, const char *pair)
{
    const char *equals = strchr(pair, '=');
    size_t key = equals ? (size_t)(equals - pair) + 1 : 0;
    for (const char *at = strchr(line, ' '); at && key; at = strchr(at + 1, ' ')) {
        if (strncmp(at + 1, pair, key) != 0)
            continue;
        const char *got = at + 1 + key;
        got += *got == '"';
        if (strncmp(got, equals + 1, strlen(equals + 1)) == 0 &&
            strchr("\" ", got[strlen(equals + 1)]))
            return true;
    }
    return false;
}

static bool line_matches(const char *line, const char *wanted)
{
    char *event = word(&wanted);
    const char *got = strchr(line, ' ');
    size_t len = strlen(event);
    bool is_good = got && strncmp(got + 1, event, len) == 0 && strchr(" ", got[1 + len]);
    while (*wanted && is_good) {
        char *pair = word(&wanted);
        is_good = line_has(line, pair);
        xf_free(pair);
    }
    xf_free(event);
    return is_good;
}

static bool do_log(struct run *run, const char *wanted, bool is_wanted)
{
    const struct fake_env *env = &run->world.env;
    run->log_is_used = xf_realloc(run->log_is_used, env->log_count + 1);
    while (run->logs_used < env->log_count)
        run->log_is_used[run->logs_used++] = false;
    for (size_t i = 0; i < env->log_count; i++) {
        if ((is_wanted && run->log_is_used[i]) || !line_matches(env->log[i], wanted))
            continue;
        if (!is_wanted)
            return fail(run, "this was logged: %s", env->log[i]);
        run->log_is_used[i] = true;
        return true;
    }
    return !is_wanted || fail(run, "not logged");
}

static bool nothing_is_left(struct run *run)
{
    char addr[XF_ADDR_TEXT_BYTES];
    struct world *world = &run->world;
    struct fake_conn *fake = next_connect(run);
    if (fake) {
        xf_addr_text(&fake->addr, addr);
        return fail(run, "there was a connect to %s", addr);
    }
    for (size_t i = 0; i < world->wire_count; i++)
        if (world->wires[i].got.len)
            return fail(run, "we sent more on %s: \"%.*s\"", world->wires[i].name,
                        (int)(world->wires[i].got.len < SHOWN_BYTES ? world->wires[i].got.len
                                                                    : SHOWN_BYTES),
                        xf_buf_ptr(&world->wires[i].got));
    for (size_t i = 0; i < world->thing_count; i++)
        if (world->things[i].said && *world->things[i].said)
            return fail(run, "of %s was said: %s", world->things[i].name, world->things[i].said);
    return !world_new_request(world) || fail(run, "a request came");
}

static bool do_expect(struct run *run, const char *text)
{
    const char *all = text;
    char *what = word(&text);
    bool is_good;
    if (strcmp(what, "connect") == 0)
        is_good = do_expect_connect(run, text);
    else if (strcmp(what, "request") == 0)
        is_good = do_expect_request(run, text);
    else if (strcmp(what, "log") == 0 || strcmp(what, "no-log") == 0)
        is_good = do_log(run, text, *what == 'l');
    else if (strcmp(all, "nothing") == 0)
        is_good = nothing_is_left(run);
    else
        is_good = do_expect_said(run, what, text);
    xf_free(what);
    return is_good;
}

static bool do_time(struct run *run, const char *text)
{
    char *unit;
    unsigned long n = strtoul(text + (*text == '+'), &unit, 10);
    world_advance(&run->world, strcmp(unit, "ms") == 0 ? n : n * 1000);
    return true;
}

static bool do_owner(struct run *run, const char *text)
{
    run->world.is_full = has_word(text, "full");
    run->world.resumes = has_word(text, "resumes-within");
    const char *answers = strstr(text, "answers ");
    run->world.answers = answers ? (unsigned)strtoul(answers + 8, NULL, 10) : 0;
    const char *again = strstr(text, "sends-again ");
    run->world.again = again ? (unsigned)strtoul(again + 12, NULL, 10) : 0;
    if (has_word(text, "resumes"))
        xf_ua_resume(run->world.ua);
    world_settle(&run->world);
    return true;
}

static bool do_dns(struct run *run, const char *text)
{
    return fake_dns_add_line(run->world.dns, text) || fail(run, "no line of DNS");
}

static bool do_reload(struct run *run, const char *text)
{
    (void)text;
    world_reload(&run->world);
    world_settle(&run->world);
    return true;
}

static bool do_drain(struct run *run, const char *text)
{
    if (has_word(text, "cut"))
        xf_ua_cut(run->world.ua);
    else
        xf_ua_drain(run->world.ua);
    world_settle(&run->world);
    return true;
}

static bool do_close(struct run *run, const char *text)
{
    size_t closed = xf_ua_close_peer(run->world.ua, xf_span_of(text));
    world_settle(&run->world);
    return closed > 0 || fail(run, "%s has no conn", text);
}

static bool do_cancel(struct run *run, const char *text)
{
    struct thing *thing = world_thing(&run->world, text);
    if (!thing || !thing->client)
        return fail(run, "%s cannot be cancelled", text);
    xf_ua_cancel(thing->client);
    world_settle(&run->world);
    return true;
}

static bool do_disown(struct run *run, const char *text)
{
    struct thing *thing = world_thing(&run->world, text);
    if (!thing || !thing->client)
        return fail(run, "%s cannot be disowned", text);
    xf_ua_disown(thing->client);
    thing->client = NULL;
    return true;
}

/* within NAME as OTHER METHOD: a request in the dialog that a peer's request has made */
static bool do_within(struct run *run, const char *text)
{
    struct world *world = &run->world;
    struct xf_ua_request request;
    char *name = word(&text), *as = word(&text), *other = word(&text);
    struct thing *base = world_thing(world, name);
    bool is_good = base && base->has_dialog;
    if (is_good) {
        struct thing *thing = world_add_thing(world, other);
        thing->method = xf_strdup(text);
        is_good = xf_dialog_request(&base->dialog, xf_sip_method_of(xf_span_of(text)), &request) &&
                  xf_ua_send(world->ua, &request, &world_client_events, thing, &thing->client) ==
                      XF_ERR_OK;
    }
    world_settle(world);
    xf_free(name);
    xf_free(as);
    xf_free(other);
    return is_good || fail(run, "there is no such dialog");
}

static bool counts_as(struct run *run, const char *text, const char *key, uint64_t value)
{
    char *wanted = value_of(text, key);
    bool is_good = !wanted || strtoull(wanted, NULL, 10) == value ||
                   fail(run, "%s is %llu", key, (unsigned long long)value);
    xf_free(wanted);
    return is_good;
}

/* in-MESSAGE-2 is how many MESSAGEs of peers ended by a 2xx; out-other-0: without an answer. */
static bool counts_ended(struct run *run, const char *text, const struct xf_ua_counts *counts)
{
    bool is_good = true;
    for (unsigned i = 0; i < XF_UA_DIRS * XF_SIP_METHOD_COUNT * XF_UA_CLASSES && is_good; i++) {
        unsigned class = i % XF_UA_CLASSES, method = i / XF_UA_CLASSES % XF_SIP_METHOD_COUNT,
                 dir = i / XF_UA_CLASSES / XF_SIP_METHOD_COUNT;
        const char *name = xf_sip_method_text((enum xf_sip_method)method);
        char *key =
            xf_asprintf("%s-%s-%u", dir == XF_UA_IN ? "in" : "out", *name ? name : "other", class);
        is_good = counts_as(run, text, key, counts->ended[dir][method][class]);
        xf_free(key);
    }
    return is_good;
}

/* The numbers of xf_ua_count that are named. */
static bool do_counts(struct run *run, const char *text)
{
    struct xf_ua_counts counts;
    xf_ua_count(run->world.ua, &counts);
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"conns", counts.conns},
        {"half-open", counts.half_open},
        {"clients", counts.clients},
        {"servers", counts.servers},
        {"in", counts.requests_in},
        {"refused", counts.refused},
        {"out", counts.requests_out},
        {"unanswered", counts.unanswered},
        {"malformed", counts.malformed},
        {"strays", counts.strays},
        {"no-place", counts.no_place},
        {"opening-in", counts.by[XF_UA_IN].opening},
        {"open-in", counts.by[XF_UA_IN].open},
        {"open-out", counts.by[XF_UA_OUT].open},
        {"tls-in", counts.by[XF_UA_IN].tls_1_2 + counts.by[XF_UA_IN].tls_1_3},
        {"tls-out", counts.by[XF_UA_OUT].tls_1_2 + counts.by[XF_UA_OUT].tls_1_3},
        {"tls-in-bad", counts.by[XF_UA_IN].tls_bad},
        {"tls-out-bad", counts.by[XF_UA_OUT].tls_bad},
    };
    bool is_good = counts_ended(run, text, &counts);
    for (size_t i = 0; i < XF_ARRAY_LEN(rows) && is_good; i++)
        is_good = counts_as(run, text, rows[i].key, rows[i].value);
    return is_good;
}

static bool do_over(struct run *run, const char *text)
{
    (void)text;
    return xf_ua_is_over(run->world.ua) || fail(run, "something is left");
}

static bool do_conf(struct run *run, const char *text) /* taken when the world was made */
{
    (void)run;
    (void)text;
    return true;
}

static const struct {
    const char *name;
    bool (*play)(struct run *run, const char *text);
} verbs[] = {
    {"conf", do_conf},     {"peer", do_peer},     {"settings", do_settings}, {"dns", do_dns},
    {"accept", do_accept}, {"expect", do_expect}, {"send", do_request},      {"answer", do_answer},
    {"cancel", do_cancel}, {"time", do_time},     {"owner", do_owner},       {"reload", do_reload},
    {"drain", do_drain},   {"over", do_over},     {"disown", do_disown},     {"within", do_within},
    {"close", do_close},   {"counts", do_counts},
};

static bool play_one(struct run *run)
{
    const char *text = run->at->text;
    size_t len = strcspn(text, " ");
    for (size_t i = 0; i < XF_ARRAY_LEN(verbs); i++)
        if (strlen(verbs[i].name) == len && strncmp(text, verbs[i].name, len) == 0)
            return verbs[i].play(run, text + len + strspn(text + len, " "));
    return do_wire(run, text);
}

static char *conf_of(const struct statements *script)
{
    struct xf_buf all;
    xf_buf_init(&all, 65536);
    for (size_t i = 0; i < script->count; i++)
        for (size_t k = 0;
             strcmp(script->item[i].text, "conf") == 0 && k < script->item[i].more_count; k++)
            xf_buf_appendf(&all, "%s\n", script->item[i].more[k]);
    char *text = xf_strndup(xf_buf_ptr(&all), all.len);
    xf_buf_release(&all);
    return text;
}

static void play(const char *file, const struct statements *script, enum replay replay,
                 unsigned seed)
{
    struct run run = {.file = file, .replay = replay, .seed = seed, .random = seed};
    char *conf = conf_of(script), *why = NULL;
    bool is_good = world_open(&run.world, conf, &why);
    xf_free(conf);
    if (!is_good) {
        fprintf(stderr, "%s: %s\n", file, why);
        exit(1);
    }
    xf_free(why); /* warnings */
    run.names = xf_map_new();
    for (size_t i = 0; i < script->count && is_good; i++) {
        run.at = &script->item[i];
        is_good = play_one(&run);
    }
    is_good = is_good && nothing_is_left(&run);
    if (!is_good)
        exit(1); /* what is left would only hide the failure */
    world_close(&run.world);
    names_free(&run.names);
    xf_free(run.log_is_used);
}

int main(int argc, char **argv)
{
    struct statements script;
    const char *given = getenv("XFT_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    if (argc != 2 || !statements_load(argv[1], &script))
        return 2;
    for (enum replay replay = WHOLE; replay < REPLAY_COUNT; replay++)
        play(argv[1], &script, replay, seed);
    statements_free(&script);
    return 0;
}
