/* SPDX-License-Identifier: MIT */
/*
 * load.c — reads all users of the directory, in pages (RFC 2696), and the members of the configured
 * groups.
 *
 * Members are written as DNs (member, uniqueMember) or as user names (memberUid). The pages tell
 * which user a DN is; with preload = no, each DN is looked up. Active Directory returns long lists
 * in ranges (member;range=0-1499), which we request until there are no more. Groups within groups
 * are ignored.
 */
#include "mailmap_priv.h"

#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xfed/base/alloc.h>
#include <xfed/base/forms.h>

#define GROUP_MEMBERS_MAX 1000000
#define DN_MAX            4096
#define RANGES_MAX        10000

struct load {
    struct xf_directory *directory;
    struct xf_loaded *out;
    /* Normal form of a DN -> char *, the JID; NULL if no group is configured. */
    struct xf_map *by_dn;
    size_t member_count;
};

/* ------------------------------------------------------------------ names by DN */

/* In lower case and without optional blanks, as libldap normalises it; NULL if it is not a DN. */
static char *normal_dn(const char *dn, size_t len)
{
    LDAPDN parsed = NULL;
    char *text = NULL, *out = NULL;
    struct berval value = {len, (char *)(uintptr_t)dn};
    if (len > DN_MAX || ldap_bv2dn(&value, &parsed, LDAP_DN_FORMAT_LDAP) != LDAP_SUCCESS || !parsed)
        return NULL;
    if (ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS && text) {
        out = xf_strdup(text);
        for (char *c = out; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    ldap_memfree(text);
    ldap_dnfree(parsed);
    return out;
}

static void remember_dn(struct load *load, LDAPMessage *entry, struct xf_span jid)
{
    char *dn = load->by_dn ? ldap_get_dn(load->directory->ld, entry) : NULL;
    char *normal = dn ? normal_dn(dn, strlen(dn)) : NULL;
    if (normal && !xf_map_find(load->by_dn, xf_span_of(normal)))
        (void)xf_map_set(load->by_dn, xf_span_of(normal), xf_span_dup(jid));
    xf_free(normal);
    ldap_memfree(dn);
}

static void forget_dns(struct xf_map **by_dn)
{
    size_t cursor = 0;
    void *jid;
    while (*by_dn && xf_map_next(*by_dn, &cursor, NULL, &jid))
        xf_free(jid);
    xf_map_free(by_dn);
}

/* ------------------------------------------------------------------ users */

static enum xf_err add_user(struct load *load, LDAPMessage *entry, struct xf_error *err)
{
    struct xf_bare jid, mail;
    struct xf_user other;
    xf_directory_user(load->directory, entry, &jid, &mail);
    if (!jid.text.ptr)
        return XF_ERR_OK;
    remember_dn(load, entry, jid.text);
    if (!mail.text.ptr)
        return XF_ERR_OK;
    const struct xf_user user = {.jid = jid.text, .mail = mail.text};
    enum xf_table_add result = xf_table_add(load->out->users, &user, &other);
    if (result == XF_TABLE_FULL)
        return xf_fail(err, XF_ERR_LIMIT,
                       "more than %u users: raise directory { cache-entries }, or narrow filter",
                       load->directory->settings->cache_entries);
    xf_table_note(&load->out->notes, "", result, &user, &other);
    return XF_ERR_OK;
}

/*
 * Get the cookie for the next page, which is empty after the last one. libldap asserts that the
 * control has a value, and reads through NULL if the value is empty. Both depend on the server, so
 * check first.
 */
static void take_cookie(struct xf_directory *directory, LDAPMessage *page, struct berval *cookie)
{
    LDAPControl **controls = NULL, *response = NULL;
    ber_int_t estimate = 0;
    struct berval next = {0, NULL};
    if (ldap_parse_result(directory->ld, page, NULL, NULL, NULL, NULL, &controls, 0) ==
            LDAP_SUCCESS &&
        controls)
        response = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    if (response && response->ldctl_value.bv_val && response->ldctl_value.bv_len > 0 &&
        ldap_parse_pageresponse_control(directory->ld, response, &estimate, &next) != LDAP_SUCCESS)
        next = (struct berval){0, NULL};
    ldap_controls_free(controls);
    ber_memfree(cookie->bv_val);
    *cookie = next;
}

static enum xf_err read_page(struct load *load, const char *filter, struct berval *cookie,
                             struct xf_error *err)
{
    struct xf_directory *directory = load->directory;
    char *attributes[] = {directory->settings->jid_attribute, directory->settings->mail_attribute,
                          NULL};
    LDAPControl *page = NULL;
    LDAPMessage *entries = NULL;
    if (ldap_create_page_control(directory->ld, (ber_int_t)directory->settings->page_entries,
                                 cookie, 0, &page) != LDAP_SUCCESS)
        return xf_fail(err, XF_ERR_IO, "a page cannot be asked for");
    LDAPControl *controls[] = {page, NULL};
    const struct xf_search search = {.base = directory->settings->base,
                                     .filter = filter,
                                     .scope = LDAP_SCOPE_SUBTREE,
                                     .attributes = attributes,
                                     .controls = controls};
    enum xf_err result = xf_directory_search(directory, &search, &entries, err);
    ldap_control_free(page);
    if (result == XF_ERR_LIMIT)
        result =
            xf_fail(err, XF_ERR_LIMIT,
                    "%s: the server gives no more than %zu users: raise its size limit for bind-dn",
                    directory->settings->uri, xf_table_count(load->out->users));
    for (LDAPMessage *entry = result == XF_ERR_OK ? ldap_first_entry(directory->ld, entries) : NULL;
         entry && result == XF_ERR_OK; entry = ldap_next_entry(directory->ld, entry))
        result = add_user(load, entry, err);
    if (result == XF_ERR_OK)
        take_cookie(directory, entries, cookie);
    (void)ldap_msgfree(entries);
    return result;
}

static enum xf_err read_users(struct load *load, struct xf_error *err)
{
    struct berval cookie = {0, NULL};
    char *filter = xf_directory_filter(load->directory->settings, "");
    enum xf_err result;
    do {
        result = read_page(load, filter, &cookie, err);
        if (result == XF_ERR_OK && atomic_load(load->directory->stop))
            result = xf_fail(err, XF_ERR_CLOSED, "stopped");
    } while (result == XF_ERR_OK && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    xf_free(filter);
    return result;
}

/* ------------------------------------------------------------------ groups */

static enum xf_err add_member(struct load *load, struct xf_span group, struct xf_span jid,
                              struct xf_error *err)
{
    if (++load->member_count > GROUP_MEMBERS_MAX)
        return xf_fail(err, XF_ERR_LIMIT, "groups have more than %d members in all",
                       GROUP_MEMBERS_MAX);
    xf_members_add(load->out->members, group, jid);
    return XF_ERR_OK;
}

/*
 * For preload = no, and for members that the filter excludes: the user's JID from the user's own
 * entry; "" if there is none.
 */
static enum xf_err look_up_dn(struct load *load, const char *dn, struct xf_bare *out,
                              struct xf_error *err)
{
    char *attributes[] = {load->directory->settings->jid_attribute,
                          load->directory->settings->mail_attribute, NULL};
    const struct xf_search search = {.base = dn,
                                     .filter = "(objectClass=*)",
                                     .scope = LDAP_SCOPE_BASE,
                                     .size_limit = 1,
                                     .attributes = attributes};
    LDAPMessage *found = NULL;
    struct xf_bare mail;
    out->text = XF_SPAN_NONE;
    enum xf_err result = xf_directory_search(load->directory, &search, &found, err);
    LDAPMessage *entry = result == XF_ERR_OK ? ldap_first_entry(load->directory->ld, found) : NULL;
    if (entry)
        xf_directory_user(load->directory, entry, out, &mail);
    (void)ldap_msgfree(found);
    return result == XF_ERR_NOT_FOUND || result == XF_ERR_REFUSED ? XF_ERR_OK : result;
}

static enum xf_err add_dn(struct load *load, struct xf_span group, struct xf_span value,
                          struct xf_error *err)
{
    struct xf_bare found = {.text = XF_SPAN_NONE};
    char *dn = normal_dn(value.ptr, value.len);
    const char *jid = dn ? xf_map_find(load->by_dn, xf_span_of(dn)) : NULL;
    enum xf_err result = XF_ERR_OK;
    if (jid)
        result = add_member(load, group, xf_span_of(jid), err);
    else if (dn && (result = look_up_dn(load, dn, &found, err)) == XF_ERR_OK && found.text.ptr)
        result = add_member(load, group, found.text, err);
    xf_free(dn);
    return result;
}

static enum xf_err add_values(struct load *load, LDAPMessage *entry, const char *attribute,
                              struct xf_span group, struct xf_error *err)
{
    struct berval **values = ldap_get_values_len(load->directory->ld, entry, attribute);
    bool is_name = strncasecmp(attribute, "memberUid", 9) == 0;
    enum xf_err result = XF_ERR_OK;
    struct xf_bare jid;
    for (size_t i = 0; values && values[i] && result == XF_ERR_OK; i++) {
        struct xf_span value = {values[i]->bv_val, values[i]->bv_len};
        if (!is_name)
            result = add_dn(load, group, value, err);
        else if (xf_bare_make(value, xf_span_of(load->directory->settings->jid_domain), &jid))
            result = add_member(load, group, jid.text, err);
        if (atomic_load(load->directory->stop))
            result = xf_fail(err, XF_ERR_CLOSED, "stopped");
    }
    ldap_value_free_len(values);
    return result;
}

/* "member;range=0-1499": there are more, starting at 1500. Returns 0 if there are none. */
static unsigned long next_of_range(const char *attribute)
{
    const char *range = strcasestr(attribute, ";range="), *dash = range ? strchr(range, '-') : NULL;
    return dash && dash[1] != '*' ? strtoul(dash + 1, NULL, 10) + 1 : 0;
}

static enum xf_err read_part(struct load *load, struct xf_span group, const char *dn,
                             char **attributes, unsigned long *out_next, struct xf_error *err)
{
    const struct xf_search search = {.base = dn,
                                     .filter = "(objectClass=*)",
                                     .scope = LDAP_SCOPE_BASE,
                                     .attributes = attributes};
    LDAPMessage *found = NULL;
    BerElement *position = NULL;
    enum xf_err result = xf_directory_search(load->directory, &search, &found, err);
    LDAPMessage *entry = result == XF_ERR_OK ? ldap_first_entry(load->directory->ld, found) : NULL;
    char *attribute = entry ? ldap_first_attribute(load->directory->ld, entry, &position) : NULL;
    *out_next = 0;
    while (attribute) {
        unsigned long next = next_of_range(attribute);
        *out_next = next ? next : *out_next;
        if (result == XF_ERR_OK)
            result = add_values(load, entry, attribute, group, err);
        ldap_memfree(attribute);
        attribute =
            load->directory->ld ? ldap_next_attribute(load->directory->ld, entry, position) : NULL;
    }
    ber_free(position, 0);
    (void)ldap_msgfree(found);
    return result;
}

static enum xf_err read_group(struct load *load, const char *text, struct xf_error *err)
{
    struct xf_span name, dn_span;
    if (!xf_group_parse(text, &name, &dn_span))
        return XF_ERR_OK; /* conf has checked it */
    char member[64] = "member",
         *attributes[] = {member, (char[]){"uniqueMember"}, (char[]){"memberUid"}, NULL};
    char *dn = xf_span_dup(dn_span);
    unsigned long next = 0;
    enum xf_err result = read_part(load, name, dn, attributes, &next, err);
    attributes[1] = NULL;
    for (int i = 0; result == XF_ERR_OK && next > 0 && i < RANGES_MAX; i++) {
        (void)snprintf(member, sizeof(member), "member;range=%lu-*", next);
        result = read_part(load, name, dn, attributes, &next, err);
    }
    xf_free(dn);
    if (result == XF_ERR_NOT_FOUND) {
        xf_note(&load->out->notes, "the group %s is not in the directory: nobody is in it", text);
        result = XF_ERR_OK;
    }
    return result;
}

/* ------------------------------------------------------------------ all */

enum xf_err xf_directory_load(struct xf_directory *directory, struct xf_loaded *out,
                              struct xf_error *err)
{
    const struct xf_directory_settings *settings = directory->settings;
    *out = (struct xf_loaded){.members = xf_map_new()};
    struct load load = {
        .directory = directory, .out = out, .by_dn = settings->groups.count ? xf_map_new() : NULL};
    enum xf_err result = xf_directory_open(directory, err);
    if (result == XF_ERR_OK && settings->preload) {
        out->users = xf_table_new(settings->cache_entries);
        result = read_users(&load, err);
    }
    for (size_t i = 0; result == XF_ERR_OK && i < settings->groups.count; i++)
        result = read_group(&load, settings->groups.item[i], err);
    forget_dns(&load.by_dn);
    if (result != XF_ERR_OK)
        xf_loaded_release(out);
    return result;
}
