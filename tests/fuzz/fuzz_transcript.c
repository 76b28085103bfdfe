/* SPDX-License-Identifier: MIT */
/*
 * fuzz_transcript.c — any order of events of peers, network, TLS and time against the whole gateway
 * without I/O.
 *
 * The input is a program of one-byte operations with one-byte operands; phrases make the deep
 * states reachable for random input, FEED brings any bytes. What must hold whatever happens:
 *   - the link stays up, and carries well-formed stanzas only;
 *   - a stanza on the link that is no error comes from b.example, and only when b.example could
 * prove itself (first byte odd: its certificate is good and it has a DNS entry; even: neither), and
 * goes to a domain of ours;
 *   - what leaves on any stream is well-formed.
 * Built by clang with -fsanitize=fuzzer it is a libFuzzer target; otherwise main() replays the
 * files of its arguments.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/jid.h>

#include "phrase.h"
#include "world.h"
#include "xmlmatch.h"

#define FUZZ_WIRES     16
#define OPERATIONS_MAX 400

/* clang-format off */
static const char *const phrases[] = {
    "header from=b.example to=a.example", "header from=b.example to=a.example id=s1", "header from=b.example to=a.example version=none",
    "header from=c.example to=a.example", "header to=chat.a.example", "starttls", "proceed", "tls-failure", "external =",
    "external Yi5leGFtcGxl", "external Yy5leGFtcGxl", "success", "failure not-authorized", "features starttls-required", "features dialback",
    "features external dialback", "features", "stream-error host-unknown", "footer",
};
static const char *const texts[] = {
    "<db:result from='b.example' to='a.example'>key</db:result>",
    "<db:result from='c.example' to='a.example'>key</db:result>",
    "<db:result from='b.example' to='a.example' type='valid'/>",
    "<db:verify from='b.example' to='a.example' id='id00000000000000000001' type='valid'/>",
    "<db:verify from='b.example' to='a.example' id='s1'>key</db:verify>",
    "<message from='v@b.example' to='u@a.example' id='m'><body>x</body></message>",
    "<message from='v@c.example' to='u@a.example' id='m'/>",
    "<iq from='v@b.example' to='u@chat.a.example' type='get' id='q'><q xmlns='urn:x'/></iq>",
    "<presence from='v@b.example/r' to='u@a.example'/>",
};
static const char *const routed[] = {
    "<message from='u@a.example' to='v@b.example' id='r1'/>",
    "<iq from='u@a.example' to='v@c.example' type='get' id='r2'/>",
    "<presence from='u@chat.a.example' to='v@b.example' type='subscribe'/>",
};
static const unsigned waits_ms[] = {1, 250, 1000, 5000, 31000, 61000, 300000, 700000};
/* clang-format on */

struct program {
    const uint8_t *at;
    size_t left;
    struct world world;
    bool is_trusted;
};

static uint8_t next_byte(struct program *p)
{
    if (p->left == 0)
        return 0;
    p->left--;
    return *p->at++;
}

static struct wire *some_wire(struct program *p)
{
    return p->world.wire_count ? &p->world.wires[next_byte(p) % p->world.wire_count] : NULL;
}

static void feed_text(struct program *p, struct wire *wire, const char *text)
{
    if (wire && strcmp(wire->name, "link") != 0)
        world_feed(&p->world, wire, text, strlen(text));
}

static void do_accept(struct program *p, bool is_direct)
{
    if (p->world.wire_count < FUZZ_WIRES)
        (void)world_accept(&p->world, "in", "203.0.113.1:40000", is_direct);
}

static void do_connect(struct program *p, bool is_up)
{
    struct fake_conn *fake = fake_conn_next(&p->world.env, NULL);
    if (!fake || !fake->conn || !is_up || p->world.wire_count == FUZZ_WIRES) {
        if (fake && fake->conn)
            fake_conn_refused(fake);
        return;
    }
    (void)world_add_wire(&p->world, "out", fake);
    fake_conn_connected(fake);
}

static void do_tls(struct program *p, struct wire *wire)
{
    struct xf_cert_name name = {XF_CERT_DNS, (char[]){"b.example"}};
    struct xf_tls_facts facts = {
        .version = "TLSv1.3",
        .cipher = "TLS_AES_128_GCM_SHA256",
        .chain = p->is_trusted ? XF_CERT_TRUSTED : XF_CERT_BAD,
        .names = &name,
        .name_count = 1,
    };
    if (wire && wire->fake->wants_tls)
        fake_conn_secured(wire->fake, &facts);
}

static void do_feed(struct program *p)
{
    struct wire *wire = some_wire(p);
    size_t len = next_byte(p);
    len = len < p->left ? len : p->left;
    if (wire && len && strcmp(wire->name, "link") != 0)
        world_feed(&p->world, wire, (const char *)p->at, len);
    p->at += len;
    p->left -= len;
}

static void do_phrase(struct program *p)
{
    struct wire *wire = some_wire(p);
    char *xml = phrase_xml(phrases[next_byte(p) % XF_ARRAY_LEN(phrases)]);
    feed_text(p, wire, xml);
    xf_free(xml);
}

static void do_route(struct program *p)
{
    const char *text = routed[next_byte(p) % XF_ARRAY_LEN(routed)];
    world_feed(&p->world, &p->world.wires[0], text, strlen(text));
}

static void do_close(struct wire *wire)
{
    if (wire && strcmp(wire->name, "link") != 0)
        fake_conn_closed(wire->fake, XF_CONN_END_EOF);
}

static void do_operation(struct program *p)
{
    struct wire *wire;
    switch (next_byte(p) % 11) {
    case 0:
        do_accept(p, false);
        break;
    case 1:
        do_accept(p, true);
        break;
    case 2:
        do_connect(p, true);
        break;
    case 3:
        do_connect(p, false);
        break;
    case 4:
        do_tls(p, some_wire(p));
        break;
    case 5:
        do_feed(p);
        break;
    case 6:
        do_phrase(p);
        break;
    case 7:
        wire = some_wire(p);
        feed_text(p, wire, texts[next_byte(p) % XF_ARRAY_LEN(texts)]);
        break;
    case 8:
        do_route(p);
        break;
    case 9:
        do_close(some_wire(p));
        break;
    default:
        world_advance(&p->world, waits_ms[next_byte(p) % XF_ARRAY_LEN(waits_ms)]);
        break;
    }
    world_settle(&p->world);
}

/* ---- what must hold ---- */

static void check(bool holds, const char *what, struct xf_span got)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_transcript: %s: %.*s\n", what, XF_SPAN_ARGS(got));
    abort();
}

static bool has_text(struct xf_span text, const char *what)
{
    return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static bool is_well_formed(enum unit_kind kind, struct xf_span context, struct xf_span unit)
{
    struct xf_map *names = xf_map_new();
    char *why = NULL;
    bool is_good = unit_matches(kind, context, unit, context, unit, names, &why);
    size_t cursor = 0;
    void *value;
    while (xf_map_next(names, &cursor, NULL, &value))
        xf_free(value);
    xf_free(why);
    xf_map_free(&names);
    return is_good;
}

static void check_stanza(const struct program *p, struct xf_span stanza)
{
    if (has_text(stanza, " type='error'") || has_text(stanza, " type=\"error\""))
        return;
    check(p->is_trusted, "a stanza of a peer that cannot prove itself reached the link", stanza);
    check(has_text(stanza, "@b.example") && has_text(stanza, "a.example"),
          "a forged stanza reached the link", stanza);
}

static void check_wire(const struct program *p, struct wire *wire)
{
    struct xf_span got = xf_buf_span(&wire->got);
    struct unit unit;
    bool is_garbage = false;
    while (got.len && unit_next(got, &unit, &is_garbage) && unit.kind != UNIT_SPACE) {
        struct xf_span text = {got.ptr, unit.len};
        if (unit.kind == UNIT_HEADER) {
            xf_free(wire->header);
            wire->header = xf_span_dup(text);
        }
        check(is_well_formed(unit.kind, xf_span_of(wire->header), text),
              "what we sent is not well-formed", text);
        if (unit.kind == UNIT_ELEMENT && strcmp(wire->name, "link") == 0 &&
            !has_text(text, "<handshake"))
            check_stanza(p, text);
        got.ptr += unit.len;
        got.len -= unit.len;
    }
    check(!is_garbage, "we sent garbage", got);
}

/* ---- one run ---- */

static void open_link(struct world *world)
{
    static const char header[] = "<stream:stream xmlns='jabber:component:accept' "
                                 "xmlns:stream='http://etherx.jabber.org/streams' id='x'>";
    struct fake_conn *fake = fake_conn_next(&world->env, "127.0.0.1:5347");
    xf_require(fake);
    struct wire *wire = world_add_wire(world, "link", fake);
    fake_conn_connected(fake);
    world_feed(world, wire, header, strlen(header));
    world_feed(world, wire, "<handshake/>", 12);
    xf_require(xf_link_is_up(world->links[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct program p = {.at = bytes, .left = len};
    char *why = NULL;
    p.is_trusted = next_byte(&p) & 1;
    xf_require(world_open(&p.world, "", XFT_IDENTITY, &why));
    if (p.is_trusted)
        xf_require(fake_dns_add_line(p.world.dns, "b.example A 192.0.2.1"));
    open_link(&p.world);
    for (unsigned i = 0; i < OPERATIONS_MAX && p.left > 0; i++)
        do_operation(&p);
    check(xf_link_is_up(p.world.links[0]), "the link was lost", XF_SPAN_NONE);
    for (size_t i = 0; i < p.world.wire_count; i++)
        check_wire(&p, &p.world.wires[i]);
    world_close(&p.world);
    return 0;
}
