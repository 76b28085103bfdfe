/* SPDX-License-Identifier: MIT */
/*
 * notifier_notify.c — dialogs of watches, and NOTIFY in them (RFC 6665 section 4.2.2).
 *
 * A NOTIFY always tells the whole state at the time when it is sent. What its answer means:
 *
 *     2xx              the device knows
 *     "gone" (is_gone) the dialog is over, by the list of RFC 6665
 *     not now          (is_for_now) the dialog goes on; the state is told again, ever more rarely
 *     another failure  the dialog goes on; the next change, or refresh, tells the state anew
 *     no answer        the dialog is over
 *     it reached nobody (no conn, no server, or its turn at sip-rate did not come in time)
 *                      again after the interval, for as long as an answer would be awaited; then
 *                      the dialog is over
 */
#include "notifier_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/xmpp/owner.h>

#define STATE_BYTES 64
#define FIRST_MS    30000 /* behind an answer that says not now; doubles */
#define LAST_MS     3600000
#define DOUBLINGS   7

static const struct xf_ua_client_events client_events;

static uint64_t now_of(const struct xf_notifier_dialog *dialog)
{
    return dialog->watch->simple->env->clock->now_ms;
}

/* ------------------------------------------------------------------ life */

struct xf_notifier_dialog *xf_notifier_dialog_new(struct xf_notifier_watch *watch,
                                                  const struct xf_dialog *value,
                                                  struct xf_span event_id)
{
    struct xf_notifier_dialog *dialog = xf_new(struct xf_notifier_dialog);
    char id[XF_NOTIFIER_EVENT_ID_MAX + 1];
    dialog->watch = watch;
    (void)snprintf(dialog->tag, sizeof(dialog->tag), "%s", value->local_tag);
    (void)snprintf(id, sizeof(id), "%.*s", XF_SPAN_ARGS(event_id));
    xf_notifier_dialog_put(dialog, value, id);
    xf_list_push(&watch->dialogs, &dialog->node);
    (void)xf_map_set(watch->simple->notifier->by_tag, xf_span_of(dialog->tag), dialog);
    if (watch->dialog_count++ > 0) /* the watch itself counts as one */
        xf_notifier_limits_count(watch->simple, xf_notifier_peer(watch), 1, 0);
    watch->live_count++;
    watch->simple->counts.subscriptions_in++;
    return dialog;
}

void xf_notifier_dialog_free(struct xf_notifier_dialog *dialog)
{
    struct xf_notifier_watch *watch = dialog->watch;
    if (dialog->client)
        xf_ua_disown(dialog->client);
    if (--watch->dialog_count > 0)
        xf_notifier_limits_count(watch->simple, xf_notifier_peer(watch), -1, 0);
    (void)xf_map_remove(watch->simple->notifier->by_tag, xf_span_of(dialog->tag));
    xf_list_remove(&dialog->node);
    xf_free(dialog->packed);
    xf_free(dialog);
}

static void fire(struct xf_notifier_dialog *dialog, enum xf_notifier_dialog_event event)
{
    xf_machine_fire(&xf_notifier_dialog_machine, dialog, event);
}

/* Nothing may refresh it any more. */
static void retire(struct xf_notifier_dialog *dialog)
{
    xf_notifier_dialog_drop(dialog);
    dialog->watch->live_count--;
    dialog->watch->simple->counts.subscriptions_in--;
}

static void leave_if_last(struct xf_notifier_watch *watch)
{
    if (watch->live_count == 0)
        xf_notifier_fire(watch, XF_NOTIFIER_ON_LEAVE);
}

void xf_notifier_dialog_tell(struct xf_notifier_dialog *dialog)
{
    fire(dialog, XF_NOTIFIER_DIALOG_ON_TELL);
}

void xf_notifier_dialog_end(struct xf_notifier_dialog *dialog, enum xf_notifier_end end)
{
    struct xf_notifier_watch *watch = dialog->watch;
    dialog->end =
        end == XF_NOTIFIER_END_CLOSED && !watch->is_active ? XF_NOTIFIER_END_TIMEOUT : end;
    retire(dialog);
    fire(dialog, XF_NOTIFIER_DIALOG_ON_END);
    leave_if_last(watch);
}

void xf_notifier_dialog_lose(struct xf_notifier_dialog *dialog)
{
    struct xf_notifier_watch *watch = dialog->watch;
    bool was_live = xf_notifier_dialog_is_live(dialog);
    if (was_live)
        retire(dialog);
    fire(dialog, XF_NOTIFIER_DIALOG_ON_LOSE);
    if (was_live)
        leave_if_last(watch);
}

void xf_notifier_dialog_part(struct xf_notifier_dialog *dialog)
{
    xf_notifier_dialog_free(dialog);
}

void xf_notifier_dialog_part_unsent(struct xf_notifier_dialog *dialog)
{
    fire(dialog, XF_NOTIFIER_DIALOG_ON_DONE);
}

/* ------------------------------------------------------------------ what a NOTIFY says */

static void write_state(const struct xf_notifier_dialog *dialog, bool is_last,
                        char out[STATE_BYTES])
{
    uint64_t now_ms = now_of(dialog);
    unsigned long long left_s =
        dialog->expires_ms > now_ms ? (dialog->expires_ms - now_ms + 999) / 1000 : 0;
    if (is_last)
        (void)snprintf(out, STATE_BYTES, "terminated;reason=%s",
                       dialog->end == XF_NOTIFIER_END_REJECTED ? "rejected" : "timeout");
    else
        (void)snprintf(out, STATE_BYTES, "%s;expires=%llu",
                       dialog->watch->is_active ? "active" : "pending", left_s);
}

/* With as many resources as fit: the most available ones come first. */
static struct xf_span write_document(struct xf_notifier_watch *watch, bool is_closed)
{
    struct xf_pidf_resource resources[XF_NOTIFIER_RESOURCES_MAX];
    struct xf_env *env = watch->simple->env;
    struct xf_buf *out = &watch->simple->notifier->document;
    const struct xf_jid user = xf_notifier_user(watch);
    size_t count = is_closed ? 0 : xf_notifier_resources_list(watch, resources);
    int64_t at_ms = xf_pidf_next_time(&watch->written_ms, env->unix_s(env) * 1000);
    xf_buf_clear(out);
    while (xf_pidf_write(out, &user, resources, count, at_ms) != XF_ERR_OK && count > 0)
        count /= 2;
    return xf_buf_span(out);
}

static struct xf_span body_of(const struct xf_notifier_dialog *dialog, bool is_last)
{
    struct xf_notifier_watch *watch = dialog->watch;
    bool is_known = watch->is_active && watch->resources;
    bool is_closed = is_last && dialog->end == XF_NOTIFIER_END_CLOSED;
    bool has_one = is_last && dialog->end != XF_NOTIFIER_END_POLL ? is_closed : is_known;
    return has_one ? write_document(watch, is_closed) : XF_SPAN_NONE;
}

static enum xf_err send_as(struct xf_notifier_dialog *dialog, struct xf_dialog *value, bool is_last)
{
    struct xf_notifier_watch *watch = dialog->watch;
    struct xf_simple *simple = watch->simple;
    char event[XF_NOTIFIER_EVENT_ID_MAX + 16], state[STATE_BYTES];
    const char *id = xf_notifier_dialog_event_id(dialog);
    const struct xf_jid user = xf_notifier_user(watch);
    struct xf_ua_request request;
    if (!xf_dialog_request(value, XF_SIP_NOTIFY, &request) ||
        xf_addresses_write_contact(simple, &user, request.peer) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    (void)snprintf(event, sizeof(event), "presence%s%s", *id ? ";id=" : "", id);
    write_state(dialog, is_last, state);
    request.body = body_of(dialog, is_last);
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_EVENT, .value = xf_span_of(event)},
        {.id = XF_SIP_H_SUBSCRIPTION_STATE, .value = xf_span_of(state)},
        {.id = XF_SIP_H_CONTENT_TYPE,
         .value = request.body.ptr ? XF_SPAN("application/pidf+xml") : XF_SPAN_NONE},
    };
    request.contact = xf_buf_span(&simple->contact);
    request.headers = headers;
    request.header_count = XF_ARRAY_LEN(headers);
    if (request.body.ptr)
        watch->next_ms = now_of(dialog) + simple->settings.notify_interval_ms;
    return xf_ua_send(simple->ua, &request, &client_events, dialog, &dialog->client);
}

static bool send_notify(struct xf_notifier_dialog *dialog, bool is_last)
{
    struct xf_dialog value;
    xf_notifier_dialog_unpack(dialog, &value);
    enum xf_err err = send_as(dialog, &value, is_last);
    xf_notifier_dialog_pack(dialog, &value);
    if (!is_last && value.local_cseq > dialog->kept_cseq)
        xf_notifier_dialog_keep(dialog);
    xf_dialog_fini(&value);
    return err == XF_ERR_OK;
}

/* ------------------------------------------------------------------ how it ended */

static void try_later(struct xf_notifier_dialog *dialog)
{
    uint64_t now_ms = now_of(dialog);
    if (!dialog->failing_ms)
        dialog->failing_ms = now_ms;
    dialog->retry_ms = now_ms + dialog->watch->simple->settings.notify_interval_ms;
}

static bool has_failed_long(const struct xf_notifier_dialog *dialog)
{
    return dialog->failing_ms && now_of(dialog) - dialog->failing_ms >= XF_UA_T_MS;
}

/* The states say OWING or ENDING: what could not be sent is tried again, or parts, in time. */
void xf_notifier_dialog_send(struct xf_notifier_dialog *dialog)
{
    dialog->retry_ms = 0;
    if (send_notify(dialog, false))
        return;
    try_later(dialog);
    fire(dialog, XF_NOTIFIER_DIALOG_ON_DONE);
}

void xf_notifier_dialog_send_last(struct xf_notifier_dialog *dialog)
{
    (void)!send_notify(dialog, true);
}

static void log_lost(const struct xf_notifier_dialog *dialog, unsigned status, const char *reason)
{
    struct xf_env *env = dialog->watch->simple->env;
    struct xf_span peer = xf_notifier_peer(dialog->watch);
    enum xf_log_level level =
        xf_lines_level(env, XF_LINES_PEERS, xf_domain_owner(peer), XF_LOG_INFO, "sip.watch.lost");
    const struct xf_jid user = xf_notifier_user(dialog->watch);
    xf_log(level, "sip.watch.lost", XF_SPN("local", user.domain), XF_SPN("peer", peer),
           XF_INT("status", status), XF_STR("reason", reason));
}

void xf_notifier_dialog_retry(struct xf_notifier_dialog *dialog)
{
    dialog->retry_ms = 0;
    if (has_failed_long(dialog)) {
        log_lost(dialog, 0, "unreachable");
        xf_notifier_dialog_lose(dialog);
    } else {
        xf_notifier_dialog_tell(dialog);
    }
}

/* RFC 6665 section 4.2.2. */
static bool is_gone(unsigned status)
{
    static const unsigned gone[] = {404, 405, 410, 416, 489, 501, 604};
    for (size_t i = 0; i < XF_ARRAY_LEN(gone); i++)
        if (status == gone[i])
            return true;
    return status >= 480 && status <= 485;
}

/* The other side, or a server on the way, cannot take it at the moment. */
static bool is_for_now(const struct xf_sip_message *answer)
{
    return answer->status == 408 || (answer->status >= 500 && answer->status < 600) ||
           (answer->status >= 300 && answer->retry_after_s > 0);
}

static void try_again(struct xf_notifier_dialog *dialog, int64_t retry_after_s)
{
    bool says_when = retry_after_s > 0;
    uint64_t first_ms =
        says_when ? dialog->watch->simple->settings.notify_interval_ms : (uint64_t)FIRST_MS;
    uint64_t wait_ms = first_ms << dialog->refusals;
    if (wait_ms > LAST_MS)
        wait_ms = LAST_MS;
    if (says_when && (uint64_t)retry_after_s * 1000 > wait_ms)
        wait_ms = (uint64_t)retry_after_s * 1000;
    if (dialog->refusals < DOUBLINGS)
        dialog->refusals++;
    dialog->retry_ms = now_of(dialog) + wait_ms;
}

/* False: the dialog was lost, and is freed. What a stop cuts off goes on in the next process. */
static bool take_outcome(struct xf_notifier_dialog *dialog, const struct xf_ua_outcome *outcome)
{
    unsigned status = outcome->answer ? outcome->answer->status : 0;
    bool is_over = (outcome->cause == XF_UA_CAUSE_TIMEOUT && !outcome->is_unsent) ||
                   outcome->cause == XF_UA_CAUSE_POLICY;
    if (status && status < 300) {
        dialog->watch->simple->counts.notifies_out++;
        dialog->refusals = 0;
    }
    if (status)
        dialog->failing_ms = 0;
    else if (!is_over)
        try_later(dialog);
    if (status && is_for_now(outcome->answer))
        try_again(dialog, outcome->answer->retry_after_s);
    if (!is_gone(status) && !is_over)
        return true;
    log_lost(dialog, status, xf_ua_cause_word(outcome->cause));
    xf_notifier_dialog_lose(dialog);
    return false;
}

static void on_done(void *owner, struct xf_ua_client *client, const struct xf_ua_outcome *outcome)
{
    struct xf_notifier_dialog *dialog = owner;
    struct xf_notifier_watch *watch = dialog->watch;
    (void)client;
    dialog->client = NULL;
    watch->is_held = true;
    if (take_outcome(dialog, outcome))
        fire(dialog, XF_NOTIFIER_DIALOG_ON_DONE);
    watch->is_held = false;
    xf_notifier_settle(watch);
}

static const struct xf_ua_client_events client_events = {.done = on_done};
