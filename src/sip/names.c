/* SPDX-License-Identifier: MIT */
/*
 * names.c — names of methods and headers, and back.
 *
 * Nearly each header of a message is looked up here. Its length leaves six names at most
 * (by_length), and the first letter of these mostly one.
 */
#include <xfed/sip/message.h>

#include "cursor_priv.h"

#define NAMES_OF_A_LENGTH 6

/* clang-format off */
static const struct {
    const char *text;
    size_t len;
} methods[] = {
    {"", 0},
#define X(name) {#name, sizeof(#name) - 1},
    XF_SIP_METHOD_MAP(X)
#undef X
};

static const struct {
    const char *text;
    char compact;
} headers[] = {
    {"", 0},
#define X(name, text, compact, form) {text, compact},
    XF_SIP_HEADER_MAP(X)
#undef X
};

static const uint8_t by_length[][NAMES_OF_A_LENGTH] = {
    [2]  = {XF_SIP_H_TO},
    [3]  = {XF_SIP_H_VIA},
    [4]  = {XF_SIP_H_FROM, XF_SIP_H_CSEQ},
    [5]  = {XF_SIP_H_ROUTE, XF_SIP_H_EVENT, XF_SIP_H_ALLOW},
    [6]  = {XF_SIP_H_ACCEPT, XF_SIP_H_SERVER},
    [7]  = {XF_SIP_H_CALL_ID, XF_SIP_H_CONTACT, XF_SIP_H_EXPIRES, XF_SIP_H_SUBJECT, XF_SIP_H_REQUIRE, XF_SIP_H_WARNING},
    [9]  = {XF_SIP_H_SUPPORTED},
    [10] = {XF_SIP_H_USER_AGENT},
    [11] = {XF_SIP_H_UNSUPPORTED, XF_SIP_H_RETRY_AFTER, XF_SIP_H_MIN_EXPIRES},
    [12] = {XF_SIP_H_MAX_FORWARDS, XF_SIP_H_CONTENT_TYPE, XF_SIP_H_RECORD_ROUTE},
    [13] = {XF_SIP_H_PROXY_REQUIRE},
    [14] = {XF_SIP_H_CONTENT_LENGTH, XF_SIP_H_MS_DIAGNOSTICS},
    [16] = {XF_SIP_H_CONTENT_LANGUAGE, XF_SIP_H_CONTENT_ENCODING},
    [18] = {XF_SIP_H_SUBSCRIPTION_STATE},
    [19] = {XF_SIP_H_P_ASSERTED_IDENTITY, XF_SIP_H_CONTENT_DISPOSITION},
    [21] = {XF_SIP_H_MS_DIAGNOSTICS_PUBLIC},
};
/* clang-format on */

const char *xf_sip_method_text(enum xf_sip_method method)
{
    return methods[method].text;
}

enum xf_sip_method xf_sip_method_of(struct xf_span name)
{
    for (size_t i = 1; i < XF_ARRAY_LEN(methods); i++) {
        if (name.len == methods[i].len && memcmp(name.ptr, methods[i].text, name.len) == 0)
            return (enum xf_sip_method)i;
    }
    return XF_SIP_METHOD_OTHER;
}

const char *xf_sip_header_text(enum xf_sip_header_id id)
{
    return headers[id].text;
}

/* Both are tokens: among these only letters differ by this bit, and "^" and "~". */
static bool is_name(struct xf_span name, const char *text)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((name.ptr[i] | 0x20) != (text[i] | 0x20))
            return false;
    }
    return true;
}

static enum xf_sip_header_id compact_header(char c)
{
    for (size_t i = 1; i < XF_ARRAY_LEN(headers); i++) {
        if (headers[i].compact && headers[i].compact == xf_sip_lower(c))
            return (enum xf_sip_header_id)i;
    }
    return XF_SIP_H_OTHER;
}

enum xf_sip_header_id xf_sip_header_of(struct xf_span name)
{
    if (name.len == 1)
        return compact_header(name.ptr[0]);
    if (name.len >= XF_ARRAY_LEN(by_length))
        return XF_SIP_H_OTHER;
    for (size_t i = 0; i < NAMES_OF_A_LENGTH && by_length[name.len][i]; i++) {
        unsigned id = by_length[name.len][i];
        if (is_name(name, headers[id].text))
            return (enum xf_sip_header_id)id;
    }
    return XF_SIP_H_OTHER;
}
