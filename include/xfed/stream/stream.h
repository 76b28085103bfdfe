/* SPDX-License-Identifier: MIT */
/*
 * stream.h — one XMPP stream on a conn: headers, restarts, limits, errors, and an orderly end. Sans
 * I/O. Serves S2S in both roles and the component link; knows nothing of authentication.
 *
 * A stream is embedded in its owner. It owns the conn from xf_stream_init on and ends in exactly
 * one events->closed, from the conn's own close event; after that the owner may free itself. Events
 * come from within the conn's data event.
 */
#pragma once

#include <xfed/stream/env.h>
#include <xfed/xml/reader.h>
#include <xfed/xml/writer.h>

struct xf_stream;

enum xf_stream_end {
    XF_STREAM_END_POLITE,     /* footers exchanged, whoever began */
    XF_STREAM_END_OUR_ERROR,  /* we sent a stream error */
    XF_STREAM_END_PEER_ERROR, /* the peer sent one: stream->peer_error, peer_text */
    XF_STREAM_END_LOST,       /* the conn ended without a footer: stream->conn_end, detail */
};

enum xf_stream_next {
    XF_STREAM_NEXT_ELEMENT,
    XF_STREAM_NEXT_RESTART,
    XF_STREAM_NEXT_TLS,
    XF_STREAM_NEXT_HELD,
    XF_STREAM_NEXT_NOTHING
};

struct xf_stream_events {
    void (*header)(struct xf_stream *stream, const struct xf_header *header);
    void (*stanza)(struct xf_stream *stream, struct xf_stanza *stanza);
    /* not stream errors: those end it */
    void (*element)(struct xf_stream *stream, const struct xf_elem *elem);
    void (*connected)(struct xf_stream *stream); /* as of the conn; may be NULL */
    /* reader is fresh, nothing sent yet; may be NULL */
    void (*secured)(struct xf_stream *stream);
    void (*drained)(struct xf_stream *stream); /* may be NULL */
    /* the first sign of the end: no more stanzas go out; may be NULL */
    void (*ending)(struct xf_stream *stream);
    void (*closed)(struct xf_stream *stream, enum xf_stream_end end, const char *detail);
};

struct xf_stream {
    const struct xf_stream_events *events;
    struct xf_env *env;
    struct xf_conn *conn; /* NULL before it exists and after it died */
    struct xf_reader *reader;
    const char *content_ns;
    struct xf_reader_limits limits;
    /* control elements and headers the peer may still send; UINT_MAX: no limit */
    unsigned elements_left;
    uint64_t heard_ms;             /* when bytes came last */
    bool header_sent;              /* of the present pass */
    bool footer_sent, footer_seen; /* of the conn */
    bool is_ending;                /* set once; nothing but the footer goes out any more */
    bool is_receiving;             /* the other side opened the conn; set by the owner */
    bool in_reader;
    bool is_quiet; /* xf_stream_expect_quiet */
    enum xf_stream_error our_error, peer_error;
    char peer_text[128]; /* text of the peer's stream error, legal XML text, cut */
    char our_text[200];  /* ... of ours, cut; "" for none */
    size_t unread_bytes; /* of control elements, since the output was last nearly empty */
    enum xf_conn_end conn_end;
    enum xf_stream_end end;
    struct xf_timer linger;   /* how long the peer may take to end the stream too */
    enum xf_stream_next next; /* what happens once the element being read is over */
    struct xf_buf held;       /* what came while the stream was held */
    struct xf_tls_request tls_request;
    const char *tls_go;
    unsigned long looked_count; /* xf_stream_element_ms */
    uint64_t looked_ms;         /* 0: no element is under way */
    bool is_paused;
    /* xml:lang of the peer's header (RFC 6120 §8.1.5), "" when none */
    char lang[36];
    uint64_t stanzas_in, stanzas_out, bytes_in;
};

/* `limits` and `elements` hold until xf_stream_relax. `conn` may be NULL: see xf_stream_attach. */
void xf_stream_init(struct xf_stream *stream, struct xf_env *env, const char *content_ns,
                    const struct xf_reader_limits *limits, unsigned elements,
                    const struct xf_stream_events *events);

/* Take the conn over (accepted, or just connecting). */
void xf_stream_attach(struct xf_stream *stream, struct xf_conn *conn);

/* for env->connect, with the stream as owner */
extern const struct xf_conn_events xf_stream_conn_events;

/* After closed (or before attach): free what the stream holds. */
void xf_stream_fini(struct xf_stream *stream);

/* Authenticated: other limits, no bound of elements. */
void xf_stream_relax(struct xf_stream *stream, const struct xf_reader_limits *limits);

struct xf_stream_header {
    struct xf_span from, to, id; /* absent: left out */
    bool has_version;            /* version='1.0' */
    bool has_dialback;           /* declare xmlns:db */
};
void xf_stream_send_header(struct xf_stream *stream, const struct xf_stream_header *header);

/*
 * Write a control element: begin, append to the draft (xml/writer.h), send; it leaves at the end of
 * the turn. Stanzas apart, this is the only way into a stream's output. The element goes out whole,
 * or the stream ends with policy-violation: when it does not fit, and when the other side does not
 * read while our control elements pile up. Nothing goes out once is_ending.
 */
struct xf_draft xf_stream_draft(struct xf_stream *stream);
void xf_stream_send_draft(struct xf_stream *stream, struct xf_draft *draft);

/* The same of a text that is XML already. */
void xf_stream_send(struct xf_stream *stream, const char *xml);

/*
 * Write an addressed stanza. XF_ERR_CLOSED once is_ending; XF_ERR_LIMIT when the output is full
 * (far above the high-water mark: a caller that minds xf_stream_is_congested does not see it).
 */
XF_MUST_USE enum xf_err xf_stream_send_stanza(struct xf_stream *stream,
                                              const struct xf_stanza *stanza);

/* From within element: the peer must now begin a new stream (SASL success). */
void xf_stream_restart(struct xf_stream *stream);

/*
 * TLS from here. From within element: first makes sure that the peer sent nothing behind that
 * element (else the stream ends: it would be plaintext smuggled into TLS, CVE-2011-0411), then
 * sends `go` (`<proceed/>`; NULL for none). The texts of the request must live until `secured` or
 * `closed`.
 */
void xf_stream_start_tls(struct xf_stream *stream, const struct xf_tls_request *request,
                         const char *go);

/*
 * From within header, stanza or element: what the peer sends behind it waits unread until
 * xf_stream_release, which is not called from within an event of the stream.
 */
void xf_stream_hold(struct xf_stream *stream);
void xf_stream_release(struct xf_stream *stream);

/*
 * Send a stream error (with the header first when none went out) and the footer, close. `text`
 * NULL: none.
 */
void xf_stream_fail(struct xf_stream *stream, enum xf_stream_error error, const char *text);

/* Send the footer, wait a little for the peer's, close. */
void xf_stream_close(struct xf_stream *stream);

/* Drop the conn without a word. */
void xf_stream_abort(struct xf_stream *stream);

/* Give the parser's memory back while the stream is quiet. */
void xf_stream_park(struct xf_stream *stream);

/*
 * The peer has nothing more to say but white space and its footer: no parser is kept between reads.
 */
void xf_stream_expect_quiet(struct xf_stream *stream);

/*
 * How long one and the same element has been coming in, to the precision with which the owner
 * looks; 0 between elements. A stream header that is due counts as one. Time during which the
 * stream was paused does not count.
 */
uint64_t xf_stream_element_ms(struct xf_stream *stream);

/*
 * Stop and go on reading. What a conn has read already still comes; a stream that is held too goes
 * on when both are over.
 */
void xf_stream_pause(struct xf_stream *stream, bool paused);
bool xf_stream_is_stopped(const struct xf_stream *stream); /* paused or held */
bool xf_stream_is_congested(const struct xf_stream *stream);
