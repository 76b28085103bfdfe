/* SPDX-License-Identifier: MIT */
/*
 * fuzz_jid.c — any bytes as a JID and as a domain. What must hold for what is accepted:
 *   - it is made of its parts, each of 1 to 1023 bytes of UTF-8, without what RFC 6122 forbids
 *     there;
 *   - it is the normal form: prepared again it stays as it is, and is not copied. Else one user had
 *     two addresses, and what policy judged were not what the next server reads;
 *   - its domain is one that xf_domain_prepare gives, and an address or a name, which in A-labels
 *     has labels of LDH and "_", and comes back from there as it was.
 * Domains are prepared from the bytes up to the first line break, JIDs from all.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <string.h>

#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

#define INPUT_MAX_BYTES 8192

static bool holds_one_of(struct xf_span text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\0' && strchr(bytes, text.ptr[i]))
            return true;
    }
    return false;
}

static bool holds_control(struct xf_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    }
    return false;
}

static void check_part(struct xf_span part)
{
    xf_require(part.len >= 1 && part.len <= XF_JID_PART_MAX);
    xf_require(xf_utf8_valid(part.ptr, part.len) && !holds_control(part));
}

static void check_address(const char *domain)
{
    unsigned char bytes[16];
    char text[XF_DOMAIN_MAX + 1];
    size_t len = strlen(domain);
    if (domain[0] != '[') {
        xf_require(inet_pton(AF_INET, domain, bytes) == 1);
        return;
    }
    xf_require(domain[len - 1] == ']');
    memcpy(text, domain + 1, len - 2);
    text[len - 2] = '\0';
    xf_require(inet_pton(AF_INET6, text, bytes) == 1);
}

static void check_labels(const char *domain)
{
    for (const char *label = domain;; label++) {
        size_t len = strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-_");
        xf_require(len >= 1 && len <= 63 && label[0] != '-' && label[len - 1] != '-');
        label += len;
        if (*label == '\0')
            return;
        xf_require(*label == '.');
    }
}

static void check_domain(struct xf_span raw)
{
    char first[XF_DOMAIN_MAX + 1] = "untouched", second[XF_DOMAIN_MAX + 1],
                               ascii[XF_DOMAIN_ASCII_MAX + 1];
    if (xf_domain_prepare(raw, first) != XF_ERR_OK) {
        xf_require(strcmp(first, "untouched") == 0);
        return;
    }
    xf_require(strlen(first) <= XF_DOMAIN_MAX);
    xf_require(xf_domain_prepare(xf_span_of(first), second) == XF_ERR_OK &&
               strcmp(first, second) == 0);
    xf_require(xf_domain_to_ascii(xf_span_of(first), ascii) == XF_ERR_OK &&
               strlen(ascii) <= XF_DOMAIN_ASCII_MAX);
    xf_require(xf_domain_prepare(xf_span_of(ascii), second) == XF_ERR_OK &&
               strcmp(first, second) == 0);
    if (xf_domain_is_address(xf_span_of(first)))
        check_address(first);
    else
        check_labels(ascii);
}

/* full is local@domain/resource and nothing else. */
static void check_composition(const struct xf_jid *jid)
{
    const char *at = jid->full.ptr;
    if (jid->local.ptr) {
        xf_require(jid->local.ptr == at && at[jid->local.len] == '@');
        at += jid->local.len + 1;
    }
    xf_require(jid->domain.ptr == at);
    at += jid->domain.len;
    if (jid->resource.ptr) {
        xf_require(*at == '/' && jid->resource.ptr == at + 1);
        at += 1 + jid->resource.len;
    }
    xf_require(at == jid->full.ptr + jid->full.len && jid->full.len <= XF_JID_MAX);
}

static void check_parts(const struct xf_jid *jid)
{
    char domain[XF_DOMAIN_MAX + 1];
    if (jid->local.ptr) {
        check_part(jid->local);
        xf_require(!holds_one_of(jid->local, " \"&'/:<>@ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    }
    if (jid->resource.ptr)
        check_part(jid->resource);
    xf_require(xf_domain_prepare(jid->domain, domain) == XF_ERR_OK);
    xf_require(xf_span_is(jid->domain, domain));
}

static void check_jid(struct xf_span raw)
{
    char scratch[XF_JID_MAX + 1], again_scratch[XF_JID_MAX + 1];
    struct xf_jid jid, again;
    if (xf_jid_prepare(raw, scratch, &jid) != XF_ERR_OK)
        return;
    check_composition(&jid);
    check_parts(&jid);
    xf_require(xf_jid_prepare(jid.full, again_scratch, &again) == XF_ERR_OK);
    xf_require(again.full.ptr == jid.full.ptr && again.full.len == jid.full.len);
    xf_require(again.domain.ptr == jid.domain.ptr && again.domain.len == jid.domain.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct xf_span raw = {(const char *)bytes, len};
    if (len > INPUT_MAX_BYTES)
        return 0;
    check_jid(raw);
    const char *end = len ? memchr(raw.ptr, '\n', len) : NULL;
    if (end)
        raw.len = (size_t)(end - raw.ptr);
    check_domain(raw);
    return 0;
}
