/* SPDX-License-Identifier: MIT */
/*
 * arrivals.c — MESSAGE of peers as messages for the cluster (RFC 3428, RFC 7572).
 *
 * An arrival is a request that is not answered yet:
 *
 *   - it waits for the cluster (`copy`), in the order in which it came, while its conn is paused;
 *     480 with Retry-After when that takes too long;
 *   - its stanza is on its way to the link, which may need the answer of a directory;
 *   - the cluster has it: 202 after the error window, unless an error stanza with its id comes
 *     first, which becomes the answer.
 *
 * The id of the stanza is made here, so that no user can choose the one of another message. An
 * error stanza that comes later can be told to nobody: it is logged and counted.
 *
 * What only says that somebody is typing is answered at once, and nobody waits for its fate.
 */
#include "simple_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/base/map.h>
#include <xfed/interwork/error.h>
#include <xfed/interwork/moved.h>
#include <xfed/xmpp/owner.h>

#define PAYLOAD_MAX   (6 * XF_IM_TEXT_MAX + 8192) /* an escaped character has up to six bytes */
#define ANSWER_MS     25000 /* before the peer gives up, after 32 s (RFC 3261 timer F) */
#define RETRY_AFTER_S 30

struct xf_arrival {
    struct xf_node node;
    struct xf_simple *simple;
    struct xf_ua_server *server;
    struct xf_stanza_copy *copy; /* waits for the cluster; NULL: no longer */
    struct xf_timer timer;
    bool is_delivered, to_full_jid;
    uint64_t due_ms; /* of an answer, whatever happens */
    char id[XF_ID_CHARS + 1];
};

/* ------------------------------------------------------------------ answers */

struct verdict {
    unsigned status;
    bool wants_retry_after;
    const char *text;       /* for the log; NULL: it is told elsewhere */
    struct xf_span contact; /* of 301 and 302 */
};

static void log_refused(struct xf_simple *simple, const struct xf_ua_server *server,
                        const struct verdict *verdict)
{
    struct xf_span peer = xf_ua_server_peer(server);
    enum xf_log_level level = verdict->text ? XF_LOG_INFO : XF_LOG_DEBUG;
    if (verdict->text)
        level = xf_lines_level(simple->env, XF_LINES_PEERS, xf_domain_owner(peer), level,
                               "sip.message.refused");
    xf_log(level, "sip.message.refused", XF_SPN("local", xf_ua_server_local(server)),
           XF_SPN("peer", peer), XF_INT("status", verdict->status),
           XF_STR("detail", verdict->text));
}

/*
 * Final. That its conn is gone is as good: nobody waits for it. When the answer would repeat more
 * of the request than we send, there is none, and the transaction ends by itself.
 */
static void answer(struct xf_simple *simple, struct xf_ua_server *server,
                   const struct verdict *verdict)
{
    char seconds[16];
    (void)snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_S);
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_ACCEPT,
         .value = verdict->status == 415 ? XF_SPAN(XF_IM_ACCEPT) : XF_SPAN_NONE},
        {.id = XF_SIP_H_OTHER,
         .name = "Accept-Encoding",
         .value = verdict->status == 415 ? XF_SPAN("identity") : XF_SPAN_NONE},
        {.id = XF_SIP_H_RETRY_AFTER,
         .value = verdict->wants_retry_after ? xf_span_of(seconds) : XF_SPAN_NONE},
    };
    if (verdict->status >= 300) {
        simple->counts.refused++;
        log_refused(simple, server, verdict);
    }
    xf_ua_server_own(server, NULL, NULL);
    (void)!xf_ua_answer(server, &(struct xf_ua_answer){.status = verdict->status,
                                                       .contact = verdict->contact,
                                                       .headers = headers,
                                                       .header_count = XF_ARRAY_LEN(headers)});
}

static void free_arrival(struct xf_arrival *arrival)
{
    struct xf_simple *simple = arrival->simple;
    (void)xf_map_remove(simple->by_id, xf_span_of(arrival->id));
    xf_list_remove(&arrival->node);
    xf_timer_stop(&arrival->timer);
    xf_free(arrival->copy);
    xf_free(arrival);
}

static void conclude(struct xf_arrival *arrival, const struct verdict *verdict)
{
    answer(arrival->simple, arrival->server, verdict);
    free_arrival(arrival);
}

static const struct verdict not_now = {.status = 480,
                                       .wants_retry_after = true,
                                       .text = "the cluster cannot be reached now"};

static void on_timer(void *owner)
{
    static const struct verdict accepted = {.status = 202};
    static const struct verdict unknown = {
        .status = 480, .wants_retry_after = true, .text = "nobody could tell the user in time"};
    struct xf_arrival *arrival = owner;
    struct xf_simple *simple = arrival->simple;
    bool has_waited = arrival->copy != NULL;
    conclude(arrival, arrival->is_delivered ? &accepted : has_waited ? &not_now : &unknown);
    if (has_waited) /* the next one on that conn shall not wait as long again */
        xf_ua_resume(simple->ua);
}

static void on_ended(void *owner, enum xf_ua_end end, const struct xf_sip_message *ack)
{
    (void)end;
    (void)ack;
    free_arrival(owner);
}

static const struct xf_ua_server_events server_events = {.ended = on_ended};

/* ------------------------------------------------------------------ reading a request */

static struct xf_arrival *new_arrival(struct xf_simple *simple, struct xf_ua_server *server,
                                      const struct xf_stanza *stanza)
{
    struct xf_arrival *arrival = xf_new(struct xf_arrival);
    arrival->simple = simple;
    arrival->server = server;
    arrival->to_full_jid = stanza->to.resource.ptr != NULL;
    arrival->due_ms = simple->env->clock->now_ms + ANSWER_MS;
    xf_ua_make_id(simple->ua, arrival->id);
    xf_timer_init(&arrival->timer, on_timer, arrival);
    xf_timer_start(simple->env->timers, &arrival->timer, ANSWER_MS);
    xf_list_push(&simple->arrivals, &arrival->node);
    (void)xf_map_set(simple->by_id, xf_span_of(arrival->id), arrival);
    xf_ua_server_own(server, &server_events, arrival);
    return arrival;
}

/* ------------------------------------------------------------------ the way to the cluster */

/* Until the cluster takes it, at most `wait_ms` more, and never until the peer has given up. */
static void keep(struct xf_arrival *arrival, struct xf_stanza_copy *copy, uint64_t wait_ms)
{
    const struct xf_env *env = arrival->simple->env;
    uint64_t left_ms = arrival->due_ms - env->clock->now_ms;
    arrival->copy = copy;
    xf_timer_start(env->timers, &arrival->timer, wait_ms < left_ms ? wait_ms : left_ms);
}

static enum xf_ua_taken begin(struct xf_simple *simple, struct xf_ua_server *server,
                              struct xf_stanza *stanza)
{
    uint64_t wait_ms = 0;
    struct xf_arrival *arrival = new_arrival(simple, server, stanza);
    char id[XF_ID_CHARS + 1];
    memcpy(id, arrival->id, sizeof(id));
    stanza->id = xf_span_of(id); /* the arrival may be answered before the call returns */
    enum xf_simple_taken taken = simple->events->stanza(simple->owner, stanza, &wait_ms);
    if (taken == XF_SIMPLE_LATER) /* then it was not answered */
        keep(arrival, xf_stanza_copy_new(stanza, simple->env->clock->now_ms), wait_ms);
    return taken == XF_SIMPLE_TAKEN ? XF_UA_TAKEN : XF_UA_FULL;
}

static enum xf_ua_taken tell_typing(struct xf_simple *simple, struct xf_ua_server *server,
                                    struct xf_stanza *stanza, const struct xf_im *im)
{
    enum xf_simple_taken taken = xf_typing_tell(simple, stanza, im);
    answer(simple, server, &(struct verdict){.status = 202});
    return taken == XF_SIMPLE_FULL ? XF_UA_FULL : XF_UA_TAKEN;
}

static bool write_payload(struct xf_simple *simple, const struct xf_im *im)
{
    xf_buf_clear(&simple->payload);
    struct xf_draft draft = xf_draft_begin(&simple->payload);
    xf_im_write_stanza(&draft, im);
    return xf_draft_end(&draft) == XF_ERR_OK;
}

static const char *words_of(unsigned status)
{
    switch (status) {
    case 404:
        return "it is to our server and not to a user";
    case 413:
        return "the message is too large";
    case 415:
        return "no body that a message can carry";
    case 480:
        return "sips: addresses are not accepted from this peer";
    case 484:
        return "the address names no user";
    default:
        return "an address or the body is not well-formed";
    }
}

enum xf_ua_taken xf_arrivals_take(struct xf_simple *simple, struct xf_ua_server *server,
                                  const struct xf_sip_message *request)
{
    struct xf_stanza stanza = {.kind = XF_STANZA_MESSAGE};
    struct xf_im im;
    unsigned status = request->to.tag.ptr ? 481 : 0; /* there is no dialog for messages */
    if (!status)
        status = xf_addresses_read_from(simple, server, request, &stanza.from);
    if (!status)
        status = xf_addresses_read_to(simple, server, request, &stanza.to);
    if (!status)
        status = xf_im_read_request(request, &simple->texts, &im);
    if (!status && im.kind != XF_IM_NOTHING && !write_payload(simple, &im))
        status = 413;
    if (!status && simple->is_finished) {
        answer(simple, server, &not_now);
        return XF_UA_TAKEN;
    }
    if (status || im.kind == XF_IM_NOTHING) {
        answer(simple, server,
               &(struct verdict){.status = status ? status : 202, .text = words_of(status)});
        return XF_UA_TAKEN;
    }
    stanza.raw_from = stanza.from.full;
    stanza.raw_to = stanza.to.full;
    stanza.lang = im.lang;
    stanza.payload = xf_buf_span(&simple->payload);
    stanza.wire_bytes = request->head.len + request->body.len;
    xf_stanza_find_children(&stanza);
    if (im.kind == XF_IM_TYPING) {
        stanza.type = XF_SPAN("chat");
        return tell_typing(simple, server, &stanza, &im);
    }
    xf_typing_over(simple, &stanza);
    return begin(simple, server, &stanza);
}

/* ------------------------------------------------------------------ what became of it */

void xf_simple_delivered(struct xf_simple *simple, struct xf_span id)
{
    /* Without an id it says only that somebody is typing. */
    if (!id.ptr || xf_notifier_delivered(simple, id))
        return;
    struct xf_arrival *arrival = xf_map_find(simple->by_id, id);
    simple->counts.messages_in++;
    if (!arrival) /* its conn was cut meanwhile */
        return;
    arrival->is_delivered = true;
    /* Even without a window: the callee of events->stanza may not have returned yet. */
    xf_timer_start(simple->env->timers, &arrival->timer, simple->settings.error_window_ms);
}

bool xf_simple_is_answered(const struct xf_simple *simple, const struct xf_stanza *stanza)
{
    return stanza->kind == XF_STANZA_MESSAGE && stanza->id.ptr &&
           !xf_map_find(simple->by_id, stanza->id);
}

/* Too late for an answer. */
static void note_late(struct xf_simple *simple, struct xf_span local, struct xf_span peer,
                      enum xf_stanza_error error)
{
    simple->counts.late++;
    xf_log(XF_LOG_DEBUG, "sip.error.late", XF_SPN("local", local), XF_SPN("peer", peer),
           XF_WORD("reason", xf_stanza_error_name(error)));
}

static void refuse_presence(struct xf_simple *simple, const struct xf_stanza *stanza,
                            enum xf_stanza_error error)
{
    if (error == XF_STANZA_ERROR_NOT_ALLOWED)
        xf_subscriber_withheld(simple, stanza);
    else if (xf_simple_is_for_now(error) && xf_span_is(stanza->type, "probe"))
        xf_notifier_lost(simple, stanza);
    else if (xf_simple_is_for_now(error))
        xf_subscriber_lost(simple, stanza);
}

void xf_simple_refused(struct xf_simple *simple, const struct xf_stanza *stanza,
                       enum xf_stanza_error error, const char *text)
{
    struct xf_arrival *arrival = stanza->id.ptr ? xf_map_find(simple->by_id, stanza->id) : NULL;
    if (!arrival && stanza->kind == XF_STANZA_MESSAGE && stanza->id.ptr)
        note_late(simple, stanza->to.domain, stanza->from.domain, error);
    else if (!arrival && !xf_notifier_refused(simple, stanza->id, error) &&
             stanza->kind == XF_STANZA_PRESENCE)
        refuse_presence(simple, stanza, error);
    if (!arrival)
        return;
    struct xf_interwork_answer said =
        xf_interwork_answer_of(error, XF_SIP_MESSAGE, arrival->to_full_jid);
    /* Of us it means that the link is down: another attempt may find it up. */
    bool is_away = error == XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT;
    conclude(arrival, &(struct verdict){.status = is_away ? 480 : said.status,
                                        .wants_retry_after = is_away || said.wants_retry_after,
                                        .text = text});
}

/* RFC 7247 section 7.1, note 3. False: the error says no new address. */
static bool find_moved(struct xf_simple *simple, const struct xf_stanza *stanza,
                       enum xf_stanza_error error, struct verdict *out_verdict)
{
    char storage[XF_JID_MAX + 1];
    struct xf_jid jid;
    if ((error != XF_STANZA_ERROR_GONE && error != XF_STANZA_ERROR_REDIRECT) ||
        !xf_interwork_moved_read(stanza, storage, &jid) ||
        xf_addresses_write_moved(simple, &jid) != XF_ERR_OK)
        return false;
    *out_verdict = (struct verdict){.status = error == XF_STANZA_ERROR_GONE ? 301 : 302,
                                    .contact = xf_buf_span(&simple->contact)};
    return true;
}

void xf_arrivals_failed(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_arrival *arrival = stanza->id.ptr ? xf_map_find(simple->by_id, stanza->id) : NULL;
    enum xf_stanza_error error = xf_interwork_condition_read(stanza);
    if (!arrival || !xf_span_eq(stanza->to.domain, xf_ua_server_from(arrival->server))) {
        note_late(simple, stanza->from.domain, stanza->to.domain, error);
        return;
    }
    struct verdict moved;
    if (find_moved(simple, stanza, error, &moved)) {
        conclude(arrival, &moved);
        return;
    }
    struct xf_interwork_answer said =
        xf_interwork_answer_of(error, XF_SIP_MESSAGE, arrival->to_full_jid);
    conclude(arrival,
             &(struct verdict){.status = said.status, .wants_retry_after = said.wants_retry_after});
}

/* ------------------------------------------------------------------ for simple */

/* In their order. Those that are answered meanwhile leave the list. */
void xf_arrivals_resume(struct xf_simple *simple)
{
    XF_LIST_EACH_SAFE (node, &simple->arrivals) {
        struct xf_arrival *arrival = XF_CONTAINER(node, struct xf_arrival, node);
        struct xf_stanza_copy *copy = arrival->copy;
        struct xf_stanza stanza;
        uint64_t wait_ms;
        if (!copy)
            continue;
        xf_stanza_copy_read(copy, &stanza);
        xf_stanza_find_children(&stanza);
        arrival->copy = NULL;
        xf_timer_start(simple->env->timers, &arrival->timer,
                       arrival->due_ms - simple->env->clock->now_ms);
        if (simple->events->stanza(simple->owner, &stanza, &wait_ms) == XF_SIMPLE_LATER)
            keep(arrival, copy, wait_ms);
        else
            xf_free(copy);
    }
}

void xf_arrivals_finish(struct xf_simple *simple)
{
    XF_LIST_EACH_SAFE (node, &simple->arrivals) {
        struct xf_arrival *arrival = XF_CONTAINER(node, struct xf_arrival, node);
        if (arrival->copy)
            conclude(arrival, &not_now);
    }
}

void xf_arrivals_init(struct xf_simple *simple)
{
    xf_list_init(&simple->arrivals);
    simple->by_id = xf_map_new();
    xf_buf_init(&simple->payload, PAYLOAD_MAX);
}

void xf_arrivals_fini(struct xf_simple *simple)
{
    xf_require(xf_list_is_empty(&simple->arrivals)); /* ua is over */
    xf_map_free(&simple->by_id);
    xf_buf_release(&simple->payload);
}
