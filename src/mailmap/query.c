/* SPDX-License-Identifier: MIT */
/*
 * query.c — looks up one user of the directory, by JID or by address.
 *
 * An answer counts only if it is unique in both directions, as in the whole table: after finding
 * the user by one value we search for the other, and both searches must find the same single entry.
 * We compare prepared forms, so it does not matter how a server matches.
 */
#include "mailmap_priv.h"

#include <ldap.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define FILTER_MAX 32768

static void add_match(struct xf_draft *draft, const char *attribute, const char *scheme,
                      struct xf_span value)
{
    xf_draft_printf(draft, "(%s=%s", attribute, scheme);
    xf_filter_escape(draft, value);
    xf_draft_str(draft, ")");
}

static void split(struct xf_span bare, struct xf_span *out_local, struct xf_span *out_domain)
{
    const char *at = memchr(bare.ptr, '@', bare.len);
    xf_require(at != NULL); /* bare addresses of people only */
    *out_local = (struct xf_span){bare.ptr, (size_t)(at - bare.ptr)};
    *out_domain = (struct xf_span){at + 1, bare.len - out_local->len - 1};
}

/*
 * Match the JID itself, its form in Active Directory's msRTCSIP-PrimaryUserAddress, and its local
 * part alone if its domain is jid-domain.
 */
static void match_jid(struct xf_draft *draft, const struct xf_directory_settings *settings,
                      struct xf_span jid)
{
    struct xf_span local, domain;
    char raw[XF_JID_MAX];
    split(jid, &local, &domain);
    xf_draft_str(draft, "(|");
    add_match(draft, settings->jid_attribute, "", jid);
    add_match(draft, settings->jid_attribute, "sip:", jid);
    if (xf_span_is(domain, settings->jid_domain))
        add_match(draft, settings->jid_attribute, "", xf_bare_unescape(local, raw));
    xf_draft_str(draft, ")");
}

/*
 * Match the address itself, and its form in proxyAddresses; which of several values counts is
 * checked afterwards.
 */
static void match_mail(struct xf_draft *draft, const struct xf_directory_settings *settings,
                       struct xf_span mail)
{
    struct xf_span local, domain;
    char raw[XF_JID_MAX + 1];
    split(mail, &local, &domain);
    size_t len = xf_bare_unescape(local, raw).len;
    raw[len++] = '@';
    memcpy(raw + len, domain.ptr, domain.len);
    struct xf_span plain = {raw, len + domain.len};
    xf_draft_str(draft, "(|");
    add_match(draft, settings->mail_attribute, "", plain);
    add_match(draft, settings->mail_attribute, "smtp:", plain);
    xf_draft_str(draft, ")");
}

struct found {
    struct xf_bare jid, mail;
    size_t count; /* of entries, 2 for more */
};

static void take_entries(struct xf_directory *directory, LDAPMessage *entries, struct found *out)
{
    struct xf_bare jid, mail;
    for (LDAPMessage *entry = ldap_first_entry(directory->ld, entries); entry;
         entry = ldap_next_entry(directory->ld, entry)) {
        xf_directory_user(directory, entry, &jid, &mail);
        if (out->count++ > 0)
            return;
        out->jid.text =
            jid.text.ptr
                ? (struct xf_span){memcpy(out->jid.bytes, jid.text.ptr, jid.text.len), jid.text.len}
                : XF_SPAN_NONE;
        out->mail.text =
            mail.text.ptr ? (struct xf_span){memcpy(out->mail.bytes, mail.text.ptr, mail.text.len),
                                             mail.text.len}
                          : XF_SPAN_NONE;
    }
}

static enum xf_err find(struct xf_directory *directory, unsigned kind, struct xf_span address,
                        struct found *out, struct xf_error *err)
{
    const struct xf_directory_settings *settings = directory->settings;
    char *attributes[] = {settings->jid_attribute, settings->mail_attribute, NULL};
    LDAPMessage *entries = NULL;
    struct xf_buf condition;
    out->count = 0;
    out->jid.text = out->mail.text = XF_SPAN_NONE;
    xf_buf_init(&condition, FILTER_MAX);
    struct xf_draft draft = xf_draft_begin(&condition);
    (kind == XF_ASK_MAIL ? match_jid : match_mail)(&draft, settings, address);
    xf_draft_append(&draft, "", 1);
    if (xf_draft_end(&draft) != XF_ERR_OK) {
        xf_buf_release(&condition);
        return xf_fail(err, XF_ERR_LIMIT,
                       "%s: a filter with jid-attribute or mail-attribute is longer than %d bytes",
                       settings->uri, FILTER_MAX);
    }
    char *filter = xf_directory_filter(settings, xf_buf_ptr(&condition));
    xf_buf_release(&condition);
    const struct xf_search search = {.base = settings->base,
                                     .filter = filter,
                                     .scope = LDAP_SCOPE_SUBTREE,
                                     .size_limit = 2,
                                     .attributes = attributes};
    enum xf_err result = xf_directory_search(directory, &search, &entries, err);
    if ((result == XF_ERR_OK || result == XF_ERR_LIMIT) && directory->ld) {
        if (entries)
            take_entries(directory, entries, out);
        out->count = result == XF_ERR_LIMIT ? 2 : out->count;
        result = XF_ERR_OK;
    }
    (void)ldap_msgfree(entries);
    xf_free(filter);
    return result;
}

static bool is_one(const struct found *found, struct xf_span address, unsigned kind)
{
    return found->count == 1 && found->jid.text.ptr && found->mail.text.ptr &&
           xf_span_eq(kind == XF_ASK_MAIL ? found->jid.text : found->mail.text, address);
}

static enum xf_err ask_kind(struct xf_directory *directory, struct xf_span address, unsigned kind,
                            char **out, struct xf_notes *notes, struct xf_error *err)
{
    struct found there, back;
    unsigned other = kind ^ (XF_ASK_MAIL | XF_ASK_JID);
    enum xf_err result = find(directory, kind, address, &there, err);
    if (result == XF_ERR_OK && there.count > 1)
        xf_note(notes, "%.*s is %s of several users: none is known by it, expected one",
                XF_SPAN_ARGS(address), kind == XF_ASK_MAIL ? "the JID" : "the address");
    if (result != XF_ERR_OK || !is_one(&there, address, kind))
        return result;
    struct xf_span answer = kind == XF_ASK_MAIL ? there.mail.text : there.jid.text;
    result = find(directory, other, answer, &back, err);
    if (result == XF_ERR_OK && is_one(&back, answer, other))
        *out = xf_span_dup(answer);
    else if (result == XF_ERR_OK && back.count > 1)
        xf_note(notes, "%.*s is %s of several users: none is known by it, expected one",
                XF_SPAN_ARGS(answer), other == XF_ASK_MAIL ? "the JID" : "the address");
    return result;
}

enum xf_err xf_directory_ask(struct xf_directory *directory, struct xf_span address, unsigned kinds,
                             struct xf_mailmap_query_answer *out, struct xf_notes *notes,
                             struct xf_error *err)
{
    enum xf_err result = xf_directory_open(directory, err);
    if (result == XF_ERR_OK && (kinds & XF_ASK_MAIL))
        result = ask_kind(directory, address, XF_ASK_MAIL, &out->mail, notes, err);
    if (result == XF_ERR_OK && (kinds & XF_ASK_JID))
        result = ask_kind(directory, address, XF_ASK_JID, &out->jid, notes, err);
    return result;
}
