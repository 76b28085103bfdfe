/* SPDX-License-Identifier: MIT */
/* replay_priv.h — messages of an earlier process (replay.c). */
#pragma once

struct xf_routing;
struct xf_stanza;

/* A stanza of an earlier process can be neither delivered nor returned. */
void xf_replay_log_lost(struct xf_routing *routing, const struct xf_stanza *stanza);

/* Deliver the messages of the journal. */
void xf_replay_messages(struct xf_routing *routing);
