/* SPDX-License-Identifier: MIT */
/*
 * test_profile.c — what each profile means for a peer, what is stronger and weaker than it, and
 * where xfedd says that a value comes from.
 */
#include "folder.h"

#include <check.h>
#include <xfed/base/alloc.h>
#include <xfed/base/buf.h>
#include <xfed/conf/conf.h>

#define BASE                                                                               \
    "link \"l\" { nodes = {\"127.0.0.1:5347\"} name = gw.example secret-file = secret }\n" \
    "served \"a.example\" { link = l certificate = c.pem key = c.key }\n"                  \
    "dialback { secret-file = secret }\n"
#define OWN_LINE 4 /* of the first line behind it */

static struct folder folder;

static void make_files(void)
{
    folder_make(&folder);
    folder_put_text(&folder, "secret", "a secret of sixteen bytes and more\n");
    folder_put_text(&folder, "ca.pem", "");
}

static void remove_files(void)
{
    folder_remove(&folder);
}

static struct xf_conf *load_text(const char *label, const char *text)
{
    char path[128], *messages = NULL;
    struct xf_conf *conf = NULL;
    folder_put_text(&folder, "conf", text);
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    ck_assert_msg(xf_conf_load(path, &conf, &messages) == XF_ERR_OK, "%s: %s", label,
                  messages ? messages : "no message");
    xf_free(messages);
    return conf;
}

static struct xf_conf *load(const char *label, const char *rest)
{
    char *text = xf_asprintf(BASE "%s", rest);
    struct xf_conf *conf = load_text(label, text);
    xf_free(text);
    return conf;
}

/* ---- one setting of a peer, and all of them as lines */

struct wanted {
    const char *key;
    char value[200], section[64];
    int line;
    bool by_profile, was_found;
};

static void on_setting(void *owner, const char *key, struct xf_span value,
                       const struct xf_conf_origin *origin)
{
    struct wanted *wanted = owner;
    if (strcmp(key, wanted->key) != 0)
        return;
    ck_assert_msg(!wanted->was_found, "%s comes twice", key);
    wanted->was_found = true;
    snprintf(wanted->value, sizeof(wanted->value), "%.*s", XF_SPAN_ARGS(value));
    snprintf(wanted->section, sizeof(wanted->section), "%s",
             origin->section ? origin->section : "");
    wanted->line = origin->line;
    wanted->by_profile = origin->by_profile;
    ck_assert_msg((origin->section == NULL) == (origin->place == NULL),
                  "%s: a section without a place, or a place without one", key);
}

static struct wanted setting_of(const struct xf_conf *conf, const char *peer, const char *key)
{
    struct wanted wanted = {.key = key};
    xf_conf_each_setting(conf, xf_span_of(peer), on_setting, &wanted);
    ck_assert_msg(wanted.was_found, "%s does not come", key);
    return wanted;
}

static void on_line(void *owner, const char *key, struct xf_span value,
                    const struct xf_conf_origin *origin)
{
    (void)origin;
    xf_buf_appendf(owner, "%s = %.*s\n", key, XF_SPAN_ARGS(value));
}

/* All settings of the peer; to be freed. */
static char *all_of(const struct xf_conf *conf, const char *peer)
{
    struct xf_buf buf;
    xf_buf_init(&buf, 1u << 20);
    xf_conf_each_setting(conf, xf_span_of(peer), on_line, &buf);
    char *text = xf_span_dup(xf_buf_span(&buf));
    xf_buf_release(&buf);
    return text;
}

/* ------------------------------------------------------------------ what each profile says */

/* clang-format off */
static const char *const keys[] = {"tls", "certificate", "sasl-in", "sasl-out", "dialback", "dialback-by-certificate",
                                   "direct-tls", "legacy", "bidi", "multiplex", "dane", "downgrade"};
static const struct {
    const char *profile;
    const char *values[XF_ARRAY_LEN(keys)];
} table[] = { /*           tls         certificate   sasl  sasl   dialb. by-c.  direct legacy bidi   mult. dane   downgrade */
    {"public",   {"required", "preferred", "yes", "yes", "yes", "yes", "yes", "yes", "yes", "no", "yes", "alarm"}},
    {"imp",      {"required", "preferred", "yes", "yes", "yes", "yes", "no",  "no",  "no",  "no", "yes", "alarm"}},
    {"webex",    {"optional", "ignore",    "no",  "no",  "yes", "no",  "no",  "yes", "no",  "no", "no",  "allow"}},
    {"sametime", {"required", "required",  "yes", "yes", "no",  "no",  "no",  "no",  "no",  "no", "yes", "alarm"}},
    {"legacy",   {"none",     "ignore",    "no",  "no",  "yes", "no",  "no",  "yes", "no",  "no", "no",  "allow"}},
};
/* clang-format on */

START_TEST(profile_means)
{
    char *text = xf_asprintf("peer \"x.example\" { profile = %s }\n", table[_i].profile);
    struct xf_conf *conf = load(table[_i].profile, text);
    ck_assert_str_eq(setting_of(conf, "x.example", "profile").value, table[_i].profile);
    for (size_t k = 0; k < XF_ARRAY_LEN(keys); k++) {
        struct wanted got = setting_of(conf, "x.example", keys[k]);
        ck_assert_msg(strcmp(got.value, table[_i].values[k]) == 0, "%s: %s is %s",
                      table[_i].profile, keys[k], got.value);
    }
    xf_conf_free(&conf);
    xf_free(text);
}
END_TEST

/* By number, name and source, as explain and the documentation have them. */
START_TEST(every_profile_has_a_name_and_a_source)
{
    ck_assert_uint_eq(XF_ARRAY_LEN(table), XF_PROFILE_COUNT);
    ck_assert_str_eq(xf_conf_profile_name((enum xf_profile)_i), table[_i].profile);
    ck_assert_uint_gt(strlen(xf_conf_profile_source((enum xf_profile)_i)), 10);
}
END_TEST

START_TEST(public_is_what_holds_by_itself)
{
    struct xf_conf *conf = load("public", "peer \"x.example\" { profile = public }\n");
    char *with = all_of(conf, "x.example"), *without = all_of(conf, "other.example");
    ck_assert_str_eq(with, without);
    xf_free(with);
    xf_free(without);
    xf_conf_free(&conf);
}
END_TEST

/* ------------------------------------------------------------------ who is stronger */

/* clang-format off */
static const struct {
    const char *label, *text, *peer, *key;
    const char *value, *section;
    int line;
    bool by_profile;
} rows[] = {
    {"nothing is written", "", "x.example", "tls", "required", "", 0, false},
    {"a profile is at the line that names it", "peer \"x.example\" {\n  max-streams = 5\n  profile = webex\n}\n",
     "x.example", "tls", "optional", "x.example", OWN_LINE + 2, true},
    {"what it does not name is as before", "peer \"x.example\" { profile = webex }\n", "x.example", "max-streams", "64", "", 0, false},
    {"the section's own word is stronger, wherever it stands", "peer \"x.example\" {\n  tls = required\n  profile = webex\n}\n",
     "x.example", "tls", "required", "x.example", OWN_LINE + 1, false},
    {"... behind it too", "peer \"x.example\" {\n  profile = webex\n  tls = required\n}\n",
     "x.example", "tls", "required", "x.example", OWN_LINE + 2, false},
    {"... and the rest of the profile stays", "peer \"x.example\" {\n  profile = webex\n  tls = required\n}\n",
     "x.example", "certificate", "ignore", "x.example", OWN_LINE + 1, true},
    {"a profile is stronger than what defaults say", "defaults { certificate = required }\npeer \"x.example\" {\n profile = webex }\n",
     "x.example", "certificate", "ignore", "x.example", OWN_LINE + 2, true},
    {"... but not about what it does not name", "defaults {\n max-stanza = 64k }\npeer \"x.example\" { profile = webex }\n",
     "x.example", "max-stanza", "64k", "defaults", OWN_LINE + 1, false},
    {"a profile of the defaults", "defaults {\n profile = imp }\n", "x.example", "bidi", "no", "defaults", OWN_LINE + 1, true},
    {"... below their own word", "defaults { profile = imp\n bidi = yes }\n", "x.example", "bidi", "yes", "defaults", OWN_LINE + 1, false},
    {"... below a section without a profile", "defaults { profile = imp }\npeer \"x.example\" {\n bidi = yes }\n",
     "x.example", "bidi", "yes", "x.example", OWN_LINE + 2, false},
    {"... for one peer the built-in ones again", "defaults { profile = legacy }\npeer \"x.example\" { profile = public }\n",
     "x.example", "tls", "required", "x.example", OWN_LINE + 1, true},
    {"a pattern's profile", "peer \"*.example\" { profile = webex }\n", "x.example", "tls", "optional", "*.example", OWN_LINE, true},
    {"... covers the suffix itself", "peer \"*.example\" { profile = webex }\n", "example", "tls", "optional", "*.example", OWN_LINE, true},
    {"... is stronger than a shorter pattern's own word",
     "peer \"*.example\" { certificate = required }\npeer \"*.x.example\" { profile = webex }\n", "a.x.example", "certificate", "ignore",
     "*.x.example", OWN_LINE + 1, true},
    {"... whatever the order in the file",
     "peer \"*.x.example\" { profile = webex }\npeer \"*.example\" { certificate = required }\n", "a.x.example", "certificate", "ignore",
     "*.x.example", OWN_LINE, true},
    {"a more exact section's own word is stronger than a pattern's profile",
     "peer \"*.example\" { profile = webex }\npeer \"x.example\" { tls = required }\n", "x.example", "tls", "required", "x.example",
     OWN_LINE + 1, false},
    {"... and the rest of the pattern's profile stays",
     "peer \"*.example\" { profile = webex }\npeer \"x.example\" { tls = required }\n", "x.example", "certificate", "ignore", "*.example",
     OWN_LINE, true},
    {"a more exact section's profile is stronger than a pattern's",
     "peer \"*.example\" { profile = webex }\npeer \"x.example\" { profile = sametime }\n", "x.example", "certificate", "required",
     "x.example", OWN_LINE + 1, true},
    {"... but not about what only the weaker one names",
     "peer \"*.example\" { profile = webex }\npeer \"x.example\" { profile = sametime }\n", "x.example", "dane", "no", "*.example",
     OWN_LINE, true},
    {"other peers of the pattern keep it", "peer \"*.example\" { profile = webex }\npeer \"x.example\" { profile = sametime }\n",
     "y.example", "certificate", "ignore", "*.example", OWN_LINE, true},
    {"a word of the section that is the profile's too is its own", "peer \"x.example\" {\n profile = webex\n tls = optional }\n",
     "x.example", "tls", "optional", "x.example", OWN_LINE + 2, false},
};
/* clang-format on */

START_TEST(is_resolved)
{
    struct xf_conf *conf = load(rows[_i].label, rows[_i].text);
    struct wanted got = setting_of(conf, rows[_i].peer, rows[_i].key);
    ck_assert_msg(strcmp(got.value, rows[_i].value) == 0, "%s: %s", rows[_i].label, got.value);
    ck_assert_msg(strcmp(got.section, rows[_i].section) == 0, "%s: by \"%s\"", rows[_i].label,
                  got.section);
    ck_assert_msg(got.line == rows[_i].line, "%s: line %d", rows[_i].label, got.line);
    ck_assert_msg(got.by_profile == rows[_i].by_profile, "%s: by its profile: %d", rows[_i].label,
                  got.by_profile);
    xf_conf_free(&conf);
}
END_TEST

/* What each_setting tells is what is in force. */
START_TEST(each_setting_tells_what_is_in_force)
{
    struct xf_conf *conf = load(rows[_i].label, rows[_i].text);
    struct xf_peer_settings settings;
    xf_conf_peer_settings(conf, xf_span_of(rows[_i].peer), &settings);
    static const char *const tls[] = {"none", "optional", "required"}, *const certificate[] = {
                                                                           "ignore", "preferred",
                                                                           "required"};
    ck_assert_str_eq(setting_of(conf, rows[_i].peer, "tls").value, tls[settings.tls]);
    ck_assert_str_eq(setting_of(conf, rows[_i].peer, "certificate").value,
                     certificate[settings.certificate]);
    ck_assert_str_eq(setting_of(conf, rows[_i].peer, "profile").value,
                     xf_conf_profile_name(settings.profile));
    ck_assert_str_eq(setting_of(conf, rows[_i].peer, "dane").value, settings.dane ? "yes" : "no");
    xf_conf_free(&conf);
}
END_TEST

/* ------------------------------------------------------------------ dump and reload */

static char *dump(const struct xf_conf *conf)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    xf_conf_dump(conf, XF_DUMP_ALL, out);
    fclose(out);
    return text;
}

static const char *const asked[] = {"x.example", "y.example", "a.x.example", "example",
                                    "elsewhere.test"};

/*
 * A configuration that was dumped holds for every peer what the first one did; and a dump of it is
 * the same.
 */
START_TEST(dump_loads_to_the_same_effect)
{
    struct xf_conf *conf = load(rows[_i].label, rows[_i].text);
    char *before[XF_ARRAY_LEN(asked)], *text = dump(conf);
    for (size_t i = 0; i < XF_ARRAY_LEN(asked); i++)
        before[i] = all_of(conf, asked[i]);
    struct xf_conf *again = load_text(rows[_i].label, text);
    for (size_t i = 0; i < XF_ARRAY_LEN(asked); i++) {
        char *after = all_of(again, asked[i]);
        ck_assert_msg(strcmp(before[i], after) == 0, "%s: of %s:\n%s\nbefore:\n%s", rows[_i].label,
                      asked[i], after, before[i]);
        xf_free(before[i]);
        xf_free(after);
    }
    char *second = dump(again);
    ck_assert_msg(strcmp(text, second) == 0, "%s: dumped again:\n%s\nnot:\n%s", rows[_i].label,
                  second, text);
    free(text); /* open_memstream's own */
    free(second);
    xf_conf_free(&again);
    xf_conf_free(&conf);
}
END_TEST

START_TEST(a_reload_with_another_profile_holds)
{
    char path[128], *messages = NULL;
    struct xf_conf *running = load("running", "peer \"x.example\" { profile = webex }\n"),
                   *next = NULL;
    snprintf(path, sizeof(path), "%s/conf", folder.path);
    folder_put_text(&folder, "conf", BASE "peer \"x.example\" { profile = sametime }\n");
    ck_assert_int_eq(xf_conf_reload(path, running, running, &next, &messages), XF_ERR_OK);
    ck_assert_str_eq(setting_of(next, "x.example", "certificate").value, "required");
    ck_assert_str_eq(setting_of(running, "x.example", "certificate").value, "ignore");
    char words[200];
    ck_assert(!xf_conf_needs_restart(running, next, words, sizeof(words)));
    xf_free(messages);
    xf_conf_free(&next);
    xf_conf_free(&running);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf/profile");
    TCase *tc = tcase_create("profile");
    tcase_add_checked_fixture(tc, make_files, remove_files);
    tcase_add_loop_test(tc, profile_means, 0, XF_ARRAY_LEN(table));
    tcase_add_loop_test(tc, every_profile_has_a_name_and_a_source, 0, XF_ARRAY_LEN(table));
    tcase_add_test(tc, public_is_what_holds_by_itself);
    tcase_add_loop_test(tc, is_resolved, 0, XF_ARRAY_LEN(rows));
    tcase_add_loop_test(tc, each_setting_tells_what_is_in_force, 0, XF_ARRAY_LEN(rows));
    tcase_add_loop_test(tc, dump_loads_to_the_same_effect, 0, XF_ARRAY_LEN(rows));
    tcase_add_test(tc, a_reload_with_another_profile_holds);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
