/* SPDX-License-Identifier: MIT */
/*
 * file.c — reads the map file: `JID ADDRESS` on each line, separated by blanks; # begins a comment.
 *
 * A file is accepted whole or not at all: if a line cannot be read, the old map stays in force,
 * since half a map would reveal the JIDs of the other half. A file that changes while it is read is
 * read again at the next check.
 */
#include "mailmap_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#define FILE_MAX_BYTES (256u << 20)
#define USERS_MAX      4000000

static void fill(struct xf_stamp *stamp, const struct stat *status)
{
    *stamp = (struct xf_stamp){(uint64_t)status->st_dev, (uint64_t)status->st_ino, status->st_size,
                               status->st_mtim.tv_sec, status->st_mtim.tv_nsec};
}

bool xf_stamp_take(const char *path, struct xf_stamp *out)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    fill(out, &status);
    return true;
}

bool xf_stamp_eq(const struct xf_stamp *a, const struct xf_stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_s == b->mtime_s &&
           a->mtime_ns == b->mtime_ns;
}

static enum xf_err fail(struct xf_error *err, const char *path, const char *what)
{
    char words[128];
    return xf_fail(err, XF_ERR_IO, "%.150s: %s: %s", path, what,
                   strerror_r(errno, words, sizeof(words)));
}

static enum xf_err read_all(int fd, const char *path, struct xf_buf *out, struct xf_error *err)
{
    for (;;) {
        char *room = xf_buf_reserve(out, 65536);
        if (!room)
            return xf_fail(err, XF_ERR_LIMIT, "%.150s: is larger than %u bytes", path,
                           FILE_MAX_BYTES);
        ssize_t len = read(fd, room, 65536);
        if (len < 0 && errno != EINTR)
            return fail(err, path, "cannot be read");
        if (len == 0)
            return XF_ERR_OK;
        xf_buf_commit(out, len > 0 ? (size_t)len : 0);
    }
}

static enum xf_err read_text(const char *path, struct xf_buf *out, struct xf_error *err)
{
    struct stat before, after;
    struct xf_stamp stamps[2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(err, path, "cannot be opened");
    enum xf_err result = XF_ERR_OK;
    if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode))
        result = xf_fail(err, XF_ERR_IO, "%.150s: is not a regular file", path);
    else
        result = read_all(fd, path, out, err);
    if (result == XF_ERR_OK && fstat(fd, &after) == 0) {
        fill(&stamps[0], &before);
        fill(&stamps[1], &after);
        if (!xf_stamp_eq(&stamps[0], &stamps[1]))
            result = xf_fail(
                err, XF_ERR_IO,
                "%.150s: changed while it was read: replace it as a whole (write another, then mv)",
                path);
    }
    close(fd);
    return result;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line, absent at its end or a comment. */
static struct xf_span take_word(struct xf_span *line)
{
    while (line->len && is_blank(*line->ptr))
        line->ptr++, line->len--;
    if (!line->len || *line->ptr == '#')
        return XF_SPAN_NONE;
    struct xf_span word = {line->ptr, 0};
    while (word.len < line->len && !is_blank(word.ptr[word.len]))
        word.len++;
    line->ptr += word.len;
    line->len -= word.len;
    return word;
}

struct reading {
    const char *path;
    unsigned line;
    struct xf_table *table;
    struct xf_notes *notes;
};

static enum xf_err bad(const struct reading *reading, struct xf_span word, const char *what,
                       struct xf_error *err)
{
    return xf_fail(err, XF_ERR_BAD_VALUE, "%.150s:%u: %.60s%s%s", reading->path, reading->line,
                   word.ptr ? "" : "there is ", what, ": expected a JID and an e-mail address");
}

static enum xf_err add(struct reading *reading, struct xf_span jid_text, struct xf_span mail_text,
                       struct xf_error *err)
{
    struct xf_bare jid, mail;
    struct xf_user other = {0};
    if (!xf_bare_make(jid_text, XF_SPAN_NONE, &jid))
        return bad(reading, jid_text, "the first word is not a bare JID", err);
    if (!xf_bare_make(mail_text, XF_SPAN_NONE, &mail))
        return bad(reading, mail_text, "the second word is not an e-mail address", err);
    const struct xf_user user = {jid.text, mail.text, reading->line};
    enum xf_table_add result = xf_table_add(reading->table, &user, &other);
    if (result == XF_TABLE_FULL)
        return xf_fail(err, XF_ERR_LIMIT, "%.150s:%u: more than %d users", reading->path,
                       reading->line, USERS_MAX);
    xf_table_note(reading->notes, reading->path, result, &user, &other);
    return XF_ERR_OK;
}

static enum xf_err read_line(struct reading *reading, struct xf_span line, struct xf_error *err)
{
    const char *begin = line.ptr;
    struct xf_span jid = take_word(&line), mail = take_word(&line);
    /* UTF-16, as PowerShell writes, has odd words. What a comment is written in is all the same. */
    if (!xf_utf8_valid(begin, (size_t)(line.ptr - begin)))
        return xf_fail(err, XF_ERR_BAD_VALUE, "%.150s:%u: is not UTF-8 text", reading->path,
                       reading->line);
    if (!jid.ptr)
        return XF_ERR_OK;
    if (!mail.ptr)
        return bad(reading, mail, "no e-mail address", err);
    if (take_word(&line).ptr)
        return bad(reading, jid, "there is a third word", err);
    return add(reading, jid, mail, err);
}

static enum xf_err read_lines(struct reading *reading, struct xf_span text, struct xf_error *err)
{
    enum xf_err result = XF_ERR_OK;
    while (text.len && result == XF_ERR_OK) {
        const char *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
        reading->line++;
        result = read_line(reading, (struct xf_span){text.ptr, len}, err);
        len += newline != NULL;
        text.ptr += len;
        text.len -= len;
    }
    return result;
}

enum xf_err xf_file_read(const char *path, struct xf_table **out_table, struct xf_notes *notes,
                         struct xf_error *err)
{
    struct reading reading = {.path = path, .table = xf_table_new(USERS_MAX), .notes = notes};
    struct xf_buf text;
    xf_buf_init(&text, FILE_MAX_BYTES);
    enum xf_err result = read_text(path, &text, err);
    if (result == XF_ERR_OK)
        result = read_lines(&reading, xf_utf8_without_mark(xf_buf_span(&text)), err);
    xf_buf_release(&text);
    if (result == XF_ERR_OK)
        *out_table = reading.table;
    else
        xf_table_free(&reading.table);
    return result;
}
