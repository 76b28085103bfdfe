/* SPDX-License-Identifier: MIT */
/*
 * control.h — answers operators over a Unix socket (xfedctl). CONTROL.md has the protocol:
 * JSON, one object on each line.
 *
 * Root and the user of the process may do everything; members of `admins` too; members of `readers`
 * may look. Everybody else is turned away. An answer is made in parts that take a millisecond at
 * most, and the next part waits until the client has taken the one before.
 */
#pragma once

#include <sys/types.h>
#include <xfed/alarms/alarms.h>
#include <xfed/attempts/attempts.h>
#include <xfed/json/json.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/policy/policy.h>
#include <xfed/routing/routing.h>
#include <xfed/s2s/s2s.h>
#include <xfed/selfcheck/selfcheck.h>

struct xf_conf;
struct xf_control;
struct xf_loop;

/* What operators ask about. All borrowed; a reload changes some of them. */
struct xf_control_parts {
    struct xf_s2s *s2s;
    struct xf_routing *routing;
    struct xf_link *const *links;
    size_t link_count;
    struct xf_policy *policy;
    const struct xf_conf *conf;
    struct xf_mailmap *mailmap; /* NULL: users have no e-mail addresses */
};

/* A certificate of ours. */
struct xf_control_certificate {
    const char *name; /* the served domain or alias */
    const char *file;
    int64_t not_before_s, not_after_s; /* Unix time */
};
typedef void (*xf_control_certificate_fn)(void *owner, const struct xf_control_certificate *cert);

#define XF_CONTROL_URL_BYTES 80

/* SIP at a glance. */
struct xf_control_sip_counts {
    size_t conns, half_open;       /* now */
    size_t asked, open;            /* requests without a final answer now: ours, peers' */
    uint64_t requests_in, refused; /* ... of these, those that were refused */
    uint64_t requests_out, unanswered;
    uint64_t malformed; /* messages that could not be parsed */
    /* Texts between users: of peers that the cluster took, or that were refused; of ours. */
    uint64_t messages_in, messages_refused, messages_out, messages_bounced;
    uint64_t errors_late; /* errors of the cluster that came after the answer to the peer */
    /* Of users of peers to ours, and those of which ours have not decided; of ours to peers'. */
    size_t subscriptions_in, pending_in, subscriptions_out;
};
/*
 * `status` 0: no answer; `cause` is a word, `text` says why, `help` what to do. Else the status and
 * text of the answer.
 */
typedef void (*xf_control_sip_checked_fn)(void *owner, unsigned status, const char *cause,
                                          enum xf_help help, const char *text);
/* A SIP connection. Borrowed. */
struct xf_control_sip_conn {
    uint64_t number; /* as conn= in the log */
    bool is_out, is_open, is_paused;
    const char *peer; /* NULL: of nobody yet */
    const char *server, *addr, *state;
    const char *tls, *cipher; /* NULL: none */
    uint64_t age_ms, idle_ms;
    unsigned asked, open; /* requests without a final answer: ours, the peer's */
};
typedef void (*xf_control_sip_conn_fn)(void *owner, const struct xf_control_sip_conn *conn);

typedef void (*xf_control_sip_found_fn)(void *owner, const char *const *addresses, size_t count,
                                        const char *host);

struct xf_control_sip { /* what a build with SIP can tell; `owner` is that of the options */
    void (*count)(void *owner, struct xf_control_sip_counts *out_counts);
    /*
     * Ask the server of a SIP peer what it can. `done` is called once, after this has returned, and
     * not at all if the check is forgotten before.
     */
    void *(*check)(void *owner, struct xf_span local, struct xf_span peer,
                   xf_control_sip_checked_fn done, void *done_owner);
    void (*forget)(void *check);
    /*
     * Up to `most` conns, in the order in which they began; `*at` is where that stands, and starts
     * with 0. False: those were the last ones.
     */
    bool (*conns)(void *owner, uint64_t *at, size_t most, xf_control_sip_conn_fn show,
                  void *show_owner);
    /*
     * Where DNS leads to the host of sip { }: "address:port" each; none where it is not set.
     * `found` is called once, after this has returned, and not at all if it is forgotten before.
     */
    void *(*look)(void *owner, xf_control_sip_found_fn found, void *found_owner);
    void (*forget_look)(void *look);
    /* End the conns of a peer, or the one of this number. Returns how many there were. */
    size_t (*close_peer)(void *owner, struct xf_span peer);
    size_t (*close_conn)(void *owner, uint64_t number);
};

/* What else only the daemon can do. `owner` is that of the options. */
struct xf_control_ops {
    /* Switches have changed: end what they forbid. */
    void (*switched)(void *owner);
    void (*certificates)(void *owner, xf_control_certificate_fn show, void *show_owner);
    /* As xf_selfcheck_begin, with the parts that are in force. */
    struct xf_selfcheck *(*check_self)(void *owner, const struct xf_selfcheck_events *events,
                                       void *events_owner);
    /* Forget which protocol a peer with protocol = auto belongs to. */
    void (*forget)(void *owner, struct xf_span peer);
    /* "starting", "running" or "draining" */
    const char *(*state)(void *owner);
    /* Where the status page is; false: there is none. */
    bool (*page)(void *owner, char out_url[XF_CONTROL_URL_BYTES]);
    const struct xf_control_sip *sip; /* NULL: a build without SIP */
};

struct xf_control_opts {
    struct xf_loop *loop;
    const char *file; /* the configuration; borrowed */
    const char *version;
    const struct xf_attempts *attempts;
    struct xf_alarms *alarms;            /* borrowed */
    struct xf_policy_switches *switches; /* borrowed; control alone changes them */
    const gid_t *readers, *admins;       /* copied */
    size_t reader_count, admin_count;
    /*
     * As SIGHUP. The log says what came of it, after so many outcomes of others as are returned: of
     * a reload that has read the files already.
     */
    unsigned (*reload)(void *owner);
    void (*drain)(void *owner); /* as SIGTERM */
    const struct xf_control_ops *ops;
    void *owner;
};

struct xf_control *xf_control_new(const struct xf_control_opts *opts);
/* Before the loop runs. XF_ERR_CONFIG, XF_ERR_IO with words: as xf_pipe_listen. */
XF_MUST_USE enum xf_err xf_control_listen(struct xf_control *control, const char *path,
                                          struct xf_error *err);
/* Before the loop runs, and whenever one of them is another one. */
void xf_control_attach(struct xf_control *control, const struct xf_control_parts *parts);
/*
 * Ask as a program at the socket does; `request` is taken over. `hear` is called with each line of
 * the answer, borrowed, the last of which has "ok"; not before this returns. Without a `token`, or
 * with one that `xfedctl page` did not give out within the hour, the answer to what changes
 * something is "not-permitted".
 */
typedef void (*xf_control_line_fn)(void *owner, const json_t *line);
struct xf_own_question *xf_control_ask(struct xf_control *control, json_t *request,
                                       const char *token, xf_control_line_fn hear, void *owner);
/* Is the token good for that? If not, the log says that somebody tried. */
bool xf_control_admits(struct xf_control *control, const char *token);
/* Hear nothing more of it. Not from `hear`, and not behind its last line. */
void xf_control_unask(struct xf_own_question *question);

/* Take no more clients and let those go that are there; answers under way are cut. */
void xf_control_stop(struct xf_control *control);
void xf_control_free(struct xf_control **control); /* after the loop has run once more */
