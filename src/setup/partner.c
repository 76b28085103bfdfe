/* SPDX-License-Identifier: MIT */
/*
 * partner.c — `xfedctl partner NAME`: the page for a partner's operator, which xfedd makes; and
 * their page, which becomes a peer section that xfedd has accepted before it is written anywhere.
 */
#include "setup_priv.h"

#include <errno.h>
#include <string.h>

#include <xfed/base/alloc.h>

#define PRINTED_BYTES (1u << 20) /* of xfedd */
#define CHECK_FOLDER  "/tmp"     /* for sections that are only printed */

struct options {
    const char *name, *page, *folder, *xfedd;
    bool with_route, is_written, is_forced;
};

static void print_usage(FILE *out)
{
    fputs("usage: xfedctl partner NAME [--folder FOLDER]\n"
          "       xfedctl partner NAME --read FILE [--route] [--write [--force]] [--folder "
          "FOLDER]\n\n"
          "Prints the page to send to the operator of NAME; with --read, a peer section made of "
          "theirs.\n\n"
          "  --read FILE      the page that they sent; - is standard input\n"
          "  --route          connect to the addresses of the page, for where DNS does not have "
          "them\n"
          "  --write          put the section into FOLDER/NAME.conf\n"
          "  --force          replace that file; it is kept as NAME.conf.old\n"
          "  --folder FOLDER  where xfed.conf is; " XF_SETUP_FOLDER " without it\n"
          "  --xfedd PROGRAM  prints and checks; " XFEDD_PROGRAM " without it\n",
          out);
}

static enum xf_setup_exit complain(const struct xf_error *err)
{
    fprintf(stderr, "xfedctl partner: %s\n", err->detail);
    return XF_SETUP_FAILED;
}

static const char **value_of(struct options *options, const char *option)
{
    return strcmp(option, "--read") == 0     ? &options->page
           : strcmp(option, "--folder") == 0 ? &options->folder
           : strcmp(option, "--xfedd") == 0  ? &options->xfedd
           : option[0] != '-'                ? &options->name
                                             : NULL;
}

static bool *flag_of(struct options *options, const char *option)
{
    return strcmp(option, "--route") == 0   ? &options->with_route
           : strcmp(option, "--write") == 0 ? &options->is_written
           : strcmp(option, "--force") == 0 ? &options->is_forced
                                            : NULL;
}

static bool take_options(int argc, char **argv, struct options *out)
{
    *out = (struct options){.folder = XF_SETUP_FOLDER, .xfedd = XFEDD_PROGRAM};
    for (int i = 0; i < argc; i++) {
        bool *flag = flag_of(out, argv[i]);
        const char **value = value_of(out, argv[i]);
        bool is_name = argv[i][0] != '-';
        if (flag)
            *flag = true;
        else if (!value || (is_name && out->name) || (!is_name && i + 1 == argc))
            return false;
        else
            *value = is_name ? argv[i] : argv[++i];
    }
    return out->name && (out->page || !(out->with_route || out->is_written || out->is_forced));
}

static enum xf_setup_exit print_ours(const struct options *options, const char *name)
{
    char *conf = xf_asprintf("%s/xfed.conf", options->folder);
    const char *const argv[] = {options->xfedd, "-c", conf, "--partner", name, NULL};
    int status = xf_setup_run(argv, NULL, false);
    xf_free(conf);
    return status == 0 ? XF_SETUP_OK : XF_SETUP_FAILED;
}

static enum xf_err read_theirs(const struct options *options, const char *name, struct xf_buf *out,
                               struct xf_error *err)
{
    char words[128];
    bool is_stdin = strcmp(options->page, "-") == 0;
    FILE *page = is_stdin ? stdin : fopen(options->page, "re");
    if (!page)
        return xf_fail(err, XF_ERR_IO, "%.160s: %s", options->page,
                       strerror_r(errno, words, sizeof(words)));
    enum xf_err result = xf_setup_read_page(page, name, options->with_route, out, err);
    if (!is_stdin)
        fclose(page);
    return result;
}

/* What any configuration needs; its secret and key are nobody's, and good for a check alone. */
static const char skeleton[] =
    "link \"check\" { nodes = {\"127.0.0.1:1\"}  name = \"xfedd.check.example\"  "
    "secret-file = \"check.secret\" }\n"
    "dialback { secret-file = \"check.secret\" }\n"
    "served \"check.example\" { link = check  certificate = \"check.pem\"  key = \"check.key\" }\n"
    "include(\"sections.conf\")\n";
static const char secret[] = "nobody's secret, for a check alone\n";
static const char names[] = "[ subject ]\nCN = check.example\n"
                            "[ names ]\nsubjectAltName = DNS:check.example\n";

/* Put what is to be checked on a stage that is never published. */
static enum xf_err put_check(struct xf_stage *stage, struct xf_span text, struct xf_error *err)
{
    struct xf_setup_request made = {0};
    enum xf_err result = xf_setup_request_make(xf_span_of(names), &made, err);
    const struct {
        const char *name;
        struct xf_span text;
    } files[] = {
        {"check.conf", xf_span_of(skeleton)},
        {"check.secret", xf_span_of(secret)},
        {"check.key", xf_buf_span(&made.key)},
        {"check.pem", xf_buf_span(&made.certificate)},
        {"sections.conf", text},
    };
    for (size_t i = 0; result == XF_ERR_OK && i < XF_ARRAY_LEN(files); i++)
        result = xf_stage_put(stage, files[i].name, XF_FOR_OWNER, files[i].text, err);
    xf_setup_request_release(&made);
    return result;
}

static enum xf_err run_check(const struct options *options, const struct xf_stage *stage,
                             struct xf_error *err)
{
    char *path = xf_asprintf("%s/check.conf", stage->path);
    const char *const argv[] = {options->xfedd, "-c", path, "-t", NULL};
    struct xf_buf said;
    xf_buf_init(&said, PRINTED_BYTES);
    bool is_good = xf_setup_run(argv, &said, true) == 0;
    if (!is_good)
        fprintf(stderr, "%.*s", XF_SPAN_ARGS(xf_buf_span(&said)));
    xf_buf_release(&said);
    xf_free(path);
    return is_good ? XF_ERR_OK
                   : xf_fail(err, XF_ERR_CONFIG,
                             "xfedd -t refuses what the page says: nothing is written");
}

/* By themselves: that they fit the other sections, xfedd -t says when they are there. */
static enum xf_err check(const struct options *options, struct xf_span text, struct xf_error *err)
{
    struct xf_stage stage = {0};
    enum xf_err result = xf_stage_open(CHECK_FOLDER, false, &stage, err);
    if (result != XF_ERR_OK)
        return result;
    result = put_check(&stage, text, err);
    if (result == XF_ERR_OK)
        result = run_check(options, &stage, err);
    xf_stage_close(&stage);
    return result;
}

static enum xf_err write_sections(const struct options *options, const char *name,
                                  struct xf_span text, struct xf_error *err)
{
    struct xf_stage stage = {0};
    char *file = xf_asprintf("%s.conf", name);
    enum xf_err result = xf_stage_open(options->folder, options->is_forced, &stage, err);
    if (result == XF_ERR_OK)
        result = xf_stage_put(&stage, file, XF_FOR_ALL, text, err);
    if (result == XF_ERR_OK)
        result = xf_stage_publish(&stage, err);
    xf_stage_close(&stage);
    if (result == XF_ERR_OK)
        printf("Written to %s/%s. What is next: a line include(\"%s\") in xfed.conf, unless it has "
               "it; xfedd -t; systemctl reload xfedd\n",
               options->folder, file, file);
    xf_free(file);
    return result;
}

static enum xf_setup_exit read_page(const struct options *options, const char *name)
{
    struct xf_error err = {0};
    struct xf_buf text;
    xf_buf_init(&text, XF_SETUP_TEXT_MAX);
    enum xf_err result = read_theirs(options, name, &text, &err);
    if (result == XF_ERR_OK)
        result = check(options, xf_buf_span(&text), &err);
    if (result == XF_ERR_OK && options->is_written)
        result = write_sections(options, name, xf_buf_span(&text), &err);
    else if (result == XF_ERR_OK)
        printf("%.*s", XF_SPAN_ARGS(xf_buf_span(&text)));
    xf_buf_release(&text);
    return result == XF_ERR_OK ? XF_SETUP_OK : complain(&err);
}

enum xf_setup_exit xf_setup_partner(int argc, char **argv)
{
    struct options options;
    struct xf_error err = {0};
    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        print_usage(stdout);
        return XF_SETUP_OK;
    }
    if (!take_options(argc, argv, &options)) {
        print_usage(stderr);
        return XF_SETUP_USAGE;
    }
    char *name = xf_init_take_domain(options.name, &err);
    if (!name) {
        (void)complain(&err);
        return XF_SETUP_USAGE;
    }
    enum xf_setup_exit code = options.page ? read_page(&options, name) : print_ours(&options, name);
    xf_free(name);
    return code;
}
