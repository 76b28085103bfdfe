/* SPDX-License-Identifier: MIT */
/*
 * fake_env.c — the outside world of a test: clock, turns of the loop, ids, log.
 *
 * A turn has the order of net's loop: the caller delivered the input; now timers that are due fire,
 * then the output of every conn leaves, then closed events come. fake_env_run repeats this until a
 * turn does nothing.
 */
#include "fake_env.h"
#include "fake_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include <xfed/base/alloc.h>
#include <xfed/xml/reader.h>

#define FIRST_MS  1000000 /* any time but 0 */
#define TURNS_MAX 10000

_Noreturn static void fail(const char *words)
{
    fprintf(stderr, "fake_env: %s\n", words);
    abort();
}

static void make_id(struct xf_env *env, char out[XF_ID_CHARS + 1])
{
    struct fake_env *fake = (struct fake_env *)env;
    (void)snprintf(out, XF_ID_CHARS + 1, "id%020u", ++fake->ids);
}

/* The first second of the fake's life is 2026-01-01T00:00:00Z. */
static int64_t unix_s(struct xf_env *env)
{
    const struct fake_env *fake = (struct fake_env *)env;
    return 1767225600 + (int64_t)(fake->clock.now_ms - FIRST_MS) / 1000 + fake->stopped_s;
}

static void quarantine(struct xf_env *env, const char *file, struct xf_span record)
{
    struct fake_env *fake = (struct fake_env *)env;
    (void)file;
    xf_free(fake->quarantined);
    fake->quarantined = xf_span_dup(record);
}

static unsigned minute_of_week(struct xf_env *env)
{
    struct fake_env *fake = (struct fake_env *)env;
    return (unsigned)((fake->first_minute + (fake->clock.now_ms - FIRST_MS) / 60000) %
                      (7 * 24 * 60));
}

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    struct fake_env *fake = owner;
    (void)level;
    (void)event;
    if (fake->log_count == fake->log_room) {
        fake->log_room = fake->log_room ? 2 * fake->log_room : 64;
        fake->log = xf_realloc(fake->log, fake->log_room * sizeof(*fake->log));
    }
    fake->log[fake->log_count++] = xf_strdup(line);
    if (getenv("FAKE_LOG"))
        fprintf(stderr, "%8llu %s\n", (unsigned long long)(fake->clock.now_ms - FIRST_MS), line);
}

void fake_env_init(struct fake_env *fake)
{
    *fake = (struct fake_env){.clock = {.now_ms = FIRST_MS}};
    xf_list_init(&fake->conns);
    fake->env = (struct xf_env){
        .clock = &fake->clock,
        .timers = xf_timers_new(&fake->clock),
        .parsers = xf_parsers_new(),
        .connect = fake_conn_connect,
        .start_tls = fake_conn_start_tls,
        .judge_tls = fake_conn_judge_tls,
        .minute_of_week = minute_of_week,
        .unix_s = unix_s,
        .make_id = make_id,
        .quarantine = quarantine,
    };
    xf_log_set_level(XF_LOG_DEBUG);
    xf_log_set_sink(on_log, fake);
}

void fake_env_fini(struct fake_env *fake)
{
    xf_free(fake->quarantined);
    XF_LIST_EACH_SAFE (node, &fake->conns) {
        struct fake_conn *conn = XF_CONTAINER(node, struct fake_conn, node);
        if (conn->conn)
            fail("a conn is still open");
        xf_list_remove(node);
        fake_conn_free(conn);
    }
    xf_lines_fini(&fake->env.lines);
    if (xf_timers_next_ms(fake->env.timers) != UINT64_MAX)
        fail("a timer is still running");
    xf_timers_free(&fake->env.timers);
    xf_parsers_free(&fake->env.parsers);
    fake_env_forget_log(fake);
    xf_free(fake->log);
    fake->log = NULL;
    xf_log_set_sink(NULL, NULL);
}

static bool turn(struct fake_env *fake)
{
    bool was_busy = false;
    if (xf_timers_next_ms(fake->env.timers) <= fake->clock.now_ms) {
        xf_timers_run(fake->env.timers);
        was_busy = true;
    }
    XF_LIST_EACH (node, &fake->conns) /* this only adds conns, at the end */
        was_busy |= fake_conn_turn(XF_CONTAINER(node, struct fake_conn, node));
    return was_busy;
}

void fake_env_run(struct fake_env *fake)
{
    if (fake->runs)
        return;
    fake->runs = true;
    for (unsigned turns = 0; turn(fake); turns++) {
        if (turns == TURNS_MAX)
            fail("the loop does not come to rest");
    }
    fake->runs = false;
}

void fake_env_advance(struct fake_env *fake, uint64_t ms)
{
    uint64_t until_ms = fake->clock.now_ms + ms;
    fake_env_run(fake);
    for (;;) {
        uint64_t next_ms = xf_timers_next_ms(fake->env.timers);
        if (next_ms > until_ms)
            break;
        if (next_ms > fake->clock.now_ms)
            fake->clock.now_ms = next_ms;
        fake_env_run(fake);
    }
    fake->clock.now_ms = until_ms;
    fake_env_run(fake);
}

/* "level event key=..." */
static bool has_event(const char *line, const char *event)
{
    const char *word = strchr(line, ' ');
    size_t len = strlen(event);
    return word && strncmp(word + 1, event, len) == 0 &&
           (word[1 + len] == ' ' || word[1 + len] == '\0');
}

size_t fake_env_logged(const struct fake_env *fake, const char *event, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < fake->log_count; i++)
        count += has_event(fake->log[i], event) && strstr(fake->log[i], text);
    return count;
}

void fake_env_forget_log(struct fake_env *fake)
{
    while (fake->log_count)
        xf_free(fake->log[--fake->log_count]);
}
