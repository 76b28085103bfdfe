/* SPDX-License-Identifier: MIT */
/*
 * fake_env.h — a struct xf_env without an operating system: a clock that the test moves, real
 * timers on that clock, conns in memory (fake_conn.h), ids that count up, and the log lines that
 * were written.
 *
 * Nothing happens by itself. Each fake_ call that stands for an event of the outside world ends
 * with fake_env_run, which makes turns of the loop: output leaves, closed events come, timers that
 * are due fire, until nothing is left to do.
 */
#pragma once

#include <xfed/base/list.h>
#include <xfed/base/log.h>
#include <xfed/stream/env.h>

struct fake_env {
    /*
     * Comes first, so that env->connect and the like find the fake around it. Set env.dns yourself.
     */
    struct xf_env env;
    struct xf_clock clock;
    struct xf_node conns;  /* struct fake_conn, oldest first, also closed ones */
    unsigned first_minute; /* minute of the week at which the clock began; a test may set it */
    int64_t stopped_s;     /* seconds during which its clock stood still; a test may set it */
    unsigned ids;          /* how many ids make_id has made */
    /* Every connect ends with REFUSED by itself, in the turn in which it was asked for. */
    bool refuses_connections;
    bool holds_judgements; /* of certificates: they are answered once it is false again */
    char *quarantined;     /* the last record; NULL: none */
    char **log;            /* every line since fake_env_forget_log */
    size_t log_count, log_room;
    bool runs; /* fake_env_run is under way */
};

/* Log lines go to it from now on. */
void fake_env_init(struct fake_env *fake);

/*
 * By now the code under test must have closed every conn and stopped every timer; aborts with words
 * otherwise.
 */
void fake_env_fini(struct fake_env *fake);

/*
 * Make turns of the loop until nothing is left to do at this instant. Does nothing when it is
 * called in such a turn.
 */
void fake_env_run(struct fake_env *fake);

/* Move the clock, stopping at each timer on the way. */
void fake_env_advance(struct fake_env *fake, uint64_t ms);

/* How many lines have this event and contain `text` ("" for any)? */
size_t fake_env_logged(const struct fake_env *fake, const char *event, const char *text);
void fake_env_forget_log(struct fake_env *fake);
