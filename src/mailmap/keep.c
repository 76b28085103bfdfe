/* SPDX-License-Identifier: MIT */
/*
 * keep.c — when what the directory said is written to the file, and how it comes back.
 *
 * Read once, when xfedd starts; each answer goes into the cache as one that is no longer fresh, so
 * that it counts only while the directory cannot be asked. Written on the pool: all users after
 * each reading of the directory, and single answers as they come. What comes during a write waits
 * for the next one.
 *
 *   - a file that cannot be opened or read is logged and renamed, and a new one is begun
 *   - a write that fails is logged once; what it should have written is in memory only
 *   - where nothing is to be kept (any more), the file is removed
 */
#include "mailmap_priv.h"

#include <errno.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/help.h>
#include <xfed/database/database.h>

/* ------------------------------------------------------------------ bounds */

static void bound(const struct xf_mailmap *mailmap, struct xf_kept_bounds *out)
{
    const struct xf_directory_settings *settings = mailmap->directory;
    out->now_s = mailmap->opts.unix_s();
    out->oldest_s = out->now_s - (int64_t)(settings->keep_ms / 1000);
    out->users_max = settings->cache_entries;
    xf_directory_source(settings, out->source);
}

/* ------------------------------------------------------------------ read */

struct reading {
    struct xf_mailmap *mailmap;
    int64_t now_s;
};

static void take_row(void *owner, struct xf_span jid, struct xf_span mail, int64_t seen_s)
{
    const struct reading *reading = owner;
    const struct xf_mailmap *mailmap = reading->mailmap;
    /* a clock that was set back makes no answer younger than now */
    uint64_t age_ms = seen_s < reading->now_s ? (uint64_t)(reading->now_s - seen_s) * 1000 : 0;
    uint64_t keep_ms = mailmap->directory->keep_ms;
    if (age_ms < keep_ms)
        xf_cache_put(
            mailmap->cache, jid, mail,
            &(struct xf_cache_times){.known_until_ms = xf_mailmap_now(mailmap) + keep_ms - age_ms});
}

static enum xf_err open_and_read(struct xf_mailmap *mailmap, struct xf_error *err)
{
    struct xf_keep *keep = &mailmap->keep;
    struct xf_kept_bounds bounds;
    bound(mailmap, &bounds);
    struct reading reading = {mailmap, bounds.now_s};
    enum xf_err result = xf_kept_file_open(keep->path, &keep->file, err);
    if (result == XF_ERR_OK)
        result = xf_kept_file_read(keep->file, &bounds, take_row, &reading, err);
    if (result != XF_ERR_OK)
        xf_database_close(&keep->file);
    return result;
}

static void open_file(struct xf_mailmap *mailmap)
{
    struct xf_error err = {0};
    char aside[4096 + 16] = "";
    if (open_and_read(mailmap, &err) != XF_ERR_OK) {
        bool is_aside = xf_database_set_aside(mailmap->keep.path, aside, sizeof(aside));
        xf_log(XF_LOG_ERROR, "identity.kept.refused", XF_STR("file", mailmap->keep.path),
               XF_STR("aside", is_aside ? aside : ""), XF_STR("detail", err.detail),
               XF_HELP(XF_HELP_DIRECTORY_KEPT));
        if (!is_aside ||
            xf_kept_file_open(mailmap->keep.path, &mailmap->keep.file, &err) != XF_ERR_OK)
            return;
    }
    xf_log(XF_LOG_INFO, "identity.kept.loaded", XF_STR("file", mailmap->keep.path),
           XF_INT("users", xf_cache_count(mailmap->cache)));
}

/* ------------------------------------------------------------------ write */

static void write_work(void *owner)
{
    struct xf_keep *keep = owner;
    keep->result = xf_kept_file_write(keep->file, &keep->bounds, keep->is_writing_whole,
                                      xf_buf_span(&keep->writing), &keep->err);
}

static void tell(struct xf_keep *keep)
{
    bool has_failed = keep->result != XF_ERR_OK;
    if (has_failed && !keep->has_failed)
        xf_log(XF_LOG_WARN, "identity.kept.failed", XF_STR("file", keep->path),
               XF_STR("detail", keep->err.detail), XF_HELP(XF_HELP_DIRECTORY_KEPT));
    else if (!has_failed && keep->has_failed)
        xf_log(XF_LOG_INFO, "identity.kept.recovered", XF_STR("file", keep->path));
    keep->has_failed = has_failed;
}

static void write_done(void *owner);

static void write_begin(struct xf_mailmap *mailmap)
{
    struct xf_keep *keep = &mailmap->keep;
    if (keep->is_running || !keep->file || !mailmap->directory ||
        (!keep->is_whole && keep->rows.len == 0))
        return;
    struct xf_buf empty = keep->writing;
    keep->writing = keep->rows;
    keep->rows = empty;
    keep->is_writing_whole = keep->is_whole;
    keep->is_whole = false;
    bound(mailmap, &keep->bounds);
    keep->is_running = true;
    xf_pool_run(mailmap->opts.pool, write_work, write_done, keep);
}

static void write_done(void *owner)
{
    struct xf_keep *keep = owner;
    struct xf_mailmap *mailmap = XF_CONTAINER(keep, struct xf_mailmap, keep);
    keep->is_running = false;
    xf_buf_release(&keep->writing);
    tell(keep);
    xf_keep_follow(mailmap); /* the settings may have changed meanwhile */
    write_begin(mailmap);
}

void xf_keep_all(struct xf_mailmap *mailmap, struct xf_buf *rows)
{
    struct xf_keep *keep = &mailmap->keep;
    if (!keep->file)
        return;
    xf_buf_release(&keep->rows); /* older than what was just read */
    struct xf_buf empty = keep->rows;
    keep->rows = *rows;
    *rows = empty;
    keep->is_whole = true;
    write_begin(mailmap);
}

void xf_keep_one(struct xf_mailmap *mailmap, struct xf_span jid, struct xf_span mail)
{
    if (mailmap->keep.file)
        (void)!xf_kept_rows_add(&mailmap->keep.rows, jid, mail); /* else known in memory only */
}

void xf_keep_write(struct xf_mailmap *mailmap)
{
    write_begin(mailmap);
}

/* ------------------------------------------------------------------ settings, life */

void xf_keep_remove(const char *path)
{
    static const char *const beside[] = {"-journal", ".unusable",
                                         ".unusable-journal"}; /* after a crash */
    if (!path || !*path)
        return;
    for (size_t i = 0; i < XF_ARRAY_LEN(beside); i++) {
        char *other = xf_asprintf("%s%s", path, beside[i]);
        (void)unlink(other);
        xf_free(other);
    }
    if (unlink(path) == 0)
        xf_log(XF_LOG_INFO, "identity.kept.removed", XF_STR("file", path));
    else if (errno != ENOENT)
        xf_log(XF_LOG_WARN, "identity.kept.failed", XF_STR("file", path),
               XF_STR("detail", "nothing is to be kept, but the file cannot be removed"),
               XF_HELP(XF_HELP_DIRECTORY_KEPT));
}

static void close_and_remove(struct xf_keep *keep)
{
    xf_database_close(&keep->file);
    xf_buf_release(&keep->rows);
    keep->is_whole = false;
    xf_keep_remove(keep->path);
}

void xf_keep_follow(struct xf_mailmap *mailmap)
{
    struct xf_keep *keep = &mailmap->keep;
    bool is_wanted = mailmap->directory && mailmap->directory->keep;
    if (!*keep->path || keep->is_running || (keep->is_decided && is_wanted == keep->is_wanted))
        return;
    keep->is_decided = true;
    keep->is_wanted = is_wanted;
    if (is_wanted)
        open_file(mailmap);
    else
        close_and_remove(keep);
}

void xf_keep_init(struct xf_mailmap *mailmap)
{
    struct xf_keep *keep = &mailmap->keep;
    keep->path = xf_strdup(mailmap->opts.keep_file ? mailmap->opts.keep_file : "");
    xf_buf_init(&keep->rows, XF_KEPT_ROWS_MAX_BYTES);
    xf_buf_init(&keep->writing, XF_KEPT_ROWS_MAX_BYTES);
}

void xf_keep_fini(struct xf_mailmap *mailmap)
{
    struct xf_keep *keep = &mailmap->keep;
    xf_database_close(&keep->file);
    xf_buf_release(&keep->rows);
    xf_buf_release(&keep->writing);
    xf_free(keep->path);
}
