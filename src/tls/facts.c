/* SPDX-License-Identifier: MIT */
/*
 * facts.c — a peer's certificate as plain values: its names, usages and the digest of its key.
 *
 * Names come from subjectAltName only (RFC 9525 §6.3; for XMPP the CN is history): dNSName, SRVName
 * (RFC 4985), id-on-xmppAddr (RFC 6120 §13.7.1.4), and URIs "sip:" with a host and nothing else
 * (RFC 5922 §7.1). The CN is kept apart from them, for SIP. Strangers wrote them: a name that is
 * empty, too long, or contains a control byte, blank or NUL ("good.example\0.evil.example") is
 * omitted, and so are names after the first NAMES_MAX. Test: tests/unit/tls/test_facts.c.
 */
#include "tls_priv.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

#define NAMES_MAX      256
#define NAME_MAX_BYTES (XF_DOMAIN_MAX + 16) /* of an address, or "_xmpp-server." before a domain */

struct xf_tls_facts *xf_tls_facts_new(void)
{
    return xf_new(struct xf_tls_facts);
}

void xf_tls_facts_free(struct xf_tls_facts **facts)
{
    struct xf_tls_facts *s = *facts;

    if (!s)
        return;
    for (size_t i = 0; i < s->name_count; i++)
        xf_free(s->names[i].text);
    for (size_t i = 0; i < s->target_count; i++)
        xf_free(s->targets[i]);
    xf_free(s->names);
    xf_free(s->targets);
    xf_free(s->ca_file);
    xf_free(s->dane_domain);
    xf_free(s->common_name);
    xf_free(s);
    *facts = NULL;
}

bool xf_tls_facts_are_by(const struct xf_tls_facts *facts, const char *ca_file)
{
    return strcmp(facts->ca_file ? facts->ca_file : "", ca_file ? ca_file : "") == 0;
}

static bool is_acceptable(const char *bytes, size_t len, enum xf_cert_name_kind kind)
{
    if (len == 0 || len > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        if (c >= 0x80 && kind != XF_CERT_XMPP) /* the others are IA5String */
            return false;
    }
    return xf_utf8_valid(bytes, len);
}

/*
 * All names are stored in A-labels; an xmppAddr has U-labels (RFC 6120 §13.7.1.4). NULL: it is not
 * a domain.
 */
static char *text_of(const char *bytes, size_t len, enum xf_cert_name_kind kind)
{
    char domain[XF_DOMAIN_ASCII_MAX + 1];
    bool is_ascii = true;

    for (size_t i = 0; i < len; i++)
        is_ascii &= (unsigned char)bytes[i] < 0x80;
    if (kind != XF_CERT_XMPP || is_ascii)
        return xf_strndup(bytes, len);
    if (xf_domain_to_ascii((struct xf_span){bytes, len}, domain) != XF_ERR_OK)
        return NULL;
    return xf_strdup(domain);
}

/* Owned; NULL: it is left out. */
static char *name_of(enum xf_cert_name_kind kind, const ASN1_STRING *value)
{
    const char *bytes = (const char *)ASN1_STRING_get0_data(value);
    int len = ASN1_STRING_length(value);
    char *text = len >= 0 && is_acceptable(bytes, (size_t)len, kind)
                     ? text_of(bytes, (size_t)len, kind)
                     : NULL;

    for (char *c = text; c && *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    return text;
}

static void add_name(struct xf_tls_facts *facts, enum xf_cert_name_kind kind,
                     const ASN1_STRING *value)
{
    char *text = facts->name_count < NAMES_MAX ? name_of(kind, value) : NULL;

    if (!text)
        return;
    facts->names = xf_realloc(facts->names, (facts->name_count + 1) * sizeof(facts->names[0]));
    facts->names[facts->name_count++] = (struct xf_cert_name){kind, text};
}

static void add_other_name(struct xf_tls_facts *facts, const OTHERNAME *other)
{
    int kind = OBJ_obj2nid(other->type_id);

    if (kind == NID_XmppAddr && other->value->type == V_ASN1_UTF8STRING)
        add_name(facts, XF_CERT_XMPP, other->value->value.utf8string);
    else if (kind == NID_SRVName && other->value->type == V_ASN1_IA5STRING)
        add_name(facts, XF_CERT_SRV, other->value->value.ia5string);
}

/* A user, a port, parameters and headers say that it is not the URI of a domain. */
static bool is_sip_domain(const ASN1_STRING *uri)
{
    const char *bytes = (const char *)ASN1_STRING_get0_data(uri);
    int len = ASN1_STRING_length(uri);

    if (len <= 4 || !xf_span_eq_nocase((struct xf_span){bytes, 4}, XF_SPAN("sip:")))
        return false;
    for (int i = 4; i < len; i++)
        if (bytes[i] == '\0' || strchr("@:;?/", bytes[i]))
            return false;
    return true;
}

/* The only one: with several it could not be said which is meant. */
static void read_common_name(struct xf_tls_facts *facts, X509 *leaf)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return;
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    int type = ASN1_STRING_type(value); /* of others the bytes are not the characters */
    if (type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING)
        facts->common_name = name_of(XF_CERT_DNS, value);
}

static void add_names(struct xf_tls_facts *facts, X509 *leaf)
{
    facts->has_alt_names = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) >= 0;
    /* NULL also when there are two such extensions, or it does not parse. */
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_name(facts, XF_CERT_DNS, name->d.dNSName);
        else if (name->type == GEN_URI && is_sip_domain(name->d.uniformResourceIdentifier))
            add_name(facts, XF_CERT_SIP, name->d.uniformResourceIdentifier);
        else if (name->type == GEN_OTHERNAME)
            add_other_name(facts, name->d.otherName);
    }
    GENERAL_NAMES_free(names);
}

/* RFC 5280 section 4.2.1.12; without the extension OpenSSL gives all bits. */
static void read_usages(struct xf_tls_facts *facts, X509 *leaf)
{
    uint32_t usages = X509_get_extended_key_usage(leaf);

    facts->for_server = usages & (XKU_SSL_SERVER | XKU_ANYEKU);
    facts->for_client = usages & (XKU_SSL_CLIENT | XKU_ANYEKU);
}

/* The name that tells issuers apart, in characters that harm no log and no XML. */
static void issuer_text(X509 *leaf, char *out, size_t size)
{
    static const int kinds[] = {NID_commonName, NID_organizationName};
    const X509_NAME *name = X509_get_issuer_name(leaf);
    snprintf(out, size, "somebody without a name");
    for (size_t i = 0; i < XF_ARRAY_LEN(kinds); i++)
        if (X509_NAME_get_text_by_NID(name, kinds[i], out, (int)size) > 0)
            break;
    for (char *c = out; *c; c++)
        if (*c < ' ' || *c > '~' || *c == '\'')
            *c = '?';
}

static void day_text(const ASN1_TIME *time, char out[16])
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
        snprintf(out, 16, "?");
}

static void read_origin(struct xf_tls_facts *facts, X509 *leaf)
{
    char issuer[44], from[16], until[16];
    issuer_text(leaf, issuer, sizeof(issuer));
    day_text(X509_get0_notBefore(leaf), from);
    day_text(X509_get0_notAfter(leaf), until);
    snprintf(facts->origin, sizeof(facts->origin), "issued by '%s', valid from %s to %s", issuer,
             from, until);
}

void xf_tls_facts_of_cert(struct xf_tls_facts *facts, X509 *leaf)
{
    unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);

    if (len > 0)
        xf_require(EVP_Digest(spki, (size_t)len, facts->spki_sha256, NULL, EVP_sha256(), NULL) ==
                   1);
    OPENSSL_free(spki);
    add_names(facts, leaf);
    read_common_name(facts, leaf);
    read_usages(facts, leaf);
    read_origin(facts, leaf);
    facts->not_after_s = xf_tls_seconds_of(X509_get0_notAfter(leaf));
    facts->chain = XF_CERT_BAD;
    snprintf(facts->chain_text, sizeof(facts->chain_text), "not judged");
    ERR_clear_error();
}

void xf_tls_facts_names_text(const struct xf_tls_facts *facts, char *out, size_t out_bytes)
{
    size_t used = 0;

    if (out_bytes == 0)
        return;
    out[0] = '\0';
    for (size_t i = 0; i < facts->name_count && used < out_bytes; i++) {
        int len =
            snprintf(out + used, out_bytes - used, "%s%s", i > 0 ? ", " : "", facts->names[i].text);
        if (len < 0)
            return;
        used += (size_t)len; /* beyond the end if the text was cut, which ends the loop */
    }
}
