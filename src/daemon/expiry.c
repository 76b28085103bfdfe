/* SPDX-License-Identifier: MIT */
/*
 * expiry.c — warns in time about certificates that expire, ours and those that peers with a section
 * showed last: at the start, at a reload, and once a day.
 *
 * The loop's clock decides when a day has passed; dates are compared with the wall clock. Test:
 * tests/unit/daemon/test_certs.c.
 */
#include "daemon_priv.h"

#include <string.h>

#include <xfed/base/clock.h>
#include <xfed/base/log.h>
#include <xfed/s2s/counts.h>

#define DAY_MS (24ull * 3600 * 1000)

/* certificate.good ends the alarm of the domain: of several certificates the worst one counts. */
static bool all_are_good(const struct xf_certs *certs, const char *name, int64_t now_s,
                         int64_t warn_s)
{
    for (size_t i = 0; i < xf_certs_count(certs); i++) {
        const struct xf_cert *cert = xf_certs_at(certs, i);
        struct xf_tls_about about;
        if (!cert->identity || strcmp(cert->name, name) != 0)
            continue;
        xf_tls_identity_about(cert->identity, &about);
        if (now_s < about.not_before_s || about.not_after_s - now_s < warn_s)
            return false;
    }
    return true;
}

static void say(const struct xf_certs *certs, const struct xf_cert *cert,
                const struct xf_tls_about *about, int64_t now_s, int64_t warn_s)
{
    int64_t left_s = about->not_after_s - now_s;
    if (now_s < about->not_before_s)
        xf_log(XF_LOG_WARN, "certificate.start.ahead", XF_STR("local", cert->name),
               XF_STR("file", cert->file),
               XF_INT("days", (about->not_before_s - now_s) / XF_DAY_S));
    else if (left_s < 0)
        xf_log(XF_LOG_ERROR, "certificate.expired", XF_STR("local", cert->name),
               XF_STR("file", cert->file), XF_INT("days", -left_s / XF_DAY_S));
    else if (left_s < warn_s)
        xf_log(XF_LOG_WARN, "certificate.expiry.near", XF_STR("local", cert->name),
               XF_STR("file", cert->file), XF_INT("days", left_s / XF_DAY_S));
    else if (all_are_good(certs, cert->name, now_s, warn_s))
        xf_log(XF_LOG_DEBUG, "certificate.good", XF_STR("local", cert->name),
               XF_STR("file", cert->file), XF_INT("days", left_s / XF_DAY_S));
}

static void say_of_peer(const struct xf_expiry *expiry, struct xf_span peer, int64_t left_s)
{
    if (left_s < 0)
        xf_log(XF_LOG_WARN, "certificate.peer.expired", XF_SPN("peer", peer),
               XF_INT("days", -left_s / XF_DAY_S));
    else if (left_s < (int64_t)(expiry->conf->trust.warn_ms / 1000))
        xf_log(XF_LOG_WARN, "certificate.peer.near", XF_SPN("peer", peer),
               XF_INT("days", left_s / XF_DAY_S));
    else
        xf_log(XF_LOG_DEBUG, "certificate.peer.good", XF_SPN("peer", peer),
               XF_INT("days", left_s / XF_DAY_S));
}

/* Others are too many, and nobody here knows their operators. */
static void look_at_peer(void *owner, struct xf_span peer, const struct xf_peer_counts *counts)
{
    const struct xf_expiry *expiry = owner;
    if (peer.ptr && counts->cert_until_s && xf_policy_names(expiry->policy, peer))
        say_of_peer(expiry, peer, counts->cert_until_s - xf_unix_s());
}

static void look(void *owner)
{
    struct xf_expiry *expiry = owner;
    xf_expiry_look(expiry->certs, expiry->conf, xf_unix_s());
    if (expiry->s2s)
        xf_s2s_each_peer(expiry->s2s, look_at_peer, expiry);
    xf_timer_start(expiry->timers, &expiry->timer, DAY_MS);
}

void xf_expiry_look(const struct xf_certs *certs, const struct xf_conf *conf, int64_t now_s)
{
    for (size_t i = 0; i < xf_certs_count(certs); i++) {
        const struct xf_cert *cert = xf_certs_at(certs, i);
        struct xf_tls_about about;
        if (!cert->identity)
            continue;
        xf_tls_identity_about(cert->identity, &about);
        say(certs, cert, &about, now_s, (int64_t)(conf->trust.warn_ms / 1000));
    }
}

void xf_expiry_begin(struct xf_expiry *expiry, const struct xf_expiry *what)
{
    xf_timer_stop(&expiry->timer);
    *expiry = *what;
    xf_timer_init(&expiry->timer, look, expiry);
    look(expiry);
}

void xf_daemon_begin_expiry(struct xf_daemon *daemon)
{
    xf_expiry_begin(&daemon->expiry, &(struct xf_expiry){.timers = daemon->env.env.timers,
                                                         .certs = &daemon->certs,
                                                         .conf = daemon->conf,
                                                         .s2s = daemon->s2s,
                                                         .policy = daemon->policy});
}

void xf_expiry_end(struct xf_expiry *expiry)
{
    xf_timer_stop(&expiry->timer);
}
