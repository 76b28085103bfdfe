/* SPDX-License-Identifier: MIT */
/*
 * main.c — the program: its modes and exit codes.
 *
 * -t and a start check a configuration in the same way: the file, then every certificate and key
 * that it names. The only difference: -t refuses secrets that others can read, a start warns.
 * Messages go to standard error as FILE:LINE: ..., one on each line.
 */
#include "daemon_priv.h"

#include <stdio.h>
#include <string.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>
#include <xfed/daemon/usage.h>

static void print_messages(const char *messages, size_t len)
{
    if (len > 0)
        fprintf(stderr, "%.*s\n", (int)len, messages);
}

/* Load only the configuration. NULL: it was refused, and the reason was printed. */
static struct xf_conf *load_conf(const char *file, char **out_messages)
{
    struct xf_conf *conf = NULL;
    char *messages = NULL;
    enum xf_err result = xf_conf_load(file, &conf, &messages);
    if (result != XF_ERR_OK && messages)
        print_messages(messages, strlen(messages));
    if (result == XF_ERR_OK)
        *out_messages = messages;
    else
        xf_free(messages);
    return conf;
}

static enum xf_exit dump(const char *file, enum xf_dump what)
{
    char *messages = NULL;
    struct xf_conf *conf = load_conf(file, &messages);
    if (!conf)
        return XF_EXIT_CONFIG;
    xf_conf_dump(conf, what, stdout);
    xf_free(messages);
    xf_conf_free(&conf);
    return fflush(stdout) == 0 ? XF_EXIT_OK : XF_EXIT_RUNTIME;
}

static enum xf_exit sheet(const struct xf_options *options)
{
    char *messages = NULL;
    struct xf_conf *conf = load_conf(options->file, &messages);
    if (!conf)
        return XF_EXIT_CONFIG;
    enum xf_exit code = xf_daemon_print_sheet(options, conf);
    xf_free(messages);
    xf_conf_free(&conf);
    return code;
}

static enum xf_exit explain(const struct xf_options *options)
{
    char *messages = NULL;
    struct xf_conf *conf = load_conf(options->file, &messages);
    if (!conf)
        return XF_EXIT_CONFIG;
    enum xf_exit code = xf_explain_print(options, conf);
    xf_free(messages);
    xf_conf_free(&conf);
    return code;
}

/*
 * Load a configuration with its certificates and blocklists, and put every message about them into
 * the report, whose errors tell whether it is valid.
 */
static struct xf_conf *load_all(const char *file, bool with_dates, struct xf_certs *out_certs,
                                struct xf_blocklist **out_blocklist, struct xf_report *report)
{
    char *messages = NULL;
    xf_report_init(report);
    struct xf_conf *conf = xf_conf_examine(file, &report->errors, &messages);
    if (messages)
        /* The report has room for all that conf may say. */
        (void)!xf_buf_try_append(&report->text, messages, strlen(messages));
    xf_free(messages);
    xf_certs_load(conf, with_dates, out_certs, report);
    *out_blocklist = xf_blocklists_load(conf, report);
    xf_daemon_history_check(conf, report);
    xf_daemon_check_http(conf, report);
    return conf;
}

static bool serves(void *owner, struct xf_span domain)
{
    const struct xf_conf *conf = owner;
    for (size_t i = 0; i < conf->served_count; i++) {
        const struct xf_served_settings *served = &conf->served[i].settings;
        if (xf_span_is(domain, served->domain))
            return true;
        for (size_t k = 0; k < served->aliases.count; k++)
            if (xf_span_is(domain, served->aliases.item[k]))
                return true;
    }
    return false;
}

/* Only -t asks the directory: a start does not wait for it. */
static void check_mailmap(struct xf_conf *conf, struct xf_report *report)
{
    const struct xf_mailmap_origin of_file = {conf->mail_at.file,
                                              xf_conf_line(&conf->mail_at, "file")};
    const struct xf_mailmap_origin of_directory = {conf->directory_at.file,
                                                   xf_conf_line(&conf->directory_at, "uri")};
    const struct xf_mailmap_served ours = {serves, conf};
    char *messages = NULL;
    report->errors +=
        xf_mailmap_check(&conf->mailmap, &of_file, &of_directory, &ours, &messages) != XF_ERR_OK;
    if (messages && report->text.len)
        (void)!xf_buf_try_append(&report->text, "\n", 1);
    if (messages)
        (void)!xf_buf_try_append(&report->text, messages, strlen(messages));
    xf_free(messages);
}

static enum xf_exit test(const char *file, bool is_strict)
{
    struct xf_certs certs;
    struct xf_blocklist *blocklist;
    struct xf_report report;
    struct xf_conf *conf = load_all(file, true, &certs, &blocklist, &report);
    check_mailmap(conf, &report);
    xf_daemon_check_machine(conf, &report);
    size_t exposed = conf->exposed + report.exposed;
    enum xf_exit code = report.errors + exposed == 0 ? XF_EXIT_OK : XF_EXIT_CONFIG;
    print_messages(xf_buf_ptr(&report.text), report.text.len);
    bool warns = is_strict && code == XF_EXIT_OK && report.text.len > 0;
    if (warns) {
        code = XF_EXIT_CONFIG;
        fprintf(stderr, "%s: refused because of these warnings (--strict)\n", file);
    }
    if (report.errors == 0 && exposed > 0)
        fprintf(stderr,
                "%s: refused because of %zu of these warnings: others can read or guess secrets "
                "(xfedd would start in spite of them)\n",
                file, exposed);
    if (code == XF_EXIT_OK)
        printf("%s: ok\n", file);
    xf_certs_release(&certs);
    xf_blocklist_free(&blocklist);
    xf_conf_free(&conf);
    xf_report_release(&report);
    return code;
}

static enum xf_exit run(const char *file)
{
    xf_system_prepare();
    struct xf_certs certs;
    struct xf_blocklist *blocklist;
    struct xf_report report;
    struct xf_conf *conf = load_all(file, false, &certs, &blocklist, &report);
    enum xf_exit code = XF_EXIT_CONFIG;
    if (report.errors == 0) {
        char *warnings = xf_strndup(xf_buf_ptr(&report.text), report.text.len);
        xf_log_set_level(conf->process.level);
        xf_certs_seal(conf, &certs);
        code = xf_daemon_run(file, conf, &certs, blocklist, warnings);
        xf_free(warnings);
        xf_loop_end_threads();
        xf_system_unhide();
    } else {
        print_messages(xf_buf_ptr(&report.text), report.text.len);
        xf_certs_release(&certs);
        xf_blocklist_free(&blocklist);
        xf_conf_free(&conf);
    }
    xf_report_release(&report);
    return code;
}

int main(int argc, char **argv)
{
    struct xf_options options;
    if (!xf_options_parse(argc, argv, &options))
        return XF_EXIT_USAGE;
    switch (options.mode) {
    case XF_MODE_VERSION:
        puts("xfedd " XFED_VERSION);
        return XF_EXIT_OK;
    case XF_MODE_HELP:
        xf_usage_print(stdout);
        return XF_EXIT_OK;
    case XF_MODE_SAMPLE:
        xf_conf_sample(stdout);
        return fflush(stdout) == 0 ? XF_EXIT_OK : XF_EXIT_RUNTIME;
    case XF_MODE_DUMP:
        return (int)dump(options.file, options.is_changed ? XF_DUMP_CHANGED : XF_DUMP_ALL);
    case XF_MODE_DNS:
    case XF_MODE_CSR:
    case XF_MODE_FIREWALL:
    case XF_MODE_PARTNER:
        return (int)sheet(&options);
    case XF_MODE_EXPLAIN:
        return (int)explain(&options);
    case XF_MODE_TEST:
        return (int)test(options.file, options.is_strict);
    case XF_MODE_RUN:
    default:
        return (int)run(options.file);
    }
}
