/* SPDX-License-Identifier: MIT */
/* client.c — one request, and the lines of its answer. */
#include "ctl_priv.h"

bool xf_ctl_connect(struct xf_ctl *ctl)
{
    char why[XF_ASK_WHY_BYTES];
    bool is_connected = xf_ask_connect(&ctl->ask, ctl->path, why);
    if (!is_connected)
        fprintf(stderr, "xfedctl: %s\n", why);
    return is_connected;
}

/* As xf_ask_line, but waits for it; -1: the answer has ended. */
static ptrdiff_t read_line(struct xf_ctl *ctl)
{
    ptrdiff_t len;
    while ((len = xf_ask_line(&ctl->ask)) < 0)
        if (!xf_ask_read(&ctl->ask))
            return -1;
    return len;
}

static json_t *no_answer(const char *what, enum xf_ctl_exit *out_exit)
{
    fprintf(stderr, "xfedctl: %s\n", what);
    *out_exit = XF_CTL_NO_ANSWER;
    return NULL;
}

/* It came faster than we took it. */
static void warn_of_lost(const json_t *line)
{
    int64_t lost = xf_json_signed(line, "lost");
    if (lost > 0)
        fprintf(stderr,
                "xfedctl: %lld rows are missing here: they came faster than they were read\n",
                (long long)lost);
}

/* The last line of an answer. */
static json_t *result_of(struct xf_ctl *ctl, json_t *line, enum xf_ctl_exit *out_exit)
{
    bool is_ok = xf_json_is(line, "ok");
    json_t *result = is_ok ? json_incref(json_object_get(line, "result")) : NULL;
    *out_exit = is_ok ? XF_CTL_OK : XF_CTL_FAILED;
    if (!is_ok && !ctl->is_json) {
        fputs("xfedctl: ", stderr);
        xf_ctl_print_text(xf_json_text(line, "message"), stderr);
        fputc('\n', stderr);
    }
    json_decref(line);
    return result;
}

json_t *xf_ctl_ask(struct xf_ctl *ctl, const json_t *request, xf_ctl_row_fn row, void *owner,
                   enum xf_ctl_exit *out_exit)
{
    xf_ask_send(&ctl->ask, request);
    for (;;) {
        json_error_t error;
        ptrdiff_t len = read_line(ctl);
        if (len < 0)
            return no_answer("xfedd closed the connection before its answer was complete",
                             out_exit);
        json_t *line = json_loadb(ctl->ask.in, (size_t)len, 0, &error);
        if (ctl->is_json) {
            fwrite(ctl->ask.in, 1, (size_t)len + 1, stdout);
            fflush(stdout);
        }
        xf_ask_drop(&ctl->ask, (size_t)len);
        if (!json_is_object(line)) {
            json_decref(line);
            return no_answer("the answer is not what xfedd sends: is that its socket?", out_exit);
        }
        warn_of_lost(line);
        const json_t *content = json_object_get(line, "row");
        if (!content)
            return result_of(ctl, line, out_exit);
        bool goes_on = ctl->is_json || row(owner, content);
        json_decref(line);
        if (!goes_on) {
            *out_exit = XF_CTL_OK;
            return NULL;
        }
    }
}
