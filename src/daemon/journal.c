/* SPDX-License-Identifier: MIT */
/*
 * journal.c — opens the journal of messages that wait, if the configuration wants one.
 *
 * It is opened after changing to the configured user, who owns the file. The gateway works even if
 * the file cannot be used, but then messages that wait do not survive a crash, so that is logged as
 * an error.
 */
#include "daemon_priv.h"

#include <xfed/base/help.h>

struct xf_journal *xf_daemon_journal_for(struct xf_loop *loop,
                                         const struct xf_journal_settings *settings)
{
    struct xf_journal *journal = NULL;
    struct xf_error err = {0};
    if (*settings->file && xf_journal_open(&(struct xf_journal_opts){.settings = settings,
                                                                     .pool = xf_loop_pool(loop),
                                                                     .timers = xf_loop_timers(loop),
                                                                     .clock = xf_loop_clock(loop),
                                                                     .unix_s = xf_unix_s},
                                           &journal, &err) != XF_ERR_OK)
        xf_log(XF_LOG_ERROR, "journal.file.refused", XF_STR("file", settings->file),
               XF_STR("detail", err.detail), XF_HELP(XF_HELP_FILE_REFUSED));
    return journal;
}
