/* SPDX-License-Identifier: MIT */
/*
 * audit.h — records decisions about peers and acts of operators, one JSON object a line, appended
 * to a file and sent to syslog. doc/operators/AUDIT.md has the schema.
 *
 * It watches the log (log.h) and takes the events of a table, at info and above: so it holds what
 * the log holds, whatever the log's level, and outsiders cause no more lines than the log's own
 * limits allow (stream/lines.h). The thread pool writes; nothing waits for the disk.
 */
#pragma once

#include <xfed/audit/settings.h>
#include <xfed/base/err.h>
#include <xfed/base/pool.h>
#include <xfed/net/timer.h>

struct xf_audit;

struct xf_audit_opts {
    const struct xf_audit_settings *settings; /* borrowed */
    struct xf_pool *pool;                     /* borrowed */
    struct xf_timers *timers;                 /* borrowed; of the pool's loop */
};

/*
 * Watches the log from now on. The file is opened anew for each batch, so it may be moved away at
 * any time. NULL: neither file nor syslog is wanted. Opens the socket to syslog: before the
 * sandbox.
 */
struct xf_audit *xf_audit_new(const struct xf_audit_opts *opts);
/* Record nothing more, and begin no more jobs. */
void xf_audit_stop(struct xf_audit *audit);
bool xf_audit_is_writing(const struct xf_audit *audit); /* is a job under way? false for NULL */
/* Write the rest on this thread. No job may be under way. */
void xf_audit_free(struct xf_audit **audit);
