/* SPDX-License-Identifier: MIT */
/*
 * ua_priv.h — what the parts of the layer share.
 *
 *   ua.c             made, reloaded, drained; puts the others together
 *   counts.c         what is counted
 *   flow.c           one conn: framing, time, keep-alive, pauses; its states: flow_states.c
 *   keep_alive.c     pings and pongs
 *   admission.c      who may have a conn, and how many
 *   hop.c            conns to the next hop of a peer, and requests that wait for one
 *   key.c            by what transactions are found
 *   cause.c          words for why there is no answer
 *   help.c           what to do about a conn that did not come up, or broke
 *   core.c           checks that every request of a peer must pass
 *   server.c         requests of peers; their states: server_states.c
 *   client.c         requests of ours; their states: client_states.c
 *   compose.c        writes requests and answers
 *   dialog.c         dialogs as values, dialog_pack.c: as bytes
 *   view.c           what operators see of conns and next hops
 *   log.c            lines of the log, and against whose limit they count
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/machine.h>
#include <xfed/base/map.h>
#include <xfed/dns/discover.h>
#include <xfed/limits/backoff.h>
#include <xfed/limits/few.h>
#include <xfed/limits/quota.h>
#include <xfed/limits/rate.h>
#include <xfed/ua/ua.h>
#include <xfed/xmpp/jid.h>

struct xf_core_call;
struct xf_flow;
struct xf_hop;

/* Conns, transactions and questions that found no place; at most one line a minute. */
struct xf_ua_crush {
    struct xf_timer timer;
    char addr[XF_ADDR_TEXT_BYTES];
    const char *reason;
    unsigned refused; /* since the last line */
};

struct xf_ua {
    struct xf_env *env;
    struct xf_policy *policy;
    struct xf_ua_settings settings; /* a copy, renewed by reload */
    char *former_host;              /* before a reload changed it: dialogs still have it; or NULL */
    struct xf_sip_limits limits;
    struct xf_tls_identities *identities;
    unsigned methods;
    const char *accept, *packages;
    const char *const *extensions;
    const struct xf_ua_events *events;
    void *owner;
    const struct xf_flow_events *flow_events; /* flow_priv.h */
    bool is_draining;
    uint64_t last_number; /* of the conn that began last */
    unsigned generation;  /* of `identities`: how many reloads there were */

    struct xf_node flows;   /* struct xf_flow, all */
    struct xf_map *hops;    /* key of name and identity -> struct xf_hop */
    struct xf_map *clients; /* branch and method -> struct xf_ua_client */
    struct xf_map *calls;   /* Call-ID and From tag -> a request of ours that has both */
    struct xf_map *servers; /* key.c -> struct xf_ua_server */
    struct xf_map *merges;  /* ... by From tag, Call-ID and CSeq (RFC 3261 section 8.2.2.2) */
    struct xf_map *dialogs; /* INVITEs answered with 2xx, by what their ACK has */

    struct xf_quota half_open, conns; /* accepted conns, by address */
    struct xf_quota own_conns;        /* that we make, by next hop and its owner */
    struct xf_quota requests;         /* open requests of peers, by peer and its owner */
    struct xf_quota sent;             /* ... and of ours, by next hop and the owner of that */
    struct xf_rates rates;            /* how fast peers may send: stanza-rate, byte-rate */
    struct xf_rates nameless;         /* ... and networks, what is of no peer */
    struct xf_ua_crush crush;
    struct xf_backoff backoff; /* next hops that could not be reached a moment ago */

    struct xf_timer resume;  /* the owner has room again */
    struct xf_timer recheck; /* the date has changed: certificates are judged again */
    struct xf_few rechecks;  /* struct xf_flow, by its recheck */
    struct xf_ua_counts counts;
    struct xf_sip_message message; /* that is handled now; large */
    struct xf_sip_message kept;    /* a request read again, to be answered */
    struct xf_ua_server *handled;  /* the transaction of `message`, until it is gone */
};

static inline void xf_ua_id(const struct xf_ua *ua, char out[XF_ID_CHARS + 1])
{
    ua->env->make_id(ua->env, out);
}

/* ------------------------------------------------------------------ help.c */

enum xf_help xf_ua_help(enum xf_conn_end end); /* NONE: it tells nothing */

/* ------------------------------------------------------------------ counts.c */

/* A request of a peer (in) or of ours (out) has ended; `status` 0: without an answer. */
void xf_ua_count_ended(struct xf_ua *ua, enum xf_ua_dir dir, enum xf_sip_method method,
                       unsigned status);
void xf_ua_count_handshake(struct xf_flow *flow, bool is_good);

/* ------------------------------------------------------------------ log.c */

/* Why a request is refused, or a conn ends. */
struct xf_ua_fault {
    const char *reason; /* a word for the log */
    const char *text;   /* for people */
    enum xf_help help;
};

enum xf_log_level xf_flow_level(struct xf_flow *flow, enum xf_log_level level, const char *event);
#define xf_flow_log(flow, level, event, ...) \
    xf_log(xf_flow_level((flow), (level), event), event, __VA_ARGS__)
void xf_flow_log_up(struct xf_flow *flow);
void xf_flow_log_refused(struct xf_flow *flow); /* while its certificate is there */
void xf_flow_log_end(struct xf_flow *flow, enum xf_conn_end end, const char *detail);
void xf_flow_log_malformed(struct xf_flow *flow, unsigned status, const char *text);
void xf_core_log_refused(struct xf_core_call *call, unsigned status);
void xf_hop_log_found(const struct xf_hop *hop); /* its candidates */
void xf_hop_log_failed(struct xf_hop *hop);
void xf_ua_log_slowed(struct xf_ua *ua, struct xf_span peer, const struct xf_rate_limits *limits);
void xf_ua_log_nameless(struct xf_ua *ua, struct xf_span network,
                        const struct xf_rate_limits *limits);
void xf_ua_log_moved(const char *kind, const char *method, const char *from, const char *on,
                     const char *to);
void xf_ua_crush_init(struct xf_ua *ua);
void xf_ua_crush_fini(struct xf_ua *ua);
void xf_ua_crush_note(struct xf_ua *ua, const struct xf_addr *addr, const char *reason);

/* ------------------------------------------------------------------ key.c */

#define XF_UA_KEY_MAX 160 /* longer keys are digests */

struct xf_ua_key {
    char text[XF_UA_KEY_MAX];
    size_t len;
};

static inline struct xf_span xf_ua_key_span(const struct xf_ua_key *key)
{
    return (struct xf_span){key->text, key->len};
}

/* By branch and sent-by, or for a peer without branches by what RFC 3261 section 17.2.3 says. */
void xf_ua_key_of_server(struct xf_ua_key *key, struct xf_span peer,
                         const struct xf_sip_message *request, enum xf_sip_method method);
void xf_ua_key_of_merge(struct xf_ua_key *key, struct xf_span peer,
                        const struct xf_sip_message *request);
/* What the ACK to a 2xx has; `to_tag`: ours. */
void xf_ua_key_of_dialog(struct xf_ua_key *key, struct xf_span peer,
                         const struct xf_sip_message *request, struct xf_span to_tag);
void xf_ua_key_of_client(struct xf_ua_key *key, struct xf_span branch, enum xf_sip_method method);
void xf_ua_key_of_call(struct xf_ua_key *key, struct xf_span call_id, struct xf_span from_tag);
void xf_ua_key_of_hop(struct xf_ua_key *key, struct xf_span name, struct xf_span identity);

/* ------------------------------------------------------------------ compose.c */

/* Does this host name us: the host of sip { }, in any case? */
bool xf_ua_is_host(const struct xf_ua *ua, struct xf_span host);
/* ... or did it: dialogs, and requests that wait for an answer, may have the name of before. */
bool xf_ua_was_host(const struct xf_ua *ua, struct xf_span host);
/* The served domain that this host of a URI is, prepared; absent: none. */
struct xf_span xf_ua_served(const struct xf_ua *ua, struct xf_span host,
                            char out[XF_DOMAIN_MAX + 1]);

/*
 * Parse into ua->kept what was taken or written before, whatever a reload has made of the limits.
 * False: it is no message.
 */
XF_MUST_USE bool xf_ua_read_kept(struct xf_ua *ua, char *bytes, size_t len);

/* Write a request with a Via of this branch. Errors as of xf_ua_send. */
XF_MUST_USE enum xf_err xf_ua_compose(struct xf_ua *ua, const struct xf_ua_request *request,
                                      bool is_clear, bool has_alias, struct xf_span branch,
                                      struct xf_buf *out);
/*
 * Allow, with the methods of the owner and those that are answered here; without BENOTIFY, which is
 * taken from who sends it all the same.
 */
void xf_ua_write_allow(const struct xf_ua *ua, struct xf_sip_writer *writer);
/* Adds headers to an answer. */
typedef void (*xf_ua_more_fn)(const struct xf_ua *ua, const struct xf_sip_message *request,
                              struct xf_sip_writer *writer);
void xf_ua_write_headers(struct xf_sip_writer *writer, const struct xf_ua_header *headers,
                         size_t count);
