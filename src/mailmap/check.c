/* SPDX-License-Identifier: MIT */
/*
 * check.c — reads the sources once for `xfedd -t`, and reports what cannot be read, every
 * duplicate, and users of the file whose domain is not ours: mostly a slip of the pen.
 *
 * A broken file and a directory that refuses us are errors. A directory that cannot be reached is a
 * warning, since the same configuration may work an hour later.
 */
#include "mailmap_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define MESSAGES_MAX (64u << 10)

struct report {
    struct xf_buf text;
    size_t errors;
};

static void say(struct report *report, const char *severity, const char *where, int line,
                const char *words)
{
    char head[600] = "", message[2000];
    if (where)
        (void)snprintf(head, sizeof(head), line > 0 ? "%.500s:%d: " : "%.500s: ", where, line);
    int len = snprintf(message, sizeof(message), "%s%s%s%.1200s", report->text.len ? "\n" : "",
                       head, severity, words);
    /* If the buffer is full, the first hundreds of messages must do. */
    (void)!xf_buf_try_append(&report->text, message, (size_t)len);
}

static void say_notes(struct report *report, struct xf_notes *notes, const char *where, int line)
{
    char more[64];
    for (size_t i = 0; i < notes->count && i < XF_NOTES_MAX; i++)
        say(report, "warning: ", where, line, notes->line[i]);
    if (notes->count > XF_NOTES_MAX) {
        (void)snprintf(more, sizeof(more), "there are %zu more of these",
                       notes->count - XF_NOTES_MAX);
        say(report, "warning: ", where, line, more);
    }
    xf_notes_release(notes);
}

static void note_unserved(const struct xf_mailmap_served *served, const char *file,
                          struct xf_span address, unsigned line, const char *effect,
                          struct xf_notes *notes)
{
    const char *at = memrchr(address.ptr, '@', address.len), *end = address.ptr + address.len;
    struct xf_span domain = at ? (struct xf_span){at + 1, (size_t)(end - at - 1)} : address;
    if (!served->serves(served->owner, domain))
        xf_note(notes,
                "%s:%u: %.*s: %.*s is not served here, so %s: expected the domain or alias of a "
                "served section",
                file, line, XF_SPAN_ARGS(address), XF_SPAN_ARGS(domain), effect);
}

static void check_domains(const struct xf_table *table, const struct xf_mailmap_served *served,
                          const char *file, struct xf_notes *notes)
{
    for (size_t i = 0; i < xf_table_count(table); i++) {
        struct xf_user user;
        xf_table_user(table, i, &user);
        note_unserved(served, file, user.jid, user.line, "the line has no effect", notes);
        note_unserved(served, file, user.mail, user.line, "peers see the JID", notes);
    }
}

static void check_file(const char *file, const struct xf_mailmap_origin *origin,
                       const struct xf_mailmap_served *served, struct report *report)
{
    struct xf_table *table = NULL;
    struct xf_notes notes = {0};
    struct xf_error err = {0};
    enum xf_err result = xf_file_read(file, &table, &notes, &err);
    if (result != XF_ERR_OK) {
        bool has_line = result == XF_ERR_BAD_VALUE;
        report->errors++;
        say(report, "", has_line ? NULL : origin->file, origin->line, err.detail);
    }
    check_domains(table, served, file, &notes);
    say_notes(report, &notes, NULL, 0); /* the notes already name lines of the map */
    xf_table_free(&table);
}

static void check_directory(const struct xf_directory_settings *settings,
                            const struct xf_mailmap_origin *origin, struct report *report)
{
    const atomic_bool stop = false;
    struct xf_directory directory = {.settings = settings, .stop = &stop};
    struct xf_loaded loaded = {0};
    struct xf_error err = {0};
    enum xf_err result = xf_directory_load(&directory, &loaded, &err);
    bool is_away = result == XF_ERR_IO || result == XF_ERR_TIMEOUT;
    if (result != XF_ERR_OK) {
        report->errors += !is_away;
        say(report, is_away ? "warning: " : "", origin->file, origin->line, err.detail);
    }
    say_notes(report, &loaded.notes, origin->file, origin->line);
    xf_loaded_release(&loaded);
    xf_directory_close(&directory);
}

enum xf_err xf_mailmap_check(const struct xf_mailmap_settings *settings,
                             const struct xf_mailmap_origin *of_file,
                             const struct xf_mailmap_origin *of_directory,
                             const struct xf_mailmap_served *served, char **out_messages)
{
    struct report report = {.errors = 0};
    xf_buf_init(&report.text, MESSAGES_MAX);
    if (settings->file && *settings->file)
        check_file(settings->file, of_file, served, &report);
    /* without the password, which conf misses, it would only say that nobody may read */
    bool can_log_in = !settings->directory.bind_dn || !*settings->directory.bind_dn ||
                      settings->directory.password;
    if (settings->directory.uri && *settings->directory.uri && can_log_in)
        check_directory(&settings->directory, of_directory, &report);
    *out_messages = report.text.len ? xf_strndup(xf_buf_ptr(&report.text), report.text.len) : NULL;
    xf_buf_release(&report.text);
    return report.errors ? XF_ERR_CONFIG : XF_ERR_OK;
}
