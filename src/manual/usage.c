/* SPDX-License-Identifier: MIT */
/* usage.c — the command lines of xfedd and xfedctl, from the tables of --help. */
#include "manual_priv.h"

#include <ctype.h>
#include <string.h>
#include <xfed/ctl/verbs.h>
#include <xfed/daemon/usage.h>

/* One argument: an option, a word in capitals that stands for another, or one to be typed. */
static void put_argument(const char *word, size_t len, FILE *out)
{
    const char *macro = word[0] == '-' ? "Fl" : isupper((unsigned char)word[0]) ? "Ar" : "Cm";
    fprintf(out, "%s ", macro);
    for (size_t i = word[0] == '-'; i < len; i++)
        if (word[i] == '|')
            fputs(" | ", out);
        else
            xf_roff_words((const char[]){word[i], '\0'}, out);
}

/* Write "-c FILE [--changed]" within a line of mdoc, `before` in front. */
static void put_arguments(const char *before, const char *words, FILE *out)
{
    while (*words) {
        size_t len = strcspn(words, " ");
        const char *word = words;
        size_t rest = len;
        fputs(before, out);
        before = " ";
        if (*word == '[') {
            fputs("Oo ", out);
            word++;
            rest--;
        }
        size_t closes = word[rest - 1] == ']';
        put_argument(word, rest - closes, out);
        if (closes)
            fputs(" Oc", out);
        words += len + (words[len] == ' ');
    }
}

void xf_manual_synopsis(FILE *out)
{
    for (const struct xf_usage_row *row = xf_usage_modes; row->words; row++) {
        fputs(".Nm\n", out);
        put_arguments(".", row->words, out);
        fputc('\n', out);
    }
}

void xf_manual_modes(FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    for (const struct xf_usage_row *row = xf_usage_modes; row->words; row++) {
        put_arguments(".It ", row->words, out);
        fputc('\n', out);
        xf_roff_sentence(row->help, out);
    }
    fputs(".El\n", out);
}

static void put_table(const struct xf_usage_row *rows, const char *width, FILE *out)
{
    fprintf(out, ".Bl -tag -width %s\n", width);
    for (const struct xf_usage_row *row = rows; row->words; row++) {
        fprintf(out, ".It %s\n", row->words);
        xf_roff_sentence(row->help, out);
    }
    fputs(".El\n", out);
}

void xf_manual_signals(FILE *out)
{
    put_table(xf_usage_signals, "TERM,INT", out);
}

void xf_manual_exits(FILE *out)
{
    put_table(xf_usage_exits, "Ds", out);
}

static void put_verb(void *owner, const char *name, const char *args, const char *help)
{
    FILE *out = owner;
    put_arguments(".It ", name, out);
    if (*args)
        put_arguments(" ", args, out);
    fputc('\n', out);
    xf_roff_sentence(help, out);
}

void xf_manual_verbs(FILE *out)
{
    fputs(".Bl -tag -width Ds\n", out);
    xf_ctl_each_verb(put_verb, out);
    fputs(".El\n", out);
}
