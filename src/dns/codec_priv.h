/* SPDX-License-Identifier: MIT */
/*
 * codec_priv.h — encodes a question to a DNS message, and decodes a message to a reply. Only
 * codec.c uses ldns.
 */
#pragma once

#include <stdint.h>
#include <xfed/dns/dns.h>

#include "ede_priv.h"
#include "name_priv.h"

#define XF_DNS_QUERY_MAX 288 /* header, name, type and class, OPT */
#define XF_DNS_UDP_BYTES \
    1232 /* what we take by UDP: fits IPv6 without fragments (DNS flag day 2020) */
#define XF_DNS_HEADER_BYTES 12

struct xf_dns_question {
    enum xf_dns_type type;
    uint8_t bytes[XF_DNS_QUERY_MAX]; /* the message to send */
    size_t len;
    size_t name_len; /* of the wire name at XF_DNS_HEADER_BYTES */
    bool has_edns;
};

/* clang-format off */
enum xf_dns_reply_kind {
    XF_DNS_REPLY_ALIEN,      /* not an answer to this question: drop it and keep waiting */
    XF_DNS_REPLY_WRONG_CASE, /* an answer, but the letters of the name came back in another case */
    XF_DNS_REPLY_TRUNCATED,  /* ask again by TCP */
    XF_DNS_REPLY_NO_EDNS,    /* this server does not understand EDNS: ask again without (RFC 6891 §7) */
    XF_DNS_REPLY_SERVER,     /* this server cannot answer (SERVFAIL, REFUSED, ...): another may */
    XF_DNS_REPLY_MALFORMED,  /* this server sent garbage: another may do better */
    XF_DNS_REPLY_REFERRED,   /* CNAME to next_name, about which it says nothing */
    XF_DNS_REPLY_LOOP,       /* CNAMEs that do not end */
    XF_DNS_REPLY_ANSWER,     /* status, records, ttl_s */
};
/* clang-format on */

struct xf_dns_reply {
    enum xf_dns_reply_kind kind;
    enum xf_dns_status status; /* of an ANSWER: FOUND, NO_DATA, NXDOMAIN */
    bool is_authentic;         /* AD */
    bool has_edns;
    unsigned cname_count; /* aliases followed */
    /* How long it may be cached: the smallest TTL of all records used; 0: not at all. */
    uint32_t ttl_s;
    const char *word;                    /* what happened: "SERVFAIL", "malformed answer", ... */
    char extended[XF_DNS_EDE_BYTES];     /* of SERVER: the server's extended error, "" for none */
    enum xf_help help;                   /* of SERVER, MALFORMED and LOOP */
    char next_name[XF_DNS_NAME_MAX + 1]; /* of REFERRED */
    size_t count;
    struct ldns_struct_pkt *packet; /* owned; holds the data of TLSA records, else NULL */
    struct xf_dns_record records[XF_DNS_RECORDS_MAX];
};

#define XF_DNS_CNAME_MAX 8 /* aliases of one question in all */

/*
 * A message with a random id, the case of the letters of `name` chosen at random
 * (draft-vixie-dnsext-dns0x20), RD, AD and, where that is wanted, EDNS. XF_ERR_BAD_VALUE: not a
 * name.
 */
XF_MUST_USE enum xf_err xf_dns_encode(const char *name, enum xf_dns_type type, bool with_edns,
                                      struct xf_dns_question *out_question);

/*
 * `is_tcp`: a forger cannot inject an answer, so the case of the name does not matter. Release the
 * reply in every case.
 */
void xf_dns_decode(const struct xf_dns_question *question, const uint8_t *bytes, size_t len,
                   bool is_tcp, struct xf_dns_reply *out_reply);
void xf_dns_reply_release(struct xf_dns_reply *reply);
