/* SPDX-License-Identifier: MIT */
/*
 * identity.c — answers: the file, then the users of the directory as they were read, then what was asked about single users.
 *
 * The file is stronger in both directions: a user or an address that it names is never looked for in the directory, and what the directory says of the other
 * half of such a pair does not count, or an address would lead to two users.
 */
#include "identity_priv.h"

#include <ldap.h>
#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

static bool has_source(const struct xf_conf *conf)
{
    return (conf->mail_file && *conf->mail_file) || (conf->directory.uri && *conf->directory.uri);
}

struct xf_identity *xf_identity_new(const struct xf_identity_opts *opts)
{
    if (!has_source(opts->conf))
        return NULL;
    LDAPAPIInfo info = {.ldapai_info_version = LDAP_API_INFO_VERSION};
    if (ldap_get_option(NULL, LDAP_OPT_API_INFO, &info) == LDAP_OPT_SUCCESS) { /* libldap's own initialisation, which no two threads may do at once */
        ldap_memfree(info.ldapai_vendor_name);
        ldap_memvfree((void **)info.ldapai_extensions);
    }
    struct xf_identity *identity = xf_new(struct xf_identity);
    identity->opts = *opts;
    identity->opts.conf = NULL;
    identity->asks = xf_map_new();
    xf_list_init(&identity->queue);
    xf_list_init(&identity->strangers);
    xf_jobs_init(identity);
    xf_identity_reload(identity, opts->conf);
    return identity;
}

void xf_identity_reload(struct xf_identity *identity, const struct xf_conf *conf)
{
    xf_jobs_set_directory(identity, xf_directory_copy(&conf->directory));
    xf_watch_set(identity, conf->mail_file ? conf->mail_file : "");
}

void xf_identity_stop(struct xf_identity *identity)
{
    if (!identity)
        return;
    atomic_store(&identity->stop, true);
    xf_timer_stop(&identity->file_job.timer);
    xf_timer_stop(&identity->load_job.timer);
}

bool xf_identity_is_busy(const struct xf_identity *identity)
{
    return identity && (identity->file_job.is_running || identity->load_job.is_running || identity->ask_job.is_running);
}

void xf_identity_free(struct xf_identity **identity)
{
    struct xf_identity *it = *identity;
    size_t cursor = 0;
    void *ask;
    if (!it)
        return;
    xf_require(!xf_identity_is_busy(it));
    while (xf_map_next(it->asks, &cursor, NULL, &ask)) {
        xf_timer_stop(&((struct xf_ask *)ask)->timer);
        xf_free(ask);
    }
    xf_map_free(&it->asks);
    xf_jobs_fini(it);
    xf_table_free(&it->file);
    xf_table_free(&it->users);
    xf_map_free(&it->members);
    xf_cache_free(&it->cache);
    xf_free(it);
    *identity = NULL;
}

/* ------------------------------------------------------------------ answers */

/* As the directory said last. *out_is_fresh: that is good enough not to ask it. */
static enum xf_identity_answer directory_mail(struct xf_identity *identity, struct xf_span jid, struct xf_span *out, bool *out_is_fresh)
{
    enum xf_identity_answer answer = xf_table_mail(identity->users, jid, out);
    *out_is_fresh = answer != XF_IDENTITY_LATER;
    return *out_is_fresh ? answer : xf_cache_mail(identity->cache, jid, xf_identity_now(identity), out, out_is_fresh);
}

static enum xf_identity_answer directory_jid(struct xf_identity *identity, struct xf_span mail, struct xf_span *out, bool *out_is_fresh)
{
    enum xf_identity_answer answer = xf_table_jid(identity->users, mail, out);
    *out_is_fresh = answer != XF_IDENTITY_LATER;
    return *out_is_fresh ? answer : xf_cache_jid(identity->cache, mail, xf_identity_now(identity), out, out_is_fresh);
}

/* Ask, unless that is not needed or nobody can be asked; then what is known has to do. */
static bool must_wait(struct xf_identity *identity, struct xf_span address, unsigned kind, bool is_fresh)
{
    bool is_sure = identity->file_job.is_known && (is_fresh || !identity->directory);
    return !is_sure && xf_ask_begin(identity, address, kind) == XF_IDENTITY_LATER;
}

static bool is_bare(struct xf_span address)
{
    return address.len > 0 && memchr(address.ptr, '@', address.len);
}

enum xf_identity_answer xf_identity_mail_of(struct xf_identity *identity, struct xf_span jid, struct xf_span *out_mail)
{
    struct xf_span mail, owner;
    bool is_fresh = false;
    enum xf_identity_answer answer = xf_table_mail(identity->file, jid, out_mail);
    if (answer != XF_IDENTITY_LATER || !is_bare(jid))
        return answer == XF_IDENTITY_FOUND ? answer : XF_IDENTITY_NONE;
    answer = directory_mail(identity, jid, &mail, &is_fresh);
    if (must_wait(identity, jid, XF_ASK_MAIL, is_fresh))
        return XF_IDENTITY_LATER;
    if (answer != XF_IDENTITY_FOUND || xf_table_jid(identity->file, mail, &owner) != XF_IDENTITY_LATER)
        return XF_IDENTITY_NONE;
    *out_mail = mail;
    return XF_IDENTITY_FOUND;
}

enum xf_identity_answer xf_identity_jid_of(struct xf_identity *identity, struct xf_span mail, struct xf_span *out_jid)
{
    struct xf_span jid, other;
    bool is_fresh = false;
    enum xf_identity_answer answer = xf_table_jid(identity->file, mail, out_jid);
    if (answer != XF_IDENTITY_LATER || !is_bare(mail))
        return answer == XF_IDENTITY_FOUND ? answer : XF_IDENTITY_NONE;
    answer = directory_jid(identity, mail, &jid, &is_fresh);
    if (must_wait(identity, mail, XF_ASK_JID | XF_ASK_MAIL, is_fresh))
        return XF_IDENTITY_LATER;
    if (answer != XF_IDENTITY_FOUND || xf_table_mail(identity->file, jid, &other) != XF_IDENTITY_LATER)
        return XF_IDENTITY_NONE;
    *out_jid = jid;
    return XF_IDENTITY_FOUND;
}

bool xf_identity_is_member(struct xf_identity *identity, const char *group, struct xf_span jid)
{
    return xf_members_has(identity->members, group, jid);
}
