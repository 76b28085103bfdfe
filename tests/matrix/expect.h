/* SPDX-License-Identifier: MIT */
/*
 * expect.h — what the gateway is set to for a side of the table, and how the row must end: as the
 * file says, or as one of the deliberate differences of doc/design/MATRIX.md.
 */
#pragma once

#include "rows.h"

enum role { ROLE_INITIATOR, ROLE_RECEIVER };

/* Of ours, for the peer. Openfire's `strict` is certificate = required, else preferred. */
struct settings {
    enum side_tls tls;
    bool is_cert_required;
    bool dialback;
};

struct difference {
    const char *name;    /* as in doc/design/MATRIX.md */
    const char *setting; /* with which we end as the file says */
    bool (*applies)(enum role role, const struct row *row);
    enum outcome outcome;
    void (*change)(struct settings *settings);
};

extern const struct difference differences[];
extern const size_t difference_count;

const char *role_word(enum role role);
const struct side *our_side(enum role role, const struct row *row);
const struct side *peer_side(enum role role, const struct row *row);

struct settings settings_of(const struct side *side);

/* The first difference that applies; NULL: as in the file. */
const struct difference *difference_of(enum role role, const struct row *row);

/*
 * The settings with which the gateway ends as the file says: those of all differences that apply.
 */
struct settings settings_like_file(enum role role, const struct row *row);
