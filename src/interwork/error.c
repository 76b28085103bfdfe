/* SPDX-License-Identifier: MIT */
/* error.c — the tables of the header, the condition of an error stanza, and the text of one. */
#include <xfed/interwork/error.h>

#include <stdio.h>

#include <xfed/xmpp/ns.h>

#include "error_priv.h"
#include "text_priv.h"

/* Of the peer's words in our text. */
#define REASON_SHOWN_BYTES      80
#define DIAGNOSTICS_SHOWN_BYTES 160

static const struct {
    unsigned bare, full;
    bool wants_retry_after;
} answers[] = {
#define X(condition, bare, full, retry) [XF_STANZA_ERROR_##condition] = {bare, full, retry},
    XF_INTERWORK_STATUS_MAP(X)
#undef X
};

static const struct {
    unsigned first, last;
    enum xf_stanza_error error;
} conditions[] = {
#define X(first, last, condition) {first, last, XF_STANZA_ERROR_##condition},
    XF_INTERWORK_CONDITION_MAP(X)
#undef X
};

struct xf_interwork_answer xf_interwork_answer_of(enum xf_stanza_error error,
                                                  enum xf_sip_method method, bool to_full_jid)
{
    xf_require((size_t)error < XF_ARRAY_LEN(answers));
    if (error == XF_STANZA_ERROR_UNEXPECTED_REQUEST && method == XF_SIP_INVITE)
        return (struct xf_interwork_answer){.status = 491};
    return (struct xf_interwork_answer){.status =
                                            to_full_jid ? answers[error].full : answers[error].bare,
                                        .wants_retry_after = answers[error].wants_retry_after};
}

enum xf_stanza_error xf_interwork_condition_of(unsigned status)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(conditions); i++) {
        if (status >= conditions[i].first && status <= conditions[i].last)
            return conditions[i].error;
    }
    return XF_STANZA_ERROR_UNDEFINED_CONDITION;
}

/* ------------------------------------------------------------------ an error stanza */

/* What stands between the start and the end tag of a child; empty for `<a/>`. */
static struct xf_span content_of(struct xf_span whole)
{
    const char *end = whole.ptr + whole.len, *open = memchr(whole.ptr, '>', whole.len),
               *close = memrchr(whole.ptr, '<', whole.len);

    if (!open || !close || open + 1 > close)
        return (struct xf_span){end, 0};
    return (struct xf_span){open + 1, (size_t)(close - open - 1)};
}

static bool find_error(const struct xf_stanza *stanza, struct xf_span *out_content)
{
    struct xf_span rest = stanza->payload;
    struct xf_stanza_child child;

    while (rest.ptr && xf_stanza_next_child(&rest, &child)) {
        if (!child.ns.ptr && xf_span_is(child.name, "error")) {
            *out_content = content_of(child.whole);
            return true;
        }
    }
    return false;
}

bool xf_interwork_find_condition(const struct xf_stanza *stanza, struct xf_stanza_child *out_child)
{
    struct xf_span rest;

    if (!find_error(stanza, &rest))
        return false;
    while (xf_stanza_next_child(&rest, out_child)) {
        if (xf_span_is(out_child->ns, XF_NS_STANZA_ERROR) && !xf_span_is(out_child->name, "text"))
            return true;
    }
    return false;
}

enum xf_stanza_error xf_interwork_condition_read(const struct xf_stanza *stanza)
{
    struct xf_stanza_child child;

    return xf_interwork_find_condition(stanza, &child) ? xf_stanza_error_find(child.name)
                                                       : XF_STANZA_ERROR_UNDEFINED_CONDITION;
}

/* ------------------------------------------------------------------ words for people */

/* The reason of `1003;reason="...";source="..."`, without quotes; absent: none. */
static struct xf_span diagnostic_reason(struct xf_span diagnostics)
{
    const char *params = diagnostics.len > 0 ? memchr(diagnostics.ptr, ';', diagnostics.len) : NULL;
    struct xf_span reason = XF_SPAN_NONE;

    if (!params)
        return XF_SPAN_NONE;
    size_t len = diagnostics.len - (size_t)(params - diagnostics.ptr);
    if (!xf_sip_param((struct xf_span){params, len}, "reason", &reason))
        return XF_SPAN_NONE;
    return reason;
}

const char *xf_interwork_error_text(unsigned status, struct xf_span reason,
                                    struct xf_span diagnostics, char out[XF_INTERWORK_TEXT_BYTES])
{
    char phrase[REASON_SHOWN_BYTES + 1], words[DIAGNOSTICS_SHOWN_BYTES + 1];

    xf_interwork_show(reason, phrase, sizeof(phrase));
    xf_interwork_show_quoted(diagnostic_reason(diagnostics), words, sizeof(words));
    (void)snprintf(out, XF_INTERWORK_TEXT_BYTES, "the other side answered %u%s%s%s%s", status,
                   *phrase ? " " : "", phrase, *words ? ": " : "", words);
    return out;
}
