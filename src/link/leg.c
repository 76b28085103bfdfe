/* SPDX-License-Identifier: MIT */
/*
 * leg.c — the life of one leg: connect, let the driver negotiate, keep alive, end, come back.
 *
 * The table `rows` is the state machine (xfed/base/machine.h). Whichever side ends the stream, the
 * `ending` event moves the leg to ENDING and the `closed` event to WAITING or IDLE. The next try
 * follows after 200 ms. The wait doubles at each failure, with jitter, and is 200 ms again once a
 * stream was up for STEADY_MS. A server that cannot be reached is tried every second: that costs
 * little, and its users wait for us from the moment it is back. A server that answers with a stream
 * error is tried less and less often, down to every 10 s. `conflict` means that another component
 * uses our name. With short waits the two would throw each other out again and again, so we wait
 * the longest time at once.
 *
 * We send white space after a silence, so that TCP notices a dead connection. If the server takes
 * none of the waiting bytes for STUCK_MS, we give the stream up. Behind stanzas go pings
 * (leg_ping.c).
 */
#include "leg_priv.h"

#include <limits.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/list.h>

#define BACKOFF_MIN_MS 200
#define AWAY_MAX_MS    750   /* less than a second, jitter included */
#define BACKOFF_MAX_MS 10000 /* after a stream error of the server */
#define STEADY_MS      10000 /* once up for so long, the next loss begins with the shortest wait */
#define CONNECT_MS     5000
#define ANSWER_MS      10000 /* for the server's header, and for its reply to the handshake */
#define STUCK_MS       30000
#define STUCK_LOOK_MS  5000
/* a stream that ends so long after our last stanza does not end over it */
#define BLAME_MS       5000
#define START_ELEMENTS 16 /* before UP; a router with TLS sends a dozen headers and elements */

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

static void fire(struct xf_leg *leg, enum xf_leg_event event);
static const char *state_name(const struct xf_leg *leg);

static struct xf_leg *leg_of(struct xf_stream *stream)
{
    return XF_CONTAINER(stream, struct xf_leg, stream);
}

static void node_text(const struct xf_leg *leg, char out[XF_ADDR_TEXT_BYTES])
{
    xf_addr_text(&leg->addrs[leg->addr_at], out);
}

/* ---------------------------------------------------------------- the end of a stream, in words */

/* clang-format off */
static const struct xf_leg_ending lost[] = {
    [XF_CONN_END_LOCAL]       = {"closed",           XF_HELP_NONE, NULL},
    [XF_CONN_END_EOF]         = {"closed-by-server", XF_HELP_LINK_CLOSED, NULL},
    [XF_CONN_END_RESET]       = {"reset",            XF_HELP_LINK_CLOSED, NULL},
    [XF_CONN_END_REFUSED]     = {"refused",          XF_HELP_LINK_REFUSED, NULL},
    [XF_CONN_END_UNREACHABLE] = {"refused",          XF_HELP_LINK_REFUSED, NULL},
    [XF_CONN_END_SOURCE]      = {"refused",          XF_HELP_LINK_REFUSED, NULL},
    [XF_CONN_END_TIMEOUT]     = {"timeout",          XF_HELP_LINK_SILENT, NULL},
    [XF_CONN_END_TLS]         = {"tls",              XF_HELP_LINK_TLS, NULL},
    [XF_CONN_END_TLS_ALIEN]   = {"tls",              XF_HELP_LINK_TLS, NULL},
    [XF_CONN_END_TLS_VERSION] = {"tls",              XF_HELP_LINK_TLS, NULL},
    [XF_CONN_END_TLS_REFUSED] = {"tls",              XF_HELP_LINK_TLS, NULL},
};
/* clang-format on */

static struct xf_leg_ending ending_of(const struct xf_leg *leg, enum xf_stream_end end)
{
    const struct xf_stream *stream = &leg->stream;
    if (leg->guess.reason && end != XF_STREAM_END_PEER_ERROR)
        return leg->guess;
    if (leg->ending.reason)
        return leg->ending;
    if (end == XF_STREAM_END_LOST && leg->was_up && xf_conn_end_is_tls(stream->conn_end))
        return (struct xf_leg_ending){"tls", XF_HELP_LINK_CLOSED, NULL};
    if (end == XF_STREAM_END_LOST)
        return lost[stream->conn_end];
    if (end == XF_STREAM_END_POLITE)
        return (struct xf_leg_ending){"closed-by-server", XF_HELP_LINK_CLOSED, NULL};
    if (end == XF_STREAM_END_OUR_ERROR)
        return (struct xf_leg_ending){xf_stream_error_name(stream->our_error),
                                      leg->was_up ? stream->our_help : XF_HELP_LINK_WRONG_PORT,
                                      *stream->our_text ? stream->our_text : NULL};
    for (size_t i = 0; i < leg->driver->error_count; i++) {
        if (leg->driver->errors[i].error == stream->peer_error)
            return leg->driver->errors[i].ending;
    }
    return (struct xf_leg_ending){xf_stream_error_name(stream->peer_error), XF_HELP_LINK_CLOSED,
                                  NULL};
}

/* Errors over which a server ends a stream whatever was sent. */
static bool is_innocent(enum xf_stream_error error)
{
    return error == XF_STREAM_ERROR_SYSTEM_SHUTDOWN || error == XF_STREAM_ERROR_CONFLICT ||
           error == XF_STREAM_ERROR_CONNECTION_TIMEOUT || error == XF_STREAM_ERROR_RESET ||
           error == XF_STREAM_ERROR_RESOURCE_CONSTRAINT || error == XF_STREAM_ERROR_HOST_GONE ||
           error == XF_STREAM_ERROR_NOT_AUTHORIZED || error == XF_STREAM_ERROR_SEE_OTHER_HOST;
}

static enum xf_leg_blame blame_of(const struct xf_leg *leg, enum xf_stream_end end)
{
    enum xf_conn_end how = leg->stream.conn_end;
    if (leg->ending.reason || leg->env->clock->now_ms - leg->sent_ms > BLAME_MS)
        return XF_LEG_BLAME_NONE;
    if (end == XF_STREAM_END_PEER_ERROR)
        return is_innocent(leg->stream.peer_error) ? XF_LEG_BLAME_NONE : XF_LEG_BLAME_CERTAIN;
    if (end == XF_STREAM_END_LOST && (how == XF_CONN_END_RESET || how == XF_CONN_END_EOF))
        return XF_LEG_BLAME_POSSIBLE;
    return XF_LEG_BLAME_NONE;
}

static void log_end(struct xf_leg *leg, enum xf_stream_end end, const char *detail)
{
    struct xf_leg_ending ending = ending_of(leg, end);
    char node[XF_ADDR_TEXT_BYTES];
    uint64_t took_ms = leg->env->clock->now_ms - leg->began_ms;
    node_text(leg, node);
    if (ending.detail)
        detail = ending.detail;
    if (end == XF_STREAM_END_PEER_ERROR && leg->stream.peer_text[0])
        detail = leg->stream.peer_text;
    if (leg->was_up) {
        enum xf_log_level level = leg->is_wanted ? XF_LOG_WARN : XF_LOG_INFO;
        xf_log(level, "link.stream.down", XF_STR("link", leg->settings->title),
               XF_STR("node", node), XF_STR("name", leg->name), XF_WORD("reason", ending.reason),
               XF_STR("detail", detail), XF_HELP(ending.help), XF_INT("ms", took_ms));
    } else { /* a failure that repeats is a warning only once */
        bool is_new =
            leg->is_wanted && (!leg->last_reason || strcmp(leg->last_reason, ending.reason) != 0);
        enum xf_log_level level = is_new ? XF_LOG_WARN : XF_LOG_DEBUG;
        xf_log(level, "link.stream.failed", XF_STR("link", leg->settings->title),
               XF_STR("node", node), XF_STR("name", leg->name), XF_WORD("reason", ending.reason),
               XF_STR("detail", detail), XF_HELP(ending.help), XF_INT("ms", took_ms));
    }
    leg->last_reason = leg->was_up ? NULL : ending.reason;
    leg->last_end = ending.reason;
    leg->last_help = ending.help;
    leg->blame = blame_of(leg, end);
}

/* ------------------------------------------------------------------ events of the stream */

static void on_header(struct xf_stream *stream, const struct xf_header *header)
{
    struct xf_leg *leg = leg_of(stream);
    if (leg->state == XF_LEG_NEGOTIATING)
        leg->driver->header(leg, header);
}

static void on_element(struct xf_stream *stream, const struct xf_elem *elem)
{
    struct xf_leg *leg = leg_of(stream);
    if (!leg->driver->element(leg, elem))
        xf_log(XF_LOG_DEBUG, "link.element.ignored", XF_STR("link", leg->settings->title),
               XF_SPN("element", elem->name), XF_WORD("state", state_name(leg)));
}

static void on_stanza(struct xf_stream *stream, struct xf_stanza *stanza)
{
    struct xf_leg *leg = leg_of(stream);
    if (!leg->was_up || (leg->driver->stanza && !leg->driver->stanza(leg, stanza)) ||
        xf_leg_takes_answer(leg, stanza))
        return;
    leg->events->stanza(leg->owner, leg, stanza); /* also in ENDING, until the server's footer */
}

static bool is_good_certificate(struct xf_leg *leg)
{
    const struct xf_tls_facts *facts = leg->stream.conn->tls;
    const char *name = leg->settings->tls_name;
    if (!*leg->settings->ca_file)
        return true;
    if (facts->chain != XF_CERT_TRUSTED || facts->revocation == XF_CERT_REVOKED)
        xf_leg_refuse(leg, "bad-certificate", XF_HELP_LINK_CERTIFICATE,
                      "the server's certificate does not come from link { ca-file }");
    else if (*name && !xf_tls_facts_name(facts, xf_span_of(name)))
        xf_leg_refuse(leg, "wrong-certificate", XF_HELP_LINK_CERTIFICATE,
                      "the server's certificate does not have the name in link { tls-name }");
    else
        return true;
    return false;
}

static void on_secured(struct xf_stream *stream)
{
    struct xf_leg *leg = leg_of(stream);
    if (leg->state == XF_LEG_NEGOTIATING && is_good_certificate(leg))
        leg->driver->secured(leg);
}

static void on_connected(struct xf_stream *stream)
{
    fire(leg_of(stream), XF_LEG_ON_CONNECTED);
}

static void on_ending(struct xf_stream *stream)
{
    struct xf_leg *leg = leg_of(stream);
    if (leg->driver->ending)
        leg->driver->ending(leg);
    fire(leg, XF_LEG_ON_ENDS);
}

static void on_drained(struct xf_stream *stream)
{
    struct xf_leg *leg = leg_of(stream);
    if (leg->state != XF_LEG_UP)
        return;
    leg->is_congested = false;
    xf_leg_drained(leg);
}

static bool should_wait_long(const struct xf_leg *leg)
{
    return leg->must_wait_long || leg->stream.peer_error == XF_STREAM_ERROR_CONFLICT;
}

static void on_closed(struct xf_stream *stream, enum xf_stream_end end, const char *detail)
{
    struct xf_leg *leg = leg_of(stream);
    log_end(leg, end, detail);
    if (leg->was_up && leg->env->clock->now_ms - leg->began_ms >= STEADY_MS)
        leg->backoff_ms = BACKOFF_MIN_MS;
    if (should_wait_long(leg))
        leg->backoff_ms = BACKOFF_MAX_MS;
    if (leg->was_up) {
        xf_leg_end_proof(leg);
        leg->events->closed(leg->owner, leg);
    }
    xf_stream_fini(stream);
    leg->addr_at = (leg->addr_at + 1) % leg->addr_count;
    fire(leg, leg->is_wanted ? XF_LEG_ON_LOST : XF_LEG_ON_OVER);
}

static const struct xf_stream_events stream_events = {
    .header = on_header,
    .stanza = on_stanza,
    .element = on_element,
    .connected = on_connected,
    .secured = on_secured,
    .drained = on_drained,
    .ending = on_ending,
    .closed = on_closed,
};

/* ------------------------------------------------------------------ actions */

static void dial(struct xf_leg *leg)
{
    leg->ending = leg->guess = (struct xf_leg_ending){0};
    leg->was_up = leg->is_congested = leg->is_full = false;
    leg->is_refused = leg->must_wait_long = false;
    leg->began_ms = leg->env->clock->now_ms;
    xf_stream_init(&leg->stream, leg->env, leg->driver->content_ns, &start_limits, START_ELEMENTS,
                   &stream_events);
    if (leg->driver->wrapper)
        xf_stream_unwrap(&leg->stream, leg->driver->wrapper);
    xf_stream_attach(&leg->stream,
                     leg->env->connect(leg->env, &leg->addrs[leg->addr_at], NULL, CONNECT_MS,
                                       &xf_stream_conn_events, &leg->stream));
}

static void negotiate(struct xf_leg *leg)
{
    leg->driver->connected(leg);
}

static void arm_pulse(struct xf_leg *leg)
{
    uint64_t silent_ms = leg->env->clock->now_ms - leg->sent_ms;
    uint64_t ping_ms = leg->settings->ping_ms;
    uint64_t wait_ms = silent_ms < ping_ms ? ping_ms - silent_ms : ping_ms;
    if (leg->is_congested && (!ping_ms || wait_ms > STUCK_LOOK_MS))
        wait_ms = STUCK_LOOK_MS;
    if (wait_ms == 0) /* no keep-alive wanted */
        return;
    xf_timer_start(leg->env->timers, &leg->pulse, wait_ms);
}

static void come_up(struct xf_leg *leg)
{
    uint64_t now_ms = leg->env->clock->now_ms;
    char node[XF_ADDR_TEXT_BYTES];
    node_text(leg, node);
    xf_log(XF_LOG_INFO, "link.stream.up", XF_STR("link", leg->settings->title),
           XF_STR("node", node), XF_STR("name", leg->name), XF_INT("ms", now_ms - leg->began_ms));
    xf_stream_relax(&leg->stream, &trusted_limits);
    leg->was_up = true;
    leg->began_ms = leg->sent_ms = leg->moved_ms = now_ms;
    leg->moved_bytes = xf_stream_left(&leg->stream);
    leg->last_reason = NULL;
    xf_leg_begin_proof(leg);
    xf_stream_pause(&leg->stream, leg->is_paused);
    arm_pulse(leg);
    if (leg->is_leaving)
        leg->driver->leave(leg);
    leg->events->up(leg->owner, leg);
}

static void go_down(struct xf_leg *leg)
{
    xf_timer_stop(&leg->pulse);
    xf_timer_stop(&leg->doubt);
    leg->is_congested = leg->is_full = false;
    leg->events->down(leg->owner, leg);
}

static void plan_retry(struct xf_leg *leg)
{
    bool is_refused = leg->stream.peer_error || leg->is_refused;
    uint64_t max_ms = is_refused ? BACKOFF_MAX_MS : AWAY_MAX_MS;
    uint64_t wait_ms = leg->backoff_ms < max_ms ? leg->backoff_ms : max_ms;
    xf_timer_start(leg->env->timers, &leg->timer, xf_rand_jitter_ms(wait_ms));
    leg->backoff_ms = wait_ms < max_ms / 2 ? 2 * wait_ms : max_ms;
}

static void tell_idle(struct xf_leg *leg)
{
    leg->backoff_ms = BACKOFF_MIN_MS;
    leg->last_reason = NULL;
    leg->events->idle(leg->owner, leg);
}

/* ------------------------------------------------------------------ the machine */

/* clang-format off */
#define ROW(in, on, to, action) {XF_LEG_##in, XF_LEG_ON_##on, XF_LEG_##to, XF_MACHINE_ACTION(struct xf_leg, action)}

static const struct xf_machine_row rows[] = {
    /*  in state     on event    go to        and do */
    ROW(IDLE,        WANT,       CONNECTING,  dial),
    ROW(WAITING,     WANT,       CONNECTING,  dial),
    ROW(WAITING,     OVER,       IDLE,        tell_idle),
    ROW(CONNECTING,  CONNECTED,  NEGOTIATING, negotiate),
    ROW(NEGOTIATING, ACCEPTED,   UP,          come_up),
    ROW(CONNECTING,  ENDS,       ENDING,      NULL),
    ROW(NEGOTIATING, ENDS,       ENDING,      NULL),
    ROW(UP,          ENDS,       ENDING,      go_down),
    ROW(ENDING,      LOST,       WAITING,     plan_retry),
    ROW(ENDING,      OVER,       IDLE,        tell_idle),
};
/* clang-format on */

static const char *const state_names[] = {XF_LEG_STATE_MAP(XF_MACHINE_WORD)};
static const char *const event_names[] = {XF_LEG_EVENT_MAP(XF_MACHINE_WORD)};

XF_MACHINE_RUN(struct xf_leg)

static void log_move(const void *self, const char *from, const char *on, const char *to)
{
    const struct xf_leg *leg = self;
    xf_log(XF_LOG_DEBUG, "link.state.changed", XF_STR("link", leg->settings->title),
           XF_STR("name", leg->name), XF_WORD("from", from), XF_WORD("on", on), XF_WORD("to", to));
}

static void stop_timer(void *self)
{
    struct xf_leg *leg = self;
    xf_timer_stop(&leg->timer);
}

/* An event that has no row in this state changes nothing and is only logged. */
static void stay(void *self, unsigned event)
{
    const char *name = state_name(self);
    log_move(self, name, event_names[event], "same");
}

static void check(const void *self, bool has_acted)
{
    const struct xf_leg *leg = self;
    switch (leg->state) {
    case XF_LEG_IDLE:
        xf_require(!leg->is_wanted);
        return;
    case XF_LEG_WAITING:
        xf_require(xf_timer_is_running(&leg->timer) == has_acted);
        return;
    case XF_LEG_CONNECTING:
        xf_require(leg->addr_count > 0 && (!has_acted || (leg->stream.conn && !leg->was_up)));
        return;
    case XF_LEG_NEGOTIATING:
        xf_require(leg->stream.conn && !leg->was_up);
        xf_require(xf_timer_is_running(&leg->timer) == has_acted); /* the server's answer is due */
        return;
    case XF_LEG_UP:
        xf_require(leg->stream.conn && leg->was_up == has_acted);
        return;
    case XF_LEG_ENDING:
        xf_require(!has_acted || (!xf_timer_is_running(&leg->pulse) && !xf_leg_is_tight(leg)));
        return;
    }
}

const struct xf_machine xf_leg_machine = {
    XF_MACHINE_TABLE,
    .name = "leg",
    .state_at = offsetof(struct xf_leg, state),
    .first = XF_LEG_IDLE,
    .final = XF_MACHINE_NONE,
    .parting = XF_LEG_IDLE,
    .log = log_move,
    .moved = stop_timer,
    .missing = stay,
    .check = check,
};

static const char *state_name(const struct xf_leg *leg)
{
    return state_names[leg->state];
}

static void fire(struct xf_leg *leg, enum xf_leg_event event)
{
    xf_machine_fire(&xf_leg_machine, leg, event);
}

/* ------------------------------------------------------------------ time */

void xf_leg_give_up(struct xf_leg *leg, const char *reason, enum xf_help help, const char *detail)
{
    leg->ending = (struct xf_leg_ending){reason, help, detail};
    xf_stream_abort(&leg->stream);
}

static void on_timer(void *owner)
{
    struct xf_leg *leg = owner;
    if (leg->state != XF_LEG_WAITING)
        xf_leg_give_up(leg, "timeout", XF_HELP_LINK_SILENT, "the server did not answer in time");
    else
        fire(leg, leg->is_wanted ? XF_LEG_ON_WANT : XF_LEG_ON_OVER);
}

static bool is_stuck(struct xf_leg *leg)
{
    uint64_t now_ms = leg->env->clock->now_ms;
    uint64_t moved_bytes = xf_stream_left(&leg->stream);
    if (!leg->is_congested || moved_bytes > leg->moved_bytes) {
        leg->moved_bytes = moved_bytes;
        leg->moved_ms = now_ms;
    }
    return now_ms - leg->moved_ms >= STUCK_MS;
}

static void on_pulse(void *owner)
{
    struct xf_leg *leg = owner;
    if (is_stuck(leg)) {
        xf_leg_give_up(leg, "stuck", XF_HELP_LINK_STUCK, "the server takes nothing more");
        return;
    }
    uint64_t silent_ms = leg->env->clock->now_ms - leg->sent_ms;
    if (!leg->is_congested && leg->settings->ping_ms && silent_ms >= leg->settings->ping_ms) {
        xf_stream_send(&leg->stream, " ");
        leg->sent_ms = leg->env->clock->now_ms;
    }
    arm_pulse(leg);
}

/* ------------------------------------------------------------------ for the owner */

struct xf_leg *xf_leg_new(const struct xf_leg_driver *driver, const struct xf_leg_common *common,
                          struct xf_span name, const struct xf_leg_events *events, void *owner)
{
    struct xf_leg *leg = xf_alloc(driver->size);
    leg->env = common->env;
    leg->settings = common->settings;
    leg->common = common;
    leg->driver = driver;
    leg->events = events;
    leg->owner = owner;
    leg->name = xf_span_dup(name);
    leg->backoff_ms = BACKOFF_MIN_MS;
    xf_timer_init(&leg->timer, on_timer, leg);
    xf_timer_init(&leg->pulse, on_pulse, leg);
    xf_leg_init_drain(leg);
    xf_leg_init_ping(leg);
    if (driver->made)
        driver->made(leg);
    return leg;
}

void xf_leg_nodes(struct xf_leg *leg, const struct xf_addr *addrs, size_t count, size_t first)
{
    leg->addrs = addrs;
    leg->addr_count = count;
    leg->addr_at = first % count;
}

void xf_leg_free(struct xf_leg **leg)
{
    xf_require((*leg)->state == XF_LEG_IDLE);
    xf_timer_stop(&(*leg)->drain);
    if ((*leg)->driver->freed)
        (*leg)->driver->freed(*leg);
    xf_free((*leg)->users);
    xf_free((*leg)->name);
    xf_free(*leg);
    *leg = NULL;
}

void xf_leg_start(struct xf_leg *leg)
{
    leg->is_wanted = true;
    if (leg->state == XF_LEG_IDLE)
        fire(leg, XF_LEG_ON_WANT);
}

bool xf_leg_stop(struct xf_leg *leg, const char *reason)
{
    leg->is_wanted = leg->comes_back = false;
    if (leg->state == XF_LEG_IDLE)
        return false;
    if (leg->state == XF_LEG_WAITING) {
        xf_timer_start(leg->env->timers, &leg->timer, 0);
        return true;
    }
    if (!leg->ending.reason)
        leg->ending.reason = reason;
    xf_stream_close(&leg->stream);
    return true;
}

void xf_leg_leave(struct xf_leg *leg)
{
    if (leg->is_leaving)
        return;
    leg->is_leaving = true;
    if (leg->state == XF_LEG_UP)
        leg->driver->leave(leg);
}

void xf_leg_drained(struct xf_leg *leg)
{
    leg->events->drained(leg->owner, leg);
}

static void note_congestion(struct xf_leg *leg)
{
    if (leg->is_congested || !xf_conn_is_congested(leg->stream.conn))
        return;
    leg->is_congested = true;
    leg->moved_ms = leg->sent_ms;
    leg->moved_bytes = xf_stream_left(&leg->stream);
    arm_pulse(leg);
}

enum xf_err xf_leg_send(struct xf_leg *leg, struct xf_sender *sender,
                        const struct xf_stanza *stanza, struct xf_stanza_copy *copy)
{
    if (leg->state != XF_LEG_UP)
        return XF_ERR_CLOSED;
    size_t window = xf_leg_window(leg);
    if (xf_proof_is_full(&leg->proof, &leg->proof.sent.held, 2 * window, SIZE_MAX))
        return XF_ERR_LIMIT;
    enum xf_err err = leg->driver->send(leg, stanza);
    if (err != XF_ERR_OK)
        return err;
    leg->sent_ms = leg->env->clock->now_ms;
    leg->proof.unsure_bytes = window;
    xf_proof_sent(&leg->proof, sender, stanza, copy);
    leg->is_full = xf_proof_is_full(&leg->proof, &leg->proof.sent.held, window, SIZE_MAX);
    note_congestion(leg);
    return XF_ERR_OK;
}

void xf_leg_pause(struct xf_leg *leg, bool paused)
{
    leg->is_paused = paused;
    if (leg->state == XF_LEG_UP)
        xf_stream_pause(&leg->stream, paused);
}

/* ------------------------------------------------------------------ for the driver */

void xf_leg_await(struct xf_leg *leg)
{
    xf_timer_start(leg->env->timers, &leg->timer, ANSWER_MS);
}

void xf_leg_start_tls(struct xf_leg *leg)
{
    const struct xf_link_settings *settings = leg->settings;
    const struct xf_tls_request request = {
        .identities = leg->env->identities,
        .peer = xf_span_of(settings->tls_name),
        .min_version = XF_TLS_1_2,
        .basis = {.ca_file = settings->ca_file},
    };
    xf_leg_await(leg);
    xf_stream_start_tls(&leg->stream, &request, NULL);
}

bool xf_leg_is_secure(const struct xf_leg *leg)
{
    return leg->stream.conn && leg->stream.conn->tls;
}

void xf_leg_accept(struct xf_leg *leg)
{
    fire(leg, XF_LEG_ON_ACCEPTED);
}

void xf_leg_returned(struct xf_leg *leg, struct xf_stanza *stanza, enum xf_stanza_error error)
{
    if (stanza->kind != XF_STANZA_IQ || !xf_leg_answered(leg, stanza->raw_from, stanza->id))
        leg->events->returned(leg->owner, leg, stanza, error);
}

void xf_leg_refuse(struct xf_leg *leg, const char *reason, enum xf_help help, const char *detail)
{
    leg->ending = (struct xf_leg_ending){reason, help, detail};
    leg->is_refused = true;
    if (leg->stream.header_sent)
        xf_stream_close(&leg->stream);
    else /* within TLS, and not trusted: it hears nothing */
        xf_stream_abort(&leg->stream);
}
