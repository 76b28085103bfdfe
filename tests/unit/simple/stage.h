/* SPDX-License-Identifier: MIT */
/* stage.h — a struct xf_simple by itself, with a configuration; clock, network, DNS are fakes. */
#pragma once

#include "fake_dns.h"
#include "fake_env.h"
#include "simple_priv.h"

extern struct fake_env env;
extern struct fake_dns *dns;
extern struct xf_simple *simple;

/*
 * `peers`: sections behind those of two links and of a.example, which is served. `waiting` may be
 * NULL. The owner of the events is NULL.
 */
void stage_begin(const char *peers, const struct xf_simple_events *events,
                 struct xf_stanza_sum *waiting);
/* The same with other peers, and with another link ("l" or "m"; at first it is "l"). */
void stage_reload(const char *link, const char *peers);
/* As a stop does it; nothing is left. */
void stage_end(void);
