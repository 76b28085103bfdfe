/* SPDX-License-Identifier: MIT */
/*
 * subscriber_requests.c — SUBSCRIBEs of ours: the one that asks for a dialog, refreshes in it, the
 * one that ends it; and what their answers mean (RFC 6665 section 4.1.2, RFC 8048 section 5.2.2).
 */
#include "subscriber_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>

#define SUSPENDED_MS 3600000 /* so often policy is asked again, besides reloads */

static const struct xf_ua_client_events client_events;

/* ------------------------------------------------------------------ the end of a dialog */

/* What becomes of the request under way, if there is one, nobody wants to know any more. */
static void disown(struct xf_subscription *sub)
{
    if (sub->client)
        xf_ua_disown(sub->client);
    sub->client = NULL;
}

void xf_subscription_forget(struct xf_subscription *sub)
{
    disown(sub);
    if (sub->tag[0])
        (void)xf_map_remove(sub->simple->subscriber.by_tag, xf_span_of(sub->tag));
    sub->tag[0] = sub->call_id[0] = '\0';
    xf_free(sub->dialog);
    sub->dialog = NULL;
    sub->dialog_len = 0;
    sub->has_expiry = sub->is_raised = sub->is_refreshing = false;
    sub->notify_by_ms = UINT64_MAX;
    xf_turns_leave(&sub->turn);
}

void xf_subscription_release(struct xf_subscription *sub)
{
    xf_subscription_forget(sub);
    xf_timer_stop(&sub->timer);
    xf_list_remove(&sub->untold);
    if (xf_place_is_held(&sub->place))
        xf_subscription_count(sub, -1);
    xf_quota_give(&sub->simple->subscriber.quota, &sub->place);
    (void)xf_map_remove(sub->simple->subscriber.by_pair, sub->key);
    xf_free(sub->payload);
    xf_free(sub);
}

void xf_subscription_free(struct xf_subscription *sub)
{
    xf_subscription_unsave(sub);
    xf_subscription_release(sub);
}

/* ------------------------------------------------------------------ sending */

static enum xf_err send_subscribe(struct xf_subscription *sub, struct xf_ua_request *request,
                                  const struct xf_jid *user, uint32_t expires_s)
{
    struct xf_simple *simple = sub->simple;
    char seconds[16];
    (void)snprintf(seconds, sizeof(seconds), "%u", expires_s);
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_EVENT, .value = XF_SPAN("presence")},
        {.id = XF_SIP_H_ACCEPT, .value = XF_SPAN(XF_PIDF_TYPE)},
        {.id = XF_SIP_H_EXPIRES, .value = xf_span_of(seconds)},
    };
    enum xf_err err = xf_addresses_write_contact(simple, user, request->peer);
    if (err != XF_ERR_OK)
        return err;
    request->contact = xf_buf_span(&simple->contact);
    request->headers = headers;
    request->header_count = XF_ARRAY_LEN(headers);
    return xf_ua_send(simple->ua, request, &client_events, sub, &sub->client);
}

/* What to ask for: as set, or as much as the peer wants at least. */
static uint32_t wanted_s(const struct xf_subscription *sub)
{
    uint64_t set_s = sub->simple->settings.subscribe_ms / 1000;
    return set_s > sub->expires_s ? (uint32_t)set_s : sub->expires_s;
}

static void prepare(struct xf_span bare, char scratch[XF_JID_MAX + 1], struct xf_jid *out_jid)
{
    xf_require(xf_jid_prepare(bare, scratch, out_jid) == XF_ERR_OK);
}

static enum xf_err send_first(struct xf_subscription *sub)
{
    struct xf_simple *simple = sub->simple;
    struct xf_stanza_scratch scratch;
    struct xf_jid user, contact;
    prepare(xf_subscription_user(sub), scratch.from, &user);
    prepare(xf_subscription_contact(sub), scratch.to, &contact);
    enum xf_err err = xf_addresses_write(simple, &user, &contact);
    if (err != XF_ERR_OK)
        return err;
    memcpy(sub->tag, simple->tag, sizeof(sub->tag));
    xf_ua_make_id(simple->ua, sub->call_id);
    (void)xf_map_set(simple->subscriber.by_tag, xf_span_of(sub->tag), sub);
    sub->requested_s = wanted_s(sub);
    return send_subscribe(sub,
                          &(struct xf_ua_request){
                              .local = user.domain,
                              .peer = contact.domain,
                              .method = XF_SIP_SUBSCRIBE,
                              .uri = xf_buf_span(&simple->uri),
                              .from = xf_buf_span(&simple->from),
                              .to = xf_buf_span(&simple->to),
                              .call_id = xf_span_of(sub->call_id),
                              .cseq = 1,
                          },
                          &user, sub->requested_s);
}

/* In the dialog. XF_ERR_LIMIT too: CSeq has no next number. */
static enum xf_err send_within(struct xf_subscription *sub, uint32_t expires_s)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid user;
    struct xf_dialog dialog = {0};
    struct xf_ua_request request;
    if (!xf_subscription_open(sub, &dialog))
        return XF_ERR_BAD_VALUE;
    prepare(xf_subscription_user(sub), scratch, &user);
    enum xf_err err = xf_dialog_request(&dialog, XF_SIP_SUBSCRIBE, &request)
                          ? send_subscribe(sub, &request, &user, expires_s)
                          : XF_ERR_LIMIT;
    xf_subscription_close(sub, &dialog);
    return err;
}

void xf_subscription_ask(struct xf_subscription *sub)
{
    sub->asked_ms = sub->simple->env->clock->now_ms;
    sub->due_ms = UINT64_MAX;
    if (send_first(sub) != XF_ERR_OK)
        xf_subscription_lose(sub, 0, false);
}

void xf_subscription_refresh(struct xf_subscription *sub)
{
    disown(sub); /* a NOTIFY made the dialog, and the SUBSCRIBE has no answer yet */
    sub->due_ms = UINT64_MAX;
    sub->requested_s = wanted_s(sub);
    enum xf_err err = send_within(sub, sub->requested_s);
    sub->is_refreshing = err == XF_ERR_OK;
    if (err == XF_ERR_OK)
        xf_subscription_expect_notify(sub);
    if (err == XF_ERR_CLOSED)
        xf_subscription_retry(sub, 0);
    else if (err != XF_ERR_OK)
        xf_subscription_lose(sub, 0, false);
}

void xf_subscription_leave(struct xf_subscription *sub)
{
    disown(sub);
    sub->due_ms = sub->expires_ms = UINT64_MAX;
    xf_turns_leave(&sub->turn);
    if (send_within(sub, 0) != XF_ERR_OK)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_LEFT);
}

/* Where we may still write to the peer it is told; whatever it answers. */
void xf_subscription_suspend(struct xf_subscription *sub)
{
    struct xf_span peer = xf_simple_domain_of(xf_subscription_contact(sub));
    disown(sub);
    if (sub->dialog &&
        xf_simple_reaches(sub->simple, xf_subscription_user(sub), peer, XF_DIRECTION_OUT))
        (void)!send_within(sub, 0);
    sub->delay_ms = SUSPENDED_MS;
    xf_subscription_rest(sub);
}

/* ------------------------------------------------------------------ answers */

static void refreshed(struct xf_subscription *sub, const struct xf_sip_message *answer)
{
    struct xf_dialog dialog = {0};
    if (xf_subscription_open(sub, &dialog)) {
        (void)!xf_dialog_refresh(&dialog, answer); /* else the target stays as it was */
        xf_subscription_close(sub, &dialog);
    }
    sub->failures = 0;
    if (answer->status == 204) /* no NOTIFY follows (RFC 5839) */
        sub->notify_by_ms = UINT64_MAX;
    xf_subscription_grant(sub, answer->expires_s);
}

static void accepted(struct xf_subscription *sub, const struct xf_sip_message *answer)
{
    sub->is_raised = false;
    if (sub->state != XF_SUBSCRIPTION_ASKED && sub->is_refreshing) {
        refreshed(sub, answer);
    } else if (sub->state != XF_SUBSCRIPTION_ASKED) { /* the NOTIFY came before it */
        if (!sub->has_expiry)
            xf_subscription_grant(sub, answer->expires_s);
    } else {
        if (answer->expires_s != XF_SIP_ABSENT && answer->expires_s < sub->requested_s)
            sub->requested_s = (uint32_t)answer->expires_s;
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_ACCEPTED);
    }
}

static void failed(struct xf_subscription *sub, uint64_t least_ms)
{
    sub->notify_by_ms = UINT64_MAX;
    if (xf_subscription_has_dialog(sub))
        xf_subscription_retry(sub, least_ms);
    else
        xf_subscription_lose(sub, least_ms, false);
}

/* 423: once in a row, and within a day. */
static void too_short(struct xf_subscription *sub, const struct xf_sip_message *answer)
{
    int64_t least_s = answer->min_expires_s;
    if (sub->is_raised || least_s <= sub->requested_s ||
        xf_subscription_wait_ms(least_s) < (uint64_t)least_s * 1000) {
        failed(sub, 0);
        return;
    }
    sub->expires_s = (uint32_t)least_s;
    if (xf_subscription_has_dialog(sub))
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_DUE);
    else
        xf_subscription_lose(sub, 0, true);
    sub->is_raised = true;
}

/* Which answers to a refresh end the subscription: RFC 6665 section 4.1.2.2. */
static void refused(struct xf_subscription *sub, const struct xf_sip_message *answer)
{
    uint64_t least_ms = xf_subscription_wait_ms(answer->retry_after_s);
    switch (answer->status) {
    case 403:
    case 489:
    case 603:
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_REFUSED);
        return;
    case 404:
    case 410:
    case 604:
        xf_subscription_miss(sub);
        return;
    case 423:
        too_short(sub, answer);
        return;
    case 481:
        xf_subscription_lose(sub, 0, xf_subscription_has_dialog(sub));
        return;
    case 405:
    case 416:
    case 480:
    case 482:
    case 483:
    case 484:
    case 485:
    case 501:
        xf_subscription_lose(sub, least_ms, false);
        return;
    default:
        failed(sub, least_ms);
    }
}

static void on_done(void *owner, struct xf_ua_client *client, const struct xf_ua_outcome *outcome)
{
    struct xf_subscription *sub = owner;
    (void)client;
    sub->client = NULL;
    if (sub->state == XF_SUBSCRIPTION_ENDING)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_LEFT);
    else if (!outcome->answer)
        failed(sub, 0);
    else if (outcome->answer->status < 300)
        accepted(sub, outcome->answer);
    else
        refused(sub, outcome->answer);
    xf_subscription_run(sub);
}

static const struct xf_ua_client_events client_events = {.done = on_done};
