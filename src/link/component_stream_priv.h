/* SPDX-License-Identifier: MIT */
/*
 * component_stream_priv.h — one component stream (XEP-0114), which is made again whenever it ends:
 * a name, the nodes to try, a state.
 *
 * A link of one name has a stream for each node; a link with names = per-peer has a stream for each
 * peer.
 */
#pragma once

#include "hold_priv.h"

#include <xfed/base/machine.h>
#include <xfed/link/settings.h>
#include <xfed/stream/stream.h>

/* clang-format off */
#define XF_COMPONENT_STATE_MAP(X)                   \
    X(IDLE,       "idle")       /* no stream, none wanted */                                   \
    X(WAITING,    "waiting")    /* between two tries */                                        \
    X(CONNECTING, "connecting") /* TCP */                                                      \
    X(OPENING,    "opening")    /* our header is sent */                                       \
    X(PROVING,    "proving")    /* the handshake is sent (XEP-0114 §3) */                      \
    X(UP,         "up")         /* stanzas pass in both directions */                          \
    X(ENDING,     "ending")     /* we send nothing more; the `closed` event follows */

#define XF_COMPONENT_EVENT_MAP(X)                   \
    X(WANT,       "want")       /* the link wants a stream, or the wait for the next try is over */ \
    X(CONNECTED,  "connected")  /* the TCP connection is open */                               \
    X(HEADER,     "header")     /* the server's header came */                                 \
    X(ACCEPTED,   "accepted")   /* the server accepted the handshake */                        \
    X(ENDS,       "ends")       /* we or the server end the stream, or it is lost */           \
    X(LOST,       "lost")       /* closed, and wanted again */                                 \
    X(OVER,       "over")       /* closed, and not wanted any more */
/* clang-format on */

enum xf_component_stream_state {
#define X(name, word) XF_COMPONENT_##name,
    XF_COMPONENT_STATE_MAP(X)
#undef X
};

enum xf_component_stream_event {
#define X(name, word) XF_COMPONENT_ON_##name,
    XF_COMPONENT_EVENT_MAP(X)
#undef X
};

struct xf_component_stream;

struct xf_component_stream_events {
    void (*up)(void *owner, struct xf_component_stream *stream);
    void (*down)(void *owner, struct xf_component_stream *stream); /* only after `up` */
    void (*drained)(void *owner, struct xf_component_stream *stream);
    void (*stanza)(void *owner, struct xf_component_stream *stream, struct xf_stanza *stanza);
    /* There is no stream and no further try. The callee may free it. */
    void (*idle)(void *owner, struct xf_component_stream *stream);
};

struct xf_component_stream {
    struct xf_env *env;
    const struct xf_link_settings *settings;
    const struct xf_component_stream_events *events;
    void *owner;
    char *name;                  /* the `to` of our stream header */
    const struct xf_addr *addrs; /* borrowed; tried in turn */
    size_t addr_count, addr_at;
    enum xf_component_stream_state state;
    struct xf_stream xmpp; /* from CONNECTING to ENDING */
    struct xf_timer timer; /* in WAITING, OPENING and PROVING */
    /* In UP: keep-alive, and the check that a congested stream still moves. */
    struct xf_timer pulse;
    uint64_t backoff_ms;            /* the wait before the next try, without jitter */
    uint64_t began_ms;              /* when the try began; once up, when it came up */
    uint64_t sent_ms;               /* when we sent our last byte */
    uint64_t written_bytes;         /* appended to the conn's output */
    uint64_t moved_bytes, moved_ms; /* written minus waiting bytes, and when that last grew */
    bool was_up;                    /* the current or last stream was up */
    bool is_wanted;                 /* make the stream again when it ends */
    bool is_congested;
    bool is_paused;
    const char *reason;      /* why we end it, or what was wrong; a string literal, or NULL */
    const char *last_reason; /* of the last failed try; a repetition logs no new warning */
};

extern const struct xf_machine xf_component_stream_machine; /* for the test of its table */

/*
 * `settings` is borrowed, `name` is copied. The stream is idle at first and needs addresses
 * (xf_component_stream_nodes, which borrows them) before it starts.
 */
void xf_component_stream_init(struct xf_component_stream *stream, struct xf_env *env,
                              const struct xf_link_settings *settings, struct xf_span name,
                              const struct xf_component_stream_events *events, void *owner);
void xf_component_stream_fini(struct xf_component_stream *stream); /* only while idle */
void xf_component_stream_nodes(struct xf_component_stream *stream, const struct xf_addr *addrs,
                               size_t count, size_t first);

/* Connects if the stream is idle; in another state it will be made again when it ends. */
void xf_component_stream_start(struct xf_component_stream *stream);

/*
 * End politely and do not come back. `idle` follows after this function has returned. False: the
 * stream is idle already.
 */
bool xf_component_stream_stop(struct xf_component_stream *stream, const char *reason);

static inline bool xf_component_stream_is_up(const struct xf_component_stream *stream)
{
    return stream->state == XF_COMPONENT_UP;
}

/* XF_ERR_CLOSED: not up; XF_ERR_LIMIT: the output is full. */
XF_MUST_USE enum xf_err xf_component_stream_send(struct xf_component_stream *stream,
                                                 const struct xf_stanza *stanza);

void xf_component_stream_pause(struct xf_component_stream *stream, bool paused);
