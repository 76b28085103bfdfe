/* SPDX-License-Identifier: MIT */
/*
 * core.c — what every request of a peer must pass before the owner sees it (RFC 3261 section 8.2),
 * as a table: the first check that fails answers.
 *
 * Order matters: a loop is found before anything else is asked; until the caller is known, a
 * refusal tells nothing about which domains and users there are.
 *
 * ACK gets no answer and passes the caller's check only; CANCEL that and its own.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/sip/uri.h>

#include "hop_priv.h"
#include "server_priv.h"

#define RETRY_AFTER_S 5
#define ASSERTED_MAX  2
#define NO_ANSWER     1 /* in place of a status: the request is dropped */

/* Nobody can send these without a dialog, or something like one. */
#define IN_DIALOG                                                                         \
    (1u << XF_SIP_BYE | 1u << XF_SIP_NOTIFY | 1u << XF_SIP_BENOTIFY | 1u << XF_SIP_INFO | \
     1u << XF_SIP_UPDATE | 1u << XF_SIP_PRACK)

/* ------------------------------------------------------------------ helpers */

static unsigned refuse(struct xf_core_call *call, unsigned status, const char *reason,
                       const char *text, enum xf_help help)
{
    call->fault = (struct xf_ua_fault){reason, text, help};
    return status;
}

static void note(struct xf_core_call *call, struct xf_span detail)
{
    (void)snprintf(call->detail, sizeof(call->detail), "%.*s", XF_SPAN_ARGS(detail));
}

/* The domain of a SIP URI, prepared. False: it has none. */
static bool domain_of(struct xf_span text, char out[XF_DOMAIN_MAX + 1])
{
    struct xf_sip_uri uri;
    return xf_sip_uri_parse(text, &uri) == XF_ERR_OK && xf_sip_uri_is_sip(&uri) &&
           xf_domain_prepare(uri.host, out) == XF_ERR_OK;
}

static bool is_in_dialog(const struct xf_core_call *call)
{
    return call->request->to.tag.ptr != NULL;
}

/* ------------------------------------------------------------------ the checks */

/* Our own Via comes back; or, from a gateway that wrote Vias anew, our Call-ID and From tag. */
static unsigned is_looped(struct xf_core_call *call)
{
    struct xf_ua_key key;
    struct xf_sip_values vias = xf_sip_values_begin(call->request, XF_SIP_H_VIA);
    struct xf_span value;
    struct xf_sip_via via;
    while (xf_sip_values_next(&vias, &value))
        if (xf_sip_via_read(value, &via) == XF_ERR_OK && xf_ua_is_host(call->ua, via.host))
            return refuse(call, 482, "loop", "our own request comes back", XF_HELP_SIP_LOOP);
    xf_ua_key_of_call(&key, call->request->call_id, call->request->from.tag);
    if (xf_map_find(call->ua->calls, xf_ua_key_span(&key)))
        return refuse(call, 482, "loop", "our own request comes back as another one",
                      XF_HELP_SIP_LOOP);
    return 0;
}

/* Is the request from a domain that this conn may speak for? */
static unsigned is_stranger(struct xf_core_call *call)
{
    const struct xf_ua_party party = xf_flow_party(call->flow);
    if (!domain_of(call->request->from.uri, call->from))
        return refuse(call, 403, "from", "From names no domain", XF_HELP_SIP_IDENTITY);
    struct xf_span domain = xf_span_of(call->from);
    note(call, domain);
    if (call->flow->is_outgoing && !call->flow->hop->how.sends_alias)
        return refuse(call, 403, "no-alias", "it uses our connection for a request of its own",
                      XF_HELP_SIP_ALIAS);
    if (xf_policy_served(call->ua->policy, domain) ||
        !call->ua->events->calls(call->ua->owner, &party, domain, &call->caller))
        return refuse(call, 403, "from", "it may not speak for the domain in From",
                      XF_HELP_SIP_IDENTITY);
    call->detail[0] = '\0';
    return 0;
}

/*
 * P-Asserted-Identity must name a domain of the same peer; tel: is skipped. There are one or two
 * (RFC 3325 section 9.1): to ask for each of many costs more than the rest of the request.
 */
static unsigned is_asserted_by_stranger(struct xf_core_call *call)
{
    const struct xf_ua_party party = xf_flow_party(call->flow);
    struct xf_sip_values values = xf_sip_values_begin(call->request, XF_SIP_H_P_ASSERTED_IDENTITY);
    struct xf_span value;
    if (call->request->value_counts[XF_SIP_H_P_ASSERTED_IDENTITY] > ASSERTED_MAX)
        return refuse(call, 403, "asserted", "P-Asserted-Identity comes more than twice",
                      XF_HELP_SIP_IDENTITY);
    while (xf_sip_values_next(&values, &value)) {
        char domain[XF_DOMAIN_MAX + 1];
        struct xf_sip_address address;
        struct xf_sip_uri uri;
        struct xf_ua_caller caller;
        if (xf_sip_address_read(value, &address) != XF_ERR_OK ||
            xf_sip_uri_parse(address.uri, &uri) != XF_ERR_OK)
            return refuse(call, 403, "asserted", "P-Asserted-Identity is not an address",
                          XF_HELP_SIP_IDENTITY);
        if (uri.scheme == XF_SIP_SCHEME_TEL)
            continue;
        if (!domain_of(address.uri, domain) ||
            !call->ua->events->calls(call->ua->owner, &party, xf_span_of(domain), &caller) ||
            !xf_span_eq(caller.peer, call->caller.peer)) {
            note(call, address.uri);
            return refuse(call, 403, "asserted",
                          "it may not speak for the domain in P-Asserted-Identity",
                          XF_HELP_SIP_IDENTITY);
        }
    }
    return 0;
}

/*
 * Its transaction is there, and answers (RFC 3261 section 17.2): what comes to a proxy by UDP is
 * repeated, and one without state passes it on to us.
 */
static unsigned is_again(struct xf_core_call *call)
{
    return xf_ua_server_again(call->ua, call->caller.peer, call->request) ? NO_ANSWER : 0;
}

static unsigned is_worn_out(struct xf_core_call *call)
{
    if (call->request->max_forwards != 0 || call->request->method == XF_SIP_OPTIONS)
        return 0;
    return refuse(call, 483, "max-forwards", "it passed too many servers", XF_HELP_SIP_LOOP);
}

static void allow(const struct xf_ua *ua, const struct xf_sip_message *request,
                  struct xf_sip_writer *writer)
{
    (void)request;
    xf_ua_write_allow(ua, writer);
}

static unsigned is_unknown_method(struct xf_core_call *call)
{
    enum xf_sip_method method = call->request->method;
    if (method != XF_SIP_METHOD_OTHER && call->ua->methods & 1u << method)
        return 0;
    call->more = allow;
    note(call, call->request->method_name);
    return refuse(call, 405, "method", "the method is not supported", XF_HELP_NONE);
}

static void sips_warning(const struct xf_ua *ua, const struct xf_sip_message *request,
                         struct xf_sip_writer *writer)
{
    (void)request;
    xf_sip_write_headerf(writer, XF_SIP_H_WARNING, "380 %s \"SIPS Not Allowed\"",
                         ua->settings.host);
}

/* RFC 7247 section 8, RFC 5630 section 5.1.2. */
static unsigned is_sips(struct xf_core_call *call)
{
    struct xf_sip_uri to, target;
    if (call->caller.accepts_sips ||
        xf_sip_uri_parse(call->request->request_uri, &target) != XF_ERR_OK ||
        xf_sip_uri_parse(call->request->to.uri, &to) != XF_ERR_OK ||
        (target.scheme != XF_SIP_SCHEME_SIPS && to.scheme != XF_SIP_SCHEME_SIPS))
        return 0;
    call->more = sips_warning;
    return refuse(call, 480, "sips", "sips: addresses are not accepted from this peer",
                  XF_HELP_SIP_SIPS);
}

/* Without a user it is an address of the domain. */
static bool is_address(struct xf_span text)
{
    struct xf_sip_uri uri;
    struct xf_buf user;
    if (xf_sip_uri_parse(text, &uri) != XF_ERR_OK || uri.password.ptr)
        return false;
    xf_buf_init(&user, text.len + 1);
    bool is_good = !uri.user.ptr || xf_sip_user_decode(uri.user, &user) == XF_ERR_OK;
    xf_buf_release(&user);
    return is_good;
}

/* RFC 3261 section 19.1.1 advises against passwords; a user with a control byte is nobody's. */
static unsigned is_to_nobody(struct xf_core_call *call)
{
    if (is_address(call->request->request_uri) && is_address(call->request->to.uri))
        return 0;
    return refuse(call, 400, "address", "it is to an address with a password or a control byte",
                  XF_HELP_NONE);
}

/* Is the host of this URI ours? Fills call->local if it is a served domain. */
static bool is_ours(struct xf_core_call *call, struct xf_span text)
{
    struct xf_sip_uri uri;
    char domain[XF_DOMAIN_MAX + 1];
    if (xf_sip_uri_parse(text, &uri) != XF_ERR_OK || !xf_sip_uri_is_sip(&uri))
        return false;
    struct xf_span served = xf_ua_served(call->ua, uri.host, domain);
    if (served.ptr && !*call->local)
        memcpy(call->local, domain, sizeof(domain));
    return served.ptr || xf_ua_was_host(call->ua, uri.host);
}

static unsigned is_not_to_us(struct xf_core_call *call)
{
    if (!is_ours(call, call->request->request_uri)) {
        note(call, call->request->request_uri);
        return refuse(call, 404, "request-uri", "we do not serve the domain in the Request-URI",
                      XF_HELP_SIP_NOT_SERVED);
    }
    if (!is_ours(call, call->request->to.uri)) {
        note(call, call->request->to.uri);
        return refuse(call, 403, "to", "we do not serve the domain in To", XF_HELP_SIP_NOT_SERVED);
    }
    return 0;
}

/* What names our host only can be an OPTIONS that asks about the server. */
static unsigned is_not_allowed(struct xf_core_call *call)
{
    struct xf_span local = xf_span_of(call->local), from = xf_span_of(call->from);
    if (!*call->local && call->request->method != XF_SIP_OPTIONS)
        return refuse(call, 404, "to", "it is to our server and not to a domain",
                      XF_HELP_SIP_NOT_SERVED);
    if (*call->local && !xf_policy_may_by_sip(call->ua->policy, local, from, XF_DIRECTION_IN))
        return refuse(call, 403, "policy", "policy does not allow the pair", XF_HELP_POLICY_DENIED);
    return 0;
}

static unsigned is_without_dialog(struct xf_core_call *call)
{
    if (is_in_dialog(call) || !(IN_DIALOG & 1u << call->request->method))
        return 0;
    return refuse(call, 481, "dialog", "it belongs to no dialog", XF_HELP_NONE);
}

static bool is_extension(const struct xf_ua *ua, struct xf_span tag)
{
    for (size_t i = 0; ua->extensions && ua->extensions[i]; i++)
        if (xf_span_eq_nocase(tag, xf_span_of(ua->extensions[i])))
            return true;
    return false;
}

static void unsupported(const struct xf_ua *ua, const struct xf_sip_message *request,
                        struct xf_sip_writer *writer)
{
    struct xf_sip_values tags = xf_sip_values_begin(request, XF_SIP_H_REQUIRE);
    struct xf_span tag;
    while (xf_sip_values_next(&tags, &tag))
        if (!is_extension(ua, tag))
            xf_sip_write_header(writer, XF_SIP_H_UNSUPPORTED, tag);
}

static unsigned requires_more(struct xf_core_call *call)
{
    struct xf_sip_values tags = xf_sip_values_begin(call->request, XF_SIP_H_REQUIRE);
    struct xf_span tag;
    while (xf_sip_values_next(&tags, &tag)) {
        if (is_extension(call->ua, tag))
            continue;
        call->more = unsupported;
        note(call, tag);
        return refuse(call, 420, "require", "it requires an extension that we do not have",
                      XF_HELP_NONE);
    }
    return 0;
}

static unsigned is_merged(struct xf_core_call *call)
{
    if (!xf_ua_server_is_merged(call->ua, call->caller.peer, call->request))
        return 0;
    return refuse(call, 482, "merged", "the same request came twice", XF_HELP_NONE);
}

static void retry_after(const struct xf_ua *ua, const struct xf_sip_message *request,
                        struct xf_sip_writer *writer)
{
    (void)ua;
    (void)request;
    xf_sip_write_headerf(writer, XF_SIP_H_RETRY_AFTER, "%d", RETRY_AFTER_S);
}

static unsigned finds_no_room(struct xf_core_call *call)
{
    const char *full =
        call->ua->is_draining
            ? "drain"
            : xf_ua_server_is_crowded(call->flow, call->caller.peer, call->request->head.len);
    if (!full)
        return 0;
    call->more = retry_after;
    note(call, xf_span_of(full));
    return refuse(call, 503, "full", "too many of its requests wait for an answer",
                  XF_HELP_NO_PLACE);
}

/* clang-format off */
static unsigned (*const checks[])(struct xf_core_call *call) = {
    is_looped,               /* 482: before anything is asked */
    is_stranger,             /* 403: From is not of the party */
    is_asserted_by_stranger, /* 403: P-Asserted-Identity is not */
    is_again,                /* NO_ANSWER */
    is_worn_out,             /* 483 */
    is_unknown_method,       /* 405 */
    is_sips,                 /* 480 */
    is_to_nobody,            /* 400 */
    is_not_to_us,            /* 404, 403 */
    is_not_allowed,          /* 403: policy */
    is_without_dialog,       /* 481 */
    requires_more,           /* 420 */
    is_merged,               /* 482 */
    finds_no_room,           /* 503 */
};
/* clang-format on */

/* ------------------------------------------------------------------ answered here */

/* Answer a request that has no transaction; `more` NULL: no further headers. */
static void answer_once(struct xf_flow *flow, const struct xf_sip_message *request, unsigned status,
                        xf_ua_more_fn more)
{
    char tag[XF_ID_CHARS + 1];
    struct xf_sip_writer writer;
    const struct xf_sip_source source = {.address = xf_span_of(flow->host),
                                         .port = xf_addr_port(&flow->addr)};
    xf_ua_count_ended(flow->ua, XF_UA_IN, request->method, status);
    xf_ua_id(flow->ua, tag);
    xf_sip_write_answer(&writer, &flow->conn->out, request, status, xf_span_of(tag), &source);
    if (more)
        more(flow->ua, request, &writer);
    if (xf_sip_write_end(&writer, XF_SPAN_NONE) == XF_ERR_OK)
        xf_flow_written(flow);
}

static void about_us(const struct xf_ua *ua, const struct xf_sip_message *request,
                     struct xf_sip_writer *writer)
{
    (void)request;
    xf_ua_write_allow(ua, writer);
    xf_sip_write_header(writer, XF_SIP_H_ACCEPT, xf_span_of(ua->accept));
    if (ua->packages)
        xf_sip_write_other(writer, "Allow-Events", xf_span_of(ua->packages));
    if (!ua->extensions || !ua->extensions[0])
        xf_sip_write_header(writer, XF_SIP_H_SUPPORTED, XF_SPAN(""));
    for (size_t i = 0; ua->extensions && ua->extensions[i]; i++)
        xf_sip_write_header(writer, XF_SIP_H_SUPPORTED, xf_span_of(ua->extensions[i]));
}

static void answer_refused(struct xf_core_call *call, unsigned status)
{
    call->ua->counts.refused++;
    xf_core_log_refused(call, status);
    if (call->request->method == XF_SIP_BENOTIFY) /* never answered: MS-SIP 3.5.5.3 */
        xf_ua_count_ended(call->ua, XF_UA_IN, XF_SIP_BENOTIFY, 0);
    else
        answer_once(call->flow, call->request, status, call->more);
}

static void take_cancel(struct xf_core_call *call)
{
    if (xf_ua_server_cancel(call->flow, call->caller.peer, call->request)) {
        if (xf_flow_is_open(call->flow))
            answer_once(call->flow, call->request, 200, NULL);
        return;
    }
    call->fault = (struct xf_ua_fault){"cancel", "there is no such request", XF_HELP_NONE};
    answer_refused(call, 481);
}

/* The peer's Via says that its conn may be used for our requests (RFC 5923 section 5). */
static void take_alias(const struct xf_core_call *call)
{
    if (call->request->via.has_alias && !call->flow->is_clear && !call->flow->is_outgoing &&
        *call->local)
        xf_hop_adopt(call->ua, call->flow, xf_span_of(call->local), xf_span_of(call->from));
}

static void take_request(struct xf_core_call *call)
{
    take_alias(call);
    if (call->request->method == XF_SIP_OPTIONS && !is_in_dialog(call)) {
        answer_once(call->flow, call->request, 200, about_us);
        return;
    }
    if (xf_ua_server_begin(call->flow, call) == XF_UA_FULL)
        call->flow->is_full = true;
}

/* ACK and CANCEL belong to a request that passed the checks. */
static void take_companion(struct xf_core_call *call)
{
    unsigned status = is_stranger(call);
    if (call->request->method == XF_SIP_ACK && status == 0)
        xf_ua_server_acked(call->flow, call->caller.peer, call->request);
    else if (call->request->method == XF_SIP_ACK)
        call->ua->counts.strays++;
    else if (status == 0)
        take_cancel(call);
    else
        answer_refused(call, status);
}

static void check_and_take(struct xf_core_call *call)
{
    unsigned status = 0;
    for (size_t i = 0; i < XF_ARRAY_LEN(checks) && status == 0; i++)
        status = checks[i](call);
    if (status == NO_ANSWER)
        call->ua->counts.strays++;
    else if (status)
        answer_refused(call, status);
    else
        take_request(call);
}

static void note_caller(struct xf_flow *flow, struct xf_span peer)
{
    if (flow->caller && xf_span_is(peer, flow->caller))
        return;
    xf_free(flow->caller);
    flow->caller = xf_span_dup(peer);
}

void xf_core_request(struct xf_flow *flow, const struct xf_sip_message *request)
{
    struct xf_core_call call = {.flow = flow, .ua = flow->ua, .request = request};
    flow->ua->counts.requests_in++;
    if (request->method == XF_SIP_ACK || request->method == XF_SIP_CANCEL)
        take_companion(&call);
    else
        check_and_take(&call);
    if (!call.caller.peer.ptr) {
        xf_flow_count_nameless(flow);
        return;
    }
    note_caller(flow, call.caller.peer);
    xf_flow_count_rate(flow, call.caller.peer, request->head.len + request->body.len);
}

void xf_core_refuse_malformed(struct xf_flow *flow, const struct xf_sip_message *request,
                              unsigned status)
{
    flow->ua->counts.refused++;
    answer_once(flow, request, status, NULL);
}
