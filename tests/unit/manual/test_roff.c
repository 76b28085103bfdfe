/* SPDX-License-Identifier: MIT */
#include "manual_priv.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <xfed/base/err.h>

static const struct {
    const char *label;
    void (*write)(const char *text, FILE *out);
    const char *text, *want;
} cases[] = {
    {"words", xf_roff_words, "s2s", "s2s"},
    {"a hyphen that can be copied", xf_roff_words, "max-stanza", "max\\-stanza"},
    {"a backslash", xf_roff_words, "a\\b", "a\\eb"},
    {"a sentence", xf_roff_text, "Of us.", "Of us.\n"},
    {"sentences on lines of their own", xf_roff_text, "One. Two.", "One.\nTwo.\n"},
    {"a full stop within a word", xf_roff_text, "In a.b c.", "In a.b c.\n"},
    {"what roff would take for a macro", xf_roff_text, ".pem files", "\\&.pem files\n"},
    {"the same behind a sentence", xf_roff_text, "Or. 'x' too", "Or.\n\\&'x' too\n"},
    {"a long line is broken", xf_roff_text,
     "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789",
     "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\n0123456789 0123456789\n"},
    {"help of a table", xf_roff_sentence, "print this", "Print this.\n"},
};

START_TEST(writes)
{
    char *got = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&got, &len);
    ck_assert_ptr_nonnull(out);
    cases[_i].write(cases[_i].text, out);
    fclose(out);
    ck_assert_msg(strcmp(got, cases[_i].want) == 0, "%s: got \"%s\", want \"%s\"", cases[_i].label,
                  got, cases[_i].want);
    free(got);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("manual/roff");
    TCase *tc = tcase_create("roff");
    tcase_add_loop_test(tc, writes, 0, XF_ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
