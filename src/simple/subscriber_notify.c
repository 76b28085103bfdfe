/* SPDX-License-Identifier: MIT */
/*
 * subscriber_notify.c — NOTIFY of peers (RFC 6665 section 4.1.3, RFC 8048 section 5.2.1).
 *
 * It is answered at once, and then takes effect; one that is refused has no effect on what a user
 * sees, so that neither a bad document nor somebody else's request can change or end that. Only the
 * end of a subscription counts whatever its document is like.
 */
#include "subscriber_priv.h"

#include <xfed/base/log.h>
#include <xfed/xmpp/owner.h>

/* What a NOTIFY is about. */
struct notice {
    struct xf_subscription *sub; /* NULL: nothing of ours */
    struct xf_dialog dialog;     /* as it is with this request, unless ... */
    bool is_same;                /* ... only the CSeq of the peer is another one */
    struct xf_pidf pidf;
    bool has_pidf;
};

/* ------------------------------------------------------------------ answers */

static const char *words_of(unsigned status)
{
    switch (status) {
    case 400:
        return "a header that it needs is missing, or the document is not well-formed";
    case 413:
        return "the document is too large";
    case 415:
        return "the body is no PIDF document";
    case 481:
        return "there is no such subscription";
    case 489:
        return "it is not about presence";
    default:
        return "it is older than one that was taken";
    }
}

static void log_refused(struct xf_simple *simple, const struct xf_ua_server *server,
                        unsigned status)
{
    struct xf_span peer = xf_ua_server_peer(server);
    xf_log(xf_lines_level(simple->env, XF_LINES_PEERS, xf_domain_owner(peer), XF_LOG_INFO,
                          "sip.notify.refused"),
           "sip.notify.refused", XF_SPN("local", xf_ua_server_local(server)), XF_SPN("peer", peer),
           XF_INT("status", status), XF_STR("detail", words_of(status)));
}

static void answer(struct xf_simple *simple, struct xf_ua_server *server, unsigned status)
{
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_ACCEPT, .value = status == 415 ? XF_SPAN(XF_PIDF_TYPE) : XF_SPAN_NONE},
        {.id = XF_SIP_H_OTHER,
         .name = "Accept-Encoding",
         .value = status == 415 ? XF_SPAN("identity") : XF_SPAN_NONE},
        {.id = XF_SIP_H_OTHER,
         .name = "Allow-Events",
         .value = status == 489 ? XF_SPAN("presence") : XF_SPAN_NONE},
    };
    if (status == 200) {
        simple->counts.notifies_in++;
    } else {
        simple->counts.notifies_refused++;
        log_refused(simple, server, status);
    }
    /* That its conn is gone is as good: nobody waits for the answer. */
    (void)!xf_ua_answer(server, &(struct xf_ua_answer){.status = status,
                                                       .headers = headers,
                                                       .header_count = XF_ARRAY_LEN(headers)});
}

/* ------------------------------------------------------------------ checks */

static struct xf_subscription *find(struct xf_simple *simple, struct xf_ua_server *server,
                                    const struct xf_sip_message *request)
{
    struct xf_subscription *sub =
        request->to.tag.ptr ? xf_map_find(simple->subscriber.by_tag, request->to.tag) : NULL;
    if (!sub || !xf_span_is(request->call_id, sub->call_id) ||
        !xf_span_eq(xf_ua_server_from(server), xf_simple_domain_of(xf_subscription_contact(sub))) ||
        !xf_span_eq(xf_ua_server_local(server), xf_simple_domain_of(xf_subscription_user(sub))))
        return NULL;
    return sub;
}

/*
 * The dialog as it is with this request. A second branch of a fork gets 481 (RFC 3856 section
 * 6.9).
 */
static unsigned check_dialog(struct notice *notice, const struct xf_sip_message *request)
{
    struct xf_subscription *sub = notice->sub;
    if (!sub->dialog) {
        enum xf_err err =
            xf_dialog_from_notify(&notice->dialog, xf_simple_domain_of(xf_subscription_user(sub)),
                                  xf_simple_domain_of(xf_subscription_contact(sub)), request, 1);
        return err == XF_ERR_OK ? 0 : 400;
    }
    unsigned status =
        xf_dialog_look((struct xf_span){sub->dialog, sub->dialog_len}, request, &notice->is_same);
    if (status || notice->is_same)
        return status;
    if (!xf_subscription_open(sub, &notice->dialog))
        return 481;
    status = xf_dialog_take(&notice->dialog, request);
    if (!status && xf_dialog_refresh(&notice->dialog, request) != XF_ERR_OK)
        status = 400;
    return status;
}

static unsigned read_document(struct notice *notice, const struct xf_sip_message *request)
{
    const struct xf_sip_media *type = &request->content_type;
    const struct xf_simple *simple = notice->sub->simple;
    struct xf_span peer = xf_simple_domain_of(xf_subscription_contact(notice->sub));
    struct xf_span lang;
    struct xf_sip_values langs = xf_sip_values_begin(request, XF_SIP_H_CONTENT_LANGUAGE);
    if (request->body.len == 0)
        return 0;
    if (xf_sip_is_encoded(request) || !type->type.ptr ||
        !xf_span_eq_nocase(type->type, XF_SPAN("application")) ||
        !xf_span_eq_nocase(type->subtype, XF_SPAN("pidf+xml")))
        return 415;
    (void)xf_sip_values_next(&langs, &lang);
    enum xf_pidf_busy busy =
        xf_policy_peer(simple->policy, peer)->sip_dnd ? XF_PIDF_BUSY_DND : XF_PIDF_BUSY_AWAY;
    enum xf_err err = xf_pidf_read(request->body, lang, busy, &notice->pidf);
    notice->has_pidf = err == XF_ERR_OK;
    return err == XF_ERR_OK ? 0 : err == XF_ERR_LIMIT ? 413 : 400;
}

/* 0, or the status to answer with. */
static unsigned check(struct notice *notice, const struct xf_sip_message *request)
{
    if (!request->event.package.ptr || !request->subscription_state.state_text.ptr)
        return 400;
    if (!xf_span_is(request->event.package, "presence") || request->event.id.ptr)
        return 489;
    unsigned status = check_dialog(notice, request);
    if (status)
        return status;
    notice->sub->notify_by_ms = UINT64_MAX; /* the notifier still has it, whatever it says */
    status = read_document(notice, request);
    bool is_end = request->subscription_state.state == XF_SIP_SUB_TERMINATED;
    return is_end ? 0 : status;
}

/* ------------------------------------------------------------------ what it does */

static void show(struct notice *notice)
{
    if (notice->has_pidf)
        xf_subscription_show(notice->sub, &notice->pidf.availability);
}

/* RFC 6665 section 4.1.3. */
static void terminate(struct notice *notice, const struct xf_sip_subscription_state *state)
{
    struct xf_subscription *sub = notice->sub;
    uint64_t least_ms = xf_subscription_wait_ms(state->retry_after_s);
    if (xf_span_eq_nocase(state->reason, XF_SPAN("rejected"))) {
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_REFUSED);
        return;
    }
    if (xf_span_eq_nocase(state->reason, XF_SPAN("noresource"))) {
        xf_subscription_miss(sub);
        return;
    }
    if (sub->state != XF_SUBSCRIPTION_PENDING) /* what it says last, also to a poll */
        show(notice);
    if (xf_span_eq_nocase(state->reason, XF_SPAN("invariant"))) {
        xf_subscription_lose(sub, xf_subscription_wait_ms(INT32_MAX), false);
        sub->expires_ms = UINT64_MAX; /* what was shown stays true */
    } else if (xf_span_eq_nocase(state->reason, XF_SPAN("deactivated")) ||
               xf_span_eq_nocase(state->reason, XF_SPAN("timeout"))) {
        xf_subscription_lose(sub, 0, true);
    } else {
        xf_subscription_lose(sub, least_ms, least_ms > 0);
    }
}

static void go_on(struct notice *notice, const struct xf_sip_subscription_state *state)
{
    struct xf_subscription *sub = notice->sub;
    bool is_active = state->state == XF_SIP_SUB_ACTIVE;
    if (!xf_subscription_has_dialog(sub))
        xf_subscription_grant(sub, state->expires_s);
    else if (state->expires_s != XF_SIP_ABSENT)
        xf_subscription_shorten(sub, state->expires_s);
    sub->has_expiry |= state->expires_s != XF_SIP_ABSENT;
    sub->is_changed |= sub->is_missing || (is_active && sub->wants_answer);
    sub->is_missing = false;
    if (is_active && sub->state != XF_SUBSCRIPTION_ACTIVE)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_ACTIVE);
    else if (!is_active && sub->state != XF_SUBSCRIPTION_PENDING)
        xf_subscription_fire(sub, XF_SUBSCRIPTION_ON_PENDING);
    if (!is_active) { /* nothing for our user but that it sees the contact no longer */
        xf_subscription_fade(sub);
        return;
    }
    (void)xf_subscription_answer(sub);
    if (notice->has_pidf)
        show(notice);
    else
        xf_subscription_fade(sub);
}

static void take(struct notice *notice, const struct xf_sip_message *request)
{
    struct xf_subscription *sub = notice->sub;
    const struct xf_sip_subscription_state *state = &request->subscription_state;
    bool is_end = state->state == XF_SIP_SUB_TERMINATED;
    if (notice->is_same)
        xf_dialog_note(sub->dialog, request->cseq.number);
    else if (!is_end || sub->dialog)
        xf_subscription_close(sub, &notice->dialog);
    if (sub->state != XF_SUBSCRIPTION_ENDING && is_end)
        terminate(notice, state);
    else if (sub->state != XF_SUBSCRIPTION_ENDING)
        go_on(notice, state);
    xf_subscription_run(sub);
}

/*
 * A notifier that was restarted may go on with a CSeq that it had before. Nothing that it says
 * counts until that is above the last one; so a refresh asks for the state, and where its NOTIFY is
 * refused too, a new dialog follows (timer N).
 */
static void doubt(struct xf_subscription *sub)
{
    xf_subscription_hasten(sub);
    xf_subscription_settle(sub);
}

enum xf_ua_taken xf_subscriber_notify(struct xf_simple *simple, struct xf_ua_server *server,
                                      const struct xf_sip_message *request)
{
    struct notice notice = {.sub = find(simple, server, request)};
    unsigned status = notice.sub ? check(&notice, request) : 481;
    simple->is_full = false;
    answer(simple, server, status ? status : 200);
    if (!status)
        take(&notice, request);
    else if (status == 500)
        doubt(notice.sub);
    xf_dialog_fini(&notice.dialog);
    if (notice.has_pidf)
        xf_pidf_release(&notice.pidf);
    return simple->is_full ? XF_UA_FULL : XF_UA_TAKEN;
}
