/* SPDX-License-Identifier: MIT */
/* test_turns.c — whose turn it is, and when. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/limits/turns.h>

#define EACH_MS  10
#define SAVED_MS 20
#define NAMES    16

static struct xf_clock the_clock;
static struct xf_timers *timers;
static struct xf_turns turns;
static struct waiter {
    struct xf_turn turn;
    char name[8];      /* the first character is the owner's */
    const char *again; /* taken once more when its turn comes; "-NAME": that one leaves */
} waiters[NAMES];
static char heard[512];

/*
 * "+a1": a1, of the owner a, takes a turn; "+a1=a2": and a2 when it comes; "-a1" leaves; ">30": so
 * much time passes. Heard is each that may, with the time.
 */
static const struct {
    const char *label, *script, *heard;
} cases[] = {
    {"what is saved up passes at once", ">50 +a1 +a2 +a3", "a1@50 a2@50 a3@50"},
    {"the next one waits", ">50 +a1 +a2 +a3 +a4 >9 >1", "a1@50 a2@50 a3@50 a4@60"},
    {"no more is saved up, however long nobody came", ">9999 +a1 +a2 +a3 +a4 >10",
     "a1@9999 a2@9999 a3@9999 a4@10009"},
    {"owners come in turn", ">50 +x1 +x2 +x3 +a1 +a2 +a3 +b1 >100",
     "x1@50 x2@50 x3@50 a1@60 b1@70 a2@80 a3@90"},
    {"... also one that comes again", ">50 +x1 +x2 +x3 +a1=a4 +a2 +b1=b2 >100",
     "x1@50 x2@50 x3@50 a1@60 b1@70 a2@80 b2@90 a4@100"},
    {"who waits alone waits for itself alone", ">50 +x1 +x2 +x3 +a1 >10 >10 +b1",
     "x1@50 x2@50 x3@50 a1@60 b1@70"},
    {"who comes last waits as well, while another waits", ">50 +x1 +x2 +x3 +a1 >9 +b1 >1 >10",
     "x1@50 x2@50 x3@50 a1@60 b1@70"},
    {"time that was late is made up for", ">50 +x1 +x2 +x3 +a1 +a2 +a3 >35",
     "x1@50 x2@50 x3@50 a1@85 a2@85 a3@85"},
    {"who leaves is not called", ">50 +x1 +x2 +x3 +a1 +a2 -a1 >50", "x1@50 x2@50 x3@50 a2@60"},
    {"... and leaves no turn unused", ">50 +x1 +x2 +x3 +a1 +b1 -a1 >10", "x1@50 x2@50 x3@50 b1@60"},
    {"the last one leaves", ">50 +x1 +x2 +x3 +a1 -a1 >10 +b1", "x1@50 x2@50 x3@50 b1@60"},
    {"who does not wait may leave", "-a1 >50 +a1 -a1", "a1@50"},
    {"another one leaves while one's turn comes", ">50 +x1 +x2 +x3 +a1=-b1 +b1 +c1 >50",
     "x1@50 x2@50 x3@50 a1@60 c1@70"},
    {"one takes a turn again", ">50 +x1 +x2 +x3 +a1 >10 +a1 >10", "x1@50 x2@50 x3@50 a1@60 a1@70"},
};

static struct waiter *waiter_of(const char *name, size_t len)
{
    size_t i = 0;
    while (waiters[i].name[0] &&
           !(strlen(waiters[i].name) == len && memcmp(waiters[i].name, name, len) == 0))
        i++;
    ck_assert_uint_lt(i, NAMES);
    ck_assert_uint_lt(len, sizeof(waiters[i].name));
    memcpy(waiters[i].name, name, len);
    return &waiters[i];
}

static void say(const struct waiter *waiter)
{
    size_t len = strlen(heard);
    snprintf(heard + len, sizeof(heard) - len, "%s%s@%llu", len ? " " : "", waiter->name,
             (unsigned long long)the_clock.now_ms);
}

static void take(struct waiter *waiter)
{
    if (xf_turns_take(&turns, (struct xf_span){waiter->name, 1}, &waiter->turn))
        say(waiter);
    else
        ck_assert(xf_turn_waits(&waiter->turn));
}

static void on_come(struct xf_turn *turn)
{
    struct waiter *waiter = XF_CONTAINER(turn, struct waiter, turn);
    const char *again = waiter->again;
    ck_assert(!xf_turn_waits(turn));
    say(waiter);
    if (!again)
        return;
    waiter->again = NULL;
    if (*again == '-')
        xf_turns_leave(&waiter_of(again + 1, 2)->turn);
    else
        take(waiter_of(again, 2));
}

static void play(const char *word)
{
    const char *equals = strchr(word, '=');
    if (*word == '>') {
        the_clock.now_ms += strtoull(word + 1, NULL, 10);
        xf_timers_run(timers);
        return;
    }
    struct waiter *waiter = waiter_of(word + 1, 2);
    waiter->again = equals ? equals + 1 : NULL;
    if (*word == '+')
        take(waiter);
    else
        xf_turns_leave(&waiter->turn);
}

/* What is due in a step of time is heard at its end: a long step is played in short ones. */
static void play_all(char *script)
{
    char *rest = NULL;
    for (char *word = strtok_r(script, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        unsigned long long ms = *word == '>' ? strtoull(word + 1, NULL, 10) : 0;
        for (; ms > 0 && ms % EACH_MS == 0 && ms <= 100; ms -= EACH_MS)
            play(">10");
        if (ms > 0 || *word != '>')
            play(word);
    }
}

START_TEST(turns_come)
{
    char script[256];
    snprintf(script, sizeof(script), "%s", cases[_i].script);
    memset(waiters, 0, sizeof(waiters));
    heard[0] = '\0';
    the_clock.now_ms = 0;
    timers = xf_timers_new(&the_clock);
    xf_turns_init(&turns, &the_clock, timers, EACH_MS, SAVED_MS, on_come);
    play_all(script);
    ck_assert_msg(strcmp(heard, cases[_i].heard) == 0, "%s: heard %s", cases[_i].label, heard);
    for (size_t i = 0; i < NAMES; i++)
        xf_turns_leave(&waiters[i].turn);
    ck_assert_uint_eq(xf_timers_next_ms(timers), UINT64_MAX);
    xf_turns_fini(&turns);
    xf_timers_free(&timers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turns");
    TCase *tests = tcase_create("turns");
    tcase_add_loop_test(tests, turns_come, 0, sizeof(cases) / sizeof(cases[0]));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
