/* SPDX-License-Identifier: MIT */
/*
 * test_link.c — transcripts of a component link over fake conns and a fake clock. A case is a list
 * of steps; the sender of every stanza is a peer, its id names it. Times are chosen beside the
 * jitter of 25 %.
 */
#include <xfed/link/link.h>

#include <check.h>
#include <stdio.h>

#include "fake_conn.h"

#include <xfed/base/alloc.h>
#include <xfed/xmpp/stanza_copy.h>

#define CONNS_MAX 8
#define HEADER(name)                                                       \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " \
    "xmlns:stream='http://etherx.jabber.org/streams' to=\"" name "\">"
#define SERVER_HEADER                                          \
    "<stream:stream xmlns='jabber:component:accept' "          \
    "xmlns:stream='http://etherx.jabber.org/streams' id='s1' " \
    "from='gw.example'>"
#define PROOF \
    "<handshake>35436b8050136d6e6d41ffb478b03c698b105896</handshake>" /* sha1("s1sesame") */
#define NAMELESS                                      \
    "<stream:stream xmlns='jabber:component:accept' " \
    "xmlns:stream='http://etherx.jabber.org/streams'>"
#define FOOTER "</stream:stream>"
#define ERROR(condition)        \
    "<stream:error><" condition \
    " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
/* clang-format off */
#define TEXT(literal) {literal, sizeof(literal) - 1}
/* clang-format on */
#define WRITTEN(id) \
    "<message from=\"u@b.example\" to=\"v@a.example\" id=\"" id "\"><body>hi</body></message>"

/* The ping that follows, the nth of the kth stream that pinged; answers to it. */
#define PING_ID(k, n) "xfedd-link-id0000000000000000000" k "-" n
#define PING(k, n)                                                         \
    "<iq from=\"gw.example\" to=\"a.example\" type=\"get\" id=\"" PING_ID( \
        k, n) "\"><ping xmlns='urn:xmpp:ping'/></iq>"
#define PONG(k, n) "<iq type='result' from='a.example' to='gw.example' id='" PING_ID(k, n) "'/>"
#define OWN_PING(k, n)                                                      \
    "<iq from=\"gw.example\" to=\"gw.example\" type=\"get\" id=\"" PING_ID( \
        k, n) "\"><ping xmlns='urn:xmpp:ping'/></iq>"
#define LEAVES "<presence type='unavailable' from=\"gw.example\" to=\"gw.example\"/>"
#define AGAIN(id, seconds)                                      \
    "<message from=\"u@b.example\" to=\"v@a.example\" id=\"" id \
    "\"><delay xmlns=\"urn:xmpp:delay\" from=\"gw.example\" "   \
    "stamp=\"2026-01-01T00:00:" seconds "Z\"/><body>hi</body></message>"

enum op {
    DIAL,      /* conn n is the next connect, to text */
    NO_DIAL,   /* nothing more was dialled */
    CONNECTED, /* conn n */
    REFUSED,
    FEED,       /* text on conn n */
    SENT,       /* exactly text on conn n since the last time; "" for nothing */
    SENT_COUNT, /* stanzas since the last time on conn n: ms */
    LOST,       /* the connection of conn n breaks */
    GONE,       /* we closed conn n */
    JOIN,       /* DIAL text, CONNECTED, header and handshake both ways: conn n is up */
    BLOCK,
    UNBLOCK,
    WAIT,            /* ms */
    SEND,            /* a message with id text: xf_link_send says OK */
    SEND_FROM,       /* ... of the peer text */
    SEND_NONE,       /* ... which is refused: there are too many peers */
    SEND_TO,         /* ... to the user text of a.example */
    SEND_IQ,         /* a request with id text */
    SEND_RESULT,     /* a result with id text */
    SEND_MANY,       /* ms messages of 1000 bytes */
    SEND_IS,         /* ... of ms bytes with result text: "ok", "limit", "closed" */
    SEND_LARGE,      /* ... of ms bytes of the peer text: OK */
    SEND_LARGE_NONE, /* ... which is refused */
    SEND_BARE,       /* without addresses */
    GOT,             /* ids that came up, in order, since the last time, separated by blanks */
    QUARANTINED,     /* the last record contains text; "": there is none */
    RETURNED,        /* ids that were returned as not-acceptable */
    EXPIRED,         /* the same for held ones that expired */
    DRAINED,         /* so many drained events since the last time: ms */
    FULL_FOR,        /* ms 1: the peer of text, whose stanza was sent last, is to stop; 0: not */
    IS,              /* text: "up", "down", "congested", "free" */
    STATES,          /* of events->state since the last time: "up down" */
    LOG,             /* event text, ms times since the last LOG of it */
    PAUSE,
    RESUME,
    READS,     /* conn n; text: "yes" or "no" */
    KEEP,      /* xf_link_keep_peer text */
    KEEP_NONE, /* xf_link_keep_none */
    MODULE,    /* xf_link_has_module */
    RETURN,    /* xf_link_return_held */
    PROVE,     /* xf_link_prove */
    UNSURE,    /* xf_link_is_unsure: ms 1 or 0 */
    NODES,     /* xf_link_set_nodes of a node (text), of both of "BOTH", within ms */
    STOP,      /* xf_link_stop */
};

struct step {
    enum op op;
    int n;
    const char *text;
    unsigned ms;
};

struct link_case {
    const char *label;
    const char *nodes[3];
    bool per_peer;
    bool pings;
    enum xf_resend resend;
    size_t hold_bytes;               /* 0: plenty */
    unsigned peers, peers_per_owner; /* 0: plenty */
    struct step steps[40];
};

/* A step names what it needs, the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct link_case cases[] = {
    {"header, handshake, up, stanzas both ways", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {IS, .text = "down"}, {SENT, 0, ""},
        {CONNECTED, 0}, {SENT, 0, HEADER("gw.example")},
        {FEED, 0, SERVER_HEADER}, {SENT, 0, PROOF}, {IS, .text = "down"},
        {FEED, 0, "<handshake/>"}, {IS, .text = "up"}, {STATES, .text = "up"}, {LOG, .text = "link.stream.up", .ms = 1},
        {SEND, .text = "m1"}, {SEND, .text = "m2"}, {SENT, 0, WRITTEN("m1") WRITTEN("m2")},
        {FEED, 0, "<message from='v@a.example' to='u@b.example' id='r1'/><iq from='v@a.example' to='b.example' id='r2' type='get'/>"},
        {GOT, .text = "r1 r2"}}},

    {"a stanza before the handshake is accepted is not taken", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {FEED, 0, SERVER_HEADER "<message from='v@a.example' to='u@b.example' id='r1'/>"},
        {GOT, .text = ""}, {FEED, 0, "<handshake/><message from='v@a.example' to='u@b.example' id='r2'/>"}, {GOT, .text = "r2"}}},

    {"held while it comes up, sent in order", .nodes = {"127.0.0.1:5347"}, .steps = {
        {SEND, .text = "h1"}, {SEND, .text = "h2"}, {FULL_FOR, .text = "b.example", .ms = 0}, {IS, .text = "free"},
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "h3"}, {SENT, 0, WRITTEN("h1") WRITTEN("h2") WRITTEN("h3")},
        {IS, .text = "free"}, {DRAINED, .ms = 1}}},

    {"held while it is lost, then expires in order, then is refused", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {LOST, 0}, {IS, .text = "down"}, {STATES, .text = "up down"},
        {LOG, .text = "link.stream.down", .ms = 1},
        {SEND, .text = "h1"}, {WAIT, .ms = 9000}, {SEND, .text = "h2"}, {EXPIRED, .text = ""},
        {WAIT, .ms = 1100}, {EXPIRED, .text = "h1 h2"}, {SEND_IS, .text = "closed", .ms = 10}}},

    {"a quarter of the hold is held while it is lost: peers are stopped until it is up", .nodes = {"127.0.0.1:5347"}, .hold_bytes = 400000, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {LOST, 0}, {SEND_MANY, .ms = 60}, {FULL_FOR, .text = "b.example", .ms = 0}, {IS, .text = "free"},
        {SEND_MANY, .ms = 40}, {FULL_FOR, .text = "b.example", .ms = 1}, {IS, .text = "congested"}, {WAIT, .ms = 260}, {DRAINED, .ms = 0},
        {JOIN, 1, "127.0.0.1:5347"}, {SENT_COUNT, 1, .ms = 100}, {IS, .text = "free"}, {DRAINED, .ms = 1}}},

    {"a result waits longer, for it cannot be returned: while the link is away ...", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {SENT, 0, WRITTEN("m1")}, {LOST, 0}, {SEND, .text = "h1"}, {SEND_RESULT, .text = "r1"},
        {SEND, .text = "h2"}, {WAIT, .ms = 10100}, {EXPIRED, .text = "h1 h2"}, {SEND_IS, .text = "closed", .ms = 10}, {WAIT, .ms = 9900}, {SEND_RESULT, .text = "r2"},
        {WAIT, .ms = 9900}, {EXPIRED, .text = ""}, {WAIT, .ms = 200}, {EXPIRED, .text = "r1"}, {WAIT, .ms = 19600}, {EXPIRED, .text = ""},
        {WAIT, .ms = 300}, {EXPIRED, .text = "r2"}}},

    {"... so that it goes out when the link is back", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {LOST, 0}, {SEND, .text = "h1"}, {SEND_RESULT, .text = "r1"}, {WAIT, .ms = 12000}, {EXPIRED, .text = "h1"}, {SEND_RESULT, .text = "r2"},
        {DIAL, 1, "127.0.0.1:5347"}, {DIAL, 2, "127.0.0.1:5347"}, {JOIN, 3, "127.0.0.1:5347"},
        {SENT, 3, "<iq from=\"u@b.example\" to=\"v@a.example\" type=\"result\" id=\"r1\"/>"
                  "<iq from=\"u@b.example\" to=\"v@a.example\" type=\"result\" id=\"r2\"/>"}, {WAIT, .ms = 40000}, {EXPIRED, .text = ""}}},

    {"a quarter of the hold expires: peers go on, and get errors", .nodes = {"127.0.0.1:5347"}, .hold_bytes = 400000, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {LOST, 0}, {SEND_MANY, .ms = 100}, {IS, .text = "congested"}, {WAIT, .ms = 10500}, {DRAINED, .ms = 1},
        {IS, .text = "free"}, {SEND_IS, .text = "closed", .ms = 10}}},

    {"back within the time: nothing expires", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {LOST, 0}, {SEND, .text = "h1"}, {WAIT, .ms = 300}, {JOIN, 1, "127.0.0.1:5347"},
        {SENT, 1, WRITTEN("h1")}, {WAIT, .ms = 20000}, {EXPIRED, .text = ""}}},

    {"a full hold refuses, and keeps what it has", .nodes = {"127.0.0.1:5347"}, .hold_bytes = 3000, .steps = {
        {SEND_IS, .text = "ok", .ms = 1000}, {SEND_IS, .text = "ok", .ms = 1000}, {SEND_IS, .text = "closed", .ms = 1000},
        {JOIN, 0, "127.0.0.1:5347"}, {SENT_COUNT, 0, .ms = 2}}},

    {"one owner of many names has half of the hold, all that are not kept three quarters: those that are kept find room", .nodes = {"127.0.0.1:5347"},
     .per_peer = true, .hold_bytes = 16000, .steps = {
        {KEEP, .text = "good.example"}, {SEND_LARGE, .text = "n1.evil.example", .ms = 3500}, {SEND_LARGE, .text = "n2.evil.example", .ms = 3500},
        {SEND_LARGE_NONE, .text = "n3.evil.example", .ms = 3500}, {SEND_LARGE_NONE, .text = "n1.evil.example", .ms = 3500},
        {SEND_LARGE, .text = "n1.other.example", .ms = 3500}, {SEND_LARGE_NONE, .text = "n1.third.example", .ms = 3500},
        {SEND_LARGE, .text = "good.example", .ms = 3500}, {JOIN, 0, "127.0.0.1:5347"}, {SENT_COUNT, 0, .ms = 1}, {JOIN, 1, "127.0.0.1:5347"},
        {SENT_COUNT, 1, .ms = 1}, {SEND_LARGE, .text = "n3.evil.example", .ms = 3500}, {SEND_LARGE_NONE, .text = "n4.evil.example", .ms = 3500},
        {KEEP_NONE}, {KEEP, .text = "n4.evil.example"}, {SEND_LARGE, .text = "n4.evil.example", .ms = 3500}}},

    {"a peer that is not kept any more counts among its owner's with what it holds", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .hold_bytes = 16000, .steps = {
        {KEEP, .text = "n1.evil.example"}, {SEND_LARGE, .text = "n1.evil.example", .ms = 7000}, {KEEP_NONE}, {SEND_LARGE_NONE, .text = "n2.evil.example", .ms = 3500},
        {KEEP, .text = "n1.evil.example"}, {SEND_LARGE, .text = "n2.evil.example", .ms = 3500}}},

    {"a stanza larger than the link takes is refused", .nodes = {"127.0.0.1:5347"}, .steps = {
        {SEND_IS, .text = "limit", .ms = 10001}, {JOIN, 0, "127.0.0.1:5347"}, {SEND_IS, .text = "limit", .ms = 10001},
        {SEND_IS, .text = "ok", .ms = 9000}, {SENT_COUNT, 0, .ms = 1}, {IS, .text = "up"}}},

    {"a stanza without addresses never leaves", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND_BARE}, {SENT, 0, ""}}},

    {"reconnect waits 200 ms, then twice as long each time, to a second", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {REFUSED, 0}, {LOG, .text = "link.stream.failed", .ms = 1}, {WAIT, .ms = 140}, {NO_DIAL},
        {WAIT, .ms = 120}, {DIAL, 1, "127.0.0.1:5347"}, {REFUSED, 1}, {WAIT, .ms = 290}, {NO_DIAL}, {WAIT, .ms = 220},
        {DIAL, 2, "127.0.0.1:5347"}, {REFUSED, 2}, {WAIT, .ms = 555}, {NO_DIAL}, {WAIT, .ms = 400},
        {DIAL, 3, "127.0.0.1:5347"}, {REFUSED, 3}, {WAIT, .ms = 555}, {NO_DIAL}, {WAIT, .ms = 400},
        {DIAL, 4, "127.0.0.1:5347"}}},

    {"after a stream error to 10 s", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {FEED, 0, SERVER_HEADER ERROR("host-unknown")}, {GONE, 0}, {WAIT, .ms = 260},
        {DIAL, 1, "127.0.0.1:5347"}, {CONNECTED, 1}, {FEED, 1, SERVER_HEADER ERROR("host-unknown")}, {GONE, 1}, {WAIT, .ms = 510},
        {DIAL, 2, "127.0.0.1:5347"}, {CONNECTED, 2}, {FEED, 2, SERVER_HEADER ERROR("host-unknown")}, {GONE, 2}, {WAIT, .ms = 1010},
        {DIAL, 3, "127.0.0.1:5347"}, {CONNECTED, 3}, {FEED, 3, SERVER_HEADER ERROR("host-unknown")}, {GONE, 3}, {WAIT, .ms = 1190}, {NO_DIAL},
        {WAIT, .ms = 900}, {DIAL, 4, "127.0.0.1:5347"}}},

    {"up for a while: the next loss begins with the shortest wait", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {REFUSED, 0}, {WAIT, .ms = 260}, {DIAL, 1, "127.0.0.1:5347"}, {REFUSED, 1}, {WAIT, .ms = 510},
        {JOIN, 2, "127.0.0.1:5347"}, {WAIT, .ms = 11000}, {LOST, 2}, {WAIT, .ms = 260}, {DIAL, 3, "127.0.0.1:5347"}}},

    {"conflict waits the longest time at once and warns", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {FEED, 0, SERVER_HEADER ERROR("conflict")}, {GONE, 0},
        {LOG, .text = "link.stream.failed reason=conflict", .ms = 1}, {WAIT, .ms = 7400}, {NO_DIAL}, {WAIT, .ms = 5200},
        {DIAL, 1, "127.0.0.1:5347"}}},

    {"thrown out by a conflict: the same", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {WAIT, .ms = 60000}, {FEED, 0, ERROR("conflict")}, {GONE, 0},
        {LOG, .text = "link.stream.down reason=conflict", .ms = 1}, {WAIT, .ms = 7400}, {NO_DIAL}, {WAIT, .ms = 5200},
        {DIAL, 1, "127.0.0.1:5347"}}},

    {"a wrong secret: the log says what to look at, once", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {FEED, 0, SERVER_HEADER}, {FEED, 0, ERROR("not-authorized")},
        {LOG, .text = "link.stream.failed secret-file", .ms = 1}, {WAIT, .ms = 260},
        {DIAL, 1, "127.0.0.1:5347"}, {CONNECTED, 1}, {FEED, 1, SERVER_HEADER}, {FEED, 1, ERROR("not-authorized")},
        {LOG, .text = "link.stream.failed warn", .ms = 0}}},

    {"a server that does not answer is given up after 10 s", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {WAIT, .ms = 9900}, {NO_DIAL}, {WAIT, .ms = 400}, {GONE, 0},
        {LOG, .text = "link.stream.failed reason=timeout", .ms = 1}, {DIAL, 1, "127.0.0.1:5347"}}},

    {"a server without stream id cannot be proved to", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {SENT, 0, HEADER("gw.example")},
        {FEED, 0, NAMELESS}, {WAIT, .ms = 9900}, {NO_DIAL}, {WAIT, .ms = 400}, {GONE, 0},
        {LOG, .text = "link.stream.failed reason=no-stream-id", .ms = 1}}},

    {"an error behind a header without id says more (Prosody)", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {SENT, 0, HEADER("gw.example")},
        {FEED, 0, NAMELESS}, {FEED, 0, ERROR("host-unknown")},
        {LOG, .text = "link.stream.failed reason=host-unknown", .ms = 1}}},

    {"a server that accepts no proof at all", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {SENT, 0, HEADER("gw.example")},
        {FEED, 0, NAMELESS "<handshake/>"}, {SENT, 0, FOOTER}, {IS, .text = "down"}, {FEED, 0, FOOTER},
        {LOG, .text = "link.stream.failed reason=no-stream-id", .ms = 1}}},

    {"white space after silence, none while we talk", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {WAIT, .ms = 50000}, {SEND, .text = "m1"}, {SENT, 0, WRITTEN("m1")}, {WAIT, .ms = 50000},
        {SENT, 0, ""}, {WAIT, .ms = 11000}, {SENT, 0, " "}, {WAIT, .ms = 61000}, {SENT, 0, " "}}},

    {"a cluster that takes nothing for 30 s is given up", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {BLOCK, 0}, {SEND_MANY, .ms = 600}, {IS, .text = "congested"}, {WAIT, .ms = 29000},
        {IS, .text = "up"}, {WAIT, .ms = 6100}, {GONE, 0}, {LOG, .text = "link.stream.down help=link-stuck", .ms = 1}, {IS, .text = "down"}}},

    {"congested, then drained", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {BLOCK, 0}, {SEND_MANY, .ms = 600}, {IS, .text = "congested"}, {DRAINED, .ms = 0},
        {UNBLOCK, 0}, {DRAINED, .ms = 1}, {IS, .text = "free"}, {SENT_COUNT, 0, .ms = 600}, {WAIT, .ms = 40000}, {IS, .text = "up"}}},

    {"more than the output holds waits, and keeps its place", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {BLOCK, 0}, {SEND_MANY, .ms = 9000}, {IS, .text = "congested"}, {UNBLOCK, 0},
        {SENT_COUNT, 0, .ms = 9000}, {DRAINED, .ms = 1}, {IS, .text = "free"}, {EXPIRED, .text = ""}}},

    {"what waits for a stream that takes nothing is returned when we stop; then only results wait", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {BLOCK, 0}, {SEND_MANY, .ms = 7783}, {SEND, .text = "m0"}, {SEND_RESULT, .text = "r1"},
        {EXPIRED, .text = ""}, {RETURN}, {EXPIRED, .text = "many many m0"}, {SEND_NONE, .text = "b.example"}, {SEND_RESULT, .text = "r2"},
        {UNBLOCK, 0}, {SENT_COUNT, 0, .ms = 7781}, {SEND, .text = "m1"}, {SENT_COUNT, 0, .ms = 1}, {EXPIRED, .text = ""}}},

    {"two nodes: a slow one stops those whose stanzas go there", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {BLOCK, 1}, {SEND_MANY, .ms = 600}, {FULL_FOR, .text = "b.example", .ms = 1},
        {SEND_TO, .text = "w2"}, {SENT_COUNT, 0, .ms = 1}, {FULL_FOR, .text = "b.example", .ms = 0}, {IS, .text = "congested"},
        {DRAINED, .ms = 1}, {UNBLOCK, 1}, {DRAINED, .ms = 1}, {SEND, .text = "m1"}, {FULL_FOR, .text = "b.example", .ms = 0}}},

    {"per peer: a slow name stops its own peer", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {KEEP, .text = "b.example"}, {JOIN, 0, "127.0.0.1:5347"}, {KEEP, .text = "c.example"}, {JOIN, 1, "127.0.0.1:5347"}, {BLOCK, 0},
        {SEND_MANY, .ms = 600}, {FULL_FOR, .text = "b.example", .ms = 1}, {SEND_FROM, .text = "c.example"}, {SENT_COUNT, 1, .ms = 1},
        {FULL_FOR, .text = "c.example", .ms = 0}, {SEND_FROM, .text = "d.example"}, {FULL_FOR, .text = "d.example", .ms = 0},
        {UNBLOCK, 0}, {SEND, .text = "m1"}, {FULL_FOR, .text = "b.example", .ms = 0}, {IS, .text = "free"}}},

    {"pings prove: an answer on the stream, what it proves is not sent again", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {SENT, 0, WRITTEN("m1")}, {WAIT, .ms = 250}, {SENT, 0, PING("1", "1")},
        {SEND, .text = "m2"}, {SENT, 0, WRITTEN("m2")}, {FEED, 0, PONG("1", "1")}, {GOT, .text = ""}, {LOST, 0}, {WAIT, .ms = 260},
        {JOIN, 1, "127.0.0.1:5347"}, {SENT, 1, AGAIN("m2", "00")}, {EXPIRED, .text = ""},
        {FEED, 1, PONG("1", "1") PONG("1", "2")}, {GOT, .text = ""}, {WAIT, .ms = 250}, {SENT, 1, PING("2", "1")},
        {FEED, 1, "<iq type='error' from='a.example' to='gw.example' id='" PING_ID("2", "1") "'/>"}, {LOST, 1}, {WAIT, .ms = 510},
        {JOIN, 2, "127.0.0.1:5347"}, {SENT, 2, ""}}},

    {"a request is answered, a result is sent again, once more without a second stamp", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {SEND_IQ, .text = "q1"}, {SEND_RESULT, .text = "r1"}, {SEND_IQ, .text = "q2"},
        {SENT_COUNT, 0, .ms = 1}, {LOST, 0}, {EXPIRED, .text = "q1 q2"}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"},
        {SENT, 1, AGAIN("m1", "00") "<iq from=\"u@b.example\" to=\"v@a.example\" type=\"result\" id=\"r1\"/>"}, {WAIT, .ms = 1000},
        {LOST, 1}, {WAIT, .ms = 600}, {JOIN, 2, "127.0.0.1:5347"},
        {SENT, 2, AGAIN("m1", "00") "<iq from=\"u@b.example\" to=\"v@a.example\" type=\"result\" id=\"r1\"/>"}, {EXPIRED, .text = ""}}},

    {"resend = all: a request too", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_ALL, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND_IQ, .text = "q1"}, {LOST, 0}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"},
        {SENT, 1, "<iq from=\"u@b.example\" to=\"v@a.example\" type=\"get\" id=\"q1\"/>"}, {EXPIRED, .text = ""}}},

    {"resend = none: what may have arrived comes back, what never left is sent", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_NONE, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {SEND_RESULT, .text = "r1"}, {SENT_COUNT, 0, .ms = 1}, {BLOCK, 0}, {SEND, .text = "m2"}, {LOST, 0},
        {EXPIRED, .text = "m1"}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"},
        {SENT, 1, "<iq from=\"u@b.example\" to=\"v@a.example\" type=\"result\" id=\"r1\"/>" WRITTEN("m2")}}},

    {"without pings what never left is sent again, and no more", .nodes = {"127.0.0.1:5347"}, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 1000}, {SENT, 0, WRITTEN("m1")}, {BLOCK, 0}, {SEND, .text = "m2"}, {SEND, .text = "m3"}, {LOST, 0},
        {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"}, {SENT, 1, WRITTEN("m2") WRITTEN("m3")}, {EXPIRED, .text = ""}}},

    {"unproved and no leg in time: expires, is not sent again", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {LOST, 0}, {SEND, .text = "m2"}, {EXPIRED, .text = ""}, {WAIT, .ms = 260}, {DIAL, 1, "127.0.0.1:5347"},
        {CONNECTED, 1}, {WAIT, .ms = 9850}, {EXPIRED, .text = "m1 m2"}, {FEED, 1, SERVER_HEADER "<handshake/>"}, {IS, .text = "up"}, {SENT_COUNT, 1, .ms = 0}}},

    {"a server that never answers: after 30 s nothing is kept, the leg stays", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 31000}, {LOG, .text = "link.ping.unanswered help=link-no-pong", .ms = 1}, {IS, .text = "up"},
        {LOST, 0}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"}, {SENT, 1, ""}}},

    {"one that did answer and is silent for 30 s: the leg is dead", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")}, {SEND, .text = "m2"}, {WAIT, .ms = 29000}, {IS, .text = "up"},
        {WAIT, .ms = 1400}, {GONE, 0}, {LOG, .text = "link.stream.down reason=unanswered", .ms = 1}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"},
        {SENT, 1, AGAIN("m2", "00")}}},

    {"while we do not read, silence says nothing", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")}, {SEND, .text = "m2"}, {PAUSE}, {WAIT, .ms = 60000},
        {IS, .text = "up"}, {RESUME}, {FEED, 0, PONG("1", "2")}, {WAIT, .ms = 60000}, {IS, .text = "up"}}},

    {"half of the hold unproved: the link is full until an answer comes", .nodes = {"127.0.0.1:5347"}, .pings = true, .hold_bytes = 400000, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {DRAINED, .ms = 1}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")}, {SEND_MANY, .ms = 150}, {IS, .text = "free"},
        {FULL_FOR, .text = "b.example", .ms = 0}, {SEND_MANY, .ms = 30}, {IS, .text = "congested"}, {FULL_FOR, .text = "b.example", .ms = 1},
        {DRAINED, .ms = 0}, {FEED, 0, PONG("1", "3")}, {IS, .text = "free"}, {DRAINED, .ms = 1}, {FULL_FOR, .text = "b.example", .ms = 0}}},

    {"all of it unproved: more is refused", .nodes = {"127.0.0.1:5347"}, .pings = true, .hold_bytes = 400000, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")}, {SEND_MANY, .ms = 320}, {SEND_IS, .text = "ok", .ms = 9000},
        {SEND_IS, .text = "ok", .ms = 9000}, {SEND_IS, .text = "ok", .ms = 9000}, {SEND_IS, .text = "closed", .ms = 9000}, {WAIT, .ms = 5000}, {EXPIRED, .text = ""}}},

    {"a server that never answered does not stop anybody", .nodes = {"127.0.0.1:5347"}, .pings = true, .hold_bytes = 400000, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND_MANY, .ms = 2000}, {IS, .text = "free"}, {SENT_COUNT, 0, .ms = 2000}}},

    {"a stanza over which the server closes the stream is found, kept out, and the rest arrives", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")},
        {SEND, .text = "m1"}, {SEND, .text = "bad"}, {SEND, .text = "m3"}, {FEED, 0, ERROR("not-well-formed")}, {WAIT, .ms = 260},
        {JOIN, 1, "127.0.0.1:5347"}, {SENT_COUNT, 1, .ms = 3}, {FEED, 1, ERROR("not-well-formed")}, {WAIT, .ms = 510},
        {JOIN, 2, "127.0.0.1:5347"}, {SENT, 2, AGAIN("m1", "00") PING("2", "1")}, {SEND, .text = "m4"}, {FULL_FOR, .text = "b.example", .ms = 1}, {SENT, 2, ""},
        {FEED, 2, PONG("2", "1")}, {WAIT, .ms = 1}, {SENT, 2, AGAIN("bad", "00") PING("2", "2")}, {FEED, 2, ERROR("not-well-formed")},
        {RETURNED, .text = "bad"}, {QUARANTINED, .text = "id=\"bad\""}, {LOG, .text = "link.stanza.quarantined reason=not-well-formed", .ms = 1}, {WAIT, .ms = 1010},
        {JOIN, 3, "127.0.0.1:5347"}, {SENT, 3, AGAIN("m3", "00") PING("3", "1")}, {FEED, 3, PONG("3", "1")}, {WAIT, .ms = 1}, {SENT_COUNT, 3, .ms = 1},
        {IS, .text = "free"}, {EXPIRED, .text = ""}}},

    {"a connection that breaks behind the lonely stanza may do so by chance: once", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")}, {SEND, .text = "bad"}, {LOST, 0},
        {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"}, {LOST, 1}, {WAIT, .ms = 510}, {JOIN, 2, "127.0.0.1:5347"}, {LOST, 2}, {QUARANTINED, .text = ""}, {WAIT, .ms = 1010},
        {JOIN, 3, "127.0.0.1:5347"}, {SENT_COUNT, 3, .ms = 1}, {LOST, 3}, {QUARANTINED, .text = "id=\"bad\""}, {RETURNED, .text = "bad"}}},

    {"a server that answers no pings: a stanza behind which six streams broke is returned", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {SEND, .text = "m2"}, {LOST, 0}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"}, {LOST, 1}, {WAIT, .ms = 510},
        {JOIN, 2, "127.0.0.1:5347"}, {LOST, 2}, {WAIT, .ms = 1010}, {JOIN, 3, "127.0.0.1:5347"}, {SENT_COUNT, 3, .ms = 2}, {LOST, 3}, {WAIT, .ms = 1010},
        {JOIN, 4, "127.0.0.1:5347"}, {LOST, 4}, {EXPIRED, .text = ""}, {WAIT, .ms = 1010}, {JOIN, 5, "127.0.0.1:5347"}, {SENT_COUNT, 5, .ms = 2}, {LOST, 5}, {EXPIRED, .text = "m1 m2"},
        {QUARANTINED, .text = ""}, {RETURNED, .text = ""}}},

    {"a server that stops, or that ends late, does not end over a stanza", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")},
        {SEND, .text = "m1"}, {FEED, 0, ERROR("system-shutdown")}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"},
        {FEED, 1, ERROR("system-shutdown")}, {WAIT, .ms = 510}, {JOIN, 2, "127.0.0.1:5347"}, {WAIT, .ms = 5100}, {LOST, 2}, {WAIT, .ms = 1010}, {JOIN, 3, "127.0.0.1:5347"},
        {SENT, 3, AGAIN("m1", "00")}, {QUARANTINED, .text = ""}, {RETURNED, .text = ""}}},

    {"two nodes: what a lost one may not have is at the other at once", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {SENT, 0, ""}, {SENT, 1, WRITTEN("m1")}, {LOST, 1},
        {SENT, 0, AGAIN("m1", "00")}, {IS, .text = "up"}}},

    {"two nodes: the answer may come over the other", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {SENT, 1, WRITTEN("m1") PING("1", "1")},
        {FEED, 0, PONG("1", "1")}, {GOT, .text = ""}, {LOST, 1}, {SENT, 0, ""}}},

    {"two nodes: one that does not answer gets no other users while the other does", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {SENT, 1, WRITTEN("m1") PING("1", "1")},
        {WAIT, .ms = 1900}, {SEND, .text = "m2"}, {SENT, 1, WRITTEN("m2")}, {WAIT, .ms = 200}, {SEND_TO, .text = "w1"}, {SENT_COUNT, 0, .ms = 1},
        {FEED, 1, PONG("1", "1")}, {SEND_TO, .text = "w3"}, {SENT_COUNT, 1, .ms = 1}}},

    {"two nodes: whose stanzas may be lost with a silent one stays there, and after 10 s all of it moves in order", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")},
        {SEND, .text = "m2"}, {WAIT, .ms = 2500}, {SEND, .text = "m3"}, {SENT, 0, ""}, {SEND_TO, .text = "w1"}, {SENT_COUNT, 0, .ms = 1},
        {WAIT, .ms = 250}, {SENT, 0, PING("2", "1")}, {FEED, 0, PONG("2", "1")}, {WAIT, .ms = 6750}, {SEND, .text = "m4"}, {WAIT, .ms = 1000}, {IS, .text = "up"}, {SENT, 0, ""}, {SEND, .text = "m5"}, {WAIT, .ms = 1}, {GONE, 1},
        {SENT, 0, AGAIN("m2", "00") AGAIN("m3", "02") AGAIN("m4", "09") WRITTEN("m5")}}},

    {"two nodes: where only a domain is silent, the server brings our ping back, and nobody moves", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")}, {SENT_COUNT, 1, .ms = 1},
        {SEND, .text = "m2"}, {WAIT, .ms = 8000}, {SENT, 1, WRITTEN("m2") PING("1", "2")}, {WAIT, .ms = 250}, {SENT, 1, OWN_PING("1", "2")}, {FEED, 0, OWN_PING("1", "2")}, {GOT, .text = ""},
        {WAIT, .ms = 3000}, {SEND, .text = "m3"}, {WAIT, .ms = 1}, {SENT, 1, WRITTEN("m3")}, {SENT, 0, ""}, {LOG, .text = "link.stream.down", .ms = 0}}},

    {"two nodes: a silent one that takes no more makes all wait: it is given up after 10 s, though no stanza comes any more", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .hold_bytes = 400000, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")},
        {SEND_MANY, .ms = 100}, {FULL_FOR, .text = "b.example", .ms = 1}, {WAIT, .ms = 9900}, {LOG, .text = "link.stream.down", .ms = 0}, {WAIT, .ms = 1200}, {GONE, 1}, {LOG, .text = "link.stream.down reason=unanswered", .ms = 1}}},

    {"two nodes: a silent one when the gateway is about to stop: what it may not have goes over the other soon", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")}, {UNSURE, .ms = 0},
        {SEND, .text = "m2"}, {PROVE}, {SENT_COUNT, 1, .ms = 2}, {UNSURE, .ms = 0}, {WAIT, .ms = 300}, {UNSURE, .ms = 1}, {WAIT, .ms = 1500}, {SENT, 0, ""}, {WAIT, .ms = 1500}, {GONE, 1}, {LOG, .text = "link.stream.down reason=unanswered", .ms = 1},
        {SENT, 0, AGAIN("m2", "00") PING("2", "1")}, {UNSURE, .ms = 0}, {FEED, 0, PONG("2", "1")}, {EXPIRED, .text = ""}}},

    {"two nodes: a slow one when the gateway is about to stop: once it has proved what it had, its pace counts", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")}, {SEND, .text = "m2"}, {WAIT, .ms = 250}, {SEND, .text = "m3"}, {PROVE},
        {WAIT, .ms = 700}, {FEED, 1, PONG("1", "2")}, {WAIT, .ms = 250}, {UNSURE, .ms = 1}, {SEND, .text = "m4"}, {WAIT, .ms = 50}, {FEED, 1, PONG("1", "3")}, {UNSURE, .ms = 0},
        {WAIT, .ms = 1200}, {UNSURE, .ms = 0}, {FEED, 1, PONG("1", "4")}, {SEND, .text = "m5"}, {WAIT, .ms = 2250}, {UNSURE, .ms = 0}, {FEED, 1, PONG("1", "5")},
        {SEND, .text = "m6"}, {WAIT, .ms = 300}, {SEND, .text = "m7"}, {WAIT, .ms = 3500}, {GONE, 1}, {LOG, .text = "link.stream.down reason=unanswered", .ms = 1}, {UNSURE, .ms = 0}}},

    {"a node that is alone is given up no sooner when the gateway is about to stop", .nodes = {"127.0.0.1:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 0, PONG("1", "1")}, {SEND, .text = "m2"}, {PROVE}, {WAIT, .ms = 9000}, {UNSURE, .ms = 0}, {IS, .text = "up"}, {LOG, .text = "link.stream.down", .ms = 0}}},

    {"two nodes: both are silent: none is given up so early", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {SEND_TO, .text = "w2"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")}, {FEED, 0, PONG("2", "1")},
        {SEND, .text = "m2"}, {SEND_TO, .text = "w2"}, {WAIT, .ms = 15000}, {SEND, .text = "m3"}, {WAIT, .ms = 1}, {LOG, .text = "link.stream.down", .ms = 0}}},

    {"two nodes: a user stays on its node, and moves when it goes", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {SEND, .text = "m2"},
        {SENT, 0, ""}, {SENT, 1, WRITTEN("m1") WRITTEN("m2")}, {LOST, 1}, {IS, .text = "up"}, {STATES, .text = "up up"}, {SEND, .text = "m3"},
        {SENT, 0, WRITTEN("m3")}}},

    {"two nodes: one with a weight has more users", .nodes = {"127.0.0.1:5347 weight=10", "127.0.0.2:5347 weight=1"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"},
        {SEND_TO, .text = "w1"}, {SEND_TO, .text = "w2"}, {SEND_TO, .text = "w3"}, {SEND_TO, .text = "w4"}, {SEND_TO, .text = "w5"},
        {SEND_TO, .text = "w6"}, {SENT_COUNT, 0, .ms = 5}, {SENT_COUNT, 1, .ms = 1}}},

    {"two nodes: users spread", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"},
        {SEND_TO, .text = "w1"}, {SEND_TO, .text = "w2"}, {SEND_TO, .text = "w3"}, {SEND_TO, .text = "w4"}, {SEND_TO, .text = "w5"},
        {SEND_TO, .text = "w6"}, {SENT_COUNT, 0, .ms = 2}, {SENT_COUNT, 1, .ms = 4}}},

    {"two nodes: one is taken out: its users move once all is proved, in order", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {NODES, .text = "127.0.0.1:5347", .ms = 10000}, {LOG, .text = "link.node.draining", .ms = 1}, {WAIT, .ms = 1},
        {SENT, 1, WRITTEN("m1") PING("1", "1")}, {SEND, .text = "m2"}, {SENT, 1, ""}, {FEED, 1, PONG("1", "1")}, {WAIT, .ms = 1},
        {SENT, 1, FOOTER}, {SENT, 0, WRITTEN("m2")}, {SEND, .text = "m3"}, {SENT, 0, WRITTEN("m3")},
        {FEED, 1, FOOTER}, {GONE, 1}, {SEND, .text = "m4"}, {SENT, 0, WRITTEN("m4") }, {EXPIRED, .text = ""},
        {LOG, .text = "link.stream.down reason=drained", .ms = 1}}},

    {"two nodes: one that drains ends the stream itself: what it gives back comes first, and it is not dialled", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")}, {SEND, .text = "m1"},
        {NODES, .text = "127.0.0.1:5347", .ms = 10000}, {WAIT, .ms = 1}, {FEED, 1, FOOTER}, {SEND, .text = "m2"}, {WAIT, .ms = 200}, {GONE, 1},
        {SENT, 0, AGAIN("m1", "00") WRITTEN("m2")}, {WAIT, .ms = 1000}, {NO_DIAL}, {EXPIRED, .text = ""}}},

    {"two nodes: the server of one was told to send elsewhere: it drains although it is wanted again", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {MODULE}, {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {NODES, .text = "127.0.0.1:5347", .ms = 10000}, {WAIT, .ms = 1},
        {SENT, 1, WRITTEN("m1") PING("1", "1") LEAVES}, {NODES, .text = "BOTH"}, {SEND, .text = "m2"}, {WAIT, .ms = 300}, {SENT, 1, ""}, {FEED, 1, PONG("1", "1")}, {WAIT, .ms = 1},
        {SENT, 1, FOOTER}, {SENT, 0, WRITTEN("m2")}, {FEED, 1, FOOTER}, {GONE, 1}, {WAIT, .ms = 260}, {JOIN, 2, "127.0.0.2:5347"}, {FEED, 0, PONG("2", "1")}, {SEND, .text = "m3"},
        {SENT, 2, WRITTEN("m3")}, {EXPIRED, .text = ""}}},

    {"... but not once the link stops", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .steps = {
        {MODULE}, {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {NODES, .text = "127.0.0.1:5347", .ms = 10000}, {WAIT, .ms = 1},
        {NODES, .text = "BOTH"}, {STOP}, {FEED, 1, FOOTER}, {GONE, 1}, {WAIT, .ms = 300}, {NO_DIAL}, {FEED, 0, FOOTER}, {GONE, 0}}},

    {"two nodes: one has weight 0, and then again 1", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {NODES, .text = "127.0.0.2:5347 weight=0", .ms = 10000}, {SEND, .text = "m0"},
        {NODES, .text = "127.0.0.1:5347", .ms = 10000}, {WAIT, .ms = 500}, {SENT, 1, WRITTEN("m0") FOOTER}, {FEED, 1, FOOTER}, {GONE, 1}, {SEND, .text = "m1"}, {SENT, 0, WRITTEN("m1")},
        {WAIT, .ms = 2000}, {NODES, .text = "BOTH"}, {JOIN, 2, "127.0.0.2:5347"}, {SEND, .text = "m2"}, {SENT, 2, WRITTEN("m2")}, {SENT, 0, ""}}},

    {"two nodes: one that drains hangs: after the time all of it moves", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m1"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")}, {SEND, .text = "m2"},
        {NODES, .text = "127.0.0.1:5347", .ms = 5000}, {WAIT, .ms = 1900}, {SEND, .text = "m3"}, {SENT_COUNT, 1, .ms = 2}, {WAIT, .ms = 200}, {SENT_COUNT, 1, .ms = 1},
        {WAIT, .ms = 2800}, {SENT, 0, ""}, {SEND_TO, .text = "w1"}, {SENT_COUNT, 0, .ms = 1}, {WAIT, .ms = 200}, {LOST, 1},
        {SENT, 0, AGAIN("m2", "00") AGAIN("m3", "02")}, {EXPIRED, .text = ""}}},

    {"two nodes: one says its footer: its users wait for what it gives back", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")},
        {SEND, .text = "m1"}, {FEED, 1, FOOTER}, {SEND, .text = "m2"}, {GONE, 1},
        {SENT, 0, AGAIN("m1", "00") WRITTEN("m2")}, {EXPIRED, .text = ""}}},

    {"two nodes: a silent one says its footer and hangs: nothing passes what it gives back, and nobody waits for it", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")},
        {SEND, .text = "m1"}, {WAIT, .ms = 2500}, {BLOCK, 1}, {FEED, 1, FOOTER}, {SEND, .text = "m2"}, {WAIT, .ms = 1}, {GONE, 1},
        {SENT, 0, AGAIN("m1", "00") WRITTEN("m2")}, {EXPIRED, .text = ""}}},

    {"two nodes: one says its footer, hangs and becomes silent: the same", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .pings = true, .resend = XF_RESEND_MESSAGES, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {SEND, .text = "m0"}, {WAIT, .ms = 250}, {FEED, 1, PONG("1", "1")},
        {SEND, .text = "m1"}, {WAIT, .ms = 1000}, {BLOCK, 1}, {FEED, 1, FOOTER}, {SEND, .text = "m2"}, {WAIT, .ms = 1000}, {SENT, 0, ""}, {WAIT, .ms = 1100}, {GONE, 1},
        {SENT, 0, AGAIN("m1", "00") WRITTEN("m2")}, {EXPIRED, .text = ""}}},

    {"two nodes: all would be drained: nothing changes", .nodes = {"127.0.0.1:5347", "127.0.0.2:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {JOIN, 1, "127.0.0.2:5347"}, {NODES, .text = "127.0.0.9:5347", .ms = 10000}, {WAIT, .ms = 1000}, {NO_DIAL},
        {SEND, .text = "m1"}, {SENT, 1, WRITTEN("m1")}, {LOG, .text = "link.node.draining", .ms = 0}}},

    {"per peer: a stream of that name with its first stanza", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {NO_DIAL}, {IS, .text = "up"}, {SEND_FROM, .text = "b.example"}, {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0},
        {SENT, 0, HEADER("b.example")}, {FEED, 0, SERVER_HEADER}, {SENT, 0, PROOF}, {FEED, 0, "<handshake/>"},
        {SENT_COUNT, 0, .ms = 1}, {SEND_FROM, .text = "b.example"}, {SENT_COUNT, 0, .ms = 1},
        {SEND_FROM, .text = "c.example"}, {DIAL, 1, "127.0.0.1:5347"}, {CONNECTED, 1}, {SENT, 1, HEADER("c.example")}}},

    {"per peer: stanzas of the cluster come on any", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {KEEP, .text = "b.example"}, {JOIN, 0, "127.0.0.1:5347"}, {KEEP, .text = "c.example"}, {JOIN, 1, "127.0.0.1:5347"},
        {FEED, 0, "<message from='v@a.example' to='u@b.example' id='r1'/>"}, {FEED, 1, "<message from='v@a.example' to='u@b.example' id='r2'/>"},
        {GOT, .text = "r1 r2"}}},

    {"per peer: an unknown name does not stop the others", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {SEND_FROM, .text = "b.example"}, {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {FEED, 0, SERVER_HEADER ERROR("host-unknown")},
        {LOG, .text = "link.stream.failed reason=host-unknown", .ms = 1}, {IS, .text = "free"}, {WAIT, .ms = 10000}, {EXPIRED, .text = "f"}}},

    {"per peer: an idle one ends, and comes back when needed", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {SEND_FROM, .text = "b.example"}, {JOIN, 0, "127.0.0.1:5347"}, {SENT_COUNT, 0, .ms = 1}, {WAIT, .ms = 1700000}, {IS, .text = "up"},
        {WAIT, .ms = 110000}, {GONE, 0}, {NO_DIAL}, {SEND_FROM, .text = "b.example"}, {JOIN, 1, "127.0.0.1:5347"}, {SENT_COUNT, 1, .ms = 1}}},

    {"per peer: a kept one stays", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {KEEP, .text = "b.example"}, {JOIN, 0, "127.0.0.1:5347"}, {WAIT, .ms = 4000000}, {FEED, 0, "<message from='v@a.example' to='u@b.example' id='r1'/>"},
        {GOT, .text = "r1"}}},

    {"per peer: a reload lets those go that it names no more", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .steps = {
        {KEEP, .text = "b.example"}, {JOIN, 0, "127.0.0.1:5347"}, {KEEP, .text = "c.example"}, {JOIN, 1, "127.0.0.1:5347"},
        {WAIT, .ms = 4000000}, {KEEP_NONE}, {KEEP, .text = "c.example"}, {WAIT, .ms = 1700000}, {SEND_FROM, .text = "b.example"},
        {SENT_COUNT, 0, .ms = 1}, {WAIT, .ms = 1810000}, {GONE, 0}, {WAIT, .ms = 4000000}, {NO_DIAL}, {FEED, 1, "<message from='v@a.example' to='u@c.example' id='r2'/>"},
        {GOT, .text = "r2"}, {SEND_FROM, .text = "b.example"}, {JOIN, 2, "127.0.0.1:5347"}, {SENT_COUNT, 2, .ms = 1}}},

    {"per peer: an owner has so many names, a kept one besides", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .peers_per_owner = 2, .steps = {
        {KEEP, .text = "kept.evil.example"}, {JOIN, 0, "127.0.0.1:5347"}, {SEND_FROM, .text = "a.evil.example"}, {JOIN, 1, "127.0.0.1:5347"},
        {SEND_FROM, .text = "b.evil.example"}, {JOIN, 2, "127.0.0.1:5347"}, {SEND_NONE, .text = "c.evil.example"}, {NO_DIAL},
        {LOG, .text = "link.peer.refused", .ms = 1}, {SEND_FROM, .text = "good.example"}, {JOIN, 3, "127.0.0.1:5347"},
        {WAIT, .ms = 59000}, {SEND_FROM, .text = "a.evil.example"}, {WAIT, .ms = 1000}, {SEND_FROM, .text = "c.evil.example"},
        {JOIN, 4, "127.0.0.1:5347"}, {FEED, 2, "</stream:stream>"}, {WAIT, .ms = 5000}, {GONE, 2}, {LOG, .text = "link.stream.down reason=displaced", .ms = 1},
        {SEND_FROM, .text = "kept.evil.example"}, {SENT_COUNT, 0, .ms = 1}}},

    {"per peer: the owner that has most gives way, what it holds expires", .nodes = {"127.0.0.1:5347"}, .per_peer = true, .peers = 3, .steps = {
        {SEND_FROM, .text = "a.evil.example"}, {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {SEND_FROM, .text = "b.evil.example"}, {JOIN, 1, "127.0.0.1:5347"},
        {SEND_FROM, .text = "other.example"}, {JOIN, 2, "127.0.0.1:5347"}, {SEND_FROM, .text = "good.example"}, {JOIN, 3, "127.0.0.1:5347"},
        {WAIT, .ms = 1}, {EXPIRED, .text = "f"}, {SEND_NONE, .text = "late.example"}, {WAIT, .ms = 60000}, {SEND_FROM, .text = "late.example"},
        {JOIN, 4, "127.0.0.1:5347"}}},

    {"per peer: one that is about to end for another comes back for its next stanza, if there is room", .nodes = {"127.0.0.1:5347"}, .per_peer = true,
        .peers = 3, .steps = {
        {SEND_FROM, .text = "a.evil.example"}, {JOIN, 0, "127.0.0.1:5347"}, {SEND_FROM, .text = "b.evil.example"}, {JOIN, 1, "127.0.0.1:5347"},
        {SEND_FROM, .text = "other.example"}, {SEND_FROM, .text = "good.example"}, {SEND_NONE, .text = "a.evil.example"}}},

    {"pause stops reading, also on the stream that comes after", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {READS, 0, "yes"}, {PAUSE}, {READS, 0, "no"}, {LOST, 0}, {WAIT, .ms = 260}, {JOIN, 1, "127.0.0.1:5347"},
        {READS, 1, "no"}, {RESUME}, {READS, 1, "yes"}}},

    {"a wrong namespace is no component port", .nodes = {"127.0.0.1:5347"}, .steps = {
        {DIAL, 0, "127.0.0.1:5347"}, {CONNECTED, 0}, {FEED, 0, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='s1'>"},
        {GONE, 0}, {LOG, .text = "link.stream.failed reason=invalid-namespace", .ms = 1}}},

    {"a stanza of 300 KB of the cluster does not cost the link", .nodes = {"127.0.0.1:5347"}, .steps = {
        {JOIN, 0, "127.0.0.1:5347"}, {FEED, 0, "<message from='v@a.example' to='u@b.example' id='r1'><body>"}, {FEED, 0, NULL, 300000},
        {FEED, 0, "</body></message>"}, {GOT, .text = "r1"}, {IS, .text = "up"}}},
};
/* clang-format on */

struct world {
    struct fake_env fake;
    struct xf_link_settings conf;
    struct xf_link *link;
    struct fake_conn *conns[CONNS_MAX];
    char got[512], expired[512], returned[128], states[64];
    unsigned drained;
    char where[160]; /* the case and step, for messages */
};

static void expect(const struct world *world, bool is_met, const char *words)
{
    ck_assert_msg(is_met, "%s: %s", world->where, words);
}

static void expect_text(const struct world *world, const char *got, const char *want)
{
    ck_assert_msg(strcmp(got, want) == 0, "%s: got \"%s\", not \"%s\"", world->where, got, want);
}

static void expect_number(const struct world *world, size_t got, size_t want)
{
    ck_assert_msg(got == want, "%s: got %zu, not %zu", world->where, got, want);
}

static void note(char *list, size_t room, struct xf_span word)
{
    size_t len = strlen(list);
    snprintf(list + len, room - len, "%s%.*s", len ? " " : "", XF_SPAN_ARGS(word));
}

static void on_stanza(void *owner, struct xf_link *link, struct xf_stanza *stanza)
{
    struct world *world = owner;
    (void)link;
    note(world->got, sizeof(world->got), stanza->id);
}

static void on_expired(void *owner, struct xf_link *link, struct xf_stanza *stanza)
{
    struct world *world = owner;
    (void)link;
    ck_assert(stanza->from.domain.ptr && stanza->to.domain.ptr);
    note(world->expired, sizeof(world->expired), stanza->id);
}

static void on_returned(void *owner, struct xf_link *link, struct xf_stanza *stanza,
                        enum xf_stanza_error error)
{
    struct world *world = owner;
    (void)link;
    expect_number(world, error, XF_STANZA_ERROR_NOT_ACCEPTABLE);
    note(world->returned, sizeof(world->returned), stanza->id);
}

static void on_drained(void *owner, struct xf_link *link)
{
    struct world *world = owner;
    (void)link;
    world->drained++;
}

static void on_state(void *owner, struct xf_link *link, struct xf_span peer, bool is_up)
{
    struct world *world = owner;
    char text[80];
    ck_assert_int_eq(peer.ptr != NULL, xf_link_is_per_peer(link));
    snprintf(text, sizeof(text), "%.*s%s%s", XF_SPAN_ARGS(peer), peer.ptr ? ":" : "",
             is_up ? "up" : "down");
    note(world->states, sizeof(world->states), xf_span_of(text));
}

static const struct xf_link_events events = {
    .stanza = on_stanza,
    .expired = on_expired,
    .returned = on_returned,
    .drained = on_drained,
    .state = on_state,
};

static struct xf_jid jid(const char *local, const char *domain, char room[128])
{
    struct xf_jid jid;
    static char scratch[XF_JID_MAX + 1];
    snprintf(room, 128, "%s@%s", local, domain);
    ck_assert_int_eq(xf_jid_prepare(xf_span_of(room), scratch, &jid), XF_ERR_OK);
    return jid;
}

/*
 * `bytes` is the size of the payload beside the body's tags, so the stanza has some 90 bytes more.
 */
static enum xf_err send_to(struct world *world, const char *user, const char *peer, const char *id,
                           const char *body, size_t bytes)
{
    char from[128], to[128];
    char *payload = xf_alloc(bytes + strlen(body) + 32);
    size_t len = (size_t)snprintf(payload, 32 + strlen(body), "<body>%s", body);
    memset(payload + len, 'x', bytes);
    memcpy(payload + len + bytes, "</body>", 7);
    struct xf_stanza stanza = {
        .kind = XF_STANZA_MESSAGE,
        .from = jid("u", peer, from),
        .to = jid(user, "a.example", to),
        .id = xf_span_of(id),
        .payload = {payload, len + bytes + 7},
    };
    enum xf_err err = xf_link_send(world->link, &stanza);
    xf_free(payload);
    fake_env_run(&world->fake);
    return err;
}

static enum xf_err send_message(struct world *world, const char *peer, const char *id,
                                const char *body, size_t bytes)
{
    return send_to(world, "v", peer, id, body, bytes);
}

static enum xf_err send_iq(struct world *world, const char *type, const char *id)
{
    char from[128], to[128];
    struct xf_stanza stanza = {
        .kind = XF_STANZA_IQ,
        .from = jid("u", "b.example", from),
        .to = jid("v", "a.example", to),
        .type = xf_span_of(type),
        .id = xf_span_of(id),
    };
    enum xf_err err = xf_link_send(world->link, &stanza);
    fake_env_run(&world->fake);
    return err;
}

static void dial(struct world *world, const struct step *step)
{
    struct fake_conn *conn = fake_conn_next(&world->fake, NULL);
    char addr[XF_ADDR_TEXT_BYTES];
    expect(world, conn != NULL, "nothing was dialled");
    xf_addr_text(&conn->addr, addr);
    expect_text(world, addr, step->text);
    world->conns[step->n] = conn;
}

static void join(struct world *world, const struct step *step)
{
    dial(world, step);
    struct fake_conn *conn = world->conns[step->n];
    fake_conn_connected(conn);
    fake_conn_feed_text(conn, SERVER_HEADER);
    expect(world, strstr(fake_conn_take(conn), PROOF), "no handshake");
    fake_conn_feed_text(conn, "<handshake/>");
}

/* AddressSanitizer's strstr measures the whole text at each call. */
static size_t count_stanzas(const char *text)
{
    const char *end = text + strlen(text);
    size_t count = 0;
    for (; (text = memchr(text, '<', (size_t)(end - text))); text++)
        count += strncmp(text, "<message ", 9) == 0;
    return count;
}

static enum xf_err result_of(const char *word)
{
    return strcmp(word, "ok") == 0      ? XF_ERR_OK
           : strcmp(word, "limit") == 0 ? XF_ERR_LIMIT
                                        : XF_ERR_CLOSED;
}

static void check_is(const struct world *world, const char *word)
{
    if (strcmp(word, "up") == 0 || strcmp(word, "down") == 0)
        expect_text(world, xf_link_is_up(world->link) ? "up" : "down", word);
    else
        expect_text(world, xf_link_is_congested(world->link) ? "congested" : "free", word);
}

static void check_log(struct world *world, const struct step *step)
{
    char event[64];
    const char *blank = strchr(step->text, ' ');
    size_t len = blank ? (size_t)(blank - step->text) : strlen(step->text);
    snprintf(event, sizeof(event), "%.*s", (int)len, step->text);
    expect_number(world, fake_env_logged(&world->fake, event, blank ? blank + 1 : ""), step->ms);
    fake_env_forget_log(&world->fake);
}

static void feed(struct fake_conn *conn, const struct step *step)
{
    if (step->text) {
        fake_conn_feed_text(conn, step->text);
        return;
    }
    char piece[1000];
    memset(piece, 'y', sizeof(piece));
    for (unsigned fed = 0; fed < step->ms; fed += sizeof(piece))
        fake_conn_feed(conn, piece, sizeof(piece));
}

static void send_bare(struct world *world)
{
    struct xf_stanza bare = {.kind = XF_STANZA_MESSAGE};
    expect_number(world, xf_link_send(world->link, &bare), XF_ERR_BAD_VALUE);
}

static void set_nodes(struct world *world, const struct step *step)
{
    char *one[] = {(char *)(uintptr_t)step->text};
    const struct xf_texts nodes = {.item = one, .count = 1};
    bool both = strcmp(step->text, "BOTH") == 0;
    xf_link_set_nodes(world->link, both ? &world->conf.nodes : &nodes, step->ms);
}

static void take_step(struct world *world, const struct step *step)
{
    struct fake_conn *conn = world->conns[step->n];
    switch (step->op) {
    case DIAL:
        dial(world, step);
        break;
    case NO_DIAL:
        expect(world, !fake_conn_next(&world->fake, NULL), "something was dialled");
        break;
    case CONNECTED:
        fake_conn_connected(conn);
        break;
    case REFUSED:
        fake_conn_refused(conn);
        break;
    case FEED:
        feed(conn, step);
        break;
    case SENT:
        expect_text(world, fake_conn_take(conn), step->text);
        break;
    case SENT_COUNT:
        expect_number(world, count_stanzas(fake_conn_take(conn)), step->ms);
        break;
    case LOST:
        fake_conn_closed(conn, XF_CONN_END_RESET);
        break;
    case GONE:
        expect(world, !conn->conn, "the conn is still there");
        break;
    case JOIN:
        join(world, step);
        break;
    case BLOCK:
        fake_conn_block(conn, true);
        break;
    case UNBLOCK:
        fake_conn_block(conn, false);
        break;
    case WAIT:
        fake_env_advance(&world->fake, step->ms);
        break;
    case SEND:
        expect_number(world, send_message(world, "b.example", step->text, "hi", 0), XF_ERR_OK);
        break;
    case SEND_FROM:
        expect_number(world, send_message(world, step->text, "f", "hi", 0), XF_ERR_OK);
        break;
    case SEND_TO:
        expect_number(world, send_to(world, step->text, "b.example", "t", "hi", 0), XF_ERR_OK);
        break;
    case SEND_IQ:
        expect_number(world, send_iq(world, "get", step->text), XF_ERR_OK);
        break;
    case SEND_RESULT:
        expect_number(world, send_iq(world, "result", step->text), XF_ERR_OK);
        break;
    case SEND_NONE:
        expect_number(world, send_message(world, step->text, "f", "hi", 0), XF_ERR_CLOSED);
        break;
    case SEND_MANY:
        for (unsigned i = 0; i < step->ms; i++)
            expect_number(world, send_message(world, "b.example", "many", "", 1000), XF_ERR_OK);
        break;
    case SEND_IS:
        expect_number(world, send_message(world, "b.example", "is", "", step->ms),
                      result_of(step->text));
        break;
    case SEND_LARGE:
        expect_number(world, send_message(world, step->text, "f", "", step->ms), XF_ERR_OK);
        break;
    case SEND_LARGE_NONE:
        expect_number(world, send_message(world, step->text, "f", "", step->ms), XF_ERR_CLOSED);
        break;
    case SEND_BARE:
        send_bare(world);
        break;
    case GOT:
        expect_text(world, world->got, step->text);
        world->got[0] = '\0';
        break;
    case EXPIRED:
        expect_text(world, world->expired, step->text);
        world->expired[0] = '\0';
        break;
    case QUARANTINED:
        expect(world,
               *step->text ? world->fake.quarantined && strstr(world->fake.quarantined, step->text)
                           : !world->fake.quarantined,
               "quarantine");
        break;
    case RETURNED:
        expect_text(world, world->returned, step->text);
        world->returned[0] = '\0';
        break;
    case DRAINED:
        expect_number(world, world->drained, step->ms);
        world->drained = 0;
        break;
    case FULL_FOR:
        expect_number(world, xf_link_is_full(world->link, xf_span_of(step->text)), step->ms);
        break;
    case IS:
        check_is(world, step->text);
        break;
    case STATES:
        expect_text(world, world->states, step->text);
        world->states[0] = '\0';
        break;
    case LOG:
        check_log(world, step);
        break;
    case PAUSE:
        xf_link_pause(world->link, XF_SPAN("b.example"), true);
        break;
    case RESUME:
        xf_link_pause(world->link, XF_SPAN("b.example"), false);
        break;
    case READS:
        expect_text(world, conn->is_paused ? "no" : "yes", step->text);
        break;
    case KEEP:
        xf_link_keep_peer(world->link, xf_span_of(step->text));
        break;
    case MODULE:
        xf_link_has_module(world->link);
        break;
    case RETURN:
        xf_link_return_held(world->link);
        break;
    case PROVE:
        xf_link_prove(world->link);
        break;
    case UNSURE:
        expect_number(world, xf_link_is_unsure(world->link), step->ms);
        break;
    case NODES:
        set_nodes(world, step);
        break;
    case STOP:
        xf_link_stop(world->link);
        break;
    case KEEP_NONE:
        xf_link_keep_none(world->link);
        break;
    }
}

static void set_up(struct world *world, const struct link_case *test)
{
    *world =
        (struct world){.conf = {
                           .title = (char *)"presence",
                           .nodes.item = (char **)(uintptr_t)test->nodes,
                           .name = (char *)"gw.example",
                           .tls = XF_LINK_TLS_NONE,
                           .per_peer = test->per_peer,
                           .secret = (char *)"sesame",
                           .max_stanza_bytes = 10000,
                           .hold_ms = 10000,
                           .hold_bytes = test->hold_bytes ? test->hold_bytes : 8u << 20,
                           .ping_ms = 60000,
                           .ack = test->pings ? XF_ACK_PING : XF_ACK_NONE,
                           .resend = test->resend,
                           .quarantine = (char *)"quarantine.xml",
                           .peers = test->peers ? test->peers : 100,
                           .peers_per_owner = test->peers_per_owner ? test->peers_per_owner : 100,
                       }};
    while (world->conf.nodes.count < 3 && test->nodes[world->conf.nodes.count])
        world->conf.nodes.count++;
    fake_env_init(&world->fake);
    world->link = xf_link_new(&world->fake.env, &world->conf, &events, world);
}

/* Whatever state a case leaves, stopping must end it without a leak. */
static void tear_down(struct world *world)
{
    xf_link_stop(world->link);
    ck_assert_int_eq(send_message(world, "b.example", "late", "", 1), XF_ERR_CLOSED);
    fake_env_advance(&world->fake, 10000);
    ck_assert(xf_link_is_gone(world->link));
    xf_link_free(&world->link);
    fake_env_fini(&world->fake);
}

START_TEST(plays)
{
    const struct link_case *test = &cases[_i];
    struct world world;
    set_up(&world, test);
    for (size_t i = 0; i < XF_ARRAY_LEN(test->steps); i++) {
        const struct step *step = &test->steps[i];
        if (step->op == DIAL && !step->text)
            break; /* the zeroed rest */
        snprintf(world.where, sizeof(world.where), "%s, step %zu", test->label, i);
        take_step(&world, step);
    }
    tear_down(&world);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    struct xf_stanza stanza;
    const char *from, *to;
} copies[] = {
    {"everything there", {.kind = XF_STANZA_IQ, .type = TEXT("get"), .id = TEXT("i1"), .lang = TEXT("de"),
                          .extra = TEXT(" a=\"b\""), .payload = TEXT("<q xmlns=\"u\"/>"), .wire_bytes = 77},
     "u@b.example/r@/s", "v@a.example"},
    {"nothing but addresses", {.kind = XF_STANZA_PRESENCE, .payload = {"", 0}}, "b.example", "a.example/x"},
    {"an empty id is not an absent one", {.kind = XF_STANZA_MESSAGE, .id = {"", 0}, .has_ns_mark = true,
                                         .payload = TEXT("<a xmlns=\"u\"><b xmlns=\"\x01\"/></a>")},
     "u@b.example", "v@a.example/r"},
};
/* clang-format on */

static void check_same(struct xf_span a, struct xf_span b)
{
    ck_assert_int_eq(!a.ptr, !b.ptr);
    ck_assert(xf_span_eq(a, b));
    ck_assert(!a.len || a.ptr != b.ptr);
}

static void check_same_jid(const struct xf_jid *a, const struct xf_jid *b)
{
    check_same(a->full, b->full);
    check_same(a->local, b->local);
    check_same(a->domain, b->domain);
    check_same(a->resource, b->resource);
}

START_TEST(keeps_all_of_a_stanza)
{
    struct xf_stanza stanza = copies[_i].stanza, again;
    struct xf_stanza_scratch scratch;
    bool is_from;
    stanza.raw_from = xf_span_of(copies[_i].from);
    stanza.raw_to = xf_span_of(copies[_i].to);
    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    struct xf_stanza_copy *kept = xf_stanza_copy_new(&stanza, 5);
    ck_assert_uint_eq(kept->bytes, xf_stanza_copy_size(&stanza));
    xf_stanza_copy_read(kept, &again);
    ck_assert_int_eq(again.kind, stanza.kind);
    ck_assert_int_eq(again.has_ns_mark, stanza.has_ns_mark);
    ck_assert_uint_eq(again.wire_bytes, stanza.wire_bytes);
    check_same_jid(&again.from, &stanza.from);
    check_same_jid(&again.to, &stanza.to);
    check_same(again.type, stanza.type);
    check_same(again.id, stanza.id);
    check_same(again.lang, stanza.lang);
    check_same(again.extra, stanza.extra);
    check_same(again.payload, stanza.payload);
    xf_free(kept);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("link");
    TCase *plays_case = tcase_create("transcripts");
    TCase *kept_case = tcase_create("kept");
    tcase_set_timeout(plays_case, 60);
    tcase_add_loop_test(plays_case, plays, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(kept_case, keeps_all_of_a_stanza, 0, XF_ARRAY_LEN(copies));
    suite_add_tcase(suite, plays_case);
    suite_add_tcase(suite, kept_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
