/* SPDX-License-Identifier: MIT */
/*
 * domain.c — domains in the one form under which they are looked up, compared and routed.
 *
 * - `[v6]`: parsed and written again (RFC 5952), so that one address has one spelling;
 * - ASCII: lower case, one trailing dot dropped, then the check of names below;
 * - all else: IDNA2008 with the mapping of UTS 46 (libidn2, non-transitional) to A-labels, then the
 *   same check.
 *
 * The check of names is ours, as libidn2 lets ASCII pass as it is, and with
 * IDN2_USE_STD3_ASCII_RULES it removes what it dislikes: user@host would become the domain
 * userhost. Labels are LDH of 1 to 63 bytes, 253 in all. A last label of digits alone is dotted
 * IPv4 or nothing (RFC 1123 section 2.1). An A-label must be the one that its U-label gives: "xn--"
 * with anything behind it would else be a second name for a peer.
 */
#include "jid_priv.h"

#include <arpa/inet.h>
#include <string.h>

#include <idn2.h>

#include <xfed/base/utf8.h>

#define NAME_MAX_BYTES 253
#define LABEL_MAX_BYTES 63

struct name_facts {
    bool has_a_label;
    bool ends_in_number; /* last label is digits only */
};

static bool is_number(struct xf_span label)
{
    for (size_t i = 0; i < label.len; i++) {
        if (label.ptr[i] < '0' || label.ptr[i] > '9')
            return false;
    }
    return true;
}

static bool is_label(struct xf_span label)
{
    if (label.len == 0 || label.len > LABEL_MAX_BYTES)
        return false;
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!(xf_jid_class[(unsigned char)label.ptr[i]] & XF_JID_LDH))
            return false;
    }
    return true;
}

/* Is it a name of LDH labels, in lower case? */
static bool look_at_name(struct xf_span name, struct name_facts *out_facts)
{
    struct name_facts facts = {0};
    size_t start = 0;

    if (name.len > NAME_MAX_BYTES)
        return false;
    while (true) {
        const char *dot = memchr(name.ptr + start, '.', name.len - start);
        size_t end = dot ? (size_t)(dot - name.ptr) : name.len;
        struct xf_span label = {name.ptr + start, end - start};

        if (!is_label(label))
            return false;
        if (label.len >= 4 && memcmp(label.ptr, "xn--", 4) == 0)
            facts.has_a_label = true;
        if (!dot) {
            facts.ends_in_number = is_number(label);
            *out_facts = facts;
            return true;
        }
        start = end + 1;
    }
}

/* To A-labels; NULL when IDNA forbids it. Free with idn2_free. */
static char *to_ascii(const char *name)
{
    char *ascii = NULL;

    return idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL) == IDN2_OK ? ascii : NULL;
}

/* Do the A-labels of the name decode, and give themselves again? */
static bool a_labels_are_valid(const char *name)
{
    char *unicode = NULL, *again = NULL;

    if (idn2_to_unicode_8z8z(name, &unicode, 0) == IDN2_OK)
        again = to_ascii(unicode);

    bool valid = again && strcmp(again, name) == 0;
    idn2_free(again);
    idn2_free(unicode);
    return valid;
}

static bool is_ipv4(const char *name)
{
    struct in_addr address;

    return inet_pton(AF_INET, name, &address) == 1;
}

static enum xf_err prep_ipv6(struct xf_span raw, char out[XF_DOMAIN_MAX + 1], size_t *out_len)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t len = raw.len - 2;

    if (raw.len < 4 || raw.ptr[raw.len - 1] != ']' || len >= sizeof(text))
        return XF_ERR_BAD_JID;
    memcpy(text, raw.ptr + 1, len);
    text[len] = '\0';
    /* A NUL within would end the address early. */
    if (strlen(text) != len || inet_pton(AF_INET6, text, &address) != 1)
        return XF_ERR_BAD_JID;
    if (!inet_ntop(AF_INET6, &address, out + 1, INET6_ADDRSTRLEN))
        return XF_ERR_BAD_JID;

    len = strlen(out + 1);
    out[0] = '[';
    out[1 + len] = ']';
    out[2 + len] = '\0';
    *out_len = len + 2;
    return XF_ERR_OK;
}

/* A name in ASCII of which `len` bytes are in `out`; `may_be_address` when a person wrote it so. */
static enum xf_err finish_name(char *out, size_t len, bool may_be_address, size_t *out_len)
{
    struct name_facts facts;

    if (len > 0 && out[len - 1] == '.')
        len--;
    out[len] = '\0';
    if (!look_at_name((struct xf_span){out, len}, &facts))
        return XF_ERR_BAD_JID;
    if (facts.ends_in_number && !(may_be_address && is_ipv4(out)))
        return XF_ERR_BAD_JID;
    if (facts.has_a_label && !a_labels_are_valid(out))
        return XF_ERR_BAD_JID;
    *out_len = len;
    return XF_ERR_OK;
}

static enum xf_err prep_unicode(struct xf_span raw, char out[XF_DOMAIN_MAX + 1], size_t *out_len)
{
    char text[XF_JID_PART_MAX + 1];

    if (raw.len > XF_JID_PART_MAX || memchr(raw.ptr, '\0', raw.len) ||
        !xf_utf8_valid(raw.ptr, raw.len))
        return XF_ERR_BAD_JID;
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';

    char *ascii = to_ascii(text);
    size_t len = ascii ? strlen(ascii) : 0;
    bool fits = len > 0 && len <= XF_DOMAIN_MAX;
    if (fits)
        memcpy(out, ascii, len);
    idn2_free(ascii);
    return fits ? finish_name(out, len, false, out_len) : XF_ERR_BAD_JID;
}

enum xf_err xf_prep_domain(struct xf_span raw, char out[XF_DOMAIN_MAX + 1], size_t *out_len)
{
    if (raw.len == 0)
        return XF_ERR_BAD_JID;
    if (raw.ptr[0] == '[')
        return prep_ipv6(raw, out, out_len);
    if (xf_jid_classes(raw) & XF_JID_NON_ASCII)
        return prep_unicode(raw, out, out_len);
    if (raw.len > XF_DOMAIN_MAX)
        return XF_ERR_BAD_JID;
    xf_jid_fold(raw, out);
    return finish_name(out, raw.len, true, out_len);
}

enum xf_err xf_domain_prepare(struct xf_span text, char out[XF_DOMAIN_MAX + 1])
{
    char prepared[XF_DOMAIN_MAX + 1];
    size_t len;

    if (xf_prep_domain(text, prepared, &len) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    memcpy(out, prepared, len + 1);
    return XF_ERR_OK;
}

/* A prepared name ends in a digit label only when it is dotted IPv4. */
bool xf_domain_is_address(struct xf_span domain)
{
    if (domain.len == 0)
        return false;
    if (domain.ptr[0] == '[')
        return true;

    const char *dot = memrchr(domain.ptr, '.', domain.len);
    size_t last = dot ? (size_t)(dot - domain.ptr) + 1 : 0;
    return is_number((struct xf_span){domain.ptr + last, domain.len - last});
}
