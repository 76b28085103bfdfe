/* SPDX-License-Identifier: MIT */
/*
 * component_stream.c — the life of one component stream: connect, prove the secret (XEP-0114 §3),
 * keep alive, end, come back.
 *
 * The table `rows` is the state machine (xfed/base/machine.h). Whichever side ends the stream, the
 * `ending` event moves it to ENDING and the `closed` event to WAITING or IDLE. The next try follows
 * after 200 ms. The wait doubles at each failure, with jitter, and is 200 ms again once a stream
 * was up for STEADY_MS. A server that cannot be reached is tried every second: that costs little,
 * and its users wait for us from the moment it is back. A server that answers with a stream error
 * is tried less and less often, down to every 10 s. `conflict` means that another component uses
 * our name. With short waits the two would throw each other out again and again, so we wait the
 * longest time at once.
 *
 * XEP-0114 has no way to ask whether the other side is alive. We send white space after a silence,
 * so that TCP notices a dead connection. If the server takes none of the waiting bytes for
 * STUCK_MS, we give the stream up.
 */
#include "component_stream_priv.h"

#include <limits.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/xmpp/ns.h>

#define BACKOFF_MIN_MS 200
#define AWAY_MAX_MS    750   /* less than a second, jitter included */
#define BACKOFF_MAX_MS 10000 /* after a stream error of the server */
#define STEADY_MS      10000 /* once up for so long, the next loss begins with the shortest wait */
#define CONNECT_MS     5000
#define ANSWER_MS      10000 /* for the server's header, and for its reply to the handshake */
#define STUCK_MS       30000
#define STUCK_LOOK_MS  5000
#define START_ELEMENTS 8 /* a server sends only its header and then handshake or error before UP */

/*
 * We trust the cluster: a large stanza of one user must not end the stream that all users share.
 * Routes have their own limits; these only keep memory bounded.
 */
static const struct xf_reader_limits trusted_limits = {
    .stanza_bytes = 8u << 20,
    .control_bytes = 64u << 10,
    .start_tag_bytes = 256u << 10,
    .attributes = 1024,
    .depth = 256,
};

static const struct xf_reader_limits start_limits = {
    .stanza_bytes = 10u << 10,
    .control_bytes = 10u << 10,
    .start_tag_bytes = 10u << 10,
    .attributes = 32,
    .depth = 8,
};

static void fire(struct xf_component_stream *stream, enum xf_component_stream_event event);
static const char *state_name(const struct xf_component_stream *stream);

static struct xf_component_stream *stream_of(struct xf_stream *xmpp)
{
    return XF_CONTAINER(xmpp, struct xf_component_stream, xmpp);
}

static void node_text(const struct xf_component_stream *stream, char out[XF_ADDR_TEXT_BYTES])
{
    xf_addr_text(&stream->addrs[stream->addr_at], out);
}

/* ---------------------------------------------------------------- the end of a stream, in words */

struct ending {
    const char *reason; /* a word */
    const char *advice; /* what an operator should do, or NULL */
};

/* clang-format off */
static const struct {
    enum xf_stream_error error;
    struct ending ending;
} error_endings[] = {
    {XF_STREAM_ERROR_CONFLICT,
     {"conflict", "another component is connected with this name; only one xfedd may use it"}},
    {XF_STREAM_ERROR_NOT_AUTHORIZED,
     {"not-authorized", "the server has another secret for this name: compare it with secret-file"}},
    {XF_STREAM_ERROR_HOST_UNKNOWN,
     {"host-unknown", "the server knows no component of this name: compare its configuration with name"}},
    {XF_STREAM_ERROR_INVALID_NAMESPACE,
     {"invalid-namespace", "the port is not the server's component port: see nodes"}},
    {XF_STREAM_ERROR_SYSTEM_SHUTDOWN, {"system-shutdown", NULL}},
};
/* clang-format on */

static const char *lost_word(enum xf_conn_end end)
{
    static const char *const words[] = {
        [XF_CONN_END_LOCAL] = "closed",    [XF_CONN_END_EOF] = "closed-by-server",
        [XF_CONN_END_RESET] = "reset",     [XF_CONN_END_REFUSED] = "refused",
        [XF_CONN_END_TIMEOUT] = "timeout", [XF_CONN_END_TLS] = "tls",
    };
    return words[end];
}

static struct ending ending_of(const struct xf_component_stream *stream, enum xf_stream_end end)
{
    const struct xf_stream *xmpp = &stream->xmpp;
    if (stream->reason)
        return (struct ending){stream->reason, NULL};
    if (end == XF_STREAM_END_LOST)
        return (struct ending){lost_word(xmpp->conn_end), NULL};
    if (end == XF_STREAM_END_POLITE)
        return (struct ending){"closed-by-server", NULL};
    if (end == XF_STREAM_END_OUR_ERROR)
        return (struct ending){xf_stream_error_name(xmpp->our_error),
                               "the server sent what is no component stream"};
    for (size_t i = 0; i < XF_ARRAY_LEN(error_endings); i++) {
        if (error_endings[i].error == xmpp->peer_error)
            return error_endings[i].ending;
    }
    return (struct ending){xf_stream_error_name(xmpp->peer_error), NULL};
}

static void log_end(struct xf_component_stream *stream, enum xf_stream_end end, const char *detail)
{
    struct ending ending = ending_of(stream, end);
    char node[XF_ADDR_TEXT_BYTES];
    uint64_t took_ms = stream->env->clock->now_ms - stream->began_ms;
    node_text(stream, node);
    if (end == XF_STREAM_END_PEER_ERROR)
        detail = stream->xmpp.peer_text;
    if (stream->was_up) {
        enum xf_log_level level = stream->is_wanted ? XF_LOG_WARN : XF_LOG_INFO;
        xf_log(level, "link.stream.down", XF_STR("link", stream->settings->title),
               XF_STR("node", node), XF_STR("name", stream->name), XF_WORD("reason", ending.reason),
               XF_STR("detail", detail), XF_STR("advice", ending.advice), XF_INT("ms", took_ms));
    } else { /* a failure that repeats is a warning only once */
        bool is_new = stream->is_wanted &&
                      (!stream->last_reason || strcmp(stream->last_reason, ending.reason) != 0);
        enum xf_log_level level = is_new ? XF_LOG_WARN : XF_LOG_DEBUG;
        xf_log(level, "link.stream.failed", XF_STR("link", stream->settings->title),
               XF_STR("node", node), XF_STR("name", stream->name), XF_WORD("reason", ending.reason),
               XF_STR("detail", detail), XF_STR("advice", ending.advice), XF_INT("ms", took_ms));
    }
    stream->last_reason = stream->was_up ? NULL : ending.reason;
}

/* ------------------------------------------------------------------ events of the stream */

static void on_header(struct xf_stream *xmpp, const struct xf_header *header)
{
    struct xf_component_stream *stream = stream_of(xmpp);
    if (stream->state != XF_COMPONENT_OPENING)
        return;
    if (header->id.len == 0) {
        stream->reason = "no-stream-id";
        xf_stream_close(xmpp);
        return;
    }
    struct xf_span parts[] = {header->id, xf_span_of(stream->settings->secret)};
    char digest[XF_SHA1_HEX_BYTES + 1];
    xf_sha1_hex(parts, XF_ARRAY_LEN(parts), digest);
    xf_stream_send(xmpp, "<handshake>");
    xf_stream_send(xmpp, digest);
    xf_stream_send(xmpp, "</handshake>");
    fire(stream, XF_COMPONENT_ON_HEADER);
}

static void on_element(struct xf_stream *xmpp, const struct xf_elem *elem)
{
    struct xf_component_stream *stream = stream_of(xmpp);
    if (stream->state == XF_COMPONENT_PROVING && xf_elem_is(elem, XF_NS_COMPONENT, "handshake"))
        fire(stream, XF_COMPONENT_ON_ACCEPTED);
    else
        xf_log(XF_LOG_DEBUG, "link.element.ignored", XF_STR("link", stream->settings->title),
               XF_SPN("element", elem->name), XF_WORD("state", state_name(stream)));
}

static void on_stanza(struct xf_stream *xmpp, struct xf_stanza *stanza)
{
    struct xf_component_stream *stream = stream_of(xmpp);
    if (stream->was_up) /* also in ENDING, until the server's footer comes */
        stream->events->stanza(stream->owner, stream, stanza);
}

static void on_connected(struct xf_stream *xmpp)
{
    fire(stream_of(xmpp), XF_COMPONENT_ON_CONNECTED);
}

static void on_ending(struct xf_stream *xmpp)
{
    fire(stream_of(xmpp), XF_COMPONENT_ON_ENDS);
}

static void on_drained(struct xf_stream *xmpp)
{
    struct xf_component_stream *stream = stream_of(xmpp);
    if (stream->state != XF_COMPONENT_UP)
        return;
    stream->is_congested = false;
    stream->events->drained(stream->owner, stream);
}

static bool should_wait_long(const struct xf_component_stream *stream)
{
    return stream->xmpp.peer_error == XF_STREAM_ERROR_CONFLICT;
}

static void on_closed(struct xf_stream *xmpp, enum xf_stream_end end, const char *detail)
{
    struct xf_component_stream *stream = stream_of(xmpp);
    log_end(stream, end, detail);
    if (stream->was_up && stream->env->clock->now_ms - stream->began_ms >= STEADY_MS)
        stream->backoff_ms = BACKOFF_MIN_MS;
    if (should_wait_long(stream))
        stream->backoff_ms = BACKOFF_MAX_MS;
    xf_stream_fini(xmpp);
    stream->addr_at = (stream->addr_at + 1) % stream->addr_count;
    fire(stream, stream->is_wanted ? XF_COMPONENT_ON_LOST : XF_COMPONENT_ON_OVER);
}

static const struct xf_stream_events stream_events = {
    .header = on_header,
    .stanza = on_stanza,
    .element = on_element,
    .connected = on_connected,
    .drained = on_drained,
    .ending = on_ending,
    .closed = on_closed,
};

/* ------------------------------------------------------------------ actions */

static void dial(struct xf_component_stream *stream)
{
    stream->reason = NULL;
    stream->was_up = stream->is_congested = false;
    stream->began_ms = stream->env->clock->now_ms;
    xf_stream_init(&stream->xmpp, stream->env, XF_NS_COMPONENT, &start_limits, START_ELEMENTS,
                   &stream_events);
    xf_stream_attach(&stream->xmpp,
                     stream->env->connect(stream->env, &stream->addrs[stream->addr_at], NULL,
                                          CONNECT_MS, &xf_stream_conn_events, &stream->xmpp));
}

static void send_header(struct xf_component_stream *stream)
{
    struct xf_stream_header header = {.to = xf_span_of(stream->name)};
    xf_stream_send_header(&stream->xmpp, &header);
    xf_timer_start(stream->env->timers, &stream->timer, ANSWER_MS);
}

static void await_word(struct xf_component_stream *stream)
{
    xf_timer_start(stream->env->timers, &stream->timer, ANSWER_MS);
}

static void arm_pulse(struct xf_component_stream *stream)
{
    uint64_t silent_ms = stream->env->clock->now_ms - stream->sent_ms;
    uint64_t ping_ms = stream->settings->ping_ms;
    uint64_t wait_ms = silent_ms < ping_ms ? ping_ms - silent_ms : ping_ms;
    if (stream->is_congested && (!ping_ms || wait_ms > STUCK_LOOK_MS))
        wait_ms = STUCK_LOOK_MS;
    if (wait_ms == 0) /* no keep-alive wanted */
        return;
    xf_timer_start(stream->env->timers, &stream->pulse, wait_ms);
}

static void come_up(struct xf_component_stream *stream)
{
    uint64_t now_ms = stream->env->clock->now_ms;
    char node[XF_ADDR_TEXT_BYTES];
    node_text(stream, node);
    xf_log(XF_LOG_INFO, "link.stream.up", XF_STR("link", stream->settings->title),
           XF_STR("node", node), XF_STR("name", stream->name),
           XF_INT("ms", now_ms - stream->began_ms));
    xf_stream_relax(&stream->xmpp, &trusted_limits);
    stream->was_up = true;
    stream->began_ms = stream->sent_ms = stream->moved_ms = now_ms;
    stream->written_bytes =
        xf_conn_backlog(stream->xmpp.conn); /* our handshake may still wait there */
    stream->moved_bytes = 0;
    stream->last_reason = NULL;
    xf_stream_pause(&stream->xmpp, stream->is_paused);
    arm_pulse(stream);
    stream->events->up(stream->owner, stream);
}

static void go_down(struct xf_component_stream *stream)
{
    xf_timer_stop(&stream->pulse);
    stream->is_congested = false;
    stream->events->down(stream->owner, stream);
}

static void plan_retry(struct xf_component_stream *stream)
{
    uint64_t max_ms = stream->xmpp.peer_error ? BACKOFF_MAX_MS : AWAY_MAX_MS;
    uint64_t wait_ms = stream->backoff_ms < max_ms ? stream->backoff_ms : max_ms;
    xf_timer_start(stream->env->timers, &stream->timer, xf_rand_jitter_ms(wait_ms));
    stream->backoff_ms = wait_ms < max_ms / 2 ? 2 * wait_ms : max_ms;
}

static void tell_idle(struct xf_component_stream *stream)
{
    stream->backoff_ms = BACKOFF_MIN_MS;
    stream->last_reason = NULL;
    stream->events->idle(stream->owner, stream);
}

/* ------------------------------------------------------------------ the machine */

/* clang-format off */
#define ROW(in, on, to, action) {XF_COMPONENT_##in, XF_COMPONENT_ON_##on, XF_COMPONENT_##to, XF_MACHINE_ACTION(struct xf_component_stream, action)}

static const struct xf_machine_row rows[] = {
    /*  in state    on event    go to       and do */
    ROW(IDLE,       WANT,       CONNECTING, dial),
    ROW(WAITING,    WANT,       CONNECTING, dial),
    ROW(WAITING,    OVER,       IDLE,       tell_idle),
    ROW(CONNECTING, CONNECTED,  OPENING,    send_header),
    ROW(OPENING,    HEADER,     PROVING,    await_word),
    ROW(PROVING,    ACCEPTED,   UP,         come_up),
    ROW(CONNECTING, ENDS,       ENDING,     NULL),
    ROW(OPENING,    ENDS,       ENDING,     NULL),
    ROW(PROVING,    ENDS,       ENDING,     NULL),
    ROW(UP,         ENDS,       ENDING,     go_down),
    ROW(ENDING,     LOST,       WAITING,    plan_retry),
    ROW(ENDING,     OVER,       IDLE,       tell_idle),
};
/* clang-format on */

static const char *const state_names[] = {
#define X(name, word) [XF_COMPONENT_##name] = word,
    XF_COMPONENT_STATE_MAP(X)
#undef X
};

static const char *const event_names[] = {
#define X(name, word) [XF_COMPONENT_ON_##name] = word,
    XF_COMPONENT_EVENT_MAP(X)
#undef X
};

static void run(void *self, xf_machine_action action)
{
    ((void (*)(struct xf_component_stream *))action)(self);
}

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_component_stream *stream = self;
    xf_log(XF_LOG_DEBUG, "link.state.changed", XF_STR("link", stream->settings->title),
           XF_STR("name", stream->name), XF_WORD("from", from), XF_WORD("on", on),
           XF_WORD("to", to));
}

static void stop_timer(void *self)
{
    struct xf_component_stream *stream = self;
    xf_timer_stop(&stream->timer);
}

/* An event that has no row in this state changes nothing and is only logged. */
static void stay(void *self, unsigned event)
{
    const char *name = state_name(self);
    log_move(self, name, event_names[event], "same");
}

static void check(const void *self, bool has_acted)
{
    const struct xf_component_stream *stream = self;
    switch (stream->state) {
    case XF_COMPONENT_IDLE:
        xf_require(!stream->is_wanted);
        return;
    case XF_COMPONENT_WAITING:
        xf_require(xf_timer_is_running(&stream->timer) == has_acted);
        return;
    case XF_COMPONENT_CONNECTING:
        xf_require(stream->addr_count > 0 &&
                   (!has_acted || (stream->xmpp.conn && !stream->was_up)));
        return;
    case XF_COMPONENT_OPENING:
    case XF_COMPONENT_PROVING:
        xf_require(stream->xmpp.conn && !stream->was_up);
        xf_require(xf_timer_is_running(&stream->timer) ==
                   has_acted); /* the server's answer is due */
        return;
    case XF_COMPONENT_UP:
        xf_require(stream->xmpp.conn && stream->was_up == has_acted);
        return;
    case XF_COMPONENT_ENDING:
        xf_require(!has_acted || (!xf_timer_is_running(&stream->pulse) && !stream->is_congested));
        return;
    }
}

const struct xf_machine xf_component_stream_machine = {
    .name = "component stream",
    .states = state_names,
    .events = event_names,
    .state_count = XF_ARRAY_LEN(state_names),
    .event_count = XF_ARRAY_LEN(event_names),
    .rows = rows,
    .row_count = XF_ARRAY_LEN(rows),
    .state_at = offsetof(struct xf_component_stream, state),
    .first = XF_COMPONENT_IDLE,
    .final = XF_MACHINE_NONE,
    .parting = XF_COMPONENT_IDLE,
    .run = run,
    .log = log_move,
    .moved = stop_timer,
    .missing = stay,
    .check = check,
};

static const char *state_name(const struct xf_component_stream *stream)
{
    return state_names[stream->state];
}

static void fire(struct xf_component_stream *stream, enum xf_component_stream_event event)
{
    xf_machine_fire(&xf_component_stream_machine, stream, event);
}

/* ------------------------------------------------------------------ time */

static void give_up(struct xf_component_stream *stream, const char *reason)
{
    stream->reason = reason;
    xf_stream_abort(&stream->xmpp);
}

static void on_timer(void *owner)
{
    struct xf_component_stream *stream = owner;
    if (stream->state != XF_COMPONENT_WAITING)
        give_up(stream, "timeout");
    else
        fire(stream, stream->is_wanted ? XF_COMPONENT_ON_WANT : XF_COMPONENT_ON_OVER);
}

static bool is_stuck(struct xf_component_stream *stream)
{
    uint64_t now_ms = stream->env->clock->now_ms;
    uint64_t moved_bytes = stream->written_bytes - xf_conn_backlog(stream->xmpp.conn);
    if (!stream->is_congested || moved_bytes > stream->moved_bytes) {
        stream->moved_bytes = moved_bytes;
        stream->moved_ms = now_ms;
    }
    return now_ms - stream->moved_ms >= STUCK_MS;
}

static void on_pulse(void *owner)
{
    struct xf_component_stream *stream = owner;
    if (is_stuck(stream)) {
        give_up(stream, "stuck");
        return;
    }
    uint64_t silent_ms = stream->env->clock->now_ms - stream->sent_ms;
    if (!stream->is_congested && stream->settings->ping_ms &&
        silent_ms >= stream->settings->ping_ms) {
        xf_stream_send(&stream->xmpp, " ");
        stream->written_bytes++;
        stream->sent_ms = stream->env->clock->now_ms;
    }
    arm_pulse(stream);
}

/* ------------------------------------------------------------------ for the link */

void xf_component_stream_init(struct xf_component_stream *stream, struct xf_env *env,
                              const struct xf_link_settings *settings, struct xf_span name,
                              const struct xf_component_stream_events *events, void *owner)
{
    *stream = (struct xf_component_stream){
        .env = env,
        .settings = settings,
        .events = events,
        .owner = owner,
        .name = xf_span_dup(name),
        .backoff_ms = BACKOFF_MIN_MS,
    };
    xf_timer_init(&stream->timer, on_timer, stream);
    xf_timer_init(&stream->pulse, on_pulse, stream);
}

void xf_component_stream_nodes(struct xf_component_stream *stream, const struct xf_addr *addrs,
                               size_t count, size_t first)
{
    stream->addrs = addrs;
    stream->addr_count = count;
    stream->addr_at = first % count;
}

void xf_component_stream_fini(struct xf_component_stream *stream)
{
    xf_require(stream->state == XF_COMPONENT_IDLE);
    xf_free(stream->name);
    stream->name = NULL;
}

void xf_component_stream_start(struct xf_component_stream *stream)
{
    stream->is_wanted = true;
    if (stream->state == XF_COMPONENT_IDLE)
        fire(stream, XF_COMPONENT_ON_WANT);
}

bool xf_component_stream_stop(struct xf_component_stream *stream, const char *reason)
{
    stream->is_wanted = false;
    if (stream->state == XF_COMPONENT_IDLE)
        return false;
    if (stream->state == XF_COMPONENT_WAITING) {
        xf_timer_start(stream->env->timers, &stream->timer, 0);
        return true;
    }
    if (!stream->reason)
        stream->reason = reason;
    xf_stream_close(&stream->xmpp);
    return true;
}

enum xf_err xf_component_stream_send(struct xf_component_stream *stream,
                                     const struct xf_stanza *stanza)
{
    if (stream->state != XF_COMPONENT_UP)
        return XF_ERR_CLOSED;
    struct xf_conn *conn = stream->xmpp.conn;
    size_t before = conn->out.len;
    enum xf_err err = xf_stream_send_stanza(&stream->xmpp, stanza);
    if (err != XF_ERR_OK)
        return err;
    stream->written_bytes += conn->out.len - before;
    stream->sent_ms = stream->env->clock->now_ms;
    if (!stream->is_congested && xf_conn_is_congested(conn)) {
        stream->is_congested = true;
        stream->moved_ms = stream->sent_ms;
        stream->moved_bytes = stream->written_bytes - xf_conn_backlog(conn);
        arm_pulse(stream);
    }
    return XF_ERR_OK;
}

void xf_component_stream_pause(struct xf_component_stream *stream, bool paused)
{
    stream->is_paused = paused;
    if (stream->state == XF_COMPONENT_UP)
        xf_stream_pause(&stream->xmpp, paused);
}
