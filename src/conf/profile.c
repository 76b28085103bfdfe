/* SPDX-License-Identifier: MIT */
/*
 * profile.c — the settings that kinds of peers need, and the sources of these settings.
 *
 * A profile sets what the section that names it does not say itself: so `peer "x" { profile = webex
 * }` is stronger than `defaults { tls = required }`, and `tls = required` in the peer's own section
 * is stronger than the profile. Settings that a profile does not name come from the weaker
 * sections. `public` names the built-in defaults, so that one peer can have them although
 * `defaults` differs. doc/operators/PROFILES.md describes the profiles for people.
 */
#include "conf_priv.h"

#include <string.h>

struct row {
    const char *key, *value;
};

/* clang-format off */
static const struct row public_rows[] = {
    {"tls", "required"}, {"certificate", "preferred"}, {"sasl-in", "yes"}, {"sasl-out", "yes"}, {"dialback", "yes"},
    {"dialback-by-certificate", "yes"}, {"direct-tls", "yes"}, {"legacy", "yes"}, {"bidi", "yes"}, {"multiplex", "no"},
    {NULL, NULL}};

/*
 * One pair for each stream, separate verify streams, keys of 40 hex digits, idle streams end after
 * 10 minutes.
 */
static const struct row imp_rows[] = {
    {"tls", "required"}, {"certificate", "preferred"}, {"sasl-in", "yes"}, {"sasl-out", "yes"}, {"dialback", "yes"},
    {"dialback-by-certificate", "yes"}, {"direct-tls", "no"}, {"legacy", "no"}, {"bidi", "no"}, {"multiplex", "no"},
    {"idle-timeout", "10m"}, {NULL, NULL}};

/* Hosted domains are on shared hosts, whose certificates do not have the domains' names. */
static const struct row webex_rows[] = {
    {"tls", "optional"}, {"certificate", "ignore"}, {"sasl-in", "no"}, {"sasl-out", "no"}, {"dialback", "yes"},
    {"dialback-by-certificate", "no"}, {"direct-tls", "no"}, {"legacy", "yes"}, {"bidi", "no"}, {"multiplex", "no"},
    {"dane", "no"}, {"downgrade", "allow"}, {NULL, NULL}};

/* Mutual SASL EXTERNAL alone. */
static const struct row sametime_rows[] = {
    {"tls", "required"}, {"certificate", "required"}, {"sasl-in", "yes"}, {"sasl-out", "yes"}, {"dialback", "no"},
    {"dialback-by-certificate", "no"}, {"direct-tls", "no"}, {"legacy", "no"}, {"bidi", "no"}, {"multiplex", "no"}, {NULL, NULL}};

/* Servers from before XMPP 1.0, and those that never had TLS between servers. */
static const struct row legacy_rows[] = {
    {"tls", "none"}, {"certificate", "ignore"}, {"sasl-in", "no"}, {"sasl-out", "no"}, {"dialback", "yes"},
    {"dialback-by-certificate", "no"}, {"direct-tls", "no"}, {"legacy", "yes"}, {"bidi", "no"}, {"multiplex", "no"},
    {"dane", "no"}, {"downgrade", "allow"}, {NULL, NULL}};

static const struct profile {
    const char *name, *source;
    const struct row *rows;
} profiles[XF_PROFILE_COUNT] = {
    [XF_PROFILE_PUBLIC] = {"public", "open federation: what xfedd does by itself (RFC 6120, RFC 7590)", public_rows},
    [XF_PROFILE_IMP] = {"imp", "Cisco, Interdomain Federation on IM and Presence, XMPP federation settings; TLS "
      "required is the default and advice of Expressway", imp_rows},
    [XF_PROFILE_WEBEX] = {"webex", "Cisco Collaboration design guide: TLS Required is not supported with Webex "
      "Messenger, and no client-side certificates", webex_rows},
    [XF_PROFILE_SAMETIME] = {"sametime", "Cisco, Interdomain Federation on IM and Presence: IBM over TLS must be TLS "
      "Required with SASL both ways", sametime_rows},
    [XF_PROFILE_LEGACY] = {"legacy", "RFC 3920 section 4.4.1 and Google Talk's servers: no version, no TLS, dialback alone", legacy_rows},
};
/* clang-format on */

const char *xf_conf_profile_name(enum xf_profile profile)
{
    return profiles[profile].name;
}

const char *xf_conf_profile_source(enum xf_profile profile)
{
    return profiles[profile].source;
}

struct xf_peer_set xf_conf_profile_apply(enum xf_profile profile, struct xf_peer_settings *settings)
{
    struct xf_peer_set written = {0};
    for (const struct row *row = profiles[profile].rows; row->key; row++) {
        const struct xf_option *option = xf_option_find(XF_SECTION_PEER, row->key);
        xf_require(option != NULL);
        if (xf_option_is_in(&settings->set, option))
            continue;
        xf_require(xf_value_parse(option, row->value, "", settings));
        xf_option_put_in(&written, option);
    }
    xf_option_join(&settings->set, &written);
    return written;
}
