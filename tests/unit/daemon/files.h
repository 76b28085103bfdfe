/* SPDX-License-Identifier: MIT */
/* files.h — a scratch folder of certificates for the tests of what a configuration names. */
#pragma once

#include "certs.h"

#include <sys/types.h>

struct files {
    char path[64]; /* of the folder */
};

void files_make(struct files *files);
/* makes it, with all that is in the other */
void files_copy(const struct files *from, struct files *to);
void files_remove(struct files *files); /* with all that is in it */

void files_put_text(const struct files *files, const char *name, const char *text);
/* The folders of `name` are made too. `behind`: further in the file, NULL for none. */
void files_put_cert(const struct files *files, const char *name, const struct cert *cert,
                    const struct cert *behind);
void files_put_key(const struct files *files, const char *name, const struct cert *cert);
void files_put_list(const struct files *files, const char *name, const struct crl_spec *spec);
void files_chmod(const struct files *files, const char *name, mode_t mode); /* 0600 at first */
void files_delete(const struct files *files, const char *name);
