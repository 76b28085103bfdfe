/* SPDX-License-Identifier: MIT */
/*
 * leg_priv.h — one leg of a component: a stream to one node of the cluster, made again whenever it
 * ends.
 *
 * The leg is the same for all protocols: it connects, waits, keeps alive, notices what is stuck and
 * comes back. What the server speaks is the business of its driver (struct xf_leg_driver), which
 * negotiates until stanzas may pass. A component knows only legs.
 *
 * A link of one name has a leg for each node; a link with names = per-peer has one for each peer.
 */
#pragma once

#include <xfed/base/machine.h>
#include <xfed/base/map.h>
#include <xfed/link/settings.h>
#include <xfed/stream/proof.h>
#include <xfed/stream/stream.h>

/* clang-format off */
#define XF_LEG_STATE_MAP(X)                   \
    X(IDLE,        "idle")        /* no stream, none wanted */                                     \
    X(WAITING,     "waiting")     /* between two tries */                                          \
    X(CONNECTING,  "connecting")  /* TCP */                                                        \
    X(NEGOTIATING, "negotiating") /* the driver's part: headers, proof of the secret, ... */        \
    X(UP,          "up")          /* stanzas pass in both directions */                            \
    X(ENDING,      "ending")      /* we send nothing more; the `closed` event follows */

#define XF_LEG_EVENT_MAP(X)                   \
    X(WANT,        "want")        /* the link wants a stream, or the wait for the next try is over */ \
    X(CONNECTED,   "connected")   /* the TCP connection is open */                                 \
    X(ACCEPTED,    "accepted")    /* the driver has negotiated: the server takes stanzas */        \
    X(ENDS,        "ends")        /* we or the server end the stream, or it is lost */             \
    X(LOST,        "lost")        /* closed, and wanted again */                                   \
    X(OVER,        "over")        /* closed, and not wanted any more */
/* clang-format on */

enum xf_leg_state {
#define X(name, word) XF_LEG_##name,
    XF_LEG_STATE_MAP(X)
#undef X
};

enum xf_leg_event {
#define X(name, word) XF_LEG_ON_##name,
    XF_LEG_EVENT_MAP(X)
#undef X
};

/* Did the server end the stream because of what we sent? */
enum xf_leg_blame {
    XF_LEG_BLAME_NONE,
    XF_LEG_BLAME_POSSIBLE, /* the connection broke right after we had written */
    XF_LEG_BLAME_CERTAIN,  /* with a stream error that says so */
};

struct xf_leg;

/* How a stream ended, for the log. */
struct xf_leg_ending {
    const char *reason; /* a literal, a word */
    enum xf_help help;
    const char *detail; /* NULL: what the server or the system said. Borrowed from the stream */
};

/* What a stream error of this kind of server tells an operator. */
struct xf_leg_error {
    enum xf_stream_error error;
    struct xf_leg_ending ending;
};

/*
 * A protocol. Its functions are called only between CONNECTED and the end of the stream, and may
 * write to leg->stream. While it negotiates, it calls xf_leg_await for each answer that the server
 * owes, and in the end xf_leg_accept or xf_leg_refuse.
 */
struct xf_leg_driver {
    size_t size;            /* of the driver's own struct, which begins with its struct xf_leg */
    const char *content_ns; /* of the stanzas; a literal */
    const struct xf_leg_error *errors; /* ordered as they should be looked up */
    size_t error_count;

    /* Elements of this name wrap the stanzas (xf_stream_unwrap). NULL: none do. */
    const struct xf_wrapper *wrapper;

    /* A leg was made; it is about to be freed. May be NULL. */
    void (*made)(struct xf_leg *leg);
    void (*freed)(struct xf_leg *leg);
    /* TCP is up: send the header. */
    void (*connected)(struct xf_leg *leg);
    /* The server's header came while we negotiate. */
    void (*header)(struct xf_leg *leg, const struct xf_header *header);
    /* TLS is up (xf_leg_start_tls), and the server's certificate is good. May be NULL. */
    void (*secured)(struct xf_leg *leg);
    /* An element that is no stanza, in any state. False: it means nothing here, and is logged. */
    bool (*element)(struct xf_leg *leg, const struct xf_elem *elem);
    /* A stanza came. False: it is not for the cluster's users. May be NULL. */
    bool (*stanza)(struct xf_leg *leg, struct xf_stanza *stanza);
    /* The name from which to ping, if it is not the leg's own. NULL: it is. */
    const char *(*ping_name)(const struct xf_leg *leg);
    /* As xf_stream_send_stanza, which a driver without a form of its own uses. */
    enum xf_err (*send)(struct xf_leg *leg, const struct xf_stanza *stanza);
    /* The leg is up and we are about to stop: the cluster should send elsewhere if it can. */
    void (*leave)(struct xf_leg *leg);
    /* The stream begins to end. May be NULL. */
    void (*ending)(struct xf_leg *leg);
};

/* For the owner of the leg. */
struct xf_leg_events {
    void (*up)(void *owner, struct xf_leg *leg);
    void (*down)(void *owner, struct xf_leg *leg); /* only after `up` */
    void (*drained)(void *owner, struct xf_leg *leg);
    void (*stanza)(void *owner, struct xf_leg *leg, struct xf_stanza *stanza);
    /* The cluster returned a stanza of ours; it has its prepared addresses. */
    void (*returned)(void *owner, struct xf_leg *leg, struct xf_stanza *stanza,
                     enum xf_stanza_error error);
    /* A stream that was up has closed, and what was not proved went back to its sender. */
    void (*closed)(void *owner, struct xf_leg *leg);
    /* There is no stream and no further try. The callee may free it. */
    void (*idle)(void *owner, struct xf_leg *leg);
};

/* What all legs of a link share. The link's. */
struct xf_leg_common {
    struct xf_env *env;
    const struct xf_link_settings *settings;
    struct xf_map *served;          /* keys: the domains that the cluster should have */
    struct xf_map *pinged;          /* key of a leg's pings -> struct xf_leg (leg_ping.c) */
    struct xf_stanza_sum *unproved; /* in the proofs of all legs */
    struct xf_buf *rewritten;       /* payload of the stanza that is being sent again */
};

struct xf_leg {
    struct xf_env *env;
    const struct xf_link_settings *settings;
    const struct xf_leg_common *common;
    const struct xf_leg_driver *driver;
    const struct xf_leg_events *events;
    void *owner;
    char *name;                  /* the component's */
    const struct xf_addr *addrs; /* borrowed; tried in turn */
    size_t addr_count, addr_at;
    enum xf_leg_state state;
    struct xf_stream stream; /* from CONNECTING to ENDING */
    struct xf_timer timer;   /* in WAITING and NEGOTIATING */
    /* In UP: keep-alive, and the check that a congested stream still moves. */
    struct xf_timer pulse;
    uint64_t backoff_ms;            /* the wait before the next try, without jitter */
    uint64_t began_ms;              /* when the try began; once up, when it came up */
    uint64_t sent_ms;               /* when we sent our last byte */
    uint64_t moved_bytes, moved_ms; /* what the system has taken, and when that last grew */
    struct xf_proof proof;          /* of what was sent while up; until the stream has closed */
    char ping_key[XF_ID_CHARS + 1]; /* in the ids of the stream's pings; "": none was sent */
    struct xf_timer doubt;          /* in UP: an answer is late, perhaps of one domain alone */
    unsigned parts;                 /* so many legs share what may wait for proof */
    unsigned weight;                /* of its node, among those of the others */
    uint64_t seed;                  /* hash of its node */
    uint64_t *users;      /* by hash: number of the last stanza; NULL: none yet (choose_leg.c) */
    uint64_t stop_number; /* of the last stanza when the gateway began to stop */
    uint64_t slowest_ms;  /* of the answers to pings since all up to that one is proved */
    bool is_sure;   /* the server has answered a ping before; a driver may write that it need not */
    bool is_full;   /* too much waits for its proof */
    bool was_up;    /* the current or last stream was up */
    bool is_wanted; /* make the stream again when it ends */
    bool is_leaving;         /* xf_leg_leave */
    bool is_draining;        /* xf_leg_drain */
    bool comes_back;         /* xf_leg_undrain, when it is done */
    struct xf_timer drain;   /* is it done? */
    uint64_t drain_until_ms; /* then the stream ends, whatever is not proved */
    bool is_congested;
    bool is_paused;
    bool is_refused;             /* the server answered, but not as it should */
    bool must_wait_long;         /* another one has our name */
    struct xf_leg_ending ending; /* why we end it, or what was wrong; reason NULL: nothing yet */
    struct xf_leg_ending guess;  /* what is wrong, unless the server says it */
    enum xf_leg_blame blame;     /* of the last stream that was up; valid in `closed` */
    const char *last_end;        /* how the last stream ended: a word */
    enum xf_help last_help;      /* valid with last_end */
    const char *last_reason;     /* of the last failed try; a repetition logs no new warning */
};

extern const struct xf_machine xf_leg_machine; /* for the test of its table */

/* ------------------------------------------------------------------ for the owner */

/*
 * `common` is borrowed, `name` is copied. The leg is idle at first and needs addresses
 * (xf_leg_nodes, which borrows them) before it starts.
 */
struct xf_leg *xf_leg_new(const struct xf_leg_driver *driver, const struct xf_leg_common *common,
                          struct xf_span name, const struct xf_leg_events *events, void *owner);
void xf_leg_free(struct xf_leg **leg); /* only while idle */
void xf_leg_nodes(struct xf_leg *leg, const struct xf_addr *addrs, size_t count, size_t first);

/* Connects if the leg is idle; in another state its stream will be made again when it ends. */
void xf_leg_start(struct xf_leg *leg);

/*
 * End politely and do not come back. `idle` follows after this function has returned. False: the
 * leg is idle already.
 */
bool xf_leg_stop(struct xf_leg *leg, const char *reason);

/*
 * The node is to get nothing more. Once all is proved that was sent to it, at the latest after
 * `time_ms`, the stream ends politely, and the leg is idle until xf_leg_undrain.
 */
void xf_leg_drain(struct xf_leg *leg, uint64_t time_ms);
/* A stream whose server was told that we leave (xf_leg_leave) ends all the same, and comes back. */
void xf_leg_undrain(struct xf_leg *leg);

/* Tell the cluster that we are about to stop. What it sends all the same is still read. */
void xf_leg_leave(struct xf_leg *leg);

static inline bool xf_leg_is_up(const struct xf_leg *leg)
{
    return leg->state == XF_LEG_UP;
}

/* Should no more be sent for now? `drained` follows. */
static inline bool xf_leg_is_tight(const struct xf_leg *leg)
{
    return leg->is_congested || leg->is_full;
}

/*
 * Write a stanza, and keep it for `sender` until it is proved. `copy` is a copy of it, taken over
 * if it was written; NULL: one is made. XF_ERR_CLOSED: not up; XF_ERR_LIMIT: the output is full, or
 * far too much waits for its proof.
 */
XF_MUST_USE enum xf_err xf_leg_send(struct xf_leg *leg, struct xf_sender *sender,
                                    const struct xf_stanza *stanza, struct xf_stanza_copy *copy);

void xf_leg_pause(struct xf_leg *leg, bool paused);

/* ------------------------------------------------------------------ for the driver */

/* The server owes an answer: end the stream unless it comes in time. */
void xf_leg_await(struct xf_leg *leg);

/* The server proceeds with TLS: start it. `secured` follows, or the end. */
void xf_leg_start_tls(struct xf_leg *leg);
/* Does TLS protect the stream? */
bool xf_leg_is_secure(const struct xf_leg *leg);

/* The server takes stanzas: the leg is up. The last thing that the driver does in its function. */
void xf_leg_accept(struct xf_leg *leg);

/*
 * The cluster returned a stanza of ours, which has its prepared addresses: tell the owner, unless
 * it was a ping.
 */
void xf_leg_returned(struct xf_leg *leg, struct xf_stanza *stanza, enum xf_stanza_error error);

/* End the stream politely, and come back less often. The values are as in struct xf_leg_ending. */
void xf_leg_refuse(struct xf_leg *leg, const char *reason, enum xf_help help, const char *detail);

/* ------------------------------------------------------------------ leg_drain.c */

void xf_leg_init_drain(struct xf_leg *leg);
/* Something was proved: if the leg drains, it may be done. */
void xf_leg_look_at_drain(struct xf_leg *leg);

/* ------------------------------------------------------------------ leg_ping.c */

void xf_leg_init_ping(struct xf_leg *leg);
/* The stream is up: begin to keep what is sent, as the setting `ack` wants it. */
void xf_leg_begin_proof(struct xf_leg *leg);
/* The stream has closed: what is not proved goes back to its sender. */
void xf_leg_end_proof(struct xf_leg *leg);

/* Is this the answer to a ping of the link? Then it goes no further. */
bool xf_leg_takes_answer(struct xf_leg *leg, const struct xf_stanza *stanza);
/* The same for what is known to be no request of the cluster, but goes back to `asker_name`. */
bool xf_leg_answered(struct xf_leg *leg, struct xf_span asker_name, struct xf_span id);

/* How much may wait for its proof on this leg before it is tight. */
size_t xf_leg_window(const struct xf_leg *leg);

/* The server answered pings and does not any more: end the stream at once. */
void xf_leg_give_up_silent(struct xf_leg *leg);
/* End the stream at once. `reason` is as in struct xf_leg_ending. */
void xf_leg_give_up(struct xf_leg *leg, const char *reason, enum xf_help help, const char *detail);
/* There is room again: tell the owner. */
void xf_leg_drained(struct xf_leg *leg);
