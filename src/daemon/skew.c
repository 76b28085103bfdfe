/* SPDX-License-Identifier: MIT */
/*
 * skew.c — is our clock right? Soon after the start and then once an hour the kernel is asked
 * whether something keeps the clock right, and the local server, over each link, what time it is
 * (XEP-0202). Certificates are judged by our clock, so a wrong one refuses good peers.
 *
 * A link that is down, or a server that does not tell, is asked again an hour later. Test:
 * tests/integration/selfcheck.py.
 */
#include "daemon_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/base/log.h>
#include <xfed/link/question.h>
#include <xfed/selfcheck/skew.h>

#define FIRST_MS 60000 /* the links have come up by then */
#define EVERY_MS (3600ull * 1000)

/* ---- the kernel */

static void look_at_kernel(struct xf_skew *skew)
{
    enum xf_clock_sync sync = xf_clock_sync();
    if (sync == skew->sync)
        return;
    if (sync == XF_CLOCK_UNSYNCED)
        xf_log(XF_LOG_INFO, "clock.sync.missing", XF_HELP(XF_HELP_CLOCK_UNSYNCHRONISED));
    else if (sync == XF_CLOCK_SYNCED && skew->sync == XF_CLOCK_UNSYNCED)
        xf_log(XF_LOG_INFO, "clock.sync.found", XF_WORD("by", "kernel"));
    skew->sync = sync;
}

/* ---- the local server */

static void on_answer(void *owner, const struct xf_stanza *answer)
{
    struct xf_skew_asked *asked = owner;
    int64_t seconds;
    if (!xf_selfcheck_read_skew(answer, asked->asked_ms, xf_unix_ms(), &seconds))
        return;
    bool is_skewed = seconds >= XF_SKEW_WARN_S || seconds <= -XF_SKEW_WARN_S;
    bool is_wrong = seconds >= XF_SKEW_WRONG_S || seconds <= -XF_SKEW_WRONG_S;
    if (is_skewed)
        xf_log(is_wrong ? XF_LOG_ERROR : XF_LOG_WARN, "clock.skew.found",
               XF_STR("link", asked->link), XF_INT("server_ahead_s", seconds),
               XF_HELP(XF_HELP_CLOCK_SKEWED));
    else if (asked->is_skewed)
        xf_log(XF_LOG_INFO, "clock.skew.gone", XF_STR("link", asked->link));
    asked->is_skewed = is_skewed;
    asked->skew_s = seconds;
    asked->is_known = true;
}

/* A domain that the local server has; NULL: the link has none, and its name is no address. */
static const char *domain_of(const struct xf_conf *conf, const char *title)
{
    for (size_t i = 0; i < conf->served_count; i++) {
        const struct xf_served_settings *served = &conf->served[i].settings;
        if (!served->mail_only && strcmp(served->link, title) == 0)
            return served->domain;
    }
    return NULL;
}

static void ask(struct xf_daemon *daemon, size_t link)
{
    struct xf_skew_asked *asked = &daemon->skew.asked[link];
    const char *title = daemon->boot->links[link].settings.title;
    const char *domain = domain_of(daemon->conf, title);
    xf_link_forget(&asked->question);
    if (!domain || !xf_link_is_up(daemon->links[link]) || xf_link_is_per_peer(daemon->links[link]))
        return;
    *asked = (struct xf_skew_asked){.question = {.answered = on_answer, .owner = asked},
                                    .link = title,
                                    .asked_ms = xf_unix_ms(),
                                    .is_skewed = asked->is_skewed,
                                    .is_known = asked->is_known,
                                    .skew_s = asked->skew_s};
    const struct xf_link_asking asking = {
        .to = domain, .domain = xf_span_of(domain), .payload = XF_SKEW_QUESTION};
    (void)!xf_link_ask(daemon->links[link], &asked->question, &asking); /* in an hour again */
}

/* ---- life */

static void look(void *owner)
{
    struct xf_daemon *daemon = owner;
    look_at_kernel(&daemon->skew);
    for (size_t i = 0; i < daemon->link_count && daemon->drain == XF_DRAIN_NOT; i++)
        ask(daemon, i);
    xf_timer_start(daemon->env.env.timers, &daemon->skew.timer, EVERY_MS);
}

void xf_skew_begin(struct xf_daemon *daemon)
{
    daemon->skew.asked = xf_alloc((daemon->link_count + 1) * sizeof(*daemon->skew.asked));
    xf_timer_init(&daemon->skew.timer, look, daemon);
    xf_timer_start(daemon->env.env.timers, &daemon->skew.timer, FIRST_MS);
}

void xf_skew_end(struct xf_daemon *daemon)
{
    xf_timer_stop(&daemon->skew.timer);
    for (size_t i = 0; daemon->skew.asked && i < daemon->link_count; i++)
        xf_link_forget(&daemon->skew.asked[i].question);
    xf_free(daemon->skew.asked);
    daemon->skew.asked = NULL;
}
