/* SPDX-License-Identifier: MIT */
/*
 * backoff.c — counts attempts that are under way to each domain or address, and remembers which of
 * them failed recently.
 *
 * With db:result a stranger names a domain, and that domain's DNS names addresses: each dialback
 * question makes us connect to a host that a stranger chose. So the number of attempts under way to
 * a host is limited, and after a failure we do not try the host again for a while, whoever asks.
 */
#include <xfed/limits/backoff.h>

#include <stdio.h>

#include <xfed/base/alloc.h>

#define FAILED_MAX 4096
/* After this long, a host's count of failures in a row starts again at 0. */
#define FORGET_MS 120000

struct xf_backoff_host {
    struct xf_lru_entry lru;
    unsigned under_way; /* attempts */
    unsigned failures;
    uint64_t until_ms;
    int note;
    char text[120];
};

void xf_backoff_init(struct xf_backoff *backoff, const struct xf_clock *clock, uint64_t min_ms,
                     uint64_t max_ms)
{
    *backoff = (struct xf_backoff){.clock = clock, .min_ms = min_ms, .max_ms = max_ms};
    xf_lru_init(&backoff->hosts);
}

static struct xf_backoff_host *host_of(struct xf_lru_entry *lru)
{
    return lru ? XF_CONTAINER(lru, struct xf_backoff_host, lru) : NULL;
}

static void forget(struct xf_backoff *backoff, struct xf_backoff_host *host)
{
    xf_lru_remove(&backoff->hosts, &host->lru);
    xf_free(host);
}

void xf_backoff_fini(struct xf_backoff *backoff)
{
    struct xf_lru_entry *oldest;
    while ((oldest = xf_lru_oldest(&backoff->hosts)))
        forget(backoff, host_of(oldest));
    xf_lru_fini(&backoff->hosts);
}

static struct xf_backoff_host *find(const struct xf_backoff *backoff, const char *name)
{
    return host_of(xf_lru_find(&backoff->hosts, xf_span_of(name)));
}

/* Held: put_away follows. */
static struct xf_backoff_host *get(struct xf_backoff *backoff, const char *name)
{
    struct xf_backoff_host *host = find(backoff, name);
    if (host) {
        xf_lru_hold(&backoff->hosts, &host->lru);
        return host;
    }
    host = xf_new(struct xf_backoff_host);
    xf_lru_add(&backoff->hosts, xf_span_of(name), &host->lru);
    return host;
}

/* The last attempt has ended: remember the host's failures, or forget the host. */
static void put_away(struct xf_backoff *backoff, struct xf_backoff_host *host)
{
    if (host->under_way > 0)
        return;
    if (host->failures == 0) {
        forget(backoff, host);
        return;
    }
    xf_lru_rest(&backoff->hosts, &host->lru);
    if (backoff->hosts.resting_count > FAILED_MAX)
        forget(backoff, host_of(xf_lru_oldest(&backoff->hosts)));
}

unsigned xf_backoff_under_way(const struct xf_backoff *backoff, const char *name)
{
    const struct xf_backoff_host *host = find(backoff, name);
    return host ? host->under_way : 0;
}

bool xf_backoff_begin(struct xf_backoff *backoff, const char *name, unsigned max)
{
    if (xf_backoff_under_way(backoff, name) >= max)
        return false;
    get(backoff, name)->under_way++;
    return true;
}

void xf_backoff_end(struct xf_backoff *backoff, const char *name)
{
    struct xf_backoff_host *host = get(backoff, name);
    xf_require(host->under_way > 0);
    host->under_way--;
    put_away(backoff, host);
}

void xf_backoff_failed(struct xf_backoff *backoff, const char *name, int note, const char *text)
{
    struct xf_backoff_host *host = get(backoff, name);
    uint64_t now_ms = backoff->clock->now_ms, wait_ms = backoff->min_ms;
    if (host->until_ms + FORGET_MS < now_ms)
        host->failures = 0;
    for (unsigned i = 0; i < host->failures && wait_ms < backoff->max_ms; i++)
        wait_ms *= 2;
    host->failures++;
    host->until_ms = now_ms + (wait_ms < backoff->max_ms ? wait_ms : backoff->max_ms);
    host->note = note;
    snprintf(host->text, sizeof(host->text), "%s", text);
    put_away(backoff, host);
}

void xf_backoff_clear(struct xf_backoff *backoff, const char *name)
{
    struct xf_backoff_host *host = find(backoff, name);
    if (!host || host->failures == 0)
        return;
    host->failures = 0;
    host->until_ms = 0;
    if (host->under_way == 0)
        forget(backoff, host);
}

bool xf_backoff_is_waiting(const struct xf_backoff *backoff, const char *name, int *out_note,
                           const char **out_text)
{
    const struct xf_backoff_host *host = find(backoff, name);
    if (!host || host->failures == 0 || backoff->clock->now_ms >= host->until_ms)
        return false;
    if (out_note)
        *out_note = host->note;
    if (out_text)
        *out_text = host->text;
    return true;
}

uint64_t xf_backoff_left_ms(const struct xf_backoff *backoff, const char *name)
{
    const struct xf_backoff_host *host = find(backoff, name);
    bool is_waiting = xf_backoff_is_waiting(backoff, name, NULL, NULL);
    return is_waiting ? host->until_ms - backoff->clock->now_ms : 0;
}
