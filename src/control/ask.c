/* SPDX-License-Identifier: MIT */
/*
 * ask.c — questions of xfedd itself, for its page: the same verbs and rows that programs at the
 * socket get. The verb runs in a turn of its own, and takes the next part of a long answer in
 * another one, so the loop does the same for both.
 */
#include "control_priv.h"

#include <string.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

struct xf_own_question {
    struct xf_client client;
    json_t *request; /* NULL: it has been asked */
    xf_control_line_fn hear;
    void *owner;
};

static struct xf_own_question *question_of(struct xf_client *client)
{
    return XF_CONTAINER(client, struct xf_own_question, client);
}

static void end(struct xf_client *client)
{
    struct xf_own_question *question = question_of(client);
    xf_client_end_verb(client, "gone");
    xf_timer_stop(&client->turn);
    xf_list_remove(&client->node);
    json_decref(question->request);
    xf_free(question);
}

static void next_turn(struct xf_client *client)
{
    xf_timer_start(client->control->timers, &client->turn, 0);
}

static void on_turn(void *owner)
{
    struct xf_client *client = owner;
    struct xf_own_question *question = question_of(client);
    json_t *request = question->request;
    question->request = NULL;
    if (request)
        xf_client_run(client, request);
    else if (client->go_on)
        client->go_on(client);
    else if (client->is_over)
        end(client);
}

static bool write_line(struct xf_client *client, const json_t *line)
{
    struct xf_own_question *question = question_of(client);
    question->hear(question->owner, line);
    next_turn(client);
    return true;
}

static bool is_busy(const struct xf_client *client)
{
    return xf_timer_is_running(&client->turn);
}

static void on_answered(struct xf_client *client, bool is_written)
{
    (void)is_written;
    client->is_over = true;
    next_turn(client);
}

static const struct xf_client_outlet outlet = {
    .via = "page",
    .write = write_line,
    .is_busy = is_busy,
    .answered = on_answered,
    .end = end,
};

bool xf_control_admits(struct xf_control *control, const char *token)
{
    unsigned suppressed;
    if (xf_control_token_is(&control->token, control->clock->now_ms, token))
        return true;
    if (xf_control_may_log_refusal(&control->refusals, control->timers, &suppressed))
        xf_log(XF_LOG_WARN, "control.token.refused", XF_INT("suppressed", suppressed));
    return false;
}

/* Who has the token is taken for the operator who got it. */
static void identify(struct xf_client *client, const char *token)
{
    const struct xf_control *control = client->control;
    bool may_act = token && xf_control_token_is(&control->token, control->clock->now_ms, token);
    client->right = may_act ? XF_RIGHT_ACT : XF_RIGHT_SEE;
    client->uid = may_act ? control->token.uid : geteuid();
    client->pid = may_act ? control->token.pid : getpid();
}

struct xf_own_question *xf_control_ask(struct xf_control *control, json_t *request,
                                       const char *token, xf_control_line_fn hear, void *owner)
{
    struct xf_own_question *question = xf_new(struct xf_own_question);
    struct xf_client *client = &question->client;
    question->request = request;
    question->hear = hear;
    question->owner = owner;
    client->control = control;
    client->outlet = &outlet;
    identify(client, token);
    xf_timer_init(&client->turn, on_turn, client);
    xf_list_push(&control->clients, &client->node);
    next_turn(client);
    return question;
}

void xf_control_unask(struct xf_own_question *question)
{
    end(&question->client);
}
