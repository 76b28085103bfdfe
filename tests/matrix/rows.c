/* SPDX-License-Identifier: MIT */
/*
 * rows.c — read the table. Its header line must be the one we know, each line have nine words that
 * we know: a file that changed under us is an error and no shorter test.
 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#include <xfed/base/alloc.h>

#define HEADER                                                                                   \
    "init_tls,init_cert,init_dialback,init_strict,recv_tls,recv_cert,recv_dialback,recv_strict," \
    "outcome"
#define FIELDS 9

static const char *const tls_words[] = {"disabled", "optional", "required", NULL};
static const char *const cert_words[] = {"missing", "invalid", "valid", NULL};
static const char *const switch_words[] = {"0", "1", NULL};
static const char *const outcome_words[] = {"none", "plain+dialback", "tls+dialback",
                                            "tls+external", NULL};

const char *outcome_word(enum outcome outcome)
{
    return outcome_words[outcome];
}

void side_text(const struct side *side, char *out, size_t out_bytes)
{
    (void)snprintf(out, out_bytes, "%s,%s,%d,%d", tls_words[side->tls], cert_words[side->cert],
                   side->dialback, side->strict);
}

/* The index of the word; -1 when it is none of them. */
static int index_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

static bool read_row(char *text, struct row *row)
{
    static const char *const *const kinds[FIELDS] = {tls_words,    cert_words,   switch_words,
                                                     switch_words, tls_words,    cert_words,
                                                     switch_words, switch_words, outcome_words};
    int value[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        const char *word = strsep(&text, ",");
        value[i] = word ? index_of(word, kinds[i]) : -1;
        if (value[i] < 0)
            return false;
    }
    row->initiator =
        (struct side){(enum side_tls)value[0], (enum side_cert)value[1], value[2], value[3]};
    row->receiver =
        (struct side){(enum side_tls)value[4], (enum side_cert)value[5], value[6], value[7]};
    row->outcome = (enum outcome)value[8];
    return text == NULL;
}

static bool read_lines(FILE *in, struct rows *rows, int *out_line)
{
    char text[200];
    *out_line = 1;
    if (!fgets(text, sizeof(text), in) || strncmp(text, HEADER, strlen(HEADER)) != 0)
        return false;
    while (fgets(text, sizeof(text), in)) {
        text[strcspn(text, "\r\n")] = '\0';
        rows->items = xf_realloc(rows->items, (rows->count + 1) * sizeof(*rows->items));
        struct row *row = &rows->items[rows->count++];
        row->line = ++*out_line;
        if (!read_row(text, row))
            return false;
    }
    return true;
}

bool rows_load(const char *file, struct rows *out_rows, char **out_why)
{
    int line;
    FILE *in = fopen(file, "re");
    *out_rows = (struct rows){0};
    if (!in) {
        *out_why = xf_asprintf("%s: cannot be read", file);
        return false;
    }
    bool is_good = read_lines(in, out_rows, &line);
    (void)fclose(in);
    if (!is_good)
        *out_why = xf_asprintf("%s:%d: not a line of the table: expected " HEADER, file, line);
    return is_good;
}

void rows_free(struct rows *rows)
{
    xf_free(rows->items);
    *rows = (struct rows){0};
}
