/* SPDX-License-Identifier: MIT */
/*
 * position_priv.h — where the parser is in its input. expat 2.9 has 64-bit functions for that and
 * deprecates the others, which are the only ones of older versions (Debian 12). meson.build finds
 * out which there are.
 */
#pragma once

#include <expat.h>
#include <stdint.h>

/* Of the current event; -1: nothing was reported yet. */
static inline int64_t xf_expat_byte_index(XML_Parser parser)
{
#ifdef XF_EXPAT_HAS_64
    return XML_GetCurrentByteIndex64(parser);
#else
    return XML_GetCurrentByteIndex(parser);
#endif
}

/* Of the current event. */
static inline size_t xf_expat_byte_count(XML_Parser parser)
{
#ifdef XF_EXPAT_HAS_64
    return XML_GetCurrentByteCount64(parser);
#else
    return (size_t)XML_GetCurrentByteCount(parser);
#endif
}
