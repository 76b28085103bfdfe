/* SPDX-License-Identifier: MIT */
/*
 * selfcheck_priv.h — what the files of selfcheck share.
 *
 *   selfcheck.c     begins the parts, and ends
 *   finding.c       what they say, and that they wait
 *   certificates.c  our certificates: names, dates, chain, files
 *   records.c       what DNS says about us
 *   sip.c           the same for SIP peers, and the certificate of sip { }
 *   links.c         links, and the questions to the local server: module, time
 *   system.c        our clock, and alarms: files, the directory, the process
 *   nodes.c         the nodes beside this one
 *   skew.c          reads the time that the local server tells
 *
 * To add a part: a function that says its findings, called in selfcheck.c. One that waits takes
 * xf_selfcheck_hold, gives xf_selfcheck_release, and stops waiting where it is told to.
 */
#pragma once

#include <xfed/selfcheck/selfcheck.h>

struct xf_link_check;
struct xf_record_check;
struct xf_selfcheck_for_sip;

struct xf_selfcheck {
    struct xf_selfcheck_parts parts;
    struct xf_selfcheck_certificate *certificates;
    const struct xf_selfcheck_events *events;
    void *owner;
    struct xf_timer timer; /* the first turn, and the last one */
    unsigned held;         /* parts that wait */
    bool has_begun;
    struct xf_timer certificate_timer;
    size_t next_certificate;
    struct xf_link_check *links;      /* NULL: they ask nothing */
    struct xf_record_check *records;  /* ditto */
    struct xf_selfcheck_for_sip *sip; /* ditto */
};

/* What is looked at, and where. */
struct xf_spot {
    const char *part, *where;
};

void xf_selfcheck_ok(struct xf_selfcheck *check, struct xf_spot spot, const char *fmt, ...)
    XF_PRINTF(3, 4);
void xf_selfcheck_warn(struct xf_selfcheck *check, struct xf_spot spot, enum xf_help help,
                       const char *fmt, ...) XF_PRINTF(4, 5);
void xf_selfcheck_wrong(struct xf_selfcheck *check, struct xf_spot spot, enum xf_help help,
                        const char *fmt, ...) XF_PRINTF(4, 5);

/* A part waits, or no longer. The last release ends the check, in a turn of its own. */
void xf_selfcheck_hold(struct xf_selfcheck *check);
void xf_selfcheck_release(struct xf_selfcheck *check);

/* Say the alarms of this part whose cause is there; returns how many there are. */
size_t xf_selfcheck_alarms(struct xf_selfcheck *check, const char *part);

void xf_selfcheck_certificates(struct xf_selfcheck *check);
void xf_selfcheck_certificates_end(struct xf_selfcheck *check); /* look at no further file */
void xf_selfcheck_system(struct xf_selfcheck *check);
void xf_selfcheck_nodes(struct xf_selfcheck *check);
void xf_selfcheck_links(struct xf_selfcheck *check);
void xf_selfcheck_links_end(struct xf_selfcheck *check); /* ask nobody any more, and free */
void xf_selfcheck_sip(struct xf_selfcheck *check);
void xf_selfcheck_sip_end(struct xf_selfcheck *check); /* ask nobody any more, and free */
void xf_selfcheck_records(struct xf_selfcheck *check);
void xf_selfcheck_records_end(struct xf_selfcheck *check);
