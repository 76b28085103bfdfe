/* SPDX-License-Identifier: MIT */
/*
 * settings.h — mail { } and directory { }: where e-mail addresses and groups of our users are read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <xfed/base/texts.h>

enum xf_unknown_use { XF_UNKNOWN_BOUNCE, XF_UNKNOWN_HOLD, XF_UNKNOWN_JID };

struct xf_directory_settings { /* directory { }, LDAP: e-mail addresses and groups of our users */
    /* "" for none; ldap:// or ldaps://, several separated by spaces */
    char *uri;
    bool start_tls;
    char *ca_file;                 /* "" for the system's */
    char *bind_dn, *password_file; /* "": no login */
    char *password;                /* from password-file */
    char *base, *filter;           /* of users */
    /* "uid" and "example.org" give uid@example.org; a value with @ is already a JID */
    char *jid_attribute, *jid_domain;
    char *mail_attribute;
    /*
     * "TITLE=DN": groups that `groups` of peers may name; members are in member, uniqueMember or
     * memberUid
     */
    struct xf_texts groups;
    /* Read all users at the start, in pages; if false, each user when needed. */
    bool preload;
    unsigned page_entries;
    uint64_t refresh_ms;                  /* how often to read all users again */
    uint64_t cache_ms, negative_cache_ms; /* how long answers about single users are valid */
    uint64_t timeout_ms;                  /* of one operation */
    unsigned cache_entries;
    bool keep;        /* keep its answers in a file for the next start */
    uint64_t keep_ms; /* how long an answer is used while the directory cannot be reached */
    /* What becomes of stanzas of users about whom nothing is known while nobody can be asked */
    enum xf_unknown_use unknown;
    uint64_t hold_ms; /* how long such a stanza waits with XF_UNKNOWN_HOLD */
};

struct xf_mailmap_settings {
    char *file; /* map of JIDs to e-mail addresses; "" for none */
    struct xf_directory_settings directory;
};
