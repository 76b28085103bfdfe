/* SPDX-License-Identifier: MIT */
/*
 * codec.c — one DNS message each way, ldns for the wire format only.
 *
 * Encoding: name.c makes the wire name, ldns builds the message. Decoding: first we compare header
 * and question with what we sent, on the received bytes, before any parser sees them; then ldns
 * parses the message; then we follow the chain of CNAMEs from the requested name to the records of
 * the requested type.
 *
 *  - wrong id, not a response, another question: ALIEN; a forger gets no further than this.
 *  - the chain ends at a name without records: NO_DATA or NXDOMAIN when the message shows it (SOA,
 *    or no alias at all), otherwise REFERRED: the caller asks for that name.
 *  - records that we cannot use (a wrong length, a target with odd bytes) are skipped; if none is
 *    left, the answer is MALFORMED, never absence: absence would send us to another address of the
 *    domain.
 *  - TLSA is the exception: a record whose data is empty or above XF_TLSA_DATA_MAX is unusable, and
 *    a set without a usable record counts as none (RFC 6698 §4.1): NO_DATA. Data is never cut.
 *  - NAPTR is another: only rules of the replacement form that lead to SRV records (flag "s", no
 *    regular expression, RFC 3263 §4.1) are usable, and those for telephone numbers are not, so a
 *    set without a usable rule counts as none too.
 *  - the TTL is the smallest of the chain and the records (RFC 2181 §5.2), of negative answers
 *    min(SOA TTL, SOA minimum) (RFC 2308 §5); without SOA nothing may be kept.
 */
#include "codec_priv.h"

#include <stdio.h>

#include <ldns/ldns.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#define FLAG_QR             0x80 /* byte 2 */
#define FLAG_TC             0x02
#define OPCODE_MASK         0x78
#define RCODE_MASK          0x0f /* byte 3 */
#define POSITIVE_TTL_MAX_S  86400u
#define NEGATIVE_TTL_MAX_S  900u /* a name created a quarter of an hour ago must work */
#define QUESTION_TAIL_BYTES 4    /* type and class */

static void randomise_case(uint8_t *wire, size_t len)
{
    uint8_t bits[XF_DNS_NAME_WIRE_MAX / 8 + 1];

    xf_rand_bytes(bits, sizeof(bits));
    for (size_t i = 0; i < len; i++)
        if (wire[i] >= 'a' && wire[i] <= 'z' &&
            (bits[i / 8] >> (i % 8) & 1)) /* counts of labels are below 'a' */
            wire[i] = (uint8_t)(wire[i] - 'a' + 'A');
}

static uint16_t random_id(void)
{
    uint16_t id;

    xf_rand_bytes(&id, sizeof(id));
    return id;
}

enum xf_err xf_dns_encode(const char *name, enum xf_dns_type type, bool with_edns,
                          struct xf_dns_question *out_question)
{
    uint8_t wire[XF_DNS_NAME_WIRE_MAX];
    size_t wire_len = *name ? xf_dns_name_to_wire(name, wire) : 0;

    if (wire_len == 0)
        return XF_ERR_BAD_VALUE;
    randomise_case(wire, wire_len);

    ldns_rdf *owner = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, wire_len, wire);
    xf_require(owner);
    ldns_pkt *packet = ldns_pkt_query_new(owner, (ldns_rr_type)type, LDNS_RR_CLASS_IN,
                                          LDNS_RD | LDNS_AD); /* takes owner */
    xf_require(packet);
    ldns_pkt_set_id(packet, random_id()); /* ldns leaves 0 */
    if (with_edns)
        ldns_pkt_set_edns_udp_size(packet, XF_DNS_UDP_BYTES);

    uint8_t *bytes = NULL;
    size_t len = 0;
    xf_require(ldns_pkt2wire(&bytes, packet, &len) == LDNS_STATUS_OK && len <= XF_DNS_QUERY_MAX);
    memcpy(out_question->bytes, bytes, len);
    out_question->len = len;
    out_question->name_len = wire_len;
    out_question->type = type;
    out_question->has_edns = with_edns;
    LDNS_FREE(bytes);
    ldns_pkt_free(packet);
    return XF_ERR_OK;
}

static const char *rcode_word(unsigned rcode)
{
    switch (rcode) {
    case LDNS_RCODE_FORMERR:
        return "FORMERR";
    case LDNS_RCODE_SERVFAIL:
        return "SERVFAIL";
    case LDNS_RCODE_NOTIMPL:
        return "NOTIMP";
    case LDNS_RCODE_REFUSED:
        return "REFUSED";
    default:
        return "unexpected code";
    }
}

static void say(struct xf_dns_reply *reply, enum xf_dns_reply_kind kind, const char *word)
{
    reply->kind = kind;
    reply->word = word;
    reply->help = XF_HELP_DNS_MALFORMED;
}

/* The server refused. `has_edns`: its reply has EDNS, so EDNS is not the reason. */
static void say_cannot(const struct xf_dns_question *question, unsigned rcode, bool has_edns,
                       struct xf_dns_reply *reply)
{
    bool is_edns = question->has_edns && !has_edns &&
                   (rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL);

    say(reply, is_edns ? XF_DNS_REPLY_NO_EDNS : XF_DNS_REPLY_SERVER, rcode_word(rcode));
    reply->help = rcode == LDNS_RCODE_SERVFAIL ? XF_HELP_DNS_SERVFAIL : XF_HELP_DNS_REFUSED;
}

static uint16_t u16_at(const uint8_t *bytes, size_t at)
{
    return (uint16_t)(bytes[at] << 8 | bytes[at + 1]);
}

static bool question_is_same(const struct xf_dns_question *question, const uint8_t *bytes,
                             bool ignore_case)
{
    const uint8_t *sent = question->bytes + XF_DNS_HEADER_BYTES, *got = bytes + XF_DNS_HEADER_BYTES;

    if (memcmp(sent + question->name_len, got + question->name_len, QUESTION_TAIL_BYTES) != 0)
        return false;
    if (!ignore_case)
        return memcmp(sent, got, question->name_len) == 0;
    return xf_span_eq_nocase((struct xf_span){(const char *)sent, question->name_len},
                             (struct xf_span){(const char *)got, question->name_len});
}

/* Does the message need parsing? If not, the reply is complete. */
static bool screen(const struct xf_dns_question *question, const uint8_t *bytes, size_t len,
                   bool is_tcp, struct xf_dns_reply *reply)
{
    size_t question_end = XF_DNS_HEADER_BYTES + question->name_len + QUESTION_TAIL_BYTES;

    say(reply, XF_DNS_REPLY_ALIEN, "not an answer to the question");
    if (len < XF_DNS_HEADER_BYTES || memcmp(bytes, question->bytes, 2) != 0 ||
        !(bytes[2] & FLAG_QR) || (bytes[2] & OPCODE_MASK))
        return false;

    unsigned rcode = bytes[3] & RCODE_MASK;
    if (u16_at(bytes, 4) == 0 && len == XF_DNS_HEADER_BYTES && rcode != 0) {
        /*
         * A server that cannot parse our message does not repeat the question; the only reply it
         * may give is that it cannot.
         */
        if (rcode != LDNS_RCODE_NXDOMAIN)
            say_cannot(question, rcode, false, reply);
        return false;
    }
    if (u16_at(bytes, 4) != 1 || len < question_end || !question_is_same(question, bytes, true))
        return false;
    if (!is_tcp && !question_is_same(question, bytes, false)) {
        say(reply, XF_DNS_REPLY_WRONG_CASE, "the name came back in another case");
        return false;
    }
    if (bytes[2] & FLAG_TC) {
        say(reply, is_tcp ? XF_DNS_REPLY_MALFORMED : XF_DNS_REPLY_TRUNCATED, "truncated answer");
        return false;
    }
    return true;
}

static void lower_ttl(uint32_t *ttl_s, uint32_t other_s)
{
    if (other_s > INT32_MAX) /* RFC 2181 §8 */
        other_s = 0;
    if (other_s < *ttl_s)
        *ttl_s = other_s;
}

static bool record_is(const ldns_rr *rr, const ldns_rdf *owner, ldns_rr_type type)
{
    return ldns_rr_get_type(rr) == type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
           ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

static bool name_of(const ldns_rdf *rdf, char out[XF_DNS_NAME_MAX + 1])
{
    return ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME &&
           xf_dns_name_from_wire(ldns_rdf_data(rdf), ldns_rdf_size(rdf), out);
}

static bool read_address(const ldns_rr *rr, size_t address_bytes, struct xf_dns_record *record)
{
    if (ldns_rr_rd_count(rr) < 1 || ldns_rdf_size(ldns_rr_rdf(rr, 0)) != address_bytes)
        return false;
    memcpy(record->address, ldns_rdf_data(ldns_rr_rdf(rr, 0)), address_bytes);
    return true;
}

/* RFC 6698 §2.1: three bytes and the data, which is not copied from the packet. */
static bool read_tlsa(const ldns_rr *rr, struct xf_dns_record *record)
{
    struct xf_tlsa *tlsa = &record->tlsa;

    if (ldns_rr_rd_count(rr) < 4)
        return false;
    tlsa->usage = ldns_rdf2native_int8(ldns_rr_rdf(rr, 0));
    tlsa->selector = ldns_rdf2native_int8(ldns_rr_rdf(rr, 1));
    tlsa->matching = ldns_rdf2native_int8(ldns_rr_rdf(rr, 2));
    tlsa->data = ldns_rdf_data(ldns_rr_rdf(rr, 3));
    tlsa->data_bytes = ldns_rdf_size(ldns_rr_rdf(rr, 3));
    return tlsa->data_bytes > 0 && tlsa->data_bytes <= XF_TLSA_DATA_MAX;
}

static bool read_srv(const ldns_rr *rr, struct xf_dns_record *record)
{
    if (ldns_rr_rd_count(rr) < 4 || !name_of(ldns_rr_rdf(rr, 3), record->target))
        return false;
    record->priority = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
    record->weight = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1));
    record->port = ldns_rdf2native_int16(ldns_rr_rdf(rr, 2));
    return true;
}

/* A character string (RFC 1035 §3.3), with its length in front. */
static struct xf_span string_of(const ldns_rdf *rdf)
{
    const uint8_t *data = ldns_rdf_data(rdf);
    size_t size = ldns_rdf_size(rdf);

    if (size == 0 || data[0] != size - 1)
        return (struct xf_span){0};
    return (struct xf_span){(const char *)data + 1, size - 1};
}

/* False if a service has bytes other than letters, digits, '+', '-' and '.'. */
static bool read_service(struct xf_span text, char out[XF_NAPTR_SERVICE_MAX + 1])
{
    if (text.len == 0 || text.len > XF_NAPTR_SERVICE_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_lower = c >= 'a' && c <= 'z';

        if (!is_lower && (c == '\0' || !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.", c)))
            return false;
        out[i] = is_lower ? (char)(c - 'a' + 'A') : c;
    }
    out[text.len] = '\0';
    return true;
}

/* RFC 3403 §4.1: order, preference, flags, services, regexp, replacement. */
static bool read_naptr(const ldns_rr *rr, struct xf_dns_record *record)
{
    if (ldns_rr_rd_count(rr) < 6 || !name_of(ldns_rr_rdf(rr, 5), record->target))
        return false;
    record->priority = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
    record->weight = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1));
    return xf_span_eq_nocase(string_of(ldns_rr_rdf(rr, 2)), XF_SPAN("s")) &&
           read_service(string_of(ldns_rr_rdf(rr, 3)), record->service) &&
           string_of(ldns_rr_rdf(rr, 4)).len == 0;
}

/* False if the data is not valid for this type, or of no use to us. */
static bool record_from_rr(const ldns_rr *rr, enum xf_dns_type type, struct xf_dns_record *record)
{
    *record = (struct xf_dns_record){0};
    switch (type) {
    case XF_DNS_A:
        return read_address(rr, 4, record);
    case XF_DNS_AAAA:
        return read_address(rr, 16, record);
    case XF_DNS_SRV:
        return read_srv(rr, record);
    case XF_DNS_NAPTR:
        return read_naptr(rr, record);
    case XF_DNS_TLSA:
        return read_tlsa(rr, record);
    }
    return false;
}

/* Collect the records of `owner`; returns how many there were, usable or not. */
static size_t collect(const ldns_rr_list *answer, const ldns_rdf *owner, enum xf_dns_type type,
                      struct xf_dns_reply *reply)
{
    size_t seen = 0;

    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);

        if (!record_is(rr, owner, (ldns_rr_type)type))
            continue;
        seen++;
        lower_ttl(&reply->ttl_s, ldns_rr_ttl(rr));
        if (reply->count < XF_DNS_RECORDS_MAX &&
            record_from_rr(rr, type, &reply->records[reply->count]))
            reply->count++;
    }
    return seen;
}

static const ldns_rr *cname_of(const ldns_rr_list *answer, const ldns_rdf *owner)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);

        if (record_is(rr, owner, LDNS_RR_TYPE_CNAME) && ldns_rr_rd_count(rr) == 1)
            return rr;
    }
    return NULL;
}

/* True if the message has the SOA without which a negative answer must not be cached. */
static bool take_negative_ttl(const ldns_pkt *packet, struct xf_dns_reply *reply)
{
    const ldns_rr_list *authority = ldns_pkt_authority(packet);

    for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(authority, i);

        if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA || ldns_rr_rd_count(rr) < 7)
            continue;
        lower_ttl(&reply->ttl_s, ldns_rr_ttl(rr));
        lower_ttl(&reply->ttl_s, ldns_rdf2native_int32(ldns_rr_rdf(rr, 6)));
        lower_ttl(&reply->ttl_s, NEGATIVE_TTL_MAX_S);
        return true;
    }
    reply->ttl_s = 0;
    return false;
}

/* `end`: where the chain of aliases ends, without records. */
static void read_negative(const ldns_pkt *packet, const ldns_rdf *end, struct xf_dns_reply *reply)
{
    uint32_t chain_ttl_s = reply->ttl_s;
    bool has_soa = take_negative_ttl(packet, reply);

    if (ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN) {
        reply->status = XF_DNS_NXDOMAIN;
        say(reply, XF_DNS_REPLY_ANSWER, "NXDOMAIN");
    } else if (reply->cname_count == 0 || has_soa) {
        reply->status = XF_DNS_NO_DATA;
        say(reply, XF_DNS_REPLY_ANSWER, "no such record");
    } else if (name_of(end, reply->next_name) && reply->next_name[0]) {
        reply->ttl_s = chain_ttl_s;
        say(reply, XF_DNS_REPLY_REFERRED, "alias without an answer");
    } else {
        say(reply, XF_DNS_REPLY_MALFORMED, "alias to something that is not a host name");
    }
}

/* What a set without a usable record counts as: these types may, NULL is for all others. */
static const char *word_for_unusable(enum xf_dns_type type)
{
    switch (type) {
    case XF_DNS_TLSA:
        return "no usable TLSA record";
    case XF_DNS_NAPTR:
        return "no usable NAPTR rule";
    case XF_DNS_A:
    case XF_DNS_AAAA:
    case XF_DNS_SRV:
        break;
    }
    return NULL;
}

/* Walk from the name asked to its records. */
static void read_answer(const ldns_pkt *packet, enum xf_dns_type type, struct xf_dns_reply *reply)
{
    const ldns_rr_list *answer = ldns_pkt_answer(packet);
    const ldns_rdf *owner = ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(packet), 0));

    reply->ttl_s = POSITIVE_TTL_MAX_S;
    while (collect(answer, owner, type, reply) == 0) {
        const ldns_rr *alias = cname_of(answer, owner);

        if (!alias) {
            read_negative(packet, owner, reply);
            return;
        }
        if (++reply->cname_count > XF_DNS_CNAME_MAX) {
            say(reply, XF_DNS_REPLY_LOOP, "too many aliases");
            return;
        }
        lower_ttl(&reply->ttl_s, ldns_rr_ttl(alias));
        owner = ldns_rr_rdf(alias, 0);
    }
    if (reply->count > 0) {
        reply->status = XF_DNS_FOUND;
        say(reply, XF_DNS_REPLY_ANSWER, "found");
    } else if (word_for_unusable(type)) {
        reply->status = XF_DNS_NO_DATA;
        lower_ttl(&reply->ttl_s, NEGATIVE_TTL_MAX_S);
        say(reply, XF_DNS_REPLY_ANSWER, word_for_unusable(type));
    } else {
        say(reply, XF_DNS_REPLY_MALFORMED, "unusable records");
    }
}

static void read_extended_error(const ldns_pkt *packet, struct xf_dns_reply *reply)
{
    const ldns_rdf *options = ldns_pkt_edns_data(packet);

    if (options &&
        xf_dns_ede_read(ldns_rdf_data(options), ldns_rdf_size(options), reply->extended) &&
        reply->help == XF_HELP_DNS_SERVFAIL)
        reply->help = XF_HELP_DNS_BOGUS;
}

static void read_packet(const ldns_pkt *packet, const struct xf_dns_question *question,
                        struct xf_dns_reply *reply)
{
    unsigned rcode =
        (unsigned)ldns_pkt_get_rcode(packet) | (unsigned)ldns_pkt_edns_extended_rcode(packet) << 4;

    reply->is_authentic = ldns_pkt_ad(packet);
    reply->has_edns = ldns_pkt_edns(packet);
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
        say_cannot(question, rcode, reply->has_edns, reply);
        read_extended_error(packet, reply);
    } else {
        read_answer(packet, question->type, reply);
    }
}

void xf_dns_decode(const struct xf_dns_question *question, const uint8_t *bytes, size_t len,
                   bool is_tcp, struct xf_dns_reply *out_reply)
{
    ldns_pkt *packet = NULL;

    memset(out_reply, 0, offsetof(struct xf_dns_reply, records));
    out_reply->status = XF_DNS_FAILED;
    if (!screen(question, bytes, len, is_tcp, out_reply))
        return;
    if (ldns_wire2pkt(&packet, bytes, len) != LDNS_STATUS_OK ||
        ldns_rr_list_rr_count(ldns_pkt_question(packet)) != 1)
        say(out_reply, XF_DNS_REPLY_MALFORMED, "malformed answer");
    else
        read_packet(packet, question, out_reply);
    out_reply->packet = packet;
}

void xf_dns_reply_release(struct xf_dns_reply *reply)
{
    ldns_pkt_free(reply->packet);
    reply->packet = NULL;
}
