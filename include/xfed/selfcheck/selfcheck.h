/* SPDX-License-Identifier: MIT */
/*
 * selfcheck.h — what is wrong with this gateway itself: its certificates, DNS records, clock, links
 * to the local server, files, and the nodes beside it. For xfedctl check --self.
 *
 * It looks, asks DNS, and asks the local server questions (xfed/link/question.h); it connects
 * nowhere and changes nothing. Each thing that was looked at makes one finding.
 */
#pragma once

#include <xfed/alarms/alarms.h>
#include <xfed/base/help.h>
#include <xfed/conf/conf.h>
#include <xfed/dns/dns.h>
#include <xfed/history/history.h>
#include <xfed/link/link.h>
#include <xfed/net/timer.h>
#include <xfed/tls/tls.h>

enum xf_finding_level { XF_FINDING_OK, XF_FINDING_WARNING, XF_FINDING_WRONG };

struct xf_finding {
    enum xf_finding_level level;
    const char *part;  /* "certificate", "dns", "sip", "clock", "link", "module", "node", ... */
    const char *where; /* which one: a domain, a file, a link, a node */
    const char *text;  /* what was found, for people */
    enum xf_help help; /* what to do; NONE if it is fine */
};

const char *xf_finding_word(enum xf_finding_level level); /* "ok", "warning", "wrong" */

struct xf_selfcheck_certificate { /* of ours, as loaded */
    const char *name;             /* the served domain, or an alias with a certificate of its own */
    size_t served;                /* in conf->served */
    bool is_alias;
    bool is_of_sip; /* of sip { }: `name` is its host, and `served` is nothing */
    const char *file, *key_file;
    const struct xf_tls_identity *identity; /* NULL: did not load */
};

/* All borrowed, until the check is over or cancelled; a reload replaces some of them. */
struct xf_selfcheck_parts {
    struct xf_timers *timers;
    const struct xf_clock *clock;
    const struct xf_conf *conf;
    struct xf_link *const *links;
    size_t link_count;
    struct xf_dns *dns;
    const struct xf_history *history; /* NULL: none */
    const struct xf_alarms *alarms;
    const struct xf_selfcheck_certificate *certificates; /* copied; the identities are borrowed */
    size_t certificate_count;
    const struct xf_tls_store *anchors; /* that peers are assumed to have; NULL: did not load */
};

struct xf_selfcheck;

struct xf_selfcheck_events {
    void (*found)(void *owner, const struct xf_finding *finding); /* borrowed */
    void (*done)(void *owner);                                    /* it is over, and freed */
};

/* No event is delivered before this function returns. It takes some seconds. */
struct xf_selfcheck *xf_selfcheck_begin(const struct xf_selfcheck_parts *parts,
                                        const struct xf_selfcheck_events *events, void *owner);
void xf_selfcheck_cancel(struct xf_selfcheck **check); /* no event follows; NULL is fine */
