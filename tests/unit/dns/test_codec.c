/* SPDX-License-Identifier: MIT */
/* test_codec.c — questions as bytes, and what is made of answers, honest and otherwise. */
#include "codec_priv.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#include "wire.h"

#define QNAME "_xmpp-server._tcp.b.example"
#define TNAME "_5269._tcp.x.b.example"
#define D2T   "08534950532b443254" /* "SIPS+D2T" with its length */
#define SOA   " SOA 900 { .ns.b.example .root.b.example %1 %2 %3 %4 %60 }"

static size_t write_tlsa(const struct xf_tlsa *tlsa, char *out, size_t max)
{
    size_t at =
        (size_t)snprintf(out, max, "%u %u %u ", tlsa->usage, tlsa->selector, tlsa->matching);

    for (size_t i = 0; i < tlsa->data_bytes && at < max; i++)
        at += (size_t)snprintf(out + at, max - at, "%02x", tlsa->data[i]);
    return at;
}

/* A record set in one line: "0 5 5269 x.b.example, ..." or addresses in hex. */
static void write_records(const struct xf_dns_reply *reply, enum xf_dns_type type, char *out,
                          size_t max)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < reply->count && at < max; i++) {
        const struct xf_dns_record *record = &reply->records[i];

        at += (size_t)snprintf(out + at, max - at, "%s", i ? ", " : "");
        if (type == XF_DNS_SRV)
            at += (size_t)snprintf(out + at, max - at, "%u %u %u %s", record->priority,
                                   record->weight, record->port, record->target);
        else if (type == XF_DNS_NAPTR)
            at += (size_t)snprintf(out + at, max - at, "%u %u %s %s", record->priority,
                                   record->weight, record->service, record->target);
        else if (type == XF_DNS_TLSA)
            at += write_tlsa(&record->tlsa, out + at, max - at);
        else
            for (size_t k = 0; k < (type == XF_DNS_A ? 4u : 16u); k++)
                at += (size_t)snprintf(out + at, max - at, "%02x", record->address[k]);
    }
}

/* clang-format off */
static const struct {
    const char *label, *name;
    enum xf_dns_type type;
    unsigned flags;
    const char *script;
    enum xf_dns_reply_kind kind;
    enum xf_dns_status status;
    uint32_t ttl_s;
    const char *records; /* of REFERRED: the next name */
} answers[] = {
    {"one SRV", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 300 { #0 #5 #5269 .x.b.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 300, "0 5 5269 x.b.example"},
    {"targets are lower-cased, compression is undone", QNAME, XF_DNS_SRV, 0x8180,
     "@ SRV 300 { #1 #2 #3 014d @c020 } @ SRV 200 { #4 #5 #6 .Y.B.Example }", /* 0x20 is "example" of the question */
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 200, "1 2 3 m.example, 4 5 6 y.b.example"},
    {"no service", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 300 { #0 #0 #0 . }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 300, "0 0 0 "},
    {"A", "b.example", XF_DNS_A, 0x8180, "@ A 5 { c0000201 } @ A 5 { 7f000001 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 5, "c0000201, 7f000001"},
    {"AAAA", "b.example", XF_DNS_AAAA, 0x8180, "@ AAAA 5 { 20010db8000000000000000000000001 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 5, "20010db8000000000000000000000001"},
    {"owner in another case", "b.example", XF_DNS_A, 0x8180, ".B.eXAMPLE A 5 { c0000201 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 5, "c0000201"},

    {"TTL 0", "b.example", XF_DNS_A, 0x8180, "@ A 0 { c0000201 }", XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 0, "c0000201"},
    {"TTL is the least of the set", "b.example", XF_DNS_A, 0x8180, "@ A 90 { c0000201 } @ A 30 { c0000202 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 30, "c0000201, c0000202"},
    {"TTL with the top bit is 0", "b.example", XF_DNS_A, 0x8180, "@ A 2147483648 { c0000201 }", /* RFC 2181 §8 */
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 0, "c0000201"},
    {"TTL is cut to a day", "b.example", XF_DNS_A, 0x8180, "@ A 2147483647 { c0000201 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 86400, "c0000201"},

    {"others in the answer are passed over", "b.example", XF_DNS_A, 0x8180,
     ".evil.example A 5 { c0000263 } @ TXT 5 { 0161 } @ CH A 5 { c0000263 } @ A 60 { c0000201 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 60, "c0000201"},
    {"other sections do not answer", "b.example", XF_DNS_A, 0x8180, "/ @ A 60 { c0000201 } / @ A 60 { c0000202 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 0, ""},

    {"alias", "b.example", XF_DNS_A, 0x8180, "@ CNAME 40 { .c.example } .c.example A 60 { c0000201 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 40, "c0000201"},
    {"alias in the wrong order", "b.example", XF_DNS_A, 0x8180,
     ".d.example A 60 { c0000201 } .c.example CNAME 50 { .d.example } @ CNAME 70 { .C.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 50, "c0000201"},
    {"alias of an SRV name", QNAME, XF_DNS_SRV, 0x8180,
     "@ CNAME 40 { ._s.host.example } ._s.host.example SRV 60 { #0 #0 #5269 .x.host.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 40, "0 0 5269 x.host.example"},
    {"alias without more", "b.example", XF_DNS_A, 0x8180, "@ CNAME 40 { .C.example }",
     XF_DNS_REPLY_REFERRED, XF_DNS_FAILED, 40, "c.example"},
    {"alias to a name without the type", "b.example", XF_DNS_A, 0x8180, "@ CNAME 40 { .c.example } / .example" SOA,
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 40, ""},
    {"alias to a name that does not exist", "b.example", XF_DNS_A, 0x8183, "@ CNAME 400 { .c.example } / .example" SOA,
     XF_DNS_REPLY_ANSWER, XF_DNS_NXDOMAIN, 60, ""},
    {"alias to odd bytes, answered", "b.example", XF_DNS_A, 0x8180, "@ CNAME 9 { .a/b!c } .a/b!c A 9 { c0000201 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "c0000201"},
    {"alias to odd bytes, not answered", "b.example", XF_DNS_A, 0x8180, "@ CNAME 9 { .a/b!c }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 9, ""},
    {"alias to the root", "b.example", XF_DNS_A, 0x8180, "@ CNAME 9 { . }", XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 9, ""},
    {"alias to itself", "b.example", XF_DNS_A, 0x8180, "@ CNAME 9 { @ }", XF_DNS_REPLY_LOOP, XF_DNS_FAILED, 9, ""},
    {"aliases in a ring", "b.example", XF_DNS_A, 0x8180, "@ CNAME 9 { .c.example } .c.example CNAME 9 { @ }",
     XF_DNS_REPLY_LOOP, XF_DNS_FAILED, 9, ""},
    {"8 aliases", "b.example", XF_DNS_A, 0x8180,
     "@ CNAME 9 { .1 } .1 CNAME 9 { .2 } .2 CNAME 9 { .3 } .3 CNAME 9 { .4 } .4 CNAME 9 { .5 } .5 CNAME 9 { .6 } "
     ".6 CNAME 9 { .7 } .7 CNAME 9 { .8 } .8 A 9 { c0000201 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "c0000201"},
    {"9 aliases", "b.example", XF_DNS_A, 0x8180,
     "@ CNAME 9 { .1 } .1 CNAME 9 { .2 } .2 CNAME 9 { .3 } .3 CNAME 9 { .4 } .4 CNAME 9 { .5 } .5 CNAME 9 { .6 } "
     ".6 CNAME 9 { .7 } .7 CNAME 9 { .8 } .8 CNAME 9 { .9 } .9 A 9 { c0000201 }",
     XF_DNS_REPLY_LOOP, XF_DNS_FAILED, 9, ""},

    {"does not exist", "b.example", XF_DNS_A, 0x8183, "/ .example" SOA, XF_DNS_REPLY_ANSWER, XF_DNS_NXDOMAIN, 60, ""},
    {"does not exist, TTL of the SOA is less", "b.example", XF_DNS_A, 0x8183,
     "/ .example SOA 7 { .n .r %1 %2 %3 %4 %60 }", XF_DNS_REPLY_ANSWER, XF_DNS_NXDOMAIN, 7, ""},
    {"does not exist, for weeks", "b.example", XF_DNS_A, 0x8183,
     "/ .example SOA 2000000 { .n .r %1 %2 %3 %4 %2000000 }", XF_DNS_REPLY_ANSWER, XF_DNS_NXDOMAIN, 900, ""},
    {"does not exist, without SOA", "b.example", XF_DNS_A, 0x8183, "", XF_DNS_REPLY_ANSWER, XF_DNS_NXDOMAIN, 0, ""},
    {"no such type", "b.example", XF_DNS_A, 0x8180, "/ .example" SOA, XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 60, ""},
    {"no such type, without SOA", "b.example", XF_DNS_A, 0x8180, "", XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 0, ""},

    {"SERVFAIL", "b.example", XF_DNS_A, 0x8182, "", XF_DNS_REPLY_SERVER, XF_DNS_FAILED, 0, ""},
    {"SERVFAIL with records", "b.example", XF_DNS_A, 0x8182, "@ A 60 { c0000201 }", XF_DNS_REPLY_SERVER, XF_DNS_FAILED, 0,
     ""},
    {"REFUSED", "b.example", XF_DNS_A, 0x8185, "", XF_DNS_REPLY_SERVER, XF_DNS_FAILED, 0, ""},
    {"FORMERR", "b.example", XF_DNS_A, 0x8181, "", XF_DNS_REPLY_NO_EDNS, XF_DNS_FAILED, 0, ""},
    {"truncated", "b.example", XF_DNS_A, 0x8380, "@ A 60 { c0000201 }", XF_DNS_REPLY_TRUNCATED, XF_DNS_FAILED, 0, ""},
    {"a question is no answer", "b.example", XF_DNS_A, 0x0180, "@ A 60 { c0000201 }", XF_DNS_REPLY_ALIEN, XF_DNS_FAILED, 0,
     ""},
    {"another opcode is no answer", "b.example", XF_DNS_A, 0xa180, "@ A 60 { c0000201 }", XF_DNS_REPLY_ALIEN,
     XF_DNS_FAILED, 0, ""},

    {"odd target is skipped", QNAME, XF_DNS_SRV, 0x8180,
     "@ SRV 9 { #0 #0 #1 .a<b>.example } @ SRV 9 { #0 #0 #2 .x.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "0 0 2 x.example"},
    {"odd targets alone are not absence", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 9 { #0 #0 #1 .a<b>.example }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 86400, ""},
    {"a dot inside a label is odd", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 9 { #0 #0 #1 03612e6203636f6d00 }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 86400, ""},
    {"a NUL inside a label is odd", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 9 { #0 #0 #1 0361006203636f6d00 }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 86400, ""},
    {"A of 3 bytes", "b.example", XF_DNS_A, 0x8180, "@ A 9 { c00002 }", XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0, ""},
    {"A of 5 bytes and another", "b.example", XF_DNS_A, 0x8180, "@ A 9 { c000020101 } @ A 9 { c0000202 }", XF_DNS_REPLY_MALFORMED,
     XF_DNS_FAILED, 0, ""},
    {"A of no bytes", "b.example", XF_DNS_A, 0x8180, "@ A 9 { }", XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 86400, ""},
    {"AAAA of 4 bytes", "b.example", XF_DNS_AAAA, 0x8180, "@ AAAA 9 { c0000201 }", XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED,
     0, ""},
    {"SRV without target", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 9 { #0 #0 #1 }", XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0, ""},
    {"target points to itself", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 9 { #0 #0 #1 @c03f }", /* the pointer's own place */
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0, ""},
    {"owner points behind the end", "b.example", XF_DNS_A, 0x8180, "@ffff A 9 { c0000201 }", XF_DNS_REPLY_MALFORMED,
     XF_DNS_FAILED, 0, ""},
    {"owner points to itself", "b.example", XF_DNS_A, 0x8180, "@c01b A 9 { c0000201 }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0, ""},
    {"two pointers in a ring", "b.example", XF_DNS_A, 0x8180, "@c027 TXT 9 { @c01b } @ A 9 { c0000201 }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0, ""},

    {"TLSA", TNAME, XF_DNS_TLSA, 0x8180, "@ TLSA 9 { 030101 abcdef } @ TLSA 8 { 020002 01 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 8, "3 1 1 abcdef, 2 0 2 01"},
    {"TLSA of numbers that nobody knows", TNAME, XF_DNS_TLSA, 0x8180, "@ TLSA 9 { fffefd 00 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "255 254 253 00"},
    {"TLSA behind an alias", TNAME, XF_DNS_TLSA, 0x81a0, /* RFC 7671 §7: one record for many hosts */
     "@ CNAME 7 { ._dane.b.example } ._dane.b.example TLSA 9 { 030101 ab }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 7, "3 1 1 ab"},
    {"TLSA of another name", TNAME, XF_DNS_TLSA, 0x8180, "._443._tcp.x.b.example TLSA 9 { 030101 ab }",
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 0, ""},
    {"data looks like a pointer and stays as it is", TNAME, XF_DNS_TLSA, 0x8180, "@ TLSA 9 { 030101 c00cc00c }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "3 1 1 c00cc00c"},
    {"TLSA without data is skipped", TNAME, XF_DNS_TLSA, 0x8180, "@ TLSA 9 { 030101 } @ TLSA 9 { 030102 cd }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "3 1 2 cd"},
    {"TLSA without data alone is as none", TNAME, XF_DNS_TLSA, 0x8180, "@ TLSA 9 { 030101 }", /* RFC 6698 §4.1 */
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 9, ""},
    {"no TLSA", TNAME, XF_DNS_TLSA, 0x8183, "/ .example" SOA, XF_DNS_REPLY_ANSWER, XF_DNS_NXDOMAIN, 60, ""},
    {"TLSA of two bytes, for weeks", TNAME, XF_DNS_TLSA, 0x8180, "@ TLSA 2000000 { 0301 }", XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 900, ""},

    {"NAPTR", "b.example", XF_DNS_NAPTR, 0x8180, /* RFC 3263 §4.1 */
     "@ NAPTR 9 { #50 #60 0173 " D2T " 00 ._sips._tcp.B.example } @ NAPTR 8 { #90 #50 0153 08" "736970732b643274 00 ._s.c.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 8, "50 60 SIPS+D2T _sips._tcp.b.example, 90 50 SIPS+D2T _s.c.example"},
    {"NAPTR behind an alias", "b.example", XF_DNS_NAPTR, 0x8180,
     "@ CNAME 7 { .c.example } .c.example NAPTR 9 { #1 #2 0173 " D2T " 00 ._sips._tcp.c.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 7, "1 2 SIPS+D2T _sips._tcp.c.example"},
    {"NAPTR with a compressed replacement", "b.example", XF_DNS_NAPTR, 0x8180, "@ NAPTR 9 { #1 #2 0173 " D2T " 00 @c00c }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "1 2 SIPS+D2T b.example"},
    {"NAPTR to nothing", "b.example", XF_DNS_NAPTR, 0x8180, "@ NAPTR 9 { #1 #2 0173 " D2T " 00 . }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "1 2 SIPS+D2T "},
    {"NAPTR with a regular expression is skipped", "b.example", XF_DNS_NAPTR, 0x8180,
     "@ NAPTR 9 { #1 #2 0173 " D2T " 03" "212e21 . } @ NAPTR 9 { #1 #3 0173 " D2T " 00 .x.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "1 3 SIPS+D2T x.example"},
    {"NAPTR rules of telephone numbers alone are as none", "b.example", XF_DNS_NAPTR, 0x8180,
     "@ NAPTR 2000 { #1 #2 0175 07" "4532552b736970 03" "212e21 . }", XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 900, ""},
    {"NAPTR that leads to addresses or to other rules", "b.example", XF_DNS_NAPTR, 0x8180,
     "@ NAPTR 9 { #1 #2 0161 " D2T " 00 .x.example } @ NAPTR 9 { #1 #2 00 " D2T " 00 .x.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 9, ""},
    {"NAPTR with a service of 15 bytes, and of 16", "b.example", XF_DNS_NAPTR, 0x8180,
     "@ NAPTR 9 { #1 #2 0173 0f" "414141414141414141414141414141 00 .x.example } "
     "@ NAPTR 9 { #1 #2 0173 10" "41414141414141414141414141414141 00 .x.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_FOUND, 9, "1 2 AAAAAAAAAAAAAAA x.example"},
    {"NAPTR with odd bytes in the service", "b.example", XF_DNS_NAPTR, 0x8180,
     "@ NAPTR 9 { #1 #2 0173 03410041 00 .x.example } @ NAPTR 9 { #1 #2 0173 0341ff41 00 .x.example } "
     "@ NAPTR 9 { #1 #2 0173 00 00 .x.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 9, ""},
    {"NAPTR with odd bytes in the replacement", "b.example", XF_DNS_NAPTR, 0x8180, "@ NAPTR 9 { #1 #2 0173 " D2T " 00 .a<b>.example }",
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 9, ""},
    {"NAPTR whose string is longer than the record", "b.example", XF_DNS_NAPTR, 0x8180, "@ NAPTR 9 { #1 #2 0173 ff53 }",
     XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0, ""},
    {"NAPTR without replacement", "b.example", XF_DNS_NAPTR, 0x8180, "@ NAPTR 9 { #1 #2 0173 " D2T " 00 }",
     XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 9, ""},
    {"no NAPTR", "b.example", XF_DNS_NAPTR, 0x8180, "/ .example" SOA, XF_DNS_REPLY_ANSWER, XF_DNS_NO_DATA, 60, ""},

    {"label of 64 bytes", QNAME, XF_DNS_SRV, 0x8180, "@ SRV 9 { #0 #0 #1 40 @ }", XF_DNS_REPLY_MALFORMED, XF_DNS_FAILED, 0,
     ""},
};
/* clang-format on */

START_TEST(answer_is_read_as)
{
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    uint8_t bytes[WIRE_MAX];
    char records[1024];
    const char *label = answers[_i].label;

    ck_assert_int_eq(xf_dns_encode(answers[_i].name, answers[_i].type, true, &question), XF_ERR_OK);
    size_t len = wire_answer(&question, answers[_i].flags, answers[_i].script, bytes);
    xf_dns_decode(&question, bytes, len, false, &reply);
    write_records(&reply, answers[_i].type, records, sizeof(records));

    ck_assert_msg(reply.kind == answers[_i].kind, "%s: kind %d (%s)", label, (int)reply.kind,
                  reply.word);
    ck_assert_msg(reply.status == answers[_i].status, "%s: status %d", label, (int)reply.status);
    if (reply.kind == XF_DNS_REPLY_ANSWER || reply.kind == XF_DNS_REPLY_REFERRED)
        ck_assert_msg(reply.ttl_s == answers[_i].ttl_s, "%s: TTL %u", label, reply.ttl_s);
    if (reply.kind == XF_DNS_REPLY_REFERRED)
        ck_assert_msg(strcmp(reply.next_name, answers[_i].records) == 0, "%s: next %s", label,
                      reply.next_name);
    else
        ck_assert_msg(strcmp(records, answers[_i].records) == 0, "%s: got %s", label, records);
    ck_assert_msg(reply.word && reply.word[0], "%s: no words", label);
    xf_dns_reply_release(&reply);
}
END_TEST

/* Every cut and every flip of one bit of a good answer: no crash, and never records that were not
 * sent. */
START_TEST(damaged_answers_do_no_harm)
{
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    uint8_t bytes[WIRE_MAX];

    ck_assert_int_eq(xf_dns_encode(QNAME, XF_DNS_SRV, true, &question), XF_ERR_OK);
    size_t len = wire_answer(
        &question, 0x8180,
        "@ CNAME 9 { .c.example } .c.example SRV 9 { #1 #2 #3 .x.b.example } / .example" SOA
        " / .x.b.example A 9 { c0000201 }",
        bytes);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = xf_alloc(cut ? cut : 1); /* so that the sanitizer sees a step too far */
        memcpy(exact, bytes, cut);
        xf_dns_decode(&question, exact, cut, false, &reply);
        ck_assert_msg(reply.kind == XF_DNS_REPLY_ALIEN || reply.kind == XF_DNS_REPLY_MALFORMED,
                      "cut at %zu: kind %d", cut, (int)reply.kind);
        ck_assert_uint_eq(reply.count, 0);
        xf_dns_reply_release(&reply);
        xf_free(exact);
    }
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        xf_dns_decode(&question, bytes, len, bit % 2, &reply);
        ck_assert_msg(reply.kind != XF_DNS_REPLY_ANSWER || reply.status != XF_DNS_FOUND ||
                          reply.count == 1,
                      "bit %zu", bit);
        xf_dns_reply_release(&reply);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    xf_dns_decode(&question, bytes, len, false, &reply);
    ck_assert_int_eq(reply.kind, XF_DNS_REPLY_ANSWER);
    xf_dns_reply_release(&reply);
}
END_TEST

static const struct {
    const char *label;
    size_t at; /* byte to change ... */
    uint8_t mask;
    enum xf_dns_reply_kind udp, tcp;
} strangers[] = {
    {"unchanged", 0, 0, XF_DNS_REPLY_ANSWER, XF_DNS_REPLY_ANSWER},
    {"first byte of the id", 0, 0x01, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"second byte of the id", 1, 0x80, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"another letter in the question", 13, 0x01, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"another case in the question", 13, 0x20, XF_DNS_REPLY_WRONG_CASE, XF_DNS_REPLY_ANSWER},
    {"another count in the question", 12, 0x02, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"another type in the question", 12 + 11 + 1, 0x1d, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"another class in the question", 12 + 11 + 3, 0x02, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"two questions", 5, 0x03, XF_DNS_REPLY_ALIEN, XF_DNS_REPLY_ALIEN},
    {"truncated over TCP is rubbish", 2, 0x02, XF_DNS_REPLY_TRUNCATED, XF_DNS_REPLY_MALFORMED},
};

START_TEST(stranger_is_kept_out)
{
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    uint8_t bytes[WIRE_MAX];

    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_A, true, &question), XF_ERR_OK);
    size_t len = wire_answer(&question, 0x8180, ".b.example A 9 { c0000201 }", bytes);
    bytes[strangers[_i].at] ^= strangers[_i].mask;
    xf_dns_decode(&question, bytes, len, false, &reply);
    ck_assert_msg(reply.kind == strangers[_i].udp, "%s: kind %d by UDP", strangers[_i].label,
                  (int)reply.kind);
    xf_dns_reply_release(&reply);
    xf_dns_decode(&question, bytes, len, true, &reply);
    ck_assert_msg(reply.kind == strangers[_i].tcp, "%s: kind %d by TCP", strangers[_i].label,
                  (int)reply.kind);
    xf_dns_reply_release(&reply);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label;
    unsigned rcode;
    enum xf_dns_reply_kind kind;
} bare[] = {
    {"NOERROR", 0, XF_DNS_REPLY_ALIEN},   {"FORMERR", 1, XF_DNS_REPLY_NO_EDNS},
    {"SERVFAIL", 2, XF_DNS_REPLY_SERVER}, {"NXDOMAIN", 3, XF_DNS_REPLY_ALIEN},
    {"NOTIMP", 4, XF_DNS_REPLY_NO_EDNS},   {"REFUSED", 5, XF_DNS_REPLY_SERVER},
};
/* clang-format on */

START_TEST(bare_header_may_only_refuse)
{
    struct xf_dns_question question;
    struct xf_dns_reply reply;

    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_A, true, &question), XF_ERR_OK);
    uint8_t bytes[12] = {question.bytes[0], question.bytes[1], 0x80, (uint8_t)bare[_i].rcode};
    xf_dns_decode(&question, bytes, sizeof(bytes), false, &reply);
    ck_assert_msg(reply.kind == bare[_i].kind, "%s: kind %d", bare[_i].label, (int)reply.kind);
    ck_assert_int_eq(reply.status, XF_DNS_FAILED);
    xf_dns_reply_release(&reply);
}
END_TEST

START_TEST(authentic_bit_is_seen)
{
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    uint8_t bytes[WIRE_MAX];

    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_A, true, &question), XF_ERR_OK);
    size_t len = wire_answer(&question, 0x81a0, "@ A 9 { c0000201 }", bytes);
    xf_dns_decode(&question, bytes, len, false, &reply);
    ck_assert(reply.is_authentic);
    xf_dns_reply_release(&reply);
    bytes[3] ^= 0x20;
    xf_dns_decode(&question, bytes, len, false, &reply);
    ck_assert(!reply.is_authentic);
    xf_dns_reply_release(&reply);
}
END_TEST

START_TEST(more_records_than_fit_are_cut)
{
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    uint8_t bytes[WIRE_MAX];
    char script[WIRE_MAX] = "";

    for (int i = 0; i < XF_DNS_RECORDS_MAX + 20; i++)
        snprintf(script + strlen(script), sizeof(script) - strlen(script), "@ A 9 { c00002%02x } ",
                 (unsigned)i);
    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_A, true, &question), XF_ERR_OK);
    size_t len = wire_answer(&question, 0x8180, script, bytes);
    xf_dns_decode(&question, bytes, len, true, &reply);
    ck_assert_int_eq(reply.kind, XF_DNS_REPLY_ANSWER);
    ck_assert_uint_eq(reply.count, XF_DNS_RECORDS_MAX);
    xf_dns_reply_release(&reply);
}
END_TEST

static const struct {
    const char *label;
    size_t data_bytes; /* of the one record */
    enum xf_dns_status status;
} lengths[] = {
    {"the longest", XF_TLSA_DATA_MAX, XF_DNS_FOUND},
    {"one byte more is passed over, not cut", XF_TLSA_DATA_MAX + 1, XF_DNS_NO_DATA},
    {"as long as a message can", 60000, XF_DNS_NO_DATA},
    {"one byte", 1, XF_DNS_FOUND},
};

START_TEST(tlsa_data_has_a_ceiling)
{
    static char script[2 * WIRE_MAX];
    static uint8_t bytes[WIRE_MAX];
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    size_t at = (size_t)snprintf(script, sizeof(script), "@ TLSA 9 { 030100");

    for (size_t i = 0; i < lengths[_i].data_bytes; i++, at += 2)
        memcpy(script + at, i % 2 ? "ab" : "cd", 2);
    memcpy(script + at, " }", 3);
    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_TLSA, true, &question), XF_ERR_OK);
    size_t len = wire_answer(&question, 0x8180, script, bytes);
    xf_dns_decode(&question, bytes, len, true, &reply);
    ck_assert_int_eq(reply.kind, XF_DNS_REPLY_ANSWER);
    ck_assert_msg(reply.status == lengths[_i].status, "%s: status %d", lengths[_i].label,
                  (int)reply.status);
    if (reply.status == XF_DNS_FOUND) {
        ck_assert_uint_eq(reply.records[0].tlsa.data_bytes, lengths[_i].data_bytes);
        ck_assert_uint_eq(reply.records[0].tlsa.data[lengths[_i].data_bytes - 1],
                          lengths[_i].data_bytes % 2 ? 0xcd : 0xab);
    }
    xf_dns_reply_release(&reply);
}
END_TEST

/* clang-format off */
static const struct {
    const char *label, *script; /* SERVFAIL with these options */
    unsigned flags;
    const char *extended;
    enum xf_help help;
} extended_errors[] = {
    {"no EDNS", "", 0x8182, "", XF_HELP_DNS_SERVFAIL},
    {"no option", "/ / . OPT 0 { }", 0x8182, "", XF_HELP_DNS_SERVFAIL},
    {"bogus", "/ / . OPT 0 { #15 #2 #6 }", 0x8182, "DNSSEC Bogus", XF_HELP_DNS_BOGUS},
    {"expired, in the server's words", "/ / . OPT 0 { #15 #6 #7 6f6c6421 }", 0x8182, "Signature Expired: old!", XF_HELP_DNS_BOGUS},
    {"behind another option", "/ / . OPT 0 { #10 #3 aabbcc #15 #2 #9 }", 0x8182, "DNSKEY Missing", XF_HELP_DNS_BOGUS},
    {"no reachable authority", "/ / . OPT 0 { #15 #2 #22 }", 0x8182, "No Reachable Authority", XF_HELP_DNS_SERVFAIL},
    {"a code of later days", "/ / . OPT 0 { #15 #3 #9999 61 }", 0x8182, "extended error: a", XF_HELP_DNS_SERVFAIL},
    {"other characters", "/ / . OPT 0 { #15 #6 #0 0a22ff41 }", 0x8182, "Other Error: ?\"?A", XF_HELP_DNS_SERVFAIL},
    {"a NUL ends the text", "/ / . OPT 0 { #15 #6 #0 61006262 }", 0x8182, "Other Error: a", XF_HELP_DNS_SERVFAIL},
    {"too short for a code", "/ / . OPT 0 { #15 #1 06 }", 0x8182, "", XF_HELP_DNS_SERVFAIL},
    {"longer than the record", "/ / . OPT 0 { #15 #9 #6 61 }", 0x8182, "", XF_HELP_DNS_SERVFAIL},
    {"half a header", "/ / . OPT 0 { #15 00 }", 0x8182, "", XF_HELP_DNS_SERVFAIL},
    {"REFUSED is not bogus", "/ / . OPT 0 { #15 #2 #6 }", 0x8185, "DNSSEC Bogus", XF_HELP_DNS_REFUSED},
};
/* clang-format on */

START_TEST(extended_error_is_read)
{
    uint8_t bytes[WIRE_MAX];
    struct xf_dns_question question;
    struct xf_dns_reply reply;
    const char *label = extended_errors[_i].label;

    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_A, true, &question), XF_ERR_OK);
    size_t len =
        wire_answer(&question, extended_errors[_i].flags, extended_errors[_i].script, bytes);
    xf_dns_decode(&question, bytes, len, true, &reply);
    ck_assert_msg(reply.kind == XF_DNS_REPLY_SERVER, "%s: %d", label, (int)reply.kind);
    ck_assert_msg(strcmp(reply.extended, extended_errors[_i].extended) == 0, "%s: \"%s\"", label,
                  reply.extended);
    ck_assert_msg(reply.help == extended_errors[_i].help, "%s: %s", label,
                  xf_help_code(reply.help));
    xf_dns_reply_release(&reply);
}
END_TEST

START_TEST(extended_error_is_cut)
{
    uint8_t option[600] = {0, 15, 2, 0x50, 0, 6};
    char text[XF_DNS_EDE_BYTES];

    memset(option + 6, 'x', sizeof(option) - 6);
    ck_assert(xf_dns_ede_read(option, sizeof(option), text));
    ck_assert_uint_eq(strlen(text), XF_DNS_EDE_BYTES - 1);
    ck_assert_int_eq(text[XF_DNS_EDE_BYTES - 2], 'x');
}
END_TEST

START_TEST(question_has_the_right_form)
{
    struct xf_dns_question question;

    ck_assert_int_eq(xf_dns_encode("b.example", XF_DNS_SRV, true, &question), XF_ERR_OK);
    const uint8_t *bytes = question.bytes;
    /* RD and AD, one question, one additional (OPT) */
    ck_assert_mem_eq(bytes + 2, ((const uint8_t[]){0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1}), 10);
    ck_assert_uint_eq(question.name_len, 11);
    ck_assert_uint_eq(bytes[12], 1);
    ck_assert_int_eq(tolower(bytes[13]), 'b');
    ck_assert_uint_eq(bytes[14], 7);
    ck_assert_mem_eq(bytes + 22, ((const uint8_t[]){0, 0, 33, 0, 1}), 5);
    /* root, OPT, 1232 bytes, no flags, no options (RFC 6891 §6.1.2) */
    ck_assert_mem_eq(bytes + 27, ((const uint8_t[]){0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0}), 11);
    ck_assert_uint_eq(question.len, 38);
}
END_TEST

START_TEST(id_and_case_change_with_every_question)
{
    struct xf_dns_question one, other;
    unsigned same_id = 0, same_case = 0;

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(xf_dns_encode(QNAME, XF_DNS_SRV, true, &one), XF_ERR_OK);
        ck_assert_int_eq(xf_dns_encode(QNAME, XF_DNS_SRV, true, &other), XF_ERR_OK);
        same_id += memcmp(one.bytes, other.bytes, 2) == 0;
        same_case += memcmp(one.bytes + 12, other.bytes + 12, one.name_len) == 0; /* 22 letters */
    }
    ck_assert_uint_le(same_id, 3);
    ck_assert_uint_le(same_case, 1);
}
END_TEST

static const char *const no_names[] = {
    "",
    ".",
    "a..b",
    ".a",
    "a b",
    "a\\046b",
    "b\xc3\xbc.example",
    "a/b",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

START_TEST(what_is_no_name_is_not_asked)
{
    struct xf_dns_question question;

    ck_assert_msg(xf_dns_encode(no_names[_i], XF_DNS_A, true, &question) == XF_ERR_BAD_VALUE,
                  "'%s'", no_names[_i]);
}
END_TEST

START_TEST(longest_name_is_asked)
{
    struct xf_dns_question question;
    char name[256] = "";

    for (size_t i = 0; i < 253; i++)
        name[i] = i % 64 == 63 ? '.' : 'a';
    ck_assert_int_eq(xf_dns_encode(name, XF_DNS_A, true, &question), XF_ERR_OK);
    ck_assert_uint_eq(question.name_len, 255);
    name[253] = 'a';
    ck_assert_int_eq(xf_dns_encode(name, XF_DNS_A, true, &question), XF_ERR_BAD_VALUE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns/codec");
    TCase *tc = tcase_create("codec");

    tcase_add_loop_test(tc, answer_is_read_as, 0, XF_ARRAY_LEN(answers));
    tcase_add_loop_test(tc, stranger_is_kept_out, 0, XF_ARRAY_LEN(strangers));
    tcase_add_loop_test(tc, bare_header_may_only_refuse, 0, XF_ARRAY_LEN(bare));
    tcase_add_test(tc, damaged_answers_do_no_harm);
    tcase_add_test(tc, authentic_bit_is_seen);
    tcase_add_test(tc, more_records_than_fit_are_cut);
    tcase_add_loop_test(tc, tlsa_data_has_a_ceiling, 0, XF_ARRAY_LEN(lengths));
    tcase_add_loop_test(tc, extended_error_is_read, 0, XF_ARRAY_LEN(extended_errors));
    tcase_add_test(tc, extended_error_is_cut);
    tcase_add_test(tc, question_has_the_right_form);
    tcase_add_test(tc, id_and_case_change_with_every_question);
    tcase_add_loop_test(tc, what_is_no_name_is_not_asked, 0, XF_ARRAY_LEN(no_names));
    tcase_add_test(tc, longest_name_is_asked);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
