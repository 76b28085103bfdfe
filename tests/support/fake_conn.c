/* SPDX-License-Identifier: MIT */
/*
 * fake_conn.c — the conn of tests. It keeps the contract of net/conn.h to the letter: no event is
 * called inside a call on the conn, output leaves once a turn, the closed event comes exactly once
 * and last.
 *
 * A polite close ends with LOCAL in the same turn when output can leave (the other side of a fake
 * closes at once), with TIMEOUT after linger_ms when it is blocked, or as the test says with
 * fake_conn_closed. After xf_conn_finish the other side takes its time: it ends with LOCAL after
 * linger_ms.
 */
#include "fake_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>

#define SENT_MAX (64u << 20)

struct inner {
    struct xf_conn conn; /* first */
    struct fake_conn *fake;
};

static struct fake_conn *fake_of(struct xf_conn *conn)
{
    return ((struct inner *)conn)->fake;
}

/* --------------------------------------------------------------- what the code under test calls */

static void flush_soon(struct xf_conn *conn)
{
    if (xf_conn_is_congested(conn))
        fake_of(conn)->was_high = true;
}

static void pause_reading(struct xf_conn *conn, bool paused)
{
    fake_of(conn)->is_paused = paused;
}

static void set_end(struct fake_conn *fake, enum xf_conn_end end)
{
    if (fake->has_end)
        return;
    fake->has_end = true;
    fake->end = end;
    xf_timer_stop(&fake->timeout);
}

static void close_conn(struct xf_conn *conn, unsigned linger_ms)
{
    struct fake_conn *fake = fake_of(conn);
    fake->is_closing = true;
    if (linger_ms == 0 || !fake->is_connected) {
        xf_buf_release(&conn->out);
        set_end(fake, XF_CONN_END_LOCAL);
    } else if (!fake->has_end && (!xf_timer_is_running(&fake->timeout) ||
                                  fake->timeout.at_ms > fake->env->clock.now_ms + linger_ms)) {
        xf_timer_start(fake->env->env.timers, &fake->timeout, linger_ms);
    }
}

static void finish_conn(struct xf_conn *conn, unsigned linger_ms)
{
    struct fake_conn *fake = fake_of(conn);
    fake->is_heard = true;
    if (!fake->has_end && !xf_timer_is_running(&fake->timeout))
        xf_timer_start(fake->env->env.timers, &fake->timeout, linger_ms);
}

/* The other side of a fake acknowledges what leaves. */
static uint64_t arrived(const struct xf_conn *conn)
{
    return xf_conn_left(conn);
}

static const struct xf_conn_ops ops = {
    .arrived = arrived,
    .flush_soon = flush_soon,
    .pause = pause_reading,
    .close = close_conn,
    .finish = finish_conn,
};

static void on_timeout(void *owner)
{
    struct fake_conn *fake = owner;
    bool is_shut = fake->is_heard && fake->conn->out.len == 0;
    set_end(fake, is_shut ? XF_CONN_END_LOCAL : XF_CONN_END_TIMEOUT);
}

static struct fake_conn *make(struct fake_env *env, const struct xf_addr *addr)
{
    struct fake_conn *fake = xf_new(struct fake_conn);
    struct inner *inner = xf_new(struct inner);
    inner->fake = fake;
    inner->conn.ops = &ops;
    inner->conn.addr = *addr;
    xf_buf_init(&inner->conn.out, XF_CONN_OUT_MAX);
    fake->env = env;
    fake->conn = &inner->conn;
    fake->addr = *addr;
    xf_buf_init(&fake->sent, SENT_MAX);
    xf_timer_init(&fake->timeout, on_timeout, fake);
    xf_list_push(&env->conns, &fake->node);
    return fake;
}

struct xf_conn *fake_conn_connect(struct xf_env *env, const struct xf_addr *addr,
                                  const struct xf_source *source, unsigned timeout_ms,
                                  const struct xf_conn_events *events, void *owner)
{
    struct fake_env *world = (struct fake_env *)env;
    struct fake_conn *fake = make(world, addr);
    fake->is_outgoing = true;
    if (source)
        fake->source = *source;
    fake->conn->events = events;
    fake->conn->owner = owner;
    if (world->refuses_connections)
        set_end(fake, XF_CONN_END_REFUSED);
    else if (timeout_ms)
        xf_timer_start(env->timers, &fake->timeout, timeout_ms);
    return fake->conn;
}

/* ------------------------------------------------------------------ a turn of the loop */

static bool flush(struct fake_conn *fake)
{
    struct xf_conn *conn = fake->conn;
    if (conn->out.len == 0 || fake->is_blocked || !fake->is_connected || fake->wants_tls)
        return false;
    fake->sent_bytes += conn->out.len;
    conn->taken_bytes += conn->out.len;
    xf_buf_append_span(&fake->sent, xf_buf_span(&conn->out));
    xf_buf_consume(&conn->out, conn->out.len);
    return true;
}

static void tell_closed(struct fake_conn *fake)
{
    static const char *const details[] = {
        [XF_CONN_END_LOCAL] = "closed here",
        [XF_CONN_END_EOF] = "closed by the other side",
        [XF_CONN_END_RESET] = "reset",
        [XF_CONN_END_REFUSED] = "connection refused",
        [XF_CONN_END_TIMEOUT] = "timed out",
        [XF_CONN_END_TLS] = "TLS failed",
        [XF_CONN_END_UNREACHABLE] = "network is unreachable",
        [XF_CONN_END_SOURCE] = "no free port to connect from",
        [XF_CONN_END_TLS_ALIEN] = "handshake: the other side does not speak TLS",
        [XF_CONN_END_TLS_REFUSED] = "handshake: the other side does not accept our certificate",
    };
    struct xf_conn *conn = fake->conn;
    xf_timer_stop(&fake->timeout);
    fake->conn = NULL;
    fake->judged = NULL;
    if (conn->events)
        conn->events->closed(conn->owner, fake->end, details[fake->end]);
    xf_tls_facts_free(&conn->tls);
    xf_buf_release(&conn->out);
    xf_free(conn);
}

/* ------------------------------------------------------------------ certificates */

static void forget_basis(struct xf_tls_facts *facts)
{
    for (size_t i = 0; i < facts->target_count; i++)
        xf_free(facts->targets[i]);
    xf_free(facts->targets);
    xf_free(facts->ca_file);
    xf_free(facts->dane_domain);
    facts->target_count = 0;
}

static void keep_basis(struct xf_tls_facts *finding, const struct xf_tls_basis *basis)
{
    bool has_targets = basis->tlsa || basis->target_count;
    finding->ca_file = basis->ca_file && *basis->ca_file ? xf_strdup(basis->ca_file) : NULL;
    finding->dane_domain = has_targets ? xf_span_dup(basis->domain) : NULL;
    finding->targets = xf_alloc((basis->target_count + 1) * sizeof(*finding->targets));
    for (size_t i = 0; i < basis->target_count; i++)
        finding->targets[finding->target_count++] = xf_strdup(basis->targets[i]);
}

/* What a real verification would find, with `evidence` that the test gave. */
static struct xf_tls_facts *find(const struct xf_tls_facts *evidence,
                                 const struct xf_tls_basis *basis)
{
    struct xf_tls_facts *finding = xf_new(struct xf_tls_facts);
    finding->chain = evidence->chain;
    memcpy(finding->chain_text, evidence->chain_text, sizeof(finding->chain_text));
    finding->chain_help = evidence->chain_help;
    finding->revocation = evidence->revocation;
    finding->dane = xf_tlsa_set_count(basis->tlsa) ? evidence->dane : XF_DANE_NONE;
    finding->dane_usage = evidence->dane_usage;
    keep_basis(finding, basis);
    return finding;
}

/* As xf_tls_facts_take. */
static void take(struct xf_tls_facts *facts, struct xf_tls_facts **finding)
{
    struct xf_tls_facts *found = *finding;
    forget_basis(facts);
    facts->is_judged = true;
    facts->chain = found->chain;
    memcpy(facts->chain_text, found->chain_text, sizeof(facts->chain_text));
    facts->chain_help = found->chain_help;
    facts->revocation = found->revocation;
    facts->dane = found->dane;
    facts->dane_usage = found->dane_usage;
    facts->ca_file = found->ca_file;
    facts->dane_domain = found->dane_domain;
    facts->targets = found->targets;
    facts->target_count = found->target_count;
    xf_free(found);
    *finding = NULL;
}

void fake_conn_judge_tls(struct xf_env *env, struct xf_conn *conn, const struct xf_tls_basis *basis,
                         xf_tls_judged_fn done, void *owner)
{
    struct fake_conn *fake = fake_of(conn);
    (void)env;
    if (fake->is_closing)
        return;
    xf_require(conn->tls && !fake->judged);
    if (fake->evidence)
        fake->finding = find(fake->evidence, basis);
    fake->judged = done;
    fake->judged_owner = owner;
}

static bool tell_judged(struct fake_conn *fake)
{
    xf_tls_judged_fn judged = fake->judged;
    if (!judged || fake->env->holds_judgements)
        return false;
    fake->judged = NULL;
    if (fake->has_end || fake->is_closing)
        return false;
    if (fake->finding)
        take(fake->conn->tls, &fake->finding);
    judged(fake->judged_owner);
    return true;
}

/* ------------------------------------------------------------------ turns */

bool fake_conn_turn(struct fake_conn *fake)
{
    if (!fake->conn)
        return false;
    bool was_busy = tell_judged(fake) || flush(fake);
    /* During a handshake nothing of the output can leave. */
    if (fake->is_closing && (fake->conn->out.len == 0 || fake->wants_tls))
        set_end(fake, XF_CONN_END_LOCAL);
    if (fake->has_end) {
        tell_closed(fake);
        return true;
    }
    if (fake->was_high && xf_conn_backlog(fake->conn) <= XF_CONN_LOW_WATER) {
        fake->was_high = false;
        if (!fake->is_closing && !fake->is_heard)
            fake->conn->events->drained(fake->conn->owner);
        return true;
    }
    return was_busy;
}

void fake_conn_free(struct fake_conn *fake)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(fake->tls_texts); i++)
        xf_free(fake->tls_texts[i]);
    xf_tls_facts_free(&fake->evidence);
    xf_tls_facts_free(&fake->finding);
    xf_buf_release(&fake->sent);
    xf_free(fake->taken);
    xf_free(fake);
}

static struct xf_span keep_text(char **out_copy, struct xf_span text)
{
    xf_free(*out_copy);
    *out_copy = xf_span_dup(text);
    return (struct xf_span){*out_copy, text.len};
}

void fake_conn_start_tls(struct xf_env *env, struct xf_conn *conn,
                         const struct xf_tls_request *request)
{
    struct fake_conn *fake = fake_of(conn);
    (void)env;
    (void)flush(fake); /* <proceed/> and the like still go in clear */
    fake->wants_tls = true;
    fake->tls_request = *request;
    fake->tls_request.local = keep_text(&fake->tls_texts[0], request->local);
    fake->tls_request.peer = keep_text(&fake->tls_texts[1], request->peer);
    fake->tls_request.ciphers = keep_text(&fake->tls_texts[2], xf_span_of(request->ciphers)).ptr;
}

/* ------------------------------------------------------------------ what the test says */

static struct xf_addr parse_addr(const char *text)
{
    struct xf_addr addr;
    if (xf_addr_parse(xf_span_of(text), 0, &addr) != XF_ERR_OK) {
        fprintf(stderr, "fake_conn: \"%s\" is not an address\n", text);
        abort();
    }
    return addr;
}

struct fake_conn *fake_conn_accepted(struct fake_env *env, const char *addr)
{
    struct xf_addr parsed = parse_addr(addr);
    struct fake_conn *fake = make(env, &parsed);
    fake->is_connected = true;
    return fake;
}

struct fake_conn *fake_conn_next(struct fake_env *env, const char *addr)
{
    struct xf_addr wanted = {0};
    if (addr)
        wanted = parse_addr(addr);
    XF_LIST_EACH (node, &env->conns) {
        struct fake_conn *fake = XF_CONTAINER(node, struct fake_conn, node);
        if (!fake->is_outgoing || fake->is_taken || (addr && !xf_addr_eq(&fake->addr, &wanted)))
            continue;
        fake->is_taken = true;
        return fake;
    }
    return NULL;
}

size_t fake_conn_open_count(const struct fake_env *env)
{
    size_t count = 0;
    XF_LIST_EACH (node, &env->conns)
        count += XF_CONTAINER(node, struct fake_conn, node)->conn != NULL;
    return count;
}

void fake_conn_connected(struct fake_conn *fake)
{
    if (fake->conn && !fake->is_closing && !fake->has_end) {
        xf_timer_stop(&fake->timeout);
        fake->is_connected = true;
        fake->conn->events->connected(fake->conn->owner);
    }
    fake_env_run(fake->env);
}

void fake_conn_refused(struct fake_conn *fake)
{
    fake_conn_closed(fake, XF_CONN_END_REFUSED);
}

static struct xf_tls_facts *copy_facts(const struct xf_tls_facts *facts)
{
    struct xf_tls_facts *copy = xf_new(struct xf_tls_facts);
    *copy = *facts;
    copy->names = facts->name_count ? xf_alloc(facts->name_count * sizeof(*copy->names)) : NULL;
    copy->common_name = facts->common_name ? xf_strdup(facts->common_name) : NULL;
    for (size_t i = 0; i < facts->name_count; i++)
        copy->names[i] =
            (struct xf_cert_name){facts->names[i].kind, xf_strdup(facts->names[i].text)};
    return copy;
}

void fake_conn_secured(struct fake_conn *fake, const struct xf_tls_facts *facts)
{
    if (!facts) {
        fake_conn_closed(fake, XF_CONN_END_TLS);
        return;
    }
    if (fake->conn && fake->wants_tls && !fake->has_end) {
        fake->wants_tls = false;
        xf_tls_facts_free(&fake->conn->tls);
        fake->conn->tls = copy_facts(facts);
        fake->evidence = copy_facts(facts);
        if (facts->chain != XF_CERT_NONE && !fake->tls_request.is_server) {
            fake->finding = find(fake->evidence, &fake->tls_request.basis);
            take(fake->conn->tls, &fake->finding);
        } else if (facts->chain != XF_CERT_NONE) {
            fake->conn->tls->chain = XF_CERT_BAD; /* not judged yet */
        }
        fake->conn->events->secured(fake->conn->owner);
    }
    fake_env_run(fake->env);
}

bool fake_conn_feed(struct fake_conn *fake, const char *bytes, size_t len)
{
    if (fake->is_paused)
        return false;
    if (fake->conn && !fake->is_closing && !fake->has_end && len)
        fake->conn->events->data(fake->conn->owner, bytes, len);
    fake_env_run(fake->env);
    return true;
}

bool fake_conn_feed_text(struct fake_conn *fake, const char *text)
{
    return fake_conn_feed(fake, text, strlen(text));
}

void fake_conn_closed(struct fake_conn *fake, enum xf_conn_end end)
{
    if (fake->conn)
        set_end(fake, end);
    fake_env_run(fake->env);
}

void fake_conn_block(struct fake_conn *fake, bool blocked)
{
    fake->is_blocked = blocked;
    fake_env_run(fake->env);
}

const char *fake_conn_take(struct fake_conn *fake)
{
    xf_free(fake->taken);
    fake->taken = xf_strndup(xf_buf_ptr(&fake->sent), fake->sent.len);
    xf_buf_clear(&fake->sent);
    return fake->taken;
}
