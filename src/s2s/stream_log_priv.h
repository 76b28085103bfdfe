/* SPDX-License-Identifier: MIT */
/*
 * stream_log_priv.h — log lines about streams (stream_log.c): one when a stream is up, one when it
 * is down, others through the macros, which add the number of the stream. Each counts against the
 * limit of the peer or network that can cause it (xfed/stream/lines.h), and is logged at debug
 * beyond that limit.
 */
#pragma once

#include <xfed/base/help.h>
#include <xfed/s2s/s2s.h>

struct xf_dial_failure;
struct xf_pair;

#define xf_in_log(in, level, event, ...) \
    xf_log(xf_in_level((in), (level), (event)), event, __VA_ARGS__, XF_INT("stream", (in)->number))
#define xf_out_log(out, level, event, ...)                            \
    xf_log(xf_out_level((out), (level), (event)), event, __VA_ARGS__, \
           XF_INT("stream", (out)->number))
#define xf_alarm_log(s2s, peer, level, event, ...) \
    xf_log(xf_s2s_alarm_level((s2s), (peer), (level), (event)), event, __VA_ARGS__)

enum xf_log_level xf_in_level(struct xf_in *in, enum xf_log_level level, const char *event);
enum xf_log_level xf_out_level(struct xf_out *out, enum xf_log_level level, const char *event);
/* About a peer that is not what it was before (continuity.c). */
enum xf_log_level xf_s2s_alarm_level(struct xf_s2s *s2s, struct xf_span peer,
                                     enum xf_log_level level, const char *event);

void xf_out_log_up(struct xf_out *out);
/* At debug: what the handshake found, and what the peer offers. */
void xf_out_log_secured(struct xf_out *out);
void xf_out_log_features(struct xf_out *out);
void xf_out_log_down(struct xf_out *out, const char *detail);
/* A conn failed and is told; and now there is nobody at the addresses that were left. */
void xf_out_log_unreached(struct xf_out *out, const struct xf_dial_failure *failure,
                          const char *detail);
void xf_in_log_up(struct xf_in *in, const struct xf_pair *pair);
/* What a conn with one of the ends of TLS calls for. */
enum xf_help xf_s2s_help_for_tls(enum xf_conn_end end, bool is_direct);
void xf_in_log_down(struct xf_in *in, enum xf_stream_end end, const char *detail);
