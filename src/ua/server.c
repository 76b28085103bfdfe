/* SPDX-License-Identifier: MIT */
/*
 * server.c — requests of peers that passed the checks, until they are answered.
 *
 *   - While the owner's call lasts the message itself is there; for a later answer its head is
 *     kept, and read again.
 *   - 100 goes out when the owner takes its time: for INVITE after 200 ms, for others not before
 *     3.5 s (RFC 4320 section 4.1). No other answer is made up, but 408 to an INVITE after 3
 *     minutes, and 487 when it is cancelled.
 *   - A request that is repeated is dropped; where a 100 was sent, it is sent again.
 *   - An answer goes over the conn of its request; if that has ended, over another one with the
 *     same peer.
 *   - A 2xx to INVITE goes out again after 0.5 s, then doubling to 4 s, until the ACK.
 */
#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

#include "hop_priv.h"
#include "server_priv.h"

#define TRYING_INVITE_MS 200  /* RFC 3261 section 17.2.1 */
#define TRYING_MS        3500 /* T1 doubled until it would be T2 */

static void fire(struct xf_ua_server *server, enum xf_ua_server_event event)
{
    xf_machine_fire(&xf_ua_server_machine, server, event);
}

/* ------------------------------------------------------------------ the end */

static void tell(struct xf_ua_server *server, enum xf_ua_end end)
{
    void *owner = server->owner;
    server->owner = NULL;
    if (owner)
        server->events->ended(owner, end, server->ack);
}

void xf_ua_server_over(struct xf_ua_server *server)
{
    struct xf_ua *ua = server->ua;
    struct xf_flow *flow = server->flow;
    bool is_invite = server->method == XF_SIP_INVITE;
    (void)xf_map_remove(ua->servers, xf_ua_key_span(&server->key));
    if (server->merge_key.len)
        (void)xf_map_remove(ua->merges, xf_ua_key_span(&server->merge_key));
    if (server->dialog_key.len)
        (void)xf_map_remove(ua->dialogs, xf_ua_key_span(&server->dialog_key));
    xf_quota_give(&ua->requests, &server->place);
    xf_timer_stop(&server->end);
    xf_timer_stop(&server->repeat);
    xf_list_remove(&server->node);
    if (ua->handled == server)
        ua->handled = NULL;
    xf_buf_release(&server->answer);
    xf_free(server->peer);
    xf_free(server->from);
    xf_free(server->local);
    xf_free(server->head);
    xf_free(server);
    if (flow)
        xf_flow_server_over(flow, is_invite);
}

void xf_ua_server_over_acked(struct xf_ua_server *server)
{
    tell(server, XF_UA_END_ACKED);
    xf_ua_server_over(server);
}

void xf_ua_server_over_unacked(struct xf_ua_server *server)
{
    tell(server, XF_UA_END_UNACKED);
    xf_ua_server_over(server);
}

void xf_ua_server_over_late(struct xf_ua_server *server)
{
    xf_ua_count_ended(server->ua, XF_UA_IN, server->method, 0);
    tell(server, XF_UA_END_LATE);
    xf_ua_server_over(server);
}

void xf_ua_server_over_cut(struct xf_ua_server *server)
{
    tell(server, XF_UA_END_SHUTDOWN);
    xf_ua_server_over(server);
}

void xf_ua_server_flow_ended(struct xf_flow *flow)
{
    XF_LIST_EACH_SAFE (node, &flow->servers) {
        struct xf_ua_server *server = XF_CONTAINER(node, struct xf_ua_server, node);
        xf_list_remove(node);
        server->flow = NULL;
        flow->server_count--;
    }
}

void xf_ua_server_cut_all(struct xf_ua *ua)
{
    size_t cursor = 0;
    void *found;
    while (xf_map_next(ua->servers, &cursor, NULL, &found)) {
        struct xf_ua_server *server = found;
        if (server->state == XF_UA_SERVER_ASKED)
            xf_ua_count_ended(ua, XF_UA_IN, server->method, 0);
        fire(server, XF_UA_SERVER_ON_CUT);
    }
}

/* ------------------------------------------------------------------ answering */

static struct xf_flow *way_back(struct xf_ua_server *server)
{
    struct xf_flow *flow = server->flow;
    if (!flow || !xf_flow_is_open(flow))
        flow = xf_hop_any_flow(server->ua, xf_span_of(server->local), xf_span_of(server->peer));
    return flow;
}

/* The request once more; NULL: never, since it was good when it came. */
static const struct xf_sip_message *request_of(struct xf_ua_server *server)
{
    struct xf_ua *ua = server->ua;
    if (server->request)
        return server->request;
    xf_require(xf_ua_read_kept(ua, server->head, server->head_len));
    return &ua->kept;
}

static enum xf_err compose(struct xf_ua_server *server, const struct xf_ua_answer *answer)
{
    struct xf_sip_writer writer;
    const struct xf_sip_message *request = request_of(server);
    const struct xf_sip_source source = {.address = xf_span_of(server->source),
                                         .port = server->source_port};
    struct xf_span tag = answer->status == 100 ? XF_SPAN_NONE : server->to_tag;
    xf_buf_clear(&server->answer);
    if (answer->reason.ptr)
        xf_sip_write_answer_as(&writer, &server->answer, request, answer->status, answer->reason,
                               tag, &source);
    else
        xf_sip_write_answer(&writer, &server->answer, request, answer->status, tag, &source);
    if (answer->makes_dialog)
        xf_sip_write_copy(&writer, request, XF_SIP_H_RECORD_ROUTE);
    xf_sip_write_header(&writer, XF_SIP_H_CONTACT, answer->contact);
    xf_ua_write_headers(&writer, answer->headers, answer->header_count);
    return xf_sip_write_end(&writer, answer->body);
}

static enum xf_ua_server_event event_of(const struct xf_ua_server *server, unsigned status)
{
    if (server->method != XF_SIP_INVITE)
        return XF_UA_SERVER_ON_FINAL;
    return status < 300 ? XF_UA_SERVER_ON_ACCEPT : XF_UA_SERVER_ON_REFUSE;
}

static enum xf_err give(struct xf_ua_server *server, const struct xf_ua_answer *answer)
{
    bool is_answered = server->method != XF_SIP_BENOTIFY;
    struct xf_flow *flow = way_back(server);
    xf_require(server->state == XF_UA_SERVER_ASKED);
    if (flow && is_answered) {
        enum xf_err err = compose(server, answer);
        if (err != XF_ERR_OK)
            return err;
        if (!xf_flow_write(flow, xf_buf_span(&server->answer)))
            flow = NULL;
    }
    if (answer->status < 200)
        return flow ? XF_ERR_OK : XF_ERR_CLOSED;
    xf_ua_count_ended(server->ua, XF_UA_IN, server->method,
                      flow && is_answered ? answer->status : 0);
    fire(server, flow ? event_of(server, answer->status) : XF_UA_SERVER_ON_FINAL);
    return flow ? XF_ERR_OK : XF_ERR_CLOSED;
}

enum xf_err xf_ua_answer(struct xf_ua_server *server, const struct xf_ua_answer *answer)
{
    return give(server, answer);
}

/*
 * An answer of ours. Should it not arrive, nobody can be told. False: it repeats more of the
 * request than we send, and the transaction is as before.
 */
static bool give_status(struct xf_ua_server *server, unsigned status)
{
    enum xf_err err = give(server, &(struct xf_ua_answer){.status = status});
    return err == XF_ERR_OK || err == XF_ERR_CLOSED;
}

void xf_ua_server_accepted(struct xf_ua_server *server)
{
    struct xf_ua *ua = server->ua;
    xf_ua_key_of_dialog(&server->dialog_key, xf_span_of(server->peer), request_of(server),
                        server->to_tag);
    (void)xf_map_set(ua->dialogs, xf_ua_key_span(&server->dialog_key), server);
    xf_place_weigh(&server->place, request_of(server)->head.len + server->answer.len);
    server->repeat_ms = XF_UA_T1_MS;
    xf_timer_start(ua->env->timers, &server->repeat, server->repeat_ms);
    xf_timer_start(ua->env->timers, &server->end, XF_UA_T_MS); /* L */
}

void xf_ua_server_refused(struct xf_ua_server *server)
{
    xf_buf_release(&server->answer);
    xf_timer_stop(&server->repeat);
    xf_timer_start(server->ua->env->timers, &server->end, XF_UA_T_MS); /* H */
}

void xf_ua_server_repeat(struct xf_ua_server *server)
{
    struct xf_flow *flow = way_back(server);
    if (flow)
        (void)xf_flow_write(flow, xf_buf_span(&server->answer));
    server->repeat_ms = 2 * server->repeat_ms < XF_UA_T2_MS ? 2 * server->repeat_ms : XF_UA_T2_MS;
    xf_timer_start(server->ua->env->timers, &server->repeat, server->repeat_ms);
}

static void on_repeat(void *owner)
{
    struct xf_ua_server *server = owner;
    if (server->state == XF_UA_SERVER_ASKED)
        (void)give_status(server, 100);
    else
        fire(server, XF_UA_SERVER_ON_REPEAT);
}

static void on_end(void *owner)
{
    struct xf_ua_server *server = owner;
    if (server->state == XF_UA_SERVER_ASKED && server->method == XF_SIP_INVITE) {
        tell(server, XF_UA_END_LATE);
        if (give_status(server, 408))
            return;
    }
    fire(server, XF_UA_SERVER_ON_TIME);
}

/* ------------------------------------------------------------------ ACK and CANCEL */

void xf_ua_server_acked(struct xf_flow *flow, struct xf_span peer, const struct xf_sip_message *ack)
{
    struct xf_ua *ua = flow->ua;
    struct xf_ua_key key;
    xf_ua_key_of_dialog(&key, peer, ack, ack->to.tag);
    struct xf_ua_server *server = xf_map_find(ua->dialogs, xf_ua_key_span(&key));
    if (server) {
        server->ack = ack;
    } else { /* of a failure: with the branch of the INVITE */
        xf_ua_key_of_server(&key, peer, ack, XF_SIP_INVITE);
        server = xf_map_find(ua->servers, xf_ua_key_span(&key));
    }
    if (server && xf_span_eq(ack->to.tag, server->to_tag))
        fire(server, XF_UA_SERVER_ON_ACK);
    else
        ua->counts.strays++;
}

/* Its method is not in the CANCEL (RFC 3261 section 9.2). NULL: there is none. */
static struct xf_ua_server *cancelled_by(struct xf_ua *ua, struct xf_span peer,
                                         const struct xf_sip_message *cancel)
{
    struct xf_ua_server *server = NULL;
    for (unsigned method = XF_SIP_METHOD_OTHER + 1; method < XF_SIP_METHOD_COUNT && !server;
         method++) {
        struct xf_ua_key key;
        xf_ua_key_of_server(&key, peer, cancel, (enum xf_sip_method)method);
        server = xf_map_find(ua->servers, xf_ua_key_span(&key));
    }
    return server;
}

bool xf_ua_server_cancel(struct xf_flow *flow, struct xf_span peer,
                         const struct xf_sip_message *cancel)
{
    struct xf_ua_server *server = cancelled_by(flow->ua, peer, cancel);
    if (!server)
        return false;
    if (server->method != XF_SIP_INVITE || server->state != XF_UA_SERVER_ASKED)
        return true; /* it changes nothing, which is no mistake (RFC 3261 section 9.2) */
    tell(server, XF_UA_END_CANCELLED);
    if (!give_status(server, 487))
        fire(server, XF_UA_SERVER_ON_TIME);
    return true;
}

/* ------------------------------------------------------------------ new ones */

bool xf_ua_server_is_merged(struct xf_ua *ua, struct xf_span peer,
                            const struct xf_sip_message *request)
{
    struct xf_ua_key key;
    xf_ua_key_of_merge(&key, peer, request);
    return !request->to.tag.ptr && xf_map_find(ua->merges, xf_ua_key_span(&key));
}

bool xf_ua_server_again(struct xf_ua *ua, struct xf_span peer, const struct xf_sip_message *request)
{
    struct xf_ua_key key;
    xf_ua_key_of_server(&key, peer, request, request->method);
    struct xf_ua_server *server = xf_map_find(ua->servers, xf_ua_key_span(&key));
    if (server && server->state == XF_UA_SERVER_ASKED && !xf_timer_is_running(&server->repeat))
        (void)give_status(server, 100); /* it had one */
    return server != NULL;
}

static struct xf_quota_keys quota_keys(struct xf_span peer)
{
    return (struct xf_quota_keys){.group = xf_domain_owner(peer), .member = peer};
}

const char *xf_ua_server_is_crowded(const struct xf_flow *flow, struct xf_span peer, size_t bytes)
{
    static const char *const words[] = {[XF_QUOTA_MEMBER_FULL] = "peer",
                                        [XF_QUOTA_GROUP_FULL] = "owner",
                                        [XF_QUOTA_ALL_FULL] = "total"};
    struct xf_ua *ua = flow->ua;
    const struct xf_quota_keys keys = quota_keys(peer);
    const struct xf_quota_limits limits = {.per_member = ua->settings.requests_per_peer,
                                           .per_group = ua->settings.requests_per_owner,
                                           .total = ua->settings.requests,
                                           .unused_ms = XF_UA_INVITE_MS};
    struct xf_place *victim = NULL;
    if (flow->server_count >= ua->settings.requests_per_conn)
        return "conn";
    if (xf_quota_weight(&ua->requests, &keys, XF_CROWD_GROUP) + bytes >
        ua->settings.request_bytes_per_owner)
        return "owner-bytes";
    if (xf_quota_weight(&ua->requests, &keys, XF_CROWD_ALL) + bytes > ua->settings.request_bytes)
        return "total-bytes";
    enum xf_quota_answer answer =
        xf_quota_look(&ua->requests, &keys, &limits, ua->env->clock->now_ms, &victim);
    /* What has begun is not given up for a newcomer: it may be delivered already. */
    return victim ? "others" : words[answer];
}

static struct xf_ua_server *new_server(struct xf_flow *flow, const struct xf_core_call *call)
{
    struct xf_ua *ua = flow->ua;
    struct xf_ua_server *server = xf_new(struct xf_ua_server);
    const struct xf_sip_message *request = call->request;
    const struct xf_quota_keys keys = quota_keys(call->caller.peer);
    server->ua = ua;
    server->method = request->method;
    server->flow = flow;
    server->peer = xf_span_dup(call->caller.peer);
    server->from = xf_strdup(call->from);
    server->local = xf_strdup(call->local);
    server->request = request;
    server->source_port = xf_addr_port(&flow->addr);
    memcpy(server->source, flow->host, sizeof(server->source));
    xf_ua_id(ua, server->tag);
    server->to_tag = xf_span_of(server->tag);
    xf_buf_init(&server->answer, ua->limits.message_bytes);
    xf_timer_init(&server->end, on_end, server);
    xf_timer_init(&server->repeat, on_repeat, server);
    xf_quota_enter(&ua->requests, &server->place, &keys, ua->env->clock->now_ms);
    xf_place_weigh(&server->place, request->head.len);
    xf_list_push(&flow->servers, &server->node);
    xf_flow_server_begun(flow, server->method == XF_SIP_INVITE);
    return server;
}

static void index_server(struct xf_ua_server *server)
{
    struct xf_ua *ua = server->ua;
    struct xf_span peer = xf_span_of(server->peer);
    xf_ua_key_of_server(&server->key, peer, server->request, server->method);
    (void)xf_map_set(ua->servers, xf_ua_key_span(&server->key), server);
    if (server->request->to.tag.ptr)
        return;
    xf_ua_key_of_merge(&server->merge_key, peer, server->request);
    (void)xf_map_set(ua->merges, xf_ua_key_span(&server->merge_key), server);
}

/* Keep what a later answer needs. */
static void keep_head(struct xf_ua_server *server)
{
    const struct xf_sip_message *request = server->request;
    struct xf_span length = xf_sip_value(request, XF_SIP_H_CONTENT_LENGTH);
    struct xf_span to_tag = request->to.tag;
    server->head_len = request->head.len;
    server->head = xf_strndup(request->head.ptr, request->head.len);
    memset(server->head + (length.ptr - request->head.ptr), ' ', length.len);
    server->head[length.ptr - request->head.ptr] = '0';
    if (to_tag.ptr)
        server->to_tag =
            (struct xf_span){server->head + (to_tag.ptr - request->head.ptr), to_tag.len};
    server->request = NULL;
}

enum xf_ua_taken xf_ua_server_begin(struct xf_flow *flow, const struct xf_core_call *call)
{
    struct xf_ua *ua = flow->ua;
    struct xf_ua_server *server = new_server(flow, call);
    bool is_invite = server->method == XF_SIP_INVITE;
    if (call->request->to.tag.ptr)
        server->to_tag = call->request->to.tag;
    index_server(server);
    xf_timer_start(ua->env->timers, &server->end, is_invite ? XF_UA_INVITE_MS : XF_UA_T_MS);
    xf_timer_start(ua->env->timers, &server->repeat, is_invite ? TRYING_INVITE_MS : TRYING_MS);
    ua->handled = server;
    enum xf_ua_taken taken = ua->events->request(ua->owner, server, call->request);
    if (ua->handled)
        keep_head(server);
    ua->handled = NULL;
    return taken;
}

/* ------------------------------------------------------------------ for the owner */

void xf_ua_server_own(struct xf_ua_server *server, const struct xf_ua_server_events *events,
                      void *owner)
{
    server->events = events;
    server->owner = owner;
}

struct xf_span xf_ua_server_peer(const struct xf_ua_server *server)
{
    return xf_span_of(server->peer);
}

struct xf_span xf_ua_server_from(const struct xf_ua_server *server)
{
    return xf_span_of(server->from);
}

struct xf_span xf_ua_server_local(const struct xf_ua_server *server)
{
    return xf_span_of(server->local);
}

struct xf_span xf_ua_server_tag(const struct xf_ua_server *server)
{
    return server->to_tag;
}
