/* SPDX-License-Identifier: MIT */
/* test_files.c — what is read from the hosts file and from resolv.conf. */
#include "hosts_priv.h"
#include "resolv_priv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct xf_clock test_clock;
static char path[] = "/tmp/xf-test-dns-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void set_up(void)
{
    test_clock.now_ms = 1000;
    snprintf(path, sizeof(path), "/tmp/xf-test-dns-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
}

/* "no": not in the file; else the addresses in hex. */
static const char *find(struct xf_dns_hosts *hosts, const char *name, enum xf_dns_type type)
{
    static char text[2048];
    struct xf_dns_record records[XF_DNS_RECORDS_MAX];
    size_t count, at = 0;

    if (!xf_dns_hosts_find(hosts, name, type, records, &count))
        return "no";
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", i ? " " : "");
        for (size_t k = 0; k < (type == XF_DNS_A ? 4u : 16u); k++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%02x", records[i].address[k]);
    }
    return text;
}

/* clang-format off */
static const struct {
    const char *label, *file, *name;
    enum xf_dns_type type;
    const char *want;
} lines[] = {
    {"name", "192.0.2.1 b.example\n", "b.example", XF_DNS_A, "c0000201"},
    {"alias", "192.0.2.1\tb.example   b  bb\n", "bb", XF_DNS_A, "c0000201"},
    {"last line without newline", "192.0.2.1 b.example", "b.example", XF_DNS_A, "c0000201"},
    {"carriage return", "192.0.2.1 b.example\r\n", "b.example", XF_DNS_A, "c0000201"},
    {"case and dot at the end", "192.0.2.1 B.Example.\n", "b.example", XF_DNS_A, "c0000201"},
    {"v6", "2001:db8::1 b.example\n", "b.example", XF_DNS_AAAA, "20010db8000000000000000000000001"},
    {"the other family only: known, without address", "192.0.2.1 b.example\n", "b.example", XF_DNS_AAAA, ""},
    {"several lines keep their order", "192.0.2.2 b.example\n192.0.2.1 b.example\n", "b.example", XF_DNS_A,
     "c0000202 c0000201"},
    {"blanks in front", "  192.0.2.1 b.example\n", "b.example", XF_DNS_A, "c0000201"},
    {"comment", "# 192.0.2.1 b.example\n", "b.example", XF_DNS_A, "no"},
    {"comment behind", "192.0.2.1 c.example # b.example\n", "b.example", XF_DNS_A, "no"},
    {"not an address", "192.0.2 b.example\n", "b.example", XF_DNS_A, "no"},
    {"scope", "fe80::1%lo b.example\n", "b.example", XF_DNS_AAAA, "no"},
    {"address without name", "192.0.2.1\n192.0.2.2 b.example\n", "b.example", XF_DNS_A, "c0000202"},
    {"another name", "192.0.2.1 b.example\n", "x.b.example", XF_DNS_A, "no"},
    {"a name that is none does not spoil the line", "192.0.2.1 a/b b.example\n", "b.example", XF_DNS_A, "c0000201"},
    {"empty file", "", "b.example", XF_DNS_A, "no"},
};
/* clang-format on */

START_TEST(hosts_line_is_read)
{
    write_file(lines[_i].file);
    struct xf_dns_hosts *hosts = xf_dns_hosts_new(path, &test_clock);
    const char *got = find(hosts, lines[_i].name, lines[_i].type);

    ck_assert_msg(strcmp(got, lines[_i].want) == 0, "%s: got '%s'", lines[_i].label, got);
    xf_dns_hosts_free(&hosts);
}
END_TEST

START_TEST(overlong_line_is_passed_over)
{
    FILE *file = fopen(path, "w");

    fputs("192.0.2.1", file);
    for (int i = 0; i < 2000; i++)
        fprintf(file, " n%d", i);
    fputs(" b.example\n192.0.2.2 c.example\n", file);
    fclose(file);
    struct xf_dns_hosts *hosts = xf_dns_hosts_new(path, &test_clock);
    ck_assert_str_eq(find(hosts, "n1", XF_DNS_A), "no");
    ck_assert_str_eq(find(hosts, "b.example", XF_DNS_A), "no");
    ck_assert_str_eq(find(hosts, "c.example", XF_DNS_A), "c0000202");
    xf_dns_hosts_free(&hosts);
}
END_TEST

START_TEST(changed_file_is_read_again_after_a_minute)
{
    write_file("192.0.2.1 b.example\n");
    struct xf_dns_hosts *hosts = xf_dns_hosts_new(path, &test_clock);

    write_file("192.0.2.200 b.example\n");
    test_clock.now_ms += 59999;
    ck_assert_str_eq(find(hosts, "b.example", XF_DNS_A), "c0000201");
    test_clock.now_ms += 1;
    ck_assert_str_eq(find(hosts, "b.example", XF_DNS_A), "c00002c8");
    unlink(path);
    test_clock.now_ms += 60000;
    ck_assert_str_eq(find(hosts, "b.example", XF_DNS_A), "no");
    xf_dns_hosts_free(&hosts);
}
END_TEST

START_TEST(no_hosts_file_is_no_name)
{
    const char *const none[] = {"", NULL, "/nonexistent/hosts", "/tmp"};
    struct xf_dns_hosts *hosts = xf_dns_hosts_new(none[_i], &test_clock);

    ck_assert_str_eq(find(hosts, "localhost", XF_DNS_A), "no");
    xf_dns_hosts_free(&hosts);
}
END_TEST

static const struct {
    const char *label, *file, *want;
} confs[] = {
    {"one", "nameserver 127.0.0.1\n", "127.0.0.1:53"},
    {"order, v6, blanks", "search x\nnameserver\t 192.0.2.1 \nnameserver ::1\n",
     "192.0.2.1:53 [::1]:53"},
    {"comments", "# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nnameserver 192.0.2.1 # here\n",
     "192.0.2.1:53"},
    {"without newline", "nameserver 127.0.0.1", "127.0.0.1:53"},
    {"not an address", "nameserver dns.example\nnameserver 1.2.3\nnameserver\n", ""},
    {"other words", "nameservers 192.0.2.1\noptions timeout:1\n", ""},
    {"scope", "nameserver fe80::1%lo\n", "[fe80::1]:53"},
    {"scope that is none", "nameserver fe80::1%nosuchdevice\n", ""},
    {"no more than fit",
     "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
     "192.0.2.1:53 192.0.2.2:53 192.0.2.3:53"},
    {"empty", "", ""},
};

START_TEST(nameservers_are_read)
{
    struct xf_addr servers[3];
    char got[512] = "";

    write_file(confs[_i].file);
    size_t count = xf_dns_resolv_read(path, servers, 3);
    for (size_t i = 0; i < count; i++) {
        char text[XF_ADDR_TEXT_BYTES];
        xf_addr_text(&servers[i], text);
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "", text);
    }
    ck_assert_msg(strcmp(got, confs[_i].want) == 0, "%s: got '%s'", confs[_i].label, got);
    ck_assert_uint_eq(xf_dns_resolv_read("/nonexistent/resolv.conf", servers, 3), 0);
}
END_TEST

static const char *servers_text(const struct xf_dns_resolv *resolv)
{
    static char text[XF_DNS_SERVERS_TEXT_BYTES];

    xf_dns_servers_text(resolv->servers, resolv->count, text);
    return text;
}

static const struct {
    const char *label, *before, *after; /* NULL: there is no file */
    unsigned later_ms;
    bool is_reload, is_other;
    const char *want;
} changes[] = {
    {"too early", "nameserver 192.0.2.1\n", "nameserver 192.0.2.20\n", 59999, false, false,
     "192.0.2.1:53"},
    {"after a minute", "nameserver 192.0.2.1\n", "nameserver 192.0.2.20\n", 60000, false, true,
     "192.0.2.20:53"},
    {"by a reload", "nameserver 192.0.2.1\n", "nameserver 192.0.2.20\n", 0, true, true,
     "192.0.2.20:53"},
    {"one more", "nameserver 192.0.2.1\n", "nameserver 192.0.2.1\nnameserver ::1\n", 60000, false,
     true, "192.0.2.1:53 [::1]:53"},
    {"another order", "nameserver 192.0.2.1\nnameserver ::1\n",
     "nameserver ::1\nnameserver 192.0.2.1\n#\n", 60000, false, true, "[::1]:53 192.0.2.1:53"},
    {"another scope", "nameserver fe80::1%1\n", "nameserver fe80::1%22\n", 60000, false, true,
     "[fe80::1]:53"},
    {"other lines only", "nameserver 192.0.2.1\n", "search x\nnameserver 192.0.2.1\n", 60000, false,
     false, "192.0.2.1:53"},
    {"emptied", "nameserver 192.0.2.1\n", "", 60000, true, false, "192.0.2.1:53"},
    {"removed", "nameserver 192.0.2.1\n", NULL, 60000, true, false, "192.0.2.1:53"},
    {"empty at first", "", "nameserver 192.0.2.20\n", 1000, false, true, "192.0.2.20:53"},
    {"empty at first, too early", "", "nameserver 192.0.2.20\n", 999, false, false, "127.0.0.1:53"},
    {"missing at first", NULL, "nameserver 192.0.2.20\n", 1000, false, true, "192.0.2.20:53"},
    {"missing at first, then the default", NULL, "nameserver 127.0.0.1\n", 1000, false, false,
     "127.0.0.1:53"},
    {"missing all the time", NULL, NULL, 60000, true, false, "127.0.0.1:53"},
};

START_TEST(changed_servers_are_noticed)
{
    struct xf_dns_resolv resolv;

    if (changes[_i].before)
        write_file(changes[_i].before);
    else
        unlink(path);
    xf_dns_resolv_init(&resolv, path, &test_clock);
    ck_assert_msg(resolv.is_named == (changes[_i].before && *changes[_i].before), "%s",
                  changes[_i].label);
    if (changes[_i].after)
        write_file(changes[_i].after);
    else
        unlink(path);
    test_clock.now_ms += changes[_i].later_ms;
    ck_assert_msg(xf_dns_resolv_look(&resolv, changes[_i].is_reload) == changes[_i].is_other, "%s",
                  changes[_i].label);
    ck_assert_msg(strcmp(servers_text(&resolv), changes[_i].want) == 0, "%s: %s", changes[_i].label,
                  servers_text(&resolv));
    xf_dns_resolv_release(&resolv);
}
END_TEST

/* Moving to another network, and back. */
START_TEST(servers_change_again)
{
    struct xf_dns_resolv resolv;

    write_file("nameserver 192.0.2.1\n");
    xf_dns_resolv_init(&resolv, path, &test_clock);
    write_file("");
    ck_assert(!xf_dns_resolv_look(&resolv, true));
    write_file("nameserver 192.0.2.20\n");
    test_clock.now_ms += 60000;
    ck_assert(xf_dns_resolv_look(&resolv, false));
    ck_assert(!xf_dns_resolv_look(&resolv, true));
    write_file("nameserver 192.0.2.1\n");
    test_clock.now_ms += 60000;
    ck_assert(xf_dns_resolv_look(&resolv, false));
    ck_assert_str_eq(servers_text(&resolv), "192.0.2.1:53");
    xf_dns_resolv_release(&resolv);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns/files");
    TCase *tc = tcase_create("files");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, hosts_line_is_read, 0, XF_ARRAY_LEN(lines));
    tcase_add_test(tc, overlong_line_is_passed_over);
    tcase_add_test(tc, changed_file_is_read_again_after_a_minute);
    tcase_add_loop_test(tc, no_hosts_file_is_no_name, 0, 4);
    tcase_add_loop_test(tc, nameservers_are_read, 0, XF_ARRAY_LEN(confs));
    tcase_add_loop_test(tc, changed_servers_are_noticed, 0, XF_ARRAY_LEN(changes));
    tcase_add_test(tc, servers_change_again);
    suite_add_tcase(suite, tc);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
