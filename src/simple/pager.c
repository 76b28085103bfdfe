/* SPDX-License-Identifier: MIT */
/*
 * pager.c — messages of our users as MESSAGE, outside a session (RFC 3428, RFC 7572).
 *
 * A pager is there for each recipient to whom something is under way or waits. One request at a
 * time is sent (RFC 3428 section 8), which also keeps the order; the front of the queue is the one
 * under way. It leaves the queue
 *
 *   - with a 2xx: delivered;
 *   - with any other final answer: bounced, with the error that the status stands for;
 *   - without an answer, whatever the reason: bounced. A server may have the message although we
 *     lost its answer, and over TLS and TCP nobody recognises a repetition: so nothing is ever sent
 *     twice.
 *
 * What waits behind it counts for its pair of domains, as in the queue of a route, and for the
 * owner of a peer without a section (routing/route_limits.c); it is bounced when it grows too old.
 */
#include "simple_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>
#include <xfed/base/map.h>
#include <xfed/interwork/error.h>
#include <xfed/xmpp/owner.h>
#include <xfed/xmpp/pair.h>

#define TEXTS_MAX (2 * XF_IM_TEXT_MAX) /* a line end becomes two bytes */
#define BODY_MAX  (TEXTS_MAX + 4096)

struct xf_pager {
    struct xf_simple *simple;
    struct xf_stanza_queue queue; /* the front is under way while `client` is set */
    struct xf_ua_client *client;
    bool is_typing; /* what is under way says only that somebody is typing */
    struct xf_timer timer;
    struct xf_span to; /* bare JID, behind the struct */
};

/* ------------------------------------------------------------------ what waits, by pair */

const struct xf_pair_load *xf_pager_load(const struct xf_simple *simple, struct xf_span local,
                                         struct xf_span peer)
{
    struct xf_pair_key key;
    return xf_map_find(simple->pairs, xf_pair_key(local, peer, &key));
}

static struct xf_quota_keys quota_keys(struct xf_span peer)
{
    return (struct xf_quota_keys){.group = xf_domain_owner(peer), .member = peer};
}

/* Made where there is none. */
static struct xf_pair_load *load_of(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    struct xf_pair_key key;
    struct xf_span name = xf_pair_key(stanza->from.domain, stanza->to.domain, &key);
    struct xf_pair_load *load = xf_map_find(simple->pairs, name);
    if (!load) {
        const struct xf_quota_keys keys = quota_keys(stanza->to.domain);
        load = xf_new(struct xf_pair_load);
        xf_quota_enter(&simple->pair_places, &load->place, &keys, simple->env->clock->now_ms);
        (void)xf_map_set(simple->pairs, name, load);
    }
    return load;
}

static void add(struct xf_stanza_sum *sum, const struct xf_stanza_copy *copy)
{
    sum->bytes += copy->bytes;
    sum->count++;
}

static void subtract(struct xf_stanza_sum *sum, const struct xf_stanza_copy *copy)
{
    sum->bytes -= copy->bytes;
    sum->count--;
}

/* May the owner of the peer have so many bytes more? Names cost nothing. */
static bool has_owner_room(const struct xf_simple *simple, struct xf_span peer, size_t bytes,
                           size_t room)
{
    const struct xf_quota_keys keys = quota_keys(peer);
    return xf_policy_names(simple->policy, peer) ||
           xf_quota_weight(&simple->pair_places, &keys, XF_CROWD_GROUP) + bytes <= room;
}

static bool has_room(struct xf_simple *simple, const struct xf_stanza *stanza)
{
    const struct xf_peer_settings *settings = xf_policy_peer(simple->policy, stanza->to.domain);
    const struct xf_pair_load *load = xf_pager_load(simple, stanza->from.domain, stanza->to.domain);
    size_t bytes = xf_stanza_copy_size(stanza), count = load ? load->held.count : 0,
           sum = bytes + (load ? load->held.bytes : 0), room = simple->events->room(simple->owner);
    return count < settings->queue_stanzas && sum <= settings->queue_bytes && sum <= room &&
           has_owner_room(simple, stanza->to.domain, bytes, room);
}

static void push(struct xf_pager *pager, const struct xf_stanza *stanza)
{
    struct xf_simple *simple = pager->simple;
    struct xf_pair_load *load = load_of(simple, stanza);
    add(&load->held, xf_stanza_queue_push(&pager->queue, stanza, simple->env->clock->now_ms));
    xf_place_weigh(&load->place, load->held.bytes);
}

/* Take it out of the queue, where it is not under way (any more); the caller frees it. */
static void take_out(struct xf_pager *pager, struct xf_stanza_copy *copy)
{
    struct xf_simple *simple = pager->simple;
    struct xf_stanza stanza;
    struct xf_pair_key key;
    xf_stanza_queue_remove(&pager->queue, copy);
    xf_stanza_copy_read(copy, &stanza);
    struct xf_pair_load *load = load_of(simple, &stanza);
    subtract(&load->held, copy);
    xf_place_weigh(&load->place, load->held.bytes);
    if (load->held.count > 0)
        return;
    (void)xf_map_remove(simple->pairs, xf_pair_key(stanza.from.domain, stanza.to.domain, &key));
    xf_quota_give(&simple->pair_places, &load->place);
    xf_free(load);
}

/* The front is under way from now on, or no longer. */
static void mark_sent(const struct xf_pager *pager, bool is_sent)
{
    const struct xf_stanza_copy *copy = xf_stanza_queue_front(&pager->queue);
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    (is_sent ? add : subtract)(&load_of(pager->simple, &stanza)->sent, copy);
}

static void bounce_to(struct xf_pager *pager, struct xf_stanza_copy *copy,
                      enum xf_stanza_error error, struct xf_span address, const char *text)
{
    struct xf_simple *simple = pager->simple;
    struct xf_stanza stanza;
    take_out(pager, copy);
    xf_stanza_copy_read(copy, &stanza);
    simple->counts.bounced++;
    simple->events->bounced(simple->owner, &stanza, error, address, text);
    xf_free(copy);
}

static void bounce(struct xf_pager *pager, struct xf_stanza_copy *copy, enum xf_stanza_error error,
                   const char *text)
{
    bounce_to(pager, copy, error, XF_SPAN_NONE, text);
}

/* ------------------------------------------------------------------ one message */

static const struct xf_ua_client_events client_events;

static enum xf_err send_message(struct xf_pager *pager, const struct xf_stanza *stanza,
                                const struct xf_im *im)
{
    struct xf_simple *simple = pager->simple;
    char id[XF_ID_CHARS + 1], scratch[XF_JID_MAX + 1];
    const struct xf_jid from = xf_addresses_shown(stanza, scratch);
    xf_ua_make_id(simple->ua, id);
    xf_buf_clear(&simple->body);
    struct xf_draft body = xf_draft_begin(&simple->body);
    const char *type = xf_im_write_body(&body, im);
    if (xf_draft_end(&body) != XF_ERR_OK ||
        xf_addresses_write(simple, &from, &stanza->to) != XF_ERR_OK ||
        simple->body.len > xf_policy_peer(simple->policy, stanza->to.domain)->sip_body_bytes)
        return XF_ERR_LIMIT;
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_CONTENT_TYPE, .value = xf_span_of(type)},
        {.id = XF_SIP_H_SUBJECT, .value = im->subject},
        {.id = XF_SIP_H_CONTENT_LANGUAGE, .value = im->lang},
    };
    return xf_ua_send(simple->ua,
                      &(struct xf_ua_request){
                          .local = from.domain,
                          .peer = stanza->to.domain,
                          .method = XF_SIP_MESSAGE,
                          .uri = xf_buf_span(&simple->uri),
                          .from = xf_buf_span(&simple->from),
                          .to = xf_buf_span(&simple->to),
                          .call_id = im->thread.ptr ? im->thread : xf_span_of(id),
                          .cseq = 1,
                          .headers = headers,
                          .header_count = XF_ARRAY_LEN(headers),
                          .body = xf_buf_span(&simple->body),
                      },
                      &client_events, pager, &pager->client);
}

/* Why xf_ua_send refused it. */
static void bounce_unsent(struct xf_pager *pager, struct xf_stanza_copy *copy, enum xf_err err)
{
    if (err == XF_ERR_CLOSED)
        bounce(pager, copy, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT, "the gateway is shutting down");
    else if (err == XF_ERR_LIMIT)
        bounce(pager, copy, XF_STANZA_ERROR_POLICY_VIOLATION, "the message is too large for SIP");
    else
        bounce(pager, copy, XF_STANZA_ERROR_NOT_ACCEPTABLE, "SIP cannot carry the message");
}

/* ------------------------------------------------------------------ the queue */

static void free_pager(struct xf_pager *pager)
{
    (void)xf_map_remove(pager->simple->pagers, pager->to);
    xf_timer_stop(&pager->timer);
    xf_free(pager);
}

/* The oldest that waits for its turn. */
static struct xf_stanza_copy *oldest(const struct xf_pager *pager)
{
    struct xf_stanza_copy *front = xf_stanza_queue_front(&pager->queue);
    return front && pager->client ? xf_stanza_queue_next(&pager->queue, front) : front;
}

static uint64_t due_ms(const struct xf_pager *pager, const struct xf_stanza_copy *copy)
{
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    return copy->at_ms + xf_policy_peer(pager->simple->policy, stanza.to.domain)->queue_ms;
}

static void arm(struct xf_pager *pager)
{
    const struct xf_env *env = pager->simple->env;
    const struct xf_stanza_copy *copy = oldest(pager);
    if (!copy) {
        xf_timer_stop(&pager->timer);
        return;
    }
    uint64_t at_ms = due_ms(pager, copy), now_ms = env->clock->now_ms;
    xf_timer_start(env->timers, &pager->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

static void send_front(struct xf_pager *pager)
{
    struct xf_simple *simple = pager->simple;
    struct xf_stanza_copy *copy = xf_stanza_queue_front(&pager->queue);
    struct xf_stanza stanza;
    struct xf_im im;
    enum xf_stanza_error error;
    xf_stanza_copy_read(copy, &stanza);
    /* It was read before it was taken. */
    xf_require(xf_im_read_stanza(&stanza, &simple->texts, &im, &error) == XF_ERR_OK);
    pager->is_typing = im.kind == XF_IM_TYPING;
    enum xf_err err = send_message(pager, &stanza, &im);
    if (err == XF_ERR_OK)
        mark_sent(pager, true);
    if (err != XF_ERR_OK && pager->is_typing) {
        take_out(pager, copy);
        xf_free(copy);
    } else if (err != XF_ERR_OK) {
        bounce_unsent(pager, copy, err);
    }
}

/* Frees the pager when it has nothing to do any more. */
static void go_on(struct xf_pager *pager)
{
    while (!pager->client && !xf_stanza_queue_is_empty(&pager->queue))
        send_front(pager);
    if (xf_stanza_queue_is_empty(&pager->queue))
        free_pager(pager);
    else
        arm(pager);
}

static void on_timer(void *owner)
{
    struct xf_pager *pager = owner;
    uint64_t now_ms = pager->simple->env->clock->now_ms;
    struct xf_stanza_copy *copy;
    while ((copy = oldest(pager)) && due_ms(pager, copy) <= now_ms)
        bounce(pager, copy, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
               "the domain could not be reached in time");
    go_on(pager);
}

static struct xf_pager *new_pager(struct xf_simple *simple, struct xf_span to)
{
    struct xf_pager *pager = xf_alloc(sizeof(*pager) + to.len);
    char *text = (char *)(pager + 1);
    *pager = (struct xf_pager){.simple = simple, .to = {text, to.len}};
    memcpy(text, to.ptr, to.len);
    xf_stanza_queue_init(&pager->queue, simple->waiting);
    xf_timer_init(&pager->timer, on_timer, pager);
    (void)xf_map_set(simple->pagers, pager->to, pager);
    return pager;
}

/* ------------------------------------------------------------------ how it ended */

/* Why there is no answer, as in doc/ARCHITECTURE.md section 5. */
static enum xf_stanza_error error_of(enum xf_ua_cause cause)
{
    switch (cause) {
    case XF_UA_CAUSE_POLICY:
        return XF_STANZA_ERROR_NOT_ALLOWED;
    case XF_UA_CAUSE_NOT_FOUND:
    case XF_UA_CAUSE_NO_SERVICE:
        return XF_STANZA_ERROR_REMOTE_SERVER_NOT_FOUND;
    case XF_UA_CAUSE_BUSY:
        return XF_STANZA_ERROR_RESOURCE_CONSTRAINT;
    default:
        return XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT;
    }
}

static void bounce_answered(struct xf_pager *pager, struct xf_stanza_copy *copy,
                            const struct xf_sip_message *answer)
{
    char text[XF_INTERWORK_TEXT_BYTES];
    struct xf_stanza stanza;
    xf_stanza_copy_read(copy, &stanza);
    struct xf_span diagnostics = xf_sip_value(answer, XF_SIP_H_MS_DIAGNOSTICS_PUBLIC);
    if (!diagnostics.ptr)
        diagnostics = xf_sip_value(answer, XF_SIP_H_MS_DIAGNOSTICS);
    bounce_to(pager, copy, xf_interwork_condition_of(answer->status),
              xf_addresses_read_moved(pager->simple, stanza.to.domain, answer),
              xf_interwork_error_text(answer->status, answer->reason, diagnostics, text));
}

static void deliver(struct xf_pager *pager, struct xf_stanza_copy *copy)
{
    struct xf_simple *simple = pager->simple;
    struct xf_stanza stanza;
    take_out(pager, copy);
    xf_stanza_copy_read(copy, &stanza);
    simple->counts.messages_out++;
    simple->events->delivered(simple->owner, &stanza);
    xf_free(copy);
}

static void on_done(void *owner, struct xf_ua_client *client, const struct xf_ua_outcome *outcome)
{
    struct xf_pager *pager = owner;
    struct xf_stanza_copy *copy = xf_stanza_queue_front(&pager->queue);
    (void)client;
    pager->client = NULL;
    mark_sent(pager, false);
    if (pager->is_typing) {
        take_out(pager, copy);
        xf_free(copy);
    } else if (!outcome->answer) {
        bounce(pager, copy, error_of(outcome->cause), outcome->text);
    } else if (outcome->answer->status >= 300) {
        bounce_answered(pager, copy, outcome->answer);
    } else {
        deliver(pager, copy);
    }
    go_on(pager);
}

static const struct xf_ua_client_events client_events = {.done = on_done};

/* ------------------------------------------------------------------ for simple */

static bool refuse(enum xf_stanza_error error, const char *text, enum xf_stanza_error *out_error,
                   const char **out_text)
{
    *out_error = error;
    *out_text = text;
    return false;
}

bool xf_pager_take(struct xf_simple *simple, const struct xf_stanza *stanza,
                   enum xf_stanza_error *out_error, const char **out_text)
{
    struct xf_im im;
    struct xf_span to = xf_jid_bare(&stanza->to);
    if (xf_im_read_stanza(stanza, &simple->texts, &im, out_error) != XF_ERR_OK)
        return refuse(*out_error,
                      *out_error == XF_STANZA_ERROR_NOT_ACCEPTABLE
                          ? "messages of a room do not pass by SIP"
                          : "the message is too large for SIP",
                      out_error, out_text);
    struct xf_pager *pager = xf_map_find(simple->pagers, to);
    if (im.kind == XF_IM_NOTHING || (im.kind == XF_IM_TYPING && (pager || simple->is_finished)))
        return true;
    if (simple->is_finished)
        return refuse(XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT, "the gateway is shutting down",
                      out_error, out_text);
    if (!has_room(simple, stanza) && im.kind == XF_IM_TYPING)
        return true;
    if (!has_room(simple, stanza))
        return refuse(XF_STANZA_ERROR_RESOURCE_CONSTRAINT, "too many stanzas wait for this domain",
                      out_error, out_text);
    if (!pager)
        pager = new_pager(simple, to);
    push(pager, stanza);
    if (pager->client)
        arm(pager);
    else
        go_on(pager);
    return true;
}

/* The one under way stays: its end is awaited, or comes by xf_ua_cut. */
void xf_pager_finish(struct xf_simple *simple)
{
    size_t cursor = 0;
    void *value = NULL;
    while (xf_map_next(simple->pagers, &cursor, NULL, &value)) {
        struct xf_pager *pager = value;
        struct xf_stanza_copy *copy;
        while ((copy = oldest(pager)))
            bounce(pager, copy, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                   "the gateway is shutting down");
        go_on(pager);
    }
}

static bool is_at(const struct xf_pager *pager, struct xf_span peer)
{
    const char *at = memrchr(pager->to.ptr, '@', pager->to.len);
    const char *domain = at ? at + 1 : pager->to.ptr, *end = pager->to.ptr + pager->to.len;
    return xf_span_eq((struct xf_span){domain, (size_t)(end - domain)}, peer);
}

size_t xf_pager_flush(struct xf_simple *simple, struct xf_span peer)
{
    size_t cursor = 0, flushed = 0;
    void *value = NULL;
    while (xf_map_next(simple->pagers, &cursor, NULL, &value)) {
        struct xf_pager *pager = value;
        struct xf_stanza_copy *copy;
        if (!is_at(pager, peer))
            continue;
        for (; (copy = oldest(pager)); flushed++)
            bounce(pager, copy, XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT,
                   "the domain could not be reached in time");
        go_on(pager);
    }
    return flushed;
}

bool xf_pager_is_idle(const struct xf_simple *simple)
{
    return xf_map_count(simple->pagers) == 0;
}

void xf_pager_init(struct xf_simple *simple, struct xf_stanza_sum *waiting)
{
    simple->waiting = waiting;
    simple->pagers = xf_map_new();
    simple->pairs = xf_map_new();
    xf_quota_init(&simple->pair_places, NULL);
    xf_buf_init(&simple->texts, TEXTS_MAX);
    xf_buf_init(&simple->body, BODY_MAX);
}

void xf_pager_fini(struct xf_simple *simple)
{
    xf_map_free(&simple->pagers);
    xf_map_free(&simple->pairs);
    xf_quota_fini(&simple->pair_places);
    xf_buf_release(&simple->texts);
    xf_buf_release(&simple->body);
}
