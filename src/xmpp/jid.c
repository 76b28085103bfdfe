/* SPDX-License-Identifier: MIT */
/*
 * jid.c — JIDs in their prepared form (RFC 7622 section 3).
 *
 * Each stanza brings two JIDs, and nearly all are ASCII and prepared already. So there are two
 * ways:
 * - take_prepared reads the bytes once, by table, and accepts the JID without copying it, or gives
 *   up at the first byte that the table cannot decide;
 * - prepare_parts then splits the text, has each part prepared (prep.c, domain.c) and joins them in
 *   the caller's scratch. It also refuses what is not a JID.
 * Both split at the first '/', then at the first '@' before it (RFC 7622 section 3.1): resources
 * may hold both.
 */
#include "jid_priv.h"

#define LABEL_MAX_BYTES 63
#define NAME_MAX_BYTES  253

static inline bool has_class(unsigned char byte, unsigned classes)
{
    return xf_jid_class[byte] & classes;
}

/*
 * Skip the local part and its '@'. Returns `p` if there is no local part, NULL if there is one that
 * has to be prepared.
 */
static inline const unsigned char *skip_local(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *start = p;
    unsigned seen = 0;

    while (p < end && !has_class(*p, XF_JID_STOP))
        seen |= xf_jid_class[*p++];
    if (p == end || *p == '/')
        return start;
    if (p == start || (size_t)(p - start) > XF_JID_PART_MAX ||
        (seen & (XF_JID_NOT_LOCAL | XF_JID_UPPER | XF_JID_NON_ASCII)))
        return NULL;
    return p + 1;
}

/* Does the label need no further check: letters, digits, "-" and "_", not an A-label? */
static inline bool is_plain_label(const unsigned char *label, const unsigned char *end)
{
    size_t len = (size_t)(end - label);

    if (len == 0 || len > LABEL_MAX_BYTES || label[0] == '-' || end[-1] == '-')
        return false;
    return len < 4 || memcmp(label, "xn--", 4) != 0;
}

/*
 * Skip the domain, to the '/' or the end. NULL if it is not a name, has to be prepared, or is an
 * address.
 */
static inline const unsigned char *skip_domain(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *start = p, *label;

    while (true) {
        label = p;
        while (p < end && has_class(*p, XF_JID_LABEL))
            p++;
        if (!is_plain_label(label, p))
            return NULL;
        if (p == end || *p != '.')
            break;
        p++;
    }
    if (p < end && *p != '/')
        return NULL;
    /* A last label that begins with a digit may belong to an IPv4 address. */
    if (*label <= '9' || (size_t)(p - start) > NAME_MAX_BYTES)
        return NULL;
    return p;
}

static inline struct xf_span between(const unsigned char *from, const unsigned char *to)
{
    return (struct xf_span){(const char *)from, (size_t)(to - from)};
}

static inline bool is_plain_resource(struct xf_span resource)
{
    return resource.len > 0 && resource.len <= XF_JID_PART_MAX &&
           !(xf_jid_classes(resource) & (XF_JID_NOT_RESOURCE | XF_JID_NON_ASCII));
}

static bool take_prepared(struct xf_span text, struct xf_jid *out_jid)
{
    const unsigned char *start = (const unsigned char *)text.ptr, *end = start + text.len;
    const unsigned char *domain = skip_local(start, end);
    const unsigned char *slash = domain ? skip_domain(domain, end) : NULL;
    struct xf_span resource = XF_SPAN_NONE;

    if (!slash)
        return false;
    if (slash < end) {
        resource = between(slash + 1, end);
        if (!is_plain_resource(resource))
            return false;
    }
    out_jid->full = text;
    out_jid->local = domain > start ? between(start, domain - 1) : XF_SPAN_NONE;
    out_jid->domain = between(domain, slash);
    out_jid->resource = resource;
    return true;
}

/*
 * Split `text` at the first `mark`: returns what is before it; *out_after is what follows, absent
 * without a mark.
 */
static struct xf_span cut_at(struct xf_span text, char mark, struct xf_span *out_after)
{
    const char *at = text.len > 0 ? memchr(text.ptr, mark, text.len) : NULL;

    if (!at) {
        *out_after = XF_SPAN_NONE;
        return text;
    }

    size_t before = (size_t)(at - text.ptr);
    *out_after = (struct xf_span){at + 1, text.len - before - 1};
    return (struct xf_span){text.ptr, before};
}

/* In "a@b@c" the intended domain is c. */
enum xf_err xf_jid_named_domain(struct xf_span text, char out[XF_DOMAIN_MAX + 1])
{
    struct xf_span resource, bare = cut_at(text, '/', &resource);
    const char *at = bare.len > 0 ? memrchr(bare.ptr, '@', bare.len) : NULL;
    size_t before = at ? (size_t)(at - bare.ptr) + 1 : 0;

    return xf_domain_prepare((struct xf_span){bare.ptr + before, bare.len - before}, out);
}

static enum xf_err prepare_parts(struct xf_span text, char *scratch, struct xf_jid *out_jid)
{
    struct xf_span resource, domain;
    struct xf_span local = cut_at(cut_at(text, '/', &resource), '@', &domain);
    struct xf_jid jid = {0};
    char *out = scratch;

    if (!domain.ptr) {
        domain = local;
        local = XF_SPAN_NONE;
    }
    if (local.ptr) {
        jid.local.ptr = out;
        if (xf_prep_local(local, out, &jid.local.len) != XF_ERR_OK)
            return XF_ERR_BAD_JID;
        out += jid.local.len;
        *out++ = '@';
    }
    jid.domain.ptr = out;
    if (xf_prep_domain(domain, out, &jid.domain.len) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    out += jid.domain.len;
    if (resource.ptr) {
        *out++ = '/';
        jid.resource.ptr = out;
        if (xf_prep_resource(resource, out, &jid.resource.len) != XF_ERR_OK)
            return XF_ERR_BAD_JID;
        out += jid.resource.len;
    }
    *out = '\0';
    jid.full = (struct xf_span){scratch, (size_t)(out - scratch)};
    *out_jid = jid;
    return XF_ERR_OK;
}

/* If preparation did not change the JID, point into `text`, as the header promises. */
static void point_into(struct xf_span text, struct xf_jid *jid)
{
    const char *scratch = jid->full.ptr;

    jid->full.ptr = text.ptr;
    jid->domain.ptr = text.ptr + (jid->domain.ptr - scratch);
    if (jid->local.ptr)
        jid->local.ptr = text.ptr + (jid->local.ptr - scratch);
    if (jid->resource.ptr)
        jid->resource.ptr = text.ptr + (jid->resource.ptr - scratch);
}

enum xf_err xf_jid_prepare(struct xf_span text, char scratch[XF_JID_MAX + 1],
                           struct xf_jid *out_jid)
{
    if (take_prepared(text, out_jid))
        return XF_ERR_OK;
    if (prepare_parts(text, scratch, out_jid) != XF_ERR_OK)
        return XF_ERR_BAD_JID;
    if (xf_span_eq(out_jid->full, text))
        point_into(text, out_jid);
    return XF_ERR_OK;
}
