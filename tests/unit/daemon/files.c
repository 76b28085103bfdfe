/* SPDX-License-Identifier: MIT */
/* files.c — see files.h */
#include "files.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfed/base/alloc.h>
#include <xfed/base/err.h>

void files_make(struct files *files)
{
    *files = (struct files){"/tmp/xfed-certs-XXXXXX"};
    xf_require(mkdtemp(files->path) != NULL);
}

void files_copy(const struct files *from, struct files *to)
{
    files_make(to);
    char *command = xf_asprintf("cp -a %s/. %s", from->path, to->path);
    xf_require(system(command) == 0);
    xf_free(command);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

void files_remove(struct files *files)
{
    xf_require(nftw(files->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static FILE *new_file(const struct files *files, const char *name)
{
    char *path = xf_asprintf("%s/%s", files->path, name);
    for (char *slash = strchr(path + strlen(files->path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* may be there */
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    xf_require(file != NULL && fchmod(fileno(file), 0600) == 0);
    xf_free(path);
    return file;
}

void files_put_text(const struct files *files, const char *name, const char *text)
{
    FILE *file = new_file(files, name);
    xf_require(fputs(text, file) >= 0 && fclose(file) == 0);
}

void files_put_cert(const struct files *files, const char *name, const struct cert *cert,
                    const struct cert *behind)
{
    FILE *file = new_file(files, name);
    xf_require(PEM_write_X509(file, cert->x509) == 1);
    xf_require(!behind || PEM_write_X509(file, behind->x509) == 1);
    xf_require(fclose(file) == 0);
}

void files_put_key(const struct files *files, const char *name, const struct cert *cert)
{
    FILE *file = new_file(files, name);
    xf_require(PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL) == 1 &&
               fclose(file) == 0);
}

void files_put_list(const struct files *files, const char *name, const struct crl_spec *spec)
{
    FILE *file = new_file(files, name);
    X509_CRL *list = crl_make(spec);
    xf_require(PEM_write_X509_CRL(file, list) == 1 && fclose(file) == 0);
    X509_CRL_free(list);
}

void files_chmod(const struct files *files, const char *name, mode_t mode)
{
    char *path = xf_asprintf("%s/%s", files->path, name);
    xf_require(chmod(path, mode) == 0);
    xf_free(path);
}

void files_delete(const struct files *files, const char *name)
{
    char *path = xf_asprintf("%s/%s", files->path, name);
    xf_require(unlink(path) == 0);
    xf_free(path);
}
