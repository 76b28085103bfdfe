/* SPDX-License-Identifier: MIT */
/* text.c — texts of strangers, for people. */
#include "ctl_priv.h"

#include <string.h>

#include <xfed/base/utf8.h>

void xf_ctl_print_text(const char *text, FILE *out)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t left = strlen(text); left > 0;) {
        size_t shown = xf_utf8_shown(p, left), len = shown ? shown : xf_utf8_unshown(p, left);
        if (shown)
            fwrite(p, 1, len, out);
        for (size_t i = 0; i < len && !shown; i++)
            fprintf(out, "\\x%02x", p[i]);
        p += len;
        left -= len;
    }
}

size_t xf_ctl_width(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t width = 0;
    for (size_t left = strlen(text); left > 0;) {
        size_t shown = xf_utf8_shown(p, left), len = shown ? shown : xf_utf8_unshown(p, left);
        width += shown ? 1 : 4 * len;
        p += len;
        left -= len;
    }
    return width;
}
