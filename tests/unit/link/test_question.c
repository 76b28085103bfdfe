/* SPDX-License-Identifier: MIT */
/* Questions of our own to the local server: which stanzas of the cluster answer them. */
#include "question_priv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FAR XF_LINK_FAR_DOMAIN

static void make_id(struct xf_env *env, char out[XF_ID_CHARS + 1])
{
    (void)env;
    memcpy(out, "ABCDEFGHIJKLMNOPQRST-_", XF_ID_CHARS + 1);
}

static struct xf_env env = {.make_id = make_id};
static unsigned answered;

static void on_answer(void *owner, const struct xf_stanza *answer)
{
    (void)owner, (void)answer;
    answered++;
}

#define KEY "abcdefghijklmnopqrst-_"

static const struct {
    const char *label;
    enum xf_stanza_kind kind;
    const char *type, *id, *to;
    bool is_taken;
    unsigned answered;
} cases[] = {
    {"the answer", XF_STANZA_IQ, "result", "xfedd-ask-" KEY "-1", "gw.a.example", true, 1},
    {"an error is one too", XF_STANZA_IQ, "error", "xfedd-ask-" KEY "-1", "gw.a.example", true, 1},
    {"another number", XF_STANZA_IQ, "result", "xfedd-ask-" KEY "-2", "gw.a.example", false, 0},
    {"a request", XF_STANZA_IQ, "get", "xfedd-ask-" KEY "-1", "gw.a.example", false, 0},
    {"a message", XF_STANZA_MESSAGE, "error", "xfedd-ask-" KEY "-1", "gw.a.example", false, 0},
    {"an answer to a peer", XF_STANZA_IQ, "result", "x", "v@b.example", false, 0},
    {"to who asked from far", XF_STANZA_PRESENCE, "unsubscribed", NULL, "xfedd-ask-" KEY "-1@" FAR,
     true, 1},
    {"from far, of another gateway", XF_STANZA_PRESENCE, NULL, NULL, "xfedd-ask-z-1@" FAR, true, 0},
    {"a domain that ends like it", XF_STANZA_PRESENCE, NULL, NULL, "v@b." FAR, false, 0},
    {"a user writes there", XF_STANZA_PRESENCE, NULL, NULL, "me@" FAR, false, 0},
    {"no user", XF_STANZA_PRESENCE, NULL, NULL, FAR, false, 0},
    {"no address", XF_STANZA_PRESENCE, NULL, NULL, NULL, false, 0},
};

START_TEST(takes_answers_to_us_alone)
{
    struct xf_questions questions = {0};
    struct xf_link_question question = {.answered = on_answer};
    xf_questions_init(&questions);
    xf_questions_add(&questions, &env, &question);
    answered = 0;
    const struct xf_stanza stanza = {.kind = cases[_i].kind,
                                     .type = xf_span_of(cases[_i].type),
                                     .id = xf_span_of(cases[_i].id),
                                     .raw_to = xf_span_of(cases[_i].to)};
    ck_assert_msg(xf_questions_take(&questions, &stanza) == cases[_i].is_taken, "%s",
                  cases[_i].label);
    ck_assert_msg(answered == cases[_i].answered, "%s", cases[_i].label);
    /* A second one is nobody's, and from far it is not for a peer all the same. */
    bool again = xf_questions_take(&questions, &stanza);
    ck_assert_msg(answered == cases[_i].answered, "%s: again", cases[_i].label);
    ck_assert_msg(!again || cases[_i].kind == XF_STANZA_PRESENCE, "%s: again", cases[_i].label);
    xf_questions_fini(&questions);
}
END_TEST

START_TEST(forgets)
{
    struct xf_questions questions = {0};
    struct xf_link_question question = {.answered = on_answer};
    xf_questions_init(&questions);
    xf_questions_add(&questions, &env, &question);
    const struct xf_stanza stanza = {
        .kind = XF_STANZA_IQ, .type = XF_SPAN("result"), .id = xf_span_of(question.id)};
    answered = 0;
    xf_link_forget(&question);
    ck_assert(!xf_questions_take(&questions, &stanza));
    ck_assert_uint_eq(answered, 0);
    xf_questions_fini(&questions);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("question");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, takes_answers_to_us_alone, 0, XF_ARRAY_LEN(cases));
    tcase_add_test(tcase, forgets);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
