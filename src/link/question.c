/* SPDX-License-Identifier: MIT */
/*
 * question.c — finds the question that a stanza of the cluster answers. Its id tells, which nobody
 * can guess. Test: tests/unit/link/test_question.c.
 */
#include "question_priv.h"

#include <xfed/base/alloc.h>

#define PREFIX "xfedd-ask-"

void xf_questions_init(struct xf_questions *questions)
{
    xf_list_init(&questions->open);
}

void xf_questions_fini(struct xf_questions *questions)
{
    XF_LIST_EACH_SAFE (node, &questions->open)
        xf_list_remove(node);
}

void xf_questions_add(struct xf_questions *questions, struct xf_env *env,
                      struct xf_link_question *question)
{
    char key[XF_ID_CHARS + 1];
    env->make_id(env, key);
    xf_ping_id_write(question->id, PREFIX, key, ++questions->count);
    xf_list_push(&questions->open, &question->node);
}

void xf_link_forget(struct xf_link_question *question)
{
    xf_list_remove(&question->node);
}

bool xf_questions_are_ours(const struct xf_stanza *stanza, const char *name)
{
    return xf_span_is(stanza->from.domain, XF_LINK_FAR_DOMAIN) ||
           xf_span_is(stanza->from.domain, name);
}

static struct xf_link_question *find(const struct xf_questions *questions, struct xf_span id)
{
    XF_LIST_EACH (node, &questions->open) {
        struct xf_link_question *question = XF_CONTAINER(node, struct xf_link_question, node);
        if (xf_span_is(id, question->id))
            return question;
    }
    return NULL;
}

bool xf_questions_take(struct xf_questions *questions, const struct xf_stanza *stanza)
{
    bool is_answer = xf_span_is(stanza->type, "result") || xf_span_is(stanza->type, "error");
    if (stanza->kind != XF_STANZA_IQ || !is_answer)
        return false;
    struct xf_link_question *question = find(questions, stanza->id);
    if (question) {
        xf_link_forget(question);
        question->answered(question->owner, stanza);
    }
    return question || xf_span_is(stanza->raw_to, XF_LINK_FAR_DOMAIN);
}
