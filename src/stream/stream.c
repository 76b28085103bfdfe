/* SPDX-License-Identifier: MIT */
/*
 * stream.c — the life of one XMPP stream on a conn (RFC 6120 §4).
 *
 * Bytes go to the reader, whose events go to the owner. What an element leads to beyond its own
 * handling (a restart after SASL, TLS after STARTTLS) is noted in `next` and done once the reader
 * has returned, since a parser must not be changed in its own callback.
 *
 * The end, whoever begins it:
 *   - xf_stream_close or the peer's footer: both sides send a footer; stanzas of the peer are still
 *     accepted until its footer comes;
 *   - xf_stream_fail: we send an error and a footer, and read nothing more from the peer;
 *   - xf_stream_time_out: the same, but stanzas are still accepted until the peer's footer comes;
 *   - xf_stream_suspend: no footer, since the stream is to be resumed; we read nothing more;
 *   - the peer's stream error: we store it and answer with a footer;
 *   - the conn breaks.
 * All of them end in the conn's closed event and in one events->closed.
 */
#include <xfed/stream/stream.h>

#include <limits.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/ns.h>

#define HELD_MAX_BYTES (256u << 10) /* two reads of a conn; while it is paused no more arrives */
#define SUSPEND_MS     2000         /* for the last bytes of a stream that is suspended */
#define LINGER_MS      4000         /* for the peer's footer, and for the last bytes of a conn */
#define WHITE_BYTES    1024         /* fewer between elements are keep-alives */
/* Types of TLS records (RFC 8446 §5.1), with which no XML can begin. */
#define TLS_ALERT     0x15
#define TLS_HANDSHAKE 0x16

static void begin_end(struct xf_stream *stream)
{
    if (stream->is_ending)
        return;
    if (stream->conn && !stream->our_error && !stream->peer_error && stream->events->parting)
        stream->events->parting(stream);
    if (stream->is_ending) /* what it wrote was too much */
        return;
    stream->is_ending = true;
    if (stream->events->ending)
        stream->events->ending(stream);
}

/* For the reader's callbacks; elsewhere `next` is enough to keep further bytes away. */
static void stop_reading(struct xf_stream *stream)
{
    if (stream->in_reader)
        xf_reader_stop(stream->reader);
}

static void close_conn(struct xf_stream *stream)
{
    xf_timer_stop(&stream->linger);
    if (stream->conn)
        xf_conn_close(stream->conn, LINGER_MS);
}

static void send_bare_header(struct xf_stream *stream)
{
    struct xf_stream_header header = {.has_version = true};
    char id[XF_ID_CHARS + 1];
    if (stream->is_receiving) { /* RFC 6120 §4.7.3: the receiving entity names the stream */
        stream->env->make_id(stream->env, id);
        header.id = xf_span_of(id);
    }
    xf_stream_send_header(stream, &header);
}

/* A restarted stream is a new one: its header goes out before its footer (RFC 6120 §4.4). */
static void open_for_footer(struct xf_stream *stream)
{
    if (stream->owes_header && !stream->header_sent && !stream->is_ending && stream->conn)
        send_bare_header(stream);
}

static void send_footer(struct xf_stream *stream)
{
    if (stream->footer_sent || !stream->header_sent || !stream->conn)
        return;
    stream->footer_sent = true;
    if (xf_buf_try_append(&stream->conn->out, "</stream:stream>", 16) == XF_ERR_OK)
        xf_conn_flush_soon(stream->conn);
}

static void on_linger_over(void *owner)
{
    struct xf_stream *stream = owner;
    if (stream->conn)
        xf_conn_finish(stream->conn, LINGER_MS);
}

/* ------------------------------------------------------------------ what the reader says */

static bool count_element(struct xf_stream *stream)
{
    if (stream->elements_left == 0) {
        xf_stream_fail(stream, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_PROTOCOL_ERROR,
                       "too many elements before authentication");
        return false;
    }
    if (stream->elements_left != UINT_MAX)
        stream->elements_left--;
    return true;
}

static void copy_text(char *out, size_t room, struct xf_span text)
{
    size_t len = text.len < room ? text.len : room - 1;
    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--; /* do not cut inside a character */
    if (len)
        memcpy(out, text.ptr, len);
    out[len] = '\0';
}

/*
 * Only characters that RFC 5646 allows. Cisco's gateways send 'en-US.UTF-8': we do not refuse that,
 * but do not put it on their stanzas either.
 */
static bool is_language_tag(struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    return true;
}

/*
 * RFC 6120 §4.8.2: the default namespace of the header. Where it is the stream's own, each stanza
 * names the content namespace itself.
 */
static bool content_ns_is_good(const struct xf_stream *stream, struct xf_span content_ns)
{
    return stream->is_wrapped || xf_span_is(content_ns, stream->content_ns) ||
           xf_span_is(content_ns, XF_NS_STREAM);
}

static void on_header(void *owner, const struct xf_header *header)
{
    struct xf_stream *stream = owner;
    if (stream->is_ending || !count_element(stream))
        return;
    if (!xf_span_is(header->ns, XF_NS_STREAM) || !content_ns_is_good(stream, header->content_ns)) {
        xf_stream_fail(stream, XF_STREAM_ERROR_INVALID_NAMESPACE, XF_HELP_NOT_WELL_FORMED, NULL);
        return;
    }
    if (!xf_span_is(header->name, "stream")) {
        xf_stream_fail(stream, XF_STREAM_ERROR_BAD_FORMAT, XF_HELP_NOT_WELL_FORMED,
                       "the root must be a stream");
        return;
    }
    stream->lang[0] = '\0';
    if (header->lang.len < sizeof(stream->lang) && is_language_tag(header->lang))
        copy_text(stream->lang, sizeof(stream->lang), header->lang);
    stream->events->header(stream, header);
}

static void on_stanza(void *owner, struct xf_stanza *stanza)
{
    struct xf_stream *stream = owner;
    if (stream->next == XF_STREAM_NEXT_NOTHING)
        return;
    if (stream->elements_left != UINT_MAX && !count_element(stream))
        return;
    if (!stanza->lang.ptr && stream->lang[0])
        stanza->lang = xf_span_of(stream->lang); /* RFC 6120 §8.1.5 */
    stream->stanzas_in++;
    stream->events->stanza(stream, stanza);
}

static void note_peer_error(struct xf_stream *stream, const struct xf_elem *elem)
{
    stream->peer_error = XF_STREAM_ERROR_UNDEFINED_CONDITION;
    for (const struct xf_elem *child = elem->first_child; child; child = child->next) {
        if (!xf_span_is(child->ns, XF_NS_STREAM_ERROR))
            continue;
        if (xf_span_is(child->name, "text"))
            copy_text(stream->peer_text, sizeof(stream->peer_text), child->text);
        else
            stream->peer_error = xf_stream_error_find(child->name);
    }
    if (!stream->our_error)
        stream->end = XF_STREAM_END_PEER_ERROR;
    stream->next = XF_STREAM_NEXT_NOTHING;
    stop_reading(stream);
    begin_end(stream);
    send_footer(stream);
    close_conn(stream);
}

static void on_element(void *owner, const struct xf_elem *elem)
{
    struct xf_stream *stream = owner;
    if (stream->next == XF_STREAM_NEXT_NOTHING)
        return;
    if (xf_elem_is(elem, XF_NS_STREAM, "error")) {
        note_peer_error(stream, elem);
        return;
    }
    if (count_element(stream))
        stream->events->element(stream, elem);
}

static void on_footer(void *owner)
{
    struct xf_stream *stream = owner;
    if (stream->next == XF_STREAM_NEXT_NOTHING || stream->footer_seen)
        return;
    open_for_footer(stream);
    stream->footer_seen = true;
    if (!stream->our_error)
        stream->end = XF_STREAM_END_POLITE;
    begin_end(stream);
    send_footer(stream);
    close_conn(stream);
}

static const struct xf_reader_events reader_events = {
    .header = on_header,
    .stanza = on_stanza,
    .element = on_element,
    .footer = on_footer,
};

/* ------------------------------------------------------------------ what the conn says */

static void owe_header(struct xf_stream *stream)
{
    stream->owes_header |= stream->header_sent;
    stream->header_sent = false;
}

static void fresh_pass(struct xf_stream *stream)
{
    owe_header(stream);
    stream->next = XF_STREAM_NEXT_ELEMENT;
    xf_reader_restart(stream->reader);
}

static void go_secure(struct xf_stream *stream)
{
    if (stream->tls_go)
        xf_stream_send(stream, stream->tls_go);
    owe_header(stream); /* what is written from now on goes out behind the handshake */
    if (stream->conn && !stream->is_ending)
        stream->env->start_tls(stream->env, stream->conn, &stream->tls_request);
}

static void on_problem(struct xf_stream *stream, enum xf_err err)
{
    const char *text = NULL;
    enum xf_stream_error error = xf_reader_problem(stream->reader, &text);
    if (stream->begins_as_tls && !stream->conn->tls)
        xf_stream_fail(stream, error, XF_HELP_TLS_ON_PLAIN_PORT,
                       "TLS came where an XMPP stream is due");
    else
        xf_stream_fail(stream, error,
                       err == XF_ERR_LIMIT ? XF_HELP_TOO_LARGE : XF_HELP_NOT_WELL_FORMED, text);
}

static void keep(struct xf_stream *stream, const char *bytes, size_t len)
{
    if (xf_buf_try_append(&stream->held, bytes, len) != XF_ERR_OK)
        xf_stream_fail(stream, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_PROTOCOL_ERROR,
                       "too much before it is due");
}

/* The reader stopped after an element and left `left` bytes of the peer unread. */
static bool go_on(struct xf_stream *stream, const char *bytes, size_t left)
{
    if (stream->next == XF_STREAM_NEXT_HELD)
        keep(stream, bytes, left);
    if (stream->next == XF_STREAM_NEXT_RESTART) {
        stream->next = XF_STREAM_NEXT_ELEMENT;
        xf_reader_restart(stream->reader);
        return true;
    }
    if (stream->next == XF_STREAM_NEXT_TLS) {
        if (left)
            xf_stream_fail(stream, XF_STREAM_ERROR_POLICY_VIOLATION, XF_HELP_PROTOCOL_ERROR,
                           "plaintext behind STARTTLS");
        else
            go_secure(stream);
    }
    return false;
}

/* It costs as much to read as elements do. */
static void tell_white(struct xf_stream *stream)
{
    size_t white = xf_reader_take_white(stream->reader, WHITE_BYTES);
    if (white && stream->events->white)
        stream->events->white(stream, white);
}

static void read_bytes(struct xf_stream *stream, const char *bytes, size_t len)
{
    while (len && stream->next == XF_STREAM_NEXT_ELEMENT) {
        size_t used = 0;
        stream->in_reader = true;
        enum xf_err err = xf_reader_feed(stream->reader, bytes, len, &used);
        stream->in_reader = false;
        if (err == XF_ERR_OK) {
            if (stream->is_quiet)
                xf_reader_park(stream->reader);
            tell_white(stream);
            return;
        }
        bytes += used;
        len -= used;
        if (err != XF_ERR_CLOSED) {
            on_problem(stream, err);
            return;
        }
        if (!go_on(stream, bytes, len))
            return;
    }
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    struct xf_stream *stream = owner;
    stream->heard_ms = stream->env->clock->now_ms;
    if (stream->bytes_in == 0)
        stream->begins_as_tls = bytes[0] == TLS_ALERT || bytes[0] == TLS_HANDSHAKE;
    stream->bytes_in += len;
    if (stream->next == XF_STREAM_NEXT_HELD && stream->held_may_pass &&
        stream->held.len + len > HELD_MAX_BYTES)
        xf_stream_release(stream);
    if (stream->next == XF_STREAM_NEXT_HELD)
        keep(stream, bytes, len); /* what was read before the conn paused */
    else
        read_bytes(stream, bytes, len);
}

static void on_connected(void *owner)
{
    struct xf_stream *stream = owner;
    stream->heard_ms = stream->env->clock->now_ms;
    if (stream->events->connected)
        stream->events->connected(stream);
}

static void on_secured(void *owner)
{
    struct xf_stream *stream = owner;
    stream->heard_ms = stream->env->clock->now_ms;
    fresh_pass(stream);
    if (stream->is_ending)
        return;
    if (stream->events->secured)
        stream->events->secured(stream);
}

static void on_drained(void *owner)
{
    struct xf_stream *stream = owner;
    if (!stream->is_ending && stream->events->drained)
        stream->events->drained(stream);
}

static void on_closed(void *owner, enum xf_conn_end end, const char *detail)
{
    struct xf_stream *stream = owner;
    xf_timer_stop(&stream->linger);
    stream->left_bytes = xf_conn_left(stream->conn);
    stream->left_at_most_bytes = xf_conn_left_at_most(stream->conn);
    stream->arrived_bytes = xf_conn_arrived(stream->conn);
    stream->has_left_all = stream->left_bytes == xf_conn_written(stream->conn);
    stream->conn = NULL;
    stream->conn_end = end;
    begin_end(stream);
    stream->events->closed(stream, stream->end, detail);
}

const struct xf_conn_events xf_stream_conn_events = {
    .connected = on_connected,
    .secured = on_secured,
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

/* ------------------------------------------------------------------ what the owner says */

void xf_stream_init(struct xf_stream *stream, struct xf_env *env, const char *content_ns,
                    const struct xf_reader_limits *limits, unsigned elements,
                    const struct xf_stream_events *events)
{
    *stream = (struct xf_stream){
        .events = events,
        .env = env,
        .content_ns = content_ns,
        .elements_left = elements,
        .heard_ms = env->clock->now_ms,
        .end = XF_STREAM_END_LOST,
    };
    stream->reader = xf_reader_new(content_ns, limits, &reader_events, stream);
    xf_reader_share(stream->reader, env->parsers);
    xf_buf_init(&stream->held, HELD_MAX_BYTES);
    xf_timer_init(&stream->linger, on_linger_over, stream);
}

void xf_stream_unwrap(struct xf_stream *stream, const struct xf_wrapper *wrapper)
{
    stream->is_wrapped = true;
    xf_reader_unwrap(stream->reader, wrapper);
}

void xf_stream_attach(struct xf_stream *stream, struct xf_conn *conn)
{
    stream->conn = conn;
    conn->events = &xf_stream_conn_events;
    conn->owner = stream;
}

void xf_stream_fini(struct xf_stream *stream)
{
    xf_timer_stop(&stream->linger);
    xf_reader_free(&stream->reader);
    xf_buf_release(&stream->held);
}

void xf_stream_relax(struct xf_stream *stream, const struct xf_reader_limits *limits)
{
    stream->elements_left = UINT_MAX;
    xf_reader_set_limits(stream->reader, limits);
}

void xf_stream_restart(struct xf_stream *stream)
{
    owe_header(stream);
    stream->next = XF_STREAM_NEXT_RESTART;
    stop_reading(stream);
}

bool xf_stream_is_stopped(const struct xf_stream *stream)
{
    return stream->is_paused || stream->next == XF_STREAM_NEXT_HELD;
}

static void apply_pause(struct xf_stream *stream)
{
    stream->looked_ms = 0;
    if (stream->conn)
        xf_conn_pause(stream->conn, xf_stream_is_stopped(stream));
}

void xf_stream_hold(struct xf_stream *stream)
{
    stream->held_may_pass = false;
    stream->next = XF_STREAM_NEXT_HELD;
    stop_reading(stream);
    apply_pause(stream);
}

void xf_stream_delay(struct xf_stream *stream)
{
    xf_stream_hold(stream);
    stream->held_may_pass = true;
}

void xf_stream_release(struct xf_stream *stream)
{
    if (stream->next != XF_STREAM_NEXT_HELD)
        return;
    struct xf_buf held = stream->held;
    xf_buf_init(&stream->held, HELD_MAX_BYTES);
    stream->next = XF_STREAM_NEXT_ELEMENT;
    xf_reader_resume(stream->reader);
    stream->heard_ms = stream->env->clock->now_ms; /* while it was stopped, nothing could arrive */
    apply_pause(stream);
    read_bytes(stream, xf_buf_ptr(&held), held.len);
    xf_buf_release(&held);
}

void xf_stream_start_tls(struct xf_stream *stream, const struct xf_tls_request *request,
                         const char *go)
{
    stream->tls_request = *request;
    stream->tls_go = go;
    stream->next = XF_STREAM_NEXT_TLS;
    if (!stream->header_sent) /* nothing was said in clear */
        go_secure(stream);
    else
        stop_reading(stream);
}

static enum xf_err append_error(struct xf_stream *stream, const char *text)
{
    struct xf_draft draft = xf_draft_begin(&stream->conn->out);
    xf_draft_str(&draft, "<stream:error><");
    xf_draft_str(&draft, xf_stream_error_name(stream->our_error));
    xf_draft_str(&draft, " xmlns='" XF_NS_STREAM_ERROR "'/>");
    if (text) {
        xf_draft_str(&draft, "<text xmlns='" XF_NS_STREAM_ERROR "' xml:lang='en'>");
        xf_xml_text(&draft, xf_utf8_whole(xf_span_of(text)));
        xf_draft_str(&draft, "</text>");
    }
    xf_draft_str(&draft, "</stream:error>");
    return xf_draft_end(&draft);
}

static void say_error(struct xf_stream *stream, enum xf_stream_error error, enum xf_help help,
                      const char *text)
{
    stream->our_error = error;
    stream->our_help = help;
    copy_text(stream->our_text, sizeof(stream->our_text), xf_span_of(text));
    stream->end = XF_STREAM_END_OUR_ERROR;
    if (!stream->footer_sent) {
        /* RFC 6120 §4.9.1.2: an error needs a stream around it */
        if (!stream->header_sent && !stream->is_ending)
            send_bare_header(stream);
        if (append_error(stream, text) != XF_ERR_OK)
            /*
             * If it does not fit, only the footer goes out, or nothing: the peer is not reading
             * anyway.
             */
            (void)!append_error(stream, NULL);
    }
    begin_end(stream);
    send_footer(stream);
}

void xf_stream_fail(struct xf_stream *stream, enum xf_stream_error error, enum xf_help help,
                    const char *text)
{
    if (stream->next == XF_STREAM_NEXT_NOTHING || stream->footer_seen || !stream->conn)
        return;
    stream->next = XF_STREAM_NEXT_NOTHING;
    stop_reading(stream);
    if (!stream->our_error)
        say_error(stream, error, help, text);
    close_conn(stream);
}

void xf_stream_time_out(struct xf_stream *stream, enum xf_help help, const char *text)
{
    if (stream->is_ending || !stream->conn)
        return;
    say_error(stream, XF_STREAM_ERROR_CONNECTION_TIMEOUT, help, text);
    if (stream->conn)
        xf_conn_finish(stream->conn, LINGER_MS);
}

void xf_stream_close(struct xf_stream *stream)
{
    if (stream->is_ending)
        return;
    open_for_footer(stream);
    stream->end = XF_STREAM_END_POLITE;
    begin_end(stream);
    if (!stream->conn)
        return;
    if (!stream->header_sent) {
        xf_conn_close(stream->conn, LINGER_MS);
        return;
    }
    send_footer(stream);
    xf_timer_start(stream->env->timers, &stream->linger, LINGER_MS);
}

void xf_stream_suspend(struct xf_stream *stream)
{
    if (stream->is_ending)
        return;
    stream->is_suspended = true;
    stream->next = XF_STREAM_NEXT_NOTHING;
    stop_reading(stream);
    begin_end(stream);
    if (stream->conn)
        xf_conn_close(stream->conn, SUSPEND_MS);
}

void xf_stream_abort(struct xf_stream *stream)
{
    begin_end(stream);
    stream->next = XF_STREAM_NEXT_NOTHING;
    if (stream->conn)
        xf_conn_close(stream->conn, 0);
}

void xf_stream_park(struct xf_stream *stream)
{
    if (!stream->is_ending && !stream->in_reader)
        xf_reader_park(stream->reader);
}

void xf_stream_expect_quiet(struct xf_stream *stream)
{
    stream->is_quiet = true;
    xf_stream_park(stream);
}

uint64_t xf_stream_element_ms(struct xf_stream *stream)
{
    unsigned long count = xf_reader_element_count(stream->reader);
    uint64_t now_ms = stream->env->clock->now_ms;
    if (xf_stream_is_stopped(stream) || xf_reader_is_quiet(stream->reader)) {
        stream->looked_ms = 0;
        return 0;
    }
    if (!stream->looked_ms || count != stream->looked_count) {
        stream->looked_count = count;
        stream->looked_ms = now_ms;
    }
    return now_ms - stream->looked_ms;
}

void xf_stream_pause(struct xf_stream *stream, bool paused)
{
    if (stream->is_paused && !paused)
        stream->heard_ms = stream->env->clock->now_ms;
    stream->is_paused = paused;
    apply_pause(stream);
}
