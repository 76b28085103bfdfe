/* SPDX-License-Identifier: MIT */
/*
 * secret.c — the first line of a secret file, in memory that is wiped.
 *
 * Only the first line counts, without the white space around it, so that an editor's last newline is no part of the secret.
 */
#include "conf_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#define SECRET_MAX_BYTES 1024

struct place {
    const char *path, *file, *key;
    int line;
    struct xf_problems *problems;
};

static void refuse(const struct place *at, const char *why, const char *expected)
{
    xf_problem(at->problems, at->file, at->line, "%s = \"%.255s\": %s: expected %s", at->key, at->path, why, expected);
}

static void warn_of_readers(const struct place *at, const struct stat *st)
{
    if (st->st_mode & (S_IROTH | S_IWOTH))
        xf_warning(at->problems, at->file, at->line, "%s = \"%.255s\": everybody on this machine can read it: chmod o-rwx",
                   at->key, at->path);
}

/* At most `room` bytes; -1 with errno. */
static ssize_t read_some(const struct place *at, char *out, size_t room)
{
    int fd = open(at->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    struct stat st;
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < room) {
        n = read(fd, out + len, room - len);
        len += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    if (n >= 0 && fstat(fd, &st) == 0)
        warn_of_readers(at, &st);
    close(fd);
    errno = why;
    return n < 0 ? -1 : (ssize_t)len;
}

static char *take_first_line(const struct place *at, const char *bytes, size_t len)
{
    static const char *const blank = " \t\r";
    const char *newline = memchr(bytes, '\n', len), *nul = memchr(bytes, '\0', len);
    size_t line_len = newline ? (size_t)(newline - bytes) : len;
    if (nul && nul < bytes + line_len)
        return refuse(at, "has a NUL byte in its first line", "a text"), NULL;
    while (line_len > 0 && strchr(blank, bytes[line_len - 1]))
        line_len--;
    while (line_len > 0 && strchr(blank, *bytes))
        bytes++, line_len--;
    if (line_len == 0)
        return refuse(at, "its first line is empty", "the secret in it"), NULL;
    return xf_strndup(bytes, line_len);
}

char *xf_secret_read(const char *path, const char *file, int line, const char *key, struct xf_problems *problems)
{
    const struct place at = {path, file, key, line, problems};
    char bytes[SECRET_MAX_BYTES + 1], words[128], *secret = NULL;
    ssize_t len = read_some(&at, bytes, sizeof(bytes));
    if (len < 0)
        refuse(&at, strerror_r(errno, words, sizeof(words)), "a file that can be read");
    else if ((size_t)len > SECRET_MAX_BYTES)
        refuse(&at, "is too long", "at most 1024 bytes");
    else
        secret = take_first_line(&at, bytes, (size_t)len);
    xf_wipe(bytes, sizeof(bytes));
    return secret;
}

void xf_secret_free(char *secret)
{
    if (secret)
        xf_wipe(secret, strlen(secret));
    xf_free(secret);
}
