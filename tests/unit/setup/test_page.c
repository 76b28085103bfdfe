/* SPDX-License-Identifier: MIT */
/* A partner's page, as it should be and as nobody should send it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xfed/base/alloc.h>
#include <xfed/setup/setup.h>

#define TITLE   "# XMPP federation between p.example and a.example\n"
#define DOMAINS "## Our domains\n| domain | for |\n| --- | --- |\n"
#define SERVERS                                                                                 \
    "## Our servers\n| host | addresses | port for STARTTLS | port for TLS at once |\n| --- | " \
    "--- | --- | --- |\n"
#define KEYS    "## Our certificates\n| domain | key |\n| --- | --- |\n"
#define ROW     "| p.example | users |\n"
#define HEX     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define HEAD    "# From the page of p.example, read by xfedctl partner.\n"
#define PEER(n) "peer \"" n "\" {\n    tls         = required\n"
#define PINS(p) "    certificate = required\n    pins        = {" p "}\n"
#define NO_KEY                                                                                   \
    "    # Their page has no key: this section demands no certificate. Ask them before you use " \
    "it.\n"
#define PIN(h) "\"sha256:" h "\""

/* clang-format off */
static const struct {
    const char *label, *page;
    bool with_route;
    enum xf_err result;
    const char *want; /* the sections, or a part of the error */
} pages[] = {
    {"names alone", TITLE DOMAINS ROW, true, XF_ERR_OK, HEAD PEER("p.example") NO_KEY "}\n"},
    {"a key", TITLE DOMAINS ROW "\n" KEYS "| p.example | `" HEX "` |\n", false, XF_ERR_OK, HEAD PEER("p.example") PINS(PIN(HEX)) "}\n"},
    {"CR LF, and blanks around", TITLE "## Our domains\r\n| domain | for |\r\n| --- | --- |\r\n  |  p.example  | users |  \r\n", false, XF_ERR_OK,
     HEAD PEER("p.example") NO_KEY "}\n"},
    {"a page without a last newline", TITLE DOMAINS "| p.example | users |", false, XF_ERR_OK, HEAD PEER("p.example") NO_KEY "}\n"},
    {"digits in capitals", TITLE DOMAINS ROW KEYS "| P.Example | `" "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef" "` |\n", false,
     XF_ERR_OK, HEAD PEER("p.example") PINS(PIN(HEX)) "}\n"},
    {"rooms have the domain's key", TITLE DOMAINS ROW "| rooms.p.example | chat |\n" KEYS "| p.example | `" HEX "` |\n", false, XF_ERR_OK,
     HEAD PEER("p.example") PINS(PIN(HEX)) "}\n" PEER("rooms.p.example") PINS(PIN(HEX)) "}\n"},
    {"or their own", TITLE DOMAINS ROW "| rooms.p.example | chat |\n" KEYS "| rooms.p.example | `" HEX2 "` |\n| p.example | `" HEX "` |\n", false,
     XF_ERR_OK, HEAD PEER("p.example") PINS(PIN(HEX)) "}\n" PEER("rooms.p.example") PINS(PIN(HEX2)) "}\n"},
    {"two keys", TITLE DOMAINS ROW KEYS "| p.example | `" HEX "` |\n| p.example | `" HEX2 "` |\n", false, XF_ERR_OK,
     HEAD PEER("p.example") PINS(PIN(HEX) ", " PIN(HEX2)) "}\n"},
    {"servers", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1, 2001:db8::1 | 5269 | - |\n", true, XF_ERR_OK,
     HEAD PEER("p.example") NO_KEY "    route       = {\"192.0.2.1:5269\", \"[2001:db8::1]:5269\"}\n}\n"},
    {"servers, unless asked", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1 | 5269 | - |\n", false, XF_ERR_OK, HEAD PEER("p.example") NO_KEY "}\n"},
    {"other sections", TITLE "## To test it\n| what | is this |\n| x\n" DOMAINS ROW "## More\n|||||||\n", false, XF_ERR_OK, HEAD PEER("p.example") NO_KEY "}\n"},
    /* nobody vouches for others */
    {"a third party", TITLE DOMAINS ROW "| bank.example | users |\n" KEYS "| bank.example | `" HEX "` |\n", false, XF_ERR_OK,
     HEAD PEER("p.example") NO_KEY "}\n"},
    {"one whose name ends like theirs", TITLE DOMAINS ROW "| notp.example | users |\n", false, XF_ERR_OK, HEAD PEER("p.example") NO_KEY "}\n"},
    {"the suffix", TITLE DOMAINS ROW "| example | users |\n", false, XF_ERR_OK, HEAD PEER("p.example") NO_KEY "}\n"},
    {"somebody else's page", "# XMPP federation between q.example and a.example\n" DOMAINS "| q.example | users |\n", false, XF_ERR_NOT_FOUND,
     "does not have p.example"},
    /* nothing becomes configuration */
    {"a quote in a name", TITLE DOMAINS "| p.example\" { tls = none } peer \"q.example | users |\n", false, XF_ERR_BAD_VALUE, "line 5"},
    {"a brace in a name", TITLE DOMAINS "| p.example} | users |\n", false, XF_ERR_BAD_VALUE, "line 5"},
    {"a CR in a name", TITLE DOMAINS "| p.example\rinclude | users |\n", false, XF_ERR_BAD_VALUE, "line 5"},
    {"no UTF-8", TITLE DOMAINS "| \xff.p.example | users |\n", false, XF_ERR_BAD_VALUE, "line 5"},
    {"a short key", TITLE DOMAINS ROW KEYS "| p.example | `0123` |\n", false, XF_ERR_BAD_VALUE, "64 hex digits"},
    {"a key that ends early", TITLE DOMAINS ROW KEYS "| p.example | `0123456789abcdef0123456789abcdef\"}\n    tls = none #0123456789abcdef0123` |\n", false,
     XF_ERR_BAD_VALUE, "line 9"},
    {"a key with a quote", TITLE DOMAINS ROW KEYS "| p.example | `0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\"}` |\n", false,
     XF_ERR_BAD_VALUE, "64 hex digits"},
    {"a port beyond", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1 | 70000 | - |\n", true, XF_ERR_BAD_VALUE, "a port"},
    {"a port of words", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1 | 5269\"} | - |\n", true, XF_ERR_BAD_VALUE, "a port"},
    {"our loopback", TITLE DOMAINS ROW SERVERS "| x.p.example | 127.0.0.1 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"the same, mapped", TITLE DOMAINS ROW SERVERS "| x.p.example | ::ffff:127.0.0.1 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"the same of IPv6", TITLE DOMAINS ROW SERVERS "| x.p.example | ::1 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"any address", TITLE DOMAINS ROW SERVERS "| x.p.example | 0.0.0.0 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"any of IPv6", TITLE DOMAINS ROW SERVERS "| x.p.example | :: | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"a link", TITLE DOMAINS ROW SERVERS "| x.p.example | 169.254.169.254 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"a link of IPv6", TITLE DOMAINS ROW SERVERS "| x.p.example | fe80::1 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"a group", TITLE DOMAINS ROW SERVERS "| x.p.example | 224.0.0.1 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"a group of IPv6", TITLE DOMAINS ROW SERVERS "| x.p.example | ff02::1 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "addresses of servers"},
    {"an address of words", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1\", x | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "IP addresses"},
    {"an empty address", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1,, 192.0.2.2 | 5269 | - |\n", true, XF_ERR_BAD_VALUE, "IP addresses"},
    {"a long address", TITLE DOMAINS ROW SERVERS "| x.p.example | 192.0.2.1111111111111111111111111111111111111111111111 | 5269 | - |\n", true,
     XF_ERR_BAD_VALUE, "IP addresses"},
    /* what is no page */
    {"nothing", "", false, XF_ERR_NOT_FOUND, "p.example"},
    {"a mail around it", "Dear operator\n" TITLE DOMAINS ROW, false, XF_ERR_BAD_VALUE, "from its first line on"},
    {"a page of SIP", "# SIP federation between p.example and a.example\n" DOMAINS ROW, false, XF_ERR_BAD_VALUE, "of one of SIP write the section by hand"},
    {"too few columns", TITLE DOMAINS "| p.example |\n", false, XF_ERR_BAD_VALUE, "as many columns"},
    {"too many columns", TITLE DOMAINS "| p.example | a | b | c | d | e |\n", false, XF_ERR_BAD_VALUE, "as many columns"},
    {"a row without an end", TITLE DOMAINS "| p.example | users\n", false, XF_ERR_BAD_VALUE, "as many columns"},
};
/* clang-format on */

/* Read `len` bytes. The caller frees what comes. */
static enum xf_err read_page(const char *text, size_t len, bool with_route, char **out_sections,
                             struct xf_error *err)
{
    struct xf_buf out;
    xf_buf_init(&out, 1u << 20);
    FILE *page = len ? fmemopen((char *)(uintptr_t)text, len, "r") : fopen("/dev/null", "r");
    enum xf_err result = xf_setup_read_page(page, "p.example", with_route, &out, err);
    fclose(page);
    *out_sections = xf_span_dup(xf_buf_span(&out));
    xf_buf_release(&out);
    return result;
}

START_TEST(a_page_becomes)
{
    struct xf_error err = {0};
    char *sections = NULL;
    enum xf_err result =
        read_page(pages[_i].page, strlen(pages[_i].page), pages[_i].with_route, &sections, &err);
    ck_assert_msg(result == pages[_i].result, "%s: %s, %s", pages[_i].label, xf_err_text(result),
                  err.detail);
    if (result == XF_ERR_OK)
        ck_assert_msg(strcmp(sections, pages[_i].want) == 0, "%s:\n%s", pages[_i].label, sections);
    else
        ck_assert_msg(!*sections && strstr(err.detail, pages[_i].want), "%s: %s", pages[_i].label,
                      err.detail);
    xf_free(sections);
}
END_TEST

static const struct {
    const char *label, *head, *row;
    unsigned count;
    enum xf_err result;
} limits[] = {
    {"domains", TITLE DOMAINS ROW, "| d%u.p.example | chat |\n", XF_PAGE_MAX_DOMAINS - 1,
     XF_ERR_OK},
    {"a domain more", TITLE DOMAINS ROW, "| d%u.p.example | chat |\n", XF_PAGE_MAX_DOMAINS,
     XF_ERR_LIMIT},
    {"keys", TITLE DOMAINS ROW KEYS, "| d%u.p.example | `" HEX "` |\n", XF_PAGE_MAX_KEYS,
     XF_ERR_OK},
    {"a key more", TITLE DOMAINS ROW KEYS, "| d%u.p.example | `" HEX "` |\n", XF_PAGE_MAX_KEYS + 1,
     XF_ERR_LIMIT},
    {"addresses", TITLE DOMAINS ROW SERVERS, "| x.p.example | 192.0.2.%u | 5269 | - |\n",
     XF_PAGE_MAX_ROUTES, XF_ERR_OK},
    {"an address more", TITLE DOMAINS ROW SERVERS, "| x.p.example | 192.0.2.%u | 5269 | - |\n",
     XF_PAGE_MAX_ROUTES + 1, XF_ERR_LIMIT},
    {"a page that is too large", TITLE DOMAINS ROW, "a line of text that says nothing, %u\n", 2000,
     XF_ERR_LIMIT},
};

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

START_TEST(a_page_has_limits)
{
    size_t len = 0;
    char *text = NULL, *sections = NULL;
    FILE *page = open_memstream(&text, &len);
    fputs(limits[_i].head, page);
    for (unsigned i = 0; i < limits[_i].count; i++)
        fprintf(page, limits[_i].row, i);
    fclose(page);
    enum xf_err result = read_page(text, len, true, &sections, NULL);
    ck_assert_msg(result == limits[_i].result, "%s: %s", limits[_i].label, xf_err_text(result));
    ck_assert_msg(result == XF_ERR_OK || !*sections, "%s", limits[_i].label);
    xf_free(sections);
    free(text);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    static const char nul[] = TITLE DOMAINS ROW "\0" KEYS;
    char *sections = NULL, *line = xf_alloc(2000);
    ck_assert_int_eq(read_page(nul, sizeof(nul) - 1, false, &sections, NULL), XF_ERR_BAD_VALUE);
    xf_free(sections);
    memset(line, 'x', 1999);
    memcpy(line, TITLE, strlen(TITLE));
    ck_assert_int_eq(read_page(line, 1999, false, &sections, NULL), XF_ERR_LIMIT);
    xf_free(sections);
    xf_free(line);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setup/page");
    TCase *tc = tcase_create("page");
    tcase_add_loop_test(tc, a_page_becomes, 0, (int)XF_ARRAY_LEN(pages));
    tcase_add_loop_test(tc, a_page_has_limits, 0, (int)XF_ARRAY_LEN(limits));
    tcase_add_test(tc, bytes_that_are_no_text_are_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
