/* SPDX-License-Identifier: MIT */
/* test_uri.c — which URIs of PostgreSQL are accepted, and what libpq is given for them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "postgres_priv.h"

static const struct row {
    const char *uri, *words; /* NULL: accepted */
} rows[] = {
    {"postgresql://192.0.2.7/xfedd", NULL},
    {"postgres://xfedd@192.0.2.7:5433/x?sslmode=verify-full&sslrootcert=/etc/xfedd/ca.pem", NULL},
    {"postgresql://[2001:db8::1]:5433/xfedd", NULL},
    {"postgresql:///xfedd?host=/run/postgresql", NULL},
    {"postgresql://%2Frun%2Fpostgresql/xfedd", NULL},
    {"postgresql://db.example/xfedd?hostaddr=192.0.2.7", NULL},
    {"postgresql://192.0.2.7,192.0.2.8/xfedd?target_session_attrs=read-write", NULL},
    {"postgresql://db1.example,db2.example/xfedd?hostaddr=192.0.2.7,192.0.2.8", NULL},
    {"", "does not begin with postgresql://"},
    {"mysql://192.0.2.7/xfedd", "does not begin with postgresql://"},
    {"host=192.0.2.7 dbname=xfedd", "does not begin with postgresql://"},
    {"postgresql://192.0.2.7/xfedd?nonsense=1", "nonsense"},
    {"postgresql://192.0.2.7:x:y/", "is not a port"},
    {"postgresql://192.0.2.7:70000/", "is not a port"},
    {"postgresql://[2001:db8::1/xfedd", "expected postgresql://"},
    {"postgresql:///xfedd", "names no server"},
    {"postgresql://db.example/xfedd", "db.example: is a name"},
    {"postgresql://192.0.2.7,db.example/xfedd", "db.example: is a name"},
    {"postgresql://db.example/xfedd?hostaddr=db.example", "not an IP address"},
    {"postgresql://a.example,b.example/x?hostaddr=192.0.2.7", "differ in number"},
    {"postgresql://xfedd:secret@192.0.2.7/xfedd", "memory { password-file }"},
    {"postgresql://192.0.2.7/xfedd?passfile=/etc/x", "memory { password-file }"},
    {"postgresql://192.0.2.7/xfedd?sslpassword=x", "without password"},
    {"postgresql://192.0.2.7/xfedd?service=x", "into the URI"},
    {"postgresql://192.0.2.7/xfedd?sslmode=verify-full", "sslrootcert=FILE"},
    {"postgresql://192.0.2.7/xfedd?gssencmode=prefer", "sslmode"},
    {"postgresql://192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5,192.0.2.6,192.0.2.7,192.0.2.8,"
     "192.0.2.9/x",
     "at most 8"},
};

START_TEST(what_is_accepted)
{
    const struct row *row = &rows[_i];
    struct xf_error err = {0};
    enum xf_err result = xf_history_uri_check(row->uri, &err);
    ck_assert_msg((result == XF_ERR_OK) == !row->words, "%s: %s", row->uri, err.detail);
    ck_assert_msg(!row->words || strstr(err.detail, row->words), "%s: %s", row->uri, err.detail);
    ck_assert_msg(!strstr(err.detail, "secret"), "%s: the message has the secret", row->uri);
}
END_TEST

/* The last one counts, as for libpq. */
static const char *value_of(const struct xf_pg_params *params, const char *keyword)
{
    const char *value = NULL;
    for (size_t i = 0; i < params->count; i++)
        if (strcmp(params->keywords[i], keyword) == 0)
            value = params->values[i];
    return value;
}

START_TEST(what_libpq_is_given)
{
    static const struct {
        const char *uri;
        size_t server;
        const char *host, *hostaddr, *port, *user, *dbname;
    } wanted[] = {
        {"postgresql://192.0.2.7", 0, "192.0.2.7", "192.0.2.7", NULL, "xfedd", "xfedd"},
        {"postgresql://u@192.0.2.7:99/d", 0, "192.0.2.7", "192.0.2.7", "99", "u", "d"},
        {"postgresql:///d?host=/run/x", 0, "/run/x", NULL, NULL, "xfedd", "d"},
        {"postgresql://a.example:1,b.example:2/d?hostaddr=192.0.2.7,192.0.2.8", 1, "b.example",
         "192.0.2.8", "2", "xfedd", "d"},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(wanted); i++) {
        struct xf_pg_uri uri;
        struct xf_pg_params params;
        ck_assert_int_eq(xf_pg_uri_parse(wanted[i].uri, &uri, NULL), XF_ERR_OK);
        xf_pg_uri_params(&uri, wanted[i].server, "pass", "xfedd a", &params);
        ck_assert_pstr_eq(value_of(&params, "host"), wanted[i].host);
        ck_assert_pstr_eq(value_of(&params, "hostaddr"), wanted[i].hostaddr);
        ck_assert_pstr_eq(value_of(&params, "port"), wanted[i].port);
        ck_assert_pstr_eq(value_of(&params, "user"), wanted[i].user);
        ck_assert_pstr_eq(value_of(&params, "dbname"), wanted[i].dbname);
        ck_assert_pstr_eq(value_of(&params, "password"), "pass");
        ck_assert_pstr_eq(value_of(&params, "gssencmode"), "disable");
        ck_assert_pstr_eq(value_of(&params, "sslkey"),
                          "/dev/null/none"); /* not in the home folder */
        xf_pg_uri_release(&uri);
    }
}
END_TEST

START_TEST(what_the_sandbox_needs)
{
    struct xf_texts files = {0};
    xf_history_uri_files("postgresql://192.0.2.7/x?sslrootcert=/etc/ca.pem&sslkey=/etc/k.pem",
                         &files);
    ck_assert_uint_eq(files.count, 2);
    ck_assert(xf_texts_has(&files, "/etc/ca.pem") && xf_texts_has(&files, "/etc/k.pem"));
    xf_texts_release(&files);
    ck_assert(xf_history_uri_is_local("postgresql:///x?host=/run/postgresql"));
    ck_assert(!xf_history_uri_is_local("postgresql://192.0.2.7/x"));
    ck_assert(!xf_history_uri_is_local("postgresql://db.example/x?hostaddr=192.0.2.7"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history/uri");
    TCase *tcase = tcase_create("uri");
    tcase_add_loop_test(tcase, what_is_accepted, 0, (int)XF_ARRAY_LEN(rows));
    tcase_add_test(tcase, what_libpq_is_given);
    tcase_add_test(tcase, what_the_sandbox_needs);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
