/* SPDX-License-Identifier: MIT */
/* directory.c — users in memory instead of LDAP, and jobs that wait until they are run. */
#include "directory.h"

#include <string.h>

#include <xfed/base/alloc.h>

#include "mailmap_priv.h"

const char directory_users[] =
    "u@a.example ulla.meier@a.example\n"
    "w@a.example willi@a.example\n"
    "z@chat.a.example zoe@a.example\n"
    "s@a.example stranger@other.example\n"
    "o@a.example o'neil@mail.example\n"
    "k@a.example l@a.example\n" /* this address is the JID of another user */
    "l@a.example last@a.example\n";

static bool is_directory_away; /* only one world exists at a time */

void directory_set_away(bool is_away)
{
    is_directory_away = is_away;
}

/* ------------------------------------------------------------------ the pool */

void directory_work(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                    void *owner)
{
    struct directory *directory = XF_CONTAINER(pool, struct directory, pool);
    xf_require(directory->job_count < DIRECTORY_JOBS_MAX);
    directory->jobs[directory->job_count].work = work;
    directory->jobs[directory->job_count].done = done;
    directory->jobs[directory->job_count++].owner = owner;
}

bool directory_run(struct directory *directory)
{
    if (directory->is_held || directory->job_count == 0)
        return false;
    void (*done)(void *owner) = directory->jobs[0].done;
    void *owner = directory->jobs[0].owner;
    directory->jobs[0].work(owner);
    directory->job_count--;
    memmove(directory->jobs, directory->jobs + 1,
            directory->job_count * sizeof(directory->jobs[0]));
    done(owner);
    return true;
}

/* ---------------------------------------------- in place of ldap.c, load.c and verify.c */

enum xf_err xf_directory_open(struct xf_directory *directory, struct xf_error *err)
{
    (void)directory;
    return is_directory_away ? xf_fail(err, XF_ERR_IO, "the directory is away") : XF_ERR_OK;
}

void xf_directory_close(struct xf_directory *directory)
{
    directory->ld = NULL;
}

static bool next_user(const char **at, struct xf_bare *out_jid, struct xf_bare *out_mail)
{
    size_t jid_len = strcspn(*at, " "), mail_len = strcspn(*at + jid_len, "\n");
    if (jid_len == 0)
        return false;
    xf_require(xf_bare_make((struct xf_span){*at, jid_len}, XF_SPAN_NONE, out_jid));
    xf_require(
        xf_bare_make((struct xf_span){*at + jid_len + 1, mail_len - 1}, XF_SPAN_NONE, out_mail));
    *at += jid_len + mail_len + 1;
    return true;
}

enum xf_err xf_directory_load(struct xf_directory *directory, struct xf_loaded *out,
                              struct xf_error *err)
{
    struct xf_bare jid, mail;
    struct xf_user other;
    *out = (struct xf_loaded){.members = NULL};
    if (xf_directory_open(directory, err) != XF_ERR_OK)
        return XF_ERR_IO;
    out->members = xf_map_new();
    xf_members_add(out->members, XF_SPAN("friends"), XF_SPAN("u@a.example"));
    out->users = directory->settings->preload ? xf_table_new(100) : NULL;
    for (const char *at = directory_users; out->users && next_user(&at, &jid, &mail);) {
        const struct xf_user user = {jid.text, mail.text, 0};
        xf_require(xf_table_add(out->users, &user, &other) == XF_TABLE_ADDED);
    }
    return XF_ERR_OK;
}

enum xf_err xf_directory_ask(struct xf_directory *directory, struct xf_span address, unsigned kinds,
                             struct xf_mailmap_query_answer *out, struct xf_notes *notes,
                             struct xf_error *err)
{
    struct xf_bare jid, mail;
    (void)notes;
    if (xf_directory_open(directory, err) != XF_ERR_OK)
        return XF_ERR_IO;
    for (const char *at = directory_users; next_user(&at, &jid, &mail);) {
        if ((kinds & XF_ASK_MAIL) && xf_span_eq(jid.text, address))
            out->mail = xf_span_dup(mail.text);
        if ((kinds & XF_ASK_JID) && xf_span_eq(mail.text, address))
            out->jid = xf_span_dup(jid.text);
    }
    return XF_ERR_OK;
}
