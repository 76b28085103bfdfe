/* SPDX-License-Identifier: MIT */
/*
 * answer.c — the beginning of an answer: what it repeats of the request (RFC 3261 section 8.2.6).
 *
 * The topmost Via is written anew when we know where the request came from: the peer says where it
 * believes to be, `received` and `rport` where it was seen (section 18.2.1, RFC 3581 section 4).
 * Values of these two that the peer sent are dropped: only the last hop may set them. All other
 * bytes are the peer's, so that it finds its transaction again; but for the white space and the
 * leading zeros of CSeq.
 */
#include "line_priv.h"
#include "value_priv.h"
#include "write_priv.h"

static void put_sent_by(struct xf_draft *draft, const struct xf_sip_via *via)
{
    bool is_ipv6 = memchr(via->host.ptr, ':', via->host.len);

    xf_draft_str(draft, is_ipv6 ? "[" : "");
    xf_draft_span(draft, via->host);
    xf_draft_str(draft, is_ipv6 ? "]" : "");
    if (via->port > 0)
        xf_draft_printf(draft, ":%u", via->port);
}

/* All but received and rport, each as it came. */
static void put_params(struct xf_draft *draft, struct xf_span params)
{
    struct xf_sip_cursor c = xf_sip_cursor(params);
    struct xf_span name, value;
    const char *wrong;

    while (xf_sip_next_param(&c, &name, &value, &wrong)) {
        if (XF_SIP_SAME(name, "received") || XF_SIP_SAME(name, "rport"))
            continue;
        xf_draft_str(draft, ";");
        xf_draft_span(draft, xf_sip_since(name.ptr, &c));
    }
}

static void put_top_via(struct xf_sip_writer *writer, const struct xf_sip_via *via,
                        const struct xf_sip_source *source)
{
    struct xf_draft *draft = &writer->draft;

    xf_draft_str(draft, "Via: SIP/2.0/");
    xf_draft_span(draft, via->transport);
    xf_draft_str(draft, " ");
    put_sent_by(draft, via);
    put_params(draft, via->params);
    if (via->has_rport || !xf_span_eq_nocase(via->host, source->address)) {
        xf_draft_str(draft, ";received=");
        xf_draft_span(draft, source->address);
    }
    if (via->has_rport)
        xf_draft_printf(draft, ";rport=%u", source->port);
    xf_draft_str(draft, "\r\n");
}

/* Of a request that is refused, lower ones may not be. */
static bool is_via(struct xf_span value)
{
    struct xf_sip_via via;

    return !xf_sip_check_line(value, true) && xf_sip_via_read(value, &via) == XF_ERR_OK;
}

static void put_vias(struct xf_sip_writer *writer, const struct xf_sip_message *request,
                     const struct xf_sip_source *source)
{
    struct xf_sip_values values = xf_sip_values_begin(request, XF_SIP_H_VIA);
    struct xf_span value;

    if (source && xf_sip_values_next(&values, &value))
        put_top_via(writer, &request->via, source);
    while (xf_sip_values_next(&values, &value))
        if (is_via(value))
            xf_sip_put_line(writer, XF_SPAN("Via"), value);
}

/* As it came, also what could not be read; absent if it has bytes that belong into no header. */
static struct xf_span kept(const struct xf_sip_message *request, enum xf_sip_header_id id)
{
    struct xf_span value = xf_sip_value(request, id);

    return value.ptr && !xf_sip_check_line(value, true) ? value : XF_SPAN_NONE;
}

static void put_kept(struct xf_sip_writer *writer, const struct xf_sip_message *request,
                     enum xf_sip_header_id id)
{
    struct xf_span value = kept(request, id);

    if (value.ptr)
        xf_sip_put_line(writer, xf_span_of(xf_sip_header_text(id)), value);
}

static void put_to(struct xf_sip_writer *writer, const struct xf_sip_message *request,
                   struct xf_span to_tag)
{
    struct xf_span to = kept(request, XF_SIP_H_TO);

    if (!to.ptr)
        return;
    xf_draft_str(&writer->draft, "To: ");
    xf_draft_span(&writer->draft, to);
    if (!request->to.tag.ptr && to_tag.ptr) {
        xf_draft_str(&writer->draft, ";tag=");
        xf_sip_put_token(writer, to_tag);
    }
    xf_draft_str(&writer->draft, "\r\n");
}

static void put_cseq(struct xf_sip_writer *writer, const struct xf_sip_message *request)
{
    const struct xf_sip_cseq *cseq = &request->cseq;

    if (cseq->method_name.ptr)
        xf_sip_write_headerf(writer, XF_SIP_H_CSEQ, "%u %.*s", cseq->number,
                             XF_SPAN_ARGS(cseq->method_name));
    else
        put_kept(writer, request, XF_SIP_H_CSEQ);
}

void xf_sip_write_answer_as(struct xf_sip_writer *writer, struct xf_buf *out,
                            const struct xf_sip_message *request, unsigned status,
                            struct xf_span reason, struct xf_span to_tag,
                            const struct xf_sip_source *source)
{
    xf_sip_begin_status(writer, out, status, reason);
    put_vias(writer, request, source);
    put_kept(writer, request, XF_SIP_H_FROM);
    put_to(writer, request, to_tag);
    put_kept(writer, request, XF_SIP_H_CALL_ID);
    put_cseq(writer, request);
}

void xf_sip_write_answer(struct xf_sip_writer *writer, struct xf_buf *out,
                         const struct xf_sip_message *request, unsigned status,
                         struct xf_span to_tag, const struct xf_sip_source *source)
{
    xf_sip_write_answer_as(writer, out, request, status, xf_span_of(xf_sip_status_text(status)),
                           to_tag, source);
}
