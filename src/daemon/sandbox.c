/* SPDX-License-Identifier: MIT */
/*
 * sandbox.c — process { sandbox }: gives up for good what a running gateway does not need, so that
 * an intruder gains little.
 *
 * It starts once listeners are bound, files read and root given up, but before the history's file
 * is opened and before the first thread, since Landlock applies to this thread and its later
 * children. From then on, files may be read in the folders of all files in the configuration, in
 * /etc and in /usr; only the state directory and the folders of the history, the journal, the
 * subscriptions and the quarantine may be written. We allow folders and not files, since
 * certificates and resolv.conf are replaced by new files; and also the folders that symlinks lead
 * to, as certbot uses them. A reload that names a file in another folder logs that it needs a
 * restart.
 *
 * Where the kernel or the build lacks one of the two, the log says so and the gateway runs with
 * less protection. Valgrind, debuggers and sanitizers do what the filter forbids, so they need
 * sandbox = no; a build with a sanitizer skips the sandbox by itself.
 */
#include "daemon_priv.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xfed/base/alloc.h>
#include <xfed/base/help.h>

/*
 * Folders of libraries and of the system's configuration, with certificates of public CAs and
 * resolv.conf; which may become a symlink into one of the folders in /run while we run.
 */
static const char *const always_read[] = {
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/dev/null",
    "/dev/urandom",
    "/run/NetworkManager",
    "/run/connman",
    "/run/netconfig",
    "/run/resolvconf",
    "/run/systemd/resolve",
};

/* Of the system, and read again while we run: src/dns/file.c. */
static const char *const watched[] = {"/etc/resolv.conf", "/etc/hosts"};

/* ---- the folders */

/* `path` without symlinks; NULL: it does not exist. */
static char *resolve(const char *path)
{
    char *from_libc = realpath(path, NULL);
    char *resolved = xf_strdup(from_libc);
    free(from_libc); /* banned-ok: realpath's memory */
    return resolved;
}

static void add_resolved(struct xf_texts *texts, const char *path)
{
    char *resolved = resolve(path);
    if (resolved)
        xf_texts_add_new(texts, resolved);
    xf_free(resolved);
}

static void add_folder_of(struct xf_texts *texts, const char *file)
{
    char *copy = xf_strdup(file);
    add_resolved(texts, dirname(copy));
    xf_free(copy);
}

/*
 * Allow the folder that contains `path`, and the one that a symlink leads to; a folder is allowed
 * itself.
 */
static void allow(struct xf_texts *folders, const char *path)
{
    struct stat st;
    char *resolved = resolve(path);
    bool is_folder = resolved && stat(resolved, &st) == 0 && S_ISDIR(st.st_mode);
    if (is_folder)
        xf_texts_add_new(folders, resolved);
    else
        add_folder_of(folders, path);
    if (resolved && !is_folder)
        add_folder_of(folders, resolved);
    xf_free(resolved);
}

static bool covers(const struct xf_texts *folders, const char *path)
{
    char *resolved = resolve(path);
    bool is_covered = !resolved; /* a missing file is reported by whoever reads it */
    for (size_t i = 0; i < folders->count && !is_covered; i++) {
        size_t len = strlen(folders->item[i]);
        is_covered = strncmp(resolved, folders->item[i], len) == 0 &&
                     (resolved[len] == '/' || resolved[len] == '\0' || len == 1);
    }
    xf_free(resolved);
    return is_covered;
}

/* ---- what a configuration names, and the system */

static void name_pins(struct xf_texts *names, const struct xf_peer_settings *settings)
{
    for (size_t i = 0; i < settings->pins.count; i++)
        if (xf_conf_pin_is_file(settings->pins.item[i]))
            xf_texts_add_new(names, settings->pins.item[i]);
}

static void name_all(struct xf_texts *names, const struct xf_conf *conf,
                     const struct xf_certs *certs)
{
    const char *const single[] = {conf->dialback.secret_file,
                                  conf->trust.crl_dir,
                                  conf->trust.cert_dir,
                                  conf->mailmap.file,
                                  conf->mailmap.directory.ca_file,
                                  conf->mailmap.directory.password_file,
                                  conf->history.password_file};
    for (size_t i = 0; i < XF_ARRAY_LEN(watched); i++)
        xf_texts_add_new(names, watched[i]);
    for (size_t i = 0; i < XF_ARRAY_LEN(single); i++)
        if (*single[i])
            xf_texts_add_new(names, single[i]);
    for (size_t i = 0; i < conf->files.count; i++)
        xf_texts_add_new(names, conf->files.item[i]);
    for (size_t i = 0; i < conf->trust.crl_files.count; i++)
        xf_texts_add_new(names, conf->trust.crl_files.item[i]);
    for (size_t i = 0; i < conf->policy.blocklists.count; i++)
        xf_texts_add_new(names, conf->policy.blocklists.item[i]);
    for (size_t i = 0; i < conf->link_count; i++)
        xf_texts_add_new(names, conf->links[i].settings.secret_file);
    for (size_t i = 0; i <= conf->peer_count; i++)
        name_pins(names, i ? &conf->peers[i - 1].settings : &conf->defaults);
    for (size_t i = 0; i < certs->trust.count; i++)
        if (*certs->trust.anchors[i].ca_file)
            xf_texts_add_new(names, certs->trust.anchors[i].ca_file);
    if (*conf->history.uri)
        xf_history_uri_files(conf->history.uri, names);
    for (size_t i = 0; i < xf_certs_count(certs); i++) {
        xf_texts_add_new(names, xf_certs_at(certs, i)->file);
        xf_texts_add_new(names, xf_certs_at(certs, i)->key_file);
    }
}

static void allow_all(struct xf_sandbox *s, const struct xf_conf *conf,
                      const struct xf_certs *certs)
{
    struct xf_texts names = {0};
    for (size_t i = 0; i < XF_ARRAY_LEN(always_read); i++)
        add_resolved(&s->read, always_read[i]);
    name_all(&names, conf, certs);
    for (size_t i = 0; i < names.count; i++)
        allow(&s->read, names.item[i]);
    s->uses_unix = *conf->history.uri && xf_history_uri_is_local(conf->history.uri);
    xf_texts_release(&names);
    char *history = xf_daemon_history_path(conf->history.file, getenv("STATE_DIRECTORY"));
    if (*history && conf->history.peers > 0 && !*conf->history.uri)
        allow(&s->write, history);
    xf_free(history);
    char *dialogs = xf_daemon_dialogs_path(conf, getenv("STATE_DIRECTORY"));
    if (*dialogs)
        allow(&s->write, dialogs);
    xf_free(dialogs);
    char *kept = xf_daemon_state_file(XF_KEPT_FILE, getenv("STATE_DIRECTORY"));
    if (*kept) /* also without a directory { }, to remove what was kept before */
        allow(&s->write, kept);
    xf_free(kept);
    if (*conf->journal.file)
        allow(&s->write, conf->journal.file);
    if (*conf->audit.file)
        allow(&s->write, conf->audit.file);
    if (*conf->listen.control) /* to remove the socket at the end */
        allow(&s->write, conf->listen.control);
    for (size_t i = 0; i < conf->link_count; i++)
        if (*conf->links[i].settings.quarantine)
            allow(&s->write, conf->links[i].settings.quarantine);
}

/* ---- the sandbox */

static void log_missing(const char *part, const char *detail)
{
    xf_log(XF_LOG_WARN, "process.sandbox.missing", XF_WORD("part", part), XF_STR("detail", detail),
           XF_HELP(XF_HELP_SANDBOX_MISSING));
}

void xf_sandbox_enter(struct xf_sandbox *s, const struct xf_conf *conf,
                      const struct xf_certs *certs)
{
    struct xf_error err = {0};
    long version = 0;
    if (!conf->process.sandbox)
        return;
    if (XF_IS_SANITIZED) {
        log_missing("all", "this build has a sanitizer, which needs what the sandbox forbids");
        return;
    }
    allow_all(s, conf, certs);
    s->has_files = xf_landlock_enter(&s->read, &s->write, &version, &err) == XF_ERR_OK;
    if (!s->has_files)
        log_missing("files", err.detail);
    s->has_calls = xf_seccomp_enter(s, &err) == XF_ERR_OK;
    if (!s->has_calls)
        log_missing("calls", err.detail);
    if (s->has_files || s->has_calls)
        xf_log(XF_LOG_INFO, "process.sandbox.on", XF_WORD("calls", s->has_calls ? "yes" : "no"),
               XF_WORD("files", s->has_files ? "yes" : "no"), XF_INT("landlock", version),
               XF_INT("folders", s->read.count + s->write.count));
}

void xf_sandbox_check(const struct xf_sandbox *s, const struct xf_conf *conf,
                      const struct xf_certs *certs)
{
    struct xf_texts names = {0};
    if (!s->has_files)
        return;
    name_all(&names, conf, certs);
    for (size_t i = 0; i < names.count; i++)
        if (!covers(&s->read, names.item[i]))
            xf_log(XF_LOG_WARN, "process.sandbox.outside", XF_STR("file", names.item[i]),
                   XF_HELP(XF_HELP_SANDBOX_OUTSIDE));
    xf_texts_release(&names);
}

void xf_sandbox_release(struct xf_sandbox *s)
{
    xf_texts_release(&s->read);
    xf_texts_release(&s->write);
    xf_free(s->listeners);
}
