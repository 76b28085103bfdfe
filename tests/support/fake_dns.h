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
 * A name with records answers FOUND for their types and NO_DATA for others; a name without is
 * NXDOMAIN, unless a status is set. The table may be changed at any time: an answer is made when it
 * is delivered, not when it is asked for. Nothing is cached. Aborts on misuse (an address that is
 * none, an answer above XF_DNS_RECORDS_MAX): a test wants to know.
 */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/dns/dns.h>

struct fake_dns;

enum fake_dns_status {
    FAKE_DNS_RECORDS,  /* as the table says; takes a status back */
    FAKE_DNS_NXDOMAIN, /* even with records */
    FAKE_DNS_NO_DATA,
    FAKE_DNS_SERVFAIL, /* XF_DNS_FAILED */
    FAKE_DNS_SILENCE,  /* no answer; XF_DNS_FAILED when the time is up, see below */
};

/*
 * `clock` (borrowed, may be NULL): questions that meet silence fail in the first step `timeout_ms`
 * after they were asked. Without a clock they wait until the status is changed, or for
 * fake_dns_time_out.
 */
struct fake_dns *fake_dns_new(const struct xf_clock *clock, unsigned timeout_ms);
void fake_dns_free(
    struct fake_dns **fake); /* aborts when a query was neither answered nor cancelled */
struct xf_dns *fake_dns_seam(struct fake_dns *fake);

/* ---- the table; names in any case, a dot at the end is dropped, target "." is the root ---- */
void fake_dns_add_srv(struct fake_dns *fake, const char *name, uint16_t priority, uint16_t weight,
                      uint16_t port, const char *target);
void fake_dns_add_address(struct fake_dns *fake, const char *name,
                          const char *address); /* A or AAAA by its form */
/* `type` 0: for all types. The narrower one wins. */
void fake_dns_set_status(struct fake_dns *fake, const char *name, unsigned type,
                         enum fake_dns_status status);
void fake_dns_add_tlsa(struct fake_dns *fake, const char *name, const struct xf_tlsa *tlsa);
/*
 * What is answered for the name came with AD, also that there is nothing; `type` as above. From the
 * first such name on the seam says may_be_secure. A failure is never secure.
 */
void fake_dns_set_secure(struct fake_dns *fake, const char *name, unsigned type, bool is_secure);
void fake_dns_remove(struct fake_dns *fake, const char *name); /* records and status */

/*
 * One line of a script: "NAME SRV PRIORITY WEIGHT PORT TARGET", "NAME A ADDRESS", "NAME AAAA
 * ADDRESS", "NAME TLSA USAGE SELECTOR MATCHING HEX", "NAME [TYPE]
 * nxdomain|nodata|servfail|silence|records", "NAME [TYPE] secure". False when it is none of these.
 */
bool fake_dns_add_line(struct fake_dns *fake, const char *line);

/* ---- time ---- */

/*
 * Answer, in the order of asking, what was asked before this call (also what a `later` waits for).
 * Returns how many; the questions that their callbacks ask wait for the next step.
 */
size_t fake_dns_step(struct fake_dns *fake);
void fake_dns_settle(struct fake_dns *fake); /* step until nothing is answered any more */
size_t fake_dns_time_out(
    struct fake_dns *fake); /* what meets silence fails now; returns how many */

/* ---- what happened ---- */
size_t fake_dns_waiting(const struct fake_dns *fake);
/* How often was it asked since the start or fake_dns_forget_asked? Type 0: all. NULL: all names. */
size_t fake_dns_asked(const struct fake_dns *fake, const char *name, unsigned type);
void fake_dns_forget_asked(struct fake_dns *fake);
