/* SPDX-License-Identifier: MIT */
/*
 * init.c — `xfedctl init`: answers, files made of them, a check by xfedd, and only then their
 * places.
 *
 * Nothing is written to the folder before xfedd has accepted all of it.
 */
#include "setup_priv.h"

#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/base/crypto.h>

#define SECRET_BYTES  (XF_SECRET_CHARS / 2)
#define PRINTED_BYTES (1u << 20) /* of xfedd */

struct work {
    const struct xf_init_options *options;
    const struct xf_init_answers *answers;
    struct xf_stage stage;
    char *conf; /* on the stage */
};

static void make_secret(char out[XF_SECRET_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[SECRET_BYTES];
    xf_rand_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    xf_wipe(bytes, sizeof(bytes));
    out[XF_SECRET_CHARS] = '\0';
}

/* ------------------------------------------------------------------ files */

static enum xf_err put_secret(struct work *work, const char *name, const char *secret,
                              struct xf_error *err)
{
    char line[XF_SECRET_CHARS + 2];
    snprintf(line, sizeof(line), "%s\n", secret);
    enum xf_err result = xf_stage_put(&work->stage, name, XF_FOR_XFEDD, xf_span_of(line), err);
    xf_wipe(line, sizeof(line));
    return result;
}

static enum xf_err put_server(struct work *work, const char *secret, struct xf_error *err)
{
    struct xf_buf text;
    xf_buf_init(&text, XF_SETUP_TEXT_MAX);
    enum xf_err result = xf_setup_server(work->answers, secret, &text);
    if (result == XF_ERR_OK)
        result = xf_stage_put(&work->stage, xf_setup_server_file(work->answers), XF_FOR_OWNER,
                              xf_buf_span(&text), err);
    if (text.data)
        xf_wipe(text.data, text.cap);
    xf_buf_release(&text);
    return result;
}

static enum xf_err put_secrets(struct work *work, struct xf_error *err)
{
    char link[XF_SECRET_CHARS + 1], dialback[XF_SECRET_CHARS + 1];
    make_secret(link);
    make_secret(dialback);
    enum xf_err result = put_secret(work, "link.secret", link, err);
    if (result == XF_ERR_OK)
        result = put_secret(work, "dialback.secret", dialback, err);
    if (result == XF_ERR_OK)
        result = put_server(work, link, err);
    xf_wipe(link, sizeof(link));
    xf_wipe(dialback, sizeof(dialback));
    return result;
}

/* A section of its own for each partner, to be replaced by `xfedctl partner NAME --read`. */
static enum xf_err put_partners(struct work *work, struct xf_error *err)
{
    const struct xf_texts *partners = &work->answers->of[XF_INIT_PARTNER];
    enum xf_err result = XF_ERR_OK;
    for (size_t i = 0; i < partners->count && result == XF_ERR_OK; i++) {
        char *name = xf_asprintf("%s.conf", partners->item[i]);
        char *text = xf_asprintf("peer \"%s\" { }\n", partners->item[i]);
        result = xf_stage_put(&work->stage, name, XF_FOR_ALL, xf_span_of(text), err);
        xf_free(name);
        xf_free(text);
    }
    return result;
}

static enum xf_err put_conf(struct work *work, struct xf_error *err)
{
    struct xf_buf text;
    xf_buf_init(&text, XF_SETUP_TEXT_MAX);
    enum xf_err result = xf_setup_conf(work->answers, &text);
    if (result == XF_ERR_OK)
        result = xf_stage_put(&work->stage, "xfed.conf", XF_FOR_ALL, xf_buf_span(&text), err);
    else
        result = xf_fail(err, result, "the answers are too long for one configuration");
    xf_buf_release(&text);
    return result;
}

/* What xfedd prints in this mode. Its complaints are on standard error already. */
static enum xf_err ask_xfedd(struct work *work, const char *mode, struct xf_buf *out,
                             struct xf_error *err)
{
    const char *const argv[] = {work->options->xfedd, "-c", work->conf, mode, NULL};
    if (xf_setup_run(argv, out, false) == 0)
        return XF_ERR_OK;
    return xf_fail(err, XF_ERR_CONFIG, "xfedd %s failed: nothing is written", mode);
}

static enum xf_err put_named(struct work *work, const char *ending, enum xf_stage_for who,
                             const struct xf_buf *text, struct xf_error *err)
{
    char *name = xf_asprintf("%s.%s", xf_init_answer(work->answers, XF_INIT_DOMAIN), ending);
    enum xf_err result = xf_stage_put(&work->stage, name, who, xf_buf_span(text), err);
    xf_free(name);
    return result;
}

static enum xf_err put_request(struct work *work, struct xf_error *err)
{
    struct xf_setup_request request = {0};
    struct xf_buf names;
    xf_buf_init(&names, PRINTED_BYTES);
    enum xf_err result = ask_xfedd(work, "--csr-names", &names, err);
    if (result == XF_ERR_OK)
        result = xf_setup_request_make(xf_buf_span(&names), &request, err);
    if (result == XF_ERR_OK)
        result = put_named(work, "key", XF_FOR_XFEDD, &request.key, err);
    if (result == XF_ERR_OK)
        result = put_named(work, "csr", XF_FOR_ALL, &request.csr, err);
    if (result == XF_ERR_OK)
        result = put_named(work, "pem", XF_FOR_ALL, &request.certificate, err);
    xf_setup_request_release(&request);
    xf_buf_release(&names);
    return result;
}

static enum xf_err put_records(struct work *work, struct xf_error *err)
{
    struct xf_buf records;
    xf_buf_init(&records, PRINTED_BYTES);
    enum xf_err result = ask_xfedd(work, "--dns-records", &records, err);
    if (result == XF_ERR_OK)
        result =
            xf_stage_put(&work->stage, "dns-records.txt", XF_FOR_ALL, xf_buf_span(&records), err);
    xf_buf_release(&records);
    return result;
}

/* ------------------------------------------------------------------ the check */

static enum xf_err check(struct work *work, struct xf_error *err)
{
    const char *const argv[] = {work->options->xfedd, "-c", work->conf, "-t", NULL};
    struct xf_buf said;
    xf_buf_init(&said, PRINTED_BYTES);
    enum xf_err result = XF_ERR_OK;
    if (xf_setup_run(argv, &said, true) != 0) {
        fprintf(stderr, "%.*s", XF_SPAN_ARGS(xf_buf_span(&said)));
        result = xf_fail(err, XF_ERR_CONFIG,
                         "xfedd -t refuses this configuration: nothing is "
                         "written");
    }
    xf_buf_release(&said);
    return result;
}

/* ------------------------------------------------------------------ all of it */

static enum xf_err fill(struct work *work, struct xf_error *err)
{
    enum xf_err result = put_conf(work, err);
    if (result == XF_ERR_OK)
        result = put_secrets(work, err);
    if (result == XF_ERR_OK)
        result = put_partners(work, err);
    if (result == XF_ERR_OK && xf_init_answer_is(work->answers, XF_INIT_CERTIFICATE, "request"))
        result = put_request(work, err);
    if (result == XF_ERR_OK)
        result = put_records(work, err);
    return result == XF_ERR_OK ? check(work, err) : result;
}

static void say_written(const struct work *work)
{
    printf("\nWritten to %s:\n", work->options->folder);
    for (size_t i = 0; i < work->stage.names.count; i++)
        printf("  %s\n", work->stage.names.item[i]);
}

/* Once more, where it is: what xfedd warns of is worth to be read, with the names that stay. */
static bool check_again(const struct xf_init_options *options)
{
    char *conf = xf_asprintf("%s/xfed.conf", options->folder);
    const char *const argv[] = {options->xfedd, "-c", conf, "-t", NULL};
    bool is_good = xf_setup_run(argv, NULL, false) == 0;
    xf_free(conf);
    return is_good;
}

static enum xf_err write_files(struct work *work, struct xf_error *err)
{
    enum xf_err result =
        xf_stage_open(work->options->folder, work->options->is_forced, &work->stage, err);
    if (result != XF_ERR_OK)
        return result;
    work->conf = xf_asprintf("%s/xfed.conf", work->stage.path);
    result = fill(work, err);
    if (result == XF_ERR_OK)
        result = xf_stage_publish(&work->stage, err);
    if (result == XF_ERR_OK)
        say_written(work);
    xf_stage_close(&work->stage);
    xf_free(work->conf);
    return result;
}

/* Before the questions, so that nobody answers them in vain. */
static bool may_write(const struct xf_init_options *options)
{
    struct xf_stage place = {.folder = (char *)(uintptr_t)options->folder,
                             .is_forced = options->is_forced};
    struct xf_error err = {0};
    bool may = xf_stage_may(&place, "xfed.conf", &err) == XF_ERR_OK;
    if (!may)
        fprintf(stderr, "xfedctl init: %s\n", err.detail);
    return may;
}

enum xf_setup_exit xf_setup_init(int argc, char **argv)
{
    struct xf_init_answers answers = {0};
    struct xf_init_options options;
    struct xf_error err = {0};
    enum xf_setup_exit code = XF_SETUP_USAGE;
    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        xf_init_usage(stdout);
        return XF_SETUP_OK;
    }
    if (xf_init_options_take(argc, argv, &options, &answers)) {
        struct work work = {.options = &options, .answers = &answers};
        code = XF_SETUP_FAILED;
        if (may_write(&options) && xf_init_ask(&options, &answers)) {
            if (write_files(&work, &err) != XF_ERR_OK)
                fprintf(stderr, "xfedctl init: %s\n", err.detail);
            else if (check_again(&options))
                code = XF_SETUP_OK;
            if (code == XF_SETUP_OK)
                xf_setup_next(&answers, options.folder, stdout);
        }
    }
    xf_init_answers_release(&answers);
    return code;
}
