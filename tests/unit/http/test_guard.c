/* SPDX-License-Identifier: MIT */
/* test_guard.c — which requests are refused before anybody looks at what they ask for. */
#include <check.h>
#include <stdlib.h>

#include "http_priv.h"

#define V4 "127.0.0.1:9469"
#define V6 "[::1]:9469"

/* clang-format off */
static const struct {
    const char *label, *local, *method, *host, *origin, *site;
    size_t hosts;
    bool has_body;
    unsigned status;
} cases[] = {
    {"the address",                    V4, "GET",  "127.0.0.1:9469",   NULL, NULL, 1, false, 0},
    {"HEAD",                           V4, "HEAD", "127.0.0.1:9469",   NULL, NULL, 1, false, 0},
    {"without port",                   V4, "GET",  "127.0.0.1",        NULL, NULL, 1, false, 0},
    {"through a tunnel",               V4, "GET",  "localhost:8080",   NULL, NULL, 1, false, 0},
    {"letters of any case",            V4, "GET",  "LocalHost",        NULL, NULL, 1, false, 0},
    {"IPv6",                           V6, "GET",  "[::1]:9469",       NULL, NULL, 1, false, 0},
    {"a name of the configuration",    V4, "GET",  "metrics.example:9469", NULL, NULL, 1, false, 0},
    {"an IPv4 address mapped",         "[::ffff:127.0.0.1]:9469", "GET", "127.0.0.1", NULL, NULL, 1, false, 0},
    {"a rebound name",                 V4, "GET",  "evil.example:9469", NULL, NULL, 1, false, 421},
    {"another address",                V4, "GET",  "127.0.0.2:9469",   NULL, NULL, 1, false, 421},
    {"a name that begins like ours",   V4, "GET",  "localhost.evil.example", NULL, NULL, 1, false, 421},
    {"what looks like a port",         V4, "GET",  "localhost:80@evil.example", NULL, NULL, 1, false, 421},
    {"a name that ends like ours",     V4, "GET",  "evil-metrics.example", NULL, NULL, 1, false, 421},
    {"an address in another form",     V4, "GET",  "2130706433",       NULL, NULL, 1, false, 421},
    {"an empty Host",                  V4, "GET",  "",                 NULL, NULL, 1, false, 421},
    {"no Host",                        V4, "GET",  NULL,               NULL, NULL, 0, false, 400},
    {"two of them",                    V4, "GET",  "localhost",        NULL, NULL, 2, false, 400},
    {"our own page asks",              V4, "GET",  "localhost:9469",   "http://localhost:9469", "same-origin", 1, false, 0},
    {"typed into a browser",           V4, "GET",  "localhost:9469",   NULL, "none", 1, false, 0},
    {"another site asks",              V4, "GET",  "localhost:9469",   "http://evil.example", "cross-site", 1, false, 403},
    {"another port asks",              V4, "GET",  "localhost:9469",   "http://localhost:8080", NULL, 1, false, 403},
    {"a site that hides itself",       V4, "GET",  "localhost:9469",   "null", NULL, 1, false, 403},
    {"a link on another site",         V4, "GET",  "localhost:9469",   NULL, "cross-site", 1, false, 403},
    {"a site beside us",               V4, "GET",  "localhost:9469",   NULL, "same-site", 1, false, 403},
    {"POST",                           V4, "POST", "localhost:9469",   NULL, NULL, 1, true, 405},
    {"lower case",                     V4, "get",  "localhost:9469",   NULL, NULL, 1, false, 405},
    {"OPTIONS",                        V4, "OPTIONS", "localhost:9469", NULL, NULL, 1, false, 405},
    {"GET with a body",                V4, "GET",  "localhost:9469",   NULL, NULL, 1, true, 413},
};
/* clang-format on */

START_TEST(refuses)
{
    char *names[] = {(char[]){"metrics.example"}};
    const struct xf_texts hosts = {.item = names, .count = 1};
    struct xf_addr local;
    ck_assert_int_eq(xf_addr_parse(xf_span_of(cases[_i].local), 0, &local), XF_ERR_OK);
    const struct xf_http_heads heads = {.method = cases[_i].method,
                                        .host = cases[_i].host,
                                        .host_count = cases[_i].hosts,
                                        .origin = cases[_i].origin,
                                        .fetch_site = cases[_i].site,
                                        .length = cases[_i].has_body ? "2" : NULL};
    unsigned status = xf_http_guard(&heads, &local, &hosts);
    ck_assert_msg(status == cases[_i].status, "%s: %u", cases[_i].label, status);
}
END_TEST

/* Of a page that takes one. */
/* clang-format off */
static const struct {
    const char *label, *method, *origin, *length, *coding, *type;
    unsigned status;
} forms[] = {
    {"a form of our own page",      "POST", "http://localhost:9469", "1024", NULL, "application/x-www-form-urlencoded", 0},
    {"with a character set",        "POST", NULL, "0", NULL, "application/x-www-form-urlencoded; charset=utf-8", 0},
    {"a form of another site",      "POST", "http://evil.example", "5", NULL, "application/x-www-form-urlencoded", 403},
    {"a site that hides itself",    "POST", "null", "5", NULL, "application/x-www-form-urlencoded", 403},
    {"too long",                    "POST", NULL, "1025", NULL, "application/x-www-form-urlencoded", 413},
    {"far too long",                "POST", NULL, "99999999999999999999999", NULL, "application/x-www-form-urlencoded", 413},
    {"a length that is none",       "POST", NULL, "-1", NULL, "application/x-www-form-urlencoded", 413},
    {"without length",              "POST", NULL, NULL, NULL, "application/x-www-form-urlencoded", 411},
    {"in chunks",                   "POST", NULL, NULL, "chunked", "application/x-www-form-urlencoded", 411},
    {"a length, and chunks",        "POST", NULL, "5", "chunked", "application/x-www-form-urlencoded", 411},
    {"text, as a form may send it", "POST", NULL, "5", NULL, "text/plain", 415},
    {"no type",                     "POST", NULL, "5", NULL, NULL, 415},
    {"GET shows the page",          "GET",  NULL, NULL, NULL, NULL, 0},
    {"GET has no body",             "GET",  NULL, "5", NULL, "application/x-www-form-urlencoded", 413},
    {"PUT",                         "PUT",  NULL, "5", NULL, "application/x-www-form-urlencoded", 405},
};
/* clang-format on */

START_TEST(takes_forms)
{
    const struct xf_texts hosts = {0};
    struct xf_addr local;
    ck_assert_int_eq(xf_addr_parse(xf_span_of(V4), 0, &local), XF_ERR_OK);
    const struct xf_http_heads heads = {.method = forms[_i].method,
                                        .host = "localhost:9469",
                                        .host_count = 1,
                                        .origin = forms[_i].origin,
                                        .length = forms[_i].length,
                                        .coding = forms[_i].coding,
                                        .type = forms[_i].type,
                                        .takes_form = true};
    unsigned status = xf_http_guard(&heads, &local, &hosts);
    ck_assert_msg(status == forms[_i].status, "%s: %u", forms[_i].label, status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http/guard");
    TCase *tc = tcase_create("guard");
    tcase_add_loop_test(tc, refuses, 0, XF_ARRAY_LEN(cases));
    tcase_add_loop_test(tc, takes_forms, 0, XF_ARRAY_LEN(forms));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
