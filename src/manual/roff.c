/* SPDX-License-Identifier: MIT */
/* roff.c — text for mdoc(7). */
#include "manual_priv.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <xfed/base/alloc.h>

#define COLUMNS 78

/* A hyphen of ours is a minus sign: people copy it from the page. Returns how much was written. */
static size_t put(char c, FILE *out)
{
    const char *escaped = c == '-' ? "\\-" : c == '\\' ? "\\e" : NULL;
    if (escaped)
        fputs(escaped, out);
    else
        fputc(c, out);
    return escaped ? 2 : 1;
}

static size_t put_span(const char *text, size_t len, FILE *out)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += put(text[i], out);
    return columns;
}

void xf_roff_words(const char *text, FILE *out)
{
    put_span(text, strlen(text), out);
}

static void put_lines(const char *text, FILE *out)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 2 * len > COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        if (column > 0)
            column += put(' ', out);
        else if (*text == '.' || *text == '\'')
            fputs("\\&", out); /* has no width; the word is no macro */
        column += put_span(text, len, out);
        bool ends_sentence = len > 0 && text[len - 1] == '.';
        text += len + (text[len] == ' ');
        if (ends_sentence && *text) {
            fputc('\n', out);
            column = 0;
        }
    }
}

void xf_roff_text(const char *text, FILE *out)
{
    put_lines(text, out);
    fputc('\n', out);
}

void xf_roff_sentence(const char *text, FILE *out)
{
    char *sentence = xf_strdup(text);
    sentence[0] = (char)toupper((unsigned char)sentence[0]);
    put_lines(sentence, out);
    fputs(".\n", out);
    xf_free(sentence);
}
