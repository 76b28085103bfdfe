/* SPDX-License-Identifier: MIT */
/*
 * spell.c — "did you mean": finds the nearest of a list of words, by optimal string alignment
 * distance (insert, delete, replace, swap of two neighbours), so that `tlss`, `dailback` and
 * `max_stanza` find what was meant.
 */
#include "conf_priv.h"

#include <string.h>

#define WORD_MAX 63

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned xf_spell_distance(const char *a, const char *b, unsigned limit)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t apart = a_len > b_len ? a_len - b_len : b_len - a_len;
    if (a_len > WORD_MAX || b_len > WORD_MAX || apart > limit)
        return limit + 1;

    unsigned rows[3][WORD_MAX + 1]; /* distances of the last two prefixes of `a` and of this one */
    for (unsigned j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3], *up = rows[(i - 1) % 3], *upper = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], upper[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *xf_spell_nearest(const char *word, const char *const *words, size_t count)
{
    unsigned limit = strlen(word) < 5 ? 1 : strlen(word) < 9 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = xf_spell_distance(word, words[i], limit);
        if (distance <= limit) {
            nearest = words[i];
            limit = distance ? distance - 1 : 0;
        }
        if (distance == 0)
            break;
    }
    return nearest;
}
