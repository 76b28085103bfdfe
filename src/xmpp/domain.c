/* SPDX-License-Identifier: MIT */
/*
 * domain.c — converts domains to the one form in which they are looked up, compared, routed and
 * written.
 *
 * - `[v6]`: parsed and written again (RFC 5952), so that an address has only one spelling;
 * - ASCII: lower case, one trailing dot dropped, then the check of names below;
 * - all else: IDNA2008 with the mapping of UTS 46 (libidn2, non-transitional) to A-labels, or what
 *   emoji.c takes, then the same check;
 * - any A-labels are then decoded, since XMPP sends and compares U-labels (RFC 7622 section 3.2.1).
 *
 * We check names ourselves, since libidn2 accepts all ASCII; with IDN2_USE_STD3_ASCII_RULES it
 * removes forbidden characters, so that user@host would become the domain userhost. Labels are
 * letters, digits, "-" and "_" (which existing servers accept, though host names may not contain
 * it), 1 to 63 bytes, 253 in all. A last label of digits alone is dotted IPv4 or nothing (RFC 1123
 * section 2.1). An A-label must be the encoding of its U-label; otherwise "xn--" and other text
 * could be a second name for a peer.
 *
 * A name of 253 bytes has at most four times as many bytes in U-labels, since each code point takes
 * at least one byte of its A-label: any name fits into XF_DOMAIN_MAX.
 */
#include "jid_priv.h"

#include <arpa/inet.h>
#include <string.h>

#include <idn2.h>

#include <xfed/base/utf8.h>

#define NAME_MAX_BYTES  XF_DOMAIN_ASCII_MAX
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
        if (!(xf_jid_class[(unsigned char)label.ptr[i]] & XF_JID_LABEL))
            return false;
    }
    return true;
}

/* Does the name consist of valid labels in lower case? */
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

#define A_LABELS_MAX_BYTES (NAME_MAX_BYTES + 1) /* with a trailing dot */

/* Copy the result of libidn2 to `out` and free it; false if it is too long. */
static bool take(char *made, size_t max, char *out)
{
    size_t len = strlen(made);
    bool fits = len <= max;

    if (fits)
        memcpy(out, made, len + 1);
    idn2_free(made);
    return fits;
}

/* To A-labels; false when IDNA forbids it. */
static bool encode(const char *name, char out[A_LABELS_MAX_BYTES + 1])
{
    char *ascii = NULL;

    if (idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
        return xf_emoji_encode(name, out, A_LABELS_MAX_BYTES);
    return take(ascii, A_LABELS_MAX_BYTES, out);
}

/* To U-labels; false if an A-label is invalid. Encoding the result again may give another name. */
static bool decode(const char *name, char out[XF_DOMAIN_MAX + 1])
{
    char *unicode = NULL;

    if (idn2_to_unicode_8z8z(name, &unicode, 0) != IDN2_OK)
        return xf_emoji_decode(name, out, XF_DOMAIN_MAX);
    return take(unicode, XF_DOMAIN_MAX, out);
}

static bool gives(const char *unicode, const char *name)
{
    char ascii[A_LABELS_MAX_BYTES + 1];

    return encode(unicode, ascii) && strcmp(ascii, name) == 0;
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

struct name {
    char text[A_LABELS_MAX_BYTES + 1];
    size_t len;
    struct name_facts facts;
};

static bool take_ascii(struct xf_span raw, struct name *out)
{
    if (raw.len >= sizeof(out->text))
        return false;
    xf_jid_fold(raw, out->text);
    out->len = raw.len;
    return true;
}

static bool take_unicode(struct xf_span raw, struct name *out)
{
    char text[XF_JID_PART_MAX + 1];

    if (raw.len > XF_JID_PART_MAX || memchr(raw.ptr, '\0', raw.len) ||
        !xf_utf8_valid(raw.ptr, raw.len))
        return false;
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';

    if (!encode(text, out->text))
        return false;
    out->len = strlen(out->text);
    return true;
}

/* With A-labels, each of which may still be none. */
static enum xf_err read_name(struct xf_span raw, struct name *out)
{
    bool is_ascii = !(xf_jid_classes(raw) & XF_JID_NON_ASCII);

    if (!(is_ascii ? take_ascii(raw, out) : take_unicode(raw, out)))
        return XF_ERR_BAD_JID;
    if (out->len > 0 && out->text[out->len - 1] == '.')
        out->len--;
    out->text[out->len] = '\0';
    if (!look_at_name((struct xf_span){out->text, out->len}, &out->facts))
        return XF_ERR_BAD_JID;
    /* Only ASCII digits make an IPv4 address, not characters that IDNA maps to digits. */
    if (out->facts.ends_in_number && !(is_ascii && is_ipv4(out->text)))
        return XF_ERR_BAD_JID;
    return XF_ERR_OK;
}

static enum xf_err prep_name(struct xf_span raw, char out[XF_DOMAIN_MAX + 1], size_t *out_len)
{
    struct name name;

    if (read_name(raw, &name) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    if (!name.facts.has_a_label)
        memcpy(out, name.text, name.len + 1);
    else if (!decode(name.text, out) || !(xf_span_is(raw, out) || gives(out, name.text)))
        return XF_ERR_BAD_JID; /* what was written so did give the name just now */
    *out_len = strlen(out);
    return XF_ERR_OK;
}

enum xf_err xf_prep_domain(struct xf_span raw, char out[XF_DOMAIN_MAX + 1], size_t *out_len)
{
    if (raw.len == 0)
        return XF_ERR_BAD_JID;
    return raw.ptr[0] == '[' ? prep_ipv6(raw, out, out_len) : prep_name(raw, out, out_len);
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

enum xf_err xf_domain_to_ascii(struct xf_span domain, char out[XF_DOMAIN_ASCII_MAX + 1])
{
    struct name name;

    if (domain.len == 0)
        return XF_ERR_BAD_JID;
    if (domain.ptr[0] == '[') {
        char address[XF_DOMAIN_MAX + 1];
        if (prep_ipv6(domain, address, &name.len) != XF_ERR_OK)
            return XF_ERR_BAD_JID;
        memcpy(out, address, name.len + 1);
        return XF_ERR_OK;
    }
    if (read_name(domain, &name) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    memcpy(out, name.text, name.len + 1);
    return XF_ERR_OK;
}

/* A prepared name ends in a label of digits only if it is dotted IPv4. */
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
