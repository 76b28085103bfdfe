/* SPDX-License-Identifier: MIT */
/* value.c — values of the headers that are not addresses: tokens, numbers, types, states. */
#include "value_priv.h"

#define WARNING_DIGITS 3

static const char *const NOT_A_NUMBER = "a number is missing or too large";
static const char *const NOT_A_TOKEN = "a token is missing, or holds other characters";

const char *xf_sip_take_token(struct xf_sip_cursor *c, struct xf_span *out_token)
{
    xf_sip_skip_lws(c);
    *out_token = xf_sip_take(c, XF_SIP_C_TOKEN);
    xf_sip_skip_lws(c);
    return out_token->len > 0 ? NULL : NOT_A_TOKEN;
}

const char *xf_sip_take_call_id(struct xf_sip_cursor *c, struct xf_span *out_call_id)
{
    const char *start = c->p;

    if (xf_sip_take(c, XF_SIP_C_WORD).len == 0)
        return "the identifier is empty";
    if (xf_sip_at(c, '@')) {
        c->p++;
        if (xf_sip_take(c, XF_SIP_C_WORD).len == 0)
            return "the identifier is empty behind \"@\"";
    }
    *out_call_id = xf_sip_since(start, c);
    return NULL;
}

const char *xf_sip_take_delta(struct xf_sip_cursor *c, uint64_t max, int64_t *out_number)
{
    uint64_t number;

    if (!xf_span_number(xf_sip_take(c, XF_SIP_C_DIGIT), max, &number))
        return NOT_A_NUMBER;
    *out_number = (int64_t)number;
    return NULL;
}

const char *xf_sip_take_cseq(struct xf_sip_cursor *c, struct xf_sip_cseq *out_cseq)
{
    int64_t number;
    const char *wrong = xf_sip_take_delta(c, XF_SIP_CSEQ_MAX, &number);

    if (wrong)
        return wrong;
    if (!xf_sip_at(c, ' ') && !xf_sip_at(c, '\t'))
        return "no method behind the number";
    out_cseq->number = (uint32_t)number;
    wrong = xf_sip_take_token(c, &out_cseq->method_name);
    out_cseq->method = xf_sip_method_of(out_cseq->method_name);
    return wrong;
}

/* type "/" subtype of a media type (RFC 3261 section 25.1, media-type). */
const char *xf_sip_take_media(struct xf_sip_cursor *c, struct xf_sip_media *out_media)
{
    struct xf_span name, value;
    const char *wrong = xf_sip_take_token(c, &out_media->type);

    out_media->charset = XF_SPAN_NONE;
    if (wrong || !xf_sip_skip_mark(c, '/') || xf_sip_take_token(c, &out_media->subtype))
        return "not a media type";

    const char *start = c->p;
    while (xf_sip_next_param(c, &name, &value, &wrong)) {
        if (XF_SIP_SAME(name, "charset"))
            out_media->charset = value;
    }
    out_media->params = xf_sip_since(start, c);
    return wrong;
}

const char *xf_sip_take_disposition(struct xf_sip_cursor *c, struct xf_sip_disposition *out)
{
    struct xf_span name, value;
    const char *wrong = xf_sip_take_token(c, &out->type);

    out->is_optional = false;
    if (wrong)
        return wrong;

    const char *start = c->p;
    while (xf_sip_next_param(c, &name, &value, &wrong)) {
        if (XF_SIP_SAME(name, "handling"))
            out->is_optional = XF_SIP_SAME(value, "optional");
    }
    out->params = xf_sip_since(start, c);
    return wrong;
}

/* RFC 6665 section 8.2.1. */
const char *xf_sip_take_event(struct xf_sip_cursor *c, struct xf_sip_event *out_event)
{
    struct xf_span name, value;
    const char *wrong = xf_sip_take_token(c, &out_event->package);

    out_event->id = XF_SPAN_NONE;
    if (wrong)
        return wrong;

    const char *start = c->p;
    while (xf_sip_next_param(c, &name, &value, &wrong)) {
        if (!XF_SIP_SAME(name, "id"))
            continue;
        if (out_event->id.ptr || value.len == 0 || xf_sip_is_quoted(value))
            return "the id comes twice, is empty or in quotes";
        out_event->id = value;
    }
    out_event->params = xf_sip_since(start, c);
    return wrong;
}

static enum xf_sip_substate substate_of(struct xf_span text)
{
    if (XF_SIP_SAME(text, "active"))
        return XF_SIP_SUB_ACTIVE;
    if (XF_SIP_SAME(text, "pending"))
        return XF_SIP_SUB_PENDING;
    if (XF_SIP_SAME(text, "terminated"))
        return XF_SIP_SUB_TERMINATED;
    return XF_SIP_SUB_OTHER;
}

static const char *set_seconds(int64_t *slot, struct xf_span value)
{
    uint64_t seconds;

    if (*slot != XF_SIP_ABSENT || !xf_span_number(value, XF_SIP_DELTA_MAX, &seconds))
        return NOT_A_NUMBER;
    *slot = (int64_t)seconds;
    return NULL;
}

static const char *set_state_param(struct xf_sip_subscription_state *state, struct xf_span name,
                                   struct xf_span value)
{
    if (XF_SIP_SAME(name, "expires"))
        return set_seconds(&state->expires_s, value);
    if (XF_SIP_SAME(name, "retry-after"))
        return set_seconds(&state->retry_after_s, value);
    if (XF_SIP_SAME(name, "reason") && !state->reason.ptr)
        state->reason = value;
    return NULL;
}

/* RFC 6665 section 8.2.3. */
const char *xf_sip_take_state(struct xf_sip_cursor *c, struct xf_sip_subscription_state *out_state)
{
    struct xf_span name, value;
    const char *wrong;

    *out_state = (struct xf_sip_subscription_state){.expires_s = XF_SIP_ABSENT,
                                                    .retry_after_s = XF_SIP_ABSENT};
    if ((wrong = xf_sip_take_token(c, &out_state->state_text)))
        return wrong;
    out_state->state = substate_of(out_state->state_text);

    const char *start = c->p;
    while (xf_sip_next_param(c, &name, &value, &wrong)) {
        if ((wrong = set_state_param(out_state, name, value)))
            return wrong;
    }
    out_state->params = xf_sip_since(start, c);
    return wrong;
}

/* Skip "(...)", which may hold others and quoted pairs. */
static bool skip_comment(struct xf_sip_cursor *c)
{
    size_t depth = 0;

    for (const char *p = c->p; p < c->end; p++) {
        if (*p == '\\') {
            p++;
        } else if (*p == '(') {
            depth++;
        } else if (*p == ')' && --depth == 0) {
            c->p = p + 1;
            xf_sip_skip_lws(c);
            return true;
        }
    }
    return false;
}

/* RFC 3261 section 20.33: seconds, then a comment, then parameters, which tell us nothing. */
const char *xf_sip_take_retry_after(struct xf_sip_cursor *c, int64_t *out_seconds)
{
    struct xf_span name, value;
    const char *wrong = xf_sip_take_delta(c, XF_SIP_DELTA_MAX, out_seconds);

    if (wrong)
        return wrong;
    xf_sip_skip_lws(c);
    if (xf_sip_at(c, '(') && !skip_comment(c))
        return "a comment does not end";
    while (xf_sip_next_param(c, &name, &value, &wrong))
        ;
    return wrong;
}

/* RFC 3261 section 20.43. */
const char *xf_sip_take_warning(struct xf_sip_cursor *c, struct xf_sip_warning *out_warning)
{
    static const char *const NOT_A_WARNING = "not a code of three digits, a host and a quoted text";
    uint64_t code;

    xf_sip_skip_lws(c);
    struct xf_span digits = xf_sip_take(c, XF_SIP_C_DIGIT);
    if (digits.len != WARNING_DIGITS || !xf_span_number(digits, 999, &code))
        return NOT_A_WARNING;
    xf_sip_skip_lws(c);
    out_warning->agent = xf_sip_take(c, XF_SIP_C_VALUE);
    xf_sip_skip_lws(c);
    const char *start = c->p + 1;
    if (out_warning->agent.len == 0 || !xf_sip_at(c, '"') || !xf_sip_skip_quoted(c))
        return NOT_A_WARNING;
    out_warning->code = (unsigned)code;
    out_warning->text = (struct xf_span){start, (size_t)(c->p - start) - 1};
    xf_sip_skip_lws(c);
    return NULL;
}
