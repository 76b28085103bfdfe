/* SPDX-License-Identifier: MIT */
/*
 * fuzz_presence.c — any order of events of a SIP peer, of our users, network, link, time, reloads
 * and restarts against the whole gateway without I/O, as far as it is about presence by SIP.
 *
 * The input is a program of one-byte operations with one-byte operands. Tags and Call-IDs are those
 * that we sent, since nobody can guess them. What must hold whatever happens:
 *   - no machine gets an event for which its state has no row (that aborts), nothing is left over;
 *   - what leaves by SIP is messages that our own strict parser takes.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "sip_lines.h"
#include "world.h"

#define FUZZ_WIRES     40
#define OPERATIONS_MAX 300
#define DIALOGS_MAX    4
#define ASKED_MAX      16

/* clang-format off */
#define CONF(settings, peer)                                                                             \
    "listen { sip = {\"127.0.0.1:5061\"} }\n"                                                           \
    "sip { host = sip.a.example certificate = {\"identity.pem\"} key = {\"identity.pem\"} "              \
        "dialogs-file = \"dialogs.db\" away-after = 10m " settings " }\n"                                \
    "link presence { driver = component nodes = {\"127.0.0.1:5347\"} name = xfedd.a.example "            \
        "secret-file = \"link.secret\" ack = none hold-time = 3s }\n"                                    \
    "peer \"b.example\" { protocol = " peer " }\n"                          \
    "peer \"*.b.example\" { protocol = sip route = {\"192.0.2.1:5061\"} sip-subscriptions = 4 }\n"

#define SIP_PEER "sip route = {\"192.0.2.1:5061\"} "

static const char *const confs[] = {
    CONF("subscriptions = 6", SIP_PEER "sip-subscriptions = 4 sip-pending = 2"),
    CONF("subscriptions = 6", SIP_PEER "sip-block = reject sip-subscriptions = 4"),
    CONF("subscriptions = 3", SIP_PEER "users = {\"u@a.example\"}"),
    CONF("subscriptions = 6", SIP_PEER "direction = out"),
    CONF("subscriptions = 6", "xmpp route = {\"192.0.2.1:5269\"}"),
};
static const char *const routed[] = {
    "<presence from='u@a.example' to='v@b.example' type='subscribe'/>",
    "<presence from='u@a.example' to='v@b.example' type='unsubscribe'/>",
    "<presence from='u@a.example' to='v@b.example' type='probe'/>",
    "<presence from='u@a.example' to='v@b.example' type='subscribed'/>",
    "<presence from='u@a.example' to='v@b.example' type='unsubscribed'/>",
    "<presence from='u@a.example/r' to='v@b.example'><show>away</show><status>x</status></presence>",
    "<presence from='u@a.example/s' to='v@b.example'><priority>7</priority></presence>",
    "<presence from='u@a.example/r' to='v@b.example' type='unavailable'/>",
    "<presence from='u@a.example' to='v@b.example' type='unavailable'/>",
    "<presence from='u@a.example' to='v@b.example' type='error'/>",
    "<presence from='w@a.example' to='v@b.example' type='subscribe'/>",
    "<presence from='w@a.example' to='v@b.example' type='subscribed'/>",
    "<presence from='w@a.example' to='v@b.example' type='unsubscribed'/>",
    "<presence from='w@a.example' to='v@sub.b.example' type='subscribe'/>",
    "<presence from='w@a.example' to='v@sub.b.example' type='unsubscribe'/>",
    "<presence from='w@a.example' to='x@b.example' type='subscribe'/>",
    "<message from='u@a.example' to='v@b.example'><body>x</body></message>",
};
static const char *const states[] = {
    "active;expires=600", "active", "pending;expires=60", "active;expires=1", "active;expires=4294967295",
    "terminated", "terminated;reason=deactivated", "terminated;reason=rejected", "terminated;reason=noresource",
    "terminated;reason=invariant", "terminated;reason=probation;retry-after=4294967295", "terminated;reason=timeout",
    "terminated;reason=giveup;retry-after=1", "other",
};
static const char *const bodies[] = {
    "", "\n| <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:v@b.example\"><tuple id=\"t\"><status><basic>open</basic></status><note>x</note></tuple></presence>",
    "\n| <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:v@b.example\"/>", "\n| <presence",
};
static const char *const answers[] = {
    "200", "200\nExpires: 60", "200\nExpires: 0", "200\nExpires: 6", "202", "403", "404", "481", "489",
    "423\nMin-Expires: 900", "423\nMin-Expires: 4294967295", "503\nRetry-After: 1", "503", "603", "100", "400", "408",
};
static const char *const expires[] = {"0", "60", "600", "7200", "1", "4294967295"};
static const unsigned waits_ms[] = {1, 250, 5000, 33000, 61000, 300000, 700000};
/* clang-format on */

struct dialog {
    char tag[64], call_id[128]; /* ours, of a SUBSCRIBE or of an answer to one */
    bool is_ours;               /* our SUBSCRIBE made it */
};

struct asked {
    char *request;
    size_t wire;
};

struct program {
    const uint8_t *at;
    size_t left;
    struct world world;
    struct dialog dialogs[DIALOGS_MAX];
    struct asked asked[ASKED_MAX];
    unsigned dialog_count, asked_count, number;
};

static uint8_t next_byte(struct program *p)
{
    if (p->left == 0)
        return 0;
    p->left--;
    return *p->at++;
}

#define PICK(p, list) ((list)[next_byte(p) % XF_ARRAY_LEN(list)])

static void check(bool holds, const char *what, struct xf_span got)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_presence: %s: %.*s\n", what, XF_SPAN_ARGS(got));
    abort();
}

/* ---- what we sent ---- */

/* The text between `before` and one of `ends`; false: there is none, or it is too long. */
static bool cut(const char *text, const char *before, const char *ends, char *out, size_t size)
{
    const char *at = strstr(text, before);
    size_t len = at ? strcspn(at + strlen(before), ends) : 0;
    if (!at || len == 0 || len >= size)
        return false;
    memcpy(out, at + strlen(before), len);
    out[len] = '\0';
    return true;
}

static void learn_dialog(struct program *p, const char *text, bool is_ours)
{
    struct dialog dialog = {.is_ours = is_ours};
    const char *line = strstr(text, is_ours ? "\r\nFrom: " : "\r\nTo: ");
    if (!line || !cut(line, ";tag=", ";\r", dialog.tag, sizeof(dialog.tag)) ||
        !cut(text, "\r\nCall-ID: ", "\r", dialog.call_id, sizeof(dialog.call_id)))
        return;
    p->dialogs[p->dialog_count++ % DIALOGS_MAX] = dialog;
}

static void learn_request(struct program *p, char *request, size_t wire)
{
    struct asked *asked = &p->asked[p->asked_count++ % ASKED_MAX];
    xf_free(asked->request);
    *asked = (struct asked){request, wire};
}

static void take_sip(struct program *p, size_t number)
{
    struct wire *wire = &p->world.wires[number];
    struct xf_map *names = xf_map_new();
    while (wire->got.len) {
        struct xf_span got = xf_buf_span(&wire->got);
        if (*got.ptr == '\r' || *got.ptr == '\n') { /* a ping, or its answer */
            xf_buf_consume(&wire->got, 1);
            continue;
        }
        char *text = xf_span_dup(got), *request = NULL, *why = NULL;
        bool is_answer = strncmp(text, "SIP/2.0 ", 8) == 0;
        char start[300];
        const char *space = strchr(text, ' '); /* "SIP/2.0 STATUS words", "METHOD URI SIP/2.0" */
        if (is_answer)
            (void)snprintf(start, sizeof(start), "%.3s", text + strlen("SIP/2.0 "));
        else
            (void)snprintf(start, sizeof(start), "%.*s",
                           space ? (int)(space + 1 - text) + (int)strcspn(space + 1, " ") : 0,
                           text);
        bool is_good = sip_lines_match(&wire->got, &request, start, names, &why);
        check(is_good, why ? why : "what we sent is no message", xf_span_of(text));
        if (request)
            learn_request(p, request, number);
        if (!is_answer && strncmp(text, "SUBSCRIBE ", 10) == 0 && strstr(text, "CSeq: 1 "))
            learn_dialog(p, text, true);
        if (is_answer && strncmp(start, "2", 1) == 0 && strstr(text, " SUBSCRIBE\r\n"))
            learn_dialog(p, text, false);
        xf_free(text);
    }
    xf_map_free(&names);
}

static void take_all(struct program *p)
{
    for (size_t i = 0; i < p->world.wire_count; i++)
        if (strncmp(p->world.wires[i].name, "sip", 3) == 0)
            take_sip(p, i);
        else
            xf_buf_clear(&p->world.wires[i].got);
}

/* ---- what others do ---- */

/* The newest conn that the peer made: on ours it may only answer. */
static struct wire *conn_of_peer(struct program *p)
{
    struct wire *wire = world_wire(&p->world, "sip-in");
    return wire && wire->fake->conn ? wire : NULL;
}

static void do_connect(struct program *p, bool is_up)
{
    struct fake_conn *fake = fake_conn_next(&p->world.env, "127.0.0.1:5347");
    bool is_link = fake != NULL;
    if (!fake)
        fake = fake_conn_next(&p->world.env, "192.0.2.1:5061");
    bool is_sip = fake && !is_link;
    if (!fake)
        fake = fake_conn_next(&p->world.env, NULL); /* XMPP, after a reload */
    if (!fake || !fake->conn || !is_up || p->world.wire_count == FUZZ_WIRES) {
        if (fake && fake->conn)
            fake_conn_refused(fake);
        return;
    }
    static const char header[] = "<stream:stream xmlns='jabber:component:accept' "
                                 "xmlns:stream='http://etherx.jabber.org/streams' id='x'>";
    struct wire *wire = world_add_wire(&p->world, is_link ? "link" : is_sip ? "sip" : "xmpp", fake);
    fake_conn_connected(fake);
    if (!is_link)
        return;
    world_feed(&p->world, wire, header, strlen(header));
    world_feed(&p->world, wire, "<handshake/>", 12);
}

static void do_tls(struct program *p, struct wire *wire)
{
    char name_text[20];
    struct xf_cert_name name = {XF_CERT_DNS, name_text};
    struct xf_tls_facts facts = {.version = "TLSv1.3",
                                 .cipher = "TLS_AES_128_GCM_SHA256",
                                 .chain = XF_CERT_TRUSTED,
                                 .names = &name,
                                 .name_count = 1};
    (void)snprintf(name_text, sizeof(name_text), "%s",
                   next_byte(p) % 4 ? "b.example" : "sub.b.example");
    if (wire && wire->fake->wants_tls)
        fake_conn_secured(wire->fake, &facts);
}

static void do_accept(struct program *p)
{
    if (p->world.wire_count < FUZZ_WIRES)
        do_tls(p, world_accept_sip(&p->world, "sip-in", "203.0.113.1:40000", false));
}

static void send_sip(struct program *p, struct wire *wire, const char *statement,
                     const char *request)
{
    struct xf_map *names = xf_map_new();
    char *why = NULL, *bytes = sip_lines_make(statement, request, ++p->number, names, &why);
    check(bytes, why, xf_span_of(statement));
    world_feed(&p->world, wire, bytes, strlen(bytes));
    xf_free(bytes);
    xf_free(why);
    xf_map_free(&names);
}

static void do_notify(struct program *p)
{
    struct wire *wire = conn_of_peer(p);
    const struct dialog *dialog = &p->dialogs[next_byte(p) % DIALOGS_MAX];
    const char *state = PICK(p, states), *body = PICK(p, bodies);
    unsigned cseq = next_byte(p) % 8 ? ++p->number : 1, other = next_byte(p) % 8 == 0;
    if (!wire || !*dialog->tag)
        return;
    char *text = xf_asprintf("NOTIFY sip:u@a.example\nFrom: <sip:v@b.example>;tag=v%u\n"
                             "To: <sip:u@a.example>;tag=%s\nCall-ID: %s\nCSeq: %u NOTIFY\n"
                             "Contact: <sip:h.b.example>\nEvent: presence\n"
                             "Subscription-State: %s%s%s",
                             other, dialog->tag, dialog->call_id, cseq, state,
                             *body ? "\nContent-Type: application/pidf+xml" : "", body);
    send_sip(p, wire, text, NULL);
    xf_free(text);
}

static void do_subscribe(struct program *p)
{
    struct wire *wire = conn_of_peer(p);
    const struct dialog *dialog = &p->dialogs[next_byte(p) % DIALOGS_MAX];
    bool is_first = next_byte(p) % 2;
    const char *user = next_byte(p) % 2 ? "u" : "w", *seconds = PICK(p, expires);
    if (!wire || (!is_first && !*dialog->tag))
        return;
    p->number++;
    char *call_id = is_first ? xf_asprintf("c%u", p->number) : xf_strdup(dialog->call_id);
    char *text = xf_asprintf("SUBSCRIBE sip:%s@a.example\nFrom: <sip:v@b.example>;tag=w\n"
                             "To: <sip:u@a.example>%s%s\nCall-ID: %s\nCSeq: %u SUBSCRIBE\n"
                             "Contact: <sip:v@h.b.example>\nEvent: presence\nExpires: %s",
                             user, is_first ? "" : ";tag=", is_first ? "" : dialog->tag, call_id,
                             p->number, seconds);
    send_sip(p, wire, text, NULL);
    xf_free(text);
    xf_free(call_id);
}

static void do_answer(struct program *p)
{
    unsigned back = next_byte(p) % 4 + 1;
    const char *answer = PICK(p, answers);
    if (back > p->asked_count)
        return;
    struct asked *asked = &p->asked[(p->asked_count - back) % ASKED_MAX];
    if (!asked->request || asked->wire >= p->world.wire_count)
        return;
    send_sip(p, &p->world.wires[asked->wire], answer, asked->request);
}

static void do_route(struct program *p)
{
    struct wire *wire = world_wire(&p->world, "link");
    const char *text = PICK(p, routed);
    if (wire && wire->fake->conn && xf_link_is_up(p->world.links[0]))
        world_feed(&p->world, wire, text, strlen(text));
}

static void do_close(struct program *p)
{
    struct wire *wire =
        p->world.wire_count ? &p->world.wires[next_byte(p) % p->world.wire_count] : NULL;
    if (wire && wire->fake->conn)
        fake_conn_closed(wire->fake, XF_CONN_END_EOF);
}

static void do_reload(struct program *p)
{
    char *why = NULL;
    if (p->world.former_count < RELOADS_MAX)
        xf_require(world_reload(&p->world, PICK(p, confs), &why));
}

static void do_restart(struct program *p)
{
    char *why = NULL;
    xf_require(world_restart(&p->world, NULL, &why));
}

static void do_operation(struct program *p)
{
    switch (next_byte(p) % 16) {
    case 0:
        do_accept(p);
        break;
    case 1:
    case 2:
        do_connect(p, true);
        if (p->world.wire_count)
            do_tls(p, &p->world.wires[p->world.wire_count - 1]);
        break;
    case 3:
        do_connect(p, false);
        break;
    case 4:
        do_close(p);
        break;
    case 5:
        if (next_byte(p) % 4 == 0)
            do_reload(p);
        else if (next_byte(p) % 8 == 0)
            do_restart(p);
        break;
    case 6:
    case 7:
        do_notify(p);
        break;
    case 8:
    case 9:
        do_subscribe(p);
        break;
    case 10:
    case 11:
        do_answer(p);
        break;
    case 12:
    case 13:
    case 14:
        do_route(p);
        break;
    default:
        world_advance(&p->world, PICK(p, waits_ms));
        break;
    }
    world_settle(&p->world);
    take_all(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct program p = {.at = bytes, .left = len};
    char *why = NULL;
    xf_require(world_open(&p.world, confs[next_byte(&p) % 2], XFT_IDENTITY, &why));
    do_connect(&p, true);
    do_accept(&p);
    world_settle(&p.world);
    for (unsigned i = 0; i < OPERATIONS_MAX && p.left > 0; i++)
        do_operation(&p);
    for (unsigned i = 0; i < ASKED_MAX; i++)
        xf_free(p.asked[i].request);
    world_close(&p.world);
    return 0;
}
