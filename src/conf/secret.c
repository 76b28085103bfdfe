/* SPDX-License-Identifier: MIT */
/*
 * secret.c — the first line of a secret file, in memory that is wiped.
 *
 * Only the first line counts, without the white space around it and a byte order mark, so that what
 * an editor adds is not part of the secret. A file that others can write is refused. A file that
 * they can read is accepted with a warning, since refusing to start would not make it secret again;
 * xfedd -t refuses both.
 */
#include "conf_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/secrecy.h>
#include <xfed/base/utf8.h>

#define SECRET_MAX_BYTES 1024
#define SECRET_MIN_BYTES 16 /* 128 bits, if it is random */

struct place {
    const struct xf_secret_place *at;
    const char *in_force;
};

/* In a reload the secret in force stays, with a warning; otherwise this is a problem. */
static void refuse(const struct place *place, const char *why, const char *expected)
{
    const struct xf_secret_place *at = place->at;
    if (place->in_force)
        xf_warning(at->problems, at->file, at->line,
                   "%s = \"%.255s\": %s: the secret in force stays", at->key, at->path, why);
    else
        xf_problem(at->problems, at->file, at->line, "%s = \"%.255s\": %s: expected %s", at->key,
                   at->path, why, expected);
}

/* Read at most `room` bytes; -1 and errno on failure. */
static ssize_t read_some(const char *path, char *out, size_t room)
{
    int fd = xf_conf_open(path);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < room) {
        n = read(fd, out + len, room - len);
        len += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    close(fd);
    errno = why;
    return n < 0 ? -1 : (ssize_t)len;
}

static char *take_first_line(const struct place *place, struct xf_span text)
{
    static const char *const blank = " \t\r";
    text = xf_utf8_without_mark(text);
    const char *bytes = text.ptr, *newline = memchr(bytes, '\n', text.len),
               *nul = memchr(bytes, '\0', text.len);
    size_t line_len = newline ? (size_t)(newline - bytes) : text.len;
    if (nul && nul < bytes + line_len)
        return refuse(place, "has a NUL byte in its first line", "a text"), NULL;
    while (line_len > 0 && strchr(blank, bytes[line_len - 1]))
        line_len--;
    while (line_len > 0 && strchr(blank, *bytes))
        bytes++, line_len--;
    if (line_len == 0)
        return refuse(place, "its first line is empty", "the secret in it"), NULL;
    return xf_strndup(bytes, line_len);
}

static char *read_one(const struct place *place)
{
    char bytes[SECRET_MAX_BYTES + 1], words[128], *secret = NULL;
    ssize_t len = read_some(place->at->path, bytes, sizeof(bytes));
    if (len < 0)
        refuse(place, strerror_r(errno, words, sizeof(words)), "a file that can be read");
    else if ((size_t)len > SECRET_MAX_BYTES)
        refuse(place, "is too long", "at most 1024 bytes");
    else
        secret = take_first_line(place, (struct xf_span){bytes, (size_t)len});
    xf_wipe(bytes, sizeof(bytes));
    return secret;
}

static bool is_guarded(const struct place *place)
{
    const struct xf_secret_place *at = place->at;
    char words[XF_SECRECY_WORDS_BYTES];
    enum xf_secrecy secrecy = xf_secrecy_of(at->path, words);
    if (secrecy == XF_SECRECY_READABLE) {
        xf_warning(at->problems, at->file, at->line, "%s = \"%.255s\": %s", at->key, at->path,
                   words);
        at->problems->exposed++;
    } else if (secrecy == XF_SECRECY_WRITABLE) {
        refuse(place, words, "a file that nobody else can write");
    }
    return secrecy != XF_SECRECY_WRITABLE;
}

static bool is_long_enough(const struct place *place, const char *secret)
{
    const struct xf_secret_place *at = place->at;
    if (strlen(secret) >= SECRET_MIN_BYTES)
        return true;
    if (at->shortness == XF_SHORT_REFUSED)
        return refuse(place, "its secret is shorter than 16 bytes",
                      "a longer one: openssl rand -hex 32"),
               false;
    xf_warning(at->problems, at->file, at->line,
               "%s = \"%.255s\": its secret is shorter than 16 bytes: it can be guessed", at->key,
               at->path);
    at->problems->exposed += at->shortness == XF_SHORT_EXPOSED;
    return true;
}

char *xf_conf_secret_read(const struct xf_secret_place *at, const char *in_force)
{
    const struct place place = {at, in_force};
    char *secret = is_guarded(&place) ? read_one(&place) : NULL;
    if (secret && !is_long_enough(&place, secret)) {
        xf_conf_secret_free(secret);
        secret = NULL;
    }
    return secret || !in_force ? secret : xf_strdup(in_force);
}

void xf_conf_secret_free(char *secret)
{
    if (secret)
        xf_wipe(secret, strlen(secret));
    xf_free(secret);
}
