/* SPDX-License-Identifier: MIT */
/*
 * system.c — the process itself: limits, memory, threads, and the user that it runs as.
 *
 * We open files with secrets and low ports as root, then give root up for good: groups, group,
 * user, and a check that there is no way back. From then on, a program that somebody makes us start
 * gains no rights, and other processes of the same user cannot read our memory, which holds keys
 * and secrets.
 */
#include "daemon_priv.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/help.h>

#define THREADS_MIN 2
#define THREADS_MAX 32
/*
 * One for the loop and one for the pool; with one for each thread of the pool, each would keep
 * memory that handshakes freed.
 */
#define ARENAS 2

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    /* If it fails, the old limit applies, and accepting stops when it is reached. */
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

unsigned xf_system_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
        return 0;
    return (unsigned)limit.rlim_cur;
}

/* Handshakes and verifications run on the pool: as many at a time as there are cores. */
static void set_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    char text[16];
    cores = cores < THREADS_MIN ? THREADS_MIN : cores > THREADS_MAX ? THREADS_MAX : cores;
    snprintf(text, sizeof(text), "%ld", cores);
    xf_require(setenv("UV_THREADPOOL_SIZE", text, 0) == 0);
}

void xf_system_prepare(void)
{
    umask(077);
    raise_descriptors();
    set_threads();
    (void)mallopt(M_ARENA_MAX, ARENAS); /* a hint */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static enum xf_err fail_with_errno(struct xf_error *err, const char *what, const char *user)
{
    char words[128];
    return xf_fail(err, XF_ERR_IO, "%s %s: %s", what, user,
                   strerror_r(errno, words, sizeof(words)));
}

enum xf_err xf_system_find_user(const char *user, uid_t *out_uid, gid_t *out_gid,
                                struct xf_error *err)
{
    errno = 0;
    const struct passwd *entry = getpwnam(user); /* blocks, which is allowed before the loop runs */
    if (!entry && errno)
        return fail_with_errno(err, "cannot look up user", user);
    if (!entry)
        return xf_fail(err, XF_ERR_CONFIG,
                       "user = \"%s\": there is no such user: expected one of this machine", user);
    *out_uid = entry->pw_uid;
    *out_gid = entry->pw_gid;
    if (entry->pw_uid == 0)
        return xf_fail(err, XF_ERR_CONFIG,
                       "user = \"%s\": is root: expected an unprivileged user, or \"\"", user);
    return XF_ERR_OK;
}

static enum xf_err become(const char *user, struct xf_error *err)
{
    uid_t uid;
    gid_t gid;
    enum xf_err result = xf_system_find_user(user, &uid, &gid, err);
    if (result != XF_ERR_OK)
        return result;
    if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return fail_with_errno(err, "cannot become user", user);
    if (setuid(0) == 0 || geteuid() != uid || getegid() != gid)
        return xf_fail(err, XF_ERR_IO, "root could be taken back after becoming user %s", user);
    xf_log(XF_LOG_INFO, "process.user.changed", XF_STR("user", user));
    return XF_ERR_OK;
}

enum xf_err xf_system_become(const char *user, struct xf_error *err)
{
    enum xf_err result = XF_ERR_OK;
    if (geteuid() == 0 && *user)
        result = become(user, err);
    else if (geteuid() == 0)
        xf_log(XF_LOG_WARN, "process.root.kept", XF_HELP(XF_HELP_ROOT_KEPT));
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return result;
}

/* The sandbox refuses this: to check for leaks, run without it. */
void xf_system_unhide(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
