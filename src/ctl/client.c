/* SPDX-License-Identifier: MIT */
/* client.c — one request over the control socket, and the lines of its answer. */
#include "ctl_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define READ_BYTES 65536
#define PRINT      (JSON_COMPACT | JSON_ENSURE_ASCII)

static const char *why(int error)
{
    switch (error) {
    case ENOENT:
        return "there is no such socket: does xfedd run, with this path in listen { control }?";
    case ECONNREFUSED:
        return "nobody listens there: xfedd does not run";
    case EACCES:
        return "you may not use it: xfedd allows its own user, root, and the groups of listen { "
               "control-readers control-admins }";
    default:
        return NULL;
    }
}

bool xf_ctl_connect(struct xf_ctl *ctl)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char words[128];
    if (strlen(ctl->path) >= sizeof(addr.sun_path)) {
        fprintf(stderr, "xfedctl: %s: the path is too long for a socket\n", ctl->path);
        return false;
    }
    memcpy(addr.sun_path, ctl->path, strlen(ctl->path) + 1);
    ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ctl->fd >= 0 && connect(ctl->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        return true;
    int error = errno;
    fprintf(stderr, "xfedctl: %s: %s\n", ctl->path,
            why(error) ? why(error) : strerror_r(error, words, sizeof(words)));
    return false;
}

void xf_ctl_close(struct xf_ctl *ctl)
{
    if (ctl->fd >= 0)
        close(ctl->fd);
    ctl->fd = -1;
    xf_free(ctl->in);
    ctl->in = NULL;
    ctl->in_len = ctl->in_room = 0;
}

/* As far as it goes: when xfedd has closed the connection, it has said why. */
static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

static void send_request(struct xf_ctl *ctl, const json_t *request)
{
    size_t len = json_dumpb(request, NULL, 0, PRINT);
    char *text = xf_alloc(len + 1);
    (void)json_dumpb(request, text, len, PRINT);
    text[len] = '\n';
    send_all(ctl->fd, text, len + 1);
    xf_free(text);
}

static bool read_more(struct xf_ctl *ctl)
{
    if (ctl->in_room - ctl->in_len < READ_BYTES) {
        ctl->in_room = 2 * ctl->in_room + READ_BYTES;
        ctl->in = xf_realloc(ctl->in, ctl->in_room);
    }
    ssize_t got;
    do {
        got = read(ctl->fd, ctl->in + ctl->in_len, ctl->in_room - ctl->in_len);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        ctl->in_len += (size_t)got;
    return got > 0;
}

/* The next line, without its newline, in ctl->in; its length, or -1: the answer has ended. */
static ssize_t read_line(struct xf_ctl *ctl)
{
    const char *end;
    while (!(end = ctl->in_len ? memchr(ctl->in, '\n', ctl->in_len) : NULL))
        if (!read_more(ctl))
            return -1;
    return end - ctl->in;
}

static void drop_line(struct xf_ctl *ctl, size_t len)
{
    ctl->in_len -= len + 1;
    memmove(ctl->in, ctl->in + len + 1, ctl->in_len);
}

static json_t *no_answer(const char *what, enum xf_ctl_exit *out_exit)
{
    fprintf(stderr, "xfedctl: %s\n", what);
    *out_exit = XF_CTL_NO_ANSWER;
    return NULL;
}

/* The last line of an answer. */
static json_t *result_of(struct xf_ctl *ctl, json_t *line, enum xf_ctl_exit *out_exit)
{
    bool is_ok = json_is_true(json_object_get(line, "ok"));
    json_t *result = is_ok ? json_incref(json_object_get(line, "result")) : NULL;
    *out_exit = is_ok ? XF_CTL_OK : XF_CTL_FAILED;
    if (!is_ok && !ctl->is_json) {
        fputs("xfedctl: ", stderr);
        xf_ctl_print_text(xf_ctl_text_of(line, "message"), stderr);
        fputc('\n', stderr);
    }
    json_decref(line);
    return result;
}

json_t *xf_ctl_ask(struct xf_ctl *ctl, const json_t *request, xf_ctl_row_fn row, void *owner,
                   enum xf_ctl_exit *out_exit)
{
    send_request(ctl, request);
    for (;;) {
        json_error_t error;
        ssize_t len = read_line(ctl);
        if (len < 0)
            return no_answer("xfedd closed the connection before its answer was complete",
                             out_exit);
        json_t *line = json_loadb(ctl->in, (size_t)len, 0, &error);
        if (ctl->is_json) {
            fwrite(ctl->in, 1, (size_t)len + 1, stdout);
            fflush(stdout);
        }
        drop_line(ctl, (size_t)len);
        if (!json_is_object(line)) {
            json_decref(line);
            return no_answer("the answer is not what xfedd sends: is that its socket?", out_exit);
        }
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
