/* SPDX-License-Identifier: MIT */
/*
 * check_directory.c — checks that the directory's settings fit together and provide what peers
 * need: a source of addresses for mail = yes, a definition for each group.
 *
 * Only the directory itself can tell whether the base exists and the password is right; xfedd -t
 * asks it.
 */
#include "conf_priv.h"

#include <string.h>
#include <strings.h>
#include <xfed/base/alloc.h>
#include <xfed/base/forms.h>

static void refuse(const struct xf_check *check, const char *key, const char *what,
                   const char *accepted)
{
    const struct xf_conf_place *at = &check->conf->directory_at;
    xf_problem(check->problems, at->file ? at->file : check->conf->file, xf_conf_line(at, key),
               "directory: %s: expected %s", what, accepted);
}

/* ---- the directory itself */

static bool has_prefix(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* Are all words ldap:// URIs, or all ldaps:// URIs? */
static bool is_uri_list(const char *text, bool *out_is_ldaps)
{
    *out_is_ldaps = has_prefix(text, "ldaps://");
    for (const char *word = text; *word; word += strcspn(word, " "), word += strspn(word, " "))
        if (!has_prefix(word, *out_is_ldaps ? "ldaps://" : "ldap://"))
            return false;
    return true;
}

/* Is it an attribute that, by its definition, holds a name without domain? */
static bool is_short_name(const char *attribute)
{
    static const char *const names[] = {"uid", "userid", "sAMAccountName", "cn", "memberUid"};
    for (size_t i = 0; i < XF_ARRAY_LEN(names); i++)
        if (strcasecmp(attribute, names[i]) == 0)
            return true;
    return false;
}

static void check_access(const struct xf_check *check,
                         const struct xf_directory_settings *directory)
{
    bool is_ldaps = false, has_dn = *directory->bind_dn, has_password = *directory->password_file;
    if (!is_uri_list(directory->uri, &is_ldaps))
        refuse(check, "uri", "uri is not a list of servers",
               "ldap://host ... or ldaps://host ..., all of one kind");
    if (has_dn != has_password)
        refuse(check, has_dn ? "bind-dn" : "password-file",
               has_dn ? "bind-dn without password-file" : "password-file without bind-dn",
               "both or neither");
    if (has_password && !is_ldaps && !directory->start_tls)
        refuse(check, "start-tls", "the password would be sent without TLS",
               "start-tls = yes, or ldaps:// in uri");
}

static void check_names(const struct xf_check *check, const struct xf_directory_settings *directory)
{
    if (!*directory->base)
        refuse(check, "uri", "base is missing", "the DN below which users are found");
    if (!*directory->filter)
        refuse(check, "filter", "filter is empty", "an LDAP filter such as (objectClass=person)");
    if (!*directory->mail_attribute || !*directory->jid_attribute)
        refuse(check, *directory->jid_attribute ? "mail-attribute" : "jid-attribute",
               "the name of an attribute is missing", "an attribute such as mail or uid");
    if (!*directory->jid_domain && is_short_name(directory->jid_attribute))
        refuse(check, "jid-attribute",
               "jid-domain is missing, and jid-attribute holds names without a domain",
               "jid-domain = \"im.example.org\"");
}

/* ---- what peers need */

static bool has_group(const struct xf_conf *conf, const char *wanted)
{
    struct xf_span name, dn;
    for (size_t i = 0; *conf->mailmap.directory.uri && i < conf->mailmap.directory.groups.count;
         i++)
        if (xf_group_parse(conf->mailmap.directory.groups.item[i], &name, &dn) &&
            xf_span_is(name, wanted))
            return true;
    return false;
}

static void check_wishes(const struct xf_check *check, const struct xf_raw_section *raw,
                         const char *name, const struct xf_peer_settings *settings)
{
    static const char *const mail_keys[] = {"mail", NULL}, *const group_keys[] = {"groups", NULL};
    const char *file = raw ? raw->file : check->conf->file;
    if (settings->mail && !*check->conf->mailmap.file && !*check->conf->mailmap.directory.uri)
        xf_problem(check->problems, file, xf_raw_line(raw, mail_keys),
                   "%s: mail = yes, but there are no e-mail addresses: expected mail { file } or "
                   "directory { uri }",
                   name);
    for (size_t i = 0; i < settings->groups.count; i++)
        if (!has_group(check->conf, settings->groups.item[i]))
            xf_problem(
                check->problems, file, xf_raw_line(raw, group_keys),
                "%s: groups: there is no group \"%.255s\": expected one of directory { groups }",
                name, settings->groups.item[i]);
}

void xf_check_directory(const struct xf_check *check)
{
    const struct xf_conf *conf = check->conf;
    if (*conf->mailmap.directory.uri) {
        check_access(check, &conf->mailmap.directory);
        check_names(check, &conf->mailmap.directory);
    }
    check_wishes(check, check->defaults, "defaults", &conf->defaults);
    for (size_t i = 0; i < conf->peer_count; i++) {
        char *name = xf_asprintf("peer \"%s\"", conf->peers[i].pattern);
        check_wishes(check, check->peers[i], name, &conf->peers[i].settings);
        xf_free(name);
    }
}
