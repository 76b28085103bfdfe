/* SPDX-License-Identifier: MIT */
/*
 * fuzz_map.c — any bytes as the map file of e-mail addresses. What must hold: it loads whole, or
 * says FILE:LINE: why not and gives nothing; who has an address has it by a line of the file, and
 * the address leads back to him; each duplicate is a note of one line, with the file's line; read a
 * second time it is the same map.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>

#include "mailmap_priv.h"

static char path[64];

/* A regular file without a place on a disk. */
static void write_file(const uint8_t *bytes, size_t len)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("map", MFD_CLOEXEC);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    xf_require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
}

static bool begins_with_line(const char *text)
{
    size_t len = strlen(path), digits = 0;
    if (strncmp(text, path, len) != 0 || text[len] != ':')
        return false;
    digits = strspn(text + len + 1, "0123456789");
    return digits > 0 && text[len + 1 + digits] == ':' && !strchr(text, '\n') &&
           xf_utf8_valid(text, strlen(text));
}

static void check_user(const struct xf_table *table, struct xf_span jid_word,
                       struct xf_span mail_word)
{
    struct xf_bare jid, mail;
    struct xf_span found, back;
    xf_require(xf_bare_make(jid_word, XF_SPAN_NONE, &jid) &&
               xf_bare_make(mail_word, XF_SPAN_NONE, &mail));
    if (xf_table_mail(table, jid.text, &found) == XF_MAILMAP_FOUND)
        xf_require(xf_table_jid(table, found, &back) == XF_MAILMAP_FOUND &&
                   xf_span_eq(back, jid.text));
    else
        xf_require(xf_table_jid(table, mail.text, &found) != XF_MAILMAP_FOUND ||
                   !xf_span_eq(found, jid.text));
    if (xf_table_jid(table, mail.text, &found) == XF_MAILMAP_FOUND)
        xf_require(xf_table_mail(table, found, &back) == XF_MAILMAP_FOUND &&
                   xf_span_eq(back, mail.text));
}

static struct xf_span next_word(struct xf_span *line)
{
    struct xf_span word = {line->ptr, 0};
    while (line->len && memchr(" \t\r", *line->ptr, 3))
        line->ptr++, line->len--;
    word.ptr = line->ptr;
    while (word.len < line->len && !memchr(" \t\r", word.ptr[word.len], 3))
        word.len++;
    line->ptr += word.len;
    line->len -= word.len;
    return word.len && *word.ptr != '#' ? word : XF_SPAN_NONE;
}

/* The number of lines that name a user. */
static size_t check_lines(const struct xf_table *table, const char *text, size_t len)
{
    size_t users = 0;
    for (const char *end = text + len, *next; text < end; text = next) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        struct xf_span line = {text, (size_t)((newline ? newline : end) - text)};
        next = newline ? newline + 1 : end;
        struct xf_span jid = next_word(&line), mail = jid.ptr ? next_word(&line) : XF_SPAN_NONE;
        if (!jid.ptr)
            continue;
        users++;
        check_user(table, jid, mail);
    }
    return users;
}

static void check_notes(struct xf_notes *notes)
{
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        xf_require(begins_with_line(notes->line[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct xf_table *table = NULL, *again = NULL;
    struct xf_notes notes = {0}, more = {0};
    struct xf_error err = {0};
    write_file(bytes, len);
    enum xf_err result = xf_file_read(path, &table, &notes, &err);
    check_notes(&notes);
    if (result != XF_ERR_OK) {
        xf_require(result == XF_ERR_BAD_VALUE && !table && begins_with_line(err.detail));
    } else {
        xf_require(xf_table_count(table) + notes.count <=
                   check_lines(table, (const char *)bytes, len));
        xf_require(xf_file_read(path, &again, &more, &err) == XF_ERR_OK);
        xf_require(xf_table_count(again) == xf_table_count(table) && more.count == notes.count);
    }
    xf_notes_release(&notes);
    xf_notes_release(&more);
    xf_table_free(&table);
    xf_table_free(&again);
    return 0;
}
