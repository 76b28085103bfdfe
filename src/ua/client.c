/* SPDX-License-Identifier: MIT */
/*
 * client.c — requests of ours: sent over a conn of the next hop (hop.c), ended by an answer or
 * without one.
 *
 *   - The time for an answer runs from xf_ua_send on, so that looking up and connecting are part
 *     of it. When it is over and the conn is not read, it begins again, some times.
 *   - An answer is found by branch and method, and must come over a conn of the same hop with the
 *     same CSeq. All others are dropped (RFC 3261 section 18.1.2).
 *   - INVITE: an answer of 300 and above is acknowledged here; a 2xx by the owner, and what it
 *     wrote goes out again when the 2xx comes again.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xmpp/owner.h>

#include "client_priv.h"
#include "flow_priv.h"
#include "hop_priv.h"

#define COOKIE     "z9hG4bK" /* RFC 3261 section 8.1.1.7 */
#define BRANCH_MAX (sizeof(COOKIE) + XF_ID_CHARS)

/* Of a request of ours: a body of 64 KiB with the headers of a dialog. max-message is for peers. */
#define REQUEST_MAX (256u << 10)

#define LATE_MAX 4 /* so often more is waited for an answer that may be there, and is not read */

#define OWNER_TIMES 2 /* what may be open to all hops of an owner, in times what may be to one */

static void fire(struct xf_ua_client *client, enum xf_ua_client_event event)
{
    xf_machine_fire(&xf_ua_client_machine, client, event);
}

static struct xf_span make_branch(struct xf_ua *ua, char out[BRANCH_MAX])
{
    char id[XF_ID_CHARS + 1];
    xf_ua_id(ua, id);
    snprintf(out, BRANCH_MAX, COOKIE "%s", id);
    return xf_span_of(out);
}

/* ------------------------------------------------------------------ the end */

static void free_client(struct xf_ua_client *client)
{
    struct xf_map *calls = client->ua->calls;
    (void)xf_map_remove(client->ua->clients, xf_ua_key_span(&client->key));
    if (xf_map_find(calls, xf_ua_key_span(&client->call_key)) == client)
        (void)xf_map_remove(calls, xf_ua_key_span(&client->call_key));
    xf_timer_stop(&client->timer);
    XF_LIST_EACH_SAFE (node, &client->acks) {
        struct xf_ua_client_ack *ack = XF_CONTAINER(node, struct xf_ua_client_ack, node);
        xf_buf_release(&ack->bytes);
        xf_free(ack->to_tag);
        xf_free(ack);
    }
    xf_buf_release(&client->bytes);
    xf_free(client->text);
    xf_free(client);
}

/* It is no longer open: neither its hop nor its conn counts it. */
static void close_client(struct xf_ua_client *client)
{
    struct xf_flow *flow = client->flow;
    struct xf_hop *hop = client->hop;
    client->hop = NULL;
    xf_quota_give(&client->ua->sent, &client->place);
    if (hop)
        xf_hop_leave(hop);
    if (!flow)
        return;
    flow->client_count -= hop != NULL;
    if (client->ua->is_draining && hop)
        xf_flow_check_idle(flow);
}

static void count(struct xf_ua_client *client, const struct xf_sip_message *answer)
{
    if (client->is_counted)
        return;
    client->is_counted = true;
    client->ua->counts.unanswered += !answer;
    xf_ua_count_ended(client->ua, XF_UA_OUT, client->method, answer ? answer->status : 0);
}

static void tell(struct xf_ua_client *client, const struct xf_ua_outcome *outcome)
{
    count(client, outcome->answer);
    if (client->is_told)
        return;
    client->is_told = true;
    client->events->done(client->owner, client, outcome);
}

void xf_ua_client_finish(struct xf_ua_client *client)
{
    xf_list_remove(&client->node);
    close_client(client);
    tell(client, &(struct xf_ua_outcome){.answer = client->answer, .text = ""});
    free_client(client);
}

void xf_ua_client_give_up(struct xf_ua_client *client)
{
    bool is_unsent = !client->flow;
    xf_list_remove(&client->node);
    close_client(client);
    tell(client, &(struct xf_ua_outcome){.cause = client->cause,
                                         .help = client->help,
                                         .text = client->text,
                                         .is_unsent = is_unsent});
    free_client(client);
}

void xf_ua_client_fail(struct xf_ua_client *client, enum xf_ua_cause cause, enum xf_help help,
                       const char *text)
{
    client->cause = cause;
    client->help = help;
    xf_free(client->text);
    client->text = xf_strdup(text);
    fire(client, XF_UA_CLIENT_ON_NO_ANSWER);
}

void xf_ua_client_flow_ended(struct xf_flow *flow)
{
    struct xf_node lost;
    char text[200];
    bool is_stopping = flow->cause == XF_UA_CAUSE_SHUTDOWN;
    enum xf_ua_cause cause = is_stopping ? flow->cause : XF_UA_CAUSE_LOST;
    enum xf_help help = flow->fault.help;
    if (help == XF_HELP_NONE && !is_stopping)
        help = XF_HELP_SIP_CUT;
    snprintf(text, sizeof(text), "the connection ended before the answer%s%s",
             flow->fault.text ? ": " : "", flow->fault.text ? flow->fault.text : "");
    xf_list_take_all(&lost, &flow->clients);
    while (!xf_list_is_empty(&lost))
        xf_ua_client_fail(XF_CONTAINER(lost.next, struct xf_ua_client, node), cause, help, text);
}

void xf_ua_client_cut_all(struct xf_ua *ua)
{
    size_t cursor = 0;
    void *client;
    while (xf_map_next(ua->clients, &cursor, NULL, &client))
        xf_ua_client_fail(client, XF_UA_CAUSE_SHUTDOWN, XF_HELP_NONE, "this server is stopping");
}

/* ------------------------------------------------------------------ ACK and CANCEL */

/*
 * ACK to a failure and CANCEL: made of the request, with its branch (RFC 3261 sections 17.1.1.3 and
 * 9.1). `to`: absent: that of the request.
 */
static void send_companion(struct xf_ua_client *client, enum xf_sip_method method,
                           struct xf_span to)
{
    struct xf_ua *ua = client->ua;
    const struct xf_sip_message *request = &ua->kept;
    struct xf_sip_writer writer;
    const char *name = xf_sip_method_text(method);
    if (!client->flow || !xf_flow_is_open(client->flow) ||
        !xf_ua_read_kept(ua, client->bytes.data + client->bytes.start, client->bytes.len))
        return;
    xf_sip_write_request(&writer, &client->flow->conn->out, xf_span_of(name), request->request_uri);
    xf_sip_write_copy(&writer, request, XF_SIP_H_VIA);
    xf_sip_write_copy(&writer, request, XF_SIP_H_MAX_FORWARDS);
    xf_sip_write_copy(&writer, request, XF_SIP_H_ROUTE);
    xf_sip_write_copy(&writer, request, XF_SIP_H_FROM);
    xf_sip_write_header(&writer, XF_SIP_H_TO, to.ptr ? to : xf_sip_value(request, XF_SIP_H_TO));
    xf_sip_write_copy(&writer, request, XF_SIP_H_CALL_ID);
    xf_sip_write_headerf(&writer, XF_SIP_H_CSEQ, "%u %s", (unsigned)client->cseq, name);
    if (xf_sip_write_end(&writer, XF_SPAN_NONE) == XF_ERR_OK)
        xf_flow_written(client->flow);
}

static struct xf_ua_client_ack *find_ack(const struct xf_ua_client *client, struct xf_span to_tag)
{
    XF_LIST_EACH (node, &client->acks) {
        struct xf_ua_client_ack *ack = XF_CONTAINER(node, struct xf_ua_client_ack, node);
        if (xf_span_is(to_tag, ack->to_tag))
            return ack;
    }
    return NULL;
}

static enum xf_err send_ack(struct xf_ua_client *client, const struct xf_ua_client_ack *ack)
{
    if (!client->flow || !xf_flow_is_open(client->flow))
        return XF_ERR_CLOSED;
    return xf_flow_write(client->flow, xf_buf_span(&ack->bytes)) ? XF_ERR_OK : XF_ERR_CLOSED;
}

enum xf_err xf_ua_ack(struct xf_ua_client *client, const struct xf_sip_message *answer,
                      const struct xf_ua_request *request)
{
    char branch[BRANCH_MAX];
    struct xf_buf bytes;
    xf_require(client->state == XF_UA_CLIENT_ACCEPTED && client->answer == answer);
    if (!client->flow)
        return XF_ERR_CLOSED;
    xf_buf_init(&bytes, REQUEST_MAX);
    enum xf_err err = xf_ua_compose(client->ua, request, client->flow->is_clear, false,
                                    make_branch(client->ua, branch), &bytes);
    if (err != XF_ERR_OK) {
        xf_buf_release(&bytes);
        return err;
    }
    struct xf_ua_client_ack *ack = xf_new(struct xf_ua_client_ack);
    ack->bytes = bytes;
    ack->to_tag = xf_span_dup(answer->to.tag.ptr ? answer->to.tag : XF_SPAN(""));
    xf_list_push(&client->acks, &ack->node);
    client->ack_count++;
    return send_ack(client, ack);
}

/* ------------------------------------------------------------------ answers */

void xf_ua_client_tell_progress(struct xf_ua_client *client)
{
    if (client->answer->status != 100 && !client->is_told && client->events->progress)
        client->events->progress(client->owner, client, client->answer);
}

void xf_ua_client_proceed(struct xf_ua_client *client)
{
    if (client->method == XF_SIP_INVITE)
        xf_timer_start(client->ua->env->timers, &client->timer, XF_UA_INVITE_MS);
    if (client->wants_cancel)
        send_companion(client, XF_SIP_CANCEL, XF_SPAN_NONE);
    xf_ua_client_tell_progress(client);
}

void xf_ua_client_accept(struct xf_ua_client *client)
{
    xf_timer_start(client->ua->env->timers, &client->timer, XF_UA_T_MS); /* M */
    tell(client, &(struct xf_ua_outcome){.answer = client->answer, .text = ""});
    client->owner = NULL;
    client->is_told = true;
    close_client(client); /* last: in a drain it may end the conn, over which the ACK went */
}

void xf_ua_client_again(struct xf_ua_client *client)
{
    const struct xf_ua_client_ack *ack = find_ack(client, client->answer->to.tag);
    if (ack)
        (void)send_ack(client, ack); /* without a conn the peer asks again */
    else if (client->events->forked && client->ack_count < XF_UA_CLIENT_FORKS_MAX)
        client->events->forked(client->ua->owner, client, client->answer);
    else
        client->ua->counts.strays++;
}

static struct xf_ua_client *find(struct xf_flow *flow, const struct xf_sip_message *answer)
{
    struct xf_ua *ua = flow->ua;
    struct xf_ua_key key;
    if (answer->value_counts[XF_SIP_H_VIA] != 1 || !answer->via.branch.ptr ||
        !xf_ua_was_host(ua, answer->via.host))
        return NULL;
    xf_ua_key_of_client(&key, answer->via.branch, answer->cseq.method);
    struct xf_ua_client *client = xf_map_find(ua->clients, xf_ua_key_span(&key));
    if (!client || client->cseq != answer->cseq.number)
        return NULL;
    bool is_its_hop = flow == client->flow || (client->hop && flow->hop == client->hop);
    return is_its_hop ? client : NULL;
}

static enum xf_ua_client_event event_of(const struct xf_ua_client *client, unsigned status)
{
    if (status < 200)
        return XF_UA_CLIENT_ON_PROVISIONAL;
    return client->method == XF_SIP_INVITE && status < 300 ? XF_UA_CLIENT_ON_ACCEPT
                                                           : XF_UA_CLIENT_ON_FINAL;
}

static void tell_answered(const struct xf_ua_client *client, const struct xf_flow *flow,
                          unsigned status)
{
    const struct xf_ua_party party = xf_flow_party(flow);
    const struct xf_ua *ua = client->ua;
    const struct xf_hop *hop = client->hop; /* NULL: it had its final answer */
    if (hop && status >= 200 && status < 300 && ua->events->answered)
        ua->events->answered(ua->owner, &party, xf_span_of(hop->local), xf_span_of(hop->name));
}

void xf_ua_client_answer(struct xf_flow *flow, const struct xf_sip_message *answer)
{
    struct xf_ua_client *client = find(flow, answer);
    if (!client) {
        flow->ua->counts.strays++;
        /* Of a hop they may be late: to read it slowly would make the next ones late too. */
        if (!flow->hop)
            xf_flow_count_nameless(flow);
        return;
    }
    enum xf_ua_client_event event = event_of(client, answer->status);
    bool is_end = event == XF_UA_CLIENT_ON_FINAL && client->state != XF_UA_CLIENT_ACCEPTED;
    if (is_end && client->method == XF_SIP_INVITE)
        send_companion(client, XF_SIP_ACK, xf_sip_value(answer, XF_SIP_H_TO));
    tell_answered(client, flow, answer->status);
    client->answer = answer;
    fire(client, event);
    if (is_end) /* it is gone */
        return;
    client->answer = NULL;
    if (flow->hop) /* as many of these as the peer likes */
        xf_flow_count_rate(flow, xf_span_of(flow->hop->name), answer->head.len + answer->body.len);
}

/* ------------------------------------------------------------------ sending */

/* It may be there, behind what we do not read now. An INVITE has other times. */
static bool has_unread_answer(const struct xf_ua_client *client)
{
    return client->flow && xf_flow_is_open(client->flow) && xf_flow_is_paused(client->flow) &&
           client->method != XF_SIP_INVITE && client->late_count < LATE_MAX;
}

static void on_timer(void *owner)
{
    struct xf_ua_client *client = owner;
    if (client->cause == XF_UA_CAUSE_NONE && has_unread_answer(client)) {
        client->late_count++;
        xf_timer_start(client->ua->env->timers, &client->timer, XF_UA_T_MS);
        return;
    }
    if (client->cause != XF_UA_CAUSE_NONE) {
        fire(client, XF_UA_CLIENT_ON_NO_ANSWER);
        return;
    }
    if (client->state == XF_UA_CLIENT_PROCEEDING && client->method == XF_SIP_INVITE)
        send_companion(client, XF_SIP_CANCEL, XF_SPAN_NONE);
    xf_ua_client_fail(client, XF_UA_CAUSE_TIMEOUT, XF_HELP_SIP_UNANSWERED, "no answer in time");
}

void xf_ua_client_send(struct xf_ua_client *client, struct xf_flow *flow)
{
    xf_list_remove(&client->node);
    xf_list_push(&flow->clients, &client->node);
    client->flow = flow;
    flow->client_count++;
    fire(client, XF_UA_CLIENT_ON_SENT);
    (void)xf_flow_write(flow, xf_buf_span(&client->bytes)); /* else the conn ends, and it fails */
    if (client->method != XF_SIP_INVITE)
        xf_buf_release(&client->bytes);
}

/* It fails in the next turn. */
static void fail_soon(struct xf_ua_client *client, enum xf_ua_cause cause, const char *text)
{
    client->cause = cause;
    client->text = xf_strdup(text);
    xf_timer_start(client->ua->env->timers, &client->timer, 0);
}

static struct xf_ua_client *new_client(struct xf_ua *ua, const struct xf_ua_request *request,
                                       struct xf_span branch, struct xf_buf *bytes)
{
    struct xf_ua_client *client = xf_new(struct xf_ua_client);
    struct xf_sip_address from;
    client->ua = ua;
    client->method = request->method;
    client->cseq = request->cseq;
    client->bytes = *bytes;
    xf_list_init(&client->acks);
    xf_timer_init(&client->timer, on_timer, client);
    xf_ua_key_of_client(&client->key, branch, request->method);
    (void)xf_map_set(ua->clients, xf_ua_key_span(&client->key), client);
    if (xf_sip_address_read(request->from, &from) == XF_ERR_OK) {
        xf_ua_key_of_call(&client->call_key, request->call_id, from.tag);
        (void)xf_map_set(ua->calls, xf_ua_key_span(&client->call_key), client);
    }
    return client;
}

/* False: too many wait for answers, and what has begun is not given up for a newcomer. */
static bool take_place(struct xf_ua_client *client, const struct xf_hop *hop)
{
    struct xf_ua *ua = client->ua;
    struct xf_span name = xf_span_of(hop->name);
    const struct xf_quota_keys keys = {.group = xf_domain_owner(name), .member = name};
    unsigned most = ua->settings.sent_per_hop;
    const struct xf_quota_limits limits = {.per_member = most,
                                           .per_group = OWNER_TIMES * most,
                                           .total = ua->settings.sent,
                                           .unused_ms = XF_UA_INVITE_MS};
    struct xf_place *victim;

    if (xf_quota_look(&ua->sent, &keys, &limits, ua->env->clock->now_ms, &victim) !=
            XF_QUOTA_ROOM ||
        victim)
        return false;
    xf_quota_enter(&ua->sent, &client->place, &keys, ua->env->clock->now_ms);
    return true;
}

static void begin(struct xf_ua_client *client, struct xf_hop *hop)
{
    if (!hop) {
        fail_soon(client, XF_UA_CAUSE_POLICY, "the domain is not reached by SIP");
    } else if (!take_place(client, hop)) {
        fail_soon(client, XF_UA_CAUSE_BUSY, "too many requests wait for answers");
    } else {
        client->hop = hop;
        xf_timer_start(client->ua->env->timers, &client->timer, XF_UA_T_MS); /* B, F */
        xf_hop_enter(hop, client);
    }
}

enum xf_err xf_ua_send(struct xf_ua *ua, const struct xf_ua_request *request,
                       const struct xf_ua_client_events *events, void *owner,
                       struct xf_ua_client **out_client)
{
    char branch_text[BRANCH_MAX];
    struct xf_buf bytes;
    if (ua->is_draining)
        return XF_ERR_CLOSED;
    struct xf_span branch = make_branch(ua, branch_text);
    struct xf_hop *hop = xf_hop_for(ua, request->local, request->peer);
    xf_buf_init(&bytes, REQUEST_MAX);
    enum xf_err err = xf_ua_compose(ua, request, hop && hop->how.is_clear,
                                    hop && hop->how.sends_alias, branch, &bytes);
    if (err != XF_ERR_OK) {
        xf_buf_release(&bytes);
        return err;
    }
    struct xf_ua_client *client = new_client(ua, request, branch, &bytes);
    client->events = events;
    client->owner = owner;
    ua->counts.requests_out++;
    if (out_client)
        *out_client = client;
    begin(client, hop);
    return XF_ERR_OK;
}

void xf_ua_disown(struct xf_ua_client *client)
{
    client->is_told = true;
    client->owner = NULL;
}

void xf_ua_cancel(struct xf_ua_client *client)
{
    xf_require(client->method == XF_SIP_INVITE);
    client->wants_cancel = true;
    if (client->state == XF_UA_CLIENT_PROCEEDING)
        send_companion(client, XF_SIP_CANCEL, XF_SPAN_NONE);
}
