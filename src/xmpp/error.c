/* SPDX-License-Identifier: MIT */
/* error.c — names of stream and stanza error conditions, from the lists in the header. */
#include <xfed/xmpp/error.h>

#include <xfed/base/err.h>

static const char *const stream_names[] = {
#define X(name, text) [XF_STREAM_ERROR_##name] = text,
    XF_STREAM_ERROR_MAP(X)
#undef X
};

static const struct {
    const char *type, *name;
} stanza_errors[] = {
#define X(name, type, condition) [XF_STANZA_ERROR_##name] = {type, condition},
    XF_STANZA_ERROR_MAP(X)
#undef X
};

const char *xf_stream_error_name(enum xf_stream_error error)
{
    xf_require((size_t)error < XF_ARRAY_LEN(stream_names));
    return stream_names[error];
}

enum xf_stream_error xf_stream_error_find(struct xf_span name)
{
    for (size_t i = XF_STREAM_ERROR_NONE + 1; i < XF_ARRAY_LEN(stream_names); i++) {
        if (xf_span_is(name, stream_names[i]))
            return (enum xf_stream_error)i;
    }
    return XF_STREAM_ERROR_UNDEFINED_CONDITION;
}

const char *xf_stanza_error_type(enum xf_stanza_error error)
{
    xf_require((size_t)error < XF_ARRAY_LEN(stanza_errors));
    return stanza_errors[error].type;
}

const char *xf_stanza_error_name(enum xf_stanza_error error)
{
    xf_require((size_t)error < XF_ARRAY_LEN(stanza_errors));
    return stanza_errors[error].name;
}

enum xf_stanza_error xf_stanza_error_find(struct xf_span name)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(stanza_errors); i++) {
        if (xf_span_is(name, stanza_errors[i].name))
            return (enum xf_stanza_error)i;
    }
    return XF_STANZA_ERROR_UNDEFINED_CONDITION;
}
