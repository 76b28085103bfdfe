/* SPDX-License-Identifier: MIT */
/* test_activation.c — sockets from systemd: whose they are, and that both sides agree on them. */
#include "daemon_priv.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xfed/base/alloc.h>

enum kind { NONE, LISTENS, IDLE, CONNECTED, DATAGRAM, UNIX };

#define SOCKETS_MAX 2
#define AGREES      NULL

/* clang-format off */
/* Sockets are on 127.0.0.1:0 + their number; @0 and @1 in texts stand for their addresses. */
static const struct {
    const char *label;
    enum kind sockets[SOCKETS_MAX];
    const char *pid, *count, *names; /* of the variables; NULL: this process, how many there are, not set */
    const char *s2s, *direct;        /* the lists of listen { }, one address each */
    const char *words;               /* of the refusal */
    size_t taken;
    const char *sip, *sip_tcp; /* as s2s; NULL: none */
} cases[] = {
    {"nothing", {NONE}, NULL, NULL, NULL, "@0", "", AGREES, 0, NULL, NULL},
    {"one for s2s", {LISTENS}, NULL, NULL, NULL, "@0", "", AGREES, 1, NULL, NULL},
    {"one for s2s-direct", {LISTENS}, NULL, NULL, NULL, "", "@0", AGREES, 1, NULL, NULL},
    {"one for each", {LISTENS, LISTENS}, NULL, NULL, "xfedd.socket:xfedd.socket", "@1", "@0", AGREES, 2, NULL, NULL},
    {"by name", {LISTENS, LISTENS}, NULL, NULL, "s2s-direct:s2s", "@1", "@0", AGREES, 2, NULL, NULL},
    {"fewer names than sockets", {LISTENS, LISTENS}, NULL, NULL, "s2s", "@0", "@1", AGREES, 2, NULL, NULL},
    {"one that we open ourselves", {LISTENS}, NULL, NULL, NULL, "127.0.0.1:1", "@0", AGREES, 1, NULL, NULL},
    {"for another process", {LISTENS}, "1", NULL, NULL, "127.0.0.1:1", "", AGREES, 0, NULL, NULL},
    {"for a process that is none", {LISTENS}, "-1", NULL, NULL, "127.0.0.1:1", "", AGREES, 0, NULL, NULL},
    {"a count that is none", {LISTENS}, NULL, "1x", NULL, "127.0.0.1:1", "", AGREES, 0, NULL, NULL},
    {"a count beyond all descriptors", {LISTENS}, NULL, "99999999999", NULL, "127.0.0.1:1", "", AGREES, 0, NULL, NULL},
    {"an address that the configuration does not have", {LISTENS}, NULL, NULL, "xfedd.socket", "127.0.0.1:1", "[::]:2",
     "systemd passed a socket on @0 (xfedd.socket), which is not in listen { s2s s2s-direct }: make the socket unit and listen { s2s = "
     "{\"127.0.0.1:1\"} s2s-direct = {\"[::]:2\"} } agree", 0, NULL, NULL},
    {"the name of the other list", {LISTENS}, NULL, NULL, "s2s-direct", "@0", "", "passed a socket on @0 (s2s-direct), which is not in listen { s2s-direct }", 0, NULL, NULL},
    {"for SIP", {LISTENS, LISTENS}, NULL, NULL, "xfedd.socket:xfedd.socket", "", "", AGREES, 2, "@0", "@1"},
    {"for SIP, by name", {LISTENS, LISTENS}, NULL, NULL, "sip-tcp:sip", "", "", AGREES, 2, "@1", "@0"},
    {"the name of the other list of SIP", {LISTENS}, NULL, NULL, "sip-tcp", "", "", "passed a socket on @0 (sip-tcp), which is not in listen { sip-tcp }", 0, "@0", NULL},
    {"an address of SIP by the name of s2s", {LISTENS}, NULL, NULL, "s2s", "", "", "which is not in listen { s2s }", 0, "@0", NULL},
    {"an address that no list has, with SIP", {LISTENS}, NULL, NULL, "xfedd.socket", "127.0.0.1:1", "", "s2s-direct = {} sip = {\"[::]:2\"} } agree", 0, "[::]:2", NULL},
    {"left by a gateway that refused peers", {IDLE}, NULL, NULL, "s2s", "@0", "", AGREES, 1, NULL, NULL},
    {"an accepted connection", {CONNECTED}, NULL, NULL, "s2s", "@0", "", "descriptor 3 (s2s) from systemd is not a listening TCP socket", 0, NULL, NULL},
    {"UDP", {LISTENS, DATAGRAM}, NULL, NULL, NULL, "@0", "", "descriptor 4 () from systemd is not a listening TCP socket", 0, NULL, NULL},
    {"a local socket", {UNIX}, NULL, NULL, NULL, "@0", "", "descriptor 3 () from systemd is not", 0, NULL, NULL},
    {"more than there are", {LISTENS}, NULL, "2", NULL, "@0", "", "descriptor 4 () from systemd is not", 0, NULL, NULL},
};
/* clang-format on */

static struct xf_addr addrs[SOCKETS_MAX];

/* Check reports over a descriptor whose place the sockets take. */
#define must(cond, label)                                            \
    do {                                                             \
        if (!(cond)) {                                               \
            fprintf(stderr, "%s: %s does not hold\n", label, #cond); \
            _exit(1);                                                \
        }                                                            \
    } while (0)

/* Put the socket where systemd would put it. */
static void place(int fd, size_t number)
{
    int want = 3 + (int)number;
    if (fd != want) {
        must(dup2(fd, want) == want, "dup2");
        close(fd);
    }
}

/* To a listener that is gone at once, but not for the socket. */
static void connect_to_nobody(int fd)
{
    struct xf_addr addr = xf_addr_from_v4((const uint8_t[4]){127, 0, 0, 1}, 0);
    socklen_t bytes = sizeof(addr);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(listener >= 0 && bind(listener, &addr.sa, sizeof(addr.v4)) == 0, "bind");
    must(listen(listener, 1) == 0 && getsockname(listener, &addr.sa, &bytes) == 0, "listen");
    must(connect(fd, &addr.sa, sizeof(addr.v4)) == 0, "connect");
    (void)accept(listener, NULL, NULL);
    close(listener);
}

static void open_socket(enum kind kind, size_t number)
{
    struct xf_addr addr = xf_addr_from_v4((const uint8_t[4]){127, 0, 0, 1}, 0);
    socklen_t bytes = sizeof(addrs[number]);
    int fd =
        socket(kind == UNIX ? AF_UNIX : AF_INET, kind == DATAGRAM ? SOCK_DGRAM : SOCK_STREAM, 0);
    must(fd >= 0, "socket");
    if (kind != UNIX)
        must(bind(fd, &addr.sa, sizeof(addr.v4)) == 0, "bind");
    if (kind == LISTENS)
        must(listen(fd, 1) == 0, "listen");
    if (kind == CONNECTED)
        connect_to_nobody(fd);
    must(getsockname(fd, &addrs[number].sa, &bytes) == 0, "getsockname");
    place(fd, number);
}

static char *filled_in(const char *text)
{
    char addr_text[XF_ADDR_TEXT_BYTES] = "";
    const char *at = strchr(text, '@');
    if (!at)
        return xf_strdup(text);
    xf_addr_text(&addrs[at[1] - '0'], addr_text);
    return xf_asprintf("%.*s%s%s", (int)(at - text), text, addr_text, at + 2);
}

static void add_text(struct xf_texts *texts, const char *text)
{
    if (text && *text)
        xf_texts_add(texts, filled_in(text));
}

static void set_variables(int i, size_t count)
{
    char pid[16], number[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    snprintf(number, sizeof(number), "%zu", count);
    setenv("LISTEN_PID", cases[i].pid ? cases[i].pid : pid, 1);
    setenv("LISTEN_FDS", cases[i].count ? cases[i].count : number, 1);
    unsetenv("LISTEN_FDNAMES");
    if (cases[i].names)
        setenv("LISTEN_FDNAMES", cases[i].names, 1);
}

static bool takes(struct xf_activation *activation, const struct xf_texts *list)
{
    struct xf_addr addr;
    const struct xf_passed_socket *passed;
    if (list->count == 0 || xf_addr_parse(xf_span_of(list->item[0]), 0, &addr) != XF_ERR_OK ||
        !(passed = xf_activation_take(activation, &addr)))
        return false;
    must(fcntl(passed->fd, F_GETFD) & FD_CLOEXEC, list->item[0]);
    must(fcntl(passed->fd, F_GETFL) & O_NONBLOCK, list->item[0]);
    must(!xf_activation_take(activation, &addr), list->item[0]); /* only once */
    return true;
}

/* In a process of its own, since it closes all descriptors. */
static void play(int i)
{
    const char *label = cases[i].label;
    struct xf_activation activation;
    struct xf_listen_settings listen_to = {0};
    struct xf_error err = {0};
    size_t count = 0;
    for (int fd = 3; fd < 16; fd++)
        close(fd);
    for (; count < SOCKETS_MAX && cases[i].sockets[count] != NONE; count++)
        open_socket(cases[i].sockets[count], count);
    add_text(&listen_to.s2s, cases[i].s2s);
    add_text(&listen_to.s2s_direct, cases[i].direct);
    add_text(&listen_to.sip, cases[i].sip);
    add_text(&listen_to.sip_tcp, cases[i].sip_tcp);
    set_variables(i, count);
    enum xf_err result = xf_activation_init(&activation, &err);
    must(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"), label);
    if (result == XF_ERR_OK)
        result = xf_activation_check(&activation, &listen_to, &err);
    if (cases[i].words) {
        char *words = filled_in(cases[i].words);
        fprintf(stderr, "%s\n", err.detail);
        must(result == XF_ERR_CONFIG && strstr(err.detail, words), label);
        xf_free(words);
    } else {
        must(result == XF_ERR_OK, err.detail);
        size_t taken = (size_t)takes(&activation, &listen_to.s2s) +
                       (size_t)takes(&activation, &listen_to.s2s_direct) +
                       (size_t)takes(&activation, &listen_to.sip) +
                       (size_t)takes(&activation, &listen_to.sip_tcp);
        must(taken == cases[i].taken, label);
    }
    xf_activation_release(&activation);
    xf_texts_release(&listen_to.s2s);
    xf_texts_release(&listen_to.s2s_direct);
    xf_texts_release(&listen_to.sip);
    xf_texts_release(&listen_to.sip_tcp);
}

START_TEST(takes_what_both_sides_agree_on)
{
    pid_t pid = fork();
    int status = 0;
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        play(_i);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %d", cases[_i].label,
                  status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("daemon/activation");
    TCase *tcase = tcase_create("activation");
    tcase_add_loop_test(tcase, takes_what_both_sides_agree_on, 0, XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
