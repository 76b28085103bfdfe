/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cert.c — a peer's certificate as facts, and which domains it names.
 *
 * The first byte of the input says what the rest is: 'C' a whole certificate in DER; 'S' the value
 * of its subjectAltName extension; 'N' a list of names, each a kind ('d' dNSName, 'u' URI, 'c' CN,
 * 's' SRVName, 'x' xmppAddr), a byte with the length, and so many bytes: the way past ASN.1, with
 * any bytes in a name. What must hold:
 *   - each name is clean (lower case, no control byte, no blank, within its ceiling), and their
 *     number too;
 *   - a name without a wildcard names its own domain; what OpenSSL's X509_check_host refuses is
 *     named by no dNSName of ours;
 *   - for SIP a name is shown by one that is equal to it, never by a wildcard;
 *   - the line for the log is text that ends in its buffer.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <xfed/base/alloc.h>
#include <xfed/base/utf8.h>
#include <xfed/xmpp/jid.h>

#include "tls_priv.h"

#define NAMES_MAX      256
#define NAME_MAX_BYTES (XF_DOMAIN_MAX + 16)
#define SRV_PREFIX     "_xmpp-server."
#define HOST_FLAGS                                                                \
    (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | \
     X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS)

static const char *const domains[] = {
    "b.example",   "a.b.example", "x.a.b.example",          "example", "victim.example",
    "192.168.0.1", "[::1]",       "xn--mnchen-3ya.example", "",        "*.b.example",
};

/* ---- certificates around a subjectAltName */

/* A certificate as short as X509_get_X509_PUBKEY allows: nothing of it is verified here. */
static X509 *new_certificate(void)
{
    X509 *cert = X509_new();
    xf_require(cert != NULL);
    return cert;
}

static X509 *with_extension(const uint8_t *value, size_t len)
{
    X509 *cert = new_certificate();
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    xf_require(ASN1_OCTET_STRING_set(octets, value, (int)len) == 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, octets);
    xf_require(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    return cert;
}

static ASN1_STRING *new_string(int type, const uint8_t *bytes, size_t len)
{
    ASN1_STRING *string = ASN1_STRING_type_new(type);
    xf_require(string != NULL && ASN1_STRING_set(string, bytes, (int)len) == 1);
    return string;
}

static void push_name(GENERAL_NAMES *names, char kind, const uint8_t *bytes, size_t len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (kind == 'd' || kind == 'u') {
        GENERAL_NAME_set0_value(name, kind == 'd' ? GEN_DNS : GEN_URI,
                                new_string(V_ASN1_IA5STRING, bytes, len));
    } else {
        bool is_srv = kind == 's';
        ASN1_TYPE *value = ASN1_TYPE_new();
        int type = is_srv ? V_ASN1_IA5STRING : V_ASN1_UTF8STRING;
        ASN1_TYPE_set(value, type, new_string(type, bytes, len));
        xf_require(GENERAL_NAME_set0_othername(
                       name, OBJ_nid2obj(is_srv ? NID_SRVName : NID_XmppAddr), value) == 1);
    }
    xf_require(sk_GENERAL_NAME_push(names, name) > 0);
}

static void set_common_name(X509 *cert, const uint8_t *bytes, size_t len)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    /* Fails where the bytes cannot be a name, which is then missing. */
    (void)X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
                                     (unsigned char *)(uintptr_t)bytes, (int)len, -1, 0);
}

static X509 *with_names(const uint8_t *bytes, size_t len)
{
    X509 *cert = new_certificate();
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    while (len >= 2) {
        size_t name_len = bytes[1] < len - 2 ? bytes[1] : len - 2;
        if (bytes[0] == 'c')
            set_common_name(cert, bytes + 2, name_len);
        else
            push_name(names, (char)bytes[0], bytes + 2, name_len);
        bytes += 2 + name_len;
        len -= 2 + name_len;
    }
    if (sk_GENERAL_NAME_num(names) > 0)
        xf_require(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1);
    GENERAL_NAMES_free(names);
    return cert;
}

static X509 *certificate_of(const uint8_t *bytes, size_t len)
{
    const unsigned char *at = bytes + 1;
    switch (bytes[0]) {
    case 'C':
        return d2i_X509(NULL, &at, (long)(len - 1));
    case 'S':
        return with_extension(bytes + 1, len - 1);
    case 'N':
        return with_names(bytes + 1, len - 1);
    default:
        return NULL;
    }
}

/* ---- what must hold */

static void check_text_of(const char *text, enum xf_cert_name_kind kind)
{
    size_t len = strlen(text);
    xf_require(len >= 1 && len <= NAME_MAX_BYTES && xf_utf8_valid(text, len));
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        xf_require(byte > ' ' && byte != 0x7f && !(byte >= 'A' && byte <= 'Z'));
        xf_require(byte < 0x80 || kind == XF_CERT_XMPP);
    }
    if (kind == XF_CERT_SIP)
        xf_require(strncmp(text, "sip:", 4) == 0 && len > 4 && !strpbrk(text + 4, "@:;?/"));
}

static bool is_text(const struct xf_tls_facts *facts, enum xf_cert_name_kind kind, size_t prefix,
                    const char *text)
{
    for (size_t i = 0; i < facts->name_count; i++)
        if (facts->names[i].kind == kind && strcmp(facts->names[i].text + prefix, text) == 0)
            return true;
    return false;
}

/* Whatever is shown is there, letter by letter, as one of the kinds that may show it. */
static void check_sip(const struct xf_tls_facts *facts, const char *domain)
{
    bool as_domain = xf_tls_facts_sip(facts, XF_CERT_SIP_DOMAIN, &domain, 1);
    bool as_host = xf_tls_facts_sip(facts, XF_CERT_SIP_HOST, &domain, 1);
    bool is_cn = facts->common_name && strcmp(facts->common_name, domain) == 0;
    bool is_dns = is_text(facts, XF_CERT_DNS, 0, domain);
    if (strchr(domain, '*') || *domain == '\0')
        xf_require(!as_domain && !as_host);
    if (as_host)
        xf_require(is_dns || is_cn);
    if (as_domain)
        xf_require(is_text(facts, XF_CERT_SIP, 4, domain) || is_dns ||
                   (is_cn && !facts->has_alt_names));
}

static void names_itself(const struct xf_tls_facts *facts, const struct xf_cert_name *name)
{
    const char *domain = name->text;
    char ascii[XF_DOMAIN_ASCII_MAX + 1];
    size_t prefix = strlen(SRV_PREFIX);
    if (name->kind == XF_CERT_SIP)
        return;
    if (name->kind == XF_CERT_SRV)
        domain = strncmp(domain, SRV_PREFIX, prefix) == 0 ? domain + prefix : "";
    if (xf_domain_to_ascii(xf_span_of(domain), ascii) == XF_ERR_OK && strcmp(ascii, domain) == 0)
        xf_require(xf_tls_facts_name(facts, xf_span_of(domain)));
}

/* OpenSSL is the second opinion: it compares dNSNames alone here. */
static void check_domain(const struct xf_tls_facts *facts, X509 *cert, const char *domain)
{
    struct xf_tls_facts one = {.name_count = 1};
    for (size_t i = 0; i < facts->name_count; i++) {
        one.names = &facts->names[i];
        if (facts->names[i].kind == XF_CERT_DNS && xf_tls_facts_name(&one, xf_span_of(domain)))
            xf_require(X509_check_host(cert, domain, strlen(domain), HOST_FLAGS, NULL) == 1);
    }
    if (*domain == '\0' || strchr(domain, '*'))
        xf_require(!xf_tls_facts_name(facts, xf_span_of(domain)));
}

static void check_text(const struct xf_tls_facts *facts)
{
    char text[64];
    for (size_t room = 0; room <= sizeof(text); room += 16) {
        memset(text, 'x', sizeof(text));
        xf_tls_facts_names_text(facts, text, room);
        xf_require(room == 0 || memchr(text, '\0', room));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    X509 *cert = len > 0 && len < 65536 ? certificate_of(bytes, len) : NULL;
    ERR_clear_error();
    if (!cert)
        return 0;
    struct xf_tls_facts *facts = xf_tls_facts_new();
    xf_tls_facts_of_cert(facts, cert);
    xf_require(facts->name_count <= NAMES_MAX);
    for (size_t i = 0; i < facts->name_count; i++) {
        check_text_of(facts->names[i].text, facts->names[i].kind);
        names_itself(facts, &facts->names[i]);
    }
    if (facts->common_name)
        check_text_of(facts->common_name, XF_CERT_DNS);
    for (size_t i = 0; i < XF_ARRAY_LEN(domains); i++) {
        check_domain(facts, cert, domains[i]);
        check_sip(facts, domains[i]);
    }
    check_text(facts);
    xf_tls_facts_free(&facts);
    X509_free(cert);
    ERR_clear_error();
    return 0;
}
