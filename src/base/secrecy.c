/* SPDX-License-Identifier: MIT */
/*
 * secrecy.c — see secrecy.h; what PostgreSQL asks of its key, and ssh of its folder. Test:
 * tests/unit/base/test_secrecy.c
 */
#include <xfed/base/secrecy.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

/* The worst first. */
static const struct {
    mode_t bit;
    enum xf_secrecy secrecy;
    const char *words;
} rows[] = {
    {S_IWOTH, XF_SECRECY_WRITABLE, "everybody on this machine can write it: chmod g-w,o-rwx"},
    {S_IWGRP, XF_SECRECY_WRITABLE, "its group can write it: chmod g-w,o-rwx"},
    {S_IROTH, XF_SECRECY_READABLE, "everybody on this machine can read it: chmod o-rwx"},
    {S_IRGRP, XF_SECRECY_READABLE, "its group can read it: chmod g-r, or let root own it"},
};

static enum xf_secrecy of_file(const struct stat *st, char out_words[XF_SECRECY_WORDS_BYTES])
{
    mode_t mode = st->st_uid == 0 ? st->st_mode & ~(mode_t)S_IRGRP : st->st_mode;
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        if (!(mode & rows[i].bit))
            continue;
        snprintf(out_words, XF_SECRECY_WORDS_BYTES, "%s", rows[i].words);
        return rows[i].secrecy;
    }
    return XF_SECRECY_KEPT;
}

/* In a sticky folder, as /tmp, names belong to those who made them. */
static bool may_be_replaced(const char *path, char out_words[XF_SECRECY_WORDS_BYTES])
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? xf_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : xf_strdup(".");
    struct stat st;
    bool may = stat(folder, &st) == 0 && (st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX);
    if (may)
        snprintf(out_words, XF_SECRECY_WORDS_BYTES,
                 "everybody on this machine can replace it: chmod o-w %.255s", folder);
    xf_free(folder);
    return may;
}

enum xf_secrecy xf_secrecy_of(const char *path, char out_words[XF_SECRECY_WORDS_BYTES])
{
    struct stat st;
    out_words[0] = '\0';
    if (stat(path, &st) != 0)
        return XF_SECRECY_KEPT;
    enum xf_secrecy secrecy = of_file(&st, out_words);
    return secrecy != XF_SECRECY_WRITABLE && may_be_replaced(path, out_words) ? XF_SECRECY_WRITABLE
                                                                              : secrecy;
}
