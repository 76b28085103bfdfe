/* SPDX-License-Identifier: MIT */
/*
 * drain.c — stops the gateway on SIGTERM or SIGINT: delivers what can be delivered, tells the
 * senders of the rest, and closes all streams in order.
 *
 *     queues    no new peers; the cluster is asked to send to another gateway, if it has one; of
 *               what the cluster sends only what goes to a stream that is there (senders of the
 *               rest get an error); routes go on until they were empty for a while; links that
 *               are away are waited for, and nodes that do not say what they have, at most
 *               process.drain-time
 *     inbound   what still waits for a link that is away, or for an e-mail address, is returned to
 *               the peers; the streams that they opened are closed, so that nothing more comes that
 *               wants an answer; answers are still sent
 *     streams   what is left stays in the journal, or is bounced to the cluster; what a link did
 *               not take though it is there is returned to the peers; all streams with them are
 *               closed
 *               after a second, SIP requests that have no answer are cut
 *     cut       streams whose peers do not answer are cut; what they did not confirm comes back
 *     links     the cluster has its bounces: the links are closed
 *     over      the loop stops
 *
 * A peer or server has a few seconds to answer our close; then we stop without waiting. A second
 * signal stops at once.
 */
#include "daemon_priv.h"

#include <unistd.h>
#include <xfed/audit/audit.h>
#include <xfed/base/log.h>

#define POLL_MS 20
/* Queues must be empty for this long: then what was on its way to us has been read and answered. */
#define SETTLE_MS 400
#define CLOSE_MS  5000 /* for all streams to end, and again for all links */
#define CUT_MS    1000 /* for cut streams */
/* For answers to our SIP requests, which have had drain-time, before their conns are cut. */
#define SIP_MS 1000

static bool links_hold(const struct xf_daemon *daemon)
{
    for (size_t i = 0; i < daemon->link_count; i++)
        if (xf_link_holds(daemon->links[i]))
            return true;
    return false;
}

static bool links_are_unsure(const struct xf_daemon *daemon)
{
    for (size_t i = 0; i < daemon->link_count; i++)
        if (xf_link_is_unsure(daemon->links[i]))
            return true;
    return false;
}

static bool links_are_gone(const struct xf_daemon *daemon)
{
    for (size_t i = 0; i < daemon->link_count; i++)
        if (!xf_link_is_gone(daemon->links[i]))
            return false;
    return true;
}

/* Streams that are still alive point to parts, which therefore must not be freed. */
static void leave(struct xf_daemon *daemon)
{
    xf_journal_finish(daemon->journal);
    xf_daemon_finish_sip(daemon);
    daemon->is_abandoned =
        xf_s2s_stream_count(daemon->s2s) > 0 || !xf_daemon_sip_is_over(daemon) ||
        !links_are_gone(daemon) || daemon->reload || xf_history_is_writing(daemon->history) ||
        xf_journal_is_writing(daemon->journal) || xf_daemon_sip_is_writing(daemon) ||
        xf_audit_is_writing(daemon->audit) || xf_mailmap_is_busy(daemon->mailmap);
    if (daemon->is_abandoned)
        xf_log(XF_LOG_WARN, "process.drain.expired",
               XF_INT("streams", xf_s2s_stream_count(daemon->s2s)));
    xf_loop_stop(daemon->loop);
}

static void enter(struct xf_daemon *daemon, enum xf_drain step)
{
    daemon->drain = step;
    daemon->drain_step_ms = daemon->env.env.clock->now_ms;
    switch (step) {
    case XF_DRAIN_QUEUES:
        xf_daemon_close_listeners(daemon);
        xf_routing_drain(daemon->routing);
        for (size_t i = 0; i < daemon->link_count; i++) {
            xf_link_leave(daemon->links[i]);
            xf_link_prove(daemon->links[i]);
        }
        xf_history_leave(daemon->history);
        break;
    case XF_DRAIN_INBOUND:
        daemon->drain_busy_ms = daemon->drain_step_ms;
        daemon->drain_returns = links_hold(daemon);
        daemon->drain_returns |= xf_routing_return_unmapped(daemon->routing);
        for (size_t i = 0; i < daemon->link_count; i++)
            xf_link_hold_no_more(daemon->links[i]);
        xf_s2s_drain_inbound(daemon->s2s);
        break;
    case XF_DRAIN_STREAMS:
        for (size_t i = 0; i < daemon->link_count; i++)
            xf_link_return_held(daemon->links[i]);
        xf_routing_finish(daemon->routing);
        xf_s2s_drain(daemon->s2s);
        xf_daemon_drain_sip(daemon);
        break;
    case XF_DRAIN_CUT:
        xf_s2s_cut(daemon->s2s);
        xf_daemon_cut_sip(daemon);
        break;
    case XF_DRAIN_LINKS:
        xf_mailmap_stop(daemon->mailmap);
        xf_history_finish(daemon->history);
        xf_routing_end(daemon->routing);
        for (size_t i = 0; i < daemon->link_count; i++)
            xf_link_stop(daemon->links[i]);
        break;
    case XF_DRAIN_OVER:
        leave(daemon);
        break;
    case XF_DRAIN_NOT:
        break;
    }
}

/*
 * Wait for a reload, a write of the history, the journal, subscriptions or the audit, and a
 * directory lookup on the thread pool, which use parts of the daemon.
 */
static bool is_step_done(const struct xf_daemon *daemon)
{
    switch (daemon->drain) {
    case XF_DRAIN_QUEUES:
    case XF_DRAIN_INBOUND:
        return daemon->env.env.clock->now_ms - daemon->drain_busy_ms >= SETTLE_MS;
    case XF_DRAIN_STREAMS:
    case XF_DRAIN_CUT:
        /* The peers' last stanzas may still wait for an address. */
        return xf_s2s_stream_count(daemon->s2s) == 0 && xf_daemon_sip_is_over(daemon) &&
               xf_routing_is_idle(daemon->routing) && !xf_journal_is_writing(daemon->journal);
    case XF_DRAIN_LINKS:
        return links_are_gone(daemon) && !daemon->reload &&
               !xf_history_is_writing(daemon->history) && !xf_journal_is_writing(daemon->journal) &&
               !xf_daemon_sip_is_writing(daemon) && !xf_audit_is_writing(daemon->audit) &&
               !xf_mailmap_is_busy(daemon->mailmap);
    default:
        return true;
    }
}

/*
 * Once inbound streams are being closed, the time for queues is over, unless peers are told what
 * came back over a link. Before that, we do not wait
 * until peers confirm what they have: as long as the cluster sends, there is always a last stanza.
 */
static bool is_busy(const struct xf_daemon *daemon)
{
    if (links_hold(daemon) || (daemon->drain == XF_DRAIN_QUEUES && links_are_unsure(daemon)))
        return true;
    if (daemon->drain == XF_DRAIN_INBOUND && !daemon->drain_returns)
        return !xf_s2s_inbound_is_over(daemon->s2s);
    return !xf_routing_has_sent_all(daemon->routing);
}

static uint64_t step_ms(const struct xf_daemon *daemon)
{
    return daemon->env.env.clock->now_ms - daemon->drain_step_ms;
}

static uint64_t step_limit_ms(const struct xf_daemon *daemon)
{
    if (daemon->drain == XF_DRAIN_QUEUES)
        return daemon->conf->process.drain_ms;
    return daemon->drain == XF_DRAIN_CUT ? CUT_MS : CLOSE_MS;
}

static void on_poll(void *owner)
{
    struct xf_daemon *daemon = owner;
    if (is_busy(daemon))
        daemon->drain_busy_ms = daemon->env.env.clock->now_ms;
    if (daemon->drain == XF_DRAIN_STREAMS && step_ms(daemon) >= SIP_MS)
        xf_daemon_cut_sip(daemon);
    bool is_late = step_ms(daemon) >= step_limit_ms(daemon);
    if (is_late || is_step_done(daemon))
        enter(daemon, daemon->drain + 1);
    if (daemon->drain != XF_DRAIN_OVER)
        xf_timer_start(daemon->env.env.timers, &daemon->drain_timer, POLL_MS);
}

void xf_drain_begin(void *owner)
{
    struct xf_daemon *daemon = owner;
    if (daemon->drain != XF_DRAIN_NOT) {
        xf_log(XF_LOG_WARN, "process.stop.forced",
               XF_INT("streams", xf_s2s_stream_count(daemon->s2s)));
        _exit(XF_EXIT_RUNTIME);
    }
    xf_log(XF_LOG_INFO, "process.stopping", XF_INT("streams", xf_s2s_stream_count(daemon->s2s)),
           XF_INT("drain_ms", daemon->conf->process.drain_ms));
    xf_notify_stopping(&daemon->notify);
    daemon->drain_began_ms = daemon->drain_busy_ms = daemon->env.env.clock->now_ms;
    xf_timer_init(&daemon->drain_timer, on_poll, daemon);
    enter(daemon, XF_DRAIN_QUEUES);
    on_poll(daemon);
}
