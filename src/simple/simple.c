/* SPDX-License-Identifier: MIT */
/*
 * simple.c — SIP as a whole: made, reloaded, drained; requests of peers; stanzas of the cluster;
 * OPTIONS of ours.
 *
 * ua answers OPTIONS by itself, and all methods that we do not have with 405. What is left is
 * MESSAGE (arrivals.c), NOTIFY (subscriber_notify.c), and OPTIONS within a dialog: those are for
 * presence only.
 */
#include "simple_priv.h"

#include <stdio.h>
#include <xfed/base/alloc.h>

#define METHODS \
    (1u << XF_SIP_OPTIONS | 1u << XF_SIP_MESSAGE | 1u << XF_SIP_NOTIFY | 1u << XF_SIP_SUBSCRIBE)

struct xf_simple_check {
    struct xf_ua_client *client; /* NULL: it was not sent, and the end is on its way */
    struct xf_timer later;
    struct xf_timers *timers;
    enum xf_ua_cause cause;
    xf_simple_checked_fn done;
    void *owner;
};

static enum xf_ua_taken take_request(struct xf_simple *simple, struct xf_ua_server *server,
                                     const struct xf_sip_message *request)
{
    static const struct xf_ua_answer no_dialog = {.status = 481};
    xf_peers_called(simple, server);
    if (request->method == XF_SIP_MESSAGE)
        return xf_arrivals_take(simple, server, request);
    if (request->method == XF_SIP_SUBSCRIBE)
        return xf_notifier_subscribe(simple, server, request);
    if (request->method == XF_SIP_NOTIFY)
        return xf_subscriber_notify(simple, server, request);
    /*
     * That its conn is gone is as good: nobody waits for the answer. One that is too long, since
     * it repeats the request, is not sent, and the transaction ends in its time.
     */
    (void)!xf_ua_answer(server, &no_dialog);
    return XF_UA_TAKEN;
}

static enum xf_ua_taken on_request(void *owner, struct xf_ua_server *server,
                                   const struct xf_sip_message *request)
{
    struct xf_simple *simple = owner;
    enum xf_ua_taken taken = take_request(simple, server, request);
    simple->has_paused |= taken == XF_UA_FULL;
    return taken;
}

static const struct xf_ua_events events = {
    .basis = xf_peers_basis,
    .admits = xf_peers_admit,
    .calls = xf_peers_call,
    .hop = xf_peers_hop,
    .request = on_request,
    .answered = xf_peers_answered,
};

/* The first byte of a key says whose record it is. */
static void restore(void *owner, struct xf_span key, struct xf_span record, int64_t expires_s,
                    uint32_t starts)
{
    struct xf_simple *simple = owner;
    bool is_good = false;
    if (key.ptr[0] == 'o')
        is_good = xf_subscriber_restore(simple, key, record, starts);
    else if (key.ptr[0] == 'n')
        is_good = xf_notifier_restore(simple, key, record, expires_s, starts);
    if (!is_good)
        xf_dialogs_remove(simple->dialogs, key);
}

struct xf_simple *xf_simple_new(const struct xf_simple_opts *opts)
{
    struct xf_simple *simple = xf_new(struct xf_simple);
    simple->env = opts->env;
    simple->policy = opts->policy;
    simple->peers = xf_peer_index_new(opts->policy);
    simple->settings = *opts->own;
    simple->events = opts->events;
    simple->owner = opts->owner;
    simple->dialogs = opts->dialogs;
    simple->host = xf_strdup(opts->settings->host);
    simple->port = opts->settings->port;
    simple->tcp_port = opts->settings->tcp_port;
    xf_addresses_init(simple);
    xf_pager_init(simple, opts->waiting);
    xf_arrivals_init(simple);
    xf_typing_init(simple);
    xf_subscriber_init(simple);
    xf_notifier_init(simple);
    xf_notifier_truth_init(simple);
    simple->ua = xf_ua_new(&(struct xf_ua_opts){.env = opts->env,
                                                .policy = opts->policy,
                                                .settings = opts->settings,
                                                .identities = opts->identities,
                                                .methods = METHODS,
                                                .accept = XF_IM_ACCEPT ", " XF_PIDF_TYPE,
                                                .packages = "presence",
                                                .events = &events,
                                                .owner = simple});
    xf_dialogs_each(simple->dialogs, restore, simple);
    return simple;
}

void xf_simple_free(struct xf_simple **simple_at)
{
    struct xf_simple *simple = *simple_at;
    if (!simple)
        return;
    *simple_at = NULL;
    xf_ua_free(&simple->ua);
    xf_addresses_fini(simple);
    xf_pager_fini(simple);
    xf_arrivals_fini(simple);
    xf_typing_fini(simple);
    xf_peer_index_free(&simple->peers);
    xf_notifier_fini(simple);
    xf_subscriber_fini(simple);
    xf_free(simple->host);
    xf_free(simple);
}

void xf_simple_reload(struct xf_simple *simple, struct xf_policy *policy,
                      const struct xf_ua_settings *settings, const struct xf_simple_settings *own,
                      struct xf_tls_identities *identities)
{
    char *host = xf_strdup(settings->host);
    simple->policy = policy;
    xf_peer_index_free(&simple->peers);
    simple->peers = xf_peer_index_new(policy);
    simple->settings = *own;
    xf_free(simple->host);
    simple->host = host;
    simple->port = settings->port;
    simple->tcp_port = settings->tcp_port;
    xf_ua_reload(simple->ua, policy, settings, identities);
    xf_notifier_reload(simple);
    xf_subscriber_reload(simple);
}

void xf_simple_accept(struct xf_simple *simple, struct xf_conn *conn, bool is_clear)
{
    xf_ua_accept(simple->ua, conn, is_clear);
}

void xf_simple_drain(struct xf_simple *simple)
{
    xf_ua_drain(simple->ua);
}

void xf_simple_cut(struct xf_simple *simple)
{
    xf_ua_cut(simple->ua);
}

bool xf_simple_is_over(const struct xf_simple *simple)
{
    return xf_ua_is_over(simple->ua) && xf_pager_is_idle(simple);
}

void xf_simple_count(const struct xf_simple *simple, struct xf_simple_counts *out_counts)
{
    *out_counts = simple->counts;
    out_counts->subscriptions_out = xf_map_count(simple->subscriber.by_pair);
    xf_ua_count(simple->ua, &out_counts->ua);
}

/* ------------------------------------------------------------------ stanzas of the cluster */

static bool take_presence(struct xf_simple *simple, const struct xf_stanza *stanza,
                          enum xf_stanza_error *out_error, const char **out_text)
{
    if (xf_span_is(stanza->type, "subscribe") || xf_span_is(stanza->type, "unsubscribe") ||
        xf_span_is(stanza->type, "probe"))
        return xf_subscriber_take(simple, stanza, out_error, out_text);
    if (!stanza->type.ptr)
        xf_subscriber_seen(simple, stanza);
    xf_notifier_take(simple, stanza);
    return true;
}

bool xf_simple_take(struct xf_simple *simple, const struct xf_stanza *stanza,
                    enum xf_stanza_error *out_error, const char **out_text)
{
    *out_text = NULL;
    if (stanza->kind == XF_STANZA_PRESENCE)
        return take_presence(simple, stanza, out_error, out_text);
    if (stanza->kind == XF_STANZA_IQ) {
        *out_error = XF_STANZA_ERROR_SERVICE_UNAVAILABLE;
        return false;
    }
    if (xf_span_is(stanza->type, "error")) { /* of the cluster's server, maybe: no sign of life */
        xf_arrivals_failed(simple, stanza);
        return true;
    }
    xf_subscriber_seen(simple, stanza);
    return xf_pager_take(simple, stanza, out_error, out_text);
}

void xf_simple_resume(struct xf_simple *simple)
{
    simple->has_paused = false;
    xf_arrivals_resume(simple);
    xf_notifier_resume(simple);
    xf_subscriber_resume(simple);
    xf_ua_resume(simple->ua);
}

void xf_simple_missed(struct xf_simple *simple, struct xf_span peer)
{
    xf_notifier_limits_miss(simple, peer);
}

void xf_simple_link_state(struct xf_simple *simple, struct xf_span title, struct xf_span peer,
                          bool is_up)
{
    xf_notifier_link_state(simple, title, peer, is_up);
}

void xf_simple_finish(struct xf_simple *simple)
{
    simple->is_finished = true;
    xf_pager_finish(simple);
    xf_arrivals_finish(simple);
    xf_typing_finish(simple);
    xf_notifier_finish(simple);
    xf_round_stop(&simple->subscriber.round);
}

/* ------------------------------------------------------------------ OPTIONS of ours */

static void finish(struct xf_simple_check *check, unsigned status, enum xf_ua_cause cause,
                   enum xf_help help, const char *text)
{
    xf_simple_checked_fn done = check->done;
    void *owner = check->owner;
    xf_timer_stop(&check->later);
    xf_free(check);
    done(owner, status, cause, help, text);
}

static void on_later(void *owner)
{
    struct xf_simple_check *check = owner;
    finish(check, 0, check->cause, XF_HELP_NONE, "the request could not be sent");
}

static void on_done(void *owner, struct xf_ua_client *client, const struct xf_ua_outcome *outcome)
{
    char text[200];
    const struct xf_sip_message *answer = outcome->answer;
    (void)client;
    if (answer)
        snprintf(text, sizeof(text), "%.*s", XF_SPAN_ARGS(answer->reason));
    finish(owner, answer ? answer->status : 0, outcome->cause, outcome->help,
           answer ? text : outcome->text);
}

static const struct xf_ua_client_events client_events = {.done = on_done};

/* RFC 3261 section 11.1, to the domain itself: it asks what its servers can. */
static enum xf_err send_options(struct xf_simple *simple, struct xf_simple_check *check,
                                struct xf_span local, struct xf_span peer)
{
    char call_id[XF_ID_CHARS + 1], tag[XF_ID_CHARS + 1];
    char ours[XF_DOMAIN_ASCII_MAX + 1], theirs[XF_DOMAIN_ASCII_MAX + 1];
    char *name = xf_span_dup(peer);
    xf_ua_retry(simple->ua, name); /* who asks wants to know what is the matter now */
    xf_free(name);
    xf_ua_make_id(simple->ua, call_id);
    xf_ua_make_id(simple->ua, tag);
    /* They are prepared: URIs have A-labels. */
    xf_require(xf_domain_to_ascii(local, ours) == XF_ERR_OK &&
               xf_domain_to_ascii(peer, theirs) == XF_ERR_OK);
    char *uri = xf_asprintf("sip:%s", theirs);
    char *from = xf_asprintf("<sip:%s>;tag=%s", ours, tag);
    char *to = xf_asprintf("<sip:%s>", theirs);
    enum xf_err err = xf_ua_send(simple->ua,
                                 &(struct xf_ua_request){.local = local,
                                                         .peer = peer,
                                                         .method = XF_SIP_OPTIONS,
                                                         .uri = xf_span_of(uri),
                                                         .from = xf_span_of(from),
                                                         .to = xf_span_of(to),
                                                         .call_id = xf_span_of(call_id),
                                                         .cseq = 1},
                                 &client_events, check, &check->client);
    xf_free(uri);
    xf_free(from);
    xf_free(to);
    return err;
}

struct xf_simple_check *xf_simple_check(struct xf_simple *simple, struct xf_span local,
                                        struct xf_span peer, xf_simple_checked_fn done, void *owner)
{
    struct xf_simple_check *check = xf_new(struct xf_simple_check);
    check->timers = simple->env->timers;
    check->done = done;
    check->owner = owner;
    xf_timer_init(&check->later, on_later, check);
    enum xf_err err = send_options(simple, check, local, peer);
    if (err == XF_ERR_OK)
        return check;
    check->cause = err == XF_ERR_CLOSED ? XF_UA_CAUSE_SHUTDOWN : XF_UA_CAUSE_BUSY;
    xf_timer_start(check->timers, &check->later, 0);
    return check;
}

void xf_simple_forget(struct xf_simple_check *check)
{
    if (check->client)
        xf_ua_disown(check->client);
    xf_timer_stop(&check->later);
    xf_free(check);
}
