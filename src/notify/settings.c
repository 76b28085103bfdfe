/* SPDX-License-Identifier: MIT */
/* settings.c — the configuration file of xfed-notify, and the password that it names. */
#include "notify_priv.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>
#include <xfed/base/secrecy.h>
#include <xfed/base/utf8.h>

#define OPERATORS_MAX  50
#define PASSWORD_BYTES 1024

static void XF_PRINTF(2, 0) on_error(cfg_t *cfg, const char *fmt, va_list args)
{
    fprintf(stderr, "%s:%d: ", cfg->filename, cfg->line);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

static bool complain(const char *file, const char *key, const char *value, const char *what)
{
    fprintf(stderr, "%s: %s = \"%s\": %s\n", file, key, value, what);
    return false;
}

/* As above; errno says what. */
static bool complain_of_system(const char *file, const char *key, const char *value)
{
    char words[128];
    return complain(file, key, value, strerror_r(errno, words, sizeof(words)));
}

/* A bare JID with a local part, prepared; NULL: it is none. */
static char *bare_jid(const char *text)
{
    char scratch[XF_JID_MAX + 1];
    struct xf_jid jid;
    if (!xf_utf8_valid(text, strlen(text)) ||
        xf_jid_prepare(xf_span_of(text), scratch, &jid) != XF_ERR_OK || !jid.local.ptr ||
        jid.resource.ptr)
        return NULL;
    return xf_span_dup(jid.full);
}

/* A name without a folder is that of a file beside the configuration. */
static char *path_of(const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');
    if (strchr(name, '/') || !slash)
        return xf_strdup(name);
    return xf_asprintf("%.*s/%s", (int)(slash - file), file, name);
}

/* ------------------------------------------------------------------ the password */

/* The first line of the file. */
static char *read_line(const char *path)
{
    char line[PASSWORD_BYTES] = "";
    FILE *in = fopen(path, "re");
    if (!in)
        return NULL;
    bool is_read = fgets(line, sizeof(line), in) != NULL;
    fclose(in);
    line[strcspn(line, "\r\n")] = '\0';
    char *password = is_read ? xf_span_dup(xf_utf8_without_mark(xf_span_of(line))) : xf_strdup("");
    xf_wipe(line, sizeof(line));
    return password;
}

static bool take_password_of(const char *file, const char *path, struct xf_notice_settings *out)
{
    char words[XF_SECRECY_WORDS_BYTES];
    enum xf_secrecy secrecy = xf_secrecy_of(path, words);
    if (secrecy == XF_SECRECY_WRITABLE)
        return complain(file, "password-file", path, words);
    if (secrecy == XF_SECRECY_READABLE)
        (void)complain(file, "warning: password-file", path, words);
    out->password = read_line(path);
    if (!out->password)
        return complain_of_system(file, "password-file", path);
    return *out->password ? true
                          : complain(file, "password-file", path,
                                     "its first line is empty: expected the password");
}

static bool take_password(const char *file, cfg_t *cfg, struct xf_notice_settings *out)
{
    char *path = path_of(file, cfg_getstr(cfg, "password-file"));
    bool is_good = take_password_of(file, path, out);
    xf_free(path);
    return is_good;
}

/* ------------------------------------------------------------------ the values */

static bool take_jid(const char *file, cfg_t *cfg, struct xf_notice_settings *out)
{
    const char *jid = cfg_getstr(cfg, "jid");
    out->jid = bare_jid(jid);
    return out->jid ? true
                    : complain(file, "jid", jid, "expected an account such as gateway@example.org");
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT; "" leaves it to DNS. */
static bool take_server(const char *file, cfg_t *cfg, struct xf_notice_settings *out)
{
    const char *text = cfg_getstr(cfg, "server"), *colon = strrchr(text, ':'), *end;
    const char *bracket = *text == '[' ? strchr(text, ']') : NULL;
    uint64_t port = 0;
    if (!*text)
        return true;
    bool has_port = colon && colon > (bracket ? bracket : text);
    if (has_port && (!xf_span_number(xf_span_of(colon + 1), 65535, &port) || port == 0))
        return complain(file, "server", text, "expected HOST or HOST:PORT");
    end = bracket ? bracket : has_port ? colon : text + strlen(text);
    out->host = xf_strndup(text + (bracket != NULL), (size_t)(end - text) - (bracket != NULL));
    out->port = port ? (unsigned)port : 5222;
    return true;
}

static bool take_tls(const char *file, cfg_t *cfg, struct xf_notice_settings *out)
{
    const char *word = cfg_getstr(cfg, "tls"), *ca_file = cfg_getstr(cfg, "ca-file");
    out->ca_file = *ca_file ? path_of(file, ca_file) : NULL;
    if (out->ca_file && access(out->ca_file, R_OK) != 0)
        return complain_of_system(file, "ca-file", out->ca_file);
    if (strcmp(word, "required") == 0)
        return true;
    if (strcmp(word, "any-certificate") != 0)
        return complain(file, "tls", word, "expected required or any-certificate");
    out->tls = XF_NOTICE_TLS_ANY_CERTIFICATE;
    (void)complain(file, "warning: tls", word,
                   "whoever stands between us and the server gets the password's proof and all "
                   "alarms: name the server's CA in ca-file");
    return true;
}

static bool take_operators(const char *file, cfg_t *cfg, struct xf_notice_settings *out)
{
    const char *home = strchr(out->jid, '@');
    for (unsigned i = 0; i < cfg_size(cfg, "operators"); i++) {
        const char *text = cfg_getnstr(cfg, "operators", i);
        char *jid = bare_jid(text);
        if (!jid)
            return complain(file, "operators", text, "expected a JID such as alice@example.org");
        if (strcmp(jid, out->jid) == 0) {
            xf_free(jid);
            return complain(file, "operators", text, "it is our own account");
        }
        if (strcmp(strchr(jid, '@'), home) != 0)
            (void)complain(file, "warning: operators", text,
                           "is of another domain: whoever runs its server can read along, and ask");
        xf_texts_add_new(&out->operators, jid);
        xf_free(jid);
    }
    if (out->operators.count == 0 || out->operators.count > OPERATORS_MAX)
        return complain(file, "operators", "", "expected 1 to 50 JIDs");
    return true;
}

bool xf_notice_settings_load(const char *file, struct xf_notice_settings *out)
{
    char nobody[] = "{}";
    cfg_opt_t opts[] = {
        CFG_STR("jid", "", CFGF_NONE),
        CFG_STR("password-file", "xfed-notify.password", CFGF_NONE),
        CFG_STR("server", "127.0.0.1", CFGF_NONE),
        CFG_STR("ca-file", "", CFGF_NONE),
        CFG_STR("tls", "required", CFGF_NONE),
        CFG_STR_LIST("operators", nobody, CFGF_NONE),
        CFG_STR("control", XF_ASK_SOCKET, CFGF_NONE),
        CFG_END(),
    };
    cfg_t *cfg = cfg_init(opts, CFGF_NONE);
    *out = (struct xf_notice_settings){0};
    cfg_set_error_function(cfg, on_error);
    int parsed = cfg_parse(cfg, file);
    if (parsed == CFG_FILE_ERROR)
        (void)complain_of_system(file, "file", file);
    bool is_good = parsed == CFG_SUCCESS && take_jid(file, cfg, out) &&
                   take_server(file, cfg, out) && take_tls(file, cfg, out) &&
                   take_operators(file, cfg, out) && take_password(file, cfg, out);
    if (parsed == CFG_SUCCESS)
        out->control = xf_strdup(cfg_getstr(cfg, "control"));
    cfg_free(cfg);
    if (!is_good)
        xf_notice_settings_release(out);
    return is_good;
}

void xf_notice_settings_release(struct xf_notice_settings *settings)
{
    if (settings->password)
        xf_wipe(settings->password, strlen(settings->password));
    xf_free(settings->jid);
    xf_free(settings->password);
    xf_free(settings->host);
    xf_free(settings->ca_file);
    xf_free(settings->control);
    xf_texts_release(&settings->operators);
    *settings = (struct xf_notice_settings){0};
}
