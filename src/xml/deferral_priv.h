/* SPDX-License-Identifier: MIT */
/*
 * deferral_priv.h — switches off expat's reparse deferral, if the library has it.
 *
 * With the fix for CVE-2023-52425, expat leaves a token that arrived in pieces unparsed until much
 * more input follows. Distributions added the fix, and the function that controls it, to older
 * versions of expat without a new version number. So neither the header nor the library that we
 * were built with tells what the library at run time does. The symbol is therefore weak: its
 * address is NULL if the library lacks the function.
 */
#pragma once

#include <expat.h>

XMLPARSEAPI(XML_Bool)
XML_SetReparseDeferralEnabled(XML_Parser parser, XML_Bool enabled) __attribute__((weak));

/*
 * Make the parser handle each complete token at once. The caller must bound how often an unfinished
 * token is scanned again (token.c).
 */
static inline void xf_expat_defer_nothing(XML_Parser parser)
{
    if (XML_SetReparseDeferralEnabled)
        (void)XML_SetReparseDeferralEnabled(parser, XML_FALSE); /* fails only for a NULL parser */
}
