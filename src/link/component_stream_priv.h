/* SPDX-License-Identifier: MIT */
/*
 * component_stream_priv.h — one component stream (XEP-0114) that is made again whenever it ends: a
 * name, the nodes to try, a state.
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
    X(OPENING,    "opening")    /* our header is out */                                        \
    X(PROVING,    "proving")    /* the handshake is out (XEP-0114 §3) */                       \
    X(UP,         "up")         /* stanzas pass in both directions */                          \
    X(ENDING,     "ending")     /* nothing goes out any more; closed is to come */

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
    void (*down)(void *owner, struct xf_component_stream *stream); /* it was up */
    void (*drained)(void *owner, struct xf_component_stream *stream);
    void (*stanza)(void *owner, struct xf_component_stream *stream, struct xf_stanza *stanza);
    /* no stream and no try any more: may be freed from here */
    void (*idle)(void *owner, struct xf_component_stream *stream);
};

struct xf_component_stream {
    struct xf_env *env;
    const struct xf_link_settings *settings;
    const struct xf_component_stream_events *events;
    void *owner;
    char *name;                  /* what the handshake's header is addressed to */
    const struct xf_addr *addrs; /* borrowed; tried in turn */
    size_t addr_count, addr_at;
    enum xf_component_stream_state state;
    struct xf_stream xmpp;  /* from CONNECTING to ENDING */
    struct xf_timer timer;  /* of WAITING, OPENING and PROVING */
    struct xf_timer pulse;  /* of UP: keep-alive, and whether a congested stream still moves */
    uint64_t backoff_ms;    /* of the next try, before jitter */
    uint64_t began_ms;      /* of the try, then of being up */
    uint64_t sent_ms;       /* our last byte */
    uint64_t written_bytes; /* appended to the conn's output */
    uint64_t moved_bytes, moved_ms; /* written minus waiting, when it last grew */
    bool was_up;                    /* the stream that ends */
    bool is_wanted;                 /* make it again when it ends */
    bool is_congested;
    bool is_paused;
    const char *reason;      /* why we end it, or what was wrong; a literal of ours, or NULL */
    const char *last_reason; /* of the last failed try: told as a warning once */
};

extern const struct xf_machine xf_component_stream_machine; /* for the test of its table */

/* `conf` and `addrs` are borrowed, the name is copied. Idle at first. */
void xf_component_stream_init(struct xf_component_stream *stream, struct xf_env *env,
                              const struct xf_link_settings *settings, struct xf_span name,
                              const struct xf_component_stream_events *events, void *owner);
void xf_component_stream_fini(struct xf_component_stream *stream); /* of an idle one */
void xf_component_stream_nodes(struct xf_component_stream *stream, const struct xf_addr *addrs,
                               size_t count, size_t first);

/* of an idle one; otherwise it is only wanted again */
void xf_component_stream_start(struct xf_component_stream *stream);

/*
 * End politely and do not come back; `idle` follows, never from within. False: it is idle already.
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
