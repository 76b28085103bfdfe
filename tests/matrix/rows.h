/* SPDX-License-Identifier: MIT */
/* rows.h — Openfire's matrix: two sides with their settings, and how their meeting ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum side_tls { SIDE_TLS_DISABLED, SIDE_TLS_OPTIONAL, SIDE_TLS_REQUIRED };
enum side_cert { SIDE_CERT_MISSING, SIDE_CERT_INVALID, SIDE_CERT_VALID }; /* invalid: has expired */
enum outcome { OUTCOME_NONE, OUTCOME_PLAIN_DIALBACK, OUTCOME_TLS_DIALBACK, OUTCOME_TLS_EXTERNAL };

struct side {
    enum side_tls tls;
    enum side_cert cert;
    bool dialback;
    bool strict; /* a certificate that is shown must be valid */
};

struct row {
    int line; /* in the file */
    struct side initiator, receiver;
    enum outcome outcome;
};

struct rows {
    struct row *items;
    size_t count;
};

/* On false *out_why says where the file is wrong (free with xf_free). */
bool rows_load(const char *file, struct rows *out_rows, char **out_why);
void rows_free(struct rows *rows);

const char *outcome_word(enum outcome outcome);                       /* as in the file */
void side_text(const struct side *side, char *out, size_t out_bytes); /* "optional,valid,1,0" */
