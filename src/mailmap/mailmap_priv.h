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
 *   keep.c       what the directory said, for the next start: when it is written and read
 *   kept_file.c  ... the SQLite file
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
#include <xfed/base/crypto.h>
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
/* Forget all but the users who have no address. */
void xf_cache_drop_addresses(struct xf_cache *cache);
void xf_cache_bound(struct xf_cache *cache, size_t entries_max);
size_t xf_cache_count(const struct xf_cache *cache);

struct xf_cache_times {
    uint64_t fresh_until_ms; /* from then on it is asked for again */
    uint64_t known_until_ms; /* from then on it does not count any more */
};
/*
 * Store that the user `jid` has `mail`; if one of them is absent, that the other has no
 * counterpart.
 */
void xf_cache_put(struct xf_cache *cache, struct xf_span jid, struct xf_span mail,
                  const struct xf_cache_times *times);
/* As for the table; *out_is_fresh: it need not be asked for again. */
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
/* Do both ask for the same users? Servers, TLS, times and limits do not matter. */
#define XF_SOURCE_CHARS XF_SHA256_HEX_BYTES
void xf_directory_source(const struct xf_directory_settings *directory,
                         char out[XF_SOURCE_CHARS + 1]);
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
    struct xf_buf kept; /* the users as rows for the file; empty with preload = no */
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
    bool is_unknown;     /* nothing is known about the address: with unknown = hold it waits */
    struct xf_node waits;
    struct xf_timer timer;
    struct xf_span address; /* behind the struct */
};

/*
 * LATER: it waits to be sent (xf_jobs_ask), or is under way. NONE: none is possible, or it is late:
 * use what is known. is_known: something is, if not fresh.
 */
enum xf_mailmap_answer xf_mailmap_query_begin(struct xf_mailmap *mailmap, struct xf_span address,
                                              unsigned kind, bool is_known);
/* Queue the query, to be sent or sent again. */
void xf_mailmap_query_queue(struct xf_mailmap_query *ask);
/* The next query to send; NULL: none. */
struct xf_mailmap_query *xf_mailmap_query_next(const struct xf_mailmap *mailmap);
/* Wakes the waiters, and frees the query. */
void xf_mailmap_query_end(struct xf_mailmap_query *ask);
/* End the queries that are not sent, but for those that wait until the directory is back. */
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

/* ------------------------------------------------------------------ keep.c, kept_file.c */

#define XF_KEPT_ROWS_MAX_BYTES (64u << 20) /* of one writing */
#define XF_KEPT_PAGES_MAX      "65536"     /* of the file, of 4096 bytes */

struct xf_database;

struct xf_kept_bounds {
    char source[XF_SOURCE_CHARS + 1]; /* what the rows are of: xf_directory_source */
    int64_t now_s, oldest_s;          /* rows of oldest_s and older ones are forgotten */
    unsigned users_max;
};

struct xf_keep {
    char *path;                  /* "": nothing is kept */
    struct xf_database *file;    /* NULL: none is open */
    bool is_decided, is_wanted;  /* whether the settings want the file, as last followed */
    struct xf_buf rows;          /* for the next writing */
    bool is_whole;               /* ... which replaces all addresses in the file */
    bool has_failed, is_running; /* has_failed: the last writing, as was logged */
    /* The writing on the pool; the loop does not touch it. */
    struct xf_buf writing;
    bool is_writing_whole;
    struct xf_kept_bounds bounds;
    enum xf_err result;
    struct xf_error err;
};

XF_MUST_USE enum xf_err xf_kept_file_open(const char *path, struct xf_database **out_file,
                                          struct xf_error *err);
/* Called for each user, the latest last; `mail` is absent for one without an address. */
typedef void (*xf_kept_read_fn)(void *owner, struct xf_span jid, struct xf_span mail,
                                int64_t seen_s);
XF_MUST_USE enum xf_err xf_kept_file_read(struct xf_database *file,
                                          const struct xf_kept_bounds *bounds, xf_kept_read_fn read,
                                          void *owner, struct xf_error *err);
/* Append a user to the rows for the file. False: they are full. */
XF_MUST_USE bool xf_kept_rows_add(struct xf_buf *rows, struct xf_span jid, struct xf_span mail);
XF_MUST_USE bool xf_kept_rows_add_table(struct xf_buf *rows, const struct xf_table *table);
/* All or nothing. is_whole: users with an address who are not among the rows are forgotten. */
XF_MUST_USE enum xf_err xf_kept_file_write(struct xf_database *file,
                                           const struct xf_kept_bounds *bounds, bool is_whole,
                                           struct xf_span rows, struct xf_error *err);

/* Remove the file, if there is one. NULL and "" are allowed. */
void xf_keep_remove(const char *path);
void xf_keep_init(struct xf_mailmap *mailmap);
void xf_keep_fini(struct xf_mailmap *mailmap);
/* Open and read the file, or remove it, as the settings in force want; nothing during a writing. */
void xf_keep_follow(struct xf_mailmap *mailmap);
/* The directory was read: the rows are taken, and written now. */
void xf_keep_all(struct xf_mailmap *mailmap, struct xf_buf *rows);
/* Note an answer about one user; xf_keep_write writes what was noted. */
void xf_keep_one(struct xf_mailmap *mailmap, struct xf_span jid, struct xf_span mail);
void xf_keep_write(struct xf_mailmap *mailmap);

struct xf_mailmap {
    struct xf_mailmap_opts opts;
    atomic_bool stop;
    struct xf_directory_settings *directory; /* in force; NULL for none */
    struct xf_directory_settings *next;      /* taken over when no job uses the one in force */
    bool has_next;
    struct xf_table *file, *users; /* NULL: nothing known */
    uint64_t users_until_ms;       /* how long `users` count while the directory is away */
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
    struct xf_keep keep;
};

static inline uint64_t xf_mailmap_now(const struct xf_mailmap *mailmap)
{
    return mailmap->opts.clock->now_ms;
}

void xf_jobs_init(struct xf_mailmap *mailmap);
void xf_jobs_fini(struct xf_mailmap *mailmap);
/* Are users of whom nothing is known to wait for the directory? */
bool xf_jobs_hold(const struct xf_mailmap *mailmap);
void xf_jobs_set_directory(struct xf_mailmap *mailmap, struct xf_directory_settings *taken);
void xf_jobs_ask(struct xf_mailmap *mailmap); /* send what waits to be sent */

/* ------------------------------------------------------------------ watch.c */

void xf_watch_init(struct xf_mailmap *mailmap);
void xf_watch_fini(struct xf_mailmap *mailmap);
void xf_watch_set(struct xf_mailmap *mailmap, const char *path); /* and read it; "" for none */
