/* SPDX-License-Identifier: MIT */
/* answers_priv.h — error stanzas for the cluster wait until it takes them. */
#pragma once

#include <xfed/xmpp/stanza.h>

struct xf_routing_link;

/* send it now, or when the cluster takes it */
void xf_answer_cluster(struct xf_routing_link *link, const struct xf_stanza *answer);
void xf_answers_go_on(struct xf_routing_link *link); /* the link drained */
/* a reload: domains may have another link */
void xf_answers_follow(struct xf_routing_link *link);
void xf_answers_end(struct xf_routing_link *link); /* now or never */
/* the link gave one up that it held */
void xf_answers_lost(struct xf_routing_link *link);
