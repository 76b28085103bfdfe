/* SPDX-License-Identifier: MIT */
/*
 * watch.c — watches the map file: checks it every two seconds with stat, which works on any file
 * system, and reads it again when it was replaced.
 */
#include "mailmap_priv.h"

#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

#define LOOK_MS 2000

static void file_work(void *owner)
{
    struct xf_file_job *job = owner;
    bool is_there = xf_stamp_take(job->path, &job->next_stamp);
    job->is_new = !job->is_known || is_there == job->was_missing ||
                  (is_there && !xf_stamp_eq(&job->stamp, &job->next_stamp));
    job->was_missing = !is_there;
    if (job->is_new)
        job->result = xf_file_read(job->path, &job->table, &job->notes, &job->err);
}

/* If the new file cannot be read, the old content stays. */
static void take_file(struct xf_mailmap *mailmap)
{
    struct xf_file_job *job = &mailmap->file_job;
    job->stamp = job->next_stamp;
    if (job->result != XF_ERR_OK) {
        xf_log(XF_LOG_ERROR, "identity.file.refused", XF_STR("detail", job->err.detail),
               XF_WORD("reason", mailmap->file ? "kept-the-old" : "none-in-force"));
        xf_notes_release(&job->notes);
        return;
    }
    xf_table_free(&mailmap->file);
    mailmap->file = job->table;
    job->table = NULL;
    xf_log(XF_LOG_INFO, "identity.file.loaded", XF_STR("file", job->path),
           XF_INT("users", xf_table_count(mailmap->file)),
           XF_INT("bytes", xf_table_bytes(mailmap->file)), XF_INT("ambiguous", job->notes.count));
    xf_notes_log(&job->notes);
}

/* Waiters that needed only the file have their answer; for the others a lookup starts now. */
static void file_is_known(struct xf_mailmap *mailmap)
{
    mailmap->file_job.is_known = true;
    if (!mailmap->directory || mailmap->is_away)
        xf_asks_end(mailmap);
    else
        xf_jobs_ask(mailmap);
}

static void file_done(void *owner);
static void take_next_path(struct xf_mailmap *mailmap);

static void file_begin(void *owner)
{
    struct xf_mailmap *mailmap = owner;
    struct xf_file_job *job = &mailmap->file_job;
    if (!job->path || job->is_running)
        return;
    xf_timer_stop(&job->timer);
    job->is_running = true;
    xf_pool_run(mailmap->opts.pool, file_work, file_done, job);
}

static void file_done(void *owner)
{
    struct xf_file_job *job = owner;
    struct xf_mailmap *mailmap = XF_CONTAINER(job, struct xf_mailmap, file_job);
    job->is_running = false;
    if (atomic_load(&mailmap->stop))
        return;
    if (job->next_path) { /* another file is configured by now */
        xf_table_free(&job->table);
        xf_notes_release(&job->notes);
        take_next_path(mailmap);
        return;
    }
    if (job->is_new)
        take_file(mailmap);
    if (!job->is_known)
        file_is_known(mailmap);
    xf_timer_start(mailmap->opts.timers, &job->timer, LOOK_MS);
}

/* The content of the old file stays in use until the new one has been read. */
static void take_next_path(struct xf_mailmap *mailmap)
{
    struct xf_file_job *job = &mailmap->file_job;
    xf_timer_stop(&job->timer);
    if (job->path && !*job->next_path)
        xf_log(XF_LOG_INFO, "identity.file.removed", XF_STR("file", job->path));
    xf_free(job->path);
    job->path = job->next_path;
    job->next_path = NULL;
    job->stamp = (struct xf_stamp){0};
    job->was_missing = false;
    if (*job->path) {
        file_begin(mailmap);
        return;
    }
    xf_free(job->path);
    job->path = NULL;
    xf_table_free(&mailmap->file);
    if (!job->is_known)
        file_is_known(mailmap);
}

void xf_watch_set(struct xf_mailmap *mailmap, const char *path)
{
    struct xf_file_job *job = &mailmap->file_job;
    const char *current = job->next_path ? job->next_path : job->path ? job->path : "";
    if (job->is_known && strcmp(current, path) == 0) {
        file_begin(mailmap);
        return;
    }
    xf_free(job->next_path);
    job->next_path = xf_strdup(path);
    if (!job->is_running)
        take_next_path(mailmap);
}

void xf_watch_init(struct xf_mailmap *mailmap)
{
    xf_timer_init(&mailmap->file_job.timer, file_begin, mailmap);
}

void xf_watch_fini(struct xf_mailmap *mailmap)
{
    struct xf_file_job *job = &mailmap->file_job;
    xf_timer_stop(&job->timer);
    xf_notes_release(&job->notes);
    xf_table_free(&job->table);
    xf_free(job->path);
    xf_free(job->next_path);
}
