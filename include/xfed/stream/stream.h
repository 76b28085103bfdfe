/* SPDX-License-Identifier: MIT */
/*
 * stream.h — one XMPP stream on a conn: headers, restarts, limits, errors, and an orderly end. Sans
 * I/O. Used for S2S in both roles and for the component link; knows nothing about authentication.
 *
 * To add a kind of stream, start at src/link/leg.c, the shortest owner: embed a struct
 * xf_stream, fill a struct xf_stream_events, and write elements through xf_stream_draft. To add
 * something that every stream does, start at struct xf_stream_events and src/stream/stream.c.
 *
 * A stream is embedded in its owner. From xf_stream_init on it owns the conn. It ends with exactly
 * one events->closed, called from the conn's close event; the owner may free itself there. All
 * other events are called from the conn's data event.
 */
#pragma once

#include <xfed/stream/env.h>
#include <xfed/xml/reader.h>
#include <xfed/xml/writer.h>

struct xf_stream;

enum xf_stream_end {
    XF_STREAM_END_POLITE,     /* both sides sent their footer, whichever was first */
    XF_STREAM_END_OUR_ERROR,  /* we sent a stream error */
    XF_STREAM_END_PEER_ERROR, /* the peer sent a stream error: stream->peer_error, peer_text */
    XF_STREAM_END_LOST,       /* the conn ended without a footer: stream->conn_end, detail */
};

enum xf_stream_next {
    XF_STREAM_NEXT_ELEMENT, /* read the next element */
    XF_STREAM_NEXT_RESTART, /* read a new stream header with a new parser */
    XF_STREAM_NEXT_TLS,     /* start the TLS handshake */
    XF_STREAM_NEXT_HELD,    /* keep further bytes until xf_stream_release */
    XF_STREAM_NEXT_NOTHING  /* read nothing more: the stream ends */
};

struct xf_stream_events {
    void (*header)(struct xf_stream *stream, const struct xf_header *header);
    void (*stanza)(struct xf_stream *stream, struct xf_stanza *stanza);
    /* Not called for stream errors, which end the stream. */
    void (*element)(struct xf_stream *stream, const struct xf_elem *elem);
    /* Much white space came between elements; may be NULL. */
    void (*white)(struct xf_stream *stream, size_t bytes);
    void (*connected)(struct xf_stream *stream); /* TCP is up; may be NULL */
    /* TLS is up; the reader is new and nothing was sent on it; may be NULL */
    void (*secured)(struct xf_stream *stream);
    void (*drained)(struct xf_stream *stream); /* may be NULL */
    /* The last time that something may be written: the stream ends in order; may be NULL. */
    void (*parting)(struct xf_stream *stream);
    /* The stream begins to end: no more stanzas go out; may be NULL. */
    void (*ending)(struct xf_stream *stream);
    void (*closed)(struct xf_stream *stream, enum xf_stream_end end, const char *detail);
};

struct xf_stream {
    const struct xf_stream_events *events;
    struct xf_env *env;
    struct xf_conn *conn; /* NULL before it exists and after it closed */
    struct xf_reader *reader;
    const char *content_ns;
    struct xf_reader_limits limits;
    /* Control elements and headers the peer may still send; UINT_MAX: no limit. */
    unsigned elements_left;
    uint64_t heard_ms;             /* when bytes last arrived */
    bool begins_as_tls;            /* the first byte of the conn is that of a TLS record */
    bool header_sent;              /* since the last restart */
    bool owes_header;              /* ... and before it: nothing goes out before the next one */
    bool footer_sent, footer_seen; /* of the conn */
    bool is_ending;                /* set once; from then on only the footer goes out */
    bool is_suspended;             /* xf_stream_suspend */
    bool is_receiving;             /* the other side opened the conn; set by the owner */
    bool in_reader;
    bool is_quiet;   /* xf_stream_expect_quiet */
    bool is_wrapped; /* xf_stream_unwrap */
    enum xf_stream_error our_error, peer_error;
    char peer_text[128];   /* text of the peer's stream error, legal XML text, cut */
    char our_text[200];    /* text of our stream error, cut; "" for none */
    enum xf_help our_help; /* why we sent it */
    size_t unread_bytes;   /* of control elements, since the output was last nearly empty */
    enum xf_conn_end conn_end;
    enum xf_stream_end end;
    struct xf_timer linger;   /* how long the peer may take to end the stream too */
    enum xf_stream_next next; /* what to do after the element that is being read */
    struct xf_buf held;       /* bytes that arrived while the stream was held */
    bool held_may_pass;       /* xf_stream_delay */
    struct xf_tls_request tls_request;
    const char *tls_go;
    unsigned long looked_count; /* xf_stream_element_ms */
    uint64_t looked_ms;         /* 0: no element is under way */
    bool is_paused;
    /* xml:lang of the peer's header (RFC 6120 §8.1.5), "" when none. */
    char lang[36];
    uint64_t stanzas_in, stanzas_out, bytes_in;
    /* Once the conn has closed: xf_stream_left and the like, and whether that was all. */
    uint64_t left_bytes, left_at_most_bytes, arrived_bytes;
    bool has_left_all;
};

/* `limits` and `elements` apply until xf_stream_relax. `conn` may be NULL: see xf_stream_attach. */
void xf_stream_init(struct xf_stream *stream, struct xf_env *env, const char *content_ns,
                    const struct xf_reader_limits *limits, unsigned elements,
                    const struct xf_stream_events *events);

/*
 * Call after xf_stream_init: the other side's stanzas are children of elements of this name
 * (xf_reader_unwrap), and headers declare no default namespace.
 */
void xf_stream_unwrap(struct xf_stream *stream, const struct xf_wrapper *wrapper);

/* Take over a conn (accepted, or still connecting). */
void xf_stream_attach(struct xf_stream *stream, struct xf_conn *conn);

/* For env->connect, with the stream as owner. */
extern const struct xf_conn_events xf_stream_conn_events;

/* After closed (or before attach): free what the stream holds. */
void xf_stream_fini(struct xf_stream *stream);

/* After authentication: apply other limits, and no longer count elements. */
void xf_stream_relax(struct xf_stream *stream, const struct xf_reader_limits *limits);

struct xf_stream_header {
    struct xf_span from, to, id; /* absent: left out */
    bool has_version;            /* version='1.0' */
    bool has_dialback;           /* declare xmlns:db */
};
void xf_stream_send_header(struct xf_stream *stream, const struct xf_stream_header *header);

/*
 * Write a control element: begin, append to the draft (xml/writer.h), send; it leaves at the end of
 * the turn. Except for stanzas, this is the only way to write to a stream. The element goes out
 * whole, or the stream ends with policy-violation, because it does not fit or because the other
 * side does not read while our control elements pile up. Once is_ending, nothing goes out.
 */
struct xf_draft xf_stream_draft(struct xf_stream *stream);
void xf_stream_send_draft(struct xf_stream *stream, struct xf_draft *draft);

/* The same for text that is already XML. */
void xf_stream_send(struct xf_stream *stream, const char *xml);

/*
 * Write an addressed stanza. XF_ERR_CLOSED once is_ending; XF_ERR_LIMIT when the output is full
 * (far above the high-water mark, so a caller that respects xf_stream_is_congested does not see
 * this).
 */
XF_MUST_USE enum xf_err xf_stream_send_stanza(struct xf_stream *stream,
                                              const struct xf_stanza *stanza);

/*
 * The same within a wrapper: `open` is its start tag, which makes content_ns the default namespace,
 * `close` its end tag. All of it goes out, or nothing.
 */
XF_MUST_USE enum xf_err xf_stream_send_wrapped(struct xf_stream *stream, struct xf_span open,
                                               const struct xf_stanza *stanza,
                                               struct xf_span close);

/* Call from the element event: the peer must now start a new stream (after SASL success). */
void xf_stream_restart(struct xf_stream *stream);

/*
 * Start TLS. Before our header is sent, it begins at once. Else call it from the element event: it
 * first checks that the peer sent nothing after that element (otherwise the stream ends, since that
 * would smuggle plaintext into TLS, CVE-2011-0411), then sends `go` (`<proceed/>`; NULL for
 * nothing). The texts of the request must live until `secured` or `closed`.
 */
void xf_stream_start_tls(struct xf_stream *stream, const struct xf_tls_request *request,
                         const char *go);

/*
 * Call from the header, stanza or element event: whatever the peer sends after that waits,
 * unparsed, until xf_stream_release. Do not call xf_stream_release from an event of the stream.
 */
void xf_stream_hold(struct xf_stream *stream);
/*
 * As xf_stream_hold, for a peer that may say what it says, but later. A conn that was reset brings
 * all that the system still has: what is too much to be kept passes, and nothing is lost.
 */
void xf_stream_delay(struct xf_stream *stream);
void xf_stream_release(struct xf_stream *stream);

/*
 * Send a stream error (after a header if none was sent yet) and the footer, then close. `help` is
 * kept for the log; `text` may be NULL.
 */
void xf_stream_fail(struct xf_stream *stream, enum xf_stream_error error, enum xf_help help,
                    const char *text);

/*
 * As xf_stream_fail, with connection-timeout (RFC 6120 §4.9.3.4): what we sent is not answered.
 * That says nothing against what the peer sends, which is taken as with xf_stream_close.
 */
void xf_stream_time_out(struct xf_stream *stream, enum xf_help help, const char *text);

/* Send the footer, wait a few seconds for the peer's, then close. */
void xf_stream_close(struct xf_stream *stream);

/*
 * End without a footer, so that the stream can be resumed later (XEP-0198 §5). What was written
 * goes out; nothing more is read.
 */
void xf_stream_suspend(struct xf_stream *stream);

/* Close the conn at once, without an error or footer. */
void xf_stream_abort(struct xf_stream *stream);

/* Free the parser's memory while the stream is quiet. */
void xf_stream_park(struct xf_stream *stream);

/* Expect only white space and the footer from the peer: keep no parser between reads. */
void xf_stream_expect_quiet(struct xf_stream *stream);

/*
 * How long the current element has been arriving, as precisely as the owner calls this; 0 between
 * elements. An expected stream header counts as an element. Time while the stream was paused does
 * not count.
 */
uint64_t xf_stream_element_ms(struct xf_stream *stream);

/*
 * Stop or resume reading. Data that the conn has already read still arrives. A stream that is both
 * paused and held resumes when both have ended.
 */
void xf_stream_pause(struct xf_stream *stream, bool paused);
bool xf_stream_is_stopped(const struct xf_stream *stream); /* paused or held */
bool xf_stream_is_congested(const struct xf_stream *stream);

/*
 * How many bytes were written to the conn in all, how many of them the system has taken (at least
 * and at most, since of a TLS record either all counts or nothing), and how many the other side's
 * TCP has acknowledged (as xf_conn_arrived).
 */
uint64_t xf_stream_written(const struct xf_stream *stream);
uint64_t xf_stream_left(const struct xf_stream *stream);
uint64_t xf_stream_left_at_most(const struct xf_stream *stream);
uint64_t xf_stream_arrived(const struct xf_stream *stream);

/*
 * In `closed`: did both sides end the stream in order (RFC 6120 §4.4), and then the connection, so
 * that the other side has read all that we wrote?
 */
bool xf_stream_ended_cleanly(const struct xf_stream *stream);
/*
 * ... or did we end it with an error, other than one for its silence? The other side reads that
 * behind all that we wrote before it, and then closes the connection.
 */
bool xf_stream_was_read(const struct xf_stream *stream);
