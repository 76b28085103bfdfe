/* SPDX-License-Identifier: MIT */
/* Modes of a secret's file and of its folder, by the words that an operator gets. */
#include <xfed/base/secrecy.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/err.h>

#define NOBODY 65534

static char folder[] = "/tmp/xfed-secrecy-XXXXXX", file[64], link_to_it[64];

/* clang-format off */
static const struct {
    const char *label;
    mode_t folder, file;
    uid_t owner;
    enum xf_secrecy want;
    const char *words;
} rows[] = {
    {"ours alone",                 0700,  0600, 0, XF_SECRECY_KEPT, ""},
    {"as systemd's credentials",   0755,  0440, 0, XF_SECRECY_KEPT, ""},
    {"as of Debian's ssl-cert",    0710,  0640, 0, XF_SECRECY_KEPT, ""},
    {"a group of somebody's",      0755,  0640, NOBODY, XF_SECRECY_READABLE, "its group can read it: chmod g-r, or let root own it"},
    {"the usual umask",            0755,  0644, 0, XF_SECRECY_READABLE, "everybody on this machine can read it: chmod o-rwx"},
    {"the group writes",           0755,  0660, 0, XF_SECRECY_WRITABLE, "its group can write it: chmod g-w,o-rwx"},
    {"the group writes only",      0755,  0620, 0, XF_SECRECY_WRITABLE, "its group can write it: chmod g-w,o-rwx"},
    {"everybody",                  0755,  0666, 0, XF_SECRECY_WRITABLE, "everybody on this machine can write it: chmod g-w,o-rwx"},
    {"others alone write",         0755,  0602, 0, XF_SECRECY_WRITABLE, "everybody on this machine can write it: chmod g-w,o-rwx"},
    {"a folder of everybody",      0777,  0600, 0, XF_SECRECY_WRITABLE, "everybody on this machine can replace it: chmod o-w /tmp/xfed-secrecy-XXXXXX"},
    {"a sticky one",               01777, 0600, 0, XF_SECRECY_KEPT, ""},
};
/* clang-format on */

static void make(void)
{
    ck_assert_ptr_nonnull(mkdtemp(strcpy(folder, "/tmp/xfed-secrecy-XXXXXX")));
    snprintf(file, sizeof(file), "%s/secret", folder);
    snprintf(link_to_it, sizeof(link_to_it), "%s/link", folder);
    FILE *out = fopen(file, "w");
    ck_assert_ptr_nonnull(out);
    fclose(out);
    ck_assert_int_eq(symlink("secret", link_to_it), 0);
}

static void take_away(void)
{
    unlink(link_to_it);
    unlink(file);
    rmdir(folder);
}

static void check_path(const char *path, size_t row)
{
    char words[XF_SECRECY_WORDS_BYTES], want[XF_SECRECY_WORDS_BYTES];
    snprintf(want, sizeof(want), "%s", rows[row].words);
    if (strstr(want, "XXXXXX"))
        snprintf(strstr(want, "/tmp"), 64, "%s", folder);
    enum xf_secrecy got = xf_secrecy_of(path, words);
    ck_assert_msg(got == rows[row].want && strcmp(words, want) == 0, "%s: %s: %d, \"%s\"",
                  rows[row].label, path, got, words);
}

START_TEST(says_who_else)
{
    if (geteuid() != 0) {
        fprintf(stderr, "left out: files of root and of others: needs root\n");
        return;
    }
    ck_assert_int_eq(chown(file, rows[_i].owner, (gid_t)-1), 0);
    ck_assert_int_eq(chmod(file, rows[_i].file), 0);
    ck_assert_int_eq(chmod(folder, rows[_i].folder), 0);
    check_path(file, (size_t)_i);
    check_path(link_to_it, (size_t)_i);
}
END_TEST

START_TEST(leaves_a_missing_file_to_its_reader)
{
    char words[XF_SECRECY_WORDS_BYTES];
    ck_assert_int_eq(xf_secrecy_of("/nowhere/secret", words), XF_SECRECY_KEPT);
    ck_assert_str_eq(words, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/secrecy");
    TCase *tc = tcase_create("secrecy");
    tcase_add_checked_fixture(tc, make, take_away);
    tcase_add_loop_test(tc, says_who_else, 0, XF_ARRAY_LEN(rows));
    tcase_add_test(tc, leaves_a_missing_file_to_its_reader);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
