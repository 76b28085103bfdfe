/* SPDX-License-Identifier: MIT */
/*
 * notifier_subscribe.c — SUBSCRIBE of peers (RFC 6665 section 4.2.1, RFC 3856 section 6).
 *
 * Our user is asked before the SUBSCRIBE is answered, so that policy, which sees the question, can
 * refuse it. Otherwise the answer is 200 at once, whatever our user will say, and whether there is
 * such a user or not.
 */
#include "notifier_priv.h"

#include <stdio.h>
#include <xfed/base/log.h>
#include <xfed/xmpp/owner.h>

#define EXPIRES_S     3600 /* of a SUBSCRIBE that names none (RFC 3856 section 6.4) */
#define EXPIRES_MIN_S 60   /* less is refused: each refresh costs a document */

/* A SUBSCRIBE that is handled now. */
struct call {
    struct xf_simple *simple;
    struct xf_ua_server *server;
    const struct xf_sip_message *request;
    unsigned granted_s; /* 0: it ends, or is a poll */
    struct xf_jid user; /* to whom our Contact belongs */
};

/* ------------------------------------------------------------------ answers */

static const char *words_of(unsigned status)
{
    switch (status) {
    case 403:
        return "our user, or policy, does not allow it";
    case 406:
        return "it accepts no application/pidf+xml";
    case 423:
        return "the subscription would be too short";
    case 480:
        return "there are too many subscriptions, or we shut down";
    case 481:
        return "there is no such subscription";
    case 489:
        return "it is not for presence";
    case 500:
        return "its CSeq is not above the last one";
    default:
        return "an address or a header is not as it must be";
    }
}

static void log_refused(const struct call *call, unsigned status, const char *limit)
{
    struct xf_span peer = xf_ua_server_peer(call->server);
    enum xf_log_level level =
        xf_lines_level(call->simple->env, XF_LINES_PEERS, xf_domain_owner(peer), XF_LOG_INFO,
                       "sip.subscribe.refused");
    xf_log(level, "sip.subscribe.refused", XF_SPN("local", xf_ua_server_local(call->server)),
           XF_SPN("peer", peer), XF_INT("status", status), XF_STR("limit", limit),
           XF_STR("detail", words_of(status)));
}

/* `limit`: whose it is, or NULL. */
static void refuse(const struct call *call, unsigned status, const char *limit)
{
    char seconds[16], shortest[16];
    (void)snprintf(seconds, sizeof(seconds), "%d", XF_NOTIFIER_RETRY_AFTER_S);
    (void)snprintf(shortest, sizeof(shortest), "%d", EXPIRES_MIN_S);
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_RETRY_AFTER, .value = status == 480 ? xf_span_of(seconds) : XF_SPAN_NONE},
        {.id = XF_SIP_H_MIN_EXPIRES, .value = status == 423 ? xf_span_of(shortest) : XF_SPAN_NONE},
        {.id = XF_SIP_H_ACCEPT,
         .value = status == 406 ? XF_SPAN("application/pidf+xml") : XF_SPAN_NONE},
        {.id = XF_SIP_H_OTHER,
         .name = "Allow-Events",
         .value = status == 489 ? XF_SPAN("presence") : XF_SPAN_NONE},
    };
    call->simple->counts.subscribes_refused++;
    log_refused(call, status, limit);
    /* That its conn is gone is as good: nobody waits for the answer. */
    (void)!xf_ua_answer(call->server,
                        &(struct xf_ua_answer){.status = status,
                                               .headers = headers,
                                               .header_count = XF_ARRAY_LEN(headers)});
}

/* False: the answer is larger than we send; nobody will get one. */
static bool grant(const struct call *call)
{
    char expires[16];
    struct xf_span peer = xf_ua_server_from(call->server);
    (void)snprintf(expires, sizeof(expires), "%u", call->granted_s);
    const struct xf_ua_header headers[] = {
        {.id = XF_SIP_H_EXPIRES, .value = xf_span_of(expires)},
    };
    if (xf_addresses_write_contact(call->simple, &call->user, peer) != XF_ERR_OK)
        return false;
    enum xf_err err = xf_ua_answer(
        call->server, &(struct xf_ua_answer){.status = 200,
                                             .contact = xf_buf_span(&call->simple->contact),
                                             .makes_dialog = true,
                                             .headers = headers,
                                             .header_count = XF_ARRAY_LEN(headers)});
    return err == XF_ERR_OK || err == XF_ERR_CLOSED; /* then a NOTIFY tells it */
}

/* ------------------------------------------------------------------ checks */

/* Case counts (RFC 6665 section 8.2.1: byte by byte). */
static unsigned check_event(const struct call *call)
{
    const struct xf_sip_event *event = &call->request->event;
    if (!xf_span_is(event->package, "presence"))
        return 489;
    return event->id.len > XF_NOTIFIER_EVENT_ID_MAX ? 400 : 0;
}

/* q=0 means: not this one (RFC 3261 section 20.1). */
static bool is_wanted(const struct xf_sip_media *media)
{
    struct xf_span q;
    if (!xf_sip_param(media->params, "q", &q) || q.len == 0)
        return true;
    for (size_t i = 0; i < q.len; i++)
        if (q.ptr[i] != '0' && q.ptr[i] != '.')
            return true;
    return false;
}

static bool takes_pidf(const struct xf_sip_media *media)
{
    if (xf_span_is(media->type, "*"))
        return true;
    return xf_span_eq_nocase(media->type, XF_SPAN("application")) &&
           (xf_span_is(media->subtype, "*") ||
            xf_span_eq_nocase(media->subtype, XF_SPAN("pidf+xml")));
}

/* Without Accept it is application/pidf+xml (RFC 3856 section 6.7). */
static unsigned check_accept(const struct call *call)
{
    struct xf_sip_values values = xf_sip_values_begin(call->request, XF_SIP_H_ACCEPT);
    struct xf_span value;
    bool has_any = false;
    while (xf_sip_values_next(&values, &value)) {
        struct xf_sip_media media;
        has_any = true;
        if (xf_sip_media_read(value, &media) == XF_ERR_OK && takes_pidf(&media) &&
            is_wanted(&media))
            return 0;
    }
    return has_any ? 406 : 0;
}

static unsigned check_expires(struct call *call)
{
    int64_t asked_s = call->request->expires_s;
    if (asked_s == XF_SIP_ABSENT)
        asked_s = EXPIRES_S;
    if (asked_s > 0 && asked_s < EXPIRES_MIN_S)
        return 423;
    call->granted_s =
        asked_s > XF_NOTIFIER_EXPIRES_MAX_S ? XF_NOTIFIER_EXPIRES_MAX_S : (unsigned)asked_s;
    return 0;
}

/* What every SUBSCRIBE must be. */
static unsigned check(struct call *call)
{
    unsigned status = call->simple->is_finished ? 480 : 0;
    if (!status)
        status = check_event(call);
    if (!status)
        status = check_accept(call);
    return status ? status : check_expires(call);
}

/* ------------------------------------------------------------------ a new dialog */

static bool may_ask_again(const struct xf_notifier_watch *watch)
{
    uint64_t now_ms = watch->simple->env->clock->now_ms;
    return watch->state == XF_NOTIFIER_ASKED && now_ms - watch->asked_ms >= XF_NOTIFIER_ASK_MS;
}

/* Its first device: our user is asked, or, where it is BLOCKED, only seems to be. */
static bool begins(const struct xf_notifier_watch *watch)
{
    return !watch || watch->state == XF_NOTIFIER_NEW ||
           (watch->state == XF_NOTIFIER_BLOCKED && watch->live_count == 0);
}

/* NULL: there is room; or whose limit says no. */
static const char *full_of(const struct call *call, const struct xf_notifier_watch *watch)
{
    struct xf_span peer = xf_ua_server_from(call->server);
    if (watch && (watch->live_count >= XF_NOTIFIER_DIALOGS_MAX ||
                  watch->dialog_count >= 2 * XF_NOTIFIER_DIALOGS_MAX))
        return "watch";
    return xf_notifier_limits_full(call->simple, peer, call->granted_s && begins(watch));
}

/* A watch that is held now, or NULL: the SUBSCRIBE was refused. */
static struct xf_notifier_watch *open_watch(const struct call *call, const struct xf_jid *watcher)
{
    struct xf_simple *simple = call->simple;
    struct xf_notifier_watch *watch =
        xf_notifier_find(simple, call->user.full, xf_jid_bare(watcher));
    const char *limit = full_of(call, watch);
    if (limit || (watch && watch->state == XF_NOTIFIER_DENIED)) {
        refuse(call, limit ? 480 : 403, limit);
        return NULL;
    }
    if (!watch)
        watch = xf_notifier_new(simple, call->user.full, xf_jid_bare(watcher));
    watch->is_held = true;
    if (begins(watch)) { /* whether it was remembered must not show */
        watch->next_ms = 0;
        watch->written_ms = 0;
    }
    bool asks = call->granted_s && (begins(watch) || may_ask_again(watch));
    if (asks)
        xf_notifier_fire(watch, XF_NOTIFIER_ON_ASK);
    if (!asks || watch->owes || watch->absent_ms)
        return watch;
    refuse(call, 403, NULL); /* policy did it, before xf_notifier_fire returned */
    watch->is_held = false;
    xf_notifier_settle(watch);
    return NULL;
}

/* Nothing is known of our user, or it may have changed unseen. */
static void ask_where_unsure(struct xf_notifier_watch *watch)
{
    bool is_behind = xf_notifier_is_behind(watch) && xf_notifier_may_know(watch);
    if (watch->is_active && (!watch->resources || is_behind))
        xf_notifier_owe(watch, XF_NOTIFIER_OWES_PROBE);
}

static void begin(const struct call *call, struct xf_notifier_watch *watch,
                  const struct xf_dialog *value)
{
    uint64_t now_ms = call->simple->env->clock->now_ms;
    struct xf_notifier_dialog *dialog =
        xf_notifier_dialog_new(watch, value, call->request->event.id);
    dialog->expires_ms = now_ms + (uint64_t)call->granted_s * 1000;
    ask_where_unsure(watch);
    if (call->granted_s)
        xf_notifier_dialog_tell(dialog);
    else
        xf_notifier_dialog_end(dialog, XF_NOTIFIER_END_POLL);
}

/* JIDs are borrowed from simple->scratch. */
static void take_first(struct call *call, const struct xf_jid *watcher)
{
    struct xf_dialog value;
    enum xf_err err = xf_dialog_from_request(&value, xf_ua_server_local(call->server),
                                             xf_ua_server_from(call->server), call->request,
                                             xf_ua_server_tag(call->server));
    if (err != XF_ERR_OK) {
        refuse(call, 400, NULL);
        return;
    }
    struct xf_notifier_watch *watch = open_watch(call, watcher);
    if (watch) {
        if (grant(call))
            begin(call, watch, &value);
        watch->is_held = false;
        xf_notifier_settle(watch);
    }
    xf_dialog_fini(&value);
}

/* ------------------------------------------------------------------ in a dialog */

/* NULL: there is none, or not with this peer. */
static struct xf_notifier_dialog *dialog_of(const struct call *call)
{
    struct xf_notifier_dialog *dialog =
        xf_map_find(call->simple->notifier->by_tag, call->request->to.tag);
    if (!dialog || !xf_notifier_dialog_is_live(dialog))
        return NULL;
    const struct xf_jid user = xf_notifier_user(dialog->watch);
    return xf_span_eq(xf_notifier_peer(dialog->watch), xf_ua_server_from(call->server)) &&
                   xf_span_eq(user.domain, xf_ua_server_local(call->server))
               ? dialog
               : NULL;
}

static void go_on(const struct call *call, struct xf_notifier_dialog *dialog)
{
    struct xf_notifier_watch *watch = dialog->watch;
    if (!call->granted_s) {
        xf_notifier_dialog_end(dialog, XF_NOTIFIER_END_CLOSED);
        return;
    }
    dialog->expires_ms = call->simple->env->clock->now_ms + (uint64_t)call->granted_s * 1000;
    xf_notifier_dialog_keep(dialog);
    if (may_ask_again(watch))
        xf_notifier_fire(watch, XF_NOTIFIER_ON_ASK);
    xf_notifier_judge(watch);
    ask_where_unsure(watch);
    if (xf_notifier_dialog_is_live(dialog)) /* policy may have refused it */
        xf_notifier_dialog_tell(dialog);
}

static void take_next(struct call *call)
{
    struct xf_notifier_dialog *dialog = dialog_of(call);
    struct xf_dialog value;
    if (!dialog) {
        refuse(call, 481, NULL);
        return;
    }
    struct xf_notifier_watch *watch = dialog->watch;
    xf_notifier_dialog_unpack(dialog, &value);
    unsigned status = xf_dialog_take(&value, call->request);
    if (!status && !xf_span_is(call->request->event.id.ptr ? call->request->event.id : XF_SPAN(""),
                               xf_notifier_dialog_event_id(dialog)))
        status = 481;
    if (!status &&
        (call->request->contact_is_star || xf_dialog_refresh(&value, call->request) != XF_ERR_OK))
        status = 400;
    if (!status)
        xf_notifier_dialog_pack(dialog, &value);
    xf_dialog_fini(&value);
    if (status) {
        refuse(call, status, NULL);
        return;
    }
    watch->is_held = true;
    call->user = xf_notifier_user(watch);
    (void)!grant(call); /* an answer that is not sent makes the watcher subscribe anew */
    go_on(call, dialog);
    watch->is_held = false;
    xf_notifier_settle(watch);
}

enum xf_ua_taken xf_notifier_subscribe(struct xf_simple *simple, struct xf_ua_server *server,
                                       const struct xf_sip_message *request)
{
    struct call call = {.simple = simple, .server = server, .request = request};
    struct xf_jid watcher;
    bool is_first = !request->to.tag.ptr;
    unsigned status = check(&call);
    if (!status && is_first)
        status = xf_addresses_read_from(simple, server, request, &watcher);
    if (!status && is_first)
        status = xf_addresses_read_to(simple, server, request, &call.user);
    call.user.full = is_first && !status ? xf_jid_bare(&call.user) : XF_SPAN_NONE;
    if (status)
        refuse(&call, status, NULL);
    else if (is_first)
        take_first(&call, &watcher);
    else
        take_next(&call);
    return XF_UA_TAKEN;
}
