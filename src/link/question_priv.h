/* SPDX-License-Identifier: MIT */
/* question_priv.h — which stanzas of the cluster answer questions of our own (question.c). */
#pragma once

#include <xfed/link/question.h>

struct xf_questions {
    struct xf_node open;
    unsigned count; /* of all, for their ids */
};

void xf_questions_init(struct xf_questions *questions);
void xf_questions_fini(struct xf_questions *questions); /* nobody is answered any more */
/* Give it an id, and await the answer. */
void xf_questions_add(struct xf_questions *questions, struct xf_env *env,
                      struct xf_link_question *question);
/*
 * Is it an answer to a question, maybe to one of another gateway that shares the server? Then it is
 * not for a peer, even where nobody awaits it any more.
 */
bool xf_questions_take(struct xf_questions *questions, const struct xf_stanza *stanza);
/*
 * Is it a question, of the link of this name, that comes back unsent? Then no peer has to be told.
 */
bool xf_questions_are_ours(const struct xf_stanza *stanza, const char *name);
