/* SPDX-License-Identifier: MIT */
/*
 * fake_env.h — a struct xf_env without a system: a clock that the test moves, real timers on it,
 * conns in memory (fake_conn.h), ids that count up, and the log lines that were written.
 *
 * Nothing happens by itself: each fake_ call that stands for an event of the world ends with a turn
 * of the loop (fake_env_run): output leaves, closed events come, timers that are due fire, until
 * there is nothing left to do.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/log.h>
#include <xfed/stream/env.h>

struct fake_env {
    /* first: env->connect and the like find the fake behind it; set env.dns yourself */
    struct xf_env env;
    struct xf_clock clock;
    struct xf_node conns;  /* struct fake_conn, oldest first, dead ones included */
    unsigned first_minute; /* of the week, when the clock was made; a test may set it */
    unsigned ids;          /* how many make_id made */
    /* every connect ends REFUSED by itself, in the turn it was asked for */
    bool refuses_connections;
    char **log; /* every line since fake_env_forget_log */
    size_t log_count, log_room;
    bool runs; /* within fake_env_run */
};

/* Becomes the sink of the log. */
void fake_env_init(struct fake_env *fake);

/*
 * Every conn must be closed by the code under test and no timer may run: aborts with words
 * otherwise.
 */
void fake_env_fini(struct fake_env *fake);

/*
 * Turns of the loop until nothing is left to do at this instant. Called from within one: nothing.
 */
void fake_env_run(struct fake_env *fake);

/* Move the clock, stopping at each timer on the way. */
void fake_env_advance(struct fake_env *fake, uint64_t ms);

/* How many lines have this event and contain `text` ("" for any)? */
size_t fake_env_logged(const struct fake_env *fake, const char *event, const char *text);
void fake_env_forget_log(struct fake_env *fake);
