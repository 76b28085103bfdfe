/* SPDX-License-Identifier: MIT */
/*
 * router_driver.c — the native protocol of jabberd2's router, which has no other description than
 * its source (2.7.0).
 *
 * Stanzas travel in <route to= from=/>, in the namespace jabber:client; `to` and `from` are domains
 * that components have bound. What the router cannot deliver it returns to us with `error`, a
 * number in the manner of HTTP, and the peer's user gets the stanza error that says so. We never
 * answer a route that has `error`, and never send one.
 */
#include "router_driver_priv.h"

#include "router_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/xml/writer.h>
#include <xfed/xmpp/ns.h>

/* clang-format off */
static const struct xf_leg_error errors[] = {
    {XF_STREAM_ERROR_INVALID_NAMESPACE,
     {"invalid-namespace", XF_HELP_LINK_WRONG_PORT, "the port is not that of a router"}},
};

static const struct {
    const char *code;
    enum xf_stanza_error error;
} returned[] = {
    {"400", XF_STANZA_ERROR_BAD_REQUEST},
    {"401", XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT}, /* the name of this stream is not bound */
    {"403", XF_STANZA_ERROR_NOT_ALLOWED},           /* this and the next by a filter of the router */
    {"404", XF_STANZA_ERROR_REMOTE_SERVER_TIMEOUT}, /* nobody has the domain now */
    {"405", XF_STANZA_ERROR_NOT_ALLOWED},
    {"406", XF_STANZA_ERROR_NOT_ACCEPTABLE},
    {"501", XF_STANZA_ERROR_FEATURE_NOT_IMPLEMENTED},
};
/* clang-format on */

static enum xf_stanza_error error_of(struct xf_span code)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(returned); i++)
        if (xf_span_is(code, returned[i].code))
            return returned[i].error;
    return XF_STANZA_ERROR_SERVICE_UNAVAILABLE;
}

/* ------------------------------------------------------------------ from the router */

static void on_retry(void *owner)
{
    xf_router_fire(owner, XF_ROUTER_ON_AGAIN);
}

static void on_route(struct xf_router *router, const struct xf_elem *elem)
{
    struct xf_span error = xf_elem_attr(elem, "error");
    if (error.ptr) {
        router->route = XF_ROUTER_ROUTE_RETURNED;
        router->route_error = error_of(error);
    } else if (xf_elem_attr(elem, "type").ptr) { /* a broadcast, or a copy for a log */
        router->route = XF_ROUTER_ROUTE_NONE;
    } else {
        router->route = XF_ROUTER_ROUTE_STANZA;
    }
}

static void on_presence(struct xf_router *router, const struct xf_elem *elem)
{
    xf_router_domains_note(router, elem);
    if (router->state == XF_ROUTER_STANDBY && xf_span_is(xf_elem_attr(elem, "type"), "unavailable"))
        xf_router_fire(router, XF_ROUTER_ON_AGAIN);
}

static bool on_element(struct xf_leg *leg, const struct xf_elem *elem)
{
    struct xf_router *router = xf_router_of(leg);
    if (xf_elem_is(elem, XF_NS_ROUTER, "route"))
        on_route(router, elem);
    else if (xf_elem_is(elem, XF_NS_ROUTER, "presence"))
        on_presence(router, elem);
    else
        return xf_router_negotiate(router, elem);
    return true;
}

static void give_back(struct xf_router *router, struct xf_stanza *stanza)
{
    struct xf_leg *leg = &router->leg;
    struct xf_stanza_scratch scratch;
    bool is_from;
    xf_log(XF_LOG_DEBUG, "link.stanza.returned", XF_STR("link", leg->settings->title),
           XF_SPN("from", stanza->raw_from), XF_SPN("to", stanza->raw_to),
           XF_WORD("reason", xf_stanza_error_name(router->route_error)));
    if (xf_stanza_address(stanza, &scratch, &is_from) == XF_ERR_OK && stanza->from.full.ptr &&
        stanza->to.full.ptr)
        xf_leg_returned(leg, stanza, router->route_error);
}

/* A route carries one stanza; what follows it in the route is dropped. */
static bool on_stanza(struct xf_leg *leg, struct xf_stanza *stanza)
{
    struct xf_router *router = xf_router_of(leg);
    enum xf_router_route route = router->route;
    router->route = XF_ROUTER_ROUTE_NONE;
    if (route == XF_ROUTER_ROUTE_RETURNED)
        give_back(router, stanza);
    return route == XF_ROUTER_ROUTE_STANZA;
}

/* ------------------------------------------------------------------ to the router */

/*
 * As the holder of the default route we send in its name: a domain that nobody has is then returned
 * to us as an error, and not routed to ourselves.
 */
static const char *sender(const struct xf_router *router)
{
    return router->state == XF_ROUTER_HOLDER ? router->default_name : router->leg.name;
}

/*
 * Several gateways may share the link's name, and the router then chooses who gets an answer to it.
 * Nobody else has the name of our default route.
 */
static const char *ping_name(const struct xf_leg *leg)
{
    return sender(XF_CONTAINER(leg, const struct xf_router, leg));
}

static enum xf_err send_stanza(struct xf_leg *leg, const struct xf_stanza *stanza)
{
    struct xf_router *router = xf_router_of(leg);
    xf_buf_clear(&router->open);
    struct xf_draft draft = xf_draft_begin(&router->open);
    xf_draft_str(&draft, "<c:route xmlns:c='" XF_NS_ROUTER "' xmlns='" XF_NS_CLIENT "'");
    xf_xml_attr(&draft, "from", xf_span_of(sender(router)));
    xf_xml_attr(&draft, "to", stanza->to.domain);
    xf_draft_str(&draft, ">");
    if (xf_draft_end(&draft) != XF_ERR_OK)
        return XF_ERR_LIMIT;
    return xf_stream_send_wrapped(&leg->stream, xf_buf_span(&router->open), stanza,
                                  XF_SPAN("</c:route>"));
}

/* ------------------------------------------------------------------ life */

#define OPEN_MAX_BYTES 16384 /* two domains, each character of which may be escaped */

static void made(struct xf_leg *leg)
{
    struct xf_router *router = xf_router_of(leg);
    xf_buf_init(&router->open, OPEN_MAX_BYTES);
    xf_timer_init(&router->retry, on_retry, router);
    xf_router_domains_init(router);
}

static void freed(struct xf_leg *leg)
{
    struct xf_router *router = xf_router_of(leg);
    xf_router_domains_fini(router);
    xf_buf_release(&router->open);
    xf_free(router->default_name);
}

static void connected(struct xf_leg *leg)
{
    xf_router_fire(xf_router_of(leg), XF_ROUTER_ON_CONNECTED);
}

/* What matters are the features that follow. */
static void on_header(struct xf_leg *leg, const struct xf_header *header)
{
    (void)leg;
    (void)header;
}

static void secured(struct xf_leg *leg)
{
    xf_router_fire(xf_router_of(leg), XF_ROUTER_ON_SECURED);
}

static void leave(struct xf_leg *leg)
{
    xf_router_fire(xf_router_of(leg), XF_ROUTER_ON_LEAVE);
}

static void ending(struct xf_leg *leg)
{
    xf_router_fire(xf_router_of(leg), XF_ROUTER_ON_ENDS);
}

static const struct xf_wrapper wrapper = {XF_NS_ROUTER, "route"};

const struct xf_leg_driver xf_router_driver = {
    .size = sizeof(struct xf_router),
    .content_ns = XF_NS_CLIENT,
    .errors = errors,
    .error_count = XF_ARRAY_LEN(errors),
    .wrapper = &wrapper,
    .made = made,
    .freed = freed,
    .connected = connected,
    .header = on_header,
    .secured = secured,
    .element = on_element,
    .stanza = on_stanza,
    .ping_name = ping_name,
    .send = send_stanza,
    .leave = leave,
    .ending = ending,
};
