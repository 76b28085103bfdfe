/* SPDX-License-Identifier: MIT */
/*
 * daemon_priv.h — what the files of the daemon share.
 *
 *   main.c        the modes of the program and its exit codes
 *   options.c     the command line
 *   system.c      limits of the process, memory, user
 *   certs.c       certificates and trust anchors of a configuration
 *   daemon.c      the parts put together, run, taken apart
 *   reload.c      SIGHUP
 *   drain.c       SIGTERM and SIGINT
 *   notify.c      what systemd wants to know
 */
#pragma once

#include <xfed/link/link.h>
#include <xfed/net/loop.h>
#include <xfed/policy/policy.h>
#include <xfed/routing/routing.h>
#include <xfed/s2s/s2s.h>
#include <xfed/stream/env.h>

enum xf_exit { XF_EXIT_OK = 0, XF_EXIT_RUNTIME = 1, XF_EXIT_USAGE = 64, XF_EXIT_CONFIG = 78 }; /* sysexits.h */

/* ---- options.c */
enum xf_mode { XF_MODE_RUN, XF_MODE_TEST, XF_MODE_DUMP, XF_MODE_SAMPLE, XF_MODE_VERSION, XF_MODE_HELP };

struct xf_options {
    enum xf_mode mode;
    const char *file; /* borrowed from argv; set in the modes that read one */
};

/* False: usage, said on standard error. */
XF_MUST_USE bool xf_options_parse(int argc, char **argv, struct xf_options *out_options);
void xf_options_help(FILE *out);

/* ---- system.c */
/* Before the loop is made: file mode mask, descriptors, memory, threads. */
void xf_system_prepare(void);
/* Become `user` ("": stay who we are) for good, when we are root; then nobody may look into us. */
XF_MUST_USE enum xf_err xf_system_become(const char *user, struct xf_error *err);
/* Undo the last of it, for leak checkers, when no secret is left in memory. */
void xf_system_unhide(void);

/* ---- certs.c */
struct xf_certs {
    struct xf_tls_store *store;
    struct xf_tls_identity **identities; /* beside conf->served; NULL for a domain without */
    size_t count;
    struct xf_tls_identities *set;       /* by domain and alias, when sealed */
};

struct xf_report { /* one message a line */
    struct xf_buf text;
    size_t errors;
};

void xf_report_init(struct xf_report *report);
void xf_report_release(struct xf_report *report);

/* Load what the configuration names. What fails stays NULL and is reported; only files are touched, so any thread may. */
void xf_certs_load(const struct xf_conf *conf, struct xf_certs *out_certs, struct xf_report *report);
/* Fill what is missing in `next` from `running`, which loses it. False: something is missing that never was there. */
XF_MUST_USE bool xf_certs_inherit(const struct xf_conf *conf, struct xf_certs *next, const struct xf_conf *running_conf,
                                  struct xf_certs *running);
void xf_certs_seal(const struct xf_conf *conf, struct xf_certs *certs);
void xf_certs_release(struct xf_certs *certs);

/* ---- notify.c */
struct xf_notify {
    int fd; /* -1: nobody wants to know */
    struct xf_timers *timers;
    struct xf_timer watchdog;
    uint64_t watchdog_ms;
};

void xf_notify_init(struct xf_notify *notify, struct xf_timers *timers); /* reads and clears systemd's variables */
void xf_notify_fini(struct xf_notify *notify);
void xf_notify_ready(struct xf_notify *notify);
void xf_notify_reloading(struct xf_notify *notify, uint64_t now_ms);
void xf_notify_stopping(struct xf_notify *notify);

/* ---- daemon.c */
struct xf_daemon_env { /* the world of the sans-I/O layers */
    struct xf_env env;
    struct xf_loop *loop;
};

struct xf_daemon_listener {
    struct xf_daemon *daemon;
    bool is_direct;
    struct xf_listener *listener;
};

enum xf_drain { XF_DRAIN_NOT, XF_DRAIN_QUEUES, XF_DRAIN_STREAMS, XF_DRAIN_LINKS, XF_DRAIN_OVER };

struct xf_reload;

struct xf_daemon {
    const char *file;
    struct xf_loop *loop;
    struct xf_daemon_env env;
    struct xf_conf *boot;    /* as started: what needs a restart, and the links, hold to it */
    struct xf_conf *conf;    /* in force; `boot` until the first reload */
    struct xf_policy *policy;
    struct xf_certs certs;
    struct xf_s2s *s2s;
    struct xf_routing *routing;
    struct xf_link **links;  /* beside boot->links */
    size_t link_count;
    struct xf_daemon_listener *listeners;
    size_t listener_count;
    struct xf_notify notify;
    struct xf_reload *reload; /* under way */
    bool reload_again;        /* SIGHUP came meanwhile */
    enum xf_drain drain;
    struct xf_timer drain_timer;
    uint64_t drain_began_ms, drain_step_ms, drain_busy_ms;
    bool is_abandoned;        /* streams would not end: leave without taking the parts apart */
};

/* Take over `conf` and `certs`, run until a signal ends it. `warnings` about them, one a line, are logged at the start. */
enum xf_exit xf_daemon_run(const char *file, struct xf_conf *conf, struct xf_certs *certs, const char *warnings);
void xf_daemon_close_listeners(struct xf_daemon *daemon);
/* With names = per-peer: the streams of the peers that the configuration names. */
void xf_daemon_keep_peers(struct xf_daemon *daemon);

/* ---- reload.c, drain.c */
void xf_reload_begin(void *daemon);
void xf_drain_begin(void *daemon);
