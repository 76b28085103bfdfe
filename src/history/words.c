/* SPDX-License-Identifier: MIT */
/*
 * words.c — the words that stand for values of the history in logs and in both stores, and keys in
 * hex. Parsing is strict: a row of a store that somebody edited is skipped, not guessed at.
 */
#include "history_priv.h"

#include <stdio.h>
#include <string.h>

static const char *const way_words[] = {"out", "in", "auto"};
static const char *const auth_words[] = {"dialback-clear", "dialback-tls", "external"};
static const char *const ground_words[] = {"none", "ca", "dane", "pin"};
static const char *const change_words[] = {
#define X(name, word) word,
    XF_HISTORY_CHANGE_MAP(X)
#undef X
};

const char *xf_history_way_word(enum xf_history_way way)
{
    return way_words[way];
}

const char *xf_history_auth_word(enum xf_history_auth auth)
{
    return auth_words[auth];
}

const char *xf_history_ground_word(enum xf_history_ground ground)
{
    return ground_words[ground];
}

const char *xf_history_change_word(enum xf_history_change change)
{
    return change_words[change];
}

static bool find_word(const char *text, const char *const *words, size_t count, size_t *out_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

bool xf_history_way_parse(const char *text, enum xf_history_way *out)
{
    size_t i;
    if (!find_word(text, way_words, XF_ARRAY_LEN(way_words), &i))
        return false;
    *out = (enum xf_history_way)i;
    return true;
}

bool xf_history_auth_parse(const char *text, enum xf_history_auth *out)
{
    size_t i;
    if (!find_word(text, auth_words, XF_ARRAY_LEN(auth_words), &i))
        return false;
    *out = (enum xf_history_auth)i;
    return true;
}

bool xf_history_ground_parse(const char *text, enum xf_history_ground *out)
{
    size_t i;
    if (!find_word(text, ground_words, XF_ARRAY_LEN(ground_words), &i))
        return false;
    *out = (enum xf_history_ground)i;
    return true;
}

bool xf_history_change_parse(const char *text, enum xf_history_change *out)
{
    size_t i;
    if (!find_word(text, change_words, XF_ARRAY_LEN(change_words), &i))
        return false;
    *out = (enum xf_history_change)i;
    return true;
}

void xf_history_spki_hex(const uint8_t spki_sha256[XF_HISTORY_SPKI_BYTES],
                         char out[XF_HISTORY_SPKI_HEX_CHARS + 1])
{
    for (size_t i = 0; i < XF_HISTORY_SPKI_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", spki_sha256[i]);
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool xf_history_spki_parse(const char *hex, uint8_t out[XF_HISTORY_SPKI_BYTES])
{
    if (strlen(hex) != XF_HISTORY_SPKI_HEX_CHARS)
        return false;
    for (size_t i = 0; i < XF_HISTORY_SPKI_BYTES; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
