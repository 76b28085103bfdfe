/* SPDX-License-Identifier: MIT */
/*
 * ldap.c — one connection to the directory. Everything here blocks, and runs on the thread pool.
 *
 * A connection is opened when needed, and kept open. TLS (StartTLS or ldaps) always checks chain
 * and name; options are set on the handle, so that the machine's ldap.conf does not override them.
 * Every operation has the directory's timeout. When an operation fails because the server is gone,
 * we close the connection; the next one connects again, and libldap tries the servers of `uri` in
 * turn.
 */
#include "mailmap_priv.h"

#include <ldap.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <xfed/base/alloc.h>

#define SYSTEM_CA_FILE    "/etc/ssl/certs/ca-certificates.crt"
#define MESSAGE_MAX_BYTES (256u << 20) /* one entry: the largest group that we accept */

/* ------------------------------------------------------------------ errors */

static bool is_out_of_reach(int code)
{
    return code == LDAP_SERVER_DOWN || code == LDAP_TIMEOUT || code == LDAP_CONNECT_ERROR ||
           code == LDAP_UNAVAILABLE || code == LDAP_BUSY || code == LDAP_TIMELIMIT_EXCEEDED;
}

static enum xf_err err_of(int code)
{
    switch (code) {
    case LDAP_SUCCESS:
        return XF_ERR_OK;
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
        return XF_ERR_TIMEOUT;
    case LDAP_SIZELIMIT_EXCEEDED:
    case LDAP_ADMINLIMIT_EXCEEDED:
        return XF_ERR_LIMIT;
    case LDAP_NO_SUCH_OBJECT:
        return XF_ERR_NOT_FOUND;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INSUFFICIENT_ACCESS:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_CONFIDENTIALITY_REQUIRED:
        return XF_ERR_REFUSED;
    default:
        return XF_ERR_IO;
    }
}

static enum xf_err fail(struct xf_directory *directory, int code, enum xf_err as, const char *what,
                        struct xf_error *err)
{
    char *words = NULL;
    if (directory->ld)
        (void)ldap_get_option(directory->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &words);
    (void)xf_fail(err, as, "%s: %s: %s%s%.100s", directory->settings->uri, what,
                  ldap_err2string(code), words && *words ? ": " : "", words ? words : "");
    ldap_memfree(words);
    if (is_out_of_reach(code))
        xf_directory_close(directory);
    return as;
}

/* ------------------------------------------------------------------ connect */

static struct timeval timeout_of(const struct xf_directory *directory)
{
    uint64_t ms = directory->settings->timeout_ms;
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

static bool wants_tls(const struct xf_directory_settings *settings)
{
    return settings->start_tls || strncasecmp(settings->uri, "ldaps://", 8) == 0;
}

/*
 * libldap allocates as much memory as the server announces for a message, up to 4 GB; before TLS,
 * anybody on the path can announce that.
 */
void xf_directory_bound(LDAP *ld)
{
    Sockbuf *buffer = NULL;
    ber_len_t max = MESSAGE_MAX_BYTES;
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &buffer) == LDAP_OPT_SUCCESS && buffer)
        (void)ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

static int set_options(struct xf_directory *directory)
{
    const struct xf_directory_settings *settings = directory->settings;
    const struct timeval timeout = timeout_of(directory);
    const int version = LDAP_VERSION3, hard = LDAP_OPT_X_TLS_HARD, client = 0,
              no_deref = LDAP_DEREF_NEVER;
    LDAP *ld = directory->ld;
    int code = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    xf_directory_bound(ld);
    code = code ? code : ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &timeout);
    code = code ? code : ldap_set_option(ld, LDAP_OPT_TIMEOUT, &timeout);
    code = code ? code : ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    code = code ? code : ldap_set_option(ld, LDAP_OPT_DEREF, &no_deref);
    code = code ? code : ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    if (code || !wants_tls(settings))
        return code;
    code = ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &hard);
    code = code ? code
                : ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE,
                                  *settings->ca_file ? settings->ca_file : SYSTEM_CA_FILE);
    return code ? code : ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
}

/* The first operation connects, so here we notice a server that is down. */
static enum xf_err secure_and_bind(struct xf_directory *directory, struct xf_error *err)
{
    const struct xf_directory_settings *settings = directory->settings;
    bool is_ldaps = strncasecmp(settings->uri, "ldaps://", 8) == 0;
    if (settings->start_tls && !is_ldaps) {
        int code = ldap_start_tls_s(directory->ld, NULL, NULL);
        if (code != LDAP_SUCCESS)
            return fail(directory, code,
                        code == LDAP_SERVER_DOWN ? XF_ERR_IO
                        : code == LDAP_TIMEOUT   ? XF_ERR_TIMEOUT
                                                 : XF_ERR_TLS,
                        "StartTLS", err);
    }
    const char *password = *settings->bind_dn && settings->password ? settings->password : "";
    if (*password && !wants_tls(settings)) /* conf refuses that as well */
        return xf_fail(err, XF_ERR_TLS, "%s: a password needs start-tls = yes or ldaps://",
                       settings->uri);
    struct berval credentials = {strlen(password), (char *)(uintptr_t)password};
    int code = ldap_sasl_bind_s(directory->ld, *settings->bind_dn ? settings->bind_dn : NULL,
                                LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
    return code == LDAP_SUCCESS ? XF_ERR_OK
                                : fail(directory, code, err_of(code),
                                       *settings->bind_dn ? "login as bind-dn" : "connect", err);
}

enum xf_err xf_directory_open(struct xf_directory *directory, struct xf_error *err)
{
    if (directory->ld)
        return XF_ERR_OK;
    int code = ldap_initialize(&directory->ld, directory->settings->uri);
    if (code == LDAP_SUCCESS)
        code = set_options(directory);
    enum xf_err result = code == LDAP_SUCCESS
                             ? secure_and_bind(directory, err)
                             : fail(directory, code, XF_ERR_CONFIG, "cannot be used", err);
    if (result != XF_ERR_OK)
        xf_directory_close(directory);
    return result;
}

void xf_directory_close(struct xf_directory *directory)
{
    if (directory->ld)
        (void)ldap_unbind_ext_s(directory->ld, NULL, NULL);
    directory->ld = NULL;
}

/* ------------------------------------------------------------------ search */

enum xf_err xf_directory_search(struct xf_directory *directory, const struct xf_search *search,
                                LDAPMessage **out, struct xf_error *err)
{
    struct timeval timeout = timeout_of(directory);
    *out = NULL;
    if (!directory->ld)
        return xf_fail(err, XF_ERR_IO, "%s: the connection was lost", directory->settings->uri);
    int code = ldap_search_ext_s(directory->ld, search->base, search->scope, search->filter,
                                 search->attributes, 0, search->controls, NULL, &timeout,
                                 search->size_limit, out);
    return code == LDAP_SUCCESS ? XF_ERR_OK
                                : fail(directory, code, err_of(code), search->base, err);
}

void xf_filter_escape(struct xf_draft *draft, struct xf_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || strchr("@._-+", c);
        if (is_plain && c)
            xf_draft_append(draft, &value.ptr[i], 1);
        else
            xf_draft_printf(draft, "\\%02x", c);
    }
}

char *xf_directory_filter(const struct xf_directory_settings *settings, const char *condition)
{
    bool has_brackets = settings->filter[0] == '(';
    return xf_asprintf("(&%s%s%s%s)", has_brackets ? "" : "(", settings->filter,
                       has_brackets ? "" : ")", condition);
}

/* ------------------------------------------------------------------ entries */

static bool is_primary(const struct berval *value)
{
    return value->bv_len > 5 && memcmp(value->bv_val, "SMTP:", 5) == 0;
}

/*
 * Use the first value; in Active Directory's proxyAddresses, the one that begins with SMTP: in
 * capital letters.
 */
static bool make_from(struct berval **values, const char *domain, struct xf_bare *out)
{
    size_t at = 0;
    if (!values || !values[0])
        return false;
    for (size_t i = 0; values[i]; i++) {
        if (is_primary(values[i])) {
            at = i;
            break;
        }
    }
    return xf_bare_make((struct xf_span){values[at]->bv_val, values[at]->bv_len},
                        xf_span_of(domain), out);
}

static void make(const struct xf_directory *directory, LDAPMessage *entry, const char *attribute,
                 const char *domain, struct xf_bare *out)
{
    struct berval **values = ldap_get_values_len(directory->ld, entry, attribute);
    if (!make_from(values, domain, out))
        out->text = XF_SPAN_NONE;
    ldap_value_free_len(values);
}

void xf_directory_user(const struct xf_directory *directory, LDAPMessage *entry,
                       struct xf_bare *out_jid, struct xf_bare *out_mail)
{
    make(directory, entry, directory->settings->jid_attribute, directory->settings->jid_domain,
         out_jid);
    make(directory, entry, directory->settings->mail_attribute, "", out_mail);
}
