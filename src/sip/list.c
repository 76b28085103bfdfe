/* SPDX-License-Identifier: MIT */
/* list.c — values of lists one by one, and headers and parameters by name. */
#include <string.h>

#include "value_priv.h"

struct xf_span xf_sip_other_value(const struct xf_sip_message *message, const char *name)
{
    uint16_t line = message->first_lines[XF_SIP_H_OTHER];

    for (; line != XF_SIP_NO_LINE; line = message->headers[line].next) {
        if (xf_span_eq_nocase(message->headers[line].name, xf_span_of(name)))
            return message->headers[line].value;
    }
    return XF_SPAN_NONE;
}

struct xf_sip_values xf_sip_values_begin(const struct xf_sip_message *message,
                                         enum xf_sip_header_id id)
{
    return (struct xf_sip_values){message, message->first_lines[id], XF_SPAN_NONE};
}

/* The end of the first value: a comma that is neither in quotes nor in <>. */
static const char *end_of_value(struct xf_sip_cursor c)
{
    while (!xf_sip_at_end(&c) && *c.p != ',') {
        if (*c.p == '"' && xf_sip_skip_quoted(&c))
            continue;
        const char *close = *c.p == '<' ? memchr(c.p, '>', (size_t)(c.end - c.p)) : NULL;
        c.p = close ? close + 1 : c.p + 1;
    }
    return c.p;
}

static struct xf_span take_first(struct xf_span *rest)
{
    struct xf_sip_cursor c = xf_sip_cursor(*rest);
    const char *end = end_of_value(c), *behind = end < c.end ? end + 1 : end;

    xf_sip_skip_lws(&c);
    while (end > c.p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *rest = (struct xf_span){behind, (size_t)(c.end - behind)};
    return (struct xf_span){c.p, (size_t)(end - c.p)};
}

bool xf_sip_values_next(struct xf_sip_values *values, struct xf_span *out_value)
{
    *out_value = XF_SPAN_NONE;
    while (values->rest.len == 0) {
        if (values->line == XF_SIP_NO_LINE)
            return false;
        const struct xf_sip_header *header = &values->message->headers[values->line];
        values->rest = header->value;
        values->line = header->next;
    }
    *out_value = take_first(&values->rest);
    return true;
}

bool xf_sip_has_value(const struct xf_sip_message *message, enum xf_sip_header_id id,
                      const char *token)
{
    struct xf_sip_values values = xf_sip_values_begin(message, id);
    struct xf_span value;

    while (xf_sip_values_next(&values, &value)) {
        if (xf_span_eq_nocase(value, xf_span_of(token)))
            return true;
    }
    return false;
}

bool xf_sip_is_encoded(const struct xf_sip_message *message)
{
    struct xf_sip_values values = xf_sip_values_begin(message, XF_SIP_H_CONTENT_ENCODING);
    struct xf_span value;

    while (xf_sip_values_next(&values, &value)) {
        if (!xf_span_eq_nocase(value, XF_SPAN("identity")))
            return true;
    }
    return false;
}

bool xf_sip_param(struct xf_span params, const char *name, struct xf_span *out_value)
{
    struct xf_sip_cursor c = xf_sip_cursor(params);
    struct xf_span found, value;
    const char *wrong;

    *out_value = XF_SPAN_NONE;
    while (xf_sip_next_param(&c, &found, &value, &wrong)) {
        if (xf_span_eq_nocase(found, xf_span_of(name))) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

enum xf_err xf_sip_address_read(struct xf_span value, struct xf_sip_address *out_address)
{
    struct xf_sip_cursor c = xf_sip_cursor(value);
    struct xf_sip_address address;

    if (xf_sip_take_address(&c, &address) || !xf_sip_at_end(&c))
        return XF_ERR_BAD_VALUE;
    *out_address = address;
    return XF_ERR_OK;
}

enum xf_err xf_sip_via_read(struct xf_span value, struct xf_sip_via *out_via)
{
    struct xf_sip_cursor c = xf_sip_cursor(value);
    struct xf_sip_via via;

    if (xf_sip_take_via(&c, &via) || !xf_sip_at_end(&c))
        return XF_ERR_BAD_VALUE;
    *out_via = via;
    return XF_ERR_OK;
}

enum xf_err xf_sip_media_read(struct xf_span value, struct xf_sip_media *out_media)
{
    struct xf_sip_cursor c = xf_sip_cursor(value);
    struct xf_sip_media media;

    if (xf_sip_take_media(&c, &media) || !xf_sip_at_end(&c))
        return XF_ERR_BAD_VALUE;
    *out_media = media;
    return XF_ERR_OK;
}

enum xf_err xf_sip_warning_read(struct xf_span value, struct xf_sip_warning *out_warning)
{
    struct xf_sip_cursor c = xf_sip_cursor(value);
    struct xf_sip_warning warning;

    if (xf_sip_take_warning(&c, &warning) || !xf_sip_at_end(&c))
        return XF_ERR_BAD_VALUE;
    *out_warning = warning;
    return XF_ERR_OK;
}
