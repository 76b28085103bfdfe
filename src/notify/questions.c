/* SPDX-License-Identifier: MIT */
/*
 * questions.c — what operators may ask by chat: a table. A message is split into words at spaces,
 * and that is all that is made of it; its words become texts of a JSON object.
 *
 * None of these changes the gateway: whoever takes over an operator's account reads, and no more.
 * `check` opens connections, so xfedd answers it only to members of control-admins.
 */
#include "notify_priv.h"

#include <strings.h>

#define WORDS_MAX 3

static const struct xf_question questions[] = {
    {"status", "", "the gateway at a glance", {0}, xf_words_status},
    {"alarms", "", "what stands now", {0}, xf_words_alarms},
    {"peer",
     "DOMAIN",
     "policy, routes, streams and the last attempt of a peer",
     {"peer"},
     xf_words_peer},
    {"check", "DOMAIN", "try to reach a peer now", {"peer"}, xf_words_check},
    {"explain", "FROM TO", "can one reach the other", {"from", "to"}, xf_words_explain},
};

static void put_help(struct xf_buf *out)
{
    xf_notice_put(out, "You may ask:");
    for (size_t i = 0; i < XF_ARRAY_LEN(questions); i++)
        xf_notice_putf(out, "\n%s%s%s: %s", questions[i].name, *questions[i].args ? " " : "",
                       questions[i].args, questions[i].help);
}

/* Words of bytes that may stand in a domain or a JID; WORDS_MAX + 1: something else is there. */
static size_t split(struct xf_span text, struct xf_span out[WORDS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return WORDS_MAX + 1;
    while (text.len > 0 && count <= WORDS_MAX) {
        const char *space = memchr(text.ptr, ' ', text.len);
        size_t len = space ? (size_t)(space - text.ptr) : text.len;
        if (len > 0 && count < WORDS_MAX)
            out[count] = (struct xf_span){text.ptr, len};
        count += len > 0;
        text.ptr += len + (space != NULL);
        text.len -= len + (space != NULL);
    }
    return count;
}

static const struct xf_question *find(struct xf_span name)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(questions); i++)
        if (xf_span_eq_nocase(name, xf_span_of(questions[i].name)))
            return &questions[i];
    return NULL;
}

static size_t arguments_of(const struct xf_question *question)
{
    return question->keys[1] ? 2 : question->keys[0] ? 1 : 0;
}

static json_t *request_of(const struct xf_question *question, const struct xf_span *words)
{
    json_t *request = json_object();
    json_object_set_new(request, "verb", json_string(question->name));
    for (size_t i = 0; i < arguments_of(question); i++)
        json_object_set_new(request, question->keys[i], json_stringn(words[i].ptr, words[i].len));
    return request;
}

const struct xf_question *xf_question_parse(struct xf_span text, json_t **out_request,
                                            struct xf_buf *out_words)
{
    struct xf_span words[WORDS_MAX];
    if (text.len > XF_QUESTION_MAX) {
        xf_notice_putf(out_words, "That is too long: a question has %d bytes at most.",
                       XF_QUESTION_MAX);
        return NULL;
    }
    size_t count = split(xf_span_trim(text), words);
    const struct xf_question *question = count > 0 && count <= WORDS_MAX ? find(words[0]) : NULL;
    if (!question) {
        put_help(out_words);
        return NULL;
    }
    if (count != 1 + arguments_of(question)) {
        xf_notice_putf(out_words, "Please ask: %s %s", question->name, question->args);
        return NULL;
    }
    *out_request = request_of(question, words + 1);
    return question;
}
