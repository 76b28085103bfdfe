/* SPDX-License-Identifier: MIT */
/* sheet_text.h — a configuration from text, and what a sheet says of it. */
#pragma once

#include "folder.h"

#include <check.h>
#include <stdarg.h>
#include <xfed/base/alloc.h>
#include <xfed/sheets/sheets.h>

/* Before every row's own text. */
#define BASE                                                                                \
    "link l { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = link.secret }\n" \
    "dialback { secret-file = link.secret }\ntrust { ca-file = \"/dev/null\" }\n"

#define SERVED "served \"a.example\" { link = l aliases = {\"rooms.a.example\"} }\n"

static inline struct xf_conf *conf_of(const char *text)
{
    struct folder folder;
    struct xf_conf *conf = NULL;
    char path[128], *messages = NULL, *whole = xf_asprintf(BASE "%s", text);
    folder_make(&folder);
    folder_put_text(&folder, "link.secret", "a secret that is long enough\n");
    folder_put_text(&folder, "conf", whole);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    enum xf_err result = xf_conf_load(path, &conf, &messages);
    ck_assert_msg(result == XF_ERR_OK, "%s", messages ? messages : "refused without a message");
    folder_remove(&folder);
    xf_free(messages);
    xf_free(whole);
    return conf;
}

/* The lines without comments and empty ones. */
static inline char *without_comments(const char *text, char sign)
{
    char *out = xf_alloc(strlen(text) + 1), *end = out;
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (text[0] != sign && len > 0) {
            memcpy(end, text, len);
            end[len] = '\n';
            end += len + 1;
        }
        text += len + (text[len] == '\n');
    }
    return out;
}

/* Each line of `wanted` is there, as a line or the end of one; "!" before it: is not. */
static inline void check_lines(const char *label, const char *text, const char *wanted)
{
    while (*wanted) {
        size_t len = strcspn(wanted, "\n");
        char *line = xf_strndup(wanted, len);
        bool is_unwanted = line[0] == '!';
        bool is_there = strstr(text, line + is_unwanted) != NULL;
        ck_assert_msg(is_there != is_unwanted, "%s: %s: \"%s\" in\n%s", label,
                      is_unwanted ? "there is" : "there is no", line + is_unwanted, text);
        xf_free(line);
        wanted += len + (wanted[len] == '\n');
    }
}
