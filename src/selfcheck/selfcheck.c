/* SPDX-License-Identifier: MIT */
/*
 * selfcheck.c — begins all parts in a turn of its own, and ends when the last of them has got its
 * answers. Each part has a limit of time for these, so the check has one too.
 */
#include "selfcheck_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>

static void begin(struct xf_selfcheck *check)
{
    check->has_begun = true;
    xf_selfcheck_hold(check);
    xf_selfcheck_certificates(check);
    xf_selfcheck_records(check);
    xf_selfcheck_sip(check);
    xf_selfcheck_links(check);
    xf_selfcheck_system(check);
    xf_selfcheck_nodes(check);
    xf_selfcheck_release(check);
}

static void on_timer(void *owner)
{
    struct xf_selfcheck *check = owner;
    if (!check->has_begun) {
        begin(check);
        return;
    }
    const struct xf_selfcheck_events *events = check->events;
    void *whose = check->owner;
    xf_selfcheck_cancel(&check);
    events->done(whose);
}

static void copy_certificates(struct xf_selfcheck *check)
{
    size_t bytes = check->parts.certificate_count * sizeof(*check->certificates);
    check->certificates = xf_alloc(bytes + 1);
    if (bytes > 0)
        memcpy(check->certificates, check->parts.certificates, bytes);
    check->parts.certificates = check->certificates;
}

struct xf_selfcheck *xf_selfcheck_begin(const struct xf_selfcheck_parts *parts,
                                        const struct xf_selfcheck_events *events, void *owner)
{
    struct xf_selfcheck *check = xf_new(struct xf_selfcheck);
    check->parts = *parts;
    check->events = events;
    check->owner = owner;
    copy_certificates(check);
    xf_timer_init(&check->timer, on_timer, check);
    xf_timer_start(parts->timers, &check->timer, 0);
    return check;
}

void xf_selfcheck_cancel(struct xf_selfcheck **check)
{
    if (!*check)
        return;
    xf_timer_stop(&(*check)->timer);
    xf_selfcheck_certificates_end(*check);
    xf_selfcheck_links_end(*check);
    xf_selfcheck_records_end(*check);
    xf_selfcheck_sip_end(*check);
    xf_free((*check)->certificates);
    xf_free(*check);
    *check = NULL;
}
