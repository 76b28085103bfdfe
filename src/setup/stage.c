/* SPDX-License-Identifier: MIT */
/*
 * stage.c — files that appear all together or not at all.
 *
 * They are written into a folder of our own beside their places, with their last owner and mode,
 * and moved by rename once all are there and xfedd has accepted them. A file is made with mode 0600
 * and opened to the group only when it belongs to it: there is no moment at which others can read
 * it. Without --force an existing file stays: the kernel refuses the move (RENAME_NOREPLACE).
 */
#include "setup_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define FOLDER_MODE 0750

static enum xf_err failed(struct xf_error *err, const char *path)
{
    char words[128];
    return xf_fail(err, XF_ERR_IO, "%.160s: %s", path, strerror_r(errno, words, sizeof(words)));
}

/* The group that may read; (gid_t)-1: it stays with the caller. */
static gid_t group_of_xfedd(void)
{
    const struct group *group = geteuid() == 0 ? getgrnam(XF_SETUP_GROUP) : NULL;
    return group ? group->gr_gid : (gid_t)-1;
}

static char *in(const char *folder, const char *name)
{
    return xf_asprintf("%s/%s", folder, name);
}

enum xf_err xf_stage_open(const char *folder, bool is_forced, struct xf_stage *out,
                          struct xf_error *err)
{
    bool is_new = mkdir(folder, FOLDER_MODE) == 0;
    if (!is_new && errno != EEXIST)
        return failed(err, folder);
    if (is_new && group_of_xfedd() != (gid_t)-1 && chown(folder, 0, group_of_xfedd()) != 0)
        return failed(err, folder);
    char *path = in(folder, ".init-XXXXXX");
    if (!mkdtemp(path)) {
        enum xf_err result = failed(err, folder);
        xf_free(path);
        return result;
    }
    *out = (struct xf_stage){xf_strdup(folder), path, {0}, is_forced};
    return XF_ERR_OK;
}

static bool write_all(int fd, struct xf_span text)
{
    while (text.len > 0) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put < 0 && errno != EINTR)
            return false;
        text.ptr += put > 0 ? put : 0;
        text.len -= put > 0 ? (size_t)put : 0;
    }
    return fsync(fd) == 0;
}

static bool open_to(int fd, enum xf_stage_for who)
{
    gid_t group = group_of_xfedd();
    if (who == XF_FOR_ALL)
        return fchmod(fd, 0644) == 0;
    if (who == XF_FOR_OWNER || group == (gid_t)-1)
        return true;
    return fchown(fd, 0, group) == 0 && fchmod(fd, 0640) == 0;
}

enum xf_err xf_stage_put(struct xf_stage *stage, const char *name, enum xf_stage_for who,
                         struct xf_span text, struct xf_error *err)
{
    char *path = in(stage->path, name);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum xf_err result = XF_ERR_OK;
    if (fd >= 0)
        xf_texts_add(&stage->names, xf_strdup(name));
    if (fd < 0 || !write_all(fd, text) || !open_to(fd, who))
        result = failed(err, path);
    if (fd >= 0)
        close(fd);
    xf_free(path);
    return result;
}

/* The package installs a configuration in which all is a comment: nobody wrote it. */
static bool is_all_comment(const char *path)
{
    char line[4096];
    FILE *file = fopen(path, "re");
    bool is_empty = file != NULL;
    while (is_empty && fgets(line, sizeof(line), file)) {
        const char *text = line + strspn(line, " \t\r\n");
        is_empty = !*text || (*text == '#' && strchr(line, '\n'));
    }
    if (file)
        fclose(file);
    return is_empty;
}

/* There is something that somebody wrote. */
static bool is_taken(const char *path)
{
    struct stat is;
    return lstat(path, &is) == 0 && !(S_ISREG(is.st_mode) && is_all_comment(path));
}

enum xf_err xf_stage_may(const struct xf_stage *stage, const char *name, struct xf_error *err)
{
    char *path = in(stage->folder, name);
    enum xf_err result = XF_ERR_OK;
    if (!stage->is_forced && is_taken(path))
        result = xf_fail(err, XF_ERR_REFUSED,
                         "%.160s exists: nothing is written. --force replaces it and keeps it as "
                         "%.40s.old",
                         path, name);
    xf_free(path);
    return result;
}

/* Keep the file that is replaced under a second name, so that there is one at every moment. */
static bool keep_old(const char *path)
{
    char *old = xf_asprintf("%s.old", path);
    bool is_kept = (unlink(old) == 0 || errno == ENOENT) && link(path, old) == 0;
    xf_free(old);
    return is_kept;
}

/* xf_stage_may has allowed to replace what is there; what comes there meanwhile stays. */
static enum xf_err publish(const struct xf_stage *stage, const char *name, struct xf_error *err)
{
    struct stat is;
    char *from = in(stage->path, name), *to = in(stage->folder, name);
    bool is_there = lstat(to, &is) == 0;
    bool is_moved = (!is_there || keep_old(to)) &&
                    renameat2(AT_FDCWD, from, AT_FDCWD, to, is_there ? 0 : RENAME_NOREPLACE) == 0;
    enum xf_err result = is_moved ? XF_ERR_OK : failed(err, to);
    xf_free(from);
    xf_free(to);
    return result;
}

enum xf_err xf_stage_publish(struct xf_stage *stage, struct xf_error *err)
{
    enum xf_err result = XF_ERR_OK;
    for (size_t i = 0; result == XF_ERR_OK && i < stage->names.count; i++)
        result = xf_stage_may(stage, stage->names.item[i], err);
    for (size_t i = stage->names.count; result == XF_ERR_OK && i-- > 0;)
        result = publish(stage, stage->names.item[i], err);
    return result;
}

void xf_stage_close(struct xf_stage *stage)
{
    for (size_t i = 0; i < stage->names.count; i++) {
        char *path = in(stage->path, stage->names.item[i]);
        (void)!unlink(path); /* published ones are gone */
        xf_free(path);
    }
    if (stage->path)
        (void)!rmdir(stage->path);
    xf_texts_release(&stage->names);
    xf_free(stage->folder);
    xf_free(stage->path);
    *stage = (struct xf_stage){0};
}
