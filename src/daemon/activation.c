/* SPDX-License-Identifier: MIT */
/*
 * activation.c — listening sockets that systemd opened and passed on (sd_listen_fds(3)). It takes
 * a few lines, so we need no library.
 *
 *   LISTEN_PID       the process that they are for
 *   LISTEN_FDS       how many there are, from descriptor 3 on
 *   LISTEN_FDNAMES   a name for each, separated by colons
 *
 * systemd keeps the sockets open while we are restarted: connections wait in their backlog for the
 * next process, and no peer is refused. A socket is for the entry of listen { } with its address
 * and port; one that is named after a list of it (s2s-direct, sip)
 * must be in that list. We open the entries for
 * which no socket was passed ourselves, but refuse to start with a socket that no entry wants:
 * systemd would accept connections that nobody serves.
 */
#include "daemon_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/draft.h>

#define FIRST_FD 3

/* ---- what was passed */

/* The number in a variable; -1: it is not set, or not a number. */
static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    long value = text && *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;
    return end && *end == '\0' ? value : -1;
}

/* The next name of the list, which may be shorter than the list of sockets. */
static char *next_name(const char **rest)
{
    size_t len = strcspn(*rest, ":");
    char *name = xf_strndup(*rest, len);
    *rest += len + ((*rest)[len] == ':');
    return name;
}

static bool has_option(int fd, int option, int want)
{
    int value = -1;
    socklen_t bytes = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 && value == want;
}

/*
 * One that a gateway left bound, but not listening, because it died while it refused peers, listens
 * again.
 */
static bool is_listening(int fd)
{
    return has_option(fd, SO_ACCEPTCONN, 1) || listen(fd, SOMAXCONN) == 0;
}

/* False: not a TCP socket that listens. With Accept=yes systemd passes accepted connections. */
static bool take_in(struct xf_passed_socket *passed)
{
    socklen_t bytes = sizeof(passed->addr);
    bool is_ours = has_option(passed->fd, SO_TYPE, SOCK_STREAM) && is_listening(passed->fd) &&
                   getsockname(passed->fd, &passed->addr.sa, &bytes) == 0 &&
                   (passed->addr.sa.sa_family == AF_INET || passed->addr.sa.sa_family == AF_INET6);
    return is_ours && fcntl(passed->fd, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(passed->fd, F_SETFL, fcntl(passed->fd, F_GETFL) | O_NONBLOCK) == 0;
}

static enum xf_err take_all(struct xf_activation *activation, size_t count, const char *names,
                            struct xf_error *err)
{
    activation->sockets = xf_alloc(count * sizeof(*activation->sockets));
    for (size_t i = 0; i < count; i++) {
        struct xf_passed_socket *passed = &activation->sockets[activation->count++];
        passed->fd = FIRST_FD + (int)i;
        passed->name = next_name(&names);
        if (!take_in(passed))
            return xf_fail(err, XF_ERR_CONFIG,
                           "descriptor %d (%s) from systemd is not a listening TCP socket: the "
                           "socket unit needs ListenStream=ADDRESS:PORT and Accept=no",
                           passed->fd, passed->name);
    }
    return XF_ERR_OK;
}

enum xf_err xf_activation_init(struct xf_activation *activation, struct xf_error *err)
{
    const char *names = getenv("LISTEN_FDNAMES");
    long count = number_in("LISTEN_FDS");
    bool is_for_us = number_in("LISTEN_PID") == getpid() && count > 0 &&
                     count <= sysconf(_SC_OPEN_MAX) - FIRST_FD;
    *activation = (struct xf_activation){0};
    enum xf_err result =
        is_for_us ? take_all(activation, (size_t)count, names ? names : "", err) : XF_ERR_OK;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return result;
}

void xf_activation_release(struct xf_activation *activation)
{
    for (size_t i = 0; i < activation->count; i++) {
        if (!activation->sockets[i].is_taken)
            close(activation->sockets[i].fd);
        xf_free(activation->sockets[i].name);
    }
    xf_free(activation->sockets);
    *activation = (struct xf_activation){0};
}

/* ---- what the configuration wants */

static bool lists(const struct xf_texts *addrs, const struct xf_addr *addr)
{
    for (size_t i = 0; i < addrs->count; i++) {
        struct xf_addr wanted;
        if (xf_addr_parse(xf_span_of(addrs->item[i]), 0, &wanted) == XF_ERR_OK &&
            xf_addr_eq(&wanted, addr))
            return true;
    }
    return false;
}

/* The lists, by the names that sockets may have. */
static const struct role {
    const char *name;
    size_t offset; /* of its struct xf_texts */
} roles[] = {
    {"s2s", offsetof(struct xf_listen_settings, s2s)},
    {"s2s-direct", offsetof(struct xf_listen_settings, s2s_direct)},
    {"sip", offsetof(struct xf_listen_settings, sip)},
    {"sip-tcp", offsetof(struct xf_listen_settings, sip_tcp)},
};

static const struct xf_texts *list_of(const struct role *role,
                                      const struct xf_listen_settings *listen)
{
    return (const struct xf_texts *)(const void *)((const char *)listen + role->offset);
}

/* Where the socket belongs by its name; NULL: into any of the lists. */
static const struct role *role_of(const struct xf_passed_socket *passed)
{
    for (size_t i = 0; i < XF_ARRAY_LEN(roles); i++)
        if (strcmp(passed->name, roles[i].name) == 0)
            return &roles[i];
    return NULL;
}

static bool is_wanted(const struct xf_passed_socket *passed,
                      const struct xf_listen_settings *listen)
{
    const struct role *role = role_of(passed);
    for (size_t i = 0; i < XF_ARRAY_LEN(roles); i++)
        if ((!role || role == &roles[i]) && lists(list_of(&roles[i], listen), &passed->addr))
            return true;
    return false;
}

/* Those for SIP only where there are any. */
static void write_list(struct xf_draft *draft, size_t role, const struct xf_texts *addrs)
{
    bool is_sip = strncmp(roles[role].name, "sip", 3) == 0;
    if (is_sip && addrs->count == 0)
        return;
    xf_draft_printf(draft, "%s%s = {", role ? " " : "", roles[role].name);
    for (size_t i = 0; i < addrs->count; i++)
        xf_draft_printf(draft, "%s\"%s\"", i ? ", " : "", addrs->item[i]);
    xf_draft_printf(draft, "}");
}

static enum xf_err refuse(const struct xf_passed_socket *passed,
                          const struct xf_listen_settings *listen, struct xf_error *err)
{
    char addr_text[XF_ADDR_TEXT_BYTES];
    const struct role *role = role_of(passed);
    struct xf_buf wanted;
    xf_addr_text(&passed->addr, addr_text);
    xf_buf_init(&wanted, 64u << 10);
    struct xf_draft draft = xf_draft_begin(&wanted);
    for (size_t i = 0; i < XF_ARRAY_LEN(roles); i++)
        write_list(&draft, i, list_of(&roles[i], listen));
    (void)!xf_draft_end(&draft); /* more addresses than the message could show */
    enum xf_err result = xf_fail(
        err, XF_ERR_CONFIG,
        "systemd passed a socket on %s (%s), which is not in listen { %s }: make the socket "
        "unit and listen { %.*s } agree",
        addr_text, passed->name, role ? role->name : "s2s s2s-direct", (int)wanted.len,
        xf_buf_ptr(&wanted));
    xf_buf_release(&wanted);
    return result;
}

static bool is_again(const struct xf_activation *activation, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (xf_addr_eq(&activation->sockets[k].addr, &activation->sockets[i].addr))
            return true;
    return false;
}

enum xf_err xf_activation_check(const struct xf_activation *activation,
                                const struct xf_listen_settings *listen, struct xf_error *err)
{
    char addr_text[XF_ADDR_TEXT_BYTES];
    for (size_t i = 0; i < activation->count; i++) {
        const struct xf_passed_socket *passed = &activation->sockets[i];
        if (!is_wanted(passed, listen))
            return refuse(passed, listen, err);
        xf_addr_text(&passed->addr, addr_text);
        if (is_again(activation, i))
            return xf_fail(err, XF_ERR_CONFIG,
                           "systemd passed two sockets on %s: name the address in one socket unit, "
                           "without ReusePort=",
                           addr_text);
    }
    return XF_ERR_OK;
}

const struct xf_passed_socket *xf_activation_take(struct xf_activation *activation,
                                                  const struct xf_addr *addr)
{
    for (size_t i = 0; i < activation->count; i++) {
        struct xf_passed_socket *passed = &activation->sockets[i];
        if (!passed->is_taken && xf_addr_eq(&passed->addr, addr)) {
            passed->is_taken = true;
            return passed;
        }
    }
    return NULL;
}
