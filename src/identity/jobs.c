/* SPDX-License-Identifier: MIT */
/*
 * jobs.c — what runs on the thread pool: a look at the file (watch.c), a reading of the directory, a batch of questions. One of each at a time, each with
 * what it touches of its own; results are taken over on the loop.
 *
 * The directory is read at the start, every `refresh`, and when it was away until it answers; while it is away nobody is asked, so that no stanza waits for
 * a server of which we know that it is not there.
 * New settings are taken over when no job uses the old ones.
 */
#include "identity_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/log.h>

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

static void load_begin(struct xf_identity *identity);

void xf_job_run(struct xf_identity *identity, void (*work)(void *owner), void (*done)(void *owner), void *owner)
{
    identity->opts.pool.work(identity->opts.pool.pool, work, done, owner);
}

void xf_notes_log(struct xf_notes *notes)
{
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        xf_log(XF_LOG_WARN, "identity.user.ambiguous", XF_STR("detail", notes->line[i]));
    if (notes->count > XF_NOTES_MAX)
        xf_log(XF_LOG_WARN, "identity.user.ambiguous", XF_STR("detail", "there are more"), XF_INT("suppressed", notes->count - XF_NOTES_MAX));
    xf_notes_release(notes);
}

/* ------------------------------------------------------------------ the directory, whole */

static bool is_away_by(enum xf_err result)
{
    return result == XF_ERR_IO || result == XF_ERR_TIMEOUT || result == XF_ERR_TLS || result == XF_ERR_REFUSED || result == XF_ERR_CONFIG;
}

static void set_away(struct xf_identity *identity, const char *detail)
{
    if (!identity->is_away)
        xf_log(XF_LOG_WARN, "identity.directory.lost", XF_STR("detail", detail),
               XF_WORD("advice", "what is known stays in force; see directory { uri start-tls ca-file bind-dn password-file }"));
    identity->is_away = true;
    if (identity->file_job.is_known)
        xf_asks_end(identity);
}

static void set_here(struct xf_identity *identity)
{
    if (identity->is_away)
        xf_log(XF_LOG_INFO, "identity.directory.found", XF_STR("server", identity->directory->uri));
    identity->is_away = false;
}

static void load_work(void *owner)
{
    struct xf_load_job *job = owner;
    bool was_open = job->directory.ld != NULL;
    job->result = xf_directory_load(&job->directory, &job->loaded, &job->err);
    if (job->result == XF_ERR_IO && was_open && !job->directory.ld) /* an idle connection ended */
        job->result = xf_directory_load(&job->directory, &job->loaded, &job->err);
}

static void take_loaded(struct xf_identity *identity)
{
    struct xf_load_job *job = &identity->load_job;
    set_here(identity);
    if (job->loaded.users) {
        xf_table_free(&identity->users);
        identity->users = job->loaded.users;
        job->loaded.users = NULL;
        xf_cache_clear(identity->cache); /* older than what was read now */
    }
    xf_map_free(&identity->members);
    identity->members = job->loaded.members;
    job->loaded.members = NULL;
    xf_log(XF_LOG_INFO, "identity.directory.loaded", XF_INT("users", xf_table_count(identity->users)),
           XF_INT("bytes", identity->users ? xf_table_bytes(identity->users) : 0), XF_INT("members", xf_map_count(identity->members)),
           XF_INT("ambiguous", job->loaded.notes.count), XF_INT("ms", xf_identity_now(identity) - job->began_ms));
    xf_notes_log(&job->loaded.notes);
}

static void load_failed(struct xf_identity *identity)
{
    struct xf_load_job *job = &identity->load_job;
    if (is_away_by(job->result))
        set_away(identity, job->err.detail);
    else
        xf_log(XF_LOG_ERROR, "identity.directory.refused", XF_STR("detail", job->err.detail));
}

static bool take_next_directory(struct xf_identity *identity);

static void load_on_timer(void *owner)
{
    load_begin(owner);
}

static void load_done(void *owner)
{
    struct xf_load_job *job = owner;
    struct xf_identity *identity = XF_CONTAINER(job, struct xf_identity, load_job);
    uint64_t next_ms = job->retry_ms;
    job->is_running = false;
    if (atomic_load(&identity->stop))
        return;
    if (take_next_directory(identity))
        return;
    if (job->result == XF_ERR_OK) {
        take_loaded(identity);
        next_ms = xf_rand_jitter_ms(identity->directory->refresh_ms);
        job->retry_ms = RETRY_MIN_MS;
        xf_jobs_ask(identity);
    } else {
        load_failed(identity);
        job->retry_ms = 2 * job->retry_ms < RETRY_MAX_MS ? 2 * job->retry_ms : RETRY_MAX_MS;
    }
    xf_timer_start(identity->opts.timers, &job->timer, next_ms);
}

static void load_begin(struct xf_identity *identity)
{
    struct xf_load_job *job = &identity->load_job;
    if (job->is_running || !identity->directory)
        return;
    xf_timer_stop(&job->timer);
    job->directory.conf = identity->directory;
    job->is_running = true;
    job->began_ms = xf_identity_now(identity);
    xf_job_run(identity, load_work, load_done, job);
}

/* ------------------------------------------------------------------ the directory, user by user */

static enum xf_err ask_one(struct xf_ask_job *job, size_t i)
{
    bool was_open = job->directory.ld != NULL;
    struct xf_ask_answer *answer = &job->batch[i].answer;
    enum xf_err result =
        xf_directory_ask(&job->directory, job->batch[i].ask->address, job->batch[i].kinds, answer, &job->notes, &job->err);
    if (result == XF_ERR_IO && was_open && !job->directory.ld)
        result = xf_directory_ask(&job->directory, job->batch[i].ask->address, job->batch[i].kinds, answer, &job->notes, &job->err);
    return result;
}

/* The ask is not freed while it is in a batch, and its address does not change. */
static void ask_work(void *owner)
{
    struct xf_ask_job *job = owner;
    job->result = XF_ERR_OK;
    for (size_t i = 0; i < job->count && job->result == XF_ERR_OK && !atomic_load(job->directory.stop); i++) {
        job->result = ask_one(job, i);
        job->batch[i].is_done = job->result == XF_ERR_OK;
    }
}

static void keep(struct xf_identity *identity, const struct xf_ask *ask, unsigned kinds, const struct xf_ask_answer *answer)
{
    const struct xf_conf_directory *conf = identity->directory;
    uint64_t now_ms = xf_identity_now(identity);
    if (kinds & XF_ASK_MAIL)
        xf_cache_put(identity->cache, ask->address, xf_span_of(answer->mail), now_ms + (answer->mail ? conf->cache_ms : conf->negative_cache_ms));
    if (kinds & XF_ASK_JID)
        xf_cache_put(identity->cache, xf_span_of(answer->jid), ask->address, now_ms + (answer->jid ? conf->cache_ms : conf->negative_cache_ms));
}

static void take_answers(struct xf_identity *identity)
{
    struct xf_ask_job *job = &identity->ask_job;
    for (size_t i = 0; i < job->count; i++) {
        struct xf_ask *ask = job->batch[i].ask;
        if (job->batch[i].is_done) {
            keep(identity, ask, job->batch[i].kinds, &job->batch[i].answer);
            ask->has |= job->batch[i].kinds;
        }
        xf_free(job->batch[i].answer.mail);
        xf_free(job->batch[i].answer.jid);
        if (!job->batch[i].is_done || (ask->wants & ~ask->has)) /* again, or ended with all others when the directory is away */
            xf_ask_queue(ask);
        else
            xf_ask_end(ask);
    }
    job->count = 0;
}

static void ask_done(void *owner)
{
    struct xf_ask_job *job = owner;
    struct xf_identity *identity = XF_CONTAINER(job, struct xf_identity, ask_job);
    take_answers(identity); /* who is woken asks again: not into this batch */
    job->is_running = false;
    if (atomic_load(&identity->stop))
        return;
    xf_notes_log(&job->notes);
    if (job->result != XF_ERR_OK) {
        set_away(identity, job->err.detail);
        if (!identity->load_job.is_running)
            xf_timer_start(identity->opts.timers, &identity->load_job.timer, identity->load_job.retry_ms);
    }
    if (!take_next_directory(identity))
        xf_jobs_ask(identity);
}

void xf_jobs_ask(struct xf_identity *identity)
{
    struct xf_ask_job *job = &identity->ask_job;
    if (job->is_running || !identity->file_job.is_known || !identity->directory || identity->is_away || identity->has_next)
        return;
    struct xf_ask *ask;
    while (job->count < XF_BATCH && (ask = xf_ask_next(identity))) {
        xf_list_remove(&ask->node);
        job->batch[job->count].ask = ask;
        job->batch[job->count].kinds = ask->wants & ~ask->has;
        job->batch[job->count].is_done = false;
        job->batch[job->count++].answer = (struct xf_ask_answer){NULL, NULL};
    }
    if (job->count == 0)
        return;
    job->directory.conf = identity->directory;
    job->is_running = true;
    xf_job_run(identity, ask_work, ask_done, job);
}

/* ------------------------------------------------------------------ settings, life */

/* True when there was a change and it was made now. */
static bool take_next_directory(struct xf_identity *identity)
{
    if (!identity->has_next || identity->load_job.is_running || identity->ask_job.is_running)
        return false;
    xf_loaded_release(&identity->load_job.loaded);
    xf_directory_close(&identity->load_job.directory);
    xf_directory_close(&identity->ask_job.directory);
    xf_timer_stop(&identity->load_job.timer);
    xf_directory_free(&identity->directory);
    identity->directory = identity->next;
    identity->next = NULL;
    identity->has_next = identity->is_away = false;
    xf_cache_free(&identity->cache);
    if (!identity->directory || !identity->directory->preload) /* else the old users answer until the new are read */
        xf_table_free(&identity->users);
    if (!identity->directory) {
        xf_map_free(&identity->members);
        if (identity->file_job.is_known)
            xf_asks_end(identity);
        return true;
    }
    identity->cache = xf_cache_new(identity->directory->cache_entries);
    identity->load_job.retry_ms = RETRY_MIN_MS;
    load_begin(identity);
    xf_jobs_ask(identity);
    return true;
}

void xf_jobs_set_directory(struct xf_identity *identity, struct xf_conf_directory *taken)
{
    const struct xf_conf_directory *current = identity->has_next ? identity->next : identity->directory;
    if (xf_directory_eq(current, taken)) {
        xf_directory_free(&taken);
        load_begin(identity);
        return;
    }
    xf_directory_free(&identity->next);
    identity->next = taken;
    identity->has_next = true;
    (void)take_next_directory(identity);
}

void xf_jobs_init(struct xf_identity *identity)
{
    xf_watch_init(identity);
    xf_timer_init(&identity->load_job.timer, load_on_timer, identity);
    identity->load_job.directory.stop = identity->ask_job.directory.stop = &identity->stop;
    identity->load_job.retry_ms = RETRY_MIN_MS;
}

void xf_jobs_fini(struct xf_identity *identity)
{
    xf_watch_fini(identity);
    xf_timer_stop(&identity->load_job.timer);
    xf_directory_close(&identity->load_job.directory);
    xf_directory_close(&identity->ask_job.directory);
    xf_loaded_release(&identity->load_job.loaded);
    xf_notes_release(&identity->ask_job.notes);
    xf_directory_free(&identity->directory);
    xf_directory_free(&identity->next);
}
