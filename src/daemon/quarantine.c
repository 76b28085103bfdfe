/* SPDX-License-Identifier: MIT */
/*
 * quarantine.c — appends stanzas over which a server closed the link to a file, on the thread pool.
 *
 * The file has mode 0600, since it holds what users wrote. Whoever sends such stanzas must not be
 * able to fill the disk.
 */
#include "daemon_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

#define FILE_BYTES_MAX (16u << 20)
#define RECORDS_MAX    100 /* in the life of the process */

struct job {
    char *file, *record;
    const char *failure; /* literal; NULL: none */
};

static const char *append(int fd, const char *record)
{
    struct stat st;
    size_t len = strlen(record);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return "it is not a regular file";
    if ((uint64_t)st.st_size + len > FILE_BYTES_MAX)
        return "it is full: move it away";
    return write(fd, record, len) == (ssize_t)len ? NULL : "it cannot be written";
}

static void work(void *owner)
{
    struct job *job = owner;
    int fd = open(job->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    job->failure = fd < 0 ? "it cannot be opened" : append(fd, job->record);
    if (fd >= 0)
        (void)close(fd);
}

static void done(void *owner)
{
    struct job *job = owner;
    if (job->failure)
        xf_log(XF_LOG_WARN, "link.quarantine.failed", XF_STR("file", job->file),
               XF_STR("detail", job->failure));
    xf_free(job->file);
    xf_free(job->record);
    xf_free(job);
}

void xf_daemon_quarantine(struct xf_env *env, const char *file, struct xf_span record)
{
    struct xf_daemon_env *s = XF_CONTAINER(env, struct xf_daemon_env, env);
    if (++s->quarantined > RECORDS_MAX)
        return; /* the log has a line about the stanza in any case */
    struct job *job = xf_new(struct job);
    job->file = xf_strdup(file);
    job->record = xf_span_dup(record);
    xf_pool_run(xf_loop_pool(s->loop), work, done, job);
}
