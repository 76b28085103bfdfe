/* SPDX-License-Identifier: MIT */
/*
 * prep.c — local parts by nodeprep, resources by resourceprep (RFC 6122 appendices A and B).
 *
 * ASCII is decided by our table: of the profiles nothing remains there but lower case (local parts)
 * and forbidden characters. All else goes to libidn, and what comes back is held against the same
 * table, so that no normalisation can bring in a '@' or a '/' (U+FF20, U+2100, ...).
 *
 * - Unassigned code points are let through, as deployed servers do ("query strings", RFC 3454
 *   section 7): stringprep knows Unicode 3.2, and resources hold emoji.
 * - libidn reads over the end of what is not UTF-8 (CVE-2015-2059). The reader has checked; we
 *   check again, as this is off the hot path.
 * - The ceiling of 1023 bytes holds after preparation (RFC 7622 section 3.3.1), so that a raw part
 *   may be longer. XF_JID_MAX bounds it, and with it the work.
 */
#include "jid_priv.h"

#include <string.h>

#include <stringprep.h>

#include <xfed/base/utf8.h>

static enum xf_err copy_part(struct xf_span part, char *out, size_t *out_len)
{
    if (part.len == 0 || part.len > XF_JID_PART_MAX)
        return XF_ERR_BAD_JID;
    memcpy(out, part.ptr, part.len);
    *out_len = part.len;
    return XF_ERR_OK;
}

/* Run the profile over `raw`; refuse what holds a byte of a `forbidden` class afterwards. */
static enum xf_err run_profile(const Stringprep_profile *profile, struct xf_span raw,
                               unsigned forbidden, char *out, size_t *out_len)
{
    char text[XF_JID_MAX + 1];

    if (raw.len > XF_JID_MAX || memchr(raw.ptr, '\0', raw.len) || !xf_utf8_valid(raw.ptr, raw.len))
        return XF_ERR_BAD_JID;
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';
    if (stringprep(text, sizeof(text), (Stringprep_profile_flags)0, profile) != STRINGPREP_OK)
        return XF_ERR_BAD_JID;

    struct xf_span prepared = xf_span_of(text);
    if (xf_jid_classes(prepared) & forbidden)
        return XF_ERR_BAD_JID;
    return copy_part(prepared, out, out_len);
}

enum xf_err xf_prep_local(struct xf_span raw, char *out, size_t *out_len)
{
    unsigned seen = xf_jid_classes(raw);

    if (seen & XF_JID_NOT_LOCAL)
        return XF_ERR_BAD_JID;
    if (seen & XF_JID_NON_ASCII)
        return run_profile(stringprep_xmpp_nodeprep, raw, XF_JID_NOT_LOCAL | XF_JID_UPPER, out,
                           out_len);
    if (copy_part(raw, out, out_len) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    xf_jid_fold(raw, out);
    return XF_ERR_OK;
}

enum xf_err xf_prep_resource(struct xf_span raw, char *out, size_t *out_len)
{
    unsigned seen = xf_jid_classes(raw);

    if (seen & XF_JID_NOT_RESOURCE)
        return XF_ERR_BAD_JID;
    if (seen & XF_JID_NON_ASCII)
        return run_profile(stringprep_xmpp_resourceprep, raw, XF_JID_NOT_RESOURCE, out, out_len);
    return copy_part(raw, out, out_len);
}
