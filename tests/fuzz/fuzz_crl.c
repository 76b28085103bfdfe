/* SPDX-License-Identifier: MIT */
/*
 * fuzz_crl.c — revocation lists, from the file to what they say of a certificate.
 *
 * The first byte of the input says what the rest is: 'F' a file as it is; 'D' a list in DER form
 * that the authority (chain.h) signs first, so that what is in it is looked at, 'P' the same as a
 * file in PEM form, 'T' twice in one file. What must hold:
 *   - the file loads, and then counts as lists, or the words name it;
 *   - no list makes the chain of a good certificate a bad one;
 *   - "revoked" is said only by a list that the issuer signed and that has the certificate (or the
 *     issuer), "not revoked" only when such a list is in date and has it not.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "chain.h"
#include "judge_priv.h"

static char path[64];
static int fd = -1;

static void begin(void)
{
    fd = memfd_create("list", MFD_CLOEXEC);
    xf_require(fd >= 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

/* The list with the authority's signature; false: it is none. */
static bool write_signed(const uint8_t *bytes, size_t len, char form)
{
    X509_CRL *list = d2i_X509_CRL(NULL, &bytes, (long)len);
    bool is_signed = list && X509_CRL_sign(list, chain_get()->root_key, NULL) > 0;
    FILE *file = is_signed ? fopen(path, "we") : NULL;
    if (file) {
        (void)(form == 'D' ? i2d_X509_CRL_fp(file, list) : PEM_write_X509_CRL(file, list));
        if (form == 'T')
            (void)PEM_write_X509_CRL(file, list);
        xf_require(fclose(file) == 0);
    }
    X509_CRL_free(list);
    return is_signed;
}

static bool write_file(const uint8_t *bytes, size_t len)
{
    xf_require(ftruncate(fd, 0) == 0);
    switch (bytes[0]) {
    case 'F':
        return pwrite(fd, bytes + 1, len - 1, 0) == (ssize_t)len - 1;
    case 'D':
    case 'P':
    case 'T':
        return write_signed(bytes + 1, len - 1, (char)bytes[0]);
    default:
        return false;
    }
}

/* ------------------------------------------------------------------ the second opinion */

static bool is_in_date(const X509_CRL *list)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
    return X509_cmp_time(X509_CRL_get0_lastUpdate(list), NULL) < 0 &&
           (!next || X509_cmp_time(next, NULL) > 0);
}

static bool has(X509_CRL *list, X509 *cert)
{
    X509_REVOKED *entry;
    return X509_CRL_get0_by_cert(list, &entry, cert) == 1;
}

/*
 * Does a list of the issuer's own say that, in date when it says no? The issuer may revoke itself.
 */
static bool is_said(const struct xf_tls_store *store, bool is_revoked)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store->anchors);
    const struct chain *chain = chain_get();
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (!list ||
            X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(chain->root)) != 0 ||
            X509_CRL_verify(list, chain->root_key) != 1)
            continue;
        bool has_one = has(list, chain->leaf) || has(list, chain->root);
        if (has_one == is_revoked && (has_one || is_in_date(list)))
            return true;
    }
    return false;
}

static void check_finding(const struct xf_tls_store *store, const struct xf_tls_finding *finding)
{
    bool is_revoked = finding->revocation == XF_CERT_REVOKED;
    xf_require(memchr(finding->revocation_text, '\0', sizeof(finding->revocation_text)));
    xf_require((strncmp(finding->revocation_text, "revoked", 7) == 0) == is_revoked);
    xf_require(is_revoked || !*finding->revocation_text);
    if (finding->revocation == XF_CERT_REVOKED || finding->revocation == XF_CERT_NOT_REVOKED)
        xf_require(is_said(store, is_revoked));
    else
        xf_require(finding->revocation == XF_CERT_UNKNOWN);
}

static void use(const struct xf_tls_store *store)
{
    struct xf_tls_evidence evidence = {.leaf = chain_get()->leaf};
    struct xf_tls_finding finding = {.revocation = XF_CERT_NOT_CHECKED};
    STACK_OF(X509) *found = NULL;
    xf_require(xf_tls_verify(&finding, store, &evidence, NULL, &found) == X509_V_OK);
    sk_X509_pop_free(found, X509_free);
    check_finding(store, &finding);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *files[] = {path};
    struct xf_error err = {0};
    if (fd < 0)
        begin();
    if (len == 0 || !write_file(bytes, len)) {
        ERR_clear_error();
        return 0;
    }
    struct xf_tls_store *store = xf_tls_store_new();
    xf_require(X509_STORE_add_cert(store->anchors, chain_get()->root) == 1);
    if (xf_tls_store_add_crls(store, files, 1, NULL, &err) == XF_ERR_OK) {
        xf_require(store->has_lists);
        use(store);
    } else {
        xf_require(!store->has_lists && strncmp(err.detail, path, strlen(path)) == 0);
    }
    xf_tls_store_unref(&store);
    ERR_clear_error();
    return 0;
}
