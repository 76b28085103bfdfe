/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ua.c — any order of events of peers, network, TLS, time and the owner against the layer ua
 * without I/O.
 *
 * The input is a program of one-byte operations with one-byte operands; the phrases make deep
 * states reachable, FEED brings any bytes. What must hold whatever happens:
 *   - what leaves on any conn is messages that our own strict parser takes, and CRLFs;
 *   - a request reaches the owner only from the peer whose name is in the certificate, and only for
 *     a domain of ours;
 *   - each request of ours ends exactly once, and when everything is cut nothing is left.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "world.h"

#define OPERATIONS_MAX 300
#define FUZZ_WIRES     12
#define OURS_MAX       24 /* requests of ours; the rest of the things is for those of peers */

/* $n is an operand: of a branch, a tag, a number. */
/* clang-format off */
static const char *const phrases[] = {
    "OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n;alias\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>\r\nCall-ID: $n\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    "INVITE sip:u@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>\r\nCall-ID: $n\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:v@h>\r\nContent-Length: 0\r\n\r\n",
    "INVITE sip:u@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>\r\nCall-ID: $n\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    "ACK sip:u@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>;tag=$t\r\nCall-ID: $n\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    "CANCEL sip:u@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>\r\nCall-ID: $n\r\nCSeq: 1 CANCEL\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    "MESSAGE sip:u@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>\r\nCall-ID: $n\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Length: 2\r\n\r\nhi",
    "MESSAGE sip:u@a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n\r\nFrom: <sip:v@c.example>;tag=$n\r\n"
        "To: <sip:u@a.example>\r\nCall-ID: $n\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nl: 0\r\n\r\n",
    "BYE sip:u@sip.a.example SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK$n\r\nFrom: <sip:v@b.example>;tag=$n\r\n"
        "To: <sip:u@a.example>;tag=$t\r\nCall-ID: $n\r\nCSeq: 2 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    "\r\n\r\n", "\r\n",
};
/* clang-format on */
static const unsigned waits_ms[] = {1, 200, 500, 4000, 10000, 32000, 110000, 700000};
static const unsigned statuses[] = {100, 180, 200, 202, 302, 404, 486, 503};
static const enum xf_sip_method methods[] = {XF_SIP_OPTIONS, XF_SIP_INVITE, XF_SIP_MESSAGE,
                                             XF_SIP_BYE};

struct program {
    const uint8_t *at;
    size_t left;
    struct world world;
    char *requests[FUZZ_WIRES]; /* the last request of ours on each wire */
    unsigned ours;
    bool is_drained, has_again;
};

_Noreturn static void broken(const char *promise, const char *text)
{
    fprintf(stderr, "promise broken: %s\n%s\n", promise, text);
    abort();
}

static unsigned take(struct program *p)
{
    if (!p->left)
        return 0;
    p->left--;
    return *p->at++;
}

static struct wire *pick(struct program *p)
{
    unsigned n = take(p);
    return p->world.wire_count ? &p->world.wires[n % p->world.wire_count] : NULL;
}

/* ------------------------------------------------------------------ promises */

static void check_message(struct program *p, size_t wire, const char *text, size_t len)
{
    static struct xf_sip_message message;
    static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
    struct xf_sip_error error;
    char *copy = xf_strndup(text, len);
    if (xf_sip_parse(copy, len, &limits, &message, &error) != XF_ERR_OK)
        broken("we send what our parser takes", text);
    if (message.is_request && message.method != XF_SIP_ACK && message.method != XF_SIP_CANCEL) {
        xf_free(p->requests[wire]);
        p->requests[wire] = xf_strndup(text, len);
    }
    xf_free(copy);
}

static void check_output(struct program *p)
{
    static const struct xf_sip_limits limits = XF_SIP_LIMITS_DEFAULT;
    world_settle(&p->world);
    for (size_t i = 0; i < p->world.wire_count; i++) {
        struct xf_buf *got = &p->world.wires[i].got;
        while (got->len) {
            struct xf_sip_framer framer = {0};
            struct xf_sip_frame frame;
            xf_sip_frame(&framer, xf_buf_ptr(got), got->len, &limits, &frame);
            if (frame.kind == XF_SIP_FRAME_MESSAGE)
                check_message(p, i, xf_buf_ptr(got), frame.len);
            else if (frame.kind != XF_SIP_FRAME_CRLF)
                broken("we send whole messages", xf_buf_ptr(got));
            xf_buf_consume(got, frame.len);
        }
    }
}

static void check_requests(struct program *p)
{
    for (size_t i = 0; i < p->world.thing_count; i++) {
        const struct thing *thing = &p->world.things[i];
        if (thing->peer &&
            (strcmp(thing->peer, "b.example") != 0 || strcmp(thing->from, "b.example") != 0))
            broken("requests come from the peer of the certificate", thing->from);
        if (thing->local && strcmp(thing->local, "a.example") != 0 &&
            strcmp(thing->local, "a2.example") != 0)
            broken("requests are for our domains", thing->local);
    }
}

/* Each request of ours was told `done` once. */
static void check_ended(struct program *p)
{
    for (size_t i = 0; i < p->world.thing_count; i++) {
        const struct thing *thing = &p->world.things[i];
        const char *done = thing->said ? strstr(thing->said, "done ") : NULL;
        if (strcmp(thing->name, "ours") != 0)
            continue;
        if (!done || (!p->has_again && strstr(done + 1, "done ")))
            broken("a request of ours ends once", thing->said ? thing->said : "never");
    }
}

/* ------------------------------------------------------------------ operations */

static void say_phrase(struct program *p, struct wire *wire)
{
    const char *text = phrases[take(p) % XF_ARRAY_LEN(phrases)];
    char n[4] = {'a', (char)('a' + take(p) % 8), '\0', '\0'};
    const char *tag = "id00000000000000000001";
    struct xf_buf out;
    xf_buf_init(&out, 8192);
    for (; *text; text++) {
        bool is_n = text[0] == '$' && text[1] == 'n', is_tag = text[0] == '$' && text[1] == 't';
        if (is_n)
            xf_buf_append_str(&out, n);
        else if (is_tag)
            xf_buf_append_str(&out, tag);
        else
            xf_buf_append(&out, text, 1);
        text += is_n || is_tag;
    }
    world_feed(&p->world, wire, xf_buf_ptr(&out), out.len);
    xf_buf_release(&out);
}

static void feed_bytes(struct program *p, struct wire *wire)
{
    size_t len = take(p);
    len = len < p->left ? len : p->left;
    world_feed(&p->world, wire, (const char *)p->at, len);
    p->at += len;
    p->left -= len;
}

/* The peer answers the last request of ours on this wire. */
static void answer_ours(struct program *p, struct wire *wire)
{
    static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq"};
    const char *request = p->requests[wire - p->world.wires];
    unsigned status = statuses[take(p) % XF_ARRAY_LEN(statuses)], tag = take(p) % 4;
    struct xf_buf out;
    xf_buf_init(&out, 65536);
    xf_buf_appendf(&out, "SIP/2.0 %u X\r\n", status);
    for (size_t i = 0; request && i < XF_ARRAY_LEN(names); i++) {
        char *wanted = xf_asprintf("\r\n%s: ", names[i]);
        const char *at = strstr(request, wanted);
        if (at)
            xf_buf_appendf(&out, "%.*s", (int)strcspn(at + 2, "\r"), at + 2);
        if (i == 2)
            xf_buf_appendf(&out, ";tag=t%u", tag);
        xf_buf_append_str(&out, "\r\n");
        xf_free(wanted);
    }
    xf_buf_append_str(&out, "Contact: <sip:v@h>\r\nContent-Length: 0\r\n\r\n");
    if (request)
        world_feed(&p->world, wire, xf_buf_ptr(&out), out.len);
    xf_buf_release(&out);
}

static void send_ours(struct program *p)
{
    enum xf_sip_method method = methods[take(p) % XF_ARRAY_LEN(methods)];
    if (p->ours == OURS_MAX || p->is_drained)
        return;
    struct thing *thing = world_add_thing(&p->world, "ours");
    const struct xf_ua_request request = {.local = XF_SPAN("a.example"),
                                          .peer = XF_SPAN("b.example"),
                                          .method = method,
                                          .uri = XF_SPAN("sip:v@b.example"),
                                          .from = XF_SPAN("<sip:u@a.example>;tag=o"),
                                          .to = XF_SPAN("<sip:v@b.example>"),
                                          .call_id = XF_SPAN("c"),
                                          .cseq = ++p->ours};
    thing->method = xf_strdup(xf_sip_method_text(method));
    if (xf_ua_send(p->world.ua, &request, &world_client_events, thing, &thing->client) != XF_ERR_OK)
        broken("a good request is taken", "");
}

static void connect_next(struct program *p)
{
    bool is_refused = take(p) % 4 == 0;
    struct fake_conn *fake = fake_conn_next(&p->world.env, NULL);
    if (!fake || p->world.wire_count == FUZZ_WIRES)
        return;
    (void)world_add_wire(&p->world, "o", fake);
    if (is_refused)
        fake_conn_closed(fake, XF_CONN_END_REFUSED);
    else
        fake_conn_connected(fake);
}

static void secure(struct program *p, struct wire *wire)
{
    unsigned how = take(p) % 8;
    struct xf_cert_name name = {.kind = XF_CERT_DNS, .text = (char[]){"sip.b.example"}};
    struct xf_tls_facts facts = {.version = "TLSv1.3",
                                 .chain = how == 1 ? XF_CERT_BAD : XF_CERT_TRUSTED,
                                 .names = &name,
                                 .name_count = how == 2 ? 0 : 1};
    if (wire->fake->wants_tls)
        fake_conn_secured(wire->fake, how == 3 ? NULL : &facts);
}

static void answer_theirs(struct program *p)
{
    unsigned n = take(p), status = statuses[take(p) % XF_ARRAY_LEN(statuses)];
    struct thing *thing = p->world.thing_count ? &p->world.things[n % p->world.thing_count] : NULL;
    if (!thing || !thing->server || status == 100)
        return;
    struct xf_ua_server *server = thing->server;
    bool is_over = status >= 200;
    /* An INVITE is told when it ends; here it is forgotten with its answer. */
    if (is_over) {
        thing->server = NULL;
        xf_ua_server_own(server, NULL, NULL);
    }
    enum xf_err err =
        xf_ua_answer(server, &(struct xf_ua_answer){.status = status,
                                                    .contact = XF_SPAN("<sip:sip.a.example>"),
                                                    .makes_dialog = true});
    if (err == XF_ERR_BAD_VALUE)
        broken("a good answer is taken", "");
}

static void end_wire(struct program *p, struct wire *wire)
{
    wire->has_end = true;
    wire->end = take(p) % 2 ? XF_CONN_END_RESET : XF_CONN_END_EOF;
}

/* The reload that comes trusts the certificate of the oldest conn no more. */
static void distrust(struct program *p)
{
    for (size_t i = 0; i < p->world.wire_count; i++) {
        struct fake_conn *fake = p->world.wires[i].fake;
        if (fake->conn && fake->evidence) {
            fake->evidence->chain = XF_CERT_BAD;
            return;
        }
    }
}

static void set_owner(struct program *p)
{
    unsigned how = take(p);
    p->world.is_full = how & 1;
    p->world.resumes = how & 64;
    p->world.answers = how & 2 ? 200 : 0;
    p->world.again = how >> 5;
    p->has_again |= p->world.again > 0;
    if (how & 4)
        xf_ua_resume(p->world.ua);
    if (how & 8) {
        world_peer(&p->world, "b.example")->has_alias = how & 16;
        (void)world_set(&p->world, "headers", how & 32 ? 7 : 128);
        if (how & 128)
            distrust(p);
        world_reload(&p->world);
    }
}

static void cancel_ours(struct program *p)
{
    unsigned n = take(p);
    struct thing *thing = p->world.thing_count ? &p->world.things[n % p->world.thing_count] : NULL;
    if (thing && thing->client && strcmp(thing->method, "INVITE") == 0)
        xf_ua_cancel(thing->client);
}

static void run_one(struct program *p)
{
    unsigned op = take(p) % 14;
    struct wire *wire = NULL;
    if (op < 7 && !(wire = pick(p)))
        op = 7;
    switch (op) {
    case 0:
        feed_bytes(p, wire);
        break;
    case 1:
    case 2:
        say_phrase(p, wire);
        break;
    case 3:
        secure(p, wire);
        break;
    case 4:
        answer_ours(p, wire);
        break;
    case 5:
        end_wire(p, wire);
        break;
    case 6:
        fake_conn_block(wire->fake, take(p) % 2);
        break;
    case 7:
        if (p->world.wire_count < FUZZ_WIRES)
            (void)world_accept(&p->world, "i", "203.0.113.1:40000", false);
        break;
    case 8:
        send_ours(p);
        break;
    case 9:
        connect_next(p);
        break;
    case 10:
        answer_theirs(p);
        break;
    case 11:
        world_advance(&p->world, waits_ms[take(p) % XF_ARRAY_LEN(waits_ms)]);
        break;
    case 12:
        set_owner(p);
        break;
    default:
        if (take(p) % 16 == 0) {
            xf_ua_drain(p->world.ua);
            p->is_drained = true;
        } else {
            cancel_ours(p);
        }
        break;
    }
}

static struct xf_conf *load_conf(void)
{
    struct world world;
    char *why = NULL;
    if (!world_open(&world, "peer \"b.example\" { route = {\"192.0.2.1:5061\"} }\n", &why))
        broken("the configuration is good", why);
    xf_free(why);
    world.keeps_conf = true;
    world_close(&world);
    return world.conf;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct xf_conf *conf; /* loading it would take most of the time */
    struct program p = {.at = bytes, .left = len};
    if (!conf)
        conf = load_conf();
    world_open_again(&p.world, conf);
    struct peer_row *row = world_peer(&p.world, "b.example");
    row->names = xf_strdup("sip.b.example");
    row->has_alias = true;
    world_peer(&p.world, "c.example")->names = xf_strdup("sip.c.example");
    (void)world_set(&p.world, "hop_conns", 2);
    (void)world_set(&p.world, "own_conns", 3);
    (void)world_set(&p.world, "refused_per_network", 10);
    (void)world_set(&p.world, "request_bytes_per_owner", 2000);
    world_reload(&p.world);
    for (unsigned i = 0; p.left && i < OPERATIONS_MAX; i++) {
        run_one(&p);
        check_output(&p);
    }
    xf_ua_cut(p.world.ua);
    for (size_t i = 0; i < p.world.wire_count; i++)
        fake_conn_block(p.world.wires[i].fake, false);
    check_output(&p);
    check_requests(&p);
    check_ended(&p);
    world_close(&p.world);
    for (size_t i = 0; i < FUZZ_WIRES; i++)
        xf_free(p.requests[i]);
    return 0;
}
