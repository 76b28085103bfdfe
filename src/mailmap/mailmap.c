/* SPDX-License-Identifier: MIT */
/*
 * mailmap.c — answers from the file, then from the users read from the directory, then from lookups
 * of single users.
 *
 * The file takes precedence in both directions: a user or address in it is never looked up in the
 * directory, and what the directory says about the other half of such a pair does not count;
 * otherwise an address could lead to two users.
 */
#include "mailmap_priv.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

static bool has_source(const struct xf_mailmap_settings *settings)
{
    return (settings->file && *settings->file) ||
           (settings->directory.uri && *settings->directory.uri);
}

struct xf_mailmap *xf_mailmap_new(const struct xf_mailmap_opts *opts)
{
    if (!has_source(opts->settings)) {
        xf_keep_remove(opts->keep_file);
        return NULL;
    }
    LDAPAPIInfo info = {.ldapai_info_version = LDAP_API_INFO_VERSION};
    /* Initialises libldap, which two threads must not do at the same time. */
    if (ldap_get_option(NULL, LDAP_OPT_API_INFO, &info) == LDAP_OPT_SUCCESS) {
        ldap_memfree(info.ldapai_vendor_name);
        ldap_memvfree((void **)info.ldapai_extensions);
    }
    struct xf_mailmap *mailmap = xf_new(struct xf_mailmap);
    mailmap->opts = *opts;
    mailmap->opts.settings = NULL;
    mailmap->asks = xf_map_new();
    xf_list_init(&mailmap->queue);
    xf_list_init(&mailmap->strangers);
    xf_watch_init(mailmap);
    xf_jobs_init(mailmap);
    xf_keep_init(mailmap);
    xf_mailmap_reload(mailmap, opts->settings);
    return mailmap;
}

void xf_mailmap_reload(struct xf_mailmap *mailmap, const struct xf_mailmap_settings *settings)
{
    xf_jobs_set_directory(mailmap, xf_directory_copy(&settings->directory));
    xf_watch_set(mailmap, settings->file ? settings->file : "");
    xf_keep_follow(mailmap); /* a file of an earlier process may be there without a directory */
}

void xf_mailmap_stop(struct xf_mailmap *mailmap)
{
    if (!mailmap)
        return;
    atomic_store(&mailmap->stop, true);
    xf_timer_stop(&mailmap->file_job.timer);
    xf_timer_stop(&mailmap->load_job.timer);
}

bool xf_mailmap_is_busy(const struct xf_mailmap *mailmap)
{
    return mailmap && (mailmap->file_job.is_running || mailmap->load_job.is_running ||
                       mailmap->ask_job.is_running || mailmap->keep.is_running);
}

void xf_mailmap_free(struct xf_mailmap **mailmap)
{
    struct xf_mailmap *it = *mailmap;
    size_t cursor = 0;
    void *ask;
    if (!it)
        return;
    xf_require(!xf_mailmap_is_busy(it));
    while (xf_map_next(it->asks, &cursor, NULL, &ask)) {
        xf_timer_stop(&((struct xf_mailmap_query *)ask)->timer);
        xf_free(ask);
    }
    xf_map_free(&it->asks);
    xf_watch_fini(it);
    xf_jobs_fini(it);
    xf_keep_fini(it);
    xf_table_free(&it->file);
    xf_table_free(&it->users);
    xf_map_free(&it->members);
    xf_cache_free(&it->cache);
    xf_free(it);
    *mailmap = NULL;
}

/* ------------------------------------------------------------------ answers */

/* All users, unless they were read too long ago and nobody can be asked. */
static const struct xf_table *users_of(const struct xf_mailmap *mailmap)
{
    bool is_old = mailmap->is_away && xf_mailmap_now(mailmap) >= mailmap->users_until_ms;
    return is_old ? NULL : mailmap->users;
}

/*
 * The directory's last answer; LATER: none. *out_is_fresh: it is recent enough, so no lookup is
 * needed.
 */
static enum xf_mailmap_answer directory_mail(struct xf_mailmap *mailmap, struct xf_span jid,
                                             struct xf_span *out, bool *out_is_fresh)
{
    enum xf_mailmap_answer answer = xf_table_mail(users_of(mailmap), jid, out);
    *out_is_fresh = answer != XF_MAILMAP_LATER;
    return *out_is_fresh
               ? answer
               : xf_cache_mail(mailmap->cache, jid, xf_mailmap_now(mailmap), out, out_is_fresh);
}

static enum xf_mailmap_answer directory_jid(struct xf_mailmap *mailmap, struct xf_span mail,
                                            struct xf_span *out, bool *out_is_fresh)
{
    enum xf_mailmap_answer answer = xf_table_jid(users_of(mailmap), mail, out);
    *out_is_fresh = answer != XF_MAILMAP_LATER;
    return *out_is_fresh
               ? answer
               : xf_cache_jid(mailmap->cache, mail, xf_mailmap_now(mailmap), out, out_is_fresh);
}

/* Start a lookup, unless none is needed or none is possible; then use what is known. */
static bool must_wait(struct xf_mailmap *mailmap, struct xf_span address, unsigned kind,
                      enum xf_mailmap_answer known, bool is_fresh)
{
    bool is_sure = mailmap->file_job.is_known && (is_fresh || !mailmap->directory);
    if (is_sure || xf_mailmap_query_begin(mailmap, address, kind, known != XF_MAILMAP_LATER) !=
                       XF_MAILMAP_LATER)
        return false;
    xf_jobs_ask(mailmap);
    return true;
}

/* The answer where nothing is known, and nobody can be asked. */
static enum xf_mailmap_answer nothing(const struct xf_mailmap *mailmap)
{
    return mailmap->directory && mailmap->directory->unknown != XF_UNKNOWN_JID ? XF_MAILMAP_UNKNOWN
                                                                               : XF_MAILMAP_NONE;
}

static bool is_bare(struct xf_span address)
{
    return address.len > 0 && memchr(address.ptr, '@', address.len);
}

enum xf_mailmap_answer xf_mailmap_mail_of(struct xf_mailmap *mailmap, struct xf_span jid,
                                          struct xf_span *out_mail)
{
    struct xf_span mail, owner;
    bool is_fresh = false;
    enum xf_mailmap_answer answer = xf_table_mail(mailmap->file, jid, out_mail);
    if (answer != XF_MAILMAP_LATER || !is_bare(jid))
        return answer == XF_MAILMAP_FOUND ? answer : XF_MAILMAP_NONE;
    answer = directory_mail(mailmap, jid, &mail, &is_fresh);
    if (must_wait(mailmap, jid, XF_ASK_MAIL, answer, is_fresh))
        return XF_MAILMAP_LATER;
    if (answer == XF_MAILMAP_LATER)
        return nothing(mailmap);
    if (answer != XF_MAILMAP_FOUND || xf_table_jid(mailmap->file, mail, &owner) != XF_MAILMAP_LATER)
        return XF_MAILMAP_NONE;
    *out_mail = mail;
    return XF_MAILMAP_FOUND;
}

enum xf_mailmap_answer xf_mailmap_jid_of(struct xf_mailmap *mailmap, struct xf_span mail,
                                         struct xf_span *out_jid)
{
    struct xf_span jid, other;
    bool is_fresh = false;
    enum xf_mailmap_answer answer = xf_table_jid(mailmap->file, mail, out_jid);
    if (answer != XF_MAILMAP_LATER || !is_bare(mail))
        return answer == XF_MAILMAP_FOUND ? answer : XF_MAILMAP_NONE;
    answer = directory_jid(mailmap, mail, &jid, &is_fresh);
    if (must_wait(mailmap, mail, XF_ASK_JID | XF_ASK_MAIL, answer, is_fresh))
        return XF_MAILMAP_LATER;
    if (answer == XF_MAILMAP_LATER)
        return nothing(mailmap);
    if (answer != XF_MAILMAP_FOUND || xf_table_mail(mailmap->file, jid, &other) != XF_MAILMAP_LATER)
        return XF_MAILMAP_NONE;
    *out_jid = jid;
    return XF_MAILMAP_FOUND;
}

bool xf_mailmap_is_member(struct xf_mailmap *mailmap, const char *group, struct xf_span jid)
{
    return xf_members_has(mailmap->members, group, jid);
}
