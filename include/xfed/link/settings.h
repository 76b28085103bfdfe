/* SPDX-License-Identifier: MIT */
/*
 * settings.h — link "TITLE" { }: a connection to the local cluster.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/texts.h>
#include <xfed/stream/settings.h>

enum xf_link_driver { XF_LINK_COMPONENT, XF_LINK_ROUTER };
/*
 * AUTO: OPTIONAL at a router; for a component, which has no STARTTLS, REQUIRED with a ca_file, else
 * NONE.
 */
enum xf_link_tls {
    XF_LINK_TLS_AUTO,
    XF_LINK_TLS_NONE,
    XF_LINK_TLS_OPTIONAL,
    XF_LINK_TLS_REQUIRED,
};

struct xf_link_settings {
    char *title;
    enum xf_link_driver driver;
    struct xf_texts nodes; /* "address:port" of the cluster's servers, no host names */
    char *name;            /* the component's name (XEP-0114 `to`; what is bound at a router) */
    char *user;            /* router: whom to log in as; "": the name */
    enum xf_link_tls tls;  /* router: use STARTTLS; component: TLS from the first byte */
    char *ca_file;  /* who must have issued the server's certificate; "": it is not looked at */
    char *tls_name; /* the name that it must have, and SNI; "": any */
    bool per_peer;  /* names = per-peer: a component and connection for each peer's name */
    char *secret_file;
    char *secret; /* from secret-file */
    size_t max_stanza_bytes;
    uint64_t hold_ms; /* how long stanzas wait while the link is down */
    /* How many bytes of stanzas may wait; those that wait for their proof count too. */
    size_t hold_bytes;
    enum xf_ack ack;       /* what proves that the server has a stanza: nothing, or pings */
    enum xf_resend resend; /* what to send again when that is not known */
    char *quarantine;      /* file for stanzas over which the server closes the link; "": none */
    /*
     * With per_peer: connections for peers without a section, in all and per owner (xmpp/owner.h).
     */
    unsigned peers, peers_per_owner;
    bool refuse_peers; /* refuse peers while the link has been down for longer than hold_ms */
    uint64_t ping_ms;  /* send white space after this much silence */
};
