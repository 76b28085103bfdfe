/* SPDX-License-Identifier: MIT */
/*
 * prep.c — local parts by nodeprep (RFC 6122 appendix A), resources as OpaqueString (RFC 8265
 * section 4.2).
 *
 * Our own table handles ASCII, where the profiles only require lower case (local parts) and forbid
 * some characters. For all other text we check the result of the library against the same table, so
 * that normalisation cannot produce a '@' or a '/' (from U+FF20, U+2100, ...).
 *
 * Local parts: existing servers compare by nodeprep (libidn), which knows Unicode 3.2. Like them we
 * let code points pass that were assigned since; unassigned ones are refused (RFC 8264 section
 * 9.10).
 *
 * Resources: letters, marks, digits, punctuation and symbols pass, in any direction (stringprep had
 * a rule about right-to-left text that clients do not know); spaces of all kinds become U+0020, and
 * the result is NFC. Where the RFC is stricter than existing servers, we do what they do, or a nick
 * that both servers accept could not pass between them:
 * - its contextual rules and exceptions (a middle dot, a tatweel) do not apply;
 * - what stringprep maps to nothing (RFC 3454 table B.1: an emoji's variation selector) is dropped,
 *   except the joiners of Persian and Hindi;
 * - letters and marks that nobody sees pass (fillers of Hangul: U+115F, U+1160, U+3164, U+FFA0);
 * - unassigned code points pass, which RFC 8264 section 9.10 disallows: they may well be assigned
 *   for both ends, such as an emoji newer than our library. It knows no mapping of them, so they
 *   stay as they are.
 *
 * The maximum of 1023 bytes applies after preparation (RFC 7622 section 3.3.1), so a raw part may
 * be longer; XF_JID_MAX limits it, and with it the work. libidn reads beyond the end of invalid
 * UTF-8 (CVE-2015-2059): the reader has checked the text already, and since this is not the hot
 * path, we check again.
 */
#include "jid_priv.h"

#include <string.h>

#include <stringprep.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <xfed/base/utf8.h>

static enum xf_err copy_part(struct xf_span part, char *out, size_t *out_len)
{
    if (part.len == 0 || part.len > XF_JID_PART_MAX)
        return XF_ERR_BAD_JID;
    memcpy(out, part.ptr, part.len);
    *out_len = part.len;
    return XF_ERR_OK;
}

static bool is_text(struct xf_span raw)
{
    return raw.len <= XF_JID_MAX && !memchr(raw.ptr, '\0', raw.len) &&
           xf_utf8_valid(raw.ptr, raw.len);
}

/* Refuse a prepared part that has a byte of a `forbidden` class. */
static enum xf_err finish(struct xf_span prepared, unsigned forbidden, char *out, size_t *out_len)
{
    return xf_jid_classes(prepared) & forbidden ? XF_ERR_BAD_JID
                                                : copy_part(prepared, out, out_len);
}

static bool is_assigned(const char *text)
{
    const uint8_t *rest = (const uint8_t *)text;
    ucs4_t c;

    while ((rest = u8_next(&c, rest))) {
        if (uc_is_general_category(c, UC_CATEGORY_Cn))
            return false;
    }
    return true;
}

static enum xf_err nodeprep(struct xf_span raw, char *out, size_t *out_len)
{
    char text[XF_JID_MAX + 1];

    if (!is_text(raw))
        return XF_ERR_BAD_JID;
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';
    if (stringprep(text, sizeof(text), (Stringprep_profile_flags)0, stringprep_xmpp_nodeprep) !=
            STRINGPREP_OK ||
        !is_assigned(text))
        return XF_ERR_BAD_JID;
    return finish(xf_span_of(text), XF_JID_NOT_LOCAL | XF_JID_UPPER, out, out_len);
}

enum xf_err xf_prep_local(struct xf_span raw, char *out, size_t *out_len)
{
    unsigned seen = xf_jid_classes(raw);

    if (seen & XF_JID_NOT_LOCAL)
        return XF_ERR_BAD_JID;
    if (seen & XF_JID_NON_ASCII)
        return nodeprep(raw, out, out_len);
    if (copy_part(raw, out, out_len) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    xf_jid_fold(raw, out);
    return XF_ERR_OK;
}

static bool is_joiner(ucs4_t c)
{
    return c == 0x200C || c == 0x200D;
}

/* RFC 3454 table B.1, without the joiners. */
static bool is_dropped(ucs4_t c)
{
    return c == 0xAD || c == 0x34F || c == 0x1806 || (c >= 0x180B && c <= 0x180D) || c == 0x200B ||
           c == 0x2060 || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF;
}

/*
 * Replace each space character by U+0020 and drop what has to be dropped. Returns the length, which
 * never grows.
 */
static size_t map_resource(struct xf_span raw, uint8_t *out)
{
    const uint8_t *bytes = (const uint8_t *)raw.ptr;
    size_t len = 0;

    for (size_t i = 0; i < raw.len;) {
        ucs4_t c;
        size_t step = (size_t)u8_mbtouc_unsafe(&c, bytes + i, raw.len - i);
        if (uc_is_general_category(c, UC_CATEGORY_Zs)) {
            out[len++] = ' ';
        } else if (!is_dropped(c)) {
            memcpy(out + len, bytes + i, step);
            len += step;
        }
        i += step;
    }
    return len;
}

/* What RFC 8264 section 4.3.1 calls the FreeformClass, as said above. */
static bool is_freeform(ucs4_t c)
{
    static const uint32_t passing = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
                                    UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_Cn;

    if (c < 0x80 || is_joiner(c))
        return true; /* ASCII is the table's */
    return uc_is_general_category_withtable(c, passing) && !uc_is_property_not_a_character(c);
}

static bool are_freeform(const uint8_t *text, size_t len)
{
    ucs4_t c;

    for (size_t i = 0; i < len; i += (size_t)u8_mbtouc_unsafe(&c, text + i, len - i)) {
        (void)u8_mbtouc_unsafe(&c, text + i, len - i);
        if (!is_freeform(c))
            return false;
    }
    return true;
}

static enum xf_err opaque_string(struct xf_span raw, char *out, size_t *out_len)
{
    uint8_t mapped[XF_JID_MAX], text[3 * XF_JID_MAX]; /* NFC makes at most three of one byte */
    size_t len = sizeof(text);

    if (!is_text(raw) ||
        u8_normalize(UNINORM_NFC, mapped, map_resource(raw, mapped), text, &len) != text ||
        !are_freeform(text, len))
        return XF_ERR_BAD_JID;
    return finish((struct xf_span){(const char *)text, len}, XF_JID_NOT_RESOURCE, out, out_len);
}

enum xf_err xf_prep_resource(struct xf_span raw, char *out, size_t *out_len)
{
    unsigned seen = xf_jid_classes(raw);

    if (seen & XF_JID_NOT_RESOURCE)
        return XF_ERR_BAD_JID;
    if (seen & XF_JID_NON_ASCII)
        return opaque_string(raw, out, out_len);
    return copy_part(raw, out, out_len);
}
