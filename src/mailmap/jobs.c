/* SPDX-License-Identifier: MIT */
/*
 * jobs.c — the jobs on the thread pool: checking the file (watch.c), reading the directory, a batch
 * of lookups. One of each kind runs at a time, on data of its own; the loop takes over the results.
 *
 * The directory is read at the start, every `refresh`, and, after a failure, again until it
 * answers. Until then there are no lookups, so that no stanza waits for a server that is known to
 * be down. New settings take effect when no job uses the old ones.
 */
#include "mailmap_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/help.h>

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

static void load_begin(struct xf_mailmap *mailmap);

/* ------------------------------------------------------------------ the directory, whole */

static bool is_away_by(enum xf_err result)
{
    return result == XF_ERR_IO || result == XF_ERR_TIMEOUT || result == XF_ERR_TLS ||
           result == XF_ERR_REFUSED || result == XF_ERR_CONFIG;
}

static void set_away(struct xf_mailmap *mailmap, const char *detail)
{
    if (!mailmap->is_away)
        xf_log(XF_LOG_WARN, "identity.directory.lost", XF_STR("detail", detail),
               XF_HELP(XF_HELP_DIRECTORY_LOST));
    mailmap->is_away = true;
    if (mailmap->file_job.is_known)
        xf_asks_end(mailmap);
}

static void set_here(struct xf_mailmap *mailmap)
{
    if (mailmap->is_away)
        xf_log(XF_LOG_INFO, "identity.directory.found", XF_STR("server", mailmap->directory->uri));
    mailmap->is_away = false;
}

/* Of the directory that was lost nothing more will be heard. */
static void leave_lost(struct xf_mailmap *mailmap)
{
    if (mailmap->is_away)
        xf_log(XF_LOG_INFO, "identity.directory.removed",
               XF_STR("server", mailmap->directory->uri));
    mailmap->is_away = false;
}

static void load_work(void *owner)
{
    struct xf_load_job *job = owner;
    bool was_open = job->directory.ld != NULL;
    job->result = xf_directory_load(&job->directory, &job->loaded, &job->err);
    /* The server had closed an idle connection. */
    if (job->result == XF_ERR_IO && was_open && !job->directory.ld)
        job->result = xf_directory_load(&job->directory, &job->loaded, &job->err);
    xf_buf_init(&job->loaded.kept, XF_KEPT_ROWS_MAX_BYTES);
    if (job->result == XF_ERR_OK && job->directory.settings->keep)
        /* more users than fit: the others are known in memory only */
        (void)!xf_kept_rows_add_table(&job->loaded.kept, job->loaded.users);
}

static void take_loaded(struct xf_mailmap *mailmap)
{
    struct xf_load_job *job = &mailmap->load_job;
    set_here(mailmap);
    if (job->loaded.users) {
        xf_table_free(&mailmap->users);
        mailmap->users = job->loaded.users;
        job->loaded.users = NULL;
        mailmap->users_until_ms = xf_mailmap_now(mailmap) + mailmap->directory->keep_ms;
        xf_cache_drop_addresses(mailmap->cache); /* all older than what was just read */
        xf_keep_all(mailmap, &job->loaded.kept);
    }
    xf_buf_release(&job->loaded.kept);
    xf_map_free(&mailmap->members);
    mailmap->members = job->loaded.members;
    job->loaded.members = NULL;
    xf_log(XF_LOG_INFO, "identity.directory.loaded",
           XF_INT("users", xf_table_count(mailmap->users)),
           XF_INT("bytes", mailmap->users ? xf_table_bytes(mailmap->users) : 0),
           XF_INT("members", xf_map_count(mailmap->members)),
           XF_INT("ambiguous", job->loaded.notes.count),
           XF_INT("ms", xf_mailmap_now(mailmap) - job->began_ms));
    xf_notes_log(&job->loaded.notes);
}

static void load_failed(struct xf_mailmap *mailmap)
{
    struct xf_load_job *job = &mailmap->load_job;
    if (is_away_by(job->result))
        set_away(mailmap, job->err.detail);
    else
        xf_log(XF_LOG_ERROR, "identity.directory.refused", XF_STR("detail", job->err.detail),
               XF_HELP(XF_HELP_DIRECTORY_LOST));
}

static bool take_next_directory(struct xf_mailmap *mailmap);

static void load_on_timer(void *owner)
{
    load_begin(owner);
}

static void load_done(void *owner)
{
    struct xf_load_job *job = owner;
    struct xf_mailmap *mailmap = XF_CONTAINER(job, struct xf_mailmap, load_job);
    uint64_t next_ms = job->retry_ms;
    job->is_running = false;
    if (atomic_load(&mailmap->stop))
        return;
    if (take_next_directory(mailmap))
        return;
    if (job->result == XF_ERR_OK) {
        take_loaded(mailmap);
        next_ms = xf_rand_jitter_ms(mailmap->directory->refresh_ms);
        job->retry_ms = RETRY_MIN_MS;
        xf_jobs_ask(mailmap);
    } else {
        load_failed(mailmap);
        job->retry_ms = 2 * job->retry_ms < RETRY_MAX_MS ? 2 * job->retry_ms : RETRY_MAX_MS;
    }
    xf_timer_start(mailmap->opts.timers, &job->timer, next_ms);
}

static void load_begin(struct xf_mailmap *mailmap)
{
    struct xf_load_job *job = &mailmap->load_job;
    if (job->is_running || !mailmap->directory)
        return;
    xf_timer_stop(&job->timer);
    job->directory.settings = mailmap->directory;
    job->is_running = true;
    job->began_ms = xf_mailmap_now(mailmap);
    xf_pool_run(mailmap->opts.pool, load_work, load_done, job);
}

/* ------------------------------------------------------------------ the directory, user by user */

static enum xf_err ask_one(struct xf_mailmap_query_job *job, size_t i)
{
    bool was_open = job->directory.ld != NULL;
    struct xf_mailmap_query_answer *answer = &job->batch[i].answer;
    enum xf_err result = xf_directory_ask(&job->directory, job->batch[i].ask->address,
                                          job->batch[i].kinds, answer, &job->notes, &job->err);
    if (result == XF_ERR_IO && was_open && !job->directory.ld)
        result = xf_directory_ask(&job->directory, job->batch[i].ask->address, job->batch[i].kinds,
                                  answer, &job->notes, &job->err);
    return result;
}

/* A query is not freed while it is in a batch, and its address does not change. */
static void ask_work(void *owner)
{
    struct xf_mailmap_query_job *job = owner;
    job->result = XF_ERR_OK;
    for (size_t i = 0;
         i < job->count && job->result == XF_ERR_OK && !atomic_load(job->directory.stop); i++) {
        job->result = ask_one(job, i);
        job->batch[i].is_done = job->result == XF_ERR_OK;
    }
}

static void set_times(const struct xf_mailmap *mailmap, bool is_found, struct xf_cache_times *out)
{
    const struct xf_directory_settings *settings = mailmap->directory;
    uint64_t now_ms = xf_mailmap_now(mailmap);
    out->fresh_until_ms = now_ms + (is_found ? settings->cache_ms : settings->negative_cache_ms);
    out->known_until_ms = now_ms + settings->keep_ms;
}

static void keep(struct xf_mailmap *mailmap, const struct xf_mailmap_query *ask, unsigned kinds,
                 const struct xf_mailmap_query_answer *answer)
{
    struct xf_cache_times times;
    struct xf_span mail = xf_span_of(answer->mail), jid = xf_span_of(answer->jid);
    if (kinds & XF_ASK_MAIL) {
        set_times(mailmap, mail.ptr != NULL, &times);
        xf_cache_put(mailmap->cache, ask->address, mail, &times);
        /* peers make addresses up: what is nobody's is not worth a place in the file */
        if (mail.ptr || !ask->is_of_stranger)
            xf_keep_one(mailmap, ask->address, mail);
    }
    if (kinds & XF_ASK_JID) {
        set_times(mailmap, jid.ptr != NULL, &times);
        xf_cache_put(mailmap->cache, jid, ask->address, &times);
        if (jid.ptr)
            xf_keep_one(mailmap, jid, ask->address);
    }
}

static void take_answers(struct xf_mailmap *mailmap)
{
    struct xf_mailmap_query_job *job = &mailmap->ask_job;
    for (size_t i = 0; i < job->count; i++) {
        struct xf_mailmap_query *ask = job->batch[i].ask;
        if (job->batch[i].is_done) {
            keep(mailmap, ask, job->batch[i].kinds, &job->batch[i].answer);
            ask->has |= job->batch[i].kinds;
        }
        xf_free(job->batch[i].answer.mail);
        xf_free(job->batch[i].answer.jid);
        /* Ask again, or end it with all others if the directory cannot be reached. */
        if (!job->batch[i].is_done || (ask->wants & ~ask->has))
            xf_mailmap_query_queue(ask);
        else
            xf_mailmap_query_end(ask);
    }
    job->count = 0;
}

static void ask_done(void *owner)
{
    struct xf_mailmap_query_job *job = owner;
    struct xf_mailmap *mailmap = XF_CONTAINER(job, struct xf_mailmap, ask_job);
    take_answers(mailmap); /* woken waiters ask again, but not in this batch */
    xf_keep_write(mailmap);
    job->is_running = false;
    if (atomic_load(&mailmap->stop))
        return;
    xf_notes_log(&job->notes);
    if (job->result != XF_ERR_OK) {
        set_away(mailmap, job->err.detail);
        if (!mailmap->load_job.is_running)
            xf_timer_start(mailmap->opts.timers, &mailmap->load_job.timer,
                           mailmap->load_job.retry_ms);
    }
    if (!take_next_directory(mailmap))
        xf_jobs_ask(mailmap);
}

void xf_jobs_ask(struct xf_mailmap *mailmap)
{
    struct xf_mailmap_query_job *job = &mailmap->ask_job;
    if (job->is_running || !mailmap->file_job.is_known || !mailmap->directory || mailmap->is_away ||
        mailmap->has_next)
        return;
    struct xf_mailmap_query *ask;
    while (job->count < XF_BATCH && (ask = xf_mailmap_query_next(mailmap))) {
        xf_list_remove(&ask->node);
        job->batch[job->count].ask = ask;
        job->batch[job->count].kinds = ask->wants & ~ask->has;
        job->batch[job->count].is_done = false;
        job->batch[job->count++].answer = (struct xf_mailmap_query_answer){NULL, NULL};
    }
    if (job->count == 0)
        return;
    job->directory.settings = mailmap->directory;
    job->is_running = true;
    xf_pool_run(mailmap->opts.pool, ask_work, ask_done, job);
}

/* ------------------------------------------------------------------ settings, life */

bool xf_jobs_hold(const struct xf_mailmap *mailmap)
{
    return mailmap->directory && mailmap->directory->unknown == XF_UNKNOWN_HOLD;
}

static bool is_same_source(const struct xf_directory_settings *a,
                           const struct xf_directory_settings *b)
{
    char of_a[XF_SOURCE_CHARS + 1], of_b[XF_SOURCE_CHARS + 1];
    if (!a || !b)
        return false;
    xf_directory_source(a, of_a);
    xf_directory_source(b, of_b);
    return strcmp(of_a, of_b) == 0;
}

/* True if new settings were waiting and have now taken effect. */
static bool take_next_directory(struct xf_mailmap *mailmap)
{
    if (!mailmap->has_next || mailmap->load_job.is_running || mailmap->ask_job.is_running)
        return false;
    leave_lost(mailmap);
    xf_loaded_release(&mailmap->load_job.loaded);
    xf_directory_close(&mailmap->load_job.directory);
    xf_directory_close(&mailmap->ask_job.directory);
    xf_timer_stop(&mailmap->load_job.timer);
    bool is_same = is_same_source(mailmap->directory, mailmap->next);
    xf_directory_free(&mailmap->directory);
    mailmap->directory = mailmap->next;
    mailmap->next = NULL;
    mailmap->has_next = false;
    if (!is_same)
        xf_cache_free(&mailmap->cache);
    /* Otherwise the old users stay in use until the new ones are read. */
    if (!mailmap->directory || !mailmap->directory->preload)
        xf_table_free(&mailmap->users);
    if (!mailmap->directory) {
        xf_map_free(&mailmap->members);
        xf_keep_follow(mailmap);
        if (mailmap->file_job.is_known)
            xf_asks_end(mailmap);
        return true;
    }
    if (!is_same)
        mailmap->cache = xf_cache_new(mailmap->directory->cache_entries);
    xf_cache_bound(mailmap->cache, mailmap->directory->cache_entries);
    xf_keep_follow(mailmap);
    mailmap->load_job.retry_ms = RETRY_MIN_MS;
    load_begin(mailmap);
    xf_jobs_ask(mailmap);
    return true;
}

void xf_jobs_set_directory(struct xf_mailmap *mailmap, struct xf_directory_settings *taken)
{
    const struct xf_directory_settings *current =
        mailmap->has_next ? mailmap->next : mailmap->directory;
    if (xf_directory_eq(current, taken)) {
        xf_directory_free(&taken);
        load_begin(mailmap);
        return;
    }
    xf_directory_free(&mailmap->next);
    mailmap->next = taken;
    mailmap->has_next = true;
    (void)take_next_directory(mailmap);
}

void xf_jobs_init(struct xf_mailmap *mailmap)
{
    xf_timer_init(&mailmap->load_job.timer, load_on_timer, mailmap);
    mailmap->load_job.directory.stop = mailmap->ask_job.directory.stop = &mailmap->stop;
    mailmap->load_job.retry_ms = RETRY_MIN_MS;
}

void xf_jobs_fini(struct xf_mailmap *mailmap)
{
    xf_timer_stop(&mailmap->load_job.timer);
    xf_directory_close(&mailmap->load_job.directory);
    xf_directory_close(&mailmap->ask_job.directory);
    xf_loaded_release(&mailmap->load_job.loaded);
    xf_notes_release(&mailmap->ask_job.notes);
    xf_directory_free(&mailmap->directory);
    xf_directory_free(&mailmap->next);
}
