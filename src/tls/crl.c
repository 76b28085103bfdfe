/* SPDX-License-Identifier: MIT */
/*
 * crl.c — revocation lists from files into a store of anchors, before it is used.
 *
 * A file holds one or more lists in PEM form, or one in DER form, as CAs publish them. In a
 * directory, every *.pem and *.crl file is read. An outdated list is not an error here: it may be
 * renewed before the next reload, and until then the facts say UNKNOWN (revocation.c). A directory
 * without lists also counts as configured lists, so that missing lists make certificates UNKNOWN
 * and are not overlooked. Test: tests/unit/tls/test_crl.c.
 */
#include "tls_priv.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <xfed/base/alloc.h>

static bool add_list(X509_STORE *anchors, X509_CRL *list)
{
    bool is_added = X509_STORE_add_crl(anchors, list) == 1;

    X509_CRL_free(list);
    return is_added;
}

static bool is_end_of_pem(void)
{
    unsigned long last = ERR_peek_last_error();

    return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/* How many; *out_is_clean: up to the end of the file. */
static size_t add_pem_lists(X509_STORE *anchors, FILE *file, bool *out_is_clean)
{
    X509_CRL *list;
    size_t count = 0;

    while ((list = PEM_read_X509_CRL(file, NULL, NULL, NULL)) != NULL) {
        if (!add_list(anchors, list)) {
            *out_is_clean = false;
            return count;
        }
        count++;
    }
    *out_is_clean = is_end_of_pem();
    return count;
}

static enum xf_err add_file(X509_STORE *anchors, const char *path, struct xf_error *err)
{
    FILE *file = NULL;
    bool is_clean;
    enum xf_err result = xf_tls_open(path, &file, err);

    if (result != XF_ERR_OK)
        return result;
    ERR_clear_error();
    size_t count = add_pem_lists(anchors, file, &is_clean);
    if (count == 0 && is_clean) {
        rewind(file);
        ERR_clear_error();
        X509_CRL *list = d2i_X509_CRL_fp(file, NULL);
        count = list && add_list(anchors, list);
        if (count == 0)
            result = xf_fail(err, XF_ERR_CERTIFICATE,
                             "%s: holds no revocation list in PEM or DER form", path);
    } else if (!is_clean) {
        result = xf_fail(err, XF_ERR_CERTIFICATE, "%s: revocation list %zu cannot be read: %s",
                         path, count + 1, xf_tls_reason());
    }
    ERR_clear_error();
    (void)fclose(file); /* it was only read */
    return result;
}

static bool is_list_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return name[0] != '.' && dot && (strcmp(dot, ".pem") == 0 || strcmp(dot, ".crl") == 0);
}

static enum xf_err add_dir(X509_STORE *anchors, const char *path, struct xf_error *err)
{
    DIR *dir = opendir(path);
    enum xf_err result = XF_ERR_OK;
    struct dirent *entry;

    if (!dir) {
        const char *why = strerrordesc_np(errno);
        return xf_fail(err, XF_ERR_CERTIFICATE, "%s: %s", path, why ? why : "cannot be opened");
    }
    while (result == XF_ERR_OK && (entry = readdir(dir)) != NULL) {
        if (!is_list_name(entry->d_name))
            continue;
        char *file = xf_asprintf("%s/%s", path, entry->d_name);
        result = add_file(anchors, file, err);
        xf_free(file);
    }
    (void)closedir(dir); /* it was only read */
    return result;
}

enum xf_err xf_tls_store_add_crls(struct xf_tls_store *store, const char *const *files,
                                  size_t count, const char *dir, struct xf_error *err)
{
    enum xf_err result = XF_ERR_OK;
    bool has_dir = dir && *dir;

    for (size_t i = 0; i < count && result == XF_ERR_OK; i++)
        result = add_file(store->anchors, files[i], err);
    if (has_dir && result == XF_ERR_OK)
        result = add_dir(store->anchors, dir, err);
    if (result == XF_ERR_OK)
        store->has_lists |= count > 0 || has_dir;
    return result;
}
