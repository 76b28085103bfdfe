/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dns.c — any bytes as the answer to a question. What must hold: what is taken for an answer
 * has the form which dns.h promises, whatever came, and a copy as the cache makes it is the same.
 *
 * The first byte of the input chooses: bits 0, 1 and 4 the type asked for, bit 2 TCP, bit 3 whether
 * the rest is a whole message, or one without id and question, which are then put in as they were
 * sent (the way past the screen for strangers).
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>

#include "cache_priv.h"
#include "codec_priv.h"

#define MESSAGE_MAX 65535
#define FLAGS_BYTES 10 /* of a header, behind the id */

static void check_name(const char *name)
{
    char prepared[XF_DNS_NAME_MAX + 1];
    uint8_t wire[XF_DNS_NAME_WIRE_MAX];

    if (*name == '\0')
        return;
    xf_require(xf_dns_name_prepare(xf_span_of(name), prepared) && strcmp(prepared, name) == 0);
    xf_require(xf_dns_name_to_wire(name, wire) == strlen(name) + 2);
}

static void check_service(const char *service)
{
    size_t len = strnlen(service, XF_NAPTR_SERVICE_MAX + 1);

    xf_require(len > 0 && len <= XF_NAPTR_SERVICE_MAX);
    xf_require(strspn(service, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") == len);
}

/* Reads all of the data, for the sanitizer; and again in a copy that has outlived the reply. */
static void check_tlsa(const struct xf_dns_reply *reply)
{
    struct xf_dns_answer answer = {.status = reply->status,
                                   .records = reply->records,
                                   .count = reply->count,
                                   .detail = reply->word};
    struct xf_dns_answer *copy = xf_dns_answer_dup(&answer);

    for (size_t i = 0; i < reply->count; i++) {
        const struct xf_tlsa *tlsa = &reply->records[i].tlsa, *other = &copy->records[i].tlsa;

        xf_require(tlsa->data_bytes > 0 && tlsa->data_bytes <= XF_TLSA_DATA_MAX);
        xf_require(other->data != tlsa->data && other->data_bytes == tlsa->data_bytes);
        xf_require(memcmp(tlsa->data, other->data, tlsa->data_bytes) == 0);
    }
    xf_require(strcmp(copy->detail, reply->word) == 0);
    xf_free(copy);
}

static void check_reply(const struct xf_dns_reply *reply, enum xf_dns_type type)
{
    xf_require(reply->count <= XF_DNS_RECORDS_MAX && reply->ttl_s <= 86400 && reply->word &&
               *reply->word);
    xf_require(reply->cname_count <= XF_DNS_CNAME_MAX + 1);
    if (reply->kind == XF_DNS_REPLY_ANSWER)
        xf_require(reply->status != XF_DNS_FAILED &&
                   (reply->status == XF_DNS_FOUND) == (reply->count > 0));
    else
        xf_require(reply->status == XF_DNS_FAILED && reply->count == 0);
    if (reply->kind == XF_DNS_REPLY_REFERRED)
        xf_require(reply->next_name[0] && reply->cname_count > 0);
    check_name(reply->next_name);
    for (size_t i = 0; (type == XF_DNS_SRV || type == XF_DNS_NAPTR) && i < reply->count; i++)
        check_name(reply->records[i].target);
    for (size_t i = 0; type == XF_DNS_NAPTR && i < reply->count; i++)
        check_service(reply->records[i].service);
    if (type == XF_DNS_TLSA)
        check_tlsa(reply);
}

/* The message to decode: new memory of exactly its size, so that a step too far is seen. */
static uint8_t *build(const struct xf_dns_question *question, const uint8_t *rest, size_t len,
                      bool is_whole, size_t *out_len)
{
    size_t question_len = question->name_len + 4;

    if (is_whole || len < FLAGS_BYTES) {
        uint8_t *message = xf_alloc(len ? len : 1);
        if (len > 0)
            memcpy(message, rest, len);
        *out_len = len;
        return message;
    }
    *out_len = 2 + len + question_len;
    uint8_t *message = xf_alloc(*out_len);
    memcpy(message, question->bytes, 2);
    memcpy(message + 2, rest, FLAGS_BYTES);
    memcpy(message + 2 + FLAGS_BYTES, question->bytes + XF_DNS_HEADER_BYTES, question_len);
    memcpy(message + 2 + FLAGS_BYTES + question_len, rest + FLAGS_BYTES, len - FLAGS_BYTES);
    return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const enum xf_dns_type types[] = {XF_DNS_SRV, XF_DNS_A, XF_DNS_AAAA, XF_DNS_TLSA,
                                             XF_DNS_NAPTR};
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    size_t message_len;

    if (len == 0 || len > MESSAGE_MAX - 64)
        return 0;
    enum xf_dns_type type = bytes[0] & 16 ? types[4] : types[bytes[0] & 3];
    xf_require(xf_dns_encode("_xmpp-server._tcp.b.example", type, true, &question) == XF_ERR_OK);
    uint8_t *message = build(&question, bytes + 1, len - 1, bytes[0] & 8, &message_len);
    xf_dns_decode(&question, message, message_len, bytes[0] & 4, &reply);
    check_reply(&reply, type);
    xf_dns_reply_release(&reply);
    xf_free(message);
    return 0;
}
