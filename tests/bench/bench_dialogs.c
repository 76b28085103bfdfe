/* SPDX-License-Identifier: MIT */
/*
 * bench_dialogs.c — the store of SIP dialogs at its cap: records written as xfedd writes them (put,
 * then one transaction), read as at a start, changed, and the size of the file.
 *
 * usage: bench_dialogs [RECORDS [BYTES OF A RECORD]]   in $TMPDIR; by default 260000 of 600
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/clock.h>
#include <xfed/dialogs/dialogs.h>
#include <xfed/net/timer.h>

#define BATCH 500 /* a second's refreshes after a restart */

static char record[XF_DIALOGS_RECORD_MAX];
static struct xf_clock bench_clock = {.now_ms = 1};
static struct xf_timers *timers;
static char path[300];

static void run_here(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                     void *owner)
{
    (void)pool;
    work(owner);
    done(owner);
}

static struct xf_pool pool = {run_here};

static struct xf_dialogs *open_store(size_t records)
{
    struct xf_dialogs *store = NULL;
    struct xf_error err = {0};
    uint64_t began_ms = xf_monotonic_ms();
    if (xf_dialogs_open(&(struct xf_dialogs_opts){.file = path,
                                                  .records = records,
                                                  .waiting_bytes = 64u << 20,
                                                  .pool = &pool,
                                                  .timers = timers,
                                                  .clock = &bench_clock,
                                                  .unix_s = xf_unix_s},
                        &store, &err) != XF_ERR_OK) {
        fprintf(stderr, "%s\n", err.detail);
        exit(1);
    }
    printf("open                 %6llu ms\n", (unsigned long long)(xf_monotonic_ms() - began_ms));
    return store;
}

static void put(struct xf_dialogs *store, size_t i, size_t bytes)
{
    char key[128];
    int len = snprintf(key, sizeof(key), "out user%zu@corp.example.org contact%zu@partner.example",
                       i / 20, i);
    xf_require(xf_dialogs_put(store, (struct xf_span){key, (size_t)len},
                              (struct xf_span){record, bytes}, xf_unix_s() + 7200));
}

static void pass(void)
{
    bench_clock.now_ms += 1000;
    xf_timers_run(timers);
}

static void write_all(struct xf_dialogs *store, const char *what, size_t count, size_t step,
                      size_t bytes)
{
    uint64_t began_ms = xf_monotonic_ms();
    for (size_t i = 0; i < count; i++) {
        put(store, i * step, bytes);
        if (i % BATCH == BATCH - 1)
            pass();
    }
    pass();
    uint64_t took_ms = xf_monotonic_ms() - began_ms;
    printf("%-20s %6llu ms: %zu in batches of %d, %llu/s\n", what, (unsigned long long)took_ms,
           count, BATCH, (unsigned long long)(count * 1000 / (took_ms + 1)));
}

static void count_record(void *owner, struct xf_span key, struct xf_span got, int64_t expires_s,
                         uint32_t starts)
{
    size_t *counts = owner;
    (void)expires_s;
    (void)starts;
    counts[0]++;
    counts[1] += key.len + got.len;
}

int main(int argc, char **argv)
{
    size_t records = argc > 1 ? strtoul(argv[1], NULL, 10) : 260000;
    size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 600;
    size_t counts[2] = {0};
    struct stat status;
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof(path), "%s/bench-dialogs.db", tmp && strlen(tmp) < 256 ? tmp : "/tmp");
    (void)unlink(path);
    xf_require(bytes <= sizeof(record));
    memset(record, 'r', sizeof(record));
    timers = xf_timers_new(&bench_clock);
    struct xf_dialogs *store = open_store(records);
    write_all(store, "write new", records, 1, bytes);
    xf_dialogs_free(&store);
    xf_require(stat(path, &status) == 0);
    printf("file                 %6lld MiB, %lld bytes for a record of %zu\n",
           (long long)status.st_size >> 20, (long long)status.st_size / (long long)records, bytes);
    store = open_store(records);
    uint64_t began_ms = xf_monotonic_ms();
    xf_dialogs_each(store, count_record, counts);
    printf("read                 %6llu ms: %zu records, %zu MiB\n",
           (unsigned long long)(xf_monotonic_ms() - began_ms), counts[0], counts[1] >> 20);
    write_all(store, "change", records / 10, 10, bytes);
    xf_dialogs_free(&store);
    xf_timers_free(&timers);
    (void)unlink(path);
    return 0;
}
