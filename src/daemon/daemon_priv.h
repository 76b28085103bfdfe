/* SPDX-License-Identifier: MIT */
/*
 * daemon_priv.h — what the files of the daemon share.
 *
 *   main.c        the modes of the program and its exit codes
 *   options.c     the command line
 *   system.c      limits of the process, memory, user
 *   sandbox.c     which system calls and folders the process may use, enforced by
 *   seccomp.c     ... the kernel's filter of calls
 *   landlock.c    ... and of files
 *   report.c      messages about the files that a configuration names
 *   trust.c       what peers' certificates are judged by
 *   certs.c       certificates of our domains
 *   expiry.c      ... and when they end
 *   skew.c        whether our clock is right
 *   sheets.c      what --dns-records, --csr-names and --firewall print
 *   blocklists.c  the domains to refuse, from files
 *   explain.c     what --explain prints
 *   history.c     where the history of peers is stored
 *   journal.c     opens the journal of messages
 *   activation.c  sockets that systemd opened
 *   daemon.c      creates, runs and frees the parts
 *   reload.c      SIGHUP
 *   drain.c       SIGTERM and SIGINT
 *   sip.c         SIP, in a build with it
 *   sip_metrics.c samples of SIP
 *   http.c        listen { http }: metrics and health
 *   metrics.c     samples for the metrics
 *   notify.c      tells systemd the state
 *   control.c     what operators ask and want through the control socket
 */
#pragma once

#include <xfed/conf/conf.h>
#include <xfed/history/history.h>
#include <xfed/http/http.h>
#include <xfed/journal/journal.h>
#include <xfed/link/link.h>
#include <xfed/link/question.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/metrics/metrics.h>
#include <xfed/net/loop.h>
#include <xfed/page/page.h>
#include <xfed/policy/policy.h>
#include <xfed/routing/routing.h>
#include <xfed/s2s/s2s.h>
#include <xfed/selfcheck/selfcheck.h>
#include <xfed/stream/env.h>

/* Values of <sysexits.h>. */
enum xf_exit { XF_EXIT_OK = 0, XF_EXIT_RUNTIME = 1, XF_EXIT_USAGE = 64, XF_EXIT_CONFIG = 78 };

/* ---- options.c */
enum xf_mode {
    XF_MODE_RUN,
    XF_MODE_TEST,
    XF_MODE_DUMP,
    XF_MODE_SAMPLE,
    XF_MODE_DNS,
    XF_MODE_CSR,
    XF_MODE_FIREWALL,
    XF_MODE_PARTNER,
    XF_MODE_EXPLAIN,
    XF_MODE_VERSION,
    XF_MODE_HELP
};

struct xf_options {
    enum xf_mode mode;
    const char *file; /* borrowed from argv, as the next ones; set in modes that read a file */
    /*
     * For XF_MODE_DNS a zone, for CSR a served domain, for FIREWALL a syntax, for PARTNER a peer;
     * NULL: none given. For
     * EXPLAIN: from whom.
     */
    const char *subject;
    const char *to;  /* of XF_MODE_EXPLAIN */
    bool is_changed; /* of XF_MODE_DUMP: only what is not the default */
    bool is_strict;  /* of XF_MODE_TEST: a warning refuses the configuration */
};

/* False: wrong usage, explained on standard error. */
XF_MUST_USE bool xf_options_parse(int argc, char **argv, struct xf_options *out_options);

/* ---- system.c */
/* Before the loop is made: file mode mask, descriptors, memory, threads. */
void xf_system_prepare(void);
unsigned xf_system_descriptors(void); /* how many descriptors the process may have; 0: no limit */
/* XF_ERR_CONFIG: there is no such user, or it is root. XF_ERR_IO: the machine cannot tell. */
XF_MUST_USE enum xf_err xf_system_find_user(const char *user, uid_t *out_uid, gid_t *out_gid,
                                            struct xf_error *err);
/*
 * If we are root, become `user` for good ("": stay root). Then forbid other processes to inspect
 * this one.
 */
XF_MUST_USE enum xf_err xf_system_become(const char *user, struct xf_error *err);
/* Allow inspection again, for leak checkers, once no secret is left in memory. */
void xf_system_unhide(void);

/* ---- report.c */
struct xf_report { /* one message a line */
    struct xf_buf text;
    size_t errors;
    size_t exposed; /* private keys that others can read; each has a warning */
};

struct xf_at { /* what a message is about, for its FILE:LINE: the line of this key */
    const struct xf_conf *conf;
    const struct xf_conf_place *place;
};

void xf_report_init(struct xf_report *report);
void xf_report_release(struct xf_report *report);
void xf_report_error(struct xf_report *report, const struct xf_at *at, const char *key,
                     const char *fmt, ...) XF_PRINTF(4, 5);
void xf_report_warning(struct xf_report *report, const struct xf_at *at, const char *key,
                       const char *fmt, ...) XF_PRINTF(4, 5);

/* ---- trust.c: use certs.c */
struct xf_anchors {
    char *ca_file;              /* "" counts as a file too: it trusts nobody */
    struct xf_tls_store *store; /* with the revocation lists; NULL: did not load */
};

struct xf_trust {
    struct xf_anchors *anchors; /* the default ones first */
    size_t count;
    const char *refusal; /* why not even a reload may continue; NULL: it may */
};

void xf_trust_load(struct xf_conf *conf, struct xf_trust *out_trust, struct xf_report *report);
const char *xf_trust_refusal(const struct xf_trust *next, const struct xf_trust *running);
void xf_trust_inherit(struct xf_trust *next, struct xf_trust *running);
/*
 * Move the running anchors of this ca-file to `next` if it has none of that name: for links, whose
 * settings last until a restart.
 */
void xf_trust_keep(struct xf_trust *next, struct xf_trust *running, const char *ca_file);
/* With these anchors as the default ones; "": those of trust { ca-file }. */
struct xf_tls_identities *xf_trust_seal(const struct xf_trust *trust, const char *ca_file);
void xf_trust_release(struct xf_trust *trust);

/* ---- certs.c */
struct xf_cert {   /* of ours */
    char *name;    /* the served domain, an alias with its own certificate, or our SIP host */
    size_t served; /* in conf->served; of SIP unused */
    bool is_alias;
    char *file, *key_file;
    struct xf_tls_identity *identity; /* NULL: did not load */
};

struct xf_certs {
    struct xf_trust trust;
    struct xf_cert *own;
    size_t own_count;
    struct xf_cert *sip; /* of sip { } */
    size_t sip_count;
    const char *refusal;               /* as in struct xf_trust */
    struct xf_tls_identities *set;     /* by domain and alias, when sealed */
    struct xf_tls_identities *sip_set; /* by the host of sip { }, when sealed */
};

/* All of them, those for XMPP first. */
static inline size_t xf_certs_count(const struct xf_certs *certs)
{
    return certs->own_count + certs->sip_count;
}

static inline const struct xf_cert *xf_certs_at(const struct xf_certs *certs, size_t i)
{
    return i < certs->own_count ? &certs->own[i] : &certs->sip[i - certs->own_count];
}

/*
 * Load what the configuration names, and add the pins that it names by file. What fails stays NULL
 * and is reported. Only reads files, so any thread may call it. `with_dates`: report expiring
 * certificates; otherwise expiry.c does.
 */
void xf_certs_load(struct xf_conf *conf, bool with_dates, struct xf_certs *out_certs,
                   struct xf_report *report);
/* Why `next` cannot replace `running`, even together with its certificates; NULL: it can. */
const char *xf_certs_refusal(const struct xf_certs *next, const struct xf_certs *running);
/* Move what is missing in `next` from `running` to it. */
void xf_certs_inherit(struct xf_certs *next, struct xf_certs *running);
void xf_certs_seal(const struct xf_conf *conf, struct xf_certs *certs);
void xf_certs_release(struct xf_certs *certs);

/* ---- sheets.c */
/* Print the sheet for options->mode; report on standard error what is missing. */
enum xf_exit xf_daemon_print_sheet(const struct xf_options *options, struct xf_conf *conf);

/* ---- expiry.c */
struct xf_daemon;
struct xf_expiry {
    struct xf_timers *timers;
    struct xf_timer timer;
    const struct xf_certs *certs;
    const struct xf_conf *conf;
    const struct xf_s2s *s2s; /* with the certificates of peers; NULL: none */
    const struct xf_policy *policy;
};

/*
 * Log certificates that expire soon or have expired, now and then every day. `what` has all but the
 * timer; if it is running already, start again with that.
 */
void xf_expiry_begin(struct xf_expiry *expiry, const struct xf_expiry *what);
void xf_daemon_begin_expiry(struct xf_daemon *daemon); /* with its parts */
void xf_expiry_end(struct xf_expiry *expiry);
void xf_expiry_look(const struct xf_certs *certs, const struct xf_conf *conf, int64_t now_s);

/* ---- skew.c */
struct xf_skew_asked { /* of one link */
    struct xf_link_question question;
    const char *link;
    int64_t asked_ms;         /* wall clock */
    bool is_known, is_skewed; /* the server has told its time once; and it differs from ours */
    int64_t skew_s;           /* how much later it is there */
};

struct xf_skew {
    struct xf_timer timer;
    enum xf_clock_sync sync;     /* as the kernel said last */
    struct xf_skew_asked *asked; /* beside daemon->links */
};

struct xf_daemon;
/* Ask the kernel and the local server now and then whether our clock is right; log what differs. */
void xf_skew_begin(struct xf_daemon *daemon);
void xf_skew_end(struct xf_daemon *daemon);

/* ---- blocklists.c */
/* Load policy { blocklists }. NULL: there are none, or one of them is invalid, as reported. */
struct xf_blocklist *xf_blocklists_load(const struct xf_conf *conf, struct xf_report *report);
/* NULL: all of them were loaded */
const char *xf_blocklists_refusal(const struct xf_conf *conf, const struct xf_blocklist *list);
void xf_blocklists_watch(struct xf_daemon *daemon); /* lets entries expire */

/* ---- explain.c */
enum xf_exit xf_explain_print(const struct xf_options *options, const struct xf_conf *conf);

/* ---- history.c */
/* In the state directory: what directory { } said about users, for the next start. */
#define XF_KEPT_FILE "directory.db"
/* "" for none; free with xf_free. `state_directory` comes from systemd; NULL: it set none. */
char *xf_daemon_state_file(const char *name, const char *state_directory);
/* The same, for memory { file }. */
char *xf_daemon_history_path(const char *file, const char *state_directory);
/* The same, for sip { dialogs-file }; "" also without SIP. */
char *xf_daemon_dialogs_path(const struct xf_conf *conf, const char *state_directory);
/* NULL: the configuration wants no history */
struct xf_history *xf_daemon_history_for(struct xf_daemon *daemon);
/* As xf_policy_learned_fn; `history` may be NULL. */
enum xf_protocol xf_daemon_learned(const struct xf_history *history,
                                   const struct xf_history_settings *settings, struct xf_span peer,
                                   int64_t *out_last_s);
/* Report a memory { uri } that cannot be used. */
void xf_daemon_history_check(const struct xf_conf *conf, struct xf_report *report);

/* ---- machine.c */
/* For -t: report a user that does not exist, and addresses that this machine does not have. */
void xf_daemon_check_machine(const struct xf_conf *conf, struct xf_report *report);

/* ---- control.c */
/*
 * Listen on listen { control }; nothing if it is "". XF_ERR_CONFIG: there is no such group, or
 * another process listens there. XF_ERR_IO: the system refuses.
 */
struct xf_daemon_acts {               /* of reload.c and drain.c, which depend on all the rest */
    unsigned (*reload)(void *daemon); /* as xf_control_opts.reload */
    void (*drain)(void *daemon);
};
void xf_daemon_begin_alarms(struct xf_daemon *daemon); /* before anything may fail */
XF_MUST_USE enum xf_err xf_daemon_open_control(struct xf_daemon *daemon,
                                               const struct xf_daemon_acts *acts,
                                               struct xf_error *err);
void xf_daemon_attach_control(struct xf_daemon *daemon); /* the parts are there, or are new ones */
/* For -t: report groups that do not exist. */
void xf_daemon_check_control(const struct xf_conf *conf, struct xf_report *report);

/* ---- journal.c */
/* NULL: the configuration wants no journal, or its file cannot be used, as logged */
struct xf_journal *xf_daemon_journal_for(struct xf_loop *loop,
                                         const struct xf_journal_settings *settings);

/* ---- sandbox.c */
/* Is this a build with a sanitizer, which does what the sandbox forbids? */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define XF_IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define XF_IS_SANITIZED true
#endif
#endif
#ifndef XF_IS_SANITIZED
#define XF_IS_SANITIZED false
#endif

struct xf_sandbox {              /* zeroed: none */
    struct xf_texts read, write; /* folders, without symlinks */
    bool has_files, has_calls;   /* are bounded */
    int *listeners;              /* descriptors that may listen again */
    size_t listener_count;
    bool uses_unix; /* a database on this machine */
};

/*
 * Enter the sandbox for good if the configuration wants it. Call it before there are other threads.
 * Logs what the machine does not support.
 */
void xf_sandbox_enter(struct xf_sandbox *sandbox, const struct xf_conf *conf,
                      const struct xf_certs *certs);
/* Log the files of a configuration that the sandbox does not let us read. */
void xf_sandbox_check(const struct xf_sandbox *sandbox, const struct xf_conf *conf,
                      const struct xf_certs *certs);
void xf_sandbox_release(struct xf_sandbox *sandbox);

/* ---- seccomp.c, landlock.c: use sandbox.c */
/* For all threads; `sandbox` says what is allowed besides. */
XF_MUST_USE enum xf_err xf_seccomp_enter(const struct xf_sandbox *sandbox, struct xf_error *err);
XF_MUST_USE enum xf_err xf_landlock_enter(const struct xf_texts *read, const struct xf_texts *write,
                                          long *out_version, struct xf_error *err);

/* ---- notify.c */
struct xf_notify {
    int fd; /* -1: systemd does not ask for it */
    struct xf_timers *timers;
    struct xf_timer watchdog;
    uint64_t watchdog_ms;
};

/* Reads and clears systemd's variables. */
void xf_notify_init(struct xf_notify *notify, struct xf_timers *timers);
void xf_notify_fini(struct xf_notify *notify);
void xf_notify_ready(struct xf_notify *notify);
void xf_notify_reloading(struct xf_notify *notify, uint64_t now_ms);
void xf_notify_stopping(struct xf_notify *notify);

/* ---- activation.c */
struct xf_passed_socket {
    int fd;
    struct xf_addr addr;
    char *name;    /* as the socket unit names it; "" for none */
    bool is_taken; /* the descriptor belongs to a listener */
};

struct xf_activation { /* zeroed: none */
    struct xf_passed_socket *sockets;
    size_t count;
};

/*
 * Take the sockets that systemd passed to this process, and clear its variables. XF_ERR_CONFIG: one
 * of them is not a listening TCP socket.
 */
XF_MUST_USE enum xf_err xf_activation_init(struct xf_activation *activation, struct xf_error *err);
void xf_activation_release(struct xf_activation *activation);
/* XF_ERR_CONFIG: a socket was passed that `listen` does not want. */
XF_MUST_USE enum xf_err xf_activation_check(const struct xf_activation *activation,
                                            const struct xf_listen_settings *listen,
                                            struct xf_error *err);
/* The socket for `addr`, whose descriptor is the caller's now; NULL: none was passed. */
const struct xf_passed_socket *xf_activation_take(struct xf_activation *activation,
                                                  const struct xf_addr *addr);

/* ---- daemon.c */
struct xf_daemon_env { /* the world of the sans-I/O layers */
    struct xf_env env;
    struct xf_loop *loop;
    unsigned minute_of_week; /* as of minute_ms, 0: not asked yet */
    uint64_t minute_ms;
    struct xf_dns_pool *resolvers; /* dns-servers of peers */
    unsigned quarantined;          /* stanzas, in the life of the process */
};

/* As xf_env.quarantine. */
void xf_daemon_quarantine(struct xf_env *env, const char *file, struct xf_span record);

enum xf_listener_kind {
    XF_LISTENER_S2S,
    XF_LISTENER_DIRECT,
    XF_LISTENER_SIP,
    XF_LISTENER_SIP_TCP,
    XF_LISTENER_KINDS
};

struct xf_daemon_listener {
    struct xf_daemon *daemon;
    enum xf_listener_kind kind;
    struct xf_listener *listener;
};

enum xf_drain {
    XF_DRAIN_NOT,
    XF_DRAIN_QUEUES,
    XF_DRAIN_INBOUND,
    XF_DRAIN_STREAMS,
    XF_DRAIN_CUT,
    XF_DRAIN_LINKS,
    XF_DRAIN_OVER
};

struct xf_reload;
struct xf_alarms;
struct xf_attempts;
struct xf_audit;
struct xf_control;

/* ---- metrics.c */
struct xf_daemon_metrics {
    struct xf_metrics *metrics;
    int memory_fd; /* /proc/self/statm, which the sandbox would not let us open later; -1: none */
    int64_t began_s;
};

void xf_daemon_metrics_begin(struct xf_daemon_metrics *metrics);
void xf_daemon_metrics_end(struct xf_daemon_metrics *metrics);
/* As xf_metrics_source_fn; `owner` is the struct xf_daemon. */
void xf_daemon_sample(void *owner, struct xf_metrics_page *page);

/* ---- sip.c, sip_metrics.c; in a build without SIP nothing */
struct xf_simple;
struct xf_control_sip;
#ifdef XF_HAVE_SIP
void xf_daemon_make_sip(struct xf_daemon *daemon);
void xf_daemon_reload_sip(struct xf_daemon *daemon);
void xf_daemon_accept_sip(struct xf_daemon *daemon, struct xf_conn *conn, bool is_clear);
void xf_daemon_drain_sip(struct xf_daemon *daemon);
void xf_daemon_cut_sip(struct xf_daemon *daemon);
bool xf_daemon_sip_is_over(const struct xf_daemon *daemon);
/* The file of subscriptions: as the functions of dialogs.h. */
void xf_daemon_finish_sip(struct xf_daemon *daemon);
bool xf_daemon_sip_is_writing(const struct xf_daemon *daemon);
void xf_daemon_save_sip(struct xf_daemon *daemon); /* and close it */
void xf_daemon_free_sip(struct xf_daemon *daemon);
void xf_daemon_sample_sip(const struct xf_daemon *daemon, struct xf_metrics_page *page);
extern const struct xf_control_sip xf_daemon_control_sip;
#else
static inline void xf_daemon_make_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline void xf_daemon_reload_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline void xf_daemon_drain_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline void xf_daemon_cut_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline bool xf_daemon_sip_is_over(const struct xf_daemon *daemon)
{
    (void)daemon;
    return true;
}
static inline void xf_daemon_finish_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline bool xf_daemon_sip_is_writing(const struct xf_daemon *daemon)
{
    (void)daemon;
    return false;
}
static inline void xf_daemon_save_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline void xf_daemon_free_sip(struct xf_daemon *daemon)
{
    (void)daemon;
}
static inline void xf_daemon_sample_sip(const struct xf_daemon *daemon,
                                        struct xf_metrics_page *page)
{
    (void)daemon, (void)page;
}
#endif

/* ---- http.c */
/* Report an address of listen { http } that others can reach, unless they may. */
void xf_daemon_check_http(const struct xf_conf *conf, struct xf_report *report);
/* Listen; nothing without listen { http }. */
XF_MUST_USE enum xf_err xf_daemon_open_http(struct xf_daemon *daemon, struct xf_error *err);

/* The status page on it, once there is a control to ask; nothing without http-page. */
void xf_daemon_open_page(struct xf_daemon *daemon);
/* As xf_control_ops.page. */
bool xf_daemon_page_url(void *daemon, char out_url[]);

struct xf_daemon {
    const char *file;
    struct xf_loop *loop;
    struct xf_daemon_env env;
    /*
     * The configuration at the start, which still applies to links and to whatever needs a restart.
     */
    struct xf_conf *boot;
    struct xf_conf *conf;           /* in force; `boot` until the first reload */
    struct xf_blocklist *blocklist; /* NULL: none */
    struct xf_policy *policy;
    struct xf_policy_switches switches; /* by operators */
    struct xf_attempts *attempts;       /* NULL: nobody may ask */
    struct xf_alarms *alarms;
    struct xf_audit *audit;     /* NULL: none */
    struct xf_control *control; /* NULL: none */
    int64_t day;                /* days since 1970, UTC, last passed to policy */
    struct xf_timer day_timer;
    struct xf_certs certs;
    struct xf_expiry expiry;
    struct xf_skew skew;
    struct xf_sandbox sandbox;
    struct xf_history *history; /* of peers; NULL: none */
    struct xf_journal *journal; /* of messages that wait; NULL: none */
    struct xf_mailmap *mailmap; /* e-mail addresses of users; NULL: none */
    struct xf_s2s *s2s;
    struct xf_simple *simple;   /* SIP; NULL: in a build without it */
    struct xf_dialogs *dialogs; /* subscriptions of the process before and after; NULL: none */
    struct xf_routing *routing;
    struct xf_link **links; /* beside boot->links */
    size_t link_count;
    struct xf_activation activation;
    struct xf_daemon_listener *listeners;
    size_t listener_count;
    struct xf_notify notify;
    struct xf_daemon_metrics metrics;
    struct xf_http *http;     /* NULL: none */
    struct xf_page *page;     /* NULL: none */
    struct xf_reload *reload; /* under way */
    bool reload_again;        /* another another SIGHUP came meanwhile */
    enum xf_drain drain;
    struct xf_timer drain_timer;
    uint64_t drain_began_ms, drain_step_ms, drain_busy_ms;
    bool drain_returns; /* stanzas that waited for a link or an address go back to the peers */
    bool is_abandoned;  /* streams did not end: leave without freeing the parts */
};

/*
 * Take ownership of `conf`, `certs` and `blocklist` (NULL: none), and run until a signal. Logs
 * `warnings` about them, one on each line, at the start.
 */
enum xf_exit xf_daemon_run(const char *file, struct xf_conf *conf, struct xf_certs *certs,
                           struct xf_blocklist *blocklist, const char *warnings);
/* May be called on any thread. */
struct xf_policy *xf_daemon_make_policy(struct xf_daemon *daemon, const struct xf_conf *conf,
                                        const struct xf_blocklist *blocklist);
/* Create the mailmap, or give it the configuration in force. */
void xf_daemon_set_mailmap(struct xf_daemon *daemon);
void xf_daemon_close_listeners(struct xf_daemon *daemon);
/* With names = per-peer: keep streams for the peers that the configuration names. */
void xf_daemon_keep_peers(struct xf_daemon *daemon);

/* ---- reload.c, drain.c */
void xf_reload_begin(void *daemon);
/* The same; returns how many outcomes of others the log tells before that of this one. */
unsigned xf_reload_for_operator(void *daemon);
void xf_drain_begin(void *daemon);
