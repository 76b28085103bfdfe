/* SPDX-License-Identifier: MIT */
/*
 * pool.h — where work goes that would make the loop wait: files, databases, directories, private
 * keys. xf_loop_pool is the real one; a test has its own, which works at once or when it is told.
 */
#pragma once

struct xf_pool {
    void (*run)(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                void *owner);
};

/*
 * Run `work` on another thread, then `done` on the loop. `owner` must live until `done`. Work
 * cannot be cancelled. Jobs of one owner must not overlap.
 */
static inline void xf_pool_run(struct xf_pool *pool, void (*work)(void *owner),
                               void (*done)(void *owner), void *owner)
{
    pool->run(pool, work, done, owner);
}
