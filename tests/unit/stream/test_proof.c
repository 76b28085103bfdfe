/* SPDX-License-Identifier: MIT */
/*
 * test_proof.c — stanzas that went out: when a question is asked, what an answer proves, what comes
 * back when the stream ends, and what is kept where no answer is known to come. Each test is a list
 * of steps; what happened is a text.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/stream/proof.h>

static struct xf_clock test_clock;
static struct xf_env env;
static struct xf_stream stream;
static struct xf_conn conn;
static struct xf_proof proof;
static struct xf_sender sender;
static struct xf_stanza_sum shared;
static char said[512];
static bool is_held_up, is_elsewhere;

/* `number` 0: none. */
static void say(const char *word, uint64_t number)
{
    size_t len = strlen(said);
    if (number)
        (void)snprintf(said + len, sizeof(said) - len, "%s%llu ", word, (unsigned long long)number);
    else
        (void)snprintf(said + len, sizeof(said) - len, "%s ", word);
}

static bool on_ask(struct xf_proof *p, unsigned number)
{
    (void)p;
    say("ask", number);
    return true;
}

static bool on_held_up(const struct xf_proof *p)
{
    (void)p;
    return is_held_up;
}

static void on_unanswered(struct xf_proof *p)
{
    (void)p;
    say("unanswered", 0);
}

static bool on_dead(struct xf_proof *p)
{
    (void)p;
    if (!is_elsewhere)
        say("dead", 0);
    return !is_elsewhere;
}

static void on_relieved(struct xf_proof *p)
{
    (void)p;
    say("relieved", 0);
}

static const struct xf_proof_ops ops = {
    .ask = on_ask,
    .is_held_up = on_held_up,
    .unanswered = on_unanswered,
    .dead = on_dead,
    .relieved = on_relieved,
};

static void on_back(struct xf_sender *s, struct xf_stanza_copy *copy, enum xf_fate fate)
{
    (void)s;
    say(fate == XF_FATE_UNSENT ? "unsent" : "unproved", copy->number);
    xf_free(copy);
}

static void on_settled(struct xf_sender *s)
{
    (void)s;
    say("settled", 0);
}

static size_t unacknowledged; /* of what left, by the other side's TCP */

static uint64_t arrived(const struct xf_conn *c)
{
    return xf_conn_left(c) - unacknowledged;
}

static const struct xf_conn_ops conn_ops = {.arrived = arrived};

static void set_up(void)
{
    test_clock.now_ms = 1000;
    env = (struct xf_env){.clock = &test_clock, .timers = xf_timers_new(&test_clock)};
    conn = (struct xf_conn){.ops = &conn_ops};
    unacknowledged = 0;
    xf_buf_init(&conn.out, XF_CONN_OUT_MAX);
    stream = (struct xf_stream){.env = &env, .conn = &conn, .conn_end = XF_CONN_END_RESET};
    sender = (struct xf_sender){.back = on_back, .settled = on_settled};
    shared = (struct xf_stanza_sum){0};
    xf_proof_init(&proof, &stream, &ops, &shared);
    said[0] = '\0';
    is_held_up = is_elsewhere = false;
}

static void tear_down(void)
{
    if (xf_proof_is_pending(&proof))
        xf_proof_closed(&proof, true);
    xf_proof_fini(&proof);
    ck_assert_uint_eq(shared.count, 0);
    ck_assert_uint_eq(shared.bytes, 0);
    ck_assert(xf_timers_next_ms(env.timers) == UINT64_MAX);
    xf_timers_free(&env.timers);
    xf_buf_release(&conn.out);
}

/* One stanza of about `bytes`, written to the conn. */
static void write_stanza(size_t bytes)
{
    char *body = xf_alloc(bytes + 1);
    memset(body, 'x', bytes);
    struct xf_stanza stanza = {.payload = {body, bytes}};
    stanza.from = stanza.to =
        (struct xf_jid){.full = XF_SPAN("a.example"), .domain = XF_SPAN("a.example")};
    xf_buf_append_span(&conn.out, stanza.payload);
    xf_proof_sent(&proof, &sender, &stanza, NULL);
    xf_free(body);
}

/* The system takes this much of what waits. */
static void leave(size_t bytes)
{
    conn.taken_bytes += bytes;
    xf_buf_consume(&conn.out, bytes);
}

static void move_clock(uint64_t ms)
{
    for (uint64_t end_ms = test_clock.now_ms + ms; test_clock.now_ms < end_ms;) {
        uint64_t next_ms = xf_timers_next_ms(env.timers);
        test_clock.now_ms = next_ms < end_ms ? next_ms : end_ms;
        xf_timers_run(env.timers);
    }
}

enum act {
    END,
    BY,        /* n: enum xf_proof_by; sure */
    SEND,      /* n: bytes */
    LEAVE,     /* n: bytes that the system takes */
    UNSURE,    /* n: bytes behind these that it may have taken */
    WAIT,      /* n: ms */
    STALL,     /* n: ms in which the process stands still: timers fire behind them */
    ANSWER,    /* n: number of the ping */
    ACK,       /* n: h; `text` "limit" when it is refused */
    HELD,      /* n: our reading is held up */
    ELSEWHERE, /* n: answers may come to another node */
    ROOM,      /* n: what is kept where nobody knows whether an answer comes */
    UNACKED,   /* n: bytes that TCP has not acknowledged */
    FULL,      /* n: limit of stanzas; `text` "full" or "room" */
    CLOSED,    /* n: is_clean */
    SAID,      /* text: what happened since the last time */
};

struct step {
    enum act act;
    uint64_t n;
    const char *text;
};

static const struct {
    const char *label;
    struct step steps[16];
} tests[] = {
    /* clang-format off */
    {"one question for a burst, a quarter of a second later", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {SEND, 10, ""}, {SAID, 0, ""}, {WAIT, 249, ""}, {SAID, 0, ""}, {WAIT, 1, ""}, {SAID, 0, "ask1 "},
        {WAIT, 1000, ""}, {SAID, 0, ""}, {ACK, 2, ""}, {SAID, 0, "settled "}, {WAIT, 60000, ""}, {SAID, 0, ""}}},
    {"many bytes are asked for at once", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 40000, ""}, {SEND, 40000, ""}, {SAID, 0, "ask1 "}, {SEND, 10, ""}, {WAIT, 250, ""}, {SAID, 0, "ask2 "},
        {ACK, 2, ""}, {SAID, 0, ""}, {ACK, 3, ""}, {SAID, 0, "settled "}}},
    {"no more than eight questions", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 70000, ""}, {SEND, 70000, ""}, {SEND, 70000, ""}, {SEND, 70000, ""}, {SEND, 70000, ""}, {SEND, 70000, ""},
        {SEND, 70000, ""}, {SEND, 70000, ""}, {SEND, 70000, ""}, {SAID, 0, "ask1 ask2 ask3 ask4 ask5 ask6 ask7 ask8 "}, {ACK, 1, ""}, {WAIT, 250, ""},
        {SAID, 0, "ask9 "}, {ACK, 9, ""}, {SAID, 0, "settled "}}},
    {"more than was sent, or less than before", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {SEND, 10, ""}, {ACK, 3, "limit"}, {ACK, 1, ""}, {ACK, 0, "limit"}, {ACK, 2, ""}, {SAID, 0, "settled "}}},
    {"what went out before counting began is proved by the first count", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {ACK, 2, "limit"}, {ACK, 0, ""}, {CLOSED, 0, ""},
        {SAID, 0, "unsent2 settled "}}},
    {"a ping proves what went before it", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 70000, ""}, {SEND, 10, ""}, {SAID, 0, "ask1 "}, {ANSWER, 2, ""}, {ANSWER, 1, ""}, {ANSWER, 1, ""}, {LEAVE, 70010, ""},
        {CLOSED, 0, ""}, {SAID, 0, "unproved2 settled "}}},
    {"a later answer stands for the earlier ones", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 70000, ""}, {SEND, 70000, ""}, {SAID, 0, "ask1 ask2 "}, {ANSWER, 2, ""}, {SAID, 0, "settled "},
        {ANSWER, 1, ""}, {WAIT, 60000, ""}, {SAID, 0, ""}}},
    {"silence of one who may answer elsewhere now: only TCP tells", {
        {BY, XF_PROOF_PING, "sure"}, {ELSEWHERE, 1, ""}, {SEND, 10, ""}, {WAIT, 250, ""}, {SAID, 0, "ask1 "}, {WAIT, 30000, ""}, {SAID, 0, "unanswered "}}},
    {"silence of one who answered before: dead", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {WAIT, 250, ""}, {SAID, 0, "ask1 "}, {WAIT, 29999, ""}, {SAID, 0, ""}, {WAIT, 1, ""}, {SAID, 0, "dead "}}},
    {"each answer gives the other questions their full time", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 70000, ""}, {SEND, 70000, ""}, {WAIT, 29000, ""}, {ANSWER, 1, ""}, {SAID, 0, "ask1 ask2 "}, {WAIT, 29000, ""},
        {SAID, 0, ""}, {WAIT, 1000, ""}, {SAID, 0, "dead "}}},
    {"an answer that proves nothing gives no more time", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {WAIT, 20000, ""}, {ACK, 0, ""}, {WAIT, 10249, ""}, {SAID, 0, "ask1 "}, {WAIT, 1, ""}, {SAID, 0, "dead "}}},
    {"one at a time: not for ever", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {HELD, 1, ""}, {WAIT, 119999, ""}, {SAID, 0, "ask1 "}, {ACK, 1, ""},
        {SAID, 0, ""}, {WAIT, 30000, ""}, {SAID, 0, "dead "}}},
    {"silence while we do not read says nothing", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {HELD, 1, ""}, {WAIT, 90000, ""}, {SAID, 0, "ask1 "}, {HELD, 0, ""}, {WAIT, 5000, ""}, {SAID, 0, "dead "}}},
    {"silence while we stood still says nothing", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {WAIT, 250, ""}, {STALL, 33000, ""}, {WAIT, 4999, ""}, {SAID, 0, "ask1 "}, {ANSWER, 1, ""},
        {SAID, 0, "settled "}}},
    {"... but it does afterwards", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {WAIT, 250, ""}, {STALL, 150000, ""}, {WAIT, 4999, ""}, {SAID, 0, "ask1 "}, {WAIT, 1, ""},
        {SAID, 0, "dead "}}},
    {"silence of one who never answered: nothing is kept any more", {
        {BY, XF_PROOF_PING, ""}, {SEND, 10, ""}, {LEAVE, 10, ""}, {WAIT, 30250, ""}, {SAID, 0, "ask1 settled unanswered "}, {SEND, 10, ""}, {LEAVE, 10, ""},
        {WAIT, 250, ""}, {SAID, 0, "settled "}}},
    {"... nor more than 128 KiB before that", {
        {BY, XF_PROOF_PING, ""}, {SEND, 100000, ""}, {LEAVE, 100000, ""}, {SEND, 100000, ""}, {LEAVE, 100000, ""}, {SAID, 0, "ask1 ask2 "}, {CLOSED, 0, ""},
        {SAID, 0, "unproved2 settled "}}},
    {"... nor longer than two seconds, if TCP has an acknowledgement", {
        {BY, XF_PROOF_PING, ""}, {SEND, 10, ""}, {LEAVE, 10, ""}, {WAIT, 1750, ""}, {SAID, 0, "ask1 "}, {WAIT, 250, ""}, {SAID, 0, "settled "},
        {SEND, 10, ""}, {LEAVE, 10, ""}, {UNACKED, 5, ""}, {WAIT, 2500, ""}, {CLOSED, 0, ""}, {SAID, 0, "ask2 unproved2 settled "}}},
    {"without proof: what TCP did not acknowledge comes back", {
        {BY, XF_PROOF_NONE, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {LEAVE, 25, ""}, {UNACKED, 15, ""}, {CLOSED, 0, ""},
        {SAID, 0, "unsent4 unsent3 unproved2 settled "}}},
    {"... but not what it had acknowledged during a burst", {
        {BY, XF_PROOF_NONE, ""}, {SEND, 20000, ""}, {LEAVE, 20000, ""}, {SEND, 20000, ""}, {LEAVE, 20000, ""}, {UNACKED, 40000, ""}, {CLOSED, 0, ""},
        {SAID, 0, "unproved2 settled "}}},
    {"... nor more than 128 KiB of that, where an answer may come", {
        {BY, XF_PROOF_PING, ""}, {ROOM, 1000000, ""}, {SEND, 100000, ""}, {LEAVE, 100000, ""}, {SEND, 100000, ""}, {LEAVE, 100000, ""}, {UNACKED, 200000, ""},
        {SEND, 100000, ""}, {LEAVE, 100000, ""}, {CLOSED, 0, ""}, {SAID, 0, "ask1 ask2 ask3 unproved3 unproved2 settled "}}},
    {"... or of what nobody knows whether it left", {
        {BY, XF_PROOF_NONE, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {LEAVE, 10, ""}, {UNSURE, 12, ""}, {CLOSED, 0, ""},
        {SAID, 0, "unsent3 unproved2 settled "}}},
    {"what may have left is not unsent", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {LEAVE, 10, ""}, {UNSURE, 12, ""}, {CLOSED, 0, ""},
        {SAID, 0, "unsent3 unproved2 unproved1 settled "}}},
    {"... and what left is forgotten in time", {
        {BY, XF_PROOF_NONE, ""}, {SEND, 10, ""}, {LEAVE, 10, ""}, {SEND, 10, ""}, {SAID, 0, ""}, {LEAVE, 10, ""}, {WAIT, 250, ""}, {SAID, 0, "settled "}}},
    {"a clean end proves what left, except with XEP-0198", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 10, ""}, {LEAVE, 10, ""}, {CLOSED, 1, ""}, {SAID, 0, "settled "}}},
    {"... though TCP has no acknowledgement yet for the footer and the end of TLS", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 300, ""}, {SEND, 300, ""}, {LEAVE, 616, ""}, {UNACKED, 62, ""}, {CLOSED, 1, ""}, {SAID, 0, "settled "}}},
    {"... but what else TCP had not acknowledged by then nobody has read", {
        {BY, XF_PROOF_PING, "sure"}, {SEND, 300, ""}, {SEND, 300, ""}, {SEND, 300, ""}, {LEAVE, 916, ""}, {UNACKED, 384, ""}, {CLOSED, 1, ""},
        {SAID, 0, "unproved3 unproved2 settled "}}},
    {"... where only the count counts", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {SEND, 10, ""}, {LEAVE, 20, ""}, {ACK, 1, ""}, {CLOSED, 1, ""}, {SAID, 0, "unproved2 settled "}}},
    {"full, and relieved by an answer", {
        {BY, XF_PROOF_SM, "sure"}, {SEND, 10, ""}, {FULL, 1, "room"}, {SEND, 10, ""}, {FULL, 1, "full"}, {ACK, 1, ""}, {SAID, 0, "relieved "},
        {FULL, 1, "room"}, {ACK, 2, ""}, {SAID, 0, "settled "}}},
    {"never full where no answer is known to come", {
        {BY, XF_PROOF_PING, ""}, {SEND, 10, ""}, {SEND, 10, ""}, {FULL, 1, "room"}}},
    /* clang-format on */
};

static void play(const struct step *step)
{
    bool wants = strcmp(step->text, "limit") == 0 || strcmp(step->text, "full") == 0;
    switch (step->act) {
    case END:
        break;
    case BY:
        xf_proof_by(&proof, (enum xf_proof_by)step->n, step->text[0] != '\0');
        return;
    case SEND:
        write_stanza(step->n);
        return;
    case LEAVE:
        leave(step->n);
        return;
    case UNSURE:
        conn.unsure_bytes = step->n;
        return;
    case WAIT:
        move_clock(step->n);
        return;
    case STALL:
        test_clock.now_ms += step->n;
        xf_timers_run(env.timers);
        return;
    case ANSWER:
        xf_proof_answered(&proof, (unsigned)step->n);
        return;
    case ACK:
        ck_assert((xf_proof_acked(&proof, (uint32_t)step->n) == XF_ERR_LIMIT) == wants);
        return;
    case ROOM:
        proof.unsure_bytes = step->n;
        return;
    case UNACKED:
        unacknowledged = step->n;
        return;
    case HELD:
        is_held_up = step->n != 0;
        return;
    case ELSEWHERE:
        is_elsewhere = step->n != 0;
        return;
    case FULL:
        ck_assert(xf_proof_is_full(&proof, &sender.unproved, SIZE_MAX, step->n) == wants);
        return;
    case CLOSED:
        xf_proof_closed(&proof, step->n != 0);
        return;
    case SAID:
        ck_assert_str_eq(said, step->text);
        said[0] = '\0';
        return;
    }
}

START_TEST(plays)
{
    set_up();
    for (size_t i = 0; i < XF_ARRAY_LEN(tests[0].steps); i++) {
        const struct step *step = &tests[_i].steps[i];
        if (step->act == SAID && strcmp(said, step->text) != 0)
            ck_abort_msg("%s, step %zu: got \"%s\", not \"%s\"", tests[_i].label, i, said,
                         step->text);
        if (step->act != END)
            play(step);
    }
    tear_down();
}
END_TEST

START_TEST(counts_across_the_wrap)
{
    set_up();
    xf_proof_by(&proof, XF_PROOF_SM, true);
    proof.sent_count = proof.proved_count = UINT32_MAX - 1; /* as if so many had passed */
    for (int i = 0; i < 4; i++)
        write_stanza(10);
    ck_assert(xf_proof_acked(&proof, UINT32_MAX) == XF_ERR_OK);
    ck_assert_uint_eq(sender.unproved.count, 3);
    ck_assert(xf_proof_acked(&proof, 1) == XF_ERR_OK);
    ck_assert_uint_eq(sender.unproved.count, 1);
    ck_assert(xf_proof_acked(&proof, 3) == XF_ERR_LIMIT);
    ck_assert(xf_proof_acked(&proof, 2) == XF_ERR_OK);
    ck_assert_uint_eq(sender.unproved.count, 0);
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proof");
    TCase *tcase = tcase_create("proof");
    tcase_add_loop_test(tcase, plays, 0, (int)XF_ARRAY_LEN(tests));
    tcase_add_test(tcase, counts_across_the_wrap);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
