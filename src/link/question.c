/* SPDX-License-Identifier: MIT */
/*
 * question.c — finds the question that a stanza of the cluster answers. Its id tells, which nobody
 * can guess; of a question from far the id is also the user who asks, since not every answer has
 * the id of its question. Test: tests/unit/link/test_question.c.
 */
#include "question_priv.h"

#include <string.h>

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
    for (char *c = key; *c; c++) /* it becomes the user of an address too, which has no capitals */
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
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

static void answer(struct xf_link_question *question, const struct xf_stanza *stanza)
{
    if (!question)
        return;
    xf_link_forget(question);
    question->answered(question->owner, stanza);
}

/*
 * The id of who asked from far. Absent: it is another address, also one of that domain to which a
 * user writes.
 */
static struct xf_span far_id(struct xf_span to)
{
    static const char tail[] = "@" XF_LINK_FAR_DOMAIN;
    size_t len = sizeof(tail) - 1;
    if (to.len < len + sizeof(PREFIX) - 1 || memcmp(to.ptr + to.len - len, tail, len) != 0 ||
        memcmp(to.ptr, PREFIX, sizeof(PREFIX) - 1) != 0)
        return XF_SPAN_NONE;
    return (struct xf_span){to.ptr, to.len - len};
}

bool xf_questions_take(struct xf_questions *questions, const struct xf_stanza *stanza)
{
    struct xf_span id = far_id(stanza->raw_to);
    if (__builtin_expect(id.ptr != NULL, 0)) {
        answer(find(questions, id), stanza);
        return true;
    }
    if (stanza->kind != XF_STANZA_IQ || xf_list_is_empty(&questions->open) ||
        (!xf_span_is(stanza->type, "result") && !xf_span_is(stanza->type, "error")))
        return false;
    struct xf_link_question *question = find(questions, stanza->id);
    answer(question, stanza);
    return question != NULL;
}
