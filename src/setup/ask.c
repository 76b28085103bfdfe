/* SPDX-License-Identifier: MIT */
/* ask.c — the options of init, and its questions on the terminal. */
#include "setup_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xfed/base/alloc.h>

#define LINE_BYTES 2048
#define TRIES      10 /* of one question: something that is no person types */

/* ------------------------------------------------------------------ options */

void xf_init_usage(FILE *out)
{
    fputs("usage: xfedctl init [OPTION...]\n\n"
          "Writes a first configuration. It asks for what no option says.\n\n",
          out);
    for (size_t i = 0; i < XF_INIT_COUNT; i++) {
        const struct xf_init_question *question = &xf_init_questions[i];
        fprintf(out, "  --%s %s%s\n        %s\n", question->option, question->value,
                question->is_list ? "  (several: again, or with commas)" : "", question->text);
    }
    fprintf(out, "  --folder FOLDER  where the files go; " XF_SETUP_FOLDER " without it\n"
                 "  --yes            ask nothing: what no option says is as usual\n"
                 "  --force          replace files that exist; they are kept as NAME.old\n"
                 "  --xfedd PROGRAM  checks what is written; " XFEDD_PROGRAM " without it\n");
}

static bool complain(const char *what, const char *word)
{
    fprintf(stderr, "xfedctl init: %s%s: xfedctl init --help says what there is\n", what, word);
    return false;
}

static bool explain(const struct xf_init_question *question, const struct xf_error *err)
{
    fprintf(stderr, "xfedctl init: --%s: %s\n", question->option, err->detail);
    return false;
}

/* "--domain a --domain b" is "--domain a,b". */
static bool take_answer(struct xf_init_answers *answers, enum xf_init_answer which,
                        const char *value)
{
    struct xf_error err = {0};
    struct xf_texts before = answers->of[which];
    const struct xf_init_question *question = &xf_init_questions[which];
    answers->of[which] = (struct xf_texts){0};
    enum xf_err result = xf_init_answer_set(answers, which, value, &err);
    for (size_t i = 0; question->is_list && result == XF_ERR_OK && i < answers->of[which].count;
         i++)
        xf_texts_add_new(&before, answers->of[which].item[i]);
    if (question->is_list) {
        xf_texts_release(&answers->of[which]);
        answers->of[which] = before;
    } else {
        xf_texts_release(&before);
    }
    return result == XF_ERR_OK || explain(question, &err);
}

static bool find_question(const char *option, enum xf_init_answer *out_which)
{
    for (size_t i = 0; i < XF_INIT_COUNT; i++)
        if (strcmp(option, xf_init_questions[i].option) == 0) {
            *out_which = (enum xf_init_answer)i;
            return true;
        }
    return false;
}

bool xf_init_options_take(int argc, char **argv, struct xf_init_options *out,
                          struct xf_init_answers *answers)
{
    *out = (struct xf_init_options){.folder = XF_SETUP_FOLDER, .xfedd = XFEDD_PROGRAM};
    for (int i = 0; i < argc; i++) {
        enum xf_init_answer which = XF_INIT_COUNT;
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--yes") == 0 || strcmp(argv[i], "--force") == 0) {
            *(argv[i][2] == 'y' ? &out->is_quiet : &out->is_forced) = true;
            continue;
        }
        bool is_folder = strcmp(argv[i], "--folder") == 0;
        bool is_program = strcmp(argv[i], "--xfedd") == 0;
        if (!is_folder && !is_program &&
            (strncmp(argv[i], "--", 2) != 0 || !find_question(argv[i] + 2, &which)))
            return complain("there is no option ", argv[i]);
        if (!value || !*value)
            return complain("nothing stands behind ", argv[i]);
        i++;
        if (is_folder)
            out->folder = value;
        else if (is_program)
            out->xfedd = value;
        else if (!take_answer(answers, which, value))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ questions */

/* A line without its end; false: the input has ended, or the line is too long. */
static bool read_line(char line[LINE_BYTES])
{
    if (!fgets(line, LINE_BYTES, stdin))
        return false;
    size_t len = strcspn(line, "\n");
    if (line[len] != '\n')
        return false;
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
        len--;
    line[len] = '\0';
    return true;
}

static bool ask_one(struct xf_init_answers *answers, enum xf_init_answer which)
{
    const struct xf_init_question *question = &xf_init_questions[which];
    char *usual = question->usual ? question->usual(answers) : NULL;
    char line[LINE_BYTES];
    bool is_taken = false;
    for (int i = 0; i < TRIES && !is_taken; i++) {
        struct xf_error err = {0};
        printf("%s%s%s%s: ", question->text, usual ? " [" : "", usual ? usual : "",
               usual ? "]" : "");
        fflush(stdout);
        if (!read_line(line))
            break;
        const char *text = line + strspn(line, " \t");
        is_taken =
            xf_init_answer_set(answers, which, *text || !usual ? text : usual, &err) == XF_ERR_OK;
        if (!is_taken)
            printf("  %s\n", err.detail);
    }
    if (!is_taken)
        fputs("\nxfedctl init: no answer: nothing is written\n", stderr);
    xf_free(usual);
    return is_taken;
}

static bool take_usual(struct xf_init_answers *answers, enum xf_init_answer which)
{
    const struct xf_init_question *question = &xf_init_questions[which];
    char *usual = question->usual ? question->usual(answers) : NULL;
    struct xf_error err = {0};
    bool is_taken = usual && xf_init_answer_set(answers, which, usual, &err) == XF_ERR_OK;
    if (!is_taken && usual)
        explain(question, &err);
    else if (!is_taken)
        fprintf(stderr, "xfedctl init: --%s %s is needed: %s\n", question->option, question->value,
                question->text);
    xf_free(usual);
    return is_taken;
}

bool xf_init_ask(const struct xf_init_options *options, struct xf_init_answers *answers)
{
    if (!options->is_quiet && !isatty(STDIN_FILENO))
        return complain("its questions need a terminal", "; without one give --yes and options");
    for (size_t i = 0; i < XF_INIT_COUNT; i++) {
        enum xf_init_answer which = (enum xf_init_answer)i;
        if (answers->is_given[i] ||
            (xf_init_questions[i].is_needed && !xf_init_questions[i].is_needed(answers)))
            continue;
        if (!(options->is_quiet ? take_usual : ask_one)(answers, which))
            return false;
    }
    return true;
}
