/* SPDX-License-Identifier: MIT */
/*
 * explain.c — --explain FROM TO: prints whether policy lets stanzas from one JID to another pass,
 * by the configuration and blocklists now in the files, at this minute. It does not ask the running
 * gateway, but does ask the directory about groups.
 */
#include "daemon_priv.h"

#include <stdio.h>

#include <xfed/base/log.h>

/* Runs work and done at once, on this thread. */
static void work_now(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                     void *owner)
{
    (void)pool;
    work(owner);
    done(owner);
}

static struct xf_pool pool = {work_now};

static bool is_member(void *owner, const char *group, struct xf_span jid)
{
    return owner && xf_mailmap_is_member(owner, group, jid);
}

enum xf_exit xf_explain_print(const struct xf_options *options, const struct xf_conf *conf)
{
    struct xf_report report;
    xf_report_init(&report);
    struct xf_blocklist *list = xf_blocklists_load(conf, &report);
    if (report.errors > 0) {
        fprintf(stderr, "%.*s\n", XF_SPAN_ARGS(xf_buf_span(&report.text)));
        xf_report_release(&report);
        return XF_EXIT_CONFIG;
    }
    const struct xf_clock clock = {xf_monotonic_ms()};
    struct xf_timers *timers = xf_timers_new(&clock);
    struct xf_mailmap *mailmap = NULL;
    xf_log_set_level(XF_LOG_WARN);
    if (conf->mailmap.directory.groups.count > 0)
        mailmap = xf_mailmap_new(&(struct xf_mailmap_opts){
            .clock = &clock, .timers = timers, .pool = &pool, .settings = &conf->mailmap});
    struct xf_policy *policy = xf_policy_new(&(struct xf_policy_opts){.conf = conf,
                                                                      .blocklist = list,
                                                                      .unix_s = xf_unix_s(),
                                                                      .is_member = is_member,
                                                                      .owner = mailmap});
    enum xf_err err = xf_policy_explain(policy, xf_span_of(options->subject),
                                        xf_span_of(options->to), xf_local_minute_of_week(), stdout);
    if (err == XF_ERR_BAD_JID)
        fputs("xfedd: --explain FROM TO: expected two JIDs, as user@example.org or example.org\n",
              stderr);
    else if (err != XF_ERR_OK)
        fprintf(stderr,
                "xfedd: --explain %s %s: expected one of them in a domain that %s serves, the "
                "other not\n",
                options->subject, options->to, options->file);
    xf_policy_free(&policy);
    xf_mailmap_stop(mailmap);
    xf_mailmap_free(&mailmap);
    xf_timers_free(&timers);
    xf_blocklist_free(&list);
    xf_report_release(&report);
    if (err != XF_ERR_OK)
        return XF_EXIT_USAGE;
    return fflush(stdout) == 0 ? XF_EXIT_OK : XF_EXIT_RUNTIME;
}
