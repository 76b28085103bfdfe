/* SPDX-License-Identifier: MIT */
/* answers_priv.h — error stanzas for the cluster, which wait until it takes them. */
#pragma once

#include <xfed/xmpp/stanza.h>

struct xf_routing_link;

/* Send the answer now, or once the cluster takes it. */
void xf_answer_cluster(struct xf_routing_link *link, const struct xf_stanza *answer);
void xf_answers_go_on(struct xf_routing_link *link); /* call when the link has drained */
/* Call after a reload, and then xf_answers_go_on: served domains may have moved to other links. */
void xf_answers_follow(struct xf_routing_link *link);
/* Send all that wait; what the link refuses is lost. */
void xf_answers_end(struct xf_routing_link *link);
/* Call when an answer that the link held has expired. */
void xf_answers_lost(struct xf_routing_link *link);
