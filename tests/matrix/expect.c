/* SPDX-License-Identifier: MIT */
/*
 * expect.c — the deliberate differences, each as a condition on the row, the outcome that we want
 * in place of the file's, and the setting that gives the file's. MATRIX.md has the reasons. The
 * conditions are made of the row alone, never of what was seen.
 */
#include "expect.h"

#include <xfed/base/err.h>

const char *role_word(enum role role)
{
    return role == ROLE_INITIATOR ? "initiator" : "receiver";
}

const struct side *our_side(enum role role, const struct row *row)
{
    return role == ROLE_INITIATOR ? &row->initiator : &row->receiver;
}

const struct side *peer_side(enum role role, const struct row *row)
{
    return role == ROLE_INITIATOR ? &row->receiver : &row->initiator;
}

/*
 * Without TLS there is no certificate to be strict about: the file's rows of a disabled side do not
 * depend on it, and certificate = required with tls = none is refused at load.
 */
struct settings settings_of(const struct side *side)
{
    return (struct settings){
        .tls = side->tls,
        .is_cert_required = side->strict && side->tls != SIDE_TLS_DISABLED,
        .dialback = side->dialback,
    };
}

/* ------------------------------------------------------------------ the differences */

/*
 * Openfire's strict looks at a certificate if there is one (and, as a receiver with a bad one of
 * its own, not even then); ours demands a good one, on the stream itself and on the one that
 * carries db:verify.
 */
static bool lacks_certificate(enum role role, const struct row *row)
{
    const struct side *ours = our_side(role, row), *peer = peer_side(role, row);
    if (!ours->strict || ours->tls == SIDE_TLS_DISABLED)
        return false;
    if (row->outcome == OUTCOME_PLAIN_DIALBACK)
        return true;
    bool is_shown = role == ROLE_RECEIVER ? peer->cert == SIDE_CERT_VALID
                                          /* else db:verify comes in clear */
                                          : ours->cert != SIDE_CERT_MISSING;
    return row->outcome == OUTCOME_TLS_DIALBACK && !is_shown;
}

static void prefer_certificate(struct settings *settings)
{
    settings->is_cert_required = false;
}

/* The peer has no certificate, so that its authoritative server can only be asked in clear. */
static bool asks_in_clear(enum role role, const struct row *row)
{
    return role == ROLE_RECEIVER && row->receiver.tls == SIDE_TLS_REQUIRED &&
           row->outcome == OUTCOME_TLS_DIALBACK && row->initiator.cert == SIDE_CERT_MISSING;
}

/* Required TLS that we cannot give to anyone who connects. */
static bool cannot_give_tls(enum role role, const struct row *row)
{
    const struct side *ours = our_side(role, row);
    return ours->tls == SIDE_TLS_REQUIRED && ours->cert == SIDE_CERT_MISSING &&
           row->outcome != OUTCOME_NONE;
}

/*
 * The peer ends the handshake over our expired certificate, and both sides allow what is left:
 * dialback in clear.
 */
static bool goes_on_in_clear(enum role role, const struct row *row)
{
    const struct side *ours = our_side(role, row), *peer = peer_side(role, row);
    return role == ROLE_INITIATOR && row->outcome == OUTCOME_NONE &&
           ours->tls == SIDE_TLS_OPTIONAL && peer->tls == SIDE_TLS_OPTIONAL && !ours->strict &&
           ours->dialback && peer->dialback && ours->cert == SIDE_CERT_INVALID &&
           peer->cert == SIDE_CERT_VALID && peer->strict;
}

static void make_tls_required(struct settings *settings)
{
    settings->tls = SIDE_TLS_REQUIRED;
}

static void make_tls_optional(struct settings *settings)
{
    settings->tls = SIDE_TLS_OPTIONAL;
}

/* clang-format off */
const struct difference differences[] = {
    {"certificate-is-required", "certificate = preferred", lacks_certificate, OUTCOME_NONE, prefer_certificate},
    {"verify-is-secure-too",    "tls = optional",          asks_in_clear,     OUTCOME_NONE, make_tls_optional},
    {"no-certificate-of-ours",  "tls = optional",          cannot_give_tls,   OUTCOME_NONE, make_tls_optional},
    {"optional-goes-in-clear",  "tls = required",          goes_on_in_clear,  OUTCOME_PLAIN_DIALBACK, make_tls_required},
};
/* clang-format on */
const size_t difference_count = XF_ARRAY_LEN(differences);

const struct difference *difference_of(enum role role, const struct row *row)
{
    for (size_t i = 0; i < difference_count; i++) {
        if (differences[i].applies(role, row))
            return &differences[i];
    }
    return NULL;
}

struct settings settings_like_file(enum role role, const struct row *row)
{
    struct settings settings = settings_of(our_side(role, row));
    for (size_t i = 0; i < difference_count; i++) {
        if (differences[i].applies(role, row))
            differences[i].change(&settings);
    }
    return settings;
}
