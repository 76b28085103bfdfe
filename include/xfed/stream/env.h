/* SPDX-License-Identifier: MIT */
/*
 * env.h — what the sans-I/O layers may use of the outside world: clock, timers, DNS, connecting,
 * TLS, ids. The daemon provides the real ones, tests provide fakes.
 */
#pragma once

#include <xfed/base/crypto.h>
#include <xfed/net/conn.h>
#include <xfed/net/timer.h>
#include <xfed/stream/lines.h>
#include <xfed/tls/tls.h>

/*
 * How often certificates of conns that last are judged again, by the date (RFC 6120 §13.7.2.3). At
 * a reload they are judged by what it brings. A few at a time: the thread pool has four threads,
 * and handshakes come first.
 */
#define XF_RECHECK_MS   (3600ull * 1000)
#define XF_RECHECKS_MAX 2

struct xf_dns;
struct xf_parsers;

struct xf_env {
    const struct xf_clock *clock;
    struct xf_timers *timers;
    struct xf_parsers *parsers; /* that all streams share; NULL: each has its own */
    /* How many descriptors the process may have; 0: unknown, no limit. */
    unsigned descriptors;
    /* Our certificates and the trust anchors; a reload replaces it. The daemon's reference. */
    struct xf_tls_identities *identities;
    struct xf_dns *dns;
    /*
     * The resolver for these servers (addresses as text) in place of the configured ones; NULL
     * while too many resolvers are in use.
     */
    struct xf_dns *(*resolver)(struct xf_env *env, const char *const *servers, size_t count);
    /* Connect to `addr`; `source` NULL: the system chooses where from. */
    struct xf_conn *(*connect)(struct xf_env *env, const struct xf_addr *addr,
                               const struct xf_source *source, unsigned timeout_ms,
                               const struct xf_conn_events *events, void *owner);
    void (*start_tls)(struct xf_env *env, struct xf_conn *conn,
                      const struct xf_tls_request *request);
    /* As xf_tls_judge. */
    void (*judge_tls)(struct xf_env *env, struct xf_conn *conn, const struct xf_tls_basis *basis,
                      xf_tls_judged_fn done, void *owner);
    unsigned (*minute_of_week)(struct xf_env *env); /* local time of day; 0 is Monday 00:00 */
    int64_t (*unix_s)(struct xf_env *env);          /* for time stamps: CLOCK_REALTIME */
    struct xf_lines lines;                          /* counts log lines that outsiders cause */
    /*
     * Keep a stanza for the operator: append it to a file, which is bounded. What does not fit, or
     * cannot be written, is lost; the log tells.
     */
    void (*quarantine)(struct xf_env *env, const char *file, struct xf_span record);
    /* Unguessable (RFC 6120 §4.7.3). */
    void (*make_id)(struct xf_env *env, char out[XF_ID_CHARS + 1]);
};

/*
 * What a setting allows, but at most this part (4: a quarter) of the descriptors: so one kind of
 * peer leaves room for the others, the link and DNS, even where the process may have few
 * descriptors.
 */
static inline unsigned xf_env_share(const struct xf_env *env, unsigned wanted, unsigned part)
{
    unsigned most = env->descriptors / part;
    return env->descriptors && most < wanted ? most : wanted;
}
