/* SPDX-License-Identifier: MIT */
/*
 * expat_priv.h — what holds for all XML that strangers send, in streams (reader.c) and in whole
 * documents (document.c): XML 1.0 in UTF-8, and nothing that expat would do on its own with it.
 *
 * Both also refuse a DOCTYPE, and so every entity but the five of XML itself. Both check the bytes
 * as UTF-8 before expat sees them.
 */
#pragma once

#include <expat.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A parser without namespace processing (prefix.c does that) which handles each complete token at
 * once. NULL: expat has no memory for it.
 */
XML_Parser xf_expat_new(void);

/*
 * May XML in UTF-8 begin with these bytes, which stand at `offset` of the input? expat would take a
 * byte order mark, and UTF-16, whatever encoding it is told.
 */
bool xf_expat_may_begin(const char *bytes, size_t len, size_t offset);

enum xf_expat_declaration {
    XF_EXPAT_DECLARATION_GOOD,
    XF_EXPAT_DECLARATION_VERSION,  /* not XML 1.0 */
    XF_EXPAT_DECLARATION_ENCODING, /* not UTF-8 */
};

/* Judge `<?xml version="" encoding=""?>`; the arguments are as expat gives them, NULL: absent. */
enum xf_expat_declaration xf_expat_judge_declaration(const XML_Char *version,
                                                     const XML_Char *encoding);
