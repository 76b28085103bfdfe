/* SPDX-License-Identifier: MIT */
/*
 * From within the sandbox: what a running gateway does works, what an intruder would do does not,
 * and some of it ends the process.
 */
#include "daemon_priv.h"
#include "files.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

#define KILLED          (-1)
#define EXIT_NO_SANDBOX 200
#define EXIT_ODD        201

/* ---- probes: 0, or errno */

static struct files files, archive, elsewhere;

static int said(long result)
{
    return result < 0 ? errno : 0;
}

static int run_program(void)
{
    char *const none[] = {NULL};
    return said(execve("/bin/true", none, none));
}

static int run_by_fd(void)
{
    return said(syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0));
}
static int trace(void)
{
    return said(syscall(SYS_ptrace, 0, 0, 0, 0));
}
static int look_into_parent(void)
{
    return said(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}
static int load_bpf(void)
{
    return said(syscall(SYS_bpf, 0, NULL, 0));
}
static int mount_something(void)
{
    return said(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}
static int become_root(void)
{
    return said(syscall(SYS_setuid, 0));
}
static int new_namespace(void)
{
    return said(syscall(SYS_unshare, CLONE_NEWUSER));
}
static int read_keyring(void)
{
    return said(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}
static int new_process(void)
{
    return said(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}
static int new_process_in_namespace(void)
{
    return said(syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, 0, 0));
}
static int clone3(void)
{
    return said(syscall(SYS_clone3, NULL, 0));
}
static int io_uring(void)
{
    return said(syscall(425, 1, NULL));
}
static int signal_parent(void)
{
    return said(syscall(SYS_kill, getppid(), 0));
}
static int abort_parent(void)
{
    return said(syscall(SYS_tgkill, getppid(), getppid(), 0));
}
static int memory_file(void)
{
    return said(syscall(SYS_memfd_create, "x", 0));
}
static int be_dumped(void)
{
    return said(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int netlink(void)
{
    return said(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int packet(void)
{
    return said(socket(AF_PACKET, SOCK_RAW, 0));
}
static int unix_socket(void)
{
    return said(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int raw_ip(void)
{
    return said(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}
static int tcp_socket(void)
{
    return said(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}
static int udp_socket(void)
{
    return said(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}
static int tcp6_socket(void)
{
    return said(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}
static int udp6_socket(void)
{
    return said(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}
static int a_pipe(void)
{
    int fds[2];
    return said(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
}
static int an_epoll(void)
{
    return said(epoll_create1(EPOLL_CLOEXEC));
}
static int an_eventfd(void)
{
    return said(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}
static int is_terminal(void)
{
    return isatty(0) || errno == ENOTTY || errno == EINVAL ? 0 : errno;
}
static int number_of_interface(void)
{
    return if_nametoindex("lo") ? 0 : errno;
}
static int ask_limit(void)
{
    struct rlimit limit;
    return said(getrlimit(RLIMIT_NOFILE, &limit));
}
static int random_bytes(void)
{
    char bytes[8];
    return said(getrandom(bytes, sizeof(bytes), 0));
}

/* As it is while a gateway refuses peers: bound, and not listening. */
static int own_listener;
static int listen_again(void)
{
    return said(listen(own_listener, 1));
}
static int listen_further(void)
{
    return said(listen(socket(AF_INET, SOCK_STREAM, 0), 1));
}

static int set_limit(void)
{
    struct rlimit limit = {10, 10};
    return said(setrlimit(RLIMIT_NOFILE, &limit));
}

static int map(int protection)
{
    return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno
                                                                                          : 0;
}

static int map_data(void)
{
    return map(PROT_READ | PROT_WRITE);
}
static int map_code(void)
{
    return map(PROT_READ | PROT_EXEC);
}

static int turn_into_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? EXIT_ODD : said(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static void *nothing(void *unused)
{
    return unused;
}

static int new_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    return error ? error : pthread_join(thread, NULL);
}

/* ---- of files */

static const char *in(const struct files *folder, const char *name)
{
    static char path[2][256];
    static unsigned turn;
    snprintf(path[++turn % 2], sizeof(path[0]), "%s/%s", folder->path, name);
    return path[turn % 2];
}

static int open_for(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return said(fd);
}

static int read_conf(void)
{
    return open_for(in(&files, "conf"), O_RDONLY);
}
static int write_conf(void)
{
    return open_for(in(&files, "conf"), O_WRONLY);
}
static int make_beside_conf(void)
{
    return open_for(in(&files, "new"), O_WRONLY | O_CREAT);
}
static int remove_conf(void)
{
    return said(unlink(in(&files, "conf")));
}
static int read_by_symlink(void)
{
    return open_for(in(&files, "a.pem"), O_RDONLY);
}
static int read_include(void)
{
    return open_for(in(&files, "more/peers.conf"), O_RDONLY);
}
static int read_elsewhere(void)
{
    return open_for(in(&elsewhere, "secret"), O_RDONLY);
}
static int list_elsewhere(void)
{
    return open_for(elsewhere.path, O_RDONLY | O_DIRECTORY);
}
static int write_elsewhere(void)
{
    return open_for(in(&elsewhere, "new"), O_WRONLY | O_CREAT);
}
static int list_root(void)
{
    return open_for("/", O_RDONLY | O_DIRECTORY);
}
static int read_our_memory(void)
{
    return open_for("/proc/self/mem", O_RDONLY);
}
static int read_hosts(void)
{
    return open_for("/etc/hosts", O_RDONLY);
}
static int read_resolv_conf(void)
{
    return access("/etc/resolv.conf", F_OK) ? 0 : open_for("/etc/resolv.conf", O_RDONLY);
}
static int write_etc(void)
{
    return open_for("/etc/hosts", O_WRONLY);
}
static int make_folder(void)
{
    return said(mkdir(in(&files, "state/new"), 0700));
}

static int keep_memory(void) /* as SQLite does */
{
    int fd = open(in(&files, "state/peers.db"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || pwrite(fd, "0123456789", 10, 0) != 10 ||
        ftruncate(fd, 4) != 0 || fdatasync(fd) != 0 || fsync(fd) != 0)
        return errno ? errno : EXIT_ODD;
    int journal = open(in(&files, "state/peers.db-journal"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal < 0 || rename(in(&files, "state/peers.db-journal"), in(&files, "state/old")) != 0 ||
        unlink(in(&files, "state/old")) != 0)
        return errno;
    return 0;
}

/* ---- the sandbox in a process of its own */

static struct xf_conf *conf;
static struct xf_certs certs;

static bool enter_calls(void)
{
    own_listener = socket(AF_INET, SOCK_STREAM, 0);
    const struct xf_sandbox sandbox = {.listeners = &own_listener, .listener_count = 1};
    return xf_seccomp_enter(&sandbox, NULL) == XF_ERR_OK;
}

static bool enter_with_unix(void)
{
    const struct xf_sandbox sandbox = {.uses_unix = true};
    return xf_seccomp_enter(&sandbox, NULL) == XF_ERR_OK;
}

static bool enter_all(void)
{
    struct xf_sandbox sandbox = {0};
    xf_sandbox_enter(&sandbox, conf, &certs);
    return sandbox.has_calls && sandbox.has_files;
}

static int wait_for(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        ck_assert_int_eq(WTERMSIG(status), SIGSYS);
        return KILLED;
    }
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int in_sandbox(bool (*enter)(void), int (*probe)(void))
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child > 0)
        return wait_for(child);
    (void)!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* as xf_system_prepare does */
    if (!enter())
        _exit(EXIT_NO_SANDBOX);
    _exit(probe());
}

/* clang-format off */
static const struct {
    const char *label;
    int (*probe)(void);
    int want;
} calls[] = {
    {"execve", run_program, KILLED},
    {"execveat", run_by_fd, KILLED},
    {"ptrace", trace, KILLED},
    {"process_vm_readv", look_into_parent, KILLED},
    {"bpf", load_bpf, KILLED},
    {"mount", mount_something, KILLED},
    {"setuid", become_root, KILLED},
    {"unshare", new_namespace, KILLED},
    {"keyctl", read_keyring, KILLED},
    {"fork", new_process, ENOSYS},
    {"fork into a user namespace", new_process_in_namespace, ENOSYS},
    {"clone3, whose flags no filter sees", clone3, ENOSYS},
    {"io_uring, which goes past the filter", io_uring, ENOSYS},
    {"signal to another process", signal_parent, ENOSYS},
    {"the same by tgkill", abort_parent, ENOSYS},
    {"memfd_create", memory_file, ENOSYS},
    {"dumpable again", be_dumped, ENOSYS},
    {"executable memory", map_code, ENOSYS},
    {"memory made executable", turn_into_code, ENOSYS},
    {"AF_NETLINK", netlink, ENOSYS},
    {"AF_PACKET", packet, ENOSYS},
    {"AF_UNIX", unix_socket, ENOSYS},
    {"raw IP", raw_ip, ENOSYS},
    {"a further listener", listen_further, ENOSYS},
    {"our own listener again", listen_again, 0},
    {"set a limit", set_limit, ENOSYS},
    {"ask for a limit", ask_limit, 0},
    {"TCP", tcp_socket, 0},
    {"UDP", udp_socket, 0},
    {"TCP over IPv6", tcp6_socket, 0},
    {"UDP over IPv6", udp6_socket, 0},
    {"pipe", a_pipe, 0},
    {"epoll", an_epoll, 0},
    {"eventfd", an_eventfd, 0},
    {"isatty", is_terminal, 0},
    {"the number of an interface", number_of_interface, 0},
    {"random bytes", random_bytes, 0},
    {"memory", map_data, 0},
    {"a thread", new_thread, 0},
}, paths[] = {
    {"read the configuration", read_conf, 0},
    {"write it", write_conf, EACCES},
    {"make a file beside it", make_beside_conf, EACCES},
    {"remove it", remove_conf, EACCES},
    {"read a certificate through a symlink", read_by_symlink, 0},
    {"read an included file", read_include, 0},
    {"read the file of somebody else", read_elsewhere, EACCES},
    {"list his folder", list_elsewhere, EACCES},
    {"write there", write_elsewhere, EACCES},
    {"list the root", list_root, EACCES},
    {"read memory as a file", read_our_memory, EACCES},
    {"read /etc/hosts", read_hosts, 0},
    {"read resolv.conf, wherever it is", read_resolv_conf, 0},
    {"write /etc", write_etc, EACCES},
    {"the memory of peers", keep_memory, 0},
    {"a folder beside it", make_folder, ENOSYS}, /* the call is refused before */
    {"execve", run_program, KILLED},
};
/* clang-format on */

static bool has_all(void)
{
#ifdef XF_HAVE_SECCOMP
    bool has_seccomp = true;
#else
    bool has_seccomp = false;
#endif
    return has_seccomp && !XF_IS_SANITIZED &&
           syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* version */) > 0;
}

START_TEST(test_calls)
{
    int got = in_sandbox(enter_calls, calls[_i].probe);
#ifndef XF_HAVE_SECCOMP
    ck_assert_int_eq(got, EXIT_NO_SANDBOX);
    return;
#endif
    ck_assert_msg(got == calls[_i].want, "%s: %d, not %d", calls[_i].label, got, calls[_i].want);
}
END_TEST

START_TEST(test_paths)
{
    int got = in_sandbox(enter_all, paths[_i].probe);
    bool is_there = has_all();
    if (!is_there)
        fprintf(stderr, "left out: sandbox, what files it holds: no Landlock in this kernel, or "
                        "built with a sanitizer or without libseccomp\n");
    int want = is_there ? paths[_i].want : EXIT_NO_SANDBOX;
    ck_assert_msg(got == want, "%s: %d, not %d", paths[_i].label, got, want);
}
END_TEST

/* With a database on this machine: Unix sockets, but no datagrams to whoever listens for them. */
static int unix_datagrams(void)
{
    return said(socket(AF_UNIX, SOCK_DGRAM, 0));
}

START_TEST(test_unix)
{
#ifdef XF_HAVE_SECCOMP
    ck_assert_int_eq(in_sandbox(enter_with_unix, unix_socket), 0);
    ck_assert_int_eq(in_sandbox(enter_with_unix, unix_datagrams), ENOSYS);
    ck_assert_int_eq(in_sandbox(enter_with_unix, netlink), ENOSYS);
#else
    ck_assert_int_eq(in_sandbox(enter_with_unix, unix_datagrams), EXIT_NO_SANDBOX);
#endif
}
END_TEST

/* ---- threads that were there before */

static int gate[2];

static void *probe_late(void *unused)
{
    char go;
    int *answer = unused;
    *answer = read(gate[0], &go, 1) == 1 ? netlink() : EXIT_ODD;
    return NULL;
}

START_TEST(test_thread_of_before)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int answer = EXIT_ODD;
        pthread_t thread;
        if (pipe(gate) != 0 || pthread_create(&thread, NULL, probe_late, &answer) != 0 ||
            !enter_calls())
            _exit(EXIT_NO_SANDBOX);
        (void)!write(gate[1], "x", 1);
        pthread_join(thread, NULL);
        _exit(answer);
    }
#ifdef XF_HAVE_SECCOMP
    ck_assert_int_eq(wait_for(child), ENOSYS);
#else
    ck_assert_int_eq(wait_for(child), EXIT_NO_SANDBOX);
#endif
}
END_TEST

START_TEST(test_off)
{
    struct xf_sandbox sandbox = {0};
    struct xf_conf off = *conf;
    off.process.sandbox = false;
    xf_sandbox_enter(&sandbox, &off, &certs);
    ck_assert(!sandbox.has_calls && !sandbox.has_files && sandbox.read.count == 0);
    ck_assert_int_eq(netlink(), 0);
}
END_TEST

/*
 * ---- scaffold: a configuration with an include, a symlink to a certificate in another folder, and
 * a memory
 */

static const char text[] =
    "include(\"more/peers.conf\")\n"
    "link l { nodes = {\"127.0.0.1:1\"} name = gw.example secret-file = secret }\n"
    "trust { ca-file = ca.pem }\n"
    "memory { file = \"state/peers.db\" }\n"
    "served \"a.example\" { link = l certificate = a.pem key = a.key }\n";

static void put_certs(void)
{
    struct cert root =
        cert_make(&(struct cert_spec){.cn = "Root", .is_ca = 1, .days_from = -1, .days_to = 900});
    struct cert own = cert_make(
        &(struct cert_spec){.issuer = &root, .cn = "A", .san = "DNS:a.example", .days_to = 90});
    files_put_cert(&files, "ca.pem", &root, NULL);
    files_put_cert(&archive, "a1.pem", &own, NULL);
    files_put_key(&files, "a.key", &own);
    cert_free(&root);
    cert_free(&own);
}

static void set_up(void)
{
    struct xf_report report;
    char *messages = NULL;
    files_make(&files);
    files_make(&archive);
    files_make(&elsewhere);
    put_certs();
    files_put_text(&files, "secret", "a secret that is long enough\n");
    files_put_text(&elsewhere, "secret", "a secret that is long enough\n");
    files_put_text(&files, "conf", text);
    ck_assert_int_eq(mkdir(in(&files, "more"), 0700), 0);
    ck_assert_int_eq(mkdir(in(&files, "state"), 0700), 0);
    files_put_text(&files, "more/peers.conf", "peer \"b.example\" { }\n");
    ck_assert_int_eq(symlink(in(&archive, "a1.pem"), in(&files, "a.pem")), 0);
    ck_assert_msg(xf_conf_load(in(&files, "conf"), &conf, &messages) == XF_ERR_OK, "%s", messages);
    xf_free(messages);
    xf_report_init(&report);
    xf_certs_load(conf, false, &certs, &report);
    ck_assert_uint_eq(report.errors, 0);
    xf_report_release(&report);
    xf_log_set_level(XF_LOG_ERROR);
}

static void tear_down(void)
{
    xf_certs_release(&certs);
    xf_conf_free(&conf);
    files_remove(&files);
    files_remove(&archive);
    files_remove(&elsewhere);
}

int main(void)
{
    TCase *tcase = tcase_create("sandbox");
    tcase_add_unchecked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_calls, 0, (int)XF_ARRAY_LEN(calls));
    tcase_add_loop_test(tcase, test_paths, 0, (int)XF_ARRAY_LEN(paths));
    tcase_add_test(tcase, test_thread_of_before);
    tcase_add_test(tcase, test_unix);
    tcase_add_test(tcase, test_off);
    Suite *suite = suite_create("sandbox");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
