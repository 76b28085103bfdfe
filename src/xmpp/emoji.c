/* SPDX-License-Identifier: MIT */
/*
 * emoji.c — domains with emoji in them.
 *
 * IDNA2008 forbids symbols, but some registries sell such names, and existing servers accept them
 * by IDNA2003. We accept only emoji, since many other symbols look like a dot or a slash. Code
 * points that were not assigned when IDNA2003 was made (Unicode 3.2) pass, as most emoji are newer;
 * joiners and variation selectors are dropped, as stringprep does.
 */
#include "jid_priv.h"

#include <string.h>

#include <idn-free.h>
#include <idna.h>
#include <unictype.h>
#include <unistr.h>

static bool is_emoji(ucs4_t c)
{
    return c >= 0x80 && uc_is_property_emoji(c);
}

/* May this character occur in a name with emoji, before and after preparation? */
static bool may_stand_beside(ucs4_t c)
{
    bool is_dot = c == 0x3002 || c == 0xFF0E || c == 0xFF61;
    bool is_dropped = c == 0x200D || c == 0xFE0F;

    return c < 0x80 || is_dot || is_dropped || uc_is_general_category(c, UC_CATEGORY_L) ||
           uc_is_general_category(c, UC_CATEGORY_M) || uc_is_general_category(c, UC_CATEGORY_N);
}

static bool is_emoji_name(const char *name)
{
    const uint8_t *rest = (const uint8_t *)name;
    bool has_emoji = false;
    ucs4_t c;

    while ((rest = u8_next(&c, rest))) {
        has_emoji |= is_emoji(c);
        if (!is_emoji(c) && !may_stand_beside(c))
            return false;
    }
    return has_emoji;
}

static bool take(char *text, size_t max, char *out)
{
    size_t len = text ? strlen(text) : 0;
    bool fits = len > 0 && len <= max;

    if (fits)
        memcpy(out, text, len + 1);
    idn_free(text);
    return fits;
}

bool xf_emoji_encode(const char *name, char *out, size_t max)
{
    char *ascii = NULL;

    return is_emoji_name(name) &&
           idna_to_ascii_8z(name, &ascii, IDNA_ALLOW_UNASSIGNED) == IDNA_SUCCESS &&
           take(ascii, max, out);
}

bool xf_emoji_decode(const char *name, char *out, size_t max)
{
    char *unicode = NULL;

    return idna_to_unicode_8z8z(name, &unicode, IDNA_ALLOW_UNASSIGNED) == IDNA_SUCCESS &&
           take(unicode, max, out) && is_emoji_name(out);
}
