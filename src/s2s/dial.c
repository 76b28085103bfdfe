/* SPDX-License-Identifier: MIT */
/*
 * dial.c — races the candidates of a peer (RFC 8305 §5): starts one, and the next one after 250 ms
 * or as soon as one fails, until one is connected. That conn is handed over, the other attempts are
 * dropped. A dropped candidate counts as untried: should the conn that was handed over fail,
 * xf_dial_next tries the others.
 *
 * An address at which a stream failed lately (xf_s2s.avoided) waits until all others have failed.
 * If it took part in the race against a good address that is far away, it would win each time and
 * cost a candidate-timeout. This is remembered per peer, since a peer's DNS may name the address of
 * another peer. No address is given up for it: when all are avoided, all are raced.
 *
 * When a stranger named the addresses (xf_dial_opts.backoff), few are tried; each host's attempts
 * are counted from their start until the conn is authenticated or gone; and an address where nobody
 * answered is remembered.
 *
 * An attempt lives on after its dial until its conn has called `closed`.
 */
#include <stdio.h>

#include <xfed/base/alloc.h>

#include "dial_priv.h"

#define STAGGER_MS         250
#define AT_ONCE            4 /* attempts at the same time */
#define STRANGE_CANDIDATES 4
#define STRANGE_PORTS      2 /* per host */
#define NONE               SIZE_MAX
#define USUAL_PORT         5269
#define ELSEWHERE_BYTES    (XF_ADDR_TEXT_BYTES + sizeof(" elsewhere"))
#define AVOIDED_KEY_BYTES  (XF_DOMAIN_MAX + 1 + XF_ADDR_TEXT_BYTES)

enum progress { UNTRIED, UNDER_WAY, TRIED };

struct attempt {
    struct xf_node node;
    struct xf_dial *dial; /* NULL: dropped, waits for the conn to close */
    struct xf_conn *conn;
    size_t index;
    uint64_t began_ms;
};

struct xf_dial {
    struct xf_env *env;
    struct xf_candidate *candidates;
    enum progress *progress;
    size_t count, running;
    size_t first_count;       /* candidates tried first; the others are avoided */
    struct xf_dial_opts opts; /* backoff NULL: attempts are not counted */
    size_t held;              /* index of the candidate whose conn was handed over, or NONE */
    bool is_counted;          /* that conn still counts towards per_host */
    struct xf_node attempts;
    struct xf_timer stagger;        /* the next start, or the report of failure */
    struct xf_dial_failure failure; /* the last one */
    const struct xf_dial_events *events;
    void *owner;
};

static void on_connected(void *owner);
static void on_closed(void *owner, enum xf_conn_end end, const char *detail);
static void on_nothing(void *owner)
{
    (void)owner;
}
static void on_early_data(void *owner, const char *bytes, size_t len)
{
    /* Nothing was sent on this conn yet, so the server has nothing to answer. */
    (void)owner, (void)bytes, (void)len;
}

static const struct xf_conn_events attempt_events = {
    .connected = on_connected,
    .secured = on_nothing,
    .data = on_early_data,
    .drained = on_nothing,
    .closed = on_closed,
};

static size_t next_untried(const struct xf_dial *dial)
{
    for (size_t i = 0; i < dial->count; i++)
        if (dial->progress[i] == UNTRIED)
            return i;
    return dial->count;
}

static enum xf_help help_for(enum xf_conn_end end)
{
    switch (end) {
    case XF_CONN_END_TIMEOUT:
        return XF_HELP_TCP_TIMEOUT;
    case XF_CONN_END_UNREACHABLE:
        return XF_HELP_TCP_UNREACHABLE;
    case XF_CONN_END_SOURCE:
        return XF_HELP_TCP_SOURCE;
    default:
        return XF_HELP_TCP_REFUSED;
    }
}

static void note_failure(struct xf_dial *dial, size_t index, enum xf_help help, const char *detail)
{
    dial->failure.addr = dial->candidates[index].addr;
    dial->failure.help = help;
    snprintf(dial->failure.detail, sizeof(dial->failure.detail), "%s", detail);
}

/* ------------------------------------------------------------------ backoff of strangers */

static bool is_elsewhere(const struct xf_dial *dial, size_t index)
{
    return dial->opts.per_host_elsewhere &&
           xf_addr_port(&dial->candidates[index].addr) != USUAL_PORT;
}

static const char *elsewhere_key(const char *host, char out[ELSEWHERE_BYTES])
{
    snprintf(out, ELSEWHERE_BYTES, "%s elsewhere", host);
    return out;
}

/* Count the attempt, if there is room. */
static bool take_room(const struct xf_dial *dial, size_t index, const char *host)
{
    char key[ELSEWHERE_BYTES];
    bool is_apart = is_elsewhere(dial, index);
    if (is_apart && !xf_backoff_begin(dial->opts.backoff, elsewhere_key(host, key),
                                      dial->opts.per_host_elsewhere))
        return false;
    if (xf_backoff_begin(dial->opts.backoff, host, dial->opts.per_host))
        return true;
    if (is_apart)
        xf_backoff_end(dial->opts.backoff, key);
    return false;
}

/*
 * May the candidate be tried now? If so, the attempt is counted. A candidate that has to wait after
 * a failure counts as tried. Its host was noted as well, by its address without a port, so that
 * somebody who comes from there can end the wait (xf_s2s_host_is_back).
 */
static bool enter(struct xf_dial *dial, size_t index)
{
    char addr[XF_ADDR_TEXT_BYTES], host[XF_ADDR_TEXT_BYTES];
    if (!dial->opts.backoff)
        return true;
    xf_addr_text(&dial->candidates[index].addr, addr);
    xf_addr_host_text(&dial->candidates[index].addr, host);
    if (xf_backoff_is_waiting(dial->opts.backoff, addr, NULL, NULL) &&
        xf_backoff_is_waiting(dial->opts.backoff, host, NULL, NULL)) {
        dial->progress[index] = TRIED;
        note_failure(dial, index, XF_HELP_TCP_HELD_BACK, "nobody was there just now");
        return false;
    }
    return take_room(dial, index, host);
}

/* The attempt no longer counts for its host. */
static void leave(const struct xf_dial *dial, size_t index)
{
    char host[XF_ADDR_TEXT_BYTES], key[ELSEWHERE_BYTES];
    if (!dial->opts.backoff)
        return;
    xf_addr_host_text(&dial->candidates[index].addr, host);
    xf_backoff_end(dial->opts.backoff, host);
    if (is_elsewhere(dial, index))
        xf_backoff_end(dial->opts.backoff, elsewhere_key(host, key));
}

/* Nobody answered there. */
static void remember(const struct xf_dial *dial, size_t index)
{
    char addr[XF_ADDR_TEXT_BYTES], host[XF_ADDR_TEXT_BYTES];
    if (!dial->opts.backoff)
        return;
    xf_addr_text(&dial->candidates[index].addr, addr);
    xf_addr_host_text(&dial->candidates[index].addr, host);
    xf_backoff_failed(dial->opts.backoff, addr, 0, "");
    xf_backoff_failed(dial->opts.backoff, host, 0, "");
}

/* Key of an address in opts->avoided: "PEER ADDRESS". */
static const char *avoided_key(const struct xf_dial_opts *opts, const struct xf_addr *addr,
                               char out[AVOIDED_KEY_BYTES])
{
    char text[XF_ADDR_TEXT_BYTES];
    xf_addr_text(addr, text);
    snprintf(out, AVOIDED_KEY_BYTES, "%s %s", opts->peer, text);
    return out;
}

static bool is_avoided(const struct xf_dial_opts *opts, const struct xf_candidate *candidate)
{
    char key[AVOIDED_KEY_BYTES];
    int cause;
    return xf_backoff_is_waiting(opts->avoided, avoided_key(opts, &candidate->addr, key), &cause,
                                 NULL) &&
           (opts->forgiven == XF_CAUSE_NONE || (int)opts->forgiven != cause);
}

static void avoid(const struct xf_dial *dial, size_t index, enum xf_cause cause)
{
    char key[AVOIDED_KEY_BYTES];
    xf_backoff_failed(dial->opts.avoided,
                      avoided_key(&dial->opts, &dial->candidates[index].addr, key), (int)cause, "");
}

void xf_dial_uncount(struct xf_dial *dial)
{
    if (dial->is_counted)
        leave(dial, dial->held);
    dial->is_counted = false;
}

static void let_go(struct xf_dial *dial)
{
    xf_dial_uncount(dial);
    dial->held = NONE;
}

void xf_dial_blame(struct xf_dial *dial, enum xf_cause cause, bool is_silent)
{
    if (dial->held == NONE)
        return;
    avoid(dial, dial->held, cause);
    if (is_silent)
        remember(dial, dial->held);
}

void xf_dial_praise(struct xf_dial *dial)
{
    char key[AVOIDED_KEY_BYTES];
    xf_backoff_clear(dial->opts.avoided,
                     avoided_key(&dial->opts, &dial->candidates[dial->held].addr, key));
}

void xf_dial_put_back(struct xf_dial *dial)
{
    dial->progress[dial->held] = UNTRIED;
}

/* ------------------------------------------------------------------ attempts */

static void start_one(struct xf_dial *dial, size_t index)
{
    struct attempt *attempt = xf_new(struct attempt);
    attempt->dial = dial;
    attempt->index = index;
    attempt->began_ms = dial->env->clock->now_ms;
    dial->progress[index] = UNDER_WAY;
    dial->running++;
    xf_list_push(&dial->attempts, &attempt->node);
    attempt->conn = dial->env->connect(dial->env, &dial->candidates[index].addr, &dial->opts.source,
                                       dial->opts.connect_ms, &attempt_events, attempt);
}

/* How many candidates may be started now: the avoided ones only when all others have failed. */
static size_t turn_count(const struct xf_dial *dial)
{
    for (size_t i = 0; i < dial->first_count; i++)
        if (dial->progress[i] != TRIED)
            return dial->first_count;
    return dial->count;
}

static void on_stagger(void *owner)
{
    struct xf_dial *dial = owner;
    bool has_started = false;
    for (size_t i = 0; i < turn_count(dial) && !has_started && dial->running < AT_ONCE; i++) {
        if (dial->progress[i] == UNTRIED && enter(dial, i)) {
            start_one(dial, i);
            has_started = true;
        }
    }
    if (dial->running == 0 && next_untried(dial) == dial->count) {
        dial->events->failed(dial->owner, &dial->failure);
        return; /* the owner may have freed the dial */
    }
    if (next_untried(dial) < dial->count)
        xf_timer_start(dial->env->timers, &dial->stagger, STAGGER_MS);
}

static void drop_attempt(struct attempt *attempt)
{
    leave(attempt->dial, attempt->index);
    attempt->dial->running--;
    attempt->dial = NULL;
    xf_list_remove(&attempt->node);
    xf_conn_close(attempt->conn, 0);
}

static void drop_all(struct xf_dial *dial)
{
    XF_LIST_EACH_SAFE (node, &dial->attempts) {
        struct attempt *attempt = XF_CONTAINER(node, struct attempt, node);
        dial->progress[attempt->index] = UNTRIED;
        drop_attempt(attempt);
    }
}

/* `detail` NULL: connected. */
static void tell_tried(const struct attempt *attempt, const char *detail)
{
    const struct xf_dial *dial = attempt->dial;
    dial->events->tried(dial->owner, &dial->candidates[attempt->index], detail,
                        dial->env->clock->now_ms - attempt->began_ms);
}

static void on_connected(void *owner)
{
    struct attempt *attempt = owner;
    struct xf_dial *dial = attempt->dial;
    if (!dial)
        return;
    tell_tried(attempt, NULL);
    struct xf_conn *conn = attempt->conn;
    const struct xf_candidate *candidate = &dial->candidates[attempt->index];
    dial->progress[attempt->index] = TRIED;
    dial->held = attempt->index;
    dial->is_counted = true;
    dial->running--;
    xf_list_remove(&attempt->node);
    xf_free(attempt); /* the conn belongs to another owner from here on */
    drop_all(dial);
    xf_timer_stop(&dial->stagger);
    dial->events->connected(dial->owner, conn, candidate);
}

static void on_closed(void *owner, enum xf_conn_end end, const char *detail)
{
    struct attempt *attempt = owner;
    struct xf_dial *dial = attempt->dial;
    if (dial) {
        tell_tried(attempt, detail);
        note_failure(dial, attempt->index, help_for(end), detail);
        dial->progress[attempt->index] = TRIED;
        leave(dial, attempt->index);
        remember(dial, attempt->index);
        if (end == XF_CONN_END_TIMEOUT)
            avoid(dial, attempt->index, XF_CAUSE_CONNECT);
        dial->running--;
        xf_list_remove(&attempt->node);
        xf_timer_start(dial->env->timers, &dial->stagger, 0);
    }
    xf_free(attempt);
}

/*
 * Keep only a few of the candidates that a stranger named, and few of one host however many ports
 * it names. -> how many are left.
 */
static size_t thin_out(struct xf_candidate *candidates, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < STRANGE_CANDIDATES; i++) {
        char host[XF_ADDR_TEXT_BYTES], other[XF_ADDR_TEXT_BYTES];
        unsigned same = 0;
        xf_addr_host_text(&candidates[i].addr, host);
        for (size_t k = 0; k < kept; k++) {
            xf_addr_host_text(&candidates[k].addr, other);
            same += strcmp(host, other) == 0;
        }
        if (same < STRANGE_PORTS)
            candidates[kept++] = candidates[i];
    }
    return kept;
}

/*
 * Do both lead to the same server, with the same proof of its certificate? Where DNS is secure, the
 * certificate may name the target, whose TLSA records count too (RFC 7673).
 */
static bool is_same(const struct xf_candidate *a, const struct xf_candidate *b)
{
    return xf_addr_eq(&a->addr, &b->addr) && a->is_direct == b->is_direct &&
           a->is_secure == b->is_secure && (!a->is_secure || strcmp(a->target, b->target) == 0);
}

/* SRV records may name one machine several times; if it hangs, each time would cost as much. */
static bool is_taken(const struct xf_dial *dial, const struct xf_candidate *candidate)
{
    for (size_t i = 0; i < dial->count; i++)
        if (is_same(&dial->candidates[i], candidate))
            return true;
    return false;
}

/* Copy the candidates that are avoided, or those that are not. */
static void take(struct xf_dial *dial, const struct xf_candidate *candidates, size_t count,
                 bool avoided)
{
    for (size_t i = 0; i < count; i++)
        if (is_avoided(&dial->opts, &candidates[i]) == avoided && !is_taken(dial, &candidates[i]))
            dial->candidates[dial->count++] = candidates[i];
    if (dial->opts.backoff)
        dial->count = thin_out(dial->candidates, dial->count);
}

struct xf_source xf_peer_source(const struct xf_peer_settings *settings)
{
    return xf_source_of(&settings->source, settings->source_ports);
}

struct xf_dial *xf_dial_new(struct xf_env *env, const struct xf_candidate *candidates, size_t count,
                            const struct xf_dial_opts *opts, const struct xf_dial_events *events,
                            void *owner)
{
    struct xf_dial *dial = xf_new(struct xf_dial);
    dial->env = env;
    dial->opts = *opts;
    dial->held = NONE;
    dial->candidates = xf_alloc(count * sizeof(*candidates));
    take(dial, candidates, count, false);
    dial->first_count = dial->count;
    take(dial, candidates, count, true);
    for (size_t i = 0; i < dial->count; i++)
        xf_tlsa_set_ref(dial->candidates[i].tlsa);
    dial->progress = xf_alloc(dial->count * sizeof(*dial->progress));
    dial->events = events;
    dial->owner = owner;
    xf_list_init(&dial->attempts);
    xf_timer_init(&dial->stagger, on_stagger, dial);
    xf_timer_start(env->timers, &dial->stagger, 0);
    return dial;
}

void xf_dial_free(struct xf_dial **dial)
{
    struct xf_dial *d = *dial;
    if (!d)
        return;
    *dial = NULL;
    drop_all(d);
    let_go(d);
    xf_timer_stop(&d->stagger);
    for (size_t i = 0; i < d->count; i++)
        xf_tlsa_set_unref(&d->candidates[i].tlsa);
    xf_free(d->candidates);
    xf_free(d->progress);
    xf_free(d);
}

void xf_dial_next(struct xf_dial *dial)
{
    let_go(dial);
    xf_timer_start(dial->env->timers, &dial->stagger, 0);
}

bool xf_dial_has_more(const struct xf_dial *dial)
{
    return next_untried(dial) < dial->count;
}
