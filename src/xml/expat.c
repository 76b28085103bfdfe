/* SPDX-License-Identifier: MIT */
/* expat.c — the settings of expat that the reader and documents share. */
#include "expat_priv.h"

#include <string.h>

#include <xfed/base/span.h>

#include "deferral_priv.h"

XML_Parser xf_expat_new(void)
{
    XML_Parser parser = XML_ParserCreate("UTF-8");

    if (parser)
        xf_expat_defer_nothing(parser);
    return parser;
}

/*
 * XML begins with '<', or with white space when it has no declaration; expat checks the rest. A NUL
 * in second place is UTF-16.
 */
bool xf_expat_may_begin(const char *bytes, size_t len, size_t offset)
{
    for (size_t i = 0; i < len && offset + i < 2; i++) {
        if (bytes[i] == '\0' || (offset + i == 0 && !memchr("< \n\t\r", bytes[i], 5)))
            return false;
    }
    return true;
}

enum xf_expat_declaration xf_expat_judge_declaration(const XML_Char *version,
                                                     const XML_Char *encoding)
{
    if (version && strcmp(version, "1.0") != 0)
        return XF_EXPAT_DECLARATION_VERSION;
    if (encoding && !xf_span_eq_nocase(xf_span_of(encoding), XF_SPAN("UTF-8")))
        return XF_EXPAT_DECLARATION_ENCODING;
    return XF_EXPAT_DECLARATION_GOOD;
}
