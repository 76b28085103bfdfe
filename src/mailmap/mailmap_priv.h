/* SPDX-License-Identifier: MIT */
/*
 * mailmap_priv.h — what the files of mailmap share.
 *
 *   text.c       values of files and directories -> prepared JIDs and addresses
 *   table.c      an immutable map of both directions, made whole on the pool and swapped in
 *   cache.c      answers about single users, with their times
 *   file.c       the map file
 *   ldap.c       a connection to the directory: TLS, bind, searches; blocking, for the pool
 *   load.c       ... all users in pages, and the groups (members.c)
 *   query.c      ... one user
 *   settings.c   a copy of directory { } that outlives the configuration
 *   wait.c       lookups under way, and who waits for them
 *   jobs.c       what runs on the pool, when, and what happens with the result
 *   watch.c      ... of the file
 *   mailmap.c    answers from what is known; creates and frees the map
 *   check.c      for xfedd -t
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <xfed/base/draft.h>
#include <xfed/base/map.h>
#include <xfed/mailmap/mailmap.h>
#include <xfed/xmpp/jid.h>

/* ------------------------------------------------------------------ text.c */

struct xf_bare {         /* a prepared bare JID */
    struct xf_span text; /* in `bytes` */
    char bytes[XF_JID_MAX + 1];
};

/*
 * A value that names a user: "alice" with `domain`, or with an @ of its own; a scheme in front
 * (sip: smtp: xmpp: mailto:) is dropped, and characters that a local part may not contain are
 * escaped (XEP-0106: o'brien@x is o\27brien@x). False: it is not a bare address.
 */
XF_MUST_USE bool xf_bare_make(struct xf_span value, struct xf_span domain, struct xf_bare *out);

/*
 * The local part as a directory writes it, with XEP-0106 escapes decoded. `out` has room for
 * local.len bytes.
 */
struct xf_span xf_bare_unescape(struct xf_span local, char *out);

/* ------------------------------------------------------------------ messages of a source */

#define XF_NOTES_MAX 100 /* notes of one reading; further ones are only counted */

struct xf_notes {
    char *line[XF_NOTES_MAX];
    size_t count; /* of all */
};
void xf_note(struct xf_notes *notes, const char *fmt, ...) XF_PRINTF(2, 3);
void xf_notes_release(struct xf_notes *notes);
void xf_notes_log(struct xf_notes *notes); /* and release them */

/* ------------------------------------------------------------------ table.c */

struct xf_table;
struct xf_table *xf_table_new(size_t users_max);
void xf_table_free(struct xf_table **table);

enum xf_table_add {
    XF_TABLE_ADDED,
    XF_TABLE_SAME,       /* the same pair is there already */
    XF_TABLE_MAIL_TAKEN, /* another user has that address: from now on nobody has it */
    XF_TABLE_JID_TAKEN,  /* the user has another address, and keeps it */
    XF_TABLE_FULL,
};

struct xf_user {
    struct xf_span jid, mail;
    unsigned line; /* where it was read, 0 for nowhere */
};
/*
 * *out_other: the user who was there first, for MAIL_TAKEN and JID_TAKEN; borrowed until the next
 * add.
 */
XF_MUST_USE enum xf_table_add xf_table_add(struct xf_table *table, const struct xf_user *user,
                                           struct xf_user *out_other);

/* FOUND or NONE; LATER: the table does not know it. NONE for an address that several users have. */
enum xf_mailmap_answer xf_table_mail(const struct xf_table *table, struct xf_span jid,
                                     struct xf_span *out_mail);
enum xf_mailmap_answer xf_table_jid(const struct xf_table *table, struct xf_span mail,
                                    struct xf_span *out_jid);
size_t xf_table_count(const struct xf_table *table);
/* The user of that number, below the count; borrowed until the next add. */
void xf_table_user(const struct xf_table *table, size_t number, struct xf_user *out);
size_t xf_table_bytes(const struct xf_table *table);

/* Add a text about a duplicate to the notes; `where` is a file, or "" for the directory. */
void xf_table_note(struct xf_notes *notes, const char *where, enum xf_table_add result,
                   const struct xf_user *user, const struct xf_user *other);

/* ------------------------------------------------------------------ cache.c */

struct xf_cache;
struct xf_cache *xf_cache_new(size_t entries_max);
void xf_cache_free(struct xf_cache **cache);
void xf_cache_clear(struct xf_cache *cache);
size_t xf_cache_count(const struct xf_cache *cache);

/*
 * Store that the user `jid` has `mail`; if one of them is absent, that the other has no
 * counterpart. Valid until `until_ms`.
 */
void xf_cache_put(struct xf_cache *cache, struct xf_span jid, struct xf_span mail,
                  uint64_t until_ms);
/* As for the table; *out_is_fresh: the answer has not expired. */
enum xf_mailmap_answer xf_cache_mail(struct xf_cache *cache, struct xf_span jid, uint64_t now_ms,
                                     struct xf_span *out_mail, bool *out_is_fresh);
enum xf_mailmap_answer xf_cache_jid(struct xf_cache *cache, struct xf_span mail, uint64_t now_ms,
                                    struct xf_span *out_jid, bool *out_is_fresh);

/* ------------------------------------------------------------------ file.c */

struct xf_stamp { /* identifies one state of a file */
    uint64_t dev, ino;
    int64_t size, mtime_s, mtime_ns;
};
bool xf_stamp_take(const char *path, struct xf_stamp *out); /* false: there is no file */
bool xf_stamp_eq(const struct xf_stamp *a, const struct xf_stamp *b);

/* XF_ERR_IO, XF_ERR_BAD_VALUE with FILE:LINE: words. Duplicates are notes. */
XF_MUST_USE enum xf_err xf_file_read(const char *path, struct xf_table **out_table,
                                     struct xf_notes *notes, struct xf_error *err);

/* ------------------------------------------------------------------ settings.c */

/* NULL: none is configured */
struct xf_directory_settings *xf_directory_copy(const struct xf_directory_settings *from);
void xf_directory_free(struct xf_directory_settings **directory);
bool xf_directory_eq(const struct xf_directory_settings *a, const struct xf_directory_settings *b);

/* ----------------------------------------------------------- ldap.c, load.c, verify.c: blocking */

struct ldap;
struct ldapmsg;

struct xf_directory {
    const struct xf_directory_settings *settings; /* borrowed */
    struct ldap *ld;                              /* NULL: not connected */
    const atomic_bool *stop;                      /* end soon */
};

/*
 * Connect, start TLS and bind, unless connected. XF_ERR_IO, XF_ERR_TIMEOUT: cannot be reached;
 * XF_ERR_TLS; XF_ERR_REFUSED: wrong password.
 */
XF_MUST_USE enum xf_err xf_directory_open(struct xf_directory *directory, struct xf_error *err);
void xf_directory_close(struct xf_directory *directory);
/* Limits the size of messages; call it before the first one. */
void xf_directory_bound(struct ldap *ld);

struct xf_search {
    const char *base, *filter;
    int scope, size_limit;
    char **attributes;
    struct ldapcontrol **controls;
};
/*
 * Free `out` with ldap_msgfree, also after XF_ERR_LIMIT (when it holds some entries). Closes a lost
 * connection.
 */
XF_MUST_USE enum xf_err xf_directory_search(struct xf_directory *directory,
                                            const struct xf_search *search, struct ldapmsg **out,
                                            struct xf_error *err);
/* The filter for users, combined with `condition`. Free with xf_free. */
char *xf_directory_filter(const struct xf_directory_settings *settings, const char *condition);
/* RFC 4515 section 3: writes special characters as \XX. */
void xf_filter_escape(struct xf_draft *draft, struct xf_span value);
/* JID and address of an entry; either may be absent (text.ptr NULL). */
void xf_directory_user(const struct xf_directory *directory, struct ldapmsg *entry,
                       struct xf_bare *out_jid, struct xf_bare *out_mail);

struct xf_loaded {
    struct xf_table *users; /* NULL with preload = no */
    struct xf_map *members; /* "group\0jid" -> itself */
    struct xf_notes notes;
};
XF_MUST_USE enum xf_err xf_directory_load(struct xf_directory *directory, struct xf_loaded *out,
                                          struct xf_error *err);

/* ---- members.c */
void xf_loaded_release(struct xf_loaded *loaded);
void xf_members_add(struct xf_map *members, struct xf_span group, struct xf_span jid);
/* Is this JID a member of the group? False for `members` NULL. */
bool xf_members_has(const struct xf_map *members, const char *group, struct xf_span jid);

/* ---- verify.c */

/* Look up the address of this JID; the JID of this address. */
enum { XF_ASK_MAIL = 1, XF_ASK_JID = 2 };

struct xf_mailmap_query_answer {
    char *mail, *jid; /* NULL: none */
};
XF_MUST_USE enum xf_err xf_directory_ask(struct xf_directory *directory, struct xf_span address,
                                         unsigned kinds, struct xf_mailmap_query_answer *out,
                                         struct xf_notes *notes, struct xf_error *err);

/* ------------------------------------------------------------------ wait.c */

/* Lookups at a time; further queries are answered from what is known. */
#define XF_ASKS_MAX           4096
#define XF_ASKS_STRANGERS_MAX 2048 /* of these, lookups for peers, who may make addresses up */

struct xf_mailmap_query {
    struct xf_node node; /* in mailmap->queue or ->strangers until it is sent */
    bool is_of_stranger; /* none of our users waits for it */
    struct xf_mailmap *mailmap;
    unsigned wants, has; /* XF_ASK_* */
    bool is_late;        /* its waiters have timed out; the answer is for the next query */
    struct xf_node waits;
    struct xf_timer timer;
    struct xf_span address; /* behind the struct */
};

/*
 * LATER: it waits to be sent (xf_jobs_ask), or is under way. NONE: none is possible, or it is late:
 * use what is known.
 */
enum xf_mailmap_answer xf_mailmap_query_begin(struct xf_mailmap *mailmap, struct xf_span address,
                                              unsigned kind);
/* Queue the query, to be sent or sent again. */
void xf_mailmap_query_queue(struct xf_mailmap_query *ask);
/* The next query to send; NULL: none. */
struct xf_mailmap_query *xf_mailmap_query_next(const struct xf_mailmap *mailmap);
/* Wakes the waiters, and frees the query. */
void xf_mailmap_query_end(struct xf_mailmap_query *ask);
void xf_asks_end(struct xf_mailmap *mailmap);

/* ------------------------------------------------------------------ jobs.c */

#define XF_BATCH 64 /* lookups in one job */

struct xf_file_job {
    char *path;      /* NULL: no file is configured */
    char *next_path; /* taken over when the job is done */
    struct xf_stamp stamp, next_stamp;
    bool was_missing, is_new, is_running, is_known; /* is_known: it has been read, or cannot be */
    enum xf_err result;
    struct xf_error err;
    struct xf_table *table; /* that was read */
    struct xf_notes notes;
    struct xf_timer timer;
};

struct xf_load_job {
    struct xf_directory directory;
    bool is_running;
    enum xf_err result;
    struct xf_error err;
    struct xf_loaded loaded;
    uint64_t began_ms, retry_ms;
    struct xf_timer timer;
};

struct xf_mailmap_query_job {
    struct xf_directory directory;
    bool is_running;
    enum xf_err result;
    struct xf_error err;
    struct xf_notes notes;
    size_t count;
    struct {
        struct xf_mailmap_query *ask;
        unsigned kinds;
        bool is_done;
        struct xf_mailmap_query_answer answer;
    } batch[XF_BATCH];
};

struct xf_mailmap {
    struct xf_mailmap_opts opts;
    atomic_bool stop;
    struct xf_directory_settings *directory; /* in force; NULL for none */
    struct xf_directory_settings *next;      /* taken over when no job uses the one in force */
    bool has_next;
    struct xf_table *file, *users; /* NULL: nothing known */
    struct xf_map *members;
    struct xf_cache *cache;
    struct xf_map *asks; /* by address */
    /* Queries that are not sent yet; queries for strangers are sent after the others. */
    struct xf_node queue, strangers;
    size_t stranger_count; /* how many of them are for strangers */
    bool is_away;          /* the directory cannot be reached, and this was logged */
    struct xf_file_job file_job;
    struct xf_load_job load_job;
    struct xf_mailmap_query_job ask_job;
};

static inline uint64_t xf_mailmap_now(const struct xf_mailmap *mailmap)
{
    return mailmap->opts.clock->now_ms;
}

void xf_jobs_init(struct xf_mailmap *mailmap);
void xf_jobs_fini(struct xf_mailmap *mailmap);
void xf_jobs_set_directory(struct xf_mailmap *mailmap, struct xf_directory_settings *taken);
void xf_jobs_ask(struct xf_mailmap *mailmap); /* send what waits to be sent */

/* ------------------------------------------------------------------ watch.c */

void xf_watch_init(struct xf_mailmap *mailmap);
void xf_watch_fini(struct xf_mailmap *mailmap);
void xf_watch_set(struct xf_mailmap *mailmap, const char *path); /* and read it; "" for none */
