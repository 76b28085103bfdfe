/* SPDX-License-Identifier: MIT */
/*
 * test_routing.c — transcripts of routing between a real component link over a fake conn and
 * streams of fake_s2s.h. A case is a list of steps. Users are v@a.example (ours) and u@PEER; ids
 * name stanzas; "!" before an id marks an error stanza.
 */
#include <xfed/routing/routing.h>

#include <check.h>
#include <stdio.h>

#include "fake_conn.h"
#include "fake_s2s.h"

#include <xfed/base/alloc.h>
#include <xfed/conf/conf.h>
#include <xfed/routing/counts.h>

#include "links_priv.h"
#include "routing_priv.h"

#define OUTS_MAX   8
#define FROM(user) "from='" user "@a.example/r' "
#define MESSAGE(id, peer) \
    "<message " FROM("v") "to='u@" peer "' id='" id "'><body>hi</body></message>"
#define MSG(id) MESSAGE(id, "b.example")

enum op {
    END,
    CLUSTER,  /* text on the link */
    MANY,     /* ms messages to the peer text */
    OUT,      /* stream n was opened, for the pair text */
    LAST_OUT, /* the same, and it is the last of ms that were opened since the last time */
    NO_OUT,
    READY, /* stream n */
    TAKES, /* stream n is congested after ms more stanzas */
    MAX,   /* stream n refuses more than ms payload bytes */
    DRAINED,
    CLOSING,
    ENDED,        /* stream n, cause ms */
    SENT,         /* ids on stream n since the last time */
    SENT_COUNT,   /* ms stanzas on stream n in all */
    ANSWERED,     /* "id:condition ..." of the error stanzas on the link since the last time */
    ANSWER_COUNT, /* so many since the last time: ms */
    LINK_SENT,    /* exactly text on the link since the last time */
    DELIVERED,    /* ids of the stanzas that are no errors on the link since the last time */
    PEER,         /* a stanza of a peer; text: "kind type id domain", type "-" for none; accepted */
    PEER_WAIT,    /* the same, and the stream is to pause */
    PEER_LARGE,   /* a message larger than the link takes */
    SEEN,         /* the pair of a.example and text authenticated inbound */
    CARRIES,      /* a stream of the peer carries the pair: text "yes" or "no" */
    COMMITTED,    /* stream n has said who we are: it cannot be given up */
    LINK_LOST,
    LINK_BACK,
    LINK_BLOCKED, /* the cluster does not read: text "yes" or "no" */
    LINK_WAITS,   /* at most ms bytes wait for it in the link's own output */
    RESUMED,      /* so many calls of xf_s2s_resume_inbound since the last time: ms */
    WAIT,         /* ms */
    NETWORK,      /* of stream n: text */
    /* how often stream n, which takes one stanza at a time, pauses the link in two seconds: ms */
    CROWD, /* ms: so many peers, each of a network of its own, have a queue that is just too full */
    PAUSED_FOR,
    PAUSES,
    LINK_READS, /* text: "yes" or "no" */
    ROUTES,     /* ms routes exist; with text, in that state */
    /* "PEER CAUSE" cannot be reached, since ms; "": no peer is told of */
    UNREACHABLE,
    DEAD_NAMES, /* so many names below the domain text are written to, and cannot be reached: ms */
    TOLD,       /* ms of text, or of all with NULL, are told of as unreachable */
    COUNTED,    /* xf_routing_counts.waited has ms stanzas */
    IDLE,       /* text: "yes" or "no" */
    UNPROVED,   /* ms stanzas on stream n were not confirmed yet */
    SENT_ALL,   /* text: "yes" or "no" */
    RELOAD,     /* to the policy in which b.example may not be spoken to */
    /*
     * to the one in which the other link serves a.example: that comes up, and what follows is said
     * of it
     */
    MOVE,
    MOVE_BACK, /* to the first one: the first link serves a.example again */
    SWAP,      /* ... of the one before */
    DRAIN,
    FINISH,
    LEAVE, /* the links are about to stop */
    LOG,   /* event text, ms times since the last LOG */
};

struct step {
    enum op op;
    int n;
    const char *text;
    unsigned ms;
};

struct routing_case {
    const char *label;
    unsigned queue_stanzas;        /* 0: plenty */
    size_t queue_bytes, all_bytes; /* of a queue, of all queues */
    unsigned backoff_ms;           /* 0: 5 s */
    struct step steps[40];
};

/* The first stanza opens a stream, which fails for this cause (doc/ARCHITECTURE.md 5). */
#define FAILS_WITH(cause, condition)               \
    {                                              \
        "unreachable, " #cause, .steps = {         \
            {CLUSTER, .text = MSG("m1")},          \
            {OUT, 0, "a.example b.example"},       \
            {ENDED, 0, "words", XF_CAUSE_##cause}, \
            {ANSWERED, .text = "m1:" condition}    \
        }                                          \
    }

/* A step names what it needs, the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct routing_case cases[] = {
    FAILS_WITH(NOT_FOUND,   "cancel/remote-server-not-found"),
    FAILS_WITH(NO_SERVICE,  "cancel/remote-server-not-found"),
    FAILS_WITH(DNS_FAILED,  "wait/remote-server-timeout"),
    FAILS_WITH(CONNECT,     "wait/remote-server-timeout"),
    FAILS_WITH(TIMEOUT,     "wait/remote-server-timeout"),
    FAILS_WITH(TLS,         "wait/remote-server-timeout"),
    FAILS_WITH(CERTIFICATE, "wait/remote-server-timeout"),
    FAILS_WITH(AUTH,        "wait/remote-server-timeout"),
    FAILS_WITH(STREAM,      "wait/remote-server-timeout"),
    FAILS_WITH(POLICY,      "cancel/not-allowed"),
    FAILS_WITH(SHUTDOWN,    "wait/remote-server-timeout"),
    FAILS_WITH(NONE,        "wait/remote-server-timeout"),

    {"an answer is an error of the same kind and id, addresses swapped, with the words of the cause", .steps = {
        {CLUSTER, .text = "<iq " FROM("v") "to='u@b.example/x' id='i&amp;1' type='get'><q xmlns='urn:q'/></iq>"}, {OUT, 0, "a.example b.example"},
        {ENDED, 0, "no <server>", XF_CAUSE_NOT_FOUND},
        {LINK_SENT, .text = "<iq from=\"u@b.example/x\" to=\"v@a.example/r\" type=\"error\" id=\"i&amp;1\"><error type=\"cancel\">"
            "<remote-server-not-found xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
            "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">no &lt;server&gt;</text></error></iq>"}}},

    {"policy denies the peer: not-allowed, and no stream", .steps = {
        {CLUSTER, .text = MESSAGE("m1", "denied.example")}, {ANSWERED, .text = "m1:cancel/not-allowed"}, {NO_OUT}, {ROUTES, .ms = 0}}},

    {"policy lets a peer only in: not-allowed outwards", .steps = {
        {CLUSTER, .text = MESSAGE("m1", "in.example")}, {ANSWERED, .text = "m1:cancel/not-allowed"}, {NO_OUT}}},

    {"the queue is full by count: resource-constraint for what is too much, order kept", .queue_stanzas = 2, .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2") MSG("m3")}, {OUT, 0, "a.example b.example"}, {ANSWERED, .text = "m3:wait/resource-constraint"},
        {LOG, .text = "routing.queue.full", .ms = 1}, {READY, 0}, {SENT, 0, "m1 m2"}}},

    {"the queue is full by bytes: resource-constraint", .queue_bytes = 420, .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2") MSG("m3")}, {OUT, 0, "a.example b.example"}, {ANSWERED, .text = "m3:wait/resource-constraint"},
        {READY, 0}, {SENT, 0, "m1 m2"}}},

    {"all queues together fill up: told once, and again when half of it is gone", .all_bytes = 40000, .steps = {
        {MANY, .text = "b.example", .ms = 110}, {MANY, .text = "c.example", .ms = 55}, {LOG, .text = "routing.queues.filling", .ms = 0},
        {MANY, .text = "d.example", .ms = 28}, {LOG, .text = "routing.queues.filling", .ms = 1}, {OUT, 0, "a.example b.example"},
        {OUT, 1, "a.example c.example"}, {OUT, 2, "a.example d.example"}, {LOG, .text = "routing.queues.relieved", .ms = 0},
        {ENDED, 0, "words", XF_CAUSE_TIMEOUT}, {LOG, .text = "routing.queues.relieved", .ms = 1}}},

    {"larger than what is taken from the peer: that says nothing of what the peer takes", .steps = {
        {CLUSTER, .text = "<message " FROM("v") "to='u@small.example' id='m1'><body>more than a hundred bytes in all, which is more than this peer may send</body></message>"},
        {OUT, 0, "a.example small.example"}, {READY, 0}, {SENT, 0, "m1"}, {ANSWERED, .text = ""}}},

    {"larger than the peer takes: not-acceptable, from queue and stream", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {MAX, 0, .ms = 5}, {READY, 0}, {ANSWERED, .text = "m1:modify/not-acceptable"},
        {CLUSTER, .text = MSG("m2")}, {ANSWERED, .text = "m2:modify/not-acceptable"}, {SENT, 0, ""}, {IDLE, .text = "yes"}}},

    {"too long in the queue: remote-server-timeout, each by its own age", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {WAIT, .ms = 20000}, {CLUSTER, .text = MSG("m2")}, {WAIT, .ms = 39900},
        {ANSWERED, .text = ""}, {WAIT, .ms = 200}, {ANSWERED, .text = "m1:wait/remote-server-timeout"}, {WAIT, .ms = 20000},
        {ANSWERED, .text = "m2:wait/remote-server-timeout"}, {IDLE, .text = "yes"}, {READY, 0}, {CLUSTER, .text = MSG("m3")}, {SENT, 0, "m3"}}},

    {"queued while the stream is made, then sent, then straight through", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2")}, {OUT, 0, "a.example b.example"}, {SENT, 0, ""}, {IDLE, .text = "no"}, {READY, 0}, {SENT, 0, "m1 m2"},
        {IDLE, .text = "yes"}, {CLUSTER, .text = MSG("m3")}, {SENT, 0, "m3"}, {NO_OUT}, {ANSWERED, .text = ""}}},

    {"what peers did not confirm is sent all the same", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2")}, {OUT, 0, "a.example b.example"}, {SENT_ALL, .text = "no"}, {READY, 0}, {SENT, 0, "m1 m2"},
        {UNPROVED, 0, .ms = 2}, {IDLE, .text = "no"}, {SENT_ALL, .text = "yes"}, {CLUSTER, .text = MESSAGE("m3", "c.example")},
        {OUT, 1, "a.example c.example"}, {SENT_ALL, .text = "no"}, {READY, 1}, {SENT, 1, "m3"}, {SENT_ALL, .text = "yes"},
        {UNPROVED, 0, .ms = 0}, {IDLE, .text = "yes"}}},

    {"what meets our own close of an idle stream goes into a new one, however young it was", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {SENT, 0, "m1"}, {CLOSING, 0}, {CLUSTER, .text = MSG("m2")},
        {ENDED, 0, "idle", XF_CAUSE_IDLE}, {OUT, 1, "a.example b.example"}, {READY, 1}, {SENT, 1, "m2"}, {CLOSING, 1}, {CLUSTER, .text = MSG("m3")},
        {ENDED, 1, "idle", XF_CAUSE_IDLE}, {OUT, 2, "a.example b.example"}, {READY, 2}, {SENT, 2, "m3"}, {ENDED, 2, "idle", XF_CAUSE_IDLE},
        {ANSWERED, .text = ""}, {NO_OUT}}},

    {"pairs have routes of their own", .steps = {
        {CLUSTER, .text = MSG("m1") MESSAGE("m2", "c.example") "<message from='v@chat.a.example' to='u@b.example' id='m3'/>"},
        {OUT, 0, "a.example b.example"}, {OUT, 1, "a.example c.example"}, {OUT, 2, "chat.a.example b.example"}, {ROUTES, .ms = 3},
        {READY, 2}, {READY, 1}, {READY, 0}, {SENT, 0, "m1"}, {SENT, 1, "m2"}, {SENT, 2, "m3"}}},

    {"addresses are prepared before the pair is looked up", .steps = {
        {CLUSTER, .text = "<message from='V@A.example' to='U@B.EXAMPLE.' id='m1'/>" MSG("m2")}, {OUT, 0, "a.example b.example"}, {NO_OUT},
        {READY, 0}, {SENT, 0, "m1 m2"}}},

    {"a congested stream makes the route queue, drained goes on in order", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {TAKES, 0, .ms = 1}, {CLUSTER, .text = MSG("m2") MSG("m3")},
        {CLUSTER, .text = MSG("m4")}, {SENT, 0, "m1 m2"}, {DRAINED, 0}, {SENT, 0, "m3 m4"}, {CLUSTER, .text = MSG("m5")}, {SENT, 0, "m5"}}},

    {"congested again while it is flushed", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2") MSG("m3")}, {OUT, 0, "a.example b.example"}, {TAKES, 0, .ms = 1}, {READY, 0}, {SENT, 0, "m1"},
        {CLUSTER, .text = MSG("m4")}, {SENT, 0, ""}, {DRAINED, 0}, {SENT, 0, "m2 m3 m4"}}},

    {"a failed peer is answered at once for the back-off, then tried anew", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CERTIFICATE},
        {ANSWERED, .text = "m1:wait/remote-server-timeout m2:wait/remote-server-timeout"}, {LOG, .text = "routing.route.failed reason=certificate", .ms = 1},
        {WAIT, .ms = 3700}, {CLUSTER, .text = MSG("m3")}, {ANSWERED, .text = "m3:wait/remote-server-timeout"}, {NO_OUT},
        {WAIT, .ms = 2600}, {CLUSTER, .text = MSG("m4")}, {OUT, 1, "a.example b.example"}, {ENDED, 1, "words", XF_CAUSE_NOT_FOUND},
        {ANSWERED, .text = "m4:cancel/remote-server-not-found"}, {WAIT, .ms = 7400}, {CLUSTER, .text = MSG("m5")},
        {ANSWERED, .text = "m5:cancel/remote-server-not-found"}, {NO_OUT}, {WAIT, .ms = 5200}, {CLUSTER, .text = MSG("m6")},
        {OUT, 2, "a.example b.example"}, {READY, 2}, {SENT, 2, "m6"}}},

    {"a peer in back-off is tried while stanzas come: they are answered until it is well, then pass, those of other pairs too", .backoff_ms = 60000, .steps = {
        {CLUSTER, .text = MSG("m1") "<message from='v@chat.a.example' to='u@b.example' id='n1'/>"}, {OUT, 0, "a.example b.example"},
        {ENDED, 0, "words", XF_CAUSE_CONNECT}, {OUT, 1, "chat.a.example b.example"}, {ENDED, 1, "words", XF_CAUSE_CONNECT}, {ANSWER_COUNT, .ms = 2},
        {WAIT, .ms = 2600}, {NO_OUT}, {CLUSTER, .text = MSG("m2")}, {OUT, 2, "a.example b.example"}, {ANSWERED, .text = "m2:wait/remote-server-timeout"},
        {ENDED, 2, "words", XF_CAUSE_CONNECT}, {LOG, .text = "routing.route.failed reason=connect", .ms = 2},
        {CLUSTER, .text = "<message from='v@chat.a.example' to='u@b.example' id='n2'/>"}, {NO_OUT}, {WAIT, .ms = 2600}, {OUT, 3, "chat.a.example b.example"},
        {CLUSTER, .text = "<message from='v@chat.a.example' to='u@b.example' id='n3'/>" MSG("m3")}, {ANSWER_COUNT, .ms = 3}, {READY, 3}, {SENT, 3, ""},
        {CLUSTER, .text = "<message from='v@chat.a.example' to='u@b.example' id='n4'/>" MSG("m4")}, {SENT, 3, "n4"},
        {OUT, 4, "a.example b.example"}, {READY, 4}, {SENT, 4, "m4"}}},

    {"the stream of another pair ends the back-off, where the server was the trouble", .backoff_ms = 60000, .steps = {
        {CLUSTER, .text = MSG("m1") "<message from='v@chat.a.example' to='u@b.example' id='n1'/>"}, {OUT, 0, "a.example b.example"},
        {OUT, 1, "chat.a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {READY, 1}, {SENT, 1, "n1"},
        {CLUSTER, .text = MSG("m2")}, {OUT, 2, "a.example b.example"}, {READY, 2}, {SENT, 2, "m2"}}},

    {"... not where the pair was", .backoff_ms = 60000, .steps = {
        {CLUSTER, .text = MSG("m1") "<message from='v@chat.a.example' to='u@b.example' id='n1'/>"}, {OUT, 0, "a.example b.example"},
        {OUT, 1, "chat.a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_AUTH}, {READY, 1}, {SENT, 1, "n1"}, {WAIT, .ms = 3000},
        {CLUSTER, .text = MSG("m2")}, {NO_OUT}, {ANSWERED, .text = "m1:wait/remote-server-timeout m2:wait/remote-server-timeout"}}},

    {"lost twice soon after ready: the peer is tried soon, while it bounces", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {CLOSING, 0}, {CLUSTER, .text = MSG("m2")},
        {ENDED, 0, "words", XF_CAUSE_STREAM}, {OUT, 1, "a.example b.example"}, {READY, 1}, {SENT, 1, "m2"}, {CLOSING, 1}, {CLUSTER, .text = MSG("m3")},
        {ENDED, 1, "words", XF_CAUSE_STREAM}, {CLUSTER, .text = MSG("m4")}, {ANSWER_COUNT, .ms = 2}, {NO_OUT}, {WAIT, .ms = 2600}, {OUT, 2, "a.example b.example"},
        {READY, 2}, {CLUSTER, .text = MSG("m5")}, {SENT, 2, "m5"}}},

    {"a drain ends a probe, and begins none", .backoff_ms = 60000, .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {WAIT, .ms = 2600}, {CLUSTER, .text = MSG("m2")},
        {OUT, 1, "a.example b.example"}, {DRAIN}, {ENDED, 1, "words", XF_CAUSE_SHUTDOWN}, {WAIT, .ms = 6000}, {NO_OUT}}},

    {"an inbound success ends the back-off", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {SEEN, .text = "b.example"},
        {CLUSTER, .text = MSG("m2")}, {OUT, 1, "a.example b.example"}, {READY, 1}, {SENT, 1, "m2"}}},

    {"the success of another peer does not", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {SEEN, .text = "c.example"},
        {CLUSTER, .text = MSG("m2")}, {NO_OUT}}},

    {"a stream of the peer carries the pair while ours is being made: the queue goes over it, in order", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2")}, {OUT, 0, "a.example b.example"}, {CARRIES, .text = "yes"}, {SEEN, .text = "b.example"},
        {OUT, 1, "a.example b.example"}, {CLUSTER, .text = MSG("m3")}, {READY, 1}, {SENT, 1, "m1 m2 m3"}}},

    {"ours has said who we are: it goes on, and fails: what waits goes over the peer's instead of being bounced", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {COMMITTED, 0}, {CARRIES, .text = "yes"}, {SEEN, .text = "b.example"},
        {NO_OUT}, {ENDED, 0, "words", XF_CAUSE_AUTH}, {ANSWERED, .text = ""}, {OUT, 1, "a.example b.example"}, {READY, 1}, {SENT, 1, "m1"}}},

    {"a ready stream is not left for the peer's", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {CARRIES, .text = "yes"}, {SEEN, .text = "b.example"},
        {CLUSTER, .text = MSG("m2")}, {SENT, 0, "m1 m2"}, {NO_OUT}}},

    {"the peer authenticated on a stream that goes one way: ours goes on", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {SEEN, .text = "b.example"}, {NO_OUT}, {READY, 0}, {SENT, 0, "m1"}}},

    {"a refusal by policy is not remembered", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_POLICY}, {CLUSTER, .text = MSG("m2")},
        {OUT, 1, "a.example b.example"}}},

    {"a lost stream: what waits goes into a new one at once", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {WAIT, .ms = 6000}, {CLOSING, 0}, {CLUSTER, .text = MSG("m2") MSG("m3")},
        {NO_OUT}, {ENDED, 0, "words", XF_CAUSE_STREAM}, {OUT, 1, "a.example b.example"}, {READY, 1}, {SENT, 1, "m2 m3"}, {ANSWERED, .text = ""}}},

    {"a lost stream and nothing waits: the next stanza opens one", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {ENDED, 0, "words", XF_CAUSE_NONE}, {NO_OUT},
        {CLUSTER, .text = MSG("m2")}, {OUT, 1, "a.example b.example"}}},

    {"lost twice soon after ready: back-off, and the rest is bounced", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {CLOSING, 0}, {CLUSTER, .text = MSG("m2")},
        {ENDED, 0, "words", XF_CAUSE_STREAM}, {OUT, 1, "a.example b.example"}, {READY, 1}, {SENT, 1, "m2"}, {CLOSING, 1}, {CLUSTER, .text = MSG("m3")},
        {ENDED, 1, "words", XF_CAUSE_STREAM}, {ANSWERED, .text = "m3:wait/remote-server-timeout"}, {NO_OUT},
        {CLUSTER, .text = MSG("m4")}, {ANSWERED, .text = "m4:wait/remote-server-timeout"}, {NO_OUT}}},

    {"errors, results and unavailable presence are never answered", .steps = {
        {CLUSTER, .text = "<message " FROM("v") "to='u@b.example' id='m1' type='error'/><iq " FROM("v") "to='u@b.example' id='m2' type='result'/>"
            "<iq " FROM("v") "to='u@b.example' id='m3' type='error'/><presence " FROM("v") "to='u@b.example' id='m4' type='unavailable'/>"
            "<presence " FROM("v") "to='u@b.example' id='m5' type='subscribed'/><presence " FROM("v") "to='u@b.example' id='m6' type='probe'/>"
            "<iq " FROM("v") "to='u@b.example' id='m7' type='set'/>"},
        {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT},
        {ANSWERED, .text = "m6:wait/remote-server-timeout m7:wait/remote-server-timeout"}}},

    {"loop guard: to a served domain is answered, never reflected", .steps = {
        {CLUSTER, .text = MESSAGE("m1", "chat.a.example")}, {NO_OUT}, {ANSWERED, .text = "m1:cancel/remote-server-not-found"}, {LOG, .text = "routing.stanza.refused reason=loop", .ms = 1}}},

    {"loop guard: from a domain that is not ours is dropped", .steps = {
        {CLUSTER, .text = "<message from='v@x.example' to='u@b.example' id='m1'/>"}, {NO_OUT}, {LINK_SENT, .text = ""},
        {LOG, .text = "routing.stanza.refused reason=foreign-from", .ms = 1}}},

    {"loop guard: from a domain of another link is dropped, also when its route exists", .steps = {
        {CLUSTER, .text = "<message from='v@other.example' to='u@b.example' id='m1'/>"}, {PEER, .text = "iq get i1 b.example other.example"},
        {WAIT, .ms = 10100}, {OUT, 0, "other.example b.example"}, {READY, 0}, {SENT, 0, "!i1"},
        {CLUSTER, .text = "<message from='v@other.example' to='u@b.example' id='m2'/>"}, {SENT, 0, ""}}},

    {"to the gateway's own name: nobody is there", .steps = {
        {CLUSTER, .text = "<iq " FROM("v") "to='gw.example' id='i1' type='get'/>"}, {ANSWERED, .text = "i1:cancel/service-unavailable"}, {NO_OUT}}},

    {"a malformed to is answered as it was written, a missing one from our own domain", .steps = {
        {CLUSTER, .text = "<message " FROM("v") "to='@b.example' id='m1'/>"},
        {LINK_SENT, .text = "<message from=\"@b.example\" to=\"v@a.example/r\" type=\"error\" id=\"m1\"><error type=\"modify\">"
            "<jid-malformed xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
            "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">the address is not valid</text></error></message>"},
        {CLUSTER, .text = "<message " FROM("v") "id='m2'/>"},
        {LINK_SENT, .text = "<message from=\"a.example\" to=\"v@a.example/r\" type=\"error\" id=\"m2\"><error type=\"modify\">"
            "<jid-malformed xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
            "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">the address is not valid</text></error></message>"}, {NO_OUT}}},

    {"a malformed from of ours is told", .steps = {
        {CLUSTER, .text = "<iq from='v b@a.example' to='u@b.example/x' type='get' id='m0'/>"},
        {LINK_SENT, .text = "<iq from=\"u@b.example/x\" to=\"v b@a.example\" type=\"error\" id=\"m0\"><error type=\"modify\">"
            "<jid-malformed xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
            "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">the address is not valid</text></error></iq>"}, {NO_OUT}}},

    {"a malformed from of others or a missing one is dropped", .steps = {
        {CLUSTER, .text = "<message from='@x.example' to='u@b.example' id='m1'/><message to='u@b.example' id='m2'/>"}, {LINK_SENT, .text = ""}, {NO_OUT},
        {LOG, .text = "routing.stanza.refused reason=malformed-from", .ms = 1}, {WAIT, .ms = 1100},
        {CLUSTER, .text = "<message to='u@b.example' id='m2'/>"}, {LOG, .text = "routing.stanza.refused suppressed=1", .ms = 1}}},

    {"inbound: delivered to the link", .steps = {
        {PEER, .text = "message - p1 b.example"}, {PEER, .text = "presence probe p2 c.example"}, {DELIVERED, .text = "p1 p2"}}},

    {"inbound: policy denies the way in, the peer is told over its route", .steps = {
        {PEER, .text = "iq get p1 out.example"}, {DELIVERED, .text = ""}, {OUT, 0, "a.example out.example"}, {READY, 0}, {SENT, 0, "!p1"}}},

    {"inbound: denied both ways: dropped, no stream", .steps = {{PEER, .text = "iq get p1 denied.example"}, {DELIVERED, .text = ""}, {NO_OUT}}},

    {"inbound: what needs no answer gets none", .steps = {
        {PEER, .text = "message error p1 out.example"}, {PEER, .text = "iq result p2 out.example"}, {PEER, .text = "presence unavailable p3 out.example"}, {NO_OUT}}},

    {"inbound: larger than the link takes: not-acceptable to the peer", .steps = {
        {PEER_LARGE, .text = "message - p1 b.example"}, {DELIVERED, .text = ""}, {OUT, 0, "a.example b.example"}, {READY, 0}, {SENT, 0, "!p1"}}},

    {"link down: held, then the peer is told", .steps = {
        {LINK_LOST}, {RESUMED, .ms = 1}, {PEER, .text = "message - p1 b.example"}, {PEER, .text = "message error p2 b.example"}, {NO_OUT}, {WAIT, .ms = 10100},
        {OUT, 0, "a.example b.example"}, {READY, 0}, {SENT, 0, "!p1"},
        {PEER, .text = "message - p3 b.example"}, {SENT, 0, "!p3"}}},

    {"link back in time: delivered", .steps = {
        {LINK_LOST}, {RESUMED, .ms = 1}, {PEER, .text = "message - p1 b.example"}, {WAIT, .ms = 260}, {LINK_BACK}, {DELIVERED, .text = "p1"}, {RESUMED, .ms = 1}, {NO_OUT}}},

    {"a ready route above half of its queue pauses the cluster until a quarter", .queue_stanzas = 100, .steps = {
        {MANY, .text = "b.example", .ms = 60}, {OUT, 0, "a.example b.example"}, {TAKES, 0, .ms = 10}, {READY, 0}, {LINK_READS, .text = "yes"},
        {MANY, .text = "b.example", .ms = 1}, {LINK_READS, .text = "no"}, {TAKES, 0, .ms = 20}, {DRAINED, 0}, {LINK_READS, .text = "no"},
        {TAKES, 0, .ms = 5}, {DRAINED, 0}, {LINK_READS, .text = "no"}, {TAKES, 0, .ms = 1}, {DRAINED, 0}, {LINK_READS, .text = "yes"}, {SENT_COUNT, 0, .ms = 36}}},

    {"a route whose stream is not ready never does; what does not fit is bounced", .queue_stanzas = 100, .steps = {
        {MANY, .text = "b.example", .ms = 105}, {OUT, 0, "a.example b.example"}, {LINK_READS, .text = "yes"}, {ANSWER_COUNT, .ms = 5}, {READY, 0},
        {SENT_COUNT, 0, .ms = 100}}},

    {"nor does it when a ready stream ended", .queue_stanzas = 10, .steps = {
        {MANY, .text = "b.example", .ms = 5}, {OUT, 0, "a.example b.example"}, {TAKES, 0, .ms = 1}, {READY, 0}, {WAIT, .ms = 6000},
        {ENDED, 0, "words", XF_CAUSE_STREAM}, {OUT, 1, "a.example b.example"}, {MANY, .text = "b.example", .ms = 6}, {LINK_READS, .text = "yes"}}},

    {"a pause is short, and the link is then read for as long", .queue_stanzas = 100, .steps = {
        {MANY, .text = "b.example", .ms = 1}, {OUT, 0, "a.example b.example"}, {TAKES, 0, .ms = 1}, {READY, 0}, {MANY, .text = "b.example", .ms = 51},
        {LINK_READS, .text = "no"}, {WAIT, .ms = 49}, {LINK_READS, .text = "no"}, {WAIT, .ms = 2}, {LINK_READS, .text = "yes"},
        {MANY, .text = "b.example", .ms = 1}, {LINK_READS, .text = "yes"}, {WAIT, .ms = 50}, {MANY, .text = "b.example", .ms = 1}, {LINK_READS, .text = "no"}}},

    {"a queue that does not move for 500 ms lets the cluster go on, and does not stop it again before it moves", .queue_stanzas = 100, .steps = {
        {MANY, .text = "b.example", .ms = 1}, {OUT, 0, "a.example b.example"}, {TAKES, 0, .ms = 1}, {READY, 0}, {MANY, .text = "b.example", .ms = 50},
        {WAIT, .ms = 501}, {MANY, .text = "b.example", .ms = 1}, {LINK_READS, .text = "yes"}, {TAKES, 0, .ms = 1}, {DRAINED, 0},
        {MANY, .text = "b.example", .ms = 1}, {LINK_READS, .text = "no"}}},

    {"pauses are rationed: half a second at once for the peers of one network, one second for all", .queue_stanzas = 100, .steps = {
        {MANY, .text = "b.example", .ms = 1}, {MANY, .text = "c.example", .ms = 1}, {MANY, .text = "d.example", .ms = 1}, {MANY, .text = "e.example", .ms = 1},
        {OUT, 0, "a.example b.example"}, {OUT, 1, "a.example c.example"}, {OUT, 2, "a.example d.example"}, {OUT, 3, "a.example e.example"},
        {NETWORK, 0, "192.0.2.1:1"}, {NETWORK, 1, "192.0.2.2:1"}, {NETWORK, 2, "198.51.100.1:1"}, {NETWORK, 3, "203.0.113.1:1"},
        {TAKES, 0, .ms = 1}, {READY, 0}, {TAKES, 1, .ms = 1}, {READY, 1}, {TAKES, 2, .ms = 1}, {READY, 2}, {TAKES, 3, .ms = 1}, {READY, 3},
        {PAUSES, 0, "b.example", .ms = 10}, {PAUSES, 1, "c.example", .ms = 0}, {PAUSES, 2, "d.example", .ms = 10}, {PAUSES, 3, "e.example", .ms = 0},
        {WAIT, .ms = 600000}, {PAUSES, 3, "e.example", .ms = 10}}},

    {"the link is paused for no more than sixteen networks at a time", .queue_stanzas = 100, .steps = {
        {CROWD, .ms = 17}, {LINK_READS, .text = "no"}, {PAUSED_FOR, .ms = 16}}},

    {"two routes press: the cluster waits for both", .queue_stanzas = 2, .steps = {
        {CLUSTER, .text = MSG("m1") MESSAGE("m2", "c.example")}, {OUT, 0, "a.example b.example"}, {OUT, 1, "a.example c.example"}, {TAKES, 0, .ms = 1}, {READY, 0},
        {TAKES, 1, .ms = 1}, {READY, 1}, {CLUSTER, .text = MSG("m3") MSG("m4") MESSAGE("m5", "c.example") MESSAGE("m6", "c.example")}, {LINK_READS, .text = "no"},
        {TAKES, 0, .ms = 0}, {DRAINED, 0}, {LINK_READS, .text = "no"}, {TAKES, 1, .ms = 0}, {DRAINED, 1}, {LINK_READS, .text = "yes"}}},

    {"a bounced queue lets the cluster go on", .queue_stanzas = 2, .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {TAKES, 0, .ms = 1}, {READY, 0}, {CLUSTER, .text = MSG("m2") MSG("m3")},
        {LINK_READS, .text = "no"}, {RELOAD}, {LINK_READS, .text = "yes"}}},

    {"counts: routes by state, what waited, and since when a peer cannot be reached, over several back-offs", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ROUTES, .text = "queue", .ms = 1}, {UNREACHABLE, .text = ""},
        {ENDED, 0, "words", XF_CAUSE_CONNECT}, {ROUTES, .text = "bounce", .ms = 1}, {ROUTES, .ms = 1}, {UNREACHABLE, .text = "b.example connect"},
        {WAIT, .ms = 7000}, {UNREACHABLE, .text = "b.example connect", .ms = 7000}, {ROUTES, .text = "idle", .ms = 1}, {COUNTED, .ms = 0},
        {CLUSTER, .text = MSG("m2")}, {OUT, 1, "a.example b.example"}, {ENDED, 1, "words", XF_CAUSE_TIMEOUT}, {UNREACHABLE, .text = "b.example timeout", .ms = 7000},
        {WAIT, .ms = 20000}, {CLUSTER, .text = MSG("m3")}, {OUT, 2, "a.example b.example"}, {READY, 2}, {UNREACHABLE, .text = ""}, {COUNTED, .ms = 1},
        {ROUTES, .text = "send", .ms = 1}, {CLUSTER, .text = MSG("m4")}, {COUNTED, .ms = 1}}},

    {"a peer that nobody tries any more is not told of as unreachable", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {WAIT, .ms = 900000},
        {UNREACHABLE, .text = "b.example connect", .ms = 900000}, {WAIT, .ms = 1}, {UNREACHABLE, .text = ""}}},

    {"names that our users write to displace no named peer, and of the others only their owner's", .steps = {
        {CLUSTER, .text = MESSAGE("m1", "out.example") MESSAGE("m2", "c.example")}, {OUT, 0, "a.example out.example"}, {OUT, 1, "a.example c.example"},
        {ENDED, 0, "words", XF_CAUSE_CONNECT}, {ENDED, 1, "words", XF_CAUSE_CONNECT}, {WAIT, .ms = 1}, {DEAD_NAMES, .text = "dead.example", .ms = 1024}, {WAIT, .ms = 1},
        {DEAD_NAMES, .text = "dead.example", .ms = 1030}, {TOLD, .ms = 258}, {TOLD, .text = "out.example", .ms = 1}, {TOLD, .text = "c.example", .ms = 1},
        {TOLD, .text = "5.dead.example"}, {TOLD, .text = "6.dead.example", .ms = 1}, {TOLD, .text = "1029.dead.example", .ms = 1}}},

    {"as many names as may be tried do not keep a named peer from being tried", .backoff_ms = 60000, .steps = {
        {DEAD_NAMES, .text = "dead.example", .ms = 300}, {DEAD_NAMES, .text = "dead.example", .ms = 300}, {WAIT, .ms = 20000}, {CLUSTER, .text = MESSAGE("m1", "out.example")},
        {LAST_OUT, 0, "a.example out.example", 257}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {CLUSTER, .text = MESSAGE("m2", "out.example")}, {WAIT, .ms = 2600},
        {LAST_OUT, 1, "a.example out.example", 1}, {READY, 1}, {CLUSTER, .text = MESSAGE("m3", "out.example")}, {SENT, 1, "m3"}}},

    {"a peer that authenticates inbound can be reached", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {ENDED, 0, "words", XF_CAUSE_CONNECT}, {SEEN, .text = "b.example"}, {UNREACHABLE, .text = ""}}},

    {"an unused route is freed after ten minutes", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {WAIT, .ms = 700000}, {ROUTES, .ms = 1}, {ENDED, 0, "words", XF_CAUSE_NONE},
        {WAIT, .ms = 599000}, {ROUTES, .ms = 1}, {WAIT, .ms = 2000}, {ROUTES, .ms = 0}, {CLUSTER, .text = MSG("m2")}, {OUT, 1, "a.example b.example"}}},

    {"reload: what the new policy forbids is bounced, from the queue and anew", .steps = {
        {CLUSTER, .text = MSG("m1") MESSAGE("m2", "c.example")}, {OUT, 0, "a.example b.example"}, {OUT, 1, "a.example c.example"}, {RELOAD},
        {ANSWERED, .text = "m1:cancel/not-allowed"}, {CLUSTER, .text = MSG("m3")}, {ANSWERED, .text = "m3:cancel/not-allowed"},
        {ENDED, 0, "words", XF_CAUSE_POLICY}, {READY, 1}, {SENT, 1, "m2"}, {PEER, .text = "message - p1 b.example"}, {DELIVERED, .text = ""}}},

    {"reload: the routes of a domain go with it to another link, and what waits is answered there", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {MOVE}, {CLUSTER, .text = MSG("m2")}, {WAIT, .ms = 60100},
        {ANSWERED, .text = "m1:wait/remote-server-timeout m2:wait/remote-server-timeout"}, {SWAP}, {ANSWERED, .text = ""}, {SWAP}, {READY, 0},
        {CLUSTER, .text = MSG("m3")}, {SENT, 0, "m3"}, {PEER, .text = "message - p1 b.example"}, {DELIVERED, .text = "p1"}}},

    {"reload: a full queue that goes to another link stops the one before no more", .queue_stanzas = 8, .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {READY, 0}, {SENT, 0, "m1"}, {TAKES, 0, .ms = 1},
        {CLUSTER, .text = MSG("m2") MSG("m3") MSG("m4") MSG("m5") MSG("m6") MSG("m7") MSG("m8")}, {LINK_READS, .text = "no"}, {MOVE},
        {LINK_READS, .text = "yes"}, {SWAP}, {LINK_READS, .text = "yes"}}},

    {"drain: nothing new is taken, queues go on", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {DRAIN}, {CLUSTER, .text = MSG("m2") MESSAGE("m3", "c.example")},
        {ANSWERED, .text = "m2:wait/remote-server-timeout m3:wait/remote-server-timeout"}, {NO_OUT}, {IDLE, .text = "no"}, {READY, 0}, {SENT, 0, "m1"},
        {IDLE, .text = "yes"}}},

    {"answers to whole queues, more than the link has room for: all of them arrive, in order, while the cluster takes them", .queue_stanzas = 10000,
     .queue_bytes = 4u << 20, .steps = {
        {CLUSTER, .text = MSG("m1")}, {MANY, .text = "b.example", .ms = 9999}, {MANY, .text = "c.example", .ms = 10000}, {MANY, .text = "d.example", .ms = 10000},
        {MANY, .text = "e.example", .ms = 10000}, {OUT, 0, "a.example b.example"}, {OUT, 1, "a.example c.example"}, {OUT, 2, "a.example d.example"},
        {OUT, 3, "a.example e.example"}, {LINK_BLOCKED, .text = "yes"}, {ENDED, 0, "words", XF_CAUSE_TIMEOUT}, {WAIT, .ms = 1000},
        {ENDED, 1, "words", XF_CAUSE_TIMEOUT}, {ENDED, 2, "words", XF_CAUSE_TIMEOUT}, {ENDED, 3, "words", XF_CAUSE_TIMEOUT}, {LINK_WAITS, .ms = 600000},
        {CLUSTER, .text = MSG("m2")}, {IDLE, .text = "no"}, {LINK_BLOCKED, .text = "no"}, {ANSWER_COUNT, .ms = 40001}, {IDLE, .text = "yes"},
        {LOG, .text = "routing.bounce.lost", .ms = 0}}},

    {"... also when all are too old at once", .queue_stanzas = 10000, .queue_bytes = 4u << 20, .steps = {
        {MANY, .text = "b.example", .ms = 10000}, {MANY, .text = "c.example", .ms = 10000}, {MANY, .text = "d.example", .ms = 10000},
        {MANY, .text = "e.example", .ms = 10000}, {WAIT, .ms = 59900}, {LINK_BLOCKED, .text = "yes"}, {WAIT, .ms = 200}, {LINK_WAITS, .ms = 600000},
        {LINK_BLOCKED, .text = "no"}, {ANSWER_COUNT, .ms = 40000}, {LOG, .text = "routing.bounce.lost", .ms = 0}}},

    {"answers wait for a cluster that is away, however long, and come before what is answered later", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2")}, {OUT, 0, "a.example b.example"}, {LINK_LOST}, {ENDED, 0, "words", XF_CAUSE_TIMEOUT},
        {WAIT, .ms = 20000}, {IDLE, .text = "no"}, {LINK_BACK}, {CLUSTER, .text = MESSAGE("m3", "denied.example")},
        {ANSWERED, .text = "m1:wait/remote-server-timeout m2:wait/remote-server-timeout m3:cancel/not-allowed"}, {IDLE, .text = "yes"}}},

    {"answers that wait go with the sender's domain to another link", .steps = {
        {CLUSTER, .text = MSG("m1") MSG("m2")}, {OUT, 0, "a.example b.example"}, {LINK_LOST},
        {ENDED, 0, "words", XF_CAUSE_TIMEOUT}, {MOVE}, {ANSWERED, .text = "m1:wait/remote-server-timeout m2:wait/remote-server-timeout"}}},

    {"... also to a link that was attached before it, and what is answered later does not wait", .steps = {
        {MOVE}, {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {LINK_LOST}, {ENDED, 0, "words", XF_CAUSE_TIMEOUT}, {MOVE_BACK},
        {ANSWERED, .text = "m1:wait/remote-server-timeout"}, {CLUSTER, .text = MESSAGE("m2", "denied.example")}, {ANSWERED, .text = "m2:cancel/not-allowed"},
        {IDLE, .text = "yes"}}},

    {"finish: what the cluster does not take in time is counted", .queue_stanzas = 40000, .queue_bytes = 16u << 20, .steps = {
        {MANY, .text = "b.example", .ms = 40000}, {LINK_BLOCKED, .text = "yes"}, {DRAIN}, {FINISH}, {IDLE, .text = "no"}, {LEAVE},
        {IDLE, .text = "yes"}, {LOG, .text = "routing.bounce.lost", .ms = 1}}},

    {"finish: what is left is bounced", .steps = {
        {CLUSTER, .text = MSG("m1")}, {OUT, 0, "a.example b.example"}, {DRAIN}, {FINISH}, {ANSWERED, .text = "m1:wait/remote-server-timeout"},
        {IDLE, .text = "yes"}, {PEER, .text = "iq get p1 denied.example"}, {NO_OUT}}},
};
/* clang-format on */

/* ------------------------------------------------------------------ the world */

struct world {
    struct fake_env fake;
    struct xf_s2s s2s;
    struct xf_conf_peer peers[4];
    struct xf_conf_served served[2];
    char *aliases[1];
    char *nodes[2];
    struct xf_conf_link links[2];
    struct xf_conf conf, conf_reloaded, conf_moved;
    struct xf_conf_served served_moved[2];
    struct xf_conf_peer peers_reloaded[1];
    struct xf_policy *policy, *policy_reloaded, *policy_moved;
    struct xf_routing *routing;
    struct xf_link *link, *other;
    struct fake_conn *conn, *other_conn;
    struct xf_out *outs[OUTS_MAX];
    char where[200];
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

#define WORD(text) ((char *)(uintptr_t)(text))

static void shake_hands(struct fake_conn *conn)
{
    fake_conn_connected(conn);
    fake_conn_feed_text(conn, "<stream:stream xmlns='jabber:component:accept' "
                              "xmlns:stream='http://etherx.jabber.org/streams' id='s1'>");
    (void)fake_conn_take(conn); /* header and handshake: test_link.c */
    fake_conn_feed_text(conn, "<handshake/>");
}

/* The connect that did not time out, now or within a second. */
static struct fake_conn *next_alive(struct world *world)
{
    struct fake_conn *conn = NULL;
    do
        conn = fake_conn_next(&world->fake, "127.0.0.1:5347");
    while (conn && !conn->conn);
    return conn;
}

static void join(struct world *world)
{
    world->conn = next_alive(world);
    if (!world->conn) {
        fake_env_advance(&world->fake, 1250);
        world->conn = next_alive(world);
    }
    expect(world, world->conn, "the link does not connect");
    shake_hands(world->conn);
}

static struct xf_conf_peer peer_conf(const char *pattern, const struct xf_peer_settings *settings)
{
    return (struct xf_conf_peer){.pattern = WORD(pattern), .settings = *settings};
}

static void make_conf(struct world *world, const struct routing_case *test)
{
    struct xf_peer_settings plain = {
        .enforce = true,
        .denied_user = XF_DENIAL_ERROR,
        .denied_peer = XF_DENIAL_ERROR,
        .set = {{UINT64_MAX, UINT64_MAX}},
        .direction = XF_DIRECTION_BOTH,
        .max_stanza_bytes = 200000,
        .queue_bytes = test->queue_bytes ? test->queue_bytes : 1u << 20,
        .queue_stanzas = test->queue_stanzas ? test->queue_stanzas : 2000,
        .queue_ms = 60000,
    };
    struct xf_peer_settings denied = plain, in = plain, out = plain, small = plain;
    denied.direction = XF_DIRECTION_NONE;
    in.direction = XF_DIRECTION_IN;
    out.direction = XF_DIRECTION_OUT;
    small.max_stanza_bytes = 100;
    world->peers[0] = peer_conf("denied.example", &denied);
    world->peers[1] = peer_conf("in.example", &in);
    world->peers[2] = peer_conf("out.example", &out);
    world->peers[3] = peer_conf("small.example", &small);
    world->peers_reloaded[0] = peer_conf("b.example", &denied);
    world->aliases[0] = WORD("chat.a.example");
    world->nodes[0] = WORD("127.0.0.1:5347");
    world->nodes[1] = WORD("127.0.0.1:5348");
    world->served[0].settings = (struct xf_served_settings){
        .domain = WORD("a.example"), .link = WORD("presence"), .aliases = {world->aliases, 1}};
    world->served[1].settings =
        (struct xf_served_settings){.domain = WORD("other.example"), .link = WORD("other")};
    world->links[0].settings = (struct xf_link_settings){.title = WORD("presence"),
                                                         .tls = XF_LINK_TLS_NONE,
                                                         .nodes = {world->nodes, 1},
                                                         .name = WORD("gw.example"),
                                                         .secret = WORD("sesame"),
                                                         .max_stanza_bytes = 10000,
                                                         .hold_ms = 10000,
                                                         .hold_bytes = 1u << 20,
                                                         .ping_ms = 3600000};
    world->links[1] = world->links[0];
    world->links[1].settings.title = WORD("other");
    world->links[1].settings.nodes.item = world->nodes + 1;
    world->conf =
        (struct xf_conf){.policy = {.federation = true, .default_allow = true, .enforce = true},
                         .links = world->links,
                         .link_count = 2,
                         .served = world->served,
                         .served_count = 2,
                         .defaults = plain,
                         .peers = world->peers,
                         .peer_count = 4,
                         .routing = {.routes_per_owner = 100,
                                     .routes = 100,
                                     .answer_streams_per_owner = 100,
                                     .answer_streams = 100,
                                     .user_streams_per_owner = 100000,
                                     .user_streams = 100000,
                                     .answer_bytes_per_owner = 1u << 20,
                                     .answer_bytes = 1u << 20,
                                     .queue_bytes = test->all_bytes ? test->all_bytes : 64u << 20,
                                     .backoff_min_ms = test->backoff_ms ? test->backoff_ms : 5000,
                                     .backoff_max_ms = 300000,
                                     .backoff_probe_ms = 2000}};
    world->conf_reloaded = world->conf;
    world->conf_reloaded.peers = world->peers_reloaded;
    world->conf_reloaded.peer_count = 1;
    world->served_moved[0] = world->served[0];
    world->served_moved[0].settings.link = WORD("other");
    world->served_moved[1] = world->served[1];
    world->conf_moved = world->conf;
    world->conf_moved.served = world->served_moved;
}

static void set_up(struct world *world, const struct routing_case *test)
{
    *world = (struct world){0};
    make_conf(world, test);
    fake_env_init(&world->fake);
    fake_s2s_init(&world->s2s);
    world->policy = xf_policy_new(&(struct xf_policy_opts){.conf = &world->conf});
    world->policy_moved = xf_policy_new(&(struct xf_policy_opts){.conf = &world->conf_moved});
    world->policy_reloaded = xf_policy_new(&(struct xf_policy_opts){.conf = &world->conf_reloaded});
    struct xf_routing_opts opts = {
        .env = &world->fake.env, .policy = world->policy, .settings = &world->conf.routing};
    world->routing = xf_routing_new(&opts);
    world->link = xf_link_new(&world->fake.env, &world->links[0].settings, &xf_routing_link_events,
                              world->routing);
    xf_routing_attach_s2s(world->routing, &world->s2s);
    xf_routing_attach_link(world->routing, "presence", world->link);
    join(world);
    /* A second cluster, which comes up when a domain is moved there. */
    world->other = xf_link_new(&world->fake.env, &world->links[1].settings, &xf_routing_link_events,
                               world->routing);
    xf_routing_attach_link(world->routing, "other", world->other);
    world->other_conn = fake_conn_next(&world->fake, "127.0.0.1:5348");
    expect(world, world->other_conn, "the second link does not connect");
}

static void tear_down(struct world *world)
{
    xf_routing_drain(world->routing);
    xf_routing_finish(world->routing);
    xf_routing_end(world->routing);
    expect(world, xf_routing_is_idle(world->routing), "something is still queued");
    XF_LIST_EACH (node, &world->s2s.outs) {
        struct xf_out *out = XF_CONTAINER(node, struct xf_out, node);
        if (out->events)
            fake_out_ended(out, XF_CAUSE_SHUTDOWN, "the end");
    }
    xf_link_stop(world->link);
    xf_link_stop(world->other);
    fake_env_advance(&world->fake, 15000);
    expect(world, xf_link_is_gone(world->link) && xf_link_is_gone(world->other),
           "a link is not gone");
    xf_routing_free(&world->routing);
    xf_link_free(&world->link);
    xf_link_free(&world->other);
    xf_policy_free(&world->policy);
    xf_policy_free(&world->policy_reloaded);
    xf_policy_free(&world->policy_moved);
    fake_s2s_fini(&world->s2s);
    fake_env_fini(&world->fake);
}

/* ------------------------------------------------------------------ what the link wrote */

/* All within bounds: strchr and its kin under ASan read all that follows, and that is megabytes. */
static const char *find_char(const char *from, const char *end, char c)
{
    return memchr(from, c, (size_t)(end - from));
}

/* [from, end) as text, cut to 63 bytes. */
static void copy_text(const char *from, const char *end, char out[64])
{
    size_t len = (size_t)(end - from) < 63 ? (size_t)(end - from) : 63;
    memcpy(out, from, len);
    out[len] = '\0';
}

/* `attr="..."` within [from, end) into out. */
static void find_attr(const char *from, const char *end, const char *attr, char out[64])
{
    char mark[32];
    snprintf(mark, sizeof(mark), " %s=\"", attr);
    const char *at = memmem(from, (size_t)(end - from), mark, strlen(mark));
    out[0] = '\0';
    if (at)
        copy_text(at + strlen(mark), find_char(at + strlen(mark), end, '"'), out);
}

/* "id:type/condition" for errors, "id" otherwise; blanks between. Returns how many. */
static size_t list_stanzas(const char *text, bool errors, char *out, size_t room)
{
    const char *text_end = text + strlen(text);
    size_t count = 0;
    out[0] = '\0';
    for (const char *at = text; (at = find_char(at, text_end, '<')); at++) {
        if (strncmp(at, "<message ", 9) && strncmp(at, "<iq ", 4) && strncmp(at, "<presence ", 10))
            continue;
        char id[64], type[64], condition[64], error_type[64];
        const char *end = find_char(at, text_end, '>');
        find_attr(at, end, "id", id);
        find_attr(at, end, "type", type);
        if ((strcmp(type, "error") == 0) != errors)
            continue;
        size_t len = strlen(out);
        count++;
        if (!errors) {
            snprintf(out + len, room - len, "%s%s", len ? " " : "", id);
            continue;
        }
        const char *error = end;
        while (strncmp(error, "<error ", 7) != 0)
            error = find_char(error + 1, text_end, '<');
        const char *error_end = find_char(error, text_end, '>');
        find_attr(error, error_end, "type", error_type);
        copy_text(error_end + 2, find_char(error_end + 2, text_end, ' '), condition);
        snprintf(out + len, room - len, "%s%s:%s/%s", len ? " " : "", id, error_type, condition);
    }
    return count;
}

static size_t check_list(struct world *world, bool errors, const char *want)
{
    char got[1024];
    fake_env_run(&world->fake);
    size_t count = list_stanzas(fake_conn_take(world->conn), errors, got, sizeof(got));
    if (want)
        expect_text(world, got, want);
    return count;
}

/* ------------------------------------------------------------------ steps */

static void check_out(struct world *world, const struct step *step)
{
    char pair[128];
    struct xf_out *out = fake_out_next(&world->s2s);
    expect(world, out, "no stream was opened");
    snprintf(pair, sizeof(pair), "%s %s", out->local, out->peer);
    expect_text(world, pair, step->text);
    world->outs[step->n] = out;
}

static void check_last_out(struct world *world, const struct step *step)
{
    for (unsigned i = 1; i < step->ms; i++)
        expect(world, fake_out_next(&world->s2s), "too few streams were opened");
    check_out(world, step);
    expect(world, !fake_out_next(&world->s2s), "too many streams were opened");
}

static struct xf_span word(const char **text)
{
    size_t len = strcspn(*text, " ");
    struct xf_span span = {*text, len};
    *text += len + ((*text)[len] == ' ');
    return span;
}

static bool peer_says(struct world *world, const char *text, size_t bytes)
{
    struct xf_span kind = word(&text), type = word(&text), id = word(&text), peer = word(&text),
                   local = word(&text);
    char from[128], to[128];
    struct xf_stanza_scratch scratch;
    bool is_from;
    char *body = xf_alloc(bytes + 1);
    memset(body, 'x', bytes);
    snprintf(from, sizeof(from), "u@%.*s", XF_SPAN_ARGS(peer));
    snprintf(to, sizeof(to), "v@%.*s", local.len ? (int)local.len : 9,
             local.len ? local.ptr : "a.example");
    struct xf_stanza stanza = {
        .kind = xf_span_is(kind, "iq")        ? XF_STANZA_IQ
                : xf_span_is(kind, "message") ? XF_STANZA_MESSAGE
                                              : XF_STANZA_PRESENCE,
        .raw_from = xf_span_of(from),
        .raw_to = xf_span_of(to),
        .type = xf_span_is(type, "-") ? XF_SPAN_NONE : type,
        .id = id,
        .payload = {body, bytes},
    };
    ck_assert_int_eq(xf_stanza_address(&stanza, &scratch, &is_from), XF_ERR_OK);
    const char *words = NULL;
    bool is_taken =
        xf_routing_s2s_events.stanza(world->routing, &stanza, false, &words) == XF_S2S_TAKEN;
    xf_free(body);
    fake_env_run(&world->fake);
    return is_taken;
}

static void many(struct world *world, const struct step *step)
{
    char text[256];
    for (unsigned i = 0; i < step->ms; i++) {
        snprintf(text, sizeof(text), "<message " FROM("v") "to='u@%s' id='x'/>", step->text);
        expect(world, fake_conn_feed_text(world->conn, text), "the link is paused");
    }
}

static unsigned pauses(struct world *world, struct xf_out *out, const char *peer)
{
    unsigned count = 0;
    many(world, &(struct step){.text = peer, .ms = 50});
    for (unsigned i = 0; i < 20; i++) {
        many(world, &(struct step){.text = peer, .ms = 1});
        count += world->conn->is_paused;
        fake_env_advance(&world->fake, 101);
        out->takes = 1;
        fake_out_drained(out);
    }
    return count;
}

/* One chunk of bytes fills the last place of all queues: the link is paused behind it. */
static void crowd(struct world *world, unsigned count)
{
    char name[32], chunk[8192] = "";
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "p%u.example", i);
        many(world, &(struct step){.text = name, .ms = 1});
        struct xf_out *out = fake_out_next(&world->s2s);
        snprintf(name, sizeof(name), "10.%u.0.1:1", i);
        ck_assert_int_eq(xf_addr_parse(xf_span_of(name), 0, &out->addr), XF_ERR_OK);
        out->takes = 1;
        fake_out_ready(out);
        snprintf(name, sizeof(name), "p%u.example", i);
        many(world, &(struct step){.text = name, .ms = 50});
        size_t len = strlen(chunk);
        snprintf(chunk + len, sizeof(chunk) - len, "<message " FROM("v") "to='u@%s' id='x'/>",
                 name);
    }
    expect(world, fake_conn_feed_text(world->conn, chunk), "the link is paused");
}

static unsigned paused_for(const struct world *world)
{
    unsigned count = 0;
    XF_LIST_EACH (link, &world->routing->links)
        XF_LIST_EACH (node, &XF_CONTAINER(link, struct xf_routing_link, node)->pauses.routes)
            count++;
    return count;
}

static void check_log(struct world *world, const struct step *step)
{
    char event[64];
    size_t len = strcspn(step->text, " ");
    snprintf(event, sizeof(event), "%.*s", (int)len, step->text);
    expect_number(world, fake_env_logged(&world->fake, event, step->text + len), step->ms);
    fake_env_forget_log(&world->fake);
}

static void check_sent(struct world *world, const struct step *step)
{
    expect_text(world, world->outs[step->n]->sent, step->text);
    world->outs[step->n]->sent[0] = '\0';
}

static const char *yes_or_no(bool is_yes)
{
    return is_yes ? "yes" : "no";
}

static void swap_links(struct world *world)
{
    struct fake_conn *conn = world->conn;
    world->conn = world->other_conn;
    world->other_conn = conn;
}

static void move(struct world *world)
{
    shake_hands(world->other_conn);
    xf_routing_reload(world->routing, world->policy_moved, &world->conf.routing);
    swap_links(world);
}

/* Those in a state; NULL: all, which all states have together. */
static size_t count_routes(struct world *world, const char *state)
{
    struct xf_routing_counts counts;
    size_t sum = 0;
    xf_routing_count(world->routing, &counts);
    for (size_t i = 0; i < XF_ROUTE_STATES; i++)
        if (!state || strcmp(state, counts.routes[i].state) == 0)
            sum += counts.routes[i].count;
    ck_assert(state || sum == xf_map_count(world->routing->routes));
    return sum;
}

static size_t count_waited(struct world *world)
{
    struct xf_routing_counts counts;
    size_t sum = 0;
    xf_routing_count(world->routing, &counts);
    for (size_t i = 0; i <= XF_HISTOGRAM_BOUNDS; i++)
        sum += counts.waited.counts[i];
    return sum;
}

struct told {
    char text[200];
    uint64_t for_ms;
};

static void tell_unreachable(void *owner, struct xf_span peer, uint64_t for_ms, enum xf_cause cause)
{
    struct told *told = owner;
    (void)snprintf(told->text, sizeof(told->text), "%.*s %s", XF_SPAN_ARGS(peer),
                   xf_cause_word(cause));
    told->for_ms = for_ms;
}

static void expect_unreachable(struct world *world, const char *text, unsigned for_ms)
{
    struct told told = {.text = ""};
    xf_routing_each_unreachable(world->routing, tell_unreachable, &told);
    expect_text(world, told.text, text);
    expect_number(world, (size_t)told.for_ms, for_ms);
}

struct search {
    const char *name; /* NULL: any */
    unsigned count;
};

static void find_unreachable(void *owner, struct xf_span peer, uint64_t for_ms, enum xf_cause cause)
{
    struct search *search = owner;
    (void)for_ms, (void)cause;
    search->count += !search->name || xf_span_is(peer, search->name);
}

static unsigned count_unreachable(struct world *world, const char *name)
{
    struct search search = {.name = name};
    xf_routing_each_unreachable(world->routing, find_unreachable, &search);
    return search.count;
}

static void write_to_dead_names(struct world *world, const char *domain, unsigned count)
{
    char name[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%u.%s", i, domain);
        many(world, &(struct step){.text = name, .ms = 1});
        struct xf_out *out = fake_out_next(&world->s2s);
        if (out) /* else the name is backed off */
            fake_out_ended(out, XF_CAUSE_CONNECT, "words");
    }
}

static void take_step(struct world *world, const struct step *step)
{
    struct xf_out *out = world->outs[step->n];
    switch (step->op) {
    case END:
        break;
    case CLUSTER:
        expect(world, fake_conn_feed_text(world->conn, step->text), "the link is paused");
        break;
    case MANY:
        many(world, step);
        break;
    case OUT:
        check_out(world, step);
        break;
    case LAST_OUT:
        check_last_out(world, step);
        break;
    case NO_OUT:
        expect(world, !fake_out_next(&world->s2s), "a stream was opened");
        break;
    case READY:
        fake_out_ready(out);
        break;
    case TAKES:
        out->takes = step->ms;
        break;
    case MAX:
        out->max_bytes = step->ms;
        break;
    case DRAINED:
        fake_out_drained(out);
        break;
    case CLOSING:
        fake_out_closing(out);
        break;
    case ENDED:
        fake_out_ended(out, (enum xf_cause)step->ms, step->text);
        break;
    case SENT:
        check_sent(world, step);
        break;
    case SENT_COUNT:
        expect_number(world, out->sent_count, step->ms);
        break;
    case ANSWERED:
        (void)check_list(world, true, step->text);
        break;
    case ANSWER_COUNT:
        expect_number(world, check_list(world, true, NULL), step->ms);
        break;
    case LINK_SENT:
        fake_env_run(&world->fake);
        expect_text(world, fake_conn_take(world->conn), step->text);
        break;
    case DELIVERED:
        (void)check_list(world, false, step->text);
        break;
    case PEER:
        expect(world, peer_says(world, step->text, 5), "S2S is to pause");
        break;
    case PEER_WAIT:
        expect(world, !peer_says(world, step->text, 5), "S2S is not to pause");
        break;
    case PEER_LARGE:
        expect(world, peer_says(world, step->text, 20000), "S2S is to pause");
        break;
    case SEEN:
        xf_routing_s2s_events.peer_seen(world->routing, XF_SPAN("a.example"),
                                        xf_span_of(step->text));
        break;
    case CARRIES:
        world->s2s.carries = strcmp(step->text, "yes") == 0;
        break;
    case COMMITTED:
        out->is_committed = true;
        break;
    case LINK_LOST:
        fake_conn_closed(world->conn, XF_CONN_END_EOF);
        break;
    case LINK_BACK:
        join(world);
        break;
    case LINK_BLOCKED:
        fake_conn_block(world->conn, strcmp(step->text, "yes") == 0);
        break;
    case LINK_WAITS:
        expect(world, xf_conn_backlog(world->conn->conn) <= step->ms,
               "too much waits in the link's output");
        break;
    case RESUMED:
        expect_number(world, world->s2s.resumed, step->ms);
        world->s2s.resumed = 0;
        break;
    case WAIT:
        fake_env_advance(&world->fake, step->ms);
        break;
    case NETWORK:
        ck_assert_int_eq(xf_addr_parse(xf_span_of(step->text), 0, &out->addr), XF_ERR_OK);
        break;
    case CROWD:
        crowd(world, step->ms);
        break;
    case PAUSED_FOR:
        expect_number(world, paused_for(world), step->ms);
        break;
    case PAUSES:
        expect_number(world, pauses(world, out, step->text), step->ms);
        break;
    case LINK_READS:
        expect_text(world, yes_or_no(!world->conn->is_paused), step->text);
        break;
    case ROUTES:
        expect_number(world, count_routes(world, step->text), step->ms);
        break;
    case UNREACHABLE:
        expect_unreachable(world, step->text, step->ms);
        break;
    case DEAD_NAMES:
        write_to_dead_names(world, step->text, step->ms);
        break;
    case TOLD:
        expect_number(world, count_unreachable(world, step->text), step->ms);
        break;
    case COUNTED:
        expect_number(world, count_waited(world), step->ms);
        break;
    case IDLE:
        expect_text(world, yes_or_no(xf_routing_is_idle(world->routing)), step->text);
        break;
    case UNPROVED:
        world->routing->queued.count += step->ms - out->unproved.count;
        out->unproved.count = step->ms;
        break;
    case SENT_ALL:
        expect_text(world, yes_or_no(xf_routing_has_sent_all(world->routing)), step->text);
        break;
    case RELOAD:
        xf_routing_reload(world->routing, world->policy_reloaded, &world->conf.routing);
        break;
    case MOVE:
        move(world);
        break;
    case MOVE_BACK:
        xf_routing_reload(world->routing, world->policy, &world->conf.routing);
        swap_links(world);
        break;
    case SWAP:
        swap_links(world);
        break;
    case DRAIN:
        xf_routing_drain(world->routing);
        break;
    case FINISH:
        xf_routing_finish(world->routing);
        break;
    case LEAVE:
        xf_routing_end(world->routing);
        break;
    case LOG:
        check_log(world, step);
        break;
    }
}

START_TEST(plays)
{
    const struct routing_case *test = &cases[_i];
    struct world world;
    set_up(&world, test);
    for (size_t i = 0; i < XF_ARRAY_LEN(test->steps) && test->steps[i].op != END; i++) {
        snprintf(world.where, sizeof(world.where), "%s, step %zu", test->label, i);
        take_step(&world, &test->steps[i]);
    }
    tear_down(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("routing");
    TCase *tcase = tcase_create("transcripts");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, plays, 0, XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
