/* SPDX-License-Identifier: MIT */
/* child.c — run xfedd, and take what it prints. */
#include "setup_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES 4096

static bool start(const char *const argv[], const int pipe_fds[2], bool with_errors, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (pipe_fds) {
        posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
        if (with_errors)
            posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
    }
    int failed =
        posix_spawn(out_pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    char words[128];
    if (failed)
        fprintf(stderr, "xfedctl: %s: %s: --xfedd PROGRAM says where xfedd is\n", argv[0],
                strerror_r(failed, words, sizeof(words)));
    return !failed;
}

/* False: it is more than `out` holds. */
static bool read_all(int fd, struct xf_buf *out)
{
    char bytes[READ_BYTES];
    for (;;) {
        ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        if (xf_buf_try_append(out, bytes, (size_t)got) != XF_ERR_OK)
            return false;
    }
}

int xf_setup_run(const char *const argv[], struct xf_buf *out, bool with_errors)
{
    int fds[2], status = 0;
    pid_t pid;
    if (out && pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    fflush(stdout);
    bool is_started = start(argv, out ? fds : NULL, with_errors, &pid);
    bool is_read = true;
    if (out) {
        close(fds[1]);
        is_read = is_started && read_all(fds[0], out);
        close(fds[0]);
    }
    while (is_started && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return is_started && is_read && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
