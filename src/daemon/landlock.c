/* SPDX-License-Identifier: MIT */
/*
 * landlock.c — restricts the folders in which this thread, and all threads that it starts from now
 * on, may open files (landlock(7)).
 *
 * It makes the system calls itself, since there is no library and libc has no wrappers. Rights that
 * the running kernel does not know are omitted, the others are enforced. Open files stay open, in
 * whatever folder. A path that does not exist, or whose folder we may not enter, needs no rule.
 * Test: tests/unit/daemon/test_sandbox.c.
 */
#include "daemon_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * We define the kernel's interface here, since the running kernel may support more than the headers
 * that we were built with; it tells what it supports.
 */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION 1
#define RULE_PATH_BENEATH      1

struct ruleset_attr {
    uint64_t handled_access_fs;
};

struct path_beneath_attr {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

#define RIGHT_WRITE_FILE  (UINT64_C(1) << 1)
#define RIGHT_READ_FILE   (UINT64_C(1) << 2)
#define RIGHT_READ_DIR    (UINT64_C(1) << 3)
#define RIGHT_REMOVE_FILE (UINT64_C(1) << 5)
#define RIGHT_MAKE_REG    (UINT64_C(1) << 8)
/* Linux 5.13: execute, write and read file, read folder, remove and make things */
#define RIGHTS_1        ((UINT64_C(1) << 13) - 1)
#define RIGHT_REFER     (UINT64_C(1) << 13) /* 5.19: move between folders */
#define RIGHT_TRUNCATE  (UINT64_C(1) << 14) /* 6.2 */
#define RIGHT_IOCTL_DEV (UINT64_C(1) << 15) /* 6.10 */

#define TO_READ  (RIGHT_READ_FILE | RIGHT_READ_DIR)
#define TO_WRITE (TO_READ | RIGHT_WRITE_FILE | RIGHT_MAKE_REG | RIGHT_REMOVE_FILE | RIGHT_TRUNCATE)
/* The kernel refuses the other rights for what is not a folder. */
#define OF_FILES (RIGHT_READ_FILE | RIGHT_WRITE_FILE | RIGHT_TRUNCATE)

static uint64_t known_rights(long version)
{
    return RIGHTS_1 | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0) |
           (version >= 5 ? RIGHT_IOCTL_DEV : 0);
}

static int add(int rules, const char *path, uint64_t rights)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : errno;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rights &= OF_FILES;
    struct path_beneath_attr attr = {.allowed_access = rights, .parent_fd = fd};
    int error = syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &attr, 0) == 0 ? 0 : errno;
    close(fd);
    return error;
}

static int add_all(int rules, const struct xf_texts *paths, uint64_t rights)
{
    int error = 0;
    for (size_t i = 0; i < paths->count && error == 0; i++)
        error = add(rules, paths->item[i], rights);
    return error;
}

enum xf_err xf_landlock_enter(const struct xf_texts *read, const struct xf_texts *write,
                              long *out_version, struct xf_error *err)
{
    char words[128];
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    struct ruleset_attr attr = {.handled_access_fs = known_rights(version)};
    int rules =
        version < 0 ? -1 : (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    int error = rules < 0 ? errno : add_all(rules, read, TO_READ & attr.handled_access_fs);
    if (error == 0)
        error = add_all(rules, write, TO_WRITE & attr.handled_access_fs);
    if (error == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                       syscall(SYS_landlock_restrict_self, rules, 0) != 0))
        error = errno;
    if (rules >= 0)
        close(rules);
    if (error)
        return xf_fail(err, XF_ERR_IO, "landlock: %s", strerror_r(error, words, sizeof(words)));
    *out_version = version;
    return XF_ERR_OK;
}
