/* SPDX-License-Identifier: MIT */
/*
 * dialog.c — dialogs as values: what makes one, what is sent and what may come in it.
 *
 * A route set is kept as the bytes between < and > of Record-Route: servers sign them, and take
 * back only what they signed.
 */
#include <xfed/base/alloc.h>
#include <xfed/sip/uri.h>
#include <xfed/ua/dialog.h>

#include "dialog_priv.h"

/* ------------------------------------------------------------------ route sets */

/* URIs of Record-Route, each ended by LF; NULL: too long. */
static char *route_of(const struct xf_sip_message *message, bool is_reversed)
{
    struct xf_span uris[XF_SIP_HEADERS_MAX];
    size_t count = 0;
    struct xf_buf out;
    struct xf_span value;
    struct xf_sip_values values = xf_sip_values_begin(message, XF_SIP_H_RECORD_ROUTE);
    while (count < XF_ARRAY_LEN(uris) && xf_sip_values_next(&values, &value)) {
        struct xf_sip_address address;
        if (xf_sip_address_read(value, &address) == XF_ERR_OK)
            uris[count++] = address.uri;
    }
    xf_buf_init(&out, XF_DIALOG_BYTES_MAX);
    struct xf_draft draft = xf_draft_begin(&out);
    for (size_t i = 0; i < count; i++) {
        xf_draft_span(&draft, uris[is_reversed ? count - 1 - i : i]);
        xf_draft_str(&draft, "\n");
    }
    char *text = xf_draft_end(&draft) == XF_ERR_OK ? xf_span_dup(xf_buf_span(&out)) : NULL;
    xf_buf_release(&out);
    return text;
}

static struct xf_span first_route(const struct xf_dialog *dialog)
{
    return (struct xf_span){dialog->route, strcspn(dialog->route, "\n")};
}

/* RFC 3261 section 12.2.1.1: a first server without lr wants the target as the last route. */
void xf_dialog_settle_route(struct xf_dialog *dialog)
{
    struct xf_span first = first_route(dialog), value;
    struct xf_sip_uri uri;
    xf_free(dialog->strict_route);
    dialog->strict_route = NULL;
    if (!first.len || xf_sip_uri_parse(first, &uri) != XF_ERR_OK ||
        xf_sip_uri_param(&uri, "lr", &value))
        return;
    dialog->strict_route = xf_asprintf("%s%s\n", dialog->route + first.len + 1, dialog->target);
}

/* ------------------------------------------------------------------ making one */

static char *tagged(struct xf_span uri, struct xf_span tag)
{
    if (!tag.len)
        return xf_asprintf("<%.*s>", XF_SPAN_ARGS(uri));
    return xf_asprintf("<%.*s>;tag=%.*s", XF_SPAN_ARGS(uri), XF_SPAN_ARGS(tag));
}

/* What differs between the ways to make one. */
struct maker {
    struct xf_span served, peer;
    const struct xf_sip_message *message;
    const struct xf_sip_address *local, *remote; /* From and To, from our side */
    struct xf_span local_tag;
    bool is_reversed; /* the route set */
    uint32_t local_cseq;
    int64_t remote_cseq;
};

static struct xf_span or_empty(struct xf_span text)
{
    return text.ptr ? text : XF_SPAN("");
}

/*
 * RFC 3261 section 8.1.1.8: it is a SIP or SIPS URI. By section 19.1.1 it has no headers, and if it
 * has, no Request-URI may. Absent: there is no such Contact.
 */
struct xf_span xf_dialog_target_in(const struct xf_sip_message *message)
{
    struct xf_sip_uri uri;
    if (!message->contact.uri.ptr || xf_sip_uri_parse(message->contact.uri, &uri) != XF_ERR_OK ||
        !xf_sip_uri_is_sip(&uri))
        return XF_SPAN_NONE;
    return (struct xf_span){uri.text.ptr,
                            uri.text.len - (uri.headers.ptr ? uri.headers.len + 1 : 0)};
}

static enum xf_err make(struct xf_dialog *out_dialog, const struct maker *maker)
{
    const struct xf_sip_message *message = maker->message;
    struct xf_span target = xf_dialog_target_in(message);
    if (!target.ptr || !maker->local_tag.len)
        return XF_ERR_BAD_VALUE;
    struct xf_dialog dialog = {
        .served = xf_span_dup(maker->served),
        .peer = xf_span_dup(maker->peer),
        .call_id = xf_span_dup(message->call_id),
        .local_tag = xf_span_dup(maker->local_tag),
        .remote_tag = xf_span_dup(or_empty(maker->remote->tag)),
        .from = tagged(maker->local->uri, maker->local_tag),
        .to = tagged(maker->remote->uri, maker->remote->tag),
        .target = xf_span_dup(target),
        .route = route_of(message, maker->is_reversed),
        .local_cseq = maker->local_cseq,
        .remote_cseq = maker->remote_cseq,
    };
    if (!dialog.route || xf_dialog_packed_bytes(&dialog) > XF_DIALOG_BYTES_MAX) {
        xf_dialog_fini(&dialog);
        return XF_ERR_LIMIT;
    }
    xf_dialog_settle_route(&dialog);
    *out_dialog = dialog;
    return XF_ERR_OK;
}

enum xf_err xf_dialog_from_answer(struct xf_dialog *out_dialog, struct xf_span served,
                                  struct xf_span peer, const struct xf_sip_message *answer)
{
    if (!answer->to.tag.len && answer->status < 200)
        return XF_ERR_BAD_VALUE;
    const struct maker maker = {
        .served = served,
        .peer = peer,
        .message = answer,
        .local = &answer->from,
        .remote = &answer->to,
        .local_tag = answer->from.tag,
        .is_reversed = true,
        .local_cseq = answer->cseq.number,
        .remote_cseq = XF_SIP_ABSENT,
    };
    return make(out_dialog, &maker);
}

enum xf_err xf_dialog_from_request(struct xf_dialog *out_dialog, struct xf_span served,
                                   struct xf_span peer, const struct xf_sip_message *request,
                                   struct xf_span tag)
{
    const struct maker maker = {
        .served = served,
        .peer = peer,
        .message = request,
        .local = &request->to,
        .remote = &request->from,
        .local_tag = tag,
        .remote_cseq = request->cseq.number,
    };
    return make(out_dialog, &maker);
}

enum xf_err xf_dialog_from_notify(struct xf_dialog *out_dialog, struct xf_span served,
                                  struct xf_span peer, const struct xf_sip_message *notify,
                                  uint32_t cseq)
{
    const struct maker maker = {
        .served = served,
        .peer = peer,
        .message = notify,
        .local = &notify->to,
        .remote = &notify->from,
        .local_tag = notify->to.tag,
        .local_cseq = cseq,
        .remote_cseq = notify->cseq.number,
    };
    return make(out_dialog, &maker);
}

void xf_dialog_fini(struct xf_dialog *dialog)
{
    xf_free(dialog->served);
    xf_free(dialog->peer);
    xf_free(dialog->call_id);
    xf_free(dialog->local_tag);
    xf_free(dialog->remote_tag);
    xf_free(dialog->from);
    xf_free(dialog->to);
    xf_free(dialog->target);
    xf_free(dialog->route);
    xf_free(dialog->strict_route);
    *dialog = (struct xf_dialog){0};
}

/* ------------------------------------------------------------------ requests of ours */

static void fill(const struct xf_dialog *dialog, enum xf_sip_method method, uint32_t cseq,
                 struct xf_ua_request *out_request)
{
    bool is_strict = dialog->strict_route != NULL;
    *out_request = (struct xf_ua_request){
        .local = xf_span_of(dialog->served),
        .peer = xf_span_of(dialog->peer),
        .method = method,
        .uri = is_strict ? first_route(dialog) : xf_span_of(dialog->target),
        .route = xf_span_of(is_strict ? dialog->strict_route : dialog->route),
        .from = xf_span_of(dialog->from),
        .to = xf_span_of(dialog->to),
        .call_id = xf_span_of(dialog->call_id),
        .cseq = cseq,
    };
}

void xf_dialog_skip(struct xf_dialog *dialog, uint32_t starts)
{
    uint64_t next = dialog->local_cseq + (uint64_t)starts * XF_DIALOG_UNKEPT;
    dialog->local_cseq = next < XF_SIP_CSEQ_MAX ? (uint32_t)next : XF_SIP_CSEQ_MAX;
}

bool xf_dialog_request(struct xf_dialog *dialog, enum xf_sip_method method,
                       struct xf_ua_request *out_request)
{
    if (dialog->local_cseq >= XF_SIP_CSEQ_MAX)
        return false;
    fill(dialog, method, ++dialog->local_cseq, out_request);
    return true;
}

void xf_dialog_ack(const struct xf_dialog *dialog, uint32_t cseq, struct xf_ua_request *out_request)
{
    fill(dialog, XF_SIP_ACK, cseq, out_request);
}

/* ------------------------------------------------------------------ what comes */

bool xf_dialog_has(const struct xf_dialog *dialog, const struct xf_sip_message *message)
{
    const struct xf_sip_address *local = message->is_request ? &message->to : &message->from;
    const struct xf_sip_address *remote = message->is_request ? &message->from : &message->to;
    return xf_span_is(message->call_id, dialog->call_id) &&
           xf_span_is(local->tag, dialog->local_tag) && xf_span_is(remote->tag, dialog->remote_tag);
}

unsigned xf_dialog_take(struct xf_dialog *dialog, const struct xf_sip_message *request)
{
    if (!xf_dialog_has(dialog, request))
        return 481;
    if (request->method == XF_SIP_ACK || request->method == XF_SIP_CANCEL)
        return 0; /* they have the number of their INVITE */
    if ((int64_t)request->cseq.number <= dialog->remote_cseq)
        return 500;
    dialog->remote_cseq = request->cseq.number;
    return 0;
}

enum xf_err xf_dialog_refresh(struct xf_dialog *dialog, const struct xf_sip_message *message)
{
    struct xf_span uri = xf_dialog_target_in(message);
    if (!message->contact.uri.ptr || xf_span_is(uri, dialog->target))
        return XF_ERR_OK;
    if (!uri.ptr)
        return XF_ERR_BAD_VALUE;
    if (xf_dialog_packed_bytes(dialog) - strlen(dialog->target) + uri.len > XF_DIALOG_BYTES_MAX)
        return XF_ERR_LIMIT;
    xf_free(dialog->target);
    dialog->target = xf_span_dup(uri);
    xf_dialog_settle_route(dialog);
    return XF_ERR_OK;
}
