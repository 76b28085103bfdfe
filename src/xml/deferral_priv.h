/* SPDX-License-Identifier: MIT */
/*
 * deferral_priv.h — switch expat's reparse deferral off, where the library has one.
 *
 * The fix of CVE-2023-52425 lets a token that came in pieces lie until much more input follows.
 * Distributions brought it into versions that had no such function before, without a new version
 * number, so neither the header nor the library that we were built with says what the library at
 * run time does. The symbol is weak: its address is NULL where the library has none.
 */
#pragma once

#include <expat.h>

XMLPARSEAPI(XML_Bool)
XML_SetReparseDeferralEnabled(XML_Parser parser, XML_Bool enabled) __attribute__((weak));

/*
 * A parser that acts on each complete token at once. Who calls it bounds how often an unfinished
 * token is read again (token.c).
 */
static inline void xf_expat_defer_nothing(XML_Parser parser)
{
    if (XML_SetReparseDeferralEnabled)
        (void)XML_SetReparseDeferralEnabled(parser, XML_FALSE); /* fails without a parser only */
}
