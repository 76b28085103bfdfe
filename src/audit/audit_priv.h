/* SPDX-License-Identifier: MIT */
/*
 * audit_priv.h — what the files of audit share.
 *
 *   audit.c   watches, gathers lines, has them written
 *   record.c  from an event to a line
 *   syslog.c  the same lines to the machine's syslog
 */
#pragma once

#include <xfed/audit/audit.h>
#include <xfed/base/buf.h>
#include <xfed/base/log.h>

/* ---- record.c */

/* "policy", "authentication", ...; NULL: the event is none of the audit's. */
const char *xf_audit_kind(const struct xf_log_event *event);
/* Append the event as a line. XF_ERR_LIMIT: there is no room. */
XF_MUST_USE enum xf_err xf_audit_record(const struct xf_log_event *event, const char *kind,
                                        int64_t unix_ms, uint64_t number, struct xf_buf *out);

/* ---- syslog.c */

int xf_audit_syslog_open(void); /* -1: there is no syslog */
/* False: it takes nothing now. Does not wait. */
bool xf_audit_syslog_send(int fd, struct xf_span line);
