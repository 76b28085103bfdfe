/* SPDX-License-Identifier: MIT */
/*
 * key.c — by what transactions are found: texts made of parts of a message, for the maps of struct
 * xf_ua.
 *
 * Peers choose the parts, so a key that would be long is a digest of them. The peer whose section
 * allowed the request is part of every key of its requests: so no peer can touch the transactions
 * of another one. Parts end with LF, which no header holds.
 */
#include "ua_priv.h"

#define PARTS_MAX 8
#define COOKIE    "z9hG4bK"

static void make(struct xf_ua_key *key, const struct xf_span *parts, size_t count)
{
    struct xf_span split[2 * PARTS_MAX];
    size_t total = count;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    key->len = 0;
    for (size_t i = 0; i < count; i++) {
        split[2 * i] = parts[i].ptr ? parts[i] : XF_SPAN("");
        split[2 * i + 1] = XF_SPAN("\n");
    }
    if (total > sizeof(key->text)) {
        xf_sha256_hex(split, 2 * count, key->text); /* no LF: no other key is like it */
        key->len = XF_SHA256_HEX_BYTES;
        return;
    }
    for (size_t i = 0; i < 2 * count; i++) {
        memcpy(key->text + key->len, split[i].ptr, split[i].len);
        key->len += split[i].len;
    }
}

static struct xf_span method_text(enum xf_sip_method method)
{
    return xf_span_of(xf_sip_method_text(method));
}

/* The digits behind CSeq, as they were sent: the same request has the same. */
static struct xf_span number_of(const struct xf_sip_message *request)
{
    struct xf_span value = xf_sip_value(request, XF_SIP_H_CSEQ);
    size_t len = 0;
    while (len < value.len && value.ptr[len] >= '0' && value.ptr[len] <= '9')
        len++;
    return (struct xf_span){value.ptr, len};
}

static bool has_cookie(struct xf_span branch)
{
    return branch.len > sizeof(COOKIE) - 1 &&
           xf_span_eq_nocase((struct xf_span){branch.ptr, sizeof(COOKIE) - 1}, XF_SPAN(COOKIE));
}

void xf_ua_key_of_server(struct xf_ua_key *key, struct xf_span peer,
                         const struct xf_sip_message *request, enum xf_sip_method method)
{
    const struct xf_sip_via *via = &request->via;
    const char port[2] = {(char)(via->port >> 8), (char)via->port};
    if (has_cookie(via->branch)) {
        const struct xf_span parts[] = {peer, method_text(method), via->branch, via->host,
                                        (struct xf_span){port, sizeof(port)}};
        make(key, parts, XF_ARRAY_LEN(parts));
        return;
    }
    /* To is left out: in an ACK it has a tag that the INVITE has not. */
    struct xf_sip_values vias = xf_sip_values_begin(request, XF_SIP_H_VIA);
    struct xf_span top;
    (void)xf_sip_values_next(&vias, &top);
    const struct xf_span parts[] = {peer,
                                    method_text(method),
                                    request->request_uri,
                                    request->from.tag,
                                    request->call_id,
                                    number_of(request),
                                    top,
                                    XF_SPAN("2543")};
    make(key, parts, XF_ARRAY_LEN(parts));
}

void xf_ua_key_of_merge(struct xf_ua_key *key, struct xf_span peer,
                        const struct xf_sip_message *request)
{
    const struct xf_span parts[] = {peer, request->from.tag, request->call_id, number_of(request),
                                    request->method_name};
    make(key, parts, XF_ARRAY_LEN(parts));
}

void xf_ua_key_of_dialog(struct xf_ua_key *key, struct xf_span peer,
                         const struct xf_sip_message *request, struct xf_span to_tag)
{
    const struct xf_span parts[] = {peer, to_tag, request->from.tag, request->call_id,
                                    number_of(request)};
    make(key, parts, XF_ARRAY_LEN(parts));
}

void xf_ua_key_of_client(struct xf_ua_key *key, struct xf_span branch, enum xf_sip_method method)
{
    const struct xf_span parts[] = {branch, method_text(method)};
    make(key, parts, XF_ARRAY_LEN(parts));
}

void xf_ua_key_of_call(struct xf_ua_key *key, struct xf_span call_id, struct xf_span from_tag)
{
    const struct xf_span parts[] = {call_id, from_tag};
    make(key, parts, XF_ARRAY_LEN(parts));
}

void xf_ua_key_of_hop(struct xf_ua_key *key, struct xf_span name, struct xf_span identity)
{
    const struct xf_span parts[] = {name, identity};
    make(key, parts, XF_ARRAY_LEN(parts));
}
