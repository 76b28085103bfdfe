/* SPDX-License-Identifier: MIT */
/*
 * flow.c — one conn with SIP on it: bytes in, whole messages out.
 *
 *   - What is read waits in flow->in until a message is whole. It must be so in element-timeout
 *     from its first byte on, and within the limits of xf_sip_frame; else the conn ends.
 *   - CRLFs between messages are pings and pongs (keep_alive.c). We send pings on conns of ours.
 *   - While the peer does not read our answers, too many of its requests are open, or the owner is
 *     full, nothing more is read and handled: the peer's TCP waits. Output that nobody reads ends
 *     the conn after a while.
 *   - A conn without messages and without open transactions ends after idle-timeout.
 */
#include <xfed/base/alloc.h>

#include "flow_priv.h"
#include "hop_priv.h"

#define TICK_MS 5000

#define PING "\r\n\r\n"
#define PONG "\r\n"

static void fire(struct xf_flow *flow, enum xf_flow_event event)
{
    xf_machine_fire(&xf_flow_machine, flow, event);
}

struct xf_ua_party xf_flow_party(const struct xf_flow *flow)
{
    return (struct xf_ua_party){
        .addr = &flow->addr,
        .tls = flow->conn ? flow->conn->tls : NULL,
        .peer = flow->peer,
        .target = flow->target,
    };
}

/* ------------------------------------------------------------------ the end */

static void give_places(struct xf_flow *flow)
{
    xf_quota_give(&flow->ua->half_open, &flow->half_place);
    xf_quota_give(flow->is_outgoing ? &flow->ua->own_conns : &flow->ua->conns, &flow->place);
}

void xf_flow_leave(struct xf_flow *flow)
{
    xf_timer_stop(&flow->due);
    xf_timer_stop(&flow->tick);
    xf_timer_stop(&flow->room);
    xf_rates_leave(&flow->rate);
    give_places(flow);
    xf_few_leave(&flow->ua->rechecks, &flow->recheck);
    xf_timer_start(flow->ua->env->timers, &flow->after, 0);
    flow->ua->flow_events->left(flow);
}

void xf_flow_end(struct xf_flow *flow, const struct xf_ua_fault *fault, enum xf_ua_cause cause,
                 unsigned linger_ms)
{
    if (flow->state == XF_FLOW_ENDING)
        return;
    if (fault)
        flow->fault = *fault;
    flow->cause = cause;
    xf_conn_close(flow->conn, linger_ms);
    fire(flow, XF_FLOW_ON_END);
}

static void on_after(void *owner)
{
    struct xf_flow *flow = owner;
    flow->ua->flow_events->ended(flow);
}

static void free_flow(struct xf_flow *flow)
{
    xf_timer_stop(&flow->after);
    on_after(flow);
    xf_list_remove(&flow->node);
    xf_buf_release(&flow->in);
    xf_free(flow->peer);
    xf_free(flow->target);
    xf_free(flow->caller);
    xf_free(flow);
}

static enum xf_ua_cause cause_of(const struct xf_flow *flow, enum xf_conn_end end)
{
    if (flow->open_ms)
        return XF_UA_CAUSE_LOST;
    return xf_conn_end_is_tls(end) ? XF_UA_CAUSE_TLS : XF_UA_CAUSE_CONNECT;
}

static void on_closed(void *owner, enum xf_conn_end end, const char *detail)
{
    struct xf_flow *flow = owner;
    if (flow->state == XF_FLOW_SECURING)
        xf_ua_count_handshake(flow, false);
    flow->conn = NULL;
    if (!flow->fault.reason)
        flow->fault.help = xf_ua_help(end);
    if (flow->state != XF_FLOW_ENDING) {
        flow->cause = cause_of(flow, end);
        if (!flow->open_ms)
            flow->ua->flow_events->failed(flow, flow->cause, detail);
        fire(flow, XF_FLOW_ON_END);
    }
    xf_flow_log_end(flow, end, detail);
    if (!flow->fault.text && xf_conn_end_is_tls(end))
        flow->fault.text = detail; /* lives as long as the flow from here on */
    free_flow(flow);
}

/* ------------------------------------------------------------------ output */

void xf_flow_written(struct xf_flow *flow)
{
    flow->used_ms = flow->ua->env->clock->now_ms;
    xf_conn_flush_soon(flow->conn);
    if (flow->is_congested || !xf_conn_is_congested(flow->conn))
        return;
    flow->is_congested = true;
    flow->congested_ms = flow->used_ms;
    xf_timer_stop(&flow->due);
    xf_conn_pause(flow->conn, true);
}

bool xf_flow_write(struct xf_flow *flow, struct xf_span bytes)
{
    static const struct xf_ua_fault fault = {"unread", "it does not read what we send",
                                             XF_HELP_NONE};
    if (xf_buf_try_append(&flow->conn->out, bytes.ptr, bytes.len) != XF_ERR_OK) {
        xf_flow_end(flow, &fault, XF_UA_CAUSE_LOST, 0);
        return false;
    }
    xf_flow_written(flow);
    return true;
}

/* ------------------------------------------------------------------ time */

/* Pings and pongs do not count as use: else no conn with pings would ever be idle. */
static void write_crlfs(struct xf_flow *flow, struct xf_span crlfs)
{
    uint64_t used_ms = flow->used_ms;
    (void)xf_flow_write(flow, crlfs);
    flow->used_ms = used_ms;
}

static void check_alive(struct xf_flow *flow, uint64_t now_ms)
{
    static const struct xf_ua_fault fault = {"no-pong", "it does not answer pings any more",
                                             XF_HELP_NONE};
    if (xf_flow_is_paused(flow)) { /* a pong would not be read: the time for it begins later */
        flow->alive.pinged_ms = now_ms;
        return;
    }
    enum xf_keep_alive_due due =
        xf_keep_alive_tick(&flow->alive, now_ms, flow->heard_ms, flow->ua->settings.ping_ms);
    if (due == XF_KEEP_ALIVE_DEAD)
        xf_flow_end(flow, &fault, XF_UA_CAUSE_LOST, 0);
    else if (due == XF_KEEP_ALIVE_PING)
        write_crlfs(flow, XF_SPAN(PING));
}

static void check_use(struct xf_flow *flow, uint64_t now_ms)
{
    static const struct xf_ua_fault unread = {"unread", "it does not read what we send",
                                              XF_HELP_NONE};
    static const struct xf_ua_fault idle = {"idle", "it was not used", XF_HELP_NONE};
    const struct xf_ua_settings *settings = &flow->ua->settings;
    if (flow->is_congested && now_ms - flow->congested_ms >= settings->element_ms)
        xf_flow_end(flow, &unread, XF_UA_CAUSE_LOST, 0);
    else if (xf_flow_is_unused(flow) && now_ms - flow->used_ms >= settings->idle_ms)
        xf_flow_end(flow, &idle, XF_UA_CAUSE_LOST, XF_FLOW_LINGER_MS);
}

static void on_tick(void *owner)
{
    struct xf_flow *flow = owner;
    uint64_t now_ms = flow->ua->env->clock->now_ms;
    check_use(flow, now_ms);
    if (xf_flow_is_open(flow) && flow->is_outgoing)
        check_alive(flow, now_ms);
    if (xf_flow_is_open(flow))
        xf_timer_start(flow->ua->env->timers, &flow->tick, TICK_MS);
}

void xf_flow_check_idle(struct xf_flow *flow)
{
    static const struct xf_ua_fault over = {"drain", "we stop", XF_HELP_NONE};
    if (!xf_flow_is_open(flow) || xf_flow_is_unused(flow))
        xf_flow_end(flow, &over, XF_UA_CAUSE_SHUTDOWN, XF_FLOW_LINGER_MS);
}

/* ------------------------------------------------------------------ input */

static void take_message(struct xf_flow *flow, const struct xf_sip_frame *frame)
{
    struct xf_ua *ua = flow->ua;
    struct xf_sip_error error = {0};
    char *bytes = flow->in.data + flow->in.start;
    flow->alive.has_odd = false;
    flow->used_ms = ua->env->clock->now_ms;
    if (xf_sip_parse(bytes, frame->len, &ua->limits, &ua->message, &error) != XF_ERR_OK) {
        ua->counts.malformed++;
        xf_flow_log_malformed(flow, error.status, error.text);
        if (error.can_answer)
            ua->flow_events->malformed(flow, &ua->message, error.status);
        xf_flow_count_nameless(flow);
    } else if (ua->message.is_request) {
        ua->flow_events->request(flow, &ua->message);
    } else {
        ua->flow_events->answer(flow, &ua->message);
    }
}

/* Where a message cannot be delimited, what comes behind it cannot be understood. */
static void take_garbage(struct xf_flow *flow, const struct xf_sip_frame *frame)
{
    struct xf_ua *ua = flow->ua;
    struct xf_sip_error error = {0};
    const struct xf_ua_fault fault = {"framing", frame->text, XF_HELP_SIP_GARBAGE};
    ua->counts.malformed++;
    xf_flow_log_malformed(flow, frame->status, frame->text);
    if (frame->status) {
        bool is_good = xf_sip_parse(flow->in.data + flow->in.start, frame->head_len, &ua->limits,
                                    &ua->message, &error) == XF_ERR_OK;
        if (ua->message.is_request && ua->message.method != XF_SIP_ACK &&
            (is_good || error.can_answer))
            ua->flow_events->malformed(flow, &ua->message, frame->status);
    }
    if (xf_flow_is_open(flow))
        xf_flow_end(flow, &fault, XF_UA_CAUSE_LOST, XF_FLOW_LINGER_MS);
}

/* False: there is no whole message. */
static bool read_one(struct xf_flow *flow)
{
    struct xf_sip_frame frame;
    xf_sip_frame(&flow->framer, xf_buf_ptr(&flow->in), flow->in.len, &flow->ua->limits, &frame);
    switch (frame.kind) {
    case XF_SIP_FRAME_MORE:
        return false;
    case XF_SIP_FRAME_CRLF:
        for (size_t n = xf_keep_alive_crlfs(&flow->alive, frame.crlf_count); n > 0; n--)
            if (xf_flow_is_open(flow))
                write_crlfs(flow, XF_SPAN(PONG));
        break;
    case XF_SIP_FRAME_MESSAGE:
        take_message(flow, &frame);
        xf_timer_stop(&flow->due);
        break;
    case XF_SIP_FRAME_ERROR:
        take_garbage(flow, &frame);
        return false;
    }
    xf_buf_consume(&flow->in, frame.len);
    return true;
}

/* Handle what was read, unless that happens further up the stack already. */
static void read_on(struct xf_flow *flow)
{
    bool is_more = true;
    if (flow->is_reading)
        return;
    flow->is_reading = true;
    while (is_more && xf_flow_is_open(flow) && !xf_flow_is_paused(flow) && flow->in.len)
        is_more = read_one(flow);
    flow->is_reading = false;
    if (!xf_flow_is_open(flow))
        return;
    xf_conn_pause(flow->conn, xf_flow_is_paused(flow));
    if (xf_flow_is_paused(flow) || flow->in.len == 0)
        xf_timer_stop(&flow->due);
    else if (!xf_timer_is_running(&flow->due))
        xf_timer_start(flow->ua->env->timers, &flow->due, flow->ua->settings.element_ms);
}

static void on_data(void *owner, const char *bytes, size_t len)
{
    static const struct xf_ua_fault fault = {"flood", "it sends more than we read", XF_HELP_NONE};
    struct xf_flow *flow = owner;
    if (flow->state == XF_FLOW_ENDING)
        return;
    flow->heard_ms = flow->ua->env->clock->now_ms;
    if (xf_buf_try_append(&flow->in, bytes, len) != XF_ERR_OK) {
        xf_flow_end(flow, &fault, XF_UA_CAUSE_LOST, 0);
        return;
    }
    read_on(flow);
}

static void on_drained(void *owner)
{
    struct xf_flow *flow = owner;
    if (flow->state == XF_FLOW_ENDING)
        return;
    flow->is_congested = false;
    read_on(flow);
    if (xf_flow_is_open(flow))
        flow->ua->flow_events->room(flow);
}

static void on_rate(struct xf_rate_waiter *waiter)
{
    struct xf_flow *flow = XF_CONTAINER(waiter, struct xf_flow, rate);
    flow->is_held = false;
    read_on(flow);
}

void xf_flow_count_rate(struct xf_flow *flow, struct xf_span peer, size_t bytes)
{
    struct xf_rates *rates = &flow->ua->rates;
    if (xf_flow_is_open(flow))
        flow->is_held = rates->is_on && !xf_rates_take(rates, peer, bytes, &flow->rate);
}

void xf_flow_count_nameless(struct xf_flow *flow)
{
    if (xf_flow_is_open(flow))
        flow->is_held =
            !xf_rates_take(&flow->ua->nameless, xf_span_of(flow->network), 0, &flow->rate);
}

void xf_flow_resume(struct xf_flow *flow)
{
    flow->is_full = false;
    read_on(flow);
}

void xf_flow_set_unproved(struct xf_flow *flow, bool is_unproved)
{
    if (flow->is_unproved == is_unproved)
        return;
    flow->is_unproved = is_unproved;
    read_on(flow);
    if (!is_unproved && xf_flow_is_open(flow))
        flow->ua->flow_events->room(flow);
}

/*
 * All open requests end soon, and each of them makes room for the next. Not so an INVITE: it may
 * need what comes behind it, a CANCEL or the ACK.
 */
void xf_flow_server_begun(struct xf_flow *flow, bool is_invite)
{
    flow->server_count++;
    flow->invite_count += is_invite;
    flow->is_crowded =
        flow->server_count >= flow->ua->settings.requests_per_conn && flow->invite_count == 0;
}

static void on_room(void *owner)
{
    read_on(owner);
}

void xf_flow_server_over(struct xf_flow *flow, bool is_invite)
{
    flow->server_count--;
    flow->invite_count -= is_invite;
    if (flow->is_crowded && xf_flow_is_open(flow)) /* later: the caller may be in one's events */
        xf_timer_start(flow->ua->env->timers, &flow->room, 0);
    flow->is_crowded = false;
    if (flow->ua->is_draining)
        xf_flow_check_idle(flow);
}

/* ------------------------------------------------------------------ up */

void xf_flow_become_open(struct xf_flow *flow)
{
    struct xf_ua *ua = flow->ua;
    flow->open_ms = flow->used_ms = flow->heard_ms = ua->env->clock->now_ms;
    xf_timer_stop(&flow->due);
    xf_timer_start(ua->env->timers, &flow->tick, TICK_MS);
    xf_flow_log_up(flow);
    ua->flow_events->up(flow);
    read_on(flow);
}

void xf_flow_start_tls(struct xf_flow *flow)
{
    struct xf_ua *ua = flow->ua;
    struct xf_tls_request request = {
        .identities = ua->identities,
        .local = xf_span_of(ua->settings.host),
        .is_server = !flow->is_outgoing,
        .min_version = XF_TLS_1_2,
        .demands_certificate = !flow->is_outgoing,
        .judge_later = !flow->is_outgoing,
    };
    if (flow->is_outgoing)
        ua->flow_events->secures(flow, &request);
    flow->judged_by = ua->generation;
    xf_timer_start(ua->env->timers, &flow->due, ua->settings.handshake_ms);
    ua->env->start_tls(ua->env, flow->conn, &request);
}

static void on_connected(void *owner)
{
    struct xf_flow *flow = owner;
    if (flow->state != XF_FLOW_CONNECTING)
        return;
    if (flow->is_clear)
        xf_flow_admit(flow);
    else
        fire(flow, XF_FLOW_ON_SECURE);
}

static void on_secured(void *owner)
{
    struct xf_flow *flow = owner;
    if (flow->state != XF_FLOW_SECURING)
        return;
    xf_ua_count_handshake(flow, true);
    if (flow->is_outgoing && flow->judged_by == flow->ua->generation)
        xf_flow_admit(flow);
    else
        fire(flow, XF_FLOW_ON_JUDGE);
}

/* The handshake, or a message that has begun, took too long. */
static void on_due(void *owner)
{
    static const struct xf_ua_fault message = {"slow-message", "a message took too long to arrive",
                                               XF_HELP_NONE};
    static const struct xf_ua_fault handshake = {"handshake", "TLS took too long",
                                                 XF_HELP_SIP_SILENT};
    struct xf_flow *flow = owner;
    if (flow->state == XF_FLOW_SECURING)
        xf_ua_count_handshake(flow, false);
    if (!flow->open_ms) {
        flow->fault = handshake;
        flow->ua->flow_events->failed(flow, XF_UA_CAUSE_TLS, handshake.text);
    }
    xf_flow_end(flow, flow->open_ms ? &message : &handshake,
                flow->open_ms ? XF_UA_CAUSE_LOST : XF_UA_CAUSE_TLS, 0);
}

static const struct xf_conn_events conn_events = {
    .connected = on_connected,
    .secured = on_secured,
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

static struct xf_flow *new_flow(struct xf_ua *ua, const struct xf_addr *addr, bool is_clear)
{
    struct xf_flow *flow = xf_new(struct xf_flow);
    flow->ua = ua;
    flow->number = ++ua->last_number;
    flow->addr = *addr;
    flow->is_clear = is_clear;
    xf_addr_host_text(addr, flow->host);
    xf_addr_network_text(addr, flow->network);
    xf_buf_init(&flow->in, ua->limits.message_bytes + XF_FLOW_SPARE_BYTES);
    xf_list_init(&flow->clients);
    xf_list_init(&flow->servers);
    flow->rate.go_on = on_rate;
    xf_timer_init(&flow->due, on_due, flow);
    xf_timer_init(&flow->tick, on_tick, flow);
    xf_timer_init(&flow->after, on_after, flow);
    xf_timer_init(&flow->room, on_room, flow);
    xf_list_push(&ua->flows, &flow->node);
    return flow;
}

void xf_flow_accept(struct xf_ua *ua, struct xf_conn *conn, bool is_clear)
{
    static const struct xf_ua_fault no_place = {"no-place", "too many connections",
                                                XF_HELP_NO_PLACE};
    struct xf_flow *flow = new_flow(ua, &conn->addr, is_clear);
    flow->conn = conn;
    conn->events = &conn_events;
    conn->owner = flow;
    if (ua->is_draining || !xf_flow_take_half_place(flow)) {
        flow->is_told = true;
        xf_flow_end(flow, &no_place, XF_UA_CAUSE_BUSY, 0);
    } else if (is_clear) {
        xf_flow_admit(flow);
    } else {
        fire(flow, XF_FLOW_ON_SECURE);
    }
}

struct xf_flow *xf_flow_connect(struct xf_hop *hop, const struct xf_candidate *candidate,
                                const struct xf_source *source, unsigned timeout_ms)
{
    struct xf_ua *ua = hop->ua;
    struct xf_flow *flow = new_flow(ua, &candidate->addr, hop->how.is_clear);
    flow->is_outgoing = true;
    flow->hop = hop;
    flow->peer = xf_strdup(hop->name);
    flow->target = xf_strdup(candidate->target);
    xf_flow_enter_own_place(flow);
    flow->conn =
        ua->env->connect(ua->env, &candidate->addr, source, timeout_ms, &conn_events, flow);
    fire(flow, XF_FLOW_ON_CONNECT);
    return flow;
}
