/* SPDX-License-Identifier: MIT */
/*
 * conf.h — the configuration as one immutable struct. One row of the option table
 * (src/conf/options.c) defines parser, default, range, --dump and annotated sample of one setting.
 * A reload creates a new struct xf_conf; a loaded one never changes.
 *
 * Each layer declares its settings in a settings.h of its own. Their texts and lists belong to the
 * struct xf_conf that they are part of, unless the layer says that it copies them. Paths in the
 * file are relative to the file's folder and stored resolved. Domains are stored prepared (jid.h),
 * secrets in memory that xf_conf_free wipes. Times are milliseconds, sizes bytes.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <xfed/audit/settings.h>
#include <xfed/auth/settings.h>
#include <xfed/base/crypto.h>
#include <xfed/base/err.h>
#include <xfed/base/map.h>
#include <xfed/base/span.h>
#include <xfed/base/texts.h>
#include <xfed/daemon/settings.h>
#include <xfed/dns/settings.h>
#include <xfed/history/settings.h>
#include <xfed/journal/settings.h>
#include <xfed/link/settings.h>
#include <xfed/mailmap/settings.h>
#include <xfed/policy/settings.h>
#include <xfed/routing/settings.h>
#include <xfed/s2s/settings.h>
#include <xfed/sheets/settings.h>
#include <xfed/simple/settings.h>
#include <xfed/ua/settings.h>

/* Where a section is written, for messages about the files and names in it. */
struct xf_conf_place {
    char *file;
    int line;
    struct xf_conf_key_line {
        const char *key; /* of the option table */
        int line;
    } * keys; /* that the section has */
    size_t key_count;
};

struct xf_conf_peer {
    /* "b.example" or "*.b.example" (covers b.example itself), prepared */
    char *pattern;
    struct xf_conf_place at;
    struct xf_peer_settings settings; /* only what the section or its profile sets */
    struct xf_peer_set by_profile;    /* the settings that come from its profile */
};

struct xf_conf_link {
    struct xf_conf_place at;
    struct xf_link_settings settings;
};

struct xf_conf_served {
    struct xf_conf_place at;
    struct xf_served_settings settings;
};

struct xf_conf_node {
    struct xf_conf_place at;
    struct xf_node_settings settings;
};

struct xf_conf {
    char *file;
    struct xf_texts files; /* `file`, and all files that it includes */
    size_t exposed;        /* number of secrets that others can read or guess; each has a warning */

    struct xf_listen_settings listen;
    struct xf_dns_settings dns;
    struct xf_dialback_settings dialback;
    struct xf_trust_settings trust;
    struct xf_history_settings history;
    struct xf_journal_settings journal;
    struct xf_audit_settings audit;
    struct xf_s2s_settings s2s;
    struct xf_routing_settings routing;
    struct xf_process_settings process;
    struct xf_publish_settings publish;
    struct xf_sip_settings sip;
    struct xf_ua_settings ua;         /* sip { } too */
    struct xf_simple_settings simple; /* likewise */
    struct xf_mailmap_settings mailmap;
    struct xf_policy_settings policy;
    struct xf_peer_settings defaults; /* all values are set */
    struct xf_peer_set defaults_by_profile;

    struct xf_conf_link *links;
    size_t link_count;
    struct xf_conf_served *served;
    size_t served_count;
    struct xf_conf_node *nodes;
    size_t node_count;
    struct xf_conf_peer *peers;
    size_t peer_count;
    /* Pattern -> struct xf_conf_peer; NULL in a conf that was not loaded from a file. */
    struct xf_map *peer_index;

    /*
     * Where these sections are written, for messages about values that only the code that uses them
     * can check. top_at: the keys outside of sections.
     */
    struct xf_conf_place top_at, listen_at, trust_at, history_at, process_at, mail_at, directory_at,
        policy_at, defaults_at, sip_at, journal_at, audit_at;
};

/*
 * Read and check a configuration file. XF_ERR_CONFIG: *out_messages (free with xf_free) has one
 * message per line, `FILE:LINE: what is wrong, what is accepted`. With XF_ERR_OK it has the
 * warnings (such as a missing dialback secret); NULL if there are none.
 */
XF_MUST_USE enum xf_err xf_conf_load(const char *file, struct xf_conf **out_conf,
                                     char **out_messages);

/*
 * As xf_conf_load, for who wants to tell all that is wrong: never NULL. With errors the defaults
 * stand in for what is wrong, texts without default are empty, and nothing may run by it.
 */
struct xf_conf *xf_conf_examine(const char *file, size_t *out_errors, char **out_messages);

/*
 * As xf_conf_load, for a running program that may have given up the right to read its secrets: if a
 * secret file cannot be used and what is in force names the same file, the secret in force is kept,
 * with a warning. That is the one of `boot`, the configuration of the start, for what needs a
 * restart, and of `running`, the one of the last reload, for the rest.
 */
XF_MUST_USE enum xf_err xf_conf_reload(const char *file, const struct xf_conf *boot,
                                       const struct xf_conf *running, struct xf_conf **out_conf,
                                       char **out_messages);
void xf_conf_free(struct xf_conf **conf);

/* The line of the key, else that of its section; 0 when neither was written. */
int xf_conf_line(const struct xf_conf_place *place, const char *key);

/* Is this item of `pins` the name of a file? */
bool xf_conf_pin_is_file(const char *pin);
/*
 * Add the digest of a pin that is in a file, which src/conf cannot read. Call it while loading,
 * before others use the conf.
 */
void xf_conf_add_pin(struct xf_peer_settings *settings, const uint8_t spki_sha256[32]);

/*
 * Does `next` have changes that need a restart of a program that runs with `running`? Writes which
 * ones for people ("listen.s2s, link.nodes"), cut to fit `out`.
 */
bool xf_conf_needs_restart(const struct xf_conf *running, const struct xf_conf *next, char *out,
                           size_t out_bytes);

enum xf_dump {
    XF_DUMP_ALL,     /* with all defaults */
    XF_DUMP_CHANGED, /* only what is not the default, and what has none */
};

/*
 * Print the effective configuration in the syntax of the file. Either way it can be loaded, and has
 * the same effect. For a secret it prints only the name of its file.
 */
void xf_conf_dump(const struct xf_conf *conf, enum xf_dump what, FILE *out);

/*
 * Digest, in hex, of what the nodes of one deployment should have in common: all but the names of
 * files and what belongs to a machine, such as addresses to listen on. Covers the dialback secret
 * without giving it away.
 */
void xf_conf_digest(const struct xf_conf *conf, char out[XF_SHA256_HEX_BYTES + 1]);

/* Print the annotated sample: every setting with its default and help. */
void xf_conf_sample(FILE *out);

/* What the manual says about a setting. The texts are valid during the call. */
struct xf_conf_row {
    const char *section; /* the word in the file; "" outside of sections */
    const char *title;   /* an example, for sections that have a title; else NULL */
    const char *section_help;
    const char *key; /* NULL: the section has the keys of the one before it */
    const char *help;
    const char *takes;  /* what is accepted, a sentence */
    const char *value;  /* the default or an example, as it is written in the file */
    bool has_to_be_set; /* there is no default */
    bool is_example;    /* `value` is not the default */
};
typedef void (*xf_conf_row_fn)(void *owner, const struct xf_conf_row *row);
/* Call `each` for every setting, in the order of the sample. */
void xf_conf_each_row(xf_conf_row_fn each, void *owner);

/*
 * Where a setting of a peer comes from: the place of its section (NULL: no section sets it, the
 * built-in default applies), the line there, and whether the section's profile sets it, not the
 * section itself.
 */
struct xf_conf_origin {
    const char *section; /* pattern of the peer's section, "defaults", or NULL */
    const struct xf_conf_place *place;
    int line;
    bool by_profile;
};

/*
 * Called for each setting of a peer, in the order of the table, with its name, its value as it
 * would be written in a file, and its origin.
 */
typedef void (*xf_setting_fn)(void *owner, const char *key, struct xf_span value,
                              const struct xf_conf_origin *origin);
void xf_conf_each_setting(const struct xf_conf *conf, struct xf_span peer, xf_setting_fn each,
                          void *owner);

/* The origin of one setting. */
struct xf_conf_origin xf_conf_setting_origin(const struct xf_conf *conf, struct xf_span peer,
                                             const char *key);

/*
 * The name of a profile, such as "webex", and where its settings come from, in words for operators.
 */
const char *xf_conf_profile_name(enum xf_profile profile);
const char *xf_conf_profile_source(enum xf_profile profile);

/*
 * The settings for a peer: the defaults, overridden by the sections "*.suffix" (shortest first),
 * then by the peer's own section. `out` borrows texts from conf. Costs a few lookups for each label
 * of the name, however many peers are configured.
 */
void xf_conf_peer_settings(const struct xf_conf *conf, struct xf_span peer,
                           struct xf_peer_settings *out);

/*
 * Does a peer of this protocol look at the setting `key`? With XF_PROTOCOL_AUTO every setting
 * counts.
 */
bool xf_conf_setting_is_of(const char *key, enum xf_protocol protocol);

/* Does SIP run with it: is there a host for SIP, and a listener? */
static inline bool xf_conf_sip_is_on(const struct xf_conf *conf)
{
    return *conf->ua.host && conf->listen.sip.count + conf->listen.sip_tcp.count > 0;
}

/* Where peers reach us by SIP in clear. */
unsigned xf_conf_sip_tcp_port(const struct xf_conf *conf);

/*
 * The most specific section for a peer: its own, else the longest pattern; NULL if only the
 * defaults apply.
 */
const struct xf_conf_peer *xf_conf_peer_find(const struct xf_conf *conf, struct xf_span peer);

/*
 * The settings for every name whose most specific section is `section`: the defaults, overridden by
 * all shorter patterns, then by the section itself.
 */
void xf_conf_section_settings(const struct xf_conf *conf, const struct xf_conf_peer *section,
                              struct xf_peer_settings *out);
