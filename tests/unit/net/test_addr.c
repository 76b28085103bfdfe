/* SPDX-License-Identifier: MIT */
/* test_addr.c — addresses from text and back. */
#include <check.h>
#include <stdlib.h>

#include <xfed/net/addr.h>

/* clang-format off */
static const struct {
    const char *label, *in;
    uint16_t default_port;
    enum xf_err want;
    const char *text, *host;
    bool is_loopback;
} rows[] = {
    {"v4 with port", "127.0.0.1:53", 0, XF_ERR_OK, "127.0.0.1:53", "127.0.0.1", true},
    {"v4 with the port that is not the default", "192.0.2.7:1", 5269, XF_ERR_OK, "192.0.2.7:1", "192.0.2.7", false},
    {"v4 without port", "192.0.2.7", 5269, XF_ERR_OK, "192.0.2.7:5269", "192.0.2.7", false},
    {"v4 without any port", "192.0.2.7", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"v6 with port", "[::1]:53", 0, XF_ERR_OK, "[::1]:53", "::1", true},
    {"v6 in brackets without port", "[2001:db8::1]", 5269, XF_ERR_OK, "[2001:db8::1]:5269", "2001:db8::1", false},
    {"bare v6", "2001:db8::1", 5269, XF_ERR_OK, "[2001:db8::1]:5269", "2001:db8::1", false},
    {"bare v6 has no port of its own", "2001:db8::1", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"wildcard", "[::]:5269", 0, XF_ERR_OK, "[::]:5269", "::", false},
    {"mapped v4 is v4", "[::ffff:127.1.2.3]:1", 0, XF_ERR_OK, "127.1.2.3:1", "127.1.2.3", true},
    {"port 65535", "192.0.2.7:65535", 0, XF_ERR_OK, "192.0.2.7:65535", "192.0.2.7", false},
    {"port 0 is any port", "127.0.0.1:0", 0, XF_ERR_OK, "127.0.0.1:0", "127.0.0.1", true},
    {"port 65536", "192.0.2.7:65536", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"port of six digits", "192.0.2.7:000053", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"port with a sign", "192.0.2.7:+53", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"empty port", "192.0.2.7:", 5269, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"empty v6 port", "[::1]:", 5269, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"junk behind the bracket", "[::1]x53", 5269, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"bracket not closed", "[::1", 5269, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"v4 in brackets", "[127.0.0.1]:53", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"scope", "[fe80::1%lo]:53", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"a name", "localhost:53", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"empty", "", 53, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"only a colon", ":", 53, XF_ERR_BAD_VALUE, NULL, NULL, false},
    {"too long", "1111111111111111111111111111111111111111111111111111111111111:1", 0, XF_ERR_BAD_VALUE, NULL, NULL, false},
};
/* clang-format on */

START_TEST(parses_and_prints)
{
    struct xf_addr addr, again;
    char text[XF_ADDR_TEXT_BYTES];

    enum xf_err got = xf_addr_parse(xf_span_of(rows[_i].in), rows[_i].default_port, &addr);
    ck_assert_msg(got == rows[_i].want, "%s: %d", rows[_i].label, got);
    if (got != XF_ERR_OK)
        return;
    xf_addr_text(&addr, text);
    ck_assert_msg(strcmp(text, rows[_i].text) == 0, "%s: %s", rows[_i].label, text);
    ck_assert_int_eq(xf_addr_parse(xf_span_of(text), 0, &again), XF_ERR_OK);
    ck_assert_msg(xf_addr_eq(&addr, &again), "%s: text does not lead back", rows[_i].label);
    xf_addr_host_text(&addr, text);
    ck_assert_msg(strcmp(text, rows[_i].host) == 0, "%s: host %s", rows[_i].label, text);
    ck_assert_msg(xf_addr_is_loopback(&addr) == rows[_i].is_loopback, "%s: loopback",
                  rows[_i].label);
}
END_TEST

START_TEST(differs_by_port_bytes_and_family)
{
    static const uint8_t v4[4] = {127, 0, 0, 1}, v4b[4] = {127, 0, 0, 2}, v6[16] = {[15] = 1};
    struct xf_addr a = xf_addr_from_v4(v4, 1), b = xf_addr_from_v4(v4, 2);
    struct xf_addr c = xf_addr_from_v4(v4b, 1), d = xf_addr_from_v6(v6, 1);

    ck_assert(xf_addr_eq(&a, &a) && xf_addr_eq(&d, &d));
    ck_assert(!xf_addr_eq(&a, &b) && !xf_addr_eq(&a, &c) && !xf_addr_eq(&a, &d));
    ck_assert_uint_eq(xf_addr_port(&b), 2);
    ck_assert_uint_eq(xf_addr_port(&d), 1);
}
END_TEST

START_TEST(prints_the_longest_address)
{
    struct xf_addr addr;
    char text[XF_ADDR_TEXT_BYTES];

    ck_assert_int_eq(
        xf_addr_parse(XF_SPAN("[1111:2222:3333:4444:5555:6666:7777:8888]:65535"), 0, &addr),
        XF_ERR_OK);
    xf_addr_text(&addr, text);
    ck_assert_str_eq(text, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}
END_TEST

static const struct {
    const char *in, *network;
} networks[] = {
    {"192.0.2.77:1", "192.0.2.0/24"},
    {"255.255.255.255:1", "255.255.255.0/24"},
    {"[::ffff:192.0.2.77]:1", "192.0.2.0/24"}, /* from a listener on [::] */
    {"[2001:db8:7:ffff:1::9]:1", "2001:db8:7::/48"},
    {"[2001:db8:7::]:1", "2001:db8:7::/48"},
    {"[2001:db8:8::]:1", "2001:db8:8::/48"},
    {"[::1]:1", "::/48"},
};

START_TEST(names_the_network)
{
    struct xf_addr addr;
    char text[XF_ADDR_TEXT_BYTES];

    ck_assert_int_eq(xf_addr_parse(xf_span_of(networks[_i].in), 0, &addr), XF_ERR_OK);
    xf_addr_network_text(&addr, text);
    ck_assert_str_eq(text, networks[_i].network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/addr");
    TCase *tc = tcase_create("addr");

    tcase_add_loop_test(tc, parses_and_prints, 0, XF_ARRAY_LEN(rows));
    tcase_add_test(tc, differs_by_port_bytes_and_family);
    tcase_add_test(tc, prints_the_longest_address);
    tcase_add_loop_test(tc, names_the_network, 0, XF_ARRAY_LEN(networks));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
