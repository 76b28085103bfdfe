/* SPDX-License-Identifier: MIT */
/* What init takes for an answer, and what it refuses before it comes near a configuration. */
#include "setup_priv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *label;
    enum xf_init_answer which;
    const char *text;
    const char *want; /* the words, with a space between; NULL: refused */
} answers[] = {
    {"a domain", XF_INIT_DOMAIN, "example.org", "example.org"},
    {"is prepared", XF_INIT_DOMAIN, "EXAMPLE.org.", "example.org"},
    {"several", XF_INIT_DOMAIN, " a.example, b.example c.example,", "a.example b.example c.example"},
    {"one twice", XF_INIT_DOMAIN, "a.example a.example", "a.example"},
    {"no dot", XF_INIT_DOMAIN, "localhost", NULL},
    {"an address is no domain", XF_INIT_DOMAIN, "192.0.2.1", NULL},
    {"an address in brackets", XF_INIT_DOMAIN, "[2001:db8::1]", NULL},
    {"with dots, too", XF_INIT_DOMAIN, "[::ffff:192.0.2.1]", NULL},
    {"a user", XF_INIT_DOMAIN, "alice@example.org", NULL},
    {"a quote", XF_INIT_DOMAIN, "a.example\"", NULL},
    {"nothing", XF_INIT_DOMAIN, "", NULL},
    {"commas", XF_INIT_DOMAIN, " , ", NULL},
    {"none is a name where one is needed", XF_INIT_DOMAIN, "none", NULL},
    {"none", XF_INIT_ROOMS, "none", ""},
    {"a name that is a domain already", XF_INIT_ROOMS, "taken.example", NULL},
    {"a server", XF_INIT_SERVER, "ejabberd", "ejabberd"},
    {"another one", XF_INIT_SERVER, "openfire", NULL},
    {"two of them", XF_INIT_SERVER, "prosody ejabberd", NULL},
    {"a place", XF_INIT_SERVER_ADDRESS, "127.0.0.1:5347", "127.0.0.1:5347"},
    {"a place, IPv6", XF_INIT_SERVER_ADDRESS, "[::1]:5347", "[::1]:5347"},
    {"without a port", XF_INIT_SERVER_ADDRESS, "127.0.0.1", NULL},
    {"port 0", XF_INIT_SERVER_ADDRESS, "127.0.0.1:0", NULL},
    {"port 65536", XF_INIT_SERVER_ADDRESS, "127.0.0.1:65536", NULL},
    {"brackets around IPv4", XF_INIT_SERVER_ADDRESS, "[127.0.0.1]:5347", NULL},
    {"IPv6 without brackets", XF_INIT_SERVER_ADDRESS, "::1:5347", NULL},
    {"a host by name", XF_INIT_SERVER_ADDRESS, "localhost:5347", NULL},
    {"nothing in front of the port", XF_INIT_SERVER_ADDRESS, ":5347", NULL},
    {"half a bracket", XF_INIT_SERVER_ADDRESS, "[:5347", NULL},
    {"addresses", XF_INIT_ADDRESS, "192.0.2.1 2001:db8::1", "192.0.2.1 2001:db8::1"},
    {"an address that is none", XF_INIT_ADDRESS, "192.0.2.256", NULL},
    {"a request", XF_INIT_CERTIFICATE, "request", "request"},
    {"a file that is there", XF_INIT_CERTIFICATE, "/etc/passwd", "/etc/passwd"},
    {"a file that is not", XF_INIT_CERTIFICATE, "/nowhere/a.pem", NULL},
    {"a file from somewhere", XF_INIT_CERTIFICATE, "a.pem", NULL},
    {"a file whose name ends the text", XF_INIT_KEY, "/etc/passwd\" #", NULL},
    {"a file whose name is a variable", XF_INIT_KEY, "/etc/${HOME}", NULL},
    {"partners", XF_INIT_FEDERATION, "partners", "partners"},
    {"perhaps", XF_INIT_FEDERATION, "perhaps", NULL},
};
/* clang-format on */

START_TEST(an_answer_is)
{
    struct xf_init_answers all = {0};
    struct xf_error err = {0};
    char words[256] = "";
    xf_texts_add_new(&all.of[XF_INIT_PARTNER], "taken.example");
    enum xf_err result = xf_init_answer_set(&all, answers[_i].which, answers[_i].text, &err);
    ck_assert_msg((result == XF_ERR_OK) == (answers[_i].want != NULL), "%s: %s %s",
                  answers[_i].label, xf_err_text(result), err.detail);
    ck_assert_msg(all.is_given[answers[_i].which] == (result == XF_ERR_OK), "%s",
                  answers[_i].label);
    ck_assert_msg(result == XF_ERR_OK || strstr(err.detail, "expected"), "%s: %s",
                  answers[_i].label, err.detail);
    FILE *out = fmemopen(words, sizeof(words), "w");
    for (size_t i = 0; i < all.of[answers[_i].which].count; i++)
        fprintf(out, "%s%s", i ? " " : "", all.of[answers[_i].which].item[i]);
    fclose(out);
    ck_assert_msg(strcmp(words, answers[_i].want ? answers[_i].want : "") == 0, "%s: %s",
                  answers[_i].label, words);
    xf_init_answers_release(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("setup/answers");
    TCase *tc = tcase_create("answers");
    tcase_add_loop_test(tc, an_answer_is, 0, (int)XF_ARRAY_LEN(answers));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
