/* SPDX-License-Identifier: MIT */
/*
 * settings.h — peer "DOMAIN" { }, served "DOMAIN" { } and policy { }: the settings of a peer and of
 * a served domain. Policy resolves a peer's settings; the layers that talk to the peer read them
 * too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/texts.h>
#include <xfed/stream/settings.h>

/*
 * What a peer is reached by. A domain belongs to one protocol, never to both at a time. AUTO: to
 * that by which it authenticated last; as long as that is not known, to either.
 */
enum xf_protocol { XF_PROTOCOL_XMPP, XF_PROTOCOL_SIP, XF_PROTOCOL_AUTO };

enum xf_direction { XF_DIRECTION_NONE, XF_DIRECTION_IN, XF_DIRECTION_OUT, XF_DIRECTION_BOTH };
enum xf_tls_mode { XF_TLS_NONE, XF_TLS_OPTIONAL, XF_TLS_REQUIRED };
enum xf_cert_mode { XF_CERT_IGNORE, XF_CERT_PREFERRED, XF_CERT_REQUIRED };

/* Ignore revocation; refuse revoked certificates; also refuse certificates of unknown status. */
enum xf_revocation { XF_REVOCATION_OFF, XF_REVOCATION_SOFT, XF_REVOCATION_HARD };
enum xf_downgrade { XF_DOWNGRADE_ALLOW, XF_DOWNGRADE_ALARM, XF_DOWNGRADE_REFUSE };

/* Sets of settings for kinds of peers; profile.c has their rows and sources. */
enum xf_profile {
    XF_PROFILE_PUBLIC,
    XF_PROFILE_IMP,
    XF_PROFILE_WEBEX,
    XF_PROFILE_SAMETIME,
    XF_PROFILE_LEGACY
};
#define XF_PROFILE_COUNT 5

/* Kinds of stanzas that policy distinguishes; bits of a set. */
enum xf_kind_bits {
    XF_KINDS_MESSAGE = 1,  /* message, except type='groupchat' */
    XF_KINDS_PRESENCE = 2, /* presence with and without type='unavailable' or 'error' */
    /* Presence: subscribe, subscribed, unsubscribe, unsubscribed, probe. */
    XF_KINDS_SUBSCRIPTION = 4,
    XF_KINDS_IQ = 8,
    /* Messages of type='groupchat', and presence to or from a room (child of muc or muc#user). */
    XF_KINDS_GROUPCHAT = 16,
};

/* What the sender of a stanza that policy refuses gets. */
enum xf_denial {
    XF_DENIAL_SILENT, /* nothing: it is dropped */
    XF_DENIAL_ERROR,  /* not-allowed, where an error may be sent */
    /* The stream ends with policy-violation; for a pair that may not federate, at once. */
    XF_DENIAL_VIOLATION,
};

enum xf_jid_use { XF_JID_USE_DROP, XF_JID_USE_BOUNCE, XF_JID_USE_ACCEPT };
enum xf_sip_transport { XF_SIP_TLS, XF_SIP_TCP };

/* Whose name a SIP peer's certificate has to show, besides the hosts in sip-names. */
enum xf_sip_name_check {
    XF_SIP_NAMES_DOMAIN, /* the peer's domain (RFC 5922) */
    XF_SIP_NAMES_TARGET, /* the host that we connect to: of a route, or of an SRV record */
    XF_SIP_NAMES_LIST,   /* nobody else's */
};

enum xf_route_order { XF_ROUTE_RANKED, XF_ROUTE_EQUAL };

/* Which of the settings of a peer: a bit for each, in the order of the option table's rows. */
struct xf_peer_set {
    uint64_t word[2];
};

/* Settings of a peer. */
struct xf_peer_settings {
    enum xf_protocol protocol;
    enum xf_direction direction; /* which stanzas may pass: in, out, both, none */
    enum xf_tls_mode tls;
    enum xf_cert_mode certificate;
    bool sasl_in, sasl_out; /* SASL EXTERNAL offered to the peer / used towards it */
    bool show_certificate;  /* our certificate, on streams that we open to the peer */
    bool dialback;
    bool direct_tls;  /* XEP-0368 towards the peer */
    bool legacy;      /* open and accept pre-1.0 streams (without version) */
    unsigned tls_min; /* 12 or 13 */
    char *ciphers;    /* "" is the default list */
    /* Anchors for this peer in place of trust { ca-file }; "" to use trust { ca-file }. */
    char *ca_file;
    /* "sha256:" and 64 hex digits of the key's SPKI, or a PEM file with the certificate */
    struct xf_texts pins;
    /*
     * Digests of the keys of `pins`: of hex pins once loaded, of pins in files after
     * xf_conf_add_pin.
     */
    uint8_t (*pin_sha256)[32];
    size_t pin_count;
    bool dane; /* TLSA records of secure DNS decide (RFC 7673) */
    /* A connecting peer's certificate must be valid for TLS clients too. */
    bool client_eku;
    enum xf_revocation revocation;
    /* What to do when the peer authenticates more weakly than before, or with another key. */
    enum xf_downgrade downgrade;
    /* XEP-0344: a good verdict accepts a db:result without a dialback question */
    bool dialback_by_certificate;
    bool bidi; /* XEP-0288 */
    enum xf_ack ack;
    enum xf_resend resend;
    /* Towards the peer, use one stream for several domains of ours (XEP-0220 section 2.6). */
    bool multiplex;
    struct xf_texts route; /* static routes "host:port"; DNS is asked for no others */
    /*
     * Ranked: as written, the next one when one fails; equal: in random order, drawn for each
     * stream.
     */
    enum xf_route_order route_order;
    struct xf_texts dns_servers; /* resolvers for this peer in place of dns { servers } */
    /* Local addresses to connect from; the address of the target's family is used. */
    struct xf_texts source;
    char *source_ports; /* "30000-35999"; "" for any */
    size_t max_stanza_bytes;
    unsigned max_streams; /* concurrent inbound streams of the peer */
    unsigned max_pairs;   /* of one inbound stream */
    /* Inbound stanzas a second, all streams of the peer together; 0: any number. */
    unsigned stanza_rate;
    size_t byte_rate; /* ... and bytes a second */
    size_t queue_bytes;
    unsigned queue_stanzas;
    uint64_t queue_ms, connect_ms, candidate_ms, negotiate_ms, idle_ms, ping_ms;
    enum xf_profile profile;
    /* If false, what policy would refuse passes, but is logged and counted. */
    bool enforce;
    /*
     * Our users who may federate: patterns of bare JIDs, titles of directory groups; both empty:
     * all.
     */
    struct xf_texts users, groups;
    unsigned block_kinds_in, block_kinds_out; /* XF_KINDS_*: not from the peer, not to it */
    struct xf_texts block_namespaces_in, block_namespaces_out; /* of payloads: direct children */
    /* In these directions, reduce available presence to show, status and priority. */
    enum xf_direction strip_presence;
    bool repair_presence;  /* tell the cluster and the peer when the peer is lost and back */
    struct xf_texts hours; /* when stanzas may pass, in local time; empty: always */
    /* Text for those who are refused, and for the log; "" for a built-in one. */
    char *reason;
    /* What our user and the peer get when policy refuses. */
    enum xf_denial denied_user, denied_peer;
    bool mail; /* the peer sees the e-mail addresses of our users */
    /* What to do with a stanza to the JID of a user who has an e-mail address. */
    enum xf_jid_use jid_use;
    /* Of a peer that belongs to SIP. */
    enum xf_sip_transport sip_transport;
    enum xf_sip_name_check sip_name_check;
    struct xf_texts sip_names; /* hosts whose certificates speak for the peer */
    struct xf_texts sip_from;  /* over TCP: the addresses that it connects from */
    /* Further domains, of SIP too, for whose users the peer's servers speak. */
    struct xf_texts sip_domains;
    unsigned sip_rate; /* our requests a second; 0: any number */
    /* The largest body of a MESSAGE outside a session that we send (RFC 3428 section 8). */
    size_t sip_body_bytes;
    bool sip_dnd; /* a user who is busy there is shown as dnd, not as away */
    /* What a peer's user sees of one of ours who refuses: offline for ever, and not the refusal. */
    bool sip_polite;
    unsigned sip_subscriptions; /* of users of the peer to ours, and of ours to its: each at most */
    unsigned sip_pending;       /* ... of its users that no user of ours has decided on */
    bool sip_sips;              /* take requests to sips: URIs as if they were sip: (RFC 5630) */
    struct xf_peer_set set;     /* those that the file has; all others are zero until resolved */
};

struct xf_served_settings { /* served "DOMAIN" { } */
    char *domain;
    char *link; /* title */
    /*
     * Files, a key for each certificate; if empty: the files in cert_dir, or else no TLS for this
     * domain.
     */
    struct xf_texts certificate, key;
    struct xf_texts aliases; /* further domains of ours with the same settings */
    /*
     * Nobody has a JID here: a stanza to an address that no user has is answered with
     * item-not-found.
     */
    bool mail_only;
};

struct xf_policy_settings {
    bool federation;            /* no: nothing passes */
    bool default_allow;         /* policy { default = allow | deny } */
    bool enforce;               /* no is a dry run of everything */
    struct xf_texts blocklists; /* files of domains that are refused both ways */
};
