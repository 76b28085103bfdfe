/* SPDX-License-Identifier: MIT */
/*
 * seccomp.c — the system calls that a running gateway may make.
 *
 * Three answers, by what a call would be for:
 *
 * - those in `needed` are allowed, and those in `guarded` with some arguments only
 * - only an intruder would make those in `hostile`: they end the process, which leaves a trace in
 *   the machine's log
 * - all others fail with ENOSYS, and not with EPERM: a libc newer than this list tries the older
 *   call on that error only. So clone3, whose flags are behind a pointer where no filter sees them,
 *   becomes clone; and io_uring, which goes past every filter, becomes epoll.
 *
 * The allowed calls are enough for streams, DNS, the files of the configuration and an SQLite file.
 * They are not enough to start or inspect a process, to listen on another port (listen is allowed
 * for the descriptors of our own listeners, and only with refuse-peers), to make memory executable,
 * or to open a socket that is neither IPv4 nor IPv6 (the socket to systemd is connected before; a
 * database on this machine needs Unix sockets). landlock.c restricts which files may be opened. We
 * list names instead of numbers, since numbers differ between machines; a name that a machine does
 * not know is omitted.
 *
 * All tests in tests/integration run inside the sandbox, and tests/unit/daemon/test_sandbox.c tests
 * the list.
 */
#include "daemon_priv.h"

#ifdef XF_HAVE_SECCOMP
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xfed/base/log.h>

/* clang-format off */
static const char *const needed[] = {
    /* Memory; with mmap and mprotect below */
    "brk", "madvise", "membarrier", "mremap", "munmap",
    /* Time, chance, who we are */
    "adjtimex", "clock_adjtime", /* to ask; to set takes a capability that we do not have */
    "clock_getres", "clock_gettime", "clock_nanosleep", "getcpu", "getegid", "geteuid", "getgid", "getpid", "getrandom", "getrusage", "gettid",
    "gettimeofday", "getuid", "nanosleep", "sched_getaffinity", "sched_yield", "sysinfo", "time", "uname",
    /* Threads, signals, the end */
    "exit", "exit_group", "futex", "get_robust_list", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "set_robust_list", "set_tid_address", "sigaltstack", "sigreturn",
    /* The loop */
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "pipe2", "poll", "ppoll",
    /* Sockets; with socket below, listen with add_listen */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown",
    /* Files, also of SQLite */
    "access", "close", "dup", "dup3", "faccessat", "faccessat2", "fallocate", "fchmod", "fchown", "fcntl", "fcntl64", "fdatasync", "fstat", "fstat64",
    "fstatat64", "fsync", "ftruncate", "ftruncate64", "getcwd", "getdents64", "_llseek", "lseek", "lstat", "newfstatat", "open", "openat",
    "pread64", "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2", "stat", "statx",
    "umask", "unlink", "unlinkat", "write", "writev",
};
/* clang-format on */

/* clang-format off */
static const char *const hostile[] = {
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
    "bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl",
    "mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "pivot_root", "chroot",
    "unshare", "setns", "open_by_handle_at",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "iopl", "ioperm",
    "settimeofday", "clock_settime", "sethostname", "setdomainname", "mknod", "mknodat",
};
/* clang-format on */

struct guarded { /* a call that is allowed if its arguments match */
    const char *name;
    unsigned count;
    struct scmp_arg_cmp args[2];
};

/* clang-format off */
#define ONLY(number, value) {(number), SCMP_CMP_EQ, (scmp_datum_t)(value), 0}
/* clang-format on */
/* clang-format off */
#define MASKED(number, mask, value) {(number), SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value)}
/* clang-format on */
#define A_THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define NAMESPACES                                                                                \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
     CLONE_NEWNET)
#define SOCK_KIND 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */

/* clang-format off */
static const struct guarded guarded[] = {
    {"mmap", 1, {MASKED(2, PROT_EXEC, 0)}},
    {"mmap2", 1, {MASKED(2, PROT_EXEC, 0)}},
    {"mprotect", 1, {MASKED(2, PROT_EXEC, 0)}},
    {"clone", 1, {MASKED(0, A_THREAD | NAMESPACES, A_THREAD)}}, /* a thread, never a process */
    {"socket", 2, {ONLY(0, AF_INET), MASKED(1, SOCK_KIND, SOCK_STREAM)}},
    {"socket", 2, {ONLY(0, AF_INET), MASKED(1, SOCK_KIND, SOCK_DGRAM)}},
    {"socket", 2, {ONLY(0, AF_INET6), MASKED(1, SOCK_KIND, SOCK_STREAM)}},
    {"socket", 2, {ONLY(0, AF_INET6), MASKED(1, SOCK_KIND, SOCK_DGRAM)}},
    {"ioctl", 1, {ONLY(1, FIONBIO)}},
    {"ioctl", 1, {ONLY(1, FIOCLEX)}},
    {"ioctl", 1, {ONLY(1, FIONREAD)}},
    {"ioctl", 1, {ONLY(1, TCGETS)}},       /* isatty */
    {"ioctl", 1, {ONLY(1, SIOCGIFINDEX)}}, /* if_nametoindex, for resolv.conf */
    {"prlimit64", 1, {ONLY(2, 0)}},        /* only queries a limit */
};
/* clang-format on */

static int add_named(scmp_filter_ctx filter, uint32_t action, const char *const *names,
                     size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number != __NR_SCMP_ERROR)
            result = seccomp_rule_add_array(filter, action, number, 0, NULL);
    }
    return result;
}

static int add_guarded(scmp_filter_ctx filter)
{
    int result = 0;
    for (size_t i = 0; i < XF_ARRAY_LEN(guarded) && result == 0; i++) {
        int number = seccomp_syscall_resolve_name(guarded[i].name);
        if (number != __NR_SCMP_ERROR)
            result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, guarded[i].count,
                                            guarded[i].args);
    }
    return result;
}

/* A gateway that refuses peers for a while listens on the same sockets again. */
static int add_listen(scmp_filter_ctx filter, const int *listeners, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct scmp_arg_cmp socket = ONLY(0, listeners[i]);
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(listen), 1, &socket);
    }
    return result;
}

/* For a database on this machine (memory { uri }). */
static int add_unix(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp args[] = {ONLY(0, AF_UNIX), MASKED(1, SOCK_KIND, SOCK_STREAM)};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), XF_ARRAY_LEN(args),
                                  args);
}

/* abort() signals its own thread; others may not be signalled. */
static int add_abort(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp self = ONLY(0, getpid());
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
}

static int fill(scmp_filter_ctx filter, const struct xf_sandbox *sandbox)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* all threads */
    if (result == 0)
        /* 32-bit calls have other numbers */
        result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = add_named(filter, SCMP_ACT_ALLOW, needed, XF_ARRAY_LEN(needed));
    if (result == 0)
        result = add_guarded(filter);
    if (result == 0)
        result = add_abort(filter);
    if (result == 0)
        result = add_listen(filter, sandbox->listeners, sandbox->listener_count);
    if (result == 0 && sandbox->uses_unix)
        result = add_unix(filter);
    if (result == 0)
        result = add_named(filter, SCMP_ACT_KILL_PROCESS, hostile, XF_ARRAY_LEN(hostile));
    /* Arrange the rules in a tree; older libraries have only the list. */
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return result;
}

enum xf_err xf_seccomp_enter(const struct xf_sandbox *sandbox, struct xf_error *err)
{
    char words[128];
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return xf_fail(err, XF_ERR_IO, "seccomp: no filter could be made");
    int result = fill(filter, sandbox);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    if (result == 0)
        return XF_ERR_OK;
    return xf_fail(err, XF_ERR_IO, "seccomp: %s", strerror_r(-result, words, sizeof(words)));
}

#else

enum xf_err xf_seccomp_enter(const struct xf_sandbox *sandbox, struct xf_error *err)
{
    (void)listeners;
    (void)count;
    return xf_fail(err, XF_ERR_NOT_FOUND, "seccomp: xfedd was built without libseccomp");
}

#endif
