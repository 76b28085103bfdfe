/* SPDX-License-Identifier: MIT */
/*
 * backoff.h — for each host that we connect to: how many attempts are under way, and how long to
 * wait after a failure before the next attempt. A host is any text, such as a domain or an address.
 * Failures of up to 4096 hosts are remembered; the oldest is forgotten first. Test:
 * tests/unit/limits/test_backoff.c.
 */
#pragma once

#include <xfed/base/clock.h>
#include <xfed/base/err.h>
#include <xfed/base/lru.h>

struct xf_backoff {
    const struct xf_clock *clock;
    uint64_t min_ms, max_ms;
    /* -> struct xf_backoff_host; held while an attempt is under way, the other hosts have failed */
    struct xf_lru hosts;
};

/*
 * `clock` is borrowed. After a failure a host waits for min_ms, doubling up to max_ms with each
 * failure in a row.
 */
void xf_backoff_init(struct xf_backoff *backoff, const struct xf_clock *clock, uint64_t min_ms,
                     uint64_t max_ms);
void xf_backoff_fini(struct xf_backoff *backoff); /* every attempt has ended */

/* Begin an attempt. False: `max` are under way at this host already. The name is copied. */
XF_MUST_USE bool xf_backoff_begin(struct xf_backoff *backoff, const char *name, unsigned max);
void xf_backoff_end(struct xf_backoff *backoff, const char *name);
unsigned xf_backoff_under_way(const struct xf_backoff *backoff, const char *name);

/* An attempt failed; `note` and `text` are handed out while the host waits. The text is copied. */
void xf_backoff_failed(struct xf_backoff *backoff, const char *name, int note, const char *text);
void xf_backoff_clear(struct xf_backoff *backoff, const char *name); /* an attempt succeeded */

/*
 * Must we still wait before we try this host again? The text lives until the next call that changes
 * `backoff`. Either pointer may be NULL.
 */
bool xf_backoff_is_waiting(const struct xf_backoff *backoff, const char *name, int *out_note,
                           const char **out_text);
uint64_t xf_backoff_left_ms(const struct xf_backoff *backoff, const char *name); /* 0: not at all */
