/* SPDX-License-Identifier: MIT */
/*
 * exchange.c — asks the servers one question until one of them answers, and follows aliases.
 *
 * How this works: each attempt uses one server, a new connected UDP socket (random port; the kernel
 * drops datagrams of others), a new id and new random letter case in the name. Each server waits 1
 * s in the first round, 2 s in the second, and so on, until the time for the whole question is up.
 *
 *  - A datagram that does not match the question is dropped, and we keep waiting.
 *  - After a truncated answer, or one in which the letter case of the name changed (a forger's
 *    guess, or a server that does not preserve it), we ask the same server again over TCP.
 *  - A server that reports an error or sends garbage is not asked this question again. When no
 *    server is left, the result is FAILED.
 *  - A server that cannot read EDNS (FORMERR, NOTIMP), or whose path swallows it (silent with it,
 *    an answer without), is asked without EDNS for a while. Validation needs EDNS (RFC 4035 §3), so
 *    such an answer is never secure, whatever its AD says. An attacker who suppresses answers must
 *    not lower security: silence never makes us leave out EDNS with a server whose AD we trust, or
 *    one that recently answered with EDNS.
 *  - An alias whose records are not in the answer becomes the next question, within the same time
 *    limit, up to XF_DNS_CNAME_MAX aliases. The result has the smallest TTL, and is secure only if
 *    all answers were.
 *  - We trust AD from a server on this host, or from any server if the operator says so (RFC 6840
 *    §5.7,
 * §5.8: asked for by AD in the question, and the way to the server must be trusted). It covers the
 * whole answer, aliases and denial too (RFC 4035 §3.2.3).
 */
#include "exchange_priv.h"

#include <stdio.h>

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

#include "codec_priv.h"
#include "tcp_priv.h"

#define FIRST_WAIT_MS      1000u
#define WAIT_DOUBLINGS_MAX 4u
#define TCP_WAIT_MS        3000u
#define EDNS_KEPT_MS       900000u
#define EDNS_SILENCES      3 /* after so many in a row the server counts as one without EDNS */

struct xf_exchange {
    struct xf_loop *loop;
    struct xf_dns_servers *servers;
    struct xf_dns_question question;
    struct xf_udp *udp;
    struct xf_dns_tcp *tcp;
    struct xf_timer timer; /* end of an attempt */
    uint64_t deadline_ms;
    unsigned attempt;
    size_t server;                      /* that is being asked */
    bool is_out[XF_DNS_SERVERS_MAX];    /* servers that cannot answer this question */
    bool is_silent[XF_DNS_SERVERS_MAX]; /* did not answer with EDNS, and are asked without */
    char name[XF_DNS_NAME_MAX + 1];
    enum xf_dns_type type;
    unsigned cname_count;
    uint32_t ttl_s;
    bool is_secure;
    char detail[240];
    enum xf_help help; /* of a failure; goes with `detail` */
    xf_exchanged_fn done;
    void *owner;
};

bool xf_dns_server_is_believed(const struct xf_dns_servers *servers, size_t index)
{
    return servers->trust_ad || xf_addr_is_loopback(&servers->list[index]);
}

static void stop_attempt(struct xf_exchange *exchange)
{
    xf_timer_stop(&exchange->timer);
    xf_udp_close(&exchange->udp);
    xf_dns_tcp_close(&exchange->tcp);
}

void xf_exchange_free(struct xf_exchange **exchange)
{
    if (!*exchange)
        return;
    stop_attempt(*exchange);
    xf_free(*exchange);
    *exchange = NULL;
}

static void say(struct xf_exchange *exchange, enum xf_help help, const char *word)
{
    char server[XF_ADDR_TEXT_BYTES];

    xf_addr_text(&exchange->servers->list[exchange->server], server);
    snprintf(exchange->detail, sizeof(exchange->detail), "%s from %s", word, server);
    exchange->help = help;
}

static void finish(struct xf_exchange *exchange, struct xf_dns_answer *answer, uint32_t ttl_s)
{
    answer->detail = exchange->detail;
    stop_attempt(exchange);
    exchange->done(exchange->owner, answer, ttl_s);
    xf_exchange_free(&exchange);
}

static void finish_failed(struct xf_exchange *exchange)
{
    struct xf_dns_answer answer = {.status = XF_DNS_FAILED, .help = exchange->help};

    finish(exchange, &answer, 0);
}

static uint64_t left_ms(const struct xf_exchange *exchange)
{
    uint64_t now_ms = xf_loop_clock(exchange->loop)->now_ms;

    return now_ms < exchange->deadline_ms ? exchange->deadline_ms - now_ms : 0;
}

static void start_timer(struct xf_exchange *exchange, uint64_t wait_ms)
{
    uint64_t most_ms = left_ms(exchange);

    xf_timer_start(xf_loop_timers(exchange->loop), &exchange->timer,
                   wait_ms < most_ms ? wait_ms : most_ms);
}

/* The next server in turn that is not out; false when all are. */
static bool choose_server(struct xf_exchange *exchange)
{
    const struct xf_dns_servers *servers = exchange->servers;

    for (size_t i = 0; i < servers->count; i++) {
        size_t server = (servers->first + exchange->attempt + i) % servers->count;

        if (!exchange->is_out[server]) {
            exchange->server = server;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ EDNS */

static struct xf_dns_edns *edns_of(struct xf_exchange *exchange)
{
    struct xf_dns_edns *edns = &exchange->servers->edns[exchange->server];

    if (edns->is != XF_DNS_EDNS_UNKNOWN && edns->until_ms <= xf_loop_clock(exchange->loop)->now_ms)
        edns->is = XF_DNS_EDNS_UNKNOWN;
    return edns;
}

static void note_edns(struct xf_exchange *exchange, bool speaks)
{
    struct xf_dns_edns *edns = edns_of(exchange);
    char server[XF_ADDR_TEXT_BYTES];

    if (!speaks && edns->is != XF_DNS_EDNS_LACKS) {
        xf_addr_text(&exchange->servers->list[exchange->server], server);
        /* bounded: once in EDNS_KEPT_MS for each server */
        xf_log(XF_LOG_WARN, "dns.edns.missing", XF_STR("addr", server));
    }
    edns->is = speaks ? XF_DNS_EDNS_SPEAKS : XF_DNS_EDNS_LACKS;
    edns->until_ms = xf_loop_clock(exchange->loop)->now_ms + EDNS_KEPT_MS;
}

static bool may_use_edns(struct xf_exchange *exchange)
{
    return edns_of(exchange)->is != XF_DNS_EDNS_LACKS && !exchange->is_silent[exchange->server];
}

/* The server did not answer in time. */
static void suspect_edns(struct xf_exchange *exchange)
{
    if (exchange->question.has_edns && edns_of(exchange)->is == XF_DNS_EDNS_UNKNOWN &&
        !xf_dns_server_is_believed(exchange->servers, exchange->server))
        exchange->is_silent[exchange->server] = true;
}

/* It answered. */
static void learn_edns(struct xf_exchange *exchange, const struct xf_dns_reply *reply)
{
    struct xf_dns_edns *edns = edns_of(exchange);

    if (reply->has_edns)
        note_edns(exchange, true);
    if (exchange->question.has_edns)
        edns->silences = 0;
    else if (exchange->is_silent[exchange->server] && ++edns->silences >= EDNS_SILENCES)
        note_edns(exchange, false);
}

/* ------------------------------------------------------------------ attempts */

static void on_datagram(void *owner, const uint8_t *bytes, size_t len);

static enum xf_err send_question(struct xf_exchange *exchange)
{
    enum xf_err code =
        xf_dns_encode(exchange->name, exchange->type, may_use_edns(exchange), &exchange->question);

    if (code == XF_ERR_OK)
        code = xf_udp_open(exchange->loop, &exchange->servers->list[exchange->server], on_datagram,
                           exchange, &exchange->udp);
    if (code == XF_ERR_OK)
        code = xf_udp_send(exchange->udp, exchange->question.bytes, exchange->question.len);
    return code;
}

/* Never ends the exchange before it returns: if sending fails, the timer reports it. */
static void start_attempt(struct xf_exchange *exchange)
{
    unsigned round = exchange->attempt / (unsigned)exchange->servers->count;
    enum xf_err code = send_question(exchange);

    if (code == XF_ERR_OK) {
        say(exchange, XF_HELP_DNS_SILENT, "no answer in time");
        start_timer(exchange,
                    FIRST_WAIT_MS << (round < WAIT_DOUBLINGS_MAX ? round : WAIT_DOUBLINGS_MAX));
        return;
    }
    if (code == XF_ERR_BAD_VALUE) {
        memset(exchange->is_out, true, sizeof(exchange->is_out));
        snprintf(exchange->detail, sizeof(exchange->detail), "not a name of the DNS");
        exchange->help = XF_HELP_DNS_NO_SERVER;
    } else {
        exchange->is_out[exchange->server] = true;
        say(exchange, XF_HELP_DNS_SILENT, "cannot send: no answer");
    }
    start_timer(exchange, 0);
}

static void next_attempt(struct xf_exchange *exchange)
{
    stop_attempt(exchange);
    exchange->attempt++;
    if (left_ms(exchange) == 0 || !choose_server(exchange))
        finish_failed(exchange);
    else
        start_attempt(exchange);
}

static void on_timer(void *owner)
{
    suspect_edns(owner);
    next_attempt(owner);
}

static void ask_without_edns(struct xf_exchange *exchange)
{
    stop_attempt(exchange);
    note_edns(exchange, false);
    start_attempt(exchange);
}

/* This server cannot answer the question. */
static void give_up_server(struct xf_exchange *exchange, enum xf_help help, const char *word)
{
    exchange->is_out[exchange->server] = true;
    say(exchange, help, word);
    next_attempt(exchange);
}

static void give_up_by_reply(struct xf_exchange *exchange, const struct xf_dns_reply *reply)
{
    size_t len;

    exchange->is_out[exchange->server] = true;
    say(exchange, reply->help, reply->word);
    len = strlen(exchange->detail);
    if (reply->extended[0])
        snprintf(exchange->detail + len, sizeof(exchange->detail) - len, " (%s)", reply->extended);
    next_attempt(exchange);
}

static void on_tcp_message(void *owner, const uint8_t *bytes, size_t len);

static void on_tcp_failed(void *owner, const char *detail)
{
    char word[96];

    snprintf(word, sizeof(word), "TCP: %s:", detail);
    give_up_server(owner, XF_HELP_DNS_SILENT, word);
}

static const struct xf_dns_tcp_events tcp_events = {.received = on_tcp_message,
                                                    .failed = on_tcp_failed};

static void ask_by_tcp(struct xf_exchange *exchange)
{
    stop_attempt(exchange);
    exchange->tcp = xf_dns_tcp_ask(exchange->loop, &exchange->servers->list[exchange->server],
                                   exchange->question.bytes, exchange->question.len, TCP_WAIT_MS,
                                   &tcp_events, exchange);
    start_timer(exchange, TCP_WAIT_MS);
}

/* Add to what holds for the whole chain of answers; false if the chain is too long. */
static bool take_chain(struct xf_exchange *exchange, const struct xf_dns_reply *reply)
{
    const struct xf_dns_servers *servers = exchange->servers;

    exchange->cname_count += reply->cname_count;
    exchange->is_secure &= reply->is_authentic && exchange->question.has_edns &&
                           xf_dns_server_is_believed(servers, exchange->server);
    if (reply->ttl_s < exchange->ttl_s)
        exchange->ttl_s = reply->ttl_s;
    return exchange->cname_count <= XF_DNS_CNAME_MAX && reply->kind != XF_DNS_REPLY_LOOP;
}

static void follow_alias(struct xf_exchange *exchange, const struct xf_dns_reply *reply)
{
    memcpy(exchange->name, reply->next_name, sizeof(exchange->name));
    memset(exchange->is_out, false, sizeof(exchange->is_out));
    exchange->attempt = 0;
    stop_attempt(exchange);
    start_attempt(exchange); /* the server that just answered */
}

static void take_answer(struct xf_exchange *exchange, const struct xf_dns_reply *reply)
{
    struct xf_dns_answer answer = {.status = reply->status,
                                   .is_secure = exchange->is_secure,
                                   .records = reply->records,
                                   .count = reply->count};

    say(exchange, XF_HELP_NONE, reply->word);
    finish(exchange, &answer, exchange->ttl_s);
}

static void take_reply(struct xf_exchange *exchange, const struct xf_dns_reply *reply)
{
    switch (reply->kind) {
    case XF_DNS_REPLY_ALIEN:
        return;
    case XF_DNS_REPLY_WRONG_CASE:
    case XF_DNS_REPLY_TRUNCATED:
        ask_by_tcp(exchange);
        return;
    case XF_DNS_REPLY_NO_EDNS:
        if (edns_of(exchange)->is != XF_DNS_EDNS_SPEAKS) {
            ask_without_edns(exchange);
            return;
        }
        give_up_by_reply(exchange, reply);
        return;
    case XF_DNS_REPLY_SERVER:
    case XF_DNS_REPLY_MALFORMED:
        give_up_by_reply(exchange, reply);
        return;
    case XF_DNS_REPLY_REFERRED:
    case XF_DNS_REPLY_LOOP:
    case XF_DNS_REPLY_ANSWER:
        break;
    }
    learn_edns(exchange, reply);
    exchange->servers->first = exchange->server;
    if (!take_chain(exchange, reply)) {
        say(exchange, XF_HELP_DNS_MALFORMED, "too many aliases");
        finish_failed(exchange);
    } else if (reply->kind == XF_DNS_REPLY_REFERRED) {
        follow_alias(exchange, reply);
    } else {
        take_answer(exchange, reply);
    }
}

static void on_datagram(void *owner, const uint8_t *bytes, size_t len)
{
    struct xf_exchange *exchange = owner;
    struct xf_dns_reply reply;

    xf_dns_decode(&exchange->question, bytes, len, false, &reply);
    take_reply(exchange, &reply);
    xf_dns_reply_release(&reply);
}

static void on_tcp_message(void *owner, const uint8_t *bytes, size_t len)
{
    struct xf_exchange *exchange = owner;
    struct xf_dns_reply reply;

    xf_dns_decode(&exchange->question, bytes, len, true, &reply);
    /* One connection carries one question: no better answer will come. */
    if (reply.kind == XF_DNS_REPLY_ALIEN)
        reply.kind = XF_DNS_REPLY_MALFORMED;
    take_reply(exchange, &reply);
    xf_dns_reply_release(&reply);
}

struct xf_exchange *xf_exchange_start(struct xf_loop *loop, struct xf_dns_servers *servers,
                                      const char *name, enum xf_dns_type type, xf_exchanged_fn done,
                                      void *owner)
{
    struct xf_exchange *exchange = xf_new(struct xf_exchange);

    *exchange = (struct xf_exchange){.loop = loop,
                                     .servers = servers,
                                     .type = type,
                                     .ttl_s = UINT32_MAX,
                                     .is_secure = true,
                                     .done = done,
                                     .owner = owner};
    snprintf(exchange->name, sizeof(exchange->name), "%s", name);
    exchange->deadline_ms = xf_loop_clock(loop)->now_ms + servers->timeout_ms;
    exchange->server = servers->first;
    xf_timer_init(&exchange->timer, on_timer, exchange);
    start_attempt(exchange);
    return exchange;
}
