/* SPDX-License-Identifier: MIT */
/*
 * sqlite.c — the store of a single process: an SQLite file (file.c), which is read when it is
 * opened and written on the thread pool. It is always ready: a failed write is tried again later.
 */
#include "history_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/database/database.h>

#define BATCH_ROWS 1000

struct sqlite {
    struct xf_store store;
    struct xf_pool *pool; /* NULL: write is not called */
    struct xf_database *file;
    /* The batch that the thread pool is writing; the loop does not touch it meanwhile. */
    const struct xf_history_row *rows; /* NULL: none */
    size_t row_count;
    enum xf_err result;
    struct xf_error error;
};

static struct sqlite *of(struct xf_store *store)
{
    return XF_CONTAINER(store, struct sqlite, store);
}

static bool is_ready(const struct xf_store *store)
{
    (void)store;
    return true;
}

static enum xf_err write_here(struct xf_store *store, const struct xf_history_row *rows,
                              size_t count, struct xf_error *err)
{
    return xf_history_file_write(of(store)->file, rows, count, err);
}

/* Runs on the thread pool. */
static void write_batch(void *owner)
{
    struct sqlite *s = owner;
    s->result = write_here(&s->store, s->rows, s->row_count, &s->error);
}

static void on_written(void *owner)
{
    struct sqlite *s = owner;
    s->rows = NULL;
    s->store.events->written(s->store.owner, s->result, &s->error);
}

static void write_later(struct xf_store *store, const struct xf_history_row *rows, size_t count)
{
    struct sqlite *s = of(store);
    s->rows = rows;
    s->row_count = count;
    xf_pool_run(s->pool, write_batch, on_written, s);
}

static void close_file(struct xf_store *store)
{
    struct sqlite *s = of(store);
    xf_require(!s->rows); /* the thread pool would go on using it */
    xf_database_close(&s->file);
    xf_free(s->store.place);
    xf_free(s);
}

static const struct xf_store_ops ops = {.batch_rows = BATCH_ROWS,
                                        .is_ready = is_ready,
                                        .write = write_later,
                                        .write_here = write_here,
                                        .close = close_file};

enum xf_err xf_store_open_file(const char *path, struct xf_pool *pool,
                               const struct xf_store_events *events, void *owner,
                               struct xf_store **out_store, struct xf_error *err)
{
    struct sqlite *s = xf_new(struct sqlite);
    s->store =
        (struct xf_store){.ops = &ops, .events = events, .owner = owner, .place = xf_strdup(path)};
    s->pool = pool;
    enum xf_err result = xf_history_file_open(path, &s->file, err);
    if (result == XF_ERR_OK)
        result = xf_history_file_read(s->file, events->entry, owner, err);
    if (result == XF_ERR_OK)
        *out_store = &s->store;
    else
        close_file(&s->store);
    return result;
}
