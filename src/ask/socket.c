/* SPDX-License-Identifier: MIT */
/* socket.c — the lines of the control socket. */
#include <xfed/ask/ask.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define READ_BYTES 65536

static const char *why(int error)
{
    switch (error) {
    case ENOENT:
        return "there is no such socket: does xfedd run, with this path in listen { control }?";
    case ECONNREFUSED:
        return "nobody listens there: xfedd does not run";
    case EAGAIN:
        return "xfedd takes no more connections: does it hang?";
    case EACCES:
        return "you may not use it: xfedd allows its own user, root, and the groups of listen { "
               "control-readers control-admins }";
    default:
        return NULL;
    }
}

bool xf_ask_connect(struct xf_ask *ask, const char *path, char out_why[XF_ASK_WHY_BYTES])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char words[128];
    ask->fd = -1;
    if (strlen(path) >= sizeof(addr.sun_path)) {
        snprintf(out_why, XF_ASK_WHY_BYTES, "%s: the path is too long for a socket", path);
        return false;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    /* A full backlog is told at once; what follows waits. */
    ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ask->fd >= 0 && connect(ask->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
        fcntl(ask->fd, F_SETFL, 0) == 0)
        return true;
    int error = errno;
    xf_ask_close(ask);
    snprintf(out_why, XF_ASK_WHY_BYTES, "%s: %s", path,
             why(error) ? why(error) : strerror_r(error, words, sizeof(words)));
    return false;
}

void xf_ask_close(struct xf_ask *ask)
{
    if (ask->fd >= 0)
        close(ask->fd);
    xf_free(ask->in);
    *ask = (struct xf_ask){.fd = -1};
}

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

void xf_ask_send(struct xf_ask *ask, const json_t *request)
{
    struct xf_buf line;
    xf_buf_init(&line, XF_ASK_LINE_MAX);
    if (xf_json_append_line(&line, request) == XF_ERR_OK)
        send_all(ask->fd, xf_buf_ptr(&line), line.len);
    xf_buf_release(&line);
}

bool xf_ask_read(struct xf_ask *ask)
{
    if (ask->in_len > XF_ASK_LINE_MAX)
        return false;
    if (ask->in_room - ask->in_len < READ_BYTES) {
        ask->in_room = 2 * ask->in_room + READ_BYTES;
        ask->in = xf_realloc(ask->in, ask->in_room);
    }
    ssize_t got;
    do {
        got = read(ask->fd, ask->in + ask->in_len, ask->in_room - ask->in_len);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        ask->in_len += (size_t)got;
    return got > 0;
}

ptrdiff_t xf_ask_line(const struct xf_ask *ask)
{
    const char *end = ask->in_len ? memchr(ask->in, '\n', ask->in_len) : NULL;
    return end ? end - ask->in : -1;
}

void xf_ask_drop(struct xf_ask *ask, size_t len)
{
    ask->in_len -= len + 1;
    memmove(ask->in, ask->in + len + 1, ask->in_len);
}
