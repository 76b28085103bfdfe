/* SPDX-License-Identifier: MIT */
/*
 * fake_dns.h — an xf_dns that answers from a table, when the test says so.
 *
 *     struct fake_dns *dns = fake_dns_new(NULL, 0);
 *     fake_dns_add_srv(dns, "_xmpp-server._tcp.b.example", 0, 5, 5269, "xmpp.b.example");
 *     fake_dns_add_address(dns, "xmpp.b.example", "192.0.2.1");
 *     fake_dns_set_status(dns, "_xmpps-server._tcp.b.example", 0, FAKE_DNS_SERVFAIL);
 *     ... env.dns = fake_dns_seam(dns); start something ...
 *     fake_dns_settle(dns);
 *
 * A name with records answers FOUND for their types and NO_DATA for others. A name without records
 * is NXDOMAIN, unless a status is set. The table may be changed at any time: an answer is made when
 * it is delivered, not when the question is asked. Nothing is cached. Misuse aborts, so that the
 * test notices: a malformed address, or an answer above XF_DNS_RECORDS_MAX.
 */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/dns/dns.h>

struct fake_dns;

enum fake_dns_status {
    FAKE_DNS_RECORDS,  /* as the table says; removes a status */
    FAKE_DNS_NXDOMAIN, /* even if there are records */
    FAKE_DNS_NO_DATA,
    /* XF_DNS_FAILED: */
    FAKE_DNS_SERVFAIL,
    FAKE_DNS_BOGUS,
    FAKE_DNS_REFUSED,
    FAKE_DNS_MALFORMED,
    FAKE_DNS_SILENCE, /* no answer; XF_DNS_FAILED when the time is up, see below */
};

/*
 * `clock` is borrowed and may be NULL. With a clock, a question that meets silence fails in the
 * first step that comes `timeout_ms` or more after it was asked. Without one it waits until its
 * status changes or fake_dns_time_out is called.
 */
struct fake_dns *fake_dns_new(const struct xf_clock *clock, unsigned timeout_ms);
/* Aborts when a query was neither answered nor cancelled. */
void fake_dns_free(struct fake_dns **fake);
struct xf_dns *fake_dns_seam(struct fake_dns *fake);

/* ---- the table; names in any case, a dot at the end is dropped, target "." is the root ---- */
void fake_dns_add_srv(struct fake_dns *fake, const char *name, uint16_t priority, uint16_t weight,
                      uint16_t port, const char *target);
/* A rule of the replacement form that leads to SRV records; `service` in upper case. */
void fake_dns_add_naptr(struct fake_dns *fake, const char *name, uint16_t order,
                        uint16_t preference, const char *service, const char *replacement);
/* An A or AAAA record, by the form of the address. */
void fake_dns_add_address(struct fake_dns *fake, const char *name, const char *address);
/* `type` 0: for all types. A status for one type wins over that. */
void fake_dns_set_status(struct fake_dns *fake, const char *name, unsigned type,
                         enum fake_dns_status status);
void fake_dns_add_tlsa(struct fake_dns *fake, const char *name, const struct xf_tlsa *tlsa);
/*
 * Answers for the name are secure (AD), also that there is nothing; `type` as above. Once any name
 * is, the seam says may_be_secure. A failure is never secure.
 */
void fake_dns_set_secure(struct fake_dns *fake, const char *name, unsigned type, bool is_secure);
void fake_dns_remove(struct fake_dns *fake, const char *name); /* records and status */

/*
 * Add one line of a script: "NAME SRV PRIORITY WEIGHT PORT TARGET", "NAME NAPTR ORDER PREFERENCE
 * SERVICE REPLACEMENT", "NAME A ADDRESS", "NAME AAAA ADDRESS", "NAME TLSA USAGE SELECTOR MATCHING
 * HEX", "NAME [TYPE] nxdomain|nodata|servfail|bogus|refused|malformed|silence|records", "NAME
 * [TYPE] secure". False when the line has none of these forms.
 */
bool fake_dns_add_line(struct fake_dns *fake, const char *line);

/* ---- time ---- */

/*
 * Answer the questions that were asked before this call, oldest first, and finish what xf_dns's
 * `later` was called for. Returns how many. Questions that the callbacks ask wait for the next
 * step.
 */
size_t fake_dns_step(struct fake_dns *fake);
void fake_dns_settle(struct fake_dns *fake); /* step until no answer is left */
/* All questions that meet silence fail now. Returns how many. */
size_t fake_dns_time_out(struct fake_dns *fake);

/* ---- what happened ---- */
/* How many questions wait for an answer? */
size_t fake_dns_waiting(const struct fake_dns *fake);
/*
 * How many questions were asked about `name` (NULL: any) and `type` (0: any), since the start or
 * fake_dns_forget_asked?
 */
size_t fake_dns_asked(const struct fake_dns *fake, const char *name, unsigned type);
void fake_dns_forget_asked(struct fake_dns *fake);
