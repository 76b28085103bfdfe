/* SPDX-License-Identifier: MIT */
/*
 * router_negotiation.c — from the TCP connection to the default route, as jabberd2 2.7.0's router
 * wants it: TLS if it offers it and the settings want it, SASL, a new stream, then a bind for each
 * name.
 *
 * The name of the default route is drawn anew for each stream, for three reasons. The router tells
 * everybody when it goes, which is the moment to take the default route over. It is never bound
 * twice: the router forgets one of two bindings of a component when it leaves, and then uses freed
 * memory. And a connection that the router has not yet noticed to be dead does not block it.
 *
 * The link's own name is bound with multi='to', so that several gateways may share it.
 */
#include "router_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

#define MECHANISM "DIGEST-MD5" /* the only one that the router offers */
#define URI       "jabberd-router/jabberd-router"

/*
 * In STANDBY: ask again. Usually the router's presence is the sign to do so. Each refusal is a line
 * in the router's log. In ASKING: warn. Who asked twice might have the name bound twice.
 */
#define RETRY_MS 30000

/* ------------------------------------------------------------------ what we say */

void xf_router_send_header(struct xf_router *router)
{
    xf_stream_send_header(&router->leg.stream, &(struct xf_stream_header){.has_version = true});
    xf_leg_await(&router->leg);
}

void xf_router_send_starttls(struct xf_router *router)
{
    xf_stream_send(&router->leg.stream, "<starttls xmlns='" XF_NS_TLS "'/>");
    xf_leg_await(&router->leg);
}

void xf_router_start_tls(struct xf_router *router)
{
    xf_leg_start_tls(&router->leg);
}

void xf_router_send_auth(struct xf_router *router)
{
    xf_stream_send(&router->leg.stream, "<auth xmlns='" XF_NS_SASL "' mechanism='" MECHANISM "'/>");
    xf_leg_await(&router->leg);
}

void xf_router_restart(struct xf_router *router)
{
    xf_stream_restart(&router->leg.stream);
    xf_router_send_header(router);
}

static void send_bind(struct xf_router *router, const char *name, const char *rest)
{
    struct xf_draft draft = xf_stream_draft(&router->leg.stream);
    xf_draft_str(&draft, "<bind xmlns='" XF_NS_ROUTER "'");
    xf_xml_attr(&draft, "name", xf_span_of(name));
    xf_draft_str(&draft, rest);
    xf_stream_send_draft(&router->leg.stream, &draft);
}

void xf_router_bind_name(struct xf_router *router)
{
    send_bind(router, router->leg.name, " multi='to'/>");
    xf_leg_await(&router->leg);
}

static void draw_default_name(struct xf_router *router)
{
    char id[XF_ID_CHARS + 1], hex[XF_SHA1_HEX_BYTES + 1];
    struct xf_env *env = router->leg.env;
    env->make_id(env, id);
    const struct xf_span part = xf_span_of(id);
    xf_sha1_hex(&part, 1, hex); /* the router folds upper case */
    xf_free(router->default_name);
    router->default_name = xf_asprintf("default-%.12s.%s", hex, router->leg.name);
}

static void retry_later(struct xf_router *router)
{
    xf_timer_start(router->leg.env->timers, &router->retry, RETRY_MS);
}

void xf_router_ask_default(struct xf_router *router)
{
    send_bind(router, router->default_name, "><default/></bind>");
    retry_later(router);
}

void xf_router_come_up(struct xf_router *router)
{
    router->is_warned = false;
    draw_default_name(router);
    xf_router_ask_default(router);
    xf_router_domains_begin(router);
    xf_leg_accept(&router->leg);
}

/* ------------------------------------------------------------------ the default route */

void xf_router_hold(struct xf_router *router)
{
    xf_log(XF_LOG_INFO, "link.default.taken", XF_STR("link", router->leg.settings->title),
           XF_STR("name", router->default_name));
}

void xf_router_stand_by(struct xf_router *router)
{
    retry_later(router);
}

/* The router tells a standby at once. We go on to send in the link's own name. */
void xf_router_give_up_default(struct xf_router *router)
{
    struct xf_draft draft = xf_stream_draft(&router->leg.stream);
    xf_draft_str(&draft, "<unbind xmlns='" XF_NS_ROUTER "'");
    xf_xml_attr(&draft, "name", xf_span_of(router->default_name));
    xf_draft_str(&draft, "/>");
    xf_stream_send_draft(&router->leg.stream, &draft);
    xf_log(XF_LOG_INFO, "link.default.left", XF_STR("link", router->leg.settings->title),
           XF_STR("name", router->default_name));
}

void xf_router_part(struct xf_router *router)
{
    router->route = XF_ROUTER_ROUTE_NONE;
    router->leg.is_sure = false; /* as a standby we may share the name with who gets our answers */
    xf_router_domains_end(router);
    xf_wipe(router->rspauth, sizeof(router->rspauth));
}

static void log_held(struct xf_router *router, struct xf_span error)
{
    bool is_held = xf_span_is(error, "409");
    if (router->is_warned)
        return;
    router->is_warned = true;
    xf_log(is_held ? XF_LOG_INFO : XF_LOG_WARN, "link.default.held",
           XF_STR("link", router->leg.settings->title), XF_STR("name", router->default_name),
           XF_SPN("error", error), XF_HELP(is_held ? XF_HELP_NONE : XF_HELP_LINK_NO_DEFAULT));
}

void xf_router_wait_on(struct xf_router *router)
{
    log_held(router, XF_SPAN_NONE);
    retry_later(router);
}

static void on_default(struct xf_router *router, struct xf_span error)
{
    if (error.ptr)
        log_held(router, error);
    xf_router_fire(router, error.ptr ? XF_ROUTER_ON_HELD : XF_ROUTER_ON_TAKEN);
}

static void on_bind(struct xf_router *router, struct xf_span error)
{
    struct xf_leg *leg = &router->leg;
    if (!error.ptr) {
        xf_router_fire(router, XF_ROUTER_ON_BOUND);
    } else if (xf_span_is(error, "409")) {
        leg->must_wait_long = true;
        xf_leg_refuse(leg, "conflict", XF_HELP_LINK_CONFLICT,
                      "the name is bound already, or is an alias");
    } else if (xf_span_is(error, "403")) {
        xf_leg_refuse(leg, "forbidden", XF_HELP_LINK_FORBIDDEN, "the user may not bind this name");
    } else {
        xf_leg_refuse(leg, "bind-refused", XF_HELP_LINK_FORBIDDEN,
                      "the router does not accept this name");
    }
}

/* ------------------------------------------------------------------ what the router offers */

static bool offers_mechanism(const struct xf_elem *features)
{
    const struct xf_elem *list = xf_elem_child(features, XF_NS_SASL, "mechanisms");
    for (const struct xf_elem *child = list ? list->first_child : NULL; child; child = child->next)
        if (xf_span_eq_nocase(xf_span_trim(child->text), XF_SPAN(MECHANISM)))
            return true;
    return false;
}

static void choose(struct xf_router *router, const struct xf_elem *features)
{
    struct xf_leg *leg = &router->leg;
    bool offers_tls = xf_elem_child(features, XF_NS_TLS, "starttls") != NULL;
    enum xf_link_tls tls = leg->settings->tls;
    if (router->state == XF_ROUTER_FEATURES && offers_tls && tls != XF_LINK_TLS_NONE)
        xf_router_fire(router, XF_ROUTER_ON_OFFER_TLS);
    else if (tls == XF_LINK_TLS_REQUIRED && !xf_leg_is_secure(leg))
        xf_leg_refuse(leg, "no-tls", XF_HELP_LINK_TLS,
                      "the router offers no TLS, which link { tls } requires");
    else if (offers_mechanism(features))
        xf_router_fire(router, XF_ROUTER_ON_OFFER);
    else
        xf_leg_refuse(leg, "no-mechanism", XF_HELP_LINK_WRONG_PORT,
                      "the router does not offer SASL " MECHANISM);
}

static void on_features(struct xf_router *router, const struct xf_elem *features)
{
    if (router->state == XF_ROUTER_FEATURES || router->state == XF_ROUTER_SECURE)
        choose(router, features);
    else
        xf_router_fire(router, XF_ROUTER_ON_RESTARTED);
}

static void on_tls(struct xf_router *router, const struct xf_elem *elem)
{
    if (xf_span_is(elem->name, "proceed"))
        xf_router_fire(router, XF_ROUTER_ON_GO);
    else if (router->state == XF_ROUTER_PROCEED)
        xf_leg_refuse(&router->leg, "no-tls", XF_HELP_LINK_TLS, "the router refused to start TLS");
}

/* ------------------------------------------------------------------ SASL */

static const char *user_of(const struct xf_router *router)
{
    const struct xf_link_settings *settings = router->leg.settings;
    return *settings->user ? settings->user : settings->name;
}

static void respond(struct xf_router *router, struct xf_span challenge)
{
    struct xf_leg *leg = &router->leg;
    char cnonce[XF_ID_CHARS + 1];
    leg->env->make_id(leg->env, cnonce);
    const struct xf_digest_md5 md5 = {
        .user = user_of(router),
        .secret = leg->settings->secret,
        .uri = URI,
        .cnonce = xf_span_of(cnonce),
    };
    struct xf_draft draft = xf_stream_draft(&leg->stream);
    xf_draft_str(&draft, "<response xmlns='" XF_NS_SASL "'>");
    if (xf_digest_md5_respond(&md5, challenge, &draft, router->rspauth) != XF_ERR_OK) {
        draft.is_short = true;
        (void)!xf_draft_end(&draft);
        xf_leg_refuse(leg, "bad-challenge", XF_HELP_LINK_WRONG_PORT,
                      "the challenge is not that of a router");
        return;
    }
    xf_draft_str(&draft, "</response>");
    xf_stream_send_draft(&leg->stream, &draft);
    xf_leg_await(leg);
    xf_router_fire(router, XF_ROUTER_ON_CHALLENGED);
}

/* A server that does not know the secret could have said yes to anything. */
static bool is_proved(struct xf_router *router, const struct xf_elem *elem)
{
    if (xf_digest_md5_is_proof(elem->text, router->rspauth))
        return true;
    xf_leg_refuse(&router->leg, "bad-proof", XF_HELP_LINK_SECRET,
                  "the server does not know the secret");
    return false;
}

/*
 * The proof comes with <success/>, or as one more challenge (RFC 2831 §2.1.3), which we answer with
 * nothing; then <success/> is empty.
 */
static void on_challenge(struct xf_router *router, const struct xf_elem *elem)
{
    if (router->state == XF_ROUTER_CHALLENGE) {
        respond(router, elem->text);
    } else if (router->state == XF_ROUTER_PROOF && router->rspauth[0] && is_proved(router, elem)) {
        router->rspauth[0] = '\0';
        xf_stream_send(&router->leg.stream, "<response xmlns='" XF_NS_SASL "'/>");
        xf_leg_await(&router->leg);
    }
}

static void on_sasl_failure(struct xf_router *router, const struct xf_elem *elem)
{
    static const char *const known[] = {"not-authorized", "invalid-mechanism", "malformed-request",
                                        "temporary-auth-failure"};
    const char *reason = "sasl-failed";
    for (size_t i = 0; i < XF_ARRAY_LEN(known); i++)
        if (xf_elem_child(elem, XF_NS_SASL, known[i]))
            reason = known[i];
    xf_leg_refuse(&router->leg, reason, XF_HELP_LINK_SECRET,
                  "the router does not accept user and secret");
}

static void on_sasl(struct xf_router *router, const struct xf_elem *elem)
{
    bool is_due = router->state == XF_ROUTER_CHALLENGE || router->state == XF_ROUTER_PROOF;
    if (xf_span_is(elem->name, "challenge"))
        on_challenge(router, elem);
    else if (xf_span_is(elem->name, "failure") && is_due)
        on_sasl_failure(router, elem);
    else if (xf_span_is(elem->name, "success") && router->state == XF_ROUTER_PROOF &&
             (!router->rspauth[0] || is_proved(router, elem)))
        xf_router_fire(router, XF_ROUTER_ON_PROVED);
}

bool xf_router_negotiate(struct xf_router *router, const struct xf_elem *elem)
{
    if (router->state == XF_ROUTER_APART)
        return false;
    if (xf_elem_is(elem, XF_NS_STREAM, "features"))
        on_features(router, elem);
    else if (xf_span_is(elem->ns, XF_NS_TLS))
        on_tls(router, elem);
    else if (xf_span_is(elem->ns, XF_NS_SASL))
        on_sasl(router, elem);
    else if (xf_elem_is(elem, XF_NS_ROUTER, "bind") && router->state == XF_ROUTER_BIND)
        on_bind(router, xf_elem_attr(elem, "error"));
    else if (xf_elem_is(elem, XF_NS_ROUTER, "bind") && router->state == XF_ROUTER_ASKING)
        on_default(router, xf_elem_attr(elem, "error"));
    else if (!xf_elem_is(elem, XF_NS_ROUTER, "unbind"))
        return false;
    return true;
}
