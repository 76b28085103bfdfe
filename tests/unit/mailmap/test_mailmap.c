/* SPDX-License-Identifier: MIT */
/*
 * test_mailmap.c — answers, LATER and waits, with a pool that works when the test says so, a clock
 * of its own, a real file, and a directory in memory: this file's xf_directory_load and _ask come
 * before the library's in the link. A case is a list of steps.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailmap_priv.h"

#include <xfed/base/alloc.h>
#include <xfed/base/log.h>

enum op {
    END,
    FILE_IS, /* text: the file's content; "-" removes it */
    USERS,   /* text: "jid=mail ..." in the directory */
    DOWN,
    UP,      /* the directory */
    POOL,    /* what waits on the pool is done */
    WAIT,    /* n milliseconds */
    MAIL,    /* text: "jid mail": the answer; mail "-" is NONE, "later" LATER */
    JID,     /* the same the other way round */
    WAITS,   /* text: somebody waits for that address */
    FORGETS, /* the same one does not wait any more */
    WOKEN,   /* n were woken since the last time */
    ASKED,   /* n questions about single users since the last time */
    LOADED,  /* n readings of the directory since the last time */
    MEMBER,  /* text: "group jid yes|no" */
    LOG,     /* text: event, n times since the last LOG */
    /*
     * reload; text: of "file", "directory", "other" (uri), "else" (base), "single" (preload = no),
     * "kept", "bounce", "hold"
     */
    SOURCES,
    STOP,
    RESTART, /* another process with these sources */
    SPOIL,   /* text: the content of the kept file */
    KEPT,    /* n: is there a kept file? */
    ASIDE,   /* n: is there one that was set aside? */
};

struct step {
    enum op op;
    const char *text;
    unsigned n;
};

struct mailmap_case {
    const char *label, *sources;
    struct step steps[40];
};

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
static const struct mailmap_case cases[] = {
    {"a file: nobody knows until it is read, then it answers both ways", "file", {
        {FILE_IS, "a@im.x a@x\n"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@im.x a@x"}, {JID, "a@x a@im.x"},
        {MAIL, "b@im.x -"}, {JID, "b@x -"}, {LOG, "identity.file.loaded", 1}}},

    {"a file that is replaced is read again", "file", {
        {FILE_IS, "a@im.x a@x\n"}, {POOL}, {MAIL, "a@im.x a@x"}, {FILE_IS, "a@im.x other@x\n"}, {WAIT, .n = 2000}, {MAIL, "a@im.x a@x"}, {POOL},
        {MAIL, "a@im.x other@x"}, {JID, "a@x -"}, {WAIT, .n = 2000}, {POOL}, {LOG, "identity.file.loaded", 2}}},

    {"a broken file leaves the old one in force, and says so once", "file", {
        {FILE_IS, "a@im.x a@x\n"}, {POOL}, {FILE_IS, "a@im.x a@x\nbroken\n"}, {WAIT, .n = 2000}, {POOL}, {LOG, "identity.file.refused", 1},
        {MAIL, "a@im.x a@x"}, {WAIT, .n = 2000}, {POOL}, {LOG, "identity.file.refused", 0}, {FILE_IS, "a@im.x c@x\n"}, {WAIT, .n = 2000}, {POOL}, {MAIL, "a@im.x c@x"}}},

    {"a file that is left out at a reload, be it broken, is nobody, and says so", "file", {
        {FILE_IS, "a@im.x a@x\n"}, {POOL}, {FILE_IS, "broken\n"}, {WAIT, .n = 2000}, {POOL}, {LOG, "identity.file.refused", 1}, {MAIL, "a@im.x a@x"},
        {LOG, "identity.file.removed", 0}, {SOURCES, ""}, {POOL}, {LOG, "identity.file.removed", 1}, {MAIL, "a@im.x -"}, {SOURCES, ""}, {LOG, "identity.file.removed", 0}}},

    {"a file that is not there is nobody, and is seen when it comes", "file", {
        {FILE_IS, "-"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@im.x -"}, {LOG, "identity.file.refused", 1},
        {FILE_IS, "a@im.x a@x\n"}, {WAIT, .n = 2000}, {POOL}, {MAIL, "a@im.x a@x"}, {FILE_IS, "-"}, {WAIT, .n = 2000}, {POOL}, {MAIL, "a@im.x a@x"},
        {LOG, "identity.file.refused", 1}}},

    {"a file that does not come in time", "file", {
        {FILE_IS, "a@im.x a@x\n"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {WAIT, .n = 4999}, {WOKEN, .n = 0}, {WAIT, .n = 1}, {WOKEN, .n = 1}, {MAIL, "a@im.x -"},
        {POOL}, {MAIL, "a@im.x a@x"}}},

    {"all users of the directory", "directory", {
        {USERS, "a@im.x=a@x b@im.x=b@x"}, {POOL}, {MAIL, "a@im.x a@x"}, {JID, "b@x b@im.x"}, {ASKED, .n = 0}, {LOADED, .n = 1}, {LOG, "identity.directory.loaded", 1}}},

    {"before they are read, single users are asked about", "directory", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {WAITS, "a@im.x"}, {POOL}, {WOKEN, .n = 2}, {MAIL, "a@im.x a@x"}, {ASKED, .n = 1}}},

    {"a user who is new since then is asked about, and nobody too, once for its time", "directory", {
        {USERS, "a@im.x=a@x"}, {POOL}, {USERS, "a@im.x=a@x b@im.x=b@x"}, {MAIL, "b@im.x later"}, {MAIL, "c@im.x later"}, {JID, "d@x later"}, {POOL}, {ASKED, .n = 3},
        {MAIL, "b@im.x b@x"}, {JID, "b@x b@im.x"}, {MAIL, "c@im.x -"}, {JID, "d@x -"}, {WAIT, .n = 59999}, {MAIL, "c@im.x -"}, {WAIT, .n = 1}, {MAIL, "c@im.x later"},
        {MAIL, "b@im.x b@x"}, {POOL}, {ASKED, .n = 1}}},

    {"user by user: an answer is good for its time, and stays while a new one is asked for and none comes", "single", {
        {USERS, "a@im.x=a@x"}, {POOL}, {LOADED, .n = 1}, {MAIL, "a@im.x later"}, {POOL}, {MAIL, "a@im.x a@x"}, {WAIT, .n = 600000}, {DOWN}, {MAIL, "a@im.x later"},
        {WAITS, "a@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@im.x a@x"}, {MAIL, "b@im.x -"}, {LOG, "identity.directory.lost", 1}}},

    {"a directory that is away: what is known stays, the rest is nobody at once", "directory", {
        {USERS, "a@im.x=a@x"}, {POOL}, {DOWN}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "b@im.x -"}, {MAIL, "a@im.x a@x"}, {MAIL, "c@im.x -"},
        {ASKED, .n = 1}, {LOG, "identity.directory.lost", 1}, {WAIT, .n = 1000}, {POOL}, {WAIT, .n = 2000}, {POOL}, {LOG, "identity.directory.lost", 0},
        {USERS, "a@im.x=a@x b@im.x=b@x"}, {UP}, {WAIT, .n = 4000}, {POOL}, {LOG, "identity.directory.found", 1}, {MAIL, "b@im.x b@x"}}},

    {"away from the start", "directory", {
        {USERS, "a@im.x=a@x"}, {DOWN}, {MAIL, "a@im.x later"}, {POOL}, {MAIL, "a@im.x -"}, {LOG, "identity.directory.lost", 1}, {UP}, {WAIT, .n = 2000}, {POOL},
        {MAIL, "a@im.x a@x"}}},

    {"a directory that is silent: who waits is woken in time, and nobody waits a second time", "directory", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {WAIT, .n = 2999}, {WOKEN, .n = 0}, {WAIT, .n = 1}, {WOKEN, .n = 1}, {MAIL, "a@im.x -"},
        {WAIT, .n = 5000}, {MAIL, "a@im.x -"}, {MAIL, "b@im.x later"}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"who forgets is not woken", "directory", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {WAITS, "a@im.x"}, {FORGETS}, {POOL}, {WOKEN, .n = 1}}},

    {"one address asked about as a JID and as an address", "single", {
        {USERS, "a@im.x=a@x"}, {POOL}, {ASKED, .n = 0}, {MAIL, "a@x later"}, {JID, "a@x later"}, {WAITS, "a@x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@x -"}, {JID, "a@x a@im.x"}}},

    {"read anew after the refresh time, and what was asked before is forgotten", "directory", {
        {USERS, "a@im.x=a@x"}, {POOL}, {LOADED, .n = 1}, {USERS, "a@im.x=new@x"}, {WAIT, .n = 130000}, {POOL}, {LOADED, .n = 1}, {MAIL, "a@im.x new@x"}, {JID, "a@x later"}}},

    {"who left is forgotten by a new reading, also when he was asked about by himself", "directory", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {POOL}, {MAIL, "a@im.x a@x"}, {USERS, "b@im.x=b@x"}, {WAIT, .n = 130000}, {POOL}, {MAIL, "a@im.x later"}, {POOL},
        {MAIL, "a@im.x -"}}},

    {"the file is stronger, both ways", "file directory", {
        {FILE_IS, "a@im.x file@x\n"}, {USERS, "a@im.x=dir@x b@im.x=file@x c@im.x=c@x"}, {POOL}, {MAIL, "a@im.x file@x"}, {JID, "file@x a@im.x"}, {JID, "dir@x -"},
        {MAIL, "b@im.x -"}, {MAIL, "c@im.x c@x"}}},

    {"nobody answers before the file is read", "file directory", {
        {FILE_IS, "a@im.x file@x\n"}, {USERS, "a@im.x=dir@x"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@im.x file@x"}}},

    {"groups", "directory", {
        {USERS, "a@im.x=a@x"}, {MEMBER, "friends a@im.x no"}, {POOL}, {MEMBER, "friends a@im.x yes"}, {MEMBER, "friends b@im.x no"}, {MEMBER, "others a@im.x no"}}},

    {"a reload to another directory: the old users answer until the new are read", "directory", {
        {USERS, "a@im.x=a@x"}, {POOL}, {USERS, "a@im.x=new@x"}, {SOURCES, "other"}, {MAIL, "a@im.x a@x"}, {POOL}, {MAIL, "a@im.x new@x"}, {LOADED, .n = 2}}},

    {"a reload to another directory ends what was said of the lost one; the next loss is said anew", "directory", {
        {DOWN}, {POOL}, {LOG, "identity.directory.lost", 1}, {SOURCES, "other"}, {LOG, "identity.directory.removed", 1}, {POOL}, {LOG, "identity.directory.lost", 1},
        {SOURCES, "file"}, {LOG, "identity.directory.removed", 1}}},

    {"a reload while jobs run", "directory", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {SOURCES, "other"}, {SOURCES, "single"}, {SOURCES, "other"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@im.x a@x"}}},

    {"a reload that takes the sources away", "file directory", {
        {FILE_IS, "b@im.x b@x\n"}, {USERS, "a@im.x=a@x"}, {POOL}, {MAIL, "a@im.x a@x"}, {SOURCES, ""}, {POOL}, {MAIL, "a@im.x -"}, {MAIL, "b@im.x -"}, {MEMBER, "friends a@im.x no"},
        {SOURCES, "file"}, {POOL}, {MAIL, "b@im.x b@x"}}},

    {"a reload that takes the file away while it is read", "file", {
        {FILE_IS, "b@im.x b@x\n"}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {SOURCES, "directory"}, {USERS, ""}, {POOL}, {WOKEN, .n = 1}, {MAIL, "b@im.x -"}}},

    {"unknown = bounce: while the directory is away nobody can say who is not known, at once", "directory bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {MAIL, "c@im.x later"}, {POOL}, {MAIL, "c@im.x -"}, {DOWN}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "b@im.x ?"},
        {JID, "b@x ?"}, {MAIL, "a@im.x a@x"}, {MAIL, "c@im.x -"}, {UP}, {WAIT, .n = 2000}, {POOL}, {MAIL, "b@im.x later"}, {POOL}, {MAIL, "b@im.x -"}}},

    {"unknown = bounce, and a silent directory", "directory bounce", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {WAITS, "a@im.x"}, {WAIT, .n = 3000}, {WOKEN, .n = 1}, {MAIL, "a@im.x ?"}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"unknown = hold: who is not known waits for the directory, and who is known does not", "directory hold", {
        {USERS, "a@im.x=a@x"}, {POOL}, {DOWN}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {POOL}, {WOKEN, .n = 0}, {MAIL, "a@im.x a@x"}, {LOG, "identity.directory.lost", 1},
        {WAIT, .n = 2000}, {POOL}, {WOKEN, .n = 0}, {JID, "c@x later"}, {USERS, "a@im.x=a@x b@im.x=b@x"}, {UP}, {WAIT, .n = 4000}, {POOL}, {WOKEN, .n = 1}, {MAIL, "b@im.x b@x"}}},

    {"unknown = hold ends, once for each user, however often the directory is tried", "directory hold", {
        {DOWN}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {POOL}, {WAIT, .n = 5000}, {POOL}, {WAIT, .n = 4999}, {WOKEN, .n = 0}, {POOL}, {WAIT, .n = 1}, {WOKEN, .n = 1}, {MAIL, "b@im.x ?"},
        {WAIT, .n = 60000}, {POOL}, {MAIL, "b@im.x ?"}, {MAIL, "c@im.x later"}, {USERS, "b@im.x=b@x"}, {UP}, {WAIT, .n = 40000}, {POOL}, {MAIL, "b@im.x b@x"}}},

    {"a reload from hold to bounce lets go who waits", "directory hold", {
        {DOWN}, {POOL}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {SOURCES, "directory bounce"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "b@im.x ?"}}},

    {"a reload that takes the directory away lets go who waits", "file directory hold", {
        {FILE_IS, "z@im.x z@x\n"}, {DOWN}, {POOL}, {MAIL, "b@im.x later"}, {WAITS, "b@im.x"}, {SOURCES, "file"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "b@im.x -"}}},

    {"kept: all users are known after a restart while the directory is away, and asked about when it is not", "directory kept bounce", {
        {USERS, "a@im.x=a@x b@im.x=b@x"}, {POOL}, {KEPT, .n = 1}, {DOWN}, {RESTART, "directory kept bounce"}, {LOG, "identity.kept.loaded", 2}, {MAIL, "a@im.x later"},
        {WAITS, "a@im.x"}, {POOL}, {WOKEN, .n = 1}, {MAIL, "a@im.x a@x"}, {JID, "b@x b@im.x"}, {MAIL, "c@im.x ?"}, {USERS, "a@im.x=a@x"}, {UP}, {WAIT, .n = 2000}, {POOL},
        {MAIL, "b@im.x later"}, {POOL}, {MAIL, "b@im.x -"}, {JID, "b@x later"}, {POOL}, {JID, "b@x -"}}},

    {"kept: who was deleted is forgotten in the file too", "directory kept bounce", {
        {USERS, "a@im.x=a@x b@im.x=b@x"}, {POOL}, {USERS, "a@im.x=new@x"}, {WAIT, .n = 130000}, {POOL}, {DOWN}, {RESTART, "directory kept bounce"}, {POOL}, {MAIL, "a@im.x new@x"},
        {MAIL, "b@im.x ?"}, {JID, "a@x ?"}}},

    {"kept: single users, also that they have no address; what peers made up is not", "single kept bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {MAIL, "a@im.x later"}, {MAIL, "room@im.x later"}, {JID, "made-up@x later"}, {POOL}, {DOWN}, {RESTART, "single kept bounce"}, {POOL},
        {MAIL, "a@im.x a@x"}, {JID, "a@x a@im.x"}, {MAIL, "room@im.x -"}, {JID, "made-up@x ?"}, {MAIL, "made-up@x ?"}}},

    {"kept: an address that moved to another user", "single kept bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {MAIL, "a@im.x later"}, {POOL}, {USERS, "b@im.x=a@x"}, {MAIL, "b@im.x later"}, {POOL}, {DOWN}, {RESTART, "single kept bounce"}, {POOL},
        {JID, "a@x b@im.x"}, {MAIL, "a@im.x ?"}}},

    {"kept: an address of two is not", "directory kept bounce", {
        {USERS, "a@im.x=a@x b@im.x=a@x"}, {POOL}, {DOWN}, {RESTART, "directory kept bounce"}, {POOL}, {MAIL, "a@im.x ?"}, {JID, "a@x ?"}}},

    {"kept, and of another base", "directory kept bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {DOWN}, {RESTART, "else kept bounce"}, {POOL}, {MAIL, "a@im.x ?"}}},

    {"kept, and of another server: the users are the same", "directory kept bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {DOWN}, {RESTART, "other kept bounce"}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"kept for too long, over a restart or not", "directory kept bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {DOWN}, {WAIT, .n = 600000}, {RESTART, "directory kept bounce"}, {POOL}, {MAIL, "a@im.x a@x"}, {WAIT, .n = 399999}, {MAIL, "a@im.x a@x"},
        {WAIT, .n = 1000}, {MAIL, "a@im.x ?"}, {RESTART, "directory kept bounce"}, {POOL}, {MAIL, "a@im.x ?"}}},

    {"known for too long without a restart", "directory bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {WAIT, .n = 99999}, {DOWN}, {WAIT, .n = 20000}, {POOL}, {MAIL, "a@im.x a@x"}, {WAIT, .n = 880000}, {POOL}, {WAIT, .n = 1}, {MAIL, "a@im.x ?"}, {UP},
        {WAIT, .n = 30000}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"a kept file that is none is set aside", "directory kept bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {SPOIL, "this is not a database"}, {DOWN}, {RESTART, "directory kept bounce"}, {LOG, "identity.kept.refused", 1}, {ASIDE, .n = 1}, {POOL},
        {MAIL, "a@im.x ?"}, {UP}, {WAIT, .n = 2000}, {POOL}, {DOWN}, {RESTART, "directory kept bounce"}, {LOG, "identity.kept.refused", 0}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"an empty kept file is a new one", "directory kept bounce", {
        {SPOIL, ""}, {USERS, "a@im.x=a@x"}, {RESTART, "directory kept bounce"}, {LOG, "identity.kept.refused", 0}, {POOL}, {DOWN}, {RESTART, "directory kept bounce"}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"keep = no removes the file, at a reload and at a start, and so does a configuration without directory", "directory kept", {
        {USERS, "a@im.x=a@x"}, {POOL}, {KEPT, .n = 1}, {SOURCES, "directory"}, {POOL}, {KEPT, .n = 0}, {SOURCES, "directory kept"}, {POOL}, {KEPT, .n = 1}, {RESTART, "directory"}, {KEPT, .n = 0},
        {RESTART, "directory kept"}, {POOL}, {KEPT, .n = 1}, {SOURCES, "file"}, {POOL}, {KEPT, .n = 0}, {SPOIL, "x"}, {RESTART, "file"}, {KEPT, .n = 0}}},

    {"keep = no while the file is written", "directory kept", {
        {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {SOURCES, "directory"}, {POOL}, {KEPT, .n = 0}, {MAIL, "a@im.x a@x"}}},

    {"a reload that changes the time only: single users stay known", "single bounce", {
        {USERS, "a@im.x=a@x"}, {POOL}, {MAIL, "a@im.x later"}, {POOL}, {DOWN}, {SOURCES, "single bounce quick"}, {POOL}, {MAIL, "a@im.x a@x"}}},

    {"the end while jobs run and somebody waits", "file directory", {
        {FILE_IS, "a@im.x a@x\n"}, {USERS, "a@im.x=a@x"}, {MAIL, "a@im.x later"}, {STOP}, {POOL}}},
};
/* clang-format on */

/* ------------------------------------------------------------------ the directory */

static const char *users;
static bool is_down;
static unsigned asked, loaded;

enum xf_err xf_directory_open(struct xf_directory *directory, struct xf_error *err)
{
    (void)directory;
    return is_down ? xf_fail(err, XF_ERR_IO, "down") : XF_ERR_OK;
}

void xf_directory_close(struct xf_directory *directory)
{
    directory->ld = NULL;
}

static bool next_user(const char **at, struct xf_span *out_jid, struct xf_span *out_mail)
{
    const char *equals = strchr(*at, '=');
    if (!equals)
        return false;
    *out_jid = (struct xf_span){*at, (size_t)(equals - *at)};
    *out_mail = (struct xf_span){equals + 1, strcspn(equals + 1, " ")};
    *at = out_mail->ptr + out_mail->len;
    *at += **at == ' ';
    return true;
}

enum xf_err xf_directory_load(struct xf_directory *directory, struct xf_loaded *out,
                              struct xf_error *err)
{
    struct xf_user user = {.line = 0}, other;
    *out = (struct xf_loaded){.members = NULL};
    loaded++;
    if (is_down)
        return xf_fail(err, XF_ERR_IO, "down");
    out->members = xf_map_new();
    xf_members_add(out->members, XF_SPAN("friends"), XF_SPAN("a@im.x"));
    out->users = directory->settings->preload ? xf_table_new(100) : NULL;
    for (const char *at = users; out->users && next_user(&at, &user.jid, &user.mail);)
        (void)!xf_table_add(out->users, &user, &other);
    return XF_ERR_OK;
}

enum xf_err xf_directory_ask(struct xf_directory *directory, struct xf_span address, unsigned kinds,
                             struct xf_mailmap_query_answer *out, struct xf_notes *notes,
                             struct xf_error *err)
{
    struct xf_span jid, mail;
    (void)directory;
    (void)notes;
    asked++;
    if (is_down)
        return xf_fail(err, XF_ERR_IO, "down");
    for (const char *at = users; next_user(&at, &jid, &mail);) {
        if ((kinds & XF_ASK_MAIL) && xf_span_eq(jid, address))
            out->mail = xf_span_dup(mail);
        if ((kinds & XF_ASK_JID) && xf_span_eq(mail, address))
            out->jid = xf_span_dup(jid);
    }
    return XF_ERR_OK;
}

/* ------------------------------------------------------------------ the world */

#define JOBS_MAX   16
#define WAITS_MAX  8
#define EVENTS_MAX 200

static struct {
    void (*work)(void *owner), (*done)(void *owner);
    void *owner;
} jobs[JOBS_MAX];
static size_t job_count, wait_count;
static struct xf_mailmap_wait waits[WAITS_MAX];
static unsigned woken;
static struct xf_clock test_clock;
static struct xf_timers *timers;
static struct xf_mailmap *mailmap;
static char path[64], kept_path[80], aside_path[100], events[EVENTS_MAX][40];
static size_t event_count;

/*
 * A thread that is faster than the loop: the work is done before the one who asked for it goes on.
 */
static bool is_eager;

static void do_nothing(void *owner)
{
    (void)owner;
}

static void queue_work(struct xf_pool *pool, void (*work)(void *owner), void (*done)(void *owner),
                       void *owner)
{
    (void)pool;
    ck_assert_uint_lt(job_count, JOBS_MAX);
    for (size_t i = 0; i < job_count; i++)
        ck_assert_ptr_ne(jobs[i].owner, owner); /* jobs of one owner must not overlap */
    if (is_eager)
        work(owner);
    jobs[job_count].work = is_eager ? do_nothing : work;
    jobs[job_count].done = done;
    jobs[job_count++].owner = owner;
}

static struct xf_pool pool = {queue_work};

static void run_pool(void)
{
    while (job_count > 0) {
        void (*done)(void *owner) = jobs[0].done;
        void *owner = jobs[0].owner;
        jobs[0].work(owner);
        job_count--;
        memmove(jobs, jobs + 1, job_count * sizeof(jobs[0]));
        done(owner);
    }
}

static void wait_ms(unsigned ms)
{
    uint64_t until_ms = test_clock.now_ms + ms;
    for (uint64_t next_ms; (next_ms = xf_timers_next_ms(timers)) <= until_ms; xf_timers_run(timers))
        test_clock.now_ms = next_ms > test_clock.now_ms ? next_ms : test_clock.now_ms;
    test_clock.now_ms = until_ms;
}

static void on_woken(void *owner)
{
    (void)owner;
    woken++;
}

static void on_log(void *owner, enum xf_log_level level, const char *event, const char *line)
{
    (void)owner;
    (void)level;
    (void)line;
    ck_assert_uint_lt(event_count, EVENTS_MAX);
    (void)snprintf(events[event_count++], sizeof(events[0]), "%s", event);
}

static void count_events(const char *label, const char *event, unsigned want)
{
    unsigned count = 0;
    for (size_t i = 0; i < event_count; i++)
        count += strcmp(events[i], event) == 0;
    event_count = 0;
    ck_assert_msg(count == want, "%s: %s %u times, wanted %u", label, event, count, want);
}

static void write_file(const char *text)
{
    char other[80];
    if (strcmp(text, "-") == 0) {
        (void)unlink(path);
        return;
    }
    (void)snprintf(other, sizeof(other), "%s.new", path);
    FILE *file = fopen(other, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(text, file) >= 0 && fclose(file) == 0 && rename(other, path) == 0);
}

static const struct xf_mailmap_origin nowhere = {0};

static struct xf_mailmap_settings settings_of(const char *sources)
{
    static char none[] = "", uri[] = "ldap://x", other[] = "ldap://y", base[] = "dc=x",
                else_base[] = "dc=y", filter[] = "(uid=*)", uid[] = "uid", domain[] = "im.x",
                mail[] = "mail";
    struct xf_mailmap_settings settings = {
        .file = strstr(sources, "file") ? path : none,
        .directory = {.uri = strstr(sources, "directory") || strstr(sources, "single") ||
                                     strstr(sources, "else")
                                 ? uri
                             : strstr(sources, "other") ? other
                                                        : none,
                      .ca_file = none,
                      .bind_dn = none,
                      .password_file = none,
                      .base = strstr(sources, "else") ? else_base : base,
                      .filter = filter,
                      .jid_attribute = uid,
                      .jid_domain = domain,
                      .mail_attribute = mail,
                      .preload = !strstr(sources, "single"),
                      .page_entries = 100,
                      .refresh_ms = 100000,
                      .cache_ms = 600000,
                      .negative_cache_ms = 60000,
                      .timeout_ms = strstr(sources, "quick") ? 2000 : 3000,
                      .cache_entries = 100,
                      .keep = strstr(sources, "kept"),
                      .keep_ms = 1000000,
                      .unknown = strstr(sources, "bounce") ? XF_UNKNOWN_BOUNCE
                                 : strstr(sources, "hold") ? XF_UNKNOWN_HOLD
                                                           : XF_UNKNOWN_JID,
                      .hold_ms = 10000},
    };
    return settings;
}

static void split_words(const char *text, char first[64], const char **out_second)
{
    size_t len = strcspn(text, " ");
    (void)snprintf(first, 64, "%.*s", (int)len, text);
    *out_second = text + len + 1;
}

static void expect_answer(const char *label, const struct step *step)
{
    char address[64];
    const char *want;
    struct xf_span out = XF_SPAN("");
    split_words(step->text, address, &want);
    enum xf_mailmap_answer answer = (step->op == MAIL ? xf_mailmap_mail_of : xf_mailmap_jid_of)(
        mailmap, xf_span_of(address), &out);
    struct xf_span got = answer == XF_MAILMAP_FOUND     ? out
                         : answer == XF_MAILMAP_NONE    ? XF_SPAN("-")
                         : answer == XF_MAILMAP_UNKNOWN ? XF_SPAN("?")
                                                        : XF_SPAN("later");
    ck_assert_msg(xf_span_is(got, want), "%s: step %s: %.*s", label, step->text, XF_SPAN_ARGS(got));
}

static void expect_member(const char *label, const char *text)
{
    char group[64], jid[64];
    const char *rest;
    split_words(text, group, &rest);
    split_words(rest, jid, &rest);
    ck_assert_msg(xf_mailmap_is_member(mailmap, group, xf_span_of(jid)) ==
                      (strcmp(rest, "yes") == 0),
                  "%s: %s", label, text);
}

static void expect_count(const char *label, const char *what, unsigned *count, unsigned want)
{
    ck_assert_msg(*count == want, "%s: %s %u, wanted %u", label, what, *count, want);
    *count = 0;
}

static int64_t unix_s(void)
{
    return (int64_t)(test_clock.now_ms / 1000);
}

static void begin(const char *sources)
{
    struct xf_mailmap_settings settings = settings_of(sources);
    mailmap = xf_mailmap_new(&(struct xf_mailmap_opts){.clock = &test_clock,
                                                       .timers = timers,
                                                       .pool = &pool,
                                                       .settings = &settings,
                                                       .keep_file = kept_path,
                                                       .unix_s = unix_s});
    ck_assert_ptr_nonnull(mailmap);
}

static void end(void)
{
    xf_mailmap_stop(mailmap);
    run_pool();
    ck_assert(!xf_mailmap_is_busy(mailmap));
    xf_mailmap_free(&mailmap);
}

static void spoil(const char *text)
{
    FILE *file = fopen(kept_path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(text, file) >= 0 && fclose(file) == 0);
}

/* A file that is there belongs to its owner alone. */
static void expect_file(const char *label, const char *name, unsigned is_there)
{
    struct stat status;
    ck_assert_msg((stat(name, &status) == 0) == is_there, "%s: %s", label, name);
    ck_assert_msg(!is_there || strstr(name, "unusable") || (status.st_mode & 0777) == 0600,
                  "%s: %s has mode %o", label, name, status.st_mode);
}

static void play(const char *label, const struct step *step)
{
    struct xf_mailmap_settings settings;
    switch (step->op) {
    case FILE_IS:
        write_file(step->text);
        break;
    case USERS:
        users = step->text;
        break;
    case DOWN:
        is_down = true;
        break;
    case UP:
        is_down = false;
        break;
    case POOL:
        run_pool();
        break;
    case WAIT:
        wait_ms(step->n);
        break;
    case MAIL:
    case JID:
        expect_answer(label, step);
        break;
    case WAITS:
        waits[wait_count] = (struct xf_mailmap_wait){.done = on_woken};
        xf_mailmap_wait(mailmap, xf_span_of(step->text), &waits[wait_count++]);
        break;
    case FORGETS:
        xf_mailmap_forget(&waits[wait_count - 1]);
        break;
    case WOKEN:
        expect_count(label, "woken", &woken, step->n);
        break;
    case ASKED:
        expect_count(label, "asked", &asked, step->n);
        break;
    case LOADED:
        expect_count(label, "loaded", &loaded, step->n);
        break;
    case MEMBER:
        expect_member(label, step->text);
        break;
    case LOG:
        count_events(label, step->text, step->n);
        break;
    case SOURCES:
        settings = settings_of(step->text);
        xf_mailmap_reload(mailmap, &settings);
        break;
    case STOP:
        xf_mailmap_stop(mailmap);
        break;
    case RESTART:
        end();
        begin(step->text);
        break;
    case SPOIL:
        spoil(step->text);
        break;
    case KEPT:
        expect_file(label, kept_path, step->n);
        break;
    case ASIDE:
        expect_file(label, aside_path, step->n);
        break;
    default:
        ck_abort();
    }
}

START_TEST(plays)
{
    const struct mailmap_case *it = &cases[_i];
    size_t at = it->steps[0].op == FILE_IS ? 1 : 0;
    if (at)
        write_file(it->steps[0].text);
    begin(it->sources);
    for (; it->steps[at].op != END; at++)
        play(it->label, &it->steps[at]);
    end();
    ck_assert_msg(xf_timers_next_ms(timers) == UINT64_MAX, "%s: a timer runs", it->label);
}
END_TEST

/* More than a batch, and more than may be asked about at a time. */
START_TEST(bounds_what_is_asked)
{
    struct xf_mailmap_settings settings = settings_of("single");
    struct xf_mailmap_opts opts = {
        .clock = &test_clock, .timers = timers, .pool = &pool, .settings = &settings};
    struct xf_span out;
    char jid[32];
    unsigned later = 0;
    mailmap = xf_mailmap_new(&opts);
    run_pool();
    for (int i = 0; i < XF_ASKS_MAX + 10; i++) {
        (void)snprintf(jid, sizeof(jid), "u%d@im.x", i);
        later += xf_mailmap_mail_of(mailmap, xf_span_of(jid), &out) == XF_MAILMAP_LATER;
    }
    ck_assert_uint_eq(later, XF_ASKS_MAX);
    run_pool();
    ck_assert_uint_eq(asked, XF_ASKS_MAX);
    ck_assert_uint_eq(xf_map_count(mailmap->asks), 0);
    ck_assert_uint_le(xf_cache_count(mailmap->cache), 100);
    xf_mailmap_stop(mailmap);
    xf_mailmap_free(&mailmap);
}
END_TEST

#define CHAINS 7

/*
 * Who is woken asks for the next one at once, as lines of stanzas do; several are woken by one
 * batch.
 */
static struct chain {
    struct xf_mailmap_wait wait;
    int at;
} chains[CHAINS];

static void follow(void *owner)
{
    char jid[32];
    struct xf_span out;
    struct chain *chain = owner;
    for (; chain->at < 200; chain->at += CHAINS) {
        (void)snprintf(jid, sizeof(jid), "u%d@im.x", chain->at);
        if (xf_mailmap_mail_of(mailmap, xf_span_of(jid), &out) != XF_MAILMAP_LATER)
            continue;
        chain->wait = (struct xf_mailmap_wait){.done = follow, .owner = chain};
        xf_mailmap_wait(mailmap, xf_span_of(jid), &chain->wait);
        return;
    }
}

START_TEST(takes_questions_of_who_is_woken)
{
    struct xf_mailmap_settings settings = settings_of("single");
    struct xf_mailmap_opts opts = {
        .clock = &test_clock, .timers = timers, .pool = &pool, .settings = &settings};
    struct xf_span out;
    is_eager = true;
    mailmap = xf_mailmap_new(&opts);
    run_pool();
    ck_assert_int_eq(xf_mailmap_mail_of(mailmap, XF_SPAN("other@im.x"), &out), XF_MAILMAP_LATER);
    for (int i = 0; i < CHAINS; i++) {
        chains[i].at = i;
        follow(&chains[i]);
    }
    run_pool();
    for (int i = 0; i < CHAINS; i++)
        ck_assert_int_ge(chains[i].at, 200);
    ck_assert_uint_eq(asked, 201);
    xf_mailmap_stop(mailmap);
    xf_mailmap_free(&mailmap);
}
END_TEST

/* A peer makes addresses up: that takes half of the room, and a user of ours comes first. */
START_TEST(asks_for_ours_first)
{
    struct xf_mailmap_settings settings = settings_of("single");
    struct xf_mailmap_opts opts = {
        .clock = &test_clock, .timers = timers, .pool = &pool, .settings = &settings};
    struct xf_span out;
    char address[32];
    unsigned later = 0;
    users = "a@im.x=ann@mail.x";
    settings.directory.cache_entries = 2 * XF_ASKS_MAX;
    mailmap = xf_mailmap_new(&opts);
    run_pool();
    for (int i = 0; i < XF_ASKS_MAX; i++) {
        (void)snprintf(address, sizeof(address), "u%d@mail.x", i);
        later += xf_mailmap_jid_of(mailmap, xf_span_of(address), &out) == XF_MAILMAP_LATER;
    }
    ck_assert_uint_eq(later, XF_ASKS_STRANGERS_MAX);
    ck_assert_int_eq(xf_mailmap_mail_of(mailmap, XF_SPAN("a@im.x"), &out), XF_MAILMAP_LATER);
    ck_assert(xf_span_is(xf_mailmap_query_next(mailmap)->address, "a@im.x"));
    (void)snprintf(address, sizeof(address), "u%d@mail.x", XF_ASKS_STRANGERS_MAX - 1);
    /* is moved up */
    ck_assert_int_eq(xf_mailmap_mail_of(mailmap, xf_span_of(address), &out), XF_MAILMAP_LATER);
    ck_assert_uint_eq(mailmap->stranger_count, XF_ASKS_STRANGERS_MAX - 1);
    run_pool();
    ck_assert_uint_eq(mailmap->stranger_count, 0);
    ck_assert_int_eq(xf_mailmap_mail_of(mailmap, XF_SPAN("a@im.x"), &out), XF_MAILMAP_FOUND);
    ck_assert_int_eq(xf_mailmap_mail_of(mailmap, XF_SPAN("u0@mail.x"), &out),
                     XF_MAILMAP_NONE); /* was asked for with it */
    xf_mailmap_stop(mailmap);
    xf_mailmap_free(&mailmap);
}
END_TEST

START_TEST(is_nothing_without_a_source)
{
    struct xf_mailmap_settings settings = settings_of("");
    struct xf_mailmap_opts opts = {
        .clock = &test_clock, .timers = timers, .pool = &pool, .settings = &settings};
    ck_assert_ptr_null(xf_mailmap_new(&opts));
    xf_mailmap_free(&mailmap);
    xf_mailmap_stop(NULL);
    ck_assert(!xf_mailmap_is_busy(NULL));
}
END_TEST

static bool serves_x(void *owner, struct xf_span domain)
{
    (void)owner;
    return xf_span_is(domain, "x");
}

START_TEST(checks)
{
    static const struct xf_mailmap_served ours = {serves_x, NULL};
    static const struct {
        const char *sources, *file, *want;
        bool is_down, is_good;
    } rows[] = {
        {"file directory", "a@x b@x\n", NULL, false, true},
        {"file", "a@x b@x\nc@x b@x\n",
         ":2: c@x has the address b@x of a@x (line 1): neither is known by it, expected one user "
         "for an address",
         false, true},
        {"file", "a@x\n", ":1: there is no e-mail address: expected a JID and an e-mail address",
         false, false},
        {"file", "a@x a@elsewhere.x\n",
         ":1: a@elsewhere.x: elsewhere.x is not served here, so peers see the JID: expected "
         "the domain or alias of a served section",
         false, true},
        {"file", "a@x b@x\na@y b@x\n", ":2: a@y has the address b@x", false, true},
        {"file", "a@y a@x\n", ":1: a@y: y is not served here, so the line has no effect", false,
         true},
        {"file", "-", ": cannot be opened: No such file or directory", false, false},
        {"directory", "-", "warning: down", true, true},
        {"", "-", NULL, false, true},
    };
    for (size_t i = 0; i < XF_ARRAY_LEN(rows); i++) {
        struct xf_mailmap_settings settings = settings_of(rows[i].sources);
        char *messages = NULL;
        write_file(rows[i].file);
        is_down = rows[i].is_down;
        ck_assert_int_eq(xf_mailmap_check(&settings, &nowhere, &nowhere, &ours, &messages),
                         rows[i].is_good ? XF_ERR_OK : XF_ERR_CONFIG);
        ck_assert_msg(rows[i].want ? messages && strstr(messages, rows[i].want) : !messages,
                      "%zu: %s", i, messages ? messages : "nothing");
        xf_free(messages);
    }
}
END_TEST

static void set_up(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/xf-identity-%d", getpid());
    (void)snprintf(kept_path, sizeof(kept_path), "%s.kept", path);
    (void)snprintf(aside_path, sizeof(aside_path), "%s.unusable", kept_path);
    test_clock.now_ms = 1000;
    timers = xf_timers_new(&test_clock);
    users = "";
    is_down = is_eager = false;
    asked = loaded = woken = 0;
    job_count = wait_count = event_count = 0;
    xf_log_set_sink(on_log, NULL);
}

static void tear_down(void)
{
    xf_log_set_sink(NULL, NULL);
    xf_timers_free(&timers);
    (void)unlink(path);
    (void)unlink(kept_path);
    (void)unlink(aside_path);
}

int main(void)
{
    Suite *suite = suite_create("mailmap/mailmap");
    TCase *tests = tcase_create("mailmap");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, plays, 0, (int)XF_ARRAY_LEN(cases));
    tcase_add_test(tests, bounds_what_is_asked);
    tcase_add_test(tests, asks_for_ours_first);
    tcase_add_test(tests, takes_questions_of_who_is_woken);
    tcase_add_test(tests, is_nothing_without_a_source);
    tcase_add_test(tests, checks);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
