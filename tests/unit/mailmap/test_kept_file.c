/* SPDX-License-Identifier: MIT */
/*
 * test_kept_file.c — the SQLite file of what the directory said: which rows are written and come
 * back, its bounds, and files that are torn at every place.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/database/database.h>

#define PARTS_MAX 3

struct part {         /* one writing */
    const char *rows; /* "jid=mail jid=- ..." */
    bool is_whole;
    int64_t now_s;
};

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct {
    const char *label;
    struct part parts[PARTS_MAX];
    const char *want; /* as read at 100 s, where 50 s is too old and three users have room */
} rows[] = {
    {"what is written is read", {{"a@x=ann@x b@x=bob@x", true, 90}}, "a@x=ann@x b@x=bob@x"},
    {"a whole writing forgets who is not in it", {{"a@x=ann@x b@x=bob@x", true, 80}, {"b@x=bob@x", true, 90}}, "b@x=bob@x"},
    {"... but not that somebody has no address", {{"c@x=-", false, 80}, {"b@x=bob@x", true, 90}}, "c@x=- b@x=bob@x"},
    {"... unless he has one now", {{"c@x=-", false, 80}, {"c@x=cid@x", true, 90}}, "c@x=cid@x"},
    {"an empty whole writing", {{"a@x=ann@x", true, 80}, {"", true, 90}}, ""},
    {"a single answer replaces", {{"a@x=ann@x", true, 80}, {"a@x=new@x", false, 90}}, "a@x=new@x"},
    {"... from the other end too", {{"a@x=ann@x", true, 80}, {"b@x=ann@x", false, 90}}, "b@x=ann@x"},
    {"... or says that there is none any more", {{"a@x=ann@x", true, 80}, {"a@x=-", false, 90}}, "a@x=-"},
    {"what is too old is not read", {{"a@x=ann@x", true, 50}}, ""},
    {"the oldest have no room", {{"a@x=ann@x", false, 70}, {"b@x=bob@x", false, 80}, {"c@x=cid@x d@x=dan@x", false, 90}}, "b@x=bob@x c@x=cid@x d@x=dan@x"},
    {"users without address go before them", {{"a@x=ann@x", false, 70}, {"b@x=-", false, 80}, {"c@x=cid@x d@x=dan@x", false, 90}}, "a@x=ann@x c@x=cid@x d@x=dan@x"},
};
/* clang-format on */

static char path[64], copy_path[80];
static struct xf_buf seen;

static struct xf_kept_bounds bounds_at(int64_t now_s, const char *source)
{
    struct xf_kept_bounds bounds = {.now_s = now_s, .oldest_s = now_s - 50, .users_max = 3};
    (void)snprintf(bounds.source, sizeof(bounds.source), "%s", source);
    return bounds;
}

static struct xf_database *open_at(const char *at)
{
    struct xf_database *file = NULL;
    struct xf_error err = {0};
    ck_assert_msg(xf_kept_file_open(at, &file, &err) == XF_ERR_OK, "%s", err.detail);
    return file;
}

static void write_part(struct xf_database *file, const struct part *part, const char *source)
{
    struct xf_kept_bounds bounds = bounds_at(part->now_s, source);
    struct xf_error err = {0};
    struct xf_buf text;
    xf_buf_init(&text, XF_KEPT_ROWS_MAX_BYTES);
    for (const char *at = part->rows; *at; at += strcspn(at, " "), at += *at == ' ') {
        const char *equals = strchr(at, '=');
        struct xf_span jid = {at, (size_t)(equals - at)},
                       mail = {equals + 1, strcspn(equals + 1, " ")};
        ck_assert(xf_kept_rows_add(&text, jid, xf_span_is(mail, "-") ? XF_SPAN_NONE : mail));
    }
    ck_assert_msg(xf_kept_file_write(file, &bounds, part->is_whole, xf_buf_span(&text), &err) ==
                      XF_ERR_OK,
                  "%s", err.detail);
    xf_buf_release(&text);
}

static void on_row(void *owner, struct xf_span jid, struct xf_span mail, int64_t seen_s)
{
    char text[200];
    (void)owner;
    (void)seen_s;
    int len = snprintf(text, sizeof(text), "%s%.*s=%.*s", seen.len ? " " : "", XF_SPAN_ARGS(jid),
                       XF_SPAN_ARGS(mail.ptr ? mail : XF_SPAN("-")));
    xf_buf_append(&seen, text, (size_t)len);
}

static const char *read_at(struct xf_database *file, int64_t now_s, const char *source)
{
    struct xf_kept_bounds bounds = bounds_at(now_s, source);
    xf_buf_clear(&seen);
    ck_assert_int_eq(xf_kept_file_read(file, &bounds, on_row, NULL, NULL), XF_ERR_OK);
    xf_buf_append(&seen, "", 1);
    return xf_buf_ptr(&seen);
}

START_TEST(keeps)
{
    struct xf_database *file = open_at(path);
    for (size_t i = 0; i < PARTS_MAX && rows[_i].parts[i].rows; i++)
        write_part(file, &rows[_i].parts[i], "one");
    xf_database_close(&file);
    file = open_at(path);
    ck_assert_msg(strcmp(read_at(file, 100, "one"), rows[_i].want) == 0, "%s: %s", rows[_i].label,
                  xf_buf_ptr(&seen));
    xf_database_close(&file);
}
END_TEST

/* Of another source nothing is read, and nothing is left once something else is written. */
START_TEST(keeps_one_source)
{
    struct xf_database *file = open_at(path);
    write_part(file, &(struct part){"a@x=ann@x", true, 90}, "one");
    ck_assert_str_eq(read_at(file, 100, "two"), "");
    ck_assert_str_eq(read_at(file, 100, "one"), "a@x=ann@x");
    write_part(file, &(struct part){"b@x=bob@x", false, 90}, "two");
    ck_assert_str_eq(read_at(file, 100, "one"), "");
    xf_database_close(&file);
}
END_TEST

/* Rows that somebody else wrote: what is not a prepared address is skipped. */
START_TEST(skips_what_is_no_address)
{
    struct xf_database *file = open_at(path);
    write_part(file,
               &(struct part){"A@x=up@x b@x=Up@x c@x=no-address d@x=d@x/r e@x=e@x", false, 90},
               "one");
    xf_database_close(&file);
    file = open_at(path);
    const char *got = read_at(file, 100, "one");
    ck_assert_msg(!strstr(got, "A@x") && !strstr(got, "Up@x") && !strstr(got, "no-address"), "%s",
                  got);
    xf_database_close(&file);
}
END_TEST

START_TEST(bounds_a_writing)
{
    static char local[3000];
    struct xf_buf text;
    size_t count = 0;
    memset(local, 'a', sizeof(local));
    xf_buf_init(&text, XF_KEPT_ROWS_MAX_BYTES);
    while (xf_kept_rows_add(&text, (struct xf_span){local, sizeof(local)},
                            (struct xf_span){local, sizeof(local)}))
        count++;
    ck_assert_uint_eq(count, XF_KEPT_ROWS_MAX_BYTES / (2 * sizeof(local) + 2));
    xf_buf_release(&text);
}
END_TEST

static void copy_first(size_t len, bool is_torn)
{
    char bytes[65536];
    FILE *from = fopen(path, "re"), *to = fopen(copy_path, "we");
    ck_assert(from && to);
    size_t whole = fread(bytes, 1, sizeof(bytes), from);
    ck_assert_uint_lt(whole, sizeof(bytes));
    if (is_torn && len < whole)
        memset(bytes + len, 0x5a, whole - len < 512 ? whole - len : 512);
    ck_assert(fwrite(bytes, 1, is_torn ? whole : len, to) > 0 || len == 0);
    ck_assert(fclose(from) == 0 && fclose(to) == 0);
}

/*
 * A file that was cut off or overwritten anywhere is refused, or read with some of the rows; never
 * with others.
 */
START_TEST(survives_a_torn_file)
{
    struct xf_database *file = open_at(path);
    struct stat status;
    write_part(file, &(struct part){"a@x=ann@x b@x=bob@x", true, 90}, "one");
    xf_database_close(&file);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    for (size_t len = 0; len < (size_t)status.st_size; len += 256) {
        for (int is_torn = 0; is_torn < 2; is_torn++) {
            struct xf_kept_bounds bounds = bounds_at(100, "one");
            struct xf_error err = {0};
            copy_first(len, is_torn);
            if (xf_kept_file_open(copy_path, &file, &err) != XF_ERR_OK)
                continue;
            xf_buf_clear(&seen);
            (void)!xf_kept_file_read(file, &bounds, on_row, NULL, &err);
            xf_buf_append(&seen, "", 1);
            ck_assert_msg(strstr("a@x=ann@x b@x=bob@x", xf_buf_ptr(&seen)) != NULL, "%zu %d: %s",
                          len, is_torn, xf_buf_ptr(&seen));
            xf_database_close(&file);
        }
    }
    (void)unlink(copy_path);
}
END_TEST

START_TEST(refuses_a_file_of_another_kind)
{
    static const struct xf_database_form other = {.what = "history",
                                                  .remedy = "",
                                                  .application_id = 0x78666564,
                                                  .format = 1,
                                                  .schema = "CREATE TABLE t (a);",
                                                  .pragmas = ""};
    struct xf_database *file = NULL;
    struct xf_error err = {0};
    ck_assert_int_eq(xf_database_open(path, &other, &file, &err), XF_ERR_OK);
    xf_database_close(&file);
    ck_assert_int_eq(xf_kept_file_open(path, &file, &err), XF_ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.detail, "is a database of another program"));
}
END_TEST

static void set_up(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/xf-kept-%d", getpid());
    (void)snprintf(copy_path, sizeof(copy_path), "%s.copy", path);
    xf_buf_init(&seen, 65536);
}

static void tear_down(void)
{
    xf_buf_release(&seen);
    (void)unlink(path);
}

int main(void)
{
    Suite *suite = suite_create("mailmap/kept_file");
    TCase *tests = tcase_create("kept_file");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, keeps, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tests, keeps_one_source);
    tcase_add_test(tests, skips_what_is_no_address);
    tcase_add_test(tests, bounds_a_writing);
    tcase_add_test(tests, survives_a_torn_file);
    tcase_add_test(tests, refuses_a_file_of_another_kind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
